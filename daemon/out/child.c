#include "daemon/out/child.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/str.h"

#define READ_BYTES 4096u

struct output {
    struct accd_child *child;
    uv_pipe_t pipe;
    bool is_stderr, is_over;
    char chunk[READ_BYTES];
    struct acc_buf line;
};

struct accd_child {
    struct accd_child_config config; /* callbacks and limit only */
    uv_process_t process;
    uv_pipe_t input;
    uv_write_t write;
    uv_timer_t timer; /* the limit; at once when it could not be started */
    struct output output[2];
    char *input_text;
    int status;
    unsigned n_handles;
    bool has_exited, is_timed_out, is_cancelled, is_ended;
};

static void end_if_over(struct accd_child *child);

static void on_closed(uv_handle_t *handle)
{
    struct accd_child *child = handle->data;

    if (--child->n_handles > 0) {
        return;
    }
    for (int i = 0; i < 2; i++) {
        acc_buf_fini(&child->output[i].line);
    }
    free(child->input_text);
    free(child);
}

static void close_one(uv_handle_t *handle)
{
    if (!uv_is_closing(handle)) {
        uv_close(handle, on_closed);
    }
}

static void close_all(struct accd_child *child)
{
    close_one((uv_handle_t *)&child->process);
    close_one((uv_handle_t *)&child->input);
    close_one((uv_handle_t *)&child->timer);
    close_one((uv_handle_t *)&child->output[0].pipe);
    close_one((uv_handle_t *)&child->output[1].pipe);
}

static void give_line(struct output *output)
{
    struct accd_child *child = output->child;

    if (!child->is_cancelled && output->line.len > 0) {
        child->config.on_line(child->config.ctx, output->is_stderr, output->line.data);
    }
    acc_buf_reset(&output->line);
}

static void take(struct output *output, const char *data, size_t len)
{
    for (size_t i = 0; i < len && !output->child->is_cancelled; i++) {
        if (data[i] == '\n' || data[i] == '\r') { /* progress is redrawn with CR */
            give_line(output);
        } else if (output->line.len < ACCD_CHILD_LINE_MAX) {
            (void)acc_buf_append(&output->line, &data[i], 1); /* out of memory: cut */
        } else {
            (void)acc_mark_cut(output->line.data, ACCD_CHILD_LINE_MAX, ACCD_CHILD_LINE_MAX);
        }
    }
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct accd_child *child = handle->data;
    struct output *output = handle == (uv_handle_t *)&child->output[0].pipe ? &child->output[0]
                                                                            : &child->output[1];

    (void)suggested;
    *buf = uv_buf_init(output->chunk, READ_BYTES);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct accd_child *child = stream->data;
    struct output *output = stream == (uv_stream_t *)&child->output[0].pipe ? &child->output[0]
                                                                            : &child->output[1];

    (void)buf;
    if (n > 0) {
        take(output, output->chunk, (size_t)n);
    } else if (n < 0) {
        give_line(output);
        output->is_over = true;
        (void)uv_read_stop(stream);
        end_if_over(child);
    }
}

static void end_if_over(struct accd_child *child)
{
    if (child->is_cancelled || child->is_ended || !child->has_exited || !child->output[0].is_over ||
        !child->output[1].is_over) {
        return;
    }
    child->is_ended = true;
    child->config.on_end(child->config.ctx, child->is_timed_out ? -ETIMEDOUT : child->status);
    close_all(child);
}

static void on_exit_status(uv_process_t *process, int64_t status, int signal_number)
{
    struct accd_child *child = process->data;

    child->status = signal_number ? 128 + signal_number : (int)status;
    child->has_exited = true;
    end_if_over(child);
}

/* Its whole group: docker build has helpers of its own. */
static void kill_group(const struct accd_child *child)
{
    if (!child->has_exited && child->process.pid > 0) {
        (void)kill(-child->process.pid, SIGKILL);
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct accd_child *child = timer->data;

    if (child->has_exited) { /* it was never there, or somebody has inherited its output */
        child->output[0].is_over = child->output[1].is_over = true;
        end_if_over(child);
        return;
    }
    child->is_timed_out = true;
    kill_group(child);
    child->output[0].is_over = child->output[1].is_over = true; /* nobody waits for the rest */
}

static void on_written(uv_write_t *request, int status)
{
    struct accd_child *child = request->data;

    (void)status; /* a program that doesn't read says in its exit code what it misses */
    close_one((uv_handle_t *)&child->input);
}

static char **with_environment(const char *const *more)
{
    size_t n = 0;
    size_t n_more = 0;

    while (environ && environ[n]) {
        n++;
    }
    while (more && more[n_more]) {
        n_more++;
    }
    char **all = calloc(n + n_more + 1, sizeof(*all));
    size_t k = 0;

    for (size_t i = 0; all && i < n; i++) {
        bool is_replaced = false;

        for (size_t j = 0; j < n_more; j++) {
            size_t len = strcspn(more[j], "=") + 1;

            is_replaced |= strncmp(environ[i], more[j], len) == 0;
        }
        if (!is_replaced) {
            all[k++] = environ[i];
        }
    }
    for (size_t j = 0; all && j < n_more; j++) {
        union {
            const char *in;
            char *out; /* uv_process_options_t says char *, and writes nothing */
        } text = {more[j]};

        all[k++] = text.out;
    }
    return all;
}

static int spawn(struct accd_child *child, uv_loop_t *loop, const struct accd_child_config *config)
{
    union {
        const char *const *in;
        char **out;
    } argv = {config->argv};
    char **env = with_environment(config->environment);
    uv_stdio_container_t stdio[3] = {
        {.flags = child->input_text ? UV_CREATE_PIPE | UV_READABLE_PIPE : UV_IGNORE,
         .data.stream = (uv_stream_t *)&child->input},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE,
         .data.stream = (uv_stream_t *)&child->output[0].pipe},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE,
         .data.stream = (uv_stream_t *)&child->output[1].pipe}};
    uv_process_options_t options = {.exit_cb = on_exit_status,
                                    .file = config->argv[0],
                                    .args = argv.out,
                                    .env = env,
                                    .flags = UV_PROCESS_DETACHED, /* setsid: a group of its own */
                                    .stdio = stdio,
                                    .stdio_count = 3};
    int r = env ? uv_spawn(loop, &child->process, &options) : -ENOMEM;

    free(env);
    child->process.data = child;
    return r;
}

static void start_io(struct accd_child *child)
{
    for (int i = 0; i < 2; i++) {
        if (uv_read_start((uv_stream_t *)&child->output[i].pipe, on_alloc, on_read) < 0) {
            child->output[i].is_over = true;
        }
    }
    if (child->input_text) {
        uv_buf_t text = uv_buf_init(child->input_text, (unsigned)strlen(child->input_text));

        child->write.data = child;
        if (uv_write(&child->write, (uv_stream_t *)&child->input, &text, 1, on_written) < 0) {
            close_one((uv_handle_t *)&child->input);
        }
    }
}

int accd_child_start(uv_loop_t *loop, const struct accd_child_config *config,
                     struct accd_child **ret_child)
{
    struct accd_child *child = calloc(1, sizeof(*child));

    if (!child) {
        return -ENOMEM;
    }
    child->config = *config;
    if (config->input) {
        child->input_text = strdup(config->input);
        if (!child->input_text) {
            free(child);
            return -ENOMEM;
        }
    }
    (void)uv_timer_init(loop, &child->timer);   /* can't fail */
    (void)uv_pipe_init(loop, &child->input, 0); /* nor these */
    (void)uv_pipe_init(loop, &child->output[0].pipe, 0);
    (void)uv_pipe_init(loop, &child->output[1].pipe, 0);
    child->timer.data = child->input.data = child;
    child->n_handles = 5;
    for (int i = 0; i < 2; i++) {
        child->output[i].child = child;
        child->output[i].is_stderr = i == 1;
        child->output[i].pipe.data = child;
        acc_buf_init(&child->output[i].line, ACCD_CHILD_LINE_MAX + 1);
    }
    int r = spawn(child, loop, config);

    if (r < 0) {
        child->status = r;
        child->has_exited = true;
        (void)uv_timer_start(&child->timer, on_timer, 0, 0);
    } else {
        start_io(child);
        if (config->limit_ms > 0) {
            (void)uv_timer_start(&child->timer, on_timer, config->limit_ms, 0);
        }
    }
    *ret_child = child;
    return 0;
}

void accd_child_cancel(struct accd_child *child)
{
    if (child && !child->is_ended) {
        child->is_cancelled = true;
        kill_group(child);
        close_all(child);
    }
}
