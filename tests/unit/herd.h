#pragma once

/*
 * Herd: the engine with as many services as you like, and a Docker that costs next to nothing.
 *
 * Stacks of a hundred services in ten layers with 400 edges, all running and healthy; the stacks
 * don't know each other. So what follows from one failure is the same however many there are, and
 * the work of the engine's steps must be, too.
 */

#include <stdbool.h>
#include <stdint.h>

#include "lib/engine/engine.h"

#define HERD_STACK 100u /* services in one */

struct herd_reply;
struct herd {
    struct acc_model *model;
    struct acc_engine *engine;
    struct acc_obs *obs; /* of each service: its container */
    struct acc_actions actions;
    uint64_t now_ms;
    int64_t clock_ns;         /* Docker's own: grows with each use */
    struct herd_reply *reply; /* pending */
    size_t n_replies, cap;
    uint64_t (*ns)(void);      /* a clock to measure steps by, or NULL */
    uint64_t n_steps, step_ns; /* since the caller set them to 0 */
    uint32_t n_starts, n_incidents;
};

/* `n_services`: a multiple of HERD_STACK. All is up and told when it returns. */
void herd_open(struct herd *herd, uint32_t n_services);
void herd_close(struct herd *herd);
void herd_run(struct herd *herd, uint64_t ms);
/* The process of a service ends. */
void herd_exit(struct herd *herd, uint32_t svc);
/* The first service of a stack fails, and its five dependents with it; until the incident is over.
 */
void herd_cascade(struct herd *herd, uint32_t stack);
