#pragma once

/*
 * A twin of the Docker Engine, as the documents and its source describe it: what it answers, what
 * it tells by events, and how it lies.
 *
 * It is what the oracle judges by, so it must not know the supervisor: it speaks in calls, status
 * codes and the engine's own words (those of moby, see facts in the comments), never in actions.
 * Sources: moby daemon/ at v20.10.24 and v28.5.2; the numbers were measured on those engines.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/engine/event.h"
#include "tests/sim/queue.h"
#include "tests/sim/rand.h"
#include "tests/sim/workload.h"

/* Every quirk can be switched off (0). Rates in 1/10000 per occasion. */
struct twin_quirks {
    /* events: moby daemon/events/events.go, vendor/github.com/moby/pubsub: a ring of 256, a slow
     * reader loses them silently; publishers race, so they are doubled and swapped */
    uint32_t drop_hint, double_hint, late_hint;
    uint32_t late_hint_ms;    /* a late one comes up to so much later, behind others */
    uint32_t stop_before_die; /* measured under an exec that nobody drained */
    /* answers */
    uint32_t lose_answer;   /* the connection broke after the call was carried out */
    uint32_t slow_call;     /* containerd was frozen: start took 32 s and then succeeded */
    uint32_t slow_call_ms;  /* up to */
    uint32_t stuck_stop;    /* no exit event: the stop answers long after its grace
                               (moby#41352, #38934) */
    uint32_t stuck_stop_ms; /* up to */
    uint32_t lose_inspect;  /* one container's lock is held: its inspect never answers
                               (moby#37910, #27827) */
    uint32_t slow_remove;   /* "removal of container X is already in progress" meanwhile */
    uint32_t dead_remove; /* device or resource busy: `dead`, a later attempt works (moby#34538) */
    /* health: moby daemon/health.go */
    bool closes_first;  /* an exit: `unhealthy` is seen before it is (CloseMonitor) */
    bool frozen_health; /* 20.10: after live-restore the checks never run again (moby#41871) */
    /* registry */
    uint32_t make_fails; /* networks and volumes: a driver that is away, no free subnet */
    uint32_t pull_fails, pull_ms_max;
    /* after a daemon that was killed: names are held by containers half created */
    uint32_t lose_created; /* a create in flight was carried out although the daemon died */
};
/* The measured engine without any misbehaviour. */
struct twin_quirks twin_quirks_none(void);
/* A random subset at random rates. */
struct twin_quirks twin_quirks_random(struct sim_rand *rand);

enum twin_verb {
    TWIN_CREATE = 0,
    TWIN_START,
    TWIN_STOP,
    TWIN_KILL,
    TWIN_REMOVE,
    TWIN_PAUSE,
    TWIN_UNPAUSE,
    TWIN_UPDATE,
    TWIN_RENAME,
    TWIN_ROUTE, /* likewise of several calls */
    TWIN_DRAIN,
    TWIN_UNDRAIN,
    TWIN_ENSURE, /* of a resource: what accd's executor does with several calls */
    TWIN_DROP,   /* of a resource */
};
#define TWIN_VERB_COUNT 14
const char *twin_verb_name(enum twin_verb verb);

#define TWIN_BOUND_MAX 2u /* a network namespace of one, and that of processes of another */

#define TWIN_FOREIGN 0u /* token of calls that nobody waits for */

struct twin_create {
    char name[ACC_NAME_MAX + 1];
    uint32_t svc; /* of the model; ACC_NONE: a stranger's container */
    uint32_t number;
    bool oneoff;
    bool is_ours; /* io.acc labels */
    uint64_t op;
    enum acc_restart_policy policy;
    uint32_t restart_max;
    char bound_cid[TWIN_BOUND_MAX][ACC_CID_LEN + 1]; /* whose namespaces it shares; "" */
    char image_id[ACC_HASH_LEN + 8];                 /* "": by the service */
    uint32_t revision;
    bool unrouted;                    /* without the names of its service on its networks */
    char spec_hash[ACC_HASH_LEN + 1]; /* of the file that it was made of; "": the present one */
    bool is_bad;                      /* what is made of this image soon ends */
    uint32_t volume;                  /* that nobody has named: which one; 0: a new one */
};

struct twin_call {
    enum twin_verb verb;
    uint64_t token; /* given back with the answer */
    char cid[ACC_CID_LEN + 1];
    uint64_t grace_ms; /* STOP */
    int32_t signal;    /* KILL; 9 ends it */
    bool force;        /* REMOVE */
    enum acc_restart_policy policy;
    uint32_t restart_max;
    char name[ACC_NAME_MAX + 1]; /* RENAME */
    uint32_t res;                /* ENSURE, DROP: index of the model's resources */
    struct twin_create create;
};

struct twin_answer {
    enum twin_verb verb;
    uint64_t token;
    int status;                /* -1: the connection broke */
    char cid[ACC_CID_LEN + 1]; /* CREATE */
    char message[256];
};

struct twin_hint {
    bool is_destroy;
    char cid[ACC_CID_LEN + 1];
    enum acc_hint hint;
    int32_t exit_code, signal;
    int64_t time_ns;
};

struct twin_container {
    uint32_t index;
    bool exists;
    struct twin_create made; /* as asked for */
    char cid[ACC_CID_LEN + 1];
    char name[ACC_NAME_MAX + 1];
    enum acc_container_state state;
    struct sim_proc proc;
    int64_t pid;
    int32_t exit_code;
    bool oom, manually_stopped;
    char error[128];
    int64_t created_ns, started_ns, finished_ns;
    enum acc_restart_policy policy;
    uint32_t restart_max, n_restarts;
    uint64_t restart_delay_ms;
    bool is_starting, is_stopping;
    uint64_t network;  /* which network of its stack it was put on; 0: by name alone */
    bool is_off;       /* ... and it was taken off it by hand */
    bool is_marked;    /* by ACC_DRAIN_FILE: its checks fail in this run */
    bool exit_pending; /* it ended and the daemon has not seen it: down, hung */
    int32_t pending_code;
    bool pending_oom;
    /* the health monitor */
    uint64_t monitor; /* generation; 0: none runs */
    enum acc_docker_health health;
    uint32_t streak;
    int64_t check_start_ns, check_end_ns;
    int32_t check_exit;
    bool has_passed; /* a check, in this run */
    /* for the oracle */
    uint64_t bound_run[TWIN_BOUND_MAX]; /* processes in whose namespaces it lives */
    uint64_t start_token; /* of the call that began this run; TWIN_FOREIGN: not accd's */
    bool by_policy;       /* the engine's own restart began this run */
    uint64_t n_runs;
    uint64_t told_look;           /* the newest look at it that accd was told of; for the shell */
    struct twin_waiting *waiting; /* calls that wait for its exit */
};

enum twin_power {
    TWIN_UP = 0,
    TWIN_HUNG,    /* connects, never answers (SIGSTOP) */
    TWIN_LEAVING, /* SIGTERM: refuses new connections, the old stream still tells kill, die, stop */
    TWIN_DOWN,
};

struct twin_listener {
    void (*answer)(void *ctx, const struct twin_answer *answer);
    void (*hint)(void *ctx, const struct twin_hint *hint);
    void (*power)(void *ctx, enum twin_power power); /* it has changed */
    /* Truth, for the oracle and the trace; not for accd. */
    void (*ran)(void *ctx, const struct twin_container *container);
    void (*ended)(void *ctx, const struct twin_container *container);
    void *ctx;
};

struct twin {
    struct sim_queue *queue;
    struct sim_rand *rand;
    const struct acc_model *model;
    struct sim_workloads *workloads;
    struct twin_quirks quirks;
    struct twin_listener listener;
    enum twin_power power;
    bool live_restore;
    uint64_t boot;   /* how often dockerd was started; calls of an older one are void */
    int64_t wall_ns; /* Unix time at now_ms = 0 */
    uint64_t last_hint_ms;
    uint64_t next_monitor;
    int64_t next_pid;
    int64_t last_start_ns;
    bool disk_is_full; /* nothing can be created, and a start can't be recorded */
    bool *res_exists;
    uint32_t *res_busy;           /* ENSURE and DROP in progress */
    uint64_t *res_made;           /* which one of its name it is: 1, 2, ... */
    uint64_t refused_ms;          /* when a network or a volume was last refused; 0: never */
    bool has_volumes;             /* the images of some services have a VOLUME ... */
    uint32_t n_volumes;           /* ... and so many were made of them */
    bool double_network;          /* two creates of one network at once: 20.10 makes two */
    struct twin_container **item; /* all that ever were; those that are gone have !exists */
    size_t n, cap;
    size_t n_calls; /* in progress */
};

int twin_init(struct twin *twin, struct sim_queue *queue, struct sim_rand *rand,
              const struct acc_model *model, struct sim_workloads *workloads,
              const struct twin_quirks *quirks, const struct twin_listener *listener);
void twin_fini(struct twin *twin);

/* Copied. The answer comes by listener.answer unless the token is TWIN_FOREIGN or dockerd died. */
void twin_call(struct twin *twin, const struct twin_call *call);
/* What inspect says at this moment. False: 404. */
bool twin_inspect(const struct twin *twin, const char *cid, bool manual_stop,
                  struct acc_obs *ret_obs);
/* NULL when there is none, or none any more. */
struct twin_container *twin_find(const struct twin *twin, const char *cid);
/* Also one that is gone; NULL only when there never was one. */
struct twin_container *twin_find_ever(const struct twin *twin, const char *cid);
struct twin_container *twin_find_name(const struct twin *twin, const char *name);
bool twin_is_running(const struct twin_container *container); /* or paused */
int64_t twin_now_ns(const struct twin *twin);
/* The image of this service has a VOLUME. */
bool twin_has_volume(const struct twin *twin, uint32_t svc);

void twin_hang(struct twin *twin, uint64_t for_ms);
/* SIGTERM, then start again after `down_ms`. */
void twin_restart(struct twin *twin, uint64_t down_ms);
/* SIGKILL, then start again. */
void twin_crash(struct twin *twin, uint64_t down_ms);
/* docker network disconnect, connect: of its stack's. */
void twin_disconnect(struct twin *twin, struct twin_container *container);
void twin_connect(struct twin *twin, struct twin_container *container);
/* docker network rm, after `docker network disconnect -f` of what runs on it; or `docker network
 * prune`, which leaves alone what is used. */
void twin_remove_network(struct twin *twin, uint32_t stack, bool by_force);
/* It can't be started any more: the network that it was made for is gone. */
bool twin_lost_network(const struct twin *twin, const struct twin_container *container);
/* docker image prune -a */
void twin_prune_images(struct twin *twin);
bool twin_image_exists(const struct twin *twin, uint32_t svc); /* ... that its file names */
/* The defaults of Docker over those of the file: what the container is checked by. */
bool twin_health_of(const struct acc_model *model, uint32_t svc, int64_t *ret_interval_ms,
                    int64_t *ret_timeout_ms, int64_t *ret_start_period_ms, uint32_t *ret_retries);
