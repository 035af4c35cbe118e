/*
 * Images, networks and volumes: there before the first container that needs them, in each epoch.
 *
 * A service that lacks one asks for it; the resource is looked after once, for all who wait.
 */

#include <stdio.h>
#include <string.h>

#include "lib/engine/internal.h"

/* How long a network is left alone whose call was lost, or refused to go: dockerd may still be at
 * it, and two creations at once make two networks of one name (Docker 20.10). */
#define NETWORK_PAUSE_MS 2000u

static void wake(struct acc_engine *e, uint64_t at_ms)
{
    e->wake_ms = at_ms < e->wake_ms ? at_ms : e->wake_ms;
}

static bool is_there(const struct acc_engine *e, const struct resource *res)
{
    return res->state == RES_THERE && res->epoch == e->epoch;
}

static bool are_there(struct acc_engine *e, struct service *s, bool is_image_known)
{
    bool there = true;

    if (acc_svc_observing(e, s)) {
        return true; /* nothing is touched, so nothing is asked for */
    }
    for (uint32_t k = 0; k < s->n_res; k++) {
        uint32_t at = e->svc_res[s->first_res + k];

        if (!is_there(e, &e->res[at]) && !(is_image_known && e->res[at].kind == ACC_RES_IMAGE)) {
            there = false;
            if (!e->res[at].op) {
                acc_bits_set(&e->res_due[e->res[at].kind], at);
            }
        }
    }
    return there;
}

bool acc_resources_there(struct acc_engine *e, struct service *s)
{
    /* What is made again on the way back is of the image in force, by its id. */
    return are_there(e, s, s->roll.is.step == ACC_ROLL_UNDO && acc_pin_is_set(s));
}

bool acc_resources_there_for_new(struct acc_engine *e, struct service *s)
{
    const struct acc_rollout_record *is = &s->roll.is;

    return are_there(e, s, is->is_upgrade && is->image_id[0]);
}

const struct resource *acc_resource_missing(const struct acc_engine *e, const struct service *s)
{
    for (uint32_t k = 0; k < s->n_res; k++) {
        const struct resource *res = &e->res[e->svc_res[s->first_res + k]];

        if (res->n_failures >= (res->kind == ACC_RES_IMAGE ? 1 : ACC_TOLD_ATTEMPTS)) {
            return res;
        }
    }
    return NULL;
}

void acc_resource_doubt(struct acc_engine *e, struct service *s)
{
    for (uint32_t k = 0; k < s->n_res; k++) {
        struct resource *res = &e->res[e->svc_res[s->first_res + k]];

        if (res->state == RES_THERE) {
            res->state = RES_UNKNOWN;
        }
    }
}

/* --- asking ---------------------------------------------------------------------------------- */

static uint32_t *counter(struct acc_engine *e, const struct resource *res)
{
    switch (res->kind) {
    case ACC_RES_IMAGE:
        return &e->n_pulls;
    case ACC_RES_NETWORK:
        return &e->n_networks;
    case ACC_RES_VOLUME:
        break;
    }
    return &e->n_volumes;
}

static uint32_t limit(const struct acc_engine *e, const struct resource *res)
{
    return res->kind == ACC_RES_IMAGE     ? e->timing.pulls_in_flight
           : res->kind == ACC_RES_NETWORK ? 1
                                          : ACC_VOLUMES_MAX;
}

static void ask(struct acc_engine *e, struct resource *res, enum acc_action_type type)
{
    struct acc_action *action = acc_ask(e, ACC_ACT_JOURNAL, ACC_NONE, NULL);

    res->op = e->next_op++;
    res->state = RES_BUSY;
    res->is_removal = type == ACC_ACT_REMOVE_RESOURCE;
    ++*counter(e, res);
    acc_index_put(&e->by_op, acc_hash_u64(res->op), (uint32_t)(res - e->res) | ACC_OP_OF_RES);
    action->what = type;
    action->op = res->op;
    action->res = (uint32_t)(res - e->res);
    acc_asked(e, action);
    action = acc_ask(e, type, ACC_NONE, NULL);
    action->op = res->op;
    action->res = (uint32_t)(res - e->res);
    acc_asked(e, action);
}

void acc_resource_take(struct acc_engine *e, struct resource *res, const struct resource *from)
{
    if (from->op) {
        res->op = from->op;
        res->is_removal = from->is_removal;
        ++*counter(e, res);
        acc_index_put(&e->by_op, acc_hash_u64(res->op), (uint32_t)(res - e->res) | ACC_OP_OF_RES);
    }
}

/* Those that can't be served now stay due. */
static void ensure_due(struct acc_engine *e, struct acc_bits *due)
{
    for (uint32_t w = 0; w < due->n_words && due->n_set > 0; w++) {
        for (uint64_t bits = due->word[w]; bits; bits &= bits - 1) {
            uint32_t at = w * 64 + (uint32_t)__builtin_ctzll(bits);
            struct resource *res = &e->res[at];

            if (*counter(e, res) >= limit(e, res)) {
                return;
            }
            if (res->op || is_there(e, res)) {
                acc_bits_clear(due, at);
            } else if (e->now < res->retry_ms) {
                wake(e, res->retry_ms);
            } else if (!acc_has_room(e)) {
                wake(e, e->now);
                return;
            } else {
                acc_bits_clear(due, at);
                ask(e, res, ACC_ACT_ENSURE_RESOURCE);
            }
        }
    }
}

/* --- a whole stack was taken down ------------------------------------------------------------ */

static bool is_dropped(const struct stack *stack, const struct resource *res)
{
    return !res->external && ((res->kind == ACC_RES_NETWORK && stack->drop_networks) ||
                              (res->kind == ACC_RES_VOLUME && stack->drop_volumes));
}

static bool wants_up(const struct acc_engine *e, const struct stack *stack)
{
    for (uint32_t v = 0; v < e->n_services; v++) {
        if (&e->stacks[e->services[v].stack] == stack && e->services[v].wanted_up) {
            return true;
        }
    }
    return false;
}

static void stop_cleanup(struct acc_engine *e, struct stack *stack)
{
    stack->drop_networks = stack->drop_volumes = false;
    e->n_cleanups--;
    for (uint32_t v = 0; v < e->n_services; v++) {
        if (&e->stacks[e->services[v].stack] == stack) {
            acc_mark(e, &e->services[v]);
        }
    }
}

void acc_stack_cleanup(struct acc_engine *e, struct stack *stack)
{
    bool busy = false;

    if (wants_up(e, stack)) {
        stop_cleanup(e, stack);
        return;
    }
    if (stack->n_present > 0 || stack->contact == CONTACT_UNKNOWN) {
        return;
    }
    for (uint32_t r = stack->first_res; r < stack->first_res + stack->n_res; r++) {
        struct resource *res = &e->res[r];

        if (!is_dropped(stack, res) || (res->state == RES_UNKNOWN && res->is_removal && !res->op)) {
            continue;
        }
        busy = true;
        if (!res->op && e->now >= res->retry_ms && acc_has_room(e) &&
            *counter(e, res) < limit(e, res)) {
            ask(e, res, ACC_ACT_REMOVE_RESOURCE);
        }
    }
    if (!busy) {
        stop_cleanup(e, stack);
    }
}

bool acc_stack_clean(const struct acc_engine *e, const struct stack *stack)
{
    (void)e;
    return !stack->drop_networks && !stack->drop_volumes;
}

void acc_resource_act(struct acc_engine *e)
{
    if (!acc_may_act(e) || e->maintenance.is.kind != ACC_HOLD_NONE) {
        return;
    }
    for (int k = 0; k < RES_KINDS; k++) {
        ensure_due(e, &e->res_due[k]);
    }
    for (uint32_t k = 0; k < e->n_stacks && e->n_cleanups > 0; k++) {
        if (e->stacks[k].drop_networks || e->stacks[k].drop_volumes) {
            acc_stack_cleanup(e, &e->stacks[k]);
        }
    }
}

/* --- answers --------------------------------------------------------------------------------- */

bool acc_svc_lacks_container(struct acc_engine *e, struct service *s)
{
    acc_each_slot (e, s, i) {
        bool is_useless = i->present && !acc_inst_running(i) &&
                          (i->rejoin || acc_inst_stranded(e, i));

        if (!i->present || is_useless) {
            return s->wanted_up && !i->held && !acc_svc_is_done(s);
        }
    }
    return false;
}

static const char *kind_name(const struct resource *res)
{
    return res->kind == ACC_RES_IMAGE     ? "image"
           : res->kind == ACC_RES_NETWORK ? "network"
                                          : "volume";
}

void acc_resource_lacks(const struct resource *res, char *out, size_t out_size)
{
    (void)snprintf(out, out_size, "Docker can't make the %s %.60s: %.150s", kind_name(res),
                   res->key, res->error);
}

void acc_resource_wanted(struct acc_engine *e, const struct resource *res)
{
    if (!res->op && !is_there(e, res)) {
        acc_bits_set(&e->res_due[res->kind], (uint32_t)(res - e->res));
    }
}

/* An image is a matter of the service that names it. */
static void fail_users(struct acc_engine *e, struct resource *res)
{
    char text[ACC_TEXT_MAX + 1];

    for (uint32_t k = 0; k < res->n_users; k++) {
        struct service *s = &e->services[e->res_svc[res->first_user + k]];

        if (acc_svc_lacks_container(e, s) && !acc_svc_observing(e, s) &&
            e->out->cap - e->out->n >= ACC_ROOM) {
            (void)snprintf(text, sizeof(text), "needs the %s %.60s: %.110s", kind_name(res),
                           res->key, res->error);
            acc_fail_until(e, s, res->retry_ms, text);
        }
    }
}

/* The pause between two attempts is that of the class, kept with the resource. */
static void failed(struct acc_engine *e, struct resource *res, const struct acc_event *event)
{
    bool is_image = res->kind == ACC_RES_IMAGE;
    uint64_t base = is_image ? e->timing.config_base : e->timing.start_base;
    uint64_t cap = is_image ? e->timing.config_cap : e->timing.start_cap;
    uint64_t delay = base;

    for (uint32_t k = 0; k < res->n_failures && delay < cap; k++) {
        delay *= 2;
    }
    res->n_failures++;
    res->state = RES_FAILED;
    res->retry_ms = e->now + acc_jitter(e, delay < cap ? delay : cap);
    acc_copy(res->error, sizeof(res->error), event->op.message);
    if (is_image) {
        fail_users(e, res);
    } else {
        acc_host_became(e, &e->conditions[res->condition], ACC_NO);
    }
}

static bool is_missed(const struct acc_engine *e, const struct resource *res)
{
    const struct condition *c = res->condition == ACC_NONE ? NULL : &e->conditions[res->condition];

    return c && c->is_met == ACC_NO && c->n_wanting > 0;
}

static void mark_users(struct acc_engine *e, const struct resource *res)
{
    for (uint32_t k = 0; k < res->n_users; k++) {
        acc_mark(e, &e->services[e->res_svc[res->first_user + k]]);
    }
}

void acc_resource_done(struct acc_engine *e, struct resource *res, const struct acc_event *event)
{
    struct acc_action *action = acc_ask(e, ACC_ACT_JOURNAL_END, ACC_NONE, NULL);
    enum acc_op_result result = event->op.result;

    action->what = res->is_removal ? ACC_ACT_REMOVE_RESOURCE : ACC_ACT_ENSURE_RESOURCE;
    action->op = res->op;
    action->res = (uint32_t)(res - e->res);
    action->result = result;
    acc_asked(e, action);
    acc_index_remove(&e->by_op, acc_hash_u64(res->op), (uint32_t)(res - e->res) | ACC_OP_OF_RES);
    --*counter(e, res);
    res->op = 0;
    res->state = RES_UNKNOWN;
    if (res->is_removal) {
        if (result == ACC_OP_LOST || result == ACC_OP_FAILED || result == ACC_OP_CONFLICT) {
            res->is_removal = result != ACC_OP_LOST; /* in use by somebody else: it stays */
            res->retry_ms = e->now + NETWORK_PAUSE_MS;
        }
    } else if (result == ACC_OP_OK || result == ACC_OP_NOT_MODIFIED) {
        res->state = RES_THERE;
        res->epoch = e->epoch;
        res->n_failures = 0;
        res->retry_ms = 0;
        if (res->condition != ACC_NONE) {
            acc_host_became(e, &e->conditions[res->condition], ACC_YES);
        }
    } else if (result != ACC_OP_LOST) {
        failed(e, res, event);
    } else if (res->kind == ACC_RES_NETWORK) {
        res->retry_ms = e->now + NETWORK_PAUSE_MS;
    }
    if (is_missed(e, res)) {
        acc_resource_wanted(e, res); /* they are blocked, and don't ask for it */
    }
    mark_users(e, res);
}
