#pragma once

/*
 * What the files of lib/engine share. Nobody else includes this.
 *
 * A service is what the user wrote; an instance is one slot of it with the container that was seen
 * in it. Events change facts and mark services dirty; acc_eng_settle() then looks at each dirty
 * service once more, until nothing changes, and only then asks for actions.
 */

#include "lib/base/assert.h"
#include "lib/engine/engine.h"

/* Containers of scaled-down or foreign numbers that a service can have beside its replicas. */
#define EXTRA_SLOTS 4u
/* Changing operations in flight; starts and pulls have narrower limits of their own. dockerd works
 * on a handful at a time (facts: 4 starts saturate 2 cores). */
#define OPS_MAX 32u
/* Health commands run by accd at once: each costs 45 ms of CPU in the engine. */
#define EXEC_PROBES_MAX 4u
/* Closed incidents that stay readable, with the open ones. */
#define INCIDENTS_MAX 64u
#define IMPACT_MAX    256u
/* Failures remembered for the budget; the budget itself is a handful. */
#define FAILURES_MAX 32u
/* After an API kill Docker tells `stop` at once if it was one. */
#define KILL_SETTLE_MS 1000u
/* A stop is given its grace and what the engine itself waits afterwards: 10 s for the kill, 2 + 2 s
 * for the exit event (moby daemon/stop.go). */
#define STOP_EXTRA_MS 14000u
#define STALE_LOOK_MS                                                                              \
    5000u /* a container that was not told in this epoch is asked for this often */
#define ENSURE_RETRY_MS 30000u

enum fail_class {
    FAIL_NONE = 0,
    FAIL_CONFIG,
    FAIL_START,
    FAIL_EXIT,
    FAIL_OOM,
    FAIL_NEVER_READY,
    FAIL_UNHEALTHY,
    FAIL_LOST,
};

/* Why a running container is to be stopped although its service is wanted up. */
enum again {
    AGAIN_NONE = 0,
    AGAIN_RESTART,  /* stop, start */
    AGAIN_RECREATE, /* stop, remove, create, start */
};

struct edge {
    enum acc_edge_kind kind;
    enum acc_edge_condition condition;
    enum acc_on_down on_down;
    bool at_create;
    uint32_t target;
};

struct instance {
    uint32_t svc, slot; /* slot 0: an unused extra */
    enum acc_inst_state state;
    uint64_t since_ms;
    char cid[ACC_CID_LEN + 1];
    char name[ACC_NAME_MAX + 1];
    uint64_t epoch; /* of the newest observation */

    /* the newest observation */
    enum acc_container_state ctr;
    int64_t pid, started_ns;
    int32_t exit_code; /* of the last run; -1: none */
    bool oom, has_health;
    int64_t interval_ms, timeout_ms, start_period_ms;
    uint32_t retries;
    size_t n_ports;
    char image_id[ACC_HASH_LEN + 8];
    char spec_hash[ACC_HASH_LEN + 1];
    enum acc_restart_policy policy;
    char output[ACC_OUTPUT_MAX + 1]; /* of the newest check */

    enum acc_verdict verdict;
    int64_t verdict_start_ns;   /* of the log entry that it rests on */
    uint64_t verdict_ms;        /* when a check last told anything */
    bool waiting;               /* the check said: waits for a person */
    bool ran_before;            /* ran when accd arrived */
    uint64_t presumed_until_ms; /* READY by presumption until then; 0: by evidence */
    bool was_ready;             /* in this run */
    uint64_t ready_ms;          /* since when READY */
    uint64_t degraded_ms;       /* since when not healthy */

    /* the operation in flight */
    uint64_t op;
    enum acc_action_type op_kind;
    uint64_t op_ms;
    bool op_is_late;

    /* accd's own checks */
    uint64_t probe_op;
    uint64_t probe_next_ms, probe_pause_ms, first_pass_ms;
    bool probe_exec; /* the probe in flight is a health command */
    bool own_checks; /* Docker's monitor has fallen silent */

    /* signs of somebody else's hand */
    uint64_t kill_hint_ms; /* an API kill that was not ours; 0: none */
    uint64_t stop_hint_ms; /* a stop that was not ours */
    bool exit_unsettled;   /* exited; whose doing it was is not known yet */
    uint64_t settle_ms;    /* until then it is waited for */
    bool asked_manual;
    enum again again;
    bool stop_was_ours;     /* the last stop was asked by us: its exit is no failure */
    uint64_t kill_after_ms; /* STOPPING: then KILL; 0: done */
    uint64_t look_ms;       /* next INSPECT of one that is indeterminate */
};

struct service {
    char *text; /* owned: the block behind the strings below */
    const char *id, *stack_name, *name, *phase, *tier, *image, *container_name;
    uint32_t stack;
    char spec_hash[ACC_HASH_LEN + 1];
    uint32_t n_replicas;
    enum acc_restart_policy restart;
    uint32_t restart_max;
    bool one_shot, stateful, restart_on_unhealthy, health_disabled, removed;
    uint64_t grace_ms;
    enum acc_probe_kind probe;
    struct acc_timing timing;
    struct edge *edges; /* owned */
    size_t n_edges;
    uint32_t *dependents; /* borrowed from engine->dependent_of */
    size_t n_dependents;
    uint32_t *resources; /* owned: model indexes */
    size_t n_resources;
    struct instance *inst; /* owned */
    uint32_t n_inst;       /* n_replicas + EXTRA_SLOTS */

    /* what is wanted */
    bool wanted_up, wanted_removed, held; /* held: stopped by hand */
    bool hand_back;
    bool is_new; /* no record: the first snapshot decides */
    char asked_by[64];
    char applied_spec[ACC_HASH_LEN + 1];
    char done_spec[ACC_HASH_LEN + 1];
    char canonical[ACC_NAME_MAX + 1];
    bool done;
    bool ready_once; /* since accd knows it: milestones */

    /* failures */
    uint32_t n_failures, n_restarts, n_opens;
    uint64_t failed_ms[FAILURES_MAX]; /* a ring; with weights as entries */
    uint32_t n_failed;
    uint64_t last_delay_ms, prev_delay_ms;
    uint64_t backoff_until_ms, open_until_ms; /* 0: none */
    bool half_open;
    enum fail_class fail;
    uint64_t fail_ms;
    bool fail_counted; /* the last one: may be taken back within the attribution window */
    uint32_t fail_weight;
    bool fail_attributed; /* the last exit was somebody else's fault */
    char fail_text[ACC_OUTPUT_MAX + 1];
    uint64_t recover_by_ms; /* post-recovery: not READY by then is one restart; 0: none */
    bool recovered_once;
    bool said_would;

    /* derived */
    bool ready, running, terminal;
    uint64_t ready_ms; /* since when `ready` */
    uint64_t bad_ms;   /* last moment at which it was wanted up and not ready */
    uint64_t flap_ms;  /* last loss of readiness */
    enum acc_svc_state state;
    uint64_t since_ms;
    uint64_t deadline_ms; /* its own next timer */
    uint32_t heap_pos;
    bool is_dirty;
    bool save;
};

enum res_state { RES_UNKNOWN = 0, RES_ENSURING, RES_PRESENT, RES_FAILED, RES_REMOVING };

struct resource {
    enum acc_resource_kind kind;
    uint32_t stack;
    bool external;
    char *name; /* owned */
    enum res_state state;
    uint64_t op;
    uint64_t retry_ms;
    bool is_config; /* the failure's class */
    char problem[ACC_OUTPUT_MAX + 1];
};

struct stack {
    char *name;            /* owned */
    bool observing, known; /* known: has a record, or its mode was decided */
    bool removing;         /* `down` of the whole stack: networks go after the last container */
    bool removing_volumes;
    bool save;
    bool is_dirty;
};

struct op {
    uint64_t id; /* 0: free */
    enum acc_action_type kind;
    uint32_t svc, slot, res;
};

struct incident {
    uint64_t id;   /* 0: free */
    uint32_t root; /* a service, or ACC_NONE: the engine itself */
    char root_name[2 * ACC_NAME_MAX + 2];
    char cause[ACC_REASON_MAX + 1];
    uint64_t since_ms, closed_ms, good_ms;
    bool open, notified;
    uint32_t impact[IMPACT_MAX];
    size_t n_impact;
};

struct slot_ref {
    uint32_t svc, inst; /* svc ACC_NONE: empty */
};

struct acc_engine {
    struct service *services;
    size_t n_services, n_model; /* the first n_model are of the running configuration */
    struct stack *stacks;
    size_t n_stacks;
    struct resource *resources;
    size_t n_resources;
    uint32_t *dependent_of; /* flat lists of dependents */
    uint32_t *order;

    struct slot_ref *by_cid; /* open addressing, power of two */
    size_t by_cid_size;
    uint32_t *by_id;
    size_t by_id_size;

    uint64_t now_ms;
    uint64_t rng;
    uint64_t next_op;
    uint64_t epoch;
    bool connected, degraded, snapshot, shutdown, ever_connected;
    uint64_t connected_ms, disconnected_ms;
    bool list_wanted;
    uint64_t list_ms;
    bool observe_new;
    uint64_t started_ms; /* of accd: the first event */
    bool has_started;

    struct op ops[OPS_MAX];
    size_t n_ops, n_starts, n_pulls, n_exec;
    struct acc_timing timing; /* of the first service, for the engine's own times */

    uint32_t *dirty; /* a ring of service indexes */
    size_t dirty_head, dirty_n;
    uint32_t *heap; /* services by deadline */
    size_t heap_n;
    bool again_now; /* actions were left over */

    struct incident incidents[INCIDENTS_MAX];
    uint64_t next_incident;
    uint32_t *stamp; /* visit marks */
    uint32_t stamp_now;
    uint32_t *queue; /* scratch of n_services */

    struct acc_actions *out; /* of the running step */
    uint64_t trace;
};

/* --- index.c --------------------------------------------------------------------------------- */
void acc_eng_cid_add(struct acc_engine *e, struct instance *inst);
struct instance *acc_eng_cid_find(const struct acc_engine *e, const char *cid);
void acc_eng_cid_remove(struct acc_engine *e, const struct instance *inst);
int acc_eng_index_create(struct acc_engine *e);
uint32_t acc_eng_id_find(const struct acc_engine *e, const char *stack, const char *service);
void acc_eng_mark(struct acc_engine *e, uint32_t svc); /* look at this service again */
void acc_eng_mark_around(struct acc_engine *e,
                         uint32_t svc); /* and at its dependents and dependencies */
void acc_eng_mark_all(struct acc_engine *e);
uint32_t acc_eng_dirty_next(struct acc_engine *e); /* ACC_NONE when there is none */
void acc_eng_deadline_set(struct acc_engine *e, uint32_t svc, uint64_t deadline_ms);

/* --- emit.c ---------------------------------------------------------------------------------- */
/* The next free action, or NULL when the caller's buffer is full: then the step is repeated. */
struct acc_action *acc_eng_emit(struct acc_engine *e, enum acc_action_type type);
bool acc_eng_has_room(const struct acc_engine *e, size_t n);
void acc_eng_note(struct acc_engine *e, enum acc_note_kind kind, uint32_t svc, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Journal and send an operation on an instance. False: no room, or too many in flight. */
bool acc_eng_operate(struct acc_engine *e, struct instance *inst, enum acc_action_type kind);
/* The restart policy that the file asks Docker for. */
enum acc_restart_policy acc_eng_wanted_policy(const struct service *s);
bool acc_eng_operate_resource(struct acc_engine *e, uint32_t res, enum acc_action_type kind);
struct op *acc_eng_op_find(struct acc_engine *e, uint64_t id);
void acc_eng_op_end(struct acc_engine *e, struct op *op, enum acc_op_result result);
void acc_eng_look(struct acc_engine *e, const char *cid, bool manual_stop);
uint64_t acc_eng_jitter(struct acc_engine *e, uint64_t ms); /* +-20 % */
uint64_t acc_eng_earliest(uint64_t a, uint64_t b); /* the earlier of two deadlines; 0 means none */

/* --- observe.c ------------------------------------------------------------------------------- */
void acc_eng_on_obs(struct acc_engine *e, const struct acc_obs *obs);
void acc_eng_on_gone(struct acc_engine *e, const char *cid);
void acc_eng_on_hint(struct acc_engine *e, const struct acc_event *event);
void acc_eng_on_snapshot(struct acc_engine *e);
void acc_eng_on_probe(struct acc_engine *e, const struct acc_event *event);
void acc_eng_on_op(struct acc_engine *e, const struct acc_event *event);
void acc_eng_move(struct acc_engine *e, struct instance *inst, enum acc_inst_state to);
void acc_eng_forget_container(struct acc_engine *e, struct instance *inst);
bool acc_eng_is_running(const struct instance *inst);
const char *acc_eng_name_of(const struct acc_engine *e, const struct instance *inst, char *buf,
                            size_t size);

/* --- fail.c ---------------------------------------------------------------------------------- */
void acc_eng_fail(struct acc_engine *e, struct service *s, enum fail_class class, const char *text);
void acc_eng_take_back_failures(struct acc_engine *e,
                                struct service *s); /* a dependency turned out to be bad */
void acc_eng_reset_failures(struct acc_engine *e, struct service *s);
void acc_eng_count_ready(struct acc_engine *e,
                         struct service *s); /* resets by time, closes the breaker */
uint32_t acc_eng_failures_in_window(const struct acc_engine *e, const struct service *s);
bool acc_eng_is_attributed(struct acc_engine *e, const struct service *s);

/* --- gate.c ---------------------------------------------------------------------------------- */
bool acc_eng_is_hard(enum acc_edge_kind kind);
bool acc_eng_edge_holds(const struct acc_engine *e, const struct service *s,
                        const struct edge *edge);
bool acc_eng_is_bad(const struct service *s); /* wanted up, not ready */
/* The first edge that keeps `s` from being created or started, or NULL. */
const struct edge *acc_eng_gate_edge(const struct acc_engine *e, const struct service *s,
                                     bool create);
/* May this instance be started now? */
bool acc_eng_may_start(struct acc_engine *e, struct service *s);
bool acc_eng_may_create(struct acc_engine *e, struct service *s);
bool acc_eng_may_stop(const struct acc_engine *e, const struct service *s);
/* Roots of what is wrong with `s`, never `s` itself; at most `cap`. */
size_t acc_eng_roots_of(struct acc_engine *e, uint32_t svc, uint32_t *roots, size_t cap);
uint64_t acc_eng_recovery_grace(const struct service *s);

/* --- decide.c -------------------------------------------------------------------------------- */
void acc_eng_settle(struct acc_engine *e);
uint64_t acc_eng_start_deadline(const struct service *s, const struct instance *inst);
uint64_t acc_eng_degraded_grace(const struct service *s, const struct instance *inst);

/* --- incident.c ------------------------------------------------------------------------------ */
void acc_eng_incident_open(struct acc_engine *e, uint32_t root, const char *cause);
void acc_eng_incidents_tick(struct acc_engine *e);
uint64_t acc_eng_incidents_deadline(const struct acc_engine *e);

/* --- command.c ------------------------------------------------------------------------------- */
void acc_eng_on_cmd(struct acc_engine *e, const struct acc_cmd *cmd);

/* --- record.c -------------------------------------------------------------------------------- */
void acc_eng_restored_times(
    struct acc_engine *e); /* at the first step: what was left is due when */

/* --- view.c ---------------------------------------------------------------------------------- */
void acc_eng_reason_of(const struct acc_engine *e, uint32_t svc, char *out, size_t size);
