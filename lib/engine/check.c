/*
 * What must hold between two steps, as far as it can be seen from inside.
 */

#include "lib/engine/internal.h"

static void check_instance(struct acc_engine *e, const struct instance *i, uint32_t *taken)
{
    const struct service *s = &e->services[i->svc];

    acc_assert(i->is_spare == (acc_inst_index(e, i) >= e->n_slots));
    acc_assert(!i->present || acc_index_has(&e->by_cid, i->cid_hash, acc_inst_index(e, i)));
    if (i->op) {
        acc_assert(acc_op_find(e, i->op) == acc_inst_index(e, i));
        if (!i->op_late) {
            taken[i->op_type == ACC_ACT_START    ? TOKEN_START
                  : i->op_type == ACC_ACT_CREATE ? TOKEN_CREATE
                                                 : TOKEN_STOP]++;
        }
    }
    if (i->probe_op) {
        acc_assert(acc_op_find(e, i->probe_op) == (acc_inst_index(e, i) | ACC_OP_OF_PROBE));
        acc_assert(i->present);
        taken[TOKEN_PROBE] += i->probe_exec;
    }
    if (i->hook_op) {
        acc_assert(acc_op_find(e, i->hook_op) == (acc_inst_index(e, i) | ACC_OP_OF_HOOK));
        acc_assert(i->present);
        taken[TOKEN_HOOK]++;
    }
    acc_assert(!i->ready || i->present);
    acc_assert(i->slot > 0 && (i->is_spare || i->slot <= s->n_inst));
}

static void check_service(struct acc_engine *e, struct service *s)
{
    acc_victims_check(e, s);
    acc_assert(e->order[s->pos] == acc_svc_index(e, s));
    acc_assert(s->n_roots <= ACC_ROOTS_MAX && s->n_ring <= ACC_FAILURES_MAX);
    acc_assert(s->n_unsettled <= ACC_UNSETTLED_MAX);
    acc_assert(!s->ready || s->running);
    acc_assert(s->incident == ACC_NONE || e->incidents[s->incident].open);
    for (uint32_t k = 0; k < s->n_roots; k++) {
        acc_assert(s->roots[k] != acc_svc_index(e, s));
        acc_assert(s->roots[k] < e->n_services || s->roots[k] - ACC_ROOT_HOST < e->n_conditions);
    }
    acc_each_out (e, s, edge) {
        acc_assert(edge->from == acc_svc_index(e, s) && edge->to < e->n_services);
    }
}

static void check_one(struct acc_engine *e, struct service *s, uint32_t *taken)
{
    check_service(e, s);
    acc_each_inst (e, s, i) {
        acc_assert(i->svc == acc_svc_index(e, s));
        check_instance(e, i, taken);
    }
}

static void check_condition(const struct acc_engine *e, uint32_t at)
{
    const struct condition *c = &e->conditions[at];
    uint32_t n_wanting = 0;

    if (c->mount != ACC_NONE) {
        acc_assert(c->mount >= e->first_mount && c->is_met == ACC_NO);
        acc_assert(c->prev_lost == ACC_NONE ? e->conditions[c->mount].first_lost == at
                                            : e->conditions[c->prev_lost].next_lost == at);
    }
    if (at < e->first_mount) {
        acc_assert(c->first_lost == ACC_NONE);
        return;
    }
    for (uint32_t k = c->first_lost; k != ACC_NONE; k = e->conditions[k].next_lost) {
        acc_assert(e->conditions[k].mount == at);
        n_wanting += e->conditions[k].n_wanting;
    }
    acc_assert(c->n_wanting == n_wanting);
    acc_assert((c->is_met == ACC_NO) == (c->first_lost != ACC_NONE));
}

void acc_engine_check_step(struct acc_engine *engine)
{
    uint32_t taken[TOKEN_COUNT] = {0};

    while (engine->unchecked.n_set > 0) {
        check_one(engine, &engine->services[engine->order[acc_bits_take(&engine->unchecked)]],
                  taken);
    }
}

void acc_engine_check(const struct acc_engine *engine)
{
    union {
        const struct acc_engine *in;
        struct acc_engine *out;
    } cast = {engine};
    struct acc_engine *e = cast.out;
    uint32_t taken[TOKEN_COUNT] = {0};
    uint32_t n_busy[RES_KINDS] = {0};

    for (uint32_t v = 0; v < e->n_services; v++) {
        check_one(e, &e->services[v], taken);
    }
    for (int k = 0; k < TOKEN_COUNT; k++) {
        acc_assert(taken[k] == e->n_taken[k]);
    }
    for (uint32_t r = 0; r < e->n_res; r++) {
        n_busy[e->res[r].kind] += e->res[r].op != 0;
    }
    acc_assert(n_busy[ACC_RES_IMAGE] == e->n_pulls && n_busy[ACC_RES_NETWORK] == e->n_networks &&
               n_busy[ACC_RES_VOLUME] == e->n_volumes);
    acc_assert(e->n_networks <= 1);
    for (uint32_t k = 0; k < e->n_conditions; k++) {
        check_condition(e, k);
    }
}
