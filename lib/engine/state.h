#pragma once

/* Inside the engine: the tables of its state, for state.c. */

#include "lib/base/fields.h"
#include "lib/engine/internal.h"

enum acc_state_kind {
    ACC_STATE_ENGINE,
    ACC_STATE_STACK,
    ACC_STATE_PHASE,
    ACC_STATE_RES,
    ACC_STATE_CONDITION,
    ACC_STATE_SERIAL,
    ACC_STATE_INCIDENT,
    ACC_STATE_SERVICE,
    ACC_STATE_INST,
};
#define ACC_STATE_KIND_COUNT 9

struct acc_state_table {
    const char *name;
    const struct acc_field *fields;
    size_t n_fields;
};
extern const struct acc_state_table acc_state_table[ACC_STATE_KIND_COUNT];
