/* Images, networks and volumes: made, pulled, removed, and missed. */
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

bool twin_networks_exist(const struct twin *twin, uint32_t svc)
{
    const struct acc_service_spec *spec = spec_of(twin, svc);
    const struct acc_model *m = twin->model;

    for (size_t i = 0; spec && i < spec->n_resources; i++) {
        uint32_t res = m->resource_base[m->service_stack[svc]] + spec->resources[i];

        if (m->resources[res]->kind == ACC_RES_NETWORK && !twin->res_exists[res]) {
            return false;
        }
    }
    return true;
}

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
    if (is_there && !twin->res_exists[res] && twin->model->resources[res]->kind == ACC_RES_IMAGE &&
        sim_rand_chance(twin_luck(twin, w->svc), twin->quirks.pull_fails)) {
        twin_answer(w, 500, "dial tcp: lookup registry: no such host");
        return;
    }
    if (is_there && !twin->res_exists[res] && twin->model->resources[res]->kind != ACC_RES_IMAGE &&
        sim_rand_chance(twin_luck(twin, w->svc), twin->quirks.make_fails)) {
        twin_answer(w, 500, "could not find an available, non-overlapping IPv4 address pool");
        return;
    }
    twin->res_exists[res] = is_there;
    twin_answer(w, is_there ? 201 : 204, "%s", "");
}

static bool network_is_used(const struct twin *twin, uint32_t res)
{
    for (size_t i = 0; i < twin->n; i++) {
        const struct twin_container *c = twin->item[i];

        if (c->exists && twin_is_running(c) && c->made.svc != ACC_NONE &&
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
