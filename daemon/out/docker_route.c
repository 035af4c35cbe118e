/*
 * ROUTE: a container that runs gets the names of its service on its networks.
 *
 * Docker takes aliases only with a connect, so it is taken off each network first. The main one
 * comes last: as long as that lacks the names, all of it is done again.
 */

#include "daemon/out/docker_op.h"

#include "lib/base/buf.h"
#include "lib/codec/docker_request.h"

void accd_op_connect(struct accd_op *op, bool on,
                     void (*step)(struct accd_op *op, const struct accd_http_reply *reply))
{
    const struct acc_docker_connect *connect = &op->create.connects[op->i_connect];
    struct accd_op_send send = {.method = ACCD_HTTP_POST, .late_ms = ACCD_LATE_DEFAULT_MS};
    struct acc_buf body, name;
    int r;

    acc_buf_init(&body, ACC_DOCKER_CREATE_MAX);
    acc_buf_init(&name, ACCD_DOCKER_PATH_MAX);
    (void)acc_docker_escape(connect->network, &name);
    r = on ? acc_docker_connect_body(connect, op->cid, &body)
           : acc_docker_disconnect_body(op->cid, &body);
    if (r < 0 || name.failed) {
        accd_op_finish_with(op, ACC_OP_FAILED, "accd is out of memory");
    } else {
        send.body = body.data;
        send.body_len = body.len;
        (void)accd_op_send(op, &send, step, "/networks/%s/%s", name.data,
                           on ? "connect" : "disconnect");
    }
    acc_buf_fini(&body);
    acc_buf_fini(&name);
}

static void next(struct accd_op *op);

static void after_on(struct accd_op *op, const struct accd_http_reply *reply)
{
    enum acc_op_result result = accd_op_judge(op, ACC_CALL_CONNECT, reply);

    if (result == ACC_OP_OK || result == ACC_OP_NOT_MODIFIED) {
        op->i_connect++;
        next(op);
        return;
    }
    if (result == ACC_OP_GONE) {
        op->result = ACC_OP_START; /* the network; a look tells about the container */
    }
    accd_op_look_and_finish(op);
}

/* It may be off already: an earlier try ended between the two. */
static void after_off(struct accd_op *op, const struct accd_http_reply *reply)
{
    if (accd_op_judge(op, ACC_CALL_CONNECT, reply) == ACC_OP_LOST) {
        accd_op_finish(op);
    } else {
        accd_op_connect(op, true, after_on);
    }
}

static void next(struct accd_op *op)
{
    if (op->i_connect < op->create.n_connects) {
        accd_op_connect(op, false, after_off);
        return;
    }
    op->result = ACC_OP_OK;
    op->message[0] = '\0';
    accd_op_look_and_finish(op);
}

void accd_docker_route(struct accd_op *op)
{
    const struct acc_model *model = op->call->config.model(op->call->config.ctx);
    struct accd_container container;

    if (op->action.svc >= model->n_services) {
        accd_op_finish_with(op, ACC_OP_FAILED, "it is not in the configuration");
    } else if (!accd_inspector_get(op->call->config.inspector, op->cid, &container)) {
        accd_op_finish_with(op, ACC_OP_GONE, "it is gone");
    } else if (accd_op_make(op, op->action.svc, container.obs->name, container.obs->image_id,
                            &op->create) < 0) {
        op->result = ACC_OP_CONFIG;
        accd_op_finish(op);
    } else {
        next(op);
    }
}
