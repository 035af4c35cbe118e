#pragma once

/*
 * Pump: the only caller of acc_engine_step().
 *
 * Callbacks push events; the pump feeds them to the engine one at a time and hands each action to
 * its executor. Executors may push further events; they queue up, they never recurse.
 *
 * It keeps the write-ahead promise: an effect that follows a record in its batch is held back until
 * the store has made that record durable. START, INSPECT, LIST, PROBE and what only tells wait for
 * nothing (lib/engine/action.h).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/engine/engine.h"

struct accd_pump;

/* Carry out one action. `action` is borrowed for the call. */
typedef void (*accd_action_fn)(void *ctx, const struct acc_action *action);

struct accd_pump_config {
    struct acc_engine *engine; /* borrowed */
    /* Call `then(arg)` once every record executed so far is durable (or can't become so: then the
     * store has logged it). May be called at once when nothing is pending. */
    void (*when_durable)(void *ctx, void (*then)(void *arg), void *arg);
    void *when_durable_ctx;
    /* The queue has run dry: arm the timer for `deadline_ms`, tell the feeds. */
    void (*on_idle)(void *ctx, uint64_t deadline_ms);
    void *on_idle_ctx;
    /* Around each step; may be NULL. */
    void (*before)(void *ctx, const struct acc_event *event);
    void (*after)(void *ctx, const struct acc_actions *actions);
    void *around_ctx;
};

/* More events than this at once mean a burst of a thousand containers; then a resync is cheaper. */
#define ACCD_PUMP_QUEUE_MAX 16384u

int accd_pump_create(const struct accd_pump_config *config, struct accd_pump **ret_pump);
struct accd_pump *accd_pump_destroy(struct accd_pump *pump); /* NULL allowed; returns NULL */

/* Who carries out the actions of this type; without one they are dropped. */
void accd_pump_wire(struct accd_pump *pump, enum acc_action_type type, accd_action_fn fn,
                    void *ctx);

/* From here on nothing is executed and nobody is told: the daemon leaves, the workloads stay. */
void accd_pump_mute(struct accd_pump *pump);

/* Queue one event; all that it points at is copied. -ENOBUFS when full: the caller drops it and
 * asks for a full resync; -ENOMEM likewise. */
int accd_pump_push(struct accd_pump *pump, const struct acc_event *event);

/* Feed the queue to the engine until it is empty. Called inside itself, it does nothing. */
void accd_pump_run(struct accd_pump *pump);
