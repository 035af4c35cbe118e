/* FINISH: the resources of a stack. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/compose/finish.h"
#include "lib/compose/tree.h"

/* Services that share an image and a platform share the resource. */
struct image_user {
    struct acc_service_spec *service;
    uint32_t order;
};

struct collector {
    struct acc_compose_ctx *ctx;
    struct acc_stack *stack;
    struct acc_node_index networks, volumes;
    uint32_t *network_at, *volume_at; /* the resource of the i-th of the index */
    struct image_user *users;
};

static int compare_users(const void *a, const void *b)
{
    const struct image_user *x = a;
    const struct image_user *y = b;
    int order = strcmp(x->service->image, y->service->image);

    if (order == 0) {
        order = strcmp(x->service->platform ? x->service->platform : "",
                       y->service->platform ? y->service->platform : "");
    }
    return order ? order : x->order < y->order ? -1 : x->order > y->order;
}

static bool same_image(const struct acc_service_spec *a, const struct acc_service_spec *b)
{
    return strcmp(a->image, b->image) == 0 &&
           strcmp(a->platform ? a->platform : "", b->platform ? b->platform : "") == 0;
}

/* always before those by age before build before missing before never */
static int strictness(enum acc_pull_policy policy)
{
    switch (policy) {
    case ACC_PULL_ALWAYS:
        return 4;
    case ACC_PULL_REFRESH:
        return 3;
    case ACC_PULL_BUILD:
        return 2;
    case ACC_PULL_MISSING:
        return 1;
    case ACC_PULL_NEVER:
        return 0;
    }
    return 0;
}

static bool is_stricter(const struct acc_service_spec *service, const struct acc_resource *image)
{
    int more = strictness(service->pull_policy) - strictness(image->pull_policy);

    return more > 0 || (more == 0 && service->pull_every_ns < image->pull_every_ns);
}

static void use(struct acc_service_spec *service, uint32_t resource)
{
    for (size_t i = 0; i < service->n_resources; i++) {
        if (service->resources[i] == resource) {
            return; /* one volume mounted twice */
        }
    }
    service->resources[service->n_resources++] = resource;
}

static void add_images(struct collector *c)
{
    struct acc_stack *stack = c->stack;
    struct acc_resource *image = NULL;

    for (uint32_t i = 0; i < stack->n_services; i++) {
        c->users[i] = (struct image_user){&stack->services[i], i};
    }
    qsort(c->users, stack->n_services, sizeof(*c->users), compare_users);
    for (size_t i = 0; i < stack->n_services; i++) {
        struct acc_service_spec *service = c->users[i].service;

        if (i == 0 || !same_image(service, c->users[i - 1].service)) {
            image = &stack->resources[stack->n_resources++];
            *image = (struct acc_resource){.kind = ACC_RES_IMAGE,
                                           .key = service->image,
                                           .name = service->image,
                                           .pull_policy = service->pull_policy,
                                           .pull_every_ns = service->pull_every_ns,
                                           .platform = service->platform,
                                           .pos = service->pos};
        } else if (is_stricter(service, image)) {
            image->pull_policy = service->pull_policy;
            image->pull_every_ns = service->pull_every_ns;
        }
        use(service, (uint32_t)(stack->n_resources - 1));
    }
}

static void add_section(struct collector *c, enum acc_resource_kind kind,
                        const struct acc_node_index *index, uint32_t *at)
{
    for (size_t i = 0; i < index->n; i++) {
        const struct acc_node *node = index->items[i];
        const struct acc_node *external = acc_node_get(node, "external");
        const char *name = acc_node_get_text(node, "name");

        if (!name) {
            acc_xacc_complain(c->ctx, acc_node_key_pos(node), "%s.%s: the name can't be empty",
                              kind == ACC_RES_NETWORK ? "networks" : "volumes", node->key);
        }
        at[i] = (uint32_t)c->stack->n_resources;
        c->stack->resources[c->stack->n_resources++] = (struct acc_resource){
            .kind = kind,
            .key = node->key,
            .name = name ? name : node->key,
            .external = external && external->boolean,
            .node = node,
            .pos = acc_node_key_pos(node)};
    }
}

/* The i-th of a sorted index. */
static uint32_t find(const struct acc_node_index *index, const uint32_t *at, const char *key)
{
    size_t low = 0;
    size_t high = index->n;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int order = strcmp(index->items[mid]->key, key);

        if (order == 0) {
            return at[mid];
        }
        if (order < 0) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return ACC_NONE;
}

static void use_others(struct collector *c, struct acc_service_spec *service)
{
    acc_node_for_each(network, acc_node_get(service->node, "networks"))
    {
        uint32_t found = find(&c->networks, c->network_at, network->key);

        if (found != ACC_NONE) {
            use(service, found);
        }
    }
    acc_node_for_each(volume, acc_node_get(service->node, "volumes"))
    {
        const char *type = acc_node_get_text(volume, "type");
        const char *source = acc_node_get_text(volume, "source");
        uint32_t found = type && source && strcmp(type, "volume") == 0
                             ? find(&c->volumes, c->volume_at, source)
                             : ACC_NONE;

        if (found != ACC_NONE) {
            use(service, found);
        }
    }
}

static int make_room(struct collector *c)
{
    struct acc_arena *arena = c->ctx->arena;
    struct acc_stack *stack = c->stack;
    size_t n = stack->n_services + c->networks.n + c->volumes.n;

    stack->resources = acc_arena_alloc(arena, (n + 1) * sizeof(*stack->resources));
    c->network_at = acc_arena_alloc(arena, (c->networks.n + 1) * sizeof(*c->network_at));
    c->volume_at = acc_arena_alloc(arena, (c->volumes.n + 1) * sizeof(*c->volume_at));
    c->users = acc_arena_alloc(arena, (stack->n_services + 1) * sizeof(*c->users));
    for (size_t i = 0; i < stack->n_services; i++) {
        struct acc_service_spec *service = &stack->services[i];
        const struct acc_node *networks = acc_node_get(service->node, "networks");
        const struct acc_node *volumes = acc_node_get(service->node, "volumes");
        size_t n_uses = 1u + (networks ? networks->n : 0u) + (volumes ? volumes->n : 0u);

        service->resources = acc_arena_alloc(arena, n_uses * sizeof(*service->resources));
    }
    return acc_arena_failed(arena) ? -ENOMEM : 0;
}

int acc_finish_resources(struct acc_compose_ctx *ctx, struct acc_stack *stack)
{
    struct collector c = {.ctx = ctx, .stack = stack};

    if (acc_node_index_init(&c.networks, ctx->arena, acc_node_get(stack->project, "networks")) <
            0 ||
        acc_node_index_init(&c.volumes, ctx->arena, acc_node_get(stack->project, "volumes")) < 0 ||
        make_room(&c) < 0) {
        return -ENOMEM;
    }
    add_images(&c);
    add_section(&c, ACC_RES_NETWORK, &c.networks, c.network_at);
    add_section(&c, ACC_RES_VOLUME, &c.volumes, c.volume_at);
    for (size_t i = 0; i < stack->n_services; i++) {
        use_others(&c, &stack->services[i]);
    }
    return 0;
}
