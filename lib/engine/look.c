/*
 * Looking: which containers are inspected, and when all are listed.
 *
 * A hint asks for one look, however many hints come while it is under way. A look that isn't
 * answered is sent again. The periodic list is what makes up for lost events.
 */

#include <string.h>

#include "lib/engine/internal.h"

/* A list that isn't answered by a snapshot: the daemon gives one up after 10 s and the looks behind
 * it after 5 s. */
#define LIST_AGAIN_MS 30000u

void acc_want_look(struct instance *i)
{
    if (i->inspecting) {
        i->inspect_again = true;
    } else {
        i->want_look = true;
    }
}

static bool may_look_now(struct acc_engine *e, struct service *s, struct instance *i)
{
    if (e->now >= i->inspect_1s + 1000) {
        i->inspect_1s = e->now;
        i->n_inspects = 0;
    }
    if (i->n_inspects >= ACC_INSPECTS_PER_S) {
        acc_wake_at(s, i->inspect_1s + 1000);
        return false;
    }
    return true;
}

void acc_look(struct acc_engine *e, struct instance *i)
{
    struct service *s = acc_svc_of(e, i);
    struct acc_action *action;

    if (!i->present || !acc_may_look(e)) {
        return;
    }
    if (i->inspecting && acc_due(e, s, i->inspect_ms + ACC_INSPECT_AGAIN_MS)) {
        i->inspecting = false;
        i->want_look = true;
    }
    if (!i->want_look || i->inspecting || !may_look_now(e, s, i)) {
        return;
    }
    i->want_look = false;
    i->inspecting = true;
    i->inspect_ms = e->now;
    i->n_inspects++;
    action = acc_ask(e, ACC_ACT_INSPECT, i->svc, i);
    action->manual_stop = i->ask_manual;
    acc_asked(e, action);
    acc_wake_at(s, e->now + ACC_INSPECT_AGAIN_MS);
}

void acc_look_at(struct acc_engine *e, const char *cid)
{
    struct acc_action *action = acc_ask(e, ACC_ACT_INSPECT, ACC_NONE, NULL);

    acc_copy(action->cid, sizeof(action->cid), cid);
    acc_asked(e, action);
}

static void wake(struct acc_engine *e, uint64_t at_ms)
{
    e->wake_ms = at_ms < e->wake_ms ? at_ms : e->wake_ms;
}

void acc_list(struct acc_engine *e)
{
    uint64_t due = e->list_ms + (e->listing ? LIST_AGAIN_MS : e->timing.resync);

    if (!acc_may_look(e)) {
        return;
    }
    if (e->now < due && !(e->list_wanted && !e->listing)) {
        wake(e, due);
        return;
    }
    e->list++;
    e->list_ms = e->now;
    e->listing = true;
    e->list_wanted = false;
    acc_asked(e, acc_ask(e, ACC_ACT_LIST, ACC_NONE, NULL));
    wake(e, e->now + LIST_AGAIN_MS);
}
