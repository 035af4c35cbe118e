#include "daemon/docker.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/buf.h"

static bool has_prefix(const char *text, const char *prefix, const char **ret_rest)
{
    size_t len = strlen(prefix);

    if (strncmp(text, prefix, len) != 0) {
        return false;
    }
    *ret_rest = text + len;
    return true;
}

static int take_socket(struct accd_docker *docker, const char *path, char *text, size_t size)
{
    if (path[0] != '/' || strlen(path) >= sizeof(docker->socket)) {
        (void)snprintf(text, size,
                       "'unix://%s' names no socket; write unix:///PATH with at most %zu bytes",
                       path, sizeof(docker->socket) - 1);
        return -EINVAL;
    }
    memcpy(docker->socket, path, strlen(path) + 1);
    (void)snprintf(docker->base, sizeof(docker->base), "http://docker");
    return 0;
}

static int take_host(struct accd_docker *docker, const char *host, char *text, size_t size)
{
    size_t len = strcspn(host, "/");
    const char *colon = memchr(host, ':', len);

    if (len == 0 || !colon || (host[len] && host[len + 1]) || len > ACCD_DOCKER_BASE_MAX - 8) {
        (void)snprintf(text, size, "'tcp://%s' is no address; write tcp://HOST:PORT", host);
        return -EINVAL;
    }
    (void)snprintf(docker->base, sizeof(docker->base), "http://%.*s", (int)len, host);
    return 0;
}

int accd_docker_init(struct accd_docker *ret_docker, const char *url, struct accd_http *http,
                     char *reterr_text, size_t reterr_text_size)
{
    struct accd_docker docker = {.http = http};
    const char *rest;
    int r;

    if (has_prefix(url, "unix://", &rest)) {
        r = take_socket(&docker, rest, reterr_text, reterr_text_size);
    } else if (has_prefix(url, "tcp://", &rest) || has_prefix(url, "http://", &rest)) {
        r = take_host(&docker, rest, reterr_text, reterr_text_size);
    } else {
        (void)snprintf(reterr_text, reterr_text_size,
                       "'%s' is no engine that accd can talk to; write unix:///PATH or "
                       "tcp://HOST:PORT (over ssh: forward a socket with ssh -L)",
                       url);
        r = -EINVAL;
    }
    if (r == 0) {
        *ret_docker = docker;
    }
    return r;
}

static int start(struct accd_docker *docker, struct accd_http_config *config, const char *url,
                 struct accd_request **ret_request)
{
    config->url = url;
    config->unix_socket = docker->socket[0] ? docker->socket : NULL;
    if (config->body_len > 0 && !config->headers[0]) {
        config->headers[0] = "Content-Type: application/json";
    }
    return accd_http_start(docker->http, config, ret_request);
}

int accd_docker_start(struct accd_docker *docker, struct accd_http_config *config,
                      struct accd_request **ret_request, const char *path_fmt, ...)
{
    char url[ACCD_DOCKER_BASE_MAX + ACCD_DOCKER_PATH_MAX];
    int head = snprintf(url, sizeof(url), "%s/v1.%u", docker->base, docker->api_minor);
    va_list args;

    va_start(args, path_fmt);
    int n = vsnprintf(url + head, sizeof(url) - (size_t)head, path_fmt, args);

    va_end(args);
    if (n < 0 || (size_t)(head + n) >= sizeof(url)) {
        return -ENOBUFS;
    }
    return start(docker, config, url, ret_request);
}

int accd_docker_start_plain(struct accd_docker *docker, struct accd_http_config *config,
                            struct accd_request **ret_request, const char *path)
{
    char url[ACCD_DOCKER_BASE_MAX + ACCD_DOCKER_PATH_MAX];
    int n = snprintf(url, sizeof(url), "%s%s", docker->base, path);

    if (n < 0 || (size_t)n >= sizeof(url)) {
        return -ENOBUFS;
    }
    return start(docker, config, url, ret_request);
}
