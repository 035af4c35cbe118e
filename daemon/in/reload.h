#pragma once

/*
 * Reading the configuration again, on a worker thread: files may lie on a slow or dead disk.
 *
 * A configuration with any problem is refused whole and the running one stays.
 */

#include <uv.h>

#include "load/load.h"

struct accd_reload;

struct accd_reload_result {
    int error;                 /* 0, -EINVAL (see diags), -ENOMEM */
    struct acc_loaded *loaded; /* taken over by the callback when error is 0 */
    struct acc_diags *diags;   /* borrowed for the call; warnings may be there after success */
};
typedef void (*accd_reload_fn)(void *ctx, const struct accd_reload_result *result);

int accd_reload_create(uv_loop_t *loop, const struct acc_load_options *options,
                       accd_reload_fn on_loaded, void *ctx, struct accd_reload **ret_reload);
/* One reading at a time; a call during one makes another follow. */
void accd_reload_request(struct accd_reload *reload);
/* After the loop has ended. NULL is allowed; returns NULL. */
struct accd_reload *accd_reload_destroy(struct accd_reload *reload);
