#include <stdio.h>
#include <string.h>

#include "client/render_status.h"
#include "lib/base/str.h"
#include "lib/codec/json_get.h"
#include "lib/model/condition.h"

static const char *text_of(const cJSON *object, const char *key)
{
    const char *text = acc_json_text(object, key);

    return text ? text : "";
}

/* "exited with 1; 3 others suffer (12 at the worst)" */
static void put_cause(const cJSON *incident, bool is_open, char *out, size_t out_size)
{
    long long now = acc_json_int(incident, "suffering", 0);
    long long peak = acc_json_int(incident, "peak", 0);
    bool is_over = !is_open || now == 0; /* for them, at least */
    long long n = is_over ? peak : now;
    int len = snprintf(out, out_size, "%.511s", text_of(incident, "cause"));
    size_t at = len > 0 ? (size_t)len : 0;

    if (n > 0) {
        (void)snprintf(out + at, out_size - at, "%s%lld %s%s suffer%s", at > 0 ? "; " : "", n,
                       acc_root_sufferer(text_of(incident, "root")), acc_plural((uint64_t)n),
                       is_over  ? "ed"
                       : n == 1 ? "s"
                                : "");
    }
    at = strlen(out);
    if (!is_over && peak > now) {
        (void)snprintf(out + at, out_size - at, " (%lld at the worst)", peak);
    }
}

/* "; recovered at 13:00:12, closes at 13:01:12 if it stays so" */
static void put_recovery(const cJSON *incident, char *out, size_t out_size)
{
    char recovered[ACCCTL_CLOCK_MAX], closes[ACCCTL_CLOCK_MAX];
    size_t len = strlen(out);

    accctl_clock(text_of(incident, "recovered"), recovered, sizeof(recovered));
    accctl_clock(text_of(incident, "closes"), closes, sizeof(closes));
    if (recovered[0]) {
        const char *time = strchr(recovered, ' ');

        (void)snprintf(out + len, out_size - len, "%srecovered at %s", len ? "; " : "",
                       time ? time + 1 : recovered);
        len = strlen(out);
    }
    if (recovered[0] && closes[0]) {
        const char *time = strchr(closes, ' ');

        (void)snprintf(out + len, out_size - len, ", closes at %s if it stays so",
                       time ? time + 1 : closes);
    }
}

void accctl_put_incidents(const cJSON *incidents, const struct accctl_style *style,
                          struct acc_buf *out)
{
    struct accctl_table *table = accctl_table_create(5, "");
    const cJSON *incident;

    cJSON_ArrayForEach(incident, incidents)
    {
        bool is_open = acc_json_bool(incident, "open");
        const char *since = text_of(incident, "since");
        char clock[ACCCTL_CLOCK_MAX], span[48], when[64], cause[768];

        accctl_clock(since, clock, sizeof(clock));
        if (is_open) {
            accctl_ago(style, since, span, sizeof(span));
        } else {
            accctl_between(since, text_of(incident, "closed"), span, sizeof(span));
        }
        (void)snprintf(when, sizeof(when), "%s %s", is_open ? "for" : "lasted", span);
        put_cause(incident, is_open, cause, sizeof(cause));
        put_recovery(incident, cause, sizeof(cause));
        accctl_table_row(table, is_open ? ACCCTL_RED : ACCCTL_DIM, 1);
        accctl_table_cell(table, text_of(incident, "root"));
        accctl_table_cell(table, is_open ? "open" : "closed");
        accctl_table_cell(table, clock);
        accctl_table_cell(table, when);
        accctl_table_cell(table, cause);
    }
    if (cJSON_GetArraySize(incidents) == 0) {
        (void)acc_buf_puts(out, "no incidents\n");
    }
    (void)accctl_table_put(table, style, out);
    accctl_table_destroy(table);
}
