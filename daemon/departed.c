#include "daemon/departed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t find(const struct accd_departed *departed, const char *stack)
{
    size_t at = 0;

    while (at < departed->n && strcmp(departed->name[at], stack) != 0) {
        at++;
    }
    return at;
}

void accd_departed_add(void *ctx, const char *stack)
{
    struct accd_departed *departed = ctx;

    if (find(departed, stack) < departed->n) {
        return;
    }
    void *more = reallocarray(departed->name, departed->n + 1, sizeof(*departed->name));

    if (more) {
        departed->name = more;
        (void)snprintf(departed->name[departed->n++], sizeof(*departed->name), "%s", stack);
    }
}

static void drop(struct accd_departed *departed, const char *stack)
{
    size_t at = find(departed, stack);

    if (at < departed->n) {
        memcpy(departed->name[at], departed->name[--departed->n], sizeof(*departed->name));
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
            accd_departed_add(departed, view.stack);
        }
    }
}

bool accd_departed_taken_over(struct accd_departed *departed, const struct acc_engine *engine,
                              const struct acc_obs *obs)
{
    if (departed->n == 0 || obs->state != ACC_CTR_RUNNING ||
        !accd_departed_has(departed, obs->project) ||
        acc_engine_find_stack(engine, obs->project) != ACC_NONE) {
        return false;
    }
    drop(departed, obs->project);
    return true;
}

bool accd_departed_has(const struct accd_departed *departed, const char *stack)
{
    return find(departed, stack) < departed->n;
}

void accd_departed_fini(struct accd_departed *departed)
{
    free(departed->name);
    *departed = (struct accd_departed){0};
}
