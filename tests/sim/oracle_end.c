/* What must be so in the end, after the faults (L1 to L5). */
#include "tests/sim/oracle_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/sim/world.h"

static size_t n_running(const struct oracle *o, uint32_t svc, uint32_t number,
                        const struct twin_container **ret_c)
{
    const struct twin *twin = &o->world->twin;
    size_t n = 0;

    for (size_t i = 0; i < twin->n; i++) {
        if (oracle_is_slot(twin->item[i], svc, number) && twin_is_running(twin->item[i])) {
            *ret_c = twin->item[i];
            n++;
        }
    }
    return n;
}

/* Everything that it can't do without is wanted, and not at rest. */
bool oracle_is_viable(const struct oracle *o, uint32_t svc)
{
    const struct acc_service_spec *spec = spec_of(o, svc);

    if (!o->service[svc].want_up || oracle_is_behind_a_gate(o, svc)) {
        return false;
    }
    for (size_t i = 0; i < spec->n_edges; i++) {
        const struct acc_edge *edge = &spec->edges[i];
        const struct sim_workload *dep = &o->world->workloads.item[edge->target];

        if (edge->kind == ACC_EDGE_MILESTONE &&
            (edge->condition == ACC_COND_COMPLETED ? dep->has_done : dep->is_ready)) {
            continue; /* that it was ready once is not kept over a restart of accd */
        }
        if (edge->kind == ACC_EDGE_WANTS || edge->kind == ACC_EDGE_AFTER ||
            edge->kind == ACC_EDGE_CONFLICTS) {
            continue;
        }
        if (spec_of(o, edge->target)->replicas == 0 && o->service[edge->target].want_up &&
            edge->kind == ACC_EDGE_NEEDS) {
            continue; /* none of none is missing, but for who lives in it or waits for its end */
        }
        if (!oracle_is_viable(o, edge->target) || spec_of(o, edge->target)->replicas == 0 ||
            (oracle_may_rest(spec_of(o, edge->target)) &&
             dep->n_procs < spec_of(o, edge->target)->replicas)) {
            return false;
        }
    }
    return true;
}

static const char *say(char *text, size_t size, const char *id, const char *what,
                       const struct acc_service_view *view)
{
    (void)snprintf(text, size, "%s %s; the engine says %s: %s", id, what,
                   acc_svc_state_name(view->state), view->reason);
    return text;
}

static const char *slot_unconverged(const struct oracle *o, uint32_t svc, uint32_t number)
{
    const struct twin_container *c = NULL;
    size_t n = n_running(o, svc, number, &c);

    if (n != 1) {
        return n == 0 ? "should run and does not" : "runs more than once";
    }
    if (!c->proc.is_healthy) {
        return c->proc.is_cut_off ? "lives in a namespace that is gone" : "runs and is not ready";
    }
    for (size_t k = 0; k < TWIN_BOUND_MAX && c->made.bound_cid[k][0]; k++) {
        const struct twin_container *to = twin_find(&o->world->twin, c->made.bound_cid[k]);

        if (!to || to->proc.run != c->bound_run[k]) {
            return "lives in a namespace that is gone";
        }
    }
    return NULL;
}

static const char *off_unconverged(const struct oracle *o, uint32_t svc)
{
    const struct twin *twin = &o->world->twin;

    for (size_t i = 0; i < twin->n; i++) {
        const struct twin_container *c = twin->item[i];

        if (!c->exists || c->made.svc != svc || c->made.oneoff) {
            continue;
        }
        if (twin_is_running(c)) {
            return "is wanted off and runs";
        }
        if (o->service[svc].want_removed) {
            return "is to be removed and has a container";
        }
    }
    return NULL;
}

/* A watch goes on when somebody starts its service again, and an upgrade when what it needs has
 * replicas; who goes back with it waits for that. */
static bool waits_for_one_at_rest(const struct oracle *o, const struct acc_service_view *view)
{
    if (view->step != ACC_ROLL_WATCH || !strstr(view->reason, "go back with it")) {
        return false;
    }
    for (uint32_t i = 0; i < o->world->graph.model->n_services; i++) {
        const struct acc_service_spec *spec = spec_of(o, i);
        bool is_at_rest = oracle_may_rest(spec) &&
                          o->world->workloads.item[i].n_procs < spec->replicas;
        struct acc_service_view other;

        acc_engine_service(o->world->engine, i, now(o), &other);
        if ((other.step == ACC_ROLL_WATCH && is_at_rest) ||
            (other.step != ACC_ROLL_IDLE && other.step < ACC_ROLL_VERIFY &&
             !oracle_is_viable(o, i))) {
            return true;
        }
    }
    return false;
}

/* L4: it ends, and leaves one container of each slot, under its name, and no bad one. */
static const char *rollout_unconverged(const struct oracle *o, uint32_t svc,
                                       const struct acc_service_view *view)
{
    const struct twin *twin = &o->world->twin;

    if (waits_for_one_at_rest(o, view)) {
        return NULL;
    }
    for (size_t i = 0; i < twin->n && o->world->options.upgrades; i++) {
        const struct twin_container *c = twin->item[i];

        if (c->exists && c->made.svc == svc && !c->made.oneoff && c->made.is_ours) {
            if (world_has_role(c->name)) {
                return "has a container of an upgrade left";
            }
            if (c->is_marked && twin_is_running(c)) {
                return "R1: has a container that still carries the mark of a drain";
            }
            if (strcmp(c->made.spec_hash, spec_of(o, svc)->spec_hash) != 0 && !view->refused[0]) {
                return "E9: runs what its file said before";
            }
            if (c->made.unrouted) {
                return "U6b: has a container without the names of its service";
            }
        }
    }
    return view->step != ACC_ROLL_IDLE ? "L4: has an upgrade that doesn't end" : NULL;
}

static const char *service_unconverged(struct oracle *o, uint32_t svc, char *text, size_t size)
{
    const struct acc_service_spec *spec = spec_of(o, svc);
    const struct sim_workload *work = &o->world->workloads.item[svc];
    struct acc_service_view view;
    const char *what = NULL;

    acc_engine_service(o->world->engine, svc, now(o), &view);
    if (spec->replicas == 0) {
        return NULL;
    }
    if (!o->service[svc].want_up) {
        what = off_unconverged(o, svc);
        if (!what && (view.step == ACC_ROLL_ASK || view.step == ACC_ROLL_UNDO)) {
            what = "has an upgrade that a person decides about";
        }
    } else if (!oracle_is_viable(o, svc)) {
        return NULL;
    } else if (spec->one_shot) {
        what = !work->has_done              ? "has never done its work"
               : view.state != ACC_SVC_DONE ? "has done its work"
                                            : NULL;
    } else {
        for (uint32_t i = 1; i <= spec->replicas && !what; i++) {
            what = slot_unconverged(o, svc, i);
        }
        if (oracle_may_rest(spec) && work->n_procs < spec->replicas) {
            /* its watch goes on when somebody starts it again */
            if (view.step != ACC_ROLL_UNDO && view.step != ACC_ROLL_ASK) {
                return NULL;
            }
            what = NULL;
        } else if (!what && view.state != ACC_SVC_UP) {
            what = "is well";
        }
        what = what ? what : rollout_unconverged(o, svc, &view);
    }
    return what ? say(text, size, spec->id, what, &view) : NULL;
}

/* One that may rest as it is keeps its root's incident open: it has not recovered. */
static bool is_at_rest(const struct oracle *o)
{
    for (uint32_t i = 0; i < o->world->graph.model->n_services; i++) {
        const struct sim_workload *work = &o->world->workloads.item[i];

        if (oracle_may_rest(spec_of(o, i)) && o->service[i].want_up && work->n_procs == 0) {
            return true;
        }
    }
    return false;
}

/* E5: what fails three times within an hour has an incident for as long. */
static bool may_be_unstable(const struct oracle *o, uint32_t svc)
{
    const struct sim_workload *work = &o->world->workloads.item[svc];

    return work->is_ready && now(o) - work->ready_change_ms < HOUR + EXCUSE;
}

static const char *incident_unconverged(struct oracle *o, char *text, size_t size)
{
    struct acc_incident_view view;

    if (is_at_rest(o)) {
        return NULL;
    }

    for (size_t i = 0; acc_engine_incident_at(o->world->engine, i, &view); i++) {
        bool ambiguous;
        uint32_t svc = acc_model_find(o->world->graph.model, view.root, &ambiguous);

        if (view.open &&
            (svc == ACC_NONE || (oracle_is_viable(o, svc) && !oracle_may_rest(spec_of(o, svc)) &&
                                 !may_be_unstable(o, svc)))) {
            (void)snprintf(text, size, "the incident of %s is still open: %s", view.root,
                           view.cause);
            return text;
        }
    }
    return NULL;
}

const char *oracle_unconverged(struct oracle *o, char *text, size_t size)
{
    struct world *w = o->world;
    const char *what = NULL;

    if (!w->engine || w->conn != WORLD_CONN_UP || !w->has_snapshot) {
        return "accd has no connection";
    }
    for (uint32_t i = 0; i < w->graph.model->n_services && !what; i++) {
        what = service_unconverged(o, i, text, size);
    }
    for (size_t i = 0; i < WORLD_OPS_MAX && !what; i++) {
        if (w->op[i].is_used) {
            (void)snprintf(text, size, "L3: operation %" PRIu64 " (%s) has not ended",
                           w->op[i].action.op, acc_action_type_name(w->op[i].action.type));
            what = text;
        }
    }
    if (!what && w->store.n_open > 0) {
        (void)snprintf(text, size, "L3: %zu journaled operations have no end", w->store.n_open);
        what = text;
    }
    if (!what && w->twin.double_network) {
        what = "two networks of one name were made";
    }
    what = what ? what : world_leave_unconverged(w);
    return what ? what : incident_unconverged(o, text, size);
}
