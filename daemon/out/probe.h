#pragma once

/*
 * Runs the checks that the engine asks for: a container's own health command by the exec API,
 * whether one of its ports listens, a TCP connection, an HTTP request. Each is answered by one
 * PROBE event; whether the service is ready is the engine's to say.
 *
 * An exec costs 50 ms of CPU and can't be ended by the API (moby #9098), so there are never more
 * than four at a time and one a container. One that is out of time is killed by its host pid; when
 * that is impossible it counts as hung, and no other is begun in that container until it is gone.
 * Its output is always drained: an exec that nobody reads holds up its container's end.
 */

#include "daemon/out/probe_config.h"

struct accd_probe; /* all of them */

int accd_probe_create(const struct accd_probe_config *config, struct accd_probe **ret_probe);
/* Asynchronous; nobody is told. In the same turn as the stream's close, or after it. NULL allowed.
 */
void accd_probe_close(struct accd_probe *probe);

/* Executor of ACC_ACT_PROBE; `probe` is a struct accd_probe. */
void accd_probe_execute(void *probe, const struct acc_action *action);
