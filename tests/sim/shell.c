/* accd's shell, as daemon/ plays it: carries out actions, keeps the connection, the store. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/buf.h"
#include "lib/codec/docker_error.h"
#include "lib/drill/model_text.h"
#include "tests/sim/world.h"

/* What a step has not looked at is looked through now and then: it should be as it was. */
#define CHECK_ALL_EVERY 64u

#define TOKEN(world, op) (((world)->life << 40) | (op))

uint64_t world_life_of(uint64_t token)
{
    return token >> 40;
}

/* --- the store ----------------------------------------------------------------------------- */

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
    s->next_op = 1;
    w->version = array(n, sizeof(*w->version));
    for (size_t i = 0; i < n && w->options.upgrades; i++) {
        w->graph.model->services[i]->timing.upgrade_monitor = 60000;
        w->graph.model->services[i]->exclusive = i % 3 == 0 ? "its port" : NULL;
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
    free(w->version);
    w->version = NULL;
    *s = (struct world_store){0};
}

/* Only what was saved since the last time can differ. */
static void copy_store(struct world *w, bool back)
{
    size_t n_stacks = w->graph.model->n_stacks;
    struct world_store *s = &w->store;

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
    } else {
        memcpy(s->stack_durable, s->stack_latest, n_stacks * sizeof(*s->stack_latest));
        memcpy(s->stack_has_durable, s->stack_has_latest, n_stacks);
        s->maintenance_durable = s->maintenance_latest;
    }
}

static void mark_unsynced(struct world_store *s, uint32_t svc)
{
    if (!s->is_unsynced[svc]) {
        s->is_unsynced[svc] = true;
        s->unsynced[s->n_unsynced++] = svc;
    }
}

static uint32_t version_of(const char *image_id)
{
    const char *dash = strrchr(image_id, '-');

    return dash ? (uint32_t)strtoul(dash + 1, NULL, 10) : 0;
}

static void save_revision(struct world *w, const struct acc_action *a)
{
    struct world_store *s = &w->store;
    struct acc_revision_record record;
    size_t at = 0;

    if (!acc_engine_revision(w->engine, a->svc, a->revision, w->queue.now_ms, &record)) {
        world_fail(w, "revision %u of %s is to be saved and isn't known", a->revision,
                   world_service_id(w, a->svc));
        return;
    }
    if (record.result == ACC_REV_STABLE && record.by[0] &&
        world_is_bad(version_of(record.image_id))) {
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
    }
}

static void save(struct world *w, const struct acc_action *a)
{
    struct world_store *s = &w->store;
    uint64_t now_ms = w->queue.now_ms;

    if (a->type == ACC_ACT_SAVE_MAINTENANCE) {
        acc_engine_maintenance(w->engine, now_ms, &s->maintenance_latest);
    } else if (a->type == ACC_ACT_SAVE_STACK) {
        acc_engine_stack_record(w->engine, a->svc, &s->stack_latest[a->svc]);
        s->stack_has_latest[a->svc] = true;
    } else {
        acc_engine_service_record(w->engine, a->svc, now_ms, &s->latest[a->svc]);
        s->has_latest[a->svc] = true;
        mark_unsynced(s, a->svc);
        if (strcmp(s->latest[a->svc].id, world_service_id(w, a->svc)) != 0) {
            world_fail(w, "the record of %s says it is of %s", world_service_id(w, a->svc),
                       s->latest[a->svc].id);
        }
    }
    sim_queue_in(&w->queue, 20, sync_later, w, w->life, 0);
}

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

static void finish_op(struct world *w, uint64_t op, enum acc_op_result result, const char *cid,
                      const char *message);

static void list_maybe_done(struct world *w);

static bool look_is_void(const struct look *l)
{
    return l->world->life != l->life || !l->world->engine || l->world->epoch != l->epoch ||
           l->world->conn == WORLD_CONN_DOWN;
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
        finish_op(w, l->then_op, l->then_result, l->cid, l->then_message);
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
        if (!look_is_void(l) && l->then_op) {
            finish_op(w, l->then_op, l->then_result, l->cid, l->then_message);
        }
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

/* --- the list ------------------------------------------------------------------------------- */

static void list_start(struct world *w);

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
        list_start(w);
    }
}

static bool is_ours(const struct world *w, const struct twin_container *c)
{
    (void)w;
    return c->exists && c->made.svc != ACC_NONE;
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

static void list_start(struct world *w)
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

/* --- the connection ------------------------------------------------------------------------- */

static void conn_up(struct world *w)
{
    struct acc_event event = {.type = ACC_EV_CONN_UP};

    event.conn.fresh_engine = w->seen_boot != 0 && w->seen_boot != w->twin.boot;
    event.conn.live_restore = w->twin.live_restore;
    w->seen_boot = w->twin.boot;
    w->conn = WORLD_CONN_UP;
    w->epoch++;
    w->has_snapshot = false;
    w->is_listing = w->is_relist_due = false;
    world_step(w, &event);
    if (w->engine && w->conn == WORLD_CONN_UP && !w->is_listing) {
        list_start(w);
    }
}

static void lose_ops(struct world *w)
{
    for (size_t i = 0; i < WORLD_OPS_MAX && w->engine; i++) {
        if (w->op[i].is_used) {
            finish_op(w, w->op[i].action.op, ACC_OP_LOST, "", "the connection broke");
        }
    }
}

static void conn_down(struct world *w)
{
    struct acc_event event = {.type = ACC_EV_CONN_DOWN};
    bool ops_first = sim_rand_below(world_stream(w, WORLD_STREAM_CONN), 2) == 0;

    if (w->conn == WORLD_CONN_DOWN) {
        return;
    }
    if (ops_first) {
        lose_ops(w);
    }
    w->conn = WORLD_CONN_DOWN;
    w->has_snapshot = false;
    world_step(w, &event);
    lose_ops(w);
}

static void try_connect(void *ctx, uint64_t life, uint64_t b)
{
    struct world *w = ctx;

    (void)b;
    if (w->life != life || !w->engine || w->conn != WORLD_CONN_DOWN) {
        return;
    }
    if (w->twin.power != TWIN_UP) {
        sim_queue_in(&w->queue, sim_rand_range(world_stream(w, WORLD_STREAM_CONN), 50, 1000),
                     try_connect, w, life, 0);
        return;
    }
    conn_up(w);
}

static void notice_down(void *ctx, uint64_t life, uint64_t boot)
{
    struct world *w = ctx;

    if (w->life == life && w->engine && w->conn != WORLD_CONN_DOWN &&
        (w->twin.power != TWIN_UP || w->twin.boot != boot)) {
        conn_down(w);
        sim_queue_in(&w->queue, sim_rand_range(world_stream(w, WORLD_STREAM_CONN), 50, 500),
                     try_connect, w, w->life, 0);
    }
}

static void notice_hang(void *ctx, uint64_t life, uint64_t boot)
{
    struct world *w = ctx;
    struct acc_event event = {.type = ACC_EV_CONN_DEGRADED};

    if (w->life == life && w->engine && w->conn == WORLD_CONN_UP && w->twin.power == TWIN_HUNG &&
        w->twin.boot == boot) {
        w->conn = WORLD_CONN_DEGRADED;
        world_step(w, &event);
    }
}

static void notice_thaw(void *ctx, uint64_t life, uint64_t boot)
{
    struct world *w = ctx;

    if (w->life == life && w->engine && w->conn == WORLD_CONN_DEGRADED &&
        w->twin.power == TWIN_UP && w->twin.boot == boot) {
        conn_up(w);
    }
}

static void on_power(void *ctx, enum twin_power power)
{
    static const char *const names[] = {"up", "hung", "leaving", "down"};
    struct world *w = ctx;
    uint64_t boot = w->twin.boot;

    world_trace(w, "dockerd is %s%s", names[power], w->twin.live_restore ? " (live-restore)" : "");
    oracle_disturb_all(&w->oracle);
    switch (power) {
    case TWIN_UP:
        sim_queue_in(&w->queue, sim_rand_range(world_stream(w, WORLD_STREAM_CONN), 1, 3000),
                     notice_thaw, w, w->life, boot);
        break;
    case TWIN_HUNG: /* three pings without an answer */
        sim_queue_in(&w->queue, sim_rand_range(world_stream(w, WORLD_STREAM_CONN), 5000, 15000),
                     notice_hang, w, w->life, boot);
        break;
    case TWIN_LEAVING: /* a ping finds no socket */
        sim_queue_in(&w->queue, sim_rand_range(world_stream(w, WORLD_STREAM_CONN), 1, 6000),
                     notice_down, w, w->life, boot);
        break;
    case TWIN_DOWN: /* the stream ends */
        sim_queue_in(&w->queue, sim_rand_range(world_stream(w, WORLD_STREAM_CONN), 1, 10),
                     notice_down, w, w->life, boot);
        break;
    }
}

void world_break_stream(struct world *w)
{
    if (w->engine && w->conn != WORLD_CONN_DOWN) {
        oracle_disturb_all(&w->oracle);
        conn_down(w);
        sim_queue_in(&w->queue, sim_rand_range(world_stream(w, WORLD_STREAM_CONN), 1, 2000),
                     try_connect, w, w->life, 0);
    }
}

static void on_hint(void *ctx, const struct twin_hint *hint)
{
    struct world *w = ctx;
    struct twin_container *c = twin_find_ever(&w->twin, hint->cid);
    struct acc_event event = {.type = hint->is_destroy ? ACC_EV_GONE : ACC_EV_HINT};

    if (!w->engine || w->conn == WORLD_CONN_DOWN || !c || c->made.svc == ACC_NONE) {
        return;
    }
    event.hint.cid = hint->cid;
    event.hint.hint = hint->hint;
    event.hint.exit_code = hint->exit_code;
    event.hint.signal = hint->signal;
    event.hint.time_ns = hint->time_ns;
    world_step(w, &event);
}

/* --- operations ----------------------------------------------------------------------------- */

static struct world_op *op_find(struct world *w, uint64_t op)
{
    for (size_t i = 0; i < WORLD_OPS_MAX; i++) {
        if (w->op[i].is_used && w->op[i].action.op == op) {
            return &w->op[i];
        }
    }
    return NULL;
}

static void finish_op(struct world *w, uint64_t op, enum acc_op_result result, const char *cid,
                      const char *message)
{
    struct world_op *o = op_find(w, op);
    struct acc_event event = {.type = ACC_EV_OP_DONE};

    if (!o) {
        return;
    }
    o->is_used = false;
    w->event_svc = o->action.svc;
    event.op.op = op;
    event.op.result = result;
    event.op.cid = cid;
    event.op.message = message;
    world_step(w, &event);
}

static const enum acc_docker_call call_of[TWIN_VERB_COUNT] = {
    [TWIN_CREATE] = ACC_CALL_CREATE,       [TWIN_START] = ACC_CALL_START,
    [TWIN_STOP] = ACC_CALL_STOP,           [TWIN_KILL] = ACC_CALL_KILL,
    [TWIN_REMOVE] = ACC_CALL_REMOVE,       [TWIN_UNPAUSE] = ACC_CALL_UNPAUSE,
    [TWIN_UPDATE] = ACC_CALL_UPDATE,       [TWIN_ENSURE] = ACC_CALL_PULL,
    [TWIN_DROP] = ACC_CALL_NETWORK_REMOVE, [TWIN_RENAME] = ACC_CALL_RENAME,
    [TWIN_ROUTE] = ACC_CALL_CONNECT,       [TWIN_DRAIN] = ACC_CALL_EXEC_CREATE,
    [TWIN_UNDRAIN] = ACC_CALL_EXEC_CREATE,
};

static void on_answer(void *ctx, const struct twin_answer *answer)
{
    struct world *w = ctx;
    uint64_t op = answer->token & ((UINT64_C(1) << 40) - 1);
    struct world_op *o = op_find(w, op);
    enum acc_op_result result = answer->status < 0
                                    ? ACC_OP_LOST
                                    : acc_docker_result(call_of[answer->verb], answer->status,
                                                        answer->message);
    char cid[ACC_CID_LEN + 1] = "";
    struct look *l;

    if (world_life_of(answer->token) != w->life || !o || !w->engine || w->conn == WORLD_CONN_DOWN) {
        return;
    }
    memcpy(cid, o->action.cid, sizeof(cid));
    if (answer->verb == TWIN_CREATE) {
        memcpy(cid, answer->cid, sizeof(cid));
        (void)acc_docker_conflict_holder(answer->message, cid);
    }
    if (result == ACC_OP_LOST || cid[0] == '\0') {
        finish_op(w, op, result, cid, answer->message);
        return;
    }
    /* as daemon/out/docker_op.c: look at it first, then tell the end */
    l = look_new(w, cid);
    l->then_op = op;
    l->then_result = result;
    (void)snprintf(l->then_message, sizeof(l->then_message), "%s", answer->message);
    look_start(l);
}

static void op_late(void *ctx, uint64_t life, uint64_t op)
{
    struct world *w = ctx;
    struct world_op *o = w->life == life ? op_find(w, op) : NULL;
    struct acc_event event = {.type = ACC_EV_OP_LATE};

    if (o && w->engine) {
        o->is_late = true;
        w->event_svc = o->action.svc;
        event.op.op = op;
        event.op.result = ACC_OP_LOST;
        event.op.cid = o->action.cid;
        event.op.message = "";
        world_step(w, &event);
    }
}

/* daemon/out/docker_op.h */
static uint64_t patience_ms(const struct acc_action *a)
{
    switch (a->type) {
    case ACC_ACT_UPGRADE_HOOK:
    case ACC_ACT_PULL:
        return 0; /* no total, either */
    case ACC_ACT_START:
    case ACC_ACT_REMOVE:
        return 120000;
    case ACC_ACT_STOP:
        return a->grace_ms + 60000;
    case ACC_ACT_SET_POLICY:
        return 15000;
    case ACC_ACT_ENSURE_RESOURCE:
        return 0; /* a pull has no total */
    default:
        return 30000;
    }
}

static const char *bound_cid(struct world *w, uint32_t svc)
{
    const struct acc_service_spec *spec = w->graph.model->services[svc];

    for (size_t i = 0; i < spec->n_edges; i++) {
        if (spec->edges[i].kind == ACC_EDGE_BINDS) {
            const char *cid = acc_engine_container_id(w->engine, spec->edges[i].target);

            return cid ? cid : "none";
        }
    }
    return "";
}

/* The twin's images: "sha256:<service>-<version>". */
static void image_of(const struct world *w, const struct acc_action *a, char *out, size_t size)
{
    if (a->image_id[0]) {
        (void)snprintf(out, size, "%s", a->image_id);
    } else {
        (void)snprintf(out, size, "sha256:%" PRIu32 "-%" PRIu32, a->svc, w->version[a->svc]);
    }
}

bool world_is_bad(uint32_t version)
{
    return version % 4 == 3;
}

bool world_has_role(const char *name)
{
    const char *dot = strrchr(name, '.');

    return dot && (strncmp(dot, ".c", 2) == 0 || strncmp(dot, ".r", 2) == 0 ||
                   strncmp(dot, ".bad", 4) == 0);
}

/* It is made anew in its watch; not of what its file says meanwhile. */
static bool is_of_watch(struct world *w, uint32_t svc)
{
    struct acc_service_record record;

    acc_engine_service_record(w->engine, svc, w->queue.now_ms, &record);
    return strcmp(record.rollout.spec, w->graph.model->services[svc]->spec_hash) == 0;
}

static void fill_create(struct world *w, const struct acc_action *a, struct twin_create *made)
{
    struct acc_service_view view;

    *made = (struct twin_create){.svc = a->svc, .number = a->slot, .is_ours = true, .op = a->op};
    (void)snprintf(made->name, sizeof(made->name), "%s", a->name);
    (void)snprintf(made->bound_cid, sizeof(made->bound_cid), "%s", bound_cid(w, a->svc));
    made->policy = ACC_RESTART_NO;
    made->revision = a->revision;
    made->unrouted = a->unrouted;
    if (w->options.upgrades) {
        acc_engine_service(w->engine, a->svc, w->queue.now_ms, &view);
        image_of(w, a, made->image_id, sizeof(made->image_id));
        memcpy(made->spec_hash, w->graph.model->services[a->svc]->spec_hash,
               sizeof(made->spec_hash));
        made->is_bad = (world_is_bad(version_of(made->image_id)) ||
                        world_is_bad_spec(made->spec_hash)) &&
                       (w->is_chaos || world_has_role(made->name) ||
                        (view.step == ACC_ROLL_WATCH && is_of_watch(w, a->svc)));
    }
}

static bool to_call(struct world *w, const struct acc_action *a, struct twin_call *call)
{
    *call = (struct twin_call){.token = TOKEN(w, a->op), .res = a->res, .signal = 9};
    memcpy(call->cid, a->cid, sizeof(call->cid));
    switch (a->type) {
    case ACC_ACT_CREATE:
        call->verb = TWIN_CREATE;
        fill_create(w, a, &call->create);
        return true;
    case ACC_ACT_START:
        call->verb = TWIN_START;
        return true;
    case ACC_ACT_STOP:
        call->verb = TWIN_STOP;
        call->grace_ms = a->grace_ms;
        return true;
    case ACC_ACT_KILL:
        call->verb = TWIN_KILL;
        return true;
    case ACC_ACT_REMOVE:
        call->verb = TWIN_REMOVE;
        return true;
    case ACC_ACT_UNPAUSE:
        call->verb = TWIN_UNPAUSE;
        return true;
    case ACC_ACT_ROUTE:
        call->verb = TWIN_ROUTE;
        return true;
    case ACC_ACT_DRAIN:
    case ACC_ACT_UNDRAIN:
        call->verb = a->type == ACC_ACT_DRAIN ? TWIN_DRAIN : TWIN_UNDRAIN;
        return true;
    case ACC_ACT_RENAME:
        call->verb = TWIN_RENAME;
        (void)snprintf(call->name, sizeof(call->name), "%s", a->name);
        return true;
    case ACC_ACT_SET_POLICY:
        call->verb = TWIN_UPDATE;
        call->policy = a->policy.policy;
        call->restart_max = a->policy.max;
        return true;
    case ACC_ACT_ENSURE_RESOURCE:
        call->verb = TWIN_ENSURE;
        return true;
    case ACC_ACT_REMOVE_RESOURCE:
        call->verb = TWIN_DROP;
        return true;
    default:
        return false;
    }
}

bool world_is_mutating(enum acc_action_type type)
{
    return type >= ACC_ACT_ENSURE_RESOURCE && type <= ACC_ACT_RENAME;
}

/* The registry: it knows what the tag means when the pull ends, or fails. */
static void pulled(void *ctx, uint64_t life, uint64_t op)
{
    struct world *w = ctx;
    struct world_op *o = w->life == life ? op_find(w, op) : NULL;
    char image_id[ACC_HASH_LEN + 8];

    if (!o || !w->engine || w->conn == WORLD_CONN_DOWN) {
        return;
    }
    image_of(w, &o->action, image_id, sizeof(image_id));
    if (sim_rand_chance(world_luck(w, o->action.svc), w->twin.quirks.pull_fails)) {
        finish_op(w, op, ACC_OP_START, "", "toomanyrequests");
    } else {
        finish_op(w, op, ACC_OP_OK, image_id, "");
    }
}

/* Commands around an upgrade: well, or not. */
static void hooked(void *ctx, uint64_t life, uint64_t op)
{
    struct world *w = ctx;
    const struct world_op *o = w->life == life ? op_find(w, op) : NULL;

    if (o && w->engine && w->conn != WORLD_CONN_DOWN) {
        bool fails = sim_rand_chance(world_luck(w, o->action.svc), w->twin.quirks.pull_fails);

        finish_op(w, op, fails ? ACC_OP_FAILED : ACC_OP_OK, "", "hook");
    }
}

static void send_op(struct world *w, const struct acc_action *a)
{
    struct twin_call call;
    size_t i = 0;

    while (i < WORLD_OPS_MAX && w->op[i].is_used) {
        i++;
    }
    if (i == WORLD_OPS_MAX) {
        world_fail(w, "I18: more than %u operations in flight", WORLD_OPS_MAX);
        return;
    }
    w->op[i] = (struct world_op){.is_used = true, .action = *a, .sent_ms = w->queue.now_ms};
    if (a->op >= w->store.next_op) {
        w->store.next_op = a->op + 1;
    }
    if (patience_ms(a) > 0) {
        sim_queue_in(&w->queue, patience_ms(a), op_late, w, w->life, a->op);
    }
    if (a->type == ACC_ACT_UPGRADE_HOOK) {
        sim_queue_in(&w->queue, sim_rand_range(world_luck(w, a->svc), 50, 20000), hooked, w,
                     w->life, a->op);
    } else if (a->type == ACC_ACT_PULL) {
        sim_queue_in(&w->queue, sim_rand_range(world_luck(w, a->svc), 50, 20000), pulled, w,
                     w->life, a->op);
    } else if (to_call(w, a, &call)) {
        twin_call(&w->twin, &call);
    }
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
    event->probe.listens = c->proc.listens && w->graph.model->services[p->action.svc]->n_ports > 0;
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
        if (w->graph.model->services[p->action.svc]->n_ports > 0) {
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

static void send_probe(struct world *w, const struct acc_action *a)
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
    spec = w->graph.model->services[c->action.svc]->spec_hash;
    event.compared.spec = spec;
    event.compared.likeness = w->twin.power != TWIN_UP || !of         ? ACC_LIKE_UNKNOWN
                              : strcmp(of->made.spec_hash, spec) == 0 ? ACC_LIKE_SAME
                                                                      : ACC_LIKE_DIFFERENT;
    event.compared.text = event.compared.likeness == ACC_LIKE_DIFFERENT ? "command" : "";
    free(c);
    world_step(w, &event);
}

static void compare(struct world *w, const struct acc_action *a)
{
    struct comparison *c = calloc(1, sizeof(*c));

    acc_assert(c);
    *c = (struct comparison){w, w->life, *a};
    sim_queue_in_own(&w->queue, sim_rand_range(world_luck(w, a->svc), 5, 60), comparison_tell, c);
}

/* --- actions -------------------------------------------------------------------------------- */

static void trace_action(struct world *w, const struct acc_action *a)
{
    char what[ACC_NOTE_MAX + 64] = "";

    if (!w->options.trace || a->type == ACC_ACT_INSPECT || a->type == ACC_ACT_LIST ||
        a->type == ACC_ACT_SAVE_SERVICE) {
        return;
    }
    if (a->type == ACC_ACT_JOURNAL || a->type == ACC_ACT_JOURNAL_END ||
        (a->type != ACC_ACT_SAVE_STACK && cut_has_service(w, a->svc))) {
        return;
    }
    if (a->type == ACC_ACT_NOTE) {
        (void)snprintf(what, sizeof(what), "%s", a->note.text);
    } else if (a->type == ACC_ACT_INCIDENT) {
        struct acc_incident_view view;

        if (acc_engine_incident(w->engine, a->incident.id, &view)) {
            (void)snprintf(what, sizeof(what), "%s phase %d: %.100s", view.root, a->incident.phase,
                           view.cause);
        }
    } else if (a->type == ACC_ACT_CREATE) {
        (void)snprintf(what, sizeof(what), "%s", a->name);
    } else if (a->cid[0]) {
        (void)snprintf(what, sizeof(what), "%.8s", a->cid);
    }
    world_trace(w, "    %s %s op %" PRIu64 " %s", acc_action_type_name(a->type),
                a->svc == ACC_NONE              ? "-"
                : a->type == ACC_ACT_SAVE_STACK ? "stack"
                                                : world_service_id(w, a->svc),
                a->op, what);
}

static void execute(struct world *w, const struct acc_action *a)
{
    struct look *l;

    trace_action(w, a);
    switch (a->type) {
    case ACC_ACT_JOURNAL:
        w->store.n_open++;
        w->store.next_op = a->op >= w->store.next_op ? a->op + 1 : w->store.next_op;
        break;
    case ACC_ACT_JOURNAL_END:
        w->store.n_open -= w->store.n_open > 0 ? 1 : 0;
        break;
    case ACC_ACT_SAVE_REVISION:
        save_revision(w, a);
        break;
    case ACC_ACT_SAVE_SERVICE:
    case ACC_ACT_SAVE_STACK:
    case ACC_ACT_SAVE_MAINTENANCE:
        save(w, a);
        break;
    case ACC_ACT_INSPECT:
        l = look_new(w, a->cid);
        l->manual_stop = a->manual_stop;
        look_start(l);
        break;
    case ACC_ACT_LIST:
        list_start(w);
        break;
    case ACC_ACT_COMPARE:
        compare(w, a);
        break;
    case ACC_ACT_PROBE:
        send_probe(w, a);
        break;
    case ACC_ACT_START: /* waits for nothing */
        send_op(w, a);
        break;
    case ACC_ACT_ENSURE_RESOURCE:
    case ACC_ACT_REMOVE_RESOURCE:
    case ACC_ACT_CREATE:
    case ACC_ACT_STOP:
    case ACC_ACT_KILL:
    case ACC_ACT_REMOVE:
    case ACC_ACT_UNPAUSE:
    case ACC_ACT_UPDATE:
    case ACC_ACT_SET_POLICY:
    case ACC_ACT_UPGRADE_HOOK:
    case ACC_ACT_PULL:
    case ACC_ACT_ROUTE:
    case ACC_ACT_DRAIN:
    case ACC_ACT_UNDRAIN:
    case ACC_ACT_RENAME:
    case ACC_ACT_HOOK:
        copy_store(w, false); /* what comes before it is durable when it is sent */
        send_op(w, a);
        break;
    case ACC_ACT_LOOK_UP: /* registries are not simulated */
    case ACC_ACT_NOTE:
    case ACC_ACT_INCIDENT:
        break;
    }
}

static void trace_event(struct world *w, const struct acc_event *e)
{
    static const char *const names[ACC_EV_TYPE_COUNT] = {
        "conn-up", "conn-down", "conn-degraded", "snapshot", "obs",      "gone",
        "hint",    "op-done",   "op-late",       "probe",    "compared", "looked",
        "clock",   "cmd",       "timeout",       "shutdown", "host"};
    static const char *const hints[] = {"dirty", "die",    "stop",  "kill",    "oom",
                                        "start", "create", "pause", "unpause", "health"};
    static const char *const states[] = {"created",  "running", "paused", "restarting",
                                         "removing", "exited",  "dead"};
    char what[200] = "";

    if (!w->options.trace || e->type == ACC_EV_TIMEOUT) {
        return;
    }
    if (e->type == ACC_EV_OBS) {
        (void)snprintf(what, sizeof(what), "%.8s %.100s %s exit %d health %d manual %d",
                       e->obs->cid, e->obs->name, states[e->obs->state], e->obs->exit_code,
                       e->obs->health, e->obs->manually_stopped);
    } else if (e->type == ACC_EV_HINT) {
        (void)snprintf(what, sizeof(what), "%.8s %s", e->hint.cid, hints[e->hint.hint]);
    } else if (e->type == ACC_EV_GONE) {
        (void)snprintf(what, sizeof(what), "%.8s", e->hint.cid);
    } else if (e->type == ACC_EV_OP_DONE || e->type == ACC_EV_OP_LATE) {
        (void)snprintf(what, sizeof(what), "%" PRIu64 " result %d %.8s %.80s", e->op.op,
                       e->op.result, e->op.cid, e->op.message);
    } else if (e->type == ACC_EV_PROBE) {
        (void)snprintf(what, sizeof(what), "%" PRIu64 " verdict %d listens %d", e->probe.op,
                       e->probe.verdict, e->probe.listens);
    } else if (e->type == ACC_EV_SHUTDOWN) {
        (void)snprintf(what, sizeof(what), "%s", e->shutdown.is_cancelled ? "is called off" : "");
    } else if (e->type == ACC_EV_CMD) {
        (void)snprintf(what, sizeof(what), "%s", acc_verb_name(e->cmd.verb));
    }
    world_trace(w, "  > %s %s", names[e->type], what);
}

static void count_action(struct world *w, const struct acc_action *a)
{
    w->n_actions++;
    if (world_is_mutating(a->type)) {
        w->n_mutations++;
        w->last_mutation_ms = w->queue.now_ms;
    }
}

static struct acc_model *copy_model(const struct acc_model *model)
{
    struct acc_model_text text = {0};
    struct acc_model *copy = NULL;
    struct acc_buf lines;
    char *rest;
    int r;

    acc_buf_init(&lines, 64u << 20);
    r = acc_model_text_put(model, &lines);
    rest = lines.data;
    for (char *line; r == 0 && (line = strsep(&rest, "\n"));) {
        char *name = line + strcspn(line, " ");
        char *words = name;

        *name ? *name++ = '\0' : 0;
        words = name + strcspn(name, " ");
        if (strcmp(line, "resource") == 0) {
            r = acc_model_text_resource(&text, name);
            continue;
        }
        *words ? *words++ = '\0' : 0;
        r = strcmp(line, "phase") == 0     ? acc_model_text_phase(&text, name, words)
            : strcmp(line, "stack") == 0   ? acc_model_text_stack(&text, name)
            : strcmp(line, "service") == 0 ? acc_model_text_service(&text, name, words)
                                           : 0;
    }
    acc_buf_reset(&lines);
    r = r == 0 ? acc_model_text_build(&text, &copy, &lines) : r;
    acc_assert(r == 0);
    acc_buf_fini(&lines);
    acc_model_text_fini(&text);
    return copy;
}

/* What is written of the engine and its configuration is all of it: the copy goes on, and nobody
 * can tell. */
static void take_copy(struct world *w)
{
    struct acc_model *model = copy_model(w->graph.model);
    struct acc_engine *copy = NULL;
    struct acc_buf text;
    int r;

    acc_buf_init(&text, 64u << 20);
    r = acc_engine_state_put(w->engine, true, &text);
    acc_assert(r == 0);
    r = acc_engine_create_from(model, text.data, &copy);
    acc_buf_fini(&text);
    acc_model_destroy(model);
    if (r < 0) {
        world_fail(w, "the saved state can't be read: %d", r);
        return;
    }
    w->engine = acc_engine_destroy(w->engine);
    w->engine = copy;
}

void world_step(struct world *w, struct acc_event *event)
{
    if (!w->engine || w->is_failed) {
        return;
    }
    event->now_ms = w->queue.now_ms;
    trace_event(w, event);
    oracle_before_step(&w->oracle, event);
    if (w->options.coverage) {
        coverage_event(w->options.coverage, w, event);
    }
    acc_engine_step(w->engine, event, &w->actions);
    acc_engine_check_step(w->engine);
    if (w->n_steps % CHECK_ALL_EVERY == 0) {
        acc_engine_check(w->engine);
    }
    w->n_steps++;
    if (w->options.copy_every && w->n_steps % w->options.copy_every == 0) {
        take_copy(w);
    }
    oracle_after_step(&w->oracle, event);
    for (size_t i = 0; i < w->actions.n && w->is_failed; i++) {
        trace_action(w, &w->actions.item[i]); /* what is wrong is one of them */
    }
    if (w->options.coverage) {
        coverage_actions(w->options.coverage, w);
    }
    for (size_t i = 0; i < w->actions.n && !w->is_failed; i++) {
        if (w->crash_in > 0 && --w->crash_in == 0) {
            bool lost = sim_rand_below(world_stream(w, WORLD_STREAM_ACCD), 100) <
                        w->faults.store_lost_pct;

            world_accd_kill(w,
                            sim_rand_below(world_stream(w, WORLD_STREAM_ACCD), 100) <
                                w->faults.store_torn_pct,
                            lost);
            if (event->type == ACC_EV_CMD) {
                oracle_doubt_command(&w->oracle); /* nobody was told that it was taken */
            }
            return;
        }
        count_action(w, &w->actions.item[i]);
        execute(w, &w->actions.item[i]);
    }
}

/* --- accd lives and dies -------------------------------------------------------------------- */

static void restore(struct world *w)
{
    struct world_store *s = &w->store;

    acc_engine_restore_maintenance(w->engine, &s->maintenance_latest);
    for (size_t i = 0; i < w->graph.model->n_services; i++) {
        if (s->has_latest[i] && !acc_engine_restore_service(w->engine, &s->latest[i])) {
            world_fail(w, "the saved record of %s was not taken", world_service_id(w, (uint32_t)i));
        }
    }
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

void world_accd_start(struct world *w)
{
    struct acc_engine_options options = {.seed = sim_rand_u64(world_stream(w, WORLD_STREAM_ACCD)),
                                         .first_op = w->store.next_op,
                                         .observe_new = w->observe_new};
    int r;

    if (w->engine) {
        return;
    }
    w->life++;
    w->first_look_ms = UINT64_MAX;
    w->n_lives++;
    w->conn = WORLD_CONN_DOWN;
    w->seen_boot = 0;
    memset(w->op, 0, sizeof(w->op));
    w->is_listing = w->is_relist_due = false;
    world_trace(w, "accd starts, life %" PRIu64, w->life);
    r = acc_engine_create(w->graph.model, &options, &w->engine);
    acc_assert(r == 0);
    restore(w);
    for (size_t i = 0; i < w->graph.model->n_services; i++) {
        w->oracle.service[i].was_tried = false;
    }
    w->oracle.has_begun = 0;
    oracle_disturb_all(&w->oracle);
    w->oracle.last_op = options.first_op - 1;
    world_host_tell_all(w);
    world_shutdown_tell(w);
    sim_queue_in(&w->queue, sim_rand_range(world_stream(w, WORLD_STREAM_CONN), 5, 500), try_connect,
                 w, w->life, 0);
}

static void start_again(void *ctx, uint64_t life, uint64_t b)
{
    struct world *w = ctx;

    (void)b;
    if (w->life == life && !w->stays_dead) {
        world_accd_start(w);
    }
}

void world_accd_kill(struct world *w, bool torn, bool lost)
{
    struct world_store *s = &w->store;

    if (!w->engine) {
        return;
    }
    world_trace(w, "accd is killed%s%s", torn ? ", store torn" : "", lost ? ", store lost" : "");
    w->hash = (w->hash ^ acc_engine_trace_hash(w->engine)) * UINT64_C(0x100000001b3);
    w->engine = acc_engine_destroy(w->engine);
    w->conn = WORLD_CONN_DOWN;
    w->crash_in = 0;
    s->n_open = 0;
    oracle_disturb_all(&w->oracle);
    sim_queue_in(&w->queue, sim_rand_range(world_stream(w, WORLD_STREAM_ACCD), 100, 20000),
                 start_again, w, w->life, 0);
    if (torn || lost) {
        if (lost) {
            memset(s->has_durable, 0, w->graph.model->n_services);
            memset(s->has_latest, 0, w->graph.model->n_services);
            memset(s->stack_has_durable, 0, w->graph.model->n_stacks);
            s->maintenance_durable = (struct acc_hold_record){.kind = ACC_HOLD_NONE};
            w->store_was_lost = true;
            s->n_revisions = 0;
        }
        copy_store(w, true);
        oracle_lose_store(&w->oracle, lost);
    }
}

static void on_ran(void *ctx, const struct twin_container *c)
{
    struct world *w = ctx;

    world_trace(w, "* %s %.8s runs%s", c->name, c->cid,
                c->by_policy                     ? " by its policy"
                : c->start_token == TWIN_FOREIGN ? " by hand"
                                                 : "");
    oracle_ran(&w->oracle, c);
}

static void on_ended(void *ctx, const struct twin_container *c)
{
    struct world *w = ctx;

    world_trace(w, "* %s %.8s ended", c->name, c->cid);
    oracle_ended(&w->oracle, c);
    if (w->options.coverage) {
        coverage_crash(w->options.coverage, w, c);
    }
}

struct twin_listener world_listener(struct world *w)
{
    return (struct twin_listener){.answer = on_answer,
                                  .hint = on_hint,
                                  .power = on_power,
                                  .ran = on_ran,
                                  .ended = on_ended,
                                  .ctx = w};
}
