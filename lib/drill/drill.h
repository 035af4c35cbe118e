#pragma once

/*
 * Drill: what would accd do if ...? The engine itself on a small Docker (world.h) in virtual time:
 * all is brought up, one thing goes wrong, and the story is told until all is well again.
 *
 * It acts on nothing. How long things take is assumed (drill.c), and the Docker here is kind, so
 * times are what accd adds, not what a busy disk does.
 */

#include "lib/model/spec.h"

enum acc_drill_what {
    ACC_DRILL_FAIL,   /* it exits with 1, once */
    ACC_DRILL_OOM,    /* it runs out of memory, once */
    ACC_DRILL_FLAP,   /* it exits 5 s after each start, for two minutes */
    ACC_DRILL_ENGINE, /* dockerd dies with all containers and is back 10 s later */
    ACC_DRILL_HOST,   /* something of the host is missing for two minutes; who stood on it ends */
};

struct acc_drill_event {
    uint64_t ms;         /* since it went wrong */
    const char *kind;    /* "state", "action", "incident" or "note" */
    const char *service; /* its id, or "" */
    const char *text;
};
typedef void acc_drill_tell_fn(void *data, const struct acc_drill_event *event);

struct acc_drill_service {
    const char *id; /* of the model */
    bool was_bad;   /* not as it was before, at some time */
    uint64_t bad_ms, n_restarts;
};
struct acc_drill_result {
    struct acc_drill_service *service; /* owned; all of the model */
    size_t n_services;
    struct acc_model *model; /* owned */
    bool is_well;            /* in the end */
    uint64_t well_ms;        /* since it went wrong */
};

struct acc_drill_ask {
    enum acc_drill_what what;
    uint32_t svc;     /* FAIL, OOM, FLAP: an index of the model */
    const char *host; /* HOST: as in the file, "mount:/mnt/nas", or a path: all that is below it */
};
/* Is this one of the conditions that `host` names? */
bool acc_drill_is_meant(const struct acc_condition *condition, const char *host);

/* Takes the model over. 0, -ENOMEM, or -EAGAIN:
 * the engine could not bring all up, so there is nothing to break. */
int acc_drill_run(struct acc_model *model, const struct acc_drill_ask *ask, acc_drill_tell_fn *tell,
                  void *data, struct acc_drill_result *ret_result);
/* The same on a host that runs: `state` is that of its engine, with its budgets, holds and open
 * incidents. -EINVAL: it isn't of this model; -ENOTCONN: it sees no Docker; -ESRCH: the service
 * doesn't run, so it can't fail; -EALREADY: what the host is to lose is missing. */
int acc_drill_run_from(struct acc_model *model, const char *state, const struct acc_drill_ask *ask,
                       acc_drill_tell_fn *tell, void *data, struct acc_drill_result *ret_result);
/* Model and state out of the lines of io.acc.State; `*ret_state` is the caller's. 0, -EINVAL,
 * -ENOMEM. */
int acc_drill_read(const char *text, struct acc_model **ret_model, char **ret_state);
void acc_drill_result_fini(struct acc_drill_result *result);
