#pragma once

/*
 * Arena: memory that is freed all at once.
 *
 * A loaded configuration is thousands of small nodes and strings with one common end of life. The
 * arena has a cap, so that a hostile file ends in -ENOMEM and not in the machine's memory.
 */

#include <stddef.h>

struct acc_arena;

/* `cap_bytes` bounds the sum of all allocations. 0 and `*ret_arena`, or -ENOMEM. */
int acc_arena_create(size_t cap_bytes, struct acc_arena **ret_arena);
/* NULL is allowed. Always returns NULL. */
struct acc_arena *acc_arena_destroy(struct acc_arena *arena);

/* Zeroed memory, aligned for pointers and 64-bit numbers; NULL when the cap or the heap is
 * exhausted. */
void *acc_arena_alloc(struct acc_arena *arena, size_t size);
/* NUL-terminated copies; NULL as above. */
char *acc_arena_strndup(struct acc_arena *arena, const char *text, size_t text_len);
char *acc_arena_strdup(struct acc_arena *arena, const char *text);
char *acc_arena_printf(struct acc_arena *arena, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* A copy that equal texts may have in common: most keys and many values are in every service. */
const char *acc_arena_share(struct acc_arena *arena, const char *text, size_t text_len);
/* True once any allocation was refused: a long pass may check once at its end. */
int acc_arena_failed(const struct acc_arena *arena);
size_t acc_arena_used(const struct acc_arena *arena);
