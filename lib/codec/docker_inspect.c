#include "lib/codec/docker_inspect.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/str.h"
#include "lib/codec/docker_state.h"
#include "lib/codec/json_get.h"

#define NS_PER_MS 1000000

/* moby daemon/health.go: what a time of 0 in the configuration stands for. */
#define DEFAULT_INTERVAL_MS 30000
#define DEFAULT_TIMEOUT_MS  30000
#define DEFAULT_RETRIES     3u

static void read_labels(const cJSON *labels, struct acc_obs *obs)
{
    acc_json_copy(labels, ACC_LABEL_PROJECT, obs->project, sizeof(obs->project));
    acc_json_copy(labels, ACC_LABEL_SERVICE, obs->service, sizeof(obs->service));
    acc_json_copy(labels, ACC_LABEL_CONFIG_HASH, obs->config_hash, sizeof(obs->config_hash));
    acc_json_copy(labels, ACC_LABEL_IMAGE, obs->label_image, sizeof(obs->label_image));
    acc_json_copy(labels, ACC_LABEL_SPEC, obs->spec_hash, sizeof(obs->spec_hash));
    acc_json_copy(labels, ACC_LABEL_OP, obs->op, sizeof(obs->op));
    acc_json_copy(labels, ACC_LABEL_REVISION, obs->revision, sizeof(obs->revision));
    obs->number = acc_docker_number_of(acc_json_text(labels, ACC_LABEL_NUMBER));
    obs->oneoff = acc_docker_is_true(acc_json_text(labels, ACC_LABEL_ONEOFF));
}

static void read_state(const cJSON *state, struct acc_obs *obs)
{
    const char *status = acc_json_text(state, "Status");

    if (!acc_docker_state_of(status, &obs->state)) {
        obs->state = acc_json_bool(state, "Paused")       ? ACC_CTR_PAUSED
                     : acc_json_bool(state, "Restarting") ? ACC_CTR_RESTARTING
                     : acc_json_bool(state, "Running")    ? ACC_CTR_RUNNING
                     : acc_json_bool(state, "Dead")       ? ACC_CTR_DEAD
                                                          : ACC_CTR_EXITED;
    }
    obs->pid = acc_json_int(state, "Pid", 0);
    obs->exit_code = (int32_t)acc_json_int(state, "ExitCode", 0);
    obs->oom_killed = acc_json_bool(state, "OOMKilled");
    acc_copy_line(acc_json_text(state, "Error"), obs->error, sizeof(obs->error));
    obs->started_ns = acc_json_time_ns(state, "StartedAt");
    obs->finished_ns = acc_json_time_ns(state, "FinishedAt");
}

static const cJSON *last_of(const cJSON *array)
{
    int n = array ? cJSON_GetArraySize(array) : 0;

    return n > 0 ? cJSON_GetArrayItem(array, n - 1) : NULL;
}

static void read_health(const cJSON *health, struct acc_obs *obs)
{
    const cJSON *log = last_of(acc_json_array(health, "Log"));

    obs->health = acc_docker_health_of(acc_json_text(health, "Status"));
    obs->failing_streak = (uint32_t)acc_json_int(health, "FailingStreak", 0);
    obs->health_start_ns = acc_json_time_ns(log, "Start");
    obs->health_end_ns = acc_json_time_ns(log, "End");
    obs->health_exit = (int32_t)acc_json_int(log, "ExitCode", 0);
    acc_copy_line(acc_json_text(log, "Output"), obs->health_output, sizeof(obs->health_output));
}

static int64_t duration_ms(const cJSON *check, const char *key, int64_t otherwise_ms)
{
    int64_t ns = acc_json_int(check, key, 0);

    if (ns <= 0) {
        return otherwise_ms;
    }
    return ns < NS_PER_MS ? 1 : ns / NS_PER_MS;
}

/* The words of a check as `exec` takes them are in `test` from *ret_first on. */
static bool has_check(const cJSON *check, bool *ret_shell)
{
    const char *kind = acc_json_text_of(cJSON_GetArrayItem(acc_json_array(check, "Test"), 0));

    if (!kind || strcmp(kind, "NONE") == 0) {
        return false;
    }
    *ret_shell = strcmp(kind, "CMD-SHELL") == 0;
    return *ret_shell || strcmp(kind, "CMD") == 0;
}

static void read_check(const cJSON *check, struct acc_obs *obs)
{
    bool shell;

    obs->has_health = has_check(check, &shell);
    if (!obs->has_health) {
        return;
    }
    const cJSON *word;
    int64_t retries = acc_json_int(check, "Retries", 0);

    cJSON_ArrayForEach(word, acc_json_array(check, "Test"))
    {
        const char *text = acc_json_text_of(word);

        obs->drain_file |= text && strstr(text, ACC_DRAIN_FILE);
    }

    obs->interval_ms = duration_ms(check, "Interval", DEFAULT_INTERVAL_MS);
    obs->timeout_ms = duration_ms(check, "Timeout", DEFAULT_TIMEOUT_MS);
    obs->start_period_ms = duration_ms(check, "StartPeriod", 0);
    obs->retries = retries > 0 && retries <= UINT32_MAX ? (uint32_t)retries : DEFAULT_RETRIES;
}

static void read_policy(const cJSON *policy, struct acc_obs *obs)
{
    int64_t max = acc_json_int(policy, "MaximumRetryCount", 0);

    obs->restart = acc_docker_policy_of(acc_json_text(policy, "Name"));
    obs->restart_max = max > 0 && max <= UINT32_MAX ? (uint32_t)max : 0;
}

/* Docker shows "/p-db-1", podman "p-db-1". */
static void copy_name(const cJSON *json, char *out, size_t out_size)
{
    const char *name = acc_json_text(json, "Name");

    acc_copy_whole(name && *name == '/' ? name + 1 : name, out, out_size);
}

/* Aliases belong to networks that a user made; Docker's own have none. */
static bool has_names(const char *mode)
{
    static const char *const own[] = {"", "default", "bridge", "host", "none"};

    for (size_t i = 0; i < ACC_ARRAY_LEN(own); i++) {
        if (!mode || strcmp(mode, own[i]) == 0) {
            return false;
        }
    }
    return strncmp(mode, "container:", strlen("container:")) != 0;
}

static bool has_alias(const cJSON *endpoint, const char *alias)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, acc_json_array(endpoint, "Aliases"))
    {
        const char *text = acc_json_text_of(item);

        if (text && strcmp(text, alias) == 0) {
            return true;
        }
    }
    return false;
}

/* One that was taken off its main network and not put there again has no endpoint of it. */
static bool is_unrouted(const cJSON *json, const char *service)
{
    const char *mode = acc_json_text(acc_json_object(json, "HostConfig"), "NetworkMode");
    const cJSON *networks = acc_json_object(acc_json_object(json, "NetworkSettings"), "Networks");
    const cJSON *item;

    if (!service[0] || !has_names(mode)) {
        return false;
    }
    cJSON_ArrayForEach(item, networks)
    {
        if (!has_alias(item, service)) {
            return true;
        }
    }
    return !acc_json_object(networks, mode);
}

static bool is_published(const cJSON *ports, const char *port)
{
    return cJSON_GetArraySize(acc_json_array(ports, port)) > 0;
}

/* Who is taken off a network loses the ports that were published through it. */
static bool lacks_ports(const cJSON *json, const cJSON *host)
{
    const cJSON *bindings = acc_json_object(host, "PortBindings");
    const cJSON *ports = acc_json_object(acc_json_object(json, "NetworkSettings"), "Ports");
    const cJSON *item;

    cJSON_ArrayForEach(item, bindings)
    {
        if (cJSON_GetArraySize(item) > 0 && !is_published(ports, item->string)) {
            return true;
        }
    }
    return false;
}

static void read_networks(const cJSON *json, struct acc_obs *obs)
{
    const cJSON *host = acc_json_object(json, "HostConfig");
    const cJSON *networks = acc_json_object(acc_json_object(json, "NetworkSettings"), "Networks");
    const cJSON *item;
    size_t len = 0;

    if (!has_names(acc_json_text(host, "NetworkMode"))) {
        return;
    }
    cJSON_ArrayForEach(item, networks)
    {
        size_t more = strlen(item->string) + 1;

        if (len + more > ACC_OBS_NETWORKS_MAX) {
            obs->networks[0] = '\0';
            return;
        }
        (void)snprintf(obs->networks + len, sizeof(obs->networks) - len, "%s\n", item->string);
        len += more;
    }
    obs->has_networks = true;
    obs->lacks_ports = obs->state == ACC_CTR_RUNNING && lacks_ports(json, host);
}

/* 64 hex digits are what Docker calls a volume that nobody has named. */
static void read_volumes(const cJSON *mounts, struct acc_obs *obs)
{
    const cJSON *item;
    size_t len = 0;

    cJSON_ArrayForEach(item, mounts)
    {
        const char *type = acc_json_text(item, "Type");
        const char *name = acc_json_text(item, "Name");
        const char *target = acc_json_text(item, "Destination");

        if (!type || strcmp(type, "volume") != 0 || !name || !acc_is_cid(name) || !target ||
            strpbrk(target, "\t\n") ||
            len + strlen(target) + strlen(name) + strlen("\t\tro\n") > ACC_OBS_VOLUMES_MAX) {
            continue;
        }
        len += (size_t)snprintf(obs->volumes + len, sizeof(obs->volumes) - len, "%s\t%s%s\n",
                                target, name, acc_json_bool(item, "RW") ? "" : "\tro");
    }
}

/* False: it is by a name, or there is no room. */
static bool add_share(struct acc_obs *obs, const char *cid, size_t len)
{
    char id[ACC_CID_LEN + 1];
    size_t at = strlen(obs->shares);

    if (len != ACC_CID_LEN || at + len + 1 > ACC_OBS_SHARES_MAX) {
        return false;
    }
    memcpy(id, cid, len);
    id[len] = '\0';
    (void)snprintf(obs->shares + at, sizeof(obs->shares) - at, "%s\n", id);
    return acc_is_cid(id);
}

/* "container:ID" (moby api/types/container/hostconfig.go) and "ID[:MODE]". Whoever makes containers
 * by hand may have named one: then what it shares isn't known at all. */
static void read_shares(const cJSON *host, struct acc_obs *obs)
{
    static const char *const modes[] = {"NetworkMode", "IpcMode", "PidMode"};
    static const char prefix[] = "container:";
    bool is_known = true;
    const cJSON *item;

    for (size_t i = 0; i < ACC_ARRAY_LEN(modes); i++) {
        const char *mode = acc_json_text(host, modes[i]);

        if (mode && strncmp(mode, prefix, strlen(prefix)) == 0) {
            is_known &= add_share(obs, mode + strlen(prefix), strlen(mode + strlen(prefix)));
        }
    }
    cJSON_ArrayForEach(item, acc_json_array(host, "VolumesFrom"))
    {
        const char *from = acc_json_text_of(item);

        is_known &= from && add_share(obs, from, strcspn(from, ":"));
    }
    if (!is_known) {
        obs->shares[0] = '\0';
    }
}

static void read_obs(const cJSON *json, struct acc_obs *obs)
{
    const cJSON *config = acc_json_object(json, "Config");
    const cJSON *state = acc_json_object(json, "State");

    acc_json_copy_cid(json, "Id", obs->cid);
    copy_name(json, obs->name, sizeof(obs->name));
    read_labels(acc_json_object(config, "Labels"), obs);
    read_state(state, obs);
    read_check(acc_json_object(config, "Healthcheck"), obs);
    if (obs->has_health) {
        /* podman: Health is called Healthcheck in old versions and empty without a check */
        read_health(acc_json_object(state, "Health"), obs);
    }
    obs->n_ports = acc_json_tcp_ports(acc_json_object(config, "ExposedPorts"), obs->ports,
                                      ACC_PORTS_MAX);
    read_policy(acc_json_object(acc_json_object(json, "HostConfig"), "RestartPolicy"), obs);
    obs->unrouted = is_unrouted(json, obs->service);
    read_networks(json, obs);
    read_volumes(acc_json_array(json, "Mounts"), obs);
    read_shares(acc_json_object(json, "HostConfig"), obs);
    acc_json_copy(json, "Image", obs->image_id, sizeof(obs->image_id));
    acc_json_copy(config, "Image", obs->image_ref, sizeof(obs->image_ref));
}

/* --- what the daemon needs beside it --- */

static int add_word(struct acc_obs_extra *extra, const char *word)
{
    if (!word || extra->n_health_argv == ACC_INSPECT_ARGV_MAX) {
        return -EINVAL;
    }
    char *copy = strdup(word);

    if (!copy) {
        return -ENOMEM;
    }
    extra->health_argv[extra->n_health_argv++] = copy;
    return 0;
}

static int add_words(struct acc_obs_extra *extra, const cJSON *first)
{
    int r = 0;

    for (const cJSON *word = first; word && r == 0; word = word->next) {
        r = add_word(extra, acc_json_text_of(word));
    }
    return r;
}

/* moby daemon/health.go getShell(): the image's Shell, else sh. */
static int add_shell(struct acc_obs_extra *extra, const cJSON *shell)
{
    if (shell && cJSON_GetArraySize(shell) > 0) {
        return add_words(extra, shell->child);
    }
    int r = add_word(extra, "/bin/sh");

    return r == 0 ? add_word(extra, "-c") : r;
}

static void drop_argv(struct acc_obs_extra *extra)
{
    for (size_t i = 0; i < extra->n_health_argv; i++) {
        free(extra->health_argv[i]);
    }
    free(extra->health_argv);
    extra->health_argv = NULL;
    extra->n_health_argv = 0;
}

static int read_argv(const cJSON *config, struct acc_obs_extra *extra)
{
    const cJSON *check = acc_json_object(config, "Healthcheck");
    bool shell = false;
    int r = 0;

    if (!has_check(check, &shell)) {
        return 0;
    }
    extra->health_argv = calloc(ACC_INSPECT_ARGV_MAX + 1, sizeof(*extra->health_argv));
    if (!extra->health_argv) {
        return -ENOMEM;
    }
    if (shell) {
        r = add_shell(extra, acc_json_array(config, "Shell"));
    }
    if (r == 0) {
        r = add_words(extra, acc_json_array(check, "Test")->child->next);
    }
    if (r < 0 || extra->n_health_argv == 0) {
        drop_argv(extra); /* no words, or too many: as if there were no check to run */
    }
    return r == -ENOMEM ? r : 0;
}

static int compare_addresses(const void *a, const void *b)
{
    const struct acc_obs_address *x = a, *y = b;

    return strcmp(x->network, y->network);
}

static void read_addresses(const cJSON *networks, struct acc_obs_extra *extra)
{
    const cJSON *item;

    if (!networks) {
        return;
    }
    cJSON_ArrayForEach(item, networks)
    {
        if (extra->n_addresses == ACC_INSPECT_NETWORKS_MAX) {
            break;
        }
        struct acc_obs_address *address = &extra->addresses[extra->n_addresses];

        acc_copy_whole(item->string, address->network, sizeof(address->network));
        if (!cJSON_IsObject(item) || address->network[0] == '\0') {
            continue;
        }
        acc_json_copy_cid(item, "NetworkID", address->network_id);
        acc_json_copy(item, "IPAddress", address->ip4, sizeof(address->ip4));
        acc_json_copy(item, "GlobalIPv6Address", address->ip6, sizeof(address->ip6));
        extra->n_addresses++;
    }
    qsort(extra->addresses, extra->n_addresses, sizeof(extra->addresses[0]), compare_addresses);
}

/* PREFIX/containers/<some id>/file: of another container when the network is shared with it, whose
 * hosts file is used, too. The folder beside it that has our id is ours. */
static bool folder_from(const char *path, const char *cid, struct acc_obs_extra *extra)
{
    const char *file = path && path[0] == '/' ? strrchr(path, '/') : NULL;

    if (!file || file - path < (ptrdiff_t)ACC_CID_LEN + 1 ||
        (size_t)(file - path) > ACC_INSPECT_PATH_MAX - sizeof("/config.v2.json")) {
        return false;
    }
    char id[ACC_CID_LEN + 1];
    size_t len = (size_t)(file - path);

    memcpy(id, file - ACC_CID_LEN, ACC_CID_LEN);
    id[ACC_CID_LEN] = '\0';
    if (!acc_is_cid(id) || path[len - ACC_CID_LEN - 1] != '/') {
        return false;
    }
    memcpy(extra->engine_dir, path, len - ACC_CID_LEN);
    memcpy(extra->engine_dir + len - ACC_CID_LEN, cid, ACC_CID_LEN + 1);
    (void)snprintf(extra->config_path, sizeof(extra->config_path), "%.*s/config.v2.json",
                   (int)(ACC_INSPECT_PATH_MAX - sizeof("/config.v2.json")), extra->engine_dir);
    return true;
}

static void read_folder(const cJSON *json, const char *cid, struct acc_obs_extra *extra)
{
    static const char *const keys[] = {"HostnamePath", "HostsPath", "ResolvConfPath", "LogPath"};

    for (size_t i = 0; i < ACC_ARRAY_LEN(keys); i++) {
        if (folder_from(acc_json_text(json, keys[i]), cid, extra)) {
            return;
        }
    }
}

static int read_extra(const cJSON *json, const char *cid, struct acc_obs_extra *extra)
{
    const cJSON *config = acc_json_object(json, "Config");
    const char *mode = acc_json_text(acc_json_object(json, "HostConfig"), "NetworkMode");
    int64_t restarts = acc_json_int(json, "RestartCount", 0);
    int r = read_argv(config, extra);

    if (r < 0) {
        return r;
    }
    extra->tty = acc_json_bool(config, "Tty");
    extra->host_network = mode && strcmp(mode, "host") == 0;
    if (mode && strncmp(mode, "container:", strlen("container:")) == 0) {
        const char *id = mode + strlen("container:");

        acc_copy_whole(acc_is_cid(id) ? id : NULL, extra->network_of, sizeof(extra->network_of));
    }
    read_addresses(acc_json_object(acc_json_object(json, "NetworkSettings"), "Networks"), extra);
    read_folder(json, cid, extra);
    extra->restart_count = restarts > 0 && restarts <= UINT32_MAX ? (uint32_t)restarts : 0;
    return 0;
}

int acc_docker_inspect_parse(const char *text, size_t text_len, struct acc_obs *ret_obs,
                             struct acc_obs_extra *ret_extra)
{
    cJSON *json = NULL;
    int r = acc_json_parse_object(text, text_len, &json);

    if (r < 0) {
        return r;
    }
    const char *cid = acc_json_text(json, "Id");

    if (!acc_is_cid(cid)) {
        cJSON_Delete(json);
        return -EINVAL;
    }
    if (ret_extra) {
        struct acc_obs_extra extra = {0};

        r = read_extra(json, cid, &extra);
        if (r < 0) {
            cJSON_Delete(json);
            return r;
        }
        *ret_extra = extra;
    }
    *ret_obs = (struct acc_obs){0};
    read_obs(json, ret_obs);
    cJSON_Delete(json);
    return 0;
}

void acc_obs_extra_fini(struct acc_obs_extra *extra)
{
    drop_argv(extra);
    *extra = (struct acc_obs_extra){0};
}

enum acc_tri acc_docker_manual_stop_parse(const char *text, size_t text_len)
{
    cJSON *json = NULL;
    enum acc_tri answer = ACC_UNKNOWN;

    if (acc_json_parse_object(text, text_len, &json) < 0) {
        return ACC_UNKNOWN;
    }
    const cJSON *flag = acc_json_get(json, "HasBeenManuallyStopped");

    if (cJSON_IsBool(flag)) {
        answer = cJSON_IsTrue(flag) ? ACC_YES : ACC_NO;
    }
    cJSON_Delete(json);
    return answer;
}
