#include "lib/graph/graph.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/str.h"
#include "lib/graph/cycle.h"
#include "lib/graph/shared.h"

/* A service or a stack by name; sorted arrays of these are the only index that is needed. */
struct name {
    const char *stack;
    const char *name; /* "" for a stack */
    uint32_t index;
};

struct joiner {
    struct acc_model *model;
    struct acc_diags *diags;
    struct name *services;
    struct name *stacks;
    size_t *edge_of; /* per target: 1 + the edge of the service at hand, so that pairs are unique */
};

static int compare_names(const void *a, const void *b)
{
    const struct name *x = a;
    const struct name *y = b;
    int order = strcmp(x->stack, y->stack);

    return order ? order : strcmp(x->name, y->name);
}

static uint32_t lookup(const struct name *names, size_t n, const char *stack, const char *name)
{
    struct name key = {.stack = stack, .name = name};
    const struct name *found = bsearch(&key, names, n, sizeof(*names), compare_names);

    return found ? found->index : ACC_NONE;
}

static int count(struct joiner *j)
{
    struct acc_model *model = j->model;
    size_t n_services = 0;
    size_t n_resources = 0;

    for (size_t i = 0; i < model->n_stacks; i++) {
        n_services += model->stacks[i]->n_services;
        n_resources += model->stacks[i]->n_resources;
    }
    if (model->n_stacks > ACC_STACKS_MAX || n_services > ACC_SERVICES_MAX) {
        const struct acc_stack *last = model->stacks[model->n_stacks - 1];

        acc_diags_add(j->diags, (struct acc_srcpos){.file = last->n_files ? last->files[0] : NULL},
                      "%zu stacks with %zu services are too many; at most %u and %u",
                      model->n_stacks, n_services, ACC_STACKS_MAX, ACC_SERVICES_MAX);
        return -EINVAL;
    }
    model->n_services = n_services;
    model->n_resources = n_resources;
    model->services = calloc(n_services + 1, sizeof(*model->services));
    model->service_stack = calloc(n_services + 1, sizeof(*model->service_stack));
    model->resources = calloc(n_resources + 1, sizeof(*model->resources));
    model->resource_base = calloc(model->n_stacks + 1, sizeof(*model->resource_base));
    model->order = calloc(n_services + 1, sizeof(*model->order));
    model->layer = calloc(n_services + 1, sizeof(*model->layer));
    j->services = calloc(n_services + 1, sizeof(*j->services));
    j->stacks = calloc(model->n_stacks + 1, sizeof(*j->stacks));
    j->edge_of = calloc(n_services + 1, sizeof(*j->edge_of));
    return model->services && model->service_stack && model->resources && model->resource_base &&
                   model->order && model->layer && j->services && j->stacks && j->edge_of
               ? 0
               : -ENOMEM;
}

static void number_all(struct joiner *j)
{
    struct acc_model *model = j->model;
    uint32_t service = 0;
    uint32_t resource = 0;

    for (uint32_t i = 0; i < model->n_stacks; i++) {
        struct acc_stack *stack = model->stacks[i];

        j->stacks[i] = (struct name){stack->name, "", i};
        model->resource_base[i] = resource;
        for (size_t k = 0; k < stack->n_resources; k++) {
            stack->resources[k].stack = i;
            model->resources[resource++] = &stack->resources[k];
        }
        for (size_t k = 0; k < stack->n_services; k++) {
            model->services[service] = &stack->services[k];
            model->service_stack[service] = i;
            j->services[service] = (struct name){stack->name, stack->services[k].name, service};
            service++;
        }
    }
    qsort(j->stacks, model->n_stacks, sizeof(*j->stacks), compare_names);
    qsort(j->services, model->n_services, sizeof(*j->services), compare_names);
}

static void refuse_twin_stacks(struct joiner *j)
{
    for (size_t i = 1; i < j->model->n_stacks; i++) {
        const struct acc_stack *a = j->model->stacks[j->stacks[i - 1].index];
        const struct acc_stack *b = j->model->stacks[j->stacks[i].index];

        if (strcmp(a->name, b->name) == 0) {
            acc_diags_add(j->diags, (struct acc_srcpos){.file = b->n_files ? b->files[0] : NULL},
                          "stack '%s' is also defined by %s; give one of them another name",
                          b->name, a->n_files ? a->files[0] : "another file");
        }
    }
}

/* The engine has one namespace of container names for all projects. */
static int refuse_twin_containers(struct joiner *j)
{
    struct acc_model *model = j->model;
    struct name *names = calloc(model->n_services + 1, sizeof(*names));
    size_t n = 0;

    if (!names) {
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < model->n_services; i++) {
        if (model->services[i]->container_name) {
            names[n++] = (struct name){model->services[i]->container_name, "", i};
        }
    }
    qsort(names, n, sizeof(*names), compare_names);
    for (size_t i = 1; i < n; i++) {
        bool in_order = names[i - 1].index < names[i].index; /* qsort is not stable */
        const struct acc_service_spec *a = model->services[names[in_order ? i - 1 : i].index];
        const struct acc_service_spec *b = model->services[names[in_order ? i : i - 1].index];

        if (strcmp(names[i - 1].stack, names[i].stack) == 0) {
            acc_diags_add(j->diags, b->pos,
                          "services '%s' and '%s' both have the container_name '%s'", a->id, b->id,
                          b->container_name);
        }
    }
    free(names);
    return 0;
}

/* The nearest service name of one stack; NULL when none is near. */
static const char *nearest_service(const struct acc_stack *stack, const char *word)
{
    const char **names = calloc(stack->n_services + 1, sizeof(*names));
    const char *found = NULL;

    if (names) { /* without memory there is just no suggestion */
        for (size_t i = 0; i < stack->n_services; i++) {
            names[i] = stack->services[i].name;
        }
        found = acc_nearest(word, names, stack->n_services);
        free(names);
    }
    return found;
}

static const char *nearest_stack(const struct joiner *j, const char *word)
{
    const char *names[ACC_STACKS_MAX];

    for (size_t i = 0; i < j->model->n_stacks; i++) {
        names[i] = j->stacks[i].stack;
    }
    return acc_nearest(word, names, j->model->n_stacks);
}

/* Another stack's service of that name: the user forgot to say which stack. */
static const char *elsewhere(const struct joiner *j, const char *name)
{
    for (size_t i = 0; i < j->model->n_services; i++) {
        if (strcmp(j->services[i].name, name) == 0) {
            return j->model->services[j->services[i].index]->id;
        }
    }
    return NULL;
}

static void tell_unknown(struct joiner *j, const struct acc_service_spec *service,
                         const struct acc_edge *edge)
{
    const char *stack_name = edge->stack ? edge->stack : service->stack;
    uint32_t stack = lookup(j->stacks, j->model->n_stacks, stack_name, "");
    const char *near = NULL;
    const char *what = edge->kind == ACC_EDGE_CONFLICTS ? "conflicts with" : "depends on";

    if (j->diags->n == ACC_DIAGS_MAX) { /* it will only be counted: spare the search */
        acc_diags_add(j->diags, edge->pos, "unknown service '%s'", edge->service);
        return;
    }
    if (stack == ACC_NONE) {
        near = nearest_stack(j, stack_name);
        acc_diags_add(j->diags, edge->pos,
                      "service '%s' %s '%s/%s', but there is no stack '%s'%s%s%s", service->id,
                      what, stack_name, edge->service, stack_name, near ? "; did you mean '" : "",
                      near ? near : "", near ? "'?" : "");
        return;
    }
    near = edge->stack ? NULL : elsewhere(j, edge->service);
    near = near ? near : nearest_service(j->model->stacks[stack], edge->service);
    acc_diags_add(j->diags, edge->pos, "service '%s' %s undefined service '%s%s%s'%s%s%s",
                  edge->stack ? service->id : service->name, what, edge->stack ? edge->stack : "",
                  edge->stack ? "/" : "", edge->service, near ? "; did you mean '" : "",
                  near ? near : "", near ? "'?" : "");
}

/* One edge for a pair of services: the strongest kind, with the strictest of what both ask. */
static void merge_edges(struct acc_edge *into, const struct acc_edge *other)
{
    const struct acc_edge *strong = other->kind < into->kind ? other : into;
    const struct acc_edge *weak = strong == into ? other : into;
    struct acc_edge merged = *strong;

    if (weak->kind <= ACC_EDGE_NEEDS && weak->condition == ACC_COND_READY &&
        strong->condition == ACC_COND_RUNNING) {
        merged.condition = ACC_COND_READY; /* network_mode: service:vpn, and vpn must be healthy */
    }
    if (weak->on_down > merged.on_down) {
        merged.on_down = weak->on_down;
    }
    merged.at_create = into->at_create && other->at_create;
    merged.is_link = into->is_link || other->is_link;
    merged.required = into->required || other->required;
    if (merged.label[0] == '\0') {
        merged.label = weak->label;
    }
    *into = merged;
}

static void take_edge(struct joiner *j, struct acc_service_spec *service, size_t *n,
                      const struct acc_edge *edge)
{
    size_t *slot = &j->edge_of[edge->target];
    struct acc_edge *twin = *slot ? &service->edges[*slot - 1] : NULL;

    if (!twin) {
        service->edges[(*n)++] = *edge;
        *slot = *n;
        return;
    }
    if ((twin->kind == ACC_EDGE_CONFLICTS) != (edge->kind == ACC_EDGE_CONFLICTS)) {
        acc_diags_add(j->diags, edge->pos, "service '%s' both needs and conflicts with '%s'",
                      service->id, edge->service);
        return;
    }
    merge_edges(twin, edge);
}

/* Edges whose target is not there and need not be there are dropped, so that everybody behind can
 * index by `target`. */
static void resolve_edges(struct joiner *j, struct acc_service_spec *service)
{
    struct acc_model *model = j->model;
    size_t n = 0;

    for (size_t i = 0; i < service->n_edges; i++) {
        struct acc_edge edge = service->edges[i]; /* a copy: its place may be overwritten */
        const char *stack = edge.stack ? edge.stack : service->stack;

        edge.label = edge.label ? edge.label : "";
        edge.target = lookup(j->services, model->n_services, stack, edge.service);
        if (edge.target == ACC_NONE) {
            if (edge.required) {
                tell_unknown(j, service, &edge);
            }
            continue;
        }
        if (edge.condition == ACC_COND_COMPLETED) {
            model->services[edge.target]->one_shot = true;
        }
        take_edge(j, service, &n, &edge);
    }
    for (size_t i = 0; i < n; i++) {
        j->edge_of[service->edges[i].target] = 0;
    }
    service->n_edges = n;
}

/* A milestone is met for good by exit 0 (E3), so its target may end so, unless its file wants it
 * kept up or somebody needs it beyond that. */
static void mark_ends(struct acc_model *model)
{
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < model->n_services; i++) {
            for (size_t k = 0; k < model->services[i]->n_edges; k++) {
                const struct acc_edge *edge = &model->services[i]->edges[k];
                struct acc_service_spec *target = model->services[edge->target];

                if (pass == 0 && edge->kind == ACC_EDGE_MILESTONE) {
                    target->may_end = target->restart == ACC_RESTART_UNSET ||
                                      target->restart == ACC_RESTART_NO;
                } else if (pass == 1 &&
                           (edge->kind == ACC_EDGE_NEEDS || edge->kind == ACC_EDGE_BINDS)) {
                    target->may_end = false;
                }
            }
        }
    }
}

/* Kahn's algorithm from the leaves. */
struct sorter {
    uint32_t *waits_for; /* per service: dependencies not done */
    size_t *base;        /* the dependents of i: dependents[base[i] .. base[i + 1]] */
    uint32_t *dependents;
    uint32_t *queue;
    uint32_t *per_layer;
};

static int sorter_init(struct sorter *s, const struct acc_model *model)
{
    size_t n = model->n_services;
    size_t n_edges = 0;

    for (size_t i = 0; i < n; i++) {
        n_edges += model->services[i]->n_edges;
    }
    *s = (struct sorter){
        .waits_for = calloc(n + 1, sizeof(*s->waits_for)),
        .base = calloc(n + 2, sizeof(*s->base)),
        .dependents = calloc(n_edges + 1, sizeof(*s->dependents)),
        .queue = calloc(n + 1, sizeof(*s->queue)),
        .per_layer = calloc(n + 2, sizeof(*s->per_layer)),
    };
    return s->waits_for && s->base && s->dependents && s->queue && s->per_layer ? 0 : -ENOMEM;
}

static void sorter_fini(struct sorter *s)
{
    free(s->waits_for);
    free(s->base);
    free(s->dependents);
    free(s->queue);
    free(s->per_layer);
}

/* Turn the edges round. Counted two places up, so that filling leaves base[i] as the start of i. */
static void collect_dependents(struct sorter *s, const struct acc_model *model)
{
    for (size_t i = 0; i < model->n_services; i++) {
        for (size_t k = 0; k < model->services[i]->n_edges; k++) {
            if (acc_edge_orders(&model->services[i]->edges[k])) {
                s->base[model->services[i]->edges[k].target + 2]++;
                s->waits_for[i]++;
            }
        }
    }
    for (size_t i = 2; i < model->n_services + 2; i++) {
        s->base[i] += s->base[i - 1];
    }
    for (uint32_t i = 0; i < model->n_services; i++) {
        for (size_t k = 0; k < model->services[i]->n_edges; k++) {
            if (acc_edge_orders(&model->services[i]->edges[k])) {
                s->dependents[s->base[model->services[i]->edges[k].target + 1]++] = i;
            }
        }
    }
}

static void find_layers(struct sorter *s, struct acc_model *model)
{
    uint32_t n_done = 0;

    for (uint32_t i = 0; i < model->n_services; i++) {
        if (s->waits_for[i] == 0) {
            s->queue[n_done++] = i;
        }
    }
    for (uint32_t head = 0; head < n_done; head++) {
        uint32_t i = s->queue[head];

        for (size_t k = s->base[i]; k < s->base[i + 1]; k++) {
            uint32_t dependent = s->dependents[k];

            if (model->layer[dependent] < model->layer[i] + 1) {
                model->layer[dependent] = model->layer[i] + 1;
            }
            if (--s->waits_for[dependent] == 0) {
                s->queue[n_done++] = dependent;
            }
        }
    }
    acc_assert(n_done == model->n_services); /* cycles were refused before */
}

static int put_in_order(struct acc_model *model)
{
    struct sorter s;
    int r = sorter_init(&s, model);

    if (r == 0) {
        collect_dependents(&s, model);
        find_layers(&s, model);
        /* By layer, and by index within it: the same order on every host. */
        for (size_t i = 0; i < model->n_services; i++) {
            s.per_layer[model->layer[i] + 1]++;
        }
        for (size_t i = 1; i < model->n_services + 1; i++) {
            s.per_layer[i] += s.per_layer[i - 1];
        }
        for (uint32_t i = 0; i < model->n_services; i++) {
            model->order[s.per_layer[model->layer[i]]++] = i;
        }
    }
    sorter_fini(&s);
    return r;
}

static int join(struct joiner *j)
{
    size_t n_errors = j->diags->n_errors;
    int r = count(j);

    if (r < 0) {
        return r;
    }
    number_all(j);
    refuse_twin_stacks(j);
    r = refuse_twin_containers(j);
    if (r < 0) {
        return r;
    }
    for (size_t i = 0; i < j->model->n_services; i++) {
        resolve_edges(j, j->model->services[i]);
    }
    mark_ends(j->model);
    r = acc_shared_join(j->model, j->diags);
    if (r == -ENOMEM) {
        return r;
    }
    r = acc_cycles_refuse(j->model, j->diags);
    if (r < 0) {
        return r;
    }
    return j->diags->n_errors > n_errors ? -EINVAL : put_in_order(j->model);
}

int acc_model_join(struct acc_stack **stacks, size_t n_stacks, struct acc_model **ret_model,
                   struct acc_diags *diags)
{
    struct joiner j = {.diags = diags, .model = calloc(1, sizeof(*j.model))};

    if (j.model) {
        j.model->stacks = calloc(n_stacks + 1, sizeof(*j.model->stacks));
    }
    if (!j.model || !j.model->stacks) {
        for (size_t i = 0; i < n_stacks; i++) {
            acc_stack_destroy(stacks[i]);
        }
        acc_model_destroy(j.model);
        return -ENOMEM;
    }
    memcpy(j.model->stacks, stacks, n_stacks * sizeof(*stacks));
    j.model->n_stacks = n_stacks;

    int r = join(&j);

    free(j.services);
    free(j.stacks);
    free(j.edge_of);
    if (r < 0) {
        acc_model_destroy(j.model);
        return r;
    }
    *ret_model = j.model;
    return 0;
}
