#include "lib/compose/merge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/compose/pattern.h"
#include "lib/compose/tree.h"

/* From here on a lookup by index beats a scan. */
#define INDEX_FROM 32u
/* Keys above the trees that are merged: services.x */
#define AT_MAX 4u

struct merge {
    struct acc_compose_ctx *ctx;
    bool has_errors;
};

typedef void (*merge_fn)(struct merge *m, const struct acc_path *path, struct acc_node *base,
                         struct acc_node *over);

static void merge_value(struct merge *m, const struct acc_path *path, struct acc_node *base,
                        struct acc_node *over);

/* `node` becomes `value`, at the same place in its parent. */
static void replace(struct acc_node *node, const struct acc_node *value)
{
    struct acc_node old = *node;

    *node = *value;
    node->next = old.next;
    node->key = old.key;
    if (!value->key) { /* a made one was nowhere */
        acc_node_set_key_pos(node, acc_node_key_pos(&old));
    }
}

static void refuse(struct merge *m, const struct acc_path *path, const struct acc_node *base,
                   const struct acc_node *over)
{
    acc_complain(m->ctx->diags, over->pos, path,
                 "cannot override: this is %s, and %s in what it is merged over (%s:%u)",
                 acc_node_type_name(over), acc_node_type_name(base),
                 base->pos.file ? base->pos.file : "?", base->pos.line);
    m->has_errors = true;
}

static void merge_mappings(struct merge *m, const struct acc_path *path, struct acc_node *base,
                           struct acc_node *over)
{
    struct acc_node_index index = {0};
    bool is_indexed = base->n >= INDEX_FROM && over->n > 2 &&
                      acc_node_index_init(&index, m->ctx->arena, base) == 0;
    struct acc_node *next = NULL;

    for (struct acc_node *child = acc_tree_take_children(over); child; child = next) {
        struct acc_path at = {path, child->key, 0};
        struct acc_node *old = is_indexed ? acc_node_index_get(&index, child->key)
                                          : acc_node_get(base, child->key);

        next = child->next;
        child->next = NULL;
        if (old) {
            merge_value(m, &at, old, child);
        } else {
            acc_node_put(base, child->key, acc_node_key_pos(child), child);
        }
    }
}

static void append_all(struct acc_node *base, struct acc_node *over)
{
    struct acc_node *next = NULL;

    for (struct acc_node *child = acc_tree_take_children(over); child; child = next) {
        next = child->next;
        child->next = NULL;
        acc_node_append(base, child);
    }
}

static int compare_texts(const void *a, const void *b)
{
    const struct acc_node *const *x = a;
    const struct acc_node *const *y = b;

    return strcmp((*x)->text, (*y)->text);
}

static void put_pair(struct merge *m, struct acc_node *seq, const struct acc_node *child,
                     const struct acc_node *value)
{
    const char *text = value->text
                           ? acc_arena_printf(m->ctx->arena, "%s=%s", child->key, value->text)
                           : child->key;
    struct acc_node *pair = text ? acc_node_string(m->ctx->arena, value->pos, text) : NULL;

    acc_tree_append(seq, pair);
}

static void sort_texts(struct merge *m, struct acc_node *seq)
{
    size_t n = seq->n;
    size_t i = 0;
    struct acc_node **items = acc_arena_alloc(m->ctx->arena, (n + 1) * sizeof(*items));

    if (!items) {
        return;
    }
    acc_node_for_each(child, seq)
    {
        items[i++] = child;
    }
    qsort(items, n, sizeof(*items), compare_texts);
    (void)acc_tree_take_children(seq);
    for (i = 0; i < n; i++) {
        items[i]->next = NULL;
        acc_node_append(seq, items[i]);
    }
}

/* A mapping becomes KEY=VALUE strings in the order of their text, a string a list of itself,
 * anything else an empty list. */
static void become_sequence(struct merge *m, struct acc_node *node)
{
    struct acc_node *seq = acc_tree_seq(m->ctx, node->pos);

    if (node->type == ACC_NODE_SEQ || !seq) {
        return;
    }
    if (node->type == ACC_NODE_MAP) {
        acc_node_for_each(child, node)
        {
            if (child->type != ACC_NODE_SEQ) {
                put_pair(m, seq, child, child);
            }
            acc_node_for_each(item, child->type == ACC_NODE_SEQ ? child : NULL)
            {
                put_pair(m, seq, child, item);
            }
        }
        sort_texts(m, seq);
    } else if (node->type == ACC_NODE_STRING) {
        acc_tree_append(seq, acc_node_string(m->ctx->arena, node->pos, node->text));
    }
    replace(node, seq);
}

static void merge_to_sequence(struct merge *m, const struct acc_path *path, struct acc_node *base,
                              struct acc_node *over)
{
    (void)path;
    become_sequence(m, base);
    become_sequence(m, over);
    append_all(base, over);
}

static bool has_text(const struct acc_node *seq, const char *text)
{
    acc_node_for_each(child, seq)
    {
        if (child->text && strcmp(child->text, text) == 0) {
            return true;
        }
    }
    return false;
}

static void merge_extra_hosts(struct merge *m, const struct acc_path *path, struct acc_node *base,
                              struct acc_node *over)
{
    struct acc_node *next = NULL;
    struct acc_node fresh = {.type = ACC_NODE_SEQ};

    (void)path;
    become_sequence(m, base);
    become_sequence(m, over);
    for (struct acc_node *child = acc_tree_take_children(over); child; child = next) {
        next = child->next;
        child->next = NULL;
        if (!child->text || !has_text(base, child->text)) {
            acc_node_append(&fresh, child);
        }
    }
    append_all(base, &fresh);
}

/* What a name in a list stands for once it is a key. */
static struct acc_node *named_value(struct merge *m, const struct acc_node *name,
                                    bool is_dependency)
{
    struct acc_node *value = acc_node_new(m->ctx->arena,
                                          is_dependency ? ACC_NODE_MAP : ACC_NODE_NULL, name->pos);

    if (value && is_dependency) {
        acc_tree_put_text(m->ctx, value, "condition", name->pos, "service_started");
        acc_tree_put_bool(m->ctx, value, "required", name->pos, true);
    }
    return value;
}

/* A list of names becomes a mapping, null an empty one. False: it can't. */
static bool become_mapping(struct merge *m, struct acc_node *node, bool is_dependency)
{
    struct acc_node *map = acc_tree_map(m->ctx, node->pos);

    if (node->type == ACC_NODE_MAP || !map) {
        return true;
    }
    if (node->type != ACC_NODE_SEQ && node->type != ACC_NODE_NULL) {
        return false;
    }
    acc_node_for_each(child, node)
    {
        if (child->type != ACC_NODE_STRING) {
            return false;
        }
        if (!acc_node_get(map, child->text)) {
            acc_tree_put(m->ctx, map, child->text, named_value(m, child, is_dependency));
        }
    }
    replace(node, map);
    return true;
}

static bool is_collection(const struct acc_node *node)
{
    return node->type == ACC_NODE_MAP || node->type == ACC_NODE_SEQ;
}

/* A scalar over names says nothing to compose-go, which converts it to no mapping at all. */
static void merge_named(struct merge *m, const struct acc_path *path, struct acc_node *base,
                        struct acc_node *over, bool is_dependency)
{
    if (over->type != ACC_NODE_NULL && !is_collection(over) &&
        become_mapping(m, base, is_dependency)) {
        acc_diags_warn(m->ctx->diags, over->pos,
                       "this is %s instead of names, and has no effect, as in Compose",
                       acc_node_type_name(over));
        return;
    }
    if (become_mapping(m, base, is_dependency) && become_mapping(m, over, is_dependency)) {
        merge_mappings(m, path, base, over);
    } else {
        refuse(m, path, base, over);
    }
}

static void merge_depends_on(struct merge *m, const struct acc_path *path, struct acc_node *base,
                             struct acc_node *over)
{
    merge_named(m, path, base, over, true);
}

static void merge_names(struct merge *m, const struct acc_path *path, struct acc_node *base,
                        struct acc_node *over)
{
    merge_named(m, path, base, over, false);
}

static void become_build(struct merge *m, struct acc_node *node)
{
    struct acc_node *map = acc_tree_map(m->ctx, node->pos);

    if (map && (node->type == ACC_NODE_STRING || node->type == ACC_NODE_NULL)) {
        if (node->type == ACC_NODE_STRING) {
            acc_tree_put_text(m->ctx, map, "context", node->pos, node->text);
        }
        replace(node, map);
    }
}

static void merge_build(struct merge *m, const struct acc_path *path, struct acc_node *base,
                        struct acc_node *over)
{
    become_build(m, base);
    become_build(m, over);
    if (base->type == ACC_NODE_MAP && over->type == ACC_NODE_MAP) {
        merge_mappings(m, path, base, over);
    } else {
        refuse(m, path, base, over);
    }
}

/* Options of one driver mean nothing to another. */
static void merge_logging(struct merge *m, const struct acc_path *path, struct acc_node *base,
                          struct acc_node *over)
{
    const char *old = acc_node_get_text(base, "driver");
    const char *new = acc_node_get_text(over, "driver");

    if (over->type == ACC_NODE_NULL) {
        return;
    }
    if (base->type == ACC_NODE_NULL) {
        replace(base, over);
    } else if (base->type != ACC_NODE_MAP || over->type != ACC_NODE_MAP) {
        refuse(m, path, base, over);
    } else if (!old || !new || strcmp(old, new) == 0) {
        merge_mappings(m, path, base, over);
    } else {
        replace(base, over);
    }
}

static void merge_replace(struct merge *m, const struct acc_path *path, struct acc_node *base,
                          struct acc_node *over)
{
    (void)m;
    (void)path;
    replace(base, over);
}

static bool same_subnet(const struct acc_node *a, const struct acc_node *b)
{
    const char *x = acc_node_get_text(a, "subnet");
    const char *y = acc_node_get_text(b, "subnet");

    return x && y ? strcmp(x, y) == 0 : x == y;
}

/* What ipam.config becomes: by reference, for compose-go changes entries that it has listed. */
struct subnets {
    struct acc_node **items;
    size_t n;
};

static struct acc_node **with_subnet(const struct subnets *out, const struct acc_node *wanted)
{
    for (size_t i = 0; i < out->n; i++) {
        if (same_subnet(out->items[i], wanted)) {
            return &out->items[i];
        }
    }
    return NULL;
}

/* One old entry against all new ones; compose-go's loop as it is, so that the same ones survive. */
static void merge_subnet(struct merge *m, const struct acc_path *path, struct acc_node *old,
                         const struct acc_node *over, struct subnets *out)
{
    acc_node_for_each(new, over)
    {
        struct acc_node *copy = acc_node_clone(m->ctx->arena, new);
        struct acc_node **known = NULL;

        if (!copy || new->type != ACC_NODE_MAP) {
            continue;
        }
        if (!same_subnet(new, old) && !with_subnet(out, new)) {
            out->items[out->n++] = new;
            continue;
        }
        merge_mappings(m, path, old, copy);
        known = with_subnet(out, old);
        if (known) {
            *known = old;
        } else {
            out->items[out->n++] = old;
        }
    }
}

static void merge_ipam(struct merge *m, const struct acc_path *path, struct acc_node *base,
                       struct acc_node *over)
{
    struct acc_node *seq = acc_tree_seq(m->ctx, over->pos);
    struct subnets out = {NULL, 0};

    if (base->type != ACC_NODE_SEQ || over->type != ACC_NODE_SEQ) {
        refuse(m, path, base, over);
        return;
    }
    /* Each new entry is listed once, and each old one in place of another or once. */
    out.items = acc_arena_alloc(m->ctx->arena,
                                ((size_t)base->n + over->n + 1) * sizeof(struct acc_node *));
    if (!seq || !out.items) {
        return;
    }
    acc_node_for_each(old, base)
    {
        if (old->type == ACC_NODE_MAP) {
            merge_subnet(m, path, old, over, &out);
        }
    }
    for (size_t i = 0; i < out.n; i++) {
        acc_tree_append(seq, acc_node_clone(m->ctx->arena, out.items[i]));
    }
    replace(base, seq);
}

static const struct {
    const char *pattern;
    merge_fn merge;
} rules[] = {
    {"networks.*.ipam.config", merge_ipam},
    {"networks.*.labels", merge_to_sequence},
    {"volumes.*.labels", merge_to_sequence},
    {"services.*.annotations", merge_to_sequence},
    {"services.*.build", merge_build},
    {"services.*.build.args", merge_to_sequence},
    {"services.*.build.additional_contexts", merge_to_sequence},
    {"services.*.build.extra_hosts", merge_extra_hosts},
    {"services.*.build.labels", merge_to_sequence},
    {"services.*.command", merge_replace},
    {"services.*.depends_on", merge_depends_on},
    {"services.*.deploy.labels", merge_to_sequence},
    {"services.*.dns", merge_to_sequence},
    {"services.*.dns_opt", merge_to_sequence},
    {"services.*.dns_search", merge_to_sequence},
    {"services.*.entrypoint", merge_replace},
    {"services.*.env_file", merge_to_sequence},
    {"services.*.label_file", merge_to_sequence},
    {"services.*.environment", merge_to_sequence},
    {"services.*.extra_hosts", merge_extra_hosts},
    {"services.*.healthcheck.test", merge_replace},
    {"services.*.labels", merge_to_sequence},
    {"services.*.volumes.*.volume.labels", merge_to_sequence},
    {"services.*.logging", merge_logging},
    {"services.*.models", merge_names},
    {"services.*.networks", merge_names},
    {"services.*.sysctls", merge_to_sequence},
    {"services.*.tmpfs", merge_to_sequence},
    {"services.*.ulimits.*", merge_replace},
};

static void merge_value(struct merge *m, const struct acc_path *path, struct acc_node *base,
                        struct acc_node *over)
{
    for (size_t i = 0; i < ACC_ARRAY_LEN(rules); i++) {
        if (acc_path_matches(path, rules[i].pattern)) {
            rules[i].merge(m, path, base, over);
            return;
        }
    }
    if (over->type == ACC_NODE_NULL) {
        return;
    }
    if (is_collection(base) && base->type != over->type) {
        refuse(m, path, base, over);
    } else if (base->type == ACC_NODE_MAP) {
        merge_mappings(m, path, base, over);
    } else if (base->type == ACC_NODE_SEQ) {
        append_all(base, over);
    } else {
        replace(base, over);
    }
}

int acc_compose_merge(struct acc_compose_ctx *ctx, struct acc_node *base, struct acc_node *over,
                      const char *const *at, size_t n_at, struct acc_node **ret_merged)
{
    struct merge m = {.ctx = ctx};
    struct acc_path path[AT_MAX];

    acc_assert(n_at <= AT_MAX);
    for (size_t i = 0; i < n_at; i++) {
        path[i] = (struct acc_path){i > 0 ? &path[i - 1] : NULL, at[i], 0};
    }
    merge_value(&m, n_at > 0 ? &path[n_at - 1] : NULL, base, over);
    if (acc_arena_failed(ctx->arena)) {
        return -ENOMEM;
    }
    *ret_merged = base; /* what could not be merged is as it was */
    return m.has_errors ? -EINVAL : 0;
}
