/* New files while the old ones run, and what is said of a service's state. ENGINE.md E8, E11. */

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
}

/* The files say `text`; the services in `touched` have other settings than before. */
static void change(const char *text, const char *touched)
{
    struct acc_model *model = model_build(text);

    if (touched) {
        model_touch(model, touched);
    }
    stage_reconfigure(&stage, model);
    stage_run(&stage, 600000);
}

/* The new one is there and ready before the old one goes, which is kept for a while. */
#define ROLLED(s)                                                                                  \
    "pull " s "; create " s "; start " s "; route " s "; stop " s "; rename " s "; rename " s "; "

/* --- new files ------------------------------------------------------------------------------- */

START_TEST(same_files_change_nothing)
{
    up("s: db h; cache; web n:db n:cache x2 p");
    change("s: db h; cache; web n:db n:cache x2 p", NULL);
    ck_stage(&stage, "");
    ck_state(&stage, "web", "up");
}
END_TEST

START_TEST(a_new_service_comes_up_and_touches_nobody)
{
    up("s: db");
    change("s: aaa n:db; db", NULL);
    ck_stage(&stage, "create aaa; start aaa; ");
}
END_TEST

START_TEST(a_service_that_left_the_file_is_stopped_and_kept)
{
    up("s: db; web n:db");
    change("s: db", NULL);
    ck_stage(&stage, "stop ?; "); /* the new model has no name for it */
    stage_restart_accd(&stage);
    stage_connect(&stage, false);
    stage_run(&stage, 60000);
    ck_stage(&stage, "");
}
END_TEST

START_TEST(pruning_removes_what_left_the_file)
{
    up("s: db; web n:db");
    change("s: db", NULL);
    stage_trace(&stage);
    acc_engine_prune(stage.engine);
    stage_event(&stage, ACC_EV_TIMEOUT);
    stage_run(&stage, 1000);
    ck_stage(&stage, "remove ?; ");
}
END_TEST

/* What Docker could not remove when somebody asked for that. */
START_TEST(a_dead_one_that_left_the_file_is_left_alone)
{
    struct stage_container *web;

    up("s: db; web n:db");
    web = stage_of(&stage, "web");
    change("s: db", NULL);
    stage_trace(&stage);
    web->obs.state = ACC_CTR_DEAD;
    stage_tell(&stage, web);
    stage_run(&stage, 60000);
    ck_stage(&stage, "");
    ck_assert_str_eq(stage_incidents(&stage), "");
    acc_engine_prune(stage.engine);
    stage_event(&stage, ACC_EV_TIMEOUT);
    stage_run(&stage, 1000);
    ck_stage(&stage, "remove ?; ");
}
END_TEST

START_TEST(a_service_that_returns_to_the_file_is_wanted_again)
{
    up("s: db; web n:db");
    change("s: db", NULL);
    stage_trace(&stage);
    change("s: db; web n:db", NULL);
    ck_stage(&stage, "start web; ");
    ck_state(&stage, "web", "up");
}
END_TEST

START_TEST(a_changed_service_is_replaced_alone)
{
    up("s: db; web n:db; ui n:web");
    change("s: db; web n:db; ui n:web", "web");
    ck_stage(&stage, ROLLED("web"));
    ck_state(&stage, "ui", "up");
}
END_TEST

START_TEST(fewer_replicas_remove_the_last)
{
    up("s: web x3");
    change("s: web x2", NULL);
    ck_stage(&stage, "stop web#3; remove web#3; ");
    change("s: web x3", NULL);
    ck_stage(&stage, "create web#3; start web#3; ");
}
END_TEST

/* --- and when that is over ------------------------------------------------------------------ */

static enum acc_settled applied(const char *name, char *text)
{
    text[0] = '\0';
    return acc_engine_applied(stage.engine, stage_index(&stage, name), stage.now_ms, text);
}

#define ck_applied(name, want)                                                                     \
    do {                                                                                           \
        char text[ACC_REASON_MAX + 1];                                                             \
        ck_assert_int_eq(applied(name, text), want);                                               \
    } while (0)

START_TEST(a_change_is_over_when_the_new_one_is_ready)
{
    struct acc_model *model = model_build("s: db; web n:db h; off");

    up("s: db; web n:db h; off");
    stage_cmd(&stage, ACC_VERB_STOP, "off", "");
    stage_run(&stage, 60000);
    model_touch(model, "web");
    model_touch(model, "off");
    stage_reconfigure(&stage, model);
    ck_applied("web", ACC_SETTLED_PENDING);
    service("web")->probe = ACC_PROBE_FAIL;
    stage_run(&stage, 10000);
    ck_applied("web", ACC_SETTLED_PENDING);
    ck_applied("off", ACC_SETTLED_DONE); /* not asked for, not touched */
    service("web")->probe = ACC_PROBE_PASS;
    stage_run(&stage, 60000);
    ck_applied("web", ACC_SETTLED_DONE);
    ck_applied("db", ACC_SETTLED_DONE);
}
END_TEST

START_TEST(a_change_whose_image_is_missing_fails_and_the_old_one_stays)
{
    char text[ACC_REASON_MAX + 1];

    up("s: db; web n:db");
    stage_connect(&stage, false); /* all that is there has to be looked for again */
    stage_run(&stage, 1000);
    stage.pull = ACC_OP_CONFIG;
    stage.pull_message = "no such image";
    change("s: db; web n:db", "web");
    ck_assert_int_eq(applied("web", text), ACC_SETTLED_FAILED);
    ck_assert_ptr_nonnull(strstr(text, "stays as it was"));
    ck_assert_ptr_nonnull(strstr(text, "no such image"));
    ck_state(&stage, "web", "up");
}
END_TEST

START_TEST(what_comes_after_a_change_that_is_stuck_says_so)
{
    struct acc_model *model = model_build("s: db; api n:db; web n:api");
    char text[ACC_REASON_MAX + 1];

    up("s: db; api n:db; web n:api");
    stage_connect(&stage, false); /* all that is there has to be looked for again */
    stage_run(&stage, 1000);
    stage.pull = ACC_OP_CONFIG;
    stage.pull_of = "db:1";
    stage.pull_message = "no such image";
    model_touch(model, "db");
    model_touch(model, "web");
    stage_reconfigure(&stage, model);
    stage_run(&stage, 10000);
    ck_assert_int_eq(applied("db", text), ACC_SETTLED_FAILED);
    ck_assert_str_eq(text, "stays as it was: needs db:1: no such image");
    ck_assert_int_eq(applied("web", text), ACC_SETTLED_FAILED);
    ck_assert_str_eq(text, "stays as it was: comes after db, which needs db:1: no such image");
    ck_assert_int_eq(applied("api", text), ACC_SETTLED_DONE);
    stage.pull = ACC_OP_OK;
    stage_trace(&stage);
    stage_run(&stage, 600000);
    ck_stage(&stage, ROLLED("db") ROLLED("web"));
    ck_assert_int_eq(applied("web", text), ACC_SETTLED_DONE);
}
END_TEST

START_TEST(a_change_above_one_that_is_open_is_not_waited_for)
{
    struct acc_model *model = model_build("s: cache; db; web n:db");
    char text[ACC_REASON_MAX + 1];

    up("s: cache; db; web n:db");
    for (int i = 0; i < 5; i++) {
        stage_exit(&stage, "db", 1);
        stage_run(&stage, 20000);
    }
    ck_state(&stage, "db", "open");
    model_touch(model, "web");
    stage_reconfigure(&stage, model);
    stage_run(&stage, 1000);
    ck_assert_int_eq(applied("web", text), ACC_SETTLED_FAILED);
    ck_assert_str_eq(text, "stays as it was: needs db, which is open");
}
END_TEST

START_TEST(a_change_that_a_hold_forbids_is_not_waited_for)
{
    char text[ACC_REASON_MAX + 1];

    up("s: db; web n:db");
    stage_hold(&stage, ACC_VERB_HOLD, "web", ACC_HOLD_UP, 0);
    change("s: db; web n:db", "web");
    ck_assert_int_eq(applied("web", text), ACC_SETTLED_REFUSED);
    ck_assert_ptr_nonnull(strstr(text, "stays as it was"));
    change("s: db", NULL);
    ck_assert_int_eq(applied("db", text), ACC_SETTLED_DONE);
    ck_assert_int_eq(acc_engine_applied(stage.engine, 1, stage.now_ms, text), ACC_SETTLED_REFUSED);
}
END_TEST

START_TEST(a_container_beyond_the_replicas_is_waited_for)
{
    up("s: web x3");
    service("web")->silent = true; /* the stop isn't answered */
    stage_reconfigure(&stage, model_build("s: web x2"));
    stage_run(&stage, 1000);
    ck_applied("web", ACC_SETTLED_PENDING);
}
END_TEST

/* Stopped once, and then whose it is: of a stack that is still in the files accd's, else his who
 * starts it. */
START_TEST(what_has_left_belongs_to_who_starts_it)
{
    static const char *const both[] = {"s: db; web", "t: a"};
    struct stage_container *web, *a;

    stage_open(&stage, model_build_n(both, 2));
    stage_connect(&stage, true);
    stage_run(&stage, 600000);
    web = stage_of(&stage, "web");
    a = stage_of(&stage, "a");
    change("s: db", NULL);
    stage_trace(&stage);
    stage_start_of(&stage, web);
    stage_run(&stage, 60000);
    ck_stage(&stage, "stop ?; ");
    a->obs.restart = ACC_RESTART_ALWAYS;
    stage_start_of(&stage, a);
    stage_run(&stage, 60000);
    ck_stage(&stage, "");
    ck_assert(acc_engine_stack_observing(stage.engine, 1));
    stage_cmd(&stage, ACC_VERB_ADOPT, "db", "");
    acc_engine_prune(stage.engine);
    stage_exit_of(&stage, a, 1);
    stage_run(&stage, 600000);
    ck_stage(&stage, "remove ?; "); /* web */
    acc_engine_check(stage.engine);
}
END_TEST

/* --- what left the files while nobody looked -------------------------------------------------- */

/* A container of `old` that the engine has never heard of, as Compose labels it. */
static struct acc_obs stranger(bool oneoff)
{
    struct acc_obs obs = stage_of(&stage, "db")->obs;

    strcpy(obs.cid, "feedfeedfeed");
    strcpy(obs.name, "s-old-1");
    strcpy(obs.service, "old");
    obs.oneoff = oneoff;
    return obs;
}

static void hear_of(const struct acc_obs *obs)
{
    struct acc_event event = {.type = ACC_EV_OBS, .now_ms = stage.now_ms, .obs = obs};

    acc_engine_step(stage.engine, &event, &stage.actions);
}

static size_t count_asked(enum acc_action_type type, const char *cid)
{
    size_t n = 0;

    for (size_t i = 0; i < stage.actions.n; i++) {
        n += stage.actions.item[i].type == type && strcmp(stage.actions.item[i].cid, cid) == 0;
    }
    return n;
}

START_TEST(an_orphan_is_stopped_when_it_is_taken_in)
{
    struct acc_orphan orphan = {"s", "old", 1};
    struct acc_obs obs;
    uint32_t svc, slot;

    up("s: db");
    obs = stranger(false);
    hear_of(&obs);
    ck_assert(!acc_engine_find_container(stage.engine, obs.cid, &svc, &slot)); /* not before */
    ck_assert_int_eq(acc_engine_reconfigure(stage.engine, stage.model, &orphan, 1, stage.now_ms),
                     0);
    obs.oneoff = true;
    hear_of(&obs); /* of `compose run`: never */
    ck_assert(!acc_engine_find_container(stage.engine, obs.cid, &svc, &slot));
    obs.oneoff = false;
    hear_of(&obs);
    ck_assert(acc_engine_find_container(stage.engine, obs.cid, &svc, &slot));
    ck_assert_uint_eq(svc, 1);
    ck_assert_uint_eq(count_asked(ACC_ACT_STOP, obs.cid), 1);
    ck_assert_uint_eq(count_asked(ACC_ACT_REMOVE, obs.cid), 0);
    ck_applied("db", ACC_SETTLED_DONE);
    ck_assert_int_eq(
        acc_engine_applied(stage.engine, svc, stage.now_ms, (char[ACC_REASON_MAX + 1]){""}),
        ACC_SETTLED_PENDING);
    acc_engine_check(stage.engine);
}
END_TEST

/* --- by meaning ------------------------------------------------------------------------------ */

START_TEST(what_was_the_same_once_is_left_alone_although_accd_restarts)
{
    up("s: db; web n:db");
    service("web")->likeness = ACC_LIKE_SAME;
    change("s: db; web n:db", "web");
    ck_stage(&stage, "");
    service("web")->likeness = ACC_LIKE_DIFFERENT; /* the tag moves */
    stage_restart_accd(&stage);
    stage_connect(&stage, false);
    stage_run(&stage, 600000);
    ck_stage(&stage, "");
    ck_state(&stage, "web", "up");
}
END_TEST

START_TEST(what_is_the_same_by_meaning_is_left_alone)
{
    up("s: db; web n:db");
    service("web")->likeness = ACC_LIKE_SAME;
    change("s: db; web n:db", "web");
    ck_stage(&stage, "");
    stage_restart_accd(&stage); /* the label is still the old one */
    stage_connect(&stage, false);
    stage_run(&stage, 600000);
    ck_stage(&stage, "");
    stage_exit(&stage, "web", 1);
    ck_stage(&stage, "start web; ");
}
END_TEST

START_TEST(what_can_be_changed_live_is_not_restarted)
{
    up("s: db; web n:db");
    service("db")->likeness = ACC_LIKE_LIVE;
    stage.show_compare = true;
    change("s: db; web n:db", "db");
    ck_stage(&stage, "compare db; update db; compare db; ");
    ck_state(&stage, "db", "up");
    ck_state(&stage, "web", "up");
}
END_TEST

START_TEST(a_live_change_that_does_not_help_makes_it_anew)
{
    up("s: db");
    service("db")->likeness = ACC_LIKE_LIVE;
    service("db")->resists = true;
    change("s: db", "db");
    ck_stage(&stage, "update db; " ROLLED("db"));
}
END_TEST

START_TEST(nothing_is_decided_before_the_comparison)
{
    up("s: db");
    service("db")->likeness = ACC_LIKE_UNKNOWN;
    change("s: db", "db");
    ck_stage(&stage, "");
    ck_state(&stage, "db", "up");
    service("db")->likeness = ACC_LIKE_DIFFERENT;
    stage_run(&stage, 120000); /* it is asked again */
    ck_stage(&stage, ROLLED("db"));
}
END_TEST

/* Its old addresses went with the network that it was on. */
START_TEST(what_was_put_on_its_networks_anew_is_compared_again)
{
    up("s: db");
    service("db")->likeness = ACC_LIKE_DIFFERENT;
    service("db")->start = ACC_OP_START;
    service("db")->message = "Invalid address 172.30.7.10";
    change("s: db", "db"); /* is rolled back */
    service("db")->message = "network 3f1d6c21 not found";
    stage_exit(&stage, "db", 1);
    service("db")->start = ACC_OP_OK;
    service("db")->likeness = ACC_LIKE_SAME;
    stage_trace(&stage);
    stage.show_compare = true;
    stage_run(&stage, 60000);
    ck_stage(&stage, "route db; compare db; start db; ");
    ck_state(&stage, "db", "up");
    acc_engine_check(stage.engine);
}
END_TEST

START_TEST(a_job_that_is_done_stays_done_when_nothing_of_it_changed)
{
    stage_open(&stage, model_build("s: job r0; web m:job"));
    stage_connect(&stage, false);
    stage_run(&stage, 1000);
    stage_exit(&stage, "job", 0);
    stage_run(&stage, 600000);
    stage_trace(&stage);
    service("job")->likeness = ACC_LIKE_SAME;
    change("s: job r0; web m:job", "job");
    ck_stage(&stage, "");
}
END_TEST

START_TEST(an_adopted_container_that_differs_is_shown_and_left_alone)
{
    struct acc_instance_view view;

    stage.observe_new = true;
    stage_open(&stage, model_build("s: db"));
    stage_add(&stage, "db", true);
    stage_connect(&stage, false);
    stage_run(&stage, 1000);
    acc_engine_instance(stage.engine, 0, 0, &view);
    ck_assert(view.differs);
    stage_cmd(&stage, ACC_VERB_ADOPT, "", "");
    stage_run(&stage, 600000);
    ck_assert_ptr_null(strstr(stage_trace(&stage), "stop"));
    acc_engine_instance(stage.engine, 0, 0, &view);
    ck_assert(view.differs);
    acc_engine_conform(stage.engine); /* `accctl apply` is the asking */
    stage_event(&stage, ACC_EV_TIMEOUT);
    stage_run(&stage, 60000);
    ck_stage(&stage, ROLLED("db"));
}
END_TEST

START_TEST(what_was_stopped_by_an_operator_stays_stopped)
{
    up("s: db; web n:db");
    stage_cmd(&stage, ACC_VERB_STOP, "web", "");
    stage_run(&stage, 60000);
    stage_trace(&stage);
    change("s: db; web n:db; new", NULL);
    ck_stage(&stage, "create new; start new; ");
    ck_state(&stage, "web", "off");
}
END_TEST

START_TEST(a_new_file_ends_the_rest_of_what_could_not_work)
{
    stage_open(&stage, model_build("s: web"));
    service("web")->create = ACC_OP_CONFIG;
    service("web")->message = "no such device";
    stage_connect(&stage, false);
    stage_run(&stage, 200000);
    stage_trace(&stage);
    service("web")->create = ACC_OP_OK;
    struct acc_model *model = model_build("s: web");

    model_touch(model, "web");
    stage_reconfigure(&stage, model); /* no time passes */
    ck_stage(&stage, "create web; start web; ");
}
END_TEST

START_TEST(an_edge_that_is_gone_blocks_no_more)
{
    stage_open(&stage, model_build("s: db h; web n:db"));
    service("db")->probe = ACC_PROBE_FAIL;
    stage_connect(&stage, false);
    stage_run(&stage, 5000);
    ck_state(&stage, "web", "blocked");
    stage_trace(&stage);
    stage_reconfigure(&stage, model_build("s: db h; web"));
    stage_run(&stage, 0);
    ck_stage(&stage, "start web; ");
}
END_TEST

/* --- why ------------------------------------------------------------------------------------- */

static void why_is(const char *name, const char *want)
{
    ck_assert_str_eq(stage_reason(&stage, name), want);
}

START_TEST(who_is_well_has_nothing_to_say)
{
    up("s: db; web n:db");
    why_is("db", "");
    why_is("web", "");
}
END_TEST

START_TEST(a_stop_that_hangs_is_told)
{
    up("s: db");
    service("db")->silent = true;
    stage_cmd(&stage, ACC_VERB_RESTART, "db", "");
    why_is("db", "is being stopped, to be started again");
}
END_TEST

START_TEST(a_rest_is_explained_with_the_next_try)
{
    up("s: db");
    for (int k = 0; k < 3; k++) {
        stage_exit(&stage, "db", 1);
        stage_run(&stage, k < 2 ? 3000 : 0);
    }
    ck_state(&stage, "db", "backoff");
    ck_assert_ptr_nonnull(strstr(stage_reason(&stage, "db"), "exited with 1 (just now); "));
    ck_assert_ptr_nonnull(strstr(stage_reason(&stage, "db"), "next try (attempt 3) in "));
}
END_TEST

START_TEST(an_open_breaker_is_explained)
{
    up("s: db");
    for (int k = 0; k < 5; k++) {
        stage_exit(&stage, "db", 1);
        stage_run(&stage, k < 4 ? 20000 : 0);
    }
    ck_state(&stage, "db", "open");
    ck_assert_ptr_nonnull(
        strstr(stage_reason(&stage, "db"), "it fails too often and gets a rest, next try in "));
}
END_TEST

START_TEST(a_symptom_names_its_root_through_the_chain)
{
    up("s: db h; api n:db; web n:api");
    service("db")->start = ACC_OP_START;
    service("db")->message = "port 5432 is taken";
    stage_exit(&stage, "db", 137);
    stage_exit(&stage, "api", 1);
    stage_run(&stage, 5000);
    ck_state(&stage, "api", "blocked");
    ck_state(&stage, "web", "impaired");
    ck_assert_ptr_nonnull(strstr(stage_reason(&stage, "web"),
                                 "needs db, which could not be started: port 5432 is taken"));
}
END_TEST

START_TEST(who_asked_is_named)
{
    up("s: db; web n:db");
    stage_cmd(&stage, ACC_VERB_STOP, "db", "");
    stage_run(&stage, 60000);
    why_is("db", "asked by root");
    why_is("web", "needs db, which is off (asked by root)");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("engine_change");
    TCase *tcase = tcase_create("engine_change");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, same_files_change_nothing);
    tcase_add_test(tcase, a_new_service_comes_up_and_touches_nobody);
    tcase_add_test(tcase, a_service_that_left_the_file_is_stopped_and_kept);
    tcase_add_test(tcase, a_service_that_returns_to_the_file_is_wanted_again);
    tcase_add_test(tcase, what_has_left_belongs_to_who_starts_it);
    tcase_add_test(tcase, a_changed_service_is_replaced_alone);
    tcase_add_test(tcase, fewer_replicas_remove_the_last);
    tcase_add_test(tcase, a_container_beyond_the_replicas_is_waited_for);
    tcase_add_test(tcase, what_comes_after_a_change_that_is_stuck_says_so);
    tcase_add_test(tcase, a_change_above_one_that_is_open_is_not_waited_for);
    tcase_add_test(tcase, a_change_that_a_hold_forbids_is_not_waited_for);
    tcase_add_test(tcase, a_change_whose_image_is_missing_fails_and_the_old_one_stays);
    tcase_add_test(tcase, an_orphan_is_stopped_when_it_is_taken_in);
    tcase_add_test(tcase, a_change_is_over_when_the_new_one_is_ready);
    tcase_add_test(tcase, what_was_stopped_by_an_operator_stays_stopped);
    tcase_add_test(tcase, a_new_file_ends_the_rest_of_what_could_not_work);
    tcase_add_test(tcase, an_edge_that_is_gone_blocks_no_more);
    tcase_add_test(tcase, who_is_well_has_nothing_to_say);
    tcase_add_test(tcase, a_stop_that_hangs_is_told);
    tcase_add_test(tcase, a_rest_is_explained_with_the_next_try);
    tcase_add_test(tcase, an_open_breaker_is_explained);
    tcase_add_test(tcase, a_symptom_names_its_root_through_the_chain);
    tcase_add_test(tcase, pruning_removes_what_left_the_file);
    tcase_add_test(tcase, a_dead_one_that_left_the_file_is_left_alone);
    tcase_add_test(tcase, what_was_the_same_once_is_left_alone_although_accd_restarts);
    tcase_add_test(tcase, what_is_the_same_by_meaning_is_left_alone);
    tcase_add_test(tcase, what_can_be_changed_live_is_not_restarted);
    tcase_add_test(tcase, a_live_change_that_does_not_help_makes_it_anew);
    tcase_add_test(tcase, nothing_is_decided_before_the_comparison);
    tcase_add_test(tcase, what_was_put_on_its_networks_anew_is_compared_again);
    tcase_add_test(tcase, a_job_that_is_done_stays_done_when_nothing_of_it_changed);
    tcase_add_test(tcase, an_adopted_container_that_differs_is_shown_and_left_alone);
    tcase_add_test(tcase, who_asked_is_named);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
