#pragma once

/*
 * The file behind the store: DIR/state.db with its statements, and the lock of the folder. Knows
 * how it is opened, and put aside when it is damaged, and nothing of what is written when.
 */

#include <sqlite3.h>

#include "daemon/out/store_limits.h"
#include "daemon/out/store_rows.h"
#include "lib/codec/status_json.h"

struct accd_state_file {
    sqlite3 *db; /* NULL: there is no place for it yet */
    sqlite3_stmt *statement[ST_COUNT];
    int lock_fd;         /* -1: none */
    char dir[4096 - 16]; /* with the names in it a path */
};

/* Blocking. 0, or -errno and `reterr_text` (ACCD_STORE_ERROR_MAX) for what only a person can mend.
 * A full disk and its like are none of that: then `db` is NULL, `reterr_text` says why, and retry()
 * may bring it. close() afterwards in any case; before it `lock_fd` is -1 and the rest 0. */
int accd_state_file_open(struct accd_state_file *file, const char *dir, char *reterr_text);
/* Once more while `db` is NULL. As above; also from another thread. */
int accd_state_file_retry(struct accd_state_file *file, char *reterr_text);
void accd_state_file_close(struct accd_state_file *file);

int64_t accd_state_file_unix_ms(void);
/* What a query of one number says; 0 when it fails. */
uint64_t accd_state_file_number(struct accd_state_file *file, const char *query);
/* accd_store_restore(), accd_store_each(), accd_store_managed() and accd_store_incidents(). */
void accd_state_file_restore(struct accd_state_file *file, struct acc_engine *engine);
void accd_state_file_each(struct accd_state_file *file, accd_on_service_fn on_service,
                          accd_on_revision_fn on_revision, void *ctx);
void accd_state_file_managed(struct accd_state_file *file,
                             void (*fn)(void *ctx, const char *stack, bool has_left), void *ctx);
size_t accd_state_file_incidents(struct accd_state_file *file,
                                 struct acc_past_incident *ret_incidents, size_t max);
