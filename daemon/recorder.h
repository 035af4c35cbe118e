#pragma once

/*
 * Recorder: what the engine was told lately, so that a decision can be made again (accctl replay).
 *
 * It keeps the state before a stretch of events, and those events as text; when the stretch is long
 * enough a new one begins and the one before the last is forgotten. So the last decisions can be
 * saved, each with all that it was made of, and at no time is there more than two stretches.
 */

#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/engine/engine.h"

struct accd_recorder;

/* Both are borrowed. 0 or -ENOMEM. */
int accd_recorder_create(struct acc_engine *engine, struct accd_recorder **ret_recorder);
struct accd_recorder *accd_recorder_destroy(struct accd_recorder *recorder); /* NULL allowed */

/* The configuration in force; also after each change of it. What is kept stays, what comes begins
 * anew. */
void accd_recorder_set_model(struct accd_recorder *recorder, const struct acc_model *model);
/* Around each step. */
void accd_recorder_before(void *recorder, const struct acc_event *event);
void accd_recorder_after(void *recorder, const struct acc_actions *actions);
/* Append what the `n`-th last decision was made on, as a golden case; 0: the state as it is. 0,
 * -ENOENT: it isn't kept; -ENOMEM. */
int accd_recorder_save(const struct accd_recorder *recorder, uint32_t n, struct acc_buf *out);
