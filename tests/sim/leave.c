/*
 * The last stack leaves accd's files while things go on, and comes back or doesn't (E10).
 *
 * What runs of it is stopped by the accd that had it, and its containers are kept until somebody
 * prunes. The next accd knows nothing of it. Who starts one of them again has taken the stack over,
 * and one that was only observed was never accd's: those are left alone.
 *
 * The engine counts what has left behind the services of its files, as far as it has containers.
 * Here a service keeps its number: that is how its containers, and what people do to them, go on.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "tests/sim/world.h"

#define MINUTE     UINT64_C(60000)
#define DEEDS_MAX  6u
#define RETURNS_IN 3u /* two of so many come back */

bool world_has_leave(const struct world_options *options)
{
    uint64_t kind = options->seed % 9;

    /* Regressions are none of these. */
    return !options->one_stream && !options->upgrades && !options->graph.platform &&
           options->graph.host_seed == 0 && (kind == 0 || kind == 2 || kind == 4);
}

static bool has_left(const struct world *w, uint32_t svc)
{
    return w->leave.is_left && svc != ACC_NONE && svc >= w->graph.model->n_services;
}

/* --- numbers ---------------------------------------------------------------------------------- */

const struct acc_service_spec *world_spec(const struct world *w, uint32_t svc)
{
    const struct acc_model *model = w->join.whole ? w->join.whole : w->graph.model;

    return model->services[svc];
}

uint32_t world_stack_of(const struct world *w, uint32_t svc)
{
    const struct acc_model *model = w->join.whole ? w->join.whole : w->graph.model;

    return model->service_stack[svc];
}

/* Of the engine's number. */
static uint32_t number_of(const struct world *w, uint32_t at)
{
    struct acc_service_view view;

    acc_engine_service(w->engine, at, w->queue.now_ms, &view);
    for (uint32_t i = (uint32_t)w->graph.model->n_services; i < w->n_services; i++) {
        if (strcmp(world_spec(w, i)->id, view.id) == 0) {
            return i;
        }
    }
    acc_assert(false);
    return ACC_NONE;
}

uint32_t world_leave_at(const struct world *w, uint32_t svc)
{
    struct acc_service_view view;

    if (svc < w->graph.model->n_services) {
        return svc;
    }
    for (uint32_t at = (uint32_t)w->graph.model->n_services; at < acc_engine_n_services(w->engine);
         at++) {
        acc_engine_service(w->engine, at, w->queue.now_ms, &view);
        if (strcmp(world_spec(w, svc)->id, view.id) == 0) {
            return at;
        }
    }
    return ACC_NONE;
}

void world_leave_renumber(struct world *w)
{
    for (size_t i = 0; w->leave.is_left && i < w->actions.n; i++) {
        struct acc_action *a = &w->actions.item[i];

        if (a->type != ACC_ACT_SAVE_STACK && a->svc != ACC_NONE &&
            a->svc >= w->graph.model->n_services) {
            a->svc = number_of(w, a->svc);
        }
    }
}

bool world_leave_is_told(const struct world *w, uint32_t svc)
{
    return has_left(w, svc) && w->engine && world_leave_at(w, svc) != ACC_NONE;
}

/* --- what must be so -------------------------------------------------------------------------- */

/* What its stack is to the accd that had it, for certain. */
static bool is_known(const struct world *w)
{
    return w->engine && w->life == w->leave.life && !w->leave.is_unsure;
}

void world_leave_hear(struct world *w, const struct acc_obs *obs, const struct twin_container *c)
{
    struct world_leave *l = &w->leave;
    bool is_foreign_run = obs->state == ACC_CTR_RUNNING && c->start_token == TWIN_FOREIGN &&
                          obs->started_ns == c->started_ns && c->proc.started_ms > l->since_ms;

    if (is_foreign_run && !c->made.oneoff && has_left(w, c->made.svc) && is_known(w) &&
        world_leave_at(w, c->made.svc) != ACC_NONE) {
        l->is_taken = true;
    }
}

void world_leave_check(struct world *w, const struct acc_action *a)
{
    const struct world_leave *l = &w->leave;
    bool is_stop = a->type == ACC_ACT_STOP || a->type == ACC_ACT_KILL;
    const char *what = acc_action_type_name(a->type);
    const char *id = world_service_id(w, a->svc);

    if (l->was_observed && is_known(w)) {
        world_fail(w, "E10: %s of %s, which was only observed when it left the files", what, id);
    } else if (l->is_taken) {
        world_fail(w, "E10: %s of %s, whose stack somebody has started since it left the files",
                   what, id);
    } else if (!is_stop && !(a->type == ACC_ACT_REMOVE && l->is_pruned)) {
        world_fail(w, "E10: %s of %s, which has left the files", what, id);
    }
}

const char *world_leave_unconverged(struct world *w)
{
    const struct world_leave *l = &w->leave;

    if (!l->is_left || !is_known(w) || l->was_observed || l->is_taken) {
        return NULL;
    }
    for (size_t i = 0; i < w->twin.n; i++) {
        const struct twin_container *c = w->twin.item[i];
        const struct oracle_hold *hold = &w->oracle.service[c->made.svc].hold;

        if (!c->exists || c->made.oneoff || !world_leave_is_told(w, c->made.svc) ||
            hold->kind != ACC_HOLD_NONE || hold->is_unsure) {
            continue;
        }
        if (twin_is_running(c)) {
            return "what has left the files still runs";
        }
        if (l->is_pruned) {
            return "what has left the files was pruned, and is still there";
        }
    }
    return NULL;
}

/* --- what happens ----------------------------------------------------------------------------- */

/* accd is told that its files have changed; when none is there, the next one reads them. */
void world_apply(struct world *w)
{
    struct acc_event event = {.type = ACC_EV_TIMEOUT};

    if (w->engine) {
        acc_engine_asked_by(w->engine, "root");
        acc_assert(acc_engine_reconfigure(w->engine, w->graph.model, NULL, 0, w->queue.now_ms) ==
                   0);
        world_step(w, &event);
    }
}

static uint32_t stack_of(const struct world *w)
{
    return (uint32_t)w->join.part->n_stacks;
}

static void doubt(struct world *w)
{
    for (uint32_t i = (uint32_t)w->join.part->n_services; i < w->n_services; i++) {
        w->oracle.service[i].is_unsure = true;
        w->oracle.service[i].hold.is_unsure = true; /* what has no container is forgotten with it */
        oracle_disturb(&w->oracle, i);
    }
}

static void prune(struct world *w)
{
    struct acc_event event = {.type = ACC_EV_TIMEOUT};

    if (w->engine) {
        world_trace(w, "  operator: apply --prune");
        w->leave.is_pruned = true;
        acc_engine_prune(w->engine);
        world_step(w, &event);
    }
}

/* Somebody does something with what has left. */
static void deed(void *ctx, uint64_t number, uint64_t b)
{
    struct world *w = ctx;
    struct sim_rand rand = sim_rand_at(w->options.seed, number, 0x1eaf);
    uint32_t n = w->join.part ? (uint32_t)w->join.part->n_services : 0;
    uint32_t svc;

    (void)b;
    if (!w->leave.is_left || w->is_failed) {
        return;
    }
    svc = n + (uint32_t)sim_rand_below(&rand, w->n_services - n);
    switch (sim_rand_below(&rand, 8)) {
    case 0:
    case 1:
        (void)world_foreign(w, TWIN_START, svc);
        break;
    case 2:
        (void)world_foreign(w, TWIN_STOP, svc);
        break;
    case 3:
        (void)world_foreign(w, TWIN_KILL, svc);
        break;
    case 4:
        (void)world_foreign(w, TWIN_REMOVE, svc);
        break;
    case 5:
        (void)world_foreign(w, TWIN_PAUSE, svc);
        break;
    default:
        prune(w);
        break;
    }
}

static void come_back(void *ctx, uint64_t a, uint64_t b)
{
    struct world *w = ctx;
    struct world_leave *l = &w->leave;
    bool is_left_alone = is_known(w) && (l->is_taken || (l->was_observed && l->has_containers));

    (void)a, (void)b;
    if (!l->is_left) {
        return;
    }
    world_trace(w, "  stack st%u is in the files again", stack_of(w));
    w->join.must_observe = is_left_alone ? stack_of(w) : ACC_NONE;
    w->graph.model = w->join.whole;
    w->join.whole = NULL;
    l->is_left = false;
    doubt(w);
    world_apply(w);
}

/* What it is to accd, before it goes. */
static void look(struct world *w)
{
    struct world_leave *l = &w->leave;
    struct acc_service_view view;

    l->is_unsure = !w->engine;
    if (w->engine) {
        acc_engine_service(w->engine, (uint32_t)w->join.part->n_services, w->queue.now_ms, &view);
        l->life = w->life;
        l->is_unsure = view.is_unseen;
        l->was_observed = view.observing;
    }
}

static void leave(void *ctx, uint64_t rest_ms, uint64_t b)
{
    struct world *w = ctx;
    struct sim_rand rand = {.state = w->options.seed ^ UINT64_C(0x1ef7)};
    uint64_t n_deeds = sim_rand_below(&rand, DEEDS_MAX + 1);

    (void)b;
    if (!w->is_chaos && !w->options.calm) {
        return;
    }
    look(w);
    world_trace(w, "  stack st%u leaves the files", stack_of(w));
    w->join.must_observe = ACC_NONE;
    w->join.whole = w->graph.model;
    w->graph.model = w->join.part;
    w->leave.is_left = true;
    w->leave.since_ms = w->queue.now_ms;
    w->leave.returns = sim_rand_below(&rand, RETURNS_IN) != 0;
    doubt(w);
    if (w->leave.returns) {
        sim_queue_in(&w->queue, sim_rand_range(&rand, 1, rest_ms), come_back, w, 0, 0);
    }
    for (uint64_t i = 0; i < n_deeds; i++) {
        sim_queue_in(&w->queue, sim_rand_range(&rand, 1, rest_ms), deed, w, i, 0);
    }
    world_apply(w);
    for (uint32_t i = (uint32_t)w->join.part->n_services; i < w->n_services; i++) {
        w->leave.has_containers |= world_leave_is_told(w, i);
    }
}

void world_leave_begin(struct world *w)
{
    struct sim_rand rand = {.state = w->options.seed ^ UINT64_C(0x1ea7e)};
    uint64_t all_ms = w->options.calm ? 5 * MINUTE : w->options.chaos_ms;
    uint64_t in_ms = sim_rand_range(&rand, 1, all_ms);

    if (world_has_leave(&w->options) && w->join.part) {
        sim_queue_in(&w->queue, in_ms, leave, w, all_ms - in_ms + 1, 0);
    }
}

void world_leave_end(struct world *w)
{
    if (w->leave.is_left && w->leave.returns) {
        come_back(w, 0, 0);
    }
}
