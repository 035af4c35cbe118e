#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/compose/bind_kinds.h"
#include "lib/compose/short.h"
#include "lib/compose/tree.h"

enum acc_bound acc_bind_text(struct acc_compose_ctx *ctx, struct acc_node *node)
{
    if (node->type != ACC_NODE_STRING) {
        acc_tree_become_text(ctx, node, node->text ? node->text : "");
    }
    return acc_node_is(node, ACC_NODE_STRING) && node->text[0] ? ACC_BOUND_KEEP : ACC_BOUND_OMIT;
}

enum acc_bound acc_bind_texts(struct acc_compose_ctx *ctx, struct acc_node *node)
{
    if (node->type == ACC_NODE_STRING) {
        struct acc_node *seq = acc_tree_seq(ctx, node->pos);

        acc_tree_append_text(ctx, seq, node->pos, node->text, strlen(node->text));
        acc_tree_become(node, seq);
    }
    acc_node_for_each(child, node)
    {
        (void)acc_bind_text(ctx, child);
    }
    return node->n > 0 ? ACC_BOUND_KEEP : ACC_BOUND_OMIT;
}

/* The options of a provider: each a list of strings. */
enum acc_bound acc_bind_multi(struct acc_compose_ctx *ctx, struct acc_node *node)
{
    struct acc_node *next = NULL;

    for (struct acc_node *child = acc_tree_take_children(node); child; child = next) {
        next = child->next;
        child->next = NULL;
        if (child->type != ACC_NODE_SEQ) {
            (void)acc_bind_text(ctx, child);
        }
        if (acc_bind_texts(ctx, child) == ACC_BOUND_KEEP) {
            acc_node_put(node, child->key, acc_node_key_pos(child), child);
        }
    }
    acc_node_sort_keys(node);
    return node->n > 0 ? ACC_BOUND_KEEP : ACC_BOUND_OMIT;
}

enum acc_bound acc_bind_command(struct acc_compose_ctx *ctx, struct acc_node *node,
                                const struct acc_path *path)
{
    if (node->type == ACC_NODE_STRING && acc_short_words(ctx, node, path) < 0) {
        return ACC_BOUND_FAILED;
    }
    acc_node_for_each(child, node)
    {
        (void)acc_bind_text(ctx, child);
    }
    return ACC_BOUND_KEEP; /* null and [] are printed, too */
}

enum acc_bound acc_bind_test(struct acc_compose_ctx *ctx, struct acc_node *node)
{
    if (node->type == ACC_NODE_STRING) {
        struct acc_node *seq = acc_tree_seq(ctx, node->pos);

        acc_tree_append_text(ctx, seq, node->pos, "CMD-SHELL", 9);
        acc_tree_append_text(ctx, seq, node->pos, node->text, strlen(node->text));
        acc_tree_become(node, seq);
    }
    return node->n > 0 ? ACC_BOUND_KEEP : ACC_BOUND_OMIT;
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
            acc_node_put(map, child->key, acc_node_key_pos(child), child);
        }
    }
}

static enum acc_bound pair(struct acc_compose_ctx *ctx, struct acc_node *map, struct acc_node *item,
                           const struct acc_path *path, bool is_env)
{
    const char *text = item->text ? item->text : "";
    size_t len = strcspn(text, "=");
    const char *key = acc_arena_strndup(ctx->arena, text, len);
    struct acc_node *value = NULL;

    if (is_env && len > 0 && strchr(" \t\n\v\f\r", text[len - 1])) {
        acc_complain(ctx->diags, item->pos, path,
                     "the name of the environment variable '%.*s' ends in a space", (int)len, text);
        return ACC_BOUND_FAILED;
    }
    if (text[len] == '=' || !is_env) {
        value = acc_node_string(ctx->arena, item->pos, text[len] ? text + len + 1 : "");
    } else {
        value = acc_node_new(ctx->arena, ACC_NODE_NULL, item->pos);
    }
    if (key && value && map) {
        acc_node_put(map, key, item->pos, value);
    }
    return ACC_BOUND_KEEP;
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
        acc_diags_warn(ctx->diags, acc_node_key_pos(child),
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

static enum acc_bound bind_values(struct acc_compose_ctx *ctx, struct acc_node *map,
                                  const struct acc_path *path, bool is_env)
{
    enum acc_bound outcome = ACC_BOUND_KEEP;
    struct acc_node extensions = {.type = ACC_NODE_MAP};
    struct acc_node *next = NULL;

    for (struct acc_node *child = acc_tree_take_children(map); child; child = next) {
        next = child->next;
        child->next = NULL;
        if (strncmp(child->key, "x-", 2) == 0) {
            acc_node_put(&extensions, child->key, acc_node_key_pos(child), child);
            continue;
        }
        if (child->type == ACC_NODE_SEQ || child->type == ACC_NODE_MAP) {
            struct acc_path at = {path, child->key, 0};

            acc_complain(ctx->diags, child->pos, &at, "must be a string, not %s",
                         acc_node_type_name(child));
            outcome = ACC_BOUND_FAILED;
        } else if (child->type != ACC_NODE_NULL || !is_env) {
            (void)acc_bind_text(ctx, child);
        }
        acc_node_put(map, child->key, acc_node_key_pos(child), child);
    }
    put_extensions(ctx, map, &extensions);
    return outcome;
}

/* KEY=VALUE in either form -> a sorted mapping of strings, for ENV also of nulls. */
enum acc_bound acc_bind_pairs(struct acc_compose_ctx *ctx, struct acc_node *node,
                              const struct acc_path *path, bool is_env)
{
    enum acc_bound outcome = ACC_BOUND_KEEP;

    if (node->type == ACC_NODE_SEQ) {
        struct acc_node map = {.type = ACC_NODE_MAP};

        acc_node_for_each(item, node)
        {
            if (pair(ctx, &map, item, path, is_env) == ACC_BOUND_FAILED) {
                outcome = ACC_BOUND_FAILED;
            }
        }
        acc_tree_become(node, &map);
    } else if (node->type == ACC_NODE_MAP) {
        outcome = bind_values(ctx, node, path, is_env);
    }
    acc_node_sort_keys(node);
    drop_earlier(node);
    return outcome == ACC_BOUND_FAILED || node->n > 0 ? outcome : ACC_BOUND_OMIT;
}

static enum acc_bound add_host(struct acc_compose_ctx *ctx, struct acc_node *seq,
                               const struct acc_node *from, const struct acc_path *path,
                               const char *host, size_t host_len, const char *ip, size_t ip_len)
{
    char *text;

    if (host_len == 0 || memchr(host, ':', host_len) || memchr(host, '=', host_len)) {
        acc_complain(ctx->diags, from->pos, path, "bad host name '%.*s'", (int)host_len, host);
        return ACC_BOUND_FAILED;
    }
    if (ip_len > 2 && ip[0] == '[' && ip[ip_len - 1] == ']') {
        ip++;
        ip_len -= 2;
    }
    text = acc_arena_printf(ctx->arena, "%.*s=%.*s", (int)host_len, host, (int)ip_len, ip);
    if (text) {
        acc_tree_append_text(ctx, seq, from->pos, text, strlen(text));
    }
    return ACC_BOUND_KEEP;
}

static enum acc_bound host_item(struct acc_compose_ctx *ctx, struct acc_node *seq,
                                const struct acc_node *item, const struct acc_path *path)
{
    size_t len = strcspn(item->text, "=");
    enum acc_bound outcome = ACC_BOUND_KEEP;

    len = item->text[len] ? len : strcspn(item->text, ":");
    if (item->text[len] == '\0') {
        acc_complain(ctx->diags, item->pos, path, "'%s' lacks an address; write host=address",
                     item->text);
        return ACC_BOUND_FAILED;
    }
    for (const char *ip = item->text + len + 1; ip && outcome == ACC_BOUND_KEEP;) {
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
enum acc_bound acc_bind_hosts(struct acc_compose_ctx *ctx, struct acc_node *node,
                              const struct acc_path *path)
{
    struct acc_node *seq = acc_tree_seq(ctx, node->pos);
    enum acc_bound outcome = ACC_BOUND_KEEP;

    if (!seq) {
        return ACC_BOUND_OMIT;
    }
    acc_node_for_each(item, node)
    {
        enum acc_bound one = ACC_BOUND_KEEP;

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
        outcome = one == ACC_BOUND_FAILED ? ACC_BOUND_FAILED : outcome;
    }
    if (sort_texts(seq) < 0) {
        (void)acc_arena_alloc(ctx->arena, SIZE_MAX / 2); /* noticed at the end of the pass */
    }
    acc_tree_become(node, seq);
    return outcome == ACC_BOUND_FAILED || node->n > 0 ? outcome : ACC_BOUND_OMIT;
}

/* {nofile: 10} or {nofile: {soft: 1, hard: 2}} */
enum acc_bound acc_bind_ulimits(struct acc_compose_ctx *ctx, const struct acc_field *field,
                                struct acc_node *node, const struct acc_path *path)
{
    enum acc_bound outcome = ACC_BOUND_KEEP;

    acc_node_sort_keys(node);
    acc_node_for_each(child, node)
    {
        struct acc_path at = {path, child->key, 0};

        if (child->type == ACC_NODE_MAP) {
            outcome = acc_bind_struct(ctx, field->sub, child, &at) < 0 ? ACC_BOUND_FAILED : outcome;
        } else if (acc_bind_int(ctx, child, &at) == ACC_BOUND_FAILED) {
            outcome = ACC_BOUND_FAILED;
        } else if (child->integer == 0) {
            acc_tree_become(child, acc_tree_map(ctx, child->pos)); /* 0 is "not set": {} */
        }
    }
    return outcome == ACC_BOUND_FAILED || node->n > 0 ? outcome : ACC_BOUND_OMIT;
}

enum acc_bound acc_bind_ssh(struct acc_compose_ctx *ctx, struct acc_node *node)
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
    return node->n > 0 ? ACC_BOUND_KEEP : ACC_BOUND_OMIT;
}
