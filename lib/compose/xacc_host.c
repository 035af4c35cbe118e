/* x-acc.host and x-acc.serialize: what a service needs of the host, and what it shares with others
 * by name alone. */
#include <errno.h>
#include <string.h>

#include "lib/compose/tree.h"
#include "lib/compose/xacc.h"

/* "/mnt/nas/" is "/mnt/nas": one thing has one name. */
static const char *without_slashes(struct acc_compose_ctx *ctx, const char *text)
{
    size_t len = strlen(text);

    while (len > 1 && text[len - 1] == '/' && text[len - 2] != ':') {
        len--;
    }
    return acc_arena_strndup(ctx->arena, text, len);
}

static bool has_condition(const struct acc_service_spec *service, const char *text)
{
    for (size_t i = 0; i < service->n_host; i++) {
        if (strcmp(service->host[i].is.text, text) == 0) {
            return true;
        }
    }
    return false;
}

int acc_xacc_host(struct acc_compose_ctx *ctx, const struct acc_node *list,
                  struct acc_service_spec *service)
{
    service->n_host = 0;
    if (!acc_node_is(list, ACC_NODE_SEQ) || list->n == 0) {
        return 0;
    }
    service->host = acc_arena_alloc(ctx->arena, ACC_CONDITIONS_EACH_MAX * sizeof(*service->host));
    if (!service->host) {
        return -ENOMEM;
    }
    acc_node_for_each(node, list)
    {
        struct acc_host_need need = {.at = ACC_NONE};
        const char *text = node->text ? without_slashes(ctx, node->text) : NULL;
        const char *problem = text ? acc_condition_parse(text, &need.is) : NULL;

        if (!text) {
            return -ENOMEM;
        }
        if (!problem && acc_condition_is_of_service(need.is.kind)) {
            problem = ACC_CONDITION_UNKNOWN;
        }
        if (problem) {
            acc_xacc_complain(ctx, node->pos, "host: '%s': %s", node->text, problem);
        } else if (has_condition(service, text)) {
            continue;
        } else if (service->n_host == ACC_CONDITIONS_EACH_MAX) {
            acc_xacc_complain(ctx, node->pos, "host: at most %u conditions",
                              ACC_CONDITIONS_EACH_MAX);
            break;
        } else {
            service->host[service->n_host++] = need;
        }
    }
    return 0;
}

/* Is it below what the service says itself must be mounted? Then that guards it. */
static bool is_covered(const struct acc_service_spec *service, const char *path)
{
    for (size_t i = 0; i < service->n_host; i++) {
        const struct acc_condition *is = &service->host[i].is;
        size_t len = strlen(is->arg);

        if (is->kind == ACC_HOST_MOUNT && strncmp(path, is->arg, len) == 0 &&
            (path[len] == '/' || path[len] == '\0')) {
            return true;
        }
    }
    return false;
}

/* The root folder is always there; a path beyond the limit isn't watched. */
static bool is_place(const struct acc_service_spec *service, const char *path)
{
    return path[0] == '/' && path[1] != '\0' && strlen(path) <= ACC_CONDITION_TEXT_MAX &&
           !has_condition(service, path) && !is_covered(service, path);
}

int acc_xacc_places(struct acc_compose_ctx *ctx, struct acc_service_spec *service)
{
    const struct acc_node *volumes = acc_node_get(service->node, "volumes");
    struct acc_host_need *all;

    if (!volumes || volumes->n == 0) {
        return 0;
    }
    all = acc_arena_alloc(ctx->arena, (service->n_host + volumes->n) * sizeof(*all));
    for (size_t i = 0; all && i < service->n_host; i++) {
        all[i] = service->host[i];
    }
    service->host = all;
    acc_node_for_each(volume, volumes)
    {
        const char *type = acc_node_get_text(volume, "type");
        const char *source = acc_node_get_text(volume, "source");
        const char *path = source ? without_slashes(ctx, source) : NULL;

        if (all && path && type && strcmp(type, "bind") == 0 && is_place(service, path)) {
            all[service->n_host++] = (struct acc_host_need){acc_condition_of_source(path),
                                                            .at = ACC_NONE};
        }
    }
    return all ? 0 : -ENOMEM;
}

static bool has_token(const struct acc_service_spec *service, const char *name)
{
    for (size_t i = 0; i < service->n_serialize; i++) {
        if (strcmp(service->serialize[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static void take_token(struct acc_compose_ctx *ctx, const struct acc_node *node,
                       struct acc_service_spec *service)
{
    if (!acc_token_is_valid(node->text)) {
        acc_xacc_complain(ctx, node->pos,
                          "serialize: '%s' is no name; use letters, digits, '_', '-' and '.'",
                          node->text);
    } else if (service->n_serialize == ACC_TOKENS_EACH_MAX) {
        acc_xacc_complain(ctx, node->pos, "serialize: at most %u names", ACC_TOKENS_EACH_MAX);
    } else if (!has_token(service, node->text)) {
        service->serialize[service->n_serialize++] = (struct acc_token_need){.name = node->text,
                                                                             .at = ACC_NONE};
    }
}

int acc_xacc_serialize(struct acc_compose_ctx *ctx, const struct acc_node *list,
                       struct acc_service_spec *service)
{
    service->n_serialize = 0;
    if (!list || (list->type != ACC_NODE_STRING && list->type != ACC_NODE_SEQ)) {
        return 0;
    }
    service->serialize = acc_arena_alloc(ctx->arena,
                                         ACC_TOKENS_EACH_MAX * sizeof(*service->serialize));
    if (!service->serialize) {
        return -ENOMEM;
    }
    if (list->type == ACC_NODE_STRING) {
        take_token(ctx, list, service);
        return 0;
    }
    acc_node_for_each(node, list)
    {
        take_token(ctx, node, service);
    }
    return 0;
}
