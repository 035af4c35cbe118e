/* What the models share: names, calls and what follows them, and the way up. */
#include "tests/sim/peer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"

#define POLL_MS 500u /* compose: waitDependency looks every 500 ms (facts/supervision.md A6) */
/* An answer that doesn't come: the client gives up. A stop may take its grace before. */
#define ANSWER_MS 60000u

static const struct peer_kind kinds[PEER_COUNT] = {
    [PEER_POLICY] = {.name = "restart policy", .policy = ACC_RESTART_UNLESS_STOPPED},
    [PEER_COMPOSE] = {.name = "Compose + policy",
                      .policy = ACC_RESTART_UNLESS_STOPPED,
                      .is_ordered = true,
                      .upgrade = peer_compose_upgrade},
    [PEER_AUTOHEAL] = {.name = "Compose + autoheal",
                       .policy = ACC_RESTART_UNLESS_STOPPED,
                       .is_ordered = true,
                       .begin = peer_autoheal_begin},
    [PEER_SYSTEMD] = {.name = "systemd Requires=",
                      .policy = ACC_RESTART_NO,
                      .is_ordered = true,
                      .begin = peer_systemd_begin,
                      .hint = peer_systemd_hint,
                      .power = peer_systemd_power},
    [PEER_SYSTEMD_PATIENT] = {.name = "systemd, 5 s, no limit",
                              .policy = ACC_RESTART_NO,
                              .is_ordered = true,
                              .begin = peer_systemd_begin,
                              .hint = peer_systemd_hint,
                              .power = peer_systemd_power},
    [PEER_WATCHTOWER] = {.name = "Watchtower",
                         .policy = ACC_RESTART_UNLESS_STOPPED,
                         .is_ordered = true,
                         .upgrade = peer_watchtower_upgrade},
    [PEER_SCRIPT] = {.name = "start-first script",
                     .policy = ACC_RESTART_UNLESS_STOPPED,
                     .is_ordered = true,
                     .upgrade = peer_script_upgrade},
    [PEER_SWARM] = {.name = "Swarm, stop-first",
                    .policy = ACC_RESTART_NO,
                    .is_ordered = true,
                    .hint = peer_swarm_hint,
                    .upgrade = peer_swarm_upgrade},
    [PEER_SWARM_START_FIRST] = {.name = "Swarm, start-first",
                                .policy = ACC_RESTART_NO,
                                .is_ordered = true,
                                .hint = peer_swarm_hint,
                                .upgrade = peer_swarm_upgrade},
};

const struct peer_kind *peer_kind(enum peer_which which)
{
    return &kinds[which];
}

const struct acc_service_spec *peer_spec(const struct peer *p, uint32_t svc)
{
    return p->world->graph.model->services[svc];
}

uint64_t peer_now(const struct peer *p)
{
    return p->world->queue.now_ms;
}

void peer_in(struct peer *p, uint64_t ms, sim_fn fn, uint64_t a, uint64_t b)
{
    sim_queue_in(&p->world->queue, ms, fn, p, a, b);
}

void peer_name(const struct peer *p, uint32_t svc, char *out, size_t out_size)
{
    (void)snprintf(out, out_size, "%s-%s-1", peer_spec(p, svc)->stack, peer_spec(p, svc)->name);
}

bool peer_has_check(const struct peer *p, uint32_t svc)
{
    int64_t ignored;
    uint32_t retries;

    return twin_health_of(p->world->graph.model, svc, &ignored, &ignored, &ignored, &retries);
}

bool peer_looks_ready(const struct peer *p, uint32_t svc, const struct twin_container *c)
{
    bool runs = c && c->exists && c->state == ACC_CTR_RUNNING;

    return runs && (!peer_has_check(p, svc) || c->health == ACC_DH_HEALTHY);
}

/* --- calls ---------------------------------------------------------------------------------- */

static struct peer_wait *find_wait(struct peer *p, uint64_t token)
{
    for (size_t i = 0; i < PEER_WAITS_MAX; i++) {
        if (p->wait[i].token == token) {
            return &p->wait[i];
        }
    }
    return NULL;
}

static void finish(struct peer *p, struct peer_wait *wait, int status, const char *cid)
{
    struct peer_wait was = *wait;

    wait->token = 0;
    if (cid[0]) {
        p->service[was.svc].next = twin_find(&p->world->twin, cid);
    }
    if (was.then) {
        was.then(p, was.svc, status);
    }
}

static void give_up(void *ctx, uint64_t token, uint64_t b)
{
    struct peer *p = ctx;
    struct peer_wait *wait = find_wait(p, token);

    (void)b;
    if (wait) {
        finish(p, wait, -1, "");
    }
}

static void send(struct peer *p, struct twin_call *call, uint32_t svc, peer_then_fn *then)
{
    struct peer_wait *wait = find_wait(p, 0);

    acc_assert(wait);
    *wait = (struct peer_wait){.token = p->next_token++, .then = then, .svc = svc};
    call->token = wait->token;
    call->grace_ms = peer_spec(p, svc)->stop_grace_ms;
    call->signal = 9;
    twin_call(&p->world->twin, call);
    peer_in(p, ANSWER_MS, give_up, wait->token, 0);
}

void peer_call(struct peer *p, enum twin_verb verb, uint32_t svc, const char *cid,
               peer_then_fn *then)
{
    struct twin_call call = {.verb = verb};

    (void)snprintf(call.cid, sizeof(call.cid), "%s", cid);
    send(p, &call, svc, then);
}

void peer_rename(struct peer *p, uint32_t svc, struct twin_container *container, const char *name,
                 peer_then_fn *then)
{
    struct twin_call call = {.verb = TWIN_RENAME};

    memcpy(call.cid, container->cid, sizeof(call.cid));
    (void)snprintf(call.name, sizeof(call.name), "%s", name);
    send(p, &call, svc, then);
}

static void fill_bound(const struct peer *p, uint32_t svc, struct twin_create *create)
{
    const struct acc_service_spec *spec = peer_spec(p, svc);
    size_t n = 0;

    for (size_t e = 0; e < spec->n_edges && n < TWIN_BOUND_MAX; e++) {
        const struct twin_container *c = p->service[spec->edges[e].target].container;

        if (spec->edges[e].kind == ACC_EDGE_BINDS && c) {
            memcpy(create->bound_cid[n++], c->cid, sizeof(c->cid));
        }
    }
}

void peer_create(struct peer *p, uint32_t svc, const char *name, peer_then_fn *then)
{
    struct twin_call call = {.verb = TWIN_CREATE};
    struct peer_service *s = &p->service[svc];

    call.create = (struct twin_create){.svc = svc, .number = 1, .is_bad = s->is_bad};
    call.create.policy = s->is_job ? ACC_RESTART_NO : p->kind->policy;
    (void)snprintf(call.create.name, sizeof(call.create.name), "%s", name);
    fill_bound(p, svc, &call.create);
    s->n_made++;
    send(p, &call, svc, then);
}

static void on_answer(void *ctx, const struct twin_answer *answer)
{
    struct peer *p = ctx;
    struct peer_wait *wait = find_wait(p, answer->token);

    if (wait) {
        finish(p, wait, answer->status, answer->cid);
    }
}

static void on_hint(void *ctx, const struct twin_hint *hint)
{
    struct peer *p = ctx;
    struct twin_container *c = twin_find_ever(&p->world->twin, hint->cid);

    if (c && p->kind->hint) {
        p->kind->hint(p, c, hint);
    }
}

static void on_power(void *ctx, enum twin_power power)
{
    struct peer *p = ctx;

    if (p->kind->power) {
        p->kind->power(p, power);
    }
}

/* --- up ------------------------------------------------------------------------------------- */

static bool edge_is_met(const struct peer *p, const struct acc_edge *edge)
{
    const struct twin_container *c = p->service[edge->target].container;

    if (edge->condition == ACC_COND_COMPLETED) {
        return c && c->n_runs > 0 && c->state == ACC_CTR_EXITED && c->exit_code == 0;
    }
    return edge->condition == ACC_COND_RUNNING ? c && c->state == ACC_CTR_RUNNING
                                               : peer_looks_ready(p, edge->target, c);
}

static bool may_start(const struct peer *p, uint32_t svc)
{
    const struct acc_service_spec *spec = peer_spec(p, svc);

    for (size_t e = 0; e < spec->n_edges && p->kind->is_ordered; e++) {
        if (spec->edges[e].kind != ACC_EDGE_CONFLICTS && !edge_is_met(p, &spec->edges[e])) {
            return false;
        }
    }
    return true;
}

static void start_what_may(struct peer *p)
{
    for (uint32_t i = 0; i < p->world->graph.model->n_services; i++) {
        uint32_t svc = p->world->graph.model->order[i];
        struct peer_service *s = &p->service[svc];

        if (s->container && !s->is_started && may_start(p, svc)) {
            s->is_started = true;
            peer_call(p, TWIN_START, svc, s->container->cid, NULL);
        }
    }
}

static void created(struct peer *p, uint32_t svc, int status)
{
    acc_assert(status == 201);
    p->service[svc].container = p->service[svc].next;
    p->service[svc].next = NULL;
}

static bool all_ready(const struct peer *p)
{
    for (uint32_t svc = 0; svc < p->world->graph.model->n_services; svc++) {
        const struct sim_workload *workload = &p->world->workloads.item[svc];

        if (p->service[svc].is_job ? !workload->has_done : !workload->is_ready) {
            return false;
        }
    }
    return true;
}

bool peer_up(struct peer *p, uint64_t limit_ms)
{
    const struct acc_model *model = p->world->graph.model;
    uint64_t until_ms = peer_now(p) + limit_ms;
    char name[ACC_NAME_MAX + 1];

    memset(p->world->twin.res_exists, true, model->n_resources);
    for (uint32_t i = 0; i < model->n_services; i++) { /* namespaces before those who share them */
        peer_name(p, model->order[i], name, sizeof(name));
        peer_create(p, model->order[i], name, created);
        world_run_for(p->world, POLL_MS);
    }
    while (!all_ready(p) && peer_now(p) < until_ms) {
        start_what_may(p);
        world_run_for(p->world, POLL_MS);
    }
    p->has_begun = true;
    if (p->kind->begin) {
        p->kind->begin(p);
    }
    return all_ready(p);
}

void peer_upgrade(struct peer *p, uint32_t svc, bool is_bad_image)
{
    p->is_bad_image = is_bad_image;
    p->is_busy = true;
    p->kind->upgrade(p, svc);
}

void peer_open(struct peer *p, enum peer_which which, struct world *w)
{
    *p = (struct peer){.kind = &kinds[which], .world = w, .next_token = 1};
    p->service = calloc(w->graph.model->n_services + 1, sizeof(*p->service));
    acc_assert(p->service);
    for (uint32_t i = 0; i < w->graph.model->n_services; i++) {
        p->service[i].is_job = w->workloads.item[i].habits.is_job;
    }
    w->twin.listener = (struct twin_listener){
        .answer = on_answer, .hint = on_hint, .power = on_power, .ctx = p};
}

void peer_close(struct peer *p)
{
    free(p->service);
    p->service = NULL;
}
