/* Stacks that accd has managed and that are in no file, and those whose files didn't load when it
 * was started: what it knows of them, and tells. */

#include <stdlib.h>
#include <string.h>

#include "daemon/app_parts.h"
#include "daemon/log.h"
#include "lib/base/str.h"

static void on_change(void *ctx, const struct acc_stack_record *record)
{
    struct accd_app *app = ctx;

    accd_store_save_stack(app->store, record);
}

/* "stack/service": is the stack one that no file has? */
static bool is_away(const struct accd_app *app, const char *id)
{
    char stack[ACC_NAME_MAX + 1];
    size_t len = strcspn(id, "/");

    if (len >= sizeof(stack)) {
        return false;
    }
    memcpy(stack, id, len);
    stack[len] = '\0';
    return acc_engine_find_stack(app->engine, stack) == ACC_NONE;
}

static void keep_service(void *ctx, const struct acc_service_record *record)
{
    struct accd_app *app = ctx;

    if (is_away(app, record->id)) {
        accd_departed_keep_service(&app->departed, record);
    }
}

static void keep_revision(void *ctx, const struct acc_revision_record *record)
{
    struct accd_app *app = ctx;

    if (is_away(app, record->id)) {
        accd_departed_keep_revision(&app->departed, record);
    }
}

/* They were stopped for that their stack had left, and are wanted again: so it stays, now that the
 * stack isn't known any more to have left. */
static void save_services_of(struct accd_app *app, const char *stack)
{
    for (uint32_t svc = 0; svc < acc_engine_n_services(app->engine); svc++) {
        struct acc_service_record record;

        if (strcmp(app->loaded.model->stacks[app->loaded.model->service_stack[svc]]->name, stack) ==
            0) {
            acc_engine_service_record(app->engine, svc, uv_now(&app->loop), &record);
            accd_store_save_service(app->store, &record);
        }
    }
}

static void on_back(void *ctx, const struct acc_stack_record *record)
{
    save_services_of(ctx, record->name);
    on_change(ctx, record);
}

static void drop_patterns(struct accd_app *app)
{
    for (size_t i = 0; i < app->n_unmatched; i++) {
        free(app->unmatched[i]);
    }
    free(app->unmatched);
    app->unmatched = NULL;
    app->n_unmatched = 0;
}

static void note_patterns(struct accd_app *app)
{
    drop_patterns(app);
    app->n_unmatched = acc_load_unmatched(&app->load_options, &app->loaded, &app->unmatched);
}

static const struct acc_unloaded *find_unloaded(const struct accd_app *app, const char *stack)
{
    for (size_t i = 0; i < app->loaded.n_unloaded; i++) {
        if (strcmp(app->loaded.unloaded[i].stack, stack) == 0) {
            return &app->loaded.unloaded[i];
        }
    }
    return NULL;
}

static void log_unloaded(const struct accd_app *app)
{
    for (size_t i = 0; i < app->loaded.n_unloaded; i++) {
        const struct acc_unloaded *item = &app->loaded.unloaded[i];

        accd_log(
            ACCD_LOG_ERROR,
            "stack %s is not loaded, %s has %zu error%s: what there is of it is left as it is, "
            "and nobody restarts it; mend it, then: accctl apply",
            item->stack, item->file, item->n_errors, acc_plural(item->n_errors));
    }
}

void accd_app_unlisted_begin(struct accd_app *app)
{
    accd_store_managed(app->store, accd_departed_add, &app->departed);
    accd_departed_move(&app->departed, NULL, app->loaded.model, on_back, app);
    accd_store_each(app->store, keep_service, keep_revision, app);
    note_patterns(app);
    log_unloaded(app);
    for (size_t i = 0; i < app->departed.n; i++) {
        if (accd_departed_is_unlisted(&app->departed, app->engine, i) &&
            !find_unloaded(app, app->departed.item[i].name)) {
            accd_log(ACCD_LOG_ERROR,
                     "stack %s was managed and is in no file now: what there is of it is left as "
                     "it is",
                     app->departed.item[i].name);
        }
    }
}

void accd_app_unlisted_move(struct accd_app *app, const struct acc_model *old)
{
    accd_departed_move(&app->departed, old, app->loaded.model, on_change, app);
    accd_departed_give_back(&app->departed, app->engine);
    note_patterns(app);
}

/* --- are the files back? -----------------------------------------------------------------------
 */

static bool is_unlisted(const struct accd_app *app, const char *stack)
{
    for (size_t i = 0; i < app->departed.n; i++) {
        if (strcmp(app->departed.item[i].name, stack) == 0) {
            return accd_departed_is_unlisted(&app->departed, app->engine, i);
        }
    }
    return false;
}

static const struct acc_service_spec *find(const struct acc_model *model, const char *id)
{
    for (size_t i = 0; i < model->n_services; i++) {
        if (strcmp(model->services[i]->id, id) == 0) {
            return model->services[i];
        }
    }
    return NULL;
}

/* Nothing else of the files differs, so nobody is just editing them. Who has mended a file says
 * himself when he is done. */
static bool only_brings_back(const struct accd_app *app, const struct acc_model *new)
{
    const struct acc_model *old = app->loaded.model;
    size_t n_back = 0;

    for (size_t i = 0; i < new->n_services; i++) {
        const struct acc_service_spec *service = find(old, new->services[i]->id);
        const char *stack = new->stacks[new->service_stack[i]]->name;

        if (service ? strcmp(service->spec_hash, new->services[i]->spec_hash) != 0
                    : !is_unlisted(app, stack) || find_unloaded(app, stack)) {
            return false;
        }
        n_back += !service;
    }
    return n_back > 0 && new->n_services == old->n_services + n_back;
}

void accd_app_on_looked(void *ctx, const struct accd_reload_result *result)
{
    struct accd_app *app = ctx;
    bool is_back = result->error == 0 && only_brings_back(app, result->loaded->model);

    /* Somebody who waits for his own reading gets all of it, or hears why not. */
    if (is_back && app->n_applies == 0 && !app->is_leaving) {
        accd_log(ACCD_LOG_NOTICE, "files of stacks that were managed are there again");
        accd_app_take(app, result, "accd");
    } else if (result->error == 0) {
        acc_loaded_fini(result->loaded);
    }
}

void accd_app_unlisted_look(struct accd_app *app)
{
    for (size_t i = 0; i < app->departed.n && app->n_unmatched > 0 && !app->is_leaving; i++) {
        if (accd_departed_is_unlisted(&app->departed, app->engine, i)) {
            accd_reload_request(app->find_reload);
            return;
        }
    }
}

/* --- what is told of them ----------------------------------------------------------------------
 */

struct counter {
    struct accd_app *app;
    struct acc_unlisted *item;
};

static void count(void *ctx, const char *cid)
{
    struct counter *counter = ctx;
    struct accd_container container;

    if (accd_inspector_get(accd_docker_stream_inspector(counter->app->stream), cid, &container) &&
        strcmp(container.obs->project, counter->item->name) == 0) {
        counter->item->n_containers++;
        counter->item->n_running += container.obs->state == ACC_CTR_RUNNING ||
                                    container.obs->state == ACC_CTR_PAUSED;
    }
}

/* Of two stacks of one name it is the same. */
static bool is_told_before(const struct accd_app *app, size_t at)
{
    const struct acc_unloaded *item = app->loaded.unloaded;

    for (size_t i = 0; i < at; i++) {
        if (strcmp(item[i].stack, item[at].stack) == 0 &&
            strcmp(item[i].problem, item[at].problem) == 0) {
            return true;
        }
    }
    return false;
}

/* Behind the last of the list; how many containers there are. */
static uint32_t add(struct accd_app *app, const struct acc_unlisted_list *list, const char *name)
{
    struct acc_unlisted *item = &app->unlisted[list->n];
    struct counter counter = {.app = app, .item = item};

    *item = (struct acc_unlisted){.name = name};
    accd_inspector_each(accd_docker_stream_inspector(app->stream), count, &counter);
    return item->n_containers;
}

static void drop_left(struct accd_app *app)
{
    while (app->n_left > 0) {
        free(app->left[--app->n_left]);
    }
    free(app->left);
    app->left = NULL;
}

/* Services of stacks that have their files. Each time anew: whoever stops one tells accd nothing.
 */
static void find_left(struct accd_app *app)
{
    struct accd_orphans orphans = {0};

    drop_left(app);
    if (accd_orphans_find(accd_docker_stream_inspector(app->stream), &app->departed, app->engine,
                          app->loaded.model, &orphans) < 0) {
        return;
    }
    app->left = calloc(orphans.n + 1, sizeof(*app->left));
    for (uint32_t i = 0; app->left && i < orphans.n; i++) {
        char id[2 * ACC_NAME_MAX + 2];

        (void)snprintf(id, sizeof(id), "%s/%s", orphans.item[i].stack, orphans.item[i].service);
        app->left[app->n_left] = orphans.is_running[i] ? strdup(id) : NULL;
        app->n_left += app->left[app->n_left] != NULL;
    }
    accd_orphans_fini(&orphans);
}

void accd_app_left_look(struct accd_app *app)
{
    if (app->is_left_told || !acc_engine_has_snapshot(app->engine)) {
        return;
    }
    app->is_left_told = true;
    find_left(app);
    for (size_t i = 0; i < app->n_left; i++) {
        accd_log(ACCD_LOG_WARNING,
                 "%s left its file while no accd ran, and its container runs still: what took its "
                 "place in the files runs beside it; accctl apply stops it",
                 app->left[i]);
    }
}

void accd_app_unlisted(void *ctx, struct acc_unlisted_list *ret_list)
{
    struct accd_app *app = ctx;
    size_t n = app->departed.n + app->loaded.n_unloaded + 1;
    void *room = reallocarray(app->unlisted, n, sizeof(*app->unlisted));

    *ret_list = (struct acc_unlisted_list){0};
    if (!room) {
        return;
    }
    app->unlisted = room;
    for (size_t i = 0; i < app->loaded.n_unloaded; i++) {
        const struct acc_unloaded *unloaded = &app->loaded.unloaded[i];

        if (is_told_before(app, i)) {
            continue;
        }
        (void)add(app, ret_list, unloaded->stack);
        app->unlisted[ret_list->n].problem = unloaded->problem;
        app->unlisted[ret_list->n++].n_errors = unloaded->n_errors;
    }
    for (size_t i = 0; i < app->departed.n; i++) {
        if (accd_departed_is_unlisted(&app->departed, app->engine, i) &&
            !find_unloaded(app, app->departed.item[i].name)) {
            /* of one that is gone there is nothing to do */
            ret_list->n += add(app, ret_list, app->departed.item[i].name) > 0;
        }
    }
    find_left(app);
    ret_list->left = app->left;
    ret_list->n_left = app->n_left;
    ret_list->item = app->unlisted;
    ret_list->pattern = app->unmatched;
    ret_list->n_patterns = app->n_unmatched;
}

void accd_app_unlisted_fini(struct accd_app *app)
{
    drop_patterns(app);
    drop_left(app);
    free(app->unlisted);
    accd_departed_fini(&app->departed);
}
