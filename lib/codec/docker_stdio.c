#include "lib/codec/docker_stdio.h"

#include <string.h>

void acc_docker_stdio_init(struct acc_docker_stdio *stdio, bool tty)
{
    *stdio = (struct acc_docker_stdio){.tty = tty, .stream = 1};
}

/* True when a whole header is in and its payload is not empty. */
static bool read_header(struct acc_docker_stdio *stdio, const char **in, size_t *in_len)
{
    while (*in_len > 0 && stdio->left == 0) {
        stdio->header[stdio->header_len++] = (uint8_t) * *in;
        ++*in;
        --*in_len;
        if (stdio->header_len == sizeof(stdio->header)) {
            const uint8_t *h = stdio->header;

            stdio->header_len = 0;
            stdio->stream = h[0];
            stdio->left = (uint32_t)h[4] << 24 | (uint32_t)h[5] << 16 | (uint32_t)h[6] << 8 | h[7];
        }
    }
    return stdio->left > 0;
}

bool acc_docker_stdio_feed(struct acc_docker_stdio *stdio, const char **in, size_t *in_len,
                           const char **ret_data, size_t *ret_len, uint8_t *ret_stream)
{
    if (!stdio->tty && stdio->left == 0 && !read_header(stdio, in, in_len)) {
        return false;
    }
    if (*in_len == 0) {
        return false;
    }
    size_t n = !stdio->tty && stdio->left < *in_len ? stdio->left : *in_len;

    *ret_data = *in;
    *ret_len = n;
    *ret_stream = stdio->stream;
    *in += n;
    *in_len -= n;
    if (!stdio->tty) {
        stdio->left -= (uint32_t)n;
    }
    return true;
}
