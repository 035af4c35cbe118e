#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "tests/sim/graphs.h"
#include "tests/sim/twin.h"

/* The twin behaves as the documents say that Docker does. Service 0 is what the tests use. */

static struct sim_rand rand_;
static struct sim_queue queue;
static struct sim_graph graph;
static struct sim_workloads workloads;
static struct twin twin;
static char told[512];    /* "create start kill die stop " */
static char answers[256]; /* "1:204 2:304 " */
static char last_cid[ACC_CID_LEN + 1];

static const char *const hint_names[] = {"dirty", "die",    "stop",  "kill",    "oom",
                                         "start", "create", "pause", "unpause", "health"};

static void on_answer(void *ctx, const struct twin_answer *answer)
{
    size_t n = strlen(answers);

    (void)ctx;
    (void)snprintf(answers + n, sizeof(answers) - n, "%d:%d ", (int)answer->token, answer->status);
    if (answer->cid[0]) {
        memcpy(last_cid, answer->cid, sizeof(last_cid));
    }
}

static void on_hint(void *ctx, const struct twin_hint *hint)
{
    size_t n = strlen(told);

    (void)ctx;
    (void)snprintf(told + n, sizeof(told) - n, "%s ",
                   hint->is_destroy ? "destroy" : hint_names[hint->hint]);
}

static void on_power(void *ctx, enum twin_power power)
{
    (void)ctx, (void)power;
}

static void setup(void)
{
    const struct sim_graph_options options = {
        .services_min = 3, .services_max = 3, .stacks_max = 1, .plain = true};
    const struct twin_listener listener = {.answer = on_answer, .hint = on_hint, .power = on_power};
    struct twin_quirks quirks = twin_quirks_none();
    int r;

    rand_.state = 7;
    sim_queue_init(&queue, 1000);
    sim_graph_draw(&rand_, &options, &graph);
    for (size_t i = 0; i < 3; i++) {
        graph.habits[i] = (struct sim_habits){.listen_min = 100,
                                              .listen_max = 100,
                                              .stop_max = 50,
                                              .crash_code = 3,
                                              .stop_code = 143};
        graph.model->services[i]->n_edges = 0;
        graph.model->services[i]->health = (struct acc_health_spec){0};
        graph.model->services[i]->image = "plain/x:1";
    }
    r = sim_workloads_init(&workloads, &queue, &rand_, graph.model, graph.habits);
    ck_assert_int_eq(r, 0);
    r = twin_init(&twin, &queue, &rand_, graph.model, &workloads, &quirks, &listener);
    ck_assert_int_eq(r, 0);
    memset(twin.res_exists, 1, graph.model->n_resources);
    told[0] = answers[0] = '\0';
}

static void teardown(void)
{
    twin_fini(&twin);
    sim_workloads_fini(&workloads);
    sim_graph_fini(&graph);
    sim_queue_fini(&queue);
}

static void run_for(uint64_t ms)
{
    uint64_t until_ms = queue.now_ms + ms;

    while (sim_queue_next_ms(&queue) <= until_ms) {
        sim_queue_run_one(&queue);
    }
    queue.now_ms = until_ms;
}

static void forget(void)
{
    told[0] = answers[0] = '\0';
}

static struct twin_call call_of(enum twin_verb verb, uint64_t token, const char *cid)
{
    struct twin_call call = {.verb = verb, .token = token, .grace_ms = 2000, .signal = 9};

    (void)snprintf(call.cid, sizeof(call.cid), "%s", cid);
    return call;
}

static void call_now(enum twin_verb verb, uint64_t token, const char *cid)
{
    struct twin_call call = call_of(verb, token, cid);

    twin_call(&twin, &call);
}

static const char *made(const char *name, uint32_t svc)
{
    static char cids[8][ACC_CID_LEN + 1];
    static size_t n;
    struct twin_call call = call_of(TWIN_CREATE, 99, "");
    char *cid = cids[n++ % 8];

    call.create = (struct twin_create){.svc = svc, .number = 1, .is_ours = true};
    (void)snprintf(call.create.name, sizeof(call.create.name), "%s", name);
    twin_call(&twin, &call);
    run_for(500);
    memcpy(cid, last_cid, sizeof(last_cid));
    forget();
    return cid;
}

static const char *started(const char *name, uint32_t svc)
{
    const char *cid = made(name, svc);

    call_now(TWIN_START, 98, cid);
    run_for(1000);
    ck_assert_int_eq(twin_find(&twin, cid)->state, ACC_CTR_RUNNING);
    forget();
    return cid;
}

static struct acc_obs seen(const char *cid)
{
    struct acc_obs obs;

    ck_assert(twin_inspect(&twin, cid, true, &obs));
    return obs;
}

static void check_every(int64_t interval_ms)
{
    graph.model->services[0]->health = (struct acc_health_spec){
        .set = true, .interval_ms = interval_ms, .retries = 2};
}

START_TEST(start_of_what_runs_is_not_modified)
{
    const char *cid = made("a", 0);

    call_now(TWIN_START, 1, cid);
    run_for(1000);
    call_now(TWIN_START, 2, cid);
    run_for(1000);
    ck_assert_str_eq(answers, "1:204 2:304 ");
    ck_assert_str_eq(told, "start ");
}
END_TEST

START_TEST(failed_start_leaves_created_with_an_error_and_no_event)
{
    const char *cid = made("a", 0);

    sim_workload_spell(&workloads.item[0], SIM_SPELL_START_FAILS, 60000);
    call_now(TWIN_START, 1, cid);
    run_for(1000);
    ck_assert_str_eq(answers, "1:500 ");
    ck_assert_str_eq(told, "");
    ck_assert_int_eq(seen(cid).state, ACC_CTR_CREATED);
    ck_assert_ptr_nonnull(strstr(seen(cid).error, "port is already allocated"));
    ck_assert_int_eq(seen(cid).exit_code, 128);
}
END_TEST

START_TEST(stop_tells_kill_die_stop_and_answers_after_the_exit)
{
    const char *cid = started("a", 0);

    call_now(TWIN_STOP, 1, cid);
    run_for(1000);
    ck_assert_str_eq(told, "kill die stop ");
    ck_assert_str_eq(answers, "1:204 ");
    ck_assert_int_eq(seen(cid).exit_code, 143);
    ck_assert_int_eq(seen(cid).manually_stopped, ACC_YES);
    call_now(TWIN_STOP, 2, cid);
    call_now(TWIN_KILL, 3, cid);
    run_for(100);
    ck_assert_ptr_nonnull(strstr(answers, "2:304"));
    ck_assert_ptr_nonnull(strstr(answers, "3:409"));
}
END_TEST

START_TEST(who_ignores_term_is_killed_after_the_grace)
{
    const char *cid = started("a", 0);

    workloads.item[0].habits.ignores_term = true;
    call_now(TWIN_STOP, 1, cid);
    run_for(1900);
    ck_assert_str_eq(answers, "");
    run_for(200);
    ck_assert_str_eq(answers, "1:204 ");
    ck_assert_int_eq(seen(cid).exit_code, 137);
}
END_TEST

START_TEST(a_crash_tells_die_alone)
{
    const char *cid = started("a", 0);

    sim_proc_end(&twin_find(&twin, cid)->proc, 3, false);
    run_for(100);
    ck_assert_str_eq(told, "die ");
    ck_assert_int_eq(seen(cid).exit_code, 3);
    ck_assert_int_eq(seen(cid).manually_stopped, ACC_NO);
}
END_TEST

START_TEST(of_four_creates_of_one_name_one_wins)
{
    struct twin_call call = call_of(TWIN_CREATE, 0, "");
    size_t n_won = 0;

    call.create = (struct twin_create){.name = "a", .svc = 0, .number = 1};
    for (call.token = 1; call.token <= 4; call.token++) {
        twin_call(&twin, &call);
    }
    run_for(1000);
    for (const char *p = answers; (p = strstr(p, ":201")); p++) {
        n_won++;
    }
    ck_assert_uint_eq(n_won, 1);
    ck_assert_uint_eq(twin.n, 1);
}
END_TEST

START_TEST(remove_refuses_what_runs_and_what_goes_already)
{
    const char *cid = started("a", 0);

    call_now(TWIN_REMOVE, 1, cid);
    run_for(400);
    call_now(TWIN_STOP, 2, cid);
    run_for(1000);
    twin.quirks.slow_remove = 10000;
    call_now(TWIN_REMOVE, 3, cid);
    run_for(10);
    call_now(TWIN_REMOVE, 4, cid);
    run_for(60000);
    ck_assert_str_eq(answers, "1:409 2:204 4:409 3:204 ");
    ck_assert_ptr_null(twin_find(&twin, cid));
    call_now(TWIN_REMOVE, 5, cid);
    run_for(100);
    ck_assert_ptr_nonnull(strstr(answers, "5:404"));
}
END_TEST

START_TEST(pause_makes_unhealthy_without_an_event_until_the_next_check)
{
    const char *cid;

    check_every(5000);
    cid = started("a", 0);
    run_for(6000);
    ck_assert_int_eq(seen(cid).health, ACC_DH_HEALTHY);
    forget();
    call_now(TWIN_PAUSE, 1, cid);
    run_for(20000);
    ck_assert_int_eq(seen(cid).health, ACC_DH_UNHEALTHY);
    call_now(TWIN_UNPAUSE, 2, cid);
    run_for(4000);
    ck_assert_int_eq(seen(cid).health, ACC_DH_UNHEALTHY);
    ck_assert_str_eq(told, "pause unpause ");
    run_for(2000);
    ck_assert_int_eq(seen(cid).health, ACC_DH_HEALTHY);
    ck_assert_str_eq(told, "pause unpause health ");
}
END_TEST

START_TEST(an_exit_may_be_seen_late_and_unhealthy_by_then)
{
    const char *cid;

    check_every(5000);
    twin.quirks.closes_first = true;
    cid = started("a", 0);
    run_for(6000);
    forget();
    sim_proc_end(&twin_find(&twin, cid)->proc, 3, false);
    run_for(100);
    ck_assert_int_eq(seen(cid).state, ACC_CTR_RUNNING);
    ck_assert_int_eq(seen(cid).health, ACC_DH_UNHEALTHY);
    ck_assert_int_eq(seen(cid).health_exit, 0);
    ck_assert_uint_eq(seen(cid).failing_streak, 0);
    ck_assert_str_eq(told, "");
    run_for(100);
    ck_assert_int_eq(seen(cid).exit_code, 3);
    ck_assert_str_eq(told, "die ");
}
END_TEST

START_TEST(health_log_of_the_run_before_is_kept)
{
    const char *cid;

    check_every(5000);
    cid = started("a", 0);
    run_for(6000);
    call_now(TWIN_STOP, 1, cid);
    run_for(1000);
    ck_assert_int_eq(seen(cid).health, ACC_DH_UNHEALTHY);
    call_now(TWIN_START, 2, cid);
    run_for(1000);
    ck_assert_int_eq(seen(cid).health, ACC_DH_STARTING);
    ck_assert(seen(cid).health_start_ns != 0);
    ck_assert(seen(cid).health_start_ns < seen(cid).started_ns);
}
END_TEST

START_TEST(unhealthy_after_its_retries)
{
    const char *cid;

    check_every(5000);
    workloads.item[0].habits.listen_min = workloads.item[0].habits.listen_max = 600000;
    cid = started("a", 0);
    run_for(5000);
    ck_assert_int_eq(seen(cid).health, ACC_DH_STARTING);
    run_for(5100);
    ck_assert_int_eq(seen(cid).health, ACC_DH_UNHEALTHY);
    ck_assert_str_eq(told, "health ");
}
END_TEST

START_TEST(what_ends_while_dockerd_is_down_is_never_told)
{
    const char *cid = started("a", 0);

    twin.live_restore = true;
    twin_crash(&twin, 9000);
    run_for(1000);
    sim_proc_end(&twin_find(&twin, cid)->proc, 7, false);
    run_for(20000);
    ck_assert_str_eq(told, "");
    ck_assert_int_eq(seen(cid).state, ACC_CTR_EXITED);
    ck_assert_int_eq(seen(cid).exit_code, 7);
}
END_TEST

START_TEST(live_restore_keeps_the_run_and_forgets_the_health)
{
    struct acc_obs before;
    const char *cid;

    check_every(5000);
    cid = started("a", 0);
    run_for(6000);
    before = seen(cid);
    forget();
    twin.live_restore = true;
    twin_restart(&twin, 2000);
    run_for(3500);
    ck_assert_int_eq(twin.power, TWIN_UP);
    ck_assert_int_eq(seen(cid).health, ACC_DH_STARTING);
    ck_assert_int_eq(seen(cid).started_ns, before.started_ns);
    ck_assert_str_eq(told, "");
    run_for(6000);
    ck_assert_int_eq(seen(cid).health, ACC_DH_HEALTHY);
}
END_TEST

START_TEST(old_engines_freeze_health_after_live_restore)
{
    struct acc_obs before;
    const char *cid;

    check_every(5000);
    twin.quirks.frozen_health = true;
    twin.live_restore = true;
    cid = started("a", 0);
    run_for(6000);
    twin_restart(&twin, 2000);
    run_for(20000);
    before = seen(cid);
    ck_assert_int_eq(before.health, ACC_DH_HEALTHY);
    run_for(20000);
    ck_assert_int_eq(seen(cid).health_end_ns, before.health_end_ns);
}
END_TEST

START_TEST(a_leaving_dockerd_tells_stops_and_refuses_calls)
{
    const char *cid = started("a", 0);

    twin_restart(&twin, 5000);
    call_now(TWIN_START, 1, cid);
    run_for(900);
    ck_assert_str_eq(told, "kill die stop ");
    ck_assert_str_eq(answers, "1:-1 ");
    run_for(10000);
    ck_assert_int_eq(seen(cid).state, ACC_CTR_EXITED);
    ck_assert_int_eq(seen(cid).manually_stopped, ACC_NO);
}
END_TEST

START_TEST(without_live_restore_a_new_daemon_kills_what_it_finds)
{
    const char *cid = started("a", 0);

    twin_crash(&twin, 3000);
    run_for(2900);
    ck_assert(twin_find(&twin, cid)->proc.is_alive);
    run_for(1000);
    ck_assert_int_eq(seen(cid).state, ACC_CTR_EXITED);
    ck_assert_str_eq(told, "");
}
END_TEST

START_TEST(a_hung_daemon_carries_it_out_later)
{
    const char *cid = made("a", 0);

    twin_hang(&twin, 30000);
    call_now(TWIN_START, 1, cid);
    run_for(29000);
    ck_assert_str_eq(answers, "");
    run_for(2000);
    ck_assert_str_eq(answers, "1:204 ");
}
END_TEST

START_TEST(policy_restarts_after_100_ms_but_not_a_failed_start)
{
    const char *cid = started("a", 0);
    struct twin_call update = call_of(TWIN_UPDATE, 1, cid);

    update.policy = ACC_RESTART_ALWAYS;
    twin_call(&twin, &update);
    run_for(15000);
    forget();
    sim_proc_end(&twin_find(&twin, cid)->proc, 3, false);
    run_for(50);
    ck_assert_int_eq(seen(cid).state, ACC_CTR_RESTARTING);
    call_now(TWIN_START, 2, cid); /* 304 is no proof of life */
    run_for(200);
    ck_assert_str_eq(told, "die start ");
    ck_assert_str_eq(answers, "2:304 ");
    sim_workload_spell(&workloads.item[0], SIM_SPELL_START_FAILS, 1000);
    sim_proc_end(&twin_find(&twin, cid)->proc, 3, false);
    run_for(60000);
    ck_assert_int_eq(seen(cid).state, ACC_CTR_EXITED);
}
END_TEST

START_TEST(a_shared_namespace_needs_its_owner_to_run)
{
    const char *owner = made("a", 0);
    struct twin_call call = call_of(TWIN_CREATE, 1, "");

    call.create = (struct twin_create){.name = "b", .svc = 1, .number = 1};
    memcpy(call.create.bound_cid[0], owner, sizeof(call.create.bound_cid[0]));
    twin_call(&twin, &call);
    run_for(500);
    forget();
    call_now(TWIN_START, 2, last_cid);
    run_for(500);
    ck_assert_str_eq(answers, "2:409 ");
    call_now(TWIN_START, 3, owner);
    run_for(1000);
    call_now(TWIN_START, 4, last_cid);
    run_for(1000);
    ck_assert(workloads.item[1].is_ready);
    sim_proc_end(&twin_find(&twin, owner)->proc, 1, false);
    ck_assert(!workloads.item[1].is_ready); /* it lives in a namespace without network */
}
END_TEST

START_TEST(parallel_creates_of_a_network_make_two)
{
    struct twin_call call = call_of(TWIN_ENSURE, 1, "");

    twin.res_exists[0] = false;
    for (; call.res < graph.model->n_resources &&
           graph.model->resources[call.res]->kind != ACC_RES_NETWORK;
         call.res++) {
    }
    twin.res_exists[call.res] = false;
    twin_call(&twin, &call);
    twin_call(&twin, &call);
    run_for(1000);
    ck_assert(twin.double_network);
}
END_TEST

START_TEST(an_answer_may_be_lost_though_the_call_was_carried_out)
{
    const char *cid = made("a", 0);

    twin.quirks.lose_answer = 10000;
    call_now(TWIN_START, 1, cid);
    run_for(1000);
    ck_assert_str_eq(answers, "1:-1 ");
    ck_assert_int_eq(seen(cid).state, ACC_CTR_RUNNING);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("twin");
    TCase *tc = tcase_create("docker");
    SRunner *runner;
    int n_failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, start_of_what_runs_is_not_modified);
    tcase_add_test(tc, failed_start_leaves_created_with_an_error_and_no_event);
    tcase_add_test(tc, stop_tells_kill_die_stop_and_answers_after_the_exit);
    tcase_add_test(tc, who_ignores_term_is_killed_after_the_grace);
    tcase_add_test(tc, a_crash_tells_die_alone);
    tcase_add_test(tc, of_four_creates_of_one_name_one_wins);
    tcase_add_test(tc, remove_refuses_what_runs_and_what_goes_already);
    tcase_add_test(tc, pause_makes_unhealthy_without_an_event_until_the_next_check);
    tcase_add_test(tc, an_exit_may_be_seen_late_and_unhealthy_by_then);
    tcase_add_test(tc, health_log_of_the_run_before_is_kept);
    tcase_add_test(tc, unhealthy_after_its_retries);
    tcase_add_test(tc, what_ends_while_dockerd_is_down_is_never_told);
    tcase_add_test(tc, live_restore_keeps_the_run_and_forgets_the_health);
    tcase_add_test(tc, old_engines_freeze_health_after_live_restore);
    tcase_add_test(tc, a_leaving_dockerd_tells_stops_and_refuses_calls);
    tcase_add_test(tc, without_live_restore_a_new_daemon_kills_what_it_finds);
    tcase_add_test(tc, a_hung_daemon_carries_it_out_later);
    tcase_add_test(tc, policy_restarts_after_100_ms_but_not_a_failed_start);
    tcase_add_test(tc, a_shared_namespace_needs_its_owner_to_run);
    tcase_add_test(tc, parallel_creates_of_a_network_make_two);
    tcase_add_test(tc, an_answer_may_be_lost_though_the_call_was_carried_out);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
