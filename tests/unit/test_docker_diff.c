#include "lib/codec/docker_diff.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "tests/unit/stack_json.h"

/* The service that docker/<engine>/inspect_healthy.json is a container of. */
static const char base[] =
    "{\"image\":\"acc-test/bb:1\",\"command\":null,\"entrypoint\":null,"
    "\"environment\":{\"A\":\"1\",\"SECRET\":\"hunter2\"},\"expose\":[\"80/udp\"],"
    "\"ports\":[{\"target\":5432,\"published\":\"15432\",\"host_ip\":\"127.0.0.1\",\"protocol\":"
    "\"tcp\"}],\"healthcheck\":{\"test\":[\"CMD-SHELL\",\"test -e /bin/app && echo ok\"],"
    "\"interval\":\"1s\",\"timeout\":\"2s\",\"retries\":2},"
    "\"volumes\":[{\"type\":\"bind\",\"source\":\"/etc/hostname\",\"target\":\"/h\",\"read_only\":"
    "true},{\"type\":\"volume\",\"source\":\"data\",\"target\":\"/data\",\"volume\":{}}],"
    "\"tmpfs\":[\"/t:size=1m\"],\"mem_limit\":\"67108864\",\"cap_add\":[\"NET_ADMIN\"],"
    "\"networks\":{\"default\":{\"priority\":1},\"back\":null}}";

static const struct acc_docker_diff_policy on_failure = {ACC_RESTART_ON_FAILURE, 4};

static const struct {
    const char *patch; /* keys of the service that the file has otherwise; null: not at all */
    const char *want;  /* the lines, each ended by "|"; "~" before one that can be changed live */
} changes[] = {
    {"{}", ""},
    {"{\"restart\":\"no\"}", ""},          /* the policy is told apart */
    {"{\"image\":\"acc-test/bb:2\"}", ""}, /* another name of the same image */
    {"{\"environment\":{\"A\":\"2\",\"SECRET\":\"hunter2\",\"TZ\":\"UTC\"}}",
     "environment A changed|environment TZ added|"},
    {"{\"environment\":{\"A\":\"1\"}}", "environment SECRET removed|"},
    {"{\"environment\":{\"A\":\"1\",\"SECRET\":\"hunter2\",\"VERSION\":\"1\"}}", ""},
    {"{\"labels\":{\"a\":\"b\"}}", "label a added|"},
    {"{\"labels\":{\"accd.test.version\":\"2\"}}", "label accd.test.version changed|"},
    {"{\"command\":[\"/bin/app\"]}", ""}, /* what the image does anyway */
    {"{\"command\":[\"/bin/app\",\"x\"]}", "command changed|"},
    {"{\"entrypoint\":[\"/init\"]}", "entrypoint changed|command changed|"},
    {"{\"user\":\"1000\"}", "user added|"},
    {"{\"hostname\":\"h\"}", "hostname added|"},
    {"{\"tty\":true}", "tty added|"},
    {"{\"stop_grace_period\":\"30s\"}", ""}, /* told with each stop */
    {"{\"healthcheck\":null}",
     "healthcheck test removed|healthcheck interval removed|healthcheck timeout removed|"
     "healthcheck retries removed|"},
    {"{\"healthcheck\":{\"test\":[\"CMD-SHELL\",\"test -e /bin/app && echo ok\"],\"interval\":"
     "\"5s\",\"timeout\":\"2s\",\"retries\":2}}",
     "healthcheck interval changed|"},
    {"{\"ports\":null}", "published port 5432/tcp removed|"},
    {"{\"ports\":[{\"target\":5432,\"published\":\"5432\",\"protocol\":\"tcp\"},{\"target\":1,"
     "\"protocol\":\"tcp\"}]}",
     "published port 5432/tcp changed|published port 1/tcp added|"},
    {"{\"volumes\":null}", "mount /h removed|mount /data removed|"},
    {"{\"volumes\":[{\"type\":\"bind\",\"source\":\"/etc/hosts\",\"target\":\"/h\"},{\"type\":"
     "\"volume\",\"source\":\"data\",\"target\":\"/data/\",\"volume\":{\"nocopy\":true}}]}",
     "mount /h source changed|mount /h is writable in the file|"},
    {"{\"volumes\":[{\"type\":\"bind\",\"source\":\"/etc/hostname\",\"target\":\"/"
     "h\",\"read_only\":"
     "true,\"bind\":{\"propagation\":\"rslave\"}},{\"type\":\"bind\",\"source\":\"/"
     "data\",\"target\":"
     "\"/data\"},{\"type\":\"volume\",\"target\":\"/anon\"}]}",
     "mount /data type volume -> bind|mount /h options changed|mount /anon added|"},
    {"{\"tmpfs\":[\"/t:size=2m\",\"/u\"]}", "tmpfs /t changed|tmpfs /u added|"},
    {"{\"networks\":{\"default\":null}}", "network p_back removed|"},
    {"{\"networks\":{\"default\":{\"aliases\":[\"x\",\"db\"]},\"back\":null,\"new\":null}}",
     "network p_default alias x added|network p_new added|"},
    {"{\"networks\":{\"default\":null,\"back\":{\"ipv4_address\":\"10.99.7.9\"}}}",
     "network p_back ipv4_address changed|"},
    {"{\"networks\":null,\"network_mode\":\"host\"}", "network_mode p_default -> host|"},
    {"{\"cap_add\":[\"CAP_NET_ADMIN\"]}", ""},
    {"{\"cap_add\":null}", "cap_add removed|"},
    {"{\"privileged\":true,\"init\":true}", "privileged added|init added|"},
    {"{\"shm_size\":\"67108864\"}", ""}, /* Docker's own default, written out */
    {"{\"logging\":{\"driver\":\"json-file\"}}", ""},
    {"{\"logging\":{\"driver\":\"local\"}}", "logging changed|"},
    {"{\"mem_limit\":\"134217728\"}", "~memory 64 MiB -> 128 MiB|"},
    {"{\"mem_limit\":null,\"cpus\":1.5,\"pids_limit\":-1}",
     "memory 64 MiB -> none|~cpus none -> 1.5|"},
    {"{\"pids_limit\":100}", "~pids limit none -> 100|"},
};

static struct acc_docker_diff diff;

/* The request that the changed service makes. `image` is what its reference resolves to. */
static void expect(const char *patch, const char *image, uint32_t api_minor,
                   struct acc_docker_create *ret_create)
{
    static struct acc_diags diags;
    cJSON *service = cJSON_Parse(base), *changed = cJSON_Parse(patch);
    const cJSON *item;
    char text[8192];

    cJSON_ArrayForEach(item, changed)
    {
        cJSON_DeleteItemFromObject(service, item->string);
        if (!cJSON_IsNull(item)) {
            cJSON_AddItemToObject(service, item->string, cJSON_Duplicate(item, true));
        }
    }
    char *printed = cJSON_PrintUnformatted(service);

    (void)snprintf(text, sizeof(text),
                   "{\"name\":\"p\",\"services\":{\"db\":%s},\"networks\":{\"default\":{\"name\":"
                   "\"p_default\"},\"back\":{\"name\":\"p_back\"},\"new\":{\"name\":\"p_new\"}},"
                   "\"volumes\":{\"data\":{\"name\":\"p_data\"}}}",
                   printed);
    struct acc_stack *stack = stack_from_json(text, "/d", "/d/f");
    struct acc_docker_create_ctx ctx = {.api_minor = api_minor,
                                        .number = 1,
                                        .name = "p-db-1",
                                        .config_hash = "h",
                                        .image_id = image};

    ck_assert_int_eq(
        acc_docker_create_make(stack, stack_service(stack, "db"), &ctx, ret_create, &diags), 0);
    (void)acc_stack_destroy(stack);
    free(printed);
    cJSON_Delete(service);
    cJSON_Delete(changed);
}

static void lines(char *out, size_t out_size)
{
    out[0] = '\0';
    for (size_t i = 0; i < diff.n; i++) {
        size_t len = strlen(out);

        (void)snprintf(out + len, out_size - len, "%s%s|", diff.line[i].is_live ? "~" : "",
                       diff.line[i].text);
    }
}

static char *sample(int engine, const char *name, size_t *ret_len)
{
    char path[256];

    (void)snprintf(path, sizeof(path), SAMPLES "/%s/%s", engine == 0 ? "20" : "28", name);
    char *text = read_text(path, ret_len);

    ck_assert_ptr_nonnull(text);
    return text;
}

static void image_id(const char *image, char *out, size_t out_size)
{
    const char *at = strstr(image, "sha256:");

    (void)snprintf(out, out_size, "%.71s", at);
}

START_TEST(tells_what_differs_and_nothing_else)
{
    for (int engine = 0; engine < 2; engine++) {
        struct acc_docker_create create;
        size_t inspect_len, image_len;
        char *inspect = sample(engine, "inspect_healthy.json", &inspect_len);
        char *image = sample(engine, "image.json", &image_len);
        char id[80], got[1024];

        image_id(image, id, sizeof(id));
        expect(changes[_i].patch, id, engine == 0 ? 41 : 51, &create);
        ck_assert_int_eq(acc_docker_diff_make(&create, &on_failure, inspect, inspect_len, image,
                                              image_len, &diff),
                         0);
        lines(got, sizeof(got));
        ck_assert_msg(strcmp(got, changes[_i].want) == 0, "%s on %d: got %s, want %s",
                      changes[_i].patch, engine, got, changes[_i].want);
        ck_assert_int_eq(diff.needs_recreate, got[0] != '\0' && got[0] != '~');
        acc_docker_create_fini(&create);
        free(inspect);
        free(image);
    }
}
END_TEST

/* A network that a person has added: without the name of the service. */
START_TEST(a_network_connected_by_hand_is_told_and_no_reason)
{
    struct acc_docker_create create;
    size_t len;
    char *inspect = sample(0, "inspect_healthy.json", &len);
    cJSON *json = cJSON_Parse(inspect);
    cJSON *networks = cJSON_GetObjectItem(cJSON_GetObjectItem(json, "NetworkSettings"), "Networks");
    char got[1024];

    cJSON_AddItemToObject(networks, "lab", cJSON_Parse("{\"Aliases\":[\"0123456789ab\"]}"));
    char *edited = cJSON_PrintUnformatted(json);

    expect("{}", NULL, 41, &create);
    ck_assert_int_eq(
        acc_docker_diff_make(&create, &on_failure, edited, strlen(edited), NULL, 0, &diff), 0);
    lines(got, sizeof(got));
    ck_assert_str_eq(got, "~network lab connected by hand, it stays|");
    ck_assert(!diff.needs_recreate);
    ck_assert_uint_eq(diff.n_told, 1);
    acc_docker_create_fini(&create);
    cJSON_Delete(json);
    free(edited);
    free(inspect);
}
END_TEST

START_TEST(another_image_of_the_same_name_differs)
{
    struct acc_docker_create create;
    size_t len;
    char *inspect = sample(0, "inspect_healthy.json", &len);
    char got[1024];

    expect("{}", "sha256:0000000000000000000000000000000000000000000000000000000000000000", 41,
           &create);
    ck_assert_int_eq(acc_docker_diff_make(&create, &on_failure, inspect, len, NULL, 0, &diff), 0);
    lines(got, sizeof(got));
    ck_assert_str_eq(got, "image acc-test/bb:1 is another one (sha256:a64327115cd5 -> "
                          "sha256:000000000000)|");
    acc_docker_create_fini(&create);
    expect("{\"image\":\"x:2\"}", "", 41, &create);
    ck_assert_int_eq(acc_docker_diff_make(&create, &on_failure, inspect, len, NULL, 0, &diff), 0);
    lines(got, sizeof(got));
    ck_assert_str_eq(got, "image acc-test/bb:1 -> x:2|");
    acc_docker_create_fini(&create);
    free(inspect);
}
END_TEST

START_TEST(without_the_image_what_it_may_have_added_is_its)
{
    struct acc_docker_create create;
    size_t len;
    char *inspect = sample(0, "inspect_healthy.json", &len);
    char got[1024];

    expect("{\"environment\":null,\"healthcheck\":null}", NULL, 41, &create);
    ck_assert_int_eq(acc_docker_diff_make(&create, &on_failure, inspect, len, NULL, 0, &diff), 0);
    lines(got, sizeof(got));
    ck_assert_str_eq(got, "");
    ck_assert_int_eq(acc_docker_diff_make(&create, NULL, inspect, len, NULL, 0, &diff), 0);
    lines(got, sizeof(got));
    ck_assert_str_eq(got, "~restart policy on-failure -> no|"); /* managed: accd restarts */
    ck_assert(!diff.needs_recreate);
    acc_docker_create_fini(&create);
    free(inspect);
}
END_TEST

START_TEST(never_tells_a_value)
{
    struct acc_docker_create create;
    size_t len;
    char *inspect = sample(1, "inspect_healthy.json", &len);

    expect("{\"environment\":{\"SECRET\":\"topsecret\"},\"labels\":{\"auth\":\"topsecret\"},"
           "\"command\":[\"topsecret\"]}",
           NULL, 51, &create);
    ck_assert_int_eq(acc_docker_diff_make(&create, NULL, inspect, len, "{}", 2, &diff), 0);
    ck_assert_uint_ge(diff.n, 4);
    for (size_t i = 0; i < diff.n; i++) {
        ck_assert_ptr_null(strstr(diff.line[i].text, "topsecret"));
        ck_assert_ptr_null(strstr(diff.line[i].text, "hunter2"));
    }
    ck_assert_int_eq(acc_docker_diff_make(&create, NULL, "{}", 2, NULL, 0, &diff), -EINVAL);
    acc_docker_create_fini(&create);
    free(inspect);
}
END_TEST

#define CID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void diff_of(const char *want, const char *have)
{
    char body[1024], inspect[1024];
    struct acc_docker_create create = {.body = body};

    (void)snprintf(body, sizeof(body), "{\"Image\":\"a\",%s}", want);
    create.body_len = strlen(body);
    (void)snprintf(inspect, sizeof(inspect), "{\"Id\":\"" CID "\",\"Config\":{\"Image\":\"a\",%s}}",
                   have);
    ck_assert_int_eq(acc_docker_diff_make(&create, NULL, inspect, strlen(inspect), NULL, 0, &diff),
                     0);
}

START_TEST(a_changed_content_is_told_by_the_name_of_its_secret)
{
    char got[1024];

    diff_of("\"Labels\":{\"io.acc.contents\":\"configs/x=11 secrets/t=22\"}",
            "\"Labels\":{\"io.acc.contents\":\"configs/x=11 secrets/t=33\"}");
    lines(got, sizeof(got));
    ck_assert_str_eq(got, "content of secrets/t changed|");
    diff_of("\"Labels\":{\"io.acc.contents\":\"configs/x=11 secrets/t=22\"}",
            "\"Labels\":{\"io.acc.contents\":\"configs/x=11 secrets/t=22\"}");
    ck_assert_uint_eq(diff.n, 0);
    diff_of("\"Labels\":{\"io.acc.contents\":\"secrets/t=22\"}", "\"Labels\":{}");
    ck_assert_uint_eq(diff.n, 0); /* whoever made it has not said */
}
END_TEST

static const struct {
    const char *want, *have, *body;
} updates[] = {
    {"\"Memory\":100", "\"Memory\":50,\"MemorySwap\":100", "{\"Memory\":100,\"MemorySwap\":200}"},
    {"\"Memory\":100", "\"Memory\":0,\"MemorySwap\":0", "{\"Memory\":100,\"MemorySwap\":200}"},
    {"\"Memory\":100", "\"Memory\":50,\"MemorySwap\":-1", "{\"Memory\":100,\"MemorySwap\":200}"},
    {"\"Memory\":100,\"MemorySwap\":300", "\"Memory\":50", "{\"Memory\":100,\"MemorySwap\":300}"},
    {"\"NanoCpus\":5,\"Memory\":7", "\"NanoCpus\":5,\"Memory\":7", "{}"},
    {"\"PidsLimit\":0", "\"PidsLimit\":9", "{\"PidsLimit\":0}"},
    {"\"CpusetCpus\":\"0-1\"", "\"CpusetCpus\":\"0\"", "{\"CpusetCpus\":\"0-1\"}"},
};

START_TEST(an_update_holds_what_differs_and_no_more)
{
    char body[256], inspect[256];
    struct acc_docker_create create = {.body = body};
    struct acc_buf out;

    (void)snprintf(body, sizeof(body), "{\"HostConfig\":{%s}}", updates[_i].want);
    create.body_len = strlen(body);
    (void)snprintf(inspect, sizeof(inspect), "{\"HostConfig\":{%s}}", updates[_i].have);
    acc_buf_init(&out, 4096);
    ck_assert_int_eq(acc_docker_update_body(&create, inspect, strlen(inspect), &out), 0);
    ck_assert_str_eq(out.data, updates[_i].body);
    acc_buf_fini(&out);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("docker_diff");
    TCase *tc = tcase_create("all");

    tcase_add_test(tc, a_changed_content_is_told_by_the_name_of_its_secret);
    tcase_add_loop_test(tc, an_update_holds_what_differs_and_no_more, 0,
                        (int)(sizeof(updates) / sizeof(updates[0])));
    tcase_add_loop_test(tc, tells_what_differs_and_nothing_else, 0,
                        sizeof(changes) / sizeof(changes[0]));
    tcase_add_test(tc, a_network_connected_by_hand_is_told_and_no_reason);
    tcase_add_test(tc, another_image_of_the_same_name_differs);
    tcase_add_test(tc, without_the_image_what_it_may_have_added_is_its);
    tcase_add_test(tc, never_tells_a_value);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
