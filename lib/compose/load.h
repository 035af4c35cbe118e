#pragma once

/*
 * The front half of the loader: from the bytes of many files to one merged tree. For load.c and
 * its helpers (extends.c, include.c, envfile.c, select.c) only.
 */

#include "lib/compose/env.h"
#include "lib/compose/internal.h"
#include "lib/compose/yaml.h"

/* Nested includes, and services that extend each other in a row. Compose has no such limit; the
 * stack of the process is one. */
#define ACC_LOAD_CHAIN_MAX 100u
/* Inclusions, one file each time that it is included: files that include each other twice double
 * them from level to level. */
#define ACC_LOAD_INCLUDES_MAX 1000u

struct acc_supplied; /* one file that the caller gave, or that is wanted */
struct acc_extends_file;

struct acc_owned_env {
    struct acc_compose_env env;
    struct acc_owned_env *next;
};

struct acc_compose_loader {
    struct acc_arena *arena;            /* the request, and the names of files */
    struct acc_compose_request request; /* copied into the arena */
    struct acc_supplied *files;         /* uthash by path */
    const char **needs;                 /* ACC_COMPOSE_FILES_MAX of them */
    size_t n_needs;
    const char *name; /* of the project, as far as it is known; or NULL */

    /* Of the load that is under way; all scratch. */
    struct acc_compose_ctx ctx;
    struct acc_diags *diags;
    struct acc_owned_env *envs;
    struct acc_compose_env *os_env; /* the caller's environment; wins over all others */
    struct acc_extends_file *extends_files;
    const char *unset[32]; /* variables told as unset; more would push out the errors */
    size_t n_unset;
    size_t n_included;
    bool has_broken_env;          /* find_all: what some variables hold isn't known */
    struct acc_node *project;     /* merged and consistent; kept while env files are awaited */
    struct acc_diags *kept_diags; /* what was said until then */
};

/* A file on the way in, and where it was included from. */
struct acc_load_chain {
    const struct acc_load_chain *up;
    const char *path;
    size_t depth;
};

struct acc_text {
    const char *text; /* NULL: not there, see `error` */
    size_t len;
    int error; /* positive errno */
};

/* True and `*ret_text` when the file was supplied (also when it couldn't be read). Otherwise it is
 * put on the list of needs. */
bool acc_load_want(struct acc_compose_loader *loader, const char *path, struct acc_text *ret_text);
/* All files are parsed: what they hold is only memory. One that is wanted again (.env may be an
 * env_file, too) is asked for again. */
void acc_load_forget_texts(struct acc_compose_loader *loader);
/* A URL or a git or OCI reference: accd fetches nothing. */
bool acc_load_is_remote(const char *path);
/* The folder of an absolute path. */
const char *acc_load_dir(struct acc_compose_ctx *ctx, const char *path);
/* "No such file or directory" */
const char *acc_load_error_name(int error);

/* loader->ctx.env: the caller's environment over the env files. ctx.project_dir is set. 0, also
 * while a file is needed; -EINVAL; -ENOMEM. */
int acc_load_environment(struct acc_compose_loader *loader);
/* loader->ctx.project_name, by -p, COMPOSE_PROJECT_NAME, `written` (the last `name:` of the files,
 * or NULL) or the folder's name. */
int acc_load_project_name(struct acc_compose_loader *loader, const struct acc_node *written);
/* Until that is known, and where it can't be: -p, or the folder's name. */
void acc_load_guess_name(struct acc_compose_loader *loader);
/* An environment of its own under `parent`; ended with the load. NULL: no memory. */
struct acc_compose_env *acc_load_env(struct acc_compose_loader *loader,
                                     const struct acc_compose_env *parent);
/* Read a .env file into `env`: 0, also while it is still needed; -EINVAL; -ENOMEM. `pos` is told
 * when a required one is missing. */
int acc_load_dotenv(struct acc_compose_loader *loader, struct acc_compose_env *env,
                    const char *path, bool is_required, struct acc_srcpos pos);

/* Interpolate a document with loader->ctx.env, and cast what must not stay a string. */
int acc_load_interpolate(struct acc_compose_loader *loader, struct acc_node *doc);

/* Warn that ${name} is unset: once a variable, where Compose says it at each use. */
void acc_load_tell_unset(struct acc_compose_loader *loader, struct acc_srcpos pos,
                         const char *name);

/* Parse and interpolate all documents of a file that was supplied. */
int acc_load_parse(struct acc_compose_loader *loader, const char *path, const struct acc_text *text,
                   struct acc_yaml_docs *ret_docs);
/* The files of one model into one tree, up to PATHS. loader->ctx has its folder and environment.
 * 0 (unfinished while loader->n_needs > 0), -EINVAL, -ENOMEM. */
int acc_load_model(struct acc_compose_loader *loader, const char *const *paths, size_t n_paths,
                   const struct acc_load_chain *chain, struct acc_node **ret_project);

/* Replace `doc.include` by what it names. */
int acc_load_include(struct acc_compose_loader *loader, struct acc_node *doc,
                     const struct acc_load_chain *chain);

/* Forget the load that is under way. */
void acc_load_drop(struct acc_compose_loader *loader);

struct acc_load_resets {
    const struct acc_yaml_reset *items;
    size_t n;
    size_t doc;
};
/* Take the paths out of `tree`, whose own path is `at`: an array of `n_at` keys. */
void acc_load_apply_resets(const struct acc_load_resets *resets, struct acc_node *tree,
                           const char *const *at, size_t n_at);

/* Replace `extends` of each service of `doc`, which is (part of) the file `path`. */
int acc_load_extends(struct acc_compose_loader *loader, struct acc_node *doc, const char *path,
                     const struct acc_load_resets *resets);

/* Move services without an enabled profile to a mapping of their own. */
int acc_load_profiles(struct acc_compose_loader *loader, struct acc_node *project,
                      const struct acc_node **ret_disabled);
/* Bare names in `environment` lists, and the values of secrets and configs. */
int acc_load_bare_names(struct acc_compose_loader *loader, struct acc_node *project);
/* env_file into environment and label_file into labels. 0, also while files are needed. */
int acc_load_env_files(struct acc_compose_loader *loader, struct acc_node *project);
/* Digests of the files behind the configs and secrets that services use, for FINISH. 0 or -ENOMEM.
 */
int acc_load_contents(struct acc_compose_loader *loader, const struct acc_node *project);
/* Take down which networks and volumes there are: section -> key -> name. 0 or -ENOMEM. */
int acc_load_declared(struct acc_compose_loader *loader, const struct acc_node *project,
                      const struct acc_node **ret_declared);
/* Drop networks, volumes, secrets, configs and models that no service refers to. */
int acc_load_drop_unused(struct acc_compose_loader *loader, struct acc_node *project);

/* Deep copy into another arena, with each distinct key and file name once. NULL: no memory. */
struct acc_node *acc_load_compact(struct acc_arena *arena, const struct acc_node *node);
