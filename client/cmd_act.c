#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#include "client/cmd.h"
#include "client/progress.h"
#include "client/render_status.h"
#include "lib/base/str.h"
#include "lib/codec/json_get.h"

/* "hand-back" -> "io.acc.HandBack" */
static void method_of(const char *verb, char *out, size_t out_size)
{
    bool upper = true;
    size_t n = (size_t)snprintf(out, out_size, "io.acc.");

    for (; *verb && n + 1 < out_size; verb++) {
        if (*verb == '-') {
            upper = true;
            continue;
        }
        out[n++] = (char)(upper ? toupper((unsigned char)*verb) : *verb);
        upper = false;
    }
    out[n] = '\0';
}

/* What all of them take. */
static void add_common(const struct accctl_options *o, cJSON *parameters)
{
    if (o->detach) {
        (void)cJSON_AddTrueToObject(parameters, "detach");
    }
    if (o->timeout_ms > 0) {
        (void)cJSON_AddNumberToObject(parameters, "timeout_ms", (double)o->timeout_ms);
    }
    if (o->reason) {
        (void)cJSON_AddStringToObject(parameters, "reason", o->reason);
    }
    if (o->for_ms > 0) {
        (void)cJSON_AddNumberToObject(parameters, "for_ms", (double)o->for_ms);
    }
}

static cJSON *parameters_of(const struct accctl *ctl)
{
    const struct accctl_options *o = ctl->options;
    cJSON *parameters = accctl_targets(ctl);

    if (o->all) {
        (void)cJSON_AddTrueToObject(parameters, "all");
    }
    if (o->with_dependents) {
        (void)cJSON_AddTrueToObject(parameters, "with_dependents");
    }
    if (o->volumes) {
        (void)cJSON_AddTrueToObject(parameters, "volumes");
    }
    if (o->hold) {
        (void)cJSON_AddStringToObject(parameters, "kind", o->hold);
    }
    if (o->image) {
        (void)cJSON_AddStringToObject(parameters, "image", o->image);
    }
    if (o->to > 0) {
        (void)cJSON_AddNumberToObject(parameters, "to", o->to);
    }
    if (o->dry_run) {
        (void)cJSON_AddTrueToObject(parameters, "dry_run");
    }
    add_common(o, parameters);
    return parameters;
}

static void flush(struct accctl *ctl, struct acc_buf *out)
{
    (void)fputs(out->data ? out->data : "", ctl->out);
    (void)fflush(ctl->out);
    acc_buf_reset(out);
}

static size_t n_selected(const cJSON *list)
{
    const cJSON *item;
    size_t n = 0;

    cJSON_ArrayForEach(item, list)
    {
        n += acc_json_bool(item, "selected");
    }
    return n;
}

static void print_done(struct accctl *ctl, const cJSON *list, uint64_t took_ms)
{
    size_t n = n_selected(list);
    const char *what = ctl->options->detach ? "asked for" : "done";
    char took[48];

    if (ctl->options->json) {
        return;
    }
    acc_format_span_ms(took_ms, took, sizeof(took));
    (void)fprintf(ctl->out, "%s: %s, %zu service%s%s%s\n", ctl->options->verb, what, n,
                  n == 1 ? "" : "s", ctl->options->detach ? "" : ", ",
                  ctl->options->detach ? "" : took);
}

/* Whoever takes over is told what is not as the files say. */
static bool may_adopt(const char *verb)
{
    return strcmp(verb, "adopt") == 0 || strcmp(verb, "up") == 0;
}

static uint64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void print_plan(struct accctl *ctl, const cJSON *plan)
{
    const cJSON *line;

    cJSON_ArrayForEach(line, plan)
    {
        const char *text = acc_json_text_of(line);

        if (!ctl->options->json) {
            (void)fprintf(ctl->out, "%s\n", text ? text : "");
        }
    }
}

static bool is_rollout(const struct accctl *ctl)
{
    return strcmp(ctl->options->verb, "upgrade") == 0 ||
           strcmp(ctl->options->verb, "rollback") == 0;
}

/* The replies of one verb up to the last. */
static enum accctl_exit watch(struct accctl *ctl, struct accctl_conn *conn,
                              struct accctl_progress *progress, uint64_t started_ms)
{
    enum accctl_exit code = ACCCTL_DONE;
    bool goes_on = true;
    struct acc_buf out;

    acc_buf_init(&out, SIZE_MAX / 2);
    while (goes_on) {
        cJSON *reply = NULL;
        int r = accctl_conn_receive(conn, -1, &reply);
        const cJSON *answer = acc_json_object(reply, "parameters");
        const cJSON *list = acc_json_array(answer, "progress");

        goes_on = r == 0 && acc_json_bool(reply, "continues");
        if (r == 0 && !acc_json_text(reply, "error")) {
            bool is_news = accctl_progress_update(progress, list, &out);

            if (ctl->options->json) {
                acc_buf_reset(&out);
            }
            if (ctl->options->json && goes_on && is_news) {
                accctl_print_json(ctl, answer); /* upgrades stream their steps */
            }
        }
        if (!goes_on && !ctl->options->json) {
            accctl_progress_end(progress, &out);
        }
        flush(ctl, &out);
        if (r < 0) {
            code = accctl_tell_broken(ctl, r);
        } else if (acc_json_text(reply, "error")) {
            code = accctl_tell_error(ctl, reply);
        } else if (!goes_on) {
            if (ctl->options->json) {
                accctl_print_json(ctl, answer);
            }
            if (ctl->options->dry_run) {
                print_plan(ctl, acc_json_array(answer, "plan"));
            } else {
                print_done(ctl, list, now_ms() - started_ms);
            }
            if (!ctl->options->json && may_adopt(ctl->options->verb)) {
                accctl_put_differences(list, NULL, &ctl->style, &out);
                flush(ctl, &out);
            }
        }
        cJSON_Delete(reply);
    }
    acc_buf_fini(&out);
    return code;
}

static enum accctl_exit act(struct accctl *ctl, cJSON *parameters)
{
    struct accctl_progress *progress = accctl_progress_create(&ctl->style);
    struct accctl_conn *conn = NULL;
    uint64_t started_ms = now_ms();
    enum accctl_exit code = accctl_connect(ctl, &conn);
    char method[64];
    int r;

    if (code == ACCCTL_DONE && progress) {
        method_of(ctl->options->verb, method, sizeof(method));
        /* --json is one document, the outcome; of an upgrade a line for each step, too. */
        r = accctl_conn_send(conn, method, parameters,
                             (!ctl->options->json || is_rollout(ctl)) && !ctl->options->dry_run);
        code = r < 0 ? accctl_tell_broken(ctl, r) : watch(ctl, conn, progress, started_ms);
    }
    cJSON_Delete(parameters);
    (void)accctl_conn_close(conn);
    (void)accctl_progress_destroy(progress);
    return code;
}

enum accctl_exit accctl_cmd_act(struct accctl *ctl)
{
    return act(ctl, parameters_of(ctl));
}

enum accctl_exit accctl_cmd_maintenance(struct accctl *ctl)
{
    const char *word = ctl->options->args[0];
    cJSON *parameters;

    if (strcmp(word, "on") != 0 && strcmp(word, "off") != 0) {
        (void)fprintf(ctl->err, "accctl: maintenance is on or off, not '%s'\n", word);
        return ACCCTL_USAGE;
    }
    parameters = cJSON_CreateObject();
    (void)cJSON_AddBoolToObject(parameters, "on", strcmp(word, "on") == 0);
    add_common(ctl->options, parameters);
    return act(ctl, parameters);
}
