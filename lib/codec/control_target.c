#include "lib/codec/control_target.h"

#include <stdio.h>
#include <string.h>

static enum acc_ctl_parsed no_such(struct acc_ctl_error *error, const char *name,
                                   const char *nearest)
{
    acc_ctl_error_set(error, ACC_CTL_E_NO_SUCH_SERVICE, "name", "%s", name);
    if (nearest) {
        error->key2 = "nearest";
        (void)snprintf(error->value2, sizeof(error->value2), "%s", nearest);
    }
    return ACC_CTL_WRONG;
}

static enum acc_ctl_parsed ambiguous(const struct acc_engine *engine, struct acc_ctl_error *error,
                                     const char *name)
{
    size_t n = acc_engine_n_services(engine);
    size_t len = 0;

    acc_ctl_error_set(error, ACC_CTL_E_AMBIGUOUS, "name", "%s", name);
    error->key2 = "candidates";
    error->is_list2 = true;
    for (uint32_t i = 0; i < n; i++) {
        struct acc_service_view service;
        size_t id_len;

        acc_engine_service(engine, i, 0, &service);
        id_len = strlen(service.id);
        if (strcmp(service.name, name) == 0 && len + id_len + 2 < sizeof(error->value2)) {
            memcpy(error->value2 + len, service.id, id_len);
            len += id_len;
            error->value2[len++] = '\n';
            error->value2[len] = '\0';
        }
    }
    return ACC_CTL_WRONG;
}

static enum acc_ctl_parsed select_one(const struct acc_engine *engine,
                                      const struct acc_ctl_request *request, const char *target,
                                      struct acc_ctl_targets *targets, bool *ret_is_stack,
                                      struct acc_ctl_error *error)
{
    const char *nearest = NULL;

    switch (acc_engine_select(engine, target, request->phase, targets->selected, ret_is_stack,
                              &nearest)) {
    case ACC_SELECT_OK:
        return ACC_CTL_PARSED;
    case ACC_SELECT_UNKNOWN:
        return no_such(error, target, nearest);
    case ACC_SELECT_AMBIGUOUS:
        return ambiguous(engine, error, target);
    }
    return ACC_CTL_WRONG;
}

static bool is_empty(const struct acc_engine *engine, const struct acc_ctl_targets *targets)
{
    return !memchr(targets->selected, 1, acc_engine_n_services(engine));
}

static enum acc_ctl_parsed no_phase(struct acc_ctl_error *error, const char *phase,
                                    bool is_any_service)
{
    acc_ctl_error_set_parameter(error, "phase",
                                is_any_service ? "no service is in phase %.200s"
                                               : "none of these services is in phase %.200s",
                                phase);
    return ACC_CTL_WRONG;
}

/* An image is that of one service; put into all of a stack it would take the others down. */
static enum acc_ctl_parsed refuse_image_of_several(const struct acc_engine *engine,
                                                   const struct acc_ctl_targets *targets,
                                                   struct acc_ctl_error *error)
{
    size_t n = acc_engine_n_services(engine);
    unsigned n_selected = 0;

    for (uint32_t i = 0; i < n; i++) {
        n_selected += targets->selected[i];
    }
    if (n_selected == 1) {
        return ACC_CTL_PARSED;
    }
    acc_ctl_error_set_parameter(error, "image",
                                "--image is for one service, and this would be for %u; name it: "
                                "accctl upgrade SERVICE --image REF",
                                n_selected);
    return ACC_CTL_WRONG;
}

enum acc_ctl_parsed acc_ctl_select(const struct acc_engine *engine,
                                   const struct acc_ctl_request *request,
                                   struct acc_ctl_targets *ret_targets,
                                   struct acc_ctl_error *reterr_error)
{
    bool all_are_stacks = true, is_stack = false;

    ret_targets->is_all = request->n_targets == 0;
    if (ret_targets->is_all && !request->phase) {
        memset(ret_targets->selected, 1, acc_engine_n_services(engine));
    } else if (ret_targets->is_all && select_one(engine, request, "", ret_targets, &is_stack,
                                                 reterr_error) == ACC_CTL_WRONG) {
        return no_phase(reterr_error, request->phase, true);
    }
    for (size_t i = 0; i < request->n_targets; i++) {
        is_stack = false;
        if (select_one(engine, request, request->targets[i], ret_targets, &is_stack,
                       reterr_error) == ACC_CTL_WRONG) {
            return ACC_CTL_WRONG;
        }
        all_are_stacks &= is_stack;
    }
    ret_targets->is_stack = request->n_targets == 1 && all_are_stacks;
    ret_targets->whole_stacks = all_are_stacks && !request->phase;
    if (request->phase && is_empty(engine, ret_targets)) {
        return no_phase(reterr_error, request->phase, ret_targets->is_all);
    }
    return request->image ? refuse_image_of_several(engine, ret_targets, reterr_error)
                          : ACC_CTL_PARSED;
}

/* Verbs that a missing target may turn into more than was meant. */
static bool takes_down(enum acc_verb verb)
{
    switch (verb) {
    case ACC_VERB_STOP:
    case ACC_VERB_DOWN:
    case ACC_VERB_RESTART:
    case ACC_VERB_RELEASE:
    case ACC_VERB_HAND_BACK:
    case ACC_VERB_UPGRADE:
    case ACC_VERB_ROLLBACK:
    case ACC_VERB_HOLD:
        return true;
    case ACC_VERB_UP:
    case ACC_VERB_START:
    case ACC_VERB_ADOPT:
    case ACC_VERB_MAINTENANCE:
        return false;
    }
    return true;
}

static bool touches_observed(enum acc_verb verb)
{
    return verb == ACC_VERB_STOP || verb == ACC_VERB_DOWN || verb == ACC_VERB_RESTART ||
           verb == ACC_VERB_RELEASE || verb == ACC_VERB_UPGRADE || verb == ACC_VERB_ROLLBACK ||
           verb == ACC_VERB_HOLD;
}

bool acc_ctl_is_maintained(const struct acc_engine *engine, struct acc_ctl_error *reterr_error)
{
    struct acc_hold_record hold;

    acc_engine_maintenance(engine, 0, &hold);
    if (hold.kind == ACC_HOLD_NONE) {
        return false;
    }
    acc_ctl_error_set(reterr_error, ACC_CTL_E_REFUSED, "reason",
                      "nothing is changed during maintenance (%s%s%s); end it first: accctl "
                      "maintenance off",
                      hold.by, hold.reason[0] ? ": " : "", hold.reason);
    return true;
}

static bool obeys_maintenance(enum acc_verb verb)
{
    return verb != ACC_VERB_HOLD && verb != ACC_VERB_RELEASE && verb != ACC_VERB_MAINTENANCE;
}

static enum acc_ctl_parsed refuse_observed(const struct acc_engine *engine,
                                           const struct acc_ctl_targets *targets,
                                           struct acc_ctl_error *error)
{
    size_t n = acc_engine_n_services(engine);

    for (uint32_t i = 0; i < n; i++) {
        struct acc_service_view service;

        if (!targets->selected[i]) {
            continue;
        }
        acc_engine_service(engine, i, 0, &service);
        if (service.observing) {
            acc_ctl_error_set(error, ACC_CTL_E_REFUSED, "reason",
                              "stack %s is only observed, its containers are left alone; take it "
                              "over first: accctl adopt %s",
                              service.stack, service.stack);
            return ACC_CTL_WRONG;
        }
    }
    return ACC_CTL_PARSED;
}

static bool starts(enum acc_verb verb)
{
    return verb == ACC_VERB_UP || verb == ACC_VERB_START || verb == ACC_VERB_RESTART ||
           verb == ACC_VERB_ADOPT || verb == ACC_VERB_UPGRADE || verb == ACC_VERB_ROLLBACK;
}

static bool has_left(const struct acc_engine *engine, const char *stack)
{
    size_t n = acc_engine_n_services(engine);

    for (uint32_t i = 0; i < n; i++) {
        struct acc_service_view service;

        acc_engine_service(engine, i, 0, &service);
        if (!service.removed && strcmp(service.stack, stack) == 0) {
            return false;
        }
    }
    return true;
}

static void refuse_removed(const struct acc_engine *engine, const struct acc_service_view *service,
                           struct acc_ctl_error *error)
{
    if (has_left(engine, service->stack)) {
        acc_ctl_error_set(error, ACC_CTL_E_REFUSED, "reason",
                          "stack %s has left the files; add it to acc.yaml again, then: accctl "
                          "apply; or start it with docker compose, and it is left to you",
                          service->stack);
    } else {
        acc_ctl_error_set(error, ACC_CTL_E_REFUSED, "reason",
                          "%s is in no file any more; put it back, then: accctl apply",
                          service->id);
    }
}

/* The service itself, and not its stack or all. */
static bool is_named(const struct acc_ctl_request *request, const struct acc_service_view *service)
{
    for (size_t i = 0; i < request->n_targets; i++) {
        if (strcmp(request->targets[i], service->id) == 0 ||
            strcmp(request->targets[i], service->name) == 0) {
            return true;
        }
    }
    return false;
}

/* What has left the files isn't started. It is taken out, and refused who means nothing else. */
static enum acc_ctl_parsed drop_removed(const struct acc_engine *engine,
                                        const struct acc_ctl_request *request,
                                        struct acc_ctl_targets *targets,
                                        struct acc_ctl_error *error)
{
    size_t n = acc_engine_n_services(engine);

    for (uint32_t i = 0; i < n; i++) {
        struct acc_service_view service;

        acc_engine_service(engine, i, 0, &service);
        if (!targets->selected[i] || !service.removed) {
            continue;
        }
        targets->selected[i] = 0;
        if (is_named(request, &service) || (!targets->is_all && is_empty(engine, targets))) {
            refuse_removed(engine, &service, error);
            return ACC_CTL_WRONG;
        }
    }
    return ACC_CTL_PARSED;
}

/* Takes out those that are observed, or those that aren't. True: any is left, or none was there. */
static bool keep(const struct acc_engine *engine, bool is_observed, struct acc_ctl_targets *targets)
{
    size_t n = acc_engine_n_services(engine);
    bool any = false, any_left = false;

    for (uint32_t i = 0; i < n; i++) {
        struct acc_service_view service;

        acc_engine_service(engine, i, 0, &service);
        any |= targets->selected[i];
        targets->selected[i] = targets->selected[i] && service.observing == is_observed;
        any_left |= targets->selected[i];
    }
    return any_left || !any;
}

/* Of all, which does the verb mean? */
static enum acc_ctl_parsed narrow(const struct acc_engine *engine, enum acc_verb verb,
                                  struct acc_ctl_targets *targets, struct acc_ctl_error *error)
{
    if (!targets->is_all || !acc_engine_has_snapshot(engine)) {
        return ACC_CTL_PARSED;
    }
    if (verb == ACC_VERB_ADOPT) {
        (void)keep(engine, true, targets);
    } else if (verb == ACC_VERB_UP || verb == ACC_VERB_START) {
        targets->leaves_observed = true;
        if (!keep(engine, false, targets)) {
            acc_ctl_error_set(error, ACC_CTL_E_REFUSED, "reason",
                              "all of this is only observed and is left alone until it is taken "
                              "over: accctl adopt, or accctl up with the name of a stack or "
                              "service");
            return ACC_CTL_WRONG;
        }
    }
    return ACC_CTL_PARSED;
}

static bool names_a_root(const struct acc_ctl_request *request)
{
    for (size_t i = 0; i < request->n_targets; i++) {
        if (acc_root_is_path(request->targets[i])) {
            return true;
        }
    }
    return false;
}

enum acc_ctl_parsed acc_ctl_select_verb(const struct acc_engine *engine,
                                        const struct acc_ctl_request *request, enum acc_verb verb,
                                        struct acc_ctl_targets *ret_targets,
                                        struct acc_ctl_error *reterr_error)
{
    if (request->all && (request->n_targets > 0 || request->phase)) {
        acc_ctl_error_set_parameter(reterr_error, "all", "either all, or targets or a phase");
        return ACC_CTL_WRONG;
    }
    if (takes_down(verb) && !request->dry_run && !request->all && request->n_targets == 0 &&
        !request->phase) {
        acc_ctl_error_set_parameter(reterr_error, "targets",
                                    "%s without a name would be for all there is; name a service, "
                                    "a stack or a phase, or ask "
                                    "for all: accctl %s --all",
                                    acc_verb_name(verb), acc_verb_name(verb));
        return ACC_CTL_WRONG;
    }
    if (names_a_root(request) && (verb != ACC_VERB_RELEASE || request->n_targets > 1)) {
        acc_ctl_error_set_parameter(reterr_error, "targets",
                                    "host:PATH is for release, and by itself; name a service");
        return ACC_CTL_WRONG;
    }
    if (acc_ctl_select(engine, request, ret_targets, reterr_error) == ACC_CTL_WRONG ||
        (!request->dry_run && obeys_maintenance(verb) &&
         acc_ctl_is_maintained(engine, reterr_error))) {
        return ACC_CTL_WRONG;
    }
    if (starts(verb) && drop_removed(engine, request, ret_targets, reterr_error) == ACC_CTL_WRONG) {
        return ACC_CTL_WRONG;
    }
    if (touches_observed(verb)) {
        return refuse_observed(engine, ret_targets, reterr_error);
    }
    return narrow(engine, verb, ret_targets, reterr_error);
}

/* --- what there would be ---------------------------------------------------------------------- */

static bool is_called(const struct acc_stack *stack, const char *service, const char *target)
{
    size_t len = strlen(stack->name);

    return strcmp(service, target) == 0 ||
           (strncmp(target, stack->name, len) == 0 && target[len] == '/' &&
            strcmp(target + len + 1, service) == 0);
}

static void say_profile(const struct acc_stack *stack, size_t i, struct acc_ctl_error *error)
{
    const char *profile = stack->disabled_profiles[i];
    bool has_env_file = stack->n_env_files > 0;

    error->key2 = "reason";
    (void)snprintf(error->value2, sizeof(error->value2),
                   "it is of profile %.64s, which isn't enabled; put COMPOSE_PROFILES=%.64s into "
                   "%.255s%s (several: a,b), then: accctl apply",
                   profile, profile, has_env_file ? stack->env_files[0] : stack->dir,
                   has_env_file ? "" : "/.env");
}

void acc_ctl_explain_missing(const struct acc_model *model, struct acc_ctl_error *error)
{
    if (strcmp(error->name, ACC_CTL_E_NO_SUCH_SERVICE) != 0) {
        return;
    }
    for (size_t k = 0; k < model->n_stacks; k++) {
        const struct acc_stack *stack = model->stacks[k];

        for (size_t i = 0; i < stack->n_disabled; i++) {
            if (is_called(stack, stack->disabled[i], error->value)) {
                say_profile(stack, i, error);
                return;
            }
        }
    }
}
