/* The life of the twin's containers: runs, exits, Docker's restart policy, the health monitor. */
#include <stdio.h>
#include <string.h>

#include "lib/base/assert.h"
#include "tests/sim/twin.h"
#include "tests/sim/twin_internal.h"

#define CLOSES_MS 150u

/* --- health: moby daemon/health.go ---------------------------------------------------------- */

static void check(void *ctx, uint64_t index, uint64_t monitor);

static bool monitor_is_void(const struct twin *twin, const struct twin_container *c,
                            uint64_t monitor)
{
    return c->monitor != monitor || c->state != ACC_CTR_RUNNING || twin->power == TWIN_DOWN;
}

static void check_done(struct twin *twin, struct twin_container *c, bool pass)
{
    int64_t interval_ms, timeout_ms, start_period_ms;
    uint32_t retries;
    enum acc_docker_health before = c->health;
    bool in_start_period;

    (void)twin_health_of(twin->model, c->made.svc, &interval_ms, &timeout_ms, &start_period_ms,
                         &retries);
    in_start_period = twin_now_ns(twin) - c->started_ns < start_period_ms * 1000000 &&
                      before == ACC_DH_STARTING;
    c->check_start_ns = twin_now_ns(twin);
    c->check_end_ns = c->check_start_ns + 40000000;
    c->check_exit = pass ? 0 : 1;
    c->has_passed = c->has_passed || pass;
    if (pass) {
        c->streak = 0;
        c->health = ACC_DH_HEALTHY;
    } else if (!in_start_period && ++c->streak >= retries) {
        c->health = ACC_DH_UNHEALTHY;
    }
    if (c->health != before) {
        twin_hint(twin, c, ACC_HINT_HEALTH, 0);
    }
}

static void check(void *ctx, uint64_t index, uint64_t monitor)
{
    struct twin *twin = ctx;
    struct twin_container *c = twin->item[index];
    int64_t interval_ms, timeout_ms, start_period_ms;
    uint32_t retries;

    if (monitor_is_void(twin, c, monitor)) {
        return;
    }
    if (twin->power != TWIN_HUNG && !c->exit_pending) {
        check_done(twin, c, sim_proc_check(&c->proc) && !c->is_marked);
    }
    (void)twin_health_of(twin->model, c->made.svc, &interval_ms, &timeout_ms, &start_period_ms,
                         &retries);
    sim_queue_in(twin->queue, (uint64_t)interval_ms + 50, check, twin, index, monitor);
}

void twin_monitor_start(struct twin *twin, struct twin_container *c)
{
    int64_t interval_ms, timeout_ms, start_period_ms;
    uint32_t retries;

    if (twin_health_of(twin->model, c->made.svc, &interval_ms, &timeout_ms, &start_period_ms,
                       &retries)) {
        c->monitor = twin->next_monitor++;
        /* the first check comes after one interval */
        sim_queue_in(twin->queue, (uint64_t)interval_ms, check, twin, c->index, c->monitor);
    }
}

/* --- runs ----------------------------------------------------------------------------------- */

static void bind_to(struct twin *twin, struct twin_container *c)
{
    for (size_t k = 0; k < TWIN_BOUND_MAX && c->made.bound_cid[k][0]; k++) {
        const struct twin_container *to = twin_find(twin, c->made.bound_cid[k]);

        c->bound_run[k] = to ? to->proc.run : 0;
        if (!to || !to->proc.is_alive) {
            sim_proc_cut_off(&c->proc);
        }
    }
}

/* Two that start in one millisecond start one after the other. */
static int64_t next_start_ns(struct twin *twin, const struct twin_container *c)
{
    int64_t ns = twin_now_ns(twin) + (int64_t)sim_rand_below(twin_luck(twin, c->made.svc), 1000000);

    twin->last_start_ns = ns > twin->last_start_ns ? ns : twin->last_start_ns + 1;
    return twin->last_start_ns;
}

void twin_run_begin(struct twin *twin, struct twin_container *c, uint64_t token, bool by_policy)
{
    int64_t ignored;
    uint32_t retries;
    struct sim_workload *workload = c->made.svc == ACC_NONE || c->made.oneoff
                                        ? NULL
                                        : &twin->workloads->item[c->made.svc];

    c->state = ACC_CTR_RUNNING;
    c->pid = twin->next_pid++;
    c->has_passed = false;
    c->started_ns = next_start_ns(twin, c);
    c->exit_code = 0;
    c->oom = c->is_stopping = c->exit_pending = false;
    c->manually_stopped = c->is_marked = false;
    c->error[0] = '\0';
    c->start_token = token;
    c->by_policy = by_policy;
    c->n_runs++;
    /* the log keeps entries of the run before: facts/supervision.md finding 2 */
    c->streak = 0;
    c->health = twin_health_of(twin->model, c->made.svc, &ignored, &ignored, &ignored, &retries)
                    ? ACC_DH_STARTING
                    : ACC_DH_NONE;
    sim_proc_start(&c->proc, workload, twin->queue->now_ms, twin->workloads->next_run++);
    sim_proc_set_off(&c->proc, c->is_off);
    if (c->made.is_bad && workload) {
        sim_proc_doom(&c->proc, sim_rand_range(twin_luck(twin, c->made.svc), 50, 40000), 1);
    }
    twin_monitor_start(twin, c);
    bind_to(twin, c);
    twin_hint(twin, c, ACC_HINT_START, 0);
    if (twin->listener.ran) {
        twin->listener.ran(twin->listener.ctx, c);
    }
}

static void cut_off_sharers(struct twin *twin, const struct twin_container *c)
{
    for (size_t i = 0; i < twin->n; i++) {
        struct twin_container *other = twin->item[i];

        for (size_t k = 0; k < TWIN_BOUND_MAX && other->made.bound_cid[k][0]; k++) {
            if (other->exists && other->proc.is_alive && other->bound_run[k] == c->proc.run) {
                sim_proc_cut_off(&other->proc);
            }
        }
    }
}

static void restart_now(void *ctx, uint64_t index, uint64_t run)
{
    struct twin *twin = ctx;
    struct twin_container *c = twin->item[index];

    if (!c->exists || c->state != ACC_CTR_RESTARTING || c->proc.run != run ||
        twin->power == TWIN_DOWN) {
        return;
    }
    if (twin->power == TWIN_HUNG) {
        sim_queue_in(twin->queue, 100, restart_now, twin, index, run);
        return;
    }
    if (c->made.svc != ACC_NONE &&
        sim_workload_spell_now(&twin->workloads->item[c->made.svc]) == SIM_SPELL_START_FAILS) {
        /* a failed start ends Docker's loop for good: moby#39559 */
        c->state = ACC_CTR_EXITED;
        (void)snprintf(c->error, sizeof(c->error), "port is already allocated");
        return;
    }
    twin_run_begin(twin, c, TWIN_FOREIGN, true);
}

static bool policy_wants(const struct twin_container *c)
{
    switch (c->policy) {
    case ACC_RESTART_ALWAYS:
    case ACC_RESTART_UNLESS_STOPPED:
        return !c->manually_stopped;
    case ACC_RESTART_ON_FAILURE:
        return !c->manually_stopped && c->exit_code != 0 &&
               (c->restart_max == 0 || c->n_restarts < c->restart_max);
    case ACC_RESTART_UNSET:
    case ACC_RESTART_NO:
        break;
    }
    return false;
}

void twin_run_policy(struct twin *twin, struct twin_container *c)
{
    uint64_t ran_ms = (uint64_t)((c->finished_ns - c->started_ns) / 1000000);

    if (!policy_wants(c) || twin->power == TWIN_LEAVING) {
        return;
    }
    /* moby restartmanager: 100 ms, doubled to a minute, reset by a run of 10 s */
    c->restart_delay_ms = ran_ms >= 10000 || c->restart_delay_ms == 0 ? 100
                          : c->restart_delay_ms >= 30000              ? 60000
                                                                      : 2 * c->restart_delay_ms;
    c->n_restarts++;
    c->state = ACC_CTR_RESTARTING;
    sim_queue_in(twin->queue, c->restart_delay_ms, restart_now, twin, c->index, c->proc.run);
}

void twin_run_ended(struct twin *twin, struct twin_container *c, int32_t code, bool oom)
{
    bool stopped = c->is_stopping;
    bool stop_first = stopped &&
                      sim_rand_chance(twin_luck(twin, c->made.svc), twin->quirks.stop_before_die);

    c->state = ACC_CTR_EXITED;
    c->exit_code = code;
    c->oom = oom;
    c->is_stopping = c->exit_pending = false;
    c->finished_ns = twin_now_ns(twin);
    c->monitor = 0;
    if (c->health != ACC_DH_NONE) {
        c->health = ACC_DH_UNHEALTHY; /* without an event */
    }
    if (oom) {
        twin_hint(twin, c, ACC_HINT_OOM, 0);
    }
    if (stop_first) {
        twin_hint(twin, c, ACC_HINT_STOP, 0);
    }
    twin_hint(twin, c, ACC_HINT_DIE, code);
    if (stopped && !stop_first) {
        twin_hint(twin, c, ACC_HINT_STOP, 0);
    }
    twin_run_policy(twin, c);
    twin_answer_waiting(twin, c);
}

static void exit_seen(void *ctx, uint64_t index, uint64_t run)
{
    struct twin *twin = ctx;
    struct twin_container *c = twin->item[index];

    if (c->exit_pending && c->proc.run == run && !twin_unseen(twin)) {
        twin_run_ended(twin, c, c->pending_code, c->pending_oom);
    }
}

/* moby container/health.go CloseMonitor, before the state is set: for a moment it runs, and is
 * unhealthy, though its last check passed. */
static bool closes_first(const struct twin *twin, const struct twin_container *c, int32_t code)
{
    return twin->quirks.closes_first && c->health != ACC_DH_NONE && !c->is_stopping &&
           c->state == ACC_CTR_RUNNING && code != EXIT_KILLED;
}

void twin_run_on_exit(void *ctx, struct sim_proc *proc, int32_t code, bool oom)
{
    struct twin *twin = ctx;
    struct twin_container *c = (struct twin_container *)((char *)proc -
                                                         offsetof(struct twin_container, proc));

    cut_off_sharers(twin, c);
    if (twin->listener.ended) {
        twin->listener.ended(twin->listener.ctx, c);
    }
    if (closes_first(twin, c, code) && !twin_unseen(twin)) {
        c->health = ACC_DH_UNHEALTHY;
        c->monitor = 0;
        sim_queue_in(twin->queue, CLOSES_MS, exit_seen, twin, c->index, proc->run);
    }
    if (twin_unseen(twin) || closes_first(twin, c, code)) {
        c->exit_pending = true;
        c->pending_code = code;
        c->pending_oom = oom;
    } else {
        twin_run_ended(twin, c, code, oom);
    }
}

void twin_run_kill(struct twin *twin, struct twin_container *c)
{
    if (c->state == ACC_CTR_PAUSED) {
        sim_proc_freeze(&c->proc, false);
    }
    if (c->proc.workload) {
        sim_proc_end(&c->proc, EXIT_KILLED, false);
    } else {
        c->proc.is_alive = false;
        twin_run_on_exit(twin, &c->proc, EXIT_KILLED, false);
    }
}
