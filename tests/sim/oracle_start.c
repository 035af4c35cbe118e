/* What must be so when accd starts something (E3, E4, I2, I7, I8, I9). */
#include "tests/sim/oracle_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/sim/world.h"

/* Could accd have had a reason to take this container's run for ready, at some time? */
static bool may_be_ready(const struct oracle *o, const struct twin_container *c)
{
    const struct acc_service_spec *spec = spec_of(o, c->made.svc);
    uint64_t age_ms = now(o) - c->proc.started_ms;
    int64_t ignored;
    uint32_t retries;

    if (spec->probe == ACC_PROBE_NONE || c->proc.was_healthy) {
        return true;
    }
    /* Found running by a new accd (E10.3): how long it has run can't be known without a clock. */
    if (c->proc.started_ms < o->world->first_look_ms ||
        (c->start_token != TWIN_FOREIGN && world_life_of(c->start_token) != o->world->life)) {
        return true;
    }
    if (twin_health_of(o->world->graph.model, c->made.svc, &ignored, &ignored, &ignored,
                       &retries)) {
        return c->has_passed; /* initdb fooled Docker */
    }
    return (spec->n_ports > 0 && (c->proc.has_listened || age_ms >= spec->timing.listen_giveup)) ||
           (spec->n_ports == 0 && age_ms >= spec->timing.run_min);
}

/* --- the gate (I2, I9) ------------------------------------------------------------------------ */

static bool dep_runs(struct oracle *o, uint32_t dep, bool must_be_ready)
{
    const struct twin *twin = &o->world->twin;

    for (size_t i = 0; i < twin->n && i < o->n_containers; i++) { /* those that accd was told of */
        const struct twin_container *c = twin->item[i];
        const struct oracle_container *t = &o->container[i];

        if (c->made.svc != dep || c->made.oneoff || !oracle_is_seen(o, t) ||
            t->state != ACC_CTR_RUNNING) {
            continue;
        }
        /* Its own policy began another run, and nobody told: the one of before is what counts. */
        if (t->started_ns != c->started_ns
                ? now(o) - c->proc.started_ms < oracle_t_obs(o)
                : !must_be_ready || t->healthy_ns == c->started_ns || may_be_ready(o, c)) {
            return true;
        }
    }
    return false;
}

static void check_edge(struct oracle *o, uint32_t svc, const struct acc_edge *edge)
{
    const struct sim_workload *dep = &o->world->workloads.item[edge->target];
    const char *from = world_service_id(o->world, svc);
    const char *to = world_service_id(o->world, edge->target);
    bool to_ready = edge->condition == ACC_COND_READY;

    if (edge->kind == ACC_EDGE_MILESTONE) {
        if (edge->condition == ACC_COND_COMPLETED && !dep->has_done) {
            world_fail(o->world, "I2: %s starts, and its milestone %s was never reached", from, to);
        }
        return;
    }
    if ((edge->kind != ACC_EDGE_NEEDS && edge->kind != ACC_EDGE_BINDS) || edge->at_create ||
        spec_of(o, edge->target)->replicas == 0) {
        return;
    }
    if (!dep_runs(o, edge->target, to_ready)) {
        world_fail(o->world, "I2: %s starts, and %s was not seen %s in this epoch", from, to,
                   to_ready ? "ready" : "running");
    } else if (to_ready && dep->n_procs > 0 && dep->has_been_ready && !dep->is_ready &&
               !o->world->twin.quirks.frozen_health &&
               now(o) - dep->ready_change_ms > oracle_detection_ms(o, edge->target) &&
               now(o) - o->quiet_since_ms > oracle_detection_ms(o, edge->target) &&
               dep->proc[0]->was_healthy && !dep->proc[0]->is_cut_off && !dep->proc[0]->is_frozen &&
               twin_health_of(o->world->graph.model, edge->target, &(int64_t){0}, &(int64_t){0},
                              &(int64_t){0}, &(uint32_t){0})) {
        world_fail(o->world, "I9: %s starts, and %s is bad since %" PRIu64 " s", from, to,
                   (now(o) - dep->ready_change_ms) / 1000);
    }
}

/* --- the host, and tokens (E3) -----------------------------------------------------------------
 */

void oracle_check_host(struct oracle *o, const struct acc_action *a)
{
    if (world_host_lacks(o->world, a->svc, WORLD_HOST_TOLD_MS)) {
        world_fail(o->world, "E3: %s of %s, and the host lacks what it needs",
                   acc_action_type_name(a->type), world_service_id(o->world, a->svc));
    }
}

static bool share_token(const struct acc_service_spec *a, const struct acc_service_spec *b)
{
    for (size_t i = 0; i < a->n_serialize; i++) {
        for (size_t k = 0; k < b->n_serialize; k++) {
            if (a->serialize[i].at == b->serialize[k].at) {
                return true;
            }
        }
    }
    return false;
}

/* The new one of an upgrade that goes back. */
static bool goes_back(const struct acc_service_view *view, const struct twin_container *c)
{
    return view->step == ACC_ROLL_UNDO &&
           (c->made.revision ? c->made.revision : 1) != view->revision;
}

/* It gets ready, as accd sees it, and waits for nobody. The one of an upgrade that is to be stopped
 * now is going: nobody waits for it. */
static bool is_loading(const struct oracle *o, const struct acc_service_view *view,
                       const struct acc_instance_view *i)
{
    const struct twin_container *c = i->cid[0] ? twin_find(&o->world->twin, i->cid) : NULL;

    if (view->step == ACC_ROLL_DRAIN || view->step == ACC_ROLL_SWITCH) {
        return false;
    }
    if (i->state == ACC_INST_STARTING) {
        return true;
    }
    return i->state == ACC_INST_PROBING && view->n_roots == 0 && !i->stale && c &&
           !goes_back(view, c) && twin_is_running(c) && c->start_token != TWIN_FOREIGN &&
           !world_has_role(c->name) &&
           now(o) - c->proc.started_ms < spec_of(o, c->made.svc)->timing.start_deadline_min;
}

static void check_serialize(struct oracle *o, const struct acc_action *a)
{
    for (uint32_t s = 0; s < o->world->graph.model->n_services; s++) {
        struct acc_service_view view;

        if (!share_token(spec_of(o, a->svc), spec_of(o, s))) {
            continue;
        }
        acc_engine_service(o->world->engine, s, now(o), &view);
        for (uint32_t i = 0; i < view.n_instances && view.wanted_up && !view.observing; i++) {
            struct acc_instance_view instance;

            acc_engine_instance(o->world->engine, s, i, &instance);
            if (strcmp(instance.cid, a->cid) != 0 && is_loading(o, &view, &instance)) {
                world_fail(o->world, "E3: %s starts, and %s with the same token gets ready",
                           world_service_id(o->world, a->svc), instance.name);
            }
        }
    }
}

/* --- phases (E4) ------------------------------------------------------------------------------ */

static uint32_t phase_of(const struct oracle *o, uint32_t svc)
{
    const struct acc_model *model = o->world->graph.model;

    for (uint32_t k = 0; k < model->n_phases; k++) {
        if (strcmp(model->phases[k].name, spec_of(o, svc)->phase) == 0) {
            return k;
        }
    }
    return ACC_NONE;
}

/* Wanted for certain, of an accd that manages it, and nothing that forbids or prevents it. */
static bool is_owed(const struct oracle *o, uint32_t svc)
{
    const struct acc_model *model = o->world->graph.model;
    struct acc_service_view view;
    struct acc_service_record record;

    acc_engine_service(o->world->engine, svc, now(o), &view);
    acc_engine_service_record(o->world->engine, svc, now(o), &record);
    if (record.n_failures > 0 || spec_of(o, svc)->n_edges > 0 || spec_of(o, svc)->n_host > 0) {
        return false; /* a verdict of before, or of what it stands on, was enough to pass it over */
    }
    return o->service[svc].want_up && !o->service[svc].is_unsure && spec_of(o, svc)->replicas > 0 &&
           !spec_of(o, svc)->one_shot &&
           !acc_engine_stack_observing(o->world->engine, model->service_stack[svc]) &&
           (view.state == ACC_SVC_STARTING || view.state == ACC_SVC_QUEUED);
}

static bool is_seen_as(const struct oracle *o, uint32_t svc, enum acc_container_state state)
{
    for (size_t i = 0; i < o->world->twin.n && i < o->n_containers; i++) {
        if (o->world->twin.item[i]->made.svc == svc && oracle_is_seen(o, &o->container[i]) &&
            o->container[i].state == state) {
            return true;
        }
    }
    return false;
}

/* What was paused by hand runs, too. */
bool oracle_is_seen_paused(const struct oracle *o, uint32_t svc)
{
    return is_seen_as(o, svc, ACC_CTR_PAUSED);
}

/* By its own policy, in a stack that was only observed so far. */
static bool is_seen_restarting(const struct oracle *o, uint32_t svc)
{
    return is_seen_as(o, svc, ACC_CTR_RESTARTING);
}

/* Somebody else, or the accd of before, has begun it. */
static bool runs_already(struct oracle *o, uint32_t at)
{
    for (uint32_t i = 0; i < o->world->graph.model->n_services; i++) {
        if (phase_of(o, i) == at &&
            (dep_runs(o, i, false) || oracle_is_seen_paused(o, i) || is_seen_restarting(o, i))) {
            return true;
        }
    }
    return false;
}

/* It begins: nobody of an earlier one may be on its way, and never tried. */
static void check_begin(struct oracle *o, uint32_t at)
{
    const struct acc_model *model = o->world->graph.model;

    o->has_begun |= UINT64_C(1) << at;
    if (runs_already(o, at)) {
        return;
    }
    for (uint32_t i = 0; i < model->n_services; i++) {
        if (phase_of(o, i) < at && !o->service[i].was_tried && is_owed(o, i)) {
            world_fail(o->world, "E4: phase %s begins, and %s of phase %s was never started",
                       model->phases[at].name, world_service_id(o->world, i), spec_of(o, i)->phase);
        }
    }
}

static void check_phase(struct oracle *o, uint32_t svc)
{
    uint32_t at = phase_of(o, svc);

    if (at != ACC_NONE && !(o->has_begun & UINT64_C(1) << at)) {
        world_fail(o->world, "E4: %s starts, and its phase %s has not begun",
                   world_service_id(o->world, svc), spec_of(o, svc)->phase);
    }
}

/* "phase apps begins" */
void oracle_hear_phase(struct oracle *o, const char *text)
{
    const struct acc_model *model = o->world->graph.model;
    char begins[ACC_NOTE_MAX + 1];

    for (uint32_t k = 0; k < model->n_phases && strncmp(text, "phase ", 6) == 0; k++) {
        (void)snprintf(begins, sizeof(begins), "phase %.200s begins", model->phases[k].name);
        if (strcmp(text, begins) == 0) {
            check_begin(o, k);
        }
    }
}

/* Who is at rest, or can't come, holds a gate up for ever. */
bool oracle_is_behind_a_gate(const struct oracle *o, uint32_t svc)
{
    const struct acc_model *model = o->world->graph.model;
    uint32_t at = phase_of(o, svc);

    for (uint32_t i = 0; i < model->n_services && at != ACC_NONE; i++) {
        uint32_t k = phase_of(o, i);

        if (k < at && model->phases[k].has_gate && o->service[i].want_up &&
            (oracle_may_rest(spec_of(o, i)) || !oracle_is_viable(o, i))) {
            return true;
        }
    }
    return false;
}

/* --- the pace (I7, I8) ------------------------------------------------------------------------ */

static void check_pace(struct oracle *o, uint32_t svc)
{
    const struct oracle_service *s = &o->service[svc];
    const struct acc_timing *t = &spec_of(o, svc)->timing;
    uint64_t waited_ms = now(o) - s->ended_ms;
    uint64_t nominal_ms = t->backoff_base;

    if (s->n_failures < 2 || now(o) - s->command_ms < EXCUSE || o->world->options.upgrades) {
        return;
    }
    for (uint32_t i = 2; i < s->n_failures && nominal_ms < t->backoff_cap; i++) {
        nominal_ms *= 2;
    }
    nominal_ms = nominal_ms > t->backoff_cap ? t->backoff_cap : nominal_ms;
    if (waited_ms * 100 < nominal_ms * 79) {
        world_fail(o->world,
                   "I8: %s starts %" PRIu64 " ms after failure %u in a row; %" PRIu64 " are due",
                   world_service_id(o->world, svc), waited_ms, s->n_failures, nominal_ms);
    }
    if (s->n_failures >= t->budget && s->n_failures % t->budget == 0 &&
        s->ended_ms - s->first_failure_ms < t->budget_window * 9 / 10 &&
        waited_ms * 100 < t->open * 79) {
        world_fail(o->world,
                   "I7: %s starts %" PRIu64 " ms after failure %u in a row: the breaker "
                   "is not open",
                   world_service_id(o->world, svc), waited_ms, s->n_failures);
    }
}

void oracle_check_start(struct oracle *o, const struct acc_action *a)
{
    check_serialize(o, a);
    for (size_t i = 0; i < spec_of(o, a->svc)->n_edges && !o->world->is_failed; i++) {
        check_edge(o, a->svc, &spec_of(o, a->svc)->edges[i]);
    }
    check_phase(o, a->svc);
    check_pace(o, a->svc);
}
