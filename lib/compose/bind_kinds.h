#pragma once

/* The kinds of values of bind.c: scalars (bind_scalar.c), lists and mappings (bind_list.c). For
 * bind.c only. */

#include "lib/compose/bind.h"

/* What binding one value says to the struct that holds it. */
enum acc_bound { ACC_BOUND_FAILED = -1, ACC_BOUND_OMIT = 0, ACC_BOUND_KEEP = 1 };

enum acc_bound acc_bind_int(struct acc_compose_ctx *ctx, struct acc_node *node,
                            const struct acc_path *path);
enum acc_bound acc_bind_uint16(struct acc_compose_ctx *ctx, struct acc_node *node,
                               const struct acc_path *path);
enum acc_bound acc_bind_float(struct acc_compose_ctx *ctx, struct acc_node *node,
                              const struct acc_path *path);
enum acc_bound acc_bind_bytes(struct acc_compose_ctx *ctx, struct acc_node *node,
                              const struct acc_path *path);
enum acc_bound acc_bind_duration(struct acc_compose_ctx *ctx, struct acc_node *node,
                                 const struct acc_path *path, bool is_pointer);
enum acc_bound acc_bind_bool(struct acc_compose_ctx *ctx, struct acc_node *node,
                             const struct acc_path *path, bool is_pointer);
enum acc_bound acc_bind_device_count(struct acc_compose_ctx *ctx, struct acc_node *node,
                                     const struct acc_path *path);
enum acc_bound acc_bind_mode(struct acc_compose_ctx *ctx, struct acc_node *node,
                             const struct acc_path *path);
enum acc_bound acc_bind_text(struct acc_compose_ctx *ctx, struct acc_node *node);
enum acc_bound acc_bind_texts(struct acc_compose_ctx *ctx, struct acc_node *node);
enum acc_bound acc_bind_command(struct acc_compose_ctx *ctx, struct acc_node *node,
                                const struct acc_path *path);
enum acc_bound acc_bind_test(struct acc_compose_ctx *ctx, struct acc_node *node);
enum acc_bound acc_bind_pairs(struct acc_compose_ctx *ctx, struct acc_node *node,
                              const struct acc_path *path, bool is_env);
enum acc_bound acc_bind_multi(struct acc_compose_ctx *ctx, struct acc_node *node);
enum acc_bound acc_bind_hosts(struct acc_compose_ctx *ctx, struct acc_node *node,
                              const struct acc_path *path);
enum acc_bound acc_bind_ulimits(struct acc_compose_ctx *ctx, const struct acc_field *field,
                                struct acc_node *node, const struct acc_path *path);
enum acc_bound acc_bind_ssh(struct acc_compose_ctx *ctx, struct acc_node *node);
