/* How accd looks: at a container, at all of them, by a probe, and beside the file. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "tests/sim/shell_internal.h"

/* --- looking -------------------------------------------------------------------------------- */

struct look {
    struct world *world;
    uint64_t life, epoch;
    bool manual_stop, is_list;
    uint32_t svc; /* whose it is */
    bool is_last; /* evaluated; the answer is on its way */
    bool exists;
    uint64_t number; /* in the order in which they saw what they tell */
    char cid[ACC_CID_LEN + 1];
    struct acc_obs obs;
    uint64_t then_op; /* the operation that is answered after it; 0: none */
    enum acc_op_result then_result;
    char then_message[ACC_OUTPUT_MAX + 1];
};

static void list_maybe_done(struct world *w);

static bool look_is_void(const struct look *l)
{
    return l->world->life != l->life || !l->world->engine || l->world->epoch != l->epoch ||
           l->world->conn == WORLD_CONN_DOWN;
}

/* A look of before counts for nothing in a new epoch. What Docker answered does, unless it was lost
 * with the connection. */
static void answer_all_the_same(const struct look *l)
{
    if (l->then_op && l->world->life == l->life) {
        world_finish_op(l->world, l->then_op, l->then_result, l->cid, l->then_message);
    }
}

/* accd's inspector has one under way per container: none tells what is older than what was told. */
static void look_in_order(struct look *l)
{
    struct twin *twin = &l->world->twin;
    struct twin_container *c = twin_find(twin, l->cid);

    if (c && l->number < c->told_look) {
        l->exists = twin_inspect(twin, l->cid, l->manual_stop, &l->obs);
    } else if (c) {
        c->told_look = l->number;
    }
}

static void look_tell(void *ctx, uint64_t a, uint64_t b)
{
    struct look *l = ctx;
    struct world *w = l->world;
    struct acc_event event = {0};

    (void)a, (void)b;
    if (look_is_void(l)) {
        answer_all_the_same(l);
        free(l);
        return;
    }
    look_in_order(l);
    event.type = l->exists ? ACC_EV_OBS : ACC_EV_GONE;
    if (l->exists) {
        event.obs = &l->obs;
    } else {
        event.hint.cid = l->cid;
    }
    world_step(w, &event);
    if (l->then_op && !look_is_void(l)) {
        world_finish_op(w, l->then_op, l->then_result, l->cid, l->then_message);
    }
    if (l->is_list && !look_is_void(l)) {
        w->n_list_pending--;
        list_maybe_done(w);
    }
    free(l);
}

/* An inspect waits for the container's lock (moby daemon/inspect.go), which a slow start holds. */
static bool is_locked(const struct world *w, const char *cid)
{
    const struct twin_container *c = twin_find(&w->twin, cid);

    return c && c->is_starting;
}

static void look_now(void *ctx, uint64_t a, uint64_t b)
{
    struct look *l = ctx;
    struct world *w = l->world;

    (void)a, (void)b;
    if (look_is_void(l) || w->twin.power == TWIN_DOWN || w->twin.power == TWIN_LEAVING) {
        answer_all_the_same(l);
        free(l); /* the connection's end tells the rest */
        return;
    }
    if (w->twin.power == TWIN_HUNG) {
        sim_queue_in_own(&w->queue, 250, look_now, l);
        return;
    }
    if (is_locked(w, l->cid)) {
        sim_queue_in_own(&w->queue, 50, look_now, l);
        return;
    }
    if (!l->is_list && !l->then_op &&
        sim_rand_chance(world_luck(w, l->svc), w->twin.quirks.lose_inspect)) {
        free(l);
        return;
    }
    l->exists = twin_inspect(&w->twin, l->cid, l->manual_stop, &l->obs);
    l->number = ++w->n_looks;
    sim_queue_in_own(&w->queue, sim_rand_range(world_luck(w, l->svc), 0, w->is_chaos ? 30 : 2),
                     look_tell, l);
}

static struct look *look_new(struct world *w, const char *cid)
{
    const struct twin_container *c = twin_find_ever(&w->twin, cid);
    struct look *l = calloc(1, sizeof(*l));

    acc_assert(l);
    l->world = w;
    l->life = w->life;
    l->epoch = w->epoch;
    memcpy(l->cid, cid, sizeof(l->cid));
    l->svc = c ? c->made.svc : ACC_NONE;
    return l;
}

static void look_start(struct look *l)
{
    struct world *w = l->world;

    sim_queue_in_own(&w->queue, sim_rand_range(world_luck(w, l->svc), 0, w->is_chaos ? 40 : 3),
                     look_now, l);
}

void world_look(struct world *w, const struct acc_action *a)
{
    struct look *l = look_new(w, a->cid);

    l->manual_stop = a->manual_stop;
    look_start(l);
}

/* As daemon/out/docker_op.c: look at it first, then tell the end. */
void world_look_then(struct world *w, const char *cid, uint64_t op, enum acc_op_result result,
                     const char *message)
{
    struct look *l = look_new(w, cid);

    l->then_op = op;
    l->then_result = result;
    (void)snprintf(l->then_message, sizeof(l->then_message), "%s", message);
    look_start(l);
}

/* --- the list ------------------------------------------------------------------------------- */

static void list_maybe_done(struct world *w)
{
    struct acc_event event = {.type = ACC_EV_SNAPSHOT};

    if (!w->is_listing || w->n_list_pending > 0) {
        return;
    }
    w->is_listing = false;
    w->has_snapshot = true;
    w->first_look_ms = w->queue.now_ms < w->first_look_ms ? w->queue.now_ms : w->first_look_ms;
    world_step(w, &event);
    if (w->is_relist_due && w->engine && !w->is_listing) {
        world_list_start(w);
    }
}

static bool is_ours(const struct world *w, const struct twin_container *c)
{
    return c->exists && c->made.svc != ACC_NONE &&
           (c->made.svc < w->graph.model->n_services || world_leave_is_told(w, c->made.svc));
}

static void list_now(void *ctx, uint64_t life, uint64_t epoch)
{
    struct world *w = ctx;

    if (w->life != life || w->epoch != epoch || !w->engine || w->conn == WORLD_CONN_DOWN) {
        return;
    }
    if (w->twin.power != TWIN_UP) {
        sim_queue_in(&w->queue, 300, list_now, w, life, epoch);
        return;
    }
    w->n_list_pending = 1;
    for (size_t i = 0; i < w->twin.n; i++) {
        if (is_ours(w, w->twin.item[i])) {
            struct look *l = look_new(w, w->twin.item[i]->cid);

            l->is_list = true;
            w->n_list_pending++;
            sim_queue_in_own(&w->queue,
                             sim_rand_range(world_luck(w, l->svc), 1, w->is_chaos ? 400 : 20),
                             look_now, l);
        }
    }
    w->n_list_pending--;
    list_maybe_done(w);
}

void world_list_start(struct world *w)
{
    if (w->is_listing) {
        w->is_relist_due = true;
        return;
    }
    w->is_listing = true;
    w->is_relist_due = false;
    w->n_list_pending = 1; /* until it is there */
    sim_queue_in(&w->queue, sim_rand_range(world_stream(w, WORLD_STREAM_CONN), 1, 10), list_now, w,
                 w->life, w->epoch);
}

/* --- probes --------------------------------------------------------------------------------- */

struct probe {
    struct world *world;
    uint64_t life;
    uint64_t asked_ms;
    struct acc_action action;
};

static void probe_judge(const struct probe *p, struct acc_event *event)
{
    const struct world *w = p->world;
    const struct twin_container *c = twin_find(&w->twin, p->action.cid);
    bool is_there = c && c->state == ACC_CTR_RUNNING && c->proc.is_alive &&
                    w->twin.power != TWIN_DOWN && w->twin.power != TWIN_LEAVING;

    event->probe.op = p->action.op;
    event->probe.verdict = ACC_PROBE_UNKNOWN;
    event->probe.exit_code = -1;
    event->probe.output = "";
    if (!is_there || w->twin.power == TWIN_HUNG) {
        return;
    }
    event->probe.listens = c->proc.listens && world_spec(w, p->action.svc)->n_ports > 0;
    bool is_well = sim_proc_check(&c->proc) && !c->is_marked;

    switch (p->action.how) {
    case ACC_HOW_IDLE:
        event->probe.verdict = ACC_PROBE_PASS;
        break;
    case ACC_HOW_EXEC:
        event->probe.exit_code = is_well ? 0 : 1;
        event->probe.verdict = is_well ? ACC_PROBE_PASS : ACC_PROBE_FAIL;
        event->probe.output = is_well ? "ok" : "no";
        break;
    case ACC_HOW_LISTEN:
        if (world_spec(w, p->action.svc)->n_ports > 0) {
            event->probe.verdict = event->probe.listens ? ACC_PROBE_PASS : ACC_PROBE_FAIL;
        }
        break;
    case ACC_HOW_TCP:
    case ACC_HOW_HTTP:
        event->probe.verdict = c->proc.listens ? ACC_PROBE_PASS : ACC_PROBE_FAIL;
        break;
    }
}

static void probe_tell(void *ctx, uint64_t a, uint64_t b)
{
    struct probe *p = ctx;
    struct world *w = p->world;
    struct acc_event event = {.type = ACC_EV_PROBE};

    (void)a, (void)b;
    if (w->life != p->life || !w->engine) {
        free(p);
        return;
    }
    if (w->twin.power == TWIN_HUNG && w->queue.now_ms < p->asked_ms + 30000) {
        sim_queue_in_own(&w->queue, 1000, probe_tell, p);
        return;
    }
    probe_judge(p, &event);
    w->event_svc = p->action.svc;
    free(p);
    world_step(w, &event);
}

void world_send_probe(struct world *w, const struct acc_action *a)
{
    struct probe *p = calloc(1, sizeof(*p));

    acc_assert(p);
    *p = (struct probe){w, w->life, w->queue.now_ms, *a};
    if (a->op >= w->store.next_op) {
        w->store.next_op = a->op + 1;
    }
    sim_queue_in_own(&w->queue, sim_rand_range(world_luck(w, a->svc), 30, 150), probe_tell, p);
}

/* --- comparing ------------------------------------------------------------------------------ */

struct comparison {
    struct world *world;
    uint64_t life;
    struct acc_action action;
};

/* Another hash is another meaning. */
static void comparison_tell(void *ctx, uint64_t a, uint64_t b)
{
    struct comparison *c = ctx;
    struct world *w = c->world;
    struct acc_event event = {.type = ACC_EV_COMPARED};
    char cid[ACC_CID_LEN + 1];
    const struct twin_container *of;
    const char *spec;

    (void)a, (void)b;
    if (w->life != c->life || !w->engine) {
        free(c);
        return;
    }
    memcpy(cid, c->action.cid, sizeof(cid));
    event.compared.cid = cid;
    of = twin_find(&w->twin, cid);
    spec = world_spec(w, c->action.svc)->spec_hash;
    event.compared.spec = spec;
    event.compared.likeness = w->twin.power != TWIN_UP || !of         ? ACC_LIKE_UNKNOWN
                              : strcmp(of->made.spec_hash, spec) == 0 ? ACC_LIKE_SAME
                                                                      : ACC_LIKE_DIFFERENT;
    event.compared.text = event.compared.likeness == ACC_LIKE_DIFFERENT ? "command" : "";
    free(c);
    world_step(w, &event);
}

void world_compare(struct world *w, const struct acc_action *a)
{
    struct comparison *c = calloc(1, sizeof(*c));

    acc_assert(c);
    *c = (struct comparison){w, w->life, *a};
    sim_queue_in_own(&w->queue, sim_rand_range(world_luck(w, a->svc), 5, 60), comparison_tell, c);
}
