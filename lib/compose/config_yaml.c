/* `docker compose config`: the resolved project as YAML, laid out and quoted as go-yaml v3 does
 * (encode.go, emitterc.go; indentation of two). */
#include <errno.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/compose/json.h"
#include "lib/compose/tree.h"
#include "lib/compose/yaml.h"

/* Only for telling what a plain scalar would be read as. */
#define SCRATCH_MAX (64u * 1024u * 1024u)

struct printer {
    struct acc_buf *out;
    struct acc_arena *scratch;
    int r;
};

enum style { PLAIN, SINGLE, DOUBLE, LITERAL };

/* What keeps a text from being written in a style. */
struct analysis {
    bool has_newline;
    bool block_indicators; /* a character that means something in plain text */
    bool leading_space, trailing_space, leading_break, trailing_break;
    bool space_break, break_space; /* a space before, after a newline */
    bool special;                  /* a control character */
    bool has_tab;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\0';
}

/* The character at `text` if go-yaml takes it for one that has to be escaped: beyond the basic
 * plane, or a control one. 0 for all others. `*ret_len` is its length. */
static uint32_t unprintable(const char *text, size_t *ret_len)
{
    const unsigned char *at = (const unsigned char *)text;
    uint32_t code = at[0];

    *ret_len = 1;
    if (at[0] >= 0xf0 && at[1] && at[2] && at[3]) {
        *ret_len = 4;
        return (uint32_t)(at[0] & 7u) << 18 | (uint32_t)(at[1] & 63u) << 12 |
               (uint32_t)(at[2] & 63u) << 6 | (at[3] & 63u);
    }
    if ((at[0] & 0xf0) == 0xe0 && at[1] && at[2]) {
        *ret_len = 3;
        code = (at[0] & 15u) << 12 | (at[1] & 63u) << 6 | (at[2] & 63u);
        return code == 0xfeff || code >= 0xfffe || code == 0x2028 || code == 0x2029 ? code : 0;
    }
    if ((at[0] & 0xe0) == 0xc0 && at[1]) {
        *ret_len = 2;
        code = (at[0] & 31u) << 6 | (at[1] & 63u);
        return code < 0xa0 ? code : 0;
    }
    return (code < 0x20 && code != '\n' && code != '\t') || code == 0x7f ? code : 0;
}

static void analyse_character(struct analysis *a, const char *text, size_t i, bool after_blank)
{
    char c = text[i];
    bool before_blank = is_blank(text[i + 1]);
    size_t len;

    if (i == 0 && (strchr("#,[]{}&*!|>'\"%@`", c) || (before_blank && strchr("?:-", c)))) {
        a->block_indicators = true;
    } else if (i > 0 && ((c == ':' && before_blank) || (c == '#' && after_blank))) {
        a->block_indicators = true;
    }
    a->special |= ((unsigned char)c & 0xc0) != 0x80 && unprintable(text + i, &len) != 0;
    a->has_tab |= c == '\t';
}

static struct analysis analyse(const char *text)
{
    struct analysis a = {.block_indicators = strncmp(text, "---", 3) == 0 ||
                                             strncmp(text, "...", 3) == 0};
    bool after_space = false;
    bool after_break = false;

    for (size_t i = 0; text[i]; i++) {
        bool is_last = text[i + 1] == '\0';

        analyse_character(&a, text, i, i == 0 || is_blank(text[i - 1]));
        if (text[i] == ' ') {
            a.leading_space |= i == 0;
            a.trailing_space |= is_last;
            a.break_space |= after_break;
        } else if (text[i] == '\n') {
            a.has_newline = true;
            a.leading_break |= i == 0;
            a.trailing_break |= is_last;
            a.space_break |= after_space;
        }
        after_space = text[i] == ' ';
        after_break = text[i] == '\n';
    }
    return a;
}

/* YAML 1.1 words and base 60 numbers, quoted for the sake of older readers. */
static bool is_old_value(const char *text)
{
    static const char *const words[] = {"y", "Y", "yes", "Yes", "YES", "on",  "On",  "ON",
                                        "n", "N", "no",  "No",  "NO",  "off", "Off", "OFF"};
    size_t i = text[0] == '+' || text[0] == '-';

    for (size_t k = 0; k < sizeof(words) / sizeof(words[0]); k++) {
        if (strcmp(words[k], text) == 0) {
            return true;
        }
    }
    /* [-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)? */
    if (!strchr(text, ':') || text[i] < '0' || text[i] > '9') {
        return false;
    }
    i += strspn(text + i, "0123456789_");
    if (text[i] != ':') {
        return false;
    }
    while (text[i] == ':') {
        size_t digits = strspn(text + i + 1, "0123456789");

        if (digits == 0 || digits > 2 || (digits == 2 && text[i + 1] > '5')) {
            return false;
        }
        i += digits + 1;
    }
    if (text[i] == '.') {
        i += 1 + strspn(text + i + 1, "0123456789_");
    }
    return text[i] == '\0';
}

static bool reads_back_as_string(struct printer *p, const char *text)
{
    struct acc_node node = {.type = ACC_NODE_STRING, .text = text};

    if (text[0] == '\0' || strcmp(text, "<<") == 0 || is_old_value(text)) {
        return false;
    }
    if (acc_yaml_resolve(p->scratch, text, &node) < 0) {
        p->r = -ENOMEM;
    }
    return node.type == ACC_NODE_STRING && node.tag == ACC_YAML_TAG_NONE;
}

static enum style choose(struct printer *p, const char *text, bool is_key)
{
    struct analysis a = analyse(text);

    if (a.has_newline) {
        return is_key || a.trailing_space || a.space_break || a.special ? DOUBLE : LITERAL;
    }
    if (!reads_back_as_string(p, text)) {
        return DOUBLE;
    }
    if (a.special || a.has_tab) {
        return DOUBLE;
    }
    return a.block_indicators || a.leading_space || a.trailing_space ? SINGLE : PLAIN;
}

static void indent(struct acc_buf *out, int depth)
{
    for (int i = 0; i < depth; i++) {
        (void)acc_buf_puts(out, "  ");
    }
}

static void put_double(struct acc_buf *out, const char *text)
{
    static const char names[] = {
        [0] = '0',    ['\a'] = 'a', ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n',
        ['\v'] = 'v', ['\f'] = 'f', ['\r'] = 'r', [0x1b] = 'e'};

    (void)acc_buf_puts(out, "\"");
    for (size_t len = 1; *text; text += len) {
        unsigned char c = (unsigned char)*text;
        uint32_t code = unprintable(text, &len);

        if (c == '"' || c == '\\') {
            (void)acc_buf_printf(out, "\\%c", c);
        } else if (c < sizeof(names) && names[c]) {
            (void)acc_buf_printf(out, "\\%c", names[c]);
        } else if (code == 0x85 || code == 0xa0 || code == 0x2028 || code == 0x2029) {
            (void)acc_buf_printf(out, "\\%c",
                                 code == 0x85     ? 'N'
                                 : code == 0xa0   ? '_'
                                 : code == 0x2028 ? 'L'
                                                  : 'P');
        } else if (code) {
            (void)acc_buf_printf(out,
                                 code < 0x100     ? "\\x%02X"
                                 : code < 0x10000 ? "\\u%04X"
                                                  : "\\U%08X",
                                 code);
        } else {
            (void)acc_buf_append(out, text, len);
        }
    }
    (void)acc_buf_puts(out, "\"");
}

static void put_single(struct acc_buf *out, const char *text)
{
    (void)acc_buf_puts(out, "'");
    for (; *text; text++) {
        (void)acc_buf_append(out, *text == '\'' ? "''" : text, *text == '\'' ? 2 : 1);
    }
    (void)acc_buf_puts(out, "'");
}

/* "|", with a hint when the first line begins with a blank, and how the text ends. */
static void put_literal(struct acc_buf *out, const char *text, int depth)
{
    size_t len = strlen(text);
    bool ends_in_newline = text[len - 1] == '\n';
    bool keeps = ends_in_newline && (len == 1 || text[len - 2] == '\n');

    (void)acc_buf_puts(out, "|");
    if (text[0] == ' ' || text[0] == '\n') {
        (void)acc_buf_puts(out, "2");
    }
    (void)acc_buf_puts(out, !ends_in_newline ? "-" : keeps ? "+" : "");
    while (*text) {
        size_t line = strcspn(text, "\n");

        (void)acc_buf_puts(out, "\n");
        if (line > 0) {
            indent(out, depth);
            (void)acc_buf_append(out, text, line);
        }
        text += line;
        if (*text == '\n' && text[1] == '\0' && !keeps) {
            return; /* the newline that every line ends in */
        }
        if (*text == '\n' && text[1] == '\0') {
            return;
        }
        text += *text == '\n';
    }
}

static void put_text(struct printer *p, const char *text, int depth, bool is_key)
{
    switch (choose(p, text, is_key)) {
    case PLAIN:
        (void)acc_buf_puts(p->out, text);
        break;
    case SINGLE:
        put_single(p->out, text);
        break;
    case DOUBLE:
        put_double(p->out, text);
        break;
    case LITERAL:
        put_literal(p->out, text, depth);
        break;
    }
}

/* compose-go leaves out in YAML what it must print in JSON: commands that are not given, structs
 * that are empty without being optional. */
static bool is_left_out(const struct acc_node *child)
{
    static const char *const commands[] = {"command", "entrypoint"};
    static const char *const values[] = {"resources", "placement", "ipam", "exec"};

    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(child->key, commands[i]) == 0 && child->type == ACC_NODE_NULL) {
            return true;
        }
    }
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        if (strcmp(child->key, values[i]) == 0 && child->type == ACC_NODE_MAP &&
            (child->n == 0 || (child->n == 1 && child->first->type == ACC_NODE_NULL))) {
            return true;
        }
    }
    return strcmp(child->key, ACC_SPEC_VALUE_KEY) == 0 ||
           (child->type == ACC_NODE_SEQ && strcmp(child->key, "label_file") == 0);
}

/* Children that are written. */
static uint32_t n_shown(const struct acc_node *node)
{
    uint32_t n = 0;

    acc_node_for_each(child, node)
    {
        n += node->type == ACC_NODE_SEQ || !is_left_out(child);
    }
    return n;
}

static void put_value(struct printer *p, const struct acc_node *node, int depth);

static void put_key(struct printer *p, const struct acc_node *child, int depth)
{
    put_text(p, child->key, depth, true);
    (void)acc_buf_puts(p->out, ":");
    put_value(p, child, depth + 1);
}

/* `is_inline`: the first key stands behind "- ". */
static void put_map(struct printer *p, const struct acc_node *map, int depth, bool is_inline)
{
    acc_node_for_each(child, map)
    {
        if (is_left_out(child)) {
            continue;
        }
        if (!is_inline) {
            (void)acc_buf_puts(p->out, "\n");
            indent(p->out, depth);
        }
        is_inline = false;
        put_key(p, child, depth);
    }
}

static void put_scalar(struct printer *p, const struct acc_node *node, int depth)
{
    char text[ACC_FLOAT_TEXT_MAX];

    switch (node->type) {
    case ACC_NODE_STRING:
        put_text(p, node->text, depth, false);
        break;
    case ACC_NODE_FLOAT:
        acc_yaml_format_float(node->number, text);
        (void)acc_buf_puts(p->out, text);
        break;
    case ACC_NODE_INT:
    case ACC_NODE_BOOL:
        (void)acc_buf_puts(p->out, node->text);
        break;
    case ACC_NODE_NULL:
    case ACC_NODE_SEQ:
    case ACC_NODE_MAP:
        (void)acc_buf_puts(p->out, "null");
        break;
    }
}

static void put_items(struct printer *p, const struct acc_node *seq, int depth, bool is_inline)
{
    acc_node_for_each(item, seq)
    {
        if (!is_inline) {
            (void)acc_buf_puts(p->out, "\n");
            indent(p->out, depth);
        }
        is_inline = false;
        (void)acc_buf_puts(p->out, "- ");
        if (item->type == ACC_NODE_MAP && n_shown(item) > 0) {
            put_map(p, item, depth + 1, true);
        } else if (item->type == ACC_NODE_SEQ && item->n > 0) {
            put_items(p, item, depth + 1, true);
        } else if (item->type == ACC_NODE_MAP || item->type == ACC_NODE_SEQ) {
            (void)acc_buf_puts(p->out, item->type == ACC_NODE_MAP ? "{}" : "[]");
        } else {
            put_scalar(p, item, depth + 1);
        }
    }
}

/* Behind "key:". */
static void put_value(struct printer *p, const struct acc_node *node, int depth)
{
    if (node->type == ACC_NODE_MAP && n_shown(node) > 0) {
        put_map(p, node, depth, false);
    } else if (node->type == ACC_NODE_SEQ && node->n > 0) {
        put_items(p, node, depth, false);
    } else if (node->type == ACC_NODE_MAP || node->type == ACC_NODE_SEQ) {
        (void)acc_buf_puts(p->out, node->type == ACC_NODE_MAP ? " {}" : " []");
    } else {
        (void)acc_buf_puts(p->out, " ");
        put_scalar(p, node, depth);
    }
}

/* As put_key() would, but one child at a time. */
static void put_children(struct printer *p, struct acc_pieces *pieces, const struct acc_node *node)
{
    put_text(p, node->key, 0, true);
    (void)acc_buf_puts(p->out, ":");
    acc_node_for_each(child, node)
    {
        if (!is_left_out(child)) {
            (void)acc_buf_puts(p->out, "\n");
            indent(p->out, 1);
            put_key(p, child, 1);
            acc_pieces_flush(pieces);
        }
    }
}

static void put_section(struct printer *p, struct acc_pieces *pieces, const struct acc_node *node)
{
    bool is_empty = node && node->type == ACC_NODE_MAP && n_shown(node) == 0;

    if (!node || (node->n == 0 && is_empty && strcmp(node->key, "services") != 0)) {
        return;
    }
    if (node->type == ACC_NODE_MAP && !is_empty) {
        put_children(p, pieces, node);
    } else {
        put_key(p, node, 0);
    }
    (void)acc_buf_puts(p->out, "\n");
}

int acc_compose_config_yaml(const struct acc_stack *stack, acc_compose_write_fn write, void *ctx)
{
    static const char *const sections[] = {"name",    "services", "networks",
                                           "volumes", "secrets",  "configs"};
    struct acc_pieces pieces;
    struct printer p = {.out = &pieces.text};
    int r = acc_arena_create(SCRATCH_MAX, &p.scratch);

    if (r < 0) {
        return r;
    }
    acc_pieces_init(&pieces, write, ctx);
    for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
        put_section(&p, &pieces, acc_node_get(stack->project, sections[i]));
    }
    acc_node_for_each(child, stack->project)
    {
        if (strncmp(child->key, "x-", 2) == 0) {
            put_section(&p, &pieces, child);
        }
    }
    r = acc_pieces_fini(&pieces);
    r = p.r < 0 ? p.r : r;
    acc_arena_destroy(p.scratch);
    return r;
}
