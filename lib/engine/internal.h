#pragma once

/*
 * What the parts of the engine share: its tables, and what each part offers the others.
 *
 * A service holds desire, edges, breaker and backoff; an instance is one slot of it (1..replicas)
 * with the container that was observed there. A container that claims a slot which is taken, or one
 * beyond the replicas, lives in a spare instance that hangs on its service. All tables are sized by
 * build.c; step() never allocates.
 *
 * A step has two phases. update() of a service propagates facts and ends in derive(); act() asks
 * for at most one change of the world per instance. Both look at state only, so a lost, doubled or
 * late event costs nothing but time.
 */

#include "lib/base/arena.h"
#include "lib/base/assert.h"
#include "lib/engine/engine.h"
#include "lib/engine/host.h"
#include "lib/engine/index.h"
#include "lib/engine/queue.h"
#include "lib/engine/serial.h"

/* Health commands run by accd at once: one costs 53 ms of CPU (facts: docker-api.md 9), and Docker
 * runs its own beside them. */
#define ACC_EXEC_PROBES_MAX 4u
/* After a `die` behind a foreign kill: how long to wait for the `stop` that tells `docker stop`
 * from `docker kill`. The engine sends it within milliseconds. */
#define ACC_KILL_SETTLE_MS 1000u
/* An inspect that isn't answered is asked again; the daemon's own limit is as long. */
#define ACC_INSPECT_AGAIN_MS 6000u
/* A comparison that isn't answered, or could not be made, is asked for again. */
#define ACC_COMPARE_AGAIN_MS 60000u
/* Looks at one container: at most this many a second, however many hints come. */
#define ACC_INSPECTS_PER_S 4u
/* A stop that the engine didn't bring to its end: its own kill wait is 10 s + 2 s + 2 s. */
#define ACC_STOP_EXTRA_MS 14000u
/* After our kill: then the container is put aside. */
#define ACC_KILL_PATIENCE_MS 30000u
/* Put aside: try again slowly. */
#define ACC_QUARANTINE_RETRY_MS 60000u
/* Two containers run for one slot: what `docker compose up` does beside us is over by then. */
#define ACC_TWINS_SETTLE_MS 10000u
/* Restarts after the engine itself was away: 8 at once, then 2 a second (E5, heal tokens). */
#define ACC_HEAL_BURST    8u
#define ACC_HEAL_EVERY_MS 500u
/* Stops and removals at once; each holds a connection while the container takes its grace. */
#define ACC_STOPS_MAX 32u
/* When the host goes down there is no time to take turns; connections are bounded by the open files
 * that systemd allows (1024). */
#define ACC_SHUTDOWN_STOPS_MAX 256u
/* Lifecycle hooks at once; each holds a connection and a process of the engine's. */
#define ACC_HOOKS_MAX 16u
/* All pre_stop hooks of a container: what is saved before a stop may take minutes, and yet a stop
 * must come to its end. */
#define ACC_PRE_STOP_LIMIT_MS 600000u
/* Volumes made at once. Networks: one, Docker 20.10 makes doubles (facts: docker-api.md 0.19). */
#define ACC_VOLUMES_MAX 8u
/* Budget entries that are remembered; more than any sensible budget. */
#define ACC_FAILURES_MAX 16u
/* Failures that attribution may still take back: 5 s hold no more than the fast lane and 1, 2 s. */
#define ACC_UNSETTLED_MAX 4u
/* Incidents of which a service is known to be a victim. */
#define ACC_HITS_MAX 8u
/* Closed incidents that are remembered. */
#define ACC_CLOSED_INCIDENTS_MAX 64u
/* "unstable": so many counted failures in an hour. */
#define ACC_UNSTABLE_FAILURES 3u
#define ACC_UNSTABLE_MS       3600000u
/* Actions that one update or one act of an instance may ask for. */
#define ACC_ROOM 16u

#define ACC_ROOT_ENGINE (UINT32_MAX - 1) /* the root of an incident that is no service */
#define ACC_TEXT_MAX    191u
/* "asked by" of what didn't run when its stack was found: nobody has. No user is called so. */
#define ACC_FOUND_OFF "found off"
/* ... when it has left its file: back in it, it is wanted again. */
#define ACC_LEFT_FILE "left its file"

enum contact { CONTACT_UNKNOWN, CONTACT_OBSERVING, CONTACT_MANAGING };
/* To be handed back when nothing of it is amid an upgrade; one of those waits for somebody. */
enum leave { LEAVE_NONE, LEAVE_ASKED, LEAVE_REFUSED };
enum conn { CONN_NEVER, CONN_UP, CONN_DOWN, CONN_DEGRADED };

enum fail_class {
    FAIL_CONFIG,
    FAIL_START,
    FAIL_EXIT,
    FAIL_OOM,
    FAIL_NEVER_READY,
    FAIL_UNHEALTHY,
};
#define FAIL_CLASS_COUNT 6

/* What is bounded over all services. */
enum token { TOKEN_START, TOKEN_CREATE, TOKEN_STOP, TOKEN_PROBE, TOKEN_HOOK };
#define TOKEN_COUNT 5

/* What a container's name makes of it (E8): <canonical>.c7, .r3, .bad7. */
enum role { ROLE_NONE, ROLE_CANDIDATE, ROLE_RETIRED, ROLE_BAD };

/* The post_start hooks of a run. Not over: it is not ready. */
enum hooks { HOOKS_OVER, HOOKS_DUE, HOOKS_FAILED };

enum breaker { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_HALF_OPEN };

/* Why a run that is under way shall end, although its service is wanted up. */
enum end_cause {
    END_NONE,
    END_ASKED,      /* an operator's restart */
    END_DEPENDENCY, /* E3: restart after the dependency is ready again */
    END_HEALTH,     /* unhealthy, or never ready */
    END_RECOVERY,   /* did not recover after its dependency did */
};

/* What happens to a dependency, the rows of the E3 table that this engine knows. */
enum dep_event {
    DEP_STOPS,    /* planned stop */
    DEP_RESTARTS, /* planned restart, or recreated for a changed spec */
    DEP_CRASHES,  /* and comes back */
    DEP_DEGRADED,
    DEP_DOWN, /* OPEN, FAILED, HELD */
};
#define DEP_EVENT_COUNT 5
enum reaction {
    REACT_NONE,    /* nothing: keeps running, not even impaired for good */
    REACT_RIDE,    /* keeps running, impaired */
    REACT_RESTART, /* restarted when the dependency is ready again */
    REACT_FIRST,   /* stopped before the dependency, started after it */
    REACT_STOP,    /* stopped, then blocked */
};

struct edge {
    uint32_t from, to;
    enum acc_edge_kind kind;
    enum acc_edge_condition condition;
    enum acc_on_down on_down;
    bool at_create;
    bool is_link;
};

struct stack {
    const char *name;
    enum contact contact;
    uint32_t need_list; /* UNKNOWN: the list that shows all of its containers, or a later one */
    bool is_recovered;  /* managed by what its containers say: its record was lost */
    bool is_returned;   /* UNKNOWN: managed before, and away from the files since */
    bool handing_back;
    bool is_handed_back;  /* by this accd: who waited for something of it is told how that went */
    bool is_to_take_over; /* adopted before its containers were seen */
    enum leave leave;
    bool save;
    bool drop_networks, drop_volumes; /* `down` of the whole stack: with its last container */
    uint32_t first_res, n_res;        /* resources of the model that are its own */
    uint32_t n_present;               /* containers */
};

struct phase {
    const char *name;
    enum acc_rollback_scope rollback;
    bool has_gate;
    uint64_t healthy_for_ms;
    bool is_open;
    uint32_t n_wanted, n_pending; /* members that are wanted, and that hold the next one up */
    uint32_t n_running;           /* wanted ones of which a container is seen to run */
};

#define RES_KINDS 3
enum res_state { RES_UNKNOWN, RES_BUSY, RES_THERE, RES_FAILED };
struct resource {
    enum acc_resource_kind kind;
    uint32_t stack;
    const char *key, *name;
    bool external;
    uint32_t first_user, n_users; /* services */
    uint32_t condition;           /* of a network or volume: the root that it may be; or ACC_NONE */
    enum res_state state;
    uint64_t op;
    bool is_removal; /* what `op` is */
    uint32_t epoch;  /* in which `state` was found */
    uint32_t n_failures;
    uint64_t retry_ms;
    enum acc_op_result result;
    char error[ACC_TEXT_MAX + 1];
};

struct instance {
    uint32_t svc, slot;
    uint32_t next_spare; /* list of spares of the service, or of free ones */
    bool is_spare;
    enum acc_inst_state state;

    /* the container */
    bool present;
    bool is_adopted; /* not made by accd: has no io.acc.spec */
    enum role role;
    uint64_t role_number; /* of the name */
    uint32_t revision;    /* io.acc.revision, 0 none */
    uint32_t epoch;       /* of the newest observation */
    uint64_t seen_ms;     /* and when it came */
    uint32_t list;        /* generation of the list that it was seen after */
    bool maybe_gone;      /* missing in a list; an inspect will tell */
    char cid[ACC_CID_LEN + 1];
    uint64_t cid_hash; /* where it stands in by_cid */
    char name[ACC_NAME_MAX + 1];
    char spec[ACC_HASH_LEN + 1];
    char image_id[ACC_HASH_LEN + 8];
    char image_ref[ACC_NAME_MAX + 1]; /* that it was made of */
    enum acc_container_state obs;
    bool unrouted, drain_file;
    bool has_networks, lacks_ports;
    char networks[ACC_OBS_NETWORKS_MAX + 1]; /* as observed */
    char volumes[ACC_OBS_VOLUMES_MAX + 1];   /* likewise */
    char shares[ACC_OBS_SHARES_MAX + 1];     /* likewise; "": not known, or with nobody */
    int64_t pid;
    int32_t exit_code;
    bool oom;
    int64_t started_ns, finished_ns;
    enum acc_restart_policy policy;
    uint32_t policy_max;
    uint64_t policy_retry_ms;
    uint16_t n_ports;
    char error[ACC_TEXT_MAX + 1];

    /* looking at it */
    bool want_look, inspecting, inspect_again, need_obs, ask_manual;
    uint64_t inspect_ms; /* of the last one sent */
    uint64_t inspect_1s; /* begin of the second in which ... */
    uint32_t n_inspects; /* ... so many were sent */
    enum acc_tri manual; /* answer to ask_manual */
    bool manual_answered;
    uint32_t need_list; /* no action until a snapshot of this generation; 0 none */

    /* compared with the file by meaning, where its spec is another one or none */
    bool comparing;
    uint64_t compare_ms;               /* when it was last asked for */
    char compared[ACC_HASH_LEN + 1];   /* the spec that `likeness` speaks of; "" for none */
    char live_tried[ACC_HASH_LEN + 1]; /* the spec for which it was changed live, well or not */
    enum acc_likeness likeness;

    /* the operation in flight */
    uint64_t op;
    enum acc_action_type op_type;
    uint64_t op_ms;
    bool op_late;
    bool start_unsettled; /* a start of ours got lost: a new run may be ours */
    uint64_t stop_ms;     /* first stop of this run, 0 none */
    uint64_t kill_ms;
    uint32_t n_removes; /* failed ones */
    enum acc_restart_policy policy_asked;
    uint32_t policy_asked_max;
    char rename_to[ACC_NAME_MAX + 1];
    bool restart_due;  /* its next start is a restart */
    bool resumes;      /* it was stopped to be started again with what it needs, and was well */
    uint64_t retry_ms; /* of a stop, kill or removal that failed */
    bool quarantined;
    uint64_t quarantine_ms;
    bool recreate; /* the container can't work as it is (its network is gone) */
    bool rejoin;   /* likewise, and it is kept: it is put on its networks anew */
    char conflict_cid[ACC_CID_LEN + 1]; /* holds our name; is looked at */
    uint64_t conflict_ms;

    /* the run */
    int64_t run_ns;  /* started_ns of the run that is or was under way */
    uint64_t run_ms; /* when we saw it begin */
    bool ran_before; /* it ran before accd came */
    uint64_t
        found_ms; /* what accd found began then, maybe before our clock: told as a difference */
    int64_t handled_ns; /* the run whose end was dealt with */
    bool exit_pending;
    uint64_t exit_ms;
    bool exit_away;       /* it ended while we weren't looking */
    bool exit_engine;     /* ... because the engine itself went down */
    bool exit_apart;      /* ... and it ended while no engine could be reached */
    bool exit_before;     /* ... before accd came */
    bool exit_doubted;    /* ... and the connection was lost before its cause was clear */
    bool heal;            /* its start costs a heal token */
    int64_t own_stop_ns;  /* the run that we ended */
    int64_t stop_hint_ns; /* the run that a foreign stop ended */
    int64_t kill_hint_ns, oom_hint_ns, die_hint_ns;
    uint64_t kill_hint_ms;
    int32_t kill_signal;
    uint64_t hold_ms; /* a foreign stop, not yet believed; 0 none */
    bool held;        /* by hand, believed: stopped, or removed when it isn't present */
    bool final;       /* its end was its last: one-shot, `no`, on-failure:N */
    enum end_cause end;
    uint64_t twins_ms; /* spare: since when both run */

    /* readiness */
    bool has_health;
    int64_t interval_ms, timeout_ms, start_period_ms;
    uint32_t retries;
    enum acc_docker_health health;
    int64_t health_ns;        /* begin of the newest log entry */
    int64_t health_ignore_ns; /* entries up to here don't count (pause, live-restore) */
    uint64_t health_seen_ms;  /* when that entry was first seen */
    int32_t health_exit;
    char output[ACC_TEXT_MAX + 1];
    bool ready;
    bool was_ready; /* in this run */
    uint64_t ready_ms;
    uint64_t presumed_ms; /* ready by presumption until then; 0 no */
    bool degraded, waiting;
    uint64_t degraded_ms;
    uint64_t probing_ms;    /* the start deadline counts from here */
    uint64_t standstill_ms; /* its clock stands still since; 0: it runs */
    bool overdue;           /* it did not get ready in time, and was left running */
    bool frozen;            /* Docker's monitor is dead: we check ourselves */
    uint32_t n_fails;       /* of our own checks in a row */
    uint64_t probe_op, probe_sent_ms, probe_ms, probe_delay_ms, first_pass_ms;
    uint64_t pass_ms;    /* the last one that passed */
    uint64_t checked_ms; /* a check, of Docker's or our own, was last seen to pass */
    bool probe_exec;     /* the probe in flight counts against ACC_EXEC_PROBES_MAX */
    bool probe_forced, is_forced;
    bool is_port_unseen; /* found ready: whether one of its ports listens is yet to be looked at */

    /* drained (rollout_drain.c) */
    uint64_t drain_ms;     /* the proxy was told then; 0: not */
    int64_t drain_lost_ns; /* a telling got lost in this run, and may still come true; 0: none */
    uint64_t out_ms; /* it can be seen in its health that the proxy leaves it alone; 0: not yet */
    bool probe_idle; /* the probe in flight asks for connections */
    uint64_t idle_ms, idle_ask_ms; /* nobody was connected then; when to ask again */
    bool listens;

    enum hooks hooks;
    uint64_t hook_op, hook_ms, hook_retry_ms;
    bool hook_is_stop;
    int64_t pre_stop_ns; /* the run whose pre_stop hooks are over */

    char would[32]; /* what was last said about it while observing */
};

struct failure {
    uint64_t at_ms;
    uint32_t weight;
};
struct unsettled { /* the accounts before a failure that may be taken back */
    uint64_t at_ms;
    uint32_t n_failures, n_opens, n_ring;
    uint64_t last_delay_ms, exit_delay_ms, backoff_ms, open_ms;
    enum breaker breaker;
    enum fail_class delay_class;
};

/* An upgrade under way, or the last one. */
enum roll_result { ROLL_NONE, ROLL_UP_TO_DATE, ROLL_COMMITTED, ROLL_ROLLED_BACK, ROLL_FAILED };
struct rollout {
    struct acc_rollout_record is; /* what survives accd */
    enum roll_result result;      /* of the last one */
    uint64_t op;                  /* the pull, or the hooks, in flight */
    bool op_is_pull;
    bool is_entered; /* the step was begun by this accd; else it may have been half done */
    uint64_t begun_ms, took_ms, since_ms, seen_ms, deadline_ms, paused_ms, retry_ms;
    bool is_paused;      /* what it stands on is bad, since `seen_ms` or before */
    uint64_t still_ms;   /* its clock stands still since; 0: it runs */
    uint64_t fail_ms;    /* the new one failed then, and it isn't clear yet whose fault it was */
    uint64_t gone_ms;    /* somebody removed it then, though not the one that is kept for it */
    bool is_by_hand;     /* ... because a person ended it */
    bool is_marked;      /* the old one may have been told to drain */
    uint32_t n_undrains; /* failed ones */
    uint64_t proof_ms;   /* ROUTE: it is to pass a check again, one of after this; 0 none */
    int64_t judged_ns;   /* the run of the new one whose end was looked at */
    uint32_t n_tries, n_excused;
    uint32_t n_bereft;  /* times that a container of the new one was of no use, in all steps */
    uint32_t waits_for; /* service, or ACC_NONE */
    uint64_t frozen_ms; /* a hold keeps it where it is, since then; 0: none does */
    bool is_proven;     /* its watch is over; others of its group are waited for */
    uint64_t ask_group; /* ... of the one that is asked for */
    uint64_t ended_ms;  /* the last one; the next begins after its records are saved */
    bool is_asked;      /* another one, when this one has ended */
    bool ask_back, ask_build;
    bool is_build; /* this one builds */
    uint32_t ask_revision;
    uint32_t refused_revision; /* what the last rollback meant, and isn't there; or 0 */
    bool is_keep_refused;      /* the last order was to keep it, and nothing waited for that */
    char ask_image[ACC_NAME_MAX + 1], ask_by[64];
    char ask_digest[ACC_HASH_LEN + 8];    /* exactly this one; "": what the reference means */
    char ask_refusal[ACC_OUTPUT_MAX + 1]; /* it won't be begun: why; "" it will */
    bool is_undo_asked;                   /* a person takes it back */
    bool is_anew, is_anew_told; /* its watch began anew with this accd; and that was noted */
    bool is_taken;              /* a person has seen enough of it: the watch ends */
    bool is_refused;            /* ROLL_FAILED: nothing was tried, there is a ban on it */
    bool is_unfit;              /* ROLL_FAILED: nor is it ever, it isn't of that kind */
    bool is_coming;             /* as its group was told: it will follow its file by a rollout */
    bool is_here;               /* PULL: its image is; those that go back with it are waited for */
    bool is_queued;             /* waits for its turn */
    bool has_turn;              /* CREATE: it has it */
};
struct revision {
    uint32_t number;
    char image[ACC_NAME_MAX + 1], image_id[ACC_HASH_LEN + 8], digest[ACC_HASH_LEN + 8];
    char spec[ACC_HASH_LEN + 1];
};

/* What a person has forbidden. `is.left_ms` is set between restoring and the first step only. */
struct hold {
    struct acc_hold_record is;
    uint64_t until_ms; /* 0: until it is released */
    uint64_t saved_ms;
};

/* Upgrades by itself. */
struct autos {
    bool is_set;
    struct acc_auto_spec spec;
    struct acc_auto_record is;  /* what survives accd */
    uint64_t look_ms;           /* the registry was asked then; 0: it isn't being asked */
    int64_t again_s;            /* neither asked nor tried before */
    int64_t opening_s;          /* begin of the window that was last seen open ... */
    int64_t spread_s;           /* ... and how long after it this service begins */
    char why[ACC_TEXT_MAX + 1]; /* the registry could not be asked */
};

/* The clock on the wall, as it was last told. */
struct wall {
    bool is_known, is_pressed;
    bool is_due; /* something was told since upgrades by itself were last thought of */
    int64_t unix_ms;
    uint64_t at_ms;
    struct acc_zone zone;
};

/* An incident in which a service is counted as suffering. */
struct suffered {
    uint32_t at; /* in the table */
    uint64_t id; /* what was there then: the place may have got another one */
};

/* An incident of which a service is a victim, and its place in the list of those (victim.c). */
struct hit {
    uint64_t incident;
    uint32_t at;         /* in the table, when it was put there; ACC_NONE: forgotten */
    uint32_t prev, next; /* places of others, or ACC_NONE */
};

/* "The port is taken" is tried for ever, but who waits for it is told after so many attempts. */
#define ACC_TOLD_ATTEMPTS 3u

/* renew.c: is something of what a service stands on to be made anew? */
enum renewal {
    RENEWAL_NONE = 0,
    RENEWAL_STUCK, /* it would be, but what it takes isn't to be had */
    RENEWAL_DUE,
};

struct service {
    /* from the model */
    const char *id, *name, *nick, *stack_name, *phase, *tier, *image, *container_name;
    uint32_t stack, pos;
    char spec[ACC_HASH_LEN + 1];
    uint32_t replicas;
    /* Somebody has scaled it beyond that, with Docker's own tools: containers up to this number
     * stay until it is asked for, or its file changes. */
    uint32_t scaled_to;
    enum acc_restart_policy restart;
    uint32_t restart_max;
    bool one_shot, restart_on_unhealthy, stateful;
    bool ends; /* exit 0 is its end: a one-shot, or what may be one */
    enum acc_upgrade_order upgrade_order;
    bool upgrade_pauses; /* a failed one is taken back when somebody says so */
    bool has_pre_upgrade, has_post_upgrade;
    bool has_build;      /* its file says how its image is built */
    bool has_image_here; /* no registry is asked for its image */
    const char *exclusive;
    const char **takes; /* as in acc_service_spec */
    uint32_t n_takes;
    bool has_drain_command;
    uint64_t stop_grace_ms;
    struct acc_health_spec health;
    uint16_t n_ports;
    enum acc_probe_kind probe;
    uint8_t waiting_codes[ACC_WAITING_CODES_MAX];
    uint32_t n_waiting_codes;
    uint32_t priority;
    bool has_post_start, has_pre_stop;
    struct acc_timing timing;
    uint32_t predecessor; /* it has left the files, has what this one takes, and runs still */
    uint8_t clearing;     /* others may wait for it: 2 that it ends, 1 for its name */
    uint32_t first_out, n_out, first_in, n_in; /* out: what it depends on */
    uint32_t first_res, n_res;
    uint32_t first_host, n_host, first_serial, n_serial; /* in engine.host_links, serial_links */
    uint32_t first_inst, n_inst, spare;
    uint32_t phase_at; /* in engine.phases, or ACC_NONE */
    bool removed;

    /* desire */
    bool wanted_up, wanted_removed, drop_volumes;
    bool held;
    struct hold hold; /* an operator's; `held` is by hand, outside of acc */
    bool finishes;    /* the restart that was under way when it, or maintenance, came */
    uint64_t idle_ms; /* ... and nothing is asked of Docker for it since; 0: something is */
    bool run_asked;   /* start even what has come to its last end */
    bool asked_early; /* something was, before it was known what accd is to its stack */
    char asked_by[64];
    char applied[ACC_HASH_LEN + 1];
    char canonical[ACC_NAME_MAX + 1];
    char heirs[ACC_HEIRS_MAX + 1];  /* as in the record */
    char gone_cid[ACC_CID_LEN + 1]; /* the last one that went: late looks may still show it */
    bool done;
    char done_spec[ACC_HASH_LEN + 1];
    int64_t own_stop_ns, end_ns; /* as in the record */
    bool hooks_due;              /* as in the record */
    int64_t hooked_ns;
    int64_t ready_run_ns; /* as in the record */
    bool save, restored;
    uint64_t backoff_left_ms, open_left_ms; /* restored, not yet given a clock */

    /* upgrades */
    uint32_t rev, last_rev;
    char pin_spec[ACC_HASH_LEN + 1], pin_image[ACC_NAME_MAX + 1];
    char pin_id[ACC_HASH_LEN + 8], pin_digest[ACC_HASH_LEN + 8], bad_id[ACC_HASH_LEN + 8];
    char bad_image[ACC_NAME_MAX + 1];
    char bad_spec[ACC_HASH_LEN + 1], bad_why[ACC_OUTPUT_MAX + 1];
    char bad_root[2 * ACC_NAME_MAX + 2];
    char change[ACC_OUTPUT_MAX + 1]; /* in what its containers differ from the file ... */
    bool change_alone;               /* ... so that the old and the new one must not run at once */
    struct rollout roll;
    struct revision stable[ACC_REVISIONS_MAX];
    uint32_t n_stable;
    struct revision failed; /* ... and stays, as it could not be taken back; number 0: none */
    struct autos autos;

    /* failures */
    uint32_t n_failures, n_restarts, n_opens;
    uint32_t n_excused; /* ends in a row that were not its own fault, without READY between */
    uint64_t last_delay_ms, backoff_ms; /* no start before */
    uint64_t exit_delay_ms;             /* of the last exit, while other classes fail in between */
    enum fail_class delay_class;
    enum breaker breaker;
    uint64_t open_ms; /* end of OPEN */
    bool gave_up;
    struct failure ring[ACC_FAILURES_MAX];
    uint32_t n_ring;
    struct unsettled unsettled[ACC_UNSETTLED_MAX];
    uint32_t n_unsettled;
    bool has_failed;
    enum fail_class fail_class;
    uint64_t excused_ms; /* when a removed network was last taken for an excuse; 0: never */
    uint64_t fail_ms, attempt_ms; /* attempt: when it was last started */
    bool fail_attributed;
    char fail_text[ACC_TEXT_MAX + 1];

    /* derived */
    enum acc_svc_state state;
    uint64_t since_ms;
    uint64_t up_ms, rolls_ms; /* `since` of the UP before a rollout, and when that began; 0: none */
    bool has_state, is_marked; /* marked: by a command under way */
    bool running, ready;       /* all of its instances */
    bool ever_ready, sick;
    uint64_t ready_ms, last_ready_ms, bad_ms, flap_ms;
    uint64_t storm_ms;              /* when it was last counted for a storm; 0: never */
    uint64_t sick_ms, last_sick_ms; /* sick: not ready, or with a root; since, and last */
    bool is_fresh;                  /* all its containers were seen in this epoch */
    bool claims;                    /* waits for nothing but the place of one it conflicts with */
    bool going_down;                /* a planned end of a run is due */
    bool renews;                    /* is to be made anew, or was and isn't ready yet */
    enum renewal renewal;           /* its own, or that of what it depends on */
    uint64_t recover_ms;            /* its dependencies are back since */
    bool recovery_used;
    uint64_t wait_ms;      /* waits at the gate since */
    uint32_t blocker;      /* edge that the gate waits for */
    uint32_t host_blocker; /* condition of the host that it waits for, or ACC_NONE */
    uint32_t n_places_taken;
    uint32_t host_wishes; /* as counted in its conditions: bits of what they are needed for */
    uint32_t n_heavy;     /* as counted in its serials */
    uint32_t roots[ACC_ROOTS_MAX];
    uint32_t n_roots;
    struct hit hits[ACC_HITS_MAX];          /* incidents that impaired or blocked it */
    uint32_t n_hits, next_hit;              /* next: the place that is taken next */
    struct suffered suffers[ACC_ROOTS_MAX]; /* those that do so now */
    uint32_t n_suffers;
    uint32_t incident; /* open one of which it is the root, or ACC_NONE */
    bool queued;       /* waits for a token to start or create */
    bool phase_wanted, phase_pending, phase_running; /* as counted in its phase */
    uint32_t leave_level; /* when the host goes down: after those of the lower ones */
    bool is_leaving;      /* as counted there: it is to be stopped */
    bool stays;           /* who needs it may not be stopped, so it isn't either */
    uint64_t wake_ms;
    uint64_t walk; /* the last one that came by */
};

struct incident {
    uint64_t id;
    uint32_t root; /* service or ACC_ROOT_ENGINE */
    uint64_t since_ms, closed_ms, check_ms;
    uint64_t well_ms; /* its root is well since, and nothing has failed; 0: it is not */
    bool used, open, notified;
    uint32_t n_suffer, n_peak; /* services that suffer from it now, and at the worst time */
    uint32_t first_victim;     /* place in the list of victims, or ACC_NONE */
    uint32_t next_closed;      /* the one that was closed after it, or ACC_NONE */
    char root_id[2 * ACC_NAME_MAX + 2];
    char cause[ACC_TEXT_MAX + 1],
        first_cause[ACC_TEXT_MAX + 1]; /* why it is open now; was opened */
};

/* Services that left READY, by the second in which they did. */
#define ACC_STORM_BUCKETS 32u
struct storm {
    uint64_t second[ACC_STORM_BUCKETS];
    uint32_t n[ACC_STORM_BUCKETS];
    uint64_t until_ms; /* end of the freeze of the last one; 0: none yet */
};

/* The host goes down (shutdown.c). */
struct shutdown {
    bool is_on, is_over; /* over: all is down, or the time is over */
    bool is_planned;     /* each service has its level */
    uint64_t since_ms, until_ms;
    uint32_t level;              /* those up to here are stopped */
    uint64_t share_ms, hooks_ms; /* its time is over; that of its pre_stop hooks */
    uint32_t n_due, n_later;     /* services still to be stopped: up to this level, behind it */
};

struct acc_engine {
    struct acc_arena *arena; /* what was copied out of the model */
    uint64_t random, next_op, hash;
    bool observe_new;
    struct acc_timing timing; /* of the engine as a whole */

    uint32_t n_stacks, n_services, n_inst, n_slots, n_res, n_edges, n_incidents;
    struct stack *stacks;
    struct service *services;
    struct instance *inst; /* n_slots of the services, then spares */
    struct resource *res;
    struct edge *edges;          /* by `from` */
    uint32_t *in;                /* edges by `to` */
    uint32_t *svc_res, *res_svc; /* resources of services, services of resources */
    uint32_t *order;             /* services, dependencies first */
    struct phase *phases;
    uint32_t n_phases;
    struct condition *conditions;
    struct serial *serials;
    /* The conditions: those of the host by name, the disk, networks and volumes, lost mounts. */
    uint32_t n_of_host, first_mount;
    uint32_t n_conditions, n_serials;
    struct links host_links, serial_links;
    struct acc_bits host_due; /* conditions that may have an incident to tell of */
    bool phases_changed;      /* one may be open or closed now that was not */
    struct incident *incidents;
    uint32_t n_places;                  /* of the table that were ever used */
    uint32_t closed_first, closed_last; /* in the order of their ends, or ACC_NONE */
    uint32_t *scratch;                  /* n_services, for one call */
    uint64_t walk;                      /* counts acc_mark_behind() */
    uint64_t n_visits;                  /* how often a service was looked at */
    bool stacks_changed;                /* a stack is to be saved */
    uint32_t free_spare;
    struct acc_index by_cid, by_id, by_name, by_op;
    struct acc_bits dirty, act;          /* by position in `order` */
    struct acc_bits unchecked;           /* looked at since the last acc_engine_check_step() */
    struct acc_bits queued[TOKEN_COUNT]; /* likewise; who waits for a token */
    struct acc_bits res_due[RES_KINDS];  /* resources that somebody waits for */
    struct acc_heap wakes;               /* by service */

    uint64_t now;
    bool stepped;
    struct shutdown shutdown;
    uint32_t n_cleanups; /* stacks whose networks wait for their last container */
    enum conn conn;
    uint32_t epoch, list;
    bool synced; /* SNAPSHOT of this epoch has come */
    bool ever_synced;
    uint64_t first_synced_ms; /* with it */
    bool fresh_engine, away;  /* of this epoch: dockerd restarted; we were connected before */
    uint64_t conn_ms, lost_ms, list_ms, synced_ms, boot_ms;
    bool listing, list_wanted;
    uint32_t engine_incident;
    struct hold maintenance;
    bool save_maintenance;
    char asked_by[64];       /* for the configuration in force */
    uint64_t change_group;   /* of the rollouts that follow from it */
    uint64_t heal_tokens_ms; /* token bucket: when the next one would be full */
    uint32_t heal_tokens;
    struct storm storm;
    struct wall clock;
    uint64_t wake_ms; /* of the engine itself */
    uint32_t n_taken[TOKEN_COUNT], n_pulls, n_networks, n_volumes;
    struct acc_actions *out;
};

/* --- engine.c: marking, asking, telling ------------------------------------------------------ */
static inline struct service *acc_svc_of(struct acc_engine *e, const struct instance *i)
{
    return &e->services[i->svc];
}
static inline uint32_t acc_svc_index(const struct acc_engine *e, const struct service *s)
{
    return (uint32_t)(s - e->services);
}
static inline uint32_t acc_inst_index(const struct acc_engine *e, const struct instance *i)
{
    return (uint32_t)(i - e->inst);
}
/* Slots, then spares: for (i = acc_inst_first(e, s); i; i = acc_inst_next(e, s, i)) */
static inline struct instance *acc_spare_at(struct acc_engine *e, uint32_t spare)
{
    return spare == ACC_NONE ? NULL : &e->inst[spare];
}
static inline struct instance *acc_inst_first(struct acc_engine *e, const struct service *s)
{
    return s->n_inst > 0 ? &e->inst[s->first_inst] : acc_spare_at(e, s->spare);
}
static inline struct instance *acc_inst_next(struct acc_engine *e, const struct service *s,
                                             const struct instance *i)
{
    if (i->is_spare) {
        return acc_spare_at(e, i->next_spare);
    }
    return acc_inst_index(e, i) + 1 < s->first_inst + s->n_inst ? &e->inst[acc_inst_index(e, i) + 1]
                                                                : acc_spare_at(e, s->spare);
}
#define acc_each_inst(e, s, i)                                                                     \
    for (struct instance *i = acc_inst_first(e, s); (i); (i) = acc_inst_next(e, s, i))
#define acc_each_slot(e, s, i)                                                                     \
    for (struct instance *i = &(e)->inst[(s)->first_inst];                                         \
         (i) < &(e)->inst[(s)->first_inst + (s)->n_inst]; (i)++)
#define acc_each_out(e, s, edge)                                                                   \
    for (const struct edge *edge = &(e)->edges[(s)->first_out];                                    \
         (edge) < &(e)->edges[(s)->first_out + (s)->n_out]; (edge)++)

static inline bool acc_inst_stale(const struct acc_engine *e, const struct instance *i)
{
    return i->present && (i->epoch != e->epoch || e->conn != CONN_UP);
}
static inline bool acc_inst_running(const struct instance *i)
{
    return i->present &&
           (i->obs == ACC_CTR_RUNNING || i->obs == ACC_CTR_PAUSED || i->obs == ACC_CTR_RESTARTING);
}
static inline bool acc_svc_observing(const struct acc_engine *e, const struct service *s)
{
    return e->stacks[s->stack].contact != CONTACT_MANAGING;
}

void acc_mark(struct acc_engine *e, struct service *s);            /* look at it in this step */
void acc_mark_neighbours(struct acc_engine *e, struct service *s); /* who share an edge with it */
void acc_mark_around(struct acc_engine *e, struct service *s);     /* and all who share an edge */
void acc_mark_all(struct acc_engine *e);
void acc_mark_dependents(struct acc_engine *e, struct service *s);
void acc_wake_at(struct service *s, uint64_t at_ms);                   /* look at it again then */
bool acc_due(struct acc_engine *e, struct service *s, uint64_t at_ms); /* now, else wakes then */
bool acc_has_room(const struct acc_engine *e);
/* Is one free? Else the service is put into the queue for it. The operation takes it. */
bool acc_token(struct acc_engine *e, struct service *s, enum token token);
uint64_t acc_jitter(struct acc_engine *e, uint64_t ms); /* +-20 % */
uint64_t acc_random(struct acc_engine *e, uint64_t n);  /* 0..n-1 */
bool acc_may_look(const struct acc_engine *e);          /* connected, synced */
bool acc_may_act(const struct acc_engine *e);           /* ... and the host stays up */

/* Append an action; fills what every one has. */
struct acc_action *acc_ask(struct acc_engine *e, enum acc_action_type type, uint32_t svc,
                           const struct instance *i);
/* acc_ask() leaves the union open; done() closes it into the trace hash. */
void acc_asked(struct acc_engine *e, struct acc_action *action);
void acc_note(struct acc_engine *e, enum acc_note_kind kind, uint32_t svc, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Of one container: which, where its service has several. */
void acc_note_inst(struct acc_engine *e, enum acc_note_kind kind, const struct instance *i,
                   const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void acc_save(struct service *s);                               /* its record has changed */
void acc_save_stack(struct acc_engine *e, struct stack *stack); /* likewise */
void acc_flush_save(struct acc_engine *e, struct service *s);
/* Of services, `nick` is the short name where it is unique. */
/* "exited with 1", "was killed (137, out of memory)", ... */
void acc_exit_text(int32_t code, bool oom, char *out, size_t out_size);
void acc_copy(char *out, size_t out_size, const char *text);
/* What its check said last, behind a sentence: ": connection refused"; "" when it said nothing. */
#define ACC_TOLD_OUTPUT 120u /* of it: the sentence must have room in ACC_TEXT_MAX, too */
struct acc_told {
    char text[2 + ACC_TOLD_OUTPUT + 1];
};
struct acc_told acc_output_told(const struct instance *i);

/* --- build.c --------------------------------------------------------------------------------- */
/* Tables for `model`, and behind its services for `n_removed` services of `old` (indexes) that the
 * file no longer has. 0 or -ENOMEM. */
/* Services that the model doesn't have and whose containers are there. */
struct acc_leftovers {
    const uint32_t *removed; /* of the old engine */
    uint32_t n_removed;
    const struct acc_orphan *orphans;
    uint32_t n_orphans;
    uint32_t n_spares; /* places for their containers */
};
int acc_build(const struct acc_model *model, const struct acc_engine *old,
              const struct acc_leftovers *left, struct acc_engine **ret_engine);
/* Be found by its ids and the numbers of its operations; in tables that don't know it yet. */
void acc_inst_reindex(struct acc_engine *e, const struct instance *i);
struct instance *acc_spare_take(struct acc_engine *e, struct service *s, uint32_t slot);
void acc_spare_drop(struct acc_engine *e, struct service *s, struct instance *i);
uint32_t acc_find_service(const struct acc_engine *e, const char *stack, const char *name);
struct instance *acc_find_cid(const struct acc_engine *e, const char *cid);

/* --- observe.c ------------------------------------------------------------------------------- */
void acc_observe(struct acc_engine *e, const struct acc_obs *obs);
void acc_observe_gone(struct acc_engine *e, const char *cid);
void acc_observe_hint(struct acc_engine *e, const struct acc_event *event);
void acc_observe_snapshot(struct acc_engine *e);
void acc_observe_slots(struct acc_engine *e, struct service *s); /* who runs holds the slot */
void acc_observe_seat_extras(struct acc_engine *e, struct service *s);
void acc_inst_forget(struct acc_engine *e, struct instance *i); /* its container is gone */
void acc_inst_claim(struct acc_engine *e, struct instance *i, const char *cid);
/* The spare takes the slot; what was in the slot becomes the spare, or nothing. Neither has an
 * operation in flight. */
void acc_inst_to_slot(struct acc_engine *e, struct instance *slot, struct instance *spare);
/* What is in the slot becomes a spare; false when there is none left. */
bool acc_inst_vacate(struct acc_engine *e, struct instance *slot);
/* A person, by Docker's own means, wants it to run (or not to). */
void acc_foreign_start(struct acc_engine *e, struct service *s, struct instance *i);
void acc_conflict_set(struct acc_engine *e, struct instance *i, const char *cid);
void acc_conflict_clear(struct acc_engine *e, struct instance *i);

/* --- contact.c ------------------------------------------------------------------------------- */
/* All containers were told: what becomes of stacks that nothing was known of. `is_first`: for the
 * first time since this accd began. */
/* No file names any of its services. */
bool acc_contact_has_left(const struct acc_engine *e, uint32_t stack);
void acc_contact_taken_over(struct acc_engine *e, struct service *s);
void acc_contact_snapshot(struct acc_engine *e, bool is_first);

/* --- drift.c --------------------------------------------------------------------------------- */
/* What somebody has done to the networks of a container that runs. */
enum drift {
    DRIFT_NONE,
    DRIFT_EXTRA, /* it is on one more than its file says: nobody is harmed */
    DRIFT_PORTS, /* its ports aren't published any more */
    DRIFT_CUT,   /* it was taken off a network of its file: `ret_network`, may be NULL */
};
enum drift acc_inst_drift(const struct acc_engine *e, const struct instance *i,
                          const char **ret_network);
bool acc_inst_is_off_network(const struct acc_engine *e, const struct instance *i);
/* One of its containers was taken off a network of its file. */
bool acc_svc_is_off_network(const struct acc_engine *e, const struct service *s);
/* ... and `s` can't reach that one any more: none of the networks is left that both are on. */
bool acc_svc_out_of_reach(const struct acc_engine *e, const struct service *d,
                          const struct service *s);
/* One of its containers can't be reached as its file says. */
bool acc_svc_is_cut(struct acc_engine *e, struct service *s);
/* Whose namespaces it lives in, when that has ended since and it is yet to be restarted; else NULL.
 */
const struct service *acc_svc_left_behind(struct acc_engine *e, struct service *s);
/* As acc_svc_is_off_network(), or one that doesn't run any more. */
bool acc_svc_was_cut(struct acc_engine *e, struct service *s);
/* Asked for: it is made anew instead of being left so. */
void acc_drift_mend(struct acc_engine *e, struct service *s);
/* The clause for people; "" when there is nothing to say. */
void acc_drift_text(struct acc_engine *e, struct service *s, char *out, size_t out_size);
/* ... of one that doesn't run: its next run would be without that network, too. */
void acc_drift_text_ended(struct acc_engine *e, struct service *s, char *out, size_t out_size);

/* --- look.c ---------------------------------------------------------------------------------- */
void acc_want_look(struct instance *i);
void acc_look(struct acc_engine *e, struct instance *i); /* send the inspect that is wanted */
void acc_look_at(struct acc_engine *e, const char *cid); /* at one that is none of ours yet */
void acc_list(struct acc_engine *e);
/* --- compare.c ------------------------------------------------------------------------------- */
/* Ask how it compares with its file, where that isn't known. */
void acc_compare(struct acc_engine *e, struct service *s, struct instance *i);
void acc_compare_answer(struct acc_engine *e, const struct acc_event *event);
/* UNKNOWN also while there is no answer for the present spec. */
enum acc_likeness acc_inst_likeness(const struct acc_engine *e, const struct instance *i);
/* Nothing may be decided on it: whether it follows the present spec isn't known yet. */
bool acc_inst_unsure(const struct acc_engine *e, const struct instance *i);
/* It does not follow the present spec and can be made to while it runs. */
bool acc_inst_live(const struct acc_engine *e, const struct instance *i);
/* It does not follow the present spec, and only another container can. */
bool acc_inst_changed(const struct acc_engine *e, const struct instance *i);
/* It may not, and nobody has looked yet. */
bool acc_compare_awaited(const struct acc_engine *e, const struct instance *i);
/* The file's request and the container are compared, as far as they need to be. */
bool acc_compare_settled(const struct acc_engine *e, const struct instance *i);

/* --- op.c ------------------------------------------------------------------------------------ */
#define ACC_OP_OF_RES   0x40000000u /* what the index of operations tells beside instances */
#define ACC_OP_OF_PROBE 0x80000000u
#define ACC_OP_OF_ROLL  0x20000000u /* a pull or hooks; of a service */
#define ACC_OP_OF_HOOK  0x10000000u
#define ACC_OP_INDEX    0x0fffffffu
uint32_t acc_op_find(const struct acc_engine *e, uint64_t op); /* ACC_NONE: unknown */
void acc_op_end(struct acc_engine *e, struct instance *i, enum acc_op_result result);
void acc_op_done(struct acc_engine *e, const struct acc_event *event);
void acc_op_late(struct acc_engine *e, const struct acc_event *event);
/* An observation may settle an operation whose answer is late. */
void acc_op_settle(struct acc_engine *e, struct instance *i);
/* Give the wait up: from now on looking decides. */
void acc_op_give_up(struct acc_engine *e, struct instance *i);
/* While one is in flight: is it time to look? */
void acc_op_watch(struct acc_engine *e, struct instance *i);
/* Journal and ask, in the order that the write-ahead rule wants. `fill` completes the action. */
void acc_op_ask(struct acc_engine *e, struct instance *i, enum acc_action_type type);
/* The name that a container created for `i` gets. */
void acc_op_name(const struct acc_engine *e, const struct instance *i, char name[ACC_NAME_MAX + 1]);

/* --- instance.c ------------------------------------------------------------------------------ */
void acc_inst_update(struct acc_engine *e, struct service *s, struct instance *i);
void acc_inst_derive(struct acc_engine *e, struct instance *i);
/* It can't work as it is, whatever the file says. */
bool acc_inst_stranded(const struct acc_engine *e, const struct instance *i);
/* Beyond the replicas of its file, and it stays: somebody has scaled the service by hand, and
 * nobody has asked for the file's number since. Its restart policy is its own, so Docker heals it.
 */
bool acc_inst_is_extra(const struct acc_engine *e, const struct instance *i);
bool acc_inst_outdated(const struct acc_engine *e, const struct instance *i);
/* No other container has its place, or is on its way to it. */
bool acc_inst_is_alone(struct acc_engine *e, const struct instance *i);
const char *acc_inst_spec(const struct acc_engine *e, const struct instance *i);
/* Somebody sent it a signal that ends what doesn't know it: `docker kill`, or what another tool
 * says first when it stops it. */
bool acc_inst_is_shot(const struct instance *i);
bool acc_inst_is_over(const struct instance *i); /* it has done its work, and stays so */
/* ... and so has the service, in whose run that ended. */
void acc_inst_mark_done(struct acc_engine *e, struct service *s, struct instance *i);
bool acc_inst_is_stopped_by_hand(const struct instance *i); /* its last run */
/* It ended with dockerd, or before accd came, and not by hand: that tells nothing of it. */
bool acc_inst_went_unseen(const struct instance *i);
#define ACC_BY_KILL ", after docker kill"
void acc_inst_end(struct acc_engine *e, struct instance *i, enum end_cause cause);
void acc_inst_hold(struct acc_engine *e, struct instance *i);

/* --- act.c ----------------------------------------------------------------------------------- */
void acc_act(struct acc_engine *e, struct service *s);
/* All containers of it have the restart policy that they are to have. */
bool acc_act_policies_set(struct acc_engine *e, struct service *s);
bool acc_act_settled(struct acc_engine *e, struct service *s); /* nothing more to change */
enum acc_action_type acc_stop_harder(struct acc_engine *e, struct service *s, struct instance *i);
/* Somebody asks once more: what could not be stopped is stopped as if for the first time. */
void acc_stop_anew(struct instance *i);
enum acc_action_type acc_remove_it(struct acc_engine *e, struct service *s, struct instance *i);
#define ACC_NOTHING ACC_ACT_NOTE /* the decision to do nothing */
/* A running container that differs: may it be replaced now, with all that it takes at hand? */
bool acc_may_swap(struct acc_engine *e, struct service *s, const struct instance *i);
void acc_inst_canonical(const struct acc_engine *e, const struct instance *i,
                        char name[ACC_NAME_MAX + 1]);

/* --- service.c ------------------------------------------------------------------------------- */
void acc_svc_update(struct acc_engine *e, struct service *s);
void acc_svc_derive(struct acc_engine *e, struct service *s);
bool acc_svc_is_done(const struct service *s); /* one-shot, ended well for the spec in force */
bool acc_svc_held(struct acc_engine *e, struct service *s);
/* By hand, until it is asked for: one that serves, or is to. */
bool acc_inst_is_left_paused(const struct service *s, const struct instance *i);
bool acc_svc_is_left_paused(struct acc_engine *e, const struct service *s);
bool acc_svc_lacks_container(struct acc_engine *e, struct service *s); /* that it is to have */
/* One of its containers can't be stopped. */
bool acc_svc_put_aside(struct acc_engine *e, struct service *s);
void acc_svc_recover(struct acc_engine *e, struct service *s);
uint64_t acc_recovery_grace(struct acc_engine *e, const struct service *s);
bool acc_svc_present(struct acc_engine *e, struct service *s);

/* --- renew.c --------------------------------------------------------------------------------- */
void acc_renew_update(struct acc_engine *e, struct service *s);
/* Nothing that it depends on is to be made anew before it. */
bool acc_renew_may_follow(const struct acc_engine *e, const struct service *s);
/* Its first start: may it be with what is there, because that won't be made anew soon? */
bool acc_renew_may_begin(const struct service *d);
/* What is made anew meanwhile: it, or one that it stands on. NULL: none is. */
const struct service *acc_renew_source(const struct acc_engine *e, const struct service *d);
/* True: it stays as it was, and `text` (ACC_REASON_MAX + 1) says why. */
bool acc_renew_is_stuck(const struct acc_engine *e, const struct service *s, char *text);

/* --- gate.c ---------------------------------------------------------------------------------- */
enum reaction acc_reaction(enum dep_event event, const struct edge *edge);
bool acc_edge_hard(const struct edge *edge); /* may be the root of its dependent */
bool acc_edge_met(const struct acc_engine *e, const struct edge *edge);
/* What has just flapped is built on when its readiness has lasted until then; 0: it hasn't. */
uint64_t acc_gate_settles_ms(const struct acc_engine *e, const struct edge *edge);
/* May a container of it be started (created)? Sets `blocker`. */
bool acc_gate_start(struct acc_engine *e, struct service *s);
/* What the two have that no two may have at once; NULL: nothing. */
const char *acc_gate_contested(const struct service *s, const struct service *gone);
/* It waits for what has left, which stays as it is until somebody says something. */
bool acc_gate_waits_in_vain(struct acc_engine *e, const struct service *s);
void acc_gate_update(struct acc_engine *e, struct service *s); /* of what has left the files */
bool acc_gate_create(struct acc_engine *e, struct service *s);
/* May it be stopped: those that must go first are gone. */
bool acc_gate_stop(struct acc_engine *e, struct service *s);
/* Must it stop, because a dependency does, or lies down? */
bool acc_must_stop(struct acc_engine *e, struct service *s);
bool acc_is_terminal(const struct acc_engine *e, const struct service *s);
bool acc_svc_is_coming(struct acc_engine *e, struct service *s); /* `up` of it would wait for it */
/* It won't get up without somebody's help, or not soon. */
bool acc_svc_hopeless(const struct service *s);
/* The run of one of its instances has ended. */
/* Has it begun, or ceased, to wait for nothing but a place? Then the others look again. */
void acc_claim_update(struct acc_engine *e, struct service *s);
void acc_tell_dependents(struct acc_engine *e, struct service *s, const struct instance *ended,
                         enum dep_event event);
/* A breaker or a backoff in the way of a start? */
bool acc_gate_breaker(struct acc_engine *e, struct service *s);

/* --- phase.c --------------------------------------------------------------------------------- */
bool acc_phase_open(const struct acc_engine *e, const struct service *s);
void acc_phase_update(struct acc_engine *e, struct service *s); /* after its state is known */
void acc_phases_open(struct acc_engine *e);                     /* facts are settled */
void acc_phases_close(struct acc_engine *e);
void acc_phases_begin(struct acc_engine *e);
/* One of those that a service waits for with its phase; NULL when it doesn't. */
const struct service *acc_phase_holder(const struct acc_engine *e, const struct service *s);

/* --- fail.c ---------------------------------------------------------------------------------- */
/* A failure. One that is attributed to another root is told and not counted: then false. A failed
 * create is always its own: it is tried before its dependencies are there. */
bool acc_fail(struct acc_engine *e, struct service *s, enum fail_class class, bool is_create,
              const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* Of class config, its own, and with a pause that somebody else has drawn. */
void acc_fail_until(struct acc_engine *e, struct service *s, uint64_t until_ms, const char *text);
void acc_fail_update(struct acc_engine *e, struct service *s); /* settle, reset, open, close */
void acc_fail_take_back(struct acc_engine *e, struct service *s, uint64_t since_ms);
void acc_fail_forgive(struct acc_engine *e, struct service *s); /* an operator asked for it */
void acc_fail_reset(struct service *s);
uint32_t acc_fail_count(const struct acc_engine *e, const struct service *s, uint64_t window_ms);
const char *acc_fail_class_name(enum fail_class class);

/* --- storm.c --------------------------------------------------------------------------------- */
void acc_storm_left(struct acc_engine *e, struct service *s); /* it is not READY any more */
bool acc_storm_is_on(const struct acc_engine *e);
bool acc_storm_is_over(const struct acc_engine *e); /* its aftermath, too */
/* May it be restarted for its health? After a storm that takes a token. */
bool acc_storm_lets_heal(struct acc_engine *e, struct service *s);
/* act.c: take one; false: later (it is looked at again then). */
bool acc_heal_token(struct acc_engine *e, struct service *s);

/* --- root.c ---------------------------------------------------------------------------------- */
void acc_root_update(struct acc_engine *e, struct service *s);
/* Something that it needs is ready, and out of its reach. */
bool acc_svc_is_bereft(const struct acc_engine *e, const struct service *s);
/* ... and it isn't well. */
bool acc_svc_misses_one(struct acc_engine *e, struct service *s);
bool acc_attributed(struct acc_engine *e, const struct service *s, uint64_t at_ms);
/* After its state: by which open incidents it is impaired or blocked. */
void acc_suffer_update(struct acc_engine *e, struct service *s);
void acc_incident_open(struct acc_engine *e, struct service *s, const char *cause);
void acc_incident_update(struct acc_engine *e, struct service *s);
void acc_incident_notify(struct acc_engine *e, struct service *s); /* its open one, at once */
void acc_incident_close(struct acc_engine *e, uint32_t incident);
/* Of the host: its place in the table. */
uint32_t acc_incident_new(struct acc_engine *e, uint32_t root, const char *root_id,
                          const char *cause);
void acc_incident_tell_all(struct acc_engine *e, struct incident *incident);
/* Since when its root is well, 0: it isn't; and when it will close if nothing else happens, 0:
 * nobody can tell. */
uint64_t acc_incident_well(const struct acc_engine *e, const struct incident *incident,
                           uint64_t *ret_closes_ms);
/* Those whom it hurt are well, or ill for a reason of their own. */
bool acc_incident_is_over(struct acc_engine *e, const struct incident *incident);
/* The open incident of a root, or ACC_NONE. */
uint32_t acc_incident_of(const struct acc_engine *e, uint32_t root);
/* Look again at who stands behind this root, near or far. */
void acc_mark_behind(struct acc_engine *e, uint32_t root);
/* Is it time, for the engine itself? Else it wakes then. */
bool acc_engine_due(struct acc_engine *e, uint64_t at_ms);
void acc_incident_engine(struct acc_engine *e);
void acc_incident_queue(struct acc_engine *e, uint32_t at); /* the newest closed one */

/* --- victim.c -------------------------------------------------------------------------------- */
bool acc_victim_of(const struct service *s, uint64_t incident);
void acc_victim_add(struct acc_engine *e, struct service *s, uint32_t at); /* in the table */
/* The next one; `*place` begins as ACC_NONE. NULL: there is no further one. */
struct service *acc_victim_next(struct acc_engine *e, const struct incident *incident,
                                uint32_t *place);
/* The victims of an incident, which is now number `at` of `to`; `service`: their new indexes. */
void acc_victims_move(const struct acc_engine *from, const struct incident *old,
                      const uint32_t *service, struct acc_engine *to, uint32_t at);
void acc_victims_check(const struct acc_engine *e, const struct service *s);

/* --- probe.c --------------------------------------------------------------------------------- */
void acc_probe_start(struct acc_engine *e, struct instance *i); /* a run begins */
void acc_probe_observe(struct acc_engine *e, struct instance *i, const struct acc_obs *obs);
void acc_probe_update(struct acc_engine *e, struct service *s, struct instance *i);
/* The start deadline stands still while it waits for others; after the roots are known. */
void acc_probe_clock(struct service *s, struct instance *i, uint64_t now_ms);
void acc_probe_act(struct acc_engine *e, struct service *s, struct instance *i);
void acc_probe_answer(struct acc_engine *e, const struct acc_event *event);
void acc_probe_drop(struct acc_engine *e, struct instance *i);
void acc_probe_pause(struct instance *i, bool is_paused);
/* Is there a check of it that can be run at any time? */
bool acc_probe_can(const struct service *s, const struct instance *i);
/* It has passed it after `at_ms`; or was looked at, and has never listened on its port at all. */
bool acc_probe_proven_since(const struct service *s, const struct instance *i, uint64_t at_ms);
/* Ask whether anybody is connected to it: idle_ms tells. */
void acc_probe_idle(struct acc_engine *e, struct service *s, struct instance *i);
enum acc_verdict acc_probe_verdict(const struct instance *i);
bool acc_probe_is_old(const struct instance *i); /* its being unhealthy proves nothing yet */
/* It was never ready in this run, and Docker has given it up: its start_period is over. */
bool acc_probe_fails_to_start(const struct instance *i);
/* Until then that is nobody's business: it has only just been started. */
uint64_t acc_probe_patience_ms(const struct service *s, const struct instance *i);
/* When it is restarted for that; 0: it isn't, or who knows when. */
uint64_t acc_probe_deadline_ms(const struct acc_engine *e, const struct service *s,
                               const struct instance *i);
/* Docker's verdict was looked at just now; false: it is being looked at. */
bool acc_probe_is_current(struct acc_engine *e, struct instance *i);
/* It has been well, in this run, since what it needs is back. */
bool acc_probe_has_recovered(const struct service *s, const struct instance *i);
/* It doesn't get ready, and nobody but an operator does anything about it. */
bool acc_probe_is_left(const struct service *s, const struct instance *i);
/* It is on its networks again: it gets all of its time to get well. */
void acc_probe_rejoined(const struct acc_engine *e, struct instance *i);
/* When one that is unhealthy is restarted if it stays so; 0: not, or nobody can say yet. */
uint64_t acc_probe_heal_ms(const struct acc_engine *e, const struct service *s,
                           const struct instance *i);
enum acc_evidence acc_probe_evidence(const struct service *s, const struct instance *i);
/* It serves, and a declared port of it listens, whatever else it shows. */
bool acc_probe_has_listened(const struct service *s, const struct instance *i);
/* On trial, and all that it lacks is a port that listens as the old one's did. */
bool acc_probe_lacks_port(const struct service *s, const struct instance *i);

/* --- hook.c ---------------------------------------------------------------------------------- */
/* A start is asked for: its hooks will be due, whatever becomes of accd. */
void acc_hook_expect(struct service *s);
/* A run begins. `is_found`: it was there before accd came. */
void acc_hook_begin(struct acc_engine *e, struct service *s, struct instance *i, bool is_ours,
                    bool is_found);
void acc_hook_end(struct acc_engine *e, struct service *s,
                  struct instance *i); /* the run is over */
void acc_hook_act(struct acc_engine *e, struct service *s, struct instance *i);
/* May a stop be sent? Asks for the pre_stop hooks until they are over. */
bool acc_hook_lets_stop(struct acc_engine *e, struct service *s, struct instance *i);
void acc_hook_keep(struct service *s, struct instance *i); /* it isn't stopped after all */
void acc_hook_done(struct acc_engine *e, struct instance *i, const struct acc_event *event);
void acc_hook_drop(struct acc_engine *e, struct instance *i, enum acc_op_result result);
/* None of its containers has post_start hooks still to run. */
bool acc_hooks_over(const struct acc_engine *e, const struct service *s);

/* --- resource.c ------------------------------------------------------------------------------ */
/* Are those that it needs there? Asks for what is missing. */
bool acc_resources_there(struct acc_engine *e, struct service *s);
/* ... by the new one of its rollout: an upgrade, or a rollback, knows its image by its id, and what
 * the file's tag means, and whether that is to be had, is nothing to it. */
bool acc_resources_there_for_new(struct acc_engine *e, struct service *s);
/* What is under way for one of the files before goes on for that of the new ones. */
void acc_resource_take(struct acc_engine *e, struct resource *res, const struct resource *from);
void acc_resource_act(struct acc_engine *e);
void acc_resource_wanted(struct acc_engine *e, const struct resource *res); /* by somebody, still */
void acc_resource_lacks(const struct resource *res, char *out,
                        size_t out_size); /* what went wrong */
void acc_resource_done(struct acc_engine *e, struct resource *res, const struct acc_event *event);
/* One that could not be had, and won't be soon; NULL: there is none. */
const struct resource *acc_resource_missing(const struct acc_engine *e, const struct service *s);
void acc_resource_doubt(struct acc_engine *e, struct service *s); /* look again before a create */
void acc_stack_cleanup(struct acc_engine *e, struct stack *stack);
bool acc_stack_clean(const struct acc_engine *e, const struct stack *stack);

/* --- rollout.c ------------------------------------------------------------------------------- */
static inline bool acc_rollout_active(const struct service *s)
{
    return s->roll.is.step != ACC_ROLL_IDLE;
}
/* The containers of one slot by what they are to a rollout; absent ones are NULL. */
struct cast {
    struct instance *holder, *candidate, *retired, *bad;
};
struct cast acc_rollout_cast(struct acc_engine *e, const struct service *s, uint32_t slot);
/* The container of the slot as it was before its rollout; NULL: there is none. */
const struct instance *acc_rollout_old(struct acc_engine *e, const struct service *s,
                                       uint32_t slot);
/* The candidate of another rollout, whose creation came true when that had been forgotten. */
bool acc_rollout_is_stray(const struct service *s, const struct instance *i);
bool acc_rollout_is_new(const struct service *s, const struct instance *i);
bool acc_rollout_is_on_trial(const struct service *s, const struct instance *i); /* not committed */
enum role acc_role_of(const struct acc_engine *e, const struct instance *i, const char *name,
                      uint64_t *ret_number, size_t *ret_base_len);
/* What its name makes of it, and what it is in the rollout that is under way. */
void acc_inst_cast_by_name(struct acc_engine *e, struct instance *i);
void acc_rollout_cast_by_name(struct acc_engine *e, struct service *s);
/* Somebody is removing one that isn't stopped: true when the rollout goes on from there, and it
 * isn't off. */
bool acc_rollout_removed(struct acc_engine *e, struct service *s, const struct instance *i);
void acc_rollout_ask(struct acc_engine *e, struct service *s, const struct acc_cmd *cmd);
void acc_rollout_update(struct acc_engine *e, struct service *s);
void acc_rollout_act(struct acc_engine *e, struct service *s); /* the pull, and hooks */
void acc_rollout_answered(struct acc_engine *e, struct service *s, const struct acc_event *event);
/* Does the rollout say what happens to it? Then what: */
bool acc_rollout_owns(struct acc_engine *e, struct service *s, const struct instance *i);
/* What keeps its new container from being made; where that is a service: which. */
bool acc_rollout_waits(struct acc_engine *e, struct service *s, uint32_t *ret_waits_for);
enum acc_action_type acc_rollout_decide(struct acc_engine *e, struct service *s,
                                        struct instance *i);
/* A new one that may not end before it has taken over. */
bool acc_rollout_tries(const struct service *s, const struct instance *i);
/* A run of the new one has ended, or it could not be made or started: true when that is the
 * rollout's to judge. */
bool acc_rollout_failed(struct acc_engine *e, struct service *s, struct instance *i,
                        const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* What kept it from being made or started was taken away by somebody, or Docker has spoilt its
 * container: it gets another try, for which a container is made anew. False: that is not the
 * rollout's to judge, or has been so too often. */
bool acc_rollout_excuses(struct acc_engine *e, struct service *s, struct instance *i);
bool acc_rollout_watches(const struct service *s, const struct instance *i);
/* It has failed and is on its way out: whatever ails it is no failure of the service any more. */
bool acc_rollout_is_failed(const struct service *s, const struct instance *i);
bool acc_rollout_stops(struct acc_engine *e, struct service *s); /* a planned stop is due */
void acc_rollout_reason(struct acc_engine *e, struct service *s, uint64_t now_ms, char *out,
                        size_t out_size);
/* The new one has failed just now, and it isn't clear yet by whose fault: behind `subject`; "":
 * that isn't so. */
void acc_rollout_fault(const struct service *s, uint64_t now_ms, const char *subject, char *out,
                       size_t out_size);
/* Somebody is asked about the new one, and the old one serves. */
bool acc_rollout_old_serves(struct acc_engine *e, const struct service *s);
/* Somebody is asked about it: what has failed, and the two ways out. `is_full`: for its own line.
 */
void acc_rollout_ask_text(struct acc_engine *e, struct service *s, bool is_full, char *out,
                          size_t out_size);
/* What it waits for, by way of whomever, that takes a person (a root, see roots[]); or ACC_NONE. */
uint32_t acc_rollout_stuck_behind(struct acc_engine *e, struct service *s, uint64_t now_ms);
/* What becomes of it while its service is in somebody's hands, or cut off; "": it goes on. */
void acc_rollout_standstill(struct acc_engine *e, const struct service *s, char *out,
                            size_t out_size);
/* The old one of what is watched: somebody may have removed it. Then going back makes a new
 * container of its image. */
bool acc_rollout_keeps_old(struct acc_engine *e, const struct service *s);
/* What another one that was asked for waits for before it begins; "": there is none. */
/* "r3", or of a rollback "r1 AS r3". */
void acc_rollout_target(const struct acc_rollout_record *is, const char *as, char *out,
                        size_t out_size);
void acc_rollout_queued(struct acc_engine *e, struct service *s, uint64_t now_ms, char *out,
                        size_t out_size);
/* Goes before why it went back: "the new one ", or "" where the new one isn't the subject. */
const char *acc_rollout_subject(const char *why);
/* What the next container of it is made of, into a CREATE. */
void acc_rollout_fill(const struct service *s, bool is_candidate, struct acc_action *action);
void acc_rollout_step(struct acc_engine *e, struct service *s, enum acc_rollout_step step);
void acc_rollout_save_revision(struct acc_engine *e, struct service *s, uint32_t number);
void acc_rollout_end(struct acc_engine *e, struct service *s, enum roll_result result);
/* E3, "restart after commit": those whose edge says so, of whom the run began before that (by the
 * engine's clock). */
void acc_rollout_restart_dependents(struct acc_engine *e, struct service *s, int64_t before_ns);

/* --- rollout_ask.c: parts of it ----------------------------------------------------------------
 */
void acc_rollout_begin(struct acc_engine *e, struct service *s); /* what was asked for */
/* True: it has come to its own end before anything was changed, and isn't upgraded. */
bool acc_rollout_is_over(struct acc_engine *e, struct service *s);
bool acc_rollout_refuse(struct acc_engine *e, struct service *s, const char *why); /* false */
/* Journal and ask for an operation of the rollout itself; the caller fills and ends it. */
struct acc_action *acc_rollout_op(struct acc_engine *e, struct service *s,
                                  enum acc_action_type type, const struct instance *i);
/* Make the revision one of the stable ones; its fields are the caller's to fill. */
struct revision *acc_revision_add(struct service *s, uint32_t number);
/* ... as that which a rollout has made. */
void acc_revision_fill(const struct acc_rollout_record *is, struct revision *revision);
/* There is "no stable revision r9": and which there are. */
#define ACC_REVISION_NONE_MAX 128u
void acc_revision_none_text(const struct service *s, uint32_t number, char *out, size_t size);
/* Of the stable ones and that which failed and stays; NULL. */
const struct revision *acc_revision_find(const struct service *s, uint32_t number);
/* Its container is about to be removed; one that is made in its place as it was is of its image. */
void acc_pin_keep(struct acc_engine *e, struct service *s, const struct instance *i);
/* The image that it is to be made of is gone for good: from here on it is what the reference means.
 */
bool acc_pin_is_lost(struct acc_engine *e, struct service *s, const char *message);
/* What is in force while the file stays as it is. */
/* What is in force while the file stays as it is. */
bool acc_pin_is_set(const struct service *s);
void acc_pin_set(struct service *s, const char *image, const char *image_id, const char *digest);

/* A rollout of what the file says now. */
void acc_rollout_begin_change(struct acc_engine *e, struct service *s);

/* --- rollout_change.c ------------------------------------------------------------------------ */
/* What its file's reference may mean and a change doesn't bring in; "" for none. */
const char *acc_svc_banned_image(const struct service *s);
/* The reference that runs, as what the file's means was rolled back and has to be named to be tried
 * again; "" for none, or where both have the same reference. */
const char *acc_svc_stays_at(const struct acc_engine *e, const struct service *s);
/* ... in words. */
void acc_svc_stays_text(const struct acc_engine *e, const struct service *s, char *out,
                        size_t out_size);
/* From here on nothing brings this image in unasked; `image` is its reference, "" the file's, NULL
 * not known. */
void acc_svc_ban_image(struct service *s, const char *image_id, const char *image);
/* Its configuration was rolled back and isn't tried again before the file changes. */
bool acc_change_refused(const struct service *s);
void acc_change_refuse(struct acc_engine *e, struct service *s, const char *why);
void acc_change_forgive(struct acc_engine *e, struct service *s);
/* The rollout that was just taken back was decided so by a person: `apply` has not failed. */
void acc_change_take_on(struct service *s, const char *by);
/* Is the instance to be made anew in its place, without a rollout? */
bool acc_change_swaps(struct acc_engine *e, struct service *s, const struct instance *i);
/* It was stopped for one that may go back, and then runs again. Made anew it would have the
 * configuration of its file, which is meant to go with what isn't proven yet. */
bool acc_change_is_kept(struct acc_engine *e, struct service *s, const struct instance *i);
/* It alone has the configuration that the service was or is rolled back to: what the file says now
 * is another one, so none can be made in its place. */
bool acc_change_must_keep(struct acc_engine *e, struct service *s, const struct instance *i);
/* The last rollout of its file as it is came to nothing before anything was touched. */
bool acc_change_failed_to_begin(const struct service *s);
/* Others of it are about to be replaced: a replica more comes with them. */
bool acc_change_is_near(struct acc_engine *e, struct service *s);
/* Begins the rollout that is due. */
void acc_change_update(struct acc_engine *e, struct service *s);
/* Its configuration goes with that of another one. */
void acc_change_take_along(struct acc_engine *e, struct service *s, const char *spec,
                           const char *root, const char *why);
/* It differs from its file, and will follow it. */
bool acc_change_waits(struct acc_engine *e, struct service *s);
bool acc_change_comes(struct acc_engine *e, struct service *s);      /* by a rollout of its own */
bool acc_change_is_held_up(struct acc_engine *e, struct service *s); /* for who shares with it */
/* Who took it back, where that is why: "asked by root"; else NULL. */
#define ACC_ASKED_BY "asked by "
const char *acc_change_orderer(const char *why);
/* Was it refused because a person took it, or what it went with, back? That is no fault. */
bool acc_change_is_ordered(struct acc_engine *e, struct service *s);
/* "was rolled back to r1: ...", where it is refused. */
void acc_change_text(const struct acc_engine *e, const struct service *s, char *out,
                     size_t out_size);

/* --- rollout_group.c ------------------------------------------------------------------------- */
/* In why one goes back with another: "web of the same phase was rolled back". */
#define ACC_OF_THE_SAME " of the same "
/* Its rollout has failed: the others that its phase says go back, too. */
void acc_group_failed(struct acc_engine *e, struct service *s);
/* In why: "side, which shares with it and was changed with it, was rolled back". */
#define ACC_CHANGED_WITH ", which shares with it and was changed with it, "
/* Its old container lives in the namespaces of this one's, which was changed, too, and can go back
 * as long as it is watched; NULL. */
struct service *acc_group_target(struct acc_engine *e, const struct service *s);
/* What its old container shared with is gone: that can't run again. */
bool acc_group_is_homeless(struct acc_engine *e, const struct service *s,
                           const struct instance *old);
/* It goes back: so do those that were changed with it and share with it, and its own target. */
void acc_group_sharers_go_back(struct acc_engine *e, struct service *s, bool is_with_target);
/* One of its group has failed, and nobody who stands on it is to go back before it. */
bool acc_group_goes_back(struct acc_engine *e, struct service *s);
/* It should, can't, and hasn't failed. */
void acc_group_stays(struct acc_engine *e, struct service *s);
/* It has proven itself; have those that would take it back with them? */
bool acc_group_is_proven(struct acc_engine *e, struct service *s);
bool acc_group_lets_create(struct acc_engine *e, struct service *s, uint32_t *ret_waits_for);
/* The images of all that go back together are there: it may begin. */
bool acc_group_is_here(struct acc_engine *e, struct service *s);
/* Off, in somebody's hands, or only looked at: for how long nobody knows, and nothing is learned of
 * it meanwhile. So nobody waits for it. */
bool acc_group_stands_aside(struct acc_engine *e, struct service *s);
void acc_group_mark(struct acc_engine *e, const struct service *s); /* the others of its group */
/* Does it follow its file by a rollout? When that changes, those that may wait for it look again.
 */
void acc_group_look_at_change(struct acc_engine *e, struct service *s);

/* --- rollout_turn.c -------------------------------------------------------------------------- */
bool acc_turn_to_pull(struct acc_engine *e, struct service *s);
/* `*ret_waits_for`: one that is at it. */
bool acc_turn_to_create(struct acc_engine *e, struct service *s, uint32_t *ret_waits_for);
void acc_turn_give_back(struct acc_engine *e, struct service *s);
void acc_turn_mark(struct acc_engine *e); /* one is through: those that wait look again */

/* --- rollout_drain.c ------------------------------------------------------------------------- */
/* Step DRAIN: may the old one be stopped? */
bool acc_drain_over(struct acc_engine *e, struct service *s, struct instance *old);
enum acc_action_type acc_drain_decide(struct acc_engine *e, struct service *s,
                                      struct instance *old);
void acc_drain_done(struct acc_engine *e, struct instance *i, enum acc_action_type type,
                    const struct acc_event *event);
/* Rollback: what it was told is to be taken back. */
bool acc_drain_must_undo(const struct service *s, const struct instance *old);
/* One that serves is to be told to serve, though no rollout is under way. */
bool acc_drain_came_late(struct acc_engine *e, struct service *s, const struct instance *i);
/* The new one, which clients know already, goes: drained, too. */
enum acc_action_type acc_drain_end(struct acc_engine *e, struct service *s, struct instance *new);
/* ... and it must serve again before the new one goes. */
bool acc_drain_holds(struct acc_engine *e, struct service *s, struct instance *old);

/* --- heir.c: volumes without a name go on to the next container --------------------------------
 */
/* It is to be removed. */
void acc_heirs_leave(struct acc_engine *e, struct service *s, const struct instance *i);
/* Another one is in its place. */
void acc_heirs_taken(struct service *s, uint32_t slot);
bool acc_svc_has_unnamed_volumes(const struct acc_engine *e, const struct service *s);

/* --- rollout_hook.c: the steps PRE and POST ----------------------------------------------------
 */
void acc_rollout_hook_act(struct acc_engine *e, struct service *s);
void acc_rollout_hook_done(struct acc_engine *e, struct service *s, const struct acc_event *event);
/* Commands that accd did not see the end of. */
void acc_rollout_hook_update(struct acc_engine *e, struct service *s);

/* --- rollout_confirm.c: the step ASK -----------------------------------------------------------
 */
/* Back, or to the question whether that may be. */
void acc_undo_or_ask(struct acc_engine *e, struct service *s, bool is_fault);
bool acc_confirm_is_about_data(struct acc_engine *e, struct service *s);
bool acc_confirm_asks_for_data(struct acc_engine *e, struct service *s);
void acc_confirm_update(struct acc_engine *e, struct service *s);
bool acc_confirm_is_put_aside(struct acc_engine *e, const struct service *s,
                              const struct instance *i);
bool acc_confirm_owns(struct acc_engine *e, const struct service *s, const struct instance *i);
enum acc_action_type acc_confirm_decide(struct acc_engine *e, struct service *s,
                                        struct instance *i);
void acc_confirm_keep(struct acc_engine *e, struct service *s, const char *by);
/* Who watches it may stop: it stands, unless it fails first. */
void acc_confirm_take(struct acc_engine *e, struct service *s, const char *by);

/* --- rollout_undo.c -------------------------------------------------------------------------- */
void acc_undo_begin(struct acc_engine *e, struct service *s, bool is_fault);
/* A file was changed, and what was made of it before is gone: neither a revision nor the file has
 * that configuration (docs/adr/0003), so in this slot there is nothing to go back to. */
#define ACC_CUT_OFF                                                                                \
    " can't be gone back to: its container is gone, and no file has its configuration"
bool acc_undo_is_cut_off(struct acc_engine *e, const struct service *s, uint32_t slot);
/* ... nor in any other. */
bool acc_undo_is_impossible(struct acc_engine *e, const struct service *s);
bool acc_undo_owns(struct acc_engine *e, struct service *s, const struct instance *i);
enum acc_action_type acc_undo_decide(struct acc_engine *e, struct service *s, struct instance *i);
void acc_undo_update(struct acc_engine *e, struct service *s);
/* What failed is stopped, when the old one has its requests. */
enum acc_action_type acc_undo_end(struct acc_engine *e, struct service *s, struct instance *i,
                                  const struct cast *cast);
/* Or it is being started. */
bool acc_undo_runs(const struct instance *i);
/* The failed one is all that runs in its slot: who has to go before it does goes first. */
bool acc_undo_serves(const struct cast *cast, const struct instance *failed);
/* A replica that isn't to stop yet, as the others don't serve. */
bool acc_undo_goes_on(struct acc_engine *e, struct service *s, const struct instance *i);
/* Containers of a rollout that nobody remembers: go on from their names alone (E10). */
void acc_rollout_recover(struct acc_engine *e, struct service *s);
/* It has a candidate beside it and was stopped by nobody that is known: by the accd before. */
bool acc_rollout_stopped_before(struct acc_engine *e, struct service *s, const struct instance *i);

/* --- auto.c: upgrades by itself -----------------------------------------------------------------
 */
void acc_auto_looked(struct acc_engine *e, const struct acc_event *event);
bool acc_auto_is_pressed(const struct acc_event *event);
void acc_autos_act(struct acc_engine *e); /* when all that is known is settled */
/* A rollout of it has come to its end, whoever asked for it. */
void acc_auto_ended(struct acc_engine *e, struct service *s);
void acc_auto_spend(struct service *s, const char *digest);
/* The only container in its place, of the revision in force: whatever it is called, it is no half
 * of an upgrade. */
bool acc_rollout_is_misnamed(struct acc_engine *e, const struct service *s,
                             const struct instance *i);
/* Its service has left the files before it was committed: the old one is what is left of that. */
bool acc_rollout_left_half_way(struct acc_engine *e, const struct service *s,
                               const struct instance *i);

/* --- hold.c ---------------------------------------------------------------------------------- */
bool acc_hold_no_start(const struct acc_engine *e, const struct service *s);
bool acc_hold_no_stop(const struct acc_engine *e, const struct service *s);
bool acc_hold_frozen(const struct acc_engine *e, const struct service *s);
bool acc_hold_forbids(const struct acc_engine *e, const struct service *s,
                      enum acc_action_type what);
bool acc_hold_refuses(const struct acc_engine *e, const struct service *s, enum acc_verb verb);
void acc_hold_set(struct acc_engine *e, struct service *s, const struct acc_cmd *cmd);
void acc_hold_end(struct acc_engine *e, struct service *s, const char *why);
void acc_hold_update(struct acc_engine *e, struct service *s); /* time passes */
void acc_maintenance_set(struct acc_engine *e, const struct acc_cmd *cmd);
void acc_maintenance_update(struct acc_engine *e);
void acc_hold_record(const struct acc_engine *e, const struct hold *hold, uint64_t now_ms,
                     struct acc_hold_record *ret_record);
void acc_hold_restore_finish(struct acc_engine *e, struct hold *hold);
/* "is frozen by root, new disk, for another 2 h (accctl release web)"; "" when it is free. */
void acc_hold_text(const struct acc_engine *e, const struct service *s, uint64_t now_ms, char *out,
                   size_t out_size);
/* Somebody who runs and would have to stop with it is held: NULL when nobody is. The words say who,
 * what would become of it, and who may let it go. */
const struct service *acc_hold_of_sharer(struct acc_engine *e, const struct service *s);
bool acc_hold_of_sharer_text(struct acc_engine *e, const struct service *s, uint64_t now_ms,
                             char *out, size_t out_size);

/* --- shutdown.c ------------------------------------------------------------------------------ */
void acc_shutdown_begin(struct acc_engine *e, uint64_t budget_ms);
void acc_shutdown_cancel(struct acc_engine *e);
/* Connected, and there is time: stops are sent, and nothing else. */
bool acc_shutdown_may_stop(const struct acc_engine *e);
void acc_shutdown_update(struct acc_engine *e, struct service *s); /* what of it runs is known */
/* Facts are settled: is it another level's turn? */
bool acc_shutdown_is_due(const struct acc_engine *e);
void acc_shutdown_advance(struct acc_engine *e);
enum acc_action_type acc_shutdown_decide(struct acc_engine *e, struct service *s,
                                         struct instance *i);
/* The grace of a stop: not beyond the time that is left. */
uint64_t acc_shutdown_grace(const struct acc_engine *e, uint64_t grace_ms);
void acc_shutdown_end_step(struct acc_engine *e);

/* --- command.c ------------------------------------------------------------------------------- */
void acc_command(struct acc_engine *e, const struct acc_cmd *cmd);

/* --- record.c -------------------------------------------------------------------------------- */
/* With the first step: restored times get a clock, half-done cleanups go on. */
void acc_restore_finish(struct acc_engine *e);
/* Before the first step, or when its stack has just joined the files. */
bool acc_restore_may(const struct acc_engine *e, const struct service *s);

/* --- contact.c: who restarts what is only observed ---------------------------------------------
 */
/* Their files have a restart policy and none of the containers has: so it is after an adoption, and
 * nobody restarts them. */
bool acc_contact_is_forsaken(struct acc_engine *e, uint32_t stack);
/* It is managed from here on, as it is. `is_asked`: for its own sake, not to bring something of it
 * up. */
void acc_contact_take_over(struct acc_engine *e, uint32_t at, bool is_asked);
void acc_contact_keep_off(struct service *s); /* as it was found */
/* Have all containers been seen with the policies of their files? Then they are given back: what
 * somebody makes of them from here on is his matter. */
void acc_contact_hand_back(struct acc_engine *e, struct stack *stack);
void acc_contact_leave(struct acc_engine *e, struct stack *stack);
/* A service of it whose upgrade can't be ended before somebody has decided, or NULL. */
const struct service *acc_contact_keeper(struct acc_engine *e, const struct stack *stack);
static inline bool acc_svc_is_leaving(const struct acc_engine *e, const struct service *s)
{
    return e->stacks[s->stack].leave == LEAVE_ASKED;
}

/* --- why.c, view.c --------------------------------------------------------------------------- */
/* One clause: why the service is as it is; "" when there is nothing to say. */
/* "db, which is off (asked by root)", or of the host "nothing is mounted on /mnt/nas". */
void acc_root_text(struct acc_engine *e, uint32_t root, uint64_t now_ms, char *out,
                   size_t out_size);
const char *acc_root_nick(const struct acc_engine *e, uint32_t root);
void acc_reason(struct acc_engine *e, struct service *s, uint64_t now_ms, char *out,
                size_t out_size);
