/*
 * The resolved tree into an arena of its own. The passes leave several times its size behind, and
 * the daemon keeps every stack in memory for as long as it runs.
 */

#include <string.h>

#include "lib/compose/load.h"

#define FILES 16u

struct compaction {
    struct acc_arena *arena;
    /* Names of files and their copies; a project has few, and they take turns. */
    struct {
        const char *from, *to;
    } files[FILES];
    size_t oldest;
};

static const char *copy_text(struct compaction *c, const char *text)
{
    return text ? acc_arena_share(c->arena, text, strlen(text)) : NULL;
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
    if (node->type == ACC_NODE_FLOAT) {
        copy->number = node->number;
    } else {
        copy->integer = node->integer;
    }
    copy->text = copy_text(c, node->text);
    acc_node_for_each(child, node)
    {
        struct acc_node *twin = copy_node(c, child);

        if (!twin) {
            return NULL;
        }
        if (node->type == ACC_NODE_MAP) {
            acc_node_put(copy, copy_text(c, child->key), copy_pos(c, acc_node_key_pos(child)),
                         twin);
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
