#pragma once

/*
 * Contest: one seed is one host, one piece of bad luck (or one upgrade) and one contestant: accd or
 * a model of a peer. The graph, the habits of the workloads, what happens and to whom are the
 * seed's, whoever plays; how long each boot takes is drawn as it comes.
 *
 * Judged by the truth of the twin alone: a service that doesn't serve costs its time.
 */

#include <stdbool.h>
#include <stdint.h>

#include "tests/sim/peer.h"

enum contest_fault {
    CONTEST_CRASH = 0,   /* a service ends with 1 */
    CONTEST_CRASH_BASE,  /* ... the one with most dependents */
    CONTEST_CRASH_LOOP,  /* it ends soon after each start for up to 3 min */
    CONTEST_SICK,        /* it lives on and its check fails until it is restarted */
    CONTEST_SLOW_BOOT,   /* it crashes and isn't ready for up to 4 min */
    CONTEST_START_FAILS, /* it crashes and Docker can't start it for up to a minute */
    CONTEST_ENGINE_DIES, /* dockerd and all containers die */
    CONTEST_ENGINE_RESTARTS,
};
#define CONTEST_FAULT_COUNT 8
const char *contest_fault_name(enum contest_fault fault);

#define CONTEST_ACCD (-1) /* instead of a peer_which */

struct contest_result {
    bool is_valid; /* all came up before; else nothing else is set */
    enum contest_fault fault;
    bool is_bad_image;
    bool has_recovered;    /* within the limit */
    uint64_t recovery_ms;  /* until all serve and go on to; the limit when they don't */
    uint64_t lost_ms;      /* service-milliseconds in which one didn't serve */
    uint64_t n_restarts;   /* runs that began */
    const char *violation; /* of an invariant, by accd; NULL: none */
};

/* After this time a person would have come. */
#define CONTEST_FAULT_LIMIT_MS   1800000u
#define CONTEST_UPGRADE_LIMIT_MS 900000u

struct contest_result contest_fault(uint64_t seed, int who);
/* One image in ten is bad. */
struct contest_result contest_upgrade(uint64_t seed, int who);
