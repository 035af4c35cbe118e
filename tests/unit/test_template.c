#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/arena.h"
#include "lib/compose/template.h"

static struct acc_arena *arena;
static char unset[256];
static char problem[ACC_TEMPLATE_ERROR_MAX];

static void setup(void)
{
    ck_assert_int_eq(acc_arena_create(64u << 20, &arena), 0);
    unset[0] = problem[0] = '\0';
}

static void teardown(void)
{
    arena = acc_arena_destroy(arena);
}

static const char *lookup(void *ctx, const char *name)
{
    (void)ctx;
    return strcmp(name, "SET") == 0     ? "set"
           : strcmp(name, "EMPTY") == 0 ? ""
           : strcmp(name, "D") == 0     ? "${SET}"
           : strcmp(name, "_x1") == 0   ? "under"
                                        : NULL;
}

static void on_unset(void *ctx, const char *name)
{
    (void)ctx;
    snprintf(unset + strlen(unset), sizeof(unset) - strlen(unset), "%s ", name);
}

static int expand(const char *text, const char **ret_text)
{
    struct acc_template template = {arena, lookup, on_unset, NULL};

    return acc_template_expand(&template, text, ret_text, problem);
}

/* `unset`: the variables that are warned about. Checked against Compose 2.40.3. */
static const struct {
    const char *in, *want, *unset;
} good[] = {
    {"", "", ""},
    {"plain", "plain", ""},
    {"$SET", "set", ""},
    {"${SET}", "set", ""},
    {"a${SET}b$SET.c", "asetbset.c", ""},
    {"$_x1 ${_x1}", "under under", ""},
    {"$$SET", "$SET", ""},
    {"$$$$", "$$", ""},
    {"$", "$", ""},
    {"a$", "a$", ""},
    {"$1 $ x $. $-", "$1 $ x $. $-", ""},
    {"${U}", "", "U "},
    {"$U", "", "U "},
    {"${U:-d}", "d", ""},
    {"${U-d}", "d", ""},
    {"${EMPTY:-d}", "d", ""},
    {"${EMPTY-d}", "", ""},
    {"${SET:-d}", "set", ""},
    {"${U:-}", "", ""},
    {"${SET:+alt}${U:+alt}${EMPTY:+alt}", "alt", ""},
    {"${SET+alt}${U+alt}${EMPTY+e}", "alte", ""},
    {"${SET:?why}${EMPTY?why}", "set", ""},
    {"${U:-a${U2:-b}c}", "abc", ""},
    {"${U:-${U2}}", "", "U2 "},
    {"${SET:-${U2}}", "set", "U2 "}, /* 2.40 looks at the default even if it isn't used */
    {"${U:-{}}", "{}", ""},
    {"${U:-{\"a\":1}}", "{\"a\":1}", ""},
    {"${U:-a}}", "a}", ""},
    {"${U-?x}", "?x", ""},
    {"${U:-$$x}", "$x", ""},
    {"${U:-a b:c \"d\"}", "a b:c \"d\"", ""},
    {"${U:-x} - ${SET:-y}", "x - set", ""},
    {"${U:-x}\n${U:-y}", "x\ny", ""},
    {"${D}", "${SET}", ""}, /* a value is not looked at again */
    {"${U:-http://h:80/?a=b}", "http://h:80/?a=b", ""},
};

START_TEST(texts_are_expanded_as_compose_does)
{
    const char *got = NULL;

    ck_assert_msg(expand(good[_i].in, &got) == 0, "%s: %s", good[_i].in, problem);
    ck_assert_msg(strcmp(got, good[_i].want) == 0, "%s: got %s, want %s", good[_i].in, got,
                  good[_i].want);
    ck_assert_str_eq(unset, good[_i].unset);
}
END_TEST

static const struct {
    const char *in, *want;
} bad[] = {
    {"${", "invalid interpolation format: '${'; write $$ for a dollar sign"},
    {"${}", "invalid interpolation format: '${}'; write $$ for a dollar sign"},
    {"${1}", "invalid interpolation format: '${1}'; write $$ for a dollar sign"},
    {"x${A", "invalid interpolation format: 'x${A'; write $$ for a dollar sign"},
    {"${A }", "invalid interpolation format: '${A }'; write $$ for a dollar sign"},
    {"${ A}", "invalid interpolation format: '${ A}'; write $$ for a dollar sign"},
    {"${A:x}", "invalid interpolation format: '${A:x}'; write $$ for a dollar sign"},
    {"${A!}", "invalid interpolation format: '${A!}'; write $$ for a dollar sign"},
    {"${a.b}", "invalid interpolation format: '${a.b}'; write $$ for a dollar sign"},
    {"${A:-x\n}", "invalid interpolation format: '${A:-x\n}'; write $$ for a dollar sign"},
    {"${U:-${}}", "invalid interpolation format: '${}'; write $$ for a dollar sign"},
    {"${U:?give me}", "required variable U is missing a value: give me"},
    {"${EMPTY:?}", "required variable EMPTY is missing a value"},
    {"${U?}", "required variable U is missing a value"},
    {"${U?:-x}", "required variable U is missing a value: :-x"},
    {"${SET:-${U:?inner}}", "required variable U is missing a value: inner"},
};

START_TEST(bad_texts_are_refused)
{
    const char *got = "untouched";

    ck_assert_int_eq(expand(bad[_i].in, &got), -EINVAL);
    ck_assert_str_eq(problem, bad[_i].want);
    ck_assert_str_eq(got, "untouched");
}
END_TEST

START_TEST(text_without_a_dollar_is_not_copied)
{
    const char *text = "plain";
    const char *got = NULL;

    ck_assert_int_eq(expand(text, &got), 0);
    ck_assert_ptr_eq(got, text);
}
END_TEST

START_TEST(deep_nesting_is_refused_and_long_lines_stay_quick)
{
    enum { N = 50000 };
    char *text = calloc(N + 1, 10);
    const char *got = NULL;

    for (int i = 0; i < 150; i++) {
        strcat(text, "${U:-");
    }
    memset(text + strlen(text), '}', 150);
    ck_assert_int_eq(expand(text, &got), -EINVAL);
    ck_assert_str_eq(problem, "${} nested deeper than 100");
    for (size_t i = 0; i < N; i++) { /* quadratic would be minutes */
        memcpy(text + i * 7, "${U:-x}", 7);
    }
    text[(size_t)N * 7] = '\0';
    ck_assert_int_eq(expand(text, &got), 0);
    ck_assert_uint_eq(strlen(got), N);
    free(text);
}
END_TEST

#define N(a) ((int)(sizeof(a) / sizeof((a)[0])))

int main(void)
{
    Suite *suite = suite_create("template");
    TCase *tcase = tcase_create("template");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, tcase);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 60); /* for sanitizers, and a busy machine */
    tcase_add_loop_test(tcase, texts_are_expanded_as_compose_does, 0, N(good));
    tcase_add_loop_test(tcase, bad_texts_are_refused, 0, N(bad));
    tcase_add_test(tcase, text_without_a_dollar_is_not_copied);
    tcase_add_test(tcase, deep_nesting_is_refused_and_long_lines_stay_quick);
    srunner_run_all(runner, CK_ENV);
    int n_failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return n_failed > 0;
}
