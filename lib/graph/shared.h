#pragma once

/*
 * What services of any stack share by name alone: conditions of the host, and tokens.
 */

#include "lib/model/spec.h"

/* Fill model->conditions and ->tokens, sorted by name, and `at` of each service's. Too many are an
 * error. 0, -EINVAL with `diags`, -ENOMEM. */
int acc_shared_join(struct acc_model *model, struct acc_diags *diags);
