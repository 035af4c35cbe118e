#include "daemon/out/telling.h"

#include <stdlib.h>
#include <time.h>

#include "daemon/log.h"
#include "lib/base/str.h"
#include "lib/model/condition.h"

int64_t accd_unix_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t accd_unix_ms_at(uv_loop_t *loop, uint64_t mono_ms)
{
    return accd_unix_ms() - ((int64_t)uv_now(loop) - (int64_t)mono_ms);
}

static const char *id_of(const struct accd_telling *telling, uint32_t svc,
                         struct acc_service_view *view)
{
    if (svc == ACC_NONE || svc >= acc_engine_n_services(telling->engine)) {
        return "";
    }
    acc_engine_service(telling->engine, svc, uv_now(telling->loop), view);
    return view->id;
}

void accd_telling_journal(void *ctx, const struct acc_action *action)
{
    struct accd_telling *telling = ctx;
    struct acc_service_view view;

    if (action->type == ACC_ACT_JOURNAL) {
        accd_store_journal(telling->store, accd_unix_ms(), id_of(telling, action->svc, &view),
                           action);
    } else {
        accd_store_journal_end(telling->store, accd_unix_ms(), action);
    }
}

/* What was there before anybody asked for it has run for as long as its container has. */
static int64_t began_unix_ms(const struct accd_telling *telling, uint32_t svc,
                             const struct acc_revision_record *revision)
{
    struct acc_service_view service;
    int64_t began_ms = accd_unix_ms();

    if (revision->by[0] || revision->is_attempt) {
        return began_ms;
    }
    acc_engine_service(telling->engine, svc, uv_now(telling->loop), &service);
    for (uint32_t i = 0; i < service.n_instances; i++) {
        struct acc_instance_view view;

        acc_engine_instance(telling->engine, svc, i, &view);
        if (view.cid[0] && !view.is_beside && view.started_ns > 0 &&
            view.started_ns / 1000000 < began_ms) {
            began_ms = view.started_ns / 1000000;
        }
    }
    return began_ms;
}

void accd_telling_save(void *ctx, const struct acc_action *action)
{
    struct accd_telling *telling = ctx;
    struct acc_service_record service;
    struct acc_stack_record stack;
    struct acc_revision_record revision;
    struct acc_hold_record hold;

    if (action->type == ACC_ACT_SAVE_SERVICE) {
        acc_engine_service_record(telling->engine, action->svc, uv_now(telling->loop), &service);
        accd_store_save_service(telling->store, &service);
    } else if (action->type == ACC_ACT_SAVE_REVISION) {
        if (acc_engine_revision(telling->engine, action->svc, action->revision,
                                uv_now(telling->loop), &revision)) {
            accd_store_save_revision(telling->store, began_unix_ms(telling, action->svc, &revision),
                                     &revision);
        }
    } else if (action->type == ACC_ACT_SAVE_MAINTENANCE) {
        acc_engine_maintenance(telling->engine, uv_now(telling->loop), &hold);
        accd_store_save_maintenance(telling->store, &hold);
    } else {
        acc_engine_stack_record(telling->engine, action->svc, &stack);
        accd_store_save_stack(telling->store, &stack);
    }
}

static void save_opened(struct accd_telling *telling, uint64_t id)
{
    struct acc_incident_record record;

    if (acc_engine_incident_record(telling->engine, id, uv_now(telling->loop), &record)) {
        accd_store_opened(telling->store, accd_unix_ms() - (int64_t)record.age_ms, &record);
    }
}

static void save_incident(struct accd_telling *telling, const struct acc_incident_view *incident)
{
    struct acc_past_incident past = {
        .id = incident->id,
        .opened_unix_ms = accd_unix_ms_at(telling->loop, incident->since_ms),
        .closed_unix_ms = accd_unix_ms_at(telling->loop, incident->closed_ms),
        .n_peak = incident->n_peak,
    };

    (void)snprintf(past.root, sizeof(past.root), "%s", incident->root);
    (void)snprintf(past.cause, sizeof(past.cause), "%s", incident->cause);
    accd_store_incident(telling->store, &past);
}

static void save_incidents(struct accd_telling *telling)
{
    struct acc_incident_view view;

    for (size_t k = 0; acc_engine_incident_at(telling->engine, k, &view); k++) {
        if (view.open) {
            save_opened(telling, view.id);
        } else {
            save_incident(telling, &view);
        }
    }
}

void accd_telling_save_all(void *ctx)
{
    struct accd_telling *telling = ctx;
    struct acc_action action = {.type = ACC_ACT_SAVE_STACK};

    for (action.svc = 0; action.svc < acc_engine_n_stacks(telling->engine); action.svc++) {
        accd_telling_save(telling, &action);
    }
    action.type = ACC_ACT_SAVE_SERVICE;
    for (action.svc = 0; action.svc < acc_engine_n_services(telling->engine); action.svc++) {
        accd_telling_save(telling, &action);
    }
    action.type = ACC_ACT_SAVE_MAINTENANCE;
    accd_telling_save(telling, &action);
    save_incidents(telling);
}

static enum accd_log_level level_of(enum acc_note_kind kind)
{
    switch (kind) {
    case ACC_NOTE_STATE:
    case ACC_NOTE_OPERATOR:
        return ACCD_LOG_NOTICE;
    case ACC_NOTE_ENGINE:
        return ACCD_LOG_WARNING;
    case ACC_NOTE_OBSERVED:
    case ACC_NOTE_DECISION:
    case ACC_NOTE_WOULD:
    case ACC_NOTE_INCIDENT: /* those that last are told as errors besides */
        return ACCD_LOG_INFO;
    }
    return ACCD_LOG_INFO;
}

void accd_telling_note(void *ctx, const struct acc_action *action)
{
    struct accd_telling *telling = ctx;
    struct acc_service_view view;
    const char *service = id_of(telling, action->svc, &view);
    int64_t now_ms = accd_unix_ms();

    if (*service) {
        accd_log_service(level_of(action->note.kind), service, 0, "%s", action->note.text);
    } else {
        accd_log(level_of(action->note.kind), "%s", action->note.text);
    }
    accd_store_note(telling->store, now_ms, action->note.kind, service, action->note.text);
    if (telling->on_note) {
        telling->on_note(telling->ctx, now_ms, action->note.kind, service, action->note.text);
    }
}

/* The hooks get names, the engine has indexes. */
static void tell_hooks(struct accd_telling *telling, const struct acc_incident_view *incident,
                       bool is_open)
{
    const char **impact = calloc(incident->n_impact + 1, sizeof(*impact));
    struct acc_service_view view;

    if (!impact) {
        accd_log(ACCD_LOG_ERROR, "on_incident: out of memory");
        return;
    }
    for (size_t i = 0; i < incident->n_impact; i++) {
        impact[i] = id_of(telling, incident->impact[i], &view);
    }
    struct accd_incident told = {
        .id = incident->id,
        .is_open = is_open,
        .root = incident->root,
        .cause = incident->cause,
        .since_unix_ms = accd_unix_ms_at(telling->loop, incident->since_ms),
        .impact = impact,
        .n_impact = incident->n_impact,
    };

    accd_hooks_tell(telling->hooks, &told);
    free(impact);
}

void accd_telling_incident(void *ctx, const struct acc_action *action)
{
    struct accd_telling *telling = ctx;
    struct acc_incident_view incident;

    if (!acc_engine_incident(telling->engine, action->incident.id, &incident)) {
        return; /* so old that it was dropped from the table */
    }
    switch (action->incident.phase) {
    case ACC_INCIDENT_OPENED:
        save_opened(telling, incident.id);
        break; /* most heal before anybody needs to know */
    case ACC_INCIDENT_NOTIFY:
        save_opened(telling, incident.id);
        accd_log_service(ACCD_LOG_ERROR, incident.root, incident.id,
                         "incident %llu: %s; %u %s%s suffer%s", (unsigned long long)incident.id,
                         incident.cause, (unsigned)incident.n_suffer,
                         acc_root_sufferer(incident.root), acc_plural(incident.n_suffer),
                         incident.n_suffer == 1 ? "s" : "");
        tell_hooks(telling, &incident, true);
        break;
    case ACC_INCIDENT_CLOSED:
        save_incident(telling, &incident);
        if (incident.notified) {
            accd_log_service(ACCD_LOG_NOTICE, incident.root, incident.id, "incident %llu is over",
                             (unsigned long long)incident.id);
            tell_hooks(telling, &incident, false);
        }
        break;
    }
    if (telling->on_incident) {
        telling->on_incident(telling->ctx, action->incident.id, action->incident.phase);
    }
}
