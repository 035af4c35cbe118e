#pragma once

/*
 * Stacks that accd has managed and that may have left the files since: what they leave behind in
 * Docker carries Compose's labels only, which any other project's has as well.
 */

#include <stdbool.h>
#include <stddef.h>

#include "lib/engine/engine.h"

struct accd_departed_stack {
    char name[ACC_NAME_MAX + 1];
    bool
        is_wanted; /* accd never stopped it: it left while no accd ran, and its containers run on */
    bool is_told;
};
struct accd_departed {
    struct accd_departed_stack *stack; /* owned */
    size_t n;
};

/* `ctx` is the list: accd has managed `stack`. Without memory it is forgotten: its leftovers stay.
 */
void accd_departed_add(void *ctx, const char *stack, bool is_wanted);
/* Before the files change: the stacks as they are. One that is observed belongs to somebody else,
 * one that wasn't looked at stays what it was. */
void accd_departed_take(struct accd_departed *departed, const struct acc_engine *engine,
                        uint64_t now_ms);
/* A container of a stack that has left runs: accd starts none of those, so it is somebody else's
 * now, and so are its volumes, also when that one stops it again. One that accd hasn't stopped, and
 * that nobody has given a restart policy since, has only run on. True when it was ours before. */
bool accd_departed_taken_over(struct accd_departed *departed, const struct acc_engine *engine,
                              const struct acc_obs *obs);
/* ... and it has, which is to be told: once. */
bool accd_departed_runs_on(struct accd_departed *departed, const struct acc_engine *engine,
                           const struct acc_obs *obs);
/* Those that run on though no file has them: their number, and the name of one. */
size_t accd_departed_missing(const struct accd_departed *departed, const struct acc_engine *engine,
                             const char **ret_name);
bool accd_departed_has(const struct accd_departed *departed, const char *stack);
void accd_departed_fini(struct accd_departed *departed);
