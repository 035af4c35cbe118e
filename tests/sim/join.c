/*
 * The last stack joins accd's files later: until then accd knows nothing of it, while Compose may
 * have made and started its containers already.
 *
 * Services, stacks and resources are numbered by stacks, so those of the others have the same
 * numbers with it and without it; it depends on none of them, and none of them on it.
 */
#include <string.h>

#include "lib/base/assert.h"
#include "tests/sim/world.h"

#define MINUTE UINT64_C(60000)

bool world_has_join(const struct world_options *options)
{
    uint64_t kind = options->seed % 9;

    /* Regressions are none of these. */
    return !options->one_stream && !options->upgrades && !options->graph.platform &&
           options->graph.host_seed == 0 && (kind == 1 || kind == 5 || kind == 7);
}

void world_join_init(struct world *w)
{
    const struct acc_model *whole = w->graph.model;

    w->n_services = whole->n_services;
    w->join.must_observe = ACC_NONE;
    if (!(world_has_join(&w->options) || world_has_leave(&w->options)) || whole->n_stacks < 2) {
        return;
    }
    w->join.part = world_copy_model(whole, whole->n_stacks - 1);
    for (size_t i = 0; i < w->join.part->n_services; i++) {
        acc_assert(strcmp(w->join.part->services[i]->id, whole->services[i]->id) == 0);
    }
    if (w->join.part->n_services == 0 || w->join.part->n_services == whole->n_services) {
        w->join.part = acc_model_destroy(w->join.part);
    }
}

void world_join_fini(struct world *w)
{
    if (w->join.whole) {
        w->graph.model = w->join.whole;
    }
    w->join.whole = NULL;
    w->join.part = acc_model_destroy(w->join.part);
}

static bool is_compose_there(const struct world *w, uint32_t stack)
{
    for (size_t i = 0; i < w->twin.n; i++) {
        const struct twin_container *c = w->twin.item[i];

        if (c->exists && c->made.svc != ACC_NONE && !c->made.oneoff &&
            w->join.whole->service_stack[c->made.svc] == stack) {
            return true;
        }
    }
    return false;
}

static void join(void *ctx, uint64_t a, uint64_t b)
{
    struct world *w = ctx;
    uint32_t stack = (uint32_t)w->join.part->n_stacks;

    (void)a, (void)b;
    if (!w->join.whole) {
        return; /* it has joined */
    }
    w->graph.model = w->join.whole;
    world_trace(w, "  stack st%u joins the files", stack);
    if (is_compose_there(w, stack)) {
        w->join.must_observe = w->observe_new ? stack : ACC_NONE;
        for (uint32_t i = 0; i < w->n_services; i++) {
            w->oracle.service[i].is_unsure |= w->graph.model->service_stack[i] == stack;
        }
    }
    w->join.whole = NULL;
    world_apply(w);
}

void world_join_begin(struct world *w)
{
    struct sim_rand rand = {.state = w->options.seed ^ UINT64_C(0x701e)};

    if (!w->join.part || !world_has_join(&w->options)) {
        return;
    }
    if (sim_rand_below(&rand, 3) != 0) {
        world_compose_up(w, (uint32_t)w->join.part->n_stacks);
    }
    w->join.whole = w->graph.model;
    w->graph.model = w->join.part;
    sim_queue_in(&w->queue,
                 sim_rand_range(&rand, 1, w->options.calm ? MINUTE : w->options.chaos_ms), join, w,
                 0, 0);
}

void world_join_now(struct world *w)
{
    if (w->join.whole && world_has_join(&w->options)) {
        join(w, 0, 0);
    }
}

void world_join_check(struct world *w, const struct acc_action *a)
{
    if (w->graph.model->service_stack[a->svc] == w->join.must_observe &&
        a->type != ACC_ACT_SET_POLICY) {
        world_fail(w, "E10: %s of %s, whose stack was found running, and nobody has adopted it",
                   acc_action_type_name(a->type), world_service_id(w, a->svc));
    }
}

void world_join_word(struct world *w, uint32_t svc)
{
    if (world_stack_of(w, svc) == w->join.must_observe) {
        w->join.must_observe = ACC_NONE;
    }
}
