/* FINISH: the typed specs that the engine works with. */
#include "tests/unit/load_text.h"

#include <stdio.h>

#include "lib/base/assert.h"
#include "lib/model/settings.h"

static struct acc_stack *stack;

static void setup(void)
{
    stack = NULL;
}

static void teardown(void)
{
    stack = acc_stack_destroy(stack);
}

static const struct acc_service_spec *a_with(const char *keys)
{
    char text[2048];

    (void)snprintf(text, sizeof(text),
                   "services: {a: {image: 'x:1', %s}, b: {image: y}, c: {image: y}}\n"
                   "volumes: {named: }\n",
                   keys);
    stack = acc_stack_destroy(stack);
    int r = load(text, &stack);

    ck_assert_msg(r == 0, "%s: %s", keys, told());
    return service_of(stack, "a");
}

static const struct {
    const char *label, *old, *now, *want;
} settings[] = {
    {"the same", "x-acc: {stateful: true}", "x-acc: {stateful: true}", ""},
    {"of accd", "x-acc: {stateful: true, priority: 3}",
     "x-acc: {priority: 4, on_unhealthy: report}",
     "x-acc on_unhealthy added; x-acc priority changed; x-acc stateful removed"},
    {"an edge", "depends_on: [b]", "depends_on: {b: {condition: service_healthy, restart: true}}",
     "depends_on changed"},
    {"how its image is had", "pull_policy: never", "build: .", "build added; pull_policy removed"},
    {"with its container", "environment: {A: '1'}", "environment: {A: '2'}, depends_on: [b]", ""},
};

START_TEST(settings_are_told_that_no_container_shows)
{
    char text[ACC_SETTINGS_TEXT_MAX + 1];
    struct acc_stack *before;
    const struct acc_service_spec *old = a_with(settings[_i].old);

    before = stack;
    stack = NULL;
    acc_settings_changed(old, a_with(settings[_i].now), text, sizeof(text));
    ck_assert_msg(strcmp(text, settings[_i].want) == 0, "%s: %s", settings[_i].label, text);
    before = acc_stack_destroy(before);
}
END_TEST

static const struct {
    const char *in;
    const char *stack, *service;
    enum acc_edge_kind kind;
    enum acc_edge_condition condition;
    enum acc_on_down on_down;
    bool required, at_create;
} edges[] = {
    {"depends_on: [b]", NULL, "b", ACC_EDGE_NEEDS, ACC_COND_RUNNING, ACC_ON_DOWN_RIDE, true, false},
    {"depends_on: {b: {condition: service_healthy, restart: true}}", NULL, "b", ACC_EDGE_NEEDS,
     ACC_COND_READY, ACC_ON_DOWN_RESTART, true, false},
    {"depends_on: {b: {condition: service_completed_successfully}}", NULL, "b", ACC_EDGE_MILESTONE,
     ACC_COND_COMPLETED, ACC_ON_DOWN_RIDE, true, false},
    {"depends_on: {b: {condition: service_healthy, required: false}}", NULL, "b", ACC_EDGE_WANTS,
     ACC_COND_READY, ACC_ON_DOWN_RIDE, false, false},
    {"network_mode: 'service:b'", NULL, "b", ACC_EDGE_BINDS, ACC_COND_RUNNING, ACC_ON_DOWN_RESTART,
     true, false},
    {"pid: 'service:b', depends_on: {b: {condition: service_healthy}}", NULL, "b", ACC_EDGE_BINDS,
     ACC_COND_READY, ACC_ON_DOWN_RIDE, true, false},
    {"volumes_from: ['b:ro']", NULL, "b", ACC_EDGE_BINDS, ACC_COND_RUNNING, ACC_ON_DOWN_RIDE, true,
     false},
    {"volumes_from: [b], depends_on: {b: {condition: service_completed_successfully}}", NULL, "b",
     ACC_EDGE_MILESTONE, ACC_COND_COMPLETED, ACC_ON_DOWN_RIDE, true, false},
    {"x-acc: {edges: {b: }}", NULL, "b", ACC_EDGE_NEEDS, ACC_COND_READY, ACC_ON_DOWN_RIDE, true,
     false},
    {"x-acc: {edges: {b: after}}", NULL, "b", ACC_EDGE_AFTER, ACC_COND_READY, ACC_ON_DOWN_RIDE,
     true, false},
    {"x-acc: {edges: {vault/db: {kind: needs, at: create}}}", "vault", "db", ACC_EDGE_NEEDS,
     ACC_COND_READY, ACC_ON_DOWN_RIDE, true, true},
    /* refines the one of depends_on instead of adding a second */
    {"depends_on: [b], x-acc: {edges: {b: {kind: wants, on_down: stop}}}", NULL, "b",
     ACC_EDGE_WANTS, ACC_COND_RUNNING, ACC_ON_DOWN_STOP, true, false},
    {"depends_on: [b], x-acc: {edges: {t/b: {kind: wants}}}", NULL, "b", ACC_EDGE_WANTS,
     ACC_COND_RUNNING, ACC_ON_DOWN_RIDE, true, false},
};

START_TEST(dependencies_become_edges)
{
    const struct acc_service_spec *a = a_with(edges[_i].in);

    ck_assert_uint_eq(a->n_edges, 1);
    const struct acc_edge *edge = &a->edges[0];

    ck_assert_pstr_eq(edge->stack, edges[_i].stack);
    ck_assert_str_eq(edge->service, edges[_i].service);
    ck_assert_int_eq(edge->kind, edges[_i].kind);
    ck_assert_int_eq(edge->condition, edges[_i].condition);
    ck_assert_int_eq(edge->on_down, edges[_i].on_down);
    ck_assert_int_eq(edge->required, edges[_i].required);
    ck_assert_int_eq(edge->at_create, edges[_i].at_create);
    ck_assert_uint_eq(edge->pos.line, 1);
    ck_assert_uint_gt(edge->pos.col, 15);
}
END_TEST

static const struct {
    const char *in;
    enum acc_restart_policy policy;
    uint32_t max;
} restarts[] = {
    {"tty: true", ACC_RESTART_UNSET, 0},
    {"restart: 'no'", ACC_RESTART_NO, 0},
    {"restart: always", ACC_RESTART_ALWAYS, 0},
    {"restart: unless-stopped", ACC_RESTART_UNLESS_STOPPED, 0},
    {"restart: on-failure", ACC_RESTART_ON_FAILURE, 0},
    {"restart: 'on-failure:5'", ACC_RESTART_ON_FAILURE, 5},
    {"restart: always, deploy: {restart_policy: {condition: on-failure, max_attempts: 3}}",
     ACC_RESTART_ON_FAILURE, 3},
    {"restart: always, deploy: {restart_policy: {condition: none}}", ACC_RESTART_NO, 0},
    {"deploy: {restart_policy: {max_attempts: 3}}", ACC_RESTART_ALWAYS, 0},
};

START_TEST(restart_policies)
{
    const struct acc_service_spec *a = a_with(restarts[_i].in);

    ck_assert_int_eq(a->restart, restarts[_i].policy);
    ck_assert_uint_eq(a->restart_max, restarts[_i].max);
}
END_TEST

START_TEST(a_plain_service_has_all_defaults)
{
    const struct acc_service_spec *a = a_with("tty: true");
    struct acc_timing timing;

    acc_timing_default(&timing);
    ck_assert_str_eq(a->id, "t/a");
    ck_assert_str_eq(a->stack, "t");
    ck_assert_str_eq(a->image, "x:1");
    ck_assert_ptr_null(a->container_name);
    ck_assert_ptr_null(a->platform);
    ck_assert_uint_eq(a->replicas, 1);
    ck_assert_uint_eq(a->stop_grace_ms, 10000);
    ck_assert(!a->stop_grace_set);
    ck_assert(!a->health.set && !a->health.disabled);
    ck_assert_int_eq(a->pull_policy, ACC_PULL_MISSING);
    ck_assert_uint_eq(a->priority, 50);
    ck_assert_str_eq(a->phase, "");
    ck_assert_str_eq(a->tier, "");
    ck_assert(a->restart_on_unhealthy);
    ck_assert_int_eq(a->probe, ACC_PROBE_AUTO);
    ck_assert_ptr_null(a->x_acc);
    ck_assert_mem_eq(&a->timing, &timing, sizeof(timing));
    ck_assert_uint_eq(strlen(a->spec_hash), ACC_HASH_LEN);
    ck_assert_uint_eq(a->pos.col, 12);
    ck_assert_str_eq(stack->dir, "/p");
    ck_assert_str_eq(stack->files[0], "/p/compose.yaml");
}
END_TEST

static const struct {
    const char *policy;
    int64_t hours;
} refreshes[] = {{"daily", 24}, {"weekly", 168}, {"every_12h", 12}, {"every_3d", 72}};
START_TEST(an_image_may_be_so_old)
{
    char keys[64];

    (void)snprintf(keys, sizeof(keys), "pull_policy: %s", refreshes[_i].policy);
    const struct acc_service_spec *a = a_with(keys);

    ck_assert_int_eq(a->pull_policy, ACC_PULL_REFRESH);
    ck_assert_int_eq(a->pull_every_ns, refreshes[_i].hours * 3600 * INT64_C(1000000000));
}
END_TEST

START_TEST(hooks_are_known_of)
{
    ck_assert(!a_with("post_start: []")->has_post_start);
    ck_assert(a_with("post_start: [{command: a}]")->has_post_start);
    ck_assert(a_with("pre_stop: [{command: [a, b], user: u}]")->has_pre_stop);
}
END_TEST

START_TEST(numbers_of_the_file)
{
    const struct acc_service_spec *a = a_with(
        "scale: 3, stop_grace_period: 1500ms, pull_policy: always, platform: linux/arm64, "
        "healthcheck: {test: 'true', interval: 5s, timeout: 1s, retries: 4, start_period: "
        "20s, start_interval: 250ms}, "
        "ports: ['8080:80', '53:53/udp', '90-91:90-91'], expose: ['70-71', '5/udp', 80], "
        "volumes: ['named:/v']");

    ck_assert_uint_eq(a->replicas, 3);
    ck_assert_uint_eq(a->stop_grace_ms, 1500);
    ck_assert(a->stop_grace_set);
    ck_assert_int_eq(a->pull_policy, ACC_PULL_ALWAYS);
    ck_assert_str_eq(a->platform, "linux/arm64");
    ck_assert(a->health.set);
    ck_assert_int_eq(a->health.interval_ms, 5000);
    ck_assert_int_eq(a->health.timeout_ms, 1000);
    ck_assert_int_eq(a->health.start_period_ms, 20000);
    ck_assert_int_eq(a->health.start_interval_ms, 250);
    ck_assert_uint_eq(a->health.retries, 4);
    const uint16_t ports[] = {80, 90, 91, 70, 71};

    ck_assert_uint_eq(a->n_ports, 5);
    ck_assert_mem_eq(a->ports, ports, sizeof(ports));
    ck_assert(a->rw_mount);
}
END_TEST

START_TEST(a_disabled_health_check_is_none)
{
    ck_assert(a_with("healthcheck: {test: [NONE]}")->health.disabled);
    stack = acc_stack_destroy(stack);
    const struct acc_service_spec *a = a_with("healthcheck: {test: 'true', disable: true}");

    ck_assert(a->health.disabled && !a->health.set);
    stack = acc_stack_destroy(stack);
    ck_assert(!a_with("healthcheck: {interval: 5s}")->health.set); /* the image's test */
}
END_TEST

START_TEST(only_writable_data_counts_as_such)
{
    ck_assert(!a_with("volumes: ['./x:/x:ro', /anon, {type: tmpfs, target: /t}]")->rw_mount);
    stack = acc_stack_destroy(stack);
    ck_assert(a_with("volumes: ['./x:/x']")->rw_mount);
}
END_TEST

START_TEST(a_service_without_image_is_named_after_the_project)
{
    ck_assert_int_eq(load("services: {a: {build: .}}", &stack), 0);
    ck_assert_str_eq(stack->services[0].image, "t-a");
    ck_assert(stack->services[0].has_build);
}
END_TEST

START_TEST(resources_are_shared_and_in_order)
{
    ck_assert_int_eq(
        load("services:\n"
             "  a: {image: y, pull_policy: never, networks: [n, e], volumes: ['v1:/a', "
             "'v1:/b', './x:/x']}\n"
             "  b: {image: y, pull_policy: always}\n"
             "  c: {image: z, network_mode: none}\n"
             "networks: {n: , e: {external: true, name: real}}\n"
             "volumes: {v1: }\n",
             &stack),
        0);
    const struct acc_service_spec *a = service_of(stack, "a");
    const struct acc_service_spec *b = service_of(stack, "b");
    const struct acc_service_spec *c = service_of(stack, "c");

    ck_assert_uint_eq(a->n_resources, 4); /* image, two networks, one volume */
    ck_assert_uint_eq(b->n_resources, 2);
    ck_assert_uint_eq(c->n_resources, 1);
    ck_assert_uint_eq(a->resources[0], b->resources[0]);
    const struct acc_resource *image = &stack->resources[a->resources[0]];

    ck_assert_int_eq(image->kind, ACC_RES_IMAGE);
    ck_assert_str_eq(image->name, "y");
    ck_assert_int_eq(image->pull_policy, ACC_PULL_ALWAYS); /* the strictest of its users */
    const struct acc_resource *e = &stack->resources[a->resources[1]];

    ck_assert_str_eq(e->key, "e");
    ck_assert_str_eq(e->name, "real");
    ck_assert(e->external);
    ck_assert_str_eq(stack->resources[a->resources[2]].name, "t_n");
    ck_assert_int_eq(stack->resources[a->resources[3]].kind, ACC_RES_VOLUME);
    ck_assert_str_eq(stack->resources[a->resources[3]].name, "t_v1");
}
END_TEST

/* What an upgrade may assume (E9). */
static const struct {
    const char *in, *want; /* NULL: two can run at once */
} exclusive[] = {
    {"ports: [80]", NULL},
    {"ports: ['8000-8010:80']", NULL},
    {"expose: [80]", NULL},
    {"container_name: cc", NULL}, /* the new one has a name of its own */
    {"ports: ['8080:80']", "it publishes port 8080 of the host"},
    {"network_mode: host", "it uses the host's network"},
    {"devices: ['/dev/kfd']", "it uses a device of the host"},
    {"x-acc: {vram: 1GiB}", "two of it would need twice its VRAM"},
    {"networks: {default: {ipv4_address: 10.0.0.2}}", "it has a fixed address"},
    {"volumes: ['named:/data']", "it writes to the mount at /data"},
    {"volumes: ['named:/data:ro']", NULL},
    {"volumes: ['/scratch']", NULL},
};

START_TEST(two_can_run_at_once_unless)
{
    const struct acc_service_spec *a = a_with(exclusive[_i].in);

    if (exclusive[_i].want) {
        ck_assert_msg(a->exclusive != NULL, "%s", exclusive[_i].in);
        ck_assert_str_eq(a->exclusive, exclusive[_i].want);
    } else {
        ck_assert_msg(!a->exclusive, "%s: %s", exclusive[_i].in, a->exclusive);
    }
}
END_TEST

START_TEST(what_it_takes_is_known_by_the_names_of_the_host)
{
    const struct acc_service_spec *a = a_with(
        "ports: ['8080:80', '53:53/udp', '9000', '8000-8010:80'], networks: {default: "
        "{ipv4_address: 10.0.0.2}}, volumes: ['named:/data', '/srv/x:/x', 'named:/ro:ro', "
        "'/scratch']");
    static const char *const want[] = {"port 8080/tcp of the host", "port 53/udp of the host",
                                       "volume t_named", "/srv/x of the host",
                                       "the address 10.0.0.2"};

    ck_assert_uint_eq(a->n_takes, ACC_ARRAY_LEN(want));
    for (size_t i = 0; i < a->n_takes; i++) {
        ck_assert_str_eq(a->takes[i], want[i]);
    }
}
END_TEST

START_TEST(xacc_is_read)
{
    const struct acc_service_spec *a = a_with(
        "x-acc: {phase: ai, tier: llm, priority: 60, vram: {gpu0: 16GiB}, probe: "
        "'http://:8080/up?x', "
        "health: {waiting: [2, 3]}, on_unhealthy: report, stateful: true, restart: {backoff: "
        "500ms..30s, budget: 7/20m}, timing: {open: 1m}, run_min: 3s, host: ['mount:/x'], "
        "preemptible: true, upgrade: {order: stop-first, monitor: 2m, drain: 5s, health_timeout: "
        "1m, on_failure: pause}, route: {host: h, port: 1}, secrets: [s]}");

    ck_assert_str_eq(a->phase, "ai");
    ck_assert_str_eq(a->tier, "llm");
    ck_assert_uint_eq(a->priority, 60);
    ck_assert_int_eq(a->probe, ACC_PROBE_HTTP);
    ck_assert_uint_eq(a->probe_port, 8080);
    ck_assert_str_eq(a->probe_path, "/up?x");
    ck_assert_uint_eq(a->n_waiting_codes, 2);
    ck_assert_uint_eq(a->waiting_codes[1], 3);
    ck_assert(!a->restart_on_unhealthy);
    ck_assert(a->stateful);
    ck_assert_uint_eq(a->timing.backoff_base, 500);
    ck_assert_uint_eq(a->timing.backoff_cap, 30000);
    ck_assert_uint_eq(a->timing.budget, 7);
    ck_assert_uint_eq(a->timing.budget_window, 1200000);
    ck_assert_uint_eq(a->timing.open, 60000);
    ck_assert_uint_eq(a->timing.run_min, 3000);
    ck_assert_int_eq(a->upgrade_order, ACC_ORDER_STOP_FIRST);
    ck_assert(a->upgrade_pauses);
    ck_assert_uint_eq(a->timing.upgrade_monitor, 120000);
    ck_assert_uint_eq(a->timing.upgrade_drain, 5000);
    ck_assert_uint_eq(a->timing.upgrade_timeout, 60000);
    ck_assert_str_eq(acc_node_get_text(acc_node_get(a->x_acc, "vram"), "gpu0"), "16GiB");
    ck_assert_ptr_null(acc_node_get(a->node, "x-acc")); /* no part of the container */
}
END_TEST

START_TEST(bind_sources_are_conditions_of_the_host)
{
    const struct acc_service_spec *a = a_with(
        "volumes: ['/srv/data/:/a', '/srv/data:/b:ro', '/mnt/nas/x:/c', '/mnt/nasty:/d', '/:/e', "
        "named:/f, {type: tmpfs, target: /g}], x-acc: {host: ['mount:/mnt/nas']}");

    ck_assert_uint_eq(a->n_host, 3); /* once; not what is below a mount that is asked for */
    ck_assert_str_eq(a->host[0].is.text, "mount:/mnt/nas");
    ck_assert_int_eq(a->host[1].is.kind, ACC_HOST_PLACE);
    ck_assert_str_eq(a->host[1].is.text, "/srv/data");
    ck_assert_str_eq(a->host[2].is.arg, "/mnt/nasty");
    a = a_with("volumes: ['./x:/x']"); /* without x-acc, too */
    ck_assert_uint_eq(a->n_host, 1);
    ck_assert_int_eq(a->host[0].is.text[0], '/');
}
END_TEST

START_TEST(the_host_and_tokens_are_read)
{
    const struct acc_service_spec *a = a_with(
        "x-acc: {host: ['mount:/mnt/nas/', 'device:/dev/kfd', 'path:/', 'address:fe80::1', "
        "network, "
        "time, 'mount:/mnt/nas'], serialize: [gpu-load, disk]}");

    ck_assert_uint_eq(a->n_host, 6); /* one thing has one name */
    ck_assert_int_eq(a->host[0].is.kind, ACC_HOST_MOUNT);
    ck_assert_str_eq(a->host[0].is.text, "mount:/mnt/nas");
    ck_assert_str_eq(a->host[0].is.arg, "/mnt/nas");
    ck_assert_int_eq(a->host[1].is.kind, ACC_HOST_DEVICE);
    ck_assert_str_eq(a->host[2].is.arg, "/");
    ck_assert_str_eq(a->host[3].is.arg, "fe80::1");
    ck_assert_int_eq(a->host[4].is.kind, ACC_HOST_NETWORK);
    ck_assert_str_eq(a->host[5].is.arg, "");
    ck_assert_uint_eq(a->n_serialize, 2);
    ck_assert_str_eq(a->serialize[1].name, "disk");
    a = a_with("x-acc: {serialize: gpu-load}");
    ck_assert_uint_eq(a->n_serialize, 1);
    ck_assert_str_eq(a->serialize[0].name, "gpu-load");
    ck_assert_uint_eq(a->n_host, 0);
}
END_TEST

START_TEST(a_drain_may_be_a_command)
{
    const struct acc_service_spec *a = a_with(
        "x-acc: {upgrade: {drain: {for: 30s, host: [tell, web], undo: 'tell back'}}}");

    ck_assert_uint_eq(a->timing.upgrade_drain, 30000);
    ck_assert(a->drain.on_host);
    ck_assert_str_eq(a->drain.run[0], "tell");
    ck_assert_str_eq(a->drain.run[1], "web");
    ck_assert_ptr_null(a->drain.run[2]);
    ck_assert_str_eq(a->drain.undo[2], "tell back");
    ck_assert_ptr_null(a->drain.undo[3]);
    a = a_with("x-acc: {upgrade: {drain: {run: 'touch /x'}}}");
    ck_assert_uint_eq(a->timing.upgrade_drain, 10000);
    ck_assert(!a->drain.on_host);
    ck_assert_str_eq(a->drain.run[2], "touch /x");
    ck_assert_ptr_null(a->drain.undo);
    a = a_with("x-acc: {upgrade: {drain: 0}}");
    ck_assert_uint_eq(a->timing.upgrade_drain, 0);
    ck_assert_ptr_null(a->drain.run);
}
END_TEST

START_TEST(commands_around_an_upgrade)
{
    const struct acc_service_spec *a = a_with(
        "x-acc: {upgrade: {pre: ['dump >f', {host: [snap, data], timeout: 90s}], "
        "post: [{run: 'check $$X'}]}}");

    ck_assert_uint_eq(a->n_pre_upgrade, 2);
    ck_assert_str_eq(a->pre_upgrade[0].argv[0], "/bin/sh");
    ck_assert_str_eq(a->pre_upgrade[0].argv[2], "dump >f");
    ck_assert_ptr_null(a->pre_upgrade[0].argv[3]);
    ck_assert(!a->pre_upgrade[0].in_container);
    ck_assert_uint_eq(a->pre_upgrade[0].limit_ms, ACC_UPGRADE_HOOK_LIMIT_MS);
    ck_assert_str_eq(a->pre_upgrade[1].argv[1], "data");
    ck_assert_ptr_null(a->pre_upgrade[1].argv[2]);
    ck_assert_uint_eq(a->pre_upgrade[1].limit_ms, 90000);
    ck_assert_uint_eq(a->n_post_upgrade, 1);
    ck_assert(a->post_upgrade[0].in_container);
    ck_assert_str_eq(a->post_upgrade[0].argv[2], "check $X");
}
END_TEST

START_TEST(upgrades_by_itself)
{
    const struct acc_auto_spec *spec =
        a_with("x-acc: {upgrade: {auto: {window: 'Sun 03:00-05:00', min_age: 3d}}}")->upgrade_auto;

    ck_assert_uint_eq(spec->n_windows, 1);
    ck_assert_uint_eq(spec->window[0].days, 1);
    ck_assert_uint_eq(spec->min_age_ms, 3 * 86400000u);
    spec = a_with("x-acc: {upgrade: {auto: {window: ['01:00-02:00', 'Sat 03:00-05:00']}}}")
               ->upgrade_auto;
    ck_assert_uint_eq(spec->n_windows, 2);
    ck_assert_uint_eq(spec->window[1].days, 64);
    ck_assert_uint_eq(spec->min_age_ms, ACC_AUTO_MIN_AGE_MS);
    spec = a_with("x-acc: {upgrade: {auto: {window: '01:00-02:00', min_age: 90m}}}")->upgrade_auto;
    ck_assert_uint_eq(spec->min_age_ms, 5400000);
    ck_assert_ptr_null(a_with("x-acc: {upgrade: {auto: false}}")->upgrade_auto);
    ck_assert_ptr_null(a_with("x-acc: {upgrade: {monitor: 1m}}")->upgrade_auto);
}
END_TEST

static const struct {
    const char *in, *want;
} bad_xacc[] = {
    {"prioritty: 5", "services.a.x-acc: unknown key 'prioritty'; did you mean 'priority'?"},
    {"bugdet: 5", "services.a.x-acc: unknown key 'bugdet'; did you mean 'budget'?"},
    {"priority: 101", "priority must be between 0 and 100, not 101"},
    {"probe: tcp", "probe 'tcp' is none of listen, none, auto, tcp:PORT, http://:PORT/PATH"},
    {"probe: 'tcp:70000'", "probe 'tcp:70000' is none of"},
    {"on_unhealthy: kill", "services.a.x-acc.on_unhealthy: must be one of 'restart', 'report', not "
                           "'kill'"},
    {"edges: {b: {kind: need}}", "services.a.x-acc.edges.b.kind: must be one of"},
    {"edges: {b: {knid: needs}}", "unknown key 'knid'; did you mean 'kind'?"},
    {"edges: {b: need}", "edges.b: 'need' is none of binds, needs"},
    {"edges: {a/b/c: }", "edges: 'a/b/c' is neither SERVICE nor STACK/SERVICE"},
    {"health: {waiting: [0]}", "health.waiting: '0' is no exit code from 1 to 255"},
    {"host: [disk]", "host: 'disk': it is none of mount:PATH, device:PATH, path:PATH, address:IP, "
                     "network, time"},
    {"host: ['ready:u/db']", "host: 'ready:u/db': it is none of mount:PATH, device:PATH"},
    {"host: ['mount:nas']", "host: 'mount:nas': its path is not absolute"},
    {"host: ['time:now']", "host: 'time:now': it is none of"},
    {"host: ['address:eth0']", "host: 'address:eth0': its address is none; write it like"},
    {"host: 'mount:/x'", "services.a.x-acc.host: must be a list"},
    {"host: [network, network]", "services.a.x-acc.host"},
    {"serialize: [gpu load]", "serialize: 'gpu load' is no name; use letters, digits"},
    {"serialize: ['']", "serialize: '' is no name"},
    {"serialize: {a: b}", "services.a.x-acc.serialize: must be"},
    {"restart: {backoff: soon}", "restart.backoff: 'soon' is none; write it like 1s..5m"},
    {"restart: {budget: 0/10m}", "restart.budget: '0/10m' is none; write it like 5/10m"},
    {"vram: lots", "vram: 'lots' is no size; write it like 16GiB"},
    {"upgrade: {monitor: long}", "upgrade.monitor: 'long' is no time; write it like 10s or 5m"},
    {"upgrade: {drain: soon}", "upgrade.drain: 'soon' is no time; write it like 10s or 5m"},
    {"upgrade: {drain: {run: x, host: y}}", "run and host exclude each other"},
    {"upgrade: {drain: {undo: x}}", "undo takes back what run or host did"},
    {"upgrade: {drain: {fro: 5s}}", "unknown key 'fro'; did you mean 'for'?"},
    {"upgrade: {pre: ['']}", "upgrade.pre: the command is empty"},
    {"upgrade: {pre: [{run: []}]}", "upgrade.pre: the command is empty"},
    {"upgrade: {post: [{run: x, host: y}]}",
     "upgrade.post: write either run (in the container) or host"},
    {"upgrade: {post: [{timeout: 5s}]}",
     "upgrade.post: write either run (in the container) or host"},
    {"upgrade: {pre: [{run: 5}]}", "upgrade.pre: a command is a string or a list"},
    {"upgrade: {pre: [{run: x, timeout: long}]}", "upgrade.pre: timeout: 'long' is no time"},
    {"upgrade: {pre: [{run: x, user: y}]}", "upgrade.pre: unknown key 'user'"},
    {"upgrade: {auto: {window: 'Sunday 3am'}}", "upgrade.auto.window: 'Sunday 3am' is no window"},
    {"upgrade: {auto: {window: ['03:00-05:00', '3-5']}}",
     "upgrade.auto.window: '3-5' is no window"},
    {"upgrade: {auto: {min_age: 3d}}", "upgrade.auto: needs a window"},
    {"upgrade: {auto: true}", "upgrade.auto: needs a window"},
    {"upgrade: {auto: {window: []}}", "upgrade.auto: needs a window"},
    {"upgrade: {auto: {window: '03:00-05:00', min_age: old}}", "upgrade.auto.min_age: 'old' is no"},
    {"upgrade: {auto: {windwo: '03:00-05:00'}}", "unknown key 'windwo'; did you mean 'window'?"},
    {"timing: {opne: 1m}", "timing: unknown key 'opne'; did you mean 'open'?"},
    {"open: 5", "open: '5' is no time; write it like 10s or 5m"},
};

START_TEST(xacc_is_checked)
{
    char text[512];

    (void)snprintf(text, sizeof(text), "services: {a: {image: x, x-acc: {%s}}, b: {image: x}}",
                   bad_xacc[_i].in);
    ck_assert_int_eq(load(text, &stack), -EINVAL);
    ck_assert_msg(strstr(told(), bad_xacc[_i].want), "want: %s\ntold: %s", bad_xacc[_i].want,
                  told());
    ck_assert_uint_eq(diags.item[0].line, 1);
    ck_assert_uint_gt(diags.item[0].col, 30);
}
END_TEST

START_TEST(xacc_has_defaults_in_two_places)
{
    struct acc_arena *arena = NULL;
    struct acc_srcpos pos = {"acc.yaml", 3, 1};

    ck_assert_int_eq(acc_arena_create(1u << 16, &arena), 0);
    struct acc_node *defaults = acc_node_new(arena, ACC_NODE_MAP, pos);

    acc_node_put(defaults, "tier", pos, acc_node_string(arena, pos, "of-acc-yaml"));
    acc_node_put(defaults, "phase", pos, acc_node_string(arena, pos, "of-acc-yaml"));
    acc_node_put(defaults, "priority", pos, acc_node_int(arena, pos, 10));
    struct acc_compose_request request = {.x_acc_defaults = defaults, .phase = "of-stack"};

    ck_assert_int_eq(load_with(&request,
                               "x-acc: {phase: of-file, restart: {backoff: 7s..9s}}\n"
                               "services:\n"
                               "  a: {image: x, x-acc: {priority: 20, restart: {budget: 3}}}\n"
                               "  b: {image: x}\n",
                               NULL, &stack),
                     0);
    acc_arena_destroy(arena); /* the stack keeps nothing of it */
    const struct acc_service_spec *a = service_of(stack, "a");
    const struct acc_service_spec *b = service_of(stack, "b");

    ck_assert_str_eq(a->tier, "of-acc-yaml");
    ck_assert_str_eq(a->phase, "of-file");
    ck_assert_uint_eq(a->priority, 20);
    ck_assert_uint_eq(a->timing.backoff_base, 7000);
    ck_assert_uint_eq(a->timing.budget, 3);
    ck_assert_uint_eq(b->priority, 10);
    ck_assert_str_eq(b->phase, "of-file");
    ck_assert_str_eq(stack->phase, "of-stack");
    ck_assert_str_eq(acc_node_get(b->x_acc, "tier")->pos.file, "acc.yaml");
}
END_TEST

static void hash_of(const char *text, char *ret_hash)
{
    struct acc_stack *loaded = NULL;
    int r = load(text, &loaded);

    ck_assert_msg(r == 0, "%s", told());
    strcpy(ret_hash, service_of(loaded, "a")->spec_hash);
    acc_stack_destroy(loaded);
}

#define REST ", b: {image: x}}\nvolumes: {v1: }\nconfigs: {c: {content: one}}\n"

static const struct {
    const char *text;
    bool is_same;
} specs[] = {
    {"services: {a: {image: x, volumes: ['v1:/v'], configs: [c]}" REST, true},
    {"services: {a: {image: x, volumes: ['v1:/v'], configs: [c], depends_on: [b]}" REST, true},
    {"services: {a: {image: x, volumes: ['v1:/v'], configs: [c], x-acc: {tier: t}}" REST, true},
    {"services: {a: {image: x, volumes: ['v1:/v'], configs: [c], scale: 3}" REST, true},
    {"services: {a: {image: y, volumes: ['v1:/v'], configs: [c]}" REST, false},
    {"services: {a: {image: x, volumes: ['v1:/v'], configs: [c], environment: [A=1]}" REST, false},
    {"services: {a: {image: x, volumes: ['v1:/v'], configs: [c]}, b: {image: x}}\n"
     "volumes: {v1: {name: other}}\nconfigs: {c: {content: one}}\n",
     false},
    {"services: {a: {image: x, volumes: ['v1:/v'], configs: [c]}, b: {image: x}}\n"
     "volumes: {v1: }\nconfigs: {c: {content: two}}\n",
     false},
};

START_TEST(the_spec_hash_tells_what_needs_a_new_container)
{
    char first[ACC_HASH_LEN + 1];
    char hash[ACC_HASH_LEN + 1];

    hash_of(specs[0].text, first);
    hash_of(specs[_i].text, hash);
    ck_assert_msg((strcmp(first, hash) == 0) == specs[_i].is_same, "%s", specs[_i].text);
}
END_TEST

START_TEST(services_are_sorted_and_profiles_choose)
{
    struct acc_compose_request request = {0};

    ck_assert_int_eq(load_with(&request,
                               "services: {z: {image: x}, m: {image: x, profiles: [p]}, a: {image: "
                               "x}}",
                               NULL, &stack),
                     0);
    ck_assert_uint_eq(stack->n_services, 2);
    ck_assert_str_eq(stack->services[0].name, "a");
    ck_assert_str_eq(stack->services[1].name, "z");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("spec");
    TCase *tcase = tcase_create("spec");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, tcase);
    tcase_add_loop_test(tcase, settings_are_told_that_no_container_shows, 0,
                        ACC_ARRAY_LEN(settings));
    tcase_add_test(tcase, commands_around_an_upgrade);
    tcase_add_test(tcase, upgrades_by_itself);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, dependencies_become_edges, 0, ACC_ARRAY_LEN(edges));
    tcase_add_loop_test(tcase, restart_policies, 0, ACC_ARRAY_LEN(restarts));
    tcase_add_test(tcase, a_plain_service_has_all_defaults);
    tcase_add_loop_test(tcase, an_image_may_be_so_old, 0, 4);
    tcase_add_test(tcase, hooks_are_known_of);
    tcase_add_test(tcase, numbers_of_the_file);
    tcase_add_test(tcase, a_disabled_health_check_is_none);
    tcase_add_test(tcase, only_writable_data_counts_as_such);
    tcase_add_test(tcase, a_service_without_image_is_named_after_the_project);
    tcase_add_test(tcase, resources_are_shared_and_in_order);
    tcase_add_test(tcase, what_it_takes_is_known_by_the_names_of_the_host);
    tcase_add_loop_test(tcase, two_can_run_at_once_unless, 0, ACC_ARRAY_LEN(exclusive));
    tcase_add_test(tcase, xacc_is_read);
    tcase_add_test(tcase, bind_sources_are_conditions_of_the_host);
    tcase_add_test(tcase, the_host_and_tokens_are_read);
    tcase_add_test(tcase, a_drain_may_be_a_command);
    tcase_add_loop_test(tcase, xacc_is_checked, 0, ACC_ARRAY_LEN(bad_xacc));
    tcase_add_test(tcase, xacc_has_defaults_in_two_places);
    tcase_add_loop_test(tcase, the_spec_hash_tells_what_needs_a_new_container, 0,
                        ACC_ARRAY_LEN(specs));
    tcase_add_test(tcase, services_are_sorted_and_profiles_choose);
    srunner_run_all(runner, CK_NORMAL);
    int n_failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return n_failed > 0;
}
