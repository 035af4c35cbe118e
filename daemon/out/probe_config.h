#pragma once

/*
 * What probe needs from the rest of the daemon.
 */

#include <uv.h>

#include "daemon/docker.h"
#include "daemon/inspector.h"
#include "daemon/pump.h"
#include "lib/model/spec.h"

struct accd_probe_config {
    uv_loop_t *loop;
    struct accd_docker *docker;       /* borrowed */
    struct accd_inspector *inspector; /* borrowed */
    struct accd_pump *pump;
    const char *sys_root;                        /* put before /proc; "" for the real one. Copied */
    const struct acc_model *(*model)(void *ctx); /* borrowed until control returns to the loop */
    void *ctx;
};
