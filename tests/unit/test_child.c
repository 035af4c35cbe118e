#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "daemon/out/child.h"
#include "lib/base/str.h"

struct seen {
    char text[20000];
    int status;
    int n_ends;
};

static void on_line(void *ctx, bool is_stderr, const char *line)
{
    struct seen *seen = ctx;
    size_t len = strlen(seen->text);

    (void)snprintf(seen->text + len, sizeof(seen->text) - len, "%s%s;", is_stderr ? "!" : "", line);
}

static void on_end(void *ctx, int status)
{
    struct seen *seen = ctx;

    seen->status = status;
    seen->n_ends++;
}

static struct seen run(const char *const *argv, const char *input, const char *variable,
                       uint64_t limit_ms)
{
    uv_loop_t loop;
    struct seen seen = {.status = 9999};
    const char *const environment[] = {variable, NULL};
    struct accd_child_config config = {.argv = argv,
                                       .environment = environment,
                                       .input = input,
                                       .limit_ms = limit_ms,
                                       .ctx = &seen,
                                       .on_line = on_line,
                                       .on_end = on_end};
    struct accd_child *child = NULL;

    ck_assert_int_eq(uv_loop_init(&loop), 0);
    ck_assert_int_eq(accd_child_start(&loop, &config, &child), 0);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
    ck_assert_int_eq(seen.n_ends, 1);
    return seen;
}

#define SH(text)                                                                                   \
    (const char *const[])                                                                          \
    {                                                                                              \
        "/bin/sh", "-c", text, NULL                                                                \
    }

START_TEST(lines_come_whole_and_the_exit_code_after_them)
{
    struct seen seen = run(SH("printf 'a\\nb'; sleep 0; printf 'c\\r\\n\\n'; exit 7"), NULL, NULL,
                           0);

    ck_assert_str_eq(seen.text, "a;bc;");
    ck_assert_int_eq(seen.status, 7);
}
END_TEST

START_TEST(a_line_that_is_too_long_is_marked)
{
    struct seen seen = run(SH("printf '%020000d\\nb\\n' 7"), NULL, NULL, 0);
    const char *mark = strstr(seen.text, "00" ACC_CUT ";b;");

    ck_assert_ptr_nonnull(mark);
    ck_assert_ptr_eq(mark + 2 + ACC_CUT_LEN, seen.text + ACCD_CHILD_LINE_MAX);
}
END_TEST

START_TEST(stderr_is_told_apart)
{
    ck_assert_str_eq(run(SH("echo e >&2"), NULL, NULL, 0).text, "!e;");
}
END_TEST

START_TEST(it_gets_its_input_and_its_variables)
{
    struct seen seen = run(SH("cat; echo; echo $OWN $HOME"), "in put", "HOME=/nowhere", 0);

    ck_assert_str_eq(seen.text, "in put;/nowhere;");
    ck_assert_int_eq(seen.status, 0);
}
END_TEST

START_TEST(a_program_that_is_not_there_is_said_so)
{
    const char *const argv[] = {"acc-no-such-program", NULL};

    ck_assert_int_eq(run(argv, NULL, NULL, 0).status, -ENOENT);
}
END_TEST

START_TEST(a_program_that_hangs_is_killed)
{
    ck_assert_int_eq(run(SH("sleep 3600"), NULL, NULL, 30).status, -ETIMEDOUT);
}
END_TEST

START_TEST(a_signal_is_told_as_a_shell_does)
{
    ck_assert_int_eq(run(SH("kill -9 $$"), NULL, NULL, 0).status, 128 + SIGKILL);
}
END_TEST

START_TEST(after_a_cancel_nothing_is_called)
{
    uv_loop_t loop;
    struct seen seen = {0};
    struct accd_child_config config = {
        .argv = SH("echo x; sleep 3600"), .ctx = &seen, .on_line = on_line, .on_end = on_end};
    struct accd_child *child = NULL;

    ck_assert_int_eq(uv_loop_init(&loop), 0);
    ck_assert_int_eq(accd_child_start(&loop, &config, &child), 0);
    accd_child_cancel(child);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
    ck_assert_int_eq(seen.n_ends, 0);
    ck_assert_str_eq(seen.text, "");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("child");
    TCase *tc = tcase_create("child");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, tc);
    tcase_add_test(tc, lines_come_whole_and_the_exit_code_after_them);
    tcase_add_test(tc, a_line_that_is_too_long_is_marked);
    tcase_add_test(tc, stderr_is_told_apart);
    tcase_add_test(tc, it_gets_its_input_and_its_variables);
    tcase_add_test(tc, a_program_that_is_not_there_is_said_so);
    tcase_add_test(tc, a_program_that_hangs_is_killed);
    tcase_add_test(tc, a_signal_is_told_as_a_shell_does);
    tcase_add_test(tc, after_a_cancel_nothing_is_called);
    srunner_run_all(runner, CK_NORMAL);
    int n_failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return n_failed > 0;
}
