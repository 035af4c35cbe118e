#include "tests/sim/cut.h"

#include <string.h>

#include "lib/base/assert.h"
#include "tests/sim/world.h"

bool cut_has(const struct cuts *cuts, enum cut_kind kind, uint32_t at, uint32_t number)
{
    for (size_t i = 0; i < cuts->n; i++) {
        const struct cut *cut = &cuts->item[i];

        if (cut->kind == kind && cut->at == at && cut->number == number) {
            return true;
        }
    }
    return false;
}

bool cut_has_service(const struct world *world, uint32_t svc)
{
    return svc != ACC_NONE && cut_has(&world->options.cuts, CUT_SERVICE, svc, 0);
}

/* --- quirks and habits ------------------------------------------------------------------------ */

static const struct quirk {
    const char *name;
    size_t offset;
} quirks[CUT_QUIRKS] = {
    {"events are dropped", offsetof(struct twin_quirks, drop_hint)},
    {"events are doubled", offsetof(struct twin_quirks, double_hint)},
    {"events are late", offsetof(struct twin_quirks, late_hint)},
    {"stop is told before die", offsetof(struct twin_quirks, stop_before_die)},
    {"answers are lost", offsetof(struct twin_quirks, lose_answer)},
    {"calls are slow", offsetof(struct twin_quirks, slow_call)},
    {"a stop ends after its time", offsetof(struct twin_quirks, stuck_stop)},
    {"inspects are lost", offsetof(struct twin_quirks, lose_inspect)},
    {"a removal takes long", offsetof(struct twin_quirks, slow_remove)},
    {"a removal fails", offsetof(struct twin_quirks, dead_remove)},
    {"pulls fail", offsetof(struct twin_quirks, pull_fails)},
    {"networks and volumes can't be made", offsetof(struct twin_quirks, make_fails)},
    {"a creation gets lost with dockerd", offsetof(struct twin_quirks, lose_created)},
    {"health checks stand still", offsetof(struct twin_quirks, frozen_health)},
    {"pulls take long", offsetof(struct twin_quirks, pull_ms_max)},
};

static size_t size_of(uint32_t quirk)
{
    return quirks[quirk].offset == offsetof(struct twin_quirks, frozen_health) ? sizeof(bool)
                                                                               : sizeof(uint32_t);
}

static void set_quirk(struct twin_quirks *to, uint32_t quirk, const struct twin_quirks *from)
{
    memcpy((char *)to + quirks[quirk].offset, (const char *)from + quirks[quirk].offset,
           size_of(quirk));
}

const char *cut_quirk_name(uint32_t quirk)
{
    return quirks[quirk].name;
}

bool cut_has_quirk(const struct world *world, uint32_t quirk)
{
    const struct twin_quirks none = twin_quirks_none();

    return memcmp((const char *)&world->twin.quirks + quirks[quirk].offset,
                  (const char *)&none + quirks[quirk].offset, size_of(quirk)) != 0;
}

const char *cut_habit_name(uint32_t habit)
{
    static const char *const names[CUT_HABITS] = {
        "crashes", "falls ill", "suffers with what it needs", "fails at its work"};

    return names[habit];
}

bool cut_has_habit(const struct world *world, uint32_t svc, uint32_t habit)
{
    const struct sim_habits *h = &world->graph.habits[svc];
    const bool has[CUT_HABITS] = {h->mtbf > 0, h->sick_every > 0,
                                  h->dep_exit_pct + h->dep_sick_pct > 0, h->job_fail_pct > 0};

    return has[habit];
}

static void cut_habit(struct sim_habits *h, uint32_t habit)
{
    switch (habit) {
    case 0:
        h->mtbf = 0;
        break;
    case 1:
        h->sick_every = 0;
        break;
    case 2:
        h->dep_exit_pct = h->dep_sick_pct = 0;
        break;
    default:
        h->job_fail_pct = 0;
        break;
    }
}

/* --- the graph ------------------------------------------------------------------------------- */

static void cut_edges(struct world *w, uint32_t svc)
{
    struct acc_service_spec *spec = w->graph.model->services[svc];
    size_t n = 0;

    for (uint32_t i = 0; i < spec->n_edges; i++) {
        if (!cut_has_service(w, svc) && !cut_has_service(w, spec->edges[i].target) &&
            !cut_has(&w->options.cuts, CUT_EDGE, svc, i)) {
            spec->edges[n++] = spec->edges[i];
        }
    }
    spec->n_edges = n;
}

void cut_apply(struct world *w)
{
    const struct twin_quirks none = twin_quirks_none();

    for (uint32_t i = 0; i < w->graph.model->n_services && w->options.cuts.n > 0; i++) {
        cut_edges(w, i);
        if (cut_has_service(w, i)) { /* its number stays, so that the others keep theirs */
            w->graph.model->services[i]->replicas = 0;
        }
    }
    for (size_t i = 0; i < w->options.cuts.n; i++) {
        const struct cut *cut = &w->options.cuts.item[i];

        if (cut->kind == CUT_QUIRK) {
            set_quirk(&w->twin.quirks, cut->at, &none);
        } else if (cut->kind == CUT_HABIT) {
            cut_habit(&w->workloads.item[cut->at].habits, cut->number);
        }
    }
}
