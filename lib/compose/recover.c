#include "lib/compose/recover.h"

#include <errno.h>
#include <string.h>

#include "lib/compose/schema.h"
#include "lib/compose/tree.h"

/* Stands for a text that is missing. */
#define SOME_TEXT "x"

static bool is_scalar(const struct acc_node *node)
{
    return node->text != NULL;
}

/* The first of "a|b|c". */
static const char *first_choice(struct acc_compose_ctx *ctx, const char *choices)
{
    return acc_arena_strndup(ctx->arena, choices, strcspn(choices, "|"));
}

/* A value of a type that may stand there. */
static struct acc_node *neutral(struct acc_compose_ctx *ctx, const struct acc_field *field,
                                uint8_t is, const struct acc_node *node)
{
    bool wants_text = (is & ACC_IS_STR) && (is_scalar(node) || !(is & (ACC_IS_SEQ | ACC_IS_MAP)));
    const char *text = field->choices    ? first_choice(ctx, field->choices)
                       : is_scalar(node) ? node->text
                                         : SOME_TEXT;

    if (wants_text) {
        return text ? acc_node_string(ctx->arena, node->pos, text) : NULL;
    }
    if (is & ACC_IS_SEQ) {
        return acc_tree_seq(ctx, node->pos);
    }
    if (is & ACC_IS_MAP) {
        return acc_tree_map(ctx, node->pos);
    }
    if (is & ACC_IS_NUM) {
        return acc_node_int(ctx->arena, node->pos, 0);
    }
    return is & ACC_IS_BOOL ? acc_node_bool(ctx->arena, node->pos, false)
                            : acc_node_new(ctx->arena, ACC_NODE_NULL, node->pos);
}

/* It was told that something is wrong with it: nothing more is, be it of its key or its value. */
static void mute(struct acc_compose_ctx *ctx, const struct acc_node *node)
{
    acc_diags_mute(ctx->diags, node->pos);
    acc_diags_mute(ctx->diags, acc_node_key_pos(node));
}

static void become_neutral(struct acc_compose_ctx *ctx, const struct acc_field *field, uint8_t is,
                           struct acc_node *node)
{
    const struct acc_node *value = neutral(ctx, field, is, node);

    mute(ctx, node);
    if (value) {
        acc_tree_become(node, value);
    }
}

static void recover_struct(struct acc_compose_ctx *ctx, const struct acc_struct *type,
                           struct acc_node *map);

static void recover_sequence(struct acc_compose_ctx *ctx, const struct acc_field *field,
                             struct acc_node *seq)
{
    struct acc_node *next = NULL;

    for (struct acc_node *child = acc_tree_take_children(seq); child; child = next) {
        next = child->next;
        child->next = NULL;
        if (!acc_schema_fits(child, field->elements) && !(field->elements & ACC_IS_STR)) {
            continue;
        }
        if (!acc_schema_fits(child, field->elements)) {
            become_neutral(ctx, field, field->elements, child);
            acc_diags_mute(ctx->diags, seq->pos);
        }
        if (child->type == ACC_NODE_MAP && field->sub) {
            size_t n_muted = ctx->diags->n_muted;

            recover_struct(ctx, field->sub, child);
            if (ctx->diags->n_muted > n_muted) {
                acc_diags_mute(ctx->diags, child->pos); /* how its parts go together */
            }
        }
        acc_node_append(seq, child);
    }
}

static void recover_mapping(struct acc_compose_ctx *ctx, const struct acc_field *field,
                            struct acc_node *map)
{
    struct acc_node *next = NULL;

    for (struct acc_node *child = map->first; child; child = next) {
        next = child->next;
        if (!acc_schema_fits(child, field->values)) {
            if (strcmp(field->key, "depends_on") == 0) { /* whether it names a service or not */
                (void)acc_node_remove(map, child->key);
                continue;
            }
            become_neutral(ctx, field, field->values, child);
            if (field->sub == &acc_schema_service) { /* nobody knows what it would have had */
                acc_tree_put_text(ctx, child, "image", child->pos, SOME_TEXT);
            }
        }
        if (child->type == ACC_NODE_MAP && field->sub) {
            recover_struct(ctx, field->sub, child);
        }
    }
}

static void recover_value(struct acc_compose_ctx *ctx, const struct acc_field *field,
                          struct acc_node *node)
{
    if (!acc_schema_fits(node, field->is) || !acc_schema_is_choice(field, node)) {
        become_neutral(ctx, field, field->is, node);
    }
    if (node->type == ACC_NODE_SEQ) {
        recover_sequence(ctx, field, node);
    } else if (node->type == ACC_NODE_MAP && field->sub && !acc_field_is_struct_map(field)) {
        recover_struct(ctx, field->sub, node);
    } else if (node->type == ACC_NODE_MAP) {
        recover_mapping(ctx, field, node);
    }
}

/* A key with a typo is taken for the one that was meant; any other goes. */
static const struct acc_field *field_of(const struct acc_struct *type, struct acc_node *map,
                                        struct acc_node *child)
{
    const struct acc_field *field = acc_struct_field(type, child->key);
    const char *near = field ? NULL : acc_struct_nearest(type, child->key);

    if (near && !acc_node_get(map, near)) {
        field = acc_struct_field(type, near);
        child->key = field->key;
    }
    return field;
}

static void recover_struct(struct acc_compose_ctx *ctx, const struct acc_struct *type,
                           struct acc_node *map)
{
    struct acc_node *next = NULL;

    for (struct acc_node *child = map->first; child; child = next) {
        bool is_extension = !type->is_closed && strncmp(child->key, "x-", 2) == 0;
        const struct acc_field *field = is_extension ? NULL : field_of(type, map, child);

        next = child->next;
        if (field) {
            recover_value(ctx, field, child);
        } else if (!is_extension && !type->is_lenient) {
            mute(ctx, child);
            (void)acc_node_remove(map, child->key);
        }
    }
    for (size_t i = 0; i < type->n_fields; i++) {
        const struct acc_field *field = &type->fields[i];

        if ((field->flags & ACC_FIELD_REQUIRED) && !acc_node_get(map, field->key)) {
            const struct acc_node nothing = {.type = ACC_NODE_NULL, .pos = map->pos};

            (void)acc_tree_put(ctx, map, field->key, neutral(ctx, field, field->is, &nothing));
        }
    }
}

/* A section that is none at all may have been meant to define anything. */
static bool lacks_a_section(const struct acc_node *project)
{
    acc_node_for_each(section, project)
    {
        const struct acc_field *field = acc_struct_field(&acc_schema_project, section->key);

        if (field && (field->is & ACC_IS_MAP) && !acc_schema_fits(section, field->is)) {
            return true;
        }
    }
    return false;
}

int acc_compose_recover(struct acc_compose_ctx *ctx, struct acc_node *project)
{
    ctx->is_incomplete |= lacks_a_section(project);
    recover_struct(ctx, &acc_schema_project, project);
    return acc_arena_failed(ctx->arena) ? -ENOMEM : 0;
}

/* --- the long form --------------------------------------------------------------------------- */

static void keep_long(const struct acc_struct *type, struct acc_node *map);

static void keep_long_items(const struct acc_field *field, struct acc_node *node)
{
    struct acc_node *next = NULL;

    for (struct acc_node *child = acc_tree_take_children(node); child; child = next) {
        next = child->next;
        child->next = NULL;
        if (child->type == ACC_NODE_MAP) {
            keep_long(field->sub, child);
            acc_node_append(node, child);
        }
    }
}

static bool is_long(const struct acc_field *field, const struct acc_node *node)
{
    bool is_struct = field->bind == ACC_BIND_STRUCT_P || field->bind == ACC_BIND_STRUCT_V ||
                     field->bind == ACC_BIND_STRUCT_MAP || field->bind == ACC_BIND_STRUCT_P_MAP;

    if (field->bind == ACC_BIND_STRUCTS) {
        return node->type == ACC_NODE_SEQ;
    }
    return !is_struct || node->type == ACC_NODE_MAP || node->type == ACC_NODE_NULL;
}

static void keep_long(const struct acc_struct *type, struct acc_node *map)
{
    struct acc_node *next = NULL;

    for (struct acc_node *child = map->first; child; child = next) {
        const struct acc_field *field = acc_struct_field(type, child->key);

        next = child->next;
        if (!field) {
            continue;
        }
        if (!is_long(field, child)) {
            (void)acc_node_remove(map, child->key);
        } else if (field->bind == ACC_BIND_STRUCTS) {
            keep_long_items(field, child);
        } else if (field->sub && child->type == ACC_NODE_MAP && acc_field_is_struct_map(field)) {
            acc_node_for_each(item, child)
            {
                if (item->type == ACC_NODE_MAP) {
                    keep_long(field->sub, item);
                }
            }
        } else if (field->sub && child->type == ACC_NODE_MAP) {
            keep_long(field->sub, child);
        }
    }
}

void acc_compose_recover_long(struct acc_node *project)
{
    keep_long(&acc_schema_project, project);
}
