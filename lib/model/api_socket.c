#include "lib/model/api_socket.h"

#include <stddef.h>

#define SOCKET     "/var/run/docker.sock"
#define CONFIG_DIR "/run/secrets/docker"

bool acc_api_socket_used(const struct acc_node *service)
{
    const struct acc_node *use = acc_node_get(service, "use_api_socket");

    return use && use->boolean;
}

/* The list or mapping under `key`, made when there is none. */
static struct acc_node *need(struct acc_arena *arena, struct acc_node *map, const char *key,
                             enum acc_node_type type)
{
    struct acc_node *node = acc_node_get(map, key);

    if (!node || node->type != type) {
        node = acc_node_new(arena, type, map->pos);
        if (node) {
            acc_node_set(map, key, node);
        }
    }
    return node;
}

static void put_text(struct acc_arena *arena, struct acc_node *map, const char *key,
                     const char *text)
{
    struct acc_node *node = acc_node_string(arena, map->pos, text);

    if (node) {
        acc_node_put(map, key, map->pos, node);
    }
}

static struct acc_node *append_map(struct acc_arena *arena, struct acc_node *list)
{
    struct acc_node *item = acc_node_new(arena, ACC_NODE_MAP, list->pos);

    if (item) {
        acc_node_append(list, item);
    }
    return item;
}

struct acc_node *acc_api_socket_service(struct acc_arena *arena, const struct acc_node *service)
{
    struct acc_node *copy = acc_node_clone(arena, service);
    struct acc_node *environment = copy ? need(arena, copy, "environment", ACC_NODE_MAP) : NULL;
    struct acc_node *configs = copy ? need(arena, copy, "configs", ACC_NODE_SEQ) : NULL;
    struct acc_node *volumes = copy ? need(arena, copy, "volumes", ACC_NODE_SEQ) : NULL;
    struct acc_node *config = configs ? append_map(arena, configs) : NULL;
    struct acc_node *volume = volumes ? append_map(arena, volumes) : NULL;

    if (!environment || !config || !volume) {
        return NULL;
    }
    put_text(arena, volume, "type", "bind");
    put_text(arena, volume, "source", SOCKET);
    put_text(arena, volume, "target", SOCKET);
    put_text(arena, config, "source", ACC_API_SOCKET_CONFIG);
    put_text(arena, config, "target", CONFIG_DIR "/config.json");
    if (!acc_node_get(environment, "DOCKER_CONFIG")) { /* else it knows where its own are */
        put_text(arena, environment, "DOCKER_CONFIG", CONFIG_DIR);
        acc_node_sort_keys(environment);
    }
    return acc_arena_failed(arena) ? NULL : copy;
}
