/* What the state file gives back when accd starts. */

#include "daemon/out/state_file.h"

#include <stdio.h>
#include <time.h>

#include "lib/base/assert.h"

int64_t accd_state_file_unix_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

uint64_t accd_state_file_number(struct accd_state_file *file, const char *query)
{
    sqlite3_stmt *statement;
    uint64_t value = 0;

    if (sqlite3_prepare_v2(file->db, query, -1, &statement, NULL) != SQLITE_OK) {
        return 0;
    }
    if (sqlite3_step(statement) == SQLITE_ROW) {
        value = (uint64_t)sqlite3_column_int64(statement, 0);
    }
    sqlite3_finalize(statement);
    return value;
}

static void each_revision(struct accd_state_file *file, accd_on_revision_fn on_revision, void *ctx)
{
    sqlite3_stmt *statement;

    if (sqlite3_prepare_v2(file->db, accd_rows_stable, -1, &statement, NULL) != SQLITE_OK) {
        return;
    }
    sqlite3_bind_int(statement, 1, ACC_REV_STABLE);
    while (sqlite3_step(statement) == SQLITE_ROW) {
        struct acc_revision_record record;
        int64_t unix_ms;

        accd_rows_read_revision(statement, &record, &unix_ms);
        accd_rows_text(statement, 11, record.id, sizeof(record.id));
        on_revision(ctx, &record);
    }
    sqlite3_finalize(statement);
}

static void restore_maintenance(struct accd_state_file *file, struct acc_engine *engine)
{
    sqlite3_stmt *statement;
    struct acc_hold_record record;

    if (sqlite3_prepare_v2(file->db, accd_rows_maintenance, -1, &statement, NULL) != SQLITE_OK) {
        return;
    }
    accd_rows_bind_text(statement, 1, ACCD_ROWS_ALL);
    if (sqlite3_step(statement) == SQLITE_ROW) {
        accd_rows_read_hold(statement, 0, &record);
        acc_engine_restore_maintenance(engine, &record);
    }
    sqlite3_finalize(statement);
}

/* What it is about is gone: it ended while accd was away, nobody knows when. */
static void end_opened(struct accd_state_file *file, uint64_t id, int64_t unix_ms)
{
    char sql[256];

    (void)snprintf(sql, sizeof(sql),
                   "INSERT OR REPLACE INTO incident(id, root, opened_ms, closed_ms, cause, peak)"
                   " SELECT id, root, opened_ms, %lld, cause, peak FROM opened WHERE id=%llu;"
                   "DELETE FROM opened WHERE id=%llu",
                   (long long)unix_ms, (unsigned long long)id, (unsigned long long)id);
    (void)sqlite3_exec(file->db, sql, NULL, NULL, NULL);
}

static void restore_incidents(struct accd_state_file *file, struct acc_engine *engine,
                              int64_t unix_ms)
{
    sqlite3_stmt *statement;
    uint64_t gone[ACC_PAST_INCIDENTS_MAX];
    size_t n_gone = 0;

    if (sqlite3_prepare_v2(file->db,
                           "SELECT id, root, opened_ms, cause, peak, notified FROM opened"
                           " ORDER BY id",
                           -1, &statement, NULL) != SQLITE_OK) {
        return;
    }
    while (sqlite3_step(statement) == SQLITE_ROW) {
        struct acc_incident_record record = {
            .id = (uint64_t)sqlite3_column_int64(statement, 0),
            .n_peak = (uint32_t)sqlite3_column_int64(statement, 4),
            .notified = sqlite3_column_int(statement, 5),
        };
        int64_t opened_ms = sqlite3_column_int64(statement, 2);

        record.age_ms = opened_ms < unix_ms ? (uint64_t)(unix_ms - opened_ms) : 0;
        accd_rows_text(statement, 1, record.root, sizeof(record.root));
        accd_rows_text(statement, 3, record.cause, sizeof(record.cause));
        if (!acc_engine_restore_incident(engine, &record) && n_gone < ACC_ARRAY_LEN(gone)) {
            gone[n_gone++] = record.id;
        }
    }
    sqlite3_finalize(statement);
    for (size_t k = 0; k < n_gone; k++) {
        end_opened(file, gone[k], unix_ms);
    }
}

void accd_state_file_each(struct accd_state_file *file, accd_on_service_fn on_service,
                          accd_on_revision_fn on_revision, void *ctx)
{
    int64_t unix_ms = accd_state_file_unix_ms();
    sqlite3_stmt *statement;

    if (sqlite3_prepare_v2(file->db, accd_rows_services, -1, &statement, NULL) == SQLITE_OK) {
        while (sqlite3_step(statement) == SQLITE_ROW) {
            struct acc_service_record record;

            accd_rows_read_service(statement, &record, unix_ms);
            accd_rows_read_rollout(statement, &record);
            accd_rows_read_hold(statement, ACCD_ROWS_HOLD_AT, &record.hold);
            accd_rows_read_hooks(statement, &record);
            accd_rows_read_auto(statement, &record);
            on_service(ctx, &record);
        }
        sqlite3_finalize(statement);
    }
    each_revision(file, on_revision, ctx);
}

static void restore_service(void *ctx, const struct acc_service_record *record)
{
    (void)acc_engine_restore_service(ctx, record);
}

static void restore_revision(void *ctx, const struct acc_revision_record *record)
{
    (void)acc_engine_restore_revision(ctx, record);
}

void accd_state_file_restore(struct accd_state_file *file, struct acc_engine *engine)
{
    sqlite3_stmt *statement;

    accd_state_file_each(file, restore_service, restore_revision, engine);
    restore_maintenance(file, engine);
    restore_incidents(file, engine, accd_state_file_unix_ms());
    if (sqlite3_prepare_v2(file->db, "SELECT name, observing FROM stack", -1, &statement, NULL) ==
        SQLITE_OK) {
        while (sqlite3_step(statement) == SQLITE_ROW) {
            struct acc_stack_record record = {.observing = sqlite3_column_int(statement, 1)};

            accd_rows_text(statement, 0, record.name, sizeof(record.name));
            (void)acc_engine_restore_stack(engine, &record);
        }
        sqlite3_finalize(statement);
    }
}

void accd_state_file_managed(struct accd_state_file *file,
                             void (*fn)(void *ctx, const char *stack, bool has_left), void *ctx)
{
    sqlite3_stmt *statement;

    if (sqlite3_prepare_v2(
            file->db, /* one saved by an accd that didn't know of that: nothing was to run of it */
            "SELECT name, coalesce(has_left, NOT EXISTS(SELECT 1 FROM service WHERE"
            " wanted_up=1 AND substr(id, 1, length(name) + 1) = name || '/'))"
            " FROM stack WHERE observing=0",
            -1, &statement, NULL) != SQLITE_OK) {
        return;
    }
    while (sqlite3_step(statement) == SQLITE_ROW) {
        char name[ACC_NAME_MAX + 1];

        accd_rows_text(statement, 0, name, sizeof(name));
        fn(ctx, name, sqlite3_column_int(statement, 1));
    }
    sqlite3_finalize(statement);
}

size_t accd_state_file_incidents(struct accd_state_file *file,
                                 struct acc_past_incident *ret_incidents, size_t max)
{
    sqlite3_stmt *statement;
    size_t n = 0;

    if (sqlite3_prepare_v2(file->db,
                           "SELECT id, root, opened_ms, closed_ms, cause, peak FROM incident"
                           " ORDER BY id DESC LIMIT ?",
                           -1, &statement, NULL) != SQLITE_OK) {
        return 0;
    }
    sqlite3_bind_int64(statement, 1, (int64_t)max);
    for (; n < max && sqlite3_step(statement) == SQLITE_ROW; n++) {
        struct acc_past_incident *incident = &ret_incidents[n];

        incident->id = (uint64_t)sqlite3_column_int64(statement, 0);
        accd_rows_text(statement, 1, incident->root, sizeof(incident->root));
        incident->opened_unix_ms = sqlite3_column_int64(statement, 2);
        incident->closed_unix_ms = sqlite3_column_int64(statement, 3);
        accd_rows_text(statement, 4, incident->cause, sizeof(incident->cause));
        incident->n_peak = (uint32_t)sqlite3_column_int(statement, 5); /* NULL is 0 */
    }
    sqlite3_finalize(statement);
    return n;
}
