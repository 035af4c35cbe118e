#include "client/cmd.h"
#include "lib/codec/json_get.h"

static void print_answer(struct accctl *ctl, const cJSON *answer, bool named)
{
    const char *service = acc_json_text(answer, "service");
    const char *text = acc_json_text(answer, "text");
    struct acc_buf line;

    acc_buf_init(&line, 65536);
    if (named) {
        accctl_put_color(&line, &ctl->style, ACCCTL_BOLD, service ? service : "", 0);
        (void)acc_buf_puts(&line, ": ");
    }
    accctl_put_text(&line, text ? text : "", 0);
    (void)fprintf(ctl->out, "%s\n", line.data ? line.data : "");
    acc_buf_fini(&line);
}

enum accctl_exit accctl_cmd_why(struct accctl *ctl)
{
    cJSON *parameters = cJSON_CreateObject();
    cJSON *reply = NULL;
    const cJSON *answers, *answer;
    enum accctl_exit code;

    (void)cJSON_AddStringToObject(parameters, "target", ctl->options->args[0]);
    code = accctl_ask(ctl, "io.acc.Why", parameters, &reply);
    if (code != ACCCTL_DONE) {
        return code;
    }
    answers = acc_json_array(acc_json_object(reply, "parameters"), "answers");
    if (ctl->options->json) {
        accctl_print_json(ctl, acc_json_object(reply, "parameters"));
    } else if (cJSON_GetArraySize(answers) == 0) {
        (void)fprintf(ctl->out, "all of %s is well\n", ctl->options->args[0]);
    } else {
        cJSON_ArrayForEach(answer, answers)
        {
            print_answer(ctl, answer, cJSON_GetArraySize(answers) > 1);
        }
    }
    cJSON_Delete(reply);
    return ACCCTL_DONE;
}
