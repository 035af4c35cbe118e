#pragma once

/*
 * What applying the files would do, as the answer of io.acc.Plan.
 */

#include "lib/base/buf.h"
#include "lib/codec/docker_diff.h"
#include "lib/engine/event.h"

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
    ACC_PLAN_KEEP,    /* it stays as it is: rolled back, held, or a decision is waited for */
};
const char *acc_plan_what_name(enum acc_plan_what what); /* "create", ... */

struct acc_plan_row {
    char service[2 * ACC_NAME_MAX + 2]; /* its id; of OBSERVE also a stack */
    enum acc_plan_what what;
    struct acc_docker_diff_line *line; /* why; owned */
    size_t n, n_dropped;
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
const struct acc_plan_row *acc_plan_find(const struct acc_plan *plan, const char *service);
void acc_plan_fini(struct acc_plan *plan);

/* The reply, with the rows of the targets: ids, service names or stacks; none means all. 0,
 * -ENOMEM, -ENOBUFS. */
int acc_plan_put(const struct acc_plan *plan, const char *const *targets, size_t n_targets,
                 struct acc_buf *out);
