#include "lib/graph/cycle.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"

/* Room that a line of a path leaves for the advice behind it. */
#define PATH_LINE_MAX (ACC_DIAG_TEXT_MAX - 160)

struct finder {
    const struct acc_model *model;
    size_t *edge_base; /* number of each service's first edge */
    bool *dropped;     /* by edge number: already advised to be dropped */
    /* Tarjan, without recursion: ten thousand services in a row must not need a deep stack. */
    uint32_t *number; /* 0: not visited */
    uint32_t *low;
    uint32_t *component; /* ACC_NONE while open */
    uint32_t *open;      /* stack of nodes whose component is not known */
    uint32_t *walk;      /* the path from the root of the search */
    size_t *next_edge;   /* per node on the walk */
    uint32_t *size;      /* services per component */
    uint32_t *parent;    /* breadth-first search: where a node was reached from */
    size_t n_open, n_walk;
    uint32_t n_numbers, n_components;
};

static void fini(struct finder *f)
{
    free(f->edge_base);
    free(f->dropped);
    free(f->number);
    free(f->low);
    free(f->component);
    free(f->open);
    free(f->walk);
    free(f->next_edge);
    free(f->size);
    free(f->parent);
}

static int init(struct finder *f, const struct acc_model *model)
{
    size_t n = model->n_services + 1;
    size_t n_edges = 0;

    *f = (struct finder){.model = model};
    f->edge_base = calloc(n, sizeof(*f->edge_base));
    f->number = calloc(n, sizeof(*f->number));
    f->low = calloc(n, sizeof(*f->low));
    f->component = calloc(n, sizeof(*f->component));
    f->open = calloc(n, sizeof(*f->open));
    f->walk = calloc(n, sizeof(*f->walk));
    f->next_edge = calloc(n, sizeof(*f->next_edge));
    f->size = calloc(n, sizeof(*f->size));
    f->parent = calloc(n, sizeof(*f->parent));
    if (f->edge_base) {
        for (size_t i = 0; i < model->n_services; i++) {
            f->edge_base[i] = n_edges;
            n_edges += model->services[i]->n_edges;
        }
    }
    f->dropped = calloc(n_edges + 1, sizeof(*f->dropped));
    if (!f->edge_base || !f->dropped || !f->number || !f->low || !f->component || !f->open ||
        !f->walk || !f->next_edge || !f->size || !f->parent) {
        fini(f);
        return -ENOMEM;
    }
    return 0;
}

/* The target of edge `i` of `node`, or ACC_NONE when it does not count. */
static uint32_t follow(const struct finder *f, uint32_t node, size_t i)
{
    const struct acc_edge *edge = &f->model->services[node]->edges[i];

    return acc_edge_orders(edge) && !f->dropped[f->edge_base[node] + i] ? edge->target : ACC_NONE;
}

static void enter(struct finder *f, uint32_t node)
{
    f->number[node] = f->low[node] = ++f->n_numbers;
    f->component[node] = ACC_NONE;
    f->next_edge[node] = 0;
    f->open[f->n_open++] = node;
    f->walk[f->n_walk++] = node;
}

/* All edges of the node on top are done: close its component if it is the root of one. */
static void leave(struct finder *f)
{
    uint32_t node = f->walk[--f->n_walk];

    if (f->n_walk > 0) {
        uint32_t above = f->walk[f->n_walk - 1];

        f->low[above] = f->low[node] < f->low[above] ? f->low[node] : f->low[above];
    }
    if (f->low[node] != f->number[node]) {
        return;
    }
    uint32_t member;

    f->size[f->n_components] = 0;
    do {
        member = f->open[--f->n_open];
        f->component[member] = f->n_components;
        f->size[f->n_components]++;
    } while (member != node);
    f->n_components++;
}

static void explore(struct finder *f, uint32_t root)
{
    enter(f, root);
    while (f->n_walk > 0) {
        uint32_t node = f->walk[f->n_walk - 1];

        if (f->next_edge[node] == f->model->services[node]->n_edges) {
            leave(f);
            continue;
        }
        uint32_t target = follow(f, node, f->next_edge[node]++);

        if (target == ACC_NONE) {
            continue;
        }
        if (f->number[target] == 0) {
            enter(f, target);
        } else if (f->component[target] == ACC_NONE && f->number[target] < f->low[node]) {
            f->low[node] = f->number[target];
        }
    }
}

static void find_components(struct finder *f)
{
    f->n_numbers = f->n_components = 0;
    memset(f->number, 0, f->model->n_services * sizeof(*f->number));
    for (uint32_t i = 0; i < f->model->n_services; i++) {
        if (f->number[i] == 0) {
            explore(f, i);
        }
    }
}

static bool has_self_edge(const struct finder *f, uint32_t node)
{
    for (size_t i = 0; i < f->model->services[node]->n_edges; i++) {
        if (follow(f, node, i) == node) {
            return true;
        }
    }
    return false;
}

/* A shortest cycle through `start`, which is in a component with others or points to itself: the
 * nodes into f->walk, in the direction of the edges. */
static size_t shortest_cycle(struct finder *f, uint32_t start)
{
    uint32_t *queue = f->open;
    size_t head = 0;
    size_t tail = 0;
    uint32_t last = ACC_NONE;

    for (size_t i = 0; i < f->model->n_services; i++) {
        f->parent[i] = ACC_NONE;
    }
    queue[tail++] = start;
    while (last == ACC_NONE) {
        acc_assert(head < tail); /* the component is strongly connected */
        uint32_t node = queue[head++];

        for (size_t i = 0; i < f->model->services[node]->n_edges && last == ACC_NONE; i++) {
            uint32_t target = follow(f, node, i);

            if (target == start) {
                last = node;
            } else if (target != ACC_NONE && f->parent[target] == ACC_NONE &&
                       f->component[target] == f->component[start]) {
                f->parent[target] = node;
                queue[tail++] = target;
            }
        }
    }
    size_t len = 1;

    for (uint32_t node = last; node != start; node = f->parent[node]) {
        len++;
    }
    size_t at = len;

    for (uint32_t node = last;; node = f->parent[node]) {
        f->walk[--at] = node;
        if (node == start) {
            return len;
        }
    }
}

/* The edge from `node` to `target` that costs least to drop. */
static size_t edge_between(const struct finder *f, uint32_t node, uint32_t target)
{
    const struct acc_service_spec *service = f->model->services[node];
    size_t found = SIZE_MAX;

    for (size_t i = 0; i < service->n_edges; i++) {
        if (follow(f, node, i) == target &&
            (found == SIZE_MAX || service->edges[i].kind > service->edges[found].kind)) {
            found = i;
        }
    }
    acc_assert(found != SIZE_MAX);
    return found;
}

/* Where to cut: the kinds are ordered by what is lost with them, `after` last. */
static void cheapest(const struct finder *f, size_t len, uint32_t *ret_node, size_t *ret_edge)
{
    enum acc_edge_kind best = ACC_EDGE_BINDS;

    for (size_t i = len; i-- > 0;) { /* backwards: the edge that closes the circle, when equal */
        uint32_t node = f->walk[i];
        size_t edge = edge_between(f, node, f->walk[(i + 1) % len]);
        enum acc_edge_kind kind = f->model->services[node]->edges[edge].kind;

        if (i + 1 == len || kind > best) {
            best = kind;
            *ret_node = node;
            *ret_edge = edge;
        }
    }
}

static const char *shown(const struct finder *f, uint32_t node, bool with_stack)
{
    return with_stack ? f->model->services[node]->id : f->model->services[node]->name;
}

static void tell(struct finder *f, size_t len, struct acc_diags *diags)
{
    const struct acc_model *model = f->model;
    char line[ACC_DIAG_TEXT_MAX];
    size_t used = 0;
    bool with_stack = false;
    uint32_t node = ACC_NONE;
    size_t edge = 0;

    cheapest(f, len, &node, &edge);
    for (size_t i = 1; i < len; i++) {
        with_stack |= model->service_stack[f->walk[i]] != model->service_stack[f->walk[0]];
    }
    const struct acc_edge *drop = &model->services[node]->edges[edge];

    for (size_t i = 0; i <= len; i++) {
        const char *name = shown(f, f->walk[i % len], with_stack);

        if (used + strlen(name) + 8 > PATH_LINE_MAX && used > 0) { /* the path goes on in another */
            acc_diags_add(diags, drop->pos, "dependency cycle detected: %s ->", line);
            used = (size_t)snprintf(line, sizeof(line), "...");
        }
        used += (size_t)snprintf(line + used, sizeof(line) - used, "%s%.*s", used ? " -> " : "",
                                 (int)(PATH_LINE_MAX - 8), name);
    }
    acc_diags_add(diags, drop->pos, "dependency cycle detected: %s; cheapest to drop: '%s' %s '%s'",
                  line, shown(f, node, with_stack), acc_edge_kind_name(drop->kind),
                  shown(f, drop->target, with_stack));
    f->dropped[f->edge_base[node] + edge] = true;
}

int acc_cycles_refuse(const struct acc_model *model, struct acc_diags *diags)
{
    struct finder finder;
    int r = init(&finder, model);

    if (r < 0) {
        return r;
    }
    for (size_t told = 0; told < ACC_CYCLES_MAX; told++) {
        uint32_t start = 0;

        find_components(&finder);
        while (start < model->n_services && finder.size[finder.component[start]] == 1 &&
               !has_self_edge(&finder, start)) {
            start++;
        }
        if (start == model->n_services) {
            break;
        }
        tell(&finder, shortest_cycle(&finder, start), diags);
        r = -EINVAL;
    }
    fini(&finder);
    return r;
}
