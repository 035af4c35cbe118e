#include "daemon/out/docker_declared.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/base/buf.h"
#include "lib/codec/docker_create.h"
#include "lib/codec/docker_error.h"
#include "lib/codec/docker_reply.h"
#include "lib/compose/compose.h"

/* Docker answers a list within milliseconds. */
#define LIST_LIMIT_MS 10000u

struct accd_docker_declared {
    struct accd_declared_config config;
    struct accd_request *request;
    struct acc_docker_declared *networks, *volumes; /* owned; NULL: not told yet */
};

static void destroy(struct accd_docker_declared *declared)
{
    (void)acc_docker_declared_destroy(declared->networks);
    (void)acc_docker_declared_destroy(declared->volumes);
    free(declared);
}

static void end(struct accd_docker_declared *declared, const char *problem)
{
    declared->config.on_end(declared->config.ctx, problem);
    destroy(declared);
}

/* What would be sent to have it made. */
static int make_request(const struct accd_docker_declared *declared, const struct acc_stack *stack,
                        const struct acc_resource *resource, struct acc_buf *out)
{
    struct acc_docker_create_ctx ctx = {.api_minor = declared->config.docker->api_minor};
    bool is_network = resource->kind == ACC_RES_NETWORK;
    char hash[ACC_HASH_LEN + 1];
    int r = is_network ? acc_compose_network_hash(resource, hash)
                       : acc_compose_volume_hash(resource, hash);

    if (r < 0) {
        return r;
    }
    return is_network ? acc_docker_network_body(stack, resource, &ctx, hash, out)
                      : acc_docker_volume_body(stack, resource, &ctx, hash, out);
}

static int compare(struct accd_docker_declared *declared, const struct acc_model *model,
                   uint32_t res, struct acc_docker_diff *diff)
{
    const struct acc_resource *resource = model->resources[res];
    struct acc_buf request;
    int r;

    acc_buf_init(&request, ACC_DOCKER_CREATE_MAX);
    r = make_request(declared, model->stacks[resource->stack], resource, &request);
    if (r == 0) {
        r = acc_docker_declared_diff(resource->kind == ACC_RES_NETWORK ? declared->networks
                                                                       : declared->volumes,
                                     resource->kind, request.data, request.len, diff);
    }
    acc_buf_fini(&request);
    if (r == 0 && diff->n > 0) {
        declared->config.on_differs(declared->config.ctx, res, diff);
    }
    return r;
}

static void compare_all(struct accd_docker_declared *declared)
{
    const struct acc_model *model = declared->config.model(declared->config.ctx);
    struct acc_docker_diff *diff = malloc(sizeof(*diff)); /* 16 kB */
    int r = diff ? 0 : -ENOMEM;

    for (uint32_t res = 0; r == 0 && res < model->n_resources; res++) {
        if (model->resources[res]->kind != ACC_RES_IMAGE && !model->resources[res]->external) {
            r = compare(declared, model, res, diff);
        }
    }
    free(diff);
    end(declared, r < 0 ? "accd is out of memory" : NULL);
}

static void ask_for(struct accd_docker_declared *declared, const char *path,
                    void (*on_done)(void *ctx, const struct accd_http_reply *reply));

/* True: it was read. */
static bool read_list(struct accd_docker_declared *declared, const struct accd_http_reply *reply,
                      struct acc_docker_declared **ret_list)
{
    char message[ACC_DOCKER_ERROR_MAX + 1];

    declared->request = NULL;
    if (reply->error != ACCD_HTTP_OK) {
        end(declared, reply->detail);
        return false;
    }
    if (reply->status != 200) {
        acc_docker_message(reply->status, reply->body, reply->body_len, message, sizeof(message));
        end(declared, message);
        return false;
    }
    if (acc_docker_declared_parse(reply->body, reply->body_len, ret_list) < 0) {
        end(declared, "Docker's list can't be read");
        return false;
    }
    return true;
}

static void on_volumes(void *ctx, const struct accd_http_reply *reply)
{
    struct accd_docker_declared *declared = ctx;

    if (read_list(declared, reply, &declared->volumes)) {
        compare_all(declared);
    }
}

static void on_networks(void *ctx, const struct accd_http_reply *reply)
{
    struct accd_docker_declared *declared = ctx;

    if (read_list(declared, reply, &declared->networks)) {
        ask_for(declared, "/volumes", on_volumes);
    }
}

static int send_request(struct accd_docker_declared *declared, const char *path,
                        void (*on_done)(void *ctx, const struct accd_http_reply *reply))
{
    struct accd_http_config config = {.body_cap = ACC_DOCKER_BODY_MAX,
                                      .limit_ms = LIST_LIMIT_MS,
                                      .ctx = declared,
                                      .on_done = on_done};

    return accd_docker_start(declared->config.docker, &config, &declared->request, "%s", path);
}

static void ask_for(struct accd_docker_declared *declared, const char *path,
                    void (*on_done)(void *ctx, const struct accd_http_reply *reply))
{
    if (send_request(declared, path, on_done) < 0) {
        end(declared, "accd is out of memory");
    }
}

int accd_docker_declared_start(const struct accd_declared_config *config,
                               struct accd_docker_declared **ret_declared)
{
    struct accd_docker_declared *declared = calloc(1, sizeof(*declared));
    int r = declared ? 0 : -ENOMEM;

    if (r == 0) {
        declared->config = *config;
        r = send_request(declared, "/networks", on_networks);
    }
    if (r < 0) {
        free(declared);
        return r;
    }
    *ret_declared = declared;
    return 0;
}

void accd_docker_declared_cancel(struct accd_docker_declared *declared)
{
    if (declared) {
        accd_http_cancel(declared->request);
        destroy(declared);
    }
}
