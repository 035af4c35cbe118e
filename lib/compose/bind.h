#pragma once

/*
 * Values into their final form: what `docker compose config --format json` prints.
 *
 * compose-go decodes the tree into structs and prints these; we rewrite the tree so that it is
 * what would be printed: keys in the order of the struct, empty ones left out, sizes as decimal
 * strings, durations as Go prints them, KEY=VALUE lists as mappings.
 */

#include "lib/compose/schema.h"

/* Rewrite the mapping `map` in place. x-acc of a service, ACC_COMPOSE_VALUE_KEY and the x- keys at
 * the top level stay, other x- keys go. env_file keeps its long form. 0; -EINVAL with errors;
 * -ENOMEM. */
int acc_bind_struct(struct acc_compose_ctx *ctx, const struct acc_struct *type,
                    struct acc_node *map, const struct acc_path *path);
