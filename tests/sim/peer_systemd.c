/*
 * systemd: a unit per container (`docker start -a` in the foreground, Type=exec), Restart=always,
 * Requires= and After= on what it needs, and on docker.service.
 *
 * The rules (systemd.service(5), systemd.unit(5), src/core/service.c; facts/supervision.md A1):
 * - the main process ended: after RestartSec (100 ms) service_enter_restart() enqueues a restart
 *   job, which takes those that Require= the unit along as try-restart, and theirs in turn:
 *   whoever runs is stopped first, then all are started in the order of After=;
 * - "started" is that the command runs: there is no readiness;
 * - more than StartLimitBurst=5 starts within StartLimitIntervalSec=10 s: the unit is failed, for
 *   good; each start counts, also one that came along;
 * - it knows nothing of Docker's health;
 * - a dependent whose start was refused once is not started when its dependency recovers
 *   (finding 7): here it is when that one's limit is hit, or it is in the middle of its pause.
 * `is_due` marks those that wait for their dependency within the same job.
 */
#include "tests/sim/peer.h"

#include "lib/base/assert.h"

#define RESTART_MS         100u
#define RESTART_PATIENT_MS 5000u /* what people write into units: RestartSec=5 */
#define LIMIT_MS           10000u
#define BURST              5u

static bool is_patient(const struct peer *p)
{
    return p->kind == peer_kind(PEER_SYSTEMD_PATIENT); /* StartLimitIntervalSec=0 */
}

static bool is_required(const struct acc_edge *edge)
{
    return (edge->kind == ACC_EDGE_NEEDS || edge->kind == ACC_EDGE_BINDS) && !edge->at_create;
}

/* False: the limit is hit. */
static bool count_start(struct peer *p, struct peer_service *s)
{
    uint64_t *oldest = &s->starts_ms[s->n_starts % BURST];

    if (p->has_begun && !is_patient(p) && s->n_starts >= BURST &&
        peer_now(p) < *oldest + LIMIT_MS) {
        s->is_failed = true;
        return false;
    }
    *oldest = peer_now(p);
    s->n_starts++;
    return true;
}

static void restart(void *ctx, uint64_t svc, uint64_t start);

/* Its command has ended: that of a start which Docker refused, too. */
static void ended(struct peer *p, uint32_t svc)
{
    if (!p->service[svc].is_job) {
        peer_in(p, is_patient(p) ? RESTART_PATIENT_MS : RESTART_MS, restart, svc,
                p->service[svc].n_starts);
    }
}

static void start_answered(struct peer *p, uint32_t svc, int status)
{
    if (status >= 400) {
        ended(p, svc);
    }
}

static void start(struct peer *p, uint32_t svc)
{
    struct peer_service *s = &p->service[svc];

    if (!s->is_failed && count_start(p, s)) {
        peer_call(p, TWIN_START, svc, s->container->cid, start_answered);
    }
}

static bool waits(const struct peer *p, uint32_t svc)
{
    const struct acc_service_spec *spec = peer_spec(p, svc);

    for (size_t e = 0; e < spec->n_edges; e++) {
        if (p->service[spec->edges[e].target].is_due ||
            p->service[spec->edges[e].target].is_stopping) {
            return true;
        }
    }
    return p->service[svc].is_stopping;
}

/* Those of the job whose turn it is: nothing that they come After= is still to be stopped or
 * started. A failed one fails the jobs of those that require it. */
static void go_on(struct peer *p)
{
    const struct acc_model *model = p->world->graph.model;

    for (uint32_t i = 0; i < model->n_services; i++) {
        uint32_t svc = model->order[i];
        const struct acc_service_spec *spec = peer_spec(p, svc);

        if (!p->service[svc].is_due || waits(p, svc)) {
            continue;
        }
        p->service[svc].is_due = false;
        for (size_t e = 0; e < spec->n_edges; e++) {
            p->service[svc].is_failed |= is_required(&spec->edges[e]) &&
                                         p->service[spec->edges[e].target].is_failed;
        }
        start(p, svc);
    }
}

static void stopped(struct peer *p, uint32_t svc, int status)
{
    (void)status;
    p->service[svc].is_stopping = false;
    go_on(p);
}

/* The job of `svc` takes those along that require it and run. */
static void take_along(struct peer *p, uint32_t svc)
{
    const struct acc_model *model = p->world->graph.model;

    for (uint32_t i = 0; i < model->n_services; i++) {
        struct peer_service *s = &p->service[i];
        const struct acc_service_spec *spec = peer_spec(p, i);

        for (size_t e = 0; e < spec->n_edges; e++) {
            if (spec->edges[e].target == svc && is_required(&spec->edges[e]) && !s->is_due &&
                !s->is_job && twin_is_running(s->container)) {
                s->is_due = s->is_stopping = true;
                peer_call(p, TWIN_STOP, i, s->container->cid, stopped);
                take_along(p, i);
            }
        }
    }
}

static void restart(void *ctx, uint64_t svc, uint64_t n_starts)
{
    struct peer *p = ctx;
    struct peer_service *s = &p->service[svc];

    if (s->n_starts != n_starts || s->is_due || s->is_failed || p->world->twin.power != TWIN_UP) {
        return;
    }
    s->is_due = true;
    take_along(p, (uint32_t)svc);
    go_on(p);
}

void peer_systemd_hint(struct peer *p, struct twin_container *c, const struct twin_hint *hint)
{
    uint32_t svc = c->made.svc;

    if (hint->hint == ACC_HINT_DIE && !hint->is_destroy && svc != ACC_NONE &&
        c == p->service[svc].container && !p->service[svc].is_stopping) {
        ended(p, svc);
    }
}

/* docker.service is back: what requires it was taken along by its restart, and starts After= it. */
void peer_systemd_power(struct peer *p, enum twin_power power)
{
    for (uint32_t i = 0; power == TWIN_UP && i < p->world->graph.model->n_services; i++) {
        struct peer_service *s = &p->service[i];

        s->is_stopping = false;
        s->is_due = !s->is_job && !s->is_failed && !twin_is_running(s->container);
    }
    if (power == TWIN_UP) {
        go_on(p);
    }
}

void peer_systemd_begin(struct peer *p)
{
    for (uint32_t i = 0; i < p->world->graph.model->n_services; i++) {
        p->service[i].n_starts = 0;
    }
}
