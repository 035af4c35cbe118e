/* `accd --hand-back`: once the containers were seen, ask for it, wait until it is so, leave. */

#include <stdlib.h>
#include <string.h>

#include "daemon/app_parts.h"
#include "daemon/log.h"

static void ask(struct accd_app *app)
{
    size_t n = acc_engine_n_services(app->engine);
    uint8_t *all = malloc(n + 1);
    struct acc_event event = {.type = ACC_EV_CMD, .now_ms = uv_now(&app->loop)};

    if (!all) {
        accd_log(ACCD_LOG_ERROR, "out of memory");
        app->result = ACCD_APP_FAILED;
        accd_app_leave(app);
        return;
    }
    memset(all, 1, n);
    memcpy(event.cmd.by, "accd --hand-back", sizeof("accd --hand-back"));
    event.cmd.selected = all;
    event.cmd.verb = ACC_VERB_MAINTENANCE; /* it ends with accd's hand on things */
    event.cmd.hold = ACC_HOLD_NONE;
    (void)accd_pump_push(app->pump, &event);
    event.cmd.verb = ACC_VERB_HAND_BACK;
    (void)accd_pump_push(app->pump, &event);
    free(all);
}

void accd_app_hand_back_check(struct accd_app *app)
{
    char text[ACC_REASON_MAX + 1], told[ACC_REASON_MAX + 1] = "";
    size_t n = acc_engine_n_services(app->engine);

    if (!app->options->hand_back || app->is_leaving || !acc_engine_has_snapshot(app->engine)) {
        return;
    }
    if (!app->hand_back_asked) {
        app->hand_back_asked = true;
        ask(app);
        accd_pump_run(app->pump);
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        if (acc_engine_settled(app->engine, i, ACC_VERB_HAND_BACK, uv_now(&app->loop), text) ==
            ACC_SETTLED_PENDING) {
            return;
        }
    }
    for (uint32_t i = 0; i < n; i++) {
        if (acc_engine_settled(app->engine, i, ACC_VERB_HAND_BACK, uv_now(&app->loop), text) ==
                ACC_SETTLED_REFUSED &&
            strcmp(text, told) != 0) { /* once a stack */
            struct acc_service_view view;

            acc_engine_service(app->engine, i, uv_now(&app->loop), &view);
            accd_log(ACCD_LOG_ERROR, "%s %s", view.id, text);
            memcpy(told, text, sizeof(told));
            app->result = ACCD_APP_FAILED;
        }
    }
    if (told[0] == '\0') {
        accd_log(ACCD_LOG_NOTICE, "the containers have their restart policies again");
    }
    accd_app_leave(app);
}
