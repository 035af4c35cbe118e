#pragma once

/*
 * Stacks that new files have and accd doesn't know yet: which of their containers are there
 * already, and what accd will therefore be to them. Only looks.
 */

#include <stdbool.h>
#include <stdint.h>

#include "daemon/docker.h"
#include "lib/engine/engine.h"
#include "lib/model/spec.h"

struct accd_docker_newcomers;

struct accd_newcomers_config {
    struct accd_docker *docker;      /* borrowed, as all of these */
    const struct acc_engine *engine; /* asked in start() only */
    const struct acc_model *model;
    void (*on_end)(void *ctx, const char *problem); /* NULL: all was found. Not after a cancel. */
    void *ctx;
};

/* 0 and `*ret_newcomers`, to be destroyed; or -errno, and nothing is called. Calls on_end later,
 * even when there is nothing to look for. */
int accd_docker_newcomers_start(const struct accd_newcomers_config *config,
                                struct accd_docker_newcomers **ret_newcomers);
struct accd_docker_newcomers *
accd_docker_newcomers_destroy(struct accd_docker_newcomers *newcomers); /* NULL allowed */

/* What was found. `stack` is an index of the model. */
bool accd_docker_newcomers_is_new(const struct accd_docker_newcomers *newcomers, uint32_t stack);
/* It will only be observed. */
bool accd_docker_newcomers_is_observed(const struct accd_docker_newcomers *newcomers,
                                       uint32_t stack);
struct accd_newcomer {
    const char *name; /* of the container */
    bool is_running;
};
/* The container of a service; false: it has none. Of several one that runs. */
bool accd_docker_newcomers_find(const struct accd_docker_newcomers *newcomers, uint32_t stack,
                                const char *service, struct accd_newcomer *ret);
