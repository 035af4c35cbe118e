#include "daemon/in/docker_stream.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "daemon/in/docker_hints.h"
#include "daemon/in/docker_list.h"
#include "daemon/in/engine_mark.h"
#include "daemon/log.h"
#include "daemon/uvx.h"
#include "lib/base/buf.h"
#include "lib/codec/docker_request.h"

/* WAIT: the socket's folder is watched, so this is for what inotify doesn't see. */
#define RETRY_MIN_MS 50u
#define RETRY_MAX_MS 5000u
/* Under socket activation a connection would start a Docker that somebody has stopped. */
#define RETRY_ACTIVATED_MS 30000u
/* A socket that has just appeared is listened on a moment later. */
#define APPEARED_MS 10u
/* A dockerd that restores its containers accepts at once and answers when it is done. */
#define PING_FIRST_LIMIT_MS 30000u
/* How long /info may hold up the first list; it hangs together with containerd. */
#define OPEN_PATIENCE_MS 3000u
#define OPEN_LIMIT_MS    6000u
#define INFO_LIMIT_MS    10000u
/* /info is also the canary of containerd, which ping is not. It costs dockerd 8 ms. */
#define INFO_EVERY_MS 60000u
/* Silence of the event stream after which a ping asks whether anybody is there. */
#define QUIET_MS      5000u
#define PING_MS       3000u /* an answer takes 0.1 ms */
#define PING_MISSES   3u
#define PING_LIMIT_MS 15000u
/* The first `since`: what happened while accd was starting. */
#define SINCE_BACK_NS 2000000000ll
#define NS_PER_S      1000000000ll
/* A surprise that no event explains within this time means that the stream is dead. */
#define SURPRISE_MS 5000u

enum phase { PHASE_WAIT, PHASE_PING, PHASE_OPEN, PHASE_UP };

struct accd_docker_stream {
    struct accd_docker_stream_config config;
    struct accd_docker *docker;
    struct accd_inspector *inspector;
    struct accd_docker_list *list;
    char *sys_root;
    struct accd_handles handles;
    uv_timer_t timer;
    uv_fs_event_t watch;
    bool is_watching;
    char *watch_dir, *watch_name; /* owned; NULL: nothing to watch */

    enum phase phase;
    uint64_t phase_ms; /* when it began */
    uint64_t retry_ms;
    bool is_told_up; /* CONN_UP was told and no CONN_DOWN since */
    bool is_relist_due;

    struct accd_request *ping, *events, *info;
    bool is_open;      /* the event stream's headers are in */
    bool is_info_done; /* or given up */
    uint64_t heard_ms; /* last sign of life: an event or a ping's answer */
    uint64_t event_ms; /* last bytes of the event stream */
    uint64_t ping_ms;  /* when the outstanding ping left */
    uint64_t info_ms;  /* when /info was asked last */
    unsigned n_misses;

    struct accd_docker_hints hints;
    struct accd_engine_mark mark;     /* of the last epoch's engine */
    struct accd_engine_mark mark_now; /* of the one being connected */
    bool was_eof;                     /* the last epoch ended by the engine's closing */
    bool is_version_retried;
};

static void connect_now(struct accd_docker_stream *stream);
static void go_down(struct accd_docker_stream *stream, const char *why);

static uint64_t now(const struct accd_docker_stream *stream)
{
    return uv_now(stream->config.loop);
}

static void push(struct accd_docker_stream *stream, struct acc_event *event)
{
    event->now_ms = now(stream);
    if (accd_pump_push(stream->config.pump, event) < 0) {
        stream->is_relist_due = true;
    }
}

static void push_simple(struct accd_docker_stream *stream, enum acc_event_type type)
{
    struct acc_event event = {.type = type};

    push(stream, &event);
}

static void set_problem(struct accd_docker_stream *stream, const char *problem)
{
    (void)snprintf(stream->docker->problem, sizeof(stream->docker->problem), "%s", problem);
}

static void on_timer(uv_timer_t *uv);

static void arm(struct accd_docker_stream *stream, uint64_t in_ms)
{
    if (!stream->handles.closing) {
        (void)uv_timer_start(&stream->timer, on_timer, in_ms, 0);
    }
}

static void enter(struct accd_docker_stream *stream, enum phase phase)
{
    if (phase != PHASE_UP) {
        accd_docker_hints_hold(&stream->hints);
    }
    stream->phase = phase;
    stream->phase_ms = now(stream);
}

static void cancel(struct accd_request **request)
{
    accd_http_cancel(*request);
    *request = NULL;
}

/* --- WAIT ---------------------------------------------------------------------------------- */

static void on_appeared(uv_fs_event_t *uv, const char *name, int events, int status)
{
    struct accd_docker_stream *stream = accd_handle_owner(uv);

    (void)events;
    (void)status;
    if (stream->phase == PHASE_WAIT && (!name || strcmp(name, stream->watch_name) == 0)) {
        arm(stream, APPEARED_MS);
    }
}

/* A watch dies with its folder, so each wait begins a new one. */
static void watch(struct accd_docker_stream *stream)
{
    (void)uv_fs_event_stop(&stream->watch);
    if (stream->watch_dir) {
        (void)uv_fs_event_start(&stream->watch, on_appeared, stream->watch_dir, 0);
    }
}

static int choose_watch(struct accd_docker_stream *stream, const char *path)
{
    const char *slash = strrchr(path, '/');
    char *dir = slash ? strndup(path, slash > path ? (size_t)(slash - path) : 1) : NULL;
    char *name = slash ? strdup(slash + 1) : NULL;

    if (!dir || !name) {
        free(dir);
        free(name);
        return slash ? -ENOMEM : 0; /* TCP: nothing to watch */
    }
    free(stream->watch_dir);
    free(stream->watch_name);
    stream->watch_dir = dir;
    stream->watch_name = name;
    return 0;
}

static uint64_t next_pause(struct accd_docker_stream *stream)
{
    char pidfile[4096];

    if (stream->mark.is_activated) {
        struct accd_engine_mark mark = accd_engine_mark_read(stream->sys_root, 1);

        (void)snprintf(pidfile, sizeof(pidfile), "%s/run/docker.pid", stream->sys_root);
        (void)choose_watch(stream, pidfile);
        return mark.pid > 0 ? RETRY_MIN_MS : RETRY_ACTIVATED_MS;
    }
    stream->retry_ms = stream->retry_ms ? stream->retry_ms * 2 : RETRY_MIN_MS;
    if (stream->retry_ms > RETRY_MAX_MS) {
        stream->retry_ms = RETRY_MAX_MS;
    }
    return stream->retry_ms;
}

static void begin_wait(struct accd_docker_stream *stream)
{
    enter(stream, PHASE_WAIT);
    arm(stream, next_pause(stream));
    watch(stream);
}

/* --- down ---------------------------------------------------------------------------------- */

static void drop_requests(struct accd_docker_stream *stream)
{
    cancel(&stream->ping);
    cancel(&stream->events);
    cancel(&stream->info);
    accd_docker_list_cancel(stream->list);
    accd_inspector_reset(stream->inspector);
}

static void go_down(struct accd_docker_stream *stream, const char *why)
{
    bool was_told = stream->is_told_up;

    if (stream->phase == PHASE_WAIT) {
        return;
    }
    if (was_told || strcmp(stream->docker->problem, why) != 0) {
        accd_log(was_told ? ACCD_LOG_WARNING : ACCD_LOG_INFO, "Docker is not there: %s", why);
    }
    set_problem(stream, why);
    stream->docker->link = ACCD_LINK_DOWN;
    stream->is_told_up = false;
    enter(stream, PHASE_WAIT); /* before the looks end: nothing may go down twice */
    drop_requests(stream);
    if (was_told) {
        push_simple(stream, ACC_EV_CONN_DOWN);
    }
    begin_wait(stream);
    accd_pump_run(stream->config.pump);
}

static void degrade(struct accd_docker_stream *stream, const char *why)
{
    if (stream->docker->link != ACCD_LINK_UP) {
        return;
    }
    accd_log(ACCD_LOG_WARNING, "Docker hangs: %s", why);
    set_problem(stream, why);
    stream->docker->link = ACCD_LINK_DEGRADED;
    push_simple(stream, ACC_EV_CONN_DEGRADED);
    accd_pump_run(stream->config.pump);
}

static void on_lost(void *ctx, enum accd_http_error error)
{
    struct accd_docker_stream *stream = ctx;

    if (stream->phase != PHASE_UP) {
        return;
    }
    stream->was_eof = true;
    go_down(stream, accd_http_error_text(error));
}

static void on_dropped(void *ctx)
{
    struct accd_docker_stream *stream = ctx;

    stream->is_relist_due = true;
    arm(stream, 0);
}

/* --- events -------------------------------------------------------------------------------- */

static void on_events_data(void *ctx, const char *data, size_t len)
{
    struct accd_docker_stream *stream = ctx;

    stream->heard_ms = stream->event_ms = now(stream);
    accd_docker_hints_feed(&stream->hints, data, len);
    /* Actions start requests; inside a callback of libcurl those are queued. */
    accd_pump_run(stream->config.pump);
}

static void maybe_up(struct accd_docker_stream *stream);

static void on_events_headers(void *ctx, struct accd_request *request, int status)
{
    struct accd_docker_stream *stream = ctx;

    if (status == 200 && stream->phase == PHASE_OPEN) {
        stream->mark_now = accd_engine_mark_read(stream->sys_root, accd_http_peer_pid(request));
        stream->is_open = true;
        arm(stream, 0); /* go on outside of libcurl */
    }
}

/* The range of versions moved, or the version header lied: take what the message names. */
static bool retry_version(struct accd_docker_stream *stream, const char *message)
{
    uint32_t minor;

    if (stream->is_version_retried || !acc_docker_api_from_error(message, &minor) ||
        minor < ACC_DOCKER_API_MIN || minor > ACC_DOCKER_API_MAX) {
        return false;
    }
    stream->is_version_retried = true;
    stream->docker->api_minor = minor;
    return true;
}

static void open_stream(struct accd_docker_stream *stream);

static void on_events_done(void *ctx, const struct accd_http_reply *reply)
{
    struct accd_docker_stream *stream = ctx;
    char message[ACC_DOCKER_ERROR_MAX + 1];

    stream->events = NULL;
    if (reply->status >= 300) {
        acc_docker_message(reply->status, reply->body, reply->body_len, message, sizeof(message));
        if (retry_version(stream, message)) {
            cancel(&stream->info);
            open_stream(stream);
        } else {
            go_down(stream, message);
        }
        return;
    }
    stream->was_eof = stream->phase == PHASE_UP;
    go_down(stream,
            reply->status == 0 ? accd_http_error_text(reply->error) : "it closed the event stream");
}

static int subscribe(struct accd_docker_stream *stream)
{
    struct accd_http_config config = {
        .fresh = true,
        .ctx = stream,
        .on_headers = on_events_headers,
        .on_data = on_events_data,
        .on_done = on_events_done,
    };
    struct acc_buf filters;
    struct timespec wall;
    int64_t since_ns = stream->hints.last_ns + 1; /* it is inclusive */

    (void)clock_gettime(CLOCK_REALTIME, &wall);
    if (stream->hints.last_ns == 0) {
        since_ns = wall.tv_sec * NS_PER_S + wall.tv_nsec - SINCE_BACK_NS;
    }
    accd_docker_hints_begin(&stream->hints);
    acc_buf_init(&filters, ACCD_DOCKER_PATH_MAX);
    (void)acc_docker_escape(acc_docker_event_filters(stream->docker->is_podman), &filters);
    int r = filters.failed ? -ENOMEM
                           : accd_docker_start(stream->docker, &config, &stream->events,
                                               "/events?since=%" PRId64 ".%09" PRId64 "&filters=%s",
                                               (int64_t)(since_ns / NS_PER_S),
                                               (int64_t)(since_ns % NS_PER_S), filters.data);

    acc_buf_fini(&filters);
    return r;
}

/* --- OPEN ---------------------------------------------------------------------------------- */

static void on_info(void *ctx, const struct accd_http_reply *reply)
{
    struct accd_docker_stream *stream = ctx;
    bool is_answer = reply->error == ACCD_HTTP_OK && reply->status == 200;
    bool hung = stream->docker->runtime_hangs;

    stream->info = NULL;
    stream->is_info_done = true;
    if (is_answer) {
        (void)acc_docker_info_parse(reply->body, reply->body_len, &stream->docker->info);
    }
    stream->docker->runtime_hangs = reply->error == ACCD_HTTP_TIMEOUT;
    if (stream->docker->runtime_hangs && !hung) {
        accd_log(ACCD_LOG_WARNING, "Docker's runtime hangs: /info got no answer in 10 s; starts "
                                   "and stops may hang, too (look at containerd)");
    }
    maybe_up(stream);
}

static void ask_info(struct accd_docker_stream *stream)
{
    struct accd_http_config config = {.limit_ms = INFO_LIMIT_MS, .ctx = stream, .on_done = on_info};

    stream->info_ms = now(stream);
    if (!stream->info && accd_docker_start(stream->docker, &config, &stream->info, "/info") < 0) {
        stream->is_info_done = true;
    }
}

static void open_stream(struct accd_docker_stream *stream)
{
    enter(stream, PHASE_OPEN);
    stream->is_open = false;
    stream->is_info_done = false;
    cancel(&stream->events);
    if (subscribe(stream) < 0) {
        go_down(stream, "out of memory");
        return;
    }
    ask_info(stream);
    arm(stream, OPEN_PATIENCE_MS);
}

static bool is_fresh_engine(const struct accd_docker_stream *stream)
{
    if (stream->docker->epoch == 0) {
        return false; /* there is no epoch before */
    }
    if (stream->mark.pid > 0 && stream->mark_now.pid > 0) {
        return accd_engine_mark_differs(&stream->mark, &stream->mark_now);
    }
    /* A dockerd closes event streams on a local socket only by ending. */
    return stream->was_eof && stream->docker->socket[0];
}

static void maybe_up(struct accd_docker_stream *stream)
{
    struct accd_docker *docker = stream->docker;
    bool is_patient = now(stream) < stream->phase_ms + OPEN_PATIENCE_MS;
    struct acc_event event = {.type = ACC_EV_CONN_UP};

    if (stream->phase != PHASE_OPEN || !stream->is_open || (!stream->is_info_done && is_patient)) {
        return;
    }
    event.conn.fresh_engine = is_fresh_engine(stream);
    event.conn.live_restore = docker->info.live_restore;
    enter(stream, PHASE_UP);
    stream->mark = stream->mark_now;
    stream->was_eof = false;
    stream->is_told_up = true;
    stream->is_relist_due = false;
    stream->retry_ms = 0;
    stream->n_misses = 0;
    stream->heard_ms = stream->event_ms = now(stream);
    docker->epoch++;
    docker->link = ACCD_LINK_UP;
    set_problem(stream, "");
    accd_log(ACCD_LOG_INFO, "connected to Docker %s, API 1.%u%s", docker->info.version,
             docker->api_minor, event.conn.fresh_engine ? ", which was restarted" : "");
    push(stream, &event);
    accd_docker_hints_release(&stream->hints);
    accd_docker_list_start(stream->list);
    arm(stream, QUIET_MS);
    accd_pump_run(stream->config.pump);
}

/* --- PING ---------------------------------------------------------------------------------- */

static bool negotiate(struct accd_docker_stream *stream, const struct accd_http_reply *reply)
{
    const char *api = accd_http_header(reply->request, "Api-Version");
    const char *server = accd_http_header(reply->request, "Server");
    char text[ACCD_DOCKER_PROBLEM_MAX + 1];
    uint32_t minor;

    stream->docker->is_podman = server && strncasecmp(server, "libpod", 6) == 0;
    if (!api || !acc_docker_api_parse(api, &minor)) {
        go_down(stream, "what listens there is no Docker Engine: its ping names no API version");
        return false;
    }
    stream->docker->api_minor = acc_docker_api_choose(minor);
    if (stream->docker->api_minor == 0) {
        (void)snprintf(text, sizeof(text),
                       "it speaks API 1.%u, accd needs 1.%u (Docker 20.10) or newer", minor,
                       ACC_DOCKER_API_MIN);
        go_down(stream, text);
        return false;
    }
    return true;
}

static void on_first_ping(void *ctx, const struct accd_http_reply *reply)
{
    struct accd_docker_stream *stream = ctx;
    char message[ACC_DOCKER_ERROR_MAX + 1];

    stream->ping = NULL;
    if (reply->error != ACCD_HTTP_OK) {
        go_down(stream, accd_http_error_text(reply->error));
    } else if (reply->status != 200) {
        acc_docker_message(reply->status, reply->body, reply->body_len, message, sizeof(message));
        go_down(stream, message);
    } else if (negotiate(stream, reply)) {
        stream->is_version_retried = false;
        open_stream(stream);
    }
}

static void connect_now(struct accd_docker_stream *stream)
{
    struct accd_http_config config = {
        .fresh = true, .limit_ms = PING_FIRST_LIMIT_MS, .ctx = stream, .on_done = on_first_ping};

    (void)uv_fs_event_stop(&stream->watch);
    enter(stream, PHASE_PING);
    if (accd_docker_start_plain(stream->docker, &config, &stream->ping, "/_ping") < 0) {
        go_down(stream, "out of memory");
    }
}

/* --- UP: is anybody there? ------------------------------------------------------------------ */

/* The engine answers again after it hung: whatever it did meanwhile has to be looked at. */
static void resync(struct accd_docker_stream *stream)
{
    drop_requests(stream);
    stream->was_eof = false;
    open_stream(stream);
}

static void on_ping(void *ctx, const struct accd_http_reply *reply)
{
    struct accd_docker_stream *stream = ctx;

    stream->ping = NULL;
    switch (reply->error) {
    case ACCD_HTTP_ABSENT:
    case ACCD_HTTP_REFUSED:
    case ACCD_HTTP_BROKEN:
    case ACCD_HTTP_DENIED:
        stream->was_eof = true;
        go_down(stream, accd_http_error_text(reply->error));
        return;
    case ACCD_HTTP_BUSY:
    case ACCD_HTTP_TIMEOUT:
    case ACCD_HTTP_TOO_BIG:
    case ACCD_HTTP_NOMEM:
        return; /* missed; the timer counts and sends the next one */
    case ACCD_HTTP_OK:
        break;
    }
    stream->heard_ms = now(stream);
    stream->n_misses = 0;
    if (stream->docker->link == ACCD_LINK_DEGRADED) {
        resync(stream);
    }
}

static void send_ping(struct accd_docker_stream *stream)
{
    struct accd_http_config config = {
        .fresh = true, .limit_ms = PING_LIMIT_MS, .ctx = stream, .on_done = on_ping};

    stream->ping_ms = now(stream);
    (void)accd_docker_start_plain(stream->docker, &config, &stream->ping, "/_ping");
}

/* One ping at a time: a hung dockerd accepts 4096 connections and answers none. */
static void watch_over(struct accd_docker_stream *stream)
{
    uint64_t now_ms = now(stream);
    bool is_asking = stream->ping || stream->n_misses > 0;

    if (is_asking && now_ms >= stream->ping_ms + PING_MS * (stream->n_misses + 1)) {
        stream->n_misses++;
    }
    if (stream->n_misses >= PING_MISSES) {
        degrade(stream, "ping got no answer three times");
    }
    if (!stream->ping && (is_asking || now_ms >= stream->heard_ms + QUIET_MS)) {
        uint64_t first_ms = stream->ping_ms;

        send_ping(stream);
        if (is_asking) {
            stream->ping_ms = first_ms; /* misses are counted from the first */
        }
    }
    if (now_ms >= stream->info_ms + INFO_EVERY_MS && stream->docker->link == ACCD_LINK_UP) {
        ask_info(stream);
    }
    if (stream->is_relist_due) {
        stream->is_relist_due = false;
        accd_docker_list_start(stream->list);
    }
    arm(stream, stream->ping ? PING_MS : QUIET_MS);
}

static void on_timer(uv_timer_t *uv)
{
    struct accd_docker_stream *stream = accd_handle_owner(uv);

    switch (stream->phase) {
    case PHASE_WAIT:
        connect_now(stream);
        break;
    case PHASE_PING:
        break;
    case PHASE_OPEN:
        maybe_up(stream);
        if (stream->phase == PHASE_OPEN) {
            if (now(stream) >= stream->phase_ms + OPEN_LIMIT_MS) {
                go_down(stream, "the event stream does not open");
            } else {
                arm(stream, OPEN_PATIENCE_MS);
            }
        }
        break;
    case PHASE_UP:
        watch_over(stream);
        break;
    }
}

/* --- the list ------------------------------------------------------------------------------ */

static void on_list_failed(void *ctx, enum accd_http_error error)
{
    struct accd_docker_stream *stream = ctx;

    switch (error) {
    case ACCD_HTTP_ABSENT:
    case ACCD_HTTP_REFUSED:
    case ACCD_HTTP_BROKEN:
    case ACCD_HTTP_DENIED:
        on_lost(stream, error);
        return;
    case ACCD_HTTP_BUSY:
    case ACCD_HTTP_TIMEOUT:
        degrade(stream, "it does not list its containers in time");
        break;
    case ACCD_HTTP_OK:
    case ACCD_HTTP_TOO_BIG:
    case ACCD_HTTP_NOMEM:
        break;
    }
    stream->is_relist_due = true; /* with the next look of the timer */
}

/* The list shows a change that no event told. Events may be milliseconds behind; a stream that
 * has been silent for longer is dead, although its connection lives. */
static void on_surprise(void *ctx)
{
    struct accd_docker_stream *stream = ctx;

    if (stream->phase == PHASE_UP && now(stream) >= stream->event_ms + SURPRISE_MS) {
        accd_log(ACCD_LOG_INFO, "Docker's event stream missed a change and is opened again");
        cancel(&stream->events);
        stream->event_ms = now(stream);
        if (subscribe(stream) < 0) {
            go_down(stream, "out of memory");
        }
    }
}

void accd_docker_stream_list(void *ctx, const struct acc_action *action)
{
    struct accd_docker_stream *stream = ctx;

    (void)action;
    if (stream->phase == PHASE_UP) { /* else the connection begins with one */
        accd_docker_list_start(stream->list);
    }
}

void accd_docker_stream_inspect(void *ctx, const struct acc_action *action)
{
    struct accd_docker_stream *stream = ctx;
    unsigned flags = ACCD_LOOK_FRESH | (action->manual_stop ? ACCD_LOOK_MANUAL_STOP : 0);

    if (stream->phase == PHASE_UP) {
        (void)accd_inspector_look(stream->inspector, action->cid, flags, NULL, NULL);
    }
}

struct accd_inspector *accd_docker_stream_inspector(struct accd_docker_stream *stream)
{
    return stream->inspector;
}

/* --- the whole ----------------------------------------------------------------------------- */

static void stream_free(void *owner)
{
    struct accd_docker_stream *stream = owner;

    accd_docker_list_destroy(stream->list);
    accd_docker_hints_fini(&stream->hints);
    free(stream->watch_dir);
    free(stream->watch_name);
    free(stream->sys_root);
    free(stream);
}

static int make_parts(struct accd_docker_stream *stream)
{
    struct accd_docker_stream_config *config = &stream->config;
    struct accd_inspector_config look = {.loop = config->loop,
                                         .docker = config->docker,
                                         .pump = config->pump,
                                         .on_lost = on_lost,
                                         .on_dropped = on_dropped,
                                         .ctx = stream};
    struct accd_docker_list_config list = {.docker = config->docker,
                                           .pump = config->pump,
                                           .loop = config->loop,
                                           .is_ours = config->is_ours,
                                           .is_ours_ctx = config->ctx,
                                           .on_failed = on_list_failed,
                                           .on_surprise = on_surprise,
                                           .ctx = stream};
    struct accd_docker_hints_config hints = {.loop = config->loop,
                                             .pump = config->pump,
                                             .is_ours = config->is_ours,
                                             .on_other = config->on_other,
                                             .ctx = config->ctx,
                                             .on_dropped = on_dropped,
                                             .on_dropped_ctx = stream};
    int r = accd_inspector_create(&look, &stream->inspector);

    if (r < 0) {
        return r;
    }
    list.inspector = hints.inspector = stream->inspector;
    accd_docker_hints_init(&stream->hints, &hints);
    stream->sys_root = strdup(config->sys_root ? config->sys_root : "");
    r = stream->sys_root ? choose_watch(stream, config->docker->socket) : -ENOMEM;
    return r < 0 ? r : accd_docker_list_create(&list, &stream->list);
}

int accd_docker_stream_create(const struct accd_docker_stream_config *config,
                              struct accd_docker_stream **ret_stream)
{
    struct accd_docker_stream *stream = calloc(1, sizeof(*stream));

    if (!stream) {
        return -ENOMEM;
    }
    stream->config = *config;
    stream->docker = config->docker;
    int r = make_parts(stream);

    if (r < 0) {
        accd_inspector_close(stream->inspector);
        stream_free(stream);
        return r;
    }
    stream->handles = (struct accd_handles){.owner = stream, .on_all_closed = stream_free};
    (void)uv_timer_init(config->loop, &stream->timer);
    accd_handles_add(&stream->handles, (uv_handle_t *)&stream->timer);
    (void)uv_fs_event_init(config->loop, &stream->watch);
    accd_handles_add(&stream->handles, (uv_handle_t *)&stream->watch);
    set_problem(stream, "not yet asked");
    arm(stream, 0);
    *ret_stream = stream;
    return 0;
}

void accd_docker_stream_close(struct accd_docker_stream *stream)
{
    if (!stream) {
        return;
    }
    cancel(&stream->ping);
    cancel(&stream->events);
    cancel(&stream->info);
    accd_docker_list_cancel(stream->list);
    accd_inspector_close(stream->inspector);
    accd_handles_close(&stream->handles, (uv_handle_t *)&stream->timer);
    accd_handles_close(&stream->handles, (uv_handle_t *)&stream->watch);
}
