#pragma once

/*
 * The host (E3, host:<cond>): what services need of it before they start, as the daemon sees it.
 *
 * A condition is a root like any other: who needs it and doesn't run is blocked, who runs rides and
 * is impaired, failures while it is missing are the host's and not theirs, and it has one incident.
 * What isn't known yet forbids a start, and is nobody's fault.
 */

#include "lib/engine/engine.h"

/* A condition is missing for so long: a network mount comes within that at boot, and a device that
 * is reset. Who only wanted its users, and later phases, go on without them. */
#define ACC_HOST_PATIENCE_MS 30000u

struct condition {
    const char *id; /* "host:mount:/mnt/nas": as a root is called */
    struct acc_condition is;
    enum acc_tri is_met;
    uint64_t since_ms;    /* it is so since then */
    uint64_t last_bad_ms; /* when it was last seen missing; 0: never */
    bool is_lasting;      /* missing for ACC_HOST_PATIENCE_MS */
    uint32_t n_wanting;   /* services that are wanted up and managed */
    uint32_t incident;    /* open one of which it is the root, or ACC_NONE */
};

/* Those of a service: `for (k = 0; k < s->n_host; k++) acc_host_of(e, s, k)`. */
struct service;
struct condition *acc_host_of(const struct acc_engine *e, const struct service *s, uint32_t k);

static inline bool acc_root_is_host(uint32_t root)
{
    return root >= ACC_ROOT_HOST && root < ACC_ROOT_HOST + ACC_CONDITIONS_MAX;
}
struct condition *acc_root_condition(const struct acc_engine *e, uint32_t root);
struct service *acc_root_service(const struct acc_engine *e, uint32_t root); /* NULL: none */

void acc_host_told(struct acc_engine *e, const struct acc_event *event);
/* Are the conditions that it needs seen to hold? Sets `host_blocker`. */
bool acc_host_lets_start(struct acc_engine *e, struct service *s);
bool acc_host_is_met(const struct acc_engine *e, const struct service *s); /* none is missing */
void acc_host_count(struct acc_engine *e, struct service *s); /* after its wishes are known */
bool acc_host_attributed(struct acc_engine *e, const struct service *s, uint64_t at_ms);
void acc_incident_hosts(struct acc_engine *e);
