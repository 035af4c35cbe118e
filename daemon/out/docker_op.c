#include "daemon/out/docker_op.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "daemon/log.h"

static void push_done(struct accd_docker_call *call, uint64_t op, enum acc_op_result result,
                      const char *cid, const char *message, const char *from_digest)
{
    struct acc_event event = {
        .type = ACC_EV_OP_DONE,
        .now_ms = uv_now(call->config.loop),
        .op = {.op = op,
               .result = result,
               .cid = cid,
               .message = message,
               .from_digest = from_digest},
    };

    if (accd_pump_push(call->config.pump, &event) < 0) {
        /* The engine's own deadline makes it look. */
        accd_log(ACCD_LOG_WARNING, "the end of operation %llu could not be told",
                 (unsigned long long)op);
    }
}

struct accd_op *accd_op_create(struct accd_docker_call *call, const struct acc_action *action)
{
    struct accd_op *op = calloc(1, sizeof(*op));

    if (!op) {
        push_done(call, action->op, ACC_OP_FAILED, "", "accd is out of memory", "");
        return NULL;
    }
    op->call = call;
    op->action = *action;
    memcpy(op->cid, action->cid, sizeof(op->cid));
    acc_json_frame_init(&op->frame, ACC_JSON_TEXT_MAX);
    DL_APPEND(call->ops, op);
    return op;
}

const struct acc_model *accd_op_model(const struct accd_op *op)
{
    return op->model ? op->model : op->call->config.model(op->call->config.ctx);
}

void accd_op_free(struct accd_op *op)
{
    DL_DELETE(op->call->ops, op);
    accd_http_cancel(op->request);
    acc_docker_create_fini(&op->create);
    acc_json_frame_fini(&op->frame);
    accd_child_cancel(op->child);
    accd_docker_logout(op);
    (void)acc_arena_destroy(op->build_arena);
    accd_upgrade_hook_free(op->hooks);
    free(op->service_id);
    free(op->reference);
    free(op->known);
    free(op->heirs);
    free(op->image_volumes);
    free(op->name);
    free(op->platform);
    free(op->body);
    free(op->pull);
    free(op->inspect);
    free(op->diff);
    accd_docker_hook_free(op->hook);
    op->call->n_comparing -= op->is_comparing;
    free(op);
}

void accd_op_finish(struct accd_op *op)
{
    struct accd_docker_call *call = op->call;
    bool had_turn = call->network_op == op;

    if (op->on_compared) {
        accd_docker_tell_compared(op);
        return;
    }
    if (op->on_remote) {
        accd_docker_tell_remote(op);
        return;
    }
    if (op->action.type == ACC_ACT_COMPARE) {
        accd_op_push_compared(op);
    } else {
        push_done(call, op->action.op, op->result,
                  op->action.type == ACC_ACT_PULL ? op->image_id : op->cid, op->message,
                  op->from_digest);
    }
    accd_op_free(op);
    accd_docker_next_compare(call);
    if (had_turn) {
        call->network_op = NULL;
        accd_docker_next_network(call);
    }
    accd_pump_run(call->config.pump);
}

static void set_result(struct accd_op *op, enum acc_op_result result, const char *message)
{
    size_t len = strnlen(message, sizeof(op->message) - 1); /* cut: the start tells */

    op->result = result;
    memcpy(op->message, message, len);
    op->message[len] = '\0';
}

void accd_op_finish_with(struct accd_op *op, enum acc_op_result result, const char *message)
{
    set_result(op, result, message);
    accd_op_finish(op);
}

static void on_looked(void *ctx, enum accd_look_result result,
                      const struct accd_container *container)
{
    (void)result; /* whatever it was, the operation has ended as it has */
    (void)container;
    accd_op_finish(ctx);
}

void accd_op_look_and_finish(struct accd_op *op)
{
    if (!op->cid[0] || op->result == ACC_OP_LOST ||
        accd_inspector_look(op->call->config.inspector, op->cid, ACCD_LOOK_FRESH, on_looked, op) <
            0) {
        accd_op_finish(op);
    }
}

static void on_late(void *ctx)
{
    struct accd_op *op = ctx;
    struct acc_event event = {
        .type = ACC_EV_OP_LATE,
        .now_ms = uv_now(op->call->config.loop),
        .op = {.op = op->action.op, .result = ACC_OP_LOST, .cid = op->cid, .message = ""},
    };

    if (!op->is_late) {
        op->is_late = true;
        (void)accd_pump_push(op->call->config.pump, &event); /* full: its own deadline comes */
        accd_pump_run(op->call->config.pump);
    }
}

static void on_done(void *ctx, const struct accd_http_reply *reply)
{
    struct accd_op *op = ctx;

    op->request = NULL;
    op->step(op, reply);
}

int accd_op_send(struct accd_op *op, const struct accd_op_send *send,
                 void (*step)(struct accd_op *op, const struct accd_http_reply *reply),
                 const char *path_fmt, ...)
{
    char path[ACCD_DOCKER_PATH_MAX];
    struct accd_http_config config = {
        .method = send->method,
        .body = send->body,
        .body_len = send->body_len,
        .headers = {send->header},
        .fresh = send->method != ACCD_HTTP_GET,
        .body_cap = send->body_cap,
        .late_ms = send->late_ms,
        .limit_ms = send->limit_ms,
        .idle_ms = send->idle_ms,
        .ctx = op,
        .on_data = send->on_data,
        .on_late = on_late,
        .on_done = on_done,
    };
    va_list args;

    va_start(args, path_fmt);
    int n = vsnprintf(path, sizeof(path), path_fmt, args);

    va_end(args);
    op->step = step;
    int r = n < 0 || (size_t)n >= sizeof(path)
                ? -ENOBUFS
                : accd_docker_start(op->call->config.docker, &config, &op->request, "%s", path);

    if (r == -ENOBUFS) {
        accd_op_finish_with(op, ACC_OP_CONFIG, "the name is too long for a request to Docker");
    } else if (r < 0) {
        accd_op_finish_with(op, ACC_OP_FAILED, "accd is out of memory");
    }
    return r;
}

/* The network may have another subnet than its file says. */
static void explain(struct accd_op *op)
{
    const struct accd_docker_call_config *config = &op->call->config;
    char text[ACC_OUTPUT_MAX + 1] = "";

    if (config->explain && acc_docker_is_foreign_address(op->message)) {
        config->explain(config->ctx, op->action.svc, op->message, text, sizeof(text));
        set_result(op, op->result, text[0] ? text : op->message);
    }
}

enum acc_op_result accd_op_judge(struct accd_op *op, enum acc_docker_call call,
                                 const struct accd_http_reply *reply)
{
    char message[ACC_DOCKER_ERROR_MAX + 1], taken[ACC_OUTPUT_MAX + 1];
    enum acc_op_result result;

    if (reply->error != ACCD_HTTP_OK) {
        set_result(op, ACC_OP_LOST, accd_http_error_text(reply->error));
        return op->result;
    }
    if (reply->status < 400) {
        set_result(op, acc_docker_result(call, reply->status, ""), "");
        return op->result;
    }
    acc_docker_message(reply->status, reply->body, reply->body_len, message, sizeof(message));
    result = acc_docker_result(call, reply->status, message);
    if (call == ACC_CALL_START && acc_docker_misses_another(message, op->action.cid)) {
        result = ACC_OP_START;
    }
    set_result(op, result,
               acc_docker_conflict_text(message, taken, sizeof(taken)) ? taken
                                                                       : acc_docker_cause(message));
    explain(op);
    return op->result;
}

void accd_op_set_registry_fault(struct accd_op *op, int status, const char *message)
{
    const char *image = op->name ? op->name : op->reference; /* of a pull, of a question */
    enum acc_op_result result = acc_docker_result(ACC_CALL_PULL, status, message);
    char text[ACC_OUTPUT_MAX + 1];

    op->fault = acc_registry_fault_of(status, message);
    acc_registry_fault_text(op->fault, image, op->had_login, op->no_login,
                            acc_docker_cause(message), text, sizeof(text));
    if (result != ACC_OP_LOST) { /* Docker itself */
        result = acc_registry_fault_passes(op->fault) ? ACC_OP_START : ACC_OP_CONFIG;
    }
    set_result(op, result, result == ACC_OP_LOST ? message : text);
}

enum acc_op_result accd_op_judge_registry(struct accd_op *op, const struct accd_http_reply *reply)
{
    char message[ACC_DOCKER_ERROR_MAX + 1];

    op->fault = ACC_REGISTRY_WELL;
    if (reply->error == ACCD_HTTP_TIMEOUT) {
        accd_op_set_registry_fault(op, 0, "nothing came for too long");
    } else if (reply->error != ACCD_HTTP_OK) {
        set_result(op, ACC_OP_LOST, accd_http_error_text(reply->error));
    } else if (reply->status < 400) {
        set_result(op, ACC_OP_OK, "");
    } else {
        acc_docker_message(reply->status, reply->body, reply->body_len, message, sizeof(message));
        accd_op_set_registry_fault(op, reply->status, message);
    }
    return op->result;
}
