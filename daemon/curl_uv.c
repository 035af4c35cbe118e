#include "daemon/curl_uv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <curl/curl.h>
#include <utlist.h>

#include "lib/base/assert.h"
#include "lib/base/buf.h"

/* Read buffer of one transfer: an inspect answer is 5 kB, an event half a kB. */
#define BUFFER_BYTES 8192L
/* Only a body above 64 kB takes this buffer (libcurl's default is 64 kB). */
#define UPLOAD_BUFFER_BYTES 16384L
/* Idle connections kept: the inspects in flight and a ping. */
#define CONNECTIONS_MAX 6L
#define CONNECT_MS      1000L

struct accd_http {
    uv_loop_t *loop;
    CURLM *multi;
    uv_timer_t timer;
    struct accd_request *requests;
    size_t n_requests;
    unsigned n_open; /* uv handles: the timer, each poll, each request's timer */
    bool in_curl;
    bool is_closing;
    void (*on_closed)(void *ctx);
    void *on_closed_ctx;
};

struct poll {
    uv_poll_t uv; /* first: the handle's address is the struct's */
    struct accd_http *http;
    curl_socket_t fd;
};

struct accd_request {
    uv_timer_t timer; /* first: the handle's address is the struct's */
    struct accd_http *http;
    struct accd_request *prev, *next;
    CURL *easy;
    struct curl_slist *headers;
    curl_socket_t fd; /* of a connection made for it */
    struct acc_buf body;
    uint64_t started_ms, byte_ms;
    uint64_t idle_ms, late_ms, limit_ms;
    int status;
    bool is_added;   /* to the multi handle; until then it waits for libcurl to return */
    bool is_over;    /* finished or cancelled: no callback any more */
    bool is_too_big; /* the write callback refused */
    bool is_late;
    bool is_local; /* a Unix socket */
    char error[CURL_ERROR_SIZE];
    void *ctx;
    void (*on_headers)(void *ctx, struct accd_request *request, int status);
    void (*on_data)(void *ctx, const char *data, size_t len);
    void (*on_late)(void *ctx);
    void (*on_done)(void *ctx, const struct accd_http_reply *reply);
};

static void settle(struct accd_http *http);

const char *accd_http_error_text(enum accd_http_error error)
{
    switch (error) {
    case ACCD_HTTP_OK:
        return "no error";
    case ACCD_HTTP_ABSENT:
        return "there is no such socket";
    case ACCD_HTTP_REFUSED:
        return "nobody listens on the socket";
    case ACCD_HTTP_BUSY:
        return "the peer accepts no connections";
    case ACCD_HTTP_DENIED:
        return "permission denied";
    case ACCD_HTTP_TIMEOUT:
        return "no answer in time";
    case ACCD_HTTP_TOO_BIG:
        return "the answer is too big";
    case ACCD_HTTP_BROKEN:
        return "the connection broke";
    case ACCD_HTTP_NOMEM:
        return "out of memory";
    }
    return "";
}

/* --- handles ------------------------------------------------------------------------------- */

static void one_closed(struct accd_http *http)
{
    acc_assert(http->n_open > 0);
    http->n_open--;
    if (http->n_open > 0 || !http->is_closing) {
        return;
    }
    (void)curl_multi_cleanup(http->multi);
    curl_global_cleanup();
    if (http->on_closed) {
        http->on_closed(http->on_closed_ctx);
    }
    free(http);
}

static void on_timer_closed(uv_handle_t *uv)
{
    one_closed(uv->data);
}

static void on_poll_closed(uv_handle_t *uv)
{
    struct poll *poll = (struct poll *)uv;
    struct accd_http *http = poll->http;

    free(poll);
    one_closed(http);
}

static void on_request_closed(uv_handle_t *uv)
{
    struct accd_request *request = (struct accd_request *)uv;
    struct accd_http *http = request->http;

    free(request);
    one_closed(http);
}

/* --- libcurl asks for wake-ups ------------------------------------------------------------- */

static void act(struct accd_http *http, curl_socket_t fd, int flags)
{
    int n_running;

    http->in_curl = true;
    (void)curl_multi_socket_action(http->multi, fd, flags, &n_running);
    http->in_curl = false;
    settle(http);
}

static void on_poll(uv_poll_t *uv, int status, int events)
{
    struct poll *poll = (struct poll *)uv;
    int flags = status < 0 ? CURL_CSELECT_ERR : 0;

    flags |= events & UV_READABLE ? CURL_CSELECT_IN : 0;
    flags |= events & UV_WRITABLE ? CURL_CSELECT_OUT : 0;
    act(poll->http, poll->fd, flags);
}

static void on_timer(uv_timer_t *uv)
{
    act(uv->data, CURL_SOCKET_TIMEOUT, 0);
}

static int on_timeout_wanted(CURLM *multi, long timeout_ms, void *ctx)
{
    struct accd_http *http = ctx;

    (void)multi;
    if (http->is_closing) {
        return 0;
    }
    if (timeout_ms < 0) {
        return uv_timer_stop(&http->timer);
    }
    return uv_timer_start(&http->timer, on_timer, (uint64_t)timeout_ms, 0);
}

static struct poll *poll_create(struct accd_http *http, curl_socket_t fd)
{
    struct poll *poll = calloc(1, sizeof(*poll));

    if (!poll) {
        return NULL;
    }
    poll->http = http;
    poll->fd = fd;
    if (uv_poll_init(http->loop, &poll->uv, fd) < 0) {
        free(poll);
        return NULL;
    }
    http->n_open++;
    (void)curl_multi_assign(http->multi, fd, poll);
    return poll;
}

static int on_socket_wanted(CURL *easy, curl_socket_t fd, int what, void *ctx, void *socket_ctx)
{
    struct accd_http *http = ctx;
    struct poll *poll = socket_ctx;
    int events = 0;

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (poll) {
            /* libuv lets go of the descriptor at once; libcurl may close and reuse its number. */
            uv_close((uv_handle_t *)&poll->uv, on_poll_closed);
            (void)curl_multi_assign(http->multi, fd, NULL);
        }
        return 0;
    }
    if (!poll) {
        poll = poll_create(http, fd);
    }
    if (!poll) {
        return -1;
    }
    events |= what != CURL_POLL_OUT ? UV_READABLE : 0;
    events |= what != CURL_POLL_IN ? UV_WRITABLE : 0;
    return uv_poll_start(&poll->uv, events, on_poll);
}

/* --- the end of a request ------------------------------------------------------------------ */

static void request_free(struct accd_request *request)
{
    struct accd_http *http = request->http;

    DL_DELETE(http->requests, request);
    http->n_requests--;
    if (request->is_added) {
        (void)curl_multi_remove_handle(http->multi, request->easy);
    }
    curl_easy_cleanup(request->easy);
    curl_slist_free_all(request->headers);
    acc_buf_fini(&request->body);
    uv_close((uv_handle_t *)&request->timer, on_request_closed);
}

static enum accd_http_error classify(struct accd_request *request, CURLcode code)
{
    long os_errno = 0;

    if (code == CURLE_OK) {
        return ACCD_HTTP_OK;
    }
    if (request->is_too_big) {
        return ACCD_HTTP_TOO_BIG;
    }
    if (code == CURLE_OPERATION_TIMEDOUT) {
        return ACCD_HTTP_TIMEOUT;
    }
    if (code == CURLE_OUT_OF_MEMORY) {
        return ACCD_HTTP_NOMEM;
    }
    if (code != CURLE_COULDNT_CONNECT) {
        return ACCD_HTTP_BROKEN;
    }
    (void)curl_easy_getinfo(request->easy, CURLINFO_OS_ERRNO, &os_errno);
    switch (os_errno) {
    case ENOENT:
        return ACCD_HTTP_ABSENT;
    case ECONNREFUSED:
        return ACCD_HTTP_REFUSED;
    case EACCES:
    case EPERM:
        return ACCD_HTTP_DENIED;
    default:
        /* libcurl takes EAGAIN of a full backlog for a connection under way, and then finds no
         * error (7.88 lib/connect.c). */
        return request->is_local ? ACCD_HTTP_BUSY : ACCD_HTTP_BROKEN;
    }
}

static void finish(struct accd_request *request, enum accd_http_error error, const char *detail)
{
    long n_sent = 0;

    request->is_over = true;
    (void)uv_timer_stop(&request->timer);
    (void)curl_easy_getinfo(request->easy, CURLINFO_REQUEST_SIZE, &n_sent);
    struct accd_http_reply reply = {
        .request = request,
        .error = error,
        .status = request->status,
        .body = request->body.data ? request->body.data : "",
        .body_len = request->body.len,
        .maybe_sent = n_sent > 0,
        .detail = detail,
    };

    request->on_done(request->ctx, &reply);
    request_free(request);
}

static void finish_by_code(struct accd_request *request, CURLcode code)
{
    finish(request, classify(request, code),
           request->error[0] ? request->error : curl_easy_strerror(code));
}

/* What was asked for while libcurl ran. True when something was done: look again. */
static bool settle_queued(struct accd_http *http)
{
    struct accd_request *request;

    DL_FOREACH(http->requests, request)
    {
        if (request->is_over) {
            request_free(request);
            return true;
        }
        if (!request->is_added) {
            request->is_added = true;
            if (curl_multi_add_handle(http->multi, request->easy) != CURLM_OK) {
                request->is_added = false;
                finish(request, ACCD_HTTP_NOMEM, "out of memory");
                return true;
            }
        }
    }
    return false;
}

static bool settle_done(struct accd_http *http)
{
    int n_left;
    CURLMsg *message = curl_multi_info_read(http->multi, &n_left);
    char *private = NULL;

    if (!message) {
        return false;
    }
    CURLcode code = message->data.result;

    (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private);
    finish_by_code((struct accd_request *)(void *)private, code);
    return true;
}

static void settle(struct accd_http *http)
{
    while (!http->is_closing && (settle_queued(http) || settle_done(http))) {
    }
}

/* --- deadlines ----------------------------------------------------------------------------- */

static void on_deadline(uv_timer_t *uv);

static uint64_t sooner(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void arm(struct accd_request *request)
{
    uint64_t now_ms = uv_now(request->http->loop);
    uint64_t at_ms = UINT64_MAX;

    if (request->late_ms > 0 && !request->is_late) {
        at_ms = sooner(at_ms, request->started_ms + request->late_ms);
    }
    if (request->limit_ms > 0) {
        at_ms = sooner(at_ms, request->started_ms + request->limit_ms);
    }
    if (request->idle_ms > 0) {
        at_ms = sooner(at_ms, request->byte_ms + request->idle_ms);
    }
    if (at_ms != UINT64_MAX) {
        (void)uv_timer_start(&request->timer, on_deadline, at_ms > now_ms ? at_ms - now_ms : 0, 0);
    }
}

static void on_deadline(uv_timer_t *uv)
{
    struct accd_request *request = (struct accd_request *)uv;
    uint64_t now_ms = uv_now(uv->loop);

    if (request->limit_ms > 0 && now_ms >= request->started_ms + request->limit_ms) {
        finish(request, ACCD_HTTP_TIMEOUT, "no answer in time");
        return;
    }
    if (request->idle_ms > 0 && now_ms >= request->byte_ms + request->idle_ms) {
        finish(request, ACCD_HTTP_TIMEOUT, "the answer stopped coming");
        return;
    }
    bool is_late_now = request->late_ms > 0 && !request->is_late &&
                       now_ms >= request->started_ms + request->late_ms;

    request->is_late |= is_late_now;
    arm(request);
    if (is_late_now && request->on_late) {
        request->on_late(request->ctx); /* may cancel it: touched no more */
    }
}

/* --- libcurl gives what came --------------------------------------------------------------- */

static size_t on_header(char *data, size_t size, size_t n, void *ctx)
{
    struct accd_request *request = ctx;
    size_t len = size * n;
    long status = 0;

    request->byte_ms = uv_now(request->http->loop);
    if (request->is_over) {
        return 0;
    }
    if (len != 2 || data[0] != '\r') {
        return len; /* the empty line ends the headers */
    }
    (void)curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status >= 200 && request->status == 0) {
        request->status = (int)status;
        if (request->on_headers) {
            request->on_headers(request->ctx, request, request->status);
        }
    }
    return len;
}

static size_t on_body(char *data, size_t size, size_t n, void *ctx)
{
    struct accd_request *request = ctx;
    size_t len = size * n;

    request->byte_ms = uv_now(request->http->loop);
    if (request->is_over) {
        return 0; /* cancelled inside a callback: end the transfer here */
    }
    if (request->on_data && request->status < 400) {
        request->on_data(request->ctx, data, len);
        return len;
    }
    if (acc_buf_append(&request->body, data, len) < 0) {
        request->is_too_big = true;
        return 0;
    }
    return len;
}

/* --- starting ------------------------------------------------------------------------------ */

static int add_headers(struct accd_request *request, const struct accd_http_config *config)
{
    /* Never wait for "100 Continue", never claim that an empty body is a form. */
    struct curl_slist *list = curl_slist_append(NULL, "Expect:");

    for (size_t i = 0; list && i < ACCD_HTTP_HEADERS_MAX && config->headers[i]; i++) {
        request->headers = list;
        list = curl_slist_append(list, config->headers[i]);
    }
    if (list && config->body_len == 0) {
        request->headers = list;
        list = curl_slist_append(list, "Content-Type:");
    }
    if (!list) {
        return -ENOMEM;
    }
    request->headers = list;
    (void)curl_easy_setopt(request->easy, CURLOPT_HTTPHEADER, request->headers);
    return 0;
}

static int set_body(CURL *easy, const struct accd_http_config *config)
{
    (void)curl_easy_setopt(easy, CURLOPT_POST, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)config->body_len);
    return curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, config->body ? config->body : "") ==
                   CURLE_OK
               ? 0
               : -ENOMEM;
}

static int set_method(CURL *easy, const struct accd_http_config *config)
{
    switch (config->method) {
    case ACCD_HTTP_GET:
        return 0;
    case ACCD_HTTP_HEAD:
        (void)curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
        return 0;
    case ACCD_HTTP_POST:
        return set_body(easy, config);
    case ACCD_HTTP_PUT:
        (void)curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, "PUT");
        return set_body(easy, config);
    case ACCD_HTTP_DELETE:
        (void)curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, "DELETE");
        return 0;
    }
    return -EINVAL;
}

/* CURLINFO_ACTIVESOCKET knows it only after the transfer. */
static int on_socket(void *ctx, curl_socket_t fd, curlsocktype purpose)
{
    struct accd_request *request = ctx;

    (void)purpose;
    request->fd = fd;
    return CURL_SOCKOPT_OK;
}

static int set_options(struct accd_request *request, const struct accd_http_config *config)
{
    CURL *easy = request->easy;

    (void)curl_easy_setopt(easy, CURLOPT_PRIVATE, request);
    (void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, request->error);
    (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* not even http_proxy's */
    (void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    (void)curl_easy_setopt(easy, CURLOPT_USERAGENT, "accd/" ACC_VERSION);
    (void)curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, BUFFER_BYTES);
    (void)curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, UPLOAD_BUFFER_BYTES);
    (void)curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                           config->connect_ms ? (long)config->connect_ms : CONNECT_MS);
    (void)curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, config->fresh ? 1L : 0L);
    (void)curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, config->fresh ? 1L : 0L);
    (void)curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, config->connect_only ? 1L : 0L);
    (void)curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, on_socket);
    (void)curl_easy_setopt(easy, CURLOPT_SOCKOPTDATA, request);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERDATA, request);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, request);
    if (curl_easy_setopt(easy, CURLOPT_URL, config->url) != CURLE_OK) {
        return -ENOMEM;
    }
    if (config->unix_socket &&
        curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, config->unix_socket) != CURLE_OK) {
        return -ENOMEM;
    }
    int r = set_method(easy, config);

    return r < 0 ? r : add_headers(request, config);
}

static struct accd_request *request_create(struct accd_http *http,
                                           const struct accd_http_config *config)
{
    struct accd_request *request = calloc(1, sizeof(*request));

    if (!request) {
        return NULL;
    }
    request->http = http;
    request->fd = CURL_SOCKET_BAD;
    request->easy = curl_easy_init();
    acc_buf_init(&request->body, config->body_cap ? config->body_cap : ACCD_HTTP_BODY_MAX);
    request->is_local = config->unix_socket != NULL;
    request->started_ms = uv_now(http->loop);
    request->byte_ms = request->started_ms;
    request->idle_ms = config->idle_ms;
    request->late_ms = config->late_ms;
    request->limit_ms = config->limit_ms;
    request->ctx = config->ctx;
    request->on_headers = config->on_headers;
    request->on_data = config->on_data;
    request->on_late = config->on_late;
    request->on_done = config->on_done;
    if (!request->easy || set_options(request, config) < 0) {
        curl_easy_cleanup(request->easy);
        curl_slist_free_all(request->headers);
        free(request);
        return NULL;
    }
    return request;
}

int accd_http_start(struct accd_http *http, const struct accd_http_config *config,
                    struct accd_request **ret_request)
{
    acc_assert(!http->is_closing);
    struct accd_request *request = request_create(http, config);

    if (!request) {
        return -ENOMEM;
    }
    if (!http->in_curl && curl_multi_add_handle(http->multi, request->easy) != CURLM_OK) {
        curl_easy_cleanup(request->easy);
        curl_slist_free_all(request->headers);
        free(request);
        return -ENOMEM;
    }
    request->is_added = !http->in_curl;
    (void)uv_timer_init(http->loop, &request->timer);
    http->n_open++;
    DL_APPEND(http->requests, request);
    http->n_requests++;
    arm(request);
    if (ret_request) {
        *ret_request = request;
    }
    return 0;
}

void accd_http_cancel(struct accd_request *request)
{
    if (!request || request->is_over) {
        return; /* inside its own on_done: it ends anyway */
    }
    request->is_over = true;
    (void)uv_timer_stop(&request->timer);
    if (!request->http->in_curl) {
        request_free(request);
    }
}

void accd_http_pause(struct accd_request *request, bool is_paused)
{
    struct accd_http *http = request->http;
    bool was_in_curl = http->in_curl;

    if (request->is_over || !request->is_added) {
        return;
    }
    http->in_curl = true; /* going on may deliver at once what was held back */
    (void)curl_easy_pause(request->easy, is_paused ? CURLPAUSE_RECV : CURLPAUSE_CONT);
    http->in_curl = was_in_curl;
    /* What was asked for meanwhile, or an end, is settled with the timeout that libcurl has just
     * set: this function may be called by a callback of that very request. */
}

const char *accd_http_header(struct accd_request *request, const char *name)
{
    struct curl_header *header;

    return curl_easy_header(request->easy, name, 0, CURLH_HEADER, -1, &header) == CURLHE_OK
               ? header->value
               : NULL;
}

int64_t accd_http_peer_pid(struct accd_request *request)
{
    struct ucred peer;
    socklen_t len = sizeof(peer);

    if (request->fd == CURL_SOCKET_BAD ||
        getsockopt(request->fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0) {
        return 0;
    }
    return peer.pid > 0 ? peer.pid : 0;
}

size_t accd_http_n_requests(const struct accd_http *http)
{
    return http->n_requests;
}

/* --- the whole ----------------------------------------------------------------------------- */

int accd_http_create(uv_loop_t *loop, struct accd_http **ret_http)
{
    struct accd_http *http = calloc(1, sizeof(*http));

    if (!http) {
        return -ENOMEM;
    }
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        free(http);
        return -ENOMEM;
    }
    http->loop = loop;
    http->multi = curl_multi_init();
    if (!http->multi) {
        curl_global_cleanup();
        free(http);
        return -ENOMEM;
    }
    (void)curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, on_socket_wanted);
    (void)curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http);
    (void)curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, on_timeout_wanted);
    (void)curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http);
    (void)curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, CONNECTIONS_MAX);
    (void)curl_multi_setopt(http->multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
    (void)uv_timer_init(loop, &http->timer);
    http->timer.data = http;
    http->n_open = 1;
    *ret_http = http;
    return 0;
}

void accd_http_close(struct accd_http *http, void (*on_closed)(void *ctx), void *ctx)
{
    if (!http) {
        return;
    }
    struct accd_request *request, *next;

    acc_assert(!http->in_curl && !http->is_closing);
    http->on_closed = on_closed;
    http->on_closed_ctx = ctx;
    DL_FOREACH_SAFE(http->requests, request, next)
    {
        accd_http_cancel(request); /* not the one whose on_done calls this: it ends by itself */
    }
    http->is_closing = true;
    uv_close((uv_handle_t *)&http->timer, on_timer_closed);
}
