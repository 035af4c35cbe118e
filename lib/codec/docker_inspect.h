#pragma once

/*
 * GET /containers/{id}/json as data: what the engine core wants to know of a container (struct
 * acc_obs) and what the daemon's probes need beside it (struct acc_obs_extra).
 *
 * Reads what API 1.41 to 1.55 have in common: NetworkSettings.Networks and not the top-level
 * address (gone with 1.52), absent is the same as null and empty. Each field's type is checked; a
 * wrong one counts as absent.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/engine/event.h"

#define ACC_INSPECT_NETWORKS_MAX 32u   /* networks of one container; further ones are not probed */
#define ACC_INSPECT_ARGV_MAX     256u  /* words of a health command */
#define ACC_INSPECT_PATH_MAX     4095u /* PATH_MAX of Linux */
#define ACC_ADDRESS_MAX          45u   /* INET6_ADDRSTRLEN - 1 */

struct acc_obs_address {
    char network[ACC_NAME_MAX + 1];
    char network_id[ACC_CID_LEN + 1]; /* "" when absent (podman) */
    char ip4[ACC_ADDRESS_MAX + 1];    /* "" when none */
    char ip6[ACC_ADDRESS_MAX + 1];
};

struct acc_obs_extra {
    /* The health command as exec wants it: CMD words, or for CMD-SHELL the container's Shell
     * (default /bin/sh -c) and the line. NULL-terminated, owned; NULL without a check (NONE). */
    char **health_argv;
    size_t n_health_argv;
    bool tty; /* exec and logs of it come raw, without frames */
    struct acc_obs_address addresses[ACC_INSPECT_NETWORKS_MAX]; /* sorted by network */
    size_t n_addresses;
    bool host_network; /* its ports are the host's: probe 127.0.0.1 */
    /* network_mode container:<id>: its addresses and namespace are that container's; else "" */
    char network_of[ACC_CID_LEN + 1];
    /* The engine's folder of this container, found as the folder of HostnamePath, HostsPath,
     * ResolvConfPath or LogPath; config.v2.json with HasBeenManuallyStopped lies in it. "" when
     * none is told or it does not end in the container's id. */
    char engine_dir[ACC_INSPECT_PATH_MAX + 1];
    char config_path[ACC_INSPECT_PATH_MAX + 1]; /* engine_dir/config.v2.json, or "" */
    uint32_t restart_count;                     /* by the engine's restart policy */
};

/* `*ret_extra` may be NULL. 0 and both outputs (free with acc_obs_extra_fini); -EINVAL: no JSON
 * object or no valid Id; -ENOMEM. obs.manually_stopped is ACC_UNKNOWN: see
 * acc_docker_manual_stop_parse. The health times are filled with Docker's defaults (30 s, 30 s, 0
 * s, 3 retries: moby daemon/health.go). The text of health_output keeps its beginning, with control
 * characters replaced by spaces. */
int acc_docker_inspect_parse(const char *text, size_t text_len, struct acc_obs *ret_obs,
                             struct acc_obs_extra *ret_extra);
void acc_obs_extra_fini(struct acc_obs_extra *extra);

/* config.v2.json of a container, as the engine keeps it on disk: HasBeenManuallyStopped is true
 * after a stop or kill by the API, false after a death or the engine's own shutdown (moby
 * container/container.go). ACC_UNKNOWN when the text or the field is not as expected. */
enum acc_tri acc_docker_manual_stop_parse(const char *text, size_t text_len);
