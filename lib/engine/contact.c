/*
 * First contact (E10): a stack of which no record tells what accd is to it.
 *
 * It is settled by the first list that was asked for after the stack was known, be it at accd's
 * start or with a new configuration. One that accd has managed, and whose files were away since, is
 * managed on. Containers that somebody else made are observed until they are
 * adopted. Those that accd made, and whose restart policy nobody has changed since, have only lost
 * their record: names and labels are enough to go on.
 */

#include "lib/engine/engine.h"

#include "lib/engine/internal.h"

void acc_contact_add(struct acc_contact *contact, bool is_made_here, enum acc_restart_policy policy)
{
    contact->is_there = true;
    contact->is_made_here |= is_made_here;
    contact->has_policy |= policy != ACC_RESTART_NO && policy != ACC_RESTART_UNSET;
}

/* Handing a stack back gives it its restart policies again; one that has none in its file can't be
 * told from one that is still accd's. */
bool acc_contact_observes(const struct acc_contact *contact)
{
    return contact->is_there && (contact->has_policy || !contact->is_made_here);
}

bool acc_contact_is_forsaken(struct acc_engine *e, uint32_t at)
{
    bool has_file_policy = false, has_policy = false;

    for (uint32_t v = 0; v < e->n_services; v++) {
        const struct service *s = &e->services[v];

        if (s->stack != at) {
            continue;
        }
        acc_each_inst (e, &e->services[v], i) {
            has_policy |= i->present && i->policy != ACC_RESTART_NO;
            has_file_policy |= i->present && s->restart != ACC_RESTART_NO &&
                               s->restart != ACC_RESTART_UNSET;
        }
    }
    return has_file_policy && !has_policy;
}

static struct acc_contact contact_of(struct acc_engine *e, uint32_t at)
{
    struct acc_contact contact = {0};

    for (uint32_t v = 0; v < e->n_services; v++) {
        if (e->services[v].stack != at) {
            continue;
        }
        acc_each_inst (e, &e->services[v], i) {
            if (i->present) {
                acc_contact_add(&contact, !i->is_adopted, i->policy);
            }
        }
    }
    return contact;
}

/* What was asked of it before it was known to be only observed is not done, as it would be refused
 * now. */
static void take_back(struct acc_engine *e, struct service *s)
{
    if (!s->asked_early) {
        return;
    }
    s->wanted_removed = s->drop_volumes = s->run_asked = s->roll.is_asked = false;
    s->end_ns = 0;
    acc_hold_end(e, s, "its stack is only observed");
    acc_note(
        e, ACC_NOTE_OPERATOR, acc_svc_index(e, s),
        "what was just asked of %s is not done: its stack is only observed until it is adopted",
        s->id);
}

static void take_cleanup_back(struct acc_engine *e, struct stack *stack)
{
    if (stack->drop_networks) {
        stack->drop_networks = stack->drop_volumes = false;
        e->n_cleanups--;
    }
}

static void decide(struct acc_engine *e, uint32_t at, bool is_first)
{
    struct stack *stack = &e->stacks[at];
    struct acc_contact contact = contact_of(e, at);
    /* adopted ones have no label: only a policy, which accd's have not, says that it is another's
     */
    bool is_ours = stack->is_returned && !contact.has_policy;
    bool observe = e->observe_new && !is_ours && acc_contact_observes(&contact);

    stack->contact = observe ? CONTACT_OBSERVING : CONTACT_MANAGING;
    acc_save_stack(e, stack);
    stack->is_returned = false;
    if (is_ours) {
        acc_note(e, ACC_NOTE_ENGINE, ACC_NONE,
                 "stack %s is in the files again, and managed as before", stack->name);
    } else if (observe) {
        take_cleanup_back(e, stack);
        acc_note(e, ACC_NOTE_ENGINE, ACC_NONE,
                 "stack %s was found running: it is only observed until it is adopted%s",
                 stack->name,
                 acc_contact_is_forsaken(e, at)
                     ? ", and nobody restarts its containers: they have lost their restart "
                       "policy, as by an adoption"
                     : "");
    } else if (e->observe_new && contact.is_there) {
        stack->is_recovered = is_first;
        acc_note(e, ACC_NOTE_ENGINE, ACC_NONE,
                 "stack %s was found running, and its containers are accd's own: it is managed%s",
                 stack->name, is_first ? "; what was asked for before is not known any more" : "");
    }
}

bool acc_contact_has_left(const struct acc_engine *e, uint32_t stack)
{
    for (uint32_t v = 0; v < e->n_services; v++) {
        if (e->services[v].stack == stack && !e->services[v].removed) {
            return false;
        }
    }
    return true;
}

/* Somebody makes or starts a container of what has left the files: with a stack that left as a
 * whole he has taken it over. What only lost this service is still managed, and it is stopped. */
void acc_contact_taken_over(struct acc_engine *e, struct service *s)
{
    struct stack *stack = &e->stacks[s->stack];

    if (stack->contact != CONTACT_MANAGING || !acc_contact_has_left(e, s->stack)) {
        return;
    }
    stack->contact = CONTACT_OBSERVING;
    take_cleanup_back(e, stack);
    acc_save_stack(e, stack);
    acc_note(e, ACC_NOTE_ENGINE, ACC_NONE,
             "stack %s has left the configuration and is somebody else's now", stack->name);
    for (uint32_t v = 0; v < e->n_services; v++) {
        if (e->services[v].stack == s->stack) {
            e->services[v].wanted_removed = false;
            acc_mark(e, &e->services[v]);
        }
    }
}

/* A job that has ended well before our time is as it is meant to be. */
static bool is_finished_job(struct acc_engine *e, struct service *s)
{
    bool is_finished = s->ends && s->n_inst > 0;

    acc_each_slot (e, s, i) {
        is_finished &= i->present && i->obs == ACC_CTR_EXITED && i->exit_code == 0;
    }
    return is_finished;
}

static bool any_runs(struct acc_engine *e, struct service *s)
{
    acc_each_inst (e, s, i) {
        if (acc_inst_running(i)) {
            return true;
        }
    }
    return false;
}

void acc_contact_keep_off(struct service *s)
{
    s->wanted_up = false;
    acc_copy(s->asked_by, sizeof(s->asked_by), ACC_FOUND_OFF);
    acc_save(s);
}

/* dockerd took it down with it, and starts it again by its policy as it comes up. */
static bool is_docker_to_start_it(struct acc_engine *e, struct service *s)
{
    acc_each_slot (e, s, i) {
        if (i->present && i->exit_engine && i->policy != ACC_RESTART_NO) {
            return true;
        }
    }
    return false;
}

/* What somebody takes over as it is stays as it is: what runs is kept up, with as many containers
 * as there are, and what doesn't run stays off. */
static void take_over(struct acc_engine *e, struct service *s)
{
    if (s->removed) {
        return;
    }
    acc_observe_seat_extras(e, s);
    s->scaled_to = 0;
    acc_each_inst (e, s, i) {
        if (i->is_spare && i->present && i->role == ROLE_NONE && i->slot > s->n_inst &&
            i->slot > s->scaled_to) {
            s->scaled_to = i->slot;
        }
    }
    if (s->wanted_up && !s->run_asked && !s->held && !acc_svc_held(e, s) && !s->done &&
        !any_runs(e, s) && !is_finished_job(e, s) && !is_docker_to_start_it(e, s)) {
        acc_contact_keep_off(s);
    }
}

static void take_over_stack(struct acc_engine *e, uint32_t at)
{
    for (uint32_t v = 0; v < e->n_services; v++) {
        if (e->services[v].stack == at) {
            take_over(e, &e->services[v]);
        }
    }
}

void acc_contact_take_over(struct acc_engine *e, uint32_t at, bool is_asked)
{
    struct stack *stack = &e->stacks[at];

    if (e->ever_synced && stack->contact == CONTACT_OBSERVING && stack->need_list <= e->list) {
        take_over_stack(e, at);
    } else {
        stack->is_to_take_over = is_asked;
    }
    stack->contact = CONTACT_MANAGING;
}

/* Who was asked before anything of the stack was seen. */
static void take_over_late(struct acc_engine *e, uint32_t at)
{
    struct stack *stack = &e->stacks[at];
    struct acc_contact contact;

    if (!stack->is_to_take_over || stack->need_list > e->list) {
        return;
    }
    stack->is_to_take_over = false;
    contact = contact_of(e, at);
    if (stack->contact == CONTACT_MANAGING && acc_contact_observes(&contact)) {
        take_over_stack(e, at);
        for (uint32_t v = 0; v < e->n_services; v++) {
            if (e->services[v].stack == at) {
                acc_mark_around(e, &e->services[v]);
            }
        }
    }
}

/* What the first whole picture says of a service. */
static void first_sight(struct acc_engine *e, struct service *s, bool is_new_contact)
{
    bool is_observed = e->stacks[s->stack].contact == CONTACT_OBSERVING;
    bool is_running = false;
    bool is_started_since = false;

    if (is_new_contact && is_observed) {
        take_back(e, s);
    }
    s->asked_early = false;
    acc_observe_seat_extras(e, s);
    acc_each_inst (e, s, i) {
        is_running |= acc_inst_running(i);
        is_started_since |= acc_inst_running(i) && i->run_ns > s->end_ns;
        if (acc_inst_running(i) && s->wanted_up && i->run_ns != 0 && i->run_ns <= s->end_ns) {
            /* whoever wanted that: it may wait for its dependencies by now */
            acc_inst_end(e, i, END_DEPENDENCY);
        }
        if (s->held && !i->is_spare && !acc_inst_running(i)) {
            i->held = true;
        }
    }
    if (is_new_contact && is_observed) {
        s->wanted_up = is_running || is_finished_job(e, s);
        acc_copy(s->asked_by, sizeof(s->asked_by), s->wanted_up ? "" : ACC_FOUND_OFF);
        acc_save(s);
    } else if (s->restored && !s->wanted_up && is_started_since && !s->removed) {
        acc_foreign_start(e, s, acc_inst_first(e, s));
    }
}

static bool is_given_back(struct acc_engine *e, uint32_t at)
{
    for (uint32_t v = 0; v < e->n_services; v++) {
        if (e->services[v].stack == at && !acc_act_policies_set(e, &e->services[v])) {
            return false;
        }
    }
    return true;
}

void acc_contact_hand_back(struct acc_engine *e, struct stack *stack)
{
    if (stack->handing_back && e->synced && stack->need_list <= e->list) {
        stack->handing_back = !is_given_back(e, (uint32_t)(stack - e->stacks));
    }
}

/* --- on its way to Docker --------------------------------------------------------------------- */

const struct service *acc_contact_keeper(struct acc_engine *e, const struct stack *stack)
{
    for (uint32_t v = 0; v < e->n_services; v++) {
        struct service *s = &e->services[v];

        if (&e->stacks[s->stack] == stack && acc_rollout_active(s) && !s->removed &&
            (s->roll.is.step == ACC_ROLL_ASK || acc_svc_held(e, s))) {
            return s;
        }
    }
    return NULL;
}

static bool is_amid_upgrade(struct acc_engine *e, const struct stack *stack)
{
    bool is_amid = false;

    for (uint32_t v = 0; v < e->n_services; v++) {
        struct service *s = &e->services[v];

        /* Who waits for the upgrade is told first how it has ended. */
        is_amid |= &e->stacks[s->stack] == stack &&
                   (acc_rollout_active(s) ||
                    (s->roll.ended_ms && !acc_due(e, s, s->roll.ended_ms + 1)));
    }
    return is_amid;
}

/* Its stop has begun, or it is down, by our own hand: Docker starts nothing that it finds so. */
static bool is_ended_by_us(const struct service *s, const struct instance *i)
{
    if (acc_inst_running(i)) {
        return (i->end != END_NONE && i->stop_ms) || i->op || i->hook_op || i->hooks == HOOKS_DUE;
    }
    if (i->op || i->start_unsettled || i->need_list) {
        return true;
    }
    if (!i->present) {
        return s->renews;
    }
    return i->run_ns != 0 &&
           (i->own_stop_ns == i->run_ns || (i->restart_due && i->run_ns <= s->own_stop_ns));
}

/* That it is going to fail first, or has, it may do as well with Docker. */
static bool is_amid_restart(struct acc_engine *e, const struct stack *stack)
{
    for (uint32_t v = 0; v < e->n_services; v++) {
        struct service *s = &e->services[v];

        if (&e->stacks[s->stack] != stack || !s->wanted_up || s->removed || acc_svc_held(e, s)) {
            continue;
        }
        acc_each_slot (e, s, i) {
            if (is_ended_by_us(s, i) && s->state != ACC_SVC_BACKOFF && acc_svc_is_coming(e, s)) {
                return true;
            }
        }
    }
    return false;
}

/* What was still to come of accd's own doing doesn't come any more. */
static void drop_ends(struct acc_engine *e, struct service *s)
{
    acc_each_inst (e, s, i) {
        i->end = END_NONE;
        if (i->hooks == HOOKS_DUE) {
            i->hooks = HOOKS_OVER;
        }
    }
}

/* Docker would start both the old container and the new one, or none: it gets what has one. */
void acc_contact_leave(struct acc_engine *e, struct stack *stack)
{
    const struct service *keeper;

    if (stack->leave != LEAVE_ASKED || stack->contact == CONTACT_UNKNOWN) {
        return;
    }
    keeper = acc_contact_keeper(e, stack);
    if (keeper) {
        stack->leave = LEAVE_REFUSED;
        acc_note(e, ACC_NOTE_OPERATOR, ACC_NONE,
                 "stack %s isn't handed back: the upgrade of %s waits for somebody", stack->name,
                 keeper->nick);
        return;
    }
    if (stack->contact == CONTACT_MANAGING &&
        (is_amid_upgrade(e, stack) || is_amid_restart(e, stack))) {
        return;
    }
    if (stack->contact != CONTACT_OBSERVING) {
        acc_note(e, ACC_NOTE_OPERATOR, ACC_NONE, "stack %s is handed back to Docker", stack->name);
        stack->contact = CONTACT_OBSERVING;
        stack->is_handed_back = true;
        acc_save_stack(e, stack);
    }
    stack->leave = LEAVE_NONE;
    stack->handing_back = true;
    for (uint32_t v = 0; v < e->n_services; v++) {
        if (&e->stacks[e->services[v].stack] == stack) {
            drop_ends(e, &e->services[v]);
            acc_save(&e->services[v]);
            acc_mark(e, &e->services[v]);
        }
    }
}

void acc_contact_snapshot(struct acc_engine *e, bool is_first)
{
    for (uint32_t k = 0; k < e->n_stacks; k++) {
        struct stack *stack = &e->stacks[k];
        bool is_due = stack->contact == CONTACT_UNKNOWN && stack->need_list <= e->list;

        if (is_due) {
            decide(e, k, is_first);
        }
        for (uint32_t v = 0; v < e->n_services && (is_due || is_first); v++) {
            if (e->services[v].stack == k) {
                first_sight(e, &e->services[v], is_due || stack->save);
                acc_mark_around(e, &e->services[v]);
            }
        }
        take_over_late(e, k);
        if (is_due || is_first) {
            acc_contact_leave(e, stack);
        }
    }
}
