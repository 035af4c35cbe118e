#include "daemon/in/docker_hints.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/log.h"

/* What the engine's ring can replay is 256 events. */
#define HELD_MAX 1024u

struct accd_held_hint {
    char cid[ACC_CID_LEN + 1];
    struct acc_event event; /* its cid is set when it is pushed */
};

void accd_docker_hints_init(struct accd_docker_hints *hints,
                            const struct accd_docker_hints_config *config)
{
    *hints = (struct accd_docker_hints){.config = *config, .is_holding = true};
    acc_json_frame_init(&hints->frame, ACC_JSON_TEXT_MAX);
}

static void drop_held(struct accd_docker_hints *hints)
{
    free(hints->held);
    hints->held = NULL;
    hints->n_held = hints->held_cap = 0;
}

void accd_docker_hints_fini(struct accd_docker_hints *hints)
{
    acc_json_frame_fini(&hints->frame);
    drop_held(hints);
}

void accd_docker_hints_begin(struct accd_docker_hints *hints)
{
    acc_json_frame_reset(&hints->frame);
    drop_held(hints);
}

void accd_docker_hints_hold(struct accd_docker_hints *hints)
{
    hints->is_holding = true;
}

/* One that finds no room is no loss: the list follows. */
static void hold_back(struct accd_docker_hints *hints, const struct acc_event *event)
{
    if (hints->n_held == hints->held_cap && hints->held_cap < HELD_MAX) {
        size_t cap = hints->held_cap ? hints->held_cap * 2 : 16;
        struct accd_held_hint *held = realloc(hints->held, cap * sizeof(*held));

        if (!held) {
            return;
        }
        hints->held = held;
        hints->held_cap = cap;
    }
    if (hints->n_held < hints->held_cap) {
        struct accd_held_hint *held = &hints->held[hints->n_held++];

        held->event = *event;
        memcpy(held->cid, event->hint.cid, strlen(event->hint.cid) + 1);
    }
}

static void push(struct accd_docker_hints *hints, struct acc_event *event)
{
    event->now_ms = uv_now(hints->config.loop);
    if (accd_pump_push(hints->config.pump, event) < 0) {
        hints->config.on_dropped(hints->config.on_dropped_ctx);
    }
}

void accd_docker_hints_release(struct accd_docker_hints *hints)
{
    hints->is_holding = false;
    for (size_t i = 0; i < hints->n_held; i++) {
        hints->held[i].event.hint.cid = hints->held[i].cid;
        push(hints, &hints->held[i].event);
    }
    drop_held(hints);
}

static bool concerns_us(struct accd_docker_hints *hints, const struct acc_docker_event *event)
{
    if (event->is_noise || event->cid[0] == '\0') {
        return false;
    }
    return accd_inspector_knows(hints->config.inspector, event->cid) ||
           hints->config.is_ours(hints->config.ctx, event->project);
}

static void take_hint(struct accd_docker_hints *hints, const struct acc_docker_event *docker_event)
{
    struct acc_event event = {
        .type = ACC_EV_HINT,
        .hint = {.cid = docker_event->cid,
                 .hint = docker_event->hint,
                 .exit_code = docker_event->exit_code,
                 .signal = docker_event->signal,
                 .time_ns = docker_event->time_ns},
    };

    if (!concerns_us(hints, docker_event)) {
        return;
    }
    if (docker_event->kind == ACC_DOCKER_EV_CONTAINER && docker_event->is_destroy) {
        event.type = ACC_EV_GONE;
        accd_inspector_forget(hints->config.inspector, docker_event->cid);
    }
    if (hints->is_holding) {
        hold_back(hints, &event);
    } else {
        push(hints, &event);
    }
}

static void take_event(struct accd_docker_hints *hints, const char *text, size_t len)
{
    struct acc_docker_event event;

    if (acc_docker_event_parse(text, len, &event) < 0) {
        accd_log(ACCD_LOG_DEBUG, "an event that can't be read was dropped");
        return;
    }
    if (event.time_ns > hints->last_ns) {
        hints->last_ns = event.time_ns;
    }
    switch (event.kind) {
    case ACC_DOCKER_EV_CONTAINER:
    case ACC_DOCKER_EV_NETWORK:
        take_hint(hints, &event);
        break;
    case ACC_DOCKER_EV_IMAGE:
    case ACC_DOCKER_EV_VOLUME:
    case ACC_DOCKER_EV_DAEMON:
    case ACC_DOCKER_EV_OTHER:
        break;
    }
    if (event.kind != ACC_DOCKER_EV_CONTAINER && hints->config.on_other) {
        hints->config.on_other(hints->config.ctx, &event);
    }
}

void accd_docker_hints_feed(struct accd_docker_hints *hints, const char *data, size_t len)
{
    const char *text;
    size_t text_len;

    for (;;) {
        switch (acc_json_frame_feed(&hints->frame, &data, &len, &text, &text_len)) {
        case ACC_JSON_FRAME_TEXT:
            take_event(hints, text, text_len);
            continue;
        case ACC_JSON_FRAME_TOO_BIG:
        case ACC_JSON_FRAME_NOMEM:
            hints->config.on_dropped(hints->config.on_dropped_ctx);
            continue;
        case ACC_JSON_FRAME_MORE:
            return;
        }
    }
}
