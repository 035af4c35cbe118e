#pragma once

/*
 * What the engine has to look at: sets of positions, taken out lowest first, and a heap of
 * deadlines. Both sized once; nothing here depends on the order in which things were put in.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct acc_bits {
    uint64_t *word; /* owned */
    uint32_t n_words;
    uint32_t low; /* no bit is set below this word */
    uint32_t n_set;
};

int acc_bits_init(struct acc_bits *bits, size_t n); /* 0 or -ENOMEM */
void acc_bits_fini(struct acc_bits *bits);
void acc_bits_set(struct acc_bits *bits, uint32_t i);
void acc_bits_clear(struct acc_bits *bits, uint32_t i);
bool acc_bits_has(const struct acc_bits *bits, uint32_t i);
/* The lowest one, or ACC_NONE; take() also clears it. */
uint32_t acc_bits_first(struct acc_bits *bits);
uint32_t acc_bits_take(struct acc_bits *bits);

struct acc_heap {
    uint64_t *key;  /* owned; of each item, UINT64_MAX when it isn't in */
    uint32_t *heap; /* owned; items, a binary heap by (key, item) */
    uint32_t *at;   /* owned; place of each item */
    uint32_t n;
};

int acc_heap_init(struct acc_heap *heap, size_t n_items); /* 0 or -ENOMEM */
void acc_heap_fini(struct acc_heap *heap);
/* Put in, move or (UINT64_MAX) take out. */
void acc_heap_set(struct acc_heap *heap, uint32_t item, uint64_t key);
/* The least key, or UINT64_MAX; and its item. */
uint64_t acc_heap_least(const struct acc_heap *heap, uint32_t *ret_item);
