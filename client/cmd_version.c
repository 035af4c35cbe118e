#include "client/cmd.h"
#include "lib/codec/json_get.h"

/* accctl's own version is told also when accd is away, so the errors of asking are not. */
static cJSON *ask_quietly(struct accctl *ctl)
{
    struct accctl_conn *conn = NULL;
    cJSON *reply = NULL;

    if (accctl_conn_open(ctl->options->socket, &conn) == 0) {
        if (accctl_conn_send(conn, "io.acc.Ping", NULL, false) == 0) {
            (void)accctl_conn_receive(conn, ACCCTL_ANSWER_MS, &reply);
        }
        (void)accctl_conn_close(conn);
    }
    return reply;
}

enum accctl_exit accctl_cmd_version(struct accctl *ctl)
{
    cJSON *reply = ask_quietly(ctl);
    const char *accd = acc_json_text(acc_json_object(reply, "parameters"), "version");

    if (ctl->options->json) {
        cJSON *root = cJSON_CreateObject();

        (void)cJSON_AddStringToObject(root, "accctl", ACC_VERSION);
        (void)cJSON_AddStringToObject(root, "accd", accd ? accd : "");
        accctl_print_json(ctl, root);
        cJSON_Delete(root);
    } else {
        (void)fprintf(ctl->out, "accctl %s\naccd %s\n", ACC_VERSION,
                      accd ? accd : "can't be reached");
    }
    cJSON_Delete(reply);
    return ACCCTL_DONE;
}
