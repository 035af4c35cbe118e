#pragma once

/*
 * What the engine asks for: plain data. The caller carries out all actions of a step in order.
 *
 * Write ahead: JOURNAL and SAVE come before the effects they cover and must be durable before those
 * are sent; START (unless it says so), INSPECT, COMPARE, LIST, PROBE, LOOK_UP, NOTE and INCIDENT
 * wait for nothing.
 */

#include "lib/engine/event.h"

enum acc_action_type {
    /* the journal and the state */
    ACC_ACT_JOURNAL = 0,      /* intent: op, verb (`what`), svc, slot, cid */
    ACC_ACT_JOURNAL_END,      /* op ended with `result` */
    ACC_ACT_SAVE_SERVICE,     /* acc_engine_service_record(svc) has changed */
    ACC_ACT_SAVE_STACK,       /* acc_engine_stack_record(stack = svc) has changed */
    ACC_ACT_SAVE_REVISION,    /* acc_engine_revision(svc, revision) has changed */
    ACC_ACT_SAVE_MAINTENANCE, /* acc_engine_maintenance() has changed */
    /* looking */
    ACC_ACT_INSPECT, /* cid; flag `manual_stop`: read HasBeenManuallyStopped, too */
    ACC_ACT_LIST,    /* list all, inspect ours, then SNAPSHOT */
    ACC_ACT_COMPARE, /* cid of svc, slot: does it do what the file says? answered by COMPARED */
    ACC_ACT_PROBE,   /* op, svc, slot, cid, probe kind; answered by PROBE */
    ACC_ACT_LOOK_UP, /* svc: what has the registry? answered by LOOKED */
    /* changing the world; each answered by OP_DONE with its op */
    ACC_ACT_ENSURE_RESOURCE, /* res: image (pull by its policy), network or volume: there afterwards
                              */
    ACC_ACT_REMOVE_RESOURCE, /* res */
    ACC_ACT_CREATE,          /* svc, slot, name */
    ACC_ACT_START,           /* cid */
    ACC_ACT_STOP,            /* cid, grace_ms */
    ACC_ACT_KILL,            /* cid */
    ACC_ACT_REMOVE,          /* cid; anonymous volumes with it when `volumes` */
    ACC_ACT_UNPAUSE,         /* cid */
    ACC_ACT_UPDATE,          /* cid of svc, slot: change live what can be (limits) */
    ACC_ACT_SET_POLICY,      /* cid, restart policy */
    ACC_ACT_UPGRADE_HOOK,    /* svc, slot, cid: run the commands of upgrade.pre, or of .post */
    ACC_ACT_PULL,            /* svc, image, image_id, digest: the image is there afterwards, and its
                                reference means it */
    ACC_ACT_ROUTE,           /* cid of svc, slot: give it the service's names on its networks */
    ACC_ACT_DRAIN,           /* cid of svc, slot: tell the proxy to leave it alone */
    ACC_ACT_UNDRAIN,         /* cid of svc, slot: ... and that it needn't any more */
    ACC_ACT_RENAME,          /* cid, name */
    ACC_ACT_HOOK,            /* svc, slot, cid: run its lifecycle hooks, one after the other */
    /* telling */
    ACC_ACT_NOTE,     /* one line of history */
    ACC_ACT_INCIDENT, /* acc_engine_incident(incident) opened, was notified or closed */
};
#define ACC_ACT_TYPE_COUNT 30
const char *acc_action_type_name(enum acc_action_type type); /* "start", ... */

enum acc_probe_how {
    ACC_HOW_EXEC,   /* the container's health command by the exec API; also tell `listens` */
    ACC_HOW_LISTEN, /* only whether a declared port listens */
    ACC_HOW_TCP,    /* connect to probe_port of the service's spec */
    ACC_HOW_HTTP,   /* GET probe_path */
    ACC_HOW_IDLE,   /* whether nobody from outside is connected to one of its listening ports */
};

enum acc_note_kind {
    ACC_NOTE_STATE,    /* a service changed its state */
    ACC_NOTE_OBSERVED, /* what was seen: exit, health change, foreign stop, new container */
    ACC_NOTE_DECISION, /* what was decided and why: restart, wait, attribution */
    ACC_NOTE_WOULD,    /* what would have been done; the stack is only observed */
    ACC_NOTE_ENGINE,   /* Docker itself: gone, hung, back */
    ACC_NOTE_OPERATOR, /* a person asked for something */
    ACC_NOTE_INCIDENT, /* one was opened, or is over */
};

enum acc_incident_phase { ACC_INCIDENT_OPENED, ACC_INCIDENT_NOTIFY, ACC_INCIDENT_CLOSED };

#define ACC_NOTE_MAX 255u

struct acc_action {
    enum acc_action_type type;
    enum acc_action_type what; /* JOURNAL: the effect it announces */
    uint64_t op;               /* unique in the life of the state database; 0 for none */
    uint32_t svc, slot;        /* ACC_NONE for none; slot counts from 1 */
    uint32_t res;              /* resource index of the model */
    char cid[ACC_CID_LEN + 1];
    enum acc_op_result result; /* JOURNAL_END */
    uint32_t revision;         /* CREATE: io.acc.revision; SAVE_REVISION */
    bool unrouted;             /* CREATE: without the names of the service on its networks */
    /* CREATE, PULL: the reference, "" for the file's; what it has to be, "" for whatever it means
     * now; and how the registry calls that, "" when unknown. */
    char image[ACC_NAME_MAX + 1];
    char image_id[ACC_HASH_LEN + 8]; /* COMPARE: what is left alone, though the file means it */
    char digest[ACC_HASH_LEN + 8];
    char from_id[ACC_HASH_LEN + 8]; /* PULL: an image of before, of which the digest is unknown */
    bool is_build;                  /* PULL: make it anew first, where the file says how */
    bool is_local; /* PULL: what the reference means here; its resource was ensured already */
    union {
        char name[ACC_NAME_MAX + 1]; /* CREATE, RENAME */
        bool is_post;                /* UPGRADE_HOOK */
        uint64_t grace_ms;           /* STOP */
        bool is_recorded;            /* START: it waits for its record, because hooks follow it */
        struct {                     /* HOOK */
            bool is_stop;            /* pre_stop, else post_start */
            uint64_t limit_ms;       /* for all of them */
        } hook;
        bool manual_stop;       /* INSPECT */
        struct {                /* REMOVE */
            bool volumes;       /* those without a name, too */
            bool is_taken_back; /* a rollout's new one: nobody can ask for its logs afterwards */
        } remove;
        enum acc_probe_how how; /* PROBE */
        struct {                /* COMPARE */
            bool observing;     /* the restart policy is still the file's */
            bool changed;       /* the file has changed since it was made or adopted */
        } compare;
        struct { /* SET_POLICY */
            enum acc_restart_policy policy;
            uint32_t max;
        } policy;
        struct { /* NOTE */
            enum acc_note_kind kind;
            char text[ACC_NOTE_MAX + 1];
        } note;
        struct { /* INCIDENT */
            uint64_t id;
            enum acc_incident_phase phase;
        } incident;
    };
};

struct acc_actions {
    struct acc_action *item; /* owned by the caller: `cap` elements */
    size_t n, cap;
};
/* The least `cap` that step() needs. When more is wanted at once the engine keeps the rest and asks
 * to be called again by acc_engine_deadline() = now. */
#define ACC_ACTIONS_MIN 256u
