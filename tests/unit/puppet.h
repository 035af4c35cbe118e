#pragma once

/*
 * Puppet: an engine that is in the state that a test puts it in. It stands where lib/engine would
 * be linked, so that what only reads the engine (status, the control server) can be shown every
 * state without playing it through.
 */

#include "lib/engine/engine.h"

#define PUPPET_MAX 128

struct puppet_service {
    struct acc_service_view view;
    struct acc_instance_view instance;
    struct acc_instance_view beside; /* the second, if `n_instances` says so */
    struct acc_auto_view autos;
    enum acc_settled settled;
    const char *settled_text;
    const char *unfit; /* NULL: an upgrade would begin */
    const char *why;
};

/* The one puppet of a test process. */
struct puppet {
    struct puppet_service service[PUPPET_MAX];
    size_t n;
    const char *stack[8];
    bool observing[8], recovered[8];
    size_t n_stacks;
    bool connected;
    struct acc_incident_view incident[8];
    size_t n_incidents;
    struct acc_hold_record maintenance;
    struct acc_shutdown_view shutdown;
    /* the last command that step() got, and how often */
    struct acc_cmd cmd;
    uint8_t selected[PUPPET_MAX];
    unsigned n_cmds;
    /* called inside step(): what the engine would do at once */
    void (*on_cmd)(const struct acc_cmd *cmd);
};
extern struct puppet puppet;

/* Everything up; `id` is "stack/name" and lives as long as the test. Its index. */
uint32_t puppet_add(const char *id);
struct acc_engine *puppet_engine(void);
