/* Other hands on the same Docker: people, docker compose, dockerd itself. ENGINE.md E1, E8. */

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "tests/unit/stage.h"

static struct stage stage;

static void setup(void)
{
    stage.observe_new = false;
}

static void teardown(void)
{
    stage_close(&stage);
}

static struct stage_service *service(const char *name)
{
    return &stage.service[stage_index(&stage, name)];
}

static void up(const char *text)
{
    stage_up(&stage, text);
    stage_run(&stage, 600000);
    stage_trace(&stage);
    stage_incidents(&stage);
    stage_notes(&stage);
}

static bool is_wanted(const char *name)
{
    struct acc_service_view view;

    acc_engine_service(stage.engine, stage_index(&stage, name), stage.now_ms, &view);
    return view.wanted_up;
}

/* --- accd dies ------------------------------------------------------------------------------- */

START_TEST(networks_of_a_stack_that_was_taken_down_go_although_accd_died)
{
    up("s: db");
    service("db")->silent = true; /* the engine does it, but accd is gone before the answer */
    stage_cmd(&stage, ACC_VERB_DOWN, "s", "");
    stage_run(&stage, 0);
    ck_stage(&stage, "stop db; ");
    service("db")->silent = false;
    stage_restart_accd(&stage);
    stage_of(&stage, "db")->exists = false;
    stage_connect(&stage, false);
    stage_run(&stage, 60000);
    ck_stage(&stage, "remove-resource s_default; ");
    stage_restart_accd(&stage);
    stage_connect(&stage, false);
    stage_cmd(&stage, ACC_VERB_UP, "s", "");
    stage_run(&stage, 60000);
    ck_state(&stage, "db", "up");
    ck_stage(&stage, "remove-resource s_default; create db; start db; ");
}
END_TEST

START_TEST(networks_of_a_stack_that_was_taken_down_go_although_its_file_changed)
{
    up("s: db");
    service("db")->silent = true;
    stage_cmd(&stage, ACC_VERB_DOWN, "s", "");
    stage_run(&stage, 0);
    stage_reconfigure(&stage, model_build("s: db"));
    stage_docker_rm(&stage, "db");
    stage_run(&stage, 60000);
    ck_stage(&stage, "stop db; remove-resource s_default; ");
}
END_TEST

/* --- targets --------------------------------------------------------------------------------- */

START_TEST(each_named_target_is_added)
{
    static const char *const stacks[] = {"s: a; b", "t: c; d", "u: e; f"};
    static const char *const targets[] = {"u/f", "s", "t"};
    struct acc_model *model = model_build_n(stacks, ACC_ARRAY_LEN(stacks));
    struct acc_engine_options options = {.first_op = 1};
    struct acc_engine *engine = NULL;
    uint8_t selected[6] = {0};
    const char *nearest;
    bool is_stack;

    ck_assert_int_eq(acc_engine_create(model, &options, &engine), 0);
    for (size_t i = 0; i < ACC_ARRAY_LEN(targets); i++) {
        ck_assert_int_eq(acc_engine_select(engine, targets[i], NULL, selected, &is_stack, &nearest),
                         ACC_SELECT_OK);
        ck_assert_int_eq(is_stack, i > 0);
    }
    for (uint32_t v = 0; v < ACC_ARRAY_LEN(selected); v++) {
        ck_assert_int_eq(selected[v], v != model_index(model, "e"));
    }
    acc_engine_destroy(engine);
    acc_model_destroy(model);
}
END_TEST

/* --- docker stop, kill, pause, rm ------------------------------------------------------------ */

START_TEST(what_a_person_stops_stays_stopped)
{
    up("s: db; web n:db");
    stage_docker_stop(&stage, "db");
    ck_state(&stage, "db", "held");
    ck_state(&stage, "web", "impaired");
    stage_run(&stage, 3600000);
    ck_stage(&stage, "");
    ck_assert_ptr_nonnull(strstr(stage_reason(&stage, "web"), "db, which was stopped by hand"));
    ck_assert_str_eq(stage_incidents(&stage), "");
    stage_cmd(&stage, ACC_VERB_RELEASE, "db", "");
    ck_stage(&stage, "start db; ");
}
END_TEST

START_TEST(up_and_a_start_by_hand_release_it_as_well)
{
    up("s: db");
    stage_docker_stop(&stage, "db");
    stage_run(&stage, 60000);
    stage_docker_start(&stage, "db");
    stage_run(&stage, 10000);
    ck_stage(&stage, "");
    ck_state(&stage, "db", "up");
    stage_docker_stop(&stage, "db");
    stage_run(&stage, 60000);
    stage_cmd(&stage, ACC_VERB_UP, "db", "");
    ck_stage(&stage, "start db; ");
}
END_TEST

START_TEST(a_hold_survives_accd)
{
    up("s: db");
    stage_docker_stop(&stage, "db");
    stage_run(&stage, 20000);
    stage_restart_accd(&stage);
    stage_connect(&stage, false);
    stage_run(&stage, 600000);
    ck_stage(&stage, "");
    ck_state(&stage, "db", "held");
}
END_TEST

START_TEST(docker_kill_is_a_crash)
{
    up("s: db");
    stage_hint(&stage, stage_of(&stage, "db"), ACC_HINT_KILL);
    stage_of(&stage, "db")->manual = true;
    stage_exit(&stage, "db", 137);
    ck_stage(&stage, ""); /* a stop may follow */
    stage_run(&stage, 1000);
    ck_stage(&stage, "start db; ");
}
END_TEST

START_TEST(a_stop_told_before_the_die_counts)
{
    up("s: db");
    struct stage_container *c = stage_of(&stage, "db");

    stage_hint(&stage, c, ACC_HINT_KILL);
    stage_hint(&stage, c, ACC_HINT_STOP);
    stage_exit(&stage, "db", 0);
    stage_run(&stage, 60000);
    ck_stage(&stage, "");
    ck_state(&stage, "db", "held");
}
END_TEST

START_TEST(a_stop_told_late_takes_the_crash_back)
{
    up("s: db n:x; x");
    stage_cmd(&stage, ACC_VERB_STOP, "x", ""); /* so that db can't be started again at once */
    stage_trace(&stage);
    stage_exit(&stage, "db", 143);
    stage_hint(&stage, stage_of(&stage, "db"), ACC_HINT_STOP);
    stage_run(&stage, 60000);
    ck_state(&stage, "db", "held");
}
END_TEST

START_TEST(when_no_event_told_the_engines_own_flag_does)
{
    up("s: a; b");
    for (int i = 0; i < 2; i++) {
        struct stage_container *c = stage_of(&stage, i ? "b" : "a");

        c->obs.state = ACC_CTR_EXITED;
        c->obs.exit_code = 1;
        c->manual = i == 1;
    }
    stage_run(&stage, 62000); /* the periodic list shows it */
    ck_stage(&stage, "start a; ");
    ck_state(&stage, "b", "held");
}
END_TEST

START_TEST(paused_is_left_alone_and_its_health_is_not_believed)
{
    up("s: db h");
    struct stage_container *c = stage_of(&stage, "db");

    c->obs.state = ACC_CTR_PAUSED;
    c->obs.health = ACC_DH_UNHEALTHY; /* Docker closes the monitor so */
    stage_hint(&stage, c, ACC_HINT_PAUSE);
    ck_state(&stage, "db", "held");
    stage_run(&stage, 600000);
    c->obs.state = ACC_CTR_RUNNING;
    stage_hint(&stage, c, ACC_HINT_UNPAUSE);
    ck_state(&stage, "db", "up");
    stage_run(&stage, 60000);
    ck_stage(&stage, "");
    stage_health(&stage, "db", ACC_DH_UNHEALTHY); /* a new one is */
    ck_state(&stage, "db", "impaired");
}
END_TEST

START_TEST(who_asks_for_what_is_paused_waits_until_it_goes_on)
{
    char text[ACC_REASON_MAX + 1];

    up("s: db");
    stage_of(&stage, "db")->obs.state = ACC_CTR_PAUSED;
    stage_tell(&stage, stage_of(&stage, "db"));
    stage_run(&stage, 0);
    ck_assert_int_eq(acc_engine_settled(stage.engine, 0, ACC_VERB_UP, stage.now_ms, text),
                     ACC_SETTLED_FAILED);
    stage.service[0].silent = true;
    stage_cmd(&stage, ACC_VERB_UP, "db", "");
    ck_stage(&stage, "unpause db; ");
    ck_assert_int_eq(acc_engine_settled(stage.engine, 0, ACC_VERB_UP, stage.now_ms, text),
                     ACC_SETTLED_PENDING);
}
END_TEST

/* Both were restarted: whether it had done its work nobody knows, so a daemon is started again. */
START_TEST(what_ended_well_while_accd_was_away_is_started_again_unless_it_is_a_job)
{
    stage_up(&stage, "s: a rf; m rf; b m:*m");
    stage_run(&stage, 2000);
    stage_trace(&stage);
    for (int k = 0; k < 2; k++) {
        struct stage_container *it = stage_of(&stage, k ? "m" : "a");

        it->obs.state = ACC_CTR_EXITED;
        it->obs.exit_code = 0;
    }
    stage_restart_accd(&stage);
    stage_connect(&stage, false);
    stage_run(&stage, 60000);
    ck_state(&stage, "a", "up");
    ck_state(&stage, "m", "done");
    ck_assert_ptr_nonnull(strstr(stage_trace(&stage), "start a; "));
    stage_exit(&stage, "a", 0);
    stage_run(&stage, 60000);
    stage_restart_accd(&stage);
    stage_connect(&stage, false);
    stage_run(&stage, 60000);
    ck_state(&stage, "a", "done"); /* that was seen */
}
END_TEST

/* dockerd was killed, and the next one has stopped what went on meanwhile: it calls that by hand.
 */
START_TEST(what_ends_between_two_dockerds_was_not_stopped_by_hand)
{
    stage_up(&stage, "s: a; b; c");
    stage_run(&stage, 60000);
    stage_trace(&stage);
    stage_event(&stage, ACC_EV_CONN_DOWN);
    stage_run(&stage, 5000);
    for (int k = 0; k < 3; k++) {
        struct stage_container *it = stage_of(&stage, (const char *[]){"a", "b", "c"}[k]);

        it->obs.state = ACC_CTR_EXITED;
        it->obs.exit_code = 0;
        it->manual = true;
        it->obs.age_ms = (const uint64_t[]){1000, 6000, 0}[k];
    }
    stage_hint(&stage, stage_of(&stage, "a"), ACC_HINT_STOP); /* it tells its own, too */
    stage_connect(&stage, true);
    stage_run(&stage, 60000);
    ck_state(&stage, "a", "up");
    ck_state(&stage, "b", "held"); /* before that somebody could */
    ck_state(&stage, "c", "held"); /* when it was isn't known */
    ck_stage(&stage, "start a; ");
}
END_TEST

/* dockerd ends them with SIGTERM as it goes down, and many answer that with 0. */
START_TEST(what_ends_well_as_dockerd_goes_down_has_not_done_its_work)
{
    stage_up(&stage, "s: a rf; b rf; c rf");
    stage_run(&stage, 60000);
    stage_trace(&stage);
    stage_docker_stop(&stage, "a");
    stage_of(&stage, "a")->obs.exit_code = 0;
    stage_of(&stage, "a")->manual = false;
    stage_exit(&stage, "c", 0); /* this one by itself, before */
    stage_run(&stage, 1000);
    stage_event(&stage, ACC_EV_CONN_DOWN);
    stage_of(&stage, "b")->obs.state = ACC_CTR_EXITED; /* of this one no event was told */
    stage_connect(&stage, true);
    stage_run(&stage, 60000);
    ck_state(&stage, "a", "up");
    ck_state(&stage, "b", "up");
    ck_state(&stage, "c", "done");
    ck_stage(&stage, "start a; start b; ");
}
END_TEST

START_TEST(what_was_up_before_the_engine_went_away_proves_nothing)
{
    char text[ACC_REASON_MAX + 1];

    up("s: db");
    stage_event(&stage, ACC_EV_CONN_DOWN);
    stage_cmd(&stage, ACC_VERB_UP, "db", "");
    stage_run(&stage, 1000);
    ck_assert_int_eq(acc_engine_settled(stage.engine, 0, ACC_VERB_UP, stage.now_ms, text),
                     ACC_SETTLED_PENDING);
    ck_assert_str_eq(text, "Docker has been away for 1 s; accd does it as soon as Docker is back");
    ck_assert_int_eq(acc_engine_settled(stage.engine, 0, ACC_VERB_UPGRADE, stage.now_ms, text),
                     ACC_SETTLED_FAILED); /* nobody asked for one */
    ck_assert_int_eq(
        acc_engine_settled(stage.engine, 0, ACC_VERB_RESTART, stage.now_ms + 9000, text),
        ACC_SETTLED_PENDING);
    ck_assert_str_eq(text, "Docker has been away for 10 s; accd does it as soon as Docker is back");
    stage_connect(&stage, false);
    stage_run(&stage, 10000);
    ck_assert_int_eq(acc_engine_settled(stage.engine, 0, ACC_VERB_UP, stage.now_ms, text),
                     ACC_SETTLED_DONE);
}
END_TEST

START_TEST(up_unpauses)
{
    up("s: db");
    stage_of(&stage, "db")->obs.state = ACC_CTR_PAUSED;
    stage_hint(&stage, stage_of(&stage, "db"), ACC_HINT_PAUSE);
    stage_cmd(&stage, ACC_VERB_UP, "db", "");
    ck_stage(&stage, "unpause db; ");
    ck_state(&stage, "db", "up");
}
END_TEST

START_TEST(compose_down_beside_us_is_respected)
{
    up("s: db; web n:db");
    stage_docker_stop(&stage, "web");
    stage_docker_rm(&stage, "web");
    ck_assert(!is_wanted("web"));
    stage_run(&stage, 3600000);
    ck_stage(&stage, "");
    ck_state(&stage, "web", "off");
    stage_restart_accd(&stage);
    stage_connect(&stage, false);
    ck_stage(&stage, "");
    struct stage_container *c = stage_add(&stage, "web", false);

    stage_hint(&stage, c, ACC_HINT_CREATE); /* `docker compose up` */
    ck_assert(is_wanted("web"));
    ck_stage(&stage, "start web; ");
}
END_TEST

/* `docker compose down` takes the network along, which accd believed to be there. */
START_TEST(a_network_that_was_removed_is_made_again_and_no_failure)
{
    struct acc_service_record record;

    up("s: a");
    stage_docker_stop(&stage, "a");
    stage_docker_rm(&stage, "a");
    stage_run(&stage, 60000);
    stage_trace(&stage);
    service("a")->start = ACC_OP_START;
    service("a")->message = "network s_default not found";
    stage.show_ensure = true;
    stage_cmd(&stage, ACC_VERB_UP, "a", "");
    ck_stage(&stage, "create a; start a; ensure a:1; ensure s_default; remove a; create a; "
                     "start a; ");
    acc_engine_service_record(stage.engine, 0, stage.now_ms, &record);
    ck_assert_uint_eq(record.n_failures, 1); /* of the second one: it is not excused for ever */
    service("a")->start = ACC_OP_OK;
    stage_run(&stage, 10000);
    ck_state(&stage, "a", "up");

    stage_docker_stop(&stage, "a");
    stage_docker_rm(&stage, "a");
    stage_run(&stage, 60000);
    stage_trace(&stage);
    service("a")->create = ACC_OP_GONE;
    stage_cmd(&stage, ACC_VERB_UP, "a", "");
    ck_assert_ptr_nonnull(strstr(stage_trace(&stage), "create a; ensure a:1; "));
}
END_TEST

START_TEST(rm_force_of_a_running_container_turns_it_off)
{
    up("s: db");
    stage_docker_rm(&stage, "db");
    ck_assert(!is_wanted("db"));
    ck_stage(&stage, "");
}
END_TEST

START_TEST(a_sharer_from_before_accd_follows_a_new_container)
{
    up("s: vpn; app b:vpn");
    stage_restart_accd(&stage);
    stage_connect(&stage, false);
    stage_docker_rm(&stage, "vpn");
    stage_run(&stage, 1000);
    ck_stage(&stage, "stop app; ");
    stage_cmd(&stage, ACC_VERB_UP, "vpn", "");
    stage_run(&stage, 10000);
    ck_stage(&stage, "create vpn; start vpn; remove app; create app; start app; ");
}
END_TEST

START_TEST(a_dead_container_that_is_pruned_is_made_again)
{
    up("s: db");
    service("db")->start = ACC_OP_START;
    stage_exit(&stage, "db", 1);
    stage_trace(&stage);
    service("db")->start = ACC_OP_OK;
    stage_docker_rm(&stage, "db");
    stage_run(&stage, 5000);
    ck_stage(&stage, "create db; start db; ");
}
END_TEST

/* docker compose up after an edit: the new one is made beside the old one under another name. */
START_TEST(what_compose_recreates_is_taken_not_fought)
{
    up("s: db");
    struct stage_container *c = stage_add(&stage, "db", false);

    (void)snprintf(c->obs.name, sizeof(c->obs.name), "0123456789ab_s-db-1");
    c->obs.restart = ACC_RESTART_ALWAYS;
    stage_hint(&stage, c, ACC_HINT_CREATE);
    ck_stage(&stage, "set-policy db; ");
    stage.container[0].obs.state = ACC_CTR_EXITED;
    stage_hint(&stage, &stage.container[0], ACC_HINT_KILL);
    stage_hint(&stage, &stage.container[0], ACC_HINT_DIE);
    stage_hint(&stage, &stage.container[0], ACC_HINT_STOP);
    stage_docker_rm(&stage, "db");
    stage_run(&stage, 3000);
    ck_stage(&stage, "start db; ");
    ck_assert(is_wanted("db"));
    ck_state(&stage, "db", "up");
    stage_run(&stage, 600000);
    ck_stage(&stage, "");
}
END_TEST

/* The answer to a start of the one before says nothing of the one that took its place. */
START_TEST(what_is_put_in_the_place_of_one_that_is_being_started_is_kept)
{
    stage_up(&stage, "s: a");
    service("a")->silent = true;
    stage_exit(&stage, "a", 1);
    stage_run(&stage, 0);
    ck_stage(&stage, "create a; start a; start a; ");
    stage_docker_rm(&stage, "a");
    stage_tell(&stage, stage_add(&stage, "a", true));
    struct acc_event late = {.type = ACC_EV_OP_DONE, .now_ms = stage.now_ms};

    late.op.op = stage.last_op[0];
    late.op.result = ACC_OP_GONE;
    late.op.cid = late.op.message = "";
    service("a")->silent = false;
    acc_engine_step(stage.engine, &late, &stage.actions);
    stage_run(&stage, 10000);
    ck_state(&stage, "a", "up");
    ck_assert_str_eq(acc_engine_container_id(stage.engine, 0), stage_of(&stage, "a")->obs.cid);
}
END_TEST

START_TEST(what_is_asked_for_before_the_first_look_is_done)
{
    stage_up(&stage, "s: a; b");
    stage_run(&stage, 5000);
    stage_restart_accd(&stage);
    stage_trace(&stage);
    stage_cmd(&stage, ACC_VERB_STOP, "a", "");
    stage_cmd(&stage, ACC_VERB_RESTART, "b", "");
    stage_connect(&stage, false);
    stage_run(&stage, 60000);
    ck_stage(&stage, "stop a; stop b; start b; ");
    ck_state(&stage, "a", "off");
    ck_state(&stage, "b", "up");
}
END_TEST

START_TEST(of_two_that_run_in_one_slot_one_is_stopped_and_kept)
{
    up("s: db");
    struct stage_container *c = stage_add(&stage, "db", true);

    (void)snprintf(c->obs.name, sizeof(c->obs.name), "copy");
    stage_hint(&stage, c, ACC_HINT_START);
    ck_stage(&stage, "");
    stage_run(&stage, 11000);
    ck_stage(&stage, "stop db; ");
    ck_assert_int_eq(c->obs.state, ACC_CTR_EXITED);
    stage_run(&stage, 600000);
    ck_stage(&stage, "");
}
END_TEST

START_TEST(a_name_that_a_stranger_holds_is_told)
{
    stage_open(&stage, model_build("s: db"));
    struct stage_container *c = stage_add(&stage, "db", true);

    (void)snprintf(c->obs.project, sizeof(c->obs.project), "other");
    stage_connect(&stage, false);
    ck_stage(&stage, "create db; ");
    ck_assert_ptr_nonnull(strstr(stage_reason(&stage, "db"), "is taken by a container"));
}
END_TEST

/* --- dockerd --------------------------------------------------------------------------------- */

/* A dockerd that goes down kills, and tells kill, die and stop for each container. */
START_TEST(a_shutdown_of_dockerd_is_no_hand)
{
    up("s: a; b");
    stage_docker_stop(&stage, "a"); /* by dockerd: not "manually" */
    stage_docker_stop(&stage, "b");
    stage_of(&stage, "a")->manual = stage_of(&stage, "b")->manual = false;
    stage_run(&stage, 3000);
    stage_event(&stage, ACC_EV_CONN_DOWN);
    stage_run(&stage, 30000);
    ck_stage(&stage, "");
    stage_connect(&stage, true);
    ck_stage(&stage, "start a; start b; ");
    ck_assert_str_eq(stage_incidents(&stage), "engine opened; engine notified; ");
    struct acc_service_record record;

    acc_engine_service_record(stage.engine, 0, stage.now_ms, &record);
    ck_assert_uint_eq(record.n_failures, 0);
}
END_TEST

START_TEST(after_dockerd_they_come_back_a_few_at_a_time)
{
    up("s: a; b; c; d; e; f; g; h; i; j; k; l");
    stage_event(&stage, ACC_EV_CONN_DOWN);
    for (size_t i = 0; i < 12; i++) {
        stage.container[i].obs.state = ACC_CTR_EXITED;
        stage.container[i].obs.exit_code = 255;
    }
    stage_connect(&stage, true);
    ck_stage(&stage, "start a; start b; start c; start d; start e; start f; start g; start h; ");
    stage_run(&stage, 1000);
    ck_stage(&stage, "start i; start j; ");
}
END_TEST

START_TEST(live_restore_changes_nothing)
{
    up("s: db h; web n:db");
    stage_health(&stage, "db", ACC_DH_HEALTHY);
    stage_event(&stage, ACC_EV_CONN_DOWN);
    stage_of(&stage, "db")->obs.health = ACC_DH_STARTING; /* the same run */
    stage_connect(&stage, true);
    ck_state(&stage, "db", "up");
    ck_state(&stage, "web", "up");
    stage_run(&stage, 600000);
    ck_stage(&stage, "");
    ck_state(&stage, "db", "up");
}
END_TEST

/* 20.10 after live-restore: `healthy` for ever (moby#41871). */
START_TEST(a_silent_monitor_is_replaced_by_our_own_checks)
{
    up("s: db h");
    stage_health(&stage, "db", ACC_DH_HEALTHY);
    service("db")->probe = ACC_PROBE_FAIL;
    stage_run(&stage, 360000);
    ck_assert_ptr_nonnull(strstr(stage_trace(&stage), "stop db; start db; "));
}
END_TEST

START_TEST(nothing_is_done_while_the_engine_hangs)
{
    up("s: a");
    stage_event(&stage, ACC_EV_CONN_DEGRADED);
    stage_exit(&stage, "a", 1);
    stage_run(&stage, 60000);
    ck_stage(&stage, "");
    stage_connect(&stage, false);
    ck_stage(&stage, "start a; ");
}
END_TEST

START_TEST(nothing_is_done_when_the_host_goes_down)
{
    up("s: a");
    stage_event(&stage, ACC_EV_SHUTDOWN);
    stage_exit(&stage, "a", 0);
    stage_run(&stage, 60000);
    ck_stage(&stage, "");
}
END_TEST

/* --- what happened while accd was away ------------------------------------------------------- */

static const struct {
    const char *label;
    bool manual, unreadable;
    int32_t code;
    bool held;
} away[] = {
    {"docker stop", true, false, 143, true},
    {"a crash", false, false, 1, false},
    {"a crash that looks like a stop", false, false, 143, false},
    {"unreadable: 143 is asked about", false, true, 143, true},
    {"unreadable: 0 of a daemon as well", false, true, 0, true},
    {"unreadable: 1 is brought up", false, true, 1, false},
};

START_TEST(what_ended_while_accd_was_away)
{
    up("s: db");
    struct stage_container *c = stage_of(&stage, "db");

    c->obs.state = ACC_CTR_EXITED;
    c->obs.exit_code = away[_i].code;
    c->manual = away[_i].manual;
    service("db")->no_manual_flag = away[_i].unreadable;
    stage_restart_accd(&stage);
    stage_connect(&stage, false);
    stage_run(&stage, 20000);
    const char *trace = stage_trace(&stage);

    ck_assert_msg(strcmp(trace, away[_i].held ? "" : "start db; ") == 0, "%s: %s", away[_i].label,
                  trace);
    ck_state(&stage, "db", away[_i].held ? "held" : "up");
    struct acc_service_record record;

    acc_engine_service_record(stage.engine, 0, stage.now_ms, &record);
    ck_assert_uint_eq(record.n_failures, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("engine_hand");
    TCase *tcase = tcase_create("engine_hand");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, networks_of_a_stack_that_was_taken_down_go_although_accd_died);
    tcase_add_test(tcase, networks_of_a_stack_that_was_taken_down_go_although_its_file_changed);
    tcase_add_test(tcase, each_named_target_is_added);
    tcase_add_test(tcase, what_a_person_stops_stays_stopped);
    tcase_add_test(tcase, up_and_a_start_by_hand_release_it_as_well);
    tcase_add_test(tcase, a_hold_survives_accd);
    tcase_add_test(tcase, docker_kill_is_a_crash);
    tcase_add_test(tcase, a_stop_told_before_the_die_counts);
    tcase_add_test(tcase, a_stop_told_late_takes_the_crash_back);
    tcase_add_test(tcase, when_no_event_told_the_engines_own_flag_does);
    tcase_add_test(tcase, paused_is_left_alone_and_its_health_is_not_believed);
    tcase_add_test(tcase, who_asks_for_what_is_paused_waits_until_it_goes_on);
    tcase_add_test(tcase, what_ends_between_two_dockerds_was_not_stopped_by_hand);
    tcase_add_test(tcase, what_ended_well_while_accd_was_away_is_started_again_unless_it_is_a_job);
    tcase_add_test(tcase, what_ends_well_as_dockerd_goes_down_has_not_done_its_work);
    tcase_add_test(tcase, what_was_up_before_the_engine_went_away_proves_nothing);
    tcase_add_test(tcase, up_unpauses);
    tcase_add_test(tcase, compose_down_beside_us_is_respected);
    tcase_add_test(tcase, a_network_that_was_removed_is_made_again_and_no_failure);
    tcase_add_test(tcase, rm_force_of_a_running_container_turns_it_off);
    tcase_add_test(tcase, a_sharer_from_before_accd_follows_a_new_container);
    tcase_add_test(tcase, a_dead_container_that_is_pruned_is_made_again);
    tcase_add_test(tcase, what_compose_recreates_is_taken_not_fought);
    tcase_add_test(tcase, what_is_put_in_the_place_of_one_that_is_being_started_is_kept);
    tcase_add_test(tcase, what_is_asked_for_before_the_first_look_is_done);
    tcase_add_test(tcase, of_two_that_run_in_one_slot_one_is_stopped_and_kept);
    tcase_add_test(tcase, a_name_that_a_stranger_holds_is_told);
    tcase_add_test(tcase, a_shutdown_of_dockerd_is_no_hand);
    tcase_add_test(tcase, after_dockerd_they_come_back_a_few_at_a_time);
    tcase_add_test(tcase, live_restore_changes_nothing);
    tcase_add_test(tcase, a_silent_monitor_is_replaced_by_our_own_checks);
    tcase_add_test(tcase, nothing_is_done_while_the_engine_hangs);
    tcase_add_test(tcase, nothing_is_done_when_the_host_goes_down);
    tcase_add_loop_test(tcase, what_ended_while_accd_was_away, 0, ACC_ARRAY_LEN(away));
    srunner_run_all(runner, CK_NORMAL);
    int n_failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return n_failed > 0;
}
