#pragma once

/*
 * `accctl status` for a tired person: problems first, then a line per stack.
 */

#include <cjson/cJSON.h>

#include "client/render.h"

/* `status`: the parameters of io.acc.Status. */
void accctl_put_head(const cJSON *status, const struct accctl_style *style, struct acc_buf *out);
/* Head, problems, stacks. */
void accctl_put_overview(const cJSON *status, const struct accctl_style *style,
                         struct acc_buf *out);
/* Head and a full table of each stack. */
void accctl_put_full(const cJSON *status, const struct accctl_style *style, struct acc_buf *out);
/* In what containers differ from their files, service by service; nothing when none does.
 * `services`: of io.acc.Status, or a `progress` list; `stack` narrows when not NULL. */
void accctl_put_differences(const cJSON *services, const char *stack,
                            const struct accctl_style *style, struct acc_buf *out);
/* All there is to one service. `stacks`: of io.acc.Status. */
void accctl_put_service(const cJSON *service, const cJSON *stacks, const struct accctl_style *style,
                        struct acc_buf *out);
void accctl_put_incidents(const cJSON *incidents, const struct accctl_style *style,
                          struct acc_buf *out);

enum accctl_color accctl_state_color(const char *state);
