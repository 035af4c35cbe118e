#pragma once

/*
 * The output of one container, as `docker logs` shows it: for accctl logs.
 *
 * Logs are passed through and kept nowhere. A reader that can't keep up pauses the stream, which
 * only makes dockerd wait with its reading of the log file.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/docker.h"

struct accd_docker_logs;

struct accd_docker_logs_options {
    bool follow;
    bool timestamps;
    int64_t tail;    /* last lines; negative: all */
    int64_t since_s; /* Unix; 0: from the beginning */
    bool tty;        /* the container has a terminal (struct accd_container): one stream, raw */
};

/* `stream`: 1 stdout, 2 stderr. Bytes as they come, lines may be cut anywhere. */
typedef void (*accd_logs_data_fn)(void *ctx, uint8_t stream, const char *data, size_t len);
/* The end: `problem` is NULL, or says why there is no more. The object is gone when it returns. */
typedef void (*accd_logs_end_fn)(void *ctx, const char *problem);

/* 0 and `*ret_logs`, borrowed until the end or cancel; or -errno and nothing is called. */
int accd_docker_logs_start(struct accd_docker *docker, const char *cid,
                           const struct accd_docker_logs_options *options,
                           accd_logs_data_fn on_data, accd_logs_end_fn on_end, void *ctx,
                           struct accd_docker_logs **ret_logs);
void accd_docker_logs_pause(struct accd_docker_logs *logs, bool is_paused);
/* Nothing is called any more. NULL allowed. */
void accd_docker_logs_cancel(struct accd_docker_logs *logs);
