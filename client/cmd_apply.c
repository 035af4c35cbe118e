#include <errno.h>

#include "client/cmd.h"
#include "lib/codec/json_get.h"

/* Reading a hundred files and joining them takes a while on a busy host. */
#define APPLY_MS 120000

static void print_changes(struct accctl *ctl, const cJSON *answer)
{
    const cJSON *changes = acc_json_array(answer, "changes");
    const cJSON *change;

    cJSON_ArrayForEach(change, changes)
    {
        const char *text = acc_json_text_of(change);

        (void)fprintf(ctl->out, "%s\n", text ? text : "");
    }
    if (cJSON_GetArraySize(changes) == 0) {
        (void)fprintf(ctl->out, "nothing has changed\n");
    }
}

enum accctl_exit accctl_cmd_apply(struct accctl *ctl)
{
    struct accctl_conn *conn = NULL;
    cJSON *reply = NULL;
    enum accctl_exit code = accctl_connect(ctl, &conn);
    int r;

    if (code != ACCCTL_DONE) {
        return code;
    }
    cJSON *parameters = cJSON_CreateObject();

    if (ctl->options->prune) {
        (void)cJSON_AddTrueToObject(parameters, "prune");
    }
    r = accctl_conn_send(conn, "io.acc.Apply", parameters, false);
    cJSON_Delete(parameters);
    r = r < 0 ? r : accctl_conn_receive(conn, APPLY_MS, &reply);
    (void)accctl_conn_close(conn);
    if (r < 0) {
        return accctl_tell_broken(ctl, r);
    }
    if (acc_json_text(reply, "error")) {
        code = accctl_tell_error(ctl, reply);
    } else if (ctl->options->json) {
        accctl_print_json(ctl, acc_json_object(reply, "parameters"));
    } else {
        print_changes(ctl, acc_json_object(reply, "parameters"));
    }
    cJSON_Delete(reply);
    return code;
}
