#pragma once

/*
 * Does a container that already runs do what the file says? Adoption by meaning.
 *
 * A container made by another Compose release has another config-hash although nothing differs, so
 * a hash that is not equal means: look. What is looked at is the create request that accd would
 * send against what `inspect` shows, ignoring what engine and image fill in. Values of environment
 * variables are secrets: only their names are told.
 */

#include <stdbool.h>
#include <stddef.h>

#include "lib/codec/docker_create.h"

#define ACC_DIFF_TEXT_MAX  255u
#define ACC_DIFF_LINES_MAX 64u /* nobody reads the 65th */

struct acc_docker_diff_line {
    bool is_live; /* POST /containers/{id}/update can change it; else the container is made anew */
    char text[ACC_DIFF_TEXT_MAX + 1]; /* "image a:1 -> a:2", "environment TZ added" */
};

struct acc_docker_diff {
    size_t n, n_dropped;
    size_t n_told;       /* of the lines: worth telling, and nothing has to be done about them */
    bool needs_recreate; /* any line, also a dropped one, that is not live */
    struct acc_docker_diff_line line[ACC_DIFF_LINES_MAX];
};

/* `expected` is what the file asks for, made with the context of that container (its number, name
 * and image id); `policy` the file's restart policy, which the request does not carry, or NULL when
 * accd manages the container (then `no` is expected). `image` is GET /images/{id}/json of the
 * container's image, or NULL: then everything that an image may have added is taken as its. Lines
 * come in a fixed order. 0; -EINVAL: `inspect` is no inspect answer; -ENOMEM. */
struct acc_docker_diff_policy {
    enum acc_restart_policy policy;
    uint32_t max;
};
int acc_docker_diff_make(const struct acc_docker_create *expected,
                         const struct acc_docker_diff_policy *policy, const char *inspect,
                         size_t inspect_len, const char *image, size_t image_len,
                         struct acc_docker_diff *ret_diff);

/* The body of POST /containers/{id}/update that brings a container to the limits of `expected`: all
 * that acc_docker_diff_make() calls live but the restart policy. 0, -EINVAL, -ENOMEM, -ENOBUFS. */
int acc_docker_update_body(const struct acc_docker_create *expected, const char *inspect,
                           size_t inspect_len, struct acc_buf *out);

/* --- networks and volumes --- */

/* GET /networks or GET /volumes, to compare many with. 0 and `*ret_declared`; -EINVAL, -ENOMEM. */
struct acc_docker_declared;
int acc_docker_declared_parse(const char *text, size_t text_len,
                              struct acc_docker_declared **ret_declared);
/* NULL allowed; returns NULL. */
struct acc_docker_declared *acc_docker_declared_destroy(struct acc_docker_declared *declared);
/* In what the one that `request` (acc_docker_network_body(), acc_docker_volume_body(), with the
 * config-hash) would make differs from the one of that name that is there. None when there is none.
 * What the file doesn't set is no difference, unless it is known that a file had set it. Names of
 * options, never values. 0; -EINVAL, -ENOMEM. */
int acc_docker_declared_diff(const struct acc_docker_declared *declared,
                             enum acc_resource_kind kind, const char *request, size_t request_len,
                             struct acc_docker_diff *ret_diff);
