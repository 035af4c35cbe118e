/*
 * Holds (E2): what a person has forbidden for a service, or by maintenance for all of them.
 *
 * A hold prevents and never causes: what it is set on goes on as it is, what is in flight ends, and
 * when it is over the ordinary decisions follow from what is there then. What it forbids is the
 * table below; act.c asks it before every change of the world, and whatever leads up to a change
 * asks before it begins, so that nothing waits half done.
 */

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/engine/internal.h"

/* The record says how much time is left, so it is written anew while that runs: by so much more a
 * hold can last for each time that accd is started again. */
#define SAVE_EVERY_MS 60000u
/* A restart that was under way when the hold came is over when nothing was done for so long: what
 * its start waits for won't come soon, and then the hold counts. */
#define FINISH_MS 10000u

static const struct {
    const char *name; /* as on the control socket */
    const char *done; /* "is ..." */
    bool start, stop, other;
} holds[] = {
    [ACC_HOLD_NONE] = {"", "free", false, false, false},
    [ACC_HOLD_UP] = {"up", "held up", false, true, false},
    [ACC_HOLD_DOWN] = {"down", "held down", true, false, false},
    [ACC_HOLD_FREEZE] = {"freeze", "frozen", true, true, true},
};
static_assert(ACC_ARRAY_LEN(holds) == ACC_HOLD_COUNT, "one row per hold");

const char *acc_hold_name(enum acc_hold hold)
{
    return holds[hold].name;
}

static enum acc_hold maintenance(const struct acc_engine *e)
{
    return e->maintenance.is.kind;
}

bool acc_hold_no_start(const struct acc_engine *e, const struct service *s)
{
    return !s->finishes && (holds[s->hold.is.kind].start || holds[maintenance(e)].start);
}

bool acc_hold_no_stop(const struct acc_engine *e, const struct service *s)
{
    return holds[s->hold.is.kind].stop || holds[maintenance(e)].stop;
}

bool acc_hold_frozen(const struct acc_engine *e, const struct service *s)
{
    return !s->finishes && (holds[s->hold.is.kind].other || holds[maintenance(e)].other);
}

bool acc_hold_forbids(const struct acc_engine *e, const struct service *s,
                      enum acc_action_type what)
{
    switch (what) {
    case ACC_ACT_CREATE:
    case ACC_ACT_START:
    case ACC_ACT_UNPAUSE:
        return acc_hold_no_start(e, s);
    case ACC_ACT_STOP:
    case ACC_ACT_KILL:
        return acc_hold_no_stop(e, s);
    case ACC_ACT_REMOVE: /* to be made anew */
        return !s->finishes && acc_hold_no_stop(e, s);
    case ACC_ACT_UPDATE:
    case ACC_ACT_SET_POLICY:
    case ACC_ACT_UPGRADE_HOOK:
    case ACC_ACT_PULL:
    case ACC_ACT_ROUTE:
    case ACC_ACT_DRAIN:
    case ACC_ACT_UNDRAIN:
    case ACC_ACT_RENAME:
    case ACC_ACT_HOOK:
    case ACC_ACT_ENSURE_RESOURCE:
    case ACC_ACT_REMOVE_RESOURCE:
        return acc_hold_frozen(e, s);
    case ACC_ACT_JOURNAL:
    case ACC_ACT_JOURNAL_END:
    case ACC_ACT_SAVE_SERVICE:
    case ACC_ACT_SAVE_STACK:
    case ACC_ACT_SAVE_REVISION:
    case ACC_ACT_SAVE_MAINTENANCE:
    case ACC_ACT_INSPECT:
    case ACC_ACT_LIST:
    case ACC_ACT_COMPARE:
    case ACC_ACT_PROBE:
    case ACC_ACT_LOOK_UP:
    case ACC_ACT_NOTE:
    case ACC_ACT_INCIDENT:
        break;
    }
    return false;
}

/* A wish that can't come true is not taken: it would come true unasked when the hold ends. */
bool acc_hold_refuses(const struct acc_engine *e, const struct service *s, enum acc_verb verb)
{
    bool no_start = acc_hold_no_start(e, s);
    bool no_stop = acc_hold_no_stop(e, s);

    switch (verb) {
    case ACC_VERB_UP:
    case ACC_VERB_START:
        return no_start;
    case ACC_VERB_STOP:
    case ACC_VERB_DOWN:
        return no_stop;
    case ACC_VERB_RESTART:
    case ACC_VERB_UPGRADE:
    case ACC_VERB_ROLLBACK:
        return no_start || no_stop;
    case ACC_VERB_ADOPT:
    case ACC_VERB_HAND_BACK:
        return maintenance(e) != ACC_HOLD_NONE;
    case ACC_VERB_RELEASE:
    case ACC_VERB_HOLD:
    case ACC_VERB_MAINTENANCE:
        break;
    }
    return false;
}

/* --- set and released ------------------------------------------------------------------------ */

static void begin(struct acc_engine *e, struct hold *hold, const struct acc_cmd *cmd)
{
    *hold = (struct hold){.is.kind = cmd->hold, .until_ms = cmd->for_ms ? e->now + cmd->for_ms : 0};
    acc_copy(hold->is.by, sizeof(hold->is.by), cmd->by);
    acc_copy(hold->is.reason, sizeof(hold->is.reason), cmd->reason);
    hold->saved_ms = e->now;
}

static bool is_over(struct acc_engine *e, const struct hold *hold)
{
    return hold->is.kind != ACC_HOLD_NONE && hold->until_ms && e->now >= hold->until_ms;
}

/* When something is to be done about its time: it ends, or the record gets old. */
static uint64_t next_ms(const struct hold *hold)
{
    uint64_t save_ms = hold->saved_ms + SAVE_EVERY_MS;

    return !hold->until_ms ? UINT64_MAX : save_ms < hold->until_ms ? save_ms : hold->until_ms;
}

/* Its container is being stopped to be started again, or is on its way between the two. */
static bool is_amid_restart(struct acc_engine *e, struct service *s)
{
    if (!s->wanted_up || acc_rollout_active(s)) {
        return false; /* an upgrade has steps of its own, and waits at the next one */
    }
    acc_each_slot (e, s, i) {
        bool is_stop = i->op_type == ACC_ACT_STOP || i->op_type == ACC_ACT_KILL ||
                       i->op_type == ACC_ACT_REMOVE;
        bool is_start = i->op_type == ACC_ACT_START || i->op_type == ACC_ACT_CREATE;

        if (i->op && (is_stop || (is_start && s->ever_ready))) {
            return true;
        }
    }
    return false;
}

static void finish(struct acc_engine *e, struct service *s)
{
    s->finishes = is_amid_restart(e, s);
    s->idle_ms = 0;
}

static void update_finish(struct acc_engine *e, struct service *s)
{
    bool is_moving = false;

    if (!s->finishes) {
        return;
    }
    acc_each_slot (e, s, i) {
        is_moving |= i->op != 0 || i->start_unsettled;
    }
    if (is_moving) {
        s->idle_ms = 0;
    } else if (!s->running && !s->idle_ms) {
        s->idle_ms = e->now ? e->now : 1;
    }
    if (!is_moving && (s->running || acc_due(e, s, s->idle_ms + FINISH_MS))) {
        s->finishes = false;
        acc_mark_around(e, s);
    }
}

/* Those whose containers it shares, near or far, may be changed when it may stop. */
static void mark_those_with_it(struct acc_engine *e, struct service *s)
{
    acc_mark_around(e, s);
    acc_each_out (e, s, edge) {
        if (edge->kind == ACC_EDGE_BINDS) {
            mark_those_with_it(e, &e->services[edge->to]);
        }
    }
}

void acc_hold_set(struct acc_engine *e, struct service *s, const struct acc_cmd *cmd)
{
    char text[ACC_NOTE_MAX + 1];

    if (s->removed || cmd->hold == ACC_HOLD_NONE) {
        return;
    }
    begin(e, &s->hold, cmd);
    finish(e, s);
    acc_hold_text(e, s, e->now, text, sizeof(text));
    acc_note(e, ACC_NOTE_OPERATOR, acc_svc_index(e, s), "%s %.200s", s->id, text);
    acc_save(s);
    mark_those_with_it(e, s);
}

void acc_hold_end(struct acc_engine *e, struct service *s, const char *why)
{
    if (s->hold.is.kind == ACC_HOLD_NONE) {
        return;
    }
    acc_note(e, ACC_NOTE_OPERATOR, acc_svc_index(e, s), "%s is no longer %s: %s", s->id,
             holds[s->hold.is.kind].done, why);
    s->hold = (struct hold){.is.kind = ACC_HOLD_NONE};
    acc_save(s);
    mark_those_with_it(e, s);
}

void acc_hold_update(struct acc_engine *e, struct service *s)
{
    update_finish(e, s);
    if (is_over(e, &s->hold)) {
        acc_hold_end(e, s, "its time is over");
    } else if (s->hold.is.kind != ACC_HOLD_NONE && next_ms(&s->hold) != UINT64_MAX &&
               acc_due(e, s, next_ms(&s->hold))) {
        s->hold.saved_ms = e->now;
        acc_save(s);
        acc_wake_at(s, next_ms(&s->hold));
    }
}

static void end_maintenance(struct acc_engine *e, const char *why)
{
    if (maintenance(e) == ACC_HOLD_NONE) {
        return;
    }
    acc_note(e, ACC_NOTE_OPERATOR, ACC_NONE, "maintenance is over: %s", why);
    e->maintenance = (struct hold){.is.kind = ACC_HOLD_NONE};
    e->phases_changed = true;
    e->save_maintenance = true;
    acc_mark_all(e);
}

void acc_maintenance_set(struct acc_engine *e, const struct acc_cmd *cmd)
{
    if (cmd->hold == ACC_HOLD_NONE) {
        char why[ACC_TEXT_MAX + 1];

        (void)snprintf(why, sizeof(why), "asked by %s", cmd->by);
        end_maintenance(e, why);
        return;
    }
    begin(e, &e->maintenance, cmd);
    e->maintenance.is.kind = ACC_HOLD_FREEZE;
    for (uint32_t v = 0; v < e->n_services; v++) {
        finish(e, &e->services[v]);
    }
    acc_note(e, ACC_NOTE_OPERATOR, ACC_NONE, "maintenance by %s%s%s: nothing is changed", cmd->by,
             cmd->reason[0] ? ": " : "", cmd->reason);
    e->save_maintenance = true;
    acc_mark_all(e);
}

void acc_maintenance_update(struct acc_engine *e)
{
    struct hold *hold = &e->maintenance;

    if (is_over(e, hold)) {
        end_maintenance(e, "its time is over");
    } else if (hold->is.kind != ACC_HOLD_NONE && e->now >= next_ms(hold)) {
        hold->saved_ms = e->now;
        e->save_maintenance = true;
    }
    if (e->save_maintenance && acc_has_room(e)) {
        e->save_maintenance = false;
        acc_asked(e, acc_ask(e, ACC_ACT_SAVE_MAINTENANCE, ACC_NONE, NULL));
    }
    if (hold->is.kind != ACC_HOLD_NONE && next_ms(hold) < e->wake_ms) {
        e->wake_ms = next_ms(hold);
    }
}

/* --- records --------------------------------------------------------------------------------- */

void acc_hold_record(const struct acc_engine *e, const struct hold *hold, uint64_t now_ms,
                     struct acc_hold_record *ret_record)
{
    *ret_record = hold->is;
    if (e->stepped && hold->until_ms) {
        ret_record->left_ms = hold->until_ms > now_ms ? hold->until_ms - now_ms : 1;
    }
}

void acc_hold_restore_finish(struct acc_engine *e, struct hold *hold)
{
    hold->until_ms = hold->is.left_ms ? e->now + hold->is.left_ms : 0;
    hold->is.left_ms = 0;
    hold->saved_ms = e->now;
}

void acc_engine_maintenance(const struct acc_engine *engine, uint64_t now_ms,
                            struct acc_hold_record *ret_record)
{
    acc_hold_record(engine, &engine->maintenance, now_ms, ret_record);
}

void acc_engine_restore_maintenance(struct acc_engine *engine, const struct acc_hold_record *record)
{
    acc_assert(!engine->stepped);
    engine->maintenance = (struct hold){.is = *record};
}

/* --- words ----------------------------------------------------------------------------------- */

void acc_hold_text(const struct acc_engine *e, const struct service *s, uint64_t now_ms, char *out,
                   size_t out_size)
{
    bool is_own = s->hold.is.kind != ACC_HOLD_NONE;
    const struct hold *hold = is_own ? &s->hold : &e->maintenance;
    char span[48] = "";

    if (hold->is.kind == ACC_HOLD_NONE) {
        out[0] = '\0';
        return;
    }
    if (hold->until_ms) {
        acc_format_left_ms(hold->until_ms > now_ms ? hold->until_ms - now_ms : 0, span,
                           sizeof(span));
    }
    /* A long reason is cut in the text; status --json has it whole. */
    (void)snprintf(out, out_size, "is %s by %s%s%.60s%s%s (accctl %s%s)",
                   is_own ? holds[hold->is.kind].done : "left alone during maintenance",
                   hold->is.by, hold->is.reason[0] ? ", " : "", hold->is.reason,
                   span[0] ? ", for another " : "", span, is_own ? "release " : "maintenance off",
                   is_own ? s->nick : "");
}

/* --- who shares with it ---------------------------------------------------------------------- */

static bool any_running(struct acc_engine *e, const struct service *s)
{
    acc_each_slot (e, s, i) {
        if (acc_inst_running(i)) {
            return true;
        }
    }
    return false;
}

/* What is in the namespaces or the volumes of another container goes with it, near or far. */
const struct service *acc_hold_of_sharer(struct acc_engine *e, const struct service *s)
{
    for (uint32_t k = 0; k < s->n_in; k++) {
        const struct edge *edge = &e->edges[e->in[s->first_in + k]];
        struct service *sharer = &e->services[edge->from];
        const struct service *further;

        if (edge->kind != ACC_EDGE_BINDS || !sharer->wanted_up || sharer->removed ||
            acc_svc_observing(e, sharer) || !any_running(e, sharer)) {
            continue;
        }
        if (acc_hold_no_stop(e, sharer) || acc_hold_no_start(e, sharer)) {
            return sharer;
        }
        further = acc_hold_of_sharer(e, sharer);
        if (further) {
            return further;
        }
    }
    return NULL;
}

bool acc_hold_of_sharer_text(struct acc_engine *e, const struct service *s, uint64_t now_ms,
                             char *out, size_t out_size)
{
    const struct service *sharer = acc_hold_of_sharer(e, s);
    char why[ACC_TEXT_MAX + 1];

    if (!sharer) {
        return false;
    }
    acc_hold_text(e, sharer, now_ms, why, sizeof(why));
    (void)snprintf(out, out_size, "%.60s, which shares with it, %s and %s", sharer->nick,
                   acc_hold_no_stop(e, sharer) ? "would have to stop with it"
                                               : "would stop with it and stay down",
                   why);
    return true;
}
