#include <errno.h>
#include <string.h>

#include "client/cmd.h"
#include "lib/codec/json_get.h"

/* A service with one container needs no names before its lines. */
struct printer {
    struct accctl *ctl;
    char first[256];
    bool has_several;
};

static void print_line(struct printer *printer, const cJSON *line)
{
    struct accctl *ctl = printer->ctl;
    const char *text = acc_json_text(line, "text");
    const char *instance = acc_json_text(line, "instance");
    const char *stream = acc_json_text(line, "stream");
    FILE *out = stream && strcmp(stream, "stderr") == 0 ? ctl->err : ctl->out;

    instance = instance ? instance : "";
    if (ctl->options->json) {
        accctl_print_json(ctl, line);
        return;
    }
    if (printer->first[0] == '\0') {
        (void)snprintf(printer->first, sizeof(printer->first), "%s", instance);
    }
    printer->has_several |= strcmp(printer->first, instance) != 0;
    if (printer->has_several) {
        (void)fprintf(out, "%s | ", instance);
    }
    (void)fprintf(out, "%s\n", text ? text : ""); /* as it came, its colours too */
}

static bool take_reply(struct printer *printer, const cJSON *reply, enum accctl_exit *ret_code)
{
    const cJSON *line;

    if (acc_json_text(reply, "error")) {
        *ret_code = accctl_tell_error(printer->ctl, reply);
        return false;
    }
    cJSON_ArrayForEach(line, acc_json_array(acc_json_object(reply, "parameters"), "lines"))
    {
        print_line(printer, line);
    }
    (void)fflush(printer->ctl->out);
    *ret_code = ACCCTL_DONE;
    return acc_json_bool(reply, "continues");
}

static cJSON *parameters_of(const struct accctl_options *o)
{
    cJSON *parameters = cJSON_CreateObject();

    (void)cJSON_AddStringToObject(parameters, "target", o->args[0]);
    (void)cJSON_AddBoolToObject(parameters, "follow", o->follow);
    (void)cJSON_AddBoolToObject(parameters, "timestamps", o->timestamps);
    if (o->taken_back) {
        (void)cJSON_AddBoolToObject(parameters, "taken_back", true);
    }
    if (o->tail != UINT32_MAX) {
        (void)cJSON_AddNumberToObject(parameters, "tail", o->tail);
    }
    return parameters;
}

enum accctl_exit accctl_cmd_logs(struct accctl *ctl)
{
    cJSON *parameters = parameters_of(ctl->options);
    struct printer printer = {.ctl = ctl};
    struct accctl_conn *conn = NULL;
    enum accctl_exit code = accctl_connect(ctl, &conn);
    bool goes_on = code == ACCCTL_DONE;
    int r = goes_on ? accctl_conn_send(conn, "io.acc.Logs", parameters, true) : 0;

    while (goes_on) {
        cJSON *reply = NULL;

        /* A quiet service is quiet, but all that it said comes at once. */
        r = r < 0                  ? r
            : ctl->options->follow ? accctl_receive_news(ctl, conn, &reply)
                                   : accctl_receive(ctl, conn, accctl_limit_ms(ctl), &reply);
        if (r < 0) {
            code = accctl_tell_broken(ctl, r);
            break;
        }
        goes_on = take_reply(&printer, reply, &code);
        cJSON_Delete(reply);
    }
    cJSON_Delete(parameters);
    (void)accctl_conn_close(conn);
    return code;
}
