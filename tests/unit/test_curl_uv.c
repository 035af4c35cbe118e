/* Against a server of a few lines on a Unix socket, in a thread of the test. */

#include "daemon/curl_uv.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <check.h>

static char dir[64], path[96];
static uv_loop_t loop;
static struct accd_http *http;

/* --- the server: a thread a connection, each request answered by the test's script ------------ */

struct script {
    const char *answer; /* sent after each request */
    bool is_silent;     /* nothing is sent, the connection stays open */
    bool closes;        /* the connection ends after the answer */
    const char *later;  /* sent when the test has called tell_server() */
    atomic_int n_accepted, n_closed;
    atomic_int n_requests;
    char request[4096]; /* the last one */
    int wake[2];
};

static struct script script;
static int listener = -1;
static pthread_t server;

static bool read_request(int fd)
{
    size_t len = 0;
    ssize_t n;
    char *end;

    while (len < sizeof(script.request) - 1 &&
           (n = read(fd, script.request + len, sizeof(script.request) - 1 - len)) > 0) {
        len += (size_t)n;
        script.request[len] = '\0';
        end = strstr(script.request, "\r\n\r\n");
        const char *length = strstr(script.request, "Content-Length: ");

        if (end && len >= (size_t)(end + 4 - script.request) + (length ? atoi(length + 16) : 0)) {
            return true;
        }
    }
    return false;
}

static void serve(int fd)
{
    char byte;

    while (read_request(fd)) {
        script.n_requests++;
        if (!script.is_silent) {
            (void)!write(fd, script.answer, strlen(script.answer));
        }
        if (script.later && read(script.wake[0], &byte, 1) == 1) {
            (void)!write(fd, script.later, strlen(script.later));
        }
        if (script.closes) {
            return;
        }
    }
}

static void *serve_one(void *arg)
{
    int fd = (int)(intptr_t)arg;

    serve(fd);
    (void)close(fd);
    script.n_closed++;
    return NULL;
}

static void *serve_all(void *arg)
{
    pthread_t thread;
    int fd;

    (void)arg;
    while ((fd = accept(listener, NULL, NULL)) >= 0) {
        script.n_accepted++;
        if (pthread_create(&thread, NULL, serve_one, (void *)(intptr_t)fd) == 0) {
            (void)pthread_detach(thread);
        }
    }
    return NULL;
}

static void tell_server(void)
{
    ck_assert_int_eq(write(script.wake[1], "x", 1), 1);
}

static void listen_only(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    memcpy(address.sun_path, path, strlen(path) + 1);
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(listen(listener, 8), 0);
}

static void serve_with(const char *answer)
{
    script.answer = answer;
    listen_only();
    ck_assert_int_eq(pthread_create(&server, NULL, serve_all, NULL), 0);
}

/* --- the client ------------------------------------------------------------------------------- */

struct got {
    int n_done, n_late, n_headers;
    enum accd_http_error error;
    int status;
    char body[256], data[256], header[64];
    bool maybe_sent;
    struct accd_request *request;
    bool cancels_in_data, starts_in_data;
    struct got *next; /* for starts_in_data */
};

static void start(struct got *got, struct accd_http_config config);

static void on_done(void *ctx, const struct accd_http_reply *reply)
{
    struct got *got = ctx;
    const char *header = accd_http_header(reply->request, "api-version");

    got->n_done++;
    got->error = reply->error;
    got->status = reply->status;
    got->maybe_sent = reply->maybe_sent;
    (void)snprintf(got->body, sizeof(got->body), "%s", reply->body);
    (void)snprintf(got->header, sizeof(got->header), "%s", header ? header : "");
}

static void on_data(void *ctx, const char *data, size_t len)
{
    struct got *got = ctx;
    size_t at = strlen(got->data);

    (void)snprintf(got->data + at, sizeof(got->data) - at, "%.*s", (int)len, data);
    if (got->cancels_in_data) {
        accd_http_cancel(got->request);
    }
    if (got->starts_in_data) {
        got->starts_in_data = false;
        start(got->next, (struct accd_http_config){.fresh = true});
    }
}

static void on_late(void *ctx)
{
    struct got *got = ctx;

    got->n_late++;
    tell_server();
}

static void on_headers(void *ctx, struct accd_request *request, int status)
{
    struct got *got = ctx;

    got->n_headers++;
    ck_assert_int_eq(accd_http_peer_pid(request), getpid());
    got->status = status;
}

static void start(struct got *got, struct accd_http_config config)
{
    config.url = "http://docker/v1.41/x";
    config.unix_socket = path;
    config.ctx = got;
    config.on_done = on_done;
    ck_assert_int_eq(accd_http_start(http, &config, &got->request), 0);
    ck_assert_int_eq(got->n_done, 0); /* never before start has returned */
}

static void run_until_done(const struct got *got)
{
    while (got->n_done == 0) {
        (void)uv_run(&loop, UV_RUN_ONCE);
    }
}

static void setup(void)
{
    (void)signal(SIGPIPE, SIG_IGN);
    memcpy(dir, "/tmp/acc-curl-XXXXXX", 21);
    ck_assert_ptr_nonnull(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/s", dir);
    ck_assert_int_eq(pipe(script.wake), 0);
    (void)uv_loop_init(&loop);
    ck_assert_int_eq(accd_http_create(&loop, &http), 0);
}

/* Closing must leave no handle behind, whatever was under way. */
static void teardown(void)
{
    accd_http_close(http, NULL, NULL);
    ck_assert_int_eq(uv_run(&loop, UV_RUN_DEFAULT), 0);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
    (void)unlink(path);
    (void)rmdir(dir);
}

#define OK_HELLO "HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Length: 5\r\n\r\nhello"

START_TEST(an_answer_is_collected)
{
    struct got got = {0};

    serve_with(OK_HELLO);
    start(&got, (struct accd_http_config){.on_headers = on_headers, .fresh = true});
    run_until_done(&got);
    ck_assert_int_eq(got.error, ACCD_HTTP_OK);
    ck_assert_int_eq(got.status, 200);
    ck_assert_int_eq(got.n_headers, 1);
    ck_assert_str_eq(got.body, "hello");
    ck_assert_str_eq(got.header, "1.41");
    ck_assert_uint_eq(accd_http_n_requests(http), 0);
}
END_TEST

START_TEST(a_body_is_sent_whole)
{
    struct got got = {0};

    serve_with(OK_HELLO);
    start(&got, (struct accd_http_config){.method = ACCD_HTTP_POST,
                                          .body = "{\"a\":1}",
                                          .body_len = 7,
                                          .headers = {"Content-Type: application/json"}});
    run_until_done(&got);
    ck_assert_ptr_nonnull(strstr(script.request, "POST /v1.41/x HTTP/1.1\r\n"));
    ck_assert_ptr_nonnull(strstr(script.request, "Content-Type: application/json\r\n"));
    ck_assert_ptr_nonnull(strstr(script.request, "\r\n\r\n{\"a\":1}"));
}
END_TEST

START_TEST(an_empty_post_claims_no_type)
{
    struct got got = {0};

    serve_with(OK_HELLO);
    start(&got, (struct accd_http_config){.method = ACCD_HTTP_POST});
    run_until_done(&got);
    ck_assert_ptr_nonnull(strstr(script.request, "Content-Length: 0\r\n"));
    ck_assert_ptr_null(strstr(script.request, "Content-Type"));
}
END_TEST

START_TEST(no_socket_is_told_from_nobody_listening)
{
    struct got absent = {0}, refused = {0};

    start(&absent, (struct accd_http_config){0});
    run_until_done(&absent);
    ck_assert_int_eq(absent.error, ACCD_HTTP_ABSENT);
    ck_assert(!absent.maybe_sent);
    listen_only();
    (void)close(listener);
    start(&refused, (struct accd_http_config){0});
    run_until_done(&refused);
    ck_assert_int_eq(refused.error, ACCD_HTTP_REFUSED);
    ck_assert(!refused.maybe_sent);
}
END_TEST

START_TEST(a_full_backlog_is_told)
{
    struct got got[64] = {0};
    int n_busy = 0;

    listen_only(); /* nobody accepts; the backlog is 8 */
    for (size_t i = 0; i < 64; i++) {
        start(&got[i],
              (struct accd_http_config){
                  .limit_ms =
                      3000}); /* a slow machine shall have asked them all before the first limit */
    }
    for (size_t i = 0; i < 64; i++) {
        run_until_done(&got[i]);
        n_busy += got[i].error == ACCD_HTTP_BUSY;
        ck_assert_msg(got[i].error == ACCD_HTTP_BUSY || got[i].error == ACCD_HTTP_TIMEOUT, "%d: %s",
                      (int)i, accd_http_error_text(got[i].error));
    }
    ck_assert_int_ge(n_busy, 50);
}
END_TEST

START_TEST(late_does_not_end_the_request)
{
    struct got got = {0};

    script.is_silent = true;
    script.later = OK_HELLO; /* sent once on_late has told the server */
    serve_with("");
    start(&got, (struct accd_http_config){.late_ms = 30, .on_late = on_late});
    run_until_done(&got);
    ck_assert_int_eq(got.n_late, 1);
    ck_assert_int_eq(got.error, ACCD_HTTP_OK);
    ck_assert_str_eq(got.body, "hello");
}
END_TEST

START_TEST(the_limit_ends_the_request)
{
    struct got got = {0};

    script.is_silent = true;
    serve_with("");
    start(&got, (struct accd_http_config){.limit_ms = 30});
    run_until_done(&got);
    ck_assert_int_eq(got.error, ACCD_HTTP_TIMEOUT);
    ck_assert(got.maybe_sent);
}
END_TEST

START_TEST(silence_within_an_answer_ends_the_request)
{
    struct got got = {0};

    serve_with("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhel");
    start(&got, (struct accd_http_config){.idle_ms = 2000, .on_data = on_data});
    run_until_done(&got);
    ck_assert_int_eq(got.error, ACCD_HTTP_TIMEOUT);
    ck_assert_str_eq(got.data, "hel");
}
END_TEST

START_TEST(a_cut_answer_is_broken)
{
    struct got got = {0};

    script.closes = true;
    serve_with("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhel");
    start(&got, (struct accd_http_config){0});
    run_until_done(&got);
    ck_assert_int_eq(got.error, ACCD_HTTP_BROKEN);
    ck_assert(got.maybe_sent);
}
END_TEST

START_TEST(an_answer_above_the_cap_is_refused)
{
    struct got got = {0};

    serve_with(OK_HELLO);
    start(&got, (struct accd_http_config){.body_cap = 4});
    run_until_done(&got);
    ck_assert_int_eq(got.error, ACCD_HTTP_TOO_BIG);
}
END_TEST

START_TEST(an_error_is_collected_even_when_streaming)
{
    struct got got = {0};

    serve_with("HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone");
    start(&got, (struct accd_http_config){.on_data = on_data});
    run_until_done(&got);
    ck_assert_int_eq(got.status, 404);
    ck_assert_str_eq(got.data, "");
    ck_assert_str_eq(got.body, "gone");
}
END_TEST

START_TEST(a_fresh_request_neither_uses_nor_leaves_a_connection)
{
    struct got first = {0}, second = {0}, fresh = {0};

    serve_with(OK_HELLO);
    start(&first, (struct accd_http_config){0});
    run_until_done(&first);
    start(&second, (struct accd_http_config){0});
    run_until_done(&second);
    ck_assert_int_eq(script.n_accepted, 1); /* others share one */
    start(&fresh, (struct accd_http_config){.method = ACCD_HTTP_POST, .fresh = true});
    run_until_done(&fresh);
    ck_assert_int_eq(script.n_accepted, 2);
    while (script.n_closed == 0) { /* by the client: the server keeps its own open */
        (void)uv_run(&loop, UV_RUN_NOWAIT);
    }
    ck_assert_int_eq(script.n_closed, 1);
}
END_TEST

/* libcurl sends a request again when a kept connection turns out to be dead, a POST, too. */
START_TEST(a_fresh_request_is_never_sent_twice)
{
    struct got first = {0}, got = {0};

    serve_with(OK_HELLO);
    start(&first, (struct accd_http_config){0});
    run_until_done(&first);
    script.closes = true;
    script.answer = "";
    start(&got, (struct accd_http_config){.method = ACCD_HTTP_POST, .fresh = true});
    run_until_done(&got);
    ck_assert_int_eq(got.error, ACCD_HTTP_BROKEN);
    ck_assert(got.maybe_sent);
    ck_assert_int_eq(script.n_requests, 2);
}
END_TEST

START_TEST(cancelling_inside_a_callback_is_the_end)
{
    struct got got = {.cancels_in_data = true}, other = {0};

    serve_with(OK_HELLO);
    start(&got, (struct accd_http_config){.on_data = on_data, .fresh = true});
    while (got.data[0] == '\0') {
        (void)uv_run(&loop, UV_RUN_ONCE);
    }
    ck_assert_uint_eq(accd_http_n_requests(http), 0);
    start(&other, (struct accd_http_config){.fresh = true});
    run_until_done(&other);
    ck_assert_int_eq(got.n_done, 0);
}
END_TEST

START_TEST(starting_inside_a_callback_works)
{
    struct got second = {0}, first = {.starts_in_data = true, .next = &second};

    serve_with(OK_HELLO);
    start(&first, (struct accd_http_config){.on_data = on_data, .fresh = true});
    run_until_done(&first);
    run_until_done(&second);
    ck_assert_str_eq(second.body, "hello");
}
END_TEST

START_TEST(closing_ends_what_is_under_way)
{
    struct got got = {0};

    script.is_silent = true;
    serve_with("");
    start(&got, (struct accd_http_config){0});
    while (script.n_requests == 0) {
        (void)uv_run(&loop, UV_RUN_NOWAIT);
    }
    teardown();
    ck_assert_int_eq(got.n_done, 0);
    setup(); /* for the fixture */
}
END_TEST

START_TEST(a_paused_stream_waits_and_goes_on)
{
    struct got got = {0};

    script.later = "world";
    serve_with("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
    start(&got, (struct accd_http_config){.on_data = on_data});
    while (got.data[0] == '\0') {
        (void)uv_run(&loop, UV_RUN_ONCE);
    }
    accd_http_pause(got.request, true);
    tell_server();
    for (int i = 0; i < 1000; i++) {
        (void)uv_run(&loop, UV_RUN_NOWAIT);
    }
    ck_assert_str_eq(got.data, "hello");
    accd_http_pause(got.request, false);
    run_until_done(&got);
    ck_assert_str_eq(got.data, "helloworld");
}
END_TEST

START_TEST(connecting_alone_is_enough_when_asked)
{
    struct got got = {0};

    listen_only();
    start(&got, (struct accd_http_config){.connect_only = true, .fresh = true});
    run_until_done(&got);
    ck_assert_int_eq(got.error, ACCD_HTTP_OK);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("curl_uv");
    TCase *tcase = tcase_create("curl_uv");

    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, an_answer_is_collected);
    tcase_add_test(tcase, a_body_is_sent_whole);
    tcase_add_test(tcase, an_empty_post_claims_no_type);
    tcase_add_test(tcase, no_socket_is_told_from_nobody_listening);
    tcase_add_test(tcase, a_full_backlog_is_told);
    tcase_add_test(tcase, late_does_not_end_the_request);
    tcase_add_test(tcase, the_limit_ends_the_request);
    tcase_add_test(tcase, silence_within_an_answer_ends_the_request);
    tcase_add_test(tcase, a_cut_answer_is_broken);
    tcase_add_test(tcase, an_answer_above_the_cap_is_refused);
    tcase_add_test(tcase, an_error_is_collected_even_when_streaming);
    tcase_add_test(tcase, a_fresh_request_neither_uses_nor_leaves_a_connection);
    tcase_add_test(tcase, a_fresh_request_is_never_sent_twice);
    tcase_add_test(tcase, cancelling_inside_a_callback_is_the_end);
    tcase_add_test(tcase, starting_inside_a_callback_works);
    tcase_add_test(tcase, closing_ends_what_is_under_way);
    tcase_add_test(tcase, a_paused_stream_waits_and_goes_on);
    tcase_add_test(tcase, connecting_alone_is_enough_when_asked);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_NORMAL);
    int n_failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return n_failed == 0 ? 0 : 1;
}
