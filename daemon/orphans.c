#include "daemon/orphans.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct finder {
    struct accd_inspector *inspector;
    const struct accd_departed *departed;
    const struct acc_engine *engine;
    const struct acc_model *model;
    struct accd_orphans found;
    bool is_nomem;
};

static bool is_managed(const struct acc_engine *engine, const char *project)
{
    uint32_t at = acc_engine_find_stack(engine, project);

    return at != ACC_NONE && !acc_engine_stack_observing(engine, at);
}

/* Also a stack whose files didn't load when accd was started, and that comes back with these. */
static bool is_ours(const struct finder *finder, const char *project)
{
    return is_managed(finder->engine, project) ||
           (acc_engine_find_stack(finder->engine, project) == ACC_NONE &&
            accd_departed_has(finder->departed, project) &&
            !accd_departed_has_left(finder->departed, project));
}

static bool has(const char *const *names, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_in_stack(const struct acc_stack *stack, const char *service)
{
    for (size_t i = 0; i < stack->n_services; i++) {
        if (strcmp(stack->services[i].name, service) == 0) {
            return true;
        }
    }
    return has(stack->disabled, stack->n_disabled, service);
}

static bool is_orphan(const struct finder *finder, const struct acc_obs *obs)
{
    uint32_t stack = acc_model_find_stack(finder->model, obs->project);
    uint32_t svc, slot;

    return stack != ACC_NONE && obs->service[0] && obs->number > 0 && !obs->oneoff &&
           obs->state != ACC_CTR_REMOVING && is_ours(finder, obs->project) &&
           !is_in_stack(finder->model->stacks[stack], obs->service) &&
           !acc_engine_find_container(finder->engine, obs->cid, &svc, &slot);
}

static struct acc_orphan *item_of(struct accd_orphans *found, const struct acc_obs *obs)
{
    for (uint32_t i = 0; i < found->n; i++) {
        if (strcmp(found->item[i].stack, obs->project) == 0 &&
            strcmp(found->item[i].service, obs->service) == 0) {
            return &found->item[i];
        }
    }
    struct acc_orphan *more = reallocarray(found->item, found->n + 1, sizeof(*more));

    found->item = more ? more : found->item;
    bool *flags = more ? reallocarray(found->is_running, found->n + 1, sizeof(*flags)) : NULL;

    if (!flags) {
        return NULL;
    }
    found->is_running = flags;
    found->is_running[found->n] = false;
    found->item[found->n] = (struct acc_orphan){strdup(obs->project), strdup(obs->service), 0};
    return &found->item[found->n++];
}

static void add(struct finder *finder, const struct acc_obs *obs)
{
    struct accd_orphans *found = &finder->found;
    struct acc_orphan *item = item_of(found, obs);
    const struct acc_obs **more = reallocarray(found->obs, found->n_obs + 1,
                                               sizeof(struct acc_obs *));

    found->obs = more ? more : found->obs;
    if (!item || !item->stack || !item->service || !more) {
        finder->is_nomem = true;
        return;
    }
    found->obs[found->n_obs++] = obs;
    item->n++;
    found->is_running[item - found->item] |= obs->state == ACC_CTR_RUNNING ||
                                             obs->state == ACC_CTR_PAUSED ||
                                             obs->state == ACC_CTR_RESTARTING;
}

static void look_at(void *ctx, const char *cid)
{
    struct finder *finder = ctx;
    struct accd_container container;

    if (accd_inspector_get(finder->inspector, cid, &container) &&
        is_orphan(finder, container.obs)) {
        add(finder, container.obs);
    }
}

int accd_orphans_find(struct accd_inspector *inspector, const struct accd_departed *departed,
                      const struct acc_engine *engine, const struct acc_model *model,
                      struct accd_orphans *ret_orphans)
{
    struct finder finder = {
        .inspector = inspector, .departed = departed, .engine = engine, .model = model};

    accd_inspector_each(inspector, look_at, &finder);
    if (finder.is_nomem) {
        accd_orphans_fini(&finder.found);
        return -ENOMEM;
    }
    *ret_orphans = finder.found;
    return 0;
}

static bool is_declared(const struct acc_model *model, enum acc_resource_kind kind,
                        const char *name)
{
    for (size_t i = 0; i < model->n_stacks; i++) { /* one may use what another has made */
        const struct acc_stack *stack = model->stacks[i];

        if (kind == ACC_RES_NETWORK
                ? has(stack->declared_networks, stack->n_declared_networks, name)
                : has(stack->declared_volumes, stack->n_declared_volumes, name)) {
            return true;
        }
    }
    return false;
}

enum accd_leftover accd_orphans_resource(const struct accd_departed *departed,
                                         const struct acc_engine *engine,
                                         const struct acc_model *model, enum acc_resource_kind kind,
                                         const struct acc_docker_name_item *item,
                                         bool has_container)
{
    if (is_declared(model, kind, item->name)) {
        return ACCD_LEFTOVER_NO;
    }
    if (acc_engine_find_stack(engine, item->project) != ACC_NONE) {
        return is_managed(engine, item->project) ? ACCD_LEFTOVER_YES : ACCD_LEFTOVER_NO;
    }
    if (acc_model_find_stack(model, item->project) != ACC_NONE ||
        !accd_departed_has_left(departed, item->project)) {
        return ACCD_LEFTOVER_NO;
    }
    return has_container ? ACCD_LEFTOVER_HELD : ACCD_LEFTOVER_YES;
}

void accd_orphans_fini(struct accd_orphans *orphans)
{
    for (uint32_t i = 0; i < orphans->n; i++) {
        union {
            const char *in;
            char *out; /* ours, whatever the engine may do with them */
        } stack = {orphans->item[i].stack}, service = {orphans->item[i].service};

        free(stack.out);
        free(service.out);
    }
    free(orphans->item);
    free(orphans->is_running);
    free(orphans->obs);
    *orphans = (struct accd_orphans){0};
}
