#pragma once

/*
 * Containers of our stacks whose services are in no file and that the engine doesn't know: they
 * left the files while no accd ran, or one before the last. Known by Compose's labels alone.
 *
 * What `compose run` makes isn't among them, nor what belongs to a service without an enabled
 * profile, nor anything of a project that is no stack here. The same of networks and volumes.
 */

#include <stdbool.h>
#include <stdint.h>

#include "daemon/inspector.h"
#include "lib/codec/docker_reply.h"
#include "lib/engine/engine.h"

struct accd_orphans {
    struct acc_orphan *item; /* owned, with its texts */
    bool *is_running;        /* one of its containers; of each item */
    uint32_t n;
    const struct acc_obs **obs; /* of their containers; owned array of borrowed pointers, which are
                                   good until control returns to the loop */
    uint32_t n_obs;
};

/* What is gone from `model`, as far as the stacks are managed by `engine`. 0 or -ENOMEM. */
int accd_orphans_find(struct accd_inspector *inspector, const struct acc_engine *engine,
                      const struct acc_model *model, struct accd_orphans *ret_orphans);
/* Is it of a managed stack, and does no file of it declare it? */
bool accd_orphans_has_resource(const struct acc_engine *engine, const struct acc_model *model,
                               enum acc_resource_kind kind,
                               const struct acc_docker_name_item *item);
void accd_orphans_fini(struct accd_orphans *orphans);
