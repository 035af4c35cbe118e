#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/compose/dotenv.h"

static struct acc_arena *arena;
static struct acc_diags diags;
static struct acc_compose_env env;
static char got[1024];

static void setup(void)
{
    ck_assert_int_eq(acc_arena_create(1u << 20, &arena), 0);
    memset(&diags, 0, sizeof(diags));
    acc_compose_env_init(&env, NULL, arena);
}

static void teardown(void)
{
    acc_compose_env_fini(&env);
    arena = acc_arena_destroy(arena);
}

static const char *lookup(void *ctx, const char *name)
{
    (void)ctx;
    return strcmp(name, "SET") == 0 ? "set" : (strcmp(name, "A") == 0 ? "outer" : NULL);
}

static int parse(const char *text, size_t len, bool is_raw)
{
    struct acc_dotenv_source source = {"f.env", text, len, lookup, NULL, NULL};

    return is_raw ? acc_dotenv_parse_raw(&source, &env, &diags)
                  : acc_dotenv_parse(&source, &env, &diags);
}

static const char *dump(void)
{
    size_t len = 0;

    got[0] = '\0';
    for (const struct acc_env_var *var = acc_compose_env_first(&env); var;
         var = acc_compose_env_next(var)) {
        len += (size_t)snprintf(got + len, sizeof(got) - len, "%s=%s|", acc_env_var_name(var),
                                acc_env_var_value(var));
    }
    return got;
}

/* Checked against Compose 2.40.3. */
static const struct {
    const char *label, *in, *want;
} good[] = {
    {"nothing", "", ""},
    {"comments and blank lines", "# a\n\n  # b\n \t\n", ""},
    {"plain", "K=v\n", "K=v|"},
    {"no newline at the end", "K=v", "K=v|"},
    {"CRLF and a BOM", "\xef\xbb\xbfK=v\r\nL=w\r\n", "K=v|L=w|"},
    {"spaces around", "  K = a b  \n", "K=a b|"},
    {"yaml style", "K: v\n", "K=v|"},
    {"export", "export K=v\nexport\tL=w\n", "K=v|L=w|"},
    {"export as a name", "export=v\n", "export=v|"},
    {"empty", "K=\nL=", "K=|L=|"},
    {"comment after a space only", "K=a#b\nL=a #b\nM=#c\n", "K=a#b|L=a|M=#c|"},
    {"odd keys", "a.b=1\na-b=2\na[0]=3\n1d=4\n\xc3\xa9=5\n", "a.b=1|a-b=2|a[0]=3|1d=4|\xc3\xa9=5|"},
    {"more than one =", "K=a=b=c\n", "K=a=b=c|"},
    {"inherited", "SET\nNOT\nK=v\n", "SET=set|K=v|"},
    {"inherited at the end", "SET", "SET=set|"},
    {"single quotes are raw", "K='a $SET \\n # \"b\"'\n", "K=a $SET \\n # \"b\"|"},
    {"single quotes span lines", "K='a\nb'\nL=1\n", "K=a\nb|L=1|"},
    {"escaped single quote", "K='it\\'s'\n", "K=it's|"},
    {"double quotes", "K=\"a ${SET} # b\" # c\n", "K=a set # b|"},
    {"escapes", "K=\"\\t\\n\\\"\\\\ \\q \\0101\\0351\"\n", "K=\t\n\"\\ \\q A\xc3\xa9|"},
    {"an escaped dollar", "K=\"\\$SET $$SET\"\n", "K=$SET $SET|"},
    {"octal that is none", "K=\"\\01 \\0999 \\0\"\n", "K=\\1 \\999 \\|"},
    {"no escapes without quotes", "K=a\\nb\n", "K=a\\nb|"},
    {"text after the quote is a statement", "K=\"a\" SET\nL=1\n", "K=a|SET=set|L=1|"},
    {"interpolated", "K=${SET}-${U:-d}\nL=$K\n", "K=set-d|L=set-d|"},
    {"the outside wins in ${}", "A=inner\nB=$A\n", "A=inner|B=outer|"},
    {"the later one wins", "K=1\nL=2\nK=3\n", "K=3|L=2|"},
};

START_TEST(files_are_read_as_compose_reads_them)
{
    ck_assert_msg(parse(good[_i].in, strlen(good[_i].in), false) == 0, "%s: %s", good[_i].label,
                  diags.item[0].text);
    ck_assert_msg(strcmp(dump(), good[_i].want) == 0, "%s: got %s, want %s", good[_i].label, got,
                  good[_i].want);
}
END_TEST

static const struct {
    const char *in, *want;
} bad[] = {
    {"K=v\na b=c\n", "f.env:2:2: key cannot contain a space: 'a b'"},
    {"a b\n", "f.env:1:2: key cannot contain a space: 'a b'"},
    {"a$b=c\n", "f.env:1:2: unexpected character in a variable name: '$'"},
    {"=c\n", "f.env:1:2: a value without the name of a variable"},
    {"\nK=\"secret\n", "f.env:2:3: unterminated quoted value of a variable: 'K'"},
    {"K=secret${\n", "f.env:1:3: invalid ${} in the value of a variable: 'K'"},
    {"K=\"\\0000\"\n", "f.env:1:3: a value can't hold a NUL character (\\0000): 'K'"},
};

START_TEST(bad_files_are_refused_with_the_place_and_without_the_value)
{
    char text[1024];

    ck_assert_int_eq(parse(bad[_i].in, strlen(bad[_i].in), false), -EINVAL);
    acc_diag_format(&diags.item[0], text, sizeof(text));
    ck_assert_str_eq(text, bad[_i].want);
}
END_TEST

START_TEST(a_nul_byte_is_refused)
{
    ck_assert_int_eq(parse("A=b\0", 4, false), -EINVAL);
    ck_assert_uint_eq(diags.item[0].col, 4);
}
END_TEST

START_TEST(raw_files_are_taken_as_they_are)
{
    static const char text[] = "# c\n  K=\"a\" $SET # b \r\nSET\nNOT\n\nL='x'";

    ck_assert_int_eq(parse(text, sizeof(text) - 1, true), 0);
    ck_assert_str_eq(dump(), "K=\"a\" $SET # b |SET=set|L='x'|");
}
END_TEST

#define N(a) ((int)(sizeof(a) / sizeof((a)[0])))

int main(void)
{
    Suite *suite = suite_create("dotenv");
    TCase *tcase = tcase_create("dotenv");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, tcase);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 60); /* for sanitizers, and a busy machine */
    tcase_add_loop_test(tcase, files_are_read_as_compose_reads_them, 0, N(good));
    tcase_add_loop_test(tcase, bad_files_are_refused_with_the_place_and_without_the_value, 0,
                        N(bad));
    tcase_add_test(tcase, a_nul_byte_is_refused);
    tcase_add_test(tcase, raw_files_are_taken_as_they_are);
    srunner_run_all(runner, CK_ENV);
    int n_failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return n_failed > 0;
}
