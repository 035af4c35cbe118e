#include "lib/compose/json.h"

#include <errno.h>
#include <string.h>

#include "lib/compose/tree.h"
#include "lib/compose/yaml.h"

/* One service, or all of the x- keys: no more than a tree of the largest size holds, escaped. */
#define PIECE_MAX (4u * (size_t)ACC_COMPOSE_ARENA_MAX)

/* Length of the UTF-8 sequence at `text`, 0 when it is none. */
static size_t utf8_len(const unsigned char *text)
{
    size_t len = text[0] < 0x80                       ? 1
                 : text[0] >= 0xc2 && text[0] < 0xe0  ? 2
                 : (text[0] & 0xf0) == 0xe0           ? 3
                 : text[0] >= 0xf0 && text[0] <= 0xf4 ? 4
                                                      : 0;

    for (size_t i = 1; i < len; i++) {
        if ((text[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    if (len == 3 && ((text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] > 0x9f))) {
        return 0; /* overlong, or a surrogate */
    }
    if (len == 4 && ((text[0] == 0xf0 && text[1] < 0x90) || (text[0] == 0xf4 && text[1] > 0x8f))) {
        return 0;
    }
    return len;
}

/* Go also escapes what HTML and JavaScript would trip over. */
static bool escape(struct acc_buf *out, const unsigned char *at, size_t len)
{
    static const char names[] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r', 0};
    unsigned char c = at[0];

    if (len == 0) {
        (void)acc_buf_puts(out, "\\ufffd");
    } else if (c == '"' || c == '\\') {
        (void)acc_buf_printf(out, "\\%c", c);
    } else if (c < sizeof(names) && names[c]) {
        (void)acc_buf_printf(out, "\\%c", names[c]);
    } else if (c < 0x20 || c == '<' || c == '>' || c == '&') {
        (void)acc_buf_printf(out, "\\u%04x", c);
    } else if (len == 3 && c == 0xe2 && at[1] == 0x80 && (at[2] == 0xa8 || at[2] == 0xa9)) {
        (void)acc_buf_printf(out, "\\u202%c", at[2] == 0xa8 ? '8' : '9');
    } else {
        return false;
    }
    return true;
}

void acc_json_string(struct acc_buf *out, const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    const unsigned char *plain = at; /* not yet written */

    (void)acc_buf_puts(out, "\"");
    while (*at) {
        size_t len = utf8_len(at);
        const unsigned char *from = plain;

        if (len == 1 && *at >= 0x20 && !strchr("\"\\<>&", *at)) {
            at++;
            continue;
        }
        size_t n = (size_t)(at - from);

        if (len > 1 && !(len == 3 && at[0] == 0xe2 && at[1] == 0x80)) {
            at += len;
            continue;
        }
        (void)acc_buf_append(out, from, n);
        if (!escape(out, at, len)) {
            (void)acc_buf_append(out, at, len);
        }
        at += len ? len : 1;
        plain = at;
    }
    (void)acc_buf_append(out, plain, (size_t)(at - plain));
    (void)acc_buf_puts(out, "\"");
}

static void newline(struct acc_buf *out, int indent)
{
    if (indent >= 0) {
        (void)acc_buf_puts(out, "\n");
        for (int i = 0; i < indent; i++) {
            (void)acc_buf_puts(out, "  ");
        }
    }
}

static void key(struct acc_buf *out, const char *name, bool is_first, int indent)
{
    if (!is_first) {
        (void)acc_buf_puts(out, ",");
    }
    newline(out, indent);
    acc_json_string(out, name);
    (void)acc_buf_puts(out, indent >= 0 ? ": " : ":");
}

static void scalar(struct acc_buf *out, const struct acc_node *node)
{
    char text[ACC_FLOAT_TEXT_MAX];

    switch (node->type) {
    case ACC_NODE_STRING:
        acc_json_string(out, node->text);
        break;
    case ACC_NODE_FLOAT:
        if (!(node->number - node->number == 0)) { /* infinite or none: JSON has no word for it */
            (void)acc_buf_puts(out, "null");
            break;
        }
        acc_yaml_format_float_json(node->number, text);
        (void)acc_buf_puts(out, text);
        break;
    case ACC_NODE_INT:
    case ACC_NODE_BOOL:
        (void)acc_buf_puts(out, node->text);
        break;
    case ACC_NODE_NULL:
    case ACC_NODE_SEQ:
    case ACC_NODE_MAP:
        (void)acc_buf_puts(out, "null");
        break;
    }
}

bool acc_json_is_hidden(const struct acc_node *child)
{
    return strncmp(child->key, "x-", 2) == 0 ||
           (child->type == ACC_NODE_SEQ && strcmp(child->key, "label_file") == 0);
}

static void map(struct acc_buf *out, const struct acc_node *node, int indent)
{
    int inner = indent >= 0 ? indent + 1 : indent;
    bool is_first = true;

    (void)acc_buf_puts(out, "{");
    acc_node_for_each(child, node)
    {
        key(out, child->key, is_first, inner);
        acc_json_node(out, child, inner);
        is_first = false;
    }
    if (!is_first) {
        newline(out, indent);
    }
    (void)acc_buf_puts(out, "}");
}

void acc_json_node(struct acc_buf *out, const struct acc_node *node, int indent)
{
    int inner = indent >= 0 ? indent + 1 : indent;
    bool is_first = true;

    if (node->type == ACC_NODE_MAP) {
        map(out, node, indent);
        return;
    }
    if (node->type != ACC_NODE_SEQ) {
        scalar(out, node);
        return;
    }
    (void)acc_buf_puts(out, "[");
    acc_node_for_each(child, node)
    {
        if (!is_first) {
            (void)acc_buf_puts(out, ",");
        }
        newline(out, inner);
        acc_json_node(out, child, inner);
        is_first = false;
    }
    if (!is_first) {
        newline(out, indent);
    }
    (void)acc_buf_puts(out, "]");
}

/* The two structs of blkio_config that have no JSON names: Go prints the names of their fields, and
 * both of them. */
static void blkio_items(struct acc_buf *out, const struct acc_node *seq, const char *amount,
                        int indent)
{
    int inner = indent >= 0 ? indent + 1 : indent;
    int fields = indent >= 0 ? indent + 2 : indent;
    bool is_weight = strcmp(amount, "weight") == 0;
    bool is_first = true;

    (void)acc_buf_puts(out, "[");
    acc_node_for_each(item, seq)
    {
        const char *path = acc_node_get_text(item, "path");
        const char *value = acc_node_get_text(item, amount);

        (void)acc_buf_puts(out, is_first ? "" : ",");
        newline(out, inner);
        (void)acc_buf_puts(out, "{");
        key(out, "Path", true, fields);
        acc_json_string(out, path ? path : "");
        key(out, is_weight ? "Weight" : "Rate", false, fields);
        (void)acc_buf_printf(out, is_weight ? "%s" : "\"%s\"", value ? value : "0");
        newline(out, inner);
        (void)acc_buf_puts(out, "}");
        is_first = false;
    }
    newline(out, indent);
    (void)acc_buf_puts(out, "]");
}

static void blkio(struct acc_buf *out, const struct acc_node *node, int indent)
{
    int inner = indent >= 0 ? indent + 1 : indent;
    bool is_first = true;

    (void)acc_buf_puts(out, "{");
    acc_node_for_each(child, node)
    {
        key(out, child->key, is_first, inner);
        if (child->type == ACC_NODE_SEQ) {
            blkio_items(out, child, strcmp(child->key, "weight_device") == 0 ? "weight" : "rate",
                        inner);
        } else {
            acc_json_node(out, child, inner);
        }
        is_first = false;
    }
    if (!is_first) {
        newline(out, indent);
    }
    (void)acc_buf_puts(out, "}");
}

static void service_value(struct acc_buf *out, const struct acc_node *child, int indent)
{
    if (strcmp(child->key, "blkio_config") == 0) {
        blkio(out, child, indent);
    } else {
        acc_json_node(out, child, indent);
    }
}

static void struct_map(struct acc_buf *out, const struct acc_node *node, int indent)
{
    bool is_first = true;

    (void)acc_buf_puts(out, "{");
    acc_node_for_each(child, node)
    {
        if (!acc_json_is_hidden(child)) {
            key(out, child->key, is_first, indent + 1);
            service_value(out, child, indent + 1);
            is_first = false;
        }
    }
    if (!is_first) {
        newline(out, indent);
    }
    (void)acc_buf_puts(out, "}");
}

static void section(struct acc_pieces *pieces, const struct acc_node *node, int indent)
{
    struct acc_buf *out = &pieces->text;
    bool is_first = true;

    (void)acc_buf_puts(out, "{");
    acc_node_for_each(child, node)
    {
        key(out, child->key, is_first, indent + 1);
        struct_map(out, child, indent + 1);
        acc_pieces_flush(pieces);
        is_first = false;
    }
    if (!is_first) {
        newline(out, indent);
    }
    (void)acc_buf_puts(out, "}");
}

static bool is_section(const char *name)
{
    static const char *const names[] = {"configs", "networks", "secrets", "services", "volumes"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

void acc_pieces_init(struct acc_pieces *pieces, acc_compose_write_fn write, void *ctx)
{
    *pieces = (struct acc_pieces){.write = write, .ctx = ctx};
    acc_buf_init(&pieces->text, PIECE_MAX);
    acc_buf_init(&pieces->escaped, PIECE_MAX);
}

void acc_pieces_flush(struct acc_pieces *pieces)
{
    const struct acc_buf *text = &pieces->text;
    struct acc_buf *escaped = &pieces->escaped;
    size_t done = 0;

    for (size_t i = 0; i < text->len; i++) {
        if (text->data[i] == '$') {
            (void)acc_buf_append(escaped, text->data + done, i + 1 - done);
            done = i; /* the dollar is written again with what follows */
        }
    }
    if (text->len > done) {
        (void)acc_buf_append(escaped, text->data + done, text->len - done);
    }
    pieces->failed = pieces->failed || text->failed || escaped->failed;
    if (!pieces->failed && escaped->len > 0) {
        pieces->write(pieces->ctx, escaped->data, escaped->len);
    }
    acc_buf_reset(&pieces->text);
    acc_buf_reset(escaped);
}

int acc_pieces_fini(struct acc_pieces *pieces)
{
    acc_pieces_flush(pieces);
    acc_buf_fini(&pieces->text);
    acc_buf_fini(&pieces->escaped);
    return pieces->failed ? -ENOMEM : 0;
}

int acc_compose_config_json(const struct acc_stack *stack, acc_compose_write_fn write, void *ctx)
{
    struct acc_pieces pieces;
    struct acc_buf *out = &pieces.text;
    bool is_first = true;

    acc_pieces_init(&pieces, write, ctx);
    (void)acc_buf_puts(out, "{");
    acc_node_for_each(child, stack->project)
    {
        if (strcmp(child->key, "models") == 0) {
            continue; /* compose-go knows of none when it prints (2.9.1, Project.MarshalJSON) */
        }
        key(out, child->key, is_first, 1);
        if (is_section(child->key)) {
            section(&pieces, child, 1);
        } else {
            acc_json_node(out, child, 1);
        }
        is_first = false;
    }
    newline(out, 0);
    (void)acc_buf_puts(out, "}");
    return acc_pieces_fini(&pieces);
}

static bool is_hashed(const struct acc_node *child)
{
    static const char *const without[] = {"build",    "pull_policy", "scale",  "depends_on",
                                          "profiles", "env_file",    "extends"};

    for (size_t i = 0; i < sizeof(without) / sizeof(without[0]); i++) {
        if (strcmp(without[i], child->key) == 0) {
            return false;
        }
    }
    return strncmp(child->key, "x-", 2) != 0;
}

static void deploy_for_hash(struct acc_buf *out, const struct acc_node *deploy)
{
    bool is_first = true;

    (void)acc_buf_puts(out, "{");
    acc_node_for_each(child, deploy)
    {
        if (strcmp(child->key, "replicas") != 0) {
            key(out, child->key, is_first, -1);
            acc_json_node(out, child, -1);
            is_first = false;
        }
    }
    (void)acc_buf_puts(out, "}");
}

static void value_for_hash(struct acc_buf *out, const struct acc_node *child,
                           acc_json_replace_fn replace, void *ctx)
{
    bool is_first = true;

    if (strcmp(child->key, "deploy") == 0) {
        deploy_for_hash(out, child);
    } else if (replace && child->type == ACC_NODE_STRING) {
        acc_json_string(out, replace(ctx, child->key, child->text));
    } else if (replace && strcmp(child->key, "volumes_from") == 0) {
        (void)acc_buf_puts(out, "[");
        acc_node_for_each(item, child)
        {
            (void)acc_buf_puts(out, is_first ? "" : ",");
            acc_json_string(out, replace(ctx, child->key, item->text));
            is_first = false;
        }
        (void)acc_buf_puts(out, "]");
    } else {
        service_value(out, child, -1);
    }
}

void acc_json_service_for_hash(struct acc_buf *out, const struct acc_node *service,
                               acc_json_replace_fn replace, void *ctx)
{
    bool is_first = true;

    (void)acc_buf_puts(out, "{");
    acc_node_for_each(child, service)
    {
        if (is_hashed(child)) {
            key(out, child->key, is_first, -1);
            value_for_hash(out, child, replace, ctx);
            is_first = false;
        }
    }
    (void)acc_buf_puts(out, "}");
}
