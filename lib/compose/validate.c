/* DEFAULTS and VALIDATE: compose-go's transform/defaults.go and validation/, plus the ranges and
 * patterns of compose-spec.json that are no types. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/compose/short.h"
#include "lib/compose/tree.h"

static void device_defaults(struct acc_compose_ctx *ctx, struct acc_node *seq)
{
    if (!acc_node_is(seq, ACC_NODE_SEQ)) {
        return;
    }
    acc_node_for_each(request, seq)
    {
        if (request->type == ACC_NODE_MAP && !acc_node_get(request, "count") &&
            !acc_node_get(request, "device_ids")) {
            acc_tree_put_text(ctx, request, "count", request->pos, "all");
        }
    }
}

static void port_defaults(struct acc_compose_ctx *ctx, struct acc_node *seq)
{
    if (!acc_node_is(seq, ACC_NODE_SEQ)) {
        return;
    }
    acc_node_for_each(port, seq)
    {
        if (port->type == ACC_NODE_MAP && !acc_node_get(port, "protocol")) {
            acc_tree_put_text(ctx, port, "protocol", port->pos, "tcp");
        }
        if (port->type == ACC_NODE_MAP && !acc_node_get(port, "mode")) {
            acc_tree_put_text(ctx, port, "mode", port->pos, "ingress");
        }
    }
}

static void secret_defaults(struct acc_compose_ctx *ctx, struct acc_node *seq)
{
    if (!acc_node_is(seq, ACC_NODE_SEQ)) {
        return;
    }
    acc_node_for_each(secret, seq)
    {
        const char *source = acc_node_get_text(secret, "source");

        if (secret->type == ACC_NODE_MAP && !acc_node_get(secret, "target")) {
            acc_tree_put_text(
                ctx, secret, "target", secret->pos,
                acc_arena_printf(ctx->arena, "/run/secrets/%s", source ? source : ""));
        }
    }
}

int acc_compose_defaults(struct acc_compose_ctx *ctx, struct acc_node *project)
{
    acc_node_for_each(service, acc_node_get(project, "services"))
    {
        struct acc_node *build = acc_node_get(service, "build");

        if (acc_node_is(build, ACC_NODE_MAP) && !acc_node_get(build, "context")) {
            acc_tree_put_text(ctx, build, "context", build->pos, ".");
        }
        secret_defaults(ctx, acc_node_get(service, "secrets"));
        port_defaults(ctx, acc_node_get(service, "ports"));
        device_defaults(ctx, acc_node_get(service, "gpus"));
        device_defaults(
            ctx, acc_node_path(service, "deploy", "resources", "reservations", "devices", NULL));
    }
    return acc_arena_failed(ctx->arena) ? -ENOMEM : 0;
}

static bool is_true(const struct acc_node *node)
{
    return node && ((node->type == ACC_NODE_BOOL && node->boolean) ||
                    (node->type == ACC_NODE_STRING && strcmp(node->text, "true") == 0));
}

static void check_device_requests(struct acc_compose_ctx *ctx, const struct acc_node *seq,
                                  const struct acc_path *path)
{
    uint32_t i = 0;

    if (!acc_node_is(seq, ACC_NODE_SEQ)) {
        return;
    }
    acc_node_for_each(request, seq)
    {
        struct acc_path at = {path, NULL, i++};

        if (acc_node_get(request, "count") && acc_node_get(request, "device_ids")) {
            acc_complain(ctx->diags, request->pos, &at,
                         "count and device_ids exclude each other; keep one");
        }
    }
}

static void check_host_ips(struct acc_compose_ctx *ctx, const struct acc_node *seq,
                           const struct acc_path *path)
{
    uint32_t i = 0;

    if (!acc_node_is(seq, ACC_NODE_SEQ)) {
        return;
    }
    acc_node_for_each(port, seq)
    {
        struct acc_path at = {path, NULL, i++};
        const struct acc_node *ip = acc_node_get(port, "host_ip");

        if (acc_node_is(ip, ACC_NODE_STRING) && !acc_short_is_ip(ip->text)) {
            acc_complain(ctx->diags, ip->pos, &at, "invalid ip address: %s", ip->text);
        }
    }
}

/* compose-go finds these when it looks for doubles. */
static void check_targets(struct acc_compose_ctx *ctx, const struct acc_node *service,
                          const struct acc_path *path, const char *key)
{
    struct acc_path list = {path, key, 0};
    uint32_t i = 0;

    acc_node_for_each(item, acc_node_get(service, key))
    {
        const struct acc_node *target = acc_node_get(item, "target");
        struct acc_path at = {&list, NULL, i++};

        if (!target || (target->type == ACC_NODE_INT && target->integer == 0)) {
            acc_complain(ctx->diags, item->pos, &at, "missing property 'target'");
        }
    }
}

static void check_watch(struct acc_compose_ctx *ctx, const struct acc_node *seq,
                        const struct acc_path *path)
{
    uint32_t i = 0;

    if (!acc_node_is(seq, ACC_NODE_SEQ)) {
        return;
    }
    acc_node_for_each(watch, seq)
    {
        struct acc_path at = {path, NULL, i++};
        const char *text = acc_node_get_text(watch, "path");

        if (text && text[0] == '\0') {
            acc_complain(ctx->diags, watch->pos, &at, "path can't be empty");
        }
    }
}

static void check_service(struct acc_compose_ctx *ctx, const struct acc_node *service,
                          const struct acc_path *path)
{
    struct acc_path ports = {path, "ports", 0};
    struct acc_path gpus = {path, "gpus", 0};
    struct acc_path deploy = {path, "deploy", 0};
    struct acc_path resources = {&deploy, "resources", 0};
    struct acc_path reservations = {&resources, "reservations", 0};
    struct acc_path devices = {&reservations, "devices", 0};
    struct acc_path develop = {path, "develop", 0};
    struct acc_path watch = {&develop, "watch", 0};

    check_targets(ctx, service, path, "ports");
    check_targets(ctx, service, path, "volumes");
    check_targets(ctx, service, path, "devices");
    check_host_ips(ctx, acc_node_get(service, "ports"), &ports);
    check_device_requests(ctx, acc_node_get(service, "gpus"), &gpus);
    check_device_requests(
        ctx, acc_node_path(service, "deploy", "resources", "reservations", "devices", NULL),
        &devices);
    check_watch(ctx, acc_node_path(service, "develop", "watch", NULL), &watch);
}

static void check_volume(struct acc_compose_ctx *ctx, const struct acc_node *volume,
                         const struct acc_path *path)
{
    if (!is_true(acc_node_get(volume, "external"))) {
        return;
    }
    acc_node_for_each(child, volume)
    {
        if (strcmp(child->key, "name") != 0 && strcmp(child->key, "external") != 0 &&
            strncmp(child->key, "x-", 2) != 0) {
            acc_complain(ctx->diags, acc_node_key_pos(child), path,
                         "an external volume is not made here, so it can't have '%s'", child->key);
        }
    }
}

static void check_file_object(struct acc_compose_ctx *ctx, const struct acc_node *object,
                              const struct acc_path *path, const char *const *sources)
{
    char wanted[64] = "";
    size_t n = 0;
    size_t len = 0;

    for (size_t i = 0; sources[i]; i++) {
        n += acc_node_get(object, sources[i]) != NULL;
        len += (size_t)snprintf(wanted + len, sizeof(wanted) - len, "%s%s", i ? "|" : "",
                                sources[i]); /* three short words fit */
    }
    if (n > 1) {
        acc_complain(ctx->diags, object->pos, path, "%s exclude each other; keep one", wanted);
    } else if (n == 0 && !acc_node_get(object, "driver") && !acc_node_get(object, "external")) {
        acc_complain(ctx->diags, object->pos, path, "one of %s must be set", wanted);
    }
}

int acc_compose_validate(struct acc_compose_ctx *ctx, struct acc_node *project)
{
    static const char *const secret_sources[] = {"file", "environment", NULL};
    static const char *const config_sources[] = {"file", "environment", "content", NULL};
    size_t n_errors = ctx->diags->n_errors;

    acc_node_for_each(section, project)
    {
        struct acc_path top = {NULL, section->key, 0};

        acc_node_for_each(child, section->type == ACC_NODE_MAP ? section : NULL)
        {
            struct acc_path at = {&top, child->key, 0};

            if (child->type != ACC_NODE_MAP) {
                continue;
            }
            if (strcmp(section->key, "services") == 0) {
                check_service(ctx, child, &at);
            } else if (strcmp(section->key, "volumes") == 0) {
                check_volume(ctx, child, &at);
            } else if (strcmp(section->key, "secrets") == 0) {
                check_file_object(ctx, child, &at, secret_sources);
            } else if (strcmp(section->key, "configs") == 0) {
                check_file_object(ctx, child, &at, config_sources);
            }
        }
    }
    return ctx->diags->n_errors > n_errors ? -EINVAL : 0;
}

/* -- SCHEMA -- */

struct range {
    const char *key;
    int64_t min, max;
};

static void check_ranges(struct acc_compose_ctx *ctx, const struct acc_node *service,
                         const struct acc_path *path)
{
    static const struct range ranges[] = {
        {"cpu_count", 0, INT64_MAX},
        {"cpu_percent", 0, 100},
        {"oom_score_adj", -1000, 1000},
    };

    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        const struct acc_node *node = acc_node_get(service, ranges[i].key);

        if (acc_node_is(node, ACC_NODE_INT) &&
            (node->integer < ranges[i].min || node->integer > ranges[i].max)) {
            struct acc_path at = {path, ranges[i].key, 0};

            acc_complain(ctx->diags, node->pos, &at, "must be between %lld and %lld",
                         (long long)ranges[i].min, (long long)ranges[i].max);
        }
    }
    acc_node_for_each(volume, acc_node_get(service, "volumes"))
    {
        const struct acc_node *size = acc_node_path(volume, "tmpfs", "size", NULL);

        if (acc_node_is(size, ACC_NODE_INT) && size->integer < 0) {
            acc_complain(ctx->diags, size->pos, path, "the size of a tmpfs can't be negative");
        }
    }
}

/* The patterns are not anchored: what they find may stand anywhere in the text. */
static bool has_container_name(const char *text)
{
    for (size_t i = 0; text[i]; i++) {
        bool is_first = (text[i] >= 'a' && text[i] <= 'z') || (text[i] >= 'A' && text[i] <= 'Z') ||
                        (text[i] >= '0' && text[i] <= '9');

        if (is_first && text[i + 1] &&
            strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-",
                   text[i + 1])) {
            return true;
        }
    }
    return false;
}

static bool has_pull_policy(const char *text)
{
    static const char *const words[] = {"always",  "never",   "build", "if_not_present",
                                        "missing", "refresh", "daily", "weekly"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strstr(text, words[i])) {
            return true;
        }
    }
    const char *every = strstr(text, "every_");

    if (!every) {
        return false;
    }
    size_t digits = strspn(every + 6, "0123456789");

    return digits > 0 && every[6 + digits] && strchr("wdhms", every[6 + digits]);
}

static void check_patterns(struct acc_compose_ctx *ctx, const struct acc_node *service,
                           const struct acc_path *path)
{
    const struct acc_node *name = acc_node_get(service, "container_name");
    const struct acc_node *pull = acc_node_get(service, "pull_policy");

    if (acc_node_is(name, ACC_NODE_STRING) && !has_container_name(name->text)) {
        acc_complain(ctx->diags, name->pos, path,
                     "container_name '%s' must have a letter or digit and then at least one of "
                     "letters, digits, '_', '.', '-'",
                     name->text);
    }
    if (acc_node_is(pull, ACC_NODE_STRING) && !has_pull_policy(pull->text)) {
        acc_complain(ctx->diags, pull->pos, path,
                     "pull_policy '%s' is none of always, never, missing, if_not_present, build, "
                     "daily, weekly, every_<duration>",
                     pull->text);
    }
}

int acc_compose_schema(struct acc_compose_ctx *ctx, struct acc_node *project)
{
    size_t n_errors = ctx->diags->n_errors;
    int r = acc_schema_check(&acc_schema_project, project, NULL, ctx->diags);
    const struct acc_node *services = acc_node_get(project, "services");
    struct acc_path top = {NULL, "services", 0};

    if (r < 0) {
        return r;
    }
    acc_node_for_each(service, acc_node_is(services, ACC_NODE_MAP) ? services : NULL)
    {
        struct acc_path at = {&top, service->key, 0};

        check_ranges(ctx, service, &at);
        check_patterns(ctx, service, &at);
    }
    return ctx->diags->n_errors > n_errors ? -EINVAL : 0;
}
