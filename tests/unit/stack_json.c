#include "tests/unit/stack_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "lib/base/assert.h"

static const struct acc_srcpos nowhere = {.file = "test.yaml", .line = 1, .col = 1};

static struct acc_node *text_node(struct acc_arena *arena, const char *text)
{
    char *copy = acc_arena_strdup(arena, text);
    char *out = copy;

    for (const char *in = copy; *in; in++) {
        if (in[0] == '$' && in[1] == '$') {
            in++;
        }
        *out++ = *in;
    }
    *out = '\0';
    return acc_node_string(arena, nowhere, copy);
}

static struct acc_node *number_node(struct acc_arena *arena, double value)
{
    if (value == (double)(int64_t)value) {
        return acc_node_int(arena, nowhere, (int64_t)value);
    }
    struct acc_node *node = acc_node_new(arena, ACC_NODE_FLOAT, nowhere);

    node->number = value;
    node->text = acc_arena_printf(arena, "%g", value);
    return node;
}

static struct acc_node *node_of(struct acc_arena *arena, const cJSON *json)
{
    const cJSON *child;

    if (cJSON_IsString(json)) {
        return text_node(arena, json->valuestring);
    }
    if (cJSON_IsNumber(json)) {
        return number_node(arena, json->valuedouble);
    }
    if (cJSON_IsBool(json)) {
        return acc_node_bool(arena, nowhere, cJSON_IsTrue(json));
    }
    if (cJSON_IsNull(json)) {
        return acc_node_new(arena, ACC_NODE_NULL, nowhere);
    }
    struct acc_node *node = acc_node_new(arena, cJSON_IsArray(json) ? ACC_NODE_SEQ : ACC_NODE_MAP,
                                         nowhere);

    cJSON_ArrayForEach(child, json)
    {
        struct acc_node *value = node_of(arena, child);

        if (cJSON_IsArray(json)) {
            acc_node_append(node, value);
        } else {
            acc_node_put(node, text_node(arena, child->string)->text, nowhere, value);
        }
    }
    return node;
}

static void add_resources(struct acc_stack *stack, const char *section, enum acc_resource_kind kind)
{
    acc_node_for_each(item, acc_node_get(stack->project, section))
    {
        struct acc_resource *res = &stack->resources[stack->n_resources++];

        *res = (struct acc_resource){
            .kind = kind, .key = item->key, .name = acc_node_get_text(item, "name"), .node = item};
        res->external = acc_node_get(item, "external") && acc_node_get(item, "external")->boolean;
    }
}

static uint32_t children(const struct acc_node *node)
{
    return node ? node->n : 0;
}

static void fill(struct acc_stack *stack)
{
    struct acc_arena *arena = stack->arena;
    const struct acc_node *services = acc_node_get(stack->project, "services");
    size_t n_resources = children(acc_node_get(stack->project, "networks")) +
                         children(acc_node_get(stack->project, "volumes"));

    stack->name = acc_node_get_text(stack->project, "name");
    stack->resources = acc_arena_alloc(arena, (n_resources + 1) * sizeof(*stack->resources));
    add_resources(stack, "networks", ACC_RES_NETWORK);
    add_resources(stack, "volumes", ACC_RES_VOLUME);
    stack->services = acc_arena_alloc(arena, (children(services) + 1) * sizeof(*stack->services));
    acc_node_for_each(item, services)
    {
        struct acc_service_spec *service = &stack->services[stack->n_services++];
        const char *image = acc_node_get_text(item, "image");

        service->id = acc_arena_printf(arena, "%s/%s", stack->name, item->key);
        service->stack = stack->name;
        service->name = item->key;
        service->node = item;
        service->image = image ? image : acc_arena_printf(arena, "%s-%s", stack->name, item->key);
        service->platform = acc_node_get_text(item, "platform");
        service->container_name = acc_node_get_text(item, "container_name");
        memset(service->spec_hash, '5', ACC_HASH_LEN);
    }
}

struct acc_stack *stack_from_json(const char *text, const char *dir, const char *file)
{
    cJSON *json = cJSON_Parse(text);
    struct acc_arena *arena = NULL;

    if (!cJSON_IsObject(json) || acc_arena_create(64u << 20, &arena) < 0) {
        cJSON_Delete(json);
        return NULL;
    }
    struct acc_stack *stack = acc_arena_alloc(arena, sizeof(*stack));

    acc_assert(stack);
    stack->arena = arena;
    stack->project = node_of(arena, json);
    stack->dir = acc_arena_strdup(arena, dir);
    stack->files = acc_arena_alloc(arena, sizeof(*stack->files));
    stack->files[0] = acc_arena_strdup(arena, file);
    stack->n_files = 1;
    fill(stack);
    cJSON_Delete(json);
    return stack;
}

const struct acc_service_spec *stack_service(const struct acc_stack *stack, const char *name)
{
    for (size_t i = 0; i < stack->n_services; i++) {
        if (strcmp(stack->services[i].name, name) == 0) {
            return &stack->services[i];
        }
    }
    return NULL;
}

char *read_text(const char *path, size_t *ret_len)
{
    FILE *file = fopen(path, "rbe");
    size_t cap = 1u << 22;
    char *text = file ? calloc(1, cap + 1) : NULL;

    if (text) {
        *ret_len = fread(text, 1, cap, file);
    }
    if (file) {
        (void)fclose(file);
    }
    return text;
}
