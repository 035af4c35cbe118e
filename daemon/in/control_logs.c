#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/in/control_job.h"
#include "lib/base/assert.h"
#include "lib/base/str.h"

/* Docker cuts longer lines itself (moby: daemon/logger/copier.go, 16 KiB); so do we, and say so:
 * all but the last part of such a line end with ACC_CUT. */
#define LINE_MAX_BYTES 16384u
/* Outputs of one service: two of each replica. */
#define OUTPUTS_MAX (2 * ACC_REPLICAS_MAX)
/* Lines in one reply. */
#define LINES_MAX 256u

/* A line that has no end yet. */
struct output {
    char instance[ACC_NAME_MAX + 1];
    bool is_stderr;
    struct acc_buf line;
};

struct reader {
    struct accd_job job; /* first: jobs are cast to it */
    void *handle;
    bool is_paused;
    char service[2 * ACC_NAME_MAX + 2];
    struct output output[OUTPUTS_MAX];
    size_t n_outputs;
    struct acc_log_row row[LINES_MAX];
    size_t n_rows;
};

static void reader_free(struct reader *reader)
{
    accd_session_set_data(reader->job.session, NULL);
    accd_job_unlink(&reader->job.control->calls, &reader->job);
    for (size_t i = 0; i < reader->n_outputs; i++) {
        acc_buf_fini(&reader->output[i].line);
    }
    free(reader);
}

static void on_gone(struct accd_job *job)
{
    struct reader *reader = (struct reader *)job;
    const struct accd_control *control = job->control;

    control->config.ops.logs_cancel(control->config.ops_ctx, reader->handle);
    reader_free(reader);
}

static void on_drained(struct accd_job *job)
{
    struct reader *reader = (struct reader *)job;
    const struct accd_control *control = job->control;

    if (reader->is_paused) {
        reader->is_paused = false;
        control->config.ops.logs_pause(control->config.ops_ctx, reader->handle, false);
    }
}

/* False: the session is gone. */
static bool flush(struct reader *reader, bool is_last)
{
    struct acc_buf out;
    int r;

    if (reader->n_rows == 0 && !is_last) {
        return true;
    }
    acc_buf_init(&out, ACC_REPLY_MAX);
    r = acc_logs_put(reader->row, reader->n_rows, !is_last, &out);
    reader->n_rows = 0;
    return accd_control_reply(reader->job.session, &out, r, is_last);
}

static bool add(struct reader *reader, const struct output *output, const char *text,
                size_t text_len)
{
    if (reader->n_rows == LINES_MAX && !flush(reader, false)) {
        return false;
    }
    text_len -= text_len > 0 && text[text_len - 1] == '\r'; /* of a terminal */
    reader->row[reader->n_rows++] = (struct acc_log_row){
        reader->service, output->instance, output->is_stderr, text ? text : "", text_len};
    return true;
}

static struct output *output_of(struct reader *reader, const char *instance, bool is_stderr)
{
    struct output *output;

    for (size_t i = 0; i < reader->n_outputs; i++) {
        output = &reader->output[i];
        if (output->is_stderr == is_stderr && strcmp(output->instance, instance) == 0) {
            return output;
        }
    }
    if (reader->n_outputs == OUTPUTS_MAX) {
        return NULL;
    }
    output = &reader->output[reader->n_outputs++];
    (void)snprintf(output->instance, sizeof(output->instance), "%s", instance);
    output->is_stderr = is_stderr;
    acc_buf_init(&output->line, LINE_MAX_BYTES + ACC_CUT_LEN);
    return output;
}

/* What was kept must leave before the bytes behind it change: rows only borrow. */
static bool end_line(struct reader *reader, struct output *output)
{
    bool alive = add(reader, output, output->line.data, output->line.len) && flush(reader, false);

    if (alive) {
        acc_buf_reset(&output->line);
    }
    return alive;
}

static bool take(struct reader *reader, struct output *output, const char *data, size_t data_len)
{
    while (data_len > 0) {
        const char *end = memchr(data, '\n', data_len);
        size_t len = end ? (size_t)(end - data) : data_len;
        size_t room = LINE_MAX_BYTES - output->line.len;
        bool is_cut = len > room;

        len = is_cut ? room : len;
        if (output->line.len == 0 && end && !is_cut) {
            if (!add(reader, output, data, len)) {
                return false;
            }
        } else if (acc_buf_append(&output->line, data, len) < 0 ||
                   (is_cut && acc_buf_puts(&output->line, ACC_CUT) < 0)) {
            acc_buf_reset(&output->line); /* out of memory: a line is lost */
        } else if ((end || is_cut) && !end_line(reader, output)) {
            return false;
        }
        data += len;
        data_len -= len;
        if (end && !is_cut) {
            data++;
            data_len--;
        }
    }
    return flush(reader, false);
}

static bool on_data(void *token, const char *instance, bool is_stderr, const char *data,
                    size_t data_len)
{
    struct reader *reader = token;
    const struct accd_control *control = reader->job.control;
    struct output *output = output_of(reader, instance, is_stderr);

    if (!output) {
        return true; /* more instances than a service can have */
    }
    if (!take(reader, output, data, data_len)) {
        control->config.ops.logs_cancel(control->config.ops_ctx, reader->handle);
        reader_free(reader);
        return false;
    }
    if (control->config.ops.logs_pause && !reader->is_paused &&
        accd_session_backlog(reader->job.session) > ACCD_SESSION_BACKLOG_HIGH) {
        reader->is_paused = true;
        control->config.ops.logs_pause(control->config.ops_ctx, reader->handle, true);
    }
    return true;
}

static void on_end(void *token, const char *error)
{
    struct reader *reader = token;
    bool alive = true;

    for (size_t i = 0; i < reader->n_outputs && alive; i++) {
        if (reader->output[i].line.len > 0) {
            alive = end_line(reader, &reader->output[i]);
        }
    }
    if (alive && error) {
        accd_control_refuse(reader->job.session,
                            acc_engine_connected(reader->job.control->config.engine)
                                ? ACC_CTL_E_REFUSED
                                : ACC_CTL_E_ENGINE_AWAY,
                            error);
    } else if (alive) {
        (void)flush(reader, true);
    }
    reader_free(reader);
}

/* All there is of them is here: no reader stays behind. */
static void tell_last_words(struct accd_control *control, struct accd_session *session,
                            uint32_t svc)
{
    struct accd_last_word word;
    struct acc_service_view service;
    struct acc_log_row row[ACCD_LAST_WORDS_LINES + 1];
    struct acc_buf out;
    size_t n = 0;
    int r;

    if (!control->config.ops.last_words ||
        !control->config.ops.last_words(control->config.ops_ctx, svc, &word)) {
        accd_control_refuse(session, ACC_CTL_E_REFUSED,
                            "no container of it was taken back since accd was started; accctl "
                            "history has its upgrades");
        return;
    }
    acc_engine_service(control->config.engine, svc, uv_now(control->config.loop), &service);
    while (word.len > 0 && n < ACC_ARRAY_LEN(row)) {
        const char *end = memchr(word.text, '\n', word.len);
        size_t len = end ? (size_t)(end - word.text) : word.len;
        bool is_cr = len > 0 && word.text[len - 1] == '\r';

        row[n++] = (struct acc_log_row){service.id, word.instance, false, word.text, len - is_cr};
        word.text += end ? len + 1 : len;
        word.len -= end ? len + 1 : len;
    }
    acc_buf_init(&out, ACC_REPLY_MAX);
    r = acc_logs_put(row, n, false, &out);
    (void)accd_control_reply(session, &out, r, true);
}

static void start(struct accd_control *control, struct accd_session *session,
                  const struct acc_ctl_request *request, uint32_t svc)
{
    struct accd_control_logs_options options = {
        .svc = svc,
        .follow = request->follow,
        .timestamps = request->timestamps,
        .tail = request->limit,
    };
    struct accd_control_logs_sink sink = {.on_data = on_data, .on_end = on_end};
    struct acc_service_view service;
    struct reader *reader = calloc(1, sizeof(*reader));
    int r;

    if (!reader) {
        accd_control_refuse(session, ACC_CTL_E_REFUSED, "accd is out of memory");
        return;
    }
    acc_engine_service(control->config.engine, svc, uv_now(control->config.loop), &service);
    (void)snprintf(reader->service, sizeof(reader->service), "%s", service.id);
    sink.token = reader;
    r = control->config.ops.logs_start(control->config.ops_ctx, &options, &sink, &reader->handle);
    if (r < 0) {
        free(reader);
        accd_control_refuse(session, ACC_CTL_E_REFUSED,
                            r == -ENOENT
                                ? "it has no container, so there are no logs; accctl why says why"
                                : "too many readers of logs; ask again later");
        return;
    }
    reader->job = (struct accd_job){
        .control = control, .session = session, .on_gone = on_gone, .on_drained = on_drained};
    accd_job_link(&control->calls, &reader->job);
    accd_session_set_data(session, reader);
}

/* Everything that can be wrong with the request; PARSED sets the one service. */
static enum acc_ctl_parsed check(struct accd_control *control,
                                 const struct acc_ctl_request *request,
                                 struct acc_ctl_targets *targets, uint32_t *ret_svc,
                                 struct acc_ctl_error *error)
{
    size_t n = acc_engine_n_services(control->config.engine);
    const uint8_t *first, *second;

    if (!request->more) {
        acc_ctl_error_set(error, ACC_CTL_E_EXPECTED_MORE, NULL, "%s", "");
        return ACC_CTL_WRONG;
    }
    if (!request->taken_back && !acc_engine_connected(control->config.engine)) {
        acc_ctl_error_set(error, ACC_CTL_E_ENGINE_AWAY, "reason",
                          "the engine can't be reached, and it has the logs");
        return ACC_CTL_WRONG;
    }
    if (acc_ctl_select(control->config.engine, request, targets, error) == ACC_CTL_WRONG) {
        return ACC_CTL_WRONG;
    }
    first = memchr(targets->selected, 1, n);
    second = first ? memchr(first + 1, 1, n - (size_t)(first + 1 - targets->selected)) : NULL;
    if (!first || second) {
        acc_ctl_error_set_parameter(error, "target", "%.200s is a stack; logs are of one service",
                                    request->targets[0]);
        return ACC_CTL_WRONG;
    }
    *ret_svc = (uint32_t)(first - targets->selected);
    return ACC_CTL_PARSED;
}

void accd_control_logs(struct accd_control *control, struct accd_session *session,
                       const struct acc_ctl_request *request)
{
    size_t n = acc_engine_n_services(control->config.engine);
    struct acc_ctl_targets targets = {.selected = calloc(n + 1, 1)};
    struct acc_ctl_error error;
    uint32_t svc = 0;

    if (!targets.selected) {
        accd_control_refuse(session, ACC_CTL_E_REFUSED, "accd is out of memory");
    } else if (check(control, request, &targets, &svc, &error) == ACC_CTL_WRONG) {
        accd_control_reply_unselected(control, session, &error);
    } else if (request->taken_back) {
        tell_last_words(control, session, svc);
    } else {
        start(control, session, request, svc);
    }
    free(targets.selected);
}

void accd_control_logs_drop(struct accd_control *control)
{
    while (control->calls) {
        control->calls->on_gone(control->calls);
    }
}
