#pragma once

/*
 * A twin of what runs in the containers: how long it takes to boot, when it crashes, what it does
 * when something that it needs is away.
 *
 * Knows no Docker: a process is told that it was started, signalled, killed, frozen, and tells that
 * it ended. What is true here (listening, healthy) is the truth that the oracle judges by.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/model/spec.h"
#include "tests/sim/queue.h"
#include "tests/sim/rand.h"

/* What one service is like, for the whole run. Times in ms. */
struct sim_habits {
    uint32_t listen_min, listen_max; /* from start until it listens */
    bool never_listens;              /* declares a port that it doesn't serve */
    uint32_t healthy_max;            /* further time until it is really ready */
    bool early_pass;                 /* passes its check before it listens: initdb's temporary
                                        server, facts/docker-api.md and ENGINE.md E1 */
    uint64_t mtbf;                   /* mean time between crashes; 0: never */
    int32_t crash_code;              /* 0 too: a daemon that ends with 0 */
    bool oom;
    uint64_t sick_every, sick_for; /* mean time between spells of bad health; 0: never */
    uint32_t dep_exit_pct;         /* a hard dependency is away: it ends with 1 ... */
    uint32_t dep_sick_pct;         /* ... or turns unhealthy ... */
    uint32_t dep_delay_max;        /* ... within this time */
    uint32_t stuck_pct;            /* and stays so when the dependency is back */
    uint32_t stop_max;             /* from SIGTERM to its end */
    int32_t stop_code;             /* 143 or 0 */
    bool ignores_term;
    bool is_job; /* one-shot: works for `work_max`, then ends */
    uint32_t work_max;
    uint32_t job_fail_pct;
};

/* What is wrong with a service for a while. */
enum sim_spell {
    SIM_SPELL_NONE = 0,
    SIM_SPELL_CRASH_LOOP,  /* ends soon after each start */
    SIM_SPELL_NEVER_READY, /* boots and boots */
    SIM_SPELL_START_FAILS, /* the host says no: port taken */
    SIM_SPELL_BAD_COMMAND, /* the request can't work: no such file */
};

struct sim_workload;

/* One process; embedded in its container. */
struct sim_proc {
    struct sim_workload *workload; /* NULL: a stranger that only runs */
    uint64_t run;                  /* unique; what was scheduled for an older one is void */
    bool is_alive, is_frozen;
    bool listens, passes_early, is_healthy;
    bool has_listened;
    bool has_booted, is_stuck, is_sick;
    bool is_cut_off; /* lives in the namespace of a process that has ended */
    bool is_off;     /* taken off the network of its stack */
    bool is_doomed;  /* its end is decided */
    uint64_t started_ms, healthy_since_ms;
    bool was_healthy;
};

#define SIM_PROCS_MAX 256u /* processes of one service that live at once */

struct sim_workload {
    struct sim_workloads *all;
    uint32_t svc;
    struct sim_habits habits;
    enum sim_spell spell;
    uint64_t spell_end_ms;
    struct sim_proc *proc[SIM_PROCS_MAX]; /* alive ones; borrowed */
    size_t n_procs;
    bool is_ready;                 /* some process is healthy */
    uint64_t ready_change_ms;      /* when is_ready last changed */
    uint64_t last_ready_ms;        /* last moment at which it was; now when it is; 0 never */
    bool has_been_ready, has_done; /* ever; ended with 0 ever */
};

struct sim_workloads {
    struct sim_queue *queue;
    struct sim_rand *rand;
    const struct acc_model *model;
    bool faults; /* crashes and sick spells happen only then */
    uint64_t next_run;
    struct sim_workload *item; /* one per service */
    bool *host_is_missing;     /* owned; by condition of the model */
    size_t n;
    void (*on_exit)(void *ctx, struct sim_proc *proc, int32_t code, bool oom);
    void *ctx;
};

/* `habits`: one per service of the model, copied. 0 or -ENOMEM. */
int sim_workloads_init(struct sim_workloads *all, struct sim_queue *queue, struct sim_rand *rand,
                       const struct acc_model *model, const struct sim_habits *habits);
void sim_workloads_fini(struct sim_workloads *all);

void sim_proc_start(struct sim_proc *proc, struct sim_workload *workload, uint64_t now_ms,
                    uint64_t run);
/* It ends by itself, in so long. */
void sim_proc_doom(struct sim_proc *proc, uint64_t in_ms, int32_t code);
/* SIGTERM: it ends in its own time, or doesn't care. */
void sim_proc_term(struct sim_proc *proc);
/* It ends now; on_exit is called. Nothing happens when it isn't alive. */
void sim_proc_end(struct sim_proc *proc, int32_t code, bool oom);
void sim_proc_freeze(struct sim_proc *proc, bool is_frozen);
void sim_proc_cut_off(struct sim_proc *proc);
/* It and those of its stack can't reach each other any more, or again. */
void sim_proc_set_off(struct sim_proc *proc, bool is_off);
/* It lives on and its check fails until it is restarted. */
void sim_proc_sicken(struct sim_proc *proc);
/* Does the health check command pass when it is run now? */
bool sim_proc_check(const struct sim_proc *proc);

void sim_workload_spell(struct sim_workload *workload, enum sim_spell spell, uint64_t for_ms);
enum sim_spell sim_workload_spell_now(const struct sim_workload *workload);
/* Something of the host goes or comes: who needs it notices, as with a service that it needs. */
void sim_workloads_host(struct sim_workloads *all, uint32_t condition, bool is_missing);
/* A device that is missing: no container that has it can be started. */
bool sim_workload_lacks_device(const struct sim_workload *workload);
/* No crashes, no spells from here on. What is stuck stays stuck. */
void sim_workloads_heal(struct sim_workloads *all);
