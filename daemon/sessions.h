#pragma once

/*
 * Sessions: the clients of the control socket.
 *
 * Accepts, learns who the peer is, cuts its bytes into requests and carries replies back. One
 * request of a session is worked on at a time, as Varlink has it; what is pipelined behind it waits
 * in a capped buffer, then in the kernel. A reader that is too slow is dropped with a log line; a
 * silent one costs a descriptor and some hundred bytes. Knows nothing of the methods.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <uv.h>

/* Half of the descriptors that a service has by default; a host has a handful of clients. */
#define ACCD_SESSIONS_MAX 512u
/* A stream's backlog: some thousand lines of events. More than this a reader isn't late but gone.
 */
#define ACCD_SESSION_BACKLOG_MAX (512u * 1024u)
/* Above this a stream's source should pause. */
#define ACCD_SESSION_BACKLOG_HIGH (128u * 1024u)
/* Of all sessions together: who adds to more than that is dropped. */
#define ACCD_SESSIONS_BACKLOG_MAX (64u * 1024u * 1024u)
/* "root", "uid 1000" */
#define ACCD_PEER_NAME_MAX 63u

struct accd_sessions;
struct accd_session;

struct accd_rights {
    bool read, change;
    char by[ACCD_PEER_NAME_MAX + 1];
};

struct accd_sessions_ops {
    /* One request; the slice lives for the call. Answered by send() or skip(), now or later; until
     * its last reply no further request of this session comes. */
    void (*on_request)(void *ctx, struct accd_session *session, const char *text, size_t text_len);
    /* A request above ACC_VARLINK_REQUEST_MAX was dropped; to be answered likewise. */
    void (*on_too_big)(void *ctx, struct accd_session *session);
    /* The peer is gone while its request was being worked on: forget the session. */
    void (*on_gone)(void *ctx, struct accd_session *session);
    /* What was queued is below half of BACKLOG_HIGH again. */
    void (*on_drained)(void *ctx, struct accd_session *session);
};

/* Takes `listen_fd` (bound, perhaps listening) in any case. 0 and `*ret_sessions`, or -errno. */
int accd_sessions_create(uv_loop_t *loop, int listen_fd, const struct accd_sessions_ops *ops,
                         void *ctx, struct accd_sessions **ret_sessions);
/* Asynchronous: closes all without on_gone, then calls `on_closed(ctx)` and frees itself. */
void accd_sessions_close(struct accd_sessions *sessions, void (*on_closed)(void *ctx));
size_t accd_sessions_n(const struct accd_sessions *sessions);

const struct accd_rights *accd_session_rights(const struct accd_session *session);
/* The caller's own object for the request that is being worked on; NULL between two. */
void accd_session_set_data(struct accd_session *session, void *data);
void *accd_session_data(const struct accd_session *session);

/* Queue one reply without its terminator; copied. `is_last`: the request is done. False when the
 * session has been dropped for its backlog: it is gone, on_gone isn't called. */
bool accd_session_send(struct accd_session *session, const char *text, size_t text_len,
                       bool is_last);
/* Close it and log why; on_gone isn't called. */
void accd_session_drop(struct accd_session *session, const char *why);
/* The request is done without an answer (oneway). */
void accd_session_skip(struct accd_session *session);
/* Bytes that wait for the peer. */
size_t accd_session_backlog(const struct accd_session *session);

/* What this peer may do: reading needs root, accd's own uid or the group acc, changing the first
 * two or the group acc-admin. `acc`, `admin`: (gid_t)-1 when the host has no such group. */
void accd_rights_of(uid_t own_uid, uid_t peer_uid, const gid_t *groups, size_t n_groups, gid_t acc,
                    gid_t admin, struct accd_rights *ret_rights);
