/*
 * Reasons in plain words, for a tired person.
 */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/str.h"
#include "lib/engine/internal.h"

#define WHY_MAX 2048u /* a reason, and some short sentences around it */

struct words {
    char *out;
    size_t size, len;
};

static void say(struct words *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void say(struct words *w, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    int n = vsnprintf(w->out + w->len, w->size - w->len, fmt, args);

    va_end(args);
    if (n > 0) {
        w->len += (size_t)n < w->size - w->len ? (size_t)n : w->size - w->len - 1; /* cut is fine */
    }
}

static void say_span(struct words *w, uint64_t ms)
{
    char text[48];

    acc_format_span_ms(ms, text, sizeof(text));
    say(w, "%s", text);
}

/* How long something has lasted: whole seconds, people need no more. */
static void say_for(struct words *w, uint64_t ms)
{
    if (ms < 1000) {
        say(w, "less than a second");
    } else {
        say_span(w, ms);
    }
}

/* Behind a failure's own words, which may be of any length and end as they like. */
static void say_ago(struct words *w, uint64_t ms)
{
    bool is_closed = w->len > 0 && w->out[w->len - 1] == ')';

    say(w, is_closed ? ", " : " (");
    if (ms < 1000) {
        say(w, "just now");
    } else {
        say_span(w, ms);
        say(w, " ago");
    }
    say(w, is_closed ? "" : ")");
}

static void say_until(struct words *w, uint64_t at_ms, uint64_t now_ms)
{
    if (at_ms > now_ms) {
        say(w, "in ");
        say_span(w, (at_ms - now_ms + 999) / 1000 * 1000);
    } else {
        say(w, "now");
    }
}

/* --- what is wrong with it ----------------------------------------------------------------- */

static const struct instance *bad_instance(struct acc_engine *e, const struct service *s)
{
    acc_each_slot (e, s, i) {
        if (acc_inst_running(i) && (!i->ready || i->degraded)) {
            return i;
        }
    }
    return NULL;
}

static const char *health_of(const struct service *s, const struct instance *i)
{
    return i->hooks == HOOKS_DUE         ? "runs its post_start hooks"
           : i->waiting                  ? "waits for somebody"
           : i->degraded                 ? "is unhealthy"
           : acc_probe_is_left(s, i)     ? "does not get ready"
           : acc_probe_fails_to_start(i) ? "is unhealthy"
           : i->has_health               ? "runs, but its health check has not passed yet"
           : acc_probe_evidence(s, i) == ACC_EVIDENCE_PROBE
               ? "runs, but its probe has not passed yet"
           : acc_probe_evidence(s, i) == ACC_EVIDENCE_RUNS
               ? "runs, but not for long enough yet"
               : "runs, but nothing listens on its port yet";
}

/* What becomes of one that runs and isn't well, if it stays so. */
static void say_outlook(struct acc_engine *e, struct words *w, struct service *s,
                        const struct instance *i, uint64_t now_ms)
{
    uint64_t heal_ms = i->ready ? acc_probe_heal_ms(e, s, i) : acc_probe_deadline_ms(e, s, i);

    if (acc_svc_observing(e, s)) {
        say(w, "; its stack is only observed, and nobody restarts it for that");
    } else if (acc_probe_is_left(s, i)) {
        say(w, "; it is stateful, so it is left running; start it anew: accctl restart %s",
            s->nick);
    } else if (i->degraded && !s->restart_on_unhealthy) {
        say(w, "; it is left running (on_unhealthy: report); start it anew: accctl restart %s",
            s->nick);
    } else if (heal_ms > now_ms) {
        say(w, "; it is restarted ");
        say_until(w, heal_ms, now_ms);
        say(w, " unless it gets well");
    } else if (heal_ms && i->degraded) {
        say(w, acc_storm_is_on(e) ? "; many have failed at once, and its restart waits for that to "
                                    "be over"
                                  : "; its restart is due");
    }
}

static void say_restart(struct acc_engine *e, struct words *w, struct service *s, uint64_t now_ms)
{
    static const char runs_but[] = "runs, but "; /* goes without saying */
    const struct instance *i = bad_instance(e, s);
    unsigned attempt = s->n_failures ? s->n_failures : 1;
    const char *text;

    if (!i) {
        say(w, "; it is being restarted (attempt %u)", attempt);
        return;
    }
    text = health_of(s, i);
    if (strncmp(text, runs_but, sizeof(runs_but) - 1) == 0) {
        say(w, "; restarted (attempt %u), but %s", attempt, text + sizeof(runs_but) - 1);
    } else {
        say(w, "; restarted (attempt %u), and it %s", attempt, text);
    }
    say_outlook(e, w, s, i, now_ms);
}

/* Nothing is done about it: what is its own policy? */
static void say_left_alone(struct acc_engine *e, struct words *w, struct service *s)
{
    const char *policy = NULL;

    acc_each_slot (e, s, i) {
        if (i->present && !acc_inst_running(i)) {
            policy = i->policy == ACC_RESTART_UNSET ? "no" : acc_restart_policy_name(i->policy);
        }
    }
    say(w, "; its stack is only observed");
    if (policy && strcmp(policy, "no") == 0) {
        say(w, ", and nobody starts it again: its restart policy is no");
    } else if (policy) {
        say(w, ", and its own restart policy is %s", policy);
    }
}

static void say_next(struct acc_engine *e, struct words *w, struct service *s, uint64_t now_ms)
{
    if (acc_svc_observing(e, s)) {
        say_left_alone(e, w, s);
        return;
    }
    switch (s->state) {
    case ACC_SVC_OPEN:
        say(w, "; it fails too often and gets a rest, next try ");
        say_until(w, s->open_ms, now_ms);
        break;
    case ACC_SVC_HALF_OPEN:
        say(w, "; it is on trial");
        break;
    case ACC_SVC_BACKOFF:
        say(w, "; next try (attempt %u) ",
            (unsigned)(s->n_failures > s->n_excused ? s->n_failures : s->n_excused));
        say_until(w, s->backoff_ms, now_ms);
        break;
    case ACC_SVC_STARTING:
    case ACC_SVC_QUEUED:
        say_restart(e, w, s, now_ms);
        break;
    case ACC_SVC_FAILED:
        say(w, "; not started again until somebody asks: accctl up %s", s->nick);
        break;
    case ACC_SVC_BLOCKED:
        say(w, "; it waits");
        break;
    case ACC_SVC_OFF:
    case ACC_SVC_UP:
    case ACC_SVC_IMPAIRED:
    case ACC_SVC_HELD:
    case ACC_SVC_UPGRADING:
    case ACC_SVC_ROLLING_BACK:
    case ACC_SVC_STOPPING:
    case ACC_SVC_DONE:
        break;
    }
}

/* What had ended before accd came did so when Docker says. */
static uint64_t failed_ago(struct acc_engine *e, struct service *s, uint64_t now_ms)
{
    uint64_t ago_ms = now_ms - s->fail_ms;

    acc_each_slot (e, s, i) {
        bool is_it = i->present && i->exit_before && !acc_inst_running(i) &&
                     (s->fail_class == FAIL_EXIT || s->fail_class == FAIL_OOM);

        ago_ms = is_it && now_ms - i->found_ms > ago_ms ? now_ms - i->found_ms : ago_ms;
    }
    return ago_ms;
}

static void say_failure(struct acc_engine *e, struct words *w, struct service *s, uint64_t now_ms)
{
    say(w, "%s", s->fail_text);
    say_ago(w, failed_ago(e, s, now_ms));
    say_next(e, w, s, now_ms);
}

/* The state outlives accd, what has led to it doesn't. */
static bool is_from_before(const struct service *s)
{
    return !s->has_failed && (s->state == ACC_SVC_FAILED || s->state == ACC_SVC_OPEN ||
                              s->state == ACC_SVC_HALF_OPEN || s->state == ACC_SVC_BACKOFF);
}

static void say_failed_before(struct acc_engine *e, struct words *w, struct service *s,
                              uint64_t now_ms)
{
    say(w, "%s", s->fail_text[0] ? s->fail_text : "failed earlier");
    say_next(e, w, s, now_ms);
}

/* Nothing has failed that accd has seen, and nothing follows from what isn't there. */
static void say_observed(struct acc_engine *e, struct words *w, struct service *s)
{
    unsigned n_present = 0, n_running = 0;

    acc_each_slot (e, s, i) {
        n_present += i->present;
        n_running += i->present && acc_inst_running(i);
    }
    if (n_present == 0) {
        say(w, "has no container");
    } else if (n_running == 0) {
        say(w, "does not run");
    } else {
        say(w, "%u of %u containers run", n_running, (unsigned)s->n_inst);
    }
    say_left_alone(e, w, s);
}

static void say_health(struct acc_engine *e, struct words *w, struct service *s, uint64_t now_ms)
{
    const struct instance *i = bad_instance(e, s);

    if (!i) {
        return;
    }
    say(w, "%s", health_of(s, i));
    if (i->output[0]) {
        say(w, " (%s)", acc_output_told(i).text + 2);
    }
    say_outlook(e, w, s, i, now_ms);
}

/* Forbidden by somebody, and what came before. */
static void say_forbidden(struct acc_engine *e, struct words *w, struct service *s, uint64_t now_ms)
{
    char text[ACC_REASON_MAX + 1];

    acc_hold_text(e, s, now_ms, text, sizeof(text));
    say(w, "%s", text);
    if (!acc_svc_present(e, s)) {
        say(w, "; it has no container");
    }
    if (s->has_failed && !s->ready && s->fail_ms >= s->ready_ms) {
        say(w, "; it %s", s->fail_text);
        say_ago(w, now_ms - s->fail_ms);
    }
}

static void say_held(struct acc_engine *e, struct words *w, struct service *s, uint64_t now_ms)
{
    if (!acc_svc_held(e, s)) {
        say_forbidden(e, w, s, now_ms);
        return;
    }
    acc_each_slot (e, s, i) {
        if (i->present && i->obs == ACC_CTR_PAUSED) {
            say(w, "was paused by hand; go on: accctl up %s", s->nick);
            return;
        }
        if (i->held && !i->present) {
            say(w, "its container was removed by hand; make it again: accctl up %s", s->nick);
            return;
        }
    }
    say(w, "was stopped by hand; start it again: accctl up %s, or accctl release %s", s->nick,
        s->nick);
}

/* Since accd saw it run. */
static bool has_ended_since(struct acc_engine *e, struct service *s)
{
    acc_each_slot (e, s, i) {
        if (i->present && i->run_ns != 0 && !i->exit_before) {
            return true;
        }
    }
    return false;
}

/* Who wants it off, between the two. What was removed by hand may have been made again since, or an
 * upgrade has kept the one before. */
static void say_asked(struct acc_engine *e, struct words *w, struct service *s, const char *before,
                      const char *behind)
{
    bool is_gone = strcmp(s->asked_by, "docker") == 0;
    bool is_found = strcmp(s->asked_by, ACC_FOUND_OFF) == 0;

    if (!s->removed && !s->asked_by[0]) {
        return;
    }
    say(w, "%s", before);
    if (s->removed) {
        say(w, acc_contact_has_left(e, s->stack)
                   ? "its stack has left the files; add it again, or start it with docker compose"
                   : "it is in no file any more");
    } else if (is_found && acc_svc_observing(e, s)) {
        say(w, has_ended_since(e, s) ? "exited with 0" : "was off when accd first saw it");
    } else if (is_found) {
        say(w, "was off when its stack was taken over; start it: accctl up %s", s->nick);
    } else if (is_gone && acc_svc_present(e, s)) {
        say(w, "its container was removed by hand; start it again: accctl up %s", s->nick);
    } else if (is_gone) {
        say(w, "its containers were removed by hand; make them again: accctl up %s", s->nick);
    } else {
        say(w, "asked by %s", s->asked_by);
    }
    say(w, "%s", behind);
}

/* It has ended, and whether somebody wanted that isn't clear yet: `docker stop` says so last. */
static bool say_end(struct acc_engine *e, struct words *w, struct service *s)
{
    char text[80];

    acc_each_slot (e, s, i) {
        if (!i->present || !i->exit_pending || acc_inst_running(i)) {
            continue;
        }
        acc_exit_text(i->exit_code, i->oom && i->exit_code != 0, text, sizeof(text));
        say(w, "%s%s", text,
            i->exit_engine                            ? " as Docker went down"
            : acc_inst_is_shot(i) && !i->exit_doubted ? ACC_BY_KILL
                                                      : "");
        if (acc_svc_observing(e, s)) {
            say_left_alone(e, w, s);
        } else if (i->exit_apart) {
            say(w, "; it is started again");
        } else {
            say(w, "; it is started again unless somebody has stopped it");
        }
        return true;
    }
    return false;
}

/* Its own state, whatever it may need besides. */
static bool say_drift(struct acc_engine *e, struct words *w, struct service *s)
{
    char text[ACC_REASON_MAX + 1];

    acc_drift_text(e, s, text, sizeof(text));
    say(w, "%s", text);
    return text[0] != '\0';
}

/* "postgres, which exited with 137 (out of memory) 12 s ago; it is being restarted ..." */
static void say_other(struct acc_engine *e, struct words *w, uint32_t svc, uint64_t now_ms)
{
    struct service *s = &e->services[svc];
    char text[ACC_REASON_MAX + 1];

    say(w, "%s, which ", s->nick);
    if (!s->wanted_up) {
        say(w, "is off");
        say_asked(e, w, s, " (", ")");
    } else if (s->n_inst == 0) {
        say(w, "has no replicas");
    } else if (s->state == ACC_SVC_HELD) {
        say_held(e, w, s, now_ms);
    } else if (s->roll.is.step == ACC_ROLL_ASK) {
        acc_rollout_ask_text(e, s, false, text, sizeof(text));
        say(w, "%s", text);
    } else if (s->has_failed && !s->ready && s->fail_ms >= s->ready_ms) {
        say_failure(e, w, s, now_ms);
    } else if (say_end(e, w, s)) {
        return;
    } else if (say_drift(e, w, s)) {
        return;
    } else if (bad_instance(e, s)) {
        say_health(e, w, s, now_ms);
    } else if (is_from_before(s)) {
        say_failed_before(e, w, s, now_ms);
    } else if (s->state == ACC_SVC_BLOCKED && s->blocker != ACC_NONE) {
        const struct edge *edge = &e->edges[s->blocker];

        say(w, "waits for %s", e->services[edge->from == svc ? edge->to : edge->from].nick);
    } else {
        say(w, "is %s",
            s->state == ACC_SVC_STARTING              ? "still starting"
            : s->state == ACC_SVC_UP && s->going_down ? "being restarted"
                                                      : acc_svc_state_name(s->state));
    }
}

/* It is ready, and that isn't enough yet. */
static bool say_unsettled(struct acc_engine *e, struct words *w, const struct service *s,
                          const struct edge *edge, uint64_t now_ms)
{
    const struct service *d = &e->services[edge->to], *anew;

    if (edge->from != acc_svc_index(e, s) || !acc_edge_hard(edge) || !acc_edge_met(e, edge)) {
        return false;
    }
    anew = acc_renew_may_begin(d) ? NULL : acc_renew_source(e, d);
    if (anew) {
        say(w, "waits for %s, which is made anew", anew->nick);
        if (anew != d) {
            say(w, ", and which %s stands on", d->nick);
        }
    } else if (acc_gate_settles_ms(e, edge) > now_ms) {
        say(w, "needs %s, which is up again, and has to stay so for another ", d->nick);
        say_span(w, (acc_gate_settles_ms(e, edge) - now_ms + 999) / 1000 * 1000);
    } else {
        return false;
    }
    return true;
}

static bool say_predecessor(struct acc_engine *e, struct words *w, const struct service *s,
                            uint64_t now_ms)
{
    struct service *gone = s->predecessor == ACC_NONE ? NULL : &e->services[s->predecessor];
    const char *what = gone ? acc_gate_contested(s, gone) : NULL;
    char hold[ACC_REASON_MAX + 1];

    if (!gone) {
        return false;
    }
    if (!gone->removed) {
        say(w, "waits until %s has given the name %s away", gone->nick, s->container_name);
    } else if (gone->clearing < 2 || !what) {
        say(w, "waits until %s, which has left the files, is removed: both have the name %s%s",
            gone->nick, s->container_name ? s->container_name : "",
            gone->wanted_removed ? "" : " (accctl apply --prune removes it)");
    } else if (acc_hold_no_stop(e, gone)) {
        acc_hold_text(e, gone, now_ms, hold, sizeof(hold));
        say(w, "waits for the end of %s, which has left the files and %s: both have %s", gone->nick,
            hold, what);
    } else {
        say(w, "waits for the end of %s, which has left the files: both have %s", gone->nick, what);
    }
    return true;
}

static bool say_blocker(struct acc_engine *e, struct words *w, const struct service *s,
                        uint64_t now_ms)
{
    const struct edge *edge = s->blocker == ACC_NONE ? NULL : &e->edges[s->blocker];
    uint32_t other;

    if (!edge) {
        return say_predecessor(e, w, s, now_ms);
    }
    if (say_unsettled(e, w, s, edge, now_ms)) {
        return true;
    }
    other = edge->from == acc_svc_index(e, s) ? edge->to : edge->from;
    say(w, "%s ",
        edge->kind == ACC_EDGE_CONFLICTS ? "conflicts with"
        : edge->kind == ACC_EDGE_WANTS || edge->kind == ACC_EDGE_AFTER ||
                edge->kind == ACC_EDGE_MILESTONE
            ? "waits for"
            : "needs");
    say_other(e, w, other, now_ms);
    return true;
}

/* One of its bind sources that has this root: it tells more than the mount alone. */
static const struct condition *own_source(const struct acc_engine *e, const struct service *s,
                                          uint32_t root)
{
    for (uint32_t k = 0; k < s->n_host; k++) {
        const struct condition *c = acc_host_of(e, s, k);

        if (c->is.kind == ACC_HOST_PLACE && c->is_met == ACC_NO && acc_host_root(e, c) == root) {
            return c;
        }
    }
    return NULL;
}

/* "waits, because nothing is mounted on /mnt/nas": it, or what it stands on, needs that. */
static void say_host(const struct acc_engine *e, struct words *w, const struct service *s,
                     uint32_t condition, uint64_t now_ms)
{
    uint32_t root = acc_host_root(e, &e->conditions[condition]);
    const struct condition *c = acc_root_condition(e, root);
    const struct condition *own = own_source(e, s, root);
    char text[ACC_TEXT_MAX + 1];

    if (c->is_met == ACC_UNKNOWN) {
        say(w, "waits for word of the host: %.160s", c->is.text);
        return;
    }
    acc_host_lacks(e, own ? own : c, text, sizeof(text));
    say(w, "%s, because %s", s->state == ACC_SVC_BLOCKED ? "waits" : "suffers", text);
    if (c->is_met == ACC_NO) {
        say(w, " (for ");
        say_for(w, now_ms - c->since_ms);
        say(w, ")");
    }
    if (c->res != ACC_NONE && c->is_met == ACC_NO && !e->res[c->res].op) {
        say(w, "; next try ");
        say_until(w, e->res[c->res].retry_ms, now_ms);
    }
    if (own) {
        say(w, "; `accctl release %.160s` takes it as it is", c->id);
    }
}

/* It is started again all the same, and may fail again. */
static void say_missed(struct acc_engine *e, struct words *w, struct service *s, uint64_t now_ms)
{
    char text[ACC_REASON_MAX + 1];

    acc_drift_text_ended(e, s, text, sizeof(text));
    if (text[0]) {
        say(w, "; it %s", text);
        return;
    }
    for (uint32_t k = 0; k < s->n_roots; k++) {
        const struct service *root = acc_root_service(e, s->roots[k]);

        if (root && acc_svc_is_off_network(e, root)) {
            say(w, "; it needs ");
            say_other(e, w, s->roots[k], now_ms);
            return;
        }
    }
}

const char *acc_root_nick(const struct acc_engine *e, uint32_t root)
{
    const struct service *s = acc_root_service(e, root);

    return s ? s->nick : acc_root_condition(e, root)->id;
}

void acc_root_text(struct acc_engine *e, uint32_t root, uint64_t now_ms, char *out, size_t out_size)
{
    struct words w = {out, out_size, 0};

    out[0] = '\0';
    if (acc_root_service(e, root)) {
        say_other(e, &w, root, now_ms);
    } else {
        acc_host_lacks(e, acc_root_condition(e, root), out, out_size);
    }
}

static bool say_roots(struct acc_engine *e, struct words *w, const struct service *s,
                      uint64_t now_ms)
{
    if (s->n_roots == 0) {
        return false;
    }
    if (acc_root_is_host(s->roots[0])) {
        say_host(e, w, s, s->roots[0] - ACC_ROOT_HOST, now_ms);
    } else {
        say(w, "needs ");
        say_other(e, w, s->roots[0], now_ms);
    }
    for (uint32_t k = 1; k < s->n_roots; k++) {
        say(w, "%s%s", k == 1 ? "; and " : ", ", acc_root_nick(e, s->roots[k]));
    }
    return true;
}

static bool say_phase(struct acc_engine *e, struct words *w, const struct service *s,
                      uint64_t now_ms)
{
    const struct service *holder = acc_phase_holder(e, s);

    if (!holder) {
        return false;
    }
    say(w, "waits for phase %.60s: ", e->phases[holder->phase_at].name);
    if (holder->ready) {
        say(w, "%s has not been well for long enough", holder->nick);
    } else {
        say_other(e, w, acc_svc_index(e, holder), now_ms);
    }
    return true;
}

static bool say_serial(const struct acc_engine *e, struct words *w, const struct service *s)
{
    const char *token = NULL;
    const struct service *holder = acc_serial_holder(e, s, &token);

    if (holder) {
        say(w, "waits until %s is ready: both are serialized by %s", holder->nick, token);
    }
    return holder != NULL;
}

/* What a start waits for besides other services. */
static void say_starting(struct acc_engine *e, struct words *w, struct service *s, uint64_t now_ms)
{
    if (s->has_failed && !s->ready && s->fail_ms >= s->ready_ms && s->n_failures > 0) {
        say_failure(e, w, s, now_ms);
        return;
    }
    if (say_end(e, w, s)) {
        return;
    }
    if (s->state == ACC_SVC_QUEUED && (say_phase(e, w, s, now_ms) || say_serial(e, w, s))) {
        return;
    }
    if (bad_instance(e, s)) {
        say_health(e, w, s, now_ms);
        return;
    }
    for (uint32_t k = 0; k < s->n_res; k++) {
        const struct resource *res = &e->res[e->svc_res[s->first_res + k]];

        if (res->state == RES_BUSY && res->kind == ACC_RES_IMAGE) {
            say(w, "waits for the image %.80s", res->key);
            return;
        }
    }
    say(w, "%s", s->queued ? "waits for its turn" : ""); /* starting says it all */
}

/* It was an incident's root and is well again. */
static void say_recovered(struct acc_engine *e, struct words *w, const struct service *s,
                          uint64_t now_ms)
{
    uint64_t closes_ms = 0;

    if (s->incident == ACC_NONE || !acc_incident_well(e, &e->incidents[s->incident], &closes_ms)) {
        return;
    }
    say(w, "has recovered");
    if (closes_ms) {
        say(w, "; its incident closes ");
        say_until(w, closes_ms, now_ms);
        say(w, " if it stays so");
    }
}

static void say_up(struct acc_engine *e, struct words *w, const struct service *s, uint64_t now_ms)
{
    uint32_t n = acc_fail_count(e, s, ACC_UNSTABLE_MS);
    const struct condition *lost = acc_places_lost(e, s);
    char text[ACC_TEXT_MAX + 1];

    acc_each_slot (e, s, i) {
        if (i->op && (i->op_type == ACC_ACT_STOP || i->op_type == ACC_ACT_KILL)) {
            say(w, "is being stopped, to be started again");
            return;
        }
    }
    if (n >= ACC_UNSTABLE_FAILURES) {
        say(w, "is unstable: it failed %u times within an hour, last: %s", (unsigned)n,
            s->fail_text);
    } else if (lost) {
        acc_host_lacks(e, lost, text, sizeof(text));
        say(w, "runs, but would not start again: %s", text);
    } else {
        say_recovered(e, w, s, now_ms);
    }
}

static void say_rollout(struct acc_engine *e, struct words *w, struct service *s, uint64_t now_ms)
{
    char text[ACC_REASON_MAX + 1];

    acc_rollout_reason(e, s, now_ms, text, sizeof(text));
    say(w, "%s", text);
}

static void say_stopping(struct acc_engine *e, struct words *w, const struct service *s)
{
    const char *what = s->wanted_removed ? "removed" : "stopped";

    if (strcmp(s->asked_by, ACC_LEFT_FILE) != 0) {
        say(w, "is being %s%s%s", what, s->asked_by[0] ? ", asked by " : "", s->asked_by);
    } else {
        say(w, "is %s %s: it is in no file any more", acc_hold_no_stop(e, s) ? "to be" : "being",
            what);
    }
}

static void say_reason(struct acc_engine *e, struct words *w, struct service *s, uint64_t now_ms)
{
    const struct service *behind;

    if (e->shutdown.is_on && s->wanted_up &&
        (s->state == ACC_SVC_OFF || s->state == ACC_SVC_STOPPING)) {
        say(w, "the host is shutting down");
        return;
    }
    switch (s->state) {
    case ACC_SVC_OFF:
        say_asked(e, w, s, "", "");
        break;
    case ACC_SVC_STOPPING:
        say_stopping(e, w, s);
        break;
    case ACC_SVC_HELD:
        say_held(e, w, s, now_ms);
        break;
    case ACC_SVC_BLOCKED:
    case ACC_SVC_IMPAIRED:
        if (say_drift(e, w, s)) {
            break;
        }
        behind = acc_svc_left_behind(e, s);
        if (behind && s->n_roots == 0) {
            say(w, "lives in what has ended of %s; it is restarted when %s is stable", behind->nick,
                behind->nick);
            break;
        }
        if (bad_instance(e, s) && s->n_roots == 0) {
            say_health(e, w, s, now_ms);
        } else if (!say_roots(e, w, s, now_ms) && !say_blocker(e, w, s, now_ms) &&
                   s->host_blocker != ACC_NONE) {
            say_host(e, w, s, s->host_blocker, now_ms);
        }
        break;
    case ACC_SVC_FAILED:
    case ACC_SVC_OPEN:
    case ACC_SVC_HALF_OPEN:
    case ACC_SVC_BACKOFF:
        if (s->roll.is.step == ACC_ROLL_ASK) {
            say_rollout(e, w, s, now_ms);
        } else if (s->has_failed) {
            say_failure(e, w, s, now_ms);
            say_missed(e, w, s, now_ms);
        } else if (acc_svc_observing(e, s)) {
            say_observed(e, w, s);
        } else {
            say_failed_before(e, w, s, now_ms);
        }
        break;
    case ACC_SVC_QUEUED:
    case ACC_SVC_STARTING:
        if (!say_drift(e, w, s)) {
            say_starting(e, w, s, now_ms);
        }
        break;
    case ACC_SVC_UP:
        if (acc_rollout_active(s) || (s->roll.is_asked && s->roll.op)) {
            say_rollout(e, w, s, now_ms);
        } else {
            say_up(e, w, s, now_ms);
        }
        break;
    case ACC_SVC_UPGRADING:
    case ACC_SVC_ROLLING_BACK:
        say_rollout(e, w, s, now_ms);
        break;
    case ACC_SVC_DONE:
        break;
    }
}

/* What a state says that isn't one of the rollout: where that has got to. */
static void say_behind(struct acc_engine *e, struct words *w, struct service *s, uint64_t now_ms)
{
    char text[ACC_REASON_MAX + 1];
    bool says_all = s->state == ACC_SVC_UP || s->state == ACC_SVC_UPGRADING ||
                    s->state == ACC_SVC_ROLLING_BACK || s->state == ACC_SVC_OFF ||
                    s->state == ACC_SVC_STOPPING;

    if (says_all) {
        return;
    }
    acc_rollout_fault(s, now_ms, "", text, sizeof(text));
    if (!text[0]) {
        acc_rollout_standstill(e, s, text, sizeof(text));
    }
    say(w, "%s%s", text[0] && w->len > 0 ? "; " : "", text);
}

/* A hold stands beside the state, and behind its reason. Maintenance is told once, above all, but
 * for who waits because of it. */
static void say_hold(struct acc_engine *e, struct words *w, struct service *s, uint64_t now_ms)
{
    char text[ACC_REASON_MAX + 1];
    bool is_calm = s->state == ACC_SVC_UP || s->state == ACC_SVC_OFF || s->state == ACC_SVC_DONE;

    if ((s->state == ACC_SVC_HELD && !acc_svc_held(e, s)) ||
        (s->hold.is.kind == ACC_HOLD_NONE && is_calm)) {
        return;
    }
    acc_hold_text(e, s, now_ms, text, sizeof(text));
    if (text[0]) {
        say(w, "%s%s", w->len > 0 ? "; it " : "", text);
    }
}

void acc_reason(struct acc_engine *e, struct service *s, uint64_t now_ms, char *out,
                size_t out_size)
{
    struct words w = {out, out_size, 0};

    out[0] = '\0';
    now_ms = now_ms > e->now ? now_ms : e->now;
    if (!e->ever_synced) {
        say(&w, "waits for Docker, which has not answered yet");
    } else if (e->stacks[s->stack].contact == CONTACT_UNKNOWN) {
        say(&w, "its containers are being looked for");
    } else if (s->has_state) {
        say_reason(e, &w, s, now_ms);
        say_behind(e, &w, s, now_ms);
        say_hold(e, &w, s, now_ms);
    }
}

/* --- why ------------------------------------------------------------------------------------- */

static const char *describe(struct acc_engine *e, const struct service *s)
{
    if (acc_rollout_old_serves(e, s)) {
        return "waiting for a decision (failed)";
    }
    switch (s->state) {
    case ACC_SVC_OPEN:
        return "given a rest (open)";
    case ACC_SVC_HALF_OPEN:
        return "on trial (half-open)";
    case ACC_SVC_BACKOFF:
        return "waiting for its next start (backoff)";
    case ACC_SVC_FAILED:
        return "down (failed)";
    case ACC_SVC_ROLLING_BACK:
        return "rolling back";
    case ACC_SVC_OFF:
    case ACC_SVC_BLOCKED:
    case ACC_SVC_QUEUED:
    case ACC_SVC_STARTING:
    case ACC_SVC_UP:
    case ACC_SVC_IMPAIRED:
    case ACC_SVC_HELD:
    case ACC_SVC_UPGRADING:
    case ACC_SVC_STOPPING:
    case ACC_SVC_DONE:
        break;
    }
    return acc_svc_state_name(s->state);
}

static void say_last_failure(struct words *w, const struct service *s, uint64_t now_ms)
{
    if (!s->has_failed || s->state != ACC_SVC_UP) {
        return;
    }
    say(w, " Before that it %s", s->fail_text);
    say_ago(w, now_ms - s->fail_ms);
    say(w, "%s.", s->fail_attributed ? ", which was not its own fault" : "");
}

/* An upgrade, or what its file asks for, that was tried and taken back: it runs as before. */
static void say_taken_back(const struct acc_engine *e, struct words *w, const struct service *s,
                           uint64_t now_ms)
{
    const struct rollout *r = &s->roll;
    const char *by = acc_change_orderer(r->is.why);
    char text[ACC_REASON_MAX + 1];

    if (acc_change_refused(s)) {
        acc_change_text(e, s, text, sizeof(text));
        say(w, " %s %s.", s->bad_root[0] ? "It" : "What its file says now", text);
    } else if (r->result == ROLL_ROLLED_BACK && !acc_rollout_active(s)) {
        say(w,
            r->is.back_to ? " Its %s to r%u was taken back to r%u"
                          : " Its %s to r%u was rolled back to r%u",
            r->is.back_to      ? "rollback"
            : r->is.is_upgrade ? "upgrade"
                               : "change",
            (unsigned)(r->is.back_to ? r->is.back_to : r->is.to), (unsigned)r->is.from);
        say(w, by ? "%s by %.60s" : ": %s%.250s", by ? "" : acc_rollout_subject(r->is.why),
            by ? by : r->is.why);
        say_ago(w, now_ms - r->ended_ms);
        say(w, ".");
    } else if (r->result == ROLL_FAILED && !r->is_unfit && !acc_rollout_active(s)) {
        say(w, r->is_refused ? " It %s" : " Its %s failed: ",
            r->is_refused      ? r->is.why
            : r->is.is_upgrade ? "upgrade"
                               : "change");
        say(w, "%s", r->is_refused ? "" : r->is.why);
        say_ago(w, now_ms - r->ended_ms);
        say(w, ".");
    }
}

/* It ends well each time, which a daemon doesn't and a job does. */
static bool may_be_job(struct acc_engine *e, const struct service *s)
{
    if (s->restart != ACC_RESTART_UNSET || s->ends || !s->has_failed ||
        s->fail_class != FAIL_EXIT) {
        return false;
    }
    acc_each_slot (e, s, i) {
        if (i->present && !acc_inst_running(i) && i->exit_code == 0) {
            return true;
        }
    }
    return false;
}

/* Of what is refused as a whole that was said. */
static void say_kept_out(const struct acc_engine *e, struct words *w, const struct service *s)
{
    char text[ACC_REASON_MAX + 1];

    if (acc_svc_stays_at(e, s)[0] && (!acc_change_refused(s) || s->bad_root[0])) {
        acc_svc_stays_text(e, s, text, sizeof(text));
        say(w, " It %s.", text);
    }
}

/* What to look at, and to do, where the reason names nothing: what a program has printed is only in
 * its logs. */
static void say_remedy(struct acc_engine *e, struct words *w, const struct service *s)
{
    bool is_down = s->state == ACC_SVC_OPEN || s->state == ACC_SVC_BACKOFF ||
                   s->state == ACC_SVC_FAILED || s->state == ACC_SVC_HALF_OPEN;
    bool has_printed = false;

    if (!is_down || s->roll.is.step == ACC_ROLL_ASK) {
        return;
    }
    acc_each_inst (e, s, i) {
        has_printed |= i->present && i->started_ns != 0;
    }
    if (has_printed) {
        say(w, " What it printed: accctl logs %s.", s->nick);
    }
    if (s->state == ACC_SVC_OPEN || s->state == ACC_SVC_BACKOFF) {
        say(w, " Without the wait: accctl restart %s.", s->nick);
        if (may_be_job(e, s)) {
            say(w, " Its file has no `restart:`, so it is kept up; a job that is to end says "
                   "`restart: \"no\"`.");
        }
    }
}

/* All times are relative: one who reads it later, or elsewhere, has events for the clock's. */
void acc_engine_why(const struct acc_engine *engine, uint32_t svc, uint64_t now_ms,
                    struct acc_buf *out)
{
    union { /* the walkers want it changeable; nothing is changed */
        const struct acc_engine *in;
        struct acc_engine *out;
    } cast = {engine};
    char text[WHY_MAX];
    struct words w = {text, sizeof(text), 0};
    struct acc_service_view view;
    const struct service *s = &engine->services[svc];
    bool has_subject;

    text[0] = '\0';
    acc_engine_service(engine, svc, now_ms, &view);
    if (engine->conn != CONN_UP && engine->ever_synced) {
        say(&w, "Docker has been away for ");
        say_for(&w, now_ms - engine->conn_ms);
        say(&w, "; what follows was seen last. ");
    }
    say(&w, "%s has been %s for ", s->nick, describe(cast.out, s));
    say_for(&w, now_ms - s->since_ms);
    /* words of a rollout are no clause about the service */
    bool is_rollout = acc_rollout_active(s) &&
                      (s->state == ACC_SVC_UP || s->state == ACC_SVC_UPGRADING ||
                       s->state == ACC_SVC_ROLLING_BACK || s->roll.is.step == ACC_ROLL_ASK);

    has_subject = !is_rollout && strncmp(view.reason, "asked by", 8) != 0 &&
                  strncmp(view.reason, "its ", 4) != 0 && strncmp(view.reason, "it ", 3) != 0;
    if (view.reason[0]) {
        say(&w, ": %s%s", has_subject ? "it " : "", view.reason);
    }
    say(&w, ".");
    say_last_failure(&w, s, now_ms);
    say_taken_back(engine, &w, s, now_ms);
    say_kept_out(engine, &w, s);
    say_remedy(cast.out, &w, s);
    if (view.observing) {
        say(&w, " Stack %s is only observed; `accctl adopt %s` takes it over.", s->stack_name,
            s->stack_name);
    }
    (void)acc_buf_puts(out, text);
}
