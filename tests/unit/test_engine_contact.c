/* Containers that were there before accd: observed, adopted, handed back, known again. E10. */

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/assert.h"
#include "tests/unit/stage.h"

static struct stage stage;

static void setup(void)
{
    stage.observe_new = true;
}

static void teardown(void)
{
    stage_close(&stage);
}

static bool is_wanted(const char *name)
{
    struct acc_service_view view;

    acc_engine_service(stage.engine, stage_index(&stage, name), stage.now_ms, &view);
    return view.wanted_up;
}

static bool is_observed(const char *stack)
{
    for (uint32_t k = 0; k < acc_engine_n_stacks(stage.engine); k++) {
        if (strcmp(acc_engine_stack_name(stage.engine, k), stack) == 0) {
            return acc_engine_stack_observing(stage.engine, k);
        }
    }
    ck_abort_msg("no stack %s", stack);
    return false;
}

/* --- first contact --------------------------------------------------------------------------- */

/* a runs with a policy of its own, b was stopped, c was never made. */
static void arrive(const char *text)
{
    stage_open(&stage, model_build(text));
    stage_add(&stage, "a", true)->obs.restart = ACC_RESTART_ALWAYS;
    struct stage_container *b = stage_add(&stage, "b", true);

    b->obs.state = ACC_CTR_EXITED;
    b->obs.restart = ACC_RESTART_ALWAYS;
    stage_connect(&stage, false);
}

static uint64_t age_of(const char *name)
{
    struct acc_service_view view;

    acc_engine_service(stage.engine, stage_index(&stage, name), stage.now_ms, &view);
    return stage.now_ms - view.since_ms;
}

START_TEST(what_is_found_is_as_old_as_its_container)
{
    const uint64_t day_ms = 86400000; /* older than this clock */

    stage_open(&stage, model_build("s: a; b; c"));
    stage_add(&stage, "a", true)->obs.age_ms = 3 * day_ms;
    struct stage_container *b = stage_add(&stage, "b", true);

    b->obs.state = ACC_CTR_EXITED;
    b->obs.age_ms = 2 * day_ms;
    stage_connect(&stage, false);
    stage_run(&stage, 10000);
    ck_state(&stage, "a", "up");
    ck_state(&stage, "b", "off");
    ck_assert_uint_eq(age_of("a"), 3 * day_ms + 10000);
    ck_assert_uint_eq(age_of("b"), 2 * day_ms + 10000);
    ck_assert_uint_le(age_of("c"), 10000);
    stage_of(&stage, "a")->obs.age_ms = 0; /* only what is found counts */
    stage_exit(&stage, "a", 1);
    stage_run(&stage, 5000);
    ck_state(&stage, "a", "failed"); /* it is only observed */
    ck_assert_uint_le(age_of("a"), 5000);
}
END_TEST

/* A job that had failed before accd was restarted did so when Docker says. */
START_TEST(what_had_failed_before_is_told_with_its_time)
{
    stage.observe_new = false;
    stage_open(&stage, model_build("s: a r0"));
    stage_connect(&stage, false);
    stage_run(&stage, 10000);
    stage_exit(&stage, "a", 3);
    stage_run(&stage, 10000);
    ck_state(&stage, "a", "failed");
    stage_of(&stage, "a")->obs.age_ms = 7200000; /* older than this clock */
    stage_restart_accd(&stage);
    stage_connect(&stage, false);
    stage_run(&stage, 60000);
    ck_state(&stage, "a", "failed");
    ck_assert_ptr_nonnull(strstr(stage_reason(&stage, "a"), "exited with 3 (2 h 1 min ago)"));
}
END_TEST

START_TEST(what_was_there_before_is_only_observed)
{
    arrive("s: a; b; c");
    stage_run(&stage, 600000);
    ck_stage(&stage, "");
    ck_assert(acc_engine_stack_observing(stage.engine, 0));
    ck_assert(is_wanted("a"));
    ck_assert(!is_wanted("b"));
    ck_assert(!is_wanted("c"));
    ck_state(&stage, "a", "up");
    stage_notes(&stage);
    stage_exit(&stage, "a", 1);
    stage_run(&stage, 3600000);
    ck_stage(&stage, "");
    const char *notes = stage_notes(&stage);
    const char *would = strstr(notes, "would start");

    ck_assert_ptr_nonnull(would);
    ck_assert_ptr_null(strstr(would + 1, "would")); /* told once */
}
END_TEST

START_TEST(a_fresh_stack_is_managed_at_once)
{
    stage_up(&stage, "s: a");
    ck_stage(&stage, "create a; start a; ");
    ck_assert(!acc_engine_stack_observing(stage.engine, 0));
}
END_TEST

START_TEST(adoption_restarts_nothing)
{
    arrive("s: a; b; c n:a");
    stage_cmd(&stage, ACC_VERB_ADOPT, "s", "");
    ck_stage(&stage, "set-policy a; set-policy b; ");
    stage_run(&stage, 600000);
    ck_stage(&stage, "");
    ck_assert_int_eq(stage_of(&stage, "a")->obs.restart, ACC_RESTART_NO);
    char text[ACC_REASON_MAX + 1];

    ck_assert_int_eq(acc_engine_settled(stage.engine, 0, ACC_VERB_ADOPT, stage.now_ms, text),
                     ACC_SETTLED_DONE);
    stage_restart_accd(&stage);
    stage_connect(&stage, false);
    stage_run(&stage, 600000);
    ck_stage(&stage, "");
    stage_exit(&stage, "a", 1);
    ck_stage(&stage, "start a; ");
    stage_cmd(&stage, ACC_VERB_UP, "", "");
    stage_run(&stage, 10000);
    ck_stage(&stage, "start b; create c; start c; ");
}
END_TEST

/* Who lived with another one than it would be made with today was well so. */
/* `docker compose up --scale`. */
START_TEST(what_was_scaled_by_hand_stays_until_somebody_asks)
{
    struct acc_service_view view;

    stage_open(&stage, model_build("s: a"));
    stage_add(&stage, "a", true);
    for (uint32_t number = 2; number <= 3; number++) {
        struct stage_container *c = stage_add(&stage, "a", true);

        c->obs.number = number;
        (void)snprintf(c->obs.name, sizeof(c->obs.name), "s-a-%u", (unsigned)number);
    }
    stage_connect(&stage, false);
    acc_engine_service(stage.engine, 0, stage.now_ms, &view);
    ck_assert_uint_eq(view.scale[0], 3);
    ck_assert_uint_eq(view.scale[1], 1);
    stage_cmd(&stage, ACC_VERB_ADOPT, "s", "");
    stage_run(&stage, 600000);
    ck_stage(&stage, "");
    stage_restart_accd(&stage);
    stage_connect(&stage, false);
    stage_run(&stage, 600000);
    ck_stage(&stage, "");
    acc_engine_service(stage.engine, 0, stage.now_ms, &view);
    ck_assert_uint_eq(view.scale[0], 3);
    acc_engine_conform(stage.engine); /* `accctl apply` is the asking */
    stage_event(&stage, ACC_EV_TIMEOUT);
    stage_run(&stage, 60000);
    acc_engine_service(stage.engine, 0, stage.now_ms, &view);
    ck_assert_uint_eq(view.scale[0], 0);
    ck_assert_ptr_nonnull(strstr(stage_trace(&stage), "stop a; stop a; remove a; remove a; "));
}
END_TEST

START_TEST(adoption_makes_no_sharer_anew)
{
    stage_open(&stage, model_build("s: a; b b:a"));
    stage_add(&stage, "a", true);
    (void)snprintf(stage_add(&stage, "b", true)->obs.shares, ACC_OBS_SHARES_MAX, "%064x\n", 77);
    stage_connect(&stage, false);
    stage_run(&stage, 10000);
    stage_trace(&stage);
    stage_cmd(&stage, ACC_VERB_ADOPT, "s", "");
    stage_run(&stage, 60000);
    ck_stage(&stage, "");
}
END_TEST

START_TEST(up_of_a_service_takes_its_stack_over)
{
    arrive("s: a; b; c");
    stage_cmd(&stage, ACC_VERB_UP, "c", "");
    ck_stage(&stage, "set-policy a; set-policy b; create c; start c; ");
    ck_assert(!is_wanted("b"));
}
END_TEST

START_TEST(other_verbs_leave_an_observed_stack_alone)
{
    char text[ACC_REASON_MAX + 1];

    arrive("s: a; b");
    stage_cmd(&stage, ACC_VERB_STOP, "a", "");
    stage_cmd(&stage, ACC_VERB_RESTART, "a", "");
    stage_cmd(&stage, ACC_VERB_DOWN, "", "");
    stage_run(&stage, 60000);
    ck_stage(&stage, "");
    ck_assert_int_eq(acc_engine_settled(stage.engine, 0, ACC_VERB_STOP, stage.now_ms, text),
                     ACC_SETTLED_REFUSED);
    ck_assert_ptr_nonnull(strstr(text, "adopt"));
}
END_TEST

START_TEST(adopted_names_are_kept)
{
    arrive("s: a; b");
    (void)snprintf(stage_of(&stage, "a")->obs.name, 64, "s_a_1"); /* Compose 1.29 */
    stage_tell(&stage, stage_of(&stage, "a"));
    stage_cmd(&stage, ACC_VERB_ADOPT, "s", "");
    stage_cmd(&stage, ACC_VERB_DOWN, "a", "");
    stage_cmd(&stage, ACC_VERB_UP, "a", "");
    ck_assert_str_eq(stage_of(&stage, "a")->obs.name, "s_a_1");
}
END_TEST

START_TEST(what_was_handed_back_is_not_changed_again)
{
    struct acc_model *model = model_build("s: web");

    stage_open(&stage, model);
    model->services[0]->restart = ACC_RESTART_ALWAYS;
    stage.engine = acc_engine_destroy(stage.engine);
    stage_restart_accd(&stage);
    stage_connect(&stage, false);
    stage_run(&stage, 60000);
    stage_trace(&stage);
    stage_cmd(&stage, ACC_VERB_HAND_BACK, "", "");
    stage_run(&stage, 120000);
    ck_stage(&stage, "set-policy web; ");
    stage_of(&stage, "web")->obs.restart = ACC_RESTART_UNLESS_STOPPED; /* docker update */
    stage_run(&stage, 120000);
    ck_stage(&stage, "");
    stage_cmd(&stage, ACC_VERB_HAND_BACK, "", ""); /* asked for again */
    stage_run(&stage, 120000);
    ck_stage(&stage, "set-policy web; ");
}
END_TEST

START_TEST(hand_back_restores_the_policies_and_keeps_away)
{
    struct acc_model *model = model_build("s: a; b; c r0; d rf3");

    stage_open(&stage, model);
    model->services[model_index(model, "a")]->restart = ACC_RESTART_UNLESS_STOPPED;
    stage.engine = acc_engine_destroy(stage.engine);
    stage_restart_accd(&stage);
    stage_connect(&stage, false);
    stage_run(&stage, 60000);
    stage_trace(&stage);
    stage_cmd(&stage, ACC_VERB_HAND_BACK, "", "");
    ck_stage(&stage, "set-policy a; set-policy d; ");
    ck_assert_int_eq(stage_of(&stage, "a")->obs.restart, ACC_RESTART_UNLESS_STOPPED);
    ck_assert_int_eq(stage_of(&stage, "d")->obs.restart, ACC_RESTART_ON_FAILURE);
    ck_assert_uint_eq(stage_of(&stage, "d")->obs.restart_max, 3);
    char text[ACC_REASON_MAX + 1];

    ck_assert_int_eq(acc_engine_settled(stage.engine, 0, ACC_VERB_HAND_BACK, stage.now_ms, text),
                     ACC_SETTLED_DONE);
    stage_exit(&stage, "a", 1);
    stage_run(&stage, 600000);
    ck_stage(&stage, "");
    stage_restart_accd(&stage);
    stage_connect(&stage, false);
    stage_run(&stage, 600000);
    ck_stage(&stage, "");
}
END_TEST

/* Who waits for the end of something hears how it went, and not that it is refused. */
START_TEST(who_waits_while_it_is_handed_back_is_told)
{
    char text[ACC_REASON_MAX + 1];

    stage_up(&stage, "s: a; b");
    stage_trace(&stage);
    stage_cmd(&stage, ACC_VERB_UPGRADE, "a", "");
    stage_run(&stage, 60000);
    ck_assert_int_eq(acc_engine_settled(stage.engine, 0, ACC_VERB_UPGRADE, stage.now_ms, text),
                     ACC_SETTLED_DONE);
    stage_cmd(&stage, ACC_VERB_STOP, "b", "");
    stage_cmd(&stage, ACC_VERB_HAND_BACK, "s", "");
    ck_assert(is_observed("s"));
    ck_assert_int_eq(acc_engine_settled(stage.engine, 0, ACC_VERB_UPGRADE, stage.now_ms, text),
                     ACC_SETTLED_DONE);
    ck_assert_int_eq(acc_engine_settled(stage.engine, 0, ACC_VERB_UP, stage.now_ms, text),
                     ACC_SETTLED_DONE);
    ck_assert_int_eq(acc_engine_settled(stage.engine, 1, ACC_VERB_STOP, stage.now_ms, text),
                     ACC_SETTLED_DONE);
    ck_assert_int_eq(acc_engine_settled(stage.engine, 1, ACC_VERB_UPGRADE, stage.now_ms, text),
                     ACC_SETTLED_REFUSED);
    ck_assert_ptr_nonnull(strstr(text, "handed back"));
    stage_restart_accd(&stage); /* nobody waits for that one */
    stage_connect(&stage, false);
    ck_assert_int_eq(acc_engine_settled(stage.engine, 0, ACC_VERB_UP, stage.now_ms, text),
                     ACC_SETTLED_REFUSED);
}
END_TEST

START_TEST(what_is_not_ready_yet_as_it_is_handed_back_is_waited_for)
{
    char text[ACC_REASON_MAX + 1];

    stage_up(&stage, "s: a h");
    stage_cmd(&stage, ACC_VERB_RESTART, "a", "");
    ck_assert_int_eq(acc_engine_settled(stage.engine, 0, ACC_VERB_RESTART, stage.now_ms, text),
                     ACC_SETTLED_PENDING);
    stage_cmd(&stage, ACC_VERB_HAND_BACK, "s", "");
    ck_assert(is_observed("s"));
    ck_assert_int_eq(acc_engine_settled(stage.engine, 0, ACC_VERB_RESTART, stage.now_ms, text),
                     ACC_SETTLED_PENDING);
    stage_health(&stage, "a", ACC_DH_HEALTHY);
    stage_run(&stage, 20000);
    ck_assert_int_eq(acc_engine_settled(stage.engine, 0, ACC_VERB_RESTART, stage.now_ms, text),
                     ACC_SETTLED_DONE);
}
END_TEST

START_TEST(what_was_not_seen_yet_is_not_said_to_be_handed_back)
{
    char text[ACC_REASON_MAX + 1];

    stage_open(&stage, model_build("s: a"));
    stage_add(&stage, "a", true);
    stage_cmd(&stage, ACC_VERB_HAND_BACK, "s", "");
    ck_assert_int_eq(acc_engine_settled(stage.engine, 0, ACC_VERB_HAND_BACK, stage.now_ms, text),
                     ACC_SETTLED_PENDING);
    stage_connect(&stage, false);
    ck_assert_int_eq(acc_engine_settled(stage.engine, 0, ACC_VERB_HAND_BACK, stage.now_ms, text),
                     ACC_SETTLED_DONE);
}
END_TEST

/* --- a stack that comes with a new configuration -----------------------------------------------
 */

static const char *const both[] = {"s: db", "t: a; b; c"};

/* Stack t joins: a runs, b has ended, c was never made. `by_accd`: with its labels. */
static void join(bool by_accd, enum acc_restart_policy policy)
{
    struct acc_model *model = model_build_n(both, 2);
    struct acc_model *old = stage.model;

    stage.model = model; /* so that they can be named */
    for (int k = 0; k < 2; k++) {
        struct stage_container *c = stage_add(&stage, k ? "b" : "a", true);

        c->obs.restart = policy;
        if (by_accd) {
            memcpy(c->obs.spec_hash, model->services[c->svc]->spec_hash, sizeof(c->obs.spec_hash));
        }
        if (k) {
            c->obs.state = ACC_CTR_EXITED;
            c->obs.exit_code = 1;
        }
    }
    stage.model = old;
    stage_reconfigure(&stage, model);
}

START_TEST(a_stack_that_joins_later_is_observed_as_well)
{
    char text[ACC_REASON_MAX + 1];

    stage_up(&stage, "s: db");
    stage_trace(&stage);
    stage_notes(&stage);
    join(false, ACC_RESTART_ALWAYS);
    ck_assert(is_observed("t"));
    ck_assert(!is_observed("s"));
    ck_assert(is_wanted("a"));
    ck_assert(!is_wanted("b"));
    ck_assert(!is_wanted("c"));
    ck_assert_ptr_nonnull(strstr(stage_notes(&stage), "stack t was found running"));
    ck_assert_int_eq(acc_engine_applied(stage.engine, stage_index(&stage, "a"), stage.now_ms, text),
                     ACC_SETTLED_DONE);
    stage_exit(&stage, "a", 1);
    stage_run(&stage, 600000);
    ck_stage(&stage, "");
    stage_restart_accd(&stage); /* and that is kept */
    stage_connect(&stage, false);
    stage_run(&stage, 60000);
    ck_stage(&stage, "");
    stage_cmd(&stage, ACC_VERB_ADOPT, "t", ""); /* what doesn't run stays off */
    ck_stage(&stage, "set-policy a; set-policy b; ");
    ck_assert(!is_wanted("a"));
    stage_cmd(&stage, ACC_VERB_UP, "a", "");
    ck_stage(&stage, "start a; ");
}
END_TEST

START_TEST(a_stack_without_containers_that_joins_later_is_managed_at_once)
{
    stage_up(&stage, "s: db");
    stage_trace(&stage);
    stage_reconfigure(&stage, model_build_n(both, 2));
    ck_stage(&stage, "create a; create b; create c; start a; start b; start c; ");
    ck_assert(!is_observed("t"));
}
END_TEST

START_TEST(nothing_is_decided_before_the_containers_of_a_new_stack_were_listed)
{
    char text[ACC_REASON_MAX + 1];
    struct acc_model *model = model_build_n(both, 2);

    stage_up(&stage, "s: db");
    stage_trace(&stage);
    ck_assert_int_eq(acc_engine_reconfigure(stage.engine, model, NULL, 0, stage.now_ms), 0);
    acc_model_destroy(stage.model);
    stage.model = model;
    stage.actions.n = 0; /* its list is never answered; but the one before is */
    struct acc_event event = {.type = ACC_EV_SNAPSHOT, .now_ms = stage.now_ms};

    acc_engine_step(stage.engine, &event, &stage.actions);
    for (size_t i = 0; i < stage.actions.n; i++) {
        ck_assert_int_ne(stage.actions.item[i].type, ACC_ACT_CREATE);
    }
    ck_assert_int_eq(acc_engine_applied(stage.engine, stage_index(&stage, "a"), stage.now_ms, text),
                     ACC_SETTLED_PENDING);
    ck_assert_ptr_nonnull(strstr(stage_reason(&stage, "a"), "looked for"));
}
END_TEST

START_TEST(a_stack_of_our_own_that_joins_later_is_managed)
{
    stage_up(&stage, "s: db");
    stage_trace(&stage);
    join(true, ACC_RESTART_NO);
    stage_run(&stage, 60000);
    ck_assert(!is_observed("t"));
    ck_stage(&stage, "start b; create c; start c; ");
}
END_TEST

/* --- the state is lost -------------------------------------------------------------------------
 */

static void lose_state(void)
{
    memset(stage.has_record, 0, sizeof(stage.has_record));
    memset(stage.has_stack_record, 0, sizeof(stage.has_stack_record));
    stage_restart_accd(&stage);
    stage_connect(&stage, false);
}

START_TEST(without_its_state_it_goes_on_with_what_it_made)
{
    stage_up(&stage, "s: a; b n:a");
    stage_run(&stage, 60000);
    stage_trace(&stage);
    lose_state();
    ck_assert(!is_observed("s"));
    ck_assert(acc_engine_stack_recovered(stage.engine, 0));
    stage_run(&stage, 60000);
    ck_stage(&stage, "");
    stage_exit(&stage, "a", 1);
    ck_stage(&stage, "start a; ");
    stage_restart_accd(&stage); /* from here on it is known again */
    stage_connect(&stage, false);
    ck_assert(!is_observed("s"));
    ck_assert(!acc_engine_stack_recovered(stage.engine, 0));
}
END_TEST

START_TEST(without_its_state_what_was_stopped_stays_so_and_what_is_not_there_is_made)
{
    stage_up(&stage, "s: a; b; c");
    stage_cmd(&stage, ACC_VERB_STOP, "a", "");
    stage_of(&stage, "a")->manual = true; /* as after every stop by the API */
    stage_cmd(&stage, ACC_VERB_DOWN, "b", "");
    stage_run(&stage, 60000);
    stage_trace(&stage);
    lose_state();
    stage_run(&stage, 60000);
    ck_stage(&stage, "create b; start b; ");
    ck_state(&stage, "a", "held");
    ck_state(&stage, "c", "up");
}
END_TEST

/* Nothing could be written any more when an upgrade had just begun: what the names tell is newer.
 */
START_TEST(of_an_upgrade_that_was_done_since_its_record_the_names_tell)
{
    const char *const ways[] = {"s: web p", "s: web p e"};

    stage_up(&stage, ways[_i]);
    stage_run(&stage, 60000);
    (void)snprintf(stage.service[0].image, sizeof(stage.service[0].image), "img2");
    stage_upgrade(&stage, ACC_VERB_UPGRADE, "web", "", 0);
    stage_run(&stage, 60000);
    ck_assert_int_eq(stage.record[0].rollout.step, ACC_ROLL_WATCH);
    stage.record[0].rollout.step = ACC_ROLL_CREATE;
    stage.record[0].revision = 1;
    stage_trace(&stage);
    stage_restart_accd(&stage);
    stage_connect(&stage, false);
    stage_run(&stage, 700000);
    ck_stage(&stage, "remove web; "); /* the kept one, at the end of the watch */
    ck_assert_str_eq(stage_containers(&stage), "s-web-1 running img2 r2; ");
}
END_TEST

START_TEST(without_its_state_it_lets_alone_what_it_had_given_back)
{
    stage_open(&stage, model_build("s: a; b r0"));
    stage.model->services[stage_index(&stage, "a")]->restart = ACC_RESTART_ALWAYS;
    stage.engine = acc_engine_destroy(stage.engine);
    stage_restart_accd(&stage);
    stage_connect(&stage, false);
    stage_run(&stage, 60000);
    stage_cmd(&stage, ACC_VERB_HAND_BACK, "", "");
    stage_run(&stage, 60000);
    stage_trace(&stage);
    lose_state();
    ck_assert(is_observed("s"));
    stage_exit(&stage, "b", 1);
    stage_run(&stage, 60000);
    ck_stage(&stage, "");
}
END_TEST

/* --- asked before anything was seen ------------------------------------------------------------
 */

static enum acc_settled settled_as(const char *name, enum acc_verb verb)
{
    char text[ACC_REASON_MAX + 1];

    return acc_engine_settled(stage.engine, stage_index(&stage, name), verb, stage.now_ms, text);
}

/* accd comes without its state, and before it has seen anything it is asked for something. */
static void lose_state_and_ask(enum acc_verb verb, const char *name)
{
    memset(stage.has_record, 0, sizeof(stage.has_record));
    memset(stage.has_stack_record, 0, sizeof(stage.has_stack_record));
    stage_restart_accd(&stage);
    if (verb == ACC_VERB_HOLD) {
        stage_hold(&stage, verb, name, ACC_HOLD_DOWN, 0);
    } else if (verb == ACC_VERB_UPGRADE) {
        stage_upgrade(&stage, verb, name, "web:2", 0);
    } else {
        stage_cmd(&stage, verb, name, "");
    }
    ck_assert_int_eq(settled_as(name, verb), ACC_SETTLED_PENDING);
    stage_trace(&stage);
    stage_connect(&stage, false);
    stage_run(&stage, 10000);
}

static void up_for_long(void)
{
    stage_up(&stage, "s: a; b");
    stage_run(&stage, 60000);
    stage_trace(&stage);
}

START_TEST(a_stop_before_the_first_look_is_kept)
{
    up_for_long();
    lose_state_and_ask(ACC_VERB_STOP, "a");
    ck_stage(&stage, "stop a; ");
    ck_state(&stage, "a", "off");
    ck_assert_int_eq(settled_as("a", ACC_VERB_STOP), ACC_SETTLED_DONE);
}
END_TEST

START_TEST(a_down_before_the_first_look_is_kept)
{
    up_for_long();
    lose_state_and_ask(ACC_VERB_DOWN, "a");
    ck_stage(&stage, "stop a; remove a; ");
    ck_assert_int_eq(settled_as("a", ACC_VERB_DOWN), ACC_SETTLED_DONE);
}
END_TEST

START_TEST(a_restart_before_the_first_look_is_kept)
{
    up_for_long();
    lose_state_and_ask(ACC_VERB_RESTART, "a");
    ck_stage(&stage, "stop a; start a; ");
    ck_state(&stage, "a", "up");
    ck_assert_int_eq(settled_as("a", ACC_VERB_RESTART), ACC_SETTLED_DONE);
}
END_TEST

START_TEST(a_hold_before_the_first_look_is_kept)
{
    up_for_long();
    lose_state_and_ask(ACC_VERB_HOLD, "a");
    stage_exit(&stage, "a", 1);
    stage_run(&stage, 60000);
    ck_stage(&stage, "");
    ck_state(&stage, "a", "held");
}
END_TEST

START_TEST(an_upgrade_before_the_first_look_is_kept)
{
    up_for_long();
    lose_state_and_ask(ACC_VERB_UPGRADE, "a");
    ck_assert_ptr_nonnull(strstr(stage_trace(&stage), "pull a; "));
}
END_TEST

/* What was stopped by hand runs again when somebody asks for it, however early. */
static void stopped_by_hand_then(enum acc_verb verb)
{
    up_for_long();
    stage_docker_stop(&stage, "a");
    stage_of(&stage, "a")->manual = true;
    stage_run(&stage, 60000);
    ck_state(&stage, "a", "held");
    lose_state_and_ask(verb, "a");
    ck_stage(&stage, "start a; ");
    ck_state(&stage, "a", "up");
}

START_TEST(what_was_stopped_by_hand_is_started_when_that_is_asked_early)
{
    static const enum acc_verb verbs[] = {ACC_VERB_RESTART, ACC_VERB_RELEASE};

    stopped_by_hand_then(verbs[_i]);
}
END_TEST

START_TEST(an_up_before_the_first_look_starts_what_was_stopped_by_hand)
{
    up_for_long();
    stage_docker_stop(&stage, "a");
    stage_of(&stage, "a")->manual = true;
    stage_run(&stage, 60000);
    stage_restart_accd(&stage); /* it knows all about it */
    stage_cmd(&stage, ACC_VERB_UP, "a", "");
    stage_connect(&stage, false);
    stage_run(&stage, 10000);
    ck_stage(&stage, "start a; ");
}
END_TEST

START_TEST(what_turns_out_to_be_observed_is_not_touched_and_that_is_told)
{
    static const enum acc_verb verbs[] = {ACC_VERB_STOP, ACC_VERB_DOWN, ACC_VERB_RESTART,
                                          ACC_VERB_HOLD, ACC_VERB_UPGRADE};

    stage_open(&stage, model_build("s: a; b"));
    stage_add(&stage, "a", true)->obs.restart = ACC_RESTART_ALWAYS;
    lose_state_and_ask(verbs[_i], "a");
    ck_stage(&stage, "");
    ck_assert(is_observed("s"));
    ck_assert(is_wanted("a"));
    ck_assert_int_eq(settled_as("a", verbs[_i]), ACC_SETTLED_REFUSED);
    ck_assert_ptr_nonnull(strstr(stage_notes(&stage), "s/a is not done: its stack is only"));
    stage_cmd(&stage, ACC_VERB_ADOPT, "s", "");
    stage_run(&stage, 60000);
    ck_stage(&stage, "set-policy a; "); /* nothing of it is remembered */
}
END_TEST

START_TEST(a_down_of_a_stack_that_turns_out_to_be_observed_leaves_its_networks)
{
    stage_open(&stage, model_build("s: a; b"));
    stage_add(&stage, "a", true)->obs.restart = ACC_RESTART_ALWAYS;
    stage_cmd(&stage, ACC_VERB_DOWN, "s", "v");
    stage_connect(&stage, false);
    stage_docker_rm(&stage, "a");
    stage_run(&stage, 60000);
    ck_stage(&stage, "");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("engine_contact");
    TCase *tcase = tcase_create("engine_contact");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, what_is_found_is_as_old_as_its_container);
    tcase_add_test(tcase, what_had_failed_before_is_told_with_its_time);
    tcase_add_test(tcase, what_was_there_before_is_only_observed);
    tcase_add_test(tcase, a_fresh_stack_is_managed_at_once);
    tcase_add_test(tcase, adoption_restarts_nothing);
    tcase_add_test(tcase, what_was_scaled_by_hand_stays_until_somebody_asks);
    tcase_add_test(tcase, adoption_makes_no_sharer_anew);
    tcase_add_test(tcase, up_of_a_service_takes_its_stack_over);
    tcase_add_test(tcase, other_verbs_leave_an_observed_stack_alone);
    tcase_add_test(tcase, adopted_names_are_kept);
    tcase_add_test(tcase, hand_back_restores_the_policies_and_keeps_away);
    tcase_add_test(tcase, who_waits_while_it_is_handed_back_is_told);
    tcase_add_test(tcase, what_is_not_ready_yet_as_it_is_handed_back_is_waited_for);
    tcase_add_test(tcase, what_was_handed_back_is_not_changed_again);
    tcase_add_test(tcase, what_was_not_seen_yet_is_not_said_to_be_handed_back);
    tcase_add_test(tcase, a_stack_that_joins_later_is_observed_as_well);
    tcase_add_test(tcase, a_stack_without_containers_that_joins_later_is_managed_at_once);
    tcase_add_test(tcase, nothing_is_decided_before_the_containers_of_a_new_stack_were_listed);
    tcase_add_test(tcase, a_stack_of_our_own_that_joins_later_is_managed);
    tcase_add_test(tcase, without_its_state_it_goes_on_with_what_it_made);
    tcase_add_test(tcase,
                   without_its_state_what_was_stopped_stays_so_and_what_is_not_there_is_made);
    tcase_add_loop_test(tcase, of_an_upgrade_that_was_done_since_its_record_the_names_tell, 0, 2);
    tcase_add_test(tcase, without_its_state_it_lets_alone_what_it_had_given_back);
    tcase_add_test(tcase, a_stop_before_the_first_look_is_kept);
    tcase_add_test(tcase, a_down_before_the_first_look_is_kept);
    tcase_add_test(tcase, a_restart_before_the_first_look_is_kept);
    tcase_add_test(tcase, a_hold_before_the_first_look_is_kept);
    tcase_add_test(tcase, an_upgrade_before_the_first_look_is_kept);
    tcase_add_loop_test(tcase, what_was_stopped_by_hand_is_started_when_that_is_asked_early, 0, 2);
    tcase_add_test(tcase, an_up_before_the_first_look_starts_what_was_stopped_by_hand);
    tcase_add_loop_test(tcase, what_turns_out_to_be_observed_is_not_touched_and_that_is_told, 0, 5);
    tcase_add_test(tcase, a_down_of_a_stack_that_turns_out_to_be_observed_leaves_its_networks);
    srunner_run_all(runner, CK_NORMAL);
    int n_failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return n_failed > 0;
}
