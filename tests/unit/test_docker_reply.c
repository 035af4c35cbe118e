#include "lib/codec/docker_reply.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/codec/docker_pull.h"
#include "lib/codec/docker_request.h"
#include "lib/codec/docker_stdio.h"
#include "tests/unit/stack_json.h"

static const char *const engines[] = {"20", "28"};

static char *sample(int engine, const char *name, size_t *ret_len)
{
    char path[256];

    (void)snprintf(path, sizeof(path), SAMPLES "/%s/%s", engines[engine], name);
    char *text = read_text(path, ret_len);

    ck_assert_ptr_nonnull(text);
    return text;
}

static const struct {
    const char *name;
    enum acc_container_state state;
    enum acc_docker_health health;
    uint32_t number;
} listed[] = {
    {"p-loop-1", ACC_CTR_RUNNING, ACC_DH_NONE, 1},  {"p-host-1", ACC_CTR_RUNNING, ACC_DH_NONE, 1},
    {"p-one-2", ACC_CTR_EXITED, ACC_DH_NONE, 0},    {"p-web-1", ACC_CTR_CREATED, ACC_DH_NONE, 1},
    {"p-db-1", ACC_CTR_RUNNING, ACC_DH_HEALTHY, 1},
};

START_TEST(reads_a_list_of_containers)
{
    struct acc_docker_list list;
    size_t len = 0, found = 0;
    char *text = sample(_i, "list.json", &len);

    ck_assert_int_eq(acc_docker_list_parse(text, len, &list), 0);
    ck_assert_uint_eq(list.n, 6);
    ck_assert_uint_eq(list.n_dropped, 0);
    for (size_t i = 0; i < list.n; i++) {
        ck_assert_uint_eq(strlen(list.item[i].cid), 64);
        ck_assert_uint_eq(strlen(list.item[i].image_id), 71);
        ck_assert_int_gt(list.item[i].created_s, 1795545000);
        for (size_t j = 0; j < sizeof(listed) / sizeof(listed[0]); j++) {
            if (strcmp(list.item[i].name, listed[j].name) == 0) {
                found++;
                ck_assert_str_eq(list.item[i].project, "p");
                ck_assert_str_eq(list.item[i].service, "db");
                ck_assert_uint_eq(list.item[i].number, listed[j].number);
                if (j > 0) { /* the loop was caught in either of its states */
                    ck_assert_int_eq(list.item[i].state, listed[j].state);
                }
                ck_assert_int_eq(list.item[i].health, listed[j].health);
            }
        }
    }
    ck_assert_uint_eq(found, 5);
    acc_docker_list_fini(&list);
    free(text);
}
END_TEST

#define CID "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
START_TEST(drops_what_is_no_container)
{
    static const char text[] = "[1,null,{\"Id\":\"x\"},{\"Id\":\"" CID
                               "\",\"Names\":[3,\"/a/b\",\"/me\"],\"Labels\":"
                               "null,\"State\":\"odd\",\"Health\":{\"Status\":\"unhealthy\"},"
                               "\"Status\":\"Up (healthy)\"}]";
    struct acc_docker_list list;

    ck_assert_int_eq(acc_docker_list_parse(text, strlen(text), &list), 0);
    ck_assert_uint_eq(list.n, 1);
    ck_assert_uint_eq(list.n_dropped, 3);
    ck_assert_str_eq(list.item[0].name, "me");               /* /a/b is a link's name for it */
    ck_assert_int_eq(list.item[0].health, ACC_DH_UNHEALTHY); /* 1.52 has it apart */
    acc_docker_list_fini(&list);
    ck_assert_int_eq(acc_docker_list_parse("{}", 2, &list), -EINVAL);
    ck_assert_int_eq(acc_docker_list_parse("[", 1, &list), -EINVAL);
    ck_assert_int_eq(acc_docker_list_parse("[]", 2, &list), 0);
    ck_assert_uint_eq(list.n, 0);
    acc_docker_list_fini(&list);
}
END_TEST

START_TEST(reads_networks_and_volumes)
{
    struct acc_docker_names names;
    struct acc_docker_name_item one;
    size_t len = 0, n = 0;
    char *text = sample(_i, "networks.json", &len);

    ck_assert_int_eq(acc_docker_networks_parse(text, len, &names), 0);
    ck_assert_uint_eq(names.n, 5);
    for (size_t i = 0; i < names.n; i++) {
        if (strcmp(names.item[i].name, "p_default") == 0) {
            n++;
            ck_assert_uint_eq(strlen(names.item[i].id), 64);
            ck_assert_str_eq(names.item[i].project, "p");
            ck_assert_str_eq(names.item[i].key, "default");
            ck_assert_uint_eq(strspn(names.item[i].config_hash, "d"), 64);
            ck_assert_str_eq(names.item[i].driver, "bridge");
        }
    }
    ck_assert_uint_eq(n, 1);
    acc_docker_names_fini(&names);
    free(text);
    text = sample(_i, "volumes.json", &len);
    ck_assert_int_eq(acc_docker_volumes_parse(text, len, &names), 0);
    ck_assert_uint_ge(names.n, 1);
    acc_docker_names_fini(&names);
    free(text);
    text = sample(_i, "network.json", &len);
    ck_assert_int_eq(acc_docker_network_parse(text, len, &one), 0);
    ck_assert_str_eq(one.key, "back");
    free(text);
    text = sample(_i, "volume.json", &len);
    ck_assert_int_eq(acc_docker_volume_parse(text, len, &one), 0);
    ck_assert_str_eq(one.id, "p_data");
    ck_assert_str_eq(one.key, "data");
    free(text);
    ck_assert_int_eq(acc_docker_volumes_parse("{\"Volumes\":null}", 16, &names), 0);
    ck_assert_uint_eq(names.n, 0);
    acc_docker_names_fini(&names);
    ck_assert_int_eq(acc_docker_volume_parse("{}", 2, &one), -EINVAL);
}
END_TEST

START_TEST(reads_images_versions_and_info)
{
    struct acc_docker_image image;
    struct acc_docker_version version;
    struct acc_docker_info info;
    size_t len = 0;
    char *text = sample(_i, "image.json", &len);

    ck_assert_int_eq(acc_docker_image_parse(text, len, &image), 0);
    ck_assert_uint_eq(strlen(image.id), 71);
    ck_assert_str_eq(image.os, "linux");
    ck_assert_str_eq(image.architecture, "amd64");
    ck_assert_uint_eq(image.n_ports, 1);
    ck_assert_uint_eq(image.ports[0], 8080);
    ck_assert(!image.has_health);
    ck_assert_int_gt(image.last_tag_ns, image.created_ns);
    free(text);
    text = sample(_i, "version.json", &len);
    ck_assert_int_eq(acc_docker_version_parse(text, len, &version), 0);
    ck_assert_uint_eq(version.api_minor, _i == 0 ? 41 : 51);
    ck_assert_uint_eq(version.min_api_minor, _i == 0 ? 12 : 24);
    ck_assert_int_eq(strncmp(version.version, engines[_i], 2), 0);
    ck_assert(!version.is_podman);
    free(text);
    text = sample(_i, "info.json", &len);
    ck_assert_int_eq(acc_docker_info_parse(text, len, &info), 0);
    ck_assert(info.live_restore);
    ck_assert(!info.swarm);
    ck_assert_str_eq(info.root_dir, "/var/lib/docker");
    ck_assert_int_gt(info.memory_bytes, 1 << 30);
    free(text);
}
END_TEST

START_TEST(an_image_is_old_when_its_tag_is)
{
    struct acc_docker_image image = {.last_tag_ns = 5000};

    ck_assert(!acc_docker_image_is_old(&image, 1000, 6000));
    ck_assert(acc_docker_image_is_old(&image, 1000, 6001));
    image.last_tag_ns = 0; /* pulled: some engines tell no time */
    ck_assert(
        acc_docker_image_is_old(&image, INT64_C(86400000000000), INT64_C(1700000000000000000)));
}
END_TEST

START_TEST(chooses_a_version_both_speak)
{
    uint32_t minor = 0;

    ck_assert(acc_docker_api_parse("1.41", &minor));
    ck_assert_uint_eq(minor, 41);
    ck_assert(!acc_docker_api_parse("2.0", &minor));
    ck_assert(!acc_docker_api_parse("1.41x", &minor));
    ck_assert(!acc_docker_api_parse(NULL, &minor));
    ck_assert_uint_eq(acc_docker_api_choose(40), 0);
    ck_assert_uint_eq(acc_docker_api_choose(41), 41);
    ck_assert_uint_eq(acc_docker_api_choose(99), ACC_DOCKER_API_MAX);
    ck_assert(acc_docker_api_from_error(
        "client version 1.99 is too new. Maximum supported API version is 1.41", &minor));
    ck_assert_uint_eq(minor, 41);
    ck_assert(acc_docker_api_from_error("client version 1.11 is too old. Minimum supported API "
                                        "version is 1.24, please upgrade your client",
                                        &minor));
    ck_assert_uint_eq(minor, 24);
    ck_assert(acc_docker_api_from_error("The minimum supported API version is 1.44.", &minor));
    ck_assert_uint_eq(minor, 44);
    ck_assert(!acc_docker_api_from_error("API version is 1.99999999999999999", &minor));
    ck_assert(!acc_docker_api_from_error("no", &minor));
}
END_TEST

START_TEST(reads_execs_and_ids)
{
    struct acc_docker_exec exec;
    char id[ACC_CID_LEN + 1];
    size_t len = 0;
    char *text = sample(_i, "exec_before.json", &len);

    ck_assert_int_eq(acc_docker_exec_parse(text, len, &exec), 0);
    ck_assert(!exec.running && !exec.has_exit_code);
    free(text);
    text = sample(_i, "exec_after.json", &len);
    ck_assert_int_eq(acc_docker_exec_parse(text, len, &exec), 0);
    ck_assert(!exec.running && exec.has_exit_code);
    ck_assert_int_eq(exec.exit_code, 5);
    ck_assert_int_gt(exec.pid, 0);
    free(text);
    ck_assert_int_eq(acc_docker_id_parse("{\"Id\":\"" CID "\"}", 73, id), 0);
    ck_assert_str_eq(id, CID);
    ck_assert_int_eq(acc_docker_id_parse("{\"Id\":\"x\"}", 10, id), -EINVAL);
}
END_TEST

static const struct {
    const char *text, *want;
} messages[] = {
    {"{\"message\":\"port is\\nalready allocated\"}", "port is already allocated"},
    {"{\"cause\":\"no such file\",\"message\":\"\",\"response\":500}", "no such file"},
    {"client version 1.11 is too old\n", "client version 1.11 is too old"},
    {"{\"message\":7}", "HTTP 500"},
    {"{\"message\":\"\\u0007\"}", "HTTP 500"},
    {"", "HTTP 500"},
    {"{\"message\":\"a\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\"}",
     "a\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"},
};

START_TEST(tells_an_error_in_one_line)
{
    char out[64];

    acc_docker_message(500, messages[_i].text, strlen(messages[_i].text), out, sizeof(out));
    ck_assert_str_eq(out, messages[_i].want);
    acc_docker_message(500, messages[_i].text, strlen(messages[_i].text), out, 11);
    ck_assert_uint_lt(strlen(out), 11);
    ck_assert_int_ne((unsigned char)out[strlen(out) - 1], 0xc3); /* no half of a character */
}
END_TEST

START_TEST(follows_a_pull)
{
    static const char *const lines[] = {
        "{\"status\":\"Pulling from app\",\"id\":\"1\"}",
        "{\"status\":\"Downloading\",\"progressDetail\":{\"current\":10,\"total\":100},\"id\":"
        "\"a\"}",
        "{\"status\":\"Downloading\",\"progressDetail\":{\"current\":50,\"total\":300},\"id\":"
        "\"b\"}",
        "{\"status\":\"Download complete\",\"progressDetail\":{},\"id\":\"a\"}",
        "{\"status\":\"Extracting\",\"progressDetail\":{\"current\":1,\"total\":100},\"id\":\"a\"}",
        "{\"status\":\"Digest: sha256:abc\"}",
        "{\"status\":\"Status: Downloaded newer image for app:1\"}",
    };
    static struct acc_docker_pull pull;

    acc_docker_pull_init(&pull);
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        ck_assert_int_eq(acc_docker_pull_line(&pull, lines[i], strlen(lines[i])), 0);
    }
    ck_assert_uint_eq(pull.current, 60);
    ck_assert_uint_eq(pull.total, 400);
    ck_assert(!pull.failed);
    ck_assert_str_eq(pull.digest, "sha256:abc");
    ck_assert_str_eq(pull.status, "Status: Downloaded newer image for app:1");
    ck_assert_int_eq(acc_docker_pull_line(&pull, "hello", 5), -EINVAL);
    static const char bad[] =
        "{\"errorDetail\":{\"message\":\"unknown blob\"},\"error\":\"unknown blob\"}";
    ck_assert_int_eq(acc_docker_pull_line(&pull, bad, strlen(bad)), 0);
    ck_assert(pull.failed);
    ck_assert_str_eq(pull.error, "unknown blob");
}
END_TEST

START_TEST(a_hostile_pull_stays_in_its_bounds)
{
    static struct acc_docker_pull pull;
    char line[160];

    acc_docker_pull_init(&pull);
    for (int i = 0; i < 2000; i++) {
        int n = snprintf(line, sizeof(line),
                         "{\"id\":\"%d\",\"progressDetail\":{\"current\":1e300,\"total\":1e300}}",
                         i);

        ck_assert_int_eq(acc_docker_pull_line(&pull, line, (size_t)n), 0);
    }
    ck_assert_uint_eq(pull.n_layers, ACC_PULL_LAYERS_MAX);
    ck_assert_uint_le(pull.current, pull.total);
}
END_TEST

START_TEST(unframes_output_cut_anywhere)
{
    static const char in[] = "\1\0\0\0\0\0\0\3hi\n\2\0\0\0\0\0\0\0\2\0\0\0\0\0\0\2no";
    size_t total = sizeof(in) - 1;

    for (size_t step = 1; step <= total; step++) {
        struct acc_docker_stdio stdio;
        char out[32] = "", err[32] = "";

        acc_docker_stdio_init(&stdio, false);
        for (size_t at = 0; at < total; at += step) {
            const char *p = in + at, *data;
            size_t n = total - at < step ? total - at : step, len;
            uint8_t stream;

            while (acc_docker_stdio_feed(&stdio, &p, &n, &data, &len, &stream)) {
                ck_assert_uint_gt(len, 0);
                (void)strncat(stream == 2 ? err : out, data, len);
            }
            ck_assert_uint_eq(n, 0);
        }
        ck_assert_str_eq(out, "hi\n");
        ck_assert_str_eq(err, "no");
    }
}
END_TEST

START_TEST(writes_small_bodies)
{
    static const char *const argv[] = {"sh", "-c", "echo \"a\"", NULL};
    struct acc_buf out;

    acc_buf_init(&out, 4096);
    ck_assert_int_eq(acc_docker_exec_body(argv, &out), 0);
    ck_assert_str_eq(out.data,
                     "{\"AttachStdout\":true,\"AttachStderr\":true,\"Cmd\":[\"sh\",\"-c\","
                     "\"echo \\\"a\\\"\"]}");
    acc_buf_reset(&out);
    ck_assert_int_eq(acc_docker_policy_body(ACC_RESTART_ON_FAILURE, 5, &out), 0);
    ck_assert_str_eq(out.data,
                     "{\"RestartPolicy\":{\"Name\":\"on-failure\",\"MaximumRetryCount\":5}}");
    acc_buf_reset(&out);
    ck_assert_int_eq(acc_docker_policy_body(ACC_RESTART_UNSET, 5, &out), 0);
    ck_assert_str_eq(out.data, "{\"RestartPolicy\":{\"Name\":\"no\"}}");
    acc_buf_reset(&out);
    ck_assert_int_eq(acc_docker_escape("a/b c\xc3\xa4~", &out), 0);
    ck_assert_str_eq(out.data, "a%2Fb%20c%C3%A4~");
    acc_buf_fini(&out);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("docker_reply");
    TCase *tc = tcase_create("all");

    tcase_add_loop_test(tc, reads_a_list_of_containers, 0, 2);
    tcase_add_test(tc, drops_what_is_no_container);
    tcase_add_loop_test(tc, reads_networks_and_volumes, 0, 2);
    tcase_add_loop_test(tc, reads_images_versions_and_info, 0, 2);
    tcase_add_test(tc, an_image_is_old_when_its_tag_is);
    tcase_add_test(tc, chooses_a_version_both_speak);
    tcase_add_loop_test(tc, reads_execs_and_ids, 0, 2);
    tcase_add_loop_test(tc, tells_an_error_in_one_line, 0, sizeof(messages) / sizeof(messages[0]));
    tcase_add_test(tc, follows_a_pull);
    tcase_add_test(tc, a_hostile_pull_stays_in_its_bounds);
    tcase_add_test(tc, unframes_output_cut_anywhere);
    tcase_add_test(tc, writes_small_bodies);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
