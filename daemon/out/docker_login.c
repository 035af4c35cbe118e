/* Credentials for a pull: from the file, or from the helper that the file names. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/log.h"
#include "daemon/out/docker_op.h"

/* A keychain that asks its user something would wait for ever. */
#define HELPER_LIMIT_MS 10000u

static void forget_answer(struct accd_op *op)
{
    if (op->answer.data) {
        memset(op->answer.data, 0, op->answer.len);
    }
    acc_buf_fini(&op->answer);
}

static void on_line(void *ctx, bool is_stderr, const char *line)
{
    struct accd_op *op = ctx;

    if (!is_stderr) { /* JSON: a line's end means nothing; it is a secret, and goes nowhere else */
        (void)acc_buf_puts(&op->answer, line);
    } else if (line[0]) {
        (void)snprintf(op->complaint, sizeof(op->complaint), "%.90s", line);
    }
}

/* What the helpers of docker say of a server that they don't know (docker-credential-helpers,
 * credentials/error.go). Whatever else is on a stdout is taken for a secret. */
static bool has_none(const struct acc_buf *answer)
{
    return answer->data && strstr(answer->data, "credentials not found");
}

static void explain(struct accd_op *op, int status)
{
    const char *helper = op->auth.helper;
    char *out = op->no_login;
    size_t size = sizeof(op->no_login);

    if (status == -ENOENT) {
        (void)snprintf(out, size, "docker-credential-%s, which config.json names, isn't installed",
                       helper);
    } else if (status == -ETIMEDOUT) {
        (void)snprintf(out, size, "docker-credential-%s didn't answer within %u s", helper,
                       HELPER_LIMIT_MS / 1000);
    } else if (has_none(&op->answer)) {
        (void)snprintf(out, size, "docker-credential-%s has none for it: docker login %.64s",
                       helper, op->auth.server);
    } else if (status != 0) {
        (void)snprintf(out, size, "docker-credential-%s failed (%d)%s%s", helper, status,
                       op->complaint[0] ? ": " : "", op->complaint);
    } else {
        (void)snprintf(out, size, "what docker-credential-%s answers can't be read", helper);
    }
    accd_log(status == -ENOENT ? ACCD_LOG_WARNING : ACCD_LOG_INFO,
             "%s: %s; going on without credentials", op->auth.server, out);
}

/* Without credentials a public image can still be pulled; the registry says what it wants. */
static void on_end(void *ctx, int status)
{
    struct accd_op *op = ctx;
    bool is_known = status == 0 && !op->answer.failed && op->answer.data &&
                    acc_registry_auth_from_helper(op->answer.data, op->answer.len, &op->auth) ==
                        ACC_REGISTRY_HEADER;

    op->child = NULL;
    if (!is_known) {
        explain(op, status);
    }
    forget_answer(op);
    op->after_login(op, is_known ? op->auth.header.data : NULL);
}

static void ask_helper(struct accd_op *op)
{
    char program[sizeof("docker-credential-") + ACC_REGISTRY_HELPER_MAX];
    const char *const argv[] = {program, "get", NULL};
    struct accd_child_config config = {.argv = argv,
                                       .input = op->auth.server,
                                       .limit_ms = HELPER_LIMIT_MS,
                                       .on_line = on_line,
                                       .on_end = on_end,
                                       .ctx = op};

    (void)snprintf(program, sizeof(program), "docker-credential-%s", op->auth.helper);
    acc_buf_init(&op->answer, ACC_REGISTRY_AUTH_MAX);
    if (accd_child_start(op->call->config.loop, &config, &op->child) < 0) {
        accd_op_finish_with(op, ACC_OP_FAILED, "accd is out of memory");
    }
}

void accd_docker_login(struct accd_op *op, const char *image,
                       void (*after_login)(struct accd_op *op, const char *header))
{
    const struct accd_docker_call_config *config = &op->call->config;

    accd_docker_logout(op); /* of an earlier image of this operation */
    op->no_login[0] = op->complaint[0] = '\0';
    op->after_login = after_login;
    switch (config->registry_auth ? config->registry_auth(config->ctx, image, &op->auth)
                                  : ACC_REGISTRY_ANONYMOUS) {
    case ACC_REGISTRY_HEADER:
        after_login(op, op->auth.header.data);
        return;
    case ACC_REGISTRY_HELPER:
        ask_helper(op);
        return;
    case ACC_REGISTRY_INVALID:
        (void)snprintf(op->no_login, sizeof(op->no_login), "~/.docker/config.json is damaged");
        accd_log(ACCD_LOG_WARNING, "%s: %s", op->auth.server, op->no_login);
        break;
    case ACC_REGISTRY_ANONYMOUS:
        break;
    }
    after_login(op, NULL);
}

void accd_docker_logout(struct accd_op *op)
{
    forget_answer(op);
    acc_registry_auth_fini(&op->auth);
}
