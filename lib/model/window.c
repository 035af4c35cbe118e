#include "lib/model/window.h"

#include <string.h>

#include "lib/base/assert.h"

#define DAY_S     86400
#define WEEK_DAYS 7
#define DAY_MIN   1440

/* --- reading --------------------------------------------------------------------------------- */

static bool parse_day(const char **text, int *ret_day)
{
    static const char *const names[WEEK_DAYS] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

    for (int day = 0; day < WEEK_DAYS; day++) {
        if (strncmp(*text, names[day], 3) == 0) {
            *text += 3;
            *ret_day = day;
            return true;
        }
    }
    return false;
}

/* "Sat,Mon-Wed": a range may go round the end of the week. */
static bool parse_days(const char **text, uint8_t *ret_days)
{
    uint8_t days = 0;

    for (;;) {
        int first, last;

        if (!parse_day(text, &first)) {
            return false;
        }
        last = first;
        if (**text == '-') {
            (*text)++;
            if (!parse_day(text, &last)) {
                return false;
            }
        }
        for (int day = first;; day = (day + 1) % WEEK_DAYS) {
            days |= (uint8_t)(1u << day);
            if (day == last) {
                break;
            }
        }
        if (**text != ',') {
            break;
        }
        (*text)++;
    }
    *ret_days = days;
    return true;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "03:00"; 24:00 is an end. */
static bool parse_time(const char **text, uint16_t *ret_min)
{
    const char *t = *text;
    int hour, minute;

    if (!is_digit(t[0]) || !is_digit(t[1]) || t[2] != ':' || !is_digit(t[3]) || !is_digit(t[4])) {
        return false;
    }
    hour = (t[0] - '0') * 10 + t[1] - '0';
    minute = (t[3] - '0') * 10 + t[4] - '0';
    if (minute > 59 || hour * 60 + minute > DAY_MIN) {
        return false;
    }
    *text += 5;
    *ret_min = (uint16_t)(hour * 60 + minute);
    return true;
}

bool acc_window_parse(const char *text, struct acc_window *ret_window)
{
    struct acc_window window = {.days = (1u << WEEK_DAYS) - 1};

    if (strncmp(text, "daily ", 6) == 0) {
        text += 6;
    } else if (!is_digit(*text)) {
        if (!parse_days(&text, &window.days) || *text++ != ' ') {
            return false;
        }
    }
    text += strspn(text, " ");
    if (!parse_time(&text, &window.begin_min) || *text++ != '-' ||
        !parse_time(&text, &window.end_min) || *text || window.begin_min == DAY_MIN) {
        return false;
    }
    *ret_window = window;
    return true;
}

/* --- the clock ------------------------------------------------------------------------------- */

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* When the clock on the wall shows `local_s` first, or last; at the change itself when it jumps
 * over that. */
static int64_t moment(const struct acc_zone *zone, int64_t local_s, bool is_last)
{
    int64_t before_s = local_s - zone->before_s, after_s = local_s - zone->after_s;
    bool is_before = before_s < zone->change_s, is_after = after_s >= zone->change_s;

    if (is_before && !(is_last && is_after)) {
        return before_s;
    }
    return is_after ? after_s : zone->change_s;
}

bool acc_windows_find(const struct acc_window *windows, size_t n, const struct acc_zone *zone,
                      int64_t now_s, int64_t *ret_begin_s, int64_t *ret_end_s)
{
    int64_t offset_s = now_s < zone->change_s ? zone->before_s : zone->after_s;
    int64_t today = floor_div(now_s + offset_s, DAY_S);
    bool is_found = false, is_open = false;

    for (int64_t day = today - 1; day <= today + WEEK_DAYS + 1; day++) {
        int weekday = (int)(((day + 4) % WEEK_DAYS + WEEK_DAYS) % WEEK_DAYS); /* 1970: a Thursday */

        for (size_t i = 0; i < n; i++) {
            const struct acc_window *w = &windows[i];
            int64_t end_day = day + (w->end_min <= w->begin_min);
            int64_t begin_s = moment(zone, day * DAY_S + w->begin_min * 60, false);
            int64_t end_s = moment(zone, end_day * DAY_S + w->end_min * 60, true);
            bool is_now = begin_s <= now_s;

            if (!(w->days & (1u << weekday)) || end_s <= now_s || end_s <= begin_s) {
                continue;
            }
            if (!is_found || (is_now && !is_open) ||
                (is_now == is_open && (is_now ? end_s > *ret_end_s : begin_s < *ret_begin_s))) {
                *ret_begin_s = begin_s;
                *ret_end_s = end_s;
                is_found = true;
                is_open = is_now;
            }
        }
    }
    return is_found;
}
