#pragma once

/*
 * HTTP requests on the libuv loop: a libcurl multi handle driven by uv_poll and one uv_timer.
 *
 * Knows sockets, not Docker. No callback of a request runs before accd_http_start() has returned,
 * and no libcurl function runs inside a libcurl callback: what is asked for in there is queued
 * (libcurl answers CURLM_RECURSIVE_API_CALL otherwise).
 *
 * A deadline of a request has two shapes. `late_ms` ends the wait: on_late is called and the
 * request goes on. `limit_ms` and `idle_ms` end the request: its connection is closed. What
 * changes the world gets only the first: Docker 23 kills a container whose `stop` loses its client.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct accd_http;    /* all requests of a loop */
struct accd_request; /* one of them */

enum accd_http_method {
    ACCD_HTTP_GET,
    ACCD_HTTP_HEAD,
    ACCD_HTTP_POST,
    ACCD_HTTP_PUT,
    ACCD_HTTP_DELETE,
};

enum accd_http_error {
    ACCD_HTTP_OK = 0,  /* a whole HTTP answer came, whatever its status */
    ACCD_HTTP_ABSENT,  /* ENOENT: there is no socket */
    ACCD_HTTP_REFUSED, /* ECONNREFUSED: nobody listens */
    ACCD_HTTP_BUSY,    /* EAGAIN: the backlog is full, the peer hangs */
    ACCD_HTTP_DENIED,  /* EACCES, EPERM */
    ACCD_HTTP_TIMEOUT, /* limit_ms or idle_ms, or no connection in connect_ms */
    ACCD_HTTP_TOO_BIG, /* more than body_cap */
    ACCD_HTTP_BROKEN,  /* the connection broke, or what came was no HTTP */
    ACCD_HTTP_NOMEM,
};
const char *accd_http_error_text(enum accd_http_error error); /* "no such socket", ... */

struct accd_http_reply {
    struct accd_request *request; /* for accd_http_header(); borrowed for the call */
    enum accd_http_error error;
    int status;       /* 0 when no answer began */
    const char *body; /* what was collected, NUL-terminated; "" when none. Borrowed for the call */
    size_t body_len;
    bool maybe_sent;    /* false: certainly nothing of the request has left */
    const char *detail; /* libcurl's words for an error; never NULL */
};

/* How much of an answer is collected when the caller names no cap. */
#define ACCD_HTTP_BODY_MAX    (1024u * 1024u)
#define ACCD_HTTP_HEADERS_MAX 8u

/* Everything is copied. Zero means: none. */
struct accd_http_config {
    enum accd_http_method method;
    const char *url;         /* "http://docker/v1.41/..." or "https://host/..." */
    const char *unix_socket; /* path; NULL: TCP to the URL's host */
    const char *body;        /* POST, PUT; NULL: empty */
    size_t body_len;
    const char *headers[ACCD_HTTP_HEADERS_MAX]; /* "Name: value" */
    /* Neither uses nor leaves a pooled connection. For everything that must not happen twice:
     * libcurl sends a request again when a reused connection turns out to be dead. */
    bool fresh;
    bool connect_only;   /* done, with status 0, as soon as the connection stands */
    size_t body_cap;     /* of the collected answer; 0: ACCD_HTTP_BODY_MAX */
    uint64_t connect_ms; /* 0: 1000 */
    uint64_t idle_ms;    /* without a byte of the answer */
    uint64_t late_ms;
    uint64_t limit_ms;

    void *ctx;
    /* The status line and the headers are in. May be NULL. */
    void (*on_headers)(void *ctx, struct accd_request *request, int status);
    /* Bytes of the answer; NULL: they are collected. An answer with an error status (400 and up)
     * is collected even so. */
    void (*on_data)(void *ctx, const char *data, size_t len);
    void (*on_late)(void *ctx); /* once; may be NULL */
    /* The end; the request is gone when it returns. Never called after accd_http_cancel(). */
    void (*on_done)(void *ctx, const struct accd_http_reply *reply);
};

int accd_http_create(uv_loop_t *loop, struct accd_http **ret_http);
/* Asynchronous. Cancels what is left; then `on_closed(ctx)`, which may be NULL. NULL allowed. */
void accd_http_close(struct accd_http *http, void (*on_closed)(void *ctx), void *ctx);

/* 0 and `*ret_request` (may be NULL), borrowed until on_done or cancel; or -ENOMEM, and nothing is
 * called. */
int accd_http_start(struct accd_http *http, const struct accd_http_config *config,
                    struct accd_request **ret_request);
/* Closes its connection; no callback follows. NULL allowed. */
void accd_http_cancel(struct accd_request *request);
/* Stop or go on reading, so that the peer has to wait. */
void accd_http_pause(struct accd_request *request, bool is_paused);

/* In on_headers and on_done: the value of a header of the answer, any case, or NULL. */
const char *accd_http_header(struct accd_request *request, const char *name);
/* In on_headers of a `fresh` request: the process that listens on the Unix socket (SO_PEERCRED), or
 * 0. */
int64_t accd_http_peer_pid(struct accd_request *request);

size_t accd_http_n_requests(const struct accd_http *http);
