#pragma once

/*
 * How a verb goes, service by service: a block of lines that is rewritten in place on a terminal,
 * a line per change in a pipe.
 */

#include <cjson/cJSON.h>

#include "client/render.h"

struct accctl_progress;

/* NULL when out of memory. `style` is borrowed. */
struct accctl_progress *accctl_progress_create(const struct accctl_style *style);
struct accctl_progress *accctl_progress_destroy(struct accctl_progress *progress);

/* Take the `progress` list of one reply; append to `out` what is to be written. The first list only
 * says how things stand, so in a pipe nothing is said. */
/* True: it is the first one, or a state or step has changed. */
bool accctl_progress_update(struct accctl_progress *progress, const cJSON *list,
                            struct acc_buf *out);
/* Take the block away; the outcome is printed in its place. */
void accctl_progress_end(struct accctl_progress *progress, struct acc_buf *out);
