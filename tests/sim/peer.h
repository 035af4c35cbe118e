#pragma once

/*
 * Peers: small models of what others do about a host's containers, on the same twin of Docker and
 * the same workloads as accd, so that they can be compared on the same bad luck.
 *
 * A model sees what the real one sees (events, what inspect says) and acts by calls of the API. The
 * rule that each follows, and where it is written, stands with its functions. What people do by
 * hand is none of it: after `up` a peer is alone.
 */

#include <stdbool.h>
#include <stdint.h>

#include "tests/sim/world.h"

struct peer;
/* What follows a call; `status` is HTTP's, -1 when no answer came in time. */
typedef void peer_then_fn(struct peer *peer, uint32_t svc, int status);

struct peer_kind {
    const char *name;
    enum acc_restart_policy policy;   /* of its containers; jobs have none */
    bool is_ordered;                  /* `up` waits for dependencies, as Compose does */
    void (*begin)(struct peer *peer); /* all is up; NULL: nobody stays */
    void (*hint)(struct peer *peer, struct twin_container *container, const struct twin_hint *hint);
    void (*power)(struct peer *peer, enum twin_power power);
    void (*upgrade)(struct peer *peer, uint32_t svc); /* to peer->is_bad_image; NULL: can't */
};

enum peer_which {
    PEER_POLICY = 0,
    PEER_COMPOSE,
    PEER_AUTOHEAL,
    PEER_SYSTEMD,
    PEER_SYSTEMD_PATIENT,
    PEER_WATCHTOWER,
    PEER_SCRIPT,
    PEER_SWARM,
    PEER_SWARM_START_FIRST,
};
#define PEER_COUNT 9
const struct peer_kind *peer_kind(enum peer_which which);

struct peer_service {
    struct twin_container *container; /* the one that counts; NULL before `up` */
    struct twin_container *next;      /* of an upgrade */
    bool is_started, is_job;
    bool is_bad; /* what it is made of soon ends */
    uint32_t n_made;
    /* systemd */
    uint64_t starts_ms[5]; /* the last ones */
    uint32_t n_starts;
    bool is_stopping, is_failed, is_due;
    /* Swarm */
    bool is_updating, is_rolling_back;
    uint64_t task; /* which attempt: what was planned for an older one is void */
};

#define PEER_WAITS_MAX 1024u

struct peer {
    const struct peer_kind *kind;
    struct world *world;
    struct peer_service *service; /* one per service of the model; owned */
    struct peer_wait {
        uint64_t token; /* 0: free */
        peer_then_fn *then;
        uint32_t svc;
        char cid[ACC_CID_LEN + 1]; /* of the answer */
    } wait[PEER_WAITS_MAX];
    uint64_t next_token;
    bool is_bad_image; /* what an upgrade goes to */
    bool is_busy;      /* an upgrade is under way */
    bool has_begun;    /* all is up */
    uint32_t at;       /* autoheal: in its round */
};

/* Takes the place of accd in a world that is open and in which nothing runs. */
void peer_open(struct peer *peer, enum peer_which which, struct world *world);
void peer_close(struct peer *peer);
/* Everything is created and started; true when all is ready in time. */
bool peer_up(struct peer *peer, uint64_t limit_ms);
void peer_upgrade(struct peer *peer, uint32_t svc, bool is_bad_image);

/* --- for the models ------------------------------------------------------------------------- */

/* A call on a container; `then` may be NULL. */
void peer_call(struct peer *peer, enum twin_verb verb, uint32_t svc, const char *cid,
               peer_then_fn *then);
/* A container of the service; `then` finds it in service.next. */
void peer_create(struct peer *peer, uint32_t svc, const char *name, peer_then_fn *then);
void peer_rename(struct peer *peer, uint32_t svc, struct twin_container *container,
                 const char *name, peer_then_fn *then);
/* "st0-s01-1" */
void peer_name(const struct peer *peer, uint32_t svc, char *out, size_t out_size);
const struct acc_service_spec *peer_spec(const struct peer *peer, uint32_t svc);
uint64_t peer_now(const struct peer *peer);
/* Later; `b` is what the caller makes of it. */
void peer_in(struct peer *peer, uint64_t ms, sim_fn fn, uint64_t a, uint64_t b);
bool peer_has_check(const struct peer *peer, uint32_t svc);
/* What Docker says of its health; without a check: it runs. */
bool peer_looks_ready(const struct peer *peer, uint32_t svc, const struct twin_container *c);

/* peer_heal.c, peer_systemd.c, peer_upgrade.c, peer_swarm.c */
void peer_autoheal_begin(struct peer *peer);
void peer_systemd_begin(struct peer *peer);
void peer_systemd_hint(struct peer *peer, struct twin_container *c, const struct twin_hint *hint);
void peer_systemd_power(struct peer *peer, enum twin_power power);
void peer_compose_upgrade(struct peer *peer, uint32_t svc);
void peer_watchtower_upgrade(struct peer *peer, uint32_t svc);
void peer_script_upgrade(struct peer *peer, uint32_t svc);
void peer_swarm_hint(struct peer *peer, struct twin_container *c, const struct twin_hint *hint);
void peer_swarm_upgrade(struct peer *peer, uint32_t svc);
