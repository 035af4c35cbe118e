/*
 * Upgrades by themselves: a registry in which images get newer (one in four is bad), the clock on
 * the wall, and what accd is told of both.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "tests/sim/world.h"

#define SECOND UINT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
/* So much rarer is all that goes wrong. */
#define CALMER 12u
/* Two of three services take what there is. */
#define IS_AUTO(svc) ((svc) % 3 != 2)

bool world_has_autos(const struct world_options *options)
{
    uint64_t kind = options->seed % 17;

    /* Regressions are none of these. */
    return world_has_groups(options) && (kind == 7 || kind == 8 || kind == 15);
}

/* It waits for any open incident and for any upgrade: in a storm nothing would come of it. */
static void calm_down(struct world *w)
{
    uint64_t *const means[] = {&w->faults.accd_crash,   &w->faults.stream_break,
                               &w->faults.engine_crash, &w->faults.engine_restart,
                               &w->faults.engine_hang,  &w->faults.foreign,
                               &w->faults.operator_,    &w->faults.spell,
                               &w->faults.hold,         &w->faults.host,
                               &w->faults.change,       &w->faults.network,
                               &w->faults.disk};

    for (size_t i = 0; i < ACC_ARRAY_LEN(means); i++) {
        *means[i] *= CALMER;
    }
    for (uint32_t i = 0; i < w->graph.model->n_services; i++) {
        struct sim_habits *habits = &w->workloads.item[i].habits;

        habits->mtbf *= CALMER;
        habits->sick_every *= CALMER;
        habits->job_fail_pct = 0;
    }
}

void world_autos_init(struct world *w)
{
    static const char *const windows[] = {"daily 00:30-02:00", "daily 03:00-04:30",
                                          "daily 05:00-05:05", "daily 08:00-12:00",
                                          "daily 13:00-16:00", "daily 20:00-23:00"};
    struct sim_rand rand = {.state = w->options.seed ^ UINT64_C(0xa070)};

    if (!world_has_autos(&w->options)) {
        return;
    }
    for (size_t i = 0; i < ACC_ARRAY_LEN(windows); i++) {
        acc_assert(acc_window_parse(windows[i], &w->auto_spec.window[w->auto_spec.n_windows++]));
    }
    w->auto_spec.min_age_ms = sim_rand_below(&rand, 2) ? 0 : MINUTE * sim_rand_range(&rand, 1, 60);
    for (size_t i = 0; i < w->graph.model->n_services; i++) {
        w->graph.model->services[i]->upgrade_auto = IS_AUTO(i) ? &w->auto_spec : NULL;
    }
    calm_down(w);
    w->faults.push = MINUTE * sim_rand_range(&rand, 1, 15);
    w->options.chaos_ms = HOUR * sim_rand_range(&rand, 10, 40);
}

static int64_t unix_s(const struct world *w)
{
    return twin_now_ns(&w->twin) / 1000000000;
}

/* Each minute, as long as there are faults: what begins later would be no quiet end. */
static void tell_clock(void *ctx, uint64_t a, uint64_t b)
{
    struct world *w = ctx;
    struct acc_event event = {.type = ACC_EV_CLOCK};

    if (w->is_chaos) {
        event.clock.unix_ms = unix_s(w) * 1000;
        world_step(w, &event);
        sim_queue_in(&w->queue, MINUTE, tell_clock, w, a, b);
    }
}

void world_autos_begin(struct world *w)
{
    if (world_has_autos(&w->options)) {
        tell_clock(w, 0, 0);
    }
}

void world_autos_strike(struct world *w)
{
    uint32_t svc = (uint32_t)sim_rand_below(world_fate(w), w->graph.model->n_services);

    if (!cut_has_service(w, svc)) {
        w->version[svc]++;
        world_trace(w, "  the registry has version %" PRIu32 " of %s%s", w->version[svc],
                    world_service_id(w, svc), world_is_bad(w->version[svc]) ? ", a bad one" : "");
    }
}

/* What runs of it, as far as a registry would know it by its digest; here that is the image's id.
 */
static const char *running(struct world *w, uint32_t svc)
{
    const struct twin_container *c = world_container(w, svc, 1);

    return c && c->made.image_id[0] ? c->made.image_id : NULL;
}

static void look_tell(void *ctx, uint64_t life, uint64_t svc)
{
    struct world *w = ctx;
    struct acc_event event = {.type = ACC_EV_LOOKED};
    const char *is = running(w, (uint32_t)svc);
    char digest[ACC_HASH_LEN + 8];
    bool fails = sim_rand_below(world_luck(w, (uint32_t)svc), 8) == 0;

    if (w->life != life || !w->engine) {
        return;
    }
    (void)snprintf(digest, sizeof(digest), "sha256:%" PRIu64 "-%" PRIu32, svc, w->version[svc]);
    event.looked.service = world_service_id(w, (uint32_t)svc);
    event.looked.image = w->graph.model->services[svc]->image;
    event.looked.news = fails                            ? ACC_NEWS_UNKNOWN
                        : !is || strcmp(is, digest) == 0 ? ACC_NEWS_NONE
                                                         : ACC_NEWS_OTHER;
    event.looked.digest = event.looked.news == ACC_NEWS_OTHER ? digest : "";
    event.looked.reason = fails ? "toomanyrequests" : "";
    world_step(w, &event);
}

void world_look_up(struct world *w, const struct acc_action *a)
{
    sim_queue_in(&w->queue, sim_rand_range(world_luck(w, a->svc), 50, 20 * SECOND), look_tell, w,
                 w->life, a->svc);
}

/* --- the oracle ------------------------------------------------------------------------------ */

static bool is_open(const struct world *w, int64_t at_s)
{
    const struct acc_zone utc = {0};
    int64_t begin_s, end_s;

    return acc_windows_find(w->auto_spec.window, w->auto_spec.n_windows, &utc, at_s, &begin_s,
                            &end_s) &&
           begin_s <= at_s;
}

/* It begins: in its window, alone, and not with what was taken back. */
void world_autos_check(struct world *w, const struct acc_action *a)
{
    struct oracle_service *s = &w->oracle.service[a->svc];
    struct acc_service_record record;

    acc_engine_service_record(w->engine, a->svc, w->queue.now_ms, &record);
    if (record.rollout.id == s->auto_seen || strcmp(record.rollout.by, ACC_BY_AUTO) != 0) {
        return;
    }
    s->auto_seen = record.rollout.id;
    if (!IS_AUTO(a->svc)) {
        world_fail(w, "auto: %s is upgraded, and nobody asked for it", world_service_id(w, a->svc));
    } else if (!is_open(w, unix_s(w)) && !is_open(w, unix_s(w) - 120)) {
        world_fail(w, "auto: %s is upgraded outside its window", world_service_id(w, a->svc));
    } else if (a->digest[0] && strcmp(a->digest, s->auto_bad) == 0) {
        world_fail(w, "auto: %s is upgraded to what was taken back", world_service_id(w, a->svc));
    }
    for (uint32_t i = 0; i < w->graph.model->n_services; i++) {
        struct acc_service_view view;

        acc_engine_service(w->engine, i, w->queue.now_ms, &view);
        /* one that is held, or was handed back, waits for a person, and nobody waits for that */
        if (i != a->svc && view.hold.kind == ACC_HOLD_NONE && !view.observing &&
            (view.state == ACC_SVC_UPGRADING || view.state == ACC_SVC_ROLLING_BACK) &&
            view.step >= ACC_ROLL_PULL && view.step < ACC_ROLL_WATCH &&
            s->command_ms != w->queue.now_ms &&
            w->oracle.service[i].command_ms + 2 * MINUTE < w->queue.now_ms &&
            w->oracle.service[i].disturbed_ms + 2 * MINUTE < w->queue.now_ms) {
            world_fail(w, "auto: %s is upgraded beside %s", world_service_id(w, a->svc),
                       world_service_id(w, i));
        }
    }
}

/* What is on disk of it: not to be tried again unless somebody asks. */
void world_autos_hear(struct world *w, uint32_t svc)
{
    struct acc_service_record record;

    if (world_has_autos(&w->options)) {
        acc_engine_service_record(w->engine, svc, w->queue.now_ms, &record);
        memcpy(w->oracle.service[svc].auto_bad, record.autos.bad_digest,
               sizeof(w->oracle.service[svc].auto_bad));
    }
}
