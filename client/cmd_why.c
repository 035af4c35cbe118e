#include <string.h>

#include "client/cmd.h"
#include "lib/base/assert.h"
#include "lib/codec/json_get.h"

/* What of `text` names the service, "web" or "media/web"; 0: it begins with something else. */
static size_t name_len(const char *service, const char *text)
{
    const char *slash = strchr(service, '/');
    const char *names[] = {service, slash ? slash + 1 : service};

    for (size_t i = 0; i < ACC_ARRAY_LEN(names); i++) {
        size_t len = strlen(names[i]);

        if (strncmp(text, names[i], len) == 0 && text[len] == ' ') {
            return len;
        }
    }
    return 0;
}

static void print_answer(struct accctl *ctl, const cJSON *answer, bool named)
{
    const char *service = acc_json_text(answer, "service");
    const char *text = acc_json_text(answer, "text");
    size_t len = text && service ? name_len(service, text) : 0;
    struct acc_buf line;

    acc_buf_init(&line, 65536);
    if (named) {
        accctl_put_color(&line, &ctl->style, ACCCTL_BOLD, service ? service : "", 0);
        (void)acc_buf_puts(&line, len > 0 ? "" : ": ");
    }
    accctl_put_text(&line, text ? text + (named ? len : 0) : "", 0);
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
