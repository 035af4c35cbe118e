/*
 * `apply --prune` whose caller has left, or didn't want to wait: networks and volumes go once their
 * containers have gone, all the same. What becomes of them stands in the log.
 */

#include "daemon/in/control_job.h"
#include "lib/engine/engine.h"

void accd_control_prune_later(struct accd_control *control, bool volumes)
{
    if (control->is_closing) {
        return;
    }
    control->prune_is_due = true;
    control->prunes_volumes |= volumes;
    if (!uv_is_active((uv_handle_t *)&control->timer)) {
        (void)uv_timer_again(&control->timer);
    }
}

static bool is_pending(const struct accd_control *control)
{
    const struct acc_engine *engine = control->config.engine;
    char text[ACC_REASON_MAX + 1];

    for (uint32_t i = 0; i < acc_engine_n_services(engine); i++) {
        if (acc_engine_applied(engine, i, uv_now(control->config.loop), text) ==
            ACC_SETTLED_PENDING) {
            return true;
        }
    }
    return false;
}

static void ignore(void *arg, const char *lines)
{
    (void)arg;
    (void)lines;
}

void accd_control_prune_run(struct accd_control *control)
{
    if (!control->prune_is_due || is_pending(control)) {
        return;
    }
    control->prune_is_due = false;
    control->config.ops.prune(control->config.ops_ctx, control->prunes_volumes, ignore, NULL);
    control->prunes_volumes = false;
}
