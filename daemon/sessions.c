#include "daemon/sessions.h"

#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/log.h"
#include "daemon/uvx.h"
#include "lib/base/assert.h"
#include "lib/codec/varlink.h"

/* Read at once; one for all sessions. */
#define CHUNK 65536u
/* Pipelined bytes that are kept while a request is being worked on; then reading stops. */
#define PENDING_MAX (2 * CHUNK)
/* Clients that may wait in the kernel for being accepted. */
#define LISTEN_BACKLOG 256
/* Supplementary groups of a peer that are looked at: Linux' own limit (NGROUPS_MAX). */
#define PEER_GROUPS_MAX 65536u

struct accd_sessions {
    struct accd_handles handles; /* one: the listener; sessions count themselves */
    uv_pipe_t listener;
    struct accd_sessions_ops ops;
    void *ctx;
    struct accd_session *first;
    size_t n, n_open; /* served; whose memory is still there */
    size_t backlog;
    gid_t acc, admin;
    bool is_full;
    bool is_owed; /* libuv holds a connection for which there was no memory */
    bool is_closing, is_listener_closed;
    void (*on_closed)(void *ctx);
    char chunk[CHUNK];
};

struct accd_session {
    struct accd_handles handles; /* one: the pipe */
    uv_pipe_t pipe;
    struct accd_sessions *owner;
    struct accd_session *next, *prev;
    struct acc_varlink_frame frame;
    struct acc_buf pending; /* read, not yet cut into requests */
    struct accd_rights rights;
    void *data;
    size_t backlog;
    bool is_busy;       /* a request is being worked on */
    bool is_newline;    /* its reply ends in a newline */
    bool is_reading;    /* from the pipe */
    bool is_processing; /* further down the stack */
    bool is_ended;      /* the peer sends nothing more; it may still read */
    bool is_dead;
};

struct outgoing {
    uv_write_t uv;
    struct accd_session *session;
    size_t len;
    char bytes[];
};

static void process(struct accd_session *session);
static void on_connection(uv_stream_t *listener, int status);

/* --- who it is ---------------------------------------------------------------------------------
 */

static bool has_group(const gid_t *groups, size_t n_groups, gid_t group)
{
    for (size_t i = 0; group != (gid_t)-1 && i < n_groups; i++) {
        if (groups[i] == group) {
            return true;
        }
    }
    return false;
}

void accd_rights_of(uid_t own_uid, uid_t peer_uid, const gid_t *groups, size_t n_groups, gid_t acc,
                    gid_t admin, struct accd_rights *ret_rights)
{
    bool is_owner = peer_uid == 0 || peer_uid == own_uid;

    *ret_rights = (struct accd_rights){0};
    ret_rights->change = is_owner || has_group(groups, n_groups, admin);
    ret_rights->read = ret_rights->change || has_group(groups, n_groups, acc);
    if (peer_uid == 0) {
        (void)snprintf(ret_rights->by, sizeof(ret_rights->by), "root");
    } else {
        (void)snprintf(ret_rights->by, sizeof(ret_rights->by), "uid %lu", (unsigned long)peer_uid);
    }
}

static gid_t group_id(const char *name)
{
    const struct group *group = getgrnam(name);

    return group ? group->gr_gid : (gid_t)-1;
}

/* The peer's own group and the supplementary ones; `*ret_groups` is the caller's to free. */
static int peer_groups(int fd, gid_t own, gid_t **ret_groups, size_t *ret_n)
{
    socklen_t size = 64 * sizeof(gid_t);
    gid_t *groups = malloc(size + sizeof(gid_t));

    while (groups && getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups + 1, &size) < 0) {
        int error = errno;

        free(groups);
        if (error != ERANGE || size > PEER_GROUPS_MAX * sizeof(gid_t)) {
            return -error;
        }
        groups = malloc(size + sizeof(gid_t)); /* the kernel has said how much it needs */
    }
    if (!groups) {
        return -ENOMEM;
    }
    groups[0] = own;
    *ret_groups = groups;
    *ret_n = size / sizeof(gid_t) + 1;
    return 0;
}

static int identify(struct accd_session *session)
{
    struct ucred peer;
    socklen_t size = sizeof(peer);
    gid_t *groups = NULL;
    size_t n_groups = 0;
    uv_os_fd_t fd;
    int r = uv_fileno((uv_handle_t *)&session->pipe, &fd);

    if (r < 0) {
        return r;
    }
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0) {
        return -errno;
    }
    r = peer_groups(fd, peer.gid, &groups, &n_groups);
    if (r < 0) {
        return r;
    }
    accd_rights_of(geteuid(), peer.uid, groups, n_groups, session->owner->acc,
                   session->owner->admin, &session->rights);
    free(groups);
    return 0;
}

/* --- life and death ----------------------------------------------------------------------------
 */

static void maybe_free_owner(struct accd_sessions *sessions)
{
    if (sessions->is_listener_closed && sessions->n_open == 0) {
        if (sessions->on_closed) {
            sessions->on_closed(sessions->ctx);
        }
        free(sessions);
    }
}

static void on_session_closed(void *owner)
{
    struct accd_session *session = owner;
    struct accd_sessions *sessions = session->owner;

    acc_varlink_frame_fini(&session->frame);
    acc_buf_fini(&session->pending);
    free(session);
    sessions->n_open--;
    if (sessions->is_owed && !sessions->is_closing) {
        on_connection((uv_stream_t *)&sessions->listener, 0);
    }
    maybe_free_owner(sessions);
}

/* The memory stays until the loop has closed the pipe, so callers further up may look. */
static void bury(struct accd_session *session)
{
    struct accd_sessions *sessions = session->owner;

    if (session->is_dead) {
        return;
    }
    session->is_dead = true;
    if (session->prev) {
        session->prev->next = session->next;
    } else {
        sessions->first = session->next;
    }
    if (session->next) {
        session->next->prev = session->prev;
    }
    sessions->n--;
    accd_handles_close(&session->handles, (uv_handle_t *)&session->pipe);
}

/* The peer's doing: whoever works on its request is told. */
static void leave(struct accd_session *session)
{
    if (session->is_dead) {
        return;
    }
    bury(session);
    if (session->is_busy) {
        session->is_busy = false;
        session->owner->ops.on_gone(session->owner->ctx, session);
    }
}

/* Whether the peer has closed its reading side, too; a read can't tell. */
static bool hung_up(const struct accd_session *session)
{
    struct pollfd poll_fd = {.events = 0};

    return uv_fileno((const uv_handle_t *)&session->pipe, &poll_fd.fd) == 0 &&
           poll(&poll_fd, 1, 0) == 1 && (poll_fd.revents & (POLLHUP | POLLERR));
}

/* Nothing tells us that a peer has gone while we don't read from it. */
static void sweep(struct accd_sessions *sessions)
{
    struct accd_session *next;

    for (struct accd_session *session = sessions->first; session; session = next) {
        next = session->next;
        if (!session->is_reading && hung_up(session)) {
            leave(session);
        }
    }
}

/* --- in ----------------------------------------------------------------------------------------
 */

static void on_alloc(uv_handle_t *uv, size_t suggested, uv_buf_t *buf)
{
    struct accd_session *session = accd_handle_owner(uv);

    (void)suggested;
    *buf = uv_buf_init(session->owner->chunk, CHUNK);
}

static void on_read(uv_stream_t *uv, ssize_t n, const uv_buf_t *buf)
{
    struct accd_session *session = accd_handle_owner(uv);

    if (n == 0 || session->is_dead) {
        return;
    }
    if (n < 0) {
        session->is_reading = false;
        session->is_ended = true;
        if (n != UV_EOF || hung_up(session)) {
            leave(session);
            return;
        }
    } else if (acc_buf_append(&session->pending, buf->base, (size_t)n) < 0) {
        accd_log(ACCD_LOG_WARNING, "control: no memory for a request of %s", session->rights.by);
        leave(session);
        return;
    }
    process(session);
}

/* Reading goes on while there is room for a whole chunk. */
static void set_reading(struct accd_session *session)
{
    bool want = !session->is_ended && session->pending.len + CHUNK <= PENDING_MAX;

    if (want == session->is_reading || session->is_dead) {
        return;
    }
    session->is_reading = want;
    if (!want) {
        (void)uv_read_stop((uv_stream_t *)&session->pipe);
    } else if (uv_read_start((uv_stream_t *)&session->pipe, on_alloc, on_read) < 0) {
        session->is_reading = false;
        leave(session);
    }
}

static enum acc_varlink_frame_result next_request(struct accd_session *session,
                                                  const char **ret_text, size_t *ret_len)
{
    const char *in = session->pending.data;
    size_t left = session->pending.len;
    enum acc_varlink_frame_result r;

    if (left > 0) {
        r = acc_varlink_frame_feed(&session->frame, &in, &left, ret_text, ret_len,
                                   &session->is_newline);
        acc_buf_consume(&session->pending, session->pending.len - left);
        if (r != ACC_VARLINK_MORE) {
            return r;
        }
    }
    if (!session->is_ended) {
        return ACC_VARLINK_MORE;
    }
    session->is_newline = true;
    return acc_varlink_frame_finish(&session->frame, ret_text, ret_len);
}

static void hand_over(struct accd_session *session, enum acc_varlink_frame_result what,
                      const char *text, size_t text_len)
{
    struct accd_sessions *sessions = session->owner;

    session->is_busy = true;
    if (what == ACC_VARLINK_REQUEST) {
        sessions->ops.on_request(sessions->ctx, session, text, text_len);
    } else {
        sessions->ops.on_too_big(sessions->ctx, session);
    }
}

/* Requests one after the other: the next one when the last reply has left. */
static void process(struct accd_session *session)
{
    enum acc_varlink_frame_result what = ACC_VARLINK_REQUEST;

    session->is_processing = true;
    while (!session->is_dead && !session->is_busy && session->backlog == 0 &&
           what != ACC_VARLINK_MORE) {
        const char *text = NULL;
        size_t text_len = 0;

        what = next_request(session, &text, &text_len);
        if (what != ACC_VARLINK_MORE) {
            hand_over(session, what, text, text_len);
        }
    }
    session->is_processing = false;
    if (session->is_dead) {
        return;
    }
    acc_varlink_frame_release(&session->frame);
    if (session->pending.len == 0) {
        acc_buf_fini(&session->pending);
    }
    if (session->is_ended && !session->is_busy && session->backlog == 0) {
        bury(session);
        return;
    }
    set_reading(session);
}

/* A session with a handle that is open, or NULL. */
static struct accd_session *make_session(struct accd_sessions *sessions)
{
    struct accd_session *session = calloc(1, sizeof(*session));

    if (!session || uv_pipe_init(sessions->listener.loop, &session->pipe, 0) < 0) {
        free(session);
        return NULL;
    }
    session->owner = sessions;
    session->handles = (struct accd_handles){.owner = session, .on_all_closed = on_session_closed};
    accd_handles_add(&session->handles, (uv_handle_t *)&session->pipe);
    acc_varlink_frame_init(&session->frame);
    acc_buf_init(&session->pending, PENDING_MAX);
    session->next = sessions->first;
    if (sessions->first) {
        sessions->first->prev = session;
    }
    sessions->first = session;
    sessions->n_open++;
    sessions->n++;
    return session;
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct accd_sessions *sessions = accd_handle_owner(listener);
    struct accd_session *session;
    int r;

    if (status < 0 || sessions->is_closing) {
        return;
    }
    sweep(sessions);
    session = make_session(sessions);
    sessions->is_owed = !session;
    if (!session) {
        return;
    }
    r = uv_accept(listener, (uv_stream_t *)&session->pipe);
    r = r < 0 ? r : identify(session);
    if (r < 0 || sessions->n > ACCD_SESSIONS_MAX) {
        if (r == 0 && !sessions->is_full) {
            accd_log(ACCD_LOG_WARNING, "control: %u clients at once, further ones are sent away",
                     ACCD_SESSIONS_MAX);
        }
        sessions->is_full |= r == 0;
        bury(session);
        return;
    }
    sessions->is_full = false;
    set_reading(session);
}

/* --- out ---------------------------------------------------------------------------------------
 */

static void on_written(uv_write_t *uv, int status)
{
    struct outgoing *out = uv->data;
    struct accd_session *session = out->session;
    size_t before = session->backlog;

    session->backlog -= out->len;
    session->owner->backlog -= out->len;
    free(out);
    if (session->is_dead) {
        return;
    }
    if (status < 0) {
        leave(session);
        return;
    }
    if (session->is_busy && before >= ACCD_SESSION_BACKLOG_HIGH / 2 &&
        session->backlog < ACCD_SESSION_BACKLOG_HIGH / 2 && session->owner->ops.on_drained) {
        session->owner->ops.on_drained(session->owner->ctx, session);
    }
    if (!session->is_dead && !session->is_busy) {
        process(session);
    }
}

static bool drop(struct accd_session *session, const char *why)
{
    accd_log(ACCD_LOG_WARNING, "control: a client of %s is dropped: %s", session->rights.by, why);
    session->is_busy = false;
    bury(session);
    return false;
}

void accd_session_drop(struct accd_session *session, const char *why)
{
    (void)drop(session, why);
}

bool accd_session_send(struct accd_session *session, const char *text, size_t text_len,
                       bool is_last)
{
    struct accd_sessions *sessions = session->owner;
    struct outgoing *out;
    uv_buf_t buf;

    acc_assert(session->is_busy && !session->is_dead);
    /* A reply larger than the limit may go out, but only to a reader that has taken the rest. */
    if (session->backlog > 0 && session->backlog + text_len > ACCD_SESSION_BACKLOG_MAX) {
        return drop(session, "it reads too slowly");
    }
    if (sessions->backlog + text_len > ACCD_SESSIONS_BACKLOG_MAX) {
        return drop(session, "too much waits for slow clients");
    }
    out = malloc(sizeof(*out) + text_len + 1);
    if (!out) {
        return drop(session, "out of memory");
    }
    out->session = session;
    out->len = text_len + 1;
    out->uv.data = out;
    memcpy(out->bytes, text, text_len);
    out->bytes[text_len] = session->is_newline ? '\n' : '\0';
    session->is_busy = !is_last;
    session->backlog += out->len;
    sessions->backlog += out->len;
    buf = uv_buf_init(out->bytes, (unsigned)out->len);
    if (uv_write(&out->uv, (uv_stream_t *)&session->pipe, &buf, 1, on_written) < 0) {
        session->backlog -= out->len;
        sessions->backlog -= out->len;
        free(out);
        session->is_busy = false;
        bury(session);
        return false;
    }
    return true;
}

void accd_session_skip(struct accd_session *session)
{
    acc_assert(session->is_busy && session->is_processing); /* process() goes on by itself */
    session->is_busy = false;
}

size_t accd_session_backlog(const struct accd_session *session)
{
    return session->backlog;
}

const struct accd_rights *accd_session_rights(const struct accd_session *session)
{
    return &session->rights;
}

void accd_session_set_data(struct accd_session *session, void *data)
{
    session->data = data;
}

void *accd_session_data(const struct accd_session *session)
{
    return session->data;
}

/* --- all of them -------------------------------------------------------------------------------
 */

static void on_listener_closed(void *owner)
{
    struct accd_sessions *sessions = owner;

    sessions->is_listener_closed = true;
    maybe_free_owner(sessions);
}

int accd_sessions_create(uv_loop_t *loop, int listen_fd, const struct accd_sessions_ops *ops,
                         void *ctx, struct accd_sessions **ret_sessions)
{
    struct accd_sessions *sessions = calloc(1, sizeof(*sessions));
    int r;

    if (!sessions) {
        (void)close(listen_fd);
        return -ENOMEM;
    }
    sessions->ops = *ops;
    sessions->ctx = ctx;
    sessions->acc = group_id("acc");
    sessions->admin = group_id("acc-admin");
    sessions->handles = (struct accd_handles){.owner = sessions,
                                              .on_all_closed = on_listener_closed};
    r = uv_pipe_init(loop, &sessions->listener, 0);
    if (r < 0) {
        (void)close(listen_fd);
        free(sessions);
        return r;
    }
    accd_handles_add(&sessions->handles, (uv_handle_t *)&sessions->listener);
    r = uv_pipe_open(&sessions->listener, listen_fd);
    if (r < 0) {
        (void)close(listen_fd);
    } else {
        r = uv_listen((uv_stream_t *)&sessions->listener, LISTEN_BACKLOG, on_connection);
    }
    if (r < 0) {
        accd_sessions_close(sessions, NULL); /* frees itself when the loop runs */
        return r;
    }
    *ret_sessions = sessions;
    return 0;
}

void accd_sessions_close(struct accd_sessions *sessions, void (*on_closed)(void *ctx))
{
    sessions->on_closed = on_closed;
    sessions->is_closing = true;
    while (sessions->first) {
        sessions->first->is_busy = false;
        bury(sessions->first);
    }
    accd_handles_close(&sessions->handles, (uv_handle_t *)&sessions->listener);
}

size_t accd_sessions_n(const struct accd_sessions *sessions)
{
    return sessions->n;
}
