#pragma once

/*
 * Watches the conditions of the host that services name (x-acc.host), and on which mounts their
 * bind sources lie, and tells the engine.
 *
 * Nothing is polled: mountinfo says when it has changed, inotify tells of device nodes and files,
 * rtnetlink of addresses and routes, a timer of the kernel's when the clock was set. Each is opened
 * only when a condition needs it. What they say only makes us look; and what is looked at each time
 * the containers are listed makes up for what nobody tells (a clock that was slewed).
 *
 * Files are looked at by a worker: where a server has died even a stat() takes minutes.
 */

#include <uv.h>

#include "daemon/pump.h"
#include "lib/model/spec.h"

struct accd_host_watch;

/* `sys_root` is borrowed for good. 0, or a negative errno. */
int accd_host_watch_create(uv_loop_t *loop, struct accd_pump *pump, const char *sys_root,
                           struct accd_host_watch **ret_watch);
/* Watch what this model names from here on; the engine is told of all of it anew. What can't be
 * watched is logged, and looked at all the same. 0 or -ENOMEM: then it watches what it did. */
int accd_host_watch_set(struct accd_host_watch *watch, const struct acc_model *model);
/* Look at everything again. */
void accd_host_watch_look(struct accd_host_watch *watch);
/* Asynchronous; frees it when all has ended. NULL is allowed. */
void accd_host_watch_close(struct accd_host_watch *watch);
