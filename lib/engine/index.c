/* Tables of the engine that are found by key: containers, ids, dirty services, deadlines. */

#include "lib/engine/parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint64_t hash_text(const char *text)
{
    uint64_t hash = 1469598103934665603ull; /* FNV-1a */

    for (; *text; text++) {
        hash = (hash ^ (unsigned char)*text) * 1099511628211ull;
    }
    return hash;
}

/* --- containers by id: open addressing; deletion moves the followers up -------------------------
 */

static struct instance *at_slot(const struct acc_engine *e, size_t i)
{
    const struct slot_ref *ref = &e->by_cid[i];

    return &e->services[ref->svc].inst[ref->inst];
}

void acc_eng_cid_add(struct acc_engine *e, struct instance *inst)
{
    size_t mask = e->by_cid_size - 1;
    size_t i = hash_text(inst->cid) & mask;

    while (e->by_cid[i].svc != ACC_NONE) {
        i = (i + 1) & mask;
    }
    e->by_cid[i].svc = inst->svc;
    e->by_cid[i].inst = (uint32_t)(inst - e->services[inst->svc].inst);
}

struct instance *acc_eng_cid_find(const struct acc_engine *e, const char *cid)
{
    size_t mask = e->by_cid_size - 1;

    for (size_t i = hash_text(cid) & mask; e->by_cid[i].svc != ACC_NONE; i = (i + 1) & mask) {
        if (strcmp(at_slot(e, i)->cid, cid) == 0) {
            return at_slot(e, i);
        }
    }
    return NULL;
}

void acc_eng_cid_remove(struct acc_engine *e, const struct instance *inst)
{
    size_t mask = e->by_cid_size - 1;
    size_t i = hash_text(inst->cid) & mask;

    while (e->by_cid[i].svc != ACC_NONE && at_slot(e, i) != inst) {
        i = (i + 1) & mask;
    }
    if (e->by_cid[i].svc == ACC_NONE) {
        return;
    }
    for (size_t j = (i + 1) & mask;; j = (j + 1) & mask) {
        if (e->by_cid[j].svc == ACC_NONE) {
            break;
        }
        size_t home = hash_text(at_slot(e, j)->cid) & mask;

        if (((j - home) & mask) >= ((j - i) & mask)) {
            e->by_cid[i] = e->by_cid[j];
            i = j;
        }
    }
    e->by_cid[i].svc = ACC_NONE;
}

/* --- services by id ------------------------------------------------------------------------- */

static uint64_t hash_id(const char *stack, const char *service)
{
    return hash_text(stack) * 31 + hash_text(service);
}

int acc_eng_index_create(struct acc_engine *e)
{
    size_t n_inst = 1;
    size_t size = 16;

    free(e->by_cid); /* made anew when services are added */
    free(e->by_id);
    free(e->dirty);
    free(e->heap);
    free(e->stamp);
    free(e->queue);
    for (size_t i = 0; i < e->n_services; i++) {
        n_inst += e->services[i].n_inst;
    }
    while (size < 2 * n_inst) {
        size *= 2;
    }
    e->by_cid_size = size;
    e->by_cid = calloc(size, sizeof(*e->by_cid));
    for (size = 16; size < 2 * e->n_services + 1;) {
        size *= 2;
    }
    e->by_id_size = size;
    e->by_id = calloc(size, sizeof(*e->by_id));
    e->dirty = calloc(e->n_services + 1, sizeof(*e->dirty));
    e->heap = calloc(e->n_services + 1, sizeof(*e->heap));
    e->stamp = calloc(e->n_services + 1, sizeof(*e->stamp));
    e->queue = calloc(e->n_services + 1, sizeof(*e->queue));
    if (!e->by_cid || !e->by_id || !e->dirty || !e->heap || !e->stamp || !e->queue) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < e->by_cid_size; i++) {
        e->by_cid[i].svc = ACC_NONE;
    }
    for (size_t i = 0; i < e->by_id_size; i++) {
        e->by_id[i] = ACC_NONE;
    }
    for (uint32_t i = 0; i < e->n_services; i++) {
        size_t at = hash_id(e->services[i].stack_name, e->services[i].name) & (size - 1);

        while (e->by_id[at] != ACC_NONE) {
            at = (at + 1) & (size - 1);
        }
        e->by_id[at] = i;
        e->services[i].heap_pos = ACC_NONE;
    }
    return 0;
}

uint32_t acc_eng_id_find(const struct acc_engine *e, const char *stack, const char *service)
{
    size_t mask = e->by_id_size - 1;

    for (size_t at = hash_id(stack, service) & mask; e->by_id[at] != ACC_NONE;
         at = (at + 1) & mask) {
        const struct service *s = &e->services[e->by_id[at]];

        if (strcmp(s->name, service) == 0 && strcmp(s->stack_name, stack) == 0) {
            return e->by_id[at];
        }
    }
    return ACC_NONE;
}

/* --- dirty services: a ring, each at most once -------------------------------------------------
 */

void acc_eng_mark(struct acc_engine *e, uint32_t svc)
{
    if (!e->services[svc].is_dirty) {
        e->services[svc].is_dirty = true;
        e->dirty[(e->dirty_head + e->dirty_n) % e->n_services] = svc;
        e->dirty_n++;
    }
}

void acc_eng_mark_around(struct acc_engine *e, uint32_t svc)
{
    const struct service *s = &e->services[svc];

    acc_eng_mark(e, svc);
    for (size_t i = 0; i < s->n_dependents; i++) {
        acc_eng_mark(e, s->dependents[i]);
    }
    for (size_t i = 0; i < s->n_edges; i++) {
        acc_eng_mark(e, s->edges[i].target);
    }
}

void acc_eng_mark_all(struct acc_engine *e)
{
    for (uint32_t i = 0; i < e->n_services; i++) {
        acc_eng_mark(e, i);
    }
}

uint32_t acc_eng_dirty_next(struct acc_engine *e)
{
    if (e->dirty_n == 0) {
        return ACC_NONE;
    }
    uint32_t svc = e->dirty[e->dirty_head];

    e->dirty_head = (e->dirty_head + 1) % e->n_services;
    e->dirty_n--;
    e->services[svc].is_dirty = false;
    return svc;
}

/* --- deadlines: a binary heap of services; ties by index, so that runs are equal -------------- */

static bool is_earlier(const struct acc_engine *e, uint32_t a, uint32_t b)
{
    uint64_t da = e->services[a].deadline_ms;
    uint64_t db = e->services[b].deadline_ms;

    return da < db || (da == db && a < b);
}

static void heap_put(struct acc_engine *e, size_t pos, uint32_t svc)
{
    e->heap[pos] = svc;
    e->services[svc].heap_pos = (uint32_t)pos;
}

static void heap_up(struct acc_engine *e, size_t pos, uint32_t svc)
{
    while (pos > 0 && is_earlier(e, svc, e->heap[(pos - 1) / 2])) {
        heap_put(e, pos, e->heap[(pos - 1) / 2]);
        pos = (pos - 1) / 2;
    }
    heap_put(e, pos, svc);
}

static void heap_down(struct acc_engine *e, size_t pos, uint32_t svc)
{
    for (;;) {
        size_t child = 2 * pos + 1;

        if (child >= e->heap_n) {
            break;
        }
        if (child + 1 < e->heap_n && is_earlier(e, e->heap[child + 1], e->heap[child])) {
            child++;
        }
        if (!is_earlier(e, e->heap[child], svc)) {
            break;
        }
        heap_put(e, pos, e->heap[child]);
        pos = child;
    }
    heap_put(e, pos, svc);
}

void acc_eng_deadline_set(struct acc_engine *e, uint32_t svc, uint64_t deadline_ms)
{
    struct service *s = &e->services[svc];
    uint32_t pos = s->heap_pos;

    if (pos != ACC_NONE) { /* out */
        uint32_t last = e->heap[--e->heap_n];

        s->heap_pos = ACC_NONE;
        if (last != svc) {
            heap_up(e, pos, last);
            heap_down(e, e->services[last].heap_pos, last);
        }
    }
    s->deadline_ms = deadline_ms;
    if (deadline_ms > 0) { /* in */
        heap_up(e, e->heap_n++, svc);
    }
}
