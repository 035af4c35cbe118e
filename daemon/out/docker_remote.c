/* What a registry has: asked by Docker, with our credentials, without a pull. */

#include "daemon/out/docker_call.h"
#include "daemon/out/docker_op.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/codec/docker_request.h"

static void after_login(struct accd_op *op, const char *auth)
{
    struct accd_op_send send = {.limit_ms = ACCD_LOOKUP_LIMIT_MS};
    struct acc_buf header, name;

    op->had_login = auth != NULL;
    acc_buf_init(&header, ACCD_FILE_TEXT_MAX);
    acc_buf_init(&name, ACCD_DOCKER_PATH_MAX);
    if ((auth && acc_buf_printf(&header, "X-Registry-Auth: %s", auth) < 0) ||
        acc_docker_escape(op->reference, &name) < 0) {
        accd_op_finish_with(op, ACC_OP_FAILED, "accd is out of memory");
    } else {
        send.header = header.data;
        (void)accd_op_send(op, &send, op->after_distribution, "/distribution/%s/json", name.data);
    }
    if (header.data) {
        memset(header.data, 0, header.len);
    }
    acc_buf_fini(&header);
    acc_buf_fini(&name);
}

void accd_docker_distribution(struct accd_op *op,
                              void (*after)(struct accd_op *op,
                                            const struct accd_http_reply *reply))
{
    op->after_distribution = after;
    accd_docker_login(op, op->reference, after_login);
}

/* --- beside the engine ---------------------------------------------------------------------- */

void accd_docker_tell_remote(struct accd_op *op)
{
    struct acc_image_look look = op->look;
    void (*on_remote)(void *ctx, const struct acc_image_look *look) = op->on_remote;
    void *ctx = op->ctx;

    if (op->result != ACC_OP_OK) {
        look.state = ACC_IMAGE_UNKNOWN;
        look.fault = op->fault;
        memcpy(look.reason, op->message, sizeof(look.reason));
    }
    accd_op_free(op);
    on_remote(ctx, &look);
}

static void after_remote(struct accd_op *op, const struct accd_http_reply *reply)
{
    char digest[ACC_HASH_LEN + 8];

    if (accd_op_judge_registry(op, reply) != ACC_OP_OK) {
        accd_op_finish(op);
    } else if (acc_docker_distribution_parse(reply->body, reply->body_len, digest) < 0 ||
               acc_image_compare(op->inspect, op->inspect_len, op->reference, op->known, digest,
                                 &op->look) < 0) {
        accd_op_finish_with(op, ACC_OP_FAILED, "the registry's answer can't be read");
    } else {
        accd_op_finish_with(op, ACC_OP_OK, "");
    }
}

static void after_image(struct accd_op *op, const struct accd_http_reply *reply)
{
    if (accd_op_judge(op, ACC_CALL_INSPECT, reply) == ACC_OP_GONE) {
        accd_op_finish_with(op, ACC_OP_GONE, "its image was removed from this host");
        return;
    }
    if (op->result != ACC_OP_OK) {
        accd_op_finish(op);
        return;
    }
    op->inspect = malloc(reply->body_len + 1);
    if (!op->inspect || acc_image_compare(reply->body, reply->body_len, op->reference, op->known,
                                          "", &op->look) < 0) {
        accd_op_finish_with(op, ACC_OP_FAILED, "Docker's description of the image can't be read");
    } else if (!op->look.running[0]) { /* no registry is known to have it */
        accd_op_finish_with(op, ACC_OP_OK, "");
    } else {
        memcpy(op->inspect, reply->body, reply->body_len);
        op->inspect_len = reply->body_len;
        accd_docker_distribution(op, after_remote);
    }
}

int accd_docker_call_remote(struct accd_docker_call *call, const struct acc_outdated_row *row,
                            void (*on_remote)(void *ctx, const struct acc_image_look *look),
                            void *ctx)
{
    struct acc_action action = {.type = ACC_ACT_INSPECT, .svc = ACC_NONE, .res = ACC_NONE};
    struct accd_op_send send = {.limit_ms = ACCD_LOOKUP_LIMIT_MS};
    struct accd_op *op = accd_op_create(call, &action);

    if (!op) {
        return -ENOMEM;
    }
    op->reference = strdup(row->image);
    if (row->known_digest[0]) {
        op->known = accd_image_by_digest(row->known_image, row->known_digest);
    }
    if (!op->reference || (row->known_digest[0] && !op->known)) {
        accd_op_free(op);
        return -ENOMEM;
    }
    op->on_remote = on_remote;
    op->ctx = ctx;
    (void)accd_op_send(op, &send, after_image, "/images/%s/json", row->image_id);
    return 0;
}
