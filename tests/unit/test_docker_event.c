#include "lib/codec/docker_event.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/stack_json.h"

/* What tests/unit/docker/<engine>/events.jsonl says; its order is the engine's. */
static const struct {
    enum acc_docker_event_kind kind;
    const char *action, *name;
    enum acc_hint hint;
    bool is_noise, is_destroy, has_cid;
    int32_t exit_code, signal;
} lines[] = {
    {ACC_DOCKER_EV_NETWORK, "create", "p_default", 0, false, false, false, -1, 0},
    {ACC_DOCKER_EV_VOLUME, "create", "", 0, false, false, false, -1, 0},
    {ACC_DOCKER_EV_CONTAINER, "create", "p-db-1", ACC_HINT_CREATE, false, false, true, -1, 0},
    {ACC_DOCKER_EV_NETWORK, "connect", "p_default", 0, false, false, true, -1, 0},
    {ACC_DOCKER_EV_VOLUME, "mount", "", 0, true, false, false, -1, 0},
    {ACC_DOCKER_EV_CONTAINER, "start", "p-db-1", ACC_HINT_START, false, false, true, -1, 0},
    {ACC_DOCKER_EV_CONTAINER, "exec_create", "p-db-1", 0, true, false, true, -1, 0},
    {ACC_DOCKER_EV_CONTAINER, "exec_start", "p-db-1", 0, true, false, true, -1, 0},
    {ACC_DOCKER_EV_CONTAINER, "exec_die", "p-db-1", 0, true, false, true, 0, 0},
    {ACC_DOCKER_EV_CONTAINER, "health_status", "p-db-1", ACC_HINT_HEALTH, false, false, true, -1,
     0},
    {ACC_DOCKER_EV_CONTAINER, "destroy", "x2", ACC_HINT_DIRTY, false, true, true, -1, 0},
    {ACC_DOCKER_EV_NETWORK, "disconnect", "bridge", 0, false, false, true, -1, 0},
    {ACC_DOCKER_EV_VOLUME, "unmount", "", 0, true, false, false, -1, 0},
    {ACC_DOCKER_EV_CONTAINER, "die", "p-one-1", ACC_HINT_DIE, false, false, true, 3, 0},
    {ACC_DOCKER_EV_CONTAINER, "pause", "p-db-1", ACC_HINT_PAUSE, false, false, true, -1, 0},
    {ACC_DOCKER_EV_CONTAINER, "unpause", "p-db-1", ACC_HINT_UNPAUSE, false, false, true, -1, 0},
    {ACC_DOCKER_EV_CONTAINER, "update", "p-db-1", ACC_HINT_DIRTY, false, false, true, -1, 0},
    {ACC_DOCKER_EV_CONTAINER, "rename", "p-one-2", ACC_HINT_DIRTY, false, false, true, -1, 0},
    {ACC_DOCKER_EV_CONTAINER, "kill", "p-db-1", ACC_HINT_KILL, false, false, true, -1, 15},
    {ACC_DOCKER_EV_CONTAINER, "stop", "p-db-1", ACC_HINT_STOP, false, false, true, -1, 0},
};
#define N_LINES (sizeof(lines) / sizeof(lines[0]))
static const char *const engines[] = {"20", "28"};

static size_t row_of(const struct acc_docker_event *e)
{
    size_t i = 0;

    while (i < N_LINES && (lines[i].kind != e->kind || strcmp(lines[i].action, e->action) != 0)) {
        i++;
    }
    return i;
}

START_TEST(reads_what_real_engines_send)
{
    char path[256];
    size_t len = 0, n_lines = 0;

    (void)snprintf(path, sizeof(path), SAMPLES "/%s/events.jsonl", engines[_i]);
    char *text = read_text(path, &len);

    ck_assert_ptr_nonnull(text);
    for (char *line = text; *line; n_lines++) {
        struct acc_docker_event e;
        size_t n = strcspn(line, "\n");

        ck_assert_int_eq(acc_docker_event_parse(line, n, &e), 0);
        size_t i = row_of(&e);

        ck_assert_msg(i < N_LINES, "%s", e.action);
        ck_assert_str_eq(e.name, lines[i].name);
        if (e.kind == ACC_DOCKER_EV_CONTAINER && !lines[i].is_noise) {
            ck_assert_int_eq(e.hint, lines[i].hint);
        }
        ck_assert_int_eq(e.is_noise, lines[i].is_noise);
        ck_assert_int_eq(e.is_destroy, lines[i].is_destroy);
        ck_assert_int_eq(e.cid[0] != '\0', lines[i].has_cid);
        ck_assert_int_eq(e.exit_code, lines[i].exit_code);
        ck_assert_int_eq(e.signal, lines[i].signal);
        ck_assert_int_eq(e.health,
                         strcmp(e.action, "health_status") == 0 ? ACC_DH_HEALTHY : ACC_DH_NONE);
        ck_assert_int_eq(e.exec_id[0] != '\0', strncmp(e.action, "exec_", 5) == 0);
        ck_assert_str_eq(e.old_name, strcmp(e.action, "rename") == 0 ? "p-one-1" : "");
        if (strcmp(e.name, "p-db-1") == 0) {
            ck_assert_str_eq(e.project, "p");
            ck_assert_str_eq(e.service, "db");
        }
        /* every digit, although a double has room for 16 only */
        char *ns = strstr(line, "\"timeNano\":");
        ck_assert_int_eq(e.time_ns, strtoll(ns + strlen("\"timeNano\":"), NULL, 10));
        line += n + 1;
    }
    ck_assert_uint_eq(n_lines, N_LINES);
    free(text);
}
END_TEST

#define CID "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
static const struct {
    const char *label, *text;
    int result;
    const char *action, *cid;
    enum acc_docker_health health;
    int32_t exit_code;
    int64_t time_ns;
} odd[] = {
    {"1.52 has no status, id, from",
     "{\"Type\":\"container\",\"Action\":\"die\",\"Actor\":{\"ID\":\"" CID
     "\",\"Attributes\":{\"exitCode\":\"137\"}},\"timeNano\":1795545450271491866}",
     0, "die", CID, ACC_DH_NONE, 137, 1795545450271491866},
    {"a label masks the exit code",
     "{\"Type\":\"container\",\"Action\":\"die\",\"Actor\":{\"ID\":\"" CID
     "\",\"Attributes\":{\"exitCode\":\"of my own\"}}}",
     0, "die", CID, ACC_DH_NONE, -1, 0},
    {"seconds only",
     "{\"Type\":\"container\",\"Action\":\"start\",\"Actor\":{\"ID\":\"" CID "\"},\"time\":7}", 0,
     "start", CID, ACC_DH_NONE, -1, 7000000000},
    {"a key of a label that looks like the time",
     "{\"Type\":\"container\",\"Action\":\"start\",\"timeNano\":1795545450271491866,\"Actor\":"
     "{\"ID\":\"" CID "\",\"Attributes\":{\"timeNano\":\"5\"}}}",
     0, "start", CID, ACC_DH_NONE, -1, 1795545450271491840},
    {"unhealthy",
     "{\"Type\":\"container\",\"Action\":\"health_status: unhealthy\",\"Actor\":{\"ID\":\"" CID
     "\"}}",
     0, "health_status", CID, ACC_DH_UNHEALTHY, -1, 0},
    {"podman's health",
     "{\"Type\":\"container\",\"Action\":\"health_status\",\"HealthStatus\":\"healthy\","
     "\"Actor\":{\"ID\":\"" CID "\"}}",
     0, "health_status", CID, ACC_DH_HEALTHY, -1, 0},
    {"podman's network connect",
     "{\"Type\":\"network\",\"Action\":\"connect\",\"Actor\":{\"ID\":\"" CID
     "\",\"Attributes\":{\"name\":\"\"}}}",
     0, "connect", CID, ACC_DH_NONE, -1, 0},
    {"an id that is none",
     "{\"Type\":\"container\",\"Action\":\"die\",\"Actor\":{\"ID\":\"../../etc\"}}", 0, "die", "",
     ACC_DH_NONE, -1, 0},
    {"a very long action",
     "{\"Type\":\"x\",\"Action\":\"0123456789012345678901234567890123456789\"}", 0,
     "0123456789012345678901234567890", "", ACC_DH_NONE, -1, 0},
    {"wrong types everywhere",
     "{\"Type\":\"container\",\"Action\":\"die\",\"Actor\":[1],\"time\":{},\"timeNano\":\"x\"}", 0,
     "die", "", ACC_DH_NONE, -1, 0},
    {"no action", "{\"Type\":\"container\"}", -EINVAL, NULL, NULL, 0, 0, 0},
    {"no string", "{\"Type\":1,\"Action\":2}", -EINVAL, NULL, NULL, 0, 0, 0},
    {"an array", "[]", -EINVAL, NULL, NULL, 0, 0, 0},
    {"half a text", "{\"1\":1,", -EINVAL, NULL, NULL, 0, 0, 0},
    {"two texts", "{\"Type\":\"a\",\"Action\":\"b\"}{}", -EINVAL, NULL, NULL, 0, 0, 0},
    {"nothing", "", -EINVAL, NULL, NULL, 0, 0, 0},
};

START_TEST(reads_odd_ones_and_refuses_the_broken)
{
    struct acc_docker_event e = {.time_ns = 77};
    int r = acc_docker_event_parse(odd[_i].text, strlen(odd[_i].text), &e);

    ck_assert_msg(r == odd[_i].result, "%s: %d", odd[_i].label, r);
    if (r < 0) {
        ck_assert_int_eq(e.time_ns, 77); /* untouched */
        return;
    }
    ck_assert_str_eq(e.action, odd[_i].action);
    ck_assert_str_eq(e.cid, odd[_i].cid);
    ck_assert_int_eq(e.health, odd[_i].health);
    ck_assert_int_eq(e.exit_code, odd[_i].exit_code);
    ck_assert_int_eq(e.time_ns, odd[_i].time_ns);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("docker_event");
    TCase *tc = tcase_create("all");

    tcase_add_loop_test(tc, reads_what_real_engines_send, 0, 2);
    tcase_add_loop_test(tc, reads_odd_ones_and_refuses_the_broken, 0, sizeof(odd) / sizeof(odd[0]));
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
