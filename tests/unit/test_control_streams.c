/* Events and logs: history before what happens, and readers that are slow or leave. */

#include "tests/unit/control_stage.h"

#include <check.h>
#include <string.h>
#include <unistd.h>

#include "daemon/sessions.h"
#include "lib/base/str.h"

#define EVENT(kind, service, text)                                                                 \
    "{\"time\":\"2026-11-24T12:00:00Z\",\"kind\":\"" kind "\",\"service\":\"" service              \
    "\",\"text\":\"" text "\"}"

START_TEST(history_comes_before_what_happened_while_it_was_read)
{
    int fd = dial();

    say(fd, "{\"method\":\"io.acc.Events\",\"parameters\":{\"limit\":5},\"more\":true}");
    ck_assert_uint_eq(server.history_limit, 5);
    ck_assert_str_eq(server.history_service, "(all)");
    note(0, ACC_NOTE_STATE, "second");
    accd_control_on_idle(server.control);
    ck_assert_str_eq(hear(fd), "");
    server.history_row(server.history_arg, 1795521600000, ACC_NOTE_ENGINE, "", "first");
    server.history_done(server.history_arg);
    ck_assert_str_eq(hear(fd), "{\"parameters\":{\"events\":[" EVENT(
                                   "engine", "", "first") "]},\"continues\":true}$"
                                                          "{\"parameters\":{\"events\":[" EVENT(
                                                              "state", "acc/db",
                                                              "second") "]},\"continues\":true}$");
    note(1, ACC_NOTE_DECISION, "third");
    accd_control_on_idle(server.control);
    ck_assert_ptr_nonnull(strstr(hear(fd), EVENT("decision", "acc/web", "third")));
    close(fd);
}
END_TEST

START_TEST(events_of_some_services_and_without_more)
{
    int fd = dial(), other = dial();

    say(fd, "{\"method\":\"io.acc.Events\",\"parameters\":{\"targets\":[\"db\"],\"limit\":0},"
            "\"more\":true}");
    ck_assert_str_eq(hear(fd), "{\"parameters\":{\"events\":[]},\"continues\":true}$");
    note(1, ACC_NOTE_STATE, "not mine");
    note(ACC_NONE, ACC_NOTE_ENGINE, "nobody's");
    accd_control_on_idle(server.control);
    ck_assert_str_eq(hear(fd), "");
    note(0, ACC_NOTE_STATE, "mine");
    accd_control_on_idle(server.control);
    ck_assert_ptr_nonnull(strstr(hear(fd), "mine"));

    say(other, "{\"method\":\"io.acc.Events\",\"parameters\":{\"targets\":[\"acc\"],\"limit\":1}}");
    server.history_row(server.history_arg, 1795521600000, ACC_NOTE_STATE, "acc/web", "older");
    server.history_row(server.history_arg, 1795521600000, ACC_NOTE_STATE, "media/web", "not asked");
    server.history_row(server.history_arg, 1795521600000, ACC_NOTE_STATE, "acc/db", "newer");
    server.history_row(server.history_arg, 1795521600000, ACC_NOTE_ENGINE, "", "not asked");
    server.history_done(server.history_arg);
    ck_assert_str_eq(hear(other),
                     "{\"parameters\":{\"events\":[" EVENT("state", "acc/db", "newer") "]}}$");
    close(fd);
    close(other);
}
END_TEST

START_TEST(a_reader_may_leave_before_its_history_comes)
{
    int fd = dial();

    say(fd, "{\"method\":\"io.acc.Events\",\"more\":true}");
    close(fd);
    turn();
    server.history_row(server.history_arg, 1, ACC_NOTE_STATE, "acc/db", "x");
    server.history_done(server.history_arg);
    turn();
}
END_TEST

START_TEST(a_slow_reader_of_a_stream_is_dropped_and_nobody_else)
{
    static char text[201];
    int slow = dial(), good = dial();
    size_t heard = 0;

    memset(text, 'x', sizeof(text) - 1);
    say(slow, "{\"method\":\"io.acc.Events\",\"parameters\":{\"limit\":0},\"more\":true}");
    say(good, "{\"method\":\"io.acc.Events\",\"parameters\":{\"limit\":0},\"more\":true}");
    for (int i = 0; i < 8000; i++) {
        note(0, ACC_NOTE_STATE, text);
        accd_control_on_idle(server.control);
        if (i % 100 == 0) {
            heard += strlen(hear(good));
        }
    }
    ck_assert_uint_gt(heard, ACCD_SESSION_BACKLOG_MAX);
    while (strcmp(hear(slow), "") != 0 && !strstr(hear(slow), "(closed)")) {
    }
    ck_assert_str_eq(hear(slow), "(closed)");
    say(good, ""); /* a NUL is no request */
    note(0, ACC_NOTE_STATE, "the last");
    accd_control_on_idle(server.control);
    ck_assert_ptr_nonnull(strstr(hear(good), "the last"));
    close(slow);
    close(good);
}
END_TEST

START_TEST(what_was_taken_back_has_last_words)
{
    static char many[2 * ACCD_LAST_WORDS_BYTES];
    const char *ask =
        "{\"method\":\"io.acc.Logs\",\"parameters\":{\"target\":\"db\",\"taken_back\":"
        "true},\"more\":true}";
    struct accd_last_word word = {"acc-db-1.bad7", "one\ntwo\r\nno end", 15};
    int fd = dial();
    const char *got;

    say(fd, ask);
    ck_assert_ptr_nonnull(strstr(hear(fd), "no container of it was taken back"));
    server.last_words = accd_last_words_create();
    ck_assert_int_eq(accd_last_words_put(server.last_words, "acc/db", &word), 0);
    say(fd, ask);
#define SAID(text)                                                                                 \
    "{\"service\":\"acc/"                                                                          \
    "db\",\"instance\":\"acc-db-1.bad7\",\"stream\":\"stdout\",\"text\":\"" text "\"}"
    ck_assert_str_eq(hear(fd), "{\"parameters\":{\"lines\":[" SAID("one") "," SAID("two") "," SAID(
                                   "no end") "]}}$");
#undef SAID
    /* the next one takes its place, and of more than is kept the end tells */
    memset(many, 'x', sizeof(many));
    memcpy(many + sizeof(many) - 5, "\nlast", 5);
    word = (struct accd_last_word){"acc-db-1.bad8", many, sizeof(many)};
    ck_assert_int_eq(accd_last_words_put(server.last_words, "acc/db", &word), 0);
    ck_assert(accd_last_words_get(server.last_words, "acc/db", &word));
    ck_assert_uint_eq(word.len, ACCD_LAST_WORDS_BYTES);
    ck_assert(!accd_last_words_get(server.last_words, "acc/web", &word));
    say(fd, ask);
    got = hear(fd);
    ck_assert_ptr_nonnull(strstr(got, "\"text\":\"last\""));
    ck_assert_ptr_null(strstr(got, "one"));
    server.last_words = accd_last_words_destroy(server.last_words);
    close(fd);
}
END_TEST

START_TEST(logs_are_lines_however_they_come)
{
    int fd = dial();
    const char *got;

    say(fd, "{\"method\":\"io.acc.Logs\",\"parameters\":{\"target\":\"db\",\"tail\":7,\"follow\":"
            "true},\"more\":true}");
    ck_assert_uint_eq(server.logs.svc, 0);
    ck_assert_uint_eq(server.logs.tail, 7);
    ck_assert(server.logs.follow && !server.logs.timestamps);
    ck_assert(server.sink.on_data(server.sink.token, "db-1", false, "one\ntw", 6));
    ck_assert(server.sink.on_data(server.sink.token, "db-1", true, "err\r\n", 5));
    ck_assert(server.sink.on_data(server.sink.token, "db-1", false, "o\n\nlast", 7));
    server.sink.on_end(server.sink.token, NULL);
    got = hear(fd);
#define LINE(stream, text)                                                                         \
    "{\"service\":\"acc/db\",\"instance\":\"db-1\",\"stream\":\"" stream "\",\"text\":\"" text "\"}"
    ck_assert_str_eq(
        got,
        "{\"parameters\":{\"lines\":[" LINE(
            "stdout",
            "one") "]},\"continues\":"
                   "true}${\"parameters\":{\"lines\":[" LINE(
                       "stderr",
                       "err") "]},\"continues\":true}${\"parameters\":{\"lines\":"
                              "[" LINE("stdout",
                                       "two") "]},\"continues\":true}${"
                                              "\"parameters\":{\"lines\":"
                                              "[" LINE("stdout",
                                                       "") "]},"
                                                           "\"continues\":"
                                                           "true}${"
                                                           "\"parameters\":{"
                                                           "\"lines\":"
                                                           "[" LINE(
                                                               "stdout",
                                                               "last") "]},\"continues\":true}${"
                                                                       "\"parameters\":{\"lines\":"
                                                                       "[]}}$");
    ck_assert_uint_eq(server.n_cancelled, 0);
    say(fd, PING);
    ck_assert_str_eq(hear(fd), PONG "$");
    close(fd);
}
END_TEST

/* A line just as long as one may be, however its end comes, and a longer one. */
START_TEST(logs_that_are_cut_say_so)
{
    static char line[16384];
    int fd = dial();
    const char *got;

    memset(line, 'x', sizeof(line));
    say(fd, "{\"method\":\"io.acc.Logs\",\"parameters\":{\"target\":\"db\"},\"more\":true}");
    ck_assert(server.sink.on_data(server.sink.token, "db-1", false, line, sizeof(line)));
    ck_assert(server.sink.on_data(server.sink.token, "db-1", false, "\nnext\n", 6));
    got = hear(fd);
    ck_assert_ptr_nonnull(strstr(got, "xx\"}"));
    ck_assert_ptr_nonnull(strstr(got, "\"text\":\"next\""));
    ck_assert_ptr_null(strstr(got, "\"text\":\"\"")); /* its newline is no line */
    ck_assert(server.sink.on_data(server.sink.token, "db-1", false, line, sizeof(line)));
    ck_assert(server.sink.on_data(server.sink.token, "db-1", false, "rest\n", 5));
    got = hear(fd);
    ck_assert_ptr_nonnull(strstr(got, "xx" ACC_CUT "\"}"));
    ck_assert_ptr_nonnull(strstr(got, "\"text\":\"rest\""));
    server.sink.on_end(server.sink.token, NULL);
    close(fd);
}
END_TEST

START_TEST(logs_pause_for_a_slow_reader_and_end_with_it)
{
    static char chunk[16384];
    int fd = dial();

    memset(chunk, 'x', sizeof(chunk));
    chunk[sizeof(chunk) - 1] = '\n';
    say(fd, "{\"method\":\"io.acc.Logs\",\"parameters\":{\"target\":\"db\"},\"more\":true}");
    for (int i = 0; i < 100 && server.n_paused == 0; i++) {
        ck_assert(server.sink.on_data(server.sink.token, "db-1", false, chunk, sizeof(chunk)));
    }
    ck_assert_uint_eq(server.n_paused, 1);
    for (int i = 0; i < 100 && server.n_resumed == 0; i++) {
        hear(fd);
    }
    ck_assert_uint_eq(server.n_resumed, 1);
    close(fd);
    turn();
    ck_assert_uint_eq(server.n_cancelled, 1);
}
END_TEST

START_TEST(logs_without_a_brake_end_with_a_slow_reader)
{
    static char chunk[16384];
    int fd = dial();
    bool alive = true;

    memset(chunk, 'x', sizeof(chunk));
    chunk[sizeof(chunk) - 1] = '\n';
    say(fd, "{\"method\":\"io.acc.Logs\",\"parameters\":{\"target\":\"db\"},\"more\":true}");
    for (int i = 0; i < 200 && alive; i++) {
        alive = server.sink.on_data(server.sink.token, "db-1", false, chunk, sizeof(chunk));
    }
    ck_assert(!alive);
    ck_assert_uint_eq(server.n_cancelled, 1);
    close(fd);
}
END_TEST

START_TEST(logs_that_cannot_be_given_say_why)
{
    int fd = dial();

    say(fd, "{\"method\":\"io.acc.Logs\",\"parameters\":{\"target\":\"db\"}}");
    ck_assert_ptr_nonnull(strstr(hear(fd), "org.varlink.service.ExpectedMore"));
    say(fd, "{\"method\":\"io.acc.Logs\",\"parameters\":{\"target\":\"acc\"},\"more\":true}");
    ck_assert_ptr_nonnull(strstr(hear(fd), "acc is a stack; logs are of one service"));
    puppet.connected = false;
    say(fd, "{\"method\":\"io.acc.Logs\",\"parameters\":{\"target\":\"db\"},\"more\":true}");
    ck_assert_ptr_nonnull(strstr(hear(fd), "io.acc.EngineAway"));
    close(fd);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("control_streams");
    TCase *tcase = tcase_create("control_streams");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, control_set_up, control_tear_down);
    tcase_add_test(tcase, history_comes_before_what_happened_while_it_was_read);
    tcase_add_test(tcase, events_of_some_services_and_without_more);
    tcase_add_test(tcase, a_reader_may_leave_before_its_history_comes);
    tcase_add_test(tcase, a_slow_reader_of_a_stream_is_dropped_and_nobody_else);
    tcase_add_test(tcase, what_was_taken_back_has_last_words);
    tcase_add_test(tcase, logs_are_lines_however_they_come);
    tcase_add_test(tcase, logs_that_are_cut_say_so);
    tcase_add_test(tcase, logs_pause_for_a_slow_reader_and_end_with_it);
    tcase_add_test(tcase, logs_without_a_brake_end_with_a_slow_reader);
    tcase_add_test(tcase, logs_that_cannot_be_given_say_why);
    srunner_run_all(runner, CK_NORMAL);
    int n_failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return n_failed > 0;
}
