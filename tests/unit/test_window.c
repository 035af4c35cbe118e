/* Windows of the week: how they are written, when they are open, and what summer time does. */

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/model/window.h"

/* --- written --------------------------------------------------------------------------------- */

static const struct {
    const char *text, *want; /* "days begin end", "" when it is none */
} written[] = {
    {"Sun 03:00-05:00", "1 180 300"},
    {"03:00-05:00", "127 180 300"},
    {"daily 03:00-05:00", "127 180 300"},
    {"Mon-Fri 22:30-02:15", "62 1350 135"},
    {"Sat,Sun 00:00-24:00", "65 0 1440"},
    {"Fri-Mon 01:00-02:00", "99 60 120"},
    {"Mon,Wed-Thu 1:00-02:00", ""},
    {"Mon,Wed-Thu 01:00-02:00", "26 60 120"},
    {"Sun  03:00-05:00", "1 180 300"},
    {"00:00-00:00", "127 0 0"},
    {"", ""},
    {"Sun", ""},
    {"Sun 03:00", ""},
    {"sun 03:00-05:00", ""},
    {"Sonntag 03:00-05:00", ""},
    {"Sun, 03:00-05:00", ""},
    {"Sun- 03:00-05:00", ""},
    {"Sun 03:60-05:00", ""},
    {"Sun 24:00-05:00", ""},
    {"Sun 03:00-25:00", ""},
    {"Sun 03:00-05:00 ", ""},
    {"Sun 03:00 - 05:00", ""},
};

START_TEST(is_read_as_written)
{
    struct acc_window window;
    char got[32] = "";

    if (acc_window_parse(written[_i].text, &window)) {
        (void)snprintf(got, sizeof(got), "%u %u %u", window.days, window.begin_min, window.end_min);
    }
    ck_assert_msg(strcmp(got, written[_i].want) == 0, "'%s': got '%s', want '%s'", written[_i].text,
                  got, written[_i].want);
}
END_TEST

/* --- open ------------------------------------------------------------------------------------ */

/* Berlin: 2026-03-29 01:00Z, an hour is left out; 2026-10-25 01:00Z, one comes twice. */
static const struct acc_zone spring = {3600, 7200, 1774746000}, autumn = {7200, 3600, 1792890000},
                             utc = {0, 0, 0}, west = {-18000, -18000, 0};

static const struct {
    const char *label;
    const struct acc_zone *zone;
    const char *windows[3];
    int64_t now_s, begin_s, end_s; /* 0: none */
} opened[] = {
    /* 1774656000 is Saturday, 2026-03-28 00:00Z */
    {"tomorrow", &utc, {"Sun 03:00-05:00"}, 1774656000, 1774753200, 1774760400},
    {"open since an hour", &utc, {"Sun 03:00-05:00"}, 1774756800, 1774753200, 1774760400},
    {"its first second", &utc, {"Sun 03:00-05:00"}, 1774753200, 1774753200, 1774760400},
    {"its end is behind it", &utc, {"Sun 03:00-05:00"}, 1774760400, 1775358000, 1775365200},
    {"past midnight, before it", &utc, {"Sat 23:00-02:00"}, 1774735200, 1774738800, 1774749600},
    {"past midnight, behind it", &utc, {"Sat 23:00-02:00"}, 1774746000, 1774738800, 1774749600},
    {"a whole day", &utc, {"00:00-00:00"}, 1774700000, 1774656000, 1774742400},
    {"until 24:00", &utc, {"Sat 22:00-24:00"}, 1774656000, 1774735200, 1774742400},
    {"the nearest",
     &utc,
     {"Mon 03:00-05:00", "Sun 01:00-02:00"},
     1774656000,
     1774746000,
     1774749600},
    {"the open one first",
     &utc,
     {"Sat 01:00-02:00", "Sat 00:00-04:00"},
     1774659600,
     1774656000,
     1774670400},
    {"of the local day", &west, {"Sat 23:00-24:00"}, 1774753200, 1774756800, 1774760400},
    /* 03:00 is there twice a year, 02:30 not in spring */
    {"spring, before", &spring, {"Sun 01:00-04:00"}, 1774742400, 1774742400, 1774749600},
    {"spring, begins in the gap", &spring, {"Sun 02:30-03:30"}, 1774742400, 1774746000, 1774747800},
    {"spring, ends in the gap", &spring, {"Sun 01:30-02:30"}, 1774742400, 1774744200, 1774746000},
    {"spring, all in the gap", &spring, {"Sun 02:10-02:50"}, 1774742400, 1775347800, 1775350200},
    {"autumn, begins in the first",
     &autumn,
     {"Sun 02:30-03:30"},
     1792886400,
     1792888200,
     1792895400},
    {"autumn, still open in the second",
     &autumn,
     {"Sun 02:30-02:45"},
     1792890000,
     1792888200,
     1792892700},
    {"autumn, around both", &autumn, {"Sun 01:00-05:00"}, 1792890000, 1792882800, 1792900800},
    {"no window", &utc, {NULL}, 1774656000, 0, 0},
};

START_TEST(is_open_by_the_clock_on_the_wall)
{
    struct acc_window windows[3];
    int64_t begin_s = 0, end_s = 0;
    size_t n = 0;
    bool is_found;

    for (; n < 3 && opened[_i].windows[n]; n++) {
        ck_assert(acc_window_parse(opened[_i].windows[n], &windows[n]));
    }
    is_found = acc_windows_find(windows, n, opened[_i].zone, opened[_i].now_s, &begin_s, &end_s);
    ck_assert_int_eq(is_found, opened[_i].begin_s != 0);
    ck_assert_msg(begin_s == opened[_i].begin_s && end_s == opened[_i].end_s,
                  "%s: got %+lld..%+lld", opened[_i].label,
                  (long long)(begin_s - opened[_i].begin_s), (long long)(end_s - opened[_i].end_s));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("window");
    TCase *tcase = tcase_create("window");

    tcase_add_loop_test(tcase, is_read_as_written, 0, ACC_ARRAY_LEN(written));
    tcase_add_loop_test(tcase, is_open_by_the_clock_on_the_wall, 0, ACC_ARRAY_LEN(opened));
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
