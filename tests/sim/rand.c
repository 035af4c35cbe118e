#include "tests/sim/rand.h"

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
    return high <= low ? low : low + sim_rand_below(rand, high - low + 1);
}

bool sim_rand_chance(struct sim_rand *rand, uint32_t permyriad)
{
    return permyriad > 0 && sim_rand_below(rand, 10000) < permyriad;
}
