/*
 * A changed configuration (E9): what the file says now is brought in by a rollout, with all the
 * safety of an upgrade, where there is something to lose: a container that serves. What doesn't
 * serve is made anew in its place, and what was rolled back isn't tried again before the file
 * changes.
 *
 * Of several services the ones that others stand on are changed first. Where one is rolled back,
 * those that stand on it stay as they were: the file means them to work with what isn't there.
 */

#include <stdio.h>
#include <string.h>

#include "lib/engine/internal.h"

/* A rollout that could not even begin is tried again after so long. */
#define AGAIN_MS 30000u

/* --- refused --------------------------------------------------------------------------------- */

bool acc_change_refused(const struct service *s)
{
    return s->bad_spec[0] && strcmp(s->bad_spec, s->spec) == 0;
}

void acc_change_forgive(struct acc_engine *e, struct service *s)
{
    if (s->bad_spec[0]) {
        s->bad_spec[0] = s->bad_why[0] = s->bad_root[0] = '\0';
        acc_save(s);
        acc_mark_all(e); /* others may be refused on its account */
    }
}

static bool has_change(struct acc_engine *e, struct service *s)
{
    acc_each_slot (e, s, i) {
        if (acc_inst_changed(e, i)) {
            return true;
        }
    }
    return false;
}

static void refuse(struct service *s, const char *spec, const char *root, const char *why)
{
    acc_copy(s->bad_spec, sizeof(s->bad_spec), spec);
    acc_copy(s->bad_root, sizeof(s->bad_root), root);
    acc_copy(s->bad_why, sizeof(s->bad_why), why);
    acc_save(s);
}

/* Those that stand on it, and are about to be changed, too. */
static void refuse_dependents(struct acc_engine *e, struct service *s)
{
    char why[ACC_OUTPUT_MAX + 1];

    (void)snprintf(why, sizeof(why), "%.160s, which it needs, was rolled back", s->nick);
    s->walk = ++e->walk; /* a command may be at its own marks */
    for (uint32_t k = 0; k < e->n_services; k++) {
        struct service *dependent = &e->services[e->order[k]];

        acc_each_out (e, dependent, edge) {
            if (acc_edge_hard(edge) && e->services[edge->to].walk == e->walk) {
                dependent->walk = e->walk;
            }
        }
        if (dependent != s && dependent->walk == e->walk && !acc_rollout_active(dependent) &&
            !acc_change_refused(dependent) && has_change(e, dependent)) {
            refuse(dependent, dependent->spec, s->id, why);
            acc_note(e, ACC_NOTE_DECISION, e->order[k], "stays as it was: %.200s", why);
            acc_mark_around(e, dependent);
        }
    }
}

void acc_change_take_along(struct acc_engine *e, struct service *s, const char *spec,
                           const char *root, const char *why)
{
    refuse(s, spec, root, why);
    acc_note(e, ACC_NOTE_DECISION, acc_svc_index(e, s), "its configuration goes back: %.200s", why);
    acc_mark_around(e, s);
}

bool acc_change_waits(struct acc_engine *e, struct service *s)
{
    return !acc_change_refused(s) && has_change(e, s);
}

void acc_change_refuse(struct acc_engine *e, struct service *s, const char *why)
{
    refuse(s, s->roll.is.spec, "", why);
    refuse_dependents(e, s);
}

void acc_change_take_on(struct service *s, const char *by)
{
    if (s->bad_spec[0] && strcmp(s->bad_spec, s->roll.is.spec) == 0) {
        (void)snprintf(s->bad_why, sizeof(s->bad_why), ACC_ASKED_BY "%.60s", by);
        acc_save(s);
    }
}

/* The one that it was refused for; NULL: it isn't refused any more. */
static const struct service *root_of(const struct acc_engine *e, const struct service *s)
{
    for (uint32_t v = 0; v < e->n_services; v++) {
        if (strcmp(e->services[v].id, s->bad_root) == 0 && acc_change_refused(&e->services[v])) {
            return &e->services[v];
        }
    }
    return NULL;
}

/* What it was refused for may be over: the file of the other one has changed. */
static void look_at_root(struct acc_engine *e, struct service *s)
{
    if (s->bad_root[0] && !root_of(e, s)) {
        acc_change_forgive(e, s);
    }
}

const char *acc_change_orderer(const char *why)
{
    size_t len = strlen(ACC_ASKED_BY);

    return strncmp(why, ACC_ASKED_BY, len) == 0 ? why + len : NULL;
}

bool acc_change_is_ordered(struct acc_engine *e, struct service *s)
{
    const struct service *root = s->bad_root[0] ? root_of(e, s) : s;

    return root && acc_change_refused(s) && acc_change_orderer(root->bad_why);
}

void acc_change_text(const struct acc_engine *e, const struct service *s, char *out,
                     size_t out_size)
{
    const char *by = acc_change_orderer(s->bad_why);
    bool is_banned = acc_svc_stays_at(e, s)[0];
    char again[2 * ACC_NAME_MAX + 16];

    (void)snprintf(again, sizeof(again), "%.100s%s%.150s", s->nick, is_banned ? " --image " : "",
                   is_banned ? s->image : "");

    if (s->bad_root[0]) {
        (void)snprintf(out, out_size, "stays as it was: %.250s", s->bad_why);
    } else if (by) {
        (void)snprintf(out, out_size,
                       "was rolled back to r%u by %.60s; change its file, or try it again with "
                       "accctl upgrade %s",
                       (unsigned)s->rev, by, again);
    } else {
        (void)snprintf(out, out_size,
                       "was rolled back to r%u: %s%.250s; change its file, or try it again with "
                       "accctl upgrade %s",
                       (unsigned)s->rev, acc_rollout_subject(s->bad_why), s->bad_why, again);
    }
}

/* --- a rollout, or made anew in its place? -----------------------------------------------------
 */

/* Another name is another container: there is none to go back to under the old one. */
static bool has_its_name(const struct acc_engine *e, const struct instance *i)
{
    char name[ACC_NAME_MAX + 1];

    acc_inst_canonical(e, i, name);
    return strcmp(name, i->name) == 0;
}

/* There is a container to lose, and one to go back to. */
static bool rolls(struct acc_engine *e, struct service *s)
{
    bool serves = false;

    if (s->one_shot || (s->ends && acc_svc_is_done(s)) || s->removed || !s->wanted_up) {
        return false;
    }
    acc_each_slot (e, s, i) {
        if (!i->present || !acc_inst_changed(e, i)) {
            continue;
        }
        if ((acc_inst_stranded(e, i) && !acc_group_target(e, s)) || !has_its_name(e, i)) {
            return false;
        }
        serves |= acc_inst_stranded(e, i); /* it has been stopped for its target's sake */
        serves |= i->obs == ACC_CTR_RUNNING && i->ready && !i->degraded;
    }
    return serves;
}

/* It has begun to stop its old one, and neither taken over nor is back. */
static bool may_go_back(const struct service *s)
{
    const enum acc_rollout_step step = s->roll.is.step;

    return step > ACC_ROLL_CREATE && step != ACC_ROLL_POST && step != ACC_ROLL_WATCH &&
           step != ACC_ROLL_RETIRE;
}

bool acc_change_is_kept(struct acc_engine *e, struct service *s, const struct instance *i)
{
    acc_each_out (e, s, edge) {
        if (acc_reaction(DEP_RESTARTS, edge) == REACT_FIRST &&
            may_go_back(&e->services[edge->to])) {
            return acc_inst_changed(e, i) && !i->recreate;
        }
    }
    return acc_inst_changed(e, i) && acc_inst_stranded(e, i) && acc_group_target(e, s);
}

bool acc_change_swaps(struct acc_engine *e, struct service *s, const struct instance *i)
{
    if (acc_change_is_kept(e, s, i)) {
        return false;
    }
    if (acc_inst_stranded(e, i)) {
        return true;
    }
    return acc_inst_changed(e, i) && !acc_change_refused(s) && !i->resumes && !rolls(e, s) &&
           (!acc_rollout_active(s) || s->roll.is.step == ACC_ROLL_WATCH);
}

bool acc_change_must_keep(struct acc_engine *e, struct service *s, const struct instance *i)
{
    const struct acc_rollout_record *is = &s->roll.is;
    bool is_going_back = acc_rollout_active(s) && is->step == ACC_ROLL_UNDO &&
                         !acc_rollout_is_new(s, i);
    bool is_other = i->spec[0] ? strcmp(i->spec, s->spec) != 0
                               : is->is_change || strcmp(s->applied, s->spec) != 0;

    return i->present && is_other && acc_inst_likeness(e, i) != ACC_LIKE_SAME && !s->removed &&
           (is_going_back || (acc_change_refused(s) && !acc_rollout_active(s)));
}

bool acc_change_is_near(struct acc_engine *e, struct service *s)
{
    bool is_awaited = false;

    acc_each_slot (e, s, i) {
        is_awaited |= acc_inst_running(i) && acc_compare_awaited(e, i);
    }
    return !acc_change_refused(s) && !acc_rollout_active(s) &&
           (is_awaited || (rolls(e, s) && !acc_hold_of_sharer(e, s)));
}

static bool is_in_hands(struct acc_engine *e, struct service *s)
{
    return !s->wanted_up || s->removed || acc_svc_observing(e, s) || acc_svc_held(e, s) ||
           acc_hold_no_stop(e, s) || acc_hold_no_start(e, s);
}

/* It would be rolled out, but for who shares with it and is held. */
static bool would_come(struct acc_engine *e, struct service *s)
{
    return !acc_change_refused(s) && !acc_rollout_active(s) && !is_in_hands(e, s) && rolls(e, s);
}

bool acc_change_comes(struct acc_engine *e, struct service *s)
{
    return would_come(e, s) && !acc_hold_of_sharer(e, s);
}

bool acc_change_is_held_up(struct acc_engine *e, struct service *s)
{
    return would_come(e, s) && acc_hold_of_sharer(e, s);
}

/* --- when ------------------------------------------------------------------------------------ */

/* What became of another configuration, or of a way back, says nothing of this one. */
bool acc_change_failed_to_begin(const struct service *s)
{
    const struct rollout *r = &s->roll;

    return r->result == ROLL_FAILED && !r->is.is_upgrade && strcmp(r->is.spec, s->spec) == 0;
}

static bool is_due(struct acc_engine *e, struct service *s)
{
    struct rollout *r = &s->roll;

    if (acc_rollout_active(s) || r->is_asked || r->op || is_in_hands(e, s) || !acc_may_act(e) ||
        acc_change_refused(s) || !rolls(e, s) || acc_hold_of_sharer(e, s) ||
        !acc_renew_may_follow(e, s) || acc_host_disk_is_full(e)) {
        return false;
    }
    acc_each_slot (e, s, i) { /* all of them are to be known, and at rest */
        if (i->op || i->need_list || i->end != END_NONE ||
            (i->present && (i->need_obs || acc_inst_stale(e, i) || acc_inst_unsure(e, i)))) {
            return false;
        }
    }
    return (!acc_change_failed_to_begin(s) || acc_due(e, s, r->ended_ms + AGAIN_MS)) &&
           (!r->ended_ms || acc_due(e, s, r->ended_ms + 1)) && acc_gate_start(e, s) &&
           acc_gate_breaker(e, s) && acc_resources_there(e, s);
}

/* Somebody has removed what it went back to, or it was taken down: no file has its configuration,
 * so what is made now is another revision, and that of the file (docs/adr/0003). */
static void look_at_kept(struct acc_engine *e, struct service *s)
{
    if (!acc_change_refused(s) || acc_rollout_active(s) || is_in_hands(e, s) || !acc_may_act(e)) {
        return;
    }
    acc_each_inst (e, s, i) {
        if (i->present || i->op || i->need_list || i->conflict_cid[0]) {
            return;
        }
    }
    acc_note(e, ACC_NOTE_DECISION, acc_svc_index(e, s),
             "is made from its file, as r%u: the container of r%u is gone, and no file has its "
             "configuration",
             (unsigned)s->last_rev + 1, (unsigned)s->rev);
    s->rev = ++s->last_rev;
    acc_change_forgive(e, s);
}

void acc_change_update(struct acc_engine *e, struct service *s)
{
    look_at_root(e, s);
    look_at_kept(e, s);
    if (is_due(e, s)) {
        acc_rollout_begin_change(e, s);
    }
}
