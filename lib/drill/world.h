#pragma once

/*
 * A Docker of few words with the engine on top, in virtual time: what golden cases and `accctl
 * drill` play on.
 *
 * It carries out what the engine asks, each operation in its own time (at once unless told
 * otherwise), and tells what a container has become before it tells that the operation is done, as
 * dockerd does. It is kind: none of dockerd's quirks is here (tests/sim has them all). Without
 * events of its own it is deterministic to the last byte.
 */

#include "lib/base/buf.h"
#include "lib/engine/engine.h"

/* How a service behaves; may be changed at any time. */
struct acc_world_service {
    uint64_t create_ms, start_ms, stop_ms; /* of the operations */
    uint64_t boot_ms;                      /* from its start until its checks pass */
    uint64_t crash_ms; /* it exits with `crash_code` so long after each start; 0: it doesn't */
    int32_t crash_code;
    bool crash_oom;
    bool is_sick;                           /* its checks fail */
    bool is_waiting;                        /* its checks tell that it waits for a person */
    bool is_deaf;                           /* none of its ports listens */
    enum acc_op_result create, start, hook; /* what operations on it come to */
    uint64_t hook_ms;
    uint64_t drain_ms;
    const char *message; /* borrowed */
    bool is_silent;      /* operations are never answered */
    bool ignores_stop, ignores_kill;
    bool no_manual_flag; /* HasBeenManuallyStopped can't be read */
    bool has_volume;     /* its image has a VOLUME, /data */
    bool spoils;         /* dockerd is killed as it starts the next container of it */
    bool is_unwatched;   /* Docker's monitor of its health is dead */
    char image[32];      /* id of what its reference means now; "" for "img1" */
    /* Containers of this image id, or of this spec: they exit with 1, `bad_ms` after their start;
     * their checks fail. "" none. */
    char bad[ACC_HASH_LEN + 1], sick[ACC_HASH_LEN + 1];
    uint64_t bad_ms;
};

struct acc_world_container {
    bool exists, manual;
    bool is_netless; /* its network was removed and made anew */
    bool is_left;    /* ran when dockerd was killed, and the next one has ended it */
    bool is_spoilt;  /* dockerd was killed as it started it: no later start succeeds */
    uint32_t svc;
    uint64_t run_ms;    /* begin of its run */
    uint64_t health_ms; /* of Docker's last check; its verdict is that of the script */
    struct acc_obs obs;
};

struct acc_world;
/* accd dies when it is about to ask for this, or has just done so and hears no answer. */
enum acc_world_death { ACC_WORLD_LIVES, ACC_WORLD_DIES_BEFORE, ACC_WORLD_DIES_AFTER };

/* Called for each action as the engine asks for it. */
typedef void acc_world_watch_fn(void *data, struct acc_world *world,
                                const struct acc_action *action);

struct acc_world_incident {
    struct acc_incident_record record;
    uint64_t since_ms;
};

struct acc_world {
    struct acc_model *model; /* owned */
    struct acc_engine *engine;
    struct acc_world_service *service;      /* by index of the model */
    struct acc_world_container **container; /* owned; never moves */
    size_t n_containers;
    uint32_t n_cids, n_volumes;
    uint64_t now_ms, seq;
    int64_t clock_ns;
    uint64_t first_op;
    struct acc_engine_options options;
    struct acc_actions actions;
    struct acc_world_reply *reply; /* pending, not sorted */
    size_t n_replies, replies_cap;
    struct acc_service_record *record;
    bool *has_record;
    struct acc_stack_record *stack_record;
    bool *has_stack_record;
    struct acc_revision_record *revision; /* as saved, one of a number */
    size_t n_revisions;
    enum acc_world_death death;
    enum acc_action_type dies_at; /* once */
    struct acc_hold_record maintenance;
    struct acc_world_incident *incident; /* the open ones, as saved */
    size_t n_incidents;
    enum acc_tri *host; /* owned; of each condition of the model; YES unless told otherwise */
    char (*place)[ACC_PLACE_MAX + 1]; /* owned; of each bind source among them; "/" likewise */
    bool is_gone;                     /* dockerd is away */
    bool is_puppet; /* what is asked is only told: the answers are in the caller's hand */
    enum acc_op_result pull;
    const char *pull_message;
    enum acc_op_result network; /* what becomes of each that is to be made */
    acc_world_watch_fn *watch;
    void *watch_data;
    bool has_failed; /* out of memory, or the engine didn't come to rest */
};

/* Takes the model over, also when it fails. Nothing is connected yet. 0 or -ENOMEM. */
int acc_world_init(struct acc_world *world, struct acc_model *model, bool observe_new);
/* The same, going on from the state of another engine (acc_engine_state_put()): its containers are
 * there, and what it had asked for gets lost. 0, -EINVAL or -ENOMEM. */
int acc_world_init_from(struct acc_world *world, struct acc_model *model, const char *state);
void acc_world_fini(struct acc_world *world);

/* dockerd is there: all is told. `fresh`: it was restarted; `live`: with live-restore. */
void acc_world_connect(struct acc_world *world, bool fresh, bool live);
/* Likewise: it was killed, and the new one, without live-restore, has ended what the old one left
 * running. It calls that a stop by hand, and tells it so (moby daemon/daemon.go restore()). */
void acc_world_connect_killing(struct acc_world *world);
/* The connection is gone; what was asked gets lost. With `dies` all containers end with it, and
 * nobody is told. With `hangs` it only doesn't answer. */
void acc_world_disconnect(struct acc_world *world, bool dies, bool hangs);
/* dockerd was restarted with live-restore: its health checks begin anew. */
void acc_world_forget_health(struct acc_world *world);
/* What becomes of a condition of the host ("mount:/mnt/nas"). False: nobody names it. */
bool acc_world_host(struct acc_world *world, const char *condition, enum acc_tri is_met);
/* Where a bind source lies from here on; "": nobody can tell; ACC_WORLD_UNTOLD: nobody has looked,
 * which is so for a moment when accd has come. Likewise. */
#define ACC_WORLD_UNTOLD "untold"
bool acc_world_place(struct acc_world *world, const char *path, const char *place);
/* Time passes. */
void acc_world_run(struct acc_world *world, uint64_t ms);
/* accd dies and comes back with what it saved; not connected. */
void acc_world_restart_accd(struct acc_world *world);
/* A new configuration, with `apply` or `apply --prune`. Takes the model over. */
int acc_world_reconfigure(struct acc_world *world, struct acc_model *model, bool prunes);
void acc_world_event(struct acc_world *world, struct acc_event *event);
/* What root asks for, of what `target` names (several with commas between). False: no such one. */
bool acc_world_cmd(struct acc_world *world, struct acc_cmd cmd, const char *target);

/* The container in a slot, or NULL: the one that bears its name; with `role` 'c' or 'r' the new or
 * the kept one of a rollout. */
struct acc_world_container *acc_world_slot(struct acc_world *world, uint32_t svc, uint32_t slot,
                                           char role);
/* One that somebody else made; not told yet. NULL: out of memory. */
struct acc_world_container *acc_world_add(struct acc_world *world, uint32_t svc, uint32_t slot,
                                          const char *name, bool running);
void acc_world_hint(struct acc_world *world, const struct acc_world_container *c,
                    enum acc_hint hint);
/* Its process ends. */
void acc_world_exit(struct acc_world *world, struct acc_world_container *c, int32_t code, bool oom);
/* What a person does by hand; a stop may also be that of an engine which goes down. */
void acc_world_docker_stop(struct acc_world *world, struct acc_world_container *c, bool is_by_hand);
void acc_world_docker_start(struct acc_world *world, struct acc_world_container *c);
void acc_world_docker_rm(struct acc_world *world, struct acc_world_container *c, bool is_seen);
void acc_world_docker_pause(struct acc_world *world, struct acc_world_container *c, bool is_pause);
void acc_world_docker_rename(struct acc_world *world, struct acc_world_container *c,
                             const char *name);
/* Of its file's: this one by its key, "" for all of them. */
void acc_world_docker_network(struct acc_world *world, struct acc_world_container *c,
                              const char *network, bool is_connect);
/* A health check of Docker has ended. */
/* `has_failed`: though Docker's verdict is this one yet; `is_told`: else the event got lost. */
void acc_world_health(struct acc_world *world, struct acc_world_container *c,
                      enum acc_docker_health health, bool has_failed, bool is_told);

/* The service as people would call it: its name where that is unique, else its id. */
const char *acc_world_nick(const struct acc_world *world, uint32_t svc);
