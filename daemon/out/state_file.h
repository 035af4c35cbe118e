#pragma once

/*
 * The file behind the store: DIR/state.db with its statements, and the lock of the folder. Knows
 * how it is opened, and put aside when it is damaged, and nothing of what is written when.
 */

#include <sqlite3.h>

#include "daemon/out/store_rows.h"
#include "lib/codec/status_json.h"

struct accd_state_file {
    sqlite3 *db;
    sqlite3_stmt *statement[ST_COUNT];
    int lock_fd; /* -1: none */
};

/* Blocking. 0, or -errno and `reterr_text` (ACCD_STORE_ERROR_MAX). close() afterwards in any case;
 * before it `lock_fd` is -1 and the rest 0. */
int accd_state_file_open(struct accd_state_file *file, const char *dir, char *reterr_text);
void accd_state_file_close(struct accd_state_file *file);

/* What a query of one number says; 0 when it fails. */
uint64_t accd_state_file_number(struct accd_state_file *file, const char *query);
/* accd_store_restore() and accd_store_incidents(). */
void accd_state_file_restore(struct accd_state_file *file, struct acc_engine *engine);
size_t accd_state_file_incidents(struct accd_state_file *file,
                                 struct acc_past_incident *ret_incidents, size_t max);
