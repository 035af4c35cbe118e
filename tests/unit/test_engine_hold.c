/* Holds and maintenance beside the golden cases: upgrades, what verbs are told, records. ENGINE.md
 * E2. */

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

static void hold(const char *name, enum acc_hold kind, uint64_t for_ms)
{
    stage_hold(&stage, ACC_VERB_HOLD, name, kind, for_ms);
}

static void maintain(enum acc_hold kind)
{
    stage_hold(&stage, ACC_VERB_MAINTENANCE, NULL, kind, 0);
}

static void upgrade(void)
{
    (void)snprintf(stage.service[0].image, sizeof(stage.service[0].image), "img2");
    stage_upgrade(&stage, ACC_VERB_UPGRADE, "web", "", 0);
}

#define ck_containers(want) ck_assert_str_eq(stage_containers(&stage), want)
#define ck_settled(name, verb, want, want_text)                                                    \
    do {                                                                                           \
        char text_[ACC_REASON_MAX + 1] = "";                                                       \
        ck_assert_int_eq(acc_engine_settled(stage.engine, stage_index(&stage, name), verb,         \
                                            stage.now_ms, text_),                                  \
                         want);                                                                    \
        ck_assert_msg(strstr(text_, want_text), "'%s' lacks '%s'", text_, want_text);              \
    } while (0)

START_TEST(an_upgrade_stays_where_it_is_and_so_does_its_clock)
{
    stage_up(&stage, "s: web h");
    stage_run(&stage, 60000);
    stage_trace(&stage);
    (void)snprintf(stage.service[0].sick_image, sizeof(stage.service[0].sick_image), "img2");
    upgrade();
    ck_stage(&stage, "pull web; create web; start web; ");
    stage_run(&stage, 200000);
    hold("web", ACC_HOLD_FREEZE, 0);
    stage_run(&stage, 3600000); /* the new one may take 5 min to get ready */
    ck_stage(&stage, "");
    ck_state(&stage, "web", "upgrading");
    ck_assert(strstr(stage_reason(&stage, "web"), "it is frozen by root (accctl release web)"));
    ck_settled("web", ACC_VERB_UPGRADE, ACC_SETTLED_HELD, "is frozen by root");
    stage.service[0].sick_image[0] = '\0';
    stage_cmd(&stage, ACC_VERB_RELEASE, "web", "");
    stage_run(&stage, 60000);
    ck_stage(&stage, "route web; stop web; rename web; rename web; ");
    stage_run(&stage, 700000);
    ck_containers("s-web-1 running img2 r2; ");
}
END_TEST

START_TEST(what_is_watched_is_watched_on_after_a_freeze)
{
    stage_up(&stage, "s: web p");
    stage_run(&stage, 60000);
    upgrade();
    stage_run(&stage, 100000);
    hold("web", ACC_HOLD_FREEZE, 0);
    stage_run(&stage, 3600000);
    ck_containers("s-web-1 running img2 r2; s-web-1.r1 exited img1 r1; ");
    stage_cmd(&stage, ACC_VERB_RELEASE, "web", "");
    stage_run(&stage, 400000); /* ten minutes, of which it was frozen after 90 s */
    ck_containers("s-web-1 running img2 r2; s-web-1.r1 exited img1 r1; ");
    stage_run(&stage, 200000);
    ck_containers("s-web-1 running img2 r2; ");
}
END_TEST

START_TEST(the_old_one_is_not_stopped_when_it_is_held_up)
{
    stage_up(&stage, "s: web p e");
    stage_run(&stage, 60000);
    stage_trace(&stage);
    stage.service[0].silent = true;
    upgrade();
    ck_stage(&stage, "pull web; ");
    hold("web", ACC_HOLD_UP, 0);
    stage.service[0].silent = false;
    stage_upgrade(&stage, ACC_VERB_ROLLBACK, "web", "", 0);
    stage_run(&stage, 600000);
    ck_stage(&stage, "");
    ck_containers("s-web-1 running img1 r1; ");
}
END_TEST

START_TEST(verbs_are_told_what_forbids_them)
{
    stage_up(&stage, "s: db p; web p n:db");
    stage_run(&stage, 60000);
    hold("web", ACC_HOLD_UP, 7200000);
    ck_settled("web", ACC_VERB_HOLD, ACC_SETTLED_DONE, "");
    stage_cmd(&stage, ACC_VERB_STOP, "web", "");
    ck_settled("web", ACC_VERB_STOP, ACC_SETTLED_HELD,
               "is held up by root, for another 2 h 0 min (accctl release web)");
    stage_upgrade(&stage, ACC_VERB_UPGRADE, "web", "", 0);
    ck_settled("web", ACC_VERB_UPGRADE, ACC_SETTLED_HELD, "is held up by root");
    stage_cmd(&stage, ACC_VERB_UP, "web", "");
    ck_settled("web", ACC_VERB_UP, ACC_SETTLED_DONE, "");
    hold("db", ACC_HOLD_DOWN, 0);
    stage_cmd(&stage, ACC_VERB_UP, "web", "");
    ck_settled("web", ACC_VERB_UP, ACC_SETTLED_DONE, "");
    stage_cmd(&stage, ACC_VERB_RELEASE, "web", "");
    stage_exit(&stage, "db", 1);
    stage_exit(&stage, "web", 1);
    stage_run(&stage, 30000);
    ck_settled("db", ACC_VERB_UP, ACC_SETTLED_HELD, "is held down by root");
    ck_settled("web", ACC_VERB_UP, ACC_SETTLED_FAILED, "needs db, which is held down by root");
    stage_cmd(&stage, ACC_VERB_RELEASE, "db", "");
    ck_settled("db", ACC_VERB_HOLD, ACC_SETTLED_FAILED, "released");
}
END_TEST

START_TEST(a_hold_waits_for_what_is_in_flight)
{
    stage_up(&stage, "s: web p");
    stage_run(&stage, 60000);
    stage.service[0].silent = true;
    stage_cmd(&stage, ACC_VERB_STOP, "web", "");
    hold("web", ACC_HOLD_FREEZE, 0);
    ck_settled("web", ACC_VERB_HOLD, ACC_SETTLED_PENDING, "");
    maintain(ACC_HOLD_FREEZE);
    ck_settled("web", ACC_VERB_MAINTENANCE, ACC_SETTLED_PENDING, "");
    maintain(ACC_HOLD_NONE);
    ck_settled("web", ACC_VERB_MAINTENANCE, ACC_SETTLED_DONE, "");
}
END_TEST

START_TEST(only_who_waits_is_told_of_maintenance)
{
    struct acc_hold_record record;

    stage_up(&stage, "s: db p; web p n:db");
    stage_run(&stage, 60000);
    maintain(ACC_HOLD_FREEZE);
    acc_engine_maintenance(stage.engine, stage.now_ms, &record);
    ck_assert_int_eq(record.kind, ACC_HOLD_FREEZE);
    ck_assert_str_eq(record.by, "root");
    stage_exit(&stage, "db", 1);
    stage_run(&stage, 60000);
    ck_assert_str_eq(stage_reason(&stage, "db"),
                     "is left alone during maintenance by root (accctl maintenance off); it exited "
                     "with 1 (1 min ago)");
    ck_assert(strstr(stage_reason(&stage, "web"), "needs db, which is left alone"));
    ck_settled("db", ACC_VERB_ADOPT, ACC_SETTLED_DONE, "");
    maintain(ACC_HOLD_NONE);
    stage_run(&stage, 10000);
    ck_state(&stage, "db", "up");
    ck_assert_ptr_null(strstr(stage_reason(&stage, "db"), "maintenance"));
    acc_engine_maintenance(stage.engine, stage.now_ms, &record);
    ck_assert_int_eq(record.kind, ACC_HOLD_NONE);
}
END_TEST

START_TEST(nothing_is_made_ready_for_what_is_frozen)
{
    stage_open(&stage, model_build("s: web p"));
    stage.show_ensure = true;
    hold("web", ACC_HOLD_FREEZE, 0);
    stage_connect(&stage, false);
    stage_run(&stage, 60000);
    ck_stage(&stage, "");
    stage.pull = ACC_OP_START;
    stage.pull_message = "toomanyrequests";
    stage_cmd(&stage, ACC_VERB_RELEASE, "web", "");
    stage_run(&stage, 1000);
    ck_assert(strstr(stage_trace(&stage), "ensure"));
    maintain(ACC_HOLD_FREEZE);
    stage_run(&stage, 3600000); /* what failed would be due again */
    ck_stage(&stage, "");
}
END_TEST

START_TEST(a_new_configuration_keeps_them)
{
    struct acc_service_view view;

    stage_up(&stage, "s: db p; web p");
    stage_run(&stage, 60000);
    hold("web", ACC_HOLD_UP, 60000);
    maintain(ACC_HOLD_FREEZE);
    stage_trace(&stage);
    stage_reconfigure(&stage, model_build("s: web p"));
    acc_engine_service(stage.engine, stage_index(&stage, "web"), stage.now_ms, &view);
    ck_assert_int_eq(view.hold.kind, ACC_HOLD_UP);
    ck_assert_uint_eq(view.hold.left_ms, 60000);
    stage_run(&stage, 60000);
    ck_stage(&stage, ""); /* db is gone from the file, and nothing is changed */
    maintain(ACC_HOLD_NONE);
    ck_stage(&stage, "stop ?; ");
}
END_TEST

START_TEST(its_time_is_saved_while_it_runs)
{
    stage_up(&stage, "s: web p");
    hold("web", ACC_HOLD_DOWN, 3600000);
    ck_assert_uint_eq(stage.record[0].hold.left_ms, 3600000);
    stage_run(&stage, 1800000);
    ck_assert_uint_le(stage.record[0].hold.left_ms, 1860000);
    ck_assert_uint_ge(stage.record[0].hold.left_ms, 1800000);
    stage_run(&stage, 1800000);
    ck_assert_int_eq(stage.record[0].hold.kind, ACC_HOLD_NONE);
}
END_TEST

START_TEST(who_hands_a_stack_back_ends_its_holds)
{
    stage_up(&stage, "s: web p");
    hold("web", ACC_HOLD_FREEZE, 0);
    stage_cmd(&stage, ACC_VERB_HAND_BACK, "s", "");
    stage_run(&stage, 1000);
    ck_settled("web", ACC_VERB_HAND_BACK, ACC_SETTLED_DONE, "");
    ck_assert_int_eq(stage.record[0].hold.kind, ACC_HOLD_NONE);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("engine_hold");
    TCase *tc = tcase_create("hold");

    tcase_add_checked_fixture(tc, NULL, teardown);
    tcase_add_test(tc, an_upgrade_stays_where_it_is_and_so_does_its_clock);
    tcase_add_test(tc, what_is_watched_is_watched_on_after_a_freeze);
    tcase_add_test(tc, the_old_one_is_not_stopped_when_it_is_held_up);
    tcase_add_test(tc, verbs_are_told_what_forbids_them);
    tcase_add_test(tc, a_hold_waits_for_what_is_in_flight);
    tcase_add_test(tc, only_who_waits_is_told_of_maintenance);
    tcase_add_test(tc, nothing_is_made_ready_for_what_is_frozen);
    tcase_add_test(tc, a_new_configuration_keeps_them);
    tcase_add_test(tc, its_time_is_saved_while_it_runs);
    tcase_add_test(tc, who_hands_a_stack_back_ends_its_holds);
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
