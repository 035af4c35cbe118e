/*
 * Turns: how many rollouts are at it at once.
 *
 * A start-first one has two containers where there was one, from its creation to the stop of the
 * old one; all services of a host at once would need twice its memory. Pulls share the line and the
 * registry's patience. Who waits is looked at again whenever one is through.
 */

#include "lib/engine/internal.h"

static bool has_two(struct acc_engine *e, struct service *s)
{
    const struct rollout *r = &s->roll;

    return r->is.start_first && r->is.step <= ACC_ROLL_SWITCH && !acc_group_stands_aside(e, s) &&
           (r->is.step > ACC_ROLL_CREATE || (r->is.step == ACC_ROLL_CREATE && r->has_turn));
}

bool acc_turn_to_create(struct acc_engine *e, struct service *s, uint32_t *ret_waits_for)
{
    uint32_t n = 0;

    s->roll.is_queued = false;
    for (uint32_t v = 0; s->roll.is.start_first && !s->roll.has_turn && v < e->n_services; v++) {
        struct service *other = &e->services[v];

        if (other == s || !has_two(e, other)) {
            continue;
        }
        if (other->roll.waits_for == acc_svc_index(e, s)) {
            break; /* it gets no further before this one is well */
        }
        *ret_waits_for = n == 0 ? v : *ret_waits_for;
        if (++n == e->timing.rollouts_in_flight) {
            s->roll.is_queued = true;
            return false;
        }
    }
    *ret_waits_for = ACC_NONE;
    s->roll.has_turn = true;
    return true;
}

bool acc_turn_to_pull(struct acc_engine *e, struct service *s)
{
    uint32_t n = 0;

    for (uint32_t v = 0; v < e->n_services; v++) {
        n += e->services[v].roll.op != 0 && e->services[v].roll.op_is_pull;
    }
    s->roll.is_queued = n >= e->timing.pulls_in_flight;
    return !s->roll.is_queued;
}

void acc_turn_mark(struct acc_engine *e)
{
    for (uint32_t v = 0; v < e->n_services; v++) {
        if (e->services[v].roll.is_queued) {
            acc_mark(e, &e->services[v]);
        }
    }
}

void acc_turn_give_back(struct acc_engine *e, struct service *s)
{
    s->roll.is_queued = false;
    if (s->roll.has_turn) {
        s->roll.has_turn = false;
        acc_turn_mark(e);
    }
}
