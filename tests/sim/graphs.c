#include "tests/sim/graphs.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/graph/graph.h"
#include "tests/sim/platform.h"
#include "tests/sim/twin.h"

#define ARENA_CAP (64u << 20)
#define EDGES_MAX 8u

struct draft { /* one service before it is given to its stack */
    uint32_t stack;
    bool is_job; /* reached by `completed` edges only: a service that ends is never ready */
    char name[32];
    const struct sim_platform_service *is; /* NULL: it is drawn */
};

struct drawing {
    struct sim_rand *rand;
    const struct sim_graph_options *options;
    uint32_t n, n_stacks;
    struct draft *draft;
    struct acc_stack **stacks;
    struct acc_timing timing;
};

static uint64_t range(struct drawing *d, uint64_t low, uint64_t high)
{
    return sim_rand_range(d->rand, low, high);
}

static bool percent(struct drawing *d, uint32_t p)
{
    return sim_rand_below(d->rand, 100) < p;
}

static void *zeroed(struct acc_arena *arena, size_t size)
{
    void *p = acc_arena_alloc(arena, size);

    acc_assert(p);
    return p;
}

static void timing_draw(struct drawing *d)
{
    bool is_count;
    static const char *const times[] = {"backoff_base", "backoff_cap", "reset_min",
                                        "reset_max",    "config_base", "config_cap",
                                        "start_base",   "start_cap",   "budget_window",
                                        "open",         "open_cap",    "half_open_ready"};

    acc_timing_default(&d->timing);
    d->timing.starts_in_flight = (uint32_t)range(d, 1, 8);
    d->timing.pulls_in_flight = (uint32_t)range(d, 1, 3);
    d->timing.resync = d->options->resync_ms ? d->options->resync_ms : d->timing.resync;
    for (size_t i = 0; d->options->quick_timing && i < ACC_ARRAY_LEN(times); i++) {
        uint64_t *ms = acc_timing_field(&d->timing, times[i], &is_count);

        *ms /= 10;
    }
}

static void health_draw(struct drawing *d, struct acc_service_spec *spec)
{
    if (percent(d, 45)) {
        spec->health.set = true;
        spec->health.interval_ms = (int64_t)(1000 * range(d, 2, 30));
        spec->health.timeout_ms = (int64_t)(1000 * range(d, 1, 10));
        spec->health.retries = (uint32_t)range(d, 1, 5);
        spec->health.start_period_ms = percent(d, 30) ? (int64_t)(1000 * range(d, 1, 60)) : 0;
    } else if (percent(d, 5)) {
        spec->health.disabled = true;
    }
    if (percent(d, 55)) {
        spec->n_ports = (size_t)range(d, 1, 3);
        for (size_t i = 0; i < spec->n_ports; i++) {
            spec->ports[i] = (uint16_t)(8000 + i);
        }
    }
}

static const enum acc_restart_policy policies[] = {
    ACC_RESTART_UNSET,          ACC_RESTART_UNSET,          ACC_RESTART_ALWAYS,
    ACC_RESTART_UNLESS_STOPPED, ACC_RESTART_UNLESS_STOPPED, ACC_RESTART_NO,
    ACC_RESTART_ON_FAILURE};

static void policy_draw(struct drawing *d, struct acc_service_spec *spec)
{
    if (d->options->plain) {
        return;
    }
    spec->restart = policies[range(d, 0, ACC_ARRAY_LEN(policies) - 1)];
    if (spec->restart == ACC_RESTART_ON_FAILURE && percent(d, 50)) {
        spec->restart_max = (uint32_t)range(d, 1, 5);
    }
    if (percent(d, 6)) {
        spec->replicas = (uint32_t)range(d, 0, 3);
    }
    spec->restart_on_unhealthy = percent(d, 85);
    spec->stateful = percent(d, 15);
    spec->probe = percent(d, 5) ? ACC_PROBE_NONE : ACC_PROBE_AUTO;
}

static size_t n_binds(const struct acc_service_spec *spec)
{
    size_t n = 0;

    for (size_t i = 0; i < spec->n_edges; i++) {
        n += spec->edges[i].kind == ACC_EDGE_BINDS;
    }
    return n;
}

/* Who shares with one shares with another one more often than others do at all. */
#define SECOND_BIND_PERCENT 40u

static void edge_kind_draw(struct drawing *d, bool to_job, bool is_sharer, struct acc_edge *edge)
{
    uint64_t dice = range(d, 0, 99);
    bool is_second = is_sharer && dice < SECOND_BIND_PERCENT;

    *edge = (struct acc_edge){
        .kind = ACC_EDGE_NEEDS, .required = true, .label = "", .target = ACC_NONE};
    if (to_job) {
        edge->kind = ACC_EDGE_MILESTONE;
        edge->condition = ACC_COND_COMPLETED;
    } else if (d->options->plain || (dice < 50 && !is_second)) {
        return;
    } else if (is_second) {
        edge->kind = ACC_EDGE_BINDS;
        edge->condition = ACC_COND_RUNNING;
    } else if (dice < 60) {
        edge->condition = ACC_COND_RUNNING;
    } else if (dice < 67) {
        edge->on_down = ACC_ON_DOWN_RESTART;
    } else if (dice < 73) {
        edge->on_down = ACC_ON_DOWN_STOP;
    } else if (dice < 77) {
        edge->at_create = true;
    } else if (dice < 82) {
        edge->kind = ACC_EDGE_BINDS;
        edge->condition = ACC_COND_RUNNING;
    } else if (dice < 88) {
        edge->kind = ACC_EDGE_MILESTONE;
    } else if (dice < 95) {
        edge->kind = ACC_EDGE_WANTS;
        edge->required = false;
    } else {
        edge->kind = ACC_EDGE_AFTER;
    }
}

static bool has_edge(const struct acc_service_spec *spec, const char *service, const char *stack)
{
    for (size_t i = 0; i < spec->n_edges; i++) {
        if (strcmp(spec->edges[i].service, service) == 0 &&
            strcmp(spec->edges[i].stack, stack) == 0) {
            return true;
        }
    }
    return false;
}

static void edges_draw(struct drawing *d, struct acc_stack *stack, struct acc_service_spec *spec,
                       uint32_t index)
{
    uint32_t n = (uint32_t)range(
        d, 0, d->options->edges_max < EDGES_MAX ? d->options->edges_max : EDGES_MAX);

    spec->edges = zeroed(stack->arena, (EDGES_MAX + 1) * sizeof(*spec->edges));
    for (uint32_t i = 0; i < n && index > 0; i++) {
        struct acc_edge edge;
        const struct draft *target = &d->draft[range(d, 0, index - 1)];

        edge_kind_draw(d, target->is_job, n_binds(spec) > 0, &edge);
        edge.service = acc_arena_strdup(stack->arena, target->name);
        edge.stack = d->stacks[target->stack]->name;
        if (d->options->last_apart && edge.stack != stack->name &&
            (edge.stack == d->stacks[d->n_stacks - 1]->name ||
             stack->name == d->stacks[d->n_stacks - 1]->name)) {
            continue;
        }
        if (edge.kind == ACC_EDGE_BINDS &&
            (edge.stack != stack->name || n_binds(spec) == TWIN_BOUND_MAX)) {
            continue; /* Compose knows `service:x` in one project only */
        }
        if (!has_edge(spec, edge.service, edge.stack)) {
            spec->edges[spec->n_edges++] = edge;
        }
    }
}

static void resources_draw(struct drawing *d, struct acc_stack *stack,
                           struct acc_service_spec *spec)
{
    struct acc_resource *image = &stack->resources[stack->n_resources];

    spec->image = acc_arena_printf(stack->arena, "%s/%s:1", percent(d, 10) ? "checked" : "plain",
                                   spec->name);
    *image = (struct acc_resource){
        .kind = ACC_RES_IMAGE, .key = spec->image, .name = spec->image, .platform = NULL};
    spec->resources = zeroed(stack->arena, 4 * sizeof(*spec->resources));
    spec->resources[spec->n_resources++] = (uint32_t)stack->n_resources++;
    spec->resources[spec->n_resources++] = 0; /* the default network */
    if (percent(d, 30)) {
        struct acc_resource *volume = &stack->resources[stack->n_resources];
        const char *key = acc_arena_printf(stack->arena, "v-%s", spec->name);

        *volume = (struct acc_resource){
            .kind = ACC_RES_VOLUME,
            .key = key,
            .name = acc_arena_printf(stack->arena, "%s_%s", stack->name, key)};
        spec->resources[spec->n_resources++] = (uint32_t)stack->n_resources++;
        spec->rw_mount = true;
    }
}

static bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* "needs:db needs:vault,create": a stack of its own for each phase, so names are found among all.
 */
static void edges_read(struct drawing *d, struct acc_stack *stack, struct acc_service_spec *spec,
                       const char *text)
{
    size_t n = 1;

    for (const char *at = text; *at; at++) {
        n += *at == ' ' ? 1 : 0;
    }
    spec->edges = zeroed(stack->arena, (n + 1) * sizeof(*spec->edges));
    while (*text) {
        struct acc_edge *edge = &spec->edges[spec->n_edges++];
        size_t kind_len = strcspn(text, ":") + 1;
        size_t name_len = strcspn(text + kind_len, ", ");
        const char *how = text + kind_len + name_len;

        *edge = (struct acc_edge){.kind = ACC_EDGE_NEEDS, .required = true, .label = ""};
        edge->target = ACC_NONE;
        edge->at_create = starts_with(how, ",create");
        if (starts_with(text, "wants:")) {
            edge->kind = ACC_EDGE_WANTS;
            edge->required = false;
        } else if (starts_with(text, "milestone:")) {
            edge->kind = ACC_EDGE_MILESTONE;
            edge->condition = starts_with(how, ",completed") ? ACC_COND_COMPLETED : ACC_COND_READY;
        }
        edge->service = acc_arena_printf(stack->arena, "%.*s", (int)name_len, text + kind_len);
        for (uint32_t i = 0; i < d->n; i++) {
            edge->stack = strcmp(d->draft[i].name, edge->service) == 0
                              ? d->stacks[d->draft[i].stack]->name
                              : edge->stack;
        }
        acc_assert(edge->stack);
        text = how + strcspn(how, " ");
        text += *text == ' ' ? 1 : 0;
    }
}

static void service_draw(struct drawing *d, uint32_t index)
{
    struct acc_stack *stack = d->stacks[d->draft[index].stack];
    struct acc_service_spec *spec = &stack->services[stack->n_services++];

    spec->name = acc_arena_strdup(stack->arena, d->draft[index].name);
    spec->stack = stack->name;
    /* by its number, and not by chance: what a seed is stays */
    spec->n_pre_upgrade = index % 4 == 1;
    spec->n_post_upgrade = index % 4 == 2;
    spec->id = acc_arena_printf(stack->arena, "%s/%s", stack->name, spec->name);
    for (size_t k = 0; k < 4; k++) { /* one draw a statement: arguments have no order */
        (void)snprintf(spec->spec_hash + 16 * k, sizeof(spec->spec_hash) - 16 * k, "%016" PRIx64,
                       sim_rand_u64(d->rand));
    }
    spec->replicas = 1;
    spec->restart_on_unhealthy = true;
    spec->stop_grace_ms = percent(d, 80) ? 10000 : 1000 * range(d, 1, 30);
    spec->phase = spec->tier = "";
    spec->priority = 50;
    spec->timing = d->timing;
    resources_draw(d, stack, spec);
    health_draw(d, spec);
    if (d->draft[index].is) {
        spec->restart = ACC_RESTART_UNLESS_STOPPED;
        spec->stateful = d->draft[index].is->stateful;
        spec->health.set = spec->health.set && d->draft[index].is->checked;
        edges_read(d, stack, spec, d->draft[index].is->edges);
    } else {
        policy_draw(d, spec);
        edges_draw(d, stack, spec, index);
    }
    acc_assert(!acc_arena_failed(stack->arena));
}

static void stack_draw(struct drawing *d, uint32_t index)
{
    struct acc_arena *arena = NULL;
    struct acc_stack *stack;
    int r = acc_arena_create(ARENA_CAP, &arena);

    acc_assert(r == 0);
    stack = zeroed(arena, sizeof(*stack));
    stack->arena = arena;
    stack->name = acc_arena_printf(arena, "st%u", index);
    stack->phase = "";
    stack->services = zeroed(arena, d->n * sizeof(*stack->services));
    stack->resources = zeroed(arena, (2 * d->n + 1) * sizeof(*stack->resources));
    stack->resources[stack->n_resources++] = (struct acc_resource){
        .kind = ACC_RES_NETWORK,
        .key = "default",
        .name = acc_arena_printf(arena, "%s_default", stack->name)};
    d->stacks[index] = stack;
}

/* How the service behaves; a job when the model made it one. */
static void habits_draw(struct drawing *d, const struct acc_service_spec *spec,
                        struct sim_habits *h)
{
    *h = (struct sim_habits){.listen_min = 20, .is_job = spec->one_shot};
    /* One after the other: within an initialiser C leaves their order open. */
    h->listen_max = (uint32_t)(percent(d, 80) ? range(d, 100, 5000) : range(d, 5000, 40000));
    h->healthy_max = (uint32_t)range(d, 0, 3000);
    h->crash_code = percent(d, 80) ? 1 : percent(d, 50) ? 0 : 137;
    h->dep_delay_max = (uint32_t)range(d, 100, 20000);
    h->stop_max = (uint32_t)range(d, 10, 4000);
    h->stop_code = percent(d, 50) ? 0 : 143;
    h->ignores_term = percent(d, 8);
    h->work_max = (uint32_t)range(d, 100, 8000);
    h->job_fail_pct = percent(d, 40) ? (uint32_t)range(d, 10, 80) : 0;
    h->oom = h->crash_code == 137 && percent(d, 50);
    h->early_pass = spec->health.set && spec->n_ports > 0 && percent(d, 30);
    h->never_listens = !spec->health.set && spec->probe == ACC_PROBE_AUTO &&
                       strncmp(spec->image, "checked", 7) != 0 && h->healthy_max % 12 == 0;
    h->mtbf = percent(d, 40) ? 60000 * range(d, 5, 600) : 0;
    if (percent(d, 20)) {
        h->sick_every = 60000 * range(d, 5, 300);
        h->sick_for = 1000 * range(d, 1, 300);
    }
    if (percent(d, 50)) {
        h->dep_exit_pct = (uint32_t)range(d, 0, 60);
        h->dep_sick_pct = (uint32_t)range(d, 0, 40);
        h->stuck_pct = percent(d, 30) ? (uint32_t)range(d, 0, 60) : 0;
    }
    if (spec->health.disabled || (!spec->health.set && strncmp(spec->image, "checked", 7) != 0)) {
        /* without a check nobody could ever tell that it is ill */
        h->sick_every = 0;
        h->dep_sick_pct = 0;
    }
}

static int by_name(const void *a, const void *b)
{
    const struct acc_service_spec *x = a;
    const struct acc_service_spec *y = b;

    return strcmp(x->name, y->name);
}

static void draft_random(struct drawing *d)
{
    d->n = (uint32_t)range(d, d->options->services_min, d->options->services_max);
    d->n_stacks = (uint32_t)range(d, 1, d->options->stacks_max);
    d->draft = calloc(d->n, sizeof(*d->draft));
    acc_assert(d->draft);
}

static void draft_platform(struct drawing *d)
{
    const struct sim_platform_service *is = sim_platform(&d->n);

    d->draft = calloc(d->n, sizeof(*d->draft));
    acc_assert(d->draft);
    for (uint32_t i = 0; i < d->n; i++) {
        d->n_stacks += i == 0 || strcmp(is[i].phase, is[i - 1].phase) != 0;
        d->draft[i].stack = d->n_stacks - 1;
        d->draft[i].is = &is[i];
        (void)snprintf(d->draft[i].name, sizeof(d->draft[i].name), "%s", is[i].name);
    }
}

/* One in five needs something of the host, one in four has a token. */
static void shared_draw(struct sim_rand *rand, struct acc_stack *stack,
                        struct acc_service_spec *spec)
{
    static const char *const conditions[] = {"mount:/mnt/nas", "device:/dev/card", "path:/srv/x",
                                             "network"};
    static const char *const tokens[] = {"load", "card"};

    spec->host = zeroed(stack->arena, ACC_ARRAY_LEN(conditions) * sizeof(*spec->host));
    spec->serialize = zeroed(stack->arena, ACC_ARRAY_LEN(tokens) * sizeof(*spec->serialize));
    for (size_t i = 0; i < ACC_ARRAY_LEN(conditions); i++) {
        if (sim_rand_below(rand, 18) == 0) {
            acc_assert(!acc_condition_parse(conditions[i], &spec->host[spec->n_host++].is));
        }
    }
    for (size_t i = 0; i < ACC_ARRAY_LEN(tokens); i++) {
        if (sim_rand_below(rand, 8) == 0) {
            spec->serialize[spec->n_serialize++].name = tokens[i];
        }
    }
}

/* One in four has data on the NAS, one in four on a disk. */
static void places_draw(struct sim_rand *rand, struct acc_stack *stack,
                        struct acc_service_spec *spec)
{
    static const char *const sources[] = {"/mnt/nas/data", "/srv/data"};
    struct acc_host_need *all = zeroed(stack->arena,
                                       (spec->n_host + ACC_ARRAY_LEN(sources)) * sizeof(*all));

    for (size_t i = 0; i < spec->n_host; i++) {
        all[i] = spec->host[i];
    }
    spec->host = all;
    for (size_t i = 0; i < ACC_ARRAY_LEN(sources); i++) {
        if (sim_rand_below(rand, 4) == 0) {
            spec->host[spec->n_host++].is = acc_condition_of_source(sources[i]);
        }
    }
}

/* By the layers of the graph, so that nobody depends on a later phase; one in five is in none. */
static void phases_draw(const struct sim_graph_options *options, struct acc_model *model)
{
    static const char *const names[] = {"one", "two", "three"};
    struct sim_rand rand = {.state = options->phase_seed};
    struct acc_phase_spec phases[ACC_ARRAY_LEN(names)];
    static struct acc_diags diags; /* only read when the drawing is wrong */
    uint32_t n_layers = 1;

    for (size_t i = 0; i < ACC_ARRAY_LEN(names); i++) {
        phases[i] = (struct acc_phase_spec){.name = names[i]};
        phases[i].has_gate = sim_rand_below(&rand, 2) == 0;
        phases[i].healthy_for_ms = sim_rand_below(&rand, 60000);
    }
    for (size_t i = 0; i < model->n_services; i++) {
        n_layers = model->layer[i] + 1 > n_layers ? model->layer[i] + 1 : n_layers;
    }
    for (size_t i = 0; i < model->n_services; i++) {
        bool is_in_none = sim_rand_below(&rand, 5) == 0;

        model->services[i]->phase = is_in_none
                                        ? ""
                                        : names[model->layer[i] * ACC_ARRAY_LEN(names) / n_layers];
    }
    acc_assert(acc_model_set_phases(model, phases, ACC_ARRAY_LEN(names), &diags) == 0);
}

void sim_graph_draw(struct sim_rand *rand, const struct sim_graph_options *options,
                    struct sim_graph *ret_graph)
{
    struct drawing d = {.rand = rand, .options = options};
    static struct acc_diags diags; /* only read when the drawing is wrong */
    int r;

    if (options->platform) {
        draft_platform(&d);
    } else {
        draft_random(&d);
    }
    d.stacks = calloc(d.n_stacks, sizeof(struct acc_stack *));
    acc_assert(d.stacks);
    timing_draw(&d);
    for (uint32_t i = 0; i < d.n_stacks; i++) {
        stack_draw(&d, i);
    }
    for (uint32_t i = 0; i < d.n; i++) {
        if (!d.draft[i].is) {
            d.draft[i].stack = (uint32_t)range(&d, 0, d.n_stacks - 1);
            d.draft[i].is_job = !options->plain && percent(&d, 8);
            (void)snprintf(d.draft[i].name, sizeof(d.draft[i].name), "s%02u", i);
        }
        service_draw(&d, i);
    }
    for (uint32_t i = 0; options->host_seed && i < d.n_stacks; i++) {
        struct sim_rand host_rand = {.state = options->host_seed + i};

        for (size_t k = 0; k < d.stacks[i]->n_services; k++) {
            shared_draw(&host_rand, d.stacks[i], &d.stacks[i]->services[k]);
        }
    }
    for (uint32_t i = 0; options->place_seed && i < d.n_stacks; i++) {
        struct sim_rand place_rand = {.state = options->place_seed + i};

        for (size_t k = 0; k < d.stacks[i]->n_services; k++) {
            places_draw(&place_rand, d.stacks[i], &d.stacks[i]->services[k]);
        }
    }
    for (uint32_t i = 0; i < d.n_stacks; i++) {
        qsort(d.stacks[i]->services, d.stacks[i]->n_services, sizeof(*d.stacks[i]->services),
              by_name);
    }
    memset(&diags, 0, sizeof(diags));
    r = acc_model_join(d.stacks, d.n_stacks, &ret_graph->model, &diags);
    for (size_t i = 0; r < 0 && i < diags.n; i++) {
        (void)fprintf(stderr, "%s\n", diags.item[i].text);
    }
    acc_assert(r == 0);
    if (options->phase_seed) {
        phases_draw(options, ret_graph->model);
    }
    ret_graph->habits = calloc(d.n, sizeof(*ret_graph->habits));
    acc_assert(ret_graph->habits);
    for (uint32_t i = 0; i < d.n; i++) {
        habits_draw(&d, ret_graph->model->services[i], &ret_graph->habits[i]);
    }
    free(d.draft);
    free(d.stacks);
}

void sim_graph_fini(struct sim_graph *graph)
{
    graph->model = acc_model_destroy(graph->model);
    free(graph->habits);
    graph->habits = NULL;
}
