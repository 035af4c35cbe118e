#include "daemon/in/docker_logs.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/codec/docker_stdio.h"

struct accd_docker_logs {
    struct accd_request *request;
    struct acc_docker_stdio stdio;
    bool is_cancelled;
    bool is_calling; /* one of the callbacks runs: who cancels in there does not free */
    accd_logs_data_fn on_data;
    accd_logs_end_fn on_end;
    void *ctx;
};

static void on_data(void *ctx, const char *data, size_t len)
{
    struct accd_docker_logs *logs = ctx;
    const char *part;
    size_t part_len;
    uint8_t stream;

    logs->is_calling = true;
    while (!logs->is_cancelled &&
           acc_docker_stdio_feed(&logs->stdio, &data, &len, &part, &part_len, &stream)) {
        logs->on_data(logs->ctx, stream == 2 ? 2 : 1, part, part_len);
    }
    logs->is_calling = false;
    if (logs->is_cancelled) {
        free(logs);
    }
}

static void on_done(void *ctx, const struct accd_http_reply *reply)
{
    struct accd_docker_logs *logs = ctx;
    char message[ACC_DOCKER_ERROR_MAX + 1];
    const char *problem = NULL;

    if (reply->error != ACCD_HTTP_OK) {
        problem = accd_http_error_text(reply->error);
    } else if (reply->status >= 300) {
        acc_docker_message(reply->status, reply->body, reply->body_len, message, sizeof(message));
        problem = message;
    }
    logs->is_calling = true;
    logs->on_end(logs->ctx, problem);
    free(logs);
}

int accd_docker_logs_start(struct accd_docker *docker, const char *cid,
                           const struct accd_docker_logs_options *options,
                           accd_logs_data_fn data_fn, accd_logs_end_fn end_fn, void *ctx,
                           struct accd_docker_logs **ret_logs)
{
    struct accd_docker_logs *logs = calloc(1, sizeof(*logs));
    struct accd_http_config config = {
        .fresh = true, .ctx = logs, .on_data = on_data, .on_done = on_done};
    char tail[24] = "all";
    int r;

    if (!logs) {
        return -ENOMEM;
    }
    acc_docker_stdio_init(&logs->stdio, options->tty);
    logs->on_data = data_fn;
    logs->on_end = end_fn;
    logs->ctx = ctx;
    if (options->tail >= 0) {
        (void)snprintf(tail, sizeof(tail), "%" PRId64, options->tail);
    }
    r = accd_docker_start(docker, &config, &logs->request,
                          "/containers/%s/logs?stdout=1&stderr=1&follow=%d&timestamps=%d&tail=%s"
                          "&since=%" PRId64,
                          cid, options->follow, options->timestamps, tail, options->since_s);
    if (r < 0) {
        free(logs);
        return r;
    }
    *ret_logs = logs;
    return 0;
}

void accd_docker_logs_pause(struct accd_docker_logs *logs, bool is_paused)
{
    accd_http_pause(logs->request, is_paused);
}

void accd_docker_logs_cancel(struct accd_docker_logs *logs)
{
    if (!logs || logs->is_cancelled) {
        return;
    }
    logs->is_cancelled = true;
    accd_http_cancel(logs->request);
    if (!logs->is_calling) {
        free(logs);
    }
}
