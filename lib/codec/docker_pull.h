#pragma once

/*
 * The line stream of POST /images/create: how far a pull is, and whether it failed.
 *
 * An error before the first byte comes as an HTTP status; one after it as a line with errorDetail
 * inside a 200. So a pull is good only when the stream ended cleanly and no line told an error; and
 * the image still has to be inspected (id, platform). Status words are opaque: they differ between
 * image stores.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/codec/docker_reply.h"

#define ACC_PULL_LAYERS_MAX 256u /* 127 is overlay2's limit; further ones are not counted */
#define ACC_PULL_ID_MAX     15u  /* Docker shows 12 hex digits */

struct acc_docker_pull_layer {
    char id[ACC_PULL_ID_MAX + 1];
    uint64_t current, total; /* bytes; of the phase with the larger total */
};

struct acc_docker_pull {
    struct acc_docker_pull_layer layer[ACC_PULL_LAYERS_MAX];
    size_t n_layers;
    uint64_t current, total; /* sums; `current` never goes back. total 0: unknown */
    bool failed;
    char error[ACC_DOCKER_ERROR_MAX + 1]; /* "" unless failed */
    char status[ACC_OUTPUT_MAX + 1];      /* of the newest line */
    char digest[ACC_HASH_LEN + 8];        /* "sha256:..." once told */
    size_t n_lines;
};

void acc_docker_pull_init(struct acc_docker_pull *pull);
/* One line of the stream (see json_frame). 0; -EINVAL: no JSON object, the line is ignored and the
 * stream may go on; -ENOMEM. */
int acc_docker_pull_line(struct acc_docker_pull *pull, const char *text, size_t text_len);
