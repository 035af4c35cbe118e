#include "daemon/in/control.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/log.h"
#include "daemon/sessions.h"
#include "tests/unit/puppet.h"

/* The server on a loop of its own; clients are plain sockets of the same thread, so that nothing
 * depends on time: turn() gives the loop what it needs to be done with all that was sent. */
static struct {
    uv_loop_t loop;
    struct accd_pump *pump;
    struct accd_control *control;
    struct acc_model model;
    char dir[64], path[96], error[ACCD_CONTROL_ERROR_MAX + 1];
    /* what the ops were asked */
    void (*history_row)(void *arg, int64_t unix_ms, enum acc_note_kind kind, const char *service,
                        const char *text);
    void (*history_done)(void *arg);
    void *history_arg;
    char history_service[64];
    uint32_t history_limit;
    struct accd_control_logs_sink sink;
    struct accd_control_logs_options logs;
    unsigned n_cancelled, n_paused, n_resumed, n_looks;
    void (*applied)(void *arg, const char *problems, const char *changes);
    void *apply_arg;
    bool prune, prunes_volumes;
    void (*pruned)(void *arg, const char *lines);
    void *prune_arg;
    void (*planned)(void *arg, const char *problems, const struct acc_plan *plan);
    void *plan_arg;
    void (*compared)(void *arg, const struct acc_outdated *book);
    void *outdated_arg;
    uint8_t outdated[PUPPET_MAX];
} t;

static const struct acc_host_facts *get_facts(void *ctx)
{
    static const struct acc_host_facts facts = {.engine_version = "1", .engine_api = "2"};

    (void)ctx;
    t.n_looks++;
    return &facts;
}

static const struct acc_model *get_model(void *ctx)
{
    (void)ctx;
    return &t.model;
}

static void ask_history(void *ctx, const char *service, uint32_t limit,
                        void (*on_row)(void *arg, int64_t unix_ms, enum acc_note_kind kind,
                                       const char *service, const char *text),
                        void (*done)(void *arg), void *arg)
{
    (void)ctx;
    t.history_row = on_row;
    t.history_done = done;
    t.history_arg = arg;
    t.history_limit = limit;
    snprintf(t.history_service, sizeof(t.history_service), "%s", service ? service : "(all)");
}

static int start_logs(void *ctx, const struct accd_control_logs_options *options,
                      const struct accd_control_logs_sink *sink, void **ret_handle)
{
    (void)ctx;
    t.logs = *options;
    t.sink = *sink;
    *ret_handle = &t;
    return 0;
}

static void pause_logs(void *ctx, void *handle, bool is_paused)
{
    (void)ctx;
    ck_assert_ptr_eq(handle, &t);
    t.n_paused += is_paused;
    t.n_resumed += !is_paused;
}

static void cancel_logs(void *ctx, void *handle)
{
    (void)ctx;
    ck_assert_ptr_eq(handle, &t);
    t.n_cancelled++;
}

static void ask_plan(void *ctx,
                     void (*done)(void *arg, const char *problems, const struct acc_plan *plan),
                     void *arg)
{
    (void)ctx;
    t.planned = done;
    t.plan_arg = arg;
}

static void ask_apply(void *ctx, bool prune,
                      void (*done)(void *arg, const char *problems, const char *changes), void *arg)
{
    (void)ctx;
    t.prune = prune;
    t.applied = done;
    t.apply_arg = arg;
}

static void ask_outdated(void *ctx, const uint8_t *selected,
                         void (*done)(void *arg, const struct acc_outdated *book), void *arg)
{
    (void)ctx;
    memcpy(t.outdated, selected, puppet.n);
    t.compared = done;
    t.outdated_arg = arg;
}

static void ask_prune(void *ctx, bool volumes, void (*done)(void *arg, const char *lines),
                      void *arg)
{
    (void)ctx;
    t.prunes_volumes = volumes;
    t.pruned = done;
    t.prune_arg = arg;
}

static void on_idle(void *ctx, uint64_t deadline_ms)
{
    (void)ctx;
    (void)deadline_ms;
    if (t.control) {
        accd_control_on_idle(t.control);
    }
}

static int open_control(void)
{
    struct accd_control_config config = {
        .loop = &t.loop,
        .engine = puppet_engine(),
        .pump = t.pump,
        .path = t.path,
        .listen_fd = -1,
        .ops = {.facts = get_facts,
                .model = get_model,
                .history = ask_history,
                .logs_start = start_logs,
                .logs_pause = pause_logs,
                .logs_cancel = cancel_logs,
                .apply = ask_apply,
                .plan = ask_plan,
                .outdated = ask_outdated,
                .prune = ask_prune},
    };

    return accd_control_open(&config, &t.control, t.error);
}

static void set_up(void)
{
    struct accd_pump_config pump = {.engine = puppet_engine(), .on_idle = on_idle};

    memset(&t, 0, sizeof(t));
    accd_log_init(ACCD_LOG_ERROR, 0); /* warnings about clients are what is provoked here */
    puppet = (struct puppet){.connected = true};
    puppet_add("acc/db");
    puppet_add("acc/web");
    puppet_add("media/web");
    ck_assert_int_eq(uv_loop_init(&t.loop), 0);
    ck_assert_int_eq(accd_pump_create(&pump, &t.pump), 0);
    strcpy(t.dir, "/tmp/acc-control-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(t.dir));
    snprintf(t.path, sizeof(t.path), "%s/run/control", t.dir);
    ck_assert_int_eq(open_control(), 0);
}

static void tear_down(void)
{
    char folder[80];

    accd_control_close(t.control);
    t.control = NULL;
    uv_run(&t.loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&t.loop), 0); /* no handle is left */
    ck_assert_int_eq(access(t.path, F_OK), -1);
    t.pump = accd_pump_destroy(t.pump);
    snprintf(folder, sizeof(folder), "%s/run", t.dir);
    rmdir(folder);
    rmdir(t.dir);
}

static void turn(void)
{
    for (int i = 0; i < 20; i++) {
        uv_run(&t.loop, UV_RUN_NOWAIT);
    }
}

static int dial(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    strcpy(address.sun_path, t.path);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static void say_bytes(int fd, const char *text, size_t len)
{
    ck_assert_int_eq(send(fd, text, len, MSG_NOSIGNAL), (ssize_t)len);
    turn();
}

/* A request in Varlink's own framing. */
static void say(int fd, const char *text)
{
    say_bytes(fd, text, strlen(text) + 1);
}

/* All that has come, NULs as "$"; "(closed)" at the end when the server has hung up. */
static const char *hear(int fd)
{
    static char got[65536];
    size_t len = 0;
    ssize_t n;

    turn();
    while ((n = recv(fd, got + len, sizeof(got) - len - 16, MSG_DONTWAIT)) > 0) {
        len += (size_t)n;
        turn();
    }
    for (size_t i = 0; i < len; i++) {
        got[i] = got[i] == '\0' ? '$' : got[i];
    }
    strcpy(got + len, n == 0 || errno == ECONNRESET ? "(closed)" : "");
    return got;
}

static void note(uint32_t svc, enum acc_note_kind kind, const char *text)
{
    struct acc_action action = {.type = ACC_ACT_NOTE, .svc = svc, .note = {.kind = kind}};

    snprintf(action.note.text, sizeof(action.note.text), "%s", text);
    accd_control_feed_note(t.control, 1795521600000, &action);
}

static void move(uint32_t svc, enum acc_svc_state state, enum acc_settled settled)
{
    puppet.service[svc].view.state = state;
    puppet.service[svc].settled = settled;
    note(svc, ACC_NOTE_STATE, "moved");
}

#define PING "{\"method\":\"io.acc.Ping\"}"
#define PONG                                                                                       \
    "{\"parameters\":{\"version\":\"" ACC_VERSION "\",\"connected\":true,"                         \
    "\"engine\":{\"connected\":true,\"version\":\"1\",\"api\":\"2\"}}}"
#define INVALID "\"error\":\"io.acc.InvalidRequest\"}"

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
    accd_control_on_idle(t.control);
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
    ck_assert_uint_lt(t.n_looks, n_asked); /* the rest waits for its reader, on his side */
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
    ck_assert_ptr_nonnull(strstr(hear(fd), "no such service is in phase p"));
    ck_assert_uint_eq(puppet.n_cmds, 0);
    close(fd);
}
END_TEST

/* --- verbs ------------------------------------------------------------------------------------ */

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
    accd_control_on_idle(t.control);
    got = hear(fd);
    ck_assert_ptr_nonnull(strstr(got, "\"service\":\"acc/db\",\"state\":\"starting\""));
    ck_assert_ptr_null(strstr(got, "acc/web"));

    note(2, ACC_NOTE_STATE, "somebody else");
    accd_control_on_idle(t.control);
    ck_assert_str_eq(hear(fd), "");

    move(0, ACC_SVC_UP, ACC_SETTLED_DONE);
    move(1, ACC_SVC_UP, ACC_SETTLED_DONE);
    accd_control_on_idle(t.control);
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
    accd_control_on_idle(t.control);
    ck_assert_str_eq(hear(fd), "{\"parameters\":{\"failures\":[{\"service\":\"acc/db\",\"reason\":"
                               "\"exited with 1\"}]},\"error\":\"io.acc.Failed\"}$");
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
    uv_run(&t.loop, UV_RUN_ONCE); /* the server's own timer */
    ck_assert_str_eq(hear(fd),
                     "{\"parameters\":{\"pending\":[{\"service\":\"acc/db\",\"reason\":\"starting: "
                     "not healthy yet\"}]},\"error\":\"io.acc.TimedOut\"}$");
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
    accd_control_on_idle(t.control);
    ck_assert_ptr_nonnull(strstr(hear(other), "acc/db"));
    close(other);
}
END_TEST

START_TEST(what_could_surprise_is_refused)
{
    int fd = dial();

    say(fd, "{\"method\":\"io.acc.Down\"}");
    ck_assert_ptr_nonnull(strstr(hear(fd), "there are 2 stacks here"));
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
    ck_assert_ptr_nonnull(strstr(hear(fd), "media/web"));
    ck_assert_int_eq(puppet.cmd.verb, ACC_VERB_MAINTENANCE);
    puppet.maintenance.kind = ACC_HOLD_NONE;
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
    accd_control_on_reconfigured(t.control);
    move(1, ACC_SVC_UP, ACC_SETTLED_DONE); /* is media/web now */
    accd_control_on_idle(t.control);
    ck_assert_str_eq(hear(fd), "");
    move(2, ACC_SVC_UP, ACC_SETTLED_DONE);
    accd_control_on_idle(t.control);
    ck_assert_ptr_nonnull(strstr(hear(fd), "\"service\":\"acc/web\""));
    close(fd);
}
END_TEST

/* --- streams ---------------------------------------------------------------------------------- */

#define EVENT(kind, service, text)                                                                 \
    "{\"time\":\"2026-11-24T12:00:00Z\",\"kind\":\"" kind "\",\"service\":\"" service              \
    "\",\"text\":\"" text "\"}"

START_TEST(history_comes_before_what_happened_while_it_was_read)
{
    int fd = dial();

    say(fd, "{\"method\":\"io.acc.Events\",\"parameters\":{\"limit\":5},\"more\":true}");
    ck_assert_uint_eq(t.history_limit, 5);
    ck_assert_str_eq(t.history_service, "(all)");
    note(0, ACC_NOTE_STATE, "second");
    accd_control_on_idle(t.control);
    ck_assert_str_eq(hear(fd), "");
    t.history_row(t.history_arg, 1795521600000, ACC_NOTE_ENGINE, "", "first");
    t.history_done(t.history_arg);
    ck_assert_str_eq(hear(fd), "{\"parameters\":{\"events\":[" EVENT(
                                   "engine", "", "first") "]},\"continues\":true}$"
                                                          "{\"parameters\":{\"events\":[" EVENT(
                                                              "state", "acc/db",
                                                              "second") "]},\"continues\":true}$");
    note(1, ACC_NOTE_DECISION, "third");
    accd_control_on_idle(t.control);
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
    accd_control_on_idle(t.control);
    ck_assert_str_eq(hear(fd), "");
    note(0, ACC_NOTE_STATE, "mine");
    accd_control_on_idle(t.control);
    ck_assert_ptr_nonnull(strstr(hear(fd), "mine"));

    say(other, "{\"method\":\"io.acc.Events\",\"parameters\":{\"targets\":[\"acc\"],\"limit\":1}}");
    t.history_row(t.history_arg, 1795521600000, ACC_NOTE_STATE, "acc/web", "older");
    t.history_row(t.history_arg, 1795521600000, ACC_NOTE_STATE, "media/web", "not asked");
    t.history_row(t.history_arg, 1795521600000, ACC_NOTE_STATE, "acc/db", "newer");
    t.history_row(t.history_arg, 1795521600000, ACC_NOTE_ENGINE, "", "not asked");
    t.history_done(t.history_arg);
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
    t.history_row(t.history_arg, 1, ACC_NOTE_STATE, "acc/db", "x");
    t.history_done(t.history_arg);
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
        accd_control_on_idle(t.control);
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
    accd_control_on_idle(t.control);
    ck_assert_ptr_nonnull(strstr(hear(good), "the last"));
    close(slow);
    close(good);
}
END_TEST

START_TEST(outdated_is_asked_for_what_was_named)
{
    struct acc_outdated book = {0};
    int fd = dial(), early = dial();

    say(fd, "{\"method\":\"io.acc.Outdated\",\"parameters\":{\"targets\":[\"nobody\"]}}");
    ck_assert_ptr_nonnull(strstr(hear(fd), "io.acc.NoSuchService"));
    say(early, "{\"method\":\"io.acc.Outdated\"}");
    ck_assert(t.outdated[0] && t.outdated[1]);
    close(early);
    turn();
    t.compared(t.outdated_arg, &book); /* who asked has left */
    say(fd, "{\"method\":\"io.acc.Outdated\",\"parameters\":{\"targets\":[\"acc/web\"]}}");
    ck_assert(!t.outdated[0] && t.outdated[1]);
    t.compared(t.outdated_arg, NULL);
    ck_assert_ptr_nonnull(strstr(hear(fd), "io.acc.EngineAway"));
    say(fd, "{\"method\":\"io.acc.Outdated\",\"parameters\":{\"targets\":[\"acc/web\"]}}");
    ck_assert_int_eq(acc_outdated_add(&book, "acc/web", "web", "i", true), 0);
    t.compared(t.outdated_arg, &book);
    acc_outdated_fini(&book);
    ck_assert_str_eq(hear(fd), "{\"parameters\":{\"images\":[{\"service\":\"acc/web\",\"image\":"
                               "\"web\",\"state\":\"local\",\"running\":\"\",\"remote\":\"\","
                               "\"reason\":\"built here, or not to be pulled\"}]}}$");
    close(fd);
}
END_TEST

START_TEST(logs_are_lines_however_they_come)
{
    int fd = dial();
    const char *got;

    say(fd, "{\"method\":\"io.acc.Logs\",\"parameters\":{\"target\":\"db\",\"tail\":7,\"follow\":"
            "true},\"more\":true}");
    ck_assert_uint_eq(t.logs.svc, 0);
    ck_assert_uint_eq(t.logs.tail, 7);
    ck_assert(t.logs.follow && !t.logs.timestamps);
    ck_assert(t.sink.on_data(t.sink.token, "db-1", false, "one\ntw", 6));
    ck_assert(t.sink.on_data(t.sink.token, "db-1", true, "err\r\n", 5));
    ck_assert(t.sink.on_data(t.sink.token, "db-1", false, "o\n\nlast", 7));
    t.sink.on_end(t.sink.token, NULL);
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
    ck_assert_uint_eq(t.n_cancelled, 0);
    say(fd, PING);
    ck_assert_str_eq(hear(fd), PONG "$");
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
    for (int i = 0; i < 100 && t.n_paused == 0; i++) {
        ck_assert(t.sink.on_data(t.sink.token, "db-1", false, chunk, sizeof(chunk)));
    }
    ck_assert_uint_eq(t.n_paused, 1);
    for (int i = 0; i < 100 && t.n_resumed == 0; i++) {
        hear(fd);
    }
    ck_assert_uint_eq(t.n_resumed, 1);
    close(fd);
    turn();
    ck_assert_uint_eq(t.n_cancelled, 1);
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
        alive = t.sink.on_data(t.sink.token, "db-1", false, chunk, sizeof(chunk));
    }
    ck_assert(!alive);
    ck_assert_uint_eq(t.n_cancelled, 1);
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

static void container(uint32_t svc, const char *cid, int64_t started_ns)
{
    puppet.service[svc].instance.cid = cid;
    puppet.service[svc].instance.started_ns = started_ns;
}

/* What runs is what counts, not what differs in the files. */
START_TEST(apply_waits_and_tells_what_became_of_the_containers)
{
    int fd = dial();
    const char *got;

    container(0, "c1", 1);
    container(1, "c2", 1);
    say(fd, "{\"method\":\"io.acc.Apply\",\"more\":true}");
    puppet.service[0].settled = ACC_SETTLED_PENDING;
    t.applied(t.apply_arg, NULL, "changed acc/db\nchanged acc/web\n");
    got = hear(fd);
    ck_assert_ptr_nonnull(strstr(got, "\"changes\":[],\"progress\":[{\"service\":\"acc/db\""));
    ck_assert_ptr_nonnull(strstr(got, "\"continues\":true}$"));
    container(0, "c3", 2);
    move(0, ACC_SVC_STARTING, ACC_SETTLED_PENDING);
    accd_control_on_idle(t.control);
    ck_assert_ptr_nonnull(strstr(hear(fd), "\"change\":\"recreated\""));
    move(0, ACC_SVC_UP, ACC_SETTLED_DONE);
    accd_control_on_idle(t.control);
    got = hear(fd);
    ck_assert_ptr_nonnull(strstr(got, "{\"changes\":[\"recreated acc/db\"],\"progress\":"));
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
    t.model = (struct acc_model){.services = services, .n_services = 3, .order = order};
    container(0, "c1", 1);
    container(1, "c2", 1);
    say(fd, "{\"method\":\"io.acc.Apply\",\"more\":true}");
    puppet.service[0].settled = ACC_SETTLED_PENDING;
    t.applied(t.apply_arg, NULL, "changed acc/db\n");
    got = hear(fd);
    ck_assert_ptr_nonnull(strstr(strstr(got, "acc/web"), "\"selected\":false"));
    ck_assert_ptr_null(strstr(got, "media/web"));
    container(1, "c2", 2);
    note(1, ACC_NOTE_STATE, "it was restarted with it");
    accd_control_on_idle(t.control);
    got = hear(fd);
    ck_assert_ptr_nonnull(strstr(got, "\"changes\":[\"restarted acc/web\"]"));
    ck_assert_ptr_nonnull(strstr(strstr(got, "acc/web\",\"state"), "\"selected\":true"));
    container(0, "c1", 2);
    puppet.service[0].instance.updated = true;
    move(0, ACC_SVC_UP, ACC_SETTLED_DONE);
    accd_control_on_idle(t.control);
    ck_assert_ptr_nonnull(
        strstr(hear(fd), "\"changes\":[\"updated acc/db\",\"restarted acc/web\"]"));
    t.model = (struct acc_model){0};
    close(fd);
}
END_TEST

START_TEST(a_changed_restart_policy_is_followed_by_accd_alone)
{
    int fd = dial();

    container(0, "c1", 1);
    say(fd, "{\"method\":\"io.acc.Apply\"}");
    t.applied(t.apply_arg, NULL, "changed acc/db\npolicy acc/db\n");
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
    accd_control_feed_image(t.control, users, 2, &pull);
    accd_control_feed_image(t.control, users, 2, &build);
    accd_control_feed_image(t.control, users, 1, &build); /* of another one */
    note(0, ACC_NOTE_STATE, "");
    accd_control_on_idle(t.control);
    got = hear(fd);
    ck_assert_ptr_nonnull(strstr(got, "\"pull\":{\"image\":\"img:1\",\"current\":5,\"total\":10}"));
    ck_assert_ptr_nonnull(strstr(got, "\"output\":[\"#1 done\"]"));
    build.line = "#2 last";
    accd_control_feed_image(t.control, users, 2, &build);
    move(0, ACC_SVC_UP, ACC_SETTLED_DONE); /* the end comes after what was said before it */
    accd_control_on_idle(t.control);
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
        accd_control_feed_image(t.control, &svc, 1, &build);
    }
    note(0, ACC_NOTE_STATE, "");
    accd_control_on_idle(t.control);
    got = hear(fd);
    ck_assert_ptr_nonnull(strstr(got, "(137 lines are left out)\"]"));
    close(fd);
}
END_TEST

START_TEST(apply_tells_the_problems_of_the_files)
{
    int fd = dial();

    say(fd, "{\"method\":\"io.acc.Apply\"}");
    t.applied(t.apply_arg, "a.yaml:1:2: no", NULL);
    ck_assert_str_eq(hear(fd), "{\"parameters\":{\"problems\":[\"a.yaml:1:2: no\"]},\"error\":"
                               "\"io.acc.InvalidConfig\"}$");
    say(fd, "{\"method\":\"io.acc.Apply\"}");
    close(fd);
    turn();
    t.applied(t.apply_arg, NULL, "");
}
END_TEST

START_TEST(apply_prunes_when_asked_to)
{
    int fd = dial();

    say(fd, "{\"method\":\"io.acc.Apply\"}");
    ck_assert(!t.prune);
    t.applied(t.apply_arg, NULL, "");
    (void)hear(fd);
    say(fd, "{\"method\":\"io.acc.Apply\",\"parameters\":{\"prune\":true}}");
    ck_assert(t.prune);
    t.applied(t.apply_arg, NULL, "");
    ck_assert_str_eq(hear(fd), ""); /* not before networks are gone, too */
    ck_assert(!t.prunes_volumes);
    t.pruned(t.prune_arg, "removed network acc_back\nkept network acc_x: in use\n");
    ck_assert_str_eq(hear(fd), "{\"parameters\":{\"changes\":[\"removed network acc_back\","
                               "\"kept network acc_x: in use\"],\"progress\":[]}}$");
    say(fd, "{\"method\":\"io.acc.Apply\",\"parameters\":{\"prune\":true,\"volumes\":true}}");
    puppet.service[0].settled = ACC_SETTLED_PENDING;
    t.pruned = NULL;
    t.applied(t.apply_arg, NULL, "removed acc/db\n");
    ck_assert(t.pruned == NULL); /* its container comes first */
    move(0, ACC_SVC_OFF, ACC_SETTLED_DONE);
    accd_control_on_idle(t.control);
    ck_assert(t.pruned && t.prunes_volumes);
    close(fd);
    turn();
    t.pruned(t.prune_arg, ""); /* nobody hears it */
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
    t.planned(t.plan_arg, NULL, &plan);
    ck_assert_str_eq(hear(fd), "{\"parameters\":{\"changes\":[{\"service\":\"acc/db\","
                               "\"action\":\"recreate\",\"reasons\":[{\"text\":"
                               "\"image a:1 -> a:2\",\"live\":false}]}]}}$");
    say(fd, "{\"method\":\"io.acc.Plan\",\"parameters\":{\"targets\":[\"web\"]}}");
    t.planned(t.plan_arg, NULL, &plan);
    ck_assert_ptr_nonnull(strstr(hear(fd), "\"service\":\"other/web\",\"action\":\"stop\""));
    say(fd, "{\"method\":\"io.acc.Plan\"}");
    t.planned(t.plan_arg, "a.yaml:1:2: no", NULL);
    ck_assert_str_eq(hear(fd), "{\"parameters\":{\"problems\":[\"a.yaml:1:2: no\"]},\"error\":"
                               "\"io.acc.InvalidConfig\"}$");
    say(fd, "{\"method\":\"io.acc.Plan\"}");
    t.planned(t.plan_arg, NULL, NULL);
    ck_assert_ptr_nonnull(strstr(hear(fd), "io.acc.EngineAway"));
    say(fd, "{\"method\":\"io.acc.Plan\"}");
    close(fd);
    turn();
    t.planned(t.plan_arg, NULL, &plan); /* who asked has left */
    acc_plan_fini(&plan);
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
    ck_assert_uint_eq(t.n_cancelled, 0); /* it still reads */
    close(fd);
    turn();
    other = dial(); /* the sweep of the next connection */
    turn();
    ck_assert_uint_eq(t.n_cancelled, 1);
    close(other);
}
END_TEST

/* --- the file --------------------------------------------------------------------------------- */

START_TEST(the_socket_is_for_its_group_and_a_stale_one_is_replaced)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct stat st;
    int fd;

    ck_assert_int_eq(stat(t.path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0660);
    ck_assert_int_eq(open_control(), -EADDRINUSE);
    ck_assert_ptr_nonnull(strstr(t.error, "another accd answers there"));
    turn();

    accd_control_close(t.control);
    turn();
    ck_assert_int_eq(access(t.path, F_OK), -1);
    fd = socket(AF_UNIX, SOCK_STREAM, 0); /* what a kill -9 leaves behind */
    strcpy(address.sun_path, t.path);
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

    accd_control_close(t.control);
    turn();
    fd = open(t.path, O_CREAT | O_WRONLY, 0600);
    close(fd);
    t.control = NULL;
    ck_assert_int_eq(open_control(), -EEXIST);
    ck_assert_ptr_nonnull(strstr(t.error, "another file is in the way"));
    ck_assert_int_eq(unlink(t.path), 0);
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
    accd_control_close(t.control);
    uv_run(&t.loop, UV_RUN_DEFAULT);
    ck_assert_uint_eq(t.n_cancelled, 1);
    t.history_done(t.history_arg); /* late answers find nobody */
    t.applied(t.apply_arg, NULL, "");
    for (int i = 0; i < 6; i++) {
        ck_assert_str_eq(hear(fds[i]) + strlen(hear(fds[i])) - 8, "(closed)");
        close(fds[i]);
    }
    t.control = NULL;
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("control");
    TCase *tcase = tcase_create("control");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, answers_end_as_their_requests_do);
    tcase_add_test(tcase, a_request_may_come_in_pieces);
    tcase_add_test(tcase, pipelined_requests_are_answered_in_order_also_behind_a_verb);
    tcase_add_test(tcase, who_asks_and_does_not_read_is_not_answered_ahead);
    tcase_add_test(tcase, rubbish_is_answered_and_the_connection_lives);
    tcase_add_test(tcase, a_request_without_end_is_refused_once);
    tcase_add_test(tcase, a_peer_that_stops_sending_still_gets_its_answer);
    tcase_add_test(tcase, describes_itself);
    tcase_add_test(tcase, unknown_and_ambiguous_names_are_told_apart);
    tcase_add_test(tcase, a_verb_reaches_the_engine_with_all_its_flags);
    tcase_add_test(tcase, a_hold_reaches_the_engine_with_its_reason_and_its_time);
    tcase_add_test(tcase, progress_comes_before_the_end_and_only_for_what_changed);
    tcase_add_test(tcase, what_the_engine_does_at_once_is_answered_at_once);
    tcase_add_test(tcase, a_failure_is_an_error_with_its_reasons);
    tcase_add_test(tcase, a_timeout_ends_the_wait_and_says_what_is_missing);
    tcase_add_test(tcase, detach_and_oneway_do_not_wait);
    tcase_add_test(tcase, a_waiting_peer_may_leave);
    tcase_add_test(tcase, what_could_surprise_is_refused);
    tcase_add_test(tcase, a_verb_survives_a_new_configuration);
    tcase_add_test(tcase, history_comes_before_what_happened_while_it_was_read);
    tcase_add_test(tcase, events_of_some_services_and_without_more);
    tcase_add_test(tcase, a_reader_may_leave_before_its_history_comes);
    tcase_add_test(tcase, outdated_is_asked_for_what_was_named);
    tcase_add_test(tcase, a_slow_reader_of_a_stream_is_dropped_and_nobody_else);
    tcase_add_test(tcase, logs_are_lines_however_they_come);
    tcase_add_test(tcase, logs_pause_for_a_slow_reader_and_end_with_it);
    tcase_add_test(tcase, logs_without_a_brake_end_with_a_slow_reader);
    tcase_add_test(tcase, logs_that_cannot_be_given_say_why);
    tcase_add_test(tcase, apply_waits_and_tells_what_became_of_the_containers);
    tcase_add_test(tcase, apply_draws_in_who_depends_on_what_changes);
    tcase_add_test(tcase, a_changed_restart_policy_is_followed_by_accd_alone);
    tcase_add_test(tcase, who_waits_hears_of_the_image);
    tcase_add_test(tcase, a_build_that_says_too_much_is_bounded);
    tcase_add_test(tcase, apply_tells_the_problems_of_the_files);
    tcase_add_test(tcase, apply_prunes_when_asked_to);
    tcase_add_test(tcase, plan_tells_what_was_asked_for_and_why);
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
