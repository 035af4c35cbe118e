#include "daemon/in/control_seen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool is_running(const struct acc_instance_view *view)
{
    switch (view->state) {
    case ACC_INST_PROBING:
    case ACC_INST_READY:
    case ACC_INST_DEGRADED:
    case ACC_INST_DRAINING:
    case ACC_INST_STOPPING:
    case ACC_INST_PAUSED:
    case ACC_INST_QUARANTINE:
        return true;
    case ACC_INST_ABSENT:
    case ACC_INST_CREATING:
    case ACC_INST_CREATED:
    case ACC_INST_STARTING:
    case ACC_INST_EXITED:
    case ACC_INST_REMOVING:
        break;
    }
    return false;
}

static bool is_held(const struct acc_service_view *service)
{
    return service->state == ACC_SVC_HELD || service->hold.kind != ACC_HOLD_NONE;
}

/* Of a stack that has just joined the files, and of all when accd has just begun. */
static bool is_unseen(const struct acc_engine *engine, const struct acc_service_view *service,
                      const struct accd_seen *seen)
{
    return service->is_unseen || (seen->n == 0 && !acc_engine_has_snapshot(engine));
}

int accd_seen_take(const struct acc_engine *engine, uint32_t svc, uint64_t now_ms,
                   struct accd_seen *ret_seen)
{
    struct acc_service_view service;
    struct accd_seen seen = {0};

    acc_engine_service(engine, svc, now_ms, &service);
    seen.container = calloc((size_t)service.n_instances + 1, sizeof(*seen.container));
    if (!seen.container) {
        return -ENOMEM;
    }
    seen.is_held = is_held(&service);
    seen.n_places_taken = service.n_places_taken;
    seen.is_done = service.state == ACC_SVC_DONE;
    seen.is_up = service.state == ACC_SVC_UP;
    seen.is_blocked = service.state == ACC_SVC_BLOCKED;
    seen.revision = service.revision > 0 ? service.revision : 1; /* the first has no record */
    seen.is_rolling = service.step != ACC_ROLL_IDLE;
    seen.is_untouched = service.step == ACC_ROLL_PULL || service.step == ACC_ROLL_PRE;
    seen.is_rollback = service.is_rollback;
    seen.watched = service.step == ACC_ROLL_POST || service.step == ACC_ROLL_WATCH
                       ? service.revision
                       : 0;
    for (uint32_t i = 0; i < service.n_instances; i++) {
        struct accd_seen_container *container = &seen.container[seen.n];
        struct acc_instance_view view;

        acc_engine_instance(engine, svc, i, &view);
        if (view.cid[0] == '\0' || strlen(view.cid) > ACC_CID_LEN) {
            continue;
        }
        memcpy(container->cid, view.cid, strlen(view.cid) + 1);
        container->started_ns = view.started_ns;
        container->is_running = is_running(&view);
        container->was_updated = view.updated;
        container->is_beside = view.is_beside;
        seen.n++;
    }
    seen.is_unseen = is_unseen(engine, &service, &seen);
    *ret_seen = seen;
    return 0;
}

/* The step that saw what was there may have made what was not; it has not run yet. */
static void forget_unstarted(struct accd_seen *seen)
{
    size_t n = 0;

    for (size_t i = 0; i < seen->n; i++) {
        if (seen->container[i].started_ns != 0) {
            seen->container[n++] = seen->container[i];
        }
    }
    seen->n = n;
}

int accd_seen_complete(const struct acc_engine *engine, uint32_t svc, uint64_t now_ms,
                       struct accd_seen *seen)
{
    struct acc_service_view service;
    struct accd_seen now = {0};

    if (!seen->is_unseen) {
        return 0;
    }
    acc_engine_service(engine, svc, now_ms, &service);
    if (is_unseen(engine, &service, seen)) {
        return 0;
    }
    int r = accd_seen_take(engine, svc, now_ms, &now);

    if (r == 0) {
        forget_unstarted(&now);
        accd_seen_fini(seen);
        *seen = now;
    }
    return r;
}

void accd_seen_fini(struct accd_seen *seen)
{
    free(seen->container);
    *seen = (struct accd_seen){0};
}

static const struct accd_seen_container *find(const struct accd_seen *seen, const char *cid)
{
    for (size_t i = 0; i < seen->n; i++) {
        if (strcmp(seen->container[i].cid, cid) == 0) {
            return &seen->container[i];
        }
    }
    return NULL;
}

struct changes {
    size_t n_new, n_kept, n_updated, n_started, n_restarted, n_stopped;
    size_t n_running; /* now */
};

/* An upgrade under way may have ended with the file that its service has left. */
static bool ran_beside(const struct accd_seen *seen)
{
    for (size_t i = 0; i < seen->n; i++) {
        if (seen->container[i].is_beside && seen->container[i].is_running) {
            return true;
        }
    }
    return false;
}

static size_t count_serving(const struct accd_seen *seen)
{
    size_t n = 0;

    for (size_t i = 0; i < seen->n; i++) {
        n += !seen->container[i].is_beside;
    }
    return n;
}

/* `runs_again`: a job that had run to its end, and does so again or has done so. `has_ended`: what
 * it was started for is over by now. */
static void compare(const struct accd_seen_container *then, const struct acc_instance_view *now,
                    bool runs_again, bool has_ended, struct changes *changes)
{
    changes->n_running += is_running(now);
    if (!then || then->is_beside) {
        changes->n_new++;
        return;
    }
    changes->n_kept++;
    if (then->started_ns == 0 && !then->is_running && now->started_ns != 0) {
        changes->n_new++; /* made just before: accd makes all of them early */
        return;
    }
    changes->n_updated += now->updated && !then->was_updated;
    if (now->started_ns != then->started_ns && runs_again) {
        changes->n_restarted++;
    } else if (now->started_ns != then->started_ns && (is_running(now) || has_ended)) {
        changes->n_restarted += then->is_running;
        changes->n_started += !then->is_running;
    }
    changes->n_stopped += then->is_running && !is_running(now);
}

/* What somebody turned off, whichever of its containers was to stay: "removed", "stopped", or NULL
 * while one of them runs. */
static const char *turned_off(const struct acc_engine *engine, uint32_t svc,
                              const struct acc_service_view *service, const struct accd_seen *seen)
{
    bool was_running = false, any = false;

    for (size_t i = 0; i < seen->n; i++) {
        was_running |= seen->container[i].is_running;
    }
    for (uint32_t i = 0; i < service->n_instances; i++) {
        struct acc_instance_view view;

        acc_engine_instance(engine, svc, i, &view);
        any |= view.cid[0] != '\0';
        if (view.cid[0] && is_running(&view)) {
            return NULL;
        }
    }
    return service->wanted_up    ? NULL
           : !any && seen->n > 0 ? "removed"
           : was_running         ? "stopped"
                                 : NULL;
}

const char *accd_seen_change(const struct acc_engine *engine, uint32_t svc, uint64_t now_ms,
                             const struct accd_seen *seen)
{
    struct acc_service_view service;
    struct changes changes = {0};

    acc_engine_service(engine, svc, now_ms, &service);
    if (seen->is_unseen) {
        return "";
    }
    for (uint32_t i = 0; i < service.n_instances; i++) {
        struct acc_instance_view view;

        acc_engine_instance(engine, svc, i, &view);
        if (view.cid[0] && !view.is_beside) {
            compare(find(seen, view.cid), &view, seen->is_done, service.state == ACC_SVC_DONE,
                    &changes);
        }
    }
    size_t n_gone = count_serving(seen) - changes.n_kept;
    const char *off = seen->is_rolling || ran_beside(seen) ? turned_off(engine, svc, &service, seen)
                                                           : NULL;

    if (off) {
        return off;
    }
    if ((service.step >= ACC_ROLL_CREATE && service.step <= ACC_ROLL_SWITCH) ||
        service.step == ACC_ROLL_UNDO) {
        return seen->is_held && !is_held(&service) ? "released"
                                                   : ""; /* it is not decided which of them stays */
    }
    if (changes.n_new > 0 && seen->is_rolling && count_serving(seen) == 0) {
        return "recreated"; /* the old one had stopped before */
    }
    return changes.n_new > 0 && (n_gone > 0 || changes.n_stopped > 0) ? "recreated"
           : changes.n_new > 0                                        ? "created"
           : n_gone > 0 && changes.n_running > 0                      ? "updated" /* fewer */
           : n_gone > 0                                               ? "removed"
           : changes.n_updated > 0                                    ? "updated"
           : changes.n_restarted > 0                                  ? "restarted"
           : changes.n_started > 0                                    ? "started"
           : changes.n_stopped > 0 && changes.n_running == 0          ? "stopped"
           : seen->n_places_taken != service.n_places_taken           ? "released"
           : seen->is_held && !is_held(&service)                      ? "released"
                                                                      : "";
}
