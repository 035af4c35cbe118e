/*
 * Phases: the order that acc.yaml gives to whole groups of services, checked against the edges.
 *
 * A service of an early phase that depends on one of a later phase would wait for what waits for
 * it; such a configuration is refused.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/graph/cycle.h"
#include "lib/graph/graph.h"

static uint32_t find(const struct acc_model *model, const char *name)
{
    for (uint32_t k = 0; k < model->n_phases; k++) {
        if (strcmp(model->phases[k].name, name) == 0) {
            return k;
        }
    }
    return ACC_NONE;
}

static int copy(struct acc_model *model, const struct acc_phase_spec *phases, size_t n)
{
    size_t size = 1;
    char *name;

    for (size_t k = 0; k < n; k++) {
        size += strlen(phases[k].name) + 1;
    }
    model->phases = calloc(n + 1, sizeof(*model->phases));
    model->phase_names = name = malloc(size);
    if (!model->phases || !name) {
        return -ENOMEM;
    }
    for (size_t k = 0; k < n; k++) {
        size_t len = strlen(phases[k].name) + 1;

        model->phases[k] = phases[k];
        model->phases[k].name = memcpy(name, phases[k].name, len);
        name += len;
    }
    model->n_phases = n;
    return 0;
}

static void refuse_unknown(const struct acc_model *model, const struct acc_service_spec *service,
                           struct acc_diags *diags)
{
    const char *names[ACC_PHASES_MAX];
    size_t n = 0;
    const char *nearest;

    for (; n < model->n_phases && n < ACC_PHASES_MAX; n++) {
        names[n] = model->phases[n].name;
    }
    nearest = acc_nearest(service->phase, names, n);
    acc_diags_add(diags, service->pos, "%s: there is no phase '%s'%s%s%s", service->id,
                  service->phase, nearest ? "; did you mean '" : "", nearest ? nearest : "",
                  nearest ? "'?" : "");
}

/* The latest phase that a service or what it depends on is in, -1 for none. `latest` is filled in
 * the order of dependencies. */
static int latest_of(const struct acc_model *model, uint32_t svc, const int *latest,
                     struct acc_diags *diags)
{
    const struct acc_service_spec *service = model->services[svc];
    uint32_t at = find(model, service->phase);
    int own = at == ACC_NONE ? -1 : (int)at;
    int most = own;

    for (size_t i = 0; i < service->n_edges; i++) {
        const struct acc_edge *edge = &service->edges[i];

        if (!acc_edge_orders(edge) || edge->target == ACC_NONE) {
            continue;
        }
        if (own >= 0 && latest[edge->target] > own) {
            acc_diags_add(diags, edge->pos,
                          "%s is in phase '%s' and depends on %s, which waits for the later phase "
                          "'%s'; move one of them, or drop the edge",
                          service->id, model->phases[own].name, model->services[edge->target]->id,
                          model->phases[latest[edge->target]].name);
        } else if (latest[edge->target] > most) {
            most = latest[edge->target];
        }
    }
    return most;
}

int acc_model_set_phases(struct acc_model *model, const struct acc_phase_spec *phases, size_t n,
                         struct acc_diags *diags)
{
    size_t n_errors = diags->n_errors;
    int *latest;
    int r = copy(model, phases, n);

    if (r < 0 || n == 0) {
        return r;
    }
    latest = calloc(model->n_services + 1, sizeof(*latest));
    if (!latest) {
        return -ENOMEM;
    }
    for (size_t k = 0; k < model->n_services; k++) {
        uint32_t svc = model->order[k];

        if (model->services[svc]->phase[0] &&
            find(model, model->services[svc]->phase) == ACC_NONE) {
            refuse_unknown(model, model->services[svc], diags);
        }
        latest[svc] = latest_of(model, svc, latest, diags);
    }
    free(latest);
    return diags->n_errors > n_errors ? -EINVAL : 0;
}
