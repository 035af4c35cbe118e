#pragma once

/*
 * A service of a stack -> the requests that make its container, its networks and its volumes, as
 * Docker Compose 2.40.3 sends them (pkg/compose/create.go, convert.go at v2.40.3), so that
 * `docker compose` keeps understanding what accd makes.
 *
 * One thing differs on purpose: RestartPolicy is always `no`, because accd alone restarts; the
 * file's policy is in the config-hash. And io.acc.{revision,op,spec} are added to the labels.
 *
 * Reads the canonical node of the service (what `docker compose config` prints), opens no file.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/diag.h"
#include "lib/model/spec.h"

/* Written to com.docker.compose.version: the release whose config-hash and bodies are made here. */
#define ACC_DOCKER_COMPOSE_VERSION "2.40.3"
/* A body is a few kB; environment and config contents are the user's and bounded by their files. */
#define ACC_DOCKER_CREATE_MAX (16u * 1024u * 1024u)

struct acc_docker_create_ctx {
    uint32_t api_minor;          /* the negotiated one */
    uint32_t number;             /* com.docker.compose.container-number, from 1 */
    const char *name;            /* of the container */
    const char *config_hash;     /* acc_compose_service_hash() */
    const char *image_id;        /* "sha256:...": what the service's image reference resolved to */
    const char *image;           /* another reference than the service's; NULL: the service's */
    const char *compose_version; /* NULL: ACC_DOCKER_COMPOSE_VERSION */
    const char *op, *revision;   /* io.acc.op, io.acc.revision; NULL or "": no such label */
    /* Volumes without a name of the container that it replaces, as in acc_obs.volumes, and where
     * its image wants some, "TARGET\n"; NULL: none. */
    const char *heirs, *image_volumes;
    bool unrouted;  /* on its networks, but not by the names of its service */
    bool reconnect; /* all networks go to `connects`, the main one last: for one that runs */
    /* The container id behind a `service:x` namespace, link or volumes_from; NULL: it has none. May
     * be NULL when nothing refers. Links need a container NAME: see container_name. */
    const char *(*container_id)(void *resolver, const char *service);
    /* The name of a container of that service of this stack, for links; NULL: it has none. */
    const char *(*container_name)(void *resolver, const char *service);
    /* The text of a file that a service names but Compose reads itself (security_opt
     * seccomp=FILE), absolute path; NULL: not readable. May be NULL. The caller has read it. */
    const char *(*file_text)(void *resolver, const char *path);
    /* The value of a variable of the stack's environment, for secrets and configs with
     * `environment:` whose value the loader has not filled in as `content`; NULL: unset. May be
     * NULL. */
    const char *(*variable)(void *resolver, const char *name);
    void *resolver; /* given to all of the above */
    /* The user's logins as a config.json, for `use_api_socket`; NULL: none. A secret. */
    const char *credentials;
    /* "K=V": put over the service's environment (secrets). May be NULL. */
    const char *const *environment;
    size_t n_environment;
};

/* One PUT /containers/{id}/archive: secrets and configs that come from content or environment. */
struct acc_docker_file {
    char *path; /* absolute, in the container; owned */
    char *content;
    size_t content_len;
    uint32_t mode; /* 0444 by default */
    int64_t uid, gid;
};

struct acc_docker_connect {
    char *network;  /* its name in the engine; owned */
    char *endpoint; /* EndpointConfig as JSON, see acc_docker_connect_body; owned */
};

struct acc_docker_create {
    char *query; /* escaped: "name=a-b-1" or "name=a-b-1&platform=linux%2Famd64"; owned */
    char *body;  /* JSON; owned. Holds environment values: never log or store it */
    size_t body_len;
    /* API below 1.44: the networks that create can't take; `reconnect`: all */
    struct acc_docker_connect *connects;
    size_t n_connects;
    struct acc_docker_file *files; /* to be put before EVERY start (they are not in the image) */
    size_t n_files;
};

/* 0 and `*ret_create` (free with fini); -EINVAL with `diags`: the service asks for what this engine
 * can't do (each a key with its position); -ENOENT: a container that it refers to does not exist
 * yet, `diags` names it; -ENOMEM. `diags` may hold warnings after success: keys that the engine is
 * too old for and that change nothing but timing. */
int acc_docker_create_make(const struct acc_stack *stack, const struct acc_service_spec *service,
                           const struct acc_docker_create_ctx *ctx,
                           struct acc_docker_create *ret_create, struct acc_diags *diags);
void acc_docker_create_fini(struct acc_docker_create *create);

/* The body of POST /networks/{network}/connect for the container that create made. To be sent
 * before start. 0, -ENOMEM, -ENOBUFS. */
int acc_docker_connect_body(const struct acc_docker_connect *connect, const char *cid,
                            struct acc_buf *out);
/* The tar for PUT /containers/{id}/archive?path=/ with these files. 0, -ENOMEM, -ENOBUFS, or
 * -ENAMETOOLONG for a path that ustar can't hold. */
int acc_docker_archive_make(const struct acc_docker_file *files, size_t n_files,
                            struct acc_buf *out);

/* POST /networks/create and /volumes/create of a resource that is not external. `config_hash` is
 * acc_compose_network_hash() or ..._volume_hash(). Appended to `out`. 0, -ENOMEM, -ENOBUFS. */
int acc_docker_network_body(const struct acc_stack *stack, const struct acc_resource *network,
                            const struct acc_docker_create_ctx *ctx, const char *config_hash,
                            struct acc_buf *out);
int acc_docker_volume_body(const struct acc_stack *stack, const struct acc_resource *volume,
                           const struct acc_docker_create_ctx *ctx, const char *config_hash,
                           struct acc_buf *out);
