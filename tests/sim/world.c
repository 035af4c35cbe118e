#include "tests/sim/world.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"

#define SECOND UINT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
/* Steps of TIMEOUT at one moment: more is a loop. */
#define TIMEOUTS_AT_ONCE_MAX 300u
/* With what follows the faults a seed comes to six hours and more. */
#define CHAOS_MIN (1 * HOUR)
#define CHAOS_MAX (8 * HOUR)
/* What comes each half an hour in a storm comes once in a day to a week. */
#define RARITY_MIN 50u
#define RARITY_MAX 400u
/* Quiet time is lists of what is known already: most hosts ask for fewer of them here. */
#define RESYNC_MIN (5 * MINUTE)
#define RESYNC_MAX (60 * MINUTE)
#define LONG_MIN   (2 * DAY)
#define LONG_MAX   (90 * DAY)

struct world_options world_options_of(uint64_t seed, bool one_stream)
{
    struct sim_rand rand = {.state = seed ^ UINT64_C(0x5eed0fac)};
    struct world_options options = {.seed = seed, .one_stream = one_stream};

    /* One after the other: within an initialiser C leaves their order open. */
    options.graph.services_min = 3;
    options.graph.services_max = sim_rand_below(&rand, 4) == 0 ? 60 : 20;
    options.graph.stacks_max = 4;
    options.graph.edges_max = (uint32_t)sim_rand_range(&rand, 0, 5);
    options.graph.plain = sim_rand_below(&rand, 5) == 0;
    options.graph.quick_timing = sim_rand_below(&rand, 2) == 0;
    /* The seeds that are regressions are none of these. */
    options.graph.phase_seed = seed % 11 == 0 || seed % 11 == 3 || seed % 11 == 5 ? seed + 1 : 0;
    if (!one_stream && (seed % 11 == 1 || seed % 11 == 5 || seed % 11 == 8)) {
        options.graph.host_seed = seed + 1;
        options.graph.place_seed = seed % 8 == 4 ? ~seed : 0;
    }
    options.chaos_ms = one_stream ? sim_rand_range(&rand, 20 * MINUTE, 3 * HOUR)
                                  : sim_rand_range(&rand, CHAOS_MIN, CHAOS_MAX);
    options.calm = sim_rand_below(&rand, 20) == 0;
    options.graph.platform = sim_rand_below(&rand, 5) == 0;
    return options;
}

void world_options_make_long(struct world_options *options)
{
    struct sim_rand rand = {.state = options->seed ^ UINT64_C(0x10e9)};

    options->calm = false;
    options->graph.platform = sim_rand_below(&rand, 64) == 0;
    options->graph.services_max = sim_rand_below(&rand, 8) == 0 ? 20 : 8;
    options->graph.resync_ms = sim_rand_below(&rand, 8) == 0
                                   ? 0
                                   : sim_rand_range(&rand, RESYNC_MIN, RESYNC_MAX);
    options->quick = options->graph.resync_ms != 0; /* the trials know the default */
    options->rarity = (uint32_t)sim_rand_range(&rand, RARITY_MIN, RARITY_MAX);
    options->chaos_ms = sim_rand_range(&rand, LONG_MIN, LONG_MAX);
}

void world_trace(struct world *w, const char *fmt, ...)
{
    va_list ap;
    uint64_t ms = w->queue.now_ms;

    if (!w->options.trace) {
        return;
    }
    (void)fprintf(w->options.trace, "%3" PRIu64 ":%02" PRIu64 ":%02" PRIu64 ".%03" PRIu64 " ",
                  ms / HOUR, ms / MINUTE % 60, ms / SECOND % 60, ms % SECOND);
    va_start(ap, fmt);
    (void)vfprintf(w->options.trace, fmt, ap);
    va_end(ap);
    (void)fputc('\n', w->options.trace);
}

void world_fail(struct world *w, const char *fmt, ...)
{
    va_list ap;
    int n;

    if (w->is_failed) {
        return;
    }
    w->is_failed = true;
    w->failed_ms = w->queue.now_ms;
    n = snprintf(w->violation, sizeof(w->violation),
                 "seed %" PRIu64 ", %" PRIu64 ".%03" PRIu64 " s: ", w->options.seed,
                 w->queue.now_ms / SECOND, w->queue.now_ms % SECOND);
    va_start(ap, fmt);
    (void)vsnprintf(w->violation + n, sizeof(w->violation) - (size_t)n, fmt, ap);
    va_end(ap);
    world_trace(w, "VIOLATION %s", w->violation);
}

const char *world_service_id(const struct world *w, uint32_t svc)
{
    return world_spec(w, svc)->id;
}

struct sim_rand *world_luck(struct world *w, uint32_t svc)
{
    return sim_rand_of(&w->rand, svc == ACC_NONE ? w->n_services : svc);
}

struct sim_rand *world_stream(struct world *w, enum world_stream stream)
{
    return sim_rand_of(&w->rand, w->n_services + 1 + stream);
}

void world_fate_begin(struct world *w, uint64_t kind, uint64_t number)
{
    w->fate = sim_rand_at(w->options.seed ^ kind << 32, kind, number);
}

struct sim_rand *world_fate(struct world *w)
{
    return w->options.one_stream ? &w->rand : &w->fate;
}

void world_open(struct world *w, const struct world_options *options)
{
    struct twin_quirks quirks;
    struct twin_listener listener;
    int r;

    memset(w, 0, sizeof(*w));
    w->options = *options;
    w->rand.state = options->seed * UINT64_C(0x2545f4914f6cdd1d) + 1;
    w->hash = UINT64_C(0xcbf29ce484222325);
    w->actions.cap = ACC_ACTIONS_MIN;
    w->actions.item = calloc(w->actions.cap, sizeof(*w->actions.item));
    acc_assert(w->actions.item);
    sim_queue_init(&w->queue, sim_rand_range(&w->rand, 1, 1000000));
    if (world_has_groups(options) && options->seed % 2 == 0) { /* what goes back as a phase */
        w->options.graph.phase_seed = options->seed + 1;
    }
    w->options.graph.last_apart = world_has_join(&w->options) || world_has_leave(&w->options);
    sim_graph_draw(&w->rand, &w->options.graph, &w->graph);
    w->n_services = w->graph.model->n_services;
    r = sim_workloads_init(&w->workloads, &w->queue, &w->rand, w->graph.model, w->graph.habits);
    acc_assert(r == 0);
    quirks = options->calm ? twin_quirks_none() : twin_quirks_random(&w->rand);
    listener = world_listener(w);
    r = twin_init(&w->twin, &w->queue, &w->rand, w->graph.model, &w->workloads, &quirks, &listener);
    w->twin.has_volumes = w->options.upgrades;
    acc_assert(r == 0);
    w->observe_new = sim_rand_below(&w->rand, 3) == 0;
    world_faults_draw(w);
    world_host_init(w);
    world_change_init(w);
    world_shutdown_init(w);
    world_networks_init(w);
    world_disk_init(w);
    world_autos_init(w);
    world_faults_thin(w);
    cut_apply(w);
    world_store_init(w);
    oracle_init(&w->oracle, w);
    world_join_init(w);
    if (!options->one_stream) {
        sim_rand_split(&w->rand, w->graph.model->n_services + 1 + WORLD_STREAM_COUNT);
    }
}

void world_close(struct world *w)
{
    w->engine = acc_engine_destroy(w->engine);
    oracle_fini(&w->oracle);
    world_store_fini(w);
    world_host_fini(w);
    world_join_fini(w);
    twin_fini(&w->twin);
    sim_workloads_fini(&w->workloads);
    sim_graph_fini(&w->graph);
    sim_queue_fini(&w->queue);
    sim_rand_fini(&w->rand);
    free(w->actions.item);
}

/* --- time ----------------------------------------------------------------------------------- */

static void time_out(struct world *w, uint64_t deadline_ms)
{
    struct acc_event event = {.type = ACC_EV_TIMEOUT};
    bool moves = deadline_ms > w->queue.now_ms;

    w->queue.now_ms = moves ? deadline_ms : w->queue.now_ms;
    world_step(w, &event);
    w->n_timeouts_at_once = moves ? 0 : w->n_timeouts_at_once + 1;
    if (w->n_timeouts_at_once > TIMEOUTS_AT_ONCE_MAX) {
        world_fail(w, "the engine's deadline stays at now: it turns in a circle");
    }
}

void world_run_for(struct world *w, uint64_t ms)
{
    uint64_t until_ms = w->queue.now_ms + ms;

    while (!w->is_failed) {
        uint64_t next_ms = sim_queue_next_ms(&w->queue);
        uint64_t deadline_ms = w->engine ? acc_engine_deadline(w->engine) : ACC_DEADLINE_NONE;

        if (next_ms > until_ms && deadline_ms > until_ms) {
            break;
        }
        if (deadline_ms < next_ms) {
            time_out(w, deadline_ms);
        } else {
            sim_queue_run_one(&w->queue);
        }
    }
    w->queue.now_ms = until_ms;
}

const char *world_converge(struct world *w, uint64_t limit_ms)
{
    static char text[1024];
    uint64_t until_ms = w->queue.now_ms + limit_ms;
    const char *what = "failed";

    while (!w->is_failed) {
        what = oracle_unconverged(&w->oracle, text, sizeof(text));
        if (!what || w->queue.now_ms >= until_ms) {
            return what;
        }
        world_run_for(w, w->queue.now_ms + 10 * MINUTE < until_ms ? 10 * SECOND : MINUTE);
    }
    return NULL; /* what failed is told already */
}

/* --- a whole run ---------------------------------------------------------------------------- */

static void tell_graph(struct world *w)
{
    static const char *const conditions[] = {"ready", "running", "completed"};
    static const char *const on_down[] = {"ride", "restart", "stop"};

    for (uint32_t i = 0; i < w->graph.model->n_services && w->options.trace; i++) {
        const struct acc_service_spec *spec = w->graph.model->services[i];

        if (cut_has_service(w, i)) {
            continue;
        }
        world_trace(w, "service %s x%u %s%s%s%s", spec->id, spec->replicas,
                    acc_restart_policy_name(spec->restart), spec->one_shot ? " one-shot" : "",
                    spec->stateful ? " stateful" : "", spec->health.set ? " checked" : "");
        for (size_t k = 0; k < spec->n_host; k++) {
            world_trace(w, "    host %s", spec->host[k].is.text);
        }
        for (size_t k = 0; k < spec->n_serialize; k++) {
            world_trace(w, "    serialize %s", spec->serialize[k].name);
        }
        for (size_t e = 0; e < spec->n_edges; e++) {
            world_trace(w, "    %s %s, %s, %s%s", acc_edge_kind_name(spec->edges[e].kind),
                        world_service_id(w, spec->edges[e].target),
                        conditions[spec->edges[e].condition], on_down[spec->edges[e].on_down],
                        spec->edges[e].at_create ? ", at create" : "");
        }
    }
}

static void begin(struct world *w)
{
    tell_graph(w);
    if (w->observe_new) { /* some stacks run already, as compose made them */
        for (uint32_t i = 0; i < w->graph.model->n_stacks; i++) {
            if (sim_rand_below(world_stream(w, WORLD_STREAM_ACCD), 2)) {
                world_compose_up(w, i);
                for (uint32_t s = 0; s < w->graph.model->n_services; s++) {
                    w->oracle.service[s].is_unsure = true;
                }
            }
        }
    }
    world_join_begin(w);
    world_leave_begin(w);
    world_accd_start(w);
}

static bool has_retired(const struct world *w, uint32_t svc)
{
    for (size_t i = 0; i < w->twin.n; i++) {
        const struct twin_container *c = w->twin.item[i];

        if (c->exists && c->made.svc == svc && strstr(c->name, ".r")) {
            return true;
        }
    }
    return false;
}

/* The new one of an upgrade that goes on; what else there is, is of before. */
static bool is_of_rollout(const struct world *w, const struct twin_container *c)
{
    uint32_t revision = c->made.revision ? c->made.revision : 1;
    struct acc_service_record record;
    struct acc_service_view view;

    if (world_has_role(c->name)) {
        return !strstr(c->name, ".r"); /* the kept one was in force */
    }
    if (!w->engine || c->made.svc == ACC_NONE) {
        return has_retired(w, c->made.svc); /* the next accd knows no more, either */
    }
    acc_engine_service(w->engine, c->made.svc, w->queue.now_ms, &view);
    if (view.step == ACC_ROLL_SWITCH || view.step == ACC_ROLL_UNDO) {
        return revision != view.revision; /* in force is the one of before */
    }
    acc_engine_service_record(w->engine, c->made.svc, w->queue.now_ms, &record);
    /* What was made anew in a watch, of what the file said by then, is none of it. */
    return view.step > ACC_ROLL_SWITCH && revision == view.revision &&
           strcmp(c->made.spec_hash, record.rollout.spec) == 0;
}

static void heal(struct world *w)
{
    bool frozen = w->twin.quirks.frozen_health;

    w->is_chaos = false;
    w->crash_in = 0;
    world_join_now(w);
    world_leave_end(w);
    w->twin.quirks = twin_quirks_none();
    w->twin.quirks.frozen_health = frozen;
    sim_workloads_heal(&w->workloads);
    world_host_heal(w);
    world_disk_heal(w);
    for (size_t i = 0; i < w->twin.n; i++) {
        struct twin_container *c = w->twin.item[i];

        /* A bad image that nobody upgraded to is no fault of a rollout. */
        c->made.is_bad = c->made.is_bad && is_of_rollout(w, c);
    }
    world_trace(w, "=== the faults end");
    world_run_for(w, 4 * MINUTE); /* dockerd and accd are back, what hung has ended */
}

/* The operator says again what may have been lost, and ends all holds. */
static void assert_wishes(struct world *w)
{
    world_hold(w, ACC_VERB_MAINTENANCE, ACC_HOLD_NONE, 0, 0);
    for (uint32_t i = 0; i < w->graph.model->n_stacks; i++) {
        world_command_stack(w, ACC_VERB_ADOPT, i);
        world_command_stack(w, ACC_VERB_RELEASE, i);
    }
    for (uint32_t i = 0; i < w->graph.model->n_services && !w->is_failed; i++) {
        const struct oracle_service *s = &w->oracle.service[w->graph.model->order[i]];

        if (s->want_up) {
            world_command(w, ACC_VERB_UP, w->graph.model->order[i], false);
        }
    }
    for (uint32_t i = 0; i < w->graph.model->n_services && !w->is_failed; i++) {
        const struct oracle_service *s = &w->oracle.service[i];

        if (!s->want_up) {
            world_command(w, s->want_removed ? ACC_VERB_DOWN : ACC_VERB_STOP, i, false);
        }
    }
    world_networks_mend(w);
}

static uint64_t n_actions(const struct world *w, const uint8_t *counts)
{
    uint64_t n = 0;

    for (uint32_t i = 0; i < w->graph.model->n_services; i++) {
        n += counts[i] ? w->oracle.service[i].n_actions : 0;
    }
    return n;
}

/* Its upgrade has yet to end, and somebody may have to decide about it, in the quiet, too. */
static bool is_rolling(struct world *w, uint32_t svc)
{
    struct acc_service_view view;

    if (!w->engine) {
        return false;
    }
    acc_engine_service(w->engine, svc, w->queue.now_ms, &view);
    return view.step != ACC_ROLL_IDLE && !(view.step == ACC_ROLL_WATCH && view.state == ACC_SVC_UP);
}

/* Nobody acts on those that have all they need, and on those that are to be off. */
static void check_quiet(struct world *w)
{
    uint8_t *is_well = calloc(w->graph.model->n_services, 1);
    uint64_t runs = w->workloads.next_run;
    uint64_t before;

    acc_assert(is_well);
    for (uint32_t i = 0; i < w->graph.model->n_services; i++) {
        is_well[i] = (!w->oracle.service[i].want_up || oracle_is_viable(&w->oracle, i)) &&
                     !is_rolling(w, i);
    }
    before = n_actions(w, is_well);
    world_run_for(w, 15 * MINUTE);
    if (!w->is_failed && n_actions(w, is_well) != before && w->workloads.next_run == runs) {
        world_fail(w, "L5: %" PRIu64 " actions on a world where nothing happens",
                   n_actions(w, is_well) - before);
    }
    free(is_well);
}

/* What the engine makes of it all: the end of a story. */
static void tell_end(struct world *w)
{
    struct acc_service_view view;
    struct acc_incident_view incident;

    if (!w->options.trace || !w->engine) {
        return;
    }
    for (uint32_t i = 0; i < w->graph.model->n_services; i++) {
        if (cut_has_service(w, i)) {
            continue;
        }
        acc_engine_service(w->engine, i, w->queue.now_ms, &view);
        world_trace(w, "%s is %s: %s", view.id, acc_svc_state_name(view.state), view.reason);
    }
    for (size_t i = 0; acc_engine_incident_at(w->engine, i, &incident); i++) {
        if (incident.open) {
            world_trace(w, "open incident of %s: %s; it concerns %zu", incident.root,
                        incident.cause, incident.n_impact);
            for (size_t k = 0; k < incident.n_impact; k++) {
                world_trace(w, "    %s", world_service_id(w, incident.impact[k]));
            }
        }
    }
}

bool world_run(struct world *w)
{
    const char *what;

    begin(w);
    if (!w->options.calm) {
        world_faults_begin(w);
    }
    world_run_for(w, w->options.calm ? 10 * MINUTE : w->options.chaos_ms);
    if (!w->is_failed) {
        heal(w);
        assert_wishes(w);
        what = world_converge(w, 4 * HOUR);
        if (what) {
            world_fail(w, "L1: %s", what);
        }
    }
    check_quiet(w);
    if (!w->options.quick && !w->is_failed) {
        world_trials(w);
    }
    tell_end(w);
    if (w->engine) {
        w->hash = (w->hash ^ acc_engine_trace_hash(w->engine)) * UINT64_C(0x100000001b3);
    }
    return !w->is_failed;
}
