/*
 * Lifecycle hooks: commands that Compose runs in a container, post_start after its start and
 * pre_stop before its stop.
 *
 * They belong to starts and stops of our own: who starts a container by other means runs its hooks,
 * or doesn't want them. A start is over when its hooks are; one that fails is a failed start.
 * pre_stop may fail: a stop that was decided on must come to its end.
 *
 * What is due is recorded before the start is sent, what is over before anything follows from it.
 * So after a kill of accd the hooks of a start run again only when they weren't known to be over.
 */

#include "lib/engine/internal.h"

/* An answer that is lost on its way, beyond the time that the hooks themselves may take. */
#define SILENT_MS 60000u
/* After a connection that broke, or a container that could not be entered. */
#define RETRY_MS 1000u

/* --- what is over ---------------------------------------------------------------------------- */

bool acc_hooks_over(const struct acc_engine *e, const struct service *s)
{
    for (uint32_t k = 0; k < s->n_inst; k++) {
        if (e->inst[s->first_inst + k].hooks != HOOKS_OVER) {
            return false;
        }
    }
    return true;
}

void acc_hook_expect(struct service *s)
{
    if (s->has_post_start && !s->hooks_due) {
        s->hooks_due = true;
        acc_save(s);
    }
}

/* The record knows one time for all replicas: up to the run before the oldest that isn't over. */
static void account(struct acc_engine *e, struct service *s, int64_t run_ns)
{
    int64_t upto_ns = run_ns > s->hooked_ns ? run_ns : s->hooked_ns;
    bool is_due = false;

    if (!s->hooks_due) {
        return;
    }
    acc_each_inst (e, s, i) {
        is_due |= i->start_unsettled || i->hooks != HOOKS_OVER;
        if (i->hooks != HOOKS_OVER && i->run_ns <= upto_ns) {
            upto_ns = i->run_ns - 1;
        }
    }
    s->hooks_due = is_due;
    s->hooked_ns = upto_ns > s->hooked_ns ? upto_ns : s->hooked_ns;
    acc_save(s);
}

void acc_hook_begin(struct acc_engine *e, struct service *s, struct instance *i, bool is_ours,
                    bool is_found)
{
    bool is_left = is_found && s->hooks_due && i->run_ns > s->hooked_ns;

    acc_hook_drop(e, i, ACC_OP_LOST); /* of the run before */
    i->hooks = s->has_post_start && (is_ours || is_left) ? HOOKS_DUE : HOOKS_OVER;
    i->hook_retry_ms = 0;
    /* With one replica the record tells that the stop was asked for, which comes after pre_stop. */
    i->pre_stop_ns = is_found && s->n_inst == 1 && i->run_ns <= s->own_stop_ns ? i->run_ns : 0;
    if (i->hooks == HOOKS_OVER && !is_found) { /* else the other replicas may not be known yet */
        account(e, s, i->run_ns);
    }
}

void acc_hook_end(struct acc_engine *e, struct service *s, struct instance *i)
{
    acc_hook_drop(e, i, ACC_OP_GONE);
    if (i->hooks != HOOKS_OVER) {
        i->hooks = HOOKS_OVER;
        account(e, s, i->run_ns);
    }
}

/* --- asking ---------------------------------------------------------------------------------- */

static uint64_t limit(const struct acc_engine *e, const struct service *s, bool is_stop)
{
    if (e->shutdown.is_on && e->shutdown.hooks_ms > e->now) {
        return e->shutdown.hooks_ms - e->now;
    }
    return is_stop ? ACC_PRE_STOP_LIMIT_MS : s->timing.start_deadline_min;
}

static void ask(struct acc_engine *e, struct service *s, struct instance *i, bool is_stop)
{
    struct acc_action *action;

    i->hook_op = e->next_op++;
    i->hook_ms = e->now;
    i->hook_is_stop = is_stop;
    acc_index_put(&e->by_op, acc_hash_u64(i->hook_op), acc_inst_index(e, i) | ACC_OP_OF_HOOK);
    e->n_taken[TOKEN_HOOK]++;
    acc_flush_save(e, s);
    action = acc_ask(e, ACC_ACT_JOURNAL, i->svc, i);
    action->what = ACC_ACT_HOOK;
    action->op = i->hook_op;
    acc_asked(e, action);
    action = acc_ask(e, ACC_ACT_HOOK, i->svc, i);
    action->op = i->hook_op;
    action->hook.is_stop = is_stop;
    action->hook.limit_ms = limit(e, s, is_stop);
    acc_asked(e, action);
    acc_wake_at(s, e->now + action->hook.limit_ms + SILENT_MS);
}

void acc_hook_drop(struct acc_engine *e, struct instance *i, enum acc_op_result result)
{
    struct acc_action *action;

    if (!i->hook_op) {
        return;
    }
    action = acc_ask(e, ACC_ACT_JOURNAL_END, i->svc, i);
    action->what = ACC_ACT_HOOK;
    action->op = i->hook_op;
    action->result = result;
    acc_asked(e, action);
    acc_index_remove(&e->by_op, acc_hash_u64(i->hook_op), acc_inst_index(e, i) | ACC_OP_OF_HOOK);
    e->n_taken[TOKEN_HOOK]--;
    i->hook_op = 0;
}

/* Replicas take turns, the oldest run first: that is how the record tells which of them are over.
 */
static bool has_turn(struct acc_engine *e, struct service *s, const struct instance *i)
{
    acc_each_inst (e, s, k) {
        if (k != i && (k->start_unsettled || (k->hooks == HOOKS_DUE && k->run_ns < i->run_ns))) {
            return false;
        }
    }
    return true;
}

static bool is_open(struct acc_engine *e, struct service *s, const struct instance *i)
{
    return !i->hook_op && acc_due(e, s, i->hook_retry_ms) && acc_token(e, s, TOKEN_HOOK);
}

void acc_hook_act(struct acc_engine *e, struct service *s, struct instance *i)
{
    if (i->hook_op && acc_due(e, s, i->hook_ms + limit(e, s, i->hook_is_stop) + SILENT_MS)) {
        i->pre_stop_ns = i->hook_is_stop ? i->run_ns : i->pre_stop_ns;
        acc_hook_drop(e, i, ACC_OP_LOST);
    }
    if (i->hooks == HOOKS_DUE && i->obs == ACC_CTR_RUNNING && i->end == END_NONE && s->wanted_up &&
        !acc_svc_observing(e, s) && !acc_hold_forbids(e, s, ACC_ACT_HOOK) && has_turn(e, s, i) &&
        is_open(e, s, i)) {
        ask(e, s, i, false);
    }
}

bool acc_hook_lets_stop(struct acc_engine *e, struct service *s, struct instance *i)
{
    if (!s->has_pre_stop || i->obs != ACC_CTR_RUNNING || i->pre_stop_ns == i->run_ns) {
        return true;
    }
    if (i->hook_op && !i->hook_is_stop) {
        acc_hook_drop(e, i, ACC_OP_LOST); /* nobody waits for the start any more */
    }
    if (e->shutdown.is_on && acc_due(e, s, e->shutdown.hooks_ms)) {
        acc_hook_drop(e, i, ACC_OP_LOST);
        return true;
    }
    if (is_open(e, s, i)) {
        ask(e, s, i, true);
    }
    return false;
}

void acc_hook_keep(struct service *s, struct instance *i)
{
    if (s->wanted_up && i->end == END_NONE && !s->going_down) {
        i->pre_stop_ns = 0;
    }
}

/* --- the answer ------------------------------------------------------------------------------ */

static void look_again(struct acc_engine *e, struct instance *i)
{
    i->hook_retry_ms = e->now + RETRY_MS;
    i->need_obs = i->present;
    acc_want_look(i);
}

static void start_failed(struct acc_engine *e, struct service *s, struct instance *i,
                         const char *message)
{
    if (i->obs != ACC_CTR_RUNNING) {
        return; /* it ended under its hook: that end is judged */
    }
    i->hooks = HOOKS_FAILED;
    if (acc_rollout_failed(e, s, i, "did not start: %.180s", message)) {
        return;
    }
    (void)acc_fail(e, s, FAIL_START, false, "did not start: %.160s", message);
    acc_inst_end(e, i, END_HEALTH);
}

static void post_start_done(struct acc_engine *e, struct service *s, struct instance *i,
                            const struct acc_event *event)
{
    switch (event->op.result) {
    case ACC_OP_OK:
    case ACC_OP_NOT_MODIFIED:
        i->hooks = HOOKS_OVER;
        i->probing_ms = e->now; /* the time to get ready begins */
        account(e, s, i->run_ns);
        break;
    case ACC_OP_GONE:
    case ACC_OP_CONFLICT:
    case ACC_OP_LOST:
        look_again(e, i);
        break;
    case ACC_OP_CONFIG:
    case ACC_OP_START:
    case ACC_OP_FAILED:
        start_failed(e, s, i, event->op.message);
        break;
    }
}

static void pre_stop_done(struct acc_engine *e, struct instance *i, const struct acc_event *event)
{
    switch (event->op.result) {
    case ACC_OP_LOST:
        look_again(e, i);
        return;
    case ACC_OP_OK:
    case ACC_OP_NOT_MODIFIED:
    case ACC_OP_GONE:
    case ACC_OP_CONFLICT:
        break; /* also: it has ended meanwhile */
    case ACC_OP_CONFIG:
    case ACC_OP_START:
    case ACC_OP_FAILED:
        acc_note(e, ACC_NOTE_OBSERVED, i->svc, "%.60s is stopped in spite of this: %.140s", i->name,
                 event->op.message);
        break;
    }
    i->pre_stop_ns = i->run_ns;
}

void acc_hook_done(struct acc_engine *e, struct instance *i, const struct acc_event *event)
{
    struct service *s = acc_svc_of(e, i);
    bool is_stop = i->hook_is_stop;

    acc_hook_drop(e, i, event->op.result);
    acc_mark_around(e, s);
    if (is_stop) {
        pre_stop_done(e, i, event);
    } else {
        post_start_done(e, s, i, event);
    }
}
