/*
 * Gates (E4) and the propagation table (E3): who may start, who must go first, and what happens to
 * whom when a dependency moves.
 */

#include <assert.h>
#include <string.h>

#include "lib/engine/internal.h"

/* Columns of the E3 table. */
enum column {
    COL_RIDE,
    COL_RESTART,
    COL_STOP,
    COL_BINDS,
    COL_MILESTONE,
    COL_WANTS,
    COL_AFTER,
    COL_CONFLICTS,
};
#define COL_COUNT 8

/* clang-format off */
static const enum reaction table[DEP_EVENT_COUNT][COL_COUNT] = {
    /*                needs: ride  restart        stop           binds          milestone   wants       after       conflicts */
    [DEP_STOPS] =    {REACT_RIDE, REACT_RIDE,    REACT_FIRST,   REACT_FIRST,   REACT_NONE, REACT_NONE, REACT_NONE, REACT_NONE},
    [DEP_RESTARTS] = {REACT_RIDE, REACT_RESTART, REACT_FIRST,   REACT_FIRST,   REACT_NONE, REACT_NONE, REACT_NONE, REACT_NONE},
    [DEP_CRASHES] =  {REACT_RIDE, REACT_RESTART, REACT_RESTART, REACT_RESTART, REACT_NONE, REACT_NONE, REACT_NONE, REACT_NONE},
    [DEP_DEGRADED] = {REACT_RIDE, REACT_RIDE,    REACT_RIDE,    REACT_RIDE,    REACT_NONE, REACT_NONE, REACT_NONE, REACT_NONE},
    [DEP_DOWN] =     {REACT_RIDE, REACT_RIDE,    REACT_STOP,    REACT_STOP,    REACT_NONE, REACT_NONE, REACT_NONE, REACT_NONE},
};
/* clang-format on */

static enum column column_of(const struct edge *edge)
{
    switch (edge->kind) {
    case ACC_EDGE_BINDS:
        return COL_BINDS;
    case ACC_EDGE_NEEDS:
        return edge->on_down == ACC_ON_DOWN_RIDE      ? COL_RIDE
               : edge->on_down == ACC_ON_DOWN_RESTART ? COL_RESTART
                                                      : COL_STOP;
    case ACC_EDGE_MILESTONE:
        return COL_MILESTONE;
    case ACC_EDGE_WANTS:
        return COL_WANTS;
    case ACC_EDGE_AFTER:
        return COL_AFTER;
    case ACC_EDGE_CONFLICTS:
        return COL_CONFLICTS;
    }
    return COL_AFTER;
}

enum reaction acc_reaction(enum dep_event event, const struct edge *edge)
{
    /* What only gates the creation has no say afterwards. */
    return edge->at_create ? REACT_NONE : table[event][column_of(edge)];
}

bool acc_edge_hard(const struct edge *edge)
{
    return !edge->at_create && (edge->kind == ACC_EDGE_NEEDS || edge->kind == ACC_EDGE_BINDS);
}

bool acc_edge_met(const struct acc_engine *e, const struct edge *edge)
{
    const struct service *d = &e->services[edge->to];

    if (edge->kind == ACC_EDGE_MILESTONE && edge->condition != ACC_COND_COMPLETED) {
        return d->ever_ready || acc_svc_is_done(d);
    }
    switch (edge->condition) {
    case ACC_COND_READY:
        return d->ready && d->is_fresh;
    case ACC_COND_RUNNING:
        return d->running && d->is_fresh && acc_hooks_over(e, d);
    case ACC_COND_COMPLETED:
        return acc_svc_is_done(d);
    }
    return false;
}

/* --- waiting for what may fail ------------------------------------------------------------- */

/* For the end, the name or the namespaces of what has no replicas. */
static bool waits_for_nobody(const struct acc_engine *e, const struct service *s)
{
    acc_each_out (e, s, edge) {
        if (e->services[edge->to].n_inst == 0 &&
            (edge->kind == ACC_EDGE_BINDS || edge->is_link ||
             (edge->kind == ACC_EDGE_MILESTONE && edge->condition == ACC_COND_COMPLETED))) {
            return true;
        }
    }
    return false;
}

/* It can't be made before another one is there, which won't be soon. */
static bool waits_to_be_made(const struct acc_engine *e, const struct service *s)
{
    if (s->n_inst == 0 || e->inst[s->first_inst].present) {
        return false;
    }
    acc_each_out (e, s, edge) {
        if (edge->at_create && !acc_edge_met(e, edge) &&
            acc_is_terminal(e, &e->services[edge->to])) {
            return true;
        }
    }
    return false;
}

/* It won't get ready by itself soon: who only wants it need not wait. */
bool acc_is_terminal(const struct acc_engine *e, const struct service *s)
{
    switch (s->state) {
    case ACC_SVC_OFF:
    case ACC_SVC_STOPPING:
    case ACC_SVC_HELD:
    case ACC_SVC_FAILED:
    case ACC_SVC_OPEN:
    case ACC_SVC_DONE:
        return true;
    case ACC_SVC_BACKOFF:
        return s->n_failures >= 2 || s->fail_class == FAIL_CONFIG;
    case ACC_SVC_BLOCKED:
        for (uint32_t k = 0; k < s->n_roots; k++) {
            const struct service *root = acc_root_service(e, s->roots[k]);

            if (root ? root->n_inst == 0 || waits_for_nobody(e, root) ||
                           (root->state != ACC_SVC_BLOCKED && acc_is_terminal(e, root))
                     : acc_root_condition(e, s->roots[k])->is_lasting) {
                return true;
            }
        }
        return waits_for_nobody(e, s) || waits_to_be_made(e, s);
    case ACC_SVC_QUEUED:
    case ACC_SVC_STARTING:
    case ACC_SVC_UP:
    case ACC_SVC_IMPAIRED:
    case ACC_SVC_HALF_OPEN:
    case ACC_SVC_UPGRADING:
    case ACC_SVC_ROLLING_BACK:
        return false;
    }
    return false;
}

static bool is_over(struct acc_engine *e, struct service *s, const struct service *d)
{
    if (d->ready || acc_is_terminal(e, d)) {
        return true;
    }
    return s->wait_ms && acc_due(e, s, s->wait_ms + d->timing.start_deadline_min);
}

static bool wins(const struct service *a, const struct service *b)
{
    return a->priority != b->priority ? a->priority > b->priority : a->pos < b->pos;
}

static bool any_running(struct acc_engine *e, struct service *s)
{
    acc_each_inst (e, s, i) {
        if (acc_inst_running(i) || (i->op && i->op_type == ACC_ACT_START) || i->start_unsettled) {
            if (!i->quarantined) {
                return true;
            }
        }
    }
    return false;
}

/* --- start ----------------------------------------------------------------------------------- */

/* Just back after it had left READY: wait until that has lasted. */
static bool is_settled(struct acc_engine *e, struct service *s, const struct edge *edge)
{
    const struct service *d = &e->services[edge->to];

    if (edge->condition != ACC_COND_READY || !d->flap_ms ||
        e->now >= d->flap_ms + d->timing.flap_window) {
        return true;
    }
    return acc_due(e, s, d->ready_ms + d->timing.ready_stable_after_flap);
}

uint64_t acc_gate_settles_ms(const struct acc_engine *e, const struct edge *edge)
{
    const struct service *d = &e->services[edge->to];
    uint64_t at_ms = d->ready_ms + d->timing.ready_stable_after_flap;

    return edge->condition == ACC_COND_READY && d->ready && d->flap_ms &&
                   e->now < d->flap_ms + d->timing.flap_window
               ? at_ms
               : 0;
}

/* Its old container may be down for it already, and others wait for that to be over. */
static bool is_apart(const struct service *s)
{
    return s->roll.is.step > ACC_ROLL_CREATE;
}

static bool claims_the_place(struct acc_engine *e, struct service *other, const struct service *s);

static bool edge_lets_start(struct acc_engine *e, struct service *s, const struct edge *edge)
{
    struct service *d = &e->services[edge->to];

    if (edge->at_create) {
        return true;
    }
    switch (edge->kind) {
    case ACC_EDGE_BINDS:
    case ACC_EDGE_NEEDS:
        return acc_edge_met(e, edge) && d->wanted_up && !d->going_down && is_settled(e, s, edge) &&
               (s->running || s->attempt_ms || is_apart(s) || acc_renew_may_begin(d));
    case ACC_EDGE_MILESTONE:
        return acc_edge_met(e, edge);
    case ACC_EDGE_WANTS:
    case ACC_EDGE_AFTER: /* what is up already, or takes its place, has waited */
        return s->running || is_apart(s) || is_over(e, s, d);
    case ACC_EDGE_CONFLICTS:
        return !any_running(e, d) && !claims_the_place(e, d, s);
    }
    return true;
}

/* Wanted, of higher rank, and could run if only the place were free. */
static bool claims_the_place(struct acc_engine *e, struct service *other, const struct service *s)
{
    if (!other->wanted_up || !wins(other, s) || acc_is_terminal(e, other) ||
        !acc_phase_open(e, other)) {
        return false;
    }
    if (other->state == ACC_SVC_BLOCKED) {
        acc_each_out (e, other, edge) {
            if (edge->kind != ACC_EDGE_CONFLICTS && !edge_lets_start(e, other, edge)) {
                return false;
            }
        }
    }
    return true;
}

static bool conflicts_let_start(struct acc_engine *e, struct service *s)
{
    for (uint32_t k = 0; k < s->n_in; k++) {
        const struct edge *edge = &e->edges[e->in[s->first_in + k]];
        struct service *other = &e->services[edge->from];

        if (edge->kind == ACC_EDGE_CONFLICTS &&
            (any_running(e, other) || claims_the_place(e, other, s))) {
            s->blocker = e->in[s->first_in + k];
            return false;
        }
    }
    return true;
}

/* --- what takes the place of something that has left the files ------------------------------- */

/* Ours to stop, be it later: one that is held runs for longer, and is no less in the way. */
static bool is_to_go(struct acc_engine *e, struct service *s)
{
    return s->removed && !s->wanted_up && !acc_svc_observing(e, s);
}

static bool is_ending(struct acc_engine *e, struct service *s)
{
    return is_to_go(e, s) && any_running(e, s);
}

const char *acc_gate_contested(const struct service *s, const struct service *gone)
{
    for (uint32_t k = 0; k < s->n_takes; k++) {
        for (uint32_t n = 0; n < gone->n_takes; n++) {
            if (strcmp(s->takes[k], gone->takes[n]) == 0) {
                return s->takes[k];
            }
        }
    }
    return NULL;
}

/* A service that has another name now, or is in another stack, is another service for us: the old
 * one is stopped and the new one started. Two servers on one data folder, be it for the seconds
 * that the old one needs to end, destroy it. */
static bool predecessors_let_start(struct acc_engine *e, struct service *s)
{
    for (uint32_t v = e->n_services; s->n_takes > 0 && v-- > 0 && e->services[v].removed;) {
        struct service *gone = &e->services[v];

        if (is_ending(e, gone) && acc_gate_contested(s, gone)) {
            s->predecessor = v;
            return false;
        }
    }
    return true;
}

bool acc_gate_waits_in_vain(struct acc_engine *e, const struct service *s)
{
    struct service *gone = s->predecessor == ACC_NONE ? NULL : &e->services[s->predecessor];

    return gone && gone->removed &&
           (any_running(e, gone) ? acc_hold_no_stop(e, gone) : !gone->wanted_removed);
}

/* Nothing keeps it from being made anew. */
static bool waits_for_nothing(const struct acc_engine *e, const struct service *s)
{
    return s->blocker == ACC_NONE && s->host_blocker == ACC_NONE && s->predecessor == ACC_NONE &&
           s->breaker != BREAKER_OPEN && !s->gave_up && !acc_resource_missing(e, s);
}

/* It gives its name away: it is made anew under another one, is being stopped for that or has
 * ended, and waits for nobody. One that waits may wait for who is to have the name. */
static bool is_giving_name_away(struct acc_engine *e, struct service *s, const struct instance *i)
{
    bool is_stopping = (i->op && i->op_type == ACC_ACT_STOP) || i->stop_ms != 0;

    return i->present && s->wanted_up && s->container_name &&
           strcmp(i->name, s->container_name) != 0 && !acc_svc_observing(e, s) &&
           !acc_hold_no_stop(e, s) && !acc_hold_no_start(e, s) && acc_change_swaps(e, s, i) &&
           (acc_inst_running(i) ? is_stopping : waits_for_nothing(e, s));
}

static bool gives_any_name_away(struct acc_engine *e, struct service *s)
{
    acc_each_slot (e, s, i) {
        if (is_giving_name_away(e, s, i)) {
            return true;
        }
    }
    return false;
}

void acc_gate_update(struct acc_engine *e, struct service *s)
{
    uint8_t clearing = is_ending(e, s)                                                          ? 2
                       : (is_to_go(e, s) && acc_svc_present(e, s)) || gives_any_name_away(e, s) ? 1
                                                                                                : 0;

    if (clearing < s->clearing) {
        for (uint32_t v = 0; v < e->n_services; v++) {
            if (e->services[v].predecessor == acc_svc_index(e, s)) {
                acc_mark(e, &e->services[v]);
            }
        }
    }
    s->clearing = clearing;
}

bool acc_gate_start(struct acc_engine *e, struct service *s)
{
    s->blocker = s->predecessor = ACC_NONE;
    acc_each_out (e, s, edge) {
        if (!edge_lets_start(e, s, edge)) {
            s->blocker = (uint32_t)(edge - e->edges);
            break;
        }
    }
    if (s->blocker == ACC_NONE && acc_host_lets_start(e, s) && conflicts_let_start(e, s) &&
        predecessors_let_start(e, s) && acc_phase_open(e, s) && acc_serial_is_free(e, s)) {
        return true; /* asked again before it runs: the wait that is over must stay over */
    }
    if (!s->wait_ms && acc_phase_open(e, s)) {
        s->wait_ms = e->now ? e->now : 1;
    }
    return false;
}

/* It stays: what is made with one that is about to go is made in vain. */
static bool has_lasting_container(const struct acc_engine *e, const struct service *d)
{
    const struct instance *i = d->n_inst > 0 ? &e->inst[d->first_inst] : NULL;

    return i && i->present && !(i->op && i->op_type == ACC_ACT_REMOVE) && !acc_inst_stranded(e, i);
}

/* What has left is kept under its name until somebody prunes it. */
static bool names_let_create(struct acc_engine *e, struct service *s)
{
    for (uint32_t v = e->n_services; s->container_name && v-- > 0 && e->services[v].removed;) {
        struct service *gone = &e->services[v];

        if (gone->container_name && strcmp(gone->container_name, s->container_name) == 0 &&
            is_to_go(e, gone) && acc_svc_present(e, gone)) {
            s->predecessor = v;
            return false;
        }
    }
    return true;
}

/* Services that swap their names, or hand them on: only who has no container any more waits, so one
 * of them goes first. */
static bool has_others_name(struct acc_engine *e, struct service *s)
{
    if (!s->container_name || (s->n_inst > 0 && e->inst[s->first_inst].present)) {
        return false;
    }
    for (uint32_t v = 0; v < e->n_services; v++) {
        struct service *other = &e->services[v];

        for (uint32_t k = 0; other != s && other->container_name && k < other->n_inst; k++) {
            const struct instance *i = &e->inst[other->first_inst + k];

            if (strcmp(i->name, s->container_name) == 0 && is_giving_name_away(e, other, i)) {
                s->predecessor = v;
                return true;
            }
        }
    }
    return false;
}

bool acc_gate_create(struct acc_engine *e, struct service *s)
{
    if (!acc_host_lets_start(e, s)) {
        return false; /* a volume on what isn't mounted would be filled as it is created */
    }
    if (!names_let_create(e, s) || has_others_name(e, s)) {
        return false;
    }
    acc_each_out (e, s, edge) {
        const struct service *d = &e->services[edge->to];

        if ((edge->at_create && !acc_edge_met(e, edge)) ||
            ((edge->kind == ACC_EDGE_BINDS || edge->is_link) && !has_lasting_container(e, d))) {
            s->blocker = (uint32_t)(edge - e->edges);
            return false;
        }
    }
    return true;
}

bool acc_gate_breaker(struct acc_engine *e, struct service *s)
{
    if (s->gave_up || s->breaker == BREAKER_OPEN) {
        return false;
    }
    return acc_due(e, s, s->backoff_ms);
}

/* By what it is alone, never by its state: that follows from the claims of others, and two that
 * conflict would go on answering each other. */
static bool could_claim(struct acc_engine *e, struct service *s)
{
    return s->wanted_up && !s->removed && !s->running && !acc_svc_held(e, s) &&
           !acc_hold_no_start(e, s) && !acc_svc_is_done(s) && !acc_svc_observing(e, s) &&
           !s->gave_up && acc_phase_open(e, s) && s->breaker != BREAKER_OPEN &&
           s->backoff_ms <= e->now;
}

void acc_claim_update(struct acc_engine *e, struct service *s)
{
    bool claims = false;

    if (could_claim(e, s)) {
        claims = true;
        acc_each_out (e, s, edge) {
            claims &= edge->kind == ACC_EDGE_CONFLICTS || edge_lets_start(e, s, edge);
        }
    }
    if (claims != s->claims) {
        s->claims = claims;
        acc_mark_neighbours(e, s);
    }
}

/* --- stop ------------------------------------------------------------------------------------ */

static bool is_asked_to_end(struct acc_engine *e, struct service *s)
{
    acc_each_inst (e, s, i) {
        if (i->end == END_ASKED && acc_inst_running(i)) {
            return true;
        }
    }
    return false;
}

/* Does this dependent, which runs, have to go before `s` does? */
static bool goes_first(struct acc_engine *e, struct service *s, struct service *dependent,
                       const struct edge *edge)
{
    enum dep_event event = s->wanted_up ? DEP_RESTARTS : DEP_STOPS;

    if (acc_reaction(event, edge) == REACT_FIRST) {
        return true;
    }
    /* Both are to stop, or both were asked to restart: in reverse order. */
    return (!s->wanted_up && !dependent->wanted_up && edge->kind != ACC_EDGE_CONFLICTS) ||
           (acc_edge_hard(edge) && is_asked_to_end(e, s) && is_asked_to_end(e, dependent));
}

bool acc_gate_stop(struct acc_engine *e, struct service *s)
{
    for (uint32_t k = 0; k < s->n_in; k++) {
        const struct edge *edge = &e->edges[e->in[s->first_in + k]];
        struct service *dependent = &e->services[edge->from];

        if (goes_first(e, s, dependent, edge) && !acc_svc_observing(e, dependent) &&
            any_running(e, dependent)) {
            return false;
        }
    }
    return true;
}

static bool dep_takes_down(struct acc_engine *e, const struct edge *edge)
{
    struct service *d = &e->services[edge->to];

    if (!d->wanted_up) {
        enum reaction r = acc_reaction(DEP_STOPS, edge);

        return r == REACT_FIRST || r == REACT_STOP;
    }
    if (d->going_down && acc_reaction(DEP_RESTARTS, edge) == REACT_FIRST) {
        return true;
    }
    return (d->state == ACC_SVC_OPEN || d->state == ACC_SVC_FAILED || d->state == ACC_SVC_HELD) &&
           !any_running(e, d) && acc_reaction(DEP_DOWN, edge) == REACT_STOP;
}

bool acc_must_stop(struct acc_engine *e, struct service *s)
{
    acc_each_out (e, s, edge) {
        struct service *d = &e->services[edge->to];

        if (dep_takes_down(e, edge) ||
            (edge->kind == ACC_EDGE_CONFLICTS && claims_the_place(e, d, s))) {
            return true;
        }
    }
    for (uint32_t k = 0; k < s->n_in; k++) {
        const struct edge *edge = &e->edges[e->in[s->first_in + k]];

        if (edge->kind == ACC_EDGE_CONFLICTS && claims_the_place(e, &e->services[edge->from], s)) {
            return true;
        }
    }
    return false;
}

/* --- a dependency has moved ------------------------------------------------------------------ */

void acc_tell_dependents(struct acc_engine *e, struct service *s, const struct instance *ended,
                         enum dep_event event)
{
    bool is_whole = !any_running(e, s); /* of several replicas others may go on */

    for (uint32_t k = 0; k < s->n_in; k++) {
        const struct edge *edge = &e->edges[e->in[s->first_in + k]];
        struct service *dependent = &e->services[edge->from];

        if (acc_reaction(event, edge) != REACT_RESTART || !dependent->wanted_up ||
            (edge->kind == ACC_EDGE_BINDS ? ended->slot != 1 : !is_whole)) {
            continue;
        }
        acc_each_slot (e, dependent, i) {
            if (acc_inst_running(i)) {
                acc_inst_end(e, i, END_DEPENDENCY);
            }
        }
        acc_mark(e, dependent);
    }
}
