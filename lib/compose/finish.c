/* FINISH: the resolved tree to typed specs. */
#include "lib/compose/finish.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/str.h"
#include "lib/compose/exclusive.h"
#include "lib/compose/json.h"
#include "lib/compose/tree.h"
#include "lib/compose/xacc.h"

#define NS_PER_MS  1000000
#define NS_PER_DAY (86400 * 1000 * (int64_t)NS_PER_MS)
#define EVERY      "every_"
/* docker's default of StopTimeout */
#define STOP_GRACE_MS 10000u
#define PRIORITY      50u

/* "on-failure:5" */
static bool parse_restart(const char *text, struct acc_service_spec *service)
{
    static const struct {
        const char *word;
        enum acc_restart_policy policy;
    } words[] = {
        {"", ACC_RESTART_UNSET},
        {"no", ACC_RESTART_NO},
        {"none", ACC_RESTART_NO},
        {"always", ACC_RESTART_ALWAYS},
        {"any", ACC_RESTART_ALWAYS},
        {"unless-stopped", ACC_RESTART_UNLESS_STOPPED},
        {"on-failure", ACC_RESTART_ON_FAILURE},
    };
    size_t len = strcspn(text, ":");
    uint64_t max = 0;

    if (text[len] && (!acc_parse_u64(text + len + 1, &max) || max > 1000000 ||
                      (max > 0 && strncmp(text, "on-failure", len) != 0))) {
        return false; /* the engine takes a count with on-failure only */
    }
    for (size_t i = 0; i < ACC_ARRAY_LEN(words); i++) {
        if (strlen(words[i].word) == len && memcmp(words[i].word, text, len) == 0) {
            service->restart = words[i].policy;
            service->restart_max = (uint32_t)max;
            return true;
        }
    }
    return false;
}

/* deploy.restart_policy wins over restart (facts 3.17). */
static void read_restart(struct acc_compose_ctx *ctx, struct acc_service_spec *service)
{
    const struct acc_node *restart = acc_node_get(service->node, "restart");
    const struct acc_node *policy = acc_node_path(service->node, "deploy", "restart_policy", NULL);
    const struct acc_node *condition = acc_node_get(policy, "condition");
    const struct acc_node *attempts = acc_node_get(policy, "max_attempts");

    if (restart && !parse_restart(restart->text, service)) {
        acc_xacc_complain(ctx, restart->pos,
                          "services.%s: restart '%s' is none of no, always, unless-stopped, "
                          "on-failure, on-failure:N",
                          service->name, restart->text);
    }
    if (!policy) {
        return;
    }
    if (condition && !parse_restart(condition->text, service)) {
        acc_xacc_complain(ctx, condition->pos,
                          "services.%s: deploy.restart_policy.condition '%s' is none of none, "
                          "on-failure, any",
                          service->name, condition->text);
        return;
    }
    service->restart = condition ? service->restart : ACC_RESTART_ALWAYS; /* any is the default */
    service->restart_max = attempts && service->restart == ACC_RESTART_ON_FAILURE &&
                                   attempts->integer > 0
                               ? (uint32_t)attempts->integer
                               : 0;
}

/* "daily", "weekly", "every_12h": how old an image may be. False: none of them. */
static bool read_refresh(struct acc_compose_ctx *ctx, struct acc_service_spec *service,
                         const struct acc_node *node)
{
    static const struct {
        const char *word;
        int64_t ns;
    } words[] = {{"daily", NS_PER_DAY}, {"weekly", 7 * NS_PER_DAY}};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(node->text, words[i].word) == 0) {
            service->pull_every_ns = words[i].ns;
            return true;
        }
    }
    if (strncmp(node->text, EVERY, strlen(EVERY)) != 0) {
        return false;
    }
    if (!acc_parse_duration_ns(node->text + strlen(EVERY), &service->pull_every_ns)) {
        acc_xacc_complain(ctx, node->pos,
                          "services.%s: pull_policy '%s': what follows every_ is no duration; "
                          "write it like every_12h or every_3d",
                          service->name, node->text);
    }
    return true;
}

static void read_pull_policy(struct acc_compose_ctx *ctx, struct acc_service_spec *service)
{
    const struct acc_node *node = acc_node_get(service->node, "pull_policy");
    const char *text = node ? node->text : "";

    service->pull_policy = strcmp(text, "always") == 0  ? ACC_PULL_ALWAYS
                           : strcmp(text, "never") == 0 ? ACC_PULL_NEVER
                           : strcmp(text, "build") == 0 ? ACC_PULL_BUILD
                                                        : ACC_PULL_MISSING;
    if (node && read_refresh(ctx, service, node)) {
        service->pull_policy = ACC_PULL_REFRESH;
    }
}

static int64_t duration_ms(const struct acc_node *map, const char *key)
{
    const struct acc_node *node = acc_node_get(map, key);

    return node ? node->integer / NS_PER_MS : 0;
}

static void read_health(struct acc_service_spec *service)
{
    const struct acc_node *check = acc_node_get(service->node, "healthcheck");
    const struct acc_node *test = acc_node_get(check, "test");
    const struct acc_node *retries = acc_node_get(check, "retries");
    const struct acc_node *disable = acc_node_get(check, "disable");
    bool is_none = test && test->first && strcmp(test->first->text, "NONE") == 0;

    service->health = (struct acc_health_spec){
        .set = test && !is_none,
        .disabled = is_none || (disable && disable->boolean),
        .interval_ms = duration_ms(check, "interval"),
        .timeout_ms = duration_ms(check, "timeout"),
        .start_period_ms = duration_ms(check, "start_period"),
        .start_interval_ms = duration_ms(check, "start_interval"),
        .retries = retries && retries->integer > 0 && retries->integer <= UINT32_MAX
                       ? (uint32_t)retries->integer
                       : 0,
    };
    service->health.set = service->health.set && !service->health.disabled;
}

static void add_port(struct acc_service_spec *service, int64_t port)
{
    if (port < 1 || port > 65535 || service->n_ports == ACC_PORTS_MAX) {
        return;
    }
    for (size_t i = 0; i < service->n_ports; i++) {
        if (service->ports[i] == port) {
            return;
        }
    }
    service->ports[service->n_ports++] = (uint16_t)port;
}

/* "80", "90-92", "53/udp" */
static void add_exposed(struct acc_service_spec *service, const char *text)
{
    unsigned first = 0;
    unsigned last = 0;
    int end = 0;

    if (sscanf(text, "%5u-%5u%n", &first, &last, &end) != 2) {
        end = 0;
        if (sscanf(text, "%5u%n", &first, &end) != 1) {
            return;
        }
        last = first;
    }
    if (text[end] == '\0' || strcasecmp(text + end, "/tcp") == 0) {
        for (unsigned port = first; port <= last && service->n_ports < ACC_PORTS_MAX; port++) {
            add_port(service, port);
        }
    }
}

static void read_ports(struct acc_service_spec *service)
{
    acc_node_for_each(port, acc_node_get(service->node, "ports"))
    {
        const char *protocol = acc_node_get_text(port, "protocol");
        const struct acc_node *target = acc_node_get(port, "target");

        if (target && (!protocol || strcmp(protocol, "tcp") == 0)) {
            add_port(service, target->integer);
        }
    }
    acc_node_for_each(exposed, acc_node_get(service->node, "expose"))
    {
        add_exposed(service, exposed->text);
    }
}

static void read_mounts(struct acc_service_spec *service)
{
    acc_node_for_each(volume, acc_node_get(service->node, "volumes"))
    {
        const char *type = acc_node_get_text(volume, "type");
        bool is_data = type && acc_node_get(volume, "source") &&
                       (strcmp(type, "bind") == 0 || strcmp(type, "volume") == 0);

        service->rw_mount |= is_data && !acc_node_get(volume, "read_only");
    }
}

static bool has_items(const struct acc_node *map, const char *key)
{
    const struct acc_node *list = acc_node_get(map, key);

    return list && list->first;
}

static void read_compose(struct acc_compose_ctx *ctx, struct acc_service_spec *service)
{
    const struct acc_node *node = service->node;
    const struct acc_node *scale = acc_node_get(node, "scale");
    const struct acc_node *replicas = acc_node_path(node, "deploy", "replicas", NULL);
    const struct acc_node *grace = acc_node_get(node, "stop_grace_period");
    const char *image = acc_node_get_text(node, "image");

    service->image = image ? image
                           : acc_arena_printf(ctx->arena, "%s-%s", service->stack, service->name);
    service->platform = acc_node_get_text(node, "platform");
    service->has_build = acc_node_get(node, "build") != NULL;
    service->container_name = acc_node_get_text(node, "container_name");
    service->replicas = scale      ? (uint32_t)scale->integer
                        : replicas ? (uint32_t)replicas->integer
                                   : 1;
    service->stop_grace_set = grace != NULL;
    service->stop_grace_ms = grace && grace->integer > 0 ? (uint64_t)(grace->integer / NS_PER_MS)
                             : grace                     ? 0
                                                         : STOP_GRACE_MS;
    service->has_post_start = has_items(node, "post_start");
    service->has_pre_stop = has_items(node, "pre_stop");
    read_pull_policy(ctx, service);
    read_restart(ctx, service);
    read_health(service);
    read_ports(service);
    read_mounts(service);
}

/* acc.yaml's defaults, below the top-level x-acc of the files, below the service's own. */
static int merge_xacc(struct acc_compose_ctx *ctx, const struct acc_node *defaults,
                      const struct acc_node *own, struct acc_node **ret_xacc)
{
    if (!defaults && !own) {
        *ret_xacc = NULL;
        return 0;
    }
    return acc_xacc_merge(ctx, defaults, own, ret_xacc);
}

static void add_contents(const struct acc_compose_ctx *ctx, const struct acc_node *project,
                         const struct acc_node *service, const char *section, struct acc_buf *out)
{
    acc_node_for_each(item, acc_node_get(service, section))
    {
        const char *source = acc_node_get_text(item, "source");
        const struct acc_node *all = acc_node_get(project, section);
        const struct acc_node *resource = source ? acc_node_get(all, source) : NULL;
        const char *content = acc_node_get_text(resource, "content");
        const char *path = acc_node_get_text(resource, "file");
        const char *digest = path ? acc_node_get_text(ctx->contents, path) : NULL;
        char own[ACC_DIGEST_LEN + 1];

        if (!path && content) {
            acc_compose_digest(content, strlen(content), own);
            digest = own;
        }
        if (digest) {
            (void)acc_buf_printf(out, "%s%s/%s=%s", out->len > 0 ? " " : "", section, source,
                                 digest);
        }
    }
}

/* NULL: out of memory. */
static const char *contents_of(struct acc_compose_ctx *ctx, const struct acc_node *project,
                               const struct acc_node *service)
{
    const char *contents;
    struct acc_buf out;

    acc_buf_init(&out, ACC_COMPOSE_FILE_MAX);
    add_contents(ctx, project, service, "configs", &out);
    add_contents(ctx, project, service, "secrets", &out);
    contents = out.failed ? NULL : acc_arena_strdup(ctx->arena, out.data ? out.data : "");
    acc_buf_fini(&out);
    return contents;
}

static int make_service(struct acc_compose_ctx *ctx, struct acc_stack *stack,
                        const struct acc_node *defaults, struct acc_node *node,
                        struct acc_service_spec *service)
{
    struct acc_node *own = acc_node_remove(node, "x-acc");
    struct acc_path top = {NULL, "services", 0};
    struct acc_path path = {&top, node->key, 0};
    struct acc_path at = {&path, "x-acc", 0};
    struct acc_node *xacc = NULL;
    int r = 0;

    service->stack = stack->name;
    service->name = node->key;
    service->id = acc_arena_printf(ctx->arena, "%s/%s", stack->name, node->key);
    service->pos = acc_node_key_pos(node);
    service->node = node;
    service->phase = stack->phase;
    service->tier = "";
    service->priority = PRIORITY;
    service->restart_on_unhealthy = true;
    if (ctx->request->timing) {
        service->timing = *ctx->request->timing;
    } else {
        acc_timing_default(&service->timing);
    }
    read_compose(ctx, service);
    if (own) {
        r = acc_xacc_check(ctx, own, &at);
    }
    if (ctx->request->find_all) {
        acc_diags_settle(ctx->diags);
    }
    if (r == -EINVAL && ctx->request->find_all) { /* it is told; the rest goes on without it */
        own = NULL;
        r = 0;
    }
    r = r < 0 ? r : merge_xacc(ctx, defaults, own, &xacc);
    r = r < 0 ? r : acc_finish_edges(ctx, xacc, service);
    r = r < 0 || !xacc ? r : acc_xacc_apply(ctx, xacc, service);
    r = r < 0 ? r : acc_xacc_places(ctx, service);
    r = r < 0 ? r : acc_compose_takes(ctx, stack->project, service);
    service->exclusive = acc_compose_exclusive(ctx, node, xacc);
    if (r < 0 || acc_arena_failed(ctx->arena)) {
        return r < 0 ? r : -ENOMEM;
    }
    service->contents = contents_of(ctx, stack->project, node);
    return service->contents
               ? acc_compose_spec_hash(stack->project, node, service->contents, service->spec_hash)
               : -ENOMEM;
}

/* Copies: what the caller gave may go. */
static const char **copy_list(struct acc_compose_ctx *ctx, const char *const *list, size_t n)
{
    const char **copy = acc_arena_alloc(ctx->arena, (n + 1) * sizeof(*copy));

    for (size_t i = 0; copy && i < n; i++) {
        copy[i] = acc_arena_strdup(ctx->arena, list[i]);
    }
    return copy;
}

static const char **names_of(struct acc_compose_ctx *ctx, const struct acc_node *map, size_t *ret_n)
{
    size_t n = map ? map->n : 0;
    const char **names = acc_arena_alloc(ctx->arena, (n + 1) * sizeof(*names));

    *ret_n = 0;
    acc_node_for_each(child, map)
    {
        if (names) {
            names[(*ret_n)++] = child->type == ACC_NODE_STRING ? child->text : child->key;
        }
    }
    return names;
}

/* Of each service the first of its profiles. */
static const char **profiles_of(struct acc_compose_ctx *ctx, const struct acc_node *services)
{
    const char **profiles = acc_arena_alloc(ctx->arena,
                                            (services ? services->n + 1 : 1) * sizeof(*profiles));
    size_t n = 0;

    acc_node_for_each(service, services)
    {
        const struct acc_node *list = acc_node_get(service, "profiles");

        if (profiles) {
            profiles[n++] = list && list->n > 0 ? list->first->text : "";
        }
    }
    return profiles;
}

static struct acc_stack *make_stack(struct acc_compose_ctx *ctx, struct acc_node *project)
{
    struct acc_stack *stack = acc_arena_alloc(ctx->arena, sizeof(*stack));
    const struct acc_node *services = acc_node_get(project, "services");
    size_t n = services ? services->n : 0;

    if (!stack) {
        return NULL;
    }
    stack->arena = ctx->arena;
    stack->name = acc_arena_strdup(ctx->arena, ctx->project_name);
    stack->dir = acc_arena_strdup(ctx->arena, ctx->project_dir);
    stack->files = copy_list(ctx, ctx->request->files, ctx->request->n_files);
    stack->n_files = ctx->request->n_files;
    stack->env_files = copy_list(ctx, ctx->env_files_given, ctx->n_env_files_given);
    stack->n_env_files = ctx->n_env_files_given;
    stack->phase = ctx->request->phase ? acc_arena_strdup(ctx->arena, ctx->request->phase) : "";
    stack->project = project;
    stack->services = acc_arena_alloc(ctx->arena, (n + 1) * sizeof(*stack->services));
    stack->disabled = names_of(ctx, ctx->disabled, &stack->n_disabled);
    stack->disabled_profiles = profiles_of(ctx, ctx->disabled);
    stack->declared_networks = names_of(ctx, acc_node_get(ctx->declared, "networks"),
                                        &stack->n_declared_networks);
    stack->declared_volumes = names_of(ctx, acc_node_get(ctx->declared, "volumes"),
                                       &stack->n_declared_volumes);
    return acc_arena_failed(ctx->arena) ? NULL : stack;
}

/* --- what is fine, and may not be meant -------------------------------------------------------- */

/* The first label by which Traefik routes to it; NULL: none. */
static const struct acc_node *route_label(const struct acc_service_spec *service)
{
    const struct acc_node *first = NULL;

    acc_node_for_each(label, acc_node_get(service->node, "labels"))
    {
        if (strcmp(label->key, "traefik.enable") == 0 && label->text &&
            strcmp(label->text, "false") == 0) {
            return NULL;
        }
        if (!first && strncmp(label->key, "traefik.", 8) == 0) {
            first = label;
        }
    }
    return first;
}

static bool is_start_first(const struct acc_service_spec *service)
{
    for (size_t i = 0; i < service->n_edges; i++) {
        if (service->edges[i].kind == ACC_EDGE_BINDS) {
            return false;
        }
    }
    return service->upgrade_order == ACC_ORDER_START_FIRST ||
           (service->upgrade_order == ACC_ORDER_AUTO && !service->exclusive);
}

/* Traefik waits for a health check, and for nothing else. Told once for all services: most files
 * with such labels have many. */
static void warn_of_routes(struct acc_compose_ctx *ctx, const struct acc_stack *stack)
{
    const struct acc_service_spec *first = NULL;
    size_t n = 0;
    char others[48] = "";

    for (size_t i = 0; i < stack->n_services; i++) {
        const struct acc_service_spec *service = &stack->services[i];

        if (!service->health.set && is_start_first(service) && route_label(service)) {
            first = first ? first : service;
            n++;
        }
    }
    if (!first) {
        return;
    }
    if (n > 1) {
        (void)snprintf(others, sizeof(others), " (and of %zu more)", n - 1);
    }
    acc_diags_warn(ctx->diags, route_label(first)->pos,
                   "labels of '%s'%s make Traefik route to it, and there is no healthcheck: unless "
                   "the image has one, an upgrade's new container gets requests before it is "
                   "ready; give it one, or x-acc.upgrade.order: stop-first",
                   first->name, others);
}

int acc_compose_finish(struct acc_compose_ctx *ctx, struct acc_node *project,
                       struct acc_stack **ret_stack)
{
    size_t n_errors = ctx->diags->n_errors;
    const struct acc_node *top = acc_node_get(project, "x-acc");
    struct acc_path at = {NULL, "x-acc", 0};
    struct acc_stack *stack = make_stack(ctx, project);
    struct acc_node *defaults = NULL;
    int r = 0;

    if (!stack) {
        return -ENOMEM;
    }
    if (top) {
        r = acc_xacc_check(ctx, top, &at);
    }
    if (r == -EINVAL && ctx->request->find_all) {
        top = NULL;
        r = 0;
    }
    r = r < 0 ? r : merge_xacc(ctx, ctx->request->x_acc_defaults, top, &defaults);
    acc_node_for_each(node, acc_node_get(project, "services"))
    {
        if (r == 0) {
            r = make_service(ctx, stack, defaults, node, &stack->services[stack->n_services++]);
            r = r == -EINVAL && ctx->request->find_all ? 0 : r;
        }
    }
    r = r < 0 ? r : acc_finish_resources(ctx, stack);
    if (r == 0) {
        warn_of_routes(ctx, stack);
    }
    if (r == 0 && ctx->diags->n_errors > n_errors) {
        r = -EINVAL;
    }
    if (r == 0 || (r == -EINVAL && ctx->request->find_all)) {
        *ret_stack = stack;
    }
    return r;
}
