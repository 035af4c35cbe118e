#pragma once

/*
 * Carries out what the engine asks of Docker: containers, images, networks, volumes.
 *
 * Each action is one operation, answered by OP_DONE with its op; when the wait for it is over
 * first, OP_LATE tells so and its request goes on: no deadline ever closes the connection of a
 * create, start or stop (Docker 23 kills the container of a `stop` that loses its client; from 24
 * on a start may be aborted). After a call on a container it is looked at before OP_DONE, so that
 * the engine knows the truth with it.
 *
 * What Docker's answers mean is lib/codec's; when to ask is the engine's.
 */

#include <stdbool.h>
#include <stddef.h>

#include "daemon/out/docker_config.h"
#include "lib/codec/docker_diff.h"
#include "lib/codec/outdated.h"

struct accd_docker_call;

int accd_docker_call_create(const struct accd_docker_call_config *config,
                            struct accd_docker_call **ret_call);
/* Drops what is under way; nobody is told. In the same turn of the loop as the stream's close, or
 * after it. NULL allowed; returns NULL. */
struct accd_docker_call *accd_docker_call_destroy(struct accd_docker_call *call);

/* Executor of ENSURE_RESOURCE, REMOVE_RESOURCE, CREATE, START, STOP, KILL, REMOVE, UNPAUSE,
 * UPDATE, SET_POLICY and COMPARE; `call` is a struct accd_docker_call. */
void accd_docker_call_execute(void *call, const struct acc_action *action);

/* Compare a container with a service of a model that need not be the running one. */
struct accd_compare {
    const struct acc_model *model; /* borrowed until on_compared */
    uint32_t svc;                  /* of that model */
    const char *cid;
    uint32_t slot;
    bool changed;       /* as of COMPARE */
    const char *banned; /* likewise: its image_id */
    /* Once, maybe before accd_docker_call_compare() returns. */
    void (*on_compared)(void *ctx, enum acc_likeness likeness, const struct acc_docker_diff *diff);
    void *ctx;
};
/* 0, or -ENOMEM and nothing is called. */
int accd_docker_call_compare(struct accd_docker_call *call, const struct accd_compare *compare);

/* What the registry has by the name of the row's image, against the one that runs here. The row is
 * borrowed for the call. `on_remote` is called once, maybe before this returns. 0, or -ENOMEM and
 * nothing is called. */
int accd_docker_call_remote(struct accd_docker_call *call, const struct acc_outdated_row *row,
                            void (*on_remote)(void *ctx, const struct acc_image_look *look),
                            void *ctx);

/* Operations under way, and those of them that a `stop` waits for: before accd leaves it should
 * let the latter end, see above. */
size_t accd_docker_call_n_ops(const struct accd_docker_call *call, size_t *ret_n_stops);
