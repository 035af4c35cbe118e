#include "lib/codec/docker_reply.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/codec/docker_state.h"
#include "lib/codec/json_get.h"

/* --- lists --- */

/* Links add names like "/web/db"; its own has one slash. */
static void copy_list_name(const cJSON *names, char *out, size_t out_size)
{
    const cJSON *item;

    out[0] = '\0';
    if (!names) {
        return;
    }
    cJSON_ArrayForEach(item, names)
    {
        const char *name = acc_json_text_of(item);

        name = name && *name == '/' ? name + 1 : name;
        if (name && !strchr(name, '/')) {
            acc_copy_whole(name, out, out_size);
            return;
        }
    }
}

/* "Up 3 minutes (healthy)", "Up 2 seconds (health: starting)": below 1.52 the list has no Health.
 */
static enum acc_docker_health health_of_status(const char *status)
{
    if (!status) {
        return ACC_DH_NONE;
    }
    return strstr(status, "(healthy)")            ? ACC_DH_HEALTHY
           : strstr(status, "(unhealthy)")        ? ACC_DH_UNHEALTHY
           : strstr(status, "(health: starting)") ? ACC_DH_STARTING
                                                  : ACC_DH_NONE;
}

static bool read_list_item(const cJSON *json, struct acc_docker_list_item *item)
{
    const cJSON *labels = acc_json_object(json, "Labels");
    const char *health = acc_json_text(acc_json_object(json, "Health"), "Status");

    acc_json_copy_cid(json, "Id", item->cid);
    if (item->cid[0] == '\0') {
        return false;
    }
    copy_list_name(acc_json_array(json, "Names"), item->name, sizeof(item->name));
    acc_json_copy(labels, ACC_LABEL_PROJECT, item->project, sizeof(item->project));
    acc_json_copy(labels, ACC_LABEL_SERVICE, item->service, sizeof(item->service));
    item->number = acc_docker_number_of(acc_json_text(labels, ACC_LABEL_NUMBER));
    item->oneoff = acc_docker_is_true(acc_json_text(labels, ACC_LABEL_ONEOFF));
    if (!acc_docker_state_of(acc_json_text(json, "State"), &item->state)) {
        item->state = ACC_CTR_EXITED;
    }
    item->health = health ? acc_docker_health_of(health)
                          : health_of_status(acc_json_text(json, "Status"));
    item->created_s = acc_json_int(json, "Created", 0);
    acc_json_copy(json, "ImageID", item->image_id, sizeof(item->image_id));
    return true;
}

static int parse_array(const char *text, size_t text_len, cJSON **ret_json)
{
    cJSON *json = NULL;
    int r = acc_json_parse(text, text_len, &json);

    if (r < 0) {
        return r;
    }
    if (!cJSON_IsArray(json)) {
        cJSON_Delete(json);
        return -EINVAL;
    }
    *ret_json = json;
    return 0;
}

/* Zeroed room for the children of `array`, at least one. */
static void *room_for(const cJSON *array, size_t size)
{
    int n = array ? cJSON_GetArraySize(array) : 0;

    return calloc(n > 0 ? (size_t)n : 1, size);
}

int acc_docker_list_parse(const char *text, size_t text_len, struct acc_docker_list *ret_list)
{
    cJSON *json = NULL;
    const cJSON *child;
    struct acc_docker_list list = {0};
    int r = parse_array(text, text_len, &json);

    if (r < 0) {
        return r;
    }
    list.item = room_for(json, sizeof(*list.item));
    if (!list.item) {
        cJSON_Delete(json);
        return -ENOMEM;
    }
    cJSON_ArrayForEach(child, json)
    {
        if (list.n < ACC_DOCKER_LIST_MAX && read_list_item(child, &list.item[list.n])) {
            list.n++;
        } else {
            list.n_dropped++;
        }
    }
    cJSON_Delete(json);
    *ret_list = list;
    return 0;
}

void acc_docker_list_fini(struct acc_docker_list *list)
{
    free(list->item);
    *list = (struct acc_docker_list){0};
}

static void read_name_item(const cJSON *json, const char *id_key, const char *created_key,
                           const char *label_key, struct acc_docker_name_item *item)
{
    const cJSON *labels = acc_json_object(json, "Labels");

    acc_json_copy(json, id_key, item->id, sizeof(item->id));
    acc_json_copy(json, "Name", item->name, sizeof(item->name));
    acc_json_copy(json, "Driver", item->driver, sizeof(item->driver));
    acc_json_copy(json, created_key, item->created, sizeof(item->created));
    acc_json_copy(labels, ACC_LABEL_PROJECT, item->project, sizeof(item->project));
    acc_json_copy(labels, label_key, item->key, sizeof(item->key));
    acc_json_copy(labels, ACC_LABEL_CONFIG_HASH, item->config_hash, sizeof(item->config_hash));
}

static bool read_network(const cJSON *json, struct acc_docker_name_item *item)
{
    read_name_item(json, "Id", "Created", ACC_LABEL_NETWORK, item);
    return item->id[0] != '\0';
}

static bool read_volume(const cJSON *json, struct acc_docker_name_item *item)
{
    read_name_item(json, "Name", "CreatedAt", ACC_LABEL_VOLUME, item);
    return item->id[0] != '\0';
}

static int read_names(const cJSON *array,
                      bool (*read_one)(const cJSON *json, struct acc_docker_name_item *item),
                      struct acc_docker_names *ret_names)
{
    struct acc_docker_names names = {.item = room_for(array, sizeof(*names.item))};
    const cJSON *child;

    if (!names.item) {
        return -ENOMEM;
    }
    for (child = array ? array->child : NULL; child; child = child->next) {
        if (names.n < ACC_DOCKER_LIST_MAX && read_one(child, &names.item[names.n])) {
            names.n++;
        }
    }
    *ret_names = names;
    return 0;
}

int acc_docker_networks_parse(const char *text, size_t text_len, struct acc_docker_names *ret_names)
{
    cJSON *json = NULL;
    int r = parse_array(text, text_len, &json);

    if (r < 0) {
        return r;
    }
    r = read_names(json, read_network, ret_names);
    cJSON_Delete(json);
    return r;
}

int acc_docker_volumes_parse(const char *text, size_t text_len, struct acc_docker_names *ret_names)
{
    cJSON *json = NULL;
    int r = acc_json_parse_object(text, text_len, &json);

    if (r < 0) {
        return r;
    }
    r = read_names(acc_json_array(json, "Volumes"), read_volume, ret_names);
    cJSON_Delete(json);
    return r;
}

static int parse_name_item(const char *text, size_t text_len,
                           bool (*read_one)(const cJSON *json, struct acc_docker_name_item *item),
                           struct acc_docker_name_item *ret)
{
    cJSON *json = NULL;
    struct acc_docker_name_item item = {0};
    int r = acc_json_parse_object(text, text_len, &json);

    if (r < 0) {
        return r;
    }
    bool is_one = read_one(json, &item);

    cJSON_Delete(json);
    if (!is_one) {
        return -EINVAL;
    }
    *ret = item;
    return 0;
}

int acc_docker_network_parse(const char *text, size_t text_len, struct acc_docker_name_item *ret)
{
    return parse_name_item(text, text_len, read_network, ret);
}

int acc_docker_volume_parse(const char *text, size_t text_len, struct acc_docker_name_item *ret)
{
    return parse_name_item(text, text_len, read_volume, ret);
}

void acc_docker_names_fini(struct acc_docker_names *names)
{
    free(names->item);
    *names = (struct acc_docker_names){0};
}

/* --- images --- */

static bool image_has_health(const cJSON *config)
{
    const cJSON *test = acc_json_array(acc_json_object(config, "Healthcheck"), "Test");
    const char *kind = acc_json_text_of(test ? test->child : NULL);

    return kind && strcmp(kind, "NONE") != 0;
}

static void read_image_volumes(const cJSON *volumes, struct acc_docker_image *image)
{
    const cJSON *item;
    size_t len = 0;

    cJSON_ArrayForEach(item, volumes)
    {
        if (!strchr(item->string, '\n') &&
            len + strlen(item->string) + 1 < sizeof(image->volumes)) {
            len += (size_t)snprintf(image->volumes + len, sizeof(image->volumes) - len, "%s\n",
                                    item->string);
        }
    }
}

int acc_docker_image_parse(const char *text, size_t text_len, struct acc_docker_image *ret_image)
{
    cJSON *json = NULL;
    struct acc_docker_image image = {0};
    int r = acc_json_parse_object(text, text_len, &json);

    if (r < 0) {
        return r;
    }
    const cJSON *config = acc_json_object(json, "Config");

    acc_json_copy(json, "Id", image.id, sizeof(image.id));
    acc_json_copy(json, "Os", image.os, sizeof(image.os));
    acc_json_copy(json, "Architecture", image.architecture, sizeof(image.architecture));
    acc_json_copy(json, "Variant", image.variant, sizeof(image.variant));
    image.n_ports = acc_json_tcp_ports(acc_json_object(config, "ExposedPorts"), image.ports,
                                       ACC_PORTS_MAX);
    image.has_health = image_has_health(config);
    read_image_volumes(acc_json_object(config, "Volumes"), &image);
    image.created_ns = acc_json_time_ns(json, "Created");
    image.last_tag_ns = acc_json_time_ns(acc_json_object(json, "Metadata"), "LastTagTime");
    cJSON_Delete(json);
    if (image.id[0] == '\0') {
        return -EINVAL;
    }
    *ret_image = image;
    return 0;
}

bool acc_docker_image_is_old(const struct acc_docker_image *image, int64_t every_ns, int64_t now_ns)
{
    return now_ns - image->last_tag_ns > every_ns;
}

/* --- versions --- */

bool acc_docker_api_parse(const char *text, uint32_t *ret_minor)
{
    uint64_t minor;

    if (!text || strncmp(text, "1.", 2) != 0 || !acc_parse_u64(text + 2, &minor) || minor > 9999) {
        return false;
    }
    *ret_minor = (uint32_t)minor;
    return true;
}

uint32_t acc_docker_api_choose(uint32_t server_minor)
{
    if (server_minor < ACC_DOCKER_API_MIN) {
        return 0;
    }
    return server_minor < ACC_DOCKER_API_MAX ? server_minor : ACC_DOCKER_API_MAX;
}

bool acc_docker_api_from_error(const char *message, uint32_t *ret_minor)
{
    const char *at = strstr(message, "API version is 1.");
    char word[16];

    if (!at) {
        return false;
    }
    at += strlen("API version is ");
    size_t len = strspn(at, ".0123456789");

    if (len > 0 && at[len - 1] == '.') {
        len--; /* the sentence ends there */
    }
    if (len >= sizeof(word)) {
        return false;
    }
    memcpy(word, at, len);
    word[len] = '\0';
    return acc_docker_api_parse(word, ret_minor);
}

static bool has_podman(const cJSON *components)
{
    const cJSON *item;

    for (item = components ? components->child : NULL; item; item = item->next) {
        const char *name = acc_json_text(item, "Name");

        if (name && strcmp(name, "Podman Engine") == 0) {
            return true;
        }
    }
    return false;
}

int acc_docker_version_parse(const char *text, size_t text_len,
                             struct acc_docker_version *ret_version)
{
    cJSON *json = NULL;
    struct acc_docker_version version = {0};
    int r = acc_json_parse_object(text, text_len, &json);

    if (r < 0) {
        return r;
    }
    acc_json_copy(json, "Version", version.version, sizeof(version.version));
    acc_json_copy(json, "ApiVersion", version.api, sizeof(version.api));
    (void)acc_docker_api_parse(version.api, &version.api_minor); /* 0 when it is none */
    (void)acc_docker_api_parse(acc_json_text(json, "MinAPIVersion"), &version.min_api_minor);
    acc_json_copy(json, "Os", version.os, sizeof(version.os));
    acc_json_copy(json, "Arch", version.architecture, sizeof(version.architecture));
    version.is_podman = has_podman(acc_json_array(json, "Components"));
    cJSON_Delete(json);
    *ret_version = version;
    return 0;
}

int acc_docker_info_parse(const char *text, size_t text_len, struct acc_docker_info *ret_info)
{
    cJSON *json = NULL;
    struct acc_docker_info info = {0};
    int r = acc_json_parse_object(text, text_len, &json);

    if (r < 0) {
        return r;
    }
    const char *swarm = acc_json_text(acc_json_object(json, "Swarm"), "LocalNodeState");

    acc_json_copy(json, "ID", info.id, sizeof(info.id));
    acc_json_copy(json, "Name", info.name, sizeof(info.name));
    acc_json_copy(json, "DockerRootDir", info.root_dir, sizeof(info.root_dir));
    acc_json_copy(json, "ServerVersion", info.version, sizeof(info.version));
    acc_json_copy(json, "Driver", info.driver, sizeof(info.driver));
    acc_json_copy(json, "CgroupVersion", info.cgroup_version, sizeof(info.cgroup_version));
    acc_json_copy(json, "CgroupDriver", info.cgroup_driver, sizeof(info.cgroup_driver));
    info.live_restore = acc_json_bool(json, "LiveRestoreEnabled");
    info.swarm = swarm && *swarm && strcmp(swarm, "inactive") != 0;
    info.n_cpu = acc_json_int(json, "NCPU", 0);
    info.memory_bytes = acc_json_int(json, "MemTotal", 0);
    cJSON_Delete(json);
    *ret_info = info;
    return 0;
}

/* --- small replies --- */

int acc_docker_id_parse(const char *text, size_t text_len, char ret_id[ACC_CID_LEN + 1])
{
    cJSON *json = NULL;
    char id[ACC_CID_LEN + 1];
    int r = acc_json_parse_object(text, text_len, &json);

    if (r < 0) {
        return r;
    }
    acc_json_copy_cid(json, "Id", id);
    cJSON_Delete(json);
    if (id[0] == '\0') {
        return -EINVAL;
    }
    memcpy(ret_id, id, sizeof(id));
    return 0;
}

int acc_docker_distribution_parse(const char *text, size_t text_len,
                                  char ret_digest[ACC_HASH_LEN + 8])
{
    cJSON *json = NULL;
    int r = acc_json_parse_object(text, text_len, &json);
    const char *digest;

    if (r < 0) {
        return r;
    }
    digest = acc_json_text(acc_json_object(json, "Descriptor"), "digest");
    if (!digest || strlen(digest) > ACC_HASH_LEN + 7 || strncmp(digest, "sha256:", 7) != 0) {
        r = -EINVAL;
    } else {
        memcpy(ret_digest, digest, strlen(digest) + 1);
    }
    cJSON_Delete(json);
    return r;
}

int acc_docker_exec_parse(const char *text, size_t text_len, struct acc_docker_exec *ret_exec)
{
    cJSON *json = NULL;
    int r = acc_json_parse_object(text, text_len, &json);

    if (r < 0) {
        return r;
    }
    const cJSON *code = acc_json_get(json, "ExitCode");

    *ret_exec = (struct acc_docker_exec){
        .running = acc_json_bool(json, "Running"),
        .has_exit_code = cJSON_IsNumber(code),
        .exit_code = (int32_t)acc_json_int_of(code, 0),
        .pid = acc_json_int(json, "Pid", 0),
    };
    cJSON_Delete(json);
    return 0;
}

/* --- errors --- */

void acc_docker_message(int http_status, const char *text, size_t text_len, char *out,
                        size_t out_size)
{
    cJSON *json = NULL;

    out[0] = '\0';
    if (text_len > 0 && acc_json_parse_object(text, text_len, &json) == 0) {
        const char *message = acc_json_text(json, "message");

        acc_copy_line(message && *message ? message : acc_json_text(json, "cause"), out, out_size);
        cJSON_Delete(json);
    } else if (text_len > 0) {
        char copy[ACC_DOCKER_ERROR_MAX + 1]; /* plain text: paths below 1.24, proxies */
        size_t len = text_len < sizeof(copy) - 1 ? text_len : sizeof(copy) - 1;

        memcpy(copy, text, len);
        copy[len] = '\0';
        acc_copy_line(copy, out, out_size);
    }
    if (out[0] == '\0') {
        (void)snprintf(out, out_size, "HTTP %d", http_status);
    }
}
