/* The revisions of a service, as History answers them. */

#include "lib/codec/history_json.h"

#include <string.h>

#include "lib/base/str.h"
#include "lib/codec/varlink.h"

static void text(struct acc_json_put *put, cJSON *parent, const char *key, const char *value)
{
    acc_put_bytes(put, parent, key, value, strlen(value));
}

/* What served when this one was made: what was taken back never did. */
static const struct acc_revision_record *one_before(const struct acc_history_row *rows,
                                                    size_t n_rows, size_t i)
{
    while (++i < n_rows) {
        if (rows[i].record.result == ACC_REV_STABLE) {
            return &rows[i].record;
        }
    }
    return NULL;
}

static void put_changed(struct acc_json_put *put, cJSON *item,
                        const struct acc_revision_record *now,
                        const struct acc_revision_record *before)
{
    cJSON *list = acc_put_array(put, item, "changed");

    if (before && strcmp(now->image_id, before->image_id) != 0) {
        acc_put_word(put, list, "image");
    }
    if (before && strcmp(now->spec, before->spec) != 0) {
        acc_put_word(put, list, "config");
    }
}

/* It was stable, and a rollback doesn't reach it any more. */
static bool is_let_go(const struct acc_revision_record *record, const struct acc_kept *kept,
                      size_t n_kept)
{
    for (size_t k = 0; k < n_kept; k++) {
        if (kept[k].number == record->number) {
            return false;
        }
    }
    return record->result == ACC_REV_STABLE && n_kept > 0;
}

int acc_history_put(const struct acc_history_row *rows, size_t n_rows, const struct acc_kept *kept,
                    size_t n_kept, struct acc_buf *out)
{
    struct acc_varlink_reply reply;
    struct acc_json_put *put = &reply.put;
    cJSON *list;

    acc_varlink_reply_begin(&reply);
    list = acc_put_array(put, reply.parameters, "revisions");
    for (size_t i = 0; i < n_rows; i++) {
        const struct acc_revision_record *record = &rows[i].record;
        cJSON *item = acc_put_item(put, list);
        char stamp[ACC_RFC3339_MAX];

        acc_format_rfc3339(rows[i].unix_ms, stamp, sizeof(stamp));
        acc_put_int(put, item, "revision", record->number);
        text(put, item, "time", stamp);
        text(put, item, "result", acc_revision_result_name(record->result));
        text(put, item, "image", record->image);
        text(put, item, "image_id", record->image_id);
        text(put, item, "digest", record->digest);
        text(put, item, "config", record->spec);
        put_changed(put, item, record, record->is_attempt ? NULL : one_before(rows, n_rows, i));
        text(put, item, "what", record->what);
        text(put, item, "by", record->by);
        text(put, item, "reason", record->text);
        acc_put_int(put, item, "took_ms", (int64_t)record->took_ms);
        acc_put_bool(put, item, "attempt", record->is_attempt);
        acc_put_bool(put, item, "needs_operator", rows[i].needs_operator);
        acc_put_bool(put, item, "let_go", is_let_go(record, kept, n_kept));
    }
    return acc_varlink_reply_finish(&reply, NULL, false, out);
}
