#include "lib/codec/docker_create.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/codec/docker_create_job.h"
#include "lib/codec/docker_request.h"
#include "lib/codec/docker_state.h"
#include "lib/model/api_socket.h"

#define NS_PER_S 1000000000
/* docker/cli's config.json of somebody who has not logged in anywhere */
#define NO_LOGINS "{\n\t\"auths\": {}\n}"

/* --- helpers of all parts --- */

void acc_job_fail(struct acc_create_job *job, int error, struct acc_srcpos pos, const char *fmt,
                  ...)
{
    char text[ACC_DIAG_TEXT_MAX];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap); /* cut is fine */
    va_end(ap);
    acc_diags_add(job->diags, pos, "%s: %s", job->service->id, text);
    if (job->error == 0) {
        job->error = error;
    }
}

const char *acc_job_container(struct acc_create_job *job, struct acc_srcpos pos, const char *what,
                              const char *service)
{
    const char *id = job->ctx->container_id ? job->ctx->container_id(job->ctx->resolver, service)
                                            : NULL;

    if (!id) {
        acc_job_fail(job, -ENOENT, pos, "%s needs the container of '%s', and there is none", what,
                     service);
        return "";
    }
    return id;
}

void acc_job_words(struct acc_create_job *job, cJSON *parent, const char *key,
                   const struct acc_node *seq)
{
    if (!seq || seq->type == ACC_NODE_NULL) {
        return;
    }
    cJSON *array = acc_put_array(&job->put, parent, key);

    if (seq->type != ACC_NODE_SEQ) {
        acc_put_word(&job->put, array, seq->text);
        return;
    }
    acc_node_for_each(item, seq)
    {
        acc_put_word(&job->put, array, item->text);
    }
}

void acc_job_map(struct acc_create_job *job, cJSON *parent, const char *key,
                 const struct acc_node *map)
{
    if (!map || map->type != ACC_NODE_MAP) {
        return;
    }
    cJSON *object = acc_put_object(&job->put, parent, key);

    acc_node_for_each(item, map)
    {
        acc_put_text(&job->put, object, item->key, item->text ? item->text : "");
    }
}

void acc_job_text(struct acc_create_job *job, cJSON *parent, const char *key, const char *node_key)
{
    acc_put_text_some(&job->put, parent, key, acc_node_get_text(job->node, node_key));
}

int64_t acc_node_whole(const struct acc_node *node)
{
    if (!node) {
        return 0;
    }
    if (node->type == ACC_NODE_INT) {
        return node->integer;
    }
    if (node->type == ACC_NODE_FLOAT) {
        return (int64_t)node->number;
    }
    return node->type == ACC_NODE_STRING ? strtoll(node->text, NULL, 10) : 0;
}

float acc_node_real(const struct acc_node *node)
{
    if (!node) {
        return 0;
    }
    if (node->type == ACC_NODE_INT) {
        return (float)node->integer;
    }
    if (node->type == ACC_NODE_FLOAT) {
        return (float)node->number;
    }
    return node->type == ACC_NODE_STRING ? strtof(node->text, NULL) : 0;
}

bool acc_node_true(const struct acc_node *node)
{
    return node && (node->type == ACC_NODE_BOOL
                        ? node->boolean
                        : node->type == ACC_NODE_STRING && strcmp(node->text, "true") == 0);
}

int64_t acc_node_duration_ns(const struct acc_node *node)
{
    int64_t ns = 0;

    return node && node->text && acc_parse_duration_ns(node->text, &ns) ? ns : 0;
}

/* --- Config --- */

static void put_environment(struct acc_create_job *job, cJSON *root)
{
    const struct acc_node *environment = acc_node_get(job->node, "environment");
    const struct acc_docker_create_ctx *ctx = job->ctx;
    cJSON *env = acc_put_array(&job->put, root, "Env");
    struct acc_buf word;

    acc_buf_init(&word, ACC_DOCKER_CREATE_MAX);
    acc_node_for_each(item, environment)
    {
        bool overridden = false;

        for (size_t i = 0; i < ctx->n_environment; i++) {
            size_t len = strlen(item->key);

            overridden = overridden || (strncmp(ctx->environment[i], item->key, len) == 0 &&
                                        ctx->environment[i][len] == '=');
        }
        if (overridden) {
            continue;
        }
        acc_buf_reset(&word);
        /* a key without value removes the image's variable */
        int r = item->text ? acc_buf_printf(&word, "%s=%s", item->key, item->text)
                           : acc_buf_puts(&word, item->key);

        job->put.failed = job->put.failed || r < 0;
        acc_put_word(&job->put, env, r < 0 ? NULL : word.data);
    }
    for (size_t i = 0; i < ctx->n_environment; i++) {
        acc_put_word(&job->put, env, ctx->environment[i]);
    }
    acc_buf_fini(&word);
}

/* compose create.go buildContainerPorts: `expose` as it is written, `ports` as number/protocol. */
static void put_exposed(struct acc_create_job *job, cJSON *root)
{
    const struct acc_node *expose = acc_node_get(job->node, "expose");
    const struct acc_node *ports = acc_node_get(job->node, "ports");

    if ((!expose || !expose->first) && (!ports || !ports->first)) {
        return;
    }
    cJSON *exposed = acc_put_object(&job->put, root, "ExposedPorts");

    acc_node_for_each(item, expose)
    {
        if (item->text && !cJSON_GetObjectItemCaseSensitive(exposed, item->text)) {
            (void)acc_put_object(&job->put, exposed, item->text);
        }
    }
    acc_node_for_each(item, ports)
    {
        const char *protocol = acc_node_get_text(item, "protocol");
        char key[64];

        (void)snprintf(key, sizeof(key), "%" PRId64 "/%.15s",
                       acc_node_whole(acc_node_get(item, "target")), protocol ? protocol : "tcp");
        if (!cJSON_GetObjectItemCaseSensitive(exposed, key)) {
            (void)acc_put_object(&job->put, exposed, key);
        }
    }
}

/* compose convert.go ToMobyHealthCheck */
static void put_healthcheck(struct acc_create_job *job, cJSON *root)
{
    const struct acc_node *check = acc_node_get(job->node, "healthcheck");
    const struct acc_node *start_interval = acc_node_get(check, "start_interval");

    if (!check || check->type != ACC_NODE_MAP) {
        return;
    }
    cJSON *health = acc_put_object(&job->put, root, "Healthcheck");

    if (acc_node_true(acc_node_get(check, "disable"))) {
        acc_put_word(&job->put, acc_put_array(&job->put, health, "Test"), "NONE");
    } else {
        acc_job_words(job, health, "Test", acc_node_get(check, "test"));
    }
    acc_put_int_some(&job->put, health, "Interval",
                     acc_node_duration_ns(acc_node_get(check, "interval")));
    acc_put_int_some(&job->put, health, "Timeout",
                     acc_node_duration_ns(acc_node_get(check, "timeout")));
    acc_put_int_some(&job->put, health, "StartPeriod",
                     acc_node_duration_ns(acc_node_get(check, "start_period")));
    acc_put_int_some(&job->put, health, "Retries", acc_node_whole(acc_node_get(check, "retries")));
    if (!start_interval || start_interval->type == ACC_NODE_NULL) {
        return;
    }
    if (!acc_node_get(check, "start_period")) {
        acc_job_fail(job, -EINVAL, start_interval->pos,
                     "healthcheck.start_interval works only together with start_period; set both");
    } else if (job->ctx->api_minor < ACC_API_MANY_ENDPOINTS) {
        acc_diags_warn(job->diags, start_interval->pos,
                       "%s: healthcheck.start_interval needs Docker Engine 25; it is left out",
                       job->service->id);
    } else {
        acc_put_int_some(&job->put, health, "StartInterval", acc_node_duration_ns(start_interval));
    }
}

/* Compose drops an optional dependency that no profile enables. */
static bool is_enabled(const struct acc_stack *stack, const char *service)
{
    for (size_t i = 0; i < stack->n_services; i++) {
        if (strcmp(stack->services[i].name, service) == 0) {
            return true;
        }
    }
    return false;
}

/* In the order of the names: Compose's own is a Go map's, any order is right. */
static int put_depends_on(struct acc_create_job *job, cJSON *labels)
{
    const struct acc_node *depends_on = acc_node_get(job->node, "depends_on");
    struct acc_buf text;
    int r = 0;

    acc_buf_init(&text, ACC_DOCKER_CREATE_MAX);
    acc_node_for_each(item, depends_on)
    {
        const char *condition = acc_node_get_text(item, "condition");

        if (!is_enabled(job->stack, item->key)) {
            continue;
        }
        r = r < 0 ? r
                  : acc_buf_printf(&text, "%s%s:%s:%s", text.len ? "," : "", item->key,
                                   condition ? condition : "service_started",
                                   acc_node_true(acc_node_get(item, "restart")) ? "true" : "false");
    }
    acc_put_text(&job->put, labels, ACC_LABEL_DEPENDS_ON, text.len ? text.data : "");
    acc_buf_fini(&text);
    return r;
}

static int put_paths(struct acc_create_job *job, cJSON *labels, const char *key,
                     const char *const *paths, size_t n_paths)
{
    struct acc_buf text;
    int r = 0;

    acc_buf_init(&text, ACC_DOCKER_CREATE_MAX);
    for (size_t i = 0; i < n_paths && r == 0; i++) {
        r = acc_buf_printf(&text, "%s%s", i ? "," : "", paths[i]);
    }
    acc_put_text(&job->put, labels, key, text.len ? text.data : "");
    acc_buf_fini(&text);
    return r;
}

/* Compose's and ours win over the user's of the same name. */
static void put_label(struct acc_create_job *job, cJSON *labels, const char *key, const char *value)
{
    if (value) {
        cJSON_DeleteItemFromObjectCaseSensitive(labels, key);
        acc_put_text(&job->put, labels, key, value);
    }
}

static void put_labels(struct acc_create_job *job, cJSON *root)
{
    const struct acc_docker_create_ctx *ctx = job->ctx;
    const struct acc_stack *stack = job->stack;
    cJSON *labels = acc_put_object(&job->put, root, "Labels");
    char number[16];
    int r;

    acc_node_for_each(item, acc_node_get(job->node, "labels"))
    {
        put_label(job, labels, item->key, item->text ? item->text : "");
    }
    (void)snprintf(number, sizeof(number), "%" PRIu32, ctx->number);
    put_label(job, labels, ACC_LABEL_PROJECT, stack->name);
    put_label(job, labels, ACC_LABEL_SERVICE, job->service->name);
    put_label(job, labels, ACC_LABEL_VERSION,
              ctx->compose_version ? ctx->compose_version : ACC_DOCKER_COMPOSE_VERSION);
    put_label(job, labels, ACC_LABEL_WORKING_DIR, stack->dir);
    put_label(job, labels, ACC_LABEL_ONEOFF, "False");
    put_label(job, labels, ACC_LABEL_CONFIG_HASH, ctx->config_hash);
    put_label(job, labels, ACC_LABEL_NUMBER, number);
    put_label(job, labels, ACC_LABEL_IMAGE, ctx->image_id);
    put_label(job, labels, ACC_LABEL_SPEC,
              job->service->spec_hash[0] ? job->service->spec_hash : NULL);
    put_label(job, labels, ACC_LABEL_CONTENTS,
              job->service->contents && *job->service->contents ? job->service->contents : NULL);
    put_label(job, labels, ACC_LABEL_OP, ctx->op && *ctx->op ? ctx->op : NULL);
    put_label(job, labels, ACC_LABEL_REVISION,
              ctx->revision && *ctx->revision ? ctx->revision : NULL);
    cJSON_DeleteItemFromObjectCaseSensitive(labels, ACC_LABEL_FILES);
    cJSON_DeleteItemFromObjectCaseSensitive(labels, ACC_LABEL_DEPENDS_ON);
    r = put_paths(job, labels, ACC_LABEL_FILES, stack->files, stack->n_files);
    if (r == 0 && stack->n_env_files > 0) {
        cJSON_DeleteItemFromObjectCaseSensitive(labels, ACC_LABEL_ENV_FILE);
        r = put_paths(job, labels, ACC_LABEL_ENV_FILE, stack->env_files, stack->n_env_files);
    }
    r = r == 0 ? put_depends_on(job, labels) : r;
    job->put.failed = job->put.failed || r < 0;
}

static void put_config(struct acc_create_job *job, cJSON *root)
{
    const struct acc_node *grace = acc_node_get(job->node, "stop_grace_period");
    const char *mode = acc_node_get_text(job->node, "network_mode");

    acc_job_text(job, root, "Hostname", "hostname");
    acc_job_text(job, root, "Domainname", "domainname");
    acc_job_text(job, root, "User", "user");
    acc_put_bool(&job->put, root, "AttachStdout", true);
    acc_put_bool(&job->put, root, "AttachStderr", true);
    put_exposed(job, root);
    acc_put_true(&job->put, root, "Tty", acc_node_true(acc_node_get(job->node, "tty")));
    acc_put_true(&job->put, root, "OpenStdin",
                 acc_node_true(acc_node_get(job->node, "stdin_open")));
    put_environment(job, root);
    /* null is the image's; an empty list is sent, it clears the image's entrypoint */
    acc_job_words(job, root, "Cmd", acc_node_get(job->node, "command"));
    acc_job_words(job, root, "Entrypoint", acc_node_get(job->node, "entrypoint"));
    put_healthcheck(job, root);
    acc_put_text(&job->put, root, "Image", job->ctx->image ? job->ctx->image : job->service->image);
    acc_job_text(job, root, "WorkingDir", "working_dir");
    acc_put_true(&job->put, root, "NetworkDisabled", mode && strcmp(mode, "disabled") == 0);
    put_labels(job, root);
    acc_job_text(job, root, "StopSignal", "stop_signal");
    if (grace && grace->text) {
        acc_put_int(&job->put, root, "StopTimeout", acc_node_duration_ns(grace) / NS_PER_S);
    }
}

/* --- the request --- */

static int make_query(struct acc_create_job *job, char **ret_query)
{
    struct acc_buf query;
    int r;

    acc_buf_init(&query, ACC_DOCKER_CREATE_MAX);
    r = acc_buf_puts(&query, "name=");
    r = r == 0 ? acc_docker_escape(job->ctx->name, &query) : r;
    if (r == 0 && job->service->platform) {
        r = acc_buf_puts(&query, "&platform=");
        r = r == 0 ? acc_docker_escape(job->service->platform, &query) : r;
    }
    *ret_query = r == 0 ? acc_buf_take(&query) : NULL;
    acc_buf_fini(&query);
    return r == 0 && !*ret_query ? -ENOMEM : r;
}

static int make_body(struct acc_create_job *job, struct acc_docker_create *create)
{
    cJSON *root = acc_put_root(&job->put);
    struct acc_buf body;
    int r;

    acc_buf_init(&body, ACC_DOCKER_CREATE_MAX);
    put_config(job, root);
    cJSON *host = acc_put_object(&job->put, root, "HostConfig");

    acc_job_host_config(job, host);
    acc_job_resources(job, host);
    acc_job_mounts(job, host);
    acc_job_networking(job, root, host, create);
    r = acc_put_finish(&job->put, root, &body);
    if (r == 0) {
        create->body_len = body.len;
        create->body = acc_buf_take(&body);
        r = create->body ? 0 : -ENOMEM;
    }
    acc_buf_fini(&body);
    return r;
}

/* As Compose rewrites it just before it makes the container. */
static int take_api_socket(struct acc_create_job *job, struct acc_arena **ret_arena)
{
    int r;

    if (!acc_api_socket_used(job->node)) {
        return 0;
    }
    r = acc_arena_create(ACC_DOCKER_CREATE_MAX, ret_arena);
    if (r < 0) {
        return r;
    }
    struct acc_node *config = acc_node_new(*ret_arena, ACC_NODE_MAP, job->node->pos);
    struct acc_node *content = acc_node_string(
        *ret_arena, job->node->pos, job->ctx->credentials ? job->ctx->credentials : NO_LOGINS);

    job->node = acc_api_socket_service(*ret_arena, job->node);
    if (!config || !content || !job->node) {
        return -ENOMEM;
    }
    acc_node_put(config, "content", config->pos, content);
    job->api_config = config;
    return 0;
}

int acc_docker_create_make(const struct acc_stack *stack, const struct acc_service_spec *service,
                           const struct acc_docker_create_ctx *ctx,
                           struct acc_docker_create *ret_create, struct acc_diags *diags)
{
    struct acc_create_job job = {
        .stack = stack, .service = service, .node = service->node, .ctx = ctx, .diags = diags};
    struct acc_docker_create create = {0};
    struct acc_arena *arena = NULL;
    int r = take_api_socket(&job, &arena);

    r = r == 0 ? make_query(&job, &create.query) : r;
    r = r == 0 ? make_body(&job, &create) : r;
    r = r == 0 ? acc_job_files(&job, &create) : r;
    r = r == 0 ? job.error : r;
    (void)acc_arena_destroy(arena);
    if (r < 0) {
        acc_docker_create_fini(&create);
        return r;
    }
    *ret_create = create;
    return 0;
}

void acc_docker_create_fini(struct acc_docker_create *create)
{
    for (size_t i = 0; i < create->n_connects; i++) {
        free(create->connects[i].network);
        free(create->connects[i].endpoint);
    }
    for (size_t i = 0; i < create->n_files; i++) {
        free(create->files[i].path);
        free(create->files[i].content);
    }
    free(create->connects);
    free(create->files);
    free(create->query);
    free(create->body);
    *create = (struct acc_docker_create){0};
}
