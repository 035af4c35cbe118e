#include "tests/sim/rand.h"

#include <stdlib.h>

#include "lib/base/assert.h"

struct sim_rand sim_rand_at(uint64_t seed, uint64_t a, uint64_t b)
{
    struct sim_rand mix = {.state = seed};

    mix.state = sim_rand_u64(&mix) ^ a;
    mix.state = sim_rand_u64(&mix) ^ b;
    return (struct sim_rand){.state = sim_rand_u64(&mix), .is_stream = true};
}

void sim_rand_split(struct sim_rand *rand, size_t n)
{
    rand->stream = calloc(n + 1, sizeof(*rand->stream));
    acc_assert(rand->stream);
    rand->n_streams = n;
    for (size_t i = 0; i < n; i++) {
        rand->stream[i] = sim_rand_at(rand->state, i, n);
    }
}

void sim_rand_fini(struct sim_rand *rand)
{
    free(rand->stream);
    *rand = (struct sim_rand){0};
}

struct sim_rand *sim_rand_of(struct sim_rand *rand, size_t key)
{
    acc_assert(!rand->stream || key < rand->n_streams);
    return rand->stream ? &rand->stream[key] : rand;
}

uint64_t sim_rand_u64(struct sim_rand *rand)
{
    uint64_t z = (rand->state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint64_t sim_rand_below(struct sim_rand *rand, uint64_t below)
{
    return below == 0 ? 0 : sim_rand_u64(rand) % below;
}

uint64_t sim_rand_range(struct sim_rand *rand, uint64_t low, uint64_t high)
{
    if (high <= low && !rand->is_stream) {
        return low;
    }
    return low + sim_rand_below(rand, high > low ? high - low + 1 : 1);
}

bool sim_rand_chance(struct sim_rand *rand, uint32_t permyriad)
{
    return (permyriad > 0 || rand->is_stream) && sim_rand_below(rand, 10000) < permyriad;
}
