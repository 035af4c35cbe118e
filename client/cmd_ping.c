#include "client/cmd.h"
#include "lib/codec/json_get.h"

enum accctl_exit accctl_cmd_ping(struct accctl *ctl)
{
    cJSON *reply = NULL;
    enum accctl_exit code = accctl_ask(ctl, "io.acc.Ping", NULL, &reply);
    const cJSON *answer;
    const char *version;

    if (code != ACCCTL_DONE) {
        return code;
    }
    answer = acc_json_object(reply, "parameters");
    version = acc_json_text(answer, "version");
    if (ctl->options->json) {
        accctl_print_json(ctl, answer);
    } else {
        (void)fprintf(ctl->out, "accd %s is there, Docker is %s\n", version ? version : "",
                      acc_json_bool(answer, "connected") ? "connected" : "away");
    }
    cJSON_Delete(reply);
    return ACCCTL_DONE;
}
