/* Hashes of services were printed by `docker compose config --hash` of 2.40.3; those with
 * references and those of networks and volumes are SHA-256 of the JSON in facts 3.12, which equals
 * the labels of 2.40.3 on live resources. */
#include "tests/unit/load_text.h"

#define A_ID "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B_ID "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static const char rich[] =
    "services:\n"
    "  plain: {image: 'bb:1'}\n"
    "  rich:\n"
    "    image: bb:1\n"
    "    command: sh -c 'echo \"a <b> & c\"'\n"
    "    environment: {A: '1', B: , C: \"\xc3\xa9\\u2028\"}\n"
    "    ports: ['8080:80', '127.0.0.1:53:53/udp']\n"
    "    volumes: ['/srv:/data:ro', 'v:/v', {type: bind, source: /x, target: /y, bind: "
    "{create_host_path: false}}]\n"
    "    deploy: {replicas: 3, resources: {limits: {cpus: 0.25, memory: 50M}}}\n"
    "    healthcheck: {test: 'true', interval: 90s, retries: 0}\n"
    "    ulimits: {nofile: {soft: 1024, hard: 4096}, nproc: 65535}\n"
    "    blkio_config: {weight_device: [{path: /dev/sda, weight: 400}], device_read_bps: [{path: "
    "/dev/sdb, rate: 12mb}]}\n"
    "    extra_hosts: ['h=10.0.0.1', 'a:::1']\n"
    "    depends_on: [plain]\n"
    "    networks: {default: {aliases: [x], priority: 5}}\n"
    "    stop_grace_period: 1m30.5s\n"
    "    x-mine: 1\n"
    "volumes: {v: }\n";

static const char *id_of(void *ctx, const char *service)
{
    (void)ctx;
    return strcmp(service, "a") == 0 ? A_ID : strcmp(service, "b") == 0 ? B_ID : NULL;
}

static void ck_hash(struct acc_stack *stack, const char *service, const char *want)
{
    char hash[ACC_HASH_LEN + 1];

    ck_assert_int_eq(acc_compose_service_hash(service_of(stack, service), id_of, NULL, hash), 0);
    ck_assert_str_eq(hash, want);
}

START_TEST(services_hash_as_in_compose)
{
    struct acc_stack *stack = NULL;

    ck_assert_int_eq(load(rich, &stack), 0);
    ck_hash(stack, "plain", "765d8be0543eddda42b068f42dcf8669d414de4fcb0a7b1e28a951b054f55ff8");
    ck_hash(stack, "rich", "166426c25fabb80e4d5f4bb1903ef99b2221addd54ad495278f9425408e4dd1b");
    acc_stack_destroy(stack);
}
END_TEST

START_TEST(what_compose_leaves_out_changes_no_hash)
{
    static const char *const same[] = {
        "services: {a: {image: x}, b: {image: x}}",
        "services: {a: {image: x, depends_on: [b], scale: 2, pull_policy: always}, b: {image: x}}",
        "services: {a: {image: x, build: ., x-acc: {priority: 5}}, b: {image: x}}",
        "services: {a: {image: x, tty: false, environment: {}, volumes: []}, b: {image: x}}",
        "services: {a: {image: x, networks: [default]}, b: {image: x}}",
    };
    char first[ACC_HASH_LEN + 1];

    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
        struct acc_stack *stack = NULL;
        char hash[ACC_HASH_LEN + 1];

        ck_assert_int_eq(load(same[i], &stack), 0);
        ck_assert_int_eq(acc_compose_service_hash(service_of(stack, "a"), id_of, NULL, hash), 0);
        if (i == 0) {
            strcpy(first, hash);
        }
        ck_assert_msg(strcmp(hash, first) == 0, "%s", same[i]);
        acc_stack_destroy(stack);
    }
}
END_TEST

START_TEST(env_files_count_by_their_content)
{
    static const struct text_file files[] = {{"/p/a.env", "A=1\n"}, {NULL, NULL}};
    struct acc_compose_request request = {0};
    struct acc_stack *by_file = NULL;
    struct acc_stack *by_hand = NULL;
    char hash[ACC_HASH_LEN + 1];

    ck_assert_int_eq(
        load_with(&request, "services: {a: {image: x, env_file: a.env}}", files, &by_file), 0);
    ck_assert_int_eq(load("services: {a: {image: x, environment: {A: '1'}}}", &by_hand), 0);
    ck_assert_int_eq(acc_compose_service_hash(service_of(by_file, "a"), NULL, NULL, hash), 0);
    ck_hash(by_hand, "a", hash);
    acc_stack_destroy(by_file);
    acc_stack_destroy(by_hand);
}
END_TEST

START_TEST(label_files_count_by_their_content_and_their_path)
{
    static const struct text_file files[] = {{"/p/l.env", "a=1\n"}, {NULL, NULL}};
    struct acc_compose_request request = {0};
    struct acc_stack *stack = NULL;

    ck_assert_int_eq(
        load_with(&request, "services: {a: {image: x, label_file: l.env}}", files, &stack), 0);
    ck_hash(stack, "a", "d2bcab5d1b875a41d0ed7325ef8e2936bd03ad2053ef8d6e52c969e98c876cec");
    acc_stack_destroy(stack);
}
END_TEST

START_TEST(references_hash_as_container_ids)
{
    struct acc_stack *stack = NULL;
    char hash[ACC_HASH_LEN + 1];

    ck_assert_int_eq(load("services:\n"
                          "  n: {image: x, network_mode: 'service:a', volumes_from: ['b:ro', "
                          "'container:other:rw']}\n"
                          "  m: {image: x, ipc: 'service:a', pid: 'service:b'}\n"
                          "  gone: {image: x, pid: 'service:c'}\n"
                          "  a: {image: x}\n  b: {image: x}\n  c: {image: x}\n",
                          &stack),
                     0);
    ck_hash(stack, "n", "58c1473f547bf3f5ccdabf83a773916a2edd4e789fc379139b04509b1591a766");
    ck_hash(stack, "m", "b4d1bce021b3668e6c4686cc909a237583c163836670f0ecf0836fc3f0f0da99");
    ck_assert_int_eq(acc_compose_service_hash(service_of(stack, "gone"), id_of, NULL, hash),
                     -ENOENT);
    acc_stack_destroy(stack);
}
END_TEST

static const struct acc_resource *resource_of(const struct acc_stack *stack, const char *key)
{
    for (size_t i = 0; i < stack->n_resources; i++) {
        if (stack->resources[i].kind != ACC_RES_IMAGE &&
            strcmp(stack->resources[i].key, key) == 0) {
            return &stack->resources[i];
        }
    }
    ck_abort_msg("no resource %s", key);
    return NULL;
}

START_TEST(networks_and_volumes_hash_as_in_compose)
{
    static const struct {
        const char *key, *want;
        bool is_volume;
    } want[] = {
        {"default", "e119281a0b6e6e20c1e7e34f39da78a290fa4b77bca9687aabcffea3982a2372", false},
        {"n", "3d083711ab565e84292c9368cf42cbb631729627bdf3000576659d0baeb3357a", false},
        {"va", "18269fa8238d8cd47718ea5053f5d09df4f1ca8fb1e4003846675e61b4cf4e98", true},
        {"vb", "399229968397b61e88726461c549cdb7ab0fb942814586f02346d5dc43eac47f", true},
    };
    struct acc_stack *stack = NULL;
    char hash[ACC_HASH_LEN + 1];

    ck_assert_int_eq(
        load("services: {a: {image: x, networks: [default, n], volumes: ['va:/a', 'vb:/b']}}\n"
             "networks: {n: {driver: bridge, driver_opts: {a: b}, internal: true, labels: [x], "
             "enable_ipv6: true, ipam: {config: [{subnet: 10.0.0.0/24}]}}}\n"
             "volumes: {va: {name: t_v}, vb: {name: vv, driver: nfs, driver_opts: {o: x}, labels: "
             "{a: 1}}}\n",
             &stack),
        0);
    for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
        const struct acc_resource *resource = resource_of(stack, want[i].key);

        ck_assert_int_eq(want[i].is_volume ? acc_compose_volume_hash(resource, hash)
                                           : acc_compose_network_hash(resource, hash),
                         0);
        ck_assert_msg(strcmp(hash, want[i].want) == 0, "%s: %s", want[i].key, hash);
    }
    acc_stack_destroy(stack);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("compose_hash");
    TCase *tcase = tcase_create("compose_hash");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, services_hash_as_in_compose);
    tcase_add_test(tcase, what_compose_leaves_out_changes_no_hash);
    tcase_add_test(tcase, env_files_count_by_their_content);
    tcase_add_test(tcase, label_files_count_by_their_content_and_their_path);
    tcase_add_test(tcase, references_hash_as_container_ids);
    tcase_add_test(tcase, networks_and_volumes_hash_as_in_compose);
    srunner_run_all(runner, CK_NORMAL);
    int n_failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return n_failed > 0;
}
