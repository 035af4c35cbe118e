/* How states and verbs are spelled for people and on the control socket. */

#include <assert.h>

#include "lib/engine/parts.h"

const char *acc_svc_state_name(enum acc_svc_state state)
{
    static const char *const names[] = {"off",          "blocked",  "queued",  "starting",
                                        "up",           "impaired", "backoff", "open",
                                        "half-open",    "failed",   "held",    "upgrading",
                                        "rolling-back", "stopping", "done"};

    static_assert(ACC_ARRAY_LEN(names) == ACC_SVC_STATE_COUNT, "one name per state");
    return names[state];
}

const char *acc_inst_state_name(enum acc_inst_state state)
{
    static const char *const names[] = {"absent", "creating", "created",   "starting", "probing",
                                        "ready",  "degraded", "draining",  "stopping", "exited",
                                        "paused", "removing", "quarantine"};

    static_assert(ACC_ARRAY_LEN(names) == ACC_INST_STATE_COUNT, "one name per state");
    return names[state];
}

const char *acc_verdict_name(enum acc_verdict verdict)
{
    static const char *const names[] = {"none", "unknown", "starting", "healthy", "unhealthy"};

    return names[verdict];
}

const char *acc_verb_name(enum acc_verb verb)
{
    static const char *const names[] = {"up",      "start", "stop",    "down",
                                        "restart", "adopt", "release", "hand-back"};

    static_assert(ACC_ARRAY_LEN(names) == ACC_VERB_COUNT, "one name per verb");
    return names[verb];
}

const char *acc_action_type_name(enum acc_action_type type)
{
    static const char *const names[] = {
        "journal", "journal-end", "save-service",    "save-stack", "inspect", "list",
        "probe",   "ensure",      "remove-resource", "create",     "start",   "stop",
        "kill",    "remove",      "unpause",         "set-policy", "note",    "incident"};

    static_assert(ACC_ARRAY_LEN(names) == ACC_ACT_TYPE_COUNT, "one name per type");
    return names[type];
}
