/*
 * HostConfig by meaning: what the engine fills in for an absent field is no difference.
 */

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "lib/base/assert.h"
#include "lib/base/str.h"
#include "lib/codec/docker_diff_job.h"
#include "lib/codec/docker_state.h"
#include "lib/codec/json_get.h"
#include "lib/codec/json_put.h"

enum how {
    SAME,      /* equal, or both empty */
    IF_WANTED, /* an absent one is the engine's default, whatever it is */
    AS_SET,    /* lists whose order says nothing */
    AS_SUBSET, /* the engine adds to it */
    IF_ABLE,   /* dropped by an engine whose kernel can't (cgroup v2): then it shows nothing */
};

static const struct {
    const char *key, *what;
    enum how how;
} fields[] = {
    {"Privileged", "privileged", SAME},
    {"ReadonlyRootfs", "read_only", SAME},
    {"Init", "init", IF_WANTED}, /* the daemon may have a default */
    {"CapAdd", "cap_add", AS_SET},
    {"CapDrop", "cap_drop", AS_SET},
    {"SecurityOpt", "security_opt", AS_SET},
    {"GroupAdd", "group_add", AS_SET},
    {"Devices", "devices", AS_SET},
    {"DeviceCgroupRules", "device_cgroup_rules", AS_SET},
    {"DeviceRequests", "gpus", SAME},
    {"Dns", "dns", SAME},
    {"DnsSearch", "dns_search", SAME},
    {"DnsOptions", "dns_opt", SAME},
    {"ExtraHosts", "extra_hosts", AS_SET},
    {"Sysctls", "sysctls", SAME},
    {"Ulimits", "ulimits", AS_SUBSET}, /* default-ulimits of the daemon are written into it */
    {"IpcMode", "ipc", IF_WANTED},
    {"PidMode", "pid", SAME},
    {"UTSMode", "uts", SAME},
    {"UsernsMode", "userns_mode", SAME},
    {"CgroupnsMode", "cgroup", IF_WANTED},
    {"CgroupParent", "cgroup_parent", SAME},
    {"Runtime", "runtime", IF_WANTED},
    {"ShmSize", "shm_size", IF_WANTED},
    {"OomScoreAdj", "oom_score_adj", SAME},
    {"OomKillDisable", "oom_kill_disable", IF_ABLE},
    {"MemorySwappiness", "mem_swappiness", IF_ABLE},
    {"StorageOpt", "storage_opt", SAME},
    {"Isolation", "isolation", IF_WANTED},
    {"MaskedPaths", "security_opt systempaths", IF_WANTED},
};

/* CAP_ and letters' case say nothing; the engine writes label=disable for shared namespaces. */
static const char *meaning(const char *word)
{
    return strncasecmp(word, "CAP_", 4) == 0 ? word + 4 : word;
}

static bool same_item(const cJSON *a, const cJSON *b)
{
    const char *x = acc_json_text_of(a), *y = acc_json_text_of(b);

    return x && y ? strcasecmp(meaning(x), meaning(y)) == 0 : cJSON_Compare(a, b, true);
}

static bool is_in(const cJSON *item, const cJSON *list)
{
    for (const cJSON *other = list ? list->child : NULL; other; other = other->next) {
        if (same_item(item, other)) {
            return true;
        }
    }
    return false;
}

static bool is_subset(const cJSON *list, const cJSON *of)
{
    for (const cJSON *item = list ? list->child : NULL; item; item = item->next) {
        const char *text = acc_json_text_of(item);

        if (!is_in(item, of) && !(text && strcmp(text, "label=disable") == 0)) {
            return false;
        }
    }
    return true;
}

static bool differs(enum how how, const cJSON *want, const cJSON *have)
{
    switch (how) {
    case SAME:
        return !acc_diff_same(want, have);
    case IF_WANTED:
        return want && !acc_diff_same(want, have);
    case AS_SET:
        return !is_subset(want, have) || !is_subset(have, want);
    case AS_SUBSET:
        return !is_subset(want, have);
    case IF_ABLE:
        return !acc_diff_is_empty(have) && !acc_diff_same(want, have) &&
               !(acc_diff_is_empty(want) && acc_json_int_of(have, 0) < 0);
    }
    return true;
}

static void diff_logging(struct acc_diff_job *job)
{
    const cJSON *want = acc_json_object(job->want_host, "LogConfig");
    const cJSON *have = acc_json_object(job->have_host, "LogConfig");

    if (want && (!acc_diff_same(acc_json_get(want, "Type"), acc_json_get(have, "Type")) ||
                 !acc_diff_same(acc_json_get(want, "Config"), acc_json_get(have, "Config")))) {
        acc_diff_add(job, false, "logging changed");
    }
}

/* "id" and "id:ro" are what Compose makes of one line at different times. */
static bool volumes_from_differ(const cJSON *want, const cJSON *have)
{
    const cJSON *a = want ? want->child : NULL, *b = have ? have->child : NULL;

    for (; a && b; a = a->next, b = b->next) {
        const char *x = acc_json_text_of(a), *y = acc_json_text_of(b);

        if (!x || !y || strcspn(x, ":") != strcspn(y, ":") || strncmp(x, y, strcspn(x, ":")) != 0) {
            return true;
        }
    }
    return a || b;
}

void acc_diff_host(struct acc_diff_job *job)
{
    for (size_t i = 0; i < ACC_ARRAY_LEN(fields); i++) {
        const cJSON *want = acc_json_get(job->want_host, fields[i].key);
        const cJSON *have = acc_json_get(job->have_host, fields[i].key);

        if (differs(fields[i].how, want, have)) {
            acc_diff_note(job, fields[i].what, !acc_diff_is_empty(want), !acc_diff_is_empty(have));
        }
    }
    diff_logging(job);
    if (volumes_from_differ(acc_json_array(job->want_host, "VolumesFrom"),
                            acc_json_array(job->have_host, "VolumesFrom"))) {
        acc_diff_add(job, false, "volumes_from changed");
    }
}

/* --- what POST /containers/{id}/update changes --- */

enum unit { BYTES, CPUS, PLAIN };

static const struct {
    const char *key, *what;
    enum unit unit;
} limits[] = {
    {"Memory", "memory", BYTES},
    {"MemoryReservation", "memory reservation", BYTES},
    {"MemorySwap", "memory with swap", BYTES},
    {"NanoCpus", "cpus", CPUS},
    {"CpuShares", "cpu_shares", PLAIN},
    {"CpuQuota", "cpu_quota", PLAIN},
    {"CpuPeriod", "cpu_period", PLAIN},
    {"PidsLimit", "pids limit", PLAIN},
    {"BlkioWeight", "blkio weight", PLAIN},
};

static void print_limit(enum unit unit, int64_t value, char *out, size_t out_size)
{
    if (value <= 0) {
        (void)snprintf(out, out_size, "none");
    } else if (unit == BYTES) {
        acc_format_bytes((uint64_t)value, out, out_size);
    } else if (unit == CPUS) {
        (void)snprintf(out, out_size, "%g", (double)value / 1e9);
    } else {
        (void)snprintf(out, out_size, "%lld", (long long)value);
    }
}

static bool limit_differs(const char *key, int64_t want, int64_t have, int64_t memory)
{
    if (strcmp(key, "MemorySwap") == 0 &&
        ((want == 0 && have == 2 * memory) || (want != 0 && have <= 0 && want != have))) {
        return false; /* the engine's own choice; or dropped, without swap accounting */
    }
    if (strcmp(key, "BlkioWeight") == 0 && have == 0) {
        return false; /* dropped by kernels that have no such weight */
    }
    return want != have && !(strcmp(key, "PidsLimit") == 0 && want <= 0 && have <= 0);
}

/* To update a zero means "as it is": only the limit of processes can be taken away (moby
 * container/container_unix.go, UpdateContainer). */
static bool limit_is_live(const char *key, int64_t want)
{
    return want != 0 || strcmp(key, "PidsLimit") == 0;
}

static void diff_limits(struct acc_diff_job *job)
{
    int64_t memory = acc_json_int(job->have_host, "Memory", 0);

    for (size_t i = 0; i < ACC_ARRAY_LEN(limits); i++) {
        int64_t want = acc_json_int(job->want_host, limits[i].key, 0);
        int64_t have = acc_json_int(job->have_host, limits[i].key, 0);
        char from[32], to[32];

        if (limit_differs(limits[i].key, want, have, memory)) {
            print_limit(limits[i].unit, have, from, sizeof(from));
            print_limit(limits[i].unit, want, to, sizeof(to));
            acc_diff_add(job, limit_is_live(limits[i].key, want), "%s %s -> %s", limits[i].what,
                         from, to);
        }
    }
    if (!acc_diff_same(acc_json_get(job->want_host, "CpusetCpus"),
                       acc_json_get(job->have_host, "CpusetCpus"))) {
        acc_diff_add(job, !acc_diff_is_empty(acc_json_get(job->want_host, "CpusetCpus")),
                     "cpuset changed");
    }
}

static const char *policy_name(enum acc_restart_policy policy)
{
    return policy == ACC_RESTART_UNSET ? "no" : acc_restart_policy_name(policy);
}

void acc_diff_resources(struct acc_diff_job *job, const struct acc_docker_diff_policy *policy)
{
    const cJSON *have = acc_json_object(job->have_host, "RestartPolicy");
    enum acc_restart_policy is = acc_docker_policy_of(acc_json_text(have, "Name"));
    int64_t max = acc_json_int(have, "MaximumRetryCount", 0);
    enum acc_restart_policy wanted = policy ? policy->policy : ACC_RESTART_NO;

    wanted = wanted == ACC_RESTART_UNSET ? ACC_RESTART_NO : wanted;
    diff_limits(job);
    if (wanted != is) {
        acc_diff_add(job, true, "restart policy %s -> %s", policy_name(is), policy_name(wanted));
    } else if (wanted == ACC_RESTART_ON_FAILURE && policy && policy->max != max) {
        acc_diff_add(job, true, "restart policy on-failure:%lld -> on-failure:%u", (long long)max,
                     policy->max);
    }
}

static void put_limits(struct acc_json_put *put, cJSON *body, const cJSON *want, const cJSON *have)
{
    int64_t memory = acc_json_int(have, "Memory", 0);
    int64_t memory_then = acc_json_int(want, "Memory", 0);
    int64_t swap_then = acc_json_int(want, "MemorySwap", 0);
    bool is_memory_new = memory_then > 0 && memory_then != memory;
    const char *cpus = acc_json_text(want, "CpusetCpus");

    for (size_t i = 0; i < ACC_ARRAY_LEN(limits); i++) {
        const char *key = limits[i].key;
        int64_t limit = acc_json_int(want, key, 0);

        if (is_memory_new && strcmp(key, "MemorySwap") == 0) {
            /* The engine chooses it at creation only. What it chose was for the old limit, or there
             * was none: it refuses memory above either (moby container_unix.go, UpdateContainer).
             */
            acc_put_int(put, body, key, swap_then != 0 ? swap_then : 2 * memory_then);
        } else if (limit_differs(key, limit, acc_json_int(have, key, 0), memory) &&
                   limit_is_live(key, limit)) {
            acc_put_int(put, body, key, limit);
        }
    }
    if (cpus && *cpus &&
        !acc_diff_same(acc_json_get(want, "CpusetCpus"), acc_json_get(have, "CpusetCpus"))) {
        acc_put_text(put, body, "CpusetCpus", cpus);
    }
}

int acc_docker_update_body(const struct acc_docker_create *expected, const char *inspect,
                           size_t inspect_len, struct acc_buf *out)
{
    cJSON *want = NULL, *have = NULL;
    struct acc_json_put put = {0};
    int r = acc_json_parse_object(expected->body, expected->body_len, &want);

    r = r == 0 ? acc_json_parse_object(inspect, inspect_len, &have) : r;
    if (r == 0) {
        cJSON *body = acc_put_root(&put);

        put_limits(&put, body, acc_json_object(want, "HostConfig"),
                   acc_json_object(have, "HostConfig"));
        r = acc_put_finish(&put, body, out);
    }
    cJSON_Delete(want);
    cJSON_Delete(have);
    return r;
}
