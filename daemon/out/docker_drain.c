/*
 * DRAIN and UNDRAIN: the command that tells the proxy, in the container by the exec API or on the
 * host; without one the file that the health check looks for.
 */

#include "daemon/out/docker_op.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/codec/docker_request.h"

/* It has to tell somebody something, no more. */
#define COMMAND_LIMIT_MS 10000u

static const char *const mark[] = {"/bin/sh", "-c", ": >" ACC_DRAIN_FILE, NULL};
static const char *const unmark[] = {"/bin/sh", "-c", "rm -f " ACC_DRAIN_FILE, NULL};

static void finish_by_code(struct accd_op *op, int code)
{
    char text[64];

    (void)snprintf(text, sizeof(text), "the command ended with %d", code);
    accd_op_finish_with(op, code == 0 ? ACC_OP_OK : ACC_OP_FAILED, code == 0 ? "" : text);
}

/* --- in the container ---------------------------------------------------------------------- */

static void after_code(struct accd_op *op, const struct accd_http_reply *reply)
{
    struct acc_docker_exec exec;

    if (accd_op_judge(op, ACC_CALL_INSPECT, reply) != ACC_OP_OK) {
        accd_op_finish(op);
    } else if (acc_docker_exec_parse(reply->body, reply->body_len, &exec) < 0) {
        accd_op_finish_with(op, ACC_OP_FAILED, "Docker's description of the command can't be read");
    } else {
        /* Its stream has ended; what goes on all the same has closed it and is on its own. */
        finish_by_code(op, exec.running || !exec.has_exit_code ? 0 : exec.exit_code);
    }
}

static void after_run(struct accd_op *op, const struct accd_http_reply *reply)
{
    struct accd_op_send send = {.limit_ms = ACCD_LOOKUP_LIMIT_MS};

    if (accd_op_judge(op, ACC_CALL_EXEC_START, reply) != ACC_OP_OK) {
        accd_op_finish(op);
    } else {
        (void)accd_op_send(op, &send, after_code, "/exec/%s/json", op->exec_id);
    }
}

static void ignore_output(void *ctx, const char *data, size_t len)
{
    (void)ctx; /* it is read so that the command isn't held up */
    (void)data;
    (void)len;
}

static void after_exec(struct accd_op *op, const struct accd_http_reply *reply)
{
    struct accd_op_send send = {.method = ACCD_HTTP_POST,
                                .body = acc_docker_exec_start_body(),
                                .on_data = ignore_output,
                                .limit_ms = COMMAND_LIMIT_MS};

    if (accd_op_judge(op, ACC_CALL_EXEC_CREATE, reply) != ACC_OP_OK) {
        accd_op_finish(op);
    } else if (acc_docker_id_parse(reply->body, reply->body_len, op->exec_id) < 0) {
        accd_op_finish_with(op, ACC_OP_FAILED, "Docker's answer to exec can't be read");
    } else {
        send.body_len = strlen(send.body);
        (void)accd_op_send(op, &send, after_run, "/exec/%s/start", op->exec_id);
    }
}

static void run_inside(struct accd_op *op, const char *const *argv)
{
    struct accd_op_send send = {.method = ACCD_HTTP_POST, .limit_ms = COMMAND_LIMIT_MS};
    struct acc_buf body;

    acc_buf_init(&body, ACCD_HTTP_BODY_MAX);
    if (acc_docker_exec_body(argv, &body) < 0) {
        accd_op_finish_with(op, ACC_OP_FAILED, "accd is out of memory, or the command is too long");
    } else {
        send.body = body.data;
        send.body_len = body.len;
        (void)accd_op_send(op, &send, after_exec, "/containers/%s/exec", op->cid);
    }
    acc_buf_fini(&body);
}

/* --- on the host --------------------------------------------------------------------------- */

static void on_end(void *ctx, int status)
{
    struct accd_op *op = ctx;

    op->child = NULL;
    if (status < 0) {
        accd_op_finish_with(op, ACC_OP_FAILED, strerror(-status));
    } else {
        finish_by_code(op, status);
    }
}

static void run_outside(struct accd_op *op, const char *const *argv)
{
    struct accd_container container;
    char id[sizeof("ACC_CONTAINER=") + ACC_CID_LEN];
    char name[sizeof("ACC_NAME=") + ACC_NAME_MAX];
    char address[128];
    const char *const environment[] = {id, name, address, NULL};
    struct accd_child_config config = {.argv = argv,
                                       .environment = environment,
                                       .limit_ms = COMMAND_LIMIT_MS,
                                       .ctx = op,
                                       .on_end = on_end};

    if (!accd_inspector_get(op->call->config.inspector, op->cid, &container)) {
        accd_op_finish_with(op, ACC_OP_GONE, "it is gone");
        return;
    }
    (void)snprintf(id, sizeof(id), "ACC_CONTAINER=%s", op->cid);
    (void)snprintf(name, sizeof(name), "ACC_NAME=%s", container.obs->name);
    (void)snprintf(address, sizeof(address), "ACC_ADDRESS=%s", container.address);
    if (accd_child_start(op->call->config.loop, &config, &op->child) < 0) {
        accd_op_finish_with(op, ACC_OP_FAILED, "accd is out of memory");
    }
}

void accd_docker_drain(struct accd_op *op)
{
    const struct acc_model *model = op->call->config.model(op->call->config.ctx);
    bool is_drain = op->action.type == ACC_ACT_DRAIN;
    const struct acc_drain_spec *drain = op->action.svc < model->n_services
                                             ? &model->services[op->action.svc]->drain
                                             : NULL;

    if (!drain || !drain->run) {
        run_inside(op, is_drain ? mark : unmark);
    } else if (!is_drain && !drain->undo) {
        accd_op_finish_with(op, ACC_OP_OK, "");
    } else if (drain->on_host) {
        run_outside(op, is_drain ? drain->run : drain->undo);
    } else {
        run_inside(op, is_drain ? drain->run : drain->undo);
    }
}
