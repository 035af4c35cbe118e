/*
 * env_file into environment, label_file into labels, and names that stand for a value of the
 * project environment (compose-go types/project.go WithServicesEnvironmentResolved, loader/
 * environment.go).
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/compose/dotenv.h"
#include "lib/compose/json.h"
#include "lib/compose/load.h"
#include "lib/compose/schema.h"
#include "lib/compose/tree.h"

/* What an env file of a service sees: the project environment, then the service's own. */
struct view {
    const struct acc_compose_env *project;
    const struct acc_node_index *index;
    struct acc_compose_loader *loader;
    struct acc_srcpos pos; /* of the entry at hand */
};

static const char *look(void *ctx, const char *name)
{
    const struct view *view = ctx;
    const char *value = acc_compose_env_get(view->project, name);
    const struct acc_node *node = NULL;

    if (value || !view->index) {
        return value;
    }
    node = acc_node_index_get(view->index, name);
    return node && node->type == ACC_NODE_STRING ? node->text : NULL;
}

static void on_unset(void *ctx, const char *name)
{
    const struct view *view = ctx;

    acc_load_tell_unset(view->loader, view->pos, name);
}

/* ---- bare names ---- */

static void resolve_list(struct acc_compose_ctx *ctx, struct acc_node *environment)
{
    acc_node_for_each(child, acc_node_is(environment, ACC_NODE_SEQ) ? environment : NULL)
    {
        const char *value = child->type == ACC_NODE_STRING
                                ? acc_compose_env_get(ctx->env, child->text)
                                : NULL;

        if (value) {
            const char *text = acc_arena_printf(ctx->arena, "%s=%s", child->text, value);

            child->text = text ? text : child->text;
        }
    }
}

/* The value is kept apart: neither is printed. */
static void resolve_source(struct acc_compose_ctx *ctx, struct acc_node *node)
{
    const struct acc_node *name = acc_node_get(node, "environment");
    const char *value = acc_node_is(name, ACC_NODE_STRING)
                            ? acc_compose_env_get(ctx->env, name->text)
                            : NULL;

    if (value) {
        struct acc_node *text = acc_node_string(ctx->arena, name->pos, value);

        if (text) {
            acc_node_set(node, ACC_SPEC_VALUE_KEY, text);
        }
    }
}

int acc_load_bare_names(struct acc_compose_loader *loader, struct acc_node *project)
{
    struct acc_compose_ctx *ctx = &loader->ctx;

    acc_node_for_each(service, acc_node_get(project, "services"))
    {
        resolve_list(ctx, acc_node_get(service, "environment"));
    }
    acc_node_for_each(secret, acc_node_get(project, "secrets"))
    {
        resolve_source(ctx, secret);
    }
    acc_node_for_each(config, acc_node_get(project, "configs"))
    {
        resolve_source(ctx, config);
    }
    return acc_arena_failed(ctx->arena) ? -ENOMEM : 0;
}

/* ---- files ---- */

/* One file into `env`. 0, also when it is still needed. */
static int read_file(struct acc_compose_loader *loader, const struct acc_node *path,
                     const struct acc_node *entry, struct view *view, struct acc_compose_env *env)
{
    const struct acc_node *required = acc_node_get(entry, "required");
    const char *format = acc_node_get_text(entry, "format");
    struct acc_text text = {0};

    if (!acc_load_want(loader, path->text, &text)) {
        return 0;
    }
    if (!text.text) {
        if (text.error == ENOENT && acc_node_is(required, ACC_NODE_BOOL) && !required->boolean) {
            return 0;
        }
        acc_diags_add(loader->diags, path->pos, "cannot read %s: %s", path->text,
                      acc_load_error_name(text.error));
        return -EINVAL;
    }
    struct acc_dotenv_source source = {path->text, text.text, text.len, look, view, on_unset};

    view->pos = path->pos;

    if (format && strcmp(format, "raw") == 0) {
        return acc_dotenv_parse_raw(&source, env, loader->diags);
    }
    if (format && *format) {
        acc_diags_add(loader->diags, path->pos, "unsupported env_file format \"%s\"", format);
        return -EINVAL;
    }
    return acc_dotenv_parse(&source, env, loader->diags);
}

/* A list of paths, or of mappings with a path. */
static int read_files(struct acc_compose_loader *loader, const struct acc_node *list,
                      struct view *view, struct acc_compose_env *env)
{
    int result = 0;

    acc_node_for_each(entry, list)
    {
        const struct acc_node *path = entry->type == ACC_NODE_MAP ? acc_node_get(entry, "path")
                                                                  : entry;

        if (acc_node_is(path, ACC_NODE_STRING)) {
            int r = read_file(loader, path, entry, view, env);

            result = r < 0 ? r : result;
        }
    }
    return result;
}

/* `map` gets what only `env` has. */
static void add_missing(struct acc_compose_ctx *ctx, struct acc_node *map, struct acc_srcpos pos,
                        const struct acc_compose_env *env)
{
    struct acc_node_index index;

    if (acc_node_index_init(&index, ctx->arena, map) < 0) {
        return;
    }
    for (const struct acc_env_var *var = acc_compose_env_first(env); var;
         var = acc_compose_env_next(var)) {
        if (!acc_node_index_get(&index, acc_env_var_name(var))) {
            acc_tree_put_text(ctx, map, acc_env_var_name(var), pos, acc_env_var_value(var));
        }
    }
    acc_node_sort_keys(map);
}

/* At its place in the order of compose-go's struct, which the config-hash is taken over. */
static void put_in_order(struct acc_compose_ctx *ctx, struct acc_node *service, const char *key,
                         struct acc_node *map)
{
    const struct acc_field *own = acc_struct_field(&acc_schema_service, key);
    struct acc_node *next = NULL;
    bool is_put = false;

    for (struct acc_node *child = acc_tree_take_children(service); child; child = next) {
        const struct acc_field *field = acc_struct_field(&acc_schema_service, child->key);

        next = child->next;
        child->next = NULL;
        if (!is_put && (!field || field > own)) {
            acc_tree_put(ctx, service, key, map);
            is_put = true;
        }
        acc_node_put(service, child->key, acc_node_key_pos(child), child);
    }
    if (!is_put) {
        acc_tree_put(ctx, service, key, map);
    }
}

/* `file_key` (env_file) goes into `key` (environment), whose own values win. */
static int fold(struct acc_compose_loader *loader, struct acc_node *service, const char *file_key,
                const char *key, bool sees_project)
{
    struct acc_compose_ctx *ctx = &loader->ctx;
    struct acc_node *list = acc_node_get(service, file_key);
    struct acc_node *map = acc_node_get(service, key);
    struct acc_node_index index = {0};
    struct view view = {
        .project = sees_project ? ctx->env : NULL,
        .index = sees_project ? &index : NULL,
        .loader = loader,
    };
    struct acc_compose_env env;
    int r = list ? acc_node_index_init(&index, ctx->arena, map) : 0;

    if (!list || r < 0) {
        return r;
    }
    acc_compose_env_init(&env, NULL, ctx->arena);
    /* Own values come first, so that ${NAME} in the files sees them. */
    acc_node_for_each(child, sees_project ? map : NULL)
    {
        if (r == 0 && child->type == ACC_NODE_STRING) {
            r = acc_compose_env_put(&env, child->key, strlen(child->key), child->text,
                                    strlen(child->text));
        }
    }
    r = r < 0 ? r : read_files(loader, list, &view, &env);
    if (r == 0 && loader->n_needs == 0) {
        if (sees_project) { /* label_file stays: `up` of 2.40 hashes it beside the labels */
            (void)acc_node_remove(service, file_key);
        }
        if (!map && acc_compose_env_first(&env)) {
            map = acc_tree_map(ctx, list->pos);
            if (map) {
                put_in_order(ctx, service, key, map);
            }
        }
        if (map) {
            add_missing(ctx, map, list->pos, &env);
        }
    }
    acc_compose_env_fini(&env);
    return r;
}

/* Files that can't be read have no digest: whether that is an error is the engine's to say, when it
 * mounts them. */
static void take_contents(struct acc_compose_loader *loader, const struct acc_node *all,
                          const struct acc_node *used, struct acc_node *contents)
{
    acc_node_for_each(item, used)
    {
        const char *source = acc_node_get_text(item, "source");
        const char *path = acc_node_get_text(source ? acc_node_get(all, source) : NULL, "file");
        char digest[ACC_DIGEST_LEN + 1];
        struct acc_text text = {0};

        if (path && !acc_node_get(contents, path) && acc_load_want(loader, path, &text) &&
            text.text) {
            acc_compose_digest(text.text, text.len, digest);
            acc_node_put(contents, acc_arena_strdup(loader->ctx.arena, path), item->pos,
                         acc_node_string(loader->ctx.arena, item->pos, digest));
        }
    }
}

int acc_load_contents(struct acc_compose_loader *loader, const struct acc_node *project)
{
    static const char *const sections[] = {"configs", "secrets"};
    struct acc_node *contents = acc_node_new(loader->ctx.arena, ACC_NODE_MAP,
                                             (struct acc_srcpos){0});

    acc_node_for_each(service, contents ? acc_node_get(project, "services") : NULL)
    {
        for (size_t i = 0; i < ACC_ARRAY_LEN(sections); i++) {
            take_contents(loader, acc_node_get(project, sections[i]),
                          acc_node_get(service, sections[i]), contents);
        }
    }
    loader->ctx.contents = contents;
    return acc_arena_failed(loader->ctx.arena) ? -ENOMEM : 0;
}

int acc_load_env_files(struct acc_compose_loader *loader, struct acc_node *project)
{
    int result = 0;

    acc_node_for_each(service, acc_node_get(project, "services"))
    {
        int r = fold(loader, service, "env_file", "environment", true);

        result = r < 0 ? r : result;
        r = fold(loader, service, "label_file", "labels", false);
        result = r < 0 ? r : result;
    }
    return acc_arena_failed(loader->ctx.arena) ? -ENOMEM : result;
}
