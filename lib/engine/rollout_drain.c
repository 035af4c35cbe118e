/*
 * Draining (E9, U7): the proxy takes the old container out before it is stopped, so nobody's
 * request is cut.
 *
 * How it is told: by a command of the user's, or by the container's own health check, which fails
 * while ACC_DRAIN_FILE is there. Then it is waited for three things: that Docker sees the container
 * unhealthy, that the proxy has had its time to see it, too, and that nobody is connected any more.
 * Where nobody can be told it is a plain delay in which both serve.
 *
 * What was told is not recorded. It may be told twice, and a rollback takes it back in any case.
 */

#include "lib/engine/internal.h"

/* A drain that failed, or that nobody answered, is tried so often; then it is a plain delay. */
#define TRIES_MAX 3u
#define RETRY_MS  2000ull

static bool can_drain(const struct service *s, const struct instance *i)
{
    return s->timing.upgrade_drain > 0 &&
           (s->has_drain_command || (i->drain_file && i->has_health));
}

static bool is_given_up(const struct service *s, const struct instance *old)
{
    return !old->drain_ms && s->roll.n_tries >= TRIES_MAX;
}

/* So long it takes Docker at most to call a container unhealthy whose check fails. */
static uint64_t verdict_ms(const struct instance *i)
{
    return (uint64_t)(i->interval_ms + i->timeout_ms) * (i->retries + 1);
}

static bool is_out(struct acc_engine *e, struct service *s, struct instance *old)
{
    if (!old->out_ms && (s->has_drain_command || old->health == ACC_DH_UNHEALTHY ||
                         acc_due(e, s, old->drain_ms + verdict_ms(old)))) {
        old->out_ms = e->now;
    }
    return old->out_ms && acc_due(e, s, old->out_ms + s->timing.upgrade_settle);
}

bool acc_drain_over(struct acc_engine *e, struct service *s, struct instance *old)
{
    const struct rollout *r = &s->roll;

    if (!old || !acc_inst_running(old)) {
        return true;
    }
    if (!acc_may_act(e) || old->op) {
        return false;
    }
    if (!can_drain(s, old) || is_given_up(s, old)) {
        return acc_due(e, s, r->since_ms + s->timing.upgrade_drain);
    }
    if (!old->drain_ms || !is_out(e, s, old)) {
        return false;
    }
    return old->idle_ms > old->out_ms ||
           acc_due(e, s, old->out_ms + s->timing.upgrade_settle + s->timing.upgrade_drain);
}

enum acc_action_type acc_drain_decide(struct acc_engine *e, struct service *s, struct instance *old)
{
    if (!acc_inst_running(old) || !can_drain(s, old) || is_given_up(s, old)) {
        return ACC_NOTHING;
    }
    if (!old->drain_ms) { /* the proxy must know the new one first */
        return acc_due(e, s, s->roll.since_ms + s->timing.upgrade_settle) &&
                       acc_due(e, s, old->retry_ms)
                   ? ACC_ACT_DRAIN
                   : ACC_NOTHING;
    }
    if (is_out(e, s, old)) {
        acc_probe_idle(e, s, old);
    }
    return ACC_NOTHING;
}

enum acc_action_type acc_drain_end(struct acc_engine *e, struct service *s, struct instance *new)
{
    bool is_served = new->ready && (!new->degraded || new->drain_ms) && !new->unrouted;

    if (!s->wanted_up || !is_served || !can_drain(s, new) || is_given_up(s, new)) {
        return acc_stop_harder(e, s, new);
    }
    if (!new->drain_ms) {
        return acc_due(e, s, new->retry_ms) ? ACC_ACT_DRAIN : ACC_NOTHING;
    }
    if (!is_out(e, s, new)) {
        return ACC_NOTHING;
    }
    acc_probe_idle(e, s, new);
    return new->idle_ms > new->out_ms ||
                   acc_due(e, s, new->out_ms + s->timing.upgrade_settle + s->timing.upgrade_drain)
               ? acc_stop_harder(e, s, new)
               : ACC_NOTHING;
}

static void told(struct acc_engine *e, struct service *s, struct instance *i)
{
    i->drain_ms = e->now ? e->now : 1;
    i->out_ms = i->idle_ms = i->idle_ask_ms = 0;
    acc_note(e, ACC_NOTE_DECISION, acc_svc_index(e, s), "%s takes no more requests", i->name);
}

static void taken_back(struct acc_engine *e, struct service *s, struct instance *i)
{
    s->roll.is_marked = false;
    s->roll.proof_ms = e->now ? e->now : 1;
    i->drain_ms = i->out_ms = 0;
    i->degraded_ms = e->now; /* it was ill by our own doing */
    i->probe_forced = true;
}

void acc_drain_done(struct acc_engine *e, struct instance *i, enum acc_action_type type,
                    const struct acc_event *event)
{
    struct service *s = acc_svc_of(e, i);
    bool is_done = event->op.result == ACC_OP_OK || event->op.result == ACC_OP_NOT_MODIFIED;

    acc_want_look(i);
    acc_mark(e, s);
    if (is_done && type == ACC_ACT_DRAIN) {
        told(e, s, i);
    } else if (is_done) {
        if (!acc_rollout_active(s)) {
            i->drain_lost_ns = 0; /* until then one that was lost may come yet */
        }
        taken_back(e, s, i);
    } else {
        if (type == ACC_ACT_DRAIN) {
            i->drain_lost_ns = i->run_ns;
        }
        i->retry_ms = e->now + RETRY_MS;
        acc_note(e, ACC_NOTE_OBSERVED, acc_svc_index(e, s), "%s could not be told to %s: %.140s",
                 i->name, type == ACC_ACT_DRAIN ? "drain" : "serve again", event->op.message);
        if (type == ACC_ACT_UNDRAIN && ++s->roll.n_undrains >= TRIES_MAX) {
            taken_back(e, s, i); /* if its check goes on failing it is restarted for that */
        }
    }
}

/* No upgrade is left that would take it back, and it is to serve: it was told after that had ended,
 * or a telling that nobody answered has come true after it was taken back, and its check fails for
 * our sake alone. */
bool acc_drain_came_late(struct acc_engine *e, struct service *s, const struct instance *i)
{
    bool is_lost = i->drain_lost_ns != 0 && i->drain_lost_ns == i->run_ns && i->degraded;

    return ((i->drain_ms != 0 && s->wanted_up) || (is_lost && can_drain(s, i))) &&
           !acc_rollout_active(s) && s->roll.n_undrains < TRIES_MAX && acc_due(e, s, i->retry_ms);
}

bool acc_drain_must_undo(const struct service *s, const struct instance *old)
{
    bool is_to_serve = s->roll.is.step == ACC_ROLL_UNDO || s->roll.is.step == ACC_ROLL_ASK;

    return s->roll.is_marked && is_to_serve && !old->role && old->present &&
           old->slot == s->roll.is.slot && acc_inst_running(old) && !acc_rollout_is_new(s, old) &&
           (can_drain(s, old) || old->drain_ms);
}

/* Its check passes again, and Docker and the proxy have had their time to see that. */
static bool serves(struct acc_engine *e, struct service *s, struct instance *old)
{
    bool has_passed = acc_probe_proven_since(s, old, s->roll.proof_ms);

    if (!has_passed && !old->probe_op && acc_due(e, s, s->roll.retry_ms)) {
        old->probe_forced = true;
        s->roll.retry_ms = e->now + RETRY_MS;
        acc_wake_at(s, s->roll.retry_ms);
        acc_mark(e, s);
    }
    return has_passed && !(old->has_health && old->health == ACC_DH_UNHEALTHY) &&
           acc_due(e, s, s->roll.proof_ms + s->timing.upgrade_settle) &&
           acc_due(e, s, old->pass_ms + s->timing.upgrade_settle);
}

bool acc_drain_holds(struct acc_engine *e, struct service *s, struct instance *old)
{
    if (!old || !acc_inst_running(old) || !can_drain(s, old) || !s->wanted_up) {
        return false;
    }
    return acc_drain_must_undo(s, old) ||
           (s->roll.proof_ms && !serves(e, s, old) && !acc_due(e, s, s->roll.deadline_ms));
}
