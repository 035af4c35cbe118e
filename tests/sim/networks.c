/* Networks that people change under what runs: docker network disconnect, connect, rm, prune. */
#include <string.h>

#include "tests/sim/world.h"

#define MINUTE UINT64_C(60000)
/* Somebody looks what accd says of them. */
#define MEND_EVERY (10 * MINUTE)

void world_networks_init(struct world *w)
{
    struct sim_rand rand = {.state = w->options.seed ^ UINT64_C(0x4e7)};
    uint64_t kind = w->options.seed % 13;

    if (!w->options.one_stream && (kind == 1 || kind == 12)) { /* regressions are none of these */
        w->faults.network = MINUTE * sim_rand_range(&rand, 3, 40);
    }
}

/* Somebody finds out, and puts it on again. */
static void connect_later(void *ctx, uint64_t index, uint64_t b)
{
    struct world *w = ctx;
    struct twin_container *c = w->twin.item[index];

    (void)b;
    if (c->exists && c->is_off && w->twin.power == TWIN_UP) {
        world_trace(w, "  by hand: docker network connect of %s", c->name);
        twin_connect(&w->twin, c);
    }
}

static void disconnect(struct world *w, uint32_t svc)
{
    struct twin_container *c = world_container(w, svc, 1);
    bool comes_back = sim_rand_below(world_fate(w), 2) == 0;
    uint64_t for_ms = sim_rand_range(world_fate(w), 500, 20 * MINUTE);

    if (!c || c->is_off) {
        return;
    }
    world_trace(w, "  by hand: docker network disconnect of %s", c->name);
    twin_disconnect(&w->twin, c);
    if (comes_back) {
        sim_queue_in(&w->queue, for_ms, connect_later, w, c->index, 0);
    }
}

void world_networks_strike(struct world *w)
{
    uint32_t svc = (uint32_t)sim_rand_below(world_fate(w), w->graph.model->n_services);
    uint64_t luck = sim_rand_below(world_fate(w), 10);
    uint32_t stack = w->graph.model->service_stack[svc];

    if (cut_has_service(w, svc) || w->twin.power != TWIN_UP) {
        return;
    }
    if (luck < 5) {
        disconnect(w, svc);
    } else if (luck < 8) {
        world_trace(w, "  by hand: docker network rm of st%u", stack);
        twin_remove_network(&w->twin, stack, true);
    } else {
        world_trace(w, "  by hand: docker network prune");
        for (stack = 0; stack < w->graph.model->n_stacks; stack++) {
            twin_remove_network(&w->twin, stack, false);
        }
    }
}

/* It is said of what follows its file; what doesn't, a rolled back one, is put on again by hand. */
static bool is_shown(const struct world *w, const struct twin_container *c)
{
    struct acc_service_view view;

    if (!w->engine) {
        return true;
    }
    acc_engine_service(w->engine, c->made.svc, w->queue.now_ms, &view);
    return strstr(view.reason, "taken off its network") != NULL || !twin_is_running(c);
}

/* Who comes up later, off its network, is found out later. */
static void mend(void *ctx, uint64_t a, uint64_t b)
{
    struct world *w = ctx;

    for (size_t i = 0; i < w->twin.n && !w->is_failed; i++) {
        struct twin_container *c = w->twin.item[i];

        if (c->exists && c->is_off && !world_has_role(c->name) && c->made.svc != ACC_NONE &&
            c->made.svc < w->graph.model->n_services && !c->made.oneoff &&
            w->oracle.service[c->made.svc].want_up) {
            if (is_shown(w, c)) {
                world_command(w, ACC_VERB_RESTART, c->made.svc, false);
            } else {
                connect_later(w, c->index, 0);
            }
        }
    }
    sim_queue_in(&w->queue, MEND_EVERY, mend, w, a, b);
}

void world_networks_mend(struct world *w)
{
    if (w->faults.network > 0) {
        mend(w, 0, 0);
    }
}
