#include "lib/engine/index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/model/spec.h"

int acc_index_init(struct acc_index *index, size_t n_max)
{
    uint32_t size = 16;

    while (size < 2 * n_max + 2) {
        size *= 2;
    }
    index->slot = calloc(size, sizeof(*index->slot));
    if (!index->slot) {
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < size; i++) {
        index->slot[i].value = ACC_NONE;
    }
    index->mask = size - 1;
    index->n = 0;
    return 0;
}

void acc_index_fini(struct acc_index *index)
{
    free(index->slot);
    *index = (struct acc_index){0};
}

void acc_index_put(struct acc_index *index, uint64_t hash, uint32_t value)
{
    uint32_t at = (uint32_t)hash & index->mask;

    acc_assert(value != ACC_NONE && index->n < index->mask);
    while (index->slot[at].value != ACC_NONE) {
        at = (at + 1) & index->mask;
    }
    index->slot[at] = (struct acc_index_slot){hash, value};
    index->n++;
}

uint32_t acc_index_next(const struct acc_index *index, uint64_t hash, uint32_t *pos)
{
    uint32_t at = *pos == UINT32_MAX ? (uint32_t)hash & index->mask : (*pos + 1) & index->mask;

    for (; index->slot[at].value != ACC_NONE; at = (at + 1) & index->mask) {
        if (index->slot[at].hash == hash) {
            *pos = at;
            return index->slot[at].value;
        }
    }
    return ACC_NONE;
}

bool acc_index_has(const struct acc_index *index, uint64_t hash, uint32_t value)
{
    uint32_t pos = UINT32_MAX;
    uint32_t found;

    do {
        found = acc_index_next(index, hash, &pos);
    } while (found != value && found != ACC_NONE);
    return found == value;
}

/* Close the gap: what was pushed behind it by a collision moves up. */
static void close_gap(struct acc_index *index, uint32_t gap)
{
    for (uint32_t at = (gap + 1) & index->mask; index->slot[at].value != ACC_NONE;
         at = (at + 1) & index->mask) {
        uint32_t home = (uint32_t)index->slot[at].hash & index->mask;

        if (((at - home) & index->mask) >= ((at - gap) & index->mask)) {
            index->slot[gap] = index->slot[at];
            gap = at;
        }
    }
    index->slot[gap].value = ACC_NONE;
}

void acc_index_remove(struct acc_index *index, uint64_t hash, uint32_t value)
{
    for (uint32_t at = (uint32_t)hash & index->mask; index->slot[at].value != ACC_NONE;
         at = (at + 1) & index->mask) {
        if (index->slot[at].hash == hash && index->slot[at].value == value) {
            close_gap(index, at);
            index->n--;
            return;
        }
    }
}

uint64_t acc_hash_bytes(uint64_t hash, const void *data, size_t len)
{
    const unsigned char *byte = data;

    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ byte[i]) * 0x100000001b3ull;
    }
    return hash;
}

uint64_t acc_hash_text(const char *text)
{
    return acc_hash_bytes(ACC_HASH_START, text, strlen(text));
}

uint64_t acc_hash_u64(uint64_t value)
{
    value = (value ^ (value >> 33)) * 0xff51afd7ed558ccdull;
    value = (value ^ (value >> 33)) * 0xc4ceb9fe1a85ec53ull;
    return value ^ (value >> 33);
}
