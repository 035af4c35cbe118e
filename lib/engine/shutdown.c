/*
 * The host goes down (E10): what runs is stopped in reverse order of the graph, within a budget.
 *
 * Those on whom nothing stands that runs are the first level, those below them the next. A level
 * has its share of the time that is left; when that is over the next one begins, whatever still
 * runs. Nothing else is done meanwhile, no wish is changed, and whoever ends a container now has
 * not stopped it by hand: after the boot, or when the host stays up after all, all comes back.
 *
 * A hold prevents and never causes (E2): who may not be stopped isn't, nor is what it needs. It is
 * not waited for, either: Docker ends it when it goes down itself.
 */

#include "lib/engine/internal.h"

/* Docker counts a stop's grace in whole seconds. */
#define SECOND_MS UINT64_C(1000)

static bool has_time(const struct acc_engine *e)
{
    return e->now < e->shutdown.until_ms;
}

bool acc_shutdown_may_stop(const struct acc_engine *e)
{
    return e->shutdown.is_on && acc_may_look(e) && has_time(e);
}

/* --- who leaves ------------------------------------------------------------------------------ */

static bool is_to_stop(const struct instance *i)
{
    bool is_coming = i->start_unsettled || (i->op && i->op_type == ACC_ACT_START);

    return (acc_inst_running(i) || is_coming) && i->obs != ACC_CTR_PAUSED && !i->quarantined;
}

static bool runs(struct acc_engine *e, const struct service *s)
{
    acc_each_inst (e, s, i) {
        if (acc_inst_running(i)) {
            return true;
        }
    }
    return false;
}

static bool leaves(struct acc_engine *e, const struct service *s)
{
    if (!e->shutdown.is_on || acc_svc_observing(e, s) || acc_hold_no_stop(e, s) || s->stays) {
        return false;
    }
    acc_each_inst (e, s, i) {
        if (is_to_stop(i)) {
            return true;
        }
    }
    return false;
}

static uint32_t *count_of(struct acc_engine *e, const struct service *s)
{
    return s->leave_level <= e->shutdown.level ? &e->shutdown.n_due : &e->shutdown.n_later;
}

void acc_shutdown_update(struct acc_engine *e, struct service *s)
{
    bool is_leaving = leaves(e, s);

    if (is_leaving != s->is_leaving) {
        *count_of(e, s) += (uint32_t)is_leaving - (uint32_t)s->is_leaving;
        s->is_leaving = is_leaving;
    }
}

/* --- levels ---------------------------------------------------------------------------------- */

/* Those that stand on it were looked at before. */
static void place(struct acc_engine *e, struct service *s)
{
    s->leave_level = 0;
    s->stays = false;
    for (uint32_t k = 0; k < s->n_in; k++) {
        const struct edge *edge = &e->edges[e->in[s->first_in + k]];
        struct service *dependent = &e->services[edge->from];
        bool goes = leaves(e, dependent);
        uint32_t level = dependent->leave_level + goes;

        if (edge->kind == ACC_EDGE_CONFLICTS) {
            continue;
        }
        s->leave_level = level > s->leave_level ? level : s->leave_level;
        s->stays |= acc_edge_hard(edge) && !goes && runs(e, dependent) &&
                    !acc_svc_observing(e, dependent);
    }
}

static void plan(struct acc_engine *e)
{
    for (uint32_t k = e->n_services; k-- > 0;) {
        place(e, &e->services[e->order[k]]);
    }
    e->shutdown.is_planned = true;
    e->shutdown.level = 0;
}

/* How many levels there are of those that have not begun; the first of them. */
static uint32_t levels_left(struct acc_engine *e, uint32_t *ret_next)
{
    uint32_t n = 0;

    for (uint32_t k = 0; k < e->n_services; k++) {
        e->scratch[k] = 0;
    }
    *ret_next = ACC_NONE;
    for (uint32_t v = 0; v < e->n_services; v++) {
        const struct service *s = &e->services[v];

        if (s->is_leaving && s->leave_level > e->shutdown.level) {
            n += e->scratch[s->leave_level]++ == 0;
            *ret_next = s->leave_level < *ret_next ? s->leave_level : *ret_next;
        }
    }
    return n;
}

static void count(struct acc_engine *e)
{
    e->shutdown.n_due = e->shutdown.n_later = 0;
    for (uint32_t v = 0; v < e->n_services; v++) {
        struct service *s = &e->services[v];

        s->is_leaving = leaves(e, s);
        if (s->is_leaving) {
            ++*count_of(e, s);
        }
    }
}

/* The level that is at it, and `n_later` behind it, share what is left. */
static void begin_level(struct acc_engine *e, uint32_t n_later)
{
    struct shutdown *d = &e->shutdown;
    uint64_t share_ms = has_time(e) ? (d->until_ms - e->now) / (n_later + 1) : 0;

    d->share_ms = e->now + share_ms;
    d->hooks_ms = e->now + share_ms / 2;
    acc_mark_all(e);
}

static void next_level(struct acc_engine *e)
{
    uint32_t next;
    uint32_t n = levels_left(e, &next);

    if (n > 0) {
        e->shutdown.level = next;
        count(e);
        begin_level(e, n - 1);
    }
}

bool acc_shutdown_is_due(const struct acc_engine *e)
{
    const struct shutdown *d = &e->shutdown;

    return acc_shutdown_may_stop(e) &&
           (!d->is_planned || (d->n_later > 0 && (d->n_due == 0 || e->now >= d->share_ms)));
}

void acc_shutdown_advance(struct acc_engine *e)
{
    struct shutdown *d = &e->shutdown;
    uint32_t n_due = d->n_due;
    uint32_t next;

    if (!d->is_planned) {
        plan(e);
        count(e);
        begin_level(e, levels_left(e, &next));
        return;
    }
    if (n_due > 0) {
        acc_note(e, ACC_NOTE_DECISION, ACC_NONE,
                 "the host is shutting down: %u service%s not down in time, what %s on is stopped "
                 "now",
                 (unsigned)n_due, n_due == 1 ? " is" : "s are",
                 n_due == 1 ? "it stands" : "they stand");
    }
    next_level(e);
}

/* --- stopping -------------------------------------------------------------------------------- */

enum acc_action_type acc_shutdown_decide(struct acc_engine *e, struct service *s,
                                         struct instance *i)
{
    bool is_its_turn = acc_shutdown_may_stop(e) && e->shutdown.is_planned &&
                       s->leave_level <= e->shutdown.level;

    if (!is_its_turn || !leaves(e, s) || !acc_inst_running(i) || !is_to_stop(i)) {
        return ACC_NOTHING;
    }
    return acc_stop_harder(e, s, i);
}

uint64_t acc_shutdown_grace(const struct acc_engine *e, uint64_t grace_ms)
{
    uint64_t left_ms = has_time(e) ? e->shutdown.until_ms - e->now : 0;

    if (!e->shutdown.is_on) {
        return grace_ms;
    }
    left_ms = left_ms < SECOND_MS ? SECOND_MS : left_ms / SECOND_MS * SECOND_MS;
    return left_ms < grace_ms ? left_ms : grace_ms;
}

/* --- it begins and ends ---------------------------------------------------------------------- */

void acc_shutdown_begin(struct acc_engine *e, uint64_t budget_ms)
{
    struct shutdown *d = &e->shutdown;

    if (!d->is_on) {
        *d = (struct shutdown){.is_on = true, .since_ms = e->now};
        acc_note(e, ACC_NOTE_ENGINE, ACC_NONE, "the host is shutting down");
    }
    d->until_ms = e->now + budget_ms;
    d->is_planned = d->is_over = false;
    acc_mark_all(e);
}

void acc_shutdown_cancel(struct acc_engine *e)
{
    if (!e->shutdown.is_on) {
        return;
    }
    e->shutdown = (struct shutdown){.is_on = false};
    for (uint32_t v = 0; v < e->n_services; v++) {
        e->services[v].is_leaving = e->services[v].stays = false;
        e->services[v].leave_level = 0;
    }
    acc_note(e, ACC_NOTE_ENGINE, ACC_NONE,
             "the host stays up after all: what was stopped comes back");
    acc_phases_close(e); /* what was stopped comes up as at a boot */
    acc_mark_all(e);
}

/* Nothing that could be stopped is known to run; while Docker is away nothing will be. */
static bool is_down(const struct acc_engine *e)
{
    bool is_known = e->conn == CONN_UP ? e->synced && e->shutdown.is_planned
                                       : e->conn != CONN_DEGRADED;

    return is_known && e->shutdown.n_due + e->shutdown.n_later == 0;
}

void acc_shutdown_end_step(struct acc_engine *e)
{
    struct shutdown *d = &e->shutdown;
    uint32_t n = d->n_due + d->n_later;

    if (!d->is_on || d->is_over) {
        return;
    }
    if (is_down(e) || !has_time(e)) {
        d->is_over = true;
        if (d->until_ms > d->since_ms) { /* else there was nothing to be done from the beginning */
            acc_note(e, ACC_NOTE_ENGINE, ACC_NONE,
                     n == 0 ? "the host may go down: all that was to be stopped is"
                            : "the host goes down: the time is over, Docker ends what still runs");
        }
        return;
    }
    (void)acc_engine_due(e, d->n_later > 0 && d->share_ms > e->now ? d->share_ms : d->until_ms);
}

void acc_engine_shutdown(const struct acc_engine *engine, uint64_t now_ms,
                         struct acc_shutdown_view *ret_view)
{
    const struct shutdown *d = &engine->shutdown;

    *ret_view = (struct acc_shutdown_view){
        .is_on = d->is_on,
        .is_over = d->is_over,
        .left_ms = d->is_on && d->until_ms > now_ms ? d->until_ms - now_ms : 0,
        .n_left = d->n_due + d->n_later,
    };
}
