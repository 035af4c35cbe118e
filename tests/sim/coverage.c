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

/* Events that find services in all of their states, as often as anything happens. */
static const enum acc_event_type common[] = {ACC_EV_SNAPSHOT, ACC_EV_OBS, ACC_EV_TIMEOUT,
                                             ACC_EV_CMD};

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

void coverage_event(struct coverage *c, struct world *w, const struct acc_event *event)
{
    switch (event->type) {
    case ACC_EV_HOST:
        host(c, w, event);
        count_pair(c, w, (uint32_t)(w->n_steps % w->graph.model->n_services), event->type);
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
    default: /* it concerns all: one of them in turn */
        count_pair(c, w, (uint32_t)(w->n_steps % w->graph.model->n_services), event->type);
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

static bool is_common(enum acc_event_type type)
{
    for (size_t i = 0; i < ACC_ARRAY_LEN(common); i++) {
        if (common[i] == type) {
            return true;
        }
    }
    return false;
}

static bool must_be(int state, enum acc_event_type type, bool upgrades)
{
    bool is_rollout = state == ACC_SVC_UPGRADING || state == ACC_SVC_ROLLING_BACK;

    if (state == ACC_SVC_STOPPING && type == ACC_EV_CMD) {
        return false; /* it lasts for seconds, and people speak once in minutes */
    }
    return is_common(type) && (upgrades || !is_rollout);
}

unsigned coverage_print(const struct coverage *c, bool upgrades)
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
    (void)printf("\nE2           ");
    for (int type = 0; type < ACC_EV_TYPE_COUNT; type++) {
        (void)printf(" %9s", event_names[type]);
    }
    (void)printf("\n");
    for (int state = 0; state < ACC_SVC_STATE_COUNT; state++) {
        (void)printf("%-13s", acc_svc_state_name((enum acc_svc_state)state));
        for (int type = 0; type < ACC_EV_TYPE_COUNT; type++) {
            (void)printf(" %9" PRIu64, c->pair[state][type]);
            n_missed += c->pair[state][type] == 0 &&
                        must_be(state, (enum acc_event_type)type, upgrades);
        }
        (void)printf("\n");
    }
    (void)printf("%u that must be reached were not\n", n_missed);
    return n_missed;
}
