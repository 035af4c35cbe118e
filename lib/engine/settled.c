/*
 * Has what a verb asked for come to its end? And what can be seen to be wrong from inside.
 */

#include <stdio.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/engine/internal.h"

static enum acc_settled failed(char *text, const char *why)
{
    acc_copy(text, ACC_REASON_MAX + 1, why);
    return ACC_SETTLED_FAILED;
}

static enum acc_settled refused(char *text, const char *why)
{
    acc_copy(text, ACC_REASON_MAX + 1, why);
    return ACC_SETTLED_REFUSED;
}

static enum acc_settled failed_as_is(struct acc_engine *e, struct service *s, uint64_t now_ms,
                                     char *text)
{
    acc_reason(e, s, now_ms, text, ACC_REASON_MAX + 1);
    return ACC_SETTLED_FAILED;
}

bool acc_svc_hopeless(const struct service *s)
{
    bool is_refused = s->has_failed && !s->ready &&
                      ((s->fail_class == FAIL_CONFIG && s->n_failures > 0) ||
                       (s->fail_class == FAIL_START && s->n_failures >= ACC_TOLD_ATTEMPTS));

    return s->state == ACC_SVC_FAILED || s->state == ACC_SVC_OPEN ||
           (s->state == ACC_SVC_HELD && !s->run_asked) || /* else it is being unpaused */
           (is_refused && s->state != ACC_SVC_UP);
}

/* It is unhealthy, and nobody but a person will do something about it. */
static bool is_left_sick(struct acc_engine *e, struct service *s)
{
    acc_each_slot (e, s, i) {
        bool is_reported = i->degraded && !i->waiting && !s->restart_on_unhealthy &&
                           (i->was_ready || i->overdue);

        if (acc_inst_running(i) && i->end == END_NONE && (is_reported || acc_probe_is_left(s, i))) {
            return !s->going_down;
        }
    }
    return false;
}

/* So long it may say that it waits for somebody, who may come by himself: an unsealer, say. */
#define WAITING_PATIENCE_MS 30000u

/* Docker calls it unhealthy and its start_period is over, it waits for a person, or accd has waited
 * for it in vain: accd goes on, but nobody should wait for that. Not while it may be another one's
 * fault. */
static bool is_failing(struct acc_engine *e, const struct service *s, uint64_t now_ms)
{
    bool is_in_vain = s->has_failed && !s->ready && s->fail_class == FAIL_NEVER_READY &&
                      s->n_failures > 0;

    if (s->n_roots > 0 || acc_rollout_active(s)) {
        return false;
    }
    acc_each_slot (e, s, i) {
        bool is_recovering = s->recover_ms && !acc_probe_has_recovered(s, i);

        if (acc_inst_running(i) && i->end == END_NONE && !s->going_down && !is_recovering &&
            ((acc_probe_fails_to_start(i) && now_ms >= acc_probe_patience_ms(s, i)) ||
             (i->waiting && i->standstill_ms &&
              now_ms >= i->standstill_ms + WAITING_PATIENCE_MS))) {
            return true;
        }
    }
    return is_in_vain;
}

/* Nobody should wait for it: it takes a person, or long. */
static bool is_hopeless_root(struct acc_engine *e, uint32_t root, uint64_t now_ms)
{
    struct service *s = acc_root_service(e, root);

    return s ? acc_svc_hopeless(s) || s->state == ACC_SVC_OFF || is_left_sick(e, s) ||
                   is_failing(e, s, now_ms)
             : acc_root_condition(e, root)->is_lasting;
}

static uint32_t hopeless_root(struct acc_engine *e, struct service *s, uint64_t now_ms)
{
    for (uint32_t k = 0; k < s->n_roots; k++) {
        if (is_hopeless_root(e, s->roots[k], now_ms)) {
            return s->roots[k];
        }
    }
    return ACC_NONE;
}

static bool root_is_hopeless(struct acc_engine *e, struct service *s, uint64_t now_ms)
{
    return hopeless_root(e, s, now_ms) != ACC_NONE;
}

/* What it needs was taken off its network by hand, and it doesn't get ready without. */
static bool misses_one(const struct acc_engine *e, const struct service *s)
{
    for (uint32_t k = 0; k < s->n_roots && s->state == ACC_SVC_IMPAIRED && !s->ready; k++) {
        const struct service *root = acc_root_service(e, s->roots[k]);

        if (root && acc_svc_is_off_network(e, root)) {
            return true;
        }
    }
    return false;
}

static enum acc_settled settled_up(struct acc_engine *e, struct service *s, uint64_t now_ms,
                                   char *text)
{
    if (!s->wanted_up) {
        return failed(text, "something else was asked for meanwhile");
    }
    if (s->state == ACC_SVC_DONE) {
        return ACC_SETTLED_DONE;
    }
    if (s->ready && acc_act_settled(e, s) && !s->going_down && s->state != ACC_SVC_HELD) {
        return ACC_SETTLED_DONE;
    }
    if (acc_svc_hopeless(s) || is_failing(e, s, now_ms) || (!s->run_asked && is_left_sick(e, s)) ||
        misses_one(e, s) ||
        (!s->ready && s->state == ACC_SVC_BLOCKED &&
         (root_is_hopeless(e, s, now_ms) || acc_gate_waits_in_vain(e, s)))) {
        return failed_as_is(e, s, now_ms, text);
    }
    const struct service *holder = s->state == ACC_SVC_QUEUED ? acc_phase_holder(e, s) : NULL;

    return holder && (acc_svc_hopeless(holder) || is_failing(e, holder, now_ms))
               ? failed_as_is(e, s, now_ms, text)
               : ACC_SETTLED_PENDING;
}

/* Who asks for it is told, too, when it runs and can't do its work before a person has helped
 * another one. */
static enum acc_settled settled_well(struct acc_engine *e, struct service *s, uint64_t now_ms,
                                     char *text)
{
    enum acc_settled so_far = settled_up(e, s, now_ms, text);

    return so_far == ACC_SETTLED_DONE && s->state == ACC_SVC_IMPAIRED &&
                   root_is_hopeless(e, s, now_ms)
               ? failed_as_is(e, s, now_ms, text)
               : so_far;
}

bool acc_svc_is_coming(struct acc_engine *e, struct service *s)
{
    char text[ACC_REASON_MAX + 1];

    return settled_up(e, s, e->now, text) == ACC_SETTLED_PENDING;
}

/* A restart that would only have been a stop: it was not begun. */
static bool is_refused_restart(struct acc_engine *e, struct service *s, uint64_t now_ms, char *text)
{
    const struct condition *c = s->running ? acc_host_missed(e, s) : NULL;
    char lacks[ACC_TEXT_MAX + 1];

    acc_each_slot (e, s, i) {
        if (i->end == END_ASKED) {
            return false;
        }
    }
    if (c) {
        acc_host_lacks(e, c, lacks, sizeof(lacks));
        (void)snprintf(text, ACC_REASON_MAX + 1, "runs, and would not start again: %s", lacks);
    }
    return c || (s->running && acc_hold_of_sharer_text(e, s, now_ms, text, ACC_REASON_MAX + 1));
}

static bool any_running(struct acc_engine *e, struct service *s)
{
    acc_each_inst (e, s, i) {
        if (acc_inst_running(i) || i->op || i->start_unsettled) {
            return true;
        }
    }
    return false;
}

static enum acc_settled settled_down(struct acc_engine *e, struct service *s, enum acc_verb verb,
                                     char *text)
{
    bool is_down = verb == ACC_VERB_DOWN;

    if (s->wanted_up) {
        return failed(text, "something else was asked for meanwhile");
    }
    acc_each_inst (e, s, i) {
        if (i->quarantined) {
            return failed(text, "its container can't be stopped");
        }
    }
    if (any_running(e, s) ||
        (is_down && (acc_svc_present(e, s) || !acc_stack_clean(e, &e->stacks[s->stack])))) {
        return ACC_SETTLED_PENDING;
    }
    return ACC_SETTLED_DONE;
}

/* It waits now, and not for its turn: that comes, whatever becomes of another one. */
static bool is_kept_waiting(struct acc_engine *e, struct service *s)
{
    const struct rollout *r = &s->roll;
    bool is_gated = s->blocker != ACC_NONE || s->host_blocker != ACC_NONE;
    const struct instance *candidate;

    if (r->is_queued || !acc_may_act(e)) {
        return false;
    }
    switch (r->is.step) {
    case ACC_ROLL_PULL:
        return r->is_here;
    case ACC_ROLL_CREATE:
        return r->waits_for != ACC_NONE || is_gated;
    case ACC_ROLL_START:
    case ACC_ROLL_VERIFY:
        candidate = acc_rollout_cast(e, s, r->is.slot).candidate;
        return candidate && !candidate->ready &&
               (acc_inst_running(candidate) ? r->is_paused : is_gated);
    case ACC_ROLL_WATCH:
        return r->is_proven || (r->is_paused && !r->is_taken);
    case ACC_ROLL_IDLE:
    case ACC_ROLL_PRE:
    case ACC_ROLL_STOP_OLD:
    case ACC_ROLL_ROUTE:
    case ACC_ROLL_DRAIN:
    case ACC_ROLL_SWITCH:
    case ACC_ROLL_POST:
    case ACC_ROLL_RETIRE:
    case ACC_ROLL_UNDO:
    case ACC_ROLL_ASK:
        break;
    }
    return false;
}

/* What the old one of a service runs without, and the new one can't be made without, is no root. */
static uint32_t lasting_lack(const struct acc_engine *e, const struct service *s)
{
    uint32_t root = s->host_blocker != ACC_NONE && s->roll.is.step <= ACC_ROLL_START
                        ? acc_host_root(e, &e->conditions[s->host_blocker])
                        : ACC_NONE;

    return root != ACC_NONE && acc_root_condition(e, root)->is_lasting ? root : ACC_NONE;
}

uint32_t acc_rollout_stuck_behind(struct acc_engine *e, struct service *s, uint64_t now_ms)
{
    for (uint32_t n = 0; n < e->n_services && is_kept_waiting(e, s); n++) {
        uint32_t lack = lasting_lack(e, s);
        uint32_t root = lack == ACC_NONE ? hopeless_root(e, s, now_ms) : lack;
        uint32_t next = s->roll.waits_for;

        if (root != ACC_NONE || next == ACC_NONE) {
            return root;
        }
        s = &e->services[next]; /* which may wait itself, and be no root of anything */
        root = is_hopeless_root(e, next, now_ms) ? next : hopeless_root(e, s, now_ms);
        if (root != ACC_NONE) {
            return root;
        }
    }
    return ACC_NONE;
}

/* Only a person can have it go on. */
static bool is_stuck(struct acc_engine *e, struct service *s, uint64_t now_ms)
{
    const struct rollout *r = &s->roll;
    bool is_in_hand = acc_svc_held(e, s) || acc_svc_is_left_paused(e, s);
    bool is_cut = r->is.step == ACC_ROLL_WATCH && r->is_paused && acc_svc_is_cut(e, s);

    return acc_rollout_active(s) && acc_may_act(e) && r->is.step < ACC_ROLL_RETIRE &&
           (is_in_hand || is_cut || (r->still_ms && !s->wanted_up) ||
            acc_rollout_stuck_behind(e, s, now_ms) != ACC_NONE);
}

static enum acc_settled stuck_as_is(struct acc_engine *e, struct service *s, uint64_t now_ms,
                                    char *text)
{
    char rest[ACC_TEXT_MAX + 1];

    if (s->wanted_up) {
        return failed_as_is(e, s, now_ms, text);
    }
    acc_rollout_standstill(e, s, rest, sizeof(rest));
    (void)snprintf(text, ACC_REASON_MAX + 1, "it was turned off; %s", rest);
    return ACC_SETTLED_FAILED;
}

static enum acc_settled settled_rollout(struct acc_engine *e, struct service *s, enum acc_verb verb,
                                        uint64_t now_ms, char *text)
{
    bool is_back = verb == ACC_VERB_ROLLBACK;
    char none[ACC_REVISION_NONE_MAX];
    const char *by;

    if (s->removed) {
        return refused(text, "has left the files; put it back, and apply that");
    }
    if (is_back && s->roll.refused_revision && s->roll.refused_revision == s->roll.is.from) {
        (void)snprintf(text, ACC_REASON_MAX + 1,
                       "r%u" ACC_CUT_OFF "; put the file back as it was and apply it",
                       (unsigned)s->roll.is.from);
        return ACC_SETTLED_REFUSED;
    }
    if (is_back && s->roll.refused_revision) {
        acc_revision_none_text(s, s->roll.refused_revision, none, sizeof(none));
        (void)snprintf(text, ACC_REASON_MAX + 1, "has %s", none);
        return ACC_SETTLED_REFUSED;
    }
    if (!is_back && s->roll.is_keep_refused) {
        return refused(text, "has nothing that waits for a decision");
    }
    if (s->roll.is.step == ACC_ROLL_ASK) {
        bool lacks_yes = is_back && !s->roll.ask_back; /* what has failed is the upgrade before */

        (void)failed_as_is(e, s, now_ms, text);
        return lacks_yes ? ACC_SETTLED_REFUSED : ACC_SETTLED_FAILED;
    }
    if (acc_rollout_active(s) || s->roll.is_asked) {
        return is_stuck(e, s, now_ms) ? stuck_as_is(e, s, now_ms, text) : ACC_SETTLED_PENDING;
    }
    switch (s->roll.result) {
    case ROLL_UP_TO_DATE:
    case ROLL_COMMITTED:
        return ACC_SETTLED_DONE;
    case ROLL_ROLLED_BACK:
        if (is_back) {
            return ACC_SETTLED_DONE;
        }
        by = acc_change_orderer(s->roll.is.why);
        (void)snprintf(text, ACC_REASON_MAX + 1, "rolled back to r%u%s%s%.300s",
                       (unsigned)s->roll.is.from, by ? " by " : ": ",
                       by ? "" : acc_rollout_subject(s->roll.is.why), by ? by : s->roll.is.why);
        return ACC_SETTLED_FAILED;
    case ROLL_FAILED:
        if (s->roll.is_unfit) {
            acc_copy(text, ACC_REASON_MAX + 1, s->roll.is.why + strlen("it "));
            return ACC_SETTLED_UNFIT;
        }
        return s->roll.is_refused ? refused(text, s->roll.is.why) : failed(text, s->roll.is.why);
    case ROLL_NONE:
        break;
    }
    if (acc_svc_is_leaving(e, s) || e->stacks[s->stack].is_handed_back) {
        return refused(text, "wasn't begun: its stack is handed back");
    }
    return failed(text, "accd was started again meanwhile; see accctl history");
}

/* Something was asked of Docker for it and has not come to its end. */
static bool is_moving(struct acc_engine *e, struct service *s)
{
    acc_each_inst (e, s, i) {
        if (i->op || i->start_unsettled) {
            return true;
        }
    }
    return s->roll.op != 0;
}

/* Since when it is waited for, and what becomes of what was asked. */
static void say_away(const struct acc_engine *e, uint64_t now_ms, char *text)
{
    char span[48];

    acc_format_span_ms(now_ms > e->conn_ms ? (now_ms - e->conn_ms) / 1000 * 1000 : 0, span,
                       sizeof(span));
    if (!e->ever_synced) {
        acc_copy(text, ACC_REASON_MAX + 1,
                 "Docker has not answered since accd was started; accd does it as soon as it does");
    } else {
        (void)snprintf(
            text, ACC_REASON_MAX + 1, "Docker %s %s; accd does it as soon as Docker is back",
            e->conn == CONN_DEGRADED ? "has not answered for" : "has been away for", span);
    }
}

/* What was seen before the engine went away proves nothing of what is asked now. */
static bool is_unproven(const struct acc_engine *e, enum acc_verb verb)
{
    return !acc_may_act(e) &&
           (verb == ACC_VERB_UP || verb == ACC_VERB_START || verb == ACC_VERB_RESTART ||
            verb == ACC_VERB_STOP || verb == ACC_VERB_DOWN);
}

static enum acc_settled settled(struct acc_engine *e, struct service *s, enum acc_verb verb,
                                uint64_t now_ms, char *text)
{
    if (is_unproven(e, verb)) {
        return ACC_SETTLED_PENDING;
    }
    switch (verb) {
    case ACC_VERB_RESTART:
        if (is_refused_restart(e, s, now_ms, text)) {
            return ACC_SETTLED_REFUSED;
        }
        return settled_well(e, s, now_ms, text);
    case ACC_VERB_UP:
    case ACC_VERB_START:
        return settled_well(e, s, now_ms, text);
    case ACC_VERB_STOP:
    case ACC_VERB_DOWN:
        return settled_down(e, s, verb, text);
    case ACC_VERB_RELEASE:
        return ACC_SETTLED_DONE; /* with the command itself, or it was about bind sources only */
    case ACC_VERB_HOLD:
        if (s->hold.is.kind == ACC_HOLD_NONE) {
            return failed(text, "it was released meanwhile");
        }
        return is_moving(e, s) || s->finishes ? ACC_SETTLED_PENDING : ACC_SETTLED_DONE;
    case ACC_VERB_ADOPT:
        return acc_act_settled(e, s) ? ACC_SETTLED_DONE : ACC_SETTLED_PENDING;
    case ACC_VERB_UPGRADE:
    case ACC_VERB_ROLLBACK:
        return settled_rollout(e, s, verb, now_ms, text);
    case ACC_VERB_HAND_BACK:
    case ACC_VERB_MAINTENANCE:
        break;
    }
    return ACC_SETTLED_DONE;
}

/* What a hold forbids is not waited for. Only `up` of what is up already has come true. */
static enum acc_settled under_hold(struct acc_engine *e, struct service *s, enum acc_verb verb,
                                   enum acc_settled so_far, uint64_t now_ms, char *text)
{
    bool is_wish = verb == ACC_VERB_UP || verb == ACC_VERB_START || verb == ACC_VERB_STOP ||
                   verb == ACC_VERB_DOWN || verb == ACC_VERB_ADOPT || verb == ACC_VERB_HAND_BACK;

    if (!acc_hold_refuses(e, s, verb) || (is_wish && so_far == ACC_SETTLED_DONE)) {
        return so_far;
    }
    acc_hold_text(e, s, now_ms, text, ACC_REASON_MAX + 1);
    return ACC_SETTLED_HELD;
}

static enum acc_settled refused_hand_back(struct acc_engine *e, const struct stack *stack,
                                          char *text)
{
    const struct service *keeper = acc_contact_keeper(e, stack);

    if (!keeper) {
        return refused(text, "wasn't handed back, for an upgrade that has ended since");
    }
    (void)snprintf(text, ACC_REASON_MAX + 1,
                   keeper->roll.is.step == ACC_ROLL_ASK
                       ? "stays accd's: the upgrade of %.60s waits for somebody's word; first "
                         "accctl rollback %.60s --yes, or accctl upgrade %.60s --keep"
                       : "stays accd's: the upgrade of %.60s stands still, as that is held; first "
                         "accctl rollback %.60s, or accctl up %.60s",
                   keeper->nick, keeper->nick, keeper->nick);
    return ACC_SETTLED_REFUSED;
}

/* What was asked of it before its stack was handed back, which waited for what was under way. */
static enum acc_settled settled_before(struct acc_engine *e, struct service *s, enum acc_verb verb,
                                       uint64_t now_ms, char *text)
{
    enum acc_settled so_far = settled(e, s, verb, now_ms, text);
    bool is_start = verb == ACC_VERB_UP || verb == ACC_VERB_START || verb == ACC_VERB_RESTART;

    /* what runs gets ready, or doesn't, whoever it is handed to */
    return so_far == ACC_SETTLED_PENDING && !(is_start && s->running)
               ? refused(text, "isn't accd's any more: its stack was handed back meanwhile")
               : so_far;
}

static enum acc_settled settled_verb(struct acc_engine *e, struct service *s, enum acc_verb verb,
                                     uint64_t now_ms, char *text)
{
    const struct stack *stack = &e->stacks[s->stack];

    if (!e->ever_synced && (verb == ACC_VERB_HAND_BACK || verb == ACC_VERB_ADOPT)) {
        return ACC_SETTLED_PENDING; /* whose restart policy is to be changed isn't known yet */
    }
    if (verb == ACC_VERB_HAND_BACK && stack->leave == LEAVE_REFUSED) {
        return refused_hand_back(e, stack, text);
    }
    if (verb == ACC_VERB_HAND_BACK) {
        bool is_done = stack->contact == CONTACT_OBSERVING && acc_act_settled(e, s);

        return under_hold(e, s, verb, is_done ? ACC_SETTLED_DONE : ACC_SETTLED_PENDING, now_ms,
                          text);
    }
    if (verb == ACC_VERB_MAINTENANCE) {
        return e->maintenance.is.kind != ACC_HOLD_NONE && (is_moving(e, s) || s->finishes)
                   ? ACC_SETTLED_PENDING
                   : ACC_SETTLED_DONE;
    }
    if (stack->contact == CONTACT_UNKNOWN) { /* whether it may be done isn't known, either */
        return under_hold(e, s, verb, ACC_SETTLED_PENDING, now_ms, text);
    }
    if (stack->contact == CONTACT_OBSERVING && stack->is_handed_back) {
        return settled_before(e, s, verb, now_ms, text);
    }
    if (stack->contact == CONTACT_OBSERVING) {
        return refused(text, "is only observed, with its stack; adopt that first");
    }
    return under_hold(e, s, verb, settled(e, s, verb, now_ms, text), now_ms, text);
}

static enum acc_settled or_away(const struct acc_engine *e, enum acc_settled settled,
                                uint64_t now_ms, char *text)
{
    if (settled == ACC_SETTLED_PENDING && e->conn != CONN_UP) {
        say_away(e, now_ms, text);
    }
    return settled;
}

enum acc_settled acc_engine_settled(const struct acc_engine *engine, uint32_t svc,
                                    enum acc_verb verb, uint64_t now_ms, char *text)
{
    union { /* the walkers want it changeable; nothing is changed */
        const struct acc_engine *in;
        struct acc_engine *out;
    } cast = {engine};

    acc_assert(svc < engine->n_services);
    return or_away(engine, settled_verb(cast.out, &cast.out->services[svc], verb, now_ms, text),
                   now_ms, text);
}

/* --- a new configuration --------------------------------------------------------------------- */

static bool is_held(const struct acc_engine *e, const struct service *s)
{
    return acc_hold_no_stop(e, s) || acc_hold_no_start(e, s);
}

/* Its own hold, or that of who shares with it. */
static bool held_text(struct acc_engine *e, const struct service *s, uint64_t now_ms, char *out,
                      size_t out_size)
{
    char why[ACC_TEXT_MAX + 1];

    if (!is_held(e, s)) {
        return acc_hold_of_sharer_text(e, s, now_ms, out, out_size);
    }
    acc_hold_text(e, s, now_ms, why, sizeof(why));
    (void)snprintf(out, out_size, "it %s", why);
    return true;
}

/* What somebody has forbidden waits for him, and not for us. */
static bool is_held_back(struct acc_engine *e, struct service *s, uint64_t now_ms, char *text)
{
    char why[2 * ACC_TEXT_MAX];

    if ((!is_held(e, s) && !acc_change_is_held_up(e, s)) ||
        !held_text(e, s, now_ms, why, sizeof(why))) {
        return false;
    }
    (void)snprintf(text, ACC_REASON_MAX + 1, "stays as it was: %s", why);
    return true;
}

static enum acc_settled applied_removed(struct acc_engine *e, struct service *s, uint64_t now_ms,
                                        char *text)
{
    acc_each_inst (e, s, i) {
        if (i->quarantined) {
            return failed(text, "its container can't be stopped");
        }
    }
    if (!any_running(e, s) && !(s->wanted_removed && acc_svc_present(e, s))) {
        return ACC_SETTLED_DONE;
    }
    return is_held_back(e, s, now_ms, text) ? ACC_SETTLED_REFUSED : ACC_SETTLED_PENDING;
}

/* A container that is to be replaced or changed, or one beyond the replicas. */
static bool has_outdated(struct acc_engine *e, struct service *s)
{
    acc_each_inst (e, s, i) {
        if (!i->is_spare && (acc_inst_outdated(e, i) || acc_inst_live(e, i))) {
            return true;
        }
        if (i->is_spare && i->present && i->slot > s->n_inst && !acc_inst_is_extra(e, i)) {
            return true;
        }
    }
    return false;
}

/* The host lacks what the new one needs, and has for some time: the old one runs on without. */
static bool stays_for_host(const struct acc_engine *e, const struct service *s, char *text)
{
    const struct condition *c = acc_host_missed(e, s);
    char lacks[ACC_TEXT_MAX + 1];

    if (!c || !acc_root_condition(e, acc_host_root(e, c))->is_lasting) {
        return false;
    }
    acc_host_lacks(e, c, lacks, sizeof(lacks));
    (void)snprintf(text, ACC_REASON_MAX + 1, "stays as it was: %s", lacks);
    return true;
}

/* How it fared with the old file says nothing of the new one: it may be made anew in a moment. */
static bool is_being_compared(struct acc_engine *e, struct service *s)
{
    acc_each_slot (e, s, i) {
        if (acc_compare_awaited(e, i)) {
            return true;
        }
    }
    return false;
}

/* It is tried again, and may fail like that for ever. */
static bool failed_to_begin(const struct service *s, char *text)
{
    if (!acc_change_failed_to_begin(s)) {
        return false;
    }
    (void)snprintf(text, ACC_REASON_MAX + 1, "%.400s; it is tried again", s->roll.is.why);
    return true;
}

static enum acc_settled applied(struct acc_engine *e, struct service *s, uint64_t now_ms,
                                char *text)
{
    enum acc_settled settled;

    if (e->stacks[s->stack].contact != CONTACT_MANAGING) {
        return e->stacks[s->stack].contact == CONTACT_OBSERVING ? ACC_SETTLED_DONE
                                                                : ACC_SETTLED_PENDING;
    }
    if (!acc_may_act(e)) {
        return ACC_SETTLED_PENDING; /* what was seen last proves nothing of the new file */
    }
    if (s->removed) {
        return applied_removed(e, s, now_ms, text);
    }
    if (!s->wanted_up || acc_svc_held(e, s)) {
        return ACC_SETTLED_DONE;
    }
    if (acc_bits_has(&e->dirty, s->pos)) {
        return ACC_SETTLED_PENDING; /* what is known of it is from before */
    }
    if (s->roll.is.step == ACC_ROLL_ASK) {
        return failed_as_is(e, s, now_ms, text);
    }
    if (is_being_compared(e, s)) {
        return ACC_SETTLED_PENDING;
    }
    if (acc_rollout_active(s) && s->roll.is.step != ACC_ROLL_WATCH) {
        enum acc_settled so_far = is_stuck(e, s, now_ms) ? failed_as_is(e, s, now_ms, text)
                                                         : ACC_SETTLED_PENDING;

        return under_hold(e, s, ACC_VERB_UPGRADE, so_far, now_ms, text);
    }
    if (has_outdated(e, s)) {
        if (acc_change_refused(s)) {
            enum acc_settled so_far = acc_change_is_ordered(e, s) ? settled_up(e, s, now_ms, text)
                                                                  : ACC_SETTLED_FAILED;

            if (so_far == ACC_SETTLED_DONE || !acc_change_is_ordered(e, s)) {
                acc_change_text(e, s, text, ACC_REASON_MAX + 1);
            }
            return so_far;
        }
        return is_held_back(e, s, now_ms, text) ? ACC_SETTLED_REFUSED
               : acc_host_disk_is_full(e)       ? failed(text, ACC_DISK_IS_FULL)
               : stays_for_host(e, s, text)     ? ACC_SETTLED_FAILED
               : acc_renew_is_stuck(e, s, text) ? ACC_SETTLED_FAILED
               : failed_to_begin(s, text)       ? ACC_SETTLED_FAILED
                                                : ACC_SETTLED_PENDING;
    }
    settled = settled_up(e, s, now_ms, text);
    if (settled == ACC_SETTLED_DONE && acc_svc_stays_at(e, s)[0]) {
        acc_svc_stays_text(e, s, text, ACC_REASON_MAX + 1);
    }
    return settled;
}

bool acc_engine_is_held_back(const struct acc_engine *engine, uint32_t svc, uint64_t now_ms,
                             char *text)
{
    union { /* the walkers want it changeable; nothing is changed */
        const struct acc_engine *in;
        struct acc_engine *out;
    } cast = {engine};

    acc_assert(svc < engine->n_services);
    return held_text(cast.out, &engine->services[svc], now_ms, text, ACC_REASON_MAX + 1);
}

enum acc_settled acc_engine_applied(const struct acc_engine *engine, uint32_t svc, uint64_t now_ms,
                                    char *text)
{
    union { /* the walkers want it changeable; nothing is changed */
        const struct acc_engine *in;
        struct acc_engine *out;
    } cast = {engine};

    acc_assert(svc < engine->n_services);
    return or_away(engine, applied(cast.out, &cast.out->services[svc], now_ms, text), now_ms, text);
}
