#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/options.h"

#define WORDS_MAX 12

static char program[] = "accd";

static enum accd_options_result parse(const char *line, struct accd_options *options, char *said,
                                      size_t said_size)
{
    static char copy[256]; /* the options borrow from it */
    char *argv[WORDS_MAX + 1] = {program};
    FILE *errors = fmemopen(said, said_size, "w");
    enum accd_options_result r;
    int argc = 1;

    (void)snprintf(copy, sizeof(copy), "%s", line);
    for (char *rest = copy, *word; (word = strsep(&rest, " ")) && argc < WORDS_MAX;) {
        argv[argc++] = word;
    }
    r = accd_options_parse(argc, argv, options, errors);
    (void)fclose(errors);
    return r;
}

START_TEST(files_may_follow_each_other)
{
    struct accd_options o = {0};
    char said[256] = "";

    ck_assert_int_eq(parse("-f a.yaml b.yaml -p shop --check", &o, said, sizeof(said)),
                     ACCD_OPTIONS_RUN);
    ck_assert_str_eq(said, "");
    ck_assert_uint_eq(o.n_files, 2);
    ck_assert_str_eq(o.files[1], "b.yaml");
    ck_assert_str_eq(o.project, "shop");
    ck_assert(o.check && !o.hand_back);
}
END_TEST

static const struct {
    const char *line, *said;
} wrong[] = {
    {"--chek", "unknown option --chek; did you mean --check?"},
    {"--check -x", "unknown option -x"},
    {"-xc", "unknown option -x"},
    {"--frobnicate=1", "unknown option --frobnicate"},
    {"--check=1", "--check takes no value"},
    {"-f", "-f needs a value"},
    {"--check --file", "--file needs a value"},
    {"--docker", "--docker needs a value"},
    {"acc.yaml",
     "unexpected argument acc.yaml; a Compose file goes behind -f, an acc.yaml behind -c"},
    {"-c a -f b", "-c and -f exclude each other"},
    {"-p x", "--project goes with -f; in acc.yaml a stack has its name"},
    {"--log-level loud", "--log-level is error, warning, notice, info or debug, not loud"},
};

START_TEST(what_is_wrong_is_said_once)
{
    struct accd_options o;
    char said[256] = "", want[256];

    ck_assert_int_eq(parse(wrong[_i].line, &o, said, sizeof(said)), ACCD_OPTIONS_EXIT_USAGE);
    (void)snprintf(want, sizeof(want), "accd: %s\nTry 'accd --help'.\n", wrong[_i].said);
    ck_assert_str_eq(said, want);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("accd_options");
    TCase *tcase = tcase_create("accd_options");
    SRunner *runner = srunner_create(suite);
    int n_failed;

    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, files_may_follow_each_other);
    tcase_add_loop_test(tcase, what_is_wrong_is_said_once, 0, sizeof(wrong) / sizeof(wrong[0]));
    srunner_run_all(runner, CK_NORMAL);
    n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed > 0;
}
