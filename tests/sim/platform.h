#pragma once

/*
 * The platform that acc was made for, as a graph: 81 services in phases and their edges. Two of its
 * 259 would close a cycle and are left out. What each service does is drawn, as for random graphs.
 */

#include <stdbool.h>
#include <stdint.h>

struct sim_platform_service {
    const char *name, *phase; /* a stack for each phase */
    bool checked, stateful;
    const char *edges; /* "needs:db needs:vault,create milestone:job,completed wants:cache ..." */
};

const struct sim_platform_service *sim_platform(uint32_t *ret_n);
