/* The host shuts down and boots, or stays up after all: what logind and the power switch do. */
#include "lib/base/assert.h"
#include "tests/sim/world.h"

#define SECOND UINT64_C(1000)
#define MINUTE (60 * SECOND)
/* logind's look at who still holds a lock, and the last words of accd. */
#define LOOK_MS 250u

void world_shutdown_init(struct world *w)
{
    struct sim_rand rand = {.state = w->options.seed ^ UINT64_C(0x90437)};

    /* Regressions are of before there was such a fault. */
    if (!w->options.one_stream && w->options.seed % 5 == 2) {
        w->faults.shutdown = MINUTE * sim_rand_range(&rand, 20, 200);
    }
}

static void tell(struct world *w)
{
    struct acc_event event = {.type = ACC_EV_SHUTDOWN};
    uint64_t until_ms = w->shutdown.until_ms;

    event.shutdown.is_cancelled = !w->shutdown.is_on;
    if (w->shutdown.is_on && until_ms > w->queue.now_ms) {
        event.shutdown.budget_ms = until_ms - w->queue.now_ms;
    }
    oracle_disturb_all(&w->oracle);
    for (uint32_t i = 0; i < w->graph.model->n_services && !w->shutdown.is_on; i++) {
        w->oracle.service[i].was_tried = false; /* phases begin anew */
    }
    w->oracle.has_begun = 0;
    world_step(w, &event);
}

void world_shutdown_tell(struct world *w)
{
    if (w->shutdown.is_on) {
        tell(w);
    }
}

static void boot(void *ctx, uint64_t number, uint64_t b)
{
    struct world *w = ctx;

    (void)b;
    if (w->shutdown.number == number) {
        world_trace(w, "the host has booted");
        w->shutdown.is_on = w->stays_dead = false;
        world_accd_start(w);
    }
}

/* systemd ends accd, which asks for nothing more, then dockerd, which ends what still runs; and
 * with the host all is gone. */
static void go_down(struct world *w)
{
    uint64_t off_ms = sim_rand_range(&w->shutdown.rand, SECOND, 20 * SECOND);

    world_trace(w, "the host is off");
    w->stays_dead = true;
    world_accd_kill(w, false, false);
    w->twin.live_restore = false;
    if (sim_rand_below(&w->shutdown.rand, 2)) {
        twin_restart(&w->twin, off_ms);
    }
    twin_crash(&w->twin, off_ms); /* unless it is going down already */
    sim_queue_in(&w->queue, sim_rand_range(&w->shutdown.rand, SECOND, 30 * SECOND), boot, w,
                 w->shutdown.number, 0);
}

static bool is_waited_for(const struct world *w)
{
    struct acc_shutdown_view view;

    if (w->queue.now_ms >= w->shutdown.until_ms) {
        return false;
    }
    if (!w->engine) {
        return w->shutdown.is_held; /* by somebody else: its own lock went with it */
    }
    acc_engine_shutdown(w->engine, w->queue.now_ms, &view);
    return !view.is_over;
}

static void look(void *ctx, uint64_t number, uint64_t b)
{
    struct world *w = ctx;

    (void)b;
    if (w->shutdown.number != number) {
        return;
    }
    if (w->shutdown.stays_ms && w->queue.now_ms >= w->shutdown.stays_ms) {
        world_trace(w, "the host stays up after all");
        w->shutdown.is_on = false;
        tell(w);
    } else if (is_waited_for(w) || w->shutdown.stays_ms) {
        sim_queue_in(&w->queue, LOOK_MS, look, w, number, 0);
    } else {
        go_down(w);
    }
}

void world_shut_down(struct world *w, uint64_t luck)
{
    static const uint64_t budgets[] = {0, 4500, 30 * SECOND, 90 * SECOND};
    struct world_shutdown *d = &w->shutdown;

    if (d->is_on || w->stays_dead) {
        return;
    }
    *d = (struct world_shutdown){.is_on = true, .number = d->number + 1, .rand.state = luck};
    d->since_ms = w->queue.now_ms;
    d->until_ms = w->queue.now_ms + budgets[sim_rand_below(&d->rand, ACC_ARRAY_LEN(budgets))];
    d->is_held = sim_rand_below(&d->rand, 2);
    if (sim_rand_below(&d->rand, 3) == 0) { /* called off, also when all is down already */
        d->stays_ms = w->queue.now_ms + sim_rand_range(&d->rand, 1, 60 * SECOND);
    }
    world_trace(w, "the host shuts down, and waits for %llu s",
                (unsigned long long)((d->until_ms - d->since_ms) / SECOND));
    tell(w);
    sim_queue_in(&w->queue, LOOK_MS, look, w, d->number, 0);
}
