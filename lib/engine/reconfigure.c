/*
 * A new configuration between two steps: new tables are built beside the old ones, everything that
 * services and containers have lived through moves over, then the two change places. Nothing is
 * changed when memory runs out.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/engine/internal.h"

struct move {
    struct acc_engine *from, *to;
    uint32_t *service; /* new index of each old service, ACC_NONE: gone; owned */
    uint32_t *removed; /* old indexes that stay as `removed`; owned */
    struct acc_leftovers left;
};

/* --- what goes where ------------------------------------------------------------------------- */

static bool has_container(struct acc_engine *e, struct service *s)
{
    acc_each_inst (e, s, i) {
        if (i->present || i->op || i->need_list) {
            return true;
        }
    }
    return false;
}

static uint32_t find_in_model(const struct acc_model *model, const struct acc_index *ids,
                              const char *id)
{
    uint32_t pos = UINT32_MAX;

    for (uint32_t v; (v = acc_index_next(ids, acc_hash_text(id), &pos)) != ACC_NONE;) {
        if (strcmp(model->services[v]->id, id) == 0) {
            return v;
        }
    }
    return ACC_NONE;
}

static int by_id(const void *id, const void *condition)
{
    return strcmp(id, ((const struct condition *)condition)->id);
}

static uint32_t find_condition(const struct acc_engine *e, const char *id)
{
    const struct condition *c = bsearch(id, e->conditions, e->n_of_host, sizeof(*e->conditions),
                                        by_id);

    for (uint32_t k = e->n_of_host; !c && k < e->first_mount; k++) {
        c = strcmp(e->conditions[k].id, id) == 0 ? &e->conditions[k] : NULL;
    }
    return c ? (uint32_t)(c - e->conditions) : ACC_NONE;
}

static int plan(struct move *move, const struct acc_model *model)
{
    struct acc_engine *e = move->from;
    struct acc_index ids;

    move->service = calloc(e->n_services + 1, sizeof(*move->service));
    move->removed = calloc(e->n_services + 1, sizeof(*move->removed));
    if (!move->service || !move->removed || acc_index_init(&ids, model->n_services) < 0) {
        return -ENOMEM;
    }
    for (uint32_t v = 0; v < model->n_services; v++) {
        acc_index_put(&ids, acc_hash_text(model->services[v]->id), v);
    }
    for (uint32_t v = 0; v < e->n_services; v++) {
        struct service *s = &e->services[v];

        move->service[v] = find_in_model(model, &ids, s->id);
        if (move->service[v] == ACC_NONE && (has_container(e, s) || s->incident != ACC_NONE)) {
            move->service[v] = (uint32_t)model->n_services + move->left.n_removed;
            move->removed[move->left.n_removed++] = v;
        }
        acc_each_inst (e, s, i) {
            move->left.n_spares += i->present || i->op;
        }
    }
    move->left.removed = move->removed;
    for (uint32_t k = 0; k < move->left.n_orphans; k++) {
        move->left.n_spares += move->left.orphans[k].n;
    }
    acc_index_fini(&ids);
    return 0;
}

/* --- moving ---------------------------------------------------------------------------------- */

/* What a service has lived through; what the file says of it stays that of the new one. */
static void move_service(struct move *move, const struct service *old, struct service *s)
{
    struct service fresh = *s;

    *s = *old;
    s->id = fresh.id;
    s->name = fresh.name;
    s->nick = fresh.nick;
    s->stack_name = fresh.stack_name;
    s->phase = fresh.phase;
    s->tier = fresh.tier;
    s->image = fresh.image;
    s->container_name = fresh.container_name;
    s->stack = fresh.stack;
    s->pos = fresh.pos;
    memcpy(s->spec, fresh.spec, sizeof(s->spec));
    s->replicas = fresh.replicas;
    s->restart = fresh.restart;
    s->restart_max = fresh.restart_max;
    s->one_shot = fresh.one_shot;
    s->ends = fresh.ends;
    s->restart_on_unhealthy = fresh.restart_on_unhealthy;
    s->stateful = fresh.stateful;
    s->upgrade_order = fresh.upgrade_order;
    s->upgrade_pauses = fresh.upgrade_pauses;
    s->has_pre_upgrade = fresh.has_pre_upgrade;
    s->has_build = fresh.has_build;
    s->has_image_here = fresh.has_image_here;
    s->has_post_upgrade = fresh.has_post_upgrade;
    s->exclusive = fresh.exclusive;
    s->takes = fresh.takes;
    s->n_takes = fresh.n_takes;
    s->has_drain_command = fresh.has_drain_command;
    s->autos.is_set = fresh.autos.is_set;
    s->autos.spec = fresh.autos.spec;
    s->roll.waits_for = ACC_NONE;
    if (acc_change_failed_to_begin(s)) {
        s->roll.result = ROLL_NONE; /* who applies it again doesn't wait for the next try */
    }
    s->stop_grace_ms = fresh.stop_grace_ms;
    s->health = fresh.health;
    s->n_ports = fresh.n_ports;
    s->probe = fresh.probe;
    memcpy(s->waiting_codes, fresh.waiting_codes, sizeof(s->waiting_codes));
    s->n_waiting_codes = fresh.n_waiting_codes;
    s->has_post_start = fresh.has_post_start;
    s->has_pre_stop = fresh.has_pre_stop;
    s->priority = fresh.priority;
    s->timing = fresh.timing;
    s->first_out = fresh.first_out;
    s->n_out = fresh.n_out;
    s->first_in = fresh.first_in;
    s->n_in = fresh.n_in;
    s->first_res = fresh.first_res;
    s->n_res = fresh.n_res;
    s->first_host = fresh.first_host;
    s->n_host = fresh.n_host;
    s->first_serial = fresh.first_serial;
    s->n_serial = fresh.n_serial;
    s->host_wishes = 0; /* they are counted anew */
    s->n_heavy = 0;
    s->first_inst = fresh.first_inst;
    s->n_inst = fresh.n_inst;
    s->spare = ACC_NONE;
    s->removed = fresh.removed;
    s->blocker = s->host_blocker = s->predecessor = ACC_NONE;
    s->phase_at = fresh.phase_at;
    s->phase_wanted = fresh.phase_wanted;
    s->phase_pending = fresh.phase_pending;
    s->phase_running = fresh.phase_running;
    s->is_leaving = fresh.is_leaving; /* likewise; and its level is found anew */
    s->n_roots = 0;
    s->n_suffers = 0;
    for (uint32_t k = 0; k < s->n_hits; k++) { /* move_incidents() brings back what it finds */
        s->hits[k].at = s->hits[k].prev = s->hits[k].next = ACC_NONE;
    }
    s->incident = ACC_NONE;
    s->change[0] = '\0'; /* compared again */
    s->change_alone = false;
    if (strcmp(old->image, s->image) != 0) {
        s->bad_id[0] = '\0'; /* another one is asked for */
    }
    if (old->replicas != s->replicas || strcmp(old->spec, s->spec) != 0) {
        s->scaled_to = 0; /* its file is followed, also in their number */
    }
    if (strcmp(old->spec, s->spec) != 0) {
        /* What failed with the old one may work with the new one. */
        acc_fail_forgive(move->to, s);
        s->n_ring = 0;
        s->breaker = BREAKER_CLOSED;
    }
    if (s->removed) {
        if (s->wanted_up) {
            acc_copy(s->asked_by, sizeof(s->asked_by), ACC_LEFT_FILE);
        }
        s->wanted_up = false;
        s->wanted_removed = old->removed && old->wanted_removed;
    } else if (old->removed) {
        s->wanted_up = true; /* it is back in the file */
        s->wanted_removed = false;
        s->asked_by[0] = '\0';
    }
}

void acc_inst_reindex(struct acc_engine *e, const struct instance *i)
{
    uint32_t at = acc_inst_index(e, i);

    if (i->present) {
        acc_index_put(&e->by_cid, i->cid_hash, at);
    }
    if (i->conflict_cid[0]) {
        acc_index_put(&e->by_cid, acc_hash_text(i->conflict_cid), at);
    }
    if (i->op) {
        acc_index_put(&e->by_op, acc_hash_u64(i->op), at);
    }
    if (i->probe_op) {
        acc_index_put(&e->by_op, acc_hash_u64(i->probe_op), at | ACC_OP_OF_PROBE);
    }
    if (i->hook_op) {
        acc_index_put(&e->by_op, acc_hash_u64(i->hook_op), at | ACC_OP_OF_HOOK);
    }
}

static void move_instance(struct acc_engine *e, struct service *s, const struct instance *old,
                          bool was_removed)
{
    /* What has left the file has no slots; when it comes back its containers take them again. */
    bool has_slot = (!old->is_spare || was_removed) && old->slot <= s->n_inst;
    struct instance *i = has_slot ? &e->inst[s->first_inst + old->slot - 1] : NULL;

    if (i && was_removed && i->present) {
        i = NULL;
    }

    if (!i) {
        if (!old->present && !old->op) {
            return;
        }
        i = acc_spare_take(e, s, old->slot);
        acc_assert(i); /* counted by plan() */
    }
    struct instance place = *i;

    *i = *old;
    i->svc = place.svc;
    i->next_spare = place.next_spare;
    i->is_spare = place.is_spare;
    acc_inst_reindex(e, i);
    e->stacks[s->stack].n_present += i->present;
}

static void move_condition(struct condition *to, const struct condition *from)
{
    to->is_met = from->is_met;
    to->since_ms = from->since_ms;
    to->last_bad_ms = from->last_bad_ms;
    to->is_lasting = from->is_lasting;
    acc_copy(to->known, sizeof(to->known), from->known);
    acc_copy(to->seen, sizeof(to->seen), from->seen);
}

static void move_resources(struct move *move)
{
    struct acc_engine *to = move->to;
    const struct acc_engine *from = move->from;

    for (uint32_t r = 0; r < to->n_res; r++) {
        struct resource *res = &to->res[r];

        for (uint32_t k = 0; k < from->n_res; k++) {
            const struct resource *old = &from->res[k];

            if (old->kind == res->kind && strcmp(old->name, res->name) == 0 &&
                strcmp(old->key, res->key) == 0 &&
                strcmp(from->stacks[old->stack].name, to->stacks[res->stack].name) == 0) {
                res->state = old->state;
                res->epoch = old->epoch;
                res->retry_ms = 0; /* a new file is a reason to try at once */
                acc_copy(res->error, sizeof(res->error), old->error);
                acc_resource_take(to, res, old);
                if (res->condition != ACC_NONE) {
                    move_condition(&to->conditions[res->condition],
                                   &from->conditions[old->condition]);
                }
                break;
            }
        }
    }
}

static void move_stacks(struct move *move)
{
    for (uint32_t k = 0; k < move->to->n_stacks; k++) {
        struct stack *stack = &move->to->stacks[k];
        uint32_t old = acc_engine_find_stack(move->from, stack->name);

        if (old != ACC_NONE) {
            stack->contact = move->from->stacks[old].contact;
            stack->handing_back = move->from->stacks[old].handing_back;
            stack->is_handed_back = move->from->stacks[old].is_handed_back;
            stack->is_to_take_over = move->from->stacks[old].is_to_take_over;
            stack->leave = move->from->stacks[old].leave;
            stack->save = move->from->stacks[old].save;
            move->to->stacks_changed |= stack->save;
            stack->is_recovered = move->from->stacks[old].is_recovered;
            stack->is_returned = move->from->stacks[old].is_returned;
            stack->drop_networks = move->from->stacks[old].drop_networks;
            stack->drop_volumes = move->from->stacks[old].drop_volumes;
            move->to->n_cleanups += stack->drop_networks;
        }
        stack->need_list = move->from->list + 1; /* the one under way may not look for it */
    }
}

/* What is known of the host; who names a condition first has to be told of it. */
static void move_conditions(struct move *move)
{
    for (uint32_t k = 0; k <= move->to->n_of_host; k++) { /* and the disk */
        uint32_t old = find_condition(move->from, move->to->conditions[k].id);

        if (old != ACC_NONE) {
            move_condition(&move->to->conditions[k], &move->from->conditions[old]);
        }
    }
    acc_mounts_move(move->from, move->to);
}

/* The root of an old incident among the new ones; ACC_NONE: it is gone. */
static uint32_t new_root(const struct move *move, uint32_t root)
{
    uint32_t k;

    if (root == ACC_ROOT_ENGINE || root == ACC_NONE) {
        return root;
    }
    if (!acc_root_is_host(root)) {
        return move->service[root];
    }
    const struct condition *c = acc_root_condition(move->from, root);

    k = acc_host_is_mount(move->from, c) ? acc_mount_find(move->to, c->known)
                                         : find_condition(move->to, c->id);
    return k == ACC_NONE ? ACC_NONE : ACC_ROOT_HOST + k;
}

static void give_incident(struct acc_engine *to, uint32_t at)
{
    uint32_t root = to->incidents[at].root;

    if (root == ACC_ROOT_ENGINE) {
        to->engine_incident = at;
    } else if (acc_root_is_host(root)) {
        acc_root_condition(to, root)->incident = at;
    } else {
        to->services[root].incident = at;
    }
}

static void move_incident(struct move *move, const struct incident *old)
{
    struct acc_engine *to = move->to;
    uint32_t at = to->n_places++;

    to->incidents[at] = *old;
    to->incidents[at].root = new_root(move, old->root);
    to->incidents[at].n_suffer = 0; /* they are counted anew */
    acc_victims_move(move->from, old, move->service, to, at);
    if (old->open && to->incidents[at].root != ACC_NONE) {
        give_incident(to, at);
    }
}

/* Open incidents go with what they are about, closed ones as far as there is room: the newest. A
 * service with an open one goes along, be it as removed, and its next look closes and tells it. */
static void move_incidents(struct move *move)
{
    struct acc_engine *to = move->to;
    const struct acc_engine *from = move->from;
    uint32_t n_open = 0;
    uint32_t n_closed = 0;

    for (uint32_t k = 0; k < from->n_places; k++) {
        if (from->incidents[k].open) {
            move_incident(move, &from->incidents[k]);
        } else {
            n_closed++;
        }
    }
    n_open = to->n_places;
    for (uint32_t k = from->closed_first; k != ACC_NONE; k = from->incidents[k].next_closed) {
        if (n_closed-- <= to->n_incidents - n_open) {
            move_incident(move, &from->incidents[k]);
            acc_incident_queue(to, to->n_places - 1);
        }
    }
    for (uint32_t k = 0; k < n_open; k++) {
        if (to->incidents[k].root == ACC_NONE) { /* what it is about is gone, and it with it */
            to->incidents[k].open = false;
            to->incidents[k].closed_ms = from->now;
            acc_incident_queue(to, k);
        }
    }
}

static void move_globals(struct move *move)
{
    struct acc_engine *to = move->to;
    const struct acc_engine *from = move->from;

    to->random = from->random;
    to->next_op = from->next_op;
    to->hash = from->hash;
    to->n_visits = from->n_visits;
    to->observe_new = from->observe_new;
    to->now = from->now;
    to->stepped = from->stepped;
    to->shutdown = from->shutdown;
    to->shutdown.is_planned = false; /* the order of before says nothing of new edges */
    to->shutdown.n_due = to->shutdown.n_later = 0;
    to->conn = from->conn;
    to->epoch = from->epoch;
    to->list = from->list;
    to->synced = from->synced;
    to->ever_synced = from->ever_synced;
    to->first_synced_ms = from->first_synced_ms;
    to->fresh_engine = from->fresh_engine;
    to->away = from->away;
    to->conn_ms = from->conn_ms;
    to->lost_ms = from->lost_ms;
    to->list_ms = from->list_ms;
    to->synced_ms = from->synced_ms;
    to->boot_ms = from->boot_ms;
    to->listing = from->listing;
    to->list_wanted = true; /* containers of services that are new in the file */
    to->storm = from->storm;
    to->clock = from->clock;
    to->maintenance = from->maintenance;
    to->save_maintenance = from->save_maintenance;
    acc_copy(to->asked_by, sizeof(to->asked_by), from->asked_by);
    to->change_group = to->next_op++;
    to->heal_tokens = from->heal_tokens;
    to->heal_tokens_ms = from->heal_tokens_ms;
    memcpy(to->n_taken, from->n_taken, sizeof(to->n_taken));
}

/* What has begun goes on under the new file. */
static void move_phases(struct move *move)
{
    for (uint32_t k = 0; k < move->to->n_phases; k++) {
        for (uint32_t i = 0; i < move->from->n_phases; i++) {
            if (strcmp(move->to->phases[k].name, move->from->phases[i].name) == 0) {
                move->to->phases[k].is_open = move->from->phases[i].is_open;
            }
        }
    }
}

static void move_services(struct move *move)
{
    struct acc_engine *to = move->to;

    for (uint32_t v = 0; v < to->n_services; v++) {
        to->services[v].wanted_up = !to->services[v].removed;
        to->services[v].save = true;
    }
    for (uint32_t v = 0; v < move->from->n_services; v++) {
        struct service *old = &move->from->services[v];

        if (move->service[v] == ACC_NONE) {
            continue;
        }
        struct service *s = &to->services[move->service[v]];

        move_service(move, old, s);
        if (s->roll.op) {
            acc_index_put(&to->by_op, acc_hash_u64(s->roll.op), move->service[v] | ACC_OP_OF_ROLL);
        }
        acc_each_inst (move->from, old, i) {
            move_instance(to, s, i, old->removed);
        }
    }
}

int acc_engine_reconfigure(struct acc_engine *engine, const struct acc_model *model,
                           const struct acc_orphan *orphans, uint32_t n_orphans, uint64_t now_ms)
{
    struct move move = {.from = engine, .left = {.orphans = orphans, .n_orphans = n_orphans}};
    int r = plan(&move, model);

    if (r == 0) {
        r = acc_build(model, engine, &move.left, &move.to);
    }
    if (r == 0) {
        struct acc_engine old;

        engine->now = now_ms > engine->now ? now_ms : engine->now;
        move_globals(&move);
        move_services(&move);
        move_phases(&move);
        move_stacks(&move);
        move_resources(&move);
        move_conditions(&move);
        move_incidents(&move);
        acc_host_index(move.to);
        old = *engine;
        *engine = *move.to;
        *move.to = old;
        acc_engine_destroy(move.to);
        acc_mark_all(engine);
    }
    free(move.service);
    free(move.removed);
    return r;
}

void acc_engine_asked_by(struct acc_engine *engine, const char *by)
{
    acc_copy(engine->asked_by, sizeof(engine->asked_by), by);
}

void acc_engine_prune(struct acc_engine *engine)
{
    for (uint32_t v = 0; v < engine->n_services; v++) {
        if (engine->services[v].removed && !acc_svc_observing(engine, &engine->services[v]) &&
            !acc_hold_no_stop(engine, &engine->services[v])) { /* that is refused, not put off */
            engine->services[v].wanted_removed = true;
            acc_mark(engine, &engine->services[v]);
        }
    }
}

/* No spec has this hash. */
#define NO_SPEC "-"

void acc_engine_conform(struct acc_engine *engine)
{
    for (uint32_t v = 0; v < engine->n_services; v++) {
        struct service *s = &engine->services[v];

        if (s->wanted_up && !acc_svc_observing(engine, s)) {
            acc_drift_mend(engine, s);
            s->scaled_to = 0;
            acc_mark_around(engine, s);
        }
        acc_each_slot (engine, s, i) {
            if (i->is_adopted && !acc_svc_observing(engine, s) &&
                acc_inst_likeness(engine, i) >= ACC_LIKE_LIVE) {
                acc_copy(s->applied, sizeof(s->applied), NO_SPEC);
                acc_save(s);
                acc_mark_around(engine, s);
            }
        }
    }
}
