#pragma once

/* Why two containers of a service can't run at once. Private to lib/compose. */

#include "lib/compose/internal.h"

/* One clause in the arena ("it publishes port 80 of the host"), or NULL: they can. `xacc` may be
 * NULL. */
const char *acc_compose_exclusive(struct acc_compose_ctx *ctx, const struct acc_node *node,
                                  const struct acc_node *xacc);

/* Sets service->takes. `project` has the names of the volumes. 0 or -ENOMEM. */
int acc_compose_takes(struct acc_compose_ctx *ctx, const struct acc_node *project,
                      struct acc_service_spec *service);
