#pragma once

/*
 * A tree of values with their places in the user's files.
 *
 * What YAML gives, what interpolation, merging and normalisation rewrite, and what the canonical
 * JSON, the config-hash and the create request are printed from. All nodes and strings live in the
 * arena of the configuration they belong to.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/arena.h"
#include "lib/base/diag.h"

enum __attribute__((packed))
acc_node_type { /* one byte in a node */
                ACC_NODE_NULL,
                ACC_NODE_BOOL,
                ACC_NODE_INT, /* `text` is its decimal form, `integer` its value clamped to int64 */
                ACC_NODE_FLOAT, /* `text` is its form as Go prints it, `number` its value */
                ACC_NODE_STRING,
                ACC_NODE_SEQ,
                ACC_NODE_MAP,
};

/* There are hundreds of thousands of them in a large project: mind the size. */
struct acc_node {
    enum acc_node_type type;
    bool boolean;
    uint8_t tag;   /* lib/compose: !reset, !override */
    uint8_t style; /* lib/compose: plain or quoted, block or flow */
    uint32_t n;    /* children of a sequence or mapping */
    struct acc_srcpos pos;
    uint32_t key_line, key_col; /* of the key in pos.file, when the parent is a mapping */
    const char *key;            /* when the parent is a mapping */
    const char *text;           /* of every scalar but null; may hold no NUL */
    union {
        int64_t integer; /* of all but ACC_NODE_FLOAT: sizes and durations have one beside a text */
        double number;
    };
    struct acc_node *first, *last, *next;
};

static inline struct acc_srcpos acc_node_key_pos(const struct acc_node *node)
{
    return (struct acc_srcpos){node->pos.file, node->key_line, node->key_col};
}
/* In another file than the value is: then the value's place is taken. */
void acc_node_set_key_pos(struct acc_node *node, struct acc_srcpos key_pos);

/* All constructors return NULL when the arena is exhausted. Strings are copied. */
struct acc_node *acc_node_new(struct acc_arena *arena, enum acc_node_type type,
                              struct acc_srcpos pos);
struct acc_node *acc_node_string(struct acc_arena *arena, struct acc_srcpos pos, const char *text);
struct acc_node *acc_node_int(struct acc_arena *arena, struct acc_srcpos pos, int64_t value);
struct acc_node *acc_node_bool(struct acc_arena *arena, struct acc_srcpos pos, bool value);
/* Deep copy, positions kept; `key` is not copied. */
struct acc_node *acc_node_clone(struct acc_arena *arena, const struct acc_node *node);

/* `node` may be NULL or no mapping: then NULL. Linear: maps in Compose files are short; see
 * acc_node_index for long ones. */
struct acc_node *acc_node_get(const struct acc_node *map, const char *key);
/* Follow a path of keys, ended by NULL. */
struct acc_node *acc_node_path(const struct acc_node *map, ...) __attribute__((sentinel));
const char *acc_node_get_text(const struct acc_node *map, const char *key); /* NULL if no scalar */

/* Append; the child must be in no list. `key` is borrowed and must live in the arena. */
void acc_node_append(struct acc_node *seq, struct acc_node *child);
void acc_node_put(struct acc_node *map, const char *key, struct acc_srcpos key_pos,
                  struct acc_node *child); /* at the end; no check for a second one */
/* Replace the value of `key` at its place, or append it. */
void acc_node_set(struct acc_node *map, const char *key, struct acc_node *child);
/* Unlink; returns it, or NULL. */
struct acc_node *acc_node_remove(struct acc_node *map, const char *key);
/* Sort a mapping by the bytes of its keys, as Go's encoding/json does. Stable. */
void acc_node_sort_keys(struct acc_node *map);
bool acc_node_equal(const struct acc_node *a, const struct acc_node *b);

#define acc_node_for_each(child, parent)                                                           \
    for (struct acc_node *child = (parent) ? (parent)->first : NULL; (child);                      \
         (child) = (child)->next)
