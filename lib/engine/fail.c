/*
 * Failures: backoff, budget, breaker (E5).
 *
 * A failure is counted at once and may be taken back within the attribution window, because a
 * dependent often notices first (E6, skew guard): the accounts before it are kept for so long.
 */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/engine/internal.h"

static uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static bool is_budgeted(enum fail_class class)
{
    /* What the host or the file refuses has pauses of its own and never gives up. */
    return class != FAIL_CONFIG && class != FAIL_START;
}

/* --- the ring ---------------------------------------------------------------------------- */

static void ring_push(struct service *s, uint64_t at_ms, uint32_t weight)
{
    if (s->n_ring == ACC_FAILURES_MAX) {
        memmove(&s->ring[0], &s->ring[1], (ACC_FAILURES_MAX - 1) * sizeof(s->ring[0]));
        s->n_ring--;
    }
    s->ring[s->n_ring++] = (struct failure){at_ms, weight};
}

static uint32_t ring_weight(const struct acc_engine *e, const struct service *s)
{
    uint32_t sum = 0;

    for (uint32_t k = 0; k < s->n_ring; k++) {
        sum += e->now - s->ring[k].at_ms < s->timing.budget_window ? s->ring[k].weight : 0;
    }
    return sum;
}

uint32_t acc_fail_count(const struct acc_engine *e, const struct service *s, uint64_t window_ms)
{
    uint32_t n = 0;

    for (uint32_t k = 0; k < s->n_ring; k++) {
        n += e->now - s->ring[k].at_ms < window_ms;
    }
    return n;
}

/* --- counting -------------------------------------------------------------------------------- */

static void remember(struct acc_engine *e, struct service *s)
{
    if (s->n_unsettled == ACC_UNSETTLED_MAX) {
        memmove(&s->unsettled[0], &s->unsettled[1],
                (ACC_UNSETTLED_MAX - 1) * sizeof(s->unsettled[0]));
        s->n_unsettled--;
    }
    s->unsettled[s->n_unsettled++] = (struct unsettled){
        .at_ms = e->now,
        .n_failures = s->n_failures,
        .n_opens = s->n_opens,
        .n_ring = s->n_ring,
        .last_delay_ms = s->last_delay_ms,
        .exit_delay_ms = s->exit_delay_ms,
        .backoff_ms = s->backoff_ms,
        .open_ms = s->open_ms,
        .breaker = s->breaker,
        .delay_class = s->delay_class,
    };
}

static void open_breaker(struct acc_engine *e, struct service *s)
{
    uint64_t time = s->timing.open;

    for (uint32_t k = 0; k < s->n_opens && time < s->timing.open_cap; k++) {
        time *= 2;
    }
    s->breaker = BREAKER_OPEN;
    s->open_ms = e->now + acc_jitter(e, min_u64(time, s->timing.open_cap));
    s->n_opens++;
    if (s->timing.give_up_after && s->n_opens >= s->timing.give_up_after) {
        s->gave_up = true;
    }
}

static void set_delay(struct acc_engine *e, struct service *s, enum fail_class class)
{
    const struct acc_timing *t = &s->timing;
    uint64_t base = class == FAIL_CONFIG  ? t->config_base
                    : class == FAIL_START ? t->start_base
                                          : t->backoff_base;
    uint64_t cap = class == FAIL_CONFIG  ? t->config_cap
                   : class == FAIL_START ? t->start_cap
                                         : t->backoff_cap;
    enum fail_class group = is_budgeted(class) ? FAIL_EXIT : class;
    uint64_t before_ms = s->delay_class == group ? s->last_delay_ms
                         : group == FAIL_EXIT    ? s->exit_delay_ms
                                                 : 0;

    if (s->n_failures == 0 && s->n_excused < 2 && (class == FAIL_EXIT || class == FAIL_OOM)) {
        s->last_delay_ms = 0; /* the fast lane */
    } else {
        s->last_delay_ms = min_u64(before_ms > 0 ? 2 * before_ms : base, cap);
    }
    s->delay_class = group;
    s->exit_delay_ms = group == FAIL_EXIT ? s->last_delay_ms : s->exit_delay_ms;
    s->backoff_ms = e->now + acc_jitter(e, s->last_delay_ms);
}

static void count(struct acc_engine *e, struct service *s, enum fail_class class)
{
    remember(e, s);
    set_delay(e, s, class);
    if (s->has_failed && class != FAIL_CONFIG && s->ready &&
        e->now - s->fail_ms < s->timing.flap_window) {
        s->flap_ms = e->now; /* it left READY twice in a short time */
    }
    s->n_failures++;
    if (is_budgeted(class)) {
        ring_push(s, e->now, class == FAIL_OOM ? 2 : 1);
    }
    if (s->breaker == BREAKER_HALF_OPEN || (s->breaker == BREAKER_CLOSED && is_budgeted(class) &&
                                            ring_weight(e, s) >= s->timing.budget)) {
        open_breaker(e, s);
    }
    acc_save(s);
}

/* Not counted, and yet nobody is hammered (I12): what it stands on is called ready and isn't well,
 * or it would not have ended again. So it waits as after a flap of that (E4), longer each time, but
 * not as long as for failures of its own: nothing will tell that the other one is well at last. */
static void excuse(struct acc_engine *e, struct service *s)
{
    uint64_t cap_ms = s->timing.recovery_grace_min;
    uint64_t pause_ms = s->timing.ready_stable_after_flap;

    s->n_excused++;
    for (uint32_t k = 2; k < s->n_excused && pause_ms < cap_ms; k++) {
        pause_ms *= 2;
    }
    if (s->n_excused >= 2) {
        s->backoff_ms = e->now + acc_jitter(e, min_u64(pause_ms, cap_ms));
    }
}

/* Ask those it stands on whether they are well: one of them may be the root. */
static void probe_deps(struct acc_engine *e, struct service *s)
{
    acc_each_out (e, s, edge) {
        struct service *d = &e->services[edge->to];

        if (acc_edge_hard(edge) && d->ready) {
            acc_each_slot (e, d, i) {
                i->probe_forced = true;
            }
            acc_mark(e, d);
        }
    }
}

/* Its restart policy says that an exit was the last one. */
static bool is_last_one(const struct service *s, enum fail_class class)
{
    bool is_exit = class == FAIL_EXIT || class == FAIL_OOM;

    return is_exit &&
           (s->restart == ACC_RESTART_NO || (s->restart == ACC_RESTART_ON_FAILURE &&
                                             s->restart_max > 0 && s->n_failures > s->restart_max));
}

/* What follows from a failure that was counted. */
static void format_next(const struct acc_engine *e, const struct service *s, char *out,
                        size_t out_size)
{
    uint64_t at_ms = s->breaker == BREAKER_OPEN ? s->open_ms : s->backoff_ms;
    const char *what = is_budgeted(s->fail_class) ? "restarted" : "tried again";
    char span[48];

    /* whole seconds, rounded up */
    acc_format_span_ms(at_ms > e->now ? (at_ms - e->now + 999) / 1000 * 1000 : 0, span,
                       sizeof(span));
    if (s->gave_up) {
        (void)snprintf(out, out_size, "it keeps failing and is given up");
    } else if (s->breaker == BREAKER_OPEN) {
        (void)snprintf(out, out_size, "it keeps failing: no further start for %s", span);
    } else if (at_ms > e->now) {
        (void)snprintf(out, out_size, "%s in %s", what, span);
    } else {
        (void)snprintf(out, out_size, "%s at once", what);
    }
}

/* `until_ms`: no start before, whatever the class says; 0: what it says. */
static bool fail_as(struct acc_engine *e, struct service *s, enum fail_class class,
                    bool is_attributed, uint64_t until_ms)
{
    char next[96];

    s->fail_class = class;
    s->fail_attributed = is_attributed;
    if (acc_svc_observing(e, s) || e->shutdown.is_on) {
        s->has_failed = true;
        s->fail_ms = e->now;
        acc_note(e, ACC_NOTE_OBSERVED, acc_svc_index(e, s), "%s", s->fail_text);
        return false;
    }
    if (is_attributed) {
        excuse(e, s);
    } else {
        count(e, s, class);
    }
    s->backoff_ms = until_ms ? until_ms : s->backoff_ms;
    bool is_last = is_last_one(s, class);

    s->has_failed = true;
    s->fail_ms = e->now;
    format_next(e, s, next, sizeof(next));
    acc_note(e, ACC_NOTE_DECISION, acc_svc_index(e, s), "%s; %s", s->fail_text,
             is_attributed ? "not its own fault, not counted"
             : is_last     ? "not started again: its file says so"
                           : next);
    if (!is_attributed) {
        probe_deps(e, s);
        acc_incident_open(e, s, s->fail_text);
    }
    acc_mark_around(e, s);
    return !is_attributed;
}

bool acc_fail(struct acc_engine *e, struct service *s, enum fail_class class, bool is_create,
              const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(s->fail_text, sizeof(s->fail_text), fmt, args); /* cut: the start tells */
    va_end(args);
    return fail_as(e, s, class, !is_create && acc_attributed(e, s, e->now), 0);
}

void acc_fail_until(struct acc_engine *e, struct service *s, uint64_t until_ms, const char *text)
{
    acc_copy(s->fail_text, sizeof(s->fail_text), text);
    (void)fail_as(e, s, FAIL_CONFIG, false, until_ms);
}

/* --- taking back ----------------------------------------------------------------------------- */

/* Also than this boot, whose clock it began before. */
static bool is_older(const struct acc_engine *e, uint32_t incident, uint64_t at_ms)
{
    return (int64_t)(e->incidents[incident].since_ms - at_ms) < 0;
}

void acc_fail_take_back(struct acc_engine *e, struct service *s, uint64_t since_ms)
{
    for (uint32_t k = 0; k < s->n_unsettled; k++) {
        const struct unsettled *u = &s->unsettled[k];

        if (u->at_ms < since_ms) {
            continue;
        }
        s->n_failures = u->n_failures;
        s->n_opens = u->n_opens;
        s->n_ring = u->n_ring < s->n_ring ? u->n_ring : s->n_ring;
        s->last_delay_ms = u->last_delay_ms;
        s->exit_delay_ms = u->exit_delay_ms;
        s->backoff_ms = u->backoff_ms;
        s->open_ms = u->open_ms;
        s->breaker = u->breaker;
        s->delay_class = u->delay_class;
        s->gave_up = false;
        excuse(e, s);
        s->n_unsettled = k;
        s->fail_attributed = true;
        if (s->incident != ACC_NONE && !is_older(e, s->incident, u->at_ms)) {
            acc_incident_close(e, s->incident); /* that failure was all there was to it */
        }
        acc_note(e, ACC_NOTE_DECISION, acc_svc_index(e, s),
                 "its failure was not its own fault and is taken back");
        acc_save(s);
        acc_mark_around(e, s);
        return;
    }
}

static void settle(struct acc_engine *e, struct service *s)
{
    if (e->conn == CONN_DOWN || e->conn == CONN_DEGRADED) {
        acc_fail_take_back(e, s, 0); /* it was the engine that went */
    }
    while (s->n_unsettled > 0 &&
           acc_due(e, s, s->unsettled[0].at_ms + s->timing.attribution_window)) {
        s->n_unsettled--;
        memmove(&s->unsettled[0], &s->unsettled[1], s->n_unsettled * sizeof(s->unsettled[0]));
    }
    /* A dependency that turned out bad meanwhile. A failed create was never theirs. */
    if (s->n_unsettled > 0 && s->fail_class != FAIL_CONFIG && s->fail_class != FAIL_START &&
        acc_attributed(e, s, s->fail_ms)) {
        acc_fail_take_back(e, s, s->unsettled[0].at_ms);
    }
}

/* --- time heals ------------------------------------------------------------------------------ */

void acc_fail_reset(struct service *s)
{
    s->n_failures = s->n_excused = 0;
    s->last_delay_ms = s->exit_delay_ms = 0;
    s->n_opens = 0;
    s->n_unsettled = 0;
    s->backoff_ms = 0; /* the budget has a window of its own */
    acc_save(s);
}

void acc_fail_forgive(struct acc_engine *e, struct service *s)
{
    s->n_failures = s->n_excused = 0;
    s->last_delay_ms = s->exit_delay_ms = 0;
    s->backoff_ms = 0;
    s->n_unsettled = 0;
    s->gave_up = false;
    s->has_failed = false;
    if (s->breaker == BREAKER_OPEN) {
        s->breaker = BREAKER_HALF_OPEN;
    }
    for (uint32_t k = 0; k < s->n_res; k++) {
        struct resource *res = &e->res[e->svc_res[s->first_res + k]];

        res->retry_ms = 0;
        res->n_failures = 0;
    }
    acc_save(s);
}

static void maybe_reset(struct acc_engine *e, struct service *s)
{
    uint64_t need = 2 * s->last_delay_ms;
    bool counts_for_good = s->restart == ACC_RESTART_ON_FAILURE && s->restart_max > 0;

    need = need < s->timing.reset_min ? s->timing.reset_min : need;
    need = need > s->timing.reset_max ? s->timing.reset_max : need;
    if (s->n_failures + s->n_excused > 0 && s->ready && !counts_for_good &&
        s->breaker == BREAKER_CLOSED && acc_due(e, s, s->ready_ms + need)) {
        acc_fail_reset(s);
    }
}

void acc_fail_update(struct acc_engine *e, struct service *s)
{
    settle(e, s);
    if (s->breaker == BREAKER_OPEN && !s->gave_up && acc_due(e, s, s->open_ms)) {
        s->breaker = BREAKER_HALF_OPEN;
        s->backoff_ms = e->now;
        acc_note(e, ACC_NOTE_DECISION, acc_svc_index(e, s), "gets one trial");
        acc_save(s);
    }
    if (s->breaker == BREAKER_HALF_OPEN && s->ready &&
        acc_due(e, s, s->ready_ms + s->timing.half_open_ready)) {
        s->breaker = BREAKER_CLOSED;
        s->last_delay_ms = s->timing.backoff_cap / 8; /* the next one is twice that: cap / 4 */
        s->exit_delay_ms = s->last_delay_ms;
        s->delay_class = FAIL_EXIT;
        acc_save(s);
    }
    maybe_reset(e, s);
}
