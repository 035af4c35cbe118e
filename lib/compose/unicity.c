/* What must be unique in a list, and that the later one wins (compose-go override/uncity.go). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/compose/merge.h"
#include "lib/compose/pattern.h"
#include "lib/compose/tree.h"

/* From here on sorting beats two loops. */
#define SORT_FROM 32u

/* What tells an element from another; NULL: nothing (wrong types are SCHEMA's to refuse). */
typedef const char *(*identity_fn)(struct acc_compose_ctx *ctx, const struct acc_node *item);

static const char *by_key(struct acc_compose_ctx *ctx, const struct acc_node *item)
{
    if (item->type != ACC_NODE_STRING) {
        return NULL;
    }
    return acc_arena_strndup(ctx->arena, item->text, strcspn(item->text, "="));
}

static const char *by_text(struct acc_compose_ctx *ctx, const struct acc_node *item)
{
    (void)ctx;
    return item->type == ACC_NODE_STRING || item->type == ACC_NODE_INT ? item->text : NULL;
}

/* Short forms are compared as they are; what becomes equal in the long form is found in the next
 * run. */
static const char *by_target(struct acc_compose_ctx *ctx, const struct acc_node *item)
{
    return item->type == ACC_NODE_MAP ? acc_node_get_text(item, "target") : by_text(ctx, item);
}

static const char *by_path(struct acc_compose_ctx *ctx, const struct acc_node *item)
{
    return item->type == ACC_NODE_MAP ? acc_node_get_text(item, "path") : by_text(ctx, item);
}

static const char *by_device(struct acc_compose_ctx *ctx, const struct acc_node *item)
{
    const char *colon = NULL;

    if (item->type != ACC_NODE_STRING) {
        return by_target(ctx, item);
    }
    colon = strchr(item->text, ':');
    return colon ? acc_arena_strndup(ctx->arena, colon + 1, strcspn(colon + 1, ":")) : item->text;
}

static const char *by_mount(struct acc_compose_ctx *ctx, const struct acc_node *item,
                            const char *folder)
{
    const char *target = acc_node_get_text(item, "target");
    const char *source = item->type == ACC_NODE_MAP ? acc_node_get_text(item, "source")
                                                    : by_text(ctx, item);

    return target || !source ? target : acc_arena_printf(ctx->arena, "%s/%s", folder, source);
}

static const char *by_secret(struct acc_compose_ctx *ctx, const struct acc_node *item)
{
    return by_mount(ctx, item, "/run/secrets");
}

static const char *by_config(struct acc_compose_ctx *ctx, const struct acc_node *item)
{
    return by_mount(ctx, item, "");
}

static const char *by_port(struct acc_compose_ctx *ctx, const struct acc_node *item)
{
    const char *target = acc_node_get_text(item, "target");
    const char *host = acc_node_get_text(item, "host_ip");
    const char *published = acc_node_get_text(item, "published");
    const char *protocol = acc_node_get_text(item, "protocol");

    if (item->type != ACC_NODE_MAP) {
        return by_text(ctx, item);
    }
    return target
               ? acc_arena_printf(ctx->arena, "%s:%s:%s/%s", host ? host : "0.0.0.0",
                                  published ? published : "", target, protocol ? protocol : "tcp")
               : NULL;
}

static const struct {
    const char *pattern;
    identity_fn identity;
} rules[] = {
    {"networks.*.labels", by_key},
    {"networks.*.ipam.options", by_key},
    {"services.*.annotations", by_key},
    {"services.*.build.args", by_key},
    {"services.*.build.additional_contexts", by_key},
    {"services.*.build.platform", by_key},
    {"services.*.build.tags", by_key},
    {"services.*.build.labels", by_key},
    {"services.*.cap_add", by_key},
    {"services.*.cap_drop", by_key},
    {"services.*.configs", by_config},
    {"services.*.deploy.labels", by_key},
    {"services.*.devices", by_device},
    {"services.*.dns", by_key},
    {"services.*.dns_opt", by_key},
    {"services.*.dns_search", by_key},
    {"services.*.env_file", by_path},
    {"services.*.environment", by_key},
    {"services.*.expose", by_text},
    {"services.*.labels", by_key},
    {"services.*.links", by_key},
    {"services.*.networks.*.aliases", by_key},
    {"services.*.networks.*.link_local_ips", by_key},
    {"services.*.ports", by_port},
    {"services.*.profiles", by_key},
    {"services.*.secrets", by_secret},
    {"services.*.sysctls", by_key},
    {"services.*.tmpfs", by_key},
    {"services.*.volumes", by_target},
};

struct item {
    struct acc_node *node;
    const char *identity;
    size_t number;
};

static int compare_items(const void *a, const void *b)
{
    const struct item *x = a;
    const struct item *y = b;
    int order = strcmp(x->identity ? x->identity : "", y->identity ? y->identity : "");

    return order != 0 ? order : (x->number < y->number ? -1 : 1);
}

static int compare_numbers(const void *a, const void *b)
{
    const struct item *x = a;
    const struct item *y = b;

    return x->number < y->number ? -1 : 1;
}

static bool is_same(const struct item *a, const struct item *b)
{
    return a->identity && b->identity && strcmp(a->identity, b->identity) == 0;
}

/* Each run of equal items: the first one's place, the last one's value. */
static void keep_last(struct item *items, size_t n)
{
    qsort(items, n, sizeof(*items), compare_items);
    for (size_t i = 0, first = 0; i < n; i++) {
        if (i == first || !is_same(&items[first], &items[i])) {
            first = i;
            continue;
        }
        items[first].node = items[i].node;
        items[i].node = NULL;
    }
    qsort(items, n, sizeof(*items), compare_numbers);
}

static bool has_duplicates(const struct item *items, size_t n)
{
    for (size_t i = 1; i < n && n < SORT_FROM; i++) {
        for (size_t k = 0; k < i; k++) {
            if (is_same(&items[i], &items[k])) {
                return true;
            }
        }
    }
    return n >= SORT_FROM;
}

static void make_unique(struct acc_compose_ctx *ctx, struct acc_node *seq, identity_fn identity)
{
    struct item few[SORT_FROM];
    struct item *items = seq->n < SORT_FROM ? few
                                            : acc_arena_alloc(ctx->arena, seq->n * sizeof(*items));
    size_t n = 0;

    acc_node_for_each(child, items ? seq : NULL)
    {
        items[n] = (struct item){child, identity(ctx, child), n};
        n++;
    }
    if (!items || acc_arena_failed(ctx->arena) || !has_duplicates(items, n)) {
        return;
    }
    keep_last(items, n);
    (void)acc_tree_take_children(seq);
    for (size_t i = 0; i < n; i++) {
        if (items[i].node) {
            items[i].node->next = NULL;
            acc_node_append(seq, items[i].node);
        }
    }
}

static void visit(struct acc_compose_ctx *ctx, const struct acc_path *path, struct acc_node *node)
{
    if (node->type == ACC_NODE_MAP) {
        acc_node_for_each(child, node)
        {
            struct acc_path at = {path, child->key, 0};

            visit(ctx, &at, child);
        }
        return;
    }
    for (size_t i = 0; node->type == ACC_NODE_SEQ && node->n > 1 && i < ACC_ARRAY_LEN(rules); i++) {
        if (acc_path_matches(path, rules[i].pattern)) {
            make_unique(ctx, node, rules[i].identity);
            return;
        }
    }
}

int acc_compose_unicity(struct acc_compose_ctx *ctx, struct acc_node *project)
{
    visit(ctx, NULL, project);
    return acc_arena_failed(ctx->arena) ? -ENOMEM : 0;
}
