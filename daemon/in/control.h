#pragma once

/*
 * Control: the socket that accctl and people talk to (DESIGN.md 4.6).
 *
 * Requests become ACC_EV_CMD events, and are answered when acc_engine_settled() says that they have
 * come to their end; the rest is read from the engine's views. What lies outside of the engine
 * (history, logs, facts of the host, reloading) comes through `ops`, set by the app.
 */

#include <stdint.h>

#include "daemon/image_news.h"
#include "daemon/in/control_ops.h"

struct accd_control;

/* A socket file that nobody listens on is replaced. 0 and `*ret_control`; -EADDRINUSE when an accd
 * answers there; else -errno. On failure `reterr_text` (ACCD_CONTROL_ERROR_MAX + 1 bytes) says
 * what and where. */
int accd_control_open(const struct accd_control_config *config, struct accd_control **ret_control,
                      char *reterr_text);
/* Asynchronous; frees itself once the loop has closed its handles. The socket file goes at once,
 * one from systemd stays. NULL is allowed. */
void accd_control_close(struct accd_control *control);

/* An ACC_ACT_NOTE or ACC_ACT_INCIDENT, from its executor. Nothing is sent before on_idle(). */
void accd_control_feed_note(struct accd_control *control, int64_t unix_ms,
                            const struct acc_action *action);
/* News of an image that services `svc` (`n` of them) need. */
void accd_control_feed_image(struct accd_control *control, const uint32_t *svc, size_t n,
                             const struct accd_image_news *news);
/* After each run of the pump: sends what was fed, answers verbs that have come to their end. */
void accd_control_on_idle(struct accd_control *control);
/* After acc_engine_reconfigure(): indexes have changed. */
void accd_control_on_reconfigured(struct accd_control *control);
