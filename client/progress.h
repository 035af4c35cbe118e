#pragma once

/*
 * How a verb goes, service by service: a block of lines that is rewritten in place on a terminal,
 * a line per change in a pipe. Reads no clock.
 */

#include <cjson/cJSON.h>

#include "client/render.h"

struct accctl_progress;

/* NULL when out of memory. `style` is borrowed. `is_rollout`: the verb waits behind an upgrade
 * under way, so that is said. `waits_for_watch`: it ends when new containers have been watched,
 * likewise; else when they serve. */
struct accctl_progress *accctl_progress_create(const struct accctl_style *style, bool is_rollout,
                                               bool waits_for_watch);
struct accctl_progress *accctl_progress_destroy(struct accctl_progress *progress);

/* Take the `progress` list of one reply, or with NULL only redraw; append to `out` what is to be
 * written. `now_ms` is monotonic. The first list only says how things stand, so in a pipe nothing
 * is said. True: it is the first one, or a state or step has changed, or there is news of an image.
 */
bool accctl_progress_update(struct accctl_progress *progress, const cJSON *list, uint64_t now_ms,
                            struct acc_buf *out);
/* Take the block away; the outcome is printed in its place. */
void accctl_progress_end(struct accctl_progress *progress, struct acc_buf *out);
/* The end of what builds have said, where it wasn't printed as it came: after a failure. */
void accctl_progress_put_builds(const struct accctl_progress *progress, struct acc_buf *out);

/* What has become of each service, where that wasn't said as it came: after a failure of others. */
void accctl_progress_put_outcomes(const struct accctl_progress *progress, struct acc_buf *out);

/* The next of those of which the order dies with accd: at the commands before an upgrade, of which
 * nobody knows how far they got, or behind another upgrade (`*ret_is_queued`). `*at`: 0 to begin.
 * NULL: there is none any more. */
const char *accctl_progress_next_lost(const struct accctl_progress *progress, size_t *at,
                                      bool *ret_is_queued);
/* Some of those that were asked for are neither. */
bool accctl_progress_goes_on(const struct accctl_progress *progress);

/* "0.4 s", "12 s", "3 min 20 s". */
void accctl_format_took(uint64_t ms, char *out, size_t out_size);
