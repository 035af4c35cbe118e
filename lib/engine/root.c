/*
 * Roots and incidents (E6): who is really broken, whose failure is somebody else's, and what is
 * told to people about it.
 *
 * Roots are kept per service and recomputed from the services it stands on, which the schedule has
 * looked at before.
 */

#include <stdio.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/engine/internal.h"
#include "lib/model/condition.h"

#define CLOSE_AGAIN_MS 5000u /* an incident that can't be closed yet is looked at again */

/* --- roots ----------------------------------------------------------------------------------- */

struct roots {
    uint32_t item[ACC_ROOTS_MAX];
    uint32_t n;
};

static void roots_add(struct roots *roots, uint32_t root, uint32_t self)
{
    if (root == self || roots->n == ACC_ROOTS_MAX) {
        return;
    }
    for (uint32_t k = 0; k < roots->n; k++) {
        if (roots->item[k] == root) {
            return;
        }
    }
    roots->item[roots->n++] = root;
}

static void roots_of_dep(const struct acc_engine *e, const struct edge *edge, bool is_met,
                         struct roots *roots)
{
    const struct service *d = &e->services[edge->to];

    if (!is_met && (d->n_roots == 0 || d->state == ACC_SVC_HELD || !d->wanted_up)) {
        roots_add(roots, edge->to, edge->from);
        return;
    }
    for (uint32_t k = 0; k < d->n_roots; k++) {
        roots_add(roots, d->roots[k], edge->from);
    }
}

/* Not well, by a verdict or by a failure that was not its own fault. */
enum ailment {
    AILMENT_NONE,
    AILMENT_YOUNG, /* it has only just been started */
    AILMENT_PLAIN,
};

static enum ailment ailment_of(struct acc_engine *e, struct service *s)
{
    enum ailment ailment = AILMENT_NONE;

    if (!s->wanted_up || acc_svc_is_done(s)) {
        return AILMENT_NONE;
    }
    if (s->has_failed && s->fail_attributed && !s->ready && s->fail_ms >= s->ready_ms) {
        return AILMENT_PLAIN;
    }
    acc_each_slot (e, s, i) {
        if (!acc_inst_running(i) || i->waiting) {
            continue;
        }
        if (i->degraded ||
            (acc_probe_fails_to_start(i) && acc_due(e, s, acc_probe_patience_ms(s, i)))) {
            return AILMENT_PLAIN;
        }
        ailment = acc_probe_fails_to_start(i) ? AILMENT_YOUNG : ailment;
    }
    return ailment;
}

/* What was taken off its network is ready all the same, and nobody waits for it: it is the root of
 * those that aren't well without it, and of no other. */
bool acc_svc_is_bereft(const struct acc_engine *e, const struct service *s)
{
    acc_each_out (e, s, edge) {
        if (acc_edge_hard(edge) && acc_svc_out_of_reach(e, &e->services[edge->to], s)) {
            return true;
        }
    }
    return false;
}

bool acc_svc_misses_one(struct acc_engine *e, struct service *s)
{
    return ailment_of(e, s) != AILMENT_NONE && acc_svc_is_bereft(e, s);
}

/* As long as it hurts nobody it is no incident: whoever did it may have meant it. */
static void tell_missed(struct acc_engine *e, struct service *d, enum ailment ailment)
{
    char text[ACC_TEXT_MAX + 1];

    acc_drift_text(e, d, text, sizeof(text));
    if (ailment == AILMENT_PLAIN && !acc_svc_observing(e, d) && d->wanted_up &&
        !e->shutdown.is_on &&
        (d->incident == ACC_NONE || strcmp(e->incidents[d->incident].cause, text) != 0)) {
        acc_incident_open(e, d, text);
        acc_mark(e, d);
    }
}

static void find_roots(struct acc_engine *e, struct service *s, struct roots *roots)
{
    enum ailment ailment = ailment_of(e, s);

    for (uint32_t k = 0; k < s->n_host; k++) {
        const struct condition *c = acc_host_of(e, s, k);

        if (c->is_met == ACC_NO && acc_host_concerns(e, s, c)) {
            roots_add(roots, acc_host_root(e, c), ACC_NONE);
        }
    }
    acc_each_out (e, s, edge) {
        bool is_met = acc_edge_met(e, edge);

        if (acc_edge_hard(edge) ||
            (edge->kind == ACC_EDGE_MILESTONE && !edge->at_create && !is_met && !s->running)) {
            roots_of_dep(e, edge, is_met, roots);
        }
        if (ailment != AILMENT_NONE && acc_edge_hard(edge) &&
            acc_svc_out_of_reach(e, &e->services[edge->to], s)) {
            roots_add(roots, edge->to, edge->from);
            tell_missed(e, &e->services[edge->to], ailment);
        }
    }
}

/* --- who suffers -------------------------------------------------------------------------------
 */

static struct incident *suffered(struct acc_engine *e, const struct suffered *from)
{
    struct incident *incident = &e->incidents[from->at];

    return incident->used && incident->id == from->id ? incident : NULL;
}

static bool still_suffers(const struct acc_engine *e, const struct service *s, uint32_t at)
{
    for (uint32_t k = 0; k < s->n_roots; k++) {
        if (acc_incident_of(e, s->roots[k]) == at) {
            return true;
        }
    }
    return false;
}

static bool is_counted(const struct service *s, uint32_t at)
{
    for (uint32_t k = 0; k < s->n_suffers; k++) {
        if (s->suffers[k].at == at) {
            return true;
        }
    }
    return false;
}

/* To stand behind a root is not enough: who does well all the same suffers nothing. */
void acc_suffer_update(struct acc_engine *e, struct service *s)
{
    bool is_hurt = s->wanted_up && (s->state == ACC_SVC_IMPAIRED || s->state == ACC_SVC_BLOCKED);
    uint32_t n = 0;

    for (uint32_t k = 0; k < s->n_suffers; k++) {
        struct incident *incident = suffered(e, &s->suffers[k]);

        if (incident && is_hurt && still_suffers(e, s, s->suffers[k].at)) {
            s->suffers[n++] = s->suffers[k];
        } else if (incident) {
            incident->n_suffer--;
        }
    }
    s->n_suffers = n;
    for (uint32_t k = 0; is_hurt && k < s->n_roots; k++) {
        uint32_t at = acc_incident_of(e, s->roots[k]);
        struct incident *incident = at == ACC_NONE ? NULL : &e->incidents[at];

        if (incident && !is_counted(s, at)) {
            s->suffers[s->n_suffers++] = (struct suffered){at, incident->id};
            incident->n_suffer++;
            incident->n_peak = incident->n_suffer > incident->n_peak ? incident->n_suffer
                                                                     : incident->n_peak;
            acc_victim_add(e, s, at);
        }
    }
}

/* --- roots, again ------------------------------------------------------------------------------
 */

void acc_root_update(struct acc_engine *e, struct service *s)
{
    struct roots roots = {.n = 0};
    bool was_sick = s->sick;

    find_roots(e, s, &roots);
    if (roots.n != s->n_roots ||
        memcmp(roots.item, s->roots, roots.n * sizeof(roots.item[0])) != 0) {
        memcpy(s->roots, roots.item, sizeof(s->roots));
        s->n_roots = roots.n;
        acc_mark_dependents(e, s);
    }
    s->sick = (!s->ready && !acc_svc_is_done(s)) || s->n_roots > 0;
    if (s->sick != was_sick) {
        s->sick_ms = s->sick ? e->now : s->sick_ms;
        acc_mark_dependents(e, s);
    }
    if (s->sick || was_sick) {
        s->last_sick_ms = e->now;
    }
}

/* --- attribution ----------------------------------------------------------------------------- */

/* Was this dependency bad during the run of `s` that failed at `at_ms`, and lately? What was bad
 * before the run began is no excuse: the gate let it start. */
static bool dep_is_guilty(struct acc_engine *e, const struct service *s, const struct edge *edge,
                          uint64_t at_ms)
{
    const struct service *d = &e->services[edge->to];
    uint64_t last_ms = d->sick ? e->now : d->last_sick_ms;
    uint64_t since_ms = d->sick ? d->sick_ms : d->last_sick_ms;

    if (acc_svc_out_of_reach(e, d, s)) {
        return true; /* the gate let it start all the same */
    }
    if (!acc_edge_met(e, edge) && !d->sick) {
        return true; /* not wanted any more, or not seen */
    }
    if (since_ms <= s->attempt_ms && d->sick) {
        return !acc_edge_met(e, edge); /* it can't be started again now either */
    }
    if (last_ms <= s->attempt_ms) {
        return false;
    }
    if (last_ms + s->timing.attribution_window >= at_ms) {
        return true;
    }
    return d->ready_ms + acc_recovery_grace(e, s) > at_ms && !s->ready &&
           s->last_ready_ms < d->ready_ms;
}

bool acc_attributed(struct acc_engine *e, const struct service *s, uint64_t at_ms)
{
    acc_each_out (e, s, edge) {
        if (acc_edge_hard(edge) && dep_is_guilty(e, s, edge, at_ms)) {
            return true;
        }
    }
    return acc_host_attributed(e, s, at_ms);
}

/* --- incidents ------------------------------------------------------------------------------- */

/* Its cause was told as what it is: a failure, or the engine's absence. */
static void note_incident(struct acc_engine *e, const struct incident *incident,
                          enum acc_incident_phase phase)
{
    uint32_t svc = acc_root_service(e, incident->root) ? incident->root : ACC_NONE;
    unsigned long long id = incident->id;
    unsigned n = incident->n_peak;
    char span[48];

    if (phase == ACC_INCIDENT_OPENED) {
        acc_note(e, ACC_NOTE_INCIDENT, svc, "incident %llu opened", id);
    } else if (phase == ACC_INCIDENT_CLOSED) {
        acc_format_span_ms(incident->closed_ms - incident->since_ms, span, sizeof(span));
        if (n == 0) {
            acc_note(e, ACC_NOTE_INCIDENT, svc, "incident %llu closed after %s", id, span);
        } else {
            acc_note(e, ACC_NOTE_INCIDENT, svc, "incident %llu closed after %s; %u %s%s suffered",
                     id, span, n, acc_root_sufferer(incident->root_id), acc_plural(n));
        }
    }
}

static void tell(struct acc_engine *e, const struct incident *incident,
                 enum acc_incident_phase phase)
{
    struct acc_action *action = acc_ask(
        e, ACC_ACT_INCIDENT, acc_root_service(e, incident->root) ? incident->root : ACC_NONE, NULL);

    action->incident.id = incident->id;
    action->incident.phase = phase;
    acc_asked(e, action);
    note_incident(e, incident, phase);
}

void acc_incident_queue(struct acc_engine *e, uint32_t at)
{
    e->incidents[at].next_closed = ACC_NONE;
    if (e->closed_first == ACC_NONE) {
        e->closed_first = at;
    } else {
        e->incidents[e->closed_last].next_closed = at;
    }
    e->closed_last = at;
}

/* The bounded table: an unused place, or that of the incident closed longest ago. */
static uint32_t incident_place(struct acc_engine *e)
{
    uint32_t at = e->closed_first;

    if (e->n_places < e->n_incidents) {
        return e->n_places++;
    }
    acc_assert(at != ACC_NONE);
    e->closed_first = e->incidents[at].next_closed;
    return at;
}

uint32_t acc_incident_new(struct acc_engine *e, uint32_t root, const char *root_id,
                          const char *cause)
{
    uint32_t at = incident_place(e);

    e->incidents[at] = (struct incident){.id = e->next_op++,
                                         .root = root,
                                         .since_ms = e->now,
                                         .used = true,
                                         .open = true,
                                         .first_victim = ACC_NONE};
    acc_copy(e->incidents[at].root_id, sizeof(e->incidents[at].root_id), root_id);
    acc_copy(e->incidents[at].cause, sizeof(e->incidents[at].cause), cause);
    acc_copy(e->incidents[at].first_cause, sizeof(e->incidents[at].first_cause), cause);
    tell(e, &e->incidents[at], ACC_INCIDENT_OPENED);
    return at;
}

uint32_t acc_incident_of(const struct acc_engine *e, uint32_t root)
{
    return acc_root_is_host(root) ? acc_root_condition(e, root)->incident
                                  : e->services[root].incident;
}

void acc_incident_open(struct acc_engine *e, struct service *s, const char *cause)
{
    if (s->incident != ACC_NONE) {
        struct incident *incident = &e->incidents[s->incident];

        acc_copy(incident->cause, sizeof(incident->cause), cause);
        incident->well_ms = 0;
        return;
    }
    s->incident = acc_incident_new(e, acc_svc_index(e, s), s->id, cause);
    acc_mark_dependents(e, s);
    /* who stood behind it before, near or far, is one of its victims */
    acc_mark_behind(e, acc_svc_index(e, s));
}

void acc_incident_close(struct acc_engine *e, uint32_t at)
{
    struct incident *incident = &e->incidents[at];

    incident->open = false;
    incident->closed_ms = e->now;
    acc_incident_queue(e, at);
    if (incident->root == ACC_ROOT_ENGINE) {
        e->engine_incident = ACC_NONE;
    } else if (acc_root_is_host(incident->root)) {
        acc_root_condition(e, incident->root)->incident = ACC_NONE;
    } else {
        e->services[incident->root].incident = ACC_NONE;
    }
    tell(e, incident, ACC_INCIDENT_CLOSED);
}

/* Well, or ill for a reason of its own. */
static bool is_over_it(const struct service *s, uint32_t root)
{
    if (!s->sick || !s->wanted_up || s->incident != ACC_NONE) {
        return true;
    }
    for (uint32_t k = 0; k < s->n_roots; k++) {
        if (s->roots[k] == root) {
            return false;
        }
    }
    return s->n_roots > 0 || s->state == ACC_SVC_BLOCKED || s->state == ACC_SVC_QUEUED ||
           s->state == ACC_SVC_HELD;
}

bool acc_incident_is_over(struct acc_engine *e, const struct incident *incident)
{
    uint32_t place = ACC_NONE;

    for (struct service *s; (s = acc_victim_next(e, incident, &place));) {
        e->n_visits++;
        if (!is_over_it(s, incident->root)) {
            return false;
        }
    }
    return true;
}

/* A job that has ended well will not fail again by itself. */
static bool is_unstable(const struct acc_engine *e, const struct service *s)
{
    return acc_fail_count(e, s, ACC_UNSTABLE_MS) >= ACC_UNSTABLE_FAILURES && !acc_svc_is_done(s);
}

static bool may_close(struct acc_engine *e, struct service *s, struct incident *incident)
{
    if ((!s->ready && !acc_svc_is_done(s)) || s->roll.is.step == ACC_ROLL_ASK ||
        acc_svc_is_off_network(e, s)) {
        incident->well_ms = 0;
        return false;
    }
    if (!incident->well_ms) { /* also what failed while it was well: a new container, say */
        incident->well_ms = e->now ? e->now : 1;
    }
    if (!acc_due(e, s, incident->well_ms + s->timing.incident_close) ||
        !acc_due(e, s, incident->check_ms)) {
        return false;
    }
    incident->check_ms = e->now + CLOSE_AGAIN_MS;
    if (is_unstable(e, s) || !acc_incident_is_over(e, incident)) {
        acc_wake_at(s, incident->check_ms);
        return false;
    }
    return true;
}

uint64_t acc_incident_well(const struct acc_engine *e, const struct incident *incident,
                           uint64_t *ret_closes_ms)
{
    const struct service *s = acc_root_service(e, incident->root);
    uint64_t well_ms = incident->well_ms;
    uint64_t close_ms = s ? s->timing.incident_close : e->timing.incident_close;

    *ret_closes_ms = 0;
    if (!incident->open) {
        return 0;
    }
    if (incident->root == ACC_ROOT_ENGINE) {
        well_ms = e->conn == CONN_UP && e->synced ? e->synced_ms : 0;
    } else if (!s) {
        const struct condition *c = acc_root_condition(e, incident->root);

        well_ms = c->is_met == ACC_NO ? 0 : c->since_ms;
    }
    if (well_ms && !(s && is_unstable(e, s))) {
        *ret_closes_ms = well_ms + close_ms > incident->check_ms ? well_ms + close_ms
                                                                 : incident->check_ms;
    }
    return well_ms;
}

void acc_incident_tell_all(struct acc_engine *e, struct incident *incident)
{
    if (!incident->notified) {
        incident->notified = true;
        tell(e, incident, ACC_INCIDENT_NOTIFY);
    }
}

void acc_incident_notify(struct acc_engine *e, struct service *s)
{
    if (s->incident != ACC_NONE) {
        acc_incident_tell_all(e, &e->incidents[s->incident]);
    }
}

/* Stopped or paused by hand, and that is believed: it is in a person's care. */
static bool is_taken_over(struct acc_engine *e, struct service *s)
{
    acc_each_slot (e, s, i) {
        if (i->held || (i->present && i->obs == ACC_CTR_PAUSED)) {
            return true;
        }
    }
    return false;
}

void acc_incident_update(struct acc_engine *e, struct service *s)
{
    struct incident *incident;

    if (s->incident == ACC_NONE && s->has_failed && s->state == ACC_SVC_FAILED && s->n_roots == 0 &&
        s->wanted_up && !acc_svc_observing(e, s)) {
        /* It was a victim, and will not come back with its root. */
        acc_incident_open(e, s, s->fail_text);
    }
    if (s->incident == ACC_NONE) {
        return;
    }
    incident = &e->incidents[s->incident];
    if (acc_svc_put_aside(e, s)) { /* whatever is wanted of it, and also while it is well */
        acc_incident_tell_all(e, incident);
        return;
    }
    if (!s->wanted_up || is_taken_over(e, s)) {
        acc_incident_close(e, s->incident);
        return;
    }
    uint64_t bad_ms = s->bad_ms ? s->bad_ms : acc_svc_is_off_network(e, s) ? incident->since_ms : 0;
    bool is_long_bad = bad_ms && acc_due(e, s, bad_ms + s->timing.incident_notify);

    if (is_unstable(e, s) || is_long_bad) {
        acc_incident_tell_all(e, incident);
    }
    if (may_close(e, s, incident)) {
        acc_incident_close(e, s->incident);
    }
}

/* --- the engine itself ----------------------------------------------------------------------- */

bool acc_engine_due(struct acc_engine *e, uint64_t at_ms)
{
    if (e->now < at_ms) {
        e->wake_ms = at_ms < e->wake_ms ? at_ms : e->wake_ms;
    }
    return e->now >= at_ms;
}

void acc_incident_engine(struct acc_engine *e)
{
    bool is_bad = e->conn == CONN_DOWN || e->conn == CONN_DEGRADED;
    const char *cause = e->conn == CONN_DEGRADED ? "Docker hangs: it does not answer in time"
                                                 : "Docker can't be reached";
    struct incident *incident;

    if (is_bad && e->engine_incident == ACC_NONE && !e->shutdown.is_on) {
        acc_note(e, ACC_NOTE_ENGINE, ACC_NONE, "%s", cause);
        e->engine_incident = acc_incident_new(e, ACC_ROOT_ENGINE, "engine", cause);
    }
    if (e->engine_incident == ACC_NONE) {
        return;
    }
    incident = &e->incidents[e->engine_incident];
    if (is_bad && strcmp(incident->cause, cause) != 0) {
        acc_note(e, ACC_NOTE_ENGINE, ACC_NONE, "%s", cause);
        acc_copy(incident->cause, sizeof(incident->cause), cause);
    }
    if (is_bad && acc_engine_due(e, e->conn_ms + e->timing.incident_notify)) {
        acc_incident_tell_all(e, incident);
    }
    if (!is_bad && e->synced && acc_engine_due(e, e->synced_ms + e->timing.incident_close)) {
        acc_incident_close(e, e->engine_incident);
    }
}
