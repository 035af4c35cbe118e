/* The rollback of a stateful service over data that may have changed waits for a person (R3). */

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/stage.h"

static struct stage stage;

static void teardown(void)
{
    stage_close(&stage);
}

static struct stage_service *db(void)
{
    return &stage.service[stage_index(&stage, "db")];
}

/* db is upgraded to img2, whose containers exit at once; what was asked so far is forgotten. */
static void fail_to_upgrade(const char *text)
{
    stage_up(&stage, text);
    stage_run(&stage, 60000);
    (void)snprintf(db()->image, sizeof(db()->image), "img2");
    (void)snprintf(db()->bad_image, sizeof(db()->bad_image), "img2");
    stage_trace(&stage);
    stage_incidents(&stage);
    stage_upgrade(&stage, ACC_VERB_UPGRADE, "db", "", 0);
    stage_run(&stage, 30000);
}

static enum acc_settled settled(enum acc_verb verb, char *text)
{
    text[0] = '\0';
    return acc_engine_settled(stage.engine, stage_index(&stage, "db"), verb, stage.now_ms, text);
}

static enum acc_rollout_step step(void)
{
    struct acc_service_view view;

    acc_engine_service(stage.engine, stage_index(&stage, "db"), stage.now_ms, &view);
    return view.step;
}

#define ck_asks()                                                                                  \
    do {                                                                                           \
        ck_state(&stage, "db", "failed");                                                          \
        ck_assert_int_eq(step(), ACC_ROLL_ASK);                                                    \
        ck_assert(strstr(stage_reason(&stage, "db"), "accctl rollback db --yes goes back to r1")); \
        ck_assert(strstr(stage_reason(&stage, "db"), "accctl upgrade db --keep goes on with r2")); \
    } while (0)
#define ck_containers(want) ck_assert_str_eq(stage_containers(&stage), want)

static void ck_revision(uint32_t number, enum acc_revision_result result, const char *text)
{
    size_t i = 0;

    while (i < stage.n_revisions && stage.revision[i].number != number) {
        i++;
    }
    ck_assert_msg(i < stage.n_revisions, "r%u is not told", (unsigned)number);
    ck_assert_int_eq(stage.revision[i].result, result);
    ck_assert_str_eq(stage.revision[i].text, text);
}

START_TEST(nothing_moves_until_somebody_decides)
{
    char text[ACC_REASON_MAX + 1];
    struct acc_buf why;

    fail_to_upgrade("s: db p e s; web p n:db");
    ck_stage(&stage, "pull db; create db; stop db; start db; ");
    ck_asks();
    ck_assert_str_eq(stage_incidents(&stage), "db opened; db notified; ");
    ck_revision(2, ACC_REV_TRIAL, "exited with 1");
    ck_assert_int_eq(settled(ACC_VERB_UPGRADE, text), ACC_SETTLED_FAILED);
    ck_assert(strstr(text, "--yes") && strstr(text, "--keep"));
    acc_buf_init(&why, 4096);
    acc_engine_why(stage.engine, stage_index(&stage, "db"), stage.now_ms, &why);
    ck_assert_msg(strstr(why.data, "accctl rollback db --yes"), "%s", why.data);
    acc_buf_fini(&why);
    stage_upgrade(&stage, ACC_VERB_ROLLBACK, "db", "", 0); /* without --yes */
    ck_assert_int_eq(settled(ACC_VERB_ROLLBACK, text), ACC_SETTLED_REFUSED);
    ck_assert(strstr(text, "accctl rollback db --yes"));
    stage_upgrade(&stage, ACC_VERB_UPGRADE, "db", "", 0);
    stage_cmd(&stage, ACC_VERB_UP, "db", "");
    stage_cmd(&stage, ACC_VERB_RESTART, "db", "");
    stage_run(&stage, 7200000);
    ck_stage(&stage, "");
    ck_asks();
    ck_assert_str_eq(stage_incidents(&stage), ""); /* it stays open */
    ck_containers("s-db-1 exited img1 r1; s-db-1.c10 exited img2 r2; s-web-1 running img1 r1; ");
}
END_TEST

START_TEST(back_when_somebody_says_so)
{
    struct acc_revision_record rev;
    char text[ACC_REASON_MAX + 1];

    fail_to_upgrade("s: db p e s");
    stage_trace(&stage);
    stage_decide(&stage, ACC_VERB_ROLLBACK, "db");
    stage_run(&stage, 10000);
    ck_stage(&stage, "start db; remove db; ");
    ck_containers("s-db-1 running img1 r1; ");
    ck_state(&stage, "db", "up");
    ck_assert_int_eq(settled(ACC_VERB_ROLLBACK, text), ACC_SETTLED_DONE);
    ck_assert_str_eq(stage.record[0].bad_id, "img2");
    ck_assert(acc_engine_revision(stage.engine, stage_index(&stage, "db"), 2, stage.now_ms, &rev));
    ck_assert_int_eq(rev.result, ACC_REV_ROLLED_BACK);
    ck_assert_str_eq(rev.text, "exited with 1; taken back by root");
    stage_run(&stage, 120000);
    ck_assert_str_eq(stage_incidents(&stage), "db opened; db notified; db closed; ");
}
END_TEST

START_TEST(on_with_the_new_one_when_somebody_says_so)
{
    char text[ACC_REASON_MAX + 1];

    fail_to_upgrade("s: db p e s");
    stage_trace(&stage);
    db()->bad_image[0] = '\0'; /* its volume was mended by hand */
    stage_decide(&stage, ACC_VERB_UPGRADE, "db");
    ck_assert_int_eq(settled(ACC_VERB_UPGRADE, text), ACC_SETTLED_PENDING);
    stage_run(&stage, 12000);
    ck_stage(&stage, "start db; rename db; rename db; ");
    ck_containers("s-db-1 running img2 r2; s-db-1.r1 exited img1 r1; ");
    ck_revision(2, ACC_REV_TRIAL, "");
    stage_run(&stage, 700000);
    ck_containers("s-db-1 running img2 r2; ");
    ck_assert_int_eq(settled(ACC_VERB_UPGRADE, text), ACC_SETTLED_DONE);
}
END_TEST

START_TEST(on_and_it_fails_again_asks_again)
{
    fail_to_upgrade("s: db p e s");
    stage_decide(&stage, ACC_VERB_UPGRADE, "db");
    stage_run(&stage, 10000);
    ck_asks();
}
END_TEST

START_TEST(the_question_survives_accd)
{
    fail_to_upgrade("s: db p e s");
    stage_incidents(&stage);
    stage_restart_accd(&stage);
    stage_connect(&stage, false);
    stage_trace(&stage);
    stage_run(&stage, 600000);
    ck_stage(&stage, "");
    ck_asks();
    ck_assert_str_eq(stage_incidents(&stage), "db opened; db notified; ");
    stage_decide(&stage, ACC_VERB_ROLLBACK, "db");
    stage_run(&stage, 10000);
    ck_containers("s-db-1 running img1 r1; ");
}
END_TEST

START_TEST(also_when_the_record_is_lost)
{
    fail_to_upgrade("s: db p e s");
    memset(stage.has_record, 0, sizeof(stage.has_record));
    stage_restart_accd(&stage);
    stage_connect(&stage, false);
    stage_trace(&stage);
    stage_run(&stage, 600000);
    ck_stage(&stage, "");
    ck_asks();
}
END_TEST

START_TEST(what_was_committed_already_asks_too)
{
    stage_up(&stage, "s: db p e s");
    stage_run(&stage, 60000);
    (void)snprintf(db()->image, sizeof(db()->image), "img2");
    stage_upgrade(&stage, ACC_VERB_UPGRADE, "db", "", 0);
    stage_run(&stage, 60000);
    ck_containers("s-db-1 running img2 r2; s-db-1.r1 exited img1 r1; ");
    stage_trace(&stage);
    stage_exit_of(&stage, stage_named(&stage, "s-db-1"), 1);
    stage_run(&stage, 60000);
    ck_stage(&stage, "");
    ck_asks();
    stage_decide(&stage, ACC_VERB_UPGRADE, "db");
    stage_run(&stage, 60000);
    ck_stage(&stage, "start db; ");
    ck_state(&stage, "db", "up");
    stage_run(&stage, 700000);
    ck_containers("s-db-1 running img2 r2; ");
}
END_TEST

START_TEST(off_is_off)
{
    stage_up(&stage, "s: db h e s");
    stage_run(&stage, 60000);
    (void)snprintf(db()->image, sizeof(db()->image), "img2");
    (void)snprintf(db()->sick_image, sizeof(db()->sick_image), "img2");
    stage_upgrade(&stage, ACC_VERB_UPGRADE, "db", "", 0);
    stage_run(&stage, 400000);
    ck_asks(); /* it runs, and isn't ready */
    stage_trace(&stage);
    stage_cmd(&stage, ACC_VERB_STOP, "db", "");
    stage_run(&stage, 10000);
    ck_stage(&stage, "stop db; ");
    ck_state(&stage, "db", "off");
    stage_cmd(&stage, ACC_VERB_UP, "db", "");
    stage_run(&stage, 60000);
    ck_stage(&stage, "");
    ck_asks();
}
END_TEST

/* --- where nobody is asked ------------------------------------------------------------------- */

static const struct {
    const char *label, *text;
} calm[] = {
    {"not stateful", "s: db p e"},
    {"saved before", "s: db p e s B"},
    {"the old one runs on", "s: db p s"},
};

START_TEST(it_goes_back_by_itself_where_that_is_safe)
{
    fail_to_upgrade(calm[_i].text);
    stage_run(&stage, 60000);
    ck_assert_msg(strcmp(stage_containers(&stage), "s-db-1 running img1 r1; ") == 0, "%s: %s",
                  calm[_i].label, stage_containers(&stage));
}
END_TEST

START_TEST(what_never_ran_has_changed_nothing)
{
    stage_up(&stage, "s: db p e s");
    stage_run(&stage, 60000);
    (void)snprintf(db()->image, sizeof(db()->image), "img2");
    db()->create = ACC_OP_CONFIG;
    db()->message = "no such mount";
    stage_upgrade(&stage, ACC_VERB_UPGRADE, "db", "", 0);
    stage_run(&stage, 60000);
    ck_containers("s-db-1 running img1 r1; ");
    ck_assert_int_eq(step(), ACC_ROLL_IDLE);
}
END_TEST

START_TEST(a_person_who_takes_it_back_is_not_asked)
{
    stage_up(&stage, "s: db p e s");
    stage_run(&stage, 60000);
    (void)snprintf(db()->image, sizeof(db()->image), "img2");
    stage_upgrade(&stage, ACC_VERB_UPGRADE, "db", "", 0);
    stage_run(&stage, 60000);
    stage_upgrade(&stage, ACC_VERB_ROLLBACK, "db", "", 0);
    stage_run(&stage, 60000);
    ck_containers("s-db-1 running img1 r1; ");
}
END_TEST

/* --- upgrade.on_failure: pause --------------------------------------------------------------- */

START_TEST(one_that_pauses_asks_while_the_old_one_serves)
{
    fail_to_upgrade("s: db p P; web p n:db");
    ck_stage(&stage, "pull db; create db; start db; ");
    ck_asks();
    ck_assert(strstr(stage_reason(&stage, "db"), "upgrade.on_failure is pause"));
    ck_assert_str_eq(stage_incidents(&stage), "db opened; db notified; ");
    stage_upgrade(&stage, ACC_VERB_ROLLBACK, "db", "", 0); /* without --yes */
    stage_run(&stage, 7200000);
    ck_stage(&stage, "");
    ck_state(&stage, "web", "up");
    stage_decide(&stage, ACC_VERB_ROLLBACK, "db");
    stage_run(&stage, 10000);
    ck_stage(&stage, "remove db; ");
    ck_containers("s-db-1 running img1 r1; s-web-1 running img1 r1; ");
    ck_state(&stage, "db", "up");
    ck_assert_str_eq(stage.record[0].bad_id, "img2");
}
END_TEST

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

START_TEST(one_that_pauses_gives_the_old_one_its_place_back)
{
    stage_up(&stage, "s: db h D P");
    stage_run(&stage, 60000);
    (void)snprintf(db()->image, sizeof(db()->image), "img2");
    stage_upgrade(&stage, ACC_VERB_UPGRADE, "db", "", 0);
    stage_run(&stage, 14000);
    ck_assert_int_eq(step(), ACC_ROLL_DRAIN);
    ck_assert(stage_named(&stage, "s-db-1")->is_marked);
    stage_trace(&stage);
    (void)snprintf(db()->sick_image, sizeof(db()->sick_image), "img2");
    health_of("s-db-1.c*", ACC_DH_UNHEALTHY);
    stage_run(&stage, 60000);
    ck_asks();
    ck_stage(&stage, "undrain db; stop db; ");
    ck_assert(!stage_named(&stage, "s-db-1")->is_marked);
    ck_containers("s-db-1 running img1 r1; s-db-1.c6 exited img2 r2; ");
}
END_TEST

START_TEST(one_that_pauses_heals_the_old_one_meanwhile)
{
    fail_to_upgrade("s: db p P");
    stage_trace(&stage);
    stage_exit_of(&stage, stage_named(&stage, "s-db-1"), 1);
    stage_run(&stage, 60000);
    ck_stage(&stage, "start db; ");
    ck_asks();
    ck_containers("s-db-1 running img1 r1; s-db-1.c6 exited img2 r2; ");
}
END_TEST

START_TEST(one_that_pauses_goes_on_from_where_it_was)
{
    fail_to_upgrade("s: db p P");
    stage_restart_accd(&stage);
    memset(stage.has_record, 0, sizeof(stage.has_record));
    stage_connect(&stage, false);
    stage_run(&stage, 60000);
    ck_asks();
    stage_trace(&stage);
    db()->bad_image[0] = '\0';
    stage_decide(&stage, ACC_VERB_UPGRADE, "db");
    stage_run(&stage, 700000);
    ck_containers("s-db-1 running img2 r2; ");
    ck_state(&stage, "db", "up");
}
END_TEST

START_TEST(one_that_pauses_has_nothing_to_ask_about_what_was_never_made)
{
    stage_up(&stage, "s: db p P");
    stage_run(&stage, 60000);
    (void)snprintf(db()->image, sizeof(db()->image), "img2");
    db()->create = ACC_OP_CONFIG;
    db()->message = "no such mount";
    stage_upgrade(&stage, ACC_VERB_UPGRADE, "db", "", 0);
    stage_run(&stage, 60000);
    ck_containers("s-db-1 running img1 r1; ");
    ck_assert_int_eq(step(), ACC_ROLL_IDLE);
}
END_TEST

START_TEST(one_that_pauses_and_whose_new_one_is_gone_makes_it_again)
{
    fail_to_upgrade("s: db p P");
    db()->bad_image[0] = '\0';
    stage_rm_of(&stage, stage_named(&stage, "s-db-1.c*"));
    stage_run(&stage, 60000);
    ck_asks();
    stage_decide(&stage, ACC_VERB_UPGRADE, "db");
    stage_run(&stage, 60000);
    ck_containers("s-db-1 running img2 r2; s-db-1.r1 exited img1 r1; ");
}
END_TEST

START_TEST(who_asks_is_not_handed_back)
{
    char text[ACC_REASON_MAX + 1];

    fail_to_upgrade("s: db p e s; web p n:db");
    stage_cmd(&stage, ACC_VERB_HAND_BACK, "s", "");
    stage_run(&stage, 60000);
    ck_assert_int_eq(settled(ACC_VERB_HAND_BACK, text), ACC_SETTLED_REFUSED);
    ck_assert_str_eq(text,
                     "stays accd's: the upgrade of db waits for somebody's word; first accctl "
                     "rollback db --yes, or accctl upgrade db --keep");
    ck_asks();
    stage_decide(&stage, ACC_VERB_ROLLBACK, "db");
    stage_run(&stage, 60000);
    ck_assert_int_eq(settled(ACC_VERB_HAND_BACK, text), ACC_SETTLED_REFUSED);
    ck_assert_str_eq(text, "wasn't handed back, for an upgrade that has ended since");
    stage_cmd(&stage, ACC_VERB_HAND_BACK, "s", "");
    stage_run(&stage, 60000);
    ck_assert_int_eq(settled(ACC_VERB_HAND_BACK, text), ACC_SETTLED_DONE);
}
END_TEST

START_TEST(a_decision_that_nothing_waits_for)
{
    char text[ACC_REASON_MAX + 1];

    stage_up(&stage, "s: db p e s");
    stage_run(&stage, 60000);
    stage_trace(&stage);
    stage_decide(&stage, ACC_VERB_UPGRADE, "db");
    stage_run(&stage, 60000);
    ck_stage(&stage, "");
    ck_assert_int_eq(settled(ACC_VERB_UPGRADE, text), ACC_SETTLED_REFUSED);
    ck_assert_str_eq(text, "has nothing that waits for a decision");
    ck_assert_str_eq(stage_incidents(&stage), "");
}
END_TEST

/* The answer is for who asked; what the last one came to is for everybody. */
START_TEST(a_decision_that_nothing_waits_for_leaves_the_last_outcome)
{
    char text[ACC_REASON_MAX + 1];
    struct acc_buf why, after;

    fail_to_upgrade("s: db p");
    stage_run(&stage, 60000);
    ck_revision(2, ACC_REV_ROLLED_BACK, "exited with 1");
    acc_buf_init(&why, 4096);
    acc_buf_init(&after, 4096);
    acc_engine_why(stage.engine, stage_index(&stage, "db"), stage.now_ms, &why);
    ck_assert_msg(strstr(why.data, "Its upgrade to r2 was rolled back to r1: "), "%s", why.data);
    stage_decide(&stage, ACC_VERB_UPGRADE, "db");
    ck_assert_int_eq(settled(ACC_VERB_UPGRADE, text), ACC_SETTLED_REFUSED);
    acc_engine_why(stage.engine, stage_index(&stage, "db"), stage.now_ms, &after);
    ck_assert_str_eq(after.data, why.data);
    stage_event(&stage, ACC_EV_CONN_DOWN);
    stage_upgrade(&stage, ACC_VERB_UPGRADE, "db", "", 0); /* it waits, and who asked waits, too */
    stage_decide(&stage, ACC_VERB_UPGRADE, "db");
    ck_assert_int_eq(settled(ACC_VERB_UPGRADE, text), ACC_SETTLED_PENDING);
    acc_buf_fini(&why);
    acc_buf_fini(&after);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("engine_confirm");
    TCase *tcase = tcase_create("confirm");

    tcase_add_checked_fixture(tcase, NULL, teardown);
    tcase_add_test(tcase, nothing_moves_until_somebody_decides);
    tcase_add_test(tcase, back_when_somebody_says_so);
    tcase_add_test(tcase, on_with_the_new_one_when_somebody_says_so);
    tcase_add_test(tcase, on_and_it_fails_again_asks_again);
    tcase_add_test(tcase, the_question_survives_accd);
    tcase_add_test(tcase, also_when_the_record_is_lost);
    tcase_add_test(tcase, what_was_committed_already_asks_too);
    tcase_add_test(tcase, off_is_off);
    tcase_add_loop_test(tcase, it_goes_back_by_itself_where_that_is_safe, 0,
                        sizeof(calm) / sizeof(calm[0]));
    tcase_add_test(tcase, what_never_ran_has_changed_nothing);
    tcase_add_test(tcase, a_person_who_takes_it_back_is_not_asked);
    tcase_add_test(tcase, one_that_pauses_asks_while_the_old_one_serves);
    tcase_add_test(tcase, one_that_pauses_gives_the_old_one_its_place_back);
    tcase_add_test(tcase, one_that_pauses_heals_the_old_one_meanwhile);
    tcase_add_test(tcase, one_that_pauses_goes_on_from_where_it_was);
    tcase_add_test(tcase, one_that_pauses_has_nothing_to_ask_about_what_was_never_made);
    tcase_add_test(tcase, one_that_pauses_and_whose_new_one_is_gone_makes_it_again);
    tcase_add_test(tcase, who_asks_is_not_handed_back);
    tcase_add_test(tcase, a_decision_that_nothing_waits_for);
    tcase_add_test(tcase, a_decision_that_nothing_waits_for_leaves_the_last_outcome);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
