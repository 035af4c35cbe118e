/*
 * Upgrades that nobody asks for (x-acc.upgrade.auto): when a service takes what its registry has.
 *
 * The clock on the wall and what the registries have are told by events; nothing here happens
 * without them. An image is taken when its window is open for long enough, its digest has been
 * known for min_age and was looked at again since, all is well, and nothing else is being upgraded:
 * one service at a time, in the order of dependencies. From there on it is an upgrade like any
 * other. An image that was taken back is not tried again.
 */

#include <stdio.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/engine/internal.h"

/* Registries are asked at least so often, so that an image's age doesn't begin with the window. */
#define LOOK_EVERY_S 86400
/* ... and not again for so long when they didn't answer; a limit of Docker Hub lasts for hours, but
 * that of most others for minutes. */
#define LOOK_AGAIN_S 1800
/* No answer to a look: accd's own limit is 30 s for each image, and some are asked at once. */
#define LOOK_LOST_MS 900000u
/* An upgrade that changed nothing (its pull failed) isn't tried again sooner. */
#define TRY_AGAIN_S 1800
/* What the pull may take of a window; a 2 GB image at 60 Mbit/s. */
#define PULL_S 300
/* A clock that was set back may have made an image younger than nothing. */
#define FUTURE_S 60
/* Openings of its windows that are looked at for one that is long enough. */
#define OPENINGS_MAX 16

/* So long all that runs stood still in the last minute: an upgrade would be measured by that. */
#define MEMORY_PERMILLE_MAX 50u
#define IO_PERMILLE_MAX     400u

bool acc_auto_is_pressed(const struct acc_event *event)
{
    return event->clock.memory_permille >= MEMORY_PERMILLE_MAX ||
           event->clock.io_permille >= IO_PERMILLE_MAX;
}

static int64_t wall_s(const struct acc_engine *e, uint64_t now_ms)
{
    uint64_t passed_ms = now_ms > e->clock.at_ms ? now_ms - e->clock.at_ms : 0;

    return (e->clock.unix_ms + (int64_t)passed_ms) / 1000;
}

/* --- when ------------------------------------------------------------------------------------ */

struct opening {
    int64_t begin_s, end_s;
};

static bool find_opening(const struct acc_engine *e, const struct service *s, int64_t at_s,
                         struct opening *ret)
{
    return acc_windows_find(s->autos.spec.window, s->autos.spec.n_windows, &e->clock.zone, at_s,
                            &ret->begin_s, &ret->end_s);
}

/* From its begin until it is known to be good. */
static int64_t needs_s(const struct service *s)
{
    return PULL_S + (int64_t)((s->timing.upgrade_stable + s->timing.upgrade_monitor) / 1000);
}

/* When could an upgrade that is due at `due_s` begin? 0: in none of the next openings. */
static int64_t begins_s(const struct acc_engine *e, const struct service *s, int64_t due_s)
{
    struct opening opening;

    for (int k = 0; k < OPENINGS_MAX && find_opening(e, s, due_s, &opening); k++) {
        int64_t begin_s = opening.begin_s > due_s ? opening.begin_s : due_s;

        if (opening.end_s - begin_s >= needs_s(s)) {
            return begin_s;
        }
        due_s = opening.end_s;
    }
    return 0;
}

static int64_t ripe_s(const struct service *s)
{
    return s->autos.is.since_s + (int64_t)(s->autos.spec.min_age_ms / 1000);
}

/* --- what is known --------------------------------------------------------------------------- */

/* What was seen is of this reference, and not what runs. */
static bool is_pending(const struct service *s)
{
    const struct acc_auto_record *is = &s->autos.is;

    return s->autos.is_set && is->digest[0] && strcmp(is->image, s->image) == 0;
}

static bool was_taken_back(const struct service *s)
{
    return s->autos.is.bad_digest[0] && strcmp(s->autos.is.bad_digest, s->autos.is.digest) == 0;
}

static struct service *find_id(struct acc_engine *e, const char *id)
{
    uint32_t pos = UINT32_MAX;

    for (uint32_t v; (v = acc_index_next(&e->by_id, acc_hash_text(id), &pos)) != ACC_NONE;) {
        if (strcmp(e->services[v].id, id) == 0) {
            return &e->services[v];
        }
    }
    return NULL;
}

void acc_auto_looked(struct acc_engine *e, const struct acc_event *event)
{
    struct service *s = find_id(e, event->looked.service);
    struct acc_auto_record *is;
    int64_t now_s = wall_s(e, e->now);

    if (!s || !s->autos.is_set || !e->clock.is_known ||
        strcmp(event->looked.image, s->image) != 0) {
        return;
    }
    is = &s->autos.is;
    s->autos.look_ms = 0;
    if (event->looked.news == ACC_NEWS_UNKNOWN) {
        s->autos.again_s = now_s + LOOK_AGAIN_S;
        acc_copy(s->autos.why, sizeof(s->autos.why), event->looked.reason);
        return;
    }
    if (s->autos.why[0]) { /* the registry answers again, whoever asked it */
        s->autos.why[0] = '\0';
        s->autos.again_s = 0;
    }
    is->looked_s = now_s;
    if (event->looked.news == ACC_NEWS_NONE) {
        is->digest[0] = '\0';
    } else if (strcmp(is->digest, event->looked.digest) != 0 || strcmp(is->image, s->image) != 0) {
        acc_copy(is->digest, sizeof(is->digest), event->looked.digest);
        is->since_s = now_s;
        acc_note(e, ACC_NOTE_OBSERVED, acc_svc_index(e, s),
                 "%.100s means another image in the registry: %.30s", s->image, is->digest);
    } else if (is->since_s > now_s + FUTURE_S) {
        is->since_s = now_s;
    }
    acc_copy(is->image, sizeof(is->image), s->image);
    acc_save(s);
    acc_mark(e, s);
}

/* --- whether --------------------------------------------------------------------------------- */

/* Its upgrade waits for somebody's word or hand, for as long as that takes. */
static bool is_up_to_somebody(struct acc_engine *e, struct service *s)
{
    return s->roll.is.step == ACC_ROLL_ASK ||
           (acc_rollout_active(s) && acc_group_stands_aside(e, s));
}

static const struct service *any_upgrade(struct acc_engine *e, const struct service *s)
{
    for (uint32_t v = 0; v < e->n_services; v++) {
        struct service *other = &e->services[v];

        if ((acc_rollout_active(other) || other->roll.is_asked) &&
            (other == s || !is_up_to_somebody(e, other))) {
            return other;
        }
    }
    return NULL;
}

static const struct incident *any_incident(const struct acc_engine *e)
{
    for (uint32_t k = 0; k < e->n_incidents; k++) {
        const struct incident *incident = &e->incidents[k];
        bool is_asking = incident->root < e->n_services &&
                         e->services[incident->root].roll.is.step == ACC_ROLL_ASK;

        if (incident->used && incident->open && !is_asking) {
            return incident;
        }
    }
    return NULL;
}

/* Its own upgrade would wait for that of the other one, and all others for it. */
static const struct service *undecided_dependency(struct acc_engine *e, const struct service *s)
{
    acc_each_out (e, s, edge) {
        struct service *d = &e->services[edge->to];

        if (edge->kind != ACC_EDGE_CONFLICTS && is_up_to_somebody(e, d)) {
            return d;
        }
    }
    return NULL;
}

/* A service that it stands on and that isn't well. */
static const struct service *ill_dependency(const struct acc_engine *e, const struct service *s)
{
    acc_each_out (e, s, edge) {
        const struct service *d = &e->services[edge->to];

        if (acc_edge_hard(edge) && (!acc_edge_met(e, edge) || d->sick)) {
            return d;
        }
    }
    return NULL;
}

/* There is nothing that could be watched: no upgrade is begun. */
static bool is_over(const struct service *s)
{
    return s->one_shot || acc_svc_is_done(s);
}

/* Why it can never be, as things are: "" when it can. */
static void never(const struct acc_engine *e, const struct service *s, char *out, size_t size)
{
    out[0] = '\0';
    if (strchr(s->image, '@')) {
        acc_copy(out, size, "the file names a digest");
    } else if (is_over(s)) {
        acc_copy(out, size,
                 s->one_shot ? "it runs to its end and isn't upgraded" : "it has run to its end");
    } else if (s->pin_image[0] && strcmp(s->pin_spec, s->spec) == 0) {
        (void)snprintf(out, size, "%.100s was asked for by hand", s->pin_image);
    } else if (is_pending(s) && was_taken_back(s)) {
        acc_copy(out, size, "this image was taken back before");
    } else if (acc_change_refused(s)) { /* it would bring that, too */
        acc_copy(out, size, "its configuration was rolled back");
    } else if (e->clock.is_known && begins_s(e, s, wall_s(e, e->now)) == 0) {
        char span[48];

        acc_format_span_ms((uint64_t)needs_s(s) * 1000u, span, sizeof(span));
        (void)snprintf(out, size, "its window is too short: an upgrade may take %s", span);
    }
}

/* Why not now, apart from the time: "" when nothing is in the way. */
static void not_now(struct acc_engine *e, struct service *s, char *out, size_t size)
{
    const struct service *other = any_upgrade(e, s);
    const struct service *undecided = undecided_dependency(e, s);
    const struct incident *incident = any_incident(e);
    const struct service *ill = ill_dependency(e, s);

    out[0] = '\0';
    if (acc_svc_observing(e, s)) {
        acc_copy(out, size, "its stack is only observed");
    } else if (s->hold.is.kind != ACC_HOLD_NONE || e->maintenance.is.kind != ACC_HOLD_NONE) {
        acc_hold_text(e, s, e->now, out, size);
    } else if (acc_hold_of_sharer_text(e, s, e->now, out, size)) {
        return;
    } else if (!s->wanted_up) {
        acc_copy(out, size, "it is off");
    } else if (!acc_may_act(e)) {
        acc_copy(out, size, "Docker is away");
    } else if (e->now < e->boot_ms + e->timing.boot_grace) {
        acc_copy(out, size, "accd has just begun");
    } else if (other) {
        (void)snprintf(out, size, "%.100s is being upgraded", other->nick);
    } else if (undecided) {
        (void)snprintf(out, size, "the upgrade of %.100s, which it needs, waits for somebody",
                       undecided->nick);
    } else if (incident) {
        (void)snprintf(out, size, "incident %llu (%.100s) is open",
                       (unsigned long long)incident->id, incident->root_id);
    } else if (acc_storm_is_on(e)) {
        acc_copy(out, size, "many services have just failed");
    } else if (e->clock.is_pressed) {
        acc_copy(out, size, "the host is under pressure");
    } else if (s->state != ACC_SVC_UP || s->sick) {
        (void)snprintf(out, size, "it is %s", acc_svc_state_name(s->state));
    } else if (ill) {
        (void)snprintf(out, size, "it needs %.100s, which isn't well", ill->nick);
    }
}

/* --- doing it -------------------------------------------------------------------------------- */

static void ask_registry(struct acc_engine *e, struct service *s)
{
    s->autos.look_ms = e->now ? e->now : 1;
    acc_asked(e, acc_ask(e, ACC_ACT_LOOK_UP, acc_svc_index(e, s), NULL));
}

/* Once a day, once in each opening, and when what is to be taken has become old enough. */
static bool is_to_look(const struct acc_engine *e, const struct service *s, int64_t now_s)
{
    const struct acc_auto_record *is = &s->autos.is;
    bool is_known = strcmp(is->image, s->image) == 0;

    if ((s->autos.look_ms && e->now < s->autos.look_ms + LOOK_LOST_MS) ||
        now_s < s->autos.again_s) {
        return false;
    }
    if (!is_known || now_s >= is->looked_s + LOOK_EVERY_S || is->looked_s > now_s + FUTURE_S) {
        return true;
    }
    if (now_s < s->autos.opening_s + s->autos.spread_s) {
        return false;
    }
    return is->looked_s < s->autos.opening_s ||
           (is_pending(s) && now_s >= ripe_s(s) && is->looked_s < ripe_s(s));
}

static void begin(struct acc_engine *e, struct service *s)
{
    struct acc_cmd cmd = {.verb = ACC_VERB_UPGRADE, .by = ACC_BY_AUTO};

    acc_note(e, ACC_NOTE_DECISION, acc_svc_index(e, s), "its window is open: upgrade to %.30s",
             s->autos.is.digest);
    acc_rollout_ask(e, s, &cmd);
    acc_copy(s->roll.ask_digest, sizeof(s->roll.ask_digest), s->autos.is.digest);
    acc_save(s);
    acc_mark_around(e, s);
}

/* True: it has begun, and the others wait. */
static bool turn(struct acc_engine *e, struct service *s, int64_t now_s)
{
    struct opening opening;
    char why[ACC_TEXT_MAX + 1];
    bool is_open = find_opening(e, s, now_s, &opening) && opening.begin_s <= now_s;

    if (is_open && opening.begin_s != s->autos.opening_s) {
        s->autos.opening_s = opening.begin_s;
        s->autos.spread_s = (int64_t)(acc_random(e, s->timing.auto_spread + 1) / 1000);
    }
    never(e, s, why, sizeof(why));
    if (why[0] && (!is_pending(s) || is_over(s))) {
        return false;
    }
    if (is_to_look(e, s, now_s)) {
        ask_registry(e, s);
    }
    if (why[0] || !is_open || !is_pending(s) || s->autos.look_ms || now_s < ripe_s(s) ||
        now_s < s->autos.again_s || now_s < s->autos.opening_s + s->autos.spread_s ||
        s->autos.is.looked_s < s->autos.opening_s || s->autos.is.looked_s < ripe_s(s) ||
        opening.end_s - now_s < needs_s(s)) {
        return false;
    }
    not_now(e, s, why, sizeof(why));
    if (why[0]) {
        return false;
    }
    begin(e, s);
    return true;
}

void acc_autos_act(struct acc_engine *e)
{
    int64_t now_s = wall_s(e, e->now);

    if (!e->clock.is_known || !e->clock.is_due || !acc_may_act(e)) {
        return;
    }
    for (uint32_t k = 0; k < e->n_services; k++) {
        struct service *s = &e->services[e->order[k]];

        if (!s->autos.is_set || s->removed) {
            continue;
        }
        if (!acc_has_room(e)) {
            return; /* is_due stays: the next step goes on */
        }
        if (turn(e, s, now_s)) {
            break;
        }
    }
    e->clock.is_due = false;
}

/* --- what became of it ----------------------------------------------------------------------- */

/* `digest` isn't to be taken unasked again; "" when it is unknown. */
void acc_auto_spend(struct service *s, const char *digest)
{
    if (digest[0]) {
        acc_copy(s->autos.is.bad_digest, sizeof(s->autos.is.bad_digest), digest);
    }
}

void acc_auto_ended(struct acc_engine *e, struct service *s)
{
    const struct rollout *r = &s->roll;
    bool is_good = r->result == ROLL_COMMITTED || r->result == ROLL_UP_TO_DATE;
    char text[ACC_TEXT_MAX + 1];

    if (is_good) { /* the next look tells whether there is more */
        s->autos.is.digest[0] = '\0';
        if (strcmp(s->autos.is.bad_digest, r->is.digest) == 0) {
            s->autos.is.bad_digest[0] = '\0';
        }
    }
    e->clock.is_due = true; /* the next one may begin */
    if (strcmp(r->is.by, ACC_BY_AUTO) != 0 || is_good) {
        return;
    }
    s->autos.again_s = wall_s(e, e->now) + TRY_AGAIN_S;
    if (r->is_undo_asked || !s->wanted_up) {
        return; /* who did it knows, and so does who has turned it off meanwhile */
    }
    (void)snprintf(text, sizeof(text), "its upgrade by itself %s: %.140s",
                   r->result == ROLL_ROLLED_BACK ? "was taken back" : "failed", r->is.why);
    acc_incident_open(e, s, text);
    acc_incident_notify(e, s);
}

/* What is pending comes then, if its window is open. */
static int64_t due_s(const struct service *s, const struct opening *opening, int64_t now_s)
{
    bool is_open = opening->begin_s <= now_s && opening->begin_s == s->autos.opening_s;
    int64_t spread_s = is_open ? s->autos.opening_s + s->autos.spread_s : 0;
    int64_t due_s = ripe_s(s) > now_s ? ripe_s(s) : now_s;

    due_s = s->autos.again_s > due_s ? s->autos.again_s : due_s;
    return spread_s > due_s ? spread_s : due_s;
}

/* --- looking in from outside ----------------------------------------------------------------- */

/* An image that is refused was spent with its digest. */
bool acc_engine_took_back(const struct acc_engine *engine, uint32_t svc, const char *digest,
                          bool *ret_is_refused)
{
    const struct service *s = &engine->services[svc];

    acc_assert(svc < engine->n_services);
    *ret_is_refused = s->bad_id[0] != '\0';
    return digest[0] && strcmp(s->autos.is.bad_digest, digest) == 0;
}

void acc_engine_auto(const struct acc_engine *engine, uint32_t svc, uint64_t now_ms,
                     struct acc_auto_view *ret_view)
{
    union { /* the walkers want it changeable; nothing is changed */
        const struct acc_engine *in;
        struct acc_engine *out;
    } cast = {engine};
    struct acc_engine *e = cast.out;
    struct service *s = &e->services[svc];
    int64_t now_s = wall_s(e, now_ms);
    struct opening opening;

    acc_assert(svc < engine->n_services);
    *ret_view = (struct acc_auto_view){.is_set = s->autos.is_set && !s->removed, .digest = ""};
    if (!ret_view->is_set || !e->clock.is_known) {
        return;
    }
    never(e, s, ret_view->reason, sizeof(ret_view->reason));
    if (find_opening(e, s, now_s, &opening)) {
        ret_view->next_s = opening.begin_s;
    } else {
        opening.begin_s = INT64_MAX;
    }
    ret_view->is_pending = is_pending(s) && !is_over(s) && !was_taken_back(s) &&
                           !acc_rollout_active(s);
    if (!is_pending(s) || acc_rollout_active(s)) {
        if (!ret_view->reason[0]) {
            acc_copy(ret_view->reason, sizeof(ret_view->reason), s->autos.why);
        }
        return;
    }
    ret_view->digest = s->autos.is.digest;
    ret_view->seen_s = s->autos.is.since_s;
    ret_view->ripe_s = ripe_s(s);
    if (ret_view->reason[0]) {
        return;
    }
    ret_view->taken_s = begins_s(e, s, due_s(s, &opening, now_s));
    if (s->autos.why[0]) {
        acc_copy(ret_view->reason, sizeof(ret_view->reason), s->autos.why);
    } else if (ret_view->taken_s <= now_s) {
        not_now(e, s, ret_view->reason, sizeof(ret_view->reason));
    }
}
