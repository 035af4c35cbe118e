#pragma once

/*
 * Registry credentials: ~/.docker/config.json to the X-Registry-Auth header of a pull.
 *
 * Knows the file's form (docker/cli cli/config/configfile) and no file; a credential helper is
 * named and run by the caller. What it returns are secrets: they go into the one header and nowhere
 * else.
 */

#include "lib/base/buf.h"

/* A token of a cloud registry is a few kB. */
#define ACC_REGISTRY_AUTH_MAX   65536u
#define ACC_REGISTRY_SERVER_MAX 256u
#define ACC_REGISTRY_HELPER_MAX 64u

enum acc_registry_auth_result {
    ACC_REGISTRY_ANONYMOUS = 0, /* no credentials for this registry */
    ACC_REGISTRY_HEADER,        /* `header` is the value of X-Registry-Auth */
    ACC_REGISTRY_HELPER,        /* run `docker-credential-HELPER get` with `server` on its stdin */
    ACC_REGISTRY_INVALID,       /* the file is no JSON object, or an entry is malformed */
};

struct acc_registry_auth {
    char server[ACC_REGISTRY_SERVER_MAX]; /* the key of the credentials, e.g. "ghcr.io" */
    char helper[ACC_REGISTRY_HELPER_MAX];
    struct acc_buf header; /* owned: acc_registry_auth_fini() */
};

/* The key under which docker/cli keeps the credentials of an image's registry: its host with port,
 * or "https://index.docker.io/v1/" for Docker Hub (distribution/reference: a first part without
 * dot, colon and not "localhost" is no host). */
void acc_registry_server(const char *image_ref, char *out, size_t out_size);

enum acc_registry_auth_result acc_registry_auth_find(const char *config_json, size_t config_len,
                                                     const char *image_ref,
                                                     struct acc_registry_auth *ret_auth);
/* The helper's answer {"Username":..., "Secret":...} as a header; a Username of "<token>" means
 * that the secret is an identity token. */
enum acc_registry_auth_result acc_registry_auth_from_helper(const char *json, size_t json_len,
                                                            struct acc_registry_auth *auth);
/* All logins of the file as a config.json of their own, for a container (use_api_socket): appended
 * to `out`. What a helper keeps is not in the file: `ret_helper` gets the name of one, or "". 0,
 * -EINVAL for what is no JSON object, -ENOMEM. */
int acc_registry_auth_all(const char *config_json, size_t config_len, struct acc_buf *out,
                          char ret_helper[ACC_REGISTRY_HELPER_MAX]);
/* Overwrites and frees. */
void acc_registry_auth_fini(struct acc_registry_auth *auth);
