/* Outdated: what runs against what the registries have. */

#include <stdlib.h>
#include <string.h>

#include "daemon/in/control_job.h"

static void on_gone(struct accd_job *job)
{
    accd_job_unlink(&job->control->calls, job);
    job->session = NULL; /* on_done() frees it */
}

static void on_done(void *arg, const struct acc_outdated *book)
{
    struct accd_job *job = arg;
    struct acc_buf out;

    if (job->session) {
        accd_job_unlink(&job->control->calls, job);
        accd_session_set_data(job->session, NULL);
        if (book) {
            acc_buf_init(&out, ACC_REPLY_MAX);
            accd_control_reply(job->session, &out, acc_outdated_put(book, &out), true);
        } else {
            accd_control_refuse(job->session, ACC_CTL_E_ENGINE_AWAY,
                                "Docker is away, and what runs is not known");
        }
    }
    free(job);
}

void accd_control_outdated(struct accd_control *control, struct accd_session *session,
                           const struct acc_ctl_request *request)
{
    struct acc_ctl_targets targets = {0};
    struct accd_job *job;

    if (!accd_control_select(control, session, request, &targets)) {
        free(targets.selected);
        return;
    }
    job = calloc(1, sizeof(*job));
    if (!job) {
        free(targets.selected);
        accd_control_refuse(session, ACC_CTL_E_REFUSED, "accd is out of memory");
        return;
    }
    *job = (struct accd_job){.control = control, .session = session, .on_gone = on_gone};
    accd_job_link(&control->calls, job);
    accd_session_set_data(session, job);
    control->config.ops.outdated(control->config.ops_ctx, targets.selected, on_done, job);
    free(targets.selected);
}
