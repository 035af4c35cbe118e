#include <errno.h>
#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/str.h"
#include "lib/compose/bind_kinds.h"
#include "lib/compose/tree.h"
#include "lib/compose/yaml.h"

static enum acc_bound fail(struct acc_compose_ctx *ctx, const struct acc_node *node,
                           const struct acc_path *path, const char *wanted)
{
    acc_complain(ctx->diags, node->pos, path, "'%s' is no %s", node->text ? node->text : "",
                 wanted);
    return ACC_BOUND_FAILED;
}

static enum acc_bound become_int(struct acc_compose_ctx *ctx, struct acc_node *node, int64_t value)
{
    struct acc_node number = {.type = ACC_NODE_INT, .integer = value};
    char text[24];

    (void)snprintf(text, sizeof(text), "%lld", (long long)value); /* fits */
    number.text = acc_arena_share(ctx->arena, text, strlen(text));
    acc_tree_become(node, number.text ? &number : NULL);
    return ACC_BOUND_KEEP;
}

static bool parse_int(const char *text, int64_t *ret_value)
{
    uint64_t value;
    bool is_negative = text[0] == '-';

    if (!acc_parse_u64(text + (is_negative || text[0] == '+'), &value) || value > INT64_MAX) {
        return false;
    }
    *ret_value = is_negative ? -(int64_t)value : (int64_t)value;
    return true;
}

/* YAML's whole numbers go on to 2^64; `integer` then is the greatest that it can be, `text` exact.
 */
static bool is_cut(const struct acc_node *node)
{
    return node->type == ACC_NODE_INT && node->integer == INT64_MAX &&
           strcmp(node->text, "9223372036854775807") != 0;
}

enum acc_bound acc_bind_int(struct acc_compose_ctx *ctx, struct acc_node *node,
                            const struct acc_path *path)
{
    int64_t value = node->integer;

    if (node->type == ACC_NODE_STRING && !parse_int(node->text, &value)) {
        return fail(ctx, node, path, "whole number");
    }
    if (is_cut(node)) {
        return fail(ctx, node, path, "whole number of 64 bits");
    }
    if (node->type == ACC_NODE_FLOAT) {
        if (!(node->number > -9.2e18 && node->number < 9.2e18)) {
            return fail(ctx, node, path, "whole number of 64 bits");
        }
        value = (int64_t)node->number; /* cut, as Go does */
    }
    return node->type == ACC_NODE_NULL ? ACC_BOUND_OMIT : become_int(ctx, node, value);
}

enum acc_bound acc_bind_uint16(struct acc_compose_ctx *ctx, struct acc_node *node,
                               const struct acc_path *path)
{
    if (node->type == ACC_NODE_STRING) {
        acc_complain(ctx->diags, node->pos, path, "must be a whole number, not %s",
                     acc_node_type_name(node));
        return ACC_BOUND_FAILED;
    }
    if (node->type != ACC_NODE_NULL && (node->integer < 0 || node->integer > UINT16_MAX)) {
        acc_complain(ctx->diags, node->pos, path, "must be between 0 and %u", UINT16_MAX);
        return ACC_BOUND_FAILED;
    }
    return acc_bind_int(ctx, node, path);
}

/* A float32 in the shortest digits that read back the same. */
enum acc_bound acc_bind_float(struct acc_compose_ctx *ctx, struct acc_node *node,
                              const struct acc_path *path)
{
    char text[ACC_FLOAT_TEXT_MAX];
    char *end = NULL;
    double value = node->type == ACC_NODE_INT ? (double)node->integer : node->number;

    if (node->type == ACC_NODE_STRING) {
        value = strtod(node->text, &end);
        if (end == node->text || *end != '\0') {
            return fail(ctx, node, path, "number");
        }
    }
    float single = (float)value;

    if (!(single >= -FLT_MAX && single <= FLT_MAX)) {
        return fail(ctx, node, path, "number of use");
    }

    for (int digits = 1; digits <= 9; digits++) {
        (void)snprintf(text, sizeof(text), "%.*g", digits, (double)single); /* short */
        if ((float)strtod(text, NULL) == single) {
            break;
        }
    }
    value = strtod(text, NULL);
    struct acc_node number = {.type = ACC_NODE_FLOAT, .number = value};

    acc_yaml_format_float_json(value, text);
    number.text = acc_arena_share(ctx->arena, text, strlen(text));
    acc_tree_become(node, number.text ? &number : NULL);
    return ACC_BOUND_KEEP;
}

/* Sizes and durations are strings for people, with the value beside it in `integer`. */
static enum acc_bound become_quantity(struct acc_compose_ctx *ctx, struct acc_node *node,
                                      const char *text, int64_t value)
{
    acc_tree_become_text(ctx, node, text);
    node->integer = value;
    return ACC_BOUND_KEEP;
}

enum acc_bound acc_bind_bytes(struct acc_compose_ctx *ctx, struct acc_node *node,
                              const struct acc_path *path)
{
    int64_t value = 0; /* of those that it warns of: Compose takes none and says nothing */
    char text[24];

    if (node->type == ACC_NODE_INT && !is_cut(node)) {
        value = node->integer;
    } else if (node->type == ACC_NODE_STRING && !acc_parse_bytes(node->text, &value)) {
        acc_complain(ctx->diags, node->pos, path, "'%s' is no size; write it like 512m or 1.5g",
                     node->text);
        return ACC_BOUND_FAILED;
    } else if (node->type == ACC_NODE_FLOAT || is_cut(node)) {
        acc_diags_warn(ctx->diags, node->pos,
                       "%s is no size and has no effect, as in Compose; write it like 512m or 1.5g",
                       node->text);
    }
    (void)snprintf(text, sizeof(text), "%lld", (long long)value); /* fits */
    return value == 0 ? ACC_BOUND_OMIT : become_quantity(ctx, node, text, value);
}

enum acc_bound acc_bind_duration(struct acc_compose_ctx *ctx, struct acc_node *node,
                                 const struct acc_path *path, bool is_pointer)
{
    int64_t ns = 0;
    char text[64];

    if (node->type == ACC_NODE_NULL) {
        return ACC_BOUND_OMIT;
    }
    if (!acc_parse_duration_ns(node->text, &ns)) {
        acc_complain(ctx->diags, node->pos, path, "'%s' is no duration; write it like 10s or 1m30s",
                     node->text);
        return ACC_BOUND_FAILED;
    }
    acc_format_duration_ns(ns, text, sizeof(text));
    return ns == 0 && !is_pointer ? ACC_BOUND_OMIT : become_quantity(ctx, node, text, ns);
}

enum acc_bound acc_bind_bool(struct acc_compose_ctx *ctx, struct acc_node *node,
                             const struct acc_path *path, bool is_pointer)
{
    static const char *const words[] = {"true", "y", "yes", "on", "false", "n", "no", "off"};

    for (size_t i = 0; node->type == ACC_NODE_STRING && i < ACC_ARRAY_LEN(words); i++) {
        if (strcasecmp(words[i], node->text) == 0) {
            acc_tree_become(node, acc_node_bool(ctx->arena, node->pos, i < 4));
        }
    }
    if (node->type == ACC_NODE_NULL) {
        return ACC_BOUND_OMIT;
    }
    if (node->type != ACC_NODE_BOOL) {
        return fail(ctx, node, path, "boolean; write true or false");
    }
    return node->boolean || is_pointer ? ACC_BOUND_KEEP : ACC_BOUND_OMIT;
}

enum acc_bound acc_bind_device_count(struct acc_compose_ctx *ctx, struct acc_node *node,
                                     const struct acc_path *path)
{
    int64_t value = node->integer;

    if (node->type == ACC_NODE_STRING && strcasecmp(node->text, "all") == 0) {
        value = -1;
    } else if (node->type == ACC_NODE_STRING && !parse_int(node->text, &value)) {
        return fail(ctx, node, path, "count of devices; write a number or all");
    }
    return value == 0 ? ACC_BOUND_OMIT : become_int(ctx, node, value);
}

enum acc_bound acc_bind_mode(struct acc_compose_ctx *ctx, struct acc_node *node,
                             const struct acc_path *path)
{
    int64_t mode = node->integer;

    if (node->type == ACC_NODE_STRING) {
        mode = 0;
        for (const char *c = node->text; *c; c++) {
            if (*c < '0' || *c > '7' || mode > 077777777) {
                return fail(ctx, node, path, "file mode; write it in octal like 0440");
            }
            mode = mode * 8 + (*c - '0');
        }
    } else if (node->type == ACC_NODE_FLOAT) {
        return fail(ctx, node, path, "file mode; write it in octal like 0440");
    }
    const char *text = acc_arena_printf(ctx->arena, "0%llo", (unsigned long long)mode);

    return text ? become_quantity(ctx, node, text, mode) : ACC_BOUND_OMIT;
}
