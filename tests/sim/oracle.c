#include "tests/sim/oracle_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "tests/sim/world.h"

/* E11 T_obs: what was seen longer ago than a full list and some counts for nothing. */
#define T_OBS_MORE           (25u * SECOND)
#define ACTIONS_A_MINUTE_MAX 60u

uint64_t oracle_t_obs(const struct oracle *o)
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

struct oracle_container *oracle_told(struct oracle *o, const char *cid)
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

bool oracle_is_seen(const struct oracle *o, const struct oracle_container *t)
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
        hold->is_unsure |= now(o) - hold->asked_ms < SECOND ||
                           ((o->world->disk.is_full || o->world->disk.is_told) &&
                            hold->asked_ms >= o->world->disk.since_ms);
    }
}

void oracle_lose_store(struct oracle *o, bool all)
{
    o->world->join.must_observe = ACC_NONE;
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

bool oracle_is_slot(const struct twin_container *c, uint32_t svc, uint32_t number)
{
    return c->exists && c->made.svc == svc && c->made.number == number && !c->made.oneoff;
}

/* The surge of a start-first rollout: one of the two is a candidate, or what was one. */
static bool may_overlap(const struct oracle *o, const struct twin_container *a,
                        const struct twin_container *b)
{
    return o->world->options.upgrades && !spec_of(o, a->made.svc)->exclusive &&
           (!a->made.volume || a->made.volume != b->made.volume) &&
           a->made.revision != b->made.revision &&
           (world_has_role(a->name) != world_has_role(b->name));
}

/* I1: one holder of a slot, but for those that strangers have started. */
void oracle_ran(struct oracle *o, const struct twin_container *c)
{
    const struct twin *twin = &o->world->twin;

    if (c->made.svc == ACC_NONE || c->made.oneoff ||
        c->made.svc >= o->world->graph.model->n_services) {
        return;
    }
    if (c->start_token == TWIN_FOREIGN) {
        oracle_disturb(o, c->made.svc);
        return;
    }
    o->service[c->made.svc].finishes = false;
    for (size_t i = 0; i < twin->n; i++) {
        const struct twin_container *other = twin->item[i];

        if (other != c && oracle_is_slot(other, c->made.svc, c->made.number) &&
            twin_is_running(other) && other->start_token != TWIN_FOREIGN &&
            !may_overlap(o, c, other)) {
            world_fail(o->world, "I1: %s and %s both run for slot %u of %s", c->name, other->name,
                       c->made.number, world_service_id(o->world, c->made.svc));
        }
    }
}

/* The restart policy of the file says that what ended may stay so. */
bool oracle_may_rest(const struct acc_service_spec *spec)
{
    return spec->restart == ACC_RESTART_NO || spec->restart == ACC_RESTART_ON_FAILURE ||
           spec->one_shot || spec->may_end;
}

bool oracle_is_root(const struct oracle *o, uint32_t svc)
{
    const struct acc_service_spec *spec = spec_of(o, svc);

    for (size_t i = 0; i < spec->n_edges; i++) {
        if (spec->edges[i].kind == ACC_EDGE_NEEDS || spec->edges[i].kind == ACC_EDGE_BINDS) {
            return false;
        }
    }
    return spec->replicas == 1 && spec->n_host == 0 && !oracle_may_rest(spec);
}

/* A network that could not be made excuses who ran, or was started, before it was there at last;
 * it is asked for again at the latest after a minute. */
static bool lacked_a_network(const struct oracle *o, const struct twin_container *c)
{
    uint64_t refused_ms = o->world->twin.refused_ms;

    return refused_ms > 0 && c->proc.started_ms < refused_ms + 2 * MINUTE;
}

/* Count what accd must count: a service without dependencies, that ended by itself while accd,
 * dockerd and the connection were well. Everything doubtful sets the count back. */
void oracle_ended(struct oracle *o, const struct twin_container *c)
{
    struct oracle_service *s;
    struct world *w = o->world;
    bool by_itself = !c->is_stopping && !c->manually_stopped && w->twin.power == TWIN_UP;

    if (c->made.svc == ACC_NONE || c->made.oneoff || c->made.svc >= w->graph.model->n_services) {
        return;
    }
    s = &o->service[c->made.svc];
    s->ended_ms = now(o);
    if (!by_itself || !oracle_is_root(o, c->made.svc) || !w->engine || w->conn != WORLD_CONN_UP ||
        !w->has_snapshot || lacked_a_network(o, c) || c->start_token == TWIN_FOREIGN ||
        c->policy != ACC_RESTART_NO ||
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
uint64_t oracle_detection_ms(const struct oracle *o, uint32_t svc)
{
    int64_t interval_ms = 0, timeout_ms = 0, start_period_ms = 0;
    uint32_t retries = 0;

    if (!twin_health_of(o->world->graph.model, svc, &interval_ms, &timeout_ms, &start_period_ms,
                        &retries)) {
        return oracle_t_obs(o);
    }
    return (uint64_t)(interval_ms + 100) * (retries + 2) + (uint64_t)start_period_ms +
           oracle_t_obs(o);
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

static void hear_check(const struct oracle *o, const struct acc_obs *obs,
                       struct oracle_container *t)
{
    bool is_new = obs->health_start_ns != t->check_ns && obs->health_start_ns > obs->started_ns;

    t->passed_ms = t->started_ns == obs->started_ns ? t->passed_ms : 0;
    if (is_new && obs->health == ACC_DH_HEALTHY && obs->health_exit == 0) {
        t->passed_ms = now(o);
    }
    t->check_ns = obs->health_start_ns;
}

void oracle_before_step(struct oracle *o, const struct acc_event *event)
{
    const struct acc_model *model = o->world->graph.model;

    if (event->type == ACC_EV_OBS) {
        struct oracle_container *t = oracle_told(o, event->obs->cid);

        if (t) {
            const struct twin_container *c = o->world->twin.item[t - o->container];

            world_leave_hear(o->world, event->obs, c);
            doubt_foreign(o, t, c);
            forget_late_failure(o, event->obs, t, c);
            t->stop_ms = t->started_ns == event->obs->started_ns ? t->stop_ms : 0;
            t->epoch = o->world->epoch;
            t->seen_ms = now(o);
            t->state = event->obs->state;
            mark_tried(o, event->obs, c);
            t->healthy_ns = event->obs->health == ACC_DH_HEALTHY ? event->obs->started_ns
                                                                 : t->healthy_ns;
            t->is_unhealthy = event->obs->health == ACC_DH_UNHEALTHY;
            hear_check(o, event->obs, t);
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

    if (in_force(o, hold) == ACC_YES && !o->service[a->svc].finishes &&
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

/* Who goes back with another one may begin an upgrade to the one before, whatever the disk. */
static bool goes_back_with_others(const struct oracle *o)
{
    for (uint32_t i = 0; i < o->world->graph.model->n_services; i++) {
        struct acc_service_view view;

        acc_engine_service(o->world->engine, i, now(o), &view);
        if (view.state == ACC_SVC_ROLLING_BACK) {
            return true;
        }
    }
    return false;
}

/* What can't be recorded isn't begun (E10). */
static void check_disk(struct oracle *o, const struct acc_action *a)
{
    struct oracle_service *s = &o->service[a->svc];
    struct acc_service_record record;

    acc_engine_service_record(o->world->engine, a->svc, now(o), &record);
    if (o->world->disk.is_told && now(o) > o->world->disk.told_ms &&
        record.rollout.id != s->pulled && !goes_back_with_others(o) &&
        (!s->rollback_ms || now(o) - s->rollback_ms > EXCUSE)) {
        world_fail(o->world, "E10: an upgrade of %s begins, and accd's disk is full",
                   world_service_id(o->world, a->svc));
    }
    s->pulled = record.rollout.id;
}

static void hear_refused(struct oracle *o, uint32_t svc)
{
    struct acc_service_record record;

    acc_engine_service_record(o->world->engine, svc, now(o), &record);
    memcpy(o->service[svc].refused_spec, record.bad_root[0] ? "" : record.bad_spec,
           record.bad_root[0] ? 1 : sizeof(record.bad_spec));
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
    if (in_force(o, &o->maintenance) == ACC_YES &&
        !(a->svc < o->world->graph.model->n_services && o->service[a->svc].finishes)) {
        world_fail(o->world, "I4: %s during maintenance", acc_action_type_name(a->type));
        return;
    }
    check_discipline(o, a, index);
    oracle_check_shutdown(o, a);
    if (a->svc == ACC_NONE || a->type == ACC_ACT_ENSURE_RESOURCE ||
        a->type == ACC_ACT_REMOVE_RESOURCE) {
        return;
    }
    o->service[a->svc].n_actions++;
    if (a->svc >= o->world->graph.model->n_services) {
        world_leave_check(o->world, a);
        check_hold(o, a);
        check_storm(o, a);
        if (!o->world->is_failed) { /* it is a stop or a removal */
            oracle_check_target(o, a, c);
        }
        return;
    }
    world_join_check(o->world, a);
    check_wish(o, event, a);
    check_hold(o, a);
    check_storm(o, a);
    if (a->type == ACC_ACT_PULL) {
        check_disk(o, a);
        world_autos_check(o->world, a);
    } else if (a->type != ACC_ACT_CREATE) {
        oracle_check_target(o, a, c);
    }
    if (o->world->is_failed) {
        return;
    }
    if (a->type == ACC_ACT_START || a->type == ACC_ACT_CREATE) {
        oracle_check_host(o, a);
        check_refused(o, a);
    }
    if (a->type == ACC_ACT_START) {
        oracle_check_start(o, a);
        o->service[a->svc].was_tried = true;
        o->service[a->svc].n_starts++;
        o->service[a->svc].last_start_ms = now(o);
    } else if (a->type == ACC_ACT_STOP || a->type == ACC_ACT_KILL) {
        oracle_check_stop(o, event, a, c);
        o->service[a->svc].n_stops++;
    } else if (a->type == ACC_ACT_REMOVE) {
        oracle_check_remove(o, a, c);
    }
}

void oracle_saved(struct oracle *o, uint32_t svc)
{
    if (svc < o->world->graph.model->n_services) {
        hear_refused(o, svc);
        world_autos_hear(o->world, svc);
    }
}

void oracle_after_step(struct oracle *o, const struct acc_event *event)
{
    for (size_t i = 0; i < o->world->actions.n && !o->world->is_failed; i++) {
        const struct acc_action *a = &o->world->actions.item[i];

        if (a->type == ACC_ACT_NOTE) {
            oracle_hear_phase(o, a->note.text);
            oracle_hear_recovery(o, a);
        }
        if (a->type == ACC_ACT_INCIDENT && a->svc != ACC_NONE) {
            o->service[a->svc].was_tried = true; /* a verdict: it holds up nobody any more */
        }
        check_action(o, event, i);
    }
}
