#pragma once

/* Inside the shell: its store (shell_store.c), how it looks (shell_looks.c) and its operations
 * (shell_ops.c). */

#include "tests/sim/world.h"

/* --- shell_store.c ------------------------------------------------------------------------- */

void world_store_save(struct world *world, const struct acc_action *action);
void world_store_incident(struct world *world, const struct acc_action *action);
void world_store_retry(struct world *world);
void world_store_save_revision(struct world *world, const struct acc_action *action);
/* What is written is durable from here on. */
void world_store_sync(struct world *world);
void world_store_lose(struct world *world, bool all);
void world_store_restore(struct world *world); /* to a new engine */
/* The twin's images: "sha256:<service>-<version>". */
uint32_t world_image_version(const char *image_id);

/* --- shell_looks.c ------------------------------------------------------------------------- */

void world_look(struct world *world, const struct acc_action *action);
void world_look_then(struct world *world, const char *cid, uint64_t op, enum acc_op_result result,
                     const char *message);
void world_list_start(struct world *world);
void world_send_probe(struct world *world, const struct acc_action *action);
void world_compare(struct world *world, const struct acc_action *action);

/* --- shell_ops.c --------------------------------------------------------------------------- */

void world_send_op(struct world *world, const struct acc_action *action);
void world_finish_op(struct world *world, uint64_t op, enum acc_op_result result, const char *cid,
                     const char *message);
void world_on_answer(void *world, const struct twin_answer *answer);
/* The connection broke: nobody knows what became of them. */
void world_lose_ops(struct world *world);
