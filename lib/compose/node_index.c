#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/compose/internal.h"

static int compare_keys(const void *a, const void *b)
{
    const struct acc_node *const *x = a;
    const struct acc_node *const *y = b;

    return strcmp((*x)->key, (*y)->key);
}

int acc_node_index_init(struct acc_node_index *index, struct acc_arena *arena,
                        const struct acc_node *map)
{
    size_t n = 0;

    *index = (struct acc_node_index){0};
    if (!map || map->type != ACC_NODE_MAP || map->n == 0) {
        return 0;
    }
    index->items = acc_arena_alloc(arena, map->n * sizeof(struct acc_node *));
    if (!index->items) {
        return -ENOMEM;
    }
    acc_node_for_each(child, map)
    {
        index->items[n++] = child;
    }
    index->n = n;
    qsort(index->items, n, sizeof(struct acc_node *), compare_keys);
    return 0;
}

struct acc_node *acc_node_index_get(const struct acc_node_index *index, const char *key)
{
    struct acc_node wanted = {.key = key};
    const struct acc_node *pointer = &wanted;
    struct acc_node **found = NULL;

    if (index->n > 0) {
        found = bsearch(&pointer, index->items, index->n, sizeof(struct acc_node *), compare_keys);
    }
    return found ? *found : NULL;
}
