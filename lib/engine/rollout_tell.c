/*
 * What is told of a rollout: names, reasons, revisions as records.
 */

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/engine/internal.h"

const char *acc_rollout_step_name(enum acc_rollout_step step)
{
    static const char *const names[] = {
        "",      "pull",   "pre-hook",  "create", "stop-old", "start",     "verify",        "route",
        "drain", "switch", "post-hook", "watch",  "retire",   "roll-back", "needs-operator"};

    static_assert(ACC_ARRAY_LEN(names) == ACC_ROLL_STEP_COUNT, "one name per step");
    return names[step];
}

const char *acc_revision_result_name(enum acc_revision_result result)
{
    static const char *const names[] = {"trial", "stable", "rolled-back", "failed"};

    return names[result];
}

/* --- saying ---------------------------------------------------------------------------------- */

/* The deadline of a step that stands still moves along. */
static void format_left(const struct rollout *r, uint64_t now_ms, char *out, size_t out_size)
{
    uint64_t clock_ms = r->is_paused ? r->seen_ms : now_ms;

    acc_format_span_ms(r->deadline_ms > clock_ms ? (r->deadline_ms - clock_ms) / 1000 * 1000 : 0,
                       out, out_size);
}

void acc_rollout_target(const struct acc_rollout_record *is, const char *as, char *out,
                        size_t out_size)
{
    if (is->back_to) {
        (void)snprintf(out, out_size, "r%u%sr%u", (unsigned)is->back_to, as, (unsigned)is->to);
    } else {
        (void)snprintf(out, out_size, "r%u", (unsigned)is->to);
    }
}

/* Whom a watch whose clock stands still waits for; NULL: it goes on, or there is nobody. */
static const char *stands_for(struct acc_engine *e, struct service *s, uint64_t now_ms)
{
    uint32_t root = acc_rollout_stuck_behind(e, s, now_ms);

    if (s->roll.is.step != ACC_ROLL_WATCH || !s->roll.is_paused) {
        return NULL;
    }
    root = root == ACC_NONE ? s->roll.waits_for : root;
    return root == ACC_NONE ? NULL : acc_root_nick(e, root);
}

void acc_rollout_queued(struct acc_engine *e, struct service *s, uint64_t now_ms, char *out,
                        size_t out_size)
{
    const struct rollout *r = &s->roll;
    unsigned to = (unsigned)r->is.to;
    const char *other;
    char left[48];

    out[0] = '\0';
    if (!r->is_asked) {
        return;
    }
    if (!acc_rollout_active(s)) {
        if (r->op) {
            (void)snprintf(out, out_size, "waits for the end of %s of the upgrade before it",
                           r->op_is_pull ? "the pull" : "the commands");
        }
        return;
    }
    format_left(r, now_ms, left, sizeof(left));
    if (r->is.step == ACC_ROLL_WATCH && r->is_proven) {
        (void)snprintf(out, out_size,
                       "waits until the others that go back with r%u have proven themselves, too",
                       to);
    } else if ((other = stands_for(e, s, now_ms))) {
        (void)snprintf(out, out_size,
                       "waits until r%u has been watched, which stands still for %.60s (at once: "
                       "accctl upgrade %.60s --keep)",
                       to, other, s->nick);
    } else if (r->is.step == ACC_ROLL_WATCH) {
        (void)snprintf(out, out_size,
                       "waits until r%u has been watched, for another %s (at once: accctl upgrade "
                       "%.60s --keep)",
                       to, left, s->nick);
    } else if (r->is.step == ACC_ROLL_UNDO) {
        (void)snprintf(out, out_size, "waits until it is back at r%u", (unsigned)r->is.from);
    } else {
        (void)snprintf(out, out_size, "waits for the end of the %s to r%u, which is at: %s",
                       r->is.back_to ? "rollback" : "upgrade",
                       r->is.back_to ? (unsigned)r->is.back_to : to,
                       acc_rollout_step_name(r->is.step));
    }
}

const char *acc_rollout_subject(const char *why)
{
    static const char *const others[] = {"it ", "its ", "what ", "accd ", "command "};

    for (size_t i = 0; i < ACC_ARRAY_LEN(others); i++) {
        if (strncmp(why, others[i], strlen(others[i])) == 0) {
            return "";
        }
    }
    return strstr(why, ACC_OF_THE_SAME) || strstr(why, ACC_CHANGED_WITH) ? "" : "the new one ";
}

bool acc_rollout_keeps_old(struct acc_engine *e, const struct service *s)
{
    for (uint32_t slot = 1; slot <= s->n_inst; slot++) {
        const struct instance *retired = acc_rollout_cast(e, s, slot).retired;

        if (retired && !acc_group_is_homeless(e, s, retired)) {
            return true;
        }
    }
    return false;
}

/* Others are, or were lately, to blame: else it would have failed. */
static bool is_unhealthy_on_trial(struct acc_engine *e, const struct service *s)
{
    const struct instance *candidate = s->roll.is.step == ACC_ROLL_VERIFY
                                           ? acc_rollout_cast(e, s, s->roll.is.slot).candidate
                                           : NULL;

    return candidate && candidate->degraded && acc_inst_running(candidate);
}

/* It was stopped, and a dockerd that goes down says that, too. */
static bool is_stop_doubted(struct acc_engine *e, const struct service *s, uint64_t now_ms,
                            unsigned *ret_s)
{
    const struct instance *candidate = acc_rollout_cast(e, s, s->roll.is.slot).candidate;
    uint64_t clear_ms = candidate ? candidate->exit_ms + s->timing.external_stop_settle : 0;

    *ret_s = (unsigned)(clear_ms > now_ms ? (clear_ms - now_ms + 999) / 1000 : 0);
    return candidate && candidate->exit_pending && acc_rollout_tries(s, candidate) &&
           acc_inst_is_stopped_by_hand(candidate);
}

/* What is gone, or whose dependency is, while its upgrade waits: the word "upgrading" hides that.
 */
static bool is_down_meanwhile(struct acc_engine *e, struct service *s)
{
    acc_each_slot (e, s, i) {
        if (acc_inst_running(i)) {
            return false;
        }
    }
    return s->wanted_up && s->roll.is.step >= ACC_ROLL_PULL && s->roll.is.step <= ACC_ROLL_CREATE;
}

void acc_rollout_fault(const struct service *s, uint64_t now_ms, const char *subject, char *out,
                       size_t out_size)
{
    const struct rollout *r = &s->roll;
    uint64_t clear_ms = r->fail_ms + s->timing.attribution_window;
    uint64_t left_ms = clear_ms > now_ms ? clear_ms - now_ms : 0;

    out[0] = '\0';
    if (acc_rollout_active(s) && r->fail_ms) {
        (void)snprintf(out, out_size, "%s%.160s; whether r%u is to blame is clear in %u s", subject,
                       r->is.why, (unsigned)r->is.to, (unsigned)((left_ms + 999) / 1000));
    }
}

bool acc_rollout_old_serves(struct acc_engine *e, const struct service *s)
{
    if (s->roll.is.step != ACC_ROLL_ASK || !s->ready) {
        return false;
    }
    acc_each_slot (e, s, i) {
        if (acc_rollout_is_new(s, i)) {
            return false;
        }
    }
    return true;
}

void acc_rollout_standstill(struct acc_engine *e, const struct service *s, char *out,
                            size_t out_size)
{
    const struct rollout *r = &s->roll;
    bool is_still = r->still_ms || (r->is_paused && r->is.step == ACC_ROLL_WATCH);

    out[0] = '\0';
    if (!acc_rollout_active(s) || !is_still || r->is.step > ACC_ROLL_WATCH) {
        return;
    }
    if (r->is.step < ACC_ROLL_POST) {
        (void)snprintf(out, out_size, "its %s to r%u stands still meanwhile",
                       r->is.back_to ? "rollback" : "upgrade",
                       (unsigned)(r->is.back_to ? r->is.back_to : r->is.to));
    } else {
        (void)snprintf(out, out_size, "r%u isn't watched meanwhile%s", (unsigned)r->is.to,
                       acc_rollout_keeps_old(e, s) ? ", and the old one is kept" : "");
    }
}

/* What is to stop waits for who may not: it is held since this has begun. */
static bool is_held_up(struct acc_engine *e, const struct service *s, uint64_t now_ms, char *out,
                       size_t out_size)
{
    const struct service *sharer = acc_hold_of_sharer(e, s);
    bool is_to_stop = s->roll.is.step == ACC_ROLL_STOP_OLD || s->roll.is.step == ACC_ROLL_UNDO;

    return sharer && is_to_stop && acc_hold_no_stop(e, sharer) &&
           acc_hold_of_sharer_text(e, s, now_ms, out, out_size);
}

/* What is done about its image, before its name. */
static const char *image_word(const struct service *s)
{
    static const char *const words[3][3] = {{"pulls", "is to pull", "has pulled"},
                                            {"builds", "is to build", "has built"},
                                            {"looks at", "is to look at", "has looked at"}};
    const struct rollout *r = &s->roll;
    bool is_here = !r->is.back_to && (!r->is.is_upgrade || s->has_image_here);
    const char *const *word = words[r->is.is_upgrade && r->is_build && s->has_build ? 1
                                    : is_here                                       ? 2
                                                                                    : 0];

    return word[r->is_here ? 2 : r->is_queued ? 1 : 0];
}

void acc_rollout_ask_text(struct acc_engine *e, struct service *s, bool is_full, char *out,
                          size_t out_size)
{
    const struct acc_rollout_record *is = &s->roll.is;
    char serves[32], data[96] = "";
    int why_max = is_full ? 160 : 80;

    if (acc_undo_is_impossible(e, s)) {
        (void)snprintf(out, out_size,
                       "needs an operator: r%u %.*s; r%u" ACC_CUT_OFF
                       ". accctl upgrade %.60s --keep goes on with r%u",
                       (unsigned)is->to, why_max, is->why, (unsigned)is->from, s->nick,
                       (unsigned)is->to);
        return;
    }
    if (is_full) {
        (void)snprintf(serves, sizeof(serves), "r%u serves; ", (unsigned)is->from);
        (void)snprintf(data, sizeof(data), "; %s%s.", acc_rollout_old_serves(e, s) ? serves : "",
                       acc_confirm_asks_for_data(e, s) ? "it has run, so data may have changed"
                                                       : "upgrade.on_failure is pause");
    }
    (void)snprintf(out, out_size,
                   "needs an operator: r%u %.*s%s accctl rollback %.60s --yes goes back to r%u, "
                   "accctl upgrade %.60s --keep goes on with r%u",
                   (unsigned)is->to, why_max, is->why, is_full ? data : ";", s->nick,
                   (unsigned)is->from, s->nick, (unsigned)is->to);
}

/* What the new one is made with, and can't be had. */
static int say_lacks(const struct acc_engine *e, const struct service *s, char *out,
                     size_t out_size)
{
    const struct acc_rollout_record *is = &s->roll.is;
    bool is_to_be_made = is->step == ACC_ROLL_CREATE || is->step == ACC_ROLL_ROUTE ||
                         (is->step == ACC_ROLL_PULL && s->roll.is_here);

    if (is_to_be_made && s->host_blocker != ACC_NONE &&
        e->conditions[s->host_blocker].is_met == ACC_NO) {
        char text[ACC_TEXT_MAX + 1];

        acc_host_lacks(e, &e->conditions[s->host_blocker], text, sizeof(text));
        return snprintf(out, out_size, "; %s", text);
    }
    for (uint32_t k = 0; is_to_be_made && k < s->n_res; k++) {
        const struct resource *res = &e->res[e->svc_res[s->first_res + k]];
        bool is_needed = res->kind != ACC_RES_IMAGE || !is->is_upgrade;
        char text[ACC_TEXT_MAX + 1];

        if (is_needed && res->state == RES_FAILED) {
            acc_resource_lacks(res, text, sizeof(text));
            return snprintf(out, out_size, "; %s", text);
        }
    }
    return 0;
}

/* "; waits for db": one that only a person can help is told with what he can do, whoever else
 * waits for it in between. */
static int say_waits(struct acc_engine *e, struct service *s, uint64_t now_ms, char *out,
                     size_t out_size)
{
    const struct rollout *r = &s->roll;
    uint32_t root = acc_rollout_stuck_behind(e, s, now_ms);
    bool stands_still = r->is.step == ACC_ROLL_WATCH && r->is_paused;
    char text[ACC_REASON_MAX + 1];

    out[0] = '\0';
    if (root != ACC_NONE) {
        acc_root_text(e, root, now_ms, text, sizeof(text));
        return snprintf(out, out_size, "; stands still: %s%s",
                        acc_root_is_host(root) ? "" : "waits for ", text);
    }
    if (r->waits_for == ACC_NONE || r->waits_for >= e->n_services) {
        return say_lacks(e, s, out, out_size);
    }
    return snprintf(out, out_size, "%s %.80s",
                    r->is_queued   ? ", behind"
                    : stands_still ? "; stands still: waits for"
                                   : "; waits for",
                    e->services[r->waits_for].nick);
}

void acc_rollout_reason(struct acc_engine *e, struct service *s, uint64_t now_ms, char *out,
                        size_t out_size)
{
    const struct rollout *r = &s->roll;
    const struct acc_rollout_record *is = &r->is;
    const char *order = is->start_first ? "start-first" : "stop-first";
    uint64_t elapsed_ms = (now_ms - r->since_ms) / 1000 * 1000;
    const char *back = is->back_to ? "back " : "";
    char to[40];
    char elapsed[64] = ""; /* a step that has just begun has no duration yet */
    char left[48], fault[ACC_TEXT_MAX + 1], held[2 * ACC_TEXT_MAX];
    unsigned doubt_s = 0;
    int n = 0;

    if (elapsed_ms > 0) {
        memcpy(elapsed, ", for ", sizeof(", for "));
        acc_format_span_ms(elapsed_ms, elapsed + strlen(elapsed),
                           sizeof(elapsed) - strlen(elapsed));
    }
    format_left(r, now_ms, left, sizeof(left));
    acc_rollout_target(is, ", as ", to, sizeof(to));
    switch (is->step) {
    case ACC_ROLL_IDLE:
        out[0] = '\0';
        if (r->is_asked && r->op) {
            (void)snprintf(out, out_size,
                           "the %s that %.60s asked for waits for the end of %s of the upgrade "
                           "before it",
                           r->ask_back ? "rollback" : "upgrade", r->ask_by,
                           r->op_is_pull ? "the pull" : "the commands");
        }
        return;
    case ACC_ROLL_PULL:
        if (is->back_to) {
            n = snprintf(out, out_size, "back to r%u: ", (unsigned)is->back_to);
        }
        n += snprintf(out + n, out_size - (size_t)n, "%s %.120s%s", image_word(s),
                      is->image[0] ? is->image : s->image, elapsed);
        if (!r->op && r->retry_ms > now_ms && n > 0 && (size_t)n < out_size) {
            n += snprintf(out + n, out_size - (size_t)n, "; try %u in %u s: %.160s",
                          (unsigned)r->n_tries + 1, (unsigned)((r->retry_ms - now_ms + 999) / 1000),
                          is->why);
        }
        break;
    case ACC_ROLL_WATCH:
        n = r->is_proven
                ? snprintf(out, out_size,
                           acc_rollout_keeps_old(e, s)
                               ? "r%u has proven itself; r%u is kept until the others that go back "
                                 "with it have, too"
                               : "r%u has proven itself; the others that go back with it haven't; "
                                 "r%u isn't kept any more, its container is gone",
                           (unsigned)is->to, (unsigned)is->from)
                : snprintf(
                      out, out_size,
                      "r%u is watched for another %s%s, whether it exits or gets unhealthy; r%u %s",
                      (unsigned)is->to, left, r->is_anew ? " (anew since accd was restarted)" : "",
                      (unsigned)is->from,
                      acc_rollout_keeps_old(e, s) ? "is kept"
                                                  : "isn't kept any more, its container is gone");
        break;
    case ACC_ROLL_UNDO:
        n = acc_change_orderer(is->why) || !acc_rollout_subject(is->why)[0]
                ? snprintf(out, out_size, "back to r%u%s: %.160s", (unsigned)is->from, elapsed,
                           is->why)
                : snprintf(out, out_size, "back to r%u%s: r%u %.160s", (unsigned)is->from, elapsed,
                           (unsigned)is->to, is->why);
        if (s->rev == is->from && s->has_failed && !s->ready && n > 0 && (size_t)n < out_size) {
            n += snprintf(out + n, out_size - (size_t)n, "; r%u %s", (unsigned)is->from,
                          s->fail_text); /* of before it goes back nothing is left */
        }
        break;
    case ACC_ROLL_ASK:
        acc_rollout_ask_text(e, s, true, out, out_size);
        n = (int)strlen(out);
        break;
    case ACC_ROLL_PRE:
    case ACC_ROLL_POST:
        n = snprintf(out, out_size, "%sto %s: runs the commands of upgrade.%s%s", back, to,
                     is->step == ACC_ROLL_PRE ? "pre" : "post", elapsed);
        break;
    case ACC_ROLL_CREATE:
    case ACC_ROLL_STOP_OLD:
    case ACC_ROLL_START:
    case ACC_ROLL_VERIFY:
    case ACC_ROLL_ROUTE:
    case ACC_ROLL_DRAIN:
    case ACC_ROLL_SWITCH:
    case ACC_ROLL_RETIRE:
        n = snprintf(out, out_size, "%sto %s %s: %s%s", back, to, order,
                     acc_rollout_step_name(is->step), elapsed);
        if (s->n_inst > 1 && n > 0 && (size_t)n < out_size) {
            n += snprintf(out + n, out_size - (size_t)n, ", replica %u of %u", (unsigned)is->slot,
                          (unsigned)s->n_inst);
        }
        break;
    }
    if (r->is_queued && n > 0 && (size_t)n < out_size) {
        bool is_pull = is->step == ACC_ROLL_PULL;

        n += snprintf(
            out + n, out_size - (size_t)n, "; waits for its turn (%s: %u)",
            is_pull ? "pulls_in_flight" : "rollouts_in_flight",
            (unsigned)(is_pull ? e->timing.pulls_in_flight : e->timing.rollouts_in_flight));
    }
    if (n > 0 && (size_t)n < out_size) {
        n += say_waits(e, s, now_ms, out + n, out_size - (size_t)n);
    }
    acc_rollout_fault(s, now_ms, "the new one ", fault, sizeof(fault));
    if (fault[0] && n > 0 && (size_t)n < out_size) {
        n += snprintf(out + n, out_size - (size_t)n, "; %s", fault);
    } else if (is_unhealthy_on_trial(e, s) && n > 0 && (size_t)n < out_size) {
        n += snprintf(out + n, out_size - (size_t)n, "; the new one is unhealthy");
    }
    if (is_stop_doubted(e, s, now_ms, &doubt_s) && n > 0 && (size_t)n < out_size) {
        n += snprintf(out + n, out_size - (size_t)n,
                      "; the new one was stopped: whether by hand is clear in %u s", doubt_s);
    }
    if (!acc_svc_held(e, s) && acc_svc_is_left_paused(e, s) && n > 0 && (size_t)n < out_size) {
        n += snprintf(out + n, out_size - (size_t)n,
                      "; stands still: the new one was paused by hand; go on: accctl up %.60s",
                      s->nick);
    }
    if (is_held_up(e, s, now_ms, held, sizeof(held)) && n > 0 && (size_t)n < out_size) {
        n += snprintf(out + n, out_size - (size_t)n, "; %s", held);
    }
    if (is_down_meanwhile(e, s) && n > 0 && (size_t)n < out_size) {
        n += snprintf(out + n, out_size - (size_t)n, "; doesn't run meanwhile");
    }
    if (r->is_asked && n > 0 && (size_t)n < out_size) {
        n += snprintf(out + n, out_size - (size_t)n, "; then the %s that %.60s asked for",
                      r->ask_back ? "rollback" : "upgrade", r->ask_by);
        if (is->step == ACC_ROLL_WATCH && n > 0 && (size_t)n < out_size) {
            (void)snprintf(out + n, out_size - (size_t)n, " (at once: accctl upgrade %.60s --keep)",
                           s->nick);
        }
    }
}

bool acc_engine_revision(const struct acc_engine *engine, uint32_t svc, uint32_t number,
                         uint64_t now_ms, struct acc_revision_record *ret_record)
{
    const struct service *s = &engine->services[svc];
    const struct rollout *r = &s->roll;
    const struct revision *stable = NULL;
    bool is_attempt = number == ACC_REVISION_TRIED;

    acc_assert(svc < engine->n_services);
    number = is_attempt ? r->is.to : number;
    for (uint32_t k = 0; k < s->n_stable && !is_attempt; k++) {
        stable = s->stable[k].number == number ? &s->stable[k] : stable;
    }
    if (!stable && number != r->is.to) {
        return false;
    }
    *ret_record = (struct acc_revision_record){
        .number = number, .result = ACC_REV_STABLE, .is_attempt = is_attempt};
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
        acc_copy(ret_record->what, sizeof(ret_record->what), r->is.what);
        acc_copy(ret_record->text, sizeof(ret_record->text), r->is.why);
        ret_record->took_ms = r->took_ms ? r->took_ms : now_ms - r->begun_ms;
        ret_record->result = stable                          ? ACC_REV_STABLE
                             : r->result == ROLL_ROLLED_BACK ? ACC_REV_ROLLED_BACK
                             : r->result == ROLL_FAILED      ? ACC_REV_FAILED
                                                             : ACC_REV_TRIAL;
    }
    return true;
}

bool acc_engine_found_revision(const struct acc_engine *engine, uint32_t svc,
                               struct acc_revision_record *ret_record)
{
    const struct service *s = &engine->services[svc];
    const struct instance *i = s->n_inst > 0 ? &engine->inst[s->first_inst] : NULL;

    acc_assert(svc < engine->n_services);
    if (!i || !i->present || i->revision <= 1) {
        return false; /* it was never upgraded */
    }
    *ret_record = (struct acc_revision_record){.number = i->revision, .result = ACC_REV_STABLE};
    acc_copy(ret_record->id, sizeof(ret_record->id), s->id);
    acc_copy(ret_record->image, sizeof(ret_record->image), i->image_ref);
    acc_copy(ret_record->image_id, sizeof(ret_record->image_id), i->image_id);
    acc_copy(ret_record->spec, sizeof(ret_record->spec), i->spec);
    acc_copy(ret_record->text, sizeof(ret_record->text),
             "found running; the record of this and of what was before is lost");
    return true;
}

size_t acc_engine_kept(const struct acc_engine *engine, uint32_t svc, struct acc_kept *ret)
{
    const struct service *s = &engine->services[svc];
    size_t n = 0;

    acc_assert(svc < engine->n_services);
    for (uint32_t k = 0; k < s->n_stable; k++) {
        ret[n++] = (struct acc_kept){s->stable[k].number, s->stable[k].image_id};
    }
    if (s->failed.number) {
        ret[n++] = (struct acc_kept){s->failed.number, s->failed.image_id};
    }
    if (s->roll.is.step > ACC_ROLL_PULL && s->roll.is.step != ACC_ROLL_RETIRE &&
        s->roll.is.step != ACC_ROLL_UNDO) {
        ret[n++] = (struct acc_kept){s->roll.is.to, s->roll.is.image_id};
    }
    return n;
}

bool acc_engine_restore_revision(struct acc_engine *engine,
                                 const struct acc_revision_record *record)
{
    for (uint32_t v = 0; v < engine->n_services; v++) {
        struct service *s = &engine->services[v];

        if (strcmp(s->id, record->id) == 0 && acc_restore_may(engine, s)) {
            struct revision *revision = acc_revision_add(s, record->number);
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
