/* FINISH: the edges of a service, from depends_on, shared namespaces and x-acc (ENGINE.md E3). */
#include <errno.h>
#include <string.h>

#include "lib/compose/finish.h"
#include "lib/compose/tree.h"

static struct acc_edge from_dependency(const struct acc_node *node)
{
    const char *condition = acc_node_get_text(node, "condition");
    const struct acc_node *restart = acc_node_get(node, "restart");
    const struct acc_node *required = acc_node_get(node, "required");
    struct acc_edge edge = {.kind = ACC_EDGE_NEEDS,
                            .condition = ACC_COND_RUNNING,
                            .required = !required || required->boolean,
                            .service = node->key,
                            .label = "",
                            .target = ACC_NONE,
                            .pos = acc_node_key_pos(node)};

    if (condition && strcmp(condition, "service_healthy") == 0) {
        edge.condition = ACC_COND_READY;
    } else if (condition && strcmp(condition, "service_completed_successfully") == 0) {
        edge.kind = ACC_EDGE_MILESTONE;
        edge.condition = ACC_COND_COMPLETED;
    }
    if (restart && restart->boolean) {
        edge.on_down = ACC_ON_DOWN_RESTART;
    }
    if (!edge.required) {
        edge.kind = ACC_EDGE_WANTS;
    }
    return edge;
}

/* NORMALISE has put every such target into depends_on, so the edge is there. A one-shot whose
 * volumes are used has done its work when the service starts: it stays a milestone. */
static void bind_to(struct acc_service_spec *service, const char *name, size_t len)
{
    for (size_t i = 0; i < service->n_edges; i++) {
        struct acc_edge *edge = &service->edges[i];

        if (strncmp(edge->service, name, len) == 0 && edge->service[len] == '\0' &&
            edge->condition != ACC_COND_COMPLETED) {
            edge->kind = ACC_EDGE_BINDS;
            edge->required = true; /* a container without its namespace cannot be created */
        }
    }
}

static void bind_namespaces(struct acc_service_spec *service)
{
    static const char *const namespaces[] = {"network_mode", "ipc", "pid"};

    for (size_t i = 0; i < sizeof(namespaces) / sizeof(namespaces[0]); i++) {
        const char *mode = acc_node_get_text(service->node, namespaces[i]);

        if (mode && strncmp(mode, "service:", 8) == 0) {
            bind_to(service, mode + 8, strlen(mode + 8));
        }
    }
    acc_node_for_each(from, acc_node_get(service->node, "volumes_from"))
    {
        if (strncmp(from->text, "container:", 10) != 0) {
            bind_to(service, from->text, strcspn(from->text, ":"));
        }
    }
}

/* Docker is told the names of their containers when this one is created. */
static void link_to(struct acc_service_spec *service)
{
    acc_node_for_each(link, acc_node_get(service->node, "links"))
    {
        size_t len = strcspn(link->text, ":");

        for (size_t i = 0; i < service->n_edges; i++) {
            struct acc_edge *edge = &service->edges[i];

            edge->is_link |= strncmp(edge->service, link->text, len) == 0 &&
                             edge->service[len] == '\0';
        }
    }
}

int acc_finish_edges(struct acc_compose_ctx *ctx, const struct acc_node *xacc,
                     struct acc_service_spec *service)
{
    const struct acc_node *depends_on = acc_node_get(service->node, "depends_on");
    size_t n_max = (depends_on ? depends_on->n : 0) + acc_xacc_n_edges(xacc);

    service->edges = acc_arena_alloc(ctx->arena, (n_max + 1) * sizeof(*service->edges));
    if (!service->edges) {
        return -ENOMEM;
    }
    acc_node_for_each(child, depends_on)
    {
        service->edges[service->n_edges++] = from_dependency(child);
    }
    bind_namespaces(service);
    link_to(service);
    return 0; /* those of x-acc are added by acc_xacc_apply() */
}
