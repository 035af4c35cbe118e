#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/in/control_job.h"

/* Live events that may come in while the history is being read: half a second of a bad day. */
#define QUEUED_MAX (256u * 1024u)

struct kept {
    int64_t unix_ms;
    const char *kind;
    char *service, *text; /* owned, one block at `service` */
};

/* One reader of the history, and of what happens afterwards. */
struct stream {
    struct accd_job job; /* first: jobs are cast to it */
    bool more;
    bool reads_history; /* then on_history_done() frees it */
    uint32_t limit;
    char *ids; /* owned: wanted services, each with its NUL, ended by an empty one; NULL: all */
    struct kept *row;
    size_t n_rows, row_cap;
    struct acc_buf queued; /* live replies, each with a NUL, until the history is told */
};

static void stream_free(struct stream *stream)
{
    for (size_t i = 0; i < stream->n_rows; i++) {
        free(stream->row[i].service);
    }
    free(stream->row);
    free(stream->ids);
    acc_buf_fini(&stream->queued);
    free(stream);
}

static void unlink_stream(struct stream *stream)
{
    accd_session_set_data(stream->job.session, NULL);
    accd_job_unlink(&stream->job.control->streams, &stream->job);
    stream->job.session = NULL;
    stream->job.control = NULL;
}

static void stream_end(struct stream *stream)
{
    unlink_stream(stream);
    if (!stream->reads_history) {
        stream_free(stream);
    }
}

static void on_gone(struct accd_job *job)
{
    stream_end((struct stream *)job);
}

static bool wants(const struct stream *stream, const char *service)
{
    for (const char *id = stream->ids; id && *id; id += strlen(id) + 1) {
        if (strcmp(id, service) == 0) {
            return true;
        }
    }
    return !stream->ids;
}

/* --- history -----------------------------------------------------------------------------------
 */

static void on_row(void *arg, int64_t unix_ms, enum acc_note_kind kind, const char *service,
                   const char *text)
{
    struct stream *stream = arg;
    struct kept *kept;
    size_t service_len = strlen(service) + 1, text_len = strlen(text) + 1;

    if (!stream->job.session || !wants(stream, service)) {
        return;
    }
    if (stream->n_rows == stream->row_cap) {
        size_t cap = stream->row_cap ? 2 * stream->row_cap : 64;
        struct kept *more = reallocarray(stream->row, cap, sizeof(*more));

        if (!more) {
            return;
        }
        stream->row = more;
        stream->row_cap = cap;
    }
    kept = &stream->row[stream->n_rows];
    *kept = (struct kept){unix_ms, acc_note_kind_name(kind), malloc(service_len + text_len), NULL};
    if (!kept->service) {
        return;
    }
    memcpy(kept->service, service, service_len);
    kept->text = kept->service + service_len;
    memcpy(kept->text, text, text_len);
    stream->n_rows++;
}

/* The last `limit` rows as one reply. False: the session is gone. */
static bool tell_history(struct stream *stream)
{
    size_t skipped = stream->n_rows > stream->limit ? stream->n_rows - stream->limit : 0;
    size_t n = stream->n_rows - skipped;
    struct acc_event_row *rows = calloc(n + 1, sizeof(*rows));
    struct acc_buf out;
    int r = -ENOMEM;

    acc_buf_init(&out, ACC_REPLY_MAX);
    if (rows) {
        for (size_t i = 0; i < n; i++) {
            const struct kept *kept = &stream->row[skipped + i];

            rows[i] = (struct acc_event_row){kept->unix_ms, kept->kind, kept->service, kept->text};
        }
        r = acc_events_put(rows, n, stream->more, &out);
    }
    free(rows);
    return accd_control_reply(stream->job.session, &out, r, !stream->more);
}

static bool tell_queued(struct stream *stream)
{
    for (size_t at = 0; at < stream->queued.len;) {
        const char *reply = stream->queued.data + at;
        size_t len = strlen(reply);

        if (!accd_session_send(stream->job.session, reply, len, false)) {
            return false;
        }
        at += len + 1;
    }
    acc_buf_fini(&stream->queued);
    return true;
}

static void on_history_done(void *arg)
{
    struct stream *stream = arg;

    stream->reads_history = false;
    if (!stream->job.session) {
        stream_free(stream);
        return;
    }
    if (!tell_history(stream) || !stream->more || !tell_queued(stream)) {
        stream_end(stream);
        return;
    }
    for (size_t i = 0; i < stream->n_rows; i++) {
        free(stream->row[i].service);
    }
    free(stream->row);
    stream->row = NULL;
    stream->n_rows = stream->row_cap = 0;
}

/* --- live --------------------------------------------------------------------------------------
 */

static int format(const struct accd_control *control, const struct stream *stream,
                  struct acc_buf *out, size_t *ret_n)
{
    struct acc_event_row *rows = calloc(control->n_fed + 1, sizeof(*rows));
    size_t n = 0;
    int r;

    *ret_n = 0;
    if (!rows) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < control->n_fed; i++) {
        const struct accd_fed *fed = &control->fed[i];

        if (wants(stream, fed->service)) {
            rows[n++] = (struct acc_event_row){fed->unix_ms, fed->kind, fed->service, fed->text};
        }
    }
    r = n > 0 ? acc_events_put(rows, n, true, out) : 0;
    *ret_n = n;
    free(rows);
    return r;
}

static void give(struct stream *stream, const struct acc_buf *reply)
{
    if (!stream->reads_history) {
        if (!accd_session_send(stream->job.session, reply->data, reply->len, false)) {
            stream_end(stream);
        }
        return;
    }
    if (acc_buf_append(&stream->queued, reply->data, reply->len + 1) < 0) {
        accd_session_drop(stream->job.session, "too much happens while it reads the history");
        stream_end(stream);
    }
}

void accd_control_events_flush(struct accd_control *control)
{
    struct acc_buf shared; /* for all that want everything: written once */
    struct accd_job *next;
    size_t n_shared = 0;

    acc_buf_init(&shared, ACC_REPLY_MAX);
    for (struct accd_job *job = control->streams; job; job = next) {
        struct stream *stream = (struct stream *)job;

        next = job->next;
        if (!stream->more) {
            continue;
        }
        if (!stream->ids) {
            if (shared.len > 0 || format(control, stream, &shared, &n_shared) == 0) {
                give(stream, &shared);
            }
            continue;
        }
        struct acc_buf own;
        size_t n = 0;

        acc_buf_init(&own, ACC_REPLY_MAX);
        if (format(control, stream, &own, &n) == 0 && n > 0) {
            give(stream, &own);
        }
        acc_buf_fini(&own);
    }
    acc_buf_fini(&shared);
    control->n_fed = 0;
}

/* --- the request -------------------------------------------------------------------------------
 */

/* The ids of the selected services; `*ret_only` the one when there is just one. */
static int collect_ids(const struct accd_control *control, const uint8_t *selected, char **ret_ids,
                       const char **ret_only)
{
    size_t n = acc_engine_n_services(control->config.engine);
    struct acc_buf ids;
    size_t n_ids = 0;

    acc_buf_init(&ids, ACC_SERVICES_MAX * (2 * ACC_NAME_MAX + 2));
    for (uint32_t i = 0; i < n; i++) {
        struct acc_service_view service;

        if (!selected[i]) {
            continue;
        }
        acc_engine_service(control->config.engine, i, 0, &service);
        (void)acc_buf_append(&ids, service.id, strlen(service.id) + 1);
        n_ids++;
    }
    (void)acc_buf_append(&ids, "", 1);
    *ret_ids = acc_buf_take(&ids);
    *ret_only = n_ids == 1 ? *ret_ids : NULL;
    return *ret_ids ? 0 : -ENOMEM;
}

static void start(struct accd_control *control, struct accd_session *session,
                  const struct acc_ctl_request *request, const uint8_t *selected)
{
    struct stream *stream = calloc(1, sizeof(*stream));
    const char *only = NULL;

    if (!stream || (selected && collect_ids(control, selected, &stream->ids, &only) < 0)) {
        free(stream);
        accd_control_refuse(session, ACC_CTL_E_REFUSED, "accd is out of memory");
        return;
    }
    stream->job = (struct accd_job){.control = control, .session = session, .on_gone = on_gone};
    stream->more = request->more;
    stream->limit = request->limit;
    acc_buf_init(&stream->queued, QUEUED_MAX);
    accd_job_link(&control->streams, &stream->job);
    accd_session_set_data(session, stream);
    stream->reads_history = true;
    if (stream->limit == 0) {
        on_history_done(stream);
        return;
    }
    /* With several services the store can't choose, so all it has is looked through. */
    control->config.ops.history(control->config.ops_ctx, only,
                                stream->ids && !only ? ACC_CTL_LIMIT_MAX : stream->limit, on_row,
                                on_history_done, stream);
}

void accd_control_events(struct accd_control *control, struct accd_session *session,
                         const struct acc_ctl_request *request)
{
    size_t n = acc_engine_n_services(control->config.engine);
    struct acc_ctl_targets targets = {.selected = calloc(n + 1, 1)};
    struct acc_ctl_error error;

    if (!targets.selected) {
        accd_control_refuse(session, ACC_CTL_E_REFUSED, "accd is out of memory");
        return;
    }
    if (acc_ctl_select(control->config.engine, request, &targets, &error) == ACC_CTL_WRONG) {
        accd_control_reply_unselected(control, session, &error);
    } else {
        start(control, session, request, targets.is_all ? NULL : targets.selected);
    }
    free(targets.selected);
}

void accd_control_events_drop(struct accd_control *control)
{
    while (control->streams) {
        stream_end((struct stream *)control->streams);
    }
}
