/*
 * Looking in from outside: services, instances, incidents, what a target names.
 */

#include <stdio.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/engine/internal.h"
#include "lib/model/condition.h"

/* The instance walkers take an engine that could be changed; here nothing is. */
static struct acc_engine *unconst(const struct acc_engine *engine)
{
    union {
        const struct acc_engine *in;
        struct acc_engine *out;
    } cast = {engine};

    return cast.out;
}

size_t acc_engine_n_services(const struct acc_engine *engine)
{
    return engine->n_services;
}

size_t acc_engine_n_stacks(const struct acc_engine *engine)
{
    return engine->n_stacks;
}

bool acc_engine_stack_observing(const struct acc_engine *engine, uint32_t stack)
{
    acc_assert(stack < engine->n_stacks);
    return engine->stacks[stack].contact == CONTACT_OBSERVING;
}

bool acc_engine_stack_recovered(const struct acc_engine *engine, uint32_t stack)
{
    acc_assert(stack < engine->n_stacks);
    return engine->stacks[stack].contact == CONTACT_OBSERVING
               ? acc_contact_is_forsaken(unconst(engine), stack)
               : engine->stacks[stack].is_recovered;
}

const char *acc_engine_root_id(const struct acc_engine *engine, uint32_t root)
{
    if (acc_root_is_host(root)) {
        acc_assert(root - ACC_ROOT_HOST < engine->n_conditions);
        return acc_root_condition(engine, root)->id;
    }
    acc_assert(root < engine->n_services);
    return engine->services[root].id;
}

const char *acc_engine_stack_name(const struct acc_engine *engine, uint32_t stack)
{
    acc_assert(stack < engine->n_stacks);
    return engine->stacks[stack].name;
}

/* --- services and instances ------------------------------------------------------------------ */

static enum acc_verdict verdict_of(struct acc_engine *e, const struct service *s)
{
    enum acc_verdict worst = ACC_HEALTH_NONE;

    acc_each_slot (e, s, i) {
        enum acc_verdict verdict = acc_probe_verdict(i);

        if (!i->present || !acc_inst_running(i)) {
            continue;
        }
        if (!i->has_health && i->ready && i->n_ports == 0) {
            verdict = ACC_HEALTH_NONE;
        }
        if (acc_inst_stale(e, i)) {
            verdict = ACC_HEALTH_UNKNOWN;
        }
        worst = verdict == ACC_HEALTH_UNKNOWN || worst == ACC_HEALTH_UNKNOWN ? ACC_HEALTH_UNKNOWN
                : verdict == ACC_HEALTH_UNHEALTHY || worst == ACC_HEALTH_UNHEALTHY
                    ? ACC_HEALTH_UNHEALTHY
                : verdict == ACC_HEALTH_STARTING || worst == ACC_HEALTH_STARTING
                    ? ACC_HEALTH_STARTING
                    : (verdict > worst ? verdict : worst);
    }
    return worst;
}

static enum acc_evidence evidence_of(struct acc_engine *e, const struct service *s)
{
    enum acc_evidence weakest = ACC_EVIDENCE_NONE;

    acc_each_slot (e, s, i) {
        if (i->present && acc_inst_running(i)) {
            enum acc_evidence evidence = acc_probe_evidence(s, i);

            weakest = evidence > weakest ? evidence : weakest;
        }
    }
    return weakest;
}

static uint32_t count_instances(struct acc_engine *e, struct service *s)
{
    uint32_t n = 0;

    acc_each_inst (e, s, i) {
        n++;
    }
    return n;
}

static void count_scale(struct acc_engine *e, struct service *s, uint32_t ret_scale[2])
{
    uint32_t n_extra = 0, n_own = 0;

    acc_each_inst (e, s, i) {
        n_extra += acc_inst_is_extra(e, i);
        n_own += i->present && !i->is_spare;
    }
    ret_scale[0] = n_extra ? n_own + n_extra : 0;
    ret_scale[1] = n_extra ? s->n_inst : 0;
}

/* Of an extra one only Docker's own check is known. */
static enum acc_inst_state state_shown(const struct acc_engine *e, const struct instance *i)
{
    return i->state != ACC_INST_PROBING || !acc_inst_is_extra(e, i) ? i->state
           : i->has_health && i->health == ACC_DH_UNHEALTHY         ? ACC_INST_DEGRADED
           : i->has_health && i->health == ACC_DH_STARTING          ? ACC_INST_PROBING
                                                                    : ACC_INST_READY;
}

void acc_engine_service(const struct acc_engine *engine, uint32_t svc, uint64_t now_ms,
                        struct acc_service_view *ret_view)
{
    struct acc_engine *e = unconst(engine);
    struct service *s = &e->services[svc];
    const char *by = NULL;

    acc_assert(svc < e->n_services);
    by = acc_change_orderer(s->bad_why);
    *ret_view = (struct acc_service_view){
        .id = s->id,
        .stack = s->stack_name,
        .name = s->name,
        .phase = s->phase,
        .tier = s->tier,
        .image = s->image,
        .removed = s->removed,
        .is_found_off = !s->wanted_up && strcmp(s->asked_by, ACC_FOUND_OFF) == 0,
        .old_serves = acc_rollout_old_serves(e, s),
        .serves = (s->state == ACC_SVC_UPGRADING || s->state == ACC_SVC_ROLLING_BACK) && s->ready &&
                  !s->sick,
        .wanted_up = s->wanted_up,
        .observing = e->stacks[s->stack].contact == CONTACT_OBSERVING,
        .is_unseen = e->stacks[s->stack].contact == CONTACT_UNKNOWN,
        .state = s->has_state   ? s->state
                 : s->wanted_up ? ACC_SVC_QUEUED
                                : ACC_SVC_OFF,
        .health = verdict_of(e, s),
        .evidence = evidence_of(e, s),
        .since_ms = s->since_ms,
        .n_restarts = s->n_restarts,
        .n_instances = count_instances(e, s),
        .n_roots = s->n_roots,
        .revision = s->rev,
        .step = s->roll.is.step,
        .is_rollback = acc_rollout_active(s) && s->roll.is.back_to,
        .refused = acc_change_refused(s) ? s->bad_why : "",
        .refused_by = acc_change_refused(s) && by ? by : "",
        .banned = acc_svc_banned_image(s),
        .stays_at = acc_svc_stays_at(e, s),
        .what = acc_rollout_active(s) ? s->roll.is.what : "",
        .n_places_taken = s->n_places_taken,
        .n_tries = s->roll.is.step == ACC_ROLL_PULL ? s->roll.n_tries : 0,
    };
    memcpy(ret_view->roots, s->roots, sizeof(s->roots));
    acc_hold_record(e, &s->hold, now_ms > e->now ? now_ms : e->now, &ret_view->hold);
    count_scale(e, s, ret_view->scale);
    acc_reason(e, s, now_ms, ret_view->reason, sizeof(ret_view->reason));
    acc_rollout_queued(e, s, now_ms, ret_view->queued, sizeof(ret_view->queued));
}

void acc_engine_instance(const struct acc_engine *engine, uint32_t svc, uint32_t i,
                         struct acc_instance_view *ret_view)
{
    struct acc_engine *e = unconst(engine);
    struct service *s = &e->services[svc];
    struct instance *inst = acc_inst_first(e, s);

    acc_assert(svc < e->n_services);
    for (; i > 0 && inst; i--) {
        inst = acc_inst_next(e, s, inst);
    }
    acc_assert(inst);
    *ret_view = (struct acc_instance_view){
        .slot = inst->slot,
        .state = state_shown(e, inst),
        .stale = acc_inst_stale(e, inst) || inst->maybe_gone,
        .name = inst->present ? inst->name : "",
        .cid = inst->present ? inst->cid : "",
        .pid = acc_inst_running(inst) ? inst->pid : 0,
        .started_ns = inst->started_ns,
        .image_id = inst->image_id,
        .image = inst->present && strncmp(inst->image_ref, "sha256:", 7) != 0 ? inst->image_ref
                                                                              : "",
        .differs = acc_inst_outdated(e, inst) || acc_inst_likeness(e, inst) >= ACC_LIKE_LIVE ||
                   acc_inst_drift(e, inst, NULL) != DRIFT_NONE,
        .updated = inst->present && strcmp(inst->live_tried, e->services[svc].spec) == 0,
        .is_beside = inst->role != ROLE_NONE || (inst->is_spare && inst->slot <= s->n_inst),
        .exit_code = acc_inst_running(inst) ? -1 : inst->exit_code,
        .oom = inst->oom,
        .health_output = inst->output,
    };
}

const char *acc_engine_other_image(const struct acc_engine *engine, uint32_t svc)
{
    const struct service *s = &engine->services[svc];
    const struct instance *i = s->n_inst > 0 ? &engine->inst[s->first_inst] : NULL;
    bool is_other = i && i->present && i->image_ref[0] &&
                    strncmp(i->image_ref, "sha256:", 7) != 0 && strcmp(i->image_ref, s->image) != 0;

    acc_assert(svc < engine->n_services);
    return is_other ? i->image_ref : NULL;
}

static const char *pulled_as(const struct service *s, const char *image_id, const char **ret_image)
{
    const struct acc_rollout_record *is = &s->roll.is;
    const struct {
        const char *image_id, *digest, *image;
    } now[] = {{s->pin_id, s->pin_digest, s->pin_image},
               {is->image_id, is->digest, is->image},
               {s->failed.image_id, s->failed.digest, s->failed.image}};

    for (size_t k = 0; k < ACC_ARRAY_LEN(now); k++) {
        if (now[k].digest[0] && strcmp(now[k].image_id, image_id) == 0) {
            *ret_image = now[k].image[0] ? now[k].image : s->image;
            return now[k].digest;
        }
    }
    for (uint32_t k = 0; k < s->n_stable; k++) {
        const struct revision *revision = &s->stable[k];

        if (revision->digest[0] && strcmp(revision->image_id, image_id) == 0) {
            *ret_image = revision->image[0] ? revision->image : s->image;
            return revision->digest;
        }
    }
    return "";
}

const char *acc_engine_pulled_as(const struct acc_engine *engine, uint32_t svc,
                                 const char *image_id, const char **ret_image)
{
    const char *digest;

    acc_assert(svc < engine->n_services);
    *ret_image = "";
    digest = image_id[0] ? pulled_as(&engine->services[svc], image_id, ret_image) : "";
    for (uint32_t v = 0; v < engine->n_services && image_id[0] && !digest[0]; v++) {
        digest = pulled_as(&engine->services[v], image_id, ret_image);
    }
    return digest;
}

const char *acc_engine_container_id(const struct acc_engine *engine, uint32_t svc)
{
    const struct service *s = &engine->services[svc];

    acc_assert(svc < engine->n_services);
    return s->n_inst > 0 && engine->inst[s->first_inst].present ? engine->inst[s->first_inst].cid
                                                                : NULL;
}

bool acc_engine_find_container(const struct acc_engine *engine, const char *cid, uint32_t *ret_svc,
                               uint32_t *ret_slot)
{
    const struct instance *i = acc_find_cid(engine, cid);

    if (i) {
        *ret_svc = i->svc;
        *ret_slot = i->slot;
    }
    return i != NULL;
}

bool acc_engine_has_snapshot(const struct acc_engine *engine)
{
    return engine->conn == CONN_UP && engine->synced;
}

/* --- targets --------------------------------------------------------------------------------- */

struct nearest {
    const char *name;
    size_t distance;
};

static void consider(struct nearest *nearest, const char *name, const char *target)
{
    size_t distance = acc_edit_distance(target, name, nearest->distance);

    if (distance < nearest->distance) {
        *nearest = (struct nearest){name, distance};
    }
}

static const char *find_nearest(const struct acc_engine *e, const char *target)
{
    /* A third of the word may be wrong, that is one letter of a short one. */
    struct nearest nearest = {NULL, strlen(target) / 3 + 2};

    for (uint32_t v = 0; v < e->n_services; v++) {
        consider(&nearest, e->services[v].name, target);
        if (strchr(target, '/')) {
            consider(&nearest, e->services[v].id, target);
        }
    }
    for (uint32_t k = 0; k < e->n_stacks; k++) {
        consider(&nearest, e->stacks[k].name, target);
    }
    return nearest.name;
}

/* Who lacks what is called so: "host:/mnt/nas". */
static enum acc_select select_root(struct acc_engine *e, const char *root_id, uint8_t *selected)
{
    enum acc_select r = ACC_SELECT_UNKNOWN;

    for (uint32_t v = 0; v < e->n_services; v++) {
        const struct service *s = &e->services[v];

        for (uint32_t k = 0; k < s->n_host; k++) {
            if (acc_host_has_root(e, acc_host_of(e, s, k), root_id)) {
                selected[v] = 1;
                r = ACC_SELECT_OK;
            }
        }
    }
    return r;
}

static enum acc_select select_target(const struct acc_engine *e, const char *target,
                                     uint8_t *selected, bool *ret_is_stack)
{
    uint32_t stack = acc_engine_find_stack(e, target);
    uint32_t n = 0;
    uint32_t found = ACC_NONE;

    for (uint32_t v = 0; v < e->n_services; v++) {
        if (strcmp(e->services[v].id, target) == 0) {
            selected[v] = 1;
            return ACC_SELECT_OK;
        }
        if (strcmp(e->services[v].name, target) == 0) {
            n++;
            found = v;
        }
    }
    if (n == 1) {
        selected[found] = 1;
        return ACC_SELECT_OK;
    }
    if (stack == ACC_NONE) {
        return n > 1 ? ACC_SELECT_AMBIGUOUS : ACC_SELECT_UNKNOWN;
    }
    *ret_is_stack = true;
    for (uint32_t v = 0; v < e->n_services; v++) {
        selected[v] |= e->services[v].stack == stack; /* others may be named beside it */
    }
    return ACC_SELECT_OK;
}

static enum acc_select select_phase(const struct acc_engine *e, const char *phase,
                                    uint8_t *selected, const char **ret_nearest)
{
    struct nearest nearest = {NULL, strlen(phase) / 3 + 2};
    bool is_known = false;

    for (uint32_t v = 0; v < e->n_services; v++) {
        bool is_in = strcmp(e->services[v].phase, phase) == 0;

        is_known |= is_in;
        selected[v] = selected[v] && is_in;
        if (!is_in) {
            consider(&nearest, e->services[v].phase, phase);
        }
    }
    if (!is_known) {
        *ret_nearest = nearest.name;
    }
    return is_known ? ACC_SELECT_OK : ACC_SELECT_UNKNOWN;
}

enum acc_select acc_engine_select(const struct acc_engine *engine, const char *target,
                                  const char *phase, uint8_t *selected, bool *ret_is_stack,
                                  const char **ret_nearest)
{
    enum acc_select r = ACC_SELECT_OK;

    *ret_is_stack = false;
    *ret_nearest = NULL;
    if (acc_root_is_path(target)) {
        r = select_root(unconst(engine), target, selected);
    } else if (target[0]) {
        r = select_target(engine, target, selected, ret_is_stack);
    } else {
        memset(selected, 1, engine->n_services);
    }
    if (r == ACC_SELECT_UNKNOWN) {
        *ret_nearest = find_nearest(engine, target);
    } else if (r == ACC_SELECT_OK && phase) {
        *ret_is_stack = false; /* a phase of a stack is not the whole of it */
        r = select_phase(engine, phase, selected, ret_nearest);
    }
    return r;
}

/* --- incidents ------------------------------------------------------------------------------- */

static void view_incident(const struct acc_engine *e, const struct incident *incident,
                          struct acc_incident_view *ret_view)
{
    size_t n = 0;

    for (uint32_t v = 0; v < e->n_services; v++) {
        if (acc_victim_of(&e->services[v], incident->id)) {
            e->scratch[n++] = v;
        }
    }
    *ret_view = (struct acc_incident_view){
        .id = incident->id,
        .root = incident->root_id,
        .since_ms = incident->since_ms,
        .open = incident->open,
        .notified = incident->notified,
        .closed_ms = incident->closed_ms,
        .impact = e->scratch,
        .n_impact = n,
        .n_suffer = incident->open ? incident->n_suffer : 0,
        .n_peak = incident->n_peak,
    };
    ret_view->well_ms = acc_incident_well(e, incident, &ret_view->closes_ms);
    if (incident->open || strcmp(incident->cause, incident->first_cause) == 0) {
        acc_copy(ret_view->cause, sizeof(ret_view->cause), incident->cause);
    } else { /* how it began, and with what it went on */
        (void)snprintf(ret_view->cause, sizeof(ret_view->cause), "%.160s; later: %.160s",
                       incident->first_cause, incident->cause);
    }
}

bool acc_engine_incident_at(const struct acc_engine *engine, size_t i,
                            struct acc_incident_view *ret_view)
{
    const struct incident *found = NULL;

    for (size_t turn = 0; turn <= i; turn++) {
        const struct incident *next = NULL;

        for (uint32_t k = 0; k < engine->n_incidents; k++) {
            const struct incident *incident = &engine->incidents[k];

            if (incident->used && (!found || incident->id < found->id) &&
                (!next || incident->id > next->id)) {
                next = incident;
            }
        }
        if (!next) {
            return false;
        }
        found = next;
    }
    view_incident(engine, found, ret_view);
    return true;
}

bool acc_engine_incident(const struct acc_engine *engine, uint64_t id,
                         struct acc_incident_view *ret_view)
{
    for (uint32_t k = 0; k < engine->n_incidents; k++) {
        if (engine->incidents[k].used && engine->incidents[k].id == id) {
            view_incident(engine, &engine->incidents[k], ret_view);
            return true;
        }
    }
    return false;
}

enum acc_tri acc_engine_condition(const struct acc_engine *engine, uint32_t at,
                                  const char **ret_place)
{
    acc_assert(at < engine->n_conditions);
    if (ret_place) {
        *ret_place = engine->conditions[at].seen;
    }
    return engine->conditions[at].is_met;
}
