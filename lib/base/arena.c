#include "lib/base/arena.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"

/* Most configurations fit in a few of these; small enough to waste little in a tiny one. */
#define CHUNK_BYTES 16384u
#define ALIGN       16u

struct chunk {
    struct chunk *next;
    size_t used;
    size_t size;
    _Alignas(ALIGN) unsigned char data[];
};

struct acc_arena {
    struct chunk *chunks; /* newest first */
    size_t cap;
    size_t used;
    int failed;
};

int acc_arena_create(size_t cap_bytes, struct acc_arena **ret_arena)
{
    struct acc_arena *arena = calloc(1, sizeof(*arena));

    if (!arena) {
        return -ENOMEM;
    }
    arena->cap = cap_bytes;
    *ret_arena = arena;
    return 0;
}

struct acc_arena *acc_arena_destroy(struct acc_arena *arena)
{
    if (!arena) {
        return NULL;
    }
    while (arena->chunks) {
        struct chunk *next = arena->chunks->next;

        free(arena->chunks);
        arena->chunks = next;
    }
    free(arena);
    return NULL;
}

static struct chunk *grow(struct acc_arena *arena, size_t size)
{
    size_t want = size > CHUNK_BYTES ? size : CHUNK_BYTES;
    struct chunk *chunk = calloc(1, sizeof(*chunk) + want);

    if (!chunk) {
        return NULL;
    }
    chunk->size = want;
    chunk->next = arena->chunks;
    arena->chunks = chunk;
    return chunk;
}

void *acc_arena_alloc(struct acc_arena *arena, size_t size)
{
    struct chunk *chunk = arena->chunks;

    if (size > arena->cap - arena->used) { /* by subtraction: a sum could wrap */
        arena->failed = 1;
        return NULL;
    }
    size = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    if (!chunk || chunk->size - chunk->used < size) {
        chunk = grow(arena, size);
        if (!chunk) {
            arena->failed = 1;
            return NULL;
        }
    }
    void *memory = chunk->data + chunk->used;

    chunk->used += size;
    arena->used = size > arena->cap - arena->used ? arena->cap : arena->used + size;
    return memory;
}

char *acc_arena_strndup(struct acc_arena *arena, const char *text, size_t text_len)
{
    if (text_len == SIZE_MAX) {
        arena->failed = 1;
        return NULL;
    }
    char *copy = acc_arena_alloc(arena, text_len + 1);

    if (copy) {
        memcpy(copy, text, text_len);
    }
    return copy;
}

char *acc_arena_strdup(struct acc_arena *arena, const char *text)
{
    return acc_arena_strndup(arena, text, strlen(text));
}

char *acc_arena_printf(struct acc_arena *arena, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    int len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    acc_assert(len >= 0);

    char *text = acc_arena_alloc(arena, (size_t)len + 1);

    if (text) {
        va_start(args, fmt);
        (void)vsnprintf(text, (size_t)len + 1, fmt, args); /* sized above */
        va_end(args);
    }
    return text;
}

int acc_arena_failed(const struct acc_arena *arena)
{
    return arena->failed;
}

size_t acc_arena_used(const struct acc_arena *arena)
{
    return arena->used;
}
