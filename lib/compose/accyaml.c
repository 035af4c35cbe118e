#include "lib/compose/accyaml.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/str.h"
#include "lib/compose/tree.h"
#include "lib/compose/xacc.h"
#include "lib/compose/yaml.h"

/* A configuration of a thousand stacks has some ten thousand nodes. */
#define NODES_MAX 100000u
#define ARENA_MAX (64u * 1024u * 1024u)
/* A rollout waits at each of them; more than a handful is not to be followed. */

/* clang-format off */
#define TYPE(name) static const struct acc_struct name = \
    {name##_fields, ACC_ARRAY_LEN(name##_fields), .is_closed = true}
#define SIZE (ACC_IS_STR | ACC_IS_INT)

static const struct acc_field stack_fields[] = {
    {"name", .is = ACC_IS_STR},
    {"files", .is = ACC_IS_STR | ACC_IS_SEQ, .elements = ACC_IS_STR, .flags = ACC_FIELD_REQUIRED},
    {"env_file", .is = ACC_IS_STR | ACC_IS_SEQ, .elements = ACC_IS_STR},
    {"phase", .is = ACC_IS_STR},
};
TYPE(stack);

static const struct acc_field amount_fields[] = {
    {"cpus", .is = ACC_IS_NUM}, {"memory", .is = SIZE},
    {"vram", .is = SIZE | ACC_IS_MAP, .values = SIZE},
};
TYPE(amount);

static const struct acc_field gpu_fields[] = {
    {"name", .is = ACC_IS_STR, .flags = ACC_FIELD_REQUIRED}, {"pci", .is = ACC_IS_STR},
    {"vram", .is = SIZE},
};
TYPE(gpu);

static const struct acc_field host_fields[] = {
    {"cpus", .is = ACC_IS_NUM}, {"memory", .is = SIZE},
    {"reserve", .is = ACC_IS_MAP, .sub = &amount},
    {"gpus", .is = ACC_IS_SEQ, .elements = ACC_IS_MAP, .sub = &gpu},
};
TYPE(host);

static const struct acc_field gate_fields[] = {
    {"healthy_for", .is = ACC_IS_STR},
};
TYPE(gate);

static const struct acc_field phase_fields[] = {
    {"name", .is = ACC_IS_STR, .flags = ACC_FIELD_REQUIRED},
    {"gate", .is = ACC_IS_MAP, .sub = &gate},
    {"rollback", .is = ACC_IS_STR, .choices = "service|phase|all"},
};
TYPE(phase);

static const struct acc_field rehearsal_fields[] = {
    {"image", .is = ACC_IS_STR, .flags = ACC_FIELD_REQUIRED},
};
TYPE(rehearsal);

static const struct acc_field root_fields[] = {
    {"stacks", .is = ACC_IS_NULL | ACC_IS_SEQ, .elements = ACC_IS_STR | ACC_IS_MAP, .sub = &stack},
    {"timing", .is = ACC_IS_NULL | ACC_IS_MAP, .values = ACC_IS_STR | ACC_IS_INT},
    {"host", .is = ACC_IS_NULL | ACC_IS_MAP, .sub = &host},
    {"tiers", .is = ACC_IS_NULL | ACC_IS_MAP, .values = ACC_IS_MAP, .bind = ACC_BIND_STRUCT_MAP,
     .sub = &amount},
    {"phases", .is = ACC_IS_NULL | ACC_IS_SEQ, .elements = ACC_IS_MAP, .sub = &phase},
    {"defaults", .is = ACC_IS_NULL | ACC_IS_MAP, .values = 0xff},
    {"on_incident", .is = ACC_IS_NULL | ACC_IS_SEQ, .elements = ACC_IS_STR | ACC_IS_SEQ},
    {"rehearsal", .is = ACC_IS_NULL | ACC_IS_MAP, .sub = &rehearsal},
};
static const struct acc_struct root_type =
    {root_fields, ACC_ARRAY_LEN(root_fields), .is_closed = false};
/* clang-format on */

struct reader {
    struct acc_config *config;
    struct acc_diags *diags;
};

struct acc_config *acc_config_destroy(struct acc_config *config)
{
    if (config) {
        acc_arena_destroy(config->arena); /* the configuration lies in it */
    }
    return NULL;
}

static const char **strings(struct reader *r, const struct acc_node *node, size_t *ret_n)
{
    size_t n = !node ? 0 : node->type == ACC_NODE_SEQ ? node->n : 1;
    const char **list = acc_arena_alloc(r->config->arena, (n + 1) * sizeof(*list));
    size_t i = 0;

    if (!list) {
        return NULL;
    }
    if (node && node->type != ACC_NODE_SEQ) {
        list[i++] = node->text;
    }
    acc_node_for_each(child, node)
    {
        list[i++] = child->text ? child->text : "";
    }
    *ret_n = n;
    return list;
}

/* False: its files can't be looked for. */
static bool read_stack(struct reader *r, const struct acc_node *node, struct acc_config_stack *out)
{
    const struct acc_node *files = node->type == ACC_NODE_MAP ? acc_node_get(node, "files") : node;
    const char *phase_name = acc_node_get_text(node, "phase");
    bool is_good = true;

    out->pos = node->pos;
    out->name = acc_node_get_text(node, "name");
    out->phase = phase_name ? phase_name : "";
    out->files = strings(r, files, &out->n_files);
    out->env_files = strings(r, acc_node_get(node, "env_file"), &out->n_env_files);
    out->is_glob = node->type == ACC_NODE_STRING && strpbrk(node->text, "*?[") != NULL;
    if (files && out->n_files == 0) {
        acc_diags_add(r->diags, files->pos, "stacks: 'files' is empty; name at least one file");
        is_good = false;
    }
    for (size_t i = 0; out->files && i < out->n_files; i++) {
        if (out->files[i][0] == '\0') {
            acc_diags_add(r->diags, files->pos, "stacks: a file's name is empty");
            is_good = false;
        } else if (node->type == ACC_NODE_MAP && strpbrk(out->files[i], "*?[")) {
            acc_diags_add(r->diags, files->pos,
                          "stacks: '%s' is a pattern; one goes only as an entry of its own, where "
                          "each match is a stack",
                          out->files[i]);
            is_good = false;
        }
    }
    return is_good;
}

static void check_stack_phase(struct reader *r, const struct acc_node *node)
{
    const struct acc_node *name = acc_node_get(node, "phase");
    const struct acc_node *phases = acc_node_get(r->config->root, "phases");
    const char *names[ACC_PHASES_MAX];
    size_t n = 0;

    if (!name || !phases || phases->type != ACC_NODE_SEQ) {
        return;
    }
    acc_node_for_each(child, phases)
    {
        const char *known = acc_node_get_text(child, "name");

        if (known && strcmp(known, name->text) == 0) {
            return;
        }
        if (known && n < ACC_ARRAY_LEN(names)) {
            names[n++] = known;
        }
    }
    const char *near = acc_nearest(name->text, names, n);

    acc_diags_add(r->diags, name->pos, "stacks: there is no phase '%s'%s%s%s", name->text,
                  near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static int read_stacks(struct reader *r)
{
    const struct acc_node *list = acc_node_get(r->config->root, "stacks");
    size_t n = list ? list->n : 0;

    if (n > ACC_STACKS_MAX) {
        acc_diags_add(r->diags, list->pos, "%zu stacks are too many; at most %u", n,
                      ACC_STACKS_MAX);
        return 0;
    }
    r->config->stacks = acc_arena_alloc(r->config->arena, (n + 1) * sizeof(*r->config->stacks));
    if (!r->config->stacks) {
        return -ENOMEM;
    }
    acc_node_for_each(node, list)
    {
        r->config->n_stacks += read_stack(r, node, &r->config->stacks[r->config->n_stacks]);
        check_stack_phase(r, node);
    }
    return 0;
}

static void read_hook(struct reader *r, const struct acc_node *node, struct acc_config_hook *hook)
{
    hook->pos = node->pos;
    if (node->type == ACC_NODE_STRING &&
        (strncmp(node->text, "http://", 7) == 0 || strncmp(node->text, "https://", 8) == 0)) {
        hook->kind = ACC_HOOK_URL;
        hook->url = node->text;
        return;
    }
    hook->kind = ACC_HOOK_COMMAND;
    if (node->type == ACC_NODE_SEQ) {
        hook->argv = strings(r, node, &hook->n_argv);
        if (node->n == 0 || node->first->type != ACC_NODE_STRING || !node->first->text[0]) {
            acc_diags_add(r->diags, node->pos, "on_incident: a command needs a program");
        }
        return;
    }
    if (node->text[strspn(node->text, " \t\n")] == '\0') {
        acc_diags_add(r->diags, node->pos, "on_incident: the command is empty");
    }
    hook->argv = acc_arena_alloc(r->config->arena, 4 * sizeof(*hook->argv));
    if (hook->argv) {
        hook->argv[0] = "/bin/sh";
        hook->argv[1] = "-c";
        hook->argv[2] = node->text;
        hook->n_argv = 3;
    }
}

static int read_hooks(struct reader *r)
{
    const struct acc_node *list = acc_node_get(r->config->root, "on_incident");
    size_t n = list ? list->n : 0;

    r->config->on_incident = acc_arena_alloc(r->config->arena,
                                             (n + 1) * sizeof(*r->config->on_incident));
    if (!r->config->on_incident) {
        return -ENOMEM;
    }
    acc_node_for_each(node, list)
    {
        read_hook(r, node, &r->config->on_incident[r->config->n_on_incident++]);
    }
    return 0;
}

static int64_t read_size(struct reader *r, const struct acc_node *node, const char *where)
{
    int64_t bytes = 0;

    if (!node) {
        return 0;
    }
    if (node->type == ACC_NODE_INT) {
        bytes = node->integer;
    } else if (node->type == ACC_NODE_STRING && !acc_parse_bytes(node->text, &bytes)) {
        bytes = -1;
    }
    if (bytes < 0) {
        acc_diags_add(r->diags, node->pos, "%s: '%s' is no size; write it like 512MiB or 16GiB",
                      where, node->text);
        return 0;
    }
    return bytes;
}

/* Returns the memory. */
static int64_t check_amounts(struct reader *r, const struct acc_node *node, const char *where)
{
    const struct acc_node *vram = acc_node_get(node, "vram");
    const struct acc_node *cpus = acc_node_get(node, "cpus");

    int64_t memory = read_size(r, acc_node_get(node, "memory"), where);

    if (vram && vram->type != ACC_NODE_MAP) {
        (void)read_size(r, vram, where);
    }
    acc_node_for_each(child, vram)
    {
        (void)read_size(r, child, where);
    }
    if (cpus && cpus->text[0] == '-') {
        acc_diags_add(r->diags, cpus->pos, "%s: cpus can't be negative", where);
    }
    return memory;
}

static void read_host(struct reader *r)
{
    const struct acc_node *node = acc_node_get(r->config->root, "host");
    const struct acc_node *cpus = acc_node_get(node, "cpus");

    r->config->host_memory = check_amounts(r, node, "host");
    (void)check_amounts(r, acc_node_get(node, "reserve"), "host.reserve");
    acc_node_for_each(card, acc_node_get(node, "gpus"))
    {
        (void)check_amounts(r, card, "host.gpus");
    }
    r->config->host_cpus = !cpus                        ? 0
                           : cpus->type == ACC_NODE_INT ? (double)cpus->integer
                                                        : cpus->number;
    acc_node_for_each(tier, acc_node_get(r->config->root, "tiers"))
    {
        (void)check_amounts(r, tier, "tiers");
    }
}

static int read_phases(struct reader *r)
{
    const struct acc_node *phases = acc_node_get(r->config->root, "phases");
    struct acc_config *config = r->config;

    if (phases && phases->n > ACC_PHASES_MAX) {
        acc_diags_add(r->diags, phases->pos, "%u phases are too many; at most %u", phases->n,
                      ACC_PHASES_MAX);
        return 0;
    }
    config->phases = acc_arena_alloc(config->arena,
                                     ((phases ? phases->n : 0) + 1) * sizeof(*config->phases));
    if (!config->phases) {
        return -ENOMEM;
    }
    acc_node_for_each(node, phases)
    {
        const struct acc_node *hold = acc_node_path(node, "gate", "healthy_for", NULL);
        const char *name = acc_node_get_text(node, "name");
        const char *rollback = acc_node_get_text(node, "rollback");
        int64_t ns = 0;

        if (hold && (!acc_parse_duration_ns(hold->text, &ns) || ns < 0)) {
            ns = 0;
            acc_diags_add(r->diags, hold->pos,
                          "gate.healthy_for: '%s' is no time; write it like "
                          "10s or 5m",
                          hold->text);
        }
        for (const struct acc_node *other = node->next; other; other = other->next) {
            const char *twin = acc_node_get_text(other, "name");

            if (name && twin && strcmp(name, twin) == 0) {
                acc_diags_add(r->diags, other->pos, "phase '%s' is there twice", name);
                break;
            }
        }
        config->phases[config->n_phases++] = (struct acc_phase_spec){
            .name = name ? name : "",
            .rollback = rollback && strcmp(rollback, "phase") == 0 ? ACC_ROLLBACK_PHASE
                        : rollback && strcmp(rollback, "all") == 0 ? ACC_ROLLBACK_ALL
                                                                   : ACC_ROLLBACK_SERVICE,
            .has_gate = hold != NULL,
            .healthy_for_ms = (uint64_t)ns / 1000000};
    }
    return 0;
}

static int read_defaults(struct reader *r)
{
    const struct acc_node *node = acc_node_get(r->config->root, "defaults");
    struct acc_path path = {NULL, "defaults", 0};

    if (!node || node->type != ACC_NODE_MAP) {
        return 0;
    }
    size_t n_errors = r->diags->n_errors;
    int result = acc_xacc_check_keys(node, &path, r->diags);

    r->config->defaults = r->diags->n_errors > n_errors ? NULL : node;
    return result;
}

/* The children that are as `field` says stay; for a mapping each has a field of its own. */
static int keep_good(struct acc_node *node, const struct acc_field *field, struct acc_diags *spare)
{
    struct acc_node *next = NULL;
    int result = 0;

    for (struct acc_node *child = acc_tree_take_children(node); child; child = next) {
        const struct acc_field *of = field ? field : acc_struct_field(&root_type, child->key);
        size_t n_errors = spare->n_errors;
        int r = of ? acc_schema_check_value(of, child, NULL, spare) : 0;

        next = child->next;
        child->next = NULL;
        result = r < 0 ? r : result;
        if (spare->n_errors == n_errors && field) {
            acc_node_append(node, child);
        } else if (spare->n_errors == n_errors) {
            acc_node_put(node, child->key, acc_node_key_pos(child), child);
        }
    }
    return result;
}

/* What is not as the tables say has been told, and goes: the rest is read as if it were all. */
static int drop_bad(struct acc_node *root)
{
    static const struct acc_field entry = {"stacks", .is = ACC_IS_STR | ACC_IS_MAP, .sub = &stack};
    struct acc_diags *spare = calloc(1, sizeof(*spare));
    struct acc_node *stacks = acc_node_get(root, "stacks");
    int result = spare ? 0 : -ENOMEM;

    if (spare && stacks && stacks->type == ACC_NODE_SEQ) {
        result = keep_good(stacks, &entry, spare);
    }
    if (result == 0) {
        result = keep_good(root, NULL, spare);
    }
    free(spare);
    return result;
}

static int read_all(struct reader *r, struct acc_node *root, size_t n_errors)
{
    int result = acc_schema_check(&root_type, root, NULL, r->diags);

    if (result == 0 && r->diags->n_errors > n_errors) {
        result = drop_bad(root);
    }
    if (result < 0) {
        return result;
    }
    acc_xacc_timing(r->diags, acc_node_get(r->config->root, "timing"), &r->config->timing, false);
    read_host(r);
    result = read_phases(r);
    result = result < 0 ? result : read_stacks(r);
    result = result < 0 ? result : read_hooks(r);
    result = result < 0 ? result : read_defaults(r);
    if (result < 0 || acc_arena_failed(r->config->arena)) {
        return -ENOMEM;
    }
    return r->diags->n_errors > n_errors ? -EINVAL : 0;
}

static int parse(struct reader *r, const char *path, const char *text, size_t text_len)
{
    const char *file = acc_arena_strdup(r->config->arena, path);
    struct acc_srcpos top = {file, 0, 0};
    struct acc_yaml_docs docs = {0};
    size_t n_errors = r->diags->n_errors;

    if (!file) {
        return -ENOMEM;
    }
    int result = acc_yaml_parse(file, text, text_len, NODES_MAX, r->config->arena, &docs, r->diags);

    if (result < 0 && (result == -ENOMEM || docs.n_docs == 0)) {
        return result;
    }
    if (docs.n_docs > 1) {
        acc_diags_add(r->diags, top, "one document is enough; remove the '---'");
        return -EINVAL;
    }
    struct acc_node *root = docs.n_docs > 0 ? docs.docs[0]
                                            : acc_node_new(r->config->arena, ACC_NODE_NULL, top);

    if (root && root->type == ACC_NODE_NULL) { /* nothing in it is fine: nothing to do, then */
        root = acc_node_new(r->config->arena, ACC_NODE_MAP, root->pos);
    }
    if (!root) {
        return -ENOMEM;
    }
    if (root->type != ACC_NODE_MAP) {
        acc_diags_add(r->diags, root->pos, "the top must be a mapping, not %s",
                      acc_node_type_name(root));
        return -EINVAL;
    }
    r->config->root = root;
    return read_all(r, root, n_errors);
}

int acc_config_parse(const char *path, const char *text, size_t text_len,
                     struct acc_config **ret_config, struct acc_diags *diags)
{
    struct acc_arena *arena = NULL;
    struct reader r = {.diags = diags};
    int result = acc_arena_create(ARENA_MAX, &arena);

    if (result < 0) {
        return result;
    }
    r.config = acc_arena_alloc(arena, sizeof(*r.config));
    if (!r.config) {
        acc_arena_destroy(arena);
        return -ENOMEM;
    }
    r.config->arena = arena;
    acc_timing_default(&r.config->timing);
    result = parse(&r, path, text, text_len);
    if (result == -ENOMEM || !r.config->root) {
        acc_arena_destroy(arena);
        return result;
    }
    *ret_config = r.config;
    return result;
}
