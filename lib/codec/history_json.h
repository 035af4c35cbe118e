#pragma once

/* The answer to History: revisions of one service. */

#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/engine/engine.h"

struct acc_history_row {
    int64_t unix_ms;
    struct acc_revision_record record;
    bool needs_operator; /* it waits for somebody's word */
};
/* Newest first; `kept` are those that are known to be gone back to, none where that isn't known.
 * Appends one reply: 0, -ENOMEM, -ENOBUFS; then `out` is useless. */
int acc_history_put(const struct acc_history_row *rows, size_t n_rows, const struct acc_kept *kept,
                    size_t n_kept, struct acc_buf *out);
