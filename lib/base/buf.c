#include "lib/base/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"

#define FIRST_ALLOC 256u

void acc_buf_init(struct acc_buf *buf, size_t cap)
{
    *buf = (struct acc_buf){.cap = cap};
}

void acc_buf_fini(struct acc_buf *buf)
{
    free(buf->data);
    *buf = (struct acc_buf){.cap = buf->cap};
}

void acc_buf_reset(struct acc_buf *buf)
{
    buf->len = 0;
    buf->failed = false;
    if (buf->data) {
        buf->data[0] = '\0';
    }
}

/* Room for `more` bytes and the NUL. */
static int reserve(struct acc_buf *buf, size_t more)
{
    if (buf->failed) {
        return -ENOBUFS;
    }
    if (more > buf->cap - buf->len) {
        buf->failed = true;
        return -ENOBUFS;
    }
    size_t need = buf->len + more + 1;

    if (need <= buf->alloc) {
        return 0;
    }
    size_t alloc = buf->alloc ? buf->alloc : FIRST_ALLOC;

    while (alloc < need) {
        alloc *= 2;
    }
    char *data = realloc(buf->data, alloc);

    if (!data) {
        buf->failed = true;
        return -ENOMEM;
    }
    buf->data = data;
    buf->alloc = alloc;
    return 0;
}

int acc_buf_append(struct acc_buf *buf, const void *data, size_t len)
{
    int r = reserve(buf, len);

    if (r < 0) {
        return r;
    }
    if (len > 0) {
        memcpy(buf->data + buf->len, data, len);
    }
    buf->len += len;
    buf->data[buf->len] = '\0';
    return 0;
}

int acc_buf_puts(struct acc_buf *buf, const char *text)
{
    return acc_buf_append(buf, text, strlen(text));
}

int acc_buf_printf(struct acc_buf *buf, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    int len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    acc_assert(len >= 0);

    int r = reserve(buf, (size_t)len);

    if (r < 0) {
        return r;
    }
    va_start(args, fmt);
    (void)vsnprintf(buf->data + buf->len, (size_t)len + 1, fmt, args); /* sized above */
    va_end(args);
    buf->len += (size_t)len;
    return 0;
}

void acc_buf_consume(struct acc_buf *buf, size_t n)
{
    acc_assert(n <= buf->len);
    if (n > 0) {
        memmove(buf->data, buf->data + n, buf->len - n);
        buf->len -= n;
        buf->data[buf->len] = '\0';
    }
}

char *acc_buf_take(struct acc_buf *buf)
{
    if (buf->failed || (!buf->data && acc_buf_append(buf, "", 0) < 0)) {
        acc_buf_fini(buf);
        return NULL;
    }
    char *data = buf->data;

    buf->data = NULL;
    acc_buf_fini(buf);
    return data;
}
