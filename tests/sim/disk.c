/* A full disk: accd's, on which its state is, Docker's, or both. */
#include "tests/sim/world.h"

#define SECOND UINT64_C(1000)
#define MINUTE (60 * SECOND)

void world_disk_init(struct world *w)
{
    struct sim_rand rand = {.state = w->options.seed ^ UINT64_C(0xd15c)};
    uint64_t kind = w->options.seed % 17;

    /* Regressions are none of these. */
    if (!w->options.one_stream && (kind == 3 || kind == 4 || kind == 14 || kind == 16)) {
        w->faults.disk = MINUTE * sim_rand_range(&rand, 15, 120);
    }
}

static void tell(struct world *w, bool is_full)
{
    struct acc_event event = {.type = ACC_EV_HOST};

    event.host.condition = ACC_CONDITION_DISK;
    event.host.is_met = is_full ? ACC_NO : ACC_YES;
    w->disk.is_told = is_full;
    w->disk.told_ms = w->queue.now_ms;
    world_step(w, &event);
}

void world_disk_tell(struct world *w)
{
    if (w->disk.is_full != w->disk.is_told) {
        tell(w, w->disk.is_full);
    }
}

static void has_room(void *ctx, uint64_t number, uint64_t b)
{
    struct world *w = ctx;

    (void)b;
    if (w->disk.number == number && (w->disk.is_full || w->twin.disk_is_full)) {
        world_trace(w, "  the disk has room again");
        w->disk.is_full = w->twin.disk_is_full = false;
    }
}

void world_disk_strike(struct world *w)
{
    uint64_t which = sim_rand_below(world_fate(w), 3);
    uint64_t for_ms = sim_rand_below(world_fate(w), 3) == 0
                          ? sim_rand_range(world_fate(w), SECOND, 30 * SECOND)
                          : sim_rand_range(world_fate(w), MINUTE, 40 * MINUTE);

    if (w->disk.is_full || w->twin.disk_is_full) {
        return;
    }
    w->disk.since_ms = w->queue.now_ms;
    w->disk.is_full = which != 0;
    w->twin.disk_is_full = which != 1;
    world_trace(w, "  %s disk is full", which == 0 ? "Docker's" : which == 1 ? "accd's" : "the");
    sim_queue_in(&w->queue, for_ms, has_room, w, ++w->disk.number, 0);
}

void world_disk_heal(struct world *w)
{
    has_room(w, w->disk.number, 0);
}
