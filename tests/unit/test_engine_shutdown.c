/* The host goes down, beside the golden cases: the grace of stops, what the daemon is told, what is
 * saved, and a file that changes meanwhile. ENGINE.md E10. */

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/stage.h"

static struct stage stage;

static void teardown(void)
{
    stage_close(&stage);
}

static void up(const char *text)
{
    stage_up(&stage, text);
    stage_run(&stage, 60000);
    (void)stage_trace(&stage);
}

/* The host goes down, and nothing of what that asks for is done. */
static void ask_shut_down(uint64_t budget_ms)
{
    struct acc_event event = {.type = ACC_EV_SHUTDOWN, .now_ms = stage.now_ms};

    event.shutdown.budget_ms = budget_ms;
    acc_engine_step(stage.engine, &event, &stage.actions);
}

static void silence(const char *name, bool is_silent)
{
    stage.service[stage_index(&stage, name)].silent = is_silent;
}

/* Of the stop that was just asked for; aborts without one. */
static const struct acc_action *stop_of(const char *name)
{
    for (size_t k = 0; k < stage.actions.n; k++) {
        const struct acc_action *action = &stage.actions.item[k];

        if (action->type == ACC_ACT_STOP && action->svc == stage_index(&stage, name)) {
            return action;
        }
    }
    ck_abort_msg("%s isn't stopped", name);
    return NULL;
}

static struct acc_shutdown_view view(void)
{
    struct acc_shutdown_view ret;

    acc_engine_shutdown(stage.engine, stage.now_ms, &ret);
    return ret;
}

static const struct {
    uint64_t budget_ms, grace_ms; /* the service's own is 10 s */
} graces[] = {{60000, 10000}, {10000, 10000}, {4500, 4000}, {700, 1000}};

START_TEST(a_stop_takes_what_time_is_left_and_no_more_than_its_own)
{
    up("s: db; web n:db");
    ask_shut_down(graces[_i].budget_ms);
    ck_assert_uint_eq(stop_of("web")->grace_ms, graces[_i].grace_ms);
    ck_assert_uint_eq(view().n_left, 2);
    ck_assert_uint_eq(view().left_ms, graces[_i].budget_ms);
}
END_TEST

START_TEST(nothing_is_stopped_without_any_time)
{
    up("s: db");
    stage_shut_down(&stage, 0);
    ck_assert(view().is_on && view().is_over);
    stage_run(&stage, 600000);
    ck_stage(&stage, "");
}
END_TEST

START_TEST(the_host_may_go_when_all_is_down)
{
    up("s: db; web n:db");
    ck_assert(!view().is_on);
    silence("web", true);
    stage_shut_down(&stage, 30000);
    ck_stage(&stage, "stop web; ");
    ck_assert(view().is_on && !view().is_over);
    stage_exit(&stage, "web", 143);
    stage_run(&stage, 1000);
    ck_stage(&stage, "stop db; ");
    ck_assert(view().is_on && view().is_over && view().n_left == 0);
}
END_TEST

START_TEST(an_empty_host_may_go_at_once)
{
    stage_open(&stage, model_build("s: db"));
    stage_shut_down(&stage, 30000); /* Docker was never there */
    ck_assert(view().is_over);
}
END_TEST

/* HasBeenManuallyStopped is true after a stop of ours, and after that of a unit of systemd's. */
START_TEST(who_ended_it_is_saved_for_the_accd_after_the_boot)
{
    up("s: db; web n:db");
    silence("web", true);
    stage_shut_down(&stage, 30000);
    ck_stage(&stage, "stop web; ");
    stage_docker_stop(&stage, "db");
    stage_docker_stop(&stage, "web");
    stage_run(&stage, 20000);
    silence("web", false);
    stage_restart_accd(&stage);
    stage_connect(&stage, true);
    ck_stage(&stage, "start db; ");
    stage_run(&stage, 5000);
    ck_state(&stage, "db", "up");
    ck_state(&stage, "web", "up");
}
END_TEST

/* `docker compose down` in the ExecStop of a unit. */
START_TEST(what_is_removed_meanwhile_is_made_again)
{
    up("s: db");
    silence("db", true);
    stage_shut_down(&stage, 30000);
    stage_docker_rm(&stage, "db");
    stage_run(&stage, 5000);
    ck_assert(view().is_over);
    ck_stage(&stage, "stop db; ");
    silence("db", false);
    stage_restart_accd(&stage);
    stage_connect(&stage, true);
    stage_run(&stage, 5000);
    ck_stage(&stage, "create db; start db; ");
}
END_TEST

START_TEST(a_new_file_changes_the_order_and_starts_nothing)
{
    up("s: db; web; api n:web");
    silence("api", true);
    silence("db", true);
    stage_shut_down(&stage, 30000);
    ck_stage(&stage, "stop db; stop api; ");
    stage_reconfigure(&stage, model_build("s: db n:web; web; api; new"));
    stage_run(&stage, 1000);
    ck_stage(&stage, "");
    stage_exit(&stage, "api", 143);
    stage_run(&stage, 1000);
    ck_stage(&stage, ""); /* it was the last one on web, and is no longer the only one */
    stage_exit(&stage, "db", 143);
    stage_run(&stage, 1000);
    ck_stage(&stage, "stop web; ");
    ck_assert(view().is_over);
}
END_TEST

START_TEST(what_ends_while_the_host_goes_down_is_no_incident)
{
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g"};

    up("s: a; b; c; d; e; f; g");
    stage_shut_down(&stage, 0);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        stage_exit(&stage, names[i], 1);
    }
    stage_run(&stage, 600000);
    ck_stage(&stage, "");
    ck_assert_str_eq(stage_incidents(&stage), "");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("engine_shutdown");
    TCase *tcase = tcase_create("shutdown");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, tcase);
    tcase_add_checked_fixture(tcase, NULL, teardown);
    tcase_add_loop_test(tcase, a_stop_takes_what_time_is_left_and_no_more_than_its_own, 0,
                        (int)(sizeof(graces) / sizeof(graces[0])));
    tcase_add_test(tcase, nothing_is_stopped_without_any_time);
    tcase_add_test(tcase, the_host_may_go_when_all_is_down);
    tcase_add_test(tcase, an_empty_host_may_go_at_once);
    tcase_add_test(tcase, who_ended_it_is_saved_for_the_accd_after_the_boot);
    tcase_add_test(tcase, what_is_removed_meanwhile_is_made_again);
    tcase_add_test(tcase, a_new_file_changes_the_order_and_starts_nothing);
    tcase_add_test(tcase, what_ends_while_the_host_goes_down_is_no_incident);
    srunner_run_all(runner, CK_ENV);

    int n_failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
