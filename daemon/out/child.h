#pragma once

/*
 * A program that accd runs for its output: `docker build`, a credential helper.
 *
 * Its stdout and stderr come line by line, its end with the exit code. Knows nothing of what it
 * runs. It belongs to a process group of its own, so that ending it ends its children, too.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

/* Longer lines are cut: they are for people. A credential is a few kB. */
#define ACCD_CHILD_LINE_MAX 16384u

struct accd_child; /* one that runs */

/* Everything is copied. */
struct accd_child_config {
    const char *const *argv;        /* NULL-terminated; argv[0] is looked for in PATH */
    const char *const *environment; /* "K=V" above accd's own; NULL-terminated, or NULL */
    const char *input;              /* for its stdin; NULL: none */
    uint64_t limit_ms;              /* then it is killed; 0: never */
    void *ctx;
    /* One line without its end. */
    void (*on_line)(void *ctx, bool is_stderr, const char *line);
    /* All lines were given. `status`: its exit code; 128 + the signal that ended it; -ETIMEDOUT
     * after limit_ms; another -errno: it could not be started. Never called after a cancel. */
    void (*on_end)(void *ctx, int status);
};

/* 0 and `*ret_child`, borrowed until on_end or cancel; also when it can't be started: then on_end
 * says so, later. -ENOMEM: nothing is called. */
int accd_child_start(uv_loop_t *loop, const struct accd_child_config *config,
                     struct accd_child **ret_child);
/* Kill it; no callback follows. NULL allowed. */
void accd_child_cancel(struct accd_child *child);
