/* Upgrades and the way back. ENGINE.md E9, E10. */

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

static void set_tag(const char *name, const char *image)
{
    (void)snprintf(service(name)->image, sizeof(service(name)->image), "%s", image);
}

/* All up and quiet, and the tag of web means img2 from here on. */
static void up_with_new_image(const char *text)
{
    stage_up(&stage, text);
    stage_run(&stage, 60000);
    set_tag("web", "img2");
    stage_trace(&stage);
    stage_notes(&stage);
}

static void upgrade(const char *name)
{
    stage_upgrade(&stage, ACC_VERB_UPGRADE, name, "", 0);
}

static enum acc_settled settled(const char *name, enum acc_verb verb, char *text)
{
    text[0] = '\0';
    return acc_engine_settled(stage.engine, stage_index(&stage, name), verb, stage.now_ms, text);
}

#define ck_containers(want) ck_assert_str_eq(stage_containers(&stage), want)
#define ck_settled(name, verb, want, want_text)                                                    \
    do {                                                                                           \
        char text_[ACC_REASON_MAX + 1];                                                            \
        ck_assert_int_eq(settled(name, verb, text_), want);                                        \
        ck_assert_msg(strstr(text_, want_text), "'%s' lacks '%s'", text_, want_text);              \
    } while (0)

#define ck_msg_has(text, want)                                                                     \
    ck_assert_msg(strstr(text, want) != NULL, "'%s' lacks '%s'", text, want)

static const struct acc_revision_record *revision(uint32_t number)
{
    for (size_t i = 0; i < stage.n_revisions; i++) {
        if (stage.revision[i].number == number) {
            return &stage.revision[i];
        }
    }
    ck_abort_msg("revision %u was not saved", number);
    return NULL;
}

START_TEST(a_job_is_not_upgraded_and_is_told_what_takes_the_image)
{
    char text[ACC_REASON_MAX + 1];

    stage_up(&stage, "s: job; web m:*job");
    ck_assert(acc_engine_is_unfit(stage.engine, stage_index(&stage, "job"), text));
    stage_exit(&stage, "job", 0);
    stage_run(&stage, 60000);
    stage_trace(&stage);
    upgrade("job");
    ck_stage(&stage, "");
    ck_settled("job", ACC_VERB_UPGRADE, ACC_SETTLED_UNFIT,
               "runs to its end and isn't upgraded; with a new image: pull or build that, then "
               "accctl down job, and up job");
    ck_assert(acc_engine_is_unfit(stage.engine, stage_index(&stage, "job"), text));
    ck_msg_has(text, "it runs to its end");
    ck_assert(!acc_engine_is_unfit(stage.engine, stage_index(&stage, "web"), text));
}
END_TEST

START_TEST(what_is_off_is_not_upgraded_and_that_is_no_failure)
{
    char text[ACC_REASON_MAX + 1];

    up_with_new_image("s: web p");
    stage_cmd(&stage, ACC_VERB_STOP, "web", "");
    stage_run(&stage, 1000);
    upgrade("web");
    ck_settled("web", ACC_VERB_UPGRADE, ACC_SETTLED_UNFIT,
               "is off; it can be upgraded when it is up");
    ck_assert(acc_engine_is_unfit(stage.engine, stage_index(&stage, "web"), text));
    stage_cmd(&stage, ACC_VERB_UP, "web", "");
    stage_run(&stage, 10000);
    ck_assert(!stage_why_says(&stage, "web", "failed"));
}
END_TEST

START_TEST(a_pull_that_somebody_ends_is_told_in_the_history)
{
    up_with_new_image("s: web p");
    service("web")->silent = true;
    upgrade("web");
    stage_run(&stage, 1000);
    stage_upgrade(&stage, ACC_VERB_ROLLBACK, "web", "", 0);
    stage_run(&stage, 1000);
    ck_settled("web", ACC_VERB_ROLLBACK, ACC_SETTLED_DONE, "");
    ck_assert_uint_eq(stage.n_attempts, 1);
}
END_TEST

/* --- forward --------------------------------------------------------------------------------- */

START_TEST(the_new_one_is_ready_before_the_old_one_stops)
{
    up_with_new_image("s: web p");
    upgrade("web");
    ck_stage(&stage, "pull web; create web; start web; ");
    ck_state(&stage, "web", "upgrading");
    ck_settled("web", ACC_VERB_UPGRADE, ACC_SETTLED_PENDING, "");
    stage_run(&stage, 9000);
    ck_stage(&stage, "");
    stage_run(&stage, 2000);
    ck_stage(&stage, "route web; stop web; rename web; rename web; ");
    ck_containers("s-web-1 running img2 r2; s-web-1.r1 exited img1 r1; ");
    ck_state(&stage, "web", "up");
    ck_assert_int_eq(revision(2)->result, ACC_REV_TRIAL);
    stage_run(&stage, 590000);
    ck_containers("s-web-1 running img2 r2; s-web-1.r1 exited img1 r1; ");
    stage_run(&stage, 20000);
    ck_stage(&stage, "remove web; ");
    ck_containers("s-web-1 running img2 r2; ");
    ck_settled("web", ACC_VERB_UPGRADE, ACC_SETTLED_DONE, "");
    ck_assert_int_eq(revision(2)->result, ACC_REV_STABLE);
    ck_assert_str_eq(revision(2)->by, "root");
    ck_assert_int_eq(revision(1)->result, ACC_REV_STABLE);
    stage_run(&stage, 600000);
    ck_stage(&stage, "");
}
END_TEST

START_TEST(what_can_not_run_twice_is_stopped_first)
{
    up_with_new_image("s: web p e");
    upgrade("web");
    ck_stage(&stage, "pull web; create web; stop web; start web; ");
    ck_state(&stage, "web", "upgrading");
    stage_run(&stage, 11000);
    ck_stage(&stage, "rename web; rename web; ");
    ck_containers("s-web-1 running img2 r2; s-web-1.r1 exited img1 r1; ");
    stage_run(&stage, 610000);
    ck_containers("s-web-1 running img2 r2; ");
    ck_settled("web", ACC_VERB_UPGRADE, ACC_SETTLED_DONE, "");
}
END_TEST

START_TEST(nobody_calls_the_new_one_before_it_is_ready)
{
    up_with_new_image("s: web h");
    service("web")->probe = ACC_PROBE_FAIL;
    upgrade("web");
    stage_run(&stage, 60000);
    ck_assert(stage_named(&stage, "s-web-1.c*")->obs.unrouted);
    ck_assert(!stage_named(&stage, "s-web-1")->obs.unrouted);
    service("web")->probe = ACC_PROBE_PASS;
    stage_run(&stage, 15000);
    stage_trace(&stage);
    ck_containers("s-web-1 running img2 r2; s-web-1.r1 exited img1 r1; ");
    ck_assert(!stage_named(&stage, "s-web-1")->obs.unrouted);
}
END_TEST

START_TEST(it_must_be_ready_again_on_its_networks)
{
    up_with_new_image("s: web p");
    service("web")->route = ACC_OP_LOST; /* carried out, and nobody was told */
    upgrade("web");
    stage_run(&stage, 12000);
    ck_stage(&stage, "pull web; create web; start web; route web; ");
    service("web")->listens = false;
    service("web")->route = ACC_OP_OK;
    stage_run(&stage, 60000);
    ck_stage(&stage, "route web; ");
    ck_assert(!stage_named(&stage, "s-web-1.c*")->obs.unrouted);
    stage_run(&stage, 300000);
    ck_stage(&stage, "stop web; remove web; ");
    ck_containers("s-web-1 running img1 r1; ");
    ck_settled("web", ACC_VERB_UPGRADE, ACC_SETTLED_FAILED, "did not get ready again");
}
END_TEST

START_TEST(networks_that_refuse_it_end_the_upgrade)
{
    up_with_new_image("s: web p");
    service("web")->route = ACC_OP_START;
    upgrade("web");
    stage_run(&stage, 60000);
    ck_stage(&stage, "pull web; create web; start web; route web; route web; route web; stop web; "
                     "remove web; ");
    ck_containers("s-web-1 running img1 r1; ");
}
END_TEST

/* The old one's health check has ended, as Docker tells it. */
static void health_of(const char *name, enum acc_docker_health health)
{
    struct stage_container *c = stage_named(&stage, name);

    c->obs.health = health;
    c->obs.health_start_ns = stage.clock_ns += 1000;
    c->obs.health_end_ns = stage.clock_ns += 1000;
    c->obs.health_exit = health == ACC_DH_UNHEALTHY;
    c->obs.failing_streak = health == ACC_DH_UNHEALTHY ? c->obs.retries : 0;
    stage_hint(&stage, c, ACC_HINT_HEALTH);
    stage_run(&stage, 0);
}

/* web's check looks for the mark, and the new one is ready and on its networks. */
static void up_to_the_drain(void)
{
    stage_up(&stage, "s: web h d");
    stage_named(&stage, "s-web-1")->obs.drain_file = true;
    stage_tell(&stage, stage_named(&stage, "s-web-1"));
    stage_run(&stage, 60000);
    health_of("s-web-1", ACC_DH_HEALTHY);
    set_tag("web", "img2");
    stage_trace(&stage);
    upgrade("web");
    stage_run(&stage, 11000);
    ck_stage(&stage, "pull web; create web; start web; route web; ");
}

START_TEST(both_serve_for_a_while_where_nobody_can_be_told)
{
    up_with_new_image("s: web p d");
    upgrade("web");
    stage_run(&stage, 19000);
    ck_stage(&stage, "pull web; create web; start web; route web; ");
    stage_run(&stage, 2000);
    ck_stage(&stage, "stop web; rename web; rename web; ");
}
END_TEST

START_TEST(the_old_one_is_taken_out_before_it_stops)
{
    up_to_the_drain();
    stage_run(&stage, 3000); /* until the proxy knows the new one */
    ck_stage(&stage, "drain web; ");
    service("web")->is_busy = true;
    stage_run(&stage, 30000);
    ck_stage(&stage, "");
    health_of("s-web-1", ACC_DH_UNHEALTHY);
    stage_run(&stage, 6000);
    ck_stage(&stage, ""); /* the proxy has seen it, and somebody is still being served */
    ck_state(&stage, "web", "upgrading");
    service("web")->is_busy = false;
    stage_run(&stage, 1000);
    ck_stage(&stage, "stop web; rename web; rename web; ");
    ck_containers("s-web-1 running img2 r2; s-web-1.r1 exited img1 r1; ");
}
END_TEST

START_TEST(who_never_lets_go_is_stopped_all_the_same)
{
    up_to_the_drain();
    service("web")->is_busy = true;
    stage_run(&stage, 3000);
    health_of("s-web-1", ACC_DH_UNHEALTHY);
    stage_run(&stage, 12000);
    ck_stage(&stage, "drain web; ");
    stage_run(&stage, 2000);
    ck_stage(&stage, "stop web; rename web; rename web; ");
}
END_TEST

START_TEST(a_command_tells_the_proxy_at_once)
{
    up_with_new_image("s: web p D");
    upgrade("web");
    stage_run(&stage, 14000);
    ck_stage(&stage, "pull web; create web; start web; route web; drain web; ");
    stage_run(&stage, 3000);
    ck_stage(&stage, "stop web; rename web; rename web; ");
}
END_TEST

START_TEST(a_drain_that_fails_becomes_a_delay)
{
    up_with_new_image("s: web p D");
    service("web")->drain = ACC_OP_FAILED;
    upgrade("web");
    stage_run(&stage, 18000);
    ck_stage(&stage, "pull web; create web; start web; route web; drain web; drain web; "
                     "drain web; ");
    stage_run(&stage, 3000);
    ck_stage(&stage, "stop web; rename web; rename web; ");
}
END_TEST

START_TEST(the_mark_does_not_outlive_a_rollback)
{
    for (int is_restarted = 0; is_restarted < 2; is_restarted++) {
        up_to_the_drain();
        stage_run(&stage, 3000);
        health_of("s-web-1", ACC_DH_UNHEALTHY);
        ck_stage(&stage, "drain web; ");
        if (is_restarted) {
            memset(stage.has_record, 0, sizeof(stage.has_record));
            stage_restart_accd(&stage);
            stage_connect(&stage, false);
        } else {
            stage_upgrade(&stage, ACC_VERB_ROLLBACK, "web", "", 0);
        }
        stage_run(&stage, 100);
        health_of("s-web-1", ACC_DH_HEALTHY);
        stage_run(&stage, 60000);
        ck_stage(&stage, "undrain web; stop web; remove web; ");
        ck_assert(!stage_named(&stage, "s-web-1")->is_marked);
        ck_containers("s-web-1 running img1 r1; ");
        ck_state(&stage, "web", "up");
        stage_close(&stage);
    }
    stage_open(&stage, model_build("s: web"));
}
END_TEST

/* What was asked before the way back began is answered, or gets lost, after it: the upgrade is not
 * over before that is taken back. */
START_TEST(a_drain_under_way_does_not_outlive_a_rollback)
{
    for (int is_restarted = 0; is_restarted < 2; is_restarted++) {
        uint32_t web;
        uint64_t drain;

        up_to_the_drain();
        web = stage_index(&stage, "web");
        service("web")->silent = true;
        stage_run(&stage, 3000);
        ck_stage(&stage, "drain web; ");
        drain = stage.last_op[web];
        service("web")->silent = false;
        stage_named(&stage, "s-web-1")->is_marked = true;
        stage_exit_of(&stage, stage_named(&stage, "s-web-1.c*"), 137);
        stage_run(&stage, 2000);
        ck_stage(&stage, "remove web; ");
        if (is_restarted) {
            stage_restart_accd(&stage);
            stage_connect(&stage, false);
        } else {
            stage.last_op[web] = drain;
            stage_answer(&stage, "web", ACC_OP_OK);
        }
        stage_run(&stage, 10000);
        ck_stage(&stage, "undrain web; ");
        ck_assert(!stage_named(&stage, "s-web-1")->is_marked);
        stage_run(&stage, 10000);
        ck_state(&stage, "web", "up");
        stage_close(&stage);
    }
    stage_open(&stage, model_build("s: web"));
}
END_TEST

START_TEST(the_new_one_goes_when_the_old_one_serves_again)
{
    up_to_the_drain();
    stage_run(&stage, 3000);
    health_of("s-web-1", ACC_DH_UNHEALTHY);
    service("web")->drain = ACC_OP_LOST;
    stage_upgrade(&stage, ACC_VERB_ROLLBACK, "web", "", 0);
    stage_run(&stage, 1000);
    ck_stage(&stage, "drain web; undrain web; "); /* the new one still serves */
    service("web")->drain = ACC_OP_OK;
    stage_run(&stage, 60000);
    ck_stage(&stage, "undrain web; "); /* Docker has not seen it yet */
    health_of("s-web-1", ACC_DH_HEALTHY);
    stage_run(&stage, 3000);
    ck_stage(&stage, "stop web; remove web; ");
}
END_TEST

/* It was ill for our sake, however long it took to tell the proxy. */
START_TEST(who_serves_again_has_its_time_to_get_well)
{
    up_to_the_drain();
    stage_run(&stage, 3000);
    health_of("s-web-1", ACC_DH_UNHEALTHY);
    service("web")->silent = true;
    stage_upgrade(&stage, ACC_VERB_ROLLBACK, "web", "", 0);
    for (int i = 0; i < 6; i++) {
        stage_run(&stage, 20000);
        health_of("s-web-1", ACC_DH_UNHEALTHY);
    }
    ck_stage(&stage, "drain web; undrain web; ");
    service("web")->silent = false;
    stage_named(&stage, "s-web-1")->is_marked = false;
    stage_answer(&stage, "web", ACC_OP_OK);
    stage_run(&stage, 30000);
    ck_stage(&stage, ""); /* Docker has not seen it yet */
    health_of("s-web-1", ACC_DH_HEALTHY);
    stage_run(&stage, 3000);
    ck_stage(&stage, "stop web; remove web; ");
    ck_containers("s-web-1 running img1 r1; ");
}
END_TEST

START_TEST(who_serves_is_drained_on_the_way_back_too)
{
    up_to_the_drain();
    stage_named(&stage, "s-web-1.c*")->obs.drain_file = true;
    stage_tell(&stage, stage_named(&stage, "s-web-1.c*"));
    stage_run(&stage, 100);
    stage_upgrade(&stage, ACC_VERB_ROLLBACK, "web", "", 0);
    stage_run(&stage, 1000);
    ck_stage(&stage, "undrain web; "); /* it may have been told */
    stage_run(&stage, 4000);
    ck_stage(&stage, "drain web; ");
    ck_assert(stage_named(&stage, "s-web-1.c*")->is_marked);
    stage_run(&stage, 300000);
    ck_stage(&stage, "stop web; remove web; ");
    ck_containers("s-web-1 running img1 r1; ");
}
END_TEST

START_TEST(nothing_is_done_when_nothing_is_new)
{
    up_with_new_image("s: web p");
    set_tag("web", "img1");
    upgrade("web");
    ck_stage(&stage, "pull web; ");
    ck_settled("web", ACC_VERB_UPGRADE, ACC_SETTLED_DONE, "");
    ck_state(&stage, "web", "up");
}
END_TEST

static struct acc_service_view seen(const char *name)
{
    struct acc_service_view view;

    acc_engine_service(stage.engine, stage_index(&stage, name), stage.now_ms, &view);
    return view;
}

START_TEST(a_rollback_on_the_way_back_goes_no_further)
{
    up_with_new_image("s: web p");
    upgrade("web");
    stage_run(&stage, 900000);
    set_tag("web", "img3");
    upgrade("web");
    stage_run(&stage, 40000);
    service("web")->silent = true;
    stage_upgrade(&stage, ACC_VERB_ROLLBACK, "web", "", 0);
    upgrade("web");
    ck_msg_has(seen("web").queued, "waits until it is back at r2");
    stage_notes(&stage);
    stage_upgrade(&stage, ACC_VERB_ROLLBACK, "web", "", 0);
    ck_assert_str_eq(seen("web").queued, "");
    ck_msg_has(stage_notes(&stage), "the upgrade that root asked for isn't begun");
}
END_TEST

START_TEST(a_rollback_that_was_taken_back_is_called_one)
{
    up_with_new_image("s: web p");
    upgrade("web");
    stage_run(&stage, 900000);
    stage_upgrade(&stage, ACC_VERB_ROLLBACK, "web", "", 1);
    stage_run(&stage, 40000);
    stage_upgrade(&stage, ACC_VERB_ROLLBACK, "web", "", 0);
    stage_run(&stage, 60000);
    ck_assert(stage_why_says(&stage, "web", "Its rollback to r1 was taken back to r2 by root"));
}
END_TEST

/* Neither a failed pull nor a candidate that was taken back makes it look as if it had restarted.
 */
START_TEST(what_was_never_touched_has_been_up_all_the_time)
{
    up_with_new_image("s: web p");
    uint64_t since_ms = seen("web").since_ms;

    service("web")->pull = ACC_OP_CONFIG;
    upgrade("web");
    stage_run(&stage, 1000);
    ck_state(&stage, "web", "up");
    ck_assert_uint_eq(seen("web").since_ms, since_ms);
    service("web")->pull = ACC_OP_OK;
    (void)snprintf(service("web")->bad_image, sizeof(service("web")->bad_image), "img2");
    upgrade("web");
    stage_run(&stage, 30000);
    ck_state(&stage, "web", "up");
    ck_containers("s-web-1 running img1 r1; ");
    ck_assert_uint_eq(seen("web").since_ms, since_ms);
    set_tag("web", "img3");
    upgrade("web");
    stage_run(&stage, 30000);
    ck_containers("s-web-1 running img3 r3; s-web-1.r1 exited img1 r1; ");
    ck_assert_uint_gt(seen("web").since_ms, since_ms);
}
END_TEST

START_TEST(an_upgrade_behind_a_pull_that_was_taken_back_says_so)
{
    char text[ACC_REASON_MAX + 1];

    up_with_new_image("s: web p");
    service("web")->silent = true;
    upgrade("web");
    stage_upgrade(&stage, ACC_VERB_ROLLBACK, "web", "", 0);
    ck_settled("web", ACC_VERB_ROLLBACK, ACC_SETTLED_DONE, "");
    upgrade("web");
    ck_assert_int_eq(settled("web", ACC_VERB_UPGRADE, text), ACC_SETTLED_PENDING);
    ck_msg_has(stage_reason(&stage, "web"), "waits for the end of the pull of the upgrade before");
    ck_msg_has(seen("web").queued, "waits for the end of the pull of the upgrade before it");
    ck_state(&stage, "web", "up");
}
END_TEST

START_TEST(a_failed_pull_changes_nothing)
{
    up_with_new_image("s: web p");
    service("web")->pull = ACC_OP_CONFIG;
    service("web")->message = "r.lan wants a login";
    upgrade("web");
    stage_run(&stage, 600000);
    ck_stage(&stage, "pull web; "); /* waiting helps nobody */
    ck_settled("web", ACC_VERB_UPGRADE, ACC_SETTLED_FAILED, "nothing was changed: r.lan wants");
    ck_assert_uint_eq(stage.n_attempts, 1); /* it is told in the history */
    ck_containers("s-web-1 running img1 r1; ");
}
END_TEST

START_TEST(a_registry_that_fails_for_now_is_asked_again)
{
    up_with_new_image("s: web p");
    service("web")->pull = ACC_OP_START;
    service("web")->message = "r.lan limits";
    upgrade("web");
    ck_stage(&stage, "pull web; ");
    ck_msg_has(stage_reason(&stage, "web"), "try 2 in 2 s: r.lan limits");
    stage_run(&stage, 1500);
    ck_stage(&stage, "");
    stage_run(&stage, 1500);
    ck_stage(&stage, "pull web; ");
    stage_run(&stage, 1700); /* the second pause is twice as long, +-20 % */
    ck_stage(&stage, "");
    stage_run(&stage, 2600);
    ck_stage(&stage, "pull web; ");
    ck_settled("web", ACC_VERB_UPGRADE, ACC_SETTLED_PENDING, "");
    stage_run(&stage, 600000);
    ck_stage(&stage, "pull web; pull web; pull web; pull web; pull web; ");
    ck_settled("web", ACC_VERB_UPGRADE, ACC_SETTLED_FAILED, "nothing was changed: r.lan limits");
    ck_containers("s-web-1 running img1 r1; ");

    upgrade("web");
    stage_run(&stage, 1000);
    service("web")->pull = ACC_OP_OK;
    stage_run(&stage, 4000);
    ck_stage(&stage, "pull web; pull web; create web; start web; ");
    ck_assert_ptr_null(strstr(stage_reason(&stage, "web"), "r.lan"));
}
END_TEST

/* --- commands before and after -------------------------------------------------------------- */

static void up_with_hooks(const char *text, size_t n_pre, size_t n_post)
{
    struct acc_model *model = model_build(text);

    model->services[0]->n_pre_upgrade = n_pre;
    model->services[0]->n_post_upgrade = n_post;
    stage_open(&stage, model);
    stage_connect(&stage, false);
    stage_run(&stage, 60000);
    set_tag("web", "img2");
    stage_trace(&stage);
}

START_TEST(commands_run_before_anything_is_touched_and_in_the_new_one)
{
    up_with_hooks("s: web p", 1, 1);
    upgrade("web");
    stage_run(&stage, 15000);
    ck_stage(
        &stage,
        "pull web; pre img1; create web; start web; route web; stop web; rename web; rename web; "
        "post img2; ");
    stage_run(&stage, 700000);
    ck_settled("web", ACC_VERB_UPGRADE, ACC_SETTLED_DONE, "");
    ck_containers("s-web-1 running img2 r2; ");
}
END_TEST

START_TEST(a_command_that_fails_before_it_ends_it)
{
    up_with_hooks("s: web p", 1, 0);
    service("web")->pre = ACC_OP_FAILED;
    upgrade("web");
    stage_run(&stage, 60000);
    ck_stage(&stage, "pull web; pre img1; ");
    ck_settled("web", ACC_VERB_UPGRADE, ACC_SETTLED_FAILED, "nothing was changed: hook said so");
    ck_containers("s-web-1 running img1 r1; ");
    ck_assert_str_eq(stage.record[0].bad_id, ""); /* the image may be good */
    service("web")->pre = ACC_OP_OK;
    upgrade("web");
    stage_run(&stage, 700000);
    ck_containers("s-web-1 running img2 r2; ");
}
END_TEST

START_TEST(a_command_that_fails_after_it_takes_it_back)
{
    up_with_hooks("s: web p", 0, 1);
    service("web")->post = ACC_OP_FAILED;
    upgrade("web");
    stage_run(&stage, 60000);
    ck_settled("web", ACC_VERB_UPGRADE, ACC_SETTLED_FAILED, "hook said so");
    ck_containers("s-web-1 running img1 r1; ");
    ck_assert_str_eq(stage.record[0].bad_id, "img2");
}
END_TEST

START_TEST(a_connection_that_breaks_is_no_verdict)
{
    up_with_hooks("s: web p", 0, 1);
    service("web")->post = ACC_OP_LOST;
    upgrade("web");
    stage_run(&stage, 11000);
    service("web")->post = ACC_OP_OK;
    stage_run(&stage, 700000);
    ck_settled("web", ACC_VERB_UPGRADE, ACC_SETTLED_DONE, "");
    ck_containers("s-web-1 running img2 r2; ");
}
END_TEST

/* accd dies while they run: half a dump is for a person to look at; a smoke test is run again. */
START_TEST(accd_dies_under_a_command)
{
    up_with_hooks("s: web p", (size_t)_i, (size_t)!_i);
    service("web")->hangs = true;
    upgrade("web");
    stage_run(&stage, 60000);
    stage_trace(&stage);
    service("web")->hangs = false;
    stage_restart_accd(&stage);
    stage_connect(&stage, false);
    stage_run(&stage, 700000);
    if (_i) {
        ck_containers("s-web-1 running img1 r1; ");
        ck_stage(&stage, "");
    } else {
        ck_stage(&stage, "post img2; remove web; ");
        ck_containers("s-web-1 running img2 r2; ");
    }
    ck_assert_uint_eq(stage.record[0].rollout.step, ACC_ROLL_IDLE);
}
END_TEST

/* Docker may have forgotten it; whoever of the services has it on record knows. */
static void ck_pulled_as(const char *image_id, const char *digest, const char *reference)
{
    for (uint32_t svc = 0; svc < 2; svc++) {
        const char *image;

        ck_assert_str_eq(acc_engine_pulled_as(stage.engine, svc, image_id, &image), digest);
        ck_assert_str_eq(image, reference);
    }
}

START_TEST(what_ran_before_is_known_by_its_digest)
{
    struct acc_kept kept[ACC_KEPT_MAX];

    up_with_new_image("s: web p; other p");
    upgrade("web");
    stage_run(&stage, 20000); /* watched: both are to be kept */
    ck_assert_uint_eq(acc_engine_kept(stage.engine, 0, kept), 2);
    ck_assert_str_eq(kept[0].image_id, "img1");
    ck_assert_str_eq(kept[1].image_id, "img2");
    ck_assert_str_eq(revision(1)->digest, "sha256:before");
    ck_assert_str_eq(stage.record[0].pin_digest, "sha256:digest");
    ck_pulled_as("img1", "sha256:before", "web:1");
    ck_pulled_as("img2", "sha256:digest", "web:1");
    ck_pulled_as("img3", "", "");
    ck_pulled_as("", "", "");
    stage_upgrade(&stage, ACC_VERB_ROLLBACK, "web", "", 0);
    stage_run(&stage, 60000);
    ck_assert_str_eq(stage.record[0].pin_digest, "sha256:before");
    ck_pulled_as("img1", "sha256:before", "web:1");
    ck_assert_uint_eq(acc_engine_kept(stage.engine, 0, kept), 1);
}
END_TEST

START_TEST(replicas_roll_one_at_a_time)
{
    up_with_new_image("s: web p x2");
    upgrade("web");
    ck_stage(&stage, "pull web; create web#1; start web#1; ");
    stage_run(&stage, 11000);
    ck_stage(&stage, "route web#1; stop web#1; rename web#1; rename web#1; create web#2; "
                     "start web#2; ");
    stage_run(&stage, 11000);
    ck_stage(&stage, "route web#2; stop web#2; rename web#2; rename web#2; ");
    stage_run(&stage, 610000);
    ck_containers("s-web-1 running img2 r2; s-web-2 running img2 r2; ");
}
END_TEST

START_TEST(a_dependency_rolls_first)
{
    up_with_new_image("s: db p; web p n:db");
    set_tag("db", "db2");
    upgrade("web");
    stage_run(&stage, 0);
    ck_stage(&stage, "pull web; create web; start web; ");
    stage_run(&stage, 900000);
    stage_trace(&stage);
    set_tag("web", "img3");
    uint8_t selected[2] = {1, 1};
    struct acc_event event = {.type = ACC_EV_CMD, .now_ms = stage.now_ms};

    event.cmd = (struct acc_cmd){.verb = ACC_VERB_UPGRADE, .selected = selected, .by = "root"};
    acc_engine_step(stage.engine, &event, &stage.actions);
    uint64_t pull[2] = {0, 0};

    for (size_t i = 0; i < stage.actions.n; i++) {
        const struct acc_action *action = &stage.actions.item[i];

        if (action->type == ACC_ACT_PULL) {
            pull[action->svc] = action->op;
        }
        ck_assert_int_ne(action->type, ACC_ACT_CREATE);
    }
    ck_assert(pull[0] && pull[1]);
    for (uint32_t v = 0; v < 2; v++) {
        struct acc_event done = {.type = ACC_EV_OP_DONE, .now_ms = stage.now_ms};

        done.op.op = pull[v];
        done.op.cid = v == stage_index(&stage, "db") ? "db2" : "img3";
        done.op.message = "";
        acc_engine_step(stage.engine, &done, &stage.actions);
        for (size_t i = 0; i < stage.actions.n; i++) {
            ck_assert(stage.actions.item[i].type != ACC_ACT_CREATE ||
                      stage.actions.item[i].svc == stage_index(&stage, "db"));
        }
    }
    ck_state(&stage, "web", "upgrading");
    ck_assert(strstr(stage_reason(&stage, "web"), "waits for db"));
}
END_TEST

START_TEST(sharers_follow_to_the_new_container)
{
    up_with_new_image("s: web p; app b:web");
    upgrade("web");
    stage_run(&stage, 700000);
    ck_stage(&stage, "pull web; create web; stop app; stop web; start web; remove app; "
                     "create app; start app; rename web; rename web; remove web; ");
    ck_state(&stage, "app", "up");
}
END_TEST

START_TEST(a_sharer_keeps_its_image_as_long_as_that_is_there)
{
    struct stage_service *side;

    stage_up(&stage, "s: vpn p; side b:vpn");
    stage_run(&stage, 60000);
    side = &stage.service[stage_index(&stage, "side")];
    (void)snprintf(stage.service[stage_index(&stage, "vpn")].image, 32, "img2");
    (void)snprintf(side->image, 32, "img2");
    stage_upgrade(&stage, ACC_VERB_UPGRADE, "vpn", "", 0);
    stage_run(&stage, 30000);
    ck_assert_str_eq(stage_of(&stage, "side")->obs.image_id, "img1");
    stage_docker_rm(&stage, "side"); /* and `docker image prune` */
    side->silent = true;
    side->message = "No such image: img1";
    stage_cmd(&stage, ACC_VERB_UP, "side", "");
    side->silent = false;
    stage_answer(&stage, "side", ACC_OP_CONFIG);
    stage_run(&stage, 60000);
    ck_assert_str_eq(stage_of(&stage, "side")->obs.image_id, "img2");
    ck_state(&stage, "side", "up");
}
END_TEST

/* --- back ------------------------------------------------------------------------------------ */

START_TEST(an_image_that_exits_is_taken_back)
{
    up_with_new_image("s: web p");
    (void)snprintf(service("web")->bad_image, 32, "img2");
    upgrade("web");
    ck_stage(&stage, "pull web; create web; start web; remove web; ");
    ck_containers("s-web-1 running img1 r1; ");
    ck_state(&stage, "web", "up");
    ck_settled("web", ACC_VERB_UPGRADE, ACC_SETTLED_FAILED, "exited with 1");
    ck_assert(stage_why_says(&stage, "web",
                             "Its upgrade to r2 was rolled back to r1: the new one exited with 1"));
    ck_assert_int_eq(revision(2)->result, ACC_REV_ROLLED_BACK);
    upgrade("web");
    stage_run(&stage, 1);
    ck_stage(&stage, "pull web; ");
    ck_settled("web", ACC_VERB_UPGRADE, ACC_SETTLED_REFUSED, "rolled back before");
    ck_assert(stage_why_says(&stage, "web", "It stays: this image was rolled back before"));
    service("web")->bad_image[0] = '\0';
    stage_upgrade(&stage, ACC_VERB_UPGRADE, "web", "web:1", 0);
    stage_run(&stage, 700000);
    ck_containers("s-web-1 running img2 r3; ");
}
END_TEST

START_TEST(an_image_that_does_not_get_ready_is_taken_back)
{
    up_with_new_image("s: web h");
    (void)snprintf(service("web")->sick_image, 32, "img2");
    upgrade("web");
    stage_run(&stage, 299000);
    ck_stage(&stage, "pull web; create web; start web; ");
    stage_run(&stage, 2000);
    ck_stage(&stage, "stop web; remove web; ");
    ck_containers("s-web-1 running img1 r1; ");
    ck_settled("web", ACC_VERB_UPGRADE, ACC_SETTLED_FAILED, "did not get ready in time");
}
END_TEST

START_TEST(stop_first_brings_the_kept_container_back)
{
    up_with_new_image("s: web p e");
    (void)snprintf(service("web")->bad_image, 32, "img2");
    upgrade("web");
    ck_stage(&stage, "pull web; create web; stop web; start web; start web; remove web; ");
    stage_run(&stage, 1000);
    ck_containers("s-web-1 running img1 r1; ");
    ck_state(&stage, "web", "up");
}
END_TEST

START_TEST(a_crash_while_it_is_watched_takes_it_back)
{
    for (int i = 0; i < 2; i++) {
        up_with_new_image(i ? "s: web p e" : "s: web p");
        upgrade("web");
        stage_run(&stage, 30000);
        stage_trace(&stage);
        stage_exit_of(&stage, stage_named(&stage, "s-web-1"), 2);
        stage_run(&stage, 1000);
        ck_stage(&stage, "rename web; rename web; start web; remove web; ");
        ck_containers("s-web-1 running img1 r1; ");
        ck_state(&stage, "web", "up");
        ck_settled("web", ACC_VERB_UPGRADE, ACC_SETTLED_FAILED, "exited with 2");
        ck_assert_int_eq(revision(2)->result, ACC_REV_ROLLED_BACK);
        stage_close(&stage);
    }
    stage_open(&stage, model_build("s: web"));
}
END_TEST

START_TEST(illness_while_it_is_watched_takes_it_back)
{
    up_with_new_image("s: web h");
    upgrade("web");
    stage_run(&stage, 30000);
    stage_trace(&stage);
    struct stage_container *c = stage_named(&stage, "s-web-1");

    (void)snprintf(service("web")->sick_image, 32, "img2");
    c->obs.health = ACC_DH_UNHEALTHY;
    c->obs.health_start_ns = stage.clock_ns += 1000;
    c->obs.health_end_ns = stage.clock_ns += 1000;
    c->obs.health_exit = 1;
    c->obs.failing_streak = c->obs.retries;
    stage_hint(&stage, c, ACC_HINT_HEALTH);
    stage_run(&stage, 1000);
    ck_stage(&stage, "rename web; stop web; rename web; start web; remove web; ");
    ck_containers("s-web-1 running img1 r1; ");
}
END_TEST

START_TEST(a_failure_with_another_root_is_no_reason)
{
    up_with_new_image("s: db p; web p n:db");
    upgrade("web");
    stage_run(&stage, 5000);
    stage_trace(&stage);
    service("db")->silent = true;
    stage_exit(&stage, "db", 1);
    stage_exit_of(&stage, stage_named(&stage, "s-web-1.c*"), 1);
    stage_run(&stage, 60000);
    ck_stage(&stage, "start db; ");
    ck_state(&stage, "web", "upgrading");
    service("db")->silent = false;
    stage_run(&stage, 200000);
    stage_docker_start(&stage, "db");
    stage_run(&stage, 700000);
    ck_containers("s-db-1 running img1 r1; s-web-1 running img2 r2; ");
}
END_TEST

START_TEST(what_somebody_removed_in_the_watch_is_not_said_to_be_kept)
{
    struct acc_service_view view;

    up_with_new_image("s: web p");
    upgrade("web");
    stage_run(&stage, 30000);
    acc_engine_service(stage.engine, stage_index(&stage, "web"), stage.now_ms, &view);
    ck_msg_has(view.reason, "; r1 is kept");
    stage_rm_of(&stage, stage_named(&stage, "s-web-1.r1"));
    acc_engine_service(stage.engine, stage_index(&stage, "web"), stage.now_ms, &view);
    ck_msg_has(view.reason, "; r1 isn't kept any more, its container is gone");
}
END_TEST

START_TEST(a_pruned_container_is_made_again_from_its_image)
{
    up_with_new_image("s: web p");
    upgrade("web");
    stage_run(&stage, 30000);
    stage_rm_of(&stage, stage_named(&stage, "s-web-1.r1"));
    stage_trace(&stage);
    stage_exit_of(&stage, stage_named(&stage, "s-web-1"), 2);
    stage_run(&stage, 10000);
    ck_stage(&stage, "rename web; create web; start web; remove web; ");
    ck_containers("s-web-1 running img1 r1; ");
}
END_TEST

START_TEST(a_rollback_that_was_asked_for)
{
    up_with_new_image("s: web p");
    upgrade("web");
    stage_run(&stage, 30000);
    stage_trace(&stage);
    stage_upgrade(&stage, ACC_VERB_ROLLBACK, "web", "", 0);
    stage_run(&stage, 1000);
    ck_stage(&stage, "rename web; rename web; start web; stop web; remove web; ");
    ck_settled("web", ACC_VERB_ROLLBACK, ACC_SETTLED_DONE, "");
    ck_containers("s-web-1 running img1 r1; ");
}
END_TEST

START_TEST(a_rollback_to_a_stable_revision)
{
    up_with_new_image("s: web p");
    upgrade("web");
    stage_run(&stage, 700000);
    stage_upgrade(&stage, ACC_VERB_ROLLBACK, "web", "", 0);
    stage_run(&stage, 700000);
    ck_containers("s-web-1 running img1 r3; ");
    stage_upgrade(&stage, ACC_VERB_ROLLBACK, "web", "", 2);
    stage_run(&stage, 700000);
    ck_containers("s-web-1 running img2 r4; ");
    stage_upgrade(&stage, ACC_VERB_ROLLBACK, "web", "", 9);
    ck_settled("web", ACC_VERB_ROLLBACK, ACC_SETTLED_FAILED,
               "there is no stable revision r9; the last five are kept: r1, r2, r3, r4");
}
END_TEST

START_TEST(what_there_is_nothing_to_go_back_to_pins_nothing)
{
    up_with_new_image("s: web p");
    stage_upgrade(&stage, ACC_VERB_ROLLBACK, "web", "", 0);
    stage_run(&stage, 1000);
    ck_settled("web", ACC_VERB_ROLLBACK, ACC_SETTLED_FAILED, "no stable revision before");
    stage_upgrade(&stage, ACC_VERB_ROLLBACK, "web", "", 1);
    stage_run(&stage, 1000);
    ck_settled("web", ACC_VERB_ROLLBACK, ACC_SETTLED_FAILED, "that revision is in force");
    ck_assert_uint_eq(stage.n_revisions, 0);
    ck_assert_str_eq(stage.record[0].pin_id, "");
}
END_TEST

/* What it was to go back from stays in force, and isn't called bad. */
START_TEST(what_can_not_be_gone_back_to_bans_nothing)
{
    up_with_new_image("s: web p");
    upgrade("web");
    stage_run(&stage, 700000);
    stage.service[0].pull = ACC_OP_CONFIG;
    stage_upgrade(&stage, ACC_VERB_ROLLBACK, "web", "", 0);
    stage_run(&stage, 60000);
    ck_settled("web", ACC_VERB_ROLLBACK, ACC_SETTLED_FAILED, "nothing was changed");
    ck_assert_str_eq(stage.record[0].bad_id, "");
    ck_containers("s-web-1 running img2 r2; ");
}
END_TEST

#define ENDED "runs to its end and isn't upgraded"

START_TEST(what_has_come_to_its_end_is_not_upgraded)
{
    up_with_new_image("s: web p r0");
    stage_exit(&stage, "web", 0);
    stage_run(&stage, 60000);
    stage_trace(&stage);
    upgrade("web");
    stage_run(&stage, 1000);
    ck_settled("web", ACC_VERB_UPGRADE, ACC_SETTLED_UNFIT, ENDED);
    ck_stage(&stage, "");
    ck_state(&stage, "web", "done");
}
END_TEST

START_TEST(what_comes_to_its_end_while_its_image_comes_is_not_upgraded)
{
    up_with_new_image("s: web p r0");
    stage.service[0].silent = true;
    upgrade("web");
    ck_stage(&stage, "pull web; ");
    stage_exit(&stage, "web", 0);
    stage_run(&stage, 60000);
    ck_settled("web", ACC_VERB_UPGRADE, ACC_SETTLED_UNFIT, ENDED);
    stage.service[0].silent = false;
    stage_answer(&stage, "web", ACC_OP_OK);
    stage_run(&stage, 60000);
    ck_stage(&stage, "");
    ck_state(&stage, "web", "done");
}
END_TEST

START_TEST(what_has_come_to_its_end_takes_the_new_image_as_it_is_told_to)
{
    up_with_new_image("s: web p r0");
    upgrade("web");
    stage_run(&stage, 700000);
    stage_exit(&stage, "web", 0);
    set_tag("web", "img3");
    stage_cmd(&stage, ACC_VERB_DOWN, "web", "");
    stage_run(&stage, 60000);
    stage_cmd(&stage, ACC_VERB_UP, "web", "");
    stage_run(&stage, 60000);
    ck_containers("s-web-1 running img3 r3; ");
}
END_TEST

START_TEST(who_asks_twice_goes_back_once)
{
    up_with_new_image("s: web p");
    upgrade("web");
    stage_run(&stage, 700000);
    stage_upgrade(&stage, ACC_VERB_ROLLBACK, "web", "", 0);
    stage_run(&stage, 1000);
    stage_upgrade(&stage, ACC_VERB_ROLLBACK, "web", "", 0);
    stage_run(&stage, 700000);
    ck_containers("s-web-1 running img1 r3; ");
}
END_TEST

/* r2 is stable, r3 (img3) is watched and r2 kept. */
static void up_to_the_third(void)
{
    up_with_new_image("s: web p");
    upgrade("web");
    stage_run(&stage, 700000);
    set_tag("web", "img3");
    upgrade("web");
    stage_run(&stage, 30000);
    ck_containers("s-web-1 running img3 r3; s-web-1.r2 exited img2 r2; ");
}

START_TEST(an_older_one_than_the_kept_one_is_gone_to_over_it)
{
    up_to_the_third();
    stage_upgrade(&stage, ACC_VERB_ROLLBACK, "web", "", 1);
    ck_settled("web", ACC_VERB_ROLLBACK, ACC_SETTLED_PENDING, "");
    stage_run(&stage, 100000);
    ck_containers("s-web-1 running img1 r4; s-web-1.r2 exited img2 r2; ");
    stage_upgrade(&stage, ACC_VERB_ROLLBACK, "web", "", 1); /* it is so already */
    stage_run(&stage, 700000);
    ck_settled("web", ACC_VERB_ROLLBACK, ACC_SETTLED_DONE, "");
    ck_containers("s-web-1 running img1 r4; ");
}
END_TEST

START_TEST(the_kept_one_by_its_number)
{
    up_to_the_third();
    stage_upgrade(&stage, ACC_VERB_ROLLBACK, "web", "", 2);
    stage_run(&stage, 100000);
    ck_settled("web", ACC_VERB_ROLLBACK, ACC_SETTLED_DONE, "");
    ck_settled("web", ACC_VERB_UPGRADE, ACC_SETTLED_FAILED, "rolled back to r2 by root");
    ck_containers("s-web-1 running img2 r2; ");
}
END_TEST

START_TEST(what_is_no_stable_revision_is_refused_and_changes_nothing)
{
    up_to_the_third();
    stage_trace(&stage);
    stage_upgrade(&stage, ACC_VERB_ROLLBACK, "web", "", 9);
    stage_run(&stage, 1000);
    ck_settled("web", ACC_VERB_ROLLBACK, ACC_SETTLED_REFUSED,
               "has no stable revision r9; the last five are kept: r1, r2");
    stage_upgrade(&stage, ACC_VERB_ROLLBACK, "web", "", 3); /* it is watched */
    ck_settled("web", ACC_VERB_ROLLBACK, ACC_SETTLED_REFUSED, "has no stable revision r3");
    stage_run(&stage, 700000);
    ck_stage(&stage, "remove web; ");
    ck_containers("s-web-1 running img3 r3; ");
}
END_TEST

START_TEST(a_rollback_is_ended_the_other_way_while_it_is_watched)
{
    up_with_new_image("s: web p");
    upgrade("web");
    stage_run(&stage, 700000);
    stage_upgrade(&stage, ACC_VERB_ROLLBACK, "web", "", 0);
    stage_run(&stage, 30000);
    ck_containers("s-web-1 running img1 r3; s-web-1.r2 exited img2 r2; ");
    stage_upgrade(&stage, ACC_VERB_ROLLBACK, "web", "", 0);
    stage_run(&stage, 60000);
    ck_settled("web", ACC_VERB_ROLLBACK, ACC_SETTLED_DONE, "");
    ck_containers("s-web-1 running img2 r2; ");
}
END_TEST

START_TEST(the_image_in_force_is_used_again_not_what_the_tag_means)
{
    up_with_new_image("s: web p");
    stage_trace(&stage);
    (void)snprintf(service("web")->bad_image, 32, "img2");
    upgrade("web");
    stage_exit(&stage, "web", 1);
    stage_docker_rm(&stage, "web");
    stage_cmd(&stage, ACC_VERB_UP, "web", "");
    stage_run(&stage, 60000);
    ck_containers("s-web-1 running img1 r1; ");
}
END_TEST

START_TEST(turned_off_amid_an_upgrade)
{
    static const enum acc_verb verbs[] = {ACC_VERB_STOP, ACC_VERB_DOWN};

    for (int i = 0; i < 4; i++) {
        up_with_new_image(i % 2 ? "s: web p e" : "s: web p");
        upgrade("web");
        stage_run(&stage, 3000);
        stage_cmd(&stage, verbs[i / 2], "web", "");
        stage_run(&stage, 60000);
        ck_containers(i / 2 ? "" : "s-web-1 exited img1 r1; ");
        ck_state(&stage, "web", "off");
        stage_close(&stage);
    }
    stage_open(&stage, model_build("s: web"));
}
END_TEST

/* --- accd dies ------------------------------------------------------------------------------- */

#define STEPS 12

/* Before each action that changes the world, with the record and without: in the end one container
 * runs, under its name, and it is the old one or the new one. */
static void die_at(int step, const char *text, bool is_bad, bool is_lost)
{
    const char *end;

    up_with_new_image(text);
    if (is_bad) {
        (void)snprintf(service("web")->bad_image, 32, "img2");
    }
    stage.kill_after = step;
    upgrade("web");
    stage_run(&stage, 60000);
    if (is_lost) {
        memset(stage.has_record, 0, sizeof(stage.has_record));
        stage.n_revisions = 0;
    }
    stage_restart_accd(&stage);
    stage_connect(&stage, false);
    stage_run(&stage, 800000);
    end = stage_containers(&stage);
    ck_assert_msg((!is_bad && strcmp(end, "s-web-1 running img2 r2; ") == 0) ||
                      strcmp(end, "s-web-1 running img1 r1; ") == 0,
                  "%s, step %d, %s, %s: %s\n%s", text, step, is_bad ? "bad" : "good",
                  is_lost ? "lost" : "kept", end, stage_notes(&stage));
    ck_state(&stage, "web", "up");
    stage_close(&stage);
}

/* The end of the record never got to the disk: that the old one was to be stopped isn't in it. */
START_TEST(a_stop_that_the_record_has_lost_is_none_by_hand)
{
    up_with_new_image("s: web p e");
    stage.kill_after = 2;
    upgrade("web");
    stage_run(&stage, 1000);
    stage_docker_stop(&stage, "web");
    stage.record[0].own_stop_ns = 0;
    stage_restart_accd(&stage);
    stage_connect(&stage, false);
    stage_run(&stage, 60000);
    ck_containers("s-web-1 running img2 r2; s-web-1.r1 exited img1 r1; ");
    ck_state(&stage, "web", "up");
}
END_TEST

/* Sharers run on the new one as soon as it runs: they go before it goes. */
START_TEST(turned_off_while_the_new_one_is_tried)
{
    up_with_new_image("s: web p; app b:web");
    upgrade("web");
    stage_run(&stage, 5000);
    stage_trace(&stage);
    ck_state(&stage, "app", "up");
    stage_cmd(&stage, ACC_VERB_STOP, "web", "");
    stage_run(&stage, 0);
    ck_stage(&stage, "stop app; stop web; remove app; remove web; create app; ");
    ck_state(&stage, "web", "off");
}
END_TEST

START_TEST(what_can_not_be_created_is_tried_slowly_while_a_dependency_is_ill)
{
    up_with_new_image("s: db h; web p n:!db");
    service("web")->create = ACC_OP_CONFIG;
    service("web")->message = "No such image";
    upgrade("web");
    stage_health(&stage, "db", ACC_DH_UNHEALTHY); /* whose fault it is can't be told */
    stage_trace(&stage);
    stage_run(&stage, 10000);
    ck_stage(&stage, "create web; create web; ");
}
END_TEST

/* It has waited for it when it came up. */
START_TEST(an_upgrade_does_not_wait_for_what_is_only_wanted)
{
    up_with_new_image("s: db h; web p e w:db");
    service("db")->probe = ACC_PROBE_FAIL;
    service("db")->silent = true;
    stage_exit(&stage, "db", 1);
    stage_trace(&stage);
    upgrade("web");
    stage_run(&stage, 20000);
    ck_stage(&stage, "pull web; create web; stop web; start web; rename web; rename web; ");
}
END_TEST

START_TEST(the_watch_stands_still_while_it_is_paused)
{
    up_with_new_image("s: web p");
    upgrade("web");
    stage_run(&stage, 30000);
    struct stage_container *c = stage_named(&stage, "s-web-1");

    c->obs.state = ACC_CTR_PAUSED;
    stage_hint(&stage, c, ACC_HINT_PAUSE);
    stage_run(&stage, 1200000);
    ck_state(&stage, "web", "held");
    c->obs.state = ACC_CTR_RUNNING;
    stage_hint(&stage, c, ACC_HINT_UNPAUSE);
    stage_trace(&stage);
    stage_run(&stage, 500000);
    ck_assert_int_eq(revision(2)->result, ACC_REV_TRIAL);
    stage_run(&stage, 120000);
    ck_assert_int_eq(revision(2)->result, ACC_REV_STABLE);
    ck_stage(&stage, "remove web; ");
}
END_TEST

/* Its tag was pruned and no registry answers; what is gone back to is here, by its id. */
START_TEST(a_rollback_does_not_wait_for_the_image_of_the_file)
{
    up_with_new_image("s: web p");
    upgrade("web");
    stage_run(&stage, 900000);
    stage_restart_accd(&stage);
    stage_connect(&stage, false);
    stage_run(&stage, 1000);
    stage.pull = ACC_OP_FAILED;
    stage_trace(&stage);
    stage_upgrade(&stage, ACC_VERB_ROLLBACK, "web", "", 1);
    stage_run(&stage, 60000);
    ck_stage(&stage,
             "pull web; create web; start web; route web; stop web; rename web; rename web; ");
}
END_TEST

/* What isn't to be had is told, as of an upgrade. */
START_TEST(a_rollback_that_waits_for_its_network_says_so)
{
    up_with_new_image("s: web p");
    upgrade("web");
    stage_run(&stage, 900000);
    stage_restart_accd(&stage);
    stage_connect(&stage, false);
    stage_run(&stage, 1000);
    stage.no_network = "no free address pool";
    stage_upgrade(&stage, ACC_VERB_ROLLBACK, "web", "", 1);
    stage_run(&stage, 60000);
    ck_msg_has(stage_reason(&stage, "web"), "no free address pool");
}
END_TEST

START_TEST(the_watch_sleeps_while_what_it_needs_is_down)
{
    up_with_new_image("s: db p; web p n:db");
    upgrade("web");
    stage_run(&stage, 30000);
    stage_docker_stop(&stage, "db");
    stage_run(&stage, 60000);
    uint64_t before = acc_engine_visits(stage.engine);

    stage_run(&stage, 1200000);
    ck_assert_uint_lt(acc_engine_visits(stage.engine) - before, 200); /* some a list */
    stage_hold(&stage, ACC_VERB_HOLD, "web", ACC_HOLD_FREEZE, 600000);
    stage_run(&stage, 600000);
    stage_docker_start(&stage, "db");
    stage_run(&stage, 500000);
    ck_assert_int_eq(revision(2)->result, ACC_REV_TRIAL);
    stage_run(&stage, 120000);
    ck_assert_int_eq(revision(2)->result, ACC_REV_STABLE);
}
END_TEST

/* The end of the write-ahead log never got to the disk. */
/* It is taken back as it leaves: what it was, who asked for it and why it ended is told. */
START_TEST(what_left_the_files_amid_its_upgrade_is_told_as_it_was)
{
    const struct acc_revision_record *record;

    up_with_new_image("s: db p; web p e");
    (void)snprintf(service("web")->sick_image, sizeof(service("web")->sick_image), "img2");
    upgrade("web");
    stage_run(&stage, 5000);
    stage_reconfigure(&stage, model_build("s: db p"));
    stage_run(&stage, 5000);
    stage_reconfigure(&stage, model_build("s: db p; web p e"));
    stage_run(&stage, 60000);
    record = revision(2);
    ck_assert_int_eq(record->result, ACC_REV_ROLLED_BACK);
    ck_assert_str_eq(record->image_id, "img2");
    ck_assert_str_eq(record->by, "root");
    ck_assert_str_eq(record->text, "it has left the configuration");
    ck_containers("s-db-1 running img1 r1; s-web-1 running img1 r1; ");
}
END_TEST

START_TEST(names_are_believed_before_an_older_record)
{
    struct acc_service_record older;

    up_with_new_image("s: web p");
    upgrade("web");
    stage_run(&stage, 9000);
    older = stage.record[0];
    ck_assert_int_eq(older.rollout.step, ACC_ROLL_VERIFY);
    stage_run(&stage, 60000);
    ck_containers("s-web-1 running img2 r2; s-web-1.r1 exited img1 r1; ");
    stage.record[0] = older;
    stage_trace(&stage);
    stage_restart_accd(&stage);
    stage_connect(&stage, false);
    stage_run(&stage, 700000);
    ck_stage(&stage, "remove web; ");
    ck_containers("s-web-1 running img2 r2; ");
}
END_TEST

START_TEST(accd_may_die_at_any_step)
{
    for (int step = 1; step <= STEPS; step++) {
        for (int k = 0; k < 8; k++) {
            die_at(step, k & 1 ? "s: web p e" : "s: web p", k & 2, k & 4);
        }
    }
    stage_open(&stage, model_build("s: web"));
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("engine_rollout");
    TCase *tc = tcase_create("rollout");

    tcase_add_checked_fixture(tc, NULL, teardown);
    tcase_add_test(tc, the_new_one_is_ready_before_the_old_one_stops);
    tcase_add_test(tc, what_can_not_run_twice_is_stopped_first);
    tcase_add_test(tc, nobody_calls_the_new_one_before_it_is_ready);
    tcase_add_test(tc, it_must_be_ready_again_on_its_networks);
    tcase_add_test(tc, networks_that_refuse_it_end_the_upgrade);
    tcase_add_test(tc, both_serve_for_a_while_where_nobody_can_be_told);
    tcase_add_test(tc, the_old_one_is_taken_out_before_it_stops);
    tcase_add_test(tc, who_never_lets_go_is_stopped_all_the_same);
    tcase_add_test(tc, a_command_tells_the_proxy_at_once);
    tcase_add_test(tc, a_drain_that_fails_becomes_a_delay);
    tcase_add_test(tc, the_mark_does_not_outlive_a_rollback);
    tcase_add_test(tc, a_drain_under_way_does_not_outlive_a_rollback);
    tcase_add_test(tc, the_new_one_goes_when_the_old_one_serves_again);
    tcase_add_test(tc, who_serves_again_has_its_time_to_get_well);
    tcase_add_test(tc, who_serves_is_drained_on_the_way_back_too);
    tcase_add_test(tc, nothing_is_done_when_nothing_is_new);
    tcase_add_test(tc, a_failed_pull_changes_nothing);
    tcase_add_test(tc, what_was_never_touched_has_been_up_all_the_time);
    tcase_add_test(tc, an_upgrade_behind_a_pull_that_was_taken_back_says_so);
    tcase_add_test(tc, a_registry_that_fails_for_now_is_asked_again);
    tcase_add_test(tc, what_ran_before_is_known_by_its_digest);
    tcase_add_test(tc, commands_run_before_anything_is_touched_and_in_the_new_one);
    tcase_add_test(tc, a_command_that_fails_before_it_ends_it);
    tcase_add_test(tc, a_command_that_fails_after_it_takes_it_back);
    tcase_add_test(tc, a_connection_that_breaks_is_no_verdict);
    tcase_add_loop_test(tc, accd_dies_under_a_command, 0, 2);
    tcase_add_test(tc, replicas_roll_one_at_a_time);
    tcase_add_test(tc, a_dependency_rolls_first);
    tcase_add_test(tc, sharers_follow_to_the_new_container);
    tcase_add_test(tc, a_sharer_keeps_its_image_as_long_as_that_is_there);
    tcase_add_test(tc, an_image_that_exits_is_taken_back);
    tcase_add_test(tc, an_image_that_does_not_get_ready_is_taken_back);
    tcase_add_test(tc, stop_first_brings_the_kept_container_back);
    tcase_add_test(tc, a_stop_that_the_record_has_lost_is_none_by_hand);
    tcase_add_test(tc, a_crash_while_it_is_watched_takes_it_back);
    tcase_add_test(tc, illness_while_it_is_watched_takes_it_back);
    tcase_add_test(tc, a_failure_with_another_root_is_no_reason);
    tcase_add_test(tc, a_pruned_container_is_made_again_from_its_image);
    tcase_add_test(tc, a_rollback_that_was_asked_for);
    tcase_add_test(tc, a_rollback_to_a_stable_revision);
    tcase_add_test(tc, what_there_is_nothing_to_go_back_to_pins_nothing);
    tcase_add_test(tc, what_can_not_be_gone_back_to_bans_nothing);
    tcase_add_test(tc, what_has_come_to_its_end_is_not_upgraded);
    tcase_add_test(tc, what_comes_to_its_end_while_its_image_comes_is_not_upgraded);
    tcase_add_test(tc, what_has_come_to_its_end_takes_the_new_image_as_it_is_told_to);
    tcase_add_test(tc, who_asks_twice_goes_back_once);
    tcase_add_test(tc, an_older_one_than_the_kept_one_is_gone_to_over_it);
    tcase_add_test(tc, the_kept_one_by_its_number);
    tcase_add_test(tc, what_is_no_stable_revision_is_refused_and_changes_nothing);
    tcase_add_test(tc, a_rollback_is_ended_the_other_way_while_it_is_watched);
    tcase_add_test(tc, the_image_in_force_is_used_again_not_what_the_tag_means);
    tcase_add_test(tc, a_job_is_not_upgraded_and_is_told_what_takes_the_image);
    tcase_add_test(tc, what_is_off_is_not_upgraded_and_that_is_no_failure);
    tcase_add_test(tc, a_pull_that_somebody_ends_is_told_in_the_history);
    tcase_add_test(tc, a_rollback_on_the_way_back_goes_no_further);
    tcase_add_test(tc, a_rollback_that_was_taken_back_is_called_one);
    tcase_add_test(tc, what_somebody_removed_in_the_watch_is_not_said_to_be_kept);
    tcase_add_test(tc, turned_off_amid_an_upgrade);
    tcase_add_test(tc, turned_off_while_the_new_one_is_tried);
    tcase_add_test(tc, what_can_not_be_created_is_tried_slowly_while_a_dependency_is_ill);
    tcase_add_test(tc, an_upgrade_does_not_wait_for_what_is_only_wanted);
    tcase_add_test(tc, the_watch_stands_still_while_it_is_paused);
    tcase_add_test(tc, a_rollback_does_not_wait_for_the_image_of_the_file);
    tcase_add_test(tc, a_rollback_that_waits_for_its_network_says_so);
    tcase_add_test(tc, the_watch_sleeps_while_what_it_needs_is_down);
    tcase_add_test(tc, what_left_the_files_amid_its_upgrade_is_told_as_it_was);
    tcase_add_test(tc, names_are_believed_before_an_older_record);
    tcase_add_test(tc, accd_may_die_at_any_step);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    SRunner *runner = srunner_create(suite());

    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
