#pragma once

/*
 * Chance, from one seed: splitmix64, whole numbers only, the same with every compiler.
 */

#include <stdbool.h>
#include <stdint.h>

struct sim_rand {
    uint64_t state;
};

uint64_t sim_rand_u64(struct sim_rand *rand);
/* 0 .. below-1; 0 when `below` is 0. */
uint64_t sim_rand_below(struct sim_rand *rand, uint64_t below);
/* low .. high, both included. */
uint64_t sim_rand_range(struct sim_rand *rand, uint64_t low, uint64_t high);
/* True `permyriad` times in ten thousand. */
bool sim_rand_chance(struct sim_rand *rand, uint32_t permyriad);
