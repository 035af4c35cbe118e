#pragma once

/* Why two containers of a service can't run at once. Private to lib/compose. */

#include "lib/compose/internal.h"

/* One clause in the arena ("it publishes port 80 of the host"), or NULL: they can. `xacc` may be
 * NULL. */
const char *acc_compose_exclusive(struct acc_compose_ctx *ctx, const struct acc_node *node,
                                  const struct acc_node *xacc);
