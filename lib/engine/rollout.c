/*
 * Upgrades (E9): the way forward, from the wish to the removal of the container that was replaced.
 *
 * A rollout goes through the replicas one at a time. Its step is kept in the service's record;
 * everything else is read from the names of the containers: who holds the canonical name is the
 * committed one. So every step may be repeated, and what is left after a loss of the record can be
 * ended by rollout_undo.c, which also has the way back.
 *
 * Doesn't know how an image is pulled or where a revision is stored.
 */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/engine/internal.h"

/* What failed is tried so often; then the rollout has failed. */
#define TRIES_MAX    3u
#define RETRY_MS     2000ull
#define ILL_AGAIN_MS 1000u
/* What somebody takes away again and again while it is tried is no surroundings for a trial. */
#define EXCUSES_MAX 5u

#define HANDED_BACK "its stack is handed back"

/* --- roles ----------------------------------------------------------------------------------- */

static size_t digits_at_end(const char *name, size_t len, uint64_t *ret_number)
{
    size_t n = 0;
    uint64_t unit = 1;

    *ret_number = 0;
    while (n < len && n < 18 && name[len - n - 1] >= '0' && name[len - n - 1] <= '9') {
        *ret_number += (uint64_t)(name[len - n - 1] - '0') * unit;
        unit *= 10;
        n++;
    }
    return n;
}

/* The canonical name itself may end in ".c1": then it is no candidate. */
enum role acc_role_of(const struct acc_engine *e, const struct instance *i, const char *name,
                      uint64_t *ret_number, size_t *ret_base_len)
{
    static const struct {
        const char *tag;
        enum role role;
    } tags[] = {{".c", ROLE_CANDIDATE}, {".r", ROLE_RETIRED}, {".bad", ROLE_BAD}};
    char canonical[ACC_NAME_MAX + 1];
    size_t len = strlen(name);
    size_t n = digits_at_end(name, len, ret_number);

    for (size_t k = 0; n > 0 && k < ACC_ARRAY_LEN(tags); k++) {
        size_t tag_len = strlen(tags[k].tag);

        if (len > n + tag_len && memcmp(name + len - n - tag_len, tags[k].tag, tag_len) == 0) {
            *ret_base_len = len - n - tag_len;
            acc_inst_canonical(e, i, canonical);
            return strcmp(name, canonical) == 0 ? ROLE_NONE : tags[k].role;
        }
    }
    return ROLE_NONE;
}

bool acc_rollout_is_stray(const struct service *s, const struct instance *i)
{
    return acc_rollout_active(s) && i->role == ROLE_CANDIDATE && i->role_number != s->roll.is.id;
}

/* The old one of a slot hasn't been let go yet. */
static bool is_forward(const struct service *s)
{
    return s->roll.is.step >= ACC_ROLL_PULL && s->roll.is.step <= ACC_ROLL_SWITCH;
}

struct cast acc_rollout_cast(struct acc_engine *e, const struct service *s, uint32_t slot)
{
    struct cast cast = {NULL, NULL, NULL, NULL};

    acc_each_inst (e, s, i) {
        struct instance **at = i->role == ROLE_CANDIDATE ? &cast.candidate
                               : i->role == ROLE_RETIRED ? &cast.retired
                               : i->role == ROLE_BAD     ? &cast.bad
                                                         : &cast.holder;

        if (i->present && i->slot == slot && !*at && !acc_rollout_is_stray(s, i)) {
            *at = i;
        }
    }
    if (!cast.holder && cast.retired && acc_inst_running(cast.retired) && is_forward(s)) {
        cast.holder = cast.retired; /* a rename that came true late put it aside as it serves */
    }
    return cast;
}

bool acc_rollout_is_new(const struct service *s, const struct instance *i)
{
    return i->present && i->revision != 0 && i->revision == s->roll.is.to;
}

bool acc_rollout_is_on_trial(const struct service *s, const struct instance *i)
{
    enum acc_rollout_step step = s->roll.is.step;

    return step > ACC_ROLL_IDLE && step < ACC_ROLL_WATCH && acc_rollout_is_new(s, i);
}

const struct instance *acc_rollout_old(struct acc_engine *e, const struct service *s, uint32_t slot)
{
    struct cast cast = acc_rollout_cast(e, s, slot);
    bool is_new = cast.holder && acc_rollout_active(s) && acc_rollout_is_new(s, cast.holder);

    return cast.retired ? cast.retired : is_new ? NULL : cast.holder;
}

/* Somebody has renamed the new one, and be it to the name of the service. It is committed when the
 * old one is put aside and it has that name: until then it is what it was. */
static bool is_candidate_still(struct acc_engine *e, const struct service *s,
                               const struct instance *i)
{
    enum acc_rollout_step step = s->roll.is.step;
    bool is_tried = step >= ACC_ROLL_CREATE && is_forward(s) && i->slot == s->roll.is.slot;
    bool has_old = false;
    char canonical[ACC_NAME_MAX + 1];

    if (!acc_rollout_is_new(s, i) || (!is_tried && step != ACC_ROLL_UNDO && step != ACC_ROLL_ASK)) {
        return false;
    }
    acc_each_inst (e, s, k) {
        if (k == i || !k->present || k->slot != i->slot) {
            continue;
        }
        if (k->role == ROLE_CANDIDATE && acc_rollout_is_new(s, k)) {
            return false; /* its labels were copied */
        }
        has_old |= k->role == ROLE_NONE && !acc_rollout_is_new(s, k);
    }
    acc_inst_canonical(e, i, canonical);
    return has_old || (is_tried && strcmp(i->name, canonical) != 0);
}

void acc_inst_cast_by_name(struct acc_engine *e, struct instance *i)
{
    const struct service *s = acc_svc_of(e, i);
    size_t len;

    i->role = acc_role_of(e, i, i->name, &i->role_number, &len);
    if (i->role == ROLE_NONE && is_candidate_still(e, s, i)) {
        i->role = ROLE_CANDIDATE;
        i->role_number = s->roll.is.id;
    }
}

void acc_rollout_cast_by_name(struct acc_engine *e, struct service *s)
{
    acc_each_inst (e, s, i) {
        if (i->present) {
            acc_inst_cast_by_name(e, i);
        }
    }
}

/* --- whose fault ----------------------------------------------------------------------------- */

static bool has_hard(const struct acc_engine *e, const struct service *s)
{
    acc_each_out (e, s, edge) {
        if (acc_edge_hard(edge)) {
            return true;
        }
    }
    return false;
}

/* What it stands on is bad: its clock stands still. */
static bool is_held_up(const struct acc_engine *e, struct service *s)
{
    s->roll.waits_for = ACC_NONE;
    acc_each_out (e, s, edge) {
        if (acc_edge_hard(edge) && (!acc_edge_met(e, edge) || e->services[edge->to].sick)) {
            s->roll.waits_for = edge->to;
            return true;
        }
    }
    return false;
}

static bool is_new_side(const struct service *s, const struct instance *i)
{
    return (i->role == ROLE_CANDIDATE && !acc_rollout_is_stray(s, i)) ||
           (i->is_spare && !i->present) ||
           (i->role == ROLE_NONE && !i->is_spare && acc_rollout_is_new(s, i));
}

static bool judges(const struct service *s, const struct instance *i)
{
    enum acc_rollout_step step = s->roll.is.step;

    return acc_rollout_active(s) && step != ACC_ROLL_UNDO && step != ACC_ROLL_RETIRE &&
           s->wanted_up && is_new_side(s, i);
}

bool acc_rollout_tries(const struct service *s, const struct instance *i)
{
    return i->role == ROLE_CANDIDATE && judges(s, i) && s->roll.is.step <= ACC_ROLL_SWITCH;
}

static void try_again(struct acc_engine *e, struct service *s)
{
    struct rollout *r = &s->roll;

    r->is.why[0] = '\0';
    r->fail_ms = 0;
    r->is_by_hand = false;
    r->since_ms = e->now;
    r->retry_ms = e->now + (RETRY_MS << (r->n_excused < 4 ? r->n_excused : 4));
    r->n_excused++;
    acc_wake_at(s, r->retry_ms);
}

bool acc_rollout_excuses(struct acc_engine *e, struct service *s, struct instance *i)
{
    if (!judges(s, i) || s->roll.is.step == ACC_ROLL_ASK || s->roll.fail_ms ||
        s->roll.n_bereft >= EXCUSES_MAX) {
        return false;
    }
    s->roll.n_excused = s->roll.n_bereft++;
    try_again(e, s);
    return true;
}

bool acc_rollout_failed(struct acc_engine *e, struct service *s, struct instance *i,
                        const char *fmt, ...)
{
    struct rollout *r = &s->roll;
    va_list args;

    if (!judges(s, i)) {
        return false;
    }
    if (r->is.step == ACC_ROLL_ASK || e->shutdown.is_on) {
        return true; /* it is known to have failed; or it is judged when the host is up again */
    }
    if (!r->fail_ms) {
        va_start(args, fmt);
        (void)vsnprintf(r->is.why, sizeof(r->is.why), fmt, args); /* cut: the start tells */
        va_end(args);
        r->fail_ms = e->now ? e->now : 1;
        r->is_by_hand = i->obs == ACC_CTR_EXITED &&
                        (acc_inst_is_stopped_by_hand(i) || acc_inst_is_shot(i));
        acc_note(e, ACC_NOTE_OBSERVED, acc_svc_index(e, s), "the new container %.180s", r->is.why);
        acc_each_out (e, s, edge) {
            struct service *d = &e->services[edge->to];

            if (acc_edge_hard(edge)) {
                acc_each_slot (e, d, k) {
                    k->probe_forced = true;
                }
                acc_mark(e, d);
            }
        }
        acc_mark(e, s); /* once: it is called from the update of this very service, too */
    }
    return true;
}

/* True: it is clear by now, and it was the new one's own fault. */
static bool is_own_fault(struct acc_engine *e, struct service *s)
{
    struct rollout *r = &s->roll;

    if (!r->fail_ms) {
        return false;
    }
    if (r->is_by_hand) {
        return true;
    }
    if (acc_attributed(e, s, r->fail_ms) || is_held_up(e, s) || acc_svc_was_cut(e, s)) {
        acc_note(e, ACC_NOTE_DECISION, acc_svc_index(e, s),
                 "not the new container's own fault, it gets another try");
        try_again(e, s);
        return false;
    }
    return !has_hard(e, s) || acc_due(e, s, r->fail_ms + s->timing.attribution_window);
}

/* What has passed since the last look was a pause if it was one then: who could end it marks us. */
static void give_back(const struct acc_engine *e, struct rollout *r)
{
    uint64_t passed_ms = r->is_paused ? e->now - r->seen_ms : 0;

    r->seen_ms = e->now;
    r->deadline_ms += passed_ms;
    r->paused_ms += passed_ms;
}

/* The time that a dependency or a shutdown took is given back. False: it was too much. */
static bool keep_clock(struct acc_engine *e, struct service *s)
{
    struct rollout *r = &s->roll;

    give_back(e, r);
    r->is_paused = !acc_may_act(e) || is_held_up(e, s) || acc_svc_is_cut(e, s);
    return !r->is_paused || !acc_due(e, s, e->now + s->timing.upgrade_pause - r->paused_ms);
}

/* Of the new image that says nothing. A changed file would be followed again at once. True: it goes
 * back. */
static bool go_back_unjudged(struct acc_engine *e, struct service *s)
{
    const struct acc_rollout_record *is = &s->roll.is;
    bool is_file_alone = is->is_change && !is->is_upgrade;

    acc_undo_or_ask(e, s, is_file_alone);
    if (is->step != ACC_ROLL_UNDO) {
        return false;
    }
    if (is->is_change && !is_file_alone) {
        acc_change_refuse(e, s, is->why);
    }
    if (!is_file_alone) {
        acc_group_failed(e, s);
    }
    return true;
}

/* Who did it need not be told, and it may be tried again, also by itself. */
static void end_by_hand(struct acc_engine *e, struct service *s)
{
    s->roll.is_undo_asked = go_back_unjudged(e, s);
}

static bool is_committed(const struct service *s)
{
    return s->roll.is.step == ACC_ROLL_POST || s->roll.is.step == ACC_ROLL_WATCH;
}

static bool has_old(struct acc_engine *e, const struct service *s)
{
    acc_each_inst (e, s, i) {
        if (i->present && !acc_rollout_is_new(s, i) &&
            (i->role == ROLE_NONE || i->role == ROLE_RETIRED)) {
            return true;
        }
    }
    return false;
}

bool acc_rollout_removed(struct acc_engine *e, struct service *s, const struct instance *i)
{
    struct rollout *r = &s->roll;

    if (!judges(s, i) || r->is.step == ACC_ROLL_ASK || i->held || i->hold_ms ||
        acc_inst_is_stopped_by_hand(i) || !has_old(e, s)) {
        return false;
    }
    if (is_committed(s) || i->slot != r->is.slot) { /* else it lacks its candidate, and goes back */
        r->gone_ms = e->now ? e->now : 1;
    }
    return true;
}

/* Who removes all of it (`docker rm -f` of everything) removes the kept one, too, in a moment: then
 * it is off. True: that has yet to be seen, or it goes back. */
static bool lacks_removed(struct acc_engine *e, struct service *s)
{
    struct rollout *r = &s->roll;
    bool is_lacking = false;

    acc_each_slot (e, s, i) {
        is_lacking |= !i->present;
    }
    if (!r->gone_ms || !is_lacking) { /* somebody has put another in its place */
        r->gone_ms = 0;
        return false;
    }
    if (!has_old(e, s)) {
        r->gone_ms = 0;
        acc_each_slot (e, s, i) {
            i->held |= !i->present;
        }
        acc_mark(e, s);
    } else if (acc_due(e, s, r->gone_ms + ACC_KILL_SETTLE_MS)) {
        acc_copy(r->is.why, sizeof(r->is.why), "its container was removed by hand");
        end_by_hand(e, s);
    }
    return true;
}

static void fail(struct acc_engine *e, struct service *s, const char *why)
{
    if (s->roll.is_by_hand) {
        end_by_hand(e, s);
        return;
    }
    if (why) {
        acc_copy(s->roll.is.why, sizeof(s->roll.is.why), why);
    }
    acc_undo_or_ask(e, s, true);
}

/* For the sake of the old one, or of names: somebody may ask for the new one again. By itself
 * nobody does. */
static void fail_unjudged(struct acc_engine *e, struct service *s, const char *why)
{
    acc_copy(s->roll.is.why, sizeof(s->roll.is.why), why);
    if (go_back_unjudged(e, s)) {
        acc_auto_spend(s, s->roll.is.digest);
    }
}

/* --- who sits in the slot -------------------------------------------------------------------- */

static bool is_movable(const struct instance *i)
{
    return !i->op && !i->conflict_cid[0] && !i->need_list && !i->start_unsettled;
}

static int rank(struct acc_engine *e, const struct service *s, const struct instance *i)
{
    const struct acc_rollout_record *is = &s->roll.is;
    bool takes_over = is->step == ACC_ROLL_SWITCH || is->step == ACC_ROLL_DRAIN ||
                      (!is->start_first && is->step >= ACC_ROLL_START &&
                       is->step <= ACC_ROLL_SWITCH);
    bool is_back = is->step == ACC_ROLL_UNDO;

    switch (i->role) {
    case ROLE_CANDIDATE:
        return takes_over ? 5 : 1;
    case ROLE_NONE:
        return is_back && acc_rollout_is_new(s, i)                             ? 2
               : is->step == ACC_ROLL_ASK && acc_confirm_is_put_aside(e, s, i) ? 0
                                                                               : 4;
    case ROLE_RETIRED:
        return is_back ? 3 : 0;
    case ROLE_BAD:
        break;
    }
    return 0;
}

/* Dependents look at the slot: the one that serves them sits there. */
static void seat(struct acc_engine *e, struct service *s)
{
    acc_each_slot (e, s, slot) {
        struct instance *best = NULL;
        bool is_undo = s->roll.is.step == ACC_ROLL_UNDO;
        bool gives_way = is_undo && !acc_undo_is_cut_off(e, s, slot->slot);
        bool goes_on = acc_undo_goes_on(e, s, slot);

        if (!is_movable(slot)) {
            continue;
        }
        for (struct instance *i = acc_spare_at(e, s->spare); i;
             i = acc_spare_at(e, i->next_spare)) {
            bool is_left = i->role == ROLE_BAD || acc_rollout_is_stray(s, i) ||
                           (i->role == ROLE_CANDIDATE && gives_way) ||
                           (i->role == ROLE_RETIRED && (!is_undo || goes_on));
            bool is_better = !is_left && (!slot->present || rank(e, s, i) > rank(e, s, slot));

            if (i->slot == slot->slot && i->present && is_movable(i) && is_better &&
                (i->role != ROLE_NONE || slot->role != ROLE_NONE || !slot->present ||
                 acc_rollout_is_new(s, slot)) &&
                (!best || rank(e, s, i) > rank(e, s, best))) {
                best = i;
            }
        }
        if (best) {
            acc_inst_to_slot(e, slot, best);
        } else if (gives_way && slot->present && !acc_inst_running(slot) &&
                   (slot->role == ROLE_BAD || slot->role == ROLE_CANDIDATE) &&
                   !slot->exit_pending) {
            (void)acc_inst_vacate(e, slot); /* nothing is left to go back to: one is made */
        }
    }
}

/* --- the steps ------------------------------------------------------------------------------- */

static struct instance *placeholder(struct acc_engine *e, const struct service *s)
{
    for (struct instance *i = acc_spare_at(e, s->spare); i; i = acc_spare_at(e, i->next_spare)) {
        if (!i->present && i->slot == s->roll.is.slot) {
            return i;
        }
    }
    return NULL;
}

static void drop_placeholder(struct acc_engine *e, struct service *s)
{
    struct instance *i = placeholder(e, s);

    if (i && is_movable(i)) {
        acc_spare_drop(e, s, i);
    }
}

static void update_create(struct acc_engine *e, struct service *s, const struct cast *cast)
{
    if (cast->candidate && acc_inst_stranded(e, cast->candidate)) { /* it goes first */
        if (s->roll.n_tries >= TRIES_MAX) {
            fail_unjudged(e, s, "its container can't be renamed");
        }
        return;
    }
    if (cast->candidate) {
        drop_placeholder(e, s);
        if (cast->holder) {
            acc_stop_anew(cast->holder);
        }
        acc_rollout_step(e, s, s->roll.is.start_first ? ACC_ROLL_START : ACC_ROLL_STOP_OLD);
    } else if (!placeholder(e, s) && !acc_spare_take(e, s, s->roll.is.slot)) {
        fail_unjudged(e, s, "accd has no room for another container");
    }
}

static bool is_ready(const struct instance *i)
{
    return i->present && acc_inst_running(i) && i->ready && !i->degraded;
}

/* By what is known now, of itself. What others are to blame for is looked at again: no event tells
 * when that is over. */
static bool is_ill(struct acc_engine *e, struct service *s, const struct instance *i)
{
    if (!acc_inst_running(i) || !i->degraded || i->waiting || acc_inst_stale(e, i)) {
        return false;
    }
    if (acc_attributed(e, s, e->now)) {
        acc_wake_at(s, e->now + ILL_AGAIN_MS);
        return false;
    }
    return !is_held_up(e, s) && !acc_svc_is_cut(e, s);
}

/* Its run was ended by acc, which does that to a candidate when the host, or what it needs, goes
 * down: nothing is learned of it. */
static bool was_taken_down(const struct service *s, const struct instance *candidate)
{
    return candidate->obs == ACC_CTR_EXITED && !candidate->exit_pending &&
           candidate->started_ns > 0 && candidate->started_ns <= s->own_stop_ns;
}

/* What ended with dockerd, or while nobody looked, has shown nothing of itself. */
static void try_anew(struct acc_engine *e, struct service *s, const struct instance *candidate)
{
    if (s->roll.is.step <= ACC_ROLL_START || s->roll.is.step >= ACC_ROLL_SWITCH) {
        return; /* it is started in any case */
    }
    if (s->roll.n_bereft++ >= EXCUSES_MAX) {
        fail_unjudged(e, s, "its new container went down with Docker again and again");
        return;
    }
    acc_note(e, ACC_NOTE_DECISION, acc_svc_index(e, s),
             candidate->exit_engine ? "the new container went down with Docker: it is tried again"
                                    : "the new container ended while accd was away: it is tried "
                                      "again");
    acc_rollout_step(e, s, ACC_ROLL_START);
}

/* A candidate that got this far must go on running. */
static void watch_candidate(struct acc_engine *e, struct service *s, struct instance *candidate)
{
    char text[80];

    if (candidate->need_obs || acc_inst_stale(e, candidate) || candidate->maybe_gone) {
        return;
    }
    if (was_taken_down(s, candidate)) {
        if (s->roll.is.step > ACC_ROLL_START && s->roll.is.step < ACC_ROLL_SWITCH) {
            acc_rollout_step(e, s, ACC_ROLL_START);
        }
        return;
    }
    if (acc_inst_went_unseen(candidate) && !s->roll.fail_ms) {
        try_anew(e, s, candidate);
        return;
    }
    if (candidate->obs == ACC_CTR_EXITED && !candidate->start_unsettled && !s->roll.fail_ms &&
        !candidate->op && !candidate->exit_pending && candidate->started_ns != s->roll.judged_ns) {
        s->roll.judged_ns = candidate->started_ns;
        acc_exit_text(candidate->exit_code, candidate->oom, text, sizeof(text));
        (void)acc_rollout_failed(
            e, s, candidate, "%s%s",
            acc_inst_is_stopped_by_hand(candidate) ? "was stopped by hand" : text,
            !acc_inst_is_stopped_by_hand(candidate) && acc_inst_is_shot(candidate) ? ACC_BY_KILL
                                                                                   : "");
    } else if (is_ill(e, s, candidate)) {
        (void)acc_rollout_failed(e, s, candidate, "is unhealthy%s",
                                 acc_output_told(candidate).text);
    }
}

/* Events get lost: what nothing can be taken back after rests on a look of after `at_ms`. */
static bool is_seen_since(struct acc_engine *e, struct service *s, struct instance *i,
                          uint64_t at_ms)
{
    if (!acc_due(e, s, at_ms)) {
        return false;
    }
    if (i->seen_ms < at_ms && !i->inspecting && !i->want_look) {
        acc_want_look(i);
    }
    return i->seen_ms >= at_ms;
}

static void update_verify(struct acc_engine *e, struct service *s, struct instance *candidate)
{
    struct rollout *r = &s->roll;
    bool is_in_time = keep_clock(e, s);

    if (r->fail_ms) {
        return;
    }
    if (!is_in_time && !r->is.is_upgrade) { /* the file says nothing wrong */
        acc_copy(r->is.why, sizeof(r->is.why), "what it needs has stayed down");
        acc_undo_or_ask(e, s, false);
    } else if (!is_in_time) {
        fail_unjudged(e, s, "what it needs has stayed down");
    } else if (is_ready(candidate)) {
        if (is_seen_since(e, s, candidate, candidate->ready_ms + s->timing.upgrade_stable)) {
            acc_rollout_step(
                e, s, r->is.start_first || candidate->unrouted ? ACC_ROLL_ROUTE : ACC_ROLL_SWITCH);
        }
    } else if (!candidate->waiting && !r->is_paused && acc_due(e, s, r->deadline_ms)) {
        if (acc_probe_lacks_port(s, candidate)) {
            acc_copy(r->is.why, sizeof(r->is.why),
                     "runs, but no port of it listens any more (if none is to: x-acc: {probe: "
                     "none})");
        } else {
            (void)snprintf(r->is.why, sizeof(r->is.why), "did not get ready in time%s",
                           acc_output_told(candidate).text);
        }
        fail(e, s, NULL);
    }
}

/* U6b. Nobody has called it by the service's names so far, so they may still be given to it by
 * taking it off its networks for a moment; then it must prove itself once more. */
static void update_route(struct acc_engine *e, struct service *s, struct instance *candidate)
{
    struct rollout *r = &s->roll;

    if (!is_ready(candidate)) {
        acc_rollout_step(e, s, ACC_ROLL_VERIFY);
    } else if (candidate->unrouted || candidate->op || candidate->need_obs) {
        r->proof_ms = 0;
        if (r->n_tries >= TRIES_MAX || (!candidate->op && acc_due(e, s, r->deadline_ms))) {
            fail_unjudged(e, s, "its new container can't be put on its networks under its name");
        }
    } else if (!r->proof_ms && acc_probe_can(s, candidate)) {
        r->proof_ms = e->now ? e->now : 1;
        candidate->probe_forced = true;
    } else if (acc_probe_proven_since(s, candidate, r->proof_ms)) {
        acc_rollout_step(e, s, r->is.start_first ? ACC_ROLL_DRAIN : ACC_ROLL_SWITCH);
    } else if (acc_due(e, s, r->deadline_ms)) {
        fail(e, s, "did not get ready again under the name of its service");
    } else if (!candidate->probe_op && acc_due(e, s, r->retry_ms)) {
        candidate->probe_forced = true;
        r->retry_ms = e->now + RETRY_MS;
    }
}

/* U7. Both serve; the old one is taken out of the proxy before it is stopped. */
static void update_drain(struct acc_engine *e, struct service *s, const struct cast *cast)
{
    bool is_told = cast->holder && cast->holder->drain_ms;

    if (s->roll.fail_ms) {
        return;
    }
    if (is_ready(cast->candidate)) {
        if (acc_drain_over(e, s, cast->holder)) {
            acc_rollout_step(e, s, ACC_ROLL_SWITCH);
        }
    } else if (!is_told) {
        acc_rollout_step(e, s, ACC_ROLL_VERIFY);
    } else {
        acc_copy(s->roll.is.why, sizeof(s->roll.is.why),
                 "was not ready any more when the old one was to be stopped");
        acc_undo_or_ask(e, s, false);
    }
}

void acc_rollout_restart_dependents(struct acc_engine *e, struct service *s, int64_t before_ns)
{
    for (uint32_t k = 0; k < s->n_in; k++) {
        const struct edge *edge = &e->edges[e->in[s->first_in + k]];
        struct service *dependent = &e->services[edge->from];

        if (edge->kind == ACC_EDGE_BINDS || acc_reaction(DEP_RESTARTS, edge) != REACT_RESTART ||
            !dependent->wanted_up || acc_svc_observing(e, dependent)) {
            continue;
        }
        acc_each_slot (e, dependent, i) {
            if (i->run_ns < before_ns) {
                acc_inst_end(e, i, END_DEPENDENCY);
            }
        }
    }
}

static void commit(struct acc_engine *e, struct service *s)
{
    struct rollout *r = &s->roll;

    if (r->is.slot < s->n_inst) {
        r->is.slot++;
        acc_rollout_step(e, s, ACC_ROLL_CREATE);
        return;
    }
    r->took_ms = e->now - r->begun_ms;
    s->rev = r->is.to;
    s->done = false; /* the old one may have ended meanwhile: that was not its run */
    acc_pin_set(s, r->is.image, r->is.image_id, r->is.digest);
    acc_rollout_save_revision(e, s, r->is.to);
    if (r->is.start_first) {
        acc_rollout_restart_dependents(e, s, INT64_MAX);
    }
    acc_rollout_step(e, s, s->has_post_upgrade ? ACC_ROLL_POST : ACC_ROLL_WATCH);
}

static void stand(struct acc_engine *e, struct service *s)
{
    struct rollout *r = &s->roll;

    acc_revision_fill(&r->is, acc_revision_add(s, r->is.to));
    s->failed = (struct revision){0};
    acc_rollout_step(e, s, ACC_ROLL_RETIRE);
    acc_rollout_save_revision(e, s, r->is.to);
}

/* What was watched before accd was restarted isn't counted: nobody has watched in between. */
static void tell_anew(struct acc_engine *e, struct service *s)
{
    char span[48];

    if (s->roll.is_anew && !s->roll.is_anew_told) {
        s->roll.is_anew_told = true;
        acc_format_span_ms(s->timing.upgrade_monitor, span, sizeof(span));
        acc_note(e, ACC_NOTE_DECISION, acc_svc_index(e, s),
                 "r%u is watched anew, for %s, because accd was restarted", (unsigned)s->roll.is.to,
                 span);
    }
}

/* It was known to end, and has done its work. */
static bool has_done_its_work(struct acc_engine *e, struct service *s)
{
    bool is_done = s->ends;

    acc_each_slot (e, s, i) {
        is_done &= acc_rollout_is_new(s, i) && acc_inst_is_over(i);
    }
    return is_done;
}

static void update_watch(struct acc_engine *e, struct service *s)
{
    bool is_outdated = strcmp(s->roll.is.spec, s->spec) != 0; /* and is to be made anew */
    bool is_replaced = false;
    bool is_proven = true;

    tell_anew(e, s);
    (void)keep_clock(e, s);
    acc_each_slot (e, s, i) {
        is_replaced |= i->present && i->role == ROLE_NONE && !acc_rollout_is_new(s, i);
        /* One that was started again meanwhile begins anew, whoever's fault that was. */
        uint64_t proven_ms = i->run_ms + s->timing.upgrade_monitor;

        is_proven &= !s->roll.is_paused &&
                     is_seen_since(e, s, i,
                                   proven_ms > s->roll.deadline_ms ? proven_ms
                                                                   : s->roll.deadline_ms);
        if (acc_rollout_is_new(s, i) && is_ill(e, s, i)) {
            (void)acc_rollout_failed(e, s, i, "is unhealthy%s", acc_output_told(i).text);
        }
    }
    if (is_own_fault(e, s)) {
        fail(e, s, NULL);
    } else if (acc_svc_is_leaving(e, s) && !s->roll.fail_ms && (s->ready || s->roll.is_paused)) {
        (void)snprintf(s->roll.is.why, sizeof(s->roll.is.why),
                       HANDED_BACK " before its time was up: the kept container of r%u goes, its "
                                   "image stays",
                       (unsigned)s->roll.is.from);
        acc_rollout_step(e, s, ACC_ROLL_RETIRE);
    } else if (s->ready && is_replaced) { /* by hand: of the new image nothing more is learned */
        acc_copy(s->roll.is.why, sizeof(s->roll.is.why), "somebody else put another in its place");
        acc_rollout_step(e, s, ACC_ROLL_RETIRE);
    } else if (!s->roll.fail_ms && s->ready && is_outdated) { /* likewise, and nothing is proven */
        (void)snprintf(s->roll.is.why, sizeof(s->roll.is.why),
                       acc_rollout_keeps_old(e, s)
                           ? "its file changed before its time was up: the kept container of r%u "
                             "goes, its image stays"
                           : "its file changed before its time was up: the image of r%u stays",
                       (unsigned)s->roll.is.from);
        acc_rollout_step(e, s, ACC_ROLL_RETIRE);
    } else if (!s->roll.fail_ms && s->ready &&
               (s->roll.is_taken || (is_proven && acc_group_is_proven(e, s)))) {
        stand(e, s);
    } else if (!s->roll.fail_ms && has_done_its_work(e, s) && acc_group_is_proven(e, s)) {
        stand(e, s);
    }
}

/* It is committed already, and may fail as while it is watched. */
static void update_post(struct acc_engine *e, struct service *s)
{
    (void)keep_clock(e, s);
    acc_each_slot (e, s, i) {
        if (acc_rollout_is_new(s, i) && is_ill(e, s, i)) {
            (void)acc_rollout_failed(e, s, i, "is unhealthy%s", acc_output_told(i).text);
        }
    }
    if (is_own_fault(e, s)) {
        fail(e, s, NULL);
    } else if (!s->roll.fail_ms) {
        acc_rollout_hook_update(e, s);
    }
}

/* While it was watched. The kept container is all there is when somebody removed the new one. */
static void turned_off(struct acc_engine *e, struct service *s)
{
    acc_each_slot (e, s, i) {
        if (!acc_rollout_cast(e, s, i->slot).holder) {
            acc_copy(s->roll.is.why, sizeof(s->roll.is.why), "its container was removed");
            acc_undo_or_ask(e, s, false);
            return;
        }
    }
}

/* Nothing is learned of it while it is held, off, or can't be seen. */
static void stand_still(struct acc_engine *e, struct service *s, bool is_still)
{
    struct rollout *r = &s->roll;

    if (is_still != (r->still_ms != 0)) {
        acc_group_mark(e, s); /* nobody waits for what stands still */
        acc_turn_mark(e);
    }
    if (is_still && !r->still_ms) {
        give_back(e, r);
        r->still_ms = e->now ? e->now : 1;
    } else if (!is_still && r->still_ms) {
        r->deadline_ms += e->now - r->still_ms;
        r->seen_ms = e->now;
        r->still_ms = 0;
    }
}

static void update_retire(struct acc_engine *e, struct service *s)
{
    acc_each_inst (e, s, i) {
        if (i->present && i->role != ROLE_NONE) {
            return;
        }
    }
    acc_rollout_end(e, s, ROLL_COMMITTED);
}

/* Stop-first: the new one may be started, and the name changes with the other one, in U7. What
 * counts is that the container is seen to have ended: Docker has freed its ports by then, and need
 * not have answered the stop. */
static bool is_out_of_the_way(const struct acc_engine *e, const struct instance *old)
{
    bool may_start = old && (old->start_unsettled || (old->op && old->op_type == ACC_ACT_START));

    return !old || (!acc_inst_running(old) && !old->exit_pending && !old->need_obs && !may_start &&
                    !acc_inst_stale(e, old));
}

/* Somebody has started it again by hand. */
static bool runs_again(const struct service *s, const struct cast *cast)
{
    return !s->roll.is.start_first && cast->holder && !acc_rollout_is_new(s, cast->holder) &&
           acc_inst_running(cast->holder) && !acc_inst_running(cast->candidate);
}

static void update_slot(struct acc_engine *e, struct service *s)
{
    struct rollout *r = &s->roll;
    struct cast cast = acc_rollout_cast(e, s, r->is.slot);
    enum acc_rollout_step step;

    if (cast.candidate) {
        watch_candidate(e, s, cast.candidate);
    }
    step = r->is.step; /* it may have gone back to the start */

    acc_each_slot (e, s, i) { /* replicas that are through with it */
        if (acc_rollout_is_new(s, i) && i->role == ROLE_NONE && is_ill(e, s, i)) {
            (void)acc_rollout_failed(e, s, i, "is unhealthy%s", acc_output_told(i).text);
        }
    }
    if (is_own_fault(e, s)) {
        fail(e, s, NULL);
    } else if (!cast.candidate && cast.holder && acc_rollout_is_new(s, cast.holder)) {
        commit(e, s); /* in any step: names are younger than a record whose end was lost */
    } else if (cast.candidate && cast.candidate->exit_pending &&
               acc_rollout_tries(s, cast.candidate)) {
        return; /* who ended it is known in a moment */
    } else if (step == ACC_ROLL_CREATE) {
        update_create(e, s, &cast);
    } else if (cast.candidate && acc_inst_stranded(e, cast.candidate) &&
               !acc_inst_running(cast.candidate) && step <= ACC_ROLL_VERIFY) {
        uint64_t retry_ms = r->retry_ms;

        acc_rollout_step(e, s, ACC_ROLL_CREATE);
        r->retry_ms = retry_ms;
    } else if (!cast.candidate) {
        acc_copy(r->is.why, sizeof(r->is.why), "its new container was removed by somebody else");
        end_by_hand(e, s);
    } else if ((step == ACC_ROLL_DRAIN || step == ACC_ROLL_SWITCH) &&
               acc_inst_is_off_network(e, cast.candidate)) { /* nobody could reach the service */
        acc_copy(r->is.why, sizeof(r->is.why),
                 "its new container was taken off its network by hand");
        end_by_hand(e, s);
    } else if (cast.holder && cast.holder->quarantined) {
        fail_unjudged(e, s, "its old container can't be stopped");
    } else if (step == ACC_ROLL_STOP_OLD && is_out_of_the_way(e, cast.holder)) {
        acc_rollout_step(e, s, ACC_ROLL_START);
    } else if (step == ACC_ROLL_START && runs_again(s, &cast)) {
        acc_rollout_step(e, s, ACC_ROLL_STOP_OLD);
    } else if (step == ACC_ROLL_START && acc_inst_running(cast.candidate)) {
        acc_rollout_step(e, s, ACC_ROLL_VERIFY);
    } else if (step == ACC_ROLL_VERIFY) {
        update_verify(e, s, cast.candidate);
    } else if (step == ACC_ROLL_ROUTE) {
        update_route(e, s, cast.candidate);
    } else if (step == ACC_ROLL_DRAIN) {
        update_drain(e, s, &cast);
    } else if (r->n_tries >= TRIES_MAX) {
        fail_unjudged(e, s, "its container can't be renamed");
    }
}

/* A name is younger than a record whose end was lost: it was committed, and is taken back since. */
static bool is_on_its_way_back(struct acc_engine *e, struct service *s)
{
    if (s->roll.is.step != ACC_ROLL_WATCH && s->roll.is.step != ACC_ROLL_RETIRE) {
        return false;
    }
    acc_each_inst (e, s, i) {
        if (i->present && i->role == ROLE_BAD && !acc_rollout_cast(e, s, i->slot).holder) {
            return true;
        }
    }
    return false;
}

/* What a dump lacks is lost when it is needed: it is made when nothing but it is waited for. */
static void begin_when_due(struct acc_engine *e, struct service *s)
{
    s->roll.waits_for = ACC_NONE;
    if (!s->has_pre_upgrade || acc_group_target(e, s)) { /* ... that it was stopped for */
        acc_rollout_step(e, s, ACC_ROLL_CREATE);
    } else if (!acc_rollout_waits(e, s, &s->roll.waits_for)) {
        acc_rollout_step(e, s, ACC_ROLL_PRE);
    }
}

/* What its file needs is gone again, and can't be had: what that says is why. */
static bool lacks_resource(const struct acc_engine *e, struct service *s)
{
    struct rollout *r = &s->roll;
    const struct resource *res = r->is.is_upgrade || r->is_here || r->op
                                     ? NULL
                                     : acc_resource_missing(e, s);

    if (res) {
        (void)snprintf(r->is.why, sizeof(r->is.why), "nothing was changed: needs %.100s: %.120s",
                       res->key, res->error);
    }
    return res;
}

static bool is_committed_by_name(struct acc_engine *e, const struct service *s)
{
    struct cast cast = acc_rollout_cast(e, s, s->roll.is.slot);

    return !cast.candidate && cast.holder && acc_rollout_is_new(s, cast.holder);
}

/* Its stack is to be Docker's, which watches nothing and would run the kept container beside the
 * other one: what isn't committed goes back, what is has been seen enough of. */
static bool ends_for_docker(struct acc_engine *e, struct service *s)
{
    struct rollout *r = &s->roll;

    if (r->is.step <= ACC_ROLL_PRE) {
        acc_copy(r->is.why, sizeof(r->is.why), HANDED_BACK);
        r->is.group = 0; /* that is no failure */
        acc_rollout_end(e, s, ROLL_ROLLED_BACK);
    } else if (r->is.step <= ACC_ROLL_SWITCH && !is_committed_by_name(e, s)) {
        acc_copy(r->is.why, sizeof(r->is.why), HANDED_BACK);
        acc_undo_or_ask(e, s, false);
        r->is_undo_asked = r->is.step == ACC_ROLL_UNDO;
    } else if (!s->wanted_up && (r->is.step == ACC_ROLL_POST || r->is.step == ACC_ROLL_WATCH)) {
        acc_copy(r->is.why, sizeof(r->is.why), HANDED_BACK);
        acc_rollout_step(e, s, ACC_ROLL_RETIRE);
    } else {
        return false;
    }
    return true;
}

static void update_active(struct acc_engine *e, struct service *s)
{
    bool is_forward = s->roll.is.step > ACC_ROLL_PULL && s->roll.is.step < ACC_ROLL_POST;

    if (acc_svc_is_leaving(e, s) && ends_for_docker(e, s)) {
        return;
    }
    if (is_forward && (!s->wanted_up || strcmp(s->roll.is.spec, s->spec) != 0)) {
        acc_copy(s->roll.is.why, sizeof(s->roll.is.why),
                 s->wanted_up ? "its configuration changed meanwhile" : "it was turned off");
        acc_undo_or_ask(e, s, false);
        s->roll.is_undo_asked = s->roll.is.step == ACC_ROLL_UNDO;
        return;
    }
    if (acc_group_goes_back(e, s) && s->ready && acc_undo_is_impossible(e, s)) {
        acc_group_stays(e, s);
    } else if (acc_group_goes_back(e, s) || is_on_its_way_back(e, s)) {
        acc_undo_begin(e, s, false);
        return;
    }
    if (s->wanted_up && lacks_removed(e, s)) {
        return;
    }
    switch (s->roll.is.step) {
    case ACC_ROLL_IDLE:
        break;
    case ACC_ROLL_PULL:
        if (!s->wanted_up) {
            s->roll.is.group = 0; /* that is no failure */
            (void)acc_rollout_refuse(e, s, "it was turned off");
        } else if (acc_host_disk_is_full(e) && !s->roll.op && !s->roll.ask_back) {
            (void)acc_rollout_refuse(e, s, ACC_DISK_IS_FULL);
        } else if (!s->roll.is.is_upgrade && strcmp(s->roll.is.spec, s->spec) != 0) {
            acc_copy(s->roll.is.why, sizeof(s->roll.is.why), "its file has changed again");
            acc_rollout_end(e, s, ROLL_ROLLED_BACK);
        } else if (acc_rollout_is_over(e, s)) {
            break;
        } else if (lacks_resource(e, s)) {
            acc_rollout_end(e, s, ROLL_FAILED);
        } else if (s->roll.is_here && acc_group_is_here(e, s)) {
            begin_when_due(e, s);
        }
        break;
    case ACC_ROLL_PRE:
        acc_rollout_hook_update(e, s);
        break;
    case ACC_ROLL_CREATE:
    case ACC_ROLL_STOP_OLD:
    case ACC_ROLL_START:
    case ACC_ROLL_VERIFY:
    case ACC_ROLL_ROUTE:
    case ACC_ROLL_DRAIN:
    case ACC_ROLL_SWITCH:
        update_slot(e, s);
        break;
    case ACC_ROLL_POST:
        if (!s->wanted_up) {
            turned_off(e, s);
        } else {
            update_post(e, s);
        }
        break;
    case ACC_ROLL_WATCH:
        if (!s->wanted_up) {
            turned_off(e, s);
        } else {
            update_watch(e, s);
        }
        break;
    case ACC_ROLL_RETIRE:
        update_retire(e, s);
        break;
    case ACC_ROLL_UNDO:
        acc_undo_update(e, s);
        break;
    case ACC_ROLL_ASK:
        acc_confirm_update(e, s);
        break;
    }
}

/* A record is read after the step that saves it: the next rollout may not overwrite it in there. */
static uint64_t next_ms(const struct service *s)
{
    return s->roll.ended_ms ? s->roll.ended_ms + 1 : 0;
}

/* What may not be started can't be brought to its end, either: it stays where it is, and so does
 * its clock. */
static bool is_frozen(struct acc_engine *e, struct service *s)
{
    struct rollout *r = &s->roll;

    if (acc_hold_no_start(e, s) != (r->frozen_ms != 0)) {
        acc_group_mark(e, s); /* nobody waits for it meanwhile */
        acc_turn_mark(e);
    }
    if (acc_hold_no_start(e, s)) {
        if (!r->frozen_ms) {
            stand_still(e, s, false); /* one clock counts that time, not both */
            give_back(e, r);
            r->frozen_ms = e->now ? e->now : 1;
        }
        return true;
    }
    if (r->frozen_ms) {
        uint64_t passed_ms = e->now - r->frozen_ms;

        r->frozen_ms = 0;
        r->deadline_ms += passed_ms;
        r->since_ms = r->since_ms + passed_ms < e->now ? r->since_ms + passed_ms : e->now;
        r->seen_ms = e->now;
    }
    return false;
}

void acc_rollout_update(struct acc_engine *e, struct service *s)
{
    bool is_in_hand;

    acc_group_look_at_change(e, s);
    if (!e->synced || acc_svc_observing(e, s) || e->shutdown.is_on) {
        if (!s->roll.frozen_ms) { /* else that clock counts it */
            stand_still(e, s, true);
        }
        return;
    }
    if (s->removed) {
        if (acc_rollout_active(s)) {
            acc_copy(s->roll.is.why, sizeof(s->roll.is.why), "it has left the configuration");
            s->roll.is.group = 0; /* that is no failure */
            if (s->roll.is.step > ACC_ROLL_PRE && s->roll.is.step < ACC_ROLL_POST) {
                acc_rollout_save_revision(e, s, s->roll.is.to); /* what is left of it goes */
                acc_rollout_end(e, s, ROLL_ROLLED_BACK);
            } else {
                acc_rollout_end(e, s, ROLL_FAILED);
            }
        }
        s->roll.is_asked = false; /* nor when it comes back, be it in a year */
        return;
    }
    if (is_frozen(e, s)) {
        return;
    }
    acc_rollout_recover(e, s);
    if (!acc_svc_is_leaving(e, s)) {
        acc_change_update(e, s);
    } else if (s->roll.is_asked) {
        acc_group_mark(e, s);
        s->roll.is_asked = false;
    }
    if (s->roll.is_asked && !acc_rollout_active(s) && !s->roll.op && acc_due(e, s, next_ms(s))) {
        acc_rollout_begin(e, s);
    }
    is_in_hand = acc_svc_held(e, s) || acc_svc_is_left_paused(e, s);
    stand_still(e, s, is_in_hand || (is_committed(s) && !s->wanted_up));
    if (acc_rollout_active(s)) {
        acc_rollout_cast_by_name(e, s); /* it follows from the step and from the others, too */
    }
    if (acc_rollout_active(s) && (!s->wanted_up || !is_in_hand)) { /* off is off */
        update_active(e, s);
    }
    if (acc_rollout_active(s)) {
        seat(e, s);
    }
    if (s->roll.is.step != ACC_ROLL_CREATE) {
        drop_placeholder(e, s);
    }
    acc_contact_leave(e, &e->stacks[s->stack]);
}
