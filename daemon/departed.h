#pragma once

/*
 * Stacks that accd has managed and that are in no file now. Either accd saw them leave, and stopped
 * what ran of them; what they leave behind in Docker carries Compose's labels only, which any other
 * project's has as well. Or the files were gone when accd was started, as when their disk isn't
 * mounted or a pattern has a typo: then all of it is still accd's, and left as it is until they are
 * back. Their records are kept for that; without memory they are forgotten.
 */

#include <stdbool.h>
#include <stddef.h>

#include "lib/engine/engine.h"

struct accd_departed_stack {
    char name[ACC_NAME_MAX + 1];
    bool has_left; /* accd saw it leave */
};

struct accd_departed {
    struct accd_departed_stack *item; /* owned */
    size_t n;
    struct acc_service_record *service; /* owned: records that no service is there for */
    size_t n_services;
    struct acc_revision_record *revision; /* owned; likewise, the oldest first */
    size_t n_revisions;
};

/* `ctx` is the list: accd has managed `stack`. Without memory it is forgotten: its leftovers stay.
 */
void accd_departed_add(void *ctx, const char *stack, bool has_left);
/* Before the files change: the stacks as they are. One that is observed belongs to somebody else,
 * one that wasn't looked at stays what it was. */
void accd_departed_take(struct accd_departed *departed, const struct acc_engine *engine,
                        uint64_t now_ms);
/* The files are `new` from now on, and were `old`, or NULL when accd begins: which have left, and
 * which are back? `on_change` for each of which that isn't what it was. */
void accd_departed_move(struct accd_departed *departed, const struct acc_model *old,
                        const struct acc_model *new,
                        void (*on_change)(void *ctx, const struct acc_stack_record *record),
                        void *ctx);
/* `ctx` is the list: a record that accd has, of services in the files or not. Those are kept that
 * belong to a stack of the list. */
void accd_departed_keep_service(void *ctx, const struct acc_service_record *record);
void accd_departed_keep_revision(void *ctx, const struct acc_revision_record *record);
/* Behind accd_departed_move() and acc_engine_reconfigure(): those that have joined get their
 * records back. */
void accd_departed_give_back(struct accd_departed *departed, struct acc_engine *engine);
/* A container of a stack that has left runs: accd starts none of those, so it is somebody else's
 * now, and so are its volumes, also when that one stops it again. One that accd didn't see leave
 * runs on, as long as nobody has given it a restart policy, which accd's have not. True when it was
 * ours before. */
bool accd_departed_taken_over(struct accd_departed *departed, const struct acc_engine *engine,
                              const struct acc_obs *obs);
bool accd_departed_has(const struct accd_departed *departed, const char *stack);
/* ... and accd saw it leave: that was meant. */
bool accd_departed_has_left(const struct accd_departed *departed, const char *stack);
/* Managed, and the files of it were gone when accd began. */
bool accd_departed_is_unlisted(const struct accd_departed *departed,
                               const struct acc_engine *engine, size_t i);
void accd_departed_fini(struct accd_departed *departed);
