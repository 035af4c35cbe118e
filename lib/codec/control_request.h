#pragma once

/*
 * Requests of io.acc and org.varlink.service: bytes to a struct, or to the error that answers them.
 *
 * io.acc.varlink describes them; a parameter that isn't in it is refused by its name, so that a
 * typo is never ignored. Knows no engine: whether a target exists is for control_target.h.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/codec/varlink.h"
#include "lib/engine/event.h"

enum acc_ctl_method {
    ACC_CTL_GET_INFO = 0,
    ACC_CTL_GET_INTERFACE,
    ACC_CTL_PING,
    ACC_CTL_STATUS,
    ACC_CTL_UP,
    ACC_CTL_START,
    ACC_CTL_STOP,
    ACC_CTL_DOWN,
    ACC_CTL_RESTART,
    ACC_CTL_ADOPT,
    ACC_CTL_RELEASE,
    ACC_CTL_HOLD,
    ACC_CTL_MAINTENANCE,
    ACC_CTL_HAND_BACK,
    ACC_CTL_UPGRADE,
    ACC_CTL_ROLLBACK,
    ACC_CTL_HISTORY,
    ACC_CTL_APPLY,
    ACC_CTL_PLAN,
    ACC_CTL_OUTDATED,
    ACC_CTL_WHY,
    ACC_CTL_LOGS,
    ACC_CTL_EVENTS,
    ACC_CTL_INCIDENTS,
    ACC_CTL_STATE,
};
#define ACC_CTL_METHOD_COUNT 25

/* "io.acc.Status" */
const char *acc_ctl_method_name(enum acc_ctl_method method);
/* Which verb of the engine it is; false when none. */
bool acc_ctl_method_verb(enum acc_ctl_method method, enum acc_verb *ret_verb);

/* What a peer must be allowed to. */
enum acc_ctl_right { ACC_CTL_RIGHT_NONE, ACC_CTL_RIGHT_READ, ACC_CTL_RIGHT_CHANGE };
enum acc_ctl_right acc_ctl_method_right(enum acc_ctl_method method);

/* Targets of one request; a whole platform has a hundred services. */
#define ACC_CTL_TARGETS_MAX 256u
/* Lines of history at once, the store's limit. */
#define ACC_CTL_LIMIT_MAX     1000u
#define ACC_CTL_LIMIT_DEFAULT 100u
#define ACC_CTL_NO_LIMIT      UINT32_MAX

struct acc_ctl_request {
    enum acc_ctl_method method;
    bool more, oneway;
    const char *targets[ACC_CTL_TARGETS_MAX]; /* borrowed from `doc` */
    size_t n_targets;
    const char *phase; /* NULL: any */
    const char *interface;
    const char *image; /* Upgrade; NULL: the file's */
    uint32_t to;       /* Rollback: a revision; 0: the one before */
    bool dry_run;
    bool yes, keep; /* Rollback, Upgrade: the answers to a rollout that needs an operator */
    enum acc_hold hold; /* Hold: FREEZE unless said otherwise; Maintenance: FREEZE or NONE */
    const char *reason; /* Hold, Maintenance; NULL: none */
    uint64_t for_ms;    /* likewise; 0: until it is released */
    bool all, with_dependents, volumes, prune, build, detach, follow, timestamps, taken_back;
    uint64_t timeout_ms; /* 0: none */
    uint32_t decision;   /* State: the so many-th last one; 0: none, as it is now */
    uint32_t limit;      /* Events: lines; Logs: tail, ACC_CTL_NO_LIMIT for all */
    cJSON *doc;          /* owned */
};
void acc_ctl_request_fini(struct acc_ctl_request *request);

/* An error reply in the making. */
#define ACC_CTL_TEXT_MAX 511u
struct acc_ctl_error {
    const char *name; /* "io.acc.Refused", static */
    const char *key;  /* of its first parameter, static; NULL for none */
    char value[ACC_CTL_TEXT_MAX + 1];
    const char *key2; /* of a second one; NULL for none */
    char value2[ACC_CTL_TEXT_MAX + 1];
    bool is_list2; /* value2 is a list, items separated by a newline */
};

#define ACC_CTL_E_NO_SUCH_SERVICE "io.acc.NoSuchService"
#define ACC_CTL_E_AMBIGUOUS       "io.acc.Ambiguous"
#define ACC_CTL_E_PERMISSION      "io.acc.PermissionDenied"
#define ACC_CTL_E_ENGINE_AWAY     "io.acc.EngineAway"
#define ACC_CTL_E_REFUSED         "io.acc.Refused"
#define ACC_CTL_E_FAILED          "io.acc.Failed"
#define ACC_CTL_E_TIMED_OUT       "io.acc.TimedOut"
#define ACC_CTL_E_INVALID_CONFIG  "io.acc.InvalidConfig"
#define ACC_CTL_E_INVALID_REQUEST "io.acc.InvalidRequest"
#define ACC_CTL_E_PARAMETER       "org.varlink.service.InvalidParameter"
#define ACC_CTL_E_METHOD          "org.varlink.service.MethodNotFound"
#define ACC_CTL_E_INTERFACE       "org.varlink.service.InterfaceNotFound"
#define ACC_CTL_E_EXPECTED_MORE   "org.varlink.service.ExpectedMore"

void acc_ctl_error_set(struct acc_ctl_error *error, const char *name, const char *key,
                       const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* A parameter that can't be meant so. Varlink's own error has room for the name alone, so `fmt`
 * goes into `reason`. */
void acc_ctl_error_set_parameter(struct acc_ctl_error *error, const char *name, const char *fmt,
                                 ...) __attribute__((format(printf, 3, 4)));

enum acc_ctl_parsed {
    ACC_CTL_PARSED = 0,
    ACC_CTL_WRONG, /* `*reterr_error` is the answer */
};
/* PARSED fills `*ret_request` (to be ended by fini). WRONG sets `*ret_oneway`: then nothing is
 * answered at all. */
enum acc_ctl_parsed acc_ctl_request_parse(const char *text, size_t text_len,
                                          struct acc_ctl_request *ret_request,
                                          struct acc_ctl_error *reterr_error, bool *ret_oneway);
/* Append the reply that says it. 0, -ENOMEM, -ENOBUFS. */
int acc_ctl_error_put(const struct acc_ctl_error *error, struct acc_buf *out);
/* The answers of org.varlink.service. */
int acc_ctl_info_put(struct acc_buf *out);
int acc_ctl_interface_put(const char *interface, struct acc_buf *out);

/* io.acc.varlink itself, NUL-terminated; made from the file by the build. */
extern const char acc_ctl_interface_text[];
