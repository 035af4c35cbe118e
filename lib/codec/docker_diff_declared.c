/*
 * Networks and volumes that are there against what their files declare.
 *
 * Docker fills in what nobody has asked for (subnets, IPv6 pools, options of daemon.json), and
 * other releases of Compose have asked for more than the file says (1.29: attachable). So what the
 * file doesn't set counts only where it is known that a file has set it before.
 */

#include "lib/codec/docker_diff.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cidr.h"
#include "lib/codec/docker_diff_job.h"
#include "lib/codec/docker_state.h"
#include "lib/codec/json_get.h"

#define ADDRESS_MAX 45u /* of IPv6, with an IPv4 one at its end */

struct acc_docker_declared {
    cJSON *root;
    const cJSON *items; /* array in `root` */
};

int acc_docker_declared_parse(const char *text, size_t text_len,
                              struct acc_docker_declared **ret_declared)
{
    struct acc_docker_declared *declared = calloc(1, sizeof(*declared));
    int r = declared ? acc_json_parse(text, text_len, &declared->root) : -ENOMEM;

    if (r < 0) {
        free(declared);
        return r;
    }
    declared->items = cJSON_IsArray(declared->root) ? declared->root
                                                    : acc_json_array(declared->root, "Volumes");
    if (!declared->items && !cJSON_IsObject(declared->root)) {
        (void)acc_docker_declared_destroy(declared);
        return -EINVAL;
    }
    *ret_declared = declared;
    return 0;
}

struct acc_docker_declared *acc_docker_declared_destroy(struct acc_docker_declared *declared)
{
    if (declared) {
        cJSON_Delete(declared->root);
        free(declared);
    }
    return NULL;
}

/* --- who has made it -------------------------------------------------------------------------- */

static bool is_same_label(const struct acc_diff_job *job, const char *label)
{
    const char *want = acc_json_text(acc_json_object(job->want, "Labels"), label);
    const char *have = acc_json_text(acc_json_object(job->have, "Labels"), label);

    return want ? have && strcmp(want, have) == 0 : !have;
}

/* Compose or accd has made it for this stack, maybe of another version of its file. */
static bool is_own(const struct acc_diff_job *job)
{
    return is_same_label(job, ACC_LABEL_PROJECT) && is_same_label(job, ACC_LABEL_NETWORK) &&
           is_same_label(job, ACC_LABEL_VOLUME);
}

/* By a hash that is taken as ours is: then all that is in it was said by a file. */
static bool has_comparable_hash(const struct acc_diff_job *job)
{
    return is_own(job) && is_same_label(job, ACC_LABEL_VERSION) &&
           acc_json_text(acc_json_object(job->have, "Labels"), ACC_LABEL_CONFIG_HASH);
}

/* --- words ------------------------------------------------------------------------------------ */

static bool is_ours(const char *label)
{
    return strncmp(label, "com.docker.compose.", strlen("com.docker.compose.")) == 0;
}

/* Of what somebody else has made they say nothing: no service is made otherwise for them. */
static void diff_labels(struct acc_diff_job *job)
{
    const cJSON *want = acc_json_object(job->want, "Labels");
    const cJSON *have = acc_json_object(job->have, "Labels");

    if (!is_own(job)) {
        return;
    }
    for (const cJSON *item = want ? want->child : NULL; item; item = item->next) {
        const cJSON *there = acc_json_get(have, item->string);

        if (!is_ours(item->string) && (!there || !cJSON_Compare(item, there, true))) {
            acc_diff_add(job, false, "label %s %s", item->string, there ? "changed" : "added");
        }
    }
    for (const cJSON *item = have ? have->child : NULL; item; item = item->next) {
        if (!is_ours(item->string) && !acc_json_get(want, item->string)) {
            acc_diff_add(job, false, "label %s removed", item->string);
        }
    }
}

/* Docker notes there what has become of keys that have members of their own (28). */
static bool is_engines_option(const char *key)
{
    return strcmp(key, "com.docker.network.enable_ipv4") == 0 ||
           strcmp(key, "com.docker.network.enable_ipv6") == 0;
}

/* Names alone: the options of a volume may hold a password. */
static void diff_options(struct acc_diff_job *job, const cJSON *want)
{
    const cJSON *have = acc_json_object(job->have, "Options");

    for (const cJSON *item = want ? want->child : NULL; item; item = item->next) {
        const cJSON *there = acc_json_get(have, item->string);

        if (!there || !cJSON_Compare(item, there, true)) {
            acc_diff_add(job, false, "driver_opts %s %s", item->string,
                         there ? "changed" : "added");
        }
    }
    for (const cJSON *item = have && has_comparable_hash(job) ? have->child : NULL; item;
         item = item->next) {
        if (!is_engines_option(item->string) && !acc_json_get(want, item->string)) {
            acc_diff_add(job, false, "driver_opts %s removed", item->string);
        }
    }
}

/* A plugin is ":latest" where nothing else is said. */
static bool is_same_driver(const char *want, const char *have)
{
    size_t len = strlen(want);

    return strncmp(want, have, len) == 0 &&
           (have[len] == '\0' || strcmp(have + len, ":latest") == 0);
}

static void diff_driver(struct acc_diff_job *job, const char *otherwise)
{
    const char *want = acc_json_text(job->want, "Driver");
    const char *have = acc_json_text(job->have, "Driver");

    if (!want || !*want) {
        want = has_comparable_hash(job) ? otherwise : NULL;
    }
    if (want && have && *have && !is_same_driver(want, have)) {
        acc_diff_add(job, false, "driver %s -> %s", have, want);
    }
}

/* --- addresses -------------------------------------------------------------------------------- */

/* Engines show a gateway with the bits of its pool, or without. */
static bool is_same_address(const char *a, const char *b)
{
    char x[ADDRESS_MAX + 1], y[ADDRESS_MAX + 1];
    size_t len_a = a ? strcspn(a, "/") : 0, len_b = b ? strcspn(b, "/") : 0;

    if (len_a == 0 || len_b == 0 || len_a >= sizeof(x) || len_b >= sizeof(y)) {
        return false;
    }
    memcpy(x, a, len_a);
    memcpy(y, b, len_b);
    x[len_a] = y[len_b] = '\0';
    return acc_cidr_same(x, y);
}

static bool is_v6(const char *subnet)
{
    return strchr(subnet, ':') != NULL;
}

static const cJSON *find_pool(const cJSON *pools, const char *subnet)
{
    for (const cJSON *pool = pools ? pools->child : NULL; pool; pool = pool->next) {
        if (acc_cidr_same(acc_json_text(pool, "Subnet"), subnet)) {
            return pool;
        }
    }
    return NULL;
}

/* The first of that family that `pools` has and `others` has not: what it was, or became. */
static const char *first_other(const cJSON *pools, const cJSON *others, bool v6)
{
    for (const cJSON *pool = pools ? pools->child : NULL; pool; pool = pool->next) {
        const char *subnet = acc_json_text(pool, "Subnet");

        if (subnet && is_v6(subnet) == v6 && !find_pool(others, subnet)) {
            return subnet;
        }
    }
    return NULL;
}

static void diff_pool(struct acc_diff_job *job, const cJSON *want, const cJSON *have)
{
    const char *subnet = acc_json_text(have, "Subnet");
    const char *range = acc_json_text(want, "IPRange"), *gateway = acc_json_text(want, "Gateway");
    const cJSON *hosts = acc_json_object(want, "AuxiliaryAddresses");

    if (range && !acc_cidr_same(range, acc_json_text(have, "IPRange"))) {
        acc_diff_add(job, false, "ip_range of subnet %s %s", subnet,
                     acc_json_text(have, "IPRange") ? "changed" : "added");
    }
    if (gateway && !is_same_address(gateway, acc_json_text(have, "Gateway"))) {
        acc_diff_add(job, false, "gateway of subnet %s %s", subnet,
                     acc_json_text(have, "Gateway") ? "changed" : "added");
    }
    for (const cJSON *host = hosts ? hosts->child : NULL; host; host = host->next) {
        const char *there = acc_json_text(acc_json_object(have, "AuxiliaryAddresses"),
                                          host->string);

        if (!is_same_address(acc_json_text_of(host), there)) {
            acc_diff_add(job, false, "aux_address %s %s", host->string,
                         there ? "changed" : "added");
        }
    }
}

static void diff_pools(struct acc_diff_job *job, const cJSON *want, const cJSON *have)
{
    bool is_told[2] = {false, false}; /* of each family: what took the place of what */

    for (const cJSON *pool = want ? want->child : NULL; pool; pool = pool->next) {
        const char *subnet = acc_json_text(pool, "Subnet");
        const cJSON *there = subnet ? find_pool(have, subnet) : NULL;
        const char *was = subnet && !there ? first_other(have, want, is_v6(subnet)) : NULL;

        if (there) {
            diff_pool(job, pool, there);
        } else if (subnet && was && !is_told[is_v6(subnet)]) {
            is_told[is_v6(subnet)] = true;
            acc_diff_add(job, false, "subnet %s -> %s", was, subnet);
        } else if (subnet) {
            acc_diff_add(job, false, "subnet %s added", subnet);
        }
    }
}

static void diff_ipam(struct acc_diff_job *job)
{
    const cJSON *want = acc_json_object(job->want, "IPAM");
    const cJSON *have = acc_json_object(job->have, "IPAM");
    const char *driver = acc_json_text(want, "Driver"), *there = acc_json_text(have, "Driver");

    if (driver && there && *there && !is_same_driver(driver, there)) {
        acc_diff_add(job, false, "ipam driver %s -> %s", there, driver);
    }
    diff_pools(job, acc_json_array(want, "Config"), acc_json_array(have, "Config"));
}

/* --- flags ------------------------------------------------------------------------------------ */

static void diff_flag(struct acc_diff_job *job, const char *key, const char *what, bool is_always)
{
    const cJSON *want = acc_json_get(job->want, key), *have = acc_json_get(job->have, key);
    bool is_wanted = cJSON_IsTrue(want), is_there = cJSON_IsTrue(have);

    if (!have || is_wanted == is_there ||
        (!want && !(is_always ? is_own(job) : has_comparable_hash(job)))) {
        return;
    }
    acc_diff_add(job, false, "%s: %s -> %s", what, is_there ? "true" : "false",
                 is_wanted ? "true" : "false");
}

static void diff_network(struct acc_diff_job *job)
{
    diff_driver(job, "bridge");
    diff_ipam(job);
    diff_flag(job, "Internal", "internal", true);
    diff_flag(job, "Attachable", "attachable", false);
    diff_flag(job, "EnableIPv6", "enable_ipv6", false);
    if (acc_json_get(job->want, "EnableIPv4")) {
        diff_flag(job, "EnableIPv4", "enable_ipv4", false);
    }
    diff_options(job, acc_json_object(job->want, "Options"));
    diff_labels(job);
}

static void diff_volume(struct acc_diff_job *job)
{
    const char *driver = acc_json_text(job->have, "Driver");

    diff_driver(job, "local");
    /* a plugin needn't tell its options */
    if (acc_json_object(job->have, "Options") || (driver && strcmp(driver, "local") == 0)) {
        diff_options(job, acc_json_object(job->want, "DriverOpts"));
    }
    diff_labels(job);
}

static const cJSON *find(const struct acc_docker_declared *declared, const char *name)
{
    const cJSON *found = NULL;

    for (const cJSON *item = declared->items ? declared->items->child : NULL; item && name;
         item = item->next) {
        const char *there = acc_json_text(item, "Name");

        if (there && strcmp(there, name) == 0) {
            if (found) {
                return NULL; /* several networks of one name: it isn't known which is meant */
            }
            found = item;
        }
    }
    return found;
}

int acc_docker_declared_diff(const struct acc_docker_declared *declared,
                             enum acc_resource_kind kind, const char *request, size_t request_len,
                             struct acc_docker_diff *ret_diff)
{
    struct acc_diff_job job = {.diff = ret_diff};
    cJSON *want;
    int r = acc_json_parse_object(request, request_len, &want);

    if (r < 0) {
        return r;
    }
    ret_diff->n = ret_diff->n_dropped = ret_diff->n_told = 0;
    ret_diff->needs_recreate = false;
    job.want = want;
    job.have = find(declared, acc_json_text(want, "Name"));
    if (job.have && !(has_comparable_hash(&job) && is_same_label(&job, ACC_LABEL_CONFIG_HASH))) {
        if (kind == ACC_RES_NETWORK) {
            diff_network(&job);
        } else {
            diff_volume(&job);
        }
    }
    cJSON_Delete(want);
    return 0;
}
