#include "lib/drill/heard.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/fields.h"
#include "lib/engine/engine.h"

static const char *const names[] = {"conn-up",  "conn-down", "conn-degraded", "snapshot", "obs",
                                    "gone",     "hint",      "op-done",       "op-late",  "probe",
                                    "compared", "looked",    "clock",         "cmd",      "timeout",
                                    "shutdown", "host"};
static_assert(ACC_ARRAY_LEN(names) == ACC_EV_TYPE_COUNT, "one name per type");

/* clang-format off */
#define OBS(name, kind)   ACC_FIELD_OF(struct acc_obs, name, ACC_FIELD_##kind)
#define HEARD(name, kind) ACC_FIELD_OF(struct acc_heard, name, ACC_FIELD_##kind)
static const struct acc_field one_port[] = {{"n", 0, sizeof(uint16_t), ACC_FIELD_UINT, NULL}};
static const struct acc_field_list ports = {sizeof(uint16_t), ACC_PORTS_MAX, one_port, 1};
static const struct acc_field obs_fields[] = {
    OBS(cid, TEXT), OBS(name, TEXT), OBS(project, TEXT), OBS(service, TEXT), OBS(number, UINT),
    OBS(oneoff, UINT), OBS(config_hash, TEXT), OBS(spec_hash, TEXT), OBS(op, TEXT),
    OBS(revision, TEXT), OBS(label_image, TEXT), OBS(state, UINT), OBS(pid, INT),
    OBS(exit_code, INT), OBS(oom_killed, UINT), OBS(error, PRIVATE), OBS(started_ns, INT),
    OBS(finished_ns, INT), OBS(age_ms, UINT), OBS(manually_stopped, UINT), OBS(has_health, UINT),
    OBS(interval_ms, INT), OBS(timeout_ms, INT), OBS(start_period_ms, INT), OBS(retries, UINT),
    OBS(health, UINT), OBS(failing_streak, UINT), OBS(health_start_ns, INT),
    OBS(health_end_ns, INT), OBS(health_exit, INT), OBS(health_output, PRIVATE),
    OBS(drain_file, UINT), OBS(unrouted, UINT), OBS(has_networks, UINT), OBS(networks, TEXT),
    OBS(volumes, TEXT), OBS(shares, TEXT), OBS(lacks_ports, UINT), ACC_FIELD_LIST_OF(struct acc_obs, ports, &ports),
    OBS(n_ports, UINT), OBS(restart, UINT), OBS(restart_max, UINT), OBS(image_id, TEXT),
    OBS(image_ref, TEXT),
};
static const struct acc_field conn_fields[] = {
    HEARD(event.conn.fresh_engine, UINT), HEARD(event.conn.live_restore, UINT),
};
static const struct acc_field hint_fields[] = {
    HEARD(cid, TEXT), HEARD(event.hint.hint, UINT), HEARD(event.hint.exit_code, INT),
    HEARD(event.hint.signal, INT), HEARD(event.hint.time_ns, INT),
};
static const struct acc_field op_fields[] = {
    HEARD(cid, TEXT), HEARD(event.op.op, UINT), HEARD(event.op.result, UINT),
    HEARD(message, TEXT), HEARD(from_digest, TEXT),
};
static const struct acc_field probe_fields[] = {
    HEARD(event.probe.op, UINT), HEARD(event.probe.verdict, UINT),
    HEARD(event.probe.listens, UINT), HEARD(event.probe.exit_code, INT),
};
static const struct acc_field compared_fields[] = {
    HEARD(cid, TEXT), HEARD(spec, TEXT), HEARD(event.compared.likeness, UINT),
};
static const struct acc_field looked_fields[] = {
    HEARD(service, TEXT), HEARD(image, TEXT), HEARD(event.looked.news, UINT), HEARD(message, TEXT),
};
static const struct acc_field clock_fields[] = {
    HEARD(event.clock.unix_ms, INT), HEARD(event.clock.zone.before_s, INT),
    HEARD(event.clock.zone.after_s, INT), HEARD(event.clock.zone.change_s, INT),
    HEARD(event.clock.memory_permille, UINT), HEARD(event.clock.io_permille, UINT),
};
static const struct acc_field host_fields[] = {
    HEARD(message, TEXT), HEARD(event.host.is_met, UINT), HEARD(place, TEXT),
};
static const struct acc_field shutdown_fields[] = {
    HEARD(event.shutdown.is_cancelled, UINT), HEARD(event.shutdown.budget_ms, UINT),
};
static const struct acc_field cmd_fields[] = {
    HEARD(event.cmd.verb, UINT), HEARD(event.cmd.with_dependents, UINT),
    HEARD(event.cmd.volumes, UINT), HEARD(event.cmd.whole_stack, UINT), HEARD(event.cmd.by, TEXT),
    HEARD(event.cmd.image, TEXT), HEARD(event.cmd.revision, UINT), HEARD(event.cmd.hold, UINT),
    HEARD(event.cmd.for_ms, UINT), HEARD(event.cmd.reason, TEXT),
    HEARD(event.cmd.root, TEXT),
};
/* clang-format on */

struct table {
    const struct acc_field *fields;
    size_t n;
};
#define TABLE(fields) ((struct table){fields, ACC_ARRAY_LEN(fields)})

static struct table table_of(enum acc_event_type type)
{
    switch (type) {
    case ACC_EV_CONN_UP:
        return TABLE(conn_fields);
    case ACC_EV_GONE:
    case ACC_EV_HINT:
        return TABLE(hint_fields);
    case ACC_EV_OP_DONE:
    case ACC_EV_OP_LATE:
        return TABLE(op_fields);
    case ACC_EV_PROBE:
        return TABLE(probe_fields);
    case ACC_EV_COMPARED:
        return TABLE(compared_fields);
    case ACC_EV_LOOKED:
        return TABLE(looked_fields);
    case ACC_EV_CLOCK:
        return TABLE(clock_fields);
    case ACC_EV_CMD:
        return TABLE(cmd_fields);
    case ACC_EV_HOST:
        return TABLE(host_fields);
    case ACC_EV_OBS:
        return TABLE(obs_fields);
    case ACC_EV_CONN_DOWN:
    case ACC_EV_CONN_DEGRADED:
    case ACC_EV_SNAPSHOT:
    case ACC_EV_TIMEOUT:
        break;
    case ACC_EV_SHUTDOWN:
        return TABLE(shutdown_fields);
    }
    return (struct table){NULL, 0};
}

static void keep(char *out, size_t out_size, const char *text)
{
    size_t len = text ? strnlen(text, out_size - 1) : 0;

    if (len > 0) {
        memcpy(out, text, len);
    }
    out[len] = '\0';
}

/* --- writing --------------------------------------------------------------------------------- */

static void copy_texts(const struct acc_event *event, struct acc_heard *heard)
{
    switch (event->type) {
    case ACC_EV_GONE:
    case ACC_EV_HINT:
        keep(heard->cid, sizeof(heard->cid), event->hint.cid);
        break;
    case ACC_EV_OP_DONE:
    case ACC_EV_OP_LATE:
        keep(heard->cid, sizeof(heard->cid), event->op.cid);
        keep(heard->message, sizeof(heard->message), acc_engine_words(event->op.message));
        keep(heard->from_digest, sizeof(heard->from_digest), event->op.from_digest);
        break;
    case ACC_EV_COMPARED:
        keep(heard->cid, sizeof(heard->cid), event->compared.cid);
        keep(heard->spec, sizeof(heard->spec), event->compared.spec);
        break;
    case ACC_EV_LOOKED:
        keep(heard->service, sizeof(heard->service), event->looked.service);
        keep(heard->image, sizeof(heard->image), event->looked.image);
        keep(heard->message, sizeof(heard->message), event->looked.digest);
        break;
    case ACC_EV_HOST:
        keep(heard->message, sizeof(heard->message), event->host.condition);
        keep(heard->place, sizeof(heard->place), event->host.place);
        break;
    case ACC_EV_CONN_UP: /* these point at nothing that is written */
    case ACC_EV_CONN_DOWN:
    case ACC_EV_CONN_DEGRADED:
    case ACC_EV_SNAPSHOT:
    case ACC_EV_OBS:
    case ACC_EV_PROBE:
    case ACC_EV_CLOCK:
    case ACC_EV_CMD:
    case ACC_EV_TIMEOUT:
    case ACC_EV_SHUTDOWN:
        break;
    }
}

int acc_heard_put(const struct acc_event *event, size_t n_services, struct acc_buf *out)
{
    struct acc_heard *heard = calloc(1, sizeof(*heard));
    struct table table = table_of(event->type);
    const void *base = event->type == ACC_EV_OBS ? (const void *)event->obs : heard;

    if (!heard) {
        return -ENOMEM;
    }
    heard->event = *event;
    copy_texts(event, heard);
    (void)acc_buf_printf(out, "%llu %s", (unsigned long long)event->now_ms, names[event->type]);
    acc_fields_put(base, table.fields, table.n, false, out);
    for (size_t i = 0; event->type == ACC_EV_CMD && i < n_services; i++) {
        if (event->cmd.selected[i]) {
            (void)acc_buf_printf(out, " selected=%zu", i);
        }
    }
    free(heard);
    return out->failed ? -ENOMEM : 0;
}

/* --- reading --------------------------------------------------------------------------------- */

static void point_at_texts(struct acc_heard *heard)
{
    struct acc_event *event = &heard->event;

    switch (event->type) {
    case ACC_EV_OBS:
        event->obs = &heard->obs;
        break;
    case ACC_EV_GONE:
    case ACC_EV_HINT:
        event->hint.cid = heard->cid;
        break;
    case ACC_EV_OP_DONE:
    case ACC_EV_OP_LATE:
        event->op.cid = heard->cid;
        event->op.message = heard->message;
        event->op.from_digest = heard->from_digest[0] ? heard->from_digest : NULL;
        break;
    case ACC_EV_PROBE:
        event->probe.output = "";
        break;
    case ACC_EV_COMPARED:
        event->compared.cid = heard->cid;
        event->compared.spec = heard->spec;
        event->compared.text = "";
        break;
    case ACC_EV_LOOKED:
        event->looked.service = heard->service;
        event->looked.image = heard->image;
        event->looked.digest = heard->message;
        event->looked.reason = "";
        break;
    case ACC_EV_CMD:
        event->cmd.selected = heard->selected;
        break;
    case ACC_EV_HOST:
        event->host.condition = heard->message;
        event->host.place = heard->place;
        break;
    case ACC_EV_CONN_UP:
    case ACC_EV_CONN_DOWN:
    case ACC_EV_CONN_DEGRADED:
    case ACC_EV_SNAPSHOT:
    case ACC_EV_CLOCK:
    case ACC_EV_TIMEOUT:
    case ACC_EV_SHUTDOWN:
        break;
    }
}

static bool read_type(const char *name, struct acc_event *event)
{
    for (unsigned k = 0; name && k < ACC_ARRAY_LEN(names); k++) {
        if (strcmp(names[k], name) == 0) {
            event->type = (enum acc_event_type)k;
            return true;
        }
    }
    return false;
}

static bool read_selected(struct acc_heard *heard, const char *word, size_t n_services)
{
    char *end = NULL;
    size_t at = strtoul(word, &end, 10);

    if (*word && *end == '\0' && at < n_services) {
        heard->selected[at] = 1;
        return true;
    }
    return false;
}

static bool read_word(struct acc_heard *heard, char *word, size_t n_services)
{
    static const char selected[] = "selected=";
    struct table table = table_of(heard->event.type);
    void *base = heard->event.type == ACC_EV_OBS ? (void *)&heard->obs : heard;

    if (heard->event.type == ACC_EV_CMD && strncmp(word, selected, sizeof(selected) - 1) == 0) {
        return read_selected(heard, word + sizeof(selected) - 1, n_services);
    }
    return acc_fields_read(base, table.fields, table.n, word);
}

int acc_heard_read(char *text, size_t n_services, struct acc_heard **ret_heard)
{
    struct acc_heard *heard = calloc(1, sizeof(*heard));
    char *end = NULL;
    const char *ms = strsep(&text, " ");
    const char *type = strsep(&text, " ");
    bool is_good;

    if (heard) {
        heard->selected = calloc(n_services + 1, 1);
    }
    if (!heard || !heard->selected) {
        acc_heard_free(heard);
        return -ENOMEM;
    }
    heard->event.now_ms = strtoull(ms ? ms : "", &end, 10);
    is_good = ms && *ms && *end == '\0' && read_type(type, &heard->event);
    for (char *word; is_good && (word = strsep(&text, " "));) {
        is_good = *word == '\0' || read_word(heard, word, n_services);
    }
    if (!is_good) {
        acc_heard_free(heard);
        return -EINVAL;
    }
    point_at_texts(heard);
    *ret_heard = heard;
    return 0;
}

void acc_heard_free(struct acc_heard *heard)
{
    if (heard) {
        free(heard->selected);
        free(heard);
    }
}

/* --- what is asked --------------------------------------------------------------------------- */

bool acc_heard_is_change(enum acc_action_type type)
{
    static const enum acc_action_type changes[] = {
        ACC_ACT_REMOVE_RESOURCE,
        ACC_ACT_CREATE,
        ACC_ACT_START,
        ACC_ACT_STOP,
        ACC_ACT_KILL,
        ACC_ACT_REMOVE,
        ACC_ACT_UPDATE,
        ACC_ACT_UNPAUSE,
        ACC_ACT_SET_POLICY,
        ACC_ACT_UPGRADE_HOOK,
        ACC_ACT_PULL,
        ACC_ACT_ROUTE,
        ACC_ACT_DRAIN,
        ACC_ACT_UNDRAIN,
        ACC_ACT_RENAME,
        ACC_ACT_HOOK,
        ACC_ACT_ENSURE_RESOURCE,
    };

    for (size_t k = 0; k < ACC_ARRAY_LEN(changes); k++) {
        if (changes[k] == type) {
            return true;
        }
    }
    return false;
}

const char *acc_heard_nick(const struct acc_model *model, const struct acc_engine *engine,
                           uint32_t svc)
{
    const struct acc_service_spec *spec;
    bool is_ambiguous = false;

    if (svc >= model->n_services) {
        struct acc_service_view view;

        acc_engine_service(engine, svc, acc_engine_now(engine), &view);
        return view.name;
    }
    spec = model->services[svc];
    (void)acc_model_find(model, spec->name, &is_ambiguous);
    return is_ambiguous ? spec->id : spec->name;
}

void acc_heard_asked(const struct acc_model *model, const struct acc_engine *engine,
                     const struct acc_action *action, char *out, size_t out_size)
{
    bool is_res = action->type == ACC_ACT_ENSURE_RESOURCE ||
                  action->type == ACC_ACT_REMOVE_RESOURCE;
    const char *name = is_res ? model->resources[action->res]->name
                              : acc_heard_nick(model, engine, action->svc);
    bool is_many = !is_res && action->svc < model->n_services && action->slot != ACC_NONE &&
                   model->services[action->svc]->replicas > 1;
    const char *verb = action->type != ACC_ACT_HOOK ? acc_action_type_name(action->type)
                       : action->hook.is_stop       ? "pre-stop"
                                                    : "post-start";
    size_t len = (size_t)snprintf(out, out_size, "%s %s", verb, name);

    if (is_many && len < out_size) {
        (void)snprintf(out + len, out_size - len, "#%u", (unsigned)action->slot);
    }
}
