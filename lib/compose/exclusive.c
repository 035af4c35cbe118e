/*
 * Can two containers of one service run at once? What it takes hold of decides the order of its
 * upgrades (ENGINE.md E9): the new one first, or the old one away first.
 *
 * Doubt means no: two writers in one data folder are worse than a second of downtime.
 */

#include "lib/compose/exclusive.h"

#include <errno.h>
#include <string.h>

static bool is_fixed(const struct acc_node *published)
{
    const char *text = published ? published->text : NULL;

    return text && text[0] && strcmp(text, "0") != 0 && !strchr(text, '-');
}

static const char *ports(struct acc_compose_ctx *ctx, const struct acc_node *node)
{
    acc_node_for_each(port, acc_node_get(node, "ports"))
    {
        const struct acc_node *published = acc_node_get(port, "published");

        if (is_fixed(published)) {
            return acc_arena_printf(ctx->arena, "it publishes port %s of the host",
                                    published->text);
        }
    }
    return NULL;
}

static bool has_address(const struct acc_node *node)
{
    acc_node_for_each(network, acc_node_get(node, "networks"))
    {
        if (acc_node_get(network, "ipv4_address") || acc_node_get(network, "ipv6_address") ||
            acc_node_get(network, "mac_address")) {
            return true;
        }
    }
    return acc_node_get(node, "mac_address") != NULL;
}

static bool is_written(const struct acc_node *volume)
{
    const char *type = acc_node_get_text(volume, "type");

    return type && (strcmp(type, "bind") == 0 || strcmp(type, "volume") == 0) &&
           acc_node_get(volume, "source") && !acc_node_get(volume, "read_only");
}

static const char *data(struct acc_compose_ctx *ctx, const struct acc_node *node)
{
    acc_node_for_each(volume, acc_node_get(node, "volumes"))
    {
        const char *target = acc_node_get_text(volume, "target");

        if (is_written(volume)) {
            return acc_arena_printf(ctx->arena, "it writes to the mount at %s",
                                    target ? target : "?");
        }
    }
    return NULL;
}

const char *acc_compose_exclusive(struct acc_compose_ctx *ctx, const struct acc_node *node,
                                  const struct acc_node *xacc)
{
    const char *mode = acc_node_get_text(node, "network_mode");
    const struct acc_node *devices = acc_node_get(node, "devices");
    const char *why = ports(ctx, node);

    if (why) {
        return why;
    }
    if (mode && strcmp(mode, "host") == 0) {
        return "it uses the host's network";
    }
    if (acc_node_get(xacc, "vram")) {
        return "two of it would need twice its VRAM";
    }
    if ((devices && devices->n > 0) ||
        acc_node_path(node, "deploy", "resources", "reservations", "devices", NULL)) {
        return "it uses a device of the host";
    }
    return has_address(node) ? "it has a fixed address" : data(ctx, node);
}

static const char *port_taken(struct acc_compose_ctx *ctx, const struct acc_node *port)
{
    const struct acc_node *published = acc_node_get(port, "published");
    const char *protocol = acc_node_get_text(port, "protocol");

    return is_fixed(published) ? acc_arena_printf(ctx->arena, "port %s/%s of the host",
                                                  published->text, protocol ? protocol : "tcp")
                               : NULL;
}

/* A volume goes by its name in the engine: two stacks may call it differently. */
static const char *mount_taken(struct acc_compose_ctx *ctx, const struct acc_node *project,
                               const struct acc_node *volume)
{
    const char *source = acc_node_get_text(volume, "source");
    const struct acc_node *named;

    if (!is_written(volume)) {
        return NULL;
    }
    if (strcmp(acc_node_get_text(volume, "type"), "bind") == 0) {
        return acc_arena_printf(ctx->arena, "%s of the host", source);
    }
    named = acc_node_path(project, "volumes", source, NULL);
    return acc_arena_printf(ctx->arena, "volume %s",
                            acc_node_get_text(named, "name") ? acc_node_get_text(named, "name")
                                                             : source);
}

static const char *address_taken(struct acc_compose_ctx *ctx, const struct acc_node *network)
{
    const char *address = acc_node_get_text(network, "ipv4_address");

    return address ? acc_arena_printf(ctx->arena, "the address %s", address) : NULL;
}

int acc_compose_takes(struct acc_compose_ctx *ctx, const struct acc_node *project,
                      struct acc_service_spec *service)
{
    const struct acc_node *ports = acc_node_get(service->node, "ports");
    const struct acc_node *volumes = acc_node_get(service->node, "volumes");
    const struct acc_node *networks = acc_node_get(service->node, "networks");
    size_t n_max = (ports ? ports->n : 0) + (volumes ? volumes->n : 0) +
                   (networks ? networks->n : 0);
    const char **takes = n_max > 0 ? acc_arena_alloc(ctx->arena, n_max * sizeof(*takes)) : NULL;

    if (!takes) {
        return n_max > 0 ? -ENOMEM : 0;
    }
    service->takes = takes;
    acc_node_for_each(port, ports)
    {
        takes[service->n_takes] = port_taken(ctx, port);
        service->n_takes += takes[service->n_takes] != NULL;
    }
    acc_node_for_each(volume, volumes)
    {
        takes[service->n_takes] = mount_taken(ctx, project, volume);
        service->n_takes += takes[service->n_takes] != NULL;
    }
    acc_node_for_each(network, networks)
    {
        takes[service->n_takes] = address_taken(ctx, network);
        service->n_takes += takes[service->n_takes] != NULL;
    }
    return acc_arena_failed(ctx->arena) ? -ENOMEM : 0;
}
