#include "lib/codec/status_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/str.h"
#include "lib/codec/control_request.h"
#include "lib/codec/plan_json.h"
#include "lib/codec/varlink.h"

/* A reply in the making; the pieces below add to one of its nodes. */
struct writer {
    const struct acc_view *view;
    struct acc_varlink_reply reply;
    struct acc_json_put *put;
    cJSON *top;
};

static void begin(struct writer *w, const struct acc_view *view)
{
    w->view = view;
    acc_varlink_reply_begin(&w->reply);
    w->put = &w->reply.put;
    w->top = w->reply.parameters;
}

static int finish(struct writer *w, const char *error, bool continues, struct acc_buf *out)
{
    return acc_varlink_reply_finish(&w->reply, error, continues, out);
}

/* Names come from files and labels, reasons from programs: all may hold anything. */
static void text(struct writer *w, cJSON *parent, const char *key, const char *value)
{
    value = value ? value : "";
    acc_put_bytes(w->put, parent, key, value, strlen(value));
}

static void number(struct writer *w, cJSON *parent, const char *key, uint64_t value)
{
    acc_put_int(w->put, parent, key, value > INT64_MAX ? INT64_MAX : (int64_t)value);
}

static void real(struct writer *w, cJSON *parent, const char *key, double value)
{
    (void)acc_put_own(w->put, parent, key, cJSON_CreateNumber(value));
}

/* Unix time; "" for never. */
static void time_ms(struct writer *w, cJSON *parent, const char *key, int64_t unix_ms)
{
    char stamp[ACC_RFC3339_MAX] = "";

    if (unix_ms > 0) {
        acc_format_rfc3339(unix_ms, stamp, sizeof(stamp));
    }
    text(w, parent, key, stamp);
}

/* A moment of the monotonic clock; it may lie before accd's start. */
static void moment(struct writer *w, cJSON *parent, const char *key, uint64_t at_ms)
{
    time_ms(w, parent, key, w->view->unix_ms - (int64_t)(w->view->now_ms - at_ms));
}

static void service_id(struct writer *w, cJSON *array, uint32_t svc)
{
    struct acc_service_view service;

    acc_engine_service(w->view->engine, svc, w->view->now_ms, &service);
    text(w, array, NULL, service.id);
}

/* --- status ---------------------------------------------------------------------------------- */

static void put_engine(struct writer *w, bool is_connected, const struct acc_host_facts *facts)
{
    cJSON *engine = acc_put_object(w->put, w->top, "engine");

    acc_put_bool(w->put, engine, "connected", is_connected);
    text(w, engine, "version", facts->engine_version);
    text(w, engine, "api", facts->engine_api);
}

static void put_total(struct writer *w, cJSON *parent, const char *key, uint64_t total_bytes,
                      uint64_t used_bytes)
{
    cJSON *bytes = acc_put_object(w->put, parent, key);

    number(w, bytes, "total", total_bytes);
    number(w, bytes, "used", used_bytes);
}

static bool stack_is_selected(const struct writer *w, const char *name, const uint8_t *selected)
{
    size_t n = acc_engine_n_services(w->view->engine);

    for (uint32_t i = 0; selected && i < n; i++) {
        struct acc_service_view service;

        if (!selected[i]) {
            continue;
        }
        acc_engine_service(w->view->engine, i, w->view->now_ms, &service);
        if (strcmp(service.stack, name) == 0) {
            return true;
        }
    }
    return !selected;
}

static void put_stack_files(struct writer *w, cJSON *stack, const char *name)
{
    const struct acc_model *model = w->view->model;
    cJSON *files = acc_put_array(w->put, stack, "files");
    uint32_t at = model ? acc_model_find_stack(model, name) : ACC_NONE;

    for (size_t k = 0; at != ACC_NONE && k < model->stacks[at]->n_files; k++) {
        text(w, files, NULL, model->stacks[at]->files[k]);
    }
}

static void put_stacks(struct writer *w, const uint8_t *selected)
{
    const struct acc_engine *engine = w->view->engine;
    cJSON *stacks = acc_put_array(w->put, w->top, "stacks");
    size_t n = acc_engine_n_stacks(engine);

    for (uint32_t i = 0; i < n; i++) {
        const char *name = acc_engine_stack_name(engine, i);
        cJSON *stack;

        if (!stack_is_selected(w, name, selected)) {
            continue;
        }
        stack = acc_put_item(w->put, stacks);
        text(w, stack, "name", name);
        text(w, stack, "mode", acc_engine_stack_observing(engine, i) ? "observing" : "managing");
        acc_put_bool(w->put, stack, "state_lost", acc_engine_stack_recovered(engine, i));
        put_stack_files(w, stack, name);
    }
}

static bool find_differences(const struct acc_view *view, const struct acc_instance_view *instance,
                             struct acc_differences *ret)
{
    return instance->differs && view->differences &&
           view->differences(view->ctx, instance->cid, ret);
}

static void put_difference(struct writer *w, cJSON *list, const char *what, bool is_live)
{
    cJSON *item = acc_put_item(w->put, list);

    text(w, item, "text", what);
    acc_put_bool(w->put, item, "live", is_live);
}

/* The list. */
static cJSON *put_differences(struct writer *w, cJSON *parent,
                              const struct acc_instance_view *instance)
{
    cJSON *list = acc_put_array(w->put, parent, "differences");
    struct acc_differences found;

    if (find_differences(w->view, instance, &found)) {
        for (size_t i = 0; i < found.n; i++) {
            put_difference(w, list, found.line[i].text, found.line[i].is_live);
        }
    }
    return list;
}

/* Somebody has scaled it by hand. */
static bool scale_text(const struct acc_service_view *service, char out[ACC_DIFF_TEXT_MAX + 1])
{
    if (service->scale[0] > 0) {
        acc_plan_scale_text(service->scale[0], service->scale[1], out, ACC_DIFF_TEXT_MAX + 1);
    }
    return service->scale[0] > 0;
}

static void put_instances(struct writer *w, cJSON *parent, uint32_t svc,
                          const struct acc_service_view *service)
{
    cJSON *instances = acc_put_array(w->put, parent, "instances");
    uint32_t n_instances = service->n_instances;

    for (uint32_t i = 0; i < n_instances; i++) {
        cJSON *item = acc_put_item(w->put, instances), *differences;
        struct acc_instance_view instance;
        char scale[ACC_DIFF_TEXT_MAX + 1];

        acc_engine_instance(w->view->engine, svc, i, &instance);
        text(w, item, "name", instance.name);
        text(w, item, "id", instance.cid);
        text(w, item, "state", acc_inst_state_name(instance.state));
        acc_put_int(w->put, item, "pid", instance.pid);
        time_ms(w, item, "started_at", instance.started_ns / 1000000);
        acc_put_bool(w->put, item, "differs", instance.differs);
        differences = put_differences(w, item, &instance);
        if (i == 0 && scale_text(service, scale)) {
            put_difference(w, differences, scale, false);
        }
        acc_put_bool(w->put, item, "stale", instance.stale);
    }
}

/* `cpus` and `mem_limit`, or the same under deploy.resources (compose-spec: both mean one limit).
 */
static void reserved_of(const struct acc_node *node, struct acc_usage *ret)
{
    static const char *const kinds[] = {"limits", "reservations"};
    const char *cpus = acc_node_get_text(node, "cpus");
    const char *memory = acc_node_get_text(node, "mem_limit");
    int64_t bytes;

    for (size_t i = 0; i < ACC_ARRAY_LEN(kinds); i++) {
        const struct acc_node *resources = acc_node_path(node, "deploy", "resources", kinds[i],
                                                         NULL);

        cpus = cpus ? cpus : acc_node_get_text(resources, "cpus");
        memory = memory ? memory : acc_node_get_text(resources, "memory");
    }
    *ret = (struct acc_usage){0};
    if (cpus) {
        ret->cpus = strtod(cpus, NULL); /* the loader has checked it */
    }
    if (memory && acc_parse_bytes(memory, &bytes) && bytes > 0) {
        ret->memory_bytes = (uint64_t)bytes;
    }
}

static void put_amount(struct writer *w, cJSON *parent, const char *key, uint64_t reserved,
                       uint64_t used)
{
    cJSON *amount = acc_put_object(w->put, parent, key);

    number(w, amount, "reserved", reserved);
    number(w, amount, "used", used);
}

static void put_resources(struct writer *w, cJSON *parent, uint32_t svc,
                          const struct acc_host_facts *facts)
{
    const struct acc_model *model = w->view->model;
    struct acc_usage reserved = {0}, used = {0};
    cJSON *resources = acc_put_object(w->put, parent, "resources");
    cJSON *cpu = acc_put_object(w->put, resources, "cpu");

    if (model && svc < model->n_services) {
        reserved_of(model->services[svc]->node, &reserved);
    }
    if (facts->usage && svc < facts->n_usage) {
        used = facts->usage[svc];
    }
    real(w, cpu, "reserved", reserved.cpus);
    real(w, cpu, "used", used.cpus);
    put_amount(w, resources, "memory", reserved.memory_bytes, used.memory_bytes);
    put_amount(w, resources, "vram", reserved.vram_bytes, used.vram_bytes);
}

/* All instances of a service have one image. */
static const char *digest_of(const struct writer *w, uint32_t svc, uint32_t n_instances)
{
    struct acc_instance_view instance;

    if (n_instances == 0) {
        return "";
    }
    acc_engine_instance(w->view->engine, svc, 0, &instance);
    return instance.image_id;
}

static void put_image_of(struct writer *w, cJSON *item, uint32_t svc,
                         const struct acc_service_view *service)
{
    const char *other = acc_engine_other_image(w->view->engine, svc);

    text(w, item, "image", service->image);
    if (other) {
        text(w, item, "image_running", other);
    }
}

static void put_hold(struct writer *w, cJSON *parent, const char *key,
                     const struct acc_hold_record *record)
{
    cJSON *hold;

    if (record->kind == ACC_HOLD_NONE) {
        return;
    }
    hold = acc_put_object(w->put, parent, key);
    text(w, hold, "kind", acc_hold_name(record->kind));
    text(w, hold, "by", record->by);
    text(w, hold, "reason", record->reason);
    time_ms(w, hold, "until", record->left_ms ? w->view->unix_ms + (int64_t)record->left_ms : 0);
}

/* Unix seconds; 0 for never. */
static void time_s(struct writer *w, cJSON *parent, const char *key, int64_t unix_s)
{
    time_ms(w, parent, key, unix_s * 1000);
}

static void put_auto(struct writer *w, cJSON *parent, uint32_t svc)
{
    struct acc_auto_view view;
    cJSON *item;

    acc_engine_auto(w->view->engine, svc, w->view->now_ms, &view);
    if (!view.is_set) {
        return;
    }
    item = acc_put_object(w->put, parent, "auto");
    time_s(w, item, "next", view.next_s);
    acc_put_bool(w->put, item, "pending", view.is_pending);
    text(w, item, "digest", view.digest);
    time_s(w, item, "seen", view.seen_s);
    time_s(w, item, "ripe", view.ripe_s);
    time_s(w, item, "taken", view.taken_s);
    text(w, item, "reason", view.reason);
}

static void put_unsaved(struct writer *w)
{
    if (w->view->unsaved) {
        text(w, w->top, "unsaved", w->view->unsaved);
    }
}

static void put_unlisted(struct writer *w)
{
    const struct acc_unlisted_list *list = &w->view->unlisted;
    cJSON *array = list->n > 0 ? acc_put_array(w->put, w->top, "unlisted") : NULL;

    for (size_t i = 0; i < list->n; i++) {
        cJSON *item = acc_put_item(w->put, array);

        text(w, item, "name", list->item[i].name);
        acc_put_int(w->put, item, "containers", list->item[i].n_containers);
        acc_put_int(w->put, item, "running", list->item[i].n_running);
        if (list->item[i].problem) {
            text(w, item, "problem", list->item[i].problem);
            acc_put_int(w->put, item, "errors", (int64_t)list->item[i].n_errors);
        }
    }
    array = list->n_left > 0 ? acc_put_array(w->put, w->top, "left") : NULL;
    for (size_t i = 0; i < list->n_left; i++) {
        text(w, array, NULL, list->left[i]);
    }
    array = list->n > 0 ? acc_put_array(w->put, w->top, "unmatched") : NULL;
    for (size_t i = 0; list->n > 0 && i < list->n_patterns; i++) {
        text(w, array, NULL, list->pattern[i]);
    }
}

/* Does a service that is told of use it? What nothing uses is of its stack. */
static bool is_used(const struct writer *w, const struct acc_plan_row *row, const uint8_t *selected)
{
    for (uint32_t i = 0; i < acc_engine_n_services(w->view->engine); i++) {
        struct acc_service_view service;

        acc_engine_service(w->view->engine, i, w->view->now_ms, &service);
        if (selected[i] && acc_plan_row_has_user(row, service.id)) {
            return true;
        }
    }
    return false;
}

static void put_declared(struct writer *w, const uint8_t *selected)
{
    const struct acc_plan *found = w->view->resources;
    cJSON *list = NULL;

    for (size_t i = 0; found && i < found->n; i++) {
        if (!selected || is_used(w, &found->row[i], selected)) {
            list = list ? list : acc_put_array(w->put, w->top, "resources");
            acc_plan_put_row(w->put, list, &found->row[i]);
        }
    }
}

static void put_maintenance(struct writer *w)
{
    struct acc_hold_record maintenance;

    acc_engine_maintenance(w->view->engine, w->view->now_ms, &maintenance);
    put_hold(w, w->top, "maintenance", &maintenance);
}

static void put_shutdown(struct writer *w)
{
    struct acc_shutdown_view view;
    cJSON *shutdown;

    acc_engine_shutdown(w->view->engine, w->view->now_ms, &view);
    if (!view.is_on) {
        return;
    }
    shutdown = acc_put_object(w->put, w->top, "shutdown");
    acc_put_int(w->put, shutdown, "running", view.n_left);
    time_ms(w, shutdown, "until", view.is_over ? 0 : w->view->unix_ms + (int64_t)view.left_ms);
}

static void put_service(struct writer *w, cJSON *services, uint32_t svc,
                        const struct acc_host_facts *facts)
{
    cJSON *item = acc_put_item(w->put, services);
    struct acc_service_view service;
    cJSON *roots;

    acc_engine_service(w->view->engine, svc, w->view->now_ms, &service);
    text(w, item, "id", service.id);
    text(w, item, "stack", service.stack);
    text(w, item, "name", service.name);
    text(w, item, "phase", service.phase);
    text(w, item, "tier", service.tier);
    text(w, item, "desired", service.wanted_up ? "up" : "off");
    text(w, item, "state", acc_svc_state_name(service.state));
    text(w, item, "health", acc_verdict_name(service.health));
    text(w, item, "evidence", acc_evidence_name(service.evidence));
    moment(w, item, "since", service.since_ms);
    text(w, item, "reason", service.reason);
    roots = acc_put_array(w->put, item, "root");
    for (size_t i = 0; i < service.n_roots; i++) {
        text(w, roots, NULL, acc_engine_root_id(w->view->engine, service.roots[i]));
    }
    acc_put_int(w->put, item, "restarts", service.n_restarts);
    acc_put_int(w->put, item, "revision", service.revision); /* 0: never upgraded */
    put_image_of(w, item, svc, &service);
    text(w, item, "digest", digest_of(w, svc, service.n_instances));
    acc_put_bool(w->put, item, "removed", service.removed);
    if (service.old_serves) {
        acc_put_bool(w->put, item, "old_serves", true);
    }
    if (service.serves) {
        acc_put_bool(w->put, item, "serves", true);
    }
    if (service.step != ACC_ROLL_IDLE) {
        text(w, item, "step", acc_rollout_step_name(service.step));
    }
    put_hold(w, item, "hold", &service.hold);
    put_auto(w, item, svc);
    put_instances(w, item, svc, &service);
    put_resources(w, item, svc, facts);
}

static void put_gpus(struct writer *w, const struct acc_host_facts *facts)
{
    cJSON *gpus = acc_put_array(w->put, w->top, "gpus");

    for (size_t i = 0; i < facts->n_gpus; i++) {
        cJSON *gpu = acc_put_item(w->put, gpus);

        text(w, gpu, "name", facts->gpus[i].name);
        put_total(w, gpu, "vram", facts->gpus[i].vram_total_bytes, facts->gpus[i].vram_used_bytes);
    }
}

static void put_incidents(struct writer *w)
{
    cJSON *incidents = acc_put_array(w->put, w->top, "incidents");
    struct acc_incident_view incident;

    for (size_t i = 0; acc_engine_incident_at(w->view->engine, i, &incident); i++) {
        cJSON *item = acc_put_item(w->put, incidents);
        cJSON *impact;

        number(w, item, "id", incident.id);
        text(w, item, "root", incident.root);
        moment(w, item, "since", incident.since_ms);
        if (incident.open) {
            text(w, item, "closed", "");
        } else {
            moment(w, item, "closed", incident.closed_ms);
        }
        if (incident.well_ms) {
            moment(w, item, "recovered", incident.well_ms);
        }
        if (incident.closes_ms) {
            moment(w, item, "closes", incident.closes_ms);
        }
        text(w, item, "cause", incident.cause);
        impact = acc_put_array(w->put, item, "impact");
        for (size_t k = 0; k < incident.n_impact; k++) {
            service_id(w, impact, incident.impact[k]);
        }
        number(w, item, "suffering", incident.n_suffer);
        number(w, item, "peak", incident.n_peak);
        acc_put_bool(w->put, item, "open", incident.open);
        acc_put_bool(w->put, item, "notified", incident.notified);
    }
}

int acc_status_put(const struct acc_view *view, const struct acc_host_facts *facts,
                   const uint8_t *selected, struct acc_buf *out)
{
    size_t n = acc_engine_n_services(view->engine);
    struct writer w;
    cJSON *services;

    begin(&w, view);
    put_engine(&w, acc_engine_connected(view->engine), facts);
    put_total(&w, acc_put_object(w.put, w.top, "host"), "memory", facts->memory_total_bytes,
              facts->memory_used_bytes);
    put_stacks(&w, selected);
    services = acc_put_array(w.put, w.top, "services");
    for (uint32_t i = 0; i < n; i++) {
        if (!selected || selected[i]) {
            put_service(&w, services, i, facts);
        }
    }
    put_gpus(&w, facts);
    put_incidents(&w);
    put_maintenance(&w);
    put_shutdown(&w);
    put_unsaved(&w);
    put_unlisted(&w);
    put_declared(&w, selected);
    return finish(&w, NULL, false, out);
}

static void put_past(struct writer *w, const struct acc_past_incident *past, size_t n_past)
{
    cJSON *incidents = cJSON_GetObjectItemCaseSensitive(w->top, "incidents");

    for (size_t i = 0; incidents && i < n_past; i++) {
        cJSON *item = acc_put_item(w->put, incidents);

        number(w, item, "id", past[i].id);
        text(w, item, "root", past[i].root);
        time_ms(w, item, "since", past[i].opened_unix_ms);
        time_ms(w, item, "closed", past[i].closed_unix_ms);
        text(w, item, "cause", past[i].cause);
        (void)acc_put_array(w->put, item, "impact");
        number(w, item, "suffering", 0);
        number(w, item, "peak", past[i].n_peak);
        acc_put_bool(w->put, item, "open", false);
        acc_put_bool(w->put, item, "notified", true);
    }
}

int acc_incidents_put(const struct acc_view *view, const struct acc_past_incident *past,
                      size_t n_past, struct acc_buf *out)
{
    struct writer w;

    begin(&w, view);
    put_incidents(&w);
    put_past(&w, past, n_past);
    return finish(&w, NULL, false, out);
}

/* --- the smaller answers ---------------------------------------------------------------------- */

static bool is_well(const struct acc_service_view *service)
{
    if (service->state == ACC_SVC_OFF) {
        return !service->wanted_up && !service->is_found_off;
    }
    return service->state == ACC_SVC_UP || service->state == ACC_SVC_DONE;
}

/* What acc_engine_why() may write about one service, and in what its containers differ. */
#define WHY_MAX 8192u
/* Lines of differences in a sentence; `status SERVICE` has them all. */
#define WHY_LINES_MAX 8u

static bool differs(const struct acc_view *view, uint32_t svc, uint32_t n_instances)
{
    for (uint32_t i = 0; i < n_instances; i++) {
        struct acc_instance_view instance;

        acc_engine_instance(view->engine, svc, i, &instance);
        if (instance.differs) {
            return true;
        }
    }
    return false;
}

/* " shop-web-1 differs from the file: image a:1 -> a:2; environment TZ added." */
static void tell_differences(const struct acc_view *view, uint32_t svc,
                             const struct acc_service_view *service, struct acc_buf *out)
{
    char scale[ACC_DIFF_TEXT_MAX + 1];

    if (scale_text(service, scale)) {
        (void)acc_buf_printf(out, " More run than its file has, and they stay until you ask: %s.",
                             scale);
    }
    for (uint32_t i = 0; i < service->n_instances; i++) {
        struct acc_instance_view instance;
        struct acc_differences found;

        acc_engine_instance(view->engine, svc, i, &instance);
        if (!find_differences(view, &instance, &found)) {
            continue;
        }
        (void)acc_buf_printf(out, " %s differs from the file: ", instance.name);
        for (size_t k = 0; k < found.n && k < WHY_LINES_MAX; k++) {
            (void)acc_buf_printf(out, "%s%s", k > 0 ? "; " : "", found.line[k].text);
        }
        (void)acc_buf_puts(out, found.n > WHY_LINES_MAX ? "; and more." : ".");
    }
}

int acc_why_put(const struct acc_view *view, const uint8_t *selected, bool is_stack,
                struct acc_buf *out)
{
    size_t n = acc_engine_n_services(view->engine);
    struct acc_buf why;
    struct writer w;
    cJSON *answers;

    begin(&w, view);
    acc_buf_init(&why, WHY_MAX);
    answers = acc_put_array(w.put, w.top, "answers");
    for (uint32_t i = 0; i < n; i++) {
        struct acc_service_view service;
        cJSON *item;

        acc_engine_service(view->engine, i, view->now_ms, &service);
        if (!selected[i] || (is_stack && is_well(&service) && service.scale[0] == 0 &&
                             !differs(view, i, service.n_instances))) {
            continue;
        }
        acc_buf_reset(&why);
        acc_engine_why(view->engine, i, view->now_ms, &why);
        tell_differences(view, i, &service, &why);
        item = acc_put_item(w.put, answers);
        text(&w, item, "service", service.id);
        text(&w, item, "text", why.data);
    }
    acc_buf_fini(&why);
    return finish(&w, NULL, false, out);
}

int acc_ping_put(const struct acc_engine *engine, const struct acc_host_facts *facts,
                 struct acc_buf *out)
{
    struct writer w;

    begin(&w, NULL);
    text(&w, w.top, "version", ACC_VERSION);
    acc_put_bool(w.put, w.top, "connected", acc_engine_connected(engine));
    put_engine(&w, acc_engine_connected(engine), facts);
    return finish(&w, NULL, false, out);
}

/* Those of the first container that differs: all are made of one file. Then how many of them. */
static void put_service_differences(struct writer *w, cJSON *parent,
                                    const struct acc_progress_row *row,
                                    const struct acc_service_view *service)
{
    struct acc_instance_view instance = {.differs = false};
    char scale[ACC_DIFF_TEXT_MAX + 1];
    cJSON *list;

    for (uint32_t i = 0; i < service->n_instances && !instance.differs; i++) {
        acc_engine_instance(w->view->engine, row->svc, i, &instance);
    }
    list = put_differences(w, parent, &instance);
    if (row->is_scaled) {
        acc_plan_scale_text(row->scale[0], row->scale[1], scale, sizeof(scale));
        put_difference(w, list, scale, true);
    } else if (scale_text(service, scale)) {
        put_difference(w, list, scale, false);
    }
    if (row->settings && row->settings[0]) {
        put_difference(w, list, row->settings, true);
    }
}

static void put_image(struct writer *w, cJSON *item, const struct acc_progress_row *row)
{
    if (row->pull) {
        cJSON *pull = acc_put_object(w->put, item, "pull");

        text(w, pull, "image", row->pull->image);
        number(w, pull, "current", row->pull->current);
        number(w, pull, "total", row->pull->total);
    }
    if (row->output) {
        acc_put_lines(w->put, acc_put_array(w->put, item, "output"), row->output);
    }
}

static void put_progress(struct writer *w, const struct acc_progress_row *rows, size_t n_rows)
{
    cJSON *list = acc_put_array(w->put, w->top, "progress");

    for (size_t i = 0; i < n_rows; i++) {
        cJSON *item = acc_put_item(w->put, list);
        struct acc_service_view service;

        acc_engine_service(w->view->engine, rows[i].svc, w->view->now_ms, &service);
        text(w, item, "service", service.id);
        text(w, item, "state", acc_svc_state_name(service.state));
        text(w, item, "step", acc_rollout_step_name(service.step));
        acc_put_int(w->put, item, "tries", service.n_tries);
        text(w, item, "health", acc_verdict_name(service.health));
        text(w, item, "reason", service.reason);
        if (service.queued[0]) {
            text(w, item, "queued", service.queued);
        }
        moment(w, item, "since", service.since_ms);
        text(w, item, "change", rows[i].change ? rows[i].change : "");
        if (rows[i].skipped) {
            text(w, item, "skipped", rows[i].skipped);
        }
        if (rows[i].hint) {
            text(w, item, "hint", rows[i].hint);
        }
        put_image(w, item, &rows[i]);
        put_service_differences(w, item, &rows[i], &service);
        acc_put_bool(w->put, item, "selected", rows[i].selected);
        acc_put_bool(w->put, item, "settled", rows[i].settled);
    }
    put_unsaved(w);
    acc_put_true(w->put, w->top, "engine_away", !acc_engine_connected(w->view->engine));
}

static void put_stacks_told(struct writer *w, const struct acc_stacks_told *stacks)
{
    const struct acc_engine *engine = w->view->engine;
    size_t n = stacks->shows_observing ? acc_engine_n_stacks(engine) : 0;
    cJSON *list = stacks->shows_observing ? acc_put_array(w->put, w->top, "observing") : NULL;

    for (uint32_t k = 0; k < n; k++) {
        if (acc_engine_stack_observing(engine, k)) {
            text(w, list, NULL, acc_engine_stack_name(engine, k));
        }
    }
    if (stacks->warnings) {
        acc_put_lines(w->put, acc_put_array(w->put, w->top, "warnings"), stacks->warnings);
    }
    if (stacks->adopted) {
        acc_put_lines(w->put, acc_put_array(w->put, w->top, "adopted"), stacks->adopted);
    }
}

int acc_progress_put(const struct acc_view *view, const struct acc_progress_row *rows,
                     size_t n_rows, const struct acc_stacks_told *stacks, bool continues,
                     struct acc_buf *out)
{
    struct writer w;

    begin(&w, view);
    put_stacks_told(&w, stacks);
    put_progress(&w, rows, n_rows);
    return finish(&w, NULL, continues, out);
}

int acc_maintained_put(const struct acc_view *view, const struct acc_progress_row *rows,
                       size_t n_rows, bool was_on, bool continues, struct acc_buf *out)
{
    struct writer w;

    begin(&w, view);
    put_progress(&w, rows, n_rows);
    acc_put_bool(w.put, w.top, "was_on", was_on);
    put_maintenance(&w);
    return finish(&w, NULL, continues, out);
}

/* What stays as it was, and is not at fault. */
static void put_notes(struct writer *w, const struct acc_progress_row *rows, size_t n_rows)
{
    const struct acc_engine *engine = w->view->engine;
    const struct acc_plan *found = w->view->resources;
    cJSON *notes = NULL;

    for (size_t i = 0; i < n_rows; i++) {
        char why[ACC_REASON_MAX + 1] = "", note[2 * ACC_NAME_MAX + ACC_REASON_MAX + 8];
        struct acc_service_view service;

        if (!rows[i].selected ||
            acc_engine_applied(engine, rows[i].svc, w->view->now_ms, why) != ACC_SETTLED_DONE ||
            !why[0]) {
            continue;
        }
        acc_engine_service(engine, rows[i].svc, w->view->now_ms, &service);
        (void)snprintf(note, sizeof(note), "%s: %s", service.id, why);
        notes = notes ? notes : acc_put_array(w->put, w->top, "notes");
        text(w, notes, NULL, note);
    }
    for (size_t i = 0; found && i < found->n; i++) {
        char why[ACC_DIFF_TEXT_MAX * 8], note[2 * ACC_NAME_MAX + sizeof(why) + 8];

        acc_plan_row_text(&found->row[i], why, sizeof(why));
        (void)snprintf(note, sizeof(note), "%s: %s", found->row[i].service, why);
        notes = notes ? notes : acc_put_array(w->put, w->top, "notes");
        text(w, notes, NULL, note);
    }
}

int acc_applied_put(const struct acc_view *view, const struct acc_progress_row *rows, size_t n_rows,
                    const struct acc_stacks_told *stacks, const char *lines, bool continues,
                    struct acc_buf *out)
{
    struct writer w;
    cJSON *changes;

    begin(&w, view);
    changes = acc_put_array(w.put, w.top, "changes");
    for (size_t i = 0; i < n_rows; i++) {
        char line[2 * ACC_NAME_MAX + 32];
        struct acc_service_view service;

        if (rows[i].selected && rows[i].change && rows[i].change[0]) {
            acc_engine_service(view->engine, rows[i].svc, view->now_ms, &service);
            (void)snprintf(line, sizeof(line), "%s %s", rows[i].change, service.id);
            acc_put_bytes(w.put, changes, NULL, line, strlen(line));
        }
    }
    acc_put_lines(w.put, changes, lines ? lines : "");
    if (!continues) {
        put_notes(&w, rows, n_rows);
    }
    put_stacks_told(&w, stacks);
    put_progress(&w, rows, n_rows);
    return finish(&w, NULL, continues, out);
}

/* The first one, and how many more there are. */
static void put_refusal(struct writer *w, const struct acc_failure_row *rows, size_t n_rows)
{
    char reason[ACC_REASON_MAX + 2 * ACC_NAME_MAX + 32] = "", more[32] = "";

    if (n_rows > 1) {
        (void)snprintf(more, sizeof(more), "; and %zu more", n_rows - 1);
    }
    if (n_rows > 0) {
        (void)snprintf(reason, sizeof(reason), "%s %s%s", rows[0].service, rows[0].reason, more);
    }
    text(w, w->top, "reason", reason);
}

int acc_failed_put(const struct acc_view *view, const struct acc_failed *failed,
                   struct acc_buf *out)
{
    struct writer w;
    cJSON *list;

    begin(&w, view);
    if (strcmp(failed->error, ACC_CTL_E_REFUSED) == 0) {
        put_refusal(&w, failed->failure, failed->n_failures);
    }
    list = acc_put_array(w.put, w.top, failed->key);
    for (size_t i = 0; i < failed->n_failures; i++) {
        cJSON *item = acc_put_item(w.put, list);

        text(&w, item, "service", failed->failure[i].service);
        text(&w, item, "reason", failed->failure[i].reason);
        acc_put_bool(w.put, item, "refused", failed->failure[i].is_refused);
    }
    if (failed->changes) {
        acc_put_lines(w.put, acc_put_array(w.put, w.top, "changes"), failed->changes);
    }
    put_progress(&w, failed->row, failed->n_rows);
    return finish(&w, failed->error, false, out);
}

const char *acc_note_kind_name(enum acc_note_kind kind)
{
    static const char *const names[] = {
        [ACC_NOTE_STATE] = "state",       [ACC_NOTE_OBSERVED] = "observed",
        [ACC_NOTE_DECISION] = "decision", [ACC_NOTE_WOULD] = "would",
        [ACC_NOTE_ENGINE] = "engine",     [ACC_NOTE_OPERATOR] = "operator",
        [ACC_NOTE_INCIDENT] = "incident",
    };

    return (size_t)kind < ACC_ARRAY_LEN(names) ? names[kind] : "unknown";
}

int acc_events_put(const struct acc_event_row *rows, size_t n_rows, bool continues,
                   struct acc_buf *out)
{
    struct writer w;
    cJSON *list;

    begin(&w, NULL);
    list = acc_put_array(w.put, w.top, "events");
    for (size_t i = 0; i < n_rows; i++) {
        cJSON *item = acc_put_item(w.put, list);

        time_ms(&w, item, "time", rows[i].unix_ms);
        text(&w, item, "kind", rows[i].kind);
        text(&w, item, "service", rows[i].service);
        text(&w, item, "text", rows[i].text);
    }
    return finish(&w, NULL, continues, out);
}

int acc_logs_put(const struct acc_log_row *rows, size_t n_rows, bool continues, struct acc_buf *out)
{
    struct writer w;
    cJSON *list;

    begin(&w, NULL);
    list = acc_put_array(w.put, w.top, "lines");
    for (size_t i = 0; i < n_rows; i++) {
        cJSON *item = acc_put_item(w.put, list);

        text(&w, item, "service", rows[i].service);
        text(&w, item, "instance", rows[i].instance);
        text(&w, item, "stream", rows[i].is_stderr ? "stderr" : "stdout");
        acc_put_bytes(w.put, item, "text", rows[i].text, rows[i].text_len);
    }
    return finish(&w, NULL, continues, out);
}

int acc_lines_put(const char *error, const char *key, const char *lines, struct acc_buf *out)
{
    struct writer w;

    begin(&w, NULL);
    acc_put_lines(w.put, acc_put_array(w.put, w.top, key), lines);
    return finish(&w, error, false, out);
}
