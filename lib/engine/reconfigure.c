/* A new configuration between two steps: new tables, then what is known moves over, then a swap. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/engine/parts.h"

/* What a service knows and is; everything else comes from the new configuration. */
static void move_runtime(struct service *to, struct service *from, uint32_t svc)
{
    struct service config = *to;
    struct service old = *from;

    *to = old;
    to->text = config.text;
    to->id = config.id;
    to->stack_name = config.stack_name;
    to->name = config.name;
    to->phase = config.phase;
    to->tier = config.tier;
    to->image = config.image;
    to->container_name = config.container_name;
    to->stack = config.stack;
    memcpy(to->spec_hash, config.spec_hash, sizeof(to->spec_hash));
    to->n_replicas = config.n_replicas;
    to->restart = config.restart;
    to->restart_max = config.restart_max;
    to->one_shot = config.one_shot;
    to->stateful = config.stateful;
    to->restart_on_unhealthy = config.restart_on_unhealthy;
    to->health_disabled = config.health_disabled;
    to->removed = config.removed;
    to->grace_ms = config.grace_ms;
    to->probe = config.probe;
    to->timing = config.timing;
    to->edges = config.edges;
    to->n_edges = config.n_edges;
    to->resources = config.resources;
    to->n_resources = config.n_resources;
    to->inst = config.inst;
    to->n_inst = config.n_inst;
    to->dependents = config.dependents;
    to->n_dependents = config.n_dependents;
    to->heap_pos = ACC_NONE;
    to->deadline_ms = 0;
    to->is_dirty = false;
    for (uint32_t i = 0; i < old.n_inst; i++) {
        struct instance *inst = &old.inst[i];
        uint32_t at = inst->slot - 1;

        if (inst->slot == 0) {
            continue;
        }
        if (inst->slot > to->n_replicas) {
            for (at = to->n_replicas; at < to->n_inst && to->inst[at].slot != 0; at++) {
            }
        }
        if (at < to->n_inst && (inst->cid[0] || inst->op || inst->slot <= to->n_replicas)) {
            to->inst[at] = *inst;
            to->inst[at].svc = svc;
        }
    }
    if (strcmp(old.spec_hash, to->spec_hash) != 0) {
        /* What could not work may work like this (E5, class config). */
        to->fail = FAIL_NONE;
        to->backoff_until_ms = to->open_until_ms = 0;
        to->last_delay_ms = 0;
    }
}

static bool has_container(const struct service *s)
{
    for (uint32_t i = 0; i < s->n_inst; i++) {
        if (s->inst[i].cid[0] || s->inst[i].op) {
            return true;
        }
    }
    return false;
}

static uint32_t stack_find(const struct acc_engine *e, const char *name)
{
    for (uint32_t i = 0; i < e->n_stacks; i++) {
        if (strcmp(e->stacks[i].name, name) == 0) {
            return i;
        }
    }
    return ACC_NONE;
}

static void move_stacks(struct acc_engine *to, const struct acc_engine *from)
{
    for (uint32_t i = 0; i < to->n_stacks; i++) {
        uint32_t old = stack_find(from, to->stacks[i].name);

        if (old != ACC_NONE) {
            char *name = to->stacks[i].name;

            to->stacks[i] = from->stacks[old];
            to->stacks[i].name = name;
        } else {
            to->stacks[i].known = to->stacks[i].save = true; /* added at run time: managed */
        }
    }
}

/* The services that are gone from the files but still have containers, after those of the model.
 * Only copies so far: nothing has moved when this fails. */
static int append_removed(struct acc_engine *to, const struct acc_engine *from)
{
    size_t n = 0;

    for (size_t i = 0; i < from->n_services; i++) {
        n += acc_eng_id_find(to, from->services[i].stack_name, from->services[i].name) ==
                 ACC_NONE &&
             has_container(&from->services[i]);
    }
    struct service *services = realloc(to->services, (to->n_services + n + 1) * sizeof(*services));
    struct stack *stacks = realloc(to->stacks, (to->n_stacks + n + 1) * sizeof(*stacks));

    to->services = services ? services : to->services;
    to->stacks = stacks ? stacks : to->stacks;
    if (!services || !stacks) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < from->n_services; i++) {
        const struct service *old = &from->services[i];

        if (acc_eng_id_find(to, old->stack_name, old->name) != ACC_NONE || !has_container(old)) {
            continue;
        }
        if (stack_find(to, old->stack_name) == ACC_NONE) {
            char *name = strdup(old->stack_name);

            if (!name) {
                return -ENOMEM;
            }
            to->stacks[to->n_stacks++] = (struct stack){.name = name, .known = true};
        }
        struct service *s = &to->services[to->n_services++];

        *s = *old;
        s->stack = stack_find(to, old->stack_name);
        s->n_edges = s->n_resources = s->n_dependents = 0;
        s->removed = s->save = true;
        s->wanted_up = s->is_dirty = false;
        s->deadline_ms = 0;
    }
    return 0;
}

static void adopt_removed(struct acc_engine *to, struct acc_engine *from)
{
    for (uint32_t i = (uint32_t)to->n_model; i < to->n_services; i++) {
        struct service *s = &to->services[i];
        uint32_t old = acc_eng_id_find(from, s->stack_name, s->name);

        for (uint32_t k = 0; k < s->n_inst; k++) {
            s->inst[k].svc = i;
        }
        from->services[old].text = NULL; /* moved */
        from->services[old].inst = NULL;
        from->services[old].edges = NULL;
        from->services[old].resources = NULL;
    }
}

static void move_services(struct acc_engine *to, struct acc_engine *from)
{
    for (uint32_t i = 0; i < to->n_model; i++) {
        struct service *s = &to->services[i];
        uint32_t old = acc_eng_id_find(from, s->stack_name, s->name);

        if (old != ACC_NONE) {
            move_runtime(s, &from->services[old], i);
        } else {
            s->is_new = false; /* added while accd runs */
            s->wanted_up = s->n_replicas > 0 && !to->stacks[s->stack].observing;
            s->save = true;
            s->since_ms = from->now_ms;
        }
    }
}

/* Operations in flight name services by index. */
static void move_ops(struct acc_engine *to, struct acc_engine *from)
{
    for (size_t i = 0; i < OPS_MAX; i++) {
        struct op *op = &from->ops[i];

        if (op->id && op->svc != ACC_NONE) {
            const struct service *s = &from->services[op->svc];

            op->svc = acc_eng_id_find(to, s->stack_name, s->name);
        } else if (op->id && op->res != ACC_NONE) {
            uint32_t res = op->res;

            op->res = ACC_NONE;
            for (uint32_t k = 0; k < to->n_resources; k++) {
                if (to->resources[k].kind == from->resources[res].kind &&
                    strcmp(to->resources[k].name, from->resources[res].name) == 0) {
                    op->res = k;
                    to->resources[k].op = op->id;
                    to->resources[k].state = from->resources[res].state;
                    break;
                }
            }
        }
        if (op->id && op->svc == ACC_NONE && op->res == ACC_NONE) {
            from->n_starts -= op->kind == ACC_ACT_START;
            from->n_pulls -= op->kind == ACC_ACT_ENSURE_RESOURCE && from->n_pulls > 0;
            from->n_ops--;
            op->id = 0; /* of something that is no more */
        }
    }
}

static void swap_tables(struct acc_engine *a, struct acc_engine *b)
{
#define SWAP(field)                                                                                \
    do {                                                                                           \
        struct acc_engine spare;                                                                   \
        memcpy(&spare.field, &a->field, sizeof(a->field));                                         \
        memcpy(&a->field, &b->field, sizeof(a->field));                                            \
        memcpy(&b->field, &spare.field, sizeof(a->field));                                         \
    } while (0)
    SWAP(services);
    SWAP(n_services);
    SWAP(n_model);
    SWAP(stacks);
    SWAP(n_stacks);
    SWAP(resources);
    SWAP(n_resources);
    SWAP(dependent_of);
    SWAP(by_cid);
    SWAP(by_cid_size);
    SWAP(by_id);
    SWAP(by_id_size);
    SWAP(dirty);
    SWAP(dirty_head);
    SWAP(dirty_n);
    SWAP(heap);
    SWAP(heap_n);
    SWAP(stamp);
    SWAP(stamp_now);
    SWAP(queue);
    SWAP(timing);
#undef SWAP
}

/* Incidents name their root by index. */
static void move_incidents(struct acc_engine *to, struct acc_engine *from)
{
    for (size_t i = 0; i < INCIDENTS_MAX; i++) {
        struct incident *in = &from->incidents[i];
        const struct service *s = in->id && in->root != ACC_NONE ? &from->services[in->root] : NULL;

        if (!s) {
            continue;
        }
        in->root = acc_eng_id_find(to, s->stack_name, s->name);
        if (in->root == ACC_NONE) {
            in->id = 0;
        }
        in->n_impact = 0; /* found again when it is told */
    }
}

int acc_engine_reconfigure(struct acc_engine *engine, const struct acc_model *model,
                           uint64_t now_ms)
{
    struct acc_engine_options options = {.seed = 1, .first_op = 1};
    struct acc_engine *to = NULL;

    if (acc_engine_create(model, &options, &to) < 0) {
        return -ENOMEM;
    }
    if (append_removed(to, engine) < 0 || acc_eng_index_create(to) < 0) {
        to->n_services = to->n_model; /* the others are still the running one's */
        acc_engine_destroy(to);
        return -ENOMEM;
    }
    engine->now_ms = now_ms > engine->now_ms ? now_ms : engine->now_ms;
    move_stacks(to, engine);
    move_incidents(to, engine);
    move_ops(to, engine);
    move_services(to, engine);
    adopt_removed(to, engine);
    swap_tables(engine, to);
    acc_engine_destroy(to); /* the old tables */
    for (uint32_t i = 0; i < engine->n_services; i++) {
        for (uint32_t k = 0; k < engine->services[i].n_inst; k++) {
            if (engine->services[i].inst[k].cid[0]) {
                acc_eng_cid_add(engine, &engine->services[i].inst[k]);
            }
        }
    }
    acc_eng_mark_all(engine);
    engine->again_now = true;
    return 0;
}
