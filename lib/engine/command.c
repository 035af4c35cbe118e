/*
 * What people ask for. A command only changes what is wanted; the rest follows from that.
 */

#include <string.h>

#include "lib/engine/internal.h"

/* --- who is meant ---------------------------------------------------------------------------- */

static void mark_selected(struct acc_engine *e, const struct acc_cmd *cmd)
{
    for (uint32_t v = 0; v < e->n_services; v++) {
        e->services[v].is_marked = cmd->selected[v] != 0;
    }
}

/* What it stands on, and what that stands on. */
static void mark_needed(struct acc_engine *e)
{
    for (uint32_t k = e->n_services; k > 0; k--) {
        const struct service *s = &e->services[e->order[k - 1]];

        if (!s->is_marked || s->removed) {
            continue;
        }
        acc_each_out (e, s, edge) {
            if (edge->kind != ACC_EDGE_AFTER && edge->kind != ACC_EDGE_CONFLICTS) {
                e->services[edge->to].is_marked = true;
            }
        }
    }
}

static void mark_dependents(struct acc_engine *e)
{
    for (uint32_t k = 0; k < e->n_services; k++) {
        struct service *s = &e->services[e->order[k]];

        acc_each_out (e, s, edge) {
            s->is_marked |= acc_edge_hard(edge) && e->services[edge->to].is_marked;
        }
    }
}

/* --- what is wanted -------------------------------------------------------------------------- */

static void release(struct acc_engine *e, struct service *s)
{
    acc_each_slot (e, s, i) {
        i->held = false;
        i->hold_ms = 0;
    }
    s->held = false;
    acc_save(s);
    acc_mark_around(e, s);
}

/* What there is of it has not been looked at yet. */
static bool is_unseen(const struct acc_engine *e, const struct service *s)
{
    return !e->ever_synced || e->stacks[s->stack].need_list > e->list;
}

/* A container that has come to its last end, or is paused, goes on only when it is asked to. */
static bool needs_asking(struct acc_engine *e, struct service *s)
{
    if (is_unseen(e, s)) {
        return !s->ends; /* however it has ended, it did so before */
    }
    acc_each_slot (e, s, i) {
        if (i->present && i->final && !acc_inst_running(i)) {
            return true;
        }
    }
    return acc_svc_is_left_paused(e, s) || (s->done && !s->ends);
}

static void want_up(struct acc_engine *e, struct service *s, const struct acc_cmd *cmd)
{
    bool is_named = cmd->selected[acc_svc_index(e, s)] != 0;

    if (s->removed || (!is_named && s->wanted_up && !s->held && !acc_svc_held(e, s))) {
        return;
    }
    release(e, s);
    s->wanted_up = true;
    s->wanted_removed = false;
    acc_copy(s->asked_by, sizeof(s->asked_by), cmd->by);
    if (!s->ready) {
        acc_fail_forgive(e, s);
    }
    s->run_asked = !(s->ends && acc_svc_is_done(s)) && needs_asking(e, s);
}

/* All runs of today are to end. One that is just being started will be newer than all we know. */
static void end_runs(struct acc_engine *e, struct service *s)
{
    if (is_unseen(e, s)) {
        s->end_ns = INT64_MAX;
        return;
    }
    acc_each_inst (e, s, i) {
        if (i->start_unsettled || (i->op && i->op_type == ACC_ACT_CREATE)) {
            s->end_ns = INT64_MAX;
            return;
        }
        if (acc_inst_running(i) && i->run_ns > s->end_ns) {
            s->end_ns = i->run_ns;
        }
    }
}

/* What has run to its end isn't upgraded: this is how it gets another image. */
static void let_go_of_image(struct service *s)
{
    if (acc_svc_is_done(s) && s->pin_id[0] && !s->bad_id[0]) {
        s->pin_id[0] = '\0';
        s->rev = ++s->last_rev;
    }
}

static void want_off(struct acc_engine *e, struct service *s, const struct acc_cmd *cmd)
{
    release(e, s);
    s->wanted_up = false;
    s->wanted_removed = cmd->verb == ACC_VERB_DOWN;
    s->drop_volumes = cmd->volumes;
    s->run_asked = false;
    acc_copy(s->asked_by, sizeof(s->asked_by), cmd->by);
    if (cmd->verb == ACC_VERB_DOWN) {
        let_go_of_image(s);
        s->done = false;
        s->heirs[0] = '\0'; /* the next one begins anew */
    }
    end_runs(e, s);
}

static void restart(struct acc_engine *e, struct service *s, const struct acc_cmd *cmd)
{
    bool is_running = false;

    want_up(e, s, cmd);
    acc_fail_forgive(e, s);
    acc_drift_mend(e, s);
    acc_each_inst (e, s, i) {
        if (acc_inst_running(i) && (!i->is_spare || acc_inst_is_extra(e, i))) {
            is_running |= !i->is_spare;
            i->end = END_NONE;
            acc_inst_end(e, i, END_ASKED);
        }
    }
    s->run_asked |= !is_running;
    if (is_unseen(e, s)) {
        end_runs(e, s);
    }
}

/* --- stacks ---------------------------------------------------------------------------------- */

static void mark_stack(struct acc_engine *e, uint32_t stack)
{
    for (uint32_t v = 0; v < e->n_services; v++) {
        if (e->services[v].stack == stack) {
            acc_save(&e->services[v]);
            acc_mark(e, &e->services[v]);
        }
    }
}

/* While it was observed the restart policies counted, too; now they are accd's. */
static void compare_again(struct acc_engine *e, uint32_t at)
{
    for (uint32_t v = 0; v < e->n_services; v++) {
        if (e->services[v].stack != at) {
            continue;
        }
        acc_each_inst (e, &e->services[v], i) {
            i->compared[0] = '\0';
            i->comparing = false;
        }
    }
}

static void adopt(struct acc_engine *e, uint32_t at, enum acc_verb verb)
{
    struct stack *stack = &e->stacks[at];

    if (acc_contact_has_left(e, at)) {
        acc_note(e, ACC_NOTE_OPERATOR, ACC_NONE,
                 "stack %s is in no file: there is nothing to manage it by", stack->name);
        return;
    }
    stack->handing_back = stack->is_handed_back = false;
    stack->leave = LEAVE_NONE;
    if (stack->contact != CONTACT_MANAGING) {
        acc_contact_take_over(e, at, verb == ACC_VERB_ADOPT);
        stack->is_recovered = false;
        acc_save_stack(e, stack);
        compare_again(e, at);
        acc_note(e, ACC_NOTE_OPERATOR, ACC_NONE, "stack %s is managed from here on", stack->name);
        mark_stack(e, at);
    }
}

static void hand_back(struct acc_engine *e, uint32_t at)
{
    struct stack *stack = &e->stacks[at];

    stack->leave = LEAVE_ASKED;
    for (uint32_t v = 0; v < e->n_services; v++) {
        if (e->services[v].stack == at) {
            acc_hold_end(e, &e->services[v], "its stack is handed back");
        }
    }
    mark_stack(e, at);
    acc_contact_leave(e, stack);
}

static void drop_resources(struct acc_engine *e, uint32_t at, const struct acc_cmd *cmd)
{
    struct stack *stack = &e->stacks[at];

    if (!stack->drop_networks) {
        e->n_cleanups++;
    }
    stack->drop_networks = true;
    stack->drop_volumes |= cmd->volumes;
}

/* --- verbs ----------------------------------------------------------------------------------- */

/* Does the verb concern the stack of a named service before the service itself? */
static void for_stack(struct acc_engine *e, struct service *s, const struct acc_cmd *cmd)
{
    switch (cmd->verb) {
    case ACC_VERB_UP:
    case ACC_VERB_START:
    case ACC_VERB_ADOPT:
        adopt(e, s->stack, cmd->verb);
        break;
    case ACC_VERB_HAND_BACK:
        hand_back(e, s->stack);
        break;
    case ACC_VERB_DOWN:
        if (cmd->whole_stack && e->stacks[s->stack].contact != CONTACT_OBSERVING) {
            drop_resources(e, s->stack, cmd);
        }
        break;
    case ACC_VERB_STOP:
    case ACC_VERB_RESTART:
    case ACC_VERB_RELEASE:
    case ACC_VERB_UPGRADE:
    case ACC_VERB_ROLLBACK:
    case ACC_VERB_HOLD:
    case ACC_VERB_MAINTENANCE:
        break;
    }
}

/* To stop what can't be started again is no restart. */
static bool stops_for_good(struct acc_engine *e, struct service *s, enum acc_verb verb)
{
    return verb == ACC_VERB_RESTART &&
           (s->roll.is.step == ACC_ROLL_ASK || /* nothing is, until somebody has decided */
            (s->running && (acc_host_missed(e, s) || acc_hold_of_sharer(e, s))));
}

static void for_service(struct acc_engine *e, struct service *s, const struct acc_cmd *cmd)
{
    if (e->stacks[s->stack].contact == CONTACT_OBSERVING || acc_hold_refuses(e, s, cmd->verb) ||
        stops_for_good(e, s, cmd->verb)) {
        return; /* nothing of it is touched; acc_engine_settled() says so */
    }
    /* What it is about may still turn out to be observed only: then contact.c takes it back. */
    s->asked_early |= e->stacks[s->stack].contact == CONTACT_UNKNOWN;
    switch (cmd->verb) {
    case ACC_VERB_UP:
    case ACC_VERB_START:
        want_up(e, s, cmd);
        break;
    case ACC_VERB_STOP:
    case ACC_VERB_DOWN:
        want_off(e, s, cmd);
        break;
    case ACC_VERB_RESTART:
        restart(e, s, cmd);
        break;
    case ACC_VERB_RELEASE:
        acc_places_accept(e, s, cmd->root);
        if (cmd->root[0] == '\0') {
            release(e, s);
            s->run_asked |= s->wanted_up && is_unseen(e, s) && !s->ends;
            acc_hold_end(e, s, cmd->by);
        }
        break;
    case ACC_VERB_HOLD:
        acc_hold_set(e, s, cmd);
        break;
    case ACC_VERB_UPGRADE:
    case ACC_VERB_ROLLBACK:
        acc_rollout_ask(e, s, cmd);
        break;
    case ACC_VERB_ADOPT:
    case ACC_VERB_HAND_BACK:
    case ACC_VERB_MAINTENANCE:
        break;
    }
}

static void note_command(struct acc_engine *e, const struct acc_cmd *cmd)
{
    uint32_t n = 0;
    uint32_t first = ACC_NONE;

    for (uint32_t v = 0; v < e->n_services; v++) {
        if (cmd->selected[v]) {
            first = n++ == 0 ? v : first;
        }
    }
    if (n == 1) {
        acc_note(e, ACC_NOTE_OPERATOR, first, "%s, asked by %s", acc_verb_name(cmd->verb), cmd->by);
    } else if (n > 1) {
        acc_note(e, ACC_NOTE_OPERATOR, ACC_NONE, "%s of %s and %u more, asked by %s",
                 acc_verb_name(cmd->verb), e->services[first].id, (unsigned)(n - 1), cmd->by);
    }
}

static bool has_several(const struct acc_engine *e, const struct acc_cmd *cmd)
{
    uint32_t n = 0;

    for (uint32_t v = 0; v < e->n_services; v++) {
        n += cmd->selected[v] != 0;
    }
    return n > 1;
}

void acc_command(struct acc_engine *e, const struct acc_cmd *asked)
{
    struct acc_cmd with_group = *asked;
    const struct acc_cmd *cmd = &with_group;

    with_group.group = 0;
    if (cmd->verb == ACC_VERB_MAINTENANCE) {
        acc_maintenance_set(e, cmd);
        return;
    }
    if (cmd->verb == ACC_VERB_UPGRADE && has_several(e, cmd)) {
        with_group.group = e->next_op++;
    }
    mark_selected(e, cmd);
    for (uint32_t v = 0; v < e->n_services; v++) {
        if (cmd->selected[v] && !acc_hold_refuses(e, &e->services[v], cmd->verb)) {
            for_stack(e, &e->services[v], cmd);
        }
    }
    if (cmd->verb == ACC_VERB_UP || cmd->verb == ACC_VERB_START) {
        mark_needed(e);
    } else if (cmd->with_dependents) {
        mark_dependents(e);
    }
    for (uint32_t v = 0; v < e->n_services; v++) {
        struct service *s = &e->services[v];

        if (s->is_marked) {
            for_service(e, s, cmd);
            acc_save(s);
            if (e->out->cap - e->out->n > ACC_ROOM) {
                acc_flush_save(e, s); /* a wish is kept before anything else follows from it */
            }
            acc_mark_around(e, s);
        }
    }
    note_command(e, cmd);
}
