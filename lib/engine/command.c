/* What people ask for (verbs), and how a whole stack goes down. */

#include "lib/engine/parts.h"

#include <stdio.h>
#include <string.h>

static void asked(struct service *s, const struct acc_cmd *cmd)
{
    (void)snprintf(s->asked_by, sizeof(s->asked_by), "%s", cmd->by);
    s->save = true;
}

static void want_up(struct acc_engine *e, uint32_t svc, const struct acc_cmd *cmd)
{
    struct service *s = &e->services[svc];

    if (s->removed || s->n_replicas == 0) {
        return;
    }
    if (!s->wanted_up || s->held) {
        s->done = false;
    }
    s->wanted_up = true;
    s->wanted_removed = false;
    s->held = false;
    for (uint32_t i = 0; i < s->n_inst; i++) {
        s->inst[i].exit_unsettled = false;
        s->inst[i].stop_hint_ms = s->inst[i].kill_hint_ms = 0;
    }
    acc_eng_reset_failures(e, s);
    for (size_t i = 0; i < s->n_resources; i++) {
        if (e->resources[s->resources[i]].state == RES_FAILED) {
            e->resources[s->resources[i]].retry_ms = e->now_ms;
        }
    }
    asked(s, cmd);
    acc_eng_mark_around(e, svc);
}

/* `up` pulls in what it depends on; `selected` services first, then along the edges. */
static void up(struct acc_engine *e, const struct acc_cmd *cmd)
{
    size_t head = 0;
    size_t n = 0;

    e->stamp_now++;
    for (uint32_t i = 0; i < e->n_services; i++) {
        if (cmd->selected[i]) {
            e->stamp[i] = e->stamp_now;
            e->queue[n++] = i;
        }
    }
    while (head < n) {
        uint32_t svc = e->queue[head++];
        struct service *s = &e->services[svc];
        bool was_off = !s->wanted_up || s->held;

        e->stacks[s->stack].observing &= !was_off && !cmd->selected[svc];
        e->stacks[s->stack].removing = false;
        if (cmd->selected[svc] || was_off) {
            want_up(e, svc, cmd);
        }
        for (size_t i = 0; i < s->n_edges; i++) {
            uint32_t target = s->edges[i].target;

            if (s->edges[i].kind <= ACC_EDGE_WANTS && e->stamp[target] != e->stamp_now) {
                e->stamp[target] = e->stamp_now;
                e->queue[n++] = target;
            }
        }
    }
}

static void off(struct acc_engine *e, uint32_t svc, const struct acc_cmd *cmd)
{
    struct service *s = &e->services[svc];

    s->wanted_up = false;
    s->held = false;
    s->wanted_removed = cmd->verb == ACC_VERB_DOWN;
    s->backoff_until_ms = s->open_until_ms = s->recover_by_ms = 0;
    s->half_open = false;
    for (uint32_t i = 0; i < s->n_inst; i++) {
        s->inst[i].again = AGAIN_NONE;
        s->inst[i].exit_unsettled = false;
    }
    asked(s, cmd);
    acc_eng_mark_around(e, svc);
}

static void down(struct acc_engine *e, const struct acc_cmd *cmd)
{
    size_t head = 0;
    size_t n = 0;

    e->stamp_now++;
    for (uint32_t i = 0; i < e->n_services; i++) {
        if (cmd->selected[i]) {
            e->stamp[i] = e->stamp_now;
            e->queue[n++] = i;
        }
    }
    while (head < n) {
        uint32_t svc = e->queue[head++];
        struct service *s = &e->services[svc];

        off(e, svc, cmd);
        e->stacks[s->stack].observing = false;
        for (size_t i = 0; i < s->n_dependents && cmd->with_dependents; i++) {
            uint32_t d = s->dependents[i];

            if (e->stamp[d] != e->stamp_now) {
                e->stamp[d] = e->stamp_now;
                e->queue[n++] = d;
            }
        }
    }
    if (cmd->verb == ACC_VERB_DOWN && cmd->whole_stack) {
        for (uint32_t i = 0; i < e->n_services; i++) {
            if (cmd->selected[i]) {
                struct stack *stack = &e->stacks[e->services[i].stack];

                stack->removing = true;
                stack->removing_volumes = cmd->volumes;
                stack->is_dirty = true;
            }
        }
    }
}

static void restart(struct acc_engine *e, uint32_t svc, const struct acc_cmd *cmd)
{
    struct service *s = &e->services[svc];

    want_up(e, svc, cmd);
    e->stacks[s->stack].observing = false;
    for (uint32_t i = 0; i < s->n_replicas; i++) {
        if (acc_eng_is_running(&s->inst[i]) && s->inst[i].again == AGAIN_NONE) {
            s->inst[i].again = AGAIN_RESTART;
        }
    }
    /* E3, planned restart: only those that ask for it go along. */
    for (size_t i = 0; i < s->n_dependents; i++) {
        struct service *d = &e->services[s->dependents[i]];

        for (size_t k = 0; k < d->n_edges; k++) {
            if (d->edges[k].target == svc && d->running && d->edges[k].kind <= ACC_EDGE_NEEDS &&
                (d->edges[k].on_down != ACC_ON_DOWN_RIDE || d->edges[k].kind == ACC_EDGE_BINDS)) {
                for (uint32_t r = 0; r < d->n_replicas; r++) {
                    d->inst[r].again = AGAIN_RESTART;
                }
                acc_eng_mark(e, s->dependents[i]);
            }
        }
    }
}

static void adopt(struct acc_engine *e, uint32_t svc, const struct acc_cmd *cmd)
{
    struct service *s = &e->services[svc];
    struct stack *stack = &e->stacks[s->stack];

    s->hand_back = false;
    if (stack->observing) {
        stack->observing = false;
        stack->save = true;
    }
    if (!s->applied_spec[0] && s->inst[0].cid[0]) {
        memcpy(s->applied_spec, s->spec_hash, sizeof(s->applied_spec));
    }
    asked(s, cmd);
    acc_eng_mark(e, svc);
}

static void hand_back(struct acc_engine *e, uint32_t svc)
{
    struct service *s = &e->services[svc];

    e->stacks[s->stack].observing = true;
    e->stacks[s->stack].save = true;
    s->hand_back = true;
    acc_eng_mark(e, svc);
}

void acc_eng_on_cmd(struct acc_engine *e, const struct acc_cmd *cmd)
{
    uint32_t first = ACC_NONE;
    size_t n = 0;

    for (uint32_t i = 0; i < e->n_services; i++) {
        first = cmd->selected[i] && first == ACC_NONE ? i : first;
        n += cmd->selected[i] != 0;
    }
    if (n == 0) {
        return;
    }
    acc_eng_note(e, ACC_NOTE_OPERATOR, n == 1 ? first : ACC_NONE, "%s asked for %s (%zu service%s)",
                 cmd->by, acc_verb_name(cmd->verb), n, n == 1 ? "" : "s");
    switch (cmd->verb) {
    case ACC_VERB_UP:
    case ACC_VERB_START:
        up(e, cmd);
        break;
    case ACC_VERB_STOP:
    case ACC_VERB_DOWN:
        down(e, cmd);
        break;
    case ACC_VERB_RESTART:
    case ACC_VERB_ADOPT:
    case ACC_VERB_HAND_BACK:
    case ACC_VERB_RELEASE:
        for (uint32_t i = 0; i < e->n_services; i++) {
            if (!cmd->selected[i]) {
                continue;
            }
            if (cmd->verb == ACC_VERB_RESTART) {
                restart(e, i, cmd);
            } else if (cmd->verb == ACC_VERB_ADOPT) {
                adopt(e, i, cmd);
            } else if (cmd->verb == ACC_VERB_HAND_BACK) {
                hand_back(e, i);
            } else if (e->services[i].held) {
                want_up(e, i, cmd);
            }
        }
        break;
    }
    for (uint32_t i = 0; i < e->n_stacks; i++) {
        e->stacks[i].save |= e->stacks[i].known;
    }
}
