/* What must be so when accd stops or removes something (I5, I13, I15, E9, E10). */
#include "tests/sim/oracle_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/sim/world.h"

/* A look at Docker's verdict may be so old, and then its answer takes a while. */
#define RECOVERY_SEEN_MS (15u * SECOND)

/* --- no blind destruction (I5, I15) ----------------------------------------------------------- */

/* What was owed while it was forbidden is done when the hold is over. */
static bool was_held_lately(const struct oracle *o, const struct oracle_hold *hold)
{
    return hold->kind == ACC_HOLD_NONE
               ? hold->asked_ms > 0 && now(o) - hold->asked_ms < EXCUSE
               : now(o) < hold->until_ms || now(o) - hold->until_ms < EXCUSE;
}

static bool stands_on(const struct oracle *o, uint32_t svc, uint32_t on, unsigned depth)
{
    const struct acc_service_spec *spec = spec_of(o, svc);

    for (size_t i = 0; i < spec->n_edges && depth < 64; i++) {
        const struct acc_edge *edge = &spec->edges[i];

        if ((edge->kind == ACC_EDGE_NEEDS || edge->kind == ACC_EDGE_BINDS) &&
            (edge->target == on || stands_on(o, edge->target, on, depth + 1))) {
            return true;
        }
    }
    return false;
}

/* Also by the hold of one that has to go before it. */
static bool was_held_up(const struct oracle *o, uint32_t svc)
{
    for (uint32_t i = 0; i < o->world->graph.model->n_services; i++) {
        if (was_held_lately(o, &o->service[i].hold) && (i == svc || stands_on(o, i, svc, 0))) {
            return true;
        }
    }
    return was_held_lately(o, &o->maintenance);
}

static bool is_disturbed(const struct oracle *o, uint32_t svc)
{
    const struct oracle_service *s = &o->service[svc];

    return was_held_up(o, svc) || !s->want_up || s->is_unsure ||
           (s->command_ms && now(o) - s->command_ms < EXCUSE) ||
           (s->disturbed_ms && now(o) - s->disturbed_ms < EXCUSE);
}

/* It may be owed a restart after one dependency, which waits until all are there (E4), and what it
 * needs of the host. */
static bool waits_to_follow(const struct oracle *o, uint32_t svc)
{
    const struct acc_service_spec *spec = spec_of(o, svc);
    bool follows = false;
    bool waits = false;

    for (size_t i = 0; i < spec->n_edges; i++) {
        const struct acc_edge *edge = &spec->edges[i];
        const struct sim_workload *dep = &o->world->workloads.item[edge->target];

        if ((edge->kind == ACC_EDGE_NEEDS || edge->kind == ACC_EDGE_BINDS) && !edge->at_create) {
            follows |= edge->kind == ACC_EDGE_BINDS || edge->on_down != ACC_ON_DOWN_RIDE;
            waits |= !dep->is_ready || now(o) - dep->ready_change_ms < EXCUSE;
        }
    }
    for (size_t i = 0; i < spec->n_host; i++) {
        uint32_t at = spec->host[i].at;

        waits |= o->world->workloads.host_is_missing[at] ||
                 now(o) - o->world->host_change_ms[at] < EXCUSE;
    }
    return follows && waits;
}

/* Nothing that accd could hold against this run: it has been well for long, and so has everything
 * that may take it along. */
static bool is_beyond_reproach(const struct oracle *o, const struct twin_container *c,
                               unsigned depth)
{
    const struct acc_service_spec *spec = spec_of(o, c->made.svc);
    uint64_t long_ms = oracle_detection_ms(o, c->made.svc) + 3 * MINUTE;

    if (is_disturbed(o, c->made.svc) || c->state != ACC_CTR_RUNNING || !c->proc.is_healthy ||
        c->proc.is_doomed || now(o) - c->proc.healthy_since_ms < long_ms || depth > 64 ||
        spec->replicas != 1 || waits_to_follow(o, c->made.svc)) {
        return false;
    }
    for (size_t i = 0; i < spec->n_edges; i++) {
        const struct acc_edge *edge = &spec->edges[i];
        const struct sim_workload *dep = &o->world->workloads.item[edge->target];

        if (edge->kind != ACC_EDGE_BINDS && edge->on_down == ACC_ON_DOWN_RIDE) {
            continue;
        }
        const struct twin_container *other = world_container(o->world, edge->target, 1);

        if (!dep->is_ready || now(o) - dep->ready_change_ms < EXCUSE || !other ||
            !is_beyond_reproach(o, other, depth + 1)) {
            return false;
        }
    }
    return true;
}

void oracle_check_target(struct oracle *o, const struct acc_action *a,
                         const struct twin_container *c)
{
    const char *id = world_service_id(o->world, a->svc);

    if (!c || c->made.svc != a->svc || c->made.oneoff) {
        world_fail(o->world, "I5: %s of a container that is none of %s",
                   acc_action_type_name(a->type), id);
    } else if (!oracle_is_seen(o, oracle_told(o, a->cid))) {
        world_fail(o->world, "I5: %s of %s, not seen in this epoch", acc_action_type_name(a->type),
                   c->name);
    }
}

static void check_reproach(struct oracle *o, const struct acc_action *a, struct twin_container *c)
{
    if (c && !o->world->options.upgrades && is_beyond_reproach(o, c, 0)) {
        world_fail(o->world, "I15: %s of %s, which has been well for %" PRIu64 " s",
                   acc_action_type_name(a->type), c->name,
                   (now(o) - c->proc.healthy_since_ms) / 1000);
    }
    oracle_told(o, a->cid)->stop_ms = now(o);
}

static bool is_sharer(const struct acc_service_spec *spec)
{
    for (size_t i = 0; i < spec->n_edges; i++) {
        if (spec->edges[i].kind == ACC_EDGE_BINDS) {
            return true;
        }
    }
    return false;
}

/* What can't be started as it is, for a network or a namespace that is gone, is made anew. */
void oracle_check_remove(struct oracle *o, const struct acc_action *a,
                         const struct twin_container *c)
{
    const struct oracle_container *t = oracle_told(o, a->cid);
    const struct oracle_service *s = &o->service[a->svc];

    if (t->state == ACC_CTR_RUNNING || t->state == ACC_CTR_PAUSED) {
        world_fail(o->world, "I5: remove of %s, which was last seen running", c->name);
    } else if (!o->world->options.upgrades && s->want_up && !s->is_unsure &&
               !is_sharer(spec_of(o, a->svc)) && c->state == ACC_CTR_EXITED &&
               !twin_lost_network(&o->world->twin, c) && !strstr(c->error, "not found") &&
               spec_of(o, a->svc)->replicas == 1 && now(o) - s->command_ms > EXCUSE &&
               now(o) - s->disturbed_ms > EXCUSE) {
        world_fail(o->world, "I5: remove of %s, which is wanted and only has to be started",
                   c->name);
    }
}

/* --- the order of stops (I13) ----------------------------------------------------------------- */

static void check_stop_order(struct oracle *o, uint32_t dep)
{
    const struct acc_model *model = o->world->graph.model;

    if (o->service[dep].want_up || o->service[dep].is_unsure) {
        return; /* not by a plan */
    }
    for (uint32_t s = 0; s < model->n_services; s++) {
        for (size_t i = 0; i < spec_of(o, s)->n_edges; i++) {
            const struct acc_edge *edge = &spec_of(o, s)->edges[i];
            bool is_stop_type = edge->kind == ACC_EDGE_BINDS ||
                                (edge->kind == ACC_EDGE_NEEDS && edge->on_down == ACC_ON_DOWN_STOP);
            struct twin_container *c = edge->target == dep && is_stop_type
                                           ? world_container(o->world, s, 1)
                                           : NULL;
            const struct oracle_container *t = c ? oracle_told(o, c->cid) : NULL;

            if (t && oracle_is_seen(o, t) &&
                !acc_engine_stack_observing(o->world->engine, model->service_stack[s]) &&
                t->state == ACC_CTR_RUNNING && c->state == ACC_CTR_RUNNING &&
                c->started_ns == t->started_ns && c->start_token != TWIN_FOREIGN &&
                !(t->stop_ms && now(o) - t->stop_ms > spec_of(o, s)->stop_grace_ms + MINUTE)) {
                world_fail(o->world, "I13: %s is stopped, and %s, which must go first, runs",
                           world_service_id(o->world, dep), world_service_id(o->world, s));
            }
        }
    }
}

/* --- after a recovery (E3) ---------------------------------------------------------------------
 */

/* Since when all that it stands on has been well, and accd can know that. */
static bool is_carried_since(const struct oracle *o, uint32_t svc, uint64_t *ret_ms, unsigned depth)
{
    const struct acc_service_spec *spec = spec_of(o, svc);

    for (size_t i = 0; i < spec->n_host; i++) {
        uint32_t at = spec->host[i].at;

        if (o->world->workloads.host_is_missing[at]) {
            return false;
        }
        *ret_ms = o->world->host_change_ms[at] > *ret_ms ? o->world->host_change_ms[at] : *ret_ms;
    }
    for (size_t i = 0; i < spec->n_edges && depth < 64; i++) {
        const struct acc_edge *edge = &spec->edges[i];
        const struct sim_workload *dep = &o->world->workloads.item[edge->target];
        uint64_t since_ms = dep->ready_change_ms + oracle_detection_ms(o, edge->target);

        if ((edge->kind != ACC_EDGE_NEEDS && edge->kind != ACC_EDGE_BINDS) || edge->at_create) {
            continue;
        }
        if (!dep->is_ready || spec_of(o, edge->target)->replicas != 1) {
            return false;
        }
        *ret_ms = since_ms > *ret_ms ? since_ms : *ret_ms;
        if (!is_carried_since(o, edge->target, ret_ms, depth + 1)) {
            return false;
        }
    }
    return true;
}

/* Who has passed a check since has recovered, and who is well needs no restart at all. */
void oracle_hear_recovery(struct oracle *o, const struct acc_action *note)
{
    const struct twin_container *c;
    const struct oracle_container *t;
    uint64_t since_ms = o->quiet_since_ms + oracle_t_obs(o);

    if (note->svc == ACC_NONE || strncmp(note->note.text, "did not recover", 15) != 0 ||
        spec_of(o, note->svc)->replicas != 1 || o->world->options.upgrades) {
        return;
    }
    c = world_container(o->world, note->svc, 1);
    t = c ? oracle_told(o, c->cid) : NULL;
    if (!t || c->state != ACC_CTR_RUNNING || c->started_ns != t->started_ns) {
        return;
    }
    if (c->health == ACC_DH_HEALTHY && c->check_exit == 0 && c->monitor != 0 &&
        twin_now_ns(&o->world->twin) - c->check_end_ns > RECOVERY_SEEN_MS * 1000000ll) {
        world_fail(o->world, "E3: %s is restarted as it did not recover, and is healthy",
                   world_service_id(o->world, note->svc));
    } else if (t->passed_ms && is_carried_since(o, note->svc, &since_ms, 0) &&
               t->passed_ms > since_ms + RECOVERY_SEEN_MS) {
        world_fail(o->world,
                   "E3: %s is restarted as it did not recover, and has passed a check %" PRIu64
                   " s ago",
                   world_service_id(o->world, note->svc), (now(o) - t->passed_ms) / 1000);
    }
}

/* --- the host shuts down (E10) -----------------------------------------------------------------
 */

/* Nothing is asked for but stops, and those only while the host waits. */
void oracle_check_shutdown(struct oracle *o, const struct acc_action *a)
{
    const struct world_shutdown *d = &o->world->shutdown;
    bool is_stop = a->type == ACC_ACT_STOP || a->type == ACC_ACT_KILL;

    if (d->is_on && (!is_stop || now(o) >= d->until_ms)) {
        world_fail(o->world, "E10: %s while the host shuts down%s", acc_action_type_name(a->type),
                   is_stop ? ", and its time is over" : "");
    }
}

/* accd waits for Docker's answer about it, and asks for nothing else meanwhile (I3). */
static bool is_busy(const struct oracle *o, const char *cid)
{
    for (size_t i = 0; i < WORLD_OPS_MAX; i++) {
        if (o->world->op[i].is_used && strcmp(o->world->op[i].action.cid, cid) == 0) {
            return true;
        }
    }
    return false;
}

/* It runs, for all that accd was told, and began so long ago that it was known when this began. */
static bool was_running(struct oracle *o, uint32_t svc)
{
    const struct twin_container *c = world_container(o->world, svc, 1);
    const struct oracle_container *t = c ? oracle_told(o, c->cid) : NULL;

    return t && oracle_is_seen(o, t) && t->state == ACC_CTR_RUNNING &&
           c->state == ACC_CTR_RUNNING && c->started_ns == t->started_ns &&
           c->start_token != TWIN_FOREIGN && !t->stop_ms && !is_busy(o, c->cid) &&
           !acc_engine_stack_observing(o->world->engine, o->world->graph.model->service_stack[svc]);
}

static bool is_hard(const struct acc_edge *edge)
{
    return !edge->at_create && (edge->kind == ACC_EDGE_NEEDS || edge->kind == ACC_EDGE_BINDS);
}

/* It isn't stopped for a hold, or as it was paused by hand: its own, or of one that needs it. */
static bool is_left_alone(const struct oracle *o, uint32_t svc, unsigned depth)
{
    if (was_held_up(o, svc) || oracle_is_seen_paused(o, svc)) {
        return true;
    }
    for (uint32_t s = 0; s < o->world->graph.model->n_services && depth < 16; s++) {
        for (size_t i = 0; i < spec_of(o, s)->n_edges; i++) {
            const struct acc_edge *edge = &spec_of(o, s)->edges[i];

            if (edge->target == svc && is_hard(edge) && is_left_alone(o, s, depth + 1)) {
                return true;
            }
        }
    }
    return false;
}

/* I13, of all edges that have an order: who stands on it was stopped before. The level of the other
 * one may be over before it is down, but not before it was asked to stop. */
static void check_shutdown_order(struct oracle *o, uint32_t dep)
{
    for (uint32_t s = 0; s < o->world->graph.model->n_services; s++) {
        for (size_t i = 0; i < spec_of(o, s)->n_edges; i++) {
            const struct acc_edge *edge = &spec_of(o, s)->edges[i];

            if (edge->target != dep || edge->kind == ACC_EDGE_CONFLICTS || !was_running(o, s) ||
                (!is_hard(edge) && is_left_alone(o, s, 0))) {
                continue;
            }
            world_fail(o->world,
                       "I13: the host shuts down, %s is stopped, and %s, which stands on "
                       "it, was not",
                       world_service_id(o->world, dep), world_service_id(o->world, s));
        }
    }
}

/* --- rollouts (E9) ---------------------------------------------------------------------------- */

/* The old one of a rollout that starts the new one first goes when the new one runs. */
static void check_swap(struct oracle *o, const struct acc_event *event, const struct acc_action *a,
                       const struct twin_container *c)
{
    const struct oracle_service *s = &o->service[a->svc];
    const struct twin *twin = &o->world->twin;
    struct acc_service_record record;

    acc_engine_service_record(o->world->engine, a->svc, now(o), &record);
    if (event->type == ACC_EV_CMD || now(o) < s->restarting_until_ms) {
        return; /* a restart that somebody asks for */
    }
    if (c && record.rollout.step < ACC_ROLL_DRAIN &&
        (!c->proc.is_healthy || oracle_told(o, c->cid)->is_unhealthy)) {
        return; /* it is healed as ever until its new one serves, by what was told of it */
    }
    if (!c || record.rollout.step == ACC_ROLL_IDLE || record.rollout.step > ACC_ROLL_SWITCH ||
        !record.rollout.start_first || !s->want_up || s->is_unsure || !oracle_is_root(o, a->svc) ||
        (c->made.revision ? c->made.revision : 1) != record.rollout.from ||
        c->start_token == TWIN_FOREIGN || oracle_told(o, c->cid)->state != ACC_CTR_RUNNING) {
        return;
    }
    for (size_t i = 0; i < twin->n && i < o->n_containers; i++) {
        const struct twin_container *other = twin->item[i];

        if (other != c && oracle_is_slot(other, a->svc, c->made.number) &&
            o->container[i].state == ACC_CTR_RUNNING) {
            return;
        }
    }
    world_fail(o->world, "E9: %s of %s, and its new one doesn't run", acc_action_type_name(a->type),
               c->name);
}

void oracle_check_stop(struct oracle *o, const struct acc_event *event, const struct acc_action *a,
                       struct twin_container *c)
{
    if (o->world->shutdown.is_on) {
        check_shutdown_order(o, a->svc);
        oracle_told(o, a->cid)->stop_ms = now(o);
    } else {
        check_swap(o, event, a, c);
        check_reproach(o, a, c);
        check_stop_order(o, a->svc);
    }
}
