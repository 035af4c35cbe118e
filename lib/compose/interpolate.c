/*
 * ${...} in the values of a document, and the casts that follow (compose-go
 * loader/interpolate.go): only strings, never keys; a boolean or a number that came out of a
 * variable becomes one.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/assert.h"
#include "lib/compose/load.h"
#include "lib/compose/pattern.h"
#include "lib/compose/template.h"

/* What a message quotes of the user's text. */
#define QUOTE_MAX 80

enum cast { CAST_NONE, CAST_INT, CAST_FLOAT, CAST_BOOL };

/* "*" is any key, "[]" an element. */
static const struct {
    enum cast cast;
    const char *pattern;
} casts[] = {
    {CAST_INT, "services.*.cpu_count"},
    {CAST_FLOAT, "services.*.cpu_percent"},
    {CAST_INT, "services.*.cpu_period"},
    {CAST_INT, "services.*.cpu_quota"},
    {CAST_INT, "services.*.cpu_rt_period"},
    {CAST_INT, "services.*.cpu_rt_runtime"},
    {CAST_FLOAT, "services.*.cpus"},
    {CAST_INT, "services.*.cpu_shares"},
    {CAST_BOOL, "services.*.init"},
    {CAST_INT, "services.*.deploy.replicas"},
    {CAST_INT, "services.*.deploy.update_config.parallelism"},
    {CAST_FLOAT, "services.*.deploy.update_config.max_failure_ratio"},
    {CAST_INT, "services.*.deploy.rollback_config.parallelism"},
    {CAST_FLOAT, "services.*.deploy.rollback_config.max_failure_ratio"},
    {CAST_INT, "services.*.deploy.restart_policy.max_attempts"},
    {CAST_INT, "services.*.deploy.placement.max_replicas_per_node"},
    {CAST_INT, "services.*.healthcheck.retries"},
    {CAST_BOOL, "services.*.healthcheck.disable"},
    {CAST_BOOL, "services.*.oom_kill_disable"},
    {CAST_INT, "services.*.oom_score_adj"},
    {CAST_INT, "services.*.pids_limit"},
    {CAST_INT, "services.*.ports.[].target"},
    {CAST_BOOL, "services.*.privileged"},
    {CAST_BOOL, "services.*.read_only"},
    {CAST_INT, "services.*.scale"},
    {CAST_BOOL, "services.*.stdin_open"},
    {CAST_BOOL, "services.*.tty"},
    {CAST_INT, "services.*.ulimits.*"},
    {CAST_INT, "services.*.ulimits.*.hard"},
    {CAST_INT, "services.*.ulimits.*.soft"},
    {CAST_BOOL, "services.*.volumes.[].read_only"},
    {CAST_BOOL, "services.*.volumes.[].volume.nocopy"},
    {CAST_BOOL, "networks.*.external"},
    {CAST_BOOL, "networks.*.internal"},
    {CAST_BOOL, "networks.*.attachable"},
    {CAST_BOOL, "networks.*.enable_ipv4"},
    {CAST_BOOL, "networks.*.enable_ipv6"},
    {CAST_BOOL, "volumes.*.external"},
    {CAST_BOOL, "secrets.*.external"},
    {CAST_BOOL, "configs.*.external"},
};

struct walk {
    struct acc_compose_loader *loader;
    struct acc_template template;
    struct acc_srcpos pos; /* of the value at hand */
    bool is_unknown;       /* it has a variable that a broken env file may have set */
    bool has_errors;
};

static enum cast cast_of(const struct acc_path *path)
{
    for (size_t i = 0; i < ACC_ARRAY_LEN(casts); i++) {
        if (acc_path_matches(path, casts[i].pattern)) {
            return casts[i].cast;
        }
    }
    return CAST_NONE;
}

/* Go's strconv.ParseInt in base 10. */
static bool parse_int(const char *text, int64_t *ret_value)
{
    bool is_negative = *text == '-';
    uint64_t limit = is_negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
    uint64_t value = 0;

    text += *text == '-' || *text == '+';
    if (!*text) {
        return false;
    }
    for (; *text; text++) {
        unsigned digit = (unsigned)(*text - '0');

        if (*text < '0' || *text > '9' || value > (limit - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    *ret_value = is_negative ? (value > INT64_MAX ? INT64_MIN : -(int64_t)value) : (int64_t)value;
    return true;
}

static bool parse_float(const char *text, double *ret_value)
{
    char *end = NULL;

    if (!*text || text[strspn(text, "0123456789+-.eE")]) { /* no hexadecimal, no spaces, no nan */
        return false;
    }
    *ret_value = strtod(text, &end);
    return *end == '\0' && *ret_value - *ret_value == 0; /* finite */
}

static void complain(struct walk *walk, const struct acc_path *path, const char *text,
                     const char *what)
{
    acc_complain(walk->loader->diags, walk->pos, path, "'%.*s' is no %s", QUOTE_MAX, text, what);
    walk->has_errors = true;
}

static void cast_bool(struct walk *walk, const struct acc_path *path, struct acc_node *node)
{
    static const char *const words[] = {"true", "y", "yes", "on", "false", "n", "no", "off"};
    size_t i = 0;

    while (i < ACC_ARRAY_LEN(words) && strcasecmp(words[i], node->text) != 0) {
        i++;
    }
    if (i == ACC_ARRAY_LEN(words)) {
        complain(walk, path, node->text, "boolean; write true or false");
        return;
    }
    if (i % 4 != 0) {
        acc_diags_warn(walk->loader->diags, node->pos,
                       "\"%s\" for a boolean is not supported by YAML 1.2, please use `%s`",
                       node->text, i < 4 ? "true" : "false");
    }
    node->type = ACC_NODE_BOOL;
    node->boolean = i < 4;
    node->text = node->boolean ? "true" : "false";
}

static int cast_int(struct walk *walk, const struct acc_path *path, struct acc_node *node)
{
    int64_t value = 0;

    if (!parse_int(node->text, &value)) {
        complain(walk, path, node->text, "whole number");
        return 0;
    }
    node->type = ACC_NODE_INT;
    node->integer = value;
    node->text = acc_arena_printf(walk->template.arena, "%lld", (long long)value);
    return node->text ? 0 : -ENOMEM;
}

static int cast_float(struct walk *walk, const struct acc_path *path, struct acc_node *node)
{
    char text[ACC_FLOAT_TEXT_MAX];
    double value = 0;

    if (!parse_float(node->text, &value)) {
        complain(walk, path, node->text, "number");
        return 0;
    }
    acc_yaml_format_float(value, text);
    node->type = ACC_NODE_FLOAT;
    node->number = value;
    node->text = acc_arena_strdup(walk->template.arena, text);
    return node->text ? 0 : -ENOMEM;
}

static int cast(struct walk *walk, const struct acc_path *path, struct acc_node *node)
{
    switch (cast_of(path)) {
    case CAST_INT:
        return cast_int(walk, path, node);
    case CAST_FLOAT:
        return cast_float(walk, path, node);
    case CAST_BOOL:
        cast_bool(walk, path, node);
        return 0;
    case CAST_NONE:
        break;
    }
    return 0;
}

static int visit_string(struct walk *walk, const struct acc_path *path, struct acc_node *node)
{
    char problem[ACC_TEMPLATE_ERROR_MAX];
    const char *text = NULL;

    walk->pos = node->pos;
    walk->is_unknown = false;
    int r = acc_template_expand(&walk->template, node->text, &text, problem);

    if (walk->is_unknown && r != -ENOMEM) {
        acc_diags_mute(walk->loader->diags, node->pos);
        return 0;
    }
    if (r == -EINVAL) {
        acc_complain(walk->loader->diags, node->pos, path, "%s", problem);
        walk->has_errors = true;
        return 0;
    }
    if (r < 0) {
        return r;
    }
    node->text = text;
    return cast(walk, path, node);
}

static int visit(struct walk *walk, const struct acc_path *path, struct acc_node *node)
{
    uint32_t index = 0;
    int r = 0;

    if (node->type == ACC_NODE_STRING && node->tag != ACC_YAML_TAG_TIMESTAMP) {
        return visit_string(walk, path, node);
    }
    acc_node_for_each(child, node)
    {
        struct acc_path at = {path, node->type == ACC_NODE_MAP ? child->key : NULL, index++};

        r = r < 0 ? r : visit(walk, &at, child);
    }
    return r;
}

static const char *lookup(void *ctx, const char *name)
{
    struct walk *walk = ctx;
    const char *value = acc_compose_env_get(walk->loader->ctx.env, name);

    walk->is_unknown |= !value && acc_compose_env_is_broken(walk->loader->ctx.env);
    return value;
}

void acc_load_tell_unset(struct acc_compose_loader *loader, struct acc_srcpos pos, const char *name)
{
    const char *copy = NULL;

    if (loader->n_unset == ACC_ARRAY_LEN(loader->unset) ||
        acc_compose_env_is_broken(loader->ctx.env)) {
        return;
    }
    for (size_t i = 0; i < loader->n_unset; i++) {
        if (strcmp(loader->unset[i], name) == 0) {
            return;
        }
    }
    copy = acc_arena_strdup(loader->ctx.arena, name);
    if (copy) {
        loader->unset[loader->n_unset++] = copy;
    }
    acc_diags_warn(loader->diags, pos,
                   "The \"%s\" variable is not set. Defaulting to a blank string.", name);
}

static void on_unset(void *ctx, const char *name)
{
    const struct walk *walk = ctx;

    acc_load_tell_unset(walk->loader, walk->pos, name);
}

int acc_load_interpolate(struct acc_compose_loader *loader, struct acc_node *doc)
{
    struct walk walk = {.loader = loader};

    walk.template = (struct acc_template){
        .arena = loader->ctx.arena, .lookup = lookup, .on_unset = on_unset, .ctx = &walk};
    int r = visit(&walk, NULL, doc);

    return r < 0 ? r : (walk.has_errors ? -EINVAL : 0);
}
