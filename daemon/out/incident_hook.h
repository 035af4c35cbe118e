#pragma once

/*
 * on_incident: commands and URLs that are told of each incident's opening and closing.
 *
 * A command gets ACC_INCIDENT (its number), ACC_PHASE (opened, closed), ACC_ROOT, ACC_CAUSE,
 * ACC_IMPACT (services, separated by spaces) and ACC_SINCE in its environment; a URL gets the same
 * as JSON by POST. Neither can hold anything up: each has a deadline and a number of them at once.
 */

#include <uv.h>

#include "lib/compose/accyaml.h"
#include "lib/engine/engine.h"

struct accd_hooks;

/* A command that takes longer is killed; a mail or a push message takes a second. */
#define ACCD_HOOK_DEADLINE_MS 30000u
/* Commands at once; beyond it a telling is dropped with a log line. */
#define ACCD_HOOKS_RUNNING_MAX 16u

/* POST `body` to `url`, some time; given by the app, which owns the HTTP client. May be NULL. */
typedef void (*accd_post_fn)(void *ctx, const char *url, const char *body);

int accd_hooks_create(uv_loop_t *loop, accd_post_fn post, void *post_ctx,
                      struct accd_hooks **ret_hooks);
/* The hooks of the running configuration; copied. */
int accd_hooks_configure(struct accd_hooks *hooks, const struct acc_config_hook *list, size_t n);

struct accd_incident {
    uint64_t id;
    bool is_open;
    const char *root, *cause;
    int64_t since_unix_ms;
    const char *const *impact; /* service ids */
    size_t n_impact;
};
void accd_hooks_tell(struct accd_hooks *hooks, const struct accd_incident *incident);

/* Asynchronous: running commands are left alone, the object is freed when the loop ends. NULL is
 * allowed. */
void accd_hooks_close(struct accd_hooks *hooks);
