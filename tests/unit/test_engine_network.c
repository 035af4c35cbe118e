/* Networks that somebody removes while a service stands on them, or is taken off. E6, E9. */

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/stage.h"

#define GONE "network 3f1d6c21a6c94e2f8b4d0b7e5a9c8d7e6f5a4b3c2d1e0f9a8b7c6d5e4f3a2b1c not found"

static struct stage stage;

static void teardown(void)
{
    stage_close(&stage);
}

static struct stage_service *service(const char *name)
{
    return &stage.service[stage_index(&stage, name)];
}

static enum acc_revision_result result_of(uint32_t revision)
{
    for (size_t i = 0; i < stage.n_revisions; i++) {
        if (stage.revision[i].number == revision) {
            return stage.revision[i].result;
        }
    }
    ck_abort_msg("revision %u was not saved", revision);
    return ACC_REV_TRIAL;
}

static const char *cause(void)
{
    static struct acc_incident_view incident;

    ck_assert(acc_engine_incident_at(stage.engine, 0, &incident));
    return incident.cause;
}

static void up_with_new_image(const char *text)
{
    stage_up(&stage, text);
    stage_run(&stage, 60000);
    (void)snprintf(service("web")->image, sizeof(service("web")->image), "img2");
    stage_trace(&stage);
    stage_notes(&stage);
}

static void network_goes(bool is_gone)
{
    service("web")->start = is_gone ? ACC_OP_START : ACC_OP_OK;
    service("web")->message = GONE;
}

START_TEST(a_network_that_goes_in_the_watch_is_not_the_new_ones_fault)
{
    up_with_new_image("s: db; web p n:db");
    stage_upgrade(&stage, ACC_VERB_UPGRADE, "web", "", 0);
    stage_run(&stage, 60000);
    ck_assert_str_eq(
        stage_containers(&stage),
        "s-db-1 running img1 r1; s-web-1 running img2 r2; s-web-1.r1 exited img1 r1; ");
    stage_trace(&stage);
    stage_notes(&stage);
    network_goes(true);
    stage_exit(&stage, "db", 1); /* it brings web down, which is then to be started again */
    stage_exit_of(&stage, stage_named(&stage, "s-web-1"), 1);
    stage_run(&stage, 3000);
    network_goes(false);
    stage.show_ensure = true;
    stage_run(&stage, 60000);
    ck_assert_str_eq(
        stage_containers(&stage),
        "s-db-1 running img1 r1; s-web-1 running img2 r2; s-web-1.r1 exited img1 r1; ");
    ck_state(&stage, "web", "up");
    const char *notes = stage_notes(&stage);

    ck_assert_msg(strstr(notes, "its network s_default was removed by somebody") != NULL, "%s",
                  notes);
    ck_assert_msg(strstr(notes, "3f1d6c21") == NULL, "%s", notes);
    ck_assert_msg(strstr(stage_trace(&stage), "remove web; create web; start web; ") != NULL, "-");
    stage_run(&stage, 700000);
    ck_assert_int_eq(result_of(2), ACC_REV_STABLE);
    ck_assert_str_eq(stage_containers(&stage), "s-db-1 running img1 r1; s-web-1 running img2 r2; ");
}
END_TEST

/* Its candidate is made anew, too. */
START_TEST(a_network_that_goes_under_a_candidate_is_made_again)
{
    static const char *const models[] = {"s: web p", "s: web p e"};

    up_with_new_image(models[_i]);
    network_goes(true);
    stage_upgrade(&stage, ACC_VERB_UPGRADE, "web", "", 0);
    stage_run(&stage, 0);
    network_goes(false);
    stage_run(&stage, 60000);
    ck_assert_str_eq(stage_containers(&stage),
                     "s-web-1 running img2 r2; s-web-1.r1 exited img1 r1; ");
    stage_run(&stage, 700000);
    ck_assert_int_eq(result_of(2), ACC_REV_STABLE);
}
END_TEST

/* It runs already, and is put on the network that was made again. */
START_TEST(a_network_that_goes_before_the_new_one_has_its_name_is_no_failure)
{
    up_with_new_image("s: web p");
    service("web")->route = ACC_OP_START;
    service("web")->message = GONE;
    stage.show_ensure = true;
    stage_upgrade(&stage, ACC_VERB_UPGRADE, "web", "", 0);
    stage_run(&stage, 30000);
    const char *trace = stage_trace(&stage);

    ck_assert_msg(strstr(trace, "route web; ensure") != NULL, "%s", trace);
    service("web")->route = ACC_OP_OK;
    stage_run(&stage, 60000);
    ck_assert_str_eq(stage_containers(&stage),
                     "s-web-1 running img2 r2; s-web-1.r1 exited img1 r1; ");
    stage_run(&stage, 700000);
    ck_assert_int_eq(result_of(2), ACC_REV_STABLE);
}
END_TEST

/* Where it can't be had again the old one, which is on it no more, is no worse off. */
START_TEST(a_network_that_stays_away_ends_the_upgrade)
{
    up_with_new_image("s: web p");
    service("web")->route = ACC_OP_START;
    service("web")->message = GONE;
    stage_upgrade(&stage, ACC_VERB_UPGRADE, "web", "", 0);
    stage_run(&stage, 900000);
    ck_assert_str_eq(stage_containers(&stage), "s-web-1 running img1 r1; ");
    ck_assert_int_eq(result_of(2), ACC_REV_ROLLED_BACK);
}
END_TEST

START_TEST(a_network_that_goes_again_and_again_ends_the_upgrade_by_its_name)
{
    up_with_new_image("s: web p");
    network_goes(true);
    stage_upgrade(&stage, ACC_VERB_UPGRADE, "web", "", 0);
    stage_run(&stage, 600000);
    ck_assert_str_eq(stage_containers(&stage), "s-web-1 running img1 r1; ");
    char text[ACC_REASON_MAX + 1];

    ck_assert_int_eq(acc_engine_settled(stage.engine, stage_index(&stage, "web"), ACC_VERB_UPGRADE,
                                        stage.now_ms, text),
                     ACC_SETTLED_FAILED);
    ck_assert_msg(strstr(text, "could not be started: its network s_default is gone") != NULL, "%s",
                  text);
}
END_TEST

/* Off its network it may well exit: that says nothing of the new image, and its time stands still.
 */
START_TEST(who_is_taken_off_its_network_in_the_watch_is_not_judged)
{
    up_with_new_image("s: web p");
    stage_upgrade(&stage, ACC_VERB_UPGRADE, "web", "", 0);
    stage_run(&stage, 60000);
    struct stage_container *web = stage_named(&stage, "s-web-1");

    web->obs.has_networks = true; /* and on none */
    stage_tell(&stage, web);
    stage_exit_of(&stage, stage_named(&stage, "s-web-1"), 1);
    stage_run(&stage, 60000);
    ck_assert_str_eq(stage_containers(&stage),
                     "s-web-1 running img2 r2; s-web-1.r1 exited img1 r1; ");
    ck_state(&stage, "web", "impaired");
    stage_run(&stage, 3600000);
    ck_assert_int_eq(result_of(2), ACC_REV_TRIAL);
    (void)snprintf(web->obs.networks, sizeof(web->obs.networks), "s_default\n");
    stage_tell(&stage, web);
    stage_run(&stage, 700000);
    ck_assert_int_eq(result_of(2), ACC_REV_STABLE);
}
END_TEST

/* One that can't be made again is the root, for who has only a container of the old one, too. */
START_TEST(a_service_whose_network_can_not_be_made_again_waits_for_it)
{
    stage_up(&stage, "s: web p");
    stage_run(&stage, 60000);
    stage_incidents(&stage);
    network_goes(true);
    stage.no_network = "no such driver";
    stage_exit_of(&stage, stage_named(&stage, "s-web-1"), 1);
    stage_run(&stage, 60000);
    ck_state(&stage, "web", "blocked");
    ck_assert_ptr_nonnull(strstr(stage_incidents(&stage), "net:s_default opened; "));
    ck_assert_ptr_nonnull(strstr(cause(), "no such driver"));
    stage.no_network = "no free address pool"; /* the reason is the present one */
    stage_run(&stage, 120000);
    ck_assert_ptr_nonnull(strstr(cause(), "no free address pool"));
    stage.no_network = NULL;
    network_goes(false);
    stage_run(&stage, 60000);
    ck_state(&stage, "web", "up");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("engine_network");
    TCase *tcase = tcase_create("engine_network");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, NULL, teardown);
    tcase_add_test(tcase, a_network_that_goes_in_the_watch_is_not_the_new_ones_fault);
    tcase_add_loop_test(tcase, a_network_that_goes_under_a_candidate_is_made_again, 0, 2);
    tcase_add_test(tcase, a_network_that_goes_before_the_new_one_has_its_name_is_no_failure);
    tcase_add_test(tcase, a_network_that_stays_away_ends_the_upgrade);
    tcase_add_test(tcase, a_network_that_goes_again_and_again_ends_the_upgrade_by_its_name);
    tcase_add_test(tcase, who_is_taken_off_its_network_in_the_watch_is_not_judged);
    tcase_add_test(tcase, a_service_whose_network_can_not_be_made_again_waits_for_it);
    srunner_run_all(runner, CK_NORMAL);
    int n_failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return n_failed > 0;
}
