/*
 * HostConfig's resources: limits, devices, GPUs (compose create.go getDeployResources).
 *
 * Fractions go through float as in compose-go, so that 1.1 CPUs are the same number of NanoCpus.
 */

#include <ctype.h>
#include <string.h>

#include "lib/codec/docker_create_job.h"

static int64_t nano_cpus(const struct acc_node *cpus)
{
    float value = acc_node_real(cpus);
    float nano = value * 1e9F; /* stored, so that it is rounded to float */

    return nano >= 9.2e18F || nano <= -9.2e18F ? 0 : (int64_t)nano;
}

static void put_whole(struct acc_create_job *job, cJSON *host, const char *key,
                      const char *node_key)
{
    acc_put_int_some(&job->put, host, key, acc_node_whole(acc_node_get(job->node, node_key)));
}

static int64_t limit_or(const struct acc_node *deploy, const char *key, int64_t otherwise)
{
    int64_t value = acc_node_whole(acc_node_get(deploy, key));

    return value != 0 ? value : otherwise;
}

static void put_limits(struct acc_create_job *job, cJSON *host)
{
    const struct acc_node *node = job->node;
    const struct acc_node *limits = acc_node_path(node, "deploy", "resources", "limits", NULL);
    const struct acc_node *reserved = acc_node_path(node, "deploy", "resources", "reservations",
                                                    NULL);
    int64_t pids = acc_node_whole(acc_node_get(node, "pids_limit"));
    int64_t pids_limit = acc_node_whole(acc_node_get(limits, "pids"));
    int64_t cpus = nano_cpus(acc_node_get(limits, "cpus"));

    acc_put_int_some(&job->put, host, "NanoCpus",
                     cpus != 0 ? cpus : nano_cpus(acc_node_get(node, "cpus")));
    acc_put_int_some(&job->put, host, "Memory",
                     limit_or(limits, "memory", acc_node_whole(acc_node_get(node, "mem_limit"))));
    acc_put_int_some(
        &job->put, host, "MemoryReservation",
        limit_or(reserved, "memory", acc_node_whole(acc_node_get(node, "mem_reservation"))));
    acc_put_int_some(&job->put, host, "PidsLimit", pids_limit > 0 ? pids_limit : pids);
}

static void put_cpu(struct acc_create_job *job, cJSON *host)
{
    float percent = acc_node_real(acc_node_get(job->node, "cpu_percent")) * 100;

    put_whole(job, host, "CpuCount", "cpu_count");
    put_whole(job, host, "CpuPeriod", "cpu_period");
    put_whole(job, host, "CpuQuota", "cpu_quota");
    put_whole(job, host, "CpuRealtimePeriod", "cpu_rt_period");
    put_whole(job, host, "CpuRealtimeRuntime", "cpu_rt_runtime");
    put_whole(job, host, "CpuShares", "cpu_shares");
    acc_put_int_some(&job->put, host, "CpuPercent",
                     percent > -1e9F && percent < 1e9F ? (int64_t)percent : 0);
    acc_job_text(job, host, "CpusetCpus", "cpuset");
}

/* compose-go's JSON spells the keys of these devices with a capital, its YAML does not. */
static const struct acc_node *either(const struct acc_node *map, const char *key,
                                     const char *capital)
{
    const struct acc_node *node = acc_node_get(map, key);

    return node ? node : acc_node_get(map, capital);
}

static void put_blkio_list(struct acc_create_job *job, cJSON *host, const char *key,
                           const struct acc_node *list, const char *value_key, const char *node_key)
{
    if (!list || !list->first) {
        return;
    }
    cJSON *array = acc_put_array(&job->put, host, key);

    acc_node_for_each(item, list)
    {
        cJSON *device = acc_put_item(&job->put, array);

        const struct acc_node *path = either(item, "path", "Path");

        acc_put_text(&job->put, device, "Path", path ? path->text : NULL);
        acc_put_int(&job->put, device, value_key,
                    acc_node_whole(either(item, node_key, value_key)));
    }
}

static void put_blkio(struct acc_create_job *job, cJSON *host)
{
    const struct acc_node *blkio = acc_node_get(job->node, "blkio_config");

    if (!blkio) {
        return;
    }
    acc_put_int_some(&job->put, host, "BlkioWeight", acc_node_whole(acc_node_get(blkio, "weight")));
    put_blkio_list(job, host, "BlkioWeightDevice", acc_node_get(blkio, "weight_device"), "Weight",
                   "weight");
    put_blkio_list(job, host, "BlkioDeviceReadBps", acc_node_get(blkio, "device_read_bps"), "Rate",
                   "rate");
    put_blkio_list(job, host, "BlkioDeviceReadIOps", acc_node_get(blkio, "device_read_iops"),
                   "Rate", "rate");
    put_blkio_list(job, host, "BlkioDeviceWriteBps", acc_node_get(blkio, "device_write_bps"),
                   "Rate", "rate");
    put_blkio_list(job, host, "BlkioDeviceWriteIOps", acc_node_get(blkio, "device_write_iops"),
                   "Rate", "rate");
}

static void put_ulimits(struct acc_create_job *job, cJSON *host)
{
    const struct acc_node *ulimits = acc_node_get(job->node, "ulimits");

    if (!ulimits || !ulimits->first) {
        return;
    }
    cJSON *array = acc_put_array(&job->put, host, "Ulimits");

    acc_node_for_each(item, ulimits)
    {
        cJSON *ulimit = acc_put_item(&job->put, array);
        bool pair = item->type == ACC_NODE_MAP;
        int64_t single = pair ? acc_node_whole(acc_node_get(item, "single")) : acc_node_whole(item);
        int64_t soft = pair ? acc_node_whole(acc_node_get(item, "soft")) : 0;
        int64_t hard = pair ? acc_node_whole(acc_node_get(item, "hard")) : 0;

        acc_put_text(&job->put, ulimit, "Name", item->key);
        acc_put_int(&job->put, ulimit, "Hard", hard != 0 ? hard : single);
        acc_put_int(&job->put, ulimit, "Soft", soft != 0 ? soft : single);
    }
}

/* --- devices --- */

/* "vendor.com/class=name": tags.cncf.io/container-device-interface parser.IsQualifiedName. */
static bool is_cdi(const char *text)
{
    const char *slash = strchr(text, '/');
    const char *equals = slash ? strchr(slash, '=') : NULL;

    if (!isalpha((unsigned char)text[0]) || !equals || !isalpha((unsigned char)slash[1]) ||
        !isalnum((unsigned char)equals[1])) {
        return false;
    }
    for (const char *at = text; *at; at++) {
        const char *also = at < slash ? "_-." : at < equals ? "_-" : "_-.:";

        if (at != slash && at != equals && !isalnum((unsigned char)*at) && !strchr(also, *at)) {
            return false;
        }
    }
    return true;
}

static bool device_is_cdi(const struct acc_node *device)
{
    const char *source = acc_node_get_text(device, "source");
    const char *target = acc_node_get_text(device, "target");

    return source && target && strcmp(source, target) == 0 && is_cdi(source);
}

static int64_t device_count(const struct acc_node *count)
{
    return count && count->type == ACC_NODE_STRING && strcmp(count->text, "all") == 0
               ? -1
               : acc_node_whole(count);
}

/* `gpu` adds that capability, as `gpus:` means it. */
static void put_request(struct acc_create_job *job, cJSON *requests, const struct acc_node *device,
                        const char *capability)
{
    const struct acc_node *capabilities = acc_node_get(device, "capabilities");
    cJSON *request = acc_put_item(&job->put, requests);

    acc_put_text_some(&job->put, request, "Driver", acc_node_get_text(device, "driver"));
    acc_put_int_some(&job->put, request, "Count", device_count(acc_node_get(device, "count")));
    acc_job_words(job, request, "DeviceIDs", acc_node_get(device, "device_ids"));
    cJSON *any = acc_put_array(&job->put, request, "Capabilities");
    cJSON *all = acc_put_array(&job->put, any, NULL);

    acc_node_for_each(item, capabilities)
    {
        acc_put_word(&job->put, all, item->text);
    }
    acc_put_word(&job->put, all, capability);
    acc_job_map(job, request, "Options", acc_node_get(device, "options"));
}

static void put_cdi(struct acc_create_job *job, cJSON *requests, const struct acc_node *devices)
{
    cJSON *ids = NULL;

    acc_node_for_each(item, devices)
    {
        if (!device_is_cdi(item)) {
            continue;
        }
        if (!ids) {
            cJSON *request = acc_put_item(&job->put, requests);

            acc_put_text(&job->put, request, "Driver", "cdi");
            ids = acc_put_array(&job->put, request, "DeviceIDs");
        }
        acc_put_word(&job->put, ids, acc_node_get_text(item, "source"));
    }
}

static void put_requests(struct acc_create_job *job, cJSON *host)
{
    const struct acc_node *reserved = acc_node_path(job->node, "deploy", "resources",
                                                    "reservations", "devices", NULL);
    cJSON *requests = acc_put_array(&job->put, host, "DeviceRequests");

    acc_node_for_each(item, reserved)
    {
        put_request(job, requests, item, NULL);
    }
    put_cdi(job, requests, acc_node_get(job->node, "devices"));
    acc_node_for_each(item, acc_node_get(job->node, "gpus"))
    {
        put_request(job, requests, item, "gpu");
    }
    if (requests && cJSON_GetArraySize(requests) == 0) {
        cJSON_DeleteItemFromObjectCaseSensitive(host, "DeviceRequests");
    }
}

static void put_devices(struct acc_create_job *job, cJSON *host)
{
    cJSON *array = NULL;

    acc_node_for_each(item, acc_node_get(job->node, "devices"))
    {
        if (device_is_cdi(item)) {
            continue;
        }
        array = array ? array : acc_put_array(&job->put, host, "Devices");
        cJSON *device = acc_put_item(&job->put, array);

        acc_put_text(&job->put, device, "PathOnHost", acc_node_get_text(item, "source"));
        acc_put_text(&job->put, device, "PathInContainer", acc_node_get_text(item, "target"));
        acc_put_text(&job->put, device, "CgroupPermissions",
                     acc_node_get_text(item, "permissions"));
    }
}

void acc_job_resources(struct acc_create_job *job, cJSON *host)
{
    acc_job_text(job, host, "CgroupParent", "cgroup_parent");
    put_limits(job, host);
    put_whole(job, host, "MemorySwap", "memswap_limit");
    put_whole(job, host, "MemorySwappiness", "mem_swappiness");
    acc_put_bool(&job->put, host, "OomKillDisable",
                 acc_node_true(acc_node_get(job->node, "oom_kill_disable")));
    put_cpu(job, host);
    put_blkio(job, host);
    put_ulimits(job, host);
    put_devices(job, host);
    acc_job_words(job, host, "DeviceCgroupRules", acc_node_get(job->node, "device_cgroup_rules"));
    put_requests(job, host);
}
