#include <errno.h>
#include <string.h>

#include "client/cmd.h"
#include "lib/codec/json_get.h"

static const char *text_of(const cJSON *event, const char *key)
{
    const char *text = acc_json_text(event, key);

    return text ? text : "";
}

static enum accctl_color color_of(const char *kind)
{
    if (strcmp(kind, "incident") == 0 || strcmp(kind, "engine") == 0) {
        return ACCCTL_RED;
    }
    return strcmp(kind, "operator") == 0 ? ACCCTL_BOLD
           : strcmp(kind, "would") == 0  ? ACCCTL_DIM
                                         : ACCCTL_PLAIN;
}

static void print_event(struct accctl *ctl, const cJSON *event)
{
    const char *service = text_of(event, "service");
    const char *kind = text_of(event, "kind");
    const char *text = text_of(event, "text");
    size_t kind_len = strlen(kind);
    struct acc_buf line;
    char stamp[ACCCTL_CLOCK_MAX];

    if (ctl->options->json) {
        accctl_print_json(ctl, event);
        return;
    }
    acc_buf_init(&line, 65536);
    accctl_clock(text_of(event, "time"), stamp, sizeof(stamp));
    accctl_put_color(&line, &ctl->style, ACCCTL_DIM, stamp, 0);
    (void)acc_buf_printf(&line, " %-8s ", kind);
    if (*service) {
        accctl_put_text(&line, service, 0);
        (void)acc_buf_puts(&line, ": ");
    }
    if (strncmp(text, kind, kind_len) == 0 && text[kind_len] == ' ') {
        text += kind_len + 1; /* "incident 7 opened": the log has no such column */
        (void)acc_buf_puts(&line, "no. ");
    }
    accctl_put_color(&line, &ctl->style, color_of(kind), text, 0);
    (void)fprintf(ctl->out, "%s\n", line.data ? line.data : "");
    acc_buf_fini(&line);
}

/* False: that was the last reply; `*ret_code` says how it ended. */
static bool take_reply(struct accctl *ctl, const cJSON *reply, enum accctl_exit *ret_code)
{
    const cJSON *event;

    if (acc_json_text(reply, "error")) {
        *ret_code = accctl_tell_error(ctl, reply);
        return false;
    }
    cJSON_ArrayForEach(event, acc_json_array(acc_json_object(reply, "parameters"), "events"))
    {
        print_event(ctl, event);
    }
    (void)fflush(ctl->out);
    *ret_code = ACCCTL_DONE;
    return acc_json_bool(reply, "continues");
}

/* What a decision was made on, for accctl replay. */
static enum accctl_exit save(struct accctl *ctl)
{
    cJSON *parameters = cJSON_CreateObject();
    cJSON *reply = NULL;
    enum accctl_exit code;
    const cJSON *line;

    (void)cJSON_AddNumberToObject(parameters, "decision", ctl->options->save);
    code = accctl_ask_for(ctl, "io.acc.State", parameters, accctl_limit_ms(ctl), &reply);
    if (code == ACCCTL_DONE && ctl->options->json) {
        accctl_print_json(ctl, acc_json_object(reply, "parameters"));
    } else if (code == ACCCTL_DONE) {
        cJSON_ArrayForEach(line, acc_json_array(acc_json_object(reply, "parameters"), "lines"))
        {
            const char *text = acc_json_text_of(line);

            (void)fprintf(ctl->out, "%s\n", text ? text : "");
        }
    }
    cJSON_Delete(reply);
    return code;
}

enum accctl_exit accctl_cmd_events(struct accctl *ctl)
{
    if (ctl->options->save > 0) {
        return save(ctl);
    }
    cJSON *parameters = accctl_targets(ctl);
    struct accctl_conn *conn = NULL;
    enum accctl_exit code = accctl_connect(ctl, &conn);
    bool goes_on = code == ACCCTL_DONE;
    int r;

    (void)cJSON_AddNumberToObject(parameters, "limit", ctl->options->limit);
    r = goes_on ? accctl_conn_send(conn, "io.acc.Events", parameters, ctl->options->follow) : 0;
    for (bool is_first = true; goes_on; is_first = false) {
        cJSON *reply = NULL;

        r = r < 0      ? r
            : is_first ? accctl_receive(ctl, conn, accctl_limit_ms(ctl), &reply)
                       : accctl_receive_news(ctl, conn, &reply);
        if (r < 0) {
            code = accctl_tell_broken(ctl, r);
            break;
        }
        goes_on = take_reply(ctl, reply, &code);
        cJSON_Delete(reply);
    }
    cJSON_Delete(parameters);
    (void)accctl_conn_close(conn);
    return code;
}
