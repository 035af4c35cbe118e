#pragma once

/*
 * Telling: the engine's records, notes and incidents to the state database, the log, the hooks and
 * whoever follows along.
 *
 * Executors of JOURNAL, JOURNAL_END, SAVE_SERVICE, SAVE_STACK, NOTE and INCIDENT.
 */

#include "daemon/out/incident_hook.h"
#include "daemon/out/store.h"
#include "lib/engine/engine.h"

struct accd_telling {
    uv_loop_t *loop;
    struct acc_engine *engine; /* borrowed, as all here */
    struct accd_store *store;
    struct accd_hooks *hooks;
    /* The control socket's followers; may be NULL. `service` is "" for none. */
    void (*on_note)(void *ctx, int64_t unix_ms, enum acc_note_kind kind, const char *service,
                    const char *text);
    void (*on_incident)(void *ctx, uint64_t incident, enum acc_incident_phase phase);
    void *ctx;
};

/* The wall clock, and the wall clock of a moment of the loop's monotonic one. */
int64_t accd_unix_ms(void);
int64_t accd_unix_ms_at(uv_loop_t *loop, uint64_t mono_ms);

void accd_telling_journal(void *telling, const struct acc_action *action);
void accd_telling_save(void *telling, const struct acc_action *action);
/* All that SAVE_... would save: for a store that has lost it. */
void accd_telling_save_all(void *telling);
void accd_telling_note(void *telling, const struct acc_action *action);
void accd_telling_incident(void *telling, const struct acc_action *action);
