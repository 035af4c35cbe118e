#pragma once

/*
 * Varlink on the wire: cutting a byte stream into requests, and the envelope of replies.
 *
 * A request is one JSON object that ends in NUL. For people with nc it may end in a newline
 * instead and is then answered with newlines; a newline inside an object is white space, as JSON
 * has it. Knows bytes and envelopes, nothing of the methods (control_request.h).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/codec/json_put.h"

/* Our longest request names some hundred services. */
#define ACC_VARLINK_REQUEST_MAX 65536u

struct acc_varlink_frame {
    struct acc_buf buf;
    uint32_t depth;
    bool in_string, escaped;
    bool skipping; /* in the rest of a request that was too big */
    bool given;    /* buf holds a request that the caller has seen */
};

enum acc_varlink_frame_result {
    ACC_VARLINK_MORE = 0, /* all input is taken, no request is complete yet */
    ACC_VARLINK_REQUEST,
    ACC_VARLINK_TOO_BIG, /* a request above the cap is being dropped, up to its end */
    ACC_VARLINK_NOMEM,   /* as TOO_BIG, for want of memory */
};

/* Allocates nothing yet, and holds no memory between two requests once release() was called. */
void acc_varlink_frame_init(struct acc_varlink_frame *frame);
void acc_varlink_frame_fini(struct acc_varlink_frame *frame);
/* Give back the memory of a request that was handed out. */
void acc_varlink_frame_release(struct acc_varlink_frame *frame);

/* Take bytes from `*in` (advancing both) up to the end of one request. The slice has a NUL behind
 * it that `*ret_len` does not count, and lives until the next call. `*ret_newline`: it ended in a
 * newline. Empty requests (blank lines, a NUL after a newline) are passed over. */
enum acc_varlink_frame_result acc_varlink_frame_feed(struct acc_varlink_frame *frame,
                                                     const char **in, size_t *in_len,
                                                     const char **ret_text, size_t *ret_len,
                                                     bool *ret_newline);
/* The peer has closed its side: what is left counts as ended by a newline. REQUEST or MORE. */
enum acc_varlink_frame_result acc_varlink_frame_finish(struct acc_varlink_frame *frame,
                                                       const char **ret_text, size_t *ret_len);

/* One reply: begin, fill `parameters`, finish. No terminator is appended: the session knows which.
 */
struct acc_varlink_reply {
    struct acc_json_put put;
    cJSON *root, *parameters;
};
void acc_varlink_reply_begin(struct acc_varlink_reply *reply);
/* `error` NULL: success. Frees the tree in any case. 0, -ENOMEM, -ENOBUFS; then `out` is useless.
 */
int acc_varlink_reply_finish(struct acc_varlink_reply *reply, const char *error, bool continues,
                             struct acc_buf *out);

/* Text of other programs as JSON may hold it: what is no UTF-8 becomes U+FFFD, a NUL as well. */
void acc_put_bytes(struct acc_json_put *put, cJSON *parent, const char *key, const char *text,
                   size_t text_len);
/* An element for each line. */
void acc_put_lines(struct acc_json_put *put, cJSON *array, const char *lines);
