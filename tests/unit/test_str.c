#include "lib/base/str.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *text;
    bool ok;
    int64_t ns;
    const char *printed;
} durations[] = {
    {"0", true, 0, "0s"},
    {"1m30s", true, 90000000000, "1m30s"},
    {"1.5h", true, 5400000000000, "1h30m0s"},
    {"1d12h", true, 129600000000000, "36h0m0s"},
    {".5s", true, 500000000, "500ms"},
    {"1us", true, 1000, "1\xc2\xb5s"},
    {"-2s", true, -2000000000, "-2s"},
    {"24h", true, 86400000000000, "24h0m0s"},
    {"10", false, 0, NULL},
    {"", false, 0, NULL},
    {"s", false, 0, NULL},
    {"1x", false, 0, NULL},
    {"99999999999h", false, 0, NULL},
};

START_TEST(reads_durations_as_go_does_and_prints_them_back)
{
    int64_t ns = -1;
    char text[64];

    ck_assert_int_eq(acc_parse_duration_ns(durations[_i].text, &ns), durations[_i].ok);
    if (durations[_i].ok) {
        ck_assert_int_eq(ns, durations[_i].ns);
        acc_format_duration_ns(ns, text, sizeof(text));
        ck_assert_str_eq(text, durations[_i].printed);
    }
}
END_TEST

static const struct {
    const char *text;
    bool ok;
    int64_t bytes;
} sizes[] = {
    {"512MB", true, 536870912},
    {"1.5 GiB", true, 1610612736},
    {"1kB", true, 1024},
    {"1.5", true, 1},
    {"64m", true, 67108864},
    {"5quux", false, 0},
    {"", false, 0},
    {"9999999999999t", false, 0},
};

START_TEST(reads_sizes_as_docker_does)
{
    int64_t bytes = -1;

    ck_assert_int_eq(acc_parse_bytes(sizes[_i].text, &bytes), sizes[_i].ok);
    if (sizes[_i].ok) {
        ck_assert_int_eq(bytes, sizes[_i].bytes);
    }
}
END_TEST

START_TEST(finds_the_nearest_name_and_no_far_one)
{
    static const char *const names[] = {"image", "environment", "restart"};

    ck_assert_str_eq(acc_nearest("imagee", names, 3), "image");
    ck_assert_str_eq(acc_nearest("enviroment", names, 3), "environment");
    ck_assert_str_eq(acc_nearest("retsart", names, 3), "restart");
    ck_assert_ptr_null(acc_nearest("volumes", names, 3));
}
END_TEST

START_TEST(reads_and_prints_times)
{
    int64_t ns = 0;
    char text[ACC_RFC3339_MAX];

    ck_assert(acc_parse_rfc3339_ns("2026-11-23T13:00:00.5Z", &ns));
    ck_assert_int_eq(ns, 1795438800500000000);
    acc_format_rfc3339(ns / 1000000, text, sizeof(text));
    ck_assert_str_eq(text, "2026-11-23T13:00:00Z");
    ck_assert(acc_parse_rfc3339_ns("2026-11-23T14:00:00+01:00", &ns));
    ck_assert_int_eq(ns, 1795438800000000000);
    ck_assert(acc_parse_rfc3339_ns("0001-01-01T00:00:00Z", &ns));
    ck_assert_int_eq(ns, 0);
    ck_assert(!acc_parse_rfc3339_ns("yesterday", &ns));
}
END_TEST

START_TEST(marks_what_is_cut)
{
    char text[16] = "abcdefgh";

    ck_assert_uint_eq(acc_mark_cut(text, 8, 15), 11); /* there is room behind it */
    ck_assert_str_eq(text, "abcdefgh" ACC_CUT);
    ck_assert_uint_eq(acc_mark_cut(text, 11, 15), 11); /* twice is once */
    ck_assert_str_eq(text, "abcdefgh" ACC_CUT);
    memcpy(text, "abcdefgh", 9);
    ck_assert_uint_eq(acc_mark_cut(text, 8, 8), 8);
    ck_assert_str_eq(text, "abcde" ACC_CUT);
    memcpy(text, "abcd\xc3\xa4gh", 9); /* the mark would begin in the middle of it */
    ck_assert_uint_eq(acc_mark_cut(text, 8, 8), 7);
    ck_assert_str_eq(text, "abcd" ACC_CUT);
    ck_assert_uint_eq(acc_mark_cut(text, 8, 8), 7);
    memcpy(text, "\x80\x80\x80\x80\x80\x80", 7); /* no UTF-8 at all */
    ck_assert_uint_eq(acc_mark_cut(text, 6, 6), 6);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("str");
    TCase *tcase = tcase_create("str");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, tcase);
    tcase_add_loop_test(tcase, reads_durations_as_go_does_and_prints_them_back, 0,
                        sizeof(durations) / sizeof(durations[0]));
    tcase_add_loop_test(tcase, reads_sizes_as_docker_does, 0, sizeof(sizes) / sizeof(sizes[0]));
    tcase_add_test(tcase, finds_the_nearest_name_and_no_far_one);
    tcase_add_test(tcase, reads_and_prints_times);
    tcase_add_test(tcase, marks_what_is_cut);
    srunner_run_all(runner, CK_NORMAL);
    int n_failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return n_failed > 0;
}
