#pragma once

/*
 * The Docker Engine that accd talks to: where it is, what is known of it, and how a request to it
 * begins. Shared by everything in daemon/in and daemon/out that asks it something.
 *
 * in/docker_stream writes what it learns at each connection; everybody else reads.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/un.h>

#include "daemon/curl_uv.h"
#include "lib/codec/docker_reply.h"

#define ACCD_DOCKER_BASE_MAX    255u /* a host name has 253 bytes at most */
#define ACCD_DOCKER_PROBLEM_MAX 255u

enum accd_link {
    ACCD_LINK_DOWN = 0, /* no connection; `problem` says why */
    ACCD_LINK_UP,
    ACCD_LINK_DEGRADED, /* connected, but it does not answer in time */
};

struct accd_docker {
    struct accd_http *http;                                   /* borrowed */
    char socket[sizeof(((struct sockaddr_un *)0)->sun_path)]; /* "" for TCP */
    char base[ACCD_DOCKER_BASE_MAX + 1];                      /* "http://docker" */

    enum accd_link link;
    uint64_t epoch;     /* counts the connections */
    uint32_t api_minor; /* the negotiated version; 0 before the first contact */
    bool is_podman;
    bool runtime_hangs;          /* ping is answered, /info is not: containerd hangs */
    struct acc_docker_info info; /* of the newest answer; empty before */
    char problem[ACCD_DOCKER_PROBLEM_MAX + 1]; /* "" while UP */
};

/* "unix:///var/run/docker.sock" or "tcp://host:2375" (without TLS). 0 and `*ret_docker` with the
 * address set and all else zero; -EINVAL and `reterr_text` says what is wrong with it. */
int accd_docker_init(struct accd_docker *ret_docker, const char *url, struct accd_http *http,
                     char *reterr_text, size_t reterr_text_size);

/* Start a request whose path follows the version: `/v1.41` + path. `config` needs no url and no
 * unix_socket; a body gets its Content-Type. The path's variable parts must be escaped. Results are
 * accd_http_start()'s; -ENOBUFS: the path is too long. */
#define ACCD_DOCKER_PATH_MAX 4096u
int accd_docker_start(struct accd_docker *docker, struct accd_http_config *config,
                      struct accd_request **ret_request, const char *path_fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* The same without a version: for /_ping. */
int accd_docker_start_plain(struct accd_docker *docker, struct accd_http_config *config,
                            struct accd_request **ret_request, const char *path);
