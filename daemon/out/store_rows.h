#pragma once

/*
 * The tables of the state database: their columns, the statements on them, and records as rows.
 * Only the store uses it, with its file; it says nothing of when a row is written.
 */

#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/engine/engine.h"

enum statement {
    ST_JOURNAL,
    ST_JOURNAL_END,
    ST_SERVICE,
    ST_STACK,
    ST_ROLLOUT,
    ST_HOLD,
    ST_HOOKS,
    ST_AUTO,
    ST_REVISION,
    ST_REVISIONS,
    ST_PRUNE_REVISIONS,
    ST_ATTEMPT,
    ST_PRUNE_ATTEMPTS,
    ST_NOTE,
    ST_INCIDENT,
    ST_OPENED,
    ST_OPENED_END,
    ST_HISTORY,
    ST_PRUNE_HISTORY,
    ST_PRUNE_JOURNAL,
    ST_COUNT
};

extern const char *const accd_rows_sql[ST_COUNT];
extern const char accd_rows_schema[];
/* Columns that databases of an older accd lack, up to NULL; each fails where it is there. */
extern const char *const accd_rows_grown[];
/* Every service with its rollout, its hold (from this column on), its hooks and what is known for
 * its upgrades by itself; what is held for all services, by the id below; and the stable revisions,
 * oldest first (of one result). */
#define ACCD_ROWS_HOLD_AT 36
#define ACCD_ROWS_ALL     "*" /* no service is called so */
extern const char accd_rows_services[], accd_rows_maintenance[], accd_rows_stable[];

/* NULL becomes "". Longer names do not occur; a cut is fine. */
void accd_rows_copy(char *to, size_t size, const char *from);
void accd_rows_text(sqlite3_stmt *statement, int i, char *out, size_t size);
/* `text` must stay until the statement has run. */
void accd_rows_bind_text(sqlite3_stmt *statement, int i, const char *text);
void accd_rows_bind_service(sqlite3_stmt *statement, const struct acc_service_record *record,
                            int64_t saved_unix_ms);
void accd_rows_bind_rollout(sqlite3_stmt *statement, const struct acc_service_record *record);
void accd_rows_bind_hold(sqlite3_stmt *statement, const char *id,
                         const struct acc_hold_record *record);
void accd_rows_bind_hooks(sqlite3_stmt *statement, const struct acc_service_record *record);
void accd_rows_bind_auto(sqlite3_stmt *statement, const struct acc_service_record *record);
void accd_rows_bind_revision(sqlite3_stmt *statement, int64_t unix_ms,
                             const struct acc_revision_record *record);

/* As of `unix_ms`, which is now. */
void accd_rows_read_service(sqlite3_stmt *statement, struct acc_service_record *record,
                            int64_t unix_ms);
void accd_rows_read_rollout(sqlite3_stmt *statement, struct acc_service_record *record);
/* Columns from `at` on; all NULL for none. */
void accd_rows_read_hold(sqlite3_stmt *statement, int at, struct acc_hold_record *record);
void accd_rows_read_hooks(sqlite3_stmt *statement, struct acc_service_record *record);
void accd_rows_read_auto(sqlite3_stmt *statement, struct acc_service_record *record);
/* Of ST_REVISIONS also whether it is one. */
bool accd_rows_is_attempt(sqlite3_stmt *statement);
void accd_rows_read_revision(sqlite3_stmt *statement, struct acc_revision_record *record,
                             int64_t *ret_unix_ms);
