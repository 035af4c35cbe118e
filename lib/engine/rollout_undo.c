/*
 * The way back (E9, rollback), and what is to be done with containers of a rollout that nobody
 * remembers (E10).
 *
 * The kept container is started by its id; nothing is pulled or created unless somebody removed it.
 * The failed one gives its name away before it is stopped: so the intent is durable in names. A
 * rollback is never rolled back: it ends when the old one is ready, or says that it isn't.
 */

#include <stdio.h>
#include <string.h>

#include "lib/engine/internal.h"

static void restore_pin(struct service *s)
{
    const struct revision *revision = acc_revision_find(s, s->roll.is.from);

    if (revision) {
        acc_pin_set(s, revision->image, revision->image_id, revision->digest);
    }
}

/* --- nothing to go back to -------------------------------------------------------------------- */

/* The file as it is now may be that of before once more. */
static bool file_has_it(const struct service *s)
{
    const struct revision *revision = acc_revision_find(s, s->roll.is.from);

    return revision && revision->spec[0] && strcmp(revision->spec, s->spec) == 0;
}

bool acc_undo_is_cut_off(struct acc_engine *e, const struct service *s, uint32_t slot)
{
    const struct instance *old = acc_rollout_old(e, s, slot);

    return s->roll.is.is_change && (!old || acc_group_is_homeless(e, s, old)) && !file_has_it(s);
}

static uint32_t count_cut_off(struct acc_engine *e, const struct service *s)
{
    uint32_t n = 0;

    for (uint32_t slot = 1; slot <= s->n_inst; slot++) {
        n += acc_undo_is_cut_off(e, s, slot);
    }
    return n;
}

bool acc_undo_is_impossible(struct acc_engine *e, const struct service *s)
{
    return s->roll.is.is_change && count_cut_off(e, s) == s->n_inst;
}

/* R7. What has failed is all there is: it stays, and is kept alive like any other. */
static void stay(struct acc_engine *e, struct service *s)
{
    struct acc_rollout_record *is = &s->roll.is;
    char why[sizeof(is->why)];

    if (!strstr(is->why, ACC_CUT_OFF)) {
        memcpy(why, is->why, sizeof(why));
        (void)snprintf(is->why, sizeof(is->why), "%.140s%sr%u" ACC_CUT_OFF, why, why[0] ? "; " : "",
                       (unsigned)is->from);
    }
    s->rev = is->to;
    acc_revision_fill(is, &s->failed);
    acc_pin_set(s, is->image, is->image_id, is->digest);
    acc_change_forgive(e, s);
}

/* Dockerd is at a stop of it, and may be a moment before it is seen to have ended. */
static bool is_being_stopped(struct acc_engine *e, struct service *s, const struct instance *i)
{
    bool is_at_it = (i->op && i->op_type == ACC_ACT_STOP) || i->stop_ms != 0;

    return i->present && acc_inst_running(i) && is_at_it && s->wanted_up && !i->quarantined &&
           !acc_due(e, s, i->stop_ms + s->stop_grace_ms + ACC_STOP_EXTRA_MS);
}

/* Nothing has the name of another step any more. */
static bool is_through(struct acc_engine *e, struct service *s)
{
    acc_each_inst (e, s, i) {
        bool is_left = acc_rollout_is_new(s, i) && !acc_undo_is_cut_off(e, s, i->slot);

        if (i->present && (i->role != ROLE_NONE || is_left)) {
            return false;
        }
        if (acc_drain_must_undo(s, i)) {
            return false; /* nobody would remember it */
        }
        if (is_being_stopped(e, s, i)) {
            return false; /* it is to run again first */
        }
    }
    return true;
}

static void go_back(struct acc_engine *e, struct service *s)
{
    s->rev = s->roll.is.from;
    restore_pin(s);
    acc_fail_forgive(e, s); /* the failures were the new one's */
    s->breaker = BREAKER_CLOSED;
}

static void end_where_it_is(struct acc_engine *e, struct service *s)
{
    s->roll.result = ROLL_FAILED;
    acc_rollout_save_revision(e, s, s->roll.is.to);
    if (!s->ready && s->wanted_up) {
        acc_incident_open(e, s, s->roll.is.why);
    }
    acc_rollout_end(e, s, ROLL_FAILED);
}

/* --- back ------------------------------------------------------------------------------------- */

/* Is it another image than that of what was there before? Where that can't be seen: yes. */
static bool is_other_image(struct acc_engine *e, const struct service *s)
{
    acc_each_inst (e, s, i) {
        bool is_old = i->role == ROLE_RETIRED ||
                      (i->role == ROLE_NONE && !acc_rollout_is_new(s, i));

        if (i->present && is_old && strcmp(i->image_id, s->roll.is.image_id) == 0) {
            return false;
        }
    }
    return true;
}

void acc_undo_begin(struct acc_engine *e, struct service *s, bool is_fault)
{
    struct acc_rollout_record *is = &s->roll.is;

    if (acc_undo_is_impossible(e, s)) {
        if (is_fault) {
            acc_group_failed(e, s);
        }
        stay(e, s);
        if (is_through(e, s)) {
            end_where_it_is(e, s);
        } else {
            acc_rollout_step(e, s, ACC_ROLL_UNDO);
        }
        return;
    }
    if (is_fault && is->image_id[0] && is->is_upgrade && is_other_image(e, s)) {
        acc_svc_ban_image(s, is->image_id, strcmp(is->spec, s->spec) == 0 ? is->image : NULL);
        acc_auto_spend(s, is->digest);
    }
    if (is_fault && is->is_change) {
        acc_change_refuse(e, s, is->why);
    }
    if (is_fault) {
        acc_group_failed(e, s);
    }
    acc_group_sharers_go_back(e, s, strcmp(is->spec, s->spec) == 0);
    go_back(e, s);
    s->roll.result = ROLL_NONE;
    acc_rollout_step(e, s, ACC_ROLL_UNDO);
}

bool acc_undo_runs(const struct instance *i)
{
    return i &&
           (acc_inst_running(i) || i->start_unsettled || (i->op && i->op_type == ACC_ACT_START));
}

bool acc_undo_owns(struct acc_engine *e, struct service *s, const struct instance *i)
{
    struct cast cast;
    bool is_cut_off;

    if (i->role != ROLE_NONE || (i->is_spare && !i->present)) {
        return true;
    }
    cast = acc_rollout_cast(e, s, i->slot);
    is_cut_off = acc_undo_is_cut_off(e, s, i->slot);
    if (i->present && is_cut_off && !acc_rollout_is_new(s, i)) {
        return true;
    }
    if (!i->present) {
        return cast.retired || cast.holder || acc_undo_runs(cast.candidate) ||
               acc_undo_runs(cast.bad) || (is_cut_off && (cast.candidate || cast.bad));
    }
    if ((acc_rollout_is_new(s, i) && !is_cut_off) || acc_drain_must_undo(s, i)) {
        return true;
    }
    return !acc_inst_running(i) && !s->roll.is.start_first &&
           (acc_undo_runs(cast.candidate) || acc_undo_runs(cast.bad));
}

/* --- what the accd before may have asked for -------------------------------------------------- */

/* A stop of its that nothing tells of any more, as its record is lost, may go on in dockerd. */
static bool may_be_stopping(struct acc_engine *e, struct service *s)
{
    bool is_older = !acc_rollout_active(s) || s->roll.begun_ms <= e->first_synced_ms;

    return is_older && !acc_due(e, s, e->first_synced_ms + s->stop_grace_ms + ACC_STOP_EXTRA_MS);
}

bool acc_rollout_stopped_before(struct acc_engine *e, struct service *s, const struct instance *i)
{
    struct cast cast = acc_rollout_cast(e, s, i->slot);
    bool is_known = acc_rollout_active(s) && s->roll.is.slot == i->slot &&
                    s->roll.is.step > ACC_ROLL_PULL; /* its candidate may not be seen yet */

    return (cast.candidate || is_known) && cast.holder == i && !acc_rollout_is_new(s, i) &&
           may_be_stopping(e, s);
}

/* Two can run at once: the new one serves until the old one runs, and is seen to go on. */
static bool stands_in(struct acc_engine *e, struct service *s, const struct cast *cast)
{
    return s->roll.is.start_first && s->wanted_up && cast->holder &&
           !acc_rollout_is_new(s, cast->holder) && !acc_inst_is_over(cast->holder) &&
           !acc_due(e, s, s->roll.deadline_ms) &&
           (!acc_inst_running(cast->holder) || may_be_stopping(e, s));
}

/* Its file has changed once more, and its old one, that can't run without its target, waits for
 * what comes next. */
static bool has_next(struct acc_engine *e, const struct service *s)
{
    return strcmp(s->roll.is.spec, s->spec) != 0 && acc_group_target(e, s);
}

/* The old one is ready again. */
static bool is_relieved(const struct cast *cast)
{
    return cast->holder && acc_inst_running(cast->holder) && cast->holder->ready &&
           !cast->holder->degraded;
}

/* Likewise one that has taken over, and is well: it goes when the old one is ready again. Of
 * several replicas that would take twice the memory: those go in turn. */
static bool serves_on(struct acc_engine *e, struct service *s, const struct cast *cast)
{
    const struct instance *bad = cast->bad;

    return s->n_inst == 1 && s->roll.is.start_first && s->wanted_up &&
           (cast->holder || cast->retired) && bad && acc_inst_running(bad) && bad->ready &&
           !bad->degraded && !bad->stop_ms && !acc_due(e, s, s->roll.deadline_ms);
}

/* It had failed before, and isn't started again until somebody asks. */
static bool has_given_up(const struct service *s, const struct instance *old)
{
    return old->present && old->final && !acc_inst_running(old) && !s->run_asked &&
           !acc_rollout_is_new(s, old);
}

static bool may_let_go(struct acc_engine *e, struct service *s, const struct cast *cast)
{
    if (has_next(e, s)) {
        return true;
    }
    if (cast->holder && (acc_inst_is_over(cast->holder) || has_given_up(s, cast->holder))) {
        return true;
    }
    if (!s->wanted_up || (cast->holder && cast->holder->ready)) {
        return true;
    }
    return cast->holder && acc_due(e, s, s->roll.deadline_ms);
}

static enum acc_action_type rename_to(struct acc_engine *e, struct service *s, struct instance *i,
                                      bool is_bad)
{
    char name[ACC_NAME_MAX + 1];

    if (!acc_due(e, s, i->retry_ms)) {
        return ACC_NOTHING;
    }
    acc_inst_canonical(e, i, name);
    if (is_bad) {
        (void)snprintf(i->rename_to, sizeof(i->rename_to), "%.230s.bad%llu", name,
                       (unsigned long long)s->roll.is.id);
    } else {
        memcpy(i->rename_to, name, sizeof(i->rename_to));
    }
    return ACC_ACT_RENAME;
}

bool acc_undo_serves(const struct cast *cast, const struct instance *failed)
{
    const struct instance *holder = cast->holder;

    return failed && acc_inst_running(failed) &&
           !(holder && holder != failed && acc_inst_running(holder) && !holder->stop_ms);
}

enum acc_action_type acc_undo_end(struct acc_engine *e, struct service *s, struct instance *i,
                                  const struct cast *cast)
{
    bool is_asked = !s->wanted_up || acc_undo_serves(cast, i);

    if ((is_asked && !acc_gate_stop(e, s)) || acc_drain_holds(e, s, cast->holder)) {
        return ACC_NOTHING;
    }
    return cast->holder && acc_inst_running(cast->holder) ? acc_drain_end(e, s, i)
                                                          : acc_stop_harder(e, s, i);
}

/* What has failed as a whole serves here, and has yet to go. It did before it was to go back: an
 * accd that has come since need not find that out anew. */
static bool serves_still(struct acc_engine *e, const struct service *s, const struct instance *i)
{
    bool is_to_go = i->role == ROLE_BAD || (i->role == ROLE_NONE && acc_rollout_is_new(s, i));

    return is_to_go && i->present && i->obs == ACC_CTR_RUNNING && !i->stop_ms && !i->degraded &&
           i->health != ACC_DH_UNHEALTHY && (i->ready || i->ran_before) &&
           !acc_undo_is_cut_off(e, s, i->slot);
}

/* What a slot makes of the service while its replicas go back. */
enum share { SHARE_NONE, SHARE_OLD, SHARE_FAILED };

static enum share share_of(struct acc_engine *e, const struct service *s, uint32_t slot)
{
    enum share share = SHARE_NONE;

    acc_each_inst (e, s, i) {
        if (i->slot != slot) {
            continue;
        }
        if (serves_still(e, s, i)) {
            return SHARE_FAILED;
        }
        if (i->role == ROLE_NONE && i->present && i->obs == ACC_CTR_RUNNING && i->ready &&
            !i->degraded && !i->stop_ms) {
            share = SHARE_OLD;
        }
    }
    return share;
}

/* Where two can run at once replicas go back as they came, one at a time: one that is well goes on
 * until all others serve, too, and those before it are back. What is ill goes at once, and a way
 * back that finds nothing well in its time isn't waited for. */
bool acc_undo_goes_on(struct acc_engine *e, struct service *s, const struct instance *i)
{
    if (s->roll.is.step != ACC_ROLL_UNDO || !s->roll.is.start_first || !s->wanted_up ||
        s->n_inst < 2 || i->slot > s->n_inst || !serves_still(e, s, i) ||
        acc_due(e, s, s->roll.deadline_ms)) {
        return false;
    }
    for (uint32_t slot = 1; slot <= s->n_inst; slot++) {
        enum share share = slot == i->slot ? SHARE_OLD : share_of(e, s, slot);

        if (share == SHARE_NONE || (share == SHARE_FAILED && slot < i->slot)) {
            return true;
        }
    }
    return false;
}

/* Each of them has its own time to get ready. */
static enum acc_action_type end_in_turn(struct acc_engine *e, struct service *s, struct instance *i,
                                        const struct cast *cast)
{
    bool is_first = !i->stop_ms && !acc_due(e, s, s->roll.deadline_ms);
    enum acc_action_type what;

    if (acc_undo_goes_on(e, s, i)) {
        return ACC_NOTHING;
    }
    what = acc_undo_end(e, s, i, cast);
    if (what == ACC_ACT_STOP && is_first) {
        s->roll.deadline_ms = e->now + s->timing.upgrade_timeout;
    }
    return what;
}

enum acc_action_type acc_undo_decide(struct acc_engine *e, struct service *s, struct instance *i)
{
    struct cast cast = acc_rollout_cast(e, s, i->slot);
    bool is_cut_off = acc_undo_is_cut_off(e, s, i->slot);

    if (!i->present) {
        return ACC_NOTHING;
    }
    if (is_cut_off &&
        i == acc_rollout_old(e, s, i->slot)) { /* it can't run again, and is in the way */
        return acc_inst_running(i) ? acc_stop_harder(e, s, i) : acc_remove_it(e, s, i);
    }
    switch (i->role) {
    case ROLE_NONE:
        if (acc_drain_must_undo(s, i)) {
            return acc_due(e, s, i->retry_ms) ? ACC_ACT_UNDRAIN : ACC_NOTHING;
        }
        return acc_rollout_is_new(s, i) && !cast.bad && !is_cut_off ? rename_to(e, s, i, true)
                                                                    : ACC_NOTHING;
    case ROLE_CANDIDATE:
        if (is_cut_off && !cast.holder) {
            return cast.bad ? ACC_NOTHING : rename_to(e, s, i, false);
        }
        if (acc_inst_running(i)) {
            return stands_in(e, s, &cast) ? ACC_NOTHING : acc_undo_end(e, s, i, &cast);
        }
        /* The old one runs again first: else its name would be all that is left to say why it
         * doesn't. */
        return cast.holder    ? acc_inst_running(cast.holder) || may_let_go(e, s, &cast)
                                    ? acc_remove_it(e, s, i)
                                    : ACC_NOTHING
               : cast.retired ? ACC_NOTHING
                              : acc_remove_it(e, s, i);
    case ROLE_BAD:
        if (is_cut_off && !cast.holder) {
            return rename_to(e, s, i, false);
        }
        if (acc_inst_running(i)) {
            return serves_on(e, s, &cast) && !is_relieved(&cast) ? ACC_NOTHING
                                                                 : end_in_turn(e, s, i, &cast);
        }
        return may_let_go(e, s, &cast) ? acc_remove_it(e, s, i) : ACC_NOTHING;
    case ROLE_RETIRED:
        if (acc_undo_runs(cast.candidate) || (acc_undo_runs(cast.bad) && !serves_on(e, s, &cast)) ||
            i->exit_pending) {
            return ACC_NOTHING;
        }
        if (!cast.holder) {
            return rename_to(e, s, i, false);
        }
        /* somebody has made another one meanwhile */
        return !acc_rollout_is_new(s, cast.holder) && may_let_go(e, s, &cast)
                   ? acc_inst_running(i) ? acc_stop_harder(e, s, i) : acc_remove_it(e, s, i)
                   : ACC_NOTHING;
    }
    return ACC_NOTHING;
}

/* R7. Nothing can be made in the place of one that only has the configuration of before. */
static void say_failed(struct acc_engine *e, struct service *s)
{
    char text[ACC_TEXT_MAX + 1];
    bool is_only_one = false;

    acc_each_slot (e, s, i) {
        is_only_one |= !acc_inst_running(i) && acc_change_must_keep(e, s, i);
    }
    if (is_only_one) {
        (void)snprintf(text, sizeof(text),
                       "was rolled back, and the container of r%u doesn't run either; no file has "
                       "its configuration: change the file back and apply it",
                       (unsigned)s->rev);
    } else {
        acc_copy(text, sizeof(text),
                 "was rolled back, and the container of before isn't well either");
    }
    acc_incident_open(e, s, text);
}

/* Rather a replica of the file as it is now than one less, or one that only looks like before. */
static void say_mixed(struct acc_engine *e, struct service *s)
{
    struct acc_rollout_record *is = &s->roll.is;
    uint32_t n = count_cut_off(e, s);
    char why[sizeof(is->why)];

    if (n > 0) {
        acc_revision_fill(is, &s->failed);
        memcpy(why, is->why, sizeof(why));
        (void)snprintf(is->why, sizeof(is->why),
                       "%.100s; %u of %u replicas can't go back to r%u: their containers are gone, "
                       "and no file has its configuration",
                       why, (unsigned)n, (unsigned)s->n_inst, (unsigned)is->from);
    }
}

/* What was there before has come to its own end meanwhile: that is where it is back. */
static bool is_over(struct acc_engine *e, struct service *s)
{
    bool is_over = s->n_inst > 0;

    acc_each_slot (e, s, i) {
        is_over &= acc_inst_is_over(i) && !acc_rollout_is_new(s, i);
    }
    return is_over;
}

static bool have_given_up(struct acc_engine *e, struct service *s)
{
    acc_each_slot (e, s, i) {
        if (!has_given_up(s, i)) {
            return false;
        }
    }
    return s->n_inst > 0;
}

/* The oldest of its runs. Where that is one from before the rollout, some of it has served all
 * along, and nobody was told to leave it. */
static int64_t oldest_run_ns(struct acc_engine *e, const struct service *s)
{
    int64_t since_ns = INT64_MAX;

    acc_each_slot (e, s, i) {
        since_ns = i->run_ns < since_ns ? i->run_ns : since_ns;
    }
    return since_ns == INT64_MAX ? 0 : since_ns;
}

void acc_undo_update(struct acc_engine *e, struct service *s)
{
    struct rollout *r = &s->roll;
    bool has_ended = is_over(e, s);
    bool is_back = s->ready || !s->wanted_up || has_ended || has_next(e, s);
    bool is_impossible = acc_undo_is_impossible(e, s);

    if (is_impossible && s->rev != r->is.to) {
        stay(e, s); /* what it was going back to was removed on the way */
    } else if (!is_impossible && s->rev != r->is.from) {
        s->failed = (struct revision){0};
        go_back(e, s); /* its file is what it was before */
    }
    if (!is_through(e, s)) {
        return;
    }
    if (is_impossible) {
        end_where_it_is(e, s);
        return;
    }
    if (!is_back && !have_given_up(e, s) && !acc_due(e, s, r->deadline_ms)) {
        return;
    }
    if (has_ended && !s->done) { /* the start of the new one had it begin anew */
        acc_inst_mark_done(e, s, &e->inst[s->first_inst]);
    }
    if (s->wanted_up && !has_ended && !has_next(e, s)) {
        acc_rollout_restart_dependents(e, s, oldest_run_ns(e, s));
    }
    say_mixed(e, s);
    r->result = is_back && !count_cut_off(e, s) ? ROLL_ROLLED_BACK : ROLL_FAILED;
    acc_rollout_save_revision(e, s, r->is.to);
    if (!is_back) {
        say_failed(e, s);
    }
    acc_rollout_end(e, s, r->result);
}

/* --- without a record ------------------------------------------------------------------------ */

/* It isn't one that was made beside another one, and was not what the service is. */
static bool is_in_force(const struct service *s, const struct instance *i)
{
    return !i->unrouted &&
           (s->rev ? i->revision == 0 || i->revision == s->rev
                   : i->revision <= 1 || i->role == ROLE_CANDIDATE); /* all that is left of it */
}

bool acc_rollout_is_misnamed(struct acc_engine *e, const struct service *s,
                             const struct instance *i)
{
    return i->present && i->role != ROLE_NONE && !acc_rollout_active(s) && !s->removed &&
           !s->wanted_removed && !acc_svc_observing(e, s) && acc_inst_is_alone(e, i) &&
           is_in_force(s, i);
}

/* Where it may have changed data it is asked about when the service is back. */
bool acc_rollout_left_half_way(struct acc_engine *e, const struct service *s,
                               const struct instance *i)
{
    struct cast cast = acc_rollout_cast(e, s, i->slot);
    bool is_asked_about = s->stateful && !s->has_pre_upgrade && i->started_ns != 0;

    return i->role == ROLE_CANDIDATE && i->role_number == s->roll.is.id && !acc_rollout_active(s) &&
           cast.holder && !acc_rollout_is_new(s, cast.holder) && !is_asked_about;
}

struct traces {
    bool any, undo, watch, verify, is_change;
    uint64_t id;
    uint32_t from, to;
    bool is_seen; /* all of them in this epoch */
    const struct instance *newer;
};

/* Stop-first: the old one was stopped for the new one, which runs and may serve. Which order a
 * changed configuration had nobody knows. */
static bool has_taken_over(struct acc_engine *e, const struct service *s, const struct cast *c)
{
    bool stops_first = strcmp(c->holder->spec, c->candidate->spec) != 0 ||
                       !acc_engine_start_first(e, acc_svc_index(e, s), &(const char *){NULL});

    return stops_first && acc_inst_running(c->candidate) && !acc_inst_running(c->holder) &&
           !c->candidate->unrouted;
}

static void trace_slot(struct acc_engine *e, const struct service *s, uint32_t slot,
                       struct traces *traces)
{
    struct cast c = acc_rollout_cast(e, s, slot);
    const struct instance *newer = c.bad ? c.bad : c.candidate ? c.candidate : c.holder;

    if (!c.candidate && !c.retired && !c.bad) {
        return;
    }
    if (!c.holder && acc_rollout_is_misnamed(e, s, newer ? newer : c.retired)) {
        return;
    }
    traces->any = true;
    if (newer && (c.retired || c.holder)) {
        const struct instance *older = c.retired ? c.retired : c.holder;

        traces->is_change |= older != newer && strcmp(older->spec, newer->spec) != 0;
    }
    if (c.holder && c.candidate && (c.holder->exit_pending || c.holder->hold_ms)) {
        c.holder->own_stop_ns = c.holder->run_ns; /* stopped for it, and not by hand */
        c.holder->exit_pending = true;
        c.holder->hold_ms = 0;
    }
    traces->id = c.bad ? c.bad->role_number : c.candidate ? c.candidate->role_number : traces->id;
    traces->from = c.retired                       ? (uint32_t)c.retired->role_number
                   : c.holder && c.holder != newer ? c.holder->revision
                                                   : traces->from;
    traces->to = newer && newer->revision ? newer->revision : traces->to;
    traces->newer = newer ? newer : traces->newer;
    if (c.bad || (c.candidate && c.holder && !has_taken_over(e, s, &c))) {
        traces->undo = true;
    } else if (c.candidate) {
        traces->verify |= acc_inst_running(c.candidate);
        traces->undo |= !acc_inst_running(c.candidate) && c.retired;
        traces->verify |= !c.retired;
    } else if (c.retired && c.holder) {
        traces->watch = true;
    } else {
        traces->undo = true; /* only the kept one */
    }
}

/* The name of before, where it wasn't the default one and the record is lost. */
static void learn_canonical(struct acc_engine *e, struct service *s)
{
    acc_each_inst (e, s, i) {
        uint64_t number;
        size_t len = 0;

        if (i->present && i->role != ROLE_NONE && i->slot == 1 && !s->container_name &&
            !s->canonical[0]) {
            char name[ACC_NAME_MAX + 1];

            (void)acc_role_of(e, i, i->name, &number, &len);
            acc_inst_canonical(e, i, name);
            if (strlen(name) != len || memcmp(name, i->name, len) != 0) {
                memcpy(s->canonical, i->name, len);
                s->canonical[len] = '\0';
                acc_save(s);
            }
        }
    }
}

#define RECORD_IS_LOST "it was interrupted, and its record is lost"

/* What it was about: as the record has it, where that had ended because the service had left the
 * files, and as the new container shows it. */
static void learn_image(const struct service *s, const struct acc_rollout_record *before,
                        const struct instance *newer, struct acc_rollout_record *is)
{
    bool is_known = before->id == is->id && before->to == is->to;
    bool is_reference = newer && strncmp(newer->image_ref, "sha256:", strlen("sha256:")) != 0 &&
                        strcmp(newer->image_ref, s->image) != 0;

    if (is_known) {
        acc_copy(is->digest, sizeof(is->digest), before->digest);
        acc_copy(is->by, sizeof(is->by), before->by);
        acc_copy(is->what, sizeof(is->what), before->what);
    }
    acc_copy(is->why, sizeof(is->why), is_known && before->why[0] ? before->why : RECORD_IS_LOST);
    acc_copy(is->image, sizeof(is->image), is_reference ? newer->image_ref : "");
    acc_copy(is->image_id, sizeof(is->image_id), newer ? newer->image_id : "");
}

void acc_rollout_recover(struct acc_engine *e, struct service *s)
{
    struct acc_rollout_record *is = &s->roll.is;
    struct acc_rollout_record before = s->roll.is;
    struct traces traces = {.is_seen = true};

    if (acc_rollout_active(s) || !acc_may_act(e)) {
        return;
    }
    acc_each_inst (e, s, i) {
        traces.is_seen &= !i->present || (!acc_inst_stale(e, i) && !i->maybe_gone && !i->op);
    }
    for (uint32_t slot = 1; slot <= s->n_inst && traces.is_seen; slot++) {
        trace_slot(e, s, slot, &traces);
    }
    if (!traces.any || !traces.is_seen) {
        return;
    }
    learn_canonical(e, s);
    *is = (struct acc_rollout_record){
        .id = traces.id ? traces.id : e->next_op++,
        .from = traces.from ? traces.from
                : s->rev    ? s->rev
                            : 1,
        .to = traces.to,
        .slot = s->n_inst,
    };
    acc_copy(is->spec, sizeof(is->spec), s->spec);
    learn_image(s, &before, traces.newer, is);
    is->is_upgrade = true;
    is->is_change = traces.is_change;
    is->start_first = acc_engine_start_first(e, acc_svc_index(e, s), &(const char *){NULL}) &&
                      !is->is_change;
    if (is->from == is->to) { /* what is made next may not pass for the failed one */
        is->from = is->to > 1 ? is->to - 1 : is->to + 1;
    }
    s->last_rev = is->to > s->last_rev ? is->to : s->last_rev;
    s->last_rev = is->from > s->last_rev ? is->from : s->last_rev;
    s->roll.begun_ms = may_be_stopping(e, s) ? e->first_synced_ms : e->now;
    s->roll.is_marked = true; /* nobody knows */
    acc_note(e, ACC_NOTE_OBSERVED, acc_svc_index(e, s),
             "containers of an upgrade that was not ended were found");
    if (traces.undo || !s->wanted_up) {
        acc_undo_or_ask(e, s, false);
        return;
    }
    is->why[0] = '\0';
    if (traces.newer && strcmp(traces.newer->spec, s->spec) != 0) {
        is->image[0] = '\0'; /* that of a file before this one isn't to be in force */
    }
    acc_each_inst (e, s, i) {
        if (i->role == ROLE_CANDIDATE || (traces.watch && i->role == ROLE_NONE)) {
            is->slot = traces.verify ? i->slot : is->slot;
        }
    }
    acc_rollout_step(e, s, traces.verify ? ACC_ROLL_VERIFY : ACC_ROLL_WATCH);
    if (!traces.verify) {
        s->rev = is->to;
    }
}
