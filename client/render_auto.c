#include "client/render_auto.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/base/str.h"
#include "lib/codec/json_get.h"

/* So far a weekday alone can't be mistaken. */
#define DAYS_MS (6 * 86400000ll)
/* Services that the line names; the rest is a number. */
#define NAMES_MAX 4u

static const char *text_of(const cJSON *object, const char *key)
{
    const char *text = acc_json_text(object, key);

    return text ? text : "";
}

void accctl_soon(const struct accctl_style *style, const char *time, char *out, size_t out_size)
{
    int64_t ns, unix_ms;
    struct tm tm;
    time_t seconds;

    out[0] = '\0';
    if (!*time || !acc_parse_rfc3339_ns(time, &ns)) {
        return;
    }
    unix_ms = ns / 1000000;
    seconds = (time_t)(unix_ms / 1000);
    if (unix_ms <= style->now_ms) {
        (void)snprintf(out, out_size, "now");
    } else if (localtime_r(&seconds, &tm)) {
        (void)strftime(out, out_size,
                       unix_ms - style->now_ms < DAYS_MS ? "%a %H:%M" : "%Y-%m-%d %H:%M", &tm);
    }
}

void accctl_format_auto(const cJSON *autos, const struct accctl_style *style, char *out,
                        size_t out_size)
{
    char ripe[ACCCTL_CLOCK_MAX], taken[ACCCTL_CLOCK_MAX];
    const char *reason = text_of(autos, "reason");

    accctl_soon(style, text_of(autos, "ripe"), ripe, sizeof(ripe));
    accctl_soon(style, text_of(autos, "taken"), taken, sizeof(taken));
    if (!autos || !acc_json_bool(autos, "pending")) {
        (void)snprintf(out, out_size, "%s", reason);
    } else if (*reason) {
        (void)snprintf(out, out_size, "waits: %s", reason);
    } else if (*ripe && strcmp(ripe, "now") != 0) {
        (void)snprintf(out, out_size, "min_age until %s%s%s", ripe,
                       strcmp(ripe, taken) == 0 ? "" : ", comes ",
                       strcmp(ripe, taken) == 0 ? "" : taken);
    } else {
        (void)snprintf(out, out_size, "comes %s", taken);
    }
}

void accctl_format_next(const char *next, const struct accctl_style *style, char *out,
                        size_t out_size)
{
    char when[ACCCTL_CLOCK_MAX];

    accctl_soon(style, next, when, sizeof(when));
    (void)snprintf(out, out_size, "%s%s",
                   !*when                     ? ""
                   : strcmp(when, "now") == 0 ? "open "
                                              : "next ",
                   when);
}

void accctl_put_autos(const cJSON *status, const struct accctl_style *style, struct acc_buf *out)
{
    const cJSON *service;
    const char *next = "";
    char when[ACCCTL_CLOCK_MAX + 8], clause[ACCCTL_AUTO_MAX];
    struct acc_buf names;
    unsigned n = 0, n_pending = 0;

    acc_buf_init(&names, 65536);
    cJSON_ArrayForEach(service, acc_json_array(status, "services"))
    {
        const cJSON *autos = acc_json_object(service, "auto");
        const char *time = text_of(autos, "next");

        if (!autos) {
            continue;
        }
        n++;
        next = !*next || (*time && strcmp(time, next) < 0) ? time : next; /* sorts by its bytes */
        if (acc_json_bool(autos, "pending") && n_pending++ < NAMES_MAX) {
            accctl_format_auto(autos, style, clause, sizeof(clause));
            (void)acc_buf_printf(&names, "%s%s %s", names.len > 0 ? "; " : "",
                                 text_of(service, "id"), clause);
        }
    }
    accctl_format_next(next, style, when, sizeof(when));
    if (n > 0 && *when) {
        (void)acc_buf_printf(out, "\nauto: %s, %u pending%s%s%s%s\n", when, n_pending,
                             n_pending > 0 ? " (" : "", names.data ? names.data : "",
                             n_pending > NAMES_MAX ? "; ..." : "", n_pending > 0 ? ")" : "");
    }
    acc_buf_fini(&names);
}
