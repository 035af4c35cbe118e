/*
 * One command in the operation's container by the exec API: create -> start, attached, so that its
 * end is the stream's end -> its exit code.
 *
 * Out of time only the waiting ends: Docker has no way to end an exec. Who wants its end asks for
 * that then; it comes where the process can be reached from here.
 */

#include "daemon/out/docker_op.h"

#include <stdio.h>
#include <string.h>

#include "daemon/out/exec_kill.h"
#include "lib/codec/docker_request.h"

/* Between the end of the stream and the exit code lie some ms in dockerd; each look takes one. */
#define CODE_LOOKS 50u

static void tell(struct accd_op *op, enum accd_exec_end end, int code)
{
    op->exec.on_end(op, end, code);
}

static void fail(struct accd_op *op, const char *message)
{
    op->result = ACC_OP_FAILED;
    (void)snprintf(op->message, sizeof(op->message), "%s", message);
    tell(op, ACCD_EXEC_REFUSED, 0);
}

static void ask_code(struct accd_op *op);

static void after_code(struct accd_op *op, const struct accd_http_reply *reply)
{
    struct acc_docker_exec exec;

    if (accd_op_judge(op, ACC_CALL_INSPECT, reply) != ACC_OP_OK) {
        tell(op, ACCD_EXEC_REFUSED, 0);
    } else if (acc_docker_exec_parse(reply->body, reply->body_len, &exec) < 0) {
        fail(op, "has no exit code that can be read");
    } else if (!exec.running && exec.has_exit_code) {
        tell(op, ACCD_EXEC_ENDED, exec.exit_code);
    } else if (++op->exec.n_looks < CODE_LOOKS) {
        ask_code(op);
    } else {
        tell(op, ACCD_EXEC_GOES_ON, 0);
    }
}

static void ask_code(struct accd_op *op)
{
    struct accd_op_send send = {.limit_ms = ACCD_LOOKUP_LIMIT_MS};

    (void)accd_op_send(op, &send, after_code, "/exec/%s/json", op->exec.id);
}

/* Read also when nobody wants it: a full pipe would hold the command up. */
static void on_output(void *ctx, const char *data, size_t len)
{
    struct accd_op *op = ctx;
    const char *part;
    size_t part_len;
    uint8_t stream;

    while (op->exec.on_output &&
           acc_docker_stdio_feed(&op->exec.stdio, &data, &len, &part, &part_len, &stream)) {
        op->exec.on_output(op, part, part_len);
    }
}

static void after_run(struct accd_op *op, const struct accd_http_reply *reply)
{
    if (reply->error == ACCD_HTTP_TIMEOUT) {
        tell(op, ACCD_EXEC_TIMEOUT, 0);
    } else if (accd_op_judge(op, ACC_CALL_EXEC_START, reply) != ACC_OP_OK) {
        tell(op, ACCD_EXEC_REFUSED, 0);
    } else {
        ask_code(op);
    }
}

static void after_create(struct accd_op *op, const struct accd_http_reply *reply)
{
    struct accd_op_send send = {.method = ACCD_HTTP_POST,
                                .body = acc_docker_exec_start_body(),
                                .on_data = on_output,
                                .limit_ms = op->exec.limit_ms};

    if (accd_op_judge(op, ACC_CALL_EXEC_CREATE, reply) != ACC_OP_OK) {
        tell(op, ACCD_EXEC_REFUSED, 0);
    } else if (acc_docker_id_parse(reply->body, reply->body_len, op->exec.id) < 0) {
        fail(op, "could not be made: Docker's answer can't be read");
    } else {
        send.body_len = strlen(send.body);
        (void)accd_op_send(op, &send, after_run, "/exec/%s/start", op->exec.id);
    }
}

void accd_docker_exec(struct accd_op *op, const struct acc_buf *body, uint64_t limit_ms,
                      void (*on_output_part)(struct accd_op *op, const char *data, size_t len),
                      void (*on_end)(struct accd_op *op, enum accd_exec_end end, int code))
{
    struct accd_op_send send = {.method = ACCD_HTTP_POST,
                                .body = body->data,
                                .body_len = body->len,
                                .limit_ms = ACCD_LOOKUP_LIMIT_MS};

    op->exec = (struct accd_exec){
        .limit_ms = limit_ms, .on_output = on_output_part, .on_end = on_end};
    acc_docker_stdio_init(&op->exec.stdio, false);
    (void)accd_op_send(op, &send, after_create, "/containers/%s/exec", op->cid);
}

static void after_pid(struct accd_op *op, const struct accd_http_reply *reply)
{
    const char *sys_root = op->call->config.sys_root;
    struct acc_docker_exec exec;
    bool is_known = accd_op_judge(op, ACC_CALL_INSPECT, reply) == ACC_OP_OK &&
                    acc_docker_exec_parse(reply->body, reply->body_len, &exec) == 0;

    op->exec.on_killed(
        op, is_known && (!exec.running ||
                         accd_exec_kill_session(sys_root ? sys_root : "", op->cid, exec.pid)));
}

void accd_docker_exec_kill(struct accd_op *op, void (*on_killed)(struct accd_op *op, bool is_over))
{
    struct accd_op_send send = {.limit_ms = ACCD_LOOKUP_LIMIT_MS};

    op->exec.on_killed = on_killed;
    (void)accd_op_send(op, &send, after_pid, "/exec/%s/json", op->exec.id);
}

void accd_docker_exec_argv(struct accd_op *op, const char *const *argv, uint64_t limit_ms,
                           void (*on_output_part)(struct accd_op *op, const char *data, size_t len),
                           void (*on_end)(struct accd_op *op, enum accd_exec_end end, int code))
{
    struct acc_buf body;

    acc_buf_init(&body, ACCD_FILE_TEXT_MAX);
    if (acc_docker_exec_body(argv, &body) == 0) {
        accd_docker_exec(op, &body, limit_ms, on_output_part, on_end);
    } else {
        op->exec.on_end = on_end;
        fail(op, "is too long, or accd is out of memory");
    }
    acc_buf_fini(&body);
}
