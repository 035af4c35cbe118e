/* How services come up: order, gates, evidence. ENGINE.md E1, E3, E4. */

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

/* --- order ----------------------------------------------------------------------------------- */

/* What is asked for at once, and after 12 s in which every check passes and every port listens. */
static const struct {
    const char *label, *text, *at_once, *later;
} orders[] = {
    {"nothing to wait for", "s: a; b", "create a; create b; start a; start b; ", ""},
    {"a container is made before its turn comes, and started when it has", "s: db h; web n:db",
     "create db; create web; start db; ", "start web; "},
    {"running is enough where the file says so", "s: db h; web n:!db",
     "create db; create web; start db; start web; ", ""},
    {"three layers, one after the other", "s: a; b n:a; c n:b",
     "create a; create b; create c; start a; ", "start b; start c; "},
    {"who shares a namespace is made after its container and started when it is ready",
     "s: vpn; app b:vpn", "create vpn; start vpn; create app; ", "start app; "},
    {"what only gates the creation does so", "s: vault; app n:@vault",
     "create vault; start vault; ", "create app; start app; "},
    {"wanted is waited for", "s: cache; web w:cache", "create cache; create web; start cache; ",
     "start web; "},
    {"after is an order", "s: a; b a:a", "create a; create b; start a; ", "start b; "},
    {"an edge into another stack has been joined into one model", "s: a; b; c n:a n:b",
     "create a; create b; create c; start a; start b; ", "start c; "},
    {"replicas all", "s: db x2; web n:db",
     "create db#1; create db#2; create web; start db#1; start db#2; ", "start web; "},
    {"no replicas are no obstacle", "s: db x0; web n:db", "create web; start web; ", ""},
    {"of two that conflict the first one runs", "s: a; b c:a", "create a; create b; start a; ", ""},
};

START_TEST(starts_in_order_and_at_once)
{
    stage_up(&stage, orders[_i].text);
    const char *at_once = stage_trace(&stage);

    ck_assert_msg(strcmp(orders[_i].at_once, at_once) == 0, "%s: %s", orders[_i].label, at_once);
    stage_run(&stage, 12000);
    const char *later = stage_trace(&stage);

    ck_assert_msg(strcmp(orders[_i].later, later) == 0, "%s: later %s", orders[_i].label, later);
}
END_TEST

START_TEST(who_has_no_port_is_not_said_to_listen_at_none)
{
    static const char *const why[][2] = {
        {"s: a", "runs, but not for long enough yet"},
        {"s: a p", "runs, but nothing listens on its port yet"},
        {"s: a h", "runs, but its health check has not passed yet"}};
    struct acc_service_view view;

    stage_up(&stage, why[_i][0]);
    ck_stage(&stage, "create a; start a; ");
    acc_engine_service(stage.engine, stage_index(&stage, "a"), stage.now_ms, &view);
    ck_assert_str_eq(view.reason, why[_i][1]);
}
END_TEST

START_TEST(waits_for_a_one_shot_to_end_well)
{
    stage_up(&stage, "s: job; web m:*job");
    ck_stage(&stage, "create job; create web; start job; ");
    stage_run(&stage, 10000);
    ck_stage(&stage, "");
    ck_state(&stage, "web", "blocked");
    stage_exit(&stage, "job", 0);
    ck_stage(&stage, "start web; ");
    ck_state(&stage, "job", "done");
    stage_run(&stage, 600000);
    ck_stage(&stage, "");
}
END_TEST

START_TEST(a_failed_one_shot_is_tried_again_and_its_dependents_wait)
{
    stage_up(&stage, "s: job; web m:*job");
    stage_exit(&stage, "job", 1);
    ck_state(&stage, "web", "blocked");
    stage_exit(&stage, "job", 1);
    ck_state(&stage, "job", "backoff");
    stage_trace(&stage);
    stage_run(&stage, 2000);
    ck_stage(&stage, "start job; ");
    stage_exit(&stage, "job", 0);
    ck_stage(&stage, "start web; ");
}
END_TEST

START_TEST(does_not_wait_for_ever_for_what_is_only_wanted)
{
    stage_open(&stage, model_build("s: cache; web w:cache"));
    service("cache")->create = ACC_OP_CONFIG;
    service("cache")->message = "no such image";
    stage_connect(&stage, false);
    stage_run(&stage, 0);
    ck_stage(&stage, "create cache; create web; start web; ");
}
END_TEST

START_TEST(nothing_is_touched_before_the_whole_picture)
{
    struct acc_event event = {.type = ACC_EV_CONN_UP};

    stage_open(&stage, model_build("s: a"));
    event.now_ms = stage.now_ms;
    acc_engine_step(stage.engine, &event, &stage.actions);
    for (size_t i = 0; i < stage.actions.n; i++) {
        ck_assert_int_ge(stage.actions.item[i].type, ACC_ACT_NOTE);
    }
    stage_connect(&stage, false);
    ck_stage(&stage, "create a; start a; ");
}
END_TEST

START_TEST(starts_in_flight_are_bounded)
{
    stage_open(&stage, model_build("s: a; b; c; d; e; f; g; h; i; j; k; l"));
    for (size_t i = 0; i < 12; i++) {
        stage.service[i].silent = true;
        stage_add(&stage, stage.model->services[i]->name, false);
    }
    stage_connect(&stage, false);
    ck_stage(&stage, "start a; start b; start c; start d; start e; start f; start g; start h; ");
    ck_state(&stage, "l", "queued");
}
END_TEST

/* --- resources ------------------------------------------------------------------------------- */

START_TEST(what_a_container_needs_is_there_before_it)
{
    stage_open(&stage, model_build("s: a; b"));
    stage.show_ensure = true;
    stage.show_journal = true;
    stage_connect(&stage, false);
    ck_stage(&stage,
             "journal ensure; ensure a:1; journal ensure; ensure b:1; "
             "journal ensure; ensure s_default; "
             "journal-end ensure; journal-end ensure; journal-end ensure; "
             "journal create; create a; journal create; create b; "
             "journal-end create; start a; journal start; "
             "journal-end create; start b; journal start; journal-end start; journal-end start; ");
}
END_TEST

START_TEST(an_image_that_is_not_there_fails_the_service_not_the_others)
{
    stage_open(&stage, model_build("s: a"));
    stage.pull = ACC_OP_CONFIG;
    stage.pull_message = "pull access denied";
    stage_connect(&stage, false);
    ck_stage(&stage, "");
    ck_state(&stage, "a", "backoff");
    ck_assert_ptr_nonnull(strstr(stage_reason(&stage, "a"), "pull access denied"));
    char text[ACC_REASON_MAX + 1];

    ck_assert_int_eq(acc_engine_settled(stage.engine, 0, ACC_VERB_UP, stage.now_ms, text),
                     ACC_SETTLED_FAILED);
    stage.pull = ACC_OP_OK;
    stage_run(&stage, 40000); /* 30 s and jitter */
    ck_stage(&stage, "create a; start a; ");
}
END_TEST

/* --- early readiness ------------------------------------------------------------------------- */

START_TEST(runs_the_check_soon_and_with_growing_pauses)
{
    stage_open(&stage, model_build("s: db h"));
    service("db")->probe = ACC_PROBE_FAIL;
    stage.show_probe = true;
    stage_connect(&stage, false);
    stage_trace(&stage);
    stage_run(&stage, 49);
    ck_stage(&stage, "");
    stage_run(&stage, 1);
    ck_stage(&stage, "probe db; ");
    stage_run(&stage, 100 + 200);
    ck_stage(&stage, "probe db; probe db; ");
    stage_run(&stage, 60000);
    stage_trace(&stage);
    stage_run(&stage, 15000); /* every 5 s from here on */
    ck_stage(&stage, "probe db; probe db; probe db; ");
}
END_TEST

/* E1: when does an early pass count? */
static const struct {
    const char *label, *text;
    bool listens;
    uint64_t ready_after_ms;
} passes[] = {
    {"at once without a port", "s: db h", false, 50},
    {"at once when the port listens", "s: db h p", true, 50},
    {"10 s later when it does not", "s: db h p", false, 10050},
    {"without a check as soon as it listens", "s: db p", true, 50},
    {"without a check and never listening after 10 s", "s: db p", false, 10000},
    {"without a check and without a port after 2 s", "s: db", false, 2000},
};

START_TEST(an_early_pass_counts_when)
{
    stage_open(&stage, model_build(passes[_i].text));
    service("db")->listens = passes[_i].listens;
    stage_connect(&stage, false);
    stage_run(&stage, passes[_i].ready_after_ms - 1);
    ck_assert_msg(stage_state(&stage, "db") == ACC_SVC_STARTING, "%s: early", passes[_i].label);
    stage_run(&stage, 1);
    ck_assert_msg(stage_state(&stage, "db") == ACC_SVC_UP, "%s: not ready", passes[_i].label);
}
END_TEST

START_TEST(a_fail_between_two_passes_begins_anew)
{
    stage_open(&stage, model_build("s: db h p"));
    service("db")->listens = false;
    stage_connect(&stage, false);
    stage_run(&stage, 60); /* the first pass: initdb's own server */
    service("db")->probe = ACC_PROBE_FAIL;
    stage_run(&stage, 2000);
    ck_state(&stage, "db", "starting");
    service("db")->probe = ACC_PROBE_PASS;
    stage_run(&stage, 1900);
    ck_state(&stage, "db", "starting");
    stage_run(&stage, 12000);
    ck_state(&stage, "db", "up");
}
END_TEST

START_TEST(what_listens_after_a_pass_is_ready_soon)
{
    stage_open(&stage, model_build("s: db h p"));
    service("db")->listens = false;
    stage_connect(&stage, false);
    stage_run(&stage, 4000); /* initdb's own server, all the time */
    ck_state(&stage, "db", "starting");
    service("db")->listens = true;
    stage_run(&stage, 1000);
    ck_state(&stage, "db", "up");
}
END_TEST

/* Docker's verdicts lie in known states (facts: finding 2). */
START_TEST(a_verdict_of_an_earlier_run_does_not_count)
{
    stage_open(&stage, model_build("s: db h"));
    service("db")->probe = ACC_PROBE_FAIL;
    stage_connect(&stage, false);
    struct stage_container *c = stage_of(&stage, "db");

    c->obs.health = ACC_DH_HEALTHY;
    c->obs.health_start_ns = c->obs.started_ns - 1;
    stage_tell(&stage, c);
    ck_state(&stage, "db", "starting");
    stage_health(&stage, "db", ACC_DH_HEALTHY);
    ck_state(&stage, "db", "up");
}
END_TEST

START_TEST(a_check_that_passed_early_outweighs_an_older_verdict)
{
    stage_open(&stage, model_build("s: db h"));
    service("db")->probe = ACC_PROBE_FAIL;
    stage_connect(&stage, false);
    stage_run(&stage, 1000);
    stage_health(&stage, "db", ACC_DH_UNHEALTHY);
    service("db")->probe = ACC_PROBE_PASS;
    stage_run(&stage, 5000);
    ck_state(&stage, "db", "up");
    stage_health(&stage, "db", ACC_DH_UNHEALTHY);
    ck_state(&stage, "db", "impaired");
}
END_TEST

START_TEST(at_most_four_checks_at_once)
{
    stage_open(&stage, model_build("s: a h; b h; c h; d h; e h; f h"));
    stage_connect(&stage, false);
    struct acc_event event = {.type = ACC_EV_TIMEOUT, .now_ms = stage.now_ms + 60};
    size_t n = 0;

    acc_engine_step(stage.engine, &event, &stage.actions);
    for (size_t i = 0; i < stage.actions.n; i++) {
        n += stage.actions.item[i].type == ACC_ACT_PROBE;
    }
    ck_assert_uint_eq(n, 4);
}
END_TEST

START_TEST(never_ready_is_restarted_a_stateful_one_is_not)
{
    stage_open(&stage, model_build("s: a h; b h s"));
    service("a")->probe = service("b")->probe = ACC_PROBE_FAIL;
    stage_connect(&stage, false);
    stage_trace(&stage);
    stage_run(&stage, 299000);
    ck_stage(&stage, "");
    stage_run(&stage, 10000);
    ck_stage(&stage, "stop a; start a; ");
    ck_assert_ptr_nonnull(strstr(stage_incidents(&stage), "b opened; "));
    ck_assert_ptr_nonnull(strstr(stage_reason(&stage, "b"),
                                 "stateful, so it is left running; start "
                                 "it anew: accctl restart b"));
}
END_TEST

START_TEST(what_an_incident_says_of_one_that_is_left_running_stays)
{
    struct acc_incident_view view;

    stage_open(&stage, model_build("s: b h s"));
    service("b")->probe = ACC_PROBE_FAIL;
    stage_connect(&stage, false);
    stage_run(&stage, 290000);
    stage_health(&stage, "b", ACC_DH_UNHEALTHY);
    ck_assert(acc_engine_incident_at(stage.engine, 0, &view));
    ck_assert_str_eq(view.cause, "does not get ready: connection refused");
    stage_run(&stage, 20000);
    stage_health(&stage, "b", ACC_DH_UNHEALTHY);
    ck_assert(acc_engine_incident_at(stage.engine, 0, &view));
    ck_assert_str_eq(view.cause, "does not get ready; it is stateful and is left running");
}
END_TEST

START_TEST(a_service_that_waits_for_a_person_is_left_alone)
{
    stage_open(&stage, model_build("s: vault h"));
    service("vault")->probe = ACC_PROBE_WAITING;
    stage_connect(&stage, false);
    stage_trace(&stage);
    stage_run(&stage, 3600000);
    ck_stage(&stage, "");
    ck_state(&stage, "vault", "starting");
    ck_assert_ptr_nonnull(strstr(stage_reason(&stage, "vault"), "waits for somebody"));
}
END_TEST

static enum acc_settled settled(const char *name, char *text)
{
    return acc_engine_settled(stage.engine, stage_index(&stage, name), ACC_VERB_UP, stage.now_ms,
                              text);
}

START_TEST(who_waits_for_an_unhealthy_start_is_told)
{
    char text[ACC_REASON_MAX + 1];

    stage_open(&stage, model_build("s: a h; b n:a; c"));
    service("a")->probe = ACC_PROBE_FAIL;
    stage_connect(&stage, false);
    stage_run(&stage, 60000);
    ck_assert_int_eq(settled("a", text), ACC_SETTLED_PENDING);
    ck_assert_int_eq(settled("b", text), ACC_SETTLED_PENDING);
    stage_health(&stage, "a", ACC_DH_UNHEALTHY);
    ck_assert_int_eq(settled("a", text), ACC_SETTLED_FAILED);
    ck_assert_str_eq(text, "is unhealthy (connection refused); it is restarted in 4 min unless it "
                           "gets well");
    ck_assert_int_eq(settled("b", text), ACC_SETTLED_FAILED);
    ck_assert_ptr_nonnull(strstr(text, "needs a, which is unhealthy"));
    ck_assert_int_eq(settled("c", text), ACC_SETTLED_DONE);
    stage_cmd(&stage, ACC_VERB_RESTART, "a", ""); /* what is asked for now isn't judged by then */
    ck_assert_int_eq(settled("a", text), ACC_SETTLED_PENDING);
    service("a")->probe = ACC_PROBE_PASS;
    stage_run(&stage, 5000);
    ck_assert_int_eq(settled("a", text), ACC_SETTLED_DONE);
}
END_TEST

START_TEST(who_waits_for_what_waits_for_a_person_is_told)
{
    char text[ACC_REASON_MAX + 1];

    stage_open(&stage, model_build("s: vault h; a n:vault"));
    service("vault")->probe = ACC_PROBE_WAITING;
    stage_connect(&stage, false);
    stage_run(&stage, 25000);
    ck_assert_int_eq(settled("vault", text), ACC_SETTLED_PENDING);
    stage_run(&stage, 10000);
    ck_assert_int_eq(settled("vault", text), ACC_SETTLED_FAILED);
    ck_assert_ptr_nonnull(strstr(text, "waits for somebody"));
    ck_assert_int_eq(settled("a", text), ACC_SETTLED_FAILED);
    ck_assert_ptr_nonnull(strstr(text, "needs vault"));
}
END_TEST

START_TEST(who_waits_for_what_did_not_get_ready_in_time_is_told)
{
    char text[ACC_REASON_MAX + 1];

    stage_open(&stage, model_build("s: a h"));
    service("a")->probe = ACC_PROBE_FAIL;
    stage_connect(&stage, false);
    stage_run(&stage, 299000);
    ck_assert_int_eq(settled("a", text), ACC_SETTLED_PENDING);
    stage_run(&stage, 5000);
    ck_assert_int_eq(settled("a", text), ACC_SETTLED_FAILED);
    ck_assert_ptr_nonnull(strstr(text, "did not get ready in time"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("engine_up");
    TCase *tcase = tcase_create("engine_up");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, tcase);
    tcase_add_checked_fixture(tcase, NULL, teardown);
    tcase_add_loop_test(tcase, starts_in_order_and_at_once, 0, ACC_ARRAY_LEN(orders));
    tcase_add_loop_test(tcase, who_has_no_port_is_not_said_to_listen_at_none, 0, 3);
    tcase_add_test(tcase, waits_for_a_one_shot_to_end_well);
    tcase_add_test(tcase, a_failed_one_shot_is_tried_again_and_its_dependents_wait);
    tcase_add_test(tcase, does_not_wait_for_ever_for_what_is_only_wanted);
    tcase_add_test(tcase, nothing_is_touched_before_the_whole_picture);
    tcase_add_test(tcase, starts_in_flight_are_bounded);
    tcase_add_test(tcase, what_a_container_needs_is_there_before_it);
    tcase_add_test(tcase, an_image_that_is_not_there_fails_the_service_not_the_others);
    tcase_add_test(tcase, runs_the_check_soon_and_with_growing_pauses);
    tcase_add_loop_test(tcase, an_early_pass_counts_when, 0, ACC_ARRAY_LEN(passes));
    tcase_add_test(tcase, what_listens_after_a_pass_is_ready_soon);
    tcase_add_test(tcase, a_fail_between_two_passes_begins_anew);
    tcase_add_test(tcase, a_verdict_of_an_earlier_run_does_not_count);
    tcase_add_test(tcase, a_check_that_passed_early_outweighs_an_older_verdict);
    tcase_add_test(tcase, at_most_four_checks_at_once);
    tcase_add_test(tcase, never_ready_is_restarted_a_stateful_one_is_not);
    tcase_add_test(tcase, what_an_incident_says_of_one_that_is_left_running_stays);
    tcase_add_test(tcase, a_service_that_waits_for_a_person_is_left_alone);
    tcase_add_test(tcase, who_waits_for_an_unhealthy_start_is_told);
    tcase_add_test(tcase, who_waits_for_what_waits_for_a_person_is_told);
    tcase_add_test(tcase, who_waits_for_what_did_not_get_ready_in_time_is_told);
    srunner_run_all(runner, CK_NORMAL);
    int n_failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return n_failed > 0;
}
