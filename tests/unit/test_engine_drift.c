/* Networks that people change under a container that runs: shown, not fought. */

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/assert.h"
#include "tests/unit/stage.h"

static struct stage stage;

static void teardown(void)
{
    stage_close(&stage);
}

/* As Docker would show it after `docker network connect` or `disconnect`. */
static void networks(const char *name, const char *lines, bool lacks_ports)
{
    struct stage_container *c = stage_of(&stage, name);

    c->obs.has_networks = true;
    c->obs.lacks_ports = lacks_ports;
    (void)snprintf(c->obs.networks, sizeof(c->obs.networks), "%s", lines);
    stage_hint(&stage, c, ACC_HINT_DIRTY);
}

static void up(const char *text)
{
    stage_up(&stage, text);
    stage_run(&stage, 60000);
    networks(stage.model->services[0]->name, "s_default\n", false);
    stage_trace(&stage);
}

START_TEST(who_was_taken_off_its_network_is_shown_and_left_alone)
{
    up("s: db p; web n:db");
    ck_state(&stage, "db", "up");
    networks("db", "", true);
    ck_state(&stage, "db", "impaired");
    ck_assert_ptr_nonnull(
        strstr(stage_reason(&stage, "db"), "was taken off its network s_default by hand"));
    ck_assert_ptr_nonnull(strstr(stage_reason(&stage, "db"), "accctl restart db"));
    stage_run(&stage, 3600000);
    ck_stage(&stage, "");
    ck_state(&stage, "web", "up"); /* nothing is restarted for it, nobody waits for it */
    ck_assert_str_eq(stage_incidents(&stage), "");
    networks("db", "s_default\n", false); /* and back by hand */
    ck_state(&stage, "db", "up");
    ck_stage(&stage, "");
}
END_TEST

START_TEST(who_can_not_do_without_it_is_not_waited_for)
{
    char text[ACC_REASON_MAX + 1];

    up("s: db p; web h n:db");
    networks("db", "", true);
    stage_health(&stage, "web", ACC_DH_UNHEALTHY);
    ck_state(&stage, "web", "impaired");
    ck_assert_int_eq(acc_engine_settled(stage.engine, stage_index(&stage, "web"), ACC_VERB_UP,
                                        stage.now_ms, text),
                     ACC_SETTLED_FAILED);
    ck_assert_ptr_nonnull(strstr(text, "needs db, which was taken off its network s_default"));
}
END_TEST

START_TEST(lost_ports_are_shown_as_well)
{
    up("s: db p");
    networks("db", "s_default\n", true);
    ck_state(&stage, "db", "impaired");
    ck_assert_ptr_nonnull(strstr(stage_reason(&stage, "db"), "has lost its published ports"));
}
END_TEST

START_TEST(a_network_beside_those_of_the_file_is_no_matter)
{
    struct acc_instance_view view;

    up("s: db");
    networks("db", "lab\ns_default\n", false);
    ck_state(&stage, "db", "up");
    acc_engine_instance(stage.engine, 0, 0, &view);
    ck_assert(view.differs);
    acc_engine_conform(stage.engine);
    stage_run(&stage, 600000);
    ck_stage(&stage, "");
    stage_cmd(&stage, ACC_VERB_RESTART, "db", "");
    stage_run(&stage, 60000);
    ck_stage(&stage, "stop db; start db; "); /* the same container */
}
END_TEST

START_TEST(a_restart_makes_it_anew)
{
    up("s: db");
    networks("db", "", false);
    stage_cmd(&stage, ACC_VERB_RESTART, "db", "");
    stage_run(&stage, 60000);
    ck_stage(&stage, "stop db; remove db; create db; start db; ");
    ck_state(&stage, "db", "up");
}
END_TEST

START_TEST(so_does_apply)
{
    up("s: db");
    networks("db", "", false);
    acc_engine_conform(stage.engine);
    stage_event(&stage, ACC_EV_TIMEOUT);
    stage_run(&stage, 60000);
    ck_stage(&stage, "stop db; remove db; create db; start db; ");
    ck_state(&stage, "db", "up");
}
END_TEST

START_TEST(a_crash_is_no_reason_to_make_it_anew)
{
    up("s: db");
    networks("db", "", false);
    stage_exit(&stage, "db", 1);
    stage_run(&stage, 60000);
    ck_stage(&stage, "start db; ");
    ck_state(&stage, "db", "impaired");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("engine_drift");
    TCase *tcase = tcase_create("engine_drift");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, tcase);
    tcase_add_checked_fixture(tcase, NULL, teardown);
    tcase_add_test(tcase, who_was_taken_off_its_network_is_shown_and_left_alone);
    tcase_add_test(tcase, who_can_not_do_without_it_is_not_waited_for);
    tcase_add_test(tcase, lost_ports_are_shown_as_well);
    tcase_add_test(tcase, a_network_beside_those_of_the_file_is_no_matter);
    tcase_add_test(tcase, a_restart_makes_it_anew);
    tcase_add_test(tcase, so_does_apply);
    tcase_add_test(tcase, a_crash_is_no_reason_to_make_it_anew);
    srunner_run_all(runner, CK_NORMAL);
    int n_failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return n_failed > 0;
}
