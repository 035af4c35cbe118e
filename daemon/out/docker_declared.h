#pragma once

/*
 * Networks and volumes that the files declare and that are there otherwise: a look at Docker's
 * lists. Neither can be changed while it is there.
 */

#include "daemon/docker.h"
#include "lib/codec/docker_diff.h"
#include "lib/model/spec.h"

struct accd_docker_declared; /* a look under way */

struct accd_declared_config {
    struct accd_docker *docker; /* borrowed */
    /* Asked for once, when Docker has answered; what is returned is good until on_end returns. */
    const struct acc_model *(*model)(void *ctx);
    /* Resource `res` of the model differs from its file; external ones never do. */
    void (*on_differs)(void *ctx, uint32_t res, const struct acc_docker_diff *diff);
    /* All were told; `problem`: Docker could not be asked. Not after a cancel. */
    void (*on_end)(void *ctx, const char *problem);
    void *ctx;
};

/* 0 and `*ret_declared`, borrowed until on_end or cancel; or -errno, and nothing is called. */
int accd_docker_declared_start(const struct accd_declared_config *config,
                               struct accd_docker_declared **ret_declared);
void accd_docker_declared_cancel(struct accd_docker_declared *declared); /* NULL allowed */
