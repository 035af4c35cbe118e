#pragma once

/*
 * What the control server is given: the outside of the engine as function pointers, set by the app.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "daemon/last_words.h"
#include "daemon/pump.h"
#include "lib/codec/outdated.h"
#include "lib/codec/plan_json.h"
#include "lib/codec/status_json.h"

#define ACCD_CONTROL_ERROR_MAX 512u
/* Verbs that wait for their end at once; more clients than that are told to come later. */
#define ACCD_CONTROL_WAITS_MAX 256u

/* Of a service that is otherwise the same: accd follows it, no container has to. */
#define ACCD_CHANGE_POLICY "policy"
/* Likewise "settings stack/service x-acc upgrade changed". */
#define ACCD_CHANGE_SETTINGS "settings"
/* Another number of containers: "scaled stack/service 1 -> 3". */
#define ACCD_CHANGE_SCALE "scaled"

struct accd_control_logs_options {
    uint32_t svc;
    bool follow, timestamps;
    uint32_t tail; /* UINT32_MAX: all */
};

/* One reader of logs. Neither function is called before logs_start() has returned. */
struct accd_control_logs_sink {
    void *token;
    /* Payload as it came, cut anywhere. `instance`: the container's name. False: the reader is
     * gone, and logs_cancel() was called in here. */
    bool (*on_data)(void *token, const char *instance, bool is_stderr, const char *data,
                    size_t data_len);
    /* All output was given; `error` says why it ended early, or is NULL. */
    void (*on_end)(void *token, const char *error);
};

/* What came of reading the files again. */
struct accd_applied {
    const char *problems; /* why they weren't applied, one a line; NULL: they were */
    const char *changes; /* lines of "added|changed|policy|settings|scaled|removed stack/service" */
    const char *warnings; /* one a line; NULL: none */
};

struct accd_control_ops {
    /* Borrowed until the next call; NULL isn't allowed. */
    const struct acc_host_facts *(*facts)(void *ctx);
    /* Why what is asked for isn't saved; NULL: it is. `when_saved`: `then(arg)` once that is known
     * of all that was asked for, maybe at once. Both may be NULL. */
    const char *(*unsaved)(void *ctx);
    void (*when_saved)(void *ctx, void (*then)(void *arg), void *arg);
    /* Borrowed until the next call. May be NULL. */
    void (*unlisted)(void *ctx, struct acc_unlisted_list *ret_list);
    /* The engine's current model. */
    const struct acc_model *(*model)(void *ctx);
    /* As accd_store_history(). */
    void (*history)(void *ctx, const char *service, uint32_t limit,
                    void (*on_row)(void *arg, int64_t unix_ms, enum acc_note_kind kind,
                                   const char *service, const char *text),
                    void (*done)(void *arg), void *arg);
    /* As accd_store_revisions(). */
    void (*revisions)(void *ctx, const char *service,
                      void (*on_row)(void *arg, int64_t unix_ms,
                                     const struct acc_revision_record *record),
                      void (*done)(void *arg), void *arg);
    /* 0 and `*ret_handle`, or -errno. cancel() may come at any time after that until on_end. */
    int (*logs_start)(void *ctx, const struct accd_control_logs_options *options,
                      const struct accd_control_logs_sink *sink, void **ret_handle);
    /* Of the container of this service that was taken back last; borrowed for the call. NULL: it
     * can't. */
    bool (*last_words)(void *ctx, uint32_t svc, struct accd_last_word *ret_word);
    /* NULL: it can't. Both of these may be called from inside on_data. */
    void (*logs_pause)(void *ctx, void *handle, bool is_paused);
    void (*logs_cancel)(void *ctx, void *handle);
    /* Read the files again. When they are applied the engine has what differs in them, and nothing
     * that it asked for has been answered yet. `applied` is borrowed for the call. */
    void (*apply)(void *ctx, bool prune, const char *by,
                  void (*done)(void *arg, const struct accd_applied *applied), void *arg);
    /* After an apply that prunes, once its containers are gone: networks, and `volumes`, that are
     * gone from the files. `lines`: "removed network NAME", "kept volume NAME: why", one a line. */
    void (*prune)(void *ctx, bool volumes, void (*done)(void *arg, const char *lines), void *arg);
    /* Before an apply is answered: look which networks and volumes aren't as their files say; then
     * `done`, maybe at once. `resources`: what was found, borrowed. Both may be NULL. */
    void (*differing)(void *ctx, void (*done)(void *arg), void *arg);
    const struct acc_plan *(*resources)(void *ctx);
    /* In what a container differs from its file; may be NULL. */
    bool (*differences)(void *ctx, const char *cid, struct acc_differences *ret);
    /* What apply would do: `plan` is borrowed for the call. NULL with `problems`, as of apply, or
     * without any: Docker is away. */
    void (*plan)(void *ctx,
                 void (*done)(void *arg, const char *problems, const struct acc_plan *plan),
                 void *arg);
    /* What io.acc.State answers, `decision` 0: as it is now. 0, -ENOENT: that one isn't kept;
     * -ENOMEM. */
    int (*state)(void *ctx, uint32_t decision, struct acc_buf *out);
    /* The selected services (a byte each) against the registries: `book` is borrowed for the call,
     * NULL when Docker is away. */
    void (*outdated)(void *ctx, const uint8_t *selected,
                     void (*done)(void *arg, const struct acc_outdated *book), void *arg);
};

struct accd_control_config {
    uv_loop_t *loop;
    struct acc_engine *engine;            /* borrowed */
    struct accd_pump *pump;               /* borrowed */
    const char *path;                     /* of the socket; ignored with a socket from systemd */
    int listen_fd;                        /* from socket activation, taken over; -1: make one */
    const struct acc_past_incident *past; /* borrowed */
    size_t n_past;
    struct accd_control_ops ops;
    void *ops_ctx;
};
