#include "tests/sim/coverage.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/assert.h"
#include "tests/sim/world.h"

static const char *const event_names[] = {
    "conn-up", "conn-down", "degraded", "snapshot", "obs",      "gone",
    "hint",    "op-done",   "op-late",  "probe",    "compared", "looked",
    "clock",   "cmd",       "timeout",  "shutdown", "host"};
static_assert(ACC_ARRAY_LEN(event_names) == ACC_EV_TYPE_COUNT, "one name per event");

#define ANY (-1)

enum demand { ASKED, SELDOM, NEVER };

/* Each pair of a state and an event is asked for, but for these: the first line that fits says why.
 * SELDOM: it can be, and takes a chance that the seeds of the suite need not contain. */
static const struct exception {
    int state, event; /* or ANY */
    enum demand demand;
    const char *why;
} exceptions[] = {
    {ACC_SVC_HALF_OPEN, ACC_EV_SHUTDOWN, SELDOM, "a trial, and the host goes down in it"},
    {ACC_SVC_ROLLING_BACK, ACC_EV_SHUTDOWN, SELDOM, "likewise, a way back of seconds"},
    {ACC_SVC_STOPPING, ACC_EV_CONN_DEGRADED, SELDOM, "it lasts for seconds; dockerd hangs in it"},
    {ACC_SVC_STOPPING, ACC_EV_CMD, SELDOM, "likewise, and somebody says something about it"},
    {ACC_SVC_BLOCKED, ACC_EV_OP_LATE, ASKED, "what it needs has gone while it was started"},
    {ACC_SVC_STARTING, ACC_EV_OP_LATE, ASKED, "a start that outlasts its time"},
    {ACC_SVC_UP, ACC_EV_OP_LATE, ASKED, "a replica's, or of one that is stopped to be replaced"},
    {ACC_SVC_UPGRADING, ACC_EV_OP_LATE, ASKED, "each of its steps is an operation"},
    {ACC_SVC_ROLLING_BACK, ACC_EV_OP_LATE, ASKED, "likewise"},
    {ANY, ACC_EV_OP_LATE, SELDOM, "it came to this state while an operation outlasted its time"},
    {ACC_SVC_OFF, ACC_EV_PROBE, SELDOM, "the answer was on its way when the container went"},
};

static int column_of(const struct acc_edge *edge)
{
    switch (edge->kind) {
    case ACC_EDGE_NEEDS:
        return edge->at_create ? -1 : (int)edge->on_down;
    case ACC_EDGE_BINDS:
        return 3;
    case ACC_EDGE_MILESTONE:
        return 4;
    case ACC_EDGE_WANTS:
        return 5;
    case ACC_EDGE_AFTER:
        return 6;
    default:
        return -1;
    }
}

/* It happens to `dep` while these run. */
static void happens(struct coverage *c, struct world *w, enum coverage_row row, uint32_t dep)
{
    for (uint32_t s = 0; s < w->graph.model->n_services; s++) {
        const struct acc_service_spec *spec = w->graph.model->services[s];

        for (size_t i = 0; i < spec->n_edges; i++) {
            int column = spec->edges[i].target == dep ? column_of(&spec->edges[i]) : -1;

            if (column >= 0 && w->workloads.item[s].n_procs > 0) {
                c->cell[row][column]++;
            }
        }
    }
}

static void count_pair(struct coverage *c, struct world *w, uint32_t svc, enum acc_event_type type)
{
    struct acc_service_view view;

    if (svc < w->graph.model->n_services) {
        acc_engine_service(w->engine, svc, w->queue.now_ms, &view);
        c->pair[view.state][type]++;
    }
}

static uint32_t service_of_cid(struct world *w, const char *cid)
{
    const struct twin_container *container = twin_find_ever(&w->twin, cid);

    return container ? container->made.svc : ACC_NONE;
}

/* Who has to go first is gone when the stop itself is sent. */
static void asked(struct coverage *c, struct world *w, enum acc_verb verb, uint32_t svc)
{
    bool is_stop = verb == ACC_VERB_STOP || verb == ACC_VERB_DOWN;

    if ((is_stop || verb == ACC_VERB_RESTART) && w->workloads.item[svc].n_procs > 0 &&
        !acc_engine_stack_observing(w->engine, w->graph.model->service_stack[svc])) {
        happens(c, w, is_stop ? COVER_STOPS : COVER_RESTARTS, svc);
    }
}

static void host(struct coverage *c, struct world *w, const struct acc_event *event)
{
    for (uint32_t s = 0; s < w->graph.model->n_services; s++) {
        const struct acc_service_spec *spec = w->graph.model->services[s];

        for (size_t i = 0; i < spec->n_host; i++) {
            if (strcmp(spec->host[i].is.text, event->host.condition) == 0) {
                c->host[event->host.is_met == ACC_YES][w->workloads.item[s].n_procs > 0]++;
            }
        }
    }
}

/* It concerns all of them. */
static void count_all(struct coverage *c, struct world *w, enum acc_event_type type)
{
    for (uint32_t i = 0; i < w->graph.model->n_services; i++) {
        count_pair(c, w, i, type);
    }
}

void coverage_event(struct coverage *c, struct world *w, const struct acc_event *event)
{
    switch (event->type) {
    case ACC_EV_HOST:
        host(c, w, event);
        count_all(c, w, event->type);
        break;
    case ACC_EV_OBS:
        count_pair(c, w, service_of_cid(w, event->obs->cid), event->type);
        break;
    case ACC_EV_GONE:
    case ACC_EV_HINT:
        count_pair(c, w, service_of_cid(w, event->hint.cid), event->type);
        break;
    case ACC_EV_COMPARED:
        count_pair(c, w, service_of_cid(w, event->compared.cid), event->type);
        break;
    case ACC_EV_CMD:
        for (uint32_t i = 0; i < w->graph.model->n_services; i++) {
            if (event->cmd.selected[i]) {
                count_pair(c, w, i, event->type);
                asked(c, w, event->cmd.verb, i);
            }
        }
        break;
    case ACC_EV_OP_DONE:
    case ACC_EV_OP_LATE:
    case ACC_EV_PROBE:
        count_pair(c, w, w->event_svc, event->type);
        break;
    case ACC_EV_TIMEOUT: /* so often that one of them in turn is enough */
        count_pair(c, w, (uint32_t)(w->n_steps % w->graph.model->n_services), event->type);
        break;
    case ACC_EV_CONN_UP:
    case ACC_EV_CONN_DOWN:
    case ACC_EV_CONN_DEGRADED:
    case ACC_EV_SNAPSHOT:
    case ACC_EV_LOOKED:
    case ACC_EV_CLOCK:
    case ACC_EV_SHUTDOWN:
        count_all(c, w, event->type);
        break;
    }
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);

    return n >= m && strcmp(text + n - m, end) == 0;
}

static void note(struct coverage *c, struct world *w, const struct acc_action *a)
{
    if (a->note.kind == ACC_NOTE_STATE &&
        (ends_with(a->note.text, "-> open") || ends_with(a->note.text, "-> failed") ||
         ends_with(a->note.text, "-> held"))) {
        happens(c, w, COVER_DOWN, a->svc);
    } else if (a->note.kind == ACC_NOTE_OBSERVED && strstr(a->note.text, "unhealthy")) {
        happens(c, w, COVER_DEGRADED, a->svc);
    }
}

void coverage_actions(struct coverage *c, struct world *w)
{
    for (size_t i = 0; i < w->actions.n; i++) {
        const struct acc_action *a = &w->actions.item[i];

        if (a->svc >= w->graph.model->n_services) {
            continue;
        }
        if (a->type == ACC_ACT_NOTE) {
            note(c, w, a);
        } else if (a->type == ACC_ACT_STOP) {
            struct acc_service_view view;

            acc_engine_service(w->engine, a->svc, w->queue.now_ms, &view);
            happens(c, w, view.wanted_up ? COVER_RESTARTS : COVER_STOPS, a->svc);
        }
    }
}

void coverage_crash(struct coverage *c, struct world *w, const struct twin_container *container)
{
    if (container->made.svc != ACC_NONE && !container->made.oneoff && !container->is_stopping &&
        !container->manually_stopped && w->twin.power == TWIN_UP) {
        happens(c, w, COVER_CRASHES, container->made.svc);
    }
}

static bool is_rollout(int state)
{
    return state == ACC_SVC_UPGRADING || state == ACC_SVC_ROLLING_BACK;
}

static const struct exception *exception_of(int state, int event)
{
    for (size_t i = 0; i < ACC_ARRAY_LEN(exceptions); i++) {
        const struct exception *x = &exceptions[i];

        if ((x->state == ANY || x->state == state) && (x->event == ANY || x->event == event)) {
            return x;
        }
    }
    return NULL;
}

/* What is there for upgrades by themselves. */
static bool is_of_autos(int event)
{
    return event == ACC_EV_LOOKED || event == ACC_EV_CLOCK;
}

/* Seeds without upgrades know no rollouts, and those with them are there for nothing else. */
static enum demand demand_of(int state, int event, bool upgrades)
{
    const struct exception *x = exception_of(state, event);

    return x && x->demand == NEVER           ? NEVER
           : !upgrades && is_of_autos(event) ? NEVER
           : is_rollout(state) != upgrades   ? (upgrades ? SELDOM : NEVER)
           : x                               ? x->demand
                                             : ASKED;
}

/* One that is missing, or that can't be, is a fault of the seeds or of the table. */
static bool is_wrong(const struct coverage *c, int state, int event, bool upgrades)
{
    enum demand demand = demand_of(state, event, upgrades);
    const struct exception *x = exception_of(state, event);

    if (demand == NEVER && c->pair[state][event] > 0) {
        (void)printf("%s in state %s can't be, and was: %s\n", event_names[event],
                     acc_svc_state_name((enum acc_svc_state)state),
                     x ? x->why : "there are no upgrades");
        return true;
    }
    if (demand == ASKED && c->pair[state][event] == 0) {
        (void)printf("%s in state %s was never reached\n", event_names[event],
                     acc_svc_state_name((enum acc_svc_state)state));
        return true;
    }
    return false;
}

static unsigned print_cells(const struct coverage *c)
{
    static const char *const rows[] = {"stops", "restarts", "crashes", "degraded", "down"};
    unsigned n_missed = 0;

    (void)printf("\nE3        %10s %10s %10s %10s %10s %10s %10s\n", "ride", "restart", "stop",
                 "binds", "milestone", "wants", "after");
    for (int row = 0; row < COVERAGE_ROWS; row++) {
        (void)printf("%-9s", rows[row]);
        for (int column = 0; column < COVERAGE_COLUMNS; column++) {
            (void)printf(" %10" PRIu64, c->cell[row][column]);
            n_missed += c->cell[row][column] == 0;
        }
        (void)printf("\n");
    }
    (void)printf("\nhost      %10s %10s\n", "runs", "doesn't");
    for (int is_there = 0; is_there < 2; is_there++) {
        (void)printf("%-9s %10" PRIu64 " %10" PRIu64 "\n", is_there ? "comes" : "goes",
                     c->host[is_there][1], c->host[is_there][0]);
        n_missed += (c->host[is_there][0] == 0) + (c->host[is_there][1] == 0);
    }
    return n_missed;
}

/* "." for what can't be, "(3)" for what isn't asked for. */
static void print_pair(uint64_t n, enum demand demand)
{
    char text[32] = ".";

    if (demand != NEVER || n > 0) {
        (void)snprintf(text, sizeof(text), demand == SELDOM ? "(%" PRIu64 ")" : "%" PRIu64, n);
    }
    (void)printf(" %9s", text);
}

static void print_pairs(const struct coverage *c, bool upgrades)
{
    (void)printf("\nE2           ");
    for (int type = 0; type < ACC_EV_TYPE_COUNT; type++) {
        (void)printf(" %9s", event_names[type]);
    }
    (void)printf("\n");
    for (int state = 0; state < ACC_SVC_STATE_COUNT; state++) {
        (void)printf("%-13s", acc_svc_state_name((enum acc_svc_state)state));
        for (int type = 0; type < ACC_EV_TYPE_COUNT; type++) {
            print_pair(c->pair[state][type], demand_of(state, type, upgrades));
        }
        (void)printf("\n");
    }
}

unsigned coverage_print(const struct coverage *c, bool upgrades)
{
    unsigned n_cells = print_cells(c);
    unsigned n_wrong = upgrades ? 0 : n_cells;

    print_pairs(c, upgrades);
    for (int state = 0; state < ACC_SVC_STATE_COUNT; state++) {
        for (int type = 0; type < ACC_EV_TYPE_COUNT; type++) {
            n_wrong += is_wrong(c, state, type, upgrades);
        }
    }
    (void)printf("%u that must be reached were not, or can't be and were\n", n_wrong);
    return n_wrong;
}
