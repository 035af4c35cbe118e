#pragma once

/*
 * SIGTERM and SIGINT: leave. SIGHUP: apply the files again.
 */

#include <uv.h>

#include "daemon/uvx.h"

#define ACCD_SIGNALS 3

struct accd_signals {
    struct accd_handles handles;
    uv_signal_t uv[ACCD_SIGNALS];
    void (*on_leave)(void *ctx, int signum);
    void (*on_reload)(void *ctx);
    void *ctx;
};

/* Callbacks and `ctx` are set by the caller before. */
int accd_signals_init(struct accd_signals *signals, uv_loop_t *loop);
void accd_signals_close(struct accd_signals *signals);
