#include <string.h>

#include "client/cmd.h"
#include "client/render_status.h"
#include "lib/base/assert.h"
#include "lib/base/str.h"
#include "lib/codec/json_get.h"

static const char *text_of(const cJSON *item, const char *key)
{
    const char *text = acc_json_text(item, key);

    return text ? text : "";
}

/* "image a:1 -> a:2", where that is more than another image of the same reference. */
static void put_image_change(const cJSON *item, char *out, size_t size)
{
    const cJSON *before = item->next;

    while (before && strcmp(text_of(before, "result"), "stable") != 0) {
        before = before->next;
    }
    if (before && strcmp(text_of(before, "image"), text_of(item, "image")) != 0) {
        (void)snprintf(out, size, "image %.100s -> %.100s", text_of(before, "image"),
                       text_of(item, "image"));
    } else {
        (void)snprintf(out, size, "image");
    }
}

/* What has changed in the file says more than that it has. */
static void put_changed(const cJSON *item, char *out, size_t size)
{
    const cJSON *word;

    (void)snprintf(out, size, "%s", text_of(item, "what"));
    if (out[0]) {
        return;
    }
    cJSON_ArrayForEach(word, acc_json_array(item, "changed"))
    {
        size_t len = strlen(out);
        const char *text = acc_json_text_of(word);

        if (text && strcmp(text, "image") == 0 && len == 0) {
            put_image_change(item, out, size);
            continue;
        }
        (void)snprintf(out + len, size - len, "%s%s", len ? ", " : "", text ? text : "");
    }
}

static const char *or_dash(const char *text)
{
    return *text ? text : "-";
}

/* How its registry calls it, or, of what none is known to have, its id here: never one for the
 * other. */
static void put_image(const cJSON *item, char *out, size_t size)
{
    const char *digest = text_of(item, "digest");
    const char *id = text_of(item, "image_id");

    id = strncmp(id, "sha256:", 7) == 0 ? id + 7 : id;
    if (!digest[0] && !id[0]) { /* it was never there */
        (void)snprintf(out, size, "%.255s", text_of(item, "image"));
        return;
    }
    (void)snprintf(out, size, digest[0] ? "%.255s@%.19s" : "%.255s, id %.12s",
                   text_of(item, "image"), digest[0] ? digest : id);
}

/* Why it was taken back, or what is waited for. */
static void put_why(const cJSON *item, const char *service, char *out, size_t size)
{
    const char *why = text_of(item, "reason");

    if (acc_json_bool(item, "needs_operator")) {
        (void)snprintf(out, size,
                       "%s%saccctl rollback %s --yes goes back, accctl upgrade %s --keep goes on",
                       why, *why ? "; " : "", service, service);
    } else {
        (void)snprintf(out, size, "%s", why);
    }
}

static void put_row(struct accctl_table *table, const cJSON *item, const char *service)
{
    const char *result = acc_json_bool(item, "needs_operator") ? "needs-operator"
                         : acc_json_bool(item, "let_go")       ? "stable, let go"
                                                               : text_of(item, "result");
    char number[24], clock[ACCCTL_CLOCK_MAX], took[48], changed[272], image[320], why[1024];

    if (acc_json_bool(item, "attempt")) { /* there is none of that number */
        (void)snprintf(number, sizeof(number), "-");
    } else {
        (void)snprintf(number, sizeof(number), "r%lld",
                       (long long)acc_json_int(item, "revision", 0));
    }
    put_why(item, service, why, sizeof(why));
    acc_format_span_ms((uint64_t)acc_json_int(item, "took_ms", 0), took, sizeof(took));
    accctl_clock(text_of(item, "time"), clock, sizeof(clock));
    put_changed(item, changed, sizeof(changed));
    put_image(item, image, sizeof(image));
    accctl_table_row(table,
                     acc_json_bool(item, "let_go")                   ? ACCCTL_DIM
                     : strcmp(result, "stable") == 0                 ? ACCCTL_GREEN
                     : strcmp(text_of(item, "result"), "trial") == 0 ? ACCCTL_YELLOW
                                                                     : ACCCTL_RED,
                     1);
    accctl_table_cell(table, number);
    accctl_table_cell(table, result);
    accctl_table_cell(table, clock);
    accctl_table_cell(table, text_of(item, "by")[0] ? took : "-");
    accctl_table_cell(table, or_dash(text_of(item, "by")));
    accctl_table_cell(table, or_dash(changed));
    accctl_table_cell(table, image);
    accctl_table_cell(table, why);
}

enum accctl_exit accctl_cmd_history(struct accctl *ctl)
{
    static const char *const titles[] = {"revision", "result",  "since", "took",
                                         "asked by", "changed", "image", "why"};
    cJSON *parameters = cJSON_CreateObject();
    cJSON *reply = NULL;
    const cJSON *list, *item;
    struct accctl_table *table;
    struct acc_buf out;
    enum accctl_exit code;

    (void)cJSON_AddStringToObject(parameters, "target", ctl->options->args[0]);
    code = accctl_ask(ctl, "io.acc.History", parameters, &reply);
    if (code != ACCCTL_DONE) {
        return code;
    }
    list = acc_json_array(acc_json_object(reply, "parameters"), "revisions");
    if (ctl->options->json) {
        accctl_print_json(ctl, acc_json_object(reply, "parameters"));
    } else if (cJSON_GetArraySize(list) == 0) {
        (void)fprintf(ctl->out, "no upgrade yet\n");
    } else {
        table = accctl_table_create(ACC_ARRAY_LEN(titles), "  ");
        acc_buf_init(&out, SIZE_MAX / 2);
        accctl_table_titles(table, titles, ACC_ARRAY_LEN(titles));
        cJSON_ArrayForEach(item, list)
        {
            put_row(table, item, ctl->options->args[0]);
        }
        (void)accctl_table_put(table, &ctl->style, &out);
        accctl_table_destroy(table);
        (void)fputs(out.data ? out.data : "", ctl->out);
        acc_buf_fini(&out);
    }
    cJSON_Delete(reply);
    return ACCCTL_DONE;
}
