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
/* Of pointers, 64-bit numbers and doubles: what configurations are made of. */
#define ALIGN 8u
/* Texts that are shared: the last one of each hash is remembered. Longer ones are rarely the same.
 */
#define SHARED_SLOTS   1024u
#define SHARED_LEN_MAX 64u

/* Objects grow from the front, texts, which need no alignment, from the end. */
struct chunk {
    struct chunk *next;
    size_t front; /* the first free byte */
    size_t end;   /* behind the last free byte */
    _Alignas(ALIGN) unsigned char data[];
};

struct acc_arena {
    struct chunk *chunks; /* newest first */
    const char **shared;  /* SHARED_SLOTS of them; NULL until needed */
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
    chunk->end = want;
    chunk->next = arena->chunks;
    arena->chunks = chunk;
    return chunk;
}

/* A chunk with room for `size` bytes, which are charged; NULL when there can be none. */
static struct chunk *reserve(struct acc_arena *arena, size_t size)
{
    struct chunk *chunk = arena->chunks;

    if (size > arena->cap - arena->used) { /* by subtraction: a sum could wrap */
        arena->failed = 1;
        return NULL;
    }
    if (!chunk || chunk->end - chunk->front < size) {
        chunk = grow(arena, size);
        if (!chunk) {
            arena->failed = 1;
            return NULL;
        }
    }
    arena->used += size;
    return chunk;
}

void *acc_arena_alloc(struct acc_arena *arena, size_t size)
{
    size_t aligned = size > SIZE_MAX - ALIGN ? size : (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    struct chunk *chunk = reserve(arena, aligned);

    if (!chunk) {
        return NULL;
    }
    void *memory = chunk->data + chunk->front;

    chunk->front += aligned;
    return memory;
}

static char *alloc_text(struct acc_arena *arena, size_t size)
{
    struct chunk *chunk = reserve(arena, size);

    if (!chunk) {
        return NULL;
    }
    chunk->end -= size;
    return (char *)chunk->data + chunk->end;
}

char *acc_arena_strndup(struct acc_arena *arena, const char *text, size_t text_len)
{
    if (text_len == SIZE_MAX) {
        arena->failed = 1;
        return NULL;
    }
    char *copy = alloc_text(arena, text_len + 1);

    if (copy) {
        memcpy(copy, text, text_len);
    }
    return copy;
}

char *acc_arena_strdup(struct acc_arena *arena, const char *text)
{
    return acc_arena_strndup(arena, text, strlen(text));
}

const char *acc_arena_share(struct acc_arena *arena, const char *text, size_t text_len)
{
    uint32_t hash = 2166136261u;

    if (!arena->shared && text_len <= SHARED_LEN_MAX) {
        arena->shared = acc_arena_alloc(arena, SHARED_SLOTS * sizeof(*arena->shared));
    }
    if (!arena->shared || text_len > SHARED_LEN_MAX) {
        return acc_arena_strndup(arena, text, text_len);
    }
    for (size_t i = 0; i < text_len; i++) {
        hash = (hash ^ (unsigned char)text[i]) * 16777619u; /* FNV-1a */
    }
    const char **slot = &arena->shared[hash % SHARED_SLOTS];

    if (!*slot || strncmp(*slot, text, text_len) != 0 || (*slot)[text_len] != '\0') {
        *slot = acc_arena_strndup(arena, text, text_len);
    }
    return *slot;
}

char *acc_arena_printf(struct acc_arena *arena, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    int len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    acc_assert(len >= 0);

    char *text = alloc_text(arena, (size_t)len + 1);

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
