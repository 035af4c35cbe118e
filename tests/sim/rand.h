#pragma once

/*
 * Chance, from one seed: splitmix64, whole numbers only, the same with every compiler.
 *
 * A generator can be split into streams: then what one of them draws moves nothing of what the
 * others draw, and a story stays what it is when a part of it is left out.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sim_rand {
    uint64_t state;
    struct sim_rand *stream; /* owned; NULL: it isn't split */
    size_t n_streams;
    bool is_stream; /* draws also where the answer is known: the others may ask for it */
};

/* A stream for each key below `n`. */
void sim_rand_split(struct sim_rand *rand, size_t n);
void sim_rand_fini(struct sim_rand *rand);
/* That of a key; the one for all when it isn't split. */
struct sim_rand *sim_rand_of(struct sim_rand *rand, size_t key);
/* Begin a stream of its own for something that has two numbers. */
struct sim_rand sim_rand_at(uint64_t seed, uint64_t a, uint64_t b);

uint64_t sim_rand_u64(struct sim_rand *rand);
/* 0 .. below-1; 0 when `below` is 0. */
uint64_t sim_rand_below(struct sim_rand *rand, uint64_t below);
/* low .. high, both included. */
uint64_t sim_rand_range(struct sim_rand *rand, uint64_t low, uint64_t high);
/* True `permyriad` times in ten thousand. */
bool sim_rand_chance(struct sim_rand *rand, uint32_t permyriad);
