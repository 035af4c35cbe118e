#pragma once

/*
 * One tree over another by Compose's rule for each path, and what must be unique afterwards
 * (compose-go override/merge.go, uncity.go of 2.9; facts: the later file wins).
 */

#include "lib/compose/internal.h"

/* Put `over` on `base`; both are used up and `*ret_merged` is made of their nodes. `at` is the path
 * of both, `n_at` keys: none for whole projects, {"services", "x"} for a service that extends
 * another. Values keep their places. 0; -EINVAL with errors ("cannot override ..."); -ENOMEM. */
int acc_compose_merge(struct acc_compose_ctx *ctx, struct acc_node *base, struct acc_node *over,
                      const char *const *at, size_t n_at, struct acc_node **ret_merged);

/* In lists whose elements have an identity (the target of a port, the key of KEY=VALUE) the later
 * one takes the place of the earlier. 0 or -ENOMEM. */
int acc_compose_unicity(struct acc_compose_ctx *ctx, struct acc_node *project);
