/*
 * Rollouts that belong together (E9): the services of one upgrade, or of one changed file.
 *
 * Each has a rollout of its own. A later phase begins when the earlier ones have proven themselves
 * for half of their watch, and those that have to stop for it go one at a time. Where its phase
 * says so, one that fails takes the others of its phase, or all, back with it; so they keep their
 * old containers until all of them have proven themselves.
 *
 * So do two that one changed file has for both, where the one shares the namespaces of the other:
 * the old container of the sharer can't run in the namespaces of the new target.
 */

#include <stdio.h>
#include <string.h>

#include "lib/engine/internal.h"

/* Another rollout of its own has to end first. */
static bool is_queued(const struct service *s, uint64_t group)
{
    return s->roll.is_asked && s->roll.ask_group == group;
}

static bool is_under_way(const struct service *s, uint64_t group)
{
    return acc_rollout_active(s) && s->roll.is.group == group;
}

bool acc_group_stands_aside(struct acc_engine *e, struct service *s)
{
    return !s->wanted_up || acc_svc_held(e, s) || acc_hold_no_start(e, s) ||
           acc_svc_observing(e, s);
}

static enum acc_rollback_scope scope_of(const struct acc_engine *e, const struct service *s)
{
    return s->phase_at == ACC_NONE ? ACC_ROLLBACK_SERVICE : e->phases[s->phase_at].rollback;
}

/* What fails with it. */
static bool is_mate(const struct acc_engine *e, const struct service *s, const struct service *mate)
{
    enum acc_rollback_scope scope = scope_of(e, s);

    return mate != s && !mate->removed &&
           (scope == ACC_ROLLBACK_ALL ||
            (scope == ACC_ROLLBACK_PHASE && mate->phase_at == s->phase_at));
}

/* What was to follow a phase that goes back, and hasn't taken over yet. */
static bool is_later(const struct acc_engine *e, const struct service *s,
                     const struct service *mate, uint64_t group)
{
    return scope_of(e, s) == ACC_ROLLBACK_PHASE && !mate->removed && mate->phase_at != ACC_NONE &&
           mate->phase_at > s->phase_at &&
           (is_queued(mate, group) || mate->roll.is.step < ACC_ROLL_POST);
}

/* It is to be changed by the same file, and that hasn't begun. */
static bool is_next(struct acc_engine *e, struct service *mate, uint64_t group)
{
    return !acc_rollout_active(mate) && !mate->roll.is_asked && group == e->change_group &&
           acc_change_waits(e, mate);
}

static bool has_changed_nothing(struct acc_engine *e, struct service *s)
{
    if (s->roll.is.step != ACC_ROLL_CREATE || s->roll.is.slot > 1) {
        return s->roll.is.step <= ACC_ROLL_PRE;
    }
    acc_each_inst (e, s, i) {
        if (i->is_spare && (i->op || i->present)) {
            return false;
        }
    }
    return true;
}

/* --- back ------------------------------------------------------------------------------------ */

static void go_along(struct acc_engine *e, struct service *mate, const char *root, const char *why)
{
    struct rollout *r = &mate->roll;

    if (r->is.is_change) {
        acc_change_take_along(e, mate, r->is.spec, root, why);
    }
    acc_copy(r->is.why, sizeof(r->is.why), why);
    if (has_changed_nothing(e, mate)) {
        r->is.group = 0; /* that has been dealt with */
        acc_rollout_end(e, mate, ROLL_FAILED);
    } else {
        r->is.goes_back = true;
        acc_save(mate);
        acc_mark(e, mate);
    }
}

static void take_along(struct acc_engine *e, struct service *s, struct service *mate,
                       uint64_t group)
{
    struct rollout *r = &mate->roll;
    const char *root = s->roll.is.is_change ? s->id : "";
    char why[ACC_OUTPUT_MAX + 1];

    (void)snprintf(why, sizeof(why), "%.160s" ACC_OF_THE_SAME "%s %s", s->nick,
                   scope_of(e, s) == ACC_ROLLBACK_ALL ? "rollout"
                   : mate->phase_at == s->phase_at    ? "phase"
                                                      : "rollout",
                   s->roll.is.step <= ACC_ROLL_PRE ? "could not be upgraded" : "was rolled back");
    if (is_queued(mate, group)) {
        /* refused when it begins: the record of its last one may still have to be read */
        acc_copy(r->ask_refusal, sizeof(r->ask_refusal), why);
        r->ask_group = 0; /* that has been dealt with */
        acc_mark(e, mate);
        return;
    }
    if (acc_rollout_active(mate)) {
        go_along(e, mate, root, why);
    } else {
        acc_change_take_along(e, mate, mate->spec, root, why);
    }
}

/* --- sharers --------------------------------------------------------------------------------- */

/* The kept container of a change that is watched, which the other one shares with. */
static bool keeps_for(struct acc_engine *e, const struct service *d, const struct instance *sharer)
{
    const struct instance *retired = acc_rollout_cast(e, d, 1).retired;

    return d->roll.is.is_change && retired && strstr(sharer->shares, retired->cid) &&
           (d->roll.is.step == ACC_ROLL_POST || d->roll.is.step == ACC_ROLL_WATCH);
}

struct service *acc_group_target(struct acc_engine *e, const struct service *s)
{
    const struct instance *old = s->n_inst == 1 ? acc_rollout_old(e, s, 1) : NULL;
    struct service *found = NULL;

    if (!old || !old->shares[0] || old->recreate) {
        return NULL;
    }
    acc_each_out (e, s, edge) {
        struct service *d = &e->services[edge->to];
        const struct instance *target = d->n_inst > 0 ? &e->inst[d->first_inst] : NULL;

        if (edge->kind != ACC_EDGE_BINDS ||
            (target && target->present && strstr(old->shares, target->cid))) {
            continue;
        }
        if (!keeps_for(e, d, old)) {
            return NULL;
        }
        found = d;
    }
    return found;
}

bool acc_group_is_homeless(struct acc_engine *e, const struct service *s,
                           const struct instance *old)
{
    acc_each_out (e, s, edge) {
        const struct service *d = &e->services[edge->to];
        bool is_there = false;

        if (edge->kind != ACC_EDGE_BINDS || !old->shares[0] || !e->synced) {
            continue;
        }
        acc_each_inst (e, d, i) {
            is_there |= i->present && strstr(old->shares, i->cid);
        }
        if (!is_there) {
            return true;
        }
    }
    return false;
}

/* Its old container needs that of `d`; it may need those of others, too, which go back as well. */
static bool needs_kept(struct acc_engine *e, const struct service *sharer, const struct service *d)
{
    const struct instance *old = sharer->n_inst == 1 ? acc_rollout_old(e, sharer, 1) : NULL;

    return old && keeps_for(e, d, old);
}

static bool rides_with(struct acc_engine *e, const struct service *sharer, const struct service *d)
{
    return acc_rollout_active(sharer) && sharer->roll.is.is_change &&
           sharer->roll.is.step < ACC_ROLL_RETIRE && needs_kept(e, sharer, d);
}

void acc_group_sharers_go_back(struct acc_engine *e, struct service *s, bool is_with_target)
{
    char why[ACC_OUTPUT_MAX + 1];

    (void)snprintf(why, sizeof(why), "%.160s" ACC_CHANGED_WITH "%s", s->nick,
                   s->roll.is.step <= ACC_ROLL_PRE ? "could not be changed" : "was rolled back");
    for (uint32_t k = 0; k < s->n_in; k++) {
        const struct edge *edge = &e->edges[e->in[s->first_in + k]];
        struct service *sharer = &e->services[edge->from];

        if (edge->kind == ACC_EDGE_BINDS && rides_with(e, sharer, s) &&
            !sharer->roll.is.goes_back) {
            go_along(e, sharer, s->id, why);
        }
    }
    acc_each_out (e, s, edge) {
        struct service *target = &e->services[edge->to];

        if (is_with_target && edge->kind == ACC_EDGE_BINDS && needs_kept(e, s, target) &&
            !target->roll.is.goes_back) {
            go_along(e, target, s->id, why);
        }
    }
}

/* It waits for its target, which nothing new of it stands on any more. */
static bool is_out_of_the_way(struct acc_engine *e, const struct service *sharer,
                              const struct service *s)
{
    acc_each_inst (e, sharer, i) {
        if (i->present && acc_undo_runs(i)) {
            return false;
        }
    }
    return sharer->roll.is.step == ACC_ROLL_UNDO && needs_kept(e, sharer, s);
}

static bool is_proving(struct acc_engine *e, struct service *s, uint32_t *ret_sharer)
{
    for (uint32_t k = 0; k < s->n_in; k++) {
        const struct edge *edge = &e->edges[e->in[s->first_in + k]];
        struct service *sharer = &e->services[edge->from];

        if (edge->kind == ACC_EDGE_BINDS && acc_group_target(e, sharer) &&
            needs_kept(e, sharer, s) && !acc_group_stands_aside(e, sharer) &&
            !sharer->roll.is_proven &&
            (acc_rollout_active(sharer) || acc_change_comes(e, sharer))) {
            *ret_sharer = edge->from;
            return true;
        }
    }
    return false;
}

/* --- back, each in its turn ------------------------------------------------------------------ */

void acc_group_failed(struct acc_engine *e, struct service *s)
{
    uint64_t group = s->roll.is.group;

    acc_group_mark(e, s); /* who waited for it alone doesn't any more */
    s->roll.is.group = 0;
    for (uint32_t v = 0; group && v < e->n_services; v++) {
        struct service *mate = &e->services[v];
        bool is_of_it = is_queued(mate, group) ||
                        (is_under_way(mate, group) && mate->roll.is.step < ACC_ROLL_RETIRE &&
                         !mate->roll.is.goes_back);

        if ((is_mate(e, s, mate) || is_later(e, s, mate, group)) &&
            (is_of_it || is_next(e, mate, group))) {
            take_along(e, s, mate, group);
        }
    }
}

bool acc_group_goes_back(struct acc_engine *e, struct service *s)
{
    if (!s->roll.is.goes_back || s->roll.is.step <= ACC_ROLL_PRE ||
        s->roll.is.step >= ACC_ROLL_RETIRE) {
        return false;
    }
    for (uint32_t k = 0; k < s->n_in; k++) { /* who stands on it goes back before it does */
        const struct edge *edge = &e->edges[e->in[s->first_in + k]];
        struct service *dependent = &e->services[edge->from];

        if (edge->kind != ACC_EDGE_CONFLICTS && acc_rollout_active(dependent) &&
            !acc_group_stands_aside(e, dependent) && !is_out_of_the_way(e, dependent, s) &&
            (dependent->roll.is.step == ACC_ROLL_UNDO ||
             (dependent->roll.is.goes_back && dependent->roll.is.step != ACC_ROLL_RETIRE))) {
            return false;
        }
    }
    return true;
}

void acc_group_stays(struct acc_engine *e, struct service *s)
{
    acc_note(e, ACC_NOTE_DECISION, acc_svc_index(e, s),
             "stays as it is, and is well: %.120s, and the container of r%u is gone",
             s->roll.is.why, (unsigned)s->roll.is.from);
    s->roll.is.goes_back = false;
    s->roll.is.why[0] = '\0';
    acc_change_forgive(e, s);
    acc_save(s);
}

/* --- forth ----------------------------------------------------------------------------------- */

static bool is_waited_for(struct acc_engine *e, struct service *mate, uint64_t group)
{
    return !acc_group_stands_aside(e, mate) &&
           ((is_next(e, mate, group) && acc_change_comes(e, mate)) || is_queued(mate, group) ||
            (is_under_way(mate, group) && !mate->roll.is_proven &&
             mate->roll.is.step != ACC_ROLL_RETIRE));
}

bool acc_group_is_proven(struct acc_engine *e, struct service *s)
{
    uint64_t group = s->roll.is.group;

    if (!s->roll.is_proven) {
        s->roll.is_proven = true;
        acc_group_mark(e, s);
        acc_mark_neighbours(e, s); /* what it shares with */
    }
    if (s->roll.is.goes_back) {
        return false; /* it only waits for those that go back before it */
    }
    if (is_proving(e, s, &s->roll.waits_for)) {
        return false;
    }
    for (uint32_t v = 0; group && v < e->n_services; v++) {
        struct service *mate = &e->services[v];

        if (is_mate(e, mate, s) && is_waited_for(e, mate, group)) {
            s->roll.waits_for = v;
            return false;
        }
    }
    return true;
}

/* It stops its old container, or is about to. */
static bool is_apart(struct acc_engine *e, const struct service *s)
{
    const struct rollout *r = &s->roll;

    if (!acc_rollout_active(s) || r->is.start_first || r->is.step != ACC_ROLL_CREATE) {
        return acc_rollout_active(s) && !r->is.start_first && r->is.step > ACC_ROLL_CREATE &&
               r->is.step <= ACC_ROLL_SWITCH;
    }
    acc_each_inst (e, s, i) {
        if (i->is_spare && i->slot == r->is.slot && (i->op || i->role == ROLE_CANDIDATE)) {
            return true;
        }
    }
    return false;
}

static bool holds_up(struct acc_engine *e, struct service *s, const struct service *other)
{
    const struct rollout *r = &other->roll;

    if (other->phase_at == s->phase_at || other->phase_at == ACC_NONE || s->phase_at == ACC_NONE) {
        return !s->roll.is.start_first && is_apart(e, other);
    }
    if (other->phase_at > s->phase_at) {
        return false;
    }
    if (is_queued(other, s->roll.is.group)) { /* whatever becomes of its older one */
        return true;
    }
    return r->is.step != ACC_ROLL_RETIRE &&
           (r->is.step != ACC_ROLL_WATCH || !other->ready || other->incident != ACC_NONE ||
            !acc_due(e, s, r->since_ms + other->timing.upgrade_monitor / 2));
}

bool acc_group_is_here(struct acc_engine *e, struct service *s)
{
    uint64_t group = s->roll.is.group;

    for (uint32_t v = 0; group && v < e->n_services; v++) {
        struct service *mate = &e->services[v];

        if (is_mate(e, mate, s) && is_under_way(mate, group) && !acc_group_stands_aside(e, mate) &&
            mate->roll.is.step == ACC_ROLL_PULL && !mate->roll.is_here) {
            s->roll.waits_for = v;
            return false;
        }
    }
    return true;
}

bool acc_group_lets_create(struct acc_engine *e, struct service *s, uint32_t *ret_waits_for)
{
    uint64_t group = s->roll.is.group;

    for (uint32_t v = 0; group && s->roll.is.is_upgrade && v < e->n_services; v++) {
        struct service *other = &e->services[v];

        if (other != s && (is_queued(other, group) || is_under_way(other, group)) &&
            !acc_group_stands_aside(e, other) && holds_up(e, s, other)) {
            *ret_waits_for = v;
            return false;
        }
    }
    return !group || !s->roll.is.is_upgrade || acc_due(e, s, e->storm.until_ms);
}

static void mark_group(struct acc_engine *e, const struct service *s, uint64_t group)
{
    for (uint32_t v = 0; group && v < e->n_services; v++) {
        struct service *mate = &e->services[v];

        if (mate != s && (is_under_way(mate, group) || is_queued(mate, group))) {
            acc_mark(e, mate);
        }
    }
}

void acc_group_mark(struct acc_engine *e, const struct service *s)
{
    mark_group(e, s, s->roll.is.group);
    mark_group(e, s, s->roll.is_asked ? s->roll.ask_group : 0);
}

void acc_group_look_at_change(struct acc_engine *e, struct service *s)
{
    bool comes = acc_change_comes(e, s);

    if (comes != s->roll.is_coming) {
        s->roll.is_coming = comes;
        mark_group(e, s, e->change_group);
    }
}
