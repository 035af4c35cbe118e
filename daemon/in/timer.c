#include "daemon/in/timer.h"

static void on_closed(void *owner)
{
    (void)owner; /* embedded in the app, which outlives the loop */
}

int accd_timer_init(struct accd_timer *timer, uv_loop_t *loop, struct accd_pump *pump)
{
    *timer = (struct accd_timer){.pump = pump};
    timer->handles.owner = timer;
    timer->handles.on_all_closed = on_closed;
    int r = uv_timer_init(loop, &timer->uv);

    if (r == 0) {
        accd_handles_add(&timer->handles, (uv_handle_t *)&timer->uv);
    }
    return r;
}

static void on_timer(uv_timer_t *uv)
{
    struct accd_timer *timer = accd_handle_owner(uv);
    struct acc_event event = {.type = ACC_EV_TIMEOUT, .now_ms = uv_now(uv->loop)};

    (void)accd_pump_push(timer->pump, &event); /* full: a run is due anyway and re-arms us */
    accd_pump_run(timer->pump);
}

void accd_timer_arm(struct accd_timer *timer, uint64_t deadline_ms)
{
    uint64_t now_ms = uv_now(timer->uv.loop);

    if (deadline_ms == ACC_DEADLINE_NONE) {
        (void)uv_timer_stop(&timer->uv);
        return;
    }
    (void)uv_timer_start(&timer->uv, on_timer, deadline_ms > now_ms ? deadline_ms - now_ms : 0, 0);
}

void accd_timer_close(struct accd_timer *timer)
{
    if (timer->handles.n_open > 0) {
        accd_handles_close(&timer->handles, (uv_handle_t *)&timer->uv);
    }
}
