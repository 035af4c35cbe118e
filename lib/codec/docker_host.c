/*
 * HostConfig but for resources, mounts and networks (compose create.go getCreateConfigs).
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/codec/docker_create_job.h"

#define SERVICE_PREFIX "service:"

/* "service:x" -> "container:<id>"; anything else as it is. */
static void put_namespace(struct acc_create_job *job, cJSON *host, const char *key,
                          const char *node_key)
{
    const struct acc_node *node = acc_node_get(job->node, node_key);
    char text[sizeof("container:") + ACC_CID_LEN + 64];

    if (!node || !node->text) {
        return;
    }
    if (strncmp(node->text, SERVICE_PREFIX, strlen(SERVICE_PREFIX)) != 0) {
        acc_put_text_some(&job->put, host, key, node->text);
        return;
    }
    const char *id = acc_job_container(job, node->pos, node_key,
                                       node->text + strlen(SERVICE_PREFIX));

    (void)snprintf(text, sizeof(text), "container:%.*s", (int)ACC_CID_LEN, id);
    acc_put_text(&job->put, host, key, text);
}

/* compose convergence.go resolveVolumeFrom: only the id is kept, a mode behind it is dropped. */
static void put_volumes_from(struct acc_create_job *job, cJSON *host)
{
    const struct acc_node *from = acc_node_get(job->node, "volumes_from");

    if (!from || !from->first) {
        return;
    }
    cJSON *array = acc_put_array(&job->put, host, "VolumesFrom");

    acc_node_for_each(item, from)
    {
        char name[ACC_NAME_MAX_OF_NODE];
        const char *text = item->text ? item->text : "";
        bool is_container = strncmp(text, "container:", strlen("container:")) == 0;

        text += is_container ? strlen("container:") : 0;
        (void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(text, ":"), text);
        acc_put_word(&job->put, array,
                     is_container ? name : acc_job_container(job, item->pos, "volumes_from", name));
    }
}

static void put_extra_hosts(struct acc_create_job *job, cJSON *host)
{
    const struct acc_node *hosts = acc_node_get(job->node, "extra_hosts");

    if (!hosts || !hosts->first) {
        return;
    }
    cJSON *array = acc_put_array(&job->put, host, "ExtraHosts");

    acc_node_for_each(item, hosts)
    {
        char *copy = strdup(item->text ? item->text : "");
        char *at = copy ? strchr(copy, '=') : NULL;

        if (at) {
            *at = ':';
        }
        job->put.failed = job->put.failed || !copy;
        acc_put_word(&job->put, array, copy);
        free(copy);
    }
}

static void put_tmpfs(struct acc_create_job *job, cJSON *host)
{
    const struct acc_node *tmpfs = acc_node_get(job->node, "tmpfs");

    if (!tmpfs || (tmpfs->type == ACC_NODE_SEQ && !tmpfs->first)) {
        return;
    }
    cJSON *object = acc_put_object(&job->put, host, "Tmpfs");

    acc_node_for_each(item, tmpfs)
    {
        char *path = strdup(item->text ? item->text : "");
        char *options = path ? strchr(path, ':') : NULL;

        if (options) {
            *options++ = '\0';
        }
        job->put.failed = job->put.failed || !path;
        if (path) {
            cJSON_DeleteItemFromObjectCaseSensitive(object, path);
            acc_put_text(&job->put, object, path, options ? options : "");
        }
        free(path);
    }
}

/* --- capabilities, as Docker's client sends them (docker/docker client normalizeCapabilities) ---
 */

static int compare_words(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *capability(const char *text)
{
    char word[64];
    size_t n = 0;
    bool prefixed = strncasecmp(text, "CAP_", 4) == 0 || strcasecmp(text, "ALL") == 0;

    n += (size_t)snprintf(word, sizeof(word), "%s%.50s", prefixed ? "" : "CAP_", text);
    for (size_t i = 0; i < n; i++) {
        word[i] = (char)(word[i] >= 'a' && word[i] <= 'z' ? word[i] - 'a' + 'A' : word[i]);
    }
    return strdup(word);
}

static void put_capabilities(struct acc_create_job *job, cJSON *host, const char *key,
                             const char *node_key)
{
    const struct acc_node *caps = acc_node_get(job->node, node_key);
    size_t n = 0;

    if (!caps || !caps->first) {
        return;
    }
    char **words = calloc(caps->n, sizeof(*words));
    cJSON *array = acc_put_array(&job->put, host, key);

    job->put.failed = job->put.failed || !words;
    for (const struct acc_node *item = words ? caps->first : NULL; item; item = item->next) {
        words[n] = capability(item->text ? item->text : "");
        job->put.failed = job->put.failed || !words[n];
        n += words[n] != NULL;
    }
    if (words) {
        qsort(words, n, sizeof(*words), compare_words);
    }
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || strcmp(words[i], words[i - 1]) != 0) {
            acc_put_word(&job->put, array, words[i]);
        }
    }
    for (size_t i = 0; i < n; i++) {
        free(words[i]);
    }
    free(words);
}

/* --- security_opt --- */

/* Go's json.Compact: without the blanks between tokens. `out` has room for `text`. */
static void compact(const char *text, char *out)
{
    bool in_string = false;

    for (; *text; text++) {
        if (in_string && *text == '\\' && text[1]) {
            *out++ = *text++;
            *out++ = *text;
            continue;
        }
        in_string = *text == '"' ? !in_string : in_string;
        if (in_string || !strchr(" \t\r\n", *text)) {
            *out++ = *text;
        }
    }
    *out = '\0';
}

static void put_profile(struct acc_create_job *job, cJSON *array, const struct acc_node *item,
                        const char *path)
{
    char full[4096];
    const char *text;

    (void)snprintf(full, sizeof(full), "%s%s%s", *path == '/' ? "" : job->stack->dir,
                   *path == '/' ? "" : "/", path);
    text = job->ctx->file_text ? job->ctx->file_text(job->ctx->resolver, full) : NULL;
    if (!text) {
        acc_job_fail(job, -EINVAL, item->pos, "security_opt: can't read the seccomp profile '%s'",
                     full);
        return;
    }
    cJSON *json = cJSON_Parse(text);
    char *word = json ? malloc(strlen("seccomp=") + strlen(text) + 1) : NULL;

    if (!json) {
        acc_job_fail(job, -EINVAL, item->pos, "security_opt: '%s' is not valid JSON", full);
    } else if (!word) {
        job->put.failed = true;
    } else {
        memcpy(word, "seccomp=", strlen("seccomp="));
        compact(text, word + strlen("seccomp="));
        acc_put_word(&job->put, array, word);
    }
    free(word);
    cJSON_Delete(json);
}

/* compose create.go parseSecurityOpts */
static void put_security_opt(struct acc_create_job *job, cJSON *host)
{
    const struct acc_node *opts = acc_node_get(job->node, "security_opt");
    bool unconfined = false;

    if (!opts || !opts->first) {
        return;
    }
    cJSON *array = acc_put_array(&job->put, host, "SecurityOpt");

    acc_node_for_each(item, opts)
    {
        const char *text = item->text ? item->text : "";
        const char *profile = strncmp(text, "seccomp=", 8) == 0   ? text + 8
                              : strncmp(text, "seccomp:", 8) == 0 ? text + 8
                                                                  : NULL;

        if (strcmp(text, "systempaths=unconfined") == 0) {
            unconfined = true;
        } else if (!strpbrk(text, "=:") && strcmp(text, "no-new-privileges") != 0) {
            acc_job_fail(job, -EINVAL, item->pos, "security_opt: '%s' is no option", text);
        } else if (profile && strcmp(profile, "unconfined") != 0 &&
                   strcmp(profile, "builtin") != 0) {
            put_profile(job, array, item, profile);
        } else {
            acc_put_word(&job->put, array, text);
        }
    }
    if (unconfined) {
        (void)acc_put_array(&job->put, host, "MaskedPaths");
        (void)acc_put_array(&job->put, host, "ReadonlyPaths");
    }
}

static void put_ports(struct acc_create_job *job, cJSON *host)
{
    const struct acc_node *ports = acc_node_get(job->node, "ports");

    if (!ports || !ports->first) {
        return;
    }
    cJSON *bindings = acc_put_object(&job->put, host, "PortBindings");

    acc_node_for_each(item, ports)
    {
        const char *protocol = acc_node_get_text(item, "protocol");
        const char *ip = acc_node_get_text(item, "host_ip");
        const char *published = acc_node_get_text(item, "published");
        char key[64];

        (void)snprintf(key, sizeof(key), "%" PRId64 "/%.15s",
                       acc_node_whole(acc_node_get(item, "target")), protocol ? protocol : "tcp");
        cJSON *array = cJSON_GetObjectItemCaseSensitive(bindings, key);

        array = array ? array : acc_put_array(&job->put, bindings, key);
        cJSON *binding = acc_put_item(&job->put, array);

        acc_put_text(&job->put, binding, "HostIp", ip ? ip : "");
        acc_put_text(&job->put, binding, "HostPort", published ? published : "");
    }
}

/* compose convergence.go getLinks: three names for each link; the number is our own. */
static void put_link(struct acc_create_job *job, cJSON *array, const struct acc_node *item)
{
    const char *text = item->text ? item->text : "";
    char service[ACC_NAME_MAX_OF_NODE];
    char word[3 * ACC_NAME_MAX_OF_NODE];
    size_t len = strcspn(text, ":");

    (void)snprintf(service, sizeof(service), "%.*s", (int)len, text);
    const char *name = job->ctx->container_name
                           ? job->ctx->container_name(job->ctx->resolver, service)
                           : NULL;

    if (!name) {
        acc_job_fail(job, -ENOENT, item->pos,
                     "links needs the container of '%s', and there is none", service);
        return;
    }
    (void)snprintf(word, sizeof(word), "%s:%s", name, text[len] ? text + len + 1 : service);
    acc_put_word(&job->put, array, word);
    (void)snprintf(word, sizeof(word), "%s:%s-%" PRIu32, name, service, job->ctx->number);
    acc_put_word(&job->put, array, word);
    (void)snprintf(word, sizeof(word), "%s:%s-%s-%" PRIu32, name, job->stack->name, service,
                   job->ctx->number);
    acc_put_word(&job->put, array, word);
}

static void put_links(struct acc_create_job *job, cJSON *host)
{
    const struct acc_node *links = acc_node_get(job->node, "links");
    const struct acc_node *external = acc_node_get(job->node, "external_links");

    if ((!links || !links->first) && (!external || !external->first)) {
        return;
    }
    cJSON *array = acc_put_array(&job->put, host, "Links");

    acc_node_for_each(item, links)
    {
        put_link(job, array, item);
    }
    acc_node_for_each(item, external)
    {
        const char *text = item->text ? item->text : "";
        char word[2 * ACC_NAME_MAX_OF_NODE + 2];

        (void)snprintf(word, sizeof(word), "%s%s%s", text, strchr(text, ':') ? "" : ":",
                       strchr(text, ':') ? "" : text);
        acc_put_word(&job->put, array, word);
    }
}

static void put_logging(struct acc_create_job *job, cJSON *host)
{
    const struct acc_node *logging = acc_node_get(job->node, "logging");
    const char *driver = acc_node_get_text(logging, "driver");

    if (!logging || logging->type != ACC_NODE_MAP) {
        return;
    }
    cJSON *config = acc_put_object(&job->put, host, "LogConfig");

    acc_put_text(&job->put, config, "Type", driver ? driver : "");
    acc_job_map(job, config, "Config", acc_node_get(logging, "options"));
}

void acc_job_host_config(struct acc_create_job *job, cJSON *host)
{
    const struct acc_node *init = acc_node_get(job->node, "init");
    /* accd alone restarts; what the file says is in the config-hash and in its own state */
    cJSON *policy = acc_put_object(&job->put, host, "RestartPolicy");

    acc_put_text(&job->put, policy, "Name", "no");
    put_capabilities(job, host, "CapAdd", "cap_add");
    put_capabilities(job, host, "CapDrop", "cap_drop");
    if (init && init->type != ACC_NODE_NULL) {
        acc_put_bool(&job->put, host, "Init", acc_node_true(init));
    }
    put_namespace(job, host, "IpcMode", "ipc");
    put_namespace(job, host, "PidMode", "pid");
    acc_job_text(job, host, "UTSMode", "uts");
    acc_job_text(job, host, "UsernsMode", "userns_mode");
    acc_job_text(job, host, "CgroupnsMode", "cgroup");
    acc_job_text(job, host, "Isolation", "isolation");
    acc_job_text(job, host, "Runtime", "runtime");
    acc_job_text(job, host, "VolumeDriver", "volume_driver");
    acc_put_true(&job->put, host, "ReadonlyRootfs",
                 acc_node_true(acc_node_get(job->node, "read_only")));
    acc_put_true(&job->put, host, "Privileged",
                 acc_node_true(acc_node_get(job->node, "privileged")));
    acc_put_int_some(&job->put, host, "ShmSize",
                     acc_node_whole(acc_node_get(job->node, "shm_size")));
    acc_put_int_some(&job->put, host, "OomScoreAdj",
                     acc_node_whole(acc_node_get(job->node, "oom_score_adj")));
    acc_job_map(job, host, "Sysctls", acc_node_get(job->node, "sysctls"));
    acc_job_map(job, host, "StorageOpt", acc_node_get(job->node, "storage_opt"));
    acc_job_map(job, host, "Annotations", acc_node_get(job->node, "annotations")); /* from 1.43 */
    acc_job_words(job, host, "Dns", acc_node_get(job->node, "dns"));
    acc_job_words(job, host, "DnsSearch", acc_node_get(job->node, "dns_search"));
    acc_job_words(job, host, "DnsOptions", acc_node_get(job->node, "dns_opt"));
    acc_job_words(job, host, "GroupAdd", acc_node_get(job->node, "group_add"));
    put_ports(job, host);
    put_volumes_from(job, host);
    put_extra_hosts(job, host);
    put_tmpfs(job, host);
    put_security_opt(job, host);
    put_links(job, host);
    put_logging(job, host);
}
