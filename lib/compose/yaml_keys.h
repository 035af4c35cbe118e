#pragma once

/*
 * The keys of one YAML mapping once all its pairs are read. Part of yaml.c.
 */

#include <stdbool.h>

#include "lib/base/diag.h"
#include "lib/model/node.h"

/* Move what `map` does not have itself out of the mappings in `sources` (the values of `<<`, a
 * sequence or NULL; an earlier one wins) to the end of `map`. A key that is written twice is an
 * error with both places in `diags`, and sets `*has_errors`. 0 or -ENOMEM. */
int acc_yaml_settle_keys(struct acc_node *map, const struct acc_node *sources,
                         struct acc_diags *diags, bool *has_errors);
