#pragma once

/*
 * Windows of the week, by the clock on the wall: "Sun 03:00-05:00", "Mon-Fri 22:00-02:00".
 *
 * Knows no clock and no time zone: the caller says what time it is, and how far the local time is
 * from UTC. One change of that (summer time) may lie in the days around; a window lasts from the
 * first moment at which the clock shows its begin to the last at which it shows its end. What the
 * change leaves out (02:10-02:50 on a day that has no hour of two) isn't that day.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ACC_WINDOWS_MAX 8u /* of one service */

struct acc_window {
    uint8_t days;                /* on which it begins: bit 0 is Sunday */
    uint16_t begin_min, end_min; /* of the day, 0..1440; an end that isn't later is tomorrow's */
};

/* Seconds to be added to UTC before `change_s` (Unix) and from then on. Without a change in the
 * days around both are the same. */
struct acc_zone {
    int32_t before_s, after_s;
    int64_t change_s;
};

/* [DAYS ]HH:MM-HH:MM; DAYS: Sun, Mon-Fri, Sat,Sun or daily, which is what none means. */
bool acc_window_parse(const char *text, struct acc_window *ret_window);
/* The one that is open at `now_s` (that with the latest end), else the next to open within eight
 * days. `*ret_end_s` is the first second behind it. False: there is none. */
bool acc_windows_find(const struct acc_window *windows, size_t n, const struct acc_zone *zone,
                      int64_t now_s, int64_t *ret_begin_s, int64_t *ret_end_s);
