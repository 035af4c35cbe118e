#include "daemon/app.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "daemon/app_parts.h"
#include "daemon/log.h"
#include "lib/base/assert.h"
#include "lib/base/str.h"

#ifdef ACCD_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

/* E5, starts in flight: they are bound by the engine's CPU time (4 saturate 2 cores). */
#define STARTS_PER_CORE      2u
#define STARTS_IN_FLIGHT_MAX 8u
/* How long the end of a `stop` is waited for when accd leaves (Docker 23 kills a container whose
 * stop loses its client). */
#define LEAVE_POLL_MS 50u
#define LEAVE_MAX_MS  20000u

/* --- the configuration --------------------------------------------------------------------------
 */

void accd_app_print_diags(const struct acc_diags *diags)
{
    char text[ACC_DIAG_TEXT_MAX + ACC_DIAG_FILE_MAX + 64];

    for (size_t i = 0; i < diags->n; i++) {
        struct acc_diag diag = diags->item[i];
        bool is_warning = diag.severity == ACC_SEVERITY_WARNING;

        diag.severity = ACC_SEVERITY_ERROR; /* a line of the log has the word already */
        (void)acc_diag_format(&diag, text, sizeof(text));
        accd_log(is_warning ? ACCD_LOG_WARNING : ACCD_LOG_ERROR, "%s", text);
    }
    if (diags->n_dropped > 0) {
        accd_log(ACCD_LOG_ERROR, "and %zu more problems", diags->n_dropped);
    }
}

void accd_app_fill_model(struct accd_app *app, struct acc_model *model)
{
    uint32_t starts = STARTS_PER_CORE * app->n_cores;

    if (starts > STARTS_IN_FLIGHT_MAX) {
        starts = STARTS_IN_FLIGHT_MAX;
    }
    if (model->timing.starts_in_flight == 0) {
        model->timing.starts_in_flight = starts;
    }
    for (size_t i = 0; i < model->n_services; i++) {
        if (model->services[i]->timing.starts_in_flight == 0) {
            model->services[i]->timing.starts_in_flight = starts;
        }
    }
}

/* It has supervised something before: that goes on, whatever of its files is away (a disk that
 * isn't mounted yet). The first time a wrong path is just that. */
static bool has_run_before(const struct accd_app *app)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof(path), "%s/state.db", app->options->state_dir);

    return n > 0 && (size_t)n < sizeof(path) && access(path, F_OK) == 0;
}

/* The rest of the house is worth more than the stack that somebody has broken: he, and all who are
 * to be told of it, have an accd to ask. Who checks the files, or gives the stacks away, is there
 * to mend them first. */
static void be_lenient(struct accd_app *app)
{
    bool has_run = has_run_before(app);

    app->load_options.may_miss = has_run;
    app->load_options.may_fail = has_run && !app->options->check && !app->options->hand_back;
}

static int load(struct accd_app *app)
{
    struct acc_diags *diags = calloc(1, sizeof(*diags));
    int r;

    if (!diags) {
        return -ENOMEM;
    }
    be_lenient(app);
    r = acc_load(&app->load_options, &app->loaded, diags);
    app->load_options.may_miss = app->load_options.may_fail = false;
    accd_app_print_diags(diags);
    if (r == -EINVAL) {
        accd_log(ACCD_LOG_ERROR, "the configuration has %zu error%s: nothing is started",
                 diags->n_errors, acc_plural(diags->n_errors));
    }
    free(diags);
    return r;
}

/* --- what the parts ask of the app
 * ----------------------------------------------------------------- */

static bool is_ours(void *ctx, const char *project)
{
    struct accd_app *app = ctx;

    return acc_engine_find_stack(app->engine, project) != ACC_NONE ||
           accd_departed_has(&app->departed, project) || /* does somebody take it over? */
           accd_app_others_has(app, project);
}

const struct acc_model *accd_app_model(void *ctx)
{
    struct accd_app *app = ctx;

    return app->loaded.model;
}

static const char *container_id(void *ctx, uint32_t svc)
{
    struct accd_app *app = ctx;

    return acc_engine_container_id(app->engine, svc);
}

static const char *container_name(void *ctx, uint32_t svc)
{
    struct accd_app *app = ctx;
    struct acc_instance_view view;

    if (!acc_engine_container_id(app->engine, svc)) {
        return NULL;
    }
    acc_engine_instance(app->engine, svc, 0, &view);
    return view.name;
}

static void heirs(void *ctx, uint32_t svc, uint32_t slot, char out[ACC_OBS_VOLUMES_MAX + 1])
{
    struct accd_app *app = ctx;

    acc_engine_heirs(app->engine, svc, slot, out);
}

static void say_status(struct accd_app *app)
{
    size_t n_up = 0;
    size_t n_wanted = 0;
    char text[192], unloaded[64] = "";
    struct acc_shutdown_view shutdown;

    acc_engine_shutdown(app->engine, uv_now(&app->loop), &shutdown);
    for (uint32_t i = 0; i < acc_engine_n_services(app->engine); i++) {
        struct acc_service_view view;

        acc_engine_service(app->engine, i, uv_now(&app->loop), &view);
        n_wanted += view.wanted_up;
        n_up += view.state == ACC_SVC_UP || view.state == ACC_SVC_DONE;
    }
    if (app->loaded.n_unloaded > 0) {
        size_t n = app->loaded.n_unloaded;

        (void)snprintf(unloaded, sizeof(unloaded), "; %zu stack%s %s not loaded", n, acc_plural(n),
                       n == 1 ? "is" : "are");
    }
    (void)snprintf(text, sizeof(text), "%zu of %zu service%s up%s%s%s", n_up, n_wanted,
                   acc_plural(n_wanted),
                   acc_engine_connected(app->engine) ? "" : "; Docker is away",
                   shutdown.is_on ? "; the host is shutting down" : "", unloaded);
    accd_notify_status(&app->notify, text);
}

/* --- leaving -------------------------------------------------------------------------------------
 */

static void on_http_closed(void *ctx)
{
    (void)ctx;
}

static void on_leave_closed(uv_handle_t *handle)
{
    (void)handle; /* embedded in the app */
}

static void close_all(struct accd_app *app)
{
    accd_docker_stream_close(app->stream);
    accd_app_prune_drop(app);
    accd_app_plan_drop(app);
    app->call = accd_docker_call_destroy(app->call);
    app->pins = accd_pins_destroy(app->pins);
    accd_probe_close(app->probe);
    accd_control_close(app->control);
    app->control = NULL;
    accd_app_declared_drop(app); /* who waited for it has left */
    if (app->http) {
        accd_http_close(app->http, on_http_closed, NULL);
    }
    accd_hooks_close(app->hooks);
    accd_host_watch_close(app->host_watch);
    accd_logind_close(app->logind);
    app->logind = NULL;
    accd_timer_close(&app->timer);
    accd_wall_clock_close(&app->wall_clock);
    accd_signals_close(&app->signals);
    accd_notify_close(&app->notify);
    uv_close((uv_handle_t *)&app->leave_timer, on_leave_closed);
}

static void on_leave_timer(uv_timer_t *timer)
{
    struct accd_app *app = timer->data;
    size_t n_stops = 0;

    (void)accd_docker_call_n_ops(app->call, &n_stops);
    if (n_stops > 0 && uv_now(&app->loop) - app->leave_ms < LEAVE_MAX_MS) {
        return; /* asked again in a moment */
    }
    close_all(app);
}

void accd_app_leave(struct accd_app *app)
{
    if (app->is_leaving) {
        return;
    }
    app->is_leaving = true;
    app->leave_ms = uv_now(&app->loop);
    accd_notify_stopping(&app->notify);
    accd_pump_mute(app->pump);
    (void)uv_timer_start(&app->leave_timer, on_leave_timer, 0, LEAVE_POLL_MS);
}

static void on_leave(void *ctx, int signum)
{
    (void)signum;
    accd_log(ACCD_LOG_NOTICE, "leaving; the containers go on");
    accd_app_leave(ctx);
}

static void on_reload_signal(void *ctx)
{
    accd_app_apply(ctx, false, "SIGHUP", NULL, NULL);
}

/* --- after each run of the pump
 * ------------------------------------------------------------------- */

static void let_host_go(struct accd_app *app)
{
    struct acc_shutdown_view shutdown;

    acc_engine_shutdown(app->engine, uv_now(&app->loop), &shutdown);
    if (shutdown.is_on && shutdown.is_over) {
        accd_logind_let_go(app->logind);
    }
}

static void on_idle(void *ctx, uint64_t deadline_ms)
{
    struct accd_app *app = ctx;

    if (accd_app_others_tell(app)) {
        accd_pump_run(app->pump); /* which comes back here */
        return;
    }
    accd_store_gather(app->store, false);
    accd_timer_arm(&app->timer, deadline_ms);
    if (app->control) {
        accd_control_on_idle(app->control);
    }
    if (app->is_status_dirty) {
        app->is_status_dirty = false;
        say_status(app);
    }
    let_host_go(app);
    accd_app_hand_back_check(app);
    accd_app_look_up(app);
    accd_app_declared_look(app);
    accd_app_left_look(app);
    if (app->pins && acc_engine_has_snapshot(app->engine)) {
        accd_pins_run(app->pins);
    }
}

static void on_note(void *ctx, const struct acc_action *action)
{
    struct accd_app *app = ctx;

    accd_telling_note(&app->telling, action);
    app->is_status_dirty |= action->note.kind == ACC_NOTE_STATE ||
                            action->note.kind == ACC_NOTE_ENGINE;
    if (app->control) {
        accd_control_feed_note(app->control, accd_unix_ms(), action);
    }
}

/* Those of one image that are told of it; the rest sees it in the same verbs anyway. */
#define IMAGE_USERS_MAX 64u

/* Services whose containers need resource `at` of the model. */
static size_t users_of(const struct acc_model *model, uint32_t at, uint32_t *svc)
{
    size_t n = 0;

    for (uint32_t i = 0; i < model->n_services && n < IMAGE_USERS_MAX; i++) {
        const struct acc_service_spec *service = model->services[i];
        uint32_t base = model->resource_base[model->service_stack[i]];

        for (size_t k = 0; k < service->n_resources; k++) {
            if (base + service->resources[k] == at) {
                svc[n++] = i;
                break;
            }
        }
    }
    return n;
}

static void on_image(void *ctx, const struct acc_action *action, const struct accd_image_news *news)
{
    struct accd_app *app = ctx;
    uint32_t svc[IMAGE_USERS_MAX] = {action->svc};
    size_t n = action->type == ACC_ACT_PULL ? 1 : users_of(app->loaded.model, action->res, svc);

    if (app->control) {
        accd_control_feed_image(app->control, svc, n, news);
    }
}

/* What a command around an upgrade said goes where notes go. */
static void on_output(void *ctx, uint32_t svc, const char *line)
{
    struct acc_action action = {.type = ACC_ACT_NOTE, .svc = svc, .slot = ACC_NONE};

    action.note.kind = ACC_NOTE_OBSERVED;
    (void)snprintf(action.note.text, sizeof(action.note.text), "%s", line);
    on_note(ctx, &action);
}

static void on_incident(void *ctx, const struct acc_action *action)
{
    struct accd_app *app = ctx;

    accd_telling_incident(&app->telling, action);
}

/* --- beginning ----------------------------------------------------------------------------------
 */

static int create_engine(struct accd_app *app)
{
    struct acc_engine_options options = {.first_op = accd_store_next_op(app->store),
                                         .observe_new = true};

    if (getrandom(&options.seed, sizeof(options.seed), 0) != (ssize_t)sizeof(options.seed)) {
        options.seed = (uint64_t)accd_unix_ms();
    }
    int r = acc_engine_create(app->loaded.model, &options, &app->engine);

    if (r == 0) {
        accd_store_restore(app->store, app->engine);
        accd_app_unlisted_begin(app);
        accd_app_others_set(app);
        app->n_past = accd_store_incidents(app->store, app->past, ACC_PAST_INCIDENTS_MAX);
        size_t n_unfinished = accd_store_n_unfinished(app->store);

        if (n_unfinished > 0) {
            accd_log(ACCD_LOG_NOTICE,
                     "%zu operation%s under way when accd ended: looking what came of it",
                     n_unfinished, n_unfinished == 1 ? " was" : "s were");
        }
    }
    return r;
}

static void before_step(void *ctx, const struct acc_event *event)
{
    struct accd_app *app = ctx;

    accd_store_gather(app->store, true);
    accd_recorder_before(app->recorder, event);
    accd_app_others_heard(app, event);
    if (event->type == ACC_EV_OBS &&
        accd_departed_taken_over(&app->departed, app->engine, event->obs)) {
        struct acc_stack_record stack = {.observing = true};

        memcpy(stack.name, event->obs->project, sizeof(stack.name));
        accd_store_save_stack(app->store, &stack);
    }
}

static void after_step(void *ctx, const struct acc_actions *actions)
{
    accd_recorder_after(((struct accd_app *)ctx)->recorder, actions);
}

static int create_pump(struct accd_app *app)
{
    struct accd_pump_config config = {
        .engine = app->engine,
        .when_durable = accd_store_when_durable,
        .when_durable_ctx = app->store,
        .on_idle = on_idle,
        .on_idle_ctx = app,
        .before = before_step,
        .after = after_step,
        .around_ctx = app,
    };
    int r = accd_recorder_create(app->engine, &app->recorder);

    if (r < 0) {
        return r;
    }
    accd_recorder_set_model(app->recorder, app->loaded.model);
    return accd_pump_create(&config, &app->pump);
}

static int create_docker(struct accd_app *app, char *reterr_text, size_t size)
{
    app->differences = accd_differences_create();
    app->last_words = accd_last_words_create();

    struct accd_docker_stream_config stream = {.loop = &app->loop,
                                               .docker = &app->docker,
                                               .pump = app->pump,
                                               .sys_root = app->options->sys_root,
                                               .is_ours = is_ours,
                                               .ctx = app};
    struct accd_docker_call_config call = {.loop = &app->loop,
                                           .docker = &app->docker,
                                           .pump = app->pump,
                                           .model = accd_app_model,
                                           .container_id = container_id,
                                           .container_name = container_name,
                                           .heirs = heirs,
                                           .on_image = on_image,
                                           .on_output = on_output,
                                           .registry_auth = accd_app_registry_auth,
                                           .credentials = accd_app_credentials,
                                           .explain = accd_app_explain,
                                           .sys_root = app->options->sys_root,
                                           .differences = app->differences,
                                           .last_words = app->last_words,
                                           .ctx = app};
    struct accd_probe_config probe = {.loop = &app->loop,
                                      .docker = &app->docker,
                                      .pump = app->pump,
                                      .sys_root = app->options->sys_root,
                                      .model = accd_app_model,
                                      .ctx = app};
    struct accd_pins_config pins = {.docker = &app->docker, .wanted = accd_app_pins, .ctx = app};
    int r = app->differences && app->last_words ? accd_http_create(&app->loop, &app->http)
                                                : -ENOMEM;

    if (r == 0) {
        r = accd_docker_init(&app->docker, app->options->docker, app->http, reterr_text, size);
    }
    if (r == 0) {
        r = accd_docker_stream_create(&stream, &app->stream);
    }
    if (r == 0) {
        call.inspector = probe.inspector = accd_docker_stream_inspector(app->stream);
        r = accd_docker_call_create(&call, &app->call);
    }
    if (r == 0) {
        r = accd_probe_create(&probe, &app->probe);
    }
    return r == 0 ? accd_pins_create(&pins, &app->pins) : r;
}

/* Whatever the events said: all is looked at again, of Docker and of the host. */
static void on_list(void *ctx, const struct acc_action *action)
{
    struct accd_app *app = ctx;

    accd_docker_stream_list(app->stream, action);
    accd_host_watch_look(app->host_watch);
    accd_app_unlisted_look(app);
    accd_app_declared_on_list(app);
    if (accd_store_trouble(app->store)) { /* is there room again? */
        struct acc_action again = {.type = ACC_ACT_SAVE_MAINTENANCE};

        accd_telling_save(&app->telling, &again);
    }
}

static void on_journal_end(void *ctx, const struct acc_action *action)
{
    struct accd_app *app = ctx;

    accd_telling_journal(&app->telling, action);
    accd_app_declared_on_made(app, action);
}

/* It may be managed since. */
static void on_save_stack(void *ctx, const struct acc_action *action)
{
    struct accd_app *app = ctx;

    accd_telling_save(&app->telling, action);
    accd_app_declared_due(app);
}

static void on_store_turn(void *ctx, bool is_saved)
{
    struct accd_app *app = ctx;
    struct acc_event event = {.type = ACC_EV_HOST, .now_ms = uv_now(&app->loop)};

    event.host.condition = ACC_CONDITION_DISK;
    event.host.is_met = is_saved ? ACC_YES : ACC_NO;
    if (accd_pump_push(app->pump, &event) == 0) {
        accd_pump_run(app->pump);
    }
}

static void wire(struct accd_app *app)
{
    static const enum acc_action_type calls[] = {ACC_ACT_ENSURE_RESOURCE,
                                                 ACC_ACT_REMOVE_RESOURCE,
                                                 ACC_ACT_CREATE,
                                                 ACC_ACT_START,
                                                 ACC_ACT_STOP,
                                                 ACC_ACT_KILL,
                                                 ACC_ACT_REMOVE,
                                                 ACC_ACT_UNPAUSE,
                                                 ACC_ACT_COMPARE,
                                                 ACC_ACT_UPDATE,
                                                 ACC_ACT_SET_POLICY,
                                                 ACC_ACT_UPGRADE_HOOK,
                                                 ACC_ACT_PULL,
                                                 ACC_ACT_ROUTE,
                                                 ACC_ACT_DRAIN,
                                                 ACC_ACT_UNDRAIN,
                                                 ACC_ACT_RENAME,
                                                 ACC_ACT_HOOK};

    app->telling.loop = &app->loop;
    app->telling.engine = app->engine;
    app->telling.store = app->store;
    app->telling.hooks = app->hooks;
    accd_store_on_recovered(app->store, accd_telling_save_all, &app->telling);
    accd_store_on_turn(app->store, on_store_turn, app);
    accd_pump_wire(app->pump, ACC_ACT_JOURNAL, accd_telling_journal, &app->telling);
    accd_pump_wire(app->pump, ACC_ACT_JOURNAL_END, on_journal_end, app);
    accd_pump_wire(app->pump, ACC_ACT_SAVE_SERVICE, accd_telling_save, &app->telling);
    accd_pump_wire(app->pump, ACC_ACT_SAVE_STACK, on_save_stack, app);
    accd_pump_wire(app->pump, ACC_ACT_SAVE_REVISION, accd_app_on_save_revision, app);
    accd_pump_wire(app->pump, ACC_ACT_SAVE_MAINTENANCE, accd_telling_save, &app->telling);
    accd_pump_wire(app->pump, ACC_ACT_NOTE, on_note, app);
    accd_pump_wire(app->pump, ACC_ACT_INCIDENT, on_incident, app);
    accd_pump_wire(app->pump, ACC_ACT_LIST, on_list, app);
    accd_pump_wire(app->pump, ACC_ACT_INSPECT, accd_docker_stream_inspect, app->stream);
    accd_pump_wire(app->pump, ACC_ACT_PROBE, accd_probe_execute, app->probe);
    accd_pump_wire(app->pump, ACC_ACT_LOOK_UP, accd_app_on_look_up, app);
    for (size_t i = 0; i < ACC_ARRAY_LEN(calls); i++) {
        accd_pump_wire(app->pump, calls[i], accd_docker_call_execute, app->call);
    }
}

/* The one that systemd holds for us (accd.socket), or -1. Its owner and mode are the unit's. */
static int activated_fd(const char *path)
{
#ifdef ACCD_SYSTEMD
    int n = sd_listen_fds(1);

    for (int fd = SD_LISTEN_FDS_START; fd < SD_LISTEN_FDS_START + n; fd++) {
        if (sd_is_socket_unix(fd, SOCK_STREAM, 1, path, 0) > 0) {
            return fd;
        }
    }
#endif
    (void)path;
    return -1;
}

static int create_control(struct accd_app *app, char *reterr_text)
{
    struct accd_control_config config = {.loop = &app->loop,
                                         .engine = app->engine,
                                         .pump = app->pump,
                                         .path = app->options->socket,
                                         .listen_fd = activated_fd(app->options->socket),
                                         .past = app->past,
                                         .n_past = app->n_past,
                                         .ops_ctx = app};

    accd_app_control_ops(&config.ops);
    return accd_control_open(&config, &app->control, reterr_text);
}

static int begin_outside(struct accd_app *app, char *reterr_text)
{
    int r = accd_hooks_create(&app->loop, accd_app_post, app, &app->hooks);

    if (r == 0 && app->loaded.config) {
        r = accd_hooks_configure(app->hooks, app->loaded.config->on_incident,
                                 app->loaded.config->n_on_incident);
    }
    if (r == 0) {
        r = create_docker(app, reterr_text, ACCD_STORE_ERROR_MAX);
    }
    if (r == 0) {
        wire(app);
        r = accd_reload_create(&app->loop, &app->load_options, accd_app_on_loaded, app,
                               &app->reload);
    }
    if (r == 0) {
        r = accd_reload_create(&app->loop, &app->load_options, accd_app_on_planned, app,
                               &app->plan_reload);
    }
    if (r == 0) {
        struct acc_load_options lenient = app->load_options;

        lenient.may_miss = lenient.may_fail = true; /* one that is still bad keeps no other away */
        r = accd_reload_create(&app->loop, &lenient, accd_app_on_looked, app, &app->find_reload);
    }
    if (r == 0 && !app->options->hand_back) { /* that stops nothing */
        r = accd_logind_create(&app->loop, app->pump, &app->logind);
    }
    if (r == 0) {
        r = accd_host_watch_create(&app->loop, app->pump, app->options->sys_root, &app->host_watch);
    }
    if (r == 0) {
        r = accd_host_watch_set(app->host_watch, app->loaded.model);
    }
    if (r == 0 && !app->options->hand_back) {
        r = create_control(app, reterr_text);
    }
    return r;
}

static int begin(struct accd_app *app, char *reterr_text)
{
    int r = accd_store_open(&app->loop, app->options->state_dir, &app->store, reterr_text);

    if (r == 0) {
        r = create_engine(app);
    }
    if (r == 0) {
        r = create_pump(app);
    }
    if (r < 0) {
        return r;
    }
    app->signals.on_leave = on_leave;
    app->signals.on_reload = on_reload_signal;
    app->signals.ctx = app;
    r = accd_timer_init(&app->timer, &app->loop, app->pump);
    if (r == 0) {
        r = accd_wall_clock_init(&app->wall_clock, &app->loop, app->pump, app->options->sys_root);
    }
    if (r == 0) {
        r = accd_signals_init(&app->signals, &app->loop);
    }
    if (r == 0) {
        r = accd_notify_init(&app->notify, &app->loop);
    }
    return r == 0 ? begin_outside(app, reterr_text) : r;
}

static const char *size_of(const struct acc_model *model, char *out, size_t out_size)
{
    (void)snprintf(out, out_size, "%zu service%s in %zu stack%s", model->n_services,
                   acc_plural(model->n_services), model->n_stacks, acc_plural(model->n_stacks));
    return out;
}

static enum accd_app_result run(struct accd_app *app)
{
    char size[64];
    char text[ACCD_STORE_ERROR_MAX] = "";
    int r = begin(app, text);

    if (r < 0) {
        accd_log(ACCD_LOG_ERROR, "can't start: %s", *text ? text : strerror(-r));
        app->result = ACCD_APP_FAILED;
        app->is_leaving = true;
        if (app->pump) {
            accd_pump_mute(app->pump);
        }
        close_all(app);
    } else {
        accd_log(ACCD_LOG_NOTICE, "accd %s: %s, Docker at %s", ACC_VERSION,
                 size_of(app->loaded.model, size, sizeof(size)), app->options->docker);
        accd_app_set_clock(app);
        if (!app->options->hand_back) {
            accd_app_declared_due(app);
        }
        accd_notify_ready(&app->notify);
    }
    (void)uv_run(&app->loop, UV_RUN_DEFAULT);
    app->store = accd_store_close(app->store);
    app->reload = accd_reload_destroy(app->reload);
    app->plan_reload = accd_reload_destroy(app->plan_reload);
    app->find_reload = accd_reload_destroy(app->find_reload);
    accd_app_plan_drop(app);
    accd_app_outdated_drop(app);
    free(app->looks);
    accd_app_unlisted_fini(app);
    acc_plan_fini(&app->differing);
    free(app->others);
    app->pump = accd_pump_destroy(app->pump);
    app->recorder = accd_recorder_destroy(app->recorder);
    app->engine = acc_engine_destroy(app->engine);
    app->differences = accd_differences_destroy(app->differences);
    app->last_words = accd_last_words_destroy(app->last_words);
    return app->result;
}

enum accd_app_result accd_app_run(const struct accd_options *options)
{
    struct accd_app *app = calloc(1, sizeof(*app));
    enum accd_app_result result = ACCD_APP_FAILED;
    struct accd_sensors sensors;
    char size[64];

    if (!app) {
        return result;
    }
    app->options = options;
    app->load_options = (struct acc_load_options){.config = options->config,
                                                  .files = options->files,
                                                  .n_files = options->n_files,
                                                  .project = options->project,
                                                  .find_all = true,
                                                  .hint = "name an acc.yaml with -c, or a Compose "
                                                          "file with -f"};
    accd_sensors_read(options->sys_root, &sensors);
    app->n_cores = sensors.n_cores;
    int r = load(app);

    if (r < 0) {
        result = r == -EINVAL ? ACCD_APP_CONFIG : ACCD_APP_FAILED;
    } else if (options->check) {
        accd_log(ACCD_LOG_INFO, "the configuration is valid: %s",
                 size_of(app->loaded.model, size, sizeof(size)));
        result = ACCD_APP_LEFT;
    } else if (uv_loop_init(&app->loop) == 0) {
        accd_app_fill_model(app, app->loaded.model);
        (void)uv_timer_init(&app->loop, &app->leave_timer); /* can't fail */
        app->leave_timer.data = app;
        result = run(app);
        if (uv_loop_close(&app->loop) < 0) {
            accd_log(ACCD_LOG_DEBUG, "handles were open at the end");
        }
    }
    acc_loaded_fini(&app->loaded);
    free(app);
    return result;
}
