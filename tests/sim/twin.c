#include "tests/sim/twin.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "tests/sim/twin_internal.h"

static_assert(ACC_CID_LEN == 64, "ids are 64 hex digits");

#define EXEC_MS 500u /* measured, on two cores that others are at as well */

const char *twin_verb_name(enum twin_verb verb)
{
    static const char *const names[] = {"create", "start",   "stop",   "kill",   "remove",
                                        "pause",  "unpause", "update", "rename", "route",
                                        "drain",  "undrain", "ensure", "drop"};

    static_assert(ACC_ARRAY_LEN(names) == TWIN_VERB_COUNT, "one name per verb");
    return names[verb];
}

struct twin_quirks twin_quirks_none(void)
{
    return (struct twin_quirks){.pull_ms_max = 2000};
}

static uint32_t maybe(struct sim_rand *rand, uint32_t high)
{
    return sim_rand_below(rand, 2) ? (uint32_t)sim_rand_range(rand, 1, high) : 0;
}

struct twin_quirks twin_quirks_random(struct sim_rand *rand)
{
    struct twin_quirks quirks = {0};

    /* One after the other: within an initialiser C leaves their order open. */
    quirks.drop_hint = maybe(rand, 3000);
    quirks.double_hint = maybe(rand, 2000);
    quirks.late_hint = maybe(rand, 2000);
    quirks.late_hint_ms = (uint32_t)sim_rand_range(rand, 50, 8000);
    quirks.stop_before_die = maybe(rand, 5000);
    quirks.lose_answer = maybe(rand, 300);
    quirks.slow_call = maybe(rand, 200);
    quirks.slow_call_ms = (uint32_t)sim_rand_range(rand, 5000, 150000);
    quirks.stuck_stop = maybe(rand, 300);
    quirks.stuck_stop_ms = (uint32_t)sim_rand_range(rand, 5000, 120000);
    quirks.lose_inspect = maybe(rand, 200);
    quirks.slow_remove = maybe(rand, 1000);
    quirks.dead_remove = maybe(rand, 500);
    quirks.frozen_health = sim_rand_below(rand, 4) == 0;
    quirks.pull_fails = maybe(rand, 3000);
    quirks.pull_ms_max = (uint32_t)sim_rand_range(rand, 500, 60000);
    quirks.lose_created = maybe(rand, 5000);
    quirks.make_fails = maybe(rand, 5000);
    /* Not drawn: else all that is drawn after it would be another. */
    quirks.closes_first = quirks.pull_ms_max % 3 == 0;
    return quirks;
}

int twin_init(struct twin *twin, struct sim_queue *queue, struct sim_rand *rand,
              const struct acc_model *model, struct sim_workloads *workloads,
              const struct twin_quirks *quirks, const struct twin_listener *listener)
{
    *twin = (struct twin){
        .queue = queue,
        .rand = rand,
        .model = model,
        .workloads = workloads,
        .quirks = *quirks,
        .listener = *listener,
        .boot = 1,
        .wall_ns = INT64_C(1795439415) * 1000000000,
        .next_monitor = 1,
        .next_pid = 1000,
    };
    twin->res_exists = calloc(model->n_resources + 1, sizeof(*twin->res_exists));
    twin->res_busy = calloc(model->n_resources + 1, sizeof(*twin->res_busy));
    twin->res_made = calloc(model->n_resources + 1, sizeof(*twin->res_made));
    workloads->on_exit = twin_run_on_exit;
    workloads->ctx = twin;
    return twin->res_exists && twin->res_busy && twin->res_made ? 0 : -ENOMEM;
}

void twin_fini(struct twin *twin)
{
    for (size_t i = 0; i < twin->n; i++) {
        twin_drop_waiting(twin, twin->item[i]);
        free(twin->item[i]);
    }
    free(twin->item);
    free(twin->res_exists);
    free(twin->res_busy);
    free(twin->res_made);
    *twin = (struct twin){0};
}

struct sim_rand *twin_luck(const struct twin *twin, uint32_t svc)
{
    return sim_rand_of(twin->rand, svc == ACC_NONE ? twin->model->n_services : svc);
}

int64_t twin_now_ns(const struct twin *twin)
{
    return twin->wall_ns + (int64_t)twin->queue->now_ms * 1000000;
}

struct twin_container *twin_find_ever(const struct twin *twin, const char *cid)
{
    size_t index = 0;

    for (size_t i = 0; i < 8; i++) { /* its index leads every id */
        bool is_digit = cid[i] >= '0' && cid[i] <= '9';

        if (!is_digit && (cid[i] < 'a' || cid[i] > 'f')) {
            return NULL;
        }
        index = 16 * index + (size_t)(is_digit ? cid[i] - '0' : cid[i] - 'a' + 10);
    }
    return index < twin->n && strcmp(twin->item[index]->cid, cid) == 0 ? twin->item[index] : NULL;
}

struct twin_container *twin_find(const struct twin *twin, const char *cid)
{
    struct twin_container *c = twin_find_ever(twin, cid);

    return c && c->exists ? c : NULL;
}

struct twin_container *twin_find_name(const struct twin *twin, const char *name)
{
    for (size_t i = twin->n; i-- > 0;) {
        if (twin->item[i]->exists && strcmp(twin->item[i]->name, name) == 0) {
            return twin->item[i];
        }
    }
    return NULL;
}

bool twin_is_running(const struct twin_container *c)
{
    return c->state == ACC_CTR_RUNNING || c->state == ACC_CTR_PAUSED;
}

bool twin_unseen(const struct twin *twin)
{
    return twin->power == TWIN_DOWN || twin->power == TWIN_HUNG;
}

/* --- events --------------------------------------------------------------------------------- */

struct hint_on_its_way {
    struct twin *twin;
    uint64_t boot;
    struct twin_hint hint;
};

static void deliver_hint(void *ctx, uint64_t a, uint64_t b)
{
    struct hint_on_its_way *h = ctx;

    (void)a, (void)b;
    if (h->boot == h->twin->boot && h->twin->power == TWIN_HUNG) {
        sim_queue_in_own(h->twin->queue, 200, deliver_hint, h);
        return;
    }
    if (h->boot == h->twin->boot && h->twin->power != TWIN_DOWN) {
        h->twin->listener.hint(h->twin->listener.ctx, &h->hint);
    }
    free(h);
}

static void send_hint(struct twin *twin, const struct twin_hint *hint, uint64_t delay_ms)
{
    struct hint_on_its_way *h = calloc(1, sizeof(*h));

    acc_assert(h);
    *h = (struct hint_on_its_way){twin, twin->boot, *hint};
    sim_queue_in_own(twin->queue, delay_ms, deliver_hint, h);
}

static void publish(struct twin *twin, uint32_t svc, const struct twin_hint *hint)
{
    const struct twin_quirks *q = &twin->quirks;
    struct sim_rand *luck = twin_luck(twin, svc);
    uint64_t now_ms = twin->queue->now_ms;
    uint64_t at_ms = now_ms + sim_rand_range(luck, 1, 5);

    if (twin_unseen(twin) || sim_rand_chance(luck, q->drop_hint)) {
        return;
    }
    if (sim_rand_chance(luck, q->late_hint)) {
        at_ms += sim_rand_range(luck, 1, q->late_hint_ms);
    } else { /* in order, but for the late ones */
        at_ms = at_ms < twin->last_hint_ms ? twin->last_hint_ms : at_ms;
        twin->last_hint_ms = at_ms;
    }
    send_hint(twin, hint, at_ms - now_ms);
    if (sim_rand_chance(luck, q->double_hint)) {
        send_hint(twin, hint, at_ms - now_ms + sim_rand_range(luck, 0, q->late_hint_ms));
    }
}

void twin_hint(struct twin *twin, const struct twin_container *c, enum acc_hint what,
               int32_t number)
{
    struct twin_hint hint = {.hint = what, .exit_code = -1, .time_ns = twin_now_ns(twin)};

    memcpy(hint.cid, c->cid, sizeof(hint.cid));
    if (what == ACC_HINT_DIE) {
        hint.exit_code = number;
    } else if (what == ACC_HINT_KILL) {
        hint.signal = number;
    }
    publish(twin, c->made.svc, &hint);
}

void twin_hint_destroy(struct twin *twin, const struct twin_container *c)
{
    struct twin_hint hint = {.is_destroy = true, .exit_code = -1, .time_ns = twin_now_ns(twin)};

    memcpy(hint.cid, c->cid, sizeof(hint.cid));
    publish(twin, c->made.svc, &hint);
}

/* --- answers -------------------------------------------------------------------------------- */

struct answer_on_its_way {
    struct twin *twin;
    uint64_t boot;
    struct twin_answer answer;
};

static void deliver_answer(void *ctx, uint64_t a, uint64_t b)
{
    struct answer_on_its_way *w = ctx;

    (void)a, (void)b;
    if (w->boot == w->twin->boot && w->twin->power == TWIN_HUNG && w->answer.status >= 0) {
        sim_queue_in_own(w->twin->queue, 200, deliver_answer, w);
        return;
    }
    if (w->answer.token != TWIN_FOREIGN && w->boot == w->twin->boot) {
        w->twin->listener.answer(w->twin->listener.ctx, &w->answer);
    }
    free(w);
}

static void send_answer(struct twin_waiting *w, int status, const char *cid, const char *message)
{
    struct answer_on_its_way *on_way = calloc(1, sizeof(*on_way));
    struct twin *twin = w->twin;

    acc_assert(on_way);
    *on_way = (struct answer_on_its_way){
        twin, twin->boot, {.verb = w->call.verb, .token = w->call.token, .status = status}};
    (void)snprintf(on_way->answer.cid, sizeof(on_way->answer.cid), "%s", cid);
    (void)snprintf(on_way->answer.message, sizeof(on_way->answer.message), "%s", message);
    if (w->call.token != TWIN_FOREIGN &&
        sim_rand_chance(twin_luck(twin, w->svc), twin->quirks.lose_answer)) {
        on_way->answer.status = -1;
        on_way->answer.cid[0] = '\0';
        on_way->answer.message[0] = '\0';
    }
    sim_queue_in_own(twin->queue, sim_rand_range(twin_luck(twin, w->svc), 1, 8), deliver_answer,
                     on_way);
    twin->n_calls--;
    free(w);
}

void twin_answer(struct twin_waiting *w, int status, const char *fmt, ...)
{
    char message[256];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(message, sizeof(message), fmt, ap);
    va_end(ap);
    send_answer(w, status, "", message);
}

void twin_answer_waiting(struct twin *twin, struct twin_container *c)
{
    (void)twin;
    while (c->waiting) {
        struct twin_waiting *w = c->waiting;

        c->waiting = w->next;
        twin_answer(w, 204, "%s", "");
    }
}

void twin_drop_waiting(struct twin *twin, struct twin_container *c)
{
    while (c->waiting) {
        struct twin_waiting *w = c->waiting;

        c->waiting = w->next;
        twin->n_calls--;
        free(w);
    }
}

/* --- calls ---------------------------------------------------------------------------------- */

static void serve(void *ctx, uint64_t a, uint64_t b);
static void again(struct twin_waiting *w, uint64_t delay_ms)
{
    sim_queue_in_own(w->twin->queue, delay_ms, serve, w);
}

static const struct acc_service_spec *spec_of(const struct twin *twin, uint32_t svc)
{
    return svc == ACC_NONE ? NULL : twin->model->services[svc];
}

bool twin_has_volume(const struct twin *twin, uint32_t svc)
{
    return twin->has_volumes && svc % 6 == 3;
}

static struct twin_container *container_new(struct twin *twin, const struct twin_create *made)
{
    struct twin_container *c = calloc(1, sizeof(*c));

    if (twin->n == twin->cap) {
        twin->cap = twin->cap ? 2 * twin->cap : 64;
        twin->item = realloc(twin->item, twin->cap * sizeof(struct twin_container *));
    }
    acc_assert(c && twin->item);
    c->index = (uint32_t)twin->n;
    c->exists = true;
    c->made = *made;
    if (made->svc != ACC_NONE && !made->spec_hash[0]) {
        memcpy(c->made.spec_hash, spec_of(twin, made->svc)->spec_hash, sizeof(c->made.spec_hash));
    }
    if (!c->made.volume && made->svc != ACC_NONE && twin_has_volume(twin, made->svc)) {
        c->made.volume = ++twin->n_volumes;
    }
    c->state = ACC_CTR_CREATED;
    c->policy = made->policy;
    c->restart_max = made->restart_max;
    c->created_ns = twin_now_ns(twin);
    memcpy(c->name, made->name, sizeof(c->name));
    (void)snprintf(c->cid, sizeof(c->cid), "%08x", c->index);
    for (size_t at = 8; at < ACC_CID_LEN;
         at += 8) { /* one draw a statement: arguments have no order */
        (void)snprintf(c->cid + at, sizeof(c->cid) - at, "%08x",
                       (unsigned)sim_rand_u64(twin_luck(twin, made->svc)));
    }
    twin->item[twin->n++] = c;
    twin_network_attach(twin, c);
    return c;
}

static void create_done(void *ctx, uint64_t a, uint64_t b)
{
    struct twin_waiting *w = ctx;
    struct twin *twin = w->twin;
    struct twin_container *c;

    (void)a, (void)b;
    if (w->boot != twin->boot || twin->power == TWIN_DOWN) { /* the daemon died in between */
        twin->n_calls--;
        if (sim_rand_chance(twin_luck(twin, w->svc), twin->quirks.lose_created) &&
            !twin_find_name(twin, w->call.create.name)) {
            (void)container_new(twin, &w->call.create);
        }
        free(w);
        return;
    }
    if (twin->power == TWIN_HUNG) {
        sim_queue_in_own(twin->queue, 100, create_done, w);
        return;
    }
    c = twin_find_name(twin, w->call.create.name);
    if (c) { /* of several creates of one name one wins; measured: one 201, three 409 */
        twin_answer(w, 409,
                    "Conflict. The container name \"/%s\" is already in use by container \"%s\". "
                    "You have to remove (or rename) that container to be able to reuse that name.",
                    c->name, c->cid);
        return;
    }
    c = container_new(twin, &w->call.create);
    twin_hint(twin, c, ACC_HINT_CREATE, 0);
    send_answer(w, 201, c->cid, "");
}

static const char *missing_target(const struct twin *twin, const struct twin_create *create)
{
    for (size_t k = 0; k < TWIN_BOUND_MAX && create->bound_cid[k][0]; k++) {
        if (!twin_find(twin, create->bound_cid[k])) {
            return create->bound_cid[k];
        }
    }
    return NULL;
}

static void serve_create(struct twin_waiting *w)
{
    struct twin *twin = w->twin;
    const struct twin_container *c = twin_find_name(twin, w->call.create.name);
    const char *missing;

    if (c) {
        twin_answer(w, 409,
                    "Conflict. The container name \"/%s\" is already in use by container \"%s\". "
                    "You have to remove (or rename) that container to be able to reuse that name.",
                    c->name, c->cid);
    } else if (twin->disk_is_full) {
        twin_answer(w, 500, "%s", DISK_FULL);
    } else if (!twin_image_exists(twin, w->call.create.svc)) {
        twin_answer(w, 404, "No such image: %s", twin->model->services[w->call.create.svc]->image);
    } else if ((missing = missing_target(twin, &w->call.create))) {
        twin_answer(w, 404, "No such container: %s", missing);
    } else {
        sim_queue_in_own(twin->queue, sim_rand_range(twin_luck(twin, w->svc), 20, 150), create_done,
                         w);
    }
}

/* By how much containerd delays this call. */
static uint64_t slowness(struct twin_waiting *w)
{
    struct twin *twin = w->twin;

    return sim_rand_chance(twin_luck(twin, w->svc), twin->quirks.slow_call)
               ? sim_rand_range(twin_luck(twin, w->svc), 1000, twin->quirks.slow_call_ms)
               : 0;
}

static void start_done(void *ctx, uint64_t a, uint64_t b)
{
    struct twin_waiting *w = ctx;
    struct twin *twin = w->twin;
    struct twin_container *c = twin_find(twin, w->call.cid);

    (void)a, (void)b;
    if (w->boot != twin->boot || twin->power == TWIN_DOWN) {
        twin->n_calls--;
        free(w);
        return;
    }
    if (twin->power == TWIN_HUNG) {
        sim_queue_in_own(twin->queue, 100, start_done, w);
        return;
    }
    acc_assert(c); /* its lock was held */
    c->is_starting = false;
    twin_run_begin(twin, c, w->call.token, false);
    twin_answer(w, 204, "%s", "");
}

static void start_fails(struct twin_waiting *w, struct twin_container *c, int status, int32_t code,
                        const char *text)
{
    /* moby daemon/start.go: the error is kept, no event, the state stays what it was */
    (void)snprintf(c->error, sizeof(c->error), "%s", text);
    c->exit_code = code;
    twin_answer(w, status, "%s", text);
}

static bool binding_refuses(struct twin_waiting *w, struct twin_container *c)
{
    for (size_t k = 0; k < TWIN_BOUND_MAX && c->made.bound_cid[k][0]; k++) {
        const struct twin_container *to = twin_find(w->twin, c->made.bound_cid[k]);
        char text[ACC_CID_LEN + 32];

        if (!to) {
            (void)snprintf(text, sizeof(text), "No such container: %s", c->made.bound_cid[k]);
            start_fails(w, c, 404, 128, text);
            return true;
        }
        if (!twin_is_running(to)) {
            start_fails(w, c, 409, 128, "cannot join network of a non running container");
            return true;
        }
    }
    return false;
}

static void serve_start(struct twin_waiting *w, struct twin_container *c)
{
    struct twin *twin = w->twin;
    enum sim_spell spell = SIM_SPELL_NONE;

    if (c->state == ACC_CTR_REMOVING || c->state == ACC_CTR_DEAD) {
        twin_answer(w, 409, "container is marked for removal and cannot be started");
    } else if (c->state == ACC_CTR_PAUSED) {
        twin_answer(w, 409, "cannot start a paused container, try unpause instead");
    } else if (c->state == ACC_CTR_RUNNING || c->state == ACC_CTR_RESTARTING) {
        twin_answer(w, 304, "%s", "");
    } else if (c->is_starting) {
        again(w, 50);
    } else {
        if (c->made.svc != ACC_NONE) {
            spell = sim_workload_spell_now(&twin->workloads->item[c->made.svc]);
        }
        if (twin->disk_is_full) {
            start_fails(w, c, 500, 128, DISK_FULL);
        } else if (spell == SIM_SPELL_START_FAILS) {
            start_fails(w, c, 500, 128,
                        "driver failed programming external connectivity on endpoint: Bind for "
                        "0.0.0.0:80 failed: port is already allocated");
        } else if (spell == SIM_SPELL_BAD_COMMAND) {
            start_fails(w, c, 400, 127,
                        "OCI runtime create failed: exec: \"x\": executable file not found in "
                        "$PATH: unknown");
        } else if (c->made.svc != ACC_NONE &&
                   sim_workload_lacks_device(&twin->workloads->item[c->made.svc])) {
            start_fails(w, c, 500, 128,
                        "error gathering device information while adding custom device \"/dev/x\": "
                        "no such file or directory");
        } else if (twin_lost_network(twin, c)) {
            start_fails(w, c, 404, 128, "network x not found");
        } else if (!binding_refuses(w, c)) {
            uint64_t ms = sim_rand_range(twin_luck(twin, c->made.svc), 60, 400);

            c->is_starting = true;
            sim_queue_in_own(twin->queue, ms + slowness(w), start_done, w);
        }
    }
}

static void wait_for_exit(struct twin_waiting *w, struct twin_container *c)
{
    struct twin_waiting **end = &c->waiting;

    while (*end) {
        end = &(*end)->next;
    }
    *end = w;
}

static void kill_after_grace(void *ctx, uint64_t index, uint64_t run)
{
    struct twin *twin = ctx;
    struct twin_container *c = twin->item[index];

    if (twin->power == TWIN_DOWN || c->proc.run != run || !c->proc.is_alive) {
        return; /* a daemon that died forgets the second half of a stop */
    }
    if (twin->power == TWIN_HUNG) {
        sim_queue_in(twin->queue, 100, kill_after_grace, twin, index, run);
        return;
    }
    twin_run_kill(twin, c);
}

static void serve_stop(struct twin_waiting *w, struct twin_container *c)
{
    struct twin *twin = w->twin;
    uint64_t grace_ms = w->call.grace_ms;

    if (c->state == ACC_CTR_RESTARTING) {
        c->state = ACC_CTR_EXITED; /* only `stop` is told, and the restart is cancelled */
        c->manually_stopped = true;
        twin_hint(twin, c, ACC_HINT_STOP, 0);
        twin_answer(w, 204, "%s", "");
        return;
    }
    if (c->is_starting) {
        again(w, 50);
        return;
    }
    if (!twin_is_running(c)) {
        twin_answer(w, 304, "%s", "");
        return;
    }
    c->manually_stopped = true;
    c->is_stopping = true;
    twin_hint(twin, c, ACC_HINT_KILL, 15);
    if (c->state == ACC_CTR_PAUSED) { /* thawed to deliver TERM */
        c->state = ACC_CTR_RUNNING;
        sim_proc_freeze(&c->proc, false);
    }
    if (sim_rand_chance(twin_luck(twin, c->made.svc), twin->quirks.stuck_stop)) {
        grace_ms += sim_rand_range(twin_luck(twin, c->made.svc), 1000, twin->quirks.stuck_stop_ms);
    } else {
        sim_proc_term(&c->proc);
    }
    sim_queue_in(twin->queue, grace_ms, kill_after_grace, twin, c->index, c->proc.run);
    wait_for_exit(w, c);
}

static void serve_kill(struct twin_waiting *w, struct twin_container *c)
{
    struct twin *twin = w->twin;

    if (!twin_is_running(c)) {
        twin_answer(w, 409, "Container %s is not running", c->cid);
        return;
    }
    /* moby daemon/kill.go: any signal by the API sets it */
    c->manually_stopped = true;
    twin_hint(twin, c, ACC_HINT_KILL, w->call.signal);
    if (w->call.signal != 9) {
        twin_answer(w, 204, "%s", "");
        return;
    }
    wait_for_exit(w, c);
    sim_queue_in(twin->queue, sim_rand_range(twin_luck(twin, c->made.svc), 5, 60), kill_after_grace,
                 twin, c->index, c->proc.run);
}

static void remove_done(void *ctx, uint64_t a, uint64_t b)
{
    struct twin_waiting *w = ctx;
    struct twin *twin = w->twin;
    struct twin_container *c = twin_find(twin, w->call.cid);

    (void)a, (void)b;
    if (twin->power == TWIN_HUNG) {
        sim_queue_in_own(twin->queue, 100, remove_done, w);
        return;
    }
    acc_assert(c);
    if (w->boot == twin->boot && twin->power != TWIN_DOWN &&
        sim_rand_chance(twin_luck(twin, c->made.svc), twin->quirks.dead_remove)) {
        c->state = ACC_CTR_DEAD;
        twin_answer(w, 500, "driver failed to remove root filesystem: device or resource busy");
        return;
    }
    c->exists = false;
    twin_hint_destroy(twin, c);
    if (w->boot != twin->boot || twin->power == TWIN_DOWN) {
        twin->n_calls--;
        free(w);
        return;
    }
    twin_answer(w, 204, "%s", "");
}

static void serve_remove(struct twin_waiting *w, struct twin_container *c)
{
    struct twin *twin = w->twin;
    uint64_t ms = sim_rand_range(twin_luck(twin, c->made.svc), 20, 300);

    if (c->state == ACC_CTR_REMOVING) {
        twin_answer(w, 409, "removal of container %s is already in progress", c->cid);
        return;
    }
    if (c->is_starting) {
        again(w, 50);
        return;
    }
    if (twin_is_running(c) || c->state == ACC_CTR_RESTARTING) {
        if (!w->call.force) {
            twin_answer(w, 409,
                        "You cannot remove a running container %s. Stop the container before "
                        "attempting removal or force remove",
                        c->cid);
            return;
        }
        if (c->state == ACC_CTR_RESTARTING) {
            c->state = ACC_CTR_EXITED;
        } else {
            c->manually_stopped = true;
            twin_hint(twin, c, ACC_HINT_KILL, 9);
            if (c->exit_pending) {
                twin_run_ended(twin, c, c->pending_code, c->pending_oom);
            }
            twin_run_kill(twin, c);
        }
    }
    if (sim_rand_chance(twin_luck(twin, c->made.svc), twin->quirks.slow_remove)) {
        ms += sim_rand_range(twin_luck(twin, c->made.svc), 1000, 40000);
    }
    c->state = ACC_CTR_REMOVING;
    sim_queue_in_own(twin->queue, ms, remove_done, w);
}

static void serve_pause(struct twin_waiting *w, struct twin_container *c)
{
    if (c->state != ACC_CTR_RUNNING) {
        twin_answer(w, 409, "Container %s is not running", c->cid);
        return;
    }
    c->state = ACC_CTR_PAUSED;
    c->monitor = 0;
    if (c->health != ACC_DH_NONE) {
        c->health = ACC_DH_UNHEALTHY; /* without an event: moby container/health.go CloseMonitor */
    }
    sim_proc_freeze(&c->proc, true);
    twin_hint(w->twin, c, ACC_HINT_PAUSE, 0);
    twin_answer(w, 204, "%s", "");
}

static void serve_unpause(struct twin_waiting *w, struct twin_container *c)
{
    if (c->state != ACC_CTR_PAUSED) {
        twin_answer(w, 409, "Container %s is not paused", c->cid);
        return;
    }
    c->state = ACC_CTR_RUNNING;
    sim_proc_freeze(&c->proc, false);
    twin_monitor_start(w->twin, c); /* stays unhealthy until the next good check */
    twin_hint(w->twin, c, ACC_HINT_UNPAUSE, 0);
    twin_answer(w, 204, "%s", "");
}

static void serve_rename(struct twin_waiting *w, struct twin_container *c)
{
    const struct twin_container *holder = twin_find_name(w->twin, w->call.name);

    if (c->is_starting) {
        again(w, 50);
    } else if (holder == c) {
        twin_answer(w, 400, "Renaming a container with the same name as its current name");
    } else if (holder) {
        twin_answer(w, 409,
                    "Conflict. The container name \"/%s\" is already in use by container \"%s\".",
                    w->call.name, holder->cid);
    } else {
        memcpy(c->name, w->call.name, sizeof(c->name));
        twin_hint(w->twin, c, ACC_HINT_DIRTY, 0);
        twin_answer(w, 204, "%s", "");
    }
}

/* Off its networks, and on them again under all its names. */
static void serve_route(struct twin_waiting *w, struct twin_container *c)
{
    if (c->state == ACC_CTR_REMOVING || c->state == ACC_CTR_DEAD) {
        twin_answer(w, 409, "container is marked for removal and cannot be connected");
        return;
    }
    if (twin_network_is_gone(w->twin, c)) {
        twin_answer(w, 404, "network x not found");
        return;
    }
    c->made.unrouted = false;
    twin_network_attach(w->twin, c);
    twin_hint(w->twin, c, ACC_HINT_DIRTY, 0);
    twin_answer(w, 200, "%s", "");
}

/* What won't live long dies at the worst moment: while the one beside it is told to drain. */
static void end_the_bad(const struct twin *twin, const struct twin_container *old)
{
    for (size_t i = 0; i < twin->n; i++) {
        struct twin_container *c = twin->item[i];

        if (c->exists && c != old && c->made.svc == old->made.svc && c->made.is_bad &&
            c->state == ACC_CTR_RUNNING && c->proc.is_alive) {
            sim_proc_end(&c->proc, 1, false);
        }
    }
}

/* An exec: it is created, started, has done its work, and is seen to have ended. */
static void serve_drain(struct twin_waiting *w, struct twin_container *c)
{
    if (c->state != ACC_CTR_RUNNING) {
        twin_answer(w, 409, "Container %s is not running", c->cid);
    } else if (w->n_rounds++ == 0) {
        if (w->call.verb == TWIN_DRAIN && w->call.token % 2 == 0) {
            end_the_bad(w->twin, c);
        }
        again(w, EXEC_MS / 2);
    } else if (w->n_rounds == 2) {
        c->is_marked = w->call.verb == TWIN_DRAIN;
        again(w, EXEC_MS / 2);
    } else {
        twin_answer(w, 200, "%s", "");
    }
}

static void serve_update(struct twin_waiting *w, struct twin_container *c)
{
    if (c->state == ACC_CTR_REMOVING || c->state == ACC_CTR_DEAD) {
        twin_answer(w, 409, "Container is marked for removal and cannot be \"update\".");
        return;
    }
    c->policy = w->call.policy;
    c->restart_max = w->call.restart_max;
    twin_hint(w->twin, c, ACC_HINT_DIRTY, 0);
    twin_answer(w, 200, "%s", "");
}

static void (*const serve_container[TWIN_VERB_COUNT])(struct twin_waiting *w,
                                                      struct twin_container *c) = {
    [TWIN_START] = serve_start,   [TWIN_STOP] = serve_stop,     [TWIN_KILL] = serve_kill,
    [TWIN_REMOVE] = serve_remove, [TWIN_PAUSE] = serve_pause,   [TWIN_UNPAUSE] = serve_unpause,
    [TWIN_UPDATE] = serve_update, [TWIN_RENAME] = serve_rename, [TWIN_ROUTE] = serve_route,
    [TWIN_DRAIN] = serve_drain,   [TWIN_UNDRAIN] = serve_drain,
};

/* Once; a start is so while it holds the container's lock (moby daemon/start.go), not before. */
static bool may_be_slow(struct twin_waiting *w)
{
    bool may = w->call.verb != TWIN_START && !w->was_looked_at;

    w->was_looked_at = true;
    return may;
}

static void serve(void *ctx, uint64_t a, uint64_t b)
{
    struct twin_waiting *w = ctx;
    struct twin *twin = w->twin;
    struct twin_container *c;
    uint64_t slow_ms = 0;

    (void)a, (void)b;
    if (w->boot != twin->boot) {
        twin->n_calls--;
        free(w);
    } else if (twin->power == TWIN_HUNG) { /* carried out later, all the same */
        again(w, 100);
    } else if (twin->power != TWIN_UP) {
        twin_answer(w, -1, "%s", ""); /* ENOENT, ECONNREFUSED */
    } else if (may_be_slow(w) && (slow_ms = slowness(w)) > 0) {
        again(w, slow_ms);
    } else if (w->call.verb == TWIN_CREATE) {
        serve_create(w);
    } else if (!serve_container[w->call.verb]) {
        twin_serve_resource(w);
    } else {
        c = twin_find(twin, w->call.cid);
        if (!c) {
            twin_answer(w, 404, "No such container: %s", w->call.cid);
        } else {
            serve_container[w->call.verb](w, c);
        }
    }
}

static uint32_t svc_of_call(const struct twin *twin, const struct twin_call *call)
{
    const struct twin_container *c = twin_find_ever(twin, call->cid);

    return call->verb == TWIN_CREATE ? call->create.svc : c ? c->made.svc : ACC_NONE;
}

void twin_call(struct twin *twin, const struct twin_call *call)
{
    struct twin_waiting *w = calloc(1, sizeof(*w));

    acc_assert(w);
    *w = (struct twin_waiting){
        .twin = twin, .boot = twin->boot, .call = *call, .svc = svc_of_call(twin, call)};
    twin->n_calls++;
    again(w, sim_rand_range(twin_luck(twin, w->svc), 1, 4));
}

/* --- inspect -------------------------------------------------------------------------------- */

bool twin_health_of(const struct acc_model *model, uint32_t svc, int64_t *ret_interval_ms,
                    int64_t *ret_timeout_ms, int64_t *ret_start_period_ms, uint32_t *ret_retries)
{
    const struct acc_service_spec *spec = svc == ACC_NONE ? NULL : model->services[svc];
    const struct acc_health_spec *health = spec ? &spec->health : NULL;
    /* images whose name says so bring a check of their own */
    bool of_image = spec && strncmp(spec->image, "checked", 7) == 0;

    if (!spec || health->disabled || (!health->set && !of_image)) {
        return false;
    }
    *ret_interval_ms = health->interval_ms ? health->interval_ms : 30000;
    *ret_timeout_ms = health->timeout_ms ? health->timeout_ms : 30000;
    *ret_start_period_ms = health->start_period_ms;
    *ret_retries = health->retries ? health->retries : 3;
    return true;
}

/* What fits; both end. (Faster than printing: each look shows ten of them.) */
static void copy(char *to, size_t size, const char *from)
{
    size_t len = strnlen(from, size - 1);

    memcpy(to, from, len);
    to[len] = '\0';
}

static void show_shares(const struct twin_container *c, struct acc_obs *obs)
{
    size_t len = 0;

    for (size_t k = 0; k < TWIN_BOUND_MAX && c->made.bound_cid[k][0]; k++) {
        len += (size_t)snprintf(obs->shares + len, sizeof(obs->shares) - len, "%s\n",
                                c->made.bound_cid[k]);
    }
}

static void show_identity(const struct twin *twin, const struct twin_container *c,
                          struct acc_obs *obs)
{
    const struct acc_service_spec *spec = spec_of(twin, c->made.svc);

    if (!spec) {
        return;
    }
    copy(obs->project, sizeof(obs->project), spec->stack);
    copy(obs->service, sizeof(obs->service), spec->name);
    obs->number = c->made.number;
    obs->oneoff = c->made.oneoff;
    if (c->made.is_ours) {
        (void)snprintf(obs->op, sizeof(obs->op), "%" PRIu64, c->made.op);
        (void)snprintf(obs->revision, sizeof(obs->revision), "%u",
                       c->made.revision ? c->made.revision : 1);
        memcpy(obs->spec_hash, c->made.spec_hash, sizeof(obs->spec_hash));
    }
    /* the config-hash is Compose's of the same file */
    memcpy(obs->config_hash, c->made.spec_hash, sizeof(obs->config_hash));
    copy(obs->image_ref, sizeof(obs->image_ref), spec->image);
    if (c->made.image_id[0]) {
        memcpy(obs->image_id, c->made.image_id, sizeof(obs->image_id));
    } else {
        copy(obs->image_id, sizeof(obs->image_id), "sha256:");
        copy(obs->image_id + 7, 41, spec->spec_hash); /* its beginning, which never changes */
    }
    copy(obs->label_image, sizeof(obs->label_image), obs->image_id);
    memcpy(obs->ports, spec->ports, sizeof(obs->ports));
    obs->n_ports = spec->n_ports;
    twin_network_show(twin, c, obs);
}

bool twin_inspect(const struct twin *twin, const char *cid, bool manual_stop, struct acc_obs *obs)
{
    const struct twin_container *c = twin_find(twin, cid);

    if (!c) {
        return false;
    }
    *obs = (struct acc_obs){
        .state = c->state,
        .pid = twin_is_running(c) ? c->pid : 0,
        .exit_code = c->exit_code,
        .oom_killed = c->oom,
        .started_ns = c->started_ns,
        .finished_ns = c->finished_ns,
        .manually_stopped = !manual_stop          ? ACC_UNKNOWN
                            : c->manually_stopped ? ACC_YES
                                                  : ACC_NO,
        .unrouted = c->made.unrouted,
        .health = c->health,
        .failing_streak = c->streak,
        .health_start_ns = c->check_start_ns,
        .health_end_ns = c->check_end_ns,
        .health_exit = c->check_exit,
        .restart = c->policy == ACC_RESTART_UNSET ? ACC_RESTART_NO : c->policy,
        .restart_max = c->restart_max,
    };
    memcpy(obs->cid, c->cid, sizeof(obs->cid));
    memcpy(obs->name, c->name, sizeof(obs->name));
    copy(obs->error, sizeof(obs->error), c->error);
    copy(obs->health_output, sizeof(obs->health_output),
         c->check_end_ns ? c->check_exit ? "no" : "ok" : "");
    show_identity(twin, c, obs);
    show_shares(c, obs);
    if (c->made.volume) {
        (void)snprintf(obs->volumes, sizeof(obs->volumes), "/data\t%064x\n", c->made.volume);
    }
    obs->has_health = twin_health_of(twin->model, c->made.svc, &obs->interval_ms, &obs->timeout_ms,
                                     &obs->start_period_ms, &obs->retries);
    obs->drain_file = obs->has_health && c->made.svc % 2 == 0;
    return true;
}
