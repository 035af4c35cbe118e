/* Gates: when something may be created, started, stopped (E4), and whose fault it is when not (E6).
 */

#include "lib/engine/parts.h"

#include <string.h>

bool acc_eng_is_hard(enum acc_edge_kind kind)
{
    return kind == ACC_EDGE_NEEDS || kind == ACC_EDGE_BINDS || kind == ACC_EDGE_MILESTONE;
}

bool acc_eng_is_bad(const struct service *s)
{
    return s->wanted_up && !s->ready && !s->done;
}

static bool is_done(const struct service *s)
{
    return s->done && strcmp(s->done_spec, s->spec_hash) == 0;
}

static bool after_flap(const struct acc_engine *e, const struct service *dep)
{
    return dep->flap_ms && e->now_ms - dep->flap_ms < dep->timing.flap_window &&
           e->now_ms - dep->ready_ms < dep->timing.ready_stable_after_flap;
}

bool acc_eng_edge_holds(const struct acc_engine *e, const struct service *s,
                        const struct edge *edge)
{
    const struct service *dep = &e->services[edge->target];

    (void)s;
    switch (edge->kind) {
    case ACC_EDGE_BINDS:
    case ACC_EDGE_NEEDS:
        if (edge->condition == ACC_COND_RUNNING) {
            return dep->running || is_done(dep);
        }
        return dep->ready && !after_flap(e, dep);
    case ACC_EDGE_MILESTONE:
        return edge->condition == ACC_COND_COMPLETED ? is_done(dep) : dep->ready_once || dep->ready;
    case ACC_EDGE_WANTS:
        return dep->terminal;
    case ACC_EDGE_AFTER:
        return !dep->wanted_up || dep->terminal;
    case ACC_EDGE_CONFLICTS:
        return !dep->running;
    }
    return true;
}

const struct edge *acc_eng_gate_edge(const struct acc_engine *e, const struct service *s,
                                     bool create)
{
    for (size_t i = 0; i < s->n_edges; i++) {
        const struct edge *edge = &s->edges[i];

        if (edge->at_create == create && !acc_eng_edge_holds(e, s, edge)) {
            return edge;
        }
    }
    return NULL;
}

uint64_t acc_eng_recovery_grace(const struct service *s)
{
    const struct instance *inst = &s->inst[0];
    uint64_t grace = inst->has_health ? (uint64_t)(inst->start_period_ms + 3 * inst->interval_ms)
                                      : 0;

    return grace > s->timing.recovery_grace_min ? grace : s->timing.recovery_grace_min;
}

bool acc_eng_may_start(struct acc_engine *e, struct service *s)
{
    size_t limit = s->timing.starts_in_flight ? s->timing.starts_in_flight : 4;

    if (s->backoff_until_ms > e->now_ms || s->open_until_ms > e->now_ms) {
        return false;
    }
    if (acc_eng_gate_edge(e, s, false)) {
        return false;
    }
    return e->n_starts < limit;
}

/* The containers whose namespaces or volumes it shares must exist first. */
static bool binds_exist(const struct acc_engine *e, const struct service *s)
{
    for (size_t i = 0; i < s->n_edges; i++) {
        if (s->edges[i].kind == ACC_EDGE_BINDS && !e->services[s->edges[i].target].inst[0].cid[0]) {
            return false;
        }
    }
    return true;
}

bool acc_eng_may_create(struct acc_engine *e, struct service *s)
{
    bool ready = true;

    if (s->backoff_until_ms > e->now_ms || s->open_until_ms > e->now_ms ||
        acc_eng_gate_edge(e, s, true) || !binds_exist(e, s)) {
        return false;
    }
    for (size_t i = 0; i < s->n_resources; i++) {
        struct resource *r = &e->resources[s->resources[i]];

        if (r->state == RES_PRESENT) {
            continue;
        }
        ready = false;
        if (r->state == RES_FAILED && r->retry_ms <= e->now_ms) {
            r->state = RES_UNKNOWN;
        }
        if (r->state == RES_UNKNOWN && r->op == 0 &&
            (r->kind != ACC_RES_IMAGE || e->n_pulls < s->timing.pulls_in_flight)) {
            bool busy = false;

            for (size_t k = 0; k < e->n_resources && r->kind == ACC_RES_NETWORK; k++) {
                busy |= e->resources[k].kind == ACC_RES_NETWORK && e->resources[k].op != 0;
            }
            if (!busy) { /* networks one at a time: 20.10 makes duplicates */
                (void)acc_eng_operate_resource(e, s->resources[i], ACC_ACT_ENSURE_RESOURCE);
            }
        }
    }
    return ready;
}

/* Those that must not outlive it stop first. */
bool acc_eng_may_stop(const struct acc_engine *e, const struct service *s)
{
    uint32_t svc = (uint32_t)(s - e->services);

    for (size_t i = 0; i < s->n_dependents; i++) {
        const struct service *d = &e->services[s->dependents[i]];

        for (size_t k = 0; k < d->n_edges; k++) {
            const struct edge *edge = &d->edges[k];
            bool stops = edge->kind == ACC_EDGE_BINDS ||
                         (edge->kind == ACC_EDGE_NEEDS && edge->on_down == ACC_ON_DOWN_STOP);
            /* Both are to stop: dependents first, whatever the edge. */
            bool both = !d->wanted_up && !s->wanted_up && acc_eng_is_hard(edge->kind);

            if (edge->target == svc && d->running && (stops || both) &&
                edge->condition != ACC_COND_COMPLETED) {
                return false;
            }
        }
    }
    return true;
}

static void roots_below(struct acc_engine *e, uint32_t svc, uint32_t *roots, size_t *n, size_t cap)
{
    const struct service *s = &e->services[svc];
    bool is_leaf = true;

    if (e->stamp[svc] == e->stamp_now || *n == cap) {
        return;
    }
    e->stamp[svc] = e->stamp_now;
    for (size_t i = 0; i < s->n_edges; i++) {
        const struct edge *edge = &s->edges[i];
        const struct service *dep = &e->services[edge->target];

        if (!acc_eng_is_hard(edge->kind) || edge->at_create || acc_eng_edge_holds(e, s, edge)) {
            continue;
        }
        if (dep->ready && edge->condition != ACC_COND_COMPLETED) {
            continue; /* settling after a flap */
        }
        is_leaf = false;
        roots_below(e, edge->target, roots, n, cap);
    }
    if (is_leaf && *n < cap) {
        roots[(*n)++] = svc;
    }
}

size_t acc_eng_roots_of(struct acc_engine *e, uint32_t svc, uint32_t *roots, size_t cap)
{
    size_t n = 0;

    e->stamp_now++;
    roots_below(e, svc, roots, &n, cap);
    if (n == 1 && roots[0] == svc) {
        return 0;
    }
    return n;
}
