#include "lib/codec/docker_inspect.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/stack_json.h"

static const char *const engines[] = {"20", "28"};

static struct acc_obs obs;
static struct acc_obs_extra extra;

static void inspect(int engine, const char *state)
{
    char path[256];
    size_t len = 0;

    (void)snprintf(path, sizeof(path), SAMPLES "/%s/inspect_%s.json", engines[engine], state);
    char *text = read_text(path, &len);

    ck_assert_ptr_nonnull(text);
    ck_assert_int_eq(acc_docker_inspect_parse(text, len, &obs, &extra), 0);
    free(text);
}

START_TEST(reads_a_healthy_container)
{
    inspect(_i, "healthy");
    ck_assert_str_eq(obs.name, "p-db-1");
    ck_assert_str_eq(obs.project, "p");
    ck_assert_str_eq(obs.service, "db");
    ck_assert_uint_eq(obs.number, 1);
    ck_assert(!obs.oneoff);
    ck_assert(!obs.unrouted);
    ck_assert(obs.has_networks && !obs.lacks_ports);
    ck_assert_ptr_nonnull(strstr(obs.networks, "p_default\n"));
    ck_assert_ptr_nonnull(strstr(obs.networks, "p_back\n"));
    ck_assert_uint_eq(strspn(obs.config_hash, "a"), 64);
    ck_assert_uint_eq(strspn(obs.spec_hash, "c"), 64);
    ck_assert_str_eq(obs.op, "17");
    ck_assert_str_eq(obs.revision, "3");
    ck_assert_uint_eq(strlen(obs.label_image), 71);
    ck_assert_int_eq(obs.state, ACC_CTR_RUNNING);
    ck_assert_int_gt(obs.pid, 1);
    ck_assert_int_gt(obs.started_ns, 1795545000000000000);
    ck_assert_int_eq(obs.finished_ns, 0);
    ck_assert_int_eq(obs.manually_stopped, ACC_UNKNOWN);
    ck_assert(obs.has_health);
    ck_assert_int_eq(obs.health, ACC_DH_HEALTHY);
    ck_assert_int_eq(obs.interval_ms, 1000);
    ck_assert_int_eq(obs.timeout_ms, 2000);
    ck_assert_int_eq(obs.start_period_ms, 0);
    ck_assert_uint_eq(obs.retries, 2);
    ck_assert_int_eq(obs.health_exit, 0);
    ck_assert_int_gt(obs.health_end_ns, obs.health_start_ns);
    ck_assert_int_gt(obs.health_start_ns, obs.started_ns);
    ck_assert_str_eq(obs.health_output, "ok");
    ck_assert_uint_eq(obs.n_ports, 2); /* 80/udp is none that listens */
    ck_assert_uint_eq(obs.ports[0], 5432);
    ck_assert_uint_eq(obs.ports[1], 8080);
    ck_assert_int_eq(obs.restart, ACC_RESTART_ON_FAILURE);
    ck_assert_uint_eq(obs.restart_max, 4);
    ck_assert_str_eq(obs.image_ref, "acc-test/bb:1");
    ck_assert_int_eq(strncmp(obs.image_id, "sha256:", 7), 0);

    ck_assert_uint_eq(extra.n_health_argv, 3);
    ck_assert_str_eq(extra.health_argv[0], "/bin/sh");
    ck_assert_str_eq(extra.health_argv[1], "-c");
    ck_assert_str_eq(extra.health_argv[2], "test -e /bin/app && echo ok");
    ck_assert_ptr_null(extra.health_argv[3]);
    ck_assert_uint_eq(extra.n_addresses, 2);
    ck_assert_str_eq(extra.addresses[0].network, "p_back");
    ck_assert_str_eq(extra.addresses[0].ip4, "10.99.7.2");
    ck_assert_str_eq(extra.addresses[0].ip6, "fd00:77::2");
    ck_assert_str_eq(extra.addresses[1].network, "p_default");
    ck_assert_uint_eq(strlen(extra.addresses[1].network_id), 64);
    ck_assert(!extra.host_network && !extra.tty);
    acc_obs_extra_fini(&extra);
}
END_TEST

static const struct {
    const char *mode, *networks;
    bool is_unrouted;
} routes[] = {
    {"p_default", "\"p_default\":{\"Aliases\":[\"p-web-1\",\"web\"]}", false},
    {"p_default", "\"p_default\":{\"Aliases\":null}", true},
    {"p_default", "\"p_default\":{\"Aliases\":[\"webster\",\"0123\"]}", true},
    {"p_default", "\"p_default\":{\"Aliases\":[\"web\"]},\"b\":{\"Aliases\":[]}", true},
    {"p_default", "\"b\":{\"Aliases\":[\"web\"]}", true}, /* taken off, not put there again */
    {"p_default", "", true},
    {"bridge", "\"bridge\":{\"Aliases\":null}", false},
    {"host", "\"host\":{\"Aliases\":null}", false},
    {"none", "", false},
    {"container:0123", "", false},
};

START_TEST(sees_whether_it_has_the_names_of_its_service)
{
    char text[512];

    (void)snprintf(text, sizeof(text),
                   "{\"Id\":\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\","
                   "\"Config\":{\"Labels\":{\"com.docker.compose.service\":\"web\"}},"
                   "\"HostConfig\":{\"NetworkMode\":\"%s\"},"
                   "\"NetworkSettings\":{\"Networks\":{%s}}}",
                   routes[_i].mode, routes[_i].networks);
    ck_assert_int_eq(acc_docker_inspect_parse(text, strlen(text), &obs, NULL), 0);
    ck_assert_msg(obs.unrouted == routes[_i].is_unrouted, "%s", text);
}
END_TEST

static const struct {
    const char *state, *host, *settings;
    const char *networks; /* NULL: not known */
    bool lacks_ports;
} reaches[] = {
    {"running",
     "\"NetworkMode\":\"p_default\",\"PortBindings\":{\"80/tcp\":[{\"HostPort\":\"1\"}]}",
     "\"Networks\":{\"p_default\":{},\"b\":{}},\"Ports\":{\"80/tcp\":[{\"HostPort\":\"1\"}]}",
     "p_default\nb\n", false},
    {"running",
     "\"NetworkMode\":\"p_default\",\"PortBindings\":{\"80/tcp\":[{\"HostPort\":\"1\"}]}",
     "\"Networks\":{},\"Ports\":{}", "", true},
    {"running", "\"NetworkMode\":\"p_default\",\"PortBindings\":{}",
     "\"Networks\":{\"p_default\":{}},\"Ports\":{\"80/tcp\":null}", "p_default\n", false},
    {"exited", "\"NetworkMode\":\"p_default\",\"PortBindings\":{\"80/tcp\":[{\"HostPort\":\"1\"}]}",
     "\"Networks\":{\"p_default\":{}},\"Ports\":{}", "p_default\n", false},
    {"running", "\"NetworkMode\":\"host\",\"PortBindings\":{\"80/tcp\":[{\"HostPort\":\"1\"}]}",
     "\"Networks\":{\"host\":{}},\"Ports\":{}", NULL, false},
};

START_TEST(sees_its_networks_and_whether_its_ports_are_published)
{
    char text[1024];

    (void)snprintf(text, sizeof(text),
                   "{\"Id\":\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\","
                   "\"State\":{\"Status\":\"%s\"},\"HostConfig\":{%s},\"NetworkSettings\":{%s}}",
                   reaches[_i].state, reaches[_i].host, reaches[_i].settings);
    ck_assert_int_eq(acc_docker_inspect_parse(text, strlen(text), &obs, NULL), 0);
    ck_assert_int_eq(obs.has_networks, reaches[_i].networks != NULL);
    ck_assert_str_eq(obs.networks, reaches[_i].networks ? reaches[_i].networks : "");
    ck_assert_msg(obs.lacks_ports == reaches[_i].lacks_ports, "%s", text);
}
END_TEST

static const struct {
    const char *test;
    bool is_drained;
} checks[] = {
    {"[\"CMD-SHELL\",\"test ! -e /dev/shm/acc-drain && wget -q localhost\"]", true},
    {"[\"CMD\",\"/check\",\"--unless\",\"/dev/shm/acc-drain\"]", true},
    {"[\"CMD-SHELL\",\"wget -q localhost\"]", false},
    {"[\"NONE\"]", false},
};

START_TEST(sees_whether_its_check_looks_for_the_mark_of_a_drain)
{
    char text[512];

    (void)snprintf(text, sizeof(text),
                   "{\"Id\":\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\","
                   "\"Config\":{\"Healthcheck\":{\"Test\":%s}}}",
                   checks[_i].test);
    ck_assert_int_eq(acc_docker_inspect_parse(text, strlen(text), &obs, NULL), 0);
    ck_assert_int_eq(obs.drain_file, checks[_i].is_drained);
}
END_TEST

#define HEX  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define HEX2 "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"

START_TEST(sees_the_volumes_that_nobody_has_named)
{
    static const char text[] =
        "{\"Id\":\"" HEX "\",\"Mounts\":["
        "{\"Type\":\"volume\",\"Name\":\"" HEX "\",\"Destination\":\"/data\",\"RW\":true},"
        "{\"Type\":\"volume\",\"Name\":\"p_data\",\"Destination\":\"/named\",\"RW\":true},"
        "{\"Type\":\"bind\",\"Source\":\"/" HEX "\",\"Destination\":\"/bind\",\"RW\":true},"
        "{\"Type\":\"volume\",\"Name\":\"" HEX "\",\"Destination\":\"/a\\tb\",\"RW\":true},"
        "{\"Type\":\"volume\",\"Name\":\"" HEX "\",\"Destination\":\"/ro\",\"RW\":false}]}";

    ck_assert_int_eq(acc_docker_inspect_parse(text, strlen(text), &obs, NULL), 0);
    ck_assert_str_eq(obs.volumes, "/data\t" HEX "\n/ro\t" HEX "\tro\n");
}
END_TEST

static const struct {
    const char *host, *shares;
} sharers[] = {
    {"\"NetworkMode\":\"container:" HEX "\"", HEX "\n"},
    {"\"NetworkMode\":\"p_default\",\"IpcMode\":\"shareable\",\"PidMode\":\"\",\"VolumesFrom\":"
     "null",
     ""},
    {"\"IpcMode\":\"container:" HEX "\",\"VolumesFrom\":[\"" HEX2 ":ro\",\"" HEX "\"]",
     HEX "\n" HEX2 "\n" HEX "\n"},
    {"\"NetworkMode\":\"container:vpn\",\"VolumesFrom\":[\"" HEX "\"]", ""},
    {"\"PidMode\":\"container:" HEX "0\"", ""},
    {"\"VolumesFrom\":[7]", ""},
};

START_TEST(sees_whom_it_shares_with)
{
    char text[1024];

    (void)snprintf(text, sizeof(text), "{\"Id\":\"" HEX "\",\"HostConfig\":{%s}}",
                   sharers[_i].host);
    ck_assert_int_eq(acc_docker_inspect_parse(text, strlen(text), &obs, NULL), 0);
    ck_assert_str_eq(obs.shares, sharers[_i].shares);
}
END_TEST

START_TEST(with_many_it_is_not_known)
{
    char text[2048] = "{\"Id\":\"" HEX "\",\"HostConfig\":{\"VolumesFrom\":[\"" HEX "\"";

    for (size_t i = 0; i < ACC_OBS_SHARES_MAX / (ACC_CID_LEN + 1); i++) {
        strcat(text, ",\"" HEX "\"");
    }
    strcat(text, "]}}");
    ck_assert_int_eq(acc_docker_inspect_parse(text, strlen(text), &obs, NULL), 0);
    ck_assert_str_eq(obs.shares, "");
}
END_TEST

START_TEST(finds_the_engines_own_folder_by_the_containers_id)
{
    char want[256];

    inspect(_i, "healthy");
    (void)snprintf(want, sizeof(want), "/var/lib/docker/containers/%s/config.v2.json", obs.cid);
    ck_assert_str_eq(extra.config_path, want);
    acc_obs_extra_fini(&extra);
    inspect(_i, "side"); /* its hosts file is the one of the container whose network it shares */
    (void)snprintf(want, sizeof(want), "/var/lib/docker/containers/%s", obs.cid);
    ck_assert_str_eq(extra.engine_dir, want);
    ck_assert_uint_eq(strlen(extra.network_of), 64);
    ck_assert_str_ne(extra.network_of, obs.cid);
    ck_assert_uint_eq(extra.n_addresses, 0);
    acc_obs_extra_fini(&extra);
}
END_TEST

static const struct {
    const char *file;
    enum acc_container_state state;
    int32_t exit_code;
    enum acc_restart_policy restart;
    const char *error; /* a part of it */
} states[] = {
    {"created", ACC_CTR_CREATED, 0, ACC_RESTART_ON_FAILURE, ""},
    {"exited", ACC_CTR_EXITED, 3, ACC_RESTART_NO, ""},
    {"stopped", ACC_CTR_EXITED, 0, ACC_RESTART_NO, ""},
    {"restarting", ACC_CTR_RESTARTING, 1, ACC_RESTART_ALWAYS, ""},
    {"bad_command", ACC_CTR_CREATED, 127, ACC_RESTART_NO, "/no/such"},
    {"port_taken", ACC_CTR_CREATED, 128, ACC_RESTART_NO, "driver failed programming"},
    {"host", ACC_CTR_RUNNING, 0, ACC_RESTART_ALWAYS, ""},
};

START_TEST(reads_every_state)
{
    for (int engine = 0; engine < 2; engine++) {
        inspect(engine, states[_i].file);
        ck_assert_int_eq(obs.state, states[_i].state);
        ck_assert_int_eq(obs.exit_code, states[_i].exit_code);
        ck_assert_int_eq(obs.restart, states[_i].restart);
        ck_assert_ptr_nonnull(strstr(obs.error, states[_i].error));
        acc_obs_extra_fini(&extra);
    }
}
END_TEST

START_TEST(knows_host_network_terminal_and_a_check_that_is_none)
{
    inspect(_i, "host");
    ck_assert(extra.host_network);
    ck_assert(extra.tty);
    ck_assert(!obs.has_health);
    ck_assert_int_eq(obs.health, ACC_DH_NONE);
    ck_assert_ptr_null(extra.health_argv);
    acc_obs_extra_fini(&extra);
    inspect(_i, "exited");
    ck_assert_uint_eq(obs.number, 0); /* its number label is "x" */
    acc_obs_extra_fini(&extra);
    inspect(0, "paused");
    ck_assert_int_eq(obs.state, ACC_CTR_PAUSED);
    acc_obs_extra_fini(&extra);
}
END_TEST

START_TEST(tells_a_stop_by_hand_from_a_death)
{
    char path[256];
    size_t len = 0;

    (void)snprintf(path, sizeof(path), SAMPLES "/%s/config_stopped.json", engines[_i]);
    char *text = read_text(path, &len);

    ck_assert_int_eq(acc_docker_manual_stop_parse(text, len), ACC_YES);
    ck_assert_int_eq(acc_docker_manual_stop_parse(text, len / 2), ACC_UNKNOWN);
    free(text);
    (void)snprintf(path, sizeof(path), SAMPLES "/%s/config_exited.json", engines[_i]);
    text = read_text(path, &len);
    ck_assert_int_eq(acc_docker_manual_stop_parse(text, len), ACC_NO);
    free(text);
    ck_assert_int_eq(acc_docker_manual_stop_parse("{}", 2), ACC_UNKNOWN);
    ck_assert_int_eq(acc_docker_manual_stop_parse("{\"HasBeenManuallyStopped\":1}", 28),
                     ACC_UNKNOWN);
}
END_TEST

#define ID "\"Id\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\""
static const struct {
    const char *label, *text;
    int result;
    bool has_health;
    size_t n_argv;
} odd[] = {
    {"nothing but an id", "{" ID "}", 0, false, 0},
    {"wrong types everywhere",
     "{" ID ",\"Name\":[],\"State\":7,\"Config\":{\"Labels\":[1],\"ExposedPorts\":\"x\","
     "\"Healthcheck\":{\"Test\":\"true\"},\"Tty\":\"yes\"},\"HostConfig\":{\"RestartPolicy\":[]},"
     "\"NetworkSettings\":{\"Networks\":{\"a\":null,\"b\":3}}}",
     0, false, 0},
    {"words that are none", "{" ID ",\"Config\":{\"Healthcheck\":{\"Test\":[\"CMD\",1,null]}}}", 0,
     true, 0},
    {"a check without words", "{" ID ",\"Config\":{\"Healthcheck\":{\"Test\":[\"CMD\"]}}}", 0, true,
     0},
    {"a shell of its own",
     "{" ID ",\"Config\":{\"Shell\":[\"/bin/ash\",\"-eu\",\"-c\"],\"Healthcheck\":{\"Test\":"
     "[\"CMD-SHELL\",\"true\"],\"Interval\":1}}}",
     0, true, 4},
    {"an inherited check", "{" ID ",\"Config\":{\"Healthcheck\":{\"Test\":[]}}}", 0, false, 0},
    {"no id", "{\"Name\":\"/x\"}", -EINVAL, false, 0},
    {"a short id", "{\"Id\":\"abc\"}", -EINVAL, false, 0},
    {"an id of the wrong letters",
     "{\"Id\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}", -EINVAL,
     false, 0},
    {"a list", "[]", -EINVAL, false, 0},
};

START_TEST(survives_odd_answers)
{
    const char *text = odd[_i].text;
    int r = acc_docker_inspect_parse(text, strlen(text), &obs, &extra);

    ck_assert_msg(r == odd[_i].result, "%s: %d", odd[_i].label, r);
    if (r == 0) {
        ck_assert_msg(obs.has_health == odd[_i].has_health, "%s", odd[_i].label);
        ck_assert_uint_eq(extra.n_health_argv, odd[_i].n_argv);
        ck_assert_int_ge(obs.interval_ms, obs.has_health ? 1 : 0);
        acc_obs_extra_fini(&extra);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("docker_inspect");
    TCase *tc = tcase_create("all");

    tcase_add_loop_test(tc, reads_a_healthy_container, 0, 2);
    tcase_add_loop_test(tc, finds_the_engines_own_folder_by_the_containers_id, 0, 2);
    tcase_add_loop_test(tc, sees_its_networks_and_whether_its_ports_are_published, 0,
                        sizeof(reaches) / sizeof(reaches[0]));
    tcase_add_loop_test(tc, sees_whether_it_has_the_names_of_its_service, 0,
                        sizeof(routes) / sizeof(routes[0]));
    tcase_add_loop_test(tc, sees_whether_its_check_looks_for_the_mark_of_a_drain, 0,
                        sizeof(checks) / sizeof(checks[0]));
    tcase_add_test(tc, sees_the_volumes_that_nobody_has_named);
    tcase_add_loop_test(tc, sees_whom_it_shares_with, 0, sizeof(sharers) / sizeof(sharers[0]));
    tcase_add_test(tc, with_many_it_is_not_known);
    tcase_add_loop_test(tc, reads_every_state, 0, sizeof(states) / sizeof(states[0]));
    tcase_add_loop_test(tc, knows_host_network_terminal_and_a_check_that_is_none, 0, 2);
    tcase_add_loop_test(tc, tells_a_stop_by_hand_from_a_death, 0, 2);
    tcase_add_loop_test(tc, survives_odd_answers, 0, sizeof(odd) / sizeof(odd[0]));
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
