/*
 * A rollback that a person has to agree to (E9, R3): the new one of a stateful service has run, so
 * it may have changed data that the old one can't read, and nothing was saved before. Or somebody
 * wants to have a look at each one that failed (upgrade.on_failure: pause).
 *
 * Until somebody decides nothing is started, stopped or removed: the new one stays as it failed,
 * the old one as it was left. Where the old one still serves it goes on to, and is alone in that. A
 * service that somebody turns off meanwhile stops all the same.
 */

#include <string.h>

#include "lib/engine/internal.h"

/* The old one, where it still runs, is left alone: there is nothing to go back over. */
static bool has_run_instead(struct acc_engine *e, const struct service *s, const struct instance *i)
{
    bool is_new = i->role == ROLE_CANDIDATE || i->role == ROLE_BAD || acc_rollout_is_new(s, i);
    struct cast cast;

    if (!i->present || !is_new || (!acc_inst_running(i) && i->started_ns == 0)) {
        return false;
    }
    cast = acc_rollout_cast(e, s, i->slot);
    return !cast.holder || cast.holder == i || !acc_inst_running(cast.holder);
}

bool acc_confirm_is_about_data(struct acc_engine *e, struct service *s)
{
    if (!s->stateful || s->has_pre_upgrade) {
        return false;
    }
    if (s->roll.gone_ms) {
        return true; /* it has run, and somebody has removed it since */
    }
    acc_each_inst (e, s, i) {
        if (has_run_instead(e, s, i)) {
            return true;
        }
    }
    return false;
}

/* What it is about when it is asked: its containers may have been removed since. */
bool acc_confirm_asks_for_data(struct acc_engine *e, struct service *s)
{
    return acc_confirm_is_about_data(e, s) || !s->upgrade_pauses;
}

/* There must be one to look at, and no other reason than that it failed: not one that was turned
 * off, or whose file has changed. What is on its way back (`.bad`) was decided about. */
static bool pauses(struct acc_engine *e, struct service *s)
{
    bool is_there = false;

    acc_each_inst (e, s, i) {
        if (i->role == ROLE_BAD) {
            return false;
        }
        is_there |= i->present && (acc_rollout_is_new(s, i) ||
                                   (i->role == ROLE_CANDIDATE && !acc_rollout_is_stray(s, i)));
    }
    return is_there && s->upgrade_pauses && s->wanted_up && strcmp(s->roll.is.spec, s->spec) == 0;
}

void acc_undo_or_ask(struct acc_engine *e, struct service *s, bool is_fault)
{
    bool is_asked = !acc_undo_is_impossible(e, s) &&
                    (acc_confirm_is_about_data(e, s) || pauses(e, s));

    if (is_asked) {
        s->roll.result = ROLL_NONE;
        acc_rollout_step(e, s, ACC_ROLL_ASK);
        acc_confirm_update(e, s);
    } else {
        acc_undo_begin(e, s, is_fault);
    }
}

/* What is open is not kept over an end of accd: it is opened again. */
void acc_confirm_update(struct acc_engine *e, struct service *s)
{
    if (!s->wanted_up && s->wanted_removed) { /* `down`: there is nothing left to decide about */
        acc_undo_begin(e, s, false);
        return;
    }
    if (s->wanted_up && s->incident == ACC_NONE) {
        acc_incident_open(e, s,
                          acc_confirm_asks_for_data(e, s)
                              ? "its upgrade failed, and going back over data that may have "
                                "changed needs somebody's word"
                              : "its upgrade failed, and waits for somebody's word");
        acc_incident_notify(e, s);
    }
}

/* An old one that doesn't serve isn't started beside a new one that runs, or is about to.
 * Stop-first it was stopped for the new one: once that has run, to start the old one is what is
 * asked about. */
bool acc_confirm_is_put_aside(struct acc_engine *e, const struct service *s,
                              const struct instance *i)
{
    const struct instance *candidate = acc_rollout_cast(e, s, i->slot).candidate;

    return candidate && candidate != i && i->present && !acc_inst_running(i) &&
           (acc_undo_runs(candidate) || (!s->roll.is.start_first && candidate->started_ns != 0));
}

bool acc_confirm_owns(struct acc_engine *e, const struct service *s, const struct instance *i)
{
    return !i->present || i->role != ROLE_NONE || acc_rollout_is_new(s, i) ||
           acc_drain_must_undo(s, i) || acc_confirm_is_put_aside(e, s, i);
}

/* It can be called by the service's name, beside the old one that is to serve. */
static bool is_in_the_way(const struct service *s, const struct instance *i,
                          const struct cast *cast)
{
    return i->role == ROLE_CANDIDATE && acc_inst_running(i) && !i->unrouted && cast->holder &&
           !acc_rollout_is_new(s, cast->holder) && acc_inst_running(cast->holder);
}

enum acc_action_type acc_confirm_decide(struct acc_engine *e, struct service *s, struct instance *i)
{
    struct cast cast = acc_rollout_cast(e, s, i->slot);

    if (!s->wanted_up) {
        return i->present && acc_inst_running(i) && acc_gate_stop(e, s) ? acc_stop_harder(e, s, i)
                                                                        : ACC_NOTHING;
    }
    if (acc_drain_must_undo(s, i)) {
        return acc_due(e, s, i->retry_ms) ? ACC_ACT_UNDRAIN : ACC_NOTHING;
    }
    return is_in_the_way(s, i, &cast) ? acc_undo_end(e, s, i, &cast) : ACC_NOTHING;
}

/* Where it goes on is read from what is there. */
static enum acc_rollout_step next_step(const struct service *s, const struct cast *cast)
{
    if (!cast->candidate) {
        return cast->holder && acc_rollout_is_new(s, cast->holder) ? ACC_ROLL_WATCH
                                                                   : ACC_ROLL_CREATE;
    }
    return cast->holder && acc_inst_running(cast->holder) && !s->roll.is.start_first
               ? ACC_ROLL_STOP_OLD
               : ACC_ROLL_START;
}

void acc_confirm_take(struct acc_engine *e, struct service *s, const char *by)
{
    if (!s->roll.is_taken) {
        s->roll.is_taken = true;
        acc_note(e, ACC_NOTE_OPERATOR, acc_svc_index(e, s), "%s takes r%u as it is", by,
                 (unsigned)s->roll.is.to);
    }
    acc_mark(e, s);
}

void acc_confirm_keep(struct acc_engine *e, struct service *s, const char *by)
{
    struct cast cast = acc_rollout_cast(e, s, s->roll.is.slot);

    acc_note(e, ACC_NOTE_OPERATOR, acc_svc_index(e, s), "%s goes on with r%u", by,
             (unsigned)s->roll.is.to);
    s->roll.is.why[0] = '\0';
    s->roll.judged_ns = cast.candidate ? cast.candidate->started_ns : 0; /* that run is known */
    acc_fail_forgive(e, s);
    if (cast.holder) {
        acc_stop_anew(cast.holder);
    }
    acc_rollout_step(e, s, next_step(s, &cast));
}
