/*
 * A changed file may have several services made anew: those that others depend on come first.
 *
 * A service that runs is not replaced while anything that it stands on, however far away, is to be
 * made anew or was and isn't ready yet. In between they may be unchanged services, which ride: so
 * what is due is handed on from dependency to dependent, whatever its own state.
 */

#include <stdio.h>
#include <string.h>

#include "lib/engine/internal.h"

/* --- what stands in the way ------------------------------------------------------------------ */

/* The other end of the edge that its gate waits for, where that won't come soon. */
static const struct service *hopeless(const struct acc_engine *e, const struct service *s)
{
    const struct edge *edge = s->blocker == ACC_NONE ? NULL : &e->edges[s->blocker];
    const struct service *other;

    if (!edge) {
        return NULL;
    }
    other = &e->services[edge->from == acc_svc_index(e, s) ? edge->to : edge->from];
    return acc_svc_hopeless(other) ? other : NULL;
}

/* --- who is to be made anew ------------------------------------------------------------------ */

static bool is_outdated(struct acc_engine *e, struct service *s)
{
    if (acc_rollout_active(s)) {
        bool is_through = s->roll.is.step == ACC_ROLL_WATCH || s->roll.is.step == ACC_ROLL_RETIRE;

        /* The file may have changed once more since: then the next one is about to begin. */
        return !is_through || strcmp(s->roll.is.spec, s->spec) != 0;
    }
    acc_each_slot (e, s, i) {
        if (acc_inst_stranded(e, i) ||
            (!acc_change_refused(s) && (acc_inst_changed(e, i) || acc_inst_unsure(e, i)))) {
            return true;
        }
    }
    return false;
}

/* What a person holds is made anew when he lets it go; nobody else waits for that. */
static bool is_at_hand(struct acc_engine *e, struct service *s)
{
    return s->wanted_up && !s->removed && !acc_svc_observing(e, s) && !acc_svc_held(e, s) &&
           !acc_hold_no_stop(e, s) && !acc_hold_no_start(e, s) && !acc_hold_of_sharer(e, s);
}

static enum renewal own_renewal(struct acc_engine *e, struct service *s)
{
    bool is_due = is_at_hand(e, s) && is_outdated(e, s);

    s->renews = is_due || (s->renews && !s->ready && is_at_hand(e, s) && !acc_svc_is_done(s) &&
                           !acc_is_terminal(e, s));
    if (!s->renews) {
        return RENEWAL_NONE;
    }
    return is_due && (acc_resource_missing(e, s) || hopeless(e, s)) ? RENEWAL_STUCK : RENEWAL_DUE;
}

/* Who only wants it doesn't wait for what may never be. */
static enum renewal handed_on(const struct acc_engine *e, const struct edge *edge)
{
    enum renewal renewal = e->services[edge->to].renewal;

    switch (edge->kind) {
    case ACC_EDGE_NEEDS:
    case ACC_EDGE_BINDS:
    case ACC_EDGE_MILESTONE:
        return renewal;
    case ACC_EDGE_WANTS:
    case ACC_EDGE_AFTER:
        return renewal == RENEWAL_STUCK ? RENEWAL_NONE : renewal;
    case ACC_EDGE_CONFLICTS:
        break;
    }
    return RENEWAL_NONE;
}

static enum renewal inherited(const struct acc_engine *e, const struct service *s)
{
    enum renewal renewal = RENEWAL_NONE;

    acc_each_out (e, s, edge) {
        enum renewal its = handed_on(e, edge);

        renewal = its > renewal ? its : renewal;
    }
    return renewal;
}

void acc_renew_update(struct acc_engine *e, struct service *s)
{
    enum renewal own = own_renewal(e, s);
    enum renewal renewal = inherited(e, s);

    renewal = own > renewal ? own : renewal;
    if (renewal != s->renewal) {
        s->renewal = renewal;
        acc_mark_dependents(e, s);
    }
}

bool acc_renew_may_follow(const struct acc_engine *e, const struct service *s)
{
    return inherited(e, s) == RENEWAL_NONE;
}

bool acc_renew_may_begin(const struct service *d)
{
    return d->renewal != RENEWAL_DUE;
}

const struct service *acc_renew_source(const struct acc_engine *e, const struct service *d)
{
    const struct service *next = d;

    while (next && !next->renews) {
        const struct service *s = next;

        next = NULL;
        acc_each_out (e, s, edge) {
            next = !next && handed_on(e, edge) == RENEWAL_DUE ? &e->services[edge->to] : next;
        }
    }
    return next;
}

/* --- and why that doesn't happen ------------------------------------------------------------- */

static const struct service *stuck_dependency(const struct acc_engine *e, const struct service *s)
{
    acc_each_out (e, s, edge) {
        if (handed_on(e, edge) == RENEWAL_STUCK) {
            return &e->services[edge->to];
        }
    }
    return NULL;
}

bool acc_renew_is_stuck(const struct acc_engine *e, const struct service *s, char *text)
{
    const struct service *root = s;
    const struct resource *res = acc_resource_missing(e, root);
    const struct service *other = hopeless(e, root);
    char after[ACC_NAME_MAX + 32] = "";

    if (inherited(e, s) == RENEWAL_DUE) {
        return false;
    }
    while (!res && !other) {
        root = stuck_dependency(e, root);
        if (!root) {
            return false;
        }
        res = acc_resource_missing(e, root);
        other = hopeless(e, root);
        (void)snprintf(after, sizeof(after), "comes after %.200s, which ", root->nick);
    }
    if (res) {
        (void)snprintf(text, ACC_REASON_MAX + 1, "stays as it was: %sneeds %.200s: %.200s", after,
                       res->key, res->error);
    } else {
        (void)snprintf(text, ACC_REASON_MAX + 1, "stays as it was: %sneeds %.200s, which is %s",
                       after, other->nick, acc_svc_state_name(other->state));
    }
    return true;
}
