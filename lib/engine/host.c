#include "lib/engine/host.h"

#include <stdlib.h>
#include <string.h>

#include "lib/engine/internal.h"

#define LOOK_AGAIN_MS 5000u /* an incident that can't be closed yet is looked at again */

struct condition *acc_host_of(const struct acc_engine *e, const struct service *s, uint32_t k)
{
    return &e->conditions[e->host_links.of[s->first_host + k]];
}

struct condition *acc_root_condition(const struct acc_engine *e, uint32_t root)
{
    return &e->conditions[root - ACC_ROOT_HOST];
}

struct service *acc_root_service(const struct acc_engine *e, uint32_t root)
{
    return root < e->n_services ? &e->services[root] : NULL;
}

static uint32_t root_of(const struct acc_engine *e, const struct condition *c)
{
    return ACC_ROOT_HOST + (uint32_t)(c - e->conditions);
}

static void mark_own_users(struct acc_engine *e, uint32_t at)
{
    for (uint32_t u = 0; u < e->host_links.n_users[at]; u++) {
        acc_mark_around(e, &e->services[e->host_links.users[e->host_links.first[at] + u]]);
    }
}

/* Of a mount: of all that is lost with it. */
void acc_host_mark_users(struct acc_engine *e, const struct condition *c)
{
    mark_own_users(e, (uint32_t)(c - e->conditions));
    for (uint32_t k = c->first_lost; k != ACC_NONE; k = e->conditions[k].next_lost) {
        mark_own_users(e, k);
    }
    acc_mark_behind(e, root_of(e, c));
}

/* --- what is known --------------------------------------------------------------------------- */

/* What a condition is needed for. */
enum wish {
    TO_RUN = 0,
    TO_START,   /* where its sources lie */
    TO_BE_MADE, /* networks and volumes, and what it is made with */
};

/* Who has a container has no use for it. */
static bool is_for_making(const struct condition *c)
{
    return c->res != ACC_NONE || c->is.kind == ACC_HOST_MAKER;
}

static enum wish wish_of(const struct condition *c)
{
    if (is_for_making(c)) {
        return TO_BE_MADE;
    }
    return c->is.kind == ACC_HOST_PLACE || c->is.kind == ACC_HOST_DONE ||
                   c->is.kind == ACC_HOST_REACHED
               ? TO_START
               : TO_RUN;
}

static bool has_wish(struct acc_engine *e, struct service *s, enum wish wish)
{
    switch (wish) {
    case TO_RUN:
        break;
    case TO_START:
        return !s->ready && !acc_svc_is_done(s);
    case TO_BE_MADE:
        return acc_svc_lacks_container(e, s);
    }
    return true;
}

bool acc_host_concerns(struct acc_engine *e, struct service *s, const struct condition *c)
{
    return has_wish(e, s, wish_of(c));
}

void acc_host_lacks(const struct acc_engine *e, const struct condition *c, char *out,
                    size_t out_size)
{
    if (c->res != ACC_NONE) {
        acc_resource_lacks(&e->res[c->res], out, out_size);
    } else if (acc_host_is_mount(e, c)) {
        acc_mount_lacks(e, c, out, out_size);
    } else if (c->is.kind == ACC_HOST_PLACE) {
        acc_place_lacks(c->is.arg, c->known, c->seen, out, out_size);
    } else {
        acc_condition_lacks(&c->is, out, out_size);
    }
}

static void note_change(struct acc_engine *e, const struct condition *c, enum acc_tri was)
{
    char text[ACC_TEXT_MAX + 1];

    if (!acc_host_is_mount(e, c) && acc_mount_tells_of(c)) {
        return;
    }
    acc_host_lacks(e, c, text, sizeof(text));
    if (c->res != ACC_NONE) {
        acc_note(e, ACC_NOTE_OBSERVED, ACC_NONE, c->is_met == ACC_NO ? "%s" : "%s is there",
                 c->is_met == ACC_NO ? text : c->id);
    } else if (c->is_met == ACC_NO) {
        acc_note(e, ACC_NOTE_OBSERVED, ACC_NONE, "host: %s", text);
    } else if (c->is_met == ACC_UNKNOWN) {
        acc_note(e, ACC_NOTE_OBSERVED, ACC_NONE, "host: nobody can tell of %.160s any more",
                 c->is.text);
    } else if (was == ACC_NO) {
        acc_note(e, ACC_NOTE_OBSERVED, ACC_NONE, "host: %.160s is well again", c->is.text);
    }
}

void acc_host_became(struct acc_engine *e, struct condition *c, enum acc_tri is_met)
{
    enum acc_tri was = c->is_met;

    if (was == is_met) {
        return;
    }
    c->is_met = is_met;
    c->since_ms = e->now;
    c->is_lasting = false;
    if (was == ACC_NO) {
        c->last_bad_ms = e->now;
    }
    note_change(e, c, was);
    acc_host_mark_users(e, c);
    if (c->is.kind == ACC_HOST_DISK) { /* of whoever is to be changed */
        acc_mark_all(e);
    }
    acc_bits_set(&e->host_due, (uint32_t)(c - e->conditions));
}

static int by_text(const void *text, const void *condition)
{
    return strcmp(text, ((const struct condition *)condition)->is.text);
}

void acc_host_told(struct acc_engine *e, const struct acc_event *event)
{
    struct condition *disk = &e->conditions[e->n_of_host];
    bool is_disk = strcmp(event->host.condition, disk->is.text) == 0;
    struct condition *c = is_disk ? disk
                                  : bsearch(event->host.condition, e->conditions, e->n_of_host,
                                            sizeof(*e->conditions), by_text);

    if (!c) {
        return; /* of a configuration that isn't any more */
    }
    if (c->is.kind == ACC_HOST_PLACE) {
        acc_place_told(e, c, event->host.place ? event->host.place : "");
    } else {
        acc_host_became(e, c, event->host.is_met);
        acc_mount_follow(e, c);
    }
}

/* --- what follows for a service -------------------------------------------------------------- */

bool acc_host_disk_is_full(const struct acc_engine *e)
{
    return e->conditions[e->n_of_host].is_met == ACC_NO;
}

bool acc_host_lets_start(struct acc_engine *e, struct service *s)
{
    s->host_blocker = ACC_NONE;
    for (uint32_t k = 0; k < s->n_host; k++) {
        const struct condition *c = acc_host_of(e, s, k);

        if (c->is_met != ACC_YES && (!is_for_making(c) || acc_host_concerns(e, s, c))) {
            s->host_blocker = (uint32_t)(c - e->conditions);
            return false;
        }
    }
    return true;
}

const struct condition *acc_host_missed(const struct acc_engine *e, const struct service *s)
{
    for (uint32_t k = 0; k < s->n_host; k++) {
        const struct condition *c = acc_host_of(e, s, k);

        if (c->is_met == ACC_NO && !is_for_making(c)) {
            return c;
        }
    }
    return NULL;
}

bool acc_host_is_met(struct acc_engine *e, struct service *s)
{
    for (uint32_t k = 0; k < s->n_host; k++) {
        const struct condition *c = acc_host_of(e, s, k);

        if (c->is_met == ACC_NO && acc_host_concerns(e, s, c)) {
            return false;
        }
    }
    return true;
}

/* As with a dependency: it was missing during the run that failed, and lately, or the service has
 * not recovered from its return. */
static bool is_guilty(struct acc_engine *e, const struct service *s, const struct condition *c,
                      uint64_t at_ms)
{
    if (c->is_met == ACC_NO) {
        return !is_for_making(c); /* it can't be started again now either */
    }
    if (!c->last_bad_ms || c->last_bad_ms <= s->attempt_ms) {
        return false;
    }
    if (c->last_bad_ms + s->timing.attribution_window >= at_ms) {
        return true;
    }
    return c->last_bad_ms + acc_recovery_grace(e, s) > at_ms && !s->ready &&
           s->last_ready_ms < c->last_bad_ms;
}

bool acc_host_attributed(struct acc_engine *e, const struct service *s, uint64_t at_ms)
{
    for (uint32_t k = 0; k < s->n_host; k++) {
        const struct condition *c = acc_host_of(e, s, k);

        if (is_guilty(e, s, c, at_ms)) {
            return true;
        }
    }
    return false;
}

void acc_host_count(struct acc_engine *e, struct service *s)
{
    bool wants = s->wanted_up && !s->removed && s->n_inst > 0 && !acc_svc_observing(e, s) &&
                 !acc_svc_is_done(s);

    uint32_t wishes = 0;

    for (enum wish wish = TO_RUN; wants && wish <= TO_BE_MADE; wish++) {
        wishes |= has_wish(e, s, wish) ? 1u << wish : 0;
    }
    if (wishes == s->host_wishes) {
        return;
    }
    for (uint32_t k = 0; k < s->n_host; k++) {
        struct condition *c = acc_host_of(e, s, k);
        uint32_t bit = 1u << wish_of(c);

        if ((wishes ^ s->host_wishes) & bit) {
            c->n_wanting += wishes & bit ? 1 : UINT32_MAX;
            acc_mount_count(e, c, wishes & bit ? 1 : UINT32_MAX);
            acc_bits_set(&e->host_due, (uint32_t)(c - e->conditions));
            if (c->res != ACC_NONE && c->is_met == ACC_NO && c->n_wanting > 0) {
                acc_resource_wanted(e, &e->res[c->res]);
            }
        }
    }
    s->host_wishes = wishes;
}

/* --- its incidents --------------------------------------------------------------------------- */

/* What accd itself needs is missed by somebody always. */
static bool is_missed(const struct condition *c)
{
    return c->n_wanting > 0 || c->is.kind == ACC_HOST_DISK;
}

static void update_incident(struct acc_engine *e, struct condition *c)
{
    struct incident *incident = &e->incidents[c->incident];

    /* Nobody misses it. Who got ready since it is back may go on to miss it. */
    if (!is_missed(c) && (wish_of(c) == TO_RUN || c->is_met == ACC_NO)) {
        acc_incident_close(e, c->incident);
        return;
    }
    if (c->is_met == ACC_NO) {
        if (acc_engine_due(e, c->since_ms + e->timing.incident_notify)) {
            acc_incident_tell_all(e, incident);
        }
        return;
    }
    if (!acc_engine_due(e, c->since_ms + e->timing.incident_close) ||
        !acc_engine_due(e, incident->check_ms)) {
        return;
    }
    if (acc_incident_is_over(e, incident)) {
        acc_incident_close(e, c->incident);
    } else {
        incident->check_ms = e->now + LOOK_AGAIN_MS;
        (void)acc_engine_due(e, incident->check_ms);
    }
}

/* Why it is missing may change while it is. */
static void follow_cause(struct acc_engine *e, const struct condition *c)
{
    struct incident *incident = &e->incidents[c->incident];
    char cause[ACC_TEXT_MAX + 1];

    if (c->is_met == ACC_NO) {
        acc_host_lacks(e, c, cause, sizeof(cause));
        acc_copy(incident->cause, sizeof(incident->cause), cause);
    }
}

/* What could not be made for somebody who doesn't want it any more is not known to be missing: the
 * next one asks, and has an incident when that fails. */
static void forget_refusal(struct acc_engine *e, struct condition *c)
{
    c->is_met = ACC_YES;
    c->since_ms = e->now;
    c->is_lasting = false;
    e->res[c->res].n_failures = 0;
    acc_bits_clear(&e->res_due[e->res[c->res].kind], c->res);
    acc_host_mark_users(e, c);
}

static void update(struct acc_engine *e, struct condition *c)
{
    char cause[ACC_TEXT_MAX + 1];

    if (c->incident != ACC_NONE) {
        follow_cause(e, c);
    }
    if (c->mount != ACC_NONE) { /* it is no root by itself */
        if (c->incident != ACC_NONE) {
            acc_incident_close(e, c->incident);
        }
        return;
    }
    if (c->is_met == ACC_NO && is_missed(c) && c->incident == ACC_NONE && !e->shutdown.is_on) {
        acc_host_lacks(e, c, cause, sizeof(cause));
        c->incident = acc_incident_new(e, root_of(e, c), c->id, cause);
        acc_host_mark_users(e, c);
    }
    if (c->is_met == ACC_NO && !c->is_lasting &&
        acc_engine_due(e, c->since_ms + ACC_HOST_PATIENCE_MS)) {
        c->is_lasting = true;
        acc_host_mark_users(e, c);
    }
    if (c->incident != ACC_NONE) {
        update_incident(e, c);
    }
    if (c->res != ACC_NONE && c->is_met == ACC_NO && !is_missed(c)) {
        forget_refusal(e, c);
    }
}

/* Those that are missing, or have an incident; the others have nothing to wait for. */
void acc_incident_hosts(struct acc_engine *e)
{
    struct acc_bits *due = &e->host_due;

    for (uint32_t w = 0; due->n_set > 0 && w < due->n_words; w++) {
        for (uint64_t left = due->word[w]; left && acc_has_room(e); left &= left - 1) {
            uint32_t k = w * 64 + (uint32_t)__builtin_ctzll(left);

            update(e, &e->conditions[k]);
            if (e->conditions[k].is_met != ACC_NO && e->conditions[k].incident == ACC_NONE) {
                acc_bits_clear(due, k);
            }
        }
    }
}

void acc_host_index(struct acc_engine *e)
{
    for (uint32_t k = 0; k < e->n_conditions; k++) {
        acc_bits_set(&e->host_due, k);
    }
}
