/*
 * What is asked for: per instance one change of the world at most, found by looking at state alone.
 *
 * decide() says what an instance needs next; whether the stack is ours to change, and whether a
 * token is free, is seen to afterwards. In an observed stack the decision becomes a note.
 */

#include <stdio.h>
#include <string.h>

#include "lib/engine/internal.h"

/* A start whose answer got lost and that can't be seen to have happened. */
#define LOST_START_MS 15000u

#define NOTHING ACC_NOTHING

void acc_inst_canonical(const struct acc_engine *e, const struct instance *i,
                        char name[ACC_NAME_MAX + 1])
{
    const struct service *s = &e->services[i->svc];

    if (s->container_name) {
        acc_copy(name, ACC_NAME_MAX + 1, s->container_name);
    } else if (i->slot == 1 && s->canonical[0]) {
        acc_copy(name, ACC_NAME_MAX + 1, s->canonical);
    } else {
        /* Docker refuses what doesn't fit. */
        (void)snprintf(name, ACC_NAME_MAX + 1, "%s-%s-%u", s->stack_name, s->name,
                       (unsigned)i->slot);
    }
}

/* --- stopping -------------------------------------------------------------------------------- */

static void put_aside(struct acc_engine *e, struct service *s, struct instance *i)
{
    if (!i->quarantined) {
        i->quarantined = true;
        i->quarantine_ms = e->now;
        acc_note_inst(e, ACC_NOTE_OBSERVED, i, "can't be stopped and is put aside");
        acc_incident_open(e, s, "its container can't be stopped");
        acc_mark_around(e, s);
    }
}

/* Stop; when that did not end it, kill; when that did not either, put it aside and try slowly. */
enum acc_action_type acc_stop_harder(struct acc_engine *e, struct service *s, struct instance *i)
{
    if (!i->stop_ms) {
        i->stop_ms = e->now ? e->now : 1;
        return ACC_ACT_STOP;
    }
    if (!acc_due(e, s, i->retry_ms)) {
        return NOTHING;
    }
    if (i->quarantined) {
        if (!acc_due(e, s, i->quarantine_ms + ACC_QUARANTINE_RETRY_MS)) {
            return NOTHING;
        }
        i->quarantine_ms = e->now;
        return ACC_ACT_KILL;
    }
    if (i->kill_ms) {
        if (acc_due(e, s, i->kill_ms + ACC_KILL_PATIENCE_MS)) {
            put_aside(e, s, i);
            acc_wake_at(s, e->now + ACC_QUARANTINE_RETRY_MS);
        }
        return NOTHING;
    }
    if (!acc_due(e, s, i->stop_ms + s->stop_grace_ms + ACC_STOP_EXTRA_MS)) {
        i->retry_ms = e->now + 1000;
        return ACC_ACT_STOP; /* it was answered, and still it runs: the call may have been lost */
    }
    i->kill_ms = e->now;
    return ACC_ACT_KILL;
}

void acc_stop_anew(struct instance *i)
{
    if (i->quarantined) {
        i->quarantined = false;
        i->stop_ms = i->kill_ms = 0;
    }
}

enum acc_action_type acc_remove_it(struct acc_engine *e, struct service *s, struct instance *i)
{
    return acc_due(e, s, i->retry_ms) ? ACC_ACT_REMOVE : NOTHING;
}

/* --- what an instance needs ------------------------------------------------------------------ */

static bool policy_differs(const struct acc_engine *e, struct service *s, struct instance *i)
{
    const struct stack *stack = &e->stacks[s->stack];
    enum acc_restart_policy want = ACC_RESTART_NO;
    uint32_t max = 0;

    if (s->removed || (i->is_spare && i->slot > s->n_inst)) {
        return false; /* it is none of the file's */
    }
    if (stack->contact == CONTACT_OBSERVING) {
        if (!stack->handing_back) {
            return false;
        }
        want = s->restart == ACC_RESTART_UNSET ? ACC_RESTART_NO : s->restart;
        max = want == ACC_RESTART_ON_FAILURE ? s->restart_max : 0;
    }
    i->policy_asked = want;
    i->policy_asked_max = max;
    return i->policy != want || (want == ACC_RESTART_ON_FAILURE && i->policy_max != max);
}

static enum acc_action_type decide_unwanted(struct acc_engine *e, struct service *s,
                                            struct instance *i, bool remove)
{
    if (acc_inst_running(i)) {
        return acc_gate_stop(e, s) ? acc_stop_harder(e, s, i) : NOTHING;
    }
    return remove ? acc_remove_it(e, s, i) : NOTHING;
}

/* Which of two runs for one slot stays: the holder of the canonical name, else the older. */
static bool loses(const struct acc_engine *e, const struct instance *i,
                  const struct instance *other)
{
    char name[ACC_NAME_MAX + 1];

    acc_inst_canonical(e, i, name);
    if (strcmp(i->name, name) == 0 || strcmp(other->name, name) == 0) {
        return strcmp(other->name, name) == 0;
    }
    return other->started_ns <= i->started_ns;
}

static enum acc_action_type decide_spare(struct acc_engine *e, struct service *s,
                                         struct instance *i)
{
    const struct instance *slot = i->slot <= s->n_inst ? &e->inst[s->first_inst + i->slot - 1]
                                                       : NULL;

    if (s->removed) {
        return decide_unwanted(e, s, i, s->wanted_removed || acc_rollout_left_half_way(e, s, i));
    }
    if (!slot || !s->wanted_up) {
        return decide_unwanted(e, s, i, !slot || s->wanted_removed);
    }
    if (!acc_inst_running(i) || !acc_inst_running(slot) || i->role != ROLE_NONE ||
        slot->role != ROLE_NONE) {
        i->twins_ms = 0;
        return NOTHING;
    }
    if (!i->twins_ms) {
        i->twins_ms = e->now ? e->now : 1;
    }
    /* The slot's own holder keeps the slot even where the other has the better claim: to swap them
     * would stop the one that its dependents use. */
    return acc_due(e, s, i->twins_ms + ACC_TWINS_SETTLE_MS) && loses(e, i, slot)
               ? acc_stop_harder(e, s, i)
               : NOTHING;
}

static bool may_start(struct acc_engine *e, struct service *s, const struct instance *i)
{
    return !acc_must_stop(e, s) && acc_gate_breaker(e, s) && acc_gate_start(e, s) && !i->held &&
           !i->hold_ms;
}

bool acc_may_swap(struct acc_engine *e, struct service *s, const struct instance *i)
{
    /* A watch goes on with a container that is made anew for its namespace. */
    bool is_rolling = acc_rollout_active(s) &&
                      (s->roll.is.step != ACC_ROLL_WATCH || strcmp(s->roll.is.spec, s->spec) != 0);

    return acc_may_act(e) && s->wanted_up && !i->is_spare && !is_rolling && !i->held &&
           !i->hold_ms && acc_inst_running(i) && i->obs != ACC_CTR_PAUSED &&
           !acc_hold_no_stop(e, s) && !acc_hold_no_start(e, s) && acc_change_swaps(e, s, i) &&
           acc_gate_start(e, s) && acc_gate_breaker(e, s) && acc_resources_there(e, s) &&
           acc_renew_may_follow(e, s); /* last: what it takes is fetched meanwhile */
}

static enum acc_action_type decide_running(struct acc_engine *e, struct service *s,
                                           struct instance *i)
{
    bool must_end = false;
    bool needs_gate = true;

    if (i->obs == ACC_CTR_PAUSED) {
        return s->run_asked ? ACC_ACT_UNPAUSE : NOTHING;
    }
    if (i->end == END_NONE && acc_drain_came_late(e, s, i)) {
        return ACC_ACT_UNDRAIN;
    }
    switch (i->end) {
    case END_NONE:
        must_end = acc_may_swap(e, s, i);
        break;
    case END_ASKED:
        must_end = true;
        break;
    case END_DEPENDENCY:
        must_end = acc_gate_start(e, s);
        break;
    case END_HEALTH:
    case END_RECOVERY:
        must_end = true;
        needs_gate = i->end != END_HEALTH;
        break;
    }
    if (acc_hold_no_start(e, s)) {
        must_end = false; /* it could not be started again */
    }
    if (acc_must_stop(e, s)) {
        must_end = needs_gate = true;
    }
    if (!must_end || (needs_gate && !acc_gate_stop(e, s))) {
        return NOTHING;
    }
    return acc_stop_harder(e, s, i);
}

static enum acc_action_type decide_down(struct acc_engine *e, struct service *s, struct instance *i)
{
    if (i->held || i->hold_ms || acc_hold_no_start(e, s)) {
        return NOTHING;
    }
    if (acc_inst_unsure(e, i) || (acc_inst_stranded(e, i) && acc_change_is_kept(e, s, i))) {
        return NOTHING; /* ... it can't run meanwhile */
    }
    if (acc_change_swaps(e, s, i)) {
        if (s->done && !s->run_asked && !acc_renew_may_follow(e, s)) {
            return NOTHING; /* a job is run again on what its dependencies become, not on what they
                               were */
        }
        return acc_gate_breaker(e, s) && acc_gate_create(e, s) && acc_resources_there(e, s)
                   ? acc_remove_it(e, s, i)
                   : NOTHING;
    }
    if ((i->final && !s->run_asked) || acc_svc_is_done(s)) {
        return NOTHING;
    }
    if (!may_start(e, s, i)) {
        return NOTHING;
    }
    return !i->rejoin                                                ? ACC_ACT_START
           : acc_due(e, s, i->retry_ms) && acc_resources_there(e, s) ? ACC_ACT_ROUTE
                                                                     : NOTHING;
}

static enum acc_action_type decide_absent(struct acc_engine *e, struct service *s,
                                          struct instance *i)
{
    if (i->is_spare || s->removed || !s->wanted_up || i->held || acc_svc_is_done(s) ||
        acc_hold_no_start(e, s) || acc_change_is_near(e, s) || !acc_gate_breaker(e, s) ||
        !acc_gate_create(e, s) || !acc_resources_there(e, s)) {
        return NOTHING;
    }
    return ACC_ACT_CREATE;
}

/* What its service's own stop or restart has ended. */
static bool is_ended_along(const struct service *s, const struct instance *i)
{
    return i->run_ns != 0 && i->run_ns == i->handled_ns &&
           (i->own_stop_ns == i->run_ns || (i->own_stop_ns == 0 && i->run_ns <= s->own_stop_ns));
}

/* It is stopped, started and removed with its service; all else is Docker's and its owner's. */
static enum acc_action_type decide_extra(struct acc_engine *e, struct service *s,
                                         struct instance *i)
{
    if (!s->wanted_up) {
        return decide_unwanted(e, s, i, s->wanted_removed);
    }
    if (acc_inst_running(i)) {
        return i->end != END_NONE && i->obs != ACC_CTR_PAUSED && !acc_hold_no_start(e, s) &&
                       acc_gate_stop(e, s)
                   ? acc_stop_harder(e, s, i)
                   : NOTHING;
    }
    return is_ended_along(s, i) && may_start(e, s, i) ? ACC_ACT_START : NOTHING;
}

static enum acc_action_type decide_broken(struct acc_engine *e, struct service *s,
                                          struct instance *i)
{
    if (i->obs == ACC_CTR_REMOVING) {
        if (acc_due(e, s, i->inspect_ms + 1000)) {
            acc_want_look(i);
        }
        return NOTHING;
    }
    if (s->removed && !s->wanted_removed) {
        return NOTHING; /* what has left the files is somebody else's until it is pruned */
    }
    if (s->wanted_up) {
        acc_incident_open(e, s, "its container is dead and can't be removed");
    }
    return acc_remove_it(e, s, i);
}

/* Somebody has renamed it to what an upgrade calls the one beside it. */
static enum acc_action_type name_again(const struct acc_engine *e, struct instance *i)
{
    acc_inst_canonical(e, i, i->rename_to);
    return ACC_ACT_RENAME;
}

static enum acc_action_type decide(struct acc_engine *e, struct service *s, struct instance *i)
{
    if (acc_hold_frozen(e, s)) {
        return NOTHING;
    }
    if (acc_rollout_owns(e, s, i) && i->obs != ACC_CTR_DEAD && i->obs != ACC_CTR_REMOVING) {
        return acc_rollout_decide(e, s, i);
    }
    if (!i->present) {
        return decide_absent(e, s, i);
    }
    if (i->obs == ACC_CTR_DEAD || i->obs == ACC_CTR_REMOVING) {
        return decide_broken(e, s, i);
    }
    if (acc_inst_is_extra(e, i)) {
        return acc_svc_observing(e, s) ? NOTHING : decide_extra(e, s, i);
    }
    if (acc_due(e, s, i->retry_ms) && acc_rollout_is_misnamed(e, s, i)) {
        return name_again(e, i);
    }
    if (policy_differs(e, s, i)) {
        return acc_due(e, s, i->policy_retry_ms) ? ACC_ACT_SET_POLICY : NOTHING;
    }
    if (i->is_spare) {
        return decide_spare(e, s, i);
    }
    if (!s->wanted_up || s->removed) {
        return decide_unwanted(e, s, i, s->wanted_removed);
    }
    if (acc_inst_live(e, i)) {
        return ACC_ACT_UPDATE;
    }
    return acc_inst_running(i) ? decide_running(e, s, i) : decide_down(e, s, i);
}

/* --- doing it, or saying so ------------------------------------------------------------------ */

static void say_would(struct acc_engine *e, struct instance *i, enum acc_action_type what)
{
    const char *verb = what == NOTHING ? "" : acc_action_type_name(what);

    if (strcmp(i->would, verb) == 0) {
        return;
    }
    acc_copy(i->would, sizeof(i->would), verb);
    if (what != NOTHING) {
        acc_note_inst(e, ACC_NOTE_WOULD, i, "would %s it", verb);
    }
}

/* After the engine was away all come back at once: 8, then 2 a second. */
bool acc_heal_token(struct acc_engine *e, struct service *s)
{
    while (e->heal_tokens < ACC_HEAL_BURST && e->now >= e->heal_tokens_ms + ACC_HEAL_EVERY_MS) {
        e->heal_tokens++;
        e->heal_tokens_ms += ACC_HEAL_EVERY_MS;
    }
    if (e->heal_tokens == 0) {
        acc_wake_at(s, e->heal_tokens_ms + ACC_HEAL_EVERY_MS);
        return false;
    }
    if (e->heal_tokens == ACC_HEAL_BURST) {
        e->heal_tokens_ms = e->now;
    }
    e->heal_tokens--;
    return true;
}

static bool heal_token(struct acc_engine *e, struct service *s, struct instance *i)
{
    if (i->heal && !acc_heal_token(e, s)) {
        return false;
    }
    i->heal = false;
    return true;
}

static bool has_token(struct acc_engine *e, struct service *s, struct instance *i,
                      enum acc_action_type what)
{
    if (what == ACC_ACT_START) {
        if (!acc_serial_lets_start(e, s)) {
            s->queued = true; /* the one that is at it marks us when it is done */
            return false;
        }
        return acc_token(e, s, TOKEN_START) && heal_token(e, s, i);
    }
    if (what == ACC_ACT_CREATE) {
        return acc_token(e, s, TOKEN_CREATE);
    }
    return acc_token(e, s, TOKEN_STOP);
}

/* A start that got lost: it may still come true for a while. */
static void settle_start(struct acc_engine *e, struct service *s, struct instance *i)
{
    if (!i->start_unsettled || i->op || !i->present) {
        return;
    }
    if (!i->need_obs && acc_due(e, s, i->op_ms + LOST_START_MS)) {
        i->start_unsettled = false;
        acc_mark(e, s);
    } else if (acc_due(e, s, i->inspect_ms + 1000)) {
        acc_want_look(i);
        acc_look(e, i);
    }
}

static void act_instance(struct acc_engine *e, struct service *s, struct instance *i)
{
    enum acc_action_type what;
    uint64_t stop_ms = i->stop_ms;
    uint64_t kill_ms = i->kill_ms;

    if (i->op) {
        acc_op_watch(e, i);
    }
    acc_look(e, i);
    if (i->op || i->need_list || i->conflict_cid[0] || i->exit_pending ||
        (i->present &&
         (i->need_obs || i->maybe_gone || i->start_unsettled || acc_inst_stale(e, i)))) {
        settle_start(e, s, i);
        return;
    }
    if (e->stacks[s->stack].contact == CONTACT_UNKNOWN) {
        return; /* whose it is comes to light with the next list */
    }
    if (e->shutdown.is_on) {
        what = acc_shutdown_decide(e, s, i);
    } else {
        if (i->present) {
            acc_probe_act(e, s, i);
            acc_compare(e, s, i);
            acc_hook_act(e, s, i);
        }
        what = decide(e, s, i);
        if (what == NOTHING) {
            acc_hook_keep(s, i);
        }
    }
    if (acc_svc_observing(e, s) && what != ACC_ACT_SET_POLICY) {
        say_would(e, i, what);
    } else if (what != NOTHING && !acc_hold_forbids(e, s, what) &&
               (what != ACC_ACT_STOP || acc_hook_lets_stop(e, s, i)) && has_token(e, s, i, what)) {
        acc_op_ask(e, i, what);
        return;
    }
    if (what != NOTHING) { /* not done after all */
        i->stop_ms = stop_ms;
        i->kill_ms = kill_ms;
    }
}

bool acc_act_policies_set(struct acc_engine *e, struct service *s)
{
    acc_each_inst (e, s, i) {
        if (i->present &&
            (policy_differs(e, s, i) || (i->op && i->op_type == ACC_ACT_SET_POLICY))) {
            return false;
        }
    }
    return true;
}

bool acc_act_settled(struct acc_engine *e, struct service *s)
{
    if (acc_rollout_active(s) && s->roll.is.step != ACC_ROLL_WATCH) {
        return false;
    }
    acc_each_inst (e, s, i) {
        if (i->op || i->need_list || i->hook_op || i->hooks == HOOKS_DUE ||
            (i->present && (i->need_obs || i->end != END_NONE)) || !acc_compare_settled(e, i)) {
            return false;
        }
    }
    return acc_act_policies_set(e, s);
}

void acc_act(struct acc_engine *e, struct service *s)
{
    if (acc_may_act(e) || (e->shutdown.is_on && acc_may_look(e))) {
        s->queued = false; /* asked again for each instance */
        if (!e->shutdown.is_on) {
            acc_rollout_act(e, s);
        }
        acc_each_inst (e, s, i) {
            if (!acc_has_room(e)) {
                acc_bits_set(&e->act, s->pos);
                return;
            }
            act_instance(e, s, i);
        }
        acc_contact_hand_back(e, &e->stacks[s->stack]);
    }
    acc_flush_save(e, s);
    if (s->run_asked && s->running && !acc_svc_is_left_paused(e, s)) {
        s->run_asked = false;
    }
    acc_svc_derive(e, s);
    acc_phase_update(e, s);
}
