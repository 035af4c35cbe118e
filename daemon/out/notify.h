#pragma once

/*
 * systemd: READY, STATUS, RELOADING, WATCHDOG (sd_notify), when $NOTIFY_SOCKET asks for it.
 *
 * The watchdog is petted from the loop, so a loop that hangs is what systemd sees.
 */

#include <uv.h>

#include "daemon/uvx.h"

struct accd_notify {
    struct accd_handles handles;
    uv_timer_t watchdog;
    char status[160]; /* what was told last: systemd is told of changes only */
};

int accd_notify_init(struct accd_notify *notify, uv_loop_t *loop);
void accd_notify_ready(struct accd_notify *notify);
void accd_notify_reloading(struct accd_notify *notify);
void accd_notify_stopping(struct accd_notify *notify);
void accd_notify_status(struct accd_notify *notify, const char *text);
void accd_notify_close(struct accd_notify *notify);
