/*
 * Operations: what was asked of Docker and how it ended.
 *
 * One at a time for each instance. Every one ends: with its answer, or by looking when the answer
 * is late or lost; never by guessing. A start is told before its record, everything else after it
 * (E0, write ahead).
 */

#include <stdio.h>
#include <string.h>

#include "lib/engine/internal.h"

/* Nobody told us that the wait is over: the daemon's queue was full. */
#define SILENT_MS 180000u
/* How often something late is looked at. */
#define LATE_LOOK_MS 5000u
#define RETRY_MS     5000u

static enum token token_of(enum acc_action_type type)
{
    return type == ACC_ACT_START ? TOKEN_START : type == ACC_ACT_CREATE ? TOKEN_CREATE : TOKEN_STOP;
}

uint32_t acc_op_find(const struct acc_engine *e, uint64_t op)
{
    uint64_t hash = acc_hash_u64(op);
    uint32_t pos = UINT32_MAX;

    for (uint32_t k; op && (k = acc_index_next(&e->by_op, hash, &pos)) != ACC_NONE;) {
        bool is_probe = k & ACC_OP_OF_PROBE;
        bool is_res = k & ACC_OP_OF_RES;
        uint32_t at = k & ACC_OP_INDEX;

        if (op == (is_probe             ? e->inst[at].probe_op
                   : is_res             ? e->res[at].op
                   : k & ACC_OP_OF_ROLL ? e->services[at].roll.op
                   : k & ACC_OP_OF_HOOK ? e->inst[at].hook_op
                                        : e->inst[at].op)) {
            return k;
        }
    }
    return ACC_NONE;
}

/* --- asking ---------------------------------------------------------------------------------- */

static void journal(struct acc_engine *e, const struct instance *i, enum acc_action_type type)
{
    struct acc_action *action = acc_ask(e, ACC_ACT_JOURNAL, i->svc, i);

    action->what = type;
    action->op = i->op;
    acc_asked(e, action);
}

void acc_op_name(const struct acc_engine *e, const struct instance *i, char name[ACC_NAME_MAX + 1])
{
    const struct service *s = &e->services[i->svc];
    char canonical[ACC_NAME_MAX + 1];

    acc_inst_canonical(e, i, name);
    if (i->is_spare && acc_rollout_active(s)) {
        memcpy(canonical, name, sizeof(canonical));
        /* Docker refuses what doesn't fit. */
        (void)snprintf(name, ACC_NAME_MAX + 1, "%.230s.c%llu", canonical,
                       (unsigned long long)s->roll.is.id);
    }
}

static void fill(struct acc_engine *e, struct instance *i, struct acc_action *action)
{
    const struct service *s = acc_svc_of(e, i);

    if (action->type == ACC_ACT_CREATE) {
        acc_op_name(e, i, action->name);
        acc_rollout_fill(s, i->is_spare, action);
        action->unrouted = i->is_spare && s->roll.is.start_first;
    } else if (action->type == ACC_ACT_RENAME) {
        memcpy(action->name, i->rename_to, sizeof(action->name));
    } else if (action->type == ACC_ACT_STOP) {
        action->grace_ms = acc_shutdown_grace(e, s->stop_grace_ms);
    } else if (action->type == ACC_ACT_START) {
        action->is_recorded = s->has_post_start;
    } else if (action->type == ACC_ACT_REMOVE) {
        action->remove.volumes = s->drop_volumes && s->wanted_removed;
        action->remove.is_taken_back = s->roll.is.step == ACC_ROLL_UNDO && acc_rollout_is_new(s, i);
    } else if (action->type == ACC_ACT_SET_POLICY) {
        action->policy.policy = i->policy_asked;
        action->policy.max = i->policy_asked_max;
    }
}

static void begin(struct acc_engine *e, struct instance *i, enum acc_action_type type)
{
    struct service *s = acc_svc_of(e, i);

    acc_assert(!i->op);
    i->op = e->next_op++;
    i->op_type = type;
    i->op_ms = e->now;
    i->op_late = false;
    acc_index_put(&e->by_op, acc_hash_u64(i->op), acc_inst_index(e, i));
    e->n_taken[token_of(type)]++;
    if (type == ACC_ACT_STOP || type == ACC_ACT_KILL) {
        i->own_stop_ns = i->run_ns;
        if (i->run_ns > s->own_stop_ns) {
            s->own_stop_ns = i->run_ns;
            acc_save(s);
        }
    } else if (type == ACC_ACT_REMOVE) {
        acc_heirs_leave(e, s, i);
        acc_pin_keep(e, s, i);
    } else if (type == ACC_ACT_RENAME && acc_rollout_is_misnamed(e, s, i)) {
        acc_note_inst(
            e, ACC_NOTE_DECISION, i,
            "is called like one of an upgrade, and is the only one: it gets its name again");
    } else if (type == ACC_ACT_DRAIN) {
        s->roll.n_tries++; /* nothing shows later whether one that got lost was done */
    } else if (type == ACC_ACT_START) {
        i->start_unsettled = true;
        acc_hook_expect(s);
        s->attempt_ms = e->now;
        s->n_restarts += i->restart_due;
        if (i->restart_due) {
            acc_save(s);
        }
        i->restart_due = false;
        i->final = false;
        if (s->n_inst == 1) {
            s->run_asked = false;
        }
        if (s->done) {
            s->done = false;
            acc_save(s);
        }
    }
}

void acc_op_ask(struct acc_engine *e, struct instance *i, enum acc_action_type type)
{
    struct acc_action *action;
    bool is_recorded = type != ACC_ACT_START || acc_svc_of(e, i)->has_post_start;

    begin(e, i, type);
    if (is_recorded) {
        acc_flush_save(e, acc_svc_of(e, i));
        journal(e, i, type);
    }
    action = acc_ask(e, type, i->svc, i);
    action->op = i->op;
    fill(e, i, action);
    acc_asked(e, action);
    acc_serial_update(e, acc_svc_of(e, i));
    if (!is_recorded) {
        journal(e, i, type);
    }
    acc_mark(e, acc_svc_of(e, i));
}

/* --- ending ---------------------------------------------------------------------------------- */

void acc_op_end(struct acc_engine *e, struct instance *i, enum acc_op_result result)
{
    struct acc_action *action;

    if (!i->op) {
        return;
    }
    action = acc_ask(e, ACC_ACT_JOURNAL_END, i->svc, i);
    action->what = i->op_type;
    action->op = i->op;
    action->result = result;
    acc_asked(e, action);
    acc_index_remove(&e->by_op, acc_hash_u64(i->op), acc_inst_index(e, i));
    if (!i->op_late) {
        e->n_taken[token_of(i->op_type)]--;
    }
    i->op = 0;
    i->op_late = false;
    acc_mark_around(e, acc_svc_of(e, i));
}

static void look_again(struct instance *i)
{
    i->need_obs = i->present;
    acc_want_look(i);
}

static void set_name(struct acc_engine *e, struct instance *i, const char *name)
{
    acc_copy(i->name, sizeof(i->name), name);
    acc_inst_cast_by_name(e, i);
}

static void created(struct acc_engine *e, struct instance *slot, const char *cid)
{
    struct service *s = acc_svc_of(e, slot);
    struct instance *i = acc_find_cid(e, cid);
    char name[ACC_NAME_MAX + 1];
    uint32_t revision = slot->is_spare ? s->roll.is.to : s->rev ? s->rev : 1;

    if (!i) {
        acc_op_name(e, slot, name);
        i = slot->present ? acc_spare_take(e, s, slot->slot) : slot;
        if (!i) {
            return; /* the next list shows it again */
        }
        acc_inst_claim(e, i, cid);
        i->epoch = e->epoch;
        i->obs = ACC_CTR_CREATED;
        i->policy = ACC_RESTART_NO;
        acc_copy(i->spec, sizeof(i->spec), s->spec);
        set_name(e, i, name);
        i->revision = revision;
        look_again(i); /* its id is known, what it is has not been seen (I5) */
    }
}

/* So long one such excuse is enough: a network that goes again and again is trouble. */
#define EXCUSE_MS 60000u

static bool is_network_gone(const char *message)
{
    return strstr(message, "network") && strstr(message, "not found");
}

/* A container has its networks by their ids, which say nothing to people: "its network s_default",
 * "one of its networks s_back, s_front". */
static void name_network(const struct acc_engine *e, const struct service *s, const char *message,
                         char *out, size_t out_size)
{
    char names[ACC_TEXT_MAX + 1] = "";
    size_t len = 0;
    uint32_t n = 0;

    for (uint32_t k = 0; k < s->n_res; k++) {
        const struct resource *res = &e->res[e->svc_res[s->first_res + k]];

        if (res->kind == ACC_RES_NETWORK && strstr(message, res->name)) {
            (void)snprintf(out, out_size, "its network %.100s", res->name);
            return;
        }
        if (res->kind == ACC_RES_NETWORK && len < sizeof(names)) {
            len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%.100s", n ? ", " : "",
                                    res->name);
            n++;
        }
    }
    (void)snprintf(out, out_size, "%s%.100s", n > 1 ? "one of its networks " : "its network ",
                   names);
}

struct words {
    char text[ACC_TEXT_MAX + 1];
};

/* Docker's words, but for a network that is gone. */
static struct words words(const struct acc_engine *e, const struct service *s, const char *message)
{
    struct words said;
    char network[ACC_TEXT_MAX + 1];

    if (is_network_gone(message)) {
        name_network(e, s, message, network, sizeof(network));
        (void)snprintf(said.text, sizeof(said.text), "%.120s is gone", network);
    } else {
        (void)snprintf(said.text, sizeof(said.text), "%.140s", message);
    }
    return said;
}

/* A container keeps the ids of its networks and of the container whose namespace it shares. And a
 * dockerd that is killed while it starts one leaves a task in containerd, or the folder of one, for
 * which each later start of that container fails ("task ID: already exists", "failed to start
 * shim: mkdir FOLDER: file exists", both seen with 20.10). */
static bool is_stranded(const char *message)
{
    return is_network_gone(message) ||
           (strstr(message, "task") && strstr(message, "already exists")) ||
           (strstr(message, "start shim") && strstr(message, "file exists")) ||
           strstr(message, "non existing container") || strstr(message, "No such container");
}

/* A network that was there and that somebody has removed since (`docker compose down`) is made
 * again, and neither the service has failed for it nor what it is being upgraded to. */
static bool is_excused(struct acc_engine *e, struct service *s, struct instance *i,
                       const char *message)
{
    char network[ACC_TEXT_MAX + 1];

    if (!is_network_gone(message) ||
        (!acc_rollout_excuses(e, s, i) && s->excused_ms && e->now < s->excused_ms + EXCUSE_MS)) {
        return false;
    }
    name_network(e, s, message, network, sizeof(network));
    s->excused_ms = e->now ? e->now : 1;
    acc_resource_doubt(e, s);
    acc_note(e, ACC_NOTE_DECISION, acc_svc_index(e, s),
             "%.120s was removed by somebody: it is made again", network);
    acc_mark_around(e, s);
    return true;
}

/* What a service is being upgraded to hasn't failed for what the engine, or what is gone, has made
 * of this one container: another one of it gets the next try. */
static bool is_spoilt(struct acc_engine *e, struct service *s, struct instance *i,
                      const char *message)
{
    if (!is_stranded(message) || is_network_gone(message) || !acc_rollout_excuses(e, s, i)) {
        return false;
    }
    acc_note(e, ACC_NOTE_DECISION, acc_svc_index(e, s),
             "Docker can't start this container any more: another one is made (%.100s)", message);
    return true;
}

static void create_done(struct acc_engine *e, struct instance *i, const struct acc_event *event)
{
    struct service *s = acc_svc_of(e, i);
    struct words said = words(e, s, event->op.message);
    const char *message = said.text;
    bool is_failure = event->op.result == ACC_OP_CONFIG || event->op.result == ACC_OP_GONE ||
                      event->op.result == ACC_OP_START || event->op.result == ACC_OP_FAILED;

    if (is_failure && is_excused(e, s, i, event->op.message)) {
        return;
    }
    if (is_failure && acc_rollout_failed(e, s, i, "could not be created: %.140s", message)) {
        acc_resource_doubt(e, s);
        return;
    }
    switch (event->op.result) {
    case ACC_OP_OK:
    case ACC_OP_NOT_MODIFIED:
        if (event->op.cid && event->op.cid[0]) {
            created(e, i, event->op.cid);
        }
        break;
    case ACC_OP_CONFLICT:
        if (event->op.cid && event->op.cid[0] && !acc_find_cid(e, event->op.cid)) {
            if (strcmp(s->gone_cid, event->op.cid) == 0) {
                s->gone_cid[0] = '\0'; /* it isn't: Docker has just seen it */
            }
            acc_conflict_set(e, i, event->op.cid);
            acc_look_at(e, event->op.cid);
        } else if (!i->present &&
                   !acc_rollout_failed(e, s, i, "could not be created: %.140s", message)) {
            (void)acc_fail(e, s, FAIL_START, true, "could not be created: %.140s", message);
        }
        break;
    case ACC_OP_CONFIG:
        acc_resource_doubt(e, s);
        if (!acc_pin_is_lost(e, s, event->op.message)) {
            (void)acc_fail(e, s, FAIL_CONFIG, true, "can't be created: %.140s", message);
        }
        break;
    case ACC_OP_GONE:
    case ACC_OP_START:
    case ACC_OP_FAILED:
        acc_resource_doubt(e, s);
        (void)acc_fail(e, s, FAIL_START, true, "could not be created: %.140s", message);
        break;
    case ACC_OP_LOST:
        i->need_list = e->list + 1;
        e->list_wanted = true;
        break;
    }
}

const char *acc_engine_words(const char *message)
{
    bool is_digest = message &&
                     (strncmp(message, "sha256:", 7) == 0 || strstr(message, "@sha256:"));

    if (!message) {
        return "";
    }
    return is_digest ? message : is_stranded(message) ? "No such container" : "";
}

/* Of a container that Docker can hardly start any more, and in whose place none can be made. */
#define ONLY_ONE "; no file has its configuration: put the file back as it was and apply it"

static void start_failed(struct acc_engine *e, struct instance *i, enum fail_class class,
                         const char *message)
{
    struct service *s = acc_svc_of(e, i);
    struct words said = words(e, s, message);
    bool is_the_only_one;

    i->start_unsettled = false;
    look_again(i);
    i->rejoin = is_network_gone(message) && acc_change_must_keep(e, s, i);
    if (is_excused(e, s, i, message)) {
        i->recreate = !i->rejoin;
        return;
    }
    if (is_spoilt(e, s, i, message)) {
        i->recreate = true;
        return;
    }
    if (acc_rollout_failed(e, s, i, "could not be started: %.140s", said.text)) {
        return;
    }
    is_the_only_one = is_stranded(message) && acc_change_must_keep(e, s, i);
    i->recreate |= is_stranded(message) && !is_the_only_one;
    if (i->recreate || i->rejoin) {
        acc_resource_doubt(e, s);
    }
    if (is_the_only_one && !i->rejoin) {
        (void)acc_fail(e, s, class, class == FAIL_CONFIG, "could not be started: %.90s" ONLY_ONE,
                       said.text);
    } else {
        (void)acc_fail(e, s, class, class == FAIL_CONFIG, "could not be started: %.140s",
                       said.text);
    }
}

static void start_done(struct acc_engine *e, struct instance *i, const struct acc_event *event)
{
    switch (event->op.result) {
    case ACC_OP_OK:
    case ACC_OP_NOT_MODIFIED:
    case ACC_OP_LOST:
        if (i->start_unsettled) {
            look_again(i);
        }
        break;
    case ACC_OP_GONE:
        if (i->present) {
            acc_inst_forget(e, i);
        }
        break;
    case ACC_OP_CONFIG:
        start_failed(e, i, FAIL_CONFIG, event->op.message);
        break;
    case ACC_OP_CONFLICT:
    case ACC_OP_START:
    case ACC_OP_FAILED:
        start_failed(e, i, FAIL_START, event->op.message);
        break;
    }
}

static void stop_done(struct acc_engine *e, struct instance *i, enum acc_op_result result)
{
    if (result == ACC_OP_GONE) {
        if (i->present) {
            acc_inst_forget(e, i);
        }
        return;
    }
    if (result != ACC_OP_OK && result != ACC_OP_NOT_MODIFIED) {
        i->retry_ms = e->now + RETRY_MS;
    }
    if (acc_inst_running(i)) {
        look_again(i);
    }
}

static void remove_done(struct acc_engine *e, struct instance *i, enum acc_op_result result)
{
    if (!i->present) {
        return;
    }
    if (result == ACC_OP_OK || result == ACC_OP_GONE || result == ACC_OP_NOT_MODIFIED) {
        acc_inst_forget(e, i);
        return;
    }
    i->retry_ms = e->now + (1000ull << (i->n_removes < 6 ? i->n_removes : 6));
    i->n_removes++;
    look_again(i);
}

static void policy_done(struct acc_engine *e, struct instance *i, enum acc_op_result result)
{
    if (result == ACC_OP_OK || result == ACC_OP_NOT_MODIFIED) {
        i->policy = i->policy_asked;
        i->policy_max = i->policy_asked_max;
    } else {
        /* Docker may have changed it all the same: "500 though the policy was changed". */
        i->policy_retry_ms = e->now + RETRY_MS;
        look_again(i);
    }
}

/* What it is now is compared again; what did not help is not tried twice. */
static void update_done(struct acc_engine *e, struct instance *i, enum acc_op_result result)
{
    if (result == ACC_OP_GONE) {
        acc_inst_forget(e, i);
        return;
    }
    if (result != ACC_OP_LOST) {
        acc_copy(i->live_tried, sizeof(i->live_tried), acc_svc_of(e, i)->spec);
    }
    i->compared[0] = '\0';
}

static void rename_done(struct acc_engine *e, struct instance *i, enum acc_op_result result)
{
    struct service *s = acc_svc_of(e, i);

    if (result == ACC_OP_OK || result == ACC_OP_NOT_MODIFIED) {
        set_name(e, i, i->rename_to);
        return;
    }
    if (result != ACC_OP_LOST) {
        s->roll.n_tries++;
    }
    i->retry_ms = e->now + RETRY_MS;
    look_again(i); /* a name that it has already is refused, too */
}

/* A candidate that can't be put on its networks again is no candidate. A kept one is started in any
 * case: what that says is a failure with its pauses. */
static void route_done(struct acc_engine *e, struct instance *i, const struct acc_event *event)
{
    enum acc_op_result result = event->op.result;
    struct service *s = acc_svc_of(e, i);

    bool is_to_wait = result != ACC_OP_OK && is_network_gone(event->op.message);

    if (i->rejoin && result == ACC_OP_OK) {
        i->compared[0] = '\0'; /* on them as its file says: its old addresses are told no more */
    }
    i->rejoin &= result == ACC_OP_LOST || is_to_wait;
    if (i->rejoin && is_to_wait) { /* it is made again first */
        acc_resource_doubt(e, s);
    }
    if (result != ACC_OP_OK && result != ACC_OP_LOST &&
        !(acc_rollout_tries(s, i) && is_excused(e, s, i, event->op.message))) {
        s->roll.n_tries++;
    }
    if (result != ACC_OP_OK) {
        i->retry_ms = e->now + RETRY_MS;
    }
    look_again(i);
}

static void instance_done(struct acc_engine *e, struct instance *i, const struct acc_event *event)
{
    struct service *s = acc_svc_of(e, i);
    enum acc_action_type type = i->op_type;

    acc_op_end(e, i, event->op.result);
    switch (type) {
    case ACC_ACT_CREATE:
        if (event->op.result == ACC_OP_OK) {
            acc_heirs_taken(s, i->slot);
        }
        create_done(e, i, event);
        break;
    case ACC_ACT_START:
        start_done(e, i, event);
        break;
    case ACC_ACT_STOP:
    case ACC_ACT_KILL:
        stop_done(e, i, event->op.result);
        break;
    case ACC_ACT_REMOVE:
        remove_done(e, i, event->op.result);
        break;
    case ACC_ACT_SET_POLICY:
        policy_done(e, i, event->op.result);
        break;
    case ACC_ACT_UPDATE:
        if (i->present) {
            update_done(e, i, event->op.result);
        }
        break;
    case ACC_ACT_UNPAUSE:
        look_again(i);
        break;
    case ACC_ACT_ROUTE:
        route_done(e, i, event);
        break;
    case ACC_ACT_DRAIN:
    case ACC_ACT_UNDRAIN:
        acc_drain_done(e, i, type, event);
        break;
    case ACC_ACT_RENAME:
        rename_done(e, i, event->op.result);
        break;
    case ACC_ACT_JOURNAL:
    case ACC_ACT_JOURNAL_END:
    case ACC_ACT_SAVE_SERVICE:
    case ACC_ACT_SAVE_STACK:
    case ACC_ACT_SAVE_REVISION:
    case ACC_ACT_SAVE_MAINTENANCE:
    case ACC_ACT_UPGRADE_HOOK:
    case ACC_ACT_PULL:
    case ACC_ACT_HOOK:
    case ACC_ACT_INSPECT:
    case ACC_ACT_LIST:
    case ACC_ACT_COMPARE:
    case ACC_ACT_PROBE:
    case ACC_ACT_LOOK_UP:
    case ACC_ACT_ENSURE_RESOURCE:
    case ACC_ACT_REMOVE_RESOURCE:
    case ACC_ACT_NOTE:
    case ACC_ACT_INCIDENT:
        break;
    }
    if (i->is_spare && i->svc != ACC_NONE && !i->present && !i->op && !i->need_list &&
        !i->conflict_cid[0]) {
        acc_spare_drop(e, s, i);
    }
}

/* Settled by looking, long ago, or of what has left the files meanwhile: that one is still open. */
static void unknown_done(struct acc_engine *e, const struct acc_event *event)
{
    struct acc_action *action = acc_ask(e, ACC_ACT_JOURNAL_END, ACC_NONE, NULL);

    action->op = event->op.op;
    action->result = event->op.result;
    acc_asked(e, action);
}

void acc_op_done(struct acc_engine *e, const struct acc_event *event)
{
    uint32_t k = acc_op_find(e, event->op.op);

    if (k == ACC_NONE || (k & ACC_OP_OF_PROBE)) {
        unknown_done(e, event);
        return;
    }
    if (k & ACC_OP_OF_ROLL) {
        acc_rollout_answered(e, &e->services[k & ~ACC_OP_OF_ROLL], event);
    } else if (k & ACC_OP_OF_RES) {
        acc_resource_done(e, &e->res[k & ~ACC_OP_OF_RES], event);
    } else if (k & ACC_OP_OF_HOOK) {
        acc_hook_done(e, &e->inst[k & ~ACC_OP_OF_HOOK], event);
    } else {
        instance_done(e, &e->inst[k], event);
    }
}

/* --- late ------------------------------------------------------------------------------------ */

void acc_op_give_up(struct acc_engine *e, struct instance *i)
{
    if (!i->op || i->op_late) {
        return;
    }
    i->op_late = true;
    e->n_taken[token_of(i->op_type)]--; /* one that hangs must not hold up the others */
    if (i->op_type == ACC_ACT_CREATE) {
        e->list_wanted = true;
    }
    acc_want_look(i);
    acc_mark(e, acc_svc_of(e, i));
}

void acc_op_late(struct acc_engine *e, const struct acc_event *event)
{
    uint32_t k = acc_op_find(e, event->op.op);

    if (k != ACC_NONE &&
        !(k & (ACC_OP_OF_RES | ACC_OP_OF_PROBE | ACC_OP_OF_ROLL | ACC_OP_OF_HOOK))) {
        acc_op_give_up(e, &e->inst[k]);
    }
}

/* Has what was asked for come true? */
static bool is_attained(const struct instance *i)
{
    switch (i->op_type) {
    case ACC_ACT_CREATE:
        return i->present;
    case ACC_ACT_START:
        return !i->start_unsettled;
    case ACC_ACT_STOP:
    case ACC_ACT_KILL:
        return !acc_inst_running(i);
    case ACC_ACT_UNPAUSE:
        return i->obs != ACC_CTR_PAUSED;
    case ACC_ACT_SET_POLICY:
        return i->policy == i->policy_asked;
    case ACC_ACT_UPDATE:
        return true; /* a comparison will tell */
    case ACC_ACT_DRAIN:
    case ACC_ACT_UNDRAIN:
        return true; /* it can't be seen; it is asked for again */
    case ACC_ACT_ROUTE:
        return !i->unrouted;
    case ACC_ACT_RENAME:
        return strcmp(i->name, i->rename_to) == 0;
    case ACC_ACT_REMOVE:
    case ACC_ACT_JOURNAL:
    case ACC_ACT_JOURNAL_END:
    case ACC_ACT_SAVE_SERVICE:
    case ACC_ACT_SAVE_STACK:
    case ACC_ACT_SAVE_REVISION:
    case ACC_ACT_SAVE_MAINTENANCE:
    case ACC_ACT_UPGRADE_HOOK:
    case ACC_ACT_PULL:
    case ACC_ACT_HOOK:
    case ACC_ACT_INSPECT:
    case ACC_ACT_LIST:
    case ACC_ACT_COMPARE:
    case ACC_ACT_PROBE:
    case ACC_ACT_LOOK_UP:
    case ACC_ACT_ENSURE_RESOURCE:
    case ACC_ACT_REMOVE_RESOURCE:
    case ACC_ACT_NOTE:
    case ACC_ACT_INCIDENT:
        break;
    }
    return false;
}

void acc_op_settle(struct acc_engine *e, struct instance *i)
{
    if (!i->op || !i->op_late) {
        return;
    }
    if (is_attained(i)) {
        i->drain_lost_ns = i->op_type == ACC_ACT_DRAIN ? i->run_ns : i->drain_lost_ns;
        i->compared[0] = i->op_type == ACC_ACT_UPDATE ? '\0' : i->compared[0];
        acc_op_end(e, i, ACC_OP_OK);
    } else if (i->op_type == ACC_ACT_STOP || i->op_type == ACC_ACT_KILL) {
        acc_op_end(e, i, ACC_OP_LOST); /* it still runs: the next, stronger step may be taken */
    }
}

/* Called while an operation is in flight. */
void acc_op_watch(struct acc_engine *e, struct instance *i)
{
    struct service *s = acc_svc_of(e, i);

    if (!i->op_late) {
        if (acc_due(e, s, i->op_ms + s->stop_grace_ms + SILENT_MS)) {
            acc_op_give_up(e, i);
        }
    } else if (acc_due(e, s, i->inspect_ms + LATE_LOOK_MS)) {
        e->list_wanted |= i->op_type == ACC_ACT_CREATE;
        acc_want_look(i);
        i->inspect_ms = i->present ? i->inspect_ms : e->now;
        acc_wake_at(s, e->now + LATE_LOOK_MS);
    }
}
