#pragma once

/*
 * What the engine is told: plain data, one struct per event.
 *
 * An event is a hint or an observation, never an order of the world: decisions read the state that
 * the observations have made. Strings in an event are borrowed for the duration of step().
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/model/place.h"
#include "lib/model/spec.h"

#define ACC_NAME_MAX   255u /* container names */
#define ACC_OUTPUT_MAX 255u /* what is kept of a health output or an engine's error */

enum acc_container_state {
    ACC_CTR_CREATED,
    ACC_CTR_RUNNING,
    ACC_CTR_PAUSED,
    ACC_CTR_RESTARTING,
    ACC_CTR_REMOVING,
    ACC_CTR_EXITED,
    ACC_CTR_DEAD,
};

enum acc_docker_health { ACC_DH_NONE, ACC_DH_STARTING, ACC_DH_HEALTHY, ACC_DH_UNHEALTHY };

enum acc_tri { ACC_UNKNOWN = 0, ACC_NO, ACC_YES };

/* One container as `inspect` shows it. Text fields are never NULL. */
/* Names of a dozen networks; who is on more is not watched for being taken off one. */
#define ACC_OBS_NETWORKS_MAX 511u
/* Ten volumes without a name; further ones aren't handed over to the next container. */
#define ACC_OBS_VOLUMES_MAX 1023u
/* Eight containers; who shares with more isn't watched for one of them being another by now. */
#define ACC_OBS_SHARES_MAX (8u * (ACC_CID_LEN + 1))
struct acc_obs {
    char cid[ACC_CID_LEN + 1];
    char name[ACC_NAME_MAX + 1]; /* without the slash */
    /* identity, from labels; project "" when it is not a Compose container */
    char project[ACC_NAME_MAX + 1];
    char service[ACC_NAME_MAX + 1];
    uint32_t number; /* com.docker.compose.container-number, from 1; 0 when absent or malformed */
    bool oneoff;
    char config_hash[ACC_HASH_LEN + 1]; /* "" when absent */
    char spec_hash[ACC_HASH_LEN + 1];   /* io.acc.spec, "" when absent */
    char op[24];                        /* io.acc.op, "" when absent */
    char revision[24];                  /* io.acc.revision */
    char label_image[ACC_HASH_LEN + 8]; /* com.docker.compose.image, "" when absent */

    enum acc_container_state state;
    int64_t pid;
    int32_t exit_code;
    bool oom_killed;
    char error[ACC_OUTPUT_MAX + 1];  /* State.Error: why a start failed */
    int64_t started_ns, finished_ns; /* Unix; 0 = never. (cid, started_ns) names one run */
    uint64_t age_ms; /* since when it runs, or has ended, when this is told; 0 = not known */
    enum acc_tri manually_stopped; /* the engine's HasBeenManuallyStopped; asked for by INSPECT */

    /* effective health check: the file's merged with the image's */
    bool has_health;
    int64_t interval_ms, timeout_ms, start_period_ms;
    uint32_t retries;
    enum acc_docker_health health;
    uint32_t failing_streak;
    int64_t health_start_ns, health_end_ns; /* newest log entry; 0 = none */
    int32_t health_exit;
    char health_output[ACC_OUTPUT_MAX + 1];

    bool drain_file; /* its health check looks for ACC_DRAIN_FILE */
    bool unrouted;   /* a network of the user's on which it lacks the name of its service */
    /* The networks that it is on, "NAME\nNAME\n"; known only of one that is on networks of its own
     * (not the host's, nor another container's). */
    bool has_networks;
    char networks[ACC_OBS_NETWORKS_MAX + 1];
    /* The volumes that it has and that nobody has named, "TARGET\tNAME[\tro]\n". */
    char volumes[ACC_OBS_VOLUMES_MAX + 1];
    /* The ids of the containers whose namespaces or volumes it was made with, "CID\nCID\n". */
    char shares[ACC_OBS_SHARES_MAX + 1];
    bool lacks_ports;              /* it runs, and what its ports are bound to is not published */
    uint16_t ports[ACC_PORTS_MAX]; /* exposed TCP ports: the file's and the image's */
    size_t n_ports;
    enum acc_restart_policy restart; /* the one the engine would follow; NO when unset */
    uint32_t restart_max;
    char image_id[ACC_HASH_LEN + 8];  /* "sha256:..." */
    char image_ref[ACC_NAME_MAX + 1]; /* Config.Image */
};

enum acc_hint {
    ACC_HINT_DIRTY, /* anything else happened to this container */
    ACC_HINT_DIE,
    ACC_HINT_STOP, /* the engine carried out a stop (or is going down) */
    ACC_HINT_KILL, /* a signal was sent through the API */
    ACC_HINT_OOM,
    ACC_HINT_START,
    ACC_HINT_CREATE,
    ACC_HINT_PAUSE,
    ACC_HINT_UNPAUSE,
    ACC_HINT_HEALTH,
};

enum acc_op_result {
    ACC_OP_OK = 0,
    ACC_OP_NOT_MODIFIED, /* 304: it was so already */
    ACC_OP_GONE,         /* 404: the container does not exist; PULL is_local: nor the image */
    ACC_OP_CONFLICT,     /* 409: a name taken, a removal in progress, paused */
    ACC_OP_CONFIG,       /* the request can't work as it is: no image, bad mount, bad command */
    ACC_OP_START,        /* the host said no for now: port taken, network, mount, runtime */
    ACC_OP_LOST,         /* the connection broke: done or not, nobody knows */
    ACC_OP_FAILED,       /* anything else the engine answered */
};

enum acc_probe_verdict {
    ACC_PROBE_UNKNOWN = 0, /* it could not be run */
    ACC_PROBE_FAIL,
    ACC_PROBE_PASS,
    ACC_PROBE_WAITING, /* exit code of x-acc.health.waiting: waits for a person, not broken */
};

/* What the create request of a container's service says of the container, by meaning. */
enum acc_likeness {
    ACC_LIKE_UNKNOWN = 0, /* they could not be compared */
    ACC_LIKE_SAME,
    ACC_LIKE_LIVE,      /* all that differs can be changed while it runs */
    ACC_LIKE_DIFFERENT, /* only another container can have it */
};

/* What a registry has of a service's image. */
enum acc_news {
    ACC_NEWS_UNKNOWN = 0, /* it could not be asked */
    ACC_NEWS_NONE,        /* what runs, or nothing that could be compared */
    ACC_NEWS_OTHER,       /* its reference means another one */
};

enum acc_verb {
    ACC_VERB_UP,    /* wanted up; creates what is missing; also releases an external hold */
    ACC_VERB_START, /* as up */
    ACC_VERB_STOP,  /* wanted off; containers stay */
    ACC_VERB_DOWN,  /* wanted off; containers are removed, networks with the last of a stack */
    ACC_VERB_RESTART,
    ACC_VERB_ADOPT,       /* the stacks of the selected services are managed from here on */
    ACC_VERB_RELEASE,     /* end a hold, whoever has set it */
    ACC_VERB_HAND_BACK,   /* restart policies as in the file, then observe only */
    ACC_VERB_UPGRADE,     /* to what the image's reference means now, or to `image` (E9) */
    ACC_VERB_ROLLBACK,    /* end the upgrade under way the other way, or go to `revision` */
    ACC_VERB_HOLD,        /* set `hold` */
    ACC_VERB_MAINTENANCE, /* of everything: `hold` FREEZE begins it, NONE ends it */
};
#define ACC_VERB_COUNT 12
const char *acc_verb_name(enum acc_verb verb); /* "up", ... */

/* What a person may forbid. It prevents, it never causes. */
enum acc_hold {
    ACC_HOLD_NONE = 0,
    ACC_HOLD_UP,     /* not stopped and not removed by anybody */
    ACC_HOLD_DOWN,   /* not started by anybody */
    ACC_HOLD_FREEZE, /* nothing at all is changed */
};
#define ACC_HOLD_COUNT 4
const char *acc_hold_name(enum acc_hold hold); /* "up", "down", "freeze"; "" for none */
#define ACC_HOLD_REASON_MAX 159u

struct acc_cmd {
    enum acc_verb verb;
    const uint8_t *selected; /* one byte per service of the model; borrowed */
    bool with_dependents;
    bool volumes;                 /* down: named volumes, too */
    bool whole_stack;             /* down: the networks may go, too */
    char by[64];                  /* who asked: "root", "uid 1000" */
    bool yes;                     /* rollback: also over data that may have changed */
    bool keep;                    /* upgrade: go on with the one that failed */
    char image[ACC_NAME_MAX + 1]; /* upgrade: another reference than the file's; "" none */
    uint64_t group;               /* upgrade of several: set by the engine */
    bool build;                   /* upgrade: make the image anew where the file says how */
    uint32_t revision;            /* rollback: which one; 0 = the last stable one before this */
    enum acc_hold hold;           /* hold, maintenance */
    uint64_t for_ms;              /* how long it holds; 0: until it is released */
    char reason[ACC_HOLD_REASON_MAX + 1]; /* of a hold, for people; "" none */
    /* release: no hold ends, but bind sources with this root are taken as they are; "" all */
    char root[ACC_PLACE_MAX + 1];
};

enum acc_event_type {
    ACC_EV_CONN_UP = 0, /* the engine answered and the event stream is open: a new epoch begins; OBS
                           of every container follow, then SNAPSHOT */
    ACC_EV_CONN_DOWN,   /* the connection is gone: nothing may be done */
    ACC_EV_CONN_DEGRADED, /* it hangs: ping or list got no answer in time. CONN_UP ends it */
    ACC_EV_SNAPSHOT,      /* all containers of this epoch's list were told; the others are gone */
    ACC_EV_OBS,
    ACC_EV_GONE, /* `cid` does not exist any more */
    ACC_EV_HINT,
    ACC_EV_OP_DONE,
    ACC_EV_OP_LATE, /* the wait for `op` is over, its request still runs: settle by inspecting */
    ACC_EV_PROBE,
    ACC_EV_COMPARED, /* answer to COMPARE */
    ACC_EV_LOOKED,   /* what a registry has; answer to LOOK_UP, or because somebody asked */
    ACC_EV_CLOCK,    /* what the clock on the wall says */
    ACC_EV_CMD,
    ACC_EV_TIMEOUT,  /* acc_engine_deadline() has come */
    ACC_EV_SHUTDOWN, /* the host goes down, or stays up after all */
    ACC_EV_HOST,     /* what is known of a condition of the host; at any time, also first of all */
};
#define ACC_EV_TYPE_COUNT 17

struct acc_event {
    enum acc_event_type type;
    uint64_t now_ms; /* monotonic; never goes back */
    union {
        struct {
            bool fresh_engine; /* conn_up: dockerd restarted since the last epoch (its boot id or
                                  start time changed); false when only the connection broke */
            bool live_restore;
        } conn;
        const struct acc_obs *obs; /* OBS */
        struct {                   /* GONE, HINT */
            const char *cid;
            enum acc_hint hint;
            int32_t exit_code; /* DIE; -1 when not told */
            int32_t signal;    /* KILL */
            int64_t time_ns;   /* the engine's clock */
        } hint;
        struct { /* OP_DONE, OP_LATE */
            uint64_t op;
            enum acc_op_result result;
            const char *cid; /* CREATE: the new container; CONFLICT: the holder of the name, or "";
                                PULL: the image's id */
            const char *message; /* the engine's own words; of a PULL that went well the digest in
                                    the registry, or ""; never NULL */
            const char
                *from_digest; /* PULL: how the registry calls action.from_id, else NULL or "" */
        } op;
        struct { /* PROBE */
            uint64_t op;
            enum acc_probe_verdict verdict;
            bool listens; /* one of the container's declared TCP ports is in LISTEN state */
            int32_t exit_code;
            const char *output; /* never NULL */
        } probe;
        struct { /* COMPARED */
            const char *cid;
            const char *spec; /* the spec_hash of its service that it was compared with */
            enum acc_likeness likeness;
            const char *text; /* what differs, for the history; never NULL, never a secret */
            bool is_alone;    /* the old one and one as the file says must not run at once */
        } compared;
        struct {                         /* LOOKED */
            const char *service, *image; /* its id, its reference in the file */
            enum acc_news news;
            const char *digest; /* OTHER: of what it means now; never NULL */
            const char *reason; /* UNKNOWN; never NULL */
        } looked;
        struct { /* CLOCK */
            int64_t unix_ms;
            struct acc_zone zone;
            /* Of the last minute: time in which all waited for memory, or for the disk (PSI). */
            uint32_t memory_permille, io_permille;
        } clock;
        struct {                   /* HOST */
            const char *condition; /* as in the file: "mount:/mnt/nas"; or a bind source's path */
            enum acc_tri is_met;
            const char *place; /* of a bind source, instead: where it lies (lib/model/place.h); ""
                                  or NULL: nobody can tell */
        } host;
        struct {                /* SHUTDOWN */
            bool is_cancelled;  /* it stays up */
            uint64_t budget_ms; /* so long it waits for us; 0: nothing is stopped any more */
        } shutdown;
        struct acc_cmd cmd;
    };
};
