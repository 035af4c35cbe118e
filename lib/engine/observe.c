/*
 * From what is seen to what is believed: which slot a container belongs to, which run it is in, and
 * what people do with Docker's own tools beside us.
 *
 * Slots are found by Compose's labels (E8). A run is named by (cid, started_ns); a hint about
 * another run than the present one is old and means nothing. Absence is believed only when the
 * engine says 404: a list that lacks a container makes us ask.
 */

#include <string.h>

#include "lib/engine/internal.h"

static void mark_inst(struct acc_engine *e, const struct instance *i)
{
    acc_mark(e, acc_svc_of(e, i));
}

/* --- slots ----------------------------------------------------------------------------------- */

void acc_inst_claim(struct acc_engine *e, struct instance *i, const char *cid)
{
    acc_assert(!i->present);
    acc_conflict_clear(e, i);
    acc_copy(i->cid, sizeof(i->cid), cid);
    i->cid_hash = acc_hash_text(i->cid);
    acc_index_put(&e->by_cid, i->cid_hash, acc_inst_index(e, i));
    if (i->hook_op) { /* they run on, wherever the container sits */
        acc_index_put(&e->by_op, acc_hash_u64(i->hook_op), acc_inst_index(e, i) | ACC_OP_OF_HOOK);
    }
    i->present = true;
    i->epoch = 0;
    i->list = e->list;
    e->stacks[acc_svc_of(e, i)->stack].n_present++;
}

static void unclaim(struct acc_engine *e, struct instance *i)
{
    acc_index_remove(&e->by_cid, i->cid_hash, acc_inst_index(e, i));
    if (i->hook_op) {
        acc_index_remove(&e->by_op, acc_hash_u64(i->hook_op),
                         acc_inst_index(e, i) | ACC_OP_OF_HOOK);
    }
    e->stacks[acc_svc_of(e, i)->stack].n_present--;
    acc_probe_drop(e, i);
    i->present = false;
}

/* What outlives the container: the place, and an operation whose answer is still to come. */
static void clear_container(struct instance *i)
{
    *i = (struct instance){
        .svc = i->svc,
        .slot = i->slot,
        .next_spare = i->next_spare,
        .is_spare = i->is_spare,
        .state = i->state,
        .exit_code = i->exit_code,
        .op = i->op,
        .op_type = i->op_type,
        .op_ms = i->op_ms,
        .op_late = i->op_late,
        .heal = i->heal,
        .held = i->held,
        .need_list = i->need_list,
        .retry_ms = i->retry_ms,
    };
}

static void move_in(struct acc_engine *e, struct service *s, struct instance *slot,
                    struct instance *i)
{
    char cid[ACC_CID_LEN + 1];
    bool held = slot->held;
    uint32_t next = slot->next_spare;

    memcpy(cid, i->cid, sizeof(cid));
    unclaim(e, i);
    *slot = *i;
    slot->is_spare = false;
    slot->next_spare = next;
    slot->held = held;
    slot->twins_ms = 0;
    slot->inspecting = slot->inspect_again = false;
    acc_inst_claim(e, slot, cid);
    slot->epoch = i->epoch;
    acc_want_look(slot);
    acc_spare_drop(e, s, i);
}

/* A spare of the slot moves into the slot itself. Those of a rollout wait for its word. */
static void promote(struct acc_engine *e, struct service *s, struct instance *slot)
{
    for (struct instance *i = acc_spare_at(e, s->spare); i; i = acc_spare_at(e, i->next_spare)) {
        if (i->slot == slot->slot && i->present && !i->op &&
            (i->role == ROLE_NONE || acc_rollout_is_misnamed(e, s, i))) {
            move_in(e, s, slot, i);
            return;
        }
    }
}

/* Of two containers for one slot the one that runs holds it: to start the other would make two. */
static void swap(struct acc_engine *e, struct instance *slot, struct instance *spare)
{
    struct instance was_slot;
    uint32_t next = spare->next_spare;
    uint32_t epochs[2] = {slot->epoch, spare->epoch};

    unclaim(e, slot);
    unclaim(e, spare);
    was_slot = *slot;
    *slot = *spare;
    *spare = was_slot;
    slot->is_spare = false;
    slot->next_spare = was_slot.next_spare;
    spare->is_spare = true;
    spare->next_spare = next;
    slot->twins_ms = spare->twins_ms = 0;
    acc_inst_claim(e, slot, slot->cid);
    acc_inst_claim(e, spare, spare->cid);
    slot->epoch = epochs[1];
    spare->epoch = epochs[0];
    slot->inspecting = slot->inspect_again = spare->inspecting = spare->inspect_again = false;
    acc_want_look(slot);
    acc_mark_around(e, acc_svc_of(e, slot));
}

void acc_observe_slots(struct acc_engine *e, struct service *s)
{
    acc_each_slot (e, s, i) {
        if (!i->present && !i->op && !acc_rollout_active(s)) {
            promote(e, s, i); /* one that was busy when the slot got free */
            continue;
        }
        if (!i->present || acc_inst_running(i) || i->op || i->start_unsettled || i->need_obs ||
            i->exit_pending) {
            continue;
        }
        if (i->role != ROLE_NONE || (acc_rollout_active(s) && acc_rollout_is_new(s, i))) {
            continue; /* the rollout says who sits there */
        }
        for (struct instance *k = acc_spare_at(e, s->spare); k;
             k = acc_spare_at(e, k->next_spare)) {
            if (k->slot == i->slot && acc_inst_running(k) && !k->op && !acc_inst_stale(e, k) &&
                k->role == ROLE_NONE) {
                swap(e, i, k);
                break;
            }
        }
    }
}

/* `up --scale` and a removal by hand may leave number 2 alone: it does the work of the first, and
 * to make that beside it would be one too many. When all is seen, since numbers come in any order.
 */
void acc_observe_seat_extras(struct acc_engine *e, struct service *s)
{
    acc_each_slot (e, s, i) {
        struct instance *extra = acc_spare_at(e, s->spare);

        while (extra && !(extra->slot > s->n_inst && acc_inst_running(extra) && !extra->op &&
                          extra->is_adopted && extra->role == ROLE_NONE)) {
            extra = acc_spare_at(e, extra->next_spare);
        }
        if (!i->present && !i->op && !i->need_list && extra && !s->removed &&
            !acc_rollout_active(s)) {
            uint32_t slot = i->slot;

            move_in(e, s, i, extra);
            i->slot = slot;
        }
    }
}

void acc_inst_to_slot(struct acc_engine *e, struct instance *slot, struct instance *spare)
{
    if (slot->present) {
        swap(e, slot, spare);
    } else {
        move_in(e, acc_svc_of(e, slot), slot, spare);
        acc_mark_around(e, acc_svc_of(e, slot));
    }
}

bool acc_inst_vacate(struct acc_engine *e, struct instance *slot)
{
    struct service *s = acc_svc_of(e, slot);
    struct instance *spare = acc_spare_take(e, s, slot->slot);
    struct instance place;

    if (!spare) {
        return false;
    }
    place = *spare;
    unclaim(e, slot);
    *spare = *slot;
    spare->is_spare = true;
    spare->next_spare = place.next_spare;
    spare->inspecting = spare->inspect_again = false;
    acc_inst_claim(e, spare, spare->cid);
    spare->epoch = slot->epoch;
    acc_want_look(spare);
    clear_container(slot);
    slot->exit_code = -1;
    acc_mark_around(e, s);
    return true;
}

void acc_inst_forget(struct acc_engine *e, struct instance *i)
{
    struct service *s = acc_svc_of(e, i);

    memcpy(s->gone_cid, i->cid, sizeof(s->gone_cid));
    acc_hook_end(e, s, i);
    unclaim(e, i);
    acc_mark_around(e, s);
    if (i->is_spare && !i->op) {
        acc_spare_drop(e, s, i);
        return;
    }
    clear_container(i);
    if (!i->is_spare && !i->op) {
        promote(e, s, i);
    }
}

static bool has_role(const struct acc_engine *e, const struct instance *slot, const char *name)
{
    uint64_t number;
    size_t len;

    return acc_role_of(e, slot, name, &number, &len) != ROLE_NONE;
}

static struct instance *place(struct acc_engine *e, const struct acc_obs *obs)
{
    uint32_t v;
    struct service *s;
    struct instance *i;

    if (!obs->project[0] || obs->oneoff || obs->number == 0) {
        return NULL;
    }
    v = acc_find_service(e, obs->project, obs->service);
    if (v == ACC_NONE) {
        return NULL; /* an orphan of the project: Compose leaves those alone, too */
    }
    s = &e->services[v];
    i = obs->number <= s->n_inst ? &e->inst[s->first_inst + obs->number - 1] : NULL;
    /* The answer to what was asked of the one before may not be taken for an answer of this one. */
    if (!i || i->present || (i->op && i->op_type != ACC_ACT_CREATE) || has_role(e, i, obs->name)) {
        i = acc_spare_take(e, s, obs->number);
    }
    if (i) {
        acc_inst_claim(e, i, obs->cid);
    }
    return i;
}

/* --- a name that somebody else holds --------------------------------------------------------- */

void acc_conflict_set(struct acc_engine *e, struct instance *i, const char *cid)
{
    acc_conflict_clear(e, i);
    acc_copy(i->conflict_cid, sizeof(i->conflict_cid), cid);
    i->conflict_ms = e->now;
    acc_index_put(&e->by_cid, acc_hash_text(i->conflict_cid), acc_inst_index(e, i));
}

void acc_conflict_clear(struct acc_engine *e, struct instance *i)
{
    if (i->conflict_cid[0]) {
        acc_index_remove(&e->by_cid, acc_hash_text(i->conflict_cid), acc_inst_index(e, i));
        i->conflict_cid[0] = '\0';
        mark_inst(e, i);
    }
}

static struct instance *find_conflict(const struct acc_engine *e, const char *cid)
{
    uint64_t hash = acc_hash_text(cid);
    uint32_t pos = UINT32_MAX;

    for (uint32_t k; (k = acc_index_next(&e->by_cid, hash, &pos)) != ACC_NONE;) {
        if (strcmp(e->inst[k].conflict_cid, cid) == 0) {
            return &e->inst[k];
        }
    }
    return NULL;
}

static void observe_conflict(struct acc_engine *e, const struct acc_obs *obs, bool is_ours)
{
    struct instance *i = find_conflict(e, obs->cid);

    if (!i) {
        return;
    }
    acc_conflict_clear(e, i);
    if (!is_ours &&
        !acc_rollout_failed(e, acc_svc_of(e, i), i, "has no name: %.80s is taken", obs->name)) {
        (void)acc_fail(e, acc_svc_of(e, i), FAIL_CONFIG, true,
                       "the name %.80s is taken by a container that isn't part of it", obs->name);
    }
}

/* --- runs ------------------------------------------------------------------------------------ */

/* What is seen of it for the first time was there before anybody asked us to look. */
static bool is_before_us(const struct acc_engine *e, const struct service *s)
{
    return !e->ever_synced || e->stacks[s->stack].contact == CONTACT_UNKNOWN;
}

void acc_foreign_start(struct acc_engine *e, struct service *s, struct instance *i)
{
    bool held = i->held || i->hold_ms;

    i->held = false;
    i->hold_ms = 0;
    i->final = false;
    if (s->removed) {
        acc_contact_taken_over(e, s);
        return;
    }
    if (s->wanted_up && !held) {
        return;
    }
    acc_note_inst(e, ACC_NOTE_OBSERVED, i, "was started by hand: it is wanted up again");
    s->wanted_up = true;
    s->wanted_removed = false;
    acc_copy(s->asked_by, sizeof(s->asked_by), "docker");
    acc_save(s);
    acc_mark_around(e, s);
}

static void run_begins(struct acc_engine *e, struct service *s, struct instance *i,
                       const struct acc_obs *obs, bool is_first)
{
    bool is_ours = i->start_unsettled;

    i->run_ns = obs->started_ns;
    i->run_ms = e->now;
    i->ran_before = is_first && is_before_us(e, s);
    i->exit_pending = i->exit_engine = i->exit_apart = false;
    i->start_unsettled = false;
    i->end = END_NONE;
    i->stop_ms = i->kill_ms = 0;
    i->quarantined = false;
    i->manual_answered = i->ask_manual = false;
    acc_probe_start(e, i);
    acc_hook_begin(e, s, i, is_ours, i->ran_before);
    if (!is_ours && !is_before_us(e, s)) {
        acc_foreign_start(e, s, i);
    }
    acc_mark_around(e, s);
}

/* Between two dockerds, when nobody could have asked for it. What the old one left running, as it
 * was killed, the new one stops before it listens, and calls that a stop by hand (moby
 * daemon/daemon.go restore(), daemon/kill.go killWithSignal()). */
static bool ended_apart(const struct acc_engine *e, const struct acc_obs *obs)
{
    uint64_t end_ms = obs->age_ms < e->now ? e->now - obs->age_ms : 0;

    return obs->age_ms > 0 && end_ms >= e->lost_ms && end_ms <= e->conn_ms;
}

static void run_ended(struct acc_engine *e, struct instance *i, const struct acc_obs *obs,
                      bool is_first, bool is_new_epoch)
{
    if (obs->started_ns == i->handled_ns || obs->started_ns == 0) {
        return;
    }
    if (!i->exit_pending) {
        i->exit_pending = true;
        i->exit_ms = e->now;
        i->exit_away = is_first || is_new_epoch;
        i->exit_before = is_first && is_before_us(e, acc_svc_of(e, i));
        i->exit_doubted = false;
        i->exit_engine = !is_first && is_new_epoch && e->fresh_engine;
        i->exit_apart = i->exit_engine && ended_apart(e, obs);
        i->manual_answered = i->ask_manual = false;
    }
    i->run_ns = obs->started_ns;
    i->start_unsettled = false;
    acc_mark_around(e, acc_svc_of(e, i));
}

static void observe_run(struct acc_engine *e, struct service *s, struct instance *i,
                        const struct acc_obs *obs, bool is_first, bool is_new_epoch)
{
    switch (obs->state) {
    case ACC_CTR_RUNNING:
    case ACC_CTR_PAUSED:
    case ACC_CTR_RESTARTING:
        if (i->run_ns != obs->started_ns || is_first) {
            run_begins(e, s, i, obs, is_first);
        }
        break;
    case ACC_CTR_EXITED:
    case ACC_CTR_DEAD:
        run_ended(e, i, obs, is_first, is_new_epoch);
        break;
    case ACC_CTR_CREATED:
    case ACC_CTR_REMOVING:
        break;
    }
}

/* --- an observation -------------------------------------------------------------------------- */

/* A container whose lock is held is told from the list, without what only inspect knows. */
static bool is_partial(const struct instance *i, const struct acc_obs *obs)
{
    return i->epoch != 0 && obs->started_ns == 0 && i->started_ns != 0;
}

static uint32_t number_of(const char *text)
{
    uint32_t number = 0;

    for (; *text >= '0' && *text <= '9' && number < 100000000; text++) {
        number = number * 10 + (uint32_t)(*text - '0');
    }
    return number;
}

static void fill_networks(struct acc_engine *e, struct instance *i, const struct acc_obs *obs)
{
    bool was_off = i->epoch != 0 && acc_inst_drift(e, i, NULL) == DRIFT_CUT;

    if (strcmp(i->networks, obs->networks) != 0 || i->lacks_ports != obs->lacks_ports) {
        i->compared[0] = '\0'; /* somebody changed them: that is to be told, or has ended */
        acc_mark_neighbours(e, acc_svc_of(e, i)); /* who can't reach it any more */
    }
    i->has_networks = obs->has_networks;
    i->lacks_ports = obs->lacks_ports;
    acc_copy(i->networks, sizeof(i->networks), obs->networks);
    if (was_off && acc_inst_drift(e, i, NULL) != DRIFT_CUT) {
        acc_probe_rejoined(e, i);
    }
}

static void fill(struct acc_engine *e, struct instance *i, const struct acc_obs *obs)
{
    i->revision = number_of(obs->revision);
    acc_copy(i->name, sizeof(i->name), obs->name);
    acc_inst_cast_by_name(e, i);
    acc_copy(i->spec, sizeof(i->spec), obs->spec_hash);
    i->is_adopted = obs->spec_hash[0] == '\0';
    acc_copy(i->image_id, sizeof(i->image_id), obs->image_id);
    acc_copy(i->image_ref, sizeof(i->image_ref), obs->image_ref);
    i->unrouted = obs->unrouted;
    fill_networks(e, i, obs);
    acc_copy(i->volumes, sizeof(i->volumes), obs->volumes);
    acc_copy(i->shares, sizeof(i->shares), obs->shares);
    i->drain_file = obs->drain_file;
    acc_copy(i->error, sizeof(i->error), obs->error);
    i->obs = obs->state;
    i->pid = obs->pid;
    i->exit_code = obs->started_ns ? obs->exit_code : -1;
    i->oom = obs->oom_killed || (i->oom_hint_ns && i->oom_hint_ns == obs->started_ns);
    i->started_ns = obs->started_ns;
    i->finished_ns = obs->finished_ns;
    i->policy = obs->restart == ACC_RESTART_UNSET ? ACC_RESTART_NO : obs->restart;
    i->policy_max = obs->restart_max;
    i->n_ports = (uint16_t)obs->n_ports;
}

static void answer_manual(struct acc_engine *e, struct instance *i, const struct acc_obs *obs,
                          bool was_asked)
{
    if (!i->ask_manual || (obs->manually_stopped == ACC_UNKNOWN && !was_asked)) {
        return;
    }
    if (e->listing && obs->manually_stopped == ACC_UNKNOWN) {
        return; /* this one may be of the list */
    }
    i->manual = obs->manually_stopped;
    i->manual_answered = true;
    i->ask_manual = false;
}

static void seen(struct acc_engine *e, struct instance *i)
{
    i->epoch = e->epoch;
    i->seen_ms = e->now;
    i->list = e->list;
    i->maybe_gone = false;
    i->need_obs = false;
    i->inspecting = false;
    if (i->inspect_again) {
        i->inspect_again = false;
        i->want_look = true;
    }
}

/* Ids are never used twice: what was looked at before it went is old news. */
static bool is_old_news(const struct acc_engine *e, const struct acc_obs *obs)
{
    uint32_t v = acc_find_service(e, obs->project, obs->service);

    return v != ACC_NONE && strcmp(e->services[v].gone_cid, obs->cid) == 0;
}

/* A container that wasn't there and that we didn't make: somebody brings the service back. */
static bool is_foreign_create(struct acc_engine *e, const struct instance *i,
                              const struct acc_obs *obs)
{
    /* one that ends or goes was looked at before we saw it go */
    bool is_new = obs->state == ACC_CTR_CREATED || obs->state == ACC_CTR_RUNNING;

    return !is_before_us(e, acc_svc_of(e, i)) && is_new && !obs->op[0] &&
           !(i->op && i->op_type == ACC_ACT_CREATE);
}

void acc_observe(struct acc_engine *e, const struct acc_obs *obs)
{
    struct instance *i = acc_find_cid(e, obs->cid);
    bool is_first = !i || i->epoch == 0;
    bool is_new = !i;
    bool is_paused;
    bool was_asked;

    if (!i && is_old_news(e, obs)) {
        return;
    }
    if (!i) {
        i = place(e, obs);
        observe_conflict(e, obs, i != NULL);
        if (!i) {
            return;
        }
    }
    struct service *s = acc_svc_of(e, i);
    bool is_new_epoch = i->epoch != e->epoch;

    was_asked = i->inspecting;
    seen(e, i);
    acc_mark(e, s);
    if (is_partial(i, obs)) {
        return;
    }
    is_paused = obs->state == ACC_CTR_PAUSED && i->obs != ACC_CTR_PAUSED;
    if (obs->state == ACC_CTR_PAUSED || i->obs == ACC_CTR_PAUSED) {
        acc_probe_pause(i, obs->state == ACC_CTR_PAUSED);
        acc_mark_dependents(e, s);
    }
    if (is_new && s->removed && is_foreign_create(e, i, obs)) {
        acc_contact_taken_over(e, s);
    } else if (is_new && !i->is_spare && is_foreign_create(e, i, obs)) {
        s->applied[0] = '\0'; /* whoever made it, made it from the file as it is now */
        acc_foreign_start(e, s, i);
    }
    fill(e, i, obs);
    if (is_new && i->is_spare && i->is_adopted && i->slot > s->n_inst && i->slot > s->scaled_to) {
        s->scaled_to = i->slot;
    }
    if (is_paused) {
        acc_note_inst(e, ACC_NOTE_OBSERVED, i, "was paused by hand");
    }
    if (is_first) {
        i->found_ms = e->now - obs->age_ms;
    }
    observe_run(e, s, i, obs, is_first, is_new_epoch && !is_first);
    answer_manual(e, i, obs, was_asked);
    acc_probe_observe(e, i, obs);
    acc_op_settle(e, i);
}

/* --- gone ------------------------------------------------------------------------------------ */

static bool was_in_use(const struct instance *i)
{
    return acc_inst_running(i) || i->held || i->hold_ms ||
           (i->exit_pending && (i->stop_hint_ns == i->run_ns || i->kill_hint_ns == i->run_ns));
}

/* `docker rm -f` of one that ran, seen half way. */
static bool was_taken_away(const struct instance *i)
{
    return i->obs == ACC_CTR_REMOVING && i->kill_hint_ns != 0 && i->kill_hint_ns == i->run_ns;
}

void acc_observe_gone(struct acc_engine *e, const char *cid)
{
    struct instance *i = acc_find_cid(e, cid);
    struct instance *blocked = find_conflict(e, cid);

    if (blocked) {
        acc_conflict_clear(e, blocked);
    }
    if (!i) {
        return;
    }
    struct service *s = acc_svc_of(e, i);
    bool is_ours = i->op && i->op_type == ACC_ACT_REMOVE;
    /* A dockerd that lost its data has not been told to by anybody. */
    bool is_lost = i->epoch != e->epoch && e->fresh_engine;
    bool is_untold = !is_ours && !i->is_spare && (acc_inst_running(i) || i->exit_pending);
    bool is_wanted = !is_ours && !is_lost && !i->is_spare && s->wanted_up &&
                     !e->shutdown.is_on; /* `docker compose down` of a unit of systemd's */
    bool is_by_hand = is_wanted && was_in_use(i);
    bool goes_back = is_wanted && (is_by_hand || was_taken_away(i)) && acc_rollout_removed(e, s, i);

    if (!is_ours && !i->is_spare && (!is_by_hand || s->n_inst > 1)) { /* else: it is off, below */
        acc_note_inst(e, ACC_NOTE_OBSERVED, i, "its container was removed%s",
                      is_by_hand ? " by hand" : "");
    }
    i->held = is_by_hand && !goes_back;
    if (is_ours) {
        acc_op_end(e, i, ACC_OP_OK);
    }
    acc_inst_forget(e, i);
    if (is_untold) {
        acc_tell_dependents(e, s, i, DEP_CRASHES); /* nobody saw its run end */
    }
    if (!i->is_spare && i->present) {
        i->held = false; /* another container has taken its place: `docker compose up` beside us */
    }
}

/* --- hints ----------------------------------------------------------------------------------- */

static bool is_our_doing(const struct instance *i)
{
    bool in_flight = i->op && (i->op_type == ACC_ACT_STOP || i->op_type == ACC_ACT_KILL ||
                               i->op_type == ACC_ACT_REMOVE);

    return in_flight || (i->own_stop_ns != 0 && i->own_stop_ns == i->run_ns);
}

static void hint_stop(struct acc_engine *e, struct instance *i)
{
    struct service *s = acc_svc_of(e, i);

    i->stop_hint_ns = i->run_ns;
    if (i->present && !acc_inst_running(i) && i->handled_ns == i->run_ns && !i->held &&
        !i->start_unsettled && s->fail_ms + ACC_KILL_SETTLE_MS * 2 >= e->now && s->has_failed) {
        /* It came after we had taken the end for a crash. */
        acc_fail_take_back(e, s, s->fail_ms);
        i->handled_ns = 0;
        i->exit_pending = true;
    }
}

void acc_observe_hint(struct acc_engine *e, const struct acc_event *event)
{
    struct instance *i = acc_find_cid(e, event->hint.cid);
    enum acc_hint hint = event->hint.hint;

    if (!i) {
        if (e->conn == CONN_UP && !e->shutdown.is_on &&
            (hint == ACC_HINT_CREATE || hint == ACC_HINT_START || hint == ACC_HINT_DIRTY)) {
            acc_look_at(e, event->hint.cid);
        }
        return;
    }
    bool is_old = event->hint.time_ns != 0 && event->hint.time_ns < i->run_ns;

    if (hint == ACC_HINT_KILL && !is_old && !is_our_doing(i)) {
        i->kill_hint_ns = i->run_ns;
        i->kill_hint_ms = e->now;
        i->kill_signal = event->hint.signal;
    } else if (hint == ACC_HINT_STOP && !is_old && !is_our_doing(i)) {
        hint_stop(e, i);
    } else if (hint == ACC_HINT_DIE && !is_old) {
        i->die_hint_ns = i->run_ns;
    } else if (hint == ACC_HINT_OOM && !is_old) {
        i->oom_hint_ns = i->run_ns;
    }
    acc_want_look(i);
    mark_inst(e, i);
}

/* --- the whole picture ----------------------------------------------------------------------- */

static void check_missing(struct acc_engine *e, bool is_new_epoch)
{
    for (uint32_t k = 0; k < e->n_inst; k++) {
        struct instance *i = &e->inst[k];

        if (i->need_list && i->need_list <= e->list) {
            i->need_list = 0;
            mark_inst(e, i);
        }
        if (i->present && i->list != e->list) {
            i->maybe_gone = true;
            acc_want_look(i);
            mark_inst(e, i);
        } else if (i->present && is_new_epoch) {
            i->probing_ms = i->degraded_ms = e->now; /* nothing could be seen meanwhile */
        }
    }
}

void acc_observe_snapshot(struct acc_engine *e)
{
    bool is_new_epoch = !e->synced;
    bool is_first = !e->ever_synced;

    if (e->conn != CONN_UP) {
        return;
    }
    e->listing = false;
    check_missing(e, is_new_epoch);
    if (is_new_epoch) {
        e->first_synced_ms = is_first ? e->now : e->first_synced_ms;
        e->synced = e->ever_synced = true;
        e->synced_ms = e->now;
        acc_mark_all(e);
    }
    acc_contact_snapshot(e, is_first);
}
