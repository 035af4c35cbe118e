#include "tests/unit/control_stage.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/sessions.h"

/* --- framing ---------------------------------------------------------------------------------- */

START_TEST(answers_end_as_their_requests_do)
{
    int fd = dial();

    say(fd, PING);
    ck_assert_str_eq(hear(fd), PONG "$");
    say_bytes(fd, PING "\n", strlen(PING) + 1);
    ck_assert_str_eq(hear(fd), PONG "\n");
    say(fd, PING);
    ck_assert_str_eq(hear(fd), PONG "$");
    close(fd);
}
END_TEST

START_TEST(a_request_may_come_in_pieces)
{
    int fd = dial();

    for (size_t i = 0; i < sizeof(PING); i++) {
        ck_assert_str_eq(hear(fd), "");
        say_bytes(fd, &PING[i], 1);
    }
    ck_assert_str_eq(hear(fd), PONG "$");
    close(fd);
}
END_TEST

START_TEST(pipelined_requests_are_answered_in_order_also_behind_a_verb)
{
    static const char all[] = PING
        "\0{\"method\":\"io.acc.Up\",\"parameters\":{\"targets\":[\"db\"]}}\0" PING;
    int fd = dial();

    puppet.service[0].settled = ACC_SETTLED_PENDING;
    say_bytes(fd, all, sizeof(all));
    ck_assert_str_eq(hear(fd), PONG "$");
    ck_assert_uint_eq(puppet.n_cmds, 1);
    move(0, ACC_SVC_UP, ACC_SETTLED_DONE);
    accd_control_on_idle(server.control);
    ck_assert_ptr_nonnull(strstr(hear(fd), "\"settled\":true}]}}$" PONG "$"));
    close(fd);
}
END_TEST

START_TEST(who_asks_and_does_not_read_is_not_answered_ahead)
{
    static const char status[] = "{\"method\":\"io.acc.Status\"}";
    unsigned n_asked = 0, n_heard = 0;
    int fd = dial();

    while (n_asked < 1000 && send(fd, status, sizeof(status), MSG_NOSIGNAL) > 0) {
        n_asked++;
    }
    for (int i = 0; i < 200; i++) {
        turn();
    }
    ck_assert_uint_lt(server.n_looks, n_asked); /* the rest waits for its reader, on his side */
    for (int i = 0; i < 2000 && n_heard < n_asked; i++) {
        for (const char *at = hear(fd); (at = strchr(at, '$')); at++) {
            n_heard++;
        }
    }
    ck_assert_uint_eq(n_heard, n_asked);
    close(fd);
}
END_TEST

START_TEST(rubbish_is_answered_and_the_connection_lives)
{
    static const char *const rubbish[] = {
        "hello\n", "{}\n", "[]\n", "}}}}\n", "GET / HTTP/1.1\n", "{\"method\":7}\n"};
    int fd = dial();

    for (size_t i = 0; i < sizeof(rubbish) / sizeof(rubbish[0]); i++) {
        say_bytes(fd, rubbish[i], strlen(rubbish[i]));
        ck_assert_ptr_nonnull(strstr(hear(fd), INVALID "\n"));
    }
    say(fd, PING);
    ck_assert_str_eq(hear(fd), PONG "$");
    close(fd);
}
END_TEST

START_TEST(a_request_without_end_is_refused_once)
{
    char *big = malloc(70000);
    int fd = dial();

    memset(big, '{', 70000);
    for (int i = 0; i < 3; i++) {
        say_bytes(fd, big, 70000);
    }
    ck_assert_str_eq(
        hear(fd),
        "{\"parameters\":{\"reason\":\"it is longer than 65536 bytes, or has no end\"}," INVALID
        "$");
    say_bytes(fd, "", 1);
    say(fd, PING);
    ck_assert_str_eq(hear(fd), PONG "$");
    close(fd);
    free(big);
}
END_TEST

START_TEST(a_peer_that_stops_sending_still_gets_its_answer)
{
    int fd = dial();

    ck_assert_int_eq(send(fd, PING, strlen(PING), 0), (ssize_t)strlen(PING)); /* no end at all */
    shutdown(fd, SHUT_WR);
    ck_assert_str_eq(hear(fd), PONG "\n(closed)");
    close(fd);
}
END_TEST

/* --- org.varlink.service ---------------------------------------------------------------------- */

START_TEST(describes_itself)
{
    int fd = dial();

    say(fd, "{\"method\":\"org.varlink.service.GetInfo\"}");
    ck_assert_str_eq(hear(fd),
                     "{\"parameters\":{\"vendor\":\"acc\",\"product\":\"accd\",\"version\":"
                     "\"" ACC_VERSION "\",\"url\":\"\",\"interfaces\":[\"org.varlink."
                     "service\",\"io.acc\"]}}$");
    say(fd, "{\"method\":\"org.varlink.service.GetInterfaceDescription\",\"parameters\":"
            "{\"interface\":\"io.acc\"}}");
    ck_assert_ptr_nonnull(strstr(hear(fd), "interface io.acc"));
    say(fd, "{\"method\":\"io.acc.Nope\"}");
    ck_assert_str_eq(hear(fd), "{\"parameters\":{\"method\":\"io.acc.Nope\"},\"error\":\"org."
                               "varlink.service.MethodNotFound\"}$");
    close(fd);
}
END_TEST

START_TEST(unknown_and_ambiguous_names_are_told_apart)
{
    int fd = dial();

    say(fd, "{\"method\":\"io.acc.Status\",\"parameters\":{\"targets\":[\"dv\"]}}");
    ck_assert_str_eq(hear(fd), "{\"parameters\":{\"name\":\"dv\",\"nearest\":\"db\"},\"error\":"
                               "\"io.acc.NoSuchService\"}$");
    say(fd, "{\"method\":\"io.acc.Stop\",\"parameters\":{\"targets\":[\"web\"]}}");
    ck_assert_str_eq(hear(fd), "{\"parameters\":{\"name\":\"web\",\"candidates\":[\"acc/web\","
                               "\"media/web\"]},\"error\":\"io.acc.Ambiguous\"}$");
    say(fd, "{\"method\":\"io.acc.Up\",\"parameters\":{\"phase\":\"p\"}}");
    ck_assert_ptr_nonnull(strstr(hear(fd), "no service is in phase p"));
    ck_assert_uint_eq(puppet.n_cmds, 0);
    close(fd);
}
END_TEST

/* --- crowds ----------------------------------------------------------------------------------- */

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

START_TEST(two_hundred_clients_silent_or_talking_rubbish_harm_nobody)
{
    int fds[200];
    uint32_t state = (uint32_t)_i + 1;
    int good = dial();

    for (int i = 0; i < 200; i++) {
        fds[i] = dial();
    }
    turn();
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 200; i += 2) { /* the others say nothing */
            char bytes[300];
            size_t n = next_random(&state) % sizeof(bytes);

            for (size_t k = 0; k < n; k++) {
                static const char alphabet[] = "{}[]\",:\\\n\0method io.acc.StatusUp";

                bytes[k] = alphabet[next_random(&state) % sizeof(alphabet)];
            }
            (void)send(fds[i], bytes, n, MSG_NOSIGNAL); /* full when nobody reads: fine */
        }
        say(good, PING);
        ck_assert_str_eq(hear(good), PONG "$");
    }
    for (int i = 0; i < 200; i++) {
        close(fds[i]);
    }
    turn();
    say(good, PING);
    ck_assert_str_eq(hear(good), PONG "$");
    close(good);
}
END_TEST

START_TEST(clients_above_the_limit_are_sent_away_until_others_leave)
{
    static int fds[ACCD_SESSIONS_MAX];
    int extra;

    for (unsigned i = 0; i < ACCD_SESSIONS_MAX; i++) {
        fds[i] = dial();
        if (i % 64 == 63) {
            turn();
        }
    }
    turn();
    extra = dial();
    ck_assert_str_eq(hear(extra), "(closed)");
    close(extra);
    say(fds[0], PING);
    ck_assert_str_eq(hear(fds[0]), PONG "$");
    close(fds[1]);
    turn();
    extra = dial();
    say(extra, PING);
    ck_assert_str_eq(hear(extra), PONG "$");
    close(extra);
    for (unsigned i = 0; i < ACCD_SESSIONS_MAX; i++) {
        close(fds[i]); /* fds[1] again is harmless: nothing was opened meanwhile */
    }
}
END_TEST

START_TEST(a_peer_that_left_behind_its_half_is_noticed)
{
    int fd = dial(), other;

    puppet.service[0].settled = ACC_SETTLED_PENDING;
    say(fd, "{\"method\":\"io.acc.Logs\",\"parameters\":{\"target\":\"db\"},\"more\":true}");
    shutdown(fd, SHUT_WR);
    turn();
    ck_assert_uint_eq(server.n_cancelled, 0); /* it still reads */
    close(fd);
    turn();
    other = dial(); /* the sweep of the next connection */
    turn();
    ck_assert_uint_eq(server.n_cancelled, 1);
    close(other);
}
END_TEST

/* --- the file --------------------------------------------------------------------------------- */

START_TEST(the_socket_is_for_its_group_and_a_stale_one_is_replaced)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct stat st;
    int fd;

    ck_assert_int_eq(stat(server.path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0660);
    ck_assert_int_eq(open_control(), -EADDRINUSE);
    ck_assert_ptr_nonnull(strstr(server.error, "another accd answers there"));
    turn();

    accd_control_close(server.control);
    turn();
    ck_assert_int_eq(access(server.path, F_OK), -1);
    fd = socket(AF_UNIX, SOCK_STREAM, 0); /* what a kill -9 leaves behind */
    strcpy(address.sun_path, server.path);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    close(fd);
    ck_assert_int_eq(open_control(), 0);
    fd = dial();
    say(fd, PING);
    ck_assert_str_eq(hear(fd), PONG "$");
    close(fd);
}
END_TEST

START_TEST(another_file_in_the_way_is_left_alone)
{
    int fd;

    accd_control_close(server.control);
    turn();
    fd = open(server.path, O_CREAT | O_WRONLY, 0600);
    close(fd);
    server.control = NULL;
    ck_assert_int_eq(open_control(), -EEXIST);
    ck_assert_ptr_nonnull(strstr(server.error, "another file is in the way"));
    ck_assert_int_eq(unlink(server.path), 0);
}
END_TEST

static const struct {
    const char *label;
    uid_t uid;
    gid_t groups[3];
    gid_t acc, admin;
    bool read, change;
    const char *by;
} peers[] = {
    {"root", 0, {0}, 50, 51, true, true, "root"},
    {"accd's own user", 7, {9}, 50, 51, true, true, "uid 7"},
    {"a stranger", 1000, {9, 10, 11}, 50, 51, false, false, "uid 1000"},
    {"in acc", 1000, {9, 50, 11}, 50, 51, true, false, "uid 1000"},
    {"in acc-admin", 1000, {9, 10, 51}, 50, 51, true, true, "uid 1000"},
    {"no groups on this host",
     1000,
     {9, 10, (gid_t)-1},
     (gid_t)-1,
     (gid_t)-1,
     false,
     false,
     "uid 1000"},
};

START_TEST(rights_follow_from_user_and_groups)
{
    struct accd_rights rights;

    accd_rights_of(7, peers[_i].uid, peers[_i].groups, 3, peers[_i].acc, peers[_i].admin, &rights);
    ck_assert_msg(rights.read == peers[_i].read && rights.change == peers[_i].change, "%s",
                  peers[_i].label);
    ck_assert_str_eq(rights.by, peers[_i].by);
}
END_TEST

START_TEST(closing_leaves_nothing_behind)
{
    int fds[6];

    for (int i = 0; i < 6; i++) {
        fds[i] = dial();
    }
    puppet.service[0].settled = ACC_SETTLED_PENDING;
    say(fds[0], "{\"method\":\"io.acc.Up\",\"parameters\":{\"targets\":[\"db\"]}}");
    say(fds[1], "{\"method\":\"io.acc.Events\",\"parameters\":{\"limit\":0},\"more\":true}");
    say(fds[2], "{\"method\":\"io.acc.Events\",\"more\":true}");
    say(fds[3], "{\"method\":\"io.acc.Logs\",\"parameters\":{\"target\":\"db\"},\"more\":true}");
    say(fds[4], "{\"method\":\"io.acc.Apply\"}");
    say(fds[5], "{\"half\":");
    accd_control_close(server.control);
    uv_run(&server.loop, UV_RUN_DEFAULT);
    ck_assert_uint_eq(server.n_cancelled, 1);
    server.history_done(server.history_arg); /* late answers find nobody */
    control_applied("", NULL);
    for (int i = 0; i < 6; i++) {
        ck_assert_str_eq(hear(fds[i]) + strlen(hear(fds[i])) - 8, "(closed)");
        close(fds[i]);
    }
    server.control = NULL;
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("control");
    TCase *tcase = tcase_create("control");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, control_set_up, control_tear_down);
    tcase_add_test(tcase, answers_end_as_their_requests_do);
    tcase_add_test(tcase, a_request_may_come_in_pieces);
    tcase_add_test(tcase, pipelined_requests_are_answered_in_order_also_behind_a_verb);
    tcase_add_test(tcase, who_asks_and_does_not_read_is_not_answered_ahead);
    tcase_add_test(tcase, rubbish_is_answered_and_the_connection_lives);
    tcase_add_test(tcase, a_request_without_end_is_refused_once);
    tcase_add_test(tcase, a_peer_that_stops_sending_still_gets_its_answer);
    tcase_add_test(tcase, describes_itself);
    tcase_add_test(tcase, unknown_and_ambiguous_names_are_told_apart);
    tcase_add_loop_test(tcase, two_hundred_clients_silent_or_talking_rubbish_harm_nobody, 0, 3);
    tcase_add_test(tcase, clients_above_the_limit_are_sent_away_until_others_leave);
    tcase_add_test(tcase, a_peer_that_left_behind_its_half_is_noticed);
    tcase_add_test(tcase, the_socket_is_for_its_group_and_a_stale_one_is_replaced);
    tcase_add_test(tcase, another_file_in_the_way_is_left_alone);
    tcase_add_loop_test(tcase, rights_follow_from_user_and_groups, 0,
                        sizeof(peers) / sizeof(peers[0]));
    tcase_add_test(tcase, closing_leaves_nothing_behind);
    srunner_run_all(runner, CK_NORMAL);
    int n_failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return n_failed > 0;
}
