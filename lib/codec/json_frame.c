#include "lib/codec/json_frame.h"

#include <errno.h>

/* RECORD SEPARATOR, before each text of application/json-seq (RFC 7464). */
#define RECORD_SEPARATOR '\x1e'

void acc_json_frame_init(struct acc_json_frame *frame, size_t cap)
{
    *frame = (struct acc_json_frame){0};
    acc_buf_init(&frame->buf, cap);
}

void acc_json_frame_fini(struct acc_json_frame *frame)
{
    acc_buf_fini(&frame->buf);
}

void acc_json_frame_reset(struct acc_json_frame *frame)
{
    acc_buf_reset(&frame->buf);
    frame->depth = 0;
    frame->in_string = frame->escaped = frame->skipping = frame->given = false;
}

static bool ends_line(char c)
{
    return c == '\n' || c == '\r' || c == RECORD_SEPARATOR;
}

/* Follow one byte of a text. True: it closes the outermost bracket. */
static bool closes_text(struct acc_json_frame *frame, char c)
{
    if (frame->in_string) {
        if (frame->escaped) {
            frame->escaped = false;
        } else if (c == '\\') {
            frame->escaped = true;
        } else if (c == '"') {
            frame->in_string = false;
        }
        return false;
    }
    if (c == '"') {
        frame->in_string = true;
    } else if (c == '{' || c == '[') {
        frame->depth++;
    } else if ((c == '}' || c == ']') && frame->depth > 0) {
        frame->depth--;
        return frame->depth == 0;
    }
    return false;
}

/* The number of bytes up to the end of the text, that end included when it is a bracket;
 * `*ret_done` tells whether the text ends there. */
static size_t scan(struct acc_json_frame *frame, const char *in, size_t in_len, bool *ret_done)
{
    size_t n = 0;

    *ret_done = true;
    while (n < in_len) {
        if (ends_line(in[n])) {
            return n;
        }
        if (closes_text(frame, in[n++])) {
            return n;
        }
    }
    *ret_done = false;
    return n;
}

static void begin_text(struct acc_json_frame *frame)
{
    frame->depth = 0;
    frame->in_string = frame->escaped = false;
}

/* Drop bytes up to the next line end. */
static void skip(struct acc_json_frame *frame, const char **in, size_t *in_len)
{
    while (*in_len > 0 && frame->skipping) {
        if (ends_line(**in)) {
            frame->skipping = false;
        } else {
            ++*in;
            --*in_len;
        }
    }
}

/* Blanks and line ends between two texts. */
static void skip_blank(const char **in, size_t *in_len)
{
    while (*in_len > 0 && (ends_line(**in) || **in == ' ' || **in == '\t')) {
        ++*in;
        --*in_len;
    }
}

enum acc_json_frame_result acc_json_frame_feed(struct acc_json_frame *frame, const char **in,
                                               size_t *in_len, const char **ret_text,
                                               size_t *ret_len)
{
    if (frame->given) {
        frame->given = false;
        acc_buf_reset(&frame->buf);
    }
    skip(frame, in, in_len);
    if (frame->buf.len == 0) {
        skip_blank(in, in_len);
    }
    if (*in_len == 0) {
        return ACC_JSON_FRAME_MORE;
    }
    bool done;
    size_t n = scan(frame, *in, *in_len, &done);
    int r = acc_buf_append(&frame->buf, *in, n);

    *in += n;
    *in_len -= n;
    if (r < 0) {
        acc_buf_reset(&frame->buf);
        begin_text(frame);
        frame->skipping = true;
        return r == -ENOBUFS ? ACC_JSON_FRAME_TOO_BIG : ACC_JSON_FRAME_NOMEM;
    }
    if (!done) {
        return ACC_JSON_FRAME_MORE;
    }
    begin_text(frame);
    frame->given = true;
    *ret_text = frame->buf.data;
    *ret_len = frame->buf.len;
    return ACC_JSON_FRAME_TEXT;
}

enum acc_json_frame_result acc_json_frame_finish(struct acc_json_frame *frame,
                                                 const char **ret_text, size_t *ret_len)
{
    if (frame->given || frame->buf.len == 0) {
        return ACC_JSON_FRAME_MORE;
    }
    begin_text(frame);
    frame->given = true;
    *ret_text = frame->buf.data;
    *ret_len = frame->buf.len;
    return ACC_JSON_FRAME_TEXT;
}
