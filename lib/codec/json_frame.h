#pragma once

/*
 * JSON framing: cut a byte stream into whole JSON texts.
 *
 * Docker's /events and pull answers are one JSON object a line, but where a read ends has nothing
 * to do with where a line ends, the last newline may be missing, and json-seq puts 0x1E before each
 * text. An object is handed out with its closing brace, so nothing waits for a newline that does
 * not come; a line end always ends a text, so a broken line harms no other one. Knows bytes and
 * braces only: whether a text is valid JSON is its parser's business.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"

/* An event carries all labels of its container; a home's are a few kB. Docker itself bounds none of
 * it, so this bounds what a peer can make us hold. */
#define ACC_JSON_TEXT_MAX (1024u * 1024u)

struct acc_json_frame {
    struct acc_buf buf;
    uint32_t depth;
    bool in_string;
    bool escaped;
    bool skipping; /* in the rest of a text that was too big */
    bool given;    /* buf holds a text that the caller has seen */
};

enum acc_json_frame_result {
    ACC_JSON_FRAME_MORE = 0, /* all input is taken, no text is complete yet */
    ACC_JSON_FRAME_TEXT,     /* *ret_text, *ret_len hold one text */
    ACC_JSON_FRAME_TOO_BIG, /* a text above the cap was dropped: something was lost. The stream goes
                               on with the next line */
    ACC_JSON_FRAME_NOMEM,   /* as TOO_BIG, for want of memory */
};

/* `cap`: the longest text, ACC_JSON_TEXT_MAX for Docker. Allocates nothing yet. */
void acc_json_frame_init(struct acc_json_frame *frame, size_t cap);
void acc_json_frame_fini(struct acc_json_frame *frame);
/* Forget a half-received text: for a new connection. */
void acc_json_frame_reset(struct acc_json_frame *frame);

/* Take bytes from `*in` (advancing `*in` and `*in_len`) up to the end of one text. Call again until
 * it returns MORE. The slice is never empty, has a NUL behind it that `*ret_len` does not count,
 * and is valid until the next call. */
enum acc_json_frame_result acc_json_frame_feed(struct acc_json_frame *frame, const char **in,
                                               size_t *in_len, const char **ret_text,
                                               size_t *ret_len);
/* The stream has ended: TEXT when bytes without a line end are left (perhaps half a text), else
 * MORE. */
enum acc_json_frame_result acc_json_frame_finish(struct acc_json_frame *frame,
                                                 const char **ret_text, size_t *ret_len);
