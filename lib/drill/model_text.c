#include "lib/drill/model_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/fields.h"
#include "lib/base/str.h"
#include "lib/graph/graph.h"

#define ACC_RES_TEXT_MAX 1024u       /* a name, percent-encoded */
#define TEXT_MAX         4200u       /* a path, and some words around it */
#define ARENA_MAX        (64u << 20) /* of one stack: ten thousand services */

/* --- the lines ------------------------------------------------------------------------------- */

void acc_model_text_fini(struct acc_model_text *text)
{
    for (size_t i = 0; i < text->n; i++) {
        free(text->line[i].stack);
        free(text->line[i].name);
        free(text->line[i].words);
    }
    free(text->line);
    for (size_t i = 0; i < text->n_res; i++) {
        free(text->res[i].stack);
        free(text->res[i].words);
    }
    free(text->res);
    for (size_t i = 0; i < text->n_stacks; i++) {
        free(text->stacks[i]);
    }
    free(text->stacks);
    for (size_t i = 0; i < text->n_phases; i++) {
        free(text->phase_name[i]);
    }
    *text = (struct acc_model_text){0};
}

int acc_model_text_stack(struct acc_model_text *text, const char *name)
{
    char **more;
    char *copy;

    for (size_t i = 0; i < text->n_stacks; i++) {
        if (strcmp(text->stacks[i], name) == 0) {
            text->stack = text->stacks[i];
            return 0;
        }
    }
    more = realloc(text->stacks, (text->n_stacks + 1) * sizeof(char *));
    copy = strdup(name);
    text->stacks = more ? more : text->stacks;
    if (!more || !copy) {
        free(copy);
        return -ENOMEM;
    }
    text->stack = text->stacks[text->n_stacks++] = copy;
    return 0;
}

/* Without a line "stack" it is "s". */
static int default_stack(struct acc_model_text *text)
{
    return text->stack ? 0 : acc_model_text_stack(text, "s");
}

int acc_model_text_resource(struct acc_model_text *text, const char *words)
{
    struct acc_model_line *more = realloc(text->res, (text->n_res + 1) * sizeof(*more));
    struct acc_model_line fresh = {.words = strdup(words)};

    text->res = more ? more : text->res;
    fresh.stack = default_stack(text) == 0 ? strdup(text->stack) : NULL;
    if (!more || !fresh.words || !fresh.stack) {
        free(fresh.words);
        free(fresh.stack);
        return -ENOMEM;
    }
    text->res[text->n_res++] = fresh;
    return 0;
}

static bool ms_of(const char *text, uint64_t *ret_ms)
{
    int64_t ns;

    if (!acc_parse_duration_ns(text, &ns) || ns < 0) {
        return false;
    }
    *ret_ms = (uint64_t)ns / 1000000;
    return true;
}

int acc_model_text_phase(struct acc_model_text *text, const char *name, const char *words)
{
    struct acc_phase_spec *phase = &text->phase[text->n_phases];
    static const char gate[] = "healthy_for=";

    if (text->n_phases == ACC_PHASES_MAX) {
        return -EINVAL;
    }
    static const char rollback[] = "rollback=";

    *phase = (struct acc_phase_spec){.rollback = ACC_ROLLBACK_SERVICE};
    if (strncmp(words, rollback, sizeof(rollback) - 1) == 0) {
        words += sizeof(rollback) - 1;
        phase->rollback = strncmp(words, "all", 3) == 0 ? ACC_ROLLBACK_ALL : ACC_ROLLBACK_PHASE;
        words += strcspn(words, " ");
        words += strspn(words, " ");
    }
    phase->has_gate = words[0] != '\0';
    if (phase->has_gate && (strncmp(words, gate, sizeof(gate) - 1) != 0 ||
                            !ms_of(words + sizeof(gate) - 1, &phase->healthy_for_ms))) {
        return -EINVAL;
    }
    phase->name = text->phase_name[text->n_phases] = strdup(name);
    text->n_phases += phase->name != NULL;
    return phase->name ? 0 : -ENOMEM;
}

static struct acc_model_line *find(const struct acc_model_text *text, const char *stack,
                                   const char *name)
{
    for (size_t i = 0; i < text->n; i++) {
        if (strcmp(text->line[i].name, name) == 0 &&
            (!stack || strcmp(text->line[i].stack, stack) == 0)) {
            return &text->line[i];
        }
    }
    return NULL;
}

int acc_model_text_service(struct acc_model_text *text, const char *name, const char *words)
{
    const char *stack = default_stack(text) == 0 ? text->stack : "";
    struct acc_model_line *line = find(text, stack, name);
    struct acc_model_line fresh = {strdup(stack), strdup(name), strdup(words)};
    struct acc_model_line *lines = text->line;

    if (!line) {
        lines = realloc(text->line, (text->n + 1) * sizeof(*lines));
    }
    if (!fresh.stack || !fresh.name || !fresh.words || !lines) {
        free(fresh.stack);
        free(fresh.name);
        free(fresh.words);
        text->line = lines ? lines : text->line;
        return -ENOMEM;
    }
    text->line = lines;
    if (line) {
        free(line->stack);
        free(line->name);
        free(line->words);
        *line = fresh;
    } else {
        lines[text->n++] = fresh;
    }
    return 0;
}

bool acc_model_text_remove(struct acc_model_text *text, const char *name)
{
    struct acc_model_line *line = find(text, NULL, name);

    if (!line) {
        return false;
    }
    free(line->stack);
    free(line->name);
    free(line->words);
    memmove(line, line + 1, (size_t)(&text->line[--text->n] - line) * sizeof(*line));
    return true;
}

/* --- the words ------------------------------------------------------------------------------- */

struct builder {
    struct acc_stack *stack;
    struct acc_service_spec *service;
    struct acc_buf *problem;
    bool has_resources; /* its own lines say which */
};

static int wrong(const struct builder *b, const char *what, const char *word)
{
    (void)acc_buf_printf(b->problem, "%s: %s '%s'\n", b->service->name, what, word);
    return -EINVAL;
}

static int read_mod(const struct builder *b, struct acc_edge *edge, const char *mod)
{
    if (strcmp(mod, "running") == 0) {
        edge->condition = ACC_COND_RUNNING;
    } else if (strcmp(mod, "completed") == 0) {
        edge->condition = ACC_COND_COMPLETED;
    } else if (strcmp(mod, "restart") == 0) {
        edge->on_down = ACC_ON_DOWN_RESTART;
    } else if (strcmp(mod, "stop") == 0) {
        edge->on_down = ACC_ON_DOWN_STOP;
    } else if (strcmp(mod, "create") == 0) {
        edge->at_create = true;
    } else if (strcmp(mod, "link") == 0) {
        edge->is_link = true;
    } else if (strcmp(mod, "optional") == 0) {
        edge->required = false;
    } else {
        return wrong(b, "no such kind of edge:", mod);
    }
    return 0;
}

static int read_edge(struct builder *b, char *word)
{
    struct acc_edge *edge = &b->service->edges[b->service->n_edges];
    char *outer = NULL;
    char *kind = strtok_r(word, ":", &outer);
    char *name = strtok_r(NULL, ",", &outer);
    char *slash = name ? strchr(name, '/') : NULL;
    int r = name ? -EINVAL : wrong(b, "an edge without a target:", kind);

    *edge = (struct acc_edge){.required = true, .label = ""};
    for (unsigned k = 0; name && r < 0 && k < ACC_EDGE_KIND_COUNT; k++) {
        if (strcmp(acc_edge_kind_name((enum acc_edge_kind)k), kind) == 0) {
            edge->kind = (enum acc_edge_kind)k;
            r = 0;
        }
    }
    if (r < 0) {
        return wrong(b, "no such kind of edge:", kind);
    }
    if (slash) {
        edge->stack = acc_arena_strndup(b->stack->arena, name, (size_t)(slash - name));
        name = slash + 1;
    }
    edge->service = acc_arena_strdup(b->stack->arena, name);
    for (char *mod = strtok_r(NULL, ",", &outer); mod && r == 0;
         mod = strtok_r(NULL, ",", &outer)) {
        r = read_mod(b, edge, mod);
    }
    b->service->n_edges++;
    return r;
}

static int read_restart(struct builder *b, const char *value)
{
    size_t len = strcspn(value, ":");
    uint64_t max = 0;

    for (int k = ACC_RESTART_NO; k <= ACC_RESTART_ON_FAILURE; k++) {
        const char *name = acc_restart_policy_name((enum acc_restart_policy)k);

        if (strlen(name) == len && strncmp(name, value, len) == 0 &&
            (value[len] == '\0' || acc_parse_u64(value + len + 1, &max))) {
            b->service->restart = (enum acc_restart_policy)k;
            b->service->restart_max = (uint32_t)max;
            return 0;
        }
    }
    return wrong(b, "no restart policy:", value);
}

static int read_probe(struct builder *b, const char *value)
{
    static const char *const names[] = {"auto", "listen", "tcp", "http", "none"};

    for (unsigned k = 0; k < ACC_ARRAY_LEN(names); k++) {
        if (strcmp(names[k], value) == 0) {
            b->service->probe = (enum acc_probe_kind)k;
            return 0;
        }
    }
    return wrong(b, "no such probe:", value);
}

static int read_timing(struct builder *b, const char *key, const char *value)
{
    bool is_count;
    uint64_t number;
    void *field = acc_timing_field(&b->service->timing, key, &is_count);

    if (!field) {
        return wrong(b, "no such word:", key);
    }
    if (is_count ? !acc_parse_u64(value, &number) : !ms_of(value, &number)) {
        return wrong(b, "no such time:", value);
    }
    if (is_count) {
        *(uint32_t *)field = (uint32_t)number;
    } else {
        *(uint64_t *)field = number;
    }
    return 0;
}

static int read_number(struct builder *b, const char *key, const char *value)
{
    struct acc_service_spec *s = b->service;
    uint64_t number;

    if (!acc_parse_u64(value, &number)) {
        return wrong(b, "no number:", value);
    }
    if (strcmp(key, "port") == 0) {
        if (s->n_ports < ACC_PORTS_MAX) {
            s->ports[s->n_ports++] = (uint16_t)number;
        }
    } else if (strcmp(key, "replicas") == 0) {
        s->replicas = (uint32_t)(number < ACC_REPLICAS_MAX ? number : ACC_REPLICAS_MAX);
    } else if (strcmp(key, "priority") == 0) {
        s->priority = (uint32_t)number;
    } else if (s->n_waiting_codes < ACC_WAITING_CODES_MAX) {
        s->waiting_codes[s->n_waiting_codes++] = (uint8_t)number;
    }
    return 0;
}

static int read_health(struct builder *b, const char *value)
{
    struct acc_health_spec *h = &b->service->health;
    long long interval, timeout, start;

    h->disabled = strcmp(value, "no") == 0;
    h->set = !h->disabled;
    if (h->set &&
        sscanf(value, "%lld,%lld,%lld,%u", &interval, &timeout, &start, &h->retries) != 4) {
        return wrong(b, "no such health check:", value);
    }
    if (h->set) {
        h->interval_ms = interval;
        h->timeout_ms = timeout;
        h->start_period_ms = start;
    }
    return 0;
}

static int read_uses(struct builder *b, const char *value)
{
    struct acc_service_spec *s = b->service;

    s->n_resources = 0;
    s->resources = acc_arena_alloc(b->stack->arena, (strlen(value) + 1) * sizeof(*s->resources));
    for (char *end; s->resources && *value; value = end + (*end == ',')) {
        unsigned long at = strtoul(value, &end, 10);

        if (end == value || at >= b->stack->n_resources) {
            return wrong(b, "no such resource:", value);
        }
        s->resources[s->n_resources++] = (uint32_t)at;
    }
    return 0;
}

static int read_order(struct builder *b, const char *value)
{
    bool is_start_first = strcmp(value, "start-first") == 0;

    b->service->upgrade_order = is_start_first ? ACC_ORDER_START_FIRST : ACC_ORDER_STOP_FIRST;
    return is_start_first || strcmp(value, "stop-first") == 0 ? 0
                                                              : wrong(b, "no such order:", value);
}

static int read_text(struct builder *b, const char *value, const char **ret_text)
{
    char text[TEXT_MAX];

    if (!acc_fields_read_text(value, text, sizeof(text))) {
        return wrong(b, "no text:", value);
    }
    *ret_text = acc_arena_strdup(b->stack->arena, text);
    return 0;
}

static int read_takes(struct builder *b, const char *value)
{
    struct acc_service_spec *s = b->service;
    const char **takes = acc_arena_alloc(b->stack->arena, (s->n_takes + 1) * sizeof(*takes));

    if (!takes) {
        return wrong(b, "no room for:", value);
    }
    for (size_t k = 0; k < s->n_takes; k++) {
        takes[k] = s->takes[k];
    }
    s->takes = takes;
    return read_text(b, value, &takes[s->n_takes++]);
}

static bool is_one_of(const char *key, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(names[i], key) == 0) {
            return true;
        }
    }
    return false;
}

static int read_setting(struct builder *b, const char *key, const char *value)
{
    static const char *const numbers[] = {"port", "replicas", "priority", "waiting"};
    struct acc_service_spec *s = b->service;

    if (is_one_of(key, numbers, ACC_ARRAY_LEN(numbers))) {
        return read_number(b, key, value);
    }
    if (strcmp(key, "restart") == 0) {
        return read_restart(b, value);
    }
    if (strcmp(key, "probe") == 0) {
        return read_probe(b, value);
    }
    if (strcmp(key, "health") == 0) {
        return read_health(b, value);
    }
    if (strcmp(key, "uses") == 0) {
        return read_uses(b, value);
    }
    if (strcmp(key, "order") == 0) {
        return read_order(b, value);
    }
    if (strcmp(key, "exclusive") == 0) {
        return read_text(b, value, &s->exclusive);
    }
    if (strcmp(key, "takes") == 0) {
        return read_takes(b, value);
    }
    if (strcmp(key, "tier") == 0) {
        s->tier = acc_arena_strdup(b->stack->arena, value);
    } else if (strcmp(key, "phase") == 0) {
        s->phase = acc_arena_strdup(b->stack->arena, value);
    } else if (strcmp(key, "name") == 0) {
        s->container_name = acc_arena_strdup(b->stack->arena, value);
    } else if (strcmp(key, "image") == 0) {
        s->image = acc_arena_strdup(b->stack->arena, value);
    } else if (strcmp(key, "version") == 0) {
        (void)snprintf(s->spec_hash, sizeof(s->spec_hash), "%.20s-%.20s", s->name, value);
    } else if (strcmp(key, "hash") == 0) {
        (void)snprintf(s->spec_hash, sizeof(s->spec_hash), "%s", value);
    } else if (strcmp(key, "grace") == 0) {
        return ms_of(value, &s->stop_grace_ms) ? 0 : wrong(b, "no such time:", value);
    } else {
        return read_timing(b, key, value);
    }
    return 0;
}

static int read_condition(struct builder *b, const char *word)
{
    struct acc_service_spec *s = b->service;
    struct acc_host_need *need = &s->host[s->n_host];
    char plain[ACC_CONDITION_TEXT_MAX + 1];
    bool is_plain = acc_fields_read_text(word, plain, sizeof(plain));
    const char *text = is_plain ? acc_arena_strdup(b->stack->arena, plain) : NULL;

    if (text && text[0] == '/') {
        need->is = acc_condition_of_source(text);
    } else if (!text || acc_condition_parse(text, &need->is)) {
        return wrong(b, "no such condition of the host:", word);
    }
    s->n_host++;
    return 0;
}

static int read_token(struct builder *b, const char *word)
{
    struct acc_service_spec *s = b->service;
    const char *name = acc_arena_strdup(b->stack->arena, word);

    if (!name || s->n_serialize == ACC_TOKENS_EACH_MAX || !acc_token_is_valid(name)) {
        return wrong(b, "no such token:", word);
    }
    s->serialize[s->n_serialize++].name = name;
    return 0;
}

/* There are commands; which they are is nobody's business here. */
static const char *const something[] = {"", NULL};

static int read_word(struct builder *b, char *word)
{
    char *equals = strchr(word, '=');

    if (equals) {
        *equals = '\0';
        return read_setting(b, word, equals + 1);
    }
    if (strncmp(word, "host:", 5) == 0) {
        return read_condition(b, word + 5);
    }
    if (strncmp(word, "serialize:", 10) == 0) {
        return read_token(b, word + 10);
    }
    if (strchr(word, ':')) {
        return read_edge(b, word);
    }
    if (strcmp(word, "health") == 0) {
        b->service->health.set = true;
    } else if (strcmp(word, "stateful") == 0) {
        b->service->stateful = true;
    } else if (strcmp(word, "pauses") == 0) {
        b->service->upgrade_pauses = true;
    } else if (strcmp(word, "post-start") == 0) {
        b->service->has_post_start = true;
    } else if (strcmp(word, "pre-stop") == 0) {
        b->service->has_pre_stop = true;
    } else if (strcmp(word, "report") == 0) {
        b->service->restart_on_unhealthy = false;
    } else if (strcmp(word, "exclusive") == 0) {
        b->service->exclusive = "it publishes a port of the host";
    } else if (strcmp(word, "drains") == 0) {
        b->service->drain.run = b->service->drain.undo = something;
    } else if (strcmp(word, "pre") == 0) {
        b->service->n_pre_upgrade = 1;
    } else if (strcmp(word, "post") == 0) {
        b->service->n_post_upgrade = 1;
    } else {
        return wrong(b, "no such word:", word);
    }
    return 0;
}

/* --- building -------------------------------------------------------------------------------- */

/* There are not more edges, nor conditions of the host. */
static size_t n_colons_in(const char *words)
{
    size_t n = 0;

    for (; *words; words++) {
        n += *words == ':';
    }
    return n;
}

static int build_service(struct builder *b, const struct acc_model_line *line)
{
    struct acc_arena *arena = b->stack->arena;
    struct acc_service_spec *s = &b->stack->services[b->stack->n_services++];
    uint32_t image = b->has_resources ? 0 : (uint32_t)b->stack->n_resources++;
    char *outer = NULL;
    char *words = acc_arena_strdup(arena, line->words);
    int r = 0;

    b->service = s;
    s->name = acc_arena_strdup(arena, line->name);
    s->stack = b->stack->name;
    s->id = acc_arena_printf(arena, "%s/%s", b->stack->name, line->name);
    s->image = acc_arena_printf(arena, "%s:1", line->name);
    s->phase = s->tier = "";
    s->replicas = 1;
    s->stop_grace_ms = 10000;
    s->restart_on_unhealthy = true;
    s->edges = acc_arena_alloc(arena, (n_colons_in(line->words) + 1) * sizeof(*s->edges));
    s->resources = acc_arena_alloc(arena, 2 * sizeof(*s->resources));
    s->host = acc_arena_alloc(arena, (n_colons_in(line->words) + 1) * sizeof(*s->host));
    s->serialize = acc_arena_alloc(arena, ACC_TOKENS_EACH_MAX * sizeof(*s->serialize));
    if (acc_arena_failed(arena)) {
        return -ENOMEM;
    }
    acc_timing_default(&s->timing);
    (void)snprintf(s->spec_hash, sizeof(s->spec_hash), "%.40s-1", line->name);
    if (!b->has_resources) {
        s->resources[s->n_resources++] = image;
        s->resources[s->n_resources++] = 0;
    }
    for (char *word = strtok_r(words, " \t", &outer); word && r == 0;
         word = strtok_r(NULL, " \t", &outer)) {
        r = read_word(b, word);
    }
    if (!b->has_resources) {
        b->stack->resources[image] = (struct acc_resource){
            .kind = ACC_RES_IMAGE, .key = s->image, .name = s->image};
    }
    return r;
}

static int by_name(const void *a, const void *b)
{
    const struct acc_service_spec *x = a;
    const struct acc_service_spec *y = b;

    return strcmp(x->name, y->name);
}

static struct acc_stack *new_stack(const char *name, size_t n_services, size_t n_res)
{
    struct acc_arena *arena = NULL;
    struct acc_stack *stack;

    if (acc_arena_create(ARENA_MAX, &arena) < 0) {
        return NULL;
    }
    stack = acc_arena_alloc(arena, sizeof(*stack));
    if (!stack) {
        (void)acc_arena_destroy(arena);
        return NULL;
    }
    stack->arena = arena;
    stack->name = acc_arena_strdup(arena, name);
    stack->dir = "/srv";
    stack->phase = "";
    stack->services = acc_arena_alloc(arena, n_services * sizeof(*stack->services));
    stack->resources = acc_arena_alloc(arena, (n_services + n_res + 1) * sizeof(*stack->resources));
    if (acc_arena_failed(arena)) {
        return acc_stack_destroy(stack);
    }
    return stack;
}

/* "image KEY NAME [external]" */
static int build_resource(struct builder *b, const char *words)
{
    static const char *const kinds[] = {"image", "network", "volume"};
    struct acc_arena *arena = b->stack->arena;
    char kind[16], key[ACC_RES_TEXT_MAX], name[ACC_RES_TEXT_MAX], plain[ACC_RES_TEXT_MAX];
    char more[16] = "";
    struct acc_resource *res = &b->stack->resources[b->stack->n_resources++];

    if (sscanf(words, "%15s %1023s %1023s %15s", kind, key, name, more) < 3) {
        (void)acc_buf_printf(b->problem, "no such resource: %s\n", words);
        return -EINVAL;
    }
    for (unsigned k = 0; k < ACC_ARRAY_LEN(kinds); k++) {
        if (strcmp(kinds[k], kind) == 0) {
            res->kind = (enum acc_resource_kind)k;
        }
    }
    res->external = strcmp(more, "external") == 0;
    res->key = acc_fields_read_text(key, plain, sizeof(plain)) ? acc_arena_strdup(arena, plain)
                                                               : "";
    res->name = acc_fields_read_text(name, plain, sizeof(plain)) ? acc_arena_strdup(arena, plain)
                                                                 : "";
    return 0;
}

static int build_resources(const struct acc_model_text *text, struct builder *b)
{
    struct acc_stack *stack = b->stack;
    int r = 0;

    for (size_t i = 0; i < text->n_res && r == 0; i++) {
        if (strcmp(text->res[i].stack, stack->name) == 0) {
            b->has_resources = true;
            r = build_resource(b, text->res[i].words);
        }
    }
    if (!b->has_resources) {
        stack->resources[stack->n_resources++] = (struct acc_resource){
            .kind = ACC_RES_NETWORK,
            .key = "default",
            .name = acc_arena_printf(stack->arena, "%s_default", stack->name)};
    }
    return r;
}

static int build_stack(const struct acc_model_text *text, const char *name, struct acc_buf *problem,
                       struct acc_stack **ret_stack)
{
    struct acc_stack *stack = new_stack(name, text->n, text->n_res);
    struct builder b = {stack, NULL, problem, false};
    int r = stack ? build_resources(text, &b) : -ENOMEM;

    for (size_t i = 0; i < text->n && r == 0; i++) {
        if (strcmp(text->line[i].stack, name) == 0) {
            r = build_service(&b, &text->line[i]);
        }
    }
    if (r == 0 && acc_arena_failed(stack->arena)) {
        r = -ENOMEM;
    }
    if (r < 0) {
        (void)acc_stack_destroy(stack);
        return r;
    }
    qsort(stack->services, stack->n_services, sizeof(*stack->services), by_name);
    *ret_stack = stack;
    return 0;
}

static int build_stacks(const struct acc_model_text *text, struct acc_stack **stacks, size_t *ret_n,
                        struct acc_buf *problem)
{
    int r = 0;

    *ret_n = 0;
    for (size_t i = 0; i < text->n_stacks && r == 0; i++) {
        r = build_stack(text, text->stacks[i], problem, &stacks[*ret_n]);
        *ret_n += r == 0;
    }
    return r;
}

int acc_model_text_build(const struct acc_model_text *text, struct acc_model **ret_model,
                         struct acc_buf *problem)
{
    struct acc_stack **stacks = calloc(text->n_stacks + 1, sizeof(struct acc_stack *));
    struct acc_diags *diags = calloc(1, sizeof(*diags));
    struct acc_model *model = NULL;
    size_t n = 0;
    int r = stacks && diags ? build_stacks(text, stacks, &n, problem) : -ENOMEM;

    if (r == 0) {
        r = acc_model_join(stacks, n, &model, diags);
        r = r < 0 ? r : acc_model_set_phases(model, text->phase, text->n_phases, diags);
        for (size_t i = 0; r < 0 && i < diags->n; i++) {
            (void)acc_buf_printf(problem, "%s\n", diags->item[i].text);
        }
    } else {
        for (size_t i = 0; i < n; i++) {
            (void)acc_stack_destroy(stacks[i]);
        }
    }
    if (r == 0) {
        *ret_model = model;
    } else {
        (void)acc_model_destroy(model);
    }
    free(diags);
    free(stacks);
    return r;
}
