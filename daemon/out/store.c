#include "daemon/out/store.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>

#include "daemon/log.h"
#include "daemon/out/state_file.h"
#include "daemon/out/store_rows.h"
#include "lib/base/assert.h"

/* The file is pruned once per this many notes: often enough to stay small, rare enough to be free.
 */
#define PRUNE_EVERY 1000u
/* Jobs that may wait: at one per event of a storm this is minutes of a stuck disk. Beyond it
 * history is dropped, never a record. */
#define JOBS_MAX 100000u
/* Revisions that wait for room: upgrades are refused meanwhile, so there are few. */
#define LOST_MAX 256u
/* Less is a full disk still, for one that was: all services' records of a large host. */
#define ROOM_MIN (256u * 1024u)

enum job_kind {
    JOB_JOURNAL,
    JOB_JOURNAL_END,
    JOB_SERVICE,
    JOB_STACK,
    JOB_MAINTENANCE,
    JOB_REVISION,
    JOB_REVISIONS,
    JOB_NOTE,
    JOB_INCIDENT,
    JOB_OPENED,
    JOB_BARRIER,
    JOB_HISTORY
};

struct revision_row {
    struct revision_row *next;
    int64_t unix_ms;
    struct acc_revision_record record;
};

struct row {
    struct row *next;
    uint64_t id;
    int64_t unix_ms;
    enum acc_note_kind kind;
    char *service, *text;
};

struct job {
    struct job *next;
    enum job_kind kind;
    int64_t unix_ms, unix_ms2;
    uint64_t op;
    int number, number2;
    char name[2 * ACC_NAME_MAX + 2];
    char text[ACC_REASON_MAX + 1];
    char cid[ACC_CID_LEN + 1];
    union {
        struct acc_service_record service;
        struct acc_stack_record stack;
        struct acc_hold_record maintenance;
        struct acc_revision_record revision;
        struct {
            void (*on_row)(void *ctx, int64_t unix_ms, const struct acc_revision_record *record);
            void (*done)(void *ctx);
            void *ctx;
            struct revision_row *rows;
        } revisions;
        struct {
            void (*then)(void *arg);
            void *arg;
        } barrier;
        struct {
            void (*on_row)(void *ctx, const struct accd_history_row *row);
            void (*done)(void *ctx);
            void *ctx;
            uint32_t limit;
            struct row *rows; /* newest first as read, handed out oldest first */
        } history;
    };
};

struct accd_store {
    uv_loop_t *loop;
    struct accd_state_file file;
    uint64_t next_op;
    size_t n_unfinished;

    struct job *first, *last; /* waiting */
    size_t n_jobs;
    struct job *lost;    /* revisions that had no room; before all others in the next transaction */
    struct job *running; /* the worker's, in one transaction */
    uv_work_t work;
    bool is_busy;
    bool is_gathering;
    unsigned n_notes; /* since the last pruning; the worker's */
    int error;        /* of the last transaction; the worker's until it ends */
    bool is_lost;     /* likewise: it had no room, and nothing of it is saved */
    char error_text[ACCD_STORE_ERROR_MAX];
    char trouble[ACCD_STORE_ERROR_MAX]; /* the loop's copy of it */
    bool was_failing, is_closing;
    void (*on_recovered)(void *ctx);
    void *recovered_ctx;
    void (*on_turn)(void *ctx, bool is_saved);
    void *turn_ctx;
};

/* --- the worker: runs on a thread, touches `file` and `running` only ----------------------------
 */

static int read_revisions(struct accd_store *store, struct job *job)
{
    sqlite3_stmt *statement = store->file.statement[ST_REVISIONS];
    struct revision_row **last = &job->revisions.rows;
    int r;

    accd_rows_bind_text(statement, 1, job->name);
    while ((r = sqlite3_step(statement)) == SQLITE_ROW) {
        struct revision_row *row = calloc(1, sizeof(*row));

        if (!row) {
            break;
        }
        accd_rows_read_revision(statement, &row->record, &row->unix_ms);
        row->record.is_attempt = accd_rows_is_attempt(statement);
        *last = row;
        last = &row->next;
    }
    sqlite3_reset(statement);
    return r == SQLITE_DONE || r == SQLITE_ROW ? SQLITE_OK : r;
}

static int run_statement(struct accd_store *store, enum statement which)
{
    sqlite3_stmt *statement = store->file.statement[which];
    int r = sqlite3_step(statement);

    sqlite3_reset(statement);
    return r == SQLITE_DONE || r == SQLITE_ROW ? SQLITE_OK : r;
}

/* Only the last ones are of any use, and what fails in the same way again and again is one. */
static int save_attempt(struct accd_store *store, const struct job *job)
{
    sqlite3_stmt *prune = store->file.statement[ST_PRUNE_ATTEMPTS];
    int r;

    accd_rows_bind_revision(store->file.statement[ST_ATTEMPT], job->unix_ms, &job->revision);
    r = run_statement(store, ST_ATTEMPT);
    accd_rows_bind_text(prune, 1, job->revision.id);
    sqlite3_bind_int64(prune, 2, ACCD_STORE_ATTEMPTS_MAX);
    return r == SQLITE_OK ? run_statement(store, ST_PRUNE_ATTEMPTS) : r;
}

static int read_history(struct accd_store *store, struct job *job)
{
    sqlite3_stmt *statement = store->file.statement[ST_HISTORY];
    int r;

    accd_rows_bind_text(statement, 1, job->name);
    sqlite3_bind_int64(statement, 2, job->history.limit);
    while ((r = sqlite3_step(statement)) == SQLITE_ROW) {
        struct row *row = calloc(1, sizeof(*row));

        if (!row) {
            break;
        }
        row->id = (uint64_t)sqlite3_column_int64(statement, 0);
        row->unix_ms = sqlite3_column_int64(statement, 1);
        row->kind = (enum acc_note_kind)sqlite3_column_int(statement, 2);
        row->service = strdup((const char *)sqlite3_column_text(statement, 3));
        row->text = strdup((const char *)sqlite3_column_text(statement, 4));
        row->next = job->history.rows;
        job->history.rows = row;
    }
    sqlite3_reset(statement);
    return r == SQLITE_DONE || r == SQLITE_ROW ? SQLITE_OK : r;
}

static int prune(struct accd_store *store)
{
    sqlite3_bind_int(store->file.statement[ST_PRUNE_HISTORY], 1, ACCD_STORE_HISTORY_MAX);
    sqlite3_bind_int(store->file.statement[ST_PRUNE_JOURNAL], 1, ACCD_STORE_JOURNAL_MAX);
    store->n_notes = 0;
    int r = run_statement(store, ST_PRUNE_HISTORY);

    return r == SQLITE_OK ? run_statement(store, ST_PRUNE_JOURNAL) : r;
}

static int save_hold(struct accd_store *store, const char *id, const struct acc_hold_record *record)
{
    accd_rows_bind_hold(store->file.statement[ST_HOLD], id, record);
    return run_statement(store, ST_HOLD);
}

static int run_job(struct accd_store *store, struct job *job)
{
    sqlite3_stmt *statement;
    int r;

    switch (job->kind) {
    case JOB_JOURNAL:
        statement = store->file.statement[ST_JOURNAL];
        sqlite3_bind_int64(statement, 1, (sqlite3_int64)job->op);
        sqlite3_bind_int64(statement, 2, job->unix_ms);
        accd_rows_bind_text(statement, 3, job->text);
        accd_rows_bind_text(statement, 4, job->name);
        sqlite3_bind_int(statement, 5, job->number);
        accd_rows_bind_text(statement, 6, job->cid);
        return run_statement(store, ST_JOURNAL);
    case JOB_JOURNAL_END:
        statement = store->file.statement[ST_JOURNAL_END];
        sqlite3_bind_int(statement, 1, job->number);
        sqlite3_bind_int64(statement, 2, job->unix_ms);
        sqlite3_bind_int64(statement, 3, (sqlite3_int64)job->op);
        return run_statement(store, ST_JOURNAL_END);
    case JOB_SERVICE:
        accd_rows_bind_service(store->file.statement[ST_SERVICE], &job->service, job->unix_ms);
        r = run_statement(store, ST_SERVICE);
        if (r == SQLITE_OK) {
            accd_rows_bind_rollout(store->file.statement[ST_ROLLOUT], &job->service);
            r = run_statement(store, ST_ROLLOUT);
        }
        if (r == SQLITE_OK) {
            accd_rows_bind_hooks(store->file.statement[ST_HOOKS], &job->service);
            r = run_statement(store, ST_HOOKS);
        }
        if (r == SQLITE_OK) {
            accd_rows_bind_auto(store->file.statement[ST_AUTO], &job->service);
            r = run_statement(store, ST_AUTO);
        }
        return r == SQLITE_OK ? save_hold(store, job->service.id, &job->service.hold) : r;
    case JOB_MAINTENANCE:
        return save_hold(store, ACCD_ROWS_ALL, &job->maintenance);
    case JOB_REVISION:
        if (job->revision.is_attempt) {
            return save_attempt(store, job);
        }
        accd_rows_bind_revision(store->file.statement[ST_REVISION], job->unix_ms, &job->revision);
        r = run_statement(store, ST_REVISION);
        statement = store->file.statement[ST_PRUNE_REVISIONS];
        accd_rows_bind_text(statement, 1, job->revision.id);
        sqlite3_bind_int64(statement, 2, (int64_t)job->revision.number - ACCD_STORE_REVISIONS_MAX);
        return r == SQLITE_OK ? run_statement(store, ST_PRUNE_REVISIONS) : r;
    case JOB_REVISIONS:
        return read_revisions(store, job);
    case JOB_STACK:
        accd_rows_bind_text(store->file.statement[ST_STACK], 1, job->stack.name);
        sqlite3_bind_int(store->file.statement[ST_STACK], 2, job->stack.observing);
        sqlite3_bind_int(store->file.statement[ST_STACK], 3, job->stack.has_left);
        return run_statement(store, ST_STACK);
    case JOB_NOTE:
        statement = store->file.statement[ST_NOTE];
        sqlite3_bind_int64(statement, 1, job->unix_ms);
        sqlite3_bind_int(statement, 2, job->number);
        accd_rows_bind_text(statement, 3, job->name);
        accd_rows_bind_text(statement, 4, job->text);
        if (++store->n_notes >= PRUNE_EVERY) {
            (void)prune(store);
        }
        return run_statement(store, ST_NOTE);
    case JOB_INCIDENT:
        statement = store->file.statement[ST_INCIDENT];
        sqlite3_bind_int64(statement, 1, (int64_t)job->op);
        accd_rows_bind_text(statement, 2, job->name);
        sqlite3_bind_int64(statement, 3, job->unix_ms);
        sqlite3_bind_int64(statement, 4, job->unix_ms2);
        accd_rows_bind_text(statement, 5, job->text);
        sqlite3_bind_int(statement, 6, job->number);
        r = run_statement(store, ST_INCIDENT);
        sqlite3_bind_int64(store->file.statement[ST_OPENED_END], 1, (int64_t)job->op);
        return r == SQLITE_OK ? run_statement(store, ST_OPENED_END) : r;
    case JOB_OPENED:
        statement = store->file.statement[ST_OPENED];
        sqlite3_bind_int64(statement, 1, (int64_t)job->op);
        accd_rows_bind_text(statement, 2, job->name);
        sqlite3_bind_int64(statement, 3, job->unix_ms);
        accd_rows_bind_text(statement, 4, job->text);
        sqlite3_bind_int(statement, 5, job->number);
        sqlite3_bind_int(statement, 6, job->number2);
        return run_statement(store, ST_OPENED);
    case JOB_HISTORY:
        return read_history(store, job);
    case JOB_BARRIER:
        return SQLITE_OK;
    }
    return SQLITE_OK;
}

static bool has_rows(const struct job *job)
{
    return (job->kind == JOB_HISTORY && job->history.rows) ||
           (job->kind == JOB_REVISIONS && job->revisions.rows);
}

static void run_reads(struct accd_store *store)
{
    for (struct job *job = store->running; job; job = job->next) {
        if ((job->kind == JOB_HISTORY || job->kind == JOB_REVISIONS) && !has_rows(job)) {
            (void)run_job(store, job);
        }
    }
}

/* With the place of the file, which sqlite3_errmsg() leaves out. */
static void keep_error(struct accd_store *store, int r)
{
    (void)snprintf(store->error_text, sizeof(store->error_text), "%s (%s/state.db)",
                   r == SQLITE_FULL ? "disk full" : sqlite3_errmsg(store->file.db),
                   store->file.dir);
}

/* A transaction that writes nothing proves nothing of the disk. */
static bool has_writes(const struct accd_store *store)
{
    for (const struct job *job = store->running; job; job = job->next) {
        if (job->kind != JOB_BARRIER && job->kind != JOB_HISTORY && job->kind != JOB_REVISIONS) {
            return true;
        }
    }
    return false;
}

/* A quota is no full disk to SQLite. What the disk can't read would never come through, and keep
 * all else from it. */
static bool is_for_room(const struct accd_store *store, int r)
{
    return r == SQLITE_FULL || sqlite3_extended_errcode(store->file.db) == SQLITE_IOERR_WRITE;
}

/* All or nothing. What has been read already isn't read twice. */
static int transact(struct accd_store *store)
{
    int r = sqlite3_exec(store->file.db, "BEGIN IMMEDIATE", NULL, NULL, NULL);

    for (struct job *job = store->running; job && r == SQLITE_OK; job = job->next) {
        r = has_rows(job) ? SQLITE_OK : run_job(store, job);
    }
    if (r == SQLITE_OK) {
        r = sqlite3_exec(store->file.db, "COMMIT", NULL, NULL, NULL);
    }
    store->is_lost = r != SQLITE_OK && is_for_room(store, r);
    if (r != SQLITE_OK) {
        keep_error(store, r);
        (void)sqlite3_exec(store->file.db, "ROLLBACK", NULL, NULL, NULL);
    }
    return r;
}

/* At the edge one record has room and the next one hasn't: it is full until more than one has. */
static bool has_room(const struct accd_store *store)
{
    struct statvfs disk;

    return statvfs(store->file.dir, &disk) < 0 ||
           (uint64_t)disk.f_bavail * disk.f_frsize >= ROOM_MIN;
}

static void run_jobs(struct accd_store *store)
{
    int r;

    if (!store->file.db) {
        (void)accd_state_file_retry(&store->file, store->error_text);
    }
    if (!store->file.db) {
        store->is_lost = true;
        store->error = SQLITE_CANTOPEN;
        return;
    }
    r = transact(store);
    if (r == SQLITE_FULL) { /* it may be the log itself that takes the room */
        (void)sqlite3_exec(store->file.db, "PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL);
        r = transact(store);
    }
    if (r == SQLITE_OK && !has_writes(store)) {
        return;
    }
    if (r == SQLITE_OK && store->error == SQLITE_FULL && !has_room(store)) {
        return; /* this one is saved */
    }
    store->error = r;
    if (r != SQLITE_OK) {
        run_reads(store); /* what can't be written can be read */
    }
}

static void on_work(uv_work_t *work)
{
    run_jobs(work->data);
}

/* --- the loop's side ----------------------------------------------------------------------- */

static void start_work(struct accd_store *store);

static void hand_out_rows(struct job *job)
{
    struct row *next;

    for (struct row *row = job->history.rows; row; row = next) {
        struct accd_history_row view = {row->id, row->unix_ms, row->kind,
                                        row->service ? row->service : "",
                                        row->text ? row->text : ""};

        next = row->next;
        job->history.on_row(job->history.ctx, &view);
        free(row->service);
        free(row->text);
        free(row);
    }
    job->history.done(job->history.ctx);
}

static void hand_out_revisions(struct job *job)
{
    struct revision_row *next;

    for (struct revision_row *row = job->revisions.rows; row; row = next) {
        next = row->next;
        job->revisions.on_row(job->revisions.ctx, row->unix_ms, &row->record);
        free(row);
    }
    job->revisions.done(job->revisions.ctx);
}

static void tell_trouble(struct accd_store *store)
{
    bool was_failing = store->was_failing;

    store->was_failing = store->error != SQLITE_OK;
    memcpy(store->trouble, store->error_text, sizeof(store->trouble));
    if (store->was_failing && !was_failing) {
        accd_log(ACCD_LOG_ERROR,
                 "state: not saved: %s. Services are kept up; what is asked for is forgotten if "
                 "accd ends. It is tried again with each record",
                 store->error_text);
    } else if (!store->was_failing && was_failing) {
        accd_log(ACCD_LOG_NOTICE, "state: state.db can be written again");
        if (store->on_recovered) {
            store->on_recovered(store->recovered_ctx);
        }
    }
    if (store->was_failing != was_failing && store->on_turn) {
        store->on_turn(store->turn_ctx, !store->was_failing);
    }
}

static bool is_revision(const struct job *job)
{
    return job->kind == JOB_REVISION && !job->revision.is_attempt;
}

/* All else is saved again from what the engine knows (on_recovered), which is no more how a former
 * rollout has ended. Those of before are the first of `jobs`. */
static struct job *take_lost(struct job **jobs)
{
    struct job *lost = NULL, **last = &lost;
    size_t n = 0;

    for (struct job **at = jobs; *at;) {
        struct job *job = *at;

        if (!is_revision(job)) {
            at = &job->next;
            continue;
        }
        *at = job->next;
        job->next = NULL;
        *last = job;
        last = &job->next;
        n++;
    }
    for (; n > LOST_MAX; n--) {
        struct job *oldest = lost;

        lost = lost->next;
        free(oldest);
    }
    return lost;
}

static void finish_jobs(struct accd_store *store)
{
    struct job *next;
    struct job *jobs = store->running;

    store->running = NULL;
    store->lost = store->is_lost ? take_lost(&jobs) : NULL;
    tell_trouble(store);
    for (struct job *job = jobs; job; job = next) {
        next = job->next;
        if (job->kind == JOB_BARRIER) {
            job->barrier.then(job->barrier.arg);
        } else if (job->kind == JOB_HISTORY) {
            hand_out_rows(job);
        } else if (job->kind == JOB_REVISIONS) {
            hand_out_revisions(job);
        }
        free(job);
    }
}

static void on_worked(uv_work_t *work, int status)
{
    struct accd_store *store = work->data;

    (void)status; /* never cancelled */
    store->is_busy = false;
    finish_jobs(store);
    start_work(store);
}

static void take_all(struct accd_store *store)
{
    struct job **last = &store->running;

    store->running = store->lost;
    while (*last) {
        last = &(*last)->next;
    }
    *last = store->first;
    store->lost = NULL;
    store->first = store->last = NULL;
    store->n_jobs = 0;
}

static void start_work(struct accd_store *store)
{
    if (store->is_busy || store->is_closing || !store->first) {
        return;
    }
    take_all(store);
    store->is_busy = true;
    store->work.data = store;
    int r = uv_queue_work(store->loop, &store->work, on_work, on_worked);

    acc_assert(r == 0); /* fails for a NULL callback only */
}

static struct job *job_new(struct accd_store *store, enum job_kind kind)
{
    if (store->n_jobs >= JOBS_MAX && kind == JOB_NOTE) {
        return NULL;
    }
    struct job *job = calloc(1, sizeof(*job));

    if (!job) {
        accd_log(ACCD_LOG_ERROR, "state: out of memory, a record is lost");
        return NULL;
    }
    job->kind = kind;
    return job;
}

static void enqueue(struct accd_store *store, struct job *job)
{
    if (store->last) {
        store->last->next = job;
    } else {
        store->first = job;
    }
    store->last = job;
    store->n_jobs++;
    if (!store->is_gathering || job->kind == JOB_BARRIER) {
        start_work(store);
    }
}

void accd_store_gather(struct accd_store *store, bool is_on)
{
    store->is_gathering = is_on;
    if (!is_on) {
        start_work(store);
    }
}

void accd_store_journal(struct accd_store *store, int64_t unix_ms, const char *service,
                        const struct acc_action *action)
{
    struct job *job = job_new(store, JOB_JOURNAL);

    if (job) {
        job->unix_ms = unix_ms;
        job->op = action->op;
        job->number = (int)action->slot;
        accd_rows_copy(job->text, sizeof(job->text), acc_action_type_name(action->what));
        accd_rows_copy(job->name, sizeof(job->name), service);
        accd_rows_copy(job->cid, sizeof(job->cid), action->cid);
        enqueue(store, job);
    }
}

void accd_store_journal_end(struct accd_store *store, int64_t unix_ms,
                            const struct acc_action *action)
{
    struct job *job = job_new(store, JOB_JOURNAL_END);

    if (job) {
        job->unix_ms = unix_ms;
        job->op = action->op;
        job->number = (int)action->result;
        enqueue(store, job);
    }
}

void accd_store_save_service(struct accd_store *store, const struct acc_service_record *record)
{
    struct job *job = job_new(store, JOB_SERVICE);

    if (job) {
        job->service = *record;
        job->unix_ms = accd_state_file_unix_ms();
        enqueue(store, job);
    }
}

void accd_store_save_revision(struct accd_store *store, int64_t unix_ms,
                              const struct acc_revision_record *record)
{
    struct job *job = job_new(store, JOB_REVISION);

    if (job) {
        job->unix_ms = unix_ms;
        job->revision = *record;
        enqueue(store, job);
    }
}

void accd_store_revisions(struct accd_store *store, const char *service,
                          void (*on_row)(void *ctx, int64_t unix_ms,
                                         const struct acc_revision_record *record),
                          void (*done)(void *ctx), void *ctx)
{
    struct job *job = job_new(store, JOB_REVISIONS);

    if (!job) {
        done(ctx);
        return;
    }
    accd_rows_copy(job->name, sizeof(job->name), service);
    job->revisions.on_row = on_row;
    job->revisions.done = done;
    job->revisions.ctx = ctx;
    enqueue(store, job);
}

void accd_store_save_stack(struct accd_store *store, const struct acc_stack_record *record)
{
    struct job *job = job_new(store, JOB_STACK);

    if (job) {
        job->stack = *record;
        enqueue(store, job);
    }
}

void accd_store_save_maintenance(struct accd_store *store, const struct acc_hold_record *record)
{
    struct job *job = job_new(store, JOB_MAINTENANCE);

    if (job) {
        job->maintenance = *record;
        enqueue(store, job);
    }
}

void accd_store_note(struct accd_store *store, int64_t unix_ms, enum acc_note_kind kind,
                     const char *service, const char *text)
{
    struct job *job = job_new(store, JOB_NOTE);

    if (job) {
        job->unix_ms = unix_ms;
        job->number = (int)kind;
        accd_rows_copy(job->name, sizeof(job->name), service);
        accd_rows_copy(job->text, sizeof(job->text), text);
        enqueue(store, job);
    }
}

void accd_store_opened(struct accd_store *store, int64_t opened_unix_ms,
                       const struct acc_incident_record *record)
{
    struct job *job = job_new(store, JOB_OPENED);

    if (job) {
        job->op = record->id;
        job->unix_ms = opened_unix_ms;
        job->number = (int)record->n_peak;
        job->number2 = record->notified;
        accd_rows_copy(job->name, sizeof(job->name), record->root);
        accd_rows_copy(job->text, sizeof(job->text), record->cause);
        enqueue(store, job);
    }
}

void accd_store_incident(struct accd_store *store, const struct acc_past_incident *incident)
{
    struct job *job = job_new(store, JOB_INCIDENT);

    if (job) {
        job->op = incident->id;
        job->unix_ms = incident->opened_unix_ms;
        job->unix_ms2 = incident->closed_unix_ms;
        job->number = (int)incident->n_peak;
        accd_rows_copy(job->name, sizeof(job->name), incident->root);
        accd_rows_copy(job->text, sizeof(job->text), incident->cause);
        enqueue(store, job);
    }
}

void accd_store_when_durable(void *ctx, void (*then)(void *arg), void *arg)
{
    struct accd_store *store = ctx;
    struct job *job = store->first || store->is_busy ? job_new(store, JOB_BARRIER) : NULL;

    if (!job) {
        then(arg);
        return;
    }
    job->barrier.then = then;
    job->barrier.arg = arg;
    enqueue(store, job);
}

void accd_store_history(struct accd_store *store, const char *service, uint32_t limit,
                        void (*on_row)(void *ctx, const struct accd_history_row *row),
                        void (*done)(void *ctx), void *ctx)
{
    struct job *job = job_new(store, JOB_HISTORY);

    if (!job) {
        done(ctx);
        return;
    }
    accd_rows_copy(job->name, sizeof(job->name), service);
    job->history.limit = limit < ACCD_STORE_HISTORY_READ_MAX ? limit : ACCD_STORE_HISTORY_READ_MAX;
    job->history.on_row = on_row;
    job->history.done = done;
    job->history.ctx = ctx;
    enqueue(store, job);
}

/* --- open, restore, close ----------------------------------------------------------------- */

int accd_store_open(uv_loop_t *loop, const char *dir, struct accd_store **ret_store,
                    char *reterr_text)
{
    struct accd_store *store = calloc(1, sizeof(*store));
    int r;

    if (!store) {
        (void)snprintf(reterr_text, ACCD_STORE_ERROR_MAX, "out of memory");
        return -ENOMEM;
    }
    store->loop = loop;
    store->file.lock_fd = -1;
    r = accd_state_file_open(&store->file, dir, reterr_text);
    if (r < 0) {
        accd_store_close(store);
        return r;
    }
    if (!store->file.db) {
        /* No number of an earlier life is as high as the seconds of the clock. */
        store->next_op = (uint64_t)time(NULL);
        store->error = SQLITE_CANTOPEN;
        (void)snprintf(store->error_text, sizeof(store->error_text), "%s", reterr_text);
        tell_trouble(store);
        *ret_store = store;
        return 0;
    }
    store->next_op = accd_state_file_number(&store->file,
                                            "SELECT max((SELECT coalesce(max(op), 0) FROM journal),"
                                            " (SELECT coalesce(max(id), 0) FROM incident),"
                                            " (SELECT coalesce(max(id), 0) FROM opened)) + 1");
    store->n_unfinished = (size_t)accd_state_file_number(
        &store->file, "SELECT count(*) FROM journal WHERE result IS NULL");
    (void)sqlite3_exec(store->file.db, "UPDATE journal SET result=-1 WHERE result IS NULL", NULL,
                       NULL, NULL); /* settled by looking at the containers (E10) */
    *ret_store = store;
    return 0;
}

const char *accd_store_trouble(const struct accd_store *store)
{
    return store->was_failing ? store->trouble : NULL;
}

void accd_store_on_turn(struct accd_store *store, void (*fn)(void *ctx, bool is_saved), void *ctx)
{
    store->on_turn = fn;
    store->turn_ctx = ctx;
}

void accd_store_on_recovered(struct accd_store *store, void (*fn)(void *ctx), void *ctx)
{
    store->on_recovered = fn;
    store->recovered_ctx = ctx;
}

void accd_store_restore(struct accd_store *store, struct acc_engine *engine)
{
    accd_state_file_restore(&store->file, engine);
}

void accd_store_each(struct accd_store *store, accd_on_service_fn on_service,
                     accd_on_revision_fn on_revision, void *ctx)
{
    accd_state_file_each(&store->file, on_service, on_revision, ctx);
}

void accd_store_managed(struct accd_store *store,
                        void (*fn)(void *ctx, const char *stack, bool has_left), void *ctx)
{
    accd_state_file_managed(&store->file, fn, ctx);
}

size_t accd_store_incidents(struct accd_store *store, struct acc_past_incident *ret_incidents,
                            size_t max)
{
    return accd_state_file_incidents(&store->file, ret_incidents, max);
}

uint64_t accd_store_next_op(const struct accd_store *store)
{
    return store->next_op;
}

size_t accd_store_n_unfinished(const struct accd_store *store)
{
    return store->n_unfinished;
}

struct accd_store *accd_store_close(struct accd_store *store)
{
    if (!store) {
        return NULL;
    }
    acc_assert(!store->is_busy); /* the loop has ended, so its work has */
    store->is_closing = true;
    while (store->first) {
        take_all(store);
        run_jobs(store);
        finish_jobs(store);
    }
    while (store->lost) {
        struct job *job = store->lost;

        store->lost = job->next;
        free(job);
    }
    accd_state_file_close(&store->file);
    free(store);
    return NULL;
}
