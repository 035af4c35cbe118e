#pragma once

/*
 * Cycles of the resolved graph: finds them and tells the user how to cut them.
 *
 * Works on indexes; the edges' `target` must be set. `conflicts` is no order and cannot be part of
 * a cycle.
 */

#include "lib/model/spec.h"

/* Cycles told of one configuration. After this many the user has understood. */
#define ACC_CYCLES_MAX 16u

static inline bool acc_edge_orders(const struct acc_edge *edge)
{
    return edge->kind != ACC_EDGE_CONFLICTS && edge->target != ACC_NONE;
}

/* One error for each cycle, with the place of the cheapest edge to drop; with all of these dropped
 * the graph has no cycle (as far as ACC_CYCLES_MAX reaches). 0 when there is none, -EINVAL,
 * -ENOMEM. Linear in services and edges for each cycle told. */
int acc_cycles_refuse(const struct acc_model *model, struct acc_diags *diags);
