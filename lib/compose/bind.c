#include "lib/compose/bind.h"

#include <errno.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/compose/bind_kinds.h"
#include "lib/compose/tree.h"

#define FIELDS_MAX 128u

static enum acc_bound bind_sub(struct acc_compose_ctx *ctx, const struct acc_field *field,
                               struct acc_node *node, const struct acc_path *path)
{
    if (node->type != ACC_NODE_MAP) {
        return ACC_BOUND_OMIT; /* null; SCHEMA has refused the rest */
    }
    return acc_bind_struct(ctx, field->sub, node, path) < 0 ? ACC_BOUND_FAILED : ACC_BOUND_KEEP;
}

static enum acc_bound bind_structs(struct acc_compose_ctx *ctx, const struct acc_field *field,
                                   struct acc_node *node, const struct acc_path *path)
{
    enum acc_bound outcome = ACC_BOUND_KEEP;
    uint32_t i = 0;

    acc_node_for_each(child, node)
    {
        struct acc_path at = {path, NULL, i++};

        if (bind_sub(ctx, field, child, &at) == ACC_BOUND_FAILED) {
            outcome = ACC_BOUND_FAILED;
        }
    }
    return outcome == ACC_BOUND_FAILED || node->n > 0 ? outcome : ACC_BOUND_OMIT;
}

static enum acc_bound bind_struct_map(struct acc_compose_ctx *ctx, const struct acc_field *field,
                                      struct acc_node *node, const struct acc_path *path)
{
    enum acc_bound outcome = ACC_BOUND_KEEP;
    bool is_nullable = field->bind == ACC_BIND_STRUCT_P_MAP;
    struct acc_node *next = NULL;

    for (struct acc_node *child = acc_tree_take_children(node); child; child = next) {
        struct acc_path at = {path, child->key, 0};

        next = child->next;
        child->next = NULL;
        if (child->type == ACC_NODE_NULL && !is_nullable) {
            acc_tree_become(child, acc_tree_map(ctx, child->pos));
        }
        if (bind_sub(ctx, field, child, &at) == ACC_BOUND_FAILED) {
            outcome = ACC_BOUND_FAILED;
        }
        acc_node_put(node, child->key, acc_node_key_pos(child), child);
    }
    acc_node_sort_keys(node);
    return outcome == ACC_BOUND_FAILED || node->n > 0 ? outcome : ACC_BOUND_OMIT;
}

static enum acc_bound bind_value(struct acc_compose_ctx *ctx, const struct acc_field *field,
                                 struct acc_node *node, const struct acc_path *path)
{
    enum acc_bound outcome;

    switch (field->bind) {
    case ACC_BIND_NONE:
        return ACC_BOUND_OMIT;
    case ACC_BIND_KEEP:
        return ACC_BOUND_KEEP;
    case ACC_BIND_STR:
        return acc_bind_text(ctx, node);
    case ACC_BIND_BOOL:
        return acc_bind_bool(ctx, node, path, false);
    case ACC_BIND_BOOL_P:
        return acc_bind_bool(ctx, node, path, true);
    case ACC_BIND_INT:
        outcome = acc_bind_int(ctx, node, path);
        return outcome == ACC_BOUND_KEEP && node->integer == 0 ? ACC_BOUND_OMIT : outcome;
    case ACC_BIND_INT_P:
        return acc_bind_int(ctx, node, path);
    case ACC_BIND_UINT16:
        outcome = acc_bind_uint16(ctx, node, path);
        return outcome == ACC_BOUND_KEEP && node->integer == 0 ? ACC_BOUND_OMIT : outcome;
    case ACC_BIND_FLOAT:
        outcome = acc_bind_float(ctx, node, path);
        return outcome == ACC_BOUND_KEEP && node->number == 0 ? ACC_BOUND_OMIT : outcome;
    case ACC_BIND_BYTES:
        return acc_bind_bytes(ctx, node, path);
    case ACC_BIND_DURATION:
        return acc_bind_duration(ctx, node, path, false);
    case ACC_BIND_DURATION_P:
        return acc_bind_duration(ctx, node, path, true);
    case ACC_BIND_STRS:
        return acc_bind_texts(ctx, node);
    case ACC_BIND_COMMAND:
        return acc_bind_command(ctx, node, path);
    case ACC_BIND_TEST:
        return acc_bind_test(ctx, node);
    case ACC_BIND_ENV:
        return acc_bind_pairs(ctx, node, path, true);
    case ACC_BIND_MAPPING:
        return acc_bind_pairs(ctx, node, path, false);
    case ACC_BIND_MULTI:
        return acc_bind_multi(ctx, node);
    case ACC_BIND_HOSTS:
        return acc_bind_hosts(ctx, node, path);
    case ACC_BIND_ULIMITS:
        return acc_bind_ulimits(ctx, field, node, path);
    case ACC_BIND_SSH:
        return acc_bind_ssh(ctx, node);
    case ACC_BIND_DEVICE_COUNT:
        return acc_bind_device_count(ctx, node, path);
    case ACC_BIND_MODE:
        return acc_bind_mode(ctx, node, path);
    case ACC_BIND_STRUCT_P:
    case ACC_BIND_STRUCT_V:
        return bind_sub(ctx, field, node, path);
    case ACC_BIND_STRUCTS:
        return bind_structs(ctx, field, node, path);
    case ACC_BIND_STRUCT_MAP:
    case ACC_BIND_STRUCT_P_MAP:
        return bind_struct_map(ctx, field, node, path);
    }
    return ACC_BOUND_OMIT;
}

/* What Go prints of a field that was not given, or given empty. */
static struct acc_node *absent(struct acc_compose_ctx *ctx, const struct acc_field *field,
                               struct acc_srcpos pos, const struct acc_path *path)
{
    struct acc_node *node = NULL;

    if (field->bind == ACC_BIND_COMMAND) {
        node = acc_node_new(ctx->arena, ACC_NODE_NULL, pos);
    } else if (field->bind == ACC_BIND_STRUCT_V) {
        node = acc_tree_map(ctx, pos);
        if (node) {
            (void)acc_bind_struct(ctx, field->sub, node, path); /* empty: cannot fail */
        }
    }
    return node;
}

/* x- keys that later passes need. */
static bool is_kept(const struct acc_struct *type, const char *key)
{
    return strncmp(key, "x-", 2) == 0 &&
           (type == &acc_schema_project || strcmp(key, ACC_SPEC_VALUE_KEY) == 0 ||
            (type == &acc_schema_service && strcmp(key, "x-acc") == 0));
}

/* compose-go holds extensions in maps of Go, which print sorted. */
static void sort_all(struct acc_node *node)
{
    if (node->type == ACC_NODE_MAP) {
        acc_node_sort_keys(node);
    }
    acc_node_for_each(child, node)
    {
        sort_all(child);
    }
}

static void put_back(struct acc_compose_ctx *ctx, const struct acc_field *field,
                     struct acc_node *map, struct acc_node *child, const struct acc_path *path)
{
    struct acc_path at = {path, field->key, 0};

    if (!child) {
        child = absent(ctx, field, map->pos, &at);
        if (child) {
            acc_node_put(map, field->key, map->pos, child);
        }
        return;
    }
    acc_node_put(map, field->key, acc_node_key_pos(child), child);
}

int acc_bind_struct(struct acc_compose_ctx *ctx, const struct acc_struct *type,
                    struct acc_node *map, const struct acc_path *path)
{
    struct acc_node *slots[FIELDS_MAX] = {NULL};
    struct acc_node *kept = NULL;
    struct acc_node **kept_end = &kept;
    struct acc_node *next = NULL;
    int r = 0;

    acc_assert(type->n_fields <= FIELDS_MAX);
    for (struct acc_node *child = acc_tree_take_children(map); child; child = next) {
        const struct acc_field *field = acc_struct_field(type, child->key);
        struct acc_path at = {path, child->key, 0};

        next = child->next;
        child->next = NULL;
        if (is_kept(type, child->key)) {
            *kept_end = child;
            kept_end = &child->next;
        } else if (field) {
            if (field->flags & ACC_FIELD_IGNORED) {
                acc_diags_warn(ctx->diags, acc_node_key_pos(child),
                               "'%s' has no effect in Docker Compose", child->key);
            }
            enum acc_bound outcome = bind_value(ctx, field, child, &at);

            r = outcome == ACC_BOUND_FAILED ? -EINVAL : r;
            slots[field - type->fields] = outcome == ACC_BOUND_OMIT ? NULL : child;
        }
    }
    for (size_t i = 0; i < type->n_fields; i++) {
        put_back(ctx, &type->fields[i], map, slots[i], path);
    }
    for (struct acc_node *child = kept; child; child = next) {
        next = child->next;
        child->next = NULL;
        sort_all(child);
        acc_node_put(map, child->key, acc_node_key_pos(child), child);
    }
    if (type == &acc_schema_project) {
        acc_node_sort_keys(map);
    }
    return r;
}
