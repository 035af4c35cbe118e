#include "tests/unit/stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"

#define CLOCK_START_NS 1700000000000000000ll

static void take(struct stage *stage, const struct acc_action *action);

/* --- the queue of answers ----------------------------------------------------------------------
 */

static struct acc_event *push(struct stage *stage, enum acc_event_type type)
{
    acc_assert(stage->n_queue < STAGE_QUEUE_MAX);
    struct acc_event *event = &stage->queue[stage->n_queue++];

    *event = (struct acc_event){.type = type};
    return event;
}

static const char *keep_cid(struct stage *stage, const char *cid)
{
    char *copy = stage->queue_cid[stage->n_queue - 1];

    (void)snprintf(copy, ACC_CID_LEN + 1, "%s", cid);
    return copy;
}

static void push_obs(struct stage *stage, const struct acc_obs *obs)
{
    struct acc_event *event = push(stage, ACC_EV_OBS);

    stage->queue_obs[stage->n_queue - 1] = *obs;
    event->obs = &stage->queue_obs[stage->n_queue - 1];
}

static void push_done(struct stage *stage, uint64_t op, enum acc_op_result result, const char *cid,
                      const char *message)
{
    struct acc_event *event = push(stage, ACC_EV_OP_DONE);

    event->op.op = op;
    event->op.result = result;
    event->op.cid = keep_cid(stage, cid);
    event->op.message = message ? message : "";
}

static void step(struct stage *stage, struct acc_event *event)
{
    size_t n_turns = 0;
    struct acc_event again = {.type = ACC_EV_TIMEOUT, .now_ms = stage->now_ms};

    event->now_ms = stage->now_ms;
    do {
        acc_engine_step(stage->engine, event, &stage->actions);
        acc_engine_check(stage->engine);
        for (size_t i = 0; i < stage->actions.n; i++) {
            take(stage, &stage->actions.item[i]);
        }
        event = &again;
        acc_assert(n_turns++ < 1000); /* "call me again now" without an end */
    } while (acc_engine_deadline(stage->engine) <= stage->now_ms && stage->n_queue == 0);
}

static void drain(struct stage *stage)
{
    static struct acc_event queue[STAGE_QUEUE_MAX];
    static struct acc_obs obs[STAGE_QUEUE_MAX];
    static char cids[STAGE_QUEUE_MAX][ACC_CID_LEN + 1];

    for (unsigned turn = 0; stage->n_queue > 0; turn++) {
        size_t n = stage->n_queue;

        acc_assert(turn < 1000); /* question and answer without an end */
        memcpy(queue, stage->queue, n * sizeof(queue[0]));
        memcpy(obs, stage->queue_obs, n * sizeof(obs[0]));
        memcpy(cids, stage->queue_cid, n * sizeof(cids[0]));
        stage->n_queue = 0;
        for (size_t i = 0; i < n; i++) {
            if (queue[i].type == ACC_EV_OBS) {
                queue[i].obs = &obs[i];
            } else if (queue[i].type == ACC_EV_OP_DONE) {
                queue[i].op.cid = cids[i];
            } else if (queue[i].type == ACC_EV_GONE || queue[i].type == ACC_EV_HINT) {
                queue[i].hint.cid = cids[i];
            } else if (queue[i].type == ACC_EV_COMPARED) {
                queue[i].compared.cid = cids[i];
            }
            step(stage, &queue[i]);
        }
    }
}

static void event_now(struct stage *stage, struct acc_event *event)
{
    step(stage, event);
    drain(stage);
}

/* --- containers --------------------------------------------------------------------------------
 */

static int64_t tick(struct stage *stage)
{
    return stage->clock_ns += 1000;
}

static struct stage_container *by_cid(struct stage *stage, const char *cid)
{
    for (size_t i = 0; i < STAGE_CONTAINERS_MAX; i++) {
        if (stage->container[i].exists && strcmp(stage->container[i].obs.cid, cid) == 0) {
            return &stage->container[i];
        }
    }
    return NULL;
}

static struct stage_container *by_name(struct stage *stage, const char *name)
{
    for (size_t i = 0; i < STAGE_CONTAINERS_MAX; i++) {
        const char *own = stage->container[i].obs.name;
        size_t len = strcspn(name, "*"); /* "s-web-1.c*" is the first that begins so */

        if (stage->container[i].exists && strncmp(own, name, len) == 0 &&
            (name[len] == '*' || own[len] == '\0')) {
            return &stage->container[i];
        }
    }
    return NULL;
}

static struct stage_container *make(struct stage *stage, uint32_t svc, uint32_t slot,
                                    const char *name)
{
    const struct acc_service_spec *spec = stage->model->services[svc];
    struct stage_container *c = NULL;

    for (size_t i = 0; i < STAGE_CONTAINERS_MAX && !c; i++) {
        c = stage->container[i].exists ? NULL : &stage->container[i];
    }
    acc_assert(c);
    *c = (struct stage_container){.exists = true, .svc = svc};
    (void)snprintf(c->obs.cid, sizeof(c->obs.cid), "%064x", ++stage->n_cids);
    (void)snprintf(c->obs.name, sizeof(c->obs.name), "%s", name);
    (void)snprintf(c->obs.project, sizeof(c->obs.project), "%s", spec->stack);
    (void)snprintf(c->obs.service, sizeof(c->obs.service), "%s", spec->name);
    (void)snprintf(c->obs.image_ref, sizeof(c->obs.image_ref), "%s", spec->image);
    c->obs.number = slot;
    c->obs.state = ACC_CTR_CREATED;
    c->obs.restart = ACC_RESTART_NO;
    c->obs.has_health = spec->health.set;
    c->obs.interval_ms = c->obs.timeout_ms = 30000;
    c->obs.retries = 3;
    c->obs.health = spec->health.set ? ACC_DH_STARTING : ACC_DH_NONE;
    c->obs.n_ports = spec->n_ports;
    return c;
}

static void begin_run(struct stage *stage, struct stage_container *c)
{
    c->obs.state = ACC_CTR_RUNNING;
    c->obs.started_ns = tick(stage);
    c->obs.pid = 1000;
    c->obs.health = c->obs.has_health ? ACC_DH_STARTING : ACC_DH_NONE;
    c->manual = c->is_marked = false;
}

static void end_run(struct stage *stage, struct stage_container *c, int32_t code)
{
    c->obs.state = ACC_CTR_EXITED;
    c->obs.exit_code = code;
    c->obs.finished_ns = tick(stage);
    c->obs.pid = 0;
}

/* --- what the engine asks ----------------------------------------------------------------------
 */

static const char *nick(const struct stage *stage, const struct acc_action *action, char *text,
                        size_t size)
{
    const struct acc_service_spec *spec = action->svc < stage->model->n_services
                                              ? stage->model->services[action->svc]
                                              : NULL;

    if (!spec) {
        (void)snprintf(text, size, "%s", "?");
    } else if (spec->replicas > 1 && action->slot != ACC_NONE) {
        (void)snprintf(text, size, "%s#%u", spec->name, action->slot);
    } else {
        (void)snprintf(text, size, "%s", spec->name);
    }
    return text;
}

static void trace(struct stage *stage, const struct acc_action *action)
{
    char name[300];

    (void)acc_buf_printf(&stage->trace, "%s %s; ", acc_action_type_name(action->type),
                         nick(stage, action, name, sizeof(name)));
}

static const char *tag_of(const struct stage *stage, uint32_t svc)
{
    return stage->service[svc].image[0] ? stage->service[svc].image : "img1";
}

static void do_pull(struct stage *stage, const struct acc_action *action)
{
    const struct stage_service *service = &stage->service[action->svc];

    trace(stage, action);
    if (service->silent) {
        return;
    }
    if (service->is_pruned && action->is_local) {
        push_done(stage, action->op, ACC_OP_GONE, "", "its image was removed meanwhile");
        return;
    }
    push_done(stage, action->op, service->pull,
              action->image_id[0] ? action->image_id : tag_of(stage, action->svc),
              service->pull != ACC_OP_OK                  ? service->message
              : action->digest[0] && !action->image_id[0] ? action->digest
                                                          : "sha256:digest");
    if (action->from_id[0]) {
        stage->queue[stage->n_queue - 1].op.from_digest = "sha256:before";
    }
}

static void do_hook(struct stage *stage, const struct acc_action *action)
{
    const struct stage_service *service = &stage->service[action->svc];

    (void)acc_buf_printf(&stage->trace, "%s %s; ", action->is_post ? "post" : "pre",
                         by_cid(stage, action->cid)->obs.image_id);
    if (!service->hangs) {
        push_done(stage, action->op, action->is_post ? service->post : service->pre, action->cid,
                  "hook said so");
    }
}

static void do_rename(struct stage *stage, const struct acc_action *action)
{
    struct stage_container *c = by_cid(stage, action->cid);
    struct stage_container *holder = by_name(stage, action->name);

    if (!c || holder) {
        push_done(stage, action->op, c ? ACC_OP_CONFLICT : ACC_OP_GONE, "", "name in use");
        return;
    }
    (void)snprintf(c->obs.name, sizeof(c->obs.name), "%s", action->name);
    push_obs(stage, &c->obs);
    push_done(stage, action->op, ACC_OP_OK, action->cid, "");
}

static void save_revision(struct stage *stage, const struct acc_action *action)
{
    struct acc_revision_record record = {0};
    size_t at = 0;

    if (!acc_engine_revision(stage->engine, action->svc, action->revision, stage->now_ms,
                             &record) ||
        record.is_attempt) {
        stage->n_attempts += record.is_attempt;
        return;
    }
    while (at < stage->n_revisions && (stage->revision[at].number != record.number ||
                                       strcmp(stage->revision[at].id, record.id) != 0)) {
        at++;
    }
    acc_assert(at < 32);
    stage->n_revisions = at == stage->n_revisions ? at + 1 : stage->n_revisions;
    stage->revision[at] = record;
}

static void bind(const struct stage *stage, struct stage_container *c)
{
    const struct acc_service_spec *spec = stage->model->services[c->svc];
    size_t len = 0;

    for (size_t k = 0; k < spec->n_edges; k++) {
        if (spec->edges[k].kind == ACC_EDGE_BINDS) {
            len += (size_t)snprintf(c->obs.shares + len, sizeof(c->obs.shares) - len, "%s\n",
                                    acc_engine_container_id(stage->engine, spec->edges[k].target));
        }
    }
}

static void do_create(struct stage *stage, const struct acc_action *action)
{
    const struct stage_service *service = &stage->service[action->svc];
    struct stage_container *holder = by_name(stage, action->name);

    if (holder) {
        push_done(stage, action->op, ACC_OP_CONFLICT, holder->obs.cid,
                  "Conflict. The name is taken");
        return;
    }
    if (service->create != ACC_OP_OK) {
        push_done(stage, action->op, service->create, "", service->message);
        return;
    }
    struct stage_container *c = make(stage, action->svc, action->slot, action->name);

    (void)snprintf(c->obs.spec_hash, sizeof(c->obs.spec_hash), "%s",
                   stage->model->services[action->svc]->spec_hash);
    (void)snprintf(c->obs.op, sizeof(c->obs.op), "%llu", (unsigned long long)action->op);
    (void)snprintf(c->obs.revision, sizeof(c->obs.revision), "%u", action->revision);
    (void)snprintf(c->obs.image_id, sizeof(c->obs.image_id), "%s",
                   action->image_id[0] ? action->image_id : tag_of(stage, action->svc));
    if (action->image[0]) {
        memcpy(c->obs.image_ref, action->image, sizeof(c->obs.image_ref));
    }
    c->obs.unrouted = action->unrouted;
    bind(stage, c);
    push_obs(stage, &c->obs);
    push_done(stage, action->op, ACC_OP_OK, c->obs.cid, "");
}

static void do_route(struct stage *stage, const struct acc_action *action)
{
    struct stage_container *c = by_cid(stage, action->cid);
    enum acc_op_result result = c ? stage->service[action->svc].route : ACC_OP_GONE;

    if (c && result == ACC_OP_OK) {
        c->obs.unrouted = false;
        push_obs(stage, &c->obs);
    }
    push_done(stage, action->op, result, action->cid,
              result == ACC_OP_START ? stage->service[action->svc].message : "");
}

static void do_drain(struct stage *stage, const struct acc_action *action)
{
    struct stage_container *c = by_cid(stage, action->cid);
    enum acc_op_result result = c ? stage->service[action->svc].drain : ACC_OP_GONE;

    if (c && result == ACC_OP_OK) {
        c->is_marked = action->type == ACC_ACT_DRAIN;
    }
    push_done(stage, action->op, result, action->cid, "no such command");
}

static bool is_of(const struct stage_container *c, const char *image_or_spec)
{
    return image_or_spec[0] && (strcmp(image_or_spec, c->obs.image_id) == 0 ||
                                strcmp(image_or_spec, c->obs.spec_hash) == 0);
}

static void do_start(struct stage *stage, const struct acc_action *action)
{
    const struct stage_service *service = &stage->service[action->svc];
    struct stage_container *c = by_cid(stage, action->cid);

    if (!c) {
        push_done(stage, action->op, ACC_OP_GONE, action->cid, "No such container");
        return;
    }
    if (service->start != ACC_OP_OK) {
        push_done(stage, action->op, service->start, action->cid, service->message);
        return;
    }
    if (c->obs.state == ACC_CTR_RUNNING) {
        push_done(stage, action->op, ACC_OP_NOT_MODIFIED, action->cid, "");
        return;
    }
    begin_run(stage, c);
    if (is_of(c, service->bad_image)) {
        struct acc_event *event;

        end_run(stage, c, 1);
        event = push(stage, ACC_EV_HINT);
        event->hint.cid = keep_cid(stage, c->obs.cid);
        event->hint.hint = ACC_HINT_DIE;
        event->hint.exit_code = 1;
        event->hint.time_ns = tick(stage);
    }
    push_obs(stage, &c->obs);
    push_done(stage, action->op, ACC_OP_OK, action->cid, "");
}

static void do_stop(struct stage *stage, const struct acc_action *action)
{
    struct stage_container *c = by_cid(stage, action->cid);

    if (c && c->obs.state != ACC_CTR_EXITED &&
        (action->type == ACC_ACT_KILL || !stage->service[action->svc].ignores_stop)) {
        end_run(stage, c, action->type == ACC_ACT_KILL ? 137 : 143);
        c->manual = true;
    }
    if (c) {
        push_obs(stage, &c->obs);
    }
    push_done(stage, action->op, c ? ACC_OP_OK : ACC_OP_GONE, action->cid, "");
}

static void do_inspect(struct stage *stage, const struct acc_action *action)
{
    struct stage_container *c = by_cid(stage, action->cid);

    if (!c) {
        struct acc_event *event = push(stage, ACC_EV_GONE);

        event->hint.cid = keep_cid(stage, action->cid);
        return;
    }
    push_obs(stage, &c->obs);
    if (action->manual_stop && !stage->service[c->svc].no_manual_flag) {
        stage->queue_obs[stage->n_queue - 1].manually_stopped = c->manual ? ACC_YES : ACC_NO;
    }
}

static void do_list(struct stage *stage)
{
    for (size_t i = 0; i < STAGE_CONTAINERS_MAX; i++) {
        if (stage->container[i].exists) {
            push_obs(stage, &stage->container[i].obs);
        }
    }
    (void)push(stage, ACC_EV_SNAPSHOT);
}

static void do_probe(struct stage *stage, const struct acc_action *action)
{
    const struct stage_service *service = &stage->service[action->svc];
    struct acc_event *event = push(stage, ACC_EV_PROBE);

    struct stage_container *c = by_cid(stage, action->cid);
    bool is_sick = c && is_of(c, service->sick_image);

    event->probe.op = action->op;
    event->probe.verdict = action->how == ACC_HOW_IDLE
                               ? service->is_busy ? ACC_PROBE_FAIL : ACC_PROBE_PASS
                           : is_sick || (c && c->is_marked) ? ACC_PROBE_FAIL
                                                            : service->probe;
    event->probe.listens = service->listens;
    event->probe.output = service->probe == ACC_PROBE_PASS ? "" : "not yet";
    event->probe.exit_code = service->probe == ACC_PROBE_PASS ? 0 : 1;
}

static void do_policy(struct stage *stage, const struct acc_action *action)
{
    struct stage_container *c = by_cid(stage, action->cid);

    if (c) {
        c->obs.restart = action->policy.policy;
        c->obs.restart_max = action->policy.max;
    }
    push_done(stage, action->op, c ? ACC_OP_OK : ACC_OP_GONE, action->cid, "");
}

static void do_compare(struct stage *stage, const struct acc_action *action)
{
    struct acc_event *event;

    if (stage->show_compare) {
        trace(stage, action);
    }
    if (stage->service[action->svc].silent) {
        return;
    }
    memcpy(stage->service[action->svc].banned, action->image_id, sizeof(action->image_id));
    event = push(stage, ACC_EV_COMPARED);
    event->compared.cid = keep_cid(stage, action->cid);
    event->compared.spec = stage->model->services[action->svc]->spec_hash;
    event->compared.likeness = stage->service[action->svc].likeness;
    event->compared.text = event->compared.likeness >= ACC_LIKE_LIVE ? "memory none -> 64 MiB" : "";
}

static void looked(struct stage *stage, uint32_t svc)
{
    const struct stage_service *service = &stage->service[svc];
    struct acc_event *event = push(stage, ACC_EV_LOOKED);

    event->looked.service = stage->model->services[svc]->id;
    event->looked.image = stage->model->services[svc]->image;
    event->looked.news = service->registry_fails ? ACC_NEWS_UNKNOWN
                         : service->registry[0]  ? ACC_NEWS_OTHER
                                                 : ACC_NEWS_NONE;
    event->looked.digest = service->registry;
    event->looked.reason = service->registry_fails ? service->registry_fails : "";
}

static void look_up(struct stage *stage, const struct acc_action *action)
{
    trace(stage, action);
    looked(stage, action->svc);
}

static void do_update(struct stage *stage, const struct acc_action *action)
{
    struct stage_service *service = &stage->service[action->svc];

    if (!service->resists) {
        service->likeness = ACC_LIKE_SAME;
    }
    push_done(stage, action->op, by_cid(stage, action->cid) ? ACC_OP_OK : ACC_OP_GONE, action->cid,
              "");
}

static void save(struct stage *stage, const struct acc_action *action)
{
    if (action->type == ACC_ACT_SAVE_STACK) {
        acc_engine_stack_record(stage->engine, action->svc, &stage->stack_record[action->svc]);
        stage->has_stack_record[action->svc] = true;
    } else if (action->svc < 64) {
        acc_engine_service_record(stage->engine, action->svc, stage->now_ms,
                                  &stage->record[action->svc]);
        stage->has_record[action->svc] = true;
    }
}

static void tell_incident(struct stage *stage, const struct acc_action *action)
{
    static const char *const phases[] = {"opened", "notified", "closed"};
    struct acc_incident_view view;

    acc_assert(acc_engine_incident(stage->engine, action->incident.id, &view));
    const char *slash = strrchr(view.root, '/');

    (void)acc_buf_printf(&stage->incidents, "%s %s; ", slash ? slash + 1 : view.root,
                         phases[action->incident.phase]);
}

static void operate(struct stage *stage, const struct acc_action *action)
{
    trace(stage, action);
    stage->last_op[action->svc] = action->op;
    if (stage->service[action->svc].silent) {
        return;
    }
    if (action->type == ACC_ACT_CREATE) {
        do_create(stage, action);
    } else if (action->type == ACC_ACT_START) {
        do_start(stage, action);
    } else if (action->type == ACC_ACT_REMOVE) {
        struct stage_container *c = by_cid(stage, action->cid);

        if (c) {
            c->exists = false;
        }
        push_done(stage, action->op, c ? ACC_OP_OK : ACC_OP_GONE, action->cid, "");
    } else if (action->type == ACC_ACT_DRAIN || action->type == ACC_ACT_UNDRAIN) {
        do_drain(stage, action);
    } else if (action->type == ACC_ACT_ROUTE) {
        do_route(stage, action);
    } else if (action->type == ACC_ACT_RENAME) {
        do_rename(stage, action);
    } else if (action->type == ACC_ACT_SET_POLICY) {
        do_policy(stage, action);
    } else if (action->type == ACC_ACT_UPDATE) {
        do_update(stage, action);
    } else if (action->type == ACC_ACT_UNPAUSE) {
        struct stage_container *c = by_cid(stage, action->cid);

        acc_assert(c);
        c->obs.state = ACC_CTR_RUNNING;
        push_done(stage, action->op, ACC_OP_OK, action->cid, "");
    } else {
        do_stop(stage, action);
    }
}

static void ensure(struct stage *stage, const struct acc_action *action)
{
    if (stage->show_ensure || action->type == ACC_ACT_REMOVE_RESOURCE) {
        (void)acc_buf_printf(&stage->trace, "%s %s; ", acc_action_type_name(action->type),
                             stage->model->resources[action->res]->name);
    }
    bool is_pull = action->type == ACC_ACT_ENSURE_RESOURCE &&
                   stage->model->resources[action->res]->kind == ACC_RES_IMAGE &&
                   (!stage->pull_of ||
                    strcmp(stage->model->resources[action->res]->name, stage->pull_of) == 0);

    if (stage->no_network && stage->model->resources[action->res]->kind == ACC_RES_NETWORK) {
        push_done(stage, action->op, ACC_OP_FAILED, "", stage->no_network);
        return;
    }
    for (size_t i = 0; is_pull && stage->pull == ACC_OP_OK && i < stage->model->n_services; i++) {
        stage->service[i].is_pruned = false;
    }
    push_done(stage, action->op, is_pull ? stage->pull : ACC_OP_OK, "", stage->pull_message);
}

static bool changes_the_world(enum acc_action_type type)
{
    return type >= ACC_ACT_ENSURE_RESOURCE && type <= ACC_ACT_RENAME;
}

static void take(struct stage *stage, const struct acc_action *action)
{
    if (stage->kill_after == 0) {
        return; /* accd is dead */
    }
    if (stage->kill_after > 0 && changes_the_world(action->type) && --stage->kill_after == 0) {
        return;
    }
    switch (action->type) {
    case ACC_ACT_JOURNAL:
    case ACC_ACT_JOURNAL_END:
        if (stage->show_journal) {
            (void)acc_buf_printf(&stage->trace, "%s %s; ", acc_action_type_name(action->type),
                                 acc_action_type_name(action->what));
        }
        break;
    case ACC_ACT_SAVE_SERVICE:
    case ACC_ACT_SAVE_STACK:
        save(stage, action);
        break;
    case ACC_ACT_SAVE_MAINTENANCE:
        break;
    case ACC_ACT_INSPECT:
        if (stage->show_look) {
            trace(stage, action);
        }
        do_inspect(stage, action);
        break;
    case ACC_ACT_LIST:
        do_list(stage);
        break;
    case ACC_ACT_COMPARE:
        do_compare(stage, action);
        break;
    case ACC_ACT_PROBE:
        if (stage->show_probe) {
            trace(stage, action);
        }
        do_probe(stage, action);
        break;
    case ACC_ACT_ENSURE_RESOURCE:
    case ACC_ACT_REMOVE_RESOURCE:
        ensure(stage, action);
        break;
    case ACC_ACT_CREATE:
    case ACC_ACT_START:
    case ACC_ACT_STOP:
    case ACC_ACT_KILL:
    case ACC_ACT_REMOVE:
    case ACC_ACT_UNPAUSE:
    case ACC_ACT_UPDATE:
    case ACC_ACT_SET_POLICY:
    case ACC_ACT_ROUTE:
    case ACC_ACT_DRAIN:
    case ACC_ACT_UNDRAIN:
    case ACC_ACT_RENAME:
    case ACC_ACT_HOOK:
        operate(stage, action);
        break;
    case ACC_ACT_UPGRADE_HOOK:
        do_hook(stage, action);
        break;
    case ACC_ACT_PULL:
        do_pull(stage, action);
        break;
    case ACC_ACT_SAVE_REVISION:
        save_revision(stage, action);
        break;
    case ACC_ACT_LOOK_UP:
        look_up(stage, action);
        break;
    case ACC_ACT_NOTE:
        (void)acc_buf_printf(&stage->notes, "%s\n", action->note.text);
        break;
    case ACC_ACT_INCIDENT:
        tell_incident(stage, action);
        break;
    }
}

/* --- the test's side ---------------------------------------------------------------------------
 */

static void make_engine(struct stage *stage, uint64_t first_op)
{
    struct acc_engine_options options = {
        .seed = 1, .first_op = first_op, .observe_new = stage->observe_new};

    acc_assert(acc_engine_create(stage->model, &options, &stage->engine) == 0);
}

void stage_open(struct stage *stage, struct acc_model *model)
{
    bool observe_new = stage->observe_new;

    memset(stage, 0, sizeof(*stage));
    stage->observe_new = observe_new;
    stage->kill_after = -1;
    stage->model = model;
    stage->now_ms = 1000000;
    stage->clock_ns = CLOCK_START_NS;
    stage->actions.cap = ACC_ACTIONS_MIN;
    stage->actions.item = calloc(stage->actions.cap, sizeof(*stage->actions.item));
    acc_assert(stage->actions.item);
    for (size_t i = 0; i < 64; i++) {
        stage->service[i].probe = ACC_PROBE_PASS;
        stage->service[i].likeness = ACC_LIKE_DIFFERENT;
        stage->service[i].listens = true;
    }
    acc_buf_init(&stage->trace, 1u << 20);
    acc_buf_init(&stage->notes, 1u << 20);
    acc_buf_init(&stage->incidents, 1u << 20);
    make_engine(stage, 1);
}

void stage_close(struct stage *stage)
{
    stage->engine = acc_engine_destroy(stage->engine);
    stage->model = acc_model_destroy(stage->model);
    free(stage->actions.item);
    acc_buf_fini(&stage->trace);
    acc_buf_fini(&stage->notes);
    acc_buf_fini(&stage->incidents);
    memset(stage, 0, sizeof(*stage));
}

void stage_up(struct stage *stage, const char *text)
{
    stage_open(stage, model_build(text));
    stage_connect(stage, false);
}

void stage_connect(struct stage *stage, bool fresh_engine)
{
    struct acc_event event = {.type = ACC_EV_CONN_UP};

    event.conn.fresh_engine = fresh_engine;
    step(stage, &event);
    do_list(stage);
    drain(stage);
}

void stage_answer(struct stage *stage, const char *name, enum acc_op_result result)
{
    uint32_t svc = stage_index(stage, name);
    const char *message = stage->service[svc].message;

    push_done(stage, stage->last_op[svc], result, "", message ? message : "");
    stage_run(stage, 0);
}

void stage_event(struct stage *stage, enum acc_event_type type)
{
    struct acc_event event = {.type = type};

    event_now(stage, &event);
}

void stage_shut_down(struct stage *stage, uint64_t budget_ms)
{
    struct acc_event event = {.type = ACC_EV_SHUTDOWN};

    event.shutdown.budget_ms = budget_ms;
    event_now(stage, &event);
}

void stage_run(struct stage *stage, uint64_t ms)
{
    uint64_t end_ms = stage->now_ms + ms;

    drain(stage);
    for (;;) {
        uint64_t due_ms = acc_engine_deadline(stage->engine);

        if (due_ms > end_ms) {
            break;
        }
        stage->now_ms = due_ms > stage->now_ms ? due_ms : stage->now_ms;
        stage_event(stage, ACC_EV_TIMEOUT);
    }
    stage->now_ms = end_ms;
}

void stage_restart_accd(struct stage *stage)
{
    stage->engine = acc_engine_destroy(stage->engine);
    stage->n_queue = 0;
    stage->kill_after = -1;
    make_engine(stage, 1000000);
    for (size_t i = 0; i < stage->model->n_services; i++) {
        if (stage->has_record[i]) {
            acc_assert(acc_engine_restore_service(stage->engine, &stage->record[i]));
        }
    }
    for (size_t i = 0; i < stage->n_revisions; i++) {
        if (stage->revision[i].result == ACC_REV_STABLE) {
            acc_assert(acc_engine_restore_revision(stage->engine, &stage->revision[i]));
        }
    }
    for (size_t i = 0; i < stage->model->n_stacks; i++) {
        if (stage->has_stack_record[i]) {
            acc_assert(acc_engine_restore_stack(stage->engine, &stage->stack_record[i]));
        }
    }
}

void stage_reconfigure(struct stage *stage, struct acc_model *model)
{
    acc_assert(acc_engine_reconfigure(stage->engine, model, NULL, 0, stage->now_ms) == 0);
    for (size_t i = 0; i < STAGE_CONTAINERS_MAX; i++) {
        bool ambiguous;

        stage->container[i].svc = acc_model_find(model, stage->container[i].obs.service,
                                                 &ambiguous);
    }
    acc_model_destroy(stage->model);
    stage->model = model;
    acc_engine_check(stage->engine);
    stage_run(stage, 0);
}

void stage_cmd(struct stage *stage, enum acc_verb verb, const char *target, const char *flags)
{
    uint8_t selected[128] = {0};
    const char *nearest;
    bool is_stack;
    struct acc_event event = {.type = ACC_EV_CMD};

    acc_assert(acc_engine_n_services(stage->engine) <= sizeof(selected));
    acc_assert(acc_engine_select(stage->engine, target, NULL, selected, &is_stack, &nearest) ==
               ACC_SELECT_OK);
    event.cmd = (struct acc_cmd){.verb = verb,
                                 .selected = selected,
                                 .with_dependents = strchr(flags, 'd') != NULL,
                                 .volumes = strchr(flags, 'v') != NULL,
                                 .whole_stack = is_stack || target[0] == '\0',
                                 .by = "root"};
    event_now(stage, &event);
}

void stage_hold(struct stage *stage, enum acc_verb verb, const char *name, enum acc_hold kind,
                uint64_t for_ms)
{
    uint8_t selected[128] = {0};
    struct acc_event event = {.type = ACC_EV_CMD};

    if (name) {
        selected[stage_index(stage, name)] = 1;
    }
    event.cmd = (struct acc_cmd){
        .verb = verb, .selected = selected, .hold = kind, .for_ms = for_ms, .by = "root"};
    event_now(stage, &event);
}

void stage_upgrade(struct stage *stage, enum acc_verb verb, const char *name, const char *image,
                   uint32_t revision)
{
    uint8_t selected[128] = {0};
    struct acc_event event = {.type = ACC_EV_CMD};

    selected[stage_index(stage, name)] = 1;
    event.cmd = (struct acc_cmd){
        .verb = verb, .selected = selected, .revision = revision, .by = "root"};
    (void)snprintf(event.cmd.image, sizeof(event.cmd.image), "%s", image);
    event_now(stage, &event);
}

void stage_decide(struct stage *stage, enum acc_verb verb, const char *name)
{
    uint8_t selected[128] = {0};
    struct acc_event event = {.type = ACC_EV_CMD};

    selected[stage_index(stage, name)] = 1;
    event.cmd = (struct acc_cmd){.verb = verb,
                                 .selected = selected,
                                 .by = "root",
                                 .yes = verb == ACC_VERB_ROLLBACK,
                                 .keep = verb == ACC_VERB_UPGRADE};
    event_now(stage, &event);
}

struct stage_container *stage_named(struct stage *stage, const char *name)
{
    return by_name(stage, name);
}

static int by_their_names(const void *a, const void *b)
{
    const struct stage_container *const *x = a, *const *y = b;

    return strcmp((*x)->obs.name, (*y)->obs.name);
}

const char *stage_containers(struct stage *stage)
{
    static const char *const states[] = {"created",  "running", "paused", "restarting",
                                         "removing", "exited",  "dead"};
    static char text[4096];
    struct stage_container *all[STAGE_CONTAINERS_MAX];
    size_t n = 0, len = 0;

    for (size_t i = 0; i < STAGE_CONTAINERS_MAX; i++) {
        if (stage->container[i].exists) {
            all[n++] = &stage->container[i];
        }
    }
    qsort(all, n, sizeof(all[0]), by_their_names);
    text[0] = '\0';
    for (size_t i = 0; i < n; i++) {
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s %s %s r%s; ", all[i]->obs.name,
                                states[all[i]->obs.state], all[i]->obs.image_id,
                                all[i]->obs.revision);
    }
    return text;
}

uint32_t stage_index(const struct stage *stage, const char *name)
{
    return model_index(stage->model, name);
}

struct stage_container *stage_of(struct stage *stage, const char *name)
{
    char copy[64];
    uint32_t slot = 1;

    (void)snprintf(copy, sizeof(copy), "%s", name);
    char *hash = strchr(copy, '#');

    if (hash) {
        *hash = '\0';
        slot = (uint32_t)strtoul(hash + 1, NULL, 10);
    }
    uint32_t svc = stage_index(stage, copy);

    for (size_t i = 0; i < STAGE_CONTAINERS_MAX; i++) {
        if (stage->container[i].exists && stage->container[i].svc == svc &&
            stage->container[i].obs.number == slot) {
            return &stage->container[i];
        }
    }
    (void)fprintf(stderr, "no container of %s\n", name);
    abort();
}

struct stage_container *stage_add(struct stage *stage, const char *name, bool running)
{
    uint32_t svc = stage_index(stage, name);
    char container[128];

    (void)snprintf(container, sizeof(container), "%s-%s-1", stage->model->services[svc]->stack,
                   stage->model->services[svc]->name);
    struct stage_container *c = make(stage, svc, 1, container);

    c->obs.restart = stage->model->services[svc]->restart;
    if (running) {
        begin_run(stage, c);
    }
    return c;
}

void stage_tell(struct stage *stage, const struct stage_container *container)
{
    push_obs(stage, &container->obs);
    drain(stage);
}

void stage_hint(struct stage *stage, const struct stage_container *container, enum acc_hint hint)
{
    struct acc_event event = {.type = ACC_EV_HINT};

    event.hint.cid = container->obs.cid;
    event.hint.hint = hint;
    event.hint.exit_code = hint == ACC_HINT_DIE ? container->obs.exit_code : -1;
    event.hint.signal = hint == ACC_HINT_KILL ? 15 : 0;
    event.hint.time_ns = tick(stage);
    event_now(stage, &event);
}

void stage_exit_of(struct stage *stage, struct stage_container *c, int32_t code)
{
    end_run(stage, c, code);
    stage_hint(stage, c, ACC_HINT_DIE);
}

void stage_exit(struct stage *stage, const char *name, int32_t code)
{
    stage_exit_of(stage, stage_of(stage, name), code);
}

void stage_docker_stop_of(struct stage *stage, struct stage_container *c)
{
    stage_hint(stage, c, ACC_HINT_KILL);
    c->manual = true;
    stage_exit_of(stage, c, 143);
    stage_hint(stage, c, ACC_HINT_STOP);
}

void stage_docker_stop(struct stage *stage, const char *name)
{
    stage_docker_stop_of(stage, stage_of(stage, name));
}

void stage_docker_start(struct stage *stage, const char *name)
{
    stage_start_of(stage, stage_of(stage, name));
}

void stage_start_of(struct stage *stage, struct stage_container *c)
{
    begin_run(stage, c);
    stage_hint(stage, c, ACC_HINT_START);
}

void stage_docker_rm(struct stage *stage, const char *name)
{
    stage_rm_of(stage, stage_of(stage, name));
}

void stage_rm_of(struct stage *stage, struct stage_container *c)
{
    struct acc_event event = {.type = ACC_EV_GONE};

    c->exists = false;
    event.hint.cid = c->obs.cid;
    event_now(stage, &event);
}

void stage_health(struct stage *stage, const char *name, enum acc_docker_health health)
{
    struct stage_container *c = stage_of(stage, name);

    c->obs.health = health;
    c->obs.health_start_ns = tick(stage);
    c->obs.health_end_ns = tick(stage);
    c->obs.health_exit = health == ACC_DH_UNHEALTHY;
    c->obs.failing_streak = health == ACC_DH_UNHEALTHY ? c->obs.retries : 0;
    (void)snprintf(c->obs.health_output, sizeof(c->obs.health_output), "%s",
                   health == ACC_DH_UNHEALTHY ? "connection refused" : "ok");
    stage_hint(stage, c, ACC_HINT_HEALTH);
}

enum acc_svc_state stage_state(const struct stage *stage, const char *name)
{
    struct acc_service_view view;

    acc_engine_service(stage->engine, stage_index(stage, name), stage->now_ms, &view);
    return view.state;
}

const char *stage_reason(const struct stage *stage, const char *name)
{
    static struct acc_service_view view;

    acc_engine_service(stage->engine, stage_index(stage, name), stage->now_ms, &view);
    return view.reason;
}

static const char *flush(struct acc_buf *buf)
{
    static char text[1u << 16];

    (void)snprintf(text, sizeof(text), "%s", buf->data ? buf->data : "");
    acc_buf_reset(buf);
    return text;
}

const char *stage_trace(struct stage *stage)
{
    return flush(&stage->trace);
}

const char *stage_notes(struct stage *stage)
{
    return flush(&stage->notes);
}

const char *stage_incidents(struct stage *stage)
{
    return flush(&stage->incidents);
}

void stage_outdated(struct stage *stage, const char *name)
{
    looked(stage, stage_index(stage, name));
    stage_run(stage, 0);
}

void stage_clock(struct stage *stage, int64_t unix_s)
{
    struct acc_event *event = push(stage, ACC_EV_CLOCK);

    event->clock.unix_ms = unix_s * 1000;
    stage_run(stage, 0);
}

bool stage_why_says(const struct stage *stage, const char *name, const char *words)
{
    struct acc_buf why;
    bool says;

    acc_buf_init(&why, 10000);
    acc_engine_why(stage->engine, stage_index(stage, name), stage->now_ms, &why);
    says = strstr(why.data, words) != NULL;
    acc_buf_fini(&why);
    return says;
}
