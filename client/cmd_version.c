#include <errno.h>
#include <string.h>

#include "client/cmd.h"
#include "lib/codec/json_get.h"

/* accctl's own version is told also when accd is away, so the errors of asking are no failure.
 * 0 and `*ret_reply`, or -errno. */
static int ask_quietly(const struct accctl *ctl, cJSON **ret_reply)
{
    struct accctl_conn *conn = NULL;
    int r = accctl_conn_open(ctl->options->socket, accctl_limit_ms(ctl), &conn);

    r = r < 0 ? r : accctl_conn_send(conn, "io.acc.Ping", NULL, false);
    r = r < 0 ? r : accctl_conn_receive(conn, accctl_limit_ms(ctl), ret_reply);
    (void)accctl_conn_close(conn);
    return r;
}

static const char *text_of(const cJSON *object, const char *key)
{
    const char *text = acc_json_text(object, key);

    return text ? text : "";
}

static void print_json(struct accctl *ctl, const cJSON *answer, const char *reason)
{
    const cJSON *seen = acc_json_object(answer, "engine");
    cJSON *root = cJSON_CreateObject();
    cJSON *engine = cJSON_AddObjectToObject(root, "engine");

    (void)cJSON_AddStringToObject(root, "accctl", ACC_VERSION);
    (void)cJSON_AddStringToObject(root, "accd", text_of(answer, "version"));
    (void)cJSON_AddBoolToObject(root, "reachable", answer != NULL);
    (void)cJSON_AddStringToObject(root, "reason", reason);
    (void)cJSON_AddBoolToObject(engine, "connected", acc_json_bool(seen, "connected"));
    (void)cJSON_AddStringToObject(engine, "version", text_of(seen, "version"));
    (void)cJSON_AddStringToObject(engine, "api", text_of(seen, "api"));
    accctl_print_json(ctl, root);
    cJSON_Delete(root);
}

static void print_engine(struct accctl *ctl, const cJSON *engine)
{
    const char *version = text_of(engine, "version");

    if (!*version) {
        (void)fprintf(ctl->out, "Docker Engine: accd has not reached one yet\n");
        return;
    }
    (void)fprintf(ctl->out, "Docker Engine %s (API %s)%s\n", version, text_of(engine, "api"),
                  acc_json_bool(engine, "connected") ? "" : ", away now");
}

enum accctl_exit accctl_cmd_version(struct accctl *ctl)
{
    cJSON *reply = NULL;
    int r = ask_quietly(ctl, &reply);
    const cJSON *answer = acc_json_object(reply, "parameters");
    const char *error = acc_json_text(reply, "error");
    const char *reason = r == -ENOENT         ? "it isn't running or uses another socket"
                         : r == -ECONNREFUSED ? "it isn't running"
                         : r == -ETIMEDOUT    ? "it doesn't answer; it may be stopped"
                         : r < 0              ? strerror(-r)
                         : error              ? error
                                              : "";

    answer = error ? NULL : answer;
    if (ctl->options->json) {
        print_json(ctl, answer, reason);
    } else if (answer) {
        (void)fprintf(ctl->out, "accctl %s\naccd %s\n", ACC_VERSION, text_of(answer, "version"));
        print_engine(ctl, acc_json_object(answer, "engine"));
    } else {
        (void)fprintf(ctl->out,
                      "accctl %s\naccd can't be reached at %s: %s\n"
                      "Docker Engine: not known, accd is who asks it\n",
                      ACC_VERSION, ctl->options->socket, reason);
    }
    cJSON_Delete(reply);
    return ACCCTL_DONE;
}
