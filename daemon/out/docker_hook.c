/*
 * HOOK: the lifecycle hooks of a service, one after the other in its container by the exec API.
 *
 * Each one: exec create -> start, attached, so that its end is the stream's end -> its exit code.
 * The first that fails ends the row. Out of time only the waiting ends: Docker has no way to end an
 * exec, and the stop that follows takes it along.
 */

#include "daemon/out/docker_op.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/log.h"
#include "lib/base/str.h"
#include "lib/codec/docker_request.h"
#include "lib/codec/docker_stdio.h"

/* Between the end of the stream and the exit code lie some ms in dockerd. What still runs after so
 * many looks has closed its output and goes on by itself: for Compose that is success, too. */
#define CODE_LOOKS 50u

struct accd_hook_run {
    const char *kind;     /* "post_start", "pre_stop" */
    struct acc_buf *body; /* owned: the requests; the model may be replaced meanwhile */
    size_t n, at;
    uint64_t deadline_ms;
    unsigned n_looks;
    char exec_id[ACC_CID_LEN + 1];
    struct acc_docker_stdio stdio;
    char line[ACC_OUTPUT_MAX + 1]; /* the last one that it wrote */
    size_t line_len;
    bool is_line_over;
};

void accd_docker_hook_free(struct accd_hook_run *run)
{
    if (!run) {
        return;
    }
    for (size_t i = 0; i < run->n; i++) {
        if (run->body[i].data) { /* environment: perhaps a secret */
            memset(run->body[i].data, 0, run->body[i].len);
        }
        acc_buf_fini(&run->body[i]);
    }
    free(run->body);
    free(run);
}

/* "post_start hook 2: <text>", after a look: what became of the container comes first. */
static void finish_saying(struct accd_op *op, enum acc_op_result result, const char *text)
{
    const struct accd_hook_run *run = op->hook;

    op->result = result;
    (void)snprintf(op->message, sizeof(op->message), "%s hook %zu %.160s", run->kind, run->at + 1,
                   text); /* cut: the start tells */
    accd_op_look_and_finish(op);
}

static void finish_judged(struct accd_op *op)
{
    char text[sizeof(op->message)];

    memcpy(text, op->message, sizeof(text));
    finish_saying(op, op->result, text);
}

static void begin(struct accd_op *op);

/* --- the exit code ------------------------------------------------------------------------- */

static void ask_code(struct accd_op *op);

static void ended(struct accd_op *op, int32_t exit_code)
{
    struct accd_hook_run *run = op->hook;
    char text[sizeof(run->line) + 64];

    if (exit_code == 0) {
        run->at++;
        begin(op);
        return;
    }
    (void)snprintf(text, sizeof(text), "exited with %d%s%s", (int)exit_code,
                   run->line_len > 0 ? ": " : "", run->line);
    finish_saying(op, ACC_OP_FAILED, text);
}

static void after_code(struct accd_op *op, const struct accd_http_reply *reply)
{
    struct accd_hook_run *run = op->hook;
    struct acc_docker_exec exec;

    if (accd_op_judge(op, ACC_CALL_INSPECT, reply) != ACC_OP_OK) {
        finish_judged(op);
    } else if (acc_docker_exec_parse(reply->body, reply->body_len, &exec) < 0) {
        finish_saying(op, ACC_OP_FAILED, "has no exit code that can be read");
    } else if (!exec.running && exec.has_exit_code) {
        ended(op, exec.exit_code);
    } else if (++run->n_looks < CODE_LOOKS) {
        ask_code(op);
    } else {
        ended(op, 0);
    }
}

static void ask_code(struct accd_op *op)
{
    struct accd_op_send send = {.limit_ms = ACCD_LOOKUP_LIMIT_MS};

    (void)accd_op_send(op, &send, after_code, "/exec/%s/json", op->hook->exec_id);
}

/* --- the run ------------------------------------------------------------------------------- */

static void end_line(struct accd_op *op)
{
    struct accd_hook_run *run = op->hook;

    run->line[run->line_len] = '\0';
    if (run->line_len > 0) {
        accd_log(ACCD_LOG_DEBUG, "container %.12s: %s hook: %s", op->cid, run->kind, run->line);
    }
    run->is_line_over = true;
}

static void on_output(void *ctx, const char *data, size_t len)
{
    struct accd_op *op = ctx;
    struct accd_hook_run *run = op->hook;
    const char *part;
    size_t part_len;
    uint8_t stream;

    while (acc_docker_stdio_feed(&run->stdio, &data, &len, &part, &part_len, &stream)) {
        for (size_t i = 0; i < part_len; i++) {
            unsigned char c = (unsigned char)part[i];

            if (c == '\n') {
                end_line(op);
                continue;
            }
            run->line_len = run->is_line_over ? 0 : run->line_len;
            run->is_line_over = false;
            if (run->line_len < ACC_OUTPUT_MAX) {
                run->line[run->line_len++] = c < 0x20 || c == 0x7f ? ' ' : (char)c;
            }
        }
    }
}

static void after_run(struct accd_op *op, const struct accd_http_reply *reply)
{
    struct accd_hook_run *run = op->hook;
    char span[32], text[64];

    if (!run->is_line_over) {
        end_line(op);
    }
    if (reply->error == ACCD_HTTP_TIMEOUT) {
        acc_format_span_ms(op->action.hook.limit_ms, span, sizeof(span));
        (void)snprintf(text, sizeof(text), "did not end within %s", span);
        finish_saying(op, ACC_OP_FAILED, text);
    } else if (accd_op_judge(op, ACC_CALL_EXEC_START, reply) != ACC_OP_OK) {
        finish_judged(op);
    } else {
        run->n_looks = 0;
        ask_code(op);
    }
}

static void after_exec(struct accd_op *op, const struct accd_http_reply *reply)
{
    struct accd_hook_run *run = op->hook;
    uint64_t now_ms = uv_now(op->call->config.loop);
    struct accd_op_send send = {.method = ACCD_HTTP_POST,
                                .body = acc_docker_exec_start_body(),
                                .on_data = on_output,
                                .limit_ms = run->deadline_ms > now_ms ? run->deadline_ms - now_ms
                                                                      : 1};

    if (accd_op_judge(op, ACC_CALL_EXEC_CREATE, reply) != ACC_OP_OK) {
        finish_judged(op);
        return;
    }
    if (acc_docker_id_parse(reply->body, reply->body_len, run->exec_id) < 0) {
        finish_saying(op, ACC_OP_FAILED, "could not be made: Docker's answer can't be read");
        return;
    }
    send.body_len = strlen(send.body);
    acc_docker_stdio_init(&run->stdio, false);
    run->line_len = 0;
    run->line[0] = '\0';
    run->is_line_over = true;
    (void)accd_op_send(op, &send, after_run, "/exec/%s/start", run->exec_id);
}

static void begin(struct accd_op *op)
{
    const struct accd_hook_run *run = op->hook;
    struct accd_op_send send = {.method = ACCD_HTTP_POST, .limit_ms = ACCD_LOOKUP_LIMIT_MS};

    if (run->at == run->n) {
        accd_op_finish_with(op, ACC_OP_OK, "");
        return;
    }
    send.body = run->body[run->at].data;
    send.body_len = run->body[run->at].len;
    (void)accd_op_send(op, &send, after_exec, "/containers/%s/exec", op->cid);
}

/* --- what is to run ------------------------------------------------------------------------ */

static bool take(struct accd_op *op, const struct acc_node *hooks)
{
    struct accd_hook_run *run = op->hook;
    bool is_whole = true;

    run->body = calloc(hooks ? hooks->n + 1u : 1u, sizeof(*run->body));
    acc_node_for_each(hook, run->body ? hooks : NULL)
    {
        struct acc_buf *body = &run->body[run->n++];

        acc_buf_init(body, ACC_DOCKER_CREATE_MAX);
        is_whole &= acc_docker_hook_body(hook, body) == 0;
    }
    return run->body && is_whole;
}

void accd_docker_hook(struct accd_op *op)
{
    const struct acc_model *model = op->call->config.model(op->call->config.ctx);

    op->hook = calloc(1, sizeof(*op->hook));
    if (!op->hook) {
        accd_op_finish_with(op, ACC_OP_LOST, "accd is out of memory");
        return;
    }
    op->hook->kind = op->action.hook.is_stop ? "pre_stop" : "post_start";
    op->hook->deadline_ms = uv_now(op->call->config.loop) + op->action.hook.limit_ms;
    if (op->action.svc >= model->n_services) {
        accd_op_finish_with(op, ACC_OP_OK, ""); /* not in the file any more: it has none */
    } else if (!take(op, acc_node_get(model->services[op->action.svc]->node, op->hook->kind))) {
        accd_op_finish_with(op, ACC_OP_LOST, "accd is out of memory");
    } else {
        begin(op);
    }
}
