/* Answers: what became of an operation, and what a check said. */

#include "lib/engine/parts.h"

#include <stdio.h>
#include <string.h>

static void keep(char *to, size_t size, const char *text)
{
    size_t len = strnlen(text, size - 1);

    while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == ' ')) {
        len--;
    }
    memcpy(to, text, len);
    to[len] = '\0';
}

static struct instance *instance_of(struct acc_engine *e, const struct op *op)
{
    struct service *s = &e->services[op->svc];

    for (uint32_t i = 0; i < s->n_inst; i++) {
        if (s->inst[i].op == op->id) {
            return &s->inst[i];
        }
    }
    return NULL;
}

static enum fail_class class_of(enum acc_op_result result)
{
    return result == ACC_OP_CONFIG ? FAIL_CONFIG : FAIL_START;
}

/* --- networks, volumes, images -----------------------------------------------------------------
 */

static void on_resource(struct acc_engine *e, const struct op *op, const struct acc_event *event)
{
    struct resource *r = &e->resources[op->res];
    enum acc_op_result result = event->op.result;

    r->op = 0;
    if (op->kind == ACC_ACT_REMOVE_RESOURCE) {
        r->state = RES_UNKNOWN;
        if (result != ACC_OP_OK && result != ACC_OP_GONE && result != ACC_OP_NOT_MODIFIED) {
            acc_eng_note(e, ACC_NOTE_OBSERVED, ACC_NONE, "%s was not removed: %s", r->name,
                         event->op.message);
        }
        return;
    }
    if (result == ACC_OP_OK || result == ACC_OP_NOT_MODIFIED) {
        r->state = RES_PRESENT;
        r->problem[0] = '\0';
    } else if (result == ACC_OP_LOST) {
        r->state = RES_UNKNOWN;
    } else {
        r->state = RES_FAILED;
        r->is_config = result == ACC_OP_CONFIG || r->kind == ACC_RES_IMAGE;
        keep(r->problem, sizeof(r->problem), event->op.message);
        r->retry_ms = e->now_ms + ENSURE_RETRY_MS;
    }
    for (uint32_t i = 0; i < e->n_services; i++) {
        for (size_t k = 0; k < e->services[i].n_resources; k++) {
            if (e->services[i].resources[k] == op->res) {
                acc_eng_mark(e, i);
            }
        }
    }
}

/* --- containers --------------------------------------------------------------------------------
 */

static void on_create(struct acc_engine *e, struct service *s, struct instance *inst,
                      const struct acc_event *event)
{
    switch (event->op.result) {
    case ACC_OP_OK:
    case ACC_OP_NOT_MODIFIED:
        if (!inst->cid[0] && event->op.cid[0]) {
            keep(inst->cid, sizeof(inst->cid), event->op.cid);
            acc_eng_cid_add(e, inst);
            inst->epoch = e->epoch;
            acc_eng_look(e, inst->cid, false);
        }
        if (inst->state == ACC_INST_CREATING || inst->state == ACC_INST_ABSENT) {
            acc_eng_move(e, inst, ACC_INST_CREATED);
        }
        keep(s->applied_spec, sizeof(s->applied_spec), s->spec_hash);
        s->save = true;
        break;
    case ACC_OP_LOST: /* done or not: the list tells */
        acc_eng_move(e, inst, inst->cid[0] ? ACC_INST_CREATED : ACC_INST_ABSENT);
        e->list_wanted = true;
        break;
    case ACC_OP_GONE:
    case ACC_OP_CONFLICT:
    case ACC_OP_CONFIG:
    case ACC_OP_START:
    case ACC_OP_FAILED:
        acc_eng_move(e, inst, inst->cid[0] ? ACC_INST_CREATED : ACC_INST_ABSENT);
        if (event->op.result == ACC_OP_CONFLICT && event->op.cid[0]) {
            acc_eng_look(e, event->op.cid, false); /* perhaps it is ours */
        }
        acc_eng_fail(e, s, class_of(event->op.result), event->op.message);
        break;
    }
}

static void on_start(struct acc_engine *e, struct service *s, struct instance *inst,
                     const struct acc_event *event)
{
    if (event->op.result == ACC_OP_OK || event->op.result == ACC_OP_NOT_MODIFIED) {
        if (!acc_eng_is_running(inst)) {
            acc_eng_look(e, inst->cid, false); /* it may have ended at once */
        }
        return;
    }
    if (inst->state == ACC_INST_STARTING) {
        acc_eng_move(e, inst, inst->started_ns ? ACC_INST_EXITED : ACC_INST_CREATED);
    }
    if (event->op.result == ACC_OP_LOST || event->op.result == ACC_OP_GONE) {
        acc_eng_look(e, inst->cid, false);
        return;
    }
    acc_eng_fail(e, s, class_of(event->op.result), event->op.message);
}

static void on_stopped(struct acc_engine *e, struct instance *inst, const struct acc_event *event)
{
    acc_eng_look(e, inst->cid, false);
    if (event->op.result != ACC_OP_OK && event->op.result != ACC_OP_NOT_MODIFIED) {
        inst->look_ms = e->now_ms + STALE_LOOK_MS;
    }
}

static void on_removed(struct acc_engine *e, struct instance *inst, const struct acc_event *event)
{
    if (event->op.result == ACC_OP_OK || event->op.result == ACC_OP_GONE) {
        acc_eng_forget_container(e, inst);
        e->services[inst->svc].applied_spec[0] = '\0';
        return;
    }
    acc_eng_look(e, inst->cid, false);
    inst->look_ms = e->now_ms + STALE_LOOK_MS;
}

void acc_eng_on_op(struct acc_engine *e, const struct acc_event *event)
{
    struct op *op = acc_eng_op_find(e, event->op.op);
    struct op ended;
    struct instance *inst;

    if (!op) {
        return; /* of a configuration or a container that is no more; the list settles it */
    }
    ended = *op;
    if (event->type == ACC_EV_OP_LATE) {
        inst = op->svc == ACC_NONE ? NULL : instance_of(e, op);
        if (inst) {
            inst->op_is_late = true;
            if (inst->cid[0]) {
                acc_eng_look(e, inst->cid, false);
            } else {
                e->list_wanted = true;
            }
        }
        return;
    }
    inst = op->svc == ACC_NONE ? NULL : instance_of(e, op);
    acc_eng_op_end(e, op, event->op.result);
    acc_eng_mark_all(e); /* a place in flight is free: whoever waits for one is asked again */
    if (ended.svc == ACC_NONE) {
        on_resource(e, &ended, event);
        return;
    }
    if (!inst) {
        return;
    }
    struct service *s = &e->services[inst->svc];

    inst->op = 0;
    acc_eng_mark_around(e, inst->svc);
    if (ended.kind == ACC_ACT_CREATE) {
        on_create(e, s, inst, event);
    } else if (ended.kind == ACC_ACT_START) {
        on_start(e, s, inst, event);
    } else if (ended.kind == ACC_ACT_REMOVE) {
        on_removed(e, inst, event);
    } else { /* stop, kill, unpause, policy: seen by looking */
        on_stopped(e, inst, event);
    }
}

/* --- checks --------------------------------------------------------------------------------- */

static void pass(struct acc_engine *e, const struct service *s, struct instance *inst, bool listens)
{
    inst->verdict_ms = e->now_ms;
    inst->waiting = false;
    if (inst->n_ports == 0 || listens || inst->own_checks || inst->was_ready) {
        inst->verdict = ACC_HEALTH_HEALTHY;
    } else if (inst->first_pass_ms == 0) {
        inst->first_pass_ms = e->now_ms; /* pg_isready passes on initdb's temporary server */
    } else if (e->now_ms - inst->first_pass_ms >= s->timing.probe_confirm) {
        inst->verdict = ACC_HEALTH_HEALTHY;
    }
}

static void on_exec_verdict(struct acc_engine *e, struct service *s, struct instance *inst,
                            const struct acc_event *event)
{
    keep(inst->output, sizeof(inst->output), event->probe.output);
    switch (event->probe.verdict) {
    case ACC_PROBE_PASS:
        pass(e, s, inst, event->probe.listens);
        break;
    case ACC_PROBE_WAITING:
        inst->waiting = true;
        inst->verdict_ms = e->now_ms;
        break;
    case ACC_PROBE_FAIL:
        inst->first_pass_ms = 0;
        if (inst->own_checks) {
            inst->verdict = ACC_HEALTH_UNHEALTHY;
            inst->verdict_ms = e->now_ms;
        }
        break;
    case ACC_PROBE_UNKNOWN:
        break;
    }
}

void acc_eng_on_probe(struct acc_engine *e, const struct acc_event *event)
{
    for (uint32_t i = 0; i < e->n_services; i++) {
        struct service *s = &e->services[i];

        for (uint32_t k = 0; k < s->n_inst; k++) {
            struct instance *inst = &s->inst[k];

            if (inst->probe_op == 0 || inst->probe_op != event->probe.op) {
                continue;
            }
            inst->probe_op = 0;
            e->n_exec -= inst->probe_exec;
            inst->probe_next_ms = e->now_ms + inst->probe_pause_ms;
            inst->probe_pause_ms = 2 * inst->probe_pause_ms < s->timing.probe_cap
                                       ? 2 * inst->probe_pause_ms
                                       : s->timing.probe_cap;
            if (acc_eng_is_running(inst) && inst->probe_exec) {
                on_exec_verdict(e, s, inst, event);
            } else if (acc_eng_is_running(inst) && event->probe.verdict == ACC_PROBE_PASS) {
                inst->verdict = inst->has_health ? inst->verdict : ACC_HEALTH_NONE;
                inst->first_pass_ms = e->now_ms;
            }
            acc_eng_mark(e, i);
            return;
        }
    }
}
