#include "lib/codec/history_json.h"

#include <check.h>
#include <string.h>

static const struct acc_history_row rows[] = {
    {.record = {.number = 4, .result = ACC_REV_ROLLED_BACK}},
    {.record = {.number = 3, .result = ACC_REV_STABLE}},
    {.record = {.number = 2, .result = ACC_REV_STABLE}},
    {.record = {.number = 1, .result = ACC_REV_ROLLED_BACK}},
};

/* Which rows can't be gone back to any more, by their numbers. */
static void ck_let_go(const struct acc_kept *kept, size_t n_kept, const char *want)
{
    char got[64] = "";
    struct acc_buf out;

    acc_buf_init(&out, 65536);
    ck_assert_int_eq(acc_history_put(rows, 4, kept, n_kept, &out), 0);
    for (const char *at = out.data; (at = strstr(at, "\"let_go\":")) != NULL; at++) {
        strcat(got, strncmp(at + strlen("\"let_go\":"), "true", 4) == 0 ? "+" : "-");
    }
    ck_assert_str_eq(got, want);
    acc_buf_fini(&out);
}

START_TEST(what_a_rollback_does_not_reach_is_marked)
{
    static const struct acc_kept kept[] = {{2, "img2"}, {3, "img3"}};

    ck_let_go(kept, 2, "----");
    ck_let_go(&kept[1], 1, "--+-"); /* what was taken back was never stable */
    ck_let_go(NULL, 0, "----");     /* nothing is known */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("history_json");
    TCase *tcase = tcase_create("history_json");
    SRunner *runner;
    int n_failed;

    tcase_add_test(tcase, what_a_rollback_does_not_reach_is_marked);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? 0 : 1;
}
