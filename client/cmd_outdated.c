/* What runs against what the registries have. */

#include <string.h>

#include "client/cmd.h"
#include "client/render_auto.h"
#include "lib/codec/json_get.h"

/* Registries that are silent are given up after 30 s each, some of them at once. */
#define ANSWER_MS (15 * 60 * 1000)

static const char *text_of(const cJSON *item, const char *key)
{
    const char *text = acc_json_text(item, key);

    return text ? text : "";
}

/* "sha256:0123456789ab" */
static void cell_digest(struct accctl_table *table, const char *digest)
{
    char text[20];

    (void)snprintf(text, sizeof(text), "%.19s", digest);
    accctl_table_cell(table, text);
}

static void put_row(struct accctl_table *table, const struct accctl_style *style, const cJSON *item)
{
    const char *state = text_of(item, "state");
    char taken[ACCCTL_CLOCK_MAX], note[ACCCTL_CLOCK_MAX + 24] = "";

    accctl_table_row(table,
                     strcmp(state, "outdated") == 0  ? ACCCTL_YELLOW
                     : strcmp(state, "current") == 0 ? ACCCTL_GREEN
                     : strcmp(state, "unknown") == 0 ? ACCCTL_RED
                                                     : ACCCTL_DIM,
                     1);
    accctl_table_cell(table, text_of(item, "service"));
    accctl_table_cell(table, state);
    accctl_table_cell(table, text_of(item, "image"));
    cell_digest(table, text_of(item, "running"));
    cell_digest(table, strcmp(state, "outdated") == 0 ? text_of(item, "remote") : "");
    accctl_soon(style, text_of(item, "taken"), taken, sizeof(taken));
    if (*taken) {
        (void)snprintf(note, sizeof(note), "comes by itself %s", taken);
    }
    accctl_table_cell(table, *note ? note : text_of(item, "reason"));
}

/* What is to be done first, then what isn't known; the rest is told by its number. */
static void print_images(struct accctl *ctl, const cJSON *list)
{
    static const char *const states[] = {"outdated", "unknown", "current",
                                         "pinned",   "local",   "absent"};
    struct accctl_table *table = accctl_table_create(6, "");
    struct acc_buf out;
    const cJSON *item;

    for (size_t k = 0; k < sizeof(states) / sizeof(states[0]); k++) {
        cJSON_ArrayForEach(item, list)
        {
            if (strcmp(text_of(item, "state"), states[k]) == 0) {
                put_row(table, &ctl->style, item);
            }
        }
    }
    acc_buf_init(&out, SIZE_MAX / 2);
    (void)accctl_table_put(table, &ctl->style, &out);
    (void)fputs(out.data ? out.data : "", ctl->out);
    accctl_table_destroy(table);
    acc_buf_fini(&out);
}

enum accctl_exit accctl_cmd_outdated(struct accctl *ctl)
{
    cJSON *reply = NULL;
    enum accctl_exit code = accctl_ask_for(
        ctl, "io.acc.Outdated", accctl_targets(ctl),
        ctl->options->timeout_ms ? accctl_limit_ms(ctl) : ANSWER_MS, &reply);
    const cJSON *list = acc_json_array(acc_json_object(reply, "parameters"), "images");
    const cJSON *item;

    if (code != ACCCTL_DONE) {
        return code;
    }
    if (ctl->options->json) {
        accctl_print_json(ctl, acc_json_object(reply, "parameters"));
    } else {
        print_images(ctl, list);
    }
    cJSON_ArrayForEach(item, list)
    {
        if (strcmp(text_of(item, "state"), "unknown") == 0) {
            code = ACCCTL_FAILED;
        }
    }
    cJSON_Delete(reply);
    return code;
}
