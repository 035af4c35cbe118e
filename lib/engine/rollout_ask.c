/*
 * Revisions and wishes: what an upgrade goes to and comes from, what its containers are made of,
 * and the pull, which is over before anything is touched.
 */

#include <stdio.h>
#include <string.h>

#include "lib/engine/internal.h"

/* A pull that failed for the registry's sake is tried so often, with pauses of 2 s, doubled, up to
 * a minute: a good three minutes, in which a registry is started again or a limit by the second has
 * passed. Then the rollout has failed, and nothing was changed. */
#define TRIES_MAX 8u

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
    *ret_why = s->exclusive ? s->exclusive
               : acc_svc_has_unnamed_volumes(engine, s)
                   ? "it has a volume without a name, which goes "
                     "on to the new one"
                   : "two of its containers can run at once";
    return !s->exclusive && !acc_svc_has_unnamed_volumes(engine, s);
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

/* What failed before anything was made has no revision, and is told all the same. What there is a
 * ban on wasn't even tried. */
static void save_attempt(struct acc_engine *e, struct service *s)
{
    bool is_attempt = s->roll.is.step == ACC_ROLL_PULL || s->roll.is.step == ACC_ROLL_PRE;
    struct acc_action *action;

    if (!is_attempt || s->roll.is_refused || !acc_has_room(e)) {
        return;
    }
    action = acc_ask(e, ACC_ACT_SAVE_REVISION, acc_svc_index(e, s), NULL);
    action->revision = ACC_REVISION_TRIED;
    acc_asked(e, action);
}

static uint32_t stable_at(const struct service *s, uint32_t number)
{
    for (uint32_t k = 0; k < s->n_stable; k++) {
        if (s->stable[k].number == number) {
            return k;
        }
    }
    return ACC_NONE;
}

static struct revision *find_stable(struct service *s, uint32_t number)
{
    uint32_t at = stable_at(s, number);

    return at == ACC_NONE ? NULL : &s->stable[at];
}

static bool is_failed(const struct service *s, uint32_t number)
{
    return number && number == s->failed.number;
}

const struct revision *acc_revision_find(const struct service *s, uint32_t number)
{
    uint32_t at = stable_at(s, number);

    return is_failed(s, number) ? &s->failed : at == ACC_NONE ? NULL : &s->stable[at];
}

struct revision *acc_revision_add(struct service *s, uint32_t number)
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

void acc_revision_fill(const struct acc_rollout_record *is, struct revision *revision)
{
    revision->number = is->to;
    acc_copy(revision->image, sizeof(revision->image), is->image);
    acc_copy(revision->image_id, sizeof(revision->image_id), is->image_id);
    acc_copy(revision->digest, sizeof(revision->digest), is->digest);
    acc_copy(revision->spec, sizeof(revision->spec), is->spec);
}

bool acc_pin_is_set(const struct service *s)
{
    return s->pin_id[0] && strcmp(s->pin_spec, s->spec) == 0;
}

void acc_pin_set(struct service *s, const char *image, const char *image_id, const char *digest)
{
    acc_copy(s->pin_spec, sizeof(s->pin_spec), s->spec);
    acc_copy(s->pin_image, sizeof(s->pin_image), image);
    acc_copy(s->pin_id, sizeof(s->pin_id), image_id);
    acc_copy(s->pin_digest, sizeof(s->pin_digest), digest);
    acc_save(s);
}

/* It was made of what the file names, or by an id, which nobody names. */
static bool is_of_file(const struct service *s, const struct instance *i)
{
    return strcmp(i->image_ref, s->image) == 0 ||
           strncmp(i->image_ref, "sha256:", strlen("sha256:")) == 0;
}

/* What the reference means by then may be another one, that nobody has asked for. */
void acc_pin_keep(struct acc_engine *e, struct service *s, const struct instance *i)
{
    bool is_made_again = !i->is_spare && i->role == ROLE_NONE && s->wanted_up && !s->removed &&
                         !s->one_shot && !acc_inst_changed(e, i);

    if (is_made_again && !acc_pin_is_set(s) && i->image_id[0] && is_of_file(s, i)) {
        acc_pin_set(s, "", i->image_id, "");
    }
}

bool acc_pin_is_lost(struct acc_engine *e, struct service *s, const char *message)
{
    if (!strstr(message, "No such image") || !acc_pin_is_set(s) || s->pin_digest[0] ||
        s->bad_id[0] || acc_rollout_active(s)) {
        return false;
    }
    s->pin_id[0] = '\0';
    acc_save(s);
    acc_note(e, ACC_NOTE_DECISION, acc_svc_index(e, s),
             "its image was removed, and how a registry calls it isn't known: it is made of what "
             "%.160s means now",
             s->image);
    return true;
}

void acc_rollout_fill(const struct service *s, bool is_candidate, struct acc_action *action)
{
    const struct acc_rollout_record *is = &s->roll.is;

    action->revision = is_candidate ? is->to : s->rev ? s->rev : 1;
    if (is_candidate) {
        acc_copy(action->image, sizeof(action->image), is->image);
        acc_copy(action->image_id, sizeof(action->image_id), is->image_id);
        acc_copy(action->digest, sizeof(action->digest), is->digest);
    } else if (acc_pin_is_set(s)) {
        acc_copy(action->image, sizeof(action->image), s->pin_image);
        acc_copy(action->image_id, sizeof(action->image_id), s->pin_id);
        acc_copy(action->digest, sizeof(action->digest), s->pin_digest);
    }
}

/* One that has failed and stays is it where it does so as a whole: some of its replicas may have
 * gone back. */
static uint32_t present_revision(const struct service *s, const struct instance *holder)
{
    bool is_known = holder && holder->revision && !is_failed(s, holder->revision);

    return is_known ? holder->revision : s->rev ? s->rev : 1;
}

/* What runs now is what a rollback goes to: known as a revision before anything is changed. */
static void keep_from(struct acc_engine *e, struct service *s, const struct instance *holder)
{
    struct acc_rollout_record *is = &s->roll.is;
    struct revision *revision;

    is->from = present_revision(s, holder);
    s->rev = is->from;
    if (!acc_pin_is_set(s) && holder && holder->image_id[0]) {
        acc_pin_set(s, is_of_file(s, holder) ? "" : holder->image_ref, holder->image_id, "");
    }
    if (!acc_revision_find(s, is->from) && acc_pin_is_set(s)) {
        revision = acc_revision_add(s, is->from);
        acc_copy(revision->image, sizeof(revision->image), s->pin_image);
        acc_copy(revision->image_id, sizeof(revision->image_id), s->pin_id);
        acc_copy(revision->digest, sizeof(revision->digest), s->pin_digest);
        acc_copy(revision->spec, sizeof(revision->spec),
                 is->is_change && holder ? acc_inst_spec(e, holder) : s->spec);
        acc_rollout_save_revision(e, s, is->from);
    }
    acc_each_inst (e, s, i) { /* another replica's may be higher, when the record is lost */
        s->last_rev = i->present && i->revision > s->last_rev ? i->revision : s->last_rev;
    }
    s->last_rev = s->last_rev > is->from ? s->last_rev : is->from;
}

static const char *kind_of(const struct rollout *r)
{
    return r->is.back_to ? "rollback" : r->is.is_upgrade ? "upgrade" : "change";
}

/* What the old one was told holds: also where the new one has to be started once more. */
static bool keeps_mark(enum acc_rollout_step step)
{
    return (step >= ACC_ROLL_START && step <= ACC_ROLL_SWITCH) || step == ACC_ROLL_UNDO ||
           step == ACC_ROLL_ASK;
}

static bool is_bad(const struct service *s)
{
    return s->bad_id[0] && strcmp(s->bad_id, s->roll.is.image_id) == 0;
}

/* From here on there may be something of that number. An order that is refused, or whose image
 * isn't to be had, has not got here: it lifts no ban, and lays none. */
static void begin_in_earnest(struct acc_engine *e, struct service *s)
{
    const struct acc_rollout_record *is = &s->roll.is;

    s->last_rev = is->to;
    if (!is->is_upgrade) {
        return;
    }
    if (is_bad(s)) {
        s->bad_id[0] = '\0';
    }
    if (!is->back_to) {
        acc_change_forgive(e, s); /* it brings what the file says, too */
    } else if (acc_pin_is_set(s) && strcmp(s->pin_id, is->image_id) != 0) {
        acc_svc_ban_image(s, s->pin_id, s->pin_image);
        acc_auto_spend(s, s->pin_digest);
    }
}

void acc_rollout_step(struct acc_engine *e, struct service *s, enum acc_rollout_step step)
{
    struct rollout *r = &s->roll;
    bool was_asking = r->is.step == ACC_ROLL_ASK;

    if (step == ACC_ROLL_CREATE) {
        begin_in_earnest(e, s);
    }
    r->is.step = step;
    r->is_entered = true;
    r->since_ms = r->seen_ms = e->now;
    r->deadline_ms = e->now + (step == ACC_ROLL_WATCH ? s->timing.upgrade_monitor
                                                      : s->timing.upgrade_timeout);
    r->paused_ms = r->retry_ms = r->fail_ms = r->gone_ms = r->still_ms = r->proof_ms = 0;
    r->n_tries = r->n_excused = r->n_undrains = 0;
    r->is_paused = r->is_by_hand = false;
    r->is_marked = step == ACC_ROLL_DRAIN || (r->is_marked && keeps_mark(step));
    r->waits_for = ACC_NONE;
    if (step != ACC_ROLL_IDLE) {
        char to[32];

        acc_rollout_target(&r->is, " as ", to, sizeof(to));
        acc_note(e, ACC_NOTE_DECISION, acc_svc_index(e, s), "%s to %s: %s%s%.120s", kind_of(r), to,
                 acc_rollout_step_name(step), r->is.why[0] ? ": " : "", r->is.why);
    }
    r->is_proven = r->is_taken = r->is_anew = r->is_anew_told = false;
    r->is_here = r->is_queued = r->has_turn = false;
    acc_turn_mark(e);
    acc_save(s);
    if (step == ACC_ROLL_ASK || (was_asking && step != ACC_ROLL_UNDO)) {
        acc_rollout_save_revision(e, s, r->is.to); /* waits for a word, or has got it */
    }
    acc_mark_around(e, s);
    acc_group_mark(e, s);
}

void acc_rollout_end(struct acc_engine *e, struct service *s, enum roll_result result)
{
    struct rollout *r = &s->roll;

    r->n_bereft = 0;
    r->result = result;
    r->ended_ms = e->now;
    if (result == ROLL_FAILED || (result == ROLL_ROLLED_BACK && acc_change_orderer(r->is.why))) {
        save_attempt(e, s);
    }
    if (result == ROLL_FAILED) {
        if (s->roll.is.step <= ACC_ROLL_PRE && acc_group_target(e, s)) {
            acc_change_refuse(e, s, s->roll.is.why);
            acc_group_sharers_go_back(e, s, true);
        }
        acc_group_failed(e, s);
    }
    acc_group_mark(e, s);
    acc_auto_ended(e, s);
    acc_note(e, ACC_NOTE_DECISION, acc_svc_index(e, s), "%s: %s%s%.160s", kind_of(r),
             result == ROLL_UP_TO_DATE    ? "nothing to do"
             : result == ROLL_COMMITTED   ? "done"
             : result == ROLL_ROLLED_BACK ? "rolled back"
                                          : "failed",
             r->is.why[0] ? ": " : "", r->is.why);
    acc_rollout_step(e, s, ACC_ROLL_IDLE);
    acc_rollout_cast_by_name(e, s);
}

/* --- asking for it --------------------------------------------------------------------------- */

bool acc_rollout_refuse(struct acc_engine *e, struct service *s, const char *why)
{
    acc_copy(s->roll.is.why, sizeof(s->roll.is.why), why);
    acc_rollout_end(e, s, ROLL_FAILED);
    return false;
}

/* The revision that a rollback goes to: the given one, or the newest before the present one. */
static const struct revision *rollback_target(struct service *s, uint32_t number, uint32_t in_force)
{
    const struct revision *found = NULL;

    for (uint32_t k = 0; k < s->n_stable; k++) {
        const struct revision *revision = &s->stable[k];

        if (number ? revision->number == number
                   : revision->number != in_force && (!found || found->number < revision->number)) {
            found = revision;
        }
    }
    return found;
}

static bool is_of_other_file(const struct service *s, const struct revision *revision)
{
    return revision->spec[0] && strcmp(revision->spec, s->spec) != 0;
}

void acc_revision_none_text(const struct service *s, uint32_t number, char *out, size_t size)
{
    int len = snprintf(out, size, "no stable revision r%u", (unsigned)number);

    for (uint32_t k = 0; k < s->n_stable; k++) {
        len += snprintf(out + len, size - (size_t)len, "%sr%u",
                        k == 0 ? "; the last five are kept: " : ", ",
                        (unsigned)s->stable[k].number);
    }
}

/* NULL: it can't be gone back, for `*ret_why`, which may lie in `text`. */
static const struct revision *find_way_back(struct acc_engine *e, struct service *s,
                                            uint32_t number, char text[ACC_REASON_MAX + 1],
                                            const char **ret_why)
{
    static const char head[] = "there is ";
    const struct instance *holder = acc_rollout_cast(e, s, 1).holder;
    uint32_t in_force = present_revision(s, holder);
    const struct revision *to = rollback_target(s, number, in_force);

    if (number == in_force) {
        *ret_why = "that revision is in force";
    } else if (!to && number) {
        memcpy(text, head, sizeof(head));
        acc_revision_none_text(s, number, text + sizeof(head) - 1, ACC_REVISION_NONE_MAX);
        *ret_why = text;
    } else if (!to) {
        *ret_why = "there is no stable revision before this one";
    } else if (is_of_other_file(s, to) && holder && strcmp(holder->image_id, to->image_id) == 0) {
        *ret_why = "its image is the one in force; its configuration went with its container: "
                   "put the file back as it was and apply it";
    } else {
        return to;
    }
    return NULL;
}

static void take_rollback(struct service *s, const struct revision *to)
{
    struct acc_rollout_record *is = &s->roll.is;

    if (is_of_other_file(s, to)) {
        acc_copy(is->what, sizeof(is->what), "image alone: its configuration stays the file's");
    }
    is->back_to = to->number;
    acc_copy(is->image, sizeof(is->image), to->image);
    acc_copy(is->image_id, sizeof(is->image_id), to->image_id);
    acc_copy(is->digest, sizeof(is->digest), to->digest);
}

/* There is nothing that could be watched, and its container is run again as it is by whatever asks
 * for that: another image takes a new one. */
static bool is_job(struct acc_engine *e, struct service *s)
{
    bool is_running = false;

    acc_each_slot (e, s, i) {
        is_running |= acc_inst_running(i);
    }
    return s->one_shot || (acc_svc_is_done(s) && (s->ends || !is_running));
}

static bool has_change(struct acc_engine *e, struct service *s)
{
    acc_each_slot (e, s, i) {
        if (acc_inst_changed(e, i)) {
            return true;
        }
    }
    return false;
}

/* Its change isn't proven yet: the container of before may have to run again. */
static bool is_on_trial(const struct service *s)
{
    const struct acc_rollout_record *is = &s->roll.is;

    return is->is_change && is->step > ACC_ROLL_CREATE && is->step != ACC_ROLL_RETIRE;
}

/* Who shares namespaces with it is made anew with it, and what the file doesn't say any more would
 * be lost. Where both are changed they are meant to go together. */
static const struct service *bereft_by(struct acc_engine *e, struct service *s)
{
    for (uint32_t k = 0; k < s->n_in && !has_change(e, s); k++) {
        const struct edge *edge = &e->edges[e->in[s->first_in + k]];
        struct service *sharer = &e->services[edge->from];

        if (edge->kind == ACC_EDGE_BINDS && sharer->wanted_up && !sharer->removed &&
            !acc_svc_observing(e, sharer) &&
            (is_on_trial(sharer) || (sharer->ready && has_change(e, sharer)))) {
            return sharer;
        }
    }
    return NULL;
}

/* Of a rollback nobody asks whether it is good for others. */
static bool is_unfit(struct acc_engine *e, struct service *s, bool is_back, char *text)
{
    const struct service *sharer = is_back ? NULL : bereft_by(e, s);
    const char *why = acc_svc_is_left_paused(e, s)
                          ? "it was paused by hand; let it go on first: accctl up"
                      : acc_svc_held(e, s)     ? "it was stopped by hand; release it first"
                      : acc_hold_no_stop(e, s) ? "it is held; release it first"
                                               : NULL;

    if (why) {
        acc_copy(text, ACC_REASON_MAX + 1, why);
    } else if (sharer && is_on_trial(sharer)) {
        (void)snprintf(text, ACC_REASON_MAX + 1,
                       "%.60s, which shares with it, is being changed, and could not go back from "
                       "that any more; first wait until that has been watched",
                       sharer->nick);
    } else if (sharer) {
        (void)snprintf(text, ACC_REASON_MAX + 1,
                       "%.60s, which shares with it, would lose its configuration, which its "
                       "container alone has; first change its file and apply that, or turn it off",
                       sharer->nick);
    } else if (!is_back) {
        return acc_hold_of_sharer_text(e, s, e->now, text, ACC_REASON_MAX + 1);
    }
    return why || sharer;
}

/* Nothing of it runs, or it isn't of that kind. True: of several it is left out. */
static bool is_left_out(struct acc_engine *e, struct service *s, char text[ACC_REASON_MAX + 1])
{
    if (s->removed || s->n_inst == 0 || !s->wanted_up) {
        acc_copy(text, ACC_REASON_MAX + 1,
                 s->removed || s->n_inst == 0 ? "it has no containers"
                                              : "it is off; it can be upgraded when it is up");
        return true;
    }
    if (!is_job(e, s)) {
        return false;
    }
    (void)snprintf(text, ACC_REASON_MAX + 1,
                   "it runs to its end and isn't upgraded; with a new image: pull or build that, "
                   "then accctl down %.60s, and up %.60s",
                   s->nick, s->nick);
    return true;
}

bool acc_rollout_is_over(struct acc_engine *e, struct service *s)
{
    char text[ACC_REASON_MAX + 1];

    if (!s->roll.is.is_upgrade || !is_left_out(e, s, text)) {
        return false; /* what its file says now is run all the same */
    }
    s->roll.is_unfit = true;
    s->roll.is.group = 0; /* that is no failure */
    (void)acc_rollout_refuse(e, s, text);
    return true;
}

bool acc_engine_is_unfit(const struct acc_engine *engine, uint32_t svc, char *text)
{
    union { /* the walkers want it changeable; nothing is changed */
        const struct acc_engine *in;
        struct acc_engine *out;
    } cast = {engine};
    struct service *s = &cast.out->services[svc];

    acc_assert(svc < engine->n_services);
    text[0] = '\0';
    if (s->roll.is.step == ACC_ROLL_ASK) {
        acc_rollout_ask_text(cast.out, s, true, text, ACC_REASON_MAX + 1);
        return true;
    }
    return is_left_out(cast.out, s, text) || is_unfit(cast.out, s, false, text);
}

/* Nothing is known of it yet but who wants it. */
static void begin(struct acc_engine *e, struct service *s, const char *by)
{
    struct rollout *r = &s->roll;

    r->is = (struct acc_rollout_record){.id = e->next_op++, .slot = 1, .to = s->last_rev + 1};
    r->begun_ms = e->now;
    r->took_ms = 0;
    r->result = ROLL_NONE;
    r->is_refused = r->is_unfit = false;
    acc_copy(r->is.by, sizeof(r->is.by), by);
    acc_copy(r->is.spec, sizeof(r->is.spec), s->spec);
    acc_each_slot (e, s, i) {
        r->is.is_change |= acc_inst_changed(e, i);
        r->is.must_listen |= acc_probe_has_listened(s, i);
    }
    if (r->is.is_change) {
        acc_copy(r->is.what, sizeof(r->is.what), s->change);
    }
    r->is.start_first = acc_engine_start_first(e, acc_svc_index(e, s), &(const char *){NULL}) &&
                        !(r->is.is_change && s->change_alone);
}

void acc_rollout_begin_change(struct acc_engine *e, struct service *s)
{
    begin(e, s, e->asked_by);
    s->roll.ask_back = false;
    s->roll.is.group = e->change_group;
    keep_from(e, s, acc_rollout_cast(e, s, 1).holder);
    s->roll.is.to = s->last_rev + 1;
    acc_rollout_step(e, s, ACC_ROLL_PULL);
}

void acc_rollout_begin(struct acc_engine *e, struct service *s)
{
    struct rollout *r = &s->roll;
    const struct revision *to = NULL;
    char text[ACC_REASON_MAX + 1];
    bool is_never = !r->ask_refusal[0] && is_left_out(e, s, text);
    const char *why = r->ask_refusal[0]                               ? r->ask_refusal
                      : is_never || is_unfit(e, s, r->ask_back, text) ? text
                                                                      : NULL;

    if (!why && acc_host_disk_is_full(e) && !r->ask_back) { /* what heals may be without a record */
        why = ACC_DISK_IS_FULL;
    } else if (!why && r->ask_back) {
        to = find_way_back(e, s, r->ask_revision, text, &why);
    }
    begin(e, s, r->ask_by);
    r->is_asked = false;
    r->is.is_upgrade = true;
    r->is.group = why ? 0 : r->ask_group; /* what isn't tried takes nobody back with it */
    r->is_build = r->ask_build;
    r->ask_build = false;
    acc_copy(r->is.image, sizeof(r->is.image), r->ask_image);
    acc_copy(r->is.digest, sizeof(r->is.digest), r->ask_digest);
    r->is_undo_asked = false;
    r->is_unfit = is_never;
    if (why) {
        (void)acc_rollout_refuse(e, s, why);
        return;
    }
    if (to) {
        r->is.must_listen = false; /* how that one was is another matter */
        take_rollback(s, to);
    }
    keep_from(e, s, acc_rollout_cast(e, s, 1).holder); /* it may forget the oldest one */
    r->is.to = s->last_rev + 1;
    acc_rollout_step(e, s, ACC_ROLL_PULL);
}

/* Who asks again doesn't want the way forth. While a rollback is watched, though, what it has come
 * from is kept, and can be gone back to like that of any other. */
static bool goes_back_already(const struct service *s, const struct acc_cmd *cmd)
{
    const struct rollout *r = &s->roll;

    if (!acc_rollout_active(s) || r->is_asked) {
        return false;
    }
    if (r->is.step > ACC_ROLL_RETIRE) {
        return !cmd->revision || cmd->revision == r->is.from;
    }
    return r->ask_back && cmd->revision == r->ask_revision &&
           (cmd->revision || r->is.step < ACC_ROLL_WATCH);
}

/* What was to follow the one that is taken back isn't wanted, either. */
static void drop_asked(struct acc_engine *e, struct service *s, const char *by)
{
    if (s->roll.is_asked) {
        acc_note(e, ACC_NOTE_DECISION, acc_svc_index(e, s),
                 "the %s that %s asked for isn't begun: %s takes back what it waited for",
                 s->roll.ask_back ? "rollback" : "upgrade", s->roll.ask_by, by);
    }
    s->roll.is_asked = false;
}

static void end_other_way(struct acc_engine *e, struct service *s, const char *by)
{
    struct rollout *r = &s->roll;

    (void)snprintf(r->is.why, sizeof(r->is.why), ACC_ASKED_BY "%s", by);
    if (r->is.step <= ACC_ROLL_PRE) {
        if (r->is.is_change) { /* else it would be followed again at once */
            acc_change_refuse(e, s, r->is.why);
        }
        acc_rollout_end(e, s, ROLL_ROLLED_BACK);
        return;
    }
    r->is_undo_asked = true;
    acc_undo_begin(e, s, true);
}

/* Why it asked stays: the history is to say both. */
static void take_back(struct acc_engine *e, struct service *s, const char *by)
{
    struct acc_rollout_record *is = &s->roll.is;
    size_t len = strlen(is->why);

    (void)snprintf(is->why + len, sizeof(is->why) - len, "%staken back by %.60s", len ? "; " : "",
                   by);
    acc_undo_begin(e, s, true);
    if (is->is_change) {
        acc_change_take_on(s, by);
    }
}

/* The revision that a rollback means and that can't be gone back to, or 0. */
static uint32_t out_of_reach(struct acc_engine *e, struct service *s, const struct acc_cmd *cmd,
                             bool is_further)
{
    enum acc_rollout_step step = s->roll.is.step;

    if (is_further && !find_stable(s, cmd->revision)) {
        return cmd->revision;
    }
    return cmd->verb == ACC_VERB_ROLLBACK && step > ACC_ROLL_PRE && step != ACC_ROLL_RETIRE &&
                   acc_undo_is_impossible(e, s)
               ? s->roll.is.from
               : 0;
}

void acc_rollout_ask(struct acc_engine *e, struct service *s, const struct acc_cmd *cmd)
{
    struct rollout *r = &s->roll;
    bool is_back = cmd->verb == ACC_VERB_ROLLBACK;
    /* First to the kept one, then to another one. */
    bool is_further = is_back && cmd->revision && acc_rollout_active(s) &&
                      cmd->revision != r->is.from;

    r->refused_revision = out_of_reach(e, s, cmd, is_further);
    r->is_keep_refused = cmd->keep && !acc_rollout_active(s) && !r->is_asked;
    if (r->refused_revision || r->is_keep_refused) {
        return; /* acc_engine_settled() says so */
    }
    if (r->is.step == ACC_ROLL_ASK) {
        if (is_back && cmd->yes) {
            take_back(e, s, cmd->by);
        } else if (!is_back && cmd->keep) {
            acc_confirm_keep(e, s, cmd->by);
        }
        if (!is_further || !cmd->yes) {
            return; /* else it goes on to ask */
        }
    }
    if (cmd->keep) {
        if (r->is.step == ACC_ROLL_WATCH) {
            acc_confirm_take(e, s, cmd->by);
        }
        return;
    }
    if (is_back && r->is.step == ACC_ROLL_UNDO && !r->ask_back && !is_further) {
        drop_asked(e, s, cmd->by); /* an upgrade; and it is on its way back */
    }
    if (is_back && goes_back_already(s, cmd)) {
        return;
    }
    if (is_back && acc_rollout_active(s) && r->is.step < ACC_ROLL_RETIRE) {
        drop_asked(e, s, cmd->by);
        end_other_way(e, s, cmd->by);
        if (!is_further) {
            return;
        }
    }
    r->is_asked = true;
    r->ask_group = is_back ? 0 : cmd->group;
    r->ask_back = is_back;
    r->ask_build = cmd->build;
    r->ask_revision = cmd->revision;
    acc_copy(r->ask_image, sizeof(r->ask_image), cmd->image);
    acc_copy(r->ask_by, sizeof(r->ask_by), cmd->by);
    r->ask_digest[0] = r->ask_refusal[0] = '\0';
    r->result = ROLL_NONE;
    /* One with commands that only waits for its turn has its place among others. */
    if (r->is.step == ACC_ROLL_PULL && !r->op && !(r->is_here && s->has_pre_upgrade)) {
        acc_group_mark(e, s);
        r->is.step = ACC_ROLL_IDLE; /* superseded before anything was done */
    }                               /* else it begins when this one has ended */
    acc_mark(e, s);
}

/* --- the pull -------------------------------------------------------------------------------- */

struct acc_action *acc_rollout_op(struct acc_engine *e, struct service *s,
                                  enum acc_action_type type, const struct instance *i)
{
    struct rollout *r = &s->roll;
    struct acc_action *action;

    acc_flush_save(e, s);
    r->op = e->next_op++;
    r->op_is_pull = type == ACC_ACT_PULL;
    acc_index_put(&e->by_op, acc_hash_u64(r->op), acc_svc_index(e, s) | ACC_OP_OF_ROLL);
    action = acc_ask(e, ACC_ACT_JOURNAL, acc_svc_index(e, s), i);
    action->what = type;
    action->op = r->op;
    acc_asked(e, action);
    action = acc_ask(e, type, acc_svc_index(e, s), i);
    action->op = r->op;
    return action;
}

void acc_rollout_act(struct acc_engine *e, struct service *s)
{
    struct rollout *r = &s->roll;
    const struct revision *from;
    struct acc_action *action;

    if (r->op || acc_svc_observing(e, s) || !acc_has_room(e) || acc_hold_no_start(e, s) ||
        !acc_due(e, s, r->retry_ms)) {
        return;
    }
    if (r->is.step != ACC_ROLL_PULL) {
        acc_rollout_hook_act(e, s);
        return;
    }
    if (r->is_here || (!r->is.is_upgrade && !acc_resources_there(e, s)) ||
        !acc_turn_to_pull(e, s)) {
        return;
    }
    action = acc_rollout_op(e, s, ACC_ACT_PULL, NULL);
    acc_rollout_fill(s, true, action);
    action->is_local = !r->is.is_upgrade;
    action->is_build = r->is.is_upgrade && r->is_build;
    from = acc_revision_find(s, r->is.from);
    if (from && !from->digest[0]) {
        acc_copy(action->from_id, sizeof(action->from_id), from->image_id);
    }
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

/* Who prunes it doesn't take the way back: it can be pulled again. */
static void know_from(struct acc_engine *e, struct service *s, const char *digest)
{
    bool is_ill = is_failed(s, s->roll.is.from);
    struct revision *from = is_ill ? &s->failed : find_stable(s, s->roll.is.from);

    if (!from || from->digest[0] || !digest || !digest[0]) {
        return;
    }
    acc_copy(from->digest, sizeof(from->digest), digest);
    if (strcmp(s->pin_id, from->image_id) == 0) {
        acc_copy(s->pin_digest, sizeof(s->pin_digest), digest);
        acc_save(s);
    }
    if (is_ill) { /* its line says why */
        acc_save(s);
    } else {
        acc_rollout_save_revision(e, s, from->number);
    }
}

const char *acc_svc_banned_image(const struct service *s)
{
    return s->pin_id[0] ? s->bad_id : "";
}

void acc_svc_ban_image(struct service *s, const char *image_id, const char *image)
{
    acc_copy(s->bad_id, sizeof(s->bad_id), image_id);
    acc_copy(s->bad_image, sizeof(s->bad_image), !image ? "" : image[0] ? image : s->image);
}

const char *acc_svc_stays_at(const struct acc_engine *e, const struct service *s)
{
    bool is_rolling = acc_rollout_active(s) && s->roll.is.step != ACC_ROLL_WATCH;

    if (!s->bad_id[0] || strcmp(s->bad_image, s->image) != 0 || is_rolling) {
        return "";
    }
    acc_each_slot (e, s, i) {
        if (i->present && strcmp(i->image_id, s->bad_id) != 0 && !is_of_file(s, i)) {
            return i->image_ref;
        }
    }
    return "";
}

void acc_svc_stays_text(const struct acc_engine *e, const struct service *s, char *out,
                        size_t out_size)
{
    (void)snprintf(out, out_size,
                   "stays at %.120s: %.120s was rolled back, and isn't tried again unless it is "
                   "named: accctl upgrade %.100s --image %.120s",
                   acc_svc_stays_at(e, s), s->image, s->nick, s->image);
}

/* The file's reference still means an image that was rolled back, and nobody asks for that: what is
 * in force stays. */
static void use_known_image(struct service *s)
{
    struct acc_rollout_record *is = &s->roll.is;

    if (is_bad(s) && s->pin_id[0]) {
        acc_copy(is->image, sizeof(is->image), s->pin_image);
        acc_copy(is->image_id, sizeof(is->image_id), s->pin_id);
        acc_copy(is->digest, sizeof(is->digest), s->pin_digest);
    }
}

static void is_to_begin(struct acc_engine *e, struct service *s)
{
    s->roll.is_here = true;
    s->roll.since_ms = e->now;
    acc_save(s);
    acc_group_mark(e, s);
}

static void is_there(struct acc_engine *e, struct service *s, const struct acc_event *event)
{
    struct acc_rollout_record *is = &s->roll.is;
    bool is_named = is->image[0] || is->back_to; /* somebody wants just this */

    is->why[0] = '\0'; /* of a try before */
    acc_copy(is->spec, sizeof(is->spec), s->spec);
    know_from(e, s, event->op.from_digest);
    acc_copy(is->image_id, sizeof(is->image_id), event->op.cid ? event->op.cid : "");
    if (event->op.message[0]) {
        acc_copy(is->digest, sizeof(is->digest), event->op.message);
    }
    if (strcmp(is->image, s->image) == 0) {
        is->image[0] = '\0'; /* the file's, and what it means later, too */
    }
    if (!is->is_upgrade) {
        use_known_image(s);
        is_to_begin(e, s);
    } else if (is_up_to_date(e, s)) {
        if (strcmp(is->image, s->pin_image) != 0 || !s->pin_digest[0]) {
            acc_pin_set(s, is->image, is->image_id, is->digest);
        }
        acc_rollout_end(e, s, ROLL_UP_TO_DATE);
    } else if (is_bad(s) && !is_named) {
        s->roll.is_refused = true;
        (void)acc_rollout_refuse(e, s,
                                 "stays: this image was rolled back before; name it with --image "
                                 "to try it again");
    } else {
        is_to_begin(e, s);
    }
}

static void pulled(struct acc_engine *e, struct service *s, const struct acc_event *event)
{
    struct rollout *r = &s->roll;

    if (event->op.result == ACC_OP_OK || event->op.result == ACC_OP_NOT_MODIFIED) {
        is_there(e, s, event);
    } else if (event->op.result == ACC_OP_GONE && ++r->n_tries < TRIES_MAX) {
        acc_resource_doubt(e, s); /* pruned since it was seen: it is had by its pull_policy */
    } else if (event->op.result == ACC_OP_CONFIG || ++r->n_tries >= TRIES_MAX) {
        (void)snprintf(r->is.why, sizeof(r->is.why), "nothing was changed: %.220s",
                       event->op.message);
        acc_rollout_end(e, s, ROLL_FAILED);
    } else {
        uint64_t cap_ms = s->timing.pull_retry_cap, pause_ms = s->timing.pull_retry;

        for (uint32_t i = 1; i < r->n_tries && pause_ms < cap_ms; i++) {
            pause_ms *= 2;
        }
        pause_ms = acc_jitter(e, pause_ms < cap_ms ? pause_ms : cap_ms);
        r->retry_ms = e->now + pause_ms;
        acc_copy(r->is.why, sizeof(r->is.why), event->op.message);
        acc_note(e, ACC_NOTE_DECISION, acc_svc_index(e, s),
                 "the pull for %s failed, another try in %u s: %.160s", s->id,
                 (unsigned)((pause_ms + 500) / 1000), r->is.why);
    }
}

void acc_rollout_answered(struct acc_engine *e, struct service *s, const struct acc_event *event)
{
    struct rollout *r = &s->roll;
    struct acc_action *action = acc_ask(e, ACC_ACT_JOURNAL_END, acc_svc_index(e, s), NULL);
    bool is_pull = r->op_is_pull;

    action->what = is_pull ? ACC_ACT_PULL : ACC_ACT_UPGRADE_HOOK;
    action->op = r->op;
    action->result = event->op.result;
    acc_asked(e, action);
    acc_index_remove(&e->by_op, acc_hash_u64(r->op), acc_svc_index(e, s) | ACC_OP_OF_ROLL);
    r->op = 0;
    acc_mark(e, s);
    acc_turn_mark(e);
    if (is_pull && r->is.step == ACC_ROLL_PULL) {
        pulled(e, s, event);
    } else if (!is_pull && (r->is.step == ACC_ROLL_PRE || r->is.step == ACC_ROLL_POST)) {
        acc_rollout_hook_done(e, s, event);
    } /* else it was given up meanwhile */
}
