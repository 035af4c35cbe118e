/* NORMALISE: compose-go's loader/normalize.go, and then the decoding into structs (bind.c). */
#include <errno.h>
#include <string.h>

#include "lib/compose/bind.h"
#include "lib/compose/tree.h"

/* A variable without a value takes the project's; without `keep_unset` it goes when there is none.
 */
static void resolve_unset(struct acc_compose_ctx *ctx, struct acc_node *node, bool keep_unset)
{
    struct acc_node *next = NULL;

    for (struct acc_node *child = node ? acc_tree_take_children(node) : NULL; child; child = next) {
        const char *key = node->type == ACC_NODE_MAP ? child->key : child->text;
        bool is_unset = node->type == ACC_NODE_MAP
                            ? child->type == ACC_NODE_NULL
                            : child->type == ACC_NODE_STRING && !strchr(child->text, '=');
        const char *value = is_unset && key ? acc_compose_env_get(ctx->env, key) : NULL;

        next = child->next;
        child->next = NULL;
        if (value) {
            acc_tree_become_text(ctx, child,
                                 node->type == ACC_NODE_MAP
                                     ? value
                                     : acc_arena_printf(ctx->arena, "%s=%s", key, value));
        }
        if (is_unset && !value && !keep_unset) {
            continue;
        }
        if (node->type == ACC_NODE_MAP) {
            acc_node_put(node, child->key, acc_node_key_pos(child), child);
        } else {
            acc_node_append(node, child);
        }
    }
}

static void build(struct acc_compose_ctx *ctx, struct acc_node *node)
{
    if (!acc_node_is(node, ACC_NODE_MAP)) {
        return;
    }
    if (!acc_node_get(node, "context")) {
        acc_tree_put_text(ctx, node, "context", node->pos, ".");
    }
    if (!acc_node_get(node, "dockerfile") && !acc_node_get(node, "dockerfile_inline")) {
        acc_tree_put_text(ctx, node, "dockerfile", node->pos, "Dockerfile");
    }
    resolve_unset(ctx, acc_node_get(node, "args"), false);
}

static void imply(struct acc_compose_ctx *ctx, struct acc_node *service, const char *name,
                  size_t len, struct acc_srcpos pos, bool restarts)
{
    struct acc_node *depends_on = acc_node_get(service, "depends_on");
    const char *key = acc_arena_strndup(ctx->arena, name, len);
    struct acc_node *dependency;

    if (!acc_node_is(depends_on, ACC_NODE_MAP)) {
        depends_on = acc_tree_put(ctx, service, "depends_on", acc_tree_map(ctx, pos));
    }
    if (!key || !depends_on || acc_node_get(depends_on, key)) {
        return;
    }
    dependency = acc_tree_map(ctx, pos);
    acc_tree_put_text(ctx, dependency, "condition", pos, "service_started");
    acc_tree_put_bool(ctx, dependency, "restart", pos, restarts);
    acc_tree_put_bool(ctx, dependency, "required", pos, true);
    acc_tree_put(ctx, depends_on, key, dependency);
}

/* links, namespaces and volumes of other services are dependencies. */
static void implied_dependencies(struct acc_compose_ctx *ctx, struct acc_node *service)
{
    static const char *const namespaces[] = {"network_mode", "ipc", "pid", "uts", "cgroup"};

    acc_node_for_each(link, acc_node_get(service, "links"))
    {
        size_t len = strcspn(link->text, ":");
        bool is_pair = link->text[len] && !strchr(link->text + len + 1, ':');

        imply(ctx, service, link->text, is_pair ? len : strlen(link->text), link->pos, true);
    }
    for (size_t i = 0; i < sizeof(namespaces) / sizeof(namespaces[0]); i++) {
        const struct acc_node *node = acc_node_get(service, namespaces[i]);

        if (acc_node_is(node, ACC_NODE_STRING) && strncmp(node->text, "service:", 8) == 0) {
            imply(ctx, service, node->text + 8, strlen(node->text + 8), node->pos, true);
        }
    }
    acc_node_for_each(from, acc_node_get(service, "volumes_from"))
    {
        if (strncmp(from->text, "container:", 10) != 0) {
            imply(ctx, service, from->text, strcspn(from->text, ":"), from->pos, false);
        }
    }
}

static void normalise_service(struct acc_compose_ctx *ctx, struct acc_node *service,
                              bool *uses_default)
{
    struct acc_node *pull = acc_node_get(service, "pull_policy");
    struct acc_node *networks = acc_node_get(service, "networks");

    if (acc_node_is(pull, ACC_NODE_STRING) && strcmp(pull->text, "if_not_present") == 0) {
        acc_tree_become_text(ctx, pull, "missing");
    }
    build(ctx, acc_node_get(service, "build"));
    resolve_unset(ctx, acc_node_get(service, "environment"), true);
    implied_dependencies(ctx, service);
    acc_node_for_each(volume, acc_node_get(service, "volumes"))
    {
        struct acc_node *target = acc_node_get(volume, "target");

        if (acc_node_is(target, ACC_NODE_STRING)) {
            acc_tree_become_text(ctx, target, acc_tree_clean_path(ctx, target->text));
        }
    }
    if (acc_node_get(service, "provider") || acc_node_get(service, "network_mode")) {
        return;
    }
    if (!acc_node_is(networks, ACC_NODE_MAP) || networks->n == 0) {
        struct acc_node *implied = acc_tree_map(ctx, service->pos);

        acc_tree_put(ctx, implied, "default",
                     acc_node_new(ctx->arena, ACC_NODE_NULL, service->pos));
        if (networks) {
            acc_tree_become(networks, implied);
        } else {
            acc_tree_put(ctx, service, "networks", implied);
        }
        *uses_default = true;
    } else if (acc_node_get(networks, "default")) {
        *uses_default = true;
    }
}

static bool is_external(const struct acc_node *resource)
{
    const struct acc_node *external = acc_node_get(resource, "external");

    return external && ((external->type == ACC_NODE_BOOL && external->boolean) ||
                        (external->type == ACC_NODE_STRING && strcmp(external->text, "true") == 0));
}

/* The name in the engine: the key when external, else <project>_<key>. */
static void name_resources(struct acc_compose_ctx *ctx, struct acc_node *section)
{
    acc_node_for_each(resource, acc_node_is(section, ACC_NODE_MAP) ? section : NULL)
    {
        struct acc_node *name = acc_node_get(resource, "name");

        if (resource->type == ACC_NODE_NULL) {
            acc_tree_become(resource, acc_tree_map(ctx, resource->pos));
        }
        if (name && name->type != ACC_NODE_NULL) {
            continue;
        }
        acc_tree_put_text(
            ctx, resource, "name", acc_node_key_pos(resource),
            is_external(resource)
                ? resource->key
                : acc_arena_printf(ctx->arena, "%s_%s", ctx->project_name, resource->key));
    }
}

int acc_compose_normalise(struct acc_compose_ctx *ctx, struct acc_node *project)
{
    static const char *const sections[] = {"networks", "volumes", "configs", "secrets"};
    struct acc_node *networks = acc_node_get(project, "networks");
    bool uses_default = false;

    acc_node_for_each(service, acc_node_get(project, "services"))
    {
        normalise_service(ctx, service, &uses_default);
    }
    if (uses_default && !acc_node_get(networks, "default")) {
        if (!acc_node_is(networks, ACC_NODE_MAP)) {
            (void)acc_node_remove(project, "networks");
            networks = acc_tree_put(ctx, project, "networks", acc_tree_map(ctx, project->pos));
        }
        acc_tree_put(ctx, networks, "default",
                     acc_node_new(ctx->arena, ACC_NODE_NULL, project->pos));
    }
    for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
        name_resources(ctx, acc_node_get(project, sections[i]));
    }
    if (acc_arena_failed(ctx->arena)) {
        return -ENOMEM;
    }
    int r = acc_bind_struct(ctx, &acc_schema_project, project, NULL);

    if (!acc_node_get(project, "services")) { /* printed even when empty */
        acc_tree_put(ctx, project, "services", acc_tree_map(ctx, project->pos));
        acc_node_sort_keys(project);
    }

    return acc_arena_failed(ctx->arena) ? -ENOMEM : r;
}
