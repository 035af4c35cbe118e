#pragma once

/*
 * A seed that is bad, made small: which services, edges, faults and quirks does it take for the
 * same thing to go wrong?
 *
 * Delta debugging: parts are left out (cut.h) in ever smaller groups, as long as the same invariant
 * fails in the same words. What is found is small, not the smallest.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "tests/sim/world.h"

struct shrink_result {
    uint32_t n_services, n_edges, n_events, n_runs;
};

/* Tells what is left and its story. False when nothing is wrong with the seed. */
bool shrink(const struct world_options *options, FILE *out, struct shrink_result *ret_result);
