#pragma once

/*
 * Random models: stacks, services, edges of all kinds, and what each service is like.
 *
 * Edges point from a service to one drawn before it, so no graph has a cycle.
 */

#include "lib/model/spec.h"
#include "tests/sim/rand.h"
#include "tests/sim/workload.h"

struct sim_graph_options {
    uint32_t services_min, services_max;
    uint32_t stacks_max;
    uint32_t edges_max;  /* of one service */
    bool platform;       /* that of platform.h; the numbers above don't count */
    uint64_t phase_seed; /* of its phases, drawn apart; 0: none */
    uint64_t host_seed;  /* of conditions of the host and tokens, likewise */
    uint64_t place_seed; /* of bind sources, likewise */
    bool last_apart;     /* the last stack and the others don't depend on each other */
    bool plain;          /* needs edges with ride only, one replica, restart policy unset */
    uint64_t resync_ms;  /* from one full list to the next; 0: the default */
    bool quick_timing;   /* every time of E5 a tenth: long waits come up in short runs */
};

struct sim_graph {
    struct acc_model *model;
    struct sim_habits *habits; /* one per service */
};

/* Only running out of memory fails, and then it aborts. */
void sim_graph_draw(struct sim_rand *rand, const struct sim_graph_options *options,
                    struct sim_graph *ret_graph);
void sim_graph_fini(struct sim_graph *graph);
