/* Verbs, apply and plan: what the engine is asked, and what its asker is told until the end. */

#include "tests/unit/control_stage.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

START_TEST(a_verb_reaches_the_engine_with_all_its_flags)
{
    int fd = dial();

    say(fd, "{\"method\":\"io.acc.Down\",\"parameters\":{\"targets\":[\"acc\"],\"volumes\":true,"
            "\"with_dependents\":true}}");
    ck_assert_ptr_nonnull(strstr(hear(fd), "\"service\":\"acc/db\",\"state\":\"up\""));
    ck_assert_uint_eq(puppet.n_cmds, 1);
    ck_assert_int_eq(puppet.cmd.verb, ACC_VERB_DOWN);
    ck_assert(puppet.cmd.volumes && puppet.cmd.with_dependents && puppet.cmd.whole_stack);
    ck_assert(puppet.selected[0] && puppet.selected[1] && !puppet.selected[2]);
    ck_assert_ptr_nonnull(strstr(geteuid() == 0 ? "root" : puppet.cmd.by, puppet.cmd.by));
    say(fd, "{\"method\":\"io.acc.Down\",\"parameters\":{\"targets\":[\"db\"]}}");
    ck_assert(!puppet.cmd.whole_stack && !puppet.cmd.volumes);
    close(fd);
}
END_TEST

START_TEST(a_hold_reaches_the_engine_with_its_reason_and_its_time)
{
    int fd = dial();

    say(fd, "{\"method\":\"io.acc.Hold\",\"parameters\":{\"targets\":[\"db\"],\"kind\":\"up\","
            "\"reason\":\"disk\",\"for_ms\":5000}}");
    ck_assert_ptr_nonnull(strstr(hear(fd), "\"service\":\"acc/db\""));
    ck_assert_int_eq(puppet.cmd.verb, ACC_VERB_HOLD);
    ck_assert_int_eq(puppet.cmd.hold, ACC_HOLD_UP);
    ck_assert_str_eq(puppet.cmd.reason, "disk");
    ck_assert_uint_eq(puppet.cmd.for_ms, 5000);
    close(fd);
}
END_TEST

START_TEST(progress_comes_before_the_end_and_only_for_what_changed)
{
    int fd = dial();
    const char *got;

    puppet.service[0].view.state = ACC_SVC_OFF;
    puppet.service[0].settled = puppet.service[1].settled = ACC_SETTLED_PENDING;
    say(fd, "{\"method\":\"io.acc.Up\",\"parameters\":{\"targets\":[\"acc\"]},\"more\":true}");
    got = hear(fd);
    ck_assert_ptr_nonnull(strstr(got, "\"service\":\"acc/db\",\"state\":\"off\""));
    ck_assert_ptr_nonnull(strstr(got, "\"service\":\"acc/web\""));
    ck_assert_ptr_nonnull(strstr(got, "\"continues\":true}$"));
    ck_assert_ptr_null(strstr(got, "media/web"));

    move(0, ACC_SVC_STARTING, ACC_SETTLED_PENDING);
    accd_control_on_idle(server.control);
    got = hear(fd);
    ck_assert_ptr_nonnull(strstr(got, "\"service\":\"acc/db\",\"state\":\"starting\""));
    ck_assert_ptr_null(strstr(got, "acc/web"));

    note(2, ACC_NOTE_STATE, "somebody else");
    accd_control_on_idle(server.control);
    ck_assert_str_eq(hear(fd), "");

    move(0, ACC_SVC_UP, ACC_SETTLED_DONE);
    move(1, ACC_SVC_UP, ACC_SETTLED_DONE);
    accd_control_on_idle(server.control);
    got = hear(fd);
    ck_assert_ptr_null(strstr(got, "continues"));
    ck_assert_ptr_nonnull(strstr(got, "\"service\":\"acc/web\",\"state\":\"up\""));
    close(fd);
}
END_TEST

START_TEST(what_the_engine_does_at_once_is_answered_at_once)
{
    int fd = dial();

    say(fd, "{\"method\":\"io.acc.Up\",\"parameters\":{\"targets\":[\"db\"]},\"more\":true}");
    ck_assert_ptr_nonnull(strstr(hear(fd), "\"settled\":true}]}}$"));
    close(fd);
}
END_TEST

START_TEST(a_failure_is_an_error_with_its_reasons)
{
    int fd = dial();

    puppet.service[0].settled = ACC_SETTLED_FAILED;
    puppet.service[0].settled_text = "exited with 1";
    puppet.service[1].settled = ACC_SETTLED_PENDING;
    say(fd, "{\"method\":\"io.acc.Up\",\"parameters\":{\"targets\":[\"acc\"]}}");
    ck_assert_str_eq(hear(fd), ""); /* the other one isn't at its end yet */
    move(1, ACC_SVC_UP, ACC_SETTLED_DONE);
    accd_control_on_idle(server.control);
    const char *got = hear(fd);

    ck_assert_ptr_nonnull(strstr(got, "{\"parameters\":{\"failures\":[{\"service\":\"acc/db\","
                                      "\"reason\":\"exited with 1\",\"refused\":false}],"
                                      "\"progress\":[{\"service\":\"acc/db\","));
    ck_assert_ptr_nonnull(strstr(got, "{\"service\":\"acc/web\",\"state\":\"up\",")); /* too */
    ck_assert_ptr_nonnull(strstr(got, "},\"error\":\"io.acc.Failed\"}$"));
    close(fd);
}
END_TEST

/* Every verb, and what keeps it from being carried out. */
static const struct {
    const char *method;
    bool wants_a_name;   /* nothing is no name for all */
    bool in_maintenance; /* goes on then */
} asked[] = {
    {"Up", false, false},      {"Start", false, false},   {"Stop", true, false},
    {"Down", true, false},     {"Restart", true, false},  {"Adopt", false, false},
    {"HandBack", true, false}, {"Hold", true, true},      {"Release", true, true},
    {"Upgrade", true, false},  {"Rollback", true, false},
};

static const char *answer_to(const char *method, const char *parameters)
{
    static char got[4096];
    char request[256];
    int fd = dial();

    snprintf(request, sizeof(request), "{\"method\":\"io.acc.%s\",\"parameters\":{%s}}", method,
             parameters);
    say(fd, request);
    snprintf(got, sizeof(got), "%s", hear(fd));
    close(fd);
    return got;
}

START_TEST(what_is_forbidden_is_refused_and_has_not_failed)
{
    const char *method = asked[_i].method;

    puppet.service[0].settled = ACC_SETTLED_REFUSED;
    puppet.service[0].settled_text = "is held";
    ck_assert_ptr_nonnull(
        strstr(answer_to(method, "\"targets\":[\"db\"]"),
               "{\"parameters\":{\"reason\":\"acc/db is held\",\"failures\":[{\"service\":"
               "\"acc/db\",\"reason\":\"is held\",\"refused\":true}],\"progress\":[{"));
    puppet.service[1] = puppet.service[0];
    puppet.service[1].view.id = "acc/web";
    ck_assert_ptr_nonnull(strstr(answer_to(method, "\"targets\":[\"acc\"]"),
                                 "\"reason\":\"acc/db is held; and 1 more\""));
    puppet.service[1].settled = ACC_SETTLED_PENDING; /* who doesn't wait is told all the same */
    ck_assert_ptr_nonnull(strstr(answer_to(method, "\"targets\":[\"acc\"],\"detach\":true"),
                                 "\"error\":\"io.acc.Refused\""));
    puppet.service[1].settled = ACC_SETTLED_FAILED;
    ck_assert_ptr_nonnull(
        strstr(answer_to(method, "\"targets\":[\"acc\"]"), "\"error\":\"io.acc.Failed\""));
}
END_TEST

/* Of several it is no failure. */
START_TEST(what_is_not_of_that_kind_is_left_out_of_several)
{
    puppet.service[0].settled = ACC_SETTLED_UNFIT;
    puppet.service[0].settled_text = "runs to its end";
    ck_assert_ptr_nonnull(
        strstr(answer_to("Upgrade", "\"targets\":[\"db\"]"),
               "{\"parameters\":{\"reason\":\"acc/db runs to its end\",\"failures\":["));
    const char *got = answer_to("Upgrade", "\"targets\":[\"acc\"]");

    ck_assert_ptr_null(strstr(got, "\"error\""));
    ck_assert_ptr_nonnull(strstr(got, "\"skipped\":\"runs to its end\""));
    puppet.service[1].settled = ACC_SETTLED_FAILED;
    puppet.service[1].settled_text = "it is broken";
    got = answer_to("Upgrade", "\"targets\":[\"acc\"]");
    ck_assert_ptr_nonnull(strstr(got, "\"failures\":[{\"service\":\"acc/web\",\"reason\":"
                                      "\"it is broken\",\"refused\":false}]"));
    ck_assert_ptr_nonnull(strstr(got, "\"skipped\":\"runs to its end\""));
}
END_TEST

START_TEST(maintenance_and_silence_refuse)
{
    const char *method = asked[_i].method, *said;
    bool is_refused;

    said = answer_to(method, "");
    is_refused = strstr(said, "without a name would be for all there is") != NULL;
    ck_assert_msg(is_refused == asked[_i].wants_a_name, "%s", method);
    ck_assert(!is_refused || strstr(said, "\"error\":\"org.varlink.service.InvalidParameter\""));
    ck_assert_ptr_null(strstr(answer_to(method, "\"all\":true"), "error"));
    puppet.maintenance = (struct acc_hold_record){
        .kind = ACC_HOLD_FREEZE, .by = "root", .reason = "new disk"};
    is_refused = strstr(answer_to(method, "\"targets\":[\"db\"]"),
                        "during maintenance (root: new disk)") != NULL;
    ck_assert_msg(is_refused == !asked[_i].in_maintenance, "%s", method);
    ck_assert_ptr_nonnull(strstr(answer_to("Apply", ""), "\"error\":\"io.acc.Refused\""));
}
END_TEST

START_TEST(what_is_held_amid_its_order_stands_still)
{
    const char *method = asked[_i].method;
    char request[160];
    int fd;

    puppet.service[0].settled = ACC_SETTLED_HELD;
    puppet.service[0].settled_text = "is frozen by root (accctl release db)";
    ck_assert_ptr_nonnull(strstr(answer_to(method, "\"targets\":[\"db\"]"), "io.acc.Refused"));
    puppet.service[0].settled = ACC_SETTLED_PENDING;
    fd = dial();
    snprintf(request, sizeof(request),
             "{\"method\":\"io.acc.%s\",\"parameters\":{\"targets\":[\"db\"]}}", method);
    say(fd, request);
    ck_assert_str_eq(hear(fd), "");
    move(0, ACC_SVC_UPGRADING, ACC_SETTLED_HELD);
    accd_control_on_idle(server.control);

    const char *said = hear(fd);

    ck_assert_msg(strstr(said, "\"reason\":\"stands still: it is frozen by root (accctl release "
                               "db), and goes on after that\",\"refused\":false") &&
                      strstr(said, "io.acc.Failed"),
                  "%s: %s", method, said);
    close(fd);
}
END_TEST

START_TEST(an_image_is_for_one_service)
{
    static const char *const several[] = {"\"all\":true", "\"targets\":[\"acc\"]",
                                          "\"targets\":[\"db\",\"acc/web\"]",
                                          "\"all\":true,\"dry_run\":true"};
    char asked_for[160];

    for (size_t i = 0; i < sizeof(several) / sizeof(several[0]); i++) {
        (void)snprintf(asked_for, sizeof(asked_for), "%s,\"image\":\"x:2\"", several[i]);
        const char *said = answer_to("Upgrade", asked_for);

        ck_assert_msg(strstr(said, "InvalidParameter") && strstr(said, "--image is for one"),
                      "%s: %s", several[i], said);
    }
    ck_assert_ptr_null(
        strstr(answer_to("Upgrade", "\"targets\":[\"db\"],\"image\":\"x:2\""), "error"));
}
END_TEST

START_TEST(who_has_no_enabled_profile_is_told_how_to_get_one)
{
    const char *names[] = {"debug"}, *profiles[] = {"tools"}, *env_files[] = {"/s/prod.env"};
    struct acc_stack stack = {.name = "media",
                              .dir = "/s",
                              .disabled = names,
                              .disabled_profiles = profiles,
                              .n_disabled = 1};
    struct acc_stack *stacks[] = {&stack};
    static const char *const methods[] = {"Up", "Stop", "Upgrade"};

    server.model = (struct acc_model){.stacks = stacks, .n_stacks = 1};
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        ck_assert_str_eq(answer_to(methods[i], "\"targets\":[\"debug\"]"),
                         "{\"parameters\":{\"name\":\"debug\",\"reason\":\"it is of profile tools, "
                         "which isn't enabled; put COMPOSE_PROFILES=tools into /s/.env (several: "
                         "a,b), then: accctl apply\"},\"error\":\"io.acc.NoSuchService\"}$");
    }
    stack.env_files = env_files;
    stack.n_env_files = 1;
    ck_assert_ptr_nonnull(strstr(answer_to("Status", "\"targets\":[\"media/debug\"]"),
                                 "COMPOSE_PROFILES=tools into /s/prod.env"));
    ck_assert_ptr_null(strstr(answer_to("Why", "\"target\":\"debugs\""), "reason"));
    ck_assert_ptr_nonnull(strstr(answer_to("Why", "\"target\":\"debug\""), "profile tools"));
    ck_assert_ptr_nonnull(strstr(answer_to("History", "\"target\":\"debug\""), "profile tools"));
    server.model = (struct acc_model){0};
}
END_TEST

START_TEST(done_is_what_is_written_down_or_said_not_to_be)
{
    int fd = dial(), other = dial();

    server.is_slow = true;
    say(fd, "{\"method\":\"io.acc.Hold\",\"parameters\":{\"targets\":[\"db\"]}}");
    ck_assert_str_eq(hear(fd), ""); /* whether it can be written isn't known yet */
    server.unsaved = "disk full (/x)";
    server.saved(server.save_arg);
    ck_assert_ptr_nonnull(strstr(hear(fd), "\"unsaved\":\"disk full (/x)\"}}$"));
    say(fd, "{\"method\":\"io.acc.Status\"}");
    ck_assert_ptr_nonnull(strstr(hear(fd), "\"unsaved\":\"disk full (/x)\"}}$"));
    say(other, "{\"method\":\"io.acc.Stop\",\"parameters\":{\"targets\":[\"db\"]}}");
    close(other);
    turn();
    server.saved(server.save_arg); /* nobody hears it */
    close(fd);
}
END_TEST

START_TEST(a_timeout_ends_the_wait_and_says_what_is_missing)
{
    int fd = dial();

    puppet.service[0].view.state = ACC_SVC_STARTING;
    strcpy(puppet.service[0].view.reason, "not healthy yet");
    puppet.service[0].settled = ACC_SETTLED_PENDING;
    say(fd, "{\"method\":\"io.acc.Up\",\"parameters\":{\"targets\":[\"acc\"],\"timeout_ms\":1}}");
    ck_assert_str_eq(hear(fd), "");
    uv_run(&server.loop, UV_RUN_ONCE); /* the server's own timer */
    const char *got = hear(fd);

    ck_assert_ptr_nonnull(
        strstr(got, "{\"parameters\":{\"pending\":[{\"service\":\"acc/db\",\"reason\":\"starting: "
                    "not healthy yet\",\"refused\":false}],\"progress\":["));
    ck_assert_ptr_nonnull(strstr(got, "},\"error\":\"io.acc.TimedOut\"}$"));
    close(fd);
}
END_TEST

START_TEST(who_asks_while_the_engine_is_away_is_told_so)
{
    ck_assert_ptr_null(strstr(answer_to("Up", "\"targets\":[\"db\"]"), "engine_away"));
    puppet.connected = false;
    puppet.service[0].settled = ACC_SETTLED_PENDING;
    ck_assert_ptr_nonnull(
        strstr(answer_to("Up", "\"targets\":[\"db\"],\"detach\":true"), "\"engine_away\":true"));
}
END_TEST

/* What is gone is the new one. */
START_TEST(a_rollback_of_an_upgrade_under_way_went_back)
{
    int fd = dial();

    puppet.service[0].settled = ACC_SETTLED_PENDING;
    puppet.service[0].instance.cid = "c1";
    say(fd, "{\"method\":\"io.acc.Rollback\",\"parameters\":{\"targets\":[\"db\"]}}");
    ck_assert_str_eq(hear(fd), "");
    puppet.service[0].view.n_instances = 0;
    puppet.service[0].settled = ACC_SETTLED_DONE;
    uv_run(&server.loop, UV_RUN_ONCE); /* the server's own timer */
    ck_assert_ptr_nonnull(strstr(hear(fd), "\"change\":\"rolled back\""));
    close(fd);
}
END_TEST

/* Nothing of it had changed. */
START_TEST(a_rollback_of_an_upgrade_that_pulls_ended_it)
{
    int fd = dial();

    puppet.service[0].settled = ACC_SETTLED_PENDING;
    puppet.service[0].instance.cid = "c1";
    puppet.service[0].view.step = ACC_ROLL_PULL;
    say(fd, "{\"method\":\"io.acc.Rollback\",\"parameters\":{\"targets\":[\"db\"]}}");
    ck_assert_str_eq(hear(fd), "");
    puppet.service[0].view.step = ACC_ROLL_IDLE;
    puppet.service[0].settled = ACC_SETTLED_DONE;
    uv_run(&server.loop, UV_RUN_ONCE); /* the server's own timer */
    ck_assert_ptr_nonnull(strstr(hear(fd), "\"change\":\"ended\",\"hint\":\"what was under way is "
                                           "ended; it had changed nothing\""));
    close(fd);
}
END_TEST

START_TEST(what_an_operator_took_back_is_a_note_of_apply)
{
    int fd = dial();

    puppet.service[0].settled = ACC_SETTLED_DONE;
    puppet.service[0].settled_text = "was rolled back to r1 by root";
    say(fd, "{\"method\":\"io.acc.Apply\"}");
    ck_assert_str_eq(hear(fd), "");
    control_applied("changed acc/db\n", NULL);
    ck_assert_ptr_nonnull(
        strstr(hear(fd), "\"notes\":[\"acc/db: was rolled back to r1 by root\"]"));
    close(fd);
}
END_TEST

START_TEST(detach_and_oneway_do_not_wait)
{
    int fd = dial();

    puppet.service[0].settled = ACC_SETTLED_PENDING;
    say(fd, "{\"method\":\"io.acc.Up\",\"parameters\":{\"targets\":[\"db\"],\"detach\":true}}");
    ck_assert_ptr_nonnull(strstr(hear(fd), "\"settled\":false}]}}$"));
    say(fd, "{\"method\":\"io.acc.Up\",\"parameters\":{\"targets\":[\"db\"]},\"oneway\":true}");
    say(fd, "{\"method\":\"io.acc.Why\",\"oneway\":true}");
    ck_assert_str_eq(hear(fd), "");
    ck_assert_uint_eq(puppet.n_cmds, 2);
    say(fd, PING);
    ck_assert_str_eq(hear(fd), PONG "$");
    close(fd);
}
END_TEST

START_TEST(a_waiting_peer_may_leave)
{
    int fd = dial(), other = dial();

    puppet.service[0].settled = ACC_SETTLED_PENDING;
    say(fd, "{\"method\":\"io.acc.Up\",\"parameters\":{\"targets\":[\"db\"]},\"more\":true}");
    say(other, "{\"method\":\"io.acc.Up\",\"parameters\":{\"targets\":[\"db\"]}}");
    close(fd);
    turn();
    move(0, ACC_SVC_UP, ACC_SETTLED_DONE);
    accd_control_on_idle(server.control);
    ck_assert_ptr_nonnull(strstr(hear(other), "acc/db"));
    close(other);
}
END_TEST

START_TEST(what_could_surprise_is_refused)
{
    int fd = dial();

    puppet.service[2].view.observing = true;
    say(fd, "{\"method\":\"io.acc.Restart\",\"parameters\":{\"all\":true}}");
    ck_assert_ptr_nonnull(strstr(hear(fd), "stack media is only observed"));
    ck_assert_uint_eq(puppet.n_cmds, 0);
    say(fd, "{\"method\":\"io.acc.Adopt\",\"parameters\":{\"targets\":[\"media\"]}}");
    ck_assert_ptr_nonnull(strstr(hear(fd), "media/web"));
    ck_assert_int_eq(puppet.cmd.verb, ACC_VERB_ADOPT);
    puppet.maintenance = (struct acc_hold_record){
        .kind = ACC_HOLD_FREEZE, .by = "root", .reason = "new disk"};
    say(fd, "{\"method\":\"io.acc.Up\"}");
    ck_assert_ptr_nonnull(strstr(hear(fd), "during maintenance (root: new disk)"));
    ck_assert_uint_eq(puppet.n_cmds, 1);
    say(fd, "{\"method\":\"io.acc.Maintenance\",\"parameters\":{\"on\":false}}");
    ck_assert_ptr_nonnull(strstr(hear(fd), "\"was_on\":true,\"maintenance\":{\"kind\":\"freeze\""));
    ck_assert_int_eq(puppet.cmd.verb, ACC_VERB_MAINTENANCE);
    puppet.maintenance.kind = ACC_HOLD_NONE;
    close(fd);
}
END_TEST

START_TEST(what_takes_a_stack_over_says_so_and_is_meant_by_its_name)
{
    int fd = dial();
    const char *got;

    puppet.observing[1] = puppet.service[2].view.observing = true;
    say(fd, "{\"method\":\"io.acc.Up\"}");
    got = hear(fd);
    ck_assert_ptr_nonnull(strstr(got, "\"observing\":[\"media\"]"));
    ck_assert_ptr_null(strstr(got, "media/web"));
    ck_assert(puppet.selected[0] && puppet.selected[1] && !puppet.selected[2]);
    say(fd, "{\"method\":\"io.acc.Up\",\"parameters\":{\"targets\":[\"media/web\"]}}");
    ck_assert_ptr_nonnull(strstr(hear(fd), "\"adopted\":[\"media\"]"));
    ck_assert(puppet.selected[2]);
    say(fd, "{\"method\":\"io.acc.Adopt\"}"); /* what is managed already isn't counted */
    got = hear(fd);
    ck_assert_ptr_nonnull(strstr(got, "\"adopted\":[\"media\"]"));
    ck_assert_ptr_null(strstr(got, "acc/db"));
    puppet.service[0].view.observing = puppet.service[1].view.observing = true;
    say(fd, "{\"method\":\"io.acc.Start\",\"parameters\":{\"all\":true}}");
    ck_assert_ptr_nonnull(strstr(hear(fd), "all of this is only observed"));
    ck_assert_uint_eq(puppet.n_cmds, 3);
    close(fd);
}
END_TEST

START_TEST(a_verb_survives_a_new_configuration)
{
    struct puppet_service moved;
    int fd = dial();

    puppet.service[1].settled = ACC_SETTLED_PENDING;
    say(fd, "{\"method\":\"io.acc.Up\",\"parameters\":{\"targets\":[\"acc/web\"]}}");
    moved = puppet.service[1];
    puppet.service[1] = puppet.service[2];
    puppet.service[2] = moved;
    accd_control_on_reconfigured(server.control);
    move(1, ACC_SVC_UP, ACC_SETTLED_DONE); /* is media/web now */
    accd_control_on_idle(server.control);
    ck_assert_str_eq(hear(fd), "");
    move(2, ACC_SVC_UP, ACC_SETTLED_DONE);
    accd_control_on_idle(server.control);
    ck_assert_ptr_nonnull(strstr(hear(fd), "\"service\":\"acc/web\""));
    close(fd);
}
END_TEST

static void container(uint32_t svc, const char *cid, int64_t started_ns)
{
    puppet.service[svc].instance.cid = cid;
    puppet.service[svc].instance.started_ns = started_ns;
}

/* 0: by apply, 1: by upgrade, 2: by rollback. The first look comes before the new container, or
 * while it is beside. */
START_TEST(a_rollout_is_told_by_who_serves)
{
    static const char *const methods[] = {"Apply", "Upgrade", "Rollback"};
    static const char *const changes[] = {"recreated", "upgraded", "rolled back"};
    struct puppet_service *db = &puppet.service[0];
    bool is_late = _i >= 3;
    char request[128], wanted[64];
    int fd = dial();

    container(0, "c1", 1);
    db->instance.state = ACC_INST_READY;
    db->beside = (struct acc_instance_view){
        .cid = is_late ? "c2" : "c0", .name = "", .state = ACC_INST_READY, .is_beside = true};
    db->view.n_instances = 2;
    db->settled = ACC_SETTLED_PENDING;
    snprintf(request, sizeof(request), "{\"method\":\"io.acc.%s\",\"parameters\":{%s}}",
             methods[_i % 3], _i % 3 == 0 ? "" : "\"targets\":[\"db\"]");
    say(fd, request);
    if (_i % 3 == 0) {
        control_applied("changed acc/db\n", NULL);
    }
    ck_assert_str_eq(hear(fd), "");
    container(0, "c2", 2);
    db->beside.cid = "c1";
    db->beside.state = ACC_INST_EXITED;
    db->view.revision = 2;
    move(0, ACC_SVC_UP, ACC_SETTLED_DONE);
    accd_control_on_idle(server.control);
    snprintf(wanted, sizeof(wanted), "\"change\":\"%s\"", changes[_i % 3]);
    ck_assert_ptr_nonnull(strstr(hear(fd), wanted));
    close(fd);
}
END_TEST

START_TEST(a_hold_that_ends_amid_an_upgrade_was_one)
{
    int fd = dial();

    container(0, "c1", 1);
    puppet.service[0].view.step = ACC_ROLL_VERIFY;
    puppet.service[0].view.hold.kind = ACC_HOLD_FREEZE;
    puppet.service[0].settled = ACC_SETTLED_PENDING;
    say(fd, "{\"method\":\"io.acc.Release\",\"parameters\":{\"targets\":[\"db\"]}}");
    ck_assert_str_eq(hear(fd), "");
    puppet.service[0].view.hold.kind = ACC_HOLD_NONE;
    move(0, ACC_SVC_UP, ACC_SETTLED_DONE);
    accd_control_on_idle(server.control);
    ck_assert_ptr_nonnull(strstr(hear(fd), "\"change\":\"released\""));
    close(fd);
}
END_TEST

/* Its own image is current, but it shares with one that is upgraded: 1: and never was before. */
START_TEST(who_is_made_anew_along_is_not_upgraded)
{
    int fd = dial();

    container(0, "c1", 1);
    puppet.service[0].instance.state = ACC_INST_READY;
    puppet.service[0].settled = ACC_SETTLED_PENDING;
    puppet.service[0].view.revision = _i == 0 ? 2 : 0;
    say(fd, "{\"method\":\"io.acc.Upgrade\",\"parameters\":{\"targets\":[\"db\"]}}");
    ck_assert_str_eq(hear(fd), "");
    container(0, "c2", 2);
    puppet.service[0].view.revision = _i == 0 ? 2 : 1;
    move(0, ACC_SVC_UP, ACC_SETTLED_DONE);
    accd_control_on_idle(server.control);
    ck_assert_ptr_nonnull(strstr(hear(fd), "\"change\":\"recreated\""));
    close(fd);
}
END_TEST

/* 1: what is watched is a rollback. */
START_TEST(who_ends_the_watch_has_upgraded)
{
    int fd = dial();

    container(0, "c1", 1);
    puppet.service[0].view.step = ACC_ROLL_WATCH;
    puppet.service[0].view.is_rollback = _i == 1;
    puppet.service[0].settled = ACC_SETTLED_PENDING;
    say(fd, "{\"method\":\"io.acc.Upgrade\",\"parameters\":{\"targets\":[\"db\"],\"keep\":true}}");
    ck_assert_str_eq(hear(fd), "");
    puppet.service[0].view.step = ACC_ROLL_IDLE;
    puppet.service[0].view.is_rollback = false;
    move(0, ACC_SVC_UP, ACC_SETTLED_DONE);
    accd_control_on_idle(server.control);
    ck_assert_ptr_nonnull(
        strstr(hear(fd), _i == 1 ? "\"change\":\"rolled back\"" : "\"change\":\"upgraded\""));
    close(fd);
}
END_TEST

/* No registry has news of it. */
START_TEST(of_what_is_built_here_an_upgrade_says_how)
{
    struct acc_service_spec specs[3] = {
        {.id = "acc/db", .has_build = true}, {.id = "acc/web"}, {.id = "media/web"}};
    struct acc_service_spec *services[3] = {&specs[0], &specs[1], &specs[2]};
    uint32_t order[3] = {0, 1, 2};
    const char *got;

    server.model = (struct acc_model){.services = services, .n_services = 3, .order = order};
    container(0, "c1", 1);
    got = answer_to("Upgrade", "\"targets\":[\"db\"]");
    ck_assert_ptr_nonnull(strstr(got, "\"hint\":\"its image is built here"));
    ck_assert_ptr_nonnull(strstr(got, "accctl upgrade --build"));
    got = answer_to("Upgrade", "\"targets\":[\"db\"],\"build\":true");
    ck_assert_ptr_nonnull(strstr(got, "\"hint\":\"its image was built anew, and is the one"));
    ck_assert_ptr_null(
        strstr(answer_to("Upgrade", "\"targets\":[\"db\"],\"image\":\"db:2\""), "\"hint\""));
    ck_assert_ptr_null(strstr(answer_to("Restart", "\"targets\":[\"db\"]"), "\"hint\""));
    static const struct {
        const char *asked, *is;
        enum acc_pull_policy policy;
    } plans[] = {
        {"", "take db:1 as it lies here; when that isn't what runs, ", ACC_PULL_MISSING},
        {",\"build\":true", "build db:1; when that isn't what runs, ", ACC_PULL_MISSING},
        {"", "pull db:1; when that isn't what runs, ", ACC_PULL_ALWAYS},
        {"", "take db:1 as it lies here; ", ACC_PULL_NEVER},
    };

    puppet.service[0].view.image = puppet.service[0].instance.image = "db:1";
    for (size_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++) {
        char request[96];

        specs[0].pull_policy = plans[i].policy;
        snprintf(request, sizeof(request), "\"targets\":[\"db\"],\"dry_run\":true%s",
                 plans[i].asked);
        got = answer_to("Upgrade", request);
        ck_assert_msg(strstr(got, plans[i].is) != NULL, "%s lacks %s", got, plans[i].is);
    }
    specs[0].pull_policy = ACC_PULL_ALWAYS;
    ck_assert_ptr_null(strstr(answer_to("Upgrade", "\"targets\":[\"db\"]"), "\"hint\""));
    server.model = (struct acc_model){0};
}
END_TEST

START_TEST(what_stops_amid_an_upgrade_is_stopped)
{
    int fd = dial();

    container(0, "c1", 1);
    puppet.service[0].instance.state = ACC_INST_READY;
    puppet.service[0].view.step = ACC_ROLL_VERIFY;
    puppet.service[0].settled = ACC_SETTLED_PENDING;
    say(fd, "{\"method\":\"io.acc.Stop\",\"parameters\":{\"targets\":[\"db\"]}}");
    ck_assert_str_eq(hear(fd), "");
    puppet.service[0].instance.state = ACC_INST_EXITED;
    puppet.service[0].view.wanted_up = false;
    move(0, ACC_SVC_OFF, ACC_SETTLED_DONE);
    accd_control_on_idle(server.control);
    ck_assert_ptr_nonnull(strstr(hear(fd), "\"change\":\"stopped\""));
    close(fd);
}
END_TEST

/* Stop-first: the old one has ended, and the new one has not taken over. */
START_TEST(what_is_turned_off_amid_an_upgrade_is_not_made_anew)
{
    static const char *const methods[] = {"Stop", "Down"}, *const changes[] = {"stopped",
                                                                               "removed"};
    struct puppet_service *db = &puppet.service[0];
    char request[160], wanted[64];
    int fd = dial();

    container(0, "c1", 1);
    db->view.step = ACC_ROLL_VERIFY;
    db->instance.state = ACC_INST_EXITED;
    db->instance.is_beside = true;
    db->beside = db->instance;
    db->beside.cid = "c2";
    db->beside.state = ACC_INST_READY;
    db->view.n_instances = 2;
    db->settled = ACC_SETTLED_PENDING;
    snprintf(request, sizeof(request),
             "{\"method\":\"io.acc.%s\",\"parameters\":{\"targets\":[\"db\"]}}", methods[_i]);
    say(fd, request);
    ck_assert_str_eq(hear(fd), "");
    db->view.step = ACC_ROLL_IDLE;
    db->view.n_instances = _i == 0 ? 1 : 0;
    db->instance.is_beside = false;
    db->view.wanted_up = false;
    move(0, ACC_SVC_OFF, ACC_SETTLED_DONE);
    accd_control_on_idle(server.control);
    snprintf(wanted, sizeof(wanted), "\"change\":\"%s\"", changes[_i]);
    const char *said = hear(fd);

    ck_assert_msg(strstr(said, wanted) != NULL, "%s", said);
    ck_assert_ptr_null(strstr(said, "hint"));
    close(fd);
}
END_TEST

START_TEST(down_of_what_is_watched_says_that_it_is_taken_back)
{
    int fd = dial();

    container(0, "c1", 1);
    puppet.service[0].view.step = ACC_ROLL_WATCH;
    puppet.service[0].view.revision = 2;
    puppet.service[0].settled = ACC_SETTLED_PENDING;
    say(fd, "{\"method\":\"io.acc.Down\",\"parameters\":{\"targets\":[\"db\"]}}");
    ck_assert_str_eq(hear(fd), "");
    puppet.service[0].view.step = ACC_ROLL_IDLE;
    puppet.service[0].view.revision = 1;
    puppet.service[0].view.wanted_up = false;
    move(0, ACC_SVC_OFF, ACC_SETTLED_DONE);
    accd_control_on_idle(server.control);
    ck_assert_ptr_nonnull(strstr(hear(fd), "\"hint\":\"r2 was still watched and is taken back; the "
                                           "next up is r1\""));
    close(fd);
}
END_TEST

START_TEST(an_upgrade_that_went_back_was_rolled_back)
{
    int fd = dial();

    container(0, "c1", 1);
    puppet.service[0].settled = ACC_SETTLED_PENDING;
    say(fd, "{\"method\":\"io.acc.Upgrade\",\"parameters\":{\"targets\":[\"db\"]}}");
    ck_assert_str_eq(hear(fd), "");
    puppet.service[0].instance.started_ns = 7; /* the old one, again */
    puppet.service[0].settled_text = "rolled back to r1: exited with 1";
    move(0, ACC_SVC_UP, ACC_SETTLED_FAILED);
    accd_control_on_idle(server.control);
    ck_assert_ptr_nonnull(strstr(hear(fd), "\"change\":\"rolled back\""));
    close(fd);
}
END_TEST

/* Its container is the same, and has ended again before anybody looked. */
START_TEST(a_job_that_ran_again_was_restarted)
{
    int fd = dial();

    container(0, "c1", 1);
    puppet.service[0].instance.state = ACC_INST_EXITED;
    puppet.service[0].view.state = ACC_SVC_DONE;
    puppet.service[0].settled = ACC_SETTLED_PENDING;
    say(fd, "{\"method\":\"io.acc.Restart\",\"parameters\":{\"targets\":[\"db\"]}}");
    ck_assert_str_eq(hear(fd), "");
    puppet.service[0].instance.started_ns = 2;
    move(0, ACC_SVC_DONE, ACC_SETTLED_DONE);
    accd_control_on_idle(server.control);
    ck_assert_ptr_nonnull(strstr(hear(fd), "\"change\":\"restarted\""));
    close(fd);
}
END_TEST

/* It had failed, or was off, and has done its work before anybody looked. */
START_TEST(what_ran_to_its_end_was_started)
{
    int fd = dial();

    container(0, "c1", 1);
    puppet.service[0].instance.state = ACC_INST_EXITED;
    puppet.service[0].view.state = ACC_SVC_FAILED;
    puppet.service[0].settled = ACC_SETTLED_PENDING;
    say(fd, "{\"method\":\"io.acc.Restart\",\"parameters\":{\"targets\":[\"db\"]}}");
    ck_assert_str_eq(hear(fd), "");
    puppet.service[0].instance.started_ns = 2;
    move(0, ACC_SVC_DONE, ACC_SETTLED_DONE);
    accd_control_on_idle(server.control);
    ck_assert_ptr_nonnull(strstr(hear(fd), "\"change\":\"started\""));
    close(fd);
}
END_TEST

START_TEST(the_end_of_a_kept_container_is_no_change_of_the_service)
{
    struct puppet_service *db = &puppet.service[0];
    int fd = dial();

    container(0, "c1", 1);
    db->instance.state = ACC_INST_READY;
    db->beside = (struct acc_instance_view){
        .cid = "c0", .name = "", .state = ACC_INST_EXITED, .is_beside = true};
    db->view.n_instances = 2;
    db->settled = ACC_SETTLED_PENDING;
    say(fd, "{\"method\":\"io.acc.Apply\"}");
    control_applied("changed acc/db\n", NULL);
    ck_assert_str_eq(hear(fd), "");
    db->view.n_instances = 1;
    db->instance.updated = true;
    move(0, ACC_SVC_UP, ACC_SETTLED_DONE);
    accd_control_on_idle(server.control);
    ck_assert_ptr_nonnull(strstr(hear(fd), "\"changes\":[\"updated acc/db\"]"));
    close(fd);
}
END_TEST

/* The old one has served all along. */
START_TEST(a_rollback_of_a_candidate_went_back)
{
    struct puppet_service *db = &puppet.service[0];
    int fd = dial();

    container(0, "c1", 1);
    db->instance.state = ACC_INST_READY;
    db->beside = (struct acc_instance_view){
        .cid = "c2", .name = "", .state = ACC_INST_READY, .is_beside = true};
    db->view.n_instances = 2;
    db->view.step = ACC_ROLL_VERIFY;
    db->settled = ACC_SETTLED_PENDING;
    say(fd, "{\"method\":\"io.acc.Rollback\",\"parameters\":{\"targets\":[\"db\"]}}");
    ck_assert_str_eq(hear(fd), "");
    db->view.n_instances = 1;
    db->view.step = ACC_ROLL_IDLE;
    move(0, ACC_SVC_UP, ACC_SETTLED_DONE);
    accd_control_on_idle(server.control);
    ck_assert_ptr_nonnull(strstr(hear(fd), "\"change\":\"rolled back\""));
    close(fd);
}
END_TEST

/* What runs is what counts, not what differs in the files. */
START_TEST(apply_waits_and_tells_what_became_of_the_containers)
{
    int fd = dial();
    const char *got;

    container(0, "c1", 1);
    container(1, "c2", 1);
    say(fd, "{\"method\":\"io.acc.Apply\",\"more\":true}");
    puppet.service[0].settled = ACC_SETTLED_PENDING;
    control_applied("changed acc/db\nchanged acc/web\n", NULL);
    got = hear(fd);
    ck_assert_ptr_nonnull(
        strstr(got, "\"changes\":[],\"observing\":[],\"progress\":[{\"service\":\"acc/db\""));
    ck_assert_ptr_nonnull(strstr(got, "\"continues\":true}$"));
    container(0, "c3", 2);
    move(0, ACC_SVC_STARTING, ACC_SETTLED_PENDING);
    accd_control_on_idle(server.control);
    ck_assert_ptr_nonnull(strstr(hear(fd), "\"change\":\"recreated\""));
    move(0, ACC_SVC_UP, ACC_SETTLED_DONE);
    accd_control_on_idle(server.control);
    got = hear(fd);
    ck_assert_ptr_nonnull(
        strstr(got, "{\"changes\":[\"recreated acc/db\"],\"observing\":[],\"progress\":"));
    ck_assert_ptr_null(strstr(strstr(got, "acc/web"), "recreated"));
    close(fd);
}
END_TEST

START_TEST(apply_draws_in_who_depends_on_what_changes)
{
    struct acc_edge edge = {.target = 0};
    struct acc_service_spec specs[3] = {{.id = "acc/db"}, {.id = "acc/web"}, {.id = "media/web"}};
    struct acc_service_spec *services[3] = {&specs[0], &specs[1], &specs[2]};
    uint32_t order[3] = {0, 1, 2};
    int fd = dial();
    const char *got;

    specs[1].edges = &edge;
    specs[1].n_edges = 1;
    server.model = (struct acc_model){.services = services, .n_services = 3, .order = order};
    container(0, "c1", 1);
    container(1, "c2", 1);
    say(fd, "{\"method\":\"io.acc.Apply\",\"more\":true}");
    puppet.service[0].settled = ACC_SETTLED_PENDING;
    control_applied("changed acc/db\n", NULL);
    got = hear(fd);
    ck_assert_ptr_nonnull(strstr(strstr(got, "acc/web"), "\"selected\":false"));
    ck_assert_ptr_null(strstr(got, "media/web"));
    container(1, "c2", 2);
    note(1, ACC_NOTE_STATE, "it was restarted with it");
    accd_control_on_idle(server.control);
    got = hear(fd);
    ck_assert_ptr_nonnull(strstr(got, "\"changes\":[\"restarted acc/web\"]"));
    ck_assert_ptr_nonnull(strstr(strstr(got, "acc/web\",\"state"), "\"selected\":true"));
    container(0, "c1", 2);
    puppet.service[0].instance.updated = true;
    move(0, ACC_SVC_UP, ACC_SETTLED_DONE);
    accd_control_on_idle(server.control);
    ck_assert_ptr_nonnull(
        strstr(hear(fd), "\"changes\":[\"updated acc/db\",\"restarted acc/web\"]"));
    server.model = (struct acc_model){0};
    close(fd);
}
END_TEST

START_TEST(a_changed_restart_policy_is_followed_by_accd_alone)
{
    int fd = dial();

    container(0, "c1", 1);
    say(fd, "{\"method\":\"io.acc.Apply\"}");
    control_applied("changed acc/db\npolicy acc/db\n", NULL);
    ck_assert_ptr_nonnull(strstr(hear(fd), "{\"changes\":[\"updated acc/db\"]"));
    close(fd);
}
END_TEST

START_TEST(who_waits_hears_of_the_image)
{
    struct accd_image_news pull = {.image = "img:1", .current = 5, .total = 10};
    struct accd_image_news build = {.image = "img:2", .line = "#1 done"};
    uint32_t users[] = {2, 0};
    int fd = dial();
    const char *got;

    puppet.service[0].settled = ACC_SETTLED_PENDING;
    say(fd, "{\"method\":\"io.acc.Up\",\"parameters\":{\"targets\":[\"db\"]},\"more\":true}");
    (void)hear(fd);
    accd_control_feed_image(server.control, users, 2, &pull);
    accd_control_feed_image(server.control, users, 2, &build);
    accd_control_feed_image(server.control, users, 1, &build); /* of another one */
    note(0, ACC_NOTE_STATE, "");
    accd_control_on_idle(server.control);
    got = hear(fd);
    ck_assert_ptr_nonnull(strstr(got, "\"pull\":{\"image\":\"img:1\",\"current\":5,\"total\":10}"));
    ck_assert_ptr_nonnull(strstr(got, "\"output\":[\"#1 done\"]"));
    build.line = "#2 last";
    accd_control_feed_image(server.control, users, 2, &build);
    move(0, ACC_SVC_UP, ACC_SETTLED_DONE); /* the end comes after what was said before it */
    accd_control_on_idle(server.control);
    got = hear(fd);
    ck_assert_ptr_nonnull(strstr(got, "\"output\":[\"#2 last\"]"));
    ck_assert_ptr_null(strstr(got, "#1 done"));
    ck_assert_ptr_null(strstr(strstr(got, "continues"), "#2"));
    close(fd);
}
END_TEST

START_TEST(a_build_that_says_too_much_is_bounded)
{
    char line[600];
    struct accd_image_news build = {.image = "img:2", .line = line};
    uint32_t svc = 0;
    int fd = dial();
    const char *got;

    memset(line, 'x', sizeof(line) - 1);
    line[sizeof(line) - 1] = '\0';
    puppet.service[0].settled = ACC_SETTLED_PENDING;
    say(fd, "{\"method\":\"io.acc.Up\",\"parameters\":{\"targets\":[\"db\"]},\"more\":true}");
    (void)hear(fd);
    for (int i = 0; i < 200; i++) {
        accd_control_feed_image(server.control, &svc, 1, &build);
    }
    note(0, ACC_NOTE_STATE, "");
    accd_control_on_idle(server.control);
    got = hear(fd);
    ck_assert_ptr_nonnull(strstr(got, "(137 lines left out)\"]"));
    close(fd);
}
END_TEST

START_TEST(apply_tells_the_problems_of_the_files)
{
    int fd = dial();

    say(fd, "{\"method\":\"io.acc.Apply\"}");
    server.applied(server.apply_arg, &(struct accd_applied){.problems = "a.yaml:1:2: no"});
    ck_assert_str_eq(hear(fd), "{\"parameters\":{\"problems\":[\"a.yaml:1:2: no\"]},\"error\":"
                               "\"io.acc.InvalidConfig\"}$");
    say(fd, "{\"method\":\"io.acc.Apply\"}");
    close(fd);
    turn();
    control_applied("", NULL);
}
END_TEST

START_TEST(apply_and_plan_tell_the_warnings_of_the_files)
{
    static const char warning[] = "\"warnings\":[\"a.yaml:1:2: warning: x\",\"b\"]";
    struct acc_plan plan = {.warnings = strdup("a.yaml:1:2: warning: x\nb\n")};
    int fd = dial();

    say(fd, "{\"method\":\"io.acc.Apply\"}");
    control_applied("", plan.warnings);
    ck_assert_ptr_nonnull(strstr(hear(fd), warning));
    say(fd, "{\"method\":\"io.acc.Plan\"}");
    server.planned(server.plan_arg, NULL, &plan);
    ck_assert_ptr_nonnull(strstr(hear(fd), warning));
    acc_plan_fini(&plan);
    close(fd);
}
END_TEST

START_TEST(apply_prunes_when_asked_to)
{
    int fd = dial();

    say(fd, "{\"method\":\"io.acc.Apply\"}");
    ck_assert(!server.prune);
    control_applied("", NULL);
    (void)hear(fd);
    say(fd, "{\"method\":\"io.acc.Apply\",\"parameters\":{\"prune\":true}}");
    ck_assert(server.prune);
    control_applied("", NULL);
    ck_assert_str_eq(hear(fd), ""); /* not before networks are gone, too */
    ck_assert(!server.prunes_volumes);
    server.pruned(server.prune_arg, "removed network acc_back\nkept network acc_x: in use\n");
    ck_assert_str_eq(hear(fd),
                     "{\"parameters\":{\"changes\":[\"removed network acc_back\","
                     "\"kept network acc_x: in use\"],\"observing\":[],\"progress\":[]}}$");
    say(fd, "{\"method\":\"io.acc.Apply\",\"parameters\":{\"prune\":true,\"volumes\":true}}");
    puppet.service[0].settled = ACC_SETTLED_PENDING;
    server.pruned = NULL;
    control_applied("removed acc/db\n", NULL);
    ck_assert(server.pruned == NULL); /* its container comes first */
    move(0, ACC_SVC_OFF, ACC_SETTLED_DONE);
    accd_control_on_idle(server.control);
    ck_assert(server.pruned && server.prunes_volumes);
    close(fd);
    turn();
    server.pruned(server.prune_arg, ""); /* nobody hears it */
}
END_TEST

/* Not even with nothing to do: what it can't change is looked at first, and told. */
START_TEST(apply_tells_which_networks_are_otherwise)
{
    struct acc_docker_diff_line line[] = {{.text = "internal: false -> true"},
                                          {.text = "it stays"}};
    struct acc_plan_row row = {
        .service = "network acc_back", .what = ACC_PLAN_KEEP, .line = line, .n = 2};
    const struct acc_plan found = {.row = &row, .n = 1};
    int fd = dial();

    server.is_differing_slow = true;
    say(fd, "{\"method\":\"io.acc.Apply\"}");
    control_applied("", NULL);
    ck_assert_str_eq(hear(fd), "");
    server.resources = &found;
    server.differed(server.differing_arg);
    ck_assert_str_eq(hear(fd), "{\"parameters\":{\"changes\":[],\"notes\":[\"network acc_back: "
                               "internal: false -> true; it stays\"],\"observing\":[],"
                               "\"progress\":[]}}$");
    say(fd, "{\"method\":\"io.acc.Apply\",\"parameters\":{\"timeout_ms\":1}}");
    control_applied("", NULL);
    while (!*hear(fd)) { /* Docker hangs: it has its answer all the same */
        turn();
    }
    server.differed(server.differing_arg);
    say(fd, "{\"method\":\"io.acc.Apply\"}");
    control_applied("", NULL);
    close(fd);
    turn();
    server.differed(server.differing_arg); /* nobody hears it */
    server.resources = NULL;
}
END_TEST

static void wait_for_prune(void)
{
    for (int i = 0; i < 20 && !server.pruned; i++) {
        uv_run(&server.loop, UV_RUN_ONCE); /* until the timer of the server at the latest */
    }
    ck_assert(server.pruned != NULL);
}

/* 0: with `detach`, 1: the caller leaves, 2: his time is over */
START_TEST(apply_prunes_also_when_nobody_waits_for_it)
{
    static const char *const more[] = {"\"detach\":true", "\"detach\":false", "\"timeout_ms\":1"};
    int fd = dial();
    char request[128];

    puppet.service[0].settled = ACC_SETTLED_PENDING;
    (void)snprintf(
        request, sizeof(request),
        "{\"method\":\"io.acc.Apply\",\"parameters\":{\"prune\":true,\"volumes\":true,%s}}",
        more[_i]);
    say(fd, request);
    control_applied("removed acc/db\n", NULL);
    if (_i == 1) {
        close(fd);
        turn();
    } else {
        for (int i = 0; i < 20 && hear(fd)[0] == '\0'; i++) {
            uv_run(&server.loop, UV_RUN_ONCE);
        }
    }
    ck_assert(server.pruned == NULL); /* its container comes first */
    move(0, ACC_SVC_OFF, ACC_SETTLED_DONE);
    wait_for_prune();
    ck_assert(server.prunes_volumes);
    server.pruned(server.prune_arg, "removed network acc_back\n");
    server.pruned = NULL;
    say(dial(), "{\"method\":\"io.acc.Apply\",\"parameters\":{\"detach\":true}}");
    control_applied("", NULL);
    for (int i = 0; i < 3; i++) {
        uv_run(&server.loop, UV_RUN_NOWAIT);
    }
    ck_assert(server.pruned == NULL); /* once is enough */
}
END_TEST

START_TEST(apply_tells_how_many_containers_it_was_and_is)
{
    int fd = dial();

    say(fd, "{\"method\":\"io.acc.Apply\"}");
    control_applied("changed acc/db\nscaled acc/db 1 -> 3\n", NULL);
    const char *got = hear(fd);

    ck_assert_ptr_nonnull(
        strstr(got, "\"differences\":[{\"text\":\"scale 1 -> 3\",\"live\":true}]"));
    ck_assert_ptr_nonnull(strstr(got, "\"selected\":true"));
    close(fd);
}
END_TEST

START_TEST(plan_tells_what_was_asked_for_and_why)
{
    struct acc_docker_diff diff = {.n = 1, .line = {{false, "image a:1 -> a:2"}}};
    struct acc_plan plan = {0};
    int fd = dial();

    ck_assert_int_eq(acc_plan_add(&plan, "acc/db", ACC_PLAN_RECREATE, &diff, NULL), 0);
    ck_assert_int_eq(acc_plan_add(&plan, "other/web", ACC_PLAN_STOP, NULL, "gone"), 0);
    say(fd, "{\"method\":\"io.acc.Plan\",\"parameters\":{\"targets\":[\"acc\"]}}");
    server.planned(server.plan_arg, NULL, &plan);
    ck_assert_str_eq(hear(fd), "{\"parameters\":{\"changes\":[{\"service\":\"acc/db\","
                               "\"action\":\"recreate\",\"reasons\":[{\"text\":"
                               "\"image a:1 -> a:2\",\"live\":false}]}]}}$");
    say(fd, "{\"method\":\"io.acc.Plan\",\"parameters\":{\"targets\":[\"web\"]}}");
    server.planned(server.plan_arg, NULL, &plan);
    ck_assert_ptr_nonnull(strstr(hear(fd), "\"service\":\"other/web\",\"action\":\"stop\""));
    say(fd, "{\"method\":\"io.acc.Plan\"}");
    server.planned(server.plan_arg, "a.yaml:1:2: no", NULL);
    ck_assert_str_eq(hear(fd), "{\"parameters\":{\"problems\":[\"a.yaml:1:2: no\"]},\"error\":"
                               "\"io.acc.InvalidConfig\"}$");
    say(fd, "{\"method\":\"io.acc.Plan\"}");
    server.planned(server.plan_arg, NULL, NULL);
    ck_assert_ptr_nonnull(strstr(hear(fd), "io.acc.EngineAway"));
    say(fd, "{\"method\":\"io.acc.Plan\"}");
    close(fd);
    turn();
    server.planned(server.plan_arg, NULL, &plan); /* who asked has left */
    acc_plan_fini(&plan);
}
END_TEST

START_TEST(state_is_told_in_lines_and_only_what_is_kept)
{
    int fd = dial();

    say(fd, "{\"method\":\"io.acc.State\"}");
    ck_assert_str_eq(hear(fd), "{\"parameters\":{\"lines\":[\"decision 0\",\"was this\"]}}$");
    say(fd, "{\"method\":\"io.acc.State\",\"parameters\":{\"decision\":1}}");
    ck_assert_ptr_nonnull(strstr(hear(fd), "decision 1"));
    say(fd, "{\"method\":\"io.acc.State\",\"parameters\":{\"decision\":2}}");
    ck_assert_ptr_nonnull(strstr(hear(fd), "io.acc.Refused"));
    say(fd, "{\"method\":\"io.acc.State\",\"parameters\":{\"decision\":0}}");
    ck_assert_ptr_nonnull(strstr(hear(fd), "InvalidParameter"));
    close(fd);
}
END_TEST

START_TEST(outdated_is_asked_for_what_was_named)
{
    struct acc_outdated book = {0};
    int fd = dial(), early = dial();

    say(fd, "{\"method\":\"io.acc.Outdated\",\"parameters\":{\"targets\":[\"nobody\"]}}");
    ck_assert_ptr_nonnull(strstr(hear(fd), "io.acc.NoSuchService"));
    say(early, "{\"method\":\"io.acc.Outdated\"}");
    ck_assert(server.outdated[0] && server.outdated[1]);
    close(early);
    turn();
    server.compared(server.outdated_arg, &book); /* who asked has left */
    say(fd, "{\"method\":\"io.acc.Outdated\",\"parameters\":{\"targets\":[\"acc/web\"]}}");
    ck_assert(!server.outdated[0] && server.outdated[1]);
    server.compared(server.outdated_arg, NULL);
    ck_assert_ptr_nonnull(strstr(hear(fd), "io.acc.EngineAway"));
    say(fd, "{\"method\":\"io.acc.Outdated\",\"parameters\":{\"targets\":[\"acc/web\"]}}");
    ck_assert_int_eq(acc_outdated_add(&book, "acc/web", "web", "i", true), 0);
    server.compared(server.outdated_arg, &book);
    acc_outdated_fini(&book);
    ck_assert_str_eq(
        hear(fd),
        "{\"parameters\":{\"images\":[{\"service\":\"acc/web\",\"image\":"
        "\"web\",\"state\":\"local\",\"running\":\"\",\"remote\":\"\","
        "\"reason\":\"built here, or not to be pulled\",\"taken\":\"\",\"taken_back\":false}]}}$");
    close(fd);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("control_verbs");
    TCase *tcase = tcase_create("control_verbs");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, control_set_up, control_tear_down);
    tcase_add_test(tcase, a_verb_reaches_the_engine_with_all_its_flags);
    tcase_add_test(tcase, a_hold_reaches_the_engine_with_its_reason_and_its_time);
    tcase_add_test(tcase, progress_comes_before_the_end_and_only_for_what_changed);
    tcase_add_test(tcase, what_the_engine_does_at_once_is_answered_at_once);
    tcase_add_test(tcase, a_failure_is_an_error_with_its_reasons);
    tcase_add_loop_test(tcase, what_is_forbidden_is_refused_and_has_not_failed, 0,
                        sizeof(asked) / sizeof(asked[0]));
    tcase_add_loop_test(tcase, maintenance_and_silence_refuse, 0, sizeof(asked) / sizeof(asked[0]));
    tcase_add_loop_test(tcase, what_is_held_amid_its_order_stands_still, 0,
                        sizeof(asked) / sizeof(asked[0]));
    tcase_add_test(tcase, an_image_is_for_one_service);
    tcase_add_test(tcase, who_has_no_enabled_profile_is_told_how_to_get_one);
    tcase_add_test(tcase, done_is_what_is_written_down_or_said_not_to_be);
    tcase_add_test(tcase, a_timeout_ends_the_wait_and_says_what_is_missing);
    tcase_add_test(tcase, who_asks_while_the_engine_is_away_is_told_so);
    tcase_add_test(tcase, what_is_not_of_that_kind_is_left_out_of_several);
    tcase_add_test(tcase, a_job_that_ran_again_was_restarted);
    tcase_add_test(tcase, what_ran_to_its_end_was_started);
    tcase_add_test(tcase, what_stops_amid_an_upgrade_is_stopped);
    tcase_add_loop_test(tcase, what_is_turned_off_amid_an_upgrade_is_not_made_anew, 0, 2);
    tcase_add_test(tcase, down_of_what_is_watched_says_that_it_is_taken_back);
    tcase_add_test(tcase, an_upgrade_that_went_back_was_rolled_back);
    tcase_add_test(tcase, of_what_is_built_here_an_upgrade_says_how);
    tcase_add_loop_test(tcase, who_is_made_anew_along_is_not_upgraded, 0, 2);
    tcase_add_loop_test(tcase, who_ends_the_watch_has_upgraded, 0, 2);
    tcase_add_test(tcase, a_hold_that_ends_amid_an_upgrade_was_one);
    tcase_add_test(tcase, a_rollback_of_an_upgrade_under_way_went_back);
    tcase_add_test(tcase, a_rollback_of_an_upgrade_that_pulls_ended_it);
    tcase_add_test(tcase, what_an_operator_took_back_is_a_note_of_apply);
    tcase_add_test(tcase, detach_and_oneway_do_not_wait);
    tcase_add_test(tcase, a_waiting_peer_may_leave);
    tcase_add_test(tcase, what_could_surprise_is_refused);
    tcase_add_test(tcase, what_takes_a_stack_over_says_so_and_is_meant_by_its_name);
    tcase_add_test(tcase, a_verb_survives_a_new_configuration);
    tcase_add_test(tcase, outdated_is_asked_for_what_was_named);
    tcase_add_test(tcase, state_is_told_in_lines_and_only_what_is_kept);
    tcase_add_test(tcase, apply_waits_and_tells_what_became_of_the_containers);
    tcase_add_loop_test(tcase, a_rollout_is_told_by_who_serves, 0, 6);
    tcase_add_test(tcase, the_end_of_a_kept_container_is_no_change_of_the_service);
    tcase_add_test(tcase, a_rollback_of_a_candidate_went_back);
    tcase_add_test(tcase, apply_draws_in_who_depends_on_what_changes);
    tcase_add_test(tcase, a_changed_restart_policy_is_followed_by_accd_alone);
    tcase_add_test(tcase, who_waits_hears_of_the_image);
    tcase_add_test(tcase, a_build_that_says_too_much_is_bounded);
    tcase_add_test(tcase, apply_tells_the_problems_of_the_files);
    tcase_add_test(tcase, apply_and_plan_tell_the_warnings_of_the_files);
    tcase_add_test(tcase, apply_prunes_when_asked_to);
    tcase_add_test(tcase, apply_tells_which_networks_are_otherwise);
    tcase_add_loop_test(tcase, apply_prunes_also_when_nobody_waits_for_it, 0, 3);
    tcase_add_test(tcase, apply_tells_how_many_containers_it_was_and_is);
    tcase_add_test(tcase, plan_tells_what_was_asked_for_and_why);
    srunner_run_all(runner, CK_NORMAL);
    int n_failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return n_failed > 0;
}
