#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "lib/base/assert.h"
#include "lib/codec/docker_create.h"
#include "lib/codec/docker_diff.h"
#include "lib/codec/plan_json.h"
#include "lib/compose/compose.h"
#include "tests/unit/stack_json.h"

#define OWN(version, more)                                                                         \
    "\"Labels\":{\"com.docker.compose.project\":\"p\",\"com.docker.compose.network\":\"n\","       \
    "\"com.docker.compose.version\":\"" version "\"" more "}"
#define OWN_VOLUME(more)                                                                           \
    "\"Labels\":{\"com.docker.compose.project\":\"p\",\"com.docker.compose.volume\":\"v\","        \
    "\"com.docker.compose.version\":\"1.29.2\"" more "}"
#define HASHED       ",\"com.docker.compose.config-hash\":\"other\""
#define POOL(subnet) "\"IPAM\":{\"Driver\":\"default\",\"Config\":[{\"Subnet\":\"" subnet "\"}]}"
#define FLAGS        "\"Driver\":\"bridge\",\"EnableIPv6\":false,\"Internal\":false,\"Attachable\":false,"
/* What dockerd 28 notes of itself, and what daemon.json may add to each network. */
#define DEFAULTS                                                                                   \
    "\"Options\":{\"com.docker.network.enable_ipv4\":\"true\",\"com.docker.network.enable_ipv6\":" \
    "\"false\",\"com.docker.network.driver.mtu\":\"1450\"},"

static const struct {
    const char *file, *there, *want; /* `want`: the lines */
} networks[] = {
    /* what the file doesn't set is no difference */
    {"", FLAGS POOL("10.0.0.0/24") "," OWN("1.29.2", ""), ""},
    {"", FLAGS DEFAULTS POOL("10.0.0.0/24") "," OWN("5.0.0", HASHED), ""},
    {"", "\"Driver\":\"bridge\",\"Attachable\":true,\"Internal\":false," OWN("1.29.2", ""), ""},
    {"",
     "\"Driver\":\"macvlan\",\"EnableIPv6\":true,\"Internal\":true,\"Labels\":{\"by\":\"hand\"}",
     ""}, /* somebody else's: the file asks for nothing of it */
    {"",
     "\"Internal\":true,\"Labels\":{\"com.docker.compose.project\":\"q\",\"com.docker.compose."
     "network\":\"n\"}",
     ""},
    {"\"driver\":\"bridge\",\"internal\":false,\"attachable\":false,\"enable_ipv6\":false,"
     "\"ipam\":{\"driver\":\"default\"},\"labels\":{},\"driver_opts\":{}",
     FLAGS DEFAULTS POOL("10.0.0.0/24") "," OWN("2.40.3", HASHED),
     "driver_opts com.docker.network.driver.mtu removed|"}, /* by its hash the file had it */
    /* flags */
    {"\"internal\":true", FLAGS OWN("2.40.3", HASHED), "internal: false -> true|"},
    {"\"internal\":true", FLAGS "\"Labels\":{}", "internal: false -> true|"},
    {"", "\"Driver\":\"bridge\",\"Internal\":true," OWN("1.29.2", ""), "internal: true -> false|"},
    {"\"attachable\":true", FLAGS OWN("1.29.2", ""), "attachable: false -> true|"},
    {"", "\"Attachable\":true," OWN("2.40.3", HASHED), "attachable: true -> false|"},
    {"\"enable_ipv6\":false", "\"EnableIPv6\":true,\"Labels\":{}", "enable_ipv6: true -> false|"},
    {"", "\"EnableIPv6\":true," OWN("2.39.0", HASHED), ""},
    {"", "\"EnableIPv6\":true," OWN("2.40.3", HASHED), "enable_ipv6: true -> false|"},
    {"\"enable_ipv4\":false", FLAGS OWN("2.40.3", HASHED), ""}, /* this engine doesn't tell it */
    {"\"enable_ipv4\":false", "\"EnableIPv4\":true," OWN("2.40.3", HASHED),
     "enable_ipv4: true -> false|"},
    /* driver, options, labels */
    {"\"driver\":\"macvlan\"", FLAGS OWN("1.29.2", ""), "driver bridge -> macvlan|"},
    {"", "\"Driver\":\"macvlan\"," OWN("2.40.3", HASHED), "driver macvlan -> bridge|"},
    {"\"driver\":\"weave\"", "\"Driver\":\"weave:latest\"," OWN("1.29.2", ""), ""},
    {"\"driver_opts\":{\"mtu\":1400,\"pw\":\"topsecret\"}",
     "\"Options\":{\"mtu\":\"1500\"}," OWN("1.29.2", ""),
     "driver_opts mtu changed|driver_opts pw added|"},
    {"\"driver_opts\":{\"mtu\":1400}", "\"Options\":{\"mtu\":\"1400\"}," OWN("1.29.2", ""), ""},
    {"\"labels\":{\"a\":\"1\",\"b\":true}", OWN("2.40.3", ",\"a\":\"2\",\"c\":\"3\""),
     "label a changed|label b added|label c removed|"},
    {"\"labels\":{\"a\":\"1\"}", "\"Labels\":{\"b\":\"1\",\"c\":\"3\"}", ""},
    /* addresses */
    {"\"ipam\":{\"config\":[{\"subnet\":\"10.0.1.0/24\"}]}",
     POOL("10.0.0.0/24") "," OWN("2.40.3", HASHED), "subnet 10.0.0.0/24 -> 10.0.1.0/24|"},
    {"\"ipam\":{\"config\":[{\"subnet\":\"10.0.0.7/24\",\"gateway\":\"10.0.0.1\"}]}",
     "\"IPAM\":{\"Config\":[{\"Subnet\":\"10.0.0.0/24\",\"Gateway\":\"10.0.0.1/24\"}]}", ""},
    {"\"ipam\":{\"config\":[{\"subnet\":\"10.0.0.0/25\"}]}", POOL("10.0.0.0/24"),
     "subnet 10.0.0.0/24 -> 10.0.0.0/25|"},
    {"\"ipam\":{\"config\":[{\"subnet\":\"fd00::/64\"}]}",
     "\"IPAM\":{\"Config\":[{\"Subnet\":\"10.0.0.0/24\"},{\"Subnet\":\"fd00:0:0::/64\"}]}", ""},
    {"\"ipam\":{\"config\":[{\"subnet\":\"fd01::/64\"}]}",
     "\"IPAM\":{\"Config\":[{\"Subnet\":\"10.0.0.0/24\"},{\"Subnet\":\"fd00::/64\"}]}",
     "subnet fd00::/64 -> fd01::/64|"},
    {"\"ipam\":{\"config\":[{\"subnet\":\"fd00::/64\"}]}", POOL("10.0.0.0/24"),
     "subnet fd00::/64 added|"},
    {"\"ipam\":{\"config\":[{\"subnet\":\"10.0.1.0/24\"},{\"subnet\":\"10.0.2.0/24\"}]}",
     POOL("10.0.0.0/24"), "subnet 10.0.0.0/24 -> 10.0.1.0/24|subnet 10.0.2.0/24 added|"},
    {"\"ipam\":{\"config\":[{\"subnet\":\"10.0.0.0/24\",\"gateway\":\"10.0.0.9\",\"ip_range\":"
     "\"10.0.0.128/25\",\"aux_addresses\":{\"h\":\"10.0.0.7\",\"k\":\"10.0.0.8\"}}]}",
     "\"IPAM\":{\"Config\":[{\"Subnet\":\"10.0.0.0/24\",\"Gateway\":\"10.0.0.1\","
     "\"AuxiliaryAddresses\":{\"h\":\"10.0.0.6\"}}]}",
     "ip_range of subnet 10.0.0.0/24 added|gateway of subnet 10.0.0.0/24 changed|"
     "aux_address h changed|aux_address k added|"},
    {"\"ipam\":{\"config\":[{\"gateway\":\"10.0.0.9\"}]}", POOL("10.0.0.0/24"), ""},
    {"\"ipam\":{\"driver\":\"dhcp\"}", POOL("10.0.0.0/24"), "ipam driver default -> dhcp|"},
    /* what a peer may write */
    {"\"internal\":true,\"ipam\":{\"config\":[{\"subnet\":\"10.0.0.0/99\"}]}",
     "\"Internal\":7,\"IPAM\":{\"Config\":[null,{\"Subnet\":\"nonsense\"},{\"Subnet\":8}]},"
     "\"Labels\":[],\"Options\":\"\"",
     "subnet nonsense -> 10.0.0.0/99|internal: false -> true|"},
};

static const struct {
    const char *file, *there, *want;
} volumes[] = {
    {"", "\"Driver\":\"local\",\"Options\":null," OWN_VOLUME(""), ""},
    {"", "\"Driver\":\"nfs\",\"Options\":{\"a\":\"1\"}," OWN_VOLUME(""), ""},
    {"\"driver\":\"nfs\"", "\"Driver\":\"local\"," OWN_VOLUME(""), "driver local -> nfs|"},
    {"\"driver_opts\":{\"o\":\"password=topsecret\"}",
     "\"Driver\":\"local\",\"Options\":null," OWN_VOLUME(""), "driver_opts o added|"},
    {"\"driver\":\"nfs\",\"driver_opts\":{\"o\":\"x\"}",
     "\"Driver\":\"nfs:latest\",\"Options\":null," OWN_VOLUME(""), ""}, /* it doesn't tell them */
    {"\"driver_opts\":{\"o\":\"x\"}", "\"Driver\":\"local\",\"Options\":{\"o\":\"topsecret\"}",
     "driver_opts o changed|"},
    {"\"labels\":{\"x\":\"1\"}", OWN_VOLUME(",\"x\":\"2\""), "label x changed|"},
};

static struct acc_docker_diff diff;

static void request_of(const struct acc_stack *stack, bool is_network, const char *hash,
                       struct acc_buf *out)
{
    const struct acc_docker_create_ctx ctx = {.api_minor = 41};
    const struct acc_resource *resource = &stack->resources[is_network ? 0 : 1];

    acc_buf_reset(out);
    ck_assert_int_eq((is_network ? acc_docker_network_body
                                 : acc_docker_volume_body)(stack, resource, &ctx, hash, out),
                     0);
}

static struct acc_stack *stack_of(const char *network, const char *volume)
{
    char text[2048];

    (void)snprintf(text, sizeof(text),
                   "{\"name\":\"p\",\"services\":{},\"networks\":{\"n\":{\"name\":\"p_n\"%s%s}},"
                   "\"volumes\":{\"v\":{\"name\":\"p_v\"%s%s}}}",
                   *network ? "," : "", network, *volume ? "," : "", volume);
    return stack_from_json(text, "/d", "/d/f");
}

static void compare(const char *list, bool is_network, const struct acc_buf *request, char *out,
                    size_t out_size)
{
    struct acc_docker_declared *declared;

    ck_assert_int_eq(acc_docker_declared_parse(list, strlen(list), &declared), 0);
    ck_assert_int_eq(acc_docker_declared_diff(declared,
                                              is_network ? ACC_RES_NETWORK : ACC_RES_VOLUME,
                                              request->data, request->len, &diff),
                     0);
    (void)acc_docker_declared_destroy(declared);
    out[0] = '\0';
    for (size_t i = 0; i < diff.n; i++) {
        size_t len = strlen(out);

        ck_assert_ptr_null(strstr(diff.line[i].text, "topsecret"));
        (void)snprintf(out + len, out_size - len, "%s|", diff.line[i].text);
    }
}

START_TEST(a_network_is_compared_by_what_its_file_says)
{
    struct acc_stack *stack = stack_of(networks[_i].file, "");
    struct acc_buf request;
    char list[2048], got[1024];

    acc_buf_init(&request, 65536);
    request_of(stack, true, "h", &request);
    (void)snprintf(list, sizeof(list), "[{\"Name\":\"x\",\"Internal\":true},{\"Name\":\"p_n\",%s}]",
                   networks[_i].there);
    compare(list, true, &request, got, sizeof(got));
    ck_assert_msg(strcmp(got, networks[_i].want) == 0, "%s: got %s, want %s", networks[_i].file,
                  got, networks[_i].want);
    acc_buf_fini(&request);
    (void)acc_stack_destroy(stack);
}
END_TEST

START_TEST(a_volume_too)
{
    struct acc_stack *stack = stack_of("", volumes[_i].file);
    struct acc_buf request;
    char list[2048], got[1024];

    acc_buf_init(&request, 65536);
    request_of(stack, false, "h", &request);
    (void)snprintf(list, sizeof(list), "{\"Volumes\":[{\"Name\":\"p_v\",%s}],\"Warnings\":null}",
                   volumes[_i].there);
    compare(list, false, &request, got, sizeof(got));
    ck_assert_str_eq(got, volumes[_i].want);
    acc_buf_fini(&request);
    (void)acc_stack_destroy(stack);
}
END_TEST

/* The definition is the one that it was made of: whatever else may be there, a driver has put it.
 */
START_TEST(what_has_the_hash_of_its_file_is_as_it_says)
{
    struct acc_stack *stack = stack_of("\"internal\":true", "");
    struct acc_buf request;
    char got[1024];

    acc_buf_init(&request, 65536);
    request_of(stack, true, "h", &request);
    compare("[{\"Name\":\"p_n\",\"Internal\":false," OWN("2.40.3",
                                                         ",\"com.docker.compose.config-hash\":"
                                                         "\"h\"") "}]",
            true, &request, got, sizeof(got));
    ck_assert_str_eq(got, "");
    compare("[]", true, &request, got, sizeof(got));
    ck_assert_str_eq(got, "");
    compare("{\"Volumes\":null}", true, &request, got, sizeof(got));
    ck_assert_str_eq(got, "");
    compare("[{\"Name\":\"p_n\"},{\"Name\":\"p_n\"}]", true, &request, got, sizeof(got));
    ck_assert_str_eq(got, ""); /* which of them is meant isn't known */
    acc_buf_fini(&request);
    (void)acc_stack_destroy(stack);
}
END_TEST

START_TEST(refuses_what_is_no_list)
{
    struct acc_docker_declared *declared;

    ck_assert_int_eq(acc_docker_declared_parse("7", 1, &declared), -EINVAL);
    ck_assert_int_eq(acc_docker_declared_parse("[", 1, &declared), -EINVAL);
    ck_assert_ptr_null(acc_docker_declared_destroy(NULL));
}
END_TEST

/* --- what is told ------------------------------------------------------------------------------
 */

#define NAME_40 "a123456789b123456789c123456789d123456789"

static struct acc_plan plan;

/* The row of a network, or volume, `name` that the services `ids` use. */
static const struct acc_plan_row *row_of(enum acc_resource_kind kind, const char *name,
                                         const char *const *ids, size_t n)
{
    struct acc_resource resource = {.kind = kind, .key = "n", .name = name};
    struct acc_resource *resources[] = {&resource};
    struct acc_service_spec spec[4] = {{0}}, *services[4];
    struct acc_stack stack = {.name = "p"}, *stacks[] = {&stack};
    uint32_t used[] = {0}, base[] = {0}, of_stack[4] = {0};
    struct acc_model model = {.stacks = stacks,
                              .n_stacks = 1,
                              .services = services,
                              .service_stack = of_stack,
                              .n_services = n,
                              .resources = resources,
                              .resource_base = base,
                              .n_resources = 1};

    for (size_t i = 0; i < n; i++) {
        spec[i] = (struct acc_service_spec){.id = ids[i], .resources = used, .n_resources = 1};
        services[i] = &spec[i];
    }
    acc_plan_fini(&plan);
    diff.n = 1;
    (void)snprintf(diff.line[0].text, sizeof(diff.line[0].text), "internal: false -> true");
    ck_assert_int_eq(acc_plan_add_resource(&plan, &model, 0, &diff), 0);
    ck_assert_int_eq(acc_plan_add_resource(&plan, &model, 0, &diff), 0); /* of another stack, too */
    ck_assert_uint_eq(plan.n, 1);
    ck_assert_int_eq(plan.row[0].what, ACC_PLAN_KEEP);
    return &plan.row[0];
}

START_TEST(says_what_to_do)
{
    static const char *const two[] = {"p/a", "q/b"};
    static const char *const many[] = {"p/" NAME_40, "p/" NAME_40 "2"};
    static const char *const apart[] = {"p/" NAME_40, "pq/" NAME_40};
    const struct acc_plan_row *row = row_of(ACC_RES_NETWORK, "p_n", two, 2);
    char text[512], name[ACC_NAME_MAX + 1];

    ck_assert_str_eq(row->service, "network p_n");
    acc_plan_row_text(row, text, sizeof(text));
    ck_assert_str_eq(text,
                     "internal: false -> true; it stays as it is; to have it made anew: accctl "
                     "stop p/a q/b; docker network rm p_n; accctl apply; accctl start p/a q/b");
    ck_assert(acc_plan_row_has_user(row, "p") && acc_plan_row_has_user(row, "q/b"));
    ck_assert(acc_plan_row_has_user(row, "b") && !acc_plan_row_has_user(row, "p/b"));
    row = row_of(ACC_RES_VOLUME, "p_v", two, 1);
    ck_assert_str_eq(row->service, "volume p_v");
    ck_assert_str_eq(row->line[1].text,
                     "it stays as it is; to lose its data and have it made anew: accctl down p/a; "
                     "docker volume rm p_v; accctl apply; accctl up p/a");
    row = row_of(ACC_RES_NETWORK, "p_n", many, 2);
    ck_assert_ptr_nonnull(strstr(row->line[1].text, "accctl stop p; docker"));
    row = row_of(ACC_RES_NETWORK, "p_n", apart, 2); /* no one word names them */
    ck_assert_str_eq(row->line[1].text,
                     "it stays as it is until somebody stops those that use it and removes it");
    row = row_of(ACC_RES_VOLUME, "p_v", NULL, 0);
    ck_assert_str_eq(row->line[1].text,
                     "it stays as it is; nothing of the files uses it: docker volume rm p_v");
    ck_assert(acc_plan_row_has_user(row, "p") && !acc_plan_row_has_user(row, "q"));
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    row = row_of(ACC_RES_VOLUME, name, two, 2); /* half a name may be another one's */
    ck_assert_ptr_null(strstr(row->line[1].text, " rm "));
    acc_plan_fini(&plan);
}
END_TEST

/* Asked for by what they use, the rows come, and no others. */
START_TEST(a_plan_of_a_service_has_its_networks)
{
    static const char *const ids[] = {"p/a"};
    static const char *const targets[] = {"p/a", "a", "p", "network p_n", "p/b", "q"};
    struct acc_buf out;

    (void)row_of(ACC_RES_NETWORK, "p_n", ids, 1);
    for (size_t i = 0; i < ACC_ARRAY_LEN(targets); i++) {
        acc_buf_init(&out, 65536);
        ck_assert_int_eq(acc_plan_put(&plan, &targets[i], 1, &out), 0);
        ck_assert_int_eq(strstr(out.data, "\"action\":\"keep\"") != NULL, i < 4);
        acc_buf_fini(&out);
    }
    acc_plan_fini(&plan);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("docker_declared");
    TCase *tc = tcase_create("all");

    tcase_add_loop_test(tc, a_network_is_compared_by_what_its_file_says, 0,
                        (int)ACC_ARRAY_LEN(networks));
    tcase_add_loop_test(tc, a_volume_too, 0, (int)ACC_ARRAY_LEN(volumes));
    tcase_add_test(tc, what_has_the_hash_of_its_file_is_as_it_says);
    tcase_add_test(tc, refuses_what_is_no_list);
    tcase_add_test(tc, says_what_to_do);
    tcase_add_test(tc, a_plan_of_a_service_has_its_networks);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
