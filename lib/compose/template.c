#include "lib/compose/template.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/buf.h"

/* ${A:-${B:-...}}: deeper than anybody writes, and the stack stays small. */
#define DEPTH_MAX 100u
/* What a message quotes of the user's text. */
#define QUOTE_MAX 120

struct expansion {
    const struct acc_template *template;
    struct acc_buf *out;
    char *problem;
    size_t depth;
    const char *line_end;   /* of the line that was looked at last, */
    const char *last_brace; /* and the last closing brace in it, or NULL */
};

/* What stands at a dollar sign. */
struct match {
    enum { LITERAL, ESCAPED, NAMED, BRACED, INVALID } kind;
    const char *name;
    size_t name_len;
    char op;       /* one of - + ?, or 0 */
    bool is_colon; /* `:` before it */
    const char *rest;
    size_t rest_len;
    const char *end;
};

static int expand(struct expansion *x, const char *text, size_t len);

static bool is_name_start(char c)
{
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_name_part(char c)
{
    return is_name_start(c) || (c >= '0' && c <= '9');
}

static size_t name_length(const char *text, const char *end)
{
    const char *pos = text;

    if (pos < end && is_name_start(*pos)) {
        while (pos < end && is_name_part(*pos)) {
            pos++;
        }
    }
    return (size_t)(pos - text);
}

/* Where the brace that opens at `text` closes: compose-go's count, which steps over the character
 * after each opening brace; NULL when it doesn't. */
static const char *closing_brace(const char *text, const char *end)
{
    long open = 0;

    for (const char *pos = text; pos < end; pos++) {
        if (*pos == '}') {
            open--;
            if (open == 0) {
                return pos;
            }
        } else if (*pos == '{') {
            open++;
            pos++;
        }
    }
    return NULL;
}

/* The regular expression takes everything to the last brace of the line; the count then shortens
 * it if the braces are balanced before. Looked up once a line, so that long lines stay linear. */
static const char *last_brace(struct expansion *x, const char *text, const char *end)
{
    if (!x->line_end || text > x->line_end) {
        const char *line_end = memchr(text, '\n', (size_t)(end - text));

        x->line_end = line_end ? line_end : end;
        x->last_brace = memrchr(text, '}', (size_t)(x->line_end - text));
    }
    return x->last_brace && x->last_brace >= text ? x->last_brace : NULL;
}

static struct match match_braced(struct expansion *x, const char *dollar, const char *end)
{
    struct match match = {.kind = INVALID, .end = dollar + 2};
    const char *pos = dollar + 2;

    match.name = pos;
    match.name_len = name_length(pos, end);
    pos += match.name_len;
    if (match.name_len == 0 || pos == end) {
        return match;
    }
    if (*pos == '}') {
        match.kind = BRACED;
        match.end = pos + 1;
        return match;
    }
    match.is_colon = *pos == ':';
    pos += match.is_colon;
    if (pos == end || !strchr("-+?", *pos) || *pos == '\0') {
        return match;
    }
    match.op = *pos++;
    const char *last = last_brace(x, pos, end);
    const char *close = last ? closing_brace(dollar, last + 1) : NULL;

    if (last) {
        match.kind = BRACED;
        match.rest = pos;
        match.end = (close ? close : last) + 1;
        match.rest_len = (size_t)(match.end - 1 - pos);
    }
    return match;
}

static struct match match_at(struct expansion *x, const char *dollar, const char *end)
{
    struct match match = {.kind = LITERAL, .end = dollar + 1};

    if (dollar + 1 == end) {
        return match;
    }
    if (dollar[1] == '$') {
        match.kind = ESCAPED;
        match.end = dollar + 2;
    } else if (dollar[1] == '{') {
        match = match_braced(x, dollar, end);
    } else if (is_name_start(dollar[1])) {
        match.kind = NAMED;
        match.name = dollar + 1;
        match.name_len = name_length(match.name, end);
        match.end = match.name + match.name_len;
    }
    return match;
}

static int refuse(struct expansion *x, const char *text, size_t len)
{
    (void)snprintf(x->problem, ACC_TEMPLATE_ERROR_MAX, /* a cut quote still names the place */
                   "invalid interpolation format: '%.*s'; write $$ for a dollar sign",
                   (int)(len < QUOTE_MAX ? len : QUOTE_MAX), text);
    return -EINVAL;
}

static int refuse_missing(struct expansion *x, const char *name, const char *why)
{
    (void)snprintf(x->problem, ACC_TEMPLATE_ERROR_MAX, /* likewise */
                   "required variable %.*s is missing a value%s%s", QUOTE_MAX, name,
                   *why ? ": " : "", why);
    return -EINVAL;
}

/* The rest of a ${NAME:-rest}, in the arena. */
static int expand_rest(struct expansion *x, const struct match *match, const char **ret_text)
{
    struct acc_buf out;
    struct expansion inner = {
        .template = x->template, .out = &out, .problem = x->problem, .depth = x->depth + 1};
    int r = 0;

    if (inner.depth > DEPTH_MAX) {
        (void)snprintf(x->problem, ACC_TEMPLATE_ERROR_MAX, "${} nested deeper than %u", DEPTH_MAX);
        return -EINVAL;
    }
    acc_buf_init(&out, ACC_TEMPLATE_TEXT_MAX);
    r = expand(&inner, match->rest, match->rest_len);
    if (r == 0) {
        *ret_text = acc_arena_strndup(x->template->arena, out.data ? out.data : "", out.len);
        r = *ret_text ? 0 : -ENOMEM;
    }
    acc_buf_fini(&out);
    return r;
}

static int put(struct expansion *x, const char *text, size_t len)
{
    int r = acc_buf_append(x->out, text, len);

    if (r == -ENOBUFS) {
        (void)snprintf(x->problem, ACC_TEMPLATE_ERROR_MAX, "it grows beyond %u MiB",
                       ACC_TEMPLATE_TEXT_MAX >> 20);
        return -EINVAL;
    }
    return r;
}

static int put_plain(struct expansion *x, const char *name)
{
    const char *value = x->template->lookup(x->template->ctx, name);

    if (!value && x->template->on_unset) {
        x->template->on_unset(x->template->ctx, name);
    }
    return value ? put(x, value, strlen(value)) : 0;
}

static int put_with_op(struct expansion *x, const struct match *match, const char *name)
{
    const char *value = x->template->lookup(x->template->ctx, name);
    bool counts = value && (!match->is_colon || *value);
    const char *rest = NULL;
    int r = expand_rest(x, match, &rest);

    if (r < 0) {
        return r;
    }
    if (match->op == '?' && !counts) {
        return refuse_missing(x, name, rest);
    }
    if (match->op == '-' ? !counts : match->op == '+' && counts) {
        value = rest;
    }
    return value ? put(x, value, strlen(value)) : 0;
}

static int put_match(struct expansion *x, const struct match *match)
{
    const char *name = acc_arena_strndup(x->template->arena, match->name, match->name_len);

    if (!name) {
        return -ENOMEM;
    }
    return match->op ? put_with_op(x, match, name) : put_plain(x, name);
}

static int expand(struct expansion *x, const char *text, size_t len)
{
    const char *pos = text;
    const char *end = text + len;
    int r = 0;

    while (r == 0 && pos < end) {
        const char *dollar = memchr(pos, '$', (size_t)(end - pos));

        r = put(x, pos, (size_t)((dollar ? dollar : end) - pos));
        if (!dollar || r < 0) {
            return r;
        }
        struct match match = match_at(x, dollar, end);

        if (match.kind == LITERAL || match.kind == ESCAPED) {
            r = put(x, "$", 1);
        } else if (match.kind == INVALID) {
            return refuse(x, text, len);
        } else {
            r = put_match(x, &match);
        }
        pos = match.end;
    }
    return r;
}

int acc_template_expand(const struct acc_template *template, const char *text,
                        const char **ret_text, char *reterr_problem)
{
    struct acc_buf out;
    struct expansion x = {.template = template, .out = &out, .problem = reterr_problem};
    int r = 0;

    if (!strchr(text, '$')) {
        *ret_text = text;
        return 0;
    }
    acc_buf_init(&out, ACC_TEMPLATE_TEXT_MAX);
    r = expand(&x, text, strlen(text));
    if (r == 0) {
        const char *copy = acc_arena_strndup(template->arena, out.data ? out.data : "", out.len);

        r = copy ? 0 : -ENOMEM;
        *ret_text = copy ? copy : *ret_text;
    }
    acc_buf_fini(&out);
    return r;
}
