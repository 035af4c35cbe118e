#pragma once

/*
 * Growing byte buffer with a mandatory cap, after curl's dynbuf.
 *
 * Whoever fills it from a peer names the most it may take. Once refused it stays failed, so a
 * chain of appends is checked once at its end.
 */

#include <stdbool.h>
#include <stddef.h>

struct acc_buf {
    char *data; /* owned; NUL-terminated whenever not NULL */
    size_t len;
    size_t alloc;
    size_t cap;
    bool failed;
};

void acc_buf_init(struct acc_buf *buf, size_t cap);
/* Frees and zeroes; the cap is kept, so it can be used again. */
void acc_buf_fini(struct acc_buf *buf);
/* Empties it and keeps the memory. Clears `failed`. */
void acc_buf_reset(struct acc_buf *buf);
/* 0, or -ENOBUFS beyond the cap, or -ENOMEM; then `failed` is set and nothing is appended. */
int acc_buf_append(struct acc_buf *buf, const void *data, size_t len);
int acc_buf_puts(struct acc_buf *buf, const char *text);
int acc_buf_printf(struct acc_buf *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Remove the first `n` bytes. */
void acc_buf_consume(struct acc_buf *buf, size_t n);
/* Hand the memory over to the caller (free()); the buffer is empty afterwards. "" is allocated when
 * nothing was appended; NULL when it failed. */
char *acc_buf_take(struct acc_buf *buf);
