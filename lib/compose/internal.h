#pragma once

/*
 * The passes of the loader, and what they share. For lib/compose only.
 *
 * load.c runs them in compose-go's order (loader/loader.go of 2.9, which Compose 2.40 uses):
 *
 *   per document of each file   parse (yaml), interpolate, extends, include, merge, unicity,
 *                               SCHEMA, CANONICAL, unicity
 *   per model (the project, and each include)
 *                               DEFAULTS, VALIDATE, PATHS, bare environment names
 *   once                        name, NORMALISE, profiles, CONSISTENCY, env_file and label_file,
 *                               drop what nobody refers to, compact into the stack's arena, FINISH
 *
 * A base file of `extends` runs parse, interpolate, merge, unicity, CANONICAL, and PATHS with its
 * own folder (without SCHEMA: what it is merged into is checked).
 *
 * Each pass rewrites the tree in place and keeps the position of the node that it replaces. All
 * return 0; -EINVAL after having added at least one error to `ctx->diags`, going on as far as makes
 * sense so that one load tells all problems; or -ENOMEM.
 */

#include "lib/base/arena.h"
#include "lib/base/diag.h"
#include "lib/compose/compose.h"
#include "lib/model/node.h"

/* The project environment: what ${NAME} sees. An include has its own above its parent's. */
struct acc_compose_env;
/* NULL when unset. */
const char *acc_compose_env_get(const struct acc_compose_env *env, const char *name);

struct acc_compose_ctx {
    /* Scratch during the passes, the stack's own during FINISH: always allocate from here. */
    struct acc_arena *arena;
    struct acc_diags *diags;
    const struct acc_compose_request *request;
    const char *project_dir;            /* absolute; of the include while one is loaded */
    const char *project_name;           /* set before NORMALISE, NULL until then */
    const struct acc_compose_env *env;  /* of the include while one is loaded */
    const struct acc_node *contents;    /* for FINISH: digests of files by path, or NULL */
    const struct acc_node *disabled;    /* services without an enabled profile: name -> service;
                                         * set before CONSISTENCY */
    const struct acc_node *declared;    /* networks and volumes, each with its name, before those
                                         * that no service uses were dropped */
    const char *const *env_files_given; /* the request's --env-file, for FINISH */
    size_t n_env_files_given;
    bool is_incomplete; /* find_all: an include or a section failed, so a name may be defined there */
    bool is_partial;    /* CANONICAL of an extends base: no duty to have all required keys */
};

/* `project` is the whole merged mapping (services, networks, ...). Unknown keys, wrong types, null
 * where compose-spec.json forbids it, duplicates in uniqueItems lists, each with the place of the
 * offending node. Runs on the short forms. `version` is still there. */
int acc_compose_schema(struct acc_compose_ctx *ctx, struct acc_node *project);
/* Short forms to long ones (facts 3.8). Must accept what is canonical already: it runs again after
 * each merge. */
int acc_compose_canonical(struct acc_compose_ctx *ctx, struct acc_node *project);
int acc_compose_defaults(struct acc_compose_ctx *ctx, struct acc_node *project);
/* compose-go's validation package: external conflicts, secrets' sources, device counts, host_ip. */
int acc_compose_validate(struct acc_compose_ctx *ctx, struct acc_node *project);
/* Relative paths against the absolute `dir`; those that are absolute stay (facts 3.1). Also called
 * with a mapping that holds nothing but `services` with one service: an extends base. */
int acc_compose_paths(struct acc_compose_ctx *ctx, struct acc_node *project, const char *dir);
/* `name` is set and ctx->project_name, too. Also checks the values that bind to typed fields
 * (bytes, durations): "decoding failed" in Compose. */
int acc_compose_normalise(struct acc_compose_ctx *ctx, struct acc_node *project);
/* `project.services` holds the enabled ones only. */
int acc_compose_consistency(struct acc_compose_ctx *ctx, struct acc_node *project);
/* The tree becomes a stack: typed specs, resources. Everything that the stack points at is in
 * ctx->arena, which is the stack's from success on. */
int acc_compose_finish(struct acc_compose_ctx *ctx, struct acc_node *project,
                       struct acc_stack **ret_stack);

/* Lookup in a long mapping: sorted once, then O(log n). Borrows the nodes; what is added to or
 * removed from the map afterwards is not seen. */
struct acc_node_index {
    struct acc_node **items;
    size_t n;
};
int acc_node_index_init(struct acc_node_index *index, struct acc_arena *arena,
                        const struct acc_node *map); /* 0 or -ENOMEM; NULL or no mapping: empty */
struct acc_node *acc_node_index_get(const struct acc_node_index *index, const char *key);
