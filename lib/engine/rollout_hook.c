/*
 * The commands before and after an upgrade (x-acc.upgrade.pre, .post): a dump of the database, a
 * smoke test.
 *
 * What fails before it ends the upgrade: nothing was touched. What fails after it takes the new one
 * back. How they are run, and for how long, is the daemon's.
 */

#include <stdio.h>

#include "lib/engine/internal.h"

/* What follows an upgrade, when the connection to Docker broke under it: tried so often. */
#define TRIES_MAX 3u
#define RETRY_MS  2000u

/* What is to be entered: before, the one that serves; after, the new one. */
static struct instance *whom(struct acc_engine *e, const struct service *s)
{
    struct instance *i = &e->inst[s->first_inst];

    return s->n_inst > 0 && i->present && acc_inst_running(i) && !acc_inst_stale(e, i) ? i : NULL;
}

static bool is_hook_step(const struct service *s)
{
    return s->roll.is.step == ACC_ROLL_PRE || s->roll.is.step == ACC_ROLL_POST;
}

void acc_rollout_hook_act(struct acc_engine *e, struct service *s)
{
    struct acc_action *action;
    const struct instance *i;

    if (!is_hook_step(s) || !s->roll.is_entered || acc_svc_held(e, s) || !acc_may_act(e)) {
        return;
    }
    i = whom(e, s);
    if (i) {
        action = acc_rollout_op(e, s, ACC_ACT_UPGRADE_HOOK, i);
        action->revision = s->roll.is.to;
        action->is_post = s->roll.is.step == ACC_ROLL_POST;
        acc_asked(e, action);
    }
}

static void failed(struct acc_engine *e, struct service *s, const char *why)
{
    if (s->roll.is.step == ACC_ROLL_PRE) {
        (void)snprintf(s->roll.is.why, sizeof(s->roll.is.why), "nothing was changed: %.220s", why);
        acc_rollout_end(e, s, ROLL_FAILED);
    } else {
        acc_copy(s->roll.is.why, sizeof(s->roll.is.why), why);
        acc_undo_or_ask(e, s, true);
    }
}

/* A command ends with the container that it runs in. */
static bool is_ended_by_hand(const struct acc_engine *e, const struct service *s)
{
    const struct instance *i = &e->inst[s->first_inst];

    return s->n_inst > 0 && (i->held || acc_inst_is_stopped_by_hand(i) || acc_inst_is_shot(i));
}

void acc_rollout_hook_done(struct acc_engine *e, struct service *s, const struct acc_event *event)
{
    bool is_pre = s->roll.is.step == ACC_ROLL_PRE;

    if (event->op.result == ACC_OP_LOST && !is_pre && ++s->roll.n_tries < TRIES_MAX) {
        s->roll.retry_ms = e->now + RETRY_MS;
        return;
    }
    if (event->op.result != ACC_OP_OK && !is_pre && is_ended_by_hand(e, s)) {
        s->roll.retry_ms = e->now + RETRY_MS; /* they run again when it does */
        return;
    }
    if (event->op.result != ACC_OP_OK) {
        failed(e, s, event->op.message);
        return;
    }
    acc_note(e, ACC_NOTE_OBSERVED, acc_svc_index(e, s),
             "the commands of upgrade.%s of %s went well%s%.160s", is_pre ? "pre" : "post", s->id,
             event->op.message[0] ? ": " : "", event->op.message);
    acc_rollout_step(e, s, is_pre ? ACC_ROLL_CREATE : ACC_ROLL_WATCH);
}

void acc_rollout_hook_update(struct acc_engine *e, struct service *s)
{
    struct rollout *r = &s->roll;

    if (r->op) {
        return;
    }
    if (!r->is_entered) {
        /* Half a dump may lie there, or none; that is for a person to look at. What follows an
         * upgrade is run again: it looks, and changes nothing that a second run would spoil. */
        if (r->is.step == ACC_ROLL_PRE) {
            failed(e, s, "accd ended while the commands of upgrade.pre ran");
            return;
        }
        r->is_entered = true;
    }
    if (!whom(e, s) && !r->is_paused && acc_due(e, s, r->deadline_ms)) {
        failed(e, s,
               r->is.step == ACC_ROLL_PRE ? "upgrade.pre needs its container, which doesn't run"
                                          : "exited before upgrade.post");
    }
}
