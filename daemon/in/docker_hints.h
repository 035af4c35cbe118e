#pragma once

/*
 * The event stream's bytes -> hints for the engine.
 *
 * Only what concerns our containers is passed on: those of our projects, and those that the
 * inspector knows. What the stream replays before the new epoch was told has to wait for it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "daemon/inspector.h"
#include "daemon/pump.h"
#include "lib/codec/docker_event.h"
#include "lib/codec/json_frame.h"

struct accd_docker_hints_config {
    uv_loop_t *loop;
    struct accd_inspector *inspector; /* borrowed */
    struct accd_pump *pump;
    bool (*is_ours)(void *ctx, const char *project);
    void (*on_other)(void *ctx, const struct acc_docker_event *event); /* may be NULL */
    void *ctx;
    /* Something was lost: a full list has to make up for it. */
    void (*on_dropped)(void *ctx);
    void *on_dropped_ctx;
};

struct accd_held_hint;

struct accd_docker_hints {
    struct accd_docker_hints_config config;
    struct acc_json_frame frame;
    bool is_holding;
    struct accd_held_hint *held; /* owned */
    size_t n_held, held_cap;
    int64_t last_ns; /* the newest event's time by the engine's clock; 0 before the first */
};

void accd_docker_hints_init(struct accd_docker_hints *hints,
                            const struct accd_docker_hints_config *config);
void accd_docker_hints_fini(struct accd_docker_hints *hints);
/* A new stream begins: half an event of the old one is forgotten, and what was held. */
void accd_docker_hints_begin(struct accd_docker_hints *hints);
/* Hold back from here on, until release() pushes what was held: the epoch has begun. */
void accd_docker_hints_hold(struct accd_docker_hints *hints);
void accd_docker_hints_release(struct accd_docker_hints *hints);
/* Pushes events; the pump is not run. */
void accd_docker_hints_feed(struct accd_docker_hints *hints, const char *data, size_t len);
