/* Services of stacks that aren't loaded, and that others need: how they are, as Docker shows it. */

#include <stdlib.h>
#include <string.h>

#include "daemon/app_parts.h"

void accd_app_others_set(struct accd_app *app)
{
    const struct acc_model *model = app->loaded.model;

    free(app->others);
    app->n_others = 0;
    app->others = calloc(model->n_conditions + 1, sizeof(*app->others));
    app->is_others_due = true;
    /* Without memory nobody is told, and who needs one of them waits for word of it. */
    for (uint32_t i = 0; app->others && i < model->n_conditions; i++) {
        if (acc_condition_is_of_service(model->conditions[i].kind)) {
            app->others[app->n_others++] = (struct accd_other){.condition = i};
        }
    }
}

/* "stack/service": its stack is called so. */
static bool is_of(const char *id, const char *stack)
{
    size_t len = strlen(stack);

    return strncmp(id, stack, len) == 0 && id[len] == '/';
}

bool accd_app_others_has(const struct accd_app *app, const char *stack)
{
    for (size_t i = 0; i < app->n_others; i++) {
        if (is_of(app->loaded.model->conditions[app->others[i].condition].arg, stack)) {
            return true;
        }
    }
    return false;
}

/* The engine looks at what of it begins, and has no use for how it goes on. */
static void follow(struct accd_app *app, const char *cid)
{
    struct accd_inspector *inspector = accd_docker_stream_inspector(app->stream);
    struct accd_container container;

    if (app->n_others > 0 && accd_inspector_get(inspector, cid, &container) &&
        accd_app_others_has(app, container.obs->project)) {
        (void)accd_inspector_look(inspector, cid, ACCD_LOOK_FRESH, NULL, NULL); /* else the list */
    }
}

void accd_app_others_heard(struct accd_app *app, const struct acc_event *event)
{
    if (event->type == ACC_EV_HINT && acc_engine_connected(app->engine)) {
        follow(app, event->hint.cid);
    }
    app->is_others_due |= event->type == ACC_EV_OBS || event->type == ACC_EV_GONE ||
                          event->type == ACC_EV_SNAPSHOT;
}

/* What there is of one service. */
struct found {
    struct accd_app *app;
    const char *id;
    bool is_ready, is_running, is_done;
};

static void look(void *ctx, const char *cid)
{
    struct found *found = ctx;
    struct accd_container container;

    if (!accd_inspector_get(accd_docker_stream_inspector(found->app->stream), cid, &container)) {
        return;
    }
    const struct acc_obs *obs = container.obs;

    if (obs->oneoff || !is_of(found->id, obs->project) ||
        strcmp(strchr(found->id, '/') + 1, obs->service) != 0) {
        return;
    }
    found->is_running |= obs->state == ACC_CTR_RUNNING || obs->state == ACC_CTR_PAUSED;
    found->is_ready |= obs->state == ACC_CTR_RUNNING &&
                       (!obs->has_health || obs->health == ACC_DH_HEALTHY);
    found->is_done |= obs->state == ACC_CTR_EXITED && obs->exit_code == 0;
}

static bool is_met(struct accd_app *app, const struct acc_condition *condition)
{
    struct found found = {.app = app, .id = condition->arg};

    accd_inspector_each(accd_docker_stream_inspector(app->stream), look, &found);
    if (condition->kind == ACC_HOST_DONE) {
        return found.is_done;
    }
    if (condition->kind == ACC_HOST_REACHED) {
        return found.is_ready || found.is_done;
    }
    if (condition->kind == ACC_HOST_FREE) {
        return !found.is_running;
    }
    return condition->kind == ACC_HOST_RUNNING ? found.is_running : found.is_ready;
}

bool accd_app_others_tell(struct accd_app *app)
{
    bool is_news = false;

    if (app->n_others == 0 || !app->is_others_due || !acc_engine_has_snapshot(app->engine)) {
        return false;
    }
    app->is_others_due = false;
    for (size_t i = 0; i < app->n_others; i++) {
        struct accd_other *other = &app->others[i];
        const struct acc_condition *condition = &app->loaded.model->conditions[other->condition];
        struct acc_event event = {.type = ACC_EV_HOST, .now_ms = uv_now(&app->loop)};

        event.host.condition = condition->text;
        event.host.is_met = is_met(app, condition) ? ACC_YES : ACC_NO;
        if (event.host.is_met == other->told) {
            continue;
        }
        if (accd_pump_push(app->pump, &event) == 0) {
            other->told = event.host.is_met;
            is_news = true;
        } else {
            app->is_others_due = true; /* with the next event */
        }
    }
    return is_news;
}
