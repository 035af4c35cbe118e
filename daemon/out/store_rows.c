#include "daemon/out/store_rows.h"

#include <stdio.h>
#include <string.h>

/* clang-format off */
const char *const accd_rows_sql[ST_COUNT] = {
    [ST_JOURNAL] = "INSERT OR REPLACE INTO journal(op, at_ms, verb, service, slot, cid) VALUES(?,?,?,?,?,?)",
    [ST_JOURNAL_END] = "UPDATE journal SET result=?, ended_ms=? WHERE op=? AND result IS NULL",
    [ST_SERVICE] = ("INSERT OR REPLACE INTO service(id, wanted_up, wanted_removed, held, asked_by, n_failures,"
        " n_restarts, n_opens, last_delay_ms, backoff_left_ms, open_left_ms, done, done_spec, applied_spec,"
        " canonical, own_stop_ns, end_ns, places, ready_run_ns, fail_text, saved_ms,"
        " heirs) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"),
    [ST_STACK] = "INSERT OR REPLACE INTO stack(name, observing, has_left) VALUES(?,?,?)",
    [ST_ROLLOUT] = ("INSERT OR REPLACE INTO rollout(id, revision, last_revision, pin_spec, pin_image, pin_id,"
        " pin_digest, bad_id, step, start_first, op, from_rev, to_rev, slot, image, image_id, digest, spec, asked_by,"
        " why, bad_spec, bad_why, bad_root, is_upgrade, is_change, what, wish, goes_back, back_to,"
        " failed_rev, failed_image, failed_id, failed_digest, failed_spec, must_listen, bad_image)"
        " VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"),
    [ST_HOLD] = "INSERT OR REPLACE INTO hold(id, kind, held_by, reason, left_ms) VALUES(?,?,?,?,?)",
    [ST_HOOKS] = "INSERT OR REPLACE INTO hooks(id, due, hooked_ns) VALUES(?,?,?)",
    [ST_AUTO] = "INSERT OR REPLACE INTO auto(id, image, digest, since_s, looked_s, bad_digest) VALUES(?,?,?,?,?,?)",
    [ST_REVISION] = ("INSERT INTO revision(service, number, at_ms, result, image, image_id, digest, spec, asked_by,"
        " text, took_ms, what) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12) ON CONFLICT(service, number) DO UPDATE SET"
        " result=?4, text=CASE WHEN ?10='' AND ?11=0 THEN text ELSE ?10 END,"
        " took_ms=CASE WHEN ?11=0 THEN took_ms ELSE ?11 END, digest=CASE WHEN ?7='' THEN digest ELSE ?7 END"),
    [ST_REVISIONS] = ("SELECT number, at_ms, result, image, image_id, digest, spec, asked_by, text, took_ms, what,"
        " 0 AS is_attempt FROM revision WHERE service=?1 UNION ALL SELECT number, at_ms, result, image, image_id,"
        " digest, spec, asked_by, text, took_ms, what, 1 FROM attempt WHERE service=?1"
        " ORDER BY number DESC, is_attempt, at_ms DESC"),
    [ST_PRUNE_REVISIONS] = "DELETE FROM revision WHERE service=?1 AND number <= ?2",
    [ST_ATTEMPT] = ("INSERT INTO attempt(service, number, at_ms, result, image, image_id, digest, spec, asked_by,"
        " text, took_ms, what) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12)"),
    [ST_PRUNE_ATTEMPTS] = ("DELETE FROM attempt WHERE service=?1 AND (id NOT IN"
        " (SELECT id FROM attempt WHERE service=?1 ORDER BY id DESC LIMIT ?2) OR id NOT IN"
        " (SELECT max(id) FROM attempt WHERE service=?1 GROUP BY number, asked_by, text))"),
    [ST_NOTE] = "INSERT INTO history(at_ms, kind, service, text) VALUES(?,?,?,?)",
    [ST_INCIDENT] = "INSERT OR REPLACE INTO incident(id, root, opened_ms, closed_ms, cause, peak) VALUES(?,?,?,?,?,?)",
    [ST_OPENED] = "INSERT OR REPLACE INTO opened(id, root, opened_ms, cause, peak, notified) VALUES(?,?,?,?,?,?)",
    [ST_OPENED_END] = "DELETE FROM opened WHERE id=?",
    [ST_HISTORY] = ("SELECT id, at_ms, kind, service, text FROM history WHERE (?1 = '' OR service = ?1)"
        " ORDER BY id DESC LIMIT ?2"),
    [ST_PRUNE_HISTORY] = "DELETE FROM history WHERE id <= (SELECT max(id) FROM history) - ?",
    [ST_PRUNE_JOURNAL] = "DELETE FROM journal WHERE result IS NOT NULL AND op <= (SELECT max(op) FROM journal) - ?",
};

const char accd_rows_schema[] =
    "CREATE TABLE IF NOT EXISTS service(id TEXT PRIMARY KEY, wanted_up INT, wanted_removed INT, held INT,"
    " asked_by TEXT, n_failures INT, n_restarts INT, n_opens INT, last_delay_ms INT, backoff_left_ms INT,"
    " open_left_ms INT, done INT, done_spec TEXT, applied_spec TEXT, canonical TEXT,"
    " own_stop_ns INT, end_ns INT, places TEXT, ready_run_ns INT, fail_text TEXT, saved_ms INT, heirs TEXT);"
    "CREATE TABLE IF NOT EXISTS rollout(id TEXT PRIMARY KEY, revision INT, last_revision INT, pin_spec TEXT,"
    " pin_image TEXT, pin_id TEXT, pin_digest TEXT, bad_id TEXT, step TEXT, start_first INT, op INT, from_rev INT,"
    " to_rev INT, slot INT, image TEXT, image_id TEXT, digest TEXT, spec TEXT, asked_by TEXT, why TEXT,"
    " bad_spec TEXT, bad_why TEXT, bad_root TEXT, is_upgrade INT, is_change INT, what TEXT,"
    " wish INT, goes_back INT, back_to INT,"
    " failed_rev INT, failed_image TEXT, failed_id TEXT, failed_digest TEXT, failed_spec TEXT, must_listen INT,"
    " bad_image TEXT);"
    "CREATE TABLE IF NOT EXISTS hooks(id TEXT PRIMARY KEY, due INT, hooked_ns INT);"
    "CREATE TABLE IF NOT EXISTS auto(id TEXT PRIMARY KEY, image TEXT, digest TEXT, since_s INT, looked_s INT,"
    " bad_digest TEXT);"
    "CREATE TABLE IF NOT EXISTS revision(service TEXT, number INT, at_ms INT, result INT, image TEXT, image_id TEXT,"
    " digest TEXT, spec TEXT, asked_by TEXT, text TEXT, took_ms INT, what TEXT, PRIMARY KEY(service, number));"
    "CREATE TABLE IF NOT EXISTS attempt(id INTEGER PRIMARY KEY, service TEXT, number INT, at_ms INT, result INT,"
    " image TEXT, image_id TEXT, digest TEXT, spec TEXT, asked_by TEXT, text TEXT, took_ms INT, what TEXT);"
    "CREATE TABLE IF NOT EXISTS hold(id TEXT PRIMARY KEY, kind INT, held_by TEXT, reason TEXT, left_ms INT);"
    "CREATE TABLE IF NOT EXISTS stack(name TEXT PRIMARY KEY, observing INT, has_left INT);"
    "CREATE TABLE IF NOT EXISTS journal(op INTEGER PRIMARY KEY, at_ms INT, verb TEXT, service TEXT, slot INT,"
    " cid TEXT, result INT, ended_ms INT);"
    "CREATE TABLE IF NOT EXISTS history(id INTEGER PRIMARY KEY, at_ms INT, kind INT, service TEXT, text TEXT);"
    "CREATE INDEX IF NOT EXISTS history_service ON history(service, id);"
    "CREATE TABLE IF NOT EXISTS incident(id INTEGER PRIMARY KEY, root TEXT, opened_ms INT, closed_ms INT,"
    " cause TEXT, peak INT);"
    "CREATE TABLE IF NOT EXISTS opened(id INTEGER PRIMARY KEY, root TEXT, opened_ms INT, cause TEXT, peak INT,"
    " notified INT);";
/* clang-format on */

const char *const accd_rows_grown[] = {
    "ALTER TABLE incident ADD COLUMN peak INT",
    "ALTER TABLE rollout ADD COLUMN bad_spec TEXT",
    "ALTER TABLE rollout ADD COLUMN bad_why TEXT",
    "ALTER TABLE rollout ADD COLUMN bad_root TEXT",
    "ALTER TABLE rollout ADD COLUMN is_upgrade INT DEFAULT 1",
    "ALTER TABLE rollout ADD COLUMN is_change INT",
    "ALTER TABLE rollout ADD COLUMN what TEXT",
    "ALTER TABLE rollout ADD COLUMN wish INT",
    "ALTER TABLE rollout ADD COLUMN goes_back INT",
    "ALTER TABLE rollout ADD COLUMN back_to INT",
    "ALTER TABLE rollout ADD COLUMN failed_rev INT",
    "ALTER TABLE rollout ADD COLUMN failed_image TEXT",
    "ALTER TABLE rollout ADD COLUMN failed_id TEXT",
    "ALTER TABLE rollout ADD COLUMN failed_digest TEXT",
    "ALTER TABLE rollout ADD COLUMN failed_spec TEXT",
    "ALTER TABLE rollout ADD COLUMN must_listen INT",
    "ALTER TABLE rollout ADD COLUMN bad_image TEXT",
    "ALTER TABLE revision ADD COLUMN what TEXT",
    "ALTER TABLE service ADD COLUMN places TEXT",
    "ALTER TABLE service ADD COLUMN ready_run_ns INT",
    "ALTER TABLE service ADD COLUMN fail_text TEXT",
    "ALTER TABLE service ADD COLUMN saved_ms INT",
    "ALTER TABLE service ADD COLUMN heirs TEXT",
    "ALTER TABLE stack ADD COLUMN has_left INT",
    NULL,
};

const char accd_rows_services[] =
    "SELECT id, wanted_up, wanted_removed, held, service.asked_by, n_failures, "
    "n_restarts, n_opens, last_delay_ms, backoff_left_ms, open_left_ms, done, "
    "done_spec, applied_spec, canonical, own_stop_ns, end_ns, revision, last_revision, "
    "pin_spec, pin_image, pin_id, pin_digest, bad_id, step, start_first, op, from_rev, "
    "to_rev, slot, rollout.image, image_id, rollout.digest, spec, rollout.asked_by, why, kind, "
    "held_by, reason, "
    "left_ms, due, hooked_ns, auto.image, auto.digest, since_s, looked_s, bad_digest, "
    "bad_spec, bad_why, bad_root, is_upgrade, is_change, what, wish, goes_back, places, "
    "ready_run_ns, back_to, fail_text, saved_ms, heirs, "
    "(SELECT has_left FROM stack WHERE name = substr(id, 1, instr(id, '/') - 1)), "
    "failed_rev, failed_image, failed_id, failed_digest, failed_spec, must_listen, bad_image "
    "FROM service LEFT JOIN rollout USING (id) LEFT "
    "JOIN hold USING (id) "
    "LEFT JOIN "
    "hooks USING (id) "
    "LEFT JOIN auto USING (id)";
const char accd_rows_maintenance[] = "SELECT kind, held_by, reason, left_ms FROM hold WHERE id=?";
const char accd_rows_stable[] =
    "SELECT number, at_ms, result, image, image_id, digest, spec, asked_by,"
    " text, took_ms, what, service FROM revision WHERE result=? ORDER BY number";

void accd_rows_copy(char *to, size_t size, const char *from)
{
    (void)snprintf(to, size, "%s", from ? from : ""); /* longer names do not occur; a cut is fine */
}

void accd_rows_bind_text(sqlite3_stmt *statement, int i, const char *text)
{
    sqlite3_bind_text(statement, i, text, -1, SQLITE_STATIC);
}

void accd_rows_bind_service(sqlite3_stmt *statement, const struct acc_service_record *record,
                            int64_t saved_unix_ms)
{
    accd_rows_bind_text(statement, 1, record->id);
    sqlite3_bind_int(statement, 2, record->wanted_up);
    sqlite3_bind_int(statement, 3, record->wanted_removed);
    sqlite3_bind_int(statement, 4, record->held);
    accd_rows_bind_text(statement, 5, record->asked_by);
    sqlite3_bind_int64(statement, 6, record->n_failures);
    sqlite3_bind_int64(statement, 7, record->n_restarts);
    sqlite3_bind_int64(statement, 8, record->n_opens);
    sqlite3_bind_int64(statement, 9, (sqlite3_int64)record->last_delay_ms);
    sqlite3_bind_int64(statement, 10, (sqlite3_int64)record->backoff_left_ms);
    sqlite3_bind_int64(statement, 11, (sqlite3_int64)record->open_left_ms);
    sqlite3_bind_int(statement, 12, record->done);
    accd_rows_bind_text(statement, 13, record->done_spec);
    accd_rows_bind_text(statement, 14, record->applied_spec);
    accd_rows_bind_text(statement, 15, record->canonical);
    sqlite3_bind_int64(statement, 16, record->own_stop_ns);
    sqlite3_bind_int64(statement, 17, record->end_ns);
    accd_rows_bind_text(statement, 18, record->places);
    sqlite3_bind_int64(statement, 19, record->ready_run_ns);
    accd_rows_bind_text(statement, 20, record->fail_text);
    sqlite3_bind_int64(statement, 21, saved_unix_ms);
    accd_rows_bind_text(statement, 22, record->heirs);
}

void accd_rows_bind_rollout(sqlite3_stmt *statement, const struct acc_service_record *record)
{
    const struct acc_rollout_record *r = &record->rollout;

    accd_rows_bind_text(statement, 1, record->id);
    sqlite3_bind_int64(statement, 2, record->revision);
    sqlite3_bind_int64(statement, 3, record->last_revision);
    accd_rows_bind_text(statement, 4, record->pin_spec);
    accd_rows_bind_text(statement, 5, record->pin_image);
    accd_rows_bind_text(statement, 6, record->pin_id);
    accd_rows_bind_text(statement, 7, record->pin_digest);
    accd_rows_bind_text(statement, 8, record->bad_id);
    accd_rows_bind_text(statement, 9, acc_rollout_step_name(r->step));
    sqlite3_bind_int(statement, 10, r->start_first);
    sqlite3_bind_int64(statement, 11, (sqlite3_int64)r->id);
    sqlite3_bind_int64(statement, 12, r->from);
    sqlite3_bind_int64(statement, 13, r->to);
    sqlite3_bind_int64(statement, 14, r->slot);
    accd_rows_bind_text(statement, 15, r->image);
    accd_rows_bind_text(statement, 16, r->image_id);
    accd_rows_bind_text(statement, 17, r->digest);
    accd_rows_bind_text(statement, 18, r->spec);
    accd_rows_bind_text(statement, 19, r->by);
    accd_rows_bind_text(statement, 20, r->why);
    accd_rows_bind_text(statement, 21, record->bad_spec);
    accd_rows_bind_text(statement, 22, record->bad_why);
    accd_rows_bind_text(statement, 23, record->bad_root);
    sqlite3_bind_int(statement, 24, r->is_upgrade);
    sqlite3_bind_int(statement, 25, r->is_change);
    accd_rows_bind_text(statement, 26, r->what);
    sqlite3_bind_int64(statement, 27, (sqlite3_int64)r->group);
    sqlite3_bind_int(statement, 28, r->goes_back);
    sqlite3_bind_int64(statement, 29, r->back_to);
    sqlite3_bind_int64(statement, 30, record->failed.number);
    accd_rows_bind_text(statement, 31, record->failed.image);
    accd_rows_bind_text(statement, 32, record->failed.image_id);
    accd_rows_bind_text(statement, 33, record->failed.digest);
    accd_rows_bind_text(statement, 34, record->failed.spec);
    sqlite3_bind_int(statement, 35, r->must_listen);
    accd_rows_bind_text(statement, 36, record->bad_image);
}

void accd_rows_bind_hold(sqlite3_stmt *statement, const char *id,
                         const struct acc_hold_record *record)
{
    accd_rows_bind_text(statement, 1, id);
    sqlite3_bind_int(statement, 2, (int)record->kind);
    accd_rows_bind_text(statement, 3, record->by);
    accd_rows_bind_text(statement, 4, record->reason);
    sqlite3_bind_int64(statement, 5, (sqlite3_int64)record->left_ms);
}

void accd_rows_bind_hooks(sqlite3_stmt *statement, const struct acc_service_record *record)
{
    accd_rows_bind_text(statement, 1, record->id);
    sqlite3_bind_int(statement, 2, record->hooks_due);
    sqlite3_bind_int64(statement, 3, record->hooked_ns);
}

void accd_rows_bind_auto(sqlite3_stmt *statement, const struct acc_service_record *record)
{
    accd_rows_bind_text(statement, 1, record->id);
    accd_rows_bind_text(statement, 2, record->autos.image);
    accd_rows_bind_text(statement, 3, record->autos.digest);
    sqlite3_bind_int64(statement, 4, record->autos.since_s);
    sqlite3_bind_int64(statement, 5, record->autos.looked_s);
    accd_rows_bind_text(statement, 6, record->autos.bad_digest);
}

void accd_rows_bind_revision(sqlite3_stmt *statement, int64_t unix_ms,
                             const struct acc_revision_record *record)
{
    accd_rows_bind_text(statement, 1, record->id);
    sqlite3_bind_int64(statement, 2, record->number);
    sqlite3_bind_int64(statement, 3, unix_ms);
    sqlite3_bind_int(statement, 4, (int)record->result);
    accd_rows_bind_text(statement, 5, record->image);
    accd_rows_bind_text(statement, 6, record->image_id);
    accd_rows_bind_text(statement, 7, record->digest);
    accd_rows_bind_text(statement, 8, record->spec);
    accd_rows_bind_text(statement, 9, record->by);
    accd_rows_bind_text(statement, 10, record->text);
    sqlite3_bind_int64(statement, 11, (sqlite3_int64)record->took_ms);
    accd_rows_bind_text(statement, 12, record->what);
}

void accd_rows_text(sqlite3_stmt *statement, int i, char *out, size_t size)
{
    accd_rows_copy(out, size, (const char *)sqlite3_column_text(statement, i));
}

/* Columns as ST_REVISIONS has them. */
void accd_rows_read_revision(sqlite3_stmt *statement, struct acc_revision_record *record,
                             int64_t *ret_unix_ms)
{
    *record = (struct acc_revision_record){
        .number = (uint32_t)sqlite3_column_int64(statement, 0),
        .result = (enum acc_revision_result)sqlite3_column_int(statement, 2),
        .took_ms = (uint64_t)sqlite3_column_int64(statement, 9)};
    *ret_unix_ms = sqlite3_column_int64(statement, 1);
    accd_rows_text(statement, 3, record->image, sizeof(record->image));
    accd_rows_text(statement, 4, record->image_id, sizeof(record->image_id));
    accd_rows_text(statement, 5, record->digest, sizeof(record->digest));
    accd_rows_text(statement, 6, record->spec, sizeof(record->spec));
    accd_rows_text(statement, 7, record->by, sizeof(record->by));
    accd_rows_text(statement, 8, record->text, sizeof(record->text));
    accd_rows_text(statement, 10, record->what, sizeof(record->what));
}

bool accd_rows_is_attempt(sqlite3_stmt *statement)
{
    return sqlite3_column_int(statement, 11) != 0;
}

void accd_rows_read_service(sqlite3_stmt *statement, struct acc_service_record *record,
                            int64_t unix_ms)
{
    int64_t saved_ms = sqlite3_column_int64(statement, 59); /* 0: by an accd that didn't say */

    *record = (struct acc_service_record){0};
    accd_rows_text(statement, 0, record->id, sizeof(record->id));
    record->wanted_up = sqlite3_column_int(statement, 1);
    record->wanted_removed = sqlite3_column_int(statement, 2);
    record->held = sqlite3_column_int(statement, 3);
    accd_rows_text(statement, 4, record->asked_by, sizeof(record->asked_by));
    record->n_failures = (uint32_t)sqlite3_column_int64(statement, 5);
    record->n_restarts = (uint32_t)sqlite3_column_int64(statement, 6);
    record->n_opens = (uint32_t)sqlite3_column_int64(statement, 7);
    record->last_delay_ms = (uint64_t)sqlite3_column_int64(statement, 8);
    record->backoff_left_ms = (uint64_t)sqlite3_column_int64(statement, 9);
    record->open_left_ms = (uint64_t)sqlite3_column_int64(statement, 10);
    record->done = sqlite3_column_int(statement, 11);
    accd_rows_text(statement, 12, record->done_spec, sizeof(record->done_spec));
    accd_rows_text(statement, 13, record->applied_spec, sizeof(record->applied_spec));
    accd_rows_text(statement, 14, record->canonical, sizeof(record->canonical));
    record->own_stop_ns = sqlite3_column_int64(statement, 15);
    record->end_ns = sqlite3_column_int64(statement, 16);
    accd_rows_text(statement, 55, record->places, sizeof(record->places));
    record->ready_run_ns = sqlite3_column_int64(statement, 56);
    accd_rows_text(statement, 58, record->fail_text, sizeof(record->fail_text));
    accd_rows_text(statement, 60, record->heirs, sizeof(record->heirs));
    if (sqlite3_column_int(statement,
                           61)) { /* it was stopped for that: back in the files it is wanted */
        record->wanted_up = true;
        record->wanted_removed = false;
    }
    if (saved_ms > 0 && saved_ms < unix_ms) {
        acc_service_record_age(record, (uint64_t)(unix_ms - saved_ms));
    }
}

/* By name: another version's number may mean another step. Unknown: what is there tells (E10). */
static enum acc_rollout_step step_named(const char *name)
{
    for (int step = 0; step < ACC_ROLL_STEP_COUNT; step++) {
        if (strcmp(acc_rollout_step_name((enum acc_rollout_step)step), name) == 0) {
            return (enum acc_rollout_step)step;
        }
    }
    return ACC_ROLL_IDLE;
}

/* Columns from 17 on; all NULL for a service that has none. */
void accd_rows_read_rollout(sqlite3_stmt *statement, struct acc_service_record *record)
{
    struct acc_rollout_record *r = &record->rollout;
    char step[32];

    record->revision = (uint32_t)sqlite3_column_int64(statement, 17);
    record->last_revision = (uint32_t)sqlite3_column_int64(statement, 18);
    accd_rows_text(statement, 19, record->pin_spec, sizeof(record->pin_spec));
    accd_rows_text(statement, 20, record->pin_image, sizeof(record->pin_image));
    accd_rows_text(statement, 21, record->pin_id, sizeof(record->pin_id));
    accd_rows_text(statement, 22, record->pin_digest, sizeof(record->pin_digest));
    accd_rows_text(statement, 23, record->bad_id, sizeof(record->bad_id));
    accd_rows_text(statement, 24, step, sizeof(step));
    r->step = step_named(step);
    r->start_first = sqlite3_column_int(statement, 25);
    r->id = (uint64_t)sqlite3_column_int64(statement, 26);
    r->from = (uint32_t)sqlite3_column_int64(statement, 27);
    r->to = (uint32_t)sqlite3_column_int64(statement, 28);
    r->slot = (uint32_t)sqlite3_column_int64(statement, 29);
    accd_rows_text(statement, 30, r->image, sizeof(r->image));
    accd_rows_text(statement, 31, r->image_id, sizeof(r->image_id));
    accd_rows_text(statement, 32, r->digest, sizeof(r->digest));
    accd_rows_text(statement, 33, r->spec, sizeof(r->spec));
    accd_rows_text(statement, 34, r->by, sizeof(r->by));
    accd_rows_text(statement, 35, r->why, sizeof(r->why));
    accd_rows_text(statement, 47, record->bad_spec, sizeof(record->bad_spec));
    accd_rows_text(statement, 48, record->bad_why, sizeof(record->bad_why));
    accd_rows_text(statement, 49, record->bad_root, sizeof(record->bad_root));
    r->is_upgrade = sqlite3_column_int(statement, 50);
    r->is_change = sqlite3_column_int(statement, 51);
    accd_rows_text(statement, 52, r->what, sizeof(r->what));
    r->group = (uint64_t)sqlite3_column_int64(statement, 53);
    r->goes_back = sqlite3_column_int(statement, 54);
    r->back_to = (uint32_t)sqlite3_column_int64(statement, 57);
    record->failed.number = (uint32_t)sqlite3_column_int64(statement, 62);
    accd_rows_text(statement, 63, record->failed.image, sizeof(record->failed.image));
    accd_rows_text(statement, 64, record->failed.image_id, sizeof(record->failed.image_id));
    accd_rows_text(statement, 65, record->failed.digest, sizeof(record->failed.digest));
    accd_rows_text(statement, 66, record->failed.spec, sizeof(record->failed.spec));
    r->must_listen = sqlite3_column_int(statement, 67);
    accd_rows_text(statement, 68, record->bad_image, sizeof(record->bad_image));
}

void accd_rows_read_hold(sqlite3_stmt *statement, int at, struct acc_hold_record *record)
{
    int kind = sqlite3_column_int(statement, at);

    *record = (struct acc_hold_record){
        .kind = kind > 0 && kind < ACC_HOLD_COUNT ? (enum acc_hold)kind : ACC_HOLD_NONE,
        .left_ms = (uint64_t)sqlite3_column_int64(statement, at + 3)};
    accd_rows_text(statement, at + 1, record->by, sizeof(record->by));
    accd_rows_text(statement, at + 2, record->reason, sizeof(record->reason));
}

/* The columns behind them; NULL is 0: nothing is due. */
void accd_rows_read_hooks(sqlite3_stmt *statement, struct acc_service_record *record)
{
    record->hooks_due = sqlite3_column_int(statement, 40);
    record->hooked_ns = sqlite3_column_int64(statement, 41);
}

void accd_rows_read_auto(sqlite3_stmt *statement, struct acc_service_record *record)
{
    accd_rows_text(statement, 42, record->autos.image, sizeof(record->autos.image));
    accd_rows_text(statement, 43, record->autos.digest, sizeof(record->autos.digest));
    record->autos.since_s = sqlite3_column_int64(statement, 44);
    record->autos.looked_s = sqlite3_column_int64(statement, 45);
    accd_rows_text(statement, 46, record->autos.bad_digest, sizeof(record->autos.bad_digest));
}
