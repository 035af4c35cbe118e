#pragma once

/*
 * What the parts of docker_diff share. Internal to lib/codec.
 *
 * `want` is the create request, `have` the container as inspect shows it. Absent, null, empty and
 * zero are the same thing on both sides.
 */

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "lib/codec/docker_diff.h"

struct acc_diff_job {
    struct acc_docker_diff *diff;
    const cJSON *want, *want_host;               /* the body, and its HostConfig */
    const cJSON *have, *have_config, *have_host; /* inspect, and two of its members */
    const cJSON *image;                          /* Config of the image, or NULL: unknown */
    bool has_image;
};

/* One line; names of a peer are made printable. */
void acc_diff_add(struct acc_diff_job *job, bool is_live, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* "<what> added", "removed" or "changed", by what is empty. */
void acc_diff_note(struct acc_diff_job *job, const char *what, bool wanted, bool there);
bool acc_diff_is_empty(const cJSON *item); /* NULL, null, false, 0, "", [] or {} */
/* Equal, or both empty, all the way down. */
bool acc_diff_same(const cJSON *want, const cJSON *have);

void acc_diff_mounts(struct acc_diff_job *job); /* docker_diff_mounts.c */
void acc_diff_host(struct acc_diff_job *job);   /* docker_diff_host.c */
void acc_diff_resources(struct acc_diff_job *job, const struct acc_docker_diff_policy *policy);
