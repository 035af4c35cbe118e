#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/in/control.h"
#include "daemon/in/control_heard.h"
#include "daemon/in/control_job.h"
#include "daemon/in/control_seen.h"
#include "daemon/log.h"

/* How often the clock of an upgrade is told. */
#define ROLLOUT_EVERY_MS 1000u

/* A service that a verb looks at. */
struct watch {
    uint32_t svc;
    enum acc_svc_state state; /* as last told */
    enum acc_rollout_step step;
    uint32_t n_tries;
    const char *change; /* static */
    uint64_t told_ms;   /* an upgrade tells of itself every second */
    bool selected;      /* else something that a selected one depends on */
    bool is_brought_up; /* that, and it wasn't up: the order is over when it is, or can't be */
    bool is_restarted;  /* with something that it needs: likewise, and its failure is one of the
                           order */
    bool was_taken;     /* the order was; it is only waited for since */
    const char *id;     /* into `ids`: indexes change with the configuration */
    struct accd_seen seen;
    struct accd_file_change file;
    struct accd_heard heard; /* of its image */
};

/* Something that was asked of the app. Outlives its wait when that ends first. */
struct errand {
    struct wait *wait; /* NULL: nobody waits any more */
};

struct wait {
    struct accd_job job; /* first: jobs are cast to it */
    enum acc_verb verb;
    bool is_apply; /* instead of a verb */
    bool is_of_several;
    bool builds, names_image;
    bool keeps; /* an upgrade under way shall come to its end as it is */
    bool prune, volumes;
    struct errand *pruning, *comparing, *saving; /* while the answer is outstanding */
    bool is_compared;                            /* networks and volumes with their files */
    bool is_saved; /* or can't be, since something was last waited for */
    char *pruned;  /* owned; that answer */
    bool shows_observing;
    char *adopted, *warnings; /* owned; as in the task */
    bool more, detach;
    bool was_maintained;  /* when it began */
    bool is_told;         /* the first look has happened */
    bool is_away_told;    /* ... and that it waits for Docker */
    uint64_t deadline_ms; /* UINT64_MAX: none */
    size_t n_watches;
    char *ids; /* owned */
    struct watch watch[];
};

static void wait_destroy(struct wait *wait)
{
    for (size_t i = 0; i < wait->n_watches; i++) {
        accd_seen_fini(&wait->watch[i].seen);
        accd_heard_fini(&wait->watch[i].heard);
    }
    if (wait->pruning) {
        wait->pruning->wait = NULL;
    }
    if (wait->comparing) {
        wait->comparing->wait = NULL;
    }
    if (wait->saving) {
        wait->saving->wait = NULL;
    }
    free(wait->pruned);
    free(wait->adopted);
    free(wait->warnings);
    free(wait->ids);
    free(wait);
}

static void wait_free(struct wait *wait)
{
    accd_session_set_data(wait->job.session, NULL);
    wait->job.control->n_waits--;
    accd_job_unlink(&wait->job.control->waits, &wait->job);
    if (wait->prune) { /* nobody waits for it any more */
        accd_control_prune_later(wait->job.control, wait->volumes);
    }
    wait_destroy(wait);
}

static void on_gone(struct accd_job *job)
{
    wait_free((struct wait *)job); /* what was asked goes on */
}

/* Mark in `watched` what the selected ones depend on or, for verbs that stop with dependents, what
 * depends on them. The model's order has dependencies first, so one pass does. */
static void widen(const struct acc_model *model, bool to_dependents, bool is_hard, uint8_t *watched)
{
    for (size_t k = 0; k < model->n_services; k++) {
        uint32_t svc = model->order[to_dependents ? k : model->n_services - 1 - k];
        const struct acc_service_spec *spec = model->services[svc];

        for (size_t i = 0; i < spec->n_edges; i++) {
            uint32_t target = spec->edges[i].target;

            if (target == ACC_NONE || (is_hard && spec->edges[i].kind > ACC_EDGE_MILESTONE)) {
                continue;
            }
            if (to_dependents) {
                watched[svc] |= watched[target];
            } else {
                watched[target] |= watched[svc];
            }
        }
    }
}

static bool looks_at_dependencies(enum acc_verb verb)
{
    switch (verb) {
    case ACC_VERB_UP:
    case ACC_VERB_START:
    case ACC_VERB_RESTART:
    case ACC_VERB_RELEASE:
        return true;
    case ACC_VERB_UPGRADE:
    case ACC_VERB_ROLLBACK:
    case ACC_VERB_STOP:
    case ACC_VERB_DOWN:
    case ACC_VERB_ADOPT:
    case ACC_VERB_HAND_BACK:
    case ACC_VERB_HOLD:
    case ACC_VERB_MAINTENANCE:
        return false;
    }
    return false;
}

static size_t count(const uint8_t *set, size_t n)
{
    size_t count = 0;

    for (size_t i = 0; i < n; i++) {
        count += set[i];
    }
    return count;
}

/* Held too: the order ends a stop by hand; what is held on after it is settled at once. */
static bool is_down(enum acc_svc_state state)
{
    return state != ACC_SVC_UP && state != ACC_SVC_DONE;
}

static bool fill(struct wait *wait, const struct accd_control *control, const uint8_t *selected,
                 const uint8_t *watched, const uint8_t *needed, size_t n, bool is_restart)
{
    uint64_t now_ms = uv_now(control->config.loop);
    struct acc_buf ids;
    size_t k = 0;

    acc_buf_init(&ids, ACC_SERVICES_MAX * (2 * ACC_NAME_MAX + 2));
    for (uint32_t i = 0; i < n; i++) {
        struct acc_service_view service;

        if (!watched[i]) {
            continue;
        }
        acc_engine_service(control->config.engine, i, now_ms, &service);
        wait->watch[k] = (struct watch){.svc = i,
                                        .state = service.state,
                                        .step = service.step,
                                        .change = "",
                                        .selected = selected[i] != 0,
                                        .is_restarted = needed[i] && !selected[i] && is_restart,
                                        .is_brought_up = needed[i] && !selected[i] && !is_restart &&
                                                         is_down(service.state)};
        accd_heard_init(&wait->watch[k].heard);
        wait->n_watches = ++k;
        if (accd_seen_take(control->config.engine, i, now_ms, &wait->watch[k - 1].seen) < 0) {
            acc_buf_fini(&ids);
            return false;
        }
        (void)acc_buf_append(&ids, service.id, strlen(service.id) + 1);
    }
    wait->ids = acc_buf_take(&ids);
    if (!wait->ids) {
        return false;
    }
    for (size_t i = 0, at = 0; i < k; i++) {
        wait->watch[i].id = wait->ids + at;
        at += strlen(wait->ids + at) + 1;
    }
    return true;
}

static bool keep_text(const char *text, char **ret_copy)
{
    *ret_copy = text ? strdup(text) : NULL;
    return !text || *ret_copy;
}

static struct wait *make_wait(struct accd_control *control, struct accd_session *session,
                              const struct accd_wait_task *task, const uint8_t *selected)
{
    const struct acc_model *model = control->config.ops.model(control->config.ops_ctx);
    size_t n = acc_engine_n_services(control->config.engine);
    uint8_t *watched = calloc(2, n + 1);
    uint8_t *needed;
    struct acc_hold_record maintenance;
    struct wait *wait = NULL;

    if (!watched) {
        return NULL;
    }
    if (n > 0) {
        memcpy(watched, selected, n);
    }
    needed = watched + n + 1;
    bool is_restart = !task->is_apply && task->verb == ACC_VERB_RESTART && task->with_dependents;

    if (model && (task->is_apply || looks_at_dependencies(task->verb) || task->with_dependents)) {
        widen(model, task->is_apply || task->with_dependents, false, watched);
    }
    if (model && n > 0 && !task->is_apply &&
        (task->verb == ACC_VERB_UP || task->verb == ACC_VERB_START)) {
        memcpy(needed, selected, n);
        widen(model, false, true, needed);
    } else if (model && n > 0 && is_restart) {
        memcpy(needed, selected, n);
        widen(model, true, true, needed);
    }
    wait = calloc(1, sizeof(*wait) + count(watched, n) * sizeof(wait->watch[0]));
    if (wait &&
        (!keep_text(task->adopted, &wait->adopted) || !keep_text(task->warnings, &wait->warnings) ||
         !fill(wait, control, selected, watched, needed, n, is_restart))) {
        wait_destroy(wait);
        wait = NULL;
    }
    free(watched);
    if (!wait) {
        return NULL;
    }
    wait->job = (struct accd_job){.control = control, .session = session, .on_gone = on_gone};
    wait->verb = task->verb;
    wait->is_apply = task->is_apply;
    acc_engine_maintenance(control->config.engine, uv_now(control->config.loop), &maintenance);
    wait->was_maintained = maintenance.kind != ACC_HOLD_NONE;
    wait->keeps = task->keeps;
    wait->builds = task->builds;
    wait->names_image = task->names_image;
    wait->is_of_several = count(selected, n) > 1;
    wait->prune = task->prune;
    wait->volumes = task->volumes;
    wait->shows_observing = task->shows_observing;
    wait->more = task->more;
    wait->detach = task->detach;
    wait->deadline_ms = task->timeout_ms ? uv_now(control->config.loop) + task->timeout_ms
                                         : UINT64_MAX;
    accd_job_link(&control->waits, &wait->job);
    control->n_waits++;
    accd_session_set_data(session, wait);
    if (!uv_is_active((uv_handle_t *)&control->timer)) {
        (void)uv_timer_again(&control->timer);
    }
    return wait;
}

struct accd_job *accd_wait_begin(struct accd_control *control, struct accd_session *session,
                                 const struct accd_wait_task *task, const uint8_t *selected)
{
    struct wait *wait;

    if (control->n_waits >= ACCD_CONTROL_WAITS_MAX) {
        accd_control_refuse(session, ACC_CTL_E_REFUSED,
                            "too many clients wait for the end of a verb; ask again later");
        return NULL;
    }
    wait = make_wait(control, session, task, selected);
    if (!wait) {
        accd_control_refuse(session, ACC_CTL_E_REFUSED, "accd is out of memory");
        return NULL;
    }
    for (size_t i = 0; task->changes && i < wait->n_watches; i++) {
        wait->watch[i].file = task->changes[wait->watch[i].svc];
    }
    return &wait->job;
}

/* --- telling how it goes -----------------------------------------------------------------------
 */

/* Scratch of one look: allocated once for all rows. */
struct look {
    struct acc_progress_row *row;
    struct acc_failure_row *failure;
    char (*reason)[ACC_REASON_MAX + 1];
    size_t n_texts;
    size_t n_failures, n_pending;
    size_t n_refused; /* of the failures */
};

static bool look_alloc(struct look *look, size_t n)
{
    *look = (struct look){
        .row = calloc(n + 1, sizeof(*look->row)),
        .failure = calloc(n + 1, sizeof(*look->failure)),
        .reason = calloc(n + 1, sizeof(*look->reason)),
    };
    return look->row && look->failure && look->reason;
}

static void look_free(struct look *look)
{
    free(look->row);
    free(look->failure);
    free(look->reason);
}

static enum acc_settled or_done(enum acc_settled settled)
{
    return settled == ACC_SETTLED_PENDING ? ACC_SETTLED_PENDING : ACC_SETTLED_DONE;
}

/* Whether it comes up is for those to tell that it was brought up for. */
static enum acc_settled settled_along(const struct acc_engine *engine, uint32_t svc,
                                      uint64_t now_ms)
{
    char text[ACC_REASON_MAX + 1];

    return or_done(acc_engine_settled(engine, svc, ACC_VERB_UP, now_ms, text));
}

/* What is restarted with what it needs: one that a hold or its stack keeps out of it is left so. */
static enum acc_settled settled_with(const struct acc_engine *engine, uint32_t svc, uint64_t now_ms,
                                     char *text)
{
    enum acc_settled settled = acc_engine_settled(engine, svc, ACC_VERB_RESTART, now_ms, text);

    return settled == ACC_SETTLED_FAILED ? settled : or_done(settled);
}

/* What an apply hasn't touched so far, and may yet: by making anew what it depends on, or by
 * bringing up at last what it has waited for. Whatever else ails it, it isn't this. */
static enum acc_settled settled_beside(const struct acc_engine *engine, const struct watch *watch,
                                       uint64_t now_ms)
{
    char text[ACC_REASON_MAX + 1];

    return or_done(watch->seen.is_blocked
                       ? acc_engine_applied(engine, watch->svc, now_ms, text)
                       : acc_engine_settled(engine, watch->svc, ACC_VERB_ADOPT, now_ms, text));
}

static enum acc_settled settled_of(const struct wait *wait, const struct watch *watch,
                                   uint64_t now_ms, char *text)
{
    const struct acc_engine *engine = wait->job.control->config.engine;

    text[0] = '\0';
    if (watch->svc != ACC_NONE && watch->is_brought_up) {
        return settled_along(engine, watch->svc, now_ms);
    }
    if (watch->svc != ACC_NONE && watch->is_restarted) {
        return settled_with(engine, watch->svc, now_ms, text);
    }
    if (watch->svc == ACC_NONE || (!watch->selected && !wait->is_apply)) {
        return ACC_SETTLED_DONE;
    }
    if (!watch->selected) {
        return settled_beside(engine, watch, now_ms);
    }
    return wait->is_apply ? acc_engine_applied(engine, watch->svc, now_ms, text)
                          : acc_engine_settled(engine, watch->svc, wait->verb, now_ms, text);
}

/* The old one was started again, or made anew, where an upgrade or a changed file has failed. */
static bool is_taken_back(const struct wait *wait, const struct watch *watch, const char *change,
                          uint64_t now_ms)
{
    struct acc_service_view service;

    if (watch->svc == ACC_NONE || !change[0] || strcmp(change, "stopped") == 0 ||
        strcmp(change, "removed") == 0) {
        return false;
    }
    acc_engine_service(wait->job.control->config.engine, watch->svc, now_ms, &service);
    return service.step == ACC_ROLL_IDLE &&
           (wait->is_apply ? service.refused[0] != '\0' : wait->verb == ACC_VERB_UPGRADE);
}

/* Else it was made anew for another reason, as who shares with one that is upgraded. */
static bool has_new_revision(const struct wait *wait, const struct watch *watch, uint64_t now_ms)
{
    struct acc_service_view service;

    acc_engine_service(wait->job.control->config.engine, watch->svc, now_ms, &service);
    return service.revision > watch->seen.revision;
}

static const char *change_of(const struct wait *wait, const struct watch *watch,
                             enum acc_settled settled, uint64_t now_ms)
{
    bool is_verb = !wait->is_apply && watch->selected;
    const char *change = watch->svc == ACC_NONE
                             ? ""
                             : accd_seen_change(wait->job.control->config.engine, watch->svc,
                                                now_ms, &watch->seen);

    if (is_verb && wait->verb == ACC_VERB_ROLLBACK && settled == ACC_SETTLED_DONE &&
        (change[0] || watch->seen.is_rolling)) {
        return watch->seen.is_untouched && !change[0]
                   ? "ended"        /* it had only pulled */
                   : "rolled back"; /* the old one may have served all along */
    }
    if (settled == ACC_SETTLED_FAILED && watch->selected &&
        is_taken_back(wait, watch, change, now_ms)) {
        return "rolled back";
    }
    if (is_verb && wait->verb == ACC_VERB_UPGRADE && strcmp(change, "recreated") == 0 &&
        settled != ACC_SETTLED_FAILED && settled != ACC_SETTLED_REFUSED &&
        has_new_revision(wait, watch, now_ms)) {
        return "upgraded";
    }
    if (is_verb && wait->keeps && settled == ACC_SETTLED_DONE && !change[0] &&
        watch->seen.is_rolling) {
        /* the new one served before, on trial */
        return watch->seen.is_rollback ? "rolled back" : "upgraded";
    }
    if (!change[0]) {
        return watch->file.is_policy || watch->file.settings[0] ? "updated" : "";
    }
    return watch->file.is_scaled && strcmp(change, "recreated") != 0 ? "updated" : change;
}

/* It was done, and nobody of accd's looks after the new one any more. */
static bool is_handed_back(const struct wait *wait, const struct watch *watch,
                           enum acc_settled settled, const char *change, uint64_t now_ms)
{
    struct acc_service_view service;

    if (wait->is_apply || wait->verb != ACC_VERB_UPGRADE || watch->svc == ACC_NONE ||
        !watch->selected || settled != ACC_SETTLED_DONE || !change[0]) {
        return false;
    }
    acc_engine_service(wait->job.control->config.engine, watch->svc, now_ms, &service);
    return service.observing;
}

/* No registry is asked for what is built here, and who expects news should know that. */
static const char *hint_of(const struct wait *wait, const struct watch *watch,
                           enum acc_settled settled, const char *change)
{
    const struct accd_control *control = wait->job.control;
    const struct acc_model *model = control->config.ops.model(control->config.ops_ctx);
    const struct acc_service_spec *service;

    if (!wait->is_apply && wait->verb == ACC_VERB_ROLLBACK && watch->selected &&
        settled == ACC_SETTLED_DONE && strcmp(change, "ended") == 0) {
        return "what was under way is ended; it had changed nothing";
    }
    if (wait->is_apply || wait->verb != ACC_VERB_UPGRADE || wait->keeps || wait->names_image ||
        wait->detach || watch->svc == ACC_NONE || !watch->selected || settled != ACC_SETTLED_DONE ||
        change[0]) {
        return NULL;
    }
    service = watch->svc < model->n_services ? model->services[watch->svc] : NULL;
    if (!service || !service->has_build || !acc_service_image_is_here(service)) {
        return NULL;
    }
    return wait->builds
               ? "its image was built anew, and is the one that runs"
               : "its image is built here, and no registry is asked for it; accctl upgrade "
                 "--build builds it anew";
}

/* Of a hold: the order was refused for it, or it came later and the order goes on behind it. */
static enum acc_settled settled_held(const struct watch *watch, char *text)
{
    char held[ACC_REASON_MAX + 1];

    if (!watch->was_taken) {
        return ACC_SETTLED_REFUSED;
    }
    memcpy(held, text, sizeof(held));
    (void)snprintf(text, ACC_REASON_MAX + 1, "stands still: it %.400s, and goes on after that",
                   held);
    return ACC_SETTLED_FAILED;
}

/* `down` of what is still watched leaves nothing of it: the next one is the old one. */
static bool say_undone(const struct wait *wait, const struct watch *watch, enum acc_settled settled,
                       uint64_t now_ms, char *text)
{
    struct acc_service_view service;

    if (wait->is_apply || wait->verb != ACC_VERB_DOWN || !watch->seen.watched ||
        watch->svc == ACC_NONE || settled != ACC_SETTLED_DONE) {
        return false;
    }
    acc_engine_service(wait->job.control->config.engine, watch->svc, now_ms, &service);
    if (service.step != ACC_ROLL_IDLE || service.revision == watch->seen.watched) {
        return false;
    }
    (void)snprintf(text, ACC_REASON_MAX + 1,
                   "r%u was still watched and is taken back; the next up is r%u",
                   (unsigned)watch->seen.watched, (unsigned)service.revision);
    return true;
}

/* Those of an apply that depend on what has changed: they belong to it as soon as it touches them.
 */
static bool is_drawn_in(const struct wait *wait, const struct watch *watch, uint64_t now_ms)
{
    return wait->is_apply && watch->svc != ACC_NONE &&
           (watch->seen.is_up || watch->seen.is_blocked) &&
           accd_seen_change(wait->job.control->config.engine, watch->svc, now_ms, &watch->seen)[0];
}

/* Rows of the watches, and those selected ones that failed or, with `pending`, aren't done. */
static void look_at(struct look *look, struct wait *wait, bool pending)
{
    const struct accd_control *control = wait->job.control;
    uint64_t now_ms = uv_now(control->config.loop);

    look->n_texts = look->n_failures = look->n_pending = look->n_refused = 0;
    for (size_t i = 0; i < wait->n_watches; i++) {
        struct watch *watch = &wait->watch[i];
        char *text = look->reason[look->n_texts];
        enum acc_settled settled;
        const char *change;
        bool is_skipped, is_undone;

        if (watch->svc != ACC_NONE) { /* no memory: the next look tries again */
            (void)accd_seen_complete(control->config.engine, watch->svc, now_ms, &watch->seen);
        }
        watch->selected |= is_drawn_in(wait, watch, now_ms);
        settled = settled_of(wait, watch, now_ms, text);
        is_skipped = settled == ACC_SETTLED_UNFIT && wait->is_of_several;
        if (settled == ACC_SETTLED_UNFIT) {
            settled = is_skipped ? ACC_SETTLED_DONE : ACC_SETTLED_REFUSED;
        } else if (settled == ACC_SETTLED_HELD) {
            settled = settled_held(watch, text);
        }
        watch->was_taken |= settled == ACC_SETTLED_PENDING;
        change = change_of(wait, watch, settled, now_ms);
        is_undone = !is_skipped && say_undone(wait, watch, settled, now_ms, text);
        look->row[i] = (struct acc_progress_row){
            .svc = watch->svc,
            .selected = watch->selected,
            .settled = settled != ACC_SETTLED_PENDING,
            .change = change,
            .skipped = is_skipped ? text : NULL,
            .hint = is_undone    ? text
                    : is_skipped ? NULL
                    : is_handed_back(wait, watch, settled, change, now_ms)
                        ? "its stack was handed back, which ended the watch over it"
                        : hint_of(wait, watch, settled, change),
            .is_scaled = watch->file.is_scaled,
            .scale = {watch->file.was, watch->file.is},
            .settings = watch->file.settings,
        };
        look->n_texts += is_skipped || is_undone;
        look->n_pending += settled == ACC_SETTLED_PENDING;
        look->n_refused += settled == ACC_SETTLED_REFUSED;
        if (settled == ACC_SETTLED_FAILED || settled == ACC_SETTLED_REFUSED ||
            (pending && settled == ACC_SETTLED_PENDING)) {
            if (text[0] == '\0') {
                struct acc_service_view service;

                acc_engine_service(control->config.engine, watch->svc, now_ms, &service);
                (void)snprintf(text, ACC_REASON_MAX + 1, "%s%s%.400s",
                               acc_svc_state_name(service.state), service.reason[0] ? ": " : "",
                               service.reason);
            }
            look->n_texts++;
            look->failure[look->n_failures++] = (struct acc_failure_row){
                watch->id, text, settled == ACC_SETTLED_REFUSED};
        }
    }
}

/* False: the wait is gone. */
static bool tell(struct wait *wait, const struct acc_progress_row *rows, size_t n_rows,
                 bool is_last)
{
    struct acc_view view = accd_control_view(wait->job.control);
    struct accd_session *session = wait->job.session;
    struct acc_stacks_told stacks = {wait->adopted, wait->shows_observing, wait->warnings};
    struct acc_buf out;
    bool sent;
    int r;

    acc_buf_init(&out, ACC_REPLY_MAX);
    if (wait->is_apply) {
        r = acc_applied_put(&view, rows, n_rows, &stacks, wait->pruned, !is_last, &out);
    } else if (wait->verb == ACC_VERB_MAINTENANCE) {
        r = acc_maintained_put(&view, rows, n_rows, wait->was_maintained, !is_last, &out);
    } else {
        r = acc_progress_put(&view, rows, n_rows, &stacks, !is_last, &out);
    }
    sent = accd_control_reply(session, &out, r, is_last);
    if (is_last || !sent) {
        wait_free(wait);
        return false;
    }
    return true;
}

/* Rows without the services that a new configuration has taken away. */
static size_t compact(struct acc_progress_row *rows, size_t n)
{
    size_t kept = 0;

    for (size_t i = 0; i < n; i++) {
        if (rows[i].svc != ACC_NONE) {
            rows[kept++] = rows[i];
        }
    }
    return kept;
}

static void tell_failures(struct wait *wait, const char *error, const char *key, struct look *look)
{
    struct acc_view view = accd_control_view(wait->job.control);
    struct accd_session *session = wait->job.session;
    const struct acc_failed failed = {.error = error,
                                      .key = key,
                                      .failure = look->failure,
                                      .n_failures = look->n_failures,
                                      .row = look->row,
                                      .n_rows = compact(look->row, wait->n_watches),
                                      .changes = wait->pruned};
    struct acc_buf out;
    int r;

    acc_buf_init(&out, ACC_REPLY_MAX);
    r = acc_failed_put(&view, &failed, &out);
    accd_control_reply(session, &out, r, true);
    wait_free(wait);
}

static bool has_output(const struct wait *wait)
{
    for (size_t i = 0; i < wait->n_watches; i++) {
        if (wait->watch[i].heard.output.len > 0) {
            return true;
        }
    }
    return false;
}

/* The rows whose state has changed since they were told. */
static size_t changed(struct wait *wait, const struct look *look, struct acc_progress_row *rows)
{
    const struct accd_control *control = wait->job.control;
    uint64_t now_ms = uv_now(control->config.loop);
    size_t n = 0;

    for (size_t i = 0; i < wait->n_watches; i++) {
        struct watch *watch = &wait->watch[i];
        struct acc_service_view service;

        if (watch->svc == ACC_NONE) {
            continue;
        }
        acc_engine_service(control->config.engine, watch->svc, now_ms, &service);
        if (service.state != watch->state || service.step != watch->step ||
            service.n_tries != watch->n_tries || strcmp(look->row[i].change, watch->change) != 0 ||
            accd_heard_is_due(&watch->heard, now_ms - watch->told_ms) ||
            (service.step != ACC_ROLL_IDLE && watch->selected &&
             now_ms >= watch->told_ms + ROLLOUT_EVERY_MS)) {
            watch->state = service.state;
            watch->step = service.step;
            watch->n_tries = service.n_tries;
            watch->change = look->row[i].change;
            watch->told_ms = now_ms;
            rows[n] = look->row[i];
            accd_heard_put(&watch->heard, &rows[n++]);
        }
    }
    return n;
}

/* The rows that `more` is told: all of them first, then those that changed. False: the wait is
 * gone.
 */
static bool tell_progress(struct wait *wait, const struct look *look)
{
    struct acc_progress_row *rows = calloc(wait->n_watches + 1, sizeof(*rows));
    bool is_away = !acc_engine_connected(wait->job.control->config.engine);
    size_t n;
    bool alive = true;

    if (!rows) {
        return true;
    }
    if (wait->is_told) {
        n = changed(wait, look, rows);
    } else {
        memcpy(rows, look->row, wait->n_watches * sizeof(*rows));
        n = compact(rows, wait->n_watches);
    }
    if (n > 0 || !wait->is_told || (is_away && !wait->is_away_told)) {
        wait->is_told = true;
        wait->is_away_told = is_away;
        alive = tell(wait, rows, n, false);
        for (size_t i = 0; alive && i < wait->n_watches; i++) {
            accd_heard_told(&wait->watch[i].heard);
        }
    }
    free(rows);
    return alive;
}

static void on_pruned(void *arg, const char *lines)
{
    struct errand *pruning = arg;
    struct wait *wait = pruning->wait;

    free(pruning);
    if (wait) {
        wait->pruning = NULL;
        wait->pruned = strdup(lines);
        accd_wait_run(&wait->job);
    }
}

/* True: it was asked for, and its answer comes later (or has come: then the wait is gone). */
static bool begin_prune(struct wait *wait)
{
    struct accd_control *control = wait->job.control;
    struct errand *pruning = wait->prune ? calloc(1, sizeof(*pruning)) : NULL;

    if (!pruning) {
        return false;
    }
    wait->prune = false;
    pruning->wait = wait;
    wait->pruning = pruning;
    control->config.ops.prune(control->config.ops_ctx, wait->volumes, on_pruned, pruning);
    return true;
}

static void on_compared(void *arg)
{
    struct errand *comparing = arg;
    struct wait *wait = comparing->wait;

    free(comparing);
    if (wait) {
        wait->comparing = NULL;
        accd_wait_run(&wait->job);
    }
}

/* What an apply can't change is told with its end. As above. */
static bool begin_compare(struct wait *wait)
{
    struct accd_control *control = wait->job.control;
    bool is_late = uv_now(control->config.loop) >= wait->deadline_ms;
    struct errand *comparing = NULL;

    if (wait->comparing) {
        return !is_late;
    }
    if (wait->is_apply && !wait->is_compared && !is_late && control->config.ops.differing) {
        comparing = calloc(1, sizeof(*comparing));
    }
    if (!comparing) {
        return false;
    }
    wait->is_compared = true;
    comparing->wait = wait;
    wait->comparing = comparing;
    control->config.ops.differing(control->config.ops_ctx, on_compared, comparing);
    return true;
}

static void on_saved(void *arg)
{
    struct errand *saving = arg;
    struct wait *wait = saving->wait;

    free(saving);
    if (wait) {
        wait->saving = NULL;
        wait->is_saved = true;
        accd_wait_run(&wait->job);
    }
}

/* Done is what is written down, too, or known not to be. As above. */
static bool begin_save(struct wait *wait)
{
    const struct accd_control *control = wait->job.control;
    bool is_late = uv_now(control->config.loop) >= wait->deadline_ms;
    struct errand *saving = NULL;

    if (wait->saving) {
        return !is_late;
    }
    if (!wait->is_saved && !is_late && control->config.ops.when_saved) {
        saving = calloc(1, sizeof(*saving));
    }
    if (!saving) {
        return false;
    }
    saving->wait = wait;
    wait->saving = saving;
    control->config.ops.when_saved(control->config.ops_ctx, on_saved, saving);
    return true;
}

/* Who doesn't wait for the outcome is told at once what won't even begin. */
static void keep_refused(struct look *look)
{
    size_t n = 0;

    for (size_t i = 0; i < look->n_failures; i++) {
        if (look->failure[i].is_refused) {
            look->failure[n++] = look->failure[i];
        }
    }
    look->n_failures = n;
}

static void conclude(struct wait *wait, struct look *look)
{
    wait->is_saved &= look->n_pending == 0 || wait->detach;
    if (wait->pruning || (look->n_pending == 0 && !wait->detach && begin_prune(wait))) {
        return; /* what has failed doesn't keep what others have left behind */
    }
    if (wait->detach && look->n_refused > 0) {
        keep_refused(look);
        wait->prune = false;
        tell_failures(wait, ACC_CTL_E_REFUSED, "failures", look);
    } else if (look->n_pending == 0 && look->n_failures > 0 && !wait->detach) {
        if (wait->is_apply && begin_save(wait)) {
            return; /* a disk that was full may have room again, and then it begins after all */
        }
        wait->prune = false;
        tell_failures(wait,
                      look->n_refused == look->n_failures ? ACC_CTL_E_REFUSED : ACC_CTL_E_FAILED,
                      "failures", look);
    } else if ((look->n_pending == 0 || wait->detach) &&
               (begin_compare(wait) || begin_save(wait))) {
        return;
    } else if (look->n_pending == 0 || wait->detach) {
        (void)tell(wait, look->row, compact(look->row, wait->n_watches), true);
    } else if (uv_now(wait->job.control->config.loop) >= wait->deadline_ms) {
        look_at(look, wait, true);
        tell_failures(wait, ACC_CTL_E_TIMED_OUT, "pending", look);
    }
}

void accd_wait_run(struct accd_job *job)
{
    struct wait *wait = (struct wait *)job;
    struct look look;

    if (look_alloc(&look, wait->n_watches)) { /* if not, the next tick tries again */
        look_at(&look, wait, false);
        bool is_over = look.n_pending == 0 && !(wait->is_told && has_output(wait));

        if (wait->detach || !wait->more || is_over || tell_progress(wait, &look)) {
            conclude(wait, &look);
        }
    }
    look_free(&look);
}

static bool is_touched(const struct accd_control *control, const struct wait *wait)
{
    for (size_t i = 0; i < wait->n_watches; i++) {
        if (wait->watch[i].svc < control->n_touched && control->touched[wait->watch[i].svc]) {
            return true;
        }
    }
    return false;
}

void accd_control_waits_run(struct accd_control *control, bool look_at_all)
{
    struct accd_job *next;

    /* accd_wait_run() ends at most the wait that it is given: a session that is dropped for its
     * backlog tells nobody else. */
    for (struct accd_job *job = control->waits; job; job = next) {
        next = job->next;
        if (look_at_all || is_touched(control, (struct wait *)job)) {
            accd_wait_run(job);
        }
    }
    control->is_touched = false;
    if (control->n_touched > 0) {
        memset(control->touched, 0, control->n_touched);
    }
}

void accd_control_waits_remap(struct accd_control *control)
{
    size_t n = acc_engine_n_services(control->config.engine);

    for (struct accd_job *job = control->waits; job; job = job->next) {
        struct wait *wait = (struct wait *)job;

        for (size_t k = 0; k < wait->n_watches; k++) {
            wait->watch[k].svc = ACC_NONE; /* gone: nothing to wait for */
            for (uint32_t i = 0; i < n; i++) {
                struct acc_service_view service;

                acc_engine_service(control->config.engine, i, uv_now(control->config.loop),
                                   &service);
                if (strcmp(service.id, wait->watch[k].id) == 0) {
                    wait->watch[k].svc = i;
                    break;
                }
            }
        }
    }
}

void accd_control_waits_drop(struct accd_control *control)
{
    while (control->waits) {
        wait_free((struct wait *)control->waits);
    }
}

void accd_wait_cancel(struct accd_job *job)
{
    wait_free((struct wait *)job);
}

/* Of those that use the image one is told. */
static struct watch *find_watch(struct wait *wait, const uint32_t *svc, size_t n)
{
    for (size_t i = 0; i < wait->n_watches; i++) {
        for (size_t k = 0; k < n; k++) {
            if (wait->watch[i].svc == svc[k]) {
                return &wait->watch[i];
            }
        }
    }
    return NULL;
}

void accd_control_feed_image(struct accd_control *control, const uint32_t *svc, size_t n,
                             const struct accd_image_news *news)
{
    for (struct accd_job *job = control->waits; job; job = job->next) {
        struct wait *wait = (struct wait *)job;
        struct watch *watch = wait->more ? find_watch(wait, svc, n) : NULL;

        if (watch) {
            accd_heard_take(&watch->heard, news);
        }
    }
}
