#include "lib/model/spec.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/str.h"

#define SECOND 1000ull
#define MINUTE (60ull * SECOND)
#define HOUR   (60ull * MINUTE)

const char *acc_edge_kind_name(enum acc_edge_kind kind)
{
    static const char *const names[] = {"binds", "needs", "milestone",
                                        "wants", "after", "conflicts"};

    static_assert(ACC_ARRAY_LEN(names) == ACC_EDGE_KIND_COUNT, "one name per kind");
    return names[kind];
}

const char *acc_restart_policy_name(enum acc_restart_policy policy)
{
    static const char *const names[] = {"", "no", "always", "unless-stopped", "on-failure"};

    return names[policy];
}

void acc_timing_default(struct acc_timing *ret_timing)
{
    *ret_timing = (struct acc_timing){
        .backoff_base = 1 * SECOND, /* KEP-4603: 10 s felt slow, Docker's 100 ms makes storms */
        .backoff_cap = 5 * MINUTE,  /* kubelet's cap */
        .reset_min = 60 * SECOND,   /* Docker's 10 s lets an 11-second crasher loop for ever */
        .reset_max = 10 * MINUTE,
        .config_base = 30 * SECOND, /* retrying faster cannot help */
        .config_cap = 10 * MINUTE,
        .start_base = 2 * SECOND, /* boot races heal themselves (moby#39559) */
        .start_cap = 60 * SECOND,
        .budget_window = 10 * MINUTE, /* between systemd's 5 in 10 s and Nomad's 2 in 30 min */
        .budget = 5,
        .give_up_after = 0, /* a homelab wants eventual recovery */
        .open = 5 * MINUTE,
        .open_cap = 1 * HOUR,
        .half_open_ready = 30 * SECOND,
        .degraded_grace_min = 20 * SECOND, /* lets proxies drain */
        .start_deadline_min = 5 * MINUTE,  /* Nomad's healthy_deadline */
        .ready_stable_after_flap = 10 * SECOND,
        .flap_window = 5 * MINUTE,
        .recovery_grace_min = 60 * SECOND,
        .attribution_window = 5 * SECOND,
        .incident_notify = 10 * SECOND,
        .incident_close = 60 * SECOND,
        .external_stop_settle = 15 *
                                SECOND, /* an engine that goes down needs up to 11 s to say so */
        .probe_first = 50,
        .probe_cap = 5 * SECOND,
        .probe_confirm = 10 * SECOND, /* pg_isready passes on initdb's temporary server, which
                                         lives for seconds on a busy disk */
        .listen_giveup = 10 * SECOND,
        .run_min = 2 * SECOND,
        .resync = 60 * SECOND,
        .boot_grace = 60 * SECOND,
        .upgrade_timeout = 5 * MINUTE, /* Nomad's healthy_deadline */
        .upgrade_stable = 10 * SECOND, /* Nomad's min_healthy_time */
        .upgrade_settle = 3 * SECOND,  /* Traefik: 2 s between two configurations, and a list */
        .upgrade_drain = 10 * SECOND,  /* longer than most requests */
        .upgrade_monitor = 10 * MINUTE,
        .upgrade_pause = 15 * MINUTE,
        .pull_retry = 2 * SECOND,
        .pull_retry_cap = 60 * SECOND, /* registries count in minutes */
        .auto_spread = 5 * MINUTE, /* not all hosts ask the registries at three o'clock sharp */
        .starts_in_flight = 0,
        .pulls_in_flight = 3,
        .rollouts_in_flight = 3, /* memory for three more; 70 services take 10 min all the same */
    };
}

/* clang-format off */
static const struct {
    const char *name;
    size_t offset;
    bool is_count;
} timing_fields[] = {
#define TIME(field)  {#field, offsetof(struct acc_timing, field), false}
#define COUNT(field) {#field, offsetof(struct acc_timing, field), true}
    TIME(backoff_base), TIME(backoff_cap), TIME(reset_min), TIME(reset_max), TIME(config_base),
    TIME(config_cap), TIME(start_base), TIME(start_cap), TIME(budget_window), COUNT(budget),
    COUNT(give_up_after), TIME(open), TIME(open_cap), TIME(half_open_ready),
    TIME(degraded_grace_min), TIME(start_deadline_min), TIME(ready_stable_after_flap),
    TIME(flap_window), TIME(recovery_grace_min), TIME(attribution_window), TIME(incident_notify),
    TIME(incident_close), TIME(external_stop_settle), TIME(probe_first), TIME(probe_cap),
    TIME(probe_confirm), TIME(listen_giveup), TIME(run_min), TIME(resync), TIME(boot_grace),
    TIME(upgrade_timeout), TIME(upgrade_stable), TIME(upgrade_settle), TIME(upgrade_drain),
    TIME(upgrade_monitor),
    TIME(upgrade_pause), TIME(pull_retry), TIME(pull_retry_cap), TIME(auto_spread),
    COUNT(starts_in_flight), COUNT(pulls_in_flight), COUNT(rollouts_in_flight),
    /* the short names of DESIGN.md 4.3 */
    {"recovery_grace", offsetof(struct acc_timing, recovery_grace_min), false},
    {"degraded_grace", offsetof(struct acc_timing, degraded_grace_min), false},
    {"start_deadline", offsetof(struct acc_timing, start_deadline_min), false},
#undef TIME
#undef COUNT
};
/* clang-format on */

void *acc_timing_field(struct acc_timing *timing, const char *key, bool *ret_is_count)
{
    for (size_t i = 0; i < ACC_ARRAY_LEN(timing_fields); i++) {
        if (strcmp(timing_fields[i].name, key) == 0) {
            *ret_is_count = timing_fields[i].is_count;
            return (char *)timing + timing_fields[i].offset;
        }
    }
    return NULL;
}

const char *acc_timing_key(size_t i)
{
    return i < ACC_ARRAY_LEN(timing_fields) ? timing_fields[i].name : NULL;
}

const char *acc_timing_nearest(const char *key)
{
    const char *names[ACC_ARRAY_LEN(timing_fields)];

    for (size_t i = 0; i < ACC_ARRAY_LEN(timing_fields); i++) {
        names[i] = timing_fields[i].name;
    }
    return acc_nearest(key, names, ACC_ARRAY_LEN(names));
}

bool acc_service_image_is_here(const struct acc_service_spec *service)
{
    return service->pull_policy == ACC_PULL_NEVER || service->pull_policy == ACC_PULL_BUILD ||
           (service->has_build && service->pull_policy == ACC_PULL_MISSING);
}

struct acc_stack *acc_stack_destroy(struct acc_stack *stack)
{
    if (stack) {
        /* The stack itself lies in its arena. */
        acc_arena_destroy(stack->arena);
    }
    return NULL;
}

struct acc_model *acc_model_destroy(struct acc_model *model)
{
    if (!model) {
        return NULL;
    }
    for (size_t i = 0; i < model->n_stacks; i++) {
        acc_stack_destroy(model->stacks[i]);
    }
    free(model->stacks);
    free(model->services);
    free(model->service_stack);
    free(model->resources);
    free(model->resource_base);
    free(model->order);
    free(model->layer);
    free(model->conditions);
    free(model->tokens);
    free(model->phases);
    free(model->phase_names);
    free(model);
    return NULL;
}

uint32_t acc_model_find(const struct acc_model *model, const char *name, bool *ret_ambiguous)
{
    uint32_t found = ACC_NONE;

    *ret_ambiguous = false;
    for (uint32_t i = 0; i < model->n_services; i++) {
        if (strcmp(model->services[i]->id, name) == 0) {
            *ret_ambiguous = false;
            return i;
        }
        if (strcmp(model->services[i]->name, name) == 0) {
            *ret_ambiguous = found != ACC_NONE;
            found = i;
        }
    }
    return *ret_ambiguous ? ACC_NONE : found;
}

uint32_t acc_model_find_stack(const struct acc_model *model, const char *name)
{
    for (uint32_t k = 0; k < model->n_stacks; k++) {
        if (strcmp(model->stacks[k]->name, name) == 0) {
            return k;
        }
    }
    return ACC_NONE;
}
