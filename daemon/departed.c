#include "daemon/departed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t find(const struct accd_departed *departed, const char *stack)
{
    size_t at = 0;

    while (at < departed->n && strcmp(departed->stack[at].name, stack) != 0) {
        at++;
    }
    return at;
}

void accd_departed_add(void *ctx, const char *stack, bool is_wanted)
{
    struct accd_departed *departed = ctx;

    if (find(departed, stack) < departed->n) {
        return;
    }
    void *more = reallocarray(departed->stack, departed->n + 1, sizeof(*departed->stack));

    if (more) {
        struct accd_departed_stack *last;

        departed->stack = more;
        last = &departed->stack[departed->n++];
        *last = (struct accd_departed_stack){.is_wanted = is_wanted};
        (void)snprintf(last->name, sizeof(last->name), "%s", stack);
    }
}

static void drop(struct accd_departed *departed, const char *stack)
{
    size_t at = find(departed, stack);

    if (at < departed->n) {
        departed->stack[at] = departed->stack[--departed->n];
    }
}

/* It is stopped when it leaves now. */
static void leave(struct accd_departed *departed, const char *stack)
{
    size_t at = find(departed, stack);

    if (at < departed->n) {
        departed->stack[at].is_wanted = false;
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
            leave(departed, view.stack);
        }
    }
}

static bool has_policy(const struct acc_obs *obs)
{
    return obs->restart != ACC_RESTART_NO && obs->restart != ACC_RESTART_UNSET;
}

bool accd_departed_taken_over(struct accd_departed *departed, const struct acc_engine *engine,
                              const struct acc_obs *obs)
{
    size_t at = find(departed, obs->project);

    if (at == departed->n || obs->state != ACC_CTR_RUNNING ||
        (departed->stack[at].is_wanted && !has_policy(obs)) ||
        acc_engine_find_stack(engine, obs->project) != ACC_NONE) {
        return false;
    }
    drop(departed, obs->project);
    return true;
}

bool accd_departed_runs_on(struct accd_departed *departed, const struct acc_engine *engine,
                           const struct acc_obs *obs)
{
    size_t at = find(departed, obs->project);

    if (at == departed->n || obs->state != ACC_CTR_RUNNING || departed->stack[at].is_told ||
        acc_engine_find_stack(engine, obs->project) != ACC_NONE) {
        return false;
    }
    departed->stack[at].is_told = true;
    return true;
}

size_t accd_departed_missing(const struct accd_departed *departed, const struct acc_engine *engine,
                             const char **ret_name)
{
    size_t n = 0;

    *ret_name = NULL;
    for (size_t at = 0; at < departed->n; at++) {
        const struct accd_departed_stack *stack = &departed->stack[at];

        if (stack->is_wanted && acc_engine_find_stack(engine, stack->name) == ACC_NONE) {
            *ret_name = *ret_name ? *ret_name : stack->name;
            n++;
        }
    }
    return n;
}

bool accd_departed_has(const struct accd_departed *departed, const char *stack)
{
    return find(departed, stack) < departed->n;
}

void accd_departed_fini(struct accd_departed *departed)
{
    free(departed->stack);
    *departed = (struct accd_departed){0};
}
