/*
 * A container's own health command by the exec API: its turn, its run, its end, its exit code.
 */

#include "daemon/out/probe_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "daemon/log.h"
#include "daemon/out/exec_kill.h"
#include "lib/base/buf.h"
#include "lib/base/str.h"
#include "lib/codec/docker_request.h"

#define EXECS_MAX       4u
#define CALL_LIMIT_MS   5000u /* exec create and exec json: memory work in dockerd */
#define KILLED_EOF_MS   3000u /* dockerd gives a stream 2 s after the process */
#define EXIT_CODE_MS    10u   /* between two looks for the exit code */
#define EXIT_CODE_LOOKS 5u

static void on_timer(uv_timer_t *uv);

static void arm(struct accd_check *check, uint64_t in_ms)
{
    (void)uv_timer_start(&check->timer, on_timer, in_ms, 0);
}

/* --- exec: the exit code ------------------------------------------------------------------- */

static enum acc_probe_verdict verdict_of(const struct accd_check *check, int32_t exit_code)
{
    for (size_t i = 0; i < check->n_waiting; i++) {
        if (check->waiting[i] == exit_code) {
            return ACC_PROBE_WAITING;
        }
    }
    return exit_code == 0 ? ACC_PROBE_PASS : ACC_PROBE_FAIL;
}

static void on_code(void *ctx, const struct accd_http_reply *reply)
{
    struct accd_check *check = ctx;
    struct acc_docker_exec exec;

    check->request = NULL;
    if (reply->error != ACCD_HTTP_OK || reply->status != 200) {
        accd_check_tell_refused(check, reply);
    } else if (acc_docker_exec_parse(reply->body, reply->body_len, &exec) < 0) {
        accd_check_tell_unknown(check, "Docker's description of the check can't be read");
    } else if (!exec.running && exec.has_exit_code) {
        accd_check_tell(check, verdict_of(check, exec.exit_code), exec.exit_code, check->output);
        accd_check_end(check);
    } else if (check->n_looks < EXIT_CODE_LOOKS) {
        arm(check, EXIT_CODE_MS); /* the stream ended a moment before the process */
    } else {
        accd_check_tell_unknown(check, "the check closed its output and goes on");
    }
}

static void ask_code(struct accd_check *check)
{
    struct accd_http_config config = {.limit_ms = CALL_LIMIT_MS, .on_done = on_code};

    check->stage = ACCD_CHECK_CODE;
    check->n_looks++;
    (void)accd_check_start(check, &config, "exec", check->exec_id, "json");
}

/* --- exec: out of time --------------------------------------------------------------------- */

static void give_up(struct accd_check *check)
{
    struct accd_hung *hung = calloc(1, sizeof(*hung));

    accd_log(ACCD_LOG_WARNING,
             "container %.12s: its health check hangs and can't be ended; it is not checked again "
             "until that is gone",
             check->cid);
    if (hung) {
        memcpy(hung->cid, check->cid, sizeof(hung->cid));
        memcpy(hung->exec_id, check->exec_id, sizeof(hung->exec_id));
        LL_PREPEND(check->probe->hung, hung);
    }
    accd_check_end(check);
}

static void on_pid(void *ctx, const struct accd_http_reply *reply)
{
    struct accd_check *check = ctx;
    struct acc_docker_exec exec;

    check->lookup = NULL;
    if (reply->error == ACCD_HTTP_OK && reply->status == 200 &&
        acc_docker_exec_parse(reply->body, reply->body_len, &exec) == 0 && exec.running) {
        (void)accd_exec_kill(check->probe->sys_root, check->cid, exec.pid);
    }
}

/* The stream stays open meanwhile and is drained: its end says that the exec is gone. */
static void out_of_time(struct accd_check *check)
{
    struct accd_http_config config = {.limit_ms = KILLED_EOF_MS, .ctx = check, .on_done = on_pid};
    char span[32], text[64];

    acc_format_span_ms(check->timeout_ms, span, sizeof(span));
    (void)snprintf(text, sizeof(text), "it did not end within %s", span);
    check->stage = ACCD_CHECK_KILL;
    accd_check_tell(check, ACC_PROBE_FAIL, -1, text);
    arm(check, KILLED_EOF_MS);
    (void)accd_docker_start(check->probe->config.docker, &config, &check->lookup, "/exec/%s/json",
                            check->exec_id); /* none: it counts as hung */
    accd_pump_run(check->probe->config.pump);
}

/* --- exec: run ----------------------------------------------------------------------------- */

/* The first bytes are kept, on one line; all are read. Blanks at the end are no text. */
static void on_output(void *ctx, const char *data, size_t len)
{
    struct accd_check *check = ctx;
    const char *part;
    size_t part_len;
    uint8_t stream;

    while (acc_docker_stdio_feed(&check->stdio, &data, &len, &part, &part_len, &stream)) {
        for (size_t i = 0; i < part_len; i++) {
            unsigned char c = (unsigned char)part[i];

            if (check->output_len < ACC_OUTPUT_MAX) {
                check->output[check->output_len++] = c < 0x20 || c == 0x7f ? ' ' : (char)c;
            } else {
                check->is_output_cut |= c > 0x20;
            }
        }
    }
}

static void on_exec_end(void *ctx, const struct accd_http_reply *reply)
{
    struct accd_check *check = ctx;

    check->request = NULL;
    (void)uv_timer_stop(&check->timer);
    if (check->is_told) {
        accd_check_end(check); /* killed; nobody asks for its code */
    } else if (reply->error != ACCD_HTTP_OK || reply->status != 200) {
        accd_check_tell_refused(check, reply);
    } else {
        if (check->is_output_cut) {
            (void)acc_mark_cut(check->output, check->output_len, ACC_OUTPUT_MAX);
        }
        while (check->output_len > 0 && check->output[check->output_len - 1] == ' ') {
            check->output[--check->output_len] = '\0';
        }
        ask_code(check);
    }
}

static void on_exec_made(void *ctx, const struct accd_http_reply *reply)
{
    struct accd_check *check = ctx;
    struct accd_http_config config = {.method = ACCD_HTTP_POST,
                                      .fresh = true,
                                      .body = acc_docker_exec_start_body(),
                                      .on_data = on_output,
                                      .on_done = on_exec_end};

    check->request = NULL;
    if (reply->error != ACCD_HTTP_OK || reply->status != 201 ||
        acc_docker_id_parse(reply->body, reply->body_len, check->exec_id) < 0) {
        accd_check_tell_refused(check, reply);
        return;
    }
    config.body_len = strlen(config.body);
    check->stage = ACCD_CHECK_RUN;
    acc_docker_stdio_init(&check->stdio, false);
    if (accd_check_start(check, &config, "exec", check->exec_id, "start") == 0) {
        arm(check, check->timeout_ms);
    }
}

static void create_exec(struct accd_check *check)
{
    struct accd_http_config config = {.method = ACCD_HTTP_POST,
                                      .fresh = true,
                                      .limit_ms = CALL_LIMIT_MS,
                                      .on_done = on_exec_made};
    struct accd_container container;
    struct acc_buf body;

    check->stage = ACCD_CHECK_CREATE;
    acc_buf_init(&body, ACCD_HTTP_BODY_MAX);
    if (!accd_check_container(check, &container) || !container.health_argv) {
        accd_check_tell_unknown(check, "the container has no health command");
    } else if (acc_docker_exec_body(container.health_argv, &body) < 0) {
        accd_check_tell_unknown(check, "the health command is too long");
    } else {
        config.body = body.data;
        config.body_len = body.len;
        (void)accd_check_start(check, &config, "containers", check->cid, "exec");
    }
    acc_buf_fini(&body);
}

/* --- exec: its turn ------------------------------------------------------------------------ */

static struct accd_hung *find_hung(struct accd_check *check)
{
    struct accd_hung *hung;

    LL_FOREACH(check->probe->hung, hung)
    {
        if (strcmp(hung->cid, check->cid) == 0) {
            return hung;
        }
    }
    return NULL;
}

static void on_old(void *ctx, const struct accd_http_reply *reply)
{
    struct accd_check *check = ctx;
    struct acc_docker_exec exec;
    struct accd_hung *hung = find_hung(check);

    check->request = NULL;
    if (reply->error != ACCD_HTTP_OK ||
        (reply->status == 200 &&
         (acc_docker_exec_parse(reply->body, reply->body_len, &exec) < 0 || exec.running))) {
        accd_check_tell(check, ACC_PROBE_FAIL, -1, "an earlier check still hangs in the container");
        accd_check_end(check);
        return;
    }
    if (hung) {
        LL_DELETE(check->probe->hung, hung);
        free(hung);
    }
    create_exec(check);
}

static void begin_exec(struct accd_check *check)
{
    struct accd_http_config config = {.limit_ms = CALL_LIMIT_MS, .on_done = on_old};
    struct accd_hung *hung = find_hung(check);

    check->has_turn = true;
    check->probe->n_running++;
    if (hung) {
        check->stage = ACCD_CHECK_OLD;
        (void)accd_check_start(check, &config, "exec", hung->exec_id, "json");
    } else {
        create_exec(check);
    }
}

static bool is_container_busy(const struct accd_check *check)
{
    const struct accd_check *other;

    DL_FOREACH(check->probe->checks, other)
    {
        if (other != check && other->has_turn && strcmp(other->cid, check->cid) == 0) {
            return true;
        }
    }
    return false;
}

void accd_check_next_exec(struct accd_probe *probe)
{
    struct accd_check *check, *next;

    DL_FOREACH_SAFE(probe->checks, check, next)
    {
        if (probe->n_running >= EXECS_MAX) {
            return;
        }
        if (check->stage == ACCD_CHECK_QUEUE && !is_container_busy(check)) {
            begin_exec(check);
            return; /* it may have ended, and then it has called this again */
        }
    }
}

static void on_timer(uv_timer_t *uv)
{
    struct accd_check *check = (struct accd_check *)uv;

    switch (check->stage) {
    case ACCD_CHECK_RUN:
        out_of_time(check);
        break;
    case ACCD_CHECK_KILL:
        give_up(check);
        break;
    case ACCD_CHECK_CODE:
        ask_code(check);
        break;
    case ACCD_CHECK_LOOK:
    case ACCD_CHECK_QUEUE:
    case ACCD_CHECK_OLD:
    case ACCD_CHECK_CREATE:
    case ACCD_CHECK_END:
        break;
    }
}
