/* dockerd itself: it hangs, leaves, dies and comes back. */
#include <string.h>

#include "lib/base/assert.h"
#include "tests/sim/twin.h"
#include "tests/sim/twin_internal.h"

static void set_power(struct twin *twin, enum twin_power power)
{
    twin->power = power;
    twin->listener.power(twin->listener.ctx, power);
}

/* --- SIGSTOP -------------------------------------------------------------------------------- */

static void thaw(void *ctx, uint64_t boot, uint64_t b)
{
    struct twin *twin = ctx;

    (void)b;
    if (twin->boot != boot || twin->power != TWIN_HUNG) {
        return;
    }
    set_power(twin, TWIN_UP);
    for (size_t i = 0; i < twin->n; i++) { /* containerd had kept the exits for it */
        struct twin_container *c = twin->item[i];

        if (c->exists && c->exit_pending) {
            twin_run_ended(twin, c, c->pending_code, c->pending_oom);
        }
    }
}

void twin_hang(struct twin *twin, uint64_t for_ms)
{
    if (twin->power == TWIN_UP) {
        set_power(twin, TWIN_HUNG);
        sim_queue_in(twin->queue, for_ms, thaw, twin, twin->boot, 0);
    }
}

/* --- start ---------------------------------------------------------------------------------- */

static void policy_start(void *ctx, uint64_t index, uint64_t boot)
{
    struct twin *twin = ctx;
    struct twin_container *c = twin->item[index];

    if (c->exists && twin->boot == boot && twin->power == TWIN_UP && c->state == ACC_CTR_EXITED) {
        twin_run_begin(twin, c, TWIN_FOREIGN, true);
    }
}

/* moby daemon/daemon.go restore() */
static void restore(struct twin *twin, struct twin_container *c)
{
    bool ran = twin_is_running(c);

    c->is_starting = false;
    if (ran && !twin->live_restore && c->proc.is_alive) {
        twin_run_kill(twin, c); /* a daemon without live-restore kills what it finds */
        c->pending_code = EXIT_LOST;
    }
    if (ran && c->exit_pending) { /* no event ever tells it */
        c->state = ACC_CTR_EXITED;
        c->exit_code = c->pending_code;
        c->oom = c->pending_oom;
        c->finished_ns = twin_now_ns(twin);
        c->health = c->health == ACC_DH_NONE ? ACC_DH_NONE : ACC_DH_UNHEALTHY;
        c->exit_pending = c->is_stopping = false;
        c->monitor = 0;
    } else if (ran) {
        c->is_stopping = false;
        if (c->state == ACC_CTR_RUNNING && !twin->quirks.frozen_health) {
            /* 25.0+: `starting`, without an event (moby#47051) */
            c->health = c->health == ACC_DH_NONE ? ACC_DH_NONE : ACC_DH_STARTING;
            c->streak = 0;
            twin_monitor_start(twin, c);
        }
        return;
    }
    if (c->state == ACC_CTR_RESTARTING) {
        c->state = ACC_CTR_EXITED;
    }
    if (c->state == ACC_CTR_EXITED && !c->manually_stopped &&
        (c->policy == ACC_RESTART_ALWAYS || c->policy == ACC_RESTART_UNLESS_STOPPED)) {
        /* all at once, in no order */
        sim_queue_in(twin->queue, sim_rand_range(twin_luck(twin, c->made.svc), 50, 3000),
                     policy_start, twin, c->index, twin->boot);
    }
}

static void come_back(void *ctx, uint64_t boot, uint64_t b)
{
    struct twin *twin = ctx;

    (void)b;
    acc_assert(twin->boot == boot && twin->power == TWIN_DOWN);
    for (size_t i = 0; i < twin->n; i++) {
        if (twin->item[i]->exists) {
            restore(twin, twin->item[i]);
        }
    }
    set_power(twin, TWIN_UP);
}

/* --- end ------------------------------------------------------------------------------------ */

/* Whatever was asked and not answered is void: nobody will ever know. */
static void go_down(struct twin *twin, uint64_t down_ms)
{
    twin->boot++;
    for (size_t i = 0; i < twin->n; i++) {
        twin_drop_waiting(twin, twin->item[i]);
        twin->item[i]->monitor = 0;
        if (twin->item[i]->state == ACC_CTR_RESTARTING) {
            twin->item[i]->state = ACC_CTR_EXITED;
        }
    }
    set_power(twin, TWIN_DOWN);
    sim_queue_in(twin->queue, down_ms, come_back, twin, twin->boot, 0);
}

void twin_crash(struct twin *twin, uint64_t down_ms)
{
    if (twin->power == TWIN_UP || twin->power == TWIN_HUNG) {
        go_down(twin, down_ms);
    }
}

static bool anything_runs(const struct twin *twin)
{
    for (size_t i = 0; i < twin->n; i++) {
        if (twin->item[i]->exists && twin_is_running(twin->item[i])) {
            return true;
        }
    }
    return false;
}

static void leave(void *ctx, uint64_t down_ms, uint64_t kill_at_ms)
{
    struct twin *twin = ctx;

    if (!twin->live_restore && twin->queue->now_ms >= kill_at_ms) {
        for (size_t i = 0; i < twin->n; i++) {
            if (twin->item[i]->exists && twin_is_running(twin->item[i])) {
                twin_run_kill(twin, twin->item[i]);
            }
        }
    }
    if (twin->live_restore || !anything_runs(twin)) {
        go_down(twin, down_ms); /* the event stream ends with it */
    } else {
        sim_queue_in(twin->queue, 250, leave, twin, down_ms, kill_at_ms);
    }
}

void twin_restart(struct twin *twin, uint64_t down_ms)
{
    if (twin->power != TWIN_UP) {
        return;
    }
    set_power(twin, TWIN_LEAVING);
    for (size_t i = 0; i < twin->n && !twin->live_restore; i++) {
        struct twin_container *c = twin->item[i];

        if (c->exists && c->state == ACC_CTR_PAUSED) {
            c->state = ACC_CTR_RUNNING;
            sim_proc_freeze(&c->proc, false);
        }
        if (c->exists && c->state == ACC_CTR_RUNNING) { /* not "manually": the flag stays off */
            c->is_stopping = true;
            twin_hint(twin, c, ACC_HINT_KILL, 15);
            sim_proc_term(&c->proc);
        } else if (c->exists && c->state == ACC_CTR_RESTARTING) {
            c->state = ACC_CTR_EXITED;
        }
    }
    sim_queue_in(twin->queue, 1000, leave, twin, down_ms, twin->queue->now_ms + 15000);
}
