/* Which services are meant, and which resources these need (compose-go types/project.go). */
#include <errno.h>
#include <string.h>

#include "lib/compose/load.h"
#include "lib/compose/schema.h"
#include "lib/compose/tree.h"

/* `name` in the comma separated `list`. */
static bool list_has(const char *list, const char *name)
{
    size_t name_len = strlen(name);

    while (list && *list) {
        size_t len = strcspn(list, ",");
        const char *end = list + len;
        const char *start = list + strspn(list, " \t");

        while (end > start && (end[-1] == ' ' || end[-1] == '\t')) {
            end--;
        }
        if (start <= end && (size_t)(end - start) == name_len &&
            memcmp(start, name, name_len) == 0) {
            return true;
        }
        list += len + (list[len] == ',');
    }
    return false;
}

static bool is_active(const struct acc_compose_loader *loader, const char *profile)
{
    const struct acc_compose_request *request = &loader->request;

    for (size_t i = 0; i < request->n_profiles; i++) {
        if (strcmp(request->profiles[i], profile) == 0) {
            return true;
        }
    }
    return list_has(acc_compose_env_get(loader->ctx.env, "COMPOSE_PROFILES"), profile);
}

static bool is_enabled(const struct acc_compose_loader *loader, const struct acc_node *service)
{
    const struct acc_node *profiles = acc_node_get(service, "profiles");

    if (!profiles || profiles->n == 0) {
        return true;
    }
    acc_node_for_each(profile, profiles)
    {
        if (profile->text && is_active(loader, profile->text)) {
            return true;
        }
    }
    return is_active(loader, "*");
}

int acc_load_profiles(struct acc_compose_loader *loader, struct acc_node *project,
                      const struct acc_node **ret_disabled)
{
    struct acc_node *services = acc_node_get(project, "services");
    struct acc_node *disabled = acc_tree_map(&loader->ctx, project->pos);
    struct acc_node *next = NULL;

    if (!disabled) {
        return -ENOMEM;
    }
    for (struct acc_node *child = services ? acc_tree_take_children(services) : NULL; child;
         child = next) {
        next = child->next;
        child->next = NULL;
        acc_node_put(is_enabled(loader, child) ? services : disabled, child->key,
                     acc_node_key_pos(child), child);
    }
    *ret_disabled = disabled;
    return 0;
}

static int take_down(struct acc_compose_ctx *ctx, const struct acc_node *project,
                     const char *section, struct acc_node *into)
{
    struct acc_node *names = acc_tree_map(ctx, project->pos);

    acc_node_for_each(child, acc_node_get(project, section))
    {
        const char *name = acc_node_get_text(child, "name");
        struct acc_node *text = acc_node_string(ctx->arena, child->pos, name ? name : child->key);

        if (!names || !text) {
            return -ENOMEM;
        }
        acc_node_put(names, child->key, acc_node_key_pos(child), text);
    }
    if (!names) {
        return -ENOMEM;
    }
    acc_node_put(into, section, project->pos, names);
    return 0;
}

int acc_load_declared(struct acc_compose_loader *loader, const struct acc_node *project,
                      const struct acc_node **ret_declared)
{
    struct acc_node *declared = acc_tree_map(&loader->ctx, project->pos);
    int r = declared ? take_down(&loader->ctx, project, "networks", declared) : -ENOMEM;

    r = r < 0 ? r : take_down(&loader->ctx, project, "volumes", declared);
    if (r == 0) {
        *ret_declared = declared;
    }
    return r;
}

/* Names that are in use, each as a key. */
struct uses {
    struct acc_compose_ctx *ctx;
    struct acc_node *names;
};

static void use(struct uses *uses, const struct acc_node *name)
{
    const char *text = name && name->type != ACC_NODE_MAP ? name->text : NULL;
    struct acc_node *mark = text ? acc_tree_map(uses->ctx, name->pos) : NULL;

    if (mark && uses->names) {
        acc_node_put(uses->names, text, name->pos, mark); /* doubles do no harm */
    }
}

static void use_sources(struct uses *uses, const struct acc_node *list)
{
    acc_node_for_each(child, list)
    {
        use(uses, child->type == ACC_NODE_MAP ? acc_node_get(child, "source") : child);
    }
}

static void use_keys(struct uses *uses, const struct acc_node *map)
{
    acc_node_for_each(child, map)
    {
        struct acc_node name = {.type = ACC_NODE_STRING, .text = child->key};

        use(uses, map->type == ACC_NODE_MAP ? &name : child);
    }
}

static void use_volumes(struct uses *uses, const struct acc_node *list)
{
    acc_node_for_each(child, list)
    {
        const char *type = acc_node_get_text(child, "type");

        if (type && strcmp(type, "volume") == 0) {
            use(uses, acc_node_get(child, "source"));
        }
    }
}

static void collect(struct uses *uses, const struct acc_node *service, const char *section)
{
    if (strcmp(section, "networks") == 0 || strcmp(section, "models") == 0) {
        use_keys(uses, acc_node_get(service, section));
    } else if (strcmp(section, "volumes") == 0) {
        use_volumes(uses, acc_node_get(service, section));
    } else {
        use_sources(uses, acc_node_get(service, section));
    }
    if (strcmp(section, "secrets") == 0) {
        use_sources(uses, acc_node_path(service, "build", section, NULL));
    }
}

static int drop_unused(struct acc_compose_ctx *ctx, struct acc_node *project, const char *section)
{
    struct acc_node *map = acc_node_get(project, section);
    struct uses uses = {ctx, acc_tree_map(ctx, project->pos)};
    struct acc_node_index index;
    struct acc_node *next = NULL;

    if (!acc_node_is(map, ACC_NODE_MAP)) {
        return 0;
    }
    acc_node_for_each(service, acc_node_get(project, "services"))
    {
        collect(&uses, service, section);
    }
    if (acc_arena_failed(ctx->arena) || acc_node_index_init(&index, ctx->arena, uses.names) < 0) {
        return -ENOMEM;
    }
    for (struct acc_node *child = acc_tree_take_children(map); child; child = next) {
        next = child->next;
        child->next = NULL;
        if (acc_node_index_get(&index, child->key)) {
            acc_node_put(map, child->key, acc_node_key_pos(child), child);
        } else if (strcmp(section, "models") == 0) {
            acc_diags_warn(ctx->diags, acc_node_key_pos(child),
                           "models.%s: no service uses it, so it is ignored", child->key);
        }
    }
    if (map->n == 0) {
        (void)acc_node_remove(project, section);
    }
    return 0;
}

int acc_load_drop_unused(struct acc_compose_loader *loader, struct acc_node *project)
{
    static const char *const sections[] = {"networks", "volumes", "secrets", "configs", "models"};
    int r = 0;

    for (size_t i = 0; r == 0 && i < sizeof(sections) / sizeof(sections[0]); i++) {
        r = drop_unused(&loader->ctx, project, sections[i]);
    }
    return r;
}
