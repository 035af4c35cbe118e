/*
 * What a rollout asks for: per container one change of the world, found from its step and from what
 * the containers of the slot are to it.
 */

#include <stdio.h>
#include <string.h>

#include "lib/engine/internal.h"

/* --- deciding -------------------------------------------------------------------------------- */

/* Stop-first: the old one was stopped for a new one that couldn't be started and is made once more.
 * Until that is there nothing but the name of the old one says so. */
static bool waits_for_another(struct acc_engine *e, const struct service *s, uint32_t slot)
{
    struct cast cast;

    if (s->roll.is.step != ACC_ROLL_CREATE || s->roll.is.start_first || slot != s->roll.is.slot) {
        return false;
    }
    cast = acc_rollout_cast(e, s, slot);
    return cast.candidate && acc_inst_stranded(e, cast.candidate) && cast.holder &&
           !acc_rollout_is_new(s, cast.holder) && !acc_inst_running(cast.holder);
}

/* How long the upgrade of what is only wanted is waited for while that has changed nothing yet. */
#define WANT_MS 300000u

/* What is asked for later has a higher one. */
static uint64_t rank_of(const struct rollout *r)
{
    return r->is.group ? r->is.group : r->is.id;
}

/* One that was asked for later and has changed nothing yet may wait in its turn, by way of others
 * of its group, for what this one belongs to. */
static bool comes_later(const struct service *s, const struct service *d)
{
    return d->roll.is.step <= ACC_ROLL_CREATE && rank_of(&d->roll) > rank_of(&s->roll);
}

static bool dep_rolls(struct acc_engine *e, struct service *s, uint32_t *ret_dep)
{
    acc_each_out (e, s, edge) {
        const struct service *d = &e->services[edge->to];
        enum acc_rollout_step step = d->roll.is.step;

        /* One that has not begun may wait for ever, and this one only wants it. */
        if (!acc_edge_hard(edge) && step <= ACC_ROLL_CREATE &&
            acc_due(e, s, s->roll.since_ms + WANT_MS)) {
            continue;
        }
        if (edge->kind != ACC_EDGE_CONFLICTS && step != ACC_ROLL_IDLE && step != ACC_ROLL_WATCH &&
            step != ACC_ROLL_RETIRE && !comes_later(s, d)) {
            *ret_dep = edge->to;
            return true;
        }
    }
    return false;
}

bool acc_rollout_waits(struct acc_engine *e, struct service *s, uint32_t *ret_waits_for)
{
    if (dep_rolls(e, s, ret_waits_for) || !acc_group_lets_create(e, s, ret_waits_for) ||
        !acc_gate_create(e, s) || !acc_resources_there_for_new(e, s)) {
        return true;
    }
    if (!acc_gate_start(e, s)) {
        *ret_waits_for = s->blocker == ACC_NONE ? ACC_NONE : e->edges[s->blocker].to;
        return true;
    }
    return false;
}

/* The new one, or the old one that was put aside for it. */
static bool has_begun(struct acc_engine *e, const struct service *s, uint32_t slot)
{
    acc_each_inst (e, s, i) {
        if (i->is_spare && i->slot == slot &&
            (i->op || (i->present && !acc_rollout_is_stray(s, i)))) {
            return true;
        }
    }
    return false;
}

/* A container that has gone before its turn came, with the namespace of another one that it shared
 * most often, is made anew as it was: its turn may come in minutes. A replica more comes with the
 * others. */
static bool heals_until_its_turn(struct acc_engine *e, struct service *s, const struct instance *i)
{
    const struct acc_rollout_record *is = &s->roll.is;

    if (is->step > ACC_ROLL_CREATE ||
        (is->is_change && (!is->is_upgrade || acc_svc_present(e, s)))) {
        return false;
    }
    return is->step < ACC_ROLL_CREATE || i->slot != is->slot ||
           (!has_begun(e, s, i->slot) && acc_rollout_waits(e, s, &(uint32_t){ACC_NONE}));
}

bool acc_rollout_owns(struct acc_engine *e, struct service *s, const struct instance *i)
{
    const struct rollout *r = &s->roll;

    if (!acc_rollout_active(s) || s->removed) {
        return false;
    }
    if (r->is.step == ACC_ROLL_UNDO) {
        return acc_undo_owns(e, s, i);
    }
    if (r->is.step == ACC_ROLL_ASK) {
        return acc_confirm_owns(e, s, i);
    }
    if (i->role != ROLE_NONE || (i->is_spare && !i->present) || (!i->present && r->gone_ms)) {
        return true;
    }
    if (s->wanted_up && acc_rollout_is_new(s, i) && i->present && !acc_inst_running(i) &&
        (r->fail_ms != 0 || !acc_due(e, s, r->retry_ms))) {
        return true; /* it isn't started again before it is clear whose fault it was */
    }
    if (r->is.step == ACC_ROLL_WATCH || r->is.step == ACC_ROLL_POST ||
        r->is.step == ACC_ROLL_RETIRE) { /* committed: one that is gone is made anew as ever */
        return false;
    }
    if (!i->present && (r->is.is_change || i->slot == r->is.slot)) {
        return !heals_until_its_turn(e, s, i);
    }
    return i->slot == r->is.slot &&
           (waits_for_another(e, s, i->slot) || r->is.step == ACC_ROLL_STOP_OLD ||
            r->is.step == ACC_ROLL_DRAIN || r->is.step == ACC_ROLL_SWITCH ||
            (!r->is.start_first && r->is.step >= ACC_ROLL_START));
}

static enum acc_action_type rename_it(struct acc_engine *e, struct service *s, struct instance *i,
                                      const char *tag, uint64_t number)
{
    char name[ACC_NAME_MAX + 1];

    if (!acc_due(e, s, i->retry_ms)) {
        return ACC_NOTHING;
    }
    acc_inst_canonical(e, i, name);
    if (tag) {
        /* Docker refuses what doesn't fit. */
        (void)snprintf(i->rename_to, sizeof(i->rename_to), "%.230s%s%llu", name, tag,
                       (unsigned long long)number);
    } else {
        memcpy(i->rename_to, name, sizeof(i->rename_to));
    }
    return ACC_ACT_RENAME;
}

/* A container that was made since the upgrade began may have volumes without a name. */
static void look_at_order(struct acc_engine *e, struct service *s)
{
    if (s->roll.is.start_first &&
        !acc_engine_start_first(e, acc_svc_index(e, s), &(const char *){NULL})) {
        s->roll.is.start_first = false;
        acc_save(s);
    }
}

static enum acc_action_type decide_create(struct acc_engine *e, struct service *s,
                                          struct instance *i)
{
    struct rollout *r = &s->roll;
    const struct instance *old = &e->inst[s->first_inst + i->slot - 1];

    if (i->present || r->fail_ms || i->slot != r->is.slot || old->op ||
        (old->present && old->need_obs) || !acc_due(e, s, r->retry_ms)) {
        return ACC_NOTHING;
    }
    look_at_order(e, s);
    r->waits_for = ACC_NONE;
    if (acc_rollout_waits(e, s, &r->waits_for)) {
        acc_turn_give_back(e, s);
        return ACC_NOTHING;
    }
    return acc_turn_to_create(e, s, &r->waits_for) ? ACC_ACT_CREATE : ACC_NOTHING;
}

/* Stop-first: somebody has started the old one beside the new one, which serves. Nobody stands on
 * it any more, and what they may not share is at stake. */
static bool is_beside(const struct service *s, const struct instance *i, const struct cast *cast)
{
    enum acc_rollout_step step = s->roll.is.step;
    const struct instance *newer = i->role == ROLE_RETIRED ? cast->holder : cast->candidate;

    return !s->roll.is.start_first && acc_inst_running(i) && newer && newer != i &&
           acc_inst_running(newer) && !acc_rollout_is_new(s, i) &&
           (i->role == ROLE_RETIRED
                ? step == ACC_ROLL_POST || step == ACC_ROLL_WATCH
                : i == cast->holder && step >= ACC_ROLL_VERIFY && step <= ACC_ROLL_SWITCH);
}

static enum acc_action_type decide_old(struct acc_engine *e, struct service *s, struct instance *i)
{
    if (acc_inst_running(i)) {
        return acc_gate_stop(e, s) || s->roll.is.start_first ? acc_stop_harder(e, s, i)
                                                             : ACC_NOTHING;
    }
    return i->exit_pending ? ACC_NOTHING : rename_it(e, s, i, ".r", s->roll.is.from);
}

/* What it needs is about to go or was made or started anew, and takes it along: then it is to prove
 * itself once more. */
static bool goes_with_dependency(struct acc_engine *e, struct service *s, const struct instance *i)
{
    return s->roll.is.step >= ACC_ROLL_CREATE && s->roll.is.step <= ACC_ROLL_ROUTE &&
           (acc_must_stop(e, s) || acc_inst_stranded(e, i) ||
            (i->end == END_DEPENDENCY && acc_gate_start(e, s)));
}

static enum acc_action_type decide_candidate(struct acc_engine *e, struct service *s,
                                             struct instance *i, const struct cast *cast)
{
    const struct rollout *r = &s->roll;
    bool is_to_start = r->is.step == ACC_ROLL_START || r->is.step == ACC_ROLL_VERIFY;

    if (r->fail_ms) {
        return ACC_NOTHING;
    }
    if (acc_inst_stranded(e, i) && r->is.step == ACC_ROLL_CREATE && !acc_inst_running(i)) {
        return waits_for_another(e, s, i->slot) ? ACC_NOTHING : acc_remove_it(e, s, i);
    }
    if (acc_inst_running(i) && goes_with_dependency(e, s, i)) {
        return acc_gate_stop(e, s) ? acc_stop_harder(e, s, i) : ACC_NOTHING;
    }
    if (is_to_start && !acc_inst_running(i)) {
        if (!r->is.start_first && cast->holder && acc_inst_running(cast->holder)) {
            return ACC_NOTHING; /* somebody has started the old one again */
        }
        return acc_due(e, s, r->retry_ms) && acc_gate_start(e, s) ? ACC_ACT_START : ACC_NOTHING;
    }
    if (r->is.step == ACC_ROLL_ROUTE && i->unrouted && acc_inst_running(i)) {
        return acc_due(e, s, i->retry_ms) && acc_resources_there_for_new(e, s) ? ACC_ACT_ROUTE
                                                                               : ACC_NOTHING;
    }
    return r->is.step == ACC_ROLL_SWITCH && !cast->holder ? rename_it(e, s, i, NULL, 0)
                                                          : ACC_NOTHING;
}

enum acc_action_type acc_rollout_decide(struct acc_engine *e, struct service *s, struct instance *i)
{
    struct rollout *r = &s->roll;
    struct cast cast = acc_rollout_cast(e, s, i->slot);

    if (acc_inst_is_left_paused(s, i) && s->run_asked) {
        return ACC_ACT_UNPAUSE;
    }
    if (acc_svc_held(e, s) || acc_hold_no_start(e, s)) {
        return ACC_NOTHING;
    }
    if (acc_rollout_is_stray(s, i)) {
        return acc_inst_running(i) ? acc_stop_harder(e, s, i) : acc_remove_it(e, s, i);
    }
    if (r->is.step == ACC_ROLL_UNDO) {
        return acc_undo_decide(e, s, i);
    }
    if (r->is.step == ACC_ROLL_ASK) {
        return acc_confirm_decide(e, s, i);
    }
    if (r->is.step == ACC_ROLL_RETIRE) {
        return i->role == ROLE_NONE        ? ACC_NOTHING
               : acc_inst_running(i)       ? acc_stop_harder(e, s, i)
               : cast.holder && i->present ? acc_remove_it(e, s, i)
                                           : ACC_NOTHING;
    }
    if (!i->present) {
        return i->is_spare && r->is.step == ACC_ROLL_CREATE ? decide_create(e, s, i) : ACC_NOTHING;
    }
    if (is_beside(s, i, &cast)) {
        return acc_stop_harder(e, s, i);
    }
    if (i->slot != r->is.slot || r->is.step == ACC_ROLL_WATCH || r->is.step == ACC_ROLL_POST) {
        return ACC_NOTHING;
    }
    if (i->role == ROLE_CANDIDATE) {
        return decide_candidate(e, s, i, &cast);
    }
    if (i == cast.holder && !acc_rollout_is_new(s, i) && r->is.step == ACC_ROLL_DRAIN) {
        return acc_drain_decide(e, s, i);
    }
    if (i == cast.holder && !acc_rollout_is_new(s, i) &&
        (r->is.step == ACC_ROLL_STOP_OLD || r->is.step == ACC_ROLL_SWITCH ||
         waits_for_another(e, s, i->slot)) &&
        cast.candidate) {
        return decide_old(e, s, i);
    }
    return ACC_NOTHING;
}

bool acc_rollout_watches(const struct service *s, const struct instance *i)
{
    return acc_rollout_active(s) && s->roll.is.step != ACC_ROLL_UNDO &&
           ((i->role == ROLE_CANDIDATE && !acc_rollout_is_stray(s, i)) || acc_rollout_is_new(s, i));
}

bool acc_rollout_is_failed(const struct service *s, const struct instance *i)
{
    return s->roll.is.step == ACC_ROLL_UNDO &&
           (i->role == ROLE_CANDIDATE || i->role == ROLE_BAD || acc_rollout_is_new(s, i));
}

bool acc_rollout_stops(struct acc_engine *e, struct service *s)
{
    if (s->roll.is.step == ACC_ROLL_STOP_OLD) {
        struct cast cast = acc_rollout_cast(e, s, s->roll.is.slot);

        return cast.holder && acc_inst_running(cast.holder);
    }
    for (uint32_t slot = 1; s->roll.is.step == ACC_ROLL_UNDO && slot <= s->n_inst; slot++) {
        struct cast cast = acc_rollout_cast(e, s, slot);

        if (acc_undo_serves(&cast, cast.bad) || acc_undo_serves(&cast, cast.candidate)) {
            return true;
        }
    }
    return false;
}
