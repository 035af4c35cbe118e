#pragma once

/*
 * Store: what survives accd, in one SQLite file (WAL, synchronous=FULL).
 *
 * One worker at a time, a FIFO: everything that was queued while a transaction ran goes into the
 * next one, so a burst of records costs one fsync. The loop never waits for it; effects that depend
 * on a record are released by accd_store_when_durable(). When a transaction fails (disk full) that
 * is logged once and the effects are released all the same: names and labels on the containers are
 * enough to recover, and healing must go on. Each further transaction is a new try, also of opening
 * the file; nothing polls. Revisions wait for it; when one has come through, on_recovered() has all
 * else saved that was lost.
 *
 * A file that can't be read is moved aside and a new one begun: losing it is safe, refusing to
 * start isn't.
 */

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "daemon/out/store_limits.h"
#include "lib/codec/status_json.h"
#include "lib/engine/engine.h"

struct accd_store;

/* Opens or makes DIR/state.db. Blocking; only at start. 0 and `*ret_store`, also without a file
 * where the disk has no room for one (accd_store_trouble() says so); -EBUSY when another
 * accd uses the folder; else -errno. On failure `reterr_text` (ACCD_STORE_ERROR_MAX bytes) says
 * what and where. */
int accd_store_open(uv_loop_t *loop, const char *dir, struct accd_store **ret_store,
                    char *reterr_text);
/* Waits for what is queued (blocking; only at exit). NULL is allowed; returns NULL. */
struct accd_store *accd_store_close(struct accd_store *store);

/* Give everything that was saved back to the engine, before its first step. */
void accd_store_restore(struct accd_store *store, struct acc_engine *engine);
/* All that it would give back, of services that are in the files or not. Blocking; only at start.
 */
void accd_store_each(struct accd_store *store, accd_on_service_fn on_service,
                     accd_on_revision_fn on_revision, void *ctx);
/* `fn` for each stack that accd managed when it last heard of it, in the files or not. */
void accd_store_managed(struct accd_store *store,
                        void (*fn)(void *ctx, const char *stack, bool has_left), void *ctx);
/* Why what was queued last couldn't be written; NULL: it could. Valid until the loop runs on. */
const char *accd_store_trouble(const struct accd_store *store);
/* `fn(ctx)` when it can again: what was queued meanwhile is lost but for revisions, so all else is
 * to be queued anew. */
void accd_store_on_recovered(struct accd_store *store, void (*fn)(void *ctx), void *ctx);
/* `fn(ctx, is_saved)` each time that it begins to fail, or no longer does. */
void accd_store_on_turn(struct accd_store *store, void (*fn)(void *ctx, bool is_saved), void *ctx);
/* Above every operation ever journaled, and above every incident. */
uint64_t accd_store_next_op(const struct accd_store *store);
/* Operations that had not ended when accd died: what they were, for the log. */
size_t accd_store_n_unfinished(const struct accd_store *store);

void accd_store_journal(struct accd_store *store, int64_t unix_ms, const char *service,
                        const struct acc_action *action);
void accd_store_journal_end(struct accd_store *store, int64_t unix_ms,
                            const struct acc_action *action);
void accd_store_save_service(struct accd_store *store, const struct acc_service_record *record);
/* `unix_ms`: now. One that is known already keeps its first time. */
void accd_store_save_revision(struct accd_store *store, int64_t unix_ms,
                              const struct acc_revision_record *record);
void accd_store_save_maintenance(struct accd_store *store, const struct acc_hold_record *record);
void accd_store_save_stack(struct accd_store *store, const struct acc_stack_record *record);
/* `service` is "" for none. */
void accd_store_note(struct accd_store *store, int64_t unix_ms, enum acc_note_kind kind,
                     const char *service, const char *text);
/* One that is open, since then: each time that it was opened or notified. */
void accd_store_opened(struct accd_store *store, int64_t opened_unix_ms,
                       const struct acc_incident_record *record);
/* One that is over. */
void accd_store_incident(struct accd_store *store, const struct acc_past_incident *incident);
/* The last ones, newest first; how many. Blocking; only at start. */
size_t accd_store_incidents(struct accd_store *store, struct acc_past_incident *ret_incidents,
                            size_t max);

/* Between the two calls the worker isn't started by a record, only by who waits for one: so what a
 * step saves is one transaction, not its first record and then the others. */
void accd_store_gather(struct accd_store *store, bool is_on);
/* `then(arg)` once everything queued so far is durable, at once when nothing is. */
void accd_store_when_durable(void *store, void (*then)(void *arg), void *arg);

struct accd_history_row {
    uint64_t id;
    int64_t unix_ms;
    enum acc_note_kind kind;
    const char *service, *text; /* borrowed for the call */
};
/* The last `limit` rows (of one service when not NULL), oldest first, then `done`. Asynchronous. */
void accd_store_history(struct accd_store *store, const char *service, uint32_t limit,
                        void (*on_row)(void *ctx, const struct accd_history_row *row),
                        void (*done)(void *ctx), void *ctx);

/* The revisions of a service, newest first, then `done`. Asynchronous. */
void accd_store_revisions(struct accd_store *store, const char *service,
                          void (*on_row)(void *ctx, int64_t unix_ms,
                                         const struct acc_revision_record *record),
                          void (*done)(void *ctx), void *ctx);
