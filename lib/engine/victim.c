/*
 * Whom an incident concerns: its victims as a list, and the way from a root to those behind it.
 *
 * A home has few incidents and a large host many services, so neither may be found by looking
 * through all of them: a step costs what has changed. The list runs through the services
 * themselves, a place in `hits` each; a place number is service * ACC_HITS_MAX + its index there.
 */

#include <string.h>

#include "lib/engine/internal.h"

static struct hit *hit_at(const struct acc_engine *e, uint32_t place)
{
    return &e->services[place / ACC_HITS_MAX].hits[place % ACC_HITS_MAX];
}

static void take_out(struct acc_engine *e, struct hit *hit, uint32_t place)
{
    if (hit->prev != ACC_NONE) {
        hit_at(e, hit->prev)->next = hit->next;
    } else if (hit->at != ACC_NONE && e->incidents[hit->at].first_victim == place) {
        e->incidents[hit->at].first_victim = hit->next;
    }
    if (hit->next != ACC_NONE) {
        hit_at(e, hit->next)->prev = hit->prev;
    }
}

static void put_in(struct acc_engine *e, uint32_t place, uint32_t at)
{
    struct incident *incident = &e->incidents[at];
    struct hit *hit = hit_at(e, place);

    *hit = (struct hit){incident->id, at, ACC_NONE, incident->first_victim};
    if (hit->next != ACC_NONE) {
        hit_at(e, hit->next)->prev = place;
    }
    incident->first_victim = place;
}

bool acc_victim_of(const struct service *s, uint64_t incident)
{
    for (uint32_t k = 0; k < s->n_hits; k++) {
        if (s->hits[k].incident == incident) {
            return true;
        }
    }
    return false;
}

/* The place of the oldest is taken when there is no other. */
void acc_victim_add(struct acc_engine *e, struct service *s, uint32_t at)
{
    uint32_t k = s->next_hit;
    uint32_t place = acc_svc_index(e, s) * ACC_HITS_MAX + k;

    if (acc_victim_of(s, e->incidents[at].id)) {
        return;
    }
    if (k < s->n_hits) {
        take_out(e, &s->hits[k], place);
    } else {
        s->n_hits++;
    }
    s->next_hit = (k + 1) % ACC_HITS_MAX;
    put_in(e, place, at);
}

struct service *acc_victim_next(struct acc_engine *e, const struct incident *incident,
                                uint32_t *place)
{
    *place = *place == ACC_NONE ? incident->first_victim : hit_at(e, *place)->next;
    return *place == ACC_NONE ? NULL : &e->services[*place / ACC_HITS_MAX];
}

void acc_victims_move(const struct acc_engine *from, const struct incident *old,
                      const uint32_t *service, struct acc_engine *to, uint32_t at)
{
    uint32_t place = old->first_victim;

    to->incidents[at].first_victim = ACC_NONE;
    for (; place != ACC_NONE; place = hit_at(from, place)->next) {
        uint32_t v = service[place / ACC_HITS_MAX];

        if (v != ACC_NONE) {
            put_in(to, v * ACC_HITS_MAX + place % ACC_HITS_MAX, at);
        }
    }
}

/* Each is in the list of its incident, as long as that is remembered. */
void acc_victims_check(const struct acc_engine *e, const struct service *s)
{
    for (uint32_t k = 0; k < s->n_hits; k++) {
        const struct hit *hit = &s->hits[k];
        uint32_t place = acc_svc_index(e, s) * ACC_HITS_MAX + k;

        if (hit->at != ACC_NONE && e->incidents[hit->at].id == hit->incident) {
            acc_assert(hit->prev == ACC_NONE ? e->incidents[hit->at].first_victim == place
                                             : hit_at(e, hit->prev)->next == place);
            acc_assert(hit->next == ACC_NONE || hit_at(e, hit->next)->prev == place);
        }
    }
}

/* --- behind a root --------------------------------------------------------------------------- */

static bool stands_behind(const struct service *s, uint32_t root)
{
    for (uint32_t k = 0; k < s->n_roots; k++) {
        if (s->roots[k] == root) {
            return true;
        }
    }
    return false;
}

/* Who stands behind a root stands on it, or on another one that stands behind it. */
static void walk_behind(struct acc_engine *e, uint32_t at, uint32_t n)
{
    while (n > 0) {
        const struct service *s = &e->services[e->scratch[--n]];

        for (uint32_t k = 0; k < s->n_in; k++) {
            struct service *d = &e->services[e->edges[e->in[s->first_in + k]].from];

            e->n_visits++;
            if (d->walk != e->walk && stands_behind(d, at)) {
                d->walk = e->walk;
                acc_mark(e, d);
                e->scratch[n++] = acc_svc_index(e, d);
            }
        }
    }
}

static uint32_t add_users(struct acc_engine *e, uint32_t condition, uint32_t n)
{
    for (uint32_t u = 0; u < e->host_links.n_users[condition]; u++) {
        uint32_t v = e->host_links.users[e->host_links.first[condition] + u];

        if (e->services[v].walk != e->walk) {
            e->services[v].walk = e->walk;
            e->scratch[n++] = v;
        }
    }
    return n;
}

void acc_mark_behind(struct acc_engine *e, uint32_t root)
{
    uint32_t n = 0;

    e->walk++;
    if (!acc_root_is_host(root)) {
        e->services[root].walk = e->walk;
        e->scratch[n++] = root;
    } else {
        const struct condition *c = acc_root_condition(e, root);

        n = add_users(e, root - ACC_ROOT_HOST, n);
        for (uint32_t k = c->first_lost; k != ACC_NONE; k = e->conditions[k].next_lost) {
            n = add_users(e, k, n);
        }
    }
    walk_behind(e, root, n);
}
