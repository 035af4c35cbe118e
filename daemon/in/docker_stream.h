#pragma once

/*
 * The connection to the Docker Engine: finds it, subscribes to its events, lists and inspects, and
 * notices when it goes away or hangs.
 *
 *     WAIT -> PING -> OPEN -> UP -> (WAIT)
 *
 * WAIT: no engine; the socket's folder is watched, and a growing pause tries anyway. PING: does it
 * answer, and which version. OPEN: the event stream is being subscribed. UP: CONN_UP was told; a
 * full list follows, then events.
 *
 * Docker's events are lossy by design (a ring of 256, a queue of 1024, dropped without a sign), so
 * they only mark containers dirty; the list and inspect are the truth.
 */

#include <stdbool.h>
#include <uv.h>

#include "daemon/docker.h"
#include "daemon/inspector.h"
#include "daemon/pump.h"
#include "lib/codec/docker_event.h"

struct accd_docker_stream;

struct accd_docker_stream_config {
    uv_loop_t *loop;
    struct accd_docker *docker; /* borrowed; written here */
    struct accd_pump *pump;
    const char *sys_root; /* put before /proc and /run; "" for the real ones. Copied */
    /* Is this Compose project one of the model's stacks? */
    bool (*is_ours)(void *ctx, const char *project);
    /* Events of networks, images, volumes and the engine itself. May be NULL. */
    void (*on_other)(void *ctx, const struct acc_docker_event *event);
    void *ctx;
};

/* Connects as soon as the loop runs. */
int accd_docker_stream_create(const struct accd_docker_stream_config *config,
                              struct accd_docker_stream **ret_stream);
/* Asynchronous; nothing is told any more. NULL allowed. */
void accd_docker_stream_close(struct accd_docker_stream *stream);

/* Executors of ACC_ACT_LIST and ACC_ACT_INSPECT; `stream` is a struct accd_docker_stream. */
void accd_docker_stream_list(void *stream, const struct acc_action *action);
void accd_docker_stream_inspect(void *stream, const struct acc_action *action);

/* Its inspector, for the others that look at containers; lives until the stream is closed. */
struct accd_inspector *accd_docker_stream_inspector(struct accd_docker_stream *stream);
