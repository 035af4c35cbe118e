/* Create, destroy, step. */

#include "lib/engine/engine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/engine/parts.h"

/* --- building the tables
 * -------------------------------------------------------------------------- */

static const char *put(char **at, const char *text)
{
    size_t len = strlen(text) + 1;
    const char *copy = *at;

    memcpy(*at, text, len);
    *at += len;
    return copy;
}

static int copy_text(struct service *s, const struct acc_service_spec *spec)
{
    const char *container = spec->container_name ? spec->container_name : "";
    size_t size = strlen(spec->id) + strlen(spec->stack) + strlen(spec->name) +
                  strlen(spec->phase) + strlen(spec->tier) + strlen(spec->image) +
                  strlen(container) + 7;
    char *at = malloc(size);

    if (!at) {
        return -ENOMEM;
    }
    s->text = at;
    s->id = put(&at, spec->id);
    s->stack_name = put(&at, spec->stack);
    s->name = put(&at, spec->name);
    s->phase = put(&at, spec->phase);
    s->tier = put(&at, spec->tier);
    s->image = put(&at, spec->image);
    container = put(&at, container);
    s->container_name = *container ? container : NULL;
    return 0;
}

static int build_service(struct acc_engine *e, uint32_t svc, const struct acc_model *model)
{
    const struct acc_service_spec *spec = model->services[svc];
    struct service *s = &e->services[svc];

    s->stack = model->service_stack[svc];
    memcpy(s->spec_hash, spec->spec_hash, sizeof(s->spec_hash));
    s->n_replicas = spec->replicas;
    s->restart = spec->restart;
    s->restart_max = spec->restart_max;
    s->one_shot = spec->one_shot;
    s->stateful = spec->stateful;
    s->restart_on_unhealthy = spec->restart_on_unhealthy;
    s->health_disabled = spec->health.disabled;
    s->grace_ms = spec->stop_grace_ms;
    s->probe = spec->probe;
    s->timing = spec->timing;
    s->n_inst = spec->replicas + EXTRA_SLOTS;
    s->is_new = true;
    s->inst = calloc(s->n_inst, sizeof(*s->inst));
    s->edges = calloc(spec->n_edges + 1, sizeof(*s->edges));
    s->resources = calloc(spec->n_resources + 1, sizeof(*s->resources));
    if (!s->inst || !s->edges || !s->resources || copy_text(s, spec) < 0) {
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < s->n_inst; i++) {
        s->inst[i] = (struct instance){
            .svc = svc, .slot = i < s->n_replicas ? i + 1 : 0, .exit_code = -1};
    }
    for (size_t i = 0; i < spec->n_edges; i++) {
        const struct acc_edge *edge = &spec->edges[i];

        if (edge->target != ACC_NONE) {
            s->edges[s->n_edges++] = (struct edge){edge->kind, edge->condition, edge->on_down,
                                                   edge->at_create, edge->target};
        }
    }
    for (size_t i = 0; i < spec->n_resources; i++) {
        s->resources[s->n_resources++] = model->resource_base[s->stack] + spec->resources[i];
    }
    return 0;
}

static int link_dependents(struct acc_engine *e)
{
    size_t n = 0;

    for (size_t i = 0; i < e->n_services; i++) {
        n += e->services[i].n_edges;
        for (size_t k = 0; k < e->services[i].n_edges; k++) {
            e->services[e->services[i].edges[k].target].n_dependents++;
        }
    }
    e->dependent_of = calloc(n + 1, sizeof(*e->dependent_of));
    if (!e->dependent_of) {
        return -ENOMEM;
    }
    uint32_t *at = e->dependent_of;

    for (size_t i = 0; i < e->n_services; i++) {
        e->services[i].dependents = at;
        at += e->services[i].n_dependents;
        e->services[i].n_dependents = 0;
    }
    for (uint32_t i = 0; i < e->n_services; i++) {
        for (size_t k = 0; k < e->services[i].n_edges; k++) {
            struct service *target = &e->services[e->services[i].edges[k].target];
            bool is_known = target->n_dependents > 0 &&
                            target->dependents[target->n_dependents - 1] == i;

            if (!is_known) {
                target->dependents[target->n_dependents++] = i;
            }
        }
    }
    return 0;
}

static int build(struct acc_engine *e, const struct acc_model *model)
{
    e->n_model = model->n_services;
    e->n_services = model->n_services;
    e->n_stacks = model->n_stacks;
    e->n_resources = model->n_resources;
    e->services = calloc(e->n_services + 1, sizeof(*e->services));
    e->stacks = calloc(e->n_stacks + 1, sizeof(*e->stacks));
    e->resources = calloc(e->n_resources + 1, sizeof(*e->resources));
    if (!e->services || !e->stacks || !e->resources) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < e->n_stacks; i++) {
        e->stacks[i].name = strdup(model->stacks[i]->name);
        if (!e->stacks[i].name) {
            return -ENOMEM;
        }
    }
    for (size_t i = 0; i < e->n_resources; i++) {
        const struct acc_resource *res = model->resources[i];

        e->resources[i].kind = res->kind;
        e->resources[i].stack = res->stack;
        e->resources[i].external = res->external;
        e->resources[i].name = strdup(res->name);
        if (!e->resources[i].name) {
            return -ENOMEM;
        }
    }
    for (uint32_t i = 0; i < e->n_services; i++) {
        if (build_service(e, i, model) < 0) {
            return -ENOMEM;
        }
    }
    acc_timing_default(&e->timing);
    if (e->n_services > 0) {
        e->timing = e->services[0].timing;
    }
    return link_dependents(e) < 0 ? -ENOMEM : acc_eng_index_create(e);
}

int acc_engine_create(const struct acc_model *model, const struct acc_engine_options *options,
                      struct acc_engine **ret_engine)
{
    struct acc_engine *e = calloc(1, sizeof(*e));

    if (!e) {
        return -ENOMEM;
    }
    e->rng = options->seed * 2 + 1; /* xorshift must not be 0 */
    e->next_op = options->first_op ? options->first_op : 1;
    e->next_incident = e->next_op;
    e->observe_new = options->observe_new;
    e->trace = 1469598103934665603ull;
    if (build(e, model) < 0) {
        acc_engine_destroy(e);
        return -ENOMEM;
    }
    *ret_engine = e;
    return 0;
}

static void free_tables(struct acc_engine *e)
{
    for (size_t i = 0; e->services && i < e->n_services; i++) {
        free(e->services[i].text);
        free(e->services[i].inst);
        free(e->services[i].edges);
        free(e->services[i].resources);
    }
    for (size_t i = 0; e->stacks && i < e->n_stacks; i++) {
        free(e->stacks[i].name);
    }
    for (size_t i = 0; e->resources && i < e->n_resources; i++) {
        free(e->resources[i].name);
    }
    free(e->services);
    free(e->stacks);
    free(e->resources);
    free(e->dependent_of);
    free(e->by_cid);
    free(e->by_id);
    free(e->dirty);
    free(e->heap);
    free(e->stamp);
    free(e->queue);
}

struct acc_engine *acc_engine_destroy(struct acc_engine *engine)
{
    if (engine) {
        free_tables(engine);
        free(engine);
    }
    return NULL;
}

/* --- the step ------------------------------------------------------------------------------------
 */

static void on_conn_up(struct acc_engine *e, const struct acc_event *event)
{
    bool was_degraded = e->degraded && e->connected;

    if (e->ever_connected && !was_degraded) {
        acc_eng_note(e, ACC_NOTE_ENGINE, ACC_NONE, "Docker answers again%s",
                     event->conn.fresh_engine ? "; it was restarted" : "");
    } else if (was_degraded) {
        acc_eng_note(e, ACC_NOTE_ENGINE, ACC_NONE, "Docker answers in time again");
    }
    e->connected = e->ever_connected = true;
    e->degraded = e->snapshot = false;
    e->connected_ms = e->now_ms;
    e->epoch++;
    e->list_wanted = false; /* the list of this epoch follows by itself */
    for (size_t i = 0; i < e->n_resources; i++) {
        if (e->resources[i].op == 0) {
            e->resources[i].state = RES_UNKNOWN;
        }
    }
}

static void on_conn_down(struct acc_engine *e, bool degraded)
{
    if (degraded ? e->degraded : !e->connected) {
        return;
    }
    if (degraded) {
        e->degraded = true;
        acc_eng_note(e, ACC_NOTE_ENGINE, ACC_NONE, "Docker does not answer in time");
    } else {
        e->connected = e->degraded = false;
        e->disconnected_ms = e->now_ms;
        acc_eng_note(e, ACC_NOTE_ENGINE, ACC_NONE, "the connection to Docker is gone");
    }
    acc_eng_incident_open(e, ACC_NONE,
                          degraded ? "Docker does not answer" : "Docker can't be reached");
    acc_eng_mark_all(e);
}

static void on_timeout(struct acc_engine *e)
{
    while (e->heap_n > 0 && e->services[e->heap[0]].deadline_ms <= e->now_ms) {
        uint32_t svc = e->heap[0];

        acc_eng_deadline_set(e, svc, 0);
        acc_eng_mark(e, svc);
    }
    if (e->connected && e->snapshot && e->list_ms <= e->now_ms) {
        e->list_wanted = true;
    }
}

/* `down` of a whole stack: what is left of it goes after its last container. */
static void remove_stacks(struct acc_engine *e)
{
    for (uint32_t i = 0; i < e->n_stacks; i++) {
        struct stack *stack = &e->stacks[i];
        bool is_empty = true;

        if (!stack->removing || !e->connected || !e->snapshot) {
            continue;
        }
        for (uint32_t k = 0; k < e->n_services && is_empty; k++) {
            for (uint32_t j = 0; e->services[k].stack == i && j < e->services[k].n_inst; j++) {
                is_empty &= e->services[k].inst[j].cid[0] == '\0' && e->services[k].inst[j].op == 0;
            }
        }
        for (uint32_t k = 0; k < e->n_resources && is_empty; k++) {
            struct resource *r = &e->resources[k];
            bool goes = r->kind == ACC_RES_NETWORK ||
                        (r->kind == ACC_RES_VOLUME && stack->removing_volumes);

            if (r->stack == i && goes && !r->external && r->op == 0) {
                (void)acc_eng_operate_resource(e, k, ACC_ACT_REMOVE_RESOURCE);
            }
        }
        stack->removing = !is_empty;
    }
}

static void save_stacks(struct acc_engine *e)
{
    for (uint32_t i = 0; i < e->n_stacks; i++) {
        if (e->stacks[i].save && acc_eng_has_room(e, 1)) {
            acc_eng_emit(e, ACC_ACT_SAVE_STACK)->svc = i;
            e->stacks[i].save = false;
        }
    }
}

static void trace(struct acc_engine *e)
{
    for (size_t i = 0; i < e->out->n; i++) {
        const struct acc_action *a = &e->out->item[i];
        uint64_t words[] = {(uint64_t)a->type, a->op, a->svc, a->slot, a->res, e->now_ms};

        for (size_t k = 0; k < ACC_ARRAY_LEN(words); k++) {
            e->trace = (e->trace ^ words[k]) * 1099511628211ull;
        }
    }
}

static void take(struct acc_engine *e, const struct acc_event *event)
{
    switch (event->type) {
    case ACC_EV_CONN_UP:
        on_conn_up(e, event);
        break;
    case ACC_EV_CONN_DOWN:
        on_conn_down(e, false);
        break;
    case ACC_EV_CONN_DEGRADED:
        on_conn_down(e, true);
        break;
    case ACC_EV_SNAPSHOT:
        acc_eng_on_snapshot(e);
        break;
    case ACC_EV_OBS:
        acc_eng_on_obs(e, event->obs);
        break;
    case ACC_EV_GONE:
        acc_eng_on_gone(e, event->hint.cid);
        break;
    case ACC_EV_HINT:
        acc_eng_on_hint(e, event);
        break;
    case ACC_EV_OP_DONE:
    case ACC_EV_OP_LATE:
        acc_eng_on_op(e, event);
        break;
    case ACC_EV_PROBE:
        acc_eng_on_probe(e, event);
        break;
    case ACC_EV_CMD:
        acc_eng_on_cmd(e, &event->cmd);
        break;
    case ACC_EV_TIMEOUT:
        break;
    case ACC_EV_SHUTDOWN:
        e->shutdown = true;
        break;
    }
}

void acc_engine_step(struct acc_engine *engine, const struct acc_event *event,
                     struct acc_actions *actions)
{
    struct acc_engine *e = engine;

    acc_assert(actions->cap >= ACC_ACTIONS_MIN);
    actions->n = 0;
    e->out = actions;
    e->now_ms = event->now_ms > e->now_ms ? event->now_ms : e->now_ms;
    if (!e->has_started) {
        e->has_started = true;
        e->started_ms = e->now_ms;
        acc_eng_restored_times(e);
    }
    if (e->again_now) {
        e->again_now = false;
        acc_eng_mark_all(e);
    }
    take(e, event);
    on_timeout(e);
    acc_eng_settle(e);
    acc_eng_incidents_tick(e);
    remove_stacks(e);
    if (e->list_wanted && e->connected && acc_eng_has_room(e, 1)) {
        e->list_wanted = false;
        e->list_ms = e->now_ms + e->timing.resync;
        (void)acc_eng_emit(e, ACC_ACT_LIST);
    }
    save_stacks(e);
    trace(e);
    e->out = NULL;
}

uint64_t acc_engine_deadline(const struct acc_engine *engine)
{
    uint64_t at = engine->heap_n ? engine->services[engine->heap[0]].deadline_ms : 0;

    if (engine->again_now) {
        return engine->now_ms;
    }
    at = acc_eng_earliest(at, acc_eng_incidents_deadline(engine));
    if (engine->connected && engine->snapshot) {
        at = acc_eng_earliest(at, engine->list_ms);
    }
    return at ? at : ACC_DEADLINE_NONE;
}

uint64_t acc_engine_trace_hash(const struct acc_engine *engine)
{
    return engine->trace;
}

void acc_engine_check(const struct acc_engine *engine)
{
    size_t n_ops = 0;

    for (size_t i = 0; i < OPS_MAX; i++) {
        n_ops += engine->ops[i].id != 0;
    }
    acc_assert(n_ops == engine->n_ops);
    acc_assert(engine->n_exec <= EXEC_PROBES_MAX);
    acc_assert(engine->dirty_n == 0);
    for (size_t i = 0; i < engine->n_services; i++) {
        const struct service *s = &engine->services[i];

        acc_assert(!(s->held && s->done) || s->held);
        for (uint32_t k = 0; k < s->n_inst; k++) {
            const struct instance *inst = &s->inst[k];

            acc_assert(inst->svc == i);
            acc_assert(inst->cid[0] == '\0' || acc_eng_cid_find(engine, inst->cid) == inst);
            acc_assert(inst->state != ACC_INST_ABSENT || inst->cid[0] == '\0');
        }
    }
}
