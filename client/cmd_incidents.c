#include "client/cmd.h"
#include "client/render_status.h"
#include "lib/codec/json_get.h"

enum accctl_exit accctl_cmd_incidents(struct accctl *ctl)
{
    cJSON *reply = NULL;
    enum accctl_exit code = accctl_ask(ctl, "io.acc.Incidents", NULL, &reply);
    const cJSON *answer;
    struct acc_buf out;

    if (code != ACCCTL_DONE) {
        return code;
    }
    answer = acc_json_object(reply, "parameters");
    if (ctl->options->json) {
        accctl_print_json(ctl, answer);
    } else {
        acc_buf_init(&out, SIZE_MAX / 2);
        accctl_put_incidents(acc_json_array(answer, "incidents"), &ctl->style, &out);
        (void)fputs(out.data ? out.data : "", ctl->out);
        acc_buf_fini(&out);
    }
    cJSON_Delete(reply);
    return ACCCTL_DONE;
}
