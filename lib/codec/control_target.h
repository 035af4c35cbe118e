#pragma once

/*
 * What a request speaks of: its targets as a set of services, or the error that answers it.
 */

#include <stdbool.h>
#include <stdint.h>

#include "lib/codec/control_request.h"
#include "lib/engine/engine.h"
#include "lib/model/spec.h"

struct acc_ctl_targets {
    uint8_t *selected;    /* a byte per service of the engine; the caller's, zeroed */
    bool is_all;          /* no target was named */
    bool whole_stacks;    /* every target is a stack, without a phase: its networks may go, too */
    bool is_stack;        /* the only target is a stack */
    bool leaves_observed; /* what is only observed was taken out, because nobody named it */
};

/* For requests that look: no target means all. */
enum acc_ctl_parsed acc_ctl_select(const struct acc_engine *engine,
                                   const struct acc_ctl_request *request,
                                   struct acc_ctl_targets *ret_targets,
                                   struct acc_ctl_error *reterr_error);
/* Maintenance is on, and `*reterr_error` refuses what would change something. */
bool acc_ctl_is_maintained(const struct acc_engine *engine, struct acc_ctl_error *reterr_error);
/* For verbs. What could surprise is refused: nothing named, and the verb takes something down; a
 * stack that is only observed and would be touched. What brings services up takes such a stack over
 * where it is named; all that is wanted up doesn't mean it. And `adopt` of all means what is not
 * managed yet. */
enum acc_ctl_parsed acc_ctl_select_verb(const struct acc_engine *engine,
                                        const struct acc_ctl_request *request, enum acc_verb verb,
                                        struct acc_ctl_targets *ret_targets,
                                        struct acc_ctl_error *reterr_error);
/* NoSuchService of one that the files do have, with a profile that isn't enabled: say so. Others are
 * left as they are. */
void acc_ctl_explain_missing(const struct acc_model *model, struct acc_ctl_error *error);
