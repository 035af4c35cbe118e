#pragma once

/*
 * The full picture: list all containers, look at each of ours, then SNAPSHOT.
 *
 * The list is a snapshot that no container's lock can hold up (moby container/view.go), so it tells
 * what exists even when some container is stuck. What the inspector knows and the list doesn't is
 * looked at, too: its 404 becomes GONE.
 */

#include <stdbool.h>

#include "daemon/docker.h"
#include "daemon/inspector.h"
#include "daemon/pump.h"

struct accd_docker_list;

struct accd_docker_list_config {
    struct accd_docker *docker;       /* borrowed */
    struct accd_inspector *inspector; /* borrowed */
    struct accd_pump *pump;
    uv_loop_t *loop;
    bool (*is_ours)(void *ctx, const char *project);
    void *is_ours_ctx;
    /* No list came: `error`, or OK when the engine refused. */
    void (*on_failed)(void *ctx, enum accd_http_error error);
    /* The list disagrees with what events have told: some were lost. */
    void (*on_surprise)(void *ctx);
    void *ctx;
};

int accd_docker_list_create(const struct accd_docker_list_config *config,
                            struct accd_docker_list **ret_list);
/* Before the inspector is closed or after it. NULL allowed; returns NULL. */
struct accd_docker_list *accd_docker_list_destroy(struct accd_docker_list *list);

/* One at a time; asked for while one runs, there will be one more. */
void accd_docker_list_start(struct accd_docker_list *list);
/* The connection is gone. To be called before accd_inspector_reset(). */
void accd_docker_list_cancel(struct accd_docker_list *list);
