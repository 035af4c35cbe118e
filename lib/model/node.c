#include "lib/model/node.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"

static_assert(sizeof(struct acc_node) <= 80, "5 000 services are 300 000 of them");

struct acc_node *acc_node_new(struct acc_arena *arena, enum acc_node_type type,
                              struct acc_srcpos pos)
{
    struct acc_node *node = acc_arena_alloc(arena, sizeof(*node));

    if (node) {
        node->type = type;
        node->pos = pos;
    }
    return node;
}

struct acc_node *acc_node_string(struct acc_arena *arena, struct acc_srcpos pos, const char *text)
{
    struct acc_node *node = acc_node_new(arena, ACC_NODE_STRING, pos);

    if (node) {
        node->text = acc_arena_share(arena, text, strlen(text));
    }
    return node && node->text ? node : NULL;
}

struct acc_node *acc_node_int(struct acc_arena *arena, struct acc_srcpos pos, int64_t value)
{
    struct acc_node *node = acc_node_new(arena, ACC_NODE_INT, pos);

    if (node) {
        node->integer = value;
        node->text = acc_arena_printf(arena, "%lld", (long long)value);
    }
    return node && node->text ? node : NULL;
}

struct acc_node *acc_node_bool(struct acc_arena *arena, struct acc_srcpos pos, bool value)
{
    struct acc_node *node = acc_node_new(arena, ACC_NODE_BOOL, pos);

    if (node) {
        node->boolean = value;
        node->text = value ? "true" : "false";
    }
    return node;
}

struct acc_node *acc_node_clone(struct acc_arena *arena, const struct acc_node *node)
{
    struct acc_node *copy = acc_node_new(arena, node->type, node->pos);

    if (!copy) {
        return NULL;
    }
    *copy = *node;
    copy->first = copy->last = copy->next = NULL;
    copy->n = 0;
    copy->key = NULL;
    acc_node_for_each(child, node)
    {
        struct acc_node *twin = acc_node_clone(arena, child);

        if (!twin) {
            return NULL;
        }
        if (node->type == ACC_NODE_MAP) {
            acc_node_put(copy, child->key, acc_node_key_pos(child), twin);
        } else {
            acc_node_append(copy, twin);
        }
    }
    return copy;
}

struct acc_node *acc_node_get(const struct acc_node *map, const char *key)
{
    if (!map || map->type != ACC_NODE_MAP) {
        return NULL;
    }
    acc_node_for_each(child, map)
    {
        if (strcmp(child->key, key) == 0) {
            return child;
        }
    }
    return NULL;
}

struct acc_node *acc_node_path(const struct acc_node *map, ...)
{
    struct acc_node *node = NULL;
    const char *key;
    va_list keys;

    va_start(keys, map);
    while ((key = va_arg(keys, const char *)) != NULL) {
        node = acc_node_get(map, key);
        if (!node) {
            break;
        }
        map = node;
    }
    va_end(keys);
    return node;
}

const char *acc_node_get_text(const struct acc_node *map, const char *key)
{
    const struct acc_node *node = acc_node_get(map, key);

    return node && node->type != ACC_NODE_SEQ && node->type != ACC_NODE_MAP ? node->text : NULL;
}

void acc_node_append(struct acc_node *seq, struct acc_node *child)
{
    acc_assert(!child->next);
    if (seq->last) {
        seq->last->next = child;
    } else {
        seq->first = child;
    }
    seq->last = child;
    seq->n++;
}

void acc_node_set_key_pos(struct acc_node *node, struct acc_srcpos key_pos)
{
    bool is_elsewhere = key_pos.file != node->pos.file;

    node->key_line = is_elsewhere ? node->pos.line : key_pos.line;
    node->key_col = is_elsewhere ? node->pos.col : key_pos.col;
}

void acc_node_put(struct acc_node *map, const char *key, struct acc_srcpos key_pos,
                  struct acc_node *child)
{
    child->key = key;
    acc_node_set_key_pos(child, key_pos);
    acc_node_append(map, child);
}

void acc_node_set(struct acc_node *map, const char *key, struct acc_node *child)
{
    struct acc_node *before = NULL;

    acc_node_for_each(old, map)
    {
        if (strcmp(old->key, key) == 0) {
            child->key = old->key;
            acc_node_set_key_pos(child, acc_node_key_pos(old));
            child->next = old->next;
            if (before) {
                before->next = child;
            } else {
                map->first = child;
            }
            if (map->last == old) {
                map->last = child;
            }
            old->next = NULL;
            return;
        }
        before = old;
    }
    acc_node_put(map, key, child->pos, child);
}

struct acc_node *acc_node_remove(struct acc_node *map, const char *key)
{
    struct acc_node *before = NULL;

    acc_node_for_each(old, map)
    {
        if (strcmp(old->key, key) == 0) {
            if (before) {
                before->next = old->next;
            } else {
                map->first = old->next;
            }
            if (map->last == old) {
                map->last = before;
            }
            map->n--;
            old->next = NULL;
            return old;
        }
        before = old;
    }
    return NULL;
}

/* Merge sort of the list: stable, no allocation. */
static struct acc_node *sorted(struct acc_node *list, uint32_t n)
{
    if (n < 2) {
        if (list) {
            list->next = NULL;
        }
        return list;
    }
    struct acc_node *half = list;

    for (uint32_t i = 0; i < n / 2; i++) {
        half = half->next;
    }
    struct acc_node *b = sorted(half, n - n / 2);
    struct acc_node *a = list;

    for (uint32_t i = 0; i + 1 < n / 2; i++) {
        a = a->next;
    }
    a->next = NULL;
    a = sorted(list, n / 2);

    struct acc_node *head = NULL;
    struct acc_node **tail = &head;

    while (a && b) {
        struct acc_node **from = strcmp(a->key, b->key) <= 0 ? &a : &b;

        *tail = *from;
        *from = (*from)->next;
        tail = &(*tail)->next;
    }
    *tail = a ? a : b;
    return head;
}

void acc_node_sort_keys(struct acc_node *map)
{
    map->first = sorted(map->first, map->n);
    map->last = map->first;
    while (map->last && map->last->next) {
        map->last = map->last->next;
    }
}

bool acc_node_equal(const struct acc_node *a, const struct acc_node *b)
{
    if (a->type != b->type || a->n != b->n) {
        return false;
    }
    if (a->type == ACC_NODE_MAP) {
        acc_node_for_each(child, a)
        {
            const struct acc_node *twin = acc_node_get(b, child->key);

            if (!twin || !acc_node_equal(child, twin)) {
                return false;
            }
        }
        return true;
    }
    if (a->type == ACC_NODE_SEQ) {
        const struct acc_node *twin = b->first;

        acc_node_for_each(child, a)
        {
            if (!acc_node_equal(child, twin)) {
                return false;
            }
            twin = twin->next;
        }
        return true;
    }
    return a->type == ACC_NODE_NULL || strcmp(a->text, b->text) == 0;
}
