#include "tests/unit/herd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/graph/graph.h"

#define LAYER      10u /* services in one layer of a stack */
#define EDGES_MAX  5u
#define HEALTHY_MS 3000u /* from a start until its check passes */
#define HOUR_MS    3600000u
#define OVER_MS    400000u /* by then the incident of a cascade is closed */

struct herd_reply {
    uint64_t due_ms, seq;
    struct acc_event event;
    struct acc_obs obs;
    char cid[ACC_CID_LEN + 1];
};

/* --- the model ------------------------------------------------------------------------------- */

static void add_edges(struct acc_stack *stack, uint32_t k)
{
    struct acc_service_spec *s = &stack->services[k];
    /* 90 of the hundred have four, and 40 of those a fifth: 400 in all */
    uint32_t n = k < LAYER ? 0 : k < 5 * LAYER ? 5 : 4;

    s->edges = acc_arena_alloc(stack->arena, EDGES_MAX * sizeof(*s->edges));
    for (uint32_t i = 0; i < n; i++) {
        uint32_t below = (k / LAYER - 1) * LAYER + (k + i) % LAYER;

        s->edges[s->n_edges++] = (struct acc_edge){.kind = ACC_EDGE_NEEDS,
                                                   .required = true,
                                                   .label = "",
                                                   .service = stack->services[below].name};
    }
}

static struct acc_stack *make_stack(uint32_t number)
{
    struct acc_arena *arena = NULL;

    acc_assert(acc_arena_create(1u << 20, &arena) == 0);
    struct acc_stack *stack = acc_arena_alloc(arena, sizeof(*stack));

    stack->arena = arena;
    stack->name = acc_arena_printf(arena, "t%03u", number);
    stack->dir = "/srv";
    stack->phase = "";
    stack->n_services = HERD_STACK;
    stack->services = acc_arena_alloc(arena, HERD_STACK * sizeof(*stack->services));
    for (uint32_t k = 0; k < HERD_STACK; k++) {
        struct acc_service_spec *s = &stack->services[k];

        s->name = acc_arena_printf(arena, "s%02u", k);
        s->stack = stack->name;
        s->id = acc_arena_printf(arena, "%s/%s", stack->name, s->name);
        s->image = "img";
        (void)snprintf(s->spec_hash, sizeof(s->spec_hash), "spec");
        s->phase = s->tier = "";
        s->replicas = 1;
        s->stop_grace_ms = 10000;
        s->restart_on_unhealthy = true;
        s->health.set = true;
        acc_timing_default(&s->timing);
        s->timing.resync = UINT64_C(1000) * HOUR_MS; /* a list is of everything by its nature */
        add_edges(stack, k);
    }
    return stack;
}

static struct acc_model *make_model(uint32_t n_services)
{
    uint32_t n = n_services / HERD_STACK;
    struct acc_stack **stacks = calloc(n, sizeof(struct acc_stack *));
    struct acc_model *model = NULL;
    static struct acc_diags diags;

    acc_assert(stacks && n * HERD_STACK == n_services);
    for (uint32_t i = 0; i < n; i++) {
        stacks[i] = make_stack(i);
    }
    acc_assert(acc_model_join(stacks, n, &model, &diags) == 0);
    free(stacks);
    return model;
}

/* --- Docker ---------------------------------------------------------------------------------- */

static struct herd_reply *push(struct herd *h, uint64_t delay_ms, enum acc_event_type type)
{
    if (h->n_replies == h->cap) {
        h->cap = h->cap ? 2 * h->cap : 64;
        h->reply = realloc(h->reply, h->cap * sizeof(*h->reply));
        acc_assert(h->reply);
    }
    struct herd_reply *reply = &h->reply[h->n_replies++];
    static uint64_t seq;

    memset(reply, 0, sizeof(*reply));
    reply->due_ms = h->now_ms + delay_ms;
    reply->seq = seq++;
    reply->event.type = type;
    return reply;
}

static void push_obs(struct herd *h, uint32_t svc)
{
    push(h, 0, ACC_EV_OBS)->obs = h->obs[svc];
}

static void push_done(struct herd *h, const struct acc_action *action)
{
    struct herd_reply *reply = push(h, 0, ACC_EV_OP_DONE);

    memcpy(reply->cid, action->cid, sizeof(reply->cid));
    reply->event.op.op = action->op;
    reply->event.op.message = "";
}

static void begin_run(struct herd *h, struct acc_obs *obs)
{
    obs->state = ACC_CTR_RUNNING;
    obs->pid = 1000;
    obs->started_ns = h->clock_ns += 1000;
    obs->health = ACC_DH_STARTING;
}

static void take(struct herd *h, const struct acc_action *a)
{
    struct acc_obs *obs = a->svc == ACC_NONE ? NULL : &h->obs[a->svc];
    struct herd_reply *reply;

    if (a->type == ACC_ACT_INSPECT) {
        push_obs(h, a->svc);
    } else if (a->type == ACC_ACT_START) {
        begin_run(h, obs);
        h->n_starts++;
        push_obs(h, a->svc);
        push_done(h, a);
    } else if (a->type == ACC_ACT_PROBE) {
        bool is_up = obs->state == ACC_CTR_RUNNING && h->clock_ns > 0;

        reply = push(h, HEALTHY_MS, ACC_EV_PROBE);
        reply->event.probe.op = a->op;
        reply->event.probe.verdict = is_up ? ACC_PROBE_PASS : ACC_PROBE_FAIL;
        reply->event.probe.output = "";
    } else if (a->type == ACC_ACT_INCIDENT) {
        h->n_incidents += a->incident.phase == ACC_INCIDENT_CLOSED;
    } else {
        acc_assert(a->type == ACC_ACT_NOTE || a->type == ACC_ACT_JOURNAL ||
                   a->type == ACC_ACT_JOURNAL_END || a->type == ACC_ACT_SAVE_SERVICE ||
                   a->type == ACC_ACT_SAVE_STACK);
    }
}

static void step(struct herd *h, struct acc_event *event)
{
    uint64_t begin_ns = h->ns ? h->ns() : 0;

    event->now_ms = h->now_ms;
    acc_engine_step(h->engine, event, &h->actions);
    h->step_ns += h->ns ? h->ns() - begin_ns : 0;
    h->n_steps++;
    for (size_t i = 0; i < h->actions.n; i++) {
        take(h, &h->actions.item[i]);
    }
}

static size_t next_reply(const struct herd *h)
{
    size_t best = h->n_replies;

    for (size_t i = 0; i < h->n_replies; i++) {
        const struct herd_reply *a = &h->reply[i];
        const struct herd_reply *b = best < h->n_replies ? &h->reply[best] : NULL;

        if (!b || a->due_ms < b->due_ms || (a->due_ms == b->due_ms && a->seq < b->seq)) {
            best = i;
        }
    }
    return best;
}

static void deliver(struct herd *h, size_t at)
{
    struct herd_reply reply = h->reply[at];

    h->reply[at] = h->reply[--h->n_replies];
    if (reply.event.type == ACC_EV_OBS) {
        reply.event.obs = &reply.obs;
    } else if (reply.event.type == ACC_EV_OP_DONE) {
        reply.event.op.cid = reply.cid;
    }
    step(h, &reply.event);
}

void herd_run(struct herd *h, uint64_t ms)
{
    uint64_t end_ms = h->now_ms + ms;

    for (;;) {
        size_t at = next_reply(h);
        uint64_t reply_ms = at < h->n_replies ? h->reply[at].due_ms : UINT64_MAX;
        uint64_t engine_ms = acc_engine_deadline(h->engine);
        uint64_t due_ms = reply_ms <= engine_ms ? reply_ms : engine_ms;

        if (due_ms > end_ms) {
            break;
        }
        h->now_ms = due_ms > h->now_ms ? due_ms : h->now_ms;
        if (reply_ms <= engine_ms) {
            deliver(h, at);
        } else {
            step(h, &(struct acc_event){.type = ACC_EV_TIMEOUT});
        }
    }
    h->now_ms = end_ms;
}

/* --- begin and end --------------------------------------------------------------------------- */

static void fill_obs(struct herd *h, uint32_t svc)
{
    const struct acc_service_spec *s = h->model->services[svc];
    struct acc_obs *obs = &h->obs[svc];

    (void)snprintf(obs->cid, sizeof(obs->cid), "%064x", svc + 1);
    (void)snprintf(obs->name, sizeof(obs->name), "%s-%s-1", s->stack, s->name);
    (void)snprintf(obs->project, sizeof(obs->project), "%s", s->stack);
    (void)snprintf(obs->service, sizeof(obs->service), "%s", s->name);
    (void)snprintf(obs->spec_hash, sizeof(obs->spec_hash), "%s", s->spec_hash);
    obs->number = 1;
    obs->restart = ACC_RESTART_NO;
    obs->has_health = true;
    obs->interval_ms = 30000;
    obs->timeout_ms = 30000;
    obs->retries = 3;
    begin_run(h, obs);
    obs->health = ACC_DH_HEALTHY;
    obs->health_start_ns = obs->health_end_ns = h->clock_ns += 1000;
}

void herd_open(struct herd *h, uint32_t n_services)
{
    struct acc_engine_options options = {.seed = 1, .first_op = 1};
    struct acc_event event = {.type = ACC_EV_CONN_UP};

    *h = (struct herd){.now_ms = 1000000, .clock_ns = INT64_C(1700000000000000000)};
    h->model = make_model(n_services);
    h->actions.cap = ACC_ACTIONS_MIN;
    h->actions.item = calloc(h->actions.cap, sizeof(*h->actions.item));
    h->obs = calloc(n_services, sizeof(*h->obs));
    acc_assert(h->actions.item && h->obs);
    acc_assert(acc_engine_create(h->model, &options, &h->engine) == 0);
    step(h, &event);
    for (uint32_t v = 0; v < n_services; v++) {
        fill_obs(h, v);
        step(h, &(struct acc_event){.type = ACC_EV_OBS, .obs = &h->obs[v]});
    }
    step(h, &(struct acc_event){.type = ACC_EV_SNAPSHOT});
    herd_run(h, HOUR_MS);
}

void herd_close(struct herd *h)
{
    h->engine = acc_engine_destroy(h->engine);
    h->model = acc_model_destroy(h->model);
    free(h->obs);
    free(h->reply);
    free(h->actions.item);
    *h = (struct herd){0};
}

/* --- what happens ---------------------------------------------------------------------------- */

void herd_exit(struct herd *h, uint32_t svc)
{
    struct acc_event event = {.type = ACC_EV_HINT};
    struct acc_obs *obs = &h->obs[svc];

    obs->state = ACC_CTR_EXITED;
    obs->exit_code = 1;
    obs->pid = 0;
    obs->finished_ns = h->clock_ns += 1000;
    obs->health = ACC_DH_UNHEALTHY;
    event.hint.cid = obs->cid;
    event.hint.hint = ACC_HINT_DIE;
    event.hint.exit_code = 1;
    event.hint.time_ns = obs->finished_ns;
    step(h, &event);
    herd_run(h, 0);
}

static bool stands_on(const struct acc_service_spec *s, uint32_t target)
{
    for (size_t e = 0; e < s->n_edges; e++) {
        if (s->edges[e].target == target) {
            return true;
        }
    }
    return false;
}

void herd_cascade(struct herd *h, uint32_t stack)
{
    uint32_t first = stack * HERD_STACK;

    herd_exit(h, first);
    herd_run(h, 800);
    for (uint32_t k = LAYER; k < 2 * LAYER; k++) {
        if (stands_on(h->model->services[first + k], first)) {
            herd_exit(h, first + k);
        }
    }
    herd_run(h, OVER_MS);
}
