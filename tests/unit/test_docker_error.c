#include "lib/codec/docker_error.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/codec/docker_reply.h"
#include "tests/unit/stack_json.h"

/* What the requests in docker/<engine>/errors.txt mean. */
static const struct {
    const char *name;
    enum acc_docker_call call;
    enum acc_op_result want;
} recorded[] = {
    {"start again", ACC_CALL_START, ACC_OP_NOT_MODIFIED},
    {"connect again", ACC_CALL_CONNECT, ACC_OP_NOT_MODIFIED},
    {"create same name", ACC_CALL_CREATE, ACC_OP_CONFLICT},
    {"create no image", ACC_CALL_CREATE, ACC_OP_CONFIG},
    {"create bad name", ACC_CALL_CREATE, ACC_OP_CONFIG},
    {"create bad bind", ACC_CALL_CREATE, ACC_OP_CONFIG},
    {"create bad mount", ACC_CALL_CREATE, ACC_OP_CONFIG},
    {"create two networks", ACC_CALL_CREATE, ACC_OP_CONFIG},
    {"create bad memory", ACC_CALL_CREATE, ACC_OP_CONFIG},
    {"create bad policy", ACC_CALL_CREATE, ACC_OP_CONFIG},
    {"create bad cpus", ACC_CALL_CREATE, ACC_OP_CONFIG},
    {"create bad runtime", ACC_CALL_CREATE, ACC_OP_CONFIG},
    {"create bad volume driver", ACC_CALL_CREATE, ACC_OP_CONFIG},
    {"create p-wd-1", ACC_CALL_CREATE, ACC_OP_CONFIG},
    {"start no such network", ACC_CALL_START, ACC_OP_START},
    {"start bad device", ACC_CALL_START, ACC_OP_CONFIG},
    {"start container net stopped", ACC_CALL_START, ACC_OP_START},
    {"start gpu", ACC_CALL_START, ACC_OP_CONFIG},
    {"start bad group", ACC_CALL_START, ACC_OP_CONFIG},
    {"start bad user", ACC_CALL_START, ACC_OP_CONFIG},
    {"start bad seccomp", ACC_CALL_START, ACC_OP_CONFIG},
    {"start file on dir", ACC_CALL_START, ACC_OP_CONFIG},
    {"start with bad volume", ACC_CALL_START, ACC_OP_START},
    {"start bad sysctl", ACC_CALL_START, ACC_OP_CONFIG},
    {"start bad ulimit", ACC_CALL_START, ACC_OP_START},
    {"start port taken", ACC_CALL_START, ACC_OP_START},
    {"start bad command", ACC_CALL_START, ACC_OP_CONFIG},
    {"start not executable", ACC_CALL_START, ACC_OP_CONFIG},
    {"start paused", ACC_CALL_START, ACC_OP_CONFLICT},
    {"start gone", ACC_CALL_START, ACC_OP_GONE},
    {"stop exited", ACC_CALL_STOP, ACC_OP_NOT_MODIFIED},
    {"stop gone", ACC_CALL_STOP, ACC_OP_GONE},
    {"kill exited", ACC_CALL_KILL, ACC_OP_NOT_MODIFIED},
    {"kill gone", ACC_CALL_KILL, ACC_OP_GONE},
    {"kill bad signal", ACC_CALL_KILL, ACC_OP_CONFIG},
    {"rm running", ACC_CALL_REMOVE, ACC_OP_CONFLICT},
    {"rm gone", ACC_CALL_REMOVE, ACC_OP_GONE},
    {"unpause again", ACC_CALL_UNPAUSE, ACC_OP_NOT_MODIFIED},
    {"exec paused", ACC_CALL_EXEC_CREATE, ACC_OP_CONFLICT},
    {"exec stopped", ACC_CALL_EXEC_CREATE, ACC_OP_CONFLICT},
    {"exec create gone", ACC_CALL_EXEC_CREATE, ACC_OP_GONE},
    {"exec start gone", ACC_CALL_EXEC_START, ACC_OP_GONE},
    {"update bad", ACC_CALL_UPDATE, ACC_OP_CONFIG},
    {"update gone", ACC_CALL_UPDATE, ACC_OP_GONE},
    {"rename taken", ACC_CALL_RENAME, ACC_OP_CONFLICT},
    {"rename same", ACC_CALL_RENAME, ACC_OP_NOT_MODIFIED},
    {"rm network in use", ACC_CALL_NETWORK_REMOVE, ACC_OP_CONFLICT},
    {"rm network gone", ACC_CALL_NETWORK_REMOVE, ACC_OP_GONE},
    {"rm volume in use", ACC_CALL_VOLUME_REMOVE, ACC_OP_CONFLICT},
    {"rm volume gone", ACC_CALL_VOLUME_REMOVE, ACC_OP_GONE},
    {"network dup", ACC_CALL_NETWORK_CREATE, ACC_OP_CONFLICT},
    {"network predefined", ACC_CALL_NETWORK_CREATE, ACC_OP_CONFIG},
    {"network overlap", ACC_CALL_NETWORK_CREATE, ACC_OP_CONFIG},
    {"network bad driver", ACC_CALL_NETWORK_CREATE, ACC_OP_CONFIG},
    {"network bad subnet", ACC_CALL_NETWORK_CREATE, ACC_OP_CONFIG},
    {"volume bad driver", ACC_CALL_VOLUME_CREATE, ACC_OP_CONFIG},
    {"volume bad opt", ACC_CALL_VOLUME_CREATE, ACC_OP_CONFIG},
    {"inspect gone", ACC_CALL_INSPECT, ACC_OP_GONE},
    {"image gone", ACC_CALL_INSPECT, ACC_OP_GONE},
    {"archive gone", ACC_CALL_ARCHIVE, ACC_OP_GONE},
    {"archive bad path", ACC_CALL_ARCHIVE, ACC_OP_CONFIG},
    {"page", ACC_CALL_INSPECT, ACC_OP_FAILED},
    {"pull bad name", ACC_CALL_PULL, ACC_OP_CONFIG},
    {"pull refused", ACC_CALL_PULL, ACC_OP_START},
};

static const char *const engines[] = {"20", "28"};

/* The line of that name: its status and body. */
static int find(const char *text, const char *name, const char **ret_body, size_t *ret_len)
{
    for (const char *line = text; *line; line += strcspn(line, "\n") + 1) {
        size_t n = strlen(name);

        if (strncmp(line, name, n) == 0 && line[n] == '\t') {
            char *end = NULL;
            long status = strtol(line + n + 1, &end, 10);

            *ret_body = end + 1;
            *ret_len = strcspn(end + 1, "\n");
            return (int)status;
        }
    }
    ck_abort_msg("no %s", name);
    return 0;
}

START_TEST(tells_what_real_engines_mean)
{
    char path[256], message[ACC_DOCKER_ERROR_MAX + 1];

    for (size_t e = 0; e < 2; e++) {
        const char *body = NULL;
        size_t len = 0;

        (void)snprintf(path, sizeof(path), SAMPLES "/%s/errors.txt", engines[e]);
        char *text = read_text(path, &len);

        ck_assert_ptr_nonnull(text);
        int status = find(text, recorded[_i].name, &body, &len);

        acc_docker_message(status, body, len, message, sizeof(message));
        enum acc_op_result got = acc_docker_result(recorded[_i].call, status, message);

        ck_assert_msg(got == recorded[_i].want, "%s on %s: %d, want %d (%d %s)", recorded[_i].name,
                      engines[e], got, recorded[_i].want, status, message);
        free(text);
    }
}
END_TEST

static const struct {
    enum acc_docker_call call;
    int status;
    const char *message;
    enum acc_op_result want;
} read[] = {
    {ACC_CALL_START, 204, "", ACC_OP_OK},
    {ACC_CALL_CREATE, 201, "", ACC_OP_OK},
    {ACC_CALL_START, 500,
     "connection error: desc = \"transport: Error while dialing dial unix "
     "/run/containerd/containerd.sock: connect: connection refused\": unavailable",
     ACC_OP_LOST},
    {ACC_CALL_START, 500, "containerd.sock: port is already allocated", ACC_OP_LOST},
    {ACC_CALL_CREATE, 503, "", ACC_OP_LOST},
    {ACC_CALL_START, 500,
     "driver failed programming external connectivity on endpoint x: Error starting userland "
     "proxy: listen tcp4 0.0.0.0:80: bind: address already in use",
     ACC_OP_START},
    {ACC_CALL_START, 500,
     "iptables failed: iptables --wait -t nat: No chain/target/match by that name", ACC_OP_START},
    {ACC_CALL_CREATE, 500, "mkdir /var/lib/docker/overlay2/x: no space left on device",
     ACC_OP_START},
    {ACC_CALL_REMOVE, 409, "removal of container x is already in progress", ACC_OP_CONFLICT},
    {ACC_CALL_REMOVE, 500,
     "driver \"overlay2\" failed to remove root filesystem: device or resource busy",
     ACC_OP_FAILED},
    {ACC_CALL_STOP, 500, "tried to kill container, but did not receive an exit event",
     ACC_OP_FAILED},
    {ACC_CALL_UPDATE, 404, "Not Found", ACC_OP_FAILED}, /* podman 4 has no such endpoint */
    {ACC_CALL_CREATE, 500,
     "creating container storage: the container name \"a\" is already in use by x: that name is "
     "already in use",
     ACC_OP_CONFLICT},
    {ACC_CALL_START, 500,
     "executable file `nope` not found in $PATH: No such file or directory: OCI "
     "runtime attempted to invoke a command that was not found",
     ACC_OP_CONFIG},
    {ACC_CALL_KILL, 500, "no such container", ACC_OP_GONE},
    {ACC_CALL_KILL, 500, "can only kill running containers. x is in state created",
     ACC_OP_NOT_MODIFIED},
    {ACC_CALL_NETWORK_CREATE, 500, "network already exists", ACC_OP_CONFLICT},
    {ACC_CALL_PULL, 404, "manifest for x:1 not found: manifest unknown", ACC_OP_CONFIG},
    {ACC_CALL_PULL, 500, "manifest unknown", ACC_OP_CONFIG},
    {ACC_CALL_PULL, 500, "unauthorized: authentication required", ACC_OP_CONFIG},
    {ACC_CALL_PULL, 500, "toomanyrequests: slow down", ACC_OP_START},
    {ACC_CALL_PULL, 500, "received unexpected HTTP status: 503 Service Unavailable", ACC_OP_START},
    {ACC_CALL_PULL, 500, "Get \"https://r/v2/\": context deadline exceeded", ACC_OP_START},
    {ACC_CALL_INSPECT, 500, "anything", ACC_OP_FAILED},
};

START_TEST(tells_what_others_have_seen)
{
    enum acc_op_result got = acc_docker_result(read[_i].call, read[_i].status, read[_i].message);

    ck_assert_msg(got == read[_i].want, "%s: %d, want %d", read[_i].message, got, read[_i].want);
}
END_TEST

#define CID "e656ffff006521c004948a44689d7299e6b31687abf0308dfb6f22cda429ff79"
START_TEST(names_the_holder_of_a_name)
{
    char cid[ACC_CID_LEN + 1] = "x";
    char text[128] = "";

    ck_assert(acc_docker_conflict_text("Conflict. The container name \"/p\" is already in use by "
                                       "container \"" CID "\". You have to remove it.",
                                       text, sizeof(text)));
    ck_assert_str_eq(text,
                     "the name p is taken by the container e656ffff0065; remove or rename that");
    ck_assert(acc_docker_conflict_holder("Conflict. The container name \"/p\" is already in use by "
                                         "container \"" CID "\". You have to remove it.",
                                         cid));
    ck_assert_str_eq(cid, CID);
    ck_assert(acc_docker_conflict_holder("the name \"p\" is already in use by " CID ". You", cid));
    ck_assert(!acc_docker_conflict_holder("is already in use by container \"short\"", cid));
    ck_assert(
        !acc_docker_conflict_text("is already in use by container \"short\"", text, sizeof(text)));
    ck_assert(!acc_docker_conflict_holder("removal is already in progress", cid));
    ck_assert_str_eq(cid, CID);
}
END_TEST

/* 20.10 says 404 of a start in namespaces that are gone, and names that id. */
START_TEST(tells_which_one_is_missing)
{
    static const char other[] = "No such container: "
                                "8dfad9b2ea06c67d3dcf34188f0a017158261df587a2fe1da0cc8266e18e775c";

    ck_assert(acc_docker_misses_another(other, CID));
    ck_assert(!acc_docker_misses_another("No such container: " CID, CID));
    ck_assert(!acc_docker_misses_another("No such container: web", CID));
    ck_assert(!acc_docker_misses_another("page not found", CID));
}
END_TEST

static const struct {
    const char *message, *cause;
} causes[] = {
    {"driver failed programming external connectivity on endpoint s-a-1 (" CID
     "): Bind for 0.0.0.0:18080 failed: port is already allocated",
     "Bind for 0.0.0.0:18080 failed: port is already allocated"},
    {"failed to create shim task: OCI runtime create failed: runc create failed: unable to start "
     "container process: exec: \"/nope\": stat /nope: no such file or directory: unknown",
     "exec: \"/nope\": stat /nope: no such file or directory: unknown"},
    {"driver failed programming external connectivity on endpoint a (x): Error starting userland "
     "proxy: listen tcp4 0.0.0.0:80: bind: address already in use",
     "listen tcp4 0.0.0.0:80: bind: address already in use"},
    {"no such image: a:1", "no such image: a:1"},
    {"OCI runtime create failed: ", "OCI runtime create failed: "},
    {"", ""},
};

START_TEST(leaves_out_the_layers_that_only_pass_it_on)
{
    ck_assert_str_eq(acc_docker_cause(causes[_i].message), causes[_i].cause);
}
END_TEST

START_TEST(knows_an_address_that_is_of_no_subnet)
{
    static const char *const said[] = {
        "Invalid address 172.30.6.10: It does not belong to any of this network's subnets",
        "invalid config for network s_n: invalid endpoint settings: no configured subnet or "
        "ip-range contain the IP address 172.30.6.10", /* 28.5 */
    };

    for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
        ck_assert(acc_docker_is_foreign_address(said[i]));
    }
    ck_assert(!acc_docker_is_foreign_address("Address already in use"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("docker_error");
    TCase *tc = tcase_create("all");

    tcase_add_loop_test(tc, tells_what_real_engines_mean, 0,
                        sizeof(recorded) / sizeof(recorded[0]));
    tcase_add_loop_test(tc, tells_what_others_have_seen, 0, sizeof(read) / sizeof(read[0]));
    tcase_add_test(tc, names_the_holder_of_a_name);
    tcase_add_test(tc, tells_which_one_is_missing);
    tcase_add_test(tc, knows_an_address_that_is_of_no_subnet);
    tcase_add_loop_test(tc, leaves_out_the_layers_that_only_pass_it_on, 0,
                        sizeof(causes) / sizeof(causes[0]));
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
