#pragma once

/*
 * To tell all problems of a file at once, the passes go on after one of them has complained. What
 * it complained of is first made into something that the next ones may be given: a value of the
 * right type at the same place, of which nothing more is told (acc_diags_settle).
 */

#include "lib/compose/internal.h"

/* After SCHEMA. 0 or -ENOMEM. */
int acc_compose_recover(struct acc_compose_ctx *ctx, struct acc_node *project);
/* After CANONICAL: what is still in a short form goes. */
void acc_compose_recover_long(struct acc_node *project);
