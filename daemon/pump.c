#include "daemon/pump.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/assert.h"

/* A queued event and copies of what it points at. */
struct queued {
    struct queued *next;
    struct acc_event event;
    char cid[ACC_HASH_LEN + 8]; /* a container's id, or an image's */
    char spec[ACC_HASH_LEN + 1];
    char text[ACC_OUTPUT_MAX + 1];
    char digest[ACC_HASH_LEN + 8];                          /* LOOKED, and of a pull */
    char place[ACC_PLACE_MAX + 1];                          /* HOST */
    char id[2 * ACC_NAME_MAX + 2], image[ACC_NAME_MAX + 1]; /* LOOKED */
    struct acc_obs *obs;                                    /* owned */
    uint8_t *selected;                                      /* owned */
};

static_assert(ACC_CONDITION_TEXT_MAX <= ACC_OUTPUT_MAX, "a condition of the host is kept whole");

/* Effects that wait for their records. */
struct held_batch {
    struct accd_pump *pump;
    size_t n;
    struct acc_action item[];
};

struct accd_pump {
    struct accd_pump_config config;
    struct {
        accd_action_fn fn;
        void *ctx;
    } executor[ACC_ACT_TYPE_COUNT];
    struct queued *first, *last;
    size_t n_queued;
    struct acc_actions actions;
    bool is_running;
    bool is_mute;
};

int accd_pump_create(const struct accd_pump_config *config, struct accd_pump **ret_pump)
{
    struct accd_pump *pump = calloc(1, sizeof(*pump));

    if (!pump) {
        return -ENOMEM;
    }
    pump->config = *config;
    pump->actions.cap = ACC_ACTIONS_MIN;
    pump->actions.item = calloc(pump->actions.cap, sizeof(*pump->actions.item));
    if (!pump->actions.item) {
        accd_pump_destroy(pump);
        return -ENOMEM;
    }
    *ret_pump = pump;
    return 0;
}

static void queued_free(struct queued *entry)
{
    free(entry->obs);
    free(entry->selected);
    free(entry);
}

struct accd_pump *accd_pump_destroy(struct accd_pump *pump)
{
    if (!pump) {
        return NULL;
    }
    while (pump->first) {
        struct queued *next = pump->first->next;

        queued_free(pump->first);
        pump->first = next;
    }
    free(pump->actions.item);
    free(pump);
    return NULL;
}

static const char *keep(char *copy, size_t size, const char *text)
{
    size_t len = text ? strnlen(text, size - 1) : 0;

    if (len > 0) {
        memcpy(copy, text, len);
    }
    copy[len] = '\0';
    return copy;
}

/* The engine has no clock of the wall. */
static uint64_t age_of(const struct acc_obs *obs)
{
    bool is_running = obs->state == ACC_CTR_RUNNING || obs->state == ACC_CTR_PAUSED;
    int64_t since_ns = is_running ? obs->started_ns : obs->finished_ns;
    struct timespec now;
    int64_t age_ns;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    age_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec - since_ns;
    return since_ns > 0 && age_ns > 0 ? (uint64_t)age_ns / 1000000 : 0;
}

/* Point the copied event at copies. */
static int own(struct accd_pump *pump, struct queued *entry)
{
    struct acc_event *event = &entry->event;

    switch (event->type) {
    case ACC_EV_OBS:
        entry->obs = malloc(sizeof(*entry->obs));
        if (!entry->obs) {
            return -ENOMEM;
        }
        *entry->obs = *event->obs;
        entry->obs->age_ms = age_of(entry->obs);
        event->obs = entry->obs;
        return 0;
    case ACC_EV_GONE:
    case ACC_EV_HINT:
        event->hint.cid = keep(entry->cid, sizeof(entry->cid), event->hint.cid);
        return 0;
    case ACC_EV_OP_DONE:
    case ACC_EV_OP_LATE:
        event->op.cid = keep(entry->cid, sizeof(entry->cid), event->op.cid);
        event->op.message = keep(entry->text, sizeof(entry->text), event->op.message);
        event->op.from_digest = keep(entry->digest, sizeof(entry->digest), event->op.from_digest);
        return 0;
    case ACC_EV_HOST:
        event->host.condition = keep(entry->text, sizeof(entry->text), event->host.condition);
        event->host.place = keep(entry->place, sizeof(entry->place), event->host.place);
        return 0;
    case ACC_EV_PROBE:
        event->probe.output = keep(entry->text, sizeof(entry->text), event->probe.output);
        return 0;
    case ACC_EV_COMPARED:
        event->compared.cid = keep(entry->cid, sizeof(entry->cid), event->compared.cid);
        event->compared.spec = keep(entry->spec, sizeof(entry->spec), event->compared.spec);
        event->compared.text = keep(entry->text, sizeof(entry->text), event->compared.text);
        return 0;
    case ACC_EV_LOOKED:
        event->looked.service = keep(entry->id, sizeof(entry->id), event->looked.service);
        event->looked.image = keep(entry->image, sizeof(entry->image), event->looked.image);
        event->looked.digest = keep(entry->digest, sizeof(entry->digest), event->looked.digest);
        event->looked.reason = keep(entry->text, sizeof(entry->text), event->looked.reason);
        return 0;
    case ACC_EV_CMD: {
        size_t n = acc_engine_n_services(pump->config.engine);

        entry->selected = calloc(n ? n : 1, 1);
        if (!entry->selected) {
            return -ENOMEM;
        }
        if (n > 0) {
            memcpy(entry->selected, event->cmd.selected, n);
        }
        event->cmd.selected = entry->selected;
        return 0;
    }
    case ACC_EV_CLOCK:
    case ACC_EV_CONN_UP:
    case ACC_EV_CONN_DOWN:
    case ACC_EV_CONN_DEGRADED:
    case ACC_EV_SNAPSHOT:
    case ACC_EV_TIMEOUT:
    case ACC_EV_SHUTDOWN:
        return 0;
    }
    return 0;
}

void accd_pump_wire(struct accd_pump *pump, enum acc_action_type type, accd_action_fn fn, void *ctx)
{
    pump->executor[type].fn = fn;
    pump->executor[type].ctx = ctx;
}

void accd_pump_mute(struct accd_pump *pump)
{
    pump->is_mute = true;
}

int accd_pump_push(struct accd_pump *pump, const struct acc_event *event)
{
    struct queued *entry;

    if (pump->n_queued == ACCD_PUMP_QUEUE_MAX) {
        return -ENOBUFS;
    }
    entry = calloc(1, sizeof(*entry));
    if (!entry) {
        return -ENOMEM;
    }
    entry->event = *event;
    if (own(pump, entry) < 0) {
        queued_free(entry);
        return -ENOMEM;
    }
    if (pump->last) {
        pump->last->next = entry;
    } else {
        pump->first = entry;
    }
    pump->last = entry;
    pump->n_queued++;
    return 0;
}

static void execute(struct accd_pump *pump, const struct acc_action *action)
{
    if (pump->executor[action->type].fn && !pump->is_mute) {
        pump->executor[action->type].fn(pump->executor[action->type].ctx, action);
    }
}

static void on_durable(void *arg)
{
    struct held_batch *batch = arg;
    struct accd_pump *pump = batch->pump;

    for (size_t i = 0; i < batch->n; i++) {
        execute(pump, &batch->item[i]);
    }
    free(batch);
    accd_pump_run(pump); /* an executor may have answered at once */
}

static bool is_record(enum acc_action_type type)
{
    return type <= ACC_ACT_SAVE_MAINTENANCE;
}

/* Effects whose record must be on disk before they leave (E0). */
static bool must_wait(const struct acc_action *action)
{
    switch (action->type) {
    case ACC_ACT_ENSURE_RESOURCE:
    case ACC_ACT_REMOVE_RESOURCE:
    case ACC_ACT_CREATE:
    case ACC_ACT_STOP:
    case ACC_ACT_KILL:
    case ACC_ACT_REMOVE:
    case ACC_ACT_UNPAUSE:
    case ACC_ACT_UPDATE:
    case ACC_ACT_SET_POLICY:
    case ACC_ACT_UPGRADE_HOOK:
    case ACC_ACT_PULL:
    case ACC_ACT_ROUTE:
    case ACC_ACT_DRAIN:
    case ACC_ACT_UNDRAIN:
    case ACC_ACT_RENAME:
    case ACC_ACT_HOOK:
        return true;
    case ACC_ACT_START:
        return action->is_recorded;
    case ACC_ACT_JOURNAL:
    case ACC_ACT_JOURNAL_END:
    case ACC_ACT_SAVE_SERVICE:
    case ACC_ACT_SAVE_STACK:
    case ACC_ACT_SAVE_REVISION:
    case ACC_ACT_SAVE_MAINTENANCE:
    case ACC_ACT_INSPECT:
    case ACC_ACT_LIST:
    case ACC_ACT_COMPARE:
    case ACC_ACT_PROBE:
    case ACC_ACT_LOOK_UP:
    case ACC_ACT_NOTE:
    case ACC_ACT_INCIDENT:
        return false;
    }
    return true;
}

static void hold(struct accd_pump *pump, const struct acc_actions *actions, size_t n_waiting)
{
    struct held_batch *batch = malloc(sizeof(*batch) + n_waiting * sizeof(batch->item[0]));

    if (!batch) {
        /* Without memory the promise can't be kept and the effect is not sent: the engine hears of
         * it by OP_LATE and looks again. */
        return;
    }
    batch->pump = pump;
    batch->n = 0;
    for (size_t i = 0; i < actions->n; i++) {
        if (must_wait(&actions->item[i])) {
            batch->item[batch->n++] = actions->item[i];
        }
    }
    pump->config.when_durable(pump->config.when_durable_ctx, on_durable, batch);
}

static void carry_out(struct accd_pump *pump, const struct acc_actions *actions)
{
    bool has_records = false;
    size_t n_waiting = 0;

    for (size_t i = 0; i < actions->n; i++) {
        has_records |= is_record(actions->item[i].type);
        n_waiting += must_wait(&actions->item[i]);
    }
    for (size_t i = 0; i < actions->n; i++) {
        if (!has_records || !must_wait(&actions->item[i])) {
            execute(pump, &actions->item[i]);
        }
    }
    if (has_records && n_waiting > 0) {
        hold(pump, actions, n_waiting);
    }
}

void accd_pump_run(struct accd_pump *pump)
{
    if (pump->is_running || pump->is_mute) {
        return;
    }
    pump->is_running = true;
    while (pump->first) {
        struct queued *entry = pump->first;

        pump->first = entry->next;
        if (!pump->first) {
            pump->last = NULL;
        }
        pump->n_queued--;
        pump->actions.n = 0;
        if (pump->config.before) {
            pump->config.before(pump->config.around_ctx, &entry->event);
        }
        acc_engine_step(pump->config.engine, &entry->event, &pump->actions);
        if (pump->config.after) {
            pump->config.after(pump->config.around_ctx, &pump->actions);
        }
        queued_free(entry);
        carry_out(pump, &pump->actions);
    }
    pump->is_running = false;
    pump->config.on_idle(pump->config.on_idle_ctx, acc_engine_deadline(pump->config.engine));
}
