/* What apply would do. */

#include <string.h>

#include "client/cmd.h"
#include "lib/codec/json_get.h"

static enum accctl_color color_of(const char *action)
{
    if (strcmp(action, "create") == 0 || strcmp(action, "start") == 0) {
        return ACCCTL_GREEN;
    }
    if (strcmp(action, "observe") == 0) {
        return ACCCTL_PLAIN;
    }
    return strcmp(action, "stop") == 0 || strcmp(action, "remove") == 0 ? ACCCTL_RED
                                                                        : ACCCTL_YELLOW;
}

static void put_change(struct accctl_table *table, const cJSON *change)
{
    const char *service = acc_json_text(change, "service");
    const char *action = acc_json_text(change, "action");
    const cJSON *reasons = acc_json_array(change, "reasons");
    const cJSON *reason = reasons ? reasons->child : NULL;
    bool is_first = true;

    service = service ? service : "";
    action = action ? action : "";
    do {
        const char *text = reason ? acc_json_text(reason, "text") : NULL;

        accctl_table_row(table, color_of(action), 1);
        accctl_table_cell(table, is_first ? service : "");
        accctl_table_cell(table, is_first ? action : "");
        accctl_table_cell(table, text ? text : "");
        is_first = false;
        reason = reason ? reason->next : NULL;
    } while (reason);
}

static void print_changes(struct accctl *ctl, const cJSON *changes)
{
    struct accctl_table *table = accctl_table_create(3, "");
    const cJSON *change;
    struct acc_buf out;

    acc_buf_init(&out, SIZE_MAX / 2);
    cJSON_ArrayForEach(change, changes)
    {
        put_change(table, change);
    }
    (void)accctl_table_put(table, &ctl->style, &out);
    (void)fputs(cJSON_GetArraySize(changes) > 0 && out.data ? out.data : "nothing would change\n",
                ctl->out);
    accctl_table_destroy(table);
    acc_buf_fini(&out);
}

enum accctl_exit accctl_cmd_plan(struct accctl *ctl)
{
    cJSON *reply = NULL;
    enum accctl_exit code = accctl_ask(ctl, "io.acc.Plan", accctl_targets(ctl), &reply);
    const cJSON *parameters = acc_json_object(reply, "parameters");

    if (code != ACCCTL_DONE) {
        return code;
    }
    if (ctl->options->json) {
        accctl_print_json(ctl, parameters);
    } else {
        accctl_print_warnings(ctl, parameters);
        print_changes(ctl, acc_json_array(parameters, "changes"));
    }
    cJSON_Delete(reply);
    return code;
}
