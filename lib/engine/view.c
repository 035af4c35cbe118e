/* Looking at the engine: status, reasons, whether a verb has come to its end, names to services. */

#include <stdio.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/engine/parts.h"

size_t acc_engine_n_services(const struct acc_engine *engine)
{
    return engine->n_services;
}

size_t acc_engine_n_stacks(const struct acc_engine *engine)
{
    return engine->n_stacks;
}

bool acc_engine_connected(const struct acc_engine *engine)
{
    return engine->connected && !engine->degraded;
}

bool acc_engine_has_snapshot(const struct acc_engine *engine)
{
    return acc_engine_connected(engine) && engine->snapshot;
}

bool acc_engine_stack_observing(const struct acc_engine *engine, uint32_t stack)
{
    return engine->stacks[stack].observing;
}

const char *acc_engine_stack_name(const struct acc_engine *engine, uint32_t stack)
{
    return engine->stacks[stack].name;
}

const char *acc_engine_container_id(const struct acc_engine *engine, uint32_t svc)
{
    const struct service *s = &engine->services[svc];

    return s->n_inst > 0 && s->inst[0].cid[0] ? s->inst[0].cid : NULL;
}

bool acc_engine_find_container(const struct acc_engine *engine, const char *cid, uint32_t *ret_svc,
                               uint32_t *ret_slot)
{
    const struct instance *inst = acc_eng_cid_find(engine, cid);

    if (inst) {
        *ret_svc = inst->svc;
        *ret_slot = inst->slot;
    }
    return inst != NULL;
}

/* --- reasons
 * -------------------------------------------------------------------------------------- */

static void span(uint64_t ms, char *out, size_t size)
{
    acc_format_span_ms(ms, out, size);
}

static const struct instance *first_not_ready(const struct service *s)
{
    for (uint32_t i = 0; i < s->n_replicas; i++) {
        if (s->inst[i].state != ACC_INST_READY) {
            return &s->inst[i];
        }
    }
    return &s->inst[0];
}

/* What keeps it: the root of the first hard edge that doesn't hold, seen through the others. */
static const struct service *blocker(const struct acc_engine *e, const struct service *s,
                                     const struct edge **ret_edge)
{
    for (size_t i = 0; i < s->n_edges; i++) {
        const struct edge *edge = &s->edges[i];

        if (!acc_eng_edge_holds(e, s, edge)) {
            *ret_edge = edge;
            return &e->services[edge->target];
        }
    }
    return NULL;
}

static void say_what_is_wrong(const struct acc_engine *e, const struct service *s, char *out,
                              size_t size)
{
    const struct instance *inst = first_not_ready(s);
    char ago[32];
    char next[32];

    span(e->now_ms - s->fail_ms, ago, sizeof(ago));
    if (s->held) {
        (void)snprintf(out, size, "was stopped by hand");
    } else if (!s->wanted_up) {
        (void)snprintf(out, size, "is off%s%s", s->asked_by[0] ? ", as asked by " : "",
                       s->asked_by);
    } else if (s->open_until_ms > e->now_ms) {
        span(s->open_until_ms - e->now_ms, next, sizeof(next));
        (void)snprintf(out, size, "%s too often (%u times); next trial in %s", s->fail_text,
                       (unsigned)s->n_failures, next);
    } else if (s->backoff_until_ms > e->now_ms) {
        span(s->backoff_until_ms - e->now_ms, next, sizeof(next));
        (void)snprintf(out, size, "%s %s ago; next try in %s", s->fail_text, ago, next);
    } else if (inst->state == ACC_INST_DEGRADED) {
        (void)snprintf(out, size, "is unhealthy%s%s", inst->output[0] ? ": " : "", inst->output);
    } else if (inst->state == ACC_INST_PAUSED) {
        (void)snprintf(out, size, "is paused");
    } else if (inst->waiting) {
        (void)snprintf(out, size, "waits for a person%s%s", inst->output[0] ? ": " : "",
                       inst->output);
    } else if (inst->exit_unsettled) {
        (void)snprintf(out, size, "exited with %d; finding out whose doing it was",
                       (int)inst->exit_code);
    } else if (inst->state == ACC_INST_PROBING) {
        span(e->now_ms - inst->since_ms, next, sizeof(next));
        (void)snprintf(out, size, "runs for %s and is not ready yet%s%s", next,
                       inst->output[0] ? ": " : "", inst->output);
    } else if (s->fail != FAIL_NONE && !s->ready) {
        (void)snprintf(out, size, "%s %s ago", s->fail_text, ago);
    } else {
        out[0] = '\0';
    }
}

static const struct resource *bad_resource(const struct acc_engine *e, const struct service *s)
{
    for (size_t i = 0; i < s->n_resources; i++) {
        const struct resource *r = &e->resources[s->resources[i]];

        if (r->state == RES_FAILED) {
            return r;
        }
    }
    return NULL;
}

static const char *waits_how(const struct edge *edge)
{
    if (edge->condition == ACC_COND_COMPLETED) {
        return "waits for the end of";
    }
    return acc_eng_is_hard(edge->kind) ? "needs" : "waits for";
}

void acc_eng_reason_of(const struct acc_engine *e, uint32_t svc, char *out, size_t size)
{
    const struct service *s = &e->services[svc];
    const struct edge *edge = NULL;
    const struct service *dep = NULL;
    const struct resource *r = s->wanted_up && !s->running ? bad_resource(e, s) : NULL;
    char what[ACC_REASON_MAX + 1];

    out[0] = '\0';
    if (r) {
        (void)snprintf(out, size, "%s %s: %s",
                       r->kind == ACC_RES_IMAGE     ? "image"
                       : r->kind == ACC_RES_NETWORK ? "network"
                                                    : "volume",
                       r->name, r->problem);
        return;
    }
    if (s->state == ACC_SVC_BLOCKED || s->state == ACC_SVC_QUEUED ||
        (s->state == ACC_SVC_IMPAIRED && first_not_ready(s)->state == ACC_INST_READY)) {
        dep = blocker(e, s, &edge);
    }
    if (dep) {
        say_what_is_wrong(e, dep, what, sizeof(what));
        (void)snprintf(out, size, "%s %s%s%s", waits_how(edge),
                       dep->stack == s->stack ? dep->name : dep->id, what[0] ? ", which " : "",
                       what);
        return;
    }
    if (s->state != ACC_SVC_UP && s->state != ACC_SVC_DONE) {
        say_what_is_wrong(e, s, out, size);
    }
}

/* --- views
 * ---------------------------------------------------------------------------------------- */

static enum acc_verdict verdict_of(const struct acc_engine *e, const struct service *s)
{
    const struct instance *inst = first_not_ready(s);

    if (s->n_replicas == 0 || !acc_eng_is_running(inst)) {
        return inst->has_health ? ACC_HEALTH_UNKNOWN : ACC_HEALTH_NONE;
    }
    if (inst->epoch != e->epoch || !e->connected) {
        return ACC_HEALTH_UNKNOWN;
    }
    if (!inst->has_health) {
        return inst->state == ACC_INST_PROBING ? ACC_HEALTH_STARTING : ACC_HEALTH_NONE;
    }
    return inst->verdict;
}

void acc_engine_service(const struct acc_engine *engine, uint32_t svc, uint64_t now_ms,
                        struct acc_service_view *ret_view)
{
    const struct service *s = &engine->services[svc];
    uint32_t roots[ACC_ROOTS_MAX];

    (void)now_ms;
    *ret_view = (struct acc_service_view){
        .id = s->id,
        .stack = s->stack_name,
        .name = s->name,
        .phase = s->phase,
        .tier = s->tier,
        .image = s->image,
        .removed = s->removed,
        .wanted_up = s->wanted_up,
        .observing = engine->stacks[s->stack].observing,
        .state = s->state,
        .health = verdict_of(engine, s),
        .since_ms = s->since_ms,
        .n_restarts = s->n_restarts,
    };
    for (uint32_t i = 0; i < s->n_inst; i++) {
        ret_view->n_instances += s->inst[i].slot != 0;
    }
    acc_eng_reason_of(engine, svc, ret_view->reason, sizeof(ret_view->reason));
    if (s->state == ACC_SVC_BLOCKED || s->state == ACC_SVC_IMPAIRED) {
        /* The visit marks are scratch space, not state: a view changes nothing that counts. */
        ret_view->n_roots = acc_eng_roots_of((struct acc_engine *)(uintptr_t)engine, svc, roots,
                                             ACC_ROOTS_MAX);
        memcpy(ret_view->roots, roots, ret_view->n_roots * sizeof(roots[0]));
    }
}

void acc_engine_instance(const struct acc_engine *engine, uint32_t svc, uint32_t i,
                         struct acc_instance_view *ret_view)
{
    const struct service *s = &engine->services[svc];
    const struct instance *inst = NULL;

    for (uint32_t k = 0; k < s->n_inst; k++) {
        if (s->inst[k].slot != 0 && i-- == 0) {
            inst = &s->inst[k];
            break;
        }
    }
    acc_assert(inst);
    *ret_view = (struct acc_instance_view){
        .slot = inst->slot,
        .state = inst->state,
        .stale = inst->cid[0] && (inst->epoch != engine->epoch || !engine->connected),
        .name = inst->name,
        .cid = inst->cid,
        .pid = inst->pid,
        .started_ns = inst->started_ns,
        .image_id = inst->image_id,
        .differs = s->applied_spec[0] && strcmp(s->applied_spec, s->spec_hash) != 0,
        .exit_code = inst->exit_code,
        .oom = inst->oom,
        .health_output = inst->output,
    };
}

/* --- verbs
 * ---------------------------------------------------------------------------------------- */

enum acc_settled acc_engine_settled(const struct acc_engine *engine, uint32_t svc,
                                    enum acc_verb verb, uint64_t now_ms, char *text)
{
    const struct service *s = &engine->services[svc];
    bool alive = false;
    bool exists = false;
    bool busy = false;

    (void)now_ms;
    text[0] = '\0';
    for (uint32_t i = 0; i < s->n_inst; i++) {
        alive |= acc_eng_is_running(&s->inst[i]);
        exists |= s->inst[i].cid[0] != '\0';
        busy |= s->inst[i].op != 0 || s->inst[i].again != AGAIN_NONE;
    }
    switch (verb) {
    case ACC_VERB_STOP:
        return alive || busy ? ACC_SETTLED_PENDING : ACC_SETTLED_DONE;
    case ACC_VERB_DOWN:
        return exists || busy || engine->stacks[s->stack].removing ? ACC_SETTLED_PENDING
                                                                   : ACC_SETTLED_DONE;
    case ACC_VERB_ADOPT:
    case ACC_VERB_HAND_BACK:
        for (uint32_t i = 0; i < s->n_inst; i++) {
            const struct instance *inst = &s->inst[i];
            enum acc_restart_policy want = verb == ACC_VERB_ADOPT ? ACC_RESTART_NO
                                                                  : acc_eng_wanted_policy(s);

            if (inst->cid[0] && inst->policy != want && s->wanted_up) {
                return ACC_SETTLED_PENDING;
            }
        }
        return ACC_SETTLED_DONE;
    case ACC_VERB_UP:
    case ACC_VERB_START:
    case ACC_VERB_RESTART:
    case ACC_VERB_RELEASE:
        break;
    }
    if (s->removed || s->n_replicas == 0 || (!busy && (s->ready || s->state == ACC_SVC_DONE))) {
        return ACC_SETTLED_DONE;
    }
    if (s->state == ACC_SVC_FAILED || s->state == ACC_SVC_OPEN || s->state == ACC_SVC_HELD ||
        !s->wanted_up) {
        acc_eng_reason_of(engine, svc, text, ACC_REASON_MAX + 1);
        return ACC_SETTLED_FAILED;
    }
    if (s->state == ACC_SVC_BLOCKED) {
        const struct edge *edge = NULL;
        const struct service *dep = blocker(engine, s, &edge);

        if (dep && dep->terminal && !dep->ready && !acc_eng_edge_holds(engine, s, edge)) {
            acc_eng_reason_of(engine, svc, text, ACC_REASON_MAX + 1);
            return ACC_SETTLED_FAILED;
        }
    }
    return ACC_SETTLED_PENDING;
}

enum acc_select acc_engine_select(const struct acc_engine *engine, const char *target,
                                  const char *phase, uint8_t *selected, bool *ret_is_stack,
                                  const char **ret_nearest)
{
    uint32_t found = ACC_NONE;
    size_t n = 0;
    size_t best = 4;

    *ret_is_stack = false;
    *ret_nearest = NULL;
    for (uint32_t i = 0; i < engine->n_services; i++) {
        const struct service *s = &engine->services[i];
        bool in_phase = !phase || strcmp(s->phase, phase) == 0;
        bool is_stack = strcmp(s->stack_name, target) == 0;

        if ((*target == '\0' || is_stack) && in_phase) {
            selected[i] = 1;
            *ret_is_stack = true;
        }
        if (strcmp(s->id, target) == 0) {
            selected[i] = 1;
            return ACC_SELECT_OK;
        }
        if (strcmp(s->name, target) == 0) {
            found = i;
            n++;
        }
        size_t distance = acc_edit_distance(target, s->name, 3);

        if (distance < best) {
            best = distance;
            *ret_nearest = s->name;
        }
        distance = acc_edit_distance(target, s->stack_name, 3);
        if (distance < best) {
            best = distance;
            *ret_nearest = s->stack_name;
        }
    }
    if (*target == '\0' || *ret_is_stack) {
        return ACC_SELECT_OK;
    }
    if (n == 1) {
        selected[found] = 1;
        return ACC_SELECT_OK;
    }
    return n > 1 ? ACC_SELECT_AMBIGUOUS : ACC_SELECT_UNKNOWN;
}
