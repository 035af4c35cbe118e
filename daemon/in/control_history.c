/* History, and what an upgrade would do (dry_run). */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/in/control_job.h"
#include "lib/codec/history_json.h"

/* One reader of revisions; on_done() frees it. */
struct reader {
    struct accd_job job;         /* first: jobs are cast to it */
    struct acc_history_row *row; /* owned */
    size_t n, cap;
    struct acc_kept kept[ACC_KEPT_MAX]; /* their numbers alone: ids are borrowed */
    size_t n_kept;
    bool needs_operator;          /* the one on trial */
    struct acc_history_row found; /* where nothing is written of it; number 0: nor known */
};

static void on_gone(struct accd_job *job)
{
    accd_job_unlink(&job->control->calls, job);
    job->session = NULL;
}

static void on_row(void *arg, int64_t unix_ms, const struct acc_revision_record *record)
{
    struct reader *reader = arg;

    if (reader->n == reader->cap) {
        size_t cap = reader->cap ? 2 * reader->cap : 8;
        struct acc_history_row *more = reallocarray(reader->row, cap, sizeof(*more));

        if (!more) {
            return; /* the newest ones are there */
        }
        reader->row = more;
        reader->cap = cap;
    }
    reader->row[reader->n++] = (struct acc_history_row){
        .unix_ms = unix_ms,
        .record = *record,
        .needs_operator = reader->needs_operator && record->result == ACC_REV_TRIAL};
    reader->needs_operator &= record->result != ACC_REV_TRIAL; /* the newest */
}

static void on_done(void *arg)
{
    struct reader *reader = arg;
    struct accd_job *job = &reader->job;
    struct acc_buf out;

    if (job->session) {
        if (reader->n == 0 && reader->found.record.number > 0) {
            on_row(reader, reader->found.unix_ms, &reader->found.record);
        }
        acc_buf_init(&out, ACC_REPLY_MAX);
        accd_session_set_data(job->session, NULL);
        accd_job_unlink(&job->control->calls, job);
        accd_control_reply(
            job->session, &out,
            acc_history_put(reader->row, reader->n, reader->kept, reader->n_kept, &out), true);
    }
    free(reader->row);
    free(reader);
}

bool accd_control_select(struct accd_control *control, struct accd_session *session,
                         const struct acc_ctl_request *request, struct acc_ctl_targets *targets)
{
    struct acc_ctl_error error;
    enum acc_verb verb;

    targets->selected = calloc(acc_engine_n_services(control->config.engine) + 1, 1);
    if (!targets->selected) {
        accd_control_refuse(session, ACC_CTL_E_REFUSED, "accd is out of memory");
        return false;
    }
    if ((acc_ctl_method_verb(request->method, &verb)
             ? acc_ctl_select_verb(control->config.engine, request, verb, targets, &error)
             : acc_ctl_select(control->config.engine, request, targets, &error)) == ACC_CTL_WRONG) {
        accd_control_reply_unselected(control, session, &error);
        return false;
    }
    return true;
}

static void find(const struct accd_control *control, uint32_t svc, struct acc_history_row *row)
{
    struct acc_instance_view instance;

    if (acc_engine_found_revision(control->config.engine, svc, &row->record)) {
        acc_engine_instance(control->config.engine, svc, 0, &instance);
        row->unix_ms = instance.started_ns / 1000000;
    }
}

void accd_control_history(struct accd_control *control, struct accd_session *session,
                          const struct acc_ctl_request *request)
{
    struct acc_ctl_targets targets = {0};
    struct acc_service_view view;
    struct reader *reader;
    const uint8_t *found;
    uint32_t svc;

    if (!accd_control_select(control, session, request, &targets)) {
        free(targets.selected);
        return;
    }
    found = memchr(targets.selected, 1, acc_engine_n_services(control->config.engine));
    if (targets.is_stack || !found) {
        struct acc_ctl_error error;

        acc_ctl_error_set_parameter(&error, "target",
                                    "%.200s is a stack; a history is of one service",
                                    request->targets[0]);
        (void)accd_control_reply_error(session, &error);
        free(targets.selected);
        return;
    }
    svc = (uint32_t)(found - targets.selected);
    acc_engine_service(control->config.engine, svc, uv_now(control->config.loop), &view);
    free(targets.selected);
    reader = calloc(1, sizeof(*reader));
    if (!reader) {
        accd_control_refuse(session, ACC_CTL_E_REFUSED, "accd is out of memory");
        return;
    }
    reader->job = (struct accd_job){.control = control, .session = session, .on_gone = on_gone};
    reader->needs_operator = view.step == ACC_ROLL_ASK;
    reader->n_kept = acc_engine_kept(control->config.engine, svc, reader->kept);
    find(control, svc, &reader->found);
    accd_job_link(&control->calls, &reader->job);
    accd_session_set_data(session, &reader->job);
    control->config.ops.revisions(control->config.ops_ctx, view.id, on_row, on_done, reader);
}

/* --- dry run ---------------------------------------------------------------------------------- */

/* Its labels make Traefik route to it. */
static bool is_behind_traefik(const struct acc_service_spec *spec)
{
    bool is_labelled = false;

    acc_node_for_each(label, acc_node_get(spec->node, "labels"))
    {
        if (strcmp(label->key, "traefik.enable") == 0 && label->text &&
            strcmp(label->text, "false") == 0) {
            return false;
        }
        is_labelled |= strncmp(label->key, "traefik.", 8) == 0;
    }
    return is_labelled;
}

/* What becomes of its image before anything of it is touched. */
static void put_image(const struct acc_engine *engine, uint32_t svc,
                      const struct acc_ctl_request *request, const struct acc_service_spec *spec,
                      const struct acc_service_view *service, struct acc_buf *out)
{
    bool is_built = request->build && spec->has_build;
    bool is_here = !is_built && acc_service_image_is_here(spec);
    const char *other = request->image ? NULL : acc_engine_other_image(engine, svc);

    (void)acc_buf_printf(out, "%s: %s %s%s", service->id,
                         is_built  ? "build"
                         : is_here ? "take"
                                   : "pull",
                         request->image ? request->image : service->image,
                         is_here ? " as it lies here" : "");
    if (other) {
        (void)acc_buf_printf(out, ", as the file says, in place of %s", other);
    }
}

/* False: it is left out. */
static bool put_plan(const struct accd_control *control, const struct acc_ctl_request *request,
                     const struct acc_service_spec *spec, uint32_t svc, struct acc_buf *out)
{
    struct acc_service_view service;
    char unfit[ACC_REASON_MAX + 1];
    const char *why;
    bool is_start_first = acc_engine_start_first(control->config.engine, svc, &why);

    acc_engine_service(control->config.engine, svc, uv_now(control->config.loop), &service);
    if (acc_engine_is_unfit(control->config.engine, svc, unfit)) {
        (void)acc_buf_printf(out, "%s: %s\n", service.id, unfit);
        return false;
    }
    put_image(control->config.engine, svc, request, spec, &service, out);
    (void)acc_buf_printf(out, "; when that isn't what runs, %s: %s%s\n",
                         is_start_first ? "start-first" : "stop-first", why,
                         service.banned && service.banned[0] && !request->image
                             ? "; refused when it is the one that was taken back (again: --image)"
                             : "");
    if (is_start_first && service.evidence != ACC_EVIDENCE_CHECK && is_behind_traefik(spec)) {
        (void)acc_buf_printf(out,
                             "%s: has no health check, so Traefik routes to the new container "
                             "before it is ready; give it one, or order: stop-first\n",
                             service.id);
    }
    return true;
}

static bool shares_with(const struct acc_service_spec *spec, uint32_t svc)
{
    for (size_t k = 0; k < spec->n_edges; k++) {
        if (spec->edges[k].kind == ACC_EDGE_BINDS && spec->edges[k].target == svc) {
            return true;
        }
    }
    return false;
}

/* Who shares its namespaces or volumes is down with it, asked for or not. */
static void put_sharers(const struct accd_control *control, const struct acc_model *model,
                        uint32_t svc, const struct acc_ctl_targets *targets, struct acc_buf *out)
{
    for (size_t k = 0; k < model->n_services; k++) {
        uint32_t at = model->order[k];
        struct acc_service_view sharer;

        if (!shares_with(model->services[at], svc)) {
            continue;
        }
        acc_engine_service(control->config.engine, at, uv_now(control->config.loop), &sharer);
        if (sharer.wanted_up) {
            (void)acc_buf_printf(out,
                                 "%s: stops with %s, as it shares with that, and is made anew "
                                 "when the new one is ready%s\n",
                                 sharer.id, model->services[svc]->id,
                                 targets->selected[at] ? "; its own upgrade follows" : "");
        }
    }
}

void accd_control_upgrade_plan(struct accd_control *control, struct accd_session *session,
                               const struct acc_ctl_request *request)
{
    const struct acc_model *model = control->config.ops.model(control->config.ops_ctx);
    struct acc_ctl_targets targets = {0};
    struct acc_buf lines, out;

    acc_buf_init(&lines, ACC_REPLY_MAX);
    acc_buf_init(&out, ACC_REPLY_MAX);
    if (accd_control_select(control, session, request, &targets)) {
        (void)acc_buf_puts(&lines, "");
        for (size_t k = 0; k < model->n_services; k++) { /* in the order of dependencies */
            uint32_t svc = model->order[k];

            if (targets.selected[svc] &&
                put_plan(control, request, model->services[svc], svc, &lines)) {
                put_sharers(control, model, svc, &targets, &lines);
            }
        }
        accd_control_reply(session, &out,
                           lines.failed ? -ENOMEM : acc_lines_put(NULL, "plan", lines.data, &out),
                           true);
    }
    acc_buf_fini(&lines);
    free(targets.selected);
}
