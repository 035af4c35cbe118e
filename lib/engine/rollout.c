/*
 * Upgrades (E9): the way forward, from the wish to the removal of the container that was replaced.
 *
 * A rollout goes through the replicas one at a time. Its step is kept in the service's record;
 * everything else is read from the names of the containers: who holds the canonical name is the
 * committed one. So every step may be repeated, and what is left after a loss of the record can be
 * ended by rollout_undo.c, which also has the way back.
 *
 * Doesn't know how an image is pulled or where a revision is stored.
 */

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/engine/internal.h"

/* A pull or a rename that failed is tried so often; then the rollout has failed. */
#define TRIES_MAX 3u
#define RETRY_MS  2000ull

const char *acc_rollout_step_name(enum acc_rollout_step step)
{
    static const char *const names[] = {"",      "pull",   "create",   "stop-old",
                                        "start", "verify", "drain",    "switch",
                                        "watch", "retire", "roll-back"};

    static_assert(ACC_ARRAY_LEN(names) == ACC_ROLL_STEP_COUNT, "one name per step");
    return names[step];
}

const char *acc_revision_result_name(enum acc_revision_result result)
{
    static const char *const names[] = {"trial", "stable", "rolled-back", "failed"};

    return names[result];
}

/* --- roles ----------------------------------------------------------------------------------- */

static size_t digits_at_end(const char *name, size_t len, uint64_t *ret_number)
{
    size_t n = 0;
    uint64_t unit = 1;

    *ret_number = 0;
    while (n < len && n < 18 && name[len - n - 1] >= '0' && name[len - n - 1] <= '9') {
        *ret_number += (uint64_t)(name[len - n - 1] - '0') * unit;
        unit *= 10;
        n++;
    }
    return n;
}

/* The canonical name itself may end in ".c1": then it is no candidate. */
enum role acc_role_of(const struct acc_engine *e, const struct instance *i, const char *name,
                      uint64_t *ret_number, size_t *ret_base_len)
{
    static const struct {
        const char *tag;
        enum role role;
    } tags[] = {{".c", ROLE_CANDIDATE}, {".r", ROLE_RETIRED}, {".bad", ROLE_BAD}};
    char canonical[ACC_NAME_MAX + 1];
    size_t len = strlen(name);
    size_t n = digits_at_end(name, len, ret_number);

    acc_inst_canonical(e, i, canonical);
    for (size_t k = 0; n > 0 && k < ACC_ARRAY_LEN(tags) && strcmp(name, canonical) != 0; k++) {
        size_t tag_len = strlen(tags[k].tag);

        if (len > n + tag_len && memcmp(name + len - n - tag_len, tags[k].tag, tag_len) == 0) {
            *ret_base_len = len - n - tag_len;
            return tags[k].role;
        }
    }
    return ROLE_NONE;
}

struct cast acc_rollout_cast(struct acc_engine *e, const struct service *s, uint32_t slot)
{
    struct cast cast = {NULL, NULL, NULL, NULL};

    acc_each_inst (e, s, i) {
        struct instance **at = i->role == ROLE_CANDIDATE ? &cast.candidate
                               : i->role == ROLE_RETIRED ? &cast.retired
                               : i->role == ROLE_BAD     ? &cast.bad
                                                         : &cast.holder;

        if (i->present && i->slot == slot && !*at) {
            *at = i;
        }
    }
    return cast;
}

bool acc_rollout_is_new(const struct service *s, const struct instance *i)
{
    return i->present && i->revision != 0 && i->revision == s->roll.is.to;
}

/* --- the order ------------------------------------------------------------------------------- */

static bool has_binds(const struct acc_engine *e, const struct service *s, bool *ret_is_sharer)
{
    *ret_is_sharer = true;
    acc_each_out (e, s, edge) {
        if (edge->kind == ACC_EDGE_BINDS) {
            return true;
        }
    }
    *ret_is_sharer = false;
    for (uint32_t k = 0; k < s->n_in; k++) {
        if (e->edges[e->in[s->first_in + k]].kind == ACC_EDGE_BINDS) {
            return true;
        }
    }
    return false;
}

bool acc_engine_start_first(const struct acc_engine *engine, uint32_t svc, const char **ret_why)
{
    const struct service *s = &engine->services[svc];
    bool is_sharer;

    acc_assert(svc < engine->n_services);
    if (has_binds(engine, s, &is_sharer)) {
        *ret_why = is_sharer ? "it shares another container's namespace"
                             : "others share its namespace";
        return false;
    }
    if (s->upgrade_order != ACC_ORDER_AUTO) {
        *ret_why = "x-acc.upgrade.order says so";
        return s->upgrade_order == ACC_ORDER_START_FIRST;
    }
    *ret_why = s->exclusive ? s->exclusive : "two of its containers can run at once";
    return s->exclusive == NULL;
}

/* --- keeping account ------------------------------------------------------------------------- */

void acc_rollout_save_revision(struct acc_engine *e, struct service *s, uint32_t number)
{
    struct acc_action *action;

    if (number == 0 || !acc_has_room(e)) {
        return; /* history may lack a line */
    }
    action = acc_ask(e, ACC_ACT_SAVE_REVISION, acc_svc_index(e, s), NULL);
    action->revision = number;
    acc_asked(e, action);
}

static struct revision *find_stable(struct service *s, uint32_t number)
{
    for (uint32_t k = 0; k < s->n_stable; k++) {
        if (s->stable[k].number == number) {
            return &s->stable[k];
        }
    }
    return NULL;
}

static struct revision *add_stable(struct service *s, uint32_t number)
{
    struct revision *revision = find_stable(s, number);

    if (!revision) {
        if (s->n_stable == ACC_REVISIONS_MAX) {
            memmove(&s->stable[0], &s->stable[1], (ACC_REVISIONS_MAX - 1) * sizeof(s->stable[0]));
            s->n_stable--;
        }
        revision = &s->stable[s->n_stable++];
    }
    *revision = (struct revision){.number = number};
    return revision;
}

static bool has_pin(const struct service *s)
{
    return s->pin_id[0] && strcmp(s->pin_spec, s->spec) == 0;
}

static void set_pin(struct service *s, const char *image, const char *image_id, const char *digest)
{
    acc_copy(s->pin_spec, sizeof(s->pin_spec), s->spec);
    acc_copy(s->pin_image, sizeof(s->pin_image), image);
    acc_copy(s->pin_id, sizeof(s->pin_id), image_id);
    acc_copy(s->pin_digest, sizeof(s->pin_digest), digest);
    acc_save(s);
}

void acc_rollout_fill(const struct service *s, bool is_candidate, struct acc_action *action)
{
    const struct acc_rollout_record *is = &s->roll.is;

    action->revision = is_candidate ? is->to : s->rev ? s->rev : 1;
    if (is_candidate) {
        acc_copy(action->image, sizeof(action->image), is->image);
        acc_copy(action->image_id, sizeof(action->image_id), is->image_id);
        acc_copy(action->digest, sizeof(action->digest), is->digest);
    } else if (has_pin(s)) {
        acc_copy(action->image, sizeof(action->image), s->pin_image);
        acc_copy(action->image_id, sizeof(action->image_id), s->pin_id);
        acc_copy(action->digest, sizeof(action->digest), s->pin_digest);
    }
}

/* What runs now is what a rollback goes to: known as a revision before anything is changed. */
static void keep_from(struct acc_engine *e, struct service *s, const struct instance *holder)
{
    struct acc_rollout_record *is = &s->roll.is;
    struct revision *revision;

    is->from = holder && holder->revision ? holder->revision : s->rev ? s->rev : 1;
    s->rev = is->from;
    if (!has_pin(s) && holder && holder->image_id[0]) {
        set_pin(s, "", holder->image_id, "");
    }
    if (!find_stable(s, is->from) && has_pin(s)) {
        revision = add_stable(s, is->from);
        acc_copy(revision->image, sizeof(revision->image), s->pin_image);
        acc_copy(revision->image_id, sizeof(revision->image_id), s->pin_id);
        acc_copy(revision->digest, sizeof(revision->digest), s->pin_digest);
        acc_copy(revision->spec, sizeof(revision->spec), s->spec);
        acc_rollout_save_revision(e, s, is->from);
    }
    s->last_rev = s->last_rev > is->from ? s->last_rev : is->from;
}

void acc_rollout_step(struct acc_engine *e, struct service *s, enum acc_rollout_step step)
{
    struct rollout *r = &s->roll;

    r->is.step = step;
    r->since_ms = r->seen_ms = e->now;
    r->deadline_ms = e->now + (step == ACC_ROLL_WATCH   ? s->timing.upgrade_monitor
                               : step == ACC_ROLL_DRAIN ? s->timing.upgrade_drain
                                                        : s->timing.upgrade_timeout);
    r->paused_ms = r->retry_ms = r->fail_ms = 0;
    r->n_tries = r->n_excused = 0;
    r->waits_for = ACC_NONE;
    if (step != ACC_ROLL_IDLE) {
        acc_note(e, ACC_NOTE_DECISION, acc_svc_index(e, s), "upgrade of %s to r%u: %s%s%.120s",
                 s->id, (unsigned)r->is.to, acc_rollout_step_name(step), r->is.why[0] ? ": " : "",
                 r->is.why);
    }
    acc_save(s);
    acc_mark_around(e, s);
}

void acc_rollout_end(struct acc_engine *e, struct service *s, enum roll_result result)
{
    struct rollout *r = &s->roll;

    r->result = result;
    r->ended_ms = e->now;
    acc_note(e, ACC_NOTE_DECISION, acc_svc_index(e, s), "upgrade of %s: %s%s%.160s", s->id,
             result == ROLL_UP_TO_DATE    ? "nothing to do"
             : result == ROLL_COMMITTED   ? "done"
             : result == ROLL_ROLLED_BACK ? "rolled back"
                                          : "failed",
             r->is.why[0] ? ": " : "", r->is.why);
    acc_rollout_step(e, s, ACC_ROLL_IDLE);
}

/* --- asking for it --------------------------------------------------------------------------- */

static bool refuse(struct acc_engine *e, struct service *s, const char *why)
{
    acc_copy(s->roll.is.why, sizeof(s->roll.is.why), why);
    acc_rollout_end(e, s, ROLL_FAILED);
    return false;
}

/* The revision that a rollback goes to: the given one, or the newest before the present one. */
static const struct revision *rollback_target(struct service *s, uint32_t number)
{
    const struct revision *found = NULL;

    for (uint32_t k = 0; k < s->n_stable; k++) {
        const struct revision *revision = &s->stable[k];

        if (number ? revision->number == number
                   : revision->number != s->rev && (!found || found->number < revision->number)) {
            found = revision;
        }
    }
    return found;
}

static bool take_rollback(struct acc_engine *e, struct service *s, uint32_t number)
{
    struct acc_rollout_record *is = &s->roll.is;
    const struct revision *to = rollback_target(s, number);

    if (!to) {
        return refuse(e, s,
                      number ? "there is no such stable revision; see accctl history"
                             : "there is no stable revision before this one");
    }
    if (to->number == s->rev) {
        return refuse(e, s, "that revision is in force");
    }
    acc_copy(is->image, sizeof(is->image), to->image);
    acc_copy(is->image_id, sizeof(is->image_id), to->image_id);
    acc_copy(is->digest, sizeof(is->digest), to->digest);
    return true;
}

static const char *unfit(struct acc_engine *e, struct service *s)
{
    return s->removed || s->n_inst == 0 ? "it has no containers"
           : s->one_shot                ? "it runs to its end and isn't upgraded; up runs it again"
           : !s->wanted_up              ? "it is off; the next up uses the image that is there"
           : acc_svc_held(e, s)         ? "it was stopped by hand; release it first"
                                        : NULL;
}

static void begin(struct acc_engine *e, struct service *s)
{
    struct rollout *r = &s->roll;
    const char *why = unfit(e, s);

    r->is_asked = false;
    r->is = (struct acc_rollout_record){.id = e->next_op++, .slot = 1, .to = s->last_rev + 1};
    r->begun_ms = e->now;
    r->took_ms = 0;
    r->result = ROLL_NONE;
    acc_copy(r->is.by, sizeof(r->is.by), r->ask_by);
    acc_copy(r->is.image, sizeof(r->is.image), r->ask_image);
    acc_copy(r->is.spec, sizeof(r->is.spec), s->spec);
    r->is.start_first = acc_engine_start_first(e, acc_svc_index(e, s), &(const char *){NULL});
    if (why) {
        (void)refuse(e, s, why);
        return;
    }
    keep_from(e, s, acc_rollout_cast(e, s, 1).holder);
    r->is.to = s->last_rev + 1;
    if (r->ask_back && !take_rollback(e, s, r->ask_revision)) {
        return;
    }
    acc_rollout_step(e, s, ACC_ROLL_PULL);
}

void acc_rollout_ask(struct acc_engine *e, struct service *s, const struct acc_cmd *cmd)
{
    struct rollout *r = &s->roll;
    bool is_back = cmd->verb == ACC_VERB_ROLLBACK;

    if (is_back && acc_rollout_active(s) && r->is.step < ACC_ROLL_RETIRE) {
        if (r->is.step == ACC_ROLL_PULL) {
            acc_copy(r->is.why, sizeof(r->is.why), "a rollback was asked for");
            acc_rollout_end(e, s, ROLL_ROLLED_BACK);
            return;
        }
        (void)snprintf(r->is.why, sizeof(r->is.why), "asked by %s", cmd->by);
        acc_undo_begin(e, s, true);
        return;
    }
    r->is_asked = true;
    r->ask_back = is_back;
    r->ask_revision = cmd->revision;
    acc_copy(r->ask_image, sizeof(r->ask_image), cmd->image);
    acc_copy(r->ask_by, sizeof(r->ask_by), cmd->by);
    if (cmd->image[0] || is_back) {
        s->bad_id[0] = '\0'; /* somebody wants just this */
    }
    r->result = ROLL_NONE;
    if (r->is.step == ACC_ROLL_PULL && !r->op) {
        r->is.step = ACC_ROLL_IDLE; /* superseded before anything was done */
    }                               /* else it begins when this one has ended */
    acc_mark(e, s);
}

/* --- the pull -------------------------------------------------------------------------------- */

void acc_rollout_act(struct acc_engine *e, struct service *s)
{
    struct rollout *r = &s->roll;
    struct acc_action *action;

    if (r->is.step != ACC_ROLL_PULL || r->op || acc_svc_observing(e, s) || !acc_has_room(e) ||
        !acc_due(e, s, r->retry_ms)) {
        return;
    }
    acc_flush_save(e, s);
    r->op = e->next_op++;
    acc_index_put(&e->by_op, acc_hash_u64(r->op), acc_svc_index(e, s) | ACC_OP_OF_ROLL);
    action = acc_ask(e, ACC_ACT_JOURNAL, acc_svc_index(e, s), NULL);
    action->what = ACC_ACT_PULL;
    action->op = r->op;
    acc_asked(e, action);
    action = acc_ask(e, ACC_ACT_PULL, acc_svc_index(e, s), NULL);
    action->op = r->op;
    acc_rollout_fill(s, true, action);
    acc_asked(e, action);
}

static bool is_up_to_date(struct acc_engine *e, const struct service *s)
{
    acc_each_slot (e, s, i) {
        if (!i->present || strcmp(i->image_id, s->roll.is.image_id) != 0 ||
            acc_inst_outdated(e, i)) {
            return false;
        }
    }
    return true;
}

static void is_there(struct acc_engine *e, struct service *s, const struct acc_event *event)
{
    struct acc_rollout_record *is = &s->roll.is;

    acc_copy(is->image_id, sizeof(is->image_id), event->op.cid ? event->op.cid : "");
    if (event->op.message[0]) {
        acc_copy(is->digest, sizeof(is->digest), event->op.message);
    }
    if (is_up_to_date(e, s)) {
        if (strcmp(is->image, s->pin_image) != 0 || !s->pin_digest[0]) {
            set_pin(s, is->image, is->image_id, is->digest);
        }
        acc_rollout_end(e, s, ROLL_UP_TO_DATE);
    } else if (s->bad_id[0] && strcmp(s->bad_id, is->image_id) == 0) {
        (void)refuse(e, s,
                     "this image was rolled back before; name it with --image to try it "
                     "again");
    } else {
        s->last_rev = is->to;
        acc_rollout_step(e, s, ACC_ROLL_CREATE);
    }
}

void acc_rollout_pulled(struct acc_engine *e, struct service *s, const struct acc_event *event)
{
    struct rollout *r = &s->roll;
    struct acc_action *action = acc_ask(e, ACC_ACT_JOURNAL_END, acc_svc_index(e, s), NULL);

    action->what = ACC_ACT_PULL;
    action->op = r->op;
    action->result = event->op.result;
    acc_asked(e, action);
    acc_index_remove(&e->by_op, acc_hash_u64(r->op), acc_svc_index(e, s) | ACC_OP_OF_ROLL);
    r->op = 0;
    acc_mark(e, s);
    if (r->is.step != ACC_ROLL_PULL) {
        return; /* given up meanwhile */
    }
    if (event->op.result == ACC_OP_OK || event->op.result == ACC_OP_NOT_MODIFIED) {
        is_there(e, s, event);
    } else if (event->op.result == ACC_OP_CONFIG || ++r->n_tries >= TRIES_MAX) {
        (void)snprintf(r->is.why, sizeof(r->is.why), "nothing was changed: %.220s",
                       event->op.message);
        acc_rollout_end(e, s, ROLL_FAILED);
    } else {
        r->retry_ms = e->now + RETRY_MS;
    }
}

/* --- whose fault ----------------------------------------------------------------------------- */

static bool has_hard(const struct acc_engine *e, const struct service *s)
{
    acc_each_out (e, s, edge) {
        if (acc_edge_hard(edge)) {
            return true;
        }
    }
    return false;
}

/* What it stands on is bad: its clock stands still. */
static bool is_held_up(const struct acc_engine *e, struct service *s)
{
    s->roll.waits_for = ACC_NONE;
    acc_each_out (e, s, edge) {
        if (acc_edge_hard(edge) && (!acc_edge_met(e, edge) || e->services[edge->to].sick)) {
            s->roll.waits_for = edge->to;
            return true;
        }
    }
    return false;
}

static bool is_new_side(const struct service *s, const struct instance *i)
{
    return i->role == ROLE_CANDIDATE || (i->is_spare && !i->present) ||
           (i->role == ROLE_NONE && !i->is_spare && acc_rollout_is_new(s, i));
}

bool acc_rollout_failed(struct acc_engine *e, struct service *s, struct instance *i,
                        const char *fmt, ...)
{
    struct rollout *r = &s->roll;
    va_list args;

    if (!acc_rollout_active(s) || r->is.step == ACC_ROLL_UNDO || r->is.step == ACC_ROLL_RETIRE ||
        !is_new_side(s, i)) {
        return false;
    }
    if (!r->fail_ms) {
        va_start(args, fmt);
        (void)vsnprintf(r->is.why, sizeof(r->is.why), fmt, args); /* cut: the start tells */
        va_end(args);
        r->fail_ms = e->now ? e->now : 1;
        acc_note(e, ACC_NOTE_OBSERVED, acc_svc_index(e, s), "the new container of %s %.180s", s->id,
                 r->is.why);
        acc_each_out (e, s, edge) {
            struct service *d = &e->services[edge->to];

            if (acc_edge_hard(edge)) {
                acc_each_slot (e, d, k) {
                    k->probe_forced = true;
                }
                acc_mark(e, d);
            }
        }
    }
    acc_mark(e, s);
    return true;
}

/* True: it is clear by now, and it was the new one's own fault. */
static bool is_own_fault(struct acc_engine *e, struct service *s)
{
    struct rollout *r = &s->roll;

    if (!r->fail_ms) {
        return false;
    }
    if (acc_attributed(e, s, r->fail_ms) || is_held_up(e, s)) {
        acc_note(e, ACC_NOTE_DECISION, acc_svc_index(e, s),
                 "the new container of %s: not its own fault, it gets another try", s->id);
        r->is.why[0] = '\0';
        r->fail_ms = 0;
        r->since_ms = e->now;
        r->retry_ms = e->now + (RETRY_MS << (r->n_excused < 4 ? r->n_excused : 4));
        r->n_excused++;
        acc_wake_at(s, r->retry_ms);
        return false;
    }
    return !has_hard(e, s) || acc_due(e, s, r->fail_ms + s->timing.attribution_window);
}

/* The time that a dependency or the engine took is given back. False: it was too much. */
static bool keep_clock(struct acc_engine *e, struct service *s)
{
    struct rollout *r = &s->roll;
    uint64_t passed_ms = e->now - r->seen_ms;

    r->seen_ms = e->now;
    if (acc_may_act(e) && !is_held_up(e, s)) {
        return true;
    }
    r->deadline_ms += passed_ms;
    r->paused_ms += acc_may_act(e) ? passed_ms : 0;
    acc_wake_at(s, e->now + 1000);
    return r->paused_ms < s->timing.upgrade_pause;
}

static void fail(struct acc_engine *e, struct service *s, const char *why)
{
    if (why) {
        acc_copy(s->roll.is.why, sizeof(s->roll.is.why), why);
    }
    acc_undo_begin(e, s, true);
}

/* --- who sits in the slot -------------------------------------------------------------------- */

static bool is_movable(const struct instance *i)
{
    return !i->op && !i->conflict_cid[0] && !i->need_list && !i->start_unsettled;
}

static int rank(const struct service *s, const struct instance *i)
{
    const struct acc_rollout_record *is = &s->roll.is;
    bool takes_over = is->step == ACC_ROLL_SWITCH || is->step == ACC_ROLL_DRAIN ||
                      (!is->start_first &&
                       (is->step == ACC_ROLL_START || is->step == ACC_ROLL_VERIFY));
    bool is_back = is->step == ACC_ROLL_UNDO;

    switch (i->role) {
    case ROLE_CANDIDATE:
        return takes_over ? 5 : 1;
    case ROLE_NONE:
        return is_back && acc_rollout_is_new(s, i) ? 2 : 4;
    case ROLE_RETIRED:
        return is_back ? 3 : 0;
    case ROLE_BAD:
        break;
    }
    return 0;
}

/* Dependents look at the slot: the one that serves them sits there. */
static void seat(struct acc_engine *e, struct service *s)
{
    acc_each_slot (e, s, slot) {
        struct instance *best = NULL;

        if (!is_movable(slot)) {
            continue;
        }
        for (struct instance *i = acc_spare_at(e, s->spare); i;
             i = acc_spare_at(e, i->next_spare)) {
            bool is_undo = s->roll.is.step == ACC_ROLL_UNDO;
            bool is_left = i->role == ROLE_BAD || (i->role == ROLE_CANDIDATE && is_undo) ||
                           (i->role == ROLE_RETIRED && !is_undo);
            bool is_better = !is_left && (!slot->present || rank(s, i) > rank(s, slot));

            if (i->slot == slot->slot && i->present && is_movable(i) && is_better &&
                (i->role != ROLE_NONE || slot->role != ROLE_NONE || !slot->present ||
                 acc_rollout_is_new(s, slot)) &&
                (!best || rank(s, i) > rank(s, best))) {
                best = i;
            }
        }
        if (best) {
            acc_inst_to_slot(e, slot, best);
        } else if (s->roll.is.step == ACC_ROLL_UNDO && slot->present && !acc_inst_running(slot) &&
                   (slot->role == ROLE_BAD || slot->role == ROLE_CANDIDATE) &&
                   !slot->exit_pending) {
            (void)acc_inst_vacate(e, slot); /* nothing is left to go back to: one is made */
        }
    }
}

/* --- the steps ------------------------------------------------------------------------------- */

static struct instance *placeholder(struct acc_engine *e, const struct service *s)
{
    for (struct instance *i = acc_spare_at(e, s->spare); i; i = acc_spare_at(e, i->next_spare)) {
        if (!i->present && i->slot == s->roll.is.slot) {
            return i;
        }
    }
    return NULL;
}

static void drop_placeholder(struct acc_engine *e, struct service *s)
{
    struct instance *i = placeholder(e, s);

    if (i && is_movable(i)) {
        acc_spare_drop(e, s, i);
    }
}

static void update_create(struct acc_engine *e, struct service *s, const struct cast *cast)
{
    if (cast->candidate) {
        drop_placeholder(e, s);
        acc_rollout_step(e, s, s->roll.is.start_first ? ACC_ROLL_START : ACC_ROLL_STOP_OLD);
    } else if (!placeholder(e, s) && !acc_spare_take(e, s, s->roll.is.slot)) {
        fail(e, s, "accd has no room for another container");
    }
}

static bool is_ready(const struct instance *i)
{
    return i->present && acc_inst_running(i) && i->ready && !i->degraded;
}

/* By what is known now, of itself. */
static bool is_ill(struct acc_engine *e, struct service *s, const struct instance *i)
{
    return acc_inst_running(i) && i->degraded && !i->waiting && !acc_inst_stale(e, i) &&
           !acc_attributed(e, s, e->now) && !is_held_up(e, s);
}

/* A candidate that got this far must go on running. */
static void watch_candidate(struct acc_engine *e, struct service *s, struct instance *candidate)
{
    char text[80];

    if (candidate->need_obs || acc_inst_stale(e, candidate) || candidate->maybe_gone) {
        return;
    }
    if (candidate->obs == ACC_CTR_EXITED && !candidate->start_unsettled && !s->roll.fail_ms &&
        !candidate->op && candidate->started_ns != s->roll.judged_ns) {
        s->roll.judged_ns = candidate->started_ns;
        acc_exit_text(candidate->exit_code, candidate->oom, text, sizeof(text));
        (void)acc_rollout_failed(e, s, candidate, "%s", text);
    } else if (is_ill(e, s, candidate)) {
        (void)acc_rollout_failed(e, s, candidate, "is unhealthy%s%.120s",
                                 candidate->output[0] ? ": " : "", candidate->output);
    }
}

/* Events get lost: what nothing can be taken back after rests on a look of after `at_ms`. */
static bool is_seen_since(struct acc_engine *e, struct service *s, struct instance *i,
                          uint64_t at_ms)
{
    if (!acc_due(e, s, at_ms)) {
        return false;
    }
    if (i->seen_ms < at_ms && !i->inspecting && !i->want_look) {
        acc_want_look(i);
    }
    return i->seen_ms >= at_ms;
}

static void update_verify(struct acc_engine *e, struct service *s, struct instance *candidate)
{
    struct rollout *r = &s->roll;
    bool is_in_time = keep_clock(e, s);

    if (r->fail_ms) {
        return;
    }
    if (!is_in_time) {
        fail(e, s, "what it needs has stayed down");
    } else if (is_ready(candidate)) {
        if (is_seen_since(e, s, candidate, candidate->ready_ms + s->timing.upgrade_stable)) {
            acc_rollout_step(e, s, r->is.start_first ? ACC_ROLL_DRAIN : ACC_ROLL_SWITCH);
        }
    } else if (!candidate->waiting && acc_due(e, s, r->deadline_ms)) {
        (void)snprintf(r->is.why, sizeof(r->is.why), "did not get ready in time%s%.160s",
                       candidate->output[0] ? ": " : "", candidate->output);
        fail(e, s, NULL);
    }
}

/* E3: "restart after commit", for those whose edge says so. */
static void restart_dependents(struct acc_engine *e, struct service *s)
{
    for (uint32_t k = 0; k < s->n_in; k++) {
        const struct edge *edge = &e->edges[e->in[s->first_in + k]];
        struct service *dependent = &e->services[edge->from];

        if (edge->kind == ACC_EDGE_BINDS || acc_reaction(DEP_RESTARTS, edge) != REACT_RESTART ||
            !dependent->wanted_up || acc_svc_observing(e, dependent)) {
            continue;
        }
        acc_each_slot (e, dependent, i) {
            acc_inst_end(e, i, END_DEPENDENCY);
        }
    }
}

static void commit(struct acc_engine *e, struct service *s)
{
    struct rollout *r = &s->roll;

    if (r->is.slot < s->n_inst) {
        r->is.slot++;
        acc_rollout_step(e, s, ACC_ROLL_CREATE);
        return;
    }
    r->took_ms = e->now - r->begun_ms;
    s->rev = r->is.to;
    set_pin(s, r->is.image, r->is.image_id, r->is.digest);
    acc_rollout_save_revision(e, s, r->is.to);
    if (r->is.start_first) {
        restart_dependents(e, s);
    }
    acc_rollout_step(e, s, ACC_ROLL_WATCH);
}

static void stand(struct acc_engine *e, struct service *s)
{
    struct rollout *r = &s->roll;
    struct revision *revision = add_stable(s, r->is.to);

    acc_copy(revision->image, sizeof(revision->image), r->is.image);
    acc_copy(revision->image_id, sizeof(revision->image_id), r->is.image_id);
    acc_copy(revision->digest, sizeof(revision->digest), r->is.digest);
    acc_copy(revision->spec, sizeof(revision->spec), r->is.spec);
    s->bad_id[0] = '\0';
    acc_rollout_step(e, s, ACC_ROLL_RETIRE);
    acc_rollout_save_revision(e, s, r->is.to);
}

static void update_watch(struct acc_engine *e, struct service *s)
{
    bool is_outdated = false;
    bool is_proven = true;

    (void)keep_clock(e, s);
    acc_each_slot (e, s, i) {
        is_outdated |= acc_inst_outdated(e, i);
        /* One that was started again meanwhile begins anew, whoever's fault that was. */
        uint64_t proven_ms = i->run_ms + s->timing.upgrade_monitor;

        is_proven &= is_seen_since(
            e, s, i, proven_ms > s->roll.deadline_ms ? proven_ms : s->roll.deadline_ms);
        if (acc_rollout_is_new(s, i) && is_ill(e, s, i)) {
            (void)acc_rollout_failed(e, s, i, "is unhealthy%s%.120s", i->output[0] ? ": " : "",
                                     i->output);
        }
    }
    if (is_own_fault(e, s)) {
        fail(e, s, NULL);
    } else if (!s->roll.fail_ms && s->ready && (is_outdated || is_proven)) {
        stand(e, s);
    }
}

/* While it was watched. The kept container is all there is when somebody removed the new one. */
static void turned_off(struct acc_engine *e, struct service *s)
{
    acc_each_slot (e, s, i) {
        if (!acc_rollout_cast(e, s, i->slot).holder) {
            acc_copy(s->roll.is.why, sizeof(s->roll.is.why), "its container was removed");
            acc_undo_begin(e, s, false);
            return;
        }
    }
    s->roll.deadline_ms += e->now - s->roll.seen_ms; /* the watch goes on when it is up again */
    s->roll.seen_ms = e->now;
}

static void update_retire(struct acc_engine *e, struct service *s)
{
    acc_each_inst (e, s, i) {
        if (i->present && i->role != ROLE_NONE) {
            return;
        }
    }
    acc_rollout_end(e, s, ROLL_COMMITTED);
}

static void update_slot(struct acc_engine *e, struct service *s)
{
    struct rollout *r = &s->roll;
    struct cast cast = acc_rollout_cast(e, s, r->is.slot);
    enum acc_rollout_step step = r->is.step;

    if (cast.candidate) {
        watch_candidate(e, s, cast.candidate);
    }
    acc_each_slot (e, s, i) { /* replicas that are through with it */
        if (acc_rollout_is_new(s, i) && i->role == ROLE_NONE && is_ill(e, s, i)) {
            (void)acc_rollout_failed(e, s, i, "is unhealthy%s%.120s", i->output[0] ? ": " : "",
                                     i->output);
        }
    }
    if (is_own_fault(e, s)) {
        fail(e, s, NULL);
    } else if (step == ACC_ROLL_CREATE) {
        update_create(e, s, &cast);
    } else if (step == ACC_ROLL_SWITCH && !cast.candidate && cast.holder &&
               acc_rollout_is_new(s, cast.holder)) {
        commit(e, s);
    } else if (!cast.candidate) {
        fail(e, s, "its new container was removed by somebody else");
    } else if (cast.holder && cast.holder->quarantined) {
        fail(e, s, "its old container can't be stopped");
    } else if (step == ACC_ROLL_STOP_OLD && !cast.holder) {
        acc_rollout_step(e, s, ACC_ROLL_START);
    } else if (step == ACC_ROLL_START && acc_inst_running(cast.candidate)) {
        acc_rollout_step(e, s, ACC_ROLL_VERIFY);
    } else if (step == ACC_ROLL_VERIFY) {
        update_verify(e, s, cast.candidate);
    } else if (step == ACC_ROLL_DRAIN && acc_due(e, s, r->deadline_ms)) {
        acc_rollout_step(e, s, ACC_ROLL_SWITCH);
    } else if (r->n_tries >= TRIES_MAX) {
        fail(e, s, "its container can't be renamed");
    }
}

static void update_active(struct acc_engine *e, struct service *s)
{
    bool is_forward = s->roll.is.step > ACC_ROLL_PULL && s->roll.is.step < ACC_ROLL_WATCH;

    if (is_forward && (!s->wanted_up || strcmp(s->roll.is.spec, s->spec) != 0)) {
        acc_copy(s->roll.is.why, sizeof(s->roll.is.why),
                 s->wanted_up ? "its configuration changed meanwhile" : "it was turned off");
        acc_undo_begin(e, s, false);
        return;
    }
    switch (s->roll.is.step) {
    case ACC_ROLL_IDLE:
        break;
    case ACC_ROLL_PULL:
        if (!s->wanted_up) {
            (void)refuse(e, s, "it was turned off");
        }
        break;
    case ACC_ROLL_CREATE:
    case ACC_ROLL_STOP_OLD:
    case ACC_ROLL_START:
    case ACC_ROLL_VERIFY:
    case ACC_ROLL_DRAIN:
    case ACC_ROLL_SWITCH:
        update_slot(e, s);
        break;
    case ACC_ROLL_WATCH:
        if (!s->wanted_up) {
            turned_off(e, s);
        } else {
            update_watch(e, s);
        }
        break;
    case ACC_ROLL_RETIRE:
        update_retire(e, s);
        break;
    case ACC_ROLL_UNDO:
        acc_undo_update(e, s);
        break;
    }
}

/* A record is read after the step that saves it: the next rollout may not overwrite it in there. */
static uint64_t next_ms(const struct service *s)
{
    return s->roll.ended_ms ? s->roll.ended_ms + 1 : 0;
}

void acc_rollout_update(struct acc_engine *e, struct service *s)
{
    if (!e->synced || acc_svc_observing(e, s)) {
        s->roll.seen_ms = e->now;
        return;
    }
    if (s->removed) {
        if (acc_rollout_active(s)) {
            acc_copy(s->roll.is.why, sizeof(s->roll.is.why), "it has left the configuration");
            acc_rollout_end(e, s, ROLL_FAILED);
        }
        return;
    }
    acc_rollout_recover(e, s);
    if (s->roll.is_asked && !acc_rollout_active(s) && !s->roll.op && acc_due(e, s, next_ms(s))) {
        begin(e, s);
    }
    if (acc_rollout_active(s) && !acc_svc_held(e, s)) {
        update_active(e, s);
    }
    if (acc_rollout_active(s)) {
        seat(e, s);
    }
    if (s->roll.is.step != ACC_ROLL_CREATE) {
        drop_placeholder(e, s);
    }
}

/* --- deciding -------------------------------------------------------------------------------- */

bool acc_rollout_owns(struct acc_engine *e, struct service *s, const struct instance *i)
{
    const struct rollout *r = &s->roll;

    if (!acc_rollout_active(s) || s->removed) {
        return false;
    }
    if (r->is.step == ACC_ROLL_UNDO) {
        return acc_undo_owns(e, s, i);
    }
    if (i->role != ROLE_NONE || (i->is_spare && !i->present)) {
        return true;
    }
    if (acc_rollout_is_new(s, i) && i->present && !acc_inst_running(i) &&
        (r->fail_ms != 0 || !acc_due(e, s, r->retry_ms))) {
        return true; /* it isn't started again before it is clear whose fault it was */
    }
    if (r->is.step == ACC_ROLL_WATCH) {
        return false;
    }
    return i->slot == r->is.slot &&
           ((!i->present && r->is.step > ACC_ROLL_PULL) || r->is.step == ACC_ROLL_STOP_OLD ||
            r->is.step == ACC_ROLL_SWITCH || (!r->is.start_first && r->is.step >= ACC_ROLL_START));
}

static bool dep_rolls(const struct acc_engine *e, const struct service *s, uint32_t *ret_dep)
{
    acc_each_out (e, s, edge) {
        enum acc_rollout_step step = e->services[edge->to].roll.is.step;

        if (edge->kind != ACC_EDGE_CONFLICTS && step != ACC_ROLL_IDLE && step != ACC_ROLL_WATCH &&
            step != ACC_ROLL_RETIRE) {
            *ret_dep = edge->to;
            return true;
        }
    }
    return false;
}

static enum acc_action_type rename_it(struct acc_engine *e, struct service *s, struct instance *i,
                                      const char *tag, uint64_t number)
{
    char name[ACC_NAME_MAX + 1];

    if (!acc_due(e, s, i->retry_ms)) {
        return ACC_NOTHING;
    }
    acc_inst_canonical(e, i, name);
    if (tag) {
        /* Docker refuses what doesn't fit. */
        (void)snprintf(i->rename_to, sizeof(i->rename_to), "%.230s%s%llu", name, tag,
                       (unsigned long long)number);
    } else {
        memcpy(i->rename_to, name, sizeof(i->rename_to));
    }
    return ACC_ACT_RENAME;
}

static enum acc_action_type decide_create(struct acc_engine *e, struct service *s,
                                          struct instance *i)
{
    struct rollout *r = &s->roll;

    if (i->present || r->fail_ms || i->slot != r->is.slot ||
        e->inst[s->first_inst + i->slot - 1].op) {
        return ACC_NOTHING;
    }
    r->waits_for = ACC_NONE;
    if (dep_rolls(e, s, &r->waits_for) || !acc_gate_create(e, s) || !acc_resources_there(e, s)) {
        return ACC_NOTHING;
    }
    if (!acc_gate_start(e, s)) {
        r->waits_for = e->edges[s->blocker].to;
        return ACC_NOTHING;
    }
    return ACC_ACT_CREATE;
}

static enum acc_action_type decide_old(struct acc_engine *e, struct service *s, struct instance *i)
{
    if (acc_inst_running(i)) {
        return acc_gate_stop(e, s) || s->roll.is.start_first ? acc_stop_harder(e, s, i)
                                                             : ACC_NOTHING;
    }
    return i->exit_pending ? ACC_NOTHING : rename_it(e, s, i, ".r", s->roll.is.from);
}

static enum acc_action_type decide_candidate(struct acc_engine *e, struct service *s,
                                             struct instance *i, const struct cast *cast)
{
    const struct rollout *r = &s->roll;
    bool is_to_start = r->is.step == ACC_ROLL_START || r->is.step == ACC_ROLL_VERIFY;

    if (r->fail_ms) {
        return ACC_NOTHING;
    }
    if (is_to_start && !acc_inst_running(i)) {
        return acc_due(e, s, r->retry_ms) && acc_gate_start(e, s) ? ACC_ACT_START : ACC_NOTHING;
    }
    return r->is.step == ACC_ROLL_SWITCH && !cast->holder ? rename_it(e, s, i, NULL, 0)
                                                          : ACC_NOTHING;
}

enum acc_action_type acc_rollout_decide(struct acc_engine *e, struct service *s, struct instance *i)
{
    struct rollout *r = &s->roll;
    struct cast cast = acc_rollout_cast(e, s, i->slot);

    if (acc_svc_held(e, s)) {
        return ACC_NOTHING;
    }
    if (r->is.step == ACC_ROLL_UNDO) {
        return acc_undo_decide(e, s, i);
    }
    if (r->is.step == ACC_ROLL_RETIRE) {
        return i->role == ROLE_NONE        ? ACC_NOTHING
               : acc_inst_running(i)       ? acc_stop_harder(e, s, i)
               : cast.holder && i->present ? acc_remove_it(e, s, i)
                                           : ACC_NOTHING;
    }
    if (!i->present) {
        return i->is_spare && r->is.step == ACC_ROLL_CREATE ? decide_create(e, s, i) : ACC_NOTHING;
    }
    if (i->slot != r->is.slot || r->is.step == ACC_ROLL_WATCH) {
        return ACC_NOTHING;
    }
    if (i->role == ROLE_CANDIDATE) {
        return decide_candidate(e, s, i, &cast);
    }
    if (i->role == ROLE_NONE && !acc_rollout_is_new(s, i) &&
        (r->is.step == ACC_ROLL_STOP_OLD || r->is.step == ACC_ROLL_SWITCH) && cast.candidate) {
        return decide_old(e, s, i);
    }
    return ACC_NOTHING;
}

bool acc_rollout_watches(const struct service *s, const struct instance *i)
{
    return acc_rollout_active(s) && s->roll.is.step != ACC_ROLL_UNDO &&
           (i->role == ROLE_CANDIDATE || acc_rollout_is_new(s, i));
}

bool acc_rollout_stops(struct acc_engine *e, struct service *s)
{
    struct cast cast;

    if (s->roll.is.step != ACC_ROLL_STOP_OLD && s->roll.is.step != ACC_ROLL_UNDO) {
        return false;
    }
    cast = acc_rollout_cast(e, s, s->roll.is.step == ACC_ROLL_UNDO ? 1 : s->roll.is.slot);
    if (s->roll.is.step == ACC_ROLL_UNDO) {
        return cast.bad && !cast.bad->is_spare && acc_inst_running(cast.bad);
    }
    return cast.holder && acc_inst_running(cast.holder);
}

/* --- saying ---------------------------------------------------------------------------------- */

void acc_rollout_reason(struct acc_engine *e, struct service *s, uint64_t now_ms, char *out,
                        size_t out_size)
{
    const struct rollout *r = &s->roll;
    const struct acc_rollout_record *is = &r->is;
    const char *order = is->start_first ? "start-first" : "stop-first";
    unsigned elapsed_s = (unsigned)((now_ms - r->since_ms) / 1000);
    unsigned left_s = (unsigned)(r->deadline_ms > now_ms ? (r->deadline_ms - now_ms) / 1000 : 0);
    int n = 0;

    switch (is->step) {
    case ACC_ROLL_IDLE:
        out[0] = '\0';
        return;
    case ACC_ROLL_PULL:
        n = snprintf(out, out_size, "pulls %.120s, %u s", is->image[0] ? is->image : s->image,
                     elapsed_s);
        break;
    case ACC_ROLL_WATCH:
        n = snprintf(out, out_size, "r%u is watched for another %u s", (unsigned)is->to, left_s);
        break;
    case ACC_ROLL_UNDO:
        n = snprintf(out, out_size, "back to r%u, %u s: r%u %.160s", (unsigned)is->from, elapsed_s,
                     (unsigned)is->to, is->why);
        break;
    case ACC_ROLL_CREATE:
    case ACC_ROLL_STOP_OLD:
    case ACC_ROLL_START:
    case ACC_ROLL_VERIFY:
    case ACC_ROLL_DRAIN:
    case ACC_ROLL_SWITCH:
    case ACC_ROLL_RETIRE:
        n = snprintf(out, out_size, "to r%u %s: %s, %u s", (unsigned)is->to, order,
                     acc_rollout_step_name(is->step), elapsed_s);
        if (s->n_inst > 1 && n > 0 && (size_t)n < out_size) {
            n += snprintf(out + n, out_size - (size_t)n, ", replica %u of %u", (unsigned)is->slot,
                          (unsigned)s->n_inst);
        }
        break;
    }
    if (r->waits_for != ACC_NONE && r->waits_for < e->n_services && n > 0 && (size_t)n < out_size) {
        (void)snprintf(out + n, out_size - (size_t)n, "; waits for %.80s",
                       e->services[r->waits_for].nick);
    }
}

bool acc_engine_revision(const struct acc_engine *engine, uint32_t svc, uint32_t number,
                         uint64_t now_ms, struct acc_revision_record *ret_record)
{
    const struct service *s = &engine->services[svc];
    const struct rollout *r = &s->roll;
    const struct revision *stable = NULL;

    acc_assert(svc < engine->n_services);
    for (uint32_t k = 0; k < s->n_stable; k++) {
        stable = s->stable[k].number == number ? &s->stable[k] : stable;
    }
    if (!stable && number != r->is.to) {
        return false;
    }
    *ret_record = (struct acc_revision_record){.number = number, .result = ACC_REV_STABLE};
    acc_copy(ret_record->id, sizeof(ret_record->id), s->id);
    acc_copy(ret_record->image, sizeof(ret_record->image), stable ? stable->image : r->is.image);
    if (!ret_record->image[0]) {
        acc_copy(ret_record->image, sizeof(ret_record->image), s->image);
    }
    acc_copy(ret_record->image_id, sizeof(ret_record->image_id),
             stable ? stable->image_id : r->is.image_id);
    acc_copy(ret_record->digest, sizeof(ret_record->digest),
             stable ? stable->digest : r->is.digest);
    acc_copy(ret_record->spec, sizeof(ret_record->spec), stable ? stable->spec : r->is.spec);
    if (number == r->is.to) {
        acc_copy(ret_record->by, sizeof(ret_record->by), r->is.by);
        acc_copy(ret_record->text, sizeof(ret_record->text), r->is.why);
        ret_record->took_ms = r->took_ms ? r->took_ms : now_ms - r->begun_ms;
        ret_record->result = stable                          ? ACC_REV_STABLE
                             : r->result == ROLL_ROLLED_BACK ? ACC_REV_ROLLED_BACK
                             : r->result == ROLL_FAILED      ? ACC_REV_FAILED
                                                             : ACC_REV_TRIAL;
    }
    return true;
}

bool acc_engine_restore_revision(struct acc_engine *engine,
                                 const struct acc_revision_record *record)
{
    acc_assert(!engine->stepped);
    for (uint32_t v = 0; v < engine->n_services; v++) {
        struct service *s = &engine->services[v];

        if (strcmp(s->id, record->id) == 0) {
            struct revision *revision = add_stable(s, record->number);
            bool is_files = strcmp(record->image, s->image) == 0;

            acc_copy(revision->image, sizeof(revision->image), is_files ? "" : record->image);
            acc_copy(revision->image_id, sizeof(revision->image_id), record->image_id);
            acc_copy(revision->digest, sizeof(revision->digest), record->digest);
            acc_copy(revision->spec, sizeof(revision->spec), record->spec);
            return true;
        }
    }
    return false;
}
