/*
 * `accctl plan`: read the files, compare them with what runs, and tell what applying them would do.
 * Nothing is changed: all that is sent to Docker are looks.
 *
 * One run at a time, one comparison after the other; who asks during a run waits for the next,
 * which reads the files again.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/app_parts.h"
#include "daemon/log.h"
#include "lib/model/settings.h"

struct accd_plan_run {
    struct accd_app *app;
    struct acc_loaded loaded;
    size_t at;         /* in the order of the new model */
    uint32_t instance; /* of the service at hand: the next to look at */
    bool is_told;      /* the service at hand has its row */
    struct acc_plan plan;
    size_t n; /* askers, the first of app->plans */
    bool failed;
    struct accd_docker_newcomers *newcomers; /* owned; what of new stacks is there */
    struct accd_docker_unused *unused;       /* while networks and volumes are looked for */
    struct accd_docker_declared *declared;   /* while those are compared with their files */
};

/* --- what is there --------------------------------------------------------------------------- */

static uint32_t find_running(const struct accd_app *app, const char *id,
                             struct acc_service_view *ret_view)
{
    for (uint32_t i = 0; i < acc_engine_n_services(app->engine); i++) {
        acc_engine_service(app->engine, i, uv_now(&app->loop), ret_view);
        if (strcmp(ret_view->id, id) == 0) {
            return i;
        }
    }
    return ACC_NONE;
}

static uint32_t find_in(const struct acc_model *model, const char *id)
{
    for (uint32_t i = 0; i < model->n_services; i++) {
        if (strcmp(model->services[i]->id, id) == 0) {
            return i;
        }
    }
    return ACC_NONE;
}

static bool is_there(const struct acc_instance_view *view)
{
    return view->cid[0] && !view->is_beside;
}

/* Without those that an upgrade keeps, or has not yet put in their place; `ret_beside` counts
 * these. */
static uint32_t count_present(const struct accd_app *app, uint32_t svc, uint32_t n_instances,
                              uint32_t *ret_beside)
{
    uint32_t n = 0;

    *ret_beside = 0;
    for (uint32_t i = 0; i < n_instances; i++) {
        struct acc_instance_view view;

        acc_engine_instance(app->engine, svc, i, &view);
        n += is_there(&view);
        *ret_beside += view.cid[0] && view.is_beside;
    }
    return n;
}

static void add(struct accd_plan_run *run, const char *service, enum acc_plan_what what,
                const struct acc_docker_diff *diff, const char *reason)
{
    run->failed |= acc_plan_add(&run->plan, service, what, diff, reason) < 0;
    run->is_told = true;
}

/* --- the end --------------------------------------------------------------------------------- */

static void answer(struct accd_app *app, size_t n, const char *problems,
                   const struct acc_plan *plan)
{
    struct accd_plan_asker askers[ACCD_APPLIES_MAX];

    memcpy(askers, app->plans, n * sizeof(askers[0]));
    memmove(app->plans, app->plans + n, (app->n_plans - n) * sizeof(app->plans[0]));
    app->n_plans -= n;
    for (size_t i = 0; i < n; i++) {
        askers[i].done(askers[i].arg, problems, plan);
    }
    if (app->n_plans > 0) {
        accd_reload_request(app->plan_reload);
    }
}

/* Who shares a namespace with one that is made anew, or whose edge says so, goes with it. */
static void add_dependents(struct accd_plan_run *run)
{
    const struct acc_model *model = run->loaded.model;

    for (size_t at = 0; at < model->n_services; at++) {
        const struct acc_service_spec *service = model->services[model->order[at]];
        struct acc_service_view view;
        char reason[ACC_DIFF_TEXT_MAX + 1];

        if (acc_plan_find(&run->plan, service->id) ||
            find_running(run->app, service->id, &view) == ACC_NONE || !view.wanted_up) {
            continue;
        }
        for (size_t k = 0; k < service->n_edges; k++) {
            const struct acc_edge *edge = &service->edges[k];
            const struct acc_plan_row *row = edge->target == ACC_NONE
                                                 ? NULL
                                                 : acc_plan_find(&run->plan,
                                                                 model->services[edge->target]->id);
            bool goes = row && (row->what == ACC_PLAN_RECREATE || row->what == ACC_PLAN_RESTART);

            if (goes && (edge->kind == ACC_EDGE_BINDS || edge->on_down != ACC_ON_DOWN_RIDE)) {
                (void)snprintf(reason, sizeof(reason), "it needs %.200s", row->service);
                add(run, service->id,
                    edge->kind == ACC_EDGE_BINDS ? ACC_PLAN_RECREATE : ACC_PLAN_RESTART, NULL,
                    reason);
                break;
            }
        }
    }
}

static void add_gone(struct accd_plan_run *run, const char *id, bool is_running)
{
    add(run, id, is_running ? ACC_PLAN_STOP : ACC_PLAN_REMOVE, NULL,
        is_running ? "gone from the files; --prune removes its container, too"
                   : "gone from the files; with --prune only");
}

static void add_removed(struct accd_plan_run *run)
{
    struct accd_app *app = run->app;

    for (uint32_t i = 0; i < acc_engine_n_services(app->engine); i++) {
        struct acc_service_view view;
        uint32_t n_beside;

        acc_engine_service(app->engine, i, uv_now(&app->loop), &view);
        if (find_in(run->loaded.model, view.id) != ACC_NONE || view.observing ||
            count_present(app, i, view.n_instances, &n_beside) + n_beside == 0) {
            continue;
        }
        add_gone(run, view.id, !view.removed);
    }
}

/* Those that were gone before this accd came. */
static void add_orphans(struct accd_plan_run *run)
{
    struct accd_app *app = run->app;
    struct accd_orphans orphans = {0};

    run->failed |= accd_orphans_find(accd_docker_stream_inspector(app->stream), &app->departed,
                                     app->engine, run->loaded.model, &orphans) < 0;
    for (uint32_t i = 0; i < orphans.n; i++) {
        char id[2 * ACC_NAME_MAX + 2];

        (void)snprintf(id, sizeof(id), "%s/%s", orphans.item[i].stack, orphans.item[i].service);
        if (!acc_plan_find(&run->plan, id)) {
            add_gone(run, id, orphans.is_running[i]);
        }
    }
    accd_orphans_fini(&orphans);
}

static void run_free(struct accd_plan_run *run)
{
    accd_docker_newcomers_destroy(run->newcomers);
    acc_plan_fini(&run->plan);
    acc_loaded_fini(&run->loaded);
    free(run);
}

static void answer_run(struct accd_plan_run *run)
{
    struct accd_app *app = run->app;

    app->plan_run = NULL;
    answer(app, run->n, run->failed ? "accd is out of memory\n" : NULL, &run->plan);
    run_free(run);
}

static bool is_unused(void *ctx, enum acc_resource_kind kind,
                      const struct acc_docker_name_item *item, const char *container)
{
    struct accd_plan_run *run = ctx;

    return accd_orphans_resource(&run->app->departed, run->app->engine, run->loaded.model, kind,
                                 item, container != NULL) == ACCD_LEFTOVER_YES;
}

static void on_unused(void *ctx, enum acc_resource_kind kind, const char *name, const char *problem)
{
    struct accd_plan_run *run = ctx;
    bool is_network = kind == ACC_RES_NETWORK;
    char what[ACC_NAME_MAX + 16];

    (void)problem; /* nothing was tried */
    (void)snprintf(what, sizeof(what), "%s %s", is_network ? "network" : "volume", name);
    add(run, what, ACC_PLAN_REMOVE, NULL,
        is_network ? "gone from the files; with --prune only"
                   : "gone from the files; with --prune --volumes only");
}

static const struct acc_model *new_model(void *ctx)
{
    return ((struct accd_plan_run *)ctx)->loaded.model;
}

/* A stack that is new is observed or managed by what is there of it. */
static bool will_manage(const struct accd_plan_run *run, uint32_t stack)
{
    const char *name = run->loaded.model->stacks[stack]->name;

    return acc_engine_find_stack(run->app->engine, name) != ACC_NONE
               ? accd_app_is_managed(run->app, name)
               : run->newcomers && !accd_docker_newcomers_is_observed(run->newcomers, stack);
}

static void on_differs(void *ctx, uint32_t res, const struct acc_docker_diff *diff)
{
    struct accd_plan_run *run = ctx;
    const struct acc_model *model = run->loaded.model;

    if (will_manage(run, model->resources[res]->stack)) {
        run->failed |= acc_plan_add_resource(&run->plan, model, res, diff) < 0;
    }
}

static void on_differs_end(void *ctx, const char *problem)
{
    struct accd_plan_run *run = ctx;

    if (problem) {
        accd_log(ACCD_LOG_WARNING, "plan: networks and volumes could not be compared: %s", problem);
    }
    run->declared = NULL;
    answer_run(run);
}

static void compare_declared(struct accd_plan_run *run)
{
    struct accd_declared_config config = {.docker = &run->app->docker,
                                          .model = new_model,
                                          .on_differs = on_differs,
                                          .on_end = on_differs_end,
                                          .ctx = run};

    if (accd_docker_declared_start(&config, &run->declared) < 0) {
        run->failed = true;
        answer_run(run);
    }
}

/* Without Docker's lists the plan is told as it is: containers are what matters. */
static void on_unused_end(void *ctx, const char *problem)
{
    struct accd_plan_run *run = ctx;

    if (problem) {
        accd_log(ACCD_LOG_WARNING, "plan: networks and volumes could not be listed: %s", problem);
    }
    run->unused = NULL;
    compare_declared(run);
}

static void finish(struct accd_plan_run *run)
{
    struct accd_unused_config config = {.docker = &run->app->docker,
                                        .is_unused = is_unused,
                                        .on_item = on_unused,
                                        .on_end = on_unused_end,
                                        .ctx = run};

    add_dependents(run);
    add_removed(run);
    add_orphans(run);
    if (accd_docker_unused_start(&config, &run->unused) < 0) {
        run->failed = true;
        answer_run(run);
    }
}

/* --- service by service ---------------------------------------------------------------------- */

static void go_on(struct accd_plan_run *run);

static const char *policy_of(const struct acc_service_spec *service)
{
    return service->restart == ACC_RESTART_UNSET ? "no" : acc_restart_policy_name(service->restart);
}

/* accd itself follows the restart policy; the container has none of it. */
static void add_policy(struct accd_plan_run *run, const struct acc_service_spec *service)
{
    const struct acc_model *old = run->app->loaded.model;
    uint32_t was = find_in(old, service->id);
    char reason[ACC_DIFF_TEXT_MAX + 1];

    if (was == ACC_NONE || (old->services[was]->restart == service->restart &&
                            old->services[was]->restart_max == service->restart_max)) {
        return;
    }
    (void)snprintf(reason, sizeof(reason), "restart %s -> %s", policy_of(old->services[was]),
                   policy_of(service));
    add(run, service->id, ACC_PLAN_UPDATE, NULL, reason);
}

static bool is_in_force(const struct accd_plan_run *run, const struct acc_service_spec *service)
{
    const struct acc_model *old = run->app->loaded.model;
    uint32_t was = find_in(old, service->id);

    return was != ACC_NONE && strcmp(old->services[was]->spec_hash, service->spec_hash) == 0;
}

/* Nothing of it is touched before somebody says whether its upgrade goes back. */
static bool add_undecided(struct accd_plan_run *run, const struct acc_service_spec *service,
                          const struct acc_docker_diff *diff)
{
    struct acc_service_view view;
    char reason[ACC_DIFF_TEXT_MAX + 1];

    if (find_running(run->app, service->id, &view) == ACC_NONE || view.step != ACC_ROLL_ASK) {
        return false;
    }
    (void)snprintf(reason, sizeof(reason),
                   "its upgrade needs an operator first: accctl rollback %.80s --yes, or accctl "
                   "upgrade %.80s --keep",
                   service->id, service->id);
    add(run, service->id, ACC_PLAN_KEEP, diff, reason);
    return true;
}

/* What was rolled back isn't tried again while the file says the same. */
static bool add_refused(struct accd_plan_run *run, const struct acc_service_spec *service,
                        const struct acc_docker_diff *diff)
{
    struct acc_service_view view;
    char reason[ACC_DIFF_TEXT_MAX + 1];

    if (!is_in_force(run, service) || find_running(run->app, service->id, &view) == ACC_NONE ||
        !view.refused[0]) {
        return false;
    }
    if (view.refused_by[0]) {
        (void)snprintf(reason, sizeof(reason), "rolled back by %.60s, and not tried again as it is",
                       view.refused_by);
    } else {
        (void)snprintf(reason, sizeof(reason), "rolled back, and not tried again as it is: %.150s",
                       view.refused);
    }
    add(run, service->id, ACC_PLAN_KEEP, diff, reason);
    return true;
}

/* Nor what somebody holds, or who would stop with it. */
static bool add_held(struct accd_plan_run *run, const struct acc_service_spec *service,
                     const struct acc_docker_diff *diff)
{
    struct accd_app *app = run->app;
    struct acc_service_view view;
    char reason[ACC_REASON_MAX + 1];
    uint32_t svc = find_running(app, service->id, &view);

    if (svc == ACC_NONE || !view.wanted_up ||
        !acc_engine_is_held_back(app->engine, svc, uv_now(&app->loop), reason)) {
        return false;
    }
    add(run, service->id, ACC_PLAN_KEEP, diff, reason);
    return true;
}

/* Another reference may bring it in all the same. */
static const char *banned_image(const struct accd_plan_run *run,
                                const struct acc_service_spec *service)
{
    struct acc_service_view view;
    const struct acc_model *model = run->app->loaded.model;
    uint32_t was = find_in(model, service->id);

    return was != ACC_NONE && strcmp(model->services[was]->image, service->image) == 0 &&
                   find_running(run->app, service->id, &view) != ACC_NONE
               ? view.banned
               : "";
}

/* The file's image was rolled back: an apply doesn't bring it in, whatever else it does. */
static void add_kept_out(struct accd_plan_run *run, const struct acc_service_spec *service)
{
    struct acc_service_view view;
    char line[ACC_DIFF_TEXT_MAX + 1], reason[4 * ACC_NAME_MAX];
    const char *by;

    if (!banned_image(run, service)[0] || find_running(run->app, service->id, &view) == ACC_NONE ||
        !view.stays_at[0]) {
        return;
    }
    if (run->is_told) {
        (void)snprintf(reason, sizeof(reason),
                       "image %s stays, as %s was rolled back; again: accctl upgrade %s "
                       "--image %s",
                       view.stays_at, service->image, service->id, service->image);
        run->failed |= acc_plan_also(&run->plan, reason, false) < 0;
        return;
    }
    by = is_in_force(run, service) ? view.refused_by : "";
    (void)snprintf(line, sizeof(line), "image %.120s -> %.120s", view.stays_at, service->image);
    (void)snprintf(reason, sizeof(reason),
                   "rolled back%s%.40s, and not tried again unless it is named: accctl upgrade "
                   "%s --image %s",
                   by[0] ? " by " : "", by, service->id, service->image);
    add(run, service->id, ACC_PLAN_KEEP, NULL, line);
    run->failed |= acc_plan_also(&run->plan, reason, false) < 0;
}

/* What the old container of an upgrade is kept for is over when its file changes, and not when the
 * new one is mended. */
static void add_kept(struct accd_plan_run *run, const struct acc_service_spec *service)
{
    struct acc_service_view view;
    uint32_t svc = find_running(run->app, service->id, &view);
    char reason[ACC_DIFF_TEXT_MAX + 1];

    if (is_in_force(run, service)) {
        return;
    }
    for (uint32_t i = 0; svc != ACC_NONE && view.step == ACC_ROLL_WATCH && i < view.n_instances;
         i++) {
        struct acc_instance_view instance;

        acc_engine_instance(run->app->engine, svc, i, &instance);
        if (instance.cid[0] && instance.is_beside) {
            (void)snprintf(reason, sizeof(reason),
                           "the container %.120s, kept while its upgrade is watched, goes",
                           instance.name);
            run->failed |= acc_plan_also(&run->plan, reason, false) < 0;
        }
    }
}

/* What it shares with and is made anew, or NULL. */
static const struct acc_plan_row *changed_target(const struct accd_plan_run *run,
                                                 const struct acc_edge *edge)
{
    const struct acc_model *model = run->loaded.model;
    const struct acc_plan_row *row = edge->kind != ACC_EDGE_BINDS || edge->target == ACC_NONE
                                         ? NULL
                                         : acc_plan_find(&run->plan,
                                                         model->services[edge->target]->id);

    return row && row->what == ACC_PLAN_RECREATE ? row : NULL;
}

/* It isn't changed itself, and is made anew for the sake of what it shares with. */
static bool goes_along(const struct accd_plan_run *run, const struct acc_edge *edge)
{
    const struct acc_service_spec *target = edge->kind == ACC_EDGE_BINDS && edge->target != ACC_NONE
                                                ? run->loaded.model->services[edge->target]
                                                : NULL;

    for (size_t k = 0; target && !changed_target(run, edge) && k < target->n_edges; k++) {
        if (changed_target(run, &target->edges[k]) || goes_along(run, &target->edges[k])) {
            return true;
        }
    }
    return false;
}

/* Its old container can't run in the namespaces of another one, and nothing else has the
 * configuration of before (docs/adr/0003). */
static void add_way_back(struct accd_plan_run *run, const struct acc_service_spec *service)
{
    bool has_one = service->replicas == 1;
    char reason[ACC_DIFF_TEXT_MAX + 1];

    for (size_t k = 0; k < service->n_edges; k++) {
        has_one &= !goes_along(run, &service->edges[k]);
    }
    for (size_t k = 0; k < service->n_edges; k++) {
        const struct acc_plan_row *row = changed_target(run, &service->edges[k]);

        if (row) {
            (void)snprintf(reason, sizeof(reason), "it goes with %.120s, which it shares with%s",
                           row->service,
                           has_one ? ", and can go back with that alone"
                                   : ": once that has taken over its old container isn't kept");
            run->failed |= acc_plan_also(&run->plan, reason, false) < 0;
        }
    }
}

static void on_compared(void *ctx, enum acc_likeness likeness, const struct acc_docker_diff *diff)
{
    struct accd_plan_run *run = ctx;
    const struct acc_model *model = run->loaded.model;
    const struct acc_service_spec *service = model->services[model->order[run->at]];

    switch (likeness) {
    case ACC_LIKE_UNKNOWN:
        add(run, service->id, ACC_PLAN_UNKNOWN, NULL, "it could not be compared with its file");
        break;
    case ACC_LIKE_SAME:
        break;
    case ACC_LIKE_LIVE:
        add(run, service->id, ACC_PLAN_UPDATE, diff, NULL);
        break;
    case ACC_LIKE_DIFFERENT:
        if (!add_undecided(run, service, diff) && !add_refused(run, service, diff) &&
            !add_held(run, service, diff)) {
            add(run, service->id, ACC_PLAN_RECREATE, diff, NULL);
            add_kept(run, service);
            add_way_back(run, service);
        }
        break;
    }
    go_on(run);
}

/* True: the answer comes later. */
static bool compare(struct accd_plan_run *run, uint32_t svc, const struct acc_instance_view *view)
{
    struct accd_app *app = run->app;
    const struct acc_model *model = run->loaded.model;
    const struct acc_service_spec *service = model->services[svc];
    uint32_t was = find_in(app->loaded.model, service->id);
    struct accd_container container;
    struct accd_compare what = {.model = model,
                                .svc = svc,
                                .cid = view->cid,
                                .slot = view->slot,
                                .banned = banned_image(run, service),
                                .on_compared = on_compared,
                                .ctx = run};

    if (!accd_inspector_get(accd_docker_stream_inspector(app->stream), view->cid, &container) ||
        (strcmp(container.obs->spec_hash, service->spec_hash) == 0 && !view->differs)) {
        return false;
    }
    what.changed = container.obs->spec_hash[0] ||
                   (was != ACC_NONE &&
                    strcmp(app->loaded.model->services[was]->spec_hash, service->spec_hash) != 0);
    if (accd_docker_call_compare(app->call, &what) < 0) {
        run->failed = true;
        return false;
    }
    return true;
}

/* Containers of the service at hand; one row is enough. True: an answer comes later. */
static bool look_at(struct accd_plan_run *run, uint32_t svc, uint32_t old_svc,
                    const struct acc_service_view *view)
{
    const struct acc_service_spec *service = run->loaded.model->services[svc];

    while (run->instance < view->n_instances && !run->is_told) {
        struct acc_instance_view instance;

        acc_engine_instance(run->app->engine, old_svc, run->instance++, &instance);
        if (is_there(&instance) && instance.slot <= service->replicas &&
            compare(run, svc, &instance)) {
            return true;
        }
    }
    if (!run->is_told) {
        add_policy(run, service);
    }
    add_kept_out(run, service);
    return false;
}

/* Its containers are there, and none serves yet: an upgrade goes on with them, or waits for a
 * person's decision. */
static bool is_amid_upgrade(const struct accd_app *app, uint32_t svc,
                            const struct acc_service_view *view, uint32_t n_wanted)
{
    uint32_t was = find_in(app->loaded.model, view->id);
    bool is_any = false;

    if (was == ACC_NONE || app->loaded.model->services[was]->replicas != n_wanted) {
        return false; /* another number of them is wanted */
    }

    for (uint32_t i = 0; i < view->n_instances; i++) {
        struct acc_instance_view instance;

        acc_engine_instance(app->engine, svc, i, &instance);
        is_any |= instance.cid[0] != '\0';
    }
    return is_any && view->step > ACC_ROLL_PRE && view->step != ACC_ROLL_WATCH;
}

/* What the upgrade under way goes to isn't what the file says by now. */
static void add_amid_upgrade(struct accd_plan_run *run, const struct acc_service_spec *service)
{
    const struct acc_model *old = run->app->loaded.model;
    uint32_t was = find_in(old, service->id);

    if (was != ACC_NONE && strcmp(old->services[was]->spec_hash, service->spec_hash) != 0) {
        add(run, service->id, ACC_PLAN_RECREATE, NULL, "its file has changed while it is upgraded");
    }
}

/* The file wants another number of them, or some are missing. */
static void add_replicas(struct accd_plan_run *run, const struct acc_service_spec *service,
                         uint32_t n_present)
{
    const struct acc_model *old = run->app->loaded.model;
    uint32_t was = find_in(old, service->id);
    uint32_t n = service->replicas;
    enum acc_plan_what what = ACC_PLAN_CREATE;
    char reason[ACC_DIFF_TEXT_MAX + 1];

    if (n_present == n) {
        return;
    }
    if (n_present > n || (was != ACC_NONE && old->services[was]->replicas != n)) {
        acc_plan_scale_text(n_present, n, reason, sizeof(reason));
        what = ACC_PLAN_UPDATE;
    } else if (n == 1) {
        (void)snprintf(reason, sizeof(reason), "it has no container");
    } else {
        (void)snprintf(reason, sizeof(reason), "%u of its %u containers %s missing",
                       (unsigned)(n - n_present), (unsigned)n, n - n_present == 1 ? "is" : "are");
    }
    if (!run->is_told) {
        add(run, service->id, what, NULL, reason);
    } else if (what == ACC_PLAN_UPDATE) {
        run->failed |= acc_plan_also(&run->plan, reason, true) < 0;
    }
}

/* --- stacks that are not touched -------------------------------------------------------------- */

static void add_observed_stack(struct accd_plan_run *run, const char *stack, const char *why)
{
    char reason[ACC_DIFF_TEXT_MAX + 1];

    if (!acc_plan_find(&run->plan, stack)) {
        (void)snprintf(reason, sizeof(reason),
                       "%s: nothing of it is touched; take it over: accctl adopt %.100s", why,
                       stack);
        add(run, stack, ACC_PLAN_OBSERVE, NULL, reason);
    }
}

static bool is_observed(const struct acc_engine *engine, const char *stack)
{
    uint32_t at = acc_engine_find_stack(engine, stack);

    return at != ACC_NONE && acc_engine_stack_observing(engine, at);
}

static void plan_new_service(struct accd_plan_run *run, const struct acc_service_spec *service)
{
    uint32_t stack = acc_model_find_stack(run->loaded.model, service->stack);
    struct accd_newcomer found = {0};
    bool is_there;
    char reason[ACC_DIFF_TEXT_MAX + 1];

    if (is_observed(run->app->engine, service->stack)) {
        add_observed_stack(run, service->stack, "only observed");
        return;
    }
    if (!run->newcomers) {
        add(run, service->id, ACC_PLAN_UNKNOWN, NULL,
            "new in the files; whether it is there already could not be seen");
        return;
    }
    is_there = accd_docker_newcomers_find(run->newcomers, stack, service->name, &found);
    if (accd_docker_newcomers_is_observed(run->newcomers, stack)) {
        add_observed_stack(run, service->stack,
                           "new in the files, was found running and will only be observed");
        (void)snprintf(reason, sizeof(reason), "%s%.200s",
                       !is_there          ? "there is no container"
                       : found.is_running ? "runs already: "
                                          : "is there and does not run: ",
                       is_there ? found.name : "");
        add(run, service->id, ACC_PLAN_OBSERVE, NULL, reason);
    } else if (!is_there) {
        add(run, service->id, ACC_PLAN_CREATE, NULL, "new in the files");
    } else if (!found.is_running) {
        (void)snprintf(reason, sizeof(reason), "new in the files; accd made %.200s before",
                       found.name);
        add(run, service->id, ACC_PLAN_START, NULL, reason);
    } /* else it goes on as it is */
}

/* Told and shown although no container shows it: who has edited it is to see that it was read. */
static void add_settings(struct accd_plan_run *run, const struct acc_service_spec *service)
{
    const struct acc_model *old = run->app->loaded.model;
    uint32_t was = find_in(old, service->id);
    struct acc_service_view view;
    char changed[ACC_SETTINGS_TEXT_MAX + 1];

    if (was == ACC_NONE || find_running(run->app, service->id, &view) == ACC_NONE ||
        view.observing || view.removed) {
        return;
    }
    acc_settings_changed(old->services[was], service, changed, sizeof(changed));
    if (changed[0] && run->is_told) {
        run->failed |= acc_plan_also(&run->plan, changed, true) < 0;
    } else if (changed[0]) {
        add(run, service->id, ACC_PLAN_UPDATE, NULL, changed);
        run->failed |= acc_plan_also(&run->plan, "settings of accd's own: its container stays",
                                     true) < 0;
    }
}

/* True: an answer comes later. */
static bool plan_service(struct accd_plan_run *run, uint32_t svc)
{
    const struct acc_service_spec *service = run->loaded.model->services[svc];
    struct acc_service_view view;
    uint32_t old_svc = find_running(run->app, service->id, &view);
    uint32_t n_present;

    if (old_svc == ACC_NONE) {
        plan_new_service(run, service);
        return false;
    }
    n_present = count_present(run->app, old_svc, view.n_instances, &(uint32_t){0});
    if (view.observing) {
        add_observed_stack(run, service->stack, "only observed");
        return false;
    }
    if (!view.wanted_up && !view.removed) {
        return false; /* it is not touched */
    }
    if (look_at(run, svc, old_svc, &view)) {
        return true;
    }
    if (!run->is_told && add_undecided(run, service, NULL)) {
        return false;
    }
    if (view.removed && !run->is_told) {
        add(run, service->id, n_present > 0 ? ACC_PLAN_START : ACC_PLAN_CREATE, NULL,
            "back in the files");
    } else if (n_present < service->replicas &&
               is_amid_upgrade(run->app, old_svc, &view, service->replicas)) {
        if (!run->is_told) {
            add_amid_upgrade(run, service);
        }
    } else if (view.state != ACC_SVC_DONE) {
        add_replicas(run, service, n_present);
    }
    return false;
}

static void go_on(struct accd_plan_run *run)
{
    const struct acc_model *model = run->loaded.model;

    while (run->at < model->n_services) {
        if (plan_service(run, model->order[run->at])) {
            return;
        }
        add_settings(run, model->services[model->order[run->at]]);
        run->at++;
        run->instance = 0;
        run->is_told = false;
    }
    finish(run);
}

/* --- the beginning --------------------------------------------------------------------------- */

static void on_newcomers(void *ctx, const char *problem)
{
    struct accd_plan_run *run = ctx;

    if (problem) {
        accd_log(ACCD_LOG_WARNING, "plan: containers of new stacks could not be listed: %s",
                 problem);
        run->newcomers = accd_docker_newcomers_destroy(run->newcomers);
    }
    go_on(run);
}

void accd_app_on_planned(void *ctx, const struct accd_reload_result *result)
{
    struct accd_app *app = ctx;
    struct accd_plan_run *run;
    struct accd_newcomers_config config;

    if (result->error < 0 ||
        acc_load_accidents(&app->load_options, &app->loaded, result->loaded, result->diags) > 0) {
        char *problems = accd_app_problems(result->diags);

        acc_loaded_fini(result->loaded);
        answer(app, app->n_plans, problems ? problems : "out of memory\n", NULL);
        free(problems);
        return;
    }
    run = calloc(1, sizeof(*run));
    if (!run || app->is_leaving || app->plan_run) {
        acc_loaded_fini(result->loaded);
        free(run);
        answer(app, app->n_plans, "accd is out of memory, or leaving\n", NULL);
        return;
    }
    accd_app_fill_model(app, result->loaded->model);
    run->app = app;
    run->n = app->n_plans;
    run->loaded = *result->loaded;
    run->plan.warnings = result->diags->n > 0 ? accd_app_problems(result->diags) : NULL;
    config = (struct accd_newcomers_config){.docker = &app->docker,
                                            .engine = app->engine,
                                            .model = run->loaded.model,
                                            .on_end = on_newcomers,
                                            .ctx = run};
    *result->loaded = (struct acc_loaded){0};
    app->plan_run = run;
    if (accd_docker_newcomers_start(&config, &run->newcomers) < 0) {
        run->failed = true;
        answer_run(run);
    }
}

void accd_app_plan(void *ctx,
                   void (*done)(void *arg, const char *problems, const struct acc_plan *plan),
                   void *arg)
{
    struct accd_app *app = ctx;

    if (!acc_engine_has_snapshot(app->engine)) {
        done(arg, NULL, NULL);
        return;
    }
    if (app->n_plans == ACCD_APPLIES_MAX) {
        done(arg, "too many are waiting for a plan; ask again\n", NULL);
        return;
    }
    app->plans[app->n_plans].done = done;
    app->plans[app->n_plans].arg = arg;
    app->n_plans++;
    if (!app->plan_run && app->n_plans == 1) {
        accd_reload_request(app->plan_reload);
    }
}

void accd_app_plan_drop(struct accd_app *app)
{
    if (app->plan_run) {
        accd_docker_unused_cancel(app->plan_run->unused);
        accd_docker_declared_cancel(app->plan_run->declared);
        run_free(app->plan_run);
        app->plan_run = NULL;
    }
}
