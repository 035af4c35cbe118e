/* The image of a service with `build:`, made by the docker command. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/log.h"
#include "daemon/out/docker_op.h"

/* The engine that accd talks to, not the one of its environment. */
static void name_engine(const struct accd_docker *docker, char *out, size_t out_size)
{
    const char *host = strncmp(docker->base, "http://", 7) == 0 ? docker->base + 7 : docker->base;

    (void)snprintf(out, out_size, "DOCKER_HOST=%s%s", docker->socket[0] ? "unix://" : "tcp://",
                   docker->socket[0] ? docker->socket : host);
}

static void on_line(void *ctx, bool is_stderr, const char *line)
{
    struct accd_op *op = ctx;

    char text[ACCD_CHILD_LINE_MAX + 1];

    (void)is_stderr; /* BuildKit's progress is there, the classic builder's on stdout */
    acc_docker_build_mask(&op->build, line, text, sizeof(text));
    accd_log(ACCD_LOG_INFO, "build of %s: %s", op->name, text);
    accd_docker_tell_image(op, text);
    /* The last one is the reason; cut it names the trouble still. */
    (void)snprintf(op->message, sizeof(op->message), "%.*s", (int)sizeof(op->message) - 1, text);
}

static void on_end(void *ctx, int status)
{
    struct accd_op *op = ctx;
    char text[ACC_OUTPUT_MAX + 1];

    op->child = NULL;
    if (status == 0) {
        op->after_build(op);
    } else if (status == -ENOENT) {
        (void)snprintf(text, sizeof(text),
                       "there is no docker command to build %s with; install docker's command "
                       "line, or build it elsewhere and load it",
                       op->name);
        accd_op_finish_with(op, ACC_OP_CONFIG, text);
    } else if (status < 0) {
        (void)snprintf(text, sizeof(text), "can't run docker build: %s", strerror(-status));
        accd_op_finish_with(op, ACC_OP_FAILED, text);
    } else {
        (void)snprintf(text, sizeof(text), "build of %s failed (exit %d): %.120s", op->name, status,
                       op->message);
        accd_op_finish_with(op, ACC_OP_CONFIG, text);
    }
}

void accd_docker_build(struct accd_op *op, void (*after_build)(struct accd_op *op))
{
    char host[sizeof("DOCKER_HOST=unix://") + ACCD_DOCKER_BASE_MAX + 1];
    const char *environment[ACC_BUILD_VARIABLES_MAX + 2] = {host};
    struct accd_child_config config = {.argv = op->build.argv,
                                       .environment = environment,
                                       .input = op->build.input,
                                       .on_line = on_line,
                                       .on_end = on_end,
                                       .ctx = op};

    name_engine(op->call->config.docker, host, sizeof(host));
    for (size_t i = 0; i < op->build.n_variables; i++) {
        environment[i + 1] = op->build.variables[i];
    }
    op->after_build = after_build;
    op->message[0] = '\0';
    accd_log(ACCD_LOG_INFO, "docker build of %s", op->name);
    if (accd_child_start(op->call->config.loop, &config, &op->child) < 0) {
        accd_op_finish_with(op, ACC_OP_FAILED, "accd is out of memory");
    }
}
