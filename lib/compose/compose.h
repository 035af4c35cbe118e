#pragma once

/*
 * Compose files to a stack, as docker compose reads them.
 *
 * The same passes in the same order as compose-go: per document parse, interpolate, include,
 * extends, merge; then canonical form, defaults, validation, paths, normalisation, profiles,
 * consistency, env_file. Opens no file and reads no environment: the caller gives both. When the
 * loader needs a file it says which one; the caller supplies it and calls again.
 *
 *     acc_compose_begin(&request, &loader);
 *     while ((r = acc_compose_load(loader, &stack, &diags)) == ACC_COMPOSE_NEED)
 *         for each acc_compose_needs(loader, i): read it, acc_compose_supply(loader, path, ...)
 *     acc_compose_end(loader);
 */

#include "lib/model/spec.h"

/* The largest file read. Compose files are a few kB; this is generous and keeps memory bounded. */
#define ACC_COMPOSE_FILE_MAX (16u * 1024u * 1024u)
/* Nodes in one file after aliases are expanded: 5 000 services of 30 values each, three times over.
 * (compose-go of 2026 stops at 100 000 visits, 2.40 nowhere.) */
#define ACC_COMPOSE_NODES_MAX 500000u
#define ACC_COMPOSE_DEPTH_MAX 100u /* nesting of YAML, and of interpolation */
#define ACC_COMPOSE_ARENA_MAX (256u * 1024u * 1024u)
#define ACC_COMPOSE_FILES_MAX 1000u /* files one project may pull in by include and extends */

struct acc_compose_request {
    const char *const *files; /* absolute paths; the first gives the project directory */
    size_t n_files;
    const char *project_dir;  /* NULL: folder of the first file */
    const char *project_name; /* -p; NULL: COMPOSE_PROJECT_NAME, `name:`, then the folder's name */
    const char *const
        *env_files; /* --env-file; none: .env of the project directory, if it exists */
    size_t n_env_files;
    const char *const *environment; /* "K=V", the caller's own; COMPOSE_PROFILES is read from it */
    size_t n_environment;
    const char *const *profiles; /* further ones */
    size_t n_profiles;
    const struct acc_node *x_acc_defaults; /* acc.yaml's `defaults:`, or NULL */
    const struct acc_timing *timing;       /* acc.yaml's `timing:` applied, or NULL: the defaults */
    const char *phase;                     /* of acc.yaml's stacks entry, or NULL */
    bool is_inspection; /* for printing only: keys that accd does not carry out are warnings */
    bool find_all;      /* to be corrected: the passes go on after an error, so that all are told */
};

enum acc_compose_result {
    ACC_COMPOSE_OK = 0,
    ACC_COMPOSE_NEED = 1, /* supply acc_compose_needs() and call again */
};

struct acc_compose_loader;

/* Everything in `request` is copied. 0 or -ENOMEM. */
int acc_compose_begin(const struct acc_compose_request *request,
                      struct acc_compose_loader **ret_loader);
struct acc_compose_loader *
acc_compose_end(struct acc_compose_loader *loader); /* NULL allowed; returns NULL */

/* ACC_COMPOSE_OK and `*ret_stack` (owned by the caller); ACC_COMPOSE_NEED; -EINVAL with `diags`
 * telling the problems of the first pass that found some; -ENOMEM. `diags` may hold warnings after
 * success. It is reset at each call. With `find_all` and -EINVAL `*ret_stack` is NULL or what could
 * be made of the files, good for nothing but to see what is wrong between stacks. */
int acc_compose_load(struct acc_compose_loader *loader, struct acc_stack **ret_stack,
                     struct acc_diags *diags);

/* What the project is called, as far as that could be found out; of files that don't load as well.
 * Never NULL; lives as long as the loader. */
const char *acc_compose_project_name(const struct acc_compose_loader *loader);
size_t acc_compose_n_needs(const struct acc_compose_loader *loader);
const char *acc_compose_need(const struct acc_compose_loader *loader, size_t i); /* absolute path */
/* `text` is copied; NULL with a positive errno in `error` when it could not be read (ENOENT for a
 * missing one, EFBIG beyond ACC_COMPOSE_FILE_MAX). 0 or -ENOMEM. */
int acc_compose_supply(struct acc_compose_loader *loader, const char *path, const char *text,
                       size_t text_len, int error);

/* The config-hash label of a service as Compose 2.30 to 2.40 writes it (facts: hash family C).
 * `container_id(ctx, service)` gives the container id behind a `service:x` namespace or
 * volumes_from reference, or NULL while it has none. Without `container_id` references are hashed
 * as they are written, as `docker compose config --hash` does. `ret_hash` takes ACC_HASH_LEN + 1
 * bytes. 0, -ENOMEM, or -ENOENT when a reference has no id. */
int acc_compose_service_hash(const struct acc_service_spec *service,
                             const char *(*container_id)(void *ctx, const char *service), void *ctx,
                             char *ret_hash);
int acc_compose_network_hash(const struct acc_resource *network, char *ret_hash);
int acc_compose_volume_hash(const struct acc_resource *volume, char *ret_hash);

/* `docker compose config`, as JSON or as YAML, with `$` escaped as `$$`. It is given to `write` in
 * pieces of about a service, for a large project as text is larger than as a tree. 0 or -ENOMEM. */
typedef void (*acc_compose_write_fn)(void *ctx, const char *text, size_t text_len);
int acc_compose_config_json(const struct acc_stack *stack, acc_compose_write_fn write, void *ctx);
int acc_compose_config_yaml(const struct acc_stack *stack, acc_compose_write_fn write, void *ctx);
