#include "daemon/out/notify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef ACCD_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

static void tell(const char *state)
{
#ifdef ACCD_SYSTEMD
    (void)sd_notify(0, state); /* without $NOTIFY_SOCKET it does nothing */
#else
    (void)state;
#endif
}

static void on_closed(void *owner)
{
    (void)owner; /* embedded in the app */
}

static void on_watchdog(uv_timer_t *timer)
{
    (void)timer;
    tell("WATCHDOG=1");
}

/* Half of what systemd allows, in ms; 0 when it does not watch. */
static uint64_t watchdog_ms(void)
{
#ifdef ACCD_SYSTEMD
    uint64_t usec = 0;

    if (sd_watchdog_enabled(0, &usec) > 0) {
        return usec / 2000;
    }
#endif
    return 0;
}

int accd_notify_init(struct accd_notify *notify, uv_loop_t *loop)
{
    uint64_t period_ms = watchdog_ms();

    *notify = (struct accd_notify){.handles.on_all_closed = on_closed};
    notify->handles.owner = notify;
    int r = uv_timer_init(loop, &notify->watchdog);

    if (r < 0) {
        return r;
    }
    accd_handles_add(&notify->handles, (uv_handle_t *)&notify->watchdog);
    return period_ms > 0 ? uv_timer_start(&notify->watchdog, on_watchdog, period_ms, period_ms) : 0;
}

void accd_notify_ready(struct accd_notify *notify)
{
    (void)notify;
    tell("READY=1");
}

void accd_notify_reloading(struct accd_notify *notify)
{
    (void)notify;
    tell("RELOADING=1");
}

void accd_notify_stopping(struct accd_notify *notify)
{
    (void)notify;
    tell("STOPPING=1");
}

void accd_notify_status(struct accd_notify *notify, const char *text)
{
    char line[sizeof(notify->status) + 8];

    if (strncmp(notify->status, text, sizeof(notify->status) - 1) == 0) {
        return;
    }
    (void)snprintf(notify->status, sizeof(notify->status), "%s", text);
    (void)snprintf(line, sizeof(line), "STATUS=%s", notify->status);
    tell(line);
}

void accd_notify_close(struct accd_notify *notify)
{
    if (notify->handles.n_open > 0) {
        accd_handles_close(&notify->handles, (uv_handle_t *)&notify->watchdog);
    }
}
