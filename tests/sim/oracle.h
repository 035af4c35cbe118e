#pragma once

/*
 * The oracle: the invariants of ENGINE.md E11, judged by the twin's truth and by what was told to
 * the engine, never by what the engine believes.
 *
 * Where the truth can't tell (a wish that was lost with the store), it keeps silent: a rule that
 * cries without cause is worse than one that is a little blind. Numbers are those of E11.
 */

#include <stdbool.h>
#include <stdint.h>

#include "lib/engine/engine.h"
#include "tests/sim/twin.h"

struct world;

struct oracle_container { /* what accd was told last; by twin index */
    uint64_t epoch, seen_ms;
    enum acc_container_state state;
    int64_t started_ns;
    int64_t healthy_ns; /* begin of the run that Docker called healthy; 0: none */
    bool is_unhealthy;  /* by Docker's last word */
    uint64_t stop_ms;   /* when it was stopped by accd; 0: not in this run */
    int64_t check_ns;   /* begin of the newest check of Docker's ... */
    uint64_t passed_ms; /* ... and when one that passed was last told; 0: not in this run */
};

/* What was forbidden for certain, and until when: accd may take longer, never shorter. */
struct oracle_hold {
    enum acc_hold kind;
    uint64_t until_ms; /* UINT64_MAX: until it is released */
    uint64_t asked_ms;
    bool is_unsure; /* it may be lost, or may have lasted */
};

struct oracle_service {
    struct oracle_hold hold;
    bool finishes; /* something was under way when a hold or maintenance came: it ends all the same
                    */
    bool want_up, want_removed;
    bool is_unsure;               /* what accd may believe of the wish differs with reason */
    uint64_t command_ms;          /* last word of an operator */
    uint64_t disturbed_ms;        /* last time something happened to it from outside */
    uint64_t rollback_ms;         /* last time that somebody asked for one */
    uint64_t pulled;              /* the rollout that has pulled last */
    uint64_t restarting_until_ms; /* an operator's restart goes on */
    /* consecutive failures that must have been counted (I7, I8) */
    uint32_t n_failures;
    uint64_t first_failure_ms, ended_ms;
    uint64_t n_starts; /* START sent by accd */
    uint64_t last_start_ms;
    uint64_t n_stops, n_actions;
    uint64_t minute; /* and what was sent for it in that minute */
    uint32_t n_in_minute;
    uint64_t auto_seen;                  /* its rollout that began by itself last */
    char auto_bad[ACC_HASH_LEN + 8];     /* the digest that isn't to be tried again */
    char refused_spec[ACC_HASH_LEN + 1]; /* rolled back, and on disk; "": none */
    bool was_held;                       /* before this step */
    bool was_tried; /* by this accd and this dockerd: started, seen running, or found wanting */
};

struct oracle {
    struct world *world;
    struct oracle_container *container;
    size_t n_containers;
    struct oracle_service *service;
    struct oracle_hold maintenance;
    uint64_t has_begun;  /* phases, a bit each, of this accd and this dockerd */
    bool *was_observing; /* stacks, before this step */
    uint64_t last_op;
    uint64_t last_journal_op;
    uint64_t quiet_since_ms; /* accd, its connection and dockerd undisturbed since */
};

void oracle_init(struct oracle *oracle, struct world *world);
void oracle_fini(struct oracle *oracle);

/* The record of a service has been written: accd may die between two of its actions. */
void oracle_saved(struct oracle *oracle, uint32_t svc);
void oracle_before_step(struct oracle *oracle, const struct acc_event *event);
void oracle_after_step(struct oracle *oracle, const struct acc_event *event);
/* accd, dockerd or the connection was disturbed: nothing is owed from before. */
void oracle_disturb_all(struct oracle *oracle);
/* accd's store is gone, or its last moments are. */
void oracle_lose_store(struct oracle *oracle, bool all);
/* The last command may be lost. */
void oracle_doubt_command(struct oracle *oracle);
void oracle_disturb(struct oracle *oracle, uint32_t svc);
void oracle_ran(struct oracle *oracle, const struct twin_container *container);
void oracle_ended(struct oracle *oracle, const struct twin_container *container);

/* Does a hold in force refuse this verb? Unsure: it may. */
enum acc_tri oracle_refuses(const struct oracle *oracle, enum acc_verb verb, uint32_t svc);
/* Wanted up, and so is all that it can't do without. */
bool oracle_is_viable(const struct oracle *oracle, uint32_t svc);
/* NULL when world and engine are what was asked for; else the first thing that isn't. */
const char *oracle_unconverged(struct oracle *oracle, char *text, size_t text_size);
