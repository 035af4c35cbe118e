#pragma once

/*
 * What applying the files would do, as the answer of io.acc.Plan.
 */

#include "lib/base/buf.h"
#include "lib/codec/docker_diff.h"
#include "lib/codec/json_put.h"
#include "lib/engine/event.h"
#include "lib/model/spec.h"

enum acc_plan_what {
    ACC_PLAN_CREATE = 0, /* a container is made and started */
    ACC_PLAN_START,      /* one that is kept is started again */
    ACC_PLAN_RECREATE,   /* stopped, removed, made anew */
    ACC_PLAN_UPDATE,     /* changed while it runs */
    ACC_PLAN_RESTART,    /* because of another one */
    ACC_PLAN_STOP,
    ACC_PLAN_REMOVE,
    ACC_PLAN_UNKNOWN, /* it could not be compared */
    ACC_PLAN_OBSERVE, /* nothing is touched: its stack is only observed, or will be */
    ACC_PLAN_KEEP, /* it stays as it is: rolled back, held, or a decision is waited for; a network
                      or a volume */
};
const char *acc_plan_what_name(enum acc_plan_what what); /* "create", ... */

struct acc_plan_row {
    char service[2 * ACC_NAME_MAX + 2]; /* its id; of OBSERVE also a stack; "network NAME" */
    enum acc_plan_what what;
    struct acc_docker_diff_line *line; /* why; owned */
    size_t n, n_dropped;
    char
        *users; /* of a network or volume: ids of services, or its stack, one a line; owned; NULL */
};

struct acc_plan {
    struct acc_plan_row *row; /* owned; in the order of the dependencies */
    size_t n;
    char *warnings; /* of the files, one a line; owned; NULL: none */
};

/* "scale 1 -> 3": how many containers a service has, and is to have. */
void acc_plan_scale_text(uint32_t was, uint32_t is, char *out, size_t out_size);
/* A row with the lines of `diff` (may be NULL) and behind them `reason` (may be NULL). 0, -ENOMEM.
 */
int acc_plan_add(struct acc_plan *plan, const char *service, enum acc_plan_what what,
                 const struct acc_docker_diff *diff, const char *reason);
/* One more reason of the last row. 0 or -ENOMEM. */
int acc_plan_also(struct acc_plan *plan, const char *reason, bool is_live);
/* A row for resource `res` of the model, a network or a volume that is there and differs: it stays,
 * and the last line says what to do. 0 or -ENOMEM. */
int acc_plan_add_resource(struct acc_plan *plan, const struct acc_model *model, uint32_t res,
                          const struct acc_docker_diff *diff);
/* All of its lines in one: "a, b; c". Cut where it doesn't fit. */
void acc_plan_row_text(const struct acc_plan_row *row, char *out, size_t out_size);
/* Of a network or volume: is `target` (an id, a service name, a stack) one that uses it? */
bool acc_plan_row_has_user(const struct acc_plan_row *row, const char *target);
const struct acc_plan_row *acc_plan_find(const struct acc_plan *plan, const char *service);
void acc_plan_fini(struct acc_plan *plan);

void acc_plan_put_row(struct acc_json_put *put, cJSON *changes, const struct acc_plan_row *row);
/* The reply, with the rows of the targets: ids, service names or stacks; none means all. 0,
 * -ENOMEM, -ENOBUFS. */
int acc_plan_put(const struct acc_plan *plan, const char *const *targets, size_t n_targets,
                 struct acc_buf *out);
