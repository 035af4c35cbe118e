/*
 * The resolved tree into an arena of its own. The passes leave several times its size behind, and
 * the daemon keeps every stack in memory for as long as it runs.
 */

#include <stdint.h>
#include <string.h>

#include "lib/compose/load.h"

/* Most keys and many values occur in every service: remember the last one of each hash. */
#define SLOTS 1024u
/* Longer texts are rarely the same. */
#define SHARED_LEN_MAX 64u
#define FILES          16u

struct compaction {
    struct acc_arena *arena;
    const char *slots[SLOTS];
    /* Names of files and their copies; a project has few, and they take turns. */
    struct {
        const char *from, *to;
    } files[FILES];
    size_t oldest;
};

static const char *copy_text(struct compaction *c, const char *text)
{
    size_t len = text ? strlen(text) : 0;
    uint32_t hash = 2166136261u;

    if (!text || len > SHARED_LEN_MAX) {
        return text ? acc_arena_strndup(c->arena, text, len) : NULL;
    }
    for (const char *pos = text; *pos; pos++) {
        hash = (hash ^ (unsigned char)*pos) * 16777619u; /* FNV-1a */
    }
    const char **slot = &c->slots[hash % SLOTS];

    if (!*slot || strcmp(*slot, text) != 0) {
        *slot = acc_arena_strndup(c->arena, text, len);
    }
    return *slot;
}

static const char *copy_file(struct compaction *c, const char *file)
{
    for (size_t i = 0; i < FILES; i++) {
        if (c->files[i].from == file) {
            return c->files[i].to;
        }
    }
    size_t i = c->oldest++ % FILES;

    c->files[i].from = file;
    c->files[i].to = acc_arena_strdup(c->arena, file);
    return c->files[i].to;
}

static struct acc_srcpos copy_pos(struct compaction *c, struct acc_srcpos pos)
{
    pos.file = pos.file ? copy_file(c, pos.file) : NULL;
    return pos;
}

static struct acc_node *copy_node(struct compaction *c, const struct acc_node *node)
{
    struct acc_node *copy = acc_node_new(c->arena, node->type, copy_pos(c, node->pos));

    if (!copy) {
        return NULL;
    }
    copy->boolean = node->boolean;
    copy->tag = node->tag;
    copy->style = node->style;
    copy->integer = node->integer;
    copy->number = node->number;
    copy->text = copy_text(c, node->text);
    acc_node_for_each(child, node)
    {
        struct acc_node *twin = copy_node(c, child);

        if (!twin) {
            return NULL;
        }
        if (node->type == ACC_NODE_MAP) {
            acc_node_put(copy, copy_text(c, child->key), copy_pos(c, child->key_pos), twin);
        } else {
            acc_node_append(copy, twin);
        }
    }
    return acc_arena_failed(c->arena) ? NULL : copy;
}

struct acc_node *acc_load_compact(struct acc_arena *arena, const struct acc_node *node)
{
    struct compaction compaction = {.arena = arena};

    return copy_node(&compaction, node);
}
