/*
 * PULL and RENAME: what an upgrade needs besides the container's own operations.
 *
 * PULL: ask the registry what the reference means now, fetch exactly that (by digest: the tag may
 * move while the layers come), then give it the reference. An image that never came from a registry
 * (built or loaded here) is taken as it is. Where only the file has changed no registry is asked.
 */

#include "daemon/out/docker_op.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/codec/docker_request.h"

/* Where the tag or digest of a reference begins; its end when it has none. */
static size_t repo_len(const char *reference)
{
    const char *at = strchr(reference, '@');
    const char *slash = strrchr(reference, '/');
    const char *colon = strchr(slash ? slash : reference, ':');

    at = at && (!colon || at < colon) ? at : colon;
    return at ? (size_t)(at - reference) : strlen(reference);
}

char *accd_image_by_digest(const char *reference, const char *digest)
{
    size_t len = repo_len(reference);
    char *name = malloc(len + strlen(digest) + 2);

    if (name) {
        memcpy(name, reference, len);
        (void)snprintf(name + len, strlen(digest) + 2, "@%s", digest);
    }
    return name;
}

static void finish_nomem(struct accd_op *op)
{
    accd_op_finish_with(op, ACC_OP_FAILED, "accd is out of memory");
}

static void look_at(struct accd_op *op, const char *image,
                    void (*step)(struct accd_op *op, const struct accd_http_reply *reply))
{
    struct accd_op_send send = {.limit_ms = ACCD_LOOKUP_LIMIT_MS};
    struct acc_buf name;

    acc_buf_init(&name, ACCD_DOCKER_PATH_MAX);
    if (acc_docker_escape(image, &name) < 0) {
        finish_nomem(op);
    } else {
        (void)accd_op_send(op, &send, step, "/images/%s/json", name.data);
    }
    acc_buf_fini(&name);
}

/* How the registry of its own reference calls it, in `ret_look->running`. */
static bool came_from_there(const struct accd_op *op, const struct accd_http_reply *reply,
                            struct acc_image_look *ret_look)
{
    return acc_image_compare(reply->body, reply->body_len, op->reference, NULL, "", ret_look) ==
               0 &&
           ret_look->running[0];
}

/* The answer: the id, and the digest as its message. */
static void finish_with(struct accd_op *op, const struct acc_docker_image *image)
{
    memcpy(op->image_id, image->id, sizeof(op->image_id));
    accd_op_finish_with(op, ACC_OP_OK, op->digest);
}

static void after_check(struct accd_op *op, const struct accd_http_reply *reply)
{
    struct acc_docker_image image;

    if (accd_op_judge(op, ACC_CALL_INSPECT, reply) != ACC_OP_OK) {
        op->result = op->result == ACC_OP_GONE ? ACC_OP_FAILED : op->result;
        accd_op_finish(op);
    } else if (acc_docker_image_parse(reply->body, reply->body_len, &image) < 0) {
        accd_op_finish_with(op, ACC_OP_FAILED, "Docker's description of the image can't be read");
    } else {
        finish_with(op, &image);
    }
}

static void after_tag(struct accd_op *op, const struct accd_http_reply *reply)
{
    if (accd_op_judge(op, ACC_CALL_INSPECT, reply) != ACC_OP_OK) {
        accd_op_finish(op);
    } else {
        look_at(op, op->name, after_check);
    }
}

/* A reference by digest needs no tag. */
static void tag_it(struct accd_op *op)
{
    struct accd_op_send send = {.method = ACCD_HTTP_POST, .late_ms = ACCD_LATE_DEFAULT_MS};
    size_t len = repo_len(op->reference);
    struct acc_buf path;
    char *repo = strndup(op->reference, len);

    acc_buf_init(&path, ACCD_DOCKER_PATH_MAX);
    if (op->reference[len] == '@') {
        look_at(op, op->name, after_check);
    } else if (!repo || acc_docker_escape(op->name, &path) < 0 ||
               acc_buf_puts(&path, "/tag?repo=") < 0 || acc_docker_escape(repo, &path) < 0 ||
               acc_buf_printf(&path, "&tag=") < 0 ||
               acc_docker_escape(op->reference[len] ? op->reference + len + 1 : "latest", &path) <
                   0) {
        finish_nomem(op);
    } else {
        (void)accd_op_send(op, &send, after_tag, "/images/%s", path.data);
    }
    acc_buf_fini(&path);
    free(repo);
}

static void fetch(struct accd_op *op, const char *digest)
{
    free(op->name);
    op->name = accd_image_by_digest(op->reference, digest);
    op->pulled = tag_it;
    if (!op->name) {
        finish_nomem(op);
    } else {
        accd_docker_fetch(op);
    }
}

static void after_distribution(struct accd_op *op, const struct accd_http_reply *reply)
{
    if (accd_op_judge_registry(op, reply) != ACC_OP_OK) {
        accd_op_finish(op);
    } else if (acc_docker_distribution_parse(reply->body, reply->body_len, op->digest) < 0) {
        accd_op_finish_with(op, ACC_OP_FAILED, "the registry's answer can't be read");
    } else {
        fetch(op, op->digest);
    }
}

static bool is_local_only(const struct accd_op *op)
{
    return op->pull_policy == ACC_PULL_NEVER || op->pull_policy == ACC_PULL_BUILD;
}

static void after_local(struct accd_op *op, const struct accd_http_reply *reply)
{
    struct acc_docker_image image;
    struct acc_image_look look;
    enum acc_op_result result = accd_op_judge(op, ACC_CALL_INSPECT, reply);

    if (result != ACC_OP_OK && result != ACC_OP_GONE) {
        accd_op_finish(op);
    } else if (result == ACC_OP_GONE && is_local_only(op)) {
        accd_op_finish_with(op, ACC_OP_CONFIG, "there is no such image here, and it isn't pulled");
    } else if (result == ACC_OP_OK &&
               acc_docker_image_parse(reply->body, reply->body_len, &image) == 0 &&
               (is_local_only(op) || !came_from_there(op, reply, &look))) {
        finish_with(op, &image);
    } else {
        accd_docker_distribution(op, after_distribution);
    }
}

/* It is known which one: an older revision. */
static void after_known(struct accd_op *op, const struct accd_http_reply *reply)
{
    struct acc_docker_image image;
    enum acc_op_result result = accd_op_judge(op, ACC_CALL_INSPECT, reply);

    if (result == ACC_OP_OK && acc_docker_image_parse(reply->body, reply->body_len, &image) == 0) {
        finish_with(op, &image);
    } else if (result == ACC_OP_GONE && op->digest[0]) {
        fetch(op, op->digest);
    } else if (result == ACC_OP_GONE) {
        accd_op_finish_with(op, ACC_OP_CONFIG,
                            "its image was removed, and no registry is known to have it");
    } else {
        accd_op_finish(op);
    }
}

/* The file's own reference: what it needs was ensured before, and may have been pruned since. */
static void after_ensured(struct accd_op *op, const struct accd_http_reply *reply)
{
    struct acc_docker_image image;
    struct acc_image_look look;
    enum acc_op_result result = accd_op_judge(op, ACC_CALL_INSPECT, reply);

    if (result == ACC_OP_GONE) {
        accd_op_finish_with(op, op->action.is_local ? ACC_OP_GONE : ACC_OP_CONFIG,
                            "its image was removed meanwhile");
    } else if (result != ACC_OP_OK) {
        accd_op_finish(op);
    } else if (acc_docker_image_parse(reply->body, reply->body_len, &image) < 0) {
        accd_op_finish_with(op, ACC_OP_FAILED, "Docker's description of the image can't be read");
    } else {
        if (came_from_there(op, reply, &look)) {
            memcpy(op->digest, look.running, sizeof(op->digest));
        }
        finish_with(op, &image);
    }
}

static bool take(struct accd_op *op)
{
    const struct acc_model *model = op->call->config.model(op->call->config.ctx);
    const struct acc_service_spec *service = model->services[op->action.svc];

    op->cid[0] = '\0';
    op->pull_policy = service->has_build && service->pull_policy == ACC_PULL_MISSING
                          ? ACC_PULL_BUILD
                          : service->pull_policy;
    op->reference = strdup(op->action.image[0] ? op->action.image : service->image);
    op->platform = service->platform ? strdup(service->platform) : NULL;
    memcpy(op->digest, op->action.digest, sizeof(op->digest));
    return op->reference && (op->platform || !service->platform);
}

static void after_build(struct accd_op *op)
{
    look_at(op, op->reference, after_ensured);
}

/* True: it is made anew, or that has failed. */
static bool build(struct accd_op *op)
{
    const struct acc_model *model = op->call->config.model(op->call->config.ctx);
    const struct acc_service_spec *service = model->services[op->action.svc];
    const struct acc_stack *stack = model->stacks[model->service_stack[op->action.svc]];

    if (!op->action.is_build || !service->has_build) {
        return false;
    }
    op->name = strdup(op->reference);
    if (!op->name || acc_arena_create(ACCD_BUILD_ARENA_MAX, &op->build_arena) < 0 ||
        acc_docker_build_make(stack, service, op->build_arena, &op->build) < 0) {
        finish_nomem(op);
    } else {
        accd_docker_build(op, after_build);
    }
    return true;
}

static void begin(struct accd_op *op)
{
    if (build(op)) {
        return;
    }
    if (op->action.image_id[0]) {
        look_at(op, op->action.image_id, after_known);
    } else if (op->digest[0]) { /* exactly this one, whatever the tag means by now */
        fetch(op, op->digest);
    } else if (op->action.is_local) {
        look_at(op, op->reference, after_ensured);
    } else {
        look_at(op, op->reference, after_local);
    }
}

/* What runs may be pruned before it is wanted back: then its digest is all that helps. */
static void after_from(struct accd_op *op, const struct accd_http_reply *reply)
{
    struct acc_image_look look;

    if (accd_op_judge(op, ACC_CALL_INSPECT, reply) == ACC_OP_OK &&
        came_from_there(op, reply, &look)) {
        memcpy(op->from_digest, look.running, sizeof(op->from_digest));
    }
    begin(op);
}

void accd_docker_pull(struct accd_op *op)
{
    const struct acc_model *model = op->call->config.model(op->call->config.ctx);

    if (op->action.svc >= model->n_services) {
        accd_op_finish_with(op, ACC_OP_FAILED, "it is not in the configuration");
    } else if (!take(op)) {
        finish_nomem(op);
    } else if (op->action.from_id[0]) {
        look_at(op, op->action.from_id, after_from);
    } else {
        begin(op);
    }
}

/* --- RENAME -------------------------------------------------------------------------------- */

static void after_rename(struct accd_op *op, const struct accd_http_reply *reply)
{
    (void)accd_op_judge(op, ACC_CALL_RENAME, reply);
    accd_op_look_and_finish(op);
}

void accd_docker_rename(struct accd_op *op)
{
    struct accd_op_send send = {.method = ACCD_HTTP_POST, .late_ms = ACCD_LATE_UPDATE_MS};
    struct acc_buf name;

    acc_buf_init(&name, ACCD_DOCKER_PATH_MAX);
    if (acc_docker_escape(op->action.name, &name) < 0) {
        finish_nomem(op);
    } else {
        (void)accd_op_send(op, &send, after_rename, "/containers/%s/rename?name=%s", op->cid,
                           name.data);
    }
    acc_buf_fini(&name);
}
