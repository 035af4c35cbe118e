/*
 * Storms (E5): when many services leave READY at once, something behind all of them has gone (a
 * disk, a network, a proxy), and restarts for health would only add to it. They are frozen for a
 * minute; what is still bad then is restarted by heal tokens, those that others stand on first (the
 * schedule looks at services in the order of the graph).
 */

#include <string.h>

#include "lib/engine/internal.h"

#define STORM_WINDOW_S  30u
#define STORM_FREEZE_MS 60000u
/* After the freeze: so long each restart costs a heal token. */
#define STORM_AFTER_MS 300000u
#define STORM_MIN      5u

static uint32_t threshold(const struct acc_engine *e)
{
    uint32_t tenth = (e->n_services + 9) / 10;

    return tenth > STORM_MIN ? tenth : STORM_MIN;
}

static uint32_t n_left(const struct storm *storm, uint64_t second)
{
    uint32_t sum = 0;

    for (uint32_t k = 0; k < ACC_STORM_BUCKETS; k++) {
        sum += storm->second[k] + STORM_WINDOW_S > second ? storm->n[k] : 0;
    }
    return sum;
}

void acc_storm_left(struct acc_engine *e, struct service *s)
{
    struct storm *storm = &e->storm;
    uint64_t second = e->now / 1000;
    uint32_t k = (uint32_t)(second % ACC_STORM_BUCKETS);

    if (!s->wanted_up || s->going_down || e->shutdown.is_on || e->conn != CONN_UP || !e->synced ||
        acc_svc_held(e, s) || acc_svc_observing(e, s)) {
        return; /* it was asked to, or it is the engine that went */
    }
    bool is_again = s->storm_ms && e->now < s->storm_ms + STORM_WINDOW_S * 1000;

    s->storm_ms = e->now ? e->now : 1;
    if (is_again) {
        return; /* one that flaps is no storm */
    }
    if (storm->second[k] != second) {
        storm->second[k] = second;
        storm->n[k] = 0;
    }
    storm->n[k]++;
    if (n_left(storm, second) < threshold(e)) {
        return;
    }
    acc_note(e, ACC_NOTE_DECISION, ACC_NONE,
             "%u services left READY within 30 s: no restart for health for a minute",
             (unsigned)n_left(storm, second));
    memset(storm, 0, sizeof(*storm)); /* the next one is counted anew */
    storm->until_ms = e->now + STORM_FREEZE_MS;
}

bool acc_storm_is_on(const struct acc_engine *e)
{
    return e->now < e->storm.until_ms;
}

bool acc_storm_is_over(const struct acc_engine *e)
{
    return !e->storm.until_ms || e->now >= e->storm.until_ms + STORM_AFTER_MS;
}

bool acc_storm_lets_heal(struct acc_engine *e, struct service *s)
{
    if (!e->storm.until_ms || acc_storm_is_over(e)) {
        return true;
    }
    return acc_due(e, s, e->storm.until_ms) && acc_heal_token(e, s);
}
