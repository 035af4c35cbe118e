/*
 * The step: takes the event in, lets every service that it touched look at itself, and asks for
 * what follows. The loop at the end of this file is the whole schedule: facts first, always in the
 * order of dependencies, then one service's wishes at a time.
 */

#include "lib/engine/engine.h"

#include <string.h>

#include "lib/engine/internal.h"

/* --- marking ------------------------------------------------------------------------------- */

void acc_mark(struct acc_engine *e, struct service *s)
{
    acc_bits_set(&e->dirty, s->pos);
}

void acc_mark_dependents(struct acc_engine *e, struct service *s)
{
    for (uint32_t k = 0; k < s->n_in; k++) {
        acc_mark(e, &e->services[e->edges[e->in[s->first_in + k]].from]);
    }
}

void acc_mark_neighbours(struct acc_engine *e, struct service *s)
{
    acc_mark_dependents(e, s);
    acc_each_out (e, s, edge) {
        acc_mark(e, &e->services[edge->to]);
    }
}

void acc_mark_around(struct acc_engine *e, struct service *s)
{
    acc_mark(e, s);
    acc_mark_neighbours(e, s);
}

void acc_mark_all(struct acc_engine *e)
{
    for (uint32_t v = 0; v < e->n_services; v++) {
        e->n_visits++;
        acc_mark(e, &e->services[v]);
    }
}

void acc_wake_at(struct service *s, uint64_t at_ms)
{
    s->wake_ms = at_ms < s->wake_ms ? at_ms : s->wake_ms;
}

bool acc_due(struct acc_engine *e, struct service *s, uint64_t at_ms)
{
    if (e->now >= at_ms) {
        return true;
    }
    acc_wake_at(s, at_ms);
    return false;
}

bool acc_may_look(const struct acc_engine *e)
{
    return e->conn == CONN_UP && e->synced;
}

bool acc_may_act(const struct acc_engine *e)
{
    return acc_may_look(e) && !e->shutdown.is_on;
}

static uint64_t next_random(struct acc_engine *e)
{
    /* splitmix64 */
    uint64_t z = (e->random += 0x9e3779b97f4a7c15ull);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

uint64_t acc_random(struct acc_engine *e, uint64_t n)
{
    return next_random(e) % n;
}

uint64_t acc_jitter(struct acc_engine *e, uint64_t ms)
{
    uint64_t z = next_random(e);

    return ms - ms / 5 + (ms ? z % (2 * (ms / 5) + 1) : 0);
}

/* --- the connection -------------------------------------------------------------------------- */

static void on_conn_up(struct acc_engine *e, const struct acc_event *event)
{
    e->away = e->ever_synced;
    e->fresh_engine = event->conn.fresh_engine && e->ever_synced;
    e->conn = CONN_UP;
    e->conn_ms = e->now;
    e->epoch++;
    e->list++;
    e->list_ms = e->now;
    e->listing = true;
    e->list_wanted = false;
    e->synced = false;
    if (e->fresh_engine) {
        acc_phases_close(e);
    }
    for (uint32_t i = 0; i < e->n_inst; i++) {
        struct instance *inst = &e->inst[i];

        inst->inspecting = inst->inspect_again = inst->comparing = false;
        inst->exit_engine |= inst->exit_pending && inst->exit_doubted && e->fresh_engine;
    }
}

/* A stop that isn't believed yet was the engine's own, when the engine goes. */
static void doubt_holds(struct acc_engine *e)
{
    for (uint32_t i = 0; i < e->n_inst; i++) {
        struct instance *inst = &e->inst[i];

        /* told, and not seen yet: the engine's own flag decides when it is back */
        inst->stop_hint_ns = 0;
        inst->exit_away |= inst->exit_pending;
        inst->exit_doubted |= inst->exit_pending;
        if (inst->hold_ms) {
            inst->hold_ms = 0;
            inst->exit_pending = true;
            inst->exit_away = true;
            inst->exit_doubted = true;
        }
    }
}

static void on_conn_lost(struct acc_engine *e, enum conn conn)
{
    if (e->conn != CONN_DOWN || conn == CONN_DOWN) {
        e->lost_ms = conn == CONN_DOWN && e->conn != CONN_DOWN ? e->now : e->lost_ms;
        e->conn_ms = e->conn == CONN_UP ? e->now : e->conn_ms;
        e->conn = conn;
    }
    e->synced = false;
    e->listing = false;
    doubt_holds(e);
    acc_mark_all(e);
}

static void on_event(struct acc_engine *e, const struct acc_event *event)
{
    switch (event->type) {
    case ACC_EV_CONN_UP:
        on_conn_up(e, event);
        break;
    case ACC_EV_CONN_DOWN:
        on_conn_lost(e, CONN_DOWN);
        break;
    case ACC_EV_CONN_DEGRADED:
        on_conn_lost(e, CONN_DEGRADED);
        break;
    case ACC_EV_SNAPSHOT:
        acc_observe_snapshot(e);
        break;
    case ACC_EV_OBS:
        acc_observe(e, event->obs);
        break;
    case ACC_EV_GONE:
        acc_observe_gone(e, event->hint.cid);
        break;
    case ACC_EV_HINT:
        acc_observe_hint(e, event);
        break;
    case ACC_EV_OP_DONE:
        acc_op_done(e, event);
        break;
    case ACC_EV_OP_LATE:
        acc_op_late(e, event);
        break;
    case ACC_EV_PROBE:
        acc_probe_answer(e, event);
        break;
    case ACC_EV_COMPARED:
        acc_compare_answer(e, event);
        break;
    case ACC_EV_LOOKED:
        acc_auto_looked(e, event);
        e->clock.is_due = true;
        break;
    case ACC_EV_CLOCK:
        e->clock = (struct wall){.is_known = true,
                                 .is_due = true,
                                 .is_pressed = acc_auto_is_pressed(event),
                                 .unix_ms = event->clock.unix_ms,
                                 .at_ms = e->now,
                                 .zone = event->clock.zone};
        break;
    case ACC_EV_CMD:
        acc_command(e, &event->cmd);
        e->shutdown.is_planned = false; /* a hold may keep another one up now */
        break;
    case ACC_EV_TIMEOUT:
        break;
    case ACC_EV_HOST:
        acc_host_told(e, event);
        break;
    case ACC_EV_SHUTDOWN:
        if (event->shutdown.is_cancelled) {
            acc_shutdown_cancel(e);
        } else {
            doubt_holds(e);
            acc_shutdown_begin(e, event->shutdown.budget_ms);
        }
        break;
    }
}

/* --- asking ---------------------------------------------------------------------------------- */

bool acc_has_room(const struct acc_engine *e)
{
    return e->out->cap - e->out->n >= ACC_ROOM;
}

struct acc_action *acc_ask(struct acc_engine *e, enum acc_action_type type, uint32_t svc,
                           const struct instance *i)
{
    struct acc_action *action;

    acc_assert(e->out->n < e->out->cap);
    action = &e->out->item[e->out->n++];
    memset(action, 0, sizeof(*action));
    action->type = type;
    action->what = type;
    action->svc = svc;
    action->slot = i ? i->slot : ACC_NONE;
    action->res = ACC_NONE;
    if (i) {
        memcpy(action->cid, i->cid, sizeof(action->cid));
    }
    return action;
}

/* Field by field: padding and the unused part of the union must not count. */
void acc_asked(struct acc_engine *e, struct acc_action *action)
{
    const uint64_t words[] = {action->type, action->what, action->op,    action->svc,
                              action->slot, action->res,  action->result};
    uint64_t hash = acc_hash_bytes(e->hash, words, sizeof(words));

    hash = acc_hash_bytes(hash, action->cid, strlen(action->cid));
    if (action->type == ACC_ACT_NOTE) {
        hash = acc_hash_bytes(hash, action->note.text, strlen(action->note.text));
    } else if (action->type == ACC_ACT_CREATE) {
        hash = acc_hash_bytes(hash, action->name, strlen(action->name));
    }
    e->hash = hash;
}

uint64_t acc_engine_trace_hash(const struct acc_engine *engine)
{
    return engine->hash;
}

void acc_save(struct service *s)
{
    s->save = true;
}

void acc_save_stack(struct acc_engine *e, struct stack *stack)
{
    stack->save = e->stacks_changed = true;
}

void acc_flush_save(struct acc_engine *e, struct service *s)
{
    if (s->save) {
        s->save = false;
        acc_asked(e, acc_ask(e, ACC_ACT_SAVE_SERVICE, acc_svc_index(e, s), NULL));
    }
}

/* --- the schedule ---------------------------------------------------------------------------- */

static void wake_due(struct acc_engine *e)
{
    uint32_t v = 0;

    while (acc_heap_least(&e->wakes, &v) <= e->now) {
        acc_heap_set(&e->wakes, v, UINT64_MAX);
        acc_mark(e, &e->services[v]);
    }
}

static void update_next(struct acc_engine *e)
{
    struct service *s = &e->services[e->order[acc_bits_take(&e->dirty)]];

    e->n_visits++;
    acc_svc_update(e, s);
    acc_bits_set(&e->unchecked, s->pos);
    acc_bits_set(&e->act, s->pos);
}

/* A service with many replicas may not get all it wants into this step: then it comes again. */
static void act_next(struct acc_engine *e, struct acc_bits *from)
{
    struct service *s = &e->services[e->order[acc_bits_take(from)]];

    e->n_visits++;
    acc_act(e, s);
    acc_bits_set(&e->unchecked, s->pos);
    if (!acc_bits_has(&e->dirty, s->pos)) {
        acc_heap_set(&e->wakes, acc_svc_index(e, s), s->wake_ms);
    }
}

static void save_stacks(struct acc_engine *e)
{
    for (uint32_t k = 0; k < e->n_stacks && e->stacks_changed; k++) {
        if (e->stacks[k].save) {
            if (!acc_has_room(e)) {
                return;
            }
            e->stacks[k].save = false;
            acc_asked(e, acc_ask(e, ACC_ACT_SAVE_STACK, k, NULL));
        }
    }
    e->stacks_changed = false;
}

static uint32_t token_limit(const struct acc_engine *e, enum token token)
{
    switch (token) {
    case TOKEN_START:
    case TOKEN_CREATE:
        return e->timing.starts_in_flight;
    case TOKEN_STOP:
        return e->shutdown.is_on ? ACC_SHUTDOWN_STOPS_MAX : ACC_STOPS_MAX;
    case TOKEN_PROBE:
        return ACC_EXEC_PROBES_MAX;
    case TOKEN_HOOK:
        return ACC_HOOKS_MAX;
    }
    return 0;
}

bool acc_token(struct acc_engine *e, struct service *s, enum token token)
{
    if (e->n_taken[token] < token_limit(e, token)) {
        return true;
    }
    acc_bits_set(&e->queued[token], s->pos);
    s->queued |= token == TOKEN_START || token == TOKEN_CREATE;
    return false;
}

/* Whoever waits for a token that lies free is asked again: it takes the token, or leaves the queue.
 */
static bool serve_queues(struct acc_engine *e)
{
    for (int k = 0; k < TOKEN_COUNT && (acc_may_act(e) || acc_shutdown_may_stop(e)); k++) {
        if (e->queued[k].n_set > 0 && e->n_taken[k] < token_limit(e, (enum token)k)) {
            act_next(e, &e->queued[k]);
            return true;
        }
    }
    return false;
}

/* True when all is done, false when there was no room for more. */
static bool work(struct acc_engine *e)
{
    for (;;) {
        if (!acc_has_room(e)) {
            return false;
        }
        if (e->dirty.n_set > 0) {
            update_next(e);
        } else if (e->phases_changed && acc_may_act(e)) {
            acc_phases_open(e);
        } else if (acc_shutdown_is_due(e)) {
            acc_shutdown_advance(e);
        } else if (e->act.n_set > 0) {
            act_next(e, &e->act);
        } else if (!serve_queues(e)) {
            return true;
        }
    }
}

void acc_engine_step(struct acc_engine *engine, const struct acc_event *event,
                     struct acc_actions *actions)
{
    struct acc_engine *e = engine;

    acc_assert(actions->cap >= ACC_ACTIONS_MIN && event->now_ms >= e->now);
    actions->n = 0;
    e->now = event->now_ms;
    e->out = actions;
    if (!e->stepped) {
        e->stepped = true;
        e->boot_ms = e->now;
        acc_restore_finish(e);
        acc_mark_all(e);
    }
    e->wake_ms = UINT64_MAX;
    on_event(e, event);
    acc_maintenance_update(e);
    wake_due(e);
    save_stacks(e);
    if (work(e)) {
        acc_list(e);
        acc_resource_act(e);
        acc_incident_engine(e);
        acc_incident_hosts(e);
        acc_autos_act(e);
        acc_shutdown_end_step(e);
    } else {
        e->wake_ms = e->now;
    }
    e->out = NULL;
}

uint64_t acc_engine_deadline(const struct acc_engine *engine)
{
    uint32_t v = 0;
    uint64_t due = acc_heap_least(&engine->wakes, &v);

    if (engine->dirty.n_set > 0 || engine->act.n_set > 0) {
        return engine->now;
    }
    return due < engine->wake_ms ? due : engine->wake_ms;
}

uint64_t acc_engine_visits(const struct acc_engine *engine)
{
    return engine->n_visits;
}

bool acc_engine_connected(const struct acc_engine *engine)
{
    return engine->conn == CONN_UP;
}
