#pragma once

/* Paths in the tree against patterns like "services.*.build.args". */

#include "lib/compose/schema.h"

/* "*" in `pattern` is any key, "[]" an element of a sequence. */
bool acc_path_matches(const struct acc_path *path, const char *pattern);
