/* How far the local time is from UTC, and when that changes. */

#include "daemon/in/wall_clock.h"

#include <check.h>
#include <stdlib.h>

/* Central Europe, in words of POSIX: no zone file is needed. */
#define BERLIN "CET-1CEST,M3.5.0,M10.5.0/3"

static const struct {
    const char *tz;
    int64_t now_s;
    struct acc_zone want; /* change_s 0: none near */
} zones[] = {
    {"UTC0", 1774656000, {0, 0, 0}},
    {BERLIN, 1770000000, {3600, 3600, 0}},
    {BERLIN, 1774656000, {3600, 7200, 1774746000}}, /* in a day */
    {BERLIN, 1774000000, {3600, 7200, 1774746000}}, /* in eight days and a half */
    {BERLIN, 1774746000, {3600, 7200, 1774746000}}, /* that second */
    {BERLIN, 1774900000, {3600, 7200, 1774746000}}, /* the day before yesterday */
    {BERLIN, 1775000000, {7200, 7200, 0}},
    {BERLIN, 1792880000, {7200, 3600, 1792890000}},
    {"EST5", 1774656000, {-18000, -18000, 0}},
};

START_TEST(the_change_of_these_days_is_found_to_the_second)
{
    struct acc_zone zone;

    ck_assert_int_eq(setenv("TZ", zones[_i].tz, 1), 0);
    zone = accd_wall_clock_zone(zones[_i].now_s);
    ck_assert_int_eq(zone.before_s, zones[_i].want.before_s);
    ck_assert_int_eq(zone.after_s, zones[_i].want.after_s);
    if (zones[_i].want.change_s) {
        ck_assert_int_eq(zone.change_s, zones[_i].want.change_s);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("wall_clock");
    TCase *tcase = tcase_create("wall_clock");

    tcase_add_loop_test(tcase, the_change_of_these_days_is_found_to_the_second, 0,
                        sizeof(zones) / sizeof(zones[0]));
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
