#pragma once

/*
 * What the parts of the control server share: the server, and jobs, which are requests that aren't
 * answered at once. Private to daemon/in/control*.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/in/control_ops.h"
#include "daemon/sessions.h"
#include "daemon/uvx.h"
#include "lib/base/buf.h"
#include "lib/codec/control_request.h"
#include "lib/codec/control_target.h"
#include "lib/model/settings.h"

struct accd_control;

/* A job belongs to its session (accd_session_data) until the last reply, or until on_gone(). */
struct accd_job {
    struct accd_control *control;
    struct accd_session *session; /* NULL once it is gone and an answer of `ops` is outstanding */
    struct accd_job *next, *prev; /* in the list of its kind */
    void (*on_gone)(struct accd_job *job);    /* the peer has left */
    void (*on_drained)(struct accd_job *job); /* or NULL */
};

/* One note until the pump is idle. */
struct accd_fed {
    int64_t unix_ms;
    const char *kind;
    char service[2 * ACC_NAME_MAX + 2];
    char text[ACC_NOTE_MAX + 1];
};
/* Notes of one run of the pump that streams see; more are in the history. */
#define ACCD_FED_MAX 4096u

struct accd_control {
    struct accd_control_config config;
    struct accd_handles handles; /* one: the timer */
    uv_timer_t timer;            /* runs while verbs wait */
    struct accd_sessions *sessions;
    bool sessions_closed, timer_closed, is_closing;
    char path[108]; /* "": not ours to remove */

    struct accd_job *waits; /* control_wait.c */
    size_t n_waits;
    uint8_t *touched; /* a byte per service: changed its state since the last on_idle() */
    size_t n_touched;
    bool is_touched;
    bool has_seen; /* Docker's first list: what there was before anything is done with it */

    bool prune_is_due, prunes_volumes; /* control_prune.c */

    struct accd_job *streams; /* events: control_events.c */
    struct accd_fed *fed;
    size_t n_fed, fed_cap;

    struct accd_job *calls; /* logs, apply, history and outdated */
};

struct acc_view accd_control_view(const struct accd_control *control);
/* Send the reply in `out`, if `r` (of the function that made it) is 0, else an error; frees `out`.
 * False: the session is gone. */
bool accd_control_reply(struct accd_session *session, struct acc_buf *out, int r, bool is_last);
/* The last reply. */
bool accd_control_reply_error(struct accd_session *session, const struct acc_ctl_error *error);
/* What acc_ctl_select() and its kin have said. */
bool accd_control_reply_unselected(const struct accd_control *control, struct accd_session *session,
                                   struct acc_ctl_error *error);
bool accd_control_refuse(struct accd_session *session, const char *name, const char *reason);

void accd_job_link(struct accd_job **list, struct accd_job *job);
void accd_job_unlink(struct accd_job **list, struct accd_job *job);

/* control_verb.c. The answer comes when what was asked for has come to its end. */
void accd_control_verb(struct accd_control *control, struct accd_session *session,
                       const struct acc_ctl_request *request, enum acc_verb verb);
void accd_control_apply(struct accd_control *control, struct accd_session *session,
                        const struct acc_ctl_request *request);

/* control_wait.c */
/* What changed in the file of a service besides its containers' spec. */
struct accd_file_change {
    bool is_policy; /* its restart policy, which is accd's own affair */
    bool is_scaled; /* the number of its containers */
    uint32_t was, is;
    char settings[ACC_SETTINGS_TEXT_MAX + 1]; /* which of accd's own; "" none */
};

struct accd_wait_task {
    enum acc_verb verb;
    bool is_apply;                          /* instead of a verb: for the configuration in force */
    const struct accd_file_change *changes; /* of each service in its file; NULL: none */
    bool prune, volumes; /* apply: what is gone from the files beside containers */
    bool more, detach, with_dependents;
    bool builds;          /* upgrade: images are made anew */
    bool names_image;     /* ... or this one is taken, whatever the file says */
    bool keeps;           /* upgrade: no other one, that under way is over */
    bool shows_observing; /* tell which stacks are only observed */
    const char *adopted;  /* stacks that it takes over, a name a line; NULL: none */
    const char *warnings; /* of the files, one a line; NULL: none */
    uint64_t timeout_ms;  /* 0: none */
};
/* A job of the session that answers it; to be begun before the engine is told. NULL: it was
 * refused. */
struct accd_job *accd_wait_begin(struct accd_control *control, struct accd_session *session,
                                 const struct accd_wait_task *task, const uint8_t *selected);
/* Look how far it is; it may be gone afterwards. */
void accd_wait_run(struct accd_job *job);
void accd_wait_cancel(struct accd_job *job); /* without an answer */
void accd_control_waits_run(struct accd_control *control, bool look_at_all);
void accd_control_waits_remap(struct accd_control *control);

/* control_prune.c */
/* Once all that is applied has come to its end. */
void accd_control_prune_later(struct accd_control *control, bool volumes);
void accd_control_prune_run(struct accd_control *control);

/* control_events.c */
void accd_control_events(struct accd_control *control, struct accd_session *session,
                         const struct acc_ctl_request *request);
void accd_control_events_flush(struct accd_control *control);

/* control_history.c */
/* What the request speaks of; `targets->selected` is the caller's to free. False: it was refused.
 */
bool accd_control_select(struct accd_control *control, struct accd_session *session,
                         const struct acc_ctl_request *request, struct acc_ctl_targets *targets);
void accd_control_history(struct accd_control *control, struct accd_session *session,
                          const struct acc_ctl_request *request);
void accd_control_upgrade_plan(struct accd_control *control, struct accd_session *session,
                               const struct acc_ctl_request *request);

/* control_outdated.c */
void accd_control_outdated(struct accd_control *control, struct accd_session *session,
                           const struct acc_ctl_request *request);

/* control_logs.c */
void accd_control_logs(struct accd_control *control, struct accd_session *session,
                       const struct acc_ctl_request *request);

/* Forget all jobs: the server closes. What `ops` still answers finds its job without a control. */
void accd_control_waits_drop(struct accd_control *control);
void accd_control_events_drop(struct accd_control *control);
void accd_control_logs_drop(struct accd_control *control);
