#pragma once

/*
 * Tags of our own, "acc-pin/<stack>/<service>:r<revision>", that keep the images of old revisions
 * through `docker image prune`: their own tag has moved on, and what has no tag is pruned.
 *
 * What is there against what is wanted, as changes. A pin of a service that isn't ours to know
 * (gone from the files, another accd) is left alone.
 */

#include <stddef.h>
#include <stdint.h>

#include "lib/engine/event.h"

#define ACC_PIN_MAX 255u /* Docker's limit of a repository's name, and we need less */

struct acc_pin {
    char repo[ACC_PIN_MAX + 1];
    uint32_t revision;
    char image_id[ACC_HASH_LEN + 8]; /* "" : the repository is known, nothing is kept in it */
};

struct acc_pin_change {
    char name[ACC_PIN_MAX + 16];     /* "acc-pin/s/a:r1" */
    char image_id[ACC_HASH_LEN + 8]; /* to be tagged so; "": the tag is to go */
};

/* The repository of a service. Names that Docker takes in no repository are replaced by a hash. */
void acc_pin_repo(const char *stack, const char *service, char out[ACC_PIN_MAX + 1]);

/* `images_json`: the answer to GET /images/json. The caller frees `*ret_changes`. 0, -EINVAL,
 * -ENOMEM. */
int acc_pins_compare(const char *images_json, size_t len, const struct acc_pin *wanted,
                     size_t n_wanted, struct acc_pin_change **ret_changes, size_t *ret_n);
