/*
 * ENSURE_RESOURCE and REMOVE_RESOURCE: images are there by their pull policy, networks and volumes
 * exist once. And CREATE's volumes, once more.
 */

#include "daemon/out/docker_op.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/log.h"
#include "lib/base/buf.h"
#include "lib/codec/docker_request.h"
#include "lib/compose/compose.h"

static void finish_nomem(struct accd_op *op)
{
    accd_op_finish_with(op, ACC_OP_FAILED, "accd is out of memory");
}

static void finish_saying(struct accd_op *op, enum acc_op_result result, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void finish_saying(struct accd_op *op, enum acc_op_result result, const char *fmt, ...)
{
    char text[ACC_OUTPUT_MAX + 1];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args); /* cut: the start tells */
    va_end(args);
    accd_op_finish_with(op, result, text);
}

/* The escaped name as a path segment or query value: send `path_fmt` with it. */
static int send_named(struct accd_op *op, const struct accd_op_send *send,
                      void (*step)(struct accd_op *op, const struct accd_http_reply *reply),
                      const char *before, const char *after)
{
    struct acc_buf name;
    int r;

    acc_buf_init(&name, ACCD_DOCKER_PATH_MAX);
    if (acc_docker_escape(op->name, &name) < 0) {
        finish_nomem(op);
        r = -ENOMEM;
    } else {
        r = accd_op_send(op, send, step, "%s%s%s", before, name.data ? name.data : "", after);
    }
    acc_buf_fini(&name);
    return r;
}

/* --- images -------------------------------------------------------------------------------- */

/* "os/arch" or "os/arch/variant", as far as it says. */
static bool is_platform(const struct acc_docker_image *image, const char *platform)
{
    char have[3 * ACC_DOCKER_WORD_MAX + 3];
    size_t len = strlen(platform);

    (void)snprintf(have, sizeof(have), "%s/%s%s%s", image->os, image->architecture,
                   image->variant[0] ? "/" : "", image->variant);
    return strncmp(have, platform, len) == 0 && (have[len] == '\0' || have[len] == '/');
}

static void after_pull_check(struct accd_op *op, const struct accd_http_reply *reply)
{
    struct acc_docker_image image;

    if (accd_op_judge(op, ACC_CALL_INSPECT, reply) != ACC_OP_OK) {
        if (op->result == ACC_OP_GONE) {
            op->result = ACC_OP_FAILED;
        }
        accd_op_finish(op);
    } else if (acc_docker_image_parse(reply->body, reply->body_len, &image) < 0) {
        accd_op_finish_with(op, ACC_OP_FAILED, "Docker's description of the image can't be read");
    } else if (op->platform && !is_platform(&image, op->platform)) {
        /* 20.10 says "up to date" for a platform that the registry doesn't have. */
        finish_saying(op, ACC_OP_CONFIG, "%s is for %s/%s, not for %s", op->name, image.os,
                      image.architecture, op->platform);
    } else {
        accd_op_finish_with(op, ACC_OP_OK, "");
    }
}

static void after_pull(struct accd_op *op, const struct accd_http_reply *reply)
{
    struct accd_op_send send = {.limit_ms = ACCD_LOOKUP_LIMIT_MS};
    const char *text;
    size_t text_len;

    if (accd_op_judge_registry(op, reply) != ACC_OP_OK) {
        accd_op_finish(op);
        return;
    }
    if (acc_json_frame_finish(&op->frame, &text, &text_len) == ACC_JSON_FRAME_TEXT) {
        (void)acc_docker_pull_line(op->pull, text, text_len);
    }
    if (op->pull->failed) {
        accd_op_set_registry_fault(op, 500, op->pull->error);
        accd_op_finish(op);
        return;
    }
    if (op->pulled) {
        op->pulled(op);
        return;
    }
    (void)send_named(op, &send, after_pull_check, "/images/", "/json");
}

void accd_docker_tell_image(struct accd_op *op, const char *line)
{
    const struct accd_docker_call_config *config = &op->call->config;
    struct accd_image_news news = {.image = op->reference ? op->reference : op->name, .line = line};

    if (op->pull) {
        news.current = op->pull->current;
        news.total = op->pull->total;
    }
    if (config->on_image) {
        config->on_image(config->ctx, &op->action, &news);
    }
}

static void on_pull_data(void *ctx, const char *data, size_t len)
{
    struct accd_op *op = ctx;
    const char *text;
    size_t text_len;

    for (;;) {
        switch (acc_json_frame_feed(&op->frame, &data, &len, &text, &text_len)) {
        case ACC_JSON_FRAME_TEXT:
            (void)acc_docker_pull_line(op->pull, text, text_len); /* broken: ignored */
            accd_docker_tell_image(op, NULL);
            continue;
        case ACC_JSON_FRAME_TOO_BIG:
        case ACC_JSON_FRAME_NOMEM:
            continue;
        case ACC_JSON_FRAME_MORE:
            return;
        }
    }
}

/* repo, and tag or digest; never without a tag: that would pull all of them. */
static int pull_query(const struct accd_op *op, struct acc_buf *out)
{
    char *repo = strdup(op->name);
    char *digest = repo ? strchr(repo, '@') : NULL;
    char *slash, *colon;

    if (!repo) {
        return -ENOMEM;
    }
    if (digest) {
        *digest++ = '\0';
    }
    slash = strrchr(repo, '/');
    colon = strchr(slash ? slash : repo, ':');
    if (colon) {
        *colon++ = '\0';
    }
    (void)acc_buf_puts(out, "fromImage=");
    (void)acc_docker_escape(repo, out);
    (void)acc_buf_puts(out, "&tag=");
    (void)acc_docker_escape(digest ? digest : colon ? colon : "latest", out);
    if (op->platform) {
        (void)acc_buf_puts(out, "&platform=");
        (void)acc_docker_escape(op->platform, out);
    }
    free(repo);
    return out->failed ? -ENOMEM : 0;
}

static void send_pull(struct accd_op *op, const char *header)
{
    struct accd_op_send send = {.method = ACCD_HTTP_POST,
                                .header = header,
                                .idle_ms = ACCD_PULL_IDLE_MS,
                                .on_data = on_pull_data};
    struct acc_buf query;

    acc_buf_init(&query, ACCD_DOCKER_PATH_MAX);
    if (pull_query(op, &query) < 0) {
        finish_nomem(op);
    } else {
        (void)accd_op_send(op, &send, after_pull, "/images/create?%s", query.data);
    }
    acc_buf_fini(&query);
}

static void after_login(struct accd_op *op, const char *auth)
{
    struct acc_buf header;

    acc_buf_init(&header, ACCD_FILE_TEXT_MAX);
    if (auth && acc_buf_printf(&header, "X-Registry-Auth: %s", auth) < 0) {
        finish_nomem(op);
    } else {
        send_pull(op, header.data);
    }
    if (header.data) {
        memset(header.data, 0, header.len);
    }
    acc_buf_fini(&header);
}

void accd_docker_fetch(struct accd_op *op)
{
    free(op->pull);
    op->pull = malloc(sizeof(*op->pull));
    if (!op->pull) {
        finish_nomem(op);
        return;
    }
    acc_docker_pull_init(op->pull);
    accd_docker_login(op, op->name, after_login);
}

static void after_build(struct accd_op *op)
{
    struct accd_op_send send = {.limit_ms = ACCD_LOOKUP_LIMIT_MS};

    (void)send_named(op, &send, after_pull_check, "/images/", "/json");
}

static void miss_image(struct accd_op *op)
{
    if (op->build.argv) {
        accd_docker_build(op, after_build);
        return;
    }
    switch (op->pull_policy) {
    case ACC_PULL_MISSING:
    case ACC_PULL_ALWAYS:
    case ACC_PULL_REFRESH:
        accd_docker_fetch(op);
        return;
    case ACC_PULL_NEVER:
        finish_saying(op, ACC_OP_CONFIG,
                      "there is no image %s and pull_policy is never; pull or load it", op->name);
        return;
    case ACC_PULL_BUILD:
        finish_saying(
            op, ACC_OP_CONFIG,
            "there is no image %s, pull_policy is build, but there is no build: in the file",
            op->name);
        return;
    }
}

static int64_t now_ns(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void after_image_look(struct accd_op *op, const struct accd_http_reply *reply)
{
    struct acc_docker_image image;
    bool is_known;

    if (accd_op_judge(op, ACC_CALL_INSPECT, reply) == ACC_OP_GONE) {
        miss_image(op);
        return;
    }
    if (op->result != ACC_OP_OK) {
        accd_op_finish(op);
        return;
    }
    is_known = acc_docker_image_parse(reply->body, reply->body_len, &image) == 0;
    if (is_known && op->platform && !is_platform(&image, op->platform)) {
        miss_image(op);
    } else if (is_known && op->pull_policy == ACC_PULL_REFRESH &&
               acc_docker_image_is_old(&image, op->pull_every_ns, now_ns())) {
        accd_docker_fetch(op);
    } else {
        accd_op_finish_with(op, ACC_OP_OK, "");
    }
}

static void ensure_image(struct accd_op *op)
{
    struct accd_op_send send = {.limit_ms = ACCD_LOOKUP_LIMIT_MS};

    if (op->pull_policy == ACC_PULL_ALWAYS) {
        accd_docker_fetch(op);
    } else {
        (void)send_named(op, &send, after_image_look, "/images/", "/json");
    }
}

/* --- networks ------------------------------------------------------------------------------ */

static void list_networks(struct accd_op *op);

void accd_docker_next_network(struct accd_docker_call *call)
{
    for (struct accd_op *op = call->ops; op && !call->network_op; op = op->next) {
        if (op->is_waiting) {
            op->is_waiting = false;
            call->network_op = op;
            list_networks(op);
            return;
        }
    }
}

static void after_network_create(struct accd_op *op, const struct accd_http_reply *reply)
{
    enum acc_op_result result = accd_op_judge(op, ACC_CALL_NETWORK_CREATE, reply);
    struct acc_docker_name_item made;

    if (result != ACC_OP_OK && result != ACC_OP_CONFLICT) {
        accd_op_finish(op);
        return;
    }
    if (result == ACC_OP_OK && acc_docker_network_parse(reply->body, reply->body_len, &made) == 0 &&
        strlen(made.id) <= ACC_CID_LEN) {
        memcpy(op->network_id, made.id, strlen(made.id) + 1);
    }
    op->was_created = true;
    list_networks(op);
}

static void create_network(struct accd_op *op)
{
    struct accd_op_send send = {.method = ACCD_HTTP_POST,
                                .body = op->body,
                                .body_len = op->body_len,
                                .late_ms = ACCD_LATE_DEFAULT_MS};

    if (op->is_external) {
        finish_saying(op, ACC_OP_CONFIG,
                      "the network %s is external and does not exist; run: docker network "
                      "create %s",
                      op->name, op->name);
    } else if (op->was_created) {
        accd_op_finish_with(op, ACC_OP_FAILED, "the network was made and is not there");
    } else {
        (void)accd_op_send(op, &send, after_network_create, "/networks/create");
    }
}

static void after_duplicate(struct accd_op *op, const struct accd_http_reply *reply)
{
    (void)accd_op_judge(op, ACC_CALL_NETWORK_REMOVE, reply);
    list_networks(op);
}

/* Several of one name (below Engine 25): by name they are of no use. Ours goes. */
static void many_networks(struct accd_op *op, size_t n)
{
    struct accd_op_send send = {.method = ACCD_HTTP_DELETE, .late_ms = ACCD_LATE_DEFAULT_MS};

    if (op->was_created && op->network_id[0] && !op->is_duplicate) {
        op->is_duplicate = true;
        (void)accd_op_send(op, &send, after_duplicate, "/networks/%s", op->network_id);
        return;
    }
    finish_saying(op, ACC_OP_CONFIG,
                  "there are %zu networks of the name %s; remove those without containers: docker "
                  "network rm ID",
                  n, op->name);
}

static size_t count_exact(const struct accd_op *op, const struct acc_docker_names *names)
{
    size_t n = 0;

    for (size_t i = 0; i < names->n; i++) {
        n += strcmp(names->item[i].name, op->name) == 0;
    }
    return n;
}

static void after_networks(struct accd_op *op, const struct accd_http_reply *reply)
{
    struct acc_docker_names names;

    if (accd_op_judge(op, ACC_CALL_INSPECT, reply) != ACC_OP_OK) {
        accd_op_finish(op);
        return;
    }
    if (acc_docker_networks_parse(reply->body, reply->body_len, &names) < 0) {
        accd_op_finish_with(op, ACC_OP_FAILED, "Docker's list of networks can't be read");
        return;
    }
    size_t n = count_exact(op, &names);

    acc_docker_names_fini(&names);
    if (n == 0) {
        create_network(op);
    } else if (n > 1) {
        many_networks(op, n);
    } else {
        accd_op_finish_with(op, ACC_OP_OK, "");
    }
}

static void list_networks(struct accd_op *op)
{
    struct accd_op_send send = {.limit_ms = ACCD_LOOKUP_LIMIT_MS, .body_cap = ACC_DOCKER_BODY_MAX};

    (void)send_named(op, &send, after_networks, "/networks?filters=%7B%22name%22%3A%5B%22",
                     "%22%5D%7D");
}

static void ensure_network(struct accd_op *op)
{
    if (op->call->network_op) {
        op->is_waiting = true;
        return;
    }
    op->call->network_op = op;
    list_networks(op);
}

/* --- volumes ------------------------------------------------------------------------------- */

static void next_volume(struct accd_op *op);

/* Of a container that is made: its next volume; otherwise that was the operation. */
static void end_volume(struct accd_op *op)
{
    bool is_there = op->result == ACC_OP_OK || op->result == ACC_OP_NOT_MODIFIED;

    if (op->after_volumes && is_there) {
        op->i_volume++;
        next_volume(op);
    } else {
        accd_op_finish(op);
    }
}

static void after_volume_create(struct accd_op *op, const struct accd_http_reply *reply)
{
    (void)accd_op_judge(op, ACC_CALL_VOLUME_CREATE, reply);
    end_volume(op);
}

static void after_volume_look(struct accd_op *op, const struct accd_http_reply *reply)
{
    struct accd_op_send send = {.method = ACCD_HTTP_POST,
                                .body = op->body,
                                .body_len = op->body_len,
                                .late_ms = ACCD_LATE_DEFAULT_MS};

    if (accd_op_judge(op, ACC_CALL_INSPECT, reply) != ACC_OP_GONE) {
        end_volume(op);
    } else if (op->is_external) {
        finish_saying(op, ACC_OP_CONFIG,
                      "the volume %s is external and does not exist; run: docker volume create %s",
                      op->name, op->name);
    } else {
        (void)accd_op_send(op, &send, after_volume_create, "/volumes/create");
    }
}

static void ensure_volume(struct accd_op *op)
{
    struct accd_op_send send = {.limit_ms = ACCD_LOOKUP_LIMIT_MS};

    (void)send_named(op, &send, after_volume_look, "/volumes/", "");
}

/* --- both ---------------------------------------------------------------------------------- */

static int make_body(struct accd_op *op, const struct acc_stack *stack,
                     const struct acc_resource *resource)
{
    struct acc_docker_create_ctx ctx = {.api_minor = op->call->config.docker->api_minor};
    char hash[ACC_HASH_LEN + 1];
    struct acc_buf body;
    int r;

    if (resource->external || resource->kind == ACC_RES_IMAGE) {
        return 0;
    }
    acc_buf_init(&body, ACC_DOCKER_CREATE_MAX);
    if (resource->kind == ACC_RES_NETWORK) {
        r = acc_compose_network_hash(resource, hash);
        r = r < 0 ? r : acc_docker_network_body(stack, resource, &ctx, hash, &body);
    } else {
        r = acc_compose_volume_hash(resource, hash);
        r = r < 0 ? r : acc_docker_volume_body(stack, resource, &ctx, hash, &body);
    }
    if (r == 0) {
        op->body_len = body.len;
        op->body = acc_buf_take(&body);
        r = op->body ? 0 : -ENOMEM;
    }
    acc_buf_fini(&body);
    return r;
}

/* How to make the image, if a service says it. */
static int take_build(struct accd_op *op, const struct acc_stack *stack)
{
    for (size_t i = 0; i < stack->n_services; i++) {
        const struct acc_service_spec *service = &stack->services[i];

        if (service->has_build && strcmp(service->image, op->name) == 0) {
            int r = acc_arena_create(ACCD_BUILD_ARENA_MAX, &op->build_arena);

            return r < 0 ? r : acc_docker_build_make(stack, service, op->build_arena, &op->build);
        }
    }
    return 0;
}

/* Its name and how it is made, copied: the model may be replaced before the answers come. */
static int take_declared(struct accd_op *op, const struct acc_model *model,
                         const struct acc_resource *resource)
{
    op->is_external = resource->external;
    free(op->name);
    free(op->body);
    op->body = NULL;
    op->body_len = 0;
    op->name = strdup(resource->name);
    return op->name ? make_body(op, model->stacks[resource->stack], resource) : -ENOMEM;
}

/* Copy what is needed of the model: it may be replaced before the answers come. */
static int take_resource(struct accd_op *op, enum acc_resource_kind *ret_kind)
{
    const struct acc_model *model = op->call->config.model(op->call->config.ctx);
    const struct acc_resource *resource;
    int r;

    if (op->action.res >= model->n_resources) {
        return -ENOENT;
    }
    resource = model->resources[op->action.res];
    op->cid[0] = '\0';
    op->pull_policy = resource->pull_policy;
    op->pull_every_ns = resource->pull_every_ns;
    if (resource->platform) {
        op->platform = strdup(resource->platform);
    }
    if (resource->platform && !op->platform) {
        return -ENOMEM;
    }
    *ret_kind = resource->kind;
    r = take_declared(op, model, resource);
    return r == 0 && resource->kind == ACC_RES_IMAGE
               ? take_build(op, model->stacks[resource->stack])
               : r;
}

static void refuse(struct accd_op *op, int error)
{
    if (error == -ENOENT) {
        accd_op_finish_with(op, ACC_OP_FAILED, "it is not in the configuration");
    } else if (error == -ENOMEM) {
        finish_nomem(op);
    } else {
        finish_saying(op, ACC_OP_CONFIG, "the request for %s can't be made: %s", op->name,
                      strerror(-error));
    }
}

/* --- the volumes of a container that is made ------------------------------------------------- */

/* The next one of its service, or NULL. */
static const struct acc_resource *find_volume(struct accd_op *op, const struct acc_model *model,
                                              uint32_t svc)
{
    const struct acc_service_spec *service = model->services[svc];
    uint32_t base = model->resource_base[model->service_stack[svc]];

    for (; op->i_volume < service->n_resources; op->i_volume++) {
        const struct acc_resource *resource =
            model->resources[base + service->resources[op->i_volume]];

        if (resource->kind == ACC_RES_VOLUME) {
            return resource;
        }
    }
    return NULL;
}

static void next_volume(struct accd_op *op)
{
    const struct acc_model *model = op->call->config.model(op->call->config.ctx);
    bool is_ambiguous;
    uint32_t svc = acc_model_find(model, op->service_id, &is_ambiguous);
    const struct acc_resource *volume = svc == ACC_NONE ? NULL : find_volume(op, model, svc);
    int r = volume ? take_declared(op, model, volume) : 0;

    if (r < 0) {
        refuse(op, r);
    } else if (volume) {
        ensure_volume(op);
    } else {
        op->after_volumes(op);
    }
}

void accd_docker_ensure_volumes(struct accd_op *op, void (*after_volumes)(struct accd_op *op))
{
    op->after_volumes = after_volumes;
    op->i_volume = 0;
    next_volume(op);
}

/* --- all of them ----------------------------------------------------------------------------- */

void accd_docker_ensure(struct accd_op *op)
{
    enum acc_resource_kind kind;
    int r = take_resource(op, &kind);

    if (r < 0) {
        refuse(op, r);
        return;
    }
    switch (kind) {
    case ACC_RES_IMAGE:
        ensure_image(op);
        return;
    case ACC_RES_NETWORK:
        ensure_network(op);
        return;
    case ACC_RES_VOLUME:
        ensure_volume(op);
        return;
    }
}

static void after_network_remove(struct accd_op *op, const struct accd_http_reply *reply)
{
    (void)accd_op_judge(op, ACC_CALL_NETWORK_REMOVE, reply);
    accd_op_finish(op);
}

static void after_volume_remove(struct accd_op *op, const struct accd_http_reply *reply)
{
    (void)accd_op_judge(op, ACC_CALL_VOLUME_REMOVE, reply);
    accd_op_finish(op);
}

void accd_docker_unensure(struct accd_op *op)
{
    struct accd_op_send send = {.method = ACCD_HTTP_DELETE, .late_ms = ACCD_LATE_DEFAULT_MS};
    enum acc_resource_kind kind;
    int r = take_resource(op, &kind);

    if (r < 0) {
        refuse(op, r);
    } else if (op->is_external) {
        accd_op_finish_with(op, ACC_OP_NOT_MODIFIED, "it is external and stays");
    } else if (kind == ACC_RES_NETWORK) {
        (void)send_named(op, &send, after_network_remove, "/networks/", "");
    } else if (kind == ACC_RES_VOLUME) {
        (void)send_named(op, &send, after_volume_remove, "/volumes/", "");
    } else {
        accd_op_finish_with(op, ACC_OP_NOT_MODIFIED, "accd removes no images");
    }
}
