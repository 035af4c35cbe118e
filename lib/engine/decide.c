/*
 * Deciding: facts to a fixpoint, then at most one operation per instance.
 */

#include "lib/engine/parts.h"

#include <stdio.h>
#include <string.h>

uint64_t acc_eng_start_deadline(const struct service *s, const struct instance *inst)
{
    uint64_t own = (uint64_t)inst->start_period_ms +
                   (uint64_t)inst->retries * (uint64_t)(inst->interval_ms + inst->timeout_ms);

    return own > s->timing.start_deadline_min ? own : s->timing.start_deadline_min;
}

uint64_t acc_eng_degraded_grace(const struct service *s, const struct instance *inst)
{
    uint64_t own = 2 * (uint64_t)inst->interval_ms;

    return own > s->timing.degraded_grace_min ? own : s->timing.degraded_grace_min;
}

static bool is_current(const struct service *s)
{
    return s->applied_spec[0] == '\0' || strcmp(s->applied_spec, s->spec_hash) == 0;
}

static bool is_done(const struct service *s)
{
    return s->done && strcmp(s->done_spec, s->spec_hash) == 0;
}

/* --- facts --------------------------------------------------------------------------------------
 */

static bool is_exhausted(const struct service *s)
{
    if (s->fail == FAIL_NONE || !s->fail_counted) {
        return false;
    }
    if (s->restart == ACC_RESTART_NO && (s->fail == FAIL_EXIT || s->fail == FAIL_OOM)) {
        return !s->one_shot;
    }
    if (s->restart == ACC_RESTART_ON_FAILURE && s->restart_max > 0) {
        return s->n_failures > s->restart_max;
    }
    return s->timing.give_up_after > 0 && s->n_opens > s->timing.give_up_after;
}

static const struct resource *failed_resource(const struct acc_engine *e, const struct service *s)
{
    for (size_t i = 0; i < s->n_resources; i++) {
        if (e->resources[s->resources[i]].state == RES_FAILED) {
            return &e->resources[s->resources[i]];
        }
    }
    return NULL;
}

static bool waits_for_hard(const struct acc_engine *e, const struct service *s)
{
    for (size_t i = 0; i < s->n_edges; i++) {
        if (acc_eng_is_hard(s->edges[i].kind) && !acc_eng_edge_holds(e, s, &s->edges[i])) {
            return true;
        }
    }
    return false;
}

static bool is_impaired(const struct acc_engine *e, const struct service *s)
{
    for (size_t i = 0; i < s->n_edges; i++) {
        const struct edge *edge = &s->edges[i];

        if ((edge->kind == ACC_EDGE_NEEDS || edge->kind == ACC_EDGE_BINDS) && !edge->at_create &&
            !acc_eng_edge_holds(e, s, edge) && !e->services[edge->target].ready) {
            return true;
        }
    }
    return false;
}

static bool any(const struct service *s, enum acc_inst_state state)
{
    for (uint32_t i = 0; i < s->n_replicas; i++) {
        if (s->inst[i].state == state) {
            return true;
        }
    }
    return false;
}

static bool any_alive(const struct service *s)
{
    for (uint32_t i = 0; i < s->n_inst; i++) {
        if (acc_eng_is_running(&s->inst[i])) {
            return true;
        }
    }
    return false;
}

static enum acc_svc_state running_state(const struct acc_engine *e, const struct service *s)
{
    if (s->half_open) {
        return ACC_SVC_HALF_OPEN;
    }
    if (any(s, ACC_INST_DEGRADED) || any(s, ACC_INST_PAUSED) || is_impaired(e, s)) {
        return ACC_SVC_IMPAIRED;
    }
    return s->ready ? ACC_SVC_UP : ACC_SVC_STARTING;
}

static enum acc_svc_state waiting_state(const struct acc_engine *e, const struct service *s)
{
    if (is_exhausted(s) || (failed_resource(e, s) && !any(s, ACC_INST_STARTING)) ||
        (s->fail == FAIL_CONFIG && s->backoff_until_ms > e->now_ms)) {
        return ACC_SVC_FAILED;
    }
    if (s->open_until_ms > e->now_ms) {
        return ACC_SVC_OPEN;
    }
    if (any(s, ACC_INST_STARTING)) {
        return ACC_SVC_STARTING;
    }
    if (waits_for_hard(e, s)) {
        return ACC_SVC_BLOCKED;
    }
    if (s->backoff_until_ms > e->now_ms) {
        return ACC_SVC_BACKOFF;
    }
    return acc_eng_gate_edge(e, s, false) ? ACC_SVC_QUEUED : ACC_SVC_STARTING;
}

static enum acc_svc_state derive(const struct acc_engine *e, const struct service *s)
{
    if (s->held && s->wanted_up) {
        return ACC_SVC_HELD;
    }
    if (!s->wanted_up || s->n_replicas == 0) {
        return any_alive(s) ? ACC_SVC_STOPPING : ACC_SVC_OFF;
    }
    if (is_done(s) && !any_alive(s)) {
        return ACC_SVC_DONE;
    }
    return s->running ? running_state(e, s) : waiting_state(e, s);
}

static void count_slots(struct service *s, uint32_t *n_running, uint32_t *n_ready)
{
    *n_running = *n_ready = 0;
    for (uint32_t i = 0; i < s->n_replicas; i++) {
        *n_running += acc_eng_is_running(&s->inst[i]);
        *n_ready += s->inst[i].state == ACC_INST_READY;
    }
}

static void on_ready(struct acc_engine *e, uint32_t svc)
{
    struct service *s = &e->services[svc];

    s->ready_ms = s->bad_ms = e->now_ms;
    s->ready_once = true;
    s->recover_by_ms = 0;
    for (size_t i = 0; i < s->n_dependents; i++) {
        struct service *d = &e->services[s->dependents[i]];

        if (d->running && !d->ready && d->wanted_up && !d->recovered_once) {
            d->recover_by_ms = e->now_ms + acc_eng_recovery_grace(d);
        }
    }
    s->recovered_once = false;
}

static void on_not_ready(struct acc_engine *e, uint32_t svc)
{
    struct service *s = &e->services[svc];

    s->flap_ms = e->now_ms;
    for (size_t i = 0; i < s->n_dependents; i++) {
        struct service *d = &e->services[s->dependents[i]];

        for (size_t k = 0; k < d->n_edges; k++) {
            if (d->edges[k].target == svc && acc_eng_is_hard(d->edges[k].kind) &&
                !d->edges[k].at_create) {
                acc_eng_take_back_failures(e, d);
                d->recovered_once = false;
            }
        }
    }
}

static void facts(struct acc_engine *e, uint32_t svc)
{
    struct service *s = &e->services[svc];
    bool was_ready = s->ready;
    bool was_running = s->running;
    bool was_terminal = s->terminal;
    uint32_t n_running;
    uint32_t n_ready;

    count_slots(s, &n_running, &n_ready);
    s->running = s->n_replicas > 0 && n_running == s->n_replicas;
    s->ready = s->n_replicas > 0 && n_ready == s->n_replicas;
    if (s->ready && !was_ready) {
        on_ready(e, svc);
    } else if (!s->ready && was_ready) {
        on_not_ready(e, svc);
    }
    if (acc_eng_is_bad(s)) {
        s->bad_ms = e->now_ms;
    }
    enum acc_svc_state state = derive(e, s);

    s->terminal = s->ready || is_done(s) || !s->wanted_up || state == ACC_SVC_FAILED ||
                  state == ACC_SVC_OPEN || state == ACC_SVC_HELD ||
                  (state == ACC_SVC_STARTING && s->running &&
                   s->inst[0].state == ACC_INST_PROBING &&
                   e->now_ms - s->inst[0].since_ms >= acc_eng_start_deadline(s, &s->inst[0]));
    if (state != s->state) {
        if (e->snapshot) {
            acc_eng_note(e, ACC_NOTE_STATE, svc, "%s -> %s", acc_svc_state_name(s->state),
                         acc_svc_state_name(state));
        }
        s->state = state;
        s->since_ms = e->now_ms;
    }
    if (was_ready != s->ready || was_running != s->running || was_terminal != s->terminal) {
        acc_eng_mark_around(e, svc);
    }
}

/* --- health of a running instance
 * ----------------------------------------------------------------- */

static bool listens_or_time(const struct acc_engine *e, const struct service *s,
                            const struct instance *inst)
{
    uint64_t ran_ms = e->now_ms - inst->since_ms;

    if (s->probe == ACC_PROBE_NONE) {
        return true;
    }
    if (inst->n_ports == 0 && s->probe != ACC_PROBE_TCP && s->probe != ACC_PROBE_HTTP) {
        return ran_ms >= s->timing.run_min;
    }
    return inst->first_pass_ms != 0 || ran_ms >= s->timing.listen_giveup;
}

static bool is_ready_now(const struct acc_engine *e, const struct service *s,
                         const struct instance *inst)
{
    if (inst->has_health) {
        return inst->verdict == ACC_HEALTH_HEALTHY || inst->presumed_until_ms > e->now_ms;
    }
    return listens_or_time(e, s, inst);
}

static void check_health(struct acc_engine *e, struct service *s, struct instance *inst)
{
    switch (inst->state) {
    case ACC_INST_PROBING:
        if (is_ready_now(e, s, inst)) {
            inst->was_ready = true;
            inst->ready_ms = e->now_ms;
            inst->probe_next_ms = 0;
            acc_eng_move(e, inst, ACC_INST_READY);
        } else if (inst->has_health && inst->verdict == ACC_HEALTH_UNHEALTHY) {
            inst->degraded_ms = e->now_ms;
            acc_eng_move(e, inst, ACC_INST_DEGRADED);
        } else if (e->now_ms - inst->since_ms >= acc_eng_start_deadline(s, inst) && !s->stateful &&
                   inst->again == AGAIN_NONE && !inst->waiting) {
            acc_eng_fail(e, s, FAIL_NEVER_READY, "did not get ready in time");
            inst->again = AGAIN_RESTART;
        }
        break;
    case ACC_INST_READY:
        if (inst->has_health && inst->verdict == ACC_HEALTH_UNHEALTHY) {
            inst->degraded_ms = e->now_ms;
            acc_eng_move(e, inst, ACC_INST_DEGRADED);
        }
        break;
    case ACC_INST_DEGRADED:
        if (is_ready_now(e, s, inst)) {
            inst->was_ready = true;
            inst->ready_ms = e->now_ms;
            acc_eng_move(e, inst, ACC_INST_READY);
        } else if (e->now_ms - inst->degraded_ms >= acc_eng_degraded_grace(s, inst) &&
                   s->restart_on_unhealthy && !inst->waiting && inst->again == AGAIN_NONE &&
                   !is_impaired(e, s) && !acc_eng_is_attributed(e, s) &&
                   !(inst->ran_before && e->now_ms - e->started_ms < s->timing.boot_grace)) {
            acc_eng_fail(e, s, FAIL_UNHEALTHY, "is unhealthy");
            inst->again = AGAIN_RESTART;
        }
        break;
    case ACC_INST_ABSENT:
    case ACC_INST_CREATING:
    case ACC_INST_CREATED:
    case ACC_INST_STARTING:
    case ACC_INST_DRAINING:
    case ACC_INST_STOPPING:
    case ACC_INST_EXITED:
    case ACC_INST_PAUSED:
    case ACC_INST_REMOVING:
    case ACC_INST_QUARANTINE:
        break;
    }
}

/* Docker's monitor has fallen silent (20.10 after a live-restore): run the check ourselves. */
static void watch_monitor(struct acc_engine *e, const struct service *s, struct instance *inst)
{
    uint64_t silence = 2 * (uint64_t)inst->interval_ms + (uint64_t)inst->timeout_ms;

    (void)s;
    if (inst->has_health && inst->state != ACC_INST_PROBING && !inst->own_checks &&
        e->now_ms - inst->verdict_ms > silence && inst->probe_op == 0) {
        inst->own_checks = true;
        inst->probe_pause_ms = (uint64_t)inst->interval_ms;
        inst->probe_next_ms = e->now_ms;
    }
}

static void probe(struct acc_engine *e, struct service *s, struct instance *inst)
{
    bool exec = inst->has_health;
    struct acc_action *action;

    if (inst->probe_next_ms == 0 || inst->probe_next_ms > e->now_ms || inst->probe_op != 0 ||
        (inst->state != ACC_INST_PROBING && !inst->own_checks)) {
        return;
    }
    if (!exec && inst->n_ports == 0 && s->probe != ACC_PROBE_TCP && s->probe != ACC_PROBE_HTTP) {
        inst->probe_next_ms = 0;
        return;
    }
    if (exec && e->n_exec >= EXEC_PROBES_MAX) {
        inst->probe_next_ms = e->now_ms + s->timing.probe_first;
        return;
    }
    action = acc_eng_emit(e, ACC_ACT_PROBE);
    if (!action) {
        return;
    }
    inst->probe_op = action->op = e->next_op++;
    inst->probe_exec = exec;
    e->n_exec += exec;
    action->svc = inst->svc;
    action->slot = inst->slot;
    memcpy(action->cid, inst->cid, sizeof(action->cid));
    action->how = exec                         ? ACC_HOW_EXEC
                  : s->probe == ACC_PROBE_TCP  ? ACC_HOW_TCP
                  : s->probe == ACC_PROBE_HTTP ? ACC_HOW_HTTP
                                               : ACC_HOW_LISTEN;
}

/* --- acting ---------------------------------------------------------------------------------- */

static void would(struct acc_engine *e, struct service *s, uint32_t svc, const char *what)
{
    if (!s->said_would) {
        s->said_would = true;
        acc_eng_note(e, ACC_NOTE_WOULD, svc, "would have %s it; its stack is only observed", what);
    }
}

static void settle_exit(struct acc_engine *e, struct service *s, struct instance *inst)
{
    if (!inst->exit_unsettled || inst->state != ACC_INST_EXITED) {
        return;
    }
    if (!e->connected) {
        return;
    }
    if (inst->stop_hint_ms) {
        /* An engine that goes down tells kill, die, stop as well; a living connection tells. */
        if (e->now_ms >= inst->settle_ms &&
            e->now_ms - e->connected_ms >= s->timing.external_stop_settle) {
            inst->exit_unsettled = false;
            inst->stop_hint_ms = 0;
            if (s->wanted_up) {
                s->held = true;
                s->save = true;
                acc_eng_note(e, ACC_NOTE_OBSERVED, inst->svc,
                             "was stopped by hand; it stays stopped until "
                             "`accctl up` or `accctl release`");
            }
            acc_eng_mark_around(e, inst->svc);
        }
        return;
    }
    if (inst->kill_hint_ms) {
        if (e->now_ms >= inst->settle_ms) {
            char text[ACC_OUTPUT_MAX + 1];

            inst->exit_unsettled = false;
            inst->kill_hint_ms = 0;
            (void)snprintf(text, sizeof(text), "was killed from outside (exit %d)",
                           (int)inst->exit_code);
            acc_eng_fail(e, s, FAIL_EXIT, text);
        }
        return;
    }
    if (!inst->asked_manual) {
        inst->asked_manual = true;
        acc_eng_look(e, inst->cid, true);
        return;
    }
    if (e->now_ms >= inst->settle_ms) {
        /* Nobody can tell: brought up, unless it ended as a `docker stop` ends it. */
        inst->exit_unsettled = false;
        if (inst->exit_code == 143 || inst->exit_code == 0) {
            s->held = s->wanted_up;
            s->save = true;
            acc_eng_note(
                e, ACC_NOTE_OBSERVED, inst->svc,
                "ended with %d while acc could not see it: perhaps stopped by hand; `accctl up` "
                "starts it",
                (int)inst->exit_code);
        }
        acc_eng_mark_around(e, inst->svc);
    }
}

static void stop(struct acc_engine *e, struct service *s, struct instance *inst)
{
    if (!acc_eng_may_stop(e, s)) {
        return;
    }
    if (acc_eng_operate(e, inst, ACC_ACT_STOP)) {
        inst->stop_was_ours = true;
        inst->kill_after_ms = e->now_ms + s->grace_ms + STOP_EXTRA_MS;
        acc_eng_move(e, inst, ACC_INST_STOPPING);
    }
}

static void act_down(struct acc_engine *e, struct service *s, struct instance *inst, bool unwanted)
{
    if (acc_eng_is_running(inst) && inst->state != ACC_INST_STOPPING) {
        stop(e, s, inst);
    } else if ((s->wanted_removed || unwanted || inst->again == AGAIN_RECREATE) &&
               (inst->state == ACC_INST_CREATED || inst->state == ACC_INST_EXITED) &&
               inst->op == 0) {
        if (acc_eng_operate(e, inst, ACC_ACT_REMOVE)) {
            acc_eng_move(e, inst, ACC_INST_REMOVING);
        }
    }
}

static void start(struct acc_engine *e, struct service *s, struct instance *inst)
{
    if (inst->op != 0 || !acc_eng_may_start(e, s)) {
        return;
    }
    if (s->open_until_ms != 0) { /* it has passed: one trial */
        s->open_until_ms = 0;
        s->half_open = true;
    }
    if (acc_eng_operate(e, inst, ACC_ACT_START)) {
        s->n_restarts += inst->started_ns != 0;
        s->save |= inst->started_ns != 0;
        inst->stop_was_ours = false;
        inst->again = AGAIN_NONE;
        acc_eng_move(e, inst, ACC_INST_STARTING);
    }
}

static void act_up(struct acc_engine *e, struct service *s, struct instance *inst)
{
    if (inst->op != 0) {
        return;
    }
    switch (inst->state) {
    case ACC_INST_ABSENT:
        if (!is_done(s) && !inst->exit_unsettled && !is_exhausted(s) && acc_eng_may_create(e, s) &&
            acc_eng_operate(e, inst, ACC_ACT_CREATE)) {
            acc_eng_move(e, inst, ACC_INST_CREATING);
        }
        break;
    case ACC_INST_CREATED:
    case ACC_INST_EXITED:
        if (!is_current(s) || inst->again == AGAIN_RECREATE) {
            inst->again = AGAIN_RECREATE;
            act_down(e, s, inst, false);
        } else if (inst->policy != ACC_RESTART_NO) {
            (void)acc_eng_operate(e, inst, ACC_ACT_SET_POLICY);
        } else if (!is_done(s) && !inst->exit_unsettled && !is_exhausted(s)) {
            start(e, s, inst);
        }
        break;
    case ACC_INST_PROBING:
    case ACC_INST_READY:
    case ACC_INST_DEGRADED:
        if (inst->policy != ACC_RESTART_NO) {
            (void)acc_eng_operate(e, inst, ACC_ACT_SET_POLICY);
        } else if (!is_current(s) || inst->again != AGAIN_NONE) {
            if (!is_current(s)) {
                inst->again = AGAIN_RECREATE;
            }
            stop(e, s, inst);
        }
        break;
    case ACC_INST_CREATING:
    case ACC_INST_STARTING:
    case ACC_INST_DRAINING:
    case ACC_INST_STOPPING:
    case ACC_INST_PAUSED:
    case ACC_INST_REMOVING:
    case ACC_INST_QUARANTINE:
        break;
    }
}

static void unstick(struct acc_engine *e, struct instance *inst)
{
    if (inst->state == ACC_INST_STOPPING && inst->kill_after_ms &&
        e->now_ms >= inst->kill_after_ms && inst->op == 0) {
        if (acc_eng_operate(e, inst, ACC_ACT_KILL)) {
            inst->kill_after_ms = 0;
        }
    }
    bool waits = inst->state == ACC_INST_STOPPING || inst->state == ACC_INST_REMOVING ||
                 inst->state == ACC_INST_STARTING;

    if (waits && inst->op == 0 && inst->cid[0] && inst->look_ms <= e->now_ms) {
        acc_eng_look(e, inst->cid, false);
        inst->look_ms = e->now_ms + STALE_LOOK_MS;
    }
}

static void act_instance(struct acc_engine *e, struct service *s, struct instance *inst)
{
    bool unwanted = inst->slot > s->n_replicas;
    bool observing = e->stacks[s->stack].observing;
    bool can_act = e->connected && !e->degraded && e->snapshot && !e->shutdown;

    if (inst->slot == 0) {
        return;
    }
    if (can_act && inst->cid[0] && inst->epoch != e->epoch) {
        return; /* not seen since the connection came back */
    }
    if (can_act) {
        settle_exit(e, s, inst);
        check_health(e, s, inst);
        if (acc_eng_is_running(inst)) {
            watch_monitor(e, s, inst);
            if (!observing || inst->state == ACC_INST_PROBING) {
                probe(e, s, inst);
            }
        }
    }
    if (!can_act || (s->held && !unwanted)) {
        return;
    }
    if (observing) {
        if (s->hand_back && inst->cid[0] && inst->policy != acc_eng_wanted_policy(s)) {
            (void)acc_eng_operate(e, inst, ACC_ACT_SET_POLICY);
        }
        if (s->wanted_up && inst->state == ACC_INST_EXITED && !is_done(s)) {
            would(e, s, inst->svc, "restarted");
        }
        return;
    }
    unstick(e, inst);
    if (!s->wanted_up || s->removed || unwanted) {
        act_down(e, s, inst, unwanted);
    } else {
        act_up(e, s, inst);
    }
}

/* A dependency came back and this one did not recover with it: exactly one restart (E3). */
static void recover(struct acc_engine *e, struct service *s)
{
    if (s->recover_by_ms == 0 || e->now_ms < s->recover_by_ms) {
        return;
    }
    s->recover_by_ms = 0;
    if (s->ready || !s->running || is_impaired(e, s) || !s->wanted_up) {
        return;
    }
    s->recovered_once = true;
    acc_eng_note(e, ACC_NOTE_DECISION, (uint32_t)(s - e->services),
                 "did not recover after what it needs came back: one restart");
    for (uint32_t i = 0; i < s->n_replicas; i++) {
        if (s->inst[i].state == ACC_INST_DEGRADED || s->inst[i].state == ACC_INST_PROBING) {
            s->inst[i].again = AGAIN_RESTART;
        }
    }
}

static uint64_t instance_deadline(const struct acc_engine *e, const struct service *s,
                                  const struct instance *inst)
{
    uint64_t at = 0;

    if (inst->slot == 0) {
        return 0;
    }
    if (inst->exit_unsettled && inst->state == ACC_INST_EXITED) {
        at = acc_eng_earliest(at, inst->settle_ms);
        if (inst->stop_hint_ms) {
            uint64_t lived = e->connected_ms + s->timing.external_stop_settle;

            at = lived > at ? lived : at;
        }
    }
    if (acc_eng_is_running(inst)) {
        if (inst->probe_op == 0) {
            at = acc_eng_earliest(at, inst->probe_next_ms);
        }
        at = acc_eng_earliest(at, inst->kill_after_ms);
        at = acc_eng_earliest(at,
                              inst->presumed_until_ms > e->now_ms ? inst->presumed_until_ms : 0);
        if (inst->state == ACC_INST_PROBING) {
            at = acc_eng_earliest(at, inst->since_ms + acc_eng_start_deadline(s, inst));
            if (!inst->has_health) {
                at = acc_eng_earliest(at, inst->since_ms + (inst->n_ports ? s->timing.listen_giveup
                                                                          : s->timing.run_min));
            }
        } else if (inst->state == ACC_INST_DEGRADED) {
            uint64_t due = inst->degraded_ms + acc_eng_degraded_grace(s, inst);

            at = acc_eng_earliest(at,
                                  due > e->now_ms ? due : e->now_ms + s->timing.degraded_grace_min);
        }
        if (inst->has_health && !inst->own_checks && inst->state != ACC_INST_PROBING) {
            at = acc_eng_earliest(at, inst->verdict_ms + 2 * (uint64_t)inst->interval_ms +
                                          (uint64_t)inst->timeout_ms + 1);
        }
    }
    if (inst->op == 0 && (inst->state == ACC_INST_STOPPING || inst->state == ACC_INST_REMOVING ||
                          inst->state == ACC_INST_STARTING)) {
        at = acc_eng_earliest(at, inst->look_ms > e->now_ms ? inst->look_ms
                                                            : e->now_ms + STALE_LOOK_MS);
    }
    return at;
}

static void next_deadline(struct acc_engine *e, uint32_t svc)
{
    struct service *s = &e->services[svc];
    uint64_t at = 0;

    for (uint32_t i = 0; i < s->n_inst; i++) {
        at = acc_eng_earliest(at, instance_deadline(e, s, &s->inst[i]));
    }
    at = acc_eng_earliest(at, s->backoff_until_ms > e->now_ms ? s->backoff_until_ms : 0);
    at = acc_eng_earliest(at, s->open_until_ms > e->now_ms ? s->open_until_ms : 0);
    at = acc_eng_earliest(at, s->recover_by_ms);
    if (s->ready && s->flap_ms && e->now_ms - s->ready_ms < s->timing.ready_stable_after_flap) {
        at = acc_eng_earliest(at, s->ready_ms + s->timing.ready_stable_after_flap);
    }
    if (s->ready && (s->n_failures || s->half_open || s->n_opens)) {
        uint64_t due = s->ready_ms +
                       (s->half_open ? s->timing.half_open_ready : s->timing.reset_min);

        at = acc_eng_earliest(at, due > e->now_ms ? due : e->now_ms + s->timing.reset_min);
    }
    const struct resource *r = s->wanted_up && !s->running ? failed_resource(e, s) : NULL;

    if (r) {
        at = acc_eng_earliest(at, r->retry_ms > e->now_ms ? r->retry_ms : e->now_ms + 1000);
    }
    if (!e->connected) {
        at = 0; /* nothing is due while nothing can be seen */
    } else if (at != 0 && at <= e->now_ms) {
        at = e->now_ms + 1;
    }
    acc_eng_deadline_set(e, svc, at);
}

static void act(struct acc_engine *e, uint32_t svc)
{
    struct service *s = &e->services[svc];

    if (s->ready && s->flap_ms && e->now_ms - s->ready_ms == s->timing.ready_stable_after_flap) {
        acc_eng_mark_around(e, svc); /* dependents may go on */
    }
    acc_eng_count_ready(e, s);
    recover(e, s);
    for (uint32_t i = 0; i < s->n_inst; i++) {
        act_instance(e, s, &s->inst[i]);
    }
    if (s->save && acc_eng_has_room(e, 1)) {
        struct acc_action *action = acc_eng_emit(e, ACC_ACT_SAVE_SERVICE);

        action->svc = svc;
        s->save = false;
    }
    next_deadline(e, svc);
}

void acc_eng_settle(struct acc_engine *e)
{
    /* Facts to a fixpoint, then one round of acting; acting makes new facts. Every round either
     * acts or ends, and acting is bounded by the operations in flight. */
    while (e->dirty_n > 0) {
        size_t n = 0;

        e->stamp_now++;
        while (e->dirty_n > 0) {
            uint32_t svc = acc_eng_dirty_next(e);

            facts(e, svc);
            if (e->stamp[svc] != e->stamp_now) {
                e->stamp[svc] = e->stamp_now;
                e->queue[n++] = svc;
            }
        }
        for (size_t i = 0; i < n; i++) {
            act(e, e->queue[i]);
        }
    }
}
