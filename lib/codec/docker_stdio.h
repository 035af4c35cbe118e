#pragma once

/*
 * The frames of an exec's or log's output without a terminal: 8 bytes (stream, 0, 0, 0, length as
 * 32 bits big endian), then the payload. With a terminal (tty) the bytes come as they are. Which of
 * both it is the caller knows from what it asked for, never from Content-Type (moby: exec start
 * without Upgrade says raw-stream for both).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct acc_docker_stdio {
    bool tty;
    uint8_t header[8];
    uint8_t header_len;
    uint8_t stream; /* 1 stdout, 2 stderr, 3 an error of the engine itself */
    uint32_t left;  /* bytes of the payload still to come */
};

void acc_docker_stdio_init(struct acc_docker_stdio *stdio, bool tty);
/* Take bytes from `*in` (advancing both). True with a slice of payload that lies in the input and
 * is not empty: call again. False: all taken. A stream number above 3 is passed on as it is. */
bool acc_docker_stdio_feed(struct acc_docker_stdio *stdio, const char **in, size_t *in_len,
                           const char **ret_data, size_t *ret_len, uint8_t *ret_stream);
