#pragma once

/*
 * One object of GET /events as data.
 *
 * Uses Type, Action and Actor only: API 1.52 dropped status, id and from (moby api CHANGELOG). An
 * event is a hint that something is dirty; it may be doubled, late or lost, so nothing here is the
 * truth about a container, inspect is.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/engine/event.h"

enum acc_docker_event_kind {
    ACC_DOCKER_EV_CONTAINER = 0,
    ACC_DOCKER_EV_NETWORK,
    ACC_DOCKER_EV_IMAGE,
    ACC_DOCKER_EV_VOLUME,
    ACC_DOCKER_EV_DAEMON,
    ACC_DOCKER_EV_OTHER, /* plugin, builder, service, node, secret, config: nothing of ours */
};

/* The longest Action kept; an exec's holds its whole command line and is cut at the colon. */
#define ACC_DOCKER_ACTION_MAX 31u

struct acc_docker_event {
    enum acc_docker_event_kind kind;
    enum acc_hint hint; /* CONTAINER; a disconnect of a network is DIRTY of its container */
    bool is_noise;      /* exec_*, top, attach, resize, ...: says nothing about the container */
    bool is_destroy;    /* the container, network, volume or image of `id` is gone */
    char
        action[ACC_DOCKER_ACTION_MAX + 1]; /* "die", "health_status", "exec_die": up to the colon */
    char cid[ACC_CID_LEN + 1]; /* CONTAINER: its id; NETWORK connect and disconnect: the container
                                  it speaks of; else "" */
    char id[ACC_NAME_MAX + 1]; /* Actor.ID, cut: container or network id, volume name, image ref */
    char name[ACC_NAME_MAX + 1];     /* attribute `name`, "" when absent or longer */
    char old_name[ACC_NAME_MAX + 1]; /* rename: the one before, without the slash */
    char image[ACC_NAME_MAX + 1];
    char project[ACC_NAME_MAX + 1]; /* com.docker.compose.project; "" when absent */
    char service[ACC_NAME_MAX + 1];
    enum acc_docker_health health; /* health_status: HEALTHY or UNHEALTHY; else NONE */
    int32_t exit_code;             /* die, exec_die; -1 when not told. A container LABEL of the name
                                      exitCode masks it: take inspect's where there is one */
    int32_t signal;                /* kill: its number; 0 when not told */
    char exec_id[ACC_CID_LEN + 1];
    int64_t time_ns; /* the engine's clock; 0 when absent */
};

/* `text` need not end in NUL. 0 and `*ret_event`; -EINVAL: no JSON object, or no Type and Action in
 * it; -ENOMEM. Every other field may be missing or of a wrong type: then it is "" or its default.
 * Ids that are no 64 hex digits give cid "". */
int acc_docker_event_parse(const char *text, size_t text_len, struct acc_docker_event *ret_event);

/* The `filters` argument of GET /events, unescaped JSON: what acc_docker_event_parse() can use and
 * no exec noise. No label filter, which would hide network, image and volume events (moby
 * daemon/events/filter.go). `libpod`: no event filter at all, podman below 4.4 drops `die` with it
 * (podman#16857). Static text. */
const char *acc_docker_event_filters(bool libpod);
