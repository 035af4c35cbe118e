/*
 * Phases: groups of services that come up one after the other.
 *
 * A phase opens when no member of an earlier one holds it up any more, and stays open: what is
 * ordered is a bring-up, not the healing of one service of many. It closes when all of its members
 * are wanted off, and when dockerd has come back anew. Only starts ask; containers are made before.
 * A phase of which a member is seen to run has begun, whoever began it: the last accd, most often.
 */

#include <string.h>

#include "lib/engine/internal.h"

bool acc_phase_open(const struct acc_engine *e, const struct service *s)
{
    return s->phase_at == ACC_NONE || e->phases[s->phase_at].is_open;
}

static bool counts(const struct acc_engine *e, const struct service *s)
{
    return s->wanted_up && !s->removed && s->n_inst > 0 &&
           e->stacks[s->stack].contact != CONTACT_OBSERVING;
}

/* Nobody expects it to come: it is off or held, or stands on what is. */
static bool is_off_by_word(const struct acc_engine *e, const struct service *s)
{
    if (s->state == ACC_SVC_BLOCKED) {
        for (uint32_t k = 0; k < s->n_roots; k++) {
            const struct service *root = acc_root_service(e, s->roots[k]);

            if (root && (!root->wanted_up || root->state == ACC_SVC_HELD)) {
                return true;
            }
        }
    }
    return s->state == ACC_SVC_HELD;
}

/* Without a gate a phase is over when each member is ready or won't be soon; with one, when all are
 * ready, and have been for so long. */
static bool holds_up(struct acc_engine *e, struct service *s)
{
    const struct phase *phase = &e->phases[s->phase_at];

    if (!counts(e, s) || acc_svc_is_done(s)) {
        return false;
    }
    if (!phase->has_gate) {
        return !s->ready && !acc_is_terminal(e, s);
    }
    if (s->ready) {
        return !acc_due(e, s, s->ready_ms + phase->healthy_for_ms);
    }
    return !is_off_by_word(e, s);
}

static bool is_seen_running(struct acc_engine *e, const struct service *s)
{
    acc_each_inst (e, s, i) {
        if (acc_inst_running(i) && !acc_inst_stale(e, i)) {
            return true;
        }
    }
    return false;
}

void acc_phase_update(struct acc_engine *e, struct service *s)
{
    struct phase *phase = s->phase_at == ACC_NONE ? NULL : &e->phases[s->phase_at];
    bool is_wanted;
    bool is_pending;
    bool is_running;

    if (!phase) {
        return;
    }
    is_wanted = counts(e, s);
    is_pending = holds_up(e, s);
    is_running = is_wanted && is_seen_running(e, s);
    phase->n_wanted += (uint32_t)is_wanted - (uint32_t)s->phase_wanted;
    phase->n_pending += (uint32_t)is_pending - (uint32_t)s->phase_pending;
    phase->n_running += (uint32_t)is_running - (uint32_t)s->phase_running;
    e->phases_changed |= is_wanted != s->phase_wanted || is_pending != s->phase_pending ||
                         is_running != s->phase_running;
    s->phase_wanted = is_wanted;
    s->phase_pending = is_pending;
    s->phase_running = is_running;
}

static void open_phase(struct acc_engine *e, uint32_t at)
{
    e->phases[at].is_open = true;
    acc_note(e, ACC_NOTE_DECISION, ACC_NONE, "phase %s begins", e->phases[at].name);
    for (uint32_t v = 0; v < e->n_services; v++) {
        if (e->services[v].phase_at == at) {
            acc_mark_around(e, &e->services[v]);
        }
    }
}

void acc_phases_open(struct acc_engine *e)
{
    bool is_over = true;

    e->phases_changed = false;
    if (e->maintenance.is.kind != ACC_HOLD_NONE) {
        return; /* who doesn't come now says nothing of who will; its end asks again */
    }
    for (uint32_t k = 0; k < e->n_phases; k++) {
        if (e->phases[k].n_wanted == 0) {
            e->phases[k].is_open = false;
        } else if ((is_over || e->phases[k].n_running > 0) && !e->phases[k].is_open) {
            open_phase(e, k);
        }
        is_over &= e->phases[k].n_pending == 0;
    }
}

void acc_phases_close(struct acc_engine *e)
{
    for (uint32_t k = 0; k < e->n_phases; k++) {
        e->phases[k].is_open = false;
        e->phases[k].n_running = 0; /* what ran is old news: each is looked at again */
    }
    for (uint32_t v = 0; v < e->n_services; v++) {
        e->services[v].phase_running = false;
    }
    e->phases_changed = true;
}

const struct service *acc_phase_holder(const struct acc_engine *e, const struct service *s)
{
    const struct service *found = NULL;

    for (uint32_t v = 0; v < e->n_services && !acc_phase_open(e, s); v++) {
        const struct service *other = &e->services[v];

        if (other->phase_pending && other->phase_at < s->phase_at &&
            (!found || other->phase_at < found->phase_at)) {
            found = other;
        }
    }
    return found;
}

/* Everything begins as pending: nothing is known of it yet. */
void acc_phases_begin(struct acc_engine *e)
{
    for (uint32_t v = 0; v < e->n_services; v++) {
        struct service *s = &e->services[v];

        s->phase_at = ACC_NONE;
        s->phase_wanted = s->phase_pending = s->phase_running = false;
        for (uint32_t k = 0; k < e->n_phases; k++) {
            if (!s->removed && strcmp(e->phases[k].name, s->phase) == 0) {
                s->phase_at = k;
                s->phase_wanted = s->phase_pending = true;
                e->phases[k].n_wanted++;
                e->phases[k].n_pending++;
            }
        }
    }
    e->phases_changed = true;
}
