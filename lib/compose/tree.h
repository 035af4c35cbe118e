#pragma once

/*
 * Building nodes in the passes. Every function takes NULL from a constructor that ran out of arena
 * and passes it on, so that a pass looks at acc_arena_failed() once, at its end.
 */

#include "lib/compose/internal.h"

struct acc_node *acc_tree_map(struct acc_compose_ctx *ctx, struct acc_srcpos pos);
struct acc_node *acc_tree_seq(struct acc_compose_ctx *ctx, struct acc_srcpos pos);
/* At the end of `map`; the key is copied. Returns the child. */
struct acc_node *acc_tree_put(struct acc_compose_ctx *ctx, struct acc_node *map, const char *key,
                              struct acc_node *child);
void acc_tree_put_text(struct acc_compose_ctx *ctx, struct acc_node *map, const char *key,
                       struct acc_srcpos pos, const char *text);
void acc_tree_put_bool(struct acc_compose_ctx *ctx, struct acc_node *map, const char *key,
                       struct acc_srcpos pos, bool value);
void acc_tree_append(struct acc_node *seq, struct acc_node *child);
void acc_tree_append_text(struct acc_compose_ctx *ctx, struct acc_node *seq, struct acc_srcpos pos,
                          const char *text, size_t text_len);
/* `node` becomes what `value` is, and keeps its key, place in the parent and position. `value` is
 * of no use afterwards: let it be no node of the arena where there are many. */
void acc_tree_become(struct acc_node *node, const struct acc_node *value);
/* `node` becomes a string. */
void acc_tree_become_text(struct acc_compose_ctx *ctx, struct acc_node *node, const char *text);
/* Take the children out of a mapping or sequence; returns the first, linked by `next`. */
struct acc_node *acc_tree_take_children(struct acc_node *node);

/* Go's path.Clean. */
const char *acc_tree_clean_path(struct acc_compose_ctx *ctx, const char *path);
/* An absolute `path` as it is; "~" replaced by HOME; else joined to `dir` and cleaned. */
const char *acc_tree_absolute(struct acc_compose_ctx *ctx, const char *dir, const char *path);

static inline bool acc_node_is(const struct acc_node *node, enum acc_node_type type)
{
    return node && node->type == type;
}
