#include "lib/drill/drill.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/drill/model_text.h"
#include "lib/drill/world.h"

/* What things take on a home server (facts: start of a container 0.4 s, most are ready within 3 s).
 */
#define CREATE_MS 200u
#define START_MS  400u
#define STOP_MS   1000u
#define BOOT_MS   3000u

#define BRING_UP_MAX_MS (4u * 3600 * 1000)
#define SETTLE_MS       700000u /* so that nothing of the bring-up matters any more */
#define FLAP_MS         5000u
#define FLAP_FOR_MS     120000u
#define ENGINE_AWAY_MS  10000u
#define HOST_AWAY_MS    120000u /* a server that is restarted; longer than anybody is patient */
#define TICK_MS         100u
#define QUIET_MS        5000u /* well for so long is well */
#define LIMIT_MS        (4u * 3600 * 1000)

struct drill {
    struct acc_world world;
    struct acc_drill_ask ask;
    enum acc_svc_state *before;     /* of each service */
    bool *lost;                     /* of each condition of the host: taken away by the drill ... */
    char (*was)[ACC_PLACE_MAX + 1]; /* ... and where it was, of a bind source */
    struct acc_drill_result result;
    acc_drill_tell_fn *tell;
    void *data;
    uint64_t start_ms;
    bool is_on;
};

static void tell(struct drill *d, const char *kind, uint32_t svc, const char *text)
{
    const struct acc_model *model = d->world.model;
    struct acc_drill_event event = {d->world.now_ms - d->start_ms, kind, "", text};

    event.service = svc < model->n_services ? model->services[svc]->id : "";
    d->tell(d->data, &event);
}

static const char *note_kind(const struct acc_action *action)
{
    return action->note.kind == ACC_NOTE_STATE ? "state" : "note";
}

/* Its root, where that is no service: "host:mount:/mnt/nas opened". */
static void tell_incident(struct drill *d, const struct acc_action *action, const char *phase)
{
    struct acc_incident_view view;
    char text[2 * ACC_NAME_MAX + 32];

    if (action->svc == ACC_NONE &&
        acc_engine_incident(d->world.engine, action->incident.id, &view)) {
        (void)snprintf(text, sizeof(text), "%.500s %s", view.root, phase);
        tell(d, "incident", ACC_NONE, text);
    } else {
        tell(d, "incident", action->svc, phase);
    }
}

static void watch(void *data, struct acc_world *world, const struct acc_action *action)
{
    static const char *const phases[] = {"opened", "notified", "closed"};
    struct drill *d = data;
    enum acc_action_type type = action->type;

    (void)world;
    if (!d->is_on) {
        return;
    }
    if (type == ACC_ACT_NOTE && action->note.kind != ACC_NOTE_INCIDENT) { /* as an incident */
        tell(d, note_kind(action), action->svc, action->note.text);
    } else if (type == ACC_ACT_INCIDENT) {
        tell_incident(d, action, phases[action->incident.phase]);
    } else if (type == ACC_ACT_CREATE || type == ACC_ACT_START || type == ACC_ACT_STOP ||
               type == ACC_ACT_KILL || type == ACC_ACT_REMOVE) {
        tell(d, "action", action->svc, acc_action_type_name(type));
    }
}

static enum acc_svc_state state_of(const struct drill *d, uint32_t svc,
                                   struct acc_service_view *view)
{
    acc_engine_service(d->world.engine, svc, d->world.now_ms, view);
    return view->state;
}

static bool is_good(enum acc_svc_state state)
{
    return state == ACC_SVC_UP || state == ACC_SVC_DONE || state == ACC_SVC_OFF;
}

/* All as before? Counts the time of those that aren't. */
static bool look(struct drill *d, uint64_t elapsed_ms)
{
    struct acc_service_view view;
    bool is_well = true;

    for (uint32_t v = 0; v < d->world.model->n_services; v++) {
        enum acc_svc_state state = state_of(d, v, &view);
        bool is_bad = state != d->before[v] && !(is_good(state) && state != ACC_SVC_OFF);

        d->result.service[v].was_bad |= is_bad;
        d->result.service[v].bad_ms += is_bad ? elapsed_ms : 0;
        is_well &= !is_bad;
    }
    return is_well && acc_engine_connected(d->world.engine);
}

/* --- what of the host is meant ---------------------------------------------------------------- */

static bool is_below(const char *path, const char *folder)
{
    size_t len = strlen(folder);

    while (len > 0 && folder[len - 1] == '/') {
        len--;
    }
    return strncmp(path, folder, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

bool acc_drill_is_meant(const struct acc_condition *condition, const char *host)
{
    return strcmp(condition->text, host) == 0 ||
           (host[0] == '/' && condition->arg[0] == '/' && is_below(condition->arg, host));
}

/* Who runs on without it has nothing to lose: no I/O of its own fails. */
static bool is_stood_on(enum acc_condition_kind kind)
{
    switch (kind) {
    case ACC_HOST_MOUNT:
    case ACC_HOST_DEVICE:
    case ACC_HOST_PATH:
    case ACC_HOST_PLACE:
        return true;
    case ACC_HOST_ADDRESS:
    case ACC_HOST_NETWORK:
    case ACC_HOST_TIME:
    case ACC_HOST_DISK:
    case ACC_HOST_READY:
    case ACC_HOST_RUNNING:
    case ACC_HOST_DONE:
    case ACC_HOST_REACHED:
    case ACC_HOST_MAKER:
    case ACC_HOST_FREE:
        break;
    }
    return false;
}

/* Beforehand nobody knows on which mount a source will lie: on one of its own. */
static void mount_what_is_meant(struct drill *d)
{
    const struct acc_model *model = d->world.model;

    for (size_t k = 0; d->ask.what == ACC_DRILL_HOST && k < model->n_conditions; k++) {
        const struct acc_condition *c = &model->conditions[k];

        if (c->kind == ACC_HOST_PLACE && acc_drill_is_meant(c, d->ask.host)) {
            acc_place_put(is_below(c->arg, d->ask.host) ? d->ask.host : c->arg, "ext4", "/dev/sda",
                          "/", d->world.place[k]);
        }
    }
}

static bool is_missing(const struct drill *d, size_t k)
{
    return acc_engine_condition(d->world.engine, (uint32_t)k, NULL) == ACC_NO;
}

static bool has_something_to_lose(const struct drill *d)
{
    const struct acc_model *model = d->world.model;

    for (size_t k = 0; k < model->n_conditions; k++) {
        if (acc_drill_is_meant(&model->conditions[k], d->ask.host) && !is_missing(d, k)) {
            return true;
        }
    }
    return false;
}

/* --- before ---------------------------------------------------------------------------------- */

static void finish_one_shots(struct drill *d)
{
    struct acc_world *w = &d->world;

    for (size_t i = 0; i < w->n_containers; i++) {
        struct acc_world_container *c = w->container[i];

        if (c->exists && c->obs.state == ACC_CTR_RUNNING && c->svc < w->model->n_services &&
            w->model->services[c->svc]->one_shot) {
            acc_world_exit(w, c, 0, false);
        }
    }
}

static bool all_good(struct drill *d)
{
    struct acc_service_view view;

    for (uint32_t v = 0; v < d->world.model->n_services; v++) {
        if (!is_good(state_of(d, v, &view))) {
            return false;
        }
    }
    return true;
}

static void set_behaviour(struct acc_world *w)
{
    for (uint32_t v = 0; v < w->model->n_services; v++) {
        w->service[v] = (struct acc_world_service){.create_ms = CREATE_MS,
                                                   .start_ms = START_MS,
                                                   .stop_ms = STOP_MS,
                                                   .boot_ms = BOOT_MS,
                                                   .message = ""};
    }
}

static void look_before(struct drill *d)
{
    struct acc_service_view view;

    for (uint32_t v = 0; v < d->world.model->n_services; v++) {
        d->before[v] = state_of(d, v, &view);
        d->result.service[v].id = d->world.model->services[v]->id;
        d->result.service[v].n_restarts = view.n_restarts;
    }
}

static int bring_up(struct drill *d)
{
    struct acc_world *w = &d->world;

    mount_what_is_meant(d);
    acc_world_connect(w, false, false);
    while (!all_good(d)) {
        if (w->has_failed || w->now_ms > d->start_ms + BRING_UP_MAX_MS) {
            return -EAGAIN;
        }
        acc_world_run(w, 1000);
        finish_one_shots(d);
    }
    acc_world_run(w, SETTLE_MS);
    return 0;
}

/* It goes on from where it is: what was under way is looked at again, and that is no part of it. */
static int begin_live(struct drill *d)
{
    const struct acc_world_container *c;

    if (!acc_engine_connected(d->world.engine)) {
        return -ENOTCONN;
    }
    acc_world_run(&d->world, 0);
    if (d->ask.what == ACC_DRILL_ENGINE) {
        return 0;
    }
    if (d->ask.what == ACC_DRILL_HOST) {
        return has_something_to_lose(d) ? 0 : -EALREADY;
    }
    c = acc_world_slot(&d->world, d->ask.svc, 1, 0);
    return !c || c->obs.state != ACC_CTR_RUNNING ? -ESRCH : 0;
}

/* --- what goes wrong ------------------------------------------------------------------------- */

static void end_users(struct drill *d, uint32_t condition)
{
    struct acc_world *w = &d->world;

    for (size_t i = 0; i < w->n_containers; i++) {
        struct acc_world_container *c = w->container[i];
        const struct acc_service_spec *spec;
        bool needs = false;

        if (!c->exists || c->obs.state != ACC_CTR_RUNNING || c->svc >= w->model->n_services) {
            continue;
        }
        spec = w->model->services[c->svc];
        for (size_t k = 0; k < spec->n_host; k++) {
            needs |= spec->host[k].at == condition;
        }
        if (needs) {
            acc_world_exit(w, c, 1, false);
        }
    }
}

/* What of the host is meant goes, and comes back as it was. All of it goes before anybody ends. */
static void change_host(struct drill *d, bool is_back)
{
    struct acc_world *w = &d->world;
    const struct acc_model *model = w->model;

    for (uint32_t k = 0; k < model->n_conditions; k++) {
        const struct acc_condition *c = &model->conditions[k];
        char gone[ACC_PLACE_MAX + 1];

        if (!acc_drill_is_meant(c, d->ask.host) || d->lost[k] != is_back) {
            continue;
        }
        d->lost[k] = !is_back && !is_missing(d, k);
        if (c->kind != ACC_HOST_PLACE) {
            (void)acc_world_host(w, c->text, is_back || !d->lost[k] ? ACC_YES : ACC_NO);
        } else if (is_back) {
            (void)acc_world_place(w, c->text, d->was[k]);
        } else {
            bool is_root = strcmp(w->place[k], "/") == 0;

            acc_place_put(is_root ? c->arg : "/", "drill", "-", "/", gone);
            memcpy(d->was[k], w->place[k], sizeof(d->was[k]));
            (void)acc_world_place(w, c->text, gone);
        }
    }
    for (uint32_t k = 0; !is_back && k < model->n_conditions; k++) {
        if (d->lost[k] && is_stood_on(model->conditions[k].kind)) {
            end_users(d, k);
        }
    }
}

/* Until when it goes on. */
static uint64_t break_it(struct drill *d)
{
    struct acc_world *w = &d->world;
    enum acc_drill_what what = d->ask.what;
    struct acc_world_container *c;

    if (what == ACC_DRILL_ENGINE) {
        acc_world_disconnect(w, true, false);
        acc_world_run(w, ENGINE_AWAY_MS);
        acc_world_connect(w, true, false);
        return w->now_ms;
    }
    if (what == ACC_DRILL_HOST) {
        change_host(d, false);
        return w->now_ms + HOST_AWAY_MS;
    }
    if (what == ACC_DRILL_FLAP) {
        w->service[d->ask.svc].crash_ms = FLAP_MS;
        w->service[d->ask.svc].crash_code = 1;
    }
    c = acc_world_slot(w, d->ask.svc, 1, 0);
    if (c && c->obs.state == ACC_CTR_RUNNING) {
        acc_world_exit(w, c, what == ACC_DRILL_OOM ? 137 : 1, what == ACC_DRILL_OOM);
    }
    return what == ACC_DRILL_FLAP ? w->now_ms + FLAP_FOR_MS : w->now_ms;
}

static void mend(struct drill *d)
{
    if (d->ask.what == ACC_DRILL_FLAP) {
        d->world.service[d->ask.svc].crash_ms = 0;
    } else if (d->ask.what == ACC_DRILL_HOST) {
        change_host(d, true);
    }
}

static void play(struct drill *d)
{
    struct acc_world *w = &d->world;
    uint64_t well_ms = 0;
    bool is_well = false;
    bool is_mended = false;

    d->start_ms = w->now_ms;
    d->is_on = true;
    uint64_t over_ms = break_it(d);

    (void)look(d, w->now_ms - d->start_ms);
    while (!w->has_failed && w->now_ms < d->start_ms + LIMIT_MS) {
        bool was_well = is_well;

        acc_world_run(w, TICK_MS);
        if (w->now_ms >= over_ms && !is_mended) {
            is_mended = true;
            mend(d);
        }
        is_well = look(d, TICK_MS) && w->now_ms >= over_ms;
        well_ms = is_well && !was_well ? w->now_ms : well_ms;
        if (is_well && w->now_ms >= well_ms + QUIET_MS) {
            d->result.is_well = true;
            d->result.well_ms = well_ms - d->start_ms;
            return;
        }
    }
}

static void count_restarts(struct drill *d)
{
    struct acc_service_view view;

    for (uint32_t v = 0; v < d->world.model->n_services; v++) {
        (void)state_of(d, v, &view);
        d->result.service[v].n_restarts = view.n_restarts - d->result.service[v].n_restarts;
    }
}

static int run(struct drill *d, bool is_live, struct acc_drill_result *ret_result)
{
    size_t n = d->world.model->n_services;
    size_t n_conditions = d->world.model->n_conditions;
    int r;

    d->result.n_services = n;
    d->result.service = calloc(n + 1, sizeof(*d->result.service));
    d->before = calloc(n + 1, sizeof(*d->before));
    d->lost = calloc(n_conditions + 1, sizeof(*d->lost));
    d->was = calloc(n_conditions + 1, sizeof(*d->was));
    r = d->result.service && d->before && d->lost && d->was ? 0 : -ENOMEM;
    d->world.watch = watch;
    d->world.watch_data = d;
    d->start_ms = d->world.now_ms;
    if (r == 0) {
        set_behaviour(&d->world);
        r = is_live ? begin_live(d) : bring_up(d);
    }
    if (r == 0) {
        look_before(d);
        play(d);
        count_restarts(d);
        d->result.model = d->world.model; /* the ids live in it */
        d->world.model = NULL;
        *ret_result = d->result;
    } else {
        free(d->result.service);
    }
    free(d->before);
    free(d->lost);
    free(d->was);
    acc_world_fini(&d->world);
    return r;
}

int acc_drill_run(struct acc_model *model, const struct acc_drill_ask *ask,
                  acc_drill_tell_fn *tell_fn, void *data, struct acc_drill_result *ret_result)
{
    struct drill d = {.ask = *ask, .tell = tell_fn, .data = data};
    int r = acc_world_init(&d.world, model, false);

    return r < 0 ? r : run(&d, false, ret_result);
}

int acc_drill_run_from(struct acc_model *model, const char *state, const struct acc_drill_ask *ask,
                       acc_drill_tell_fn *tell_fn, void *data, struct acc_drill_result *ret_result)
{
    struct drill d = {.ask = *ask, .tell = tell_fn, .data = data};
    int r = acc_world_init_from(&d.world, model, state);

    return r < 0 ? r : run(&d, true, ret_result);
}

/* --- what accd hands over -------------------------------------------------------------------- */

static int read_line(struct acc_model_text *text, char *line, struct acc_buf *state)
{
    char *words = line;
    const char *word = strsep(&words, " ");
    char *name;

    if (!words || *word == '#') {
        return 0;
    }
    if (strcmp(word, "was") == 0) {
        return acc_buf_printf(state, "was %s\n", words);
    }
    if (strcmp(word, "resource") == 0) {
        return acc_model_text_resource(text, words);
    }
    name = strsep(&words, " ");
    words = words ? words : name + strlen(name);
    return strcmp(word, "phase") == 0     ? acc_model_text_phase(text, name, words)
           : strcmp(word, "stack") == 0   ? acc_model_text_stack(text, name)
           : strcmp(word, "service") == 0 ? acc_model_text_service(text, name, words)
                                          : -EINVAL;
}

int acc_drill_read(const char *text, struct acc_model **ret_model, char **ret_state)
{
    struct acc_model_text model = {0};
    struct acc_buf state;
    struct acc_buf problem;
    char *copy = strdup(text);
    char *rest = copy;
    int r = copy ? 0 : -ENOMEM;

    acc_buf_init(&state, SIZE_MAX / 2);
    acc_buf_init(&problem, SIZE_MAX / 2);
    for (char *line; r == 0 && (line = strsep(&rest, "\n"));) {
        r = read_line(&model, line, &state);
    }
    r = r == 0 ? acc_model_text_build(&model, ret_model, &problem) : r;
    if (r == 0) {
        *ret_state = acc_buf_take(&state);
        r = *ret_state ? 0 : -ENOMEM;
    }
    acc_model_text_fini(&model);
    acc_buf_fini(&state);
    acc_buf_fini(&problem);
    free(copy);
    return r;
}

void acc_drill_result_fini(struct acc_drill_result *result)
{
    free(result->service);
    (void)acc_model_destroy(result->model);
    *result = (struct acc_drill_result){0};
}
