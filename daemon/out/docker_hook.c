/*
 * HOOK: the lifecycle hooks of a service, one after the other in its container by the exec API.
 *
 * The first that fails ends the row. What is out of time goes on until the stop that follows takes
 * it along.
 */

#include "daemon/out/docker_op.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/log.h"
#include "lib/base/str.h"
#include "lib/codec/docker_request.h"

struct accd_hook_run {
    const char *kind;     /* "post_start", "pre_stop" */
    struct acc_buf *body; /* owned: the requests; the model may be replaced meanwhile */
    size_t n, at;
    uint64_t deadline_ms;
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

static void on_output(struct accd_op *op, const char *data, size_t len)
{
    struct accd_hook_run *run = op->hook;

    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)data[i];

        if (c == '\n') {
            end_line(op);
            continue;
        }
        run->line_len = run->is_line_over ? 0 : run->line_len;
        run->is_line_over = false;
        if (run->line_len < ACC_OUTPUT_MAX) {
            run->line[run->line_len++] = c < 0x20 || c == 0x7f ? ' ' : (char)c;
        } else {
            (void)acc_mark_cut(run->line, ACC_OUTPUT_MAX, ACC_OUTPUT_MAX);
        }
    }
}

static void on_exec_end(struct accd_op *op, enum accd_exec_end end, int code)
{
    struct accd_hook_run *run = op->hook;
    char span[32], text[sizeof(run->line) + 64];

    if (!run->is_line_over) {
        end_line(op);
    }
    switch (end) {
    case ACCD_EXEC_ENDED:
    case ACCD_EXEC_GOES_ON: /* for Compose that is success, too */
        if (code == 0) {
            run->at++;
            begin(op);
            return;
        }
        (void)snprintf(text, sizeof(text), "exited with %d%s%s", code,
                       run->line_len > 0 ? ": " : "", run->line);
        finish_saying(op, ACC_OP_FAILED, text);
        break;
    case ACCD_EXEC_TIMEOUT:
        acc_format_span_ms(op->action.hook.limit_ms, span, sizeof(span));
        (void)snprintf(text, sizeof(text), "did not end within %s", span);
        finish_saying(op, ACC_OP_FAILED, text);
        break;
    case ACCD_EXEC_REFUSED:
        finish_judged(op);
        break;
    }
}

static void begin(struct accd_op *op)
{
    struct accd_hook_run *run = op->hook;
    uint64_t now_ms = uv_now(op->call->config.loop);

    if (run->at == run->n) {
        accd_op_finish_with(op, ACC_OP_OK, "");
        return;
    }
    run->line_len = 0;
    run->line[0] = '\0';
    run->is_line_over = true;
    accd_docker_exec(op, &run->body[run->at],
                     run->deadline_ms > now_ms ? run->deadline_ms - now_ms : 1, on_output,
                     on_exec_end);
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
