/*
 * The loader: the passes in compose-go's order, and the protocol by which files come in.
 *
 * A load starts over each time files were missing, until all includes and bases are known. Only
 * the env files of services, which are known last, are waited for with the merged project kept.
 */

#include "lib/compose/load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/compose/merge.h"
#include "lib/compose/recover.h"
#include "lib/compose/schema.h"
#include "lib/compose/tree.h"

/* What a pass came to. To find all problems the next one follows in any case. */
static int go_on(struct acc_compose_loader *loader, int r)
{
    if (!loader->request.find_all) {
        return r;
    }
    acc_diags_settle(loader->diags);
    return r == -EINVAL ? 0 : r;
}

/* ---- one file ---- */

static int parse(struct acc_compose_loader *loader, const char *path, const struct acc_text *text,
                 struct acc_yaml_docs *ret_docs)
{
    struct acc_compose_ctx *ctx = &loader->ctx;
    const char *file = acc_arena_strdup(ctx->arena, path);
    int r = file ? acc_yaml_parse(file, text->text, text->len, ACC_COMPOSE_NODES_MAX, ctx->arena,
                                  ret_docs, ctx->diags)
                 : -ENOMEM;

    ctx->is_incomplete |= ret_docs->is_cut;
    return r == -EINVAL && ret_docs->docs ? go_on(loader, r) : r;
}

static int interpolate(struct acc_compose_loader *loader, const struct acc_yaml_docs *docs)
{
    int result = 0;

    for (size_t i = 0; i < docs->n_docs; i++) {
        struct acc_node *doc = docs->docs[i];
        int r = -EINVAL;

        if (doc->type == ACC_NODE_MAP) {
            r = acc_load_interpolate(loader, doc);
        } else {
            acc_diags_add(loader->diags, doc->pos, "the top level must be a mapping, not %s",
                          acc_node_type_name(doc));
            docs->docs[i] = acc_tree_map(&loader->ctx, doc->pos); /* for who goes on */
            r = docs->docs[i] ? r : -ENOMEM;
        }
        if (r == -ENOMEM) {
            return r;
        }
        result = r < 0 ? r : result;
    }
    return result;
}

int acc_load_parse(struct acc_compose_loader *loader, const char *path, const struct acc_text *text,
                   struct acc_yaml_docs *ret_docs)
{
    int r = parse(loader, path, text, ret_docs);

    return r < 0 ? r : go_on(loader, interpolate(loader, ret_docs));
}

static bool path_is_prefix(const char *const *at, size_t n_at, const struct acc_yaml_reset *reset)
{
    if (reset->n_keys <= n_at) {
        return false;
    }
    for (size_t i = 0; i < n_at; i++) {
        if (strcmp(at[i], reset->keys[i]) != 0) {
            return false;
        }
    }
    return true;
}

void acc_load_apply_resets(const struct acc_load_resets *resets, struct acc_node *tree,
                           const char *const *at, size_t n_at)
{
    for (size_t i = 0; i < resets->n; i++) {
        const struct acc_yaml_reset *reset = &resets->items[i];
        struct acc_node *node = tree;

        if (reset->doc != resets->doc || !path_is_prefix(at, n_at, reset)) {
            continue;
        }
        for (size_t k = n_at; node && k + 1 < reset->n_keys; k++) {
            node = acc_node_get(node, reset->keys[k]);
        }
        if (acc_node_is(node, ACC_NODE_MAP)) {
            (void)acc_node_remove(node, reset->keys[reset->n_keys - 1]);
        }
    }
}

static void drop_version(struct acc_compose_loader *loader, struct acc_node *project)
{
    const struct acc_node *version = acc_node_remove(project, "version");

    if (version) {
        acc_diags_warn(loader->diags, acc_node_key_pos(version),
                       "the attribute `version` is obsolete, it will be ignored, please remove it "
                       "to avoid potential confusion");
    }
}

/* compose-go omits empty entries of dns (loader/omitEmpty.go). */
static void omit_empty_dns(struct acc_node *project)
{
    acc_node_for_each(service, acc_node_get(project, "services"))
    {
        struct acc_node *dns = acc_node_get(service, "dns");
        struct acc_node *next = NULL;

        for (struct acc_node *child = acc_node_is(dns, ACC_NODE_SEQ) ? acc_tree_take_children(dns)
                                                                     : NULL;
             child; child = next) {
            next = child->next;
            child->next = NULL;
            if (child->type != ACC_NODE_NULL && !(child->text && !*child->text)) {
                acc_node_append(dns, child);
            }
        }
    }
}

/* Something is wrong, perhaps what has been told before. */
static bool is_to_recover(const struct acc_compose_loader *loader)
{
    return loader->request.find_all && loader->diags->n_errors > 0;
}

static int check_types(struct acc_compose_loader *loader, struct acc_node *project)
{
    int r = go_on(loader, acc_compose_schema(&loader->ctx, project));

    return r == 0 && is_to_recover(loader) ? acc_compose_recover(&loader->ctx, project) : r;
}

static int make_long(struct acc_compose_loader *loader, struct acc_node *project)
{
    int r = go_on(loader, acc_compose_canonical(&loader->ctx, project));

    if (r == 0 && is_to_recover(loader)) {
        acc_compose_recover_long(project);
    }
    return r;
}

/* `doc` over what is there, and into the long form. */
static int add_document(struct acc_compose_loader *loader, struct acc_node *doc,
                        struct acc_node **project)
{
    struct acc_compose_ctx *ctx = &loader->ctx;
    int r = go_on(loader, acc_compose_merge(ctx, *project, doc, NULL, 0, project));

    r = r < 0 ? r : acc_compose_unicity(ctx, *project);
    r = r < 0 ? r : check_types(loader, *project);
    if (r == 0) {
        drop_version(loader, *project);
        r = make_long(loader, *project);
    }
    if (r == 0) {
        omit_empty_dns(*project);
        r = acc_compose_unicity(ctx, *project);
    }
    return r;
}

static int load_document(struct acc_compose_loader *loader, const struct acc_yaml_docs *docs,
                         size_t i, const struct acc_load_chain *chain, struct acc_node **project)
{
    struct acc_load_resets resets = {docs->resets, docs->n_resets, i};
    struct acc_node *doc = docs->docs[i];
    int included = acc_load_include(loader, doc, chain);
    int extended = 0;

    acc_load_apply_resets(&resets, *project, NULL, 0);
    /* What an include brings may be extended; without it the message would mislead. */
    if (included == 0 && loader->n_needs == 0) {
        extended = acc_load_extends(loader, doc, chain->path, &resets);
    }
    loader->ctx.is_incomplete |= included < 0;
    included = go_on(loader, included);
    extended = go_on(loader, extended);
    if (included < 0 || extended < 0) {
        return included == -ENOMEM || extended == -ENOMEM ? -ENOMEM : -EINVAL;
    }
    return loader->n_needs > 0 ? 0 : add_document(loader, doc, project);
}

static int load_documents(struct acc_compose_loader *loader, const struct acc_yaml_docs *docs,
                          const struct acc_load_chain *chain, struct acc_node **project)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < docs->n_docs; i++) {
        r = load_document(loader, docs, i, chain, project);
    }
    return r;
}

static int load_file(struct acc_compose_loader *loader, const struct acc_load_chain *chain,
                     struct acc_node **project)
{
    struct acc_text text = {0};
    struct acc_yaml_docs docs = {0};
    int r = 0;

    if (!acc_load_want(loader, chain->path, &text)) {
        return 0;
    }
    if (!text.text) {
        acc_diags_add(loader->diags, (struct acc_srcpos){chain->path, 0, 0}, "cannot read it: %s",
                      acc_load_error_name(text.error));
        return -EINVAL;
    }
    r = acc_load_parse(loader, chain->path, &text, &docs);
    return r < 0 ? r : load_documents(loader, &docs, chain, project);
}

/* ---- one model ---- */

/* The passes over a model whose files are merged. */
static int finish_model(struct acc_compose_loader *loader, struct acc_node *project)
{
    struct acc_compose_ctx *ctx = &loader->ctx;
    int r = acc_compose_defaults(ctx, project);

    r = r < 0 ? r : go_on(loader, acc_compose_validate(ctx, project));
    r = r < 0 ? r : go_on(loader, acc_compose_paths(ctx, project, ctx->project_dir));
    return r < 0 ? r : go_on(loader, acc_load_bare_names(loader, project));
}

int acc_load_model(struct acc_compose_loader *loader, const char *const *paths, size_t n_paths,
                   const struct acc_load_chain *chain, struct acc_node **ret_project)
{
    struct acc_node *project = acc_tree_map(&loader->ctx, (struct acc_srcpos){paths[0], 1, 1});
    int r = project ? 0 : -ENOMEM;

    for (size_t i = 0; r == 0 && i < n_paths; i++) {
        struct acc_load_chain link = {chain, paths[i], chain ? chain->depth + 1 : 0};

        r = load_file(loader, &link, &project);
    }
    if (r == 0 && loader->n_needs == 0) {
        r = finish_model(loader, project);
    }
    *ret_project = project;
    return r;
}

/* ---- the project ---- */

void acc_load_drop(struct acc_compose_loader *loader)
{
    for (struct acc_owned_env *env = loader->envs; env; env = env->next) {
        acc_compose_env_fini(&env->env);
    }
    loader->envs = NULL; /* they lived in the arena, which may be a stack's */
    loader->os_env = NULL;
    loader->extends_files = NULL;
    loader->n_unset = 0;
    loader->n_included = 0;
    loader->has_broken_env = false;
    loader->project = NULL;
    loader->ctx.arena = acc_arena_destroy(loader->ctx.arena);
    free(loader->kept_diags);
    loader->kept_diags = NULL;
}

static int begin_load(struct acc_compose_loader *loader)
{
    const struct acc_compose_request *request = &loader->request;
    struct acc_arena *arena = NULL;
    struct acc_compose_ctx *ctx = &loader->ctx;

    acc_load_drop(loader);
    if (acc_arena_create(ACC_COMPOSE_ARENA_MAX, &arena) < 0) {
        return -ENOMEM;
    }
    *ctx = (struct acc_compose_ctx){
        .arena = arena,
        .diags = loader->diags,
        .request = request,
        .env_files_given = request->env_files,
        .n_env_files_given = request->n_env_files,
    };
    ctx->project_dir = request->project_dir ? acc_tree_clean_path(ctx, request->project_dir)
                                            : acc_load_dir(ctx, request->files[0]);
    if (!ctx->project_dir) {
        return -ENOMEM;
    }
    acc_load_guess_name(loader);
    return 0;
}

static bool want_files(struct acc_compose_loader *loader)
{
    struct acc_text text = {0};

    for (size_t i = 0; i < loader->request.n_files; i++) {
        (void)acc_load_want(loader, loader->request.files[i], &text);
    }
    return loader->n_needs == 0;
}

/* The -f files as they are written, and the last `name:` in them. */
static int parse_files(struct acc_compose_loader *loader, struct acc_yaml_docs *docs,
                       const struct acc_node **ret_name)
{
    const struct acc_compose_request *request = &loader->request;
    int result = 0;

    for (size_t i = 0; i < request->n_files && result != -ENOMEM; i++) {
        struct acc_text text = {0};
        int r = -EINVAL;

        (void)acc_load_want(loader, request->files[i], &text);
        if (text.text) {
            r = parse(loader, request->files[i], &text, &docs[i]);
        } else {
            acc_diags_add(loader->diags, (struct acc_srcpos){request->files[i], 0, 0},
                          "cannot read it: %s", acc_load_error_name(text.error));
            loader->ctx.is_incomplete = true;
            r = go_on(loader, r);
        }
        for (size_t k = 0; r == 0 && k < docs[i].n_docs; k++) {
            const char *name = acc_node_get_text(docs[i].docs[k], "name");

            *ret_name = name && *name ? acc_node_get(docs[i].docs[k], "name") : *ret_name;
        }
        result = r < 0 ? r : result;
    }
    return result;
}

/* As acc_load_model(), with files that are parsed already: the name is needed before ${} is. */
static int load_files(struct acc_compose_loader *loader, const struct acc_yaml_docs *docs)
{
    const struct acc_compose_request *request = &loader->request;
    struct acc_srcpos pos = {acc_arena_strdup(loader->ctx.arena, request->files[0]), 1, 1};
    int r = 0;

    loader->project = acc_tree_map(&loader->ctx, pos);
    for (size_t i = 0; i < request->n_files && r != -ENOMEM; i++) {
        int interpolated = go_on(loader, interpolate(loader, &docs[i]));

        r = interpolated < 0 ? interpolated : r;
    }
    for (size_t i = 0; r == 0 && loader->project && i < request->n_files; i++) {
        struct acc_load_chain link = {NULL, request->files[i], 0};

        r = load_documents(loader, &docs[i], &link, &loader->project);
    }
    if (r == 0 && loader->n_needs == 0) {
        r = loader->project ? finish_model(loader, loader->project) : -ENOMEM;
    }
    return r;
}

static int merge_project(struct acc_compose_loader *loader)
{
    size_t n = loader->request.n_files;
    struct acc_yaml_docs *docs = acc_arena_alloc(loader->ctx.arena, n * sizeof(*docs));
    const struct acc_node *name = NULL;
    int r = docs ? acc_load_environment(loader) : -ENOMEM;

    if (r < 0 || !want_files(loader)) {
        return r;
    }
    r = parse_files(loader, docs, &name);
    r = r < 0 ? r : acc_load_project_name(loader, name);
    return r < 0 ? r : load_files(loader, docs);
}

static int resolve_project(struct acc_compose_loader *loader)
{
    struct acc_compose_ctx *ctx = &loader->ctx;
    struct acc_node *project = loader->project;
    struct acc_node *name = NULL;
    int r = 0;

    if (project->n == 0 && ctx->is_incomplete) {
        return -EINVAL; /* told */
    }
    if (project->n == 0) {
        acc_diags_add(ctx->diags, (struct acc_srcpos){loader->request.files[0], 1, 1},
                      "empty compose file");
        return -EINVAL;
    }
    name = acc_node_string(ctx->arena, project->pos, ctx->project_name);
    if (!name) {
        return -ENOMEM;
    }
    acc_node_set(project, "name", name);
    r = go_on(loader, acc_compose_normalise(ctx, project));
    r = r < 0 ? r : go_on(loader, acc_load_profiles(loader, project, &ctx->disabled));
    if (r == 0 && loader->has_broken_env && ctx->disabled->n > 0) {
        ctx->is_incomplete = true; /* profiles may be set where nobody can read it */
    }
    return r < 0 ? r : go_on(loader, acc_compose_consistency(ctx, project));
}

/* What is printed and forgotten isn't worth a copy: the stack takes the scratch over. */
static int hand_over_scratch(struct acc_compose_loader *loader, struct acc_stack **ret_stack)
{
    int r = acc_compose_finish(&loader->ctx, loader->project, ret_stack);

    if (*ret_stack) {
        loader->ctx.arena = NULL;
    }
    return r;
}

/* Everything that stays moves into the stack's own arena. */
static int hand_over(struct acc_compose_loader *loader, struct acc_stack **ret_stack)
{
    struct acc_compose_ctx ctx = loader->ctx;
    struct acc_node *project = NULL;
    struct acc_node *disabled = NULL;
    int r = acc_arena_create(ACC_COMPOSE_ARENA_MAX, &ctx.arena);

    if (r < 0) {
        return r;
    }
    project = acc_load_compact(ctx.arena, loader->project);
    disabled = acc_load_compact(ctx.arena, loader->ctx.disabled);
    ctx.disabled = disabled;
    ctx.declared = acc_load_compact(ctx.arena, loader->ctx.declared);
    ctx.project_dir = acc_arena_strdup(ctx.arena, ctx.project_dir);
    ctx.project_name = acc_arena_strdup(ctx.arena, ctx.project_name);
    r = acc_arena_failed(ctx.arena) ? -ENOMEM : acc_compose_finish(&ctx, project, ret_stack);
    if (!*ret_stack) {
        (void)acc_arena_destroy(ctx.arena);
    }
    return r;
}

/* The merged project waits for the env files of its services; what was said so far is kept. */
static int keep(struct acc_compose_loader *loader)
{
    loader->kept_diags = malloc(sizeof(*loader->kept_diags));
    if (!loader->kept_diags) {
        return -ENOMEM;
    }
    *loader->kept_diags = *loader->diags;
    return 0;
}

static void take_up(struct acc_compose_loader *loader)
{
    *loader->diags = *loader->kept_diags;
    free(loader->kept_diags);
    loader->kept_diags = NULL;
    loader->ctx.diags = loader->diags;
}

static int load(struct acc_compose_loader *loader, struct acc_stack **ret_stack)
{
    int r = 0;

    if (loader->kept_diags) {
        take_up(loader);
    } else {
        r = begin_load(loader);
        r = r < 0 ? r : merge_project(loader);
        if (r < 0 || loader->n_needs > 0) {
            return r;
        }
        acc_load_forget_texts(loader);
        r = resolve_project(loader);
    }
    r = r < 0 ? r : go_on(loader, acc_load_env_files(loader, loader->project));
    if (r == 0 && !loader->request.is_inspection) {
        r = acc_load_contents(loader, loader->project);
    }
    if (r < 0) {
        return r;
    }
    if (loader->n_needs > 0) {
        return keep(loader);
    }
    r = acc_load_declared(loader, loader->project, &loader->ctx.declared);
    r = r < 0 ? r : acc_load_drop_unused(loader, loader->project);
    if (r < 0) {
        return r;
    }
    r = loader->request.is_inspection ? hand_over_scratch(loader, ret_stack)
                                      : hand_over(loader, ret_stack);
    return r == 0 && loader->diags->n_errors > 0 ? -EINVAL : r;
}

int acc_compose_load(struct acc_compose_loader *loader, struct acc_stack **ret_stack,
                     struct acc_diags *diags)
{
    int r = 0;

    acc_assert(loader->request.n_files > 0);
    *diags = (struct acc_diags){0};
    *ret_stack = NULL;
    loader->diags = diags;
    loader->n_needs = 0;
    r = load(loader, ret_stack);
    if (r == 0 && loader->n_needs > 0) {
        loader->diags = NULL;
        return ACC_COMPOSE_NEED;
    }
    acc_load_drop(loader);
    if (loader->ctx.is_incomplete || loader->has_broken_env) {
        *ret_stack = acc_stack_destroy(*ret_stack);
    }
    loader->diags = NULL;
    acc_assert(r != -EINVAL || diags->n_errors > 0);
    return r;
}
