/* Verbs and apply: what is asked of the engine, and then waited for. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/in/control_job.h"
#include "daemon/log.h"
#include "lib/model/condition.h"

#define ADOPTED_MAX (64u * 1024u) /* names of stacks */

static int push(struct accd_control *control, const struct accd_session *session,
                const struct acc_ctl_request *request, enum acc_verb verb,
                const struct acc_ctl_targets *targets)
{
    struct acc_event event = {
        .type = ACC_EV_CMD,
        .now_ms = uv_now(control->config.loop),
        .cmd = {.verb = verb,
                .selected = targets->selected,
                .with_dependents = request->with_dependents,
                .volumes = request->volumes,
                .whole_stack = targets->whole_stacks,
                .build = request->build,
                .revision = request->to,
                .yes = request->yes,
                .keep = request->keep,
                .hold = request->hold,
                .for_ms = request->for_ms},
    };

    (void)snprintf(event.cmd.image, sizeof(event.cmd.image), "%s",
                   request->image ? request->image : "");
    (void)snprintf(event.cmd.reason, sizeof(event.cmd.reason), "%s",
                   request->reason ? request->reason : "");
    if (verb == ACC_VERB_RELEASE && request->n_targets == 1 &&
        acc_root_is_path(request->targets[0])) {
        (void)snprintf(event.cmd.root, sizeof(event.cmd.root), "%s", request->targets[0]);
    }
    (void)snprintf(event.cmd.by, sizeof(event.cmd.by), "%s", accd_session_rights(session)->by);
    return accd_pump_push(control->config.pump, &event);
}

static bool is_selected(const struct acc_engine *engine, const uint8_t *selected, const char *stack)
{
    size_t n = acc_engine_n_services(engine);

    for (uint32_t i = 0; i < n; i++) {
        struct acc_service_view service;

        if (selected[i]) {
            acc_engine_service(engine, i, 0, &service);
            if (strcmp(service.stack, stack) == 0) {
                return true;
            }
        }
    }
    return false;
}

/* The stacks that are only observed until this verb, a name a line. 0, or -ENOMEM, -ENOBUFS. */
static int list_adopted(const struct acc_engine *engine, enum acc_verb verb,
                        const uint8_t *selected, struct acc_buf *out)
{
    bool adopts = verb == ACC_VERB_UP || verb == ACC_VERB_START || verb == ACC_VERB_ADOPT;
    size_t n = adopts ? acc_engine_n_stacks(engine) : 0;
    int r = 0;

    for (uint32_t k = 0; k < n && r >= 0; k++) {
        const char *name = acc_engine_stack_name(engine, k);

        if (acc_engine_stack_observing(engine, k) && is_selected(engine, selected, name)) {
            r = acc_buf_printf(out, "%s\n", name);
        }
    }
    return r;
}

static void start(struct accd_control *control, struct accd_session *session,
                  const struct acc_ctl_request *request, enum acc_verb verb,
                  const struct acc_ctl_targets *targets)
{
    struct accd_wait_task task = {.verb = verb,
                                  .more = request->more,
                                  .detach = request->detach,
                                  .with_dependents = request->with_dependents,
                                  .builds = request->build,
                                  .names_image = request->image != NULL,
                                  .keeps = verb == ACC_VERB_UPGRADE && request->keep,
                                  .shows_observing = targets->leaves_observed,
                                  .timeout_ms = request->timeout_ms};
    struct accd_job *wait = NULL;
    struct acc_buf adopted;

    acc_buf_init(&adopted, ADOPTED_MAX);
    if (list_adopted(control->config.engine, verb, targets->selected, &adopted) < 0) {
        accd_control_refuse(session, ACC_CTL_E_REFUSED, "accd is out of memory");
    } else {
        task.adopted = adopted.data;
        wait = accd_wait_begin(control, session, &task, targets->selected);
    }
    acc_buf_fini(&adopted);
    if (!wait) {
        return;
    }
    if (push(control, session, request, verb, targets) < 0) {
        accd_wait_cancel(wait);
        accd_control_refuse(session, ACC_CTL_E_REFUSED, "accd has too much to do; ask again");
        return;
    }
    accd_pump_run(control->config.pump); /* its on_idle may have answered already */
    if (accd_session_data(session) == wait) {
        accd_wait_run(wait);
    }
}

void accd_control_verb(struct accd_control *control, struct accd_session *session,
                       const struct acc_ctl_request *request, enum acc_verb verb)
{
    size_t n = acc_engine_n_services(control->config.engine);
    struct acc_ctl_targets targets = {.selected = calloc(n + 1, 1)};
    struct acc_ctl_error error;

    acc_ctl_error_set(&error, ACC_CTL_E_REFUSED, "reason", "accd is out of memory");
    if (!targets.selected || acc_ctl_select_verb(control->config.engine, request, verb, &targets,
                                                 &error) == ACC_CTL_WRONG) {
        if (request->oneway) {
            accd_session_skip(session);
        } else {
            accd_control_reply_unselected(control, session, &error);
        }
    } else if (request->oneway) {
        if (push(control, session, request, verb, &targets) < 0) {
            accd_log(ACCD_LOG_WARNING, "control: a %s of %s is lost: the queue is full",
                     acc_verb_name(verb), accd_session_rights(session)->by);
        }
        accd_session_skip(session);
        accd_pump_run(control->config.pump);
    } else {
        start(control, session, request, verb, &targets);
    }
    free(targets.selected);
}

/* --- apply --------------------------------------------------------------------------------------
 */

/* The reading of the files that it waits for. */
struct apply_job {
    struct accd_job job;
    bool more, detach, prune, volumes;
    uint64_t timeout_ms;
};

/* "1 -> 3", behind the id. */
static void read_scale(const char *text, struct accd_file_change *change)
{
    change->is_scaled = sscanf(text, " %" SCNu32 " -> %" SCNu32, &change->was, &change->is) == 2;
}

/* One line of `changes` is "WHAT stack/service", and what there is to say of it. */
static void mark(const struct accd_control *control, const char *line, uint8_t *selected,
                 struct accd_file_change *changes)
{
    size_t what_len = strcspn(line, " \n");
    const char *id = line + what_len + (line[what_len] == ' ');
    size_t id_len = strcspn(id, " \n");
    size_t n = acc_engine_n_services(control->config.engine);

    for (uint32_t i = 0; i < n; i++) {
        struct acc_service_view service;

        acc_engine_service(control->config.engine, i, uv_now(control->config.loop), &service);
        if (strlen(service.id) != id_len || strncmp(service.id, id, id_len) != 0 ||
            service.observing) { /* nothing of that follows its file */
            continue;
        }
        selected[i] = 1;
        if (strncmp(line, ACCD_CHANGE_POLICY " ", what_len + 1) == 0) {
            changes[i].is_policy = true;
        } else if (strncmp(line, ACCD_CHANGE_SCALE " ", what_len + 1) == 0) {
            read_scale(id + id_len, &changes[i]);
        } else if (strncmp(line, ACCD_CHANGE_SETTINGS " ", what_len + 1) == 0) {
            (void)snprintf(changes[i].settings, sizeof(changes[i].settings), "%.*s",
                           (int)strcspn(id + id_len + 1, "\n"), id + id_len + 1);
        }
    }
}

/* While Docker is away nobody knows what differs from the files: all of it is waited for. */
static void mark_all(const struct accd_control *control, uint8_t *selected)
{
    for (uint32_t i = 0; i < acc_engine_n_services(control->config.engine); i++) {
        struct acc_service_view service;

        acc_engine_service(control->config.engine, i, uv_now(control->config.loop), &service);
        selected[i] |= !service.observing;
    }
}

/* The new configuration is in force, and nothing has followed from it yet. */
static void wait_for(const struct apply_job *apply, const struct accd_applied *applied)
{
    struct accd_control *control = apply->job.control;
    struct accd_session *session = apply->job.session;
    size_t n = acc_engine_n_services(control->config.engine) + 1;
    const char *changes = applied->changes;
    uint8_t *selected = calloc(n, 1);
    struct accd_file_change *file = calloc(n, sizeof(*file));
    struct accd_wait_task task = {.is_apply = true,
                                  .changes = file,
                                  .prune = apply->prune,
                                  .volumes = apply->volumes,
                                  .shows_observing = true,
                                  .warnings = applied->warnings,
                                  .more = apply->more,
                                  .detach = apply->detach,
                                  .timeout_ms = apply->timeout_ms};
    struct accd_job *wait;

    if (!selected || !file) {
        accd_control_refuse(session, ACC_CTL_E_REFUSED, "accd is out of memory");
        free(selected);
        free(file);
        return;
    }
    while (*changes) {
        size_t len = strcspn(changes, "\n");

        mark(control, changes, selected, file);
        changes += len + (changes[len] == '\n');
    }
    if (!acc_engine_connected(control->config.engine)) {
        mark_all(control, selected);
    }
    wait = accd_wait_begin(control, session, &task, selected);
    free(selected);
    free(file);
    if (wait) {
        accd_wait_run(wait);
    }
}

static void on_applied(void *arg, const struct accd_applied *applied)
{
    struct apply_job *apply = arg;
    struct accd_session *session = apply->job.session;
    struct acc_buf out;

    if (session) {
        accd_job_unlink(&apply->job.control->calls, &apply->job);
        accd_session_set_data(session, NULL);
    }
    if (session && applied->problems) {
        acc_buf_init(&out, ACC_REPLY_MAX);
        int r = acc_lines_put(ACC_CTL_E_INVALID_CONFIG, "problems", applied->problems, &out);

        accd_control_reply(session, &out, r, true);
    } else if (session) {
        wait_for(apply, applied);
    }
    free(apply);
}

static void apply_forget(struct accd_job *job)
{
    accd_job_unlink(&job->control->calls, job);
    job->session = NULL; /* on_applied() frees it */
}

void accd_control_apply(struct accd_control *control, struct accd_session *session,
                        const struct acc_ctl_request *request)
{
    struct acc_ctl_error error;
    struct apply_job *apply;

    if (acc_ctl_is_maintained(control->config.engine, &error)) {
        accd_control_reply_error(session, &error);
        return;
    }
    apply = calloc(1, sizeof(*apply));
    if (!apply) {
        accd_control_refuse(session, ACC_CTL_E_REFUSED, "accd is out of memory");
        return;
    }
    *apply = (struct apply_job){
        .job = {.control = control, .session = session, .on_gone = apply_forget},
        .more = request->more,
        .detach = request->detach,
        .prune = request->prune,
        .volumes = request->volumes,
        .timeout_ms = request->timeout_ms};
    accd_job_link(&control->calls, &apply->job);
    accd_session_set_data(session, &apply->job);
    control->config.ops.apply(control->config.ops_ctx, request->prune,
                              accd_session_rights(session)->by, on_applied, apply);
}
