/*
 * autoheal: its whole program is "list those that are unhealthy, restart each, sleep".
 *
 * willfarrell/docker-autoheal, docker-entrypoint: every AUTOHEAL_INTERVAL=5 s GET
 * /containers/json?filters={"health":["unhealthy"]}; for each, one after the other, POST
 * /containers/ID/restart?t=10 unless its state is `restarting`. No order, no limit, no pause, no
 * memory (facts/supervision.md A9). AUTOHEAL_CONTAINER_LABEL=all.
 */
#include "tests/sim/peer.h"

#define INTERVAL_MS 5000u

static void round_begins(void *ctx, uint64_t a, uint64_t b);
static void next_one(struct peer *p);

static void started(struct peer *p, uint32_t svc, int status)
{
    (void)svc, (void)status;
    next_one(p);
}

/* moby daemon/restart.go: containerRestart is a stop and a start. */
static void stopped(struct peer *p, uint32_t svc, int status)
{
    if (status < 0) {
        next_one(p);
    } else {
        peer_call(p, TWIN_START, svc, p->service[svc].container->cid, started);
    }
}

static void next_one(struct peer *p)
{
    while (p->at < p->world->graph.model->n_services && p->world->twin.power == TWIN_UP) {
        uint32_t svc = p->at++;
        const struct twin_container *c = p->service[svc].container;

        /* an exited one isn't listed: /containers/json shows what runs */
        if (twin_is_running(c) && c->health == ACC_DH_UNHEALTHY) {
            peer_call(p, TWIN_STOP, svc, c->cid, stopped);
            return;
        }
    }
    peer_in(p, INTERVAL_MS, round_begins, 0, 0);
}

static void round_begins(void *ctx, uint64_t a, uint64_t b)
{
    struct peer *p = ctx;

    (void)a, (void)b;
    p->at = 0;
    next_one(p);
}

void peer_autoheal_begin(struct peer *p)
{
    peer_in(p, INTERVAL_MS, round_begins, 0, 0);
}
