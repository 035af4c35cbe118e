#include "daemon/departed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t find(const struct accd_departed *departed, const char *stack)
{
    size_t at = 0;

    while (at < departed->n && strcmp(departed->item[at].name, stack) != 0) {
        at++;
    }
    return at;
}

void accd_departed_add(void *ctx, const char *stack, bool has_left)
{
    struct accd_departed *departed = ctx;

    if (find(departed, stack) < departed->n) {
        return;
    }
    void *more = reallocarray(departed->item, departed->n + 1, sizeof(*departed->item));

    if (more) {
        departed->item = more;
        struct accd_departed_stack *item = &departed->item[departed->n++];

        (void)snprintf(item->name, sizeof(item->name), "%s", stack);
        item->has_left = has_left;
    }
}

static void drop(struct accd_departed *departed, const char *stack)
{
    size_t at = find(departed, stack);

    if (at < departed->n) {
        departed->item[at] = departed->item[--departed->n];
    }
}

void accd_departed_take(struct accd_departed *departed, const struct acc_engine *engine,
                        uint64_t now_ms)
{
    for (uint32_t svc = 0; svc < acc_engine_n_services(engine); svc++) {
        struct acc_service_view view;

        acc_engine_service(engine, svc, now_ms, &view);
        if (view.observing) {
            drop(departed, view.stack);
        } else if (!view.is_unseen) {
            accd_departed_add(departed, view.stack, false);
        }
    }
}

void accd_departed_move(struct accd_departed *departed, const struct acc_model *old,
                        const struct acc_model *new,
                        void (*on_change)(void *ctx, const struct acc_stack_record *record),
                        void *ctx)
{
    for (size_t i = 0; i < departed->n; i++) {
        struct accd_departed_stack *item = &departed->item[i];
        bool is_in = acc_model_find_stack(new, item->name) != ACC_NONE;
        bool was_in = old && acc_model_find_stack(old, item->name) != ACC_NONE;
        bool has_left = !is_in && (was_in || item->has_left);
        struct acc_stack_record record = {.has_left = has_left};

        if (has_left != item->has_left) {
            item->has_left = has_left;
            memcpy(record.name, item->name, sizeof(record.name));
            on_change(ctx, &record);
        }
    }
}

/* "stack/service" */
static bool is_of(const struct accd_departed *departed, const char *id)
{
    size_t len = strcspn(id, "/");

    for (size_t i = 0; i < departed->n; i++) {
        const char *name = departed->item[i].name;

        if (strlen(name) == len && strncmp(name, id, len) == 0) {
            return true;
        }
    }
    return false;
}

void accd_departed_keep_service(void *ctx, const struct acc_service_record *record)
{
    struct accd_departed *departed = ctx;
    void *more = is_of(departed, record->id)
                     ? reallocarray(departed->service, departed->n_services + 1, sizeof(*record))
                     : NULL;

    if (more) {
        departed->service = more;
        departed->service[departed->n_services++] = *record;
    }
}

void accd_departed_keep_revision(void *ctx, const struct acc_revision_record *record)
{
    struct accd_departed *departed = ctx;
    void *more = is_of(departed, record->id)
                     ? reallocarray(departed->revision, departed->n_revisions + 1, sizeof(*record))
                     : NULL;

    if (more) {
        departed->revision = more;
        departed->revision[departed->n_revisions++] = *record;
    }
}

void accd_departed_give_back(struct accd_departed *departed, struct acc_engine *engine)
{
    size_t n_services = departed->n_services, n_revisions = departed->n_revisions;

    departed->n_services = departed->n_revisions = 0;
    for (size_t i = 0; i < n_services; i++) {
        struct acc_service_record record = departed->service[i];

        if (is_of(departed, record.id) && !acc_engine_restore_service(engine, &record)) {
            departed->service[departed->n_services++] = record;
        }
    }
    for (size_t i = 0; i < n_revisions; i++) {
        struct acc_revision_record record = departed->revision[i];

        if (is_of(departed, record.id) && !acc_engine_restore_revision(engine, &record)) {
            departed->revision[departed->n_revisions++] = record;
        }
    }
    for (size_t i = 0; i < departed->n; i++) {
        struct acc_stack_record record = {0};

        memcpy(record.name, departed->item[i].name, sizeof(record.name));
        (void)acc_engine_restore_stack(engine, &record); /* that it was managed */
    }
}

bool accd_departed_taken_over(struct accd_departed *departed, const struct acc_engine *engine,
                              const struct acc_obs *obs)
{
    size_t at = find(departed, obs->project);

    if (at == departed->n || obs->state != ACC_CTR_RUNNING ||
        acc_engine_find_stack(engine, obs->project) != ACC_NONE ||
        (!departed->item[at].has_left && obs->restart == ACC_RESTART_NO)) {
        return false;
    }
    drop(departed, obs->project);
    return true;
}

bool accd_departed_has(const struct accd_departed *departed, const char *stack)
{
    return find(departed, stack) < departed->n;
}

bool accd_departed_has_left(const struct accd_departed *departed, const char *stack)
{
    size_t at = find(departed, stack);

    return at < departed->n && departed->item[at].has_left;
}

bool accd_departed_is_unlisted(const struct accd_departed *departed,
                               const struct acc_engine *engine, size_t i)
{
    return !departed->item[i].has_left &&
           acc_engine_find_stack(engine, departed->item[i].name) == ACC_NONE;
}

void accd_departed_fini(struct accd_departed *departed)
{
    free(departed->item);
    free(departed->service);
    free(departed->revision);
    *departed = (struct accd_departed){0};
}
