/* What the control server and the hooks are given from outside of the engine. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/app_parts.h"
#include "daemon/log.h"
#include "lib/codec/registry_auth.h"

/* A webhook that takes longer is given up; the next telling is a new try. */
#define POST_LIMIT_MS 20000u
/* Credentials of a hundred registries. */
#define DOCKER_CONFIG_MAX 262144u

/* --- facts of the host
 * ---------------------------------------------------------------------------- */

static const struct acc_host_facts *facts(void *ctx)
{
    struct accd_app *app = ctx;

    accd_sensors_read(app->options->sys_root, &app->sensors);
    for (size_t i = 0; i < app->sensors.n_gpus; i++) {
        (void)snprintf(app->gpu_names[i], sizeof(app->gpu_names[i]), "gpu%u", (unsigned)i % 100u);
        app->gpus[i] = (struct acc_gpu_facts){
            .name = app->gpu_names[i],
            .vram_total_bytes = app->sensors.gpus[i].vram_total_bytes,
            .vram_used_bytes = app->sensors.gpus[i].vram_used_bytes};
    }
    app->api[0] = '\0';
    if (app->docker.api_minor > 0) {
        (void)snprintf(app->api, sizeof(app->api), "1.%u", (unsigned)app->docker.api_minor);
    }
    app->facts = (struct acc_host_facts){
        .engine_version = app->docker.info.version,
        .engine_api = app->api,
        .memory_total_bytes = app->sensors.memory_total_bytes,
        .memory_used_bytes = app->sensors.memory_total_bytes - app->sensors.memory_available_bytes,
        .gpus = app->gpus,
        .n_gpus = app->sensors.n_gpus,
    };
    return &app->facts;
}

/* --- history ------------------------------------------------------------------------------------
 */

struct reader {
    void (*on_row)(void *arg, int64_t unix_ms, enum acc_note_kind kind, const char *service,
                   const char *text);
    void (*done)(void *arg);
    void *arg;
};

static void on_row(void *ctx, const struct accd_history_row *row)
{
    struct reader *reader = ctx;

    reader->on_row(reader->arg, row->unix_ms, row->kind, row->service, row->text);
}

static void on_rows_done(void *ctx)
{
    struct reader *reader = ctx;

    reader->done(reader->arg);
    free(reader);
}

static void history(void *ctx, const char *service, uint32_t limit,
                    void (*row)(void *arg, int64_t unix_ms, enum acc_note_kind kind,
                                const char *service, const char *text),
                    void (*done)(void *arg), void *arg)
{
    struct accd_app *app = ctx;
    struct reader *reader = calloc(1, sizeof(*reader));

    if (!reader) {
        done(arg);
        return;
    }
    *reader = (struct reader){.on_row = row, .done = done, .arg = arg};
    accd_store_history(app->store, service, limit, on_row, on_rows_done, reader);
}

static void revisions(void *ctx, const char *service,
                      void (*row)(void *arg, int64_t unix_ms,
                                  const struct acc_revision_record *record),
                      void (*done)(void *arg), void *arg)
{
    struct accd_app *app = ctx;

    accd_store_revisions(app->store, service, row, done, arg);
}

/* --- logs ----------------------------------------------------------------------------------------
 */

/* All containers of a service at once; the last one to end is the end. */
struct logs {
    struct accd_control_logs_sink sink;
    size_t n_open, n;
    struct log_reader {
        struct logs *logs;
        struct accd_docker_logs *reader; /* NULL: it has ended */
        char name[ACC_NAME_MAX + 1];
    } of[]; /* n */
};

static void cancel_readers(struct logs *logs)
{
    for (size_t i = 0; i < logs->n; i++) {
        accd_docker_logs_cancel(logs->of[i].reader);
        logs->of[i].reader = NULL;
    }
}

static void on_log_data(void *ctx, uint8_t stream, const char *data, size_t len)
{
    struct log_reader *reader = ctx;

    /* When the sink is gone it cancels by itself. */
    (void)reader->logs->sink.on_data(reader->logs->sink.token, reader->name, stream == 2, data,
                                     len);
}

static void on_log_end(void *ctx, const char *problem)
{
    struct log_reader *reader = ctx;
    struct logs *logs = reader->logs;

    reader->reader = NULL;
    if (--logs->n_open == 0) {
        logs->sink.on_end(logs->sink.token, problem);
        free(logs);
    }
}

static int start_reader(struct accd_app *app, struct logs *logs,
                        const struct accd_control_logs_options *options,
                        const struct acc_instance_view *view)
{
    struct log_reader *reader = &logs->of[logs->n];
    struct accd_container container;
    struct accd_docker_logs_options what = {
        .follow = options->follow,
        .timestamps = options->timestamps,
        .tail = options->tail == UINT32_MAX ? -1 : (int64_t)options->tail,
        .tty = accd_inspector_get(accd_docker_stream_inspector(app->stream), view->cid,
                                  &container) &&
               container.tty,
    };

    reader->logs = logs;
    (void)snprintf(reader->name, sizeof(reader->name), "%s", view->name);
    int r = accd_docker_logs_start(&app->docker, view->cid, &what, on_log_data, on_log_end, reader,
                                   &reader->reader);

    if (r == 0) {
        logs->n++;
        logs->n_open++;
    }
    return r;
}

static bool last_words(void *ctx, uint32_t svc, struct accd_last_word *ret_word)
{
    const struct accd_app *app = ctx;
    struct acc_service_view service;

    acc_engine_service(app->engine, svc, 0, &service);
    return accd_last_words_get(app->last_words, service.id, ret_word);
}

static int logs_start(void *ctx, const struct accd_control_logs_options *options,
                      const struct accd_control_logs_sink *sink, void **ret_handle)
{
    struct accd_app *app = ctx;
    struct acc_service_view service;
    struct logs *logs;
    int r = -ENOENT;

    acc_engine_service(app->engine, options->svc, uv_now(&app->loop), &service);
    logs = calloc(1, sizeof(*logs) + service.n_instances * sizeof(logs->of[0]));
    if (!logs) {
        return -ENOMEM;
    }
    logs->sink = *sink;
    for (uint32_t i = 0; i < service.n_instances; i++) {
        struct acc_instance_view view;

        acc_engine_instance(app->engine, options->svc, i, &view);
        if (view.cid[0]) {
            int one = start_reader(app, logs, options, &view);

            r = logs->n > 0 ? 0 : one;
        }
    }
    if (r < 0) {
        free(logs);
        return r;
    }
    *ret_handle = logs;
    return 0;
}

static void logs_pause(void *ctx, void *handle, bool is_paused)
{
    struct logs *logs = handle;

    (void)ctx;
    for (size_t i = 0; i < logs->n; i++) {
        if (logs->of[i].reader) {
            accd_docker_logs_pause(logs->of[i].reader, is_paused);
        }
    }
}

static void logs_cancel(void *ctx, void *handle)
{
    (void)ctx;
    cancel_readers(handle);
    free(handle);
}

static bool differences(void *ctx, const char *cid, struct acc_differences *ret)
{
    struct accd_app *app = ctx;

    return accd_differences_get(app->differences, cid, ret);
}

static const char *unsaved(void *ctx)
{
    struct accd_app *app = ctx;

    return accd_store_trouble(app->store);
}

static void when_saved(void *ctx, void (*then)(void *arg), void *arg)
{
    struct accd_app *app = ctx;

    accd_store_when_durable(app->store, then, arg);
}

static int state(void *ctx, uint32_t decision, struct acc_buf *out)
{
    const struct accd_app *app = ctx;

    return accd_recorder_save(app->recorder, decision, out);
}

void accd_app_control_ops(struct accd_control_ops *ret_ops)
{
    *ret_ops = (struct accd_control_ops){
        .facts = facts,
        .unsaved = unsaved,
        .unlisted = accd_app_unlisted,
        .when_saved = when_saved,
        .model = accd_app_model,
        .differences = differences,
        .history = history,
        .revisions = revisions,
        .logs_start = logs_start,
        .last_words = last_words,
        .logs_pause = logs_pause,
        .logs_cancel = logs_cancel,
        .apply = accd_app_apply,
        .prune = accd_app_prune,
        .differing = accd_app_differing,
        .resources = accd_app_resources,
        .plan = accd_app_plan,
        .outdated = accd_app_outdated,
        .state = state,
    };
}

/* --- webhooks
 * ------------------------------------------------------------------------------------- */

static void on_posted(void *ctx, const struct accd_http_reply *reply)
{
    (void)ctx;
    if (reply->error != ACCD_HTTP_OK || reply->status >= 400) {
        accd_log(ACCD_LOG_WARNING, "on_incident: a URL could not be told: %s (status %d)",
                 reply->error ? reply->detail : "refused", reply->status);
    }
}

void accd_app_post(void *ctx, const char *url, const char *body)
{
    struct accd_app *app = ctx;
    struct accd_http_config config = {.method = ACCD_HTTP_POST,
                                      .url = url,
                                      .body = body,
                                      .body_len = strlen(body),
                                      .headers = {"Content-Type: application/json"},
                                      .fresh = true,
                                      .limit_ms = POST_LIMIT_MS,
                                      .on_done = on_posted};

    if (accd_http_start(app->http, &config, NULL) < 0) {
        accd_log(ACCD_LOG_WARNING, "on_incident: %s is no URL that can be asked", url);
    }
}

/* --- credentials
 * ---------------------------------------------------------------------------------- */

static FILE *open_docker_config(void)
{
    const char *dir = getenv("DOCKER_CONFIG");
    const char *home = getenv("HOME");
    char path[4096];

    if (dir && *dir) {
        (void)snprintf(path, sizeof(path), "%s/config.json", dir);
    } else {
        (void)snprintf(path, sizeof(path), "%s/.docker/config.json",
                       home && *home ? home : "/root");
    }
    return fopen(path, "re");
}

/* A small local file; NULL when there is none. Owned by the caller, who forgets it. */
static char *read_docker_config(size_t *ret_len)
{
    FILE *file = open_docker_config();
    char *text = file ? malloc(DOCKER_CONFIG_MAX) : NULL;

    *ret_len = text ? fread(text, 1, DOCKER_CONFIG_MAX, file) : 0;
    if (file) {
        (void)fclose(file);
    }
    return text;
}

static void forget(char *text, size_t len)
{
    if (text) {
        memset(text, 0, len);
        free(text);
    }
}

enum acc_registry_auth_result accd_app_registry_auth(void *ctx, const char *reference,
                                                     struct acc_registry_auth *ret_auth)
{
    enum acc_registry_auth_result result = ACC_REGISTRY_ANONYMOUS;
    size_t len;
    char *text = read_docker_config(&len);

    (void)ctx;
    if (text) {
        result = acc_registry_auth_find(text, len, reference, ret_auth);
    }
    forget(text, len);
    return result;
}

void accd_app_credentials(void *ctx, struct acc_buf *out)
{
    char helper[ACC_REGISTRY_HELPER_MAX] = "";
    size_t len;
    char *text = read_docker_config(&len);

    (void)ctx;
    if (text && acc_registry_auth_all(text, len, out, helper) == -EINVAL) {
        accd_log(ACCD_LOG_WARNING, "~/.docker/config.json can't be read: use_api_socket goes on "
                                   "without logins");
    }
    if (helper[0]) {
        accd_log(ACCD_LOG_WARNING,
                 "use_api_socket: what docker-credential-%s keeps is not handed on, only what is "
                 "in ~/.docker/config.json itself",
                 helper);
    }
    forget(text, len);
}
