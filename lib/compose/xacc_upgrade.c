/* x-acc.upgrade: how a service is upgraded, and what runs before and after. */

#include <errno.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/compose/xacc.h"

/* clang-format off */
static const struct acc_field drain_fields[] = {
    {"for", .is = ACC_IS_STR | ACC_IS_INT},
    {"run", .is = ACC_IS_STR | ACC_IS_SEQ, .elements = ACC_IS_STR},
    {"host", .is = ACC_IS_STR | ACC_IS_SEQ, .elements = ACC_IS_STR},
    {"undo", .is = ACC_IS_STR | ACC_IS_SEQ, .elements = ACC_IS_STR},
};
static const struct acc_struct drain = {drain_fields, ACC_ARRAY_LEN(drain_fields), .is_closed = true};

static const struct acc_field auto_fields[] = {
    {"window", .is = ACC_IS_STR | ACC_IS_SEQ, .elements = ACC_IS_STR},
    {"min_age", .is = ACC_IS_STR | ACC_IS_INT},
};
static const struct acc_struct autos = {auto_fields, ACC_ARRAY_LEN(auto_fields), .is_closed = true};

static const struct acc_field upgrade_fields[] = {
    {"order", .is = ACC_IS_STR, .choices = "auto|start-first|stop-first"},
    {"health_timeout", .is = ACC_IS_STR},
    {"monitor", .is = ACC_IS_STR},
    {"drain", .is = ACC_IS_STR | ACC_IS_INT | ACC_IS_MAP, .bind = ACC_BIND_STRUCT_P, .sub = &drain},
    {"pre", .is = ACC_IS_SEQ, .elements = ACC_IS_STR | ACC_IS_MAP},
    {"post", .is = ACC_IS_SEQ, .elements = ACC_IS_STR | ACC_IS_MAP},
    {"on_failure", .is = ACC_IS_STR, .choices = "rollback|pause"},
    {"auto", .is = ACC_IS_MAP | ACC_IS_BOOL, .bind = ACC_BIND_STRUCT_P, .sub = &autos},
};
const struct acc_struct acc_xacc_upgrade_type = {upgrade_fields, ACC_ARRAY_LEN(upgrade_fields), .is_closed = true};
/* clang-format on */

/* More is a way to say never. */
#define AGE_DAYS_MAX 3650u

/* A command: words, or one text for a shell. */
static const char *const *parse_command(struct acc_compose_ctx *ctx, const struct acc_node *node)
{
    bool is_text = node->type == ACC_NODE_STRING;
    const char **argv = acc_arena_alloc(ctx->arena, (is_text ? 4 : node->n + 1) * sizeof(*argv));
    size_t n = 0;

    if (!argv) {
        return NULL; /* the arena remembers */
    }
    if (is_text) {
        argv[n++] = "/bin/sh";
        argv[n++] = "-c";
        argv[n++] = node->text;
    }
    acc_node_for_each(word, is_text ? NULL : node)
    {
        argv[n++] = word->text;
    }
    argv[n] = NULL;
    return n > 0 ? argv : NULL;
}

/* drain: 10s | {for: 10s, run|host: COMMAND, undo: COMMAND} */
static void apply_drain(struct acc_compose_ctx *ctx, const struct acc_node *node,
                        struct acc_service_spec *service)
{
    bool is_map = node && node->type == ACC_NODE_MAP;
    const struct acc_node *time = is_map ? acc_node_get(node, "for") : node;
    const struct acc_node *run = is_map ? acc_node_get(node, "run") : NULL;
    const struct acc_node *host = is_map ? acc_node_get(node, "host") : NULL;
    const struct acc_node *undo = is_map ? acc_node_get(node, "undo") : NULL;

    if (time && !acc_xacc_ms(time, &service->timing.upgrade_drain)) {
        acc_xacc_complain(ctx, time->pos, "upgrade.drain: '%s' is no time; write it like 10s or 5m",
                          time->text ? time->text : "");
    }
    if (run && host) {
        acc_xacc_complain(ctx, host->pos,
                          "upgrade.drain: run and host exclude each other: in the container, or on "
                          "the host");
    }
    if (undo && !run && !host) {
        acc_xacc_complain(ctx, undo->pos,
                          "upgrade.drain: undo takes back what run or host did; name that, too");
    }
    service->drain.on_host = host != NULL;
    service->drain.run = host || run ? parse_command(ctx, host ? host : run) : NULL;
    service->drain.undo = undo ? parse_command(ctx, undo) : NULL;
}

static void read_hook(struct acc_compose_ctx *ctx, const struct acc_node *node, const char *what,
                      struct acc_upgrade_hook *hook)
{
    const struct acc_node *command = node;

    *hook = (struct acc_upgrade_hook){.limit_ms = ACC_UPGRADE_HOOK_LIMIT_MS};
    if (node->type == ACC_NODE_MAP) {
        const struct acc_node *host = acc_node_get(node, "host");

        command = acc_node_get(node, "run");
        hook->in_container = command != NULL;
        acc_node_for_each(child, node)
        {
            bool is_known = strcmp(child->key, "run") == 0 || strcmp(child->key, "host") == 0 ||
                            strcmp(child->key, "timeout") == 0;

            if (!is_known) {
                acc_xacc_complain(
                    ctx, acc_node_key_pos(child),
                    "upgrade.%s: unknown key '%s'; it takes run (in the container) or "
                    "host (on the host), and timeout",
                    what, child->key);
            } else if (strcmp(child->key, "timeout") == 0 &&
                       (!acc_xacc_ms(child, &hook->limit_ms) || hook->limit_ms == 0)) {
                acc_xacc_complain(ctx, child->pos,
                                  "upgrade.%s: timeout: '%s' is no time; write it like 10s or 5m",
                                  what, child->text ? child->text : "");
            }
        }
        if ((command != NULL) == (host != NULL)) {
            acc_xacc_complain(ctx, node->pos,
                              "upgrade.%s: write either run (in the container) or host (on the "
                              "host)",
                              what);
            return;
        }
        command = command ? command : host;
    }
    if (command->type != ACC_NODE_STRING && command->type != ACC_NODE_SEQ) {
        acc_xacc_complain(ctx, command->pos, "upgrade.%s: a command is a string or a list", what);
        return;
    }
    hook->argv = parse_command(ctx, command);
    if (!hook->argv || !hook->argv[0][0] || (hook->argv[2] && !hook->argv[2][0])) {
        acc_xacc_complain(ctx, command->pos, "upgrade.%s: the command is empty", what);
        hook->argv = NULL;
    }
}

static int read_hooks(struct acc_compose_ctx *ctx, const struct acc_node *list, const char *what,
                      const struct acc_upgrade_hook **ret_hooks, size_t *ret_n)
{
    struct acc_upgrade_hook *hooks;
    size_t n = 0;

    if (!list || list->n == 0) {
        return 0;
    }
    hooks = acc_arena_alloc(ctx->arena, list->n * sizeof(*hooks));
    if (!hooks) {
        return -ENOMEM;
    }
    acc_node_for_each(node, list)
    {
        read_hook(ctx, node, what, &hooks[n]);
        n += hooks[n].argv != NULL; /* else it was told */
    }
    *ret_hooks = hooks;
    *ret_n = n;
    return acc_arena_failed(ctx->arena);
}

/* Days, which Go's durations don't have, or one of those. */
static bool parse_age(const struct acc_node *node, uint64_t *ret_ms)
{
    uint64_t days = 0;
    const char *p = node->type == ACC_NODE_STRING ? node->text : "";

    while (*p >= '0' && *p <= '9' && days <= AGE_DAYS_MAX) {
        days = days * 10 + (uint64_t)(*p++ - '0');
    }
    if (p != node->text && strcmp(p, "d") == 0 && days <= AGE_DAYS_MAX) {
        *ret_ms = days * 86400000u;
        return true;
    }
    return acc_xacc_ms(node, ret_ms);
}

static void add_window(struct acc_compose_ctx *ctx, const struct acc_node *node,
                       struct acc_auto_spec *spec)
{
    if (spec->n_windows == ACC_WINDOWS_MAX) {
        acc_xacc_complain(ctx, node->pos, "upgrade.auto.window: at most %u of them",
                          ACC_WINDOWS_MAX);
    } else if (!acc_window_parse(node->text ? node->text : "", &spec->window[spec->n_windows])) {
        acc_xacc_complain(ctx, node->pos,
                          "upgrade.auto.window: '%s' is no window; write it like \"Sun "
                          "03:00-05:00\", \"Mon-Fri 22:00-02:00\" or \"03:00-05:00\" for each day",
                          node->text ? node->text : "");
    } else {
        spec->n_windows++;
    }
}

/* auto: {window: "Sun 03:00-05:00", min_age: 3d} */
static int read_auto(struct acc_compose_ctx *ctx, const struct acc_node *map,
                     struct acc_service_spec *service)
{
    const struct acc_node *window = acc_node_get(map, "window"),
                          *age = acc_node_get(map, "min_age");
    struct acc_auto_spec *spec;

    if (!map || (map->type == ACC_NODE_BOOL && !map->boolean)) {
        return 0;
    }
    spec = acc_arena_alloc(ctx->arena, sizeof(*spec));
    if (!spec) {
        return -ENOMEM;
    }
    *spec = (struct acc_auto_spec){.min_age_ms = ACC_AUTO_MIN_AGE_MS};
    if (age && !parse_age(age, &spec->min_age_ms)) {
        acc_xacc_complain(ctx, age->pos,
                          "upgrade.auto.min_age: '%s' is no time; write it like 12h or 3d",
                          age->text ? age->text : "");
    }
    if (!window || (window->type == ACC_NODE_SEQ && window->n == 0)) {
        acc_xacc_complain(ctx, map->pos,
                          "upgrade.auto: needs a window, like window: \"Sun 03:00-05:00\"");
    } else if (window->type == ACC_NODE_SEQ) {
        acc_node_for_each(item, window)
        {
            add_window(ctx, item, spec);
        }
    } else {
        add_window(ctx, window, spec);
    }
    service->upgrade_auto = spec;
    return 0;
}

/* Times of its own names, beside those of `timing`. */
int acc_xacc_upgrade(struct acc_compose_ctx *ctx, const struct acc_node *map,
                     struct acc_service_spec *service)
{
    static const char *const orders[] = {"auto", "start-first", "stop-first"};
    const char *order = acc_node_get_text(map, "order");
    const char *on_failure = acc_node_get_text(map, "on_failure");
    struct {
        const char *key;
        uint64_t *ms;
    } times[] = {{"health_timeout", &service->timing.upgrade_timeout},
                 {"monitor", &service->timing.upgrade_monitor}};
    int r;

    service->upgrade_pauses = on_failure && strcmp(on_failure, "pause") == 0;
    apply_drain(ctx, acc_node_get(map, "drain"), service);
    for (size_t i = 0; order && i < ACC_ARRAY_LEN(orders); i++) {
        if (strcmp(order, orders[i]) == 0) {
            service->upgrade_order = (enum acc_upgrade_order)i;
        }
    }
    for (size_t i = 0; i < ACC_ARRAY_LEN(times); i++) {
        const struct acc_node *time = acc_node_get(map, times[i].key);

        if (time && !acc_xacc_ms(time, times[i].ms)) {
            acc_xacc_complain(ctx, time->pos,
                              "upgrade.%s: '%s' is no time; write it like 10s or 5m", times[i].key,
                              time->text ? time->text : "");
        }
    }
    r = read_auto(ctx, acc_node_get(map, "auto"), service);
    r = r < 0 ? r
              : read_hooks(ctx, acc_node_get(map, "pre"), "pre", &service->pre_upgrade,
                           &service->n_pre_upgrade);
    return r < 0 ? r
                 : read_hooks(ctx, acc_node_get(map, "post"), "post", &service->post_upgrade,
                              &service->n_post_upgrade);
}
