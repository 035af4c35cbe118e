#pragma once

/* Inside the oracle: what starts (oracle_start.c), what is stopped (oracle_stop.c) and what it all
 * comes to (oracle_end.c). */

#include "tests/sim/oracle.h"
#include "tests/sim/world.h"

#define SECOND 1000u
#define MINUTE (60u * SECOND)
#define HOUR   (60u * MINUTE)
/* A word of an operator or a blow from outside explains whatever happens within this time. */
#define EXCUSE (10u * MINUTE)

static inline const struct acc_service_spec *spec_of(const struct oracle *o, uint32_t svc)
{
    return o->world->graph.model->services[svc];
}

static inline uint64_t now(const struct oracle *o)
{
    return o->world->queue.now_ms;
}

uint64_t oracle_t_obs(const struct oracle *oracle);
struct oracle_container *oracle_told(struct oracle *oracle, const char *cid);
bool oracle_is_seen(const struct oracle *oracle, const struct oracle_container *told);
bool oracle_is_slot(const struct twin_container *container, uint32_t svc, uint32_t number);
/* The restart policy of the file says that what ended may stay so. */
bool oracle_may_rest(const struct acc_service_spec *spec);
bool oracle_is_root(const struct oracle *oracle, uint32_t svc);
/* How long the truth may be bad before accd can know: the checks, and a lost event. */
uint64_t oracle_detection_ms(const struct oracle *oracle, uint32_t svc);
/* What was paused by hand runs, too. */
bool oracle_is_seen_paused(const struct oracle *oracle, uint32_t svc);
/* Who is at rest, or can't come, holds a gate up for ever. */
bool oracle_is_behind_a_gate(const struct oracle *oracle, uint32_t svc);
/* "phase apps begins" */
void oracle_hear_phase(struct oracle *oracle, const char *text);
/* "did not recover after what it needs came back" */
void oracle_hear_recovery(struct oracle *oracle, const struct acc_action *note);

void oracle_check_host(struct oracle *oracle, const struct acc_action *action);
void oracle_check_start(struct oracle *oracle, const struct acc_action *action);
void oracle_check_target(struct oracle *oracle, const struct acc_action *action,
                         const struct twin_container *container);
void oracle_check_shutdown(struct oracle *oracle, const struct acc_action *action);
void oracle_check_stop(struct oracle *oracle, const struct acc_event *event,
                       const struct acc_action *action, struct twin_container *container);
void oracle_check_remove(struct oracle *oracle, const struct acc_action *action,
                         const struct twin_container *container);
