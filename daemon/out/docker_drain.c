/*
 * DRAIN and UNDRAIN: the command that tells the proxy, in the container by the exec API or on the
 * host; without one the file that the health check looks for.
 */

#include "daemon/out/docker_op.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

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

static void on_exec_end(struct accd_op *op, enum accd_exec_end end, int code)
{
    switch (end) {
    case ACCD_EXEC_ENDED:
    case ACCD_EXEC_GOES_ON:
        finish_by_code(op, code);
        break;
    case ACCD_EXEC_TIMEOUT:
        accd_op_finish_with(op, ACC_OP_FAILED, "the command did not end in time");
        break;
    case ACCD_EXEC_REFUSED:
        accd_op_finish(op);
        break;
    }
}

static void run_inside(struct accd_op *op, const char *const *argv)
{
    accd_docker_exec_argv(op, argv, COMMAND_LIMIT_MS, NULL, on_exec_end);
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
