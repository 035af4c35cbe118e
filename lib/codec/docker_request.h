#pragma once

/*
 * Small request bodies and the escaping of URLs. The large one is docker_create.h.
 *
 * All append to `out` and return 0, -ENOMEM, or -ENOBUFS when the buffer's cap is reached.
 */

#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/model/spec.h"

/* POST /containers/{id}/exec: `argv` is NULL-terminated; output attached, because an exec that
 * attaches nothing returns at once without an exit code. */
int acc_docker_exec_body(const char *const *argv, struct acc_buf *out);
/* The same for an item of post_start or pre_stop, as Compose sends it. Its environment may hold
 * secrets. 0, -ENOMEM, -ENOBUFS. */
int acc_docker_hook_body(const struct acc_node *hook, struct acc_buf *out);
/* POST /exec/{id}/start, attached: the stream ends with the command. Static text. */
const char *acc_docker_exec_start_body(void);
/* POST /containers/{id}/update with a restart policy only. UNSET is sent as "no". `max` is sent
 * with on-failure only. */
int acc_docker_policy_body(enum acc_restart_policy policy, uint32_t max, struct acc_buf *out);
/* POST /networks/{id}/disconnect, forced. */
int acc_docker_disconnect_body(const char *cid, struct acc_buf *out);
/* Percent-encode everything but RFC 3986's unreserved characters: for one path segment or one
 * value of a query. */
int acc_docker_escape(const char *text, struct acc_buf *out);
