#pragma once

/*
 * Networks and volumes that carry the labels of a Compose project and that its files don't declare:
 * found, told, and removed where that is asked for. Docker itself keeps those that are in use.
 */

#include <stdbool.h>

#include "daemon/docker.h"
#include "lib/codec/docker_reply.h"
#include "lib/model/spec.h"

struct accd_docker_unused; /* a search under way */

struct accd_unused_config {
    struct accd_docker *docker; /* borrowed */
    bool remove_networks, remove_volumes;
    /* Does no file declare it? `item` has the project and the name; `container`: the name of one of
     * its project that is there, NULL when there is none. */
    bool (*is_unused)(void *ctx, enum acc_resource_kind kind,
                      const struct acc_docker_name_item *item, const char *container);
    /* One of them; `problem`: why it could not be removed, NULL when it was, or nobody tried. */
    void (*on_item)(void *ctx, enum acc_resource_kind kind, const char *name, const char *problem);
    /* All were told; `problem`: Docker could not be asked. Not after a cancel. */
    void (*on_end)(void *ctx, const char *problem);
    void *ctx;
};

/* 0 and `*ret_unused`, borrowed until on_end or cancel; or -errno, and nothing is called. */
int accd_docker_unused_start(const struct accd_unused_config *config,
                             struct accd_docker_unused **ret_unused);
void accd_docker_unused_cancel(struct accd_docker_unused *unused); /* NULL allowed */
