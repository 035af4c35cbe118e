#pragma once

/*
 * What accd shows of itself, as JSON: status (DESIGN.md 4.7), incidents, why, progress, history,
 * logs. io.acc.varlink names the fields.
 *
 * Everything is a complete Varlink reply, written from the engine's views and from facts that the
 * caller has measured. Reads no clock and no file.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/codec/docker_diff.h"
#include "lib/codec/plan_json.h"
#include "lib/engine/engine.h"

/* A platform of a thousand services takes about one megabyte. */
#define ACC_REPLY_MAX (16u * 1024u * 1024u)

struct acc_usage {
    double cpus;
    uint64_t memory_bytes, vram_bytes;
};

struct acc_gpu_facts {
    const char *name; /* "gpu0" */
    uint64_t vram_total_bytes, vram_used_bytes;
};

/* All borrowed. What isn't known is 0, NULL or "". */
struct acc_host_facts {
    const char *engine_version, *engine_api; /* of the engine seen last; never NULL */
    uint64_t memory_total_bytes, memory_used_bytes;
    const struct acc_gpu_facts *gpus;
    size_t n_gpus;
    const struct acc_usage *usage; /* by service of the engine */
    size_t n_usage;
};

/* What a comparison of a container with its file has found. Borrowed. */
struct acc_differences {
    const struct acc_docker_diff_line *line;
    size_t n, n_dropped; /* dropped: there were more */
};

/* Stacks that accd manages and that no file has, of which there are containers, and those whose
 * files don't load; and the patterns of acc.yaml that match nothing. */
struct acc_unlisted {
    const char *name;
    uint32_t n_containers, n_running;
    const char *problem; /* the first that is wrong with its files; NULL: no file is there */
    size_t n_errors;     /* with that one */
};
struct acc_unlisted_list {
    const struct acc_unlisted *item;
    size_t n;
    char *const *pattern;
    size_t n_patterns;
    char *const *left; /* services that left their file unseen, and of which a container runs */
    size_t n_left;
};

/* What is told from, and of which moment, on both clocks. */
struct acc_view {
    const struct acc_engine *engine;
    const struct acc_model *model; /* the engine's; NULL: without files, digest, reservations */
    /* In what this container differs; false: it isn't known to. May be NULL. */
    bool (*differences)(void *ctx, const char *cid, struct acc_differences *ret);
    void *ctx;           /* of differences */
    const char *unsaved; /* why what is asked for isn't saved; NULL: it is */
    struct acc_unlisted_list unlisted;
    const struct acc_plan *resources; /* networks and volumes that differ; NULL: none */
    uint64_t now_ms;                  /* monotonic */
    int64_t unix_ms;                  /* the wall clock at that moment */
};

/* An incident that was over before this accd began. */
#define ACC_PAST_INCIDENTS_MAX 20u /* a screenful; the database has the rest */
struct acc_past_incident {
    uint64_t id;
    int64_t opened_unix_ms, closed_unix_ms;
    uint32_t n_peak; /* services that suffered from it at the worst time */
    char root[2 * ACC_NAME_MAX + 2], cause[ACC_REASON_MAX + 1];
};

/* All append one reply to `out`. 0, -ENOMEM, -ENOBUFS; then `out` is useless. */

/* `selected`: a byte per service of the engine; NULL: all. */
int acc_status_put(const struct acc_view *view, const struct acc_host_facts *facts,
                   const uint8_t *selected, struct acc_buf *out);
/* The engine's, then `past` ones (newest first), which have no impact. */
int acc_incidents_put(const struct acc_view *view, const struct acc_past_incident *past,
                      size_t n_past, struct acc_buf *out);
/* One answer per selected service; of a whole stack only those that aren't well. */
int acc_why_put(const struct acc_view *view, const uint8_t *selected, bool is_stack,
                struct acc_buf *out);
int acc_ping_put(const struct acc_engine *engine, const struct acc_host_facts *facts,
                 struct acc_buf *out);

struct acc_pull_row {
    const char *image;
    uint64_t current, total; /* bytes; total 0: not known yet */
};
struct acc_progress_row {
    uint32_t svc;
    bool selected, settled;
    const char *change;              /* what became of its containers; NULL or "": nothing */
    const char *skipped;             /* why the verb left it out; NULL: it didn't */
    const char *hint;                /* why nothing came of it, or what else did; NULL: none */
    bool is_scaled;                  /* the file says how many of them ... */
    uint32_t scale[2];               /* ... it was, and is, to have */
    const char *settings;            /* which of accd's own have changed; NULL or "": none */
    const struct acc_pull_row *pull; /* of its image; NULL: none is under way */
    const char *output;              /* of its build, one a line; NULL: none */
};
/* What a verb or an apply means for whole stacks. */
struct acc_stacks_told {
    const char *adopted;  /* taken over by it, a name a line; NULL: none */
    bool shows_observing; /* tell which are only observed */
    const char *warnings; /* of their files, one a line; NULL: none */
};
int acc_progress_put(const struct acc_view *view, const struct acc_progress_row *rows,
                     size_t n_rows, const struct acc_stacks_told *stacks, bool continues,
                     struct acc_buf *out);
/* As the above, for Maintenance, with whether it was on before, and as it is. */
int acc_maintained_put(const struct acc_view *view, const struct acc_progress_row *rows,
                       size_t n_rows, bool was_on, bool continues, struct acc_buf *out);
/* As the above, for Apply: with `changes`, a line for each selected service that was changed, and
 * behind them `lines` (NULL: none). */
int acc_applied_put(const struct acc_view *view, const struct acc_progress_row *rows, size_t n_rows,
                    const struct acc_stacks_told *stacks, const char *lines, bool continues,
                    struct acc_buf *out);

struct acc_failure_row {
    const char *service, *reason;
    bool is_refused; /* it was forbidden: the reason goes on behind the service's name */
};
/* A verb that didn't come to its end everywhere. */
struct acc_failed {
    const char *error, *key; /* io.acc.Failed, Refused (which has a reason besides), or TimedOut
                                with what is "pending" */
    const struct acc_failure_row *failure;
    size_t n_failures;
    const struct acc_progress_row *row; /* how all of them stand, the other ones, too */
    size_t n_rows;
    const char *changes; /* of an apply: lines, of what was done besides; or NULL */
};
int acc_failed_put(const struct acc_view *view, const struct acc_failed *failed,
                   struct acc_buf *out);

struct acc_event_row {
    int64_t unix_ms;
    const char *kind, *service, *text;
};
int acc_events_put(const struct acc_event_row *rows, size_t n_rows, bool continues,
                   struct acc_buf *out);
const char *acc_note_kind_name(enum acc_note_kind kind); /* "state", ... */

struct acc_log_row {
    const char *service, *instance;
    bool is_stderr;
    const char *text; /* one line without its end; any bytes */
    size_t text_len;
};
int acc_logs_put(const struct acc_log_row *rows, size_t n_rows, bool continues,
                 struct acc_buf *out);

/* A list of texts, one a line: `changes` of Apply, `problems` of InvalidConfig. */
int acc_lines_put(const char *error, const char *key, const char *lines, struct acc_buf *out);
