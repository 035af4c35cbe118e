/*
 * UPGRADE_HOOK: the commands of x-acc.upgrade.pre or .post, one after the other; the first that
 * fails ends the row.
 *
 * On the host they run as accd does, with what they may need to know in their environment. What is
 * out of time is killed, in the container where it can be reached from here.
 */

#include "daemon/out/docker_op.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/log.h"
#include "lib/base/str.h"

/* Output that is kept, in the history and the log: the last lines of each command. */
#define LINES_MAX       20u
#define OUTPUT_LINE_MAX 200u

struct command {
    char **argv; /* owned, with its words; NULL-terminated */
    bool in_container;
    uint64_t limit_ms;
};

struct accd_hook_job {
    const char *kind; /* "pre", "post" */
    struct command *command;
    size_t n, at;
    char line[LINES_MAX][OUTPUT_LINE_MAX + 1]; /* a ring */
    size_t n_lines;
    size_t len; /* of the newest line */
    bool is_open;
};

void accd_upgrade_hook_free(struct accd_hook_job *job)
{
    if (!job) {
        return;
    }
    for (size_t i = 0; i < job->n; i++) {
        for (char **word = job->command[i].argv; word && *word; word++) {
            free(*word);
        }
        free(job->command[i].argv);
    }
    free(job->command);
    free(job);
}

/* --- what it says ---------------------------------------------------------------------------- */

static void add_output(struct accd_hook_job *job, const char *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)data[i];
        char *line;

        if (c == '\n') {
            job->is_open = false;
            continue;
        }
        if (!job->is_open) {
            job->is_open = true;
            job->len = 0;
            job->n_lines++;
        }
        line = job->line[(job->n_lines - 1) % LINES_MAX];
        if (job->len < OUTPUT_LINE_MAX) {
            line[job->len++] = c < 0x20 || c == 0x7f ? ' ' : (char)c;
            line[job->len] = '\0';
        } else {
            (void)acc_mark_cut(line, OUTPUT_LINE_MAX, OUTPUT_LINE_MAX);
        }
    }
}

static const char *last_line(const struct accd_hook_job *job)
{
    return job->n_lines > 0 ? job->line[(job->n_lines - 1) % LINES_MAX] : "";
}

/* The last lines, oldest first. */
static void keep_output(struct accd_op *op)
{
    const struct accd_docker_call_config *config = &op->call->config;
    struct accd_hook_job *job = op->hooks;
    size_t first = job->n_lines > LINES_MAX ? job->n_lines - LINES_MAX : 0;
    char text[ACC_NOTE_MAX + 1];

    for (size_t i = first; i < job->n_lines; i++) {
        (void)snprintf(text, sizeof(text), "upgrade.%s: %s", job->kind, job->line[i % LINES_MAX]);
        if (config->on_output) {
            config->on_output(config->ctx, op->action.svc, text);
        }
    }
    job->n_lines = 0;
    job->is_open = false;
}

static void begin(struct accd_op *op);

static void finish_saying(struct accd_op *op, enum acc_op_result result, const char *text)
{
    struct accd_hook_job *job = op->hooks;
    char message[sizeof(op->message)], line[OUTPUT_LINE_MAX + 1];

    (void)snprintf(line, sizeof(line), "%s", last_line(job));
    keep_output(op);
    (void)snprintf(message, sizeof(message), "command %zu of upgrade.%s %s%s%s", job->at + 1,
                   job->kind, text, line[0] ? ": " : "", line);
    accd_op_finish_with(op, result, message);
}

static void ended(struct accd_op *op, int status)
{
    struct accd_hook_job *job = op->hooks;
    char text[128], span[32];

    if (status == 0) {
        keep_output(op);
        job->at++;
        begin(op);
        return;
    }
    if (status == -ETIMEDOUT) {
        acc_format_span_ms(job->command[job->at].limit_ms, span, sizeof(span));
        (void)snprintf(text, sizeof(text), "did not end within %s", span);
    } else if (status < 0) {
        (void)snprintf(text, sizeof(text), "can't be run: %s", strerror(-status));
    } else {
        (void)snprintf(text, sizeof(text), "exited with %d", status);
    }
    finish_saying(op, ACC_OP_FAILED, text);
}

/* --- on the host ----------------------------------------------------------------------------- */

static void on_line(void *ctx, bool is_stderr, const char *line)
{
    struct accd_op *op = ctx;

    (void)is_stderr;
    add_output(op->hooks, line, strlen(line));
    add_output(op->hooks, "\n", 1);
}

static void on_end(void *ctx, int status)
{
    struct accd_op *op = ctx;

    op->child = NULL;
    ended(op, status);
}

static void run_on_host(struct accd_op *op, const struct command *command)
{
    char container[ACC_CID_LEN + 16], revision[48], service[2 * ACC_NAME_MAX + 24], hook[24];
    const char *const environment[] = {service, hook, container, revision, NULL};
    struct accd_child_config config = {.argv = (const char *const *)command->argv,
                                       .environment = environment,
                                       .limit_ms = command->limit_ms,
                                       .on_line = on_line,
                                       .on_end = on_end,
                                       .ctx = op};

    (void)snprintf(service, sizeof(service), "ACC_SERVICE=%s", op->service_id);
    (void)snprintf(hook, sizeof(hook), "ACC_HOOK=%s", op->hooks->kind);
    (void)snprintf(container, sizeof(container), "ACC_CONTAINER=%s", op->cid);
    (void)snprintf(revision, sizeof(revision), "ACC_REVISION=%u", (unsigned)op->action.revision);
    if (accd_child_start(op->call->config.loop, &config, &op->child) < 0) {
        finish_saying(op, ACC_OP_FAILED, "can't be run: accd is out of memory");
    }
}

/* --- in the container ------------------------------------------------------------------------ */

static void refused(struct accd_op *op)
{
    char why[sizeof(op->message)];

    (void)snprintf(why, sizeof(why), "%s", op->message);
    finish_saying(op, op->result == ACC_OP_LOST ? ACC_OP_LOST : ACC_OP_FAILED, why);
}

static void on_exec_output(struct accd_op *op, const char *data, size_t len)
{
    add_output(op->hooks, data, len);
}

static void on_exec_killed(struct accd_op *op, bool is_over)
{
    struct accd_hook_job *job = op->hooks;
    char text[128], span[32];

    if (is_over) {
        ended(op, -ETIMEDOUT);
        return;
    }
    acc_format_span_ms(job->command[job->at].limit_ms, span, sizeof(span));
    (void)snprintf(text, sizeof(text), "did not end within %s and may go on in the container",
                   span);
    finish_saying(op, ACC_OP_FAILED, text);
}

static void on_exec_end(struct accd_op *op, enum accd_exec_end end, int code)
{
    switch (end) {
    case ACCD_EXEC_ENDED:
        ended(op, code);
        break;
    case ACCD_EXEC_GOES_ON:
        finish_saying(op, ACC_OP_FAILED, "closed its output and goes on");
        break;
    case ACCD_EXEC_TIMEOUT:
        accd_docker_exec_kill(op, on_exec_killed);
        break;
    case ACCD_EXEC_REFUSED:
        refused(op);
        break;
    }
}

/* --- one after the other --------------------------------------------------------------------- */

static void begin(struct accd_op *op)
{
    const struct accd_hook_job *job = op->hooks;

    if (job->at == job->n) {
        accd_op_finish_with(op, ACC_OP_OK, "");
    } else if (job->command[job->at].in_container) {
        accd_docker_exec_argv(op, (const char *const *)job->command[job->at].argv,
                              job->command[job->at].limit_ms, on_exec_output, on_exec_end);
    } else {
        run_on_host(op, &job->command[job->at]);
    }
}

static bool copy_words(struct command *to, const char *const *argv)
{
    size_t n = 0;

    while (argv[n]) {
        n++;
    }
    to->argv = calloc(n + 1, sizeof(*to->argv));
    for (size_t i = 0; to->argv && i < n; i++) {
        to->argv[i] = strdup(argv[i]);
        if (!to->argv[i]) {
            return false;
        }
    }
    return to->argv != NULL;
}

/* The model may be replaced while they run. */
static bool take(struct accd_op *op, const struct acc_service_spec *service)
{
    bool is_post = op->action.is_post;
    const struct acc_upgrade_hook *hooks = is_post ? service->post_upgrade : service->pre_upgrade;
    size_t n = is_post ? service->n_post_upgrade : service->n_pre_upgrade;
    struct accd_hook_job *job = calloc(1, sizeof(*job));

    op->hooks = job;
    op->service_id = strdup(service->id);
    if (!job || !op->service_id) {
        return false;
    }
    job->kind = is_post ? "post" : "pre";
    job->command = calloc(n + 1, sizeof(*job->command));
    for (size_t i = 0; job->command && i < n; i++) {
        struct command *command = &job->command[job->n++];

        command->in_container = hooks[i].in_container;
        command->limit_ms = hooks[i].limit_ms;
        if (!copy_words(command, hooks[i].argv)) {
            return false;
        }
    }
    return job->command != NULL;
}

void accd_upgrade_hook(struct accd_op *op)
{
    const struct acc_model *model = op->call->config.model(op->call->config.ctx);

    if (op->action.svc >= model->n_services) {
        accd_op_finish_with(op, ACC_OP_FAILED, "it is not in the configuration");
    } else if (!take(op, model->services[op->action.svc])) {
        accd_op_finish_with(op, ACC_OP_FAILED, "accd is out of memory");
    } else {
        begin(op);
    }
}
