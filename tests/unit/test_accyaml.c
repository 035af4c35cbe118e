#include "lib/compose/accyaml.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/assert.h"

static struct acc_diags diags;
static struct acc_config *config;

static void setup(void)
{
    memset(&diags, 0, sizeof(diags));
    config = NULL;
}

static void teardown(void)
{
    config = acc_config_destroy(config);
}

static int parse(const char *text)
{
    return acc_config_parse("acc.yaml", text, strlen(text), &config, &diags);
}

static const struct {
    const char *label, *text, *want; /* want: the first diagnostic */
} refused[] = {
    {"unknown key at the top", "stack: []\n",
     "acc.yaml:1:1: unknown key 'stack'; did you mean 'stacks'?"},
    {"unknown key of a stack", "stacks:\n  - {nam: a, files: [x]}\n",
     "acc.yaml:2:6: stacks[0]: unknown key 'nam'; did you mean 'name'?"},
    {"a stack without files", "stacks: [{name: a}]\n",
     "acc.yaml:1:10: stacks[0]: missing property 'files'"},
    {"no files", "stacks: [{files: []}]\n",
     "acc.yaml:1:18: stacks: 'files' is empty; name at least one file"},
    {"a pattern among files", "stacks: [{files: ['a/*.yaml']}]\n",
     "acc.yaml:1:18: stacks: 'a/*.yaml' is a pattern; one goes only as an entry of its own, where "
     "each match is a stack"},
    {"stacks is no list", "stacks: a\n",
     "acc.yaml:1:9: stacks: must be a list or empty, not a "
     "string"},
    {"unknown time", "timing: {opne: 5m}\n",
     "acc.yaml:1:10: timing: unknown key 'opne'; did you mean 'open'?"},
    {"a time without a unit", "timing: {open: 5}\n",
     "acc.yaml:1:16: open: '5' is no time; write it like 10s or 5m"},
    {"a negative time", "timing: {open: -5s}\n",
     "acc.yaml:1:16: open: '-5s' is no time; write it like 10s or 5m"},
    {"a count with a unit", "timing: {budget: 5m}\n",
     "acc.yaml:1:18: budget: '5m' is no count; write a whole number"},
    {"memory", "host: {memory: lots}\n",
     "acc.yaml:1:16: host: 'lots' is no size; write it like 512MiB or 16GiB"},
    {"unknown x-acc key in defaults", "defaults: {prioritty: 5}\n",
     "acc.yaml:1:12: defaults: unknown key 'prioritty'; did you mean 'priority'?"},
    {"unknown phase of a stack",
     "phases: [{name: foundation}]\nstacks: [{files: [a], phase: "
     "fundation}]\n",
     "acc.yaml:2:30: stacks: there is no phase 'fundation'; did you mean 'foundation'?"},
    {"one phase twice", "phases: [{name: a}, {name: a}]\n",
     "acc.yaml:1:21: phase 'a' is there twice"},
    {"an empty command", "on_incident: ['  ']\n",
     "acc.yaml:1:15: on_incident: the command is "
     "empty"},
    {"two documents", "stacks: []\n---\nstacks: []\n",
     "acc.yaml: one document is enough; remove the '---'"},
    {"a list at the top", "- a\n", "acc.yaml:1:1: the top must be a mapping, not a list"},
    {"a gate's time", "phases: [{name: a, gate: {healthy_for: soon}}]\n",
     "acc.yaml:1:40: gate.healthy_for: 'soon' is no time; write it like 10s or 5m"},
};

START_TEST(refuses_with_place_and_advice)
{
    char line[ACC_DIAG_FILE_MAX + ACC_DIAG_TEXT_MAX] = "";

    ck_assert_int_eq(parse(refused[_i].text), -EINVAL);
    ck_assert_uint_ge(diags.n, 1);
    (void)acc_diag_format(&diags.item[0], line, sizeof(line));
    ck_assert_str_eq(line, refused[_i].want);
}
END_TEST

START_TEST(reads_stacks)
{
    ck_assert_int_eq(parse("stacks:\n"
                           "  - /opt/stacks/*/compose.yaml\n"
                           "  - one.yaml\n"
                           "  - {name: ai, files: [a.yaml, b.yaml], env_file: [.env], phase: p}\n"
                           "  - {files: c.yaml, env_file: c.env}\n"),
                     0);
    ck_assert_uint_eq(config->n_stacks, 4);
    ck_assert(config->stacks[0].is_glob);
    ck_assert_str_eq(config->stacks[0].files[0], "/opt/stacks/*/compose.yaml");
    ck_assert(!config->stacks[1].is_glob);
    ck_assert_ptr_null(config->stacks[1].name);
    ck_assert_str_eq(config->stacks[1].phase, "");
    ck_assert_str_eq(config->stacks[2].name, "ai");
    ck_assert_uint_eq(config->stacks[2].n_files, 2);
    ck_assert_str_eq(config->stacks[2].files[1], "b.yaml");
    ck_assert_uint_eq(config->stacks[2].n_env_files, 1);
    ck_assert_str_eq(config->stacks[2].phase, "p");
    ck_assert_uint_eq(config->stacks[3].n_files, 1);
    ck_assert_str_eq(config->stacks[3].env_files[0], "c.env");
    ck_assert_uint_eq(config->stacks[3].pos.line, 5);
}
END_TEST

START_TEST(reads_times_and_counts_over_the_defaults)
{
    struct acc_timing defaults;

    acc_timing_default(&defaults);
    ck_assert_int_eq(parse("timing: {open: 1m30s, recovery_grace: 0, budget: 3, run_min: 500ms}"),
                     0);
    ck_assert_uint_eq(config->timing.open, 90000);
    ck_assert_uint_eq(config->timing.recovery_grace_min, 0);
    ck_assert_uint_eq(config->timing.budget, 3);
    ck_assert_uint_eq(config->timing.run_min, 500);
    ck_assert_uint_eq(config->timing.open_cap, defaults.open_cap);
}
END_TEST

START_TEST(reads_hooks_host_and_what_is_for_later)
{
    ck_assert_int_eq(parse("on_incident: [notify-send hi, [/bin/mail, -s, x], https://h/x]\n"
                           "host: {cpus: 24, memory: 61GiB, reserve: {memory: 2GiB}, gpus: [{name: "
                           "gpu0, pci: '0000:03:00.0', vram: 24GiB}]}\n"
                           "tiers: {llm: {cpus: 14.5, vram: {gpu0: 16GiB}}}\n"
                           "phases: [{name: a, gate: {healthy_for: 10s}}, {name: b}]\n"
                           "defaults: {priority: 10, open: 1m}\n"
                           "rehearsal: {image: 'acc-standin:1'}\n"
                           "x-mine: {anything: goes}\n"),
                     0);
    ck_assert_uint_eq(config->n_phases, 2);
    ck_assert_str_eq(config->phases[0].name, "a");
    ck_assert(config->phases[0].has_gate && config->phases[0].healthy_for_ms == 10000);
    ck_assert(!config->phases[1].has_gate);
    ck_assert_uint_eq(config->n_on_incident, 3);
    ck_assert_int_eq(config->on_incident[0].kind, ACC_HOOK_COMMAND);
    ck_assert_str_eq(config->on_incident[0].argv[0], "/bin/sh");
    ck_assert_str_eq(config->on_incident[0].argv[2], "notify-send hi");
    ck_assert_uint_eq(config->on_incident[1].n_argv, 3);
    ck_assert_str_eq(config->on_incident[1].argv[0], "/bin/mail");
    ck_assert_int_eq(config->on_incident[2].kind, ACC_HOOK_URL);
    ck_assert_str_eq(config->on_incident[2].url, "https://h/x");
    ck_assert_double_eq(config->host_cpus, 24);
    ck_assert_int_eq(config->host_memory, 61ll << 30);
    ck_assert_ptr_nonnull(acc_node_get(config->root, "rehearsal"));
    ck_assert_ptr_nonnull(acc_node_get(config->defaults, "priority"));
}
END_TEST

START_TEST(an_empty_file_is_a_host_without_stacks)
{
    ck_assert_int_eq(parse("# nothing yet\n"), 0);
    ck_assert_uint_eq(config->n_stacks, 0);
    config = acc_config_destroy(config);
    ck_assert_int_eq(parse("stacks:\ntiming:\ndefaults:\n"), 0);
    ck_assert_uint_eq(config->n_stacks, 0);
    ck_assert_ptr_null(config->defaults);
}
END_TEST

START_TEST(tells_all_problems_at_once)
{
    ck_assert_int_eq(parse("timing: {opne: 5m, budget: x}\nhost: {memory: lots}\n"), -EINVAL);
    ck_assert_uint_eq(diags.n_errors, 3);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("accyaml");
    TCase *tcase = tcase_create("accyaml");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, tcase);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, refuses_with_place_and_advice, 0, ACC_ARRAY_LEN(refused));
    tcase_add_test(tcase, reads_stacks);
    tcase_add_test(tcase, reads_times_and_counts_over_the_defaults);
    tcase_add_test(tcase, reads_hooks_host_and_what_is_for_later);
    tcase_add_test(tcase, an_empty_file_is_a_host_without_stacks);
    tcase_add_test(tcase, tells_all_problems_at_once);
    srunner_run_all(runner, CK_NORMAL);
    int n_failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return n_failed > 0;
}
