#include <stdio.h>
#include <string.h>

#include "client/render_status.h"
#include "lib/codec/json_get.h"

static const char *text_of(const cJSON *object, const char *key)
{
    const char *text = acc_json_text(object, key);

    return text ? text : "";
}

void accctl_put_incidents(const cJSON *incidents, const struct accctl_style *style,
                          struct acc_buf *out)
{
    struct accctl_table *table = accctl_table_create(4, "");
    const cJSON *incident;

    cJSON_ArrayForEach(incident, incidents)
    {
        bool is_open = acc_json_bool(incident, "open");
        int impact = cJSON_GetArraySize(acc_json_array(incident, "impact"));
        char when[96], ago[48], cause[640];

        accctl_ago(style, text_of(incident, is_open ? "since" : "closed"), ago, sizeof(ago));
        (void)snprintf(when, sizeof(when), is_open ? "for %s" : "closed %s ago", ago);
        (void)snprintf(cause, sizeof(cause), "%.511s", text_of(incident, "cause"));
        if (impact > 0) {
            size_t len = strlen(cause);

            (void)snprintf(cause + len, sizeof(cause) - len, "%s%d other%s suffer%s",
                           len > 0 ? "; " : "", impact, impact == 1 ? "" : "s",
                           impact == 1 ? "s" : "");
        }
        accctl_table_row(table, is_open ? ACCCTL_RED : ACCCTL_DIM, 1);
        accctl_table_cell(table, text_of(incident, "root"));
        accctl_table_cell(table, is_open ? "open" : "closed");
        accctl_table_cell(table, when);
        accctl_table_cell(table, cause);
    }
    if (cJSON_GetArraySize(incidents) == 0) {
        (void)acc_buf_puts(out, "no incidents\n");
    }
    accctl_table_put(table, style, out);
    accctl_table_destroy(table);
}
