/* How actions leave the engine: journal first, limits kept, everything in the trace. */

#include "lib/engine/parts.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool acc_eng_has_room(const struct acc_engine *e, size_t n)
{
    return e->out->cap - e->out->n >= n;
}

/* Where acc_eng_has_room() has been asked before. */
static struct acc_action *emit_next(struct acc_engine *e, enum acc_action_type type)
{
    struct acc_action *action = &e->out->item[e->out->n++];

    *action = (struct acc_action){.type = type, .svc = ACC_NONE, .slot = ACC_NONE, .res = ACC_NONE};
    return action;
}

struct acc_action *acc_eng_emit(struct acc_engine *e, enum acc_action_type type)
{
    if (!acc_eng_has_room(e, 1)) {
        e->again_now = true;
        return NULL;
    }
    return emit_next(e, type);
}

void acc_eng_note(struct acc_engine *e, enum acc_note_kind kind, uint32_t svc, const char *fmt, ...)
{
    struct acc_action *action = acc_eng_emit(e, ACC_ACT_NOTE);
    va_list args;

    if (!action) {
        return; /* history may lose a line, decisions don't rest on it */
    }
    action->svc = svc;
    action->note.kind = kind;
    va_start(args, fmt);
    (void)vsnprintf(action->note.text, sizeof(action->note.text), fmt, args); /* a cut is fine */
    va_end(args);
}

static struct op *op_take(struct acc_engine *e, enum acc_action_type kind)
{
    if (e->n_ops >= OPS_MAX) {
        return NULL;
    }
    for (size_t i = 0; i < OPS_MAX; i++) {
        struct op *op = &e->ops[i];

        if (op->id == 0) {
            *op = (struct op){.id = e->next_op++,
                              .kind = kind,
                              .svc = ACC_NONE,
                              .slot = ACC_NONE,
                              .res = ACC_NONE};
            e->n_ops++;
            return op;
        }
    }
    return NULL;
}

struct op *acc_eng_op_find(struct acc_engine *e, uint64_t id)
{
    for (size_t i = 0; i < OPS_MAX && id != 0; i++) {
        if (e->ops[i].id == id) {
            return &e->ops[i];
        }
    }
    return NULL;
}

void acc_eng_op_end(struct acc_engine *e, struct op *op, enum acc_op_result result)
{
    struct acc_action *action = op->kind == ACC_ACT_START ? NULL
                                                          : acc_eng_emit(e, ACC_ACT_JOURNAL_END);

    if (action) {
        action->op = op->id;
        action->result = result;
    }
    e->n_starts -= op->kind == ACC_ACT_START;
    e->n_pulls -= op->kind == ACC_ACT_ENSURE_RESOURCE &&
                  e->resources[op->res].kind == ACC_RES_IMAGE;
    e->n_ops--;
    op->id = 0;
}

static void fill(struct acc_action *action, const struct op *op, const char *cid)
{
    action->op = op->id;
    action->svc = op->svc;
    action->slot = op->slot;
    action->res = op->res;
    if (cid) {
        memcpy(action->cid, cid, sizeof(action->cid));
    }
}

enum acc_restart_policy acc_eng_wanted_policy(const struct service *s)
{
    return s->restart == ACC_RESTART_UNSET ? ACC_RESTART_NO : s->restart;
}

bool acc_eng_operate(struct acc_engine *e, struct instance *inst, enum acc_action_type kind)
{
    struct service *s = &e->services[inst->svc];
    struct op *op;
    struct acc_action *action;

    if (inst->op != 0 || !acc_eng_has_room(e, 4)) {
        e->again_now |= inst->op == 0;
        return false;
    }
    op = op_take(e, kind);
    if (!op) {
        return false; /* the end of another one wakes us */
    }
    op->svc = inst->svc;
    op->slot = inst->slot;
    inst->op = op->id;
    inst->op_kind = kind;
    inst->op_ms = e->now_ms;
    inst->op_is_late = false;
    if (kind != ACC_ACT_START) {
        action = emit_next(e, ACC_ACT_JOURNAL);
        action->what = kind;
        fill(action, op, inst->cid);
    }
    action = emit_next(e, kind);
    fill(action, op, inst->cid);
    if (kind == ACC_ACT_CREATE) {
        (void)acc_eng_name_of(e, inst, action->name, sizeof(action->name));
    } else if (kind == ACC_ACT_STOP) {
        action->grace_ms = s->grace_ms;
    } else if (kind == ACC_ACT_REMOVE) {
        action->volumes = true; /* anonymous ones, as docker compose does */
    } else if (kind == ACC_ACT_SET_POLICY) {
        bool back = e->stacks[s->stack].observing; /* handed back: as the file has it */

        action->policy.policy = back ? acc_eng_wanted_policy(s) : ACC_RESTART_NO;
        action->policy.max = back ? s->restart_max : 0;
    }
    e->n_starts += kind == ACC_ACT_START;
    return true;
}

bool acc_eng_operate_resource(struct acc_engine *e, uint32_t res, enum acc_action_type kind)
{
    struct resource *r = &e->resources[res];
    struct op *op;
    struct acc_action *action;

    if (r->op != 0 || !acc_eng_has_room(e, 4)) {
        e->again_now |= r->op == 0;
        return false;
    }
    op = op_take(e, kind);
    if (!op) {
        return false;
    }
    op->res = res;
    r->op = op->id;
    r->state = kind == ACC_ACT_ENSURE_RESOURCE ? RES_ENSURING : RES_REMOVING;
    e->n_pulls += kind == ACC_ACT_ENSURE_RESOURCE && r->kind == ACC_RES_IMAGE;
    action = emit_next(e, ACC_ACT_JOURNAL);
    action->what = kind;
    fill(action, op, NULL);
    action = emit_next(e, kind);
    fill(action, op, NULL);
    return true;
}

void acc_eng_look(struct acc_engine *e, const char *cid, bool manual_stop)
{
    struct acc_action *action = acc_eng_emit(e, ACC_ACT_INSPECT);

    if (action) {
        memcpy(action->cid, cid, sizeof(action->cid));
        action->manual_stop = manual_stop;
    }
}

/* xorshift64*: small, seeded, the same everywhere. */
static uint64_t draw(struct acc_engine *e)
{
    e->rng ^= e->rng >> 12;
    e->rng ^= e->rng << 25;
    e->rng ^= e->rng >> 27;
    return e->rng * 2685821657736338717ull;
}

uint64_t acc_eng_jitter(struct acc_engine *e, uint64_t ms)
{
    uint64_t fifth = ms / 5;

    return ms - fifth + draw(e) % (2 * fifth + 1);
}

uint64_t acc_eng_earliest(uint64_t a, uint64_t b)
{
    if (a == 0 || b == 0) {
        return a + b;
    }
    return a < b ? a : b;
}
