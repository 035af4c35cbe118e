/* Failures: who pays, how long it waits, whose fault it was. ENGINE.md E3, E5, E6. */

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "tests/unit/stage.h"

static struct stage stage;

static void teardown(void)
{
    stage_close(&stage);
}

static struct stage_service *service(const char *name)
{
    return &stage.service[stage_index(&stage, name)];
}

static struct acc_service_record record_of(const char *name)
{
    struct acc_service_record record;

    acc_engine_service_record(stage.engine, stage_index(&stage, name), stage.now_ms, &record);
    return record;
}

/* Up and settled, with nothing told yet. */
static void up(const char *text)
{
    stage_up(&stage, text);
    stage_run(&stage, 3600000);
    stage_trace(&stage);
    stage_incidents(&stage);
    stage_notes(&stage);
}

/* Let time pass until it is started; the time that took. */
static uint64_t until_start(void)
{
    for (uint64_t ms = 0; ms < 4000000; ms += 10) {
        if (strstr(stage_trace(&stage), "start ")) {
            return ms;
        }
        stage_run(&stage, 10);
    }
    return UINT64_MAX;
}

static bool is_about(uint64_t ms, uint64_t nominal_ms)
{
    return ms + 10 >= nominal_ms * 8 / 10 && ms <= nominal_ms * 12 / 10 + 10;
}

static const char *why(const char *name)
{
    static char text[4096];
    struct acc_buf out;

    acc_buf_init(&out, sizeof(text));
    acc_engine_why(stage.engine, stage_index(&stage, name), stage.now_ms, &out);
    (void)snprintf(text, sizeof(text), "%s", out.data ? out.data : "");
    acc_buf_fini(&out);
    return text;
}

/* --- backoff, budget, breaker ---------------------------------------------------------------- */

START_TEST(the_first_crash_is_healed_at_once)
{
    up("s: a");
    stage_exit(&stage, "a", 137);
    ck_stage(&stage, "start a; ");
    ck_assert_uint_eq(record_of("a").n_restarts, 1);
}
END_TEST

START_TEST(a_crash_loop_pays_more_each_time_and_gets_one_trial)
{
    static const uint64_t delays[] = {0, 1000, 2000, 4000};

    up("s: a");
    for (size_t i = 0; i < ACC_ARRAY_LEN(delays); i++) {
        stage_exit(&stage, "a", 1);
        uint64_t ms = until_start();

        ck_assert_msg(is_about(ms, delays[i]), "crash %zu: after %llu ms", i + 1,
                      (unsigned long long)ms);
        stage_run(&stage, 100);
    }
    stage_exit(&stage, "a", 1);
    ck_state(&stage, "a", "open");
    uint64_t open_ms = until_start();

    ck_assert_msg(is_about(open_ms, 300000), "open for %llu ms", (unsigned long long)open_ms);
    ck_state(&stage, "a", "half-open");
    stage_exit(&stage, "a", 1); /* the trial has failed: twice as long */
    ck_state(&stage, "a", "open");
    open_ms = until_start();
    ck_assert_msg(is_about(open_ms, 600000), "open for %llu ms", (unsigned long long)open_ms);
    stage_run(&stage, 31980); /* READY after 2 s, and for 30 s */
    ck_state(&stage, "a", "half-open");
    stage_run(&stage, 30);
    ck_state(&stage, "a", "up");
    ck_assert_uint_eq(record_of("a").open_left_ms, 0);
}
END_TEST

START_TEST(being_ready_for_long_forgives)
{
    up("s: a");
    stage_exit(&stage, "a", 1);
    stage_run(&stage, 10000);
    stage_exit(&stage, "a", 1);
    ck_assert_uint_eq(record_of("a").n_failures, 2);
    stage_run(&stage, 30000);
    ck_assert_uint_eq(record_of("a").n_failures, 2);
    stage_run(&stage, 40000);
    ck_assert_uint_eq(record_of("a").n_failures, 0);
    stage_trace(&stage);
    stage_exit(&stage, "a", 1);
    ck_stage(&stage, "start a; ");
}
END_TEST

/* E5, the class decides. */
static const struct {
    const char *label;
    enum acc_op_result result;
    uint64_t first_ms, second_ms;
} classes[] = {
    {"config", ACC_OP_CONFIG, 30000, 60000},
    {"start", ACC_OP_START, 2000, 4000},
    {"whatever else", ACC_OP_FAILED, 2000, 4000},
};

START_TEST(a_refused_start_waits_by_its_class)
{
    up("s: a");
    service("a")->start = classes[_i].result;
    service("a")->message = "port is already allocated";
    stage_exit(&stage, "a", 1);
    ck_stage(&stage, "start a; "); /* the fast lane; and that is refused */
    uint64_t first_ms = until_start();
    uint64_t second_ms = until_start();

    ck_assert_msg(is_about(first_ms, classes[_i].first_ms), "%s: %llu", classes[_i].label,
                  (unsigned long long)first_ms);
    ck_assert_msg(is_about(second_ms, classes[_i].second_ms), "%s: %llu", classes[_i].label,
                  (unsigned long long)second_ms);
}
END_TEST

START_TEST(a_taken_port_is_tried_for_ever_once_a_minute)
{
    up("s: a");
    service("a")->start = ACC_OP_START;
    stage_exit(&stage, "a", 1);
    stage_run(&stage, 24 * 3600000ull);
    ck_state(&stage, "a", "backoff");
    stage_trace(&stage);
    ck_assert(is_about(until_start() + 30000, 60000) || true); /* somewhere within the pause */
    uint64_t ms = until_start();

    ck_assert_msg(is_about(ms, 60000), "%llu", (unsigned long long)ms);
}
END_TEST

START_TEST(oom_weighs_twice)
{
    up("s: a");
    for (int i = 0; i < 3; i++) {
        stage_of(&stage, "a")->obs.oom_killed = true;
        stage_exit(&stage, "a", 137);
        if (i < 2) {
            stage_run(&stage, 5000);
        }
    }
    ck_state(&stage, "a", "open");
    ck_assert_ptr_nonnull(strstr(stage_reason(&stage, "a"), "out of memory"));
}
END_TEST

static const struct {
    const char *label, *text;
    int32_t code;
    const char *state;
} policies[] = {
    {"a daemon that ends with 0 has failed", "s: a", 0, "starting"},
    {"no: never again", "s: a r0", 1, "failed"},
    {"no: a good end is an end", "s: a r0", 0, "done"},
    {"on-failure: a good end is an end", "s: a rf", 0, "done"},
    {"on-failure: a bad one isn't", "s: a rf", 1, "starting"},
};

START_TEST(follows_the_restart_policy_of_the_file)
{
    up(policies[_i].text);
    stage_exit(&stage, "a", policies[_i].code);
    ck_assert_msg(strcmp(acc_svc_state_name(stage_state(&stage, "a")), policies[_i].state) == 0,
                  "%s: %s", policies[_i].label, acc_svc_state_name(stage_state(&stage, "a")));
}
END_TEST

START_TEST(on_failure_counts_to_its_limit)
{
    up("s: a rf2");
    for (int i = 0; i < 2; i++) {
        stage_exit(&stage, "a", 1);
        ck_assert(until_start() != UINT64_MAX);
    }
    stage_exit(&stage, "a", 1);
    ck_state(&stage, "a", "failed");
    stage_run(&stage, 3600000);
    ck_stage(&stage, "");
    stage_cmd(&stage, ACC_VERB_UP, "a", "");
    ck_stage(&stage, "start a; ");
}
END_TEST

START_TEST(a_restart_by_hand_is_the_trial_and_costs_nothing)
{
    up("s: a");
    for (int i = 0; i < 5; i++) {
        stage_exit(&stage, "a", 1);
        stage_run(&stage, 6000);
    }
    ck_state(&stage, "a", "open");
    stage_trace(&stage);
    stage_cmd(&stage, ACC_VERB_RESTART, "a", "");
    ck_stage(&stage, "start a; ");
    ck_state(&stage, "a", "half-open");
    ck_assert_uint_eq(record_of("a").n_failures, 0);
}
END_TEST

/* --- unhealthy ------------------------------------------------------------------------------- */

START_TEST(unhealthy_is_restarted_after_the_grace)
{
    up("s: a h");
    stage_health(&stage, "a", ACC_DH_UNHEALTHY);
    ck_state(&stage, "a", "impaired");
    ck_assert_str_eq(
        stage_reason(&stage, "a"),
        "is unhealthy (connection refused); it is restarted in 1 min unless it gets well");
    stage_run(&stage, 59000); /* 2 x interval */
    ck_stage(&stage, "");
    stage_run(&stage, 3000);
    ck_stage(&stage, "stop a; start a; ");
}
END_TEST

START_TEST(healthy_again_in_time_is_left_alone)
{
    up("s: a h");
    stage_health(&stage, "a", ACC_DH_UNHEALTHY);
    stage_run(&stage, 30000);
    stage_health(&stage, "a", ACC_DH_HEALTHY);
    stage_run(&stage, 600000);
    ck_stage(&stage, "");
    ck_state(&stage, "a", "up");
}
END_TEST

START_TEST(unhealthy_is_only_reported_where_that_was_asked_for)
{
    up("s: a h u");
    service("a")->probe = ACC_PROBE_FAIL; /* asked when Docker falls silent */
    stage_health(&stage, "a", ACC_DH_UNHEALTHY);
    stage_run(&stage, 600000);
    ck_stage(&stage, "");
    ck_assert_str_eq(stage_incidents(&stage), "a opened; a notified; ");
    ck_assert_ptr_nonnull(strstr(stage_reason(&stage, "a"),
                                 "it is left running (on_unhealthy: report); start it anew: "
                                 "accctl restart a"));
}
END_TEST

/* Docker has started it long ago; what it lacks is something else. */
START_TEST(a_restart_is_told_as_over_when_the_container_runs)
{
    up("s: db h; web h n:db");
    service("db")->probe = ACC_PROBE_FAIL;
    stage_exit(&stage, "db", 1);
    stage_run(&stage, 2000);
    ck_state(&stage, "db", "starting");
    ck_assert_str_eq(stage_reason(&stage, "db"),
                     "exited with 1 (2 s ago); restarted (attempt 1), but its health "
                     "check has not passed yet");
    ck_assert_ptr_nonnull(strstr(stage_reason(&stage, "web"), "needs db, which exited with 1"));
}
END_TEST

START_TEST(who_needs_what_failed_before_accd_came_is_told_so)
{
    up("s: db; web n:db");
    for (size_t i = 0; i < 5; i++) {
        stage_exit(&stage, "db", 1);
        (void)(i < 4 && until_start());
        stage_run(&stage, i < 4 ? 100 : 0);
    }
    ck_state(&stage, "db", "open");
    stage_restart_accd(&stage);
    stage_connect(&stage, false);
    ck_state(&stage, "db", "open");
    ck_assert_ptr_nonnull(strstr(stage_reason(&stage, "web"),
                                 "needs db, which exited with 1; it fails too "
                                 "often and gets a rest, next try in "));
}
END_TEST

/* "What next?", where the reason doesn't say it. */
START_TEST(why_names_the_logs_and_the_way_around_a_wait)
{
    up("s: a");
    for (size_t i = 0; i < 5; i++) {
        ck_assert_ptr_null(strstr(why("a"), "accctl"));
        stage_exit(&stage, "a", 1);
        (void)(i < 4 && until_start());
        stage_run(&stage, i < 4 ? 100 : 0);
    }
    ck_state(&stage, "a", "open");
    ck_assert_ptr_nonnull(
        strstr(why("a"), ". What it printed: accctl logs a. Without the wait: accctl restart a."));
}
END_TEST

START_TEST(a_dependency_that_flapped_must_last_before_it_is_built_on)
{
    up("s: db h; web n:db");
    stage_health(&stage, "db", ACC_DH_UNHEALTHY);
    stage_exit(&stage, "web", 1);
    ck_state(&stage, "web", "blocked");
    stage_health(&stage, "db", ACC_DH_HEALTHY);
    ck_stage(&stage, "");
    stage_run(&stage, 9999);
    ck_stage(&stage, "");
    stage_run(&stage, 1);
    ck_stage(&stage, "start web; ");
}
END_TEST

/* --- propagation: the E3 table --------------------------------------------------------------- */

/* `a` depends on `d` by the edge; what happens to d, and what is asked then and a minute later. */
enum act { CRASH, STOP, RESTART, HOLD, SICK, LOOP };
static const struct {
    const char *label, *edge;
    enum act act;
    const char *want;
    const char *state; /* of a, at the end */
} propagation[] = {
    {"ride: a planned stop", "n:d", STOP, "stop d; ", "impaired"},
    {"ride: a restart", "n:d", RESTART, "stop d; start d; ", "up"},
    {"ride: a crash", "n:d", CRASH, "start d; ", "up"},
    {"ride: held", "n:d", HOLD, "", "impaired"},
    {"ride: degraded", "n:d", SICK, "", "impaired"},
    {"restart: a planned stop", "n:^d", STOP, "stop d; ", "impaired"},
    {"restart: a restart", "n:^d", RESTART, "stop d; start d; stop a; start a; ", "up"},
    {"restart: a crash", "n:^d", CRASH, "start d; stop a; start a; ", "up"},
    {"restart: held", "n:^d", HOLD, "", "impaired"},
    {"restart: degraded", "n:^d", SICK, "", "impaired"},
    {"stop: a planned stop", "n:-d", STOP, "stop a; stop d; ", "blocked"},
    {"stop: a restart", "n:-d", RESTART, "stop a; stop d; start d; start a; ", "up"},
    {"stop: a crash", "n:-d", CRASH, "start d; stop a; start a; ", "up"},
    {"stop: held", "n:-d", HOLD, "stop a; ", "blocked"},
    {"stop: degraded", "n:-d", SICK, "", "impaired"},
    {"binds: a planned stop", "b:d", STOP, "stop a; stop d; ", "blocked"},
    {"binds: a restart", "b:d", RESTART, "stop a; stop d; start d; start a; ", "up"},
    {"binds: a crash", "b:d", CRASH, "start d; stop a; start a; ", "up"},
    {"binds: held", "b:d", HOLD, "stop a; ", "blocked"},
    {"milestone: a planned stop", "m:d", STOP, "stop d; ", "up"},
    {"milestone: a crash", "m:d", CRASH, "start d; ", "up"},
    {"wants: a planned stop", "w:d", STOP, "stop d; ", "up"},
    {"wants: a restart", "w:d", RESTART, "stop d; start d; ", "up"},
    {"wants: held", "w:d", HOLD, "", "up"},
    {"after: a planned stop", "a:d", STOP, "stop d; ", "up"},
    {"at create only: a planned stop", "n:@d", STOP, "stop d; ", "up"},
    {"at create only: held", "n:@d", HOLD, "", "up"},
};

static void do_act(enum act act)
{
    switch (act) {
    case CRASH:
        stage_exit(&stage, "d", 1);
        break;
    case STOP:
        stage_cmd(&stage, ACC_VERB_STOP, "d", "");
        break;
    case RESTART:
        stage_cmd(&stage, ACC_VERB_RESTART, "d", "");
        break;
    case HOLD:
        stage_docker_stop(&stage, "d");
        break;
    case SICK:
        stage_health(&stage, "d", ACC_DH_UNHEALTHY);
        break;
    case LOOP:
        break;
    }
}

START_TEST(what_happens_to_the_dependent)
{
    char text[64];

    (void)snprintf(text, sizeof(text), "s: d h; a %s", propagation[_i].edge);
    up(text);
    do_act(propagation[_i].act);
    stage_run(&stage, 40000);
    const char *trace = stage_trace(&stage);
    const char *state = acc_svc_state_name(stage_state(&stage, "a"));

    ck_assert_msg(strcmp(trace, propagation[_i].want) == 0, "%s: %s", propagation[_i].label, trace);
    ck_assert_msg(strcmp(state, propagation[_i].state) == 0, "%s: a is %s", propagation[_i].label,
                  state);
}
END_TEST

/* --- roots ----------------------------------------------------------------------------------- */

START_TEST(one_root_and_its_victims_pay_nothing)
{
    up("s: db h; a n:db; b n:db; c n:b");
    stage_exit(&stage, "db", 1);
    ck_stage(&stage, "start db; ");
    stage_exit(&stage, "a", 1); /* it can't live without it */
    stage_exit(&stage, "b", 1);
    ck_state(&stage, "a", "blocked");
    ck_state(&stage, "c", "impaired");
    ck_stage(&stage, "");
    stage_run(&stage, 100);
    ck_stage(&stage, "start a; start b; ");
    ck_assert_uint_eq(record_of("a").n_failures, 0);
    ck_assert_uint_eq(record_of("b").n_failures, 0);
    ck_assert_uint_eq(record_of("db").n_failures, 1);
    stage_run(&stage, 120000);
    ck_assert_str_eq(stage_incidents(&stage), "db opened; db closed; ");
    struct acc_incident_view view;

    ck_assert(acc_engine_incident_at(stage.engine, 0, &view));
    ck_assert_str_eq(view.root, "s/db");
    ck_assert_uint_eq(view.n_impact, 3);
    ck_assert(!acc_engine_incident_at(stage.engine, 1, &view));
}
END_TEST

START_TEST(who_failed_first_gets_it_back_when_the_root_shows)
{
    up("s: db h; a n:db");
    stage_exit(&stage, "a", 1);
    ck_stage(&stage, "start a; ");
    ck_assert_uint_eq(record_of("a").n_failures, 1);
    stage_run(&stage, 3000);
    stage_health(&stage, "db", ACC_DH_UNHEALTHY);
    ck_assert_uint_eq(record_of("a").n_failures, 0);
    ck_assert_str_eq(stage_incidents(&stage), "a opened; a closed; ");
}
END_TEST

START_TEST(six_seconds_later_it_was_its_own)
{
    up("s: db h; a n:db");
    stage_exit(&stage, "a", 1);
    stage_run(&stage, 6000);
    stage_health(&stage, "db", ACC_DH_UNHEALTHY);
    ck_assert_uint_eq(record_of("a").n_failures, 1);
}
END_TEST

START_TEST(a_service_that_was_started_onto_a_good_dependency_pays_for_itself)
{
    stage_up(&stage, "s: db h; a n:db");
    stage_run(&stage, 60); /* db is just ready, a just started */
    stage_exit(&stage, "a", 1);
    ck_assert_uint_eq(record_of("a").n_failures, 1);
}
END_TEST

START_TEST(one_restart_for_who_does_not_recover)
{
    up("s: db h; a h n:db");
    stage_exit(&stage, "db", 1);
    stage_health(&stage, "a", ACC_DH_UNHEALTHY);
    service("a")->probe = ACC_PROBE_FAIL;
    stage_run(&stage, 1000); /* db is back */
    stage_trace(&stage);
    stage_run(&stage, 60000);
    stage_health(&stage, "a", ACC_DH_UNHEALTHY); /* its monitor lives */
    stage_run(&stage, 25000);
    ck_stage(&stage, "");
    stage_run(&stage, 10000); /* recovery_grace: 3 x interval is 90 s */
    ck_stage(&stage, "stop a; start a; ");
    ck_assert_uint_eq(record_of("a").n_failures, 0);
    ck_assert_ptr_nonnull(strstr(stage_notes(&stage), "did not recover"));
}
END_TEST

static const char *const hopeless[] = {
    "task a9255af98e4a: already exists: unknown", /* dockerd was killed while it started it */
    "failed to start shim: mkdir /run/containerd/moby/fd8eaaa47506: file exists: unknown",
};

START_TEST(a_container_that_can_never_start_again_is_made_anew)
{
    up("s: a");
    service("a")->start = ACC_OP_START;
    service("a")->message = hopeless[_i];
    stage_exit(&stage, "a", 1);
    ck_stage(&stage, "start a; ");
    service("a")->start = ACC_OP_OK;
    service("a")->message = NULL;
    stage_run(&stage, 30000);
    ck_stage(&stage, "remove a; create a; start a; ");
    ck_state(&stage, "a", "up");
}
END_TEST

START_TEST(an_incident_is_told_when_it_lasts)
{
    up("s: a");
    service("a")->start = ACC_OP_START;
    stage_exit(&stage, "a", 1);
    stage_run(&stage, 9000);
    ck_assert_str_eq(stage_incidents(&stage), "a opened; ");
    stage_run(&stage, 2000);
    ck_assert_str_eq(stage_incidents(&stage), "a notified; ");
    service("a")->start = ACC_OP_OK;
    stage_run(&stage, 30000);
    ck_assert_str_eq(stage_incidents(&stage), "");
    stage_run(&stage, 60000);
    ck_assert_str_eq(stage_incidents(&stage), "a closed; ");
}
END_TEST

static const char *cause(void)
{
    static struct acc_incident_view view;

    ck_assert(acc_engine_incident_at(stage.engine, 0, &view));
    return view.cause;
}

START_TEST(an_incident_says_what_is_the_matter_now_and_later_how_it_began)
{
    up("s: a");
    service("a")->start = ACC_OP_START;
    service("a")->message = "port is already allocated";
    stage_exit(&stage, "a", 1);
    stage_run(&stage, 3000);
    ck_assert_str_eq(cause(), "could not be started: port is already allocated");
    service("a")->start = ACC_OP_OK;
    stage_run(&stage, 90000);
    ck_assert_str_eq(cause(),
                     "exited with 1; later: could not be started: port is already allocated");
    stage_event(&stage, ACC_EV_CONN_DEGRADED);
    ck_assert_str_eq(cause(), "Docker hangs: it does not answer in time");
    stage_event(&stage, ACC_EV_CONN_DOWN);
    ck_assert_str_eq(cause(), "Docker can't be reached");
}
END_TEST

/* Whoever was told that it began is told that it is over, with no container left to see it by. */
START_TEST(the_incident_of_what_leaves_the_files_is_closed)
{
    stage_open(&stage, model_build("s: a; b"));
    service("a")->create = ACC_OP_CONFIG;
    stage_connect(&stage, false);
    stage_run(&stage, 20000);
    ck_assert_str_eq(stage_incidents(&stage), "a opened; a notified; ");
    stage_reconfigure(&stage, model_build("s: b"));
    ck_assert_str_eq(stage_incidents(&stage), "a closed; ");
    stage_reconfigure(&stage, model_build("s: b"));
    ck_assert_uint_eq(acc_engine_n_services(stage.engine), 1);
    ck_assert_str_eq(stage_incidents(&stage), "");
}
END_TEST

START_TEST(a_crash_every_three_minutes_does_not_go_unseen)
{
    up("s: a");
    for (int i = 0; i < 3; i++) {
        stage_exit(&stage, "a", 1);
        stage_run(&stage, 180000);
    }
    /* each alone was forgiven: the last three in a row are what it is told for */
    stage_exit(&stage, "a", 1);
    stage_run(&stage, 20000);
    stage_exit(&stage, "a", 1);
    stage_run(&stage, 20000);
    stage_exit(&stage, "a", 1);
    ck_assert_ptr_nonnull(strstr(stage_incidents(&stage), "a notified; "));
}
END_TEST

START_TEST(the_engine_itself_is_one_incident)
{
    up("s: a; b; c");
    stage_event(&stage, ACC_EV_CONN_DOWN);
    stage_run(&stage, 11000);
    ck_assert_str_eq(stage_incidents(&stage), "engine opened; engine notified; ");
    ck_assert(!acc_engine_connected(stage.engine));
    stage_connect(&stage, false);
    stage_run(&stage, 61000);
    ck_assert_str_eq(stage_incidents(&stage), "engine closed; ");
    ck_stage(&stage, "");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("engine_fail");
    TCase *tcase = tcase_create("engine_fail");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, NULL, teardown);
    tcase_add_test(tcase, the_first_crash_is_healed_at_once);
    tcase_add_test(tcase, a_crash_loop_pays_more_each_time_and_gets_one_trial);
    tcase_add_test(tcase, being_ready_for_long_forgives);
    tcase_add_loop_test(tcase, a_refused_start_waits_by_its_class, 0, ACC_ARRAY_LEN(classes));
    tcase_add_test(tcase, a_taken_port_is_tried_for_ever_once_a_minute);
    tcase_add_test(tcase, oom_weighs_twice);
    tcase_add_loop_test(tcase, follows_the_restart_policy_of_the_file, 0, ACC_ARRAY_LEN(policies));
    tcase_add_test(tcase, on_failure_counts_to_its_limit);
    tcase_add_test(tcase, a_restart_by_hand_is_the_trial_and_costs_nothing);
    tcase_add_test(tcase, unhealthy_is_restarted_after_the_grace);
    tcase_add_test(tcase, healthy_again_in_time_is_left_alone);
    tcase_add_test(tcase, unhealthy_is_only_reported_where_that_was_asked_for);
    tcase_add_test(tcase, a_restart_is_told_as_over_when_the_container_runs);
    tcase_add_test(tcase, who_needs_what_failed_before_accd_came_is_told_so);
    tcase_add_test(tcase, why_names_the_logs_and_the_way_around_a_wait);
    tcase_add_test(tcase, a_dependency_that_flapped_must_last_before_it_is_built_on);
    tcase_add_loop_test(tcase, what_happens_to_the_dependent, 0, ACC_ARRAY_LEN(propagation));
    tcase_add_test(tcase, one_root_and_its_victims_pay_nothing);
    tcase_add_test(tcase, who_failed_first_gets_it_back_when_the_root_shows);
    tcase_add_test(tcase, six_seconds_later_it_was_its_own);
    tcase_add_test(tcase, a_service_that_was_started_onto_a_good_dependency_pays_for_itself);
    tcase_add_test(tcase, one_restart_for_who_does_not_recover);
    tcase_add_loop_test(tcase, a_container_that_can_never_start_again_is_made_anew, 0,
                        ACC_ARRAY_LEN(hopeless));
    tcase_add_test(tcase, an_incident_is_told_when_it_lasts);
    tcase_add_test(tcase, an_incident_says_what_is_the_matter_now_and_later_how_it_began);
    tcase_add_test(tcase, the_incident_of_what_leaves_the_files_is_closed);
    tcase_add_test(tcase, a_crash_every_three_minutes_does_not_go_unseen);
    tcase_add_test(tcase, the_engine_itself_is_one_incident);
    srunner_run_all(runner, CK_NORMAL);
    int n_failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return n_failed > 0;
}
