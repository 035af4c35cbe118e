/*
 * What a project has before its files are looked into: its folder, its environment, its name
 * (compose-go cli/options.go).
 */

#include <errno.h>
#include <string.h>

#include "lib/compose/dotenv.h"
#include "lib/compose/load.h"
#include "lib/compose/template.h"
#include "lib/compose/tree.h"

const char *acc_load_dir(struct acc_compose_ctx *ctx, const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash && slash > path ? acc_arena_strndup(ctx->arena, path, (size_t)(slash - path))
                                 : "/";
}

bool acc_load_is_remote(const char *path)
{
    return strstr(path, "://") || strncmp(path, "git@", 4) == 0 || strncmp(path, "oci:", 4) == 0 ||
           strncmp(path, "github.com/", 11) == 0;
}

struct acc_compose_env *acc_load_env(struct acc_compose_loader *loader,
                                     const struct acc_compose_env *parent)
{
    struct acc_owned_env *owned = acc_arena_alloc(loader->ctx.arena, sizeof(*owned));

    if (!owned) {
        return NULL;
    }
    acc_compose_env_init(&owned->env, parent, loader->ctx.arena);
    owned->next = loader->envs;
    loader->envs = owned;
    return &owned->env;
}

/* A .env file and the environment under which it is read. */
struct dotenv {
    struct acc_compose_loader *loader;
    const struct acc_compose_env *env;
    const char *file;
};

static const char *look(void *ctx, const char *name)
{
    const struct dotenv *dotenv = ctx;

    return acc_compose_env_get(dotenv->env, name);
}

static void on_unset(void *ctx, const char *name)
{
    const struct dotenv *dotenv = ctx;

    acc_load_tell_unset(dotenv->loader, (struct acc_srcpos){dotenv->file, 0, 0}, name);
}

static int tell_unreadable(struct acc_compose_loader *loader, const char *path, int error,
                           struct acc_srcpos pos)
{
    if (pos.line) {
        acc_diags_add(loader->diags, pos, "cannot read env file %s: %s", path,
                      acc_load_error_name(error));
    } else {
        acc_diags_add(loader->diags, (struct acc_srcpos){path, 0, 0}, "cannot read env file: %s",
                      acc_load_error_name(error));
    }
    return -EINVAL;
}

/* To find all problems it goes on without what the file should have given. */
static int do_without(struct acc_compose_loader *loader, struct acc_compose_env *env, int r)
{
    if (r != -EINVAL || !loader->request.find_all) {
        return r;
    }
    env->is_broken = true;
    loader->has_broken_env = true;
    acc_diags_settle(loader->diags);
    return 0;
}

int acc_load_dotenv(struct acc_compose_loader *loader, struct acc_compose_env *env,
                    const char *path, bool is_required, struct acc_srcpos pos)
{
    struct acc_text text = {0};
    const char *file = NULL;

    if (!acc_load_want(loader, path, &text)) {
        return 0;
    }
    if (!text.text) {
        bool is_fine = text.error == ENOENT || text.error == EISDIR || text.error == ENOTDIR;

        return !is_required && is_fine
                   ? 0
                   : do_without(loader, env, tell_unreadable(loader, path, text.error, pos));
    }
    file = acc_arena_strdup(loader->ctx.arena, path);
    if (!file) {
        return -ENOMEM;
    }
    /* What a file says yields to the parent's; ${NAME} in it sees the parent's first, too. */
    struct dotenv dotenv = {loader, env, file};
    struct acc_dotenv_source source = {file, text.text, text.len, look, &dotenv, on_unset};

    return do_without(loader, env, acc_dotenv_parse(&source, env, loader->diags));
}

static int put_pair(struct acc_compose_env *env, const char *pair)
{
    const char *equals = strchr(pair, '=');

    return equals && equals > pair ? acc_compose_env_put(env, pair, (size_t)(equals - pair),
                                                         equals + 1, strlen(equals + 1))
                                   : 0;
}

static bool is_true(const char *text)
{
    static const char *const words[] = {"1", "t", "T", "true", "TRUE", "True"};

    for (size_t i = 0; text && i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(words[i], text) == 0) {
            return true;
        }
    }
    return false;
}

/* --env-file, or .env of the project folder. */
static int read_env_files(struct acc_compose_loader *loader, struct acc_compose_env *env)
{
    const struct acc_compose_request *request = &loader->request;
    struct acc_srcpos nowhere = {NULL, 0, 0};
    const char *path = NULL;
    int r = 0;

    for (size_t i = 0; r == 0 && i < request->n_env_files; i++) {
        path = acc_tree_absolute(&loader->ctx, loader->ctx.project_dir, request->env_files[i]);
        r = path ? acc_load_dotenv(loader, env, path, true, nowhere) : -ENOMEM;
    }
    if (request->n_env_files > 0 || is_true(acc_compose_env_get(env, "COMPOSE_DISABLE_ENV_FILE"))) {
        return r;
    }
    path = acc_tree_absolute(&loader->ctx, loader->ctx.project_dir, ".env");
    return path ? acc_load_dotenv(loader, env, path, false, nowhere) : -ENOMEM;
}

int acc_load_environment(struct acc_compose_loader *loader)
{
    const struct acc_compose_request *request = &loader->request;
    struct acc_compose_env *os = acc_load_env(loader, NULL);
    struct acc_compose_env *env = os ? acc_load_env(loader, os) : NULL;
    int r = env ? 0 : -ENOMEM;

    for (size_t i = 0; r == 0 && i < request->n_environment; i++) {
        r = put_pair(os, request->environment[i]);
    }
    r = r < 0 ? r : read_env_files(loader, env);
    if (r == 0 && !acc_compose_env_get(env, "PWD")) {
        r = acc_compose_env_put(env, "PWD", 3, loader->ctx.project_dir,
                                strlen(loader->ctx.project_dir));
    }
    loader->os_env = os;
    loader->ctx.env = env;
    return r;
}

/* ---- name ---- */

static const char *normal_name(struct acc_compose_ctx *ctx, const char *text)
{
    char *name = acc_arena_strdup(ctx->arena, text);
    size_t len = 0;

    for (const char *c = text; name && *c; c++) {
        char low = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
        bool is_word = (low >= 'a' && low <= 'z') || (low >= '0' && low <= '9');

        if (is_word || ((low == '_' || low == '-') && len > 0)) {
            name[len++] = low;
        }
    }
    if (name) {
        name[len] = '\0';
    }
    return name;
}

/* Given by -p or COMPOSE_PROJECT_NAME: it must be in its normal form. */
static int take_given(struct acc_compose_loader *loader, const char *given)
{
    const char *name = normal_name(&loader->ctx, given);

    if (!name) {
        return -ENOMEM;
    }
    if (strcmp(name, given) != 0) {
        acc_diags_add(loader->diags, (struct acc_srcpos){NULL, 0, 0},
                      "invalid project name \"%.60s\": must consist only of lowercase alphanumeric "
                      "characters, hyphens, and underscores as well as start with a letter or "
                      "number",
                      given);
        return -EINVAL;
    }
    loader->ctx.project_name = name;
    return 0;
}

static const char *look_in_project(void *ctx, const char *name)
{
    const struct acc_compose_loader *loader = ctx;

    return acc_compose_env_get(loader->ctx.env, name);
}

static int take_folder(struct acc_compose_loader *loader)
{
    struct acc_compose_ctx *ctx = &loader->ctx;
    const char *slash = strrchr(ctx->project_dir, '/');

    ctx->project_name = normal_name(ctx, slash ? slash + 1 : ctx->project_dir);
    if (ctx->project_name && !*ctx->project_name) {
        acc_diags_add(ctx->diags, (struct acc_srcpos){loader->request.files[0], 0, 0},
                      "project name must not be empty: give the file a `name:`");
        return -EINVAL;
    }
    return ctx->project_name ? 0 : -ENOMEM;
}

static int take_written(struct acc_compose_loader *loader, const struct acc_node *written)
{
    struct acc_template template = {loader->ctx.arena, look_in_project, NULL, loader};
    char problem[ACC_TEMPLATE_ERROR_MAX];
    const char *text = NULL;
    int r = acc_template_expand(&template, written->text, &text, problem);

    if (r != -ENOMEM && loader->has_broken_env && (r < 0 || !*text)) {
        return take_folder(loader);
    }
    if (r == -EINVAL) {
        acc_diags_add(loader->diags, written->pos, "name: %s", problem);
    }
    if (r < 0) {
        return r;
    }
    loader->ctx.project_name = normal_name(&loader->ctx, text);
    if (loader->ctx.project_name && !*loader->ctx.project_name) {
        acc_diags_add(loader->diags, written->pos,
                      "project name must not be empty: a name needs a letter or a digit");
        return -EINVAL;
    }
    return loader->ctx.project_name ? 0 : -ENOMEM;
}

static void note_name(struct acc_compose_loader *loader, const char *name)
{
    loader->name = acc_arena_strdup(loader->arena, name ? name : "");
}

void acc_load_guess_name(struct acc_compose_loader *loader)
{
    const char *given = loader->request.project_name;
    const char *slash = strrchr(loader->ctx.project_dir, '/');

    note_name(loader, given && *given
                          ? given
                          : normal_name(&loader->ctx, slash ? slash + 1 : loader->ctx.project_dir));
}

int acc_load_project_name(struct acc_compose_loader *loader, const struct acc_node *written)
{
    struct acc_compose_ctx *ctx = &loader->ctx;
    static const char variable[] = "COMPOSE_PROJECT_NAME";
    const char *given = loader->request.project_name;
    int r = 0;

    if (!given || !*given) {
        given = acc_compose_env_get(ctx->env, variable);
    }
    if (given && *given) {
        r = take_given(loader, given);
    } else {
        r = written && *written->text ? take_written(loader, written) : take_folder(loader);
    }
    if (r == 0) {
        note_name(loader, ctx->project_name);
    }
    return r < 0 ? r
                 : acc_compose_env_put(loader->os_env, variable, strlen(variable),
                                       ctx->project_name, strlen(ctx->project_name));
}
