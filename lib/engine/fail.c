/* Failures: what is counted, how long is waited, when the breaker opens (E5, E6). */

#include "lib/engine/parts.h"

#include <stdio.h>
#include <string.h>

/* Was a hard dependency bad just before, or has it only just come back? Then it isn't ours (E6). */
bool acc_eng_is_attributed(struct acc_engine *e, const struct service *s)
{
    for (size_t i = 0; i < s->n_edges; i++) {
        const struct edge *edge = &s->edges[i];
        const struct service *dep = &e->services[edge->target];

        if (!acc_eng_is_hard(edge->kind) || edge->at_create ||
            edge->condition == ACC_COND_COMPLETED) {
            continue;
        }
        bool was_bad = dep->bad_ms && e->now_ms - dep->bad_ms <= s->timing.attribution_window;
        bool is_back = dep->flap_ms && dep->ready && dep->ready_ms > 0 &&
                       e->now_ms - dep->ready_ms < acc_eng_recovery_grace(s) &&
                       s->ready_ms < dep->flap_ms;

        if (acc_eng_is_bad(dep) || was_bad || is_back) {
            return true;
        }
    }
    return false;
}

uint32_t acc_eng_failures_in_window(const struct acc_engine *e, const struct service *s)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < s->n_failed && i < FAILURES_MAX; i++) {
        n += e->now_ms - s->failed_ms[i] < s->timing.budget_window;
    }
    return n;
}

static void remember(struct acc_engine *e, struct service *s, uint32_t weight)
{
    for (uint32_t i = 0; i < weight; i++) {
        s->failed_ms[s->n_failed++ % FAILURES_MAX] = e->now_ms;
    }
}

static uint64_t times_two(uint64_t last, uint64_t base, uint64_t cap)
{
    uint64_t next = last == 0 ? base : 2 * last;

    return next < base ? base : next > cap ? cap : next;
}

/* The pause before the next try, without jitter; 0: at once. */
static uint64_t next_delay(const struct service *s, enum fail_class class)
{
    const struct acc_timing *t = &s->timing;

    switch (class) {
    case FAIL_CONFIG:
        return times_two(s->last_delay_ms, t->config_base, t->config_cap);
    case FAIL_START:
        return times_two(s->last_delay_ms, t->start_base, t->start_cap);
    case FAIL_EXIT:
    case FAIL_OOM:
        if (s->n_failures == 1) {
            return 0; /* the fast lane */
        }
        return times_two(s->last_delay_ms, t->backoff_base, t->backoff_cap);
    case FAIL_NONE:
    case FAIL_NEVER_READY:
    case FAIL_UNHEALTHY:
    case FAIL_LOST:
        return times_two(s->last_delay_ms, t->backoff_base, t->backoff_cap);
    }
    return t->backoff_base;
}

static void open_breaker(struct acc_engine *e, struct service *s)
{
    uint64_t open = s->timing.open;

    for (uint32_t i = 0; i < s->n_opens && open < s->timing.open_cap; i++) {
        open *= 2;
    }
    open = open > s->timing.open_cap ? s->timing.open_cap : open;
    s->n_opens++;
    s->half_open = false;
    s->backoff_until_ms = 0;
    s->open_until_ms = e->now_ms + acc_eng_jitter(e, open);
    acc_eng_note(e, ACC_NOTE_DECISION, (uint32_t)(s - e->services),
                 "failed %u times in a short while: no more tries for %llu s",
                 (unsigned)s->n_failures,
                 (unsigned long long)((s->open_until_ms - e->now_ms) / 1000));
}

static void say(struct acc_engine *e, struct service *s, const char *text)
{
    char cause[ACC_REASON_MAX + 1];

    (void)snprintf(cause, sizeof(cause), "%s %s", s->name, text);
    acc_eng_incident_open(e, (uint32_t)(s - e->services), cause);
}

void acc_eng_fail(struct acc_engine *e, struct service *s, enum fail_class class, const char *text)
{
    uint32_t svc = (uint32_t)(s - e->services);
    bool budgeted = class != FAIL_CONFIG && class != FAIL_START;

    s->fail = class;
    s->fail_ms = e->now_ms;
    (void)snprintf(s->fail_text, sizeof(s->fail_text), "%s", text);
    s->fail_attributed = acc_eng_is_attributed(e, s);
    s->fail_counted = false;
    s->save = true;
    acc_eng_mark_around(e, svc);
    if (s->fail_attributed) {
        acc_eng_note(e, ACC_NOTE_DECISION, svc, "%s; not its own fault, waiting for what it needs",
                     text);
        return;
    }
    s->fail_counted = true;
    s->fail_weight = class == FAIL_OOM ? 2 : 1;
    s->prev_delay_ms = s->last_delay_ms;
    s->n_failures++;
    remember(e, s, budgeted ? s->fail_weight : 0);
    say(e, s, text);
    if (s->half_open || (budgeted && acc_eng_failures_in_window(e, s) >= s->timing.budget)) {
        open_breaker(e, s);
        return;
    }
    uint64_t delay = next_delay(s, class);

    s->last_delay_ms = delay;
    s->backoff_until_ms = delay ? e->now_ms + acc_eng_jitter(e, delay) : 0;
}

/* The dependent often notices first (skew guard). */
void acc_eng_take_back_failures(struct acc_engine *e, struct service *s)
{
    if (!s->fail_counted || e->now_ms - s->fail_ms > s->timing.attribution_window || s->half_open) {
        return;
    }
    s->fail_counted = false;
    s->fail_attributed = true;
    s->n_failures -= s->n_failures > 0;
    if (s->fail != FAIL_CONFIG && s->fail != FAIL_START) {
        s->n_failed -= s->fail_weight < s->n_failed ? s->fail_weight : s->n_failed;
    }
    s->last_delay_ms = s->prev_delay_ms;
    s->backoff_until_ms = s->open_until_ms = 0;
    s->save = true;
    acc_eng_mark(e, (uint32_t)(s - e->services));
}

void acc_eng_reset_failures(struct acc_engine *e, struct service *s)
{
    (void)e;
    s->n_failures = s->n_failed = s->n_opens = 0;
    s->last_delay_ms = s->backoff_until_ms = s->open_until_ms = 0;
    s->half_open = false;
    s->fail = FAIL_NONE;
    s->fail_counted = false;
    s->save = true;
}

void acc_eng_count_ready(struct acc_engine *e, struct service *s)
{
    uint64_t need = 2 * s->last_delay_ms;

    if (!s->ready || (s->n_failures == 0 && !s->half_open && s->n_opens == 0)) {
        return;
    }
    if (s->half_open) {
        if (e->now_ms - s->ready_ms >= s->timing.half_open_ready) {
            s->half_open = false;
            s->n_opens = 0;
            s->last_delay_ms = s->timing.backoff_cap / 4;
            s->save = true;
            acc_eng_note(e, ACC_NOTE_DECISION, (uint32_t)(s - e->services),
                         "the trial held: back to normal");
        }
        return;
    }
    need = need < s->timing.reset_min ? s->timing.reset_min : need;
    need = need > s->timing.reset_max ? s->timing.reset_max : need;
    if (e->now_ms - s->ready_ms >= need) {
        acc_eng_reset_failures(e, s);
    }
}
