/*
 * Upgrades as others do them: one service to a new image, which is there already.
 */
#include "tests/sim/peer.h"

#include <stdio.h>
#include <string.h>

static void done(struct peer *p, uint32_t svc, int status)
{
    (void)svc, (void)status;
    p->is_busy = false;
}

static void start_next(struct peer *p, uint32_t svc)
{
    struct peer_service *s = &p->service[svc];

    s->container = s->next;
    s->next = NULL;
    peer_call(p, TWIN_START, svc, s->container->cid, done);
}

/* --- docker compose up -d: create "<12 hex>_<name>", stop, remove, rename, start. No way back
 * (facts/supervision.md A6, compose.md 3.14). --- */

static void compose_renamed(struct peer *p, uint32_t svc, int status)
{
    (void)status;
    start_next(p, svc);
}

static void compose_removed(struct peer *p, uint32_t svc, int status)
{
    char name[ACC_NAME_MAX + 1];

    (void)status;
    peer_name(p, svc, name, sizeof(name));
    peer_rename(p, svc, p->service[svc].next, name, compose_renamed);
}

static void compose_stopped(struct peer *p, uint32_t svc, int status)
{
    (void)status;
    peer_call(p, TWIN_REMOVE, svc, p->service[svc].container->cid, compose_removed);
}

static void compose_created(struct peer *p, uint32_t svc, int status)
{
    (void)status;
    peer_call(p, TWIN_STOP, svc, p->service[svc].container->cid, compose_stopped);
}

void peer_compose_upgrade(struct peer *p, uint32_t svc)
{
    char name[ACC_NAME_MAX + 16];
    char canonical[ACC_NAME_MAX + 1];

    peer_name(p, svc, canonical, sizeof(canonical));
    (void)snprintf(name, sizeof(name), "%.12s_%.230s", p->service[svc].container->cid, canonical);
    p->service[svc].is_bad = p->is_bad_image;
    peer_create(p, svc, name, compose_created);
}

/* --- Watchtower: stop, remove, create under the same name, start. It never rolls back
 * (facts/supervision.md finding 9, C8). --- */

static void watchtower_created(struct peer *p, uint32_t svc, int status)
{
    (void)status;
    start_next(p, svc);
}

static void watchtower_removed(struct peer *p, uint32_t svc, int status)
{
    char name[ACC_NAME_MAX + 1];

    (void)status;
    peer_name(p, svc, name, sizeof(name));
    p->service[svc].is_bad = p->is_bad_image;
    peer_create(p, svc, name, watchtower_created);
}

static void watchtower_stopped(struct peer *p, uint32_t svc, int status)
{
    (void)status;
    peer_call(p, TWIN_REMOVE, svc, p->service[svc].container->cid, watchtower_removed);
}

void peer_watchtower_upgrade(struct peer *p, uint32_t svc)
{
    peer_call(p, TWIN_STOP, svc, p->service[svc].container->cid, watchtower_stopped);
}

/* --- a start-first script, docker-rollout 0.9: scale to two, wait up to 60 s until the new one is
 * healthy (10 s when it has no check), then stop and remove the old one; else the new one.
 * Impossible with a published port (facts/docker-api.md 11): then it is `compose up`. --- */

#define SCRIPT_WAIT_MS  60000u
#define SCRIPT_BLIND_MS 10000u
#define SCRIPT_POLL_MS  1000u

static void script_removes(struct peer *p, uint32_t svc, int status)
{
    struct peer_service *s = &p->service[svc];

    (void)status;
    peer_call(p, TWIN_REMOVE, svc, s->next->cid, done);
    s->next = NULL;
}

static void script_end(struct peer *p, uint32_t svc, bool is_well)
{
    struct peer_service *s = &p->service[svc];
    struct twin_container *old = s->container;

    if (is_well) { /* from here on `next` is the one that goes */
        s->container = s->next;
        s->next = old;
    }
    peer_call(p, TWIN_STOP, svc, s->next->cid, script_removes);
}

static void script_looks(void *ctx, uint64_t svc, uint64_t until_ms)
{
    struct peer *p = ctx;
    struct peer_service *s = &p->service[svc];
    bool has_check = peer_has_check(p, (uint32_t)svc);

    if (has_check && peer_looks_ready(p, (uint32_t)svc, s->next)) {
        script_end(p, (uint32_t)svc, true);
    } else if (peer_now(p) >= until_ms) {
        script_end(p, (uint32_t)svc,
                   !has_check); /* after the blind wait it goes on, come what may */
    } else {
        peer_in(p, SCRIPT_POLL_MS, script_looks, svc, until_ms);
    }
}

static void script_started(struct peer *p, uint32_t svc, int status)
{
    uint64_t wait_ms = peer_has_check(p, svc) ? SCRIPT_WAIT_MS : SCRIPT_BLIND_MS;

    (void)status;
    script_looks(p, svc, peer_now(p) + wait_ms);
}

static void script_created(struct peer *p, uint32_t svc, int status)
{
    (void)status;
    peer_call(p, TWIN_START, svc, p->service[svc].next->cid, script_started);
}

void peer_script_upgrade(struct peer *p, uint32_t svc)
{
    char name[ACC_NAME_MAX + 16];
    char canonical[ACC_NAME_MAX + 1];

    if (peer_spec(p, svc)->exclusive) {
        peer_compose_upgrade(p, svc);
        return;
    }
    peer_name(p, svc, canonical, sizeof(canonical));
    (void)snprintf(name, sizeof(name), "%.230s-%u", canonical, (unsigned)p->service[svc].n_made);
    p->service[svc].is_bad = p->is_bad_image;
    peer_create(p, svc, name, script_created);
}
