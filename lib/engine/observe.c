/*
 * What was seen: containers to slots (E8), runs, exits and whose doing they were (E1, E10).
 */

#include "lib/engine/parts.h"

#include <stdio.h>
#include <string.h>

static void copy(char *to, size_t size, const char *from)
{
    size_t len = strnlen(from, size - 1);

    memcpy(to, from, len);
    to[len] = '\0';
}

bool acc_eng_is_running(const struct instance *inst)
{
    switch (inst->state) {
    case ACC_INST_PROBING:
    case ACC_INST_READY:
    case ACC_INST_DEGRADED:
    case ACC_INST_DRAINING:
    case ACC_INST_STOPPING:
    case ACC_INST_PAUSED:
        return true;
    case ACC_INST_ABSENT:
    case ACC_INST_CREATING:
    case ACC_INST_CREATED:
    case ACC_INST_STARTING:
    case ACC_INST_EXITED:
    case ACC_INST_REMOVING:
    case ACC_INST_QUARANTINE:
        return false;
    }
    return false;
}

const char *acc_eng_name_of(const struct acc_engine *e, const struct instance *inst, char *buf,
                            size_t size)
{
    const struct service *s = &e->services[inst->svc];

    if (inst->slot == 1 && s->canonical[0]) {
        copy(buf, size, s->canonical);
    } else if (s->container_name) {
        copy(buf, size, s->container_name);
    } else {
        (void)snprintf(buf, size, "%s-%s-%u", s->stack_name, s->name, (unsigned)inst->slot);
    }
    return buf;
}

void acc_eng_move(struct acc_engine *e, struct instance *inst, enum acc_inst_state to)
{
    if (inst->state == to) {
        return;
    }
    inst->state = to;
    inst->since_ms = e->now_ms;
    acc_eng_mark_around(e, inst->svc);
}

void acc_eng_forget_container(struct acc_engine *e, struct instance *inst)
{
    uint32_t svc = inst->svc;
    uint32_t slot = inst->slot;
    uint64_t op = inst->op;
    enum acc_action_type kind = inst->op_kind;

    if (inst->cid[0]) {
        acc_eng_cid_remove(e, inst);
    }
    *inst = (struct instance){.svc = svc, .slot = slot, .exit_code = -1, .since_ms = e->now_ms};
    if (slot > e->services[svc].n_replicas) {
        inst->slot = 0; /* an extra is free again */
    }
    if (kind == ACC_ACT_CREATE) {
        inst->op = op; /* a create in flight goes on */
        inst->op_kind = kind;
        inst->state = op ? ACC_INST_CREATING : ACC_INST_ABSENT;
    }
    acc_eng_mark_around(e, svc);
}

/* --- whose container is it -------------------------------------------------------------------- */

/* Compose creates the successor of a container as "<12 hex>_<name>" and renames it last. */
static bool is_temporary_name(const char *name)
{
    return strspn(name, "0123456789abcdef") == 12 && name[12] == '_';
}

static struct instance *slot_of(struct acc_engine *e, struct service *s, uint32_t number)
{
    struct instance *free_slot = NULL;

    if (number >= 1 && number <= s->n_replicas) {
        return &s->inst[number - 1];
    }
    for (uint32_t i = s->n_replicas; i < s->n_inst; i++) {
        if (s->inst[i].slot == number) {
            return &s->inst[i];
        }
        if (s->inst[i].slot == 0 && !free_slot) {
            free_slot = &s->inst[i];
        }
    }
    if (free_slot) {
        free_slot->slot = number;
    }
    (void)e;
    return free_slot;
}

static bool obs_runs(const struct acc_obs *obs)
{
    return obs->state == ACC_CTR_RUNNING || obs->state == ACC_CTR_PAUSED ||
           obs->state == ACC_CTR_RESTARTING;
}

/* A second container for a slot: does it take the place of the first (E8)? */
static bool replaces(const struct instance *inst, const struct acc_obs *obs)
{
    if (is_temporary_name(obs->name)) {
        return false; /* its predecessor still has the name */
    }
    if (is_temporary_name(inst->name)) {
        return true;
    }
    return !acc_eng_is_running(inst) && inst->op == 0 &&
           (obs_runs(obs) || obs->started_ns > inst->started_ns);
}

static struct instance *place(struct acc_engine *e, const struct acc_obs *obs)
{
    uint32_t svc = acc_eng_id_find(e, obs->project, obs->service);
    struct instance *inst;

    if (svc == ACC_NONE || obs->oneoff || obs->number == 0) {
        return NULL;
    }
    inst = slot_of(e, &e->services[svc], obs->number);
    if (!inst) {
        return NULL;
    }
    if (inst->cid[0]) {
        if (!replaces(inst, obs)) {
            return NULL;
        }
        acc_eng_forget_container(e, inst);
        inst->slot = obs->number;
    }
    copy(inst->cid, sizeof(inst->cid), obs->cid);
    acc_eng_cid_add(e, inst);
    return inst;
}

/* --- runs and exits ------------------------------------------------------------------------- */

static void begin_run(struct acc_engine *e, struct instance *inst, bool first_sight)
{
    const struct service *s = &e->services[inst->svc];

    inst->was_ready = false;
    inst->ready_ms = inst->degraded_ms = inst->presumed_until_ms = 0;
    inst->kill_hint_ms = inst->stop_hint_ms = 0;
    inst->exit_unsettled = inst->asked_manual = inst->stop_was_ours = false;
    inst->verdict = inst->has_health ? ACC_HEALTH_STARTING : ACC_HEALTH_NONE;
    inst->verdict_start_ns = 0;
    inst->verdict_ms = e->now_ms;
    inst->waiting = inst->own_checks = false;
    inst->first_pass_ms = 0;
    inst->output[0] = '\0';
    inst->ran_before = first_sight;
    inst->kill_after_ms = 0;
    inst->probe_pause_ms = s->timing.probe_first;
    inst->probe_next_ms = e->now_ms + inst->probe_pause_ms;
    acc_eng_move(e, inst, ACC_INST_PROBING);
    inst->since_ms = e->now_ms;
    if (first_sight && !inst->has_health) {
        /* It ran before us and nothing can tell otherwise: READY by presumption. */
        inst->was_ready = true;
        inst->ready_ms = e->now_ms;
        acc_eng_move(e, inst, ACC_INST_READY);
    }
}

static void started_by_hand(struct acc_engine *e, struct service *s, struct instance *inst)
{
    acc_eng_note(e, ACC_NOTE_OBSERVED, inst->svc, "started outside of acc");
    if (s->held || !s->wanted_up) {
        s->held = false;
        s->wanted_up = true;
        s->wanted_removed = false;
        copy(s->asked_by, sizeof(s->asked_by), "outside");
        s->save = true;
    }
    s->done = false;
}

static void on_running(struct acc_engine *e, struct instance *inst, bool new_run)
{
    struct service *s = &e->services[inst->svc];
    bool first_sight = !e->snapshot;
    bool is_ours = inst->op != 0 && inst->op_kind == ACC_ACT_START;

    if (inst->state == ACC_INST_STOPPING && !new_run) {
        return;
    }
    if (inst->state == ACC_INST_PAUSED && !new_run) {
        acc_eng_move(e, inst, inst->was_ready ? ACC_INST_READY : ACC_INST_PROBING);
        inst->verdict_ms = e->now_ms;
        return;
    }
    if (!new_run && acc_eng_is_running(inst)) {
        return;
    }
    if (!is_ours && !first_sight && inst->state != ACC_INST_STARTING) {
        started_by_hand(e, s, inst);
    }
    begin_run(e, inst, first_sight && e->epoch <= 1);
}

static void ended_by_itself(struct acc_engine *e, struct service *s, struct instance *inst)
{
    char text[ACC_OUTPUT_MAX + 1];
    bool ok = inst->exit_code == 0;

    if (ok &&
        (s->one_shot || s->restart == ACC_RESTART_NO || s->restart == ACC_RESTART_ON_FAILURE)) {
        s->done = true;
        copy(s->done_spec, sizeof(s->done_spec), s->spec_hash);
        s->save = true;
        return;
    }
    (void)snprintf(text, sizeof(text),
                   inst->oom ? "was killed for using too much memory (exit %d)" : "exited with %d",
                   (int)inst->exit_code);
    acc_eng_fail(e, s, inst->oom ? FAIL_OOM : FAIL_EXIT, text);
}

static void on_exited(struct acc_engine *e, struct instance *inst, const struct acc_obs *obs)
{
    struct service *s = &e->services[inst->svc];
    bool was_alive = acc_eng_is_running(inst) || inst->state == ACC_INST_STARTING;
    bool first_sight = !e->snapshot;
    bool ours = inst->stop_was_ours;

    if (inst->state == ACC_INST_EXITED) {
        if (inst->exit_unsettled && inst->asked_manual && obs->manually_stopped != ACC_UNKNOWN) {
            inst->exit_unsettled = false;
            if (obs->manually_stopped == ACC_YES && s->wanted_up && !s->held && !s->done) {
                s->held = true;
                s->save = true;
                acc_eng_note(e, ACC_NOTE_OBSERVED, inst->svc,
                             "was stopped by hand while acc could not see it");
            }
            acc_eng_mark_around(e, inst->svc);
        }
        return;
    }
    acc_eng_move(e, inst, ACC_INST_EXITED);
    inst->verdict = inst->has_health ? ACC_HEALTH_UNKNOWN : ACC_HEALTH_NONE;
    inst->probe_next_ms = 0;
    inst->was_ready = false;
    inst->kill_after_ms = 0;
    if (ours) {
        return;
    }
    if (first_sight) {
        /* It ended while nobody looked: the engine remembers whether a person stopped it. */
        if (s->wanted_up && !s->held && inst->exit_code == 0 && s->one_shot) {
            ended_by_itself(e, s, inst);
            return;
        }
        inst->exit_unsettled = s->wanted_up && !s->held;
        inst->settle_ms = e->now_ms + STALE_LOOK_MS;
        return;
    }
    if (!was_alive) {
        return;
    }
    acc_eng_note(e, ACC_NOTE_OBSERVED, inst->svc, "exited with %d%s", (int)inst->exit_code,
                 inst->oom ? " (out of memory)" : "");
    if (inst->stop_hint_ms) {
        inst->exit_unsettled = true;
        inst->settle_ms = inst->stop_hint_ms + s->timing.external_stop_settle;
    } else if (inst->kill_hint_ms && e->now_ms - inst->kill_hint_ms < s->grace_ms + STOP_EXTRA_MS) {
        inst->exit_unsettled = true;
        inst->settle_ms = e->now_ms + KILL_SETTLE_MS;
    } else {
        ended_by_itself(e, s, inst);
    }
}

/* --- health ------------------------------------------------------------------------------------
 */

/* Docker's word counts only in this run: the newest check began after the start (finding 2). */
static void take_verdict(struct acc_engine *e, struct instance *inst, const struct acc_obs *obs)
{
    bool is_fresh = obs->health_start_ns > obs->started_ns && obs->health_start_ns != 0;

    if (!inst->has_health || obs->state != ACC_CTR_RUNNING) {
        return;
    }
    if (is_fresh && obs->health_start_ns != inst->verdict_start_ns) {
        inst->verdict_start_ns = obs->health_start_ns;
        inst->verdict_ms = e->now_ms;
        inst->own_checks = false;
        copy(inst->output, sizeof(inst->output), obs->health_output);
    }
    if (is_fresh && obs->health == ACC_DH_HEALTHY) {
        inst->verdict = ACC_HEALTH_HEALTHY;
        inst->presumed_until_ms = 0;
    } else if (is_fresh && obs->health == ACC_DH_UNHEALTHY) {
        inst->verdict = ACC_HEALTH_UNHEALTHY;
    }
    acc_eng_mark(e, inst->svc);
}

static void apply(struct acc_engine *e, struct instance *inst, const struct acc_obs *obs)
{
    bool new_run = obs->started_ns != inst->started_ns;

    copy(inst->name, sizeof(inst->name), obs->name);
    inst->ctr = obs->state;
    inst->pid = obs->pid;
    inst->started_ns = obs->started_ns;
    inst->oom = obs->oom_killed;
    inst->has_health = obs->has_health;
    inst->interval_ms = obs->interval_ms;
    inst->timeout_ms = obs->timeout_ms;
    inst->start_period_ms = obs->start_period_ms;
    inst->retries = obs->retries;
    inst->n_ports = obs->n_ports;
    inst->policy = obs->restart;
    copy(inst->image_id, sizeof(inst->image_id), obs->image_id);
    copy(inst->spec_hash, sizeof(inst->spec_hash), obs->spec_hash);
    switch (obs->state) {
    case ACC_CTR_CREATED:
        if (inst->op == 0 || inst->op_kind != ACC_ACT_START) {
            acc_eng_move(e, inst, ACC_INST_CREATED);
        }
        break;
    case ACC_CTR_RUNNING:
    case ACC_CTR_RESTARTING:
        on_running(e, inst, new_run);
        break;
    case ACC_CTR_PAUSED:
        if (new_run && !acc_eng_is_running(inst)) {
            on_running(e, inst, new_run);
        }
        if (inst->state != ACC_INST_PAUSED && inst->state != ACC_INST_STOPPING) {
            acc_eng_note(e, ACC_NOTE_OBSERVED, inst->svc, "is paused");
            acc_eng_move(e, inst, ACC_INST_PAUSED);
        }
        break;
    case ACC_CTR_EXITED:
    case ACC_CTR_DEAD:
        inst->exit_code = obs->exit_code;
        on_exited(e, inst, obs);
        break;
    case ACC_CTR_REMOVING:
        acc_eng_move(e, inst, ACC_INST_REMOVING);
        break;
    }
    take_verdict(e, inst, obs);
}

void acc_eng_on_obs(struct acc_engine *e, const struct acc_obs *obs)
{
    struct instance *inst = acc_eng_cid_find(e, obs->cid);

    if (!inst) {
        inst = place(e, obs);
    }
    if (!inst) {
        return;
    }
    struct service *s = &e->services[inst->svc];

    inst->epoch = e->epoch;
    e->stacks[s->stack].is_dirty = true;
    apply(e, inst, obs);
    if (inst->slot == 1 && !is_temporary_name(obs->name)) {
        char usual[ACC_NAME_MAX + 1];

        s->canonical[0] = '\0';
        if (strcmp(acc_eng_name_of(e, inst, usual, sizeof(usual)), obs->name) != 0) {
            copy(s->canonical, sizeof(s->canonical), obs->name);
        }
    }
    if (!s->applied_spec[0]) {
        copy(s->applied_spec, sizeof(s->applied_spec),
             obs->spec_hash[0] ? obs->spec_hash : s->spec_hash);
        s->save = true;
    } else if (obs->spec_hash[0] && strcmp(s->applied_spec, obs->spec_hash) != 0) {
        copy(s->applied_spec, sizeof(s->applied_spec), obs->spec_hash);
        s->save = true;
    }
    acc_eng_mark_around(e, inst->svc);
}

void acc_eng_on_gone(struct acc_engine *e, const char *cid)
{
    struct instance *inst = acc_eng_cid_find(e, cid);
    struct service *s;
    bool ours;

    if (!inst) {
        return;
    }
    s = &e->services[inst->svc];
    ours = (inst->op && inst->op_kind == ACC_ACT_REMOVE) || s->wanted_removed || s->removed ||
           inst->again == AGAIN_RECREATE || inst->slot > s->n_replicas || inst->stop_was_ours;
    if (inst->op) {
        struct op *op = acc_eng_op_find(e, inst->op);

        if (op && op->kind != ACC_ACT_CREATE) {
            acc_eng_op_end(e, op, ACC_OP_GONE);
            inst->op = 0;
        }
    }
    acc_eng_forget_container(e, inst);
    s->applied_spec[0] = '\0';
    if (!ours && e->snapshot && inst->state == ACC_INST_ABSENT) {
        /* `docker compose up` beside us recreates: only a full list tells whether it is gone. */
        inst->exit_unsettled = true;
        e->list_wanted = true;
    }
}

static void removed_by_hand(struct acc_engine *e, struct service *s, struct instance *inst)
{
    inst->exit_unsettled = false;
    if (!s->wanted_up) {
        return;
    }
    s->wanted_up = false;
    s->held = false;
    copy(s->asked_by, sizeof(s->asked_by), "outside");
    s->save = true;
    acc_eng_note(e, ACC_NOTE_OBSERVED, inst->svc, "was removed outside of acc; it stays off");
}

/* The mode of a stack that was never seen, from what is there (E10, first contact). */
static void decide_modes(struct acc_engine *e)
{
    for (uint32_t i = 0; i < e->n_services; i++) {
        struct service *s = &e->services[i];
        struct stack *stack = &e->stacks[s->stack];

        for (uint32_t k = 0; k < s->n_inst && !stack->known && e->observe_new; k++) {
            stack->observing |= s->inst[k].cid[0] != '\0';
        }
    }
    for (uint32_t i = 0; i < e->n_services; i++) {
        struct service *s = &e->services[i];

        if (s->is_new) {
            s->is_new = false;
            s->wanted_up = !s->removed && s->n_replicas > 0;
            if (e->stacks[s->stack].observing) {
                s->wanted_up = s->n_replicas > 0 && acc_eng_is_running(&s->inst[0]);
            }
            s->save = true;
        }
    }
    for (uint32_t i = 0; i < e->n_stacks; i++) {
        if (!e->stacks[i].known) {
            e->stacks[i].known = e->stacks[i].save = true;
            if (e->stacks[i].observing) {
                acc_eng_note(
                    e, ACC_NOTE_DECISION, ACC_NONE,
                    "%s was running before acc: only observing it. `accctl adopt %s` takes over",
                    e->stacks[i].name, e->stacks[i].name);
            }
        }
    }
}

void acc_eng_on_snapshot(struct acc_engine *e)
{
    for (uint32_t i = 0; i < e->n_services; i++) {
        struct service *s = &e->services[i];

        for (uint32_t k = 0; k < s->n_inst; k++) {
            struct instance *inst = &s->inst[k];

            if (inst->cid[0] && inst->epoch != e->epoch) {
                char cid[ACC_CID_LEN + 1];

                memcpy(cid, inst->cid, sizeof(cid));
                acc_eng_on_gone(e, cid);
            }
            if (inst->exit_unsettled && inst->state == ACC_INST_ABSENT) {
                removed_by_hand(e, s, inst);
            }
        }
    }
    if (!e->snapshot) {
        decide_modes(e);
        e->snapshot = true;
    }
    e->list_ms = e->now_ms + e->timing.resync;
    acc_eng_mark_all(e);
}

static bool stop_is_ours(const struct instance *inst)
{
    return inst->stop_was_ours ||
           (inst->op && (inst->op_kind == ACC_ACT_STOP || inst->op_kind == ACC_ACT_KILL ||
                         inst->op_kind == ACC_ACT_REMOVE));
}

void acc_eng_on_hint(struct acc_engine *e, const struct acc_event *event)
{
    struct instance *inst = acc_eng_cid_find(e, event->hint.cid);

    if (inst && !stop_is_ours(inst) &&
        (event->hint.time_ns == 0 || event->hint.time_ns > inst->started_ns)) {
        if (event->hint.hint == ACC_HINT_KILL) {
            inst->kill_hint_ms = e->now_ms;
        } else if (event->hint.hint == ACC_HINT_STOP) {
            inst->stop_hint_ms = e->now_ms;
            if (inst->state == ACC_INST_EXITED) { /* `die` came first */
                struct service *s = &e->services[inst->svc];

                inst->exit_unsettled = true;
                inst->settle_ms = e->now_ms + s->timing.external_stop_settle;
            }
        }
        acc_eng_mark(e, inst->svc);
    }
    acc_eng_look(e, event->hint.cid, false);
}
