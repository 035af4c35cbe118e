#pragma once

/*
 * The world: the real engine (the brain of accd) on the twin of Docker, in virtual time, with one
 * seed for everything.
 *
 * It plays accd's shell (shell.c: what daemon/ does with actions, the connection and the store),
 * the people (faults.c: operators and those who use docker beside accd) and bad luck. The oracle
 * looks at every step. The first thing that is wrong ends the run and is kept as text.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/engine/engine.h"
#include "tests/sim/coverage.h"
#include "tests/sim/cut.h"
#include "tests/sim/graphs.h"
#include "tests/sim/oracle.h"
#include "tests/sim/twin.h"

struct world_options {
    uint64_t seed;
    struct sim_graph_options graph;
    uint64_t chaos_ms;         /* how long faults last */
    uint32_t rarity;           /* a host as most are: so much rarer, but for bursts; 0: a storm */
    bool calm;                 /* no faults at all: a plain bring-up */
    bool quick;                /* skip the trials after it has healed */
    bool upgrades;             /* images get newer, some of them bad, and people upgrade */
    uint32_t copy_every;       /* steps after which a copy, made by text, takes over; 0: never */
    bool one_stream;           /* all draw from one stream: seeds from before there were more */
    bool singly;               /* people upgrade one service at a time: likewise */
    struct cuts cuts;          /* what is left out */
    FILE *trace;               /* NULL: silent */
    struct coverage *coverage; /* NULL: not counted */
};
/* What the test suite runs: everything else follows from the seed. */
struct world_options world_options_of(uint64_t seed, bool one_stream);
/* The same seed, and days to months in which little happens. */
void world_options_make_long(struct world_options *options);

enum world_conn { WORLD_CONN_DOWN = 0, WORLD_CONN_UP, WORLD_CONN_DEGRADED };

#define WORLD_OPS_MAX  1024u
#define WORLD_OPEN_MAX 4096u

struct world_op { /* sent by this life of accd, not answered yet */
    bool is_used, is_late, is_journaled;
    struct acc_action action;
    uint64_t sent_ms;
};

struct world_incident { /* an open one, as saved */
    struct acc_incident_record record;
    uint64_t since_ms;
};

/* What is on accd's disk. `latest` is written, `durable` is synced. */
struct world_store {
    struct acc_service_record *latest, *durable; /* one per service of the model */
    bool *has_latest, *has_durable;
    bool *is_unsynced; /* differs: those in `unsynced` */
    uint32_t *unsynced;
    size_t n_unsynced;
    struct acc_stack_record *stack_latest, *stack_durable;
    bool *stack_has_latest, *stack_has_durable;
    struct acc_hold_record maintenance_latest, maintenance_durable;
    struct world_incident *incident_latest, *incident_durable; /* owned; room for incidents_max */
    size_t n_incidents_latest, n_incidents_durable, incidents_max;
    uint64_t next_op;
    uint64_t open[WORLD_OPEN_MAX]; /* journaled and not ended */
    size_t n_open;
    struct acc_revision_record *revision; /* as saved; owned */
    size_t n_revisions;
};

struct world_faults { /* mean time between two, in ms; 0: never */
    uint64_t accd_crash, store_lost_pct, store_torn_pct;
    uint64_t stream_break, engine_crash, engine_restart, engine_hang;
    uint64_t foreign, operator_, spell, prune, hold, host, change, shutdown, network, disk, push;
    uint64_t live_restore_pct;
};

/* What draws from a stream of its own, beside each service and the strangers. */
enum world_stream { WORLD_STREAM_CONN, WORLD_STREAM_ACCD, WORLD_STREAM_COUNT };

/* Kinds of faults. */
enum trouble {
    TROUBLE_ACCD,
    TROUBLE_STREAM,
    TROUBLE_CRASH,
    TROUBLE_RESTART,
    TROUBLE_HANG,
    TROUBLE_FOREIGN,
    TROUBLE_OPERATOR,
    TROUBLE_SPELL,
    TROUBLE_PRUNE,
    TROUBLE_HOLD,
    TROUBLE_HOST,
    TROUBLE_CHANGE,
    TROUBLE_SHUTDOWN,
    TROUBLE_NETWORK,
    TROUBLE_DISK,
    TROUBLE_PUSH,
};
#define TROUBLE_COUNT 16

#define WORLD_TRIALS 6u /* of a seed; the last one is the host's shutdown, of some */

/* The host shuts down. */
struct world_shutdown {
    bool is_on;
    uint64_t number, since_ms, until_ms;
    uint64_t stays_ms; /* it is called off then; 0: it isn't */
    bool is_held;      /* also by somebody else, who doesn't let go when accd dies */
    struct sim_rand rand;
};

/* The last stack joins the files, or leaves them. */
struct world_join {
    struct acc_model *part;  /* owned; without it. NULL: all are there all the time */
    struct acc_model *whole; /* owned; it is in no file. NULL: it is */
    uint32_t must_observe;   /* a stack that is none of accd's business; ACC_NONE */
};

struct world_leave {
    bool is_left, returns;
    uint64_t since_ms, life; /* of the accd that had it; 0: none was there */
    bool is_unsure;          /* that one had not looked at it yet */
    bool was_observed;
    bool has_containers; /* else it is forgotten: what becomes of it is found anew */
    bool is_taken;       /* somebody has started it since, and accd was told */
    bool is_pruned;      /* somebody has asked for that */
};

/* The disk of accd's state. */
struct world_disk {
    bool is_full; /* nothing that is written lasts */
    bool is_told; /* accd has noticed */
    uint64_t number, since_ms, told_ms;
};

struct world {
    struct world_options options;
    struct sim_rand rand; /* split, after all was drawn that is there from the beginning */
    struct sim_rand fate; /* of the fault, or the trial, that happens now */
    uint32_t n_troubles[TROUBLE_COUNT]; /* that have happened, or were left out */
    struct sim_queue queue;
    struct sim_graph graph;
    struct sim_workloads workloads;
    struct twin twin;
    struct world_faults faults;
    bool is_chaos; /* faults happen */
    bool observe_new;

    /* accd */
    struct acc_engine *engine; /* NULL: it is dead */
    uint64_t life;             /* which one */
    uint64_t first_look_ms;    /* when it had first seen all that there is; UINT64_MAX: not yet */
    uint32_t crash_in;         /* actions until it is killed; 0: not */
    struct acc_actions actions;
    struct world_op op[WORLD_OPS_MAX];
    struct world_store store;
    bool store_was_lost;
    struct acc_auto_spec auto_spec; /* of all that are upgraded by themselves */
    uint32_t *version;              /* of each service: what its tag means now; owned */
    uint64_t n_upgrades;
    uint64_t n_changes; /* of the files */
    bool stays_dead;    /* nobody starts it again by himself */

    /* its connection */
    enum world_conn conn;
    uint64_t epoch;     /* counts CONN_UP; replies of older ones are dropped */
    bool has_snapshot;  /* of this epoch */
    uint64_t seen_boot; /* of the twin, at the last CONN_UP */
    bool is_listing, is_relist_due;
    size_t n_list_pending;
    uint64_t n_looks;
    uint64_t n_foreign;                   /* names of strangers */
    struct sim_rand hold_rand, host_rand; /* their own: the other stories stay what they are */
    uint64_t *host_change_ms;             /* owned; of each condition: when it last came or went */
    struct world_shutdown shutdown;
    struct world_disk disk;
    struct world_join join;
    struct world_leave leave;
    size_t n_services; /* also of a stack that has not joined yet */

    uint32_t event_svc; /* whom an answer concerns, while it is told */
    struct oracle oracle;
    uint64_t hash; /* over the traces of all lives */
    uint64_t n_steps, n_actions, n_lives, n_timeouts_at_once;
    uint64_t n_mutations, last_mutation_ms;
    bool is_failed;
    uint64_t failed_ms;
    char violation[1024];
};

void world_open(struct world *world, const struct world_options *options);
void world_close(struct world *world);
/* Everything: chaos, healing, trials. True when nothing was wrong. */
bool world_run(struct world *world);
void world_run_for(struct world *world, uint64_t ms);
/* Until it has converged (NULL), or what is still missing after `limit_ms`. */
const char *world_converge(struct world *world, uint64_t limit_ms);

void world_fail(struct world *world, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void world_trace(struct world *world, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
const char *world_service_id(const struct world *world, uint32_t svc);
struct sim_rand *world_luck(struct world *world, uint32_t svc);
struct sim_rand *world_stream(struct world *world, enum world_stream stream);
/* What happens now is the `number`th of its kind; what it draws from: */
void world_fate_begin(struct world *world, uint64_t kind, uint64_t number);
struct sim_rand *world_fate(struct world *world);

/* --- shell.c ------------------------------------------------------------------------------- */

void world_step(struct world *world, struct acc_event *event);
void world_accd_start(struct world *world);
uint64_t world_life_of(uint64_t token); /* which accd made this call of the twin */
void world_accd_kill(struct world *world, bool torn, bool lost);
void world_store_init(struct world *world);
void world_store_fini(struct world *world);
/* Of its first stacks, by text. */
struct acc_model *world_copy_model(const struct acc_model *model, size_t n_stacks);
struct twin_listener world_listener(struct world *world);
/* The event stream broke, dockerd lives on. */
void world_break_stream(struct world *world);
bool world_is_mutating(enum acc_action_type type);
/* One image in four is bad: what is made of it soon ends. */
bool world_is_bad(uint32_t version);
/* "<canonical>.c7", ".r3", ".bad7": a container of a rollout. */
bool world_has_role(const char *name);
/* A newer image, and the wish for it; or for the one before. */
void world_upgrade(struct world *world, uint32_t svc, bool back);
/* Newer images of several that have something in common with `svc`, and one wish for all. */
void world_upgrade_group(struct world *world, uint32_t svc);
bool world_has_groups(const struct world_options *options);

/* --- faults.c ------------------------------------------------------------------------------- */

void world_faults_draw(struct world *world);
/* After all of them are drawn: as rare as the options say. */
void world_faults_thin(struct world *world);
const char *world_trouble_name(enum trouble trouble);
uint64_t world_trouble_mean(const struct world *world, enum trouble trouble);
void world_faults_begin(struct world *world);
/* A person asks accd for something; the closure over needs and wants is selected, too. */
void world_command(struct world *world, enum acc_verb verb, uint32_t svc, bool with_dependents);
/* Forbid for a while (`for_ms`, 0: until it is released), or `verb` MAINTENANCE with NONE: end it.
 */
void world_hold(struct world *world, enum acc_verb verb, enum acc_hold kind, uint32_t svc,
                uint64_t for_ms);
void world_command_stack(struct world *world, enum acc_verb verb, uint32_t stack);
/* docker VERB beside accd, on the container of a service's slot 1; false: there is none. */
bool world_foreign(struct world *world, enum twin_verb verb, uint32_t svc);
/* docker compose up -d of a whole stack before accd was there. */
void world_compose_up(struct world *world, uint32_t stack);
struct twin_container *world_container(struct world *world, uint32_t svc, uint32_t number);

/* --- host.c -------------------------------------------------------------------------------- */

/* inotify, netlink and mountinfo tell at once; the loop may be at something else. */
#define WORLD_HOST_TOLD_MS 100u
void world_host_init(struct world *world);
void world_host_fini(struct world *world);
void world_host_tell_all(struct world *world); /* a new accd looks before all else */
void world_host_strike(struct world *world);   /* something goes, and comes back */
void world_host_heal(struct world *world);
/* Has something that the service needs been missing for so long? */
bool world_host_lacks(const struct world *world, uint32_t svc, uint64_t for_ms);

/* --- shutdown.c ---------------------------------------------------------------------------- */

void world_shutdown_init(struct world *world);
void world_shutdown_tell(struct world *world); /* a new accd asks logind before all else */
/* The host shuts down; what becomes of it is drawn from `luck`. */
void world_shut_down(struct world *world, uint64_t luck);

/* --- autos.c ------------------------------------------------------------------------------- */

/* Some services are upgraded by themselves. */
bool world_has_autos(const struct world_options *options);
void world_autos_init(struct world *world);
void world_autos_begin(struct world *world);  /* the clock goes on */
void world_autos_strike(struct world *world); /* a registry has another image */
void world_look_up(struct world *world, const struct acc_action *action);
/* It pulls: may it, if nobody asked for that? */
void world_autos_check(struct world *world, const struct acc_action *action);
void world_autos_hear(struct world *world, uint32_t svc); /* its record is saved */

/* --- join.c -------------------------------------------------------------------------------- */

bool world_has_join(const struct world_options *options);
void world_join_init(struct world *world);
void world_join_fini(struct world *world);
void world_join_begin(struct world *world);
void world_join_now(struct world *world); /* if it has not joined yet */
void world_join_check(struct world *world, const struct acc_action *action);
/* Somebody has given a word about its stack, or changed its containers. */
void world_join_word(struct world *world, uint32_t svc);

/* --- leave.c ------------------------------------------------------------------------------- */

bool world_has_leave(const struct world_options *options);
void world_leave_begin(struct world *world);
void world_leave_end(struct world *world); /* it comes back now, if it does */
/* accd is told of its files. */
void world_apply(struct world *world);
/* Also of what is in no file. */
const struct acc_service_spec *world_spec(const struct world *world, uint32_t svc);
uint32_t world_stack_of(const struct world *world, uint32_t svc);
/* Where the engine has a service, also one that has left; ACC_NONE: it knows nothing of it. */
uint32_t world_leave_at(const struct world *world, uint32_t svc);
/* What the engine asks for what has left gets the world's own numbers. */
void world_leave_renumber(struct world *world);
/* It has left, and the engine still knows of it. */
bool world_leave_is_told(const struct world *world, uint32_t svc);
void world_leave_hear(struct world *world, const struct acc_obs *obs,
                      const struct twin_container *container);
/* Something of what has left is to be changed. */
void world_leave_check(struct world *world, const struct acc_action *action);
const char *world_leave_unconverged(struct world *world);

/* --- disk.c -------------------------------------------------------------------------------- */

void world_disk_init(struct world *world);
void world_disk_strike(struct world *world);
void world_disk_heal(struct world *world);
/* accd has tried to write: what it learns by that. */
void world_disk_tell(struct world *world);

/* --- networks.c ---------------------------------------------------------------------------- */

void world_networks_init(struct world *world);
/* Somebody changes the network of a stack, or takes a container off it. */
void world_networks_strike(struct world *world);
/* What accd says of those that are off their network is done: they are made anew. */
void world_networks_mend(struct world *world);

/* --- change.c ------------------------------------------------------------------------------ */

void world_change_init(struct world *world);
/* A file says something else of some of its services. */
void world_change_strike(struct world *world);
/* What is made of it soon ends. */
bool world_is_bad_spec(const char *spec_hash);

/* --- trials.c ------------------------------------------------------------------------------- */

/* On a world that has converged, without faults: one thing happens, and exactly what ENGINE.md
 * promises must follow. */
void world_trials(struct world *world);
