/* Images, networks and volumes: made, pulled, removed, and missed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/twin.h"
#include "tests/sim/twin_internal.h"

static const struct acc_service_spec *spec_of(const struct twin *twin, uint32_t svc)
{
    return svc == ACC_NONE ? NULL : twin->model->services[svc];
}

bool twin_image_exists(const struct twin *twin, uint32_t svc)
{
    const struct acc_service_spec *spec = spec_of(twin, svc);
    const struct acc_model *m = twin->model;

    return !spec || spec->n_resources == 0 ||
           twin->res_exists[m->resource_base[m->service_stack[svc]] + spec->resources[0]];
}

/* --- the network of a stack ------------------------------------------------------------------ */

/* Each container is on its stack's, but for those that live in another one's namespace. */
static uint32_t network_of(const struct twin *twin, const struct twin_container *c)
{
    const struct acc_service_spec *spec = spec_of(twin, c->made.svc);
    const struct acc_model *m = twin->model;

    for (size_t i = 0; spec && i < spec->n_resources && !c->made.bound_cid[0][0]; i++) {
        uint32_t res = m->resource_base[m->service_stack[c->made.svc]] + spec->resources[i];

        if (m->resources[res]->kind == ACC_RES_NETWORK) {
            return res;
        }
    }
    return ACC_NONE;
}

void twin_network_attach(const struct twin *twin, struct twin_container *c)
{
    uint32_t res = network_of(twin, c);

    c->network = res != ACC_NONE && twin->res_exists[res] ? twin->res_made[res] : 0;
    c->is_off = false;
    sim_proc_set_off(&c->proc, false);
}

bool twin_network_is_gone(const struct twin *twin, const struct twin_container *c)
{
    uint32_t res = network_of(twin, c);

    return res != ACC_NONE && !twin->res_exists[res];
}

/* A container keeps the id of its network (moby daemon/container_operations.go getNetworkID); one
 * of the same name that was made later is another one. Who was taken off it needs none. */
bool twin_lost_network(const struct twin *twin, const struct twin_container *c)
{
    uint32_t res = network_of(twin, c);

    return res != ACC_NONE && !c->is_off &&
           (!twin->res_exists[res] || (c->network && c->network != twin->res_made[res]));
}

void twin_disconnect(struct twin *twin, struct twin_container *c)
{
    if (network_of(twin, c) != ACC_NONE && !c->is_off) {
        c->is_off = true;
        sim_proc_set_off(&c->proc, true);
        twin_hint(twin, c, ACC_HINT_DIRTY, 0);
    }
}

void twin_connect(struct twin *twin, struct twin_container *c)
{
    uint32_t res = network_of(twin, c);

    if (res != ACC_NONE && twin->res_exists[res]) {
        twin_network_attach(twin, c);
        twin_hint(twin, c, ACC_HINT_DIRTY, 0);
    }
}

void twin_network_show(const struct twin *twin, const struct twin_container *c, struct acc_obs *obs)
{
    uint32_t res = network_of(twin, c);

    obs->has_networks = res != ACC_NONE;
    if (obs->has_networks && !c->is_off) {
        (void)snprintf(obs->networks, sizeof(obs->networks), "%s\n",
                       twin->model->resources[res]->name);
    }
}

/* --- calls ---------------------------------------------------------------------------------- */

static void resource_done(void *ctx, uint64_t a, uint64_t b)
{
    struct twin_waiting *w = ctx;
    struct twin *twin = w->twin;
    uint32_t res = w->call.res;
    bool is_there = w->call.verb == TWIN_ENSURE;

    (void)a, (void)b;
    if (twin->power == TWIN_HUNG) {
        sim_queue_in_own(twin->queue, 100, resource_done, w);
        return;
    }
    twin->res_busy[res]--;
    if (w->boot != twin->boot || twin->power == TWIN_DOWN) {
        twin->n_calls--;
        free(w);
        return;
    }
    if (is_there && !twin->res_exists[res] && twin->disk_is_full) {
        twin_answer(w, 500, "%s", DISK_FULL);
        return;
    }
    if (is_there && !twin->res_exists[res] && twin->model->resources[res]->kind == ACC_RES_IMAGE &&
        sim_rand_chance(twin_luck(twin, w->svc), twin->quirks.pull_fails)) {
        twin_answer(w, 500, "dial tcp: lookup registry: no such host");
        return;
    }
    if (is_there && !twin->res_exists[res] && twin->model->resources[res]->kind != ACC_RES_IMAGE &&
        sim_rand_chance(twin_luck(twin, w->svc), twin->quirks.make_fails)) {
        twin->refused_ms = twin->queue->now_ms;
        twin_answer(w, 500, "could not find an available, non-overlapping IPv4 address pool");
        return;
    }
    twin->res_made[res] += is_there && !twin->res_exists[res];
    twin->res_exists[res] = is_there;
    twin_answer(w, is_there ? 201 : 204, "%s", "");
}

static bool network_is_used(const struct twin *twin, uint32_t res)
{
    for (size_t i = 0; i < twin->n; i++) {
        const struct twin_container *c = twin->item[i];

        if (c->exists && twin_is_running(c) && !c->is_off && c->made.svc != ACC_NONE &&
            twin->model->service_stack[c->made.svc] == twin->model->resources[res]->stack) {
            return true;
        }
    }
    return false;
}

void twin_serve_resource(struct twin_waiting *w)
{
    struct twin *twin = w->twin;
    uint32_t res = w->call.res;
    bool is_network = twin->model->resources[res]->kind == ACC_RES_NETWORK;
    uint64_t ms = sim_rand_range(twin_luck(twin, w->svc), 2, 60);

    if (w->call.verb == TWIN_DROP && is_network && network_is_used(twin, res)) {
        twin_answer(w, 403, "error while removing network: network has active endpoints");
        return;
    }
    if (w->call.verb == TWIN_ENSURE && !twin->res_exists[res]) {
        if (twin->model->resources[res]->kind == ACC_RES_IMAGE) {
            ms = sim_rand_range(twin_luck(twin, w->svc), 100, twin->quirks.pull_ms_max);
        }
        /* measured on 20.10: six parallel creates made six networks of one name */
        twin->double_network = twin->double_network || (is_network && twin->res_busy[res] > 0);
    }
    twin->res_busy[res]++;
    sim_queue_in_own(twin->queue, ms, resource_done, w);
}

void twin_prune_images(struct twin *twin)
{
    for (uint32_t res = 0; res < twin->model->n_resources; res++) {
        bool used = false;

        if (twin->model->resources[res]->kind != ACC_RES_IMAGE) {
            continue;
        }
        for (size_t i = 0; i < twin->n && !used; i++) { /* only a container protects it */
            const struct twin_container *c = twin->item[i];

            used = c->exists && c->made.svc != ACC_NONE &&
                   strcmp(spec_of(twin, c->made.svc)->image, twin->model->resources[res]->key) == 0;
        }
        twin->res_exists[res] = twin->res_exists[res] && used;
    }
}

void twin_remove_network(struct twin *twin, uint32_t stack, bool by_force)
{
    uint32_t res = 0;

    while (res < twin->model->n_resources &&
           (twin->model->resources[res]->stack != stack ||
            twin->model->resources[res]->kind != ACC_RES_NETWORK)) {
        res++;
    }
    if (res == twin->model->n_resources || !twin->res_exists[res]) {
        return;
    }
    for (size_t i = 0; i < twin->n && by_force; i++) {
        struct twin_container *c = twin->item[i];

        if (c->exists && twin_is_running(c) && network_of(twin, c) == res) {
            twin_disconnect(twin, c);
        }
    }
    if (!network_is_used(twin, res)) {
        twin->res_exists[res] = false;
    }
}
