/*
 * Readiness by evidence (E1): Docker's verdicts where they count, our own probes where Docker is
 * slow, frozen or has no check at all.
 *
 * A verdict of Docker counts only when the container runs, isn't paused and the newest entry of its
 * health log began in this run (facts: supervision.md, finding 2), and when it is newer than the
 * last evidence of our own.
 */

#include <stdio.h>
#include <string.h>

#include "lib/engine/internal.h"

#define DEFAULT_INTERVAL_MS 30000 /* Docker's own defaults: moby daemon/health.go */
#define DEFAULT_TIMEOUT_MS  30000
#define DEFAULT_RETRIES     3u
/* Beyond the check's own timeout: the daemon needs some time for exec and answer. */
#define PROBE_EXTRA_MS 30000u
/* Between the looks until a pass is confirmed: an exec costs the engine some 50 ms of CPU. */
#define CONFIRM_PAUSE_MS 1000u
/* What was seen of a verdict of Docker's so long ago is what it says. */
#define CURRENT_MS 5000u
/* Between two looks for connections: a file of the kernel's, and a request takes about as long. */
#define IDLE_EVERY_MS 200u

enum mode { MODE_HEALTH, MODE_LISTEN, MODE_TCP, MODE_HTTP, MODE_RUN, MODE_AT_ONCE };

static uint32_t n_ports(const struct service *s, const struct instance *i)
{
    return i->n_ports ? i->n_ports : s->n_ports;
}

static enum mode mode_of(const struct service *s, const struct instance *i)
{
    if (i->has_health) {
        return MODE_HEALTH;
    }
    switch (s->probe) {
    case ACC_PROBE_NONE:
        return MODE_AT_ONCE;
    case ACC_PROBE_TCP:
        return MODE_TCP;
    case ACC_PROBE_HTTP:
        return MODE_HTTP;
    case ACC_PROBE_AUTO:
    case ACC_PROBE_LISTEN:
        break;
    }
    return n_ports(s, i) > 0 ? MODE_LISTEN : MODE_RUN;
}

static uint64_t interval(const struct instance *i)
{
    return (uint64_t)(i->interval_ms > 0 ? i->interval_ms : DEFAULT_INTERVAL_MS);
}

static uint64_t timeout(const struct instance *i)
{
    return (uint64_t)(i->timeout_ms > 0 ? i->timeout_ms : DEFAULT_TIMEOUT_MS);
}

static uint32_t retries(const struct instance *i)
{
    return i->retries > 0 ? i->retries : DEFAULT_RETRIES;
}

/* How long a live monitor of Docker may be silent. */
static uint64_t patience(const struct instance *i)
{
    return 2 * interval(i) + timeout(i);
}

static bool is_verdict(const struct instance *i)
{
    return i->obs == ACC_CTR_RUNNING && i->health_ns > i->started_ns &&
           i->health_ns > i->health_ignore_ns;
}

/* Does this service, as a whole, repeat its own check for as long as it runs? */
static bool is_periodic(enum mode mode)
{
    return mode == MODE_TCP || mode == MODE_HTTP;
}

static bool is_looked_at(const struct instance *i)
{
    return !i->is_spare || i->role == ROLE_CANDIDATE;
}

/* --- a run begins, Docker speaks ------------------------------------------------------------- */

void acc_probe_drop(struct acc_engine *e, struct instance *i)
{
    if (i->probe_op) {
        acc_index_remove(&e->by_op, acc_hash_u64(i->probe_op),
                         acc_inst_index(e, i) | ACC_OP_OF_PROBE);
        e->n_taken[TOKEN_PROBE] -= i->probe_exec;
        i->probe_op = 0;
    }
    i->probe_exec = i->is_forced = i->probe_idle = false;
}

void acc_probe_start(struct acc_engine *e, struct instance *i)
{
    struct service *s = acc_svc_of(e, i);

    acc_probe_drop(e, i);
    i->ready = i->was_ready = i->degraded = i->waiting = i->frozen = i->probe_forced = false;
    i->is_port_unseen = false;
    i->presumed_ms = i->first_pass_ms = i->pass_ms = i->checked_ms = 0;
    i->drain_ms = i->out_ms = i->idle_ms = i->idle_ask_ms = 0;
    i->health_ignore_ns = 0;
    i->health_seen_ms = e->now;
    i->n_fails = 0;
    i->listens = false;
    i->probing_ms = e->now;
    i->standstill_ms = 0;
    i->overdue = false;
    i->probe_delay_ms = s->timing.probe_first;
    i->probe_ms = e->now + s->timing.probe_first;
    i->output[0] = '\0';
}

void acc_probe_pause(struct instance *i, bool is_paused)
{
    if (is_paused) {
        /* Docker closes the monitor with `unhealthy`; that stays after the unpause. */
        i->health_ignore_ns = INT64_MAX;
    } else if (i->health_ignore_ns == INT64_MAX) {
        i->health_ignore_ns = i->health_ns;
    }
}

/* Docker says `unhealthy` when it ends the monitor of a container that exits or is paused, too
 * (moby container/health.go CloseMonitor), and may be seen to before it is seen that it has exited.
 * No check has said so then: the last one passed, or too few in a row have failed. */
static enum acc_docker_health health_of(const struct acc_obs *obs)
{
    bool is_closed = obs->health == ACC_DH_UNHEALTHY &&
                     (obs->health_exit == 0 || obs->failing_streak < obs->retries);

    return is_closed ? ACC_DH_STARTING : obs->health;
}

static void copy_health(struct acc_engine *e, struct instance *i, const struct acc_obs *obs)
{
    i->has_health = obs->has_health;
    i->interval_ms = obs->interval_ms;
    i->timeout_ms = obs->timeout_ms;
    i->start_period_ms = obs->start_period_ms;
    i->retries = obs->retries;
    i->health = health_of(obs);
    if (obs->health_start_ns != i->health_ns) {
        i->health_ns = obs->health_start_ns;
        i->health_seen_ms = e->now;
        i->presumed_ms = 0;
        i->frozen = false;
    }
    i->health_exit = obs->health_exit;
    if (i->health_seen_ms == e->now && obs->health == ACC_DH_HEALTHY && obs->health_exit == 0 &&
        is_verdict(i)) {
        i->checked_ms = e->now;
    }
    if (obs->health_output[0] && is_verdict(i)) {
        acc_copy(i->output, sizeof(i->output), obs->health_output);
    }
}

void acc_probe_observe(struct acc_engine *e, struct instance *i, const struct acc_obs *obs)
{
    copy_health(e, i, obs);
    if (i->obs != ACC_CTR_RUNNING || !i->has_health) {
        return;
    }
    bool is_silent = e->now - i->health_seen_ms > patience(i);

    if (i->ready && is_silent && !i->frozen) {
        i->frozen = true;
        i->n_fails = 0;
        i->probe_ms = e->now;
    }
    if (i->ready && i->health == ACC_DH_STARTING && !i->presumed_ms && !i->frozen) {
        /* Early, or reset by live-restore: until its monitor must have spoken. */
        i->presumed_ms = e->now + patience(i);
    }
}

/* --- ready and back -------------------------------------------------------------------------- */

static void become_ready(struct acc_engine *e, struct service *s, struct instance *i)
{
    if (i->ready && !i->degraded) {
        return;
    }
    if (i->degraded) {
        s->flap_ms = e->now;
        acc_note_inst(e, ACC_NOTE_OBSERVED, i, "healthy again");
    }
    i->ready = i->was_ready = true;
    i->degraded = i->waiting = false;
    i->ready_ms = e->now;
    i->n_fails = 0;
    i->probe_ms = e->now + interval(i);
    acc_mark(e, s);
}

static void degrade(struct acc_engine *e, struct service *s, struct instance *i)
{
    if (i->degraded) {
        return;
    }
    i->degraded = true;
    i->degraded_ms = e->now;
    acc_note_inst(e, ACC_NOTE_OBSERVED, i, "%s%s", i->waiting ? "waits for somebody" : "unhealthy",
                  acc_output_told(i).text);
    acc_mark(e, s);
}

static bool is_waiting_code(const struct service *s, int32_t code)
{
    for (uint32_t k = 0; k < s->n_waiting_codes; k++) {
        if (s->waiting_codes[k] == code) {
            return true;
        }
    }
    return false;
}

static void follow_docker(struct acc_engine *e, struct service *s, struct instance *i)
{
    if (!is_verdict(i)) {
        return;
    }
    if (i->health == ACC_DH_HEALTHY) {
        i->presumed_ms = 0;
        become_ready(e, s, i);
    } else if (i->health == ACC_DH_UNHEALTHY) {
        i->presumed_ms = 0;
        i->waiting = is_waiting_code(s, i->health_exit);
        if (i->ran_before && !i->was_ready) {
            i->ready = i->was_ready = true; /* it is past its start, for all we know */
        }
        if (i->ready) {
            degrade(e, s, i);
        }
    }
}

/* The accd before saw this run get ready, and Docker has not contradicted: it is, until Docker must
 * have spoken. What a rollout tries has to prove itself again. */
static void presume(struct acc_engine *e, struct service *s, struct instance *i)
{
    bool has_failed = is_verdict(i) && i->health_exit != 0;

    if (!i->was_ready && i->ran_before && i->health == ACC_DH_STARTING && !has_failed &&
        i->role == ROLE_NONE && i->run_ns <= s->ready_run_ns) {
        become_ready(e, s, i);
        i->presumed_ms = e->now + patience(i);
    }
}

/* The old one had shown that it serves, and this one is to show no less: that it runs proves
 * nothing of a port that others were connected to. */
static bool must_listen(const struct service *s, const struct instance *i, enum mode mode)
{
    return mode == MODE_LISTEN && s->roll.is.must_listen && acc_rollout_is_on_trial(s, i);
}

bool acc_probe_lacks_port(const struct service *s, const struct instance *i)
{
    return must_listen(s, i, mode_of(s, i)) && acc_inst_running(i) && !i->ready;
}

bool acc_probe_has_listened(const struct service *s, const struct instance *i)
{
    return i->present && i->obs == ACC_CTR_RUNNING && i->ready && i->listens && n_ports(s, i) > 0;
}

static void follow_time(struct acc_engine *e, struct service *s, struct instance *i, enum mode mode)
{
    const struct acc_timing *t = &s->timing;
    bool is_ready = i->ran_before && !is_periodic(mode);

    switch (mode) {
    case MODE_AT_ONCE:
        is_ready = true;
        break;
    case MODE_RUN:
        is_ready = is_ready || acc_due(e, s, i->run_ms + t->run_min);
        break;
    case MODE_LISTEN:
        is_ready = !must_listen(s, i, mode) &&
                   (is_ready || acc_due(e, s, i->run_ms + t->listen_giveup));
        break;
    case MODE_HEALTH:
    case MODE_TCP:
    case MODE_HTTP:
        is_ready = false;
        break;
    }
    if (is_ready && !i->ready) {
        become_ready(e, s, i);
        if (mode == MODE_LISTEN && i->ran_before) { /* nobody has looked; it serves all the same */
            i->is_port_unseen = true;
            i->probe_ms = e->now;
        }
    }
}

/* --- deadlines ------------------------------------------------------------------------------- */

static uint64_t start_deadline(const struct service *s, const struct instance *i)
{
    uint64_t need = (uint64_t)(i->start_period_ms > 0 ? i->start_period_ms : 0) +
                    retries(i) * (interval(i) + timeout(i));

    return i->has_health && need > s->timing.start_deadline_min ? need
                                                                : s->timing.start_deadline_min;
}

/* Whatever is wrong with it: somebody has forbidden the stop, or the start after it; or has taken
 * it off its network, and its next run would be off it, too. */
static bool may_not_restart(const struct acc_engine *e, const struct service *s)
{
    return acc_hold_no_stop(e, s) || acc_hold_no_start(e, s) || acc_svc_is_off_network(e, s);
}

/* An incident of one that is left as it is. */
static void tell_left(struct acc_engine *e, struct service *s, const char *what)
{
    char text[ACC_TEXT_MAX + 1];

    acc_drift_text(e, s, text, sizeof(text));
    acc_incident_open(e, s, acc_svc_is_off_network(e, s) ? text : what);
}

/* What Docker said before accd came may be what its dead monitor has left behind (moby#41871): it
 * takes a newer check of Docker's, or our own. */
bool acc_probe_is_old(const struct instance *i)
{
    return i->degraded && i->has_health &&
           (i->frozen ? i->n_fails < retries(i) : i->ran_before && i->health_seen_ms <= i->run_ms);
}

/* Docker tells when its verdict changes, and events get lost: before something follows from one it
 * is looked at. */
bool acc_probe_is_current(struct acc_engine *e, struct instance *i)
{
    if (!i->has_health || i->frozen || e->now - i->seen_ms <= CURRENT_MS) {
        return true;
    }
    acc_want_look(i);
    return false;
}

bool acc_probe_has_recovered(const struct service *s, const struct instance *i)
{
    return s->recover_ms != UINT64_MAX &&
           (i->run_ms > s->recover_ms || (i->was_ready && i->ready_ms >= s->recover_ms) ||
            i->checked_ms >= s->recover_ms + CURRENT_MS);
}

/* Other services, or what is known of it, come first. */
static bool heals_later(const struct service *s, const struct instance *i)
{
    bool is_recovering = s->recover_ms && !acc_probe_has_recovered(s, i);

    return i->waiting || s->n_roots > 0 || is_recovering || acc_probe_is_old(i);
}

bool acc_probe_fails_to_start(const struct instance *i)
{
    return !i->ready && i->has_health && !i->frozen && !i->waiting && is_verdict(i) &&
           i->health == ACC_DH_UNHEALTHY;
}

uint64_t acc_probe_patience_ms(const struct service *s, const struct instance *i)
{
    return i->probing_ms + s->timing.degraded_grace_min;
}

uint64_t acc_probe_deadline_ms(const struct acc_engine *e, const struct service *s,
                               const struct instance *i)
{
    bool is_left = s->stateful || i->standstill_ms || i->waiting || may_not_restart(e, s);

    return acc_probe_fails_to_start(i) && !is_left ? i->probing_ms + start_deadline(s, i) : 0;
}

/* Docker knows its start_period; but files that give none are many, so it gets what a healthy one
 * would get. It is told then, though it has its time until it is restarted. */
static void tell_start(struct acc_engine *e, struct service *s, const struct instance *i)
{
    char text[ACC_TEXT_MAX + 1];

    if (acc_probe_fails_to_start(i) && !i->overdue && !heals_later(s, i) &&
        acc_due(e, s, acc_probe_patience_ms(s, i))) {
        (void)snprintf(text, sizeof(text), "does not get ready%s", acc_output_told(i).text);
        acc_incident_open(e, s, text);
    }
}

static void watch_start(struct acc_engine *e, struct service *s, struct instance *i)
{
    if (i->standstill_ms || i->waiting || !acc_due(e, s, i->probing_ms + start_deadline(s, i))) {
        tell_start(e, s, i);
        return;
    }
    i->probing_ms = e->now;
    i->overdue = true;
    if (s->stateful) {
        acc_incident_open(e, s, "does not get ready; it is stateful and is left running");
        return;
    }
    if (may_not_restart(e, s)) {
        tell_left(e, s, "does not get ready, and is held");
        return;
    }
    if (acc_fail(e, s, FAIL_NEVER_READY, false, "did not get ready in time%s",
                 acc_output_told(i).text)) {
        acc_inst_end(e, i, END_HEALTH);
    }
}

void acc_probe_clock(struct service *s, struct instance *i, uint64_t now_ms)
{
    if (!i->present || i->obs != ACC_CTR_RUNNING || i->ready) {
        i->standstill_ms = 0;
    } else if (s->n_roots > 0 || i->waiting) {
        i->standstill_ms = i->standstill_ms ? i->standstill_ms : now_ms;
    } else if (i->standstill_ms) {
        i->probing_ms += now_ms - i->standstill_ms;
        i->standstill_ms = 0;
        acc_wake_at(s, i->probing_ms + start_deadline(s, i));
    }
}

bool acc_probe_is_left(const struct service *s, const struct instance *i)
{
    return i->overdue && !i->ready && s->stateful;
}

static uint64_t heal_ms(const struct acc_engine *e, const struct service *s,
                        const struct instance *i)
{
    uint64_t grace = 2 * interval(i);
    uint64_t boot_ms = i->ran_before ? e->boot_ms + s->timing.boot_grace : 0;

    grace = grace < s->timing.degraded_grace_min ? s->timing.degraded_grace_min : grace;
    return i->degraded_ms + grace > boot_ms ? i->degraded_ms + grace : boot_ms;
}

uint64_t acc_probe_heal_ms(const struct acc_engine *e, const struct service *s,
                           const struct instance *i)
{
    return i->degraded && s->restart_on_unhealthy && !heals_later(s, i) && !may_not_restart(e, s)
               ? heal_ms(e, s, i)
               : 0;
}

static bool may_heal(struct acc_engine *e, struct service *s, struct instance *i)
{
    return !heals_later(s, i) && acc_due(e, s, heal_ms(e, s, i)) &&
           (!s->restart_on_unhealthy || may_not_restart(e, s) || acc_storm_lets_heal(e, s));
}

static void watch_degraded(struct acc_engine *e, struct service *s, struct instance *i)
{
    if (i->waiting) {
        acc_incident_open(e, s, "waits for somebody");
        return;
    }
    if (!may_heal(e, s, i)) {
        return;
    }
    if (!s->restart_on_unhealthy || may_not_restart(e, s)) {
        tell_left(e, s, "is unhealthy");
        return;
    }
    if (!acc_probe_is_current(e, i)) {
        return;
    }
    if (acc_fail(e, s, FAIL_UNHEALTHY, false, "was unhealthy%s", acc_output_told(i).text)) {
        acc_inst_end(e, i, END_HEALTH);
    } else {
        i->degraded_ms = e->now;
    }
}

void acc_probe_rejoined(const struct acc_engine *e, struct instance *i)
{
    if (i->degraded) {
        i->degraded_ms = e->now;
    } else if (!i->ready) {
        i->probing_ms = e->now;
    }
}

static void watch_presumption(struct acc_engine *e, struct service *s, struct instance *i)
{
    if (i->presumed_ms && acc_due(e, s, i->presumed_ms)) {
        i->presumed_ms = 0;
        i->frozen = true;
        i->n_fails = 0;
        i->probe_ms = e->now;
    }
}

void acc_probe_update(struct acc_engine *e, struct service *s, struct instance *i)
{
    enum mode mode = mode_of(s, i);

    if (!i->present || i->obs != ACC_CTR_RUNNING || acc_inst_stale(e, i) || !is_looked_at(i)) {
        return;
    }
    if (i->hooks != HOOKS_OVER) {
        return; /* its start is not over; the hooks have a time of their own */
    }
    if (mode == MODE_HEALTH && !i->frozen) {
        follow_docker(e, s, i);
        presume(e, s, i);
    } else {
        follow_time(e, s, i, mode);
    }
    watch_presumption(e, s, i);
    if (!s->wanted_up || i->end != END_NONE || !acc_may_act(e) || acc_svc_observing(e, s) ||
        acc_rollout_watches(s, i) || acc_rollout_is_failed(s, i) ||
        (i->drain_ms && acc_rollout_active(s))) {
        return;
    }
    if (!i->ready) {
        watch_start(e, s, i);
    } else if (i->degraded) {
        watch_degraded(e, s, i);
    }
}

enum acc_verdict acc_probe_verdict(const struct instance *i)
{
    if (!i->present || i->obs != ACC_CTR_RUNNING) {
        return ACC_HEALTH_UNKNOWN;
    }
    return i->degraded ? ACC_HEALTH_UNHEALTHY : i->ready ? ACC_HEALTH_HEALTHY : ACC_HEALTH_STARTING;
}

enum acc_evidence acc_probe_evidence(const struct service *s, const struct instance *i)
{
    switch (mode_of(s, i)) {
    case MODE_HEALTH:
        return ACC_EVIDENCE_CHECK;
    case MODE_TCP:
    case MODE_HTTP:
        return ACC_EVIDENCE_PROBE;
    case MODE_LISTEN:
        return i->listens || !i->ready ? ACC_EVIDENCE_LISTENS : ACC_EVIDENCE_RUNS;
    case MODE_RUN:
    case MODE_AT_ONCE:
        break;
    }
    return ACC_EVIDENCE_RUNS;
}

/* --- our own probes -------------------------------------------------------------------------- */

static enum acc_probe_how how_of(enum mode mode)
{
    return mode == MODE_HEALTH ? ACC_HOW_EXEC
           : mode == MODE_TCP  ? ACC_HOW_TCP
           : mode == MODE_HTTP ? ACC_HOW_HTTP
                               : ACC_HOW_LISTEN;
}

bool acc_probe_can(const struct service *s, const struct instance *i)
{
    enum mode mode = mode_of(s, i);

    return mode != MODE_RUN && mode != MODE_AT_ONCE;
}

/* Its port says nothing about it: images declare some that nobody serves. */
static bool has_never_listened(const struct instance *i, enum mode mode)
{
    return mode == MODE_LISTEN && i->pass_ms == 0;
}

bool acc_probe_proven_since(const struct service *s, const struct instance *i, uint64_t at_ms)
{
    bool has_looked = i->probe_sent_ms >= at_ms && !i->probe_op && !i->probe_forced;

    return !acc_probe_can(s, i) || i->pass_ms >= at_ms ||
           (has_never_listened(i, mode_of(s, i)) && has_looked);
}

static bool is_wanted(const struct instance *i, enum mode mode)
{
    if (mode == MODE_RUN || mode == MODE_AT_ONCE) {
        return false;
    }
    return !i->ready || i->frozen || is_periodic(mode) || i->probe_forced || i->is_port_unseen;
}

static void send_probe(struct acc_engine *e, struct service *s, struct instance *i,
                       enum acc_probe_how how)
{
    struct acc_action *action;

    i->probe_op = e->next_op++;
    i->probe_sent_ms = e->now;
    acc_index_put(&e->by_op, acc_hash_u64(i->probe_op), acc_inst_index(e, i) | ACC_OP_OF_PROBE);
    action = acc_ask(e, ACC_ACT_PROBE, i->svc, i);
    action->op = i->probe_op;
    action->how = how;
    acc_asked(e, action);
    acc_wake_at(s, e->now + timeout(i) + PROBE_EXTRA_MS);
}

void acc_probe_act(struct acc_engine *e, struct service *s, struct instance *i)
{
    enum mode mode = mode_of(s, i);

    if (i->probe_op && acc_due(e, s, i->probe_sent_ms + timeout(i) + PROBE_EXTRA_MS)) {
        acc_probe_drop(e, i);
    }
    if (i->obs != ACC_CTR_RUNNING || !is_looked_at(i) || i->probe_op || i->end != END_NONE ||
        i->hooks != HOOKS_OVER || !is_wanted(i, mode)) {
        return;
    }
    if ((!i->probe_forced && !acc_due(e, s, i->probe_ms)) ||
        (mode == MODE_HEALTH && !acc_token(e, s, TOKEN_PROBE))) {
        return;
    }
    i->is_forced = i->probe_forced;
    i->probe_forced = i->is_port_unseen = false;
    i->probe_exec = mode == MODE_HEALTH;
    e->n_taken[TOKEN_PROBE] += i->probe_exec;
    send_probe(e, s, i, how_of(mode));
}

void acc_probe_idle(struct acc_engine *e, struct service *s, struct instance *i)
{
    if (!i->probe_op && acc_due(e, s, i->idle_ask_ms)) {
        i->probe_idle = true;
        send_probe(e, s, i, ACC_HOW_IDLE);
    }
}

static void told_idle(struct acc_engine *e, struct service *s, struct instance *i, bool is_idle)
{
    if (is_idle) {
        i->idle_ms = e->now;
    }
    i->idle_ask_ms = e->now + IDLE_EVERY_MS;
    acc_wake_at(s, i->idle_ask_ms);
}

/* E1: an early pass counts at once without a declared TCP port or when one of them listens. Until
 * then it is looked again each second: the real server may have begun to listen. */
static void passed(struct acc_engine *e, struct service *s, struct instance *i, enum mode mode)
{
    bool is_enough = mode != MODE_HEALTH || n_ports(s, i) == 0 || i->listens;

    i->n_fails = 0;
    i->pass_ms = i->checked_ms = e->now;
    i->waiting = false;
    if (!i->ready && !is_enough) {
        uint64_t confirmed_ms;

        i->first_pass_ms = i->first_pass_ms ? i->first_pass_ms : e->now ? e->now : 1;
        confirmed_ms = i->first_pass_ms + s->timing.probe_confirm;
        if (e->now < confirmed_ms) {
            i->probe_ms = e->now + CONFIRM_PAUSE_MS < confirmed_ms ? e->now + CONFIRM_PAUSE_MS
                                                                   : confirmed_ms;
            return;
        }
    }
    i->health_ignore_ns = i->health_ns > i->health_ignore_ns ? i->health_ns : i->health_ignore_ns;
    become_ready(e, s, i);
}

static void failed(struct acc_engine *e, struct service *s, struct instance *i, enum mode mode,
                   bool is_waiting)
{
    bool is_judge = i->frozen || is_periodic(mode); /* else Docker is */

    i->first_pass_ms = 0;
    i->waiting = is_waiting;
    i->n_fails += i->ready;
    if (i->is_forced && i->ready && !has_never_listened(i, mode)) {
        s->last_sick_ms = e->now; /* a suspect, no more */
        acc_mark_dependents(e, s);
    }
    if (i->ready && is_judge && i->n_fails >= retries(i)) {
        degrade(e, s, i);
    }
}

/* Doubled at first, then a part of the time that the start has taken so far: by so much of it at
 * most is it noticed late. To see whether a port listens costs next to nothing. */
static uint64_t next_pause(const struct acc_engine *e, const struct service *s,
                           const struct instance *i, enum mode mode)
{
    uint64_t age_ms = e->now - i->run_ms;
    uint64_t part = mode == MODE_LISTEN ? age_ms / 10 : age_ms * 3 / 10;
    uint64_t least = (mode == MODE_LISTEN ? 4 : 10) * s->timing.probe_first;
    uint64_t most = part > least ? part : least;

    most = most < s->timing.probe_cap ? most : s->timing.probe_cap;
    return 2 * i->probe_delay_ms < most ? 2 * i->probe_delay_ms : most;
}

static void schedule(struct acc_engine *e, struct service *s, struct instance *i, enum mode mode)
{
    if (i->ready) {
        i->probe_ms = e->now + interval(i);
    } else if (!i->first_pass_ms) {
        i->probe_delay_ms = next_pause(e, s, i, mode);
        i->probe_ms = e->now + i->probe_delay_ms;
    }
}

void acc_probe_answer(struct acc_engine *e, const struct acc_event *event)
{
    uint32_t k = acc_op_find(e, event->probe.op);
    bool is_forced, is_idle, is_mere_look = false;

    if (k == ACC_NONE || !(k & ACC_OP_OF_PROBE)) {
        return; /* of a run that is over */
    }
    struct instance *i = &e->inst[k & ~ACC_OP_OF_PROBE];
    struct service *s = acc_svc_of(e, i);
    enum mode mode = mode_of(s, i);
    enum acc_probe_verdict verdict = event->probe.verdict;

    is_forced = i->is_forced;
    is_idle = i->probe_idle;
    acc_probe_drop(e, i);
    acc_mark(e, s);
    if (is_idle) {
        told_idle(e, s, i, verdict == ACC_PROBE_PASS);
        return;
    }
    i->is_forced = is_forced;
    i->listens = event->probe.listens;
    if (i->obs != ACC_CTR_RUNNING) {
        return;
    }
    if (mode == MODE_LISTEN) {
        is_mere_look = i->ready && !i->is_forced;
        verdict = i->listens ? ACC_PROBE_PASS : ACC_PROBE_FAIL;
    }
    if (verdict == ACC_PROBE_PASS) {
        passed(e, s, i, mode);
    } else if (verdict != ACC_PROBE_UNKNOWN && !is_mere_look) {
        acc_copy(i->output, sizeof(i->output), event->probe.output);
        failed(e, s, i, mode, verdict == ACC_PROBE_WAITING);
    }
    i->is_forced = false;
    schedule(e, s, i, mode);
}
