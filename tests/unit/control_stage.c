#include "tests/unit/control_stage.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/log.h"

struct control_stage server;

static const struct acc_host_facts *get_facts(void *ctx)
{
    static const struct acc_host_facts facts = {.engine_version = "1", .engine_api = "2"};

    (void)ctx;
    server.n_looks++;
    return &facts;
}

static const struct acc_model *get_model(void *ctx)
{
    (void)ctx;
    return &server.model;
}

static void ask_history(void *ctx, const char *service, uint32_t limit,
                        void (*on_row)(void *arg, int64_t unix_ms, enum acc_note_kind kind,
                                       const char *service, const char *text),
                        void (*done)(void *arg), void *arg)
{
    (void)ctx;
    server.history_row = on_row;
    server.history_done = done;
    server.history_arg = arg;
    server.history_limit = limit;
    snprintf(server.history_service, sizeof(server.history_service), "%s",
             service ? service : "(all)");
}

static int start_logs(void *ctx, const struct accd_control_logs_options *options,
                      const struct accd_control_logs_sink *sink, void **ret_handle)
{
    (void)ctx;
    server.logs = *options;
    server.sink = *sink;
    *ret_handle = &server;
    return 0;
}

static bool get_last_words(void *ctx, uint32_t svc, struct accd_last_word *ret_word)
{
    (void)ctx;
    ck_assert_uint_eq(svc, 0);
    return server.last_words && accd_last_words_get(server.last_words, "acc/db", ret_word);
}

static void pause_logs(void *ctx, void *handle, bool is_paused)
{
    (void)ctx;
    ck_assert_ptr_eq(handle, &server);
    server.n_paused += is_paused;
    server.n_resumed += !is_paused;
}

static void cancel_logs(void *ctx, void *handle)
{
    (void)ctx;
    ck_assert_ptr_eq(handle, &server);
    server.n_cancelled++;
}

static void ask_plan(void *ctx,
                     void (*done)(void *arg, const char *problems, const struct acc_plan *plan),
                     void *arg)
{
    (void)ctx;
    server.planned = done;
    server.plan_arg = arg;
}

static void ask_apply(void *ctx, bool prune, const char *by,
                      void (*done)(void *arg, const struct accd_applied *applied), void *arg)
{
    (void)ctx;
    (void)by;
    server.prune = prune;
    server.applied = done;
    server.apply_arg = arg;
}

static void ask_outdated(void *ctx, const uint8_t *selected,
                         void (*done)(void *arg, const struct acc_outdated *book), void *arg)
{
    (void)ctx;
    memcpy(server.outdated, selected, puppet.n);
    server.compared = done;
    server.outdated_arg = arg;
}

static int say_state(void *ctx, uint32_t decision, struct acc_buf *out)
{
    (void)ctx;
    return decision > 1 ? -ENOENT
                        : acc_buf_printf(out, "decision %u\nwas this\n", (unsigned)decision);
}

static void ask_prune(void *ctx, bool volumes, void (*done)(void *arg, const char *lines),
                      void *arg)
{
    (void)ctx;
    server.prunes_volumes = volumes;
    server.pruned = done;
    server.prune_arg = arg;
}

static void ask_differing(void *ctx, void (*done)(void *arg), void *arg)
{
    (void)ctx;
    if (!server.is_differing_slow) {
        done(arg);
        return;
    }
    server.differed = done;
    server.differing_arg = arg;
}

static const struct acc_plan *get_resources(void *ctx)
{
    (void)ctx;
    return server.resources;
}

static void on_idle(void *ctx, uint64_t deadline_ms)
{
    (void)ctx;
    (void)deadline_ms;
    if (server.control) {
        accd_control_on_idle(server.control);
    }
}

static const char *get_unsaved(void *ctx)
{
    (void)ctx;
    return server.unsaved;
}

static void when_saved(void *ctx, void (*then)(void *arg), void *arg)
{
    (void)ctx;
    if (!server.is_slow) {
        then(arg);
        return;
    }
    server.saved = then;
    server.save_arg = arg;
}

int open_control(void)
{
    struct accd_control_config config = {
        .loop = &server.loop,
        .engine = puppet_engine(),
        .pump = server.pump,
        .path = server.path,
        .listen_fd = -1,
        .ops = {.facts = get_facts,
                .unsaved = get_unsaved,
                .when_saved = when_saved,
                .model = get_model,
                .history = ask_history,
                .logs_start = start_logs,
                .last_words = get_last_words,
                .logs_pause = pause_logs,
                .logs_cancel = cancel_logs,
                .apply = ask_apply,
                .plan = ask_plan,
                .outdated = ask_outdated,
                .state = say_state,
                .prune = ask_prune,
                .differing = ask_differing,
                .resources = get_resources},
    };

    return accd_control_open(&config, &server.control, server.error);
}

void control_applied(const char *changes, const char *warnings)
{
    server.applied(server.apply_arg,
                   &(struct accd_applied){.changes = changes, .warnings = warnings});
}

void control_set_up(void)
{
    struct accd_pump_config pump = {.engine = puppet_engine(), .on_idle = on_idle};

    memset(&server, 0, sizeof(server));
    accd_log_init(ACCD_LOG_ERROR, 0); /* warnings about clients are what is provoked here */
    puppet = (struct puppet){.connected = true};
    puppet_add("acc/db");
    puppet_add("acc/web");
    puppet_add("media/web");
    ck_assert_int_eq(uv_loop_init(&server.loop), 0);
    ck_assert_int_eq(accd_pump_create(&pump, &server.pump), 0);
    strcpy(server.dir, "/tmp/acc-control-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(server.dir));
    snprintf(server.path, sizeof(server.path), "%s/run/control", server.dir);
    ck_assert_int_eq(open_control(), 0);
}

void control_tear_down(void)
{
    char folder[80];

    accd_control_close(server.control);
    server.control = NULL;
    uv_run(&server.loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&server.loop), 0); /* no handle is left */
    ck_assert_int_eq(access(server.path, F_OK), -1);
    server.pump = accd_pump_destroy(server.pump);
    snprintf(folder, sizeof(folder), "%s/run", server.dir);
    rmdir(folder);
    rmdir(server.dir);
}

void turn(void)
{
    for (int i = 0; i < 20; i++) {
        uv_run(&server.loop, UV_RUN_NOWAIT);
    }
}

int dial(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    strcpy(address.sun_path, server.path);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

void say_bytes(int fd, const char *text, size_t len)
{
    ck_assert_int_eq(send(fd, text, len, MSG_NOSIGNAL), (ssize_t)len);
    turn();
}

void say(int fd, const char *text)
{
    say_bytes(fd, text, strlen(text) + 1);
}

const char *hear(int fd)
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

void note(uint32_t svc, enum acc_note_kind kind, const char *text)
{
    struct acc_action action = {.type = ACC_ACT_NOTE, .svc = svc, .note = {.kind = kind}};

    snprintf(action.note.text, sizeof(action.note.text), "%s", text);
    accd_control_feed_note(server.control, 1795521600000, &action);
}

void move(uint32_t svc, enum acc_svc_state state, enum acc_settled settled)
{
    puppet.service[svc].view.state = state;
    puppet.service[svc].settled = settled;
    note(svc, ACC_NOTE_STATE, "moved");
}
