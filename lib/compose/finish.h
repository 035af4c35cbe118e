#pragma once

/* The parts of FINISH. For finish.c only. */

#include "lib/compose/xacc.h"

/* From depends_on and namespaces, with room for those of x-acc. 0 or -ENOMEM. */
int acc_finish_edges(struct acc_compose_ctx *ctx, const struct acc_node *xacc,
                     struct acc_service_spec *service);

/* The stack's images, networks and volumes, and what each service uses of them. The services'
 * image, platform, pull_policy and node are set. 0 or -ENOMEM. */
int acc_finish_resources(struct acc_compose_ctx *ctx, struct acc_stack *stack);
