#include "lib/compose/dotenv.h"

#include <errno.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/compose/template.h"

/* What a message quotes of a key. */
#define QUOTE_MAX 60
/* Told of one file. One of another kind is wrong in each line, and would push out all else. */
#define ERRORS_MAX 10

struct parser {
    const struct acc_dotenv_source *source;
    struct acc_compose_env *out;
    struct acc_diags *diags;
    const char *pos;
    const char *end;
};

/* A stretch of the file. */
struct slice {
    const char *text;
    size_t len;
};

static int fail_at(const struct parser *parser, const char *place, const char *what,
                   struct slice quote)
{
    struct acc_srcpos pos = {parser->source->file, 1, 1};

    for (const char *c = parser->source->text; c < place; c++) {
        pos.col = *c == '\n' ? 1 : pos.col + 1;
        pos.line += *c == '\n';
    }
    acc_diags_add(parser->diags, pos, "%s%s%.*s%s", what, quote.len ? ": '" : "",
                  (int)(quote.len < QUOTE_MAX ? quote.len : QUOTE_MAX), quote.text,
                  quote.len ? "'" : "");
    return -EINVAL;
}

/* The length of a space that is no line break at `pos`, or 0. As Go's: with NEL and NBSP. */
static size_t space_len(const char *pos, const char *end)
{
    if (pos < end && strchr("\t\v\f\r ", *pos) && *pos) {
        return 1;
    }
    if (pos + 1 < end && pos[0] == '\xc2' && (pos[1] == '\x85' || pos[1] == '\xa0')) {
        return 2;
    }
    return 0;
}

static void skip_spaces(struct parser *parser)
{
    size_t len = 0;

    while ((len = space_len(parser->pos, parser->end)) > 0) {
        parser->pos += len;
    }
}

/* To the first character of the next statement. */
static void skip_to_statement(struct parser *parser)
{
    for (;;) {
        skip_spaces(parser);
        if (parser->pos < parser->end && *parser->pos == '\n') {
            parser->pos++;
        } else if (parser->pos < parser->end && *parser->pos == '#') {
            const char *line_end = memchr(parser->pos, '\n', (size_t)(parser->end - parser->pos));

            parser->pos = line_end ? line_end : parser->end;
        } else {
            return;
        }
    }
}

static struct slice trim_right(const char *text, const char *end)
{
    while (end > text) {
        if (strchr("\t\v\f\r \n", end[-1]) && end[-1]) {
            end--;
        } else if (end - text >= 2 && space_len(end - 2, end) == 2) {
            end -= 2;
        } else {
            break;
        }
    }
    return (struct slice){text, (size_t)(end - text)};
}

/* Letters of any script may be in a key; they are not told apart here. */
static bool is_key_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("_.-[]", c)) || (c & 0x80);
}

static void skip_export(struct parser *parser)
{
    static const char word[] = "export";
    size_t len = sizeof(word) - 1;

    if ((size_t)(parser->end - parser->pos) > len && memcmp(parser->pos, word, len) == 0 &&
        space_len(parser->pos + len, parser->end) > 0) {
        parser->pos += len;
        skip_spaces(parser);
    }
}

/* KEY up to its = or :, or to the end of the line: then `*ret_is_bare`. */
static int read_key(struct parser *parser, struct slice *ret_key, bool *ret_is_bare)
{
    const char *start = parser->pos;
    size_t len = 0;

    for (; parser->pos < parser->end; parser->pos += len) {
        char c = *parser->pos;

        len = space_len(parser->pos, parser->end);
        if (c == '=' || c == ':' || c == '\n') {
            break;
        }
        if (len == 0 && !is_key_char(c)) {
            return fail_at(parser, parser->pos, "unexpected character in a variable name",
                           (struct slice){parser->pos, 1});
        }
        len = len ? len : 1;
    }
    *ret_is_bare = parser->pos == parser->end || *parser->pos == '\n';
    *ret_key = trim_right(start, parser->pos);
    for (const char *c = start; c < start + ret_key->len; c++) {
        if (space_len(c, start + ret_key->len) > 0) {
            return fail_at(parser, c, "key cannot contain a space", *ret_key);
        }
    }
    parser->pos += parser->pos < parser->end;
    return 0;
}

struct expansion {
    const struct acc_dotenv_source *source;
    const struct acc_compose_env *out;
};

static const char *lookup(void *ctx, const char *name)
{
    const struct expansion *x = ctx;
    const char *value = x->source->lookup(x->source->ctx, name);

    return value ? value : acc_compose_env_get_own(x->out, name);
}

static void on_unset(void *ctx, const char *name)
{
    const struct expansion *x = ctx;

    if (x->source->on_unset) {
        x->source->on_unset(x->source->ctx, name);
    }
}

/* Interpolate `value` (found at `place`) and put it under `key`. */
static int put_expanded(struct parser *parser, struct slice key, const char *place,
                        struct slice value)
{
    struct expansion x = {parser->source, parser->out};
    struct acc_template template = {parser->out->arena, lookup, on_unset, &x};
    char problem[ACC_TEMPLATE_ERROR_MAX];
    const char *text = acc_arena_strndup(parser->out->arena, value.text, value.len);
    int r = 0;

    if (!text) {
        return -ENOMEM;
    }
    r = acc_template_expand(&template, text, &text, problem);
    if (r == -EINVAL) { /* the template may hold a secret: name the key only */
        return fail_at(parser, place, "invalid ${} in the value of a variable", key);
    }
    return r < 0 ? r : acc_compose_env_put(parser->out, key.text, key.len, text, strlen(text));
}

static int read_unquoted(struct parser *parser, struct slice key)
{
    const char *start = parser->pos;
    const char *line_end = memchr(start, '\n', (size_t)(parser->end - start));
    const char *end = line_end ? line_end : parser->end;
    const char *comment = memmem(start, (size_t)(end - start), " #", 2);

    parser->pos = line_end ? line_end + 1 : parser->end;
    return put_expanded(parser, key, start, trim_right(start, comment ? comment : end));
}

/* \0ooo: three octal digits make a character (code points up to 255). */
static bool octal(const char *digits, size_t n_digits, unsigned *ret_value)
{
    unsigned value = 0;

    if (n_digits != 3) {
        return false;
    }
    for (size_t i = 0; i < 3; i++) {
        if (digits[i] > '7') {
            return false;
        }
        value = value * 8 + (unsigned)(digits[i] - '0');
    }
    *ret_value = value;
    return value <= 255;
}

static void put_code_point(struct acc_buf *out, unsigned value)
{
    char text[2] = {(char)(0xC0 | value >> 6), (char)(0x80 | (value & 0x3F))};
    char plain = (char)value;

    if (value < 0x80) {
        (void)acc_buf_append(out, &plain, 1);
    } else {
        (void)acc_buf_append(out, text, 2);
    }
}

/* What follows a backslash, at most `len` bytes; how many of them were taken. */
static size_t put_escape(struct acc_buf *out, const char *text, size_t len)
{
    static const char names[] = "abfnrtv\"\\";
    static const char values[] = "\a\b\f\n\r\t\v\"\\";
    const char *known = len > 0 && *text ? strchr(names, *text) : NULL;
    size_t n_digits = 0;
    unsigned value = 0;

    if (known) {
        (void)acc_buf_append(out, &values[known - names], 1);
        return 1;
    }
    if (len > 0 && *text == '$') {
        (void)acc_buf_append(out, "$$", 2); /* a dollar sign for the interpolation that follows */
        return 1;
    }
    if (len == 0 || *text != '0') {
        (void)acc_buf_append(out, "\\", 1);
        return 0;
    }
    while (n_digits < 3 && n_digits + 1 < len && text[n_digits + 1] >= '0' &&
           text[n_digits + 1] <= '9') {
        n_digits++;
    }
    if (octal(text + 1, n_digits, &value)) {
        put_code_point(out, value);
    } else { /* compose-go leaves it, but for the 0 */
        (void)acc_buf_append(out, "\\", 1);
        (void)acc_buf_append(out, text + 1, n_digits);
    }
    return 1 + n_digits;
}

static void expand_escapes(struct acc_buf *out, const char *text, size_t len)
{
    const char *end = text + len;

    while (text < end) {
        const char *slash = memchr(text, '\\', (size_t)(end - text));

        (void)acc_buf_append(out, text, (size_t)((slash ? slash : end) - text));
        if (!slash) {
            return;
        }
        text = slash + 1;
        text += put_escape(out, text, (size_t)(end - text));
    }
}

/* What is between the quotes, with escaped quotes unescaped; NULL when they don't close. */
static const char *unquote(const char *text, const char *end, char quote, struct acc_buf *out)
{
    bool is_escaped = false;

    for (; text < end; text++) {
        if (*text == quote && !is_escaped) {
            return text;
        }
        if (*text != quote && !is_escaped && *text == '\\') {
            is_escaped = true;
            continue;
        }
        if (is_escaped && *text != quote) {
            (void)acc_buf_append(out, "\\", 1);
        }
        is_escaped = false;
        (void)acc_buf_append(out, text, 1);
    }
    return NULL;
}

static int put_quoted(struct parser *parser, struct slice key, const char *start, char quote,
                      const struct acc_buf *raw)
{
    struct slice value = {raw->data ? raw->data : "", raw->len};
    struct acc_buf escaped;
    int r = 0;

    if (quote == '\'') {
        return acc_compose_env_put(parser->out, key.text, key.len, value.text, value.len);
    }
    acc_buf_init(&escaped, ACC_TEMPLATE_TEXT_MAX);
    expand_escapes(&escaped, value.text, value.len);
    if (escaped.failed) {
        r = -ENOMEM;
    } else if (escaped.data && strlen(escaped.data) != escaped.len) {
        r = fail_at(parser, start, "a value can't hold a NUL character (\\0000)", key);
    } else {
        value = (struct slice){escaped.data ? escaped.data : "", escaped.len};
        r = put_expanded(parser, key, start, value);
    }
    acc_buf_fini(&escaped);
    return r;
}

static int read_quoted(struct parser *parser, struct slice key)
{
    const char *start = parser->pos;
    char quote = *start;
    struct acc_buf raw;
    const char *end = NULL;
    int r = 0;

    acc_buf_init(&raw, ACC_TEMPLATE_TEXT_MAX);
    end = unquote(start + 1, parser->end, quote, &raw);
    if (!end) {
        r = fail_at(parser, start, "unterminated quoted value of a variable", key);
        parser->pos = parser->end; /* nobody knows where it was to end */
    } else {
        parser->pos = end + 1;
        r = raw.failed ? -ENOMEM : put_quoted(parser, key, start, quote, &raw);
    }
    acc_buf_fini(&raw);
    return r;
}

static int put_inherited(struct parser *parser, struct slice key)
{
    const char *name = acc_arena_strndup(parser->out->arena, key.text, key.len);
    const char *value = NULL;

    if (!name) {
        return -ENOMEM;
    }
    value = parser->source->lookup(parser->source->ctx, name);
    return value ? acc_compose_env_put(parser->out, key.text, key.len, value, strlen(value)) : 0;
}

static int read_statement(struct parser *parser)
{
    struct slice key = {NULL, 0};
    bool is_bare = false;
    int r = 0;

    skip_export(parser);
    r = read_key(parser, &key, &is_bare);
    if (r < 0) {
        return r;
    }
    if (key.len == 0) {
        return fail_at(parser, parser->pos, "a value without the name of a variable",
                       (struct slice){"", 0});
    }
    if (is_bare) {
        return put_inherited(parser, key);
    }
    skip_spaces(parser);
    if (parser->pos < parser->end && (*parser->pos == '"' || *parser->pos == '\'')) {
        return read_quoted(parser, key);
    }
    return read_unquoted(parser, key);
}

static int begin(struct parser *parser, const struct acc_dotenv_source *source,
                 struct acc_compose_env *out, struct acc_diags *diags)
{
    static const char bom[] = "\xef\xbb\xbf";
    const char *nul = memchr(source->text, '\0', source->len);

    *parser = (struct parser){source, out, diags, source->text, source->text + source->len};
    if (nul) {
        return fail_at(parser, nul, "a NUL byte: this is no text file", (struct slice){"", 0});
    }
    if (source->len >= 3 && memcmp(source->text, bom, 3) == 0) {
        parser->pos += 3;
    }
    return 0;
}

/* What follows a statement that is wrong. */
static void skip_to_line(struct parser *parser)
{
    const char *newline = NULL;

    if (parser->pos > parser->source->text && parser->pos[-1] == '\n') {
        return;
    }
    newline = memchr(parser->pos, '\n', (size_t)(parser->end - parser->pos));
    parser->pos = newline ? newline + 1 : parser->end;
}

int acc_dotenv_parse(const struct acc_dotenv_source *source, struct acc_compose_env *out,
                     struct acc_diags *diags)
{
    struct parser parser;
    size_t n_wrong = 0;
    int result = begin(&parser, source, out, diags);

    if (result < 0) {
        return result;
    }
    for (;;) {
        skip_to_statement(&parser);
        if (parser.pos == parser.end || n_wrong == ERRORS_MAX) {
            return result;
        }
        int r = read_statement(&parser);

        if (r == -ENOMEM) {
            return r;
        }
        if (r < 0) {
            result = r;
            n_wrong++;
            skip_to_line(&parser);
        }
    }
}

static int read_raw_line(struct parser *parser, const char *line_end)
{
    const char *start = parser->pos;
    const char *equals = memchr(start, '=', (size_t)(line_end - start));
    struct slice key = {start, (size_t)((equals ? equals : line_end) - start)};

    for (const char *c = start; c < start + key.len; c++) {
        if (space_len(c, start + key.len) > 0) {
            return fail_at(parser, c, "key cannot contain a space", key);
        }
    }
    if (key.len == 0) {
        return fail_at(parser, start, "a value without the name of a variable",
                       (struct slice){"", 0});
    }
    if (!equals) {
        return put_inherited(parser, key);
    }
    return acc_compose_env_put(parser->out, key.text, key.len, equals + 1,
                               (size_t)(line_end - equals - 1));
}

int acc_dotenv_parse_raw(const struct acc_dotenv_source *source, struct acc_compose_env *out,
                         struct acc_diags *diags)
{
    struct parser parser;
    size_t n_wrong = 0;
    int result = begin(&parser, source, out, diags);

    while ((result == 0 || n_wrong > 0) && n_wrong < ERRORS_MAX && parser.pos < parser.end) {
        const char *newline = memchr(parser.pos, '\n', (size_t)(parser.end - parser.pos));
        const char *next = newline ? newline + 1 : parser.end;
        const char *line_end = newline ? newline : parser.end;
        int r = 0;

        line_end -= line_end > parser.pos && line_end[-1] == '\r';
        skip_spaces(&parser);
        if (parser.pos < line_end && *parser.pos != '#') {
            r = read_raw_line(&parser, line_end);
        }
        if (r == -ENOMEM) {
            return r;
        }
        n_wrong += r < 0;
        result = r < 0 ? r : result;
        parser.pos = next;
    }
    return result;
}
