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

#include "daemon/departed.h"
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

/* What is gone from `model`, as far as the stacks are managed by `engine`, or were and come back
 * with `model`. 0 or -ENOMEM. */
int accd_orphans_find(struct accd_inspector *inspector, const struct accd_departed *departed,
                      const struct acc_engine *engine, const struct acc_model *model,
                      struct accd_orphans *ret_orphans);
enum accd_leftover {
    ACCD_LEFTOVER_NO,   /* a file declares it, or it is none of ours */
    ACCD_LEFTOVER_YES,  /* of a managed stack, or of one that was, and no file declares it */
    ACCD_LEFTOVER_HELD, /* the same, but the stack is gone and has a container that we don't know */
};
/* `has_container`: there is one of its project in Docker. */
enum accd_leftover accd_orphans_resource(const struct accd_departed *departed,
                                         const struct acc_engine *engine,
                                         const struct acc_model *model, enum acc_resource_kind kind,
                                         const struct acc_docker_name_item *item,
                                         bool has_container);
void accd_orphans_fini(struct accd_orphans *orphans);
