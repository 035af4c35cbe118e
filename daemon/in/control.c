#include "daemon/in/control.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon/in/control_job.h"
#include "daemon/in/control_socket.h"
#include "daemon/log.h"
#include "lib/base/assert.h"

/* How often verbs that wait are looked at when nothing tells us to: for their timeouts. */
#define TICK_MS 500u

/* --- what the parts share ----------------------------------------------------------------------
 */

struct acc_view accd_control_view(const struct accd_control *control)
{
    struct timespec now;
    struct acc_unlisted_list unlisted = {0};

    if (control->config.ops.unlisted) {
        control->config.ops.unlisted(control->config.ops_ctx, &unlisted);
    }
    (void)clock_gettime(CLOCK_REALTIME, &now); /* can't fail for this clock */
    return (struct acc_view){
        .unlisted = unlisted,
        .engine = control->config.engine,
        .model = control->config.ops.model(control->config.ops_ctx),
        .differences = control->config.ops.differences,
        .ctx = control->config.ops_ctx,
        .resources = control->config.ops.resources
                         ? control->config.ops.resources(control->config.ops_ctx)
                         : NULL,
        .unsaved = control->config.ops.unsaved
                       ? control->config.ops.unsaved(control->config.ops_ctx)
                       : NULL,
        .now_ms = uv_now(control->config.loop),
        .unix_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000,
    };
}

bool accd_control_reply_error(struct accd_session *session, const struct acc_ctl_error *error)
{
    struct acc_buf out;
    bool sent;

    acc_buf_init(&out, ACC_REPLY_MAX);
    if (acc_ctl_error_put(error, &out) < 0) {
        acc_buf_reset(&out);
        (void)acc_buf_puts(&out, "{\"error\":\"" ACC_CTL_E_REFUSED
                                 "\",\"parameters\":{\"reason\":\"accd is out of memory\"}}");
    }
    sent = accd_session_send(session, out.data ? out.data : "{}", out.len, true);
    acc_buf_fini(&out);
    return sent;
}

/* NoSuchService of a stack that was managed and that no file is there of, or whose files don't
 * load, or of a service of it. */
static void explain_unlisted(const struct accd_control *control, struct acc_ctl_error *error)
{
    struct acc_unlisted_list list = accd_control_view(control).unlisted;

    for (size_t i = 0; i < list.n && strcmp(error->name, ACC_CTL_E_NO_SUCH_SERVICE) == 0; i++) {
        size_t len = strlen(list.item[i].name);

        if (strncmp(error->value, list.item[i].name, len) == 0 &&
            (error->value[len] == '\0' || error->value[len] == '/')) {
            error->key2 = "reason";
            const char *problem = list.item[i].problem;

            (void)snprintf(error->value2, sizeof(error->value2),
                           problem
                               ? "stack %.100s is not loaded: %.400s; mend it, then: accctl apply"
                               : "no file is there of stack %.100s any more; put it back, or "
                                 "mend acc.yaml, then: accctl apply",
                           list.item[i].name, problem ? problem : "");
            return;
        }
    }
}

bool accd_control_reply_unselected(const struct accd_control *control, struct accd_session *session,
                                   struct acc_ctl_error *error)
{
    acc_ctl_explain_missing(control->config.ops.model(control->config.ops_ctx), error);
    explain_unlisted(control, error);
    return accd_control_reply_error(session, error);
}

bool accd_control_refuse(struct accd_session *session, const char *name, const char *reason)
{
    struct acc_ctl_error error;

    acc_ctl_error_set(&error, name, "reason", "%s", reason);
    return accd_control_reply_error(session, &error);
}

bool accd_control_reply(struct accd_session *session, struct acc_buf *out, int r, bool is_last)
{
    bool sent;

    if (r == 0) {
        sent = accd_session_send(session, out->data, out->len, is_last);
    } else if (is_last) {
        sent = accd_control_refuse(session, ACC_CTL_E_REFUSED,
                                   r == -ENOBUFS ? "the answer is too long; ask for less"
                                                 : "accd is out of memory");
    } else {
        sent = true; /* one line of a stream is lost; its successors say how things are */
    }
    acc_buf_fini(out);
    return sent;
}

void accd_job_link(struct accd_job **list, struct accd_job *job)
{
    job->prev = NULL;
    job->next = *list;
    if (*list) {
        (*list)->prev = job;
    }
    *list = job;
}

void accd_job_unlink(struct accd_job **list, struct accd_job *job)
{
    if (job->prev) {
        job->prev->next = job->next;
    } else {
        acc_assert(*list == job);
        *list = job->next;
    }
    if (job->next) {
        job->next->prev = job->prev;
    }
}

/* --- answers that need nothing but a look ------------------------------------------------------
 */

static void look(struct accd_control *control, struct accd_session *session,
                 const struct acc_ctl_request *request)
{
    struct acc_view view = accd_control_view(control);
    size_t n = acc_engine_n_services(view.engine);
    struct acc_ctl_targets targets = {.selected = calloc(n + 1, 1)};
    struct acc_ctl_error error;
    struct acc_buf out;
    int r;

    if (!targets.selected) {
        accd_control_refuse(session, ACC_CTL_E_REFUSED, "accd is out of memory");
        return;
    }
    if (acc_ctl_select(view.engine, request, &targets, &error) == ACC_CTL_WRONG) {
        accd_control_reply_unselected(control, session, &error);
    } else {
        acc_buf_init(&out, ACC_REPLY_MAX);
        r = request->method == ACC_CTL_WHY
                ? acc_why_put(&view, targets.selected, targets.is_stack, &out)
                : acc_status_put(&view, control->config.ops.facts(control->config.ops_ctx),
                                 targets.is_all && !request->phase ? NULL : targets.selected, &out);
        accd_control_reply(session, &out, r, true);
    }
    free(targets.selected);
}

/* --- plan --------------------------------------------------------------------------------------
 */

struct plan_job {
    struct accd_job job;
    size_t n_targets;
    char *targets[]; /* owned */
};

static void plan_free(struct plan_job *plan)
{
    for (size_t i = 0; i < plan->n_targets; i++) {
        free(plan->targets[i]);
    }
    free(plan);
}

static void plan_reply(struct plan_job *job, const char *problems, const struct acc_plan *plan)
{
    struct accd_session *session = job->job.session;
    struct acc_buf out;
    int r;

    if (!problems && !plan) {
        accd_control_refuse(session, ACC_CTL_E_ENGINE_AWAY,
                            "Docker is away, and what runs is not known");
        return;
    }
    acc_buf_init(&out, ACC_REPLY_MAX);
    r = problems ? acc_lines_put(ACC_CTL_E_INVALID_CONFIG, "problems", problems, &out)
                 : acc_plan_put(plan, (const char *const *)job->targets, job->n_targets, &out);
    accd_control_reply(session, &out, r, true);
}

static void on_planned(void *arg, const char *problems, const struct acc_plan *plan)
{
    struct plan_job *job = arg;

    if (job->job.session) {
        accd_job_unlink(&job->job.control->calls, &job->job);
        accd_session_set_data(job->job.session, NULL);
        plan_reply(job, problems, plan);
    }
    plan_free(job);
}

static void plan_forget(struct accd_job *job)
{
    accd_job_unlink(&job->control->calls, job);
    job->session = NULL; /* on_planned() frees it */
}

static void tell_state(struct accd_control *control, struct accd_session *session,
                       const struct acc_ctl_request *request)
{
    struct acc_buf lines, out;
    int r;

    acc_buf_init(&lines, ACC_REPLY_MAX);
    acc_buf_init(&out, ACC_REPLY_MAX);
    r = control->config.ops.state(control->config.ops_ctx, request->decision, &lines);
    if (r == -ENOENT) {
        accd_control_refuse(session, ACC_CTL_E_REFUSED,
                            "that decision isn't kept any more, or was made by an accd before "
                            "this one: only the last ones are");
    } else {
        accd_control_reply(session, &out,
                           r < 0 ? r : acc_lines_put(NULL, "lines", lines.data, &out), true);
    }
    acc_buf_fini(&lines);
}

static void plan(struct accd_control *control, struct accd_session *session,
                 const struct acc_ctl_request *request)
{
    struct plan_job *job = calloc(1, sizeof(*job) + request->n_targets * sizeof(job->targets[0]));

    while (job && job->n_targets < request->n_targets) {
        job->targets[job->n_targets] = strdup(request->targets[job->n_targets]);
        if (!job->targets[job->n_targets]) {
            plan_free(job);
            job = NULL;
            break;
        }
        job->n_targets++;
    }
    if (!job) {
        accd_control_refuse(session, ACC_CTL_E_REFUSED, "accd is out of memory");
        return;
    }
    job->job = (struct accd_job){.control = control, .session = session, .on_gone = plan_forget};
    accd_job_link(&control->calls, &job->job);
    accd_session_set_data(session, &job->job);
    control->config.ops.plan(control->config.ops_ctx, on_planned, job);
}

/* --- requests ----------------------------------------------------------------------------------
 */

static bool is_allowed(const struct accd_rights *rights, enum acc_ctl_right right,
                       struct acc_ctl_error *error)
{
    switch (right) {
    case ACC_CTL_RIGHT_NONE:
        return true;
    case ACC_CTL_RIGHT_READ:
        acc_ctl_error_set(error, ACC_CTL_E_PERMISSION, "needs", "root or the group acc");
        return rights->read;
    case ACC_CTL_RIGHT_CHANGE:
        acc_ctl_error_set(error, ACC_CTL_E_PERMISSION, "needs", "root or the group acc-admin");
        return rights->change;
    }
    return false;
}

static void dispatch(struct accd_control *control, struct accd_session *session,
                     const struct acc_ctl_request *request)
{
    struct acc_view view;
    struct acc_buf out;
    enum acc_verb verb;

    if (request->dry_run) {
        accd_control_upgrade_plan(control, session, request);
        return;
    }
    if (acc_ctl_method_verb(request->method, &verb)) {
        accd_control_verb(control, session, request, verb);
        return;
    }
    acc_buf_init(&out, ACC_REPLY_MAX);
    switch (request->method) {
    case ACC_CTL_GET_INFO:
        accd_control_reply(session, &out, acc_ctl_info_put(&out), true);
        return;
    case ACC_CTL_GET_INTERFACE:
        accd_control_reply(session, &out, acc_ctl_interface_put(request->interface, &out), true);
        return;
    case ACC_CTL_PING:
        accd_control_reply(session, &out,
                           acc_ping_put(control->config.engine,
                                        control->config.ops.facts(control->config.ops_ctx), &out),
                           true);
        return;
    case ACC_CTL_INCIDENTS:
        view = accd_control_view(control);
        accd_control_reply(
            session, &out,
            acc_incidents_put(&view, control->config.past, control->config.n_past, &out), true);
        return;
    case ACC_CTL_STATUS:
    case ACC_CTL_WHY:
        look(control, session, request);
        return;
    case ACC_CTL_HISTORY:
        accd_control_history(control, session, request);
        return;
    case ACC_CTL_APPLY:
        accd_control_apply(control, session, request);
        return;
    case ACC_CTL_PLAN:
        plan(control, session, request);
        return;
    case ACC_CTL_STATE:
        tell_state(control, session, request);
        return;
    case ACC_CTL_OUTDATED:
        accd_control_outdated(control, session, request);
        return;
    case ACC_CTL_EVENTS:
        accd_control_events(control, session, request);
        return;
    case ACC_CTL_LOGS:
        accd_control_logs(control, session, request);
        return;
    case ACC_CTL_UP:
    case ACC_CTL_START:
    case ACC_CTL_STOP:
    case ACC_CTL_DOWN:
    case ACC_CTL_RESTART:
    case ACC_CTL_ADOPT:
    case ACC_CTL_RELEASE:
    case ACC_CTL_HOLD:
    case ACC_CTL_MAINTENANCE:
    case ACC_CTL_HAND_BACK:
    case ACC_CTL_UPGRADE:
    case ACC_CTL_ROLLBACK:
        break; /* verbs, above */
    }
}

/* Varlink: nobody reads an answer, so only what changes something is worth doing. */
static void one_way(struct accd_control *control, struct accd_session *session,
                    const struct acc_ctl_request *request)
{
    enum acc_verb verb;

    if (acc_ctl_method_verb(request->method, &verb) && !request->dry_run) {
        accd_control_verb(control, session, request, verb);
        return;
    }
    accd_session_skip(session);
}

static void on_request(void *ctx, struct accd_session *session, const char *text, size_t text_len)
{
    struct accd_control *control = ctx;
    struct acc_ctl_request request;
    struct acc_ctl_error error;
    bool is_oneway;

    if (acc_ctl_request_parse(text, text_len, &request, &error, &is_oneway) == ACC_CTL_WRONG) {
        if (is_oneway) {
            accd_session_skip(session);
        } else {
            accd_control_reply_error(session, &error);
        }
        return;
    }
    if (!is_allowed(accd_session_rights(session), acc_ctl_method_right(request.method), &error)) {
        if (request.oneway) {
            accd_session_skip(session);
        } else {
            accd_control_reply_error(session, &error);
        }
    } else if (request.oneway) {
        one_way(control, session, &request);
    } else {
        dispatch(control, session, &request);
    }
    acc_ctl_request_fini(&request);
}

static void on_too_big(void *ctx, struct accd_session *session)
{
    struct acc_ctl_error error;

    (void)ctx;
    acc_ctl_error_set(&error, ACC_CTL_E_INVALID_REQUEST, "reason",
                      "it is longer than %u bytes, or has no end", ACC_VARLINK_REQUEST_MAX);
    accd_control_reply_error(session, &error);
}

static void on_gone(void *ctx, struct accd_session *session)
{
    struct accd_job *job = accd_session_data(session);

    (void)ctx;
    if (job) {
        job->on_gone(job);
    }
}

static void on_drained(void *ctx, struct accd_session *session)
{
    struct accd_job *job = accd_session_data(session);

    (void)ctx;
    if (job && job->on_drained) {
        job->on_drained(job);
    }
}

/* --- what the app feeds ------------------------------------------------------------------------
 */

static void feed(struct accd_control *control, int64_t unix_ms, const char *kind,
                 const char *service, const char *text)
{
    struct accd_fed *fed;

    if (!control->streams || control->n_fed == ACCD_FED_MAX) {
        return;
    }
    if (control->n_fed == control->fed_cap) {
        size_t cap = control->fed_cap ? 2 * control->fed_cap : 16;
        struct accd_fed *more = reallocarray(control->fed, cap, sizeof(*more));

        if (!more) {
            return; /* it is in the history */
        }
        control->fed = more;
        control->fed_cap = cap;
    }
    fed = &control->fed[control->n_fed++];
    fed->unix_ms = unix_ms;
    fed->kind = kind;
    (void)snprintf(fed->service, sizeof(fed->service), "%s", service);
    (void)snprintf(fed->text, sizeof(fed->text), "%s", text);
}

static void touch(struct accd_control *control, uint32_t svc)
{
    if (!control->waits) {
        return;
    }
    control->is_touched = true;
    if (svc >= control->n_touched) {
        size_t n = acc_engine_n_services(control->config.engine);
        uint8_t *more = svc < n ? realloc(control->touched, n) : NULL;

        if (!more) {
            return; /* the next tick looks at all */
        }
        memset(more + control->n_touched, 0, n - control->n_touched);
        control->touched = more;
        control->n_touched = n;
    }
    control->touched[svc] = 1;
}

void accd_control_feed_note(struct accd_control *control, int64_t unix_ms,
                            const struct acc_action *action)
{
    struct acc_service_view service = {.id = ""};

    if (action->svc != ACC_NONE) {
        touch(control, action->svc);
    }
    if (!control->streams) {
        return;
    }
    if (action->svc != ACC_NONE) {
        acc_engine_service(control->config.engine, action->svc, uv_now(control->config.loop),
                           &service);
    }
    feed(control, unix_ms, acc_note_kind_name(action->note.kind), service.id, action->note.text);
}

void accd_control_on_idle(struct accd_control *control)
{
    if (control->is_closing) {
        return;
    }
    if (control->n_fed > 0) {
        accd_control_events_flush(control);
    }
    if (!control->has_seen && acc_engine_has_snapshot(control->config.engine)) {
        control->has_seen = true; /* a quick start would be the next that is heard of a service */
        accd_control_waits_run(control, true);
    } else if (control->is_touched) {
        accd_control_waits_run(control, false);
    }
}

void accd_control_on_reconfigured(struct accd_control *control)
{
    free(control->touched);
    control->touched = NULL;
    control->n_touched = 0;
    accd_control_waits_remap(control);
}

static void on_tick(uv_timer_t *uv)
{
    struct accd_control *control = accd_handle_owner(uv);

    accd_control_waits_run(control, true);
    accd_control_prune_run(control);
    if (!control->waits && !control->prune_is_due) {
        (void)uv_timer_stop(uv);
    }
}

/* --- birth and death ---------------------------------------------------------------------------
 */

static void maybe_free(struct accd_control *control)
{
    if (control->sessions_closed && control->timer_closed) {
        free(control->touched);
        free(control->fed);
        free(control);
    }
}

static void on_timer_closed(void *owner)
{
    struct accd_control *control = owner;

    control->timer_closed = true;
    maybe_free(control);
}

static void on_sessions_closed(void *ctx)
{
    struct accd_control *control = ctx;

    control->sessions_closed = true;
    maybe_free(control);
}

static int listen_at(struct accd_control *control, char *reterr_text)
{
    static const struct accd_sessions_ops ops = {on_request, on_too_big, on_gone, on_drained};
    int fd = control->config.listen_fd;
    int r;

    if (fd < 0) {
        fd = accd_control_socket_open(control->config.path, reterr_text);
        if (fd < 0) {
            return fd;
        }
        (void)snprintf(control->path, sizeof(control->path), "%s", control->config.path);
    }
    r = accd_sessions_create(control->config.loop, fd, &ops, control, &control->sessions);
    if (r < 0) {
        (void)snprintf(reterr_text, ACCD_CONTROL_ERROR_MAX + 1, "control socket %s: %s",
                       control->path, strerror(-r));
    }
    return r;
}

int accd_control_open(const struct accd_control_config *config, struct accd_control **ret_control,
                      char *reterr_text)
{
    struct accd_control *control = calloc(1, sizeof(*control));
    int r;

    if (!control) {
        (void)snprintf(reterr_text, ACCD_CONTROL_ERROR_MAX + 1, "control: out of memory");
        return -ENOMEM;
    }
    control->config = *config;
    r = listen_at(control, reterr_text);
    if (r < 0) {
        free(control);
        return r;
    }
    control->handles = (struct accd_handles){.owner = control, .on_all_closed = on_timer_closed};
    (void)uv_timer_init(config->loop, &control->timer); /* can't fail (libuv's timer.c) */
    accd_handles_add(&control->handles, (uv_handle_t *)&control->timer);
    (void)uv_timer_start(&control->timer, on_tick, TICK_MS, TICK_MS);
    *ret_control = control;
    return 0;
}

void accd_control_close(struct accd_control *control)
{
    if (!control || control->is_closing) {
        return;
    }
    control->is_closing = true;
    if (control->path[0] != '\0') {
        (void)unlink(control->path);
    }
    accd_control_waits_drop(control);
    accd_control_events_drop(control);
    accd_control_logs_drop(control);
    accd_sessions_close(control->sessions, on_sessions_closed);
    accd_handles_close(&control->handles, (uv_handle_t *)&control->timer);
}
