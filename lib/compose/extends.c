/*
 * extends: a service is merged over another one, of the same file or of another file
 * (compose-go loader/extends.go).
 *
 * Each file is read once per load and each of its services is resolved once, however many extend
 * it; what is merged over is a copy.
 */

#include <errno.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/compose/load.h"
#include "lib/compose/merge.h"
#include "lib/compose/schema.h"
#include "lib/compose/tree.h"

/* The services of one file, and how far each is resolved. */
struct scope {
    const char *path;
    const char *dir; /* that `file:` is relative to: a base's own, but the project's of a -f file */
    struct acc_node_index services;
    struct acc_node **resolved; /* NULL until then */
    bool *is_under_way;
    bool *is_done; /* also when it failed */
    struct acc_load_resets resets;
};

struct acc_extends_file {
    struct scope scope;
    bool is_broken; /* its error has been told */
    bool is_needed; /* not here yet */
    struct acc_extends_file *next;
};

/* The services that wait for the one at hand, to tell a circle. */
struct frame {
    const struct frame *up;
    const struct scope *scope;
    const char *service;
    size_t depth;
};

struct target {
    const char *service;
    const char *file; /* absolute; NULL: the same */
    struct acc_srcpos pos;
};

static int resolve(struct acc_compose_loader *loader, struct scope *scope, size_t i,
                   const struct frame *up);

static size_t index_of(const struct scope *scope, const char *service)
{
    const struct acc_node *node = acc_node_index_get(&scope->services, service);
    size_t low = 0;
    size_t high = scope->services.n;

    if (!node) {
        return SIZE_MAX;
    }
    while (low < high) { /* sorted by key */
        size_t middle = low + (high - low) / 2;

        if (strcmp(scope->services.items[middle]->key, service) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static int scope_init(struct acc_compose_loader *loader, struct scope *scope, const char *path,
                      const char *dir, const struct acc_node *services)
{
    struct acc_arena *arena = loader->ctx.arena;

    scope->path = path;
    scope->dir = dir;
    if (acc_node_index_init(&scope->services, arena, services) < 0) {
        return -ENOMEM;
    }
    size_t n = scope->services.n + 1;

    scope->resolved = acc_arena_alloc(arena, n * sizeof(struct acc_node *));
    scope->is_under_way = acc_arena_alloc(arena, n * sizeof(bool));
    scope->is_done = acc_arena_alloc(arena, n * sizeof(bool));
    return acc_arena_failed(arena) ? -ENOMEM : 0;
}

/* All documents of a base file merged, in the long form, its paths rebased to its own folder. */
static int read_base(struct acc_compose_loader *loader, const char *path,
                     const struct acc_text *text, struct acc_node **ret_tree,
                     struct acc_load_resets *ret_resets)
{
    struct acc_compose_ctx *ctx = &loader->ctx;
    struct acc_node *tree = acc_tree_map(ctx, (struct acc_srcpos){path, 1, 1});
    struct acc_yaml_docs docs = {0};
    int r = tree ? acc_load_parse(loader, path, text, &docs) : -ENOMEM;

    ctx->is_partial = true;
    for (size_t i = 0; r == 0 && i < docs.n_docs; i++) {
        *ret_resets = (struct acc_load_resets){docs.resets, docs.n_resets, i};
        acc_load_apply_resets(ret_resets, tree, NULL, 0);
        r = acc_compose_merge(ctx, tree, docs.docs[i], NULL, 0, &tree);
        r = r < 0 ? r : acc_compose_unicity(ctx, tree);
        r = r < 0 ? r : acc_compose_canonical(ctx, tree);
        r = r < 0 ? r : acc_compose_unicity(ctx, tree);
    }
    r = r < 0 ? r : acc_compose_paths(ctx, tree, acc_tree_clean_path(ctx, acc_load_dir(ctx, path)));
    ctx->is_partial = false;
    *ret_tree = tree;
    return r;
}

static int begin_file(struct acc_compose_loader *loader, struct acc_extends_file *file,
                      const struct target *target, const struct acc_text *text)
{
    struct acc_node *tree = NULL;
    const struct acc_node *services = NULL;
    int r = 0;

    if (!text->text) {
        acc_diags_add(loader->diags, target->pos, "cannot extend service '%s' of %s: %s",
                      target->service, target->file, acc_load_error_name(text->error));
        return -EINVAL;
    }
    r = read_base(loader, target->file, text, &tree, &file->scope.resets);
    if (r < 0) {
        return r;
    }
    services = acc_node_get(tree, "services");
    if (!acc_node_is(services, ACC_NODE_MAP) && loader->ctx.is_incomplete) {
        return -EINVAL; /* told */
    }
    if (!acc_node_is(services, ACC_NODE_MAP)) {
        acc_diags_add(loader->diags, target->pos,
                      "cannot extend service '%s' of %s: it has no services", target->service,
                      target->file);
        return -EINVAL;
    }
    return scope_init(loader, &file->scope, target->file, acc_load_dir(&loader->ctx, target->file),
                      services);
}

/* `*ret_scope` is NULL while the file is needed. 0, -EINVAL, -ENOMEM. */
static int file_scope(struct acc_compose_loader *loader, const struct target *target,
                      struct scope **ret_scope)
{
    struct acc_extends_file *file = loader->extends_files;
    struct acc_text text = {0};

    while (file && strcmp(file->scope.path, target->file) != 0) {
        file = file->next;
    }
    if (!file) {
        file = acc_arena_alloc(loader->ctx.arena, sizeof(*file));
        if (!file) {
            return -ENOMEM;
        }
        file->scope.path = target->file;
        file->next = loader->extends_files;
        loader->extends_files = file;
        file->is_needed = !acc_load_want(loader, target->file, &text);
        int r = file->is_needed ? 0 : begin_file(loader, file, target, &text);

        if (r == -ENOMEM) {
            return r;
        }
        file->is_broken = r < 0;
    }
    *ret_scope = file->is_needed ? NULL : &file->scope;
    return file->is_broken ? -EINVAL : 0;
}

static int read_target(struct acc_compose_loader *loader, const struct scope *scope,
                       const struct acc_node *service, const struct acc_node *extends,
                       struct target *ret_target)
{
    struct acc_compose_ctx *ctx = &loader->ctx;
    bool is_map = extends->type == ACC_NODE_MAP;
    const struct acc_node *name = is_map ? acc_node_get(extends, "service") : extends;
    const struct acc_node *file = is_map ? acc_node_get(extends, "file") : NULL;

    if (!acc_node_is(name, ACC_NODE_STRING)) {
        acc_diags_add(ctx->diags, extends->pos,
                      "services.%s.extends: the name of a service is required", service->key);
        return -EINVAL;
    }
    *ret_target = (struct target){.service = name->text, .pos = name->pos};
    if (!file || file->type == ACC_NODE_NULL) {
        return 0;
    }
    if (file->type != ACC_NODE_STRING || acc_load_is_remote(file->text)) {
        acc_diags_add(ctx->diags, file->pos,
                      "services.%s.extends.file: must be a file of this host; accd fetches none",
                      service->key);
        return -EINVAL;
    }
    ret_target->pos = file->pos;
    ret_target->file = acc_tree_absolute(ctx, scope->dir, file->text);
    return ret_target->file ? 0 : -ENOMEM;
}

static int tell_unknown(struct acc_compose_loader *loader, const struct scope *scope,
                        const struct acc_node *service, const struct target *target)
{
    const char **names = acc_arena_alloc(loader->ctx.arena,
                                         (scope->services.n + 1) * sizeof(*names));
    const char *nearest = NULL;
    size_t n = 0;

    if (loader->ctx.is_incomplete) { /* it may be in what could not be read */
        return -EINVAL;
    }
    for (size_t i = 0; names && i < scope->services.n; i++) {
        if (scope->services.items[i] != service) {
            names[n++] = scope->services.items[i]->key;
        }
    }
    nearest = names ? acc_nearest(target->service, names, n) : NULL;
    acc_diags_add(loader->diags, target->pos,
                  "cannot extend service \"%s\": service \"%s\" not found%s%s%s%s%s", service->key,
                  target->service, target->file ? " in " : "", target->file ? target->file : "",
                  nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
    return -EINVAL;
}

static int tell_circle(struct acc_compose_loader *loader, const struct frame *frame,
                       struct acc_srcpos pos, const struct scope *scope, const char *service)
{
    const char *text = acc_arena_printf(loader->ctx.arena, "%s", service);

    for (const struct frame *at = frame; at && text; at = at->up) {
        text = acc_arena_printf(loader->ctx.arena, "%s -> %s", at->service, text);
        if (at->scope == scope && strcmp(at->service, service) == 0) {
            break;
        }
    }
    if (!text) {
        return -ENOMEM;
    }
    acc_diags_add(loader->diags, pos, "circular reference in extends: %s", text);
    return -EINVAL;
}

/* The service with its base under it: a copy of what `target` names. */
static int merge_base(struct acc_compose_loader *loader, struct scope *scope, size_t i,
                      const struct acc_node *base)
{
    struct acc_compose_ctx *ctx = &loader->ctx;
    struct acc_node *service = scope->services.items[i];
    const char *name = service->key;
    struct acc_srcpos key_pos = acc_node_key_pos(service);
    const char *at[] = {"services", name};
    struct acc_node *copy = NULL;
    int r = 0;

    (void)acc_node_remove(service, "extends");
    if (base->type == ACC_NODE_NULL) {
        scope->resolved[i] = service;
        return 0;
    }
    copy = acc_node_clone(ctx->arena, base);
    if (!copy) {
        return -ENOMEM;
    }
    acc_load_apply_resets(&scope->resets, copy, at, 2);
    r = acc_compose_merge(ctx, copy, service, at, 2, &copy);
    if (r == -ENOMEM) {
        return r;
    }
    copy->key = name;
    copy->pos = service->pos;
    acc_node_set_key_pos(copy, key_pos);
    scope->resolved[i] = copy; /* what could not be merged is as in the base */
    return r;
}

static int resolve_target(struct acc_compose_loader *loader, struct scope *scope, size_t i,
                          const struct frame *frame)
{
    struct acc_node *service = scope->services.items[i];
    const struct acc_node *extends = acc_node_get(service, "extends");
    struct scope *other = scope;
    struct target target = {0};
    size_t k = 0;
    int r = read_target(loader, scope, service, extends, &target);

    if (r == 0 && target.file) {
        r = file_scope(loader, &target, &other);
    }
    if (r < 0 || !other) {
        return r;
    }
    k = index_of(other, target.service);
    if (k == SIZE_MAX) {
        return tell_unknown(loader, other, service, &target);
    }
    if (other->is_under_way[k]) {
        return tell_circle(loader, frame, target.pos, other, target.service);
    }
    if (frame->depth >= ACC_LOAD_CHAIN_MAX) {
        acc_diags_add(loader->diags, target.pos, "more than %u services extend each other in a row",
                      ACC_LOAD_CHAIN_MAX);
        return -EINVAL;
    }
    r = resolve(loader, other, k, frame);
    if (r == 0 && !other->resolved[k]) { /* a file is needed, or its error was told before */
        return loader->n_needs > 0 ? 0 : -EINVAL;
    }
    return r < 0 ? r : merge_base(loader, scope, i, other->resolved[k]);
}

/* Sets scope->resolved[i], or leaves it NULL when a file is needed or an error was told before. */
static int resolve(struct acc_compose_loader *loader, struct scope *scope, size_t i,
                   const struct frame *up)
{
    struct acc_node *service = scope->services.items[i];
    struct frame frame = {up, scope, service->key, up ? up->depth + 1 : 0};
    int r = 0;

    if (scope->is_done[i]) {
        return 0;
    }
    scope->is_done[i] = true;
    if (service->type == ACC_NODE_NULL ||
        (service->type == ACC_NODE_MAP && !acc_node_get(service, "extends"))) {
        scope->resolved[i] = service;
        return 0;
    }
    if (service->type != ACC_NODE_MAP) {
        acc_diags_add(loader->diags, service->pos, "services.%s must be a mapping", service->key);
        return -EINVAL;
    }
    scope->is_under_way[i] = true;
    r = resolve_target(loader, scope, i, &frame);
    scope->is_under_way[i] = false;
    return r;
}

/* In the order in which they are written. */
static void put_back(struct acc_node *services, const struct scope *scope)
{
    struct acc_node *next = NULL;

    for (struct acc_node *child = acc_tree_take_children(services); child; child = next) {
        size_t i = index_of(scope, child->key);
        struct acc_node *node = scope->resolved[i] ? scope->resolved[i] : child;

        next = child->next;
        child->next = NULL;
        acc_node_put(services, child->key, acc_node_key_pos(child), node);
    }
}

int acc_load_extends(struct acc_compose_loader *loader, struct acc_node *doc, const char *path,
                     const struct acc_load_resets *resets)
{
    struct acc_node *services = acc_node_get(doc, "services");
    struct scope scope = {.resets = *resets};
    int result = 0;

    if (!services) {
        return 0;
    }
    if (services->type != ACC_NODE_MAP) {
        acc_diags_add(loader->diags, services->pos, "services must be a mapping");
        return -EINVAL;
    }
    result = scope_init(loader, &scope, path, loader->ctx.project_dir, services);
    for (size_t i = 0; i < scope.services.n && result != -ENOMEM; i++) {
        int r = resolve(loader, &scope, i, NULL);

        result = r < 0 ? r : result;
    }
    if (result != -ENOMEM) { /* where others failed, too: to find all problems it goes on */
        put_back(services, &scope);
    }
    return result;
}
