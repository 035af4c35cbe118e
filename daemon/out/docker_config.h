#pragma once

/*
 * What docker_call needs from the rest of the daemon; its public part and its operations share it.
 */

#include <stdint.h>
#include <uv.h>

#include "daemon/differences.h"
#include "daemon/docker.h"
#include "daemon/image_news.h"
#include "daemon/inspector.h"
#include "daemon/last_words.h"
#include "daemon/pump.h"
#include "lib/codec/docker_pull.h"
#include "lib/codec/registry_auth.h"
#include "lib/model/spec.h"

struct accd_docker_call_config {
    uv_loop_t *loop;
    struct accd_docker *docker;       /* borrowed */
    struct accd_inspector *inspector; /* borrowed */
    struct accd_pump *pump;

    /* The model that actions' indexes speak of; borrowed until control returns to the loop. */
    const struct acc_model *(*model)(void *ctx);
    /* Id and name of the container in slot 1 of a service, or NULL. */
    const char *(*container_id)(void *ctx, uint32_t svc);
    const char *(*container_name)(void *ctx, uint32_t svc);
    /* As acc_engine_heirs(). May be NULL: there are none. */
    void (*heirs)(void *ctx, uint32_t svc, uint32_t slot, char out[ACC_OBS_VOLUMES_MAX + 1]);
    /* News of the image of `action`, ENSURE_RESOURCE or PULL. May be NULL. */
    void (*on_image)(void *ctx, const struct acc_action *action,
                     const struct accd_image_news *news);
    /* As acc_registry_auth_find() of the user's config.json; `*ret_auth` is the caller's. May be
     * NULL: none. */
    enum acc_registry_auth_result (*registry_auth)(void *ctx, const char *reference,
                                                   struct acc_registry_auth *ret_auth);
    /* All logins of that file, for a container that may use Docker: appended to `out`. May be NULL:
     * none. */
    void (*credentials)(void *ctx, struct acc_buf *out);
    /* A line that a command around an upgrade has written. May be NULL. */
    void (*on_output)(void *ctx, uint32_t svc, const char *line);
    /* Why Docker has refused an address of the service's file: written to `out`, or "" when that
     * isn't known. May be NULL. */
    void (*explain)(void *ctx, uint32_t svc, const char *message, char *out, size_t out_size);
    const char *sys_root;                 /* borrowed; as of accd_probe_config. NULL: "" */
    struct accd_differences *differences; /* borrowed: where what differs is kept */
    struct accd_last_words *last_words;   /* borrowed: of what is taken back. May be NULL */
    void *ctx;
};
