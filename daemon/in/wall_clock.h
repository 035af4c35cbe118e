#pragma once

/*
 * What the clock on the wall says, how far it is from UTC around now, and how hard the host is at
 * work: told to the engine once a minute, for upgrades that begin by themselves. Where no service
 * has such a thing nothing is read and nobody wakes up.
 */

#include <stdbool.h>
#include <uv.h>

#include "daemon/pump.h"
#include "daemon/uvx.h"

struct accd_wall_clock {
    struct accd_handles handles;
    uv_timer_t uv;
    struct accd_pump *pump;
    const char *sys_root; /* borrowed */
};

int accd_wall_clock_init(struct accd_wall_clock *clock, uv_loop_t *loop, struct accd_pump *pump,
                         const char *sys_root);
/* Tell it now, and then each minute; or not any more. */
void accd_wall_clock_set(struct accd_wall_clock *clock, bool is_wanted);
void accd_wall_clock_close(struct accd_wall_clock *clock);

/* How far the local time (TZ, /etc/localtime) is from UTC around that moment. */
struct acc_zone accd_wall_clock_zone(int64_t unix_s);
