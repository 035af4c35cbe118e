#pragma once

/*
 * logind: when the host goes down, and how long it waits for us.
 *
 * A delay lock (systemd-inhibit --list) makes logind wait with a shutdown until it is let go, for
 * InhibitDelayMaxSec at most; PrepareForShutdown says that one begins, or is called off. Both go by
 * the system bus, and no call on it blocks. Where there is no bus, or no logind on it (a container,
 * another init), nothing happens and nothing is missing.
 *
 * Knows nothing of what is stopped: the engine does.
 */

#include <uv.h>

#include "daemon/pump.h"

struct accd_logind;

/* 0, also without a bus; or a negative errno. */
int accd_logind_create(uv_loop_t *loop, struct accd_pump *pump, struct accd_logind **ret_logind);
/* The host needn't wait any longer. NULL is allowed. */
void accd_logind_let_go(struct accd_logind *logind);
/* Asynchronous; frees it when all has ended. NULL is allowed. */
void accd_logind_close(struct accd_logind *logind);
