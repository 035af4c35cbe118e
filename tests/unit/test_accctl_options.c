#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/cmd.h"

#define WORDS_MAX 12

static char program[] = "accctl";

static bool parse(const char *line, struct accctl_options *options, char *said, size_t said_size)
{
    static char copy[256]; /* the options borrow from it */
    char *argv[WORDS_MAX + 1] = {program};
    int argc = 1;
    FILE *errors = fmemopen(said, said_size, "w");
    bool ok;

    (void)snprintf(copy, sizeof(copy), "%s", line);
    for (char *rest = copy, *word; (word = strsep(&rest, " ")) && argc < WORDS_MAX;) {
        argv[argc++] = word;
    }
    ok = accctl_options_parse(argc, argv, accctl_cmd_options, options, errors);
    (void)fclose(errors);
    return ok;
}

START_TEST(options_stand_before_and_after_the_verb)
{
    static const char *const lines[] = {
        "--json --socket /s status db --watch --phase p",
        "status --json db --phase=p -w --socket=/s",
        "--phase p -w status --socket /s db --json",
    };
    struct accctl_options o;
    char said[256] = "";

    ck_assert_msg(parse(lines[_i], &o, said, sizeof(said)), "%s", said);
    ck_assert(o.json && o.watch);
    ck_assert_str_eq(o.socket, "/s");
    ck_assert_str_eq(o.verb, "status");
    ck_assert_str_eq(o.phase, "p");
    ck_assert_uint_eq(o.n_args, 1);
    ck_assert_str_eq(o.args[0], "db");
}
END_TEST

START_TEST(short_options_may_be_joined)
{
    struct accctl_options o;
    char said[256] = "";

    ck_assert_msg(parse("logs -ftn20 db", &o, said, sizeof(said)), "%s", said);
    ck_assert(o.follow && o.timestamps && !o.taken_back);
    ck_assert_uint_eq(o.tail, 20);
    ck_assert_msg(parse("down -vd -t 5m", &o, said, sizeof(said)), "%s", said);
    ck_assert(o.volumes && o.detach);
    ck_assert_uint_eq(o.timeout_ms, 300000);
    ck_assert_msg(parse("up -t 90", &o, said, sizeof(said)), "%s", said);
    ck_assert_uint_eq(o.timeout_ms, 90000);
}
END_TEST

START_TEST(what_has_one_value_is_given_once)
{
    struct accctl_options o;
    char said[256] = "";

    ck_assert(!parse("upgrade web --image a --image b", &o, said, sizeof(said)));
    ck_assert_ptr_nonnull(strstr(said, "--image was given twice"));
    ck_assert(parse("check -f a -f b", &o, said, sizeof(said)));
}
END_TEST

START_TEST(words_behind_two_dashes_are_names)
{
    struct accctl_options o;
    char said[256] = "";

    ck_assert(parse("status -- --json", &o, said, sizeof(said)));
    ck_assert(!o.json);
    ck_assert_str_eq(o.args[0], "--json");
}
END_TEST

static const struct {
    const char *line, *said;
} wrong[] = {
    {"up --alll",
     "accctl: up: unknown option --alll; did you mean --all?\nTry 'accctl help up'.\n"},
    {"up --watch", "accctl: up: unknown option --watch\nTry 'accctl help up'.\n"},
    {"up -x", "accctl: up: unknown option -x\nTry 'accctl help up'.\n"},
    {"--jsn", "accctl: unknown option --jsn; did you mean --json?\nTry 'accctl help'.\n"},
    {"up --timeout", "accctl: --timeout needs a value\n"},
    {"up --timeout=", "accctl: --timeout needs a value\n"},
    {"up --timeout soon", "accctl: --timeout takes a time like 90s or 5m, not 'soon'\n"},
    {"up --timeout 0", "accctl: --timeout takes a time like 90s or 5m, not '0'\n"},
    {"up --all=1", "accctl: --all takes no value\n"},
    {"rollback db --to 0", "accctl: --to counts from 1, see accctl history\n"},
    {"rollback db --to r0", "accctl: --to counts from 1, see accctl history\n"},
    {"logs -n -5 db", "accctl: -n takes a number up to 1000000, not '-5'\n"},
    {"events -n many", "accctl: -n takes a number up to 1000, not 'many'\n"},
    {"events --limit many", "accctl: --limit takes a number up to 1000, not 'many'\n"},
    {"events --timeout", "accctl: --timeout needs a value\n"},
    {"check --timeout 5", "accctl: check: unknown option --timeout\nTry 'accctl help check'.\n"},
};

START_TEST(wrong_options_are_named)
{
    struct accctl_options o;
    char said[256] = "";

    ck_assert(!parse(wrong[_i].line, &o, said, sizeof(said)));
    ck_assert_str_eq(said, wrong[_i].said);
}
END_TEST

/* What main() would print and return. */
static int run(const char *line, char *out, char *err, size_t size)
{
    static char copy[256];
    char *argv[WORDS_MAX + 1] = {program};
    int argc = 1;
    FILE *out_file = fmemopen(out, size, "w"), *err_file = fmemopen(err, size, "w");
    int code;

    (void)snprintf(copy, sizeof(copy), "%s", line);
    for (char *rest = copy, *word; (word = strsep(&rest, " ")) && argc < WORDS_MAX;) {
        argv[argc++] = word;
    }
    code = (int)accctl_run(argc, argv, out_file, err_file);
    (void)fclose(out_file);
    (void)fclose(err_file);
    return code;
}

static const struct {
    const char *line;
    int code;
    const char *err;
} runs[] = {
    {"statsu", 2, "accctl: no verb 'statsu'; did you mean status?\nTry 'accctl help'.\n"},
    {"frobnicate", 2, "accctl: no verb 'frobnicate'\nTry 'accctl help'.\n"},
    {"why", 2, "accctl: why takes SERVICE\nTry 'accctl help why'.\n"},
    {"stop", 2,
     "accctl: stop takes SERVICE|STACK...|--phase P|--all [--with-dependents]\nTry 'accctl help "
     "stop'.\n"},
    {"restart --with-dependents", 2,
     "accctl: restart takes SERVICE|STACK...|--phase P|--all [--with-dependents]\nTry 'accctl help "
     "restart'.\n"},
    {"rollback --yes", 2,
     "accctl: rollback takes SERVICE... [--to REV] [--yes]\nTry 'accctl help rollback'.\n"},
    {"rollback --all", 2, "accctl: rollback: unknown option --all\nTry 'accctl help rollback'.\n"},
    {"release", 2,
     "accctl: release takes SERVICE|STACK...|--phase P|--all\nTry 'accctl help release'.\n"},
    {"hand-back", 2, "accctl: hand-back takes STACK...|--all\nTry 'accctl help hand-back'.\n"},
    {"up web --all", 2, "accctl: up takes either --all, or names or a phase\n"},
    {"ping x", 2, "accctl: ping takes no arguments\nTry 'accctl help ping'.\n"},
    {"help up", 0, ""},
    {"maintenance maybe", 2, "accctl: maintenance is on or off, not 'maybe'\n"},
    {"hold web --for ever", 2, "accctl: --for takes a time like 90s or 5m, not 'ever'\n"},
    {"drill", 2,
     "accctl: drill lacks what is to break: give one of --fail SERVICE, --fail engine, --fail "
     "host:WHAT, --flap SERVICE and --oom SERVICE\nTry 'accctl help drill'.\n"},
    {"drill --fail a --oom b", 2,
     "accctl: drill breaks one thing at a time: give one of --fail SERVICE, --fail engine, --fail "
     "host:WHAT, --flap SERVICE and --oom SERVICE\nTry 'accctl help drill'.\n"},
    {"hold db --up --down", 2, "accctl: --down and another kind of hold can't be both\n"},
    {"apply --volumes", 2, "accctl: apply removes volumes with --prune only; give both\n"},
    {"up --help", 0, ""},
    {"--help", 0, ""},
    {"help nope", 2, "accctl: no verb 'nope'\n"},
    {"--socket /nonexistent/control status", 3,
     "accctl: accd isn't running or uses another socket: /nonexistent/control: no such file. Start "
     "it as it was: accd --socket /nonexistent/control --state-dir DIR -f COMPOSE, or -c "
     "acc.yaml\n"},
};

START_TEST(errors_say_what_and_what_to_do)
{
    char out[8192] = "", err[8192] = "";

    ck_assert_int_eq(run(runs[_i].line, out, err, sizeof(out)), runs[_i].code);
    ck_assert_str_eq(err, runs[_i].err);
}
END_TEST

START_TEST(every_verb_of_the_help_has_help)
{
    static const char *const verbs[] = {
        "status",  "why",  "logs",    "events", "incidents", "up",        "start",
        "stop",    "down", "restart", "adopt",  "release",   "hand-back", "ping",
        "version", "help", "apply",   "check",  "config",    "hold",      "maintenance"};
    char out[8192] = "", err[8192] = "", line[64], head[64];

    (void)snprintf(line, sizeof(line), "help %s", verbs[_i]);
    (void)snprintf(head, sizeof(head), "accctl %s", verbs[_i]);
    ck_assert_int_eq(run(line, out, err, sizeof(out)), 0);
    ck_assert(strncmp(out, head, strlen(head)) == 0);
    ck_assert_int_eq(run("help", out, err, sizeof(out)), 0);
    (void)snprintf(head, sizeof(head), "\n  %s ", verbs[_i]);
    ck_assert(strstr(out, head) != NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("accctl_options");
    TCase *tcase = tcase_create("accctl_options");
    SRunner *runner = srunner_create(suite);

    (void)unsetenv("ACC_SOCKET");
    suite_add_tcase(suite, tcase);
    tcase_add_loop_test(tcase, options_stand_before_and_after_the_verb, 0, 3);
    tcase_add_test(tcase, short_options_may_be_joined);
    tcase_add_test(tcase, what_has_one_value_is_given_once);
    tcase_add_test(tcase, words_behind_two_dashes_are_names);
    tcase_add_loop_test(tcase, wrong_options_are_named, 0, sizeof(wrong) / sizeof(wrong[0]));
    tcase_add_loop_test(tcase, errors_say_what_and_what_to_do, 0, sizeof(runs) / sizeof(runs[0]));
    tcase_add_loop_test(tcase, every_verb_of_the_help_has_help, 0, 21);
    srunner_run_all(runner, CK_NORMAL);
    int n_failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return n_failed > 0;
}
