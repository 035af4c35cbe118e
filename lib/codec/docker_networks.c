/*
 * Endpoints of a container, and the bodies that create networks and volumes (compose create.go
 * defaultNetworkSettings, resolveOrCreateNetwork, createVolume).
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/codec/docker_create_job.h"
#include "lib/codec/docker_state.h"

#define IFNAME_OPTION "com.docker.network.endpoint.ifname"

static const char *network_name(const struct acc_stack *stack, const char *key)
{
    for (size_t i = 0; i < stack->n_resources; i++) {
        if (stack->resources[i].kind == ACC_RES_NETWORK &&
            strcmp(stack->resources[i].key, key) == 0) {
            return stack->resources[i].name;
        }
    }
    const char *name = acc_node_get_text(acc_node_path(stack->project, "networks", key, NULL),
                                         "name");

    return name ? name : key;
}

static int compare_priority(const void *a, const void *b)
{
    const struct acc_node *x = *(const struct acc_node *const *)a;
    const struct acc_node *y = *(const struct acc_node *const *)b;
    int64_t px = acc_node_whole(acc_node_get(x, "priority"));
    int64_t py = acc_node_whole(acc_node_get(y, "priority"));

    return px != py ? (px > py ? -1 : 1) : strcmp(x->key, y->key);
}

/* compose-go ServiceConfig.NetworksByPriority. NULL without networks, or with a failed job. */
static const struct acc_node **by_priority(struct acc_create_job *job, size_t *ret_n)
{
    const struct acc_node *networks = acc_node_get(job->node, "networks");
    size_t n = 0;

    *ret_n = 0;
    if (!networks || networks->type != ACC_NODE_MAP || !networks->first) {
        return NULL;
    }
    const struct acc_node **sorted = calloc(networks->n, sizeof(*sorted));

    if (!sorted) {
        job->put.failed = true;
        return NULL;
    }
    acc_node_for_each(item, networks)
    {
        sorted[n++] = item;
    }
    qsort(sorted, n, sizeof(*sorted), compare_priority);
    *ret_n = n;
    return sorted;
}

/* The canonical name, also while the container is still called otherwise. */
static void put_aliases(struct acc_create_job *job, cJSON *endpoint, const struct acc_node *network)
{
    cJSON *aliases = acc_put_array(&job->put, endpoint, "Aliases");
    char name[3 * ACC_NAME_MAX_OF_NODE];

    if (job->ctx->unrouted) {
        return; /* Docker itself adds the container's own name and the short id */
    }
    (void)snprintf(name, sizeof(name), "%s-%s-%" PRIu32, job->stack->name, job->service->name,
                   job->ctx->number);
    acc_put_word(&job->put, aliases,
                 job->service->container_name ? job->service->container_name : name);
    acc_put_word(&job->put, aliases, job->service->name);
    acc_node_for_each(item, acc_node_get(network, "aliases"))
    {
        acc_put_word(&job->put, aliases, item->text);
    }
}

static void put_address(struct acc_create_job *job, cJSON *endpoint, const struct acc_node *network)
{
    const char *ip4 = acc_node_get_text(network, "ipv4_address");
    const char *ip6 = acc_node_get_text(network, "ipv6_address");
    cJSON *ipam = acc_put_object(&job->put, endpoint, "IPAMConfig");

    acc_put_text_some(&job->put, ipam, "IPv4Address", ip4);
    acc_put_text_some(&job->put, ipam, "IPv6Address", ip6);
    acc_job_words(job, ipam, "LinkLocalIPs", acc_node_get(network, "link_local_ips"));
    /* Compose fills these two as well; engines take no notice of them */
    acc_put_text_some(&job->put, endpoint, "IPAddress", ip4);
    acc_put_text_some(&job->put, endpoint, "IPv6Gateway", ip6);
}

static void put_driver_opts(struct acc_create_job *job, cJSON *endpoint,
                            const struct acc_node *network)
{
    const struct acc_node *options = acc_node_get(network, "driver_opts");
    const char *ifname = acc_node_get_text(network, "interface_name");

    if ((!options || !options->first) && (!ifname || !*ifname)) {
        return;
    }
    if (ifname && *ifname && job->ctx->api_minor < ACC_API_IFNAME) {
        acc_job_fail(job, -EINVAL, network->pos,
                     "networks: interface_name needs Docker Engine 28.1");
    }
    acc_job_map(job, endpoint, "DriverOpts", options);
    cJSON *object = cJSON_GetObjectItemCaseSensitive(endpoint, "DriverOpts");

    if (ifname && *ifname) {
        object = object ? object : acc_put_object(&job->put, endpoint, "DriverOpts");
        cJSON_DeleteItemFromObjectCaseSensitive(object, IFNAME_OPTION);
        acc_put_text(&job->put, object, IFNAME_OPTION, ifname);
    }
}

/* compose create.go createEndpointSettings. `network` may be of type null: nothing is set. */
static cJSON *make_endpoint(struct acc_create_job *job, const struct acc_node *network,
                            const cJSON *links)
{
    cJSON *endpoint = acc_put_root(&job->put);

    put_aliases(job, endpoint, network);
    if (links) {
        (void)acc_put_own(&job->put, endpoint, "Links", cJSON_Duplicate(links, true));
    }
    if (network && network->type == ACC_NODE_MAP) {
        put_address(job, endpoint, network);
        if (job->ctx->api_minor >= ACC_API_MANY_ENDPOINTS) {
            acc_put_text_some(&job->put, endpoint, "MacAddress",
                              acc_node_get_text(network, "mac_address"));
        }
        put_driver_opts(job, endpoint, network);
        acc_put_int_some(&job->put, endpoint, "GwPriority",
                         acc_node_whole(acc_node_get(network, "gw_priority")));
    }
    return endpoint;
}

/* compose create.go prepareContainerMACAddress: from 1.44 it is the main endpoint's, before that
 * the container's. */
static void put_mac(struct acc_create_job *job, cJSON *root, cJSON *endpoint,
                    const struct acc_node *main_network, const struct acc_node **sorted, size_t n)
{
    const struct acc_node *own = acc_node_get(job->node, "mac_address");
    const char *mac = own && own->text ? own->text : "";
    const char *main_mac = acc_node_get_text(main_network, "mac_address");
    size_t n_macs = 0;

    if (*mac && main_mac && *main_mac && strcmp(mac, main_mac) != 0) {
        acc_job_fail(job, -EINVAL, own->pos, "mac_address differs from the one of network '%s'",
                     main_network->key);
        return;
    }
    if (job->ctx->api_minor >= ACC_API_MANY_ENDPOINTS) {
        if (endpoint && (!main_mac || !*main_mac)) {
            acc_put_text_some(&job->put, endpoint, "MacAddress", mac);
        }
        return;
    }
    for (size_t i = 0; i < n; i++) {
        const char *other = acc_node_get_text(sorted[i], "mac_address");

        n_macs += other && *other;
    }
    if (n_macs > 1) {
        acc_job_fail(job, -EINVAL, job->node->pos,
                     "mac_address of several networks needs Docker Engine 25");
        return;
    }
    acc_put_text_some(&job->put, root, "MacAddress", main_mac && *main_mac ? main_mac : mac);
}

static int add_connect(struct acc_create_job *job, struct acc_docker_create *create,
                       const char *network, cJSON *endpoint)
{
    struct acc_docker_connect *connects = realloc(create->connects,
                                                  (create->n_connects + 1) * sizeof(*connects));
    char *text = endpoint ? cJSON_PrintUnformatted(endpoint) : NULL;
    char *copy = text ? strdup(text) : NULL; /* cJSON may have an allocator of its own */

    cJSON_free(text);
    cJSON_Delete(endpoint);
    if (!connects) {
        free(copy);
        job->put.failed = true;
        return -ENOMEM;
    }
    create->connects = connects;
    connects[create->n_connects] = (struct acc_docker_connect){.network = strdup(network),
                                                               .endpoint = copy};
    create->n_connects++;
    if (!copy || !connects[create->n_connects - 1].network) {
        job->put.failed = true;
        return -ENOMEM;
    }
    return 0;
}

static void put_endpoints(struct acc_create_job *job, cJSON *root, cJSON *host,
                          struct acc_docker_create *create)
{
    size_t n;
    const struct acc_node **sorted = by_priority(job, &n);
    const struct acc_node *main_network = n > 0 ? sorted[0] : NULL;
    const char *name = network_name(job->stack, n > 0 ? main_network->key : "default");
    const cJSON *links = cJSON_GetObjectItemCaseSensitive(host, "Links");
    cJSON *config = acc_put_object(&job->put, root, "NetworkingConfig");
    cJSON *endpoints = acc_put_object(&job->put, config, "EndpointsConfig");
    cJSON *first = acc_put_own(&job->put, endpoints, name, make_endpoint(job, main_network, links));

    acc_put_text(&job->put, host, "NetworkMode", name);
    put_mac(job, root, first, main_network, sorted, n);
    for (size_t i = 1; i < n; i++) {
        const char *other = network_name(job->stack, sorted[i]->key);
        cJSON *endpoint = make_endpoint(job, sorted[i], links);

        if (job->ctx->api_minor >= ACC_API_MANY_ENDPOINTS && !job->ctx->reconnect) {
            (void)acc_put_own(&job->put, endpoints, other, endpoint);
        } else {
            (void)add_connect(job, create, other, endpoint);
        }
    }
    if (job->ctx->reconnect) {
        (void)add_connect(job, create, name, cJSON_Duplicate(first, true));
    }
    free((void *)sorted);
}

void acc_job_networking(struct acc_create_job *job, cJSON *root, cJSON *host,
                        struct acc_docker_create *create)
{
    const struct acc_node *mode = acc_node_get(job->node, "network_mode");
    const struct acc_node *networks = acc_node_get(job->stack->project, "networks");
    char text[sizeof("container:") + ACC_CID_LEN + 64];

    if (mode && mode->text && *mode->text) {
        put_mac(job, root, NULL, NULL, NULL, 0);
        if (strncmp(mode->text, "service:", strlen("service:")) != 0) {
            acc_put_text(&job->put, host, "NetworkMode", mode->text);
            return;
        }
        (void)snprintf(
            text, sizeof(text), "container:%.*s", (int)ACC_CID_LEN,
            acc_job_container(job, mode->pos, "network_mode", mode->text + strlen("service:")));
        acc_put_text(&job->put, host, "NetworkMode", text);
    } else if (!networks || !networks->first) {
        acc_put_text(&job->put, host, "NetworkMode", "none");
    } else {
        put_endpoints(job, root, host, create);
    }
}

int acc_docker_connect_body(const struct acc_docker_connect *connect, const char *cid,
                            struct acc_buf *out)
{
    struct acc_json_put put = {0};
    cJSON *root = acc_put_root(&put);

    acc_put_text(&put, root, "Container", cid);
    (void)acc_put_own(&put, root, "EndpointConfig", cJSON_CreateRaw(connect->endpoint));
    return acc_put_finish(&put, root, out);
}

/* --- networks and volumes themselves --- */

static void put_resource_labels(struct acc_create_job *job, cJSON *root,
                                const struct acc_resource *resource, const char *key_label,
                                const char *config_hash)
{
    cJSON *labels = acc_put_object(&job->put, root, "Labels");
    const char *version = job->ctx->compose_version;

    acc_node_for_each(item, acc_node_get(resource->node, "labels"))
    {
        acc_put_text(&job->put, labels, item->key, item->text ? item->text : "");
    }
    const char *const own[][2] = {
        {key_label, resource->key},
        {ACC_LABEL_PROJECT, job->stack->name},
        {ACC_LABEL_VERSION, version ? version : ACC_DOCKER_COMPOSE_VERSION},
        {ACC_LABEL_CONFIG_HASH, config_hash},
    };

    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
        cJSON_DeleteItemFromObjectCaseSensitive(labels, own[i][0]);
        acc_put_text(&job->put, labels, own[i][0], own[i][1]);
    }
}

static void put_ipam(struct acc_create_job *job, cJSON *root, const struct acc_node *ipam)
{
    const char *driver = acc_node_get_text(ipam, "driver");
    const struct acc_node *pools = acc_node_get(ipam, "config");

    if ((!driver || !*driver) && (!pools || !pools->first)) {
        return;
    }
    cJSON *object = acc_put_object(&job->put, root, "IPAM");

    acc_put_text_some(&job->put, object, "Driver", driver);
    if (!pools || !pools->first) {
        return;
    }
    cJSON *array = acc_put_array(&job->put, object, "Config");

    acc_node_for_each(item, pools)
    {
        cJSON *pool = acc_put_item(&job->put, array);

        acc_put_text_some(&job->put, pool, "Subnet", acc_node_get_text(item, "subnet"));
        acc_put_text_some(&job->put, pool, "IPRange", acc_node_get_text(item, "ip_range"));
        acc_put_text_some(&job->put, pool, "Gateway", acc_node_get_text(item, "gateway"));
        acc_job_map(job, pool, "AuxiliaryAddresses", acc_node_get(item, "aux_addresses"));
    }
}

static void put_flag(struct acc_create_job *job, cJSON *root, const char *key,
                     const struct acc_node *flag)
{
    if (flag && flag->type != ACC_NODE_NULL) {
        acc_put_bool(&job->put, root, key, acc_node_true(flag));
    }
}

int acc_docker_network_body(const struct acc_stack *stack, const struct acc_resource *network,
                            const struct acc_docker_create_ctx *ctx, const char *config_hash,
                            struct acc_buf *out)
{
    struct acc_create_job job = {.stack = stack, .ctx = ctx};
    const struct acc_node *node = network->node;
    cJSON *root = acc_put_root(&job.put);

    acc_put_text(&job.put, root, "Name", network->name);
    if (ctx->api_minor < ACC_API_MANY_ENDPOINTS) {
        acc_put_bool(&job.put, root, "CheckDuplicate", true); /* newer engines always do */
    }
    acc_put_text_some(&job.put, root, "Driver", acc_node_get_text(node, "driver"));
    acc_job_map(&job, root, "Options", acc_node_get(node, "driver_opts"));
    put_ipam(&job, root, acc_node_get(node, "ipam"));
    acc_put_true(&job.put, root, "Internal", acc_node_true(acc_node_get(node, "internal")));
    acc_put_true(&job.put, root, "Attachable", acc_node_true(acc_node_get(node, "attachable")));
    put_flag(&job, root, "EnableIPv4", acc_node_get(node, "enable_ipv4"));
    put_flag(&job, root, "EnableIPv6", acc_node_get(node, "enable_ipv6"));
    put_resource_labels(&job, root, network, ACC_LABEL_NETWORK, config_hash);
    return acc_put_finish(&job.put, root, out);
}

int acc_docker_volume_body(const struct acc_stack *stack, const struct acc_resource *volume,
                           const struct acc_docker_create_ctx *ctx, const char *config_hash,
                           struct acc_buf *out)
{
    struct acc_create_job job = {.stack = stack, .ctx = ctx};
    cJSON *root = acc_put_root(&job.put);

    acc_put_text(&job.put, root, "Name", volume->name);
    acc_put_text_some(&job.put, root, "Driver", acc_node_get_text(volume->node, "driver"));
    acc_job_map(&job, root, "DriverOpts", acc_node_get(volume->node, "driver_opts"));
    put_resource_labels(&job, root, volume, ACC_LABEL_VOLUME, config_hash);
    return acc_put_finish(&job.put, root, out);
}
