/*
 * Networks and volumes that aren't as their files say: known for status, told in the log, and
 * looked at again before an apply ends.
 *
 * Looked for when files were read, when Docker is back, and, while one differs, with each list and
 * after what was made or removed: it is gone when somebody has had it made anew.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "daemon/app_parts.h"
#include "daemon/log.h"

struct accd_declared_look {
    struct accd_declared_look *prev, *next;
    struct accd_app *app;
    struct accd_docker_declared *declared;
    struct acc_plan found;
    bool is_nomem;
    void (*done)(void *arg); /* NULL: nobody waits for it */
    void *arg;
};

static const struct acc_model *model(void *ctx)
{
    return accd_app_model(((struct accd_declared_look *)ctx)->app);
}

bool accd_app_is_managed(const struct accd_app *app, const char *stack)
{
    uint32_t at = acc_engine_find_stack(app->engine, stack);

    return at != ACC_NONE && !acc_engine_stack_observing(app->engine, at);
}

static void on_differs(void *ctx, uint32_t res, const struct acc_docker_diff *diff)
{
    struct accd_declared_look *look = ctx;
    const struct acc_model *now = look->app->loaded.model;

    if (accd_app_is_managed(look->app, now->stacks[now->resources[res]->stack]->name)) {
        look->is_nomem |= acc_plan_add_resource(&look->found, now, res, diff) < 0;
    }
}

static bool is_same_row(const struct acc_plan_row *a, const struct acc_plan_row *b)
{
    char x[ACC_REASON_MAX + 1], y[ACC_REASON_MAX + 1];

    acc_plan_row_text(a, x, sizeof(x));
    acc_plan_row_text(b, y, sizeof(y));
    return strcmp(x, y) == 0;
}

static void log_news(const struct acc_plan *old, const struct acc_plan *found)
{
    for (size_t i = 0; i < found->n; i++) {
        const struct acc_plan_row *row = &found->row[i];
        const struct acc_plan_row *was = acc_plan_find(old, row->service);
        char text[4 * ACC_REASON_MAX];

        if (!was || !is_same_row(was, row)) {
            acc_plan_row_text(row, text, sizeof(text));
            accd_log(ACCD_LOG_WARNING, "%s isn't as its file says: %s", row->service, text);
        }
    }
    for (size_t i = 0; i < old->n; i++) {
        if (!acc_plan_find(found, old->row[i].service)) {
            accd_log(ACCD_LOG_NOTICE, "%s is as its file says, or gone", old->row[i].service);
        }
    }
}

static void look_free(struct accd_declared_look *look)
{
    DL_DELETE(look->app->declared_looks, look);
    acc_plan_fini(&look->found);
    free(look);
}

static void on_end(void *ctx, const char *problem)
{
    struct accd_declared_look *look = ctx;
    struct accd_app *app = look->app;

    if (problem || look->is_nomem) { /* what was known stays; the next list brings another look */
        accd_log(ACCD_LOG_DEBUG, "networks and volumes could not be compared with their files: %s",
                 problem ? problem : "out of memory");
        app->is_declared_unknown = true;
    } else {
        log_news(&app->differing, &look->found);
        acc_plan_fini(&app->differing);
        app->differing = look->found;
        look->found = (struct acc_plan){0};
        app->is_declared_unknown = false;
    }
    if (look->done) {
        look->done(look->arg);
    }
    look_free(look);
}

static bool start(struct accd_app *app, void (*done)(void *arg), void *arg)
{
    struct accd_declared_look *look = app->is_leaving ? NULL : calloc(1, sizeof(*look));
    struct accd_declared_config config = {.docker = &app->docker,
                                          .model = model,
                                          .on_differs = on_differs,
                                          .on_end = on_end,
                                          .ctx = look};

    if (!look) {
        return false;
    }
    *look = (struct accd_declared_look){.app = app, .done = done, .arg = arg};
    DL_APPEND(app->declared_looks, look);
    if (accd_docker_declared_start(&config, &look->declared) < 0) {
        look_free(look);
        return false;
    }
    return true;
}

void accd_app_declared_due(struct accd_app *app)
{
    app->is_declared_due = true;
}

void accd_app_declared_on_list(struct accd_app *app)
{
    app->is_declared_due |= app->differing.n > 0 || app->is_declared_unknown;
}

void accd_app_declared_on_made(struct accd_app *app, const struct acc_action *action)
{
    const struct acc_model *now = app->loaded.model;
    char what[2 * ACC_NAME_MAX + 2];

    app->is_declared_due |= action->what == ACC_ACT_CREATE && app->differing.n > 0; /* volumes */
    if ((action->what == ACC_ACT_ENSURE_RESOURCE || action->what == ACC_ACT_REMOVE_RESOURCE) &&
        action->res < now->n_resources) {
        const struct acc_resource *resource = now->resources[action->res];

        (void)snprintf(what, sizeof(what), "%s %s",
                       resource->kind == ACC_RES_NETWORK ? "network" : "volume", resource->name);
        app->is_declared_due |= resource->kind != ACC_RES_IMAGE &&
                                acc_plan_find(&app->differing, what);
    }
}

void accd_app_declared_look(struct accd_app *app)
{
    if (app->is_declared_due && !app->declared_looks && acc_engine_connected(app->engine) &&
        acc_engine_has_snapshot(app->engine)) {
        app->is_declared_due = !start(app, NULL, NULL);
    }
}

void accd_app_differing(void *ctx, void (*done)(void *arg), void *arg)
{
    struct accd_app *app = ctx;

    if (app->docker.link != ACCD_LINK_UP || !start(app, done, arg)) {
        done(arg);
    }
}

const struct acc_plan *accd_app_resources(void *ctx)
{
    return &((struct accd_app *)ctx)->differing;
}

void accd_app_explain(void *ctx, uint32_t svc, const char *message, char *out, size_t out_size)
{
    struct accd_app *app = ctx;
    const char *id = svc < app->loaded.model->n_services ? app->loaded.model->services[svc]->id
                                                         : NULL;

    out[0] = '\0';
    for (size_t i = 0; id && i < app->differing.n && !out[0]; i++) {
        const struct acc_plan_row *row = &app->differing.row[i];

        for (size_t k = 0; k < row->n && acc_plan_row_has_user(row, id); k++) {
            if (strncmp(row->line[k].text, "subnet ", 7) == 0) {
                (void)snprintf(out, out_size,
                               "%.80s isn't as its file says, %.60s: accctl plan; %s", row->service,
                               row->line[k].text, message);
                break;
            }
        }
    }
}

void accd_app_declared_drop(struct accd_app *app)
{
    while (app->declared_looks) {
        struct accd_declared_look *look = app->declared_looks;

        accd_docker_declared_cancel(look->declared);
        if (look->done) {
            look->done(look->arg);
        }
        look_free(look);
    }
}
