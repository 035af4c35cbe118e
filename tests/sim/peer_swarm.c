/*
 * Swarm: a task per service, its containers are made anew each time, and an update that goes back.
 *
 * The rules (facts/supervision.md A4; swarmkit defaults/service.go, update/updater.go,
 * restart/restart.go): restart condition any, delay 5 s, no limit; a task is RUNNING when its
 * health check has passed, or at its start without one; an unhealthy one is shut down and replaced.
 * Update: one at a time; a new task that ends before RUNNING or within monitor (5 s) after it has
 * failed, and with failure_action: rollback the service goes back to its previous spec, once, in
 * rollback order stop-first: in order start-first, too, so that the old task is stopped although it
 * is well (moby#43081). A task that never becomes RUNNING is waited for without end. Order
 * start-first is impossible with a published host port: then stop-first.
 */
#include "tests/sim/peer.h"

#include <stdio.h>
#include <string.h>

#define RESTART_DELAY_MS 5000u
#define MONITOR_MS       5000u
#define POLL_MS          250u

static bool is_start_first(const struct peer *p, uint32_t svc)
{
    return p->kind == peer_kind(PEER_SWARM_START_FIRST) && !peer_spec(p, svc)->exclusive;
}

static void new_task(struct peer *p, uint32_t svc, peer_then_fn *then)
{
    char name[ACC_NAME_MAX + 24];
    char canonical[ACC_NAME_MAX + 1];

    peer_name(p, svc, canonical, sizeof(canonical));
    (void)snprintf(name, sizeof(name), "%.220s.t%u", canonical, (unsigned)p->service[svc].n_made);
    p->service[svc].task++;
    peer_create(p, svc, name, then);
}

static void replace_later(void *ctx, uint64_t svc, uint64_t task);

static void plan_replacement(struct peer *p, uint32_t svc)
{
    peer_in(p, RESTART_DELAY_MS, replace_later, svc, p->service[svc].task);
}

static void replacement_created(struct peer *p, uint32_t svc, int status)
{
    struct peer_service *s = &p->service[svc];

    if (status != 201 || !s->next) {
        plan_replacement(p, svc);
        return;
    }
    s->container = s->next;
    s->next = NULL;
    peer_call(p, TWIN_START, svc, s->container->cid, NULL);
}

static void replace_later(void *ctx, uint64_t svc, uint64_t task)
{
    struct peer *p = ctx;

    if (p->service[svc].task == task && !p->service[svc].is_updating) {
        new_task(p, (uint32_t)svc, replacement_created);
    }
}

/* --- update --------------------------------------------------------------------------------- */

static void update_to(struct peer *p, uint32_t svc, bool is_bad);

static void update_ends(struct peer *p, uint32_t svc)
{
    p->service[svc].is_updating = p->service[svc].is_rolling_back = false;
    p->is_busy = false;
    if (!twin_is_running(p->service[svc].container)) {
        plan_replacement(p, svc);
    }
}

static void stopped_after_switch(struct peer *p, uint32_t svc, int status)
{
    (void)p, (void)svc, (void)status;
}

static void failed(struct peer *p, uint32_t svc)
{
    struct peer_service *s = &p->service[svc];

    if (s->is_rolling_back) { /* never rolled back: it pauses, and the task is restarted */
        update_ends(p, svc);
    } else {
        s->is_rolling_back = true;
        update_to(p, svc, false);
    }
}

static void monitor(void *ctx, uint64_t svc, uint64_t since_ms)
{
    struct peer *p = ctx;
    struct peer_service *s = &p->service[svc];
    bool runs = s->next && twin_is_running(s->next);
    struct twin_container *old = s->container;

    if (!runs) {
        failed(p, (uint32_t)svc);
        return;
    }
    if (since_ms == 0 && peer_looks_ready(p, (uint32_t)svc, s->next)) {
        since_ms = peer_now(p);
        if (twin_is_running(old)) { /* start-first: now the old one goes */
            peer_call(p, TWIN_STOP, (uint32_t)svc, old->cid, stopped_after_switch);
        }
    }
    if (since_ms > 0 && peer_now(p) >= since_ms + MONITOR_MS) {
        s->container = s->next;
        s->next = NULL;
        update_ends(p, (uint32_t)svc);
        return;
    }
    peer_in(p, POLL_MS, monitor, svc, since_ms);
}

static void update_started(struct peer *p, uint32_t svc, int status)
{
    (void)status;
    monitor(p, svc, 0);
}

static void update_created(struct peer *p, uint32_t svc, int status)
{
    (void)status;
    peer_call(p, TWIN_START, svc, p->service[svc].next->cid, update_started);
}

static void old_stopped(struct peer *p, uint32_t svc, int status)
{
    (void)status;
    new_task(p, svc, update_created);
}

static void update_to(struct peer *p, uint32_t svc, bool is_bad)
{
    struct peer_service *s = &p->service[svc];

    s->is_updating = true;
    s->is_bad = is_bad;
    if (s->next && twin_is_running(s->next)) {
        peer_call(p, TWIN_STOP, svc, s->next->cid, NULL);
    }
    s->next = NULL;
    if (is_start_first(p, svc) && !s->is_rolling_back) {
        new_task(p, svc, update_created);
    } else {
        peer_call(p, TWIN_STOP, svc, s->container->cid, old_stopped);
    }
}

void peer_swarm_upgrade(struct peer *p, uint32_t svc)
{
    update_to(p, svc, p->is_bad_image);
}

void peer_swarm_hint(struct peer *p, struct twin_container *c, const struct twin_hint *hint)
{
    uint32_t svc = c->made.svc;
    struct peer_service *s = svc == ACC_NONE ? NULL : &p->service[svc];

    if (!s || s->is_job || c != s->container || s->is_updating || hint->is_destroy) {
        return;
    }
    if (hint->hint == ACC_HINT_DIE) {
        plan_replacement(p, svc);
    } else if (hint->hint == ACC_HINT_HEALTH && c->health == ACC_DH_UNHEALTHY) {
        peer_call(p, TWIN_STOP, svc, c->cid, NULL);
    }
}
