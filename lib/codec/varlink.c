#include "lib/codec/varlink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"

void acc_varlink_frame_init(struct acc_varlink_frame *frame)
{
    *frame = (struct acc_varlink_frame){0};
    acc_buf_init(&frame->buf, ACC_VARLINK_REQUEST_MAX + 1); /* and buf's own NUL */
}

void acc_varlink_frame_fini(struct acc_varlink_frame *frame)
{
    acc_buf_fini(&frame->buf);
}

static void start_over(struct acc_varlink_frame *frame)
{
    acc_buf_reset(&frame->buf);
    frame->depth = 0;
    frame->in_string = false;
    frame->escaped = false;
    frame->given = false;
}

void acc_varlink_frame_release(struct acc_varlink_frame *frame)
{
    if (frame->given) {
        start_over(frame);
        acc_buf_fini(&frame->buf);
    }
}

/* Where in the JSON text the next byte stands. Broken text may confuse it; NUL always ends it. */
static void track(struct acc_varlink_frame *frame, char c)
{
    if (frame->in_string) {
        if (frame->escaped) {
            frame->escaped = false;
        } else if (c == '\\') {
            frame->escaped = true;
        } else if (c == '"') {
            frame->in_string = false;
        }
    } else if (c == '"') {
        frame->in_string = true;
    } else if (c == '{' || c == '[') {
        frame->depth++;
    } else if ((c == '}' || c == ']') && frame->depth > 0) {
        frame->depth--;
    }
}

/* A raw newline is not allowed in a JSON string, so there the text is broken and ends, too. */
static bool ends(const struct acc_varlink_frame *frame, char c)
{
    return c == '\0' || (c == '\n' && (frame->depth == 0 || frame->in_string));
}

static bool is_blank(const struct acc_buf *buf)
{
    for (size_t i = 0; i < buf->len; i++) {
        if (!strchr(" \t\r\n", buf->data[i])) {
            return false;
        }
    }
    return true;
}

static enum acc_varlink_frame_result give(struct acc_varlink_frame *frame, const char **ret_text,
                                          size_t *ret_len)
{
    frame->given = true;
    *ret_text = frame->buf.data;
    *ret_len = frame->buf.len;
    return ACC_VARLINK_REQUEST;
}

static enum acc_varlink_frame_result keep(struct acc_varlink_frame *frame, const char *in, size_t n)
{
    int r;

    if (frame->skipping || n == 0) {
        return ACC_VARLINK_MORE;
    }
    r = frame->buf.len + n > ACC_VARLINK_REQUEST_MAX ? -ENOBUFS
                                                     : acc_buf_append(&frame->buf, in, n);
    if (r == 0) {
        return ACC_VARLINK_MORE;
    }
    frame->skipping = true;
    acc_buf_fini(&frame->buf);
    return r == -ENOMEM ? ACC_VARLINK_NOMEM : ACC_VARLINK_TOO_BIG;
}

enum acc_varlink_frame_result acc_varlink_frame_feed(struct acc_varlink_frame *frame,
                                                     const char **in, size_t *in_len,
                                                     const char **ret_text, size_t *ret_len,
                                                     bool *ret_newline)
{
    if (frame->given) {
        start_over(frame);
    }
    while (*in_len > 0) {
        size_t n = 0;
        enum acc_varlink_frame_result r;

        while (n < *in_len && !ends(frame, (*in)[n])) {
            track(frame, (*in)[n]);
            n++;
        }
        r = keep(frame, *in, n);
        *in += n;
        *in_len -= n;
        if (r != ACC_VARLINK_MORE) {
            return r; /* what ends it is still in the input */
        }
        if (*in_len == 0) {
            break;
        }
        *ret_newline = **in == '\n';
        ++*in;
        --*in_len;
        if (!frame->skipping && !is_blank(&frame->buf)) {
            return give(frame, ret_text, ret_len);
        }
        frame->skipping = false;
        start_over(frame);
    }
    return ACC_VARLINK_MORE;
}

enum acc_varlink_frame_result acc_varlink_frame_finish(struct acc_varlink_frame *frame,
                                                       const char **ret_text, size_t *ret_len)
{
    if (frame->given) {
        start_over(frame);
    }
    if (frame->skipping || is_blank(&frame->buf)) {
        return ACC_VARLINK_MORE;
    }
    return give(frame, ret_text, ret_len);
}

void acc_varlink_reply_begin(struct acc_varlink_reply *reply)
{
    *reply = (struct acc_varlink_reply){0};
    reply->root = acc_put_root(&reply->put);
    reply->parameters = acc_put_object(&reply->put, reply->root, "parameters");
}

int acc_varlink_reply_finish(struct acc_varlink_reply *reply, const char *error, bool continues,
                             struct acc_buf *out)
{
    cJSON *root = reply->root;

    acc_assert(!(error && continues)); /* Varlink: an error is always the last reply */
    acc_put_text(&reply->put, root, "error", error);
    acc_put_true(&reply->put, root, "continues", continues);
    reply->root = reply->parameters = NULL;
    return acc_put_finish(&reply->put, root, out);
}

/* Length of the UTF-8 sequence at `s`, 0 when it is none (RFC 3629: no surrogates, nothing overlong
 * or above U+10FFFF). */
static size_t utf8_len(const unsigned char *s, size_t left)
{
    unsigned char low = 0x80, high = 0xBF;
    size_t len;

    if (s[0] < 0x80) {
        return s[0] != '\0';
    }
    if (s[0] < 0xC2 || s[0] > 0xF4) {
        return 0;
    }
    len = s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : 4;
    if (left < len) {
        return 0;
    }
    low = s[0] == 0xE0 ? 0xA0 : s[0] == 0xF0 ? 0x90 : low;
    high = s[0] == 0xED ? 0x9F : s[0] == 0xF4 ? 0x8F : high;
    if (s[1] < low || s[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < len; i++) {
        if (s[i] < 0x80 || s[i] > 0xBF) {
            return 0;
        }
    }
    return len;
}

void acc_put_bytes(struct acc_json_put *put, cJSON *parent, const char *key, const char *text,
                   size_t text_len)
{
    static const char replacement[] = "\xEF\xBF\xBD";
    char *clean;
    size_t out = 0;

    if (!parent) {
        return;
    }
    clean = malloc(3 * text_len + 1); /* every byte may become three */
    if (!clean) {
        put->failed = true;
        return;
    }
    for (size_t i = 0; i < text_len;) {
        size_t len = utf8_len((const unsigned char *)text + i, text_len - i);

        memcpy(clean + out, len > 0 ? text + i : replacement, len > 0 ? len : 3);
        out += len > 0 ? len : 3;
        i += len > 0 ? len : 1;
    }
    clean[out] = '\0';
    acc_put_text(put, parent, key, clean);
    free(clean);
}

void acc_put_lines(struct acc_json_put *put, cJSON *array, const char *lines)
{
    while (*lines) {
        size_t len = strcspn(lines, "\n");

        acc_put_bytes(put, array, NULL, lines, len);
        lines += len + (lines[len] == '\n');
    }
}
