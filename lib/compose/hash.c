/* The config-hash of Compose 2.30.2 to 2.40 (facts 3.12, family C): SHA-256 over the JSON of the
 * struct. Other releases have other families; what they wrote is compared by meaning. */
#include <errno.h>
#include <sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/compose/json.h"
#include "lib/compose/schema.h"
#include "lib/compose/tree.h"
#include "lib/model/api_socket.h"

/* One service with its environment; its file was no larger. */
#define HASH_TEXT_MAX (4u * ACC_COMPOSE_FILE_MAX)

static int finish(struct acc_buf *text, char *ret_hash)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t digest[SHA256_DIGEST_LENGTH];
    SHA2_CTX sha;

    if (text->failed) {
        acc_buf_fini(text);
        return -ENOMEM;
    }
    SHA256Init(&sha);
    SHA256Update(&sha, (const uint8_t *)text->data, text->len);
    SHA256Final(digest, &sha);
    for (size_t i = 0; i < sizeof(digest); i++) {
        ret_hash[2 * i] = digits[digest[i] >> 4];
        ret_hash[2 * i + 1] = digits[digest[i] & 15];
    }
    ret_hash[2 * sizeof(digest)] = '\0';
    acc_buf_fini(text);
    return 0;
}

struct references {
    const char *(*container_id)(void *ctx, const char *service);
    void *ctx;
    char text[16 + ACC_CID_LEN + 1]; /* what stands in place of the value at hand */
    char name[256];
    bool is_missing;
};

/* network_mode, ipc and pid: service:x -> container:ID; volumes_from: x[:mode] -> ID, and
 * container:x[:mode] -> x, as Compose rewrites them before it hashes (convergence.go). */
static const char *replace(void *ctx, const char *key, const char *value)
{
    struct references *refs = ctx;
    bool is_volumes = strcmp(key, "volumes_from") == 0;
    const char *name = value;
    const char *id;

    if (is_volumes && strncmp(value, "container:", 10) == 0) {
        (void)snprintf(refs->name, sizeof(refs->name), "%.*s", (int)strcspn(value + 10, ":"),
                       value + 10);
        return refs->name;
    }
    if (!is_volumes) {
        if ((strcmp(key, "network_mode") != 0 && strcmp(key, "ipc") != 0 &&
             strcmp(key, "pid") != 0) ||
            strncmp(value, "service:", 8) != 0) {
            return value;
        }
        name = value + 8;
    }
    (void)snprintf(refs->name, sizeof(refs->name), "%.*s", (int)strcspn(name, ":"), name);
    id = refs->container_id(refs->ctx, refs->name);
    if (!id) {
        refs->is_missing = true;
        return value;
    }
    (void)snprintf(refs->text, sizeof(refs->text), "%s%s", is_volumes ? "" : "container:", id);
    return refs->text;
}

/* In the order of the struct. */
static struct acc_node *in_order(struct acc_arena *arena, struct acc_node *service)
{
    struct acc_node *ordered = service ? acc_node_new(arena, ACC_NODE_MAP, service->pos) : NULL;

    for (size_t i = 0; ordered && i < acc_schema_service.n_fields; i++) {
        struct acc_node *child = acc_node_remove(service, acc_schema_service.fields[i].key);

        if (child) {
            acc_node_put(ordered, acc_schema_service.fields[i].key, acc_node_key_pos(child), child);
        }
    }
    return ordered;
}

/* What a container's label is taken over. */
static int put_labelled(struct acc_buf *text, const struct acc_node *service,
                        struct references *refs)
{
    struct acc_arena *arena = NULL;

    if (!acc_api_socket_used(service)) {
        acc_json_service_for_hash(text, service, replace, refs);
        return 0;
    }
    int r = acc_arena_create(ACC_COMPOSE_ARENA_MAX, &arena);

    if (r < 0) {
        return r;
    }
    service = in_order(arena, acc_api_socket_service(arena, service));
    if (service) {
        acc_json_service_for_hash(text, service, replace, refs);
    }
    (void)acc_arena_destroy(arena);
    return service ? 0 : -ENOMEM;
}

int acc_compose_service_hash(const struct acc_service_spec *service,
                             const char *(*container_id)(void *ctx, const char *service), void *ctx,
                             char *ret_hash)
{
    struct references refs = {.container_id = container_id, .ctx = ctx};
    struct acc_buf text;
    int r = 0;

    acc_buf_init(&text, HASH_TEXT_MAX);
    if (container_id) {
        r = put_labelled(&text, service->node, &refs);
    } else {
        acc_json_service_for_hash(&text, service->node, NULL, NULL);
    }
    if (r < 0 || refs.is_missing) {
        acc_buf_fini(&text);
        return r < 0 ? r : -ENOENT;
    }
    return finish(&text, ret_hash);
}

int acc_compose_network_hash(const struct acc_resource *network, char *ret_hash)
{
    struct acc_buf text;

    acc_buf_init(&text, HASH_TEXT_MAX);
    acc_json_node(&text, network->node, -1);
    return finish(&text, ret_hash);
}

/* Compose hashes a volume as if its driver had been written down. */
int acc_compose_volume_hash(const struct acc_resource *volume, char *ret_hash)
{
    bool has_driver = acc_node_get(volume->node, "driver") != NULL;
    struct acc_buf text;
    bool is_first = true;

    acc_buf_init(&text, HASH_TEXT_MAX);
    (void)acc_buf_puts(&text, "{");
    acc_node_for_each(child, volume->node)
    {
        (void)acc_buf_puts(&text, is_first ? "" : ",");
        acc_json_string(&text, child->key);
        (void)acc_buf_puts(&text, ":");
        acc_json_node(&text, child, -1);
        if (!has_driver && strcmp(child->key, "name") == 0) {
            (void)acc_buf_puts(&text, ",\"driver\":\"local\"");
        }
        is_first = false;
    }
    (void)acc_buf_puts(&text, "}");
    return finish(&text, ret_hash);
}

/* What the container takes from outside of its service: names of networks and volumes, and all of
 * secrets and configs (a changed content needs a new container). */
static void add_resources(struct acc_buf *text, const struct acc_node *project, const char *section,
                          const struct acc_node *used, bool name_only)
{
    const struct acc_node *all = acc_node_get(project, section);

    acc_node_for_each(item, used)
    {
        const char *source = acc_node_get_text(item, "source");
        const char *key = source ? source : item->key;
        const struct acc_node *resource = key ? acc_node_get(all, key) : NULL;

        if (resource && name_only) {
            resource = acc_node_get(resource, "name");
        }
        if (resource) {
            (void)acc_buf_printf(text, "\n%s ", section);
            acc_json_node(text, resource, -1);
        }
    }
}

void acc_compose_digest(const char *text, size_t len, char ret_digest[ACC_DIGEST_LEN + 1])
{
    uint8_t digest[SHA256_DIGEST_LENGTH];
    SHA2_CTX sha;

    SHA256Init(&sha);
    SHA256Update(&sha, (const uint8_t *)text, len);
    SHA256Final(digest, &sha);
    for (size_t i = 0; i < ACC_DIGEST_LEN / 2; i++) {
        (void)snprintf(ret_digest + 2 * i, 3, "%02x", digest[i]);
    }
}

int acc_compose_spec_hash(const struct acc_node *project, const struct acc_node *service,
                          const char *contents, char *ret_hash)
{
    struct acc_buf text;

    acc_buf_init(&text, HASH_TEXT_MAX);
    acc_json_service_for_hash(&text, service, NULL, NULL);
    add_resources(&text, project, "networks", acc_node_get(service, "networks"), true);
    add_resources(&text, project, "volumes", acc_node_get(service, "volumes"), true);
    add_resources(&text, project, "configs", acc_node_get(service, "configs"), false);
    add_resources(&text, project, "secrets", acc_node_get(service, "secrets"), false);
    (void)acc_buf_puts(&text, contents);
    return finish(&text, ret_hash);
}
