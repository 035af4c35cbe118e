/* One thing at a time on a world that is well: exactly what ENGINE.md promises must follow. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "tests/sim/world.h"

#define SECOND UINT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)

#define FATE_TRIAL 1000u /* beside the kinds of faults */

struct trial { /* what was before it */
    struct world *w;
    const char *name;
    uint32_t svc; /* its subject; ACC_NONE */
    /* per service: runs of the container of slot 1, STARTs and all actions of accd */
    uint64_t *n_runs, *n_starts, *n_actions;
    bool *was_well; /* and nothing was about to happen to it */
    char (*cid)[ACC_CID_LEN + 1];
    bool *was_running;
};

static void fail_trial(const struct trial *t, const char *what, uint32_t svc)
{
    world_fail(t->w, "trial %s%s%s: %s%s%s", t->name, t->svc == ACC_NONE ? "" : " of ",
               t->svc == ACC_NONE ? "" : world_service_id(t->w, t->svc),
               svc == ACC_NONE ? "" : world_service_id(t->w, svc), svc == ACC_NONE ? "" : " ",
               what);
}

static enum acc_svc_state state_of(const struct trial *t, uint32_t svc)
{
    struct acc_service_view view;

    if (!t->w->engine) { /* the run has failed already */
        return ACC_SVC_OFF;
    }
    acc_engine_service(t->w->engine, svc, t->w->queue.now_ms, &view);
    return view.state;
}

static bool is_well(const struct trial *t, uint32_t svc)
{
    enum acc_svc_state state = state_of(t, svc);

    return state == ACC_SVC_UP || state == ACC_SVC_DONE || state == ACC_SVC_OFF;
}

static void remember(struct trial *t)
{
    for (uint32_t i = 0; i < t->w->graph.model->n_services; i++) {
        const struct twin_container *c = world_container(t->w, i, 1);

        t->n_runs[i] = c ? c->n_runs : 0;
        t->n_actions[i] = t->w->oracle.service[i].n_actions;
        t->was_well[i] = is_well(t, i);
        t->was_running[i] = c && twin_is_running(c);
        t->n_starts[i] = t->w->oracle.service[i].n_starts;
        memcpy(t->cid[i], c ? c->cid : "", c ? sizeof(c->cid) : 1);
    }
}

/* Long enough after anything before: counters are reset, holds are old. */
static void settle(struct trial *t)
{
    const char *what;

    world_run_for(t->w, 12 * MINUTE);
    what = world_converge(t->w, 2 * HOUR);
    if (what) {
        fail_trial(t, what, ACC_NONE);
    }
    remember(t);
}

static void must_converge(struct trial *t, uint64_t within_ms)
{
    const char *what = world_converge(t->w, within_ms);

    if (what) {
        fail_trial(t, what, ACC_NONE);
    }
}

/* Who waits for what is not wanted may try on; after the store was lost, who was off may start. */
static void must_not_act(struct trial *t, bool only_running)
{
    for (uint32_t i = 0; i < t->w->graph.model->n_services; i++) {
        if (t->was_well[i] && (t->was_running[i] || !only_running) &&
            t->w->oracle.service[i].n_actions != t->n_actions[i]) {
            fail_trial(t, "was acted upon, and nothing was to be done", i);
        }
    }
}

static bool same_run(const struct trial *t, uint32_t svc)
{
    const struct twin_container *c = world_container(t->w, svc, 1);

    return c ? c->n_runs == t->n_runs[svc] && strcmp(c->cid, t->cid[svc]) == 0
             : t->cid[svc][0] == '\0';
}

/* But for those that didn't run: a wish that was lost with the store may start them. */
static void must_be_same_runs(struct trial *t)
{
    for (uint32_t i = 0; i < t->w->graph.model->n_services; i++) {
        if (t->was_running[i] && t->was_well[i] && !same_run(t, i)) {
            fail_trial(t, "was started again", i);
        }
    }
}

static bool runs(const struct trial *t, uint32_t svc)
{
    const struct twin_container *c = world_container(t->w, svc, 1);

    return c && twin_is_running(c);
}

/* --- whom ----------------------------------------------------------------------------------- */

static bool is_plain(const struct trial *t, uint32_t svc)
{
    const struct acc_service_spec *spec = t->w->graph.model->services[svc];

    return spec->replicas == 1 && !spec->one_shot && !spec->may_end &&
           spec->restart != ACC_RESTART_NO && spec->restart != ACC_RESTART_ON_FAILURE &&
           t->w->oracle.service[svc].want_up && state_of(t, svc) == ACC_SVC_UP && runs(t, svc) &&
           oracle_is_viable(&t->w->oracle, svc);
}

static bool depends_hard(const struct trial *t, uint32_t svc, uint32_t on, unsigned depth)
{
    const struct acc_service_spec *spec = t->w->graph.model->services[svc];

    for (size_t i = 0; i < spec->n_edges && depth < 64; i++) {
        const struct acc_edge *edge = &spec->edges[i];

        if ((edge->kind == ACC_EDGE_NEEDS || edge->kind == ACC_EDGE_BINDS) && !edge->at_create &&
            (edge->target == on || depends_hard(t, edge->target, on, depth + 1))) {
            return true;
        }
    }
    return false;
}

static bool has_hard_edges(const struct trial *t, uint32_t svc)
{
    const struct acc_service_spec *spec = t->w->graph.model->services[svc];

    for (size_t i = 0; i < spec->n_edges; i++) {
        if (spec->edges[i].kind <= ACC_EDGE_NEEDS) {
            return true;
        }
    }
    return false;
}

static bool choose(struct trial *t, bool root_only, bool checked_only)
{
    const struct acc_model *model = t->w->graph.model;
    uint32_t first = (uint32_t)sim_rand_below(world_fate(t->w), model->n_services);
    int64_t ignored;
    uint32_t retries;

    for (uint32_t i = 0; i < model->n_services; i++) {
        uint32_t svc = (uint32_t)((first + i) % model->n_services);

        if (is_plain(t, svc) && !(root_only && has_hard_edges(t, svc)) &&
            !(checked_only &&
              !twin_health_of(model, svc, &ignored, &ignored, &ignored, &retries))) {
            t->svc = svc;
            return true;
        }
    }
    return false;
}

/* --- nothing happens ------------------------------------------------------------------------ */

static void trial_resume(struct trial *t)
{
    world_accd_kill(t->w, false, false);
    world_run_for(t->w, 3 * MINUTE);
    must_converge(t, 2 * MINUTE);
    must_not_act(t, false);
    must_be_same_runs(t);
}

static void trial_resume_without_store(struct trial *t)
{
    bool observed = t->w->observe_new;

    world_accd_kill(t->w, true, true);
    world_run_for(t->w, 5 * MINUTE);
    must_be_same_runs(t);
    if (observed) {
        must_not_act(t, true);
    }
    for (uint32_t i = 0; i < t->w->graph.model->n_stacks; i++) {
        world_command_stack(t->w, ACC_VERB_ADOPT, i);
    }
    for (uint32_t i = 0; i < t->w->graph.model->n_services; i++) {
        const struct oracle_service *s = &t->w->oracle.service[i];

        if (s->want_up) {
            world_command(t->w, ACC_VERB_UP, i, false);
        }
    }
    for (uint32_t i = 0; i < t->w->graph.model->n_services; i++) {
        const struct oracle_service *s = &t->w->oracle.service[i];

        if (!s->want_up) {
            world_command(t->w, s->want_removed ? ACC_VERB_DOWN : ACC_VERB_STOP, i, false);
        }
    }
    must_converge(t, 10 * MINUTE);
}

static void trial_stream(struct trial *t)
{
    world_break_stream(t->w);
    world_run_for(t->w, 3 * MINUTE);
    must_converge(t, MINUTE);
    must_not_act(t, false);
}

static void trial_hang(struct trial *t)
{
    twin_hang(&t->w->twin, sim_rand_range(world_fate(t->w), 5 * SECOND, 90 * SECOND));
    world_run_for(t->w, 5 * MINUTE);
    must_converge(t, 2 * MINUTE);
    must_not_act(t, false);
}

/* E12.3 */
static void trial_live_restore(struct trial *t)
{
    t->w->twin.live_restore = true;
    twin_restart(&t->w->twin, sim_rand_range(world_fate(t->w), SECOND, 20 * SECOND));
    world_run_for(t->w, 5 * MINUTE);
    must_not_act(t, false);
    must_be_same_runs(t);
    must_converge(t, 5 * MINUTE);
}

/* --- failures ------------------------------------------------------------------------------- */

/* E12.1: at once the first time; nobody else is touched but who ends by himself. */
static void must_follow(struct trial *t, uint64_t ended_ms)
{
    const struct sim_workload *work = &t->w->workloads.item[t->svc];

    if (!work->is_ready || work->ready_change_ms > ended_ms + 25 * SECOND) {
        return; /* it was away for longer: E3 has another row for that */
    }
    for (uint32_t i = 0; i < t->w->graph.model->n_services; i++) {
        const struct acc_service_spec *spec = t->w->graph.model->services[i];

        for (size_t e = 0; e < spec->n_edges; e++) {
            if (spec->edges[e].target == t->svc && spec->edges[e].kind == ACC_EDGE_NEEDS &&
                spec->edges[e].on_down == ACC_ON_DOWN_RESTART && !spec->edges[e].at_create &&
                t->was_running[i] && t->was_well[i] && same_run(t, i) && runs(t, i) &&
                !spec->one_shot) {
                fail_trial(t, "is to be restarted with it and was not", i);
            }
        }
    }
}

/* What it failed by itself has pauses of its own; with a tenth of them more goes into the time. */
static uint64_t starts_max(const struct trial *t, uint32_t svc)
{
    struct acc_service_record record;

    acc_engine_service_record(t->w->engine, svc, t->w->queue.now_ms, &record);
    return (t->w->options.graph.quick_timing ? 6 : 3) + record.n_failures;
}

static void trial_crash(struct trial *t)
{
    uint64_t before, ended_ms = t->w->queue.now_ms;
    size_t closure = 1;

    if (!choose(t, false, false)) {
        return;
    }
    before = t->w->n_mutations;
    sim_proc_end(&world_container(t->w, t->svc, 1)->proc, 1, false);
    world_run_for(t->w, 3 * SECOND);
    if (t->w->oracle.service[t->svc].n_starts == t->n_starts[t->svc]) {
        fail_trial(t, "was not started within 3 s of its first crash", ACC_NONE);
    }
    must_converge(t, 100 * MINUTE);
    must_follow(t, ended_ms);
    for (uint32_t i = 0; i < t->w->graph.model->n_services; i++) {
        bool is_in = depends_hard(t, i, t->svc, 0);
        uint64_t n = t->w->oracle.service[i].n_starts - t->n_starts[i];

        closure += is_in ? 1 : 0;
        if (!is_in && i != t->svc && n > 0 && t->was_well[i]) {
            fail_trial(t, "was started, and has nothing to do with it", i);
        } else if (n > starts_max(t, i)) {
            fail_trial(t, "I12: was started again and again for one crash", i);
        }
    }
    if (t->w->n_mutations - before > 5 * closure + 4) {
        world_fail(t->w,
                   "I12: %" PRIu64 " actions for one crash with a closure of %zu, since %" PRIu64,
                   t->w->n_mutations - before, closure, ended_ms);
    }
}

static bool cut_hints_now(struct trial *t)
{
    bool cut = sim_rand_below(world_fate(t->w), 2) == 0;

    t->w->twin.quirks.drop_hint = cut ? 10000 : 0;
    return cut;
}

/* docker kill, and a death without an event */
static void trial_silent_death(struct trial *t)
{
    if (!choose(t, false, false)) {
        return;
    }
    t->w->twin.quirks.drop_hint = 10000;
    sim_proc_end(&world_container(t->w, t->svc, 1)->proc, 1, false);
    world_run_for(t->w, 75 * SECOND);
    t->w->twin.quirks.drop_hint = 0;
    must_converge(t, 100 * MINUTE);
}

static void trial_kill_by_hand(struct trial *t)
{
    if (!choose(t, false, false)) {
        return;
    }
    (void)world_foreign(t->w, TWIN_KILL, t->svc);
    t->w->oracle.service[t->svc].is_unsure = false;
    world_run_for(t->w, 20 * SECOND);
    must_converge(t, 100 * MINUTE);
    if (same_run(t, t->svc)) {
        fail_trial(t, "was killed and not started", ACC_NONE);
    }
}

static void trial_rm_by_hand(struct trial *t)
{
    if (!choose(t, false, false)) {
        return;
    }
    (void)world_foreign(t->w, TWIN_REMOVE, t->svc);
    t->w->oracle.service[t->svc].is_unsure = false;
    world_run_for(t->w, 20 * SECOND);
    must_converge(t, 100 * MINUTE);
}

/* Back-off, breaker and trial (E12.9, L7): the oracle's pace is strict here. */
static void trial_crash_loop(struct trial *t)
{
    uint64_t n_failures;
    const struct acc_timing *timing;

    if (!choose(t, true, false)) {
        return;
    }
    timing = &t->w->graph.model->services[t->svc]->timing;
    sim_workload_spell(&t->w->workloads.item[t->svc], SIM_SPELL_CRASH_LOOP, 30 * MINUTE);
    n_failures = t->w->workloads.next_run;
    world_run_for(t->w, timing->open / 2 + 60 * SECOND);
    if (state_of(t, t->svc) != ACC_SVC_OPEN && timing->open >= 4 * MINUTE) {
        fail_trial(t, "crashed five times, and its breaker is not open", ACC_NONE);
    }
    if (t->w->workloads.next_run == n_failures) {
        fail_trial(t, "was never started in its crash loop", ACC_NONE);
    }
    world_run_for(t->w, 30 * MINUTE);
    must_converge(t, 3 * HOUR);
}

static bool needs_ready(const struct trial *t, uint32_t svc, uint32_t on)
{
    const struct acc_service_spec *spec = t->w->graph.model->services[svc];

    for (size_t i = 0; i < spec->n_edges; i++) {
        if (spec->edges[i].target == on && spec->edges[i].kind == ACC_EDGE_NEEDS &&
            spec->edges[i].condition == ACC_COND_READY && !spec->edges[i].at_create) {
            return true;
        }
    }
    return false;
}

/* The root can't start for a while; dependents wait and don't burn (I9, E6). */
static void trial_root(struct trial *t)
{
    struct acc_service_view view;

    if (!choose(t, true, false)) {
        return;
    }
    sim_workload_spell(&t->w->workloads.item[t->svc], SIM_SPELL_START_FAILS, 6 * MINUTE);
    sim_proc_end(&world_container(t->w, t->svc, 1)->proc, 1, false);
    world_run_for(t->w, 5 * MINUTE);
    for (uint32_t i = 0; i < t->w->graph.model->n_services && !t->w->is_failed; i++) {
        bool names_root = false;

        if (!depends_hard(t, i, t->svc, 0) || !oracle_is_viable(&t->w->oracle, i) ||
            t->w->graph.model->services[i]->one_shot) {
            continue;
        }
        acc_engine_service(t->w->engine, i, t->w->queue.now_ms, &view);
        for (size_t r = 0; r < view.n_roots; r++) {
            names_root = names_root || view.roots[r] == t->svc;
        }
        if (!names_root && view.n_roots < ACC_ROOTS_MAX &&
            (view.state != ACC_SVC_UP || needs_ready(t, i, t->svc))) {
            fail_trial(t, "does not name the root", i);
        }
        if (view.state == ACC_SVC_OPEN || view.state == ACC_SVC_BACKOFF) {
            fail_trial(t, "pays for a failure that is not its own", i);
        }
        if (needs_ready(t, i, t->svc) && t->w->oracle.service[i].n_starts > t->n_starts[i] + 1) {
            fail_trial(t, "was started while its root is down", i);
        }
    }
    must_converge(t, HOUR);
}

/* Suppressed while something below it is not well, or not wanted. */
static bool has_roots(const struct trial *t, uint32_t svc)
{
    struct acc_service_view view;

    if (!t->w->engine) {
        return true;
    }
    acc_engine_service(t->w->engine, svc, t->w->queue.now_ms, &view);
    return view.n_roots > 0;
}

/* A check that fails for long: stopped and started, when the file says so; else only told. */
static void trial_sick(struct trial *t)
{
    struct sim_proc *proc;
    bool restarts;

    if (!choose(t, false, true)) {
        return;
    }
    restarts = t->w->graph.model->services[t->svc]->restart_on_unhealthy;
    proc = &world_container(t->w, t->svc, 1)->proc;
    sim_proc_sicken(proc);
    world_run_for(t->w, 8 * MINUTE);
    if (restarts && same_run(t, t->svc) && !has_roots(t, t->svc)) {
        fail_trial(t, "is unhealthy for 8 min and was not restarted", ACC_NONE);
    } else if (!restarts && !same_run(t, t->svc)) {
        fail_trial(t, "was restarted, and is only to be reported", ACC_NONE);
    }
    if (same_run(t, t->svc)) {
        world_command(t->w, ACC_VERB_RESTART, t->svc, false);
    }
    must_converge(t, HOUR);
}

/* --- people beside accd --------------------------------------------------------------------- */

static void must_be_held(struct trial *t)
{
    if (runs(t, t->svc)) {
        fail_trial(t, "was stopped by hand, and accd started it", ACC_NONE);
    } else if (state_of(t, t->svc) != ACC_SVC_HELD) {
        fail_trial(t, "was stopped by hand, and is not shown so", ACC_NONE);
    }
}

/* E12.12, I16 */
static void trial_stop_by_hand(struct trial *t)
{
    if (!choose(t, false, false)) {
        return;
    }
    (void)cut_hints_now(t);
    (void)world_foreign(t->w, TWIN_STOP, t->svc);
    world_run_for(t->w, 2 * MINUTE + 30 * SECOND);
    t->w->twin.quirks.drop_hint = 0;
    must_be_held(t);
    world_run_for(t->w, 10 * MINUTE);
    must_be_held(t);
    if (sim_rand_below(world_fate(t->w), 2)) {
        world_accd_kill(t->w, false, false);
        world_run_for(t->w, 5 * MINUTE);
        must_be_held(t);
    }
    t->w->oracle.service[t->svc].is_unsure = false;
    if (sim_rand_below(world_fate(t->w), 2)) {
        world_command(t->w, ACC_VERB_RELEASE, t->svc, false);
    } else {
        (void)world_foreign(t->w, TWIN_START, t->svc);
        t->w->oracle.service[t->svc].is_unsure = false;
    }
    must_converge(t, 100 * MINUTE);
}

static void trial_stop_while_away(struct trial *t)
{
    if (!choose(t, false, false)) {
        return;
    }
    t->w->stays_dead = true;
    world_accd_kill(t->w, false, false);
    world_run_for(t->w, SECOND);
    (void)world_foreign(t->w, TWIN_STOP, t->svc);
    world_run_for(t->w, MINUTE);
    t->w->stays_dead = false;
    world_accd_start(t->w);
    world_run_for(t->w, 3 * MINUTE);
    must_be_held(t);
    world_command(t->w, ACC_VERB_UP, t->svc, false);
    must_converge(t, 100 * MINUTE);
}

static void trial_pause(struct trial *t)
{
    if (!choose(t, false, false)) {
        return;
    }
    (void)world_foreign(t->w, TWIN_PAUSE, t->svc);
    world_run_for(t->w, 3 * MINUTE);
    (void)world_foreign(t->w, TWIN_UNPAUSE, t->svc);
    t->w->oracle.service[t->svc].is_unsure = false;
    must_converge(t, 20 * MINUTE);
    if (!same_run(t, t->svc)) {
        fail_trial(t, "was paused, and restarted for it", ACC_NONE);
    }
}

/* --- dockerd -------------------------------------------------------------------------------- */

/* E12.4 */
static void trial_engine_restart(struct trial *t)
{
    t->w->twin.live_restore = false;
    if (sim_rand_below(world_fate(t->w), 2)) {
        twin_restart(&t->w->twin, sim_rand_range(world_fate(t->w), SECOND, 30 * SECOND));
    } else {
        twin_crash(&t->w->twin, sim_rand_range(world_fate(t->w), SECOND, 30 * SECOND));
    }
    world_run_for(t->w, MINUTE);
    must_converge(t, 90 * MINUTE);
}

/* --- operators ------------------------------------------------------------------------------ */

static void trial_stop(struct trial *t)
{
    bool with_dependents = sim_rand_below(world_fate(t->w), 2) == 0;

    if (!choose(t, false, false)) {
        return;
    }
    world_command(t->w, ACC_VERB_STOP, t->svc, with_dependents);
    world_run_for(t->w, 5 * MINUTE);
    if (runs(t, t->svc)) {
        fail_trial(t, "was to be stopped and runs", ACC_NONE);
    }
    world_accd_kill(t->w, false, false);
    world_run_for(t->w, 5 * MINUTE);
    if (runs(t, t->svc)) {
        fail_trial(t, "was stopped, and a new accd started it", ACC_NONE);
    }
    for (uint32_t i = 0; i < t->w->graph.model->n_services; i++) {
        if (!depends_hard(t, i, t->svc, 0) && i != t->svc && t->was_well[i] && !same_run(t, i)) {
            fail_trial(t, "was started again, and has nothing to do with it", i);
        }
    }
    for (uint32_t i = 0; i < t->w->graph.model->n_services; i++) {
        if (i == t->svc || (with_dependents && depends_hard(t, i, t->svc, 0))) {
            world_command(t->w, ACC_VERB_UP, i, false);
        }
    }
    must_converge(t, HOUR);
}

static void trial_restart(struct trial *t)
{
    if (!choose(t, false, false)) {
        return;
    }
    world_command(t->w, ACC_VERB_RESTART, t->svc, false);
    world_run_for(t->w, 2 * MINUTE);
    must_converge(t, 100 * MINUTE);
    if (same_run(t, t->svc)) {
        fail_trial(t, "was to be restarted and was not", ACC_NONE);
    }
    for (uint32_t i = 0; i < t->w->graph.model->n_services; i++) {
        if (!depends_hard(t, i, t->svc, 0) && i != t->svc && t->was_well[i] && !same_run(t, i)) {
            fail_trial(t, "was started again, and has nothing to do with it", i);
        }
    }
}

static bool has_networks(const struct trial *t, uint32_t stack)
{
    const struct acc_model *model = t->w->graph.model;

    for (uint32_t res = 0; res < model->n_resources; res++) {
        if (model->resources[res]->kind == ACC_RES_NETWORK &&
            model->resources[res]->stack == stack && t->w->twin.res_exists[res]) {
            return true;
        }
    }
    return false;
}

static void trial_down(struct trial *t)
{
    uint32_t stack = (uint32_t)sim_rand_below(world_fate(t->w), t->w->graph.model->n_stacks);
    bool was_up[4096] = {false};
    size_t n = 0;

    for (uint32_t i = 0; i < t->w->graph.model->n_services; i++) {
        was_up[i] = t->w->oracle.service[i].want_up;
        n += t->w->graph.model->service_stack[i] == stack ? 1 : 0;
    }
    if (n == 0) { /* then nothing is selected */
        return;
    }
    world_command_stack(t->w, ACC_VERB_DOWN, stack);
    must_converge(t, 10 * MINUTE);
    world_run_for(t->w, MINUTE);
    if (has_networks(t, stack)) {
        fail_trial(t, "the networks of a stack that is down are still there", ACC_NONE);
    }
    for (uint32_t i = 0; i < t->w->graph.model->n_services; i++) {
        if (was_up[i] && t->w->graph.model->service_stack[i] == stack) {
            world_command(t->w, ACC_VERB_UP, i, false);
        }
    }
    must_converge(t, 90 * MINUTE);
}

/* --- the host ------------------------------------------------------------------------------- */

/* E10: nobody says anything, and all that was up is up again; what was off is off. */
static void trial_shutdown(struct trial *t)
{
    world_shut_down(t->w, sim_rand_u64(world_fate(t->w)));
    world_run_for(t->w, 5 * MINUTE);
    must_converge(t, 90 * MINUTE);
    for (uint32_t i = 0; i < t->w->graph.model->n_services && !t->w->is_failed; i++) {
        struct acc_service_view view;

        acc_engine_service(t->w->engine, i, t->w->queue.now_ms, &view);
        if (view.wanted_up != t->w->oracle.service[i].want_up &&
            !t->w->oracle.service[i].is_unsure) {
            fail_trial(t, "is wanted otherwise than before", i);
        }
    }
}

static const struct {
    const char *name;
    void (*run)(struct trial *t);
} trials[] = {
    {"resume", trial_resume},
    {"resume without its store", trial_resume_without_store},
    {"broken stream", trial_stream},
    {"hang", trial_hang},
    {"live-restore", trial_live_restore},
    {"crash", trial_crash},
    {"silent death", trial_silent_death},
    {"docker kill", trial_kill_by_hand},
    {"docker rm -f", trial_rm_by_hand},
    {"crash loop", trial_crash_loop},
    {"root", trial_root},
    {"sick", trial_sick},
    {"docker stop", trial_stop_by_hand},
    {"docker stop while accd is away", trial_stop_while_away},
    {"docker pause", trial_pause},
    {"engine restart", trial_engine_restart},
    {"stop", trial_stop},
    {"restart", trial_restart},
    {"down", trial_down},
};

void world_trials(struct world *w)
{
    size_t n = w->graph.model->n_services;
    struct trial t = {.w = w, .svc = ACC_NONE};

    t.n_runs = calloc(n, sizeof(*t.n_runs));
    t.n_starts = calloc(n, sizeof(*t.n_starts));
    t.cid = calloc(n, sizeof(*t.cid));
    t.was_running = calloc(n, sizeof(*t.was_running));
    t.was_well = calloc(n, sizeof(*t.was_well));
    t.n_actions = calloc(n, sizeof(*t.n_actions));
    acc_assert(t.n_runs && t.n_starts && t.cid && t.was_running && t.was_well && t.n_actions);
    for (uint32_t i = 0; i < WORLD_TRIALS && !w->is_failed; i++) {
        world_fate_begin(w, FATE_TRIAL, i);
        bool is_last = i + 1 == WORLD_TRIALS; /* beside the others, which stay what they are */
        size_t which = sim_rand_below(world_fate(w), ACC_ARRAY_LEN(trials));

        if (cut_has(&w->options.cuts, CUT_TRIAL, i, 0) ||
            (is_last && (w->options.one_stream || w->options.seed % 3 != 1))) {
            continue;
        }
        t.name = is_last ? "shutdown" : trials[which].name;
        t.svc = ACC_NONE;
        settle(&t);
        world_trace(w, "=== trial: %s", t.name);
        if (!w->is_failed) {
            (is_last ? trial_shutdown : trials[which].run)(&t);
        }
    }
    free(t.n_runs);
    free(t.n_starts);
    free(t.cid);
    free(t.was_running);
    free(t.was_well);
    free(t.n_actions);
}
