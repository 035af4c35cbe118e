#pragma once

/*
 * In what containers differ from their files: the lines that were found when they were compared.
 *
 * Written by out/docker_compare, read by the control server. Names of variables, never values.
 */

#include "lib/codec/docker_diff.h"
#include "lib/codec/status_json.h"

struct accd_differences;

struct accd_differences *accd_differences_create(void); /* NULL: out of memory */
/* NULL allowed; returns NULL. */
struct accd_differences *accd_differences_destroy(struct accd_differences *differences);

/* Put the lines of `diff` in place of those of this container; without any it is forgotten. 0, or
 * -ENOMEM and the container has none. */
int accd_differences_set(struct accd_differences *differences, const char *cid,
                         const struct acc_docker_diff *diff);
/* Borrowed until the next set. False: none are known. */
bool accd_differences_get(const struct accd_differences *differences, const char *cid,
                          struct acc_differences *ret);
/* Forget the containers for which `is_known` says no. */
void accd_differences_prune(struct accd_differences *differences,
                            bool (*is_known)(void *ctx, const char *cid), void *ctx);
