/*
 * Tables: made from a model, sized for all that step() will ever need.
 *
 * Everything is copied out of the model into one arena. Order of services: those of the model by
 * its indexes, then those that a new file no longer has and whose containers are still to go.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/engine/internal.h"

/* Strings of one configuration: a bound, not a reservation. */
#define ARENA_MAX ((size_t)1 << 30)
/* Containers that claim a taken slot or lie beyond the replicas; beside one for each slot, which is
 * kept while the one that replaced it is watched. */
#define SPARES_MIN 64u
/* Docker's own, for what no file says a word of. */
#define ORPHAN_GRACE_MS 10000u

struct builder {
    struct acc_engine *e;
    const struct acc_model *model;
    const struct acc_engine *old;
    struct acc_leftovers left;
    bool failed;
};

static const char *keep(struct builder *b, const char *text)
{
    const char *copy = text ? acc_arena_strdup(b->e->arena, text) : NULL;

    b->failed |= text && !copy;
    return copy;
}

static void keep_takes(struct builder *b, struct service *s, const char *const *takes, size_t n)
{
    s->takes = n > 0 ? acc_arena_alloc(b->e->arena, n * sizeof(*s->takes)) : NULL;
    s->n_takes = s->takes ? (uint32_t)n : 0;
    b->failed |= n > 0 && !s->takes;
    for (uint32_t k = 0; k < s->n_takes; k++) {
        s->takes[k] = keep(b, takes[k]);
    }
}

static uint32_t stack_add(struct builder *b, const char *name)
{
    struct acc_engine *e = b->e;

    e->stacks[e->n_stacks] = (struct stack){.name = keep(b, name)};
    return e->n_stacks++;
}

static void copy_spec(struct builder *b, struct service *s, const struct acc_service_spec *spec)
{
    s->id = keep(b, spec->id);
    s->name = keep(b, spec->name);
    s->phase = keep(b, spec->phase ? spec->phase : "");
    s->tier = keep(b, spec->tier ? spec->tier : "");
    s->image = keep(b, spec->image ? spec->image : "");
    s->container_name = keep(b, spec->container_name);
    acc_copy(s->spec, sizeof(s->spec), spec->spec_hash);
    s->replicas = spec->replicas;
    s->restart = spec->restart;
    s->restart_max = spec->restart_max;
    s->one_shot = spec->one_shot;
    s->ends = spec->one_shot || spec->may_end;
    s->restart_on_unhealthy = spec->restart_on_unhealthy;
    s->stateful = spec->stateful;
    s->upgrade_order = spec->upgrade_order;
    s->upgrade_pauses = spec->upgrade_pauses;
    s->has_pre_upgrade = spec->n_pre_upgrade > 0;
    s->has_build = spec->has_build;
    s->has_image_here = acc_service_image_is_here(spec);
    s->has_post_upgrade = spec->n_post_upgrade > 0;
    s->exclusive = keep(b, spec->exclusive);
    keep_takes(b, s, spec->takes, spec->n_takes);
    s->has_drain_command = spec->drain.run != NULL;
    s->autos.is_set = spec->upgrade_auto != NULL;
    s->autos.spec = spec->upgrade_auto ? *spec->upgrade_auto : (struct acc_auto_spec){0};
    s->stop_grace_ms = spec->stop_grace_ms;
    s->health = spec->health;
    s->n_ports = (uint16_t)spec->n_ports;
    s->probe = spec->probe;
    s->priority = spec->priority;
    s->timing = spec->timing;
    s->n_waiting_codes = (uint32_t)spec->n_waiting_codes;
    s->has_post_start = spec->has_post_start;
    s->has_pre_stop = spec->has_pre_stop;
    memcpy(s->waiting_codes, spec->waiting_codes, sizeof(s->waiting_codes));
}

static void copy_removed(struct builder *b, struct service *s, const struct service *old)
{
    *s = *old;
    s->id = keep(b, old->id);
    s->name = keep(b, old->name);
    s->phase = keep(b, old->phase);
    s->tier = keep(b, old->tier);
    s->image = keep(b, old->image);
    s->container_name = keep(b, old->container_name);
    s->exclusive = keep(b, old->exclusive);
    keep_takes(b, s, old->takes, old->n_takes);
    s->replicas = 0;
    s->n_inst = 0;
    s->n_out = s->n_in = s->n_res = s->n_host = s->n_serial = 0;
    s->removed = true;
}

static void make_orphan(struct builder *b, struct service *s, const struct acc_orphan *orphan)
{
    char id[2 * ACC_NAME_MAX + 2];

    /* Docker bounds no label; what is cut is found by nobody. */
    (void)snprintf(id, sizeof(id), "%s/%s", orphan->stack, orphan->service);
    *s = (struct service){.id = keep(b, id),
                          .name = keep(b, orphan->service),
                          .phase = "",
                          .tier = "",
                          .image = "",
                          .stop_grace_ms = ORPHAN_GRACE_MS,
                          .removed = true};
    acc_timing_default(&s->timing);
}

static void service_defaults(struct service *s)
{
    s->spare = ACC_NONE;
    s->blocker = s->host_blocker = s->predecessor = ACC_NONE;
    s->incident = ACC_NONE;
    s->roll.waits_for = ACC_NONE;
    s->wake_ms = UINT64_MAX;
}

static void join_stack(struct builder *b, struct service *s, const char *stack)
{
    s->stack = acc_engine_find_stack(b->e, stack);
    if (s->stack == ACC_NONE) {
        s->stack = stack_add(b, stack);
    }
    s->stack_name = b->e->stacks[s->stack].name;
    service_defaults(s);
}

static void add_services(struct builder *b)
{
    struct acc_engine *e = b->e;

    for (uint32_t i = 0; i < b->model->n_services; i++) {
        struct service *s = &e->services[i];

        copy_spec(b, s, b->model->services[i]);
        s->stack = b->model->service_stack[i];
        s->stack_name = e->stacks[s->stack].name;
        s->n_inst = s->replicas;
        service_defaults(s);
    }
    for (uint32_t k = 0; k < b->left.n_removed; k++) {
        const struct service *old = &b->old->services[b->left.removed[k]];
        struct service *s = &e->services[b->model->n_services + k];

        copy_removed(b, s, old);
        join_stack(b, s, old->stack_name);
    }
    for (uint32_t k = 0; k < b->left.n_orphans; k++) {
        struct service *s = &e->services[b->model->n_services + b->left.n_removed + k];

        make_orphan(b, s, &b->left.orphans[k]);
        join_stack(b, s, b->left.orphans[k].stack);
    }
}

static void add_instances(struct builder *b)
{
    struct acc_engine *e = b->e;
    uint32_t at = 0;

    for (uint32_t v = 0; v < e->n_services; v++) {
        struct service *s = &e->services[v];

        s->first_inst = at;
        for (uint32_t k = 0; k < s->n_inst; k++, at++) {
            e->inst[at] = (struct instance){
                .svc = v, .slot = k + 1, .next_spare = ACC_NONE, .exit_code = -1};
        }
    }
    e->n_slots = at;
    e->free_spare = ACC_NONE;
    for (uint32_t i = e->n_inst; i > e->n_slots; i--) {
        e->inst[i - 1] = (struct instance){
            .svc = ACC_NONE, .is_spare = true, .next_spare = e->free_spare};
        e->free_spare = i - 1;
    }
}

static void add_edge(struct acc_engine *e, uint32_t *at, const struct edge *edge)
{
    e->edges[(*at)++] = *edge;
    e->services[edge->from].n_out++;
    e->services[edge->to].n_in++;
}

/* Those between services that have left together: they stop in order, too. */
static void add_edges_of_removed(struct builder *b, uint32_t *at)
{
    struct acc_engine *e = b->e;
    uint32_t *now = b->left.n_removed > 0 ? malloc(b->old->n_services * sizeof(*now)) : NULL;

    b->failed |= b->left.n_removed > 0 && !now;
    for (uint32_t v = 0; now && v < b->old->n_services; v++) {
        now[v] = ACC_NONE;
    }
    for (uint32_t k = 0; now && k < b->left.n_removed; k++) {
        now[b->left.removed[k]] = (uint32_t)b->model->n_services + k;
    }
    for (uint32_t k = 0; now && k < b->left.n_removed; k++) {
        const struct service *old = &b->old->services[b->left.removed[k]];
        uint32_t v = now[b->left.removed[k]];

        e->services[v].first_out = *at;
        acc_each_out (b->old, old, edge) {
            struct edge kept = *edge;

            kept.from = v;
            kept.to = now[edge->to];
            if (kept.to != ACC_NONE) {
                add_edge(e, at, &kept);
            }
        }
    }
    free(now);
}

static void add_edges(struct builder *b)
{
    struct acc_engine *e = b->e;
    uint32_t at = 0;

    for (uint32_t v = 0; v < b->model->n_services; v++) {
        const struct acc_service_spec *spec = b->model->services[v];

        e->services[v].first_out = at;
        for (size_t k = 0; k < spec->n_edges; k++) {
            const struct acc_edge *edge = &spec->edges[k];

            if (edge->target == ACC_NONE) {
                continue;
            }
            add_edge(e, &at,
                     &(struct edge){v, edge->target, edge->kind, edge->condition, edge->on_down,
                                    edge->at_create, edge->is_link});
        }
    }
    add_edges_of_removed(b, &at);
    e->n_edges = at;
    at = 0;
    for (uint32_t v = 0; v < e->n_services; v++) {
        e->services[v].first_in = at;
        at += e->services[v].n_in;
        e->services[v].n_in = 0;
    }
    for (uint32_t k = 0; k < e->n_edges; k++) {
        struct service *to = &e->services[e->edges[k].to];

        e->in[to->first_in + to->n_in++] = k;
    }
}

static void add_resources(struct builder *b)
{
    struct acc_engine *e = b->e;
    uint32_t at = 0;

    for (uint32_t r = 0; r < b->model->n_resources; r++) {
        const struct acc_resource *from = b->model->resources[r];

        e->res[r] = (struct resource){.kind = from->kind,
                                      .stack = from->stack,
                                      .key = keep(b, from->key ? from->key : ""),
                                      .name = keep(b, from->name ? from->name : ""),
                                      .external = from->external};
    }
    for (uint32_t k = 0; k < b->model->n_stacks; k++) {
        e->stacks[k].first_res = b->model->resource_base ? b->model->resource_base[k] : 0;
        e->stacks[k].n_res = (uint32_t)b->model->stacks[k]->n_resources;
    }
    for (uint32_t v = 0; v < b->model->n_services; v++) {
        const struct acc_service_spec *spec = b->model->services[v];

        e->services[v].first_res = at;
        e->services[v].n_res = (uint32_t)spec->n_resources;
        for (size_t k = 0; k < spec->n_resources; k++) {
            e->svc_res[at++] = e->stacks[e->services[v].stack].first_res + spec->resources[k];
        }
    }
}

/* Who uses what: the reverse of svc_res. */
static void add_users(struct acc_engine *e)
{
    uint32_t at = 0;

    for (uint32_t v = 0; v < e->n_services; v++) {
        for (uint32_t k = 0; k < e->services[v].n_res; k++) {
            e->res[e->svc_res[e->services[v].first_res + k]].n_users++;
        }
    }
    for (uint32_t r = 0; r < e->n_res; r++) {
        e->res[r].first_user = at;
        at += e->res[r].n_users;
        e->res[r].n_users = 0;
    }
    for (uint32_t v = 0; v < e->n_services; v++) {
        for (uint32_t k = 0; k < e->services[v].n_res; k++) {
            struct resource *res = &e->res[e->svc_res[e->services[v].first_res + k]];

            e->res_svc[res->first_user + res->n_users++] = v;
        }
    }
}

static void add_phases(struct builder *b)
{
    struct acc_engine *e = b->e;

    e->n_phases = (uint32_t)b->model->n_phases;
    for (uint32_t k = 0; k < e->n_phases; k++) {
        const struct acc_phase_spec *spec = &b->model->phases[k];

        e->phases[k] = (struct phase){.name = keep(b, spec->name),
                                      .rollback = spec->rollback,
                                      .has_gate = spec->has_gate,
                                      .healthy_for_ms = spec->healthy_for_ms};
    }
    if (!b->failed) {
        acc_phases_begin(e);
    }
}

/* The model's order; what the file no longer has goes first: it depends on nothing any more. */
static void add_order(struct builder *b)
{
    struct acc_engine *e = b->e;
    uint32_t at = 0;

    for (uint32_t v = (uint32_t)b->model->n_services; v < e->n_services; v++) {
        e->order[at++] = v;
    }
    for (uint32_t k = 0; k < b->model->n_services; k++) {
        e->order[at++] = b->model->order ? b->model->order[k] : k;
    }
    for (uint32_t k = 0; k < e->n_services; k++) {
        e->services[e->order[k]].pos = k;
        acc_index_put(&e->by_id, acc_hash_text(e->services[k].id), k);
        acc_index_put(&e->by_name, acc_hash_text(e->services[k].name), k);
    }
}

static void add_nicks(struct acc_engine *e)
{
    for (uint32_t v = 0; v < e->n_services; v++) {
        struct service *s = &e->services[v];
        uint32_t pos = UINT32_MAX;

        s->nick = s->name;
        for (uint32_t w;
             (w = acc_index_next(&e->by_name, acc_hash_text(s->name), &pos)) != ACC_NONE;) {
            if (w != v && strcmp(e->services[w].name, s->name) == 0) {
                s->nick = s->id;
            }
        }
    }
}

static void count(struct builder *b)
{
    const struct acc_model *model = b->model;
    struct acc_engine *e = b->e;
    size_t n_edges = 0;
    size_t n_slots = 0;

    for (uint32_t v = 0; v < model->n_services; v++) {
        n_edges += model->services[v]->n_edges;
        n_slots += model->services[v]->replicas;
    }
    for (uint32_t k = 0; k < b->left.n_removed; k++) {
        n_edges += b->old->services[b->left.removed[k]].n_out;
    }
    e->n_services = (uint32_t)model->n_services + b->left.n_removed + b->left.n_orphans;
    e->n_edges = (uint32_t)n_edges;
    e->n_res = (uint32_t)model->n_resources;
    e->n_inst = (uint32_t)(2 * n_slots + SPARES_MIN) + b->left.n_spares;
    /* a source and its mount may both have one for a moment */
    e->n_incidents = e->n_services + 2 * (uint32_t)model->n_conditions + 2 +
                     ACC_CLOSED_INCIDENTS_MAX;
}

static size_t count_svc_res(const struct acc_model *model)
{
    size_t n = 0;

    for (uint32_t v = 0; v < model->n_services; v++) {
        n += model->services[v]->n_resources;
    }
    return n;
}

static int alloc_tables(struct builder *b)
{
    struct acc_engine *e = b->e;
    size_t n = e->n_services;

    e->stacks = calloc(b->model->n_stacks + b->left.n_removed + b->left.n_orphans + 1,
                       sizeof(*e->stacks));
    e->services = calloc(n + 1, sizeof(*e->services));
    e->inst = calloc(e->n_inst + 1, sizeof(*e->inst));
    e->res = calloc(e->n_res + 1, sizeof(*e->res));
    e->edges = calloc(e->n_edges + 1, sizeof(*e->edges));
    e->in = calloc(e->n_edges + 1, sizeof(*e->in));
    e->svc_res = calloc(count_svc_res(b->model) + 1, sizeof(*e->svc_res));
    e->res_svc = calloc(count_svc_res(b->model) + 1, sizeof(*e->res_svc));
    e->order = calloc(n + 1, sizeof(*e->order));
    e->incidents = calloc(e->n_incidents, sizeof(*e->incidents));
    e->phases = calloc(b->model->n_phases + 1, sizeof(*e->phases));
    e->scratch = calloc(n + 1, sizeof(*e->scratch));
    if (!e->stacks || !e->services || !e->inst || !e->res || !e->edges || !e->in || !e->svc_res ||
        !e->res_svc || !e->order || !e->incidents || !e->scratch || !e->phases) {
        return -ENOMEM;
    }
    /* An operation or a probe of each instance, an operation of each resource, a pull of each
     * service. */
    if (acc_index_init(&e->by_cid, e->n_inst) < 0 || acc_index_init(&e->by_id, n) < 0 ||
        acc_index_init(&e->by_op, 2 * (size_t)e->n_inst + e->n_res + n) < 0 ||
        acc_bits_init(&e->dirty, n) < 0 || acc_bits_init(&e->act, n) < 0 ||
        acc_bits_init(&e->unchecked, n) < 0 || acc_index_init(&e->by_name, n) < 0 ||
        acc_bits_init(&e->res_due[0], e->n_res) < 0 ||
        acc_bits_init(&e->res_due[1], e->n_res) < 0 ||
        acc_bits_init(&e->res_due[2], e->n_res) < 0 || acc_heap_init(&e->wakes, n) < 0) {
        return -ENOMEM;
    }
    for (int k = 0; k < TOKEN_COUNT; k++) {
        if (acc_bits_init(&e->queued[k], n) < 0) {
            return -ENOMEM;
        }
    }
    return 0;
}

/* The times that aren't of one service. */
static const char *const global_times[] = {
    "starts_in_flight", "pulls_in_flight", "boot_grace",         "resync",
    "config_base",      "config_cap",      "start_base",         "start_cap",
    "incident_notify",  "incident_close",  "rollouts_in_flight",
};

/* What all services say alike is meant for all of them together; one alone can't say it. */
static void agree(const struct acc_model *model, const char *key, struct acc_timing *timing)
{
    bool is_count = false;
    void *field = acc_timing_field(timing, key, &is_count);
    size_t size = is_count ? sizeof(uint32_t) : sizeof(uint64_t);
    const void *first = acc_timing_field(&model->services[0]->timing, key, &is_count);

    for (size_t i = 1; i < model->n_services; i++) {
        if (memcmp(first, acc_timing_field(&model->services[i]->timing, key, &is_count), size) !=
            0) {
            return;
        }
    }
    memcpy(field, first, size);
}

static void global_timing(struct acc_engine *e, const struct acc_model *model)
{
    acc_timing_default(&e->timing);
    if (model->has_timing) {
        e->timing = model->timing;
    }
    for (size_t i = 0; i < ACC_ARRAY_LEN(global_times); i++) {
        if (!model->has_timing && model->n_services > 0) {
            agree(model, global_times[i], &e->timing);
        }
    }
    if (e->timing.starts_in_flight == 0) {
        e->timing.starts_in_flight = 8;
    }
    if (e->timing.pulls_in_flight == 0) {
        e->timing.pulls_in_flight = 1;
    }
    if (e->timing.rollouts_in_flight == 0) {
        e->timing.rollouts_in_flight = 1;
    }
}

int acc_build(const struct acc_model *model, const struct acc_engine *old,
              const struct acc_leftovers *left, struct acc_engine **ret_engine)
{
    struct builder b = {calloc(1, sizeof(*b.e)), model, old, *left, false};

    if (!b.e) {
        return -ENOMEM;
    }
    count(&b);
    if (acc_arena_create(ARENA_MAX, &b.e->arena) < 0 || alloc_tables(&b) < 0) {
        acc_engine_destroy(b.e);
        return -ENOMEM;
    }
    for (uint32_t k = 0; k < model->n_stacks; k++) {
        stack_add(&b, model->stacks[k]->name);
    }
    add_services(&b);
    add_instances(&b);
    add_edges(&b);
    add_resources(&b);
    add_users(b.e);
    add_phases(&b);
    if (b.failed || acc_build_shared(b.e, model) < 0) {
        acc_engine_destroy(b.e);
        return -ENOMEM;
    }
    add_order(&b);
    add_nicks(b.e);
    global_timing(b.e, model);
    b.e->engine_incident = ACC_NONE;
    b.e->closed_first = b.e->closed_last = ACC_NONE;
    b.e->heal_tokens = ACC_HEAL_BURST;
    *ret_engine = b.e;
    return 0;
}

int acc_engine_create(const struct acc_model *model, const struct acc_engine_options *options,
                      struct acc_engine **ret_engine)
{
    const struct acc_leftovers none = {0};
    struct acc_engine *e = NULL;
    int r = acc_build(model, NULL, &none, &e);

    if (r < 0) {
        return r;
    }
    e->random = options->seed;
    e->next_op = options->first_op ? options->first_op : 1;
    e->observe_new = options->observe_new;
    acc_copy(e->asked_by, sizeof(e->asked_by), "file");
    e->hash = ACC_HASH_START;
    for (uint32_t v = 0; v < e->n_services; v++) {
        e->services[v].wanted_up = true;
    }
    *ret_engine = e;
    return 0;
}

struct acc_engine *acc_engine_destroy(struct acc_engine *engine)
{
    if (!engine) {
        return NULL;
    }
    acc_arena_destroy(engine->arena);
    free(engine->stacks);
    free(engine->services);
    free(engine->inst);
    free(engine->res);
    free(engine->edges);
    free(engine->in);
    free(engine->svc_res);
    free(engine->res_svc);
    free(engine->order);
    free(engine->incidents);
    free(engine->phases);
    free(engine->scratch);
    acc_destroy_shared(engine);
    acc_index_fini(&engine->by_cid);
    acc_index_fini(&engine->by_id);
    acc_index_fini(&engine->by_op);
    acc_bits_fini(&engine->dirty);
    acc_bits_fini(&engine->unchecked);
    acc_bits_fini(&engine->act);
    for (int k = 0; k < TOKEN_COUNT; k++) {
        acc_bits_fini(&engine->queued[k]);
    }
    acc_index_fini(&engine->by_name);
    for (int k = 0; k < RES_KINDS; k++) {
        acc_bits_fini(&engine->res_due[k]);
    }
    acc_heap_fini(&engine->wakes);
    free(engine);
    return NULL;
}

uint32_t acc_engine_find_stack(const struct acc_engine *e, const char *name)
{
    for (uint32_t k = 0; k < e->n_stacks; k++) {
        if (strcmp(e->stacks[k].name, name) == 0) {
            return k;
        }
    }
    return ACC_NONE;
}

uint32_t acc_find_service(const struct acc_engine *e, const char *stack, const char *name)
{
    uint64_t hash = acc_hash_bytes(acc_hash_bytes(acc_hash_text(stack), "/", 1), name,
                                   strlen(name));
    uint32_t pos = UINT32_MAX;

    for (uint32_t v; (v = acc_index_next(&e->by_id, hash, &pos)) != ACC_NONE;) {
        if (strcmp(e->services[v].name, name) == 0 &&
            strcmp(e->services[v].stack_name, stack) == 0) {
            return v;
        }
    }
    return ACC_NONE;
}

struct instance *acc_find_cid(const struct acc_engine *e, const char *cid)
{
    uint64_t hash = acc_hash_text(cid);
    uint32_t pos = UINT32_MAX;

    for (uint32_t i; (i = acc_index_next(&e->by_cid, hash, &pos)) != ACC_NONE;) {
        if (strcmp(e->inst[i].cid, cid) == 0) {
            return &e->inst[i];
        }
    }
    return NULL;
}

struct instance *acc_spare_take(struct acc_engine *e, struct service *s, uint32_t slot)
{
    uint32_t at = e->free_spare;

    if (at == ACC_NONE) {
        return NULL;
    }
    e->free_spare = e->inst[at].next_spare;
    e->inst[at] = (struct instance){.svc = acc_svc_index(e, s),
                                    .slot = slot,
                                    .is_spare = true,
                                    .next_spare = s->spare,
                                    .exit_code = -1};
    s->spare = at;
    return &e->inst[at];
}

void acc_spare_drop(struct acc_engine *e, struct service *s, struct instance *i)
{
    uint32_t at = acc_inst_index(e, i);
    uint32_t *link = &s->spare;

    while (*link != at) {
        acc_assert(*link != ACC_NONE);
        link = &e->inst[*link].next_spare;
    }
    *link = i->next_spare;
    *i = (struct instance){.svc = ACC_NONE, .is_spare = true, .next_spare = e->free_spare};
    e->free_spare = at;
}
