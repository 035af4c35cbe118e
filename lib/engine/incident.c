/* Incidents: one per root, opened at its first counted failure, told after a while, closed when all
 * is well again (E6). */

#include "lib/engine/parts.h"

#include <stdio.h>
#include <string.h>

static struct incident *find_open(struct acc_engine *e, uint32_t root)
{
    for (size_t i = 0; i < INCIDENTS_MAX; i++) {
        if (e->incidents[i].id && e->incidents[i].open && e->incidents[i].root == root) {
            return &e->incidents[i];
        }
    }
    return NULL;
}

/* A free place, or that of the incident that closed first. */
static struct incident *take(struct acc_engine *e)
{
    struct incident *oldest = NULL;

    for (size_t i = 0; i < INCIDENTS_MAX; i++) {
        struct incident *in = &e->incidents[i];

        if (in->id == 0) {
            return in;
        }
        if (!in->open && (!oldest || in->id < oldest->id)) {
            oldest = in;
        }
    }
    return oldest;
}

static void tell(struct acc_engine *e, const struct incident *in, enum acc_incident_phase phase)
{
    struct acc_action *action = acc_eng_emit(e, ACC_ACT_INCIDENT);

    if (action) {
        action->svc = in->root;
        action->incident.id = in->id;
        action->incident.phase = phase;
    }
}

void acc_eng_incident_open(struct acc_engine *e, uint32_t root, const char *cause)
{
    struct incident *in = find_open(e, root);

    if (in) {
        in->good_ms = 0;
        (void)snprintf(in->cause, sizeof(in->cause), "%s", cause);
        return;
    }
    in = take(e);
    if (!in) {
        return; /* INCIDENTS_MAX open ones: the operator has enough to read */
    }
    *in = (struct incident){
        .id = e->next_incident++, .root = root, .since_ms = e->now_ms, .open = true};
    (void)snprintf(in->root_name, sizeof(in->root_name), "%s",
                   root == ACC_NONE ? "engine" : e->services[root].id);
    (void)snprintf(in->cause, sizeof(in->cause), "%s", cause);
    tell(e, in, ACC_INCIDENT_OPENED);
}

/* Dependents that are not well because of the root, found from it along hard edges. */
static void find_impact(struct acc_engine *e, struct incident *in)
{
    size_t head = 0;
    size_t n = 0;

    in->n_impact = 0;
    if (in->root == ACC_NONE) {
        return;
    }
    e->stamp_now++;
    e->stamp[in->root] = e->stamp_now;
    e->queue[n++] = in->root;
    while (head < n) {
        const struct service *s = &e->services[e->queue[head++]];

        for (size_t i = 0; i < s->n_dependents; i++) {
            uint32_t d = s->dependents[i];
            const struct service *dep = &e->services[d];
            bool hurt = dep->wanted_up &&
                        (dep->state == ACC_SVC_BLOCKED || dep->state == ACC_SVC_IMPAIRED ||
                         !dep->ready) &&
                        !dep->done;

            if (e->stamp[d] != e->stamp_now && hurt) {
                e->stamp[d] = e->stamp_now;
                e->queue[n++] = d;
                if (in->n_impact < IMPACT_MAX) {
                    in->impact[in->n_impact++] = d;
                }
            }
        }
    }
}

static bool is_good(const struct acc_engine *e, const struct incident *in)
{
    if (in->root == ACC_NONE) {
        return e->connected && !e->degraded;
    }
    const struct service *s = &e->services[in->root];

    return s->ready || !s->wanted_up || s->held || s->done;
}

static uint64_t close_after(const struct acc_engine *e, const struct incident *in)
{
    return in->root == ACC_NONE ? e->timing.incident_close
                                : e->services[in->root].timing.incident_close;
}

static uint64_t notify_after(const struct acc_engine *e, const struct incident *in)
{
    return in->root == ACC_NONE ? e->timing.incident_notify
                                : e->services[in->root].timing.incident_notify;
}

void acc_eng_incidents_tick(struct acc_engine *e)
{
    for (size_t i = 0; i < INCIDENTS_MAX; i++) {
        struct incident *in = &e->incidents[i];

        if (!in->id || !in->open) {
            continue;
        }
        if (!is_good(e, in)) {
            in->good_ms = 0;
            if (!in->notified && e->now_ms - in->since_ms >= notify_after(e, in) &&
                acc_eng_has_room(e, 1)) {
                in->notified = true;
                find_impact(e, in);
                tell(e, in, ACC_INCIDENT_NOTIFY);
            }
            continue;
        }
        if (in->good_ms == 0) {
            in->good_ms = e->now_ms;
        }
        if (e->now_ms - in->good_ms >= close_after(e, in) && acc_eng_has_room(e, 1)) {
            in->open = false;
            in->closed_ms = e->now_ms;
            tell(e, in, ACC_INCIDENT_CLOSED);
        }
    }
}

uint64_t acc_eng_incidents_deadline(const struct acc_engine *e)
{
    uint64_t at = 0;

    for (size_t i = 0; i < INCIDENTS_MAX; i++) {
        const struct incident *in = &e->incidents[i];

        if (in->id && in->open && in->good_ms) {
            at = acc_eng_earliest(at, in->good_ms + close_after(e, in));
        } else if (in->id && in->open && !in->notified) {
            at = acc_eng_earliest(at, in->since_ms + notify_after(e, in));
        }
    }
    return at;
}

/* --- looking ------------------------------------------------------------------------------------
 */

static void view(const struct incident *in, struct acc_incident_view *ret_view)
{
    *ret_view = (struct acc_incident_view){
        .id = in->id,
        .root = in->root_name,
        .since_ms = in->since_ms,
        .open = in->open,
        .notified = in->notified,
        .closed_ms = in->closed_ms,
        .impact = in->impact,
        .n_impact = in->n_impact,
    };
    memcpy(ret_view->cause, in->cause, sizeof(ret_view->cause));
}

bool acc_engine_incident_at(const struct acc_engine *engine, size_t i,
                            struct acc_incident_view *ret_view)
{
    uint64_t below = UINT64_MAX;

    for (;; i--) { /* the i-th newest: few, and asked for by people */
        const struct incident *best = NULL;

        for (size_t k = 0; k < INCIDENTS_MAX; k++) {
            const struct incident *in = &engine->incidents[k];

            if (in->id && in->id < below && (!best || in->id > best->id)) {
                best = in;
            }
        }
        if (!best) {
            return false;
        }
        if (i == 0) {
            view(best, ret_view);
            return true;
        }
        below = best->id;
    }
}

bool acc_engine_incident(const struct acc_engine *engine, uint64_t id,
                         struct acc_incident_view *ret_view)
{
    for (size_t i = 0; i < INCIDENTS_MAX; i++) {
        if (engine->incidents[i].id == id && id != 0) {
            view(&engine->incidents[i], ret_view);
            return true;
        }
    }
    return false;
}
