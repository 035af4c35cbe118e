#include "tests/sim/oracle.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "tests/sim/world.h"

#define SECOND 1000u
#define MINUTE (60u * SECOND)
#define HOUR   (60u * MINUTE)
/* E11 T_obs: what was seen longer ago than a full list and some counts for nothing. */
#define T_OBS_MORE (25u * SECOND)
/* A word of an operator or a blow from outside explains whatever happens within this time. */
#define EXCUSE               (10u * MINUTE)
#define ACTIONS_A_MINUTE_MAX 60u

static const struct acc_service_spec *spec_of(const struct oracle *o, uint32_t svc)
{
    return o->world->graph.model->services[svc];
}

static uint64_t now(const struct oracle *o)
{
    return o->world->queue.now_ms;
}

static uint64_t t_obs(const struct oracle *o)
{
    return spec_of(o, 0)->timing.resync + T_OBS_MORE;
}

void oracle_init(struct oracle *o, struct world *world)
{
    size_t n = world->graph.model->n_services;

    *o = (struct oracle){.world = world};
    o->service = calloc(n + 1, sizeof(*o->service));
    o->was_observing = calloc(world->graph.model->n_stacks + 1, sizeof(*o->was_observing));
    acc_assert(o->service && o->was_observing);
    for (size_t i = 0; i < n; i++) {
        o->service[i].want_up = true;
    }
}

void oracle_fini(struct oracle *o)
{
    free(o->container);
    free(o->service);
    free(o->was_observing);
    *o = (struct oracle){0};
}

/* --- what was told --------------------------------------------------------------------------- */

static struct oracle_container *told(struct oracle *o, const char *cid)
{
    struct twin *twin = &o->world->twin;
    const struct twin_container *c = twin_find_ever(twin, cid);

    if (o->n_containers < twin->n) {
        size_t n = 2 * twin->n;

        o->container = realloc(o->container, n * sizeof(*o->container));
        acc_assert(o->container);
        memset(o->container + o->n_containers, 0, (n - o->n_containers) * sizeof(*o->container));
        o->n_containers = n;
    }
    return c ? &o->container[c->index] : NULL;
}

static bool is_seen(const struct oracle *o, const struct oracle_container *t)
{
    return t && t->epoch == o->world->epoch && o->world->conn == WORLD_CONN_UP;
}

void oracle_disturb(struct oracle *o, uint32_t svc)
{
    if (svc != ACC_NONE) {
        o->service[svc].disturbed_ms = now(o);
        o->service[svc].n_failures = 0;
    }
}

void oracle_doubt_command(struct oracle *o)
{
    for (uint32_t i = 0; i < o->world->graph.model->n_services; i++) {
        o->service[i].is_unsure |= o->service[i].command_ms == now(o);
        o->service[i].hold.is_unsure |= o->service[i].hold.asked_ms == now(o);
    }
    o->maintenance.is_unsure |= o->maintenance.asked_ms == now(o);
}

static void lose_hold(const struct oracle *o, struct oracle_hold *hold, bool all)
{
    if (all) {
        *hold = (struct oracle_hold){.kind = ACC_HOLD_NONE};
    } else {
        hold->is_unsure |= now(o) - hold->asked_ms < SECOND;
    }
}

void oracle_lose_store(struct oracle *o, bool all)
{
    for (size_t i = 0; i < o->world->graph.model->n_services; i++) {
        o->service[i].is_unsure = true; /* a wish may have been lost with it */
        o->service[i].refused_spec[0] = '\0';
        lose_hold(o, &o->service[i].hold, all);
    }
    lose_hold(o, &o->maintenance, all);
}

void oracle_disturb_all(struct oracle *o)
{
    for (uint32_t i = 0; i < o->world->graph.model->n_services; i++) {
        o->service[i].n_failures = 0;
    }
    o->quiet_since_ms = now(o);
}

/* --- truth ----------------------------------------------------------------------------------- */

static bool is_slot(const struct twin_container *c, uint32_t svc, uint32_t number)
{
    return c->exists && c->made.svc == svc && c->made.number == number && !c->made.oneoff;
}

/* The surge of a start-first rollout: one of the two is a candidate, or what was one. */
static bool may_overlap(const struct oracle *o, const struct twin_container *a,
                        const struct twin_container *b)
{
    return o->world->options.upgrades && !spec_of(o, a->made.svc)->exclusive &&
           a->made.revision != b->made.revision &&
           (world_has_role(a->name) != world_has_role(b->name));
}

/* I1: one holder of a slot, but for those that strangers have started. */
void oracle_ran(struct oracle *o, const struct twin_container *c)
{
    const struct twin *twin = &o->world->twin;

    if (c->made.svc == ACC_NONE || c->made.oneoff) {
        return;
    }
    if (c->start_token == TWIN_FOREIGN) {
        oracle_disturb(o, c->made.svc);
        return;
    }
    for (size_t i = 0; i < twin->n; i++) {
        const struct twin_container *other = twin->item[i];

        if (other != c && is_slot(other, c->made.svc, c->made.number) && twin_is_running(other) &&
            other->start_token != TWIN_FOREIGN && !may_overlap(o, c, other)) {
            world_fail(o->world, "I1: %s and %s both run for slot %u of %s", c->name, other->name,
                       c->made.number, world_service_id(o->world, c->made.svc));
        }
    }
}

/* The restart policy of the file says that what ended may stay so. */
static bool may_rest(const struct acc_service_spec *spec)
{
    return spec->restart == ACC_RESTART_NO || spec->restart == ACC_RESTART_ON_FAILURE ||
           spec->one_shot || spec->may_end;
}

static bool is_root(const struct oracle *o, uint32_t svc)
{
    const struct acc_service_spec *spec = spec_of(o, svc);

    for (size_t i = 0; i < spec->n_edges; i++) {
        if (spec->edges[i].kind == ACC_EDGE_NEEDS || spec->edges[i].kind == ACC_EDGE_BINDS) {
            return false;
        }
    }
    return spec->replicas == 1 && spec->n_host == 0 && !may_rest(spec);
}

/* Count what accd must count: a service without dependencies, that ended by itself while accd,
 * dockerd and the connection were well. Everything doubtful sets the count back. */
void oracle_ended(struct oracle *o, const struct twin_container *c)
{
    struct oracle_service *s;
    struct world *w = o->world;
    bool by_itself = !c->is_stopping && !c->manually_stopped && w->twin.power == TWIN_UP;

    if (c->made.svc == ACC_NONE || c->made.oneoff) {
        return;
    }
    s = &o->service[c->made.svc];
    s->ended_ms = now(o);
    if (!by_itself || !is_root(o, c->made.svc) || !w->engine || w->conn != WORLD_CONN_UP ||
        !w->has_snapshot || c->start_token == TWIN_FOREIGN || c->policy != ACC_RESTART_NO ||
        acc_engine_stack_observing(w->engine, w->graph.model->service_stack[c->made.svc])) {
        s->n_failures = 0;
        return;
    }
    /* without a check whatever runs counts as well */
    if (now(o) - c->proc.started_ms >= spec_of(o, c->made.svc)->timing.reset_min * 3 / 4) {
        s->n_failures = 0;
    }
    /* a trial that was passed: the next pause is a quarter of the longest again (E5) */
    if (s->n_failures >= spec_of(o, c->made.svc)->timing.budget &&
        now(o) - c->proc.started_ms >= spec_of(o, c->made.svc)->timing.half_open_ready) {
        s->n_failures = 0;
    }
    if (s->n_failures++ == 0) {
        s->first_failure_ms = now(o);
    }
}

/* How long the truth may be bad before accd can know: the checks, and a lost event. */
static uint64_t detection_ms(const struct oracle *o, uint32_t svc)
{
    int64_t interval_ms = 0, timeout_ms = 0, start_period_ms = 0;
    uint32_t retries = 0;

    if (!twin_health_of(o->world->graph.model, svc, &interval_ms, &timeout_ms, &start_period_ms,
                        &retries)) {
        return t_obs(o);
    }
    return (uint64_t)(interval_ms + 100) * (retries + 2) + (uint64_t)start_period_ms + t_obs(o);
}

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

    for (size_t i = 0; i < twin->n; i++) {
        const struct twin_container *c = twin->item[i];
        const struct oracle_container *t = &o->container[i];

        if (c->made.svc != dep || c->made.oneoff || !is_seen(o, t) || t->state != ACC_CTR_RUNNING) {
            continue;
        }
        /* Its own policy began another run, and nobody told: the one of before is what counts. */
        if (t->started_ns != c->started_ns
                ? now(o) - c->proc.started_ms < t_obs(o)
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
               now(o) - dep->ready_change_ms > detection_ms(o, edge->target) &&
               now(o) - o->quiet_since_ms > detection_ms(o, edge->target) &&
               dep->proc[0]->was_healthy && !dep->proc[0]->is_cut_off && !dep->proc[0]->is_frozen &&
               twin_health_of(o->world->graph.model, edge->target, &(int64_t){0}, &(int64_t){0},
                              &(int64_t){0}, &(uint32_t){0})) {
        world_fail(o->world, "I9: %s starts, and %s is bad since %" PRIu64 " s", from, to,
                   (now(o) - dep->ready_change_ms) / 1000);
    }
}

/* --- the host, and tokens (E3) -----------------------------------------------------------------
 */

static void check_host(struct oracle *o, const struct acc_action *a)
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

/* It gets ready, as accd sees it, and waits for nobody. */
static bool is_loading(const struct oracle *o, const struct acc_service_view *view,
                       const struct acc_instance_view *i)
{
    const struct twin_container *c = i->cid[0] ? twin_find(&o->world->twin, i->cid) : NULL;

    if (i->state == ACC_INST_STARTING) {
        return true;
    }
    return i->state == ACC_INST_PROBING && view->n_roots == 0 && !i->stale && c &&
           twin_is_running(c) && c->start_token != TWIN_FOREIGN && !world_has_role(c->name) &&
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

/* What was paused by hand runs, too. */
static bool is_seen_paused(const struct oracle *o, uint32_t svc)
{
    for (size_t i = 0; i < o->world->twin.n && i < o->n_containers; i++) {
        if (o->world->twin.item[i]->made.svc == svc && is_seen(o, &o->container[i]) &&
            o->container[i].state == ACC_CTR_PAUSED) {
            return true;
        }
    }
    return false;
}

/* Somebody else, or the accd of before, has begun it. */
static bool runs_already(struct oracle *o, uint32_t at)
{
    for (uint32_t i = 0; i < o->world->graph.model->n_services; i++) {
        if (phase_of(o, i) == at && (dep_runs(o, i, false) || is_seen_paused(o, i))) {
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
static void hear_phase(struct oracle *o, const char *text)
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
static bool is_behind_a_gate(const struct oracle *o, uint32_t svc)
{
    const struct acc_model *model = o->world->graph.model;
    uint32_t at = phase_of(o, svc);

    for (uint32_t i = 0; i < model->n_services && at != ACC_NONE; i++) {
        uint32_t k = phase_of(o, i);

        if (k < at && model->phases[k].has_gate && o->service[i].want_up &&
            (may_rest(spec_of(o, i)) || !oracle_is_viable(o, i))) {
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
    uint64_t long_ms = detection_ms(o, c->made.svc) + 3 * MINUTE;

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

static void check_target(struct oracle *o, const struct acc_action *a,
                         const struct twin_container *c)
{
    const char *id = world_service_id(o->world, a->svc);

    if (!c || c->made.svc != a->svc || c->made.oneoff) {
        world_fail(o->world, "I5: %s of a container that is none of %s",
                   acc_action_type_name(a->type), id);
    } else if (!is_seen(o, told(o, a->cid))) {
        world_fail(o->world, "I5: %s of %s, not seen in this epoch", acc_action_type_name(a->type),
                   c->name);
    }
}

static void check_stop(struct oracle *o, const struct acc_action *a, struct twin_container *c)
{
    if (c && !o->world->options.upgrades && is_beyond_reproach(o, c, 0)) {
        world_fail(o->world, "I15: %s of %s, which has been well for %" PRIu64 " s",
                   acc_action_type_name(a->type), c->name,
                   (now(o) - c->proc.healthy_since_ms) / 1000);
    }
    told(o, a->cid)->stop_ms = now(o);
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

static void check_remove(struct oracle *o, const struct acc_action *a,
                         const struct twin_container *c)
{
    const struct oracle_container *t = told(o, a->cid);
    const struct oracle_service *s = &o->service[a->svc];

    if (t->state == ACC_CTR_RUNNING || t->state == ACC_CTR_PAUSED) {
        world_fail(o->world, "I5: remove of %s, which was last seen running", c->name);
    } else if (!o->world->options.upgrades && s->want_up && !s->is_unsure &&
               !is_sharer(spec_of(o, a->svc)) && c->state == ACC_CTR_EXITED &&
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
            const struct oracle_container *t = c ? told(o, c->cid) : NULL;

            if (t && is_seen(o, t) &&
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

/* --- the host shuts down (E10) -----------------------------------------------------------------
 */

/* Nothing is asked for but stops, and those only while the host waits. */
static void check_shutdown(struct oracle *o, const struct acc_action *a)
{
    const struct world_shutdown *d = &o->world->shutdown;
    bool is_stop = a->type == ACC_ACT_STOP || a->type == ACC_ACT_KILL;

    if (d->is_on && (!is_stop || now(o) >= d->until_ms)) {
        world_fail(o->world, "E10: %s while the host shuts down%s", acc_action_type_name(a->type),
                   is_stop ? ", and its time is over" : "");
    }
}

/* It runs, for all that accd was told, and began so long ago that it was known when this began. */
static bool was_running(struct oracle *o, uint32_t svc)
{
    const struct twin_container *c = world_container(o->world, svc, 1);
    const struct oracle_container *t = c ? told(o, c->cid) : NULL;

    return t && is_seen(o, t) && t->state == ACC_CTR_RUNNING && c->state == ACC_CTR_RUNNING &&
           c->started_ns == t->started_ns && c->start_token != TWIN_FOREIGN && !t->stop_ms &&
           !acc_engine_stack_observing(o->world->engine, o->world->graph.model->service_stack[svc]);
}

static bool is_hard(const struct acc_edge *edge)
{
    return !edge->at_create && (edge->kind == ACC_EDGE_NEEDS || edge->kind == ACC_EDGE_BINDS);
}

/* It isn't stopped for a hold, or as it was paused by hand: its own, or of one that needs it. */
static bool is_left_alone(const struct oracle *o, uint32_t svc, unsigned depth)
{
    if (was_held_up(o, svc) || is_seen_paused(o, svc)) {
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

/* --- operations (I3) -------------------------------------------------------------------------- */

static bool is_journaled(const struct oracle *o, const struct acc_action *a, size_t before)
{
    for (size_t i = 0; i < before; i++) {
        const struct acc_action *j = &o->world->actions.item[i];

        if (j->type == ACC_ACT_JOURNAL && j->op == a->op && j->what == a->type) {
            return true;
        }
    }
    return false;
}

static bool is_same_target(const struct acc_action *a, const struct acc_action *b)
{
    bool a_is_res = a->type == ACC_ACT_ENSURE_RESOURCE || a->type == ACC_ACT_REMOVE_RESOURCE;
    bool b_is_res = b->type == ACC_ACT_ENSURE_RESOURCE || b->type == ACC_ACT_REMOVE_RESOURCE;

    if (a_is_res || b_is_res) {
        return a_is_res && b_is_res && a->res == b->res;
    }
    if (a->type == ACC_ACT_PULL || b->type == ACC_ACT_PULL || a->type == ACC_ACT_UPGRADE_HOOK ||
        b->type == ACC_ACT_UPGRADE_HOOK) {
        return a->type == b->type && a->svc == b->svc;
    }
    if (a->type == ACC_ACT_CREATE || b->type == ACC_ACT_CREATE) {
        return a->svc == b->svc && a->slot == b->slot && a->type == b->type;
    }
    return strcmp(a->cid, b->cid) == 0;
}

static void check_discipline(struct oracle *o, const struct acc_action *a, size_t index)
{
    struct world *w = o->world;
    uint32_t n_starts = 1;

    if (a->op <= o->last_op && a->type != ACC_ACT_PROBE) {
        for (size_t i = 0; i < WORLD_OPS_MAX; i++) {
            if (w->op[i].is_used && w->op[i].action.op == a->op) {
                world_fail(w, "I3: operation %" PRIu64 " is used twice", a->op);
            }
        }
    }
    o->last_op = a->op > o->last_op ? a->op : o->last_op;
    if (a->type != ACC_ACT_START && !is_journaled(o, a, index)) {
        world_fail(w, "I3: %s, operation %" PRIu64 ", has no journal entry before it",
                   acc_action_type_name(a->type), a->op);
    }
    for (size_t i = 0; i < WORLD_OPS_MAX; i++) {
        const struct world_op *other = &w->op[i];

        if (!other->is_used || other->is_late || other->action.op == a->op) {
            continue;
        }
        n_starts += other->action.type == ACC_ACT_START ? 1 : 0;
        if (is_same_target(&other->action, a) &&
            !(other->action.type == ACC_ACT_STOP && a->type == ACC_ACT_KILL)) {
            world_fail(w, "I3: %s of %s while %s of the same is in flight",
                       acc_action_type_name(a->type),
                       a->svc == ACC_NONE ? "a resource" : world_service_id(w, a->svc),
                       acc_action_type_name(other->action.type));
        }
    }
    if (a->type == ACC_ACT_START &&
        n_starts > w->graph.model->services[0]->timing.starts_in_flight) {
        world_fail(w, "I7: %u starts in flight", n_starts);
    }
}

/* --- before and after a step ------------------------------------------------------------------ */

/* An end that was told late: meanwhile it was well for all that accd could know. */
static void forget_late_failure(struct oracle *o, const struct acc_obs *obs,
                                const struct oracle_container *t, const struct twin_container *c)
{
    if (c->made.svc != ACC_NONE && obs->state == ACC_CTR_EXITED && t->state != obs->state &&
        now(o) - o->service[c->made.svc].ended_ms > 2 * SECOND) {
        o->service[c->made.svc].n_failures = 0;
    }
}

/* Somebody's new container is a wish when accd sees it, which may be after a later word. */
static void doubt_foreign(struct oracle *o, const struct oracle_container *t,
                          const struct twin_container *c)
{
    if (t->seen_ms == 0 && c->made.svc != ACC_NONE && !c->made.is_ours) {
        o->service[c->made.svc].is_unsure = true;
    }
}

static void mark_tried(struct oracle *o, const struct acc_obs *obs, const struct twin_container *c)
{
    if (c->made.svc != ACC_NONE && obs->state == ACC_CTR_RUNNING) {
        o->service[c->made.svc].was_tried = true;
    }
}

void oracle_before_step(struct oracle *o, const struct acc_event *event)
{
    const struct acc_model *model = o->world->graph.model;

    if (event->type == ACC_EV_OBS) {
        struct oracle_container *t = told(o, event->obs->cid);

        if (t) {
            const struct twin_container *c = o->world->twin.item[t - o->container];

            doubt_foreign(o, t, c);
            forget_late_failure(o, event->obs, t, c);
            t->stop_ms = t->started_ns == event->obs->started_ns ? t->stop_ms : 0;
            t->epoch = o->world->epoch;
            t->seen_ms = now(o);
            t->state = event->obs->state;
            mark_tried(o, event->obs, c);
            t->healthy_ns = event->obs->health == ACC_DH_HEALTHY ? event->obs->started_ns
                                                                 : t->healthy_ns;
            t->started_ns = event->obs->started_ns;
        }
    }
    for (uint32_t i = 0; i < model->n_stacks; i++) {
        o->was_observing[i] = acc_engine_stack_observing(o->world->engine, i);
    }
    if (event->type == ACC_EV_CONN_UP && event->conn.fresh_engine) {
        o->has_begun = 0;
        for (uint32_t i = 0; i < model->n_services; i++) {
            o->service[i].was_tried = false;
        }
    }
}

static void check_wish(struct oracle *o, const struct acc_event *event, const struct acc_action *a)
{
    const struct oracle_service *s = &o->service[a->svc];
    uint32_t stack = o->world->graph.model->service_stack[a->svc];
    const char *id = world_service_id(o->world, a->svc);

    if (o->was_observing[stack] && acc_engine_stack_observing(o->world->engine, stack) &&
        !(event->type == ACC_EV_CMD && event->cmd.verb == ACC_VERB_HAND_BACK) &&
        !(a->type == ACC_ACT_SET_POLICY)) {
        world_fail(o->world, "%s of %s, and its stack is only observed",
                   acc_action_type_name(a->type), id);
    }
    if ((a->type == ACC_ACT_CREATE || a->type == ACC_ACT_START) && !s->want_up && !s->is_unsure) {
        world_fail(o->world, "I4: %s of %s, which is wanted off", acc_action_type_name(a->type),
                   id);
    }
}

/* --- holds (I4) ------------------------------------------------------------------------------- */

/* YES: in force; UNKNOWN: it may be, its time is over or its record may be lost. */
static enum acc_tri in_force(const struct oracle *o, const struct oracle_hold *hold)
{
    if (hold->kind == ACC_HOLD_NONE) {
        return hold->is_unsure ? ACC_UNKNOWN : ACC_NO;
    }
    return hold->is_unsure || now(o) >= hold->until_ms ? ACC_UNKNOWN : ACC_YES;
}

static bool no_start(enum acc_hold kind)
{
    return kind == ACC_HOLD_DOWN || kind == ACC_HOLD_FREEZE;
}

static bool no_stop(enum acc_hold kind)
{
    return kind == ACC_HOLD_UP || kind == ACC_HOLD_FREEZE;
}

static bool hold_refuses(enum acc_hold kind, enum acc_verb verb)
{
    switch (verb) {
    case ACC_VERB_UP:
    case ACC_VERB_START:
        return no_start(kind);
    case ACC_VERB_STOP:
    case ACC_VERB_DOWN:
        return no_stop(kind);
    case ACC_VERB_RESTART:
    case ACC_VERB_UPGRADE:
    case ACC_VERB_ROLLBACK:
        return kind != ACC_HOLD_NONE;
    case ACC_VERB_ADOPT:
    case ACC_VERB_HAND_BACK:
    case ACC_VERB_RELEASE:
    case ACC_VERB_HOLD:
    case ACC_VERB_MAINTENANCE:
        break;
    }
    return false;
}

enum acc_tri oracle_refuses(const struct oracle *o, enum acc_verb verb, uint32_t svc)
{
    const struct oracle_hold *hold = &o->service[svc].hold;
    bool is_free = verb == ACC_VERB_HOLD || verb == ACC_VERB_RELEASE ||
                   verb == ACC_VERB_MAINTENANCE;
    enum acc_tri all = is_free ? ACC_NO : in_force(o, &o->maintenance);
    enum acc_tri own = in_force(o, hold);

    if (own != ACC_NO && !hold->is_unsure && !hold_refuses(hold->kind, verb)) {
        own = ACC_NO;
    }
    own = is_free ? ACC_NO : own;
    return all == ACC_YES || own == ACC_YES ? ACC_YES
           : all == ACC_NO && own == ACC_NO ? ACC_NO
                                            : ACC_UNKNOWN;
}

static void check_hold(struct oracle *o, const struct acc_action *a)
{
    const struct oracle_hold *hold = &o->service[a->svc].hold;
    bool starts = a->type == ACC_ACT_CREATE || a->type == ACC_ACT_START ||
                  a->type == ACC_ACT_UNPAUSE;
    bool stops = a->type == ACC_ACT_STOP || a->type == ACC_ACT_KILL || a->type == ACC_ACT_REMOVE;

    if (in_force(o, hold) == ACC_YES &&
        (hold->kind == ACC_HOLD_FREEZE || (starts && no_start(hold->kind)) ||
         (stops && no_stop(hold->kind)))) {
        world_fail(o->world, "I4: %s of %s, which is held: %s", acc_action_type_name(a->type),
                   world_service_id(o->world, a->svc), acc_hold_name(hold->kind));
    }
}

/* --- files that change (E9) --------------------------------------------------------------------
 */

/* What was rolled back isn't tried again before its file changes. */
static void check_refused(struct oracle *o, const struct acc_action *a)
{
    struct acc_service_record record;

    acc_engine_service_record(o->world->engine, a->svc, now(o), &record);
    if (a->type == ACC_ACT_CREATE && world_has_role(a->name) && !record.rollout.is_upgrade &&
        strcmp(o->service[a->svc].refused_spec, spec_of(o, a->svc)->spec_hash) == 0) {
        world_fail(o->world, "E9: the configuration of %s was rolled back, and is tried again",
                   world_service_id(o->world, a->svc));
    }
}

static void hear_refused(struct oracle *o, uint32_t svc)
{
    struct acc_service_record record;

    acc_engine_service_record(o->world->engine, svc, now(o), &record);
    memcpy(o->service[svc].refused_spec, record.bad_root[0] ? "" : record.bad_spec,
           record.bad_root[0] ? 1 : sizeof(record.bad_spec));
}

/* The old one of a rollout that starts the new one first goes when the new one runs. */
static void check_swap(struct oracle *o, const struct acc_event *event, const struct acc_action *a,
                       const struct twin_container *c)
{
    const struct oracle_service *s = &o->service[a->svc];
    const struct twin *twin = &o->world->twin;
    struct acc_service_record record;

    acc_engine_service_record(o->world->engine, a->svc, now(o), &record);
    if (event->type == ACC_EV_CMD) {
        return; /* a restart that somebody asks for */
    }
    if (c && !c->proc.is_healthy) {
        return; /* an unhealthy one is restarted, as ever, while its new one waits for others */
    }
    if (!c || record.rollout.step == ACC_ROLL_IDLE || record.rollout.step > ACC_ROLL_SWITCH ||
        !record.rollout.start_first || !s->want_up || s->is_unsure || !is_root(o, a->svc) ||
        (c->made.revision ? c->made.revision : 1) != record.rollout.from ||
        c->start_token == TWIN_FOREIGN || told(o, c->cid)->state != ACC_CTR_RUNNING) {
        return;
    }
    for (size_t i = 0; i < twin->n; i++) {
        const struct twin_container *other = twin->item[i];

        if (other != c && is_slot(other, a->svc, c->made.number) &&
            o->container[i].state == ACC_CTR_RUNNING) {
            return;
        }
    }
    world_fail(o->world, "E9: %s of %s, and its new one doesn't run", acc_action_type_name(a->type),
               c->name);
}

/* Whatever goes wrong, nobody is hammered: the shortest wait of E5 allows far less than this. */
static void check_storm(struct oracle *o, const struct acc_action *a)
{
    struct oracle_service *s = &o->service[a->svc];
    uint64_t minute = now(o) / MINUTE;

    s->n_in_minute = s->minute == minute ? s->n_in_minute + 1 : 1;
    s->minute = minute;
    if (s->n_in_minute > ACTIONS_A_MINUTE_MAX) {
        world_fail(o->world, "I12: %u actions for %s in one minute, now %s", s->n_in_minute,
                   world_service_id(o->world, a->svc), acc_action_type_name(a->type));
    }
}

static void check_action(struct oracle *o, const struct acc_event *event, size_t index)
{
    const struct acc_action *a = &o->world->actions.item[index];
    struct twin_container *c = a->cid[0] ? twin_find_ever(&o->world->twin, a->cid) : NULL;

    if (!world_is_mutating(a->type)) {
        return;
    }
    if (o->world->conn != WORLD_CONN_UP || !o->world->has_snapshot) {
        world_fail(o->world, "I5: %s while the engine is not there, or not seen as a whole",
                   acc_action_type_name(a->type));
        return;
    }
    if (in_force(o, &o->maintenance) == ACC_YES) {
        world_fail(o->world, "I4: %s during maintenance", acc_action_type_name(a->type));
        return;
    }
    check_discipline(o, a, index);
    check_shutdown(o, a);
    if (a->svc == ACC_NONE || a->type == ACC_ACT_ENSURE_RESOURCE ||
        a->type == ACC_ACT_REMOVE_RESOURCE) {
        return;
    }
    o->service[a->svc].n_actions++;
    check_wish(o, event, a);
    check_hold(o, a);
    check_storm(o, a);
    if (a->type != ACC_ACT_CREATE && a->type != ACC_ACT_PULL) {
        check_target(o, a, c);
    }
    if (o->world->is_failed) {
        return;
    }
    if (a->type == ACC_ACT_START || a->type == ACC_ACT_CREATE) {
        check_host(o, a);
        check_refused(o, a);
    }
    if (a->type == ACC_ACT_START) {
        check_serialize(o, a);
        for (size_t i = 0; i < spec_of(o, a->svc)->n_edges && !o->world->is_failed; i++) {
            check_edge(o, a->svc, &spec_of(o, a->svc)->edges[i]);
        }
        check_phase(o, a->svc);
        check_pace(o, a->svc);
        o->service[a->svc].was_tried = true;
        o->service[a->svc].n_starts++;
        o->service[a->svc].last_start_ms = now(o);
    } else if (a->type == ACC_ACT_STOP || a->type == ACC_ACT_KILL) {
        if (o->world->shutdown.is_on) {
            check_shutdown_order(o, a->svc);
            told(o, a->cid)->stop_ms = now(o);
        } else {
            check_swap(o, event, a, c);
            check_stop(o, a, c);
            check_stop_order(o, a->svc);
        }
        o->service[a->svc].n_stops++;
    } else if (a->type == ACC_ACT_REMOVE) {
        check_remove(o, a, c);
    }
}

void oracle_after_step(struct oracle *o, const struct acc_event *event)
{
    for (size_t i = 0; i < o->world->actions.n && !o->world->is_failed; i++) {
        const struct acc_action *a = &o->world->actions.item[i];

        if (a->type == ACC_ACT_NOTE) {
            hear_phase(o, a->note.text);
        }
        if (a->type == ACC_ACT_INCIDENT && a->svc != ACC_NONE) {
            o->service[a->svc].was_tried = true; /* a verdict: it holds up nobody any more */
        }
        check_action(o, event, i);
        if (a->type == ACC_ACT_SAVE_SERVICE && a->svc < o->world->graph.model->n_services) {
            hear_refused(o, a->svc);
        }
    }
}

/* --- in the end ------------------------------------------------------------------------------- */

static size_t n_running(const struct oracle *o, uint32_t svc, uint32_t number,
                        const struct twin_container **ret_c)
{
    const struct twin *twin = &o->world->twin;
    size_t n = 0;

    for (size_t i = 0; i < twin->n; i++) {
        if (is_slot(twin->item[i], svc, number) && twin_is_running(twin->item[i])) {
            *ret_c = twin->item[i];
            n++;
        }
    }
    return n;
}

/* Everything that it can't do without is wanted, and not at rest. */
bool oracle_is_viable(const struct oracle *o, uint32_t svc)
{
    const struct acc_service_spec *spec = spec_of(o, svc);

    if (!o->service[svc].want_up || is_behind_a_gate(o, svc)) {
        return false;
    }
    for (size_t i = 0; i < spec->n_edges; i++) {
        const struct acc_edge *edge = &spec->edges[i];
        const struct sim_workload *dep = &o->world->workloads.item[edge->target];

        if (edge->kind == ACC_EDGE_MILESTONE &&
            (edge->condition == ACC_COND_COMPLETED ? dep->has_done : dep->is_ready)) {
            continue; /* that it was ready once is not kept over a restart of accd */
        }
        if (edge->kind == ACC_EDGE_WANTS || edge->kind == ACC_EDGE_AFTER ||
            edge->kind == ACC_EDGE_CONFLICTS) {
            continue;
        }
        if (spec_of(o, edge->target)->replicas == 0 && o->service[edge->target].want_up &&
            edge->kind == ACC_EDGE_NEEDS) {
            continue; /* none of none is missing, but for who lives in it or waits for its end */
        }
        if (!oracle_is_viable(o, edge->target) || spec_of(o, edge->target)->replicas == 0 ||
            (may_rest(spec_of(o, edge->target)) &&
             dep->n_procs < spec_of(o, edge->target)->replicas)) {
            return false;
        }
    }
    return true;
}

static const char *say(char *text, size_t size, const char *id, const char *what,
                       const struct acc_service_view *view)
{
    (void)snprintf(text, size, "%s %s; the engine says %s: %s", id, what,
                   acc_svc_state_name(view->state), view->reason);
    return text;
}

static const char *slot_unconverged(const struct oracle *o, uint32_t svc, uint32_t number)
{
    const struct twin_container *c = NULL;
    size_t n = n_running(o, svc, number, &c);
    const struct twin_container *to;

    if (n != 1) {
        return n == 0 ? "should run and does not" : "runs more than once";
    }
    if (!c->proc.is_healthy) {
        return c->proc.is_cut_off ? "lives in a namespace that is gone" : "runs and is not ready";
    }
    to = c->made.bound_cid[0] ? twin_find(&o->world->twin, c->made.bound_cid) : NULL;
    if (c->made.bound_cid[0] && (!to || to->proc.run != c->bound_run)) {
        return "lives in a namespace that is gone";
    }
    return NULL;
}

static const char *off_unconverged(const struct oracle *o, uint32_t svc)
{
    const struct twin *twin = &o->world->twin;

    for (size_t i = 0; i < twin->n; i++) {
        const struct twin_container *c = twin->item[i];

        if (!c->exists || c->made.svc != svc || c->made.oneoff) {
            continue;
        }
        if (twin_is_running(c)) {
            return "is wanted off and runs";
        }
        if (o->service[svc].want_removed) {
            return "is to be removed and has a container";
        }
    }
    return NULL;
}

/* L4: it ends, and leaves one container of each slot, under its name, and no bad one. */
static const char *rollout_unconverged(const struct oracle *o, uint32_t svc,
                                       const struct acc_service_view *view)
{
    const struct twin *twin = &o->world->twin;

    for (size_t i = 0; i < twin->n && o->world->options.upgrades; i++) {
        const struct twin_container *c = twin->item[i];

        if (c->exists && c->made.svc == svc && !c->made.oneoff && c->made.is_ours) {
            if (world_has_role(c->name)) {
                return "has a container of an upgrade left";
            }
            if (c->is_marked && twin_is_running(c)) {
                return "R1: has a container that still carries the mark of a drain";
            }
            if (strcmp(c->made.spec_hash, spec_of(o, svc)->spec_hash) != 0 && !view->refused[0]) {
                return "E9: runs what its file said before";
            }
            if (c->made.unrouted) {
                return "U6b: has a container without the names of its service";
            }
        }
    }
    return view->step != ACC_ROLL_IDLE ? "L4: has an upgrade that doesn't end" : NULL;
}

static const char *service_unconverged(struct oracle *o, uint32_t svc, char *text, size_t size)
{
    const struct acc_service_spec *spec = spec_of(o, svc);
    const struct sim_workload *work = &o->world->workloads.item[svc];
    struct acc_service_view view;
    const char *what = NULL;

    acc_engine_service(o->world->engine, svc, now(o), &view);
    if (spec->replicas == 0) {
        return NULL;
    }
    if (!o->service[svc].want_up) {
        what = off_unconverged(o, svc);
    } else if (!oracle_is_viable(o, svc)) {
        return NULL;
    } else if (spec->one_shot) {
        what = !work->has_done              ? "has never done its work"
               : view.state != ACC_SVC_DONE ? "has done its work"
                                            : NULL;
    } else {
        for (uint32_t i = 1; i <= spec->replicas && !what; i++) {
            what = slot_unconverged(o, svc, i);
        }
        if (may_rest(spec) && work->n_procs < spec->replicas) {
            /* its watch goes on when somebody starts it again */
            if (view.step != ACC_ROLL_UNDO && view.step != ACC_ROLL_ASK) {
                return NULL;
            }
            what = NULL;
        } else if (!what && view.state != ACC_SVC_UP) {
            what = "is well";
        }
        what = what ? what : rollout_unconverged(o, svc, &view);
    }
    return what ? say(text, size, spec->id, what, &view) : NULL;
}

/* One that may rest as it is keeps its root's incident open: it has not recovered. */
static bool is_at_rest(const struct oracle *o)
{
    for (uint32_t i = 0; i < o->world->graph.model->n_services; i++) {
        const struct sim_workload *work = &o->world->workloads.item[i];

        if (may_rest(spec_of(o, i)) && o->service[i].want_up && work->n_procs == 0) {
            return true;
        }
    }
    return false;
}

/* E5: what fails three times within an hour has an incident for as long. */
static bool may_be_unstable(const struct oracle *o, uint32_t svc)
{
    const struct sim_workload *work = &o->world->workloads.item[svc];

    return work->is_ready && now(o) - work->ready_change_ms < HOUR + EXCUSE;
}

static const char *incident_unconverged(struct oracle *o, char *text, size_t size)
{
    struct acc_incident_view view;

    if (is_at_rest(o)) {
        return NULL;
    }

    for (size_t i = 0; acc_engine_incident_at(o->world->engine, i, &view); i++) {
        bool ambiguous;
        uint32_t svc = acc_model_find(o->world->graph.model, view.root, &ambiguous);

        if (view.open &&
            (svc == ACC_NONE || (oracle_is_viable(o, svc) && !may_rest(spec_of(o, svc)) &&
                                 !may_be_unstable(o, svc)))) {
            (void)snprintf(text, size, "the incident of %s is still open: %s", view.root,
                           view.cause);
            return text;
        }
    }
    return NULL;
}

const char *oracle_unconverged(struct oracle *o, char *text, size_t size)
{
    struct world *w = o->world;
    const char *what = NULL;

    if (!w->engine || w->conn != WORLD_CONN_UP || !w->has_snapshot) {
        return "accd has no connection";
    }
    for (uint32_t i = 0; i < w->graph.model->n_services && !what; i++) {
        what = service_unconverged(o, i, text, size);
    }
    for (size_t i = 0; i < WORLD_OPS_MAX && !what; i++) {
        if (w->op[i].is_used) {
            (void)snprintf(text, size, "L3: operation %" PRIu64 " (%s) has not ended",
                           w->op[i].action.op, acc_action_type_name(w->op[i].action.type));
            what = text;
        }
    }
    if (!what && w->store.n_open > 0) {
        (void)snprintf(text, size, "L3: %zu journaled operations have no end", w->store.n_open);
        what = text;
    }
    if (!what && w->twin.double_network) {
        what = "two networks of one name were made";
    }
    return what ? what : incident_unconverged(o, text, size);
}
