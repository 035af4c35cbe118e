#include "daemon/out/docker_unused.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/codec/docker_error.h"
#include "lib/codec/docker_request.h"

/* Docker answers a list within milliseconds; a removal may wait for the network's driver. */
#define LIST_LIMIT_MS   10000u
#define REMOVE_LIMIT_MS 60000u

struct accd_docker_unused {
    struct accd_unused_config config;
    struct accd_request *request;
    struct acc_docker_names networks, volumes; /* zeroed or valid */
    struct acc_docker_list containers;         /* the same; all of them, running or not */
    size_t at; /* the next of the networks and, behind them, the volumes */
};

static void destroy(struct accd_docker_unused *unused)
{
    acc_docker_names_fini(&unused->networks);
    acc_docker_names_fini(&unused->volumes);
    acc_docker_list_fini(&unused->containers);
    free(unused);
}

static void end(struct accd_docker_unused *unused, const char *problem)
{
    unused->config.on_end(unused->config.ctx, problem);
    destroy(unused);
}

static void next(struct accd_docker_unused *unused);

static void send_request(struct accd_docker_unused *unused, enum accd_http_method method,
                         void (*on_done)(void *ctx, const struct accd_http_reply *reply),
                         const char *path, const char *name)
{
    struct accd_http_config config = {
        .method = method,
        .fresh = method != ACCD_HTTP_GET,
        .body_cap = ACC_DOCKER_BODY_MAX,
        .limit_ms = method == ACCD_HTTP_GET ? LIST_LIMIT_MS : REMOVE_LIMIT_MS,
        .ctx = unused,
        .on_done = on_done,
    };

    if (accd_docker_start(unused->config.docker, &config, &unused->request, "%s%s", path, name) <
        0) {
        end(unused, "accd is out of memory");
    }
}

/* --- removing -------------------------------------------------------------------------------- */

static enum acc_resource_kind current(const struct accd_docker_unused *unused,
                                      const struct acc_docker_name_item **ret_item)
{
    size_t n = unused->networks.n;

    *ret_item = unused->at < n ? &unused->networks.item[unused->at]
                               : &unused->volumes.item[unused->at - n];
    return unused->at < n ? ACC_RES_NETWORK : ACC_RES_VOLUME;
}

static void told(struct accd_docker_unused *unused, const char *problem)
{
    const struct acc_docker_name_item *item;
    enum acc_resource_kind kind = current(unused, &item);

    unused->at++;
    unused->config.on_item(unused->config.ctx, kind, item->name, problem);
}

/* Docker names who uses a volume by the whole id. */
static const char *user_of(const struct accd_docker_unused *unused, const char *message)
{
    for (size_t i = 0; i < unused->containers.n; i++) {
        if (strstr(message, unused->containers.item[i].cid)) {
            return unused->containers.item[i].name;
        }
    }
    return NULL;
}

/* Of a network Docker says itself what is in the way, and names it. */
static void told_refusal(struct accd_docker_unused *unused, const char *message)
{
    const struct acc_docker_name_item *item;
    char text[2 * ACC_NAME_MAX + 64];

    if (current(unused, &item) == ACC_RES_NETWORK || !strstr(message, "volume is in use")) {
        told(unused, message);
        return;
    }
    const char *user = user_of(unused, message);

    (void)snprintf(text, sizeof(text), "error while removing volume: volume %.*s is in use%s%s%s",
                   (int)ACC_NAME_MAX, item->name, user ? " (name:\"" : "", user ? user : "",
                   user ? "\")" : "");
    told(unused, text);
}

static void on_removed(void *ctx, const struct accd_http_reply *reply)
{
    struct accd_docker_unused *unused = ctx;
    char message[ACC_DOCKER_ERROR_MAX + 1];

    unused->request = NULL;
    if (reply->error != ACCD_HTTP_OK) {
        told(unused, reply->detail);
    } else if (reply->status >= 400 && reply->status != 404) {
        acc_docker_message(reply->status, reply->body, reply->body_len, message, sizeof(message));
        told_refusal(unused, message);
    } else {
        told(unused, NULL);
    }
    next(unused);
}

static void remove_it(struct accd_docker_unused *unused, enum acc_resource_kind kind,
                      const struct acc_docker_name_item *item)
{
    struct acc_buf id;

    acc_buf_init(&id, ACCD_DOCKER_PATH_MAX);
    if (acc_docker_escape(item->id, &id) < 0) {
        end(unused, "accd is out of memory");
    } else {
        send_request(unused, ACCD_HTTP_DELETE, on_removed,
                     kind == ACC_RES_NETWORK ? "/networks/" : "/volumes/", id.data);
    }
    acc_buf_fini(&id);
}

static const char *container_of(const struct accd_docker_unused *unused, const char *project)
{
    for (size_t i = 0; i < unused->containers.n; i++) {
        if (strcmp(unused->containers.item[i].project, project) == 0) {
            return unused->containers.item[i].name;
        }
    }
    return NULL;
}

static void next(struct accd_docker_unused *unused)
{
    const struct accd_unused_config *config = &unused->config;

    while (unused->at < unused->networks.n + unused->volumes.n) {
        const struct acc_docker_name_item *item;
        enum acc_resource_kind kind = current(unused, &item);

        if (!item->key[0] ||
            !config->is_unused(config->ctx, kind, item, container_of(unused, item->project))) {
            unused->at++;
        } else if (kind == ACC_RES_NETWORK ? config->remove_networks : config->remove_volumes) {
            remove_it(unused, kind, item);
            return;
        } else {
            told(unused, NULL);
        }
    }
    end(unused, NULL);
}

/* --- finding --------------------------------------------------------------------------------- */

/* The body, or NULL and the search is over. */
static const char *body_of(struct accd_docker_unused *unused, const struct accd_http_reply *reply)
{
    char message[ACC_DOCKER_ERROR_MAX + 1];

    unused->request = NULL;
    if (reply->error != ACCD_HTTP_OK) {
        end(unused, reply->detail);
        return NULL;
    }
    if (reply->status != 200) {
        acc_docker_message(reply->status, reply->body, reply->body_len, message, sizeof(message));
        end(unused, message);
        return NULL;
    }
    return reply->body;
}

static void on_containers(void *ctx, const struct accd_http_reply *reply)
{
    struct accd_docker_unused *unused = ctx;
    const char *body = body_of(unused, reply);

    if (body && acc_docker_list_parse(body, reply->body_len, &unused->containers) < 0) {
        end(unused, "Docker's list of containers can't be read");
    } else if (body) {
        next(unused);
    }
}

static void on_volumes(void *ctx, const struct accd_http_reply *reply)
{
    struct accd_docker_unused *unused = ctx;
    const char *body = body_of(unused, reply);

    if (body && acc_docker_volumes_parse(body, reply->body_len, &unused->volumes) < 0) {
        end(unused, "Docker's list of volumes can't be read");
    } else if (body) {
        send_request(unused, ACCD_HTTP_GET, on_containers, "/containers/json", "?all=1");
    }
}

#define WITH_LABEL "?filters=%7B%22label%22%3A%5B%22com.docker.compose.project%22%5D%7D"

static void on_networks(void *ctx, const struct accd_http_reply *reply)
{
    struct accd_docker_unused *unused = ctx;
    const char *body = body_of(unused, reply);

    if (body && acc_docker_networks_parse(body, reply->body_len, &unused->networks) < 0) {
        end(unused, "Docker's list of networks can't be read");
    } else if (body) {
        send_request(unused, ACCD_HTTP_GET, on_volumes, "/volumes", WITH_LABEL);
    }
}

int accd_docker_unused_start(const struct accd_unused_config *config,
                             struct accd_docker_unused **ret_unused)
{
    struct accd_docker_unused *unused = calloc(1, sizeof(*unused));
    struct accd_http_config http = {.body_cap = ACC_DOCKER_BODY_MAX,
                                    .limit_ms = LIST_LIMIT_MS,
                                    .ctx = unused,
                                    .on_done = on_networks};
    int r = unused ? 0 : -ENOMEM;

    if (r == 0) {
        unused->config = *config;
        r = accd_docker_start(config->docker, &http, &unused->request,
                              "/networks"
                              "%s",
                              WITH_LABEL);
    }
    if (r < 0) {
        free(unused);
        return r;
    }
    *ret_unused = unused;
    return 0;
}

void accd_docker_unused_cancel(struct accd_docker_unused *unused)
{
    if (unused) {
        accd_http_cancel(unused->request);
        destroy(unused);
    }
}
