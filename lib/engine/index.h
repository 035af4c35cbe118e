#pragma once

/*
 * Index: from a hash to a number, open addressing, sized once.
 *
 * Keys live with their owners: find() yields every value stored under a hash and the caller
 * compares. So one table serves container ids, service names and operation numbers.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct acc_index {
    struct acc_index_slot {
        uint64_t hash;
        uint32_t value; /* ACC_NONE: free */
    } * slot;           /* owned */
    uint32_t mask;
    uint32_t n;
};

/* Room for `n_max` values. 0 or -ENOMEM. */
int acc_index_init(struct acc_index *index, size_t n_max);
void acc_index_fini(struct acc_index *index);
/* `value` must not be ACC_NONE, and there must be room. */
void acc_index_put(struct acc_index *index, uint64_t hash, uint32_t value);
/* The first value under `hash` when `*pos` is UINT32_MAX, else the one after it; ACC_NONE at the
 * end. */
uint32_t acc_index_next(const struct acc_index *index, uint64_t hash, uint32_t *pos);
/* Is the pair there? */
bool acc_index_has(const struct acc_index *index, uint64_t hash, uint32_t value);
/* No effect when the pair isn't there. */
void acc_index_remove(struct acc_index *index, uint64_t hash, uint32_t value);

uint64_t acc_hash_text(const char *text);                             /* FNV-1a */
uint64_t acc_hash_bytes(uint64_t hash, const void *data, size_t len); /* continued FNV-1a */
uint64_t acc_hash_u64(uint64_t value);
#define ACC_HASH_START 0xcbf29ce484222325ull
