#include "tests/sim/workload.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/base/assert.h"

int sim_workloads_init(struct sim_workloads *all, struct sim_queue *queue, struct sim_rand *rand,
                       const struct acc_model *model, const struct sim_habits *habits)
{
    *all = (struct sim_workloads){
        .queue = queue, .rand = rand, .model = model, .n = model->n_services, .next_run = 1};
    all->item = calloc(all->n + 1, sizeof(*all->item));
    all->host_is_missing = calloc(model->n_conditions + 1, sizeof(*all->host_is_missing));
    if (!all->item || !all->host_is_missing) {
        sim_workloads_fini(all);
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < all->n; i++) {
        all->item[i] = (struct sim_workload){.all = all, .svc = i, .habits = habits[i]};
    }
    return 0;
}

void sim_workloads_fini(struct sim_workloads *all)
{
    free(all->item);
    free(all->host_is_missing);
    *all = (struct sim_workloads){0};
}

static struct sim_queue *queue_of(const struct sim_proc *proc)
{
    return proc->workload->all->queue;
}

static struct sim_rand *rand_of(const struct sim_proc *proc)
{
    return sim_rand_of(proc->workload->all->rand, proc->workload->svc);
}

/* A process that is asked for later: `a` is its run. Frozen ones do it when they are thawed. */
static void in(struct sim_proc *proc, uint64_t delay_ms, sim_fn fn, uint64_t b)
{
    sim_queue_in(queue_of(proc), delay_ms, fn, proc, proc->run, b);
}

static bool is_void(struct sim_proc *proc, uint64_t run, sim_fn fn, uint64_t b)
{
    if (proc->run != run || !proc->is_alive) {
        return true;
    }
    if (proc->is_frozen) {
        in(proc, 500, fn, b);
        return true;
    }
    return false;
}

static bool is_hard(const struct acc_edge *edge)
{
    return (edge->kind == ACC_EDGE_NEEDS || edge->kind == ACC_EDGE_BINDS) && !edge->at_create;
}

/* Two of one stack are on its network; those of different stacks meet elsewhere. */
static bool reaches(const struct sim_proc *proc, const struct sim_workload *dep)
{
    const struct acc_model *m = dep->all->model;
    size_t n_off = 0;

    if (m->service_stack[proc->workload->svc] != m->service_stack[dep->svc]) {
        return true;
    }
    for (size_t i = 0; i < dep->n_procs; i++) {
        n_off += dep->proc[i]->is_off;
    }
    return !proc->is_off && (n_off == 0 || n_off < dep->n_procs);
}

/* Are the services that it needs (hard edges, ready or running) there? */
static bool deps_ok(const struct sim_proc *proc)
{
    const struct sim_workload *workload = proc->workload;
    const struct acc_service_spec *spec = workload->all->model->services[workload->svc];

    for (size_t i = 0; i < spec->n_edges; i++) {
        const struct sim_workload *dep = &workload->all->item[spec->edges[i].target];

        if (is_hard(&spec->edges[i]) &&
            (!dep->is_ready || (spec->edges[i].kind == ACC_EDGE_NEEDS && !reaches(proc, dep))) &&
            workload->all->model->services[dep->svc]->replicas > 0) {
            return false;
        }
    }
    for (size_t i = 0; i < spec->n_host; i++) {
        /* A container keeps the mount that it was started with. */
        if (workload->all->host_is_missing[spec->host[i].at] &&
            spec->host[i].is.kind != ACC_HOST_PLACE) {
            return false;
        }
    }
    return true;
}

bool sim_workload_lacks_device(const struct sim_workload *workload)
{
    const struct acc_service_spec *spec = workload->all->model->services[workload->svc];

    for (size_t i = 0; i < spec->n_host; i++) {
        if (spec->host[i].is.kind == ACC_HOST_DEVICE &&
            workload->all->host_is_missing[spec->host[i].at]) {
            return true;
        }
    }
    return false;
}

static void do_exit(void *ctx, uint64_t run, uint64_t code)
{
    struct sim_proc *proc = ctx;

    if (!is_void(proc, run, do_exit, code)) {
        sim_proc_end(proc, (int32_t)(code & 0xffff), (code >> 16) != 0);
    }
}

static void exit_in(struct sim_proc *proc, uint64_t delay_ms, int32_t code, bool oom)
{
    proc->is_doomed = true;
    in(proc, delay_ms, do_exit, (uint64_t)code | (oom ? 1u << 16 : 0));
}

static void dep_left(void *ctx, uint64_t run, uint64_t b);
static void dep_came(void *ctx, uint64_t run, uint64_t b);

static void tell_dependents(struct sim_workload *workload, bool is_there)
{
    struct sim_workloads *all = workload->all;

    for (uint32_t s = 0; s < all->n; s++) {
        const struct acc_service_spec *spec = all->model->services[s];
        struct sim_workload *other = &all->item[s];
        bool needs = false;

        for (size_t i = 0; i < spec->n_edges && other->n_procs > 0; i++) {
            needs = needs || (is_hard(&spec->edges[i]) && spec->edges[i].target == workload->svc);
        }
        for (size_t i = 0; needs && i < other->n_procs; i++) {
            struct sim_proc *proc = other->proc[i];

            if (is_there) {
                in(proc, sim_rand_range(rand_of(proc), 200, 4000), dep_came, 0);
            } else {
                in(proc, sim_rand_range(rand_of(proc), 100, 100 + other->habits.dep_delay_max),
                   dep_left, 0);
            }
        }
    }
}

static void tell_of_host(struct sim_workload *workload, bool is_missing)
{
    struct sim_workloads *all = workload->all;

    for (size_t i = 0; i < workload->n_procs; i++) {
        if (is_missing) {
            in(workload->proc[i],
               sim_rand_range(all->rand, 100, 100 + workload->habits.dep_delay_max), dep_left, 0);
        } else {
            in(workload->proc[i], sim_rand_range(all->rand, 200, 4000), dep_came, 0);
        }
    }
}

void sim_workloads_host(struct sim_workloads *all, uint32_t condition, bool is_missing)
{
    all->host_is_missing[condition] = is_missing;
    for (uint32_t s = 0; s < all->n; s++) {
        const struct acc_service_spec *spec = all->model->services[s];

        for (size_t i = 0; i < spec->n_host; i++) {
            if (spec->host[i].at == condition && spec->host[i].is.kind != ACC_HOST_PLACE) {
                tell_of_host(&all->item[s], is_missing);
            }
        }
    }
}

static void settle(struct sim_workload *workload)
{
    uint64_t now_ms = workload->all->queue->now_ms;
    bool is_ready = false;

    for (size_t i = 0; i < workload->n_procs; i++) {
        is_ready = is_ready || (workload->proc[i]->is_healthy && !workload->proc[i]->is_frozen);
    }
    if (is_ready || workload->is_ready) {
        workload->last_ready_ms = now_ms;
        workload->has_been_ready = true;
    }
    if (is_ready != workload->is_ready) {
        workload->is_ready = is_ready;
        workload->ready_change_ms = now_ms;
        tell_dependents(workload, is_ready);
    }
}

static void crash(void *ctx, uint64_t run, uint64_t b)
{
    struct sim_proc *proc = ctx;

    if (!is_void(proc, run, crash, b) && proc->workload->all->faults) {
        sim_proc_end(proc, proc->workload->habits.crash_code, proc->workload->habits.oom);
    }
}

static void get_well(void *ctx, uint64_t run, uint64_t b);

static void set_healthy(struct sim_proc *proc, bool is_healthy)
{
    if (proc->is_healthy == is_healthy) {
        return;
    }
    proc->is_healthy = is_healthy;
    if (is_healthy) {
        proc->healthy_since_ms = queue_of(proc)->now_ms;
        proc->was_healthy = true;
    }
    settle(proc->workload);
}

static void fall_sick(void *ctx, uint64_t run, uint64_t b)
{
    struct sim_proc *proc = ctx;

    if (!is_void(proc, run, fall_sick, b) && proc->workload->all->faults && proc->is_healthy) {
        proc->is_sick = true;
        set_healthy(proc, false);
        in(proc, sim_rand_range(rand_of(proc), 1, 2 * proc->workload->habits.sick_for), get_well,
           0);
    }
}

static void be_ready(struct sim_proc *proc)
{
    const struct sim_habits *habits = &proc->workload->habits;
    bool is_first = !proc->was_healthy;

    set_healthy(proc, true);
    if (habits->mtbf && is_first) {
        in(proc, sim_rand_range(rand_of(proc), 1, 2 * habits->mtbf), crash, 0);
    }
    if (habits->sick_every) {
        in(proc, sim_rand_range(rand_of(proc), 1, 2 * habits->sick_every), fall_sick, 0);
    }
}

/* Ready when nothing speaks against it; else whatever changes next asks again. */
static void try_ready(struct sim_proc *proc)
{
    if (proc->has_booted && !proc->is_healthy && !proc->is_stuck && !proc->is_sick &&
        !proc->is_cut_off && deps_ok(proc)) {
        be_ready(proc);
    }
}

static void get_well(void *ctx, uint64_t run, uint64_t b)
{
    struct sim_proc *proc = ctx;

    if (!is_void(proc, run, get_well, b)) {
        proc->is_sick = false;
        try_ready(proc);
    }
}

static void dep_left(void *ctx, uint64_t run, uint64_t b)
{
    struct sim_proc *proc = ctx;
    const struct sim_habits *habits;
    uint64_t dice;

    if (is_void(proc, run, dep_left, b) || proc->is_doomed || deps_ok(proc)) {
        return;
    }
    habits = &proc->workload->habits;
    dice = sim_rand_below(rand_of(proc), 100);
    if (dice < habits->dep_exit_pct) {
        sim_proc_end(proc, 1, false);
    } else if (dice < habits->dep_exit_pct + habits->dep_sick_pct && proc->is_healthy) {
        proc->is_stuck = sim_rand_below(rand_of(proc), 100) < habits->stuck_pct;
        set_healthy(proc, false);
    }
}

static void dep_came(void *ctx, uint64_t run, uint64_t b)
{
    struct sim_proc *proc = ctx;

    if (!is_void(proc, run, dep_came, b)) {
        try_ready(proc);
    }
}

static void boot(void *ctx, uint64_t run, uint64_t b)
{
    struct sim_proc *proc = ctx;

    if (is_void(proc, run, boot, b)) {
        return;
    }
    if (sim_workload_spell_now(proc->workload) == SIM_SPELL_NEVER_READY) {
        in(proc, 1000, boot, b);
        return;
    }
    proc->has_booted = true;
    try_ready(proc);
    if (!proc->is_healthy) {
        dep_left(proc, run, 0);
    }
}

static void listen_now(void *ctx, uint64_t run, uint64_t b)
{
    struct sim_proc *proc = ctx;

    if (!is_void(proc, run, listen_now, b)) {
        proc->listens = proc->has_listened = true;
        proc->passes_early = false; /* the temporary server is gone */
    }
}

static void early(void *ctx, uint64_t run, uint64_t b)
{
    struct sim_proc *proc = ctx;

    if (!is_void(proc, run, early, b) && !proc->listens) {
        proc->passes_early = true;
    }
}

static void start_service(struct sim_proc *proc)
{
    const struct sim_habits *habits = &proc->workload->habits;
    uint64_t listen_ms = sim_rand_range(rand_of(proc), habits->listen_min, habits->listen_max);

    if (!habits->never_listens) {
        in(proc, listen_ms, listen_now, 0);
    }
    in(proc, listen_ms + sim_rand_range(rand_of(proc), 0, habits->healthy_max), boot, 0);
    if (habits->early_pass) {
        /* shorter than the 2 s after which a second pass confirms the first (ENGINE.md E1) */
        in(proc, listen_ms > 1500 ? listen_ms - 1500 : 0, early, 0);
    }
}

void sim_proc_start(struct sim_proc *proc, struct sim_workload *workload, uint64_t now_ms,
                    uint64_t run)
{
    *proc = (struct sim_proc){
        .workload = workload, .run = run, .is_alive = true, .started_ms = now_ms};
    if (!workload) {
        return;
    }
    acc_assert(workload->n_procs < SIM_PROCS_MAX);
    workload->proc[workload->n_procs++] = proc;
    if (sim_workload_spell_now(workload) == SIM_SPELL_CRASH_LOOP) {
        exit_in(proc, sim_rand_range(rand_of(proc), 50, 4000), workload->habits.crash_code,
                workload->habits.oom);
    } else if (workload->habits.is_job) {
        bool fails = workload->all->faults &&
                     sim_rand_below(rand_of(proc), 100) < workload->habits.job_fail_pct;

        exit_in(proc, sim_rand_range(rand_of(proc), 20, workload->habits.work_max), fails ? 1 : 0,
                false);
    } else {
        start_service(proc);
    }
}

void sim_proc_doom(struct sim_proc *proc, uint64_t in_ms, int32_t code)
{
    exit_in(proc, in_ms, code, false);
}

void sim_proc_term(struct sim_proc *proc)
{
    if (!proc->workload || !proc->is_alive || proc->workload->habits.ignores_term) {
        return;
    }
    exit_in(proc, sim_rand_range(rand_of(proc), 5, proc->workload->habits.stop_max),
            proc->workload->habits.stop_code, false);
}

void sim_proc_end(struct sim_proc *proc, int32_t code, bool oom)
{
    struct sim_workload *workload = proc->workload;

    if (!proc->is_alive) {
        return;
    }
    proc->is_alive = proc->listens = proc->passes_early = proc->is_healthy = false;
    if (workload) {
        for (size_t i = 0; i < workload->n_procs; i++) {
            if (workload->proc[i] == proc) {
                workload->proc[i] = workload->proc[--workload->n_procs];
                break;
            }
        }
        workload->has_done = workload->has_done || code == 0;
        settle(workload);
        if (proc->is_off && workload->is_ready) {
            tell_dependents(workload, true); /* only the others are left */
        }
        workload->all->on_exit(workload->all->ctx, proc, code, oom);
    }
}

void sim_proc_freeze(struct sim_proc *proc, bool is_frozen)
{
    proc->is_frozen = is_frozen;
    if (proc->workload) {
        settle(proc->workload);
    }
}

void sim_proc_cut_off(struct sim_proc *proc)
{
    proc->is_cut_off = true;
    if (proc->is_alive && proc->workload) {
        set_healthy(proc, false);
    }
}

void sim_proc_set_off(struct sim_proc *proc, bool is_off)
{
    if (proc->is_off == is_off) {
        return;
    }
    proc->is_off = is_off;
    if (proc->is_alive && proc->workload) {
        tell_dependents(proc->workload, !is_off);
        in(proc, 100, is_off ? dep_left : dep_came, 0);
    }
}

void sim_proc_sicken(struct sim_proc *proc)
{
    proc->is_stuck = true;
    set_healthy(proc, false);
}

bool sim_proc_check(const struct sim_proc *proc)
{
    return proc->is_alive && !proc->is_frozen && (proc->is_healthy || proc->passes_early);
}

void sim_workload_spell(struct sim_workload *workload, enum sim_spell spell, uint64_t for_ms)
{
    workload->spell = spell;
    workload->spell_end_ms = workload->all->queue->now_ms + for_ms;
    if (spell == SIM_SPELL_CRASH_LOOP && workload->n_procs > 0) {
        sim_proc_end(workload->proc[0], workload->habits.crash_code, workload->habits.oom);
    }
}

enum sim_spell sim_workload_spell_now(const struct sim_workload *workload)
{
    return workload->all->queue->now_ms < workload->spell_end_ms ? workload->spell : SIM_SPELL_NONE;
}

void sim_workloads_heal(struct sim_workloads *all)
{
    all->faults = false;
    for (size_t i = 0; i < all->n; i++) {
        all->item[i].spell = SIM_SPELL_NONE;
    }
}
