#include "lib/codec/docker_build.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "lib/base/assert.h"

struct maker {
    struct acc_arena *arena;
    const struct acc_node *build;
    const char **argv;
    size_t n, cap;
};

static void add(struct maker *m, const char *argument)
{
    if (m->n + 1 >= m->cap) { /* one is for the NULL at the end */
        size_t cap = m->cap ? 2 * m->cap : 32;
        const char **argv = acc_arena_alloc(m->arena, cap * sizeof(*argv));

        if (!argv) {
            return; /* the arena remembers */
        }
        if (m->n > 0) {
            memcpy(argv, m->argv, m->n * sizeof(*argv));
        }
        m->argv = argv;
        m->cap = cap;
    }
    m->argv[m->n++] = acc_arena_strdup(m->arena, argument ? argument : "");
}

static void add_option(struct maker *m, const char *option, const char *value)
{
    add(m, option);
    add(m, value);
}

static void add_text(struct maker *m, const char *key, const char *option)
{
    const char *value = acc_node_get_text(m->build, key);

    if (value && *value) {
        add_option(m, option, value);
    }
}

static void add_flag(struct maker *m, const char *key, const char *option)
{
    const struct acc_node *node = acc_node_get(m->build, key);

    if (node && node->type == ACC_NODE_BOOL && node->boolean) {
        add(m, option);
    }
}

static void add_list(struct maker *m, const char *key, const char *option)
{
    acc_node_for_each(item, acc_node_get(m->build, key))
    {
        add_option(m, option, item->text);
    }
}

static void add_pairs(struct maker *m, const char *key, const char *option)
{
    acc_node_for_each(item, acc_node_get(m->build, key))
    {
        add_option(m, option,
                   item->type == ACC_NODE_NULL
                       ? item->key
                       : acc_arena_printf(m->arena, "%s=%s", item->key, item->text));
    }
}

/* Would mean something to the docker command itself. */
static bool is_special(const char *name)
{
    static const char *const prefixes[] = {"DOCKER_", "BUILDKIT_", "BUILDX_", "LD_", "SSH_", "GO"};
    static const char *const names[] = {"PATH", "HOME", "USER", "TMPDIR"};

    for (size_t i = 0; i < ACC_ARRAY_LEN(prefixes); i++) {
        if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0) {
            return true;
        }
    }
    for (size_t i = 0; i < ACC_ARRAY_LEN(names); i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void add_args(struct maker *m, struct acc_docker_build *build)
{
    acc_node_for_each(item, acc_node_get(m->build, "args"))
    {
        const char *pair = item->type == ACC_NODE_NULL
                               ? item->key
                               : acc_arena_printf(m->arena, "%s=%s", item->key, item->text);

        if (item->type != ACC_NODE_NULL && build->n_values < ACC_BUILD_VARIABLES_MAX) {
            build->names[build->n_values] = acc_arena_strdup(m->arena, item->key);
            build->values[build->n_values++] = acc_arena_strdup(m->arena, item->text);
        }
        if (item->type != ACC_NODE_NULL && !is_special(item->key) &&
            build->n_variables < ACC_BUILD_VARIABLES_MAX) {
            build->variables[build->n_variables++] = pair;
            pair = item->key;
        }
        add_option(m, "--build-arg", pair);
    }
}

/* "h=1.2.3.4": a classic docker build takes a colon only. */
static void add_hosts(struct maker *m)
{
    acc_node_for_each(item, acc_node_get(m->build, "extra_hosts"))
    {
        size_t len = strcspn(item->text, "=");

        add_option(m, "--add-host",
                   item->text[len] ? acc_arena_printf(m->arena, "%.*s:%s", (int)len, item->text,
                                                      item->text + len + 1)
                                   : item->text);
    }
}

static void add_ulimits(struct maker *m)
{
    acc_node_for_each(item, acc_node_get(m->build, "ulimits"))
    {
        const char *soft = acc_node_get_text(item, "soft");
        const char *hard = acc_node_get_text(item, "hard");

        if (item->type == ACC_NODE_MAP) {
            add_option(m, "--ulimit",
                       acc_arena_printf(m->arena, "%s=%s:%s", item->key, soft ? soft : "0",
                                        hard ? hard : "0"));
        } else {
            add_option(m, "--ulimit", acc_arena_printf(m->arena, "%s=%s", item->key, item->text));
        }
    }
}

static void add_secrets(struct maker *m, const struct acc_stack *stack)
{
    acc_node_for_each(item, acc_node_get(m->build, "secrets"))
    {
        const char *source = acc_node_get_text(item, "source");
        const char *target = acc_node_get_text(item, "target");
        const struct acc_node *secret = acc_node_path(stack->project, "secrets",
                                                      source ? source : "", NULL);
        const char *file = acc_node_get_text(secret, "file");
        const char *variable = acc_node_get_text(secret, "environment");
        const char *id = target && *target ? target : source;

        if (file || variable) {
            add_option(m, "--secret",
                       acc_arena_printf(m->arena, "id=%s,%s=%s", id, file ? "src" : "env",
                                        file ? file : variable));
        }
    }
}

/* A path of this host: PATHS has made it absolute. All else is a URL. */
static bool is_local(const char *context)
{
    return context[0] == '/';
}

static void add_file(struct maker *m, const char *context, struct acc_docker_build *build)
{
    const char *file = acc_node_get_text(m->build, "dockerfile");

    build->input = acc_node_get_text(m->build, "dockerfile_inline");
    if (build->input) {
        build->input = acc_arena_strdup(m->arena, build->input);
        add_option(m, "--file", "-");
    } else if (file && *file) {
        add_option(m, "--file",
                   is_local(context) && file[0] != '/'
                       ? acc_arena_printf(m->arena, "%s/%s", context, file)
                       : file);
    }
}

int acc_docker_build_make(const struct acc_stack *stack, const struct acc_service_spec *service,
                          struct acc_arena *arena, struct acc_docker_build *ret_build)
{
    struct maker m = {.arena = arena, .build = acc_node_get(service->node, "build")};
    const char *context = acc_node_get_text(m.build, "context");
    struct acc_docker_build build = {0};

    if (!m.build) {
        return -ENOENT;
    }
    context = context && *context ? context : stack->dir;
    add(&m, "docker");
    add(&m, "build");
    add_option(&m, "--tag", service->image);
    add_list(&m, "tags", "--tag");
    add_file(&m, context, &build);
    if (service->platform) {
        add_option(&m, "--platform", service->platform);
    }
    add_text(&m, "target", "--target");
    add_text(&m, "network", "--network");
    add_text(&m, "isolation", "--isolation");
    add_text(&m, "shm_size", "--shm-size");
    add_text(&m, "provenance", "--provenance");
    add_text(&m, "sbom", "--sbom");
    add_flag(&m, "no_cache", "--no-cache");
    add_flag(&m, "pull", "--pull");
    add_args(&m, &build);
    add_pairs(&m, "labels", "--label");
    add_pairs(&m, "additional_contexts", "--build-context");
    add_list(&m, "cache_from", "--cache-from");
    add_list(&m, "cache_to", "--cache-to");
    add_list(&m, "entitlements", "--allow");
    add_list(&m, "ssh", "--ssh");
    add_hosts(&m);
    add_ulimits(&m);
    add_secrets(&m, stack);
    add(&m, context);
    if (acc_arena_failed(arena)) {
        return -ENOMEM;
    }
    m.argv[m.n] = NULL;
    build.argv = m.argv;
    build.n_argv = m.n;
    *ret_build = build;
    return 0;
}

/* The longest value that begins at `line`; 0: none. */
static size_t value_at(const struct acc_docker_build *build, const char *line)
{
    size_t longest = 0;

    for (size_t i = 0; i < build->n_values; i++) {
        const char *value = build->values[i];
        size_t len = strcspn(value, "\n"); /* output comes line by line */

        if (len >= ACC_BUILD_SECRET_MIN && len > longest && strncmp(line, value, len) == 0) {
            longest = len;
        }
    }
    return longest;
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* `at` stands behind "NAME=" of one whose value it is, which ends there; 0: it doesn't. */
static size_t value_behind_name(const struct acc_docker_build *build, const char *line,
                                const char *at)
{
    const char *end = at;

    while (end > line && strchr("=: \"'", end[-1])) {
        end--;
    }
    if (end == at) {
        return 0;
    }
    for (size_t i = 0; i < build->n_values; i++) {
        size_t name_len = strlen(build->names[i]);
        size_t len = strcspn(build->values[i], "\n");

        if (len > 0 && (size_t)(end - line) >= name_len &&
            strncmp(end - name_len, build->names[i], name_len) == 0 &&
            (end - name_len == line || !is_word(end[-(ptrdiff_t)name_len - 1])) &&
            strncmp(at, build->values[i], len) == 0 && !is_word(at[len])) {
            return len;
        }
    }
    return 0;
}

void acc_docker_build_mask(const struct acc_docker_build *build, const char *line, char *out,
                           size_t out_size)
{
    static const char mask[] = "***";
    const char *start = line;
    size_t n = 0;

    while (*line && n + sizeof(mask) < out_size) {
        size_t len = value_at(build, line);

        len = len > 0 ? len : value_behind_name(build, start, line);
        if (len > 0) {
            memcpy(out + n, mask, sizeof(mask) - 1);
            n += sizeof(mask) - 1;
            line += len;
        } else {
            out[n++] = *line++;
        }
    }
    out[n] = '\0';
}
