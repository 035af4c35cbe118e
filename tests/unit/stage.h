#pragma once

/*
 * Stage: the engine with a Docker of few words around it, for tests that tell a story.
 *
 * It answers what the engine asks, at once and truthfully as the daemon would (what a container has
 * become is told before the operation is), unless the test has set it otherwise. Time passes only
 * in stage_run(). What was asked of Docker is kept as text: "create web; start web; ".
 */

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/engine/engine.h"
#include "tests/unit/model_builder.h"

#define STAGE_CONTAINERS_MAX 64u
#define STAGE_QUEUE_MAX      512u

struct stage_service {            /* how it behaves; all of it may be changed at any time */
    enum acc_probe_verdict probe; /* PASS unless the test says so */
    bool listens;
    enum acc_op_result create, start, route, drain; /* their results */
    bool is_busy;                                   /* somebody is always connected */
    const char *message;
    bool silent; /* operations on it are never answered */
    bool ignores_stop;
    enum acc_likeness likeness; /* DIFFERENT unless the test says so */
    bool resists;               /* a live change does not help */
    bool no_manual_flag;        /* HasBeenManuallyStopped can't be read */
    char image[32];             /* id of what its reference means now; "" for "img1" */
    char bad_image[32];         /* containers of this image, or this spec, exit at once */
    char sick_image[32];        /* ... and those of this one fail their checks */
    enum acc_op_result pull;
    bool is_pruned;                /* its image is gone, until one is ensured */
    enum acc_op_result pre, post;  /* of the commands around an upgrade */
    bool hangs;                    /* they don't end */
    char registry[32];             /* digest of what its reference means there; "" for what runs */
    char banned[ACC_HASH_LEN + 8]; /* its last COMPARE left this image alone */
    const char *registry_fails;    /* ... and why it can't be asked; NULL: it can */
};

struct stage_container {
    bool exists;
    bool manual;    /* HasBeenManuallyStopped */
    bool is_marked; /* drained */
    uint32_t svc;
    struct acc_obs obs;
};

struct stage {
    struct acc_model *model;
    struct acc_engine *engine;
    uint64_t now_ms;
    int64_t clock_ns; /* the engine's own: grows with each use */
    bool observe_new;
    struct stage_service service[64];
    struct stage_container container[STAGE_CONTAINERS_MAX];
    uint32_t n_cids;
    struct acc_actions actions;
    struct acc_event queue[STAGE_QUEUE_MAX];
    struct acc_obs queue_obs[STAGE_QUEUE_MAX];
    char queue_cid[STAGE_QUEUE_MAX][ACC_CID_LEN + 1];
    size_t n_queue;
    struct acc_buf trace; /* of what was asked of Docker since the last stage_trace() */
    struct acc_buf notes, incidents;
    bool show_ensure, show_probe, show_look, show_journal, show_compare;
    enum acc_op_result pull; /* result of every image from here on */
    const char *pull_of;     /* ... of this one alone */
    const char *no_network;  /* why none can be made; NULL: they can */
    const char *pull_message;
    uint64_t last_op[64]; /* of each service: the newest operation asked for */
    struct acc_service_record record[64];
    bool has_record[64];
    struct acc_revision_record revision[32]; /* as saved, newest last; one of a number */
    size_t n_revisions;
    size_t n_attempts; /* that came to nothing, as they were saved */
    int kill_after;    /* accd dies before this many more actions that change the world; -1 never */
    struct acc_stack_record stack_record[8];
    bool has_stack_record[8];
};

/* The stage takes the model over. Nothing is connected yet. */
void stage_open(struct stage *stage, struct acc_model *model);
void stage_close(struct stage *stage);
/* Open, connect, tell all containers, and answer until nothing moves at this moment. */
void stage_up(struct stage *stage, const char *text);
/* dockerd (as it stands) is there: CONN_UP, OBS of each container, SNAPSHOT. */
void stage_connect(struct stage *stage, bool fresh_engine);
void stage_event(struct stage *stage, enum acc_event_type type);
/* The newest operation of a silent service has come to this. */
void stage_answer(struct stage *stage, const char *name, enum acc_op_result result);
void stage_shut_down(struct stage *stage, uint64_t budget_ms); /* the host goes down */
/* Let time pass: deadlines and answers. 0: only what is due now. */
void stage_run(struct stage *stage, uint64_t ms);
/* accd dies and starts again with what was saved; not connected. */
void stage_restart_accd(struct stage *stage);
void stage_reconfigure(struct stage *stage, struct acc_model *model);

/* "acc_verb" on a target as `accctl` would do it; `flags`: d with dependents, v volumes. */
void stage_cmd(struct stage *stage, enum acc_verb verb, const char *target, const char *flags);

/* HOLD of one service, or MAINTENANCE of all; `for_ms` 0: until it is released. */
void stage_hold(struct stage *stage, enum acc_verb verb, const char *name, enum acc_hold kind,
                uint64_t for_ms);

/* The clock on the wall shows this from here on, in a zone without summer time. */
void stage_clock(struct stage *stage, int64_t unix_s);
/* Somebody asks what its registry has. */
void stage_outdated(struct stage *stage, const char *name);
/* Upgrade or rollback of one service; `image`: of --image, `revision`: of --to. */
void stage_upgrade(struct stage *stage, enum acc_verb verb, const char *name, const char *image,
                   uint32_t revision);
/* What somebody decides where an upgrade needs an operator: back (--yes), or on (--keep). */
void stage_decide(struct stage *stage, enum acc_verb verb, const char *name);
/* `accctl why` has these words. */
bool stage_why_says(const struct stage *stage, const char *name, const char *words);
/* By its own name, or NULL. */
struct stage_container *stage_named(struct stage *stage, const char *name);
/* All containers: "s-web-1 running img1 r1; ...", by name. */
const char *stage_containers(struct stage *stage);
/* Somebody removes it. */
void stage_rm_of(struct stage *stage, struct stage_container *container);
/* The process of this container ends. */
void stage_start_of(struct stage *stage, struct stage_container *container); /* by hand */
void stage_exit_of(struct stage *stage, struct stage_container *container, int32_t code);
/* A container, by the name of its service (slot 1) or "service#slot"; aborts without one. */
struct stage_container *stage_of(struct stage *stage, const char *name);
/* One that somebody else makes: no labels of ours. Not told yet. */
struct stage_container *stage_add(struct stage *stage, const char *name, bool running);
void stage_tell(struct stage *stage, const struct stage_container *container); /* OBS */
void stage_hint(struct stage *stage, const struct stage_container *container, enum acc_hint hint);
/* Its process ends: it is exited, and `die` is told. */
void stage_exit(struct stage *stage, const char *name, int32_t code);
void stage_docker_stop(struct stage *stage, const char *name); /* kill, die, stop */
void stage_docker_stop_of(struct stage *stage, struct stage_container *container);
void stage_docker_start(struct stage *stage, const char *name);
void stage_docker_rm(struct stage *stage, const char *name);
/* A health check of Docker has ended. */
void stage_health(struct stage *stage, const char *name, enum acc_docker_health health);

uint32_t stage_index(const struct stage *stage, const char *name);
enum acc_svc_state stage_state(const struct stage *stage, const char *name);
const char *stage_reason(const struct stage *stage, const char *name);
/* What was asked since the last call; valid until the next one. */
const char *stage_trace(struct stage *stage);
const char *stage_notes(struct stage *stage);
const char *stage_incidents(struct stage *stage); /* "db opened; db notified; db closed; " */

#define ck_stage(stage, want) ck_assert_str_eq(stage_trace(stage), want)
#define ck_state(stage, name, want)                                                                \
    ck_assert_str_eq(acc_svc_state_name(stage_state(stage, name)), want)
