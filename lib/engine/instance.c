/*
 * One instance: how its run ended and what that means, and the state that people see (E1).
 */

#include <stdio.h>
#include <string.h>

#include "lib/engine/internal.h"

/* The manual-stop flag is read from disk; unreadable after this. */
#define MANUAL_PATIENCE_MS 8000u

const char *acc_inst_spec(const struct acc_engine *e, const struct instance *i)
{
    if (acc_inst_likeness(e, i) == ACC_LIKE_SAME) {
        return e->services[i->svc].spec; /* whatever its label says */
    }
    const struct service *s = &e->services[i->svc];

    return i->spec[0] && strcmp(s->applied, s->spec) != 0 ? i->spec : s->applied;
}

/* One that it shares with is another by now. What both were when they were taken over stays. */
static bool is_bound_wrong(const struct acc_engine *e, const struct instance *i)
{
    const struct service *s = &e->services[i->svc];

    acc_each_out (e, s, edge) {
        const struct service *d = &e->services[edge->to];
        const struct instance *target = d->n_inst > 0 ? &e->inst[d->first_inst] : NULL;

        if (edge->kind == ACC_EDGE_BINDS && i->shares[0] && target && target->present &&
            !(i->is_adopted && target->is_adopted) && !strstr(i->shares, target->cid)) {
            return true;
        }
    }
    return false;
}

bool acc_inst_is_alone(struct acc_engine *e, const struct instance *i)
{
    acc_each_inst (e, acc_svc_of(e, i), k) {
        if (k != i && k->slot == i->slot && (k->present || k->op)) {
            return false;
        }
    }
    return true;
}

bool acc_inst_stranded(const struct acc_engine *e, const struct instance *i)
{
    return i->present && !e->services[i->svc].removed && i->epoch != 0 &&
           (i->recreate || is_bound_wrong(e, i));
}

bool acc_inst_is_extra(const struct acc_engine *e, const struct instance *i)
{
    const struct service *s = &e->services[i->svc];

    return i->is_spare && i->present && i->role == ROLE_NONE && !s->removed &&
           i->slot > s->n_inst && (i->slot <= s->scaled_to || acc_svc_observing(e, s));
}

bool acc_inst_outdated(const struct acc_engine *e, const struct instance *i)
{
    return acc_inst_stranded(e, i) || acc_inst_changed(e, i);
}

void acc_inst_end(struct acc_engine *e, struct instance *i, enum end_cause cause)
{
    struct service *s = acc_svc_of(e, i);

    if (i->end != END_NONE || !acc_inst_running(i)) {
        return;
    }
    i->end = cause;
    i->resumes = cause == END_DEPENDENCY && i->was_ready;
    if (cause == END_DEPENDENCY) {
        acc_note_inst(e, ACC_NOTE_DECISION, i, "is restarted along with what it needs");
    }
    /* for what is seen of its health the next accd has its own eyes */
    if (i->run_ns > s->end_ns && cause != END_HEALTH && cause != END_RECOVERY) {
        s->end_ns = i->run_ns;
        acc_save(s);
    }
    acc_mark_around(e, s);
}

/* --- stopped by hand ------------------------------------------------------------------------- */

void acc_inst_hold(struct acc_engine *e, struct instance *i)
{
    struct service *s = acc_svc_of(e, i);

    i->hold_ms = 0;
    i->held = true;
    if (!s->held) {
        s->held = true;
        acc_note_inst(e, ACC_NOTE_OBSERVED, i, "was stopped by hand and stays so");
        acc_save(s);
    }
    acc_mark_around(e, s);
}

/* --- the end of a run ------------------------------------------------------------------------ */

/* Nobody starts it again: it has done its work, or its policy says so. */
static bool is_final(const struct service *s, const struct instance *i)
{
    if (acc_inst_running(i) || s->run_asked) {
        return false;
    }
    switch (s->restart) {
    case ACC_RESTART_NO:
        return true;
    case ACC_RESTART_ON_FAILURE:
        if (i->exit_code == 0) {
            return true;
        }
        return s->restart_max > 0 && s->n_failures > s->restart_max;
    case ACC_RESTART_UNSET:
    case ACC_RESTART_ALWAYS:
    case ACC_RESTART_UNLESS_STOPPED:
        break;
    }
    return s->ends && i->exit_code == 0;
}

bool acc_inst_went_unseen(const struct instance *i)
{
    return i->obs == ACC_CTR_EXITED && !i->exit_pending && (i->exit_engine || i->exit_before) &&
           !acc_inst_is_stopped_by_hand(i);
}

bool acc_inst_is_over(const struct instance *i)
{
    return i->present && i->final && i->exit_code == 0 && !acc_inst_running(i);
}

void acc_inst_mark_done(struct acc_engine *e, struct service *s, struct instance *i)
{
    const char *spec = acc_inst_spec(e, i);

    s->done = true;
    acc_copy(s->done_spec, sizeof(s->done_spec), spec[0] ? spec : s->spec);
    acc_note_inst(e, ACC_NOTE_OBSERVED, i, "has done its work");
    acc_save(s);
    acc_mark_around(e, s);
}

/* An end that is no failure. One line for each end: a failure is told with what follows from it. */
static void note_end(struct acc_engine *e, const struct instance *i)
{
    char text[80];

    acc_exit_text(i->exit_code, i->oom, text, sizeof(text));
    acc_note_inst(e, ACC_NOTE_OBSERVED, i, "%s", text);
}

static void handled(struct acc_engine *e, struct instance *i)
{
    i->exit_pending = false;
    i->handled_ns = i->run_ns;
    i->end = END_NONE;
    i->ready = i->degraded = false;
    i->run_ms = 0;
    acc_svc_of(e, i)->wait_ms = 0;
    acc_probe_drop(e, i);
    acc_hook_end(e, acc_svc_of(e, i), i);
    acc_mark_around(e, acc_svc_of(e, i));
}

static bool is_quiet_signal(int32_t signal)
{
    return signal == 1 || signal == 10 || signal == 12 || signal == 28; /* HUP, USR1, USR2, WINCH */
}

bool acc_inst_is_shot(const struct instance *i)
{
    return i->kill_hint_ns != 0 && i->kill_hint_ns == i->run_ns && !i->exit_engine &&
           !is_quiet_signal(i->kill_signal);
}

bool acc_inst_is_stopped_by_hand(const struct instance *i)
{
    return i->stop_hint_ns != 0 && i->stop_hint_ns == i->run_ns && !i->exit_apart;
}

static void crashed(struct acc_engine *e, struct service *s, struct instance *i)
{
    bool is_oom = i->oom && i->exit_code != 0;
    char text[80];

    acc_exit_text(i->exit_code, is_oom, text, sizeof(text));
    (void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s",
                   acc_inst_is_shot(i) ? ACC_BY_KILL : "");
    if (acc_rollout_failed(e, s, i, "%s", text)) {
        return;
    }
    i->restart_due = true;
    i->heal |= !acc_storm_is_over(e);
    (void)acc_fail(e, s, is_oom ? FAIL_OOM : FAIL_EXIT, false, "%s", text);
    acc_tell_dependents(e, s, i, DEP_CRASHES);
}

/* It went down with dockerd: nobody's fault but the engine's. */
static void engine_took_it(struct acc_engine *e, struct instance *i)
{
    note_end(e, i);
    i->heal = true;
    i->restart_due = true;
}

/* Was it ended by hand while nobody looked? The engine's own flag tells, where it can be read.
 * False: not known yet. */
static bool ask_hand(struct acc_engine *e, struct service *s, struct instance *i, bool *ret_by_hand)
{
    if (!i->manual_answered && !i->ask_manual) {
        i->ask_manual = true;
        i->exit_ms = e->now;
        acc_want_look(i);
    }
    if (!i->manual_answered && !acc_due(e, s, i->exit_ms + MANUAL_PATIENCE_MS)) {
        return false;
    }
    i->ask_manual = false;
    *ret_by_hand = i->manual_answered && i->manual == ACC_YES;
    if ((!i->manual_answered || i->manual == ACC_UNKNOWN) && !e->fresh_engine) {
        *ret_by_hand = i->exit_code == 143 || i->exit_code == 0;
    }
    return true;
}

static void ended_by_us(struct acc_engine *e, struct service *s, struct instance *i)
{
    bool is_planned = i->end != END_HEALTH;

    note_end(e, i);
    handled(e, i);
    i->restart_due = s->wanted_up;
    if (s->wanted_up) {
        acc_tell_dependents(e, s, i, is_planned ? DEP_RESTARTS : DEP_CRASHES);
    }
}

static void ended_away(struct acc_engine *e, struct service *s, struct instance *i)
{
    bool is_asked = i->exit_before && s->run_asked; /* since it has ended */
    bool by_hand = false;

    if (!acc_may_act(e) || acc_inst_stale(e, i) || e->stacks[s->stack].contact == CONTACT_UNKNOWN) {
        return; /* after the snapshot */
    }
    if (s->held) {
        by_hand = true;
    } else if (!s->wanted_up || acc_svc_is_done(s) || acc_svc_observing(e, s)) {
        if (!i->exit_before) {
            note_end(e, i);
        }
        handled(e, i);
        return;
    } else if (!is_asked && !i->exit_apart && !ask_hand(e, s, i, &by_hand)) {
        return;
    } else if (by_hand && acc_rollout_stopped_before(e, s, i)) {
        ended_by_us(e, s, i);
        return;
    }
    handled(e, i);
    if (by_hand) {
        acc_inst_hold(e, i);
    } else if (i->exit_engine) {
        engine_took_it(e, i);
    } else if (is_final(s, i) && !i->exit_before) { /* only the connection was away */
        i->final = true;
        acc_inst_mark_done(e, s, i);
    } else if (!i->exit_before) {
        crashed(e, s, i);
    } else {
        i->restart_due = true; /* before our time: brought up, nothing counted */
    }
}

/* `docker stop` kills, dies, and only then says stop. True: wait for it. */
static bool wait_for_stop(struct acc_engine *e, struct service *s, const struct instance *i)
{
    if (i->kill_hint_ns == 0 || i->kill_hint_ns != i->run_ns ||
        (is_quiet_signal(i->kill_signal) &&
         i->exit_ms > i->kill_hint_ms + s->stop_grace_ms + ACC_KILL_SETTLE_MS)) {
        return false;
    }
    return !acc_due(e, s, i->exit_ms + ACC_KILL_SETTLE_MS);
}

/* No `die` was told: events get lost, and a `stop` may be one of them. */
static bool is_untold(struct acc_engine *e, struct service *s, struct instance *i)
{
    if (i->die_hint_ns == i->run_ns || !acc_due(e, s, i->exit_ms + ACC_KILL_SETTLE_MS)) {
        return false;
    }
    i->exit_away = true;
    return true;
}

/* A new container on trial has ended: is it clear by now whether somebody ended it? A dockerd that
 * goes down tells of stops, too, before it goes. */
static bool is_hand_known(struct acc_engine *e, struct service *s, struct instance *i)
{
    bool by_hand = false;

    if (!i->exit_away) {
        return acc_inst_is_stopped_by_hand(i)
                   ? acc_due(e, s, i->exit_ms + s->timing.external_stop_settle)
                   : !wait_for_stop(e, s, i);
    }
    if (acc_inst_is_stopped_by_hand(i)) {
        return true;
    }
    if (!acc_may_act(e) || acc_inst_stale(e, i) ||
        (!i->exit_apart && !ask_hand(e, s, i, &by_hand))) {
        return false;
    }
    i->stop_hint_ns = by_hand ? i->run_ns : i->stop_hint_ns;
    return true;
}

/* It has done its work by itself, before anybody could end it. */
static bool is_done_by_itself(const struct service *s, const struct instance *i)
{
    return is_final(s, i) && i->exit_code == 0 && i->die_hint_ns == i->run_ns &&
           i->kill_hint_ns != i->run_ns && i->stop_hint_ns != i->run_ns;
}

/* Whoever stops containers while the host goes down (Docker itself, a unit of systemd's), it isn't
 * by hand; and to fail now is no failure. */
static bool ends_with_host(const struct acc_engine *e, const struct service *s,
                           const struct instance *i)
{
    return e->shutdown.is_on && i->exit_ms >= e->shutdown.since_ms && !i->exit_doubted &&
           !i->is_spare && !is_done_by_itself(s, i);
}

static void ended_with_host(struct acc_engine *e, struct service *s, struct instance *i)
{
    if (i->run_ns > s->own_stop_ns) { /* the next accd, too, is to know that it was not by hand */
        s->own_stop_ns = i->run_ns;
        acc_save(s);
    }
    ended_by_us(e, s, i);
}

/* Nobody knows of what isn't known to end whether it has done its work: the new one of a rollout
 * was to run on. */
static void ended_for_good(struct acc_engine *e, struct service *s, struct instance *i)
{
    bool is_away = i->exit_away && !s->ends && acc_rollout_active(s) && acc_rollout_is_new(s, i);

    if (is_away && !is_hand_known(e, s, i)) {
        return;
    }
    handled(e, i);
    if (is_away && acc_inst_is_stopped_by_hand(i)) {
        acc_inst_hold(e, i);
        return;
    }
    i->final = true;
    if (i->exit_code != 0) {
        crashed(e, s, i);
    } else if (s->ends || !acc_rollout_failed(e, s, i, "exited with 0")) {
        acc_inst_mark_done(e, s, i);
    }
}

/* Docker ends all with SIGTERM as it goes down, and many answer that with 0. That doesn't mean that
 * it has done its work: rather a job twice than half of one. What was up when accd went away, and
 * is no job, may have met with that since. */
static bool may_be_engines(const struct service *s, const struct instance *i)
{
    bool is_job = s->one_shot || s->ends;

    if (i->exit_engine && !is_job && acc_rollout_active(s) && acc_rollout_is_new(s, i)) {
        return true; /* whatever its policy says: it has yet to show that it is good */
    }
    if (!i->exit_away || i->exit_code != 0) {
        return false;
    }
    return i->exit_doubted || i->exit_engine
               ? is_job || s->restart == ACC_RESTART_ON_FAILURE
               : i->exit_before && !is_job && s->restart == ACC_RESTART_ON_FAILURE;
}

/* It has ended with 0 in a stack that is only observed, and its own policy doesn't start it again:
 * it is as off as what was found so. */
static bool is_over_unmanaged(const struct acc_engine *e, const struct service *s,
                              const struct instance *i)
{
    return e->stacks[s->stack].contact == CONTACT_OBSERVING && s->wanted_up && !i->exit_before &&
           i->exit_code == 0 &&
           (i->policy == ACC_RESTART_NO || i->policy == ACC_RESTART_ON_FAILURE);
}

static void ended_unmanaged(struct acc_engine *e, struct service *s, struct instance *i)
{
    note_end(e, i);
    handled(e, i);
    acc_each_inst (e, s, other) {
        if (acc_inst_running(other)) {
            return;
        }
    }
    acc_contact_keep_off(s);
    acc_mark_around(e, s);
}

static void resolve_exit(struct acc_engine *e, struct service *s, struct instance *i)
{
    bool is_own = (i->own_stop_ns != 0 && i->own_stop_ns == i->run_ns) ||
                  (i->exit_away && i->run_ns <= s->own_stop_ns && i->run_ns > 0);
    bool is_told = acc_inst_is_stopped_by_hand(i);

    if (ends_with_host(e, s, i)) {
        ended_with_host(e, s, i);
    } else if (!is_own && acc_rollout_tries(s, i) && !is_hand_known(e, s, i)) {
        return;
    } else if (i->is_spare || (acc_rollout_owns(e, s, i) && !is_own)) {
        note_end(e, i);
        handled(e, i);
        i->final = is_done_by_itself(s, i) && !acc_rollout_is_new(s, i);
    } else if (is_own || (is_told && acc_rollout_stopped_before(e, s, i))) {
        ended_by_us(e, s, i);
    } else if (is_told && !e->ever_synced) {
        return; /* whether it was within an upgrade shows when all has been seen */
    } else if (is_told) {
        handled(e, i);
        i->hold_ms = s->wanted_up ? (e->now ? e->now : 1) : 0;
        acc_wake_at(s, e->now + s->timing.external_stop_settle);
    } else if (!i->exit_away && wait_for_stop(e, s, i)) {
        return;
    } else if (!i->exit_away && i->die_hint_ns != i->run_ns && !is_untold(e, s, i)) {
        return;
    } else if (is_final(s, i) && !may_be_engines(s, i)) {
        ended_for_good(e, s, i);
    } else if (is_over_unmanaged(e, s, i)) {
        ended_unmanaged(e, s, i);
    } else if (i->exit_away) {
        ended_away(e, s, i);
    } else {
        handled(e, i);
        crashed(e, s, i);
        i->final = is_final(s, i);
    }
}

/* Who began before the run whose namespaces it shares began lives in those of an older one,
 * whatever was seen or missed of it. */
static bool is_cut_off(const struct acc_engine *e, const struct service *s,
                       const struct instance *i)
{
    acc_each_out (e, s, edge) {
        const struct service *d = &e->services[edge->to];
        const struct instance *target = d->n_inst > 0 ? &e->inst[d->first_inst] : NULL;

        if (edge->kind == ACC_EDGE_BINDS && target && target->present &&
            target->epoch == e->epoch && target->obs == ACC_CTR_RUNNING &&
            target->started_ns > i->started_ns) {
            return true;
        }
    }
    return false;
}

/* --- update ---------------------------------------------------------------------------------- */

/* Its restart had to wait for others, and it got well meanwhile. */
static bool is_well_after_all(const struct instance *i)
{
    return (i->end == END_HEALTH || i->end == END_RECOVERY) && i->ready && !i->degraded &&
           !i->stop_ms && i->pre_stop_ns != i->run_ns && !(i->hook_op && i->hook_is_stop);
}

void acc_inst_update(struct acc_engine *e, struct service *s, struct instance *i)
{
    if (i->hold_ms && e->conn == CONN_UP && e->synced &&
        acc_due(e, s, i->hold_ms + s->timing.external_stop_settle)) {
        acc_inst_hold(e, i);
    }
    if (i->conflict_cid[0] && acc_due(e, s, i->conflict_ms + ACC_INSPECT_AGAIN_MS)) {
        acc_conflict_clear(e, i);
        if (!acc_rollout_failed(e, s, i, "could not be created: its name is taken")) {
            (void)acc_fail(e, s, FAIL_START, true, "could not be created: its name is taken");
        }
    }
    if (i->exit_pending) {
        resolve_exit(e, s, i);
    }
    acc_probe_update(e, s, i);
    if (!i->is_spare && i->obs == ACC_CTR_RUNNING && s->wanted_up && acc_may_act(e) &&
        !acc_svc_observing(e, s) && !acc_inst_stale(e, i) && i->present && is_cut_off(e, s, i)) {
        acc_inst_end(e, i, END_DEPENDENCY);
    }
    if (i->end != END_NONE && !acc_inst_running(i)) {
        i->end = END_NONE;
    }
    if (!s->wanted_up || (acc_inst_running(i) && i->end == END_NONE)) {
        i->resumes = false;
    }
    if (is_well_after_all(i)) {
        i->end = END_NONE;
        acc_mark_around(e, s);
    }
}

/* --- the state that people see --------------------------------------------------------------- */

static enum acc_inst_state state_of(const struct instance *i)
{
    bool is_stopping = (i->op && (i->op_type == ACC_ACT_STOP || i->op_type == ACC_ACT_KILL)) ||
                       (i->hook_op && i->hook_is_stop);

    if (!i->present) {
        return i->op && i->op_type == ACC_ACT_CREATE ? ACC_INST_CREATING : ACC_INST_ABSENT;
    }
    if (i->quarantined || i->obs == ACC_CTR_DEAD) {
        return ACC_INST_QUARANTINE;
    }
    if (i->obs == ACC_CTR_REMOVING || (i->op && i->op_type == ACC_ACT_REMOVE)) {
        return ACC_INST_REMOVING;
    }
    if (is_stopping && acc_inst_running(i)) {
        return ACC_INST_STOPPING;
    }
    switch (i->obs) {
    case ACC_CTR_CREATED:
    case ACC_CTR_EXITED:
        if (i->start_unsettled) {
            return ACC_INST_STARTING;
        }
        return i->obs == ACC_CTR_CREATED ? ACC_INST_CREATED : ACC_INST_EXITED;
    case ACC_CTR_PAUSED:
        return ACC_INST_PAUSED;
    case ACC_CTR_RUNNING:
    case ACC_CTR_RESTARTING:
        return i->degraded ? ACC_INST_DEGRADED : i->ready ? ACC_INST_READY : ACC_INST_PROBING;
    case ACC_CTR_REMOVING:
    case ACC_CTR_DEAD:
        break;
    }
    return ACC_INST_QUARANTINE;
}

void acc_inst_derive(struct acc_engine *e, struct instance *i)
{
    enum acc_inst_state state = state_of(i);

    if (state != i->state) {
        i->state = state;
        acc_mark_dependents(e, acc_svc_of(e, i));
    }
}
