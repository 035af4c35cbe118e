/*
 * What survives accd: services and stacks as records, and back.
 */

#include <string.h>

#include "lib/engine/internal.h"

static uint64_t left(uint64_t at_ms, uint64_t now_ms)
{
    return at_ms > now_ms ? at_ms - now_ms : 0;
}

void acc_engine_service_record(const struct acc_engine *engine, uint32_t svc, uint64_t now_ms,
                               struct acc_service_record *ret_record)
{
    const struct service *s = &engine->services[svc];

    acc_assert(svc < engine->n_services);
    *ret_record = (struct acc_service_record){
        .wanted_up = s->wanted_up,
        .wanted_removed = s->wanted_removed,
        .held = s->held,
        .n_failures = s->n_failures,
        .n_restarts = s->n_restarts,
        .n_opens = s->n_opens,
        .last_delay_ms = s->last_delay_ms,
        .backoff_left_ms = engine->stepped ? left(s->backoff_ms, now_ms) : s->backoff_left_ms,
        .open_left_ms = !engine->stepped               ? s->open_left_ms
                        : s->breaker == BREAKER_CLOSED ? 0
                        : s->breaker == BREAKER_OPEN   ? left(s->open_ms, now_ms) + 1
                                                       : 1, /* a trial: it comes at once */
        .done = s->done,
        .own_stop_ns = s->own_stop_ns,
        .end_ns = s->end_ns,
        .hooks_due = s->hooks_due,
        .hooked_ns = s->hooked_ns,
        .ready_run_ns = s->ready_run_ns,
        .revision = s->rev,
        .last_revision = s->last_rev,
        .saved_ms = now_ms,
    };
    acc_copy(ret_record->fail_text, sizeof(ret_record->fail_text), s->fail_text);
    acc_copy(ret_record->id, sizeof(ret_record->id), s->id);
    acc_copy(ret_record->asked_by, sizeof(ret_record->asked_by), s->asked_by);
    acc_copy(ret_record->done_spec, sizeof(ret_record->done_spec), s->done_spec);
    acc_copy(ret_record->applied_spec, sizeof(ret_record->applied_spec), s->applied);
    acc_copy(ret_record->canonical, sizeof(ret_record->canonical), s->canonical);
    memcpy(ret_record->heirs, s->heirs, sizeof(s->heirs));
    memcpy(ret_record->pin_spec, s->pin_spec, sizeof(s->pin_spec));
    memcpy(ret_record->pin_image, s->pin_image, sizeof(s->pin_image));
    memcpy(ret_record->pin_id, s->pin_id, sizeof(s->pin_id));
    memcpy(ret_record->pin_digest, s->pin_digest, sizeof(s->pin_digest));
    memcpy(ret_record->bad_id, s->bad_id, sizeof(s->bad_id));
    memcpy(ret_record->bad_image, s->bad_image, sizeof(s->bad_image));
    memcpy(ret_record->bad_spec, s->bad_spec, sizeof(s->bad_spec));
    memcpy(ret_record->bad_why, s->bad_why, sizeof(s->bad_why));
    memcpy(ret_record->bad_root, s->bad_root, sizeof(s->bad_root));
    ret_record->failed.number = s->failed.number;
    memcpy(ret_record->failed.image, s->failed.image, sizeof(s->failed.image));
    memcpy(ret_record->failed.image_id, s->failed.image_id, sizeof(s->failed.image_id));
    memcpy(ret_record->failed.digest, s->failed.digest, sizeof(s->failed.digest));
    memcpy(ret_record->failed.spec, s->failed.spec, sizeof(s->failed.spec));
    if (acc_rollout_active(s)) {
        ret_record->rollout = s->roll.is;
    }
    acc_hold_record(engine, &s->hold, now_ms, &ret_record->hold);
    ret_record->autos = s->autos.is;
    acc_places_put(engine, s, ret_record->places);
}

void acc_service_record_age(struct acc_service_record *record, uint64_t elapsed_ms)
{
    record->backoff_left_ms = left(record->backoff_left_ms, elapsed_ms);
    if (record->open_left_ms) { /* over or not: 0 would be no breaker at all */
        record->open_left_ms = left(record->open_left_ms, elapsed_ms + 1) + 1;
    }
}

void acc_engine_stack_record(const struct acc_engine *engine, uint32_t stack,
                             struct acc_stack_record *ret_record)
{
    acc_assert(stack < engine->n_stacks);
    *ret_record = (struct acc_stack_record){
        .observing = engine->stacks[stack].contact == CONTACT_OBSERVING,
        .has_left = acc_contact_has_left(engine, stack),
    };
    acc_copy(ret_record->name, sizeof(ret_record->name), engine->stacks[stack].name);
}

static uint32_t find_id(const struct acc_engine *e, const char *id)
{
    uint32_t pos = UINT32_MAX;

    for (uint32_t v; (v = acc_index_next(&e->by_id, acc_hash_text(id), &pos)) != ACC_NONE;) {
        if (strcmp(e->services[v].id, id) == 0) {
            return v;
        }
    }
    return ACC_NONE;
}

bool acc_restore_may(const struct acc_engine *e, const struct service *s)
{
    return !e->stepped || (e->stacks[s->stack].contact == CONTACT_UNKNOWN && !s->removed);
}

static void give_clock(struct acc_engine *e, struct service *s)
{
    if (acc_rollout_active(s)) {  /* its step begins anew */
        s->roll.is_marked = true; /* nobody knows */
        s->roll.is_anew = s->roll.is.step == ACC_ROLL_WATCH;
        s->roll.begun_ms = s->roll.since_ms = s->roll.seen_ms = e->now;
        s->roll.deadline_ms = e->now + (s->roll.is.step == ACC_ROLL_WATCH
                                            ? s->timing.upgrade_monitor
                                            : s->timing.upgrade_timeout);
    }
    if (s->backoff_left_ms) {
        s->backoff_ms = e->now + s->backoff_left_ms;
    }
    if (s->open_left_ms) {
        s->breaker = BREAKER_OPEN;
        s->open_ms = e->now + s->open_left_ms;
    }
    s->backoff_left_ms = s->open_left_ms = 0;
    acc_hold_restore_finish(e, &s->hold);
}

bool acc_engine_restore_service(struct acc_engine *engine, const struct acc_service_record *record)
{
    uint32_t v = find_id(engine, record->id);
    struct service *s;

    if (v == ACC_NONE || !acc_restore_may(engine, &engine->services[v])) {
        return false;
    }
    s = &engine->services[v];
    s->restored = true;
    s->wanted_up = record->wanted_up;
    s->wanted_removed = record->wanted_removed;
    s->held = record->held;
    s->n_failures = record->n_failures;
    s->n_restarts = record->n_restarts;
    s->n_opens = record->n_opens;
    s->last_delay_ms = s->exit_delay_ms = record->last_delay_ms;
    s->backoff_left_ms = record->backoff_left_ms;
    s->open_left_ms = record->open_left_ms;
    s->done = record->done;
    s->own_stop_ns = record->own_stop_ns;
    s->end_ns = record->end_ns;
    s->hooks_due = record->hooks_due;
    s->hooked_ns = record->hooked_ns;
    s->ready_run_ns = record->ready_run_ns;
    s->delay_class = FAIL_EXIT;
    acc_copy(s->asked_by, sizeof(s->asked_by), record->asked_by);
    if (!s->removed && !s->wanted_up && strcmp(s->asked_by, ACC_LEFT_FILE) == 0) {
        s->wanted_up = true; /* as when it comes back under an accd that runs */
        s->wanted_removed = false;
        s->asked_by[0] = '\0';
    }
    acc_copy(s->done_spec, sizeof(s->done_spec), record->done_spec);
    acc_copy(s->applied, sizeof(s->applied), record->applied_spec);
    acc_copy(s->canonical, sizeof(s->canonical), record->canonical);
    memcpy(s->heirs, record->heirs, sizeof(s->heirs));
    acc_copy(s->fail_text, sizeof(s->fail_text), record->fail_text);
    s->rev = record->revision;
    s->last_rev = record->last_revision;
    acc_copy(s->pin_spec, sizeof(s->pin_spec), record->pin_spec);
    acc_copy(s->pin_image, sizeof(s->pin_image), record->pin_image);
    acc_copy(s->pin_id, sizeof(s->pin_id), record->pin_id);
    acc_copy(s->pin_digest, sizeof(s->pin_digest), record->pin_digest);
    acc_copy(s->bad_id, sizeof(s->bad_id), record->bad_id);
    acc_copy(s->bad_image, sizeof(s->bad_image), record->bad_image);
    acc_copy(s->bad_spec, sizeof(s->bad_spec), record->bad_spec);
    acc_copy(s->bad_why, sizeof(s->bad_why), record->bad_why);
    acc_copy(s->bad_root, sizeof(s->bad_root), record->bad_root);
    s->failed.number = record->failed.number;
    acc_copy(s->failed.image, sizeof(s->failed.image), record->failed.image);
    acc_copy(s->failed.image_id, sizeof(s->failed.image_id), record->failed.image_id);
    acc_copy(s->failed.digest, sizeof(s->failed.digest), record->failed.digest);
    acc_copy(s->failed.spec, sizeof(s->failed.spec), record->failed.spec);
    s->roll.is = record->rollout;
    s->hold = (struct hold){.is = record->hold};
    s->autos.is = record->autos;
    acc_places_restore(engine, s, record->places);
    if (engine->stepped) {
        give_clock(engine, s);
    }
    return true;
}

bool acc_engine_restore_stack(struct acc_engine *engine, const struct acc_stack_record *record)
{
    uint32_t at = acc_engine_find_stack(engine, record->name);

    if (at == ACC_NONE) {
        return false;
    }
    if (!engine->stepped) {
        engine->stacks[at].contact = record->observing ? CONTACT_OBSERVING : CONTACT_MANAGING;
    } else if (engine->stacks[at].contact == CONTACT_UNKNOWN && !record->observing) {
        engine->stacks[at].is_returned = true; /* when its containers are known */
    }
    return true;
}

bool acc_engine_incident_record(const struct acc_engine *engine, uint64_t id, uint64_t now_ms,
                                struct acc_incident_record *ret_record)
{
    for (uint32_t k = 0; k < engine->n_places; k++) {
        const struct incident *incident = &engine->incidents[k];

        if (incident->id == id && incident->open) {
            *ret_record = (struct acc_incident_record){.id = id,
                                                       .age_ms = now_ms - incident->since_ms,
                                                       .notified = incident->notified,
                                                       .n_peak = incident->n_peak};
            acc_copy(ret_record->root, sizeof(ret_record->root), incident->root_id);
            acc_copy(ret_record->cause, sizeof(ret_record->cause), incident->cause);
            return true;
        }
    }
    return false;
}

/* Where the open incident of a root is noted; NULL: there is no such root. */
static uint32_t *incident_of(struct acc_engine *e, const char *root_id, uint32_t *ret_root)
{
    uint32_t v = find_id(e, root_id);

    if (v != ACC_NONE) {
        *ret_root = v;
        return &e->services[v].incident;
    }
    if (strcmp(root_id, "engine") == 0) {
        *ret_root = ACC_ROOT_ENGINE;
        return &e->engine_incident;
    }
    return NULL;
}

bool acc_engine_restore_incident(struct acc_engine *engine,
                                 const struct acc_incident_record *record)
{
    uint32_t root = ACC_NONE;
    uint32_t *at = incident_of(engine, record->root, &root);
    struct incident *incident;

    acc_assert(!engine->stepped);
    if (engine->next_op <= record->id) {
        engine->next_op = record->id + 1;
    }
    if (!at || *at != ACC_NONE || engine->n_places == engine->n_incidents) {
        return false;
    }
    *at = engine->n_places++;
    incident = &engine->incidents[*at];
    *incident = (struct incident){.id = record->id,
                                  .root = root,
                                  .since_ms = record->age_ms, /* until the clock is known */
                                  .used = true,
                                  .open = true,
                                  .notified = record->notified,
                                  .n_peak = record->n_peak,
                                  .first_victim = ACC_NONE};
    acc_copy(incident->root_id, sizeof(incident->root_id), record->root);
    acc_copy(incident->cause, sizeof(incident->cause), record->cause);
    acc_copy(incident->first_cause, sizeof(incident->first_cause), record->cause);
    return true;
}

/* Stacks that were taken down as a whole: their networks may have outlived accd. To ask for what is
 * gone already is harmless. */
static void resume_cleanups(struct acc_engine *e)
{
    for (uint32_t v = 0; v < e->n_services; v++) {
        e->stacks[e->services[v].stack].drop_networks = true;
    }
    for (uint32_t v = 0; v < e->n_services; v++) {
        const struct service *s = &e->services[v];

        if (s->wanted_up || !s->restored || !s->wanted_removed) {
            e->stacks[s->stack].drop_networks = false;
        }
    }
    for (uint32_t k = 0; k < e->n_stacks; k++) {
        e->n_cleanups += e->stacks[k].drop_networks;
    }
}

void acc_restore_finish(struct acc_engine *e)
{
    resume_cleanups(e);
    acc_hold_restore_finish(e, &e->maintenance);
    for (uint32_t k = 0; k < e->n_places; k++) {
        /* may lie before the clock's beginning: then the difference is right all the same */
        e->incidents[k].since_ms = e->now - e->incidents[k].since_ms;
    }
    for (uint32_t v = 0; v < e->n_services; v++) {
        give_clock(e, &e->services[v]);
    }
}
