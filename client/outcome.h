#pragma once

/*
 * What a verb that acts says when it is over: the sum of what has become of the services, and what
 * was left alone. Behind the lines of progress.h.
 */

#include <stdint.h>

#include <cjson/cJSON.h>

#include "client/cmd.h"

/* Which stacks it takes over: told before anything of them is touched. */
void accctl_print_adopted(struct accctl *ctl, const cJSON *answer);
/* `answer`: of an error; what has become of the services beside what it says. */
void accctl_print_partly(struct accctl *ctl, const cJSON *answer, uint64_t took_ms);
/* `answer`: the parameters of the last reply. */
void accctl_print_outcome(struct accctl *ctl, const cJSON *answer, uint64_t took_ms);
