/*
 * Edges to stacks that aren't there. Looked at alone a stack is fine without them. To be run it
 * isn't: what its services can't do without is there or not, whoever has started it, and so each
 * such edge becomes a condition like those of the host.
 */

#include <errno.h>
#include <string.h>

#include "lib/graph/graph.h"

static bool has(struct acc_stack *const *stacks, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(stacks[i]->name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* What is to hold instead; false: it goes without. */
static bool kind_of(const struct acc_edge *edge, enum acc_condition_kind *ret_kind)
{
    switch (edge->kind) {
    case ACC_EDGE_BINDS:
    case ACC_EDGE_NEEDS:
    case ACC_EDGE_MILESTONE:
        break;
    case ACC_EDGE_CONFLICTS:
        *ret_kind = ACC_HOST_FREE;
        return true;
    case ACC_EDGE_WANTS: /* nobody will start it: it needn't be waited for */
    case ACC_EDGE_AFTER:
        return false;
    }
    if (edge->at_create) {
        *ret_kind = ACC_HOST_MAKER;
    } else if (edge->condition == ACC_COND_COMPLETED) {
        *ret_kind = ACC_HOST_DONE;
    } else if (edge->kind == ACC_EDGE_MILESTONE) { /* of a job the end, of a server that it is up */
        *ret_kind = ACC_HOST_REACHED;
    } else {
        *ret_kind = edge->condition == ACC_COND_RUNNING ? ACC_HOST_RUNNING : ACC_HOST_READY;
    }
    return edge->required;
}

static bool needs(const struct acc_service_spec *service, const char *text)
{
    for (size_t i = 0; i < service->n_host; i++) {
        if (strcmp(service->host[i].is.text, text) == 0) {
            return true;
        }
    }
    return false;
}

/* `service->host` has room. */
static int replace(struct acc_stack *stack, struct acc_service_spec *service,
                   const struct acc_edge *edge)
{
    struct acc_host_need need = {.at = ACC_NONE};
    char text[ACC_CONDITION_TEXT_MAX + 1];
    enum acc_condition_kind kind;
    const char *copy;

    if (!kind_of(edge, &kind) ||
        !acc_condition_put_service(kind, edge->stack, edge->service, text, sizeof(text)) ||
        needs(service, text)) {
        return 0; /* no container has a name of that length */
    }
    copy = acc_arena_strdup(stack->arena, text);
    if (!copy) {
        return -ENOMEM;
    }
    if (!acc_condition_parse(copy, &need.is)) {
        service->host[service->n_host++] = need;
    }
    return 0;
}

static int make_room(struct acc_stack *stack, struct acc_service_spec *service)
{
    size_t n = service->n_host + service->n_edges;
    struct acc_host_need *host = acc_arena_alloc(stack->arena, n * sizeof(*host));

    if (!host) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < service->n_host; i++) {
        host[i] = service->host[i];
    }
    service->host = host;
    return 0;
}

static int detach(struct acc_stack *stack, struct acc_service_spec *service,
                  struct acc_stack *const *there, size_t n, bool is_to_run)
{
    size_t n_kept = 0;
    bool has_room = false;
    int r = 0;

    for (size_t k = 0; k < service->n_edges; k++) {
        const struct acc_edge edge = service->edges[k]; /* its place may be overwritten */

        if (!edge.stack || has(there, n, edge.stack)) {
            service->edges[n_kept++] = edge;
        } else if (is_to_run && r == 0) {
            r = has_room ? 0 : make_room(stack, service);
            has_room = true;
            r = r < 0 ? r : replace(stack, service, &edge);
        }
    }
    service->n_edges = n_kept;
    return r;
}

int acc_stack_detach(struct acc_stack *stack, struct acc_stack *const *there, size_t n,
                     bool is_to_run)
{
    int r = 0;

    for (size_t i = 0; i < stack->n_services; i++) {
        int each = detach(stack, &stack->services[i], there, n, is_to_run);

        r = each < 0 ? each : r;
    }
    return r;
}
