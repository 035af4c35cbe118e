#pragma once

/*
 * x-acc: what accd needs to know of a service beyond Compose (DESIGN.md 4.4).
 *
 * Every key is known and its form checked here, also of those that later versions will act on.
 */

#include "lib/compose/schema.h"

/* Problems are errors, or warnings when only printing is wanted (ctx->request->is_inspection). */
void acc_xacc_complain(struct acc_compose_ctx *ctx, struct acc_srcpos pos, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Check one x-acc mapping; `where` begins the messages ("services.web.x-acc"). 0 or -ENOMEM. */
int acc_xacc_check(struct acc_compose_ctx *ctx, const struct acc_node *xacc,
                   const struct acc_path *where);
/* The same with plain errors, for acc.yaml's `defaults`. */
int acc_xacc_check_keys(const struct acc_node *xacc, const struct acc_path *where,
                        struct acc_diags *diags);
/* `over` wins over `base`, mapping by mapping; either may be NULL. A copy in ctx->arena with its
 * own file names; `*ret_merged` is NULL when both are. 0 or -ENOMEM. */
int acc_xacc_merge(struct acc_compose_ctx *ctx, const struct acc_node *base,
                   const struct acc_node *over, struct acc_node **ret_merged);
/* Fill the x-acc fields of `service` from the merged mapping, edges too: service->edges has room
 * for what `xacc` may add. 0, -EINVAL, -ENOMEM. */
int acc_xacc_apply(struct acc_compose_ctx *ctx, const struct acc_node *xacc,
                   struct acc_service_spec *service);
/* A time in milliseconds: "10s", or 0. False when it is none. */
bool acc_xacc_ms(const struct acc_node *node, uint64_t *ret_ms);
/* xacc_upgrade.c: `upgrade:`. Problems are told; 0 or -ENOMEM. */
extern const struct acc_struct acc_xacc_upgrade_type;
int acc_xacc_upgrade(struct acc_compose_ctx *ctx, const struct acc_node *map,
                     struct acc_service_spec *service);
/* xacc_host.c: `host:` and `serialize:`. Problems are told; 0 or -ENOMEM. */
/* Its bind sources, as conditions beside those; without what they cover. 0 or -ENOMEM. */
int acc_xacc_places(struct acc_compose_ctx *ctx, struct acc_service_spec *service);
int acc_xacc_host(struct acc_compose_ctx *ctx, const struct acc_node *list,
                  struct acc_service_spec *service);
int acc_xacc_serialize(struct acc_compose_ctx *ctx, const struct acc_node *list,
                       struct acc_service_spec *service);
/* How many edges acc_xacc_apply() may add. */
size_t acc_xacc_n_edges(const struct acc_node *xacc);

/* Read the keys of `map` into `timing`, times as durations and counts as whole numbers. Keys that
 * are no times are errors, or left alone with `only_known`. */
void acc_xacc_timing(struct acc_diags *diags, const struct acc_node *map, struct acc_timing *timing,
                     bool only_known);
