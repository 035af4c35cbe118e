#include "lib/compose/tree.h"

#include <string.h>

struct acc_node *acc_tree_map(struct acc_compose_ctx *ctx, struct acc_srcpos pos)
{
    return acc_node_new(ctx->arena, ACC_NODE_MAP, pos);
}

struct acc_node *acc_tree_seq(struct acc_compose_ctx *ctx, struct acc_srcpos pos)
{
    return acc_node_new(ctx->arena, ACC_NODE_SEQ, pos);
}

struct acc_node *acc_tree_put(struct acc_compose_ctx *ctx, struct acc_node *map, const char *key,
                              struct acc_node *child)
{
    const char *copy = acc_arena_share(ctx->arena, key, strlen(key));

    if (map && copy && child) {
        acc_node_put(map, copy, child->pos, child);
    }
    return child;
}

void acc_tree_put_text(struct acc_compose_ctx *ctx, struct acc_node *map, const char *key,
                       struct acc_srcpos pos, const char *text)
{
    acc_tree_put(ctx, map, key, text ? acc_node_string(ctx->arena, pos, text) : NULL);
}

void acc_tree_put_bool(struct acc_compose_ctx *ctx, struct acc_node *map, const char *key,
                       struct acc_srcpos pos, bool value)
{
    acc_tree_put(ctx, map, key, acc_node_bool(ctx->arena, pos, value));
}

void acc_tree_append(struct acc_node *seq, struct acc_node *child)
{
    if (seq && child) {
        acc_node_append(seq, child);
    }
}

void acc_tree_append_text(struct acc_compose_ctx *ctx, struct acc_node *seq, struct acc_srcpos pos,
                          const char *text, size_t text_len)
{
    struct acc_node *node = acc_node_new(ctx->arena, ACC_NODE_STRING, pos);

    if (node) {
        node->text = acc_arena_share(ctx->arena, text, text_len);
        acc_tree_append(seq, node->text ? node : NULL);
    }
}

void acc_tree_become(struct acc_node *node, const struct acc_node *value)
{
    struct acc_node *next = node->next;
    struct acc_srcpos pos = node->pos;
    struct acc_srcpos key_pos = acc_node_key_pos(node);
    const char *key = node->key;

    if (value) {
        *node = *value;
        node->next = next;
        node->pos = pos;
        acc_node_set_key_pos(node, key_pos);
        node->key = key;
    }
}

void acc_tree_become_text(struct acc_compose_ctx *ctx, struct acc_node *node, const char *text)
{
    struct acc_node value = {.type = ACC_NODE_STRING};

    value.text = text ? acc_arena_share(ctx->arena, text, strlen(text)) : NULL;
    acc_tree_become(node, value.text ? &value : NULL);
}

struct acc_node *acc_tree_take_children(struct acc_node *node)
{
    struct acc_node *first = node->first;

    node->first = node->last = NULL;
    node->n = 0;
    return first;
}

const char *acc_tree_clean_path(struct acc_compose_ctx *ctx, const char *path)
{
    char *out = acc_arena_strndup(ctx->arena, path, strlen(path) + 1);
    bool is_rooted = path[0] == '/';
    size_t len = 0;
    size_t floor = 0; /* ".." does not go back behind this */

    if (!out) {
        return NULL;
    }
    if (is_rooted) {
        out[len++] = '/';
        floor = 1;
    }
    while (*path) {
        size_t part = strcspn(path, "/");

        if (part == 2 && path[0] == '.' && path[1] == '.' && len > floor) {
            while (len > floor && out[--len] != '/') {
            }
        } else if (part == 2 && path[0] == '.' && path[1] == '.' && is_rooted) {
            /* the root has no parent */
        } else if (part > 0 && !(part == 1 && path[0] == '.')) {
            bool is_up = part == 2 && path[0] == '.' && path[1] == '.';

            if (len > 0 && out[len - 1] != '/') {
                out[len++] = '/';
            }
            memmove(out + len, path, part);
            len += part;
            floor = is_up ? len : floor;
        }
        path += part;
        path += strspn(path, "/");
    }
    if (len == 0) {
        out[len++] = '.';
    }
    out[len] = '\0';
    return out;
}

const char *acc_tree_absolute(struct acc_compose_ctx *ctx, const char *dir, const char *path)
{
    const char *home = acc_compose_env_get(ctx->env, "HOME");

    if (path[0] == '~' && home) {
        path = acc_arena_printf(ctx->arena, "%s/%s", home, path + 1);
        return path ? acc_tree_clean_path(ctx, path) : NULL;
    }
    if (path[0] == '/') {
        return path;
    }
    path = acc_arena_printf(ctx->arena, "%s/%s", dir, path);
    return path ? acc_tree_clean_path(ctx, path) : NULL;
}
