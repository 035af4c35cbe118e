/* Short forms, values and checks, through the whole loader. What is wanted was printed by Docker
 * Compose 2.40.3 for the same input. */
#include "tests/unit/load_text.h"

#include <stdio.h>

#include "lib/base/assert.h"

static const struct {
    const char *in;  /* keys of a service, in flow style */
    const char *key; /* of the service */
    const char *want;
} values[] = {
    /* ports */
    {"ports: [3000]", "ports", "[{\"mode\":\"ingress\",\"target\":3000,\"protocol\":\"tcp\"}]"},
    {"ports: ['9-10:9-10']", "ports", /* sorted as text */
     "[{\"mode\":\"ingress\",\"target\":10,\"published\":\"10\",\"protocol\":\"tcp\"},"
     "{\"mode\":\"ingress\",\"target\":9,\"published\":\"9\",\"protocol\":\"tcp\"}]"},
    {"ports: ['8090-8099:70/UDP']", "ports",
     "[{\"mode\":\"ingress\",\"target\":70,\"published\":\"8090-8099\",\"protocol\":\"udp\"}]"},
    {"ports: ['[::1]:6060:60']", "ports",
     "[{\"mode\":\"ingress\",\"host_ip\":\"::1\",\"target\":60,\"published\":\"6060\",\"protocol\":"
     "\"tcp\"}]"},
    {"ports: ['127.0.0.1::40']", "ports",
     "[{\"mode\":\"ingress\",\"host_ip\":\"127.0.0.1\",\"target\":40,\"protocol\":\"tcp\"}]"},
    {"ports: [{target: 98, published: 99}]", "ports",
     "[{\"mode\":\"ingress\",\"target\":98,\"published\":\"99\",\"protocol\":\"tcp\"}]"},
    /* volumes */
    {"volumes: [/anon]", "volumes", "[{\"type\":\"volume\",\"target\":\"/anon\",\"volume\":{}}]"},
    {"volumes: ['./rel/:/r1/:ro,Z,cached']", "volumes",
     "[{\"type\":\"bind\",\"source\":\"/p/rel\",\"target\":\"/r1\",\"read_only\":true,\"bind\":{"
     "\"selinux\":\"Z\",\"create_host_path\":true}}]"},
    {"volumes: ['~/x:/r']", "volumes",
     "[{\"type\":\"bind\",\"source\":\"/home/"
     "u/x\",\"target\":\"/r\",\"bind\":{\"create_host_path\":true}}]"},
    {"volumes: ['/abs/:/r:rslave']", "volumes",
     "[{\"type\":\"bind\",\"source\":\"/abs/"
     "\",\"target\":\"/r\",\"bind\":{\"propagation\":\"rslave\",\"create_host_path\":true}}]"},
    {"volumes: ['named:/r:nocopy']", "volumes",
     "[{\"type\":\"volume\",\"source\":\"named\",\"target\":\"/r\",\"volume\":{\"nocopy\":true}}]"},
    {"volumes: ['v:/x']", "volumes", /* one letter is a drive of Windows */
     "[{\"type\":\"volume\",\"target\":\"v:/x\",\"volume\":{}}]"},
    {"volumes: [{type: bind, source: ., target: /w, bind: {create_host_path: false}}]", "volumes",
     "[{\"type\":\"bind\",\"source\":\"/p\",\"target\":\"/w\",\"bind\":{}}]"},
    {"volumes: [{type: tmpfs, target: /t, tmpfs: {size: 1gb, mode: 01777}}]", "volumes",
     "[{\"type\":\"tmpfs\",\"target\":\"/"
     "t\",\"tmpfs\":{\"size\":\"1073741824\",\"mode\":1023}}]"},
    /* commands */
    {"command: 'sh -c \"a b\" x\\ y \"\"'", "command", "[\"sh\",\"-c\",\"a b\",\"x y\",\"\"]"},
    {"command: 'a && b'", "command", "[\"a\"]"},
    {"command: 'a 2> b'", "command", "[\"a\"]"},
    {"command: 'a $$(b c)'", "command", "[\"a\",\"$(b c)\"]"},
    {"command: 'a\\nb'", "command", "[\"anb\"]"},
    {"command: ''", "command", "[]"},
    {"command: []", "command", "[]"},
    {"command: ", "command", "null"},
    {"tty: false", "command", "null"},
    {"tty: false", "tty", NULL},
    {"tty: 'on'", "tty", "true"},
    {"init: false", "init", "false"}, /* a pointer: printed when given */
    /* mappings */
    {"environment: [A, B=, C=x=y, SET]", "environment",
     "{\"A\":null,\"B\":\"\",\"C\":\"x=y\",\"SET\":\"set\"}"},
    {"environment: {A: 012, B: 1.10, C: yes, D: true, E: , F: 1e3}", "environment",
     "{\"A\":\"10\",\"B\":\"1.1\",\"C\":\"yes\",\"D\":\"true\",\"E\":null,\"F\":\"1000\"}"},
    {"labels: [a=b, c]", "labels", "{\"a\":\"b\",\"c\":\"\"}"},
    {"labels: {a: , b: '<&>'}", "labels", "{\"a\":\"\",\"b\":\"\\u003c\\u0026\\u003e\"}"},
    {"environment: {a: x, x-b: 1}", "environment", "{\"#extensions\":\"map[x-b:1]\",\"a\":\"x\"}"},
    {"extra_hosts: ['h=1.1.1.1', 'h:2.2.2.2', 'a=[::1]']", "extra_hosts",
     "[\"a=::1\",\"h=1.1.1.1\",\"h=2.2.2.2\"]"},
    {"extra_hosts: {h: [1.1.1.1, 2.2.2.2]}", "extra_hosts", "[\"h=1.1.1.1\",\"h=2.2.2.2\"]"},
    {"dns: 1.1.1.1", "dns", "[\"1.1.1.1\"]"},
    {"dns: ''", "dns", NULL},
    /* quantities */
    {"mem_limit: 1.5g", "mem_limit", "\"1610612736\""},
    {"mem_limit: 512MB", "mem_limit", "\"536870912\""},
    {"mem_limit: '1e3'", "mem_limit", "\"1000\""},
    {"memswap_limit: -1", "memswap_limit", "\"-1\""},
    {"mem_limit: 0", "mem_limit", NULL},
    {"cpus: '1.5'", "cpus", "1.5"},
    {"cpus: 0.1", "cpus", "0.1"},
    {"cpus: 1e-7", "cpus", "1e-7"},
    {"cpus: 16777217", "cpus", "16777216"}, /* a float32 */
    {"cpu_shares: 1.5", "cpu_shares", "1"},
    {"stop_grace_period: 1m30.5s", "stop_grace_period", "\"1m30.5s\""},
    {"stop_grace_period: 1d", "stop_grace_period", "\"24h0m0s\""},
    {"stop_grace_period: '0'", "stop_grace_period", "\"0s\""},
    {"ulimits: {nofile: {soft: 1, hard: 2}, nproc: 5, z: 0}", "ulimits",
     "{\"nofile\":{\"soft\":1,\"hard\":2},\"nproc\":5,\"z\":{}}"},
    /* devices */
    {"devices: ['/dev/a', '/dev/b:/dev/c:r', 'v.com/gpu=all']", "devices",
     "[{\"source\":\"/dev/a\",\"target\":\"/dev/a\",\"permissions\":\"rwm\"},{\"source\":\"/dev/"
     "b\",\"target\":\"/dev/c\",\"permissions\":\"r\"},{\"source\":\"v.com/"
     "gpu=all\",\"target\":\"v.com/gpu=all\",\"permissions\":\"rwm\"}]"},
    {"gpus: all", "gpus", "[{\"count\":-1}]"},
    {"gpus: [{driver: nvidia}]", "gpus", "[{\"driver\":\"nvidia\",\"count\":-1}]"},
    /* healthcheck, deploy */
    {"healthcheck: {test: echo hi, retries: 0, interval: 90s}", "healthcheck",
     "{\"test\":[\"CMD-SHELL\",\"echo hi\"],\"interval\":\"1m30s\",\"retries\":0}"},
    {"deploy: {replicas: 0}", "deploy", "{\"replicas\":0,\"resources\":{},\"placement\":{}}"},
    {"deploy: ", "deploy", NULL},
    {"scale: 2, deploy: {mode: replicated}", "deploy",
     "{\"mode\":\"replicated\",\"replicas\":2,\"resources\":{},\"placement\":{}}"},
    /* dependencies and networks */
    {"depends_on: [b]", "depends_on",
     "{\"b\":{\"condition\":\"service_started\",\"required\":true}}"},
    {"links: ['b:x']", "depends_on",
     "{\"b\":{\"condition\":\"service_started\",\"restart\":true,\"required\":true}}"},
    {"volumes_from: ['b:ro', 'container:c']", "depends_on",
     "{\"b\":{\"condition\":\"service_started\",\"required\":true}}"},
    {"network_mode: 'service:b'", "networks", NULL},
    {"networks: {}", "networks", "{\"default\":null}"},
    {"pull_policy: if_not_present", "pull_policy", "\"missing\""},
    {"build: .", "build", "{\"context\":\"/p\",\"dockerfile\":\"Dockerfile\"}"},
    {"build: {args: [A=1, SET, UNSET]}", "build",
     "{\"context\":\"/"
     "p\",\"dockerfile\":\"Dockerfile\",\"args\":{\"A\":\"1\",\"SET\":\"set\"}}"},
    {"secrets: [s]", "secrets", "[{\"source\":\"s\",\"target\":\"/run/secrets/s\"}]"},
    {"secrets: [{source: s, mode: 0440}]", "secrets",
     "[{\"source\":\"s\",\"target\":\"/run/secrets/s\",\"mode\":\"0440\"}]"},
    {"configs: [{source: c, target: /x, mode: '444'}]", "configs",
     "[{\"source\":\"c\",\"target\":\"/x\",\"mode\":\"0444\"}]"},
    {"x-mine: 1", "x-mine", NULL},
};

START_TEST(values_become_what_compose_prints)
{
    struct acc_stack *stack = NULL;
    char text[2048];

    (void)snprintf(text, sizeof(text),
                   "services: {a: {image: x, %s}, b: {image: x}}\n"
                   "volumes: {named: }\nsecrets: {s: {file: ./s}}\nconfigs: {c: {content: z}}\n",
                   values[_i].in);
    int r = load(text, &stack);

    ck_assert_msg(r == 0, "%s: refused: %s", values[_i].in, told());
    const struct acc_node *node = acc_node_get(service_of(stack, "a")->node, values[_i].key);

    if (!values[_i].want) {
        ck_assert_msg(node == NULL, "%s: %s is there", values[_i].in, values[_i].key);
    } else {
        struct acc_buf out;

        ck_assert_msg(node != NULL, "%s: %s is missing", values[_i].in, values[_i].key);
        acc_buf_init(&out, 1u << 16);
        acc_json_node(&out, node, -1);
        ck_assert_str_eq(out.data, values[_i].want);
        acc_buf_fini(&out);
    }
    acc_stack_destroy(stack);
}
END_TEST

static const struct {
    const char *in, *want;
} refused[] = {
    {"imagee: y", "1:27: services.a: unknown key 'imagee'; did you mean 'image'?"},
    {"deploy: {replica: 1}",
     "1:36: services.a.deploy: unknown key 'replica'; did you mean 'replicas'?"},
    {"healthcheck: {tset: x}",
     "1:41: services.a.healthcheck: unknown key 'tset'; did you mean 'test'?"},
    {"ports: ", "1:34: services.a.ports: must be a list, not empty"},
    {"environment: 5",
     "1:40: services.a.environment: must be a list or a mapping, not a whole number"},
    {"user: 1000", "1:33: services.a.user: must be a string, not a whole number; put it in quotes "
                   "if it is meant as text"},
    {"hostname: 2024-01-01", "1:37: services.a.hostname: 2024-01-01 is a date to YAML; put it in "
                             "quotes if it is meant as text"},
    {"depends_on: {b: {}}", "1:43: services.a.depends_on.b: missing property 'condition'"},
    {"depends_on: {b: {condition: healthy}}",
     "1:55: services.a.depends_on.b.condition: must be one of 'service_started', "
     "'service_healthy', 'service_completed_successfully', not 'healthy'"},
    {"security_opt: [a, b, a]", "1:48: services.a.security_opt: items at 0 and 2 are equal"},
    {"ports: ['99999:80']", "1:35: services.a.ports[0]: '99999:80': invalid host port '99999'"},
    {"ports: ['80-81:8000-8002']",
     "1:35: services.a.ports[0]: '80-81:8000-8002': the ranges of host and container ports differ "
     "in length: '80-81'"},
    {"ports: ['localhost:1:1']",
     "1:35: services.a.ports[0]: 'localhost:1:1': invalid ip address 'localhost'"},
    {"ports: ['::1:1:1']", "1:35: services.a.ports[0]: '::1:1:1': invalid ip address '::1'"},
    {"ports: [{published: 80}]", "1:35: services.a.ports[0]: missing property 'target'"},
    {"volumes: ['/a:/b:ro:z']",
     "1:37: services.a.volumes[0]: invalid volume '/a:/b:ro:z': too many colons"},
    {"volumes: ['${UNSET}:/b']", "1:37: services.a.volumes[0]: invalid volume ':/b': empty section "
                                 "between colons; is a variable unset that stands there?"},
    {"volumes: [nmaed:/b]",
     "1:37: service 'a' refers to undefined volume 'nmaed'; did you mean 'named'?"},
    {"devices: ['a:b:c:d']", "1:37: services.a.devices[0]: confusing device mapping 'a:b:c:d'; "
                             "write it as source, target and permissions"},
    {"command: 'a \"b'", "1:36: services.a.command: invalid command line; a quote, bracket or "
                         "backslash is not closed"},
    {"mem_limit: 5quux",
     "1:38: services.a.mem_limit: '5quux' is no size; write it like 512m or 1.5g"},
    {"stop_grace_period: '10'",
     "1:46: services.a.stop_grace_period: '10' is no duration; write it like 10s or 1m30s"},
    {"environment: ['A =1']", "1:41: services.a.environment: the name of the environment variable "
                              "'A ' ends in a space"},
    {"extra_hosts: [h]", "1:41: services.a.extra_hosts: 'h' lacks an address; write host=address"},
    {"networks: [zz]", "1:38: service 'a' refers to undefined network 'zz'"},
    {"network_mode: host, networks: [default]",
     "1:27: service 'a': network_mode and networks exclude each other; keep one"},
    {"depends_on: [bb]", "1:40: service 'a' depends on undefined service 'bb'"},
    {"depends_on: [off]", "1:40: service 'a' depends on undefined service 'off'; it is there, but "
                          "none of its profiles is enabled"},
    {"healthcheck: {test: [curl, x]}",
     "1:48: service 'a': healthcheck.test must start with CMD, CMD-SHELL or NONE, not 'curl'"},
    {"scale: 2, container_name: abc", "1:34: services.a: with a container_name there can be only "
                                      "one container; drop it or scale"},
    {"scale: 2, deploy: {replicas: 3}",
     "1:34: services.a: 'scale' and 'deploy.replicas' differ; keep one"},
    {"mem_limit: 1g, deploy: {resources: {limits: {cpus: '1'}}}",
     "1:38: services.a: 'mem_limit' and 'deploy.resources.limits.memory' must be the same, or one "
     "of them left out"},
    {"tmpfs: /t, volumes: [/t]",
     "1:48: services.a.volumes[0]: target /t already mounted as services.a.tmpfs[0]"},
    {"gpus: [{count: 1, device_ids: ['0']}]",
     "1:34: services.a.gpus[0]: count and device_ids exclude each other; keep one"},
    {"container_name: a", "1:43: services.a: container_name 'a' must have a letter or digit and "
                          "then at least one of letters, digits, '_', '.', '-'"},
    {"oom_score_adj: 1001", "1:42: services.a.oom_score_adj: must be between -1000 and 1000"},
    /* accepted by Compose, refused by accd, told plainly */
    {"post_start: [{user: a}]", "1:40: services.a.post_start[0]: missing property 'command'"},
    {"provider: {type: x}", "1:27: services.a.provider: needs a provider outside of Docker"},
    {"pull_policy: every_3", "1:40: services.a: pull_policy 'every_3' is none of always, never, "
                             "missing, if_not_present, build, daily, weekly, every_<duration>"},
    {"pull_policy: every_3d5q",
     "1:40: services.a: pull_policy 'every_3d5q': what follows every_ is "
     "no duration; write it like every_12h or every_3d"},
    {"restart: sometimes", "1:36: services.a: restart 'sometimes' is none of no, always, "
                           "unless-stopped, on-failure, on-failure:N"},
};

START_TEST(refuses_with_place_and_advice)
{
    struct acc_stack *stack = NULL;
    char text[2048];
    char want[1024];

    (void)snprintf(text, sizeof(text),
                   "services: {a: {image: xy, %s}, b: {image: x}, off: {image: x, profiles: [p]}}\n"
                   "volumes: {named: }\n",
                   refused[_i].in);
    ck_assert_int_eq(load(text, &stack), -EINVAL);
    (void)snprintf(want, sizeof(want), "/p/compose.yaml:%s\n", refused[_i].want);
    ck_assert_msg(strstr(told(), want), "%s:\nwant: %stold: %s", refused[_i].in, want, told());
}
END_TEST

START_TEST(all_problems_are_told_at_once)
{
    struct acc_stack *stack = NULL;

    ck_assert_int_eq(load("services:\n  a: {imagee: x, ports: 5}\n  b: {image: 1}\n", &stack),
                     -EINVAL);
    ck_assert_uint_eq(diags.n_errors, 3);
}
END_TEST

START_TEST(printing_only_takes_what_accd_does_not_carry_out)
{
    struct acc_compose_request request = {.is_inspection = true};
    struct acc_stack *stack = NULL;

    ck_assert_int_eq(load_with(&request,
                               "services: {a: {image: x, credential_spec: {file: a}, x-acc: {a: "
                               "1}}}",
                               NULL, &stack),
                     0);
    ck_assert_uint_eq(diags.n, 2); /* warnings */
    acc_stack_destroy(stack);
}
END_TEST

static void append(void *ctx, const char *text, size_t text_len)
{
    ck_assert_int_eq(acc_buf_append(ctx, text, text_len), 0);
}

START_TEST(prints_yaml_as_compose_does)
{
    static const char want[] = "name: t\n"
                               "services:\n"
                               "  a:\n"
                               "    command:\n"
                               "      - sh\n"
                               "      - -c\n"
                               "      - |\n"
                               "        echo a\n"
                               "        echo $$b\n"
                               "    environment:\n"
                               "      A: \"1\"\n"
                               "      B: null\n"
                               "      C: \"yes\"\n"
                               "      D: 'x: y'\n"
                               "      E: \"\"\n"
                               "    image: x:1\n"
                               "    networks:\n"
                               "      default: null\n"
                               "networks:\n"
                               "  default:\n"
                               "    name: t_default\n";
    struct acc_stack *stack = NULL;
    struct acc_buf out;

    ck_assert_int_eq(load("services:\n"
                          "  a:\n"
                          "    image: x:1\n"
                          "    command: [sh, -c, \"echo a\\necho $$b\\n\"]\n"
                          "    environment: {A: 1, B: , C: 'yes', D: 'x: y', E: ''}\n",
                          &stack),
                     0);
    acc_buf_init(&out, 1u << 16);
    ck_assert_int_eq(acc_compose_config_yaml(stack, append, &out), 0);
    ck_assert_str_eq(out.data, want);
    acc_buf_fini(&out);
    acc_stack_destroy(stack);
}
END_TEST

/* What was written, and the longest piece of it. */
struct pieces {
    size_t total, longest;
};

static void measure(void *ctx, const char *text, size_t text_len)
{
    struct pieces *pieces = ctx;

    (void)text;
    pieces->total += text_len;
    pieces->longest = text_len > pieces->longest ? text_len : pieces->longest;
}

START_TEST(a_project_is_printed_in_pieces)
{
    struct acc_stack *stack = NULL;
    struct pieces json = {0};
    struct pieces yaml = {0};

    ck_assert_int_eq(load("services:\n"
                          "  a: &a {image: x, labels: {some: label, an: other}}\n"
                          "  b: *a\n"
                          "  c: *a\n"
                          "  d: *a\n",
                          &stack),
                     0);
    ck_assert_int_eq(acc_compose_config_json(stack, measure, &json), 0);
    ck_assert_int_eq(acc_compose_config_yaml(stack, measure, &yaml), 0);
    ck_assert_uint_lt(json.longest, json.total / 3);
    ck_assert_uint_lt(yaml.longest, yaml.total / 3);
    acc_stack_destroy(stack);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("canonical");
    TCase *tcase = tcase_create("canonical");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, tcase);
    tcase_add_loop_test(tcase, values_become_what_compose_prints, 0, ACC_ARRAY_LEN(values));
    tcase_add_loop_test(tcase, refuses_with_place_and_advice, 0, ACC_ARRAY_LEN(refused));
    tcase_add_test(tcase, all_problems_are_told_at_once);
    tcase_add_test(tcase, printing_only_takes_what_accd_does_not_carry_out);
    tcase_add_test(tcase, prints_yaml_as_compose_does);
    tcase_add_test(tcase, a_project_is_printed_in_pieces);
    srunner_run_all(runner, CK_NORMAL);
    int n_failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return n_failed > 0;
}
