/*
 * Can two containers of one service run at once? What it takes hold of decides the order of its
 * upgrades (ENGINE.md E9): the new one first, or the old one away first.
 *
 * Doubt means no: two writers in one data folder are worse than a second of downtime.
 */

#include "lib/compose/exclusive.h"

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

static const char *data(struct acc_compose_ctx *ctx, const struct acc_node *node)
{
    acc_node_for_each(volume, acc_node_get(node, "volumes"))
    {
        const char *type = acc_node_get_text(volume, "type");
        const char *target = acc_node_get_text(volume, "target");

        if (type && (strcmp(type, "bind") == 0 || strcmp(type, "volume") == 0) &&
            acc_node_get(volume, "source") && !acc_node_get(volume, "read_only")) {
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
