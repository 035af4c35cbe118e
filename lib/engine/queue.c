#include "lib/engine/queue.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/base/assert.h"
#include "lib/model/spec.h"

int acc_bits_init(struct acc_bits *bits, size_t n)
{
    bits->n_words = (uint32_t)(n / 64 + 1);
    bits->low = bits->n_words;
    bits->n_set = 0;
    bits->word = calloc(bits->n_words, sizeof(*bits->word));
    return bits->word ? 0 : -ENOMEM;
}

void acc_bits_fini(struct acc_bits *bits)
{
    free(bits->word);
    *bits = (struct acc_bits){0};
}

bool acc_bits_has(const struct acc_bits *bits, uint32_t i)
{
    return bits->word[i / 64] >> (i % 64) & 1;
}

void acc_bits_set(struct acc_bits *bits, uint32_t i)
{
    acc_assert(i / 64 < bits->n_words);
    if (!acc_bits_has(bits, i)) {
        bits->word[i / 64] |= 1ull << (i % 64);
        bits->n_set++;
        bits->low = i / 64 < bits->low ? i / 64 : bits->low;
    }
}

void acc_bits_clear(struct acc_bits *bits, uint32_t i)
{
    if (acc_bits_has(bits, i)) {
        bits->word[i / 64] &= ~(1ull << (i % 64));
        bits->n_set--;
        bits->low = bits->n_set == 0 ? bits->n_words : bits->low;
    }
}

uint32_t acc_bits_first(struct acc_bits *bits)
{
    if (bits->n_set == 0) {
        bits->low = bits->n_words;
        return ACC_NONE;
    }
    while (bits->word[bits->low] == 0) {
        bits->low++;
    }
    return bits->low * 64 + (uint32_t)__builtin_ctzll(bits->word[bits->low]);
}

uint32_t acc_bits_take(struct acc_bits *bits)
{
    uint32_t i = acc_bits_first(bits);

    if (i != ACC_NONE) {
        acc_bits_clear(bits, i);
    }
    return i;
}

int acc_heap_init(struct acc_heap *heap, size_t n_items)
{
    heap->key = calloc(n_items + 1, sizeof(*heap->key));
    heap->heap = calloc(n_items + 1, sizeof(*heap->heap));
    heap->at = calloc(n_items + 1, sizeof(*heap->at));
    heap->n = 0;
    if (!heap->key || !heap->heap || !heap->at) {
        acc_heap_fini(heap);
        return -ENOMEM;
    }
    for (size_t i = 0; i <= n_items; i++) {
        heap->key[i] = UINT64_MAX;
    }
    return 0;
}

void acc_heap_fini(struct acc_heap *heap)
{
    free(heap->key);
    free(heap->heap);
    free(heap->at);
    *heap = (struct acc_heap){0};
}

static bool less(const struct acc_heap *heap, uint32_t a, uint32_t b)
{
    uint32_t x = heap->heap[a];
    uint32_t y = heap->heap[b];

    return heap->key[x] != heap->key[y] ? heap->key[x] < heap->key[y] : x < y;
}

static void swap(struct acc_heap *heap, uint32_t a, uint32_t b)
{
    uint32_t item = heap->heap[a];

    heap->heap[a] = heap->heap[b];
    heap->heap[b] = item;
    heap->at[heap->heap[a]] = a;
    heap->at[heap->heap[b]] = b;
}

static void settle(struct acc_heap *heap, uint32_t at)
{
    while (at > 0 && less(heap, at, (at - 1) / 2)) {
        swap(heap, at, (at - 1) / 2);
        at = (at - 1) / 2;
    }
    for (;;) {
        uint32_t least = at;

        for (uint32_t child = 2 * at + 1; child <= 2 * at + 2 && child < heap->n; child++) {
            least = less(heap, child, least) ? child : least;
        }
        if (least == at) {
            return;
        }
        swap(heap, at, least);
        at = least;
    }
}

void acc_heap_set(struct acc_heap *heap, uint32_t item, uint64_t key)
{
    bool is_in = heap->key[item] != UINT64_MAX;
    uint32_t at = heap->at[item];

    if (heap->key[item] == key) {
        return;
    }
    if (!is_in) {
        at = heap->n++;
        heap->heap[at] = item;
        heap->at[item] = at;
    } else if (key == UINT64_MAX) {
        swap(heap, at, heap->n - 1);
        heap->n--;
        heap->key[item] = key;
        if (at < heap->n) {
            settle(heap, at);
        }
        return;
    }
    heap->key[item] = key;
    settle(heap, at);
}

uint64_t acc_heap_least(const struct acc_heap *heap, uint32_t *ret_item)
{
    if (heap->n == 0) {
        return UINT64_MAX;
    }
    *ret_item = heap->heap[0];
    return heap->key[heap->heap[0]];
}
