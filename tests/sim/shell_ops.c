/* Operations of accd: from the action to Docker's answer. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/codec/docker_error.h"
#include "tests/sim/oracle_internal.h"
#include "tests/sim/shell_internal.h"

#define TOKEN(world, op) (((world)->life << 40) | (op))

uint64_t world_life_of(uint64_t token)
{
    return token >> 40;
}

static struct world_op *op_find(struct world *w, uint64_t op)
{
    for (size_t i = 0; i < WORLD_OPS_MAX; i++) {
        if (w->op[i].is_used && w->op[i].action.op == op) {
            return &w->op[i];
        }
    }
    return NULL;
}

void world_finish_op(struct world *w, uint64_t op, enum acc_op_result result, const char *cid,
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

void world_on_answer(void *ctx, const struct twin_answer *answer)
{
    struct world *w = ctx;
    uint64_t op = answer->token & ((UINT64_C(1) << 40) - 1);
    struct world_op *o = op_find(w, op);
    enum acc_op_result result = answer->status < 0
                                    ? ACC_OP_LOST
                                    : acc_docker_result(call_of[answer->verb], answer->status,
                                                        answer->message);
    char cid[ACC_CID_LEN + 1] = "";

    if (world_life_of(answer->token) != w->life || !o || !w->engine || w->conn == WORLD_CONN_DOWN) {
        return;
    }
    memcpy(cid, o->action.cid, sizeof(cid));
    if (answer->verb == TWIN_START && acc_docker_misses_another(answer->message, cid)) {
        result = ACC_OP_START;
    }
    if (answer->verb == TWIN_CREATE) {
        memcpy(cid, answer->cid, sizeof(cid));
        (void)acc_docker_conflict_holder(answer->message, cid);
    }
    if (result == ACC_OP_LOST || cid[0] == '\0') {
        world_finish_op(w, op, result, cid, answer->message);
        return;
    }
    world_look_then(w, cid, op, result, answer->message);
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

static void fill_bound(struct world *w, uint32_t svc, struct twin_create *made)
{
    const struct acc_service_spec *spec = w->graph.model->services[svc];
    size_t n = 0;

    for (size_t i = 0; i < spec->n_edges && n < TWIN_BOUND_MAX; i++) {
        if (spec->edges[i].kind == ACC_EDGE_BINDS) {
            const char *cid = acc_engine_container_id(w->engine, spec->edges[i].target);

            (void)snprintf(made->bound_cid[n++], sizeof(made->bound_cid[0]), "%s",
                           cid ? cid : "none");
        }
    }
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

/* Where one of the slot is there it has the data, and the next one goes on with them. */
static uint32_t volume_of(struct world *w, uint32_t svc, uint32_t slot)
{
    char text[ACC_OBS_VOLUMES_MAX + 1];
    const char *name;

    acc_engine_heirs(w->engine, svc, slot, text);
    name = strchr(text, '\t');
    for (size_t i = 0; i < w->twin.n && !name; i++) {
        const struct twin_container *other = w->twin.item[i];

        if (oracle_is_slot(other, svc, slot) && other->made.is_ours && other->made.volume &&
            other->started_ns && other->state != ACC_CTR_REMOVING) {
            world_fail(w, "V1: %s has the data of slot %u of %s, and the next one begins without",
                       other->name, slot, world_service_id(w, svc));
        }
    }
    return name ? (uint32_t)strtoul(name + 1 + 56, NULL, 16) : 0; /* the last 8 of 64 digits */
}

static void fill_create(struct world *w, const struct acc_action *a, struct twin_create *made)
{
    struct acc_service_view view;

    *made = (struct twin_create){.svc = a->svc, .number = a->slot, .is_ours = true, .op = a->op};
    (void)snprintf(made->name, sizeof(made->name), "%s", a->name);
    fill_bound(w, a->svc, made);
    made->policy = ACC_RESTART_NO;
    made->revision = a->revision;
    made->unrouted = a->unrouted;
    made->volume = volume_of(w, a->svc, a->slot);
    if (w->options.upgrades) {
        acc_engine_service(w->engine, a->svc, w->queue.now_ms, &view);
        image_of(w, a, made->image_id, sizeof(made->image_id));
        memcpy(made->spec_hash, w->graph.model->services[a->svc]->spec_hash,
               sizeof(made->spec_hash));
        made->is_bad = (world_is_bad(world_image_version(made->image_id)) ||
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
    if (!o->action.image_id[0] && o->action.digest[0]) {
        (void)snprintf(image_id, sizeof(image_id), "%s", o->action.digest);
    }
    if (o->action.is_local && !o->action.image_id[0] &&
        !twin_image_exists(&w->twin, o->action.svc)) {
        world_finish_op(w, op, ACC_OP_GONE, "", "its image was removed meanwhile");
        return;
    }
    if (sim_rand_chance(world_luck(w, o->action.svc), w->twin.quirks.pull_fails)) {
        world_finish_op(w, op, ACC_OP_START, "", "toomanyrequests");
    } else if (w->twin.disk_is_full) {
        world_finish_op(w, op, ACC_OP_START, "", "no space left on device");
    } else {
        /* A digest is what a registry calls it; here it is the image's id. */
        world_finish_op(w, op, ACC_OP_OK, image_id, world_has_autos(&w->options) ? image_id : "");
    }
}

/* Commands around an upgrade: well, or not. */
static void hooked(void *ctx, uint64_t life, uint64_t op)
{
    struct world *w = ctx;
    const struct world_op *o = w->life == life ? op_find(w, op) : NULL;

    if (o && w->engine && w->conn != WORLD_CONN_DOWN) {
        bool fails = sim_rand_chance(world_luck(w, o->action.svc), w->twin.quirks.pull_fails);

        world_finish_op(w, op, fails ? ACC_OP_FAILED : ACC_OP_OK, "", "hook");
    }
}

void world_send_op(struct world *w, const struct acc_action *a)
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

void world_lose_ops(struct world *w)
{
    for (size_t i = 0; i < WORLD_OPS_MAX && w->engine; i++) {
        if (w->op[i].is_used) {
            world_finish_op(w, w->op[i].action.op, ACC_OP_LOST, "", "the connection broke");
        }
    }
}
