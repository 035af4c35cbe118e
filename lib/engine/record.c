/* What survives accd. */

#include <stdio.h>
#include <string.h>

#include "lib/engine/parts.h"

static void copy(char *to, size_t size, const char *from)
{
    (void)snprintf(to, size, "%s", from); /* both sides have the same limits */
}

void acc_engine_service_record(const struct acc_engine *engine, uint32_t svc, uint64_t now_ms,
                               struct acc_service_record *ret_record)
{
    const struct service *s = &engine->services[svc];
    struct acc_service_record *r = ret_record;

    *r = (struct acc_service_record){
        .wanted_up = s->wanted_up,
        .wanted_removed = s->wanted_removed,
        .held = s->held,
        .n_failures = s->n_failures,
        .n_restarts = s->n_restarts,
        .n_opens = s->n_opens,
        .last_delay_ms = s->last_delay_ms,
        .backoff_left_ms = s->backoff_until_ms > now_ms ? s->backoff_until_ms - now_ms : 0,
        .open_left_ms = s->open_until_ms > now_ms ? s->open_until_ms - now_ms : 0,
        .done = s->done,
    };
    for (uint32_t i = 0; i < s->n_inst; i++) {
        r->stopping |= s->inst[i].stop_was_ours && s->wanted_up;
    }
    copy(r->id, sizeof(r->id), s->id);
    copy(r->asked_by, sizeof(r->asked_by), s->asked_by);
    copy(r->done_spec, sizeof(r->done_spec), s->done_spec);
    copy(r->applied_spec, sizeof(r->applied_spec), s->applied_spec);
    copy(r->canonical, sizeof(r->canonical), s->canonical);
}

void acc_engine_stack_record(const struct acc_engine *engine, uint32_t stack,
                             struct acc_stack_record *ret_record)
{
    *ret_record = (struct acc_stack_record){.observing = engine->stacks[stack].observing};
    copy(ret_record->name, sizeof(ret_record->name), engine->stacks[stack].name);
}

bool acc_engine_restore_service(struct acc_engine *engine, const struct acc_service_record *record)
{
    for (size_t i = 0; i < engine->n_services; i++) {
        struct service *s = &engine->services[i];

        if (strcmp(s->id, record->id) != 0) {
            continue;
        }
        s->is_new = false;
        s->wanted_up = record->wanted_up;
        s->wanted_removed = record->wanted_removed;
        s->held = record->held;
        s->n_failures = record->n_failures;
        s->n_restarts = record->n_restarts;
        s->n_opens = record->n_opens;
        s->last_delay_ms = record->last_delay_ms;
        /* "left" until the first step tells the time */
        s->backoff_until_ms = record->backoff_left_ms;
        s->open_until_ms = record->open_left_ms;
        s->done = record->done;
        for (uint32_t k = 0; k < s->n_inst && record->stopping; k++) {
            s->inst[k].stop_was_ours = true;
        }
        copy(s->asked_by, sizeof(s->asked_by), record->asked_by);
        copy(s->done_spec, sizeof(s->done_spec), record->done_spec);
        copy(s->applied_spec, sizeof(s->applied_spec), record->applied_spec);
        copy(s->canonical, sizeof(s->canonical), record->canonical);
        return true;
    }
    return false;
}

void acc_eng_restored_times(struct acc_engine *e)
{
    for (size_t i = 0; i < e->n_services; i++) {
        struct service *s = &e->services[i];

        s->since_ms = e->now_ms;
        s->backoff_until_ms += s->backoff_until_ms ? e->now_ms : 0;
        s->open_until_ms += s->open_until_ms ? e->now_ms : 0;
    }
}

bool acc_engine_restore_stack(struct acc_engine *engine, const struct acc_stack_record *record)
{
    for (size_t i = 0; i < engine->n_stacks; i++) {
        if (strcmp(engine->stacks[i].name, record->name) == 0) {
            engine->stacks[i].observing = record->observing;
            engine->stacks[i].known = true;
            return true;
        }
    }
    return false;
}
