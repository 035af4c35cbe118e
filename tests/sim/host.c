/* The host: what comes and goes under the services (x-acc.host, and where their bind sources lie),
 * and how accd hears of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "tests/sim/world.h"

#define SECOND UINT64_C(1000)
#define MINUTE (60 * SECOND)

/* Where bind sources lie, all of them on one mount, and where when they are lost: with the mount,
 * or one alone, which is told before the others or comes back before them. */
#define MOUNTED    "/mnt/nas sim sim /"
#define UNMOUNTED  "/"
#define MOUNT_ROOT "host:/mnt/nas"
#define NAMED      "mount:/mnt/nas" /* where a service of the host names it */
#define NAMED_ROOT "host:" NAMED

void world_host_init(struct world *w)
{
    w->host_rand.state = w->options.seed ^ UINT64_C(0x4057);
    w->host_change_ms = calloc(w->graph.model->n_conditions + 1, sizeof(*w->host_change_ms));
    acc_assert(w->host_change_ms);
    w->faults.host = w->graph.model->n_conditions > 0
                         ? MINUTE * sim_rand_range(&w->host_rand, 2, 30)
                         : 0;
}

void world_host_fini(struct world *w)
{
    free(w->host_change_ms);
}

/* E6: whatever of a mount is lost, it is the one root of all. */
static void check_roots(struct world *w)
{
    const char *must = MOUNT_ROOT;

    for (size_t i = 0; i < w->graph.model->n_conditions; i++) {
        must = strcmp(w->graph.model->conditions[i].text, NAMED) == 0 ? NAMED_ROOT : must;
    }
    for (uint32_t s = 0; s < acc_engine_n_services(w->engine); s++) {
        struct acc_service_view view;

        acc_engine_service(w->engine, s, w->queue.now_ms, &view);
        for (size_t k = 0; k < view.n_roots; k++) {
            const char *root = acc_engine_root_id(w->engine, view.roots[k]);

            if (acc_root_is_path(root) && strcmp(root, must) != 0) {
                world_fail(w, "E6: %s has the root %s, and not its mount", view.id, root);
            }
        }
    }
}

/* What it is now, whatever it was when it changed. */
static void tell_now(void *ctx, uint64_t condition, uint64_t life)
{
    struct world *w = ctx;
    struct acc_event event = {.type = ACC_EV_HOST};

    if (w->life != life || !w->engine) {
        return;
    }
    event.host.condition = w->graph.model->conditions[condition].text;
    event.host.is_met = w->workloads.host_is_missing[condition] ? ACC_NO : ACC_YES;
    event.host.place = event.host.is_met == ACC_YES ? MOUNTED : UNMOUNTED; /* of bind sources */
    world_step(w, &event);
    if (w->engine) {
        check_roots(w);
    }
}

void world_host_tell_all(struct world *w)
{
    for (size_t i = 0; i < w->graph.model->n_conditions; i++) {
        tell_now(w, i, w->life);
    }
}

static void change(struct world *w, struct sim_rand *luck, uint32_t condition, bool is_missing)
{
    if (w->workloads.host_is_missing[condition] == is_missing) {
        return;
    }
    world_trace(w, "  the host: %s %s", w->graph.model->conditions[condition].text,
                is_missing ? "is gone" : "is there");
    w->host_change_ms[condition] = w->queue.now_ms;
    sim_workloads_host(&w->workloads, condition, is_missing);
    sim_queue_in(&w->queue, sim_rand_below(luck, WORLD_HOST_TOLD_MS), tell_now, w, condition,
                 w->life);
}

static bool is_source(const struct world *w, uint32_t condition)
{
    return w->graph.model->conditions[condition].kind == ACC_HOST_PLACE;
}

/* The others of its mount. They have luck of their own: the rest of the story stays what it is. */
static void change_mount(struct world *w, uint32_t condition, bool is_missing)
{
    struct sim_rand luck = sim_rand_at(w->options.seed ^ UINT64_C(0x4057), condition,
                                       w->queue.now_ms);

    for (uint32_t i = 0; i < w->graph.model->n_conditions; i++) {
        if (i != condition && is_source(w, i)) {
            change(w, &luck, i, is_missing);
        }
    }
}

static void come_back(void *ctx, uint64_t condition, uint64_t has_mount)
{
    struct world *w = ctx;

    change(w, &w->host_rand, (uint32_t)condition, false);
    if (has_mount) {
        change_mount(w, (uint32_t)condition, false);
    }
}

void world_host_strike(struct world *w)
{
    uint32_t condition = (uint32_t)sim_rand_below(&w->host_rand, w->graph.model->n_conditions);
    uint64_t for_ms = sim_rand_below(&w->host_rand, 3) == 0
                          ? sim_rand_range(&w->host_rand, 1, 10 * SECOND)
                          : sim_rand_range(&w->host_rand, SECOND, 20 * MINUTE);

    bool is_mount = is_source(w, condition) && for_ms % 2 == 0;

    change(w, &w->host_rand, condition, true);
    if (is_mount) {
        change_mount(w, condition, true);
    }
    sim_queue_in(&w->queue, for_ms, come_back, w, condition, is_mount);
}

void world_host_heal(struct world *w)
{
    for (uint32_t i = 0; i < w->graph.model->n_conditions; i++) {
        change(w, &w->host_rand, i, false);
    }
}

/* accd has seen somebody be ready with this source where it belongs, and nobody has said since that
 * it belongs elsewhere. */
static bool is_known(const struct world *w, uint32_t svc, const struct acc_condition *source)
{
    struct acc_service_record record;
    char line[ACC_CONDITION_TEXT_MAX + sizeof(MOUNTED) + 2];

    acc_engine_service_record(w->engine, svc, w->queue.now_ms, &record);
    (void)snprintf(line, sizeof(line), "%s\t%s\n", source->text, MOUNTED);
    return strstr(record.places, line) != NULL;
}

bool world_host_lacks(const struct world *w, uint32_t svc, uint64_t for_ms)
{
    const struct acc_service_spec *spec = w->graph.model->services[svc];

    for (size_t i = 0; i < spec->n_host; i++) {
        uint32_t at = spec->host[i].at;

        if (w->workloads.host_is_missing[at] && w->queue.now_ms - w->host_change_ms[at] >= for_ms &&
            (spec->host[i].is.kind != ACC_HOST_PLACE || is_known(w, svc, &spec->host[i].is))) {
            return true;
        }
    }
    return false;
}
