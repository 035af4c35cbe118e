#include "lib/drill/world.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/drill/heard.h"

#define START_MS 1000000u
/* The engine gives a stop up so long after the grace (moby: daemon/stop.go). */
#define STOP_GIVEUP_MS 14000u
#define START_NS       1700000000000000000ll
#define TURNS_MAX      10000u /* steps at one moment: more is a livelock */
#define TRACE_SEED     1u
/* New containers of a world that goes on get numbers that no engine has given. */
#define FOREIGN_CIDS 0xacc00000u

/* What happens later: an operation comes to its end, or the engine is told something. */
struct acc_world_reply {
    uint64_t due_ms, seq;
    bool is_work, is_crash;
    struct acc_action action; /* work */
    struct acc_event event;   /* else; its strings are below */
    struct acc_obs obs;
    char cid[ACC_CID_LEN + 1];
    int64_t started_ns; /* crash: of this run */
};

/* --- what is told ---------------------------------------------------------------------------- */

static struct acc_world_reply *push(struct acc_world *w, uint64_t delay_ms)
{
    if (w->n_replies == w->replies_cap) {
        size_t cap = w->replies_cap ? 2 * w->replies_cap : 64;
        struct acc_world_reply *more = realloc(w->reply, cap * sizeof(*more));

        if (!more) {
            w->has_failed = true;
            return NULL;
        }
        w->reply = more;
        w->replies_cap = cap;
    }
    struct acc_world_reply *reply = &w->reply[w->n_replies++];

    memset(reply, 0, sizeof(*reply));
    reply->due_ms = w->now_ms + delay_ms;
    reply->seq = w->seq++;
    return reply;
}

static struct acc_world_reply *push_event(struct acc_world *w, enum acc_event_type type,
                                          const char *cid)
{
    struct acc_world_reply *reply = push(w, 0);

    if (reply) {
        reply->event.type = type;
        (void)snprintf(reply->cid, sizeof(reply->cid), "%.64s", cid);
    }
    return reply;
}

static struct acc_world_reply *push_obs(struct acc_world *w, const struct acc_obs *obs)
{
    struct acc_world_reply *reply = push_event(w, ACC_EV_OBS, obs->cid);

    if (reply) {
        reply->obs = *obs;
    }
    return reply;
}

static void push_done(struct acc_world *w, uint64_t op, enum acc_op_result result, const char *cid,
                      const char *message)
{
    struct acc_world_reply *reply = push_event(w, ACC_EV_OP_DONE, cid);

    if (reply) {
        reply->event.op.op = op;
        reply->event.op.result = result;
        reply->event.op.message = message ? message : "";
    }
}

static int64_t tick(struct acc_world *w)
{
    return w->clock_ns += 1000;
}

/* How the service of an action behaves; one that is gone from the file just obeys. */
static const struct acc_world_service *behaviour(const struct acc_world *w, uint32_t svc)
{
    static const struct acc_world_service plain = {0};

    return svc < w->model->n_services ? &w->service[svc] : &plain;
}

/* Docker goes on checking, with the same result until the script has another one. */
static void check_again(struct acc_world *w, struct acc_world_container *c)
{
    if (c->obs.state == ACC_CTR_RUNNING && c->obs.has_health && c->health_ms &&
        c->obs.health != ACC_DH_STARTING && !behaviour(w, c->svc)->is_unwatched &&
        w->now_ms >= c->health_ms + (uint64_t)c->obs.interval_ms) {
        c->health_ms = w->now_ms;
        c->obs.health_start_ns = tick(w);
        c->obs.health_end_ns = tick(w);
    }
}

static void push_all(struct acc_world *w)
{
    for (size_t i = 0; i < w->n_containers; i++) {
        if (w->container[i]->exists) {
            check_again(w, w->container[i]);
            (void)push_obs(w, &w->container[i]->obs);
        }
    }
    (void)push_event(w, ACC_EV_SNAPSHOT, "");
}

/* --- containers ------------------------------------------------------------------------------ */

static struct acc_world_container *by_cid(struct acc_world *w, const char *cid)
{
    for (size_t i = 0; i < w->n_containers; i++) {
        if (w->container[i]->exists && strcmp(w->container[i]->obs.cid, cid) == 0) {
            return w->container[i];
        }
    }
    return NULL;
}

static struct acc_world_container *by_name(struct acc_world *w, const char *name)
{
    for (size_t i = 0; i < w->n_containers; i++) {
        if (w->container[i]->exists && strcmp(w->container[i]->obs.name, name) == 0) {
            return w->container[i];
        }
    }
    return NULL;
}

/* 'c', 'r' or 'b' of a rollout's names "web.c7", "web.r1", "web.bad7"; 0 for others. */
static char role_of(const char *name)
{
    const char *dot = strrchr(name, '.');

    return dot && strchr("crb", dot[1]) ? dot[1] : '\0';
}

struct acc_world_container *acc_world_slot(struct acc_world *w, uint32_t svc, uint32_t slot,
                                           char role)
{
    for (size_t i = 0; i < w->n_containers; i++) {
        struct acc_world_container *c = w->container[i];

        if (c->exists && c->svc == svc && c->obs.number == slot && role_of(c->obs.name) == role) {
            return c;
        }
    }
    return NULL;
}

static struct acc_world_container *place(struct acc_world *w)
{
    for (size_t i = 0; i < w->n_containers; i++) {
        if (!w->container[i]->exists) {
            return w->container[i];
        }
    }
    struct acc_world_container **more = realloc(
        w->container, (w->n_containers + 1) * sizeof(struct acc_world_container *));
    struct acc_world_container *c = calloc(1, sizeof(*c));

    w->container = more ? more : w->container;
    if (!more || !c) {
        w->has_failed = true;
        free(c);
        return NULL;
    }
    more[w->n_containers++] = c;
    return c;
}

static struct acc_world_container *make(struct acc_world *w, uint32_t svc, uint32_t slot,
                                        const char *name)
{
    const struct acc_service_spec *spec = w->model->services[svc];
    struct acc_world_container *c = place(w);

    if (!c) {
        return NULL;
    }
    *c = (struct acc_world_container){.exists = true, .svc = svc};
    (void)snprintf(c->obs.cid, sizeof(c->obs.cid), "%064x", ++w->n_cids);
    (void)snprintf(c->obs.name, sizeof(c->obs.name), "%s", name);
    (void)snprintf(c->obs.project, sizeof(c->obs.project), "%s", spec->stack);
    (void)snprintf(c->obs.service, sizeof(c->obs.service), "%s", spec->name);
    (void)snprintf(c->obs.image_ref, sizeof(c->obs.image_ref), "%s", spec->image);
    c->obs.number = slot;
    c->obs.state = ACC_CTR_CREATED;
    c->obs.restart = ACC_RESTART_NO;
    c->obs.has_health = spec->health.set;
    c->obs.interval_ms = spec->health.interval_ms ? spec->health.interval_ms : 30000;
    c->obs.timeout_ms = spec->health.timeout_ms ? spec->health.timeout_ms : 30000;
    c->obs.start_period_ms = spec->health.start_period_ms;
    c->obs.retries = spec->health.retries ? spec->health.retries : 3;
    c->obs.health = spec->health.set ? ACC_DH_STARTING : ACC_DH_NONE;
    c->obs.n_ports = spec->n_ports;
    memcpy(c->obs.ports, spec->ports, sizeof(c->obs.ports));
    return c;
}

static bool is_of(const struct acc_world_container *c, const char *image_or_spec)
{
    return image_or_spec[0] && (strcmp(c->obs.image_id, image_or_spec) == 0 ||
                                strcmp(c->obs.spec_hash, image_or_spec) == 0);
}

static void begin_run(struct acc_world *w, struct acc_world_container *c)
{
    const struct acc_world_service *s = behaviour(w, c->svc);
    bool is_bad = is_of(c, s->bad);
    struct acc_world_reply *crash;

    c->obs.state = ACC_CTR_RUNNING;
    c->obs.started_ns = tick(w);
    c->obs.age_ms = 0;
    c->obs.pid = 1000;
    c->obs.oom_killed = false;
    c->obs.health = c->obs.has_health ? ACC_DH_STARTING : ACC_DH_NONE;
    c->health_ms = 0;
    c->manual = false;
    c->run_ms = w->now_ms;
    if ((s->crash_ms || is_bad) && (crash = push(w, is_bad ? s->bad_ms : s->crash_ms))) {
        crash->is_crash = true;
        crash->started_ns = c->obs.started_ns;
        memcpy(crash->cid, c->obs.cid, sizeof(crash->cid));
    }
}

static void end_run(struct acc_world *w, struct acc_world_container *c, int32_t code)
{
    c->obs.state = ACC_CTR_EXITED;
    c->obs.exit_code = code;
    c->obs.finished_ns = tick(w);
    c->obs.pid = 0;
}

/* What its image's reference means now. */
static const char *meaning_of(const struct acc_world_service *s)
{
    return s->image[0] ? s->image : "img1";
}

/* What it goes on with, or a new one: Docker makes that, and gives it a name of 64 digits. */
static void mount_volume(struct acc_world *w, uint32_t svc, uint32_t slot, struct acc_obs *obs)
{
    acc_engine_heirs(w->engine, svc, slot, obs->volumes);
    if (!obs->volumes[0] && w->service[svc].has_volume) {
        (void)snprintf(obs->volumes, sizeof(obs->volumes), "/data\t%064x\n", ++w->n_volumes);
    }
}

/* --- operations come to their ends ----------------------------------------------------------- */

/* To those that serve there, as the engine sees it. */
static void bind(const struct acc_world *w, struct acc_world_container *c)
{
    const struct acc_service_spec *spec = w->model->services[c->svc];
    size_t len = 0;

    for (size_t k = 0; k < spec->n_edges; k++) {
        const char *cid = spec->edges[k].kind == ACC_EDGE_BINDS && spec->edges[k].target != ACC_NONE
                              ? acc_engine_container_id(w->engine, spec->edges[k].target)
                              : NULL;

        if (cid && len + strlen(cid) + 1 <= ACC_OBS_SHARES_MAX) {
            len += (size_t)snprintf(c->obs.shares + len, sizeof(c->obs.shares) - len, "%s\n", cid);
        }
    }
}

/* One that it shares with has gone. */
static bool is_bereft(struct acc_world *w, const struct acc_world_container *c)
{
    for (const char *at = c->obs.shares; *at; at += strcspn(at, "\n") + 1) {
        char cid[ACC_CID_LEN + 1];

        (void)snprintf(cid, sizeof(cid), "%.*s", (int)strcspn(at, "\n"), at);
        if (!by_cid(w, cid)) {
            return true;
        }
    }
    return false;
}

static void do_create(struct acc_world *w, const struct acc_action *action)
{
    const struct acc_world_service *s = &w->service[action->svc];
    const struct acc_world_container *holder = by_name(w, action->name);
    struct acc_world_container *c;

    if (holder) {
        push_done(w, action->op, ACC_OP_CONFLICT, holder->obs.cid, "Conflict. The name is taken");
    } else if (s->create != ACC_OP_OK) {
        push_done(w, action->op, s->create, "", s->message);
    } else if ((c = make(w, action->svc, action->slot, action->name))) {
        (void)snprintf(c->obs.spec_hash, sizeof(c->obs.spec_hash), "%s",
                       w->model->services[action->svc]->spec_hash);
        (void)snprintf(c->obs.op, sizeof(c->obs.op), "%llu", (unsigned long long)action->op);
        (void)snprintf(c->obs.revision, sizeof(c->obs.revision), "%u", (unsigned)action->revision);
        (void)snprintf(c->obs.image_id, sizeof(c->obs.image_id), "%s",
                       action->image_id[0] ? action->image_id : meaning_of(s));
        if (action->image[0]) {
            memcpy(c->obs.image_ref, action->image, sizeof(c->obs.image_ref));
        }
        c->obs.unrouted = action->unrouted;
        mount_volume(w, action->svc, action->slot, &c->obs);
        bind(w, c);
        (void)push_obs(w, &c->obs);
        push_done(w, action->op, ACC_OP_OK, c->obs.cid, "");
    }
}

static void do_start(struct acc_world *w, const struct acc_action *action)
{
    const struct acc_world_service *s = behaviour(w, action->svc);
    struct acc_world_container *c = by_cid(w, action->cid);
    bool is_netless = c && c->is_netless;
    bool is_spoilt = c && (c->is_spoilt || s->spoils);
    bool is_stranded = c && is_bereft(w, c);
    enum acc_op_result result = !c                                ? ACC_OP_GONE
                                : is_netless || is_spoilt         ? ACC_OP_START
                                : is_stranded                     ? ACC_OP_START
                                : s->start != ACC_OP_OK           ? s->start
                                : c->obs.state == ACC_CTR_RUNNING ? ACC_OP_NOT_MODIFIED
                                                                  : ACC_OP_OK;

    if (result == ACC_OP_OK) {
        begin_run(w, c);
        (void)push_obs(w, &c->obs);
    } else if (c && s->spoils) {
        c->is_spoilt = true;
        w->service[action->svc].spoils = false;
    }
    push_done(w, action->op, result, action->cid,
              is_netless    ? "network x not found"
              : is_stranded ? "No such container: the one whose namespaces it shares"
              : is_spoilt   ? "task 89fc: already exists"
                            : s->message);
}

static void do_stop(struct acc_world *w, const struct acc_action *action)
{
    const struct acc_world_service *s = behaviour(w, action->svc);
    struct acc_world_container *c = by_cid(w, action->cid);
    bool is_kill = action->type == ACC_ACT_KILL;

    if (c && c->obs.state != ACC_CTR_EXITED && !(is_kill ? s->ignores_kill : s->ignores_stop)) {
        end_run(w, c, is_kill ? 137 : 143);
        c->manual = true;
    }
    if (c) {
        (void)push_obs(w, &c->obs);
    }
    push_done(w, action->op, c ? ACC_OP_OK : ACC_OP_GONE, action->cid, "");
}

static void do_hook(struct acc_world *w, const struct acc_action *action)
{
    const struct acc_world_service *s = behaviour(w, action->svc);
    const struct acc_world_container *c = by_cid(w, action->cid);
    bool is_up = c && c->obs.state == ACC_CTR_RUNNING;

    /* what runs in a container dies with it */
    push_done(w, action->op,
              is_up        ? s->hook
              : s->hook_ms ? ACC_OP_FAILED
                           : ACC_OP_CONFLICT,
              action->cid, is_up && s->hook == ACC_OP_OK ? "" : "the hook exited with 1");
}

/* Those of its file, or this one of them. */
static void change_networks(const struct acc_world *w, struct acc_world_container *c,
                            const char *network, bool is_connect)
{
    const struct acc_service_spec *spec = w->model->services[c->svc];
    uint32_t base = w->model->resource_base[w->model->service_stack[c->svc]];
    char was[sizeof(c->obs.networks)];
    size_t len = 0;

    memcpy(was, c->obs.networks, sizeof(was));
    c->obs.networks[0] = '\0';
    for (size_t i = 0; i < spec->n_resources; i++) {
        const struct acc_resource *res = w->model->resources[base + spec->resources[i]];
        bool is_meant = !*network || strcmp(res->key, network) == 0;
        bool is_on = is_meant ? is_connect : !c->obs.has_networks || strstr(was, res->name);

        if (res->kind == ACC_RES_NETWORK && is_on && len < sizeof(was)) {
            len += (size_t)snprintf(c->obs.networks + len, sizeof(was) - len, "%s\n", res->name);
        }
    }
}

static void do_other(struct acc_world *w, const struct acc_action *action)
{
    struct acc_world_container *c = by_cid(w, action->cid);

    if (c && action->type == ACC_ACT_REMOVE) {
        c->exists = false;
    } else if (c && action->type == ACC_ACT_SET_POLICY) {
        c->obs.restart = action->policy.policy;
        c->obs.restart_max = action->policy.max;
    } else if (c && action->type == ACC_ACT_UNPAUSE) {
        c->obs.state = ACC_CTR_RUNNING;
    } else if (c && action->type == ACC_ACT_ROUTE) {
        c->obs.unrouted = false;
        c->is_netless = false;
        if (c->obs.has_networks) {
            change_networks(w, c, "", true);
        }
    } else if (c && action->type == ACC_ACT_RENAME) {
        (void)snprintf(c->obs.name, sizeof(c->obs.name), "%s", action->name);
    }
    if (action->type == ACC_ACT_PULL) {
        const char *id = action->image_id[0] ? action->image_id
                         : action->image[0]  ? action->image
                                             : meaning_of(behaviour(w, action->svc));
        enum acc_op_result result = action->is_local ? ACC_OP_OK : w->pull;
        bool is_pulled = result == ACC_OP_OK;

        push_done(w, action->op, result, is_pulled ? id : "", is_pulled ? "" : w->pull_message);
        return;
    }
    push_done(w, action->op, c ? ACC_OP_OK : ACC_OP_GONE, action->cid, "");
}

static void work(struct acc_world *w, const struct acc_action *action)
{
    if (w->is_gone) {
        push_done(w, action->op, ACC_OP_LOST, action->cid, "connection refused");
    } else if (action->type == ACC_ACT_CREATE) {
        do_create(w, action);
    } else if (action->type == ACC_ACT_START) {
        do_start(w, action);
    } else if (action->type == ACC_ACT_STOP || action->type == ACC_ACT_KILL) {
        do_stop(w, action);
    } else if (action->type == ACC_ACT_HOOK || action->type == ACC_ACT_UPGRADE_HOOK) {
        do_hook(w, action);
    } else {
        do_other(w, action);
    }
}

/* --- what the engine asks -------------------------------------------------------------------- */

static void do_inspect(struct acc_world *w, const struct acc_action *action)
{
    struct acc_world_container *c = by_cid(w, action->cid);
    struct acc_world_reply *reply;

    if (!c) {
        (void)push_event(w, ACC_EV_GONE, action->cid);
        return;
    }
    check_again(w, c);
    reply = push_obs(w, &c->obs);
    if (reply && action->manual_stop && !behaviour(w, c->svc)->no_manual_flag) {
        reply->obs.manually_stopped = c->manual ? ACC_YES : ACC_NO;
    }
}

static void do_probe(struct acc_world *w, const struct acc_action *action)
{
    const struct acc_world_service *s = behaviour(w, action->svc);
    const struct acc_world_container *c = by_cid(w, action->cid);
    struct acc_world_reply *reply = push_event(w, ACC_EV_PROBE, action->cid);
    bool is_up = c && c->obs.state == ACC_CTR_RUNNING && w->now_ms >= c->run_ms + s->boot_ms;

    if (!reply) {
        return;
    }
    bool is_sick = s->is_sick || (c && is_of(c, s->sick));

    reply->event.probe.op = action->op;
    reply->event.probe.verdict = s->is_waiting       ? ACC_PROBE_WAITING
                                 : is_up && !is_sick ? ACC_PROBE_PASS
                                                     : ACC_PROBE_FAIL;
    reply->event.probe.listens = is_up && !s->is_deaf;
    reply->event.probe.exit_code = s->is_waiting ? 2 : is_up && !is_sick ? 0 : 1;
    reply->event.probe.output = is_up && !is_sick ? "" : "not yet";
}

/* Another spec is another container; what somebody else made is as the file says. */
static void do_compare(struct acc_world *w, const struct acc_action *action)
{
    const struct acc_world_container *c = by_cid(w, action->cid);
    struct acc_world_reply *reply;

    if (action->svc >= w->model->n_services || behaviour(w, action->svc)->is_silent ||
        !(reply = push_event(w, ACC_EV_COMPARED, action->cid))) {
        return;
    }
    const char *spec = w->model->services[action->svc]->spec_hash;
    bool is_other = c && c->obs.spec_hash[0] && strcmp(c->obs.spec_hash, spec) != 0;

    reply->event.compared.spec = spec;
    reply->event.compared.likeness = is_other ? ACC_LIKE_DIFFERENT : ACC_LIKE_SAME;
    reply->event.compared.text = is_other ? "command" : "";
}

static void do_ensure(struct acc_world *w, const struct acc_action *action)
{
    enum acc_resource_kind kind = w->model->resources[action->res]->kind;
    bool is_made = action->type == ACC_ACT_ENSURE_RESOURCE;

    if (is_made && kind == ACC_RES_IMAGE) {
        push_done(w, action->op, w->pull, "", w->pull_message);
    } else if (is_made && kind == ACC_RES_NETWORK) {
        push_done(w, action->op, w->network, "", "no such driver");
    } else {
        push_done(w, action->op, ACC_OP_OK, "", "");
    }
}

static void save_revision(struct acc_world *w, const struct acc_action *action)
{
    struct acc_revision_record record;
    struct acc_revision_record *more;

    if (!acc_engine_revision(w->engine, action->svc, action->revision, w->now_ms, &record) ||
        record.is_attempt) {
        return;
    }
    for (size_t i = 0; i < w->n_revisions; i++) {
        if (w->revision[i].number == record.number && strcmp(w->revision[i].id, record.id) == 0) {
            w->revision[i] = record;
            return;
        }
    }
    more = realloc(w->revision, (w->n_revisions + 1) * sizeof(*more));
    if (!more) {
        w->has_failed = true;
        return;
    }
    w->revision = more;
    w->revision[w->n_revisions++] = record;
}

/* Opened and notified ones are kept, one that is closed isn't. */
static void save_incident(struct acc_world *w, const struct acc_action *action)
{
    struct acc_incident_record record;
    struct acc_world_incident *more;
    size_t n = 0;

    for (size_t i = 0; i < w->n_incidents; i++) {
        if (w->incident[i].record.id != action->incident.id) {
            w->incident[n++] = w->incident[i];
        }
    }
    w->n_incidents = n;
    if (!acc_engine_incident_record(w->engine, action->incident.id, w->now_ms, &record)) {
        return;
    }
    more = realloc(w->incident, (n + 1) * sizeof(*more));
    if (!more) {
        w->has_failed = true;
        return;
    }
    w->incident = more;
    w->incident[w->n_incidents++] = (struct acc_world_incident){record, w->now_ms - record.age_ms};
}

static void save(struct acc_world *w, const struct acc_action *action)
{
    if (action->type == ACC_ACT_SAVE_REVISION) {
        save_revision(w, action);
    } else if (action->type == ACC_ACT_SAVE_MAINTENANCE) {
        acc_engine_maintenance(w->engine, w->now_ms, &w->maintenance);
    } else if (action->type == ACC_ACT_SAVE_STACK) {
        if (action->svc < w->model->n_stacks) {
            acc_engine_stack_record(w->engine, action->svc, &w->stack_record[action->svc]);
            w->has_stack_record[action->svc] = true;
        }
    } else if (action->svc < w->model->n_services) {
        acc_engine_service_record(w->engine, action->svc, w->now_ms, &w->record[action->svc]);
        w->has_record[action->svc] = true;
    }
}

static uint64_t work_ms(const struct acc_world *w, const struct acc_action *action)
{
    const struct acc_world_service *s = behaviour(w, action->svc);

    if (action->type == ACC_ACT_STOP && s->ignores_stop) {
        return action->grace_ms + STOP_GIVEUP_MS;
    }
    return action->type == ACC_ACT_CREATE         ? s->create_ms
           : action->type == ACC_ACT_START        ? s->start_ms
           : action->type == ACC_ACT_STOP         ? s->stop_ms
           : action->type == ACC_ACT_HOOK         ? s->hook_ms
           : action->type == ACC_ACT_UPGRADE_HOOK ? s->hook_ms
           : action->type == ACC_ACT_DRAIN        ? s->drain_ms
           : action->type == ACC_ACT_UNDRAIN      ? s->drain_ms
                                                  : 0;
}

static void operate(struct acc_world *w, const struct acc_action *action)
{
    struct acc_world_reply *reply;

    if (behaviour(w, action->svc)->is_silent) {
        return;
    }
    if (work_ms(w, action) == 0) {
        work(w, action);
    } else if ((reply = push(w, work_ms(w, action)))) {
        reply->is_work = true;
        reply->action = *action;
    }
}

static bool is_operation(enum acc_action_type type)
{
    static const enum acc_action_type operations[] = {
        ACC_ACT_CREATE,  ACC_ACT_START,   ACC_ACT_STOP,       ACC_ACT_KILL, ACC_ACT_REMOVE,
        ACC_ACT_UNPAUSE, ACC_ACT_UPDATE,  ACC_ACT_SET_POLICY, ACC_ACT_PULL, ACC_ACT_ROUTE,
        ACC_ACT_DRAIN,   ACC_ACT_UNDRAIN, ACC_ACT_RENAME,     ACC_ACT_HOOK, ACC_ACT_UPGRADE_HOOK,
    };

    for (size_t k = 0; k < ACC_ARRAY_LEN(operations); k++) {
        if (operations[k] == type) {
            return true;
        }
    }
    return false;
}

static void take(struct acc_world *w, const struct acc_action *action)
{
    if (w->watch) {
        w->watch(w->watch_data, w, action);
    }
    if (w->is_puppet) {
        return;
    }
    if (is_operation(action->type)) {
        operate(w, action);
    } else if (action->type == ACC_ACT_SAVE_SERVICE || action->type == ACC_ACT_SAVE_STACK ||
               action->type == ACC_ACT_SAVE_MAINTENANCE || action->type == ACC_ACT_SAVE_REVISION) {
        save(w, action);
    } else if (action->type == ACC_ACT_INCIDENT) {
        save_incident(w, action);
    } else if (action->type == ACC_ACT_INSPECT) {
        do_inspect(w, action);
    } else if (action->type == ACC_ACT_LIST) {
        push_all(w);
    } else if (action->type == ACC_ACT_PROBE) {
        do_probe(w, action);
    } else if (action->type == ACC_ACT_COMPARE) {
        do_compare(w, action);
    } else if (action->type == ACC_ACT_ENSURE_RESOURCE || action->type == ACC_ACT_REMOVE_RESOURCE) {
        do_ensure(w, action);
    }
}

/* --- time ------------------------------------------------------------------------------------ */

static void step(struct acc_world *w, struct acc_event *event)
{
    event->now_ms = w->now_ms;
    acc_engine_step(w->engine, event, &w->actions);
    acc_engine_check(w->engine);
    for (size_t i = 0; i < w->actions.n; i++) {
        const struct acc_action *action = &w->actions.item[i];
        bool is_last = w->death != ACC_WORLD_LIVES && action->type == w->dies_at;

        if (!is_last || w->death == ACC_WORLD_DIES_AFTER) {
            take(w, action);
        }
        if (is_last) {
            w->death = ACC_WORLD_LIVES;
            acc_world_restart_accd(w);
            return;
        }
    }
}

/* The index of the next reply, or n_replies. */
static size_t next_reply(const struct acc_world *w)
{
    size_t best = w->n_replies;

    for (size_t i = 0; i < w->n_replies; i++) {
        const struct acc_world_reply *a = &w->reply[i];
        const struct acc_world_reply *b = best < w->n_replies ? &w->reply[best] : NULL;

        if (!b || a->due_ms < b->due_ms || (a->due_ms == b->due_ms && a->seq < b->seq)) {
            best = i;
        }
    }
    return best;
}

static void deliver(struct acc_world *w, size_t at)
{
    struct acc_world_reply reply = w->reply[at];
    struct acc_world_container *c;

    w->reply[at] = w->reply[--w->n_replies];
    if (reply.is_work) {
        work(w, &reply.action);
    } else if (reply.is_crash) {
        c = by_cid(w, reply.cid);
        if (c && c->obs.state == ACC_CTR_RUNNING && c->obs.started_ns == reply.started_ns) {
            const struct acc_world_service *s = behaviour(w, c->svc);

            acc_world_exit(w, c, is_of(c, s->bad) ? 1 : s->crash_code, s->crash_oom);
        }
    } else {
        if (reply.event.type == ACC_EV_OBS) {
            reply.event.obs = &reply.obs;
        } else if (reply.event.type == ACC_EV_OP_DONE) {
            reply.event.op.cid = reply.cid;
        } else if (reply.event.type == ACC_EV_COMPARED) {
            reply.event.compared.cid = reply.cid;
        } else if (reply.event.type == ACC_EV_GONE) {
            reply.event.hint.cid = reply.cid;
        }
        step(w, &reply.event);
    }
}

/* All that is due by `end_ms`. What the world has to say comes before the engine's own deadline. */
static void run_until(struct acc_world *w, uint64_t end_ms)
{
    uint64_t moment_ms = w->now_ms;
    unsigned n_turns = 0;

    while (!w->has_failed && !w->is_puppet) {
        size_t at = next_reply(w);
        uint64_t reply_ms = at < w->n_replies ? w->reply[at].due_ms : UINT64_MAX;
        uint64_t engine_ms = acc_engine_deadline(w->engine);
        uint64_t due_ms = reply_ms <= engine_ms ? reply_ms : engine_ms;

        if (due_ms > end_ms) {
            break;
        }
        w->now_ms = due_ms > w->now_ms ? due_ms : w->now_ms;
        n_turns = w->now_ms == moment_ms ? n_turns + 1 : 0;
        moment_ms = w->now_ms;
        w->has_failed |= n_turns > TURNS_MAX + 64 * w->n_containers;
        if (reply_ms <= engine_ms) {
            deliver(w, at);
        } else {
            step(w, &(struct acc_event){.type = ACC_EV_TIMEOUT});
        }
    }
    w->now_ms = end_ms;
}

void acc_world_run(struct acc_world *w, uint64_t ms)
{
    run_until(w, w->now_ms + ms);
}

void acc_world_event(struct acc_world *w, struct acc_event *event)
{
    step(w, event);
    run_until(w, w->now_ms);
}

/* --- begin and end --------------------------------------------------------------------------- */

static int new_tables(struct acc_world *w)
{
    size_t n = w->model->n_services + 1;
    size_t n_stacks = w->model->n_stacks + 1;

    w->service = calloc(n, sizeof(*w->service));
    w->record = calloc(n, sizeof(*w->record));
    w->has_record = calloc(n, sizeof(*w->has_record));
    w->stack_record = calloc(n_stacks, sizeof(*w->stack_record));
    w->has_stack_record = calloc(n_stacks, sizeof(*w->has_stack_record));
    w->host = calloc(w->model->n_conditions + 1, sizeof(*w->host));
    w->place = calloc(w->model->n_conditions + 1, sizeof(*w->place));
    for (size_t i = 0; w->host && w->place && i < w->model->n_conditions; i++) {
        w->host[i] = ACC_YES;
        w->place[i][0] = '/';
    }
    return w->service && w->record && w->has_record && w->stack_record && w->has_stack_record &&
                   w->host && w->place
               ? 0
               : -ENOMEM;
}

static void free_tables(struct acc_world *w)
{
    free(w->service);
    free(w->record);
    free(w->has_record);
    free(w->stack_record);
    free(w->has_stack_record);
    free(w->host);
    free(w->place);
}

static int open_tables(struct acc_world *w, struct acc_model *model)
{
    *w = (struct acc_world){
        .model = model, .now_ms = START_MS, .clock_ns = START_NS, .is_gone = true};
    w->actions.cap = ACC_ACTIONS_MIN;
    w->actions.item = calloc(w->actions.cap, sizeof(*w->actions.item));
    return w->actions.item ? new_tables(w) : -ENOMEM;
}

int acc_world_init(struct acc_world *w, struct acc_model *model, bool observe_new)
{
    int r = open_tables(w, model);

    w->options = (struct acc_engine_options){
        .seed = TRACE_SEED, .first_op = 1, .observe_new = observe_new};
    r = r == 0 ? acc_engine_create(model, &w->options, &w->engine) : r;
    if (r < 0) {
        acc_world_fini(w);
    }
    return r;
}

/* A container that runs already, as the engine knows it. */
static void go_on(struct acc_world *w, uint32_t svc, const struct acc_obs *obs)
{
    struct acc_world_container *c = place(w);
    int64_t last_ns = obs->started_ns > obs->finished_ns ? obs->started_ns : obs->finished_ns;

    if (!c) {
        return;
    }
    *c = (struct acc_world_container){.exists = true, .svc = svc, .obs = *obs};
    /* Who isn't ready yet begins to boot now. */
    c->run_ms = w->now_ms;
    c->health_ms = obs->health_start_ns > obs->started_ns ? w->now_ms : 0;
    if (svc < w->model->n_services) {
        const struct acc_service_spec *spec = w->model->services[svc];

        c->obs.n_ports = spec->n_ports;
        memcpy(c->obs.ports, spec->ports, sizeof(c->obs.ports));
    }
    w->clock_ns = last_ns > w->clock_ns ? last_ns : w->clock_ns;
}

/* Nobody knows what became of what was under way: the engine will look. */
static int lose_pending(struct acc_world *w)
{
    size_t n = acc_engine_n_pending(w->engine);
    size_t n_probes;
    uint64_t *ops = calloc(n + 1, sizeof(*ops));
    uint64_t *probes = calloc(n + 1, sizeof(*probes));

    if (!ops || !probes) {
        free(ops);
        free(probes);
        return -ENOMEM;
    }
    n = acc_engine_pending(w->engine, ops, probes, &n_probes);
    for (size_t i = 0; i < n; i++) {
        push_done(w, ops[i], ACC_OP_LOST, "", "");
    }
    for (size_t i = 0; i < n_probes; i++) {
        struct acc_world_reply *reply = push_event(w, ACC_EV_PROBE, "");

        if (reply) {
            reply->event.probe.op = probes[i];
            reply->event.probe.output = "";
        }
    }
    free(ops);
    free(probes);
    return 0;
}

int acc_world_init_from(struct acc_world *w, struct acc_model *model, const char *state)
{
    struct acc_obs obs;
    int r = open_tables(w, model);

    r = r == 0 ? acc_engine_create_from(model, state, &w->engine) : r;
    if (r < 0) {
        acc_world_fini(w);
        return r;
    }
    w->now_ms = acc_engine_now(w->engine);
    w->n_cids = FOREIGN_CIDS;
    w->is_gone = !acc_engine_connected(w->engine);
    for (uint32_t k = 0; k < model->n_conditions; k++) {
        const char *place;

        w->host[k] = acc_engine_condition(w->engine, k, &place);
        (void)snprintf(w->place[k], sizeof(w->place[k]), "%s", place);
    }
    for (uint32_t v = 0; v < acc_engine_n_services(w->engine); v++) {
        for (uint32_t k = 0; acc_engine_container(w->engine, v, k, &obs); k++) {
            if (obs.cid[0]) {
                go_on(w, v, &obs);
            }
        }
    }
    return lose_pending(w);
}

void acc_world_fini(struct acc_world *w)
{
    w->engine = acc_engine_destroy(w->engine);
    w->model = acc_model_destroy(w->model);
    for (size_t i = 0; i < w->n_containers; i++) {
        free(w->container[i]);
    }
    free(w->container);
    free(w->reply);
    free(w->revision);
    free(w->incident);
    free(w->actions.item);
    free_tables(w);
    *w = (struct acc_world){0};
}

static void tell_host(struct acc_world *w, size_t at)
{
    struct acc_event event = {.type = ACC_EV_HOST};

    if (strcmp(w->place[at], ACC_WORLD_UNTOLD) == 0) {
        return;
    }
    event.host.condition = w->model->conditions[at].text;
    event.host.is_met = w->host[at];
    event.host.place = w->model->conditions[at].kind == ACC_HOST_PLACE ? w->place[at] : NULL;
    step(w, &event);
}

static size_t find_condition(const struct acc_world *w, const char *text)
{
    size_t i = 0;

    while (i < w->model->n_conditions && strcmp(w->model->conditions[i].text, text) != 0) {
        i++;
    }
    return i;
}

bool acc_world_host(struct acc_world *w, const char *condition, enum acc_tri is_met)
{
    size_t i = find_condition(w, condition);

    if (i == w->model->n_conditions) {
        return false;
    }
    w->host[i] = is_met;
    tell_host(w, i);
    run_until(w, w->now_ms);
    return true;
}

bool acc_world_place(struct acc_world *w, const char *path, const char *place)
{
    size_t i = find_condition(w, path);

    if (i == w->model->n_conditions || w->model->conditions[i].kind != ACC_HOST_PLACE) {
        return false;
    }
    (void)snprintf(w->place[i], sizeof(w->place[i]), "%s", place); /* a cut one is one, too */
    tell_host(w, i);
    run_until(w, w->now_ms);
    return true;
}

void acc_world_connect(struct acc_world *w, bool fresh, bool live)
{
    struct acc_event event = {.type = ACC_EV_CONN_UP};

    for (size_t i = 0; i < w->model->n_conditions; i++) {
        tell_host(w, i);
    }
    w->is_gone = false;
    event.conn.fresh_engine = fresh;
    event.conn.live_restore = live;
    step(w, &event);
    push_all(w);
    run_until(w, w->now_ms);
}

#define ENDED_BEFORE_MS 500 /* it listens */

void acc_world_connect_killing(struct acc_world *w)
{
    size_t n = w->n_containers;

    for (size_t i = 0; i < n; i++) {
        struct acc_world_container *c = w->container[i];

        c->is_left = c->exists && c->obs.state == ACC_CTR_RUNNING;
        if (c->is_left) {
            end_run(w, c, 0);
            c->obs.age_ms = ENDED_BEFORE_MS;
            c->manual = true;
        }
    }
    acc_world_connect(w, true, false);
    for (size_t i = 0; i < n; i++) {
        if (w->container[i]->is_left) {
            acc_world_hint(w, w->container[i], ACC_HINT_KILL);
            acc_world_hint(w, w->container[i], ACC_HINT_DIE);
            acc_world_hint(w, w->container[i], ACC_HINT_STOP);
        }
    }
}

void acc_world_disconnect(struct acc_world *w, bool dies, bool hangs)
{
    w->is_gone = true;
    for (size_t i = 0; i < w->n_replies; i++) {
        struct acc_world_reply *reply = &w->reply[i];

        if (!reply->is_work && !reply->is_crash && reply->event.type == ACC_EV_OP_DONE) {
            reply->event.op.result = ACC_OP_LOST;
        }
    }
    for (size_t i = 0; dies && i < w->n_containers; i++) {
        if (w->container[i]->exists && w->container[i]->obs.state == ACC_CTR_RUNNING) {
            end_run(w, w->container[i], 255);
        }
    }
    acc_world_event(w,
                    &(struct acc_event){.type = hangs ? ACC_EV_CONN_DEGRADED : ACC_EV_CONN_DOWN});
}

void acc_world_forget_health(struct acc_world *w)
{
    for (size_t i = 0; i < w->n_containers; i++) {
        struct acc_world_container *c = w->container[i];

        if (c->exists && c->obs.has_health && c->obs.state == ACC_CTR_RUNNING) {
            c->obs.health = ACC_DH_STARTING;
        }
    }
}

static void restore(struct acc_world *w)
{
    for (size_t i = 0; i < w->model->n_services; i++) {
        if (w->has_record[i]) {
            struct acc_service_record record = w->record[i];

            acc_service_record_age(&record, w->now_ms - record.saved_ms);
            (void)acc_engine_restore_service(w->engine, &record);
        }
    }
    for (size_t i = 0; i < w->n_revisions; i++) {
        if (w->revision[i].result == ACC_REV_STABLE) {
            (void)acc_engine_restore_revision(w->engine, &w->revision[i]);
        }
    }
    for (size_t i = 0; i < w->n_incidents; i++) {
        struct acc_incident_record record = w->incident[i].record;

        record.age_ms = w->now_ms - w->incident[i].since_ms;
        (void)acc_engine_restore_incident(w->engine, &record);
    }
    acc_engine_restore_maintenance(w->engine, &w->maintenance);
    for (size_t i = 0; i < w->model->n_stacks; i++) {
        if (w->has_stack_record[i]) {
            (void)acc_engine_restore_stack(w->engine, &w->stack_record[i]);
        }
    }
}

void acc_world_restart_accd(struct acc_world *w)
{
    struct acc_engine *engine = NULL;
    size_t n = 0;

    w->options.first_op += 1000000;
    if (acc_engine_create(w->model, &w->options, &engine) < 0) {
        w->has_failed = true;
        return;
    }
    (void)acc_engine_destroy(w->engine);
    w->engine = engine;
    for (size_t i = 0; i < w->n_replies; i++) { /* nobody is told, but what was asked for happens */
        if (w->reply[i].is_work || w->reply[i].is_crash) {
            w->reply[n++] = w->reply[i];
        }
    }
    w->n_replies = n;
    restore(w);
}

/* Behaviour is kept by id; records are saved again when they change. */
static void keep_behaviour(struct acc_world *w, const struct acc_world *from,
                           const uint32_t *old_svc)
{
    const struct acc_model *old = from->model;

    for (uint32_t i = 0; i < old->n_services; i++) {
        bool is_ambiguous;
        uint32_t at = acc_model_find(w->model, old->services[i]->id, &is_ambiguous);

        for (size_t k = 0; k < w->n_containers; k++) {
            if (old_svc[k] == i) {
                w->container[k]->svc = at == ACC_NONE ? (uint32_t)w->model->n_services : at;
            }
        }
        if (at != ACC_NONE) {
            w->service[at] = from->service[i];
            w->record[at] = from->record[i];
            w->has_record[at] = from->has_record[i];
        }
    }
}

static void keep_host(struct acc_world *w, const struct acc_world *from)
{
    for (size_t i = 0; i < w->model->n_conditions; i++) {
        for (size_t k = 0; k < from->model->n_conditions; k++) {
            if (strcmp(w->model->conditions[i].text, from->model->conditions[k].text) == 0) {
                w->host[i] = from->host[k];
                memcpy(w->place[i], from->place[k], sizeof(w->place[i]));
            }
        }
        tell_host(w, i);
    }
}

int acc_world_reconfigure(struct acc_world *w, struct acc_model *model, bool prunes)
{
    struct acc_world old = *w;
    uint32_t *old_svc = calloc(w->n_containers + 1, sizeof(*old_svc));
    int r;

    w->model = model;
    r = new_tables(w);
    r = old_svc ? r : -ENOMEM;
    r = r == 0 ? acc_engine_reconfigure(w->engine, model, NULL, 0, w->now_ms) : r;
    if (r < 0) {
        (void)acc_model_destroy(model);
        free(old_svc);
        free_tables(w);
        w->model = old.model;
        w->service = old.service;
        w->record = old.record;
        w->has_record = old.has_record;
        w->stack_record = old.stack_record;
        w->has_stack_record = old.has_stack_record;
        w->host = old.host;
        w->place = old.place;
        return r;
    }
    for (size_t i = 0; i < w->n_containers; i++) {
        old_svc[i] = w->container[i]->svc;
    }
    keep_behaviour(w, &old, old_svc);
    keep_host(w, &old);
    (void)acc_model_destroy(old.model);
    free(old_svc);
    free_tables(&old);
    if (prunes) {
        acc_engine_prune(w->engine);
    }
    run_until(w, w->now_ms);
    return 0;
}

bool acc_world_cmd(struct acc_world *w, struct acc_cmd cmd, const char *target)
{
    size_t n = acc_engine_n_services(w->engine);
    uint8_t *selected = calloc(n + 1, 1);
    struct acc_event event = {.type = ACC_EV_CMD, .cmd = cmd};
    const char *nearest;
    bool is_stack = false;
    bool is_known;

    if (!selected) {
        w->has_failed = true;
        return false;
    }
    is_known = true;
    for (const char *at = target; is_known && at;
         at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
        char one[2 * ACC_NAME_MAX];

        (void)snprintf(one, sizeof(one), "%.*s", (int)strcspn(at, ","), at);
        is_known = acc_engine_select(w->engine, one, NULL, selected, &is_stack, &nearest) ==
                   ACC_SELECT_OK;
    }
    if (is_known) {
        event.cmd.selected = selected;
        event.cmd.whole_stack = is_stack || target[0] == '\0';
        (void)snprintf(event.cmd.by, sizeof(event.cmd.by), "root");
        acc_world_event(w, &event);
    }
    free(selected);
    return is_known;
}

/* --- what happens ---------------------------------------------------------------------------- */

struct acc_world_container *acc_world_add(struct acc_world *w, uint32_t svc, uint32_t slot,
                                          const char *name, bool running)
{
    struct acc_world_container *c = make(w, svc, slot, name);

    if (c) {
        c->obs.restart = w->model->services[svc]->restart;
        if (running) {
            begin_run(w, c);
        }
    }
    return c;
}

void acc_world_hint(struct acc_world *w, const struct acc_world_container *c, enum acc_hint hint)
{
    struct acc_event event = {.type = ACC_EV_HINT};

    if (w->is_gone) {
        return;
    }
    event.hint.cid = c->obs.cid;
    event.hint.hint = hint;
    event.hint.exit_code = hint == ACC_HINT_DIE ? c->obs.exit_code : -1;
    event.hint.signal = hint == ACC_HINT_KILL ? 15 : 0;
    event.hint.time_ns = tick(w);
    acc_world_event(w, &event);
}

void acc_world_exit(struct acc_world *w, struct acc_world_container *c, int32_t code, bool oom)
{
    end_run(w, c, code);
    c->obs.oom_killed = oom;
    if (oom) {
        acc_world_hint(w, c, ACC_HINT_OOM);
    }
    acc_world_hint(w, c, ACC_HINT_DIE);
}

void acc_world_docker_stop(struct acc_world *w, struct acc_world_container *c, bool is_by_hand)
{
    acc_world_hint(w, c, ACC_HINT_KILL);
    c->manual = is_by_hand;
    acc_world_exit(w, c, 143, false);
    acc_world_hint(w, c, ACC_HINT_STOP);
}

void acc_world_docker_start(struct acc_world *w, struct acc_world_container *c)
{
    begin_run(w, c);
    acc_world_hint(w, c, ACC_HINT_START);
}

/* With `docker rm -f` it may be seen on its way. */
void acc_world_docker_rm(struct acc_world *w, struct acc_world_container *c, bool is_seen)
{
    struct acc_event event = {.type = ACC_EV_GONE};
    char cid[ACC_CID_LEN + 1];

    if (is_seen) {
        acc_world_hint(w, c, ACC_HINT_KILL);
        end_run(w, c, 137);
        c->obs.state = ACC_CTR_REMOVING;
        acc_world_hint(w, c, ACC_HINT_DIE);
    }
    memcpy(cid, c->obs.cid, sizeof(cid));
    c->exists = false;
    event.hint.cid = cid;
    if (!w->is_gone) {
        acc_world_event(w, &event);
    }
}

void acc_world_docker_pause(struct acc_world *w, struct acc_world_container *c, bool is_pause)
{
    c->obs.state = is_pause ? ACC_CTR_PAUSED : ACC_CTR_RUNNING;
    acc_world_hint(w, c, is_pause ? ACC_HINT_PAUSE : ACC_HINT_UNPAUSE);
}

void acc_world_docker_rename(struct acc_world *w, struct acc_world_container *c, const char *name)
{
    (void)snprintf(c->obs.name, sizeof(c->obs.name), "%s", name);
    acc_world_hint(w, c, ACC_HINT_DIRTY);
}

void acc_world_docker_network(struct acc_world *w, struct acc_world_container *c,
                              const char *network, bool is_connect)
{
    change_networks(w, c, network, is_connect);
    c->obs.has_networks = true;
    acc_world_hint(w, c, ACC_HINT_DIRTY);
}

void acc_world_health(struct acc_world *w, struct acc_world_container *c,
                      enum acc_docker_health health, bool has_failed, bool is_told)
{
    c->obs.health = health;
    c->health_ms = w->now_ms;
    c->obs.health_start_ns = tick(w);
    c->obs.health_end_ns = tick(w);
    c->obs.health_exit = has_failed;
    c->obs.failing_streak = health == ACC_DH_UNHEALTHY && has_failed ? c->obs.retries : 0;
    (void)snprintf(c->obs.health_output, sizeof(c->obs.health_output), "%s",
                   has_failed ? "connection refused" : "ok");
    if (is_told) { /* events get lost */
        acc_world_hint(w, c, ACC_HINT_HEALTH);
    }
}

const char *acc_world_nick(const struct acc_world *w, uint32_t svc)
{
    return acc_heard_nick(w->model, w->engine, svc);
}
