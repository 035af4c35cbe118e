#pragma once

/*
 * The engine: the brain of accd, and nothing else of it.
 *
 * acc_engine_step() is a pure function of (state, event, monotonic ms); ENGINE.md is its semantics.
 * The caller carries out the actions in order, before the next step. Nothing is allocated in
 * step(); tables are sized by create() and reconfigure(). The same function runs in accd, in the
 * simulator and behind `accctl drill`.
 */

#include "lib/engine/action.h"
#include "lib/engine/event.h"
#include "lib/model/spec.h"

struct acc_engine;
struct acc_buf;

#define ACC_DEADLINE_NONE UINT64_MAX

/* Everything needed is copied out of `model`, which stays the caller's. A stack without a record is
 * `observing` when `observe_new` and one of its containers exists at the first snapshot, else
 * managing. 0 and `*ret_engine`, or -ENOMEM. */
struct acc_engine_options {
    uint64_t seed;     /* of the jitter */
    uint64_t first_op; /* op numbers start here: above every op ever journaled */
    bool observe_new;
};
int acc_engine_create(const struct acc_model *model, const struct acc_engine_options *options,
                      struct acc_engine **ret_engine);
struct acc_engine *acc_engine_destroy(struct acc_engine *engine); /* NULL allowed; returns NULL */

/* A new configuration, between two steps. Services are matched by id and keep all they have; new
 * ones start as wanted up (where their stack is managed); those whose spec_hash changed are
 * compared with their containers, and changed live or recreated as far as they differ; those that
 * are gone from the file are stopped and kept as `removed` until their container is gone, and so
 * are `orphans`, which left it before this engine knew them. Indexes change: afterwards service i
 * is model->services[i]; removed ones come after them. 0 or -ENOMEM, then nothing has changed. */
struct acc_orphan { /* by the labels of its containers; in neither the engine nor the model */
    const char *stack, *service; /* copied */
    uint32_t n;                  /* containers */
};
int acc_engine_reconfigure(struct acc_engine *engine, const struct acc_model *model,
                           const struct acc_orphan *orphans, uint32_t n_orphans, uint64_t now_ms);

/* Who asks for the configuration that comes next ("root"); of the first it is "file". */
void acc_engine_asked_by(struct acc_engine *engine, const char *by);

/* Between two steps, as the above: the containers of services that are gone from the file are to be
 * removed, too. */
void acc_engine_prune(struct acc_engine *engine);
/* Adopted containers that differ from their file as it is are to follow it, where they are managed:
 * changed live, or made anew. Only what was compared already. */
void acc_engine_conform(struct acc_engine *engine);

/* First contact (E10): what the containers of a stack of which there is no record tell, each told
 * once. Made by somebody else, or given back: it is observed. */
struct acc_contact {
    bool is_there, is_made_here, has_policy;
};
void acc_contact_add(struct acc_contact *contact, bool is_made_here,
                     enum acc_restart_policy policy);
bool acc_contact_observes(const struct acc_contact *contact);

void acc_engine_step(struct acc_engine *engine, const struct acc_event *event,
                     struct acc_actions *actions);
/* When ACC_EV_TIMEOUT is due next, or ACC_DEADLINE_NONE. Ask again after every step. */
uint64_t acc_engine_deadline(const struct acc_engine *engine);
/* Assert the invariants that can be seen from inside; the simulator calls it after every step. */
void acc_engine_check(const struct acc_engine *engine);
/* The same of those services alone that were looked at since the last call: as cheap as the steps.
 */
void acc_engine_check_step(struct acc_engine *engine);
/* How often a service was looked at since the engine was made: the cost of its steps, whatever the
 * machine. */
uint64_t acc_engine_visits(const struct acc_engine *engine);
/* FNV-1a over all actions ever emitted: equal seeds give equal hashes. */
uint64_t acc_engine_trace_hash(const struct acc_engine *engine);

/* --- what survives accd --------------------------------------------------------------------- */

/* E9. What a rollout is at; DRAIN and STOP_OLD belong to one order each. */
enum acc_rollout_step {
    ACC_ROLL_IDLE = 0,
    ACC_ROLL_PULL,
    ACC_ROLL_PRE,      /* the commands of upgrade.pre */
    ACC_ROLL_CREATE,   /* the candidate, under a name of its own */
    ACC_ROLL_STOP_OLD, /* stop-first: stop the old one, which keeps its name until SWITCH */
    ACC_ROLL_START,
    ACC_ROLL_VERIFY,
    ACC_ROLL_ROUTE,  /* start-first: it gets the service's names on its networks */
    ACC_ROLL_DRAIN,  /* start-first: both serve */
    ACC_ROLL_SWITCH, /* the old one stops, the names change: committed */
    ACC_ROLL_POST,   /* the commands of upgrade.post */
    ACC_ROLL_WATCH,  /* the old one is kept */
    ACC_ROLL_RETIRE, /* and goes */
    ACC_ROLL_UNDO,   /* rollback */
    ACC_ROLL_ASK,    /* somebody has to say whether */
};
#define ACC_ROLL_STEP_COUNT 15
const char *acc_rollout_step_name(enum acc_rollout_step step); /* "pull", ... */

#define ACC_REASON_MAX 511u /* of one clause that says why */

struct acc_hold_record {
    enum acc_hold kind; /* NONE: nothing else is set */
    char by[64];
    char reason[ACC_HOLD_REASON_MAX + 1];
    uint64_t left_ms; /* 0: until it is released */
};

struct acc_rollout_record {
    enum acc_rollout_step step; /* IDLE: nothing else is set */
    bool start_first;
    uint64_t id;             /* of the names <canonical>.c<id> */
    uint32_t from, to, slot; /* revisions; the replica that is at it */
    char image[ACC_NAME_MAX + 1], image_id[ACC_HASH_LEN + 8], digest[ACC_HASH_LEN + 8];
    char spec[ACC_HASH_LEN + 1];
    bool is_upgrade;  /* an image is asked for; else only what the file says of the container */
    bool is_change;   /* the file has changed since the old one was made */
    bool must_listen; /* the one before listened on a declared port: the new one has to, too */
    uint32_t back_to; /* the revision that somebody goes back to, as `to`; 0: none */
    char what[ACC_OUTPUT_MAX + 1]; /* what has: "environment TZ added"; never a secret */
    uint64_t group;                /* the rollouts of one wish have the same one; 0: alone */
    bool goes_back;                /* another one of them has failed */
    char by[64];
    char why[ACC_OUTPUT_MAX + 1]; /* UNDO */
};

/* One revision of a service, for its history. */
enum acc_revision_result {
    ACC_REV_TRIAL = 0,   /* committed, and watched */
    ACC_REV_STABLE,      /* what a rollback may go to */
    ACC_REV_ROLLED_BACK, /* it failed, and the one before is back */
    ACC_REV_FAILED,      /* ... and that one isn't well either */
};
const char *acc_revision_result_name(enum acc_revision_result result); /* "stable", ... */
/* Stable revisions of a service that are remembered. */
#define ACC_REVISIONS_MAX 5u
struct acc_revision_record {
    char id[2 * ACC_NAME_MAX + 2]; /* of the service */
    uint32_t number;
    enum acc_revision_result result;
    char image[ACC_NAME_MAX + 1];
    char image_id[ACC_HASH_LEN + 8], digest[ACC_HASH_LEN + 8];
    char spec[ACC_HASH_LEN + 1];
    char by[64];                   /* who asked; "" = it was there before */
    char what[ACC_OUTPUT_MAX + 1]; /* what has changed in the file, one clause; "" nothing */
    char text[ACC_OUTPUT_MAX + 1]; /* why it failed */
    uint64_t took_ms;              /* from the wish to the commit, or to its end */
    bool is_attempt; /* nothing was made of it; the next one may have the same number */
};
/* In place of a number: the last attempt. */
#define ACC_REVISION_TRIED 0u

/* Times are "remaining from the moment it was saved"; monotonic clocks die at a reboot. */
/* What is known of the image that a service takes by itself. Times are Unix seconds. */
struct acc_auto_record {
    char image[ACC_NAME_MAX + 1];  /* the reference that was looked at; "": none yet */
    char digest[ACC_HASH_LEN + 8]; /* what it means, where that isn't what runs; "" else */
    int64_t since_s, looked_s;     /* `digest` was first seen then; when it was last looked at */
    char bad_digest[ACC_HASH_LEN + 8]; /* taken back: not to be taken unasked again */
};
/* Who asks for such an upgrade. */
#define ACC_BY_AUTO "auto"

/* Where the bind sources of one service were: of a dozen. What doesn't fit isn't remembered. */
#define ACC_PLACES_MAX 2047u

/* What is removed to be made anew leaves its volumes without a name: as many as one container can
 * have; of replicas one is made anew after the other. */
#define ACC_HEIRS_MAX 1039u

struct acc_service_record {
    char id[2 * ACC_NAME_MAX + 2];
    bool wanted_up;      /* what the operator (or the file) wants */
    bool wanted_removed; /* off by `down`: the container goes, too */
    bool held;           /* stopped by hand, outside of acc */
    char asked_by[64];   /* who asked last; "" = the file */
    uint32_t n_failures; /* counted since the last reset */
    uint32_t n_restarts; /* shown; since accd knows the service */
    uint32_t n_opens;    /* consecutive openings of the breaker */
    uint64_t last_delay_ms;
    uint64_t backoff_left_ms, open_left_ms;
    bool done;                           /* one-shot that ended with 0 ... */
    char done_spec[ACC_HASH_LEN + 1];    /* ... of this spec */
    char applied_spec[ACC_HASH_LEN + 1]; /* the spec that its containers are considered to follow */
    char canonical[ACC_NAME_MAX + 1]; /* name of slot 1 when it isn't the default: adopted ones */
    /* Runs are told apart by their begin (Unix ns, the engine's clock). Those that began up to here
     * and have ended were ended by acc, not by hand ... */
    int64_t own_stop_ns;
    /* ... and those that began up to here and still go on are to be ended: a stop or a restart is
     * under way. */
    int64_t end_ns;
    /* A start was asked for whose post_start hooks aren't known to be over. */
    bool hooks_due;
    int64_t hooked_ns; /* the hooks of runs that began up to here are */
    /* Runs with a health check that began up to here were ready (engine's clock). */
    int64_t ready_run_ns;

    uint32_t revision, last_revision; /* in force, and the highest number ever given; 0 none yet */
    /* What its next container is made of while the file says `pin_spec`: "" = what the file says */
    char pin_spec[ACC_HASH_LEN + 1];
    char pin_image[ACC_NAME_MAX + 1]; /* reference; "" = the file's */
    char pin_id[ACC_HASH_LEN + 8], pin_digest[ACC_HASH_LEN + 8];
    char bad_id[ACC_HASH_LEN + 8];    /* quarantined: it was rolled back ... */
    char bad_image[ACC_NAME_MAX + 1]; /* ... as which reference, the file's too; "": not known */
    /* Likewise a configuration: why, and the id of the service whose rollback took it along ("" its
     * own). */
    char bad_spec[ACC_HASH_LEN + 1];
    char bad_why[ACC_OUTPUT_MAX + 1];
    char bad_root[2 * ACC_NAME_MAX + 2];
    /* The revision that failed and stays, as there was nothing to go back to; number 0: none. */
    struct {
        uint32_t number;
        char image[ACC_NAME_MAX + 1], image_id[ACC_HASH_LEN + 8], digest[ACC_HASH_LEN + 8];
        char spec[ACC_HASH_LEN + 1];
    } failed;
    struct acc_rollout_record rollout;
    struct acc_hold_record hold;
    struct acc_auto_record autos;
    char places[ACC_PLACES_MAX + 1]; /* "PATH\tPLACE\n" of each bind source (lib/model/place.h) */
    char fail_text[ACC_REASON_MAX + 1]; /* its last failure, to be shown */
    char heirs[ACC_HEIRS_MAX + 1];      /* "SLOT\tTARGET\tNAME[\tro]\n" of what was removed */
    uint64_t saved_ms; /* when it was made; not for another boot, whose clock begins anew */
};
/* Of its pauses only what is left is given back: so much time has gone since it was saved. */
void acc_service_record_age(struct acc_service_record *record, uint64_t elapsed_ms);
struct acc_stack_record {
    char name[ACC_NAME_MAX + 1];
    bool has_left; /* accd saw it leave the files, and stopped it for that */
    bool observing;
};
/* The record to be saved after SAVE_SERVICE or SAVE_STACK, as of `now_ms`. */
void acc_engine_service_record(const struct acc_engine *engine, uint32_t svc, uint64_t now_ms,
                               struct acc_service_record *ret_record);
void acc_engine_stack_record(const struct acc_engine *engine, uint32_t stack,
                             struct acc_stack_record *ret_record);
/* An open incident, as of `now_ms`: to be saved when it was opened or notified, and forgotten when
 * it is closed. False: it isn't open. */
struct acc_incident_record {
    uint64_t id;
    char root[2 * ACC_NAME_MAX + 2];
    char cause[ACC_REASON_MAX + 1];
    uint64_t age_ms;
    bool notified;
    uint32_t n_peak;
};
bool acc_engine_incident_record(const struct acc_engine *engine, uint64_t id, uint64_t now_ms,
                                struct acc_incident_record *ret_record);
/* Maintenance, as of `now_ms`: to be saved after SAVE_MAINTENANCE, to be shown, and given back. */
void acc_engine_maintenance(const struct acc_engine *engine, uint64_t now_ms,
                            struct acc_hold_record *ret_record);
void acc_engine_restore_maintenance(struct acc_engine *engine,
                                    const struct acc_hold_record *record);
/* Give saved records back, before the first step. Unknown ids are ignored (true = taken). Those of
 * a stack, its services and their revisions also behind acc_engine_reconfigure(), for a stack that
 * has joined with it: it was managed before, when accd last had its files. */
bool acc_engine_restore_service(struct acc_engine *engine, const struct acc_service_record *record);
bool acc_engine_restore_stack(struct acc_engine *engine, const struct acc_stack_record *record);
/* It goes on with its number, and is not told anew. */
bool acc_engine_restore_incident(struct acc_engine *engine,
                                 const struct acc_incident_record *record);
/* The revision to be saved after SAVE_REVISION; false when it is no longer known. */
bool acc_engine_revision(const struct acc_engine *engine, uint32_t svc, uint32_t number,
                         uint64_t now_ms, struct acc_revision_record *ret_record);
/* The revisions of a service whose images are to be kept, the stable ones, one that failed and
 * stays, and that of a rollout under way: their number, and `ret` (ACC_KEPT_MAX) with the newest
 * last. */
#define ACC_KEPT_MAX (ACC_REVISIONS_MAX + 2u)
struct acc_kept {
    uint32_t number;
    const char *image_id; /* borrowed until the next step */
};
size_t acc_engine_kept(const struct acc_engine *engine, uint32_t svc, struct acc_kept *ret);
/* What the label of its container tells of its revision, for when no
 * record does. False: it was never upgraded, or nothing is there. */
bool acc_engine_found_revision(const struct acc_engine *engine, uint32_t svc,
                               struct acc_revision_record *ret_record);
/* Stable ones, in the order of their numbers. */
bool acc_engine_restore_revision(struct acc_engine *engine,
                                 const struct acc_revision_record *record);

/* --- all of it -------------------------------------------------------------------------------
 *
 * The state as text: lines that begin with "was". An engine that is created from them and a model
 * of the same configuration does what this one would do. `with_private`: also texts that others
 * have written (what a health check prints, Docker's own words); nothing is decided by those. */
int acc_engine_state_put(const struct acc_engine *engine, bool with_private, struct acc_buf *out);
/* 0 and `*ret_engine`; -EINVAL: these lines don't belong to this model; -ENOMEM. */
int acc_engine_create_from(const struct acc_model *model, const char *text,
                           struct acc_engine **ret_engine);
/* The `at`-th container of a service as it was last seen; cid "" when there is none. False past the
 * end. Its ports, labels and image are those of the service. */
bool acc_engine_container(const struct acc_engine *engine, uint32_t svc, uint32_t at,
                          struct acc_obs *ret_obs);
/* The numbers of what was asked for and not answered, at most acc_engine_n_pending() of each. */
size_t acc_engine_n_pending(const struct acc_engine *engine);
size_t acc_engine_pending(const struct acc_engine *engine, uint64_t *ops, uint64_t *probes,
                          size_t *ret_n_probes);
/* Of the engine's words (op.message) those by which something is decided; "" for all others. */
const char *acc_engine_words(const char *message);
uint64_t acc_engine_now(const struct acc_engine *engine); /* of its last step */
/* What is known of the model's `at`-th condition of the host; `*ret_place` (NULL allowed): where a
 * bind source lies, "" when nobody can tell, borrowed until the next step. */
enum acc_tri acc_engine_condition(const struct acc_engine *engine, uint32_t at,
                                  const char **ret_place);

/* --- looking at it (status, why, the executor of actions) ----------------------------------------
 */

enum acc_svc_state {
    ACC_SVC_OFF = 0, /* the spelling for users is acc_svc_state_name() */
    ACC_SVC_BLOCKED,
    ACC_SVC_QUEUED,
    ACC_SVC_STARTING,
    ACC_SVC_UP,
    ACC_SVC_IMPAIRED,
    ACC_SVC_BACKOFF,
    ACC_SVC_OPEN,
    ACC_SVC_HALF_OPEN,
    ACC_SVC_FAILED,
    ACC_SVC_HELD,
    ACC_SVC_UPGRADING,
    ACC_SVC_ROLLING_BACK,
    ACC_SVC_STOPPING,
    ACC_SVC_DONE,
};
#define ACC_SVC_STATE_COUNT 15
const char *acc_svc_state_name(enum acc_svc_state state); /* "off", "half-open", ... */

/* E1, the observed instance. */
enum acc_inst_state {
    ACC_INST_ABSENT = 0,
    ACC_INST_CREATING,
    ACC_INST_CREATED,
    ACC_INST_STARTING,
    ACC_INST_PROBING,
    ACC_INST_READY,
    ACC_INST_DEGRADED,
    ACC_INST_DRAINING,
    ACC_INST_STOPPING,
    ACC_INST_EXITED,
    ACC_INST_PAUSED,
    ACC_INST_REMOVING,
    ACC_INST_QUARANTINE,
};
#define ACC_INST_STATE_COUNT 13
const char *acc_inst_state_name(enum acc_inst_state state); /* "absent", "ready", ... */

enum acc_verdict {
    ACC_HEALTH_NONE,
    ACC_HEALTH_UNKNOWN,
    ACC_HEALTH_STARTING,
    ACC_HEALTH_HEALTHY,
    ACC_HEALTH_UNHEALTHY
};
const char *acc_verdict_name(enum acc_verdict verdict);

/* What a verdict on a running service stands on, the weakest of its instances. */
enum acc_evidence {
    ACC_EVIDENCE_NONE,    /* nothing runs */
    ACC_EVIDENCE_CHECK,   /* its own health check */
    ACC_EVIDENCE_PROBE,   /* x-acc.probe */
    ACC_EVIDENCE_LISTENS, /* one of its ports listens */
    ACC_EVIDENCE_RUNS,    /* it has run for a while */
};
const char *acc_evidence_name(enum acc_evidence evidence); /* "", "check", "listens", ... */

#define ACC_ROOTS_MAX 8u

struct acc_instance_view {
    uint32_t slot;
    enum acc_inst_state state;
    bool stale;             /* not seen in this epoch */
    const char *name, *cid; /* borrowed until the next step; "" when absent */
    int64_t pid;
    int64_t started_ns;
    const char *image_id;
    const char *image; /* the reference that it was made of; "" when absent, or it was made by id */
    bool differs;      /* not what the file says (adopted), see `differs` of the service */
    bool updated;      /* changed while it runs for the present spec */
    bool is_beside;    /* another one has its place: kept by an upgrade, its candidate, a twin */
    int32_t exit_code; /* of the last run; -1 when it has none */
    bool oom;
    const char *health_output;
};

#define ACC_QUEUED_MAX 224u /* a clause, with a service's name and a command */
struct acc_service_view {
    const char *id, *stack, *name, *phase, *tier, *image; /* borrowed until the next step */
    bool removed;                                         /* gone from the file */
    bool old_serves; /* FAILED, for somebody is asked about its upgrade, and the old one serves */
    bool serves;     /* ... amid a rollout, be it that this has yet to begin */
    bool wanted_up;
    bool is_found_off; /* it was so when its stack was found, and nobody has asked for it since */
    bool observing;
    bool is_unseen; /* its stack has just joined the files, what is there of it isn't known yet */
    enum acc_svc_state state;
    enum acc_verdict health;
    enum acc_evidence evidence;
    uint64_t since_ms; /* monotonic: when it entered `state`; may lie before accd's start */
    char reason[ACC_REASON_MAX + 1]; /* one clause: "exited with 1", "needs postgres, which ..." */
    uint32_t roots[ACC_ROOTS_MAX];   /* services, or the host; never itself */
    size_t n_roots;
    uint32_t n_restarts;
    uint32_t n_instances;
    uint32_t scale[2]; /* more containers than its file has, by hand: how many, and the file's */
    uint32_t revision; /* in force; 0: never upgraded */
    enum acc_rollout_step step;  /* of the rollout under way, or IDLE */
    bool is_rollback;            /* ... goes to an older revision */
    uint32_t n_tries;            /* of its pull that have failed */
    uint32_t n_places_taken;     /* bind sources, as they were, at a person's word */
    char queued[ACC_QUEUED_MAX]; /* what another one that is asked for waits for; "" none is */
    struct acc_hold_record hold; /* its own; maintenance is told apart */
    const char *refused; /* its configuration was rolled back and isn't tried again: why; "" not */
    const char *refused_by; /* ... by whom, where a person did it; else "" */
    const char *banned;     /* an image that a changed file doesn't bring in; "" for none */
    const char *stays_at;   /* the reference of what runs instead of the file's; "" for none */
    const char *what; /* the rollout under way changes this of its configuration; "" nothing */
};
/* What a root is called: "acc/postgres", "host:mount:/mnt/nas"; borrowed until the next step. From
 * ACC_ROOT_HOST on it is a condition of the host. */
#define ACC_ROOT_HOST     0x80000000u
#define ACC_ROOT_HOST_END 0xc0000000u
const char *acc_engine_root_id(const struct acc_engine *engine, uint32_t root);
size_t acc_engine_n_services(const struct acc_engine *engine); /* removed ones included */
size_t acc_engine_n_stacks(const struct acc_engine *engine);
void acc_engine_service(const struct acc_engine *engine, uint32_t svc, uint64_t now_ms,
                        struct acc_service_view *ret_view);
void acc_engine_instance(const struct acc_engine *engine, uint32_t svc, uint32_t i,
                         struct acc_instance_view *ret_view);
bool acc_engine_stack_observing(const struct acc_engine *engine, uint32_t stack);
/* Managed because its containers are accd's own, though no record of it was left: what an operator
 * had asked for before this accd began is not known. Or observed, and nobody restarts its
 * containers: they lack the restart policy of their file. */
bool acc_engine_stack_recovered(const struct acc_engine *engine, uint32_t stack);
const char *acc_engine_stack_name(const struct acc_engine *engine, uint32_t stack);
/* The stack of that name, or ACC_NONE: none of its services is known. */
uint32_t acc_engine_find_stack(const struct acc_engine *engine, const char *name);
/* The container id of slot 1 of a service, or NULL: for `service:` namespaces. */
const char *acc_engine_container_id(const struct acc_engine *engine, uint32_t svc);
/* The reference of what its container in slot 1 was made of where that isn't the file's (it was
 * named with --image, or is to be replaced); NULL: it is, or there is none. */
const char *acc_engine_other_image(const struct acc_engine *engine, uint32_t svc);
/* The digest that an image was pulled by, as the revisions of `svc` or else of another service have
 * it, and with which reference; "" for both: none has. Borrowed until the next step. */
const char *acc_engine_pulled_as(const struct acc_engine *engine, uint32_t svc,
                                 const char *image_id, const char **ret_image);
/* CREATE: the volumes without a name of what it replaces, as in acc_obs.volumes. */
void acc_engine_heirs(const struct acc_engine *engine, uint32_t svc, uint32_t slot,
                      char out[ACC_OBS_VOLUMES_MAX + 1]);
/* Whose container this is: true and its service and slot. */
bool acc_engine_find_container(const struct acc_engine *engine, const char *cid, uint32_t *ret_svc,
                               uint32_t *ret_slot);
bool acc_engine_connected(const struct acc_engine *engine); /* false also while it hangs */
/* Connected, and every container has been told since. */
bool acc_engine_has_snapshot(const struct acc_engine *engine);

/* The host goes down. Over: nothing more is stopped, it may go; all is down or the time is over. */
struct acc_shutdown_view {
    bool is_on, is_over;
    uint64_t left_ms; /* of the time */
    uint32_t n_left;  /* services that are still to be stopped */
};
void acc_engine_shutdown(const struct acc_engine *engine, uint64_t now_ms,
                         struct acc_shutdown_view *ret_view);

/* One or two plain sentences for `accctl why`: what state, for how long, which root, exit code,
 * OOM, last health output, what happens next and when. Times are relative to `now_ms`. */
void acc_engine_why(const struct acc_engine *engine, uint32_t svc, uint64_t now_ms,
                    struct acc_buf *out);

/* Upgrades by itself. Times are Unix seconds, 0 unknown. */
struct acc_auto_view {
    bool is_set;        /* else nothing else is */
    bool is_pending;    /* there is something to be taken */
    int64_t next_s;     /* its window opens then; in the past: it is open */
    const char *digest; /* of what the registry has; "": what runs. Borrowed until the next step */
    int64_t seen_s, ripe_s;          /* it was first seen, and is old enough */
    int64_t taken_s;                 /* when it would be taken */
    char reason[ACC_OUTPUT_MAX + 1]; /* what is in the way, besides the time */
};
void acc_engine_auto(const struct acc_engine *engine, uint32_t svc, uint64_t now_ms,
                     struct acc_auto_view *ret_view);
/* Was the image of this digest tried and taken back? `*ret_is_refused`: it must be named with
 * --image to be tried again. */
bool acc_engine_took_back(const struct acc_engine *engine, uint32_t svc, const char *digest,
                          bool *ret_is_refused);

/* Has what a verb asked of this service come to its end? `text` (ACC_REASON_MAX + 1) says why not;
 * of what is refused, held, or unfit, it goes on behind the service's name: "is held down by root".
 */
enum acc_settled {
    ACC_SETTLED_PENDING,
    ACC_SETTLED_DONE,
    ACC_SETTLED_FAILED,
    ACC_SETTLED_REFUSED,
    ACC_SETTLED_HELD,  /* a hold or maintenance forbids it, from before it was asked or since */
    ACC_SETTLED_UNFIT, /* it isn't done with one of its kind; of several it is left out */
};
enum acc_settled acc_engine_settled(const struct acc_engine *engine, uint32_t svc,
                                    enum acc_verb verb, uint64_t now_ms, char *text);
/* Has the configuration in force come to its end with this service: does all that is wanted up
 * follow it and run? What is off, held or only observed isn't touched by it: DONE. So is what a
 * person has taken back; `text` says that, and is empty with any other DONE. */
enum acc_settled acc_engine_applied(const struct acc_engine *engine, uint32_t svc, uint64_t now_ms,
                                    char *text);

/* Wouldn't a change of its file be followed, as somebody holds it, or who would stop with it? Then
 * `text` (ACC_REASON_MAX + 1) says who: "it is frozen by root (accctl release web)". */
bool acc_engine_is_held_back(const struct acc_engine *engine, uint32_t svc, uint64_t now_ms,
                             char *text);

/* How an upgrade would go: true for start-first, and one clause that says why. */
bool acc_engine_start_first(const struct acc_engine *engine, uint32_t svc, const char **ret_why);

/* Wouldn't an upgrade even begin? Then `text` (ACC_REASON_MAX + 1) says why. */
bool acc_engine_is_unfit(const struct acc_engine *engine, uint32_t svc, char *text);

/* Mark in `selected` (acc_engine_n_services() bytes, zeroed by the caller) what `target` names:
 * "stack/service", a unique service name, a stack, or "" for all. `phase` narrows when not NULL.
 * ACC_SELECT_UNKNOWN sets `*ret_nearest` to a likely name or NULL. */
enum acc_select { ACC_SELECT_OK = 0, ACC_SELECT_UNKNOWN, ACC_SELECT_AMBIGUOUS };
enum acc_select acc_engine_select(const struct acc_engine *engine, const char *target,
                                  const char *phase, uint8_t *selected, bool *ret_is_stack,
                                  const char **ret_nearest);

struct acc_incident_view {
    uint64_t id;
    const char *root;  /* "acc/postgres", "engine", "host:..."; borrowed until the next step */
    uint64_t since_ms; /* monotonic */
    bool open, notified;
    uint64_t closed_ms;
    /* Open: its root is well since then, and it closes at the earliest then; 0: it is not, or
     * nobody can tell. */
    uint64_t well_ms, closes_ms;
    char cause[ACC_REASON_MAX + 1];
    /* services that it has impaired or blocked; borrowed until the next call or step */
    const uint32_t *impact;
    size_t n_impact;
    uint32_t n_suffer, n_peak; /* how many it does so to now, and did at the worst time */
};
/* Open ones and the last closed ones, newest first. False past the end. */
bool acc_engine_incident_at(const struct acc_engine *engine, size_t i,
                            struct acc_incident_view *ret_view);
bool acc_engine_incident(const struct acc_engine *engine, uint64_t id,
                         struct acc_incident_view *ret_view);
