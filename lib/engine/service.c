/*
 * A service as a whole: what its instances and the services around it make of it (E2).
 */

#include <string.h>

#include "lib/engine/internal.h"

bool acc_svc_is_done(const struct service *s)
{
    /* of a changed file that isn't followed nothing is run */
    return s->done && !s->run_asked &&
           (strcmp(s->done_spec, s->spec) == 0 || acc_change_refused(s));
}

bool acc_svc_held(struct acc_engine *e, struct service *s)
{
    acc_each_slot (e, s, i) {
        if (i->held || i->hold_ms || (i->present && i->obs == ACC_CTR_PAUSED)) {
            return true;
        }
    }
    return false;
}

bool acc_inst_is_left_paused(const struct service *s, const struct instance *i)
{
    return i->present && i->obs == ACC_CTR_PAUSED && (!i->is_spare || acc_rollout_tries(s, i));
}

bool acc_svc_is_left_paused(struct acc_engine *e, const struct service *s)
{
    acc_each_inst (e, s, i) {
        if (acc_inst_is_left_paused(s, i)) {
            return true;
        }
    }
    return false;
}

bool acc_svc_present(struct acc_engine *e, struct service *s)
{
    acc_each_inst (e, s, i) {
        if (i->present || (i->op && i->op_type == ACC_ACT_CREATE) || i->need_list) {
            return true;
        }
    }
    return false;
}

uint64_t acc_recovery_grace(struct acc_engine *e, const struct service *s)
{
    const struct instance *i = s->n_inst > 0 ? &e->inst[s->first_inst] : NULL;
    uint64_t need = i && i->has_health && i->start_period_ms >= 0 && i->interval_ms >= 0
                        ? (uint64_t)(i->start_period_ms + 3 * i->interval_ms)
                        : 0;

    return need > s->timing.recovery_grace_min ? need : s->timing.recovery_grace_min;
}

/* --- facts ----------------------------------------------------------------------------------- */

static void set_ready(struct acc_engine *e, struct service *s, bool running, bool ready)
{
    if (ready && !s->ready) {
        s->ready_ms = e->now;
        s->ever_ready = true;
        /* what ends without the other one may get ready first each time */
        s->n_excused = acc_svc_is_bereft(e, s) ? s->n_excused : 0;
    }
    if (s->ready && !ready) {
        s->last_ready_ms = e->now;
        acc_storm_left(e, s);
    }
    if (s->running != running || s->ready != ready) {
        acc_mark_around(e, s);
    }
    s->running = running;
    s->ready = ready;
    if (!s->wanted_up || ready || acc_svc_is_done(s) || e->shutdown.is_on) {
        s->bad_ms = 0;
    } else if (!s->bad_ms) {
        s->bad_ms = e->now ? e->now : 1;
    }
}

static void take_facts(struct acc_engine *e, struct service *s)
{
    bool running = s->n_inst > 0 || s->wanted_up;
    bool ready = running;
    bool is_fresh = true;

    acc_each_slot (e, s, i) {
        bool runs = i->present && i->obs == ACC_CTR_RUNNING;

        running &= runs;
        ready &= runs && i->ready && !i->degraded;
        is_fresh &= !i->present || (i->epoch == e->epoch && !i->maybe_gone);
    }
    if (is_fresh != s->is_fresh) {
        s->is_fresh = is_fresh;
        acc_mark_dependents(e, s);
    }
    set_ready(e, s, running, ready);
}

/* The record has one time for all replicas: none that began up to then has yet to get ready. */
static void sync_ready_run(struct acc_engine *e, struct service *s)
{
    int64_t unready_ns = INT64_MAX, ready_ns = s->ready_run_ns;

    acc_each_inst (e, s, i) {
        if (acc_inst_running(i) && !i->was_ready && i->run_ns < unready_ns) {
            unready_ns = i->run_ns;
        }
    }
    acc_each_inst (e, s, i) {
        if (acc_inst_running(i) && i->was_ready && i->has_health && i->run_ns < unready_ns &&
            i->run_ns > ready_ns) {
            ready_ns = i->run_ns;
        }
    }
    if (ready_ns != s->ready_run_ns) {
        s->ready_run_ns = ready_ns;
        acc_save(s);
    }
}

/* All its containers were removed by somebody else: `docker compose down`. */
static void notice_removal(struct acc_engine *e, struct service *s)
{
    if (s->n_inst == 0 || !s->wanted_up || !e->synced) {
        return;
    }
    acc_each_slot (e, s, i) {
        if (i->present || !i->held) {
            return;
        }
    }
    acc_each_slot (e, s, i) {
        i->held = false;
    }
    s->wanted_up = s->held = false;
    acc_copy(s->asked_by, sizeof(s->asked_by), "docker");
    acc_note(e, ACC_NOTE_OBSERVED, acc_svc_index(e, s),
             "its containers were removed by hand: it is off");
    acc_save(s);
    acc_mark_around(e, s);
}

static void sync_held(struct acc_engine *e, struct service *s)
{
    bool held = false;

    if (!e->synced) {
        return;
    }
    acc_each_slot (e, s, i) {
        held |= i->held;
    }
    if (held != s->held) {
        s->held = held;
        acc_save(s);
    }
}

/* Runs that were to end have ended: a later run may not be taken for one of them. */
static void sync_end(struct acc_engine *e, struct service *s)
{
    int64_t last_ns = 0;

    if (!s->end_ns || !e->synced) {
        return;
    }
    acc_each_inst (e, s, i) {
        if (i->start_unsettled || (i->op && i->op_type == ACC_ACT_CREATE)) {
            return;
        }
        if (acc_inst_running(i) && i->run_ns <= s->end_ns &&
            (i->end != END_NONE || !s->wanted_up)) {
            last_ns = i->run_ns > last_ns ? i->run_ns : last_ns;
        }
    }
    if (last_ns == s->end_ns) {
        return;
    }
    s->end_ns = last_ns;
    acc_save(s);
}

/* Compose's name of a container that takes another's place: "<12 hex>_<name>". */
static bool is_passing_name(const char *name)
{
    return strspn(name, "0123456789abcdef") == 12 && name[12] == '_';
}

/* What has no label of ours follows the spec of the day it was taken over, and what was once found
 * to be the same as the file says, the file of that day: a tag that moves later is an upgrade's
 * business. */
static const char *applied_by(const struct acc_engine *e, const struct service *s,
                              const struct instance *i)
{
    if (!i->spec[0]) {
        return s->applied[0] ? acc_inst_spec(e, i) : s->spec;
    }
    return strcmp(i->spec, s->spec) != 0 && strcmp(acc_inst_spec(e, i), s->spec) == 0 ? s->spec
                                                                                      : "";
}

static void sync_applied(struct acc_engine *e, struct service *s)
{
    const struct instance *i = s->n_inst > 0 ? &e->inst[s->first_inst] : NULL;
    const char *applied;
    char name[ACC_NAME_MAX + 1];

    if (!i || !i->present || i->epoch == 0 || i->role != ROLE_NONE || !e->synced || s->removed ||
        acc_svc_observing(e, s)) {
        return;
    }
    applied = applied_by(e, s, i);
    if (strcmp(applied, s->applied) != 0) {
        acc_copy(s->applied, sizeof(s->applied), applied);
        acc_save(s);
    }
    if (!i->is_adopted || s->container_name || is_passing_name(i->name)) {
        return;
    }
    acc_inst_canonical(e, i, name);
    if (strcmp(name, i->name) != 0) {
        acc_copy(s->canonical, sizeof(s->canonical), i->name);
        acc_save(s);
    }
}

static void sync_going_down(struct acc_engine *e, struct service *s)
{
    bool going = false;

    if (s->wanted_up && !acc_svc_observing(e, s)) {
        acc_each_slot (e, s, i) {
            bool is_planned = !acc_hold_no_start(e, s) &&
                              (i->end == END_ASKED || i->end == END_RECOVERY ||
                               (i->end == END_DEPENDENCY && acc_gate_start(e, s)));

            /* also with its own dependency: or a chain of such edges would wait for itself */
            going |= acc_inst_running(i) &&
                     (is_planned || acc_must_stop(e, s) || acc_may_swap(e, s, i));
        }
    }
    going = (going || acc_rollout_stops(e, s)) && !acc_hold_no_stop(e, s);
    if (going != s->going_down) {
        s->going_down = going;
        acc_mark_dependents(e, s);
    }
}

static bool any(struct acc_engine *e, struct service *s, bool (*is)(const struct instance *))
{
    acc_each_inst (e, s, i) {
        if (is(i)) {
            return true;
        }
    }
    return false;
}

/* --- after a dependency has come back -------------------------------------------------------- */

/* When Docker's own health check has had its say at the latest: all retries and one interval. */
static uint64_t late_verdict(struct acc_engine *e, const struct service *s)
{
    const struct instance *i = s->n_inst > 0 ? &e->inst[s->first_inst] : NULL;
    uint64_t grace = acc_recovery_grace(e, s);

    if (!i || !i->has_health || i->interval_ms < 0 || i->timeout_ms < 0) {
        return grace;
    }
    return grace + (i->retries + 1) * (uint64_t)i->interval_ms + (uint64_t)i->timeout_ms;
}

/* It isn't seen, which a list that lacks it is enough for; or accd has just come, and has yet to
 * ask whether what it found running is ready. */
static bool is_unjudged(struct acc_engine *e, struct service *s, const struct service *root)
{
    if (!root->is_fresh) {
        return true;
    }
    acc_each_slot (e, root, i) {
        bool is_ready = i->ready && !i->degraded;

        if (!acc_inst_running(i) || i->degraded || (!is_ready && !i->ran_before) ||
            (!is_ready && i->was_ready)) {
            return false;
        }
    }
    return root->n_inst > 0 && root->wanted_up &&
           !acc_due(e, s, e->boot_ms + root->timing.boot_grace);
}

/* What isn't known to have gone can't come back. */
static bool has_lost_something(struct acc_engine *e, struct service *s)
{
    for (uint32_t k = 0; k < s->n_roots && acc_may_act(e); k++) {
        const struct service *root = acc_root_service(e, s->roots[k]);

        if (!root || acc_svc_is_off_network(e, root) || !is_unjudged(e, s, root)) {
            return true;
        }
    }
    return false;
}

static void begin_recovery(struct acc_engine *e, struct service *s)
{
    s->recover_ms = e->now ? e->now : 1;
    s->recovery_used = false;
    acc_each_slot (e, s, i) { /* what is seen of its checks later is news */
        if (acc_inst_running(i) && i->has_health) {
            acc_want_look(i);
        }
    }
}

static bool is_ill_still(const struct service *s, const struct instance *i)
{
    bool is_migrating = s->stateful && !i->was_ready; /* it is not shot (E1) */

    return acc_inst_running(i) && (!i->ready || i->degraded) && !is_migrating &&
           !acc_probe_has_recovered(s, i);
}

static bool may_end_it(struct acc_engine *e, struct service *s)
{
    bool is_current = true;

    acc_each_slot (e, s, i) {
        is_current &= !is_ill_still(s, i) || acc_probe_is_current(e, i);
    }
    return is_current && !any(e, s, acc_probe_is_old) && !acc_hold_no_stop(e, s) &&
           !acc_hold_no_start(e, s) && acc_storm_lets_heal(e, s);
}

static bool waits_for_recovery(struct acc_engine *e, struct service *s, bool *ret_is_ill)
{
    bool waits = false;

    *ret_is_ill = false;
    acc_each_slot (e, s, i) {
        waits |= acc_inst_running(i) && !acc_probe_has_recovered(s, i);
        *ret_is_ill |= is_ill_still(s, i);
    }
    return waits;
}

void acc_svc_recover(struct acc_engine *e, struct service *s)
{
    bool is_ill;

    if (s->n_roots > 0) {
        s->recover_ms = has_lost_something(e, s) ? UINT64_MAX : s->recover_ms;
        return; /* it counts from their return */
    }
    if (s->recover_ms == UINT64_MAX) {
        begin_recovery(e, s);
    }
    /* what keeps it from that may be its own network, and no restart helps */
    if (!s->recover_ms || acc_svc_is_off_network(e, s) || !waits_for_recovery(e, s, &is_ill)) {
        s->recover_ms = 0;
        return;
    }
    if (s->recovery_used || acc_svc_observing(e, s) || !s->wanted_up || !acc_may_act(e) ||
        !acc_due(e, s, s->recover_ms + acc_recovery_grace(e, s))) {
        return;
    }
    if (!is_ill) { /* a health check may notice only now that it did not recover */
        s->recover_ms = acc_due(e, s, s->recover_ms + late_verdict(e, s)) ? 0 : s->recover_ms;
        return;
    }
    if (!may_end_it(e, s)) {
        return;
    }
    s->recovery_used = true;
    acc_note(e, ACC_NOTE_DECISION, acc_svc_index(e, s),
             "did not recover after what it needs came back: one restart");
    acc_each_slot (e, s, i) {
        if (is_ill_still(s, i)) {
            acc_inst_end(e, i, END_RECOVERY);
        }
    }
}

/* --- state ----------------------------------------------------------------------------------- */

static bool is_up_or_coming(const struct instance *i)
{
    return acc_inst_running(i) || i->start_unsettled;
}

static bool is_busy_or_running(const struct instance *i)
{
    return acc_inst_running(i) ||
           (i->op && i->op_type != ACC_ACT_SET_POLICY && i->op_type != ACC_ACT_UPDATE) ||
           i->start_unsettled;
}

static bool is_degraded(const struct instance *i)
{
    return acc_inst_running(i) && i->degraded;
}

static bool is_final_bad(const struct instance *i)
{
    return i->present && i->final && i->exit_code != 0 && !acc_inst_running(i);
}

static bool is_put_aside(const struct instance *i)
{
    return i->present && i->quarantined;
}

bool acc_svc_put_aside(struct acc_engine *e, struct service *s)
{
    return any(e, s, is_put_aside);
}

static bool deps_met(struct acc_engine *e, struct service *s)
{
    acc_each_out (e, s, edge) {
        if (acc_edge_hard(edge) && !acc_edge_met(e, edge)) {
            return false;
        }
    }
    return acc_host_is_met(e, s);
}

static enum acc_svc_state down_state(struct acc_engine *e, struct service *s)
{
    if (any(e, s, is_busy_or_running) && !acc_svc_observing(e, s)) {
        return ACC_SVC_STOPPING;
    }
    return s->wanted_removed && acc_svc_present(e, s) && !acc_svc_observing(e, s) ? ACC_SVC_STOPPING
                                                                                  : ACC_SVC_OFF;
}

static bool waits_to_be_made(struct acc_engine *e, struct service *s)
{
    acc_each_slot (e, s, i) {
        if (!i->present) {
            return !acc_gate_create(e, s);
        }
    }
    return false;
}

static enum acc_svc_state bringup_state(struct acc_engine *e, struct service *s)
{
    bool may_start = acc_gate_start(e, s);
    /* for nothing but its phase, or a token */
    bool is_in_line = !may_start && s->blocker == ACC_NONE && s->host_blocker == ACC_NONE &&
                      s->predecessor == ACC_NONE;
    bool is_waiting = (!may_start && !is_in_line) || acc_must_stop(e, s) || waits_to_be_made(e, s);
    bool is_coming = any(e, s, is_up_or_coming);

    if (acc_svc_observing(e, s)) {
        return e->stacks[s->stack].contact == CONTACT_UNKNOWN ? ACC_SVC_QUEUED : ACC_SVC_FAILED;
    }
    if (is_waiting && !is_coming) {
        return ACC_SVC_BLOCKED;
    }
    if (s->queued || (is_in_line && !is_coming)) {
        return ACC_SVC_QUEUED;
    }
    return s->n_failures + s->n_excused > 0 && e->now < s->backoff_ms && !is_coming
               ? ACC_SVC_BACKOFF
               : ACC_SVC_STARTING;
}

static enum acc_svc_state state_of(struct acc_engine *e, struct service *s)
{
    if (acc_svc_held(e, s)) {
        return ACC_SVC_HELD;
    }
    if (!s->wanted_up || s->removed) {
        return down_state(e, s);
    }
    if (s->is_leaving) {
        return ACC_SVC_STOPPING;
    }
    if (e->shutdown.is_on && !any(e, s, is_up_or_coming) && !acc_svc_observing(e, s)) {
        return acc_svc_is_done(s) ? ACC_SVC_DONE : ACC_SVC_OFF;
    }
    if (s->roll.is.step == ACC_ROLL_ASK) {
        return ACC_SVC_FAILED;
    }
    if (s->roll.is.step == ACC_ROLL_UNDO) {
        return ACC_SVC_ROLLING_BACK;
    }
    if (acc_rollout_active(s) && s->roll.is.step < ACC_ROLL_WATCH) {
        return s->roll.is.back_to ? ACC_SVC_ROLLING_BACK : ACC_SVC_UPGRADING;
    }
    if (acc_svc_is_done(s) && !any(e, s, is_busy_or_running)) {
        return ACC_SVC_DONE;
    }
    if (s->gave_up || acc_svc_put_aside(e, s) || (!s->run_asked && any(e, s, is_final_bad))) {
        return ACC_SVC_FAILED;
    }
    if (!s->running && acc_hold_no_start(e, s) && !any(e, s, is_busy_or_running)) {
        return ACC_SVC_HELD;
    }
    if (s->breaker != BREAKER_CLOSED && !acc_svc_observing(e, s)) { /* else nothing is tried */
        return s->breaker == BREAKER_OPEN ? ACC_SVC_OPEN : ACC_SVC_HALF_OPEN;
    }
    if (!s->running) {
        return bringup_state(e, s);
    }
    if (!s->ready && !any(e, s, is_degraded)) {
        return deps_met(e, s) && !acc_svc_misses_one(e, s) ? ACC_SVC_STARTING : ACC_SVC_IMPAIRED;
    }
    return s->ready && deps_met(e, s) && !acc_svc_is_cut(e, s) && !acc_svc_left_behind(e, s)
               ? ACC_SVC_UP
               : ACC_SVC_IMPAIRED;
}

/* That of what was found and only got its name by and by began before we looked. */
static uint64_t since(struct acc_engine *e, const struct service *s, enum acc_svc_state state)
{
    bool is_running = state == ACC_SVC_UP || state == ACC_SVC_IMPAIRED || state == ACC_SVC_STARTING;
    bool is_over = state == ACC_SVC_OFF || state == ACC_SVC_DONE || state == ACC_SVC_FAILED ||
                   state == ACC_SVC_HELD;
    uint64_t age_ms = UINT64_MAX;

    if (s->has_state && s->state != ACC_SVC_QUEUED && s->state != ACC_SVC_STARTING) {
        return e->now;
    }
    acc_each_slot (e, s, i) {
        bool is_found = i->present && (acc_inst_running(i) ? is_running && i->ran_before
                                                           : is_over && i->exit_before);

        if (!is_found) {
            return e->now;
        }
        age_ms = e->now - i->found_ms < age_ms ? e->now - i->found_ms : age_ms;
    }
    return age_ms == UINT64_MAX ? e->now : e->now - age_ms;
}

static bool is_rolling(enum acc_svc_state state)
{
    return state == ACC_SVC_UPGRADING || state == ACC_SVC_ROLLING_BACK;
}

/* What a rollout that came to nothing never touched has been up all the time. */
static uint64_t since_over_rollout(struct acc_engine *e, struct service *s,
                                   enum acc_svc_state state, uint64_t since_ms)
{
    bool is_same = s->rolls_ms != 0 && is_rolling(s->state) && state == ACC_SVC_UP;

    if (is_rolling(state)) {
        if (s->state == ACC_SVC_UP) {
            s->up_ms = s->since_ms;
            s->rolls_ms = e->now;
        }
        return since_ms;
    }
    acc_each_slot (e, s, i) {
        is_same &= i->run_ms < s->rolls_ms;
    }
    s->rolls_ms = 0;
    return is_same ? s->up_ms : since_ms;
}

void acc_svc_derive(struct acc_engine *e, struct service *s)
{
    enum acc_svc_state state;

    acc_each_inst (e, s, i) {
        acc_inst_derive(e, i);
    }
    state = state_of(e, s);
    if (s->has_state && state == s->state) {
        return;
    }
    if (s->has_state || state != ACC_SVC_OFF) {
        acc_note(e, ACC_NOTE_STATE, acc_svc_index(e, s), "%s -> %s", acc_svc_state_name(s->state),
                 acc_svc_state_name(state));
    }
    s->since_ms = since_over_rollout(e, s, state, since(e, s, state));
    s->state = state;
    s->has_state = true;
    acc_mark_neighbours(e, s);
}

/* --- update ---------------------------------------------------------------------------------- */

void acc_svc_update(struct acc_engine *e, struct service *s)
{
    s->wake_ms = UINT64_MAX;
    acc_hold_update(e, s);
    acc_observe_slots(e, s);
    acc_each_inst (e, s, i) {
        acc_inst_update(e, s, i);
    }
    notice_removal(e, s);
    sync_held(e, s);
    sync_end(e, s);
    sync_applied(e, s);
    take_facts(e, s);
    sync_ready_run(e, s);
    acc_shutdown_update(e, s);
    if (s->running || !s->wanted_up) {
        s->wait_ms = 0;
    }
    acc_root_update(e, s);
    acc_serial_update(e, s);
    acc_each_slot (e, s, i) {
        acc_probe_clock(s, i, e->now);
    }
    acc_fail_update(e, s);
    acc_svc_recover(e, s);
    acc_rollout_update(e, s);
    sync_going_down(e, s);
    acc_incident_update(e, s);
    acc_svc_derive(e, s);
    acc_renew_update(e, s);
    acc_suffer_update(e, s);
    acc_phase_update(e, s);
    acc_host_count(e, s);
    acc_places_learn(e, s);
    acc_claim_update(e, s);
    acc_gate_update(e, s);
}
