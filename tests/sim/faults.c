/* Bad luck and people: what happens to the world while its faults last. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "tests/sim/world.h"

#define SECOND UINT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
/* Minutes between two crashes of accd where all else is rare: some a day. */
#define CRASH_MIN 240u
#define CRASH_MAX 1200u
/* In an hour of each of these spans it all comes as in a storm. */
#define BURST_EVERY (9 * 24 * HOUR)
#define BURST_LASTS HOUR
/* Who is to be restarted waits for those that go before it. */
#define RESTART_TAKES (30 * MINUTE)
/* So many are upgraded by one command, or all of a kind. */
#define GROUP_MAX 4u

static uint64_t maybe(struct world *w, uint64_t low_min, uint64_t high_min)
{
    return sim_rand_below(&w->rand, 2) ? MINUTE * sim_rand_range(&w->rand, low_min, high_min) : 0;
}

/* Swarm: each seed gets a random subset at random rates. */
void world_faults_draw(struct world *w)
{
    /* One after the other: within an initialiser C leaves their order open. */
    w->faults = (struct world_faults){0};
    w->faults.accd_crash = maybe(w, 2, 60);
    w->faults.store_lost_pct = sim_rand_below(&w->rand, 4) == 0 ? 20 : 0;
    w->faults.store_torn_pct = sim_rand_below(&w->rand, 2) ? 30 : 0;
    w->faults.stream_break = maybe(w, 5, 120);
    w->faults.engine_crash = maybe(w, 20, 300);
    w->faults.engine_restart = maybe(w, 20, 300);
    w->faults.engine_hang = maybe(w, 20, 200);
    w->faults.foreign = maybe(w, 2, 60);
    w->faults.operator_ = maybe(w, 2, 60);
    w->faults.spell = maybe(w, 5, 60);
    w->faults.prune = maybe(w, 30, 200);
    w->faults.live_restore_pct = sim_rand_below(&w->rand, 3) * 50;
    w->hold_rand.state = w->options.seed ^ UINT64_C(0x401d5);
    if (w->options.seed % 7 % 2 == 1) { /* the seeds that are regressions are none of these */
        w->faults.hold = MINUTE * sim_rand_range(&w->hold_rand, 2, 40);
    }
    if (w->options.upgrades) {
        w->faults.operator_ = MINUTE * sim_rand_range(&w->rand, 1, 5);
    }
}

void world_faults_thin(struct world *w)
{
    struct sim_rand rand = {.state = w->options.seed ^ UINT64_C(0xca1)};
    uint64_t *const means[] = {
        &w->faults.stream_break, &w->faults.engine_crash, &w->faults.engine_restart,
        &w->faults.engine_hang,  &w->faults.foreign,      &w->faults.operator_,
        &w->faults.spell,        &w->faults.prune,        &w->faults.hold,
        &w->faults.host,         &w->faults.change,       &w->faults.shutdown,
        &w->faults.network,      &w->faults.disk,         &w->faults.push};

    if (w->options.rarity == 0) {
        return;
    }
    for (size_t i = 0; i < ACC_ARRAY_LEN(means); i++) {
        *means[i] *= w->options.rarity;
    }
    w->faults.accd_crash = MINUTE * sim_rand_range(&rand, CRASH_MIN, CRASH_MAX);
    for (uint32_t i = 0; i < w->graph.model->n_services; i++) {
        w->workloads.item[i].habits.mtbf *= w->options.rarity;
        w->workloads.item[i].habits.sick_every *= w->options.rarity;
    }
}

struct twin_container *world_container(struct world *w, uint32_t svc, uint32_t number)
{
    struct twin_container *found = NULL;

    for (size_t i = 0; i < w->twin.n; i++) {
        struct twin_container *c = w->twin.item[i];

        if (c->exists && c->made.svc == svc && c->made.number == number && !c->made.oneoff &&
            (!found || !twin_is_running(found))) {
            found = c;
        }
    }
    return found;
}

/* --- operators ------------------------------------------------------------------------------ */

static bool pulls_in(const struct acc_edge *edge)
{
    return edge->kind != ACC_EDGE_AFTER && edge->kind != ACC_EDGE_CONFLICTS;
}

static void select_needed(const struct acc_model *model, uint8_t *selected)
{
    for (size_t i = model->n_services; i-- > 0;) { /* dependents before what they need */
        const struct acc_service_spec *spec = model->services[model->order[i]];

        for (size_t e = 0; selected[model->order[i]] && e < spec->n_edges; e++) {
            if (pulls_in(&spec->edges[e])) {
                selected[spec->edges[e].target] = 1;
            }
        }
    }
}

static void select_dependents(const struct acc_model *model, uint8_t *selected)
{
    for (size_t i = 0; i < model->n_services; i++) {
        const struct acc_service_spec *spec = model->services[model->order[i]];

        for (size_t e = 0; e < spec->n_edges; e++) {
            if ((spec->edges[e].kind == ACC_EDGE_NEEDS || spec->edges[e].kind == ACC_EDGE_BINDS) &&
                selected[spec->edges[e].target]) {
                selected[model->order[i]] = 1;
            }
        }
    }
}

static bool is_observed(const struct world *w, uint32_t svc)
{
    return acc_engine_stack_observing(w->engine, w->graph.model->service_stack[svc]);
}

static bool is_stack_selected(const struct world *w, uint32_t svc, const uint8_t *selected)
{
    const struct acc_model *model = w->graph.model;

    for (uint32_t i = 0; i < model->n_services; i++) {
        if (selected[i] && model->service_stack[i] == model->service_stack[svc]) {
            return true;
        }
    }
    return false;
}

static void note_wish(struct world *w, enum acc_verb verb, const uint8_t *selected)
{
    for (uint32_t i = 0; i < w->graph.model->n_services; i++) {
        struct oracle_service *s = &w->oracle.service[i];
        enum acc_tri refused = oracle_refuses(&w->oracle, verb, i);

        if (selected[i] &&
            (verb == ACC_VERB_ADOPT || verb == ACC_VERB_UP || verb == ACC_VERB_START)) {
            world_join_word(w, i);
        }
        if (verb == ACC_VERB_ROLLBACK && selected[i]) {
            s->rollback_ms = w->queue.now_ms;
        }
        if (refused != ACC_NO && selected[i]) { /* not taken, if it holds */
            s->is_unsure |= refused == ACC_UNKNOWN;
            s->hold.is_unsure |= refused == ACC_UNKNOWN && verb == ACC_VERB_HAND_BACK;
            s->command_ms = refused == ACC_UNKNOWN ? w->queue.now_ms : s->command_ms;
            s->n_failures = 0;
            continue;
        }
        if (verb == ACC_VERB_HAND_BACK && is_stack_selected(w, i, selected)) {
            s->hold = (struct oracle_hold){.asked_ms = w->queue.now_ms};
        }
        if (is_observed(w, i)) { /* adopted, or as little as nothing */
            s->is_unsure = s->is_unsure || is_stack_selected(w, i, selected) || selected[i];
        }
        if (!selected[i] || (is_observed(w, i) && verb != ACC_VERB_UP && verb != ACC_VERB_START)) {
            continue;
        }
        s->command_ms = w->queue.now_ms;
        s->n_failures = 0;
        s->refused_spec[0] = '\0'; /* his word is a reason to try it again */
        switch (verb) {
        case ACC_VERB_UP:
        case ACC_VERB_START:
            s->want_up = true;
            s->want_removed = s->is_unsure = false;
            break;
        case ACC_VERB_STOP:
        case ACC_VERB_DOWN:
            s->want_up = s->is_unsure = false;
            s->was_tried = true; /* likewise */
            s->want_removed = verb == ACC_VERB_DOWN;
            break;
        case ACC_VERB_UPGRADE:
        case ACC_VERB_ROLLBACK:
        case ACC_VERB_HOLD:
        case ACC_VERB_MAINTENANCE:
            break;
        case ACC_VERB_RELEASE:
            s->hold = (struct oracle_hold){.asked_ms = w->queue.now_ms};
            break;
        case ACC_VERB_RESTART:
            s->restarting_until_ms = w->queue.now_ms + RESTART_TAKES;
            break;
        case ACC_VERB_ADOPT: /* what runs is wanted from here on, the rest is not */
        case ACC_VERB_HAND_BACK:
            s->is_unsure = true;
            break;
        }
    }
}

/* A restart brings up what it stands on, if accd has its stack. */
static void doubt_needed(struct world *w, const uint8_t *selected)
{
    const struct acc_model *model = w->graph.model;
    uint8_t *needed = calloc(model->n_services + 1, 1);

    acc_assert(needed);
    memcpy(needed, selected, model->n_services);
    select_needed(model, needed);
    for (size_t i = 0; i < model->n_services; i++) {
        w->oracle.service[i].is_unsure |= needed[i] && !w->oracle.service[i].want_up;
    }
    free(needed);
}

static void give(struct world *w, enum acc_verb verb, uint8_t *selected, bool with_dependents,
                 bool whole_stack)
{
    struct acc_event event = {.type = ACC_EV_CMD};

    event.cmd.verb = verb;
    event.cmd.selected = selected;
    event.cmd.with_dependents = with_dependents;
    event.cmd.whole_stack = whole_stack;
    (void)snprintf(event.cmd.by, sizeof(event.cmd.by), "root");
    if (w->options.trace) {
        for (uint32_t i = 0; i < w->graph.model->n_services; i++) {
            if (selected[i] && !cut_has_service(w, i)) {
                world_trace(w, "  operator: %s %s", acc_verb_name(verb), world_service_id(w, i));
            }
        }
    }
    note_wish(w, verb, selected);
    if (verb == ACC_VERB_RESTART) {
        doubt_needed(w, selected);
    }
    world_step(w, &event);
}

void world_command(struct world *w, enum acc_verb verb, uint32_t svc, bool with_dependents)
{
    uint8_t *selected;

    if (!w->engine) {
        return;
    }
    selected = calloc(acc_engine_n_services(w->engine) + 1, 1);
    acc_assert(selected);
    selected[svc] = 1;
    if (verb == ACC_VERB_UP || verb == ACC_VERB_START) {
        select_needed(w->graph.model, selected);
    } else if (with_dependents) {
        select_dependents(w->graph.model, selected);
    }
    give(w, verb, selected, with_dependents, false);
    free(selected);
}

void world_command_stack(struct world *w, enum acc_verb verb, uint32_t stack)
{
    uint8_t *selected;

    if (!w->engine) {
        return;
    }
    selected = calloc(acc_engine_n_services(w->engine) + 1, 1);
    acc_assert(selected);
    for (uint32_t i = 0; i < w->graph.model->n_services; i++) {
        selected[i] = w->graph.model->service_stack[i] == stack;
    }
    if (verb == ACC_VERB_UP) {
        select_needed(w->graph.model, selected);
    }
    give(w, verb, selected, false, verb == ACC_VERB_DOWN);
    free(selected);
}

void world_upgrade(struct world *w, uint32_t svc, bool back)
{
    uint8_t *selected;

    if (!w->engine) {
        return;
    }
    selected = calloc(acc_engine_n_services(w->engine) + 1, 1);
    acc_assert(selected);
    selected[svc] = 1;
    w->version[svc] += back ? 0 : 1;
    w->n_upgrades++;
    give(w, back ? ACC_VERB_ROLLBACK : ACC_VERB_UPGRADE, selected, false, false);
    free(selected);
}

/* --phase, --all, or some that were named: of those the ones that serve. */
enum kinship { KINSHIP_PHASE, KINSHIP_STACK, KINSHIP_NONE, KINSHIP_COUNT };

static bool is_kin(const struct acc_model *model, enum kinship kinship, uint32_t a, uint32_t b)
{
    switch (kinship) {
    case KINSHIP_PHASE:
        return strcmp(model->services[a]->phase, model->services[b]->phase) == 0;
    case KINSHIP_STACK:
        return model->service_stack[a] == model->service_stack[b];
    case KINSHIP_NONE:
    case KINSHIP_COUNT:
        break;
    }
    return true;
}

bool world_has_groups(const struct world_options *options)
{
    return options->upgrades && !options->singly && !options->one_stream;
}

static bool serves(struct world *w, uint32_t svc)
{
    const struct twin_container *c = world_container(w, svc, 1);

    return c && twin_is_running(c) && !w->graph.model->services[svc]->one_shot &&
           !cut_has_service(w, svc);
}

void world_upgrade_group(struct world *w, uint32_t svc)
{
    const struct acc_model *model = w->graph.model;
    enum kinship kinship = (enum kinship)sim_rand_below(world_fate(w), KINSHIP_COUNT);
    bool is_whole = sim_rand_below(world_fate(w), 4) == 0;
    uint32_t n_max = (uint32_t)sim_rand_range(world_fate(w), 2, GROUP_MAX);
    uint32_t n = 1;
    uint8_t *selected;

    if (!w->engine) {
        return;
    }
    selected = calloc(model->n_services + 1, 1);
    acc_assert(selected);
    selected[svc] = 1;
    /* from the one behind it on: who is taken depends on nothing but who serves */
    for (uint32_t k = 1; k < model->n_services && (is_whole || n < n_max); k++) {
        uint32_t other = (svc + k) % (uint32_t)model->n_services;

        if (is_kin(model, kinship, svc, other) && serves(w, other)) {
            selected[other] = 1;
            n++;
        }
    }
    for (uint32_t i = 0; i < model->n_services; i++) {
        w->version[i] += selected[i];
        w->n_upgrades += selected[i];
    }
    give(w, ACC_VERB_UPGRADE, selected, false, false);
    free(selected);
}

#define DECIDE_EVERY_MS (3 * MINUTE)

/* Somebody looks what waits for a word: mostly back, now and then on with the new one. */
static void decide(void *ctx, uint64_t a, uint64_t b)
{
    struct world *w = ctx;

    for (uint32_t i = 0; w->engine && i < w->graph.model->n_services; i++) {
        struct acc_event event = {.type = ACC_EV_CMD};
        struct acc_service_view view;
        uint8_t *selected;

        acc_engine_service(w->engine, i, w->queue.now_ms, &view);
        if (view.step != ACC_ROLL_ASK) {
            continue;
        }
        selected = calloc(acc_engine_n_services(w->engine) + 1, 1);
        acc_assert(selected);
        selected[i] = 1;
        event.cmd = (struct acc_cmd){.selected = selected, .by = "root"};
        event.cmd.keep = (w->queue.now_ms / DECIDE_EVERY_MS + i) % 4 == 0; /* draws nothing */
        event.cmd.yes = !event.cmd.keep;
        event.cmd.verb = event.cmd.keep ? ACC_VERB_UPGRADE : ACC_VERB_ROLLBACK;
        world_trace(w, "  operator: %s %s%s", acc_verb_name(event.cmd.verb), world_service_id(w, i),
                    event.cmd.keep ? " --keep" : " --yes");
        note_wish(w, event.cmd.verb, selected);
        world_step(w, &event);
        free(selected);
    }
    sim_queue_in(&w->queue, DECIDE_EVERY_MS, decide, w, a, b);
}

/* --- holds ---------------------------------------------------------------------------------- */

static bool is_under_way(const struct world *w, uint32_t svc)
{
    struct acc_service_view service;

    acc_engine_service(w->engine, svc, w->queue.now_ms, &service);
    for (uint32_t k = 0; k < service.n_instances; k++) {
        struct acc_instance_view view;

        acc_engine_instance(w->engine, svc, k, &view);
        if (view.state == ACC_INST_CREATING || view.state == ACC_INST_STARTING ||
            view.state == ACC_INST_STOPPING || view.state == ACC_INST_REMOVING) {
            return true;
        }
    }
    return false;
}

static void note_hold(struct world *w, const struct acc_cmd *cmd)
{
    struct oracle_hold hold = {
        .kind = cmd->hold,
        .until_ms = cmd->for_ms ? w->queue.now_ms + cmd->for_ms : UINT64_MAX,
        .asked_ms = w->queue.now_ms,
    };

    for (uint32_t i = 0; i < w->graph.model->n_services; i++) {
        if (cmd->verb == ACC_VERB_MAINTENANCE || cmd->selected[i]) {
            w->oracle.service[i].finishes = is_under_way(w, i);
        }
    }
    if (cmd->verb == ACC_VERB_MAINTENANCE) {
        w->oracle.maintenance = hold;
        return;
    }
    for (uint32_t i = 0; i < w->graph.model->n_services; i++) {
        struct oracle_service *s = &w->oracle.service[i];

        if (cmd->selected[i] && !is_observed(w, i)) {
            s->hold = hold;
            s->was_tried = true; /* it holds no phase up while it is held */
            s->command_ms = w->queue.now_ms;
            s->n_failures = 0;
        }
    }
}

void world_hold(struct world *w, enum acc_verb verb, enum acc_hold kind, uint32_t svc,
                uint64_t for_ms)
{
    struct acc_event event = {.type = ACC_EV_CMD};
    uint8_t *selected;

    if (!w->engine) {
        return;
    }
    selected = calloc(acc_engine_n_services(w->engine) + 1, 1);
    acc_assert(selected);
    selected[svc] = verb == ACC_VERB_HOLD;
    event.cmd = (struct acc_cmd){
        .verb = verb, .selected = selected, .hold = kind, .for_ms = for_ms, .by = "root"};
    world_trace(w, "  operator: %s %s of %s for %llu s", acc_verb_name(verb), acc_hold_name(kind),
                verb == ACC_VERB_HOLD ? world_service_id(w, svc) : "all",
                (unsigned long long)(for_ms / SECOND));
    note_hold(w, &event.cmd);
    world_step(w, &event);
    free(selected);
}

static struct sim_rand *hold_luck(struct world *w)
{
    return w->options.one_stream ? &w->hold_rand : world_fate(w);
}

static void random_hold(struct world *w)
{
    uint32_t svc = (uint32_t)sim_rand_below(hold_luck(w), w->graph.model->n_services);
    uint64_t for_ms = sim_rand_below(hold_luck(w), 3)
                          ? sim_rand_range(hold_luck(w), SECOND, 60 * MINUTE)
                          : 0;
    uint64_t what = sim_rand_below(hold_luck(w), 10);

    if (cut_has_service(w, svc)) {
        return;
    }

    if (what < 6) {
        enum acc_hold kind = (enum acc_hold)(ACC_HOLD_UP + what % 3);

        world_hold(w, ACC_VERB_HOLD, kind, svc, for_ms);
    } else if (what < 8) {
        world_command(w, ACC_VERB_RELEASE, svc, false);
    } else if (what == 8) {
        world_hold(w, ACC_VERB_MAINTENANCE, ACC_HOLD_FREEZE, svc,
                   sim_rand_range(hold_luck(w), SECOND, 30 * MINUTE));
    } else {
        world_hold(w, ACC_VERB_MAINTENANCE, ACC_HOLD_NONE, svc, 0);
    }
}

static void random_command(struct world *w)
{
    const struct acc_model *model = w->graph.model;
    uint32_t svc = (uint32_t)sim_rand_below(world_fate(w), model->n_services);
    uint32_t stack = model->service_stack[svc];
    const struct oracle_service *s = &w->oracle.service[svc];

    if (cut_has_service(w, svc)) {
        return;
    }
    if (w->options.upgrades && sim_rand_below(world_fate(w), 4) != 0) {
        bool is_back = sim_rand_below(world_fate(w), 6) == 0;

        if (!is_back && world_has_groups(&w->options) && sim_rand_below(world_fate(w), 2) == 0) {
            world_upgrade_group(w, svc);
        } else {
            world_upgrade(w, svc, is_back);
        }
        return;
    }
    switch (sim_rand_below(world_fate(w), 10)) {
    case 0:
    case 1:
    case 2:
        world_command(w, ACC_VERB_UP, svc, false);
        break;
    case 3:
        world_command(w, ACC_VERB_STOP, svc, false);
        break;
    case 4:
        world_command(w, ACC_VERB_STOP, svc, true);
        break;
    case 5:
        if (s->want_up && !s->is_unsure) {
            world_command(w, ACC_VERB_RESTART, svc, false);
        }
        break;
    case 6:
        world_command(w, ACC_VERB_RELEASE, svc, false);
        break;
    case 7:
        world_command(w, ACC_VERB_DOWN, svc, false);
        break;
    case 8:
        world_command_stack(w, sim_rand_below(world_fate(w), 3) ? ACC_VERB_UP : ACC_VERB_DOWN,
                            stack);
        break;
    default:
        world_command_stack(
            w, sim_rand_below(world_fate(w), 4) ? ACC_VERB_ADOPT : ACC_VERB_HAND_BACK, stack);
        break;
    }
}

/* --- docker and docker compose beside accd -------------------------------------------------- */

static void touched(struct world *w, uint32_t svc)
{
    if (svc != ACC_NONE) {
        w->oracle.service[svc].was_tried = true; /* likewise */
        w->oracle.service[svc].is_unsure = true; /* held, or released: accd has its own rules */
        oracle_disturb(&w->oracle, svc);
        world_join_word(w, svc);
    }
}

bool world_foreign(struct world *w, enum twin_verb verb, uint32_t svc)
{
    struct twin_container *c = world_container(w, svc, 1);
    struct twin_call call = {
        .verb = verb, .token = TWIN_FOREIGN, .grace_ms = 10000, .signal = 9, .force = true};

    if (!c) {
        return false;
    }
    memcpy(call.cid, c->cid, sizeof(call.cid));
    world_trace(w, "  by hand: docker %s %s", twin_verb_name(verb), c->name);
    touched(w, svc);
    twin_call(&w->twin, &call);
    return true;
}

static void compose_create(struct world *w, uint32_t svc, uint32_t number, const char *name,
                           bool oneoff)
{
    const struct acc_service_spec *spec = world_spec(w, svc);
    struct twin_call call = {.verb = TWIN_CREATE, .token = TWIN_FOREIGN};

    call.create = (struct twin_create){.svc = svc,
                                       .number = number,
                                       .oneoff = oneoff,
                                       .policy = spec->restart,
                                       .restart_max = spec->restart_max};
    for (size_t i = 0, n = 0; i < spec->n_edges && n < TWIN_BOUND_MAX; i++) {
        if (spec->edges[i].kind == ACC_EDGE_BINDS) {
            const struct twin_container *to = world_container(w, spec->edges[i].target, 1);

            (void)snprintf(call.create.bound_cid[n++], sizeof(call.create.bound_cid[0]), "%s",
                           to ? to->cid : "none");
        }
    }
    (void)snprintf(call.create.name, sizeof(call.create.name), "%s", name);
    twin_call(&w->twin, &call);
}

static void call_name(struct world *w, enum twin_verb verb, const char *name, const char *to)
{
    const struct twin_container *c = twin_find_name(&w->twin, name);
    struct twin_call call = {
        .verb = verb, .token = TWIN_FOREIGN, .grace_ms = 10000, .force = true, .signal = 9};

    if (c) {
        memcpy(call.cid, c->cid, sizeof(call.cid));
        (void)snprintf(call.name, sizeof(call.name), "%s", to);
        twin_call(&w->twin, &call);
    }
}

static void name_of(struct world *w, uint32_t svc, uint32_t number, char *name, size_t size)
{
    const struct acc_service_spec *spec = world_spec(w, svc);

    (void)snprintf(name, size, "%s-%s-%u", spec->stack, spec->name, number);
}

/* compose up --force-recreate SERVICE: create <id12>_name, stop and remove the old one, rename,
 * start. Each line takes a moment; `b` is the line. */
static void recreate(void *ctx, uint64_t svc, uint64_t line)
{
    struct world *w = ctx;
    char name[ACC_NAME_MAX + 1], temporary[ACC_NAME_MAX + 32];

    name_of(w, (uint32_t)svc, 1, name, sizeof(name));
    (void)snprintf(temporary, sizeof(temporary), "0123456789ab_%s", name);
    touched(w, (uint32_t)svc);
    switch (line) {
    case 0:
        compose_create(w, (uint32_t)svc, 1, temporary, false);
        break;
    case 1:
        call_name(w, TWIN_STOP, name, "");
        break;
    case 2:
        call_name(w, TWIN_REMOVE, name, "");
        break;
    case 3:
        call_name(w, TWIN_RENAME, temporary, name);
        break;
    case 4:
        call_name(w, TWIN_START, name, "");
        return;
    default:
        return;
    }
    sim_queue_in(&w->queue, line == 1 ? 11000 : 600, recreate, w, svc, line + 1);
}

/* compose down of one stack: stop all, then remove all. */
static void compose_down(void *ctx, uint64_t stack, uint64_t line)
{
    struct world *w = ctx;

    for (uint32_t i = 0; i < w->graph.model->n_services; i++) {
        if (w->graph.model->service_stack[i] == stack) {
            for (uint32_t n = 1; n <= w->graph.model->services[i]->replicas; n++) {
                struct twin_container *c = world_container(w, i, n);

                touched(w, i);
                if (c) {
                    call_name(w, line == 0 ? TWIN_STOP : TWIN_REMOVE, c->name, "");
                }
            }
        }
    }
    if (line == 0) {
        sim_queue_in(&w->queue, 12000, compose_down, w, stack, 1);
    }
}

static void start_named(void *ctx, uint64_t svc, uint64_t number)
{
    struct world *w = ctx;
    char name[ACC_NAME_MAX + 1];

    name_of(w, (uint32_t)svc, (uint32_t)number, name, sizeof(name));
    call_name(w, TWIN_START, name, "");
}

void world_compose_up(struct world *w, uint32_t stack)
{
    const struct acc_model *model = w->graph.model;
    uint64_t delay_ms = 500;

    for (uint32_t res = 0; res < model->n_resources; res++) {
        if (!w->twin.res_exists[res] && model->resources[res]->stack == stack) {
            w->twin.res_exists[res] = true;
            w->twin.res_made[res]++;
        }
    }
    for (size_t i = 0; i < model->n_services; i++) {
        uint32_t svc = model->order[i];
        char name[ACC_NAME_MAX + 1];

        for (uint32_t n = 1;
             model->service_stack[svc] == stack && n <= model->services[svc]->replicas; n++) {
            name_of(w, svc, n, name, sizeof(name));
            compose_create(w, svc, n, name, false);
            sim_queue_in(&w->queue, delay_ms, start_named, w, svc, n);
            delay_ms += 500;
        }
        world_run_for(w, 200);
    }
    world_run_for(w, delay_ms);
}

static void unpause_later(void *ctx, uint64_t index, uint64_t b)
{
    struct world *w = ctx;
    struct twin_container *c = w->twin.item[index];

    (void)b;
    if (c->exists) {
        call_name(w, TWIN_UNPAUSE, c->name, "");
    }
}

static void run_oneoff(struct world *w, uint32_t svc)
{
    char name[ACC_NAME_MAX + 1];

    (void)snprintf(name, sizeof(name), "oneoff-%u", (unsigned)w->n_foreign++);
    world_trace(w, "  by hand: docker compose run, as %s", name);
    compose_create(w, svc, 1, name, true);
}

static void random_foreign(struct world *w)
{
    uint32_t svc = (uint32_t)sim_rand_below(world_fate(w), w->graph.model->n_services);
    struct twin_container *c = world_container(w, svc, 1);

    if (cut_has_service(w, svc)) {
        return;
    }
    switch (sim_rand_below(world_fate(w), 14)) {
    case 0:
    case 1:
    case 2:
        (void)world_foreign(w, TWIN_STOP, svc);
        break;
    case 3:
    case 4:
        (void)world_foreign(w, TWIN_START, svc);
        break;
    case 5:
    case 6:
    case 7:
        (void)world_foreign(w, TWIN_KILL, svc);
        break;
    case 8:
        (void)world_foreign(w, TWIN_REMOVE, svc);
        break;
    case 9:
    case 10:
        if (world_foreign(w, TWIN_PAUSE, svc)) {
            sim_queue_in(&w->queue, sim_rand_range(world_fate(w), 500, 10 * MINUTE), unpause_later,
                         w, c->index, 0);
        }
        break;
    case 11:
        recreate(w, svc, 0);
        break;
    case 12:
        if (sim_rand_below(world_fate(w), 3) == 0) {
            compose_down(w, w->graph.model->service_stack[svc], 0);
        }
        break;
    default:
        run_oneoff(w, svc);
        break;
    }
}

/* --- what happens when ---------------------------------------------------------------------- */

const char *world_trouble_name(enum trouble trouble)
{
    static const char *const names[TROUBLE_COUNT] = {
        "accd is killed",
        "the stream breaks",
        "dockerd is killed",
        "dockerd is restarted",
        "dockerd hangs",
        "docker by hand",
        "operators",
        "bad spells",
        "images are pruned",
        "holds",
        "the host",
        "files change",
        "the host shuts down",
        "networks by hand",
        "the disk is full",
        "images get newer",
    };

    return names[trouble];
}

uint64_t world_trouble_mean(const struct world *w, enum trouble trouble)
{
    const uint64_t means[TROUBLE_COUNT] = {
        [TROUBLE_ACCD] = w->faults.accd_crash,    [TROUBLE_STREAM] = w->faults.stream_break,
        [TROUBLE_CRASH] = w->faults.engine_crash, [TROUBLE_RESTART] = w->faults.engine_restart,
        [TROUBLE_HANG] = w->faults.engine_hang,   [TROUBLE_FOREIGN] = w->faults.foreign,
        [TROUBLE_OPERATOR] = w->faults.operator_, [TROUBLE_SPELL] = w->faults.spell,
        [TROUBLE_PRUNE] = w->faults.prune,        [TROUBLE_HOLD] = w->faults.hold,
        [TROUBLE_HOST] = w->faults.host,          [TROUBLE_CHANGE] = w->faults.change,
        [TROUBLE_SHUTDOWN] = w->faults.shutdown,  [TROUBLE_NETWORK] = w->faults.network,
        [TROUBLE_DISK] = w->faults.disk,          [TROUBLE_PUSH] = w->faults.push,
    };

    return means[trouble];
}

static void set_live_restore(struct world *w)
{
    w->twin.live_restore = sim_rand_below(world_fate(w), 100) < w->faults.live_restore_pct;
}

static void random_spell(struct world *w, uint32_t svc)
{
    static const enum sim_spell spells[] = {SIM_SPELL_CRASH_LOOP, SIM_SPELL_CRASH_LOOP,
                                            SIM_SPELL_NEVER_READY, SIM_SPELL_START_FAILS,
                                            SIM_SPELL_BAD_COMMAND};
    enum sim_spell spell = spells[sim_rand_below(world_fate(w), ACC_ARRAY_LEN(spells))];
    uint64_t ms = sim_rand_range(world_fate(w), SECOND, 30 * MINUTE);

    sim_workload_spell(&w->workloads.item[svc], spell, ms);
}

static void strike(struct world *w, enum trouble trouble)
{
    uint32_t svc = (uint32_t)sim_rand_below(world_fate(w), w->graph.model->n_services);

    switch (trouble) {
    case TROUBLE_HOST:
        world_host_strike(w);
        break;
    case TROUBLE_CHANGE:
        world_change_strike(w);
        break;
    case TROUBLE_SHUTDOWN:
        world_shut_down(w, sim_rand_u64(world_fate(w)));
        break;
    case TROUBLE_PUSH:
        world_autos_strike(w);
        break;
    case TROUBLE_DISK:
        world_disk_strike(w);
        break;
    case TROUBLE_NETWORK:
        world_networks_strike(w);
        break;
    case TROUBLE_ACCD:
        if (w->engine && sim_rand_below(world_fate(w), 3) == 0) {
            world_accd_kill(w, false, false);
        } else if (w->engine) {
            w->crash_in = (uint32_t)sim_rand_range(world_fate(w), 1, 30);
        }
        break;
    case TROUBLE_STREAM:
        world_break_stream(w);
        break;
    case TROUBLE_CRASH:
        set_live_restore(w);
        twin_crash(&w->twin, sim_rand_range(world_fate(w), 500, 30000));
        break;
    case TROUBLE_RESTART:
        set_live_restore(w);
        twin_restart(&w->twin, sim_rand_range(world_fate(w), 500, 30000));
        break;
    case TROUBLE_HANG:
        twin_hang(&w->twin, sim_rand_range(world_fate(w), 1000, 120000));
        break;
    case TROUBLE_FOREIGN:
        random_foreign(w);
        break;
    case TROUBLE_OPERATOR:
        random_command(w);
        break;
    case TROUBLE_SPELL:
        if (!cut_has_service(w, svc)) {
            random_spell(w, svc);
            world_trace(w, "  a bad spell for %s", world_service_id(w, svc));
        }
        break;
    case TROUBLE_PRUNE:
        twin_prune_images(&w->twin);
        break;
    case TROUBLE_HOLD:
        random_hold(w);
        break;
    }
}

/* Streams of their own for what happens and for when: those of the older kinds stay what they were.
 */
static uint64_t fate_of(uint64_t trouble)
{
    return trouble >= TROUBLE_CHANGE ? UINT64_C(2) * trouble : trouble;
}

static uint64_t fate_of_when(uint64_t trouble)
{
    return trouble >= TROUBLE_CHANGE ? fate_of(trouble) + 1 : TROUBLE_CHANGE + trouble;
}

/* Begin of the burst in the span that this moment is in. */
static uint64_t burst_of(const struct world *w, uint64_t at_ms)
{
    uint64_t span = at_ms / BURST_EVERY;
    struct sim_rand rand = sim_rand_at(w->options.seed, span, BURST_EVERY);

    return span * BURST_EVERY + sim_rand_below(&rand, BURST_EVERY - BURST_LASTS);
}

/* The next one of its kind: as drawn, but none jumps over a burst. */
static uint64_t wait_for_next(struct world *w, uint64_t mean_ms)
{
    uint64_t now_ms = w->queue.now_ms;
    uint64_t wait_ms = sim_rand_range(world_fate(w), 1, 2 * mean_ms);
    uint64_t burst_ms = burst_of(w, now_ms);

    if (w->options.rarity == 0) {
        return wait_ms;
    }
    if (now_ms >= burst_ms + BURST_LASTS) {
        burst_ms = burst_of(w, now_ms + BURST_EVERY);
    }
    if (now_ms + wait_ms < burst_ms) {
        return wait_ms;
    }
    uint64_t from_ms = now_ms > burst_ms ? now_ms : burst_ms;
    uint64_t soon_ms = from_ms + 1 + wait_ms / w->options.rarity;

    return soon_ms < burst_ms + BURST_LASTS ? soon_ms - now_ms : wait_ms;
}

/* `number`: which one of its kind. */
static void trouble_now(void *ctx, uint64_t trouble, uint64_t number)
{
    struct world *w = ctx;

    if (!w->is_chaos) {
        return;
    }
    world_fate_begin(w, fate_of(trouble), number);
    w->n_troubles[trouble]++;
    if (!cut_has(&w->options.cuts, CUT_EVENT, (uint32_t)trouble, (uint32_t)number)) {
        strike(w, (enum trouble)trouble);
    }
    world_fate_begin(w, fate_of_when(trouble), number + 1);
    sim_queue_in(&w->queue, wait_for_next(w, world_trouble_mean(w, (enum trouble)trouble)),
                 trouble_now, w, trouble, number + 1);
}

void world_faults_begin(struct world *w)
{
    w->is_chaos = true;
    w->workloads.faults = true;
    world_autos_begin(w);
    if (w->options.upgrades) {
        sim_queue_in(&w->queue, DECIDE_EVERY_MS, decide, w, 0, 0);
    }
    for (uint32_t t = 0; t < TROUBLE_COUNT; t++) {
        uint64_t mean_ms = world_trouble_mean(w, (enum trouble)t);

        world_fate_begin(w, fate_of_when(t), 0);
        if (mean_ms > 0 && !cut_has(&w->options.cuts, CUT_FAULT, t, 0)) {
            sim_queue_in(&w->queue, wait_for_next(w, mean_ms), trouble_now, w, t, 0);
        }
    }
}
