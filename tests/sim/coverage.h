#pragma once

/*
 * What a run has been through: which cells of the propagation table (ENGINE.md E3) and which pairs
 * of a service's state and an event. Seen from outside, by what was asked and what is true.
 */

#include <stdbool.h>
#include <stdint.h>

#include "lib/engine/engine.h"

struct world;
struct twin_container;

enum coverage_row { COVER_STOPS, COVER_RESTARTS, COVER_CRASHES, COVER_DEGRADED, COVER_DOWN };
#define COVERAGE_ROWS    5
#define COVERAGE_COLUMNS 7 /* needs: ride, restart, stop; binds, milestone, wants, after */

struct coverage {
    uint64_t cell[COVERAGE_ROWS][COVERAGE_COLUMNS];
    /* something of the host goes or comes while who needs it runs, or doesn't */
    uint64_t host[2][2]; /* [is it there][does it run] */
    uint64_t pair[ACC_SVC_STATE_COUNT][ACC_EV_TYPE_COUNT];
};

/* Before the step, and after it. */
void coverage_event(struct coverage *coverage, struct world *world, const struct acc_event *event);
void coverage_actions(struct coverage *coverage, struct world *world);
/* Its process ended by itself. */
void coverage_crash(struct coverage *coverage, struct world *world,
                    const struct twin_container *container);
/* Prints it all; how many that must be reached were not, or can't be and were. With upgrades only
 * the states of a rollout are asked for. */
unsigned coverage_print(const struct coverage *coverage, bool upgrades);
