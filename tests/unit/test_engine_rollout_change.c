/* What the file says now is brought in by a rollout. ENGINE.md E9. */

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

static void up(const char *text)
{
    stage_up(&stage, text);
    stage_run(&stage, 60000);
    stage_trace(&stage);
    stage_notes(&stage);
}

/* root applies files in which these services have other settings than before: " web db ". */
static void apply(const char *text, const char *touched)
{
    struct acc_model *model = model_build(text);
    char copy[64], *rest = NULL;

    (void)snprintf(copy, sizeof(copy), "%s", touched);
    for (char *name = strtok_r(copy, " ", &rest); name; name = strtok_r(NULL, " ", &rest)) {
        model_touch(model, name);
    }
    acc_engine_asked_by(stage.engine, "root");
    stage_reconfigure(&stage, model);
    stage_run(&stage, 0);
}

/* Containers of the changed file don't work. */
static void spoil(const char *name)
{
    (void)snprintf(service(name)->bad_image, 32, "Spec-of-%s", name);
}

static enum acc_settled applied(const char *name, char *text)
{
    text[0] = '\0';
    return acc_engine_applied(stage.engine, stage_index(&stage, name), stage.now_ms, text);
}

#define ck_containers(want) ck_assert_str_eq(stage_containers(&stage), want)
#define ck_applied(name, want, want_text)                                                          \
    do {                                                                                           \
        char text_[ACC_REASON_MAX + 1];                                                            \
        ck_assert_int_eq(applied(name, text_), want);                                              \
        ck_assert_msg(strstr(text_, want_text), "'%s' lacks '%s'", text_, want_text);              \
    } while (0)

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

static bool is_of_new_file(const char *name)
{
    const struct stage_container *c = stage_named(&stage, name);

    ck_assert_ptr_nonnull(c);
    return c->obs.spec_hash[0] == 'S';
}

/* --- forward --------------------------------------------------------------------------------- */

START_TEST(the_old_one_serves_until_the_new_one_is_ready)
{
    up("s: web p");
    apply("s: web p", "web");
    ck_stage(&stage, "pull web; create web; start web; ");
    ck_state(&stage, "web", "upgrading");
    ck_applied("web", ACC_SETTLED_PENDING, "");
    stage_run(&stage, 11000);
    ck_stage(&stage, "route web; stop web; rename web; rename web; ");
    ck_containers("s-web-1 running img1 r2; s-web-1.r1 exited img1 r1; ");
    ck_assert(is_of_new_file("s-web-1"));
    ck_applied("web", ACC_SETTLED_DONE, ""); /* what is watched isn't waited for */
    ck_assert_int_eq(revision(2)->result, ACC_REV_TRIAL);
    ck_assert_str_eq(revision(2)->by, "root");
    ck_assert_str_eq(revision(2)->what, "memory none -> 64 MiB");
    ck_assert_str_eq(revision(1)->spec, "spec-of-web");
    ck_assert_str_eq(revision(2)->spec, "Spec-of-web");
    stage_run(&stage, 620000);
    ck_stage(&stage, "remove web; ");
    ck_assert_int_eq(revision(2)->result, ACC_REV_STABLE);
    stage_run(&stage, 600000);
    ck_stage(&stage, "");
    ck_state(&stage, "web", "up");
}
END_TEST

START_TEST(what_can_not_run_twice_is_stopped_first)
{
    up("s: web p e");
    apply("s: web p e", "web");
    ck_stage(&stage, "pull web; create web; stop web; start web; ");
    stage_run(&stage, 11000);
    ck_stage(&stage, "rename web; rename web; ");
    ck_containers("s-web-1 running img1 r2; s-web-1.r1 exited img1 r1; ");
}
END_TEST

START_TEST(what_does_not_serve_is_made_anew_in_its_place)
{
    up("s: web h");
    service("web")->probe = ACC_PROBE_FAIL;
    stage_health(&stage, "web", ACC_DH_UNHEALTHY);
    stage_run(&stage, 0);
    stage_trace(&stage);
    apply("s: web h", "web");
    ck_stage(&stage, "stop web; remove web; create web; start web; ");
}
END_TEST

START_TEST(a_job_is_made_anew_in_its_place)
{
    stage_open(&stage, model_build("s: job r0; web m:*job"));
    stage_connect(&stage, false);
    stage_exit(&stage, "job", 0);
    stage_run(&stage, 60000);
    stage_trace(&stage);
    apply("s: job r0; web m:*job", "job");
    ck_stage(&stage, "remove job; create job; start job; ");
}
END_TEST

START_TEST(replicas_one_after_the_other_and_a_new_one_with_them)
{
    up("s: web p x2");
    apply("s: web p x3", "web");
    ck_stage(&stage, "pull web; create web#1; start web#1; ");
    stage_run(&stage, 11000);
    ck_stage(&stage, "route web#1; stop web#1; rename web#1; rename web#1; create web#2; "
                     "start web#2; ");
    stage_run(&stage, 11000);
    ck_stage(&stage, "route web#2; stop web#2; rename web#2; rename web#2; create web#3; "
                     "start web#3; ");
    stage_run(&stage, 11000);
    ck_stage(&stage, "route web#3; rename web#3; ");
    ck_applied("web", ACC_SETTLED_DONE, "");
}
END_TEST

START_TEST(files_that_change_again_are_what_counts)
{
    struct acc_model *model = model_build("s: web p");

    up("s: web p");
    apply("s: web p", "web");
    stage_trace(&stage);
    model->services[0]->spec_hash[0] = 'T';
    stage_reconfigure(&stage, model);
    stage_run(&stage, 1);
    ck_stage(&stage, "stop web; remove web; pull web; create web; start web; ");
    stage_run(&stage, 20000);
    ck_assert_int_eq(stage_named(&stage, "s-web-1")->obs.spec_hash[0], 'T');
    ck_applied("web", ACC_SETTLED_DONE, "");
}
END_TEST

/* --- back ------------------------------------------------------------------------------------ */

START_TEST(what_does_not_work_is_taken_back_and_not_tried_again)
{
    struct acc_service_view view;

    up("s: web p");
    spoil("web");
    apply("s: web p", "web");
    ck_stage(&stage, "pull web; create web; start web; remove web; ");
    stage_run(&stage, 1000);
    ck_containers("s-web-1 running img1 r1; ");
    ck_state(&stage, "web", "up");
    ck_applied("web", ACC_SETTLED_FAILED, "was rolled back to r1: the new one exited with 1");
    ck_assert(stage_why_says(
        &stage, "web",
        "What its file says now was rolled back to r1: the new one exited with 1; change its "
        "file, or try it again with accctl upgrade web."));
    ck_assert_int_eq(revision(2)->result, ACC_REV_ROLLED_BACK);
    ck_assert_str_eq(stage.record[0].bad_id, ""); /* the image is innocent */
    acc_engine_service(stage.engine, 0, stage.now_ms, &view);
    ck_assert_str_eq(view.refused, "exited with 1");
    stage_restart_accd(&stage);
    stage_connect(&stage, false);
    stage_run(&stage, 900000);
    ck_stage(&stage, "");
    stage_exit(&stage, "web", 1); /* what is there is healed as it is */
    stage_run(&stage, 60000);
    ck_stage(&stage, "start web; ");
    ck_assert(!is_of_new_file("s-web-1"));

    struct acc_model *model = model_build("s: web p");

    model->services[0]->spec_hash[0] = 'T';
    stage_reconfigure(&stage, model);
    stage_run(&stage, 30000);
    ck_stage(&stage,
             "pull web; create web; start web; route web; stop web; rename web; rename web; ");
    ck_assert_str_eq(stage.record[0].bad_spec, "Spec-of-web");
    ck_applied("web", ACC_SETTLED_DONE, "");
}
END_TEST

START_TEST(the_kept_one_comes_back_by_its_id)
{
    char cid[ACC_CID_LEN + 1];

    up("s: web p e");
    memcpy(cid, stage_named(&stage, "s-web-1")->obs.cid, sizeof(cid));
    spoil("web");
    apply("s: web p e", "web");
    ck_stage(&stage, "pull web; create web; stop web; start web; start web; remove web; ");
    stage_run(&stage, 1000);
    ck_assert_str_eq(stage_named(&stage, "s-web-1")->obs.cid, cid);
    ck_state(&stage, "web", "up");
}
END_TEST

START_TEST(a_crash_while_it_is_watched_takes_it_back)
{
    up("s: web p");
    apply("s: web p", "web");
    stage_run(&stage, 30000);
    stage_trace(&stage);
    stage_exit_of(&stage, stage_named(&stage, "s-web-1"), 2);
    stage_run(&stage, 1000);
    ck_stage(&stage, "rename web; rename web; start web; remove web; ");
    ck_containers("s-web-1 running img1 r1; ");
    ck_assert(!is_of_new_file("s-web-1"));
    stage_run(&stage, 900000);
    ck_stage(&stage, "");
}
END_TEST

START_TEST(an_operator_goes_back_to_the_kept_one)
{
    struct acc_service_view view;

    up("s: web p");
    apply("s: web p", "web");
    stage_run(&stage, 30000);
    stage_upgrade(&stage, ACC_VERB_ROLLBACK, "web", "", 0);
    stage_run(&stage, 60000);
    ck_containers("s-web-1 running img1 r1; ");
    ck_assert(!is_of_new_file("s-web-1"));
    ck_applied("web", ACC_SETTLED_DONE, "was rolled back to r1 by root; change its file");
    acc_engine_service(stage.engine, 0, stage.now_ms, &view);
    ck_assert_str_eq(view.refused_by, "root");
    stage_trace(&stage);
    stage_upgrade(&stage, ACC_VERB_UPGRADE, "web", "", 0); /* ... and wants it after all */
    stage_run(&stage, 30000);
    ck_assert(is_of_new_file("s-web-1"));
    ck_applied("web", ACC_SETTLED_DONE, "");
}
END_TEST

START_TEST(who_stands_on_what_an_operator_took_back_has_not_failed)
{
    up("s: db p; web p n:db");
    apply("s: db p; web p n:db", "db web");
    stage_upgrade(&stage, ACC_VERB_ROLLBACK, "db", "", 0);
    stage_run(&stage, 60000);
    ck_applied("db", ACC_SETTLED_DONE, "was rolled back to r1 by root");
    ck_applied("web", ACC_SETTLED_DONE, "stays as it was: db, which it needs, was rolled back");
    stage_exit(&stage, "db", 1); /* it is waited for all the same */
    ck_applied("db", ACC_SETTLED_PENDING, "");
}
END_TEST

START_TEST(what_an_operator_decides_to_take_back_has_not_failed)
{
    struct acc_service_view view;

    up("s: db p P; web p n:db");
    spoil("db");
    apply("s: db p P; web p n:db", "db web");
    stage_run(&stage, 30000);
    ck_state(&stage, "db", "failed"); /* it asks */
    ck_applied("db", ACC_SETTLED_FAILED, "accctl rollback db --yes");
    stage_decide(&stage, ACC_VERB_ROLLBACK, "db");
    stage_run(&stage, 60000);
    ck_state(&stage, "db", "up");
    ck_applied("db", ACC_SETTLED_DONE, "was rolled back to r1 by root; change its file");
    ck_applied("web", ACC_SETTLED_DONE, "stays as it was: db, which it needs, was rolled back");
    ck_assert_str_eq(revision(2)->text, "exited with 1; taken back by root"); /* both */
    stage_restart_accd(&stage);
    stage_connect(&stage, false);
    stage_run(&stage, 60000);
    acc_engine_service(stage.engine, 0, stage.now_ms, &view);
    ck_assert_str_eq(view.refused_by, "root");
    ck_applied("db", ACC_SETTLED_DONE, "by root");
}
END_TEST

START_TEST(a_rollback_of_before_says_nothing_about_a_change)
{
    up("s: web p");
    (void)snprintf(service("web")->image, 32, "img2");
    stage_upgrade(&stage, ACC_VERB_UPGRADE, "web", "", 0);
    stage_run(&stage, 700000);
    stage_upgrade(&stage, ACC_VERB_ROLLBACK, "web", "", 0);
    stage_run(&stage, 700000);
    ck_containers("s-web-1 running img1 r3; ");
    apply("s: web p", "web");
    stage_upgrade(&stage, ACC_VERB_ROLLBACK, "web", "", 0);
    stage_run(&stage, 60000);
    ck_containers("s-web-1 running img1 r3; ");
    ck_applied("web", ACC_SETTLED_DONE, "by root");
}
END_TEST

/* Its container is gone, and its settings with it. */
START_TEST(an_older_configuration_is_not_made_up)
{
    char text[ACC_REASON_MAX + 1];

    up("s: web p");
    apply("s: web p", "web");
    stage_run(&stage, 700000);
    stage_trace(&stage);
    stage_upgrade(&stage, ACC_VERB_ROLLBACK, "web", "", 0);
    stage_run(&stage, 60000);
    ck_stage(&stage, "");
    ck_assert_int_eq(acc_engine_settled(stage.engine, 0, ACC_VERB_ROLLBACK, stage.now_ms, text),
                     ACC_SETTLED_FAILED);
    ck_assert_ptr_nonnull(strstr(text, "put the file back as it was"));
    ck_state(&stage, "web", "up");
}
END_TEST

/* r2 has another image, another configuration, and a fault; what it came from is gone: it stays. */
static void stay_as_it_is(const char *text)
{
    up(text);
    (void)snprintf(service("web")->image, 32, "img2");
    apply(text, "web");
    stage_run(&stage, 60000);
    stage_rm_of(&stage, stage_named(&stage, "s-web-1.r1"));
    stage_exit_of(&stage, stage_named(&stage, "s-web-1"), 1);
    stage_run(&stage, 60000);
    ck_assert_int_eq(revision(2)->result, ACC_REV_FAILED);
    ck_state(&stage, "web", "up");
}

/* The same, with other settings yet and a third image. */
static void change_once_more(const char *text)
{
    struct acc_model *model = model_build(text);

    model_touch(model, "web");
    model->services[model_index(model, "web")]->spec_hash[0] = 'T';
    (void)snprintf(service("web")->image, 32, "img3");
    stage_reconfigure(&stage, model);
}

START_TEST(what_failed_and_stayed_is_not_stable)
{
    stay_as_it_is("s: web p");
    ck_containers("s-web-1 running img2 r2; ");
    change_once_more("s: web p");
    stage_run(&stage, 60000);
    ck_containers("s-web-1 running img3 r3; s-web-1.r2 exited img2 r2; ");
    ck_assert_int_eq(revision(2)->result, ACC_REV_FAILED);
    ck_assert_ptr_nonnull(strstr(revision(2)->text, "exited with 1; r1 can't be gone back to"));
    stage_run(&stage, 700000);
    ck_containers("s-web-1 running img3 r3; ");
    stage_upgrade(&stage, ACC_VERB_ROLLBACK, "web", "", 2);
    stage_run(&stage, 60000);
    ck_containers("s-web-1 running img3 r3; ");
    stage_upgrade(&stage, ACC_VERB_ROLLBACK, "web", "", 0);
    stage_run(&stage, 700000);
    ck_containers("s-web-1 running img1 r4; "); /* the last one that was well */
    ck_assert_int_eq(revision(2)->result, ACC_REV_FAILED);
}
END_TEST

/* The container that is there is what there is to go back to; also when accd is another one. */
START_TEST(what_failed_and_stayed_is_gone_back_to)
{
    stay_as_it_is("s: web p");
    if (_i & 1) {
        stage_restart_accd(&stage);
        stage_connect(&stage, false);
        stage_run(&stage, 60000);
    }
    change_once_more("s: web p");
    stage_run(&stage, 60000);
    ck_containers("s-web-1 running img3 r3; s-web-1.r2 exited img2 r2; ");
    if (_i & 2) {
        stage_restart_accd(&stage);
        stage_connect(&stage, false);
        stage_run(&stage, 1000);
    }
    stage_exit_of(&stage, stage_named(&stage, "s-web-1"), 1);
    stage_run(&stage, 60000);
    ck_containers("s-web-1 running img2 r2; ");
    ck_assert_int_eq(revision(2)->result, ACC_REV_FAILED);
    ck_assert_int_eq(revision(3)->result, ACC_REV_ROLLED_BACK);
    ck_assert_str_eq(stage.record[0].pin_id, "img2");
    ck_state(&stage, "web", "up");
}
END_TEST

/* One replica went back, the other one could not: the revision in force is that of the first. */
START_TEST(what_failed_and_stayed_in_part_is_not_stable)
{
    stay_as_it_is("s: web p x2");
    ck_containers("s-web-1 running img2 r2; s-web-2 running img1 r1; ");
    if (_i) {
        stage_restart_accd(&stage);
        stage_connect(&stage, false);
        stage_run(&stage, 60000);
    }
    change_once_more("s: web p x2");
    stage_run(&stage, 60000);
    ck_containers("s-web-1 running img3 r3; s-web-1.r1 exited img2 r2; "
                  "s-web-2 running img3 r3; s-web-2.r1 exited img1 r1; ");
    ck_assert_int_eq(revision(2)->result, ACC_REV_FAILED);
    stage_exit_of(&stage, stage_named(&stage, "s-web-2"), 1);
    stage_run(&stage, 60000);
    ck_containers("s-web-1 running img2 r2; s-web-2 running img1 r1; ");
    ck_assert_str_eq(stage.record[0].pin_id, "img1");
}
END_TEST

START_TEST(an_image_that_was_rolled_back_does_not_come_in_with_a_change)
{
    up("s: web p");
    (void)snprintf(service("web")->image, 32, "img2");
    stage_upgrade(&stage, ACC_VERB_UPGRADE, "web", "", 0);
    stage_run(&stage, 30000);
    stage_upgrade(&stage, ACC_VERB_ROLLBACK, "web", "", 0);
    stage_run(&stage, 60000);
    ck_containers("s-web-1 running img1 r1; ");
    apply("s: web p", "web");
    stage_run(&stage, 30000);
    ck_containers("s-web-1 running img1 r3; s-web-1.r1 exited img1 r1; ");
    ck_assert(is_of_new_file("s-web-1"));
}
END_TEST

START_TEST(what_was_rolled_back_is_no_difference)
{
    struct acc_service_view view;

    up("s: web p");
    (void)snprintf(service("web")->image, 32, "img2");
    (void)snprintf(service("web")->bad_image, 32, "img2");
    stage_upgrade(&stage, ACC_VERB_UPGRADE, "web", "", 0);
    stage_run(&stage, 60000);
    apply("s: web p", "web");
    ck_assert_str_eq(service("web")->banned, "img2");
    acc_engine_service(stage.engine, 0, stage.now_ms, &view);
    ck_assert_str_eq(view.banned, "img2");
}
END_TEST

static const char *stays_at(void)
{
    static struct acc_service_view view;

    acc_engine_service(stage.engine, 0, stage.now_ms, &view);
    return view.stays_at;
}

/* Another image runs than the file's, as that was rolled back: it is said, with the way to it. */
START_TEST(what_stays_as_its_image_was_rolled_back_says_so)
{
    struct acc_buf why;

    up("s: web p");
    (void)snprintf(service("web")->image, 32, "img5");
    stage_upgrade(&stage, ACC_VERB_UPGRADE, "web", "app:5", 0);
    stage_run(&stage, 900000);
    ck_assert_str_eq(stays_at(), ""); /* somebody wants it so */
    (void)snprintf(service("web")->image, 32, "img6");
    (void)snprintf(service("web")->bad_image, 32, "img6");
    stage_upgrade(&stage, ACC_VERB_UPGRADE, "web", "app:6", 0);
    stage_run(&stage, 60000);
    ck_assert_str_eq(stays_at(), ""); /* that one is not the file's, either */

    (void)snprintf(service("web")->image, 32, "img2");
    (void)snprintf(service("web")->bad_image, 32, "img2");
    stage_upgrade(&stage, ACC_VERB_UPGRADE, "web", "", 0);
    stage_run(&stage, 60000);
    ck_containers("s-web-1 running img5 r2; ");
    ck_assert_str_eq(stays_at(), "app:5");
    acc_buf_init(&why, 4096);
    acc_engine_why(stage.engine, 0, stage.now_ms, &why);
    ck_assert_msg(strstr(why.data, "It stays at app:5: ") &&
                      strstr(why.data, "accctl upgrade web --image "),
                  "%s", why.data);
    acc_buf_fini(&why);
    ck_applied("web", ACC_SETTLED_DONE, "stays at app:5: ");
}
END_TEST

/* What is refused, or comes to nothing, lifts no ban. */
START_TEST(an_upgrade_that_is_refused_does_not_bring_the_change)
{
    up("s: web p");
    (void)snprintf(service("web")->image, 32, "img2");
    (void)snprintf(service("web")->bad_image, 32, "img2");
    stage_upgrade(&stage, ACC_VERB_UPGRADE, "web", "", 0);
    stage_run(&stage, 60000);
    ck_containers("s-web-1 running img1 r1; ");
    spoil("web");
    apply("s: web p", "web");
    stage_run(&stage, 60000);
    ck_containers("s-web-1 running img1 r1; ");
    stage_trace(&stage);
    stage_upgrade(&stage, ACC_VERB_UPGRADE, "web", "", 0);
    stage_run(&stage, 120000);
    ck_stage(&stage, "pull web; ");
    ck_applied("web", ACC_SETTLED_FAILED, "was rolled back to r1: the new one exited with 1");

    service("web")->pull = ACC_OP_CONFIG; /* there is no such image */
    stage_upgrade(&stage, ACC_VERB_UPGRADE, "web", "img9", 0);
    stage_run(&stage, 120000);
    ck_stage(&stage, "pull web; ");
    service("web")->pull = ACC_OP_OK;

    stage_docker_stop(&stage, "web");
    stage_run(&stage, 30000);
    stage_upgrade(&stage, ACC_VERB_UPGRADE, "web", "", 0);
    stage_run(&stage, 30000);
    stage_cmd(&stage, ACC_VERB_UP, "web", "");
    stage_run(&stage, 60000);
    ck_stage(&stage, "start web; ");
    ck_assert(!is_of_new_file("s-web-1"));

    service("web")->bad_image[0] = '\0';
    stage_upgrade(&stage, ACC_VERB_UPGRADE, "web", "img2", 0);
    stage_run(&stage, 60000);
    ck_assert(is_of_new_file("s-web-1"));
    ck_applied("web", ACC_SETTLED_DONE, "");
}
END_TEST

/* `docker image prune -a` takes the tag of what runs by its id. */
START_TEST(an_image_that_was_pruned_is_had_again)
{
    up("s: web p");
    stage.show_ensure = true;
    service("web")->is_pruned = true;
    apply("s: web p", "web");
    ck_stage(&stage, "pull web; ensure web:1; ensure s_default; pull web; create web; start web; ");
    ck_state(&stage, "web", "upgrading");
    stage_run(&stage, 11000);
    ck_containers("s-web-1 running img1 r2; s-web-1.r1 exited img1 r1; ");
    ck_assert_uint_eq(stage.n_attempts, 0);
}
END_TEST

START_TEST(an_image_that_can_not_be_had_again_is_told)
{
    up("s: web p");
    service("web")->is_pruned = true;
    stage.pull = ACC_OP_CONFIG;
    stage.pull_message = "no such image";
    apply("s: web p", "web");
    stage_run(&stage, 1000);
    ck_state(&stage, "web", "up");
    ck_applied("web", ACC_SETTLED_FAILED, "no such image");
    ck_assert(stage_why_says(&stage, "web",
                             "Its change failed: nothing was changed: needs web:1: no such image"));
    stage.pull = ACC_OP_OK;
    stage_run(&stage, 100000);
    ck_containers("s-web-1 running img1 r2; s-web-1.r1 exited img1 r1; ");
    ck_applied("web", ACC_SETTLED_DONE, "");
}
END_TEST

/* The commands before it fail each time: nobody waits for that. */
START_TEST(a_change_that_can_not_begin_is_told)
{
    up("s: web p B");
    service("web")->pre = ACC_OP_FAILED;
    apply("s: web p B", "web");
    stage_run(&stage, 1000);
    ck_applied("web", ACC_SETTLED_FAILED, "nothing was changed: hook said so; it is tried again");
    service("web")->pre = ACC_OP_OK;
    apply("s: web p B", "web"); /* at once */
    ck_applied("web", ACC_SETTLED_PENDING, "");
    stage_run(&stage, 12000);
    ck_applied("web", ACC_SETTLED_DONE, "");
}
END_TEST

/* --- several --------------------------------------------------------------------------------- */

START_TEST(what_others_stand_on_is_changed_first)
{
    up("s: db p; api p n:db; web p n:api");
    apply("s: db p; api p n:db; web p n:api", "db web");
    ck_stage(&stage, "pull db; create db; start db; ");
    stage_run(&stage, 11000);
    ck_stage(&stage, "route db; stop db; rename db; rename db; pull web; create web; start web; ");
    stage_run(&stage, 11000);
    ck_stage(&stage, "route web; stop web; rename web; rename web; ");
}
END_TEST

START_TEST(who_stands_on_what_was_rolled_back_stays_as_it_was)
{
    up("s: db p; api p n:db; web p n:api; by p");
    spoil("db");
    apply("s: db p; api p n:db; web p n:api; by p", "db web by");
    stage_run(&stage, 30000);
    ck_applied("db", ACC_SETTLED_FAILED, "was rolled back to r1");
    ck_applied("web", ACC_SETTLED_FAILED, "stays as it was: db, which it needs, was rolled back");
    ck_applied("by", ACC_SETTLED_DONE, "");
    ck_assert(!is_of_new_file("s-web-1") && is_of_new_file("s-by-1"));
    stage_restart_accd(&stage);
    stage_connect(&stage, false);
    stage_run(&stage, 900000);
    ck_assert(!is_of_new_file("s-web-1"));

    struct acc_model *model = model_build("s: db p; api p n:db; web p n:api; by p");

    model_touch(model, "web");
    model_touch(model, "by");
    model->services[model_index(model, "db")]->spec_hash[0] = 'T'; /* it is mended */
    stage_reconfigure(&stage, model);
    stage_run(&stage, 60000);
    ck_applied("db", ACC_SETTLED_DONE, "");
    ck_applied("web", ACC_SETTLED_DONE, "");
    ck_assert(is_of_new_file("s-web-1"));
}
END_TEST

START_TEST(who_does_not_wait_for_what_cannot_be_changed)
{
    up("s: db p; web p n:db");
    stage_hold(&stage, ACC_VERB_HOLD, "db", ACC_HOLD_UP, 0);
    apply("s: db p; web p n:db", "db web");
    stage_run(&stage, 30000);
    ck_applied("db", ACC_SETTLED_REFUSED, "stays as it was");
    ck_applied("web", ACC_SETTLED_DONE, "");
    ck_assert(is_of_new_file("s-web-1"));
}
END_TEST

START_TEST(who_stands_on_what_is_watched_and_has_changed_again_waits_for_it)
{
    struct acc_model *model = model_build("s: vpn p e; side p b:vpn");

    up("s: vpn p e; side p b:vpn");
    apply("s: vpn p e; side p b:vpn", "vpn");
    stage_run(&stage, 30000);
    stage_trace(&stage);
    service("vpn")->silent = true;
    model_touch(model, "side");
    model_touch(model, "vpn");
    model->services[model_index(model, "vpn")]->spec_hash[0] = 'T';
    stage_reconfigure(&stage, model);
    stage_run(&stage, 1000);
    ck_stage(&stage, "remove vpn; "); /* that is no end of it yet */
    service("vpn")->silent = false;
    stage_restart_accd(&stage);
    stage_connect(&stage, false);
    stage_run(&stage, 30000);
    ck_stage(&stage, "remove vpn; pull vpn; create vpn; stop side; stop vpn; start vpn; "
                     "rename vpn; rename vpn; pull side; create side; start side; rename side; "
                     "rename side; ");
}
END_TEST

START_TEST(who_shares_and_whose_image_can_not_be_had_goes_back_with_its_target)
{
    up("s: vpn p e; side p b:vpn B");
    service("side")->pull = ACC_OP_CONFIG;
    apply("s: vpn p e; side p b:vpn B", "vpn side");
    stage_run(&stage, 60000);
    ck_containers("s-side-1 running img1 r1; s-vpn-1 running img1 r1; ");
    ck_applied("side", ACC_SETTLED_FAILED, "nothing was changed");
    ck_applied("vpn", ACC_SETTLED_FAILED, "side, which shares with it and was changed with it");
    service("side")->pull = ACC_OP_OK;
    apply("s: vpn p e; side p b:vpn B",
          "vpn"); /* the sharer's is as it was: nothing is against it */
    stage_run(&stage, 60000);
    ck_applied("vpn", ACC_SETTLED_DONE, "");
    ck_assert(is_of_new_file("s-vpn-1") && !is_of_new_file("s-side-1"));
}
END_TEST

START_TEST(who_had_to_stop_with_its_target_runs_no_commands_before)
{
    up("s: vpn p e; side p b:vpn B");
    service("side")->pre = ACC_OP_FAILED;
    apply("s: vpn p e; side p b:vpn B", "vpn side");
    stage_run(&stage, 60000);
    ck_assert(is_of_new_file("s-vpn-1") && is_of_new_file("s-side-1"));
}
END_TEST

START_TEST(a_dependency_that_is_ill_is_not_its_fault)
{
    up("s: db h; web p n:db");
    apply("s: db h; web p n:db", "web");
    service("db")->probe = ACC_PROBE_FAIL;
    stage_health(&stage, "db", ACC_DH_UNHEALTHY);
    stage_exit_of(&stage, stage_named(&stage, "s-web-1.c*"), 1);
    stage_run(&stage, 60000);
    ck_state(&stage, "web", "upgrading");
    service("db")->probe = ACC_PROBE_PASS;
    stage_health(&stage, "db", ACC_DH_HEALTHY);
    stage_run(&stage, 120000);
    ck_assert(is_of_new_file("s-web-1"));
    ck_state(&stage, "web", "up");
}
END_TEST

/* --- accd dies ------------------------------------------------------------------------------- */

/* Before each action that changes the world; with its record and without; good and bad settings. */
static void kill_at(const char *text, int step, bool is_bad, bool is_lost)
{
    const char *end;

    up(text);
    if (is_bad) {
        spoil("web");
    }
    stage.kill_after = step;
    apply(text, "web");
    stage_run(&stage, 60000);
    if (is_lost) {
        memset(stage.has_record, 0, sizeof(stage.has_record));
        stage.n_revisions = 0;
    }
    stage_restart_accd(&stage);
    stage_connect(&stage, false);
    stage_run(&stage, 1700000);
    end = stage_containers(&stage);
    ck_assert_msg(strncmp(end, "s-web-1 running img1 ", 21) == 0 && !strchr(end, '.') &&
                      is_of_new_file("s-web-1") == !is_bad,
                  "%s, step %d, %s, %s: %s\n%s", text, step, is_bad ? "bad" : "good",
                  is_lost ? "lost" : "kept", end, stage_notes(&stage));
    ck_state(&stage, "web", "up");
    stage_close(&stage);
}

START_TEST(accd_dies_anywhere_on_the_way)
{
    for (int step = 0; step < 10; step++) {
        for (int way = 0; way < 8; way++) {
            kill_at(way & 1 ? "s: web p e" : "s: web p", step, way & 2, way & 4);
        }
    }
    stage_open(&stage, model_build("s: web"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("engine_rollout_change");
    TCase *tcase = tcase_create("engine_rollout_change");

    tcase_set_timeout(tcase, 120);
    tcase_add_checked_fixture(tcase, NULL, teardown);
    tcase_add_test(tcase, the_old_one_serves_until_the_new_one_is_ready);
    tcase_add_test(tcase, what_can_not_run_twice_is_stopped_first);
    tcase_add_test(tcase, what_does_not_serve_is_made_anew_in_its_place);
    tcase_add_test(tcase, a_job_is_made_anew_in_its_place);
    tcase_add_test(tcase, replicas_one_after_the_other_and_a_new_one_with_them);
    tcase_add_test(tcase, files_that_change_again_are_what_counts);
    tcase_add_test(tcase, what_does_not_work_is_taken_back_and_not_tried_again);
    tcase_add_test(tcase, the_kept_one_comes_back_by_its_id);
    tcase_add_test(tcase, a_crash_while_it_is_watched_takes_it_back);
    tcase_add_test(tcase, an_operator_goes_back_to_the_kept_one);
    tcase_add_test(tcase, who_stands_on_what_an_operator_took_back_has_not_failed);
    tcase_add_test(tcase, what_an_operator_decides_to_take_back_has_not_failed);
    tcase_add_test(tcase, a_rollback_of_before_says_nothing_about_a_change);
    tcase_add_test(tcase, an_older_configuration_is_not_made_up);
    tcase_add_test(tcase, what_failed_and_stayed_is_not_stable);
    tcase_add_loop_test(tcase, what_failed_and_stayed_is_gone_back_to, 0, 4);
    tcase_add_loop_test(tcase, what_failed_and_stayed_in_part_is_not_stable, 0, 2);
    tcase_add_test(tcase, an_image_that_was_rolled_back_does_not_come_in_with_a_change);
    tcase_add_test(tcase, what_was_rolled_back_is_no_difference);
    tcase_add_test(tcase, what_stays_as_its_image_was_rolled_back_says_so);
    tcase_add_test(tcase, an_upgrade_that_is_refused_does_not_bring_the_change);
    tcase_add_test(tcase, an_image_that_was_pruned_is_had_again);
    tcase_add_test(tcase, an_image_that_can_not_be_had_again_is_told);
    tcase_add_test(tcase, a_change_that_can_not_begin_is_told);
    tcase_add_test(tcase, what_others_stand_on_is_changed_first);
    tcase_add_test(tcase, who_stands_on_what_was_rolled_back_stays_as_it_was);
    tcase_add_test(tcase, who_does_not_wait_for_what_cannot_be_changed);
    tcase_add_test(tcase, who_stands_on_what_is_watched_and_has_changed_again_waits_for_it);
    tcase_add_test(tcase, who_shares_and_whose_image_can_not_be_had_goes_back_with_its_target);
    tcase_add_test(tcase, who_had_to_stop_with_its_target_runs_no_commands_before);
    tcase_add_test(tcase, a_dependency_that_is_ill_is_not_its_fault);
    tcase_add_test(tcase, accd_dies_anywhere_on_the_way);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
