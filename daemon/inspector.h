#pragma once

/*
 * Inspector: looks at containers, one look at a time each, and tells the engine what it saw.
 *
 * Events are hints, `inspect` is the truth, so everybody who wants to know asks here: the hints'
 * INSPECT actions, the list, and every call that has just changed a container. A container that is
 * asked for while a look at it is under way is looked at once more afterwards, however often it was
 * asked for. Answers become OBS or GONE events; a container that does not answer in time is stuck
 * (its lock is held in the engine) and is asked again later, without holding up the others.
 *
 * Keeps of each container what probes and logs need beside the engine: its newest observation,
 * health command, addresses.
 */

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "daemon/docker.h"
#include "daemon/pump.h"

struct accd_inspector;

/* Looks at once: dockerd answers one in 0.1 ms; more in flight only take memory. */
#define ACCD_LOOKS_IN_FLIGHT 6u
#define ACCD_LOOK_LIMIT_MS   5000u

struct accd_inspector_config {
    uv_loop_t *loop;
    struct accd_docker *docker;
    struct accd_pump *pump;
    /* The engine's socket is gone or closed: the connection is down. May reset the inspector. */
    void (*on_lost)(void *ctx, enum accd_http_error error);
    /* An event could not be queued: a full list has to make up for it. */
    void (*on_dropped)(void *ctx);
    void *ctx;
};

/* What a look found, and what is known of a container. Borrowed until control returns to the loop.
 */
struct accd_container {
    const struct acc_obs *obs;      /* the newest; never NULL */
    const char *const *health_argv; /* NULL-terminated; NULL without a check */
    bool tty;
    bool host_network;
    const char *address;    /* first IPv4 (or IPv6) address, "" when none */
    const char *network_of; /* id of the container whose network it uses, or "" */
};

enum accd_look_flags {
    ACCD_LOOK_PLAIN = 0,
    ACCD_LOOK_MANUAL_STOP = 1, /* read HasBeenManuallyStopped, too */
    /* On a connection of its own: an engine that goes down still answers on old ones, and then
     * a stopped container would be taken for a dead one. */
    ACCD_LOOK_FRESH = 2,
};

enum accd_look_result {
    ACCD_LOOK_SEEN = 0, /* OBS was pushed */
    ACCD_LOOK_GONE,     /* 404; GONE was pushed */
    ACCD_LOOK_STUCK,    /* no answer in time, or a strange one: it is tried again by itself */
    ACCD_LOOK_LOST,     /* the connection is gone */
};
typedef void (*accd_look_fn)(void *ctx, enum accd_look_result result,
                             const struct accd_container *container); /* NULL unless SEEN */

int accd_inspector_create(const struct accd_inspector_config *config,
                          struct accd_inspector **ret_inspector);
/* Asynchronous; nobody is told. NULL allowed. */
void accd_inspector_close(struct accd_inspector *inspector);

/* Look at a container. `then` (may be NULL) is called once, never before this returns, after a look
 * that began later than this call; the event has been pushed then, the pump not yet run. It must
 * not forget or reset. 0, or -ENOMEM and nothing is called. */
int accd_inspector_look(struct accd_inspector *inspector, const char *cid, unsigned flags,
                        accd_look_fn then, void *ctx);
/* The connection is gone: end all looks (LOST); what is known stays. */
void accd_inspector_reset(struct accd_inspector *inspector);
/* The container was destroyed. */
void accd_inspector_forget(struct accd_inspector *inspector, const char *cid);

bool accd_inspector_get(struct accd_inspector *inspector, const char *cid,
                        struct accd_container *ret_container);
bool accd_inspector_knows(const struct accd_inspector *inspector, const char *cid);
/* Call `fn` for each known container; it may look, but not forget. */
void accd_inspector_each(struct accd_inspector *inspector, void (*fn)(void *ctx, const char *cid),
                         void *ctx);
