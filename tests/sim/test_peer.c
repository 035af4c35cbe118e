/* The models of peers do what their sources say: three services, c needs b needs a. */
#include <check.h>
#include <string.h>

#include "lib/base/assert.h"
#include "tests/sim/contest.h"

#define SECOND UINT64_C(1000)
#define MINUTE (60 * SECOND)

static struct world world;
static struct peer peer;
static uint32_t a, b, c; /* indexes */
static struct acc_edge edges[2];

static void need(uint32_t from, uint32_t to, struct acc_edge *edge)
{
    struct acc_service_spec *spec = world.graph.model->services[from];

    *edge = (struct acc_edge){.kind = ACC_EDGE_NEEDS, .required = true, .label = "", .target = to};
    spec->edges = edge;
    spec->n_edges = 1;
}

static void setup(enum peer_which which)
{
    struct world_options options = {.seed = 11, .calm = true};

    options.graph = (struct sim_graph_options){
        .services_min = 3, .services_max = 3, .stacks_max = 1, .edges_max = 0, .plain = true};
    world_open(&world, &options);
    a = world.graph.model->order[0];
    b = world.graph.model->order[1];
    c = world.graph.model->order[2];
    need(b, a, &edges[0]);
    need(c, b, &edges[1]);
    for (uint32_t i = 0; i < 3; i++) {
        struct acc_service_spec *spec = world.graph.model->services[i];

        world.workloads.item[i].habits = (struct sim_habits){
            .listen_min = 2000, .listen_max = 2000, .stop_max = 10};
        spec->health = (struct acc_health_spec){
            .set = true, .interval_ms = 5000, .timeout_ms = 1000, .retries = 3};
    }
    peer_open(&peer, which, &world);
    ck_assert(peer_up(&peer, 5 * MINUTE));
    world_run_for(&world, MINUTE);
}

static void teardown(void)
{
    peer_close(&peer);
    world_close(&world);
}

static uint64_t runs(uint32_t svc)
{
    uint64_t n = 0;

    for (size_t i = 0; i < world.twin.n; i++) {
        n += world.twin.item[i]->made.svc == svc ? world.twin.item[i]->n_runs : 0;
    }
    return n;
}

static void crash(uint32_t svc)
{
    sim_proc_end(&peer.service[svc].container->proc, 1, false);
}

#define ck_runs(of_a, of_b, of_c)                                                                  \
    do {                                                                                           \
        ck_assert_uint_eq(runs(a), of_a);                                                          \
        ck_assert_uint_eq(runs(b), of_b);                                                          \
        ck_assert_uint_eq(runs(c), of_c);                                                          \
    } while (0)

START_TEST(compose_starts_behind_what_is_healthy_and_the_policy_at_once)
{
    int64_t apart_ns;

    setup((enum peer_which)_i);
    apart_ns = peer.service[b].container->started_ns - peer.service[a].container->started_ns;
    if (_i == PEER_COMPOSE) { /* the first check comes after one interval, and it polls */
        ck_assert_int_ge(apart_ns, 5000000000);
    } else {
        ck_assert_int_lt(apart_ns < 0 ? -apart_ns : apart_ns, 1000000000);
    }
    teardown();
}
END_TEST

START_TEST(the_policy_restarts_what_ends_and_nothing_else)
{
    setup(PEER_COMPOSE);
    crash(a);
    world_run_for(&world, 10 * MINUTE);
    ck_runs(2, 1, 1);
    sim_proc_sicken(&peer.service[a].container->proc);
    world_run_for(&world, 10 * MINUTE);
    ck_runs(2, 1, 1);
    ck_assert(!world.workloads.item[a].is_ready);
    teardown();
}
END_TEST

START_TEST(autoheal_restarts_what_docker_calls_unhealthy)
{
    setup(PEER_AUTOHEAL);
    sim_proc_sicken(&peer.service[a].container->proc);
    world_run_for(&world, 10 * SECOND); /* three checks have not failed yet */
    ck_runs(1, 1, 1);
    world_run_for(&world, 15 * SECOND);
    ck_runs(2, 1, 1);
    world_run_for(&world, 10 * MINUTE);
    ck_runs(2, 1, 1);
    teardown();
}
END_TEST

START_TEST(systemd_takes_along_who_requires_it)
{
    setup((enum peer_which)_i);
    crash(c);
    world_run_for(&world, MINUTE);
    ck_runs(1, 1, 2);
    crash(a);
    world_run_for(&world, MINUTE);
    ck_runs(2, 2, 3);
    sim_proc_sicken(&peer.service[a].container->proc);
    world_run_for(&world, 10 * MINUTE);
    ck_runs(2, 2, 3);
    teardown();
}
END_TEST

START_TEST(systemd_gives_up_after_five_starts_in_ten_seconds)
{
    bool is_patient = _i == PEER_SYSTEMD_PATIENT;

    setup((enum peer_which)_i);
    sim_workload_spell(&world.workloads.item[b], SIM_SPELL_CRASH_LOOP, 2 * MINUTE);
    world.workloads.item[b].habits.crash_code = 1;
    for (int i = 0; i < 40 && !is_patient; i++) { /* each run of the loop lasts up to 4 s */
        crash(b);
        world_run_for(&world, 900);
    }
    world_run_for(&world, 10 * MINUTE);
    ck_assert(world.workloads.item[a].is_ready);
    ck_assert(world.workloads.item[b].is_ready == is_patient);
    ck_assert(world.workloads.item[c].is_ready == is_patient);
    ck_assert(peer.service[b].is_failed != is_patient);
    teardown();
}
END_TEST

/* Time in which b serves nobody, until the upgrade is over and a minute longer. */
static uint64_t away_ms(bool is_bad)
{
    uint64_t ms = 0;

    peer_upgrade(&peer, b, is_bad);
    for (int i = 0; i < 3000 && peer.is_busy; i++) {
        world_run_for(&world, 100);
        ms += world.workloads.item[b].is_ready ? 0 : 100;
    }
    ck_assert(!peer.is_busy);
    world_run_for(&world, MINUTE);
    return ms;
}

static const struct {
    enum peer_which which;
    bool is_start_first;
} upgrades[] = {{PEER_COMPOSE, false},
                {PEER_WATCHTOWER, false},
                {PEER_SCRIPT, true},
                {PEER_SWARM, false},
                {PEER_SWARM_START_FIRST, true}};

START_TEST(upgrades_start_or_stop_first)
{
    uint64_t ms;

    setup(upgrades[_i].which);
    ms = away_ms(false);
    if (upgrades[_i].is_start_first) {
        ck_assert_uint_eq(ms, 0);
    } else {
        ck_assert_uint_gt(ms, 0); /* its boot begins when the old one has gone */
    }
    ck_assert(world.workloads.item[b].is_ready);
    ck_assert(twin_is_running(peer.service[b].container));
    ck_runs(1, 2, 1);
    teardown();
}
END_TEST

START_TEST(two_cannot_have_one_port)
{
    setup(upgrades[_i].which);
    world.graph.model->services[b]->exclusive = "its port";
    (void)away_ms(false);
    for (size_t i = 0; i < world.twin.n; i++) { /* the old one ended before the new one began */
        const struct twin_container *old = world.twin.item[i];

        if (old->made.svc == b && old != peer.service[b].container) {
            ck_assert_int_le(old->finished_ns, peer.service[b].container->started_ns);
        }
    }
    teardown();
}
END_TEST

START_TEST(who_never_rolls_back_stays_with_the_bad_one)
{
    setup(upgrades[_i].which);
    (void)away_ms(true);
    ck_assert(peer.service[b].container->made.is_bad);
    for (size_t i = 0; i < world.twin.n; i++) {
        ck_assert(!world.twin.item[i]->exists || world.twin.item[i]->made.svc != b ||
                  world.twin.item[i] == peer.service[b].container);
    }
    teardown();
}
END_TEST

START_TEST(the_script_removes_what_is_not_healthy_in_a_minute)
{
    const struct twin_container *old;

    setup(PEER_SCRIPT);
    old = peer.service[b].container;
    world.workloads.item[b].habits.listen_min = world.workloads.item[b].habits.listen_max = 100000;
    (void)away_ms(false);
    ck_assert_ptr_eq(peer.service[b].container, old);
    ck_assert(twin_is_running(old));
    teardown();
}
END_TEST

/* moby#43081: in order start-first, too, the old task is stopped although it is well. */
START_TEST(swarm_goes_back_by_a_new_task)
{
    struct twin_container *old;

    setup((enum peer_which)_i);
    old = peer.service[b].container;
    peer_upgrade(&peer, b, true);
    for (int i = 0; i < 600 && !(peer.service[b].next && peer.service[b].next->proc.is_alive);
         i++) {
        world_run_for(&world, 100);
    }
    sim_proc_end(&peer.service[b].next->proc, 1, false);
    world_run_for(&world, 2 * MINUTE);
    ck_assert(!peer.is_busy);
    ck_assert(!twin_is_running(old));
    ck_assert(peer.service[b].container != old && !peer.service[b].container->made.is_bad);
    ck_assert(world.workloads.item[b].is_ready);
    teardown();
}
END_TEST

START_TEST(swarm_replaces_what_is_unhealthy_after_five_seconds)
{
    struct twin_container *old;

    setup(PEER_SWARM);
    old = peer.service[a].container;
    sim_proc_sicken(&old->proc);
    world_run_for(&world, MINUTE);
    ck_assert(peer.service[a].container != old);
    ck_assert_int_ge(peer.service[a].container->started_ns, old->finished_ns + 5000000000);
    ck_assert(world.workloads.item[a].is_ready);
    teardown();
}
END_TEST

START_TEST(one_seed_has_one_result)
{
    struct contest_result x = contest_fault(40 + (uint64_t)_i,
                                            _i % 2 ? CONTEST_ACCD : PEER_SYSTEMD);
    struct contest_result y = contest_fault(40 + (uint64_t)_i,
                                            _i % 2 ? CONTEST_ACCD : PEER_SYSTEMD);

    ck_assert_int_eq(x.fault, y.fault);
    ck_assert_uint_eq(x.recovery_ms, y.recovery_ms);
    ck_assert_uint_eq(x.lost_ms, y.lost_ms);
    ck_assert_uint_eq(x.n_restarts, y.n_restarts);
    ck_assert_ptr_null(x.violation);
}
END_TEST

START_TEST(what_happens_does_not_depend_on_who_plays)
{
    struct contest_result x = contest_fault((uint64_t)_i, CONTEST_ACCD);
    struct contest_result y = contest_fault((uint64_t)_i, PEER_AUTOHEAL);
    struct contest_result u = contest_upgrade((uint64_t)_i, CONTEST_ACCD);
    struct contest_result v = contest_upgrade((uint64_t)_i, PEER_SWARM);

    ck_assert(x.is_valid && y.is_valid && u.is_valid && v.is_valid);
    ck_assert_int_eq(x.fault, y.fault);
    ck_assert_int_eq(u.is_bad_image, v.is_bad_image);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("peer");
    TCase *tc = tcase_create("peer");
    SRunner *runner;
    int n_failed;

    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, compose_starts_behind_what_is_healthy_and_the_policy_at_once,
                        PEER_POLICY, PEER_COMPOSE + 1);
    tcase_add_test(tc, the_policy_restarts_what_ends_and_nothing_else);
    tcase_add_test(tc, autoheal_restarts_what_docker_calls_unhealthy);
    tcase_add_loop_test(tc, systemd_takes_along_who_requires_it, PEER_SYSTEMD,
                        PEER_SYSTEMD_PATIENT + 1);
    tcase_add_loop_test(tc, systemd_gives_up_after_five_starts_in_ten_seconds, PEER_SYSTEMD,
                        PEER_SYSTEMD_PATIENT + 1);
    tcase_add_loop_test(tc, upgrades_start_or_stop_first, 0, ACC_ARRAY_LEN(upgrades));
    tcase_add_loop_test(tc, two_cannot_have_one_port, 0, ACC_ARRAY_LEN(upgrades));
    tcase_add_loop_test(tc, who_never_rolls_back_stays_with_the_bad_one, 0, 2);
    tcase_add_test(tc, the_script_removes_what_is_not_healthy_in_a_minute);
    tcase_add_loop_test(tc, swarm_goes_back_by_a_new_task, PEER_SWARM, PEER_SWARM_START_FIRST + 1);
    tcase_add_test(tc, swarm_replaces_what_is_unhealthy_after_five_seconds);
    tcase_add_loop_test(tc, one_seed_has_one_result, 0, 4);
    tcase_add_loop_test(tc, what_happens_does_not_depend_on_who_plays, 0, 8);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? 0 : 1;
}
