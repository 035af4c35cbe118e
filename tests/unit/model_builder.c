#include "tests/unit/model_builder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/graph/graph.h"

#define SERVICES_MAX 16u /* of one stack */
#define EDGES_MAX    16u /* of one service */

static const enum acc_edge_kind kind_of[128] = {
    ['b'] = ACC_EDGE_BINDS, ['n'] = ACC_EDGE_NEEDS, ['m'] = ACC_EDGE_MILESTONE,
    ['w'] = ACC_EDGE_WANTS, ['a'] = ACC_EDGE_AFTER, ['c'] = ACC_EDGE_CONFLICTS,
};

static void add_edge(struct acc_stack *stack, struct acc_service_spec *service, const char *text)
{
    struct acc_edge *edge = &service->edges[service->n_edges++];
    const char *name = text + 2;

    acc_assert(service->n_edges <= EDGES_MAX && strchr("bnmwac", text[0]));
    *edge = (struct acc_edge){.kind = kind_of[(int)text[0]], .required = true, .label = ""};
    for (; *name && strchr("!*^-@", *name); name++) {
        edge->condition = *name == '!'   ? ACC_COND_RUNNING
                          : *name == '*' ? ACC_COND_COMPLETED
                                         : edge->condition;
        edge->on_down = *name == '^'   ? ACC_ON_DOWN_RESTART
                        : *name == '-' ? ACC_ON_DOWN_STOP
                                       : edge->on_down;
        edge->at_create |= *name == '@';
    }
    const char *slash = strchr(name, '/');

    if (slash) {
        edge->stack = acc_arena_strndup(stack->arena, name, (size_t)(slash - name));
        name = slash + 1;
    }
    edge->service = acc_arena_strdup(stack->arena, name);
}

static void add_word(struct acc_stack *stack, struct acc_service_spec *service, const char *word)
{
    if (word[0] != '\0' && word[1] == ':') {
        add_edge(stack, service, word);
    } else if (strcmp(word, "h") == 0) {
        service->health.set = true;
    } else if (strcmp(word, "p") == 0) {
        service->ports[service->n_ports++] = 80;
    } else if (word[0] == 'x') {
        service->replicas = (uint32_t)strtoul(word + 1, NULL, 10);
    } else if (strcmp(word, "r0") == 0) {
        service->restart = ACC_RESTART_NO;
    } else if (strncmp(word, "rf", 2) == 0) {
        service->restart = ACC_RESTART_ON_FAILURE;
        service->restart_max = (uint32_t)strtoul(word + 2, NULL, 10);
    } else if (strcmp(word, "d") == 0) {
        service->timing.upgrade_drain = 10000;
    } else if (strcmp(word, "D") == 0) {
        static const char *const command[] = {"tell", NULL};

        service->timing.upgrade_drain = 10000;
        service->drain.run = service->drain.undo = command;
    } else if (strcmp(word, "e") == 0) {
        service->exclusive = "it publishes port 80 of the host";
    } else if (strcmp(word, "A") == 0) {
        static const struct acc_auto_spec nightly = {
            .window = {{.days = 127, .begin_min = 180, .end_min = 300}},
            .n_windows = 1,
            .min_age_ms = 86400000};

        service->upgrade_auto = &nightly;
        service->timing.auto_spread = 0; /* those that look at it set it */
    } else if (strcmp(word, "B") == 0) {
        static const char *const command[] = {"save", NULL};
        static const struct acc_upgrade_hook before = {.argv = command, .limit_ms = 1000};

        service->pre_upgrade = &before;
        service->n_pre_upgrade = 1;
    } else if (strcmp(word, "P") == 0) {
        service->upgrade_pauses = true;
    } else if (strcmp(word, "s") == 0) {
        service->stateful = true;
    } else {
        acc_assert(strcmp(word, "u") == 0);
        service->restart_on_unhealthy = false;
    }
}

static struct acc_service_spec *add_service(struct acc_stack *stack, const char *name)
{
    struct acc_arena *arena = stack->arena;
    struct acc_service_spec *service = &stack->services[stack->n_services];
    uint32_t image = (uint32_t)stack->n_resources++;

    acc_assert(++stack->n_services <= SERVICES_MAX);
    service->name = acc_arena_strdup(arena, name);
    service->stack = stack->name;
    service->id = acc_arena_printf(arena, "%s/%s", stack->name, name);
    service->image = acc_arena_printf(arena, "%s:1", name);
    (void)snprintf(service->spec_hash, sizeof(service->spec_hash), "spec-of-%s", name);
    service->phase = service->tier = "";
    service->replicas = 1;
    service->stop_grace_ms = 10000;
    service->restart_on_unhealthy = true;
    acc_timing_default(&service->timing);
    service->timing.upgrade_drain = 0; /* those that look at it set it */
    service->edges = acc_arena_alloc(arena, EDGES_MAX * sizeof(*service->edges));
    service->resources = acc_arena_alloc(arena, 2 * sizeof(*service->resources));
    service->resources[service->n_resources++] = image;
    service->resources[service->n_resources++] = 0;
    stack->resources[image] = (struct acc_resource){
        .kind = ACC_RES_IMAGE, .key = service->image, .name = service->image};
    return service;
}

static struct acc_stack *build_stack(const char *text)
{
    struct acc_arena *arena = NULL;
    char *copy = strdup(text);
    char *outer = NULL;
    char *name = strtok_r(copy, ":", &outer);

    acc_assert(acc_arena_create(1u << 20, &arena) == 0);
    struct acc_stack *stack = acc_arena_alloc(arena, sizeof(*stack));

    stack->arena = arena;
    stack->name = acc_arena_strdup(arena, name);
    stack->dir = "/srv";
    stack->phase = "";
    stack->services = acc_arena_alloc(arena, SERVICES_MAX * sizeof(*stack->services));
    stack->resources = acc_arena_alloc(arena, (SERVICES_MAX + 1) * sizeof(*stack->resources));
    stack->resources[stack->n_resources++] = (struct acc_resource){
        .kind = ACC_RES_NETWORK,
        .key = "default",
        .name = acc_arena_printf(arena, "%s_default", name)};
    for (char *part = strtok_r(NULL, ";", &outer); part; part = strtok_r(NULL, ";", &outer)) {
        char *inner = NULL;
        char *word = strtok_r(part, " ", &inner);

        if (!word) {
            continue;
        }
        struct acc_service_spec *service = add_service(stack, word);

        while ((word = strtok_r(NULL, " ", &inner))) {
            add_word(stack, service, word);
        }
    }
    free(copy);
    return stack;
}

struct acc_model *model_build_n(const char *const *stacks, size_t n)
{
    struct acc_stack *built[8];
    struct acc_model *model = NULL;
    static struct acc_diags diags;
    int r;

    acc_assert(n <= ACC_ARRAY_LEN(built));
    memset(&diags, 0, sizeof(diags));
    for (size_t i = 0; i < n; i++) {
        built[i] = build_stack(stacks[i]);
    }
    r = acc_model_join(built, n, &model, &diags);
    if (r < 0) {
        (void)fprintf(stderr, "%s\n", diags.item[0].text);
    }
    acc_assert(r == 0);
    return model;
}

struct acc_model *model_build(const char *stack)
{
    return model_build_n(&stack, 1);
}

uint32_t model_index(const struct acc_model *model, const char *name)
{
    bool ambiguous;
    uint32_t index = acc_model_find(model, name, &ambiguous);

    if (index == ACC_NONE) {
        (void)fprintf(stderr, "no service %s\n", name);
    }
    acc_assert(index != ACC_NONE);
    return index;
}

void model_touch(struct acc_model *model, const char *name)
{
    struct acc_service_spec *service = model->services[model_index(model, name)];

    service->spec_hash[0] = service->spec_hash[0] == 's' ? 'S' : 's';
}
