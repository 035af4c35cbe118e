#include "lib/compose/bind.h"

#include <errno.h>
#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/str.h"
#include "lib/compose/short.h"
#include "lib/compose/tree.h"
#include "lib/compose/yaml.h"

#define FIELDS_MAX 128u

/* What binding one value says to the struct that holds it. */
enum outcome { FAILED = -1, OMIT = 0, KEEP = 1 };

static enum outcome fail(struct acc_compose_ctx *ctx, const struct acc_node *node,
                         const struct acc_path *path, const char *wanted)
{
    acc_complain(ctx->diags, node->pos, path, "'%s' is no %s", node->text ? node->text : "",
                 wanted);
    return FAILED;
}

static enum outcome become_int(struct acc_compose_ctx *ctx, struct acc_node *node, int64_t value)
{
    acc_tree_become(node, acc_node_int(ctx->arena, node->pos, value));
    return KEEP;
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

static enum outcome bind_int(struct acc_compose_ctx *ctx, struct acc_node *node,
                             const struct acc_path *path)
{
    int64_t value = node->integer;

    if (node->type == ACC_NODE_STRING && !parse_int(node->text, &value)) {
        return fail(ctx, node, path, "whole number");
    }
    if (node->type == ACC_NODE_FLOAT) {
        if (!(node->number > -9.2e18 && node->number < 9.2e18)) {
            return fail(ctx, node, path, "whole number");
        }
        value = (int64_t)node->number; /* cut, as Go does */
    }
    return node->type == ACC_NODE_NULL ? OMIT : become_int(ctx, node, value);
}

/* A float32 in the shortest digits that read back the same. */
static enum outcome bind_float(struct acc_compose_ctx *ctx, struct acc_node *node,
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
    struct acc_node *number = acc_node_new(ctx->arena, ACC_NODE_FLOAT, node->pos);

    if (number) {
        acc_yaml_format_float_json(value, text);
        number->number = value;
        number->text = acc_arena_strdup(ctx->arena, text);
        acc_tree_become(node, number->text ? number : NULL);
    }
    return KEEP;
}

/* Sizes and durations are strings for people, with the value beside it in `integer`. */
static enum outcome become_quantity(struct acc_compose_ctx *ctx, struct acc_node *node,
                                    const char *text, int64_t value)
{
    acc_tree_become_text(ctx, node, text);
    node->integer = value;
    return KEEP;
}

static enum outcome bind_bytes(struct acc_compose_ctx *ctx, struct acc_node *node,
                               const struct acc_path *path)
{
    int64_t value = 0; /* of a float: Compose takes none and says nothing */
    char text[24];

    if (node->type == ACC_NODE_INT) {
        value = node->integer;
    } else if (node->type == ACC_NODE_STRING && !acc_parse_bytes(node->text, &value)) {
        acc_complain(ctx->diags, node->pos, path, "'%s' is no size; write it like 512m or 1.5g",
                     node->text);
        return FAILED;
    } else if (node->type == ACC_NODE_FLOAT) {
        acc_diags_warn(ctx->diags, node->pos,
                       "%s is no size and has no effect, as in Compose; write it like 512m or 1.5g",
                       node->text);
    }
    (void)snprintf(text, sizeof(text), "%lld", (long long)value); /* fits */
    return value == 0 ? OMIT : become_quantity(ctx, node, text, value);
}

static enum outcome bind_duration(struct acc_compose_ctx *ctx, struct acc_node *node,
                                  const struct acc_path *path, bool is_pointer)
{
    int64_t ns = 0;
    char text[64];

    if (node->type == ACC_NODE_NULL) {
        return OMIT;
    }
    if (!acc_parse_duration_ns(node->text, &ns)) {
        acc_complain(ctx->diags, node->pos, path, "'%s' is no duration; write it like 10s or 1m30s",
                     node->text);
        return FAILED;
    }
    acc_format_duration_ns(ns, text, sizeof(text));
    return ns == 0 && !is_pointer ? OMIT : become_quantity(ctx, node, text, ns);
}

static enum outcome bind_bool(struct acc_compose_ctx *ctx, struct acc_node *node,
                              const struct acc_path *path, bool is_pointer)
{
    static const char *const words[] = {"true",  "y", "yes", "on",  "1",
                                        "false", "n", "no",  "off", "0"};

    for (size_t i = 0; node->type == ACC_NODE_STRING && i < ACC_ARRAY_LEN(words); i++) {
        if (strcasecmp(words[i], node->text) == 0) {
            acc_tree_become(node, acc_node_bool(ctx->arena, node->pos, i < 5));
        }
    }
    if (node->type == ACC_NODE_NULL) {
        return OMIT;
    }
    if (node->type != ACC_NODE_BOOL) {
        return fail(ctx, node, path, "boolean; write true or false");
    }
    return node->boolean || is_pointer ? KEEP : OMIT;
}

static enum outcome bind_text(struct acc_compose_ctx *ctx, struct acc_node *node)
{
    if (node->type != ACC_NODE_STRING) {
        acc_tree_become_text(ctx, node, node->text ? node->text : "");
    }
    return acc_node_is(node, ACC_NODE_STRING) && node->text[0] ? KEEP : OMIT;
}

static enum outcome bind_texts(struct acc_compose_ctx *ctx, struct acc_node *node)
{
    if (node->type == ACC_NODE_STRING) {
        struct acc_node *seq = acc_tree_seq(ctx, node->pos);

        acc_tree_append_text(ctx, seq, node->pos, node->text, strlen(node->text));
        acc_tree_become(node, seq);
    }
    acc_node_for_each(child, node)
    {
        (void)bind_text(ctx, child);
    }
    return node->n > 0 ? KEEP : OMIT;
}

static enum outcome bind_command(struct acc_compose_ctx *ctx, struct acc_node *node,
                                 const struct acc_path *path)
{
    if (node->type == ACC_NODE_STRING && acc_short_words(ctx, node, path) < 0) {
        return FAILED;
    }
    acc_node_for_each(child, node)
    {
        (void)bind_text(ctx, child);
    }
    return KEEP; /* null and [] are printed, too */
}

static enum outcome bind_test(struct acc_compose_ctx *ctx, struct acc_node *node)
{
    if (node->type == ACC_NODE_STRING) {
        struct acc_node *seq = acc_tree_seq(ctx, node->pos);

        acc_tree_append_text(ctx, seq, node->pos, "CMD-SHELL", 9);
        acc_tree_append_text(ctx, seq, node->pos, node->text, strlen(node->text));
        acc_tree_become(node, seq);
    }
    return node->n > 0 ? KEEP : OMIT;
}

/* A later key of a list replaces an earlier one. `map` is sorted by then. */
static void drop_earlier(struct acc_node *map)
{
    struct acc_node *next = NULL;
    struct acc_node *child = acc_tree_take_children(map);

    for (; child; child = next) {
        next = child->next;
        child->next = NULL;
        if (!next || strcmp(next->key, child->key) != 0) { /* sorting is stable */
            acc_node_put(map, child->key, child->key_pos, child);
        }
    }
}

static enum outcome pair(struct acc_compose_ctx *ctx, struct acc_node *map, struct acc_node *item,
                         const struct acc_path *path, bool is_env)
{
    const char *text = item->text ? item->text : "";
    size_t len = strcspn(text, "=");
    const char *key = acc_arena_strndup(ctx->arena, text, len);
    struct acc_node *value = NULL;

    if (is_env && len > 0 && strchr(" \t\n\v\f\r", text[len - 1])) {
        acc_complain(ctx->diags, item->pos, path,
                     "the name of the environment variable '%.*s' ends in a space", (int)len, text);
        return FAILED;
    }
    if (text[len] == '=' || !is_env) {
        value = acc_node_string(ctx->arena, item->pos, text[len] ? text + len + 1 : "");
    } else {
        value = acc_node_new(ctx->arena, ACC_NODE_NULL, item->pos);
    }
    if (key && value && map) {
        acc_node_put(map, key, item->pos, value);
    }
    return KEEP;
}

/* Compose takes a key that begins with x- for an extension, in whatever mapping it stands, and then
 * prints all of them as one entry. Containers must be the same, so we do, too. */
static void put_extensions(struct acc_compose_ctx *ctx, struct acc_node *map,
                           struct acc_node *extensions)
{
    const char *text = "map[";

    acc_node_sort_keys(extensions);
    acc_node_for_each(child, extensions)
    {
        acc_diags_warn(ctx->diags, child->key_pos,
                       "'%s' is taken for an extension by Docker Compose, and not set as it stands",
                       child->key);
        text = text ? acc_arena_printf(ctx->arena, "%s%s%s:%s", text,
                                       child == extensions->first ? "" : " ", child->key,
                                       child->text ? child->text : "<nil>")
                    : NULL;
    }
    if (extensions->first && text) {
        acc_tree_put_text(ctx, map, "#extensions", map->pos,
                          acc_arena_printf(ctx->arena, "%s]", text));
    }
}

static enum outcome bind_values(struct acc_compose_ctx *ctx, struct acc_node *map,
                                const struct acc_path *path, bool is_env)
{
    enum outcome outcome = KEEP;
    struct acc_node *extensions = acc_tree_map(ctx, map->pos);
    struct acc_node *next = NULL;

    for (struct acc_node *child = acc_tree_take_children(map); child && extensions; child = next) {
        next = child->next;
        child->next = NULL;
        if (strncmp(child->key, "x-", 2) == 0) {
            acc_node_put(extensions, child->key, child->key_pos, child);
            continue;
        }
        if (child->type == ACC_NODE_SEQ || child->type == ACC_NODE_MAP) {
            struct acc_path at = {path, child->key, 0};

            acc_complain(ctx->diags, child->pos, &at, "must be a string, not %s",
                         acc_node_type_name(child));
            outcome = FAILED;
        } else if (child->type != ACC_NODE_NULL || !is_env) {
            (void)bind_text(ctx, child);
        }
        acc_node_put(map, child->key, child->key_pos, child);
    }
    if (extensions) {
        put_extensions(ctx, map, extensions);
    }
    return outcome;
}

/* KEY=VALUE in either form -> a sorted mapping of strings, for ENV also of nulls. */
static enum outcome bind_pairs(struct acc_compose_ctx *ctx, struct acc_node *node,
                               const struct acc_path *path, bool is_env)
{
    enum outcome outcome = KEEP;

    if (node->type == ACC_NODE_SEQ) {
        struct acc_node *map = acc_tree_map(ctx, node->pos);

        acc_node_for_each(item, node)
        {
            if (pair(ctx, map, item, path, is_env) == FAILED) {
                outcome = FAILED;
            }
        }
        acc_tree_become(node, map);
    } else if (node->type == ACC_NODE_MAP) {
        outcome = bind_values(ctx, node, path, is_env);
    }
    acc_node_sort_keys(node);
    drop_earlier(node);
    return outcome == FAILED || node->n > 0 ? outcome : OMIT;
}

static enum outcome add_host(struct acc_compose_ctx *ctx, struct acc_node *seq,
                             const struct acc_node *from, const struct acc_path *path,
                             const char *host, size_t host_len, const char *ip, size_t ip_len)
{
    char *text;

    if (host_len == 0 || memchr(host, ':', host_len) || memchr(host, '=', host_len)) {
        acc_complain(ctx->diags, from->pos, path, "bad host name '%.*s'", (int)host_len, host);
        return FAILED;
    }
    if (ip_len > 2 && ip[0] == '[' && ip[ip_len - 1] == ']') {
        ip++;
        ip_len -= 2;
    }
    text = acc_arena_printf(ctx->arena, "%.*s=%.*s", (int)host_len, host, (int)ip_len, ip);
    if (text) {
        acc_tree_append_text(ctx, seq, from->pos, text, strlen(text));
    }
    return KEEP;
}

static enum outcome host_item(struct acc_compose_ctx *ctx, struct acc_node *seq,
                              const struct acc_node *item, const struct acc_path *path)
{
    size_t len = strcspn(item->text, "=");
    enum outcome outcome = KEEP;

    len = item->text[len] ? len : strcspn(item->text, ":");
    if (item->text[len] == '\0') {
        acc_complain(ctx->diags, item->pos, path, "'%s' lacks an address; write host=address",
                     item->text);
        return FAILED;
    }
    for (const char *ip = item->text + len + 1; ip && outcome == KEEP;) {
        size_t ip_len = strcspn(ip, ",");

        outcome = add_host(ctx, seq, item, path, item->text, len, ip, ip_len);
        ip = ip[ip_len] ? ip + ip_len + 1 : NULL;
    }
    return outcome;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp((*(struct acc_node *const *)a)->text, (*(struct acc_node *const *)b)->text);
}

static int sort_texts(struct acc_node *seq)
{
    struct acc_node **items = calloc(seq->n + 1u, sizeof(struct acc_node *));
    size_t n = 0;

    if (!items) {
        return -ENOMEM;
    }
    acc_node_for_each(child, seq)
    {
        items[n++] = child;
    }
    qsort(items, n, sizeof(struct acc_node *), compare_texts);
    (void)acc_tree_take_children(seq);
    for (size_t i = 0; i < n; i++) {
        items[i]->next = NULL;
        acc_node_append(seq, items[i]);
    }
    free(items);
    return 0;
}

/* Any form -> a sorted list of "host=address". */
static enum outcome bind_hosts(struct acc_compose_ctx *ctx, struct acc_node *node,
                               const struct acc_path *path)
{
    struct acc_node *seq = acc_tree_seq(ctx, node->pos);
    enum outcome outcome = KEEP;

    if (!seq) {
        return OMIT;
    }
    acc_node_for_each(item, node)
    {
        enum outcome one = KEEP;

        if (node->type == ACC_NODE_SEQ) {
            one = host_item(ctx, seq, item, path);
        } else if (item->type == ACC_NODE_SEQ) {
            acc_node_for_each(ip, item)
            {
                const char *text = ip->text ? ip->text : "";

                one = add_host(ctx, seq, item, path, item->key, strlen(item->key), text,
                               strlen(text));
            }
        } else {
            const char *text = item->text ? item->text : "";

            one = add_host(ctx, seq, item, path, item->key, strlen(item->key), text, strlen(text));
        }
        outcome = one == FAILED ? FAILED : outcome;
    }
    if (sort_texts(seq) < 0) {
        (void)acc_arena_alloc(ctx->arena, SIZE_MAX / 2); /* noticed at the end of the pass */
    }
    acc_tree_become(node, seq);
    return outcome == FAILED || node->n > 0 ? outcome : OMIT;
}

/* {nofile: 10} or {nofile: {soft: 1, hard: 2}} */
static enum outcome bind_ulimits(struct acc_compose_ctx *ctx, const struct acc_field *field,
                                 struct acc_node *node, const struct acc_path *path)
{
    enum outcome outcome = KEEP;

    acc_node_sort_keys(node);
    acc_node_for_each(child, node)
    {
        struct acc_path at = {path, child->key, 0};

        if (child->type == ACC_NODE_MAP) {
            outcome = acc_bind_struct(ctx, field->sub, child, &at) < 0 ? FAILED : outcome;
        } else if (bind_int(ctx, child, &at) == FAILED) {
            outcome = FAILED;
        } else if (child->integer == 0) {
            acc_tree_become(child, acc_tree_map(ctx, child->pos)); /* 0 is "not set": {} */
        }
    }
    return outcome == FAILED || node->n > 0 ? outcome : OMIT;
}

static enum outcome bind_ssh(struct acc_compose_ctx *ctx, struct acc_node *node)
{
    struct acc_node *seq = acc_tree_seq(ctx, node->pos);

    acc_node_sort_keys(node);
    acc_node_for_each(child, node)
    {
        const char *text = child->key;

        if (child->text && child->text[0]) {
            text = acc_arena_printf(ctx->arena, "%s: %s", child->key, child->text);
        }
        if (text) {
            acc_tree_append_text(ctx, seq, child->pos, text, strlen(text));
        }
    }
    acc_tree_become(node, seq);
    return node->n > 0 ? KEEP : OMIT;
}

static enum outcome bind_device_count(struct acc_compose_ctx *ctx, struct acc_node *node,
                                      const struct acc_path *path)
{
    int64_t value = node->integer;

    if (node->type == ACC_NODE_STRING && strcasecmp(node->text, "all") == 0) {
        value = -1;
    } else if (node->type == ACC_NODE_STRING && !parse_int(node->text, &value)) {
        return fail(ctx, node, path, "count of devices; write a number or all");
    }
    return value == 0 ? OMIT : become_int(ctx, node, value);
}

static enum outcome bind_mode(struct acc_compose_ctx *ctx, struct acc_node *node,
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

    return text ? become_quantity(ctx, node, text, mode) : OMIT;
}

static enum outcome bind_sub(struct acc_compose_ctx *ctx, const struct acc_field *field,
                             struct acc_node *node, const struct acc_path *path)
{
    if (node->type != ACC_NODE_MAP) {
        return OMIT; /* null; SCHEMA has refused the rest */
    }
    return acc_bind_struct(ctx, field->sub, node, path) < 0 ? FAILED : KEEP;
}

static enum outcome bind_structs(struct acc_compose_ctx *ctx, const struct acc_field *field,
                                 struct acc_node *node, const struct acc_path *path)
{
    enum outcome outcome = KEEP;
    uint32_t i = 0;

    acc_node_for_each(child, node)
    {
        struct acc_path at = {path, NULL, i++};

        if (bind_sub(ctx, field, child, &at) == FAILED) {
            outcome = FAILED;
        }
    }
    return outcome == FAILED || node->n > 0 ? outcome : OMIT;
}

static enum outcome bind_struct_map(struct acc_compose_ctx *ctx, const struct acc_field *field,
                                    struct acc_node *node, const struct acc_path *path)
{
    enum outcome outcome = KEEP;
    bool is_nullable = field->bind == ACC_BIND_STRUCT_P_MAP;
    struct acc_node *next = NULL;

    for (struct acc_node *child = acc_tree_take_children(node); child; child = next) {
        struct acc_path at = {path, child->key, 0};

        next = child->next;
        child->next = NULL;
        if (child->type == ACC_NODE_NULL && !is_nullable) {
            acc_tree_become(child, acc_tree_map(ctx, child->pos));
        }
        if (bind_sub(ctx, field, child, &at) == FAILED) {
            outcome = FAILED;
        }
        acc_node_put(node, child->key, child->key_pos, child);
    }
    acc_node_sort_keys(node);
    return outcome == FAILED || node->n > 0 ? outcome : OMIT;
}

static enum outcome bind_value(struct acc_compose_ctx *ctx, const struct acc_field *field,
                               struct acc_node *node, const struct acc_path *path)
{
    enum outcome outcome;

    switch (field->bind) {
    case ACC_BIND_NONE:
        return OMIT;
    case ACC_BIND_KEEP:
        return KEEP;
    case ACC_BIND_STR:
        return bind_text(ctx, node);
    case ACC_BIND_BOOL:
        return bind_bool(ctx, node, path, false);
    case ACC_BIND_BOOL_P:
        return bind_bool(ctx, node, path, true);
    case ACC_BIND_INT:
        outcome = bind_int(ctx, node, path);
        return outcome == KEEP && node->integer == 0 ? OMIT : outcome;
    case ACC_BIND_INT_P:
        return bind_int(ctx, node, path);
    case ACC_BIND_FLOAT:
        outcome = bind_float(ctx, node, path);
        return outcome == KEEP && node->number == 0 ? OMIT : outcome;
    case ACC_BIND_BYTES:
        return bind_bytes(ctx, node, path);
    case ACC_BIND_DURATION:
        return bind_duration(ctx, node, path, false);
    case ACC_BIND_DURATION_P:
        return bind_duration(ctx, node, path, true);
    case ACC_BIND_STRS:
        return bind_texts(ctx, node);
    case ACC_BIND_COMMAND:
        return bind_command(ctx, node, path);
    case ACC_BIND_TEST:
        return bind_test(ctx, node);
    case ACC_BIND_ENV:
        return bind_pairs(ctx, node, path, true);
    case ACC_BIND_MAPPING:
        return bind_pairs(ctx, node, path, false);
    case ACC_BIND_HOSTS:
        return bind_hosts(ctx, node, path);
    case ACC_BIND_ULIMITS:
        return bind_ulimits(ctx, field, node, path);
    case ACC_BIND_SSH:
        return bind_ssh(ctx, node);
    case ACC_BIND_DEVICE_COUNT:
        return bind_device_count(ctx, node, path);
    case ACC_BIND_MODE:
        return bind_mode(ctx, node, path);
    case ACC_BIND_STRUCT_P:
    case ACC_BIND_STRUCT_V:
        return bind_sub(ctx, field, node, path);
    case ACC_BIND_STRUCTS:
        return bind_structs(ctx, field, node, path);
    case ACC_BIND_STRUCT_MAP:
    case ACC_BIND_STRUCT_P_MAP:
        return bind_struct_map(ctx, field, node, path);
    }
    return OMIT;
}

/* What Go prints of a field that was not given, or given empty. */
static struct acc_node *absent(struct acc_compose_ctx *ctx, const struct acc_field *field,
                               struct acc_srcpos pos, const struct acc_path *path)
{
    struct acc_node *node = NULL;

    if (field->bind == ACC_BIND_COMMAND) {
        node = acc_node_new(ctx->arena, ACC_NODE_NULL, pos);
    } else if (field->bind == ACC_BIND_STRUCT_V) {
        node = acc_tree_map(ctx, pos);
        if (node) {
            (void)acc_bind_struct(ctx, field->sub, node, path); /* empty: cannot fail */
        }
    }
    return node;
}

/* x- keys that later passes need. */
static bool is_kept(const struct acc_struct *type, const char *key)
{
    return strncmp(key, "x-", 2) == 0 &&
           (type == &acc_schema_project || strcmp(key, ACC_COMPOSE_VALUE_KEY) == 0 ||
            (type == &acc_schema_service && strcmp(key, "x-acc") == 0));
}

/* compose-go holds extensions in maps of Go, which print sorted. */
static void sort_all(struct acc_node *node)
{
    if (node->type == ACC_NODE_MAP) {
        acc_node_sort_keys(node);
    }
    acc_node_for_each(child, node)
    {
        sort_all(child);
    }
}

static void put_back(struct acc_compose_ctx *ctx, const struct acc_field *field,
                     struct acc_node *map, struct acc_node *child, const struct acc_path *path)
{
    struct acc_path at = {path, field->key, 0};

    if (!child) {
        child = absent(ctx, field, map->pos, &at);
        if (child) {
            acc_node_put(map, field->key, map->pos, child);
        }
        return;
    }
    acc_node_put(map, field->key, child->key_pos, child);
}

int acc_bind_struct(struct acc_compose_ctx *ctx, const struct acc_struct *type,
                    struct acc_node *map, const struct acc_path *path)
{
    struct acc_node *slots[FIELDS_MAX] = {NULL};
    struct acc_node *kept = NULL;
    struct acc_node **kept_end = &kept;
    struct acc_node *next = NULL;
    int r = 0;

    acc_assert(type->n_fields <= FIELDS_MAX);
    for (struct acc_node *child = acc_tree_take_children(map); child; child = next) {
        const struct acc_field *field = acc_struct_field(type, child->key);
        struct acc_path at = {path, child->key, 0};

        next = child->next;
        child->next = NULL;
        if (is_kept(type, child->key)) {
            *kept_end = child;
            kept_end = &child->next;
        } else if (field) {
            if (field->flags & ACC_FIELD_IGNORED) {
                acc_diags_warn(ctx->diags, child->key_pos, "'%s' has no effect in Docker Compose",
                               child->key);
            }
            enum outcome outcome = bind_value(ctx, field, child, &at);

            r = outcome == FAILED ? -EINVAL : r;
            slots[field - type->fields] = outcome == OMIT ? NULL : child;
        }
    }
    for (size_t i = 0; i < type->n_fields; i++) {
        put_back(ctx, &type->fields[i], map, slots[i], path);
    }
    for (struct acc_node *child = kept; child; child = next) {
        next = child->next;
        child->next = NULL;
        sort_all(child);
        acc_node_put(map, child->key, child->key_pos, child);
    }
    if (type == &acc_schema_project) {
        acc_node_sort_keys(map);
    }
    return r;
}
