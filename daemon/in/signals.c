#include "daemon/in/signals.h"

#include <signal.h>

static const int watched[ACCD_SIGNALS] = {SIGTERM, SIGINT, SIGHUP};

static void on_closed(void *owner)
{
    (void)owner; /* embedded in the app */
}

static void on_signal(uv_signal_t *uv, int signum)
{
    struct accd_signals *signals = accd_handle_owner(uv);

    if (signum == SIGHUP) {
        signals->on_reload(signals->ctx);
    } else {
        signals->on_leave(signals->ctx, signum);
    }
}

int accd_signals_init(struct accd_signals *signals, uv_loop_t *loop)
{
    int r = 0;

    signals->handles = (struct accd_handles){.owner = signals, .on_all_closed = on_closed};
    (void)signal(SIGPIPE, SIG_IGN); /* a peer that went away is an error code, not a death */
    for (int i = 0; i < ACCD_SIGNALS && r == 0; i++) {
        r = uv_signal_init(loop, &signals->uv[i]);
        if (r == 0) {
            accd_handles_add(&signals->handles, (uv_handle_t *)&signals->uv[i]);
            r = uv_signal_start(&signals->uv[i], on_signal, watched[i]);
        }
    }
    return r;
}

void accd_signals_close(struct accd_signals *signals)
{
    unsigned n = signals->handles.n_open;

    for (unsigned i = 0; i < n && i < ACCD_SIGNALS; i++) {
        accd_handles_close(&signals->handles, (uv_handle_t *)&signals->uv[i]);
    }
}
