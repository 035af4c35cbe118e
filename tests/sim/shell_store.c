/* The store of the twin of accd: what is written, what is synced, and what of it is lost. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "tests/sim/shell_internal.h"

/* A transaction takes about this long. */
#define SYNC_MS 20u

static void *array(size_t n, size_t size)
{
    void *p = calloc(n + 1, size);

    acc_assert(p);
    return p;
}

void world_store_init(struct world *w)
{
    size_t n = w->graph.model->n_services;
    size_t n_stacks = w->graph.model->n_stacks;
    struct world_store *s = &w->store;

    s->latest = array(n, sizeof(*s->latest));
    s->durable = array(n, sizeof(*s->durable));
    s->has_latest = array(n, 1);
    s->has_durable = array(n, 1);
    s->is_unsynced = array(n, 1);
    s->unsynced = array(n, sizeof(*s->unsynced));
    s->stack_latest = array(n_stacks, sizeof(*s->stack_latest));
    s->stack_durable = array(n_stacks, sizeof(*s->stack_durable));
    s->stack_has_latest = array(n_stacks, 1);
    s->stack_has_durable = array(n_stacks, 1);
    s->incidents_max = n + n_stacks + 2 * w->graph.model->n_conditions + 64;
    s->incident_latest = array(s->incidents_max, sizeof(*s->incident_latest));
    s->incident_durable = array(s->incidents_max, sizeof(*s->incident_durable));
    s->next_op = 1;
    w->version = array(n, sizeof(*w->version));
    for (size_t i = 0; i < n && w->options.upgrades; i++) {
        w->graph.model->services[i]->timing.upgrade_monitor = 60000;
        w->graph.model->services[i]->exclusive = i % 3 == 0 &&
                                                         !twin_has_volume(&w->twin, (uint32_t)i)
                                                     ? "its port"
                                                     : NULL;
    }
}

void world_store_fini(struct world *w)
{
    struct world_store *s = &w->store;

    free(s->latest);
    free(s->durable);
    free(s->has_latest);
    free(s->has_durable);
    free(s->is_unsynced);
    free(s->unsynced);
    free(s->stack_latest);
    free(s->stack_durable);
    free(s->stack_has_latest);
    free(s->stack_has_durable);
    free(s->revision);
    free(s->incident_latest);
    free(s->incident_durable);
    free(w->version);
    w->version = NULL;
    *s = (struct world_store){0};
}

/* Only what was saved since the last time can differ. */
static void copy_store(struct world *w, bool back)
{
    size_t n_stacks = w->graph.model->n_stacks;
    struct world_store *s = &w->store;

    if (!back && w->disk.is_full) {
        return; /* it is all still to be written */
    }
    for (size_t i = 0; i < s->n_unsynced; i++) {
        uint32_t svc = s->unsynced[i];

        if (back) {
            s->latest[svc] = s->durable[svc];
            s->has_latest[svc] = s->has_durable[svc];
        } else {
            s->durable[svc] = s->latest[svc];
            s->has_durable[svc] = s->has_latest[svc];
        }
        s->is_unsynced[svc] = false;
    }
    s->n_unsynced = 0;
    if (back) {
        memcpy(s->stack_latest, s->stack_durable, n_stacks * sizeof(*s->stack_latest));
        memcpy(s->stack_has_latest, s->stack_has_durable, n_stacks);
        s->maintenance_latest = s->maintenance_durable;
        memcpy(s->incident_latest, s->incident_durable,
               s->n_incidents_durable * sizeof(*s->incident_latest));
        s->n_incidents_latest = s->n_incidents_durable;
    } else {
        memcpy(s->stack_durable, s->stack_latest, n_stacks * sizeof(*s->stack_latest));
        memcpy(s->stack_has_durable, s->stack_has_latest, n_stacks);
        s->maintenance_durable = s->maintenance_latest;
        memcpy(s->incident_durable, s->incident_latest,
               s->n_incidents_latest * sizeof(*s->incident_durable));
        s->n_incidents_durable = s->n_incidents_latest;
    }
}

static void mark_unsynced(struct world_store *s, uint32_t svc)
{
    if (!s->is_unsynced[svc]) {
        s->is_unsynced[svc] = true;
        s->unsynced[s->n_unsynced++] = svc;
    }
}

uint32_t world_image_version(const char *image_id)
{
    const char *dash = strrchr(image_id, '-');

    return dash ? (uint32_t)strtoul(dash + 1, NULL, 10) : 0;
}

void world_store_save_revision(struct world *w, const struct acc_action *a)
{
    struct world_store *s = &w->store;
    struct acc_revision_record record;
    size_t at = 0;

    if (!acc_engine_revision(w->engine, a->svc, a->revision, w->queue.now_ms, &record)) {
        world_fail(w, "revision %u of %s is to be saved and isn't known", a->revision,
                   world_service_id(w, a->svc));
        return;
    }
    if (record.is_attempt) {
        return; /* it is for people */
    }
    if (record.result == ACC_REV_STABLE && record.by[0] &&
        world_is_bad(world_image_version(record.image_id))) {
        world_fail(w, "I11: a bad image of %s is taken for stable", world_service_id(w, a->svc));
    }
    if (record.result == ACC_REV_STABLE && record.by[0] && world_is_bad_spec(record.spec)) {
        world_fail(w, "I11: a bad configuration of %s is taken for stable",
                   world_service_id(w, a->svc));
    }
    while (at < s->n_revisions && (s->revision[at].number != record.number ||
                                   strcmp(s->revision[at].id, record.id) != 0)) {
        at++;
    }
    if (at == s->n_revisions) {
        s->revision = realloc(s->revision, (at + 1) * sizeof(*s->revision));
        acc_assert(s->revision);
        s->n_revisions++;
    }
    s->revision[at] = record;
}

static void sync_later(void *ctx, uint64_t life, uint64_t b)
{
    struct world *w = ctx;

    (void)b;
    if (w->life == life && w->engine) {
        copy_store(w, false);
        world_disk_tell(w);
    }
}

void world_store_save(struct world *w, const struct acc_action *a)
{
    struct world_store *s = &w->store;
    uint64_t now_ms = w->queue.now_ms;

    if (a->type == ACC_ACT_SAVE_MAINTENANCE) {
        acc_engine_maintenance(w->engine, now_ms, &s->maintenance_latest);
    } else if (a->type == ACC_ACT_SAVE_STACK) {
        acc_engine_stack_record(w->engine, a->svc, &s->stack_latest[a->svc]);
        s->stack_has_latest[a->svc] = true;
    } else {
        acc_engine_service_record(w->engine, world_leave_at(w, a->svc), now_ms, &s->latest[a->svc]);
        s->has_latest[a->svc] = true;
        mark_unsynced(s, a->svc);
        if (strcmp(s->latest[a->svc].id, world_service_id(w, a->svc)) != 0) {
            world_fail(w, "the record of %s says it is of %s", world_service_id(w, a->svc),
                       s->latest[a->svc].id);
        }
    }
    sim_queue_in(&w->queue, SYNC_MS, sync_later, w, w->life, 0);
}

void world_store_incident(struct world *w, const struct acc_action *a)
{
    struct world_store *s = &w->store;
    struct acc_incident_record record;
    size_t n = 0;

    for (size_t i = 0; i < s->n_incidents_latest; i++) {
        if (s->incident_latest[i].record.id != a->incident.id) {
            s->incident_latest[n++] = s->incident_latest[i];
        }
    }
    s->n_incidents_latest = n;
    s->next_op = a->incident.id >= s->next_op ? a->incident.id + 1 : s->next_op;
    if (acc_engine_incident_record(w->engine, a->incident.id, w->queue.now_ms, &record)) {
        acc_assert(n < s->incidents_max);
        s->incident_latest[s->n_incidents_latest++] = (struct world_incident){
            record, w->queue.now_ms - record.age_ms};
    }
    sim_queue_in(&w->queue, SYNC_MS, sync_later, w, w->life, 0);
}

/* With each list accd tries again what it could not save. */
void world_store_retry(struct world *w)
{
    if (w->disk.is_told) {
        sim_queue_in(&w->queue, SYNC_MS, sync_later, w, w->life, 0);
    }
}

/* What isn't taken has no root any more, and is filed as over, as accd does. */
static void restore_incidents(struct world *w)
{
    struct world_store *s = &w->store;
    size_t n = 0;

    for (size_t i = 0; i < s->n_incidents_latest; i++) {
        struct acc_incident_record record = s->incident_latest[i].record;

        record.age_ms = w->queue.now_ms - s->incident_latest[i].since_ms;
        if (acc_engine_restore_incident(w->engine, &record)) {
            s->incident_latest[n++] = s->incident_latest[i];
        }
    }
    s->n_incidents_latest = n;
}

void world_store_restore(struct world *w)
{
    struct world_store *s = &w->store;

    acc_engine_restore_maintenance(w->engine, &s->maintenance_latest);
    for (size_t i = 0; i < w->graph.model->n_services; i++) {
        struct acc_service_record record = s->latest[i];

        if (!s->has_latest[i]) {
            continue;
        }
        acc_service_record_age(&record, w->queue.now_ms - record.saved_ms);
        if (!acc_engine_restore_service(w->engine, &record)) {
            world_fail(w, "the saved record of %s was not taken", world_service_id(w, (uint32_t)i));
        }
    }
    restore_incidents(w);
    for (size_t i = 0; i < s->n_revisions; i++) {
        if (s->revision[i].result == ACC_REV_STABLE) {
            (void)acc_engine_restore_revision(w->engine, &s->revision[i]);
        }
    }
    for (size_t i = 0; i < w->graph.model->n_stacks; i++) {
        if (s->stack_has_latest[i] && !acc_engine_restore_stack(w->engine, &s->stack_latest[i])) {
            world_fail(w, "the saved record of stack %zu was not taken", i);
        }
    }
}

/* accd died: all of it is gone, or only the last moments. */
void world_store_lose(struct world *w, bool all)
{
    struct world_store *s = &w->store;

    if (all) {
        memset(s->has_durable, 0, w->graph.model->n_services);
        memset(s->has_latest, 0, w->graph.model->n_services);
        memset(s->stack_has_durable, 0, w->graph.model->n_stacks);
        s->maintenance_durable = (struct acc_hold_record){.kind = ACC_HOLD_NONE};
        w->store_was_lost = true;
        s->n_revisions = 0;
        s->n_incidents_durable = s->n_incidents_latest = 0;
    }
    copy_store(w, true);
}

void world_store_sync(struct world *w)
{
    copy_store(w, false);
}
