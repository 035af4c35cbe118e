#include "lib/codec/json_frame.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define CAP 16u

static const struct {
    const char *label, *in, *want;
} cases[] = {
    {"a line each", "{\"a\":1}\n{\"b\":2}\n", "{\"a\":1}|{\"b\":2}|"},
    {"no newline at the end", "{\"a\":1}\n{\"b\":2}", "{\"a\":1}|{\"b\":2}|"},
    {"no newline between", "{}{}", "{}|{}|"},
    {"CR LF, as pulls have it", "{\"a\":1}\r\n{}\r\n", "{\"a\":1}|{}|"},
    {"json-seq", "\x1e{\"a\":1}\n\x1e{}\n", "{\"a\":1}|{}|"},
    {"brackets in a string", "{\"a\":\"}{\"}\n", "{\"a\":\"}{\"}|"},
    {"an escaped quote in a string", "{\"a\":\"\\\"}\"}", "{\"a\":\"\\\"}\"}|"},
    {"arrays and nesting", "[{\"a\":[1]}]\n", "[{\"a\":[1]}]|"},
    {"blank lines", "\n\n  {}\n\n", "{}|"},
    {"a broken line harms no other", "{\"a\n{}\n", "{\"a|{}|"},
    {"a bracket too many", "}{}\n{}", "}{}|{}|"},
    {"no object at all", "hello\n{}", "hello|{}|"},
    {"half a text at the end", "{}\n{\"a\":", "{}|{\"a\":|"},
    {"one too long", "{\"a\":\"0123456789abcdef\"}\n{}\n", "too big|{}|"},
    {"one too long without end", "{\"a\":\"0123456789abcdef", "too big|"},
    {"exactly as long as allowed", "{\"a\":\"01234567\"}\n", "{\"a\":\"01234567\"}|"},
    {"nothing", "", ""},
};

static void take(enum acc_json_frame_result r, const char *text, size_t len, char *got)
{
    if (r == ACC_JSON_FRAME_TEXT) {
        ck_assert_uint_gt(len, 0);
        ck_assert_int_eq(text[len], '\0');
        (void)strncat(got, text, len);
        (void)strcat(got, "|");
    } else if (r == ACC_JSON_FRAME_TOO_BIG) {
        (void)strcat(got, "too big|");
    }
}

static void run(const char *in, size_t step, char *got)
{
    struct acc_json_frame frame;
    const char *text = NULL;
    size_t left = strlen(in), len = 0;

    acc_json_frame_init(&frame, CAP);
    while (left > 0) {
        size_t n = left < step ? left : step;
        enum acc_json_frame_result r;

        left -= n;
        while ((r = acc_json_frame_feed(&frame, &in, &n, &text, &len)) != ACC_JSON_FRAME_MORE) {
            take(r, text, len, got);
        }
        ck_assert_uint_eq(n, 0);
    }
    enum acc_json_frame_result last = acc_json_frame_finish(&frame, &text, &len);

    take(last, text, len, got);
    acc_json_frame_fini(&frame);
}

START_TEST(cuts_texts_however_the_bytes_arrive)
{
    for (size_t step = 1; step <= strlen(cases[_i].in) + 1; step++) {
        char got[256] = "";

        run(cases[_i].in, step, got);
        ck_assert_msg(strcmp(got, cases[_i].want) == 0, "%s, %zu at a time: got %s, want %s",
                      cases[_i].label, step, got, cases[_i].want);
    }
}
END_TEST

START_TEST(reset_forgets_half_a_text)
{
    struct acc_json_frame frame;
    const char *in = "{\"a", *text = NULL;
    size_t n = 3, len = 0;

    acc_json_frame_init(&frame, CAP);
    ck_assert_int_eq(acc_json_frame_feed(&frame, &in, &n, &text, &len), ACC_JSON_FRAME_MORE);
    acc_json_frame_reset(&frame);
    in = "{}";
    n = 2;
    ck_assert_int_eq(acc_json_frame_feed(&frame, &in, &n, &text, &len), ACC_JSON_FRAME_TEXT);
    ck_assert_str_eq(text, "{}");
    acc_json_frame_fini(&frame);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("json_frame");
    TCase *tc = tcase_create("all");

    tcase_add_loop_test(tc, cuts_texts_however_the_bytes_arrive, 0,
                        sizeof(cases) / sizeof(cases[0]));
    tcase_add_test(tc, reset_forgets_half_a_text);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
