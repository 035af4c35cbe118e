/* Applying the files again: SIGHUP and `accctl apply`. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "daemon/app_parts.h"
#include "daemon/log.h"
#include "lib/model/settings.h"

#define TEXT_MAX_BYTES 262144u /* all problems, or a line for each of some thousand services */

void accd_app_apply(void *ctx, bool prune, const char *by,
                    void (*done)(void *arg, const struct accd_applied *applied), void *arg)
{
    struct accd_app *app = ctx;

    (void)snprintf(app->asked_by, sizeof(app->asked_by), "%s", by);
    if (done) {
        if (app->n_applies == ACCD_APPLIES_MAX) {
            done(arg, &(struct accd_applied){
                          .problems = "too many are waiting for the files to be read; ask again"});
            return;
        }
        app->applies[app->n_applies].done = done;
        app->applies[app->n_applies].arg = arg;
        app->n_applies++;
        app->conform_asked = true;
        app->prune_asked |= prune;
    }
    accd_notify_reloading(&app->notify);
    accd_reload_request(app->reload);
}

static void answer(struct accd_app *app, const struct accd_applied *applied)
{
    size_t n = app->n_applies;

    app->conform_asked = app->prune_asked = false;
    app->n_applies = 0;
    for (size_t i = 0; i < n; i++) {
        app->applies[i].done(app->applies[i].arg, applied);
    }
    accd_notify_ready(&app->notify);
}

char *accd_app_problems(const struct acc_diags *diags)
{
    struct acc_buf text;
    char line[ACC_DIAG_TEXT_MAX + ACC_DIAG_FILE_MAX + 64];

    acc_buf_init(&text, TEXT_MAX_BYTES);
    for (size_t i = 0; i < diags->n; i++) {
        (void)acc_diag_format(&diags->item[i], line, sizeof(line));
        (void)acc_buf_printf(&text, "%s\n", line);
    }
    char *problems = acc_buf_take(&text);

    acc_buf_fini(&text);
    return problems;
}

static void refuse(struct accd_app *app, const struct acc_diags *diags)
{
    char *problems = accd_app_problems(diags);

    accd_app_print_diags(diags);
    accd_log(ACCD_LOG_ERROR, "the new configuration is refused; the running one stays");
    answer(app, &(struct accd_applied){.problems = problems ? problems : "out of memory\n"});
    free(problems);
}

/* Scaled by hand, and now the number of its file is asked for. */
static void list_scaled(const struct acc_service_view *view, struct acc_buf *out)
{
    if (view->scale[0] > 0) {
        (void)acc_buf_printf(out, ACCD_CHANGE_SCALE " %s %u -> %u\n", view->id,
                             (unsigned)view->scale[0], (unsigned)view->scale[1]);
    }
}

/* What differs since it was adopted and is now to follow its file. */
static void list_conforming(struct accd_app *app, struct acc_buf *out)
{
    for (uint32_t i = 0; i < acc_engine_n_services(app->engine); i++) {
        struct acc_service_view view;
        struct acc_instance_view instance;
        struct acc_differences found;

        acc_engine_service(app->engine, i, uv_now(&app->loop), &view);
        if (view.n_instances == 0 || view.observing || view.removed || !view.wanted_up) {
            continue;
        }
        list_scaled(&view, out);
        acc_engine_instance(app->engine, i, 0, &instance);
        if (instance.differs && instance.cid[0] &&
            accd_differences_get(app->differences, instance.cid, &found) &&
            !strstr(out->data ? out->data : "", view.id)) {
            (void)acc_buf_printf(out, "changed %s\n", view.id);
        }
    }
}

/* What is being changed by an earlier reading of the files: who asks again waits for it, too. */
static void list_under_way(struct accd_app *app, struct acc_buf *out)
{
    for (uint32_t i = 0; i < acc_engine_n_services(app->engine); i++) {
        struct acc_service_view view;

        acc_engine_service(app->engine, i, uv_now(&app->loop), &view);
        if (view.step != ACC_ROLL_IDLE && view.step < ACC_ROLL_WATCH && view.what[0] &&
            !view.observing && !view.removed) {
            (void)acc_buf_printf(out, "changed %s\n", view.id);
        }
    }
}

/* What runs another image than its file's, as that was rolled back: who asks is told. */
static void list_staying(struct accd_app *app, struct acc_buf *out)
{
    for (uint32_t i = 0; i < acc_engine_n_services(app->engine); i++) {
        struct acc_service_view view;

        acc_engine_service(app->engine, i, uv_now(&app->loop), &view);
        if (view.stays_at[0] && view.wanted_up && !view.observing && !view.removed) {
            (void)acc_buf_printf(out, "changed %s\n", view.id);
        }
    }
}

/* What left the files earlier, and was kept. */
static void list_kept(struct accd_app *app, struct acc_buf *out)
{
    for (uint32_t i = 0; i < acc_engine_n_services(app->engine); i++) {
        struct acc_service_view view;

        acc_engine_service(app->engine, i, uv_now(&app->loop), &view);
        if (view.removed && view.n_instances > 0 && !strstr(out->data ? out->data : "", view.id)) {
            (void)acc_buf_printf(out, "removed %s\n", view.id);
        }
    }
}

static void conform(struct accd_app *app, struct acc_buf *changes)
{
    if (app->conform_asked) {
        list_conforming(app, changes);
        acc_engine_conform(app->engine);
    }
    if (app->prune_asked) {
        list_kept(app, changes);
        acc_engine_prune(app->engine);
    }
    app->conform_asked = app->prune_asked = false;
}

static uint32_t find(const struct acc_model *model, const char *id)
{
    for (uint32_t i = 0; i < model->n_services; i++) {
        if (strcmp(model->services[i]->id, id) == 0) {
            return i;
        }
    }
    return ACC_NONE;
}

static bool has_other_policy(const struct acc_service_spec *old, const struct acc_service_spec *new)
{
    return old->restart != new->restart || old->restart_max != new->restart_max;
}

static void list_settings(const struct acc_service_spec *old, const struct acc_service_spec *new,
                          struct acc_buf *out)
{
    char changed[ACC_SETTINGS_TEXT_MAX + 1];

    acc_settings_changed(old, new, changed, sizeof(changed));
    if (changed[0]) {
        (void)acc_buf_printf(out, ACCD_CHANGE_SETTINGS " %s %s\n", new->id, changed);
    }
}

/* A line for each service that is added, changed or gone. */
static void list_changes(const struct acc_model *old, const struct acc_model *new,
                         struct acc_buf *out)
{
    for (size_t i = 0; i < new->n_services; i++) {
        uint32_t was = find(old, new->services[i]->id);

        if (was == ACC_NONE) {
            (void)acc_buf_printf(out, "added %s\n", new->services[i]->id);
        } else if (strcmp(old->services[was]->spec_hash, new->services[i]->spec_hash) != 0) {
            (void)acc_buf_printf(out, "changed %s\n", new->services[i]->id);
        }
        if (was != ACC_NONE) {
            list_settings(old->services[was], new->services[i], out);
        }
        if (was != ACC_NONE && has_other_policy(old->services[was], new->services[i])) {
            (void)acc_buf_printf(out, ACCD_CHANGE_POLICY " %s\n", new->services[i]->id);
        }
        if (was != ACC_NONE && old->services[was]->replicas != new->services[i]->replicas) {
            (void)acc_buf_printf(out, ACCD_CHANGE_SCALE " %s %u -> %u\n", new->services[i]->id,
                                 (unsigned)old->services[was]->replicas,
                                 (unsigned)new->services[i]->replicas);
        }
    }
    for (size_t i = 0; i < old->n_services; i++) {
        if (find(new, old->services[i]->id) == ACC_NONE) {
            (void)acc_buf_printf(out, "removed %s\n", old->services[i]->id);
        }
    }
}

/* --- what had left the files before ----------------------------------------------------------- */

/* They are taken in when somebody asks for that: he may have read of them in the plan. */
static int reconfigure(struct accd_app *app, const struct acc_model *model,
                       struct accd_orphans *orphans)
{
    int r = app->conform_asked ? accd_orphans_find(accd_docker_stream_inspector(app->stream),
                                                   &app->departed, app->engine, model, orphans)
                               : 0;

    return r < 0 ? r
                 : acc_engine_reconfigure(app->engine, model, orphans->item, orphans->n,
                                          uv_now(&app->loop));
}

static void list_orphans(const struct accd_orphans *orphans, struct acc_buf *out)
{
    for (uint32_t i = 0; i < orphans->n; i++) {
        (void)acc_buf_printf(out, "removed %s/%s\n", orphans->item[i].stack,
                             orphans->item[i].service);
    }
}

/* The engine hears of their containers at once, and not with the next list: who waits for it has to
 * see them stop. */
static void tell_orphans(struct accd_app *app, const struct accd_orphans *orphans)
{
    for (uint32_t i = 0; i < orphans->n_obs; i++) {
        struct acc_event event = {
            .type = ACC_EV_OBS, .now_ms = uv_now(&app->loop), .obs = orphans->obs[i]};

        (void)accd_pump_push(app->pump, &event); /* full: the list that follows tells it */
    }
}

static void log_changes(const char *changes)
{
    const char *line = changes;

    while (*line) {
        size_t len = strcspn(line, "\n");

        accd_log(ACCD_LOG_NOTICE, "configuration: %.*s", (int)len, line);
        line += len + (line[len] == '\n');
    }
}

void accd_app_on_loaded(void *ctx, const struct accd_reload_result *result)
{
    struct accd_app *app = ctx;
    struct acc_event event = {.type = ACC_EV_TIMEOUT, .now_ms = uv_now(&app->loop)};
    struct accd_orphans orphans = {0};
    struct acc_buf changes;
    char *warnings;

    if (result->error < 0 ||
        acc_load_accidents(&app->load_options, &app->loaded, result->loaded, result->diags) > 0) {
        acc_loaded_fini(result->loaded);
        refuse(app, result->diags);
        return;
    }
    accd_app_print_diags(result->diags);
    accd_app_fill_model(app, result->loaded->model);
    acc_engine_asked_by(app->engine, app->asked_by);
    accd_departed_take(&app->departed, app->engine, uv_now(&app->loop));
    if (app->is_leaving || reconfigure(app, result->loaded->model, &orphans) < 0) {
        accd_log(ACCD_LOG_ERROR, "out of memory: the running configuration stays");
        accd_orphans_fini(&orphans);
        acc_loaded_fini(result->loaded);
        answer(app, &(struct accd_applied){.problems = "out of memory\n"});
        return;
    }
    acc_buf_init(&changes, TEXT_MAX_BYTES);
    list_changes(app->loaded.model, result->loaded->model, &changes);
    list_orphans(&orphans, &changes);
    conform(app, &changes);
    struct acc_loaded old = app->loaded;

    app->loaded = *result->loaded;
    *result->loaded = (struct acc_loaded){0};
    accd_app_unlisted_move(app, old.model);
    accd_app_others_set(app);
    acc_loaded_fini(&old);
    if (accd_host_watch_set(app->host_watch, app->loaded.model) < 0) {
        accd_log(ACCD_LOG_ERROR, "x-acc.host: out of memory, what is new in it isn't watched");
    }
    accd_recorder_set_model(app->recorder, app->loaded.model);
    if (accd_hooks_configure(app->hooks,
                             app->loaded.config ? app->loaded.config->on_incident : NULL,
                             app->loaded.config ? app->loaded.config->n_on_incident : 0) < 0) {
        accd_log(ACCD_LOG_ERROR, "on_incident: out of memory, nobody is told of incidents");
    }
    log_changes(changes.data ? changes.data : "");
    if (app->control) {
        accd_control_on_reconfigured(app->control);
    }
    list_under_way(app, &changes);
    list_staying(app, &changes);
    accd_app_set_clock(app);
    accd_app_declared_due(app);
    tell_orphans(app, &orphans);
    accd_orphans_fini(&orphans);
    (void)accd_pump_push(app->pump, &event);
    accd_pump_run(app->pump); /* no answer comes in here: what runs is still what ran before */
    warnings = result->diags->n > 0 ? accd_app_problems(result->diags) : NULL;
    answer(app, &(struct accd_applied){.changes = changes.data ? changes.data : "",
                                       .warnings = warnings});
    free(warnings);
    acc_buf_fini(&changes);
}

void accd_app_take(struct accd_app *app, const struct accd_reload_result *result, const char *by)
{
    (void)snprintf(app->asked_by, sizeof(app->asked_by), "%s", by);
    accd_notify_reloading(&app->notify);
    accd_app_on_loaded(app, result);
}

/* --- networks and volumes --------------------------------------------------------------------- */

struct accd_prune {
    struct accd_prune *prev, *next;
    struct accd_app *app;
    struct accd_docker_unused *unused;
    void (*done)(void *arg, const char *lines);
    void *arg;
    bool volumes;
    struct acc_buf lines;
};

static void prune_free(struct accd_prune *prune)
{
    DL_DELETE(prune->app->prunes, prune);
    acc_buf_fini(&prune->lines);
    free(prune);
}

/* A container that is kept, or that runs with the configuration of before because the one of the
 * file was rolled back, has the networks of its own file, and Docker would let go of them. */
static bool is_kept_for(struct accd_app *app, const struct acc_docker_name_item *item)
{
    for (uint32_t i = 0; i < acc_engine_n_services(app->engine); i++) {
        struct acc_service_view view;

        acc_engine_service(app->engine, i, uv_now(&app->loop), &view);
        bool is_changing = view.step != ACC_ROLL_IDLE && view.what[0];

        if ((is_changing || view.refused[0]) && strcmp(view.stack, item->project) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_unused(void *ctx, enum acc_resource_kind kind,
                      const struct acc_docker_name_item *item, const char *container)
{
    struct accd_prune *prune = ctx;
    struct accd_app *app = prune->app;
    enum accd_leftover leftover = accd_orphans_resource(
        &app->departed, app->engine, app->loaded.model, kind, item, container != NULL);

    if ((kind != ACC_RES_NETWORK && !prune->volumes) || leftover == ACCD_LEFTOVER_NO) {
        return false;
    }
    if (leftover == ACCD_LEFTOVER_HELD) {
        (void)acc_buf_printf(&prune->lines,
                             "kept %s %s: %s is gone from the files and its container %s is still "
                             "there; remove that first\n",
                             kind == ACC_RES_NETWORK ? "network" : "volume", item->name,
                             item->project, container);
        return false;
    }
    if (kind == ACC_RES_NETWORK && is_kept_for(app, item)) {
        (void)acc_buf_printf(
            &prune->lines,
            "kept network %s: what was changed is still watched, or was rolled back, "
            "and may need it; ask again later\n",
            item->name);
        return false;
    }
    return true;
}

static void on_unused(void *ctx, enum acc_resource_kind kind, const char *name, const char *problem)
{
    struct accd_prune *prune = ctx;
    const char *what = kind == ACC_RES_NETWORK ? "network" : "volume";

    (void)acc_buf_printf(&prune->lines, "%s %s %s%s%s\n", problem ? "kept" : "removed", what, name,
                         problem ? ": " : "", problem ? problem : "");
    accd_log(ACCD_LOG_NOTICE, "%s %s, which is gone from the files%s%s",
             problem ? "can't remove" : "removed", name, problem ? ": " : "",
             problem ? problem : "");
}

static void on_unused_end(void *ctx, const char *problem)
{
    struct accd_prune *prune = ctx;

    if (problem) {
        (void)acc_buf_printf(&prune->lines, "kept networks and volumes: %s\n", problem);
    }
    prune->done(prune->arg, prune->lines.data ? prune->lines.data : "");
    prune_free(prune);
}

void accd_app_prune(void *ctx, bool volumes, void (*done)(void *arg, const char *lines), void *arg)
{
    struct accd_app *app = ctx;
    struct accd_prune *prune = calloc(1, sizeof(*prune));
    struct accd_unused_config config = {.docker = &app->docker,
                                        .remove_networks = true,
                                        .remove_volumes = volumes,
                                        .is_unused = is_unused,
                                        .on_item = on_unused,
                                        .on_end = on_unused_end,
                                        .ctx = prune};

    if (!prune) {
        done(arg, "kept networks and volumes: accd is out of memory\n");
        return;
    }
    *prune = (struct accd_prune){.app = app, .done = done, .arg = arg, .volumes = volumes};
    acc_buf_init(&prune->lines, TEXT_MAX_BYTES);
    DL_APPEND(app->prunes, prune);
    if (accd_docker_unused_start(&config, &prune->unused) < 0) {
        on_unused_end(prune, "accd is out of memory");
    }
}

void accd_app_prune_drop(struct accd_app *app)
{
    while (app->prunes) {
        accd_docker_unused_cancel(app->prunes->unused);
        prune_free(app->prunes);
    }
}
