/* PATHS: relative paths to absolute ones (compose-go paths/). Symbolic links are not followed: that
 * would need the file system. */
#include <errno.h>
#include <string.h>

#include "lib/compose/tree.h"

static bool is_windows_path(const char *path)
{
    bool is_drive = ((path[0] >= 'a' && path[0] <= 'z') || (path[0] >= 'A' && path[0] <= 'Z')) &&
                    path[1] == ':' && (path[2] == '\\' || path[2] == '/');

    return is_drive || (path[0] == '\\' && path[1] == '\\');
}

static void absolute(struct acc_compose_ctx *ctx, struct acc_node *node, const char *dir)
{
    if (acc_node_is(node, ACC_NODE_STRING) && node->text[0] != '\0') {
        acc_tree_become_text(ctx, node, acc_tree_absolute(ctx, dir, node->text));
    }
}

/* Of another system, too. "" becomes the folder. */
static void maybe_foreign(struct acc_compose_ctx *ctx, struct acc_node *node, const char *dir)
{
    if (acc_node_is(node, ACC_NODE_STRING) && !is_windows_path(node->text)) {
        acc_tree_become_text(ctx, node, acc_tree_absolute(ctx, dir, node->text));
    }
}

static void context(struct acc_compose_ctx *ctx, struct acc_node *node, const char *dir)
{
    static const char *const remote[] = {"service:", "git://",      "ssh://",
                                         "http://",  "github.com/", "git@"};

    if (!acc_node_is(node, ACC_NODE_STRING) || strstr(node->text, "://")) {
        return;
    }
    for (size_t i = 0; i < sizeof(remote) / sizeof(remote[0]); i++) {
        if (strncmp(node->text, remote[i], strlen(remote[i])) == 0) {
            return;
        }
    }
    absolute(ctx, node, dir);
}

static void build(struct acc_compose_ctx *ctx, struct acc_node *node, const char *dir)
{
    context(ctx, acc_node_get(node, "context"), dir);
    acc_node_for_each(child, acc_node_get(node, "additional_contexts"))
    {
        context(ctx, child, dir);
    }
    acc_node_for_each(child, acc_node_get(node, "ssh"))
    {
        maybe_foreign(ctx, child, dir);
    }
}

static int volume(struct acc_compose_ctx *ctx, struct acc_node *node, const char *dir)
{
    const char *type = acc_node_get_text(node, "type");
    struct acc_node *source = acc_node_get(node, "source");

    if (!type || strcmp(type, "bind") != 0) {
        return 0;
    }
    if (!source) {
        acc_diags_add(ctx->diags, node->pos,
                      "invalid mount config for type \"bind\": field Source must not be empty");
        return -EINVAL;
    }
    maybe_foreign(ctx, source, dir);
    return 0;
}

static int service(struct acc_compose_ctx *ctx, struct acc_node *node, const char *dir)
{
    int result = 0;

    build(ctx, acc_node_get(node, "build"), dir);
    acc_node_for_each(child, acc_node_get(node, "env_file"))
    {
        absolute(ctx, acc_node_get(child, "path"), dir);
    }
    acc_node_for_each(child, acc_node_get(node, "label_file"))
    {
        absolute(ctx, child, dir);
    }
    absolute(ctx, acc_node_path(node, "extends", "file", NULL), dir);
    acc_node_for_each(child, acc_node_path(node, "develop", "watch", NULL))
    {
        absolute(ctx, acc_node_get(child, "path"), dir);
    }
    acc_node_for_each(child, acc_node_get(node, "volumes"))
    {
        int r = volume(ctx, child, dir);

        result = r < 0 ? r : result;
    }
    return result;
}

/* A local volume with o: bind is a bind mount in disguise. */
static void driver_opts(struct acc_compose_ctx *ctx, const struct acc_node *node, const char *dir)
{
    const char *driver = acc_node_get_text(node, "driver");
    const struct acc_node *opts = acc_node_get(node, "driver_opts");
    const char *o = acc_node_get_text(opts, "o");

    if (driver && strcmp(driver, "local") == 0 && o && strcmp(o, "bind") == 0) {
        maybe_foreign(ctx, acc_node_get(opts, "device"), dir);
    }
}

int acc_compose_paths(struct acc_compose_ctx *ctx, struct acc_node *project, const char *dir)
{
    int result = 0;

    acc_node_for_each(child, acc_node_get(project, "services"))
    {
        int r = service(ctx, child, dir);

        result = r < 0 ? r : result;
    }
    acc_node_for_each(child, acc_node_get(project, "configs"))
    {
        maybe_foreign(ctx, acc_node_get(child, "file"), dir);
    }
    acc_node_for_each(child, acc_node_get(project, "secrets"))
    {
        maybe_foreign(ctx, acc_node_get(child, "file"), dir);
    }
    acc_node_for_each(child, acc_node_get(project, "volumes"))
    {
        driver_opts(ctx, child, dir);
    }
    return acc_arena_failed(ctx->arena) ? -ENOMEM : result;
}
