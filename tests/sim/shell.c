/* accd's shell, as daemon/ plays it: carries out actions, keeps the connection, the store. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/buf.h"
#include "lib/drill/model_text.h"
#include "tests/sim/shell_internal.h"

/* What a step has not looked at is looked through now and then: it should be as it was. */
#define CHECK_ALL_EVERY 64u

/* --- the connection ------------------------------------------------------------------------- */

static void conn_up(struct world *w)
{
    struct acc_event event = {.type = ACC_EV_CONN_UP};

    event.conn.fresh_engine = w->seen_boot != 0 && w->seen_boot != w->twin.boot;
    event.conn.live_restore = w->twin.live_restore;
    w->seen_boot = w->twin.boot;
    w->conn = WORLD_CONN_UP;
    w->epoch++;
    w->has_snapshot = false;
    w->is_listing = w->is_relist_due = false;
    world_step(w, &event);
    if (w->engine && w->conn == WORLD_CONN_UP && !w->is_listing) {
        world_list_start(w);
    }
}

static void conn_down(struct world *w)
{
    struct acc_event event = {.type = ACC_EV_CONN_DOWN};
    bool ops_first = sim_rand_below(world_stream(w, WORLD_STREAM_CONN), 2) == 0;

    if (w->conn == WORLD_CONN_DOWN) {
        return;
    }
    if (ops_first) {
        world_lose_ops(w);
    }
    w->conn = WORLD_CONN_DOWN;
    w->has_snapshot = false;
    world_step(w, &event);
    world_lose_ops(w);
}

static void try_connect(void *ctx, uint64_t life, uint64_t b)
{
    struct world *w = ctx;

    (void)b;
    if (w->life != life || !w->engine || w->conn != WORLD_CONN_DOWN) {
        return;
    }
    if (w->twin.power != TWIN_UP) {
        sim_queue_in(&w->queue, sim_rand_range(world_stream(w, WORLD_STREAM_CONN), 50, 1000),
                     try_connect, w, life, 0);
        return;
    }
    conn_up(w);
}

static void notice_down(void *ctx, uint64_t life, uint64_t boot)
{
    struct world *w = ctx;

    if (w->life == life && w->engine && w->conn != WORLD_CONN_DOWN &&
        (w->twin.power != TWIN_UP || w->twin.boot != boot)) {
        conn_down(w);
        sim_queue_in(&w->queue, sim_rand_range(world_stream(w, WORLD_STREAM_CONN), 50, 500),
                     try_connect, w, w->life, 0);
    }
}

static void notice_hang(void *ctx, uint64_t life, uint64_t boot)
{
    struct world *w = ctx;
    struct acc_event event = {.type = ACC_EV_CONN_DEGRADED};

    if (w->life == life && w->engine && w->conn == WORLD_CONN_UP && w->twin.power == TWIN_HUNG &&
        w->twin.boot == boot) {
        w->conn = WORLD_CONN_DEGRADED;
        world_step(w, &event);
    }
}

static void notice_thaw(void *ctx, uint64_t life, uint64_t boot)
{
    struct world *w = ctx;

    if (w->life == life && w->engine && w->conn == WORLD_CONN_DEGRADED &&
        w->twin.power == TWIN_UP && w->twin.boot == boot) {
        conn_up(w);
    }
}

static void on_power(void *ctx, enum twin_power power)
{
    static const char *const names[] = {"up", "hung", "leaving", "down"};
    struct world *w = ctx;
    uint64_t boot = w->twin.boot;

    world_trace(w, "dockerd is %s%s", names[power], w->twin.live_restore ? " (live-restore)" : "");
    oracle_disturb_all(&w->oracle);
    switch (power) {
    case TWIN_UP:
        sim_queue_in(&w->queue, sim_rand_range(world_stream(w, WORLD_STREAM_CONN), 1, 3000),
                     notice_thaw, w, w->life, boot);
        break;
    case TWIN_HUNG: /* three pings without an answer */
        sim_queue_in(&w->queue, sim_rand_range(world_stream(w, WORLD_STREAM_CONN), 5000, 15000),
                     notice_hang, w, w->life, boot);
        break;
    case TWIN_LEAVING: /* a ping finds no socket */
        sim_queue_in(&w->queue, sim_rand_range(world_stream(w, WORLD_STREAM_CONN), 1, 6000),
                     notice_down, w, w->life, boot);
        break;
    case TWIN_DOWN: /* the stream ends */
        sim_queue_in(&w->queue, sim_rand_range(world_stream(w, WORLD_STREAM_CONN), 1, 10),
                     notice_down, w, w->life, boot);
        break;
    }
}

void world_break_stream(struct world *w)
{
    if (w->engine && w->conn != WORLD_CONN_DOWN) {
        oracle_disturb_all(&w->oracle);
        conn_down(w);
        sim_queue_in(&w->queue, sim_rand_range(world_stream(w, WORLD_STREAM_CONN), 1, 2000),
                     try_connect, w, w->life, 0);
    }
}

static void on_hint(void *ctx, const struct twin_hint *hint)
{
    struct world *w = ctx;
    struct twin_container *c = twin_find_ever(&w->twin, hint->cid);
    struct acc_event event = {.type = hint->is_destroy ? ACC_EV_GONE : ACC_EV_HINT};

    if (!w->engine || w->conn == WORLD_CONN_DOWN || !c || c->made.svc == ACC_NONE ||
        (c->made.svc >= w->graph.model->n_services && !world_leave_is_told(w, c->made.svc))) {
        return;
    }
    event.hint.cid = hint->cid;
    event.hint.hint = hint->hint;
    event.hint.exit_code = hint->exit_code;
    event.hint.signal = hint->signal;
    event.hint.time_ns = hint->time_ns;
    world_step(w, &event);
}

/* --- actions -------------------------------------------------------------------------------- */

static void trace_action(struct world *w, const struct acc_action *a)
{
    char what[ACC_NOTE_MAX + 64] = "";

    if (!w->options.trace || a->type == ACC_ACT_INSPECT || a->type == ACC_ACT_LIST ||
        a->type == ACC_ACT_SAVE_SERVICE) {
        return;
    }
    if (a->type == ACC_ACT_JOURNAL || a->type == ACC_ACT_JOURNAL_END ||
        (a->type != ACC_ACT_SAVE_STACK && cut_has_service(w, a->svc))) {
        return;
    }
    if (a->type == ACC_ACT_NOTE) {
        (void)snprintf(what, sizeof(what), "%s", a->note.text);
    } else if (a->type == ACC_ACT_INCIDENT) {
        struct acc_incident_view view;

        if (acc_engine_incident(w->engine, a->incident.id, &view)) {
            (void)snprintf(what, sizeof(what), "%s phase %d: %.100s", view.root, a->incident.phase,
                           view.cause);
        }
    } else if (a->type == ACC_ACT_CREATE) {
        (void)snprintf(what, sizeof(what), "%s", a->name);
    } else if (a->cid[0]) {
        (void)snprintf(what, sizeof(what), "%.8s", a->cid);
    }
    world_trace(w, "    %s %s op %" PRIu64 " %s", acc_action_type_name(a->type),
                a->svc == ACC_NONE              ? "-"
                : a->type == ACC_ACT_SAVE_STACK ? "stack"
                                                : world_service_id(w, a->svc),
                a->op, what);
}

static void begin_journal(struct world *w, uint64_t op)
{
    if (w->store.n_open == WORLD_OPEN_MAX) {
        world_fail(w, "I18: more than %u journaled operations have no end", WORLD_OPEN_MAX);
        return;
    }
    w->store.open[w->store.n_open++] = op;
}

/* What has ended already stays as it is. */
static void end_journal(struct world_store *s, uint64_t op)
{
    for (size_t i = 0; i < s->n_open; i++) {
        if (s->open[i] == op) {
            s->open[i] = s->open[--s->n_open];
            return;
        }
    }
}

static void execute(struct world *w, const struct acc_action *a)
{
    trace_action(w, a);
    switch (a->type) {
    case ACC_ACT_JOURNAL:
        begin_journal(w, a->op);
        w->store.next_op = a->op >= w->store.next_op ? a->op + 1 : w->store.next_op;
        break;
    case ACC_ACT_JOURNAL_END:
        end_journal(&w->store, a->op);
        break;
    case ACC_ACT_SAVE_REVISION:
        world_store_save_revision(w, a);
        break;
    case ACC_ACT_SAVE_SERVICE:
        world_store_save(w, a);
        oracle_saved(&w->oracle, a->svc);
        break;
    case ACC_ACT_SAVE_STACK:
    case ACC_ACT_SAVE_MAINTENANCE:
        world_store_save(w, a);
        break;
    case ACC_ACT_INSPECT:
        world_look(w, a);
        break;
    case ACC_ACT_LIST:
        world_store_retry(w);
        world_list_start(w);
        break;
    case ACC_ACT_COMPARE:
        world_compare(w, a);
        break;
    case ACC_ACT_PROBE:
        world_send_probe(w, a);
        break;
    case ACC_ACT_START: /* waits for nothing */
        world_send_op(w, a);
        break;
    case ACC_ACT_ENSURE_RESOURCE:
    case ACC_ACT_REMOVE_RESOURCE:
    case ACC_ACT_CREATE:
    case ACC_ACT_STOP:
    case ACC_ACT_KILL:
    case ACC_ACT_REMOVE:
    case ACC_ACT_UNPAUSE:
    case ACC_ACT_UPDATE:
    case ACC_ACT_SET_POLICY:
    case ACC_ACT_UPGRADE_HOOK:
    case ACC_ACT_PULL:
    case ACC_ACT_ROUTE:
    case ACC_ACT_DRAIN:
    case ACC_ACT_UNDRAIN:
    case ACC_ACT_RENAME:
    case ACC_ACT_HOOK:
        world_store_sync(w); /* what comes before it is durable when it is sent */
        world_send_op(w, a);
        break;
    case ACC_ACT_LOOK_UP:
        world_look_up(w, a);
        break;
    case ACC_ACT_INCIDENT:
        world_store_incident(w, a);
        break;
    case ACC_ACT_NOTE:
        break;
    }
}

static void trace_event(struct world *w, const struct acc_event *e)
{
    static const char *const names[ACC_EV_TYPE_COUNT] = {
        "conn-up", "conn-down", "conn-degraded", "snapshot", "obs",      "gone",
        "hint",    "op-done",   "op-late",       "probe",    "compared", "looked",
        "clock",   "cmd",       "timeout",       "shutdown", "host"};
    static const char *const hints[] = {"dirty", "die",    "stop",  "kill",    "oom",
                                        "start", "create", "pause", "unpause", "health"};
    static const char *const states[] = {"created",  "running", "paused", "restarting",
                                         "removing", "exited",  "dead"};
    char what[200] = "";

    if (!w->options.trace || e->type == ACC_EV_TIMEOUT) {
        return;
    }
    if (e->type == ACC_EV_OBS) {
        (void)snprintf(what, sizeof(what), "%.8s %.100s %s exit %d health %d manual %d",
                       e->obs->cid, e->obs->name, states[e->obs->state], e->obs->exit_code,
                       e->obs->health, e->obs->manually_stopped);
    } else if (e->type == ACC_EV_HINT) {
        (void)snprintf(what, sizeof(what), "%.8s %s", e->hint.cid, hints[e->hint.hint]);
    } else if (e->type == ACC_EV_GONE) {
        (void)snprintf(what, sizeof(what), "%.8s", e->hint.cid);
    } else if (e->type == ACC_EV_OP_DONE || e->type == ACC_EV_OP_LATE) {
        (void)snprintf(what, sizeof(what), "%" PRIu64 " result %d %.8s %.80s", e->op.op,
                       e->op.result, e->op.cid, e->op.message);
    } else if (e->type == ACC_EV_PROBE) {
        (void)snprintf(what, sizeof(what), "%" PRIu64 " verdict %d listens %d", e->probe.op,
                       e->probe.verdict, e->probe.listens);
    } else if (e->type == ACC_EV_SHUTDOWN) {
        (void)snprintf(what, sizeof(what), "%s", e->shutdown.is_cancelled ? "is called off" : "");
    } else if (e->type == ACC_EV_CMD) {
        (void)snprintf(what, sizeof(what), "%s", acc_verb_name(e->cmd.verb));
    }
    world_trace(w, "  > %s %s", names[e->type], what);
}

static void count_action(struct world *w, const struct acc_action *a)
{
    w->n_actions++;
    if (world_is_mutating(a->type)) {
        w->n_mutations++;
        w->last_mutation_ms = w->queue.now_ms;
    }
}

struct acc_model *world_copy_model(const struct acc_model *model, size_t n_stacks)
{
    struct acc_model_text text = {0};
    size_t n = 0;
    struct acc_model *copy = NULL;
    struct acc_buf lines;
    char *rest;
    int r;

    acc_buf_init(&lines, 64u << 20);
    r = acc_model_text_put(model, &lines);
    rest = lines.data;
    for (char *line; r == 0 && (line = strsep(&rest, "\n"));) {
        char *name = line + strcspn(line, " ");
        char *words = name;

        *name ? *name++ = '\0' : 0;
        if (strcmp(line, "stack") == 0 && n++ == n_stacks) {
            break;
        }
        words = name + strcspn(name, " ");
        if (strcmp(line, "resource") == 0) {
            r = acc_model_text_resource(&text, name);
            continue;
        }
        *words ? *words++ = '\0' : 0;
        r = strcmp(line, "phase") == 0     ? acc_model_text_phase(&text, name, words)
            : strcmp(line, "stack") == 0   ? acc_model_text_stack(&text, name)
            : strcmp(line, "service") == 0 ? acc_model_text_service(&text, name, words)
                                           : 0;
    }
    acc_buf_reset(&lines);
    r = r == 0 ? acc_model_text_build(&text, &copy, &lines) : r;
    acc_assert(r == 0);
    acc_buf_fini(&lines);
    acc_model_text_fini(&text);
    return copy;
}

/* What is written of the engine and its configuration is all of it: the copy goes on, and nobody
 * can tell. */
static void take_copy(struct world *w)
{
    struct acc_model *model = world_copy_model(w->graph.model, w->graph.model->n_stacks);
    struct acc_engine *copy = NULL;
    struct acc_buf text;
    int r;

    acc_buf_init(&text, 64u << 20);
    r = acc_engine_state_put(w->engine, true, &text);
    acc_assert(r == 0);
    r = acc_engine_create_from(model, text.data, &copy);
    acc_buf_fini(&text);
    acc_model_destroy(model);
    if (r < 0) {
        world_fail(w, "the saved state can't be read: %d", r);
        return;
    }
    w->engine = acc_engine_destroy(w->engine);
    w->engine = copy;
}

void world_step(struct world *w, struct acc_event *event)
{
    if (!w->engine || w->is_failed) {
        return;
    }
    event->now_ms = w->queue.now_ms;
    trace_event(w, event);
    oracle_before_step(&w->oracle, event);
    if (w->options.coverage) {
        coverage_event(w->options.coverage, w, event);
    }
    acc_engine_step(w->engine, event, &w->actions);
    world_leave_renumber(w);
    acc_engine_check_step(w->engine);
    if (w->n_steps % CHECK_ALL_EVERY == 0) {
        acc_engine_check(w->engine);
    }
    w->n_steps++;
    if (w->options.copy_every && w->n_steps % w->options.copy_every == 0) {
        take_copy(w);
    }
    oracle_after_step(&w->oracle, event);
    for (size_t i = 0; i < w->actions.n && w->is_failed; i++) {
        trace_action(w, &w->actions.item[i]); /* what is wrong is one of them */
    }
    if (w->options.coverage) {
        coverage_actions(w->options.coverage, w);
    }
    for (size_t i = 0; i < w->actions.n && !w->is_failed; i++) {
        if (w->crash_in > 0 && --w->crash_in == 0) {
            bool lost = sim_rand_below(world_stream(w, WORLD_STREAM_ACCD), 100) <
                        w->faults.store_lost_pct;

            world_accd_kill(w,
                            sim_rand_below(world_stream(w, WORLD_STREAM_ACCD), 100) <
                                w->faults.store_torn_pct,
                            lost);
            if (event->type == ACC_EV_CMD) {
                oracle_doubt_command(&w->oracle); /* nobody was told that it was taken */
            }
            return;
        }
        count_action(w, &w->actions.item[i]);
        execute(w, &w->actions.item[i]);
    }
}

/* --- accd lives and dies -------------------------------------------------------------------- */

void world_accd_start(struct world *w)
{
    struct acc_engine_options options = {.seed = sim_rand_u64(world_stream(w, WORLD_STREAM_ACCD)),
                                         .first_op = w->store.next_op,
                                         .observe_new = w->observe_new};
    int r;

    if (w->engine) {
        return;
    }
    w->life++;
    w->first_look_ms = UINT64_MAX;
    w->n_lives++;
    w->conn = WORLD_CONN_DOWN;
    w->seen_boot = 0;
    memset(w->op, 0, sizeof(w->op));
    w->is_listing = w->is_relist_due = false;
    world_trace(w, "accd starts, life %" PRIu64, w->life);
    r = acc_engine_create(w->graph.model, &options, &w->engine);
    acc_assert(r == 0);
    world_store_restore(w);
    for (size_t i = 0; i < w->graph.model->n_services; i++) {
        w->oracle.service[i].was_tried = false;
    }
    w->oracle.has_begun = 0;
    oracle_disturb_all(&w->oracle);
    w->oracle.last_op = options.first_op - 1;
    world_host_tell_all(w);
    w->disk.is_told = false;
    world_disk_tell(w);
    world_shutdown_tell(w);
    sim_queue_in(&w->queue, sim_rand_range(world_stream(w, WORLD_STREAM_CONN), 5, 500), try_connect,
                 w, w->life, 0);
}

static void start_again(void *ctx, uint64_t life, uint64_t b)
{
    struct world *w = ctx;

    (void)b;
    if (w->life == life && !w->stays_dead) {
        world_accd_start(w);
    }
}

void world_accd_kill(struct world *w, bool torn, bool lost)
{
    struct world_store *s = &w->store;

    if (!w->engine) {
        return;
    }
    torn |= w->disk.is_full;
    world_trace(w, "accd is killed%s%s", torn ? ", store torn" : "", lost ? ", store lost" : "");
    w->hash = (w->hash ^ acc_engine_trace_hash(w->engine)) * UINT64_C(0x100000001b3);
    w->engine = acc_engine_destroy(w->engine);
    w->conn = WORLD_CONN_DOWN;
    w->crash_in = 0;
    s->n_open = 0;
    oracle_disturb_all(&w->oracle);
    sim_queue_in(&w->queue, sim_rand_range(world_stream(w, WORLD_STREAM_ACCD), 100, 20000),
                 start_again, w, w->life, 0);
    if (torn || lost) {
        world_store_lose(w, lost);
        oracle_lose_store(&w->oracle, lost);
    }
}

static void on_ran(void *ctx, const struct twin_container *c)
{
    struct world *w = ctx;

    world_trace(w, "* %s %.8s runs%s", c->name, c->cid,
                c->by_policy                     ? " by its policy"
                : c->start_token == TWIN_FOREIGN ? " by hand"
                                                 : "");
    oracle_ran(&w->oracle, c);
}

static void on_ended(void *ctx, const struct twin_container *c)
{
    struct world *w = ctx;

    world_trace(w, "* %s %.8s ended", c->name, c->cid);
    oracle_ended(&w->oracle, c);
    if (w->options.coverage) {
        coverage_crash(w->options.coverage, w, c);
    }
}

struct twin_listener world_listener(struct world *w)
{
    return (struct twin_listener){.answer = world_on_answer,
                                  .hint = on_hint,
                                  .power = on_power,
                                  .ran = on_ran,
                                  .ended = on_ended,
                                  .ctx = w};
}
