#include "lib/compose/xacc.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/str.h"
#include "lib/compose/tree.h"

/* clang-format off */
static const struct acc_field edge_fields[] = {
    {"kind", .is = ACC_IS_STR, .choices = "binds|needs|milestone|wants|after|conflicts"},
    {"label", .is = ACC_IS_STR},
    {"on_down", .is = ACC_IS_STR, .choices = "ride|restart|stop"},
    {"at", .is = ACC_IS_STR, .choices = "start|create"},
    {"condition", .is = ACC_IS_STR, .choices = "ready|running|completed"},
    {"required", .is = ACC_IS_BOOL},
};
static const struct acc_struct edge = {edge_fields, ACC_ARRAY_LEN(edge_fields), .is_closed = true};

static const struct acc_field health_fields[] = {
    {"waiting", .is = ACC_IS_SEQ, .elements = ACC_IS_INT, .flags = ACC_FIELD_UNIQUE},
};
static const struct acc_struct health = {health_fields, ACC_ARRAY_LEN(health_fields), .is_closed = true};

static const struct acc_field restart_fields[] = {
    {"backoff", .is = ACC_IS_STR},
    {"budget", .is = ACC_IS_STR | ACC_IS_INT},
};
static const struct acc_struct restart = {restart_fields, ACC_ARRAY_LEN(restart_fields), .is_closed = true};

static const struct acc_field route_fields[] = {
    {"host", .is = ACC_IS_STR},
    {"path", .is = ACC_IS_STR},
    {"port", .is = ACC_IS_INT},
    {"auth", .is = ACC_IS_STR},
};
static const struct acc_struct route = {route_fields, ACC_ARRAY_LEN(route_fields), .is_closed = true};

static const struct acc_field xacc_fields[] = {
    {"phase", .is = ACC_IS_STR},
    {"tier", .is = ACC_IS_STR},
    {"priority", .is = ACC_IS_INT},
    {"vram", .is = ACC_IS_STR | ACC_IS_INT | ACC_IS_MAP, .values = ACC_IS_STR | ACC_IS_INT},
    {"edges", .is = ACC_IS_MAP, .values = ACC_IS_NULL | ACC_IS_STR | ACC_IS_MAP,
     .bind = ACC_BIND_STRUCT_P_MAP, .sub = &edge},
    {"health", .is = ACC_IS_MAP, .sub = &health},
    {"probe", .is = ACC_IS_STR},
    {"host", .is = ACC_IS_SEQ, .elements = ACC_IS_STR, .flags = ACC_FIELD_UNIQUE},
    {"serialize", .is = ACC_IS_STR | ACC_IS_SEQ, .elements = ACC_IS_STR, .flags = ACC_FIELD_UNIQUE},
    {"restart", .is = ACC_IS_MAP, .sub = &restart},
    {"on_unhealthy", .is = ACC_IS_STR, .choices = "restart|report"},
    {"upgrade", .is = ACC_IS_MAP, .sub = &acc_xacc_upgrade_type},
    {"stateful", .is = ACC_IS_BOOL},
    {"route", .is = ACC_IS_MAP, .sub = &route},
    {"secrets", .is = ACC_IS_SEQ, .elements = 0xff},
    {"preemptible", .is = ACC_IS_BOOL},
    {"timing", .is = ACC_IS_MAP, .values = ACC_IS_STR | ACC_IS_INT},
};
static const struct acc_struct xacc_type = {xacc_fields, ACC_ARRAY_LEN(xacc_fields), .is_closed = false};
/* clang-format on */

void acc_xacc_complain(struct acc_compose_ctx *ctx, struct acc_srcpos pos, const char *fmt, ...)
{
    char text[ACC_DIAG_TEXT_MAX];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args); /* cut like every diagnostic */
    va_end(args);
    if (ctx->request->is_inspection) {
        acc_diags_warn(ctx->diags, pos, "%s", text);
    } else {
        acc_diags_add(ctx->diags, pos, "%s", text);
    }
}

/* Times may also stand in x-acc itself. */
int acc_xacc_check_keys(const struct acc_node *xacc, const struct acc_path *where,
                        struct acc_diags *diags)
{
    struct acc_timing scratch;
    bool is_count;

    acc_node_for_each(child, xacc)
    {
        const struct acc_field *field = acc_struct_field(&xacc_type, child->key);
        struct acc_path at = {where, child->key, 0};

        if (field) {
            int r = acc_schema_check_value(field, child, &at, diags);

            if (r < 0) {
                return r;
            }
        } else if (!acc_timing_field(&scratch, child->key, &is_count)) {
            const char *near = acc_struct_nearest(&xacc_type, child->key);

            near = near ? near : acc_timing_nearest(child->key);
            acc_complain(diags, acc_node_key_pos(child), where, "unknown key '%s'%s%s%s",
                         child->key, near ? "; did you mean '" : "", near ? near : "",
                         near ? "'?" : "");
        }
    }
    return 0;
}

int acc_xacc_check(struct acc_compose_ctx *ctx, const struct acc_node *xacc,
                   const struct acc_path *where)
{
    struct acc_diags *found;
    int r;

    if (xacc->type != ACC_NODE_MAP) {
        acc_xacc_complain(ctx, xacc->pos, "x-acc must be a mapping, not %s",
                          acc_node_type_name(xacc));
        return 0;
    }
    if (!ctx->request->is_inspection) {
        return acc_xacc_check_keys(xacc, where, ctx->diags);
    }
    found = acc_arena_alloc(ctx->arena, sizeof(*found)); /* too large for the stack */
    if (!found) {
        return -ENOMEM;
    }
    r = acc_xacc_check_keys(xacc, where, found);
    for (size_t i = 0; i < found->n; i++) {
        struct acc_srcpos pos = {xacc->pos.file, found->item[i].line, found->item[i].col};

        acc_diags_warn(ctx->diags, pos, "%s", found->item[i].text);
    }
    return r;
}

/* Keys, texts and the files of positions are pointers that a clone shares; a copy must not point
 * into another configuration, which may go before the stack does. */
static int own_texts(struct acc_compose_ctx *ctx, struct acc_node *node, const char **from,
                     const char **to)
{
    const char *old = node->pos.file;

    if (old && old != *from) {
        *from = old;
        *to = acc_arena_strdup(ctx->arena, old);
    }
    node->pos.file = old ? *to : NULL;
    if (node->text) {
        node->text = acc_arena_strdup(ctx->arena, node->text);
        if (!node->text) {
            return -ENOMEM;
        }
    }
    acc_node_for_each(child, node)
    {
        if (child->key) {
            child->key = acc_arena_strdup(ctx->arena, child->key);
        }
        if (own_texts(ctx, child, from, to) < 0 || (node->type == ACC_NODE_MAP && !child->key)) {
            return -ENOMEM;
        }
    }
    return 0;
}

static struct acc_node *copy(struct acc_compose_ctx *ctx, const struct acc_node *node)
{
    struct acc_node *twin = acc_node_clone(ctx->arena, node);
    const char *from = NULL;
    const char *to = NULL;

    return twin && own_texts(ctx, twin, &from, &to) == 0 ? twin : NULL;
}

static int merge_into(struct acc_compose_ctx *ctx, struct acc_node *base,
                      const struct acc_node *over)
{
    acc_node_for_each(child, over)
    {
        struct acc_node *old = acc_node_get(base, child->key);

        if (child->type == ACC_NODE_NULL && old) {
            continue; /* as Compose merges: empty keeps what is there */
        }
        if (acc_node_is(old, ACC_NODE_MAP) && child->type == ACC_NODE_MAP) {
            int r = merge_into(ctx, old, child);

            if (r < 0) {
                return r;
            }
            continue;
        }
        struct acc_node *twin = copy(ctx, child);
        const char *key = acc_arena_strdup(ctx->arena, child->key);

        if (!twin || !key) {
            return -ENOMEM;
        }
        struct acc_srcpos key_pos = {twin->pos.file, child->key_line, child->key_col};

        if (old) {
            (void)acc_node_remove(base, key);
        }
        acc_node_put(base, key, key_pos, twin);
    }
    return 0;
}

int acc_xacc_merge(struct acc_compose_ctx *ctx, const struct acc_node *base,
                   const struct acc_node *over, struct acc_node **ret_merged)
{
    const struct acc_node *first = acc_node_is(base, ACC_NODE_MAP) ? base : over;
    struct acc_node *merged;

    if (!acc_node_is(first, ACC_NODE_MAP)) {
        *ret_merged = NULL;
        return 0;
    }
    merged = copy(ctx, first);
    if (!merged) {
        return -ENOMEM;
    }
    if (first != over && acc_node_is(over, ACC_NODE_MAP)) {
        int r = merge_into(ctx, merged, over);

        if (r < 0) {
            return r;
        }
    }
    *ret_merged = merged;
    return 0;
}

bool acc_xacc_ms(const struct acc_node *node, uint64_t *ret_ms)
{
    int64_t ns;

    if (node->type == ACC_NODE_INT && node->integer == 0) {
        *ret_ms = 0;
        return true;
    }
    if (node->type != ACC_NODE_STRING || !acc_parse_duration_ns(node->text, &ns) || ns < 0) {
        return false;
    }
    *ret_ms = (uint64_t)ns / 1000000u;
    return true;
}

static void set_timing(struct acc_diags *diags, const struct acc_node *child,
                       struct acc_timing *timing)
{
    bool is_count = false;
    void *field = acc_timing_field(timing, child->key, &is_count);
    uint64_t ms;

    if (is_count) {
        if (child->type != ACC_NODE_INT || child->integer < 0 || child->integer > 1000000) {
            acc_diags_add(diags, child->pos, "%s: '%s' is no count; write a whole number",
                          child->key, child->text ? child->text : "");
            return;
        }
        *(uint32_t *)field = (uint32_t)child->integer;
    } else if (acc_xacc_ms(child, &ms)) {
        *(uint64_t *)field = ms;
    } else {
        acc_diags_add(diags, child->pos, "%s: '%s' is no time; write it like 10s or 5m", child->key,
                      child->text ? child->text : "");
    }
}

void acc_xacc_timing(struct acc_diags *diags, const struct acc_node *map, struct acc_timing *timing,
                     bool only_known)
{
    acc_node_for_each(child, map)
    {
        bool is_count;

        if (acc_timing_field(timing, child->key, &is_count)) {
            set_timing(diags, child, timing);
        } else if (!only_known) {
            const char *near = acc_timing_nearest(child->key);

            acc_diags_add(diags, acc_node_key_pos(child), "timing: unknown key '%s'%s%s%s",
                          child->key, near ? "; did you mean '" : "", near ? near : "",
                          near ? "'?" : "");
        }
    }
}

/* "1s..5m", or "1s" for the first one only */
static bool parse_backoff(struct acc_compose_ctx *ctx, const char *text, struct acc_timing *timing)
{
    const char *dots = strstr(text, "..");
    const char *first = acc_arena_strndup(ctx->arena, text,
                                          dots ? (size_t)(dots - text) : strlen(text));
    int64_t base;
    int64_t cap;

    if (!first || !acc_parse_duration_ns(first, &base) || base < 0) {
        return false;
    }
    if (dots && (!acc_parse_duration_ns(dots + 2, &cap) || cap < base)) {
        return false;
    }
    timing->backoff_base = (uint64_t)base / 1000000u;
    if (dots) {
        timing->backoff_cap = (uint64_t)cap / 1000000u;
    } else if (timing->backoff_cap < timing->backoff_base) {
        timing->backoff_cap = timing->backoff_base;
    }
    return true;
}

/* "5/10m", or "5" */
static bool parse_budget(struct acc_compose_ctx *ctx, const char *text, struct acc_timing *timing)
{
    size_t len = strcspn(text, "/");
    const char *first = acc_arena_strndup(ctx->arena, text, len);
    uint64_t count;
    int64_t window;

    if (!first || !acc_parse_u64(first, &count) || count == 0 || count > 1000) {
        return false;
    }
    if (text[len] && (!acc_parse_duration_ns(text + len + 1, &window) || window <= 0)) {
        return false;
    }
    timing->budget = (uint32_t)count;
    if (text[len]) {
        timing->budget_window = (uint64_t)window / 1000000u;
    }
    return true;
}

static void apply_restart(struct acc_compose_ctx *ctx, const struct acc_node *map,
                          struct acc_service_spec *service)
{
    const struct acc_node *backoff = acc_node_get(map, "backoff");
    const struct acc_node *budget = acc_node_get(map, "budget");

    if (backoff && backoff->text && !parse_backoff(ctx, backoff->text, &service->timing)) {
        acc_xacc_complain(ctx, backoff->pos, "restart.backoff: '%s' is none; write it like 1s..5m",
                          backoff->text);
    }
    if (budget && budget->text && !parse_budget(ctx, budget->text, &service->timing)) {
        acc_xacc_complain(ctx, budget->pos, "restart.budget: '%s' is none; write it like 5/10m",
                          budget->text);
    }
}

static bool parse_port(struct acc_compose_ctx *ctx, const char *text, size_t len,
                       uint16_t *ret_port)
{
    const char *digits = acc_arena_strndup(ctx->arena, text, len);
    uint64_t port;

    if (!digits || !acc_parse_u64(digits, &port) || port == 0 || port > 65535) {
        return false;
    }
    *ret_port = (uint16_t)port;
    return true;
}

/* auto | listen | none | tcp:PORT | http://:PORT/path */
static bool parse_probe(struct acc_compose_ctx *ctx, const char *text,
                        struct acc_service_spec *service)
{
    static const struct {
        const char *word;
        enum acc_probe_kind kind;
    } words[] = {{"auto", ACC_PROBE_AUTO}, {"listen", ACC_PROBE_LISTEN}, {"none", ACC_PROBE_NONE}};

    for (size_t i = 0; i < ACC_ARRAY_LEN(words); i++) {
        if (strcmp(text, words[i].word) == 0) {
            service->probe = words[i].kind;
            return true;
        }
    }
    if (strncmp(text, "tcp:", 4) == 0) {
        service->probe = ACC_PROBE_TCP;
        return parse_port(ctx, text + 4, strlen(text + 4), &service->probe_port);
    }
    if (strncmp(text, "http://:", 8) == 0) {
        size_t len = strcspn(text + 8, "/");

        service->probe = ACC_PROBE_HTTP;
        service->probe_path = acc_arena_strdup(ctx->arena, text[8 + len] ? text + 8 + len : "/");
        return service->probe_path && parse_port(ctx, text + 8, len, &service->probe_port) &&
               strpbrk(service->probe_path, " \r\n\t") == NULL;
    }
    return false;
}

static void apply_waiting(struct acc_compose_ctx *ctx, const struct acc_node *codes,
                          struct acc_service_spec *service)
{
    service->n_waiting_codes = 0;
    acc_node_for_each(code, codes)
    {
        if (code->type != ACC_NODE_INT || code->integer < 1 || code->integer > 255) {
            acc_xacc_complain(ctx, code->pos, "health.waiting: '%s' is no exit code from 1 to 255",
                              code->text ? code->text : "");
        } else if (service->n_waiting_codes == ACC_WAITING_CODES_MAX) {
            acc_xacc_complain(ctx, code->pos, "health.waiting: at most %u exit codes",
                              ACC_WAITING_CODES_MAX);
        } else {
            service->waiting_codes[service->n_waiting_codes++] = (uint8_t)code->integer;
        }
    }
}

static void check_vram(struct acc_compose_ctx *ctx, const struct acc_node *node)
{
    int64_t bytes;

    if (node->type == ACC_NODE_STRING && !acc_parse_bytes(node->text, &bytes)) {
        acc_xacc_complain(ctx, node->pos, "vram: '%s' is no size; write it like 16GiB", node->text);
    } else if (node->type == ACC_NODE_INT && node->integer < 0) {
        acc_xacc_complain(ctx, node->pos, "vram can't be negative");
    }
    acc_node_for_each(child, node)
    {
        check_vram(ctx, child);
    }
}

/* -- edges -- */

static int index_of(const char *text, const char *const *words, size_t n)
{
    for (size_t i = 0; text && i < n; i++) {
        if (strcmp(text, words[i]) == 0) {
            return (int)i;
        }
    }
    return -1;
}

static int kind_of(const char *text)
{
    static const char *const kinds[] = {"binds", "needs", "milestone",
                                        "wants", "after", "conflicts"};

    return index_of(text, kinds, ACC_ARRAY_LEN(kinds));
}

static void refine_edge(const struct acc_node *node, struct acc_edge *into)
{
    static const char *const downs[] = {"ride", "restart", "stop"};
    static const char *const conditions[] = {"ready", "running", "completed"};
    const char *at = acc_node_get_text(node, "at");
    const char *label = acc_node_get_text(node, "label");
    const struct acc_node *required = acc_node_get(node, "required");
    int kind = kind_of(node->type == ACC_NODE_STRING ? node->text
                                                     : acc_node_get_text(node, "kind"));
    int down = index_of(acc_node_get_text(node, "on_down"), downs, ACC_ARRAY_LEN(downs));
    int condition = index_of(acc_node_get_text(node, "condition"), conditions,
                             ACC_ARRAY_LEN(conditions));

    into->kind = kind >= 0 ? (enum acc_edge_kind)kind : into->kind;
    into->on_down = down >= 0 ? (enum acc_on_down)down : into->on_down;
    into->condition = condition >= 0 ? (enum acc_edge_condition)condition : into->condition;
    into->at_create = at ? strcmp(at, "create") == 0 : into->at_create;
    into->label = label ? label : into->label;
    into->required = acc_node_is(required, ACC_NODE_BOOL) ? required->boolean : into->required;
}

static struct acc_edge *edge_to(struct acc_service_spec *service, const char *stack,
                                const char *name)
{
    for (size_t i = 0; i < service->n_edges; i++) {
        const char *own = service->edges[i].stack ? service->edges[i].stack : service->stack;

        if (strcmp(service->edges[i].service, name) == 0 &&
            strcmp(own, stack ? stack : service->stack) == 0) {
            return &service->edges[i];
        }
    }
    return NULL;
}

static int apply_edge(struct acc_compose_ctx *ctx, const struct acc_node *node,
                      struct acc_service_spec *service)
{
    const char *slash = strchr(node->key, '/');
    const char *stack = NULL;
    const char *name = slash ? slash + 1 : node->key;
    struct acc_edge *found;

    if (node->type == ACC_NODE_STRING && kind_of(node->text) < 0) {
        acc_xacc_complain(ctx, node->pos,
                          "edges.%s: '%s' is none of binds, needs, milestone, wants, after, "
                          "conflicts",
                          node->key, node->text);
        return 0;
    }
    if (name[0] == '\0' || strchr(name, '/')) {
        acc_xacc_complain(ctx, acc_node_key_pos(node),
                          "edges: '%s' is neither SERVICE nor STACK/SERVICE", node->key);
        return 0;
    }
    if (slash) {
        stack = acc_arena_strndup(ctx->arena, node->key, (size_t)(slash - node->key));
        if (!stack) {
            return -ENOMEM;
        }
    }
    found = edge_to(service, stack, name);
    if (!found) {
        found = &service->edges[service->n_edges++];
        *found = (struct acc_edge){.kind = ACC_EDGE_NEEDS,
                                   .condition = ACC_COND_READY,
                                   .required = true,
                                   .stack = stack,
                                   .service = acc_arena_strdup(ctx->arena, name),
                                   .label = "",
                                   .target = ACC_NONE};
    }
    found->pos = acc_node_key_pos(node);
    refine_edge(node, found);
    return found->service ? 0 : -ENOMEM;
}

size_t acc_xacc_n_edges(const struct acc_node *xacc)
{
    const struct acc_node *edges = acc_node_get(xacc, "edges");

    return acc_node_is(edges, ACC_NODE_MAP) ? edges->n : 0;
}

/* The times of x-acc, with errors made warnings when only printing. */
static void apply_timing(struct acc_compose_ctx *ctx, const struct acc_node *xacc,
                         struct acc_service_spec *service)
{
    if (ctx->request->is_inspection) {
        return; /* not printed, and acc_xacc_check() has looked at the keys */
    }
    acc_xacc_timing(ctx->diags, acc_node_get(xacc, "timing"), &service->timing, false);
    acc_xacc_timing(ctx->diags, xacc, &service->timing, true);
}

int acc_xacc_apply(struct acc_compose_ctx *ctx, const struct acc_node *xacc,
                   struct acc_service_spec *service)
{
    const char *phase = acc_node_get_text(xacc, "phase");
    const char *tier = acc_node_get_text(xacc, "tier");
    const struct acc_node *priority = acc_node_get(xacc, "priority");
    const struct acc_node *probe = acc_node_get(xacc, "probe");
    const struct acc_node *vram = acc_node_get(xacc, "vram");
    const struct acc_node *stateful = acc_node_get(xacc, "stateful");
    const char *on_unhealthy = acc_node_get_text(xacc, "on_unhealthy");

    service->x_acc = xacc;
    service->phase = phase ? phase : service->phase;
    service->tier = tier ? tier : service->tier;
    service->stateful = acc_node_is(stateful, ACC_NODE_BOOL) && stateful->boolean;
    service->restart_on_unhealthy = !on_unhealthy || strcmp(on_unhealthy, "report") != 0;
    if (acc_node_is(priority, ACC_NODE_INT)) {
        if (priority->integer < 0 || priority->integer > 100) {
            acc_xacc_complain(ctx, priority->pos, "priority must be between 0 and 100, not %s",
                              priority->text);
        } else {
            service->priority = (uint32_t)priority->integer;
        }
    }
    if (acc_node_is(probe, ACC_NODE_STRING) && !parse_probe(ctx, probe->text, service)) {
        acc_xacc_complain(ctx, probe->pos,
                          "probe '%s' is none of listen, none, auto, tcp:PORT, http://:PORT/PATH",
                          probe->text);
    }
    if (vram) {
        check_vram(ctx, vram);
    }
    apply_waiting(ctx, acc_node_path(xacc, "health", "waiting", NULL), service);
    apply_timing(ctx, xacc, service);
    apply_restart(ctx, acc_node_get(xacc, "restart"), service);
    if (acc_xacc_upgrade(ctx, acc_node_get(xacc, "upgrade"), service) < 0 ||
        acc_xacc_host(ctx, acc_node_get(xacc, "host"), service) < 0 ||
        acc_xacc_serialize(ctx, acc_node_get(xacc, "serialize"), service) < 0) {
        return -ENOMEM;
    }
    acc_node_for_each(node, acc_node_get(xacc, "edges"))
    {
        int r = apply_edge(ctx, node, service);

        if (r < 0) {
            return r;
        }
    }
    return 0;
}
