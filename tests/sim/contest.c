#include "tests/sim/contest.h"

#include <string.h>

#include "lib/base/assert.h"

#define SECOND     UINT64_C(1000)
#define MINUTE     (60 * SECOND)
#define UP_MS      (60 * MINUTE) /* whoever isn't up by then is none to be compared */
#define SETTLE_MS  (11 * MINUTE) /* so that nothing of the bring-up matters any more */
#define LOOK_MS    100u
#define QUIET_MS   (90 * SECOND) /* serving for so long is well: a bad image ends within 40 s */
#define BAD_OF_TEN 1u

const char *contest_fault_name(enum contest_fault fault)
{
    static const char *const names[] = {"crash",        "crash of a base", "crash loop",
                                        "sick",         "slow boot",       "start fails",
                                        "dockerd dies", "dockerd restarts"};

    return names[fault];
}

struct contest {
    struct world world;
    struct peer peer;
    int who;
    struct sim_rand luck; /* what happens, whoever plays */
};

static bool is_job(const struct contest *c, uint32_t svc)
{
    return c->world.workloads.item[svc].habits.is_job;
}

static uint64_t n_runs(const struct contest *c)
{
    uint64_t n = 0;

    for (size_t i = 0; i < c->world.twin.n; i++) {
        n += c->world.twin.item[i]->n_runs;
    }
    return n;
}

static uint32_t n_away(const struct contest *c)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < c->world.graph.model->n_services; i++) {
        n += !is_job(c, i) && !c->world.workloads.item[i].is_ready;
    }
    return n;
}

/* --- before --------------------------------------------------------------------------------- */

static bool accd_up(struct world *w, const struct contest *c)
{
    uint64_t until_ms = w->queue.now_ms + UP_MS;

    world_accd_start(w);
    while (n_away(c) > 0 && w->queue.now_ms < until_ms && !w->is_failed) {
        world_run_for(w, SECOND);
    }
    return n_away(c) == 0;
}

/* The seed's host, with everything up. */
static bool open_host(struct contest *c, uint64_t seed, int who, bool is_upgrade)
{
    struct world_options options = {
        .seed = seed, .calm = true, .upgrades = is_upgrade, .one_stream = true};
    bool is_up;

    options.graph.services_min = 8;
    options.graph.services_max = 40;
    options.graph.stacks_max = 3;
    options.graph.edges_max = 4;
    options.graph.plain = true; /* what all contestants have a word for */
    options.graph.platform = seed % 5 == 0;
    c->who = who;
    c->luck.state = seed ^ UINT64_C(0xbad1ac);
    world_open(&c->world, &options);
    c->world.observe_new = false;
    if (who == CONTEST_ACCD) {
        is_up = accd_up(&c->world, c);
    } else {
        peer_open(&c->peer, (enum peer_which)who, &c->world);
        is_up = peer_up(&c->peer, UP_MS);
    }
    world_run_for(&c->world, SETTLE_MS);
    return is_up && n_away(c) == 0;
}

static void close_host(struct contest *c)
{
    if (c->who != CONTEST_ACCD) {
        peer_close(&c->peer);
    }
    world_close(&c->world);
}

/* --- after ---------------------------------------------------------------------------------- */

static bool is_busy(struct contest *c, uint32_t svc)
{
    struct acc_service_view view;

    if (c->who != CONTEST_ACCD) {
        return c->peer.is_busy;
    }
    acc_engine_service(c->world.engine, svc, c->world.queue.now_ms, &view);
    return view.step != ACC_ROLL_IDLE;
}

/* Until all has served for a while and nothing is under way, or until the limit. */
static void watch(struct contest *c, uint32_t svc, uint64_t limit_ms, struct contest_result *result)
{
    uint64_t begin_ms = c->world.queue.now_ms;
    uint64_t well_ms = begin_ms;
    uint64_t runs = n_runs(c);
    uint64_t now_ms = begin_ms;

    while (now_ms < begin_ms + limit_ms && !c->world.is_failed) {
        world_run_for(&c->world, LOOK_MS);
        now_ms = c->world.queue.now_ms;
        uint32_t n = n_away(c);

        result->lost_ms += (uint64_t)n * LOOK_MS;
        well_ms = n > 0 ? now_ms : well_ms;
        if (now_ms >= well_ms + QUIET_MS && !is_busy(c, svc)) {
            result->has_recovered = true;
            break;
        }
    }
    result->recovery_ms = result->has_recovered ? well_ms - begin_ms : limit_ms;
    result->n_restarts = n_runs(c) - runs;
    result->violation = c->world.is_failed ? c->world.violation : NULL;
}

/* --- bad luck ------------------------------------------------------------------------------- */

static uint32_t pick(struct contest *c, bool is_checked)
{
    uint32_t n = (uint32_t)c->world.graph.model->n_services;

    for (uint32_t at = (uint32_t)sim_rand_below(&c->luck, n), k = 0; k < n; k++, at++) {
        int64_t ignored;
        uint32_t retries;

        if (!is_job(c, at % n) &&
            (!is_checked || twin_health_of(c->world.graph.model, at % n, &ignored, &ignored,
                                           &ignored, &retries))) {
            return at % n;
        }
    }
    return ACC_NONE;
}

static uint32_t n_dependents(const struct acc_model *model, uint32_t svc)
{
    uint32_t n = 0;

    for (size_t i = 0; i < model->n_services; i++) {
        for (size_t e = 0; e < model->services[i]->n_edges; e++) {
            const struct acc_edge *edge = &model->services[i]->edges[e];

            n += edge->target == svc && edge->kind == ACC_EDGE_NEEDS && !edge->at_create;
        }
    }
    return n;
}

static uint32_t pick_base(const struct contest *c)
{
    const struct acc_model *model = c->world.graph.model;
    uint32_t best = 0;

    for (uint32_t i = 1; i < model->n_services; i++) {
        best = !is_job(c, i) && n_dependents(model, i) > n_dependents(model, best) ? i : best;
    }
    return best;
}

static void crash(struct contest *c, uint32_t svc)
{
    struct sim_workload *workload = &c->world.workloads.item[svc];

    if (workload->n_procs > 0) {
        sim_proc_end(workload->proc[0], 1, false);
    }
}

static void strike(struct contest *c, enum contest_fault fault, uint32_t svc)
{
    struct sim_workload *workload = &c->world.workloads.item[svc];
    uint64_t seconds = sim_rand_range(&c->luck, 2, 60);

    switch (fault) {
    case CONTEST_CRASH:
    case CONTEST_CRASH_BASE:
        crash(c, svc);
        break;
    case CONTEST_CRASH_LOOP:
        sim_workload_spell(workload, SIM_SPELL_CRASH_LOOP, 3 * seconds * SECOND);
        break;
    case CONTEST_SICK:
        sim_proc_sicken(workload->proc[0]);
        break;
    case CONTEST_SLOW_BOOT:
        sim_workload_spell(workload, SIM_SPELL_NEVER_READY, 4 * seconds * SECOND);
        crash(c, svc);
        break;
    case CONTEST_START_FAILS:
        sim_workload_spell(workload, SIM_SPELL_START_FAILS, seconds * SECOND);
        crash(c, svc);
        break;
    case CONTEST_ENGINE_DIES:
        twin_crash(&c->world.twin, seconds * SECOND / 3);
        break;
    case CONTEST_ENGINE_RESTARTS:
        twin_restart(&c->world.twin, seconds * SECOND / 3);
        break;
    }
}

struct contest_result contest_fault(uint64_t seed, int who)
{
    static struct contest c; /* its world is too large for the stack */
    struct contest_result result = {0};
    uint32_t svc = 0;

    memset(&c, 0, sizeof(c));
    if (open_host(&c, seed, who, false)) {
        result.fault = (enum contest_fault)sim_rand_below(&c.luck, CONTEST_FAULT_COUNT);
        svc = result.fault == CONTEST_CRASH_BASE ? pick_base(&c)
                                                 : pick(&c, result.fault == CONTEST_SICK);
        result.is_valid = svc != ACC_NONE;
    }
    if (result.is_valid) {
        strike(&c, result.fault, svc);
        watch(&c, svc, CONTEST_FAULT_LIMIT_MS, &result);
    }
    close_host(&c);
    return result;
}

/* --- upgrades ------------------------------------------------------------------------------- */

/* world_is_bad() knows a bad image by its number. */
#define BAD_VERSION  3u
#define GOOD_VERSION 1u

struct contest_result contest_upgrade(uint64_t seed, int who)
{
    static struct contest c;
    struct contest_result result = {0};
    uint32_t svc = 0;

    memset(&c, 0, sizeof(c));
    if (open_host(&c, seed, who, true)) {
        svc = pick(&c, false);
        result.is_bad_image = sim_rand_below(&c.luck, 10) < BAD_OF_TEN;
        result.is_valid = svc != ACC_NONE;
    }
    if (result.is_valid && who == CONTEST_ACCD) {
        c.world.version[svc] = (result.is_bad_image ? BAD_VERSION : GOOD_VERSION) - 1;
        world_upgrade(&c.world, svc, false);
    } else if (result.is_valid) {
        peer_upgrade(&c.peer, svc, result.is_bad_image);
    }
    if (result.is_valid) {
        watch(&c, svc, CONTEST_UPGRADE_LIMIT_MS, &result);
    }
    close_host(&c);
    return result;
}
