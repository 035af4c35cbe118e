/*
 * include: whole models of other folders, each with its own environment, put beside the resources
 * of the including file (compose-go loader/include.go). What both have is merged, the including
 * file's over the included one's, as Compose 5 does; 2.40 refuses unless they are equal.
 */

#include <errno.h>
#include <string.h>

#include "lib/compose/load.h"
#include "lib/compose/merge.h"
#include "lib/compose/schema.h"
#include "lib/compose/tree.h"

/* Override files of one entry; nobody lists more. */
#define PATHS_MAX 64u

struct entry {
    const char *paths[PATHS_MAX]; /* absolute */
    size_t n_paths;
    const char *env_files[PATHS_MAX]; /* absolute; none: the folder's .env */
    size_t n_env_files;
    const char *project_dir;
    struct acc_srcpos pos;
};

static int complain(struct acc_compose_loader *loader, const struct acc_node *node,
                    const char *what)
{
    acc_diags_add(loader->diags, node->pos, "include: %s", what);
    return -EINVAL;
}

static int add_path(struct acc_compose_loader *loader, const struct acc_node *node,
                    const char **list, size_t *n)
{
    if (node->type != ACC_NODE_STRING || !*node->text) {
        return complain(loader, node, "a path must be a string");
    }
    if (acc_load_is_remote(node->text)) {
        return complain(loader, node, "must be a file of this host; accd fetches none");
    }
    if (*n == PATHS_MAX) {
        return complain(loader, node, "more than 64 files in one entry");
    }
    list[*n] = acc_tree_absolute(&loader->ctx, loader->ctx.project_dir, node->text);
    return list[(*n)++] ? 0 : -ENOMEM;
}

/* A string or a list of strings. */
static int add_paths(struct acc_compose_loader *loader, const struct acc_node *node,
                     const char **list, size_t *n)
{
    int r = 0;

    if (!acc_node_is(node, ACC_NODE_SEQ)) {
        return node && node->type != ACC_NODE_NULL ? add_path(loader, node, list, n) : 0;
    }
    acc_node_for_each(child, node)
    {
        r = r < 0 ? r : add_path(loader, child, list, n);
    }
    return r;
}

static int read_long(struct acc_compose_loader *loader, const struct acc_node *node,
                     struct entry *entry)
{
    const struct acc_node *dir = acc_node_get(node, "project_directory");
    int r = 0;

    acc_node_for_each(child, node)
    {
        if (strcmp(child->key, "path") != 0 && strcmp(child->key, "env_file") != 0 &&
            strcmp(child->key, "project_directory") != 0) {
            acc_diags_warn(loader->diags, acc_node_key_pos(child),
                           "include: '%s' is none of path, project_directory, env_file, and has no "
                           "effect",
                           child->key);
        }
    }
    r = r < 0 ? r : add_paths(loader, acc_node_get(node, "path"), entry->paths, &entry->n_paths);
    r = r < 0 ? r
              : add_paths(loader, acc_node_get(node, "env_file"), entry->env_files,
                          &entry->n_env_files);
    if (r == 0 && acc_node_is(dir, ACC_NODE_STRING) && *dir->text) {
        entry->project_dir = acc_tree_absolute(&loader->ctx, loader->ctx.project_dir, dir->text);
        r = entry->project_dir ? 0 : -ENOMEM;
    }
    return r;
}

static int read_entry(struct acc_compose_loader *loader, const struct acc_node *node,
                      struct entry *entry)
{
    int r = 0;

    *entry = (struct entry){.pos = node->pos};
    if (node->type == ACC_NODE_MAP) {
        r = read_long(loader, node, entry);
    } else {
        r = add_path(loader, node, entry->paths, &entry->n_paths);
    }
    if (r == 0 && entry->n_paths == 0) {
        return complain(loader, node, "path is missing");
    }
    if (r == 0 && !entry->project_dir) {
        entry->project_dir = acc_load_dir(&loader->ctx, entry->paths[0]);
        r = entry->project_dir ? 0 : -ENOMEM;
    }
    return r;
}

static int check_circle(struct acc_compose_loader *loader, const struct entry *entry,
                        const struct acc_load_chain *chain)
{
    const char *text = entry->paths[0];

    if (chain->depth >= ACC_LOAD_CHAIN_MAX) {
        acc_diags_add(loader->diags, entry->pos, "includes nested deeper than %u",
                      ACC_LOAD_CHAIN_MAX);
        return -EINVAL;
    }
    for (const struct acc_load_chain *at = chain; at; at = at->up) {
        text = acc_arena_printf(loader->ctx.arena, "%s includes %s", at->path, text);
        if (!text) {
            return -ENOMEM;
        }
        if (strcmp(at->path, entry->paths[0]) == 0) {
            acc_diags_add(loader->diags, entry->pos, "include cycle detected: %s", text);
            return -EINVAL;
        }
    }
    return 0;
}

/* The environment under the parent's: the entry's files, or the folder's .env. */
static int make_env(struct acc_compose_loader *loader, const struct entry *entry,
                    struct acc_compose_env **ret_env)
{
    struct acc_compose_env *env = acc_load_env(loader, loader->ctx.env);
    const char *dotenv = NULL;
    int r = 0;

    if (!env) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < entry->n_env_files && r == 0; i++) {
        if (strcmp(entry->env_files[i], "/dev/null") != 0) {
            r = acc_load_dotenv(loader, env, entry->env_files[i], true, entry->pos);
        }
    }
    if (entry->n_env_files == 0) {
        dotenv = acc_arena_printf(loader->ctx.arena, "%s/.env",
                                  strcmp(entry->project_dir, "/") == 0 ? "" : entry->project_dir);
        r = dotenv ? acc_load_dotenv(loader, env, dotenv, false, entry->pos) : -ENOMEM;
    }
    *ret_env = env;
    return r;
}

/* All files of the entry are asked for at once; true when none is missing. */
static bool have_files(struct acc_compose_loader *loader, const struct entry *entry, bool *ret_bad)
{
    bool have_all = true;

    for (size_t i = 0; i < entry->n_paths; i++) {
        struct acc_text text = {0};

        if (!acc_load_want(loader, entry->paths[i], &text)) {
            have_all = false;
        } else if (!text.text) {
            acc_diags_add(loader->diags, entry->pos, "cannot include %s: %s", entry->paths[i],
                          acc_load_error_name(text.error));
            *ret_bad = true;
        }
    }
    return have_all;
}

static int load_entry(struct acc_compose_loader *loader, const struct entry *entry,
                      const struct acc_load_chain *chain, struct acc_node **ret_model)
{
    struct acc_compose_ctx saved = loader->ctx;
    struct acc_compose_env *env = NULL;
    bool is_bad = false;
    bool have_all = have_files(loader, entry, &is_bad);
    int r = make_env(loader, entry, &env);

    if (r < 0 || is_bad) {
        return r < 0 ? r : -EINVAL;
    }
    if (!have_all || loader->n_needs > 0) {
        return 0;
    }
    if (++loader->n_included == ACC_LOAD_INCLUDES_MAX + 1) { /* told once */
        acc_diags_add(loader->diags, entry->pos,
                      "more than %u includes, files that are included again counted each time",
                      ACC_LOAD_INCLUDES_MAX);
    }
    if (loader->n_included > ACC_LOAD_INCLUDES_MAX) {
        return -EINVAL;
    }
    loader->ctx.project_dir = entry->project_dir;
    loader->ctx.env = env;
    r = acc_load_model(loader, entry->paths, entry->n_paths, chain, ret_model);
    loader->ctx.project_dir = saved.project_dir;
    loader->ctx.env = saved.env;
    return r;
}

/* The resources of one kind: those of `doc` win. */
static int import_section(struct acc_compose_loader *loader, struct acc_node *model,
                          struct acc_node *doc, const char *section)
{
    struct acc_node *from = acc_node_get(model, section);
    struct acc_node *to = acc_node_get(doc, section);
    const char *at[] = {section};
    struct acc_node *merged = NULL;
    int r = 0;

    if (!from || from->type != ACC_NODE_MAP) {
        return 0;
    }
    if (!to || to->type == ACC_NODE_NULL) {
        (void)acc_node_remove(model, section);
        (void)acc_node_remove(doc, section);
        acc_node_put(doc, section, acc_node_key_pos(from), from);
        return 0;
    }
    struct acc_srcpos key_pos = acc_node_key_pos(to);

    (void)acc_node_remove(model, section);
    (void)acc_node_remove(doc, section);
    r = acc_compose_merge(&loader->ctx, from, to, at, 1, &merged);
    if (r == 0) {
        acc_node_put(doc, section, key_pos, merged);
    }
    return r;
}

static int import(struct acc_compose_loader *loader, struct acc_node *model, struct acc_node *doc)
{
    static const char *const sections[] = {"services", "volumes", "networks",
                                           "secrets",  "configs", "models"};
    int r = 0;

    for (size_t i = 0; r == 0 && i < sizeof(sections) / sizeof(sections[0]); i++) {
        r = import_section(loader, model, doc, sections[i]);
    }
    return r;
}

int acc_load_include(struct acc_compose_loader *loader, struct acc_node *doc,
                     const struct acc_load_chain *chain)
{
    struct acc_node *list = acc_node_remove(doc, "include");
    int result = 0;

    if (!list || list->type == ACC_NODE_NULL) {
        return 0;
    }
    if (list->type != ACC_NODE_SEQ) {
        return complain(loader, list, "must be a list");
    }
    acc_node_for_each(node, list)
    {
        struct entry entry;
        struct acc_node *model = NULL;
        int r = read_entry(loader, node, &entry);

        r = r < 0 ? r : check_circle(loader, &entry, chain);
        r = r < 0 ? r : load_entry(loader, &entry, chain, &model);
        if (r == 0 && model && loader->n_needs == 0) {
            r = import(loader, model, doc);
        }
        if (r == -ENOMEM) {
            return r;
        }
        result = r < 0 ? r : result;
    }
    return result;
}
