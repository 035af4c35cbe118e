#pragma once

/*
 * What the files of the app share: all parts in one place.
 */

#include "daemon/app.h"
#include "daemon/differences.h"
#include "daemon/in/control.h"
#include "daemon/in/docker_logs.h"
#include "daemon/in/docker_stream.h"
#include "daemon/in/host_watch.h"
#include "daemon/in/logind.h"
#include "daemon/in/reload.h"
#include "daemon/in/sensors.h"
#include "daemon/in/signals.h"
#include "daemon/in/timer.h"
#include "daemon/in/wall_clock.h"
#include "daemon/orphans.h"
#include "daemon/out/docker_call.h"
#include "daemon/out/docker_declared.h"
#include "daemon/out/docker_newcomers.h"
#include "daemon/out/docker_unused.h"
#include "daemon/out/image_pins.h"
#include "daemon/out/incident_hook.h"
#include "daemon/out/notify.h"
#include "daemon/out/probe.h"
#include "daemon/out/store.h"
#include "daemon/out/telling.h"
#include "daemon/pump.h"
#include "daemon/recorder.h"
#include "lib/base/buf.h"
#include "lib/codec/plan_json.h"

/* People who wait for one reading of the files. */
#define ACCD_APPLIES_MAX 16u

/* What is told of a service of a stack that isn't loaded. */
struct accd_other {
    uint32_t condition; /* of the model */
    enum acc_tri told;
};

struct accd_app {
    const struct accd_options *options;
    struct acc_load_options load_options;
    uint32_t n_cores;
    uv_loop_t loop;
    struct acc_loaded loaded; /* what runs */
    struct acc_engine *engine;
    struct accd_store *store;
    struct accd_pump *pump;
    struct accd_recorder *recorder;
    struct accd_timer timer;
    struct accd_wall_clock wall_clock;
    struct accd_signals signals;
    struct accd_notify notify;
    struct accd_hooks *hooks;
    struct accd_telling telling;
    struct accd_http *http;
    struct accd_docker docker;
    struct accd_differences *differences;
    struct accd_last_words *last_words;
    struct accd_docker_stream *stream;
    struct accd_docker_call *call;
    struct accd_probe *probe;
    struct accd_pins *pins;
    struct accd_control *control;
    struct accd_reload *reload;
    struct accd_host_watch *host_watch;
    struct accd_logind *logind;
    uv_timer_t leave_timer;
    uint64_t leave_ms;
    bool is_leaving;
    bool is_status_dirty;
    bool hand_back_asked;
    enum accd_app_result result;

    struct {
        void (*done)(void *arg, const struct accd_applied *applied);
        void *arg;
    } applies[ACCD_APPLIES_MAX];
    size_t n_applies;

    struct accd_plan_asker {
        void (*done)(void *arg, const char *problems, const struct acc_plan *plan);
        void *arg;
    } plans[ACCD_APPLIES_MAX];
    size_t n_plans;
    struct accd_plan_run *plan_run; /* owned; NULL: none is under way */
    struct accd_reload *plan_reload;
    struct accd_reload *find_reload;    /* are files back that are missing? */
    struct accd_outdated_run *outdated; /* those under way, owned */
    uint8_t *looks;                     /* owned: services whose registries are to be asked */
    size_t n_looks;                     /* elements of it; 0: none is to be */
    struct accd_prune *prunes;          /* owned; under way */
    struct accd_declared_look *declared_looks; /* owned; under way */
    struct acc_plan differing; /* networks and volumes that aren't as their files say */
    bool is_declared_due;      /* those are to be looked at */
    bool is_declared_unknown;  /* ... and Docker didn't answer */
    struct accd_departed departed;
    struct acc_unlisted *unlisted; /* owned; room for the next answer */
    char **left;                   /* likewise */
    size_t n_left;
    bool is_left_told; /* in the log, once */
    char **unmatched;  /* owned; patterns of acc.yaml */
    size_t n_unmatched;
    struct accd_other *others; /* owned */
    size_t n_others;
    bool is_others_due;
    char asked_by[64];               /* ... the last one */
    bool prune_asked, conform_asked; /* by those who wait for the reading under way */

    /* the newest answer of the facts */
    struct accd_sensors sensors;
    struct acc_host_facts facts;
    struct acc_past_incident past[ACC_PAST_INCIDENTS_MAX]; /* newest first */
    size_t n_past;
    struct acc_gpu_facts gpus[ACCD_GPUS_MAX];
    char gpu_names[ACCD_GPUS_MAX][16];
    char api[16];
};

/* app.c */
void accd_app_print_diags(const struct acc_diags *diags);
void accd_app_fill_model(struct accd_app *app, struct acc_model *model); /* measured defaults */
const struct acc_model *accd_app_model(void *app);
void accd_app_leave(struct accd_app *app);

/* app_apply.c */
/* `done` NULL: nobody waits, and what was adopted as it is stays so. */
void accd_app_apply(void *app, bool prune, const char *by,
                    void (*done)(void *arg, const struct accd_applied *applied), void *arg);
/* After a prune: networks, and volumes where that is asked for, that are gone from the files.
 * `done` once, with a line for each: "removed network NAME", "kept volume NAME: why". */
void accd_app_prune(void *app, bool volumes, void (*done)(void *arg, const char *lines), void *arg);
void accd_app_prune_drop(struct accd_app *app);         /* nobody is told */
char *accd_app_problems(const struct acc_diags *diags); /* one a line; NULL: out of memory */
void accd_app_on_loaded(void *app, const struct accd_reload_result *result);
/* What nobody waits for. */
void accd_app_take(struct accd_app *app, const struct accd_reload_result *result, const char *by);

/* app_declared.c */
void accd_app_declared_due(struct accd_app *app);
void accd_app_declared_on_list(struct accd_app *app);
void accd_app_declared_on_made(struct accd_app *app, const struct acc_action *action);
void accd_app_declared_look(struct accd_app *app); /* if it is due, and Docker is there */
bool accd_app_is_managed(const struct accd_app *app, const char *stack);
/* Look now; `done` when that is over, maybe at once. */
void accd_app_differing(void *app, void (*done)(void *arg), void *arg);
const struct acc_plan *accd_app_resources(void *app); /* what was found; borrowed */
void accd_app_explain(void *app, uint32_t svc, const char *message, char *out, size_t out_size);
void accd_app_declared_drop(struct accd_app *app); /* they are over */

/* app_unlisted.c */
void accd_app_unlisted_begin(struct accd_app *app); /* behind the restore of the state */
/* The files were `old`, and are what is loaded now; the engine knows of it. */
void accd_app_unlisted_move(struct accd_app *app, const struct acc_model *old);
/* Those whose pattern matches nothing: has their disk come? Asked now and then. */
void accd_app_unlisted_look(struct accd_app *app);
void accd_app_on_looked(void *app, const struct accd_reload_result *result);
void accd_app_unlisted(void *app, struct acc_unlisted_list *ret_list);
void accd_app_unlisted_fini(struct accd_app *app);
void accd_app_left_look(struct accd_app *app); /* once Docker has told what there is */

/* app_others.c */
void accd_app_others_set(struct accd_app *app); /* of what is loaded now */
/* Is a service of that stack needed? Then its containers have to be looked at. */
bool accd_app_others_has(const struct accd_app *app, const char *stack);
void accd_app_others_heard(struct accd_app *app, const struct acc_event *event);
/* Once all containers are known. True: there is something for the pump. */
bool accd_app_others_tell(struct accd_app *app);

/* app_plan.c */
void accd_app_plan(void *app,
                   void (*done)(void *arg, const char *problems, const struct acc_plan *plan),
                   void *arg);
void accd_app_on_planned(void *app, const struct accd_reload_result *result);
void accd_app_plan_drop(struct accd_app *app); /* nobody is told */

/* app_pins.c */
int accd_app_pins(void *app, struct acc_pin **ret_pins, size_t *ret_n);
void accd_app_on_save_revision(void *app, const struct acc_action *action);

/* app_outdated.c */
void accd_app_outdated(void *app, const uint8_t *selected,
                       void (*done)(void *arg, const struct acc_outdated *book), void *arg);
/* LOOK_UP: those of one batch are asked for together, when the pump has run dry. */
void accd_app_on_look_up(void *app, const struct acc_action *action);
void accd_app_look_up(struct accd_app *app);
/* Who upgrades by itself needs a clock. */
void accd_app_set_clock(struct accd_app *app);
void accd_app_outdated_drop(struct accd_app *app); /* with Docker gone for good */

/* app_ops.c */
void accd_app_control_ops(struct accd_control_ops *ret_ops);
void accd_app_post(void *app, const char *url, const char *body);
enum acc_registry_auth_result accd_app_registry_auth(void *app, const char *reference,
                                                     struct acc_registry_auth *ret_auth);
void accd_app_credentials(void *app, struct acc_buf *out);

/* app_hand_back.c */
void accd_app_hand_back_check(struct accd_app *app);
