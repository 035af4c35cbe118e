#include "tests/unit/puppet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"

struct puppet puppet;

struct acc_engine {
    int nothing;
};
static struct acc_engine the_engine;

struct acc_engine *puppet_engine(void)
{
    return &the_engine;
}

static const char *stack_of(const char *id)
{
    size_t len = strcspn(id, "/");

    for (size_t i = 0; i < puppet.n_stacks; i++) {
        if (strlen(puppet.stack[i]) == len && strncmp(puppet.stack[i], id, len) == 0) {
            return puppet.stack[i];
        }
    }
    puppet.stack[puppet.n_stacks++] = strndup(id, len);
    return puppet.stack[puppet.n_stacks - 1];
}

uint32_t puppet_add(const char *id)
{
    struct puppet_service *service = &puppet.service[puppet.n];

    *service = (struct puppet_service){
        .view = {.id = id,
                 .stack = stack_of(id),
                 .name = strchr(id, '/') + 1,
                 .phase = "",
                 .tier = "",
                 .image = "img:1",
                 .wanted_up = true,
                 .state = ACC_SVC_UP,
                 .health = ACC_HEALTH_HEALTHY,
                 .n_instances = 1},
        .instance = {.slot = 1,
                     .state = ACC_INST_READY,
                     .name = id,
                     .cid = "",
                     .image_id = "",
                     .image = "img:1"},
        .settled = ACC_SETTLED_DONE,
    };
    return (uint32_t)puppet.n++;
}

void acc_engine_step(struct acc_engine *engine, const struct acc_event *event,
                     struct acc_actions *actions)
{
    (void)engine;
    (void)actions;
    if (event->type == ACC_EV_CMD) {
        puppet.cmd = event->cmd;
        memcpy(puppet.selected, event->cmd.selected, puppet.n);
        puppet.cmd.selected = puppet.selected;
        puppet.n_cmds++;
        if (puppet.on_cmd) {
            puppet.on_cmd(&puppet.cmd);
        }
    }
}

uint64_t acc_engine_deadline(const struct acc_engine *engine)
{
    (void)engine;
    return ACC_DEADLINE_NONE;
}

const char *acc_svc_state_name(enum acc_svc_state state)
{
    static const char *const names[ACC_SVC_STATE_COUNT] = {
        "off",      "blocked",   "queued",       "starting",  "up",
        "impaired", "backoff",   "open",         "half-open", "failed",
        "held",     "upgrading", "rolling-back", "stopping",  "done"};

    return names[state];
}

const char *acc_inst_state_name(enum acc_inst_state state)
{
    static const char *const names[ACC_INST_STATE_COUNT] = {
        "absent",   "creating", "created", "starting", "probing",  "ready",     "degraded",
        "draining", "stopping", "exited",  "paused",   "removing", "quarantine"};

    return names[state];
}

const char *acc_verdict_name(enum acc_verdict verdict)
{
    static const char *const names[] = {"none", "unknown", "starting", "healthy", "unhealthy"};

    return names[verdict];
}

const char *acc_evidence_name(enum acc_evidence evidence)
{
    static const char *const names[] = {"", "check", "probe", "listens", "runs"};

    return names[evidence];
}

size_t acc_engine_n_services(const struct acc_engine *engine)
{
    (void)engine;
    return puppet.n;
}

size_t acc_engine_n_stacks(const struct acc_engine *engine)
{
    (void)engine;
    return puppet.n_stacks;
}

void acc_engine_service(const struct acc_engine *engine, uint32_t svc, uint64_t now_ms,
                        struct acc_service_view *ret_view)
{
    (void)engine;
    (void)now_ms;
    *ret_view = puppet.service[svc].view;
}

void acc_engine_instance(const struct acc_engine *engine, uint32_t svc, uint32_t i,
                         struct acc_instance_view *ret_view)
{
    (void)engine;
    *ret_view = i == 1 ? puppet.service[svc].beside : puppet.service[svc].instance;
}

bool acc_engine_stack_observing(const struct acc_engine *engine, uint32_t stack)
{
    (void)engine;
    return puppet.observing[stack];
}

bool acc_engine_has_snapshot(const struct acc_engine *engine)
{
    (void)engine;
    return puppet.connected;
}

bool acc_engine_stack_recovered(const struct acc_engine *engine, uint32_t stack)
{
    (void)engine;
    return puppet.recovered[stack];
}

const char *acc_engine_root_id(const struct acc_engine *engine, uint32_t root)
{
    (void)engine;
    return root >= ACC_ROOT_HOST ? "host:mount:/mnt/nas" : puppet.service[root].view.id;
}

const char *acc_engine_stack_name(const struct acc_engine *engine, uint32_t stack)
{
    (void)engine;
    return puppet.stack[stack];
}

bool acc_engine_connected(const struct acc_engine *engine)
{
    (void)engine;
    return puppet.connected;
}

void acc_engine_why(const struct acc_engine *engine, uint32_t svc, uint64_t now_ms,
                    struct acc_buf *out)
{
    (void)engine;
    (void)now_ms;
    (void)acc_buf_puts(out, puppet.service[svc].why ? puppet.service[svc].why : "It is up.");
}

size_t acc_engine_kept(const struct acc_engine *engine, uint32_t svc, struct acc_kept *ret)
{
    (void)engine, (void)svc, (void)ret;
    return 0;
}

bool acc_engine_found_revision(const struct acc_engine *engine, uint32_t svc,
                               struct acc_revision_record *ret_record)
{
    (void)engine;
    (void)svc;
    (void)ret_record;
    return false;
}

enum acc_settled acc_engine_settled(const struct acc_engine *engine, uint32_t svc,
                                    enum acc_verb verb, uint64_t now_ms, char *text)
{
    (void)engine;
    (void)verb;
    (void)now_ms;
    if (puppet.service[svc].settled_text) {
        (void)snprintf(text, ACC_REASON_MAX + 1, "%s", puppet.service[svc].settled_text);
    }
    return puppet.service[svc].settled;
}

enum acc_settled acc_engine_applied(const struct acc_engine *engine, uint32_t svc, uint64_t now_ms,
                                    char *text)
{
    return acc_engine_settled(engine, svc, ACC_VERB_UP, now_ms, text);
}

enum acc_select acc_engine_select(const struct acc_engine *engine, const char *target,
                                  const char *phase, uint8_t *selected, bool *ret_is_stack,
                                  const char **ret_nearest)
{
    unsigned n_names = 0, n_stacks = 0, n_ids = 0;

    (void)engine;
    for (size_t i = 0; i < puppet.n; i++) {
        const struct acc_service_view *view = &puppet.service[i].view;

        n_names += strcmp(view->name, target) == 0;
        n_stacks += strcmp(view->stack, target) == 0;
        n_ids += strcmp(view->id, target) == 0;
    }
    if (*target && n_stacks + n_ids == 0 && n_names != 1) {
        *ret_nearest = n_names == 0 && puppet.n > 0 ? puppet.service[0].view.name : NULL;
        return n_names == 0 ? ACC_SELECT_UNKNOWN : ACC_SELECT_AMBIGUOUS;
    }
    for (size_t i = 0; i < puppet.n; i++) {
        const struct acc_service_view *view = &puppet.service[i].view;

        selected[i] |= (!*target || strcmp(view->stack, target) == 0 ||
                        strcmp(view->id, target) == 0 || strcmp(view->name, target) == 0) &&
                       (!phase || strcmp(view->phase, phase) == 0);
    }
    *ret_is_stack = n_stacks > 0;
    return ACC_SELECT_OK;
}

bool acc_engine_incident_at(const struct acc_engine *engine, size_t i,
                            struct acc_incident_view *ret_view)
{
    (void)engine;
    if (i >= puppet.n_incidents) {
        return false;
    }
    *ret_view = puppet.incident[i];
    return true;
}

bool acc_engine_incident(const struct acc_engine *engine, uint64_t id,
                         struct acc_incident_view *ret_view)
{
    for (size_t i = 0; acc_engine_incident_at(engine, i, ret_view); i++) {
        if (ret_view->id == id) {
            return true;
        }
    }
    return false;
}

const char *acc_verb_name(enum acc_verb verb)
{
    static const char *const names[ACC_VERB_COUNT] = {
        "up",      "start",     "stop",    "down",     "restart", "adopt",
        "release", "hand-back", "upgrade", "rollback", "hold",    "maintenance"};

    return names[verb];
}

const char *acc_hold_name(enum acc_hold hold)
{
    static const char *const names[ACC_HOLD_COUNT] = {"", "up", "down", "freeze"};

    return names[hold];
}

void acc_engine_maintenance(const struct acc_engine *engine, uint64_t now_ms,
                            struct acc_hold_record *ret_record)
{
    (void)engine, (void)now_ms;
    *ret_record = puppet.maintenance;
}

void acc_engine_shutdown(const struct acc_engine *engine, uint64_t now_ms,
                         struct acc_shutdown_view *ret_view)
{
    (void)engine, (void)now_ms;
    *ret_view = puppet.shutdown;
}

const char *acc_rollout_step_name(enum acc_rollout_step step)
{
    return step == ACC_ROLL_IDLE ? "" : "verify";
}

const char *acc_revision_result_name(enum acc_revision_result result)
{
    return result == ACC_REV_STABLE ? "stable" : "rolled-back";
}

void acc_engine_auto(const struct acc_engine *engine, uint32_t svc, uint64_t now_ms,
                     struct acc_auto_view *ret_view)
{
    (void)engine, (void)now_ms;
    *ret_view = puppet.service[svc].autos;
}

bool acc_engine_is_unfit(const struct acc_engine *engine, uint32_t svc, char *text)
{
    (void)engine;
    (void)snprintf(text, ACC_REASON_MAX + 1, "%s",
                   puppet.service[svc].unfit ? puppet.service[svc].unfit : "");
    return puppet.service[svc].unfit != NULL;
}

const char *acc_engine_other_image(const struct acc_engine *engine, uint32_t svc)
{
    const struct puppet_service *service = &puppet.service[svc];

    (void)engine;
    return strcmp(service->instance.image, service->view.image) != 0 ? service->instance.image
                                                                     : NULL;
}

bool acc_engine_start_first(const struct acc_engine *engine, uint32_t svc, const char **ret_why)
{
    (void)engine, (void)svc;
    *ret_why = "two of its containers can run at once";
    return true;
}
