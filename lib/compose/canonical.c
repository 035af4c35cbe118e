/* CANONICAL: short forms to long ones (compose-go transform/). Runs again on what is long already.
 */
#include <errno.h>
#include <string.h>

#include "lib/compose/short.h"
#include "lib/compose/tree.h"

/* What is done to one value. */
typedef int (*transform_fn)(struct acc_compose_ctx *ctx, struct acc_node *node,
                            const struct acc_path *path);

/* `fn` for every element of a sequence. */
static int each(struct acc_compose_ctx *ctx, struct acc_node *seq, const struct acc_path *path,
                transform_fn fn)
{
    uint32_t i = 0;
    int result = 0;

    if (!acc_node_is(seq, ACC_NODE_SEQ)) {
        return 0;
    }
    acc_node_for_each(child, seq)
    {
        struct acc_path at = {path, NULL, i++};
        int r = fn(ctx, child, &at);

        if (r == -ENOMEM) {
            return r;
        }
        result = r < 0 ? r : result;
    }
    return result;
}

/* "x" -> [x] */
static int string_to_list(struct acc_compose_ctx *ctx, struct acc_node *node,
                          const struct acc_path *path)
{
    (void)path;
    if (node->type == ACC_NODE_STRING) {
        struct acc_node *seq = acc_tree_seq(ctx, node->pos);

        acc_tree_append_text(ctx, seq, node->pos, node->text, strlen(node->text));
        acc_tree_become(node, seq);
    }
    return 0;
}

/* Empty servers come from unset variables; Compose drops them. */
static int dns(struct acc_compose_ctx *ctx, struct acc_node *node, const struct acc_path *path)
{
    (void)string_to_list(ctx, node, path);
    if (node->type == ACC_NODE_SEQ) {
        struct acc_node *next = NULL;

        for (struct acc_node *child = acc_tree_take_children(node); child; child = next) {
            next = child->next;
            child->next = NULL;
            if (child->type != ACC_NODE_NULL &&
                !(child->type == ACC_NODE_STRING && child->text[0] == '\0')) {
                acc_node_append(node, child);
            }
        }
    }
    return 0;
}

/* [a, b] -> {a: null, b: null} */
static int list_to_map(struct acc_compose_ctx *ctx, struct acc_node *node,
                       const struct acc_path *path)
{
    (void)path;
    if (node->type == ACC_NODE_SEQ) {
        struct acc_node *map = acc_tree_map(ctx, node->pos);

        acc_node_for_each(child, node)
        {
            if (child->type == ACC_NODE_STRING) {
                acc_tree_put(ctx, map, child->text,
                             acc_node_new(ctx->arena, ACC_NODE_NULL, child->pos));
            }
        }
        acc_tree_become(node, map);
    }
    return 0;
}

/* [k=v] -> {k: v} */
static int pairs_to_map(struct acc_compose_ctx *ctx, struct acc_node *node,
                        const struct acc_path *path)
{
    struct acc_node *map;
    int r = 0;

    if (node->type != ACC_NODE_SEQ) {
        return 0;
    }
    map = acc_tree_map(ctx, node->pos);
    acc_node_for_each(child, node)
    {
        const char *equals = child->type == ACC_NODE_STRING ? strchr(child->text, '=') : NULL;
        const char *key = equals ? acc_arena_strndup(ctx->arena, child->text,
                                                     (size_t)(equals - child->text))
                                 : NULL;

        if (!equals) {
            acc_complain(ctx->diags, child->pos, path, "invalid value '%s', expected key=value",
                         child->text ? child->text : "");
            r = -EINVAL;
        } else if (key) {
            acc_tree_put_text(ctx, map, key, child->pos, equals + 1);
        }
    }
    if (r == 0) {
        acc_tree_become(node, map);
    }
    return r;
}

/* "x" -> {key: x}; the key is chosen by the place. */
static void wrap(struct acc_compose_ctx *ctx, struct acc_node *node, const char *key)
{
    if (node->type == ACC_NODE_STRING) {
        struct acc_node *map = acc_tree_map(ctx, node->pos);

        acc_tree_put_text(ctx, map, key, node->pos, node->text);
        acc_tree_become(node, map);
    }
}

static int file_mount(struct acc_compose_ctx *ctx, struct acc_node *node,
                      const struct acc_path *path)
{
    (void)path;
    wrap(ctx, node, "source");
    return 0;
}

static int extends(struct acc_compose_ctx *ctx, struct acc_node *node, const struct acc_path *path)
{
    (void)path;
    wrap(ctx, node, "service");
    return 0;
}

static int env_file(struct acc_compose_ctx *ctx, struct acc_node *node, const struct acc_path *path)
{
    (void)path;
    (void)string_to_list(ctx, node, path);
    if (node->type != ACC_NODE_SEQ) {
        return 0;
    }
    acc_node_for_each(child, node)
    {
        wrap(ctx, child, "path");
        if (child->type == ACC_NODE_MAP && !acc_node_get(child, "required")) {
            acc_tree_put_bool(ctx, child, "required", child->pos, true);
        }
    }
    return 0;
}

static int depends_on(struct acc_compose_ctx *ctx, struct acc_node *node,
                      const struct acc_path *path)
{
    int r = 0;

    (void)list_to_map(ctx, node, path);
    if (node->type != ACC_NODE_MAP) {
        return 0;
    }
    acc_node_for_each(child, node)
    {
        if (child->type == ACC_NODE_NULL) { /* of the list form */
            acc_tree_become(child, acc_tree_map(ctx, child->pos));
        }
        if (child->type != ACC_NODE_MAP) {
            acc_complain(ctx->diags, child->pos, path, "'%s' must be a mapping, not %s", child->key,
                         acc_node_type_name(child));
            r = -EINVAL;
            continue;
        }
        if (!acc_node_get(child, "condition")) {
            acc_tree_put_text(ctx, child, "condition", child->pos, "service_started");
        }
        if (!acc_node_get(child, "required")) {
            acc_tree_put_bool(ctx, child, "required", child->pos, true);
        }
    }
    return r;
}

static int gpus(struct acc_compose_ctx *ctx, struct acc_node *node, const struct acc_path *path)
{
    (void)path;
    if (node->type == ACC_NODE_STRING) {
        struct acc_node *seq = acc_tree_seq(ctx, node->pos);
        struct acc_node *map = acc_tree_map(ctx, node->pos);

        acc_tree_put_text(ctx, map, "count", node->pos, "all");
        acc_tree_append(seq, map);
        acc_tree_become(node, seq);
    }
    return 0;
}

static int volume(struct acc_compose_ctx *ctx, struct acc_node *node, const struct acc_path *path)
{
    return node->type == ACC_NODE_STRING ? acc_short_volume(ctx, node, path) : 0;
}

static int device(struct acc_compose_ctx *ctx, struct acc_node *node, const struct acc_path *path)
{
    return node->type == ACC_NODE_STRING ? acc_short_device(ctx, node, path) : 0;
}

/* One entry may become many ports, so the list is made anew. */
static int ports(struct acc_compose_ctx *ctx, struct acc_node *node, const struct acc_path *path)
{
    struct acc_node *next = NULL;
    uint32_t i = 0;
    int result = 0;

    if (node->type != ACC_NODE_SEQ) {
        return 0;
    }
    for (struct acc_node *child = acc_tree_take_children(node); child; child = next) {
        struct acc_path at = {path, NULL, i++};
        int r = 0;

        next = child->next;
        child->next = NULL;
        if (child->type == ACC_NODE_STRING || child->type == ACC_NODE_INT) {
            r = acc_short_port(ctx, node, child->pos, &at, child->text);
        } else if (child->type == ACC_NODE_MAP) {
            acc_node_append(node, child);
        } else {
            acc_complain(ctx->diags, child->pos, &at, "a port can't be %s",
                         acc_node_type_name(child));
            r = -EINVAL;
        }
        if (r == -ENOMEM) {
            return r;
        }
        result = r < 0 ? r : result;
    }
    return result;
}

static int volumes(struct acc_compose_ctx *ctx, struct acc_node *node, const struct acc_path *path)
{
    return each(ctx, node, path, volume);
}

static int devices(struct acc_compose_ctx *ctx, struct acc_node *node, const struct acc_path *path)
{
    return each(ctx, node, path, device);
}

static int file_mounts(struct acc_compose_ctx *ctx, struct acc_node *node,
                       const struct acc_path *path)
{
    return each(ctx, node, path, file_mount);
}

static int string_or_flag(struct acc_compose_ctx *ctx, struct acc_node *node,
                          const struct acc_path *path)
{
    (void)path;
    if (node->type == ACC_NODE_BOOL) {
        acc_tree_become_text(ctx, node, node->boolean ? "true" : "false");
    }
    return 0;
}

/* [default, id=path] -> {default: null, id: path} */
static int ssh(struct acc_compose_ctx *ctx, struct acc_node *node, const struct acc_path *path)
{
    struct acc_node *map;

    if (node->type != ACC_NODE_SEQ) {
        return 0;
    }
    map = acc_tree_map(ctx, node->pos);
    acc_node_for_each(child, node)
    {
        const char *equals = child->type == ACC_NODE_STRING ? strchr(child->text, '=') : NULL;

        if (!equals && (child->type != ACC_NODE_STRING || strcmp(child->text, "default") != 0)) {
            acc_complain(ctx->diags, child->pos, path, "invalid ssh key '%s'; write it as id=path",
                         child->text ? child->text : "");
            return -EINVAL;
        }
        if (!equals) {
            acc_tree_put(ctx, map, child->text,
                         acc_node_new(ctx->arena, ACC_NODE_NULL, child->pos));
            continue;
        }
        const char *id = acc_arena_strndup(ctx->arena, child->text, (size_t)(equals - child->text));

        if (id) {
            acc_tree_put_text(ctx, map, id, child->pos, equals + 1);
        }
    }
    acc_tree_become(node, map);
    return 0;
}

struct transform {
    const char *key;
    transform_fn fn;
};

static int apply(struct acc_compose_ctx *ctx, struct acc_node *map, const struct acc_path *path,
                 const struct transform *transforms)
{
    int result = 0;

    acc_node_for_each(child, map)
    {
        for (const struct transform *t = transforms; t->key; t++) {
            if (strcmp(t->key, child->key) == 0) {
                struct acc_path at = {path, child->key, 0};
                int r = t->fn(ctx, child, &at);

                if (r == -ENOMEM) {
                    return r;
                }
                result = r < 0 ? r : result;
            }
        }
    }
    return result;
}

static int build(struct acc_compose_ctx *ctx, struct acc_node *node, const struct acc_path *path)
{
    static const struct transform transforms[] = {
        {"secrets", file_mounts},
        {"provenance", string_or_flag},
        {"sbom", string_or_flag},
        {"additional_contexts", pairs_to_map},
        {"ssh", ssh},
        {NULL, NULL},
    };

    wrap(ctx, node, "context");
    return node->type == ACC_NODE_MAP ? apply(ctx, node, path, transforms) : 0;
}

static int watch(struct acc_compose_ctx *ctx, struct acc_node *node, const struct acc_path *path)
{
    static const struct transform transforms[] = {
        {"ignore", string_to_list},
        {"include", string_to_list},
        {NULL, NULL},
    };

    return node->type == ACC_NODE_MAP ? apply(ctx, node, path, transforms) : 0;
}

static int develop(struct acc_compose_ctx *ctx, struct acc_node *node, const struct acc_path *path)
{
    return each(ctx, acc_node_get(node, "watch"), path, watch);
}

static int service(struct acc_compose_ctx *ctx, struct acc_node *node, const struct acc_path *path)
{
    static const struct transform transforms[] = {
        {"build", build},
        {"configs", file_mounts},
        {"depends_on", depends_on},
        {"develop", develop},
        {"devices", devices},
        {"dns", dns},
        {"env_file", env_file},
        {"extends", extends},
        {"gpus", gpus},
        {"label_file", string_to_list},
        {"models", list_to_map},
        {"networks", list_to_map},
        {"ports", ports},
        {"secrets", file_mounts},
        {"volumes", volumes},
        {NULL, NULL},
    };

    return node->type == ACC_NODE_MAP ? apply(ctx, node, path, transforms) : 0;
}

/* external: {name: x}, which is deprecated -> external: true, name: x */
static int resource(struct acc_compose_ctx *ctx, struct acc_node *node, const struct acc_path *path)
{
    struct acc_node *external = acc_node_get(node, "external");
    const char *name;

    if (!acc_node_is(external, ACC_NODE_MAP)) {
        return 0;
    }
    name = acc_node_get_text(external, "name");
    acc_tree_become(external, acc_node_bool(ctx->arena, external->pos, true));
    if (!name) {
        return 0;
    }
    acc_diags_warn(ctx->diags, acc_node_key_pos(external),
                   "external.name is deprecated; write name and external: true");
    if (!acc_node_get(node, "name")) {
        acc_tree_put_text(ctx, node, "name", external->pos, name);
    } else if (strcmp(acc_node_get_text(node, "name") ? acc_node_get_text(node, "name") : "",
                      name) != 0) {
        acc_complain(ctx->diags, external->pos, path,
                     "name and external.name differ; keep only name");
        return -EINVAL;
    }
    return 0;
}

int acc_compose_canonical(struct acc_compose_ctx *ctx, struct acc_node *project)
{
    static const struct transform sections[] = {
        {"configs", resource}, {"networks", resource}, {"secrets", resource},
        {"services", service}, {"volumes", resource},  {NULL, NULL},
    };
    int result = 0;

    acc_node_for_each(section, project)
    {
        for (const struct transform *t = sections; t->key; t++) {
            if (strcmp(t->key, section->key) != 0 || section->type != ACC_NODE_MAP) {
                continue;
            }
            struct acc_path top = {NULL, section->key, 0};

            acc_node_for_each(child, section)
            {
                struct acc_path at = {&top, child->key, 0};
                int r = t->fn(ctx, child, &at);

                if (r == -ENOMEM) {
                    return r;
                }
                result = r < 0 ? r : result;
            }
        }
    }
    return acc_arena_failed(ctx->arena) ? -ENOMEM : result;
}
