#pragma once

/*
 * The short forms that are little languages of their own. All return 0; -EINVAL with an error in
 * ctx->diags; or -ENOMEM.
 */

#include "lib/compose/schema.h"

/* "[ip:][host[-host]:]container[-container][/protocol]": one mapping per port appended to `seq`, in
 * the order of their text as compose-go has it (types.go ParsePortConfig, go-connections nat). */
int acc_short_port(struct acc_compose_ctx *ctx, struct acc_node *seq, struct acc_srcpos pos,
                   const struct acc_path *path, const char *text);
/* "[source:]target[:options]" (compose-go format/volume.go). `node`, a string, becomes a mapping.
 */
int acc_short_volume(struct acc_compose_ctx *ctx, struct acc_node *node,
                     const struct acc_path *path);
/* "source[:target[:permissions]]" */
int acc_short_device(struct acc_compose_ctx *ctx, struct acc_node *node,
                     const struct acc_path *path);
/* A command line into words as mattn/go-shellwords does: quotes and backslash, no expansion; it
 * stops at an unquoted ; & | < >. `node`, a string, becomes a sequence. */
int acc_short_words(struct acc_compose_ctx *ctx, struct acc_node *node,
                    const struct acc_path *path);

/* An IPv4 or IPv6 literal? */
bool acc_short_is_ip(const char *text);
