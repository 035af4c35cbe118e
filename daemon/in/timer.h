#pragma once

/*
 * The engine's one timer: ACC_EV_TIMEOUT when its deadline comes.
 */

#include <uv.h>

#include "daemon/pump.h"
#include "daemon/uvx.h"

struct accd_timer {
    struct accd_handles handles; /* one handle: the timer */
    uv_timer_t uv;
    struct accd_pump *pump; /* borrowed */
};

int accd_timer_init(struct accd_timer *timer, uv_loop_t *loop, struct accd_pump *pump);
/* Absolute on the loop's clock; ACC_DEADLINE_NONE stops it. */
void accd_timer_arm(struct accd_timer *timer, uint64_t deadline_ms);
void accd_timer_close(
    struct accd_timer *timer); /* asynchronous; the struct must outlive the loop */
