/*
 * CREATE and START: a service of the model -> a container that runs.
 *
 * CREATE: what is the image's id now -> its volumes -> create -> connect the further networks
 * (below API 1.44 create takes one) -> look, and compare the image. A container that is not whole
 * is removed again.
 */

#include "daemon/out/docker_op.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/log.h"
#include "lib/base/buf.h"
#include "lib/codec/docker_request.h"
#include "lib/compose/compose.h"
#include "lib/model/api_socket.h"

/* What the codec asks back while it makes a body. */
struct resolver {
    struct accd_docker_call *call;
    const char *stack;
    struct acc_buf file; /* the last text given */
};

static uint32_t find_in_stack(const struct resolver *resolver, const char *service)
{
    char id[2 * ACC_NAME_MAX + 2];
    bool is_ambiguous;
    int n = snprintf(id, sizeof(id), "%s/%s", resolver->stack, service);

    if (n < 0 || (size_t)n >= sizeof(id)) {
        return ACC_NONE;
    }
    return acc_model_find(resolver->call->config.model(resolver->call->config.ctx), id,
                          &is_ambiguous);
}

static const char *container_id(void *ctx, const char *service)
{
    struct resolver *resolver = ctx;
    uint32_t svc = find_in_stack(resolver, service);

    return svc == ACC_NONE ? NULL
                           : resolver->call->config.container_id(resolver->call->config.ctx, svc);
}

static const char *container_name(void *ctx, const char *service)
{
    struct resolver *resolver = ctx;
    uint32_t svc = find_in_stack(resolver, service);

    return svc == ACC_NONE ? NULL
                           : resolver->call->config.container_name(resolver->call->config.ctx, svc);
}

/* A seccomp profile: small, local, and needed before the request can be made. */
static const char *file_text(void *ctx, const char *path)
{
    struct resolver *resolver = ctx;
    char block[8192];
    ssize_t n = -1;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

    acc_buf_reset(&resolver->file);
    (void)acc_buf_puts(&resolver->file, "");
    while (fd >= 0 && (n = read(fd, block, sizeof(block))) > 0 &&
           acc_buf_append(&resolver->file, block, (size_t)n) == 0) {
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return n == 0 && resolver->file.data ? resolver->file.data : NULL;
}

static const char *first_error(const struct acc_diags *diags)
{
    for (size_t i = 0; i < diags->n; i++) {
        if (diags->item[i].severity == ACC_SEVERITY_ERROR) {
            return diags->item[i].text;
        }
    }
    return "its configuration can't be turned into a container";
}

int accd_op_make(struct accd_op *op, uint32_t svc, const char *name, const char *image_id,
                 struct acc_docker_create *ret_create)
{
    struct accd_docker_call *call = op->call;
    const struct acc_model *model = accd_op_model(op);
    const struct acc_service_spec *service = model->services[svc];
    const struct acc_stack *stack = model->stacks[model->service_stack[svc]];
    struct resolver resolver = {.call = call, .stack = stack->name};
    struct acc_diags *diags = calloc(1, sizeof(*diags));
    char hash[ACC_HASH_LEN + 1], op_text[24], revision[16];
    struct acc_docker_create_ctx ctx = {
        .api_minor = call->config.docker->api_minor,
        .number = op->action.slot,
        .name = name,
        .config_hash = hash,
        .image_id = image_id,
        .image = op->reference,
        .op = op_text,
        .revision = op->action.revision ? revision : NULL,
        .heirs = op->heirs,
        .image_volumes = op->image_volumes,
        .unrouted = op->action.unrouted,
        .reconnect = op->action.type == ACC_ACT_ROUTE,
        .container_id = container_id,
        .container_name = container_name,
        .file_text = file_text,
        .resolver = &resolver,
    };
    struct acc_buf credentials;
    int r = diags ? 0 : -ENOMEM;

    acc_buf_init(&resolver.file, ACCD_FILE_TEXT_MAX);
    acc_buf_init(&credentials, ACCD_FILE_TEXT_MAX);
    if (acc_api_socket_used(service->node) && call->config.credentials) {
        call->config.credentials(call->config.ctx, &credentials);
        ctx.credentials = credentials.data;
    }
    (void)snprintf(op_text, sizeof(op_text), "%" PRIu64, op->action.op);
    (void)snprintf(revision, sizeof(revision), "%u", (unsigned)op->action.revision);
    if (r == 0) {
        r = acc_compose_service_hash(service, container_id, &resolver, hash);
    }
    if (r == 0) {
        r = acc_docker_create_make(stack, service, &ctx, ret_create, diags);
    }
    (void)snprintf(op->message, sizeof(op->message), "%s",
                   r == -ENOMEM                           ? "accd is out of memory"
                   : r == -ENOENT && diags->n_errors == 0 ? "a container that it refers to does "
                                                            "not exist"
                   : r < 0                                ? first_error(diags)
                                                          : "");
    if (credentials.data) {
        memset(credentials.data, 0, credentials.len);
    }
    acc_buf_fini(&credentials);
    acc_buf_fini(&resolver.file);
    free(diags);
    return r;
}

bool accd_op_has_hash(struct accd_op *op, uint32_t svc, const char *config_hash)
{
    struct accd_docker_call *call = op->call;
    const struct acc_model *model = accd_op_model(op);
    struct resolver resolver = {.call = call, .stack = model->services[svc]->stack};
    char hash[ACC_HASH_LEN + 1];

    return acc_compose_service_hash(model->services[svc], container_id, &resolver, hash) == 0 &&
           strcmp(hash, config_hash) == 0;
}

/* --- CREATE -------------------------------------------------------------------------------- */

static void after_undo(struct accd_op *op, const struct accd_http_reply *reply)
{
    if (reply->error != ACCD_HTTP_OK || (reply->status >= 400 && reply->status != 404)) {
        accd_log(ACCD_LOG_WARNING, "container %.12s, half made, could not be removed", op->cid);
    }
    accd_op_look_and_finish(op);
}

/* Result and message are those of what went wrong. */
static void undo(struct accd_op *op)
{
    struct accd_op_send send = {.method = ACCD_HTTP_DELETE, .late_ms = ACCD_LATE_REMOVE_MS};

    if (op->result == ACC_OP_LOST) {
        accd_op_finish(op); /* the resync finds it by its label */
        return;
    }
    (void)accd_op_send(op, &send, after_undo, "/containers/%s?force=1&v=1", op->cid);
}

static bool is_same_image(const struct accd_op *op, const char *image_id)
{
    return op->call->config.docker->is_podman || strcmp(op->image_id, image_id) == 0;
}

static void on_made(void *ctx, enum accd_look_result result, const struct accd_container *container)
{
    struct accd_op *op = ctx;

    if (result == ACCD_LOOK_SEEN && !is_same_image(op, container->obs->image_id)) {
        op->result = ACC_OP_FAILED;
        (void)snprintf(op->message, sizeof(op->message),
                       "the tag was moved to another image "
                       "while the container was made");
        undo(op);
        return;
    }
    accd_op_finish(op);
}

static void connect_next(struct accd_op *op);

static void after_connect(struct accd_op *op, const struct accd_http_reply *reply)
{
    enum acc_op_result result = accd_op_judge(op, ACC_CALL_CONNECT, reply);

    if (result == ACC_OP_OK || result == ACC_OP_NOT_MODIFIED) {
        op->i_connect++;
        connect_next(op);
        return;
    }
    if (result == ACC_OP_GONE) {
        op->result = ACC_OP_START; /* the network; the container is there */
    }
    undo(op);
}

static void connect_next(struct accd_op *op)
{
    if (op->i_connect == op->create.n_connects) {
        acc_docker_create_fini(&op->create);
        op->result = ACC_OP_OK;
        op->message[0] = '\0';
        if (accd_inspector_look(op->call->config.inspector, op->cid, ACCD_LOOK_FRESH, on_made, op) <
            0) {
            accd_op_finish(op);
        }
        return;
    }
    accd_op_connect(op, true, after_connect);
}

static void after_create(struct accd_op *op, const struct accd_http_reply *reply)
{
    char message[ACC_DOCKER_ERROR_MAX + 1];

    if (accd_op_judge(op, ACC_CALL_CREATE, reply) != ACC_OP_OK) {
        if (op->result == ACC_OP_CONFLICT) {
            acc_docker_message(reply->status, reply->body, reply->body_len, message,
                               sizeof(message));
            (void)acc_docker_conflict_holder(message, op->cid);
        }
        accd_op_look_and_finish(op);
        return;
    }
    if (acc_docker_id_parse(reply->body, reply->body_len, op->cid) < 0) {
        accd_op_finish_with(op, ACC_OP_LOST, "Docker's answer to create can't be read");
        return;
    }
    connect_next(op);
}

static void send_create(struct accd_op *op)
{
    struct accd_op_send send = {.method = ACCD_HTTP_POST,
                                .body = op->create.body,
                                .body_len = op->create.body_len,
                                .late_ms = ACCD_LATE_CREATE_MS};

    if (accd_op_send(op, &send, after_create, "/containers/create?%s", op->create.query) < 0) {
        return;
    }
    free(op->create.body); /* the request has its copy; it holds secrets and may be large */
    op->create.body = NULL;
    op->create.body_len = 0;
}

/* Docker would make a volume that somebody has removed since by its name alone, without the driver,
 * the options and the labels of its file, and say nothing. (A network that is gone it names.) */
static void after_volumes(struct accd_op *op)
{
    const struct acc_model *model = op->call->config.model(op->call->config.ctx);
    bool is_ambiguous;
    uint32_t svc = acc_model_find(model, op->service_id, &is_ambiguous);

    if (svc == ACC_NONE) {
        accd_op_finish_with(op, ACC_OP_FAILED, "it has left the configuration meanwhile");
    } else if (accd_op_make(op, svc, op->action.name, op->image_id, &op->create) < 0) {
        op->result = ACC_OP_CONFIG;
        accd_op_finish(op);
    } else {
        send_create(op);
    }
}

static void look_at_image(struct accd_op *op);

static void after_repull(struct accd_op *op)
{
    look_at_image(op);
}

/* The reference means something else by now, or nothing: what counts is the image that was decided
 * on. True: it is being looked at. */
static bool try_by_id(struct accd_op *op)
{
    if (!op->action.image_id[0] || (op->is_by_id && (op->was_repulled || !op->action.digest[0]))) {
        return false;
    }
    if (op->is_by_id) { /* somebody pruned it */
        const struct acc_model *model = op->call->config.model(op->call->config.ctx);
        const char *reference = op->action.svc < model->n_services && !op->action.image[0]
                                    ? model->services[op->action.svc]->image
                                    : op->action.image;

        op->was_repulled = true;
        op->name = accd_image_by_digest(reference, op->action.digest);
        op->pulled = after_repull;
        if (!op->name) {
            return false;
        }
        accd_docker_fetch(op);
        return true;
    }
    op->is_by_id = true;
    free(op->reference);
    op->reference = strdup(op->action.image_id);
    if (!op->reference) {
        return false;
    }
    look_at_image(op);
    return true;
}

static void after_image(struct accd_op *op, const struct accd_http_reply *reply)
{
    struct acc_docker_image image;

    if (accd_op_judge(op, ACC_CALL_INSPECT, reply) != ACC_OP_OK) {
        if (op->result == ACC_OP_GONE && try_by_id(op)) {
            return;
        }
        if (op->result == ACC_OP_GONE) {
            op->result = ACC_OP_CONFIG; /* the image, not the container */
        }
        accd_op_finish(op);
        return;
    }
    if (acc_docker_image_parse(reply->body, reply->body_len, &image) < 0) {
        accd_op_finish_with(op, ACC_OP_FAILED, "Docker's description of its image can't be read");
        return;
    }
    if (op->action.image_id[0] && strcmp(op->action.image_id, image.id) != 0 && !op->is_by_id &&
        try_by_id(op)) {
        return;
    }
    memcpy(op->image_id, image.id, sizeof(op->image_id));
    free(op->image_volumes);
    op->image_volumes = strdup(image.volumes);
    if (!op->image_volumes) {
        accd_op_finish_with(op, ACC_OP_FAILED, "accd is out of memory");
        return;
    }
    accd_docker_ensure_volumes(op, after_volumes);
}

static void look_at_image(struct accd_op *op)
{
    struct accd_op_send send = {.limit_ms = ACCD_LOOKUP_LIMIT_MS};
    struct acc_buf image;

    acc_buf_init(&image, ACCD_DOCKER_PATH_MAX);
    if (acc_docker_escape(op->reference, &image) < 0) {
        accd_op_finish_with(op, ACC_OP_FAILED, "accd is out of memory");
    } else {
        (void)accd_op_send(op, &send, after_image, "/images/%s/json", image.data);
    }
    acc_buf_fini(&image);
}

void accd_docker_make(struct accd_op *op)
{
    const struct acc_model *model = op->call->config.model(op->call->config.ctx);
    char heirs[ACC_OBS_VOLUMES_MAX + 1] = "";

    op->cid[0] = '\0';
    if (op->action.svc >= model->n_services) {
        accd_op_finish_with(op, ACC_OP_FAILED, "it is not in the configuration");
        return;
    }
    if (op->call->config.heirs) {
        op->call->config.heirs(op->call->config.ctx, op->action.svc, op->action.slot, heirs);
    }
    op->heirs = strdup(heirs);
    op->service_id = strdup(model->services[op->action.svc]->id);
    op->reference = strdup(op->action.image[0] ? op->action.image
                                               : model->services[op->action.svc]->image);
    if (!op->service_id || !op->reference || !op->heirs) {
        accd_op_finish_with(op, ACC_OP_FAILED, "accd is out of memory");
    } else {
        look_at_image(op);
    }
}

/* --- START --------------------------------------------------------------------------------- */

static void after_start(struct accd_op *op, const struct accd_http_reply *reply)
{
    (void)accd_op_judge(op, ACC_CALL_START, reply);
    accd_op_look_and_finish(op);
}

static void send_start(struct accd_op *op)
{
    struct accd_op_send send = {.method = ACCD_HTTP_POST, .late_ms = ACCD_LATE_START_MS};

    (void)accd_op_send(op, &send, after_start, "/containers/%s/start", op->cid);
}

static void after_archive(struct accd_op *op, const struct accd_http_reply *reply)
{
    if (accd_op_judge(op, ACC_CALL_ARCHIVE, reply) == ACC_OP_OK) {
        send_start(op);
    } else {
        accd_op_look_and_finish(op);
    }
}

static void put_files(struct accd_op *op, const struct acc_docker_create *create)
{
    struct accd_op_send send = {.method = ACCD_HTTP_PUT,
                                .header = "Content-Type: application/x-tar",
                                .late_ms = ACCD_LATE_CREATE_MS};
    struct acc_buf tar;

    acc_buf_init(&tar, ACC_DOCKER_CREATE_MAX);
    if (acc_docker_archive_make(create->files, create->n_files, &tar) < 0) {
        accd_op_finish_with(op, ACC_OP_CONFIG, "its secrets and configs can't be put into it");
    } else {
        send.body = tar.data;
        send.body_len = tar.len;
        (void)accd_op_send(op, &send, after_archive, "/containers/%s/archive?path=%%2F", op->cid);
    }
    acc_buf_fini(&tar);
}

static bool has_files(const struct accd_op *op)
{
    const struct acc_model *model = op->call->config.model(op->call->config.ctx);

    if (op->action.svc >= model->n_services) {
        return false;
    }
    const struct acc_node *node = model->services[op->action.svc]->node;

    return acc_node_get(node, "secrets") || acc_node_get(node, "configs") ||
           acc_api_socket_used(node);
}

/* What an older file made of it keeps what was put in then: that is what it is gone back to for. */
static bool is_of_another_file(const struct accd_op *op, const struct acc_obs *obs)
{
    const struct acc_model *model = op->call->config.model(op->call->config.ctx);

    return obs->spec_hash[0] &&
           strcmp(obs->spec_hash, model->services[op->action.svc]->spec_hash) != 0;
}

/* Secrets and configs made of content or environment are in no image and no mount: they are put in
 * before every start, as Compose does. */
void accd_docker_start_op(struct accd_op *op)
{
    struct acc_docker_create create;
    struct accd_container container;

    if (!has_files(op) || !accd_inspector_get(op->call->config.inspector, op->cid, &container) ||
        is_of_another_file(op, container.obs)) {
        send_start(op);
        return;
    }
    if (accd_op_make(op, op->action.svc, container.obs->name, container.obs->image_id, &create) <
        0) {
        op->result = ACC_OP_CONFIG;
        accd_op_finish(op);
        return;
    }
    if (create.n_files > 0) {
        put_files(op, &create);
    } else {
        send_start(op);
    }
    acc_docker_create_fini(&create);
}
