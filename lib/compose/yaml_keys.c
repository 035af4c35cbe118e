#include "lib/compose/yaml_keys.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Below this many children two loops are cheaper than sorting. */
#define LINEAR_MAX 16u
/* What a message quotes of the user's text. */
#define QUOTE_MAX 60

/* Children in the order of their keys, to find equal ones. */
struct ranked {
    struct acc_node *node;
    uint32_t rank;   /* 0: written here; n: from the n-th merged mapping */
    uint32_t number; /* as written */
    bool is_dropped;
};

struct problems {
    struct acc_diags *diags;
    bool has_any;
};

static int compare_ranked(const void *a, const void *b)
{
    const struct ranked *x = a;
    const struct ranked *y = b;
    int order = strcmp(x->node->key, y->node->key);

    if (order == 0) {
        order = x->rank < y->rank ? -1 : x->rank > y->rank;
    }
    return order != 0 ? order : (x->number < y->number ? -1 : 1);
}

static int compare_written(const void *a, const void *b)
{
    const struct ranked *x = a;
    const struct ranked *y = b;

    return x->number < y->number ? -1 : 1;
}

static void tell_duplicate(struct problems *problems, const struct acc_node *first,
                           const struct acc_node *second)
{
    acc_diags_add(problems->diags, acc_node_key_pos(second),
                  "mapping key \"%.*s\" already defined at line %u: remove one of them", QUOTE_MAX,
                  second->key, acc_node_key_pos(first).line);
    problems->has_any = true;
}

static void drop_equal(struct problems *problems, struct ranked *children, size_t n)
{
    for (size_t i = 0, first = 0; i < n; i++) {
        if (i == first || strcmp(children[i].node->key, children[first].node->key) != 0) {
            first = i;
            continue;
        }
        children[i].is_dropped = true;
        if (children[i].rank == 0) {
            tell_duplicate(problems, children[first].node, children[i].node);
        }
    }
}

static size_t collect(struct acc_node *map, const struct acc_node *sources, struct ranked *children)
{
    uint32_t n = 0;
    uint32_t rank = 0;

    acc_node_for_each(child, map)
    {
        children[n] = (struct ranked){child, rank, n, false};
        n++;
    }
    acc_node_for_each(source, sources)
    {
        rank++;
        acc_node_for_each(child, source)
        {
            children[n] = (struct ranked){child, rank, n, false};
            n++;
        }
    }
    return n;
}

static bool has_equal_keys(const struct acc_node *map)
{
    acc_node_for_each(a, map)
    {
        for (const struct acc_node *c = a->next; c; c = c->next) {
            if (strcmp(a->key, c->key) == 0) {
                return true;
            }
        }
    }
    return false;
}

int acc_yaml_settle_keys(struct acc_node *map, const struct acc_node *sources,
                         struct acc_diags *diags, bool *has_errors)
{
    struct problems problems = {diags, false};
    size_t n = map->n;
    struct ranked *children = NULL;

    if (!sources && n <= LINEAR_MAX && !has_equal_keys(map)) {
        return 0;
    }
    acc_node_for_each(source, sources)
    {
        n += source->n;
    }
    children = calloc(n + 1, sizeof(*children)); /* at most nodes_max of them */
    if (!children) {
        return -ENOMEM;
    }
    n = collect(map, sources, children);
    qsort(children, n, sizeof(*children), compare_ranked);
    drop_equal(&problems, children, n);
    qsort(children, n, sizeof(*children), compare_written);
    map->first = map->last = NULL;
    map->n = 0;
    for (size_t i = 0; i < n; i++) {
        children[i].node->next = NULL;
        if (!children[i].is_dropped) {
            acc_node_append(map, children[i].node);
        }
    }
    free(children);
    *has_errors = *has_errors || problems.has_any;
    return 0;
}
