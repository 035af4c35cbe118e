/*
 * create_dump CONFIG.json DIR FILE API_MINOR [SECCOMP.json]: print, a line each, the requests that
 * would make the project: {"what": "container", "key": ..., "query": ..., "body": {...}}.
 * create_dump CONFIG.json DIR FILE API_MINOR SECCOMP.json SERVICE INSPECT.json IMAGE.json: print
 * how that container differs from the file, a line each.
 *
 * CONFIG.json is `docker compose config --format json`. tests/engine/create_body.py compares the
 * lines with what docker compose itself sends.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "lib/codec/docker_create.h"
#include "lib/codec/docker_diff.h"
#include "tests/unit/stack_json.h"

#define NO_HASH "0000000000000000000000000000000000000000000000000000000000000000"

struct resolver {
    const struct acc_stack *stack;
    char text[512];
    char *seccomp;
};

static const char *on_id(void *ctx, const char *service)
{
    struct resolver *resolver = ctx;

    (void)snprintf(resolver->text, sizeof(resolver->text), "ID(%.250s)", service);
    return resolver->text;
}

static const char *on_name(void *ctx, const char *service)
{
    struct resolver *resolver = ctx;
    const struct acc_service_spec *spec = stack_service(resolver->stack, service);

    if (!spec) {
        return NULL;
    }
    if (spec->container_name) {
        return spec->container_name;
    }
    (void)snprintf(resolver->text, sizeof(resolver->text), "%.200s-%.200s-1", resolver->stack->name,
                   service);
    return resolver->text;
}

static const char *on_file(void *ctx, const char *path)
{
    (void)path;
    return ((struct resolver *)ctx)->seccomp;
}

static const char *on_variable(void *ctx, const char *name)
{
    (void)ctx;
    return getenv(name);
}

static void print(const char *what, const char *key, const char *query, const char *body)
{
    cJSON *line = cJSON_CreateObject();

    cJSON_AddStringToObject(line, "what", what);
    cJSON_AddStringToObject(line, "key", key);
    if (query) {
        cJSON_AddStringToObject(line, "query", query);
    }
    cJSON_AddItemToObject(line, "body", cJSON_CreateRaw(body));
    char *text = cJSON_PrintUnformatted(line);

    puts(text);
    free(text);
    cJSON_Delete(line);
}

static int dump_service(const struct acc_stack *stack, const struct acc_service_spec *service,
                        struct acc_docker_create_ctx *ctx)
{
    static struct acc_diags diags;
    struct acc_docker_create create;
    char name[600];

    (void)snprintf(name, sizeof(name), "%.200s-%.200s-1", stack->name, service->name);
    ctx->name = service->container_name ? service->container_name : name;
    diags.n = 0;
    int r = acc_docker_create_make(stack, service, ctx, &create, &diags);

    for (size_t i = 0; i < diags.n; i++) {
        (void)fprintf(stderr, "%s\n", diags.item[i].text);
    }
    if (r < 0) {
        return r;
    }
    print("container", service->name, create.query, create.body);
    for (size_t i = 0; i < create.n_connects; i++) {
        struct acc_buf body;

        acc_buf_init(&body, ACC_DOCKER_CREATE_MAX);
        (void)acc_docker_connect_body(&create.connects[i], "CID", &body);
        print("connect", create.connects[i].network, service->name, body.data);
        acc_buf_fini(&body);
    }
    for (size_t i = 0; i < create.n_files; i++) {
        char body[64];

        (void)snprintf(body, sizeof(body), "{\"len\":%zu,\"mode\":%u}", create.files[i].content_len,
                       create.files[i].mode);
        print("file", create.files[i].path, service->name, body);
    }
    acc_docker_create_fini(&create);
    return 0;
}

static void dump_resource(const struct acc_stack *stack, const struct acc_resource *res,
                          const struct acc_docker_create_ctx *ctx)
{
    struct acc_buf body;

    if (res->external) {
        return;
    }
    acc_buf_init(&body, ACC_DOCKER_CREATE_MAX);
    if (res->kind == ACC_RES_NETWORK) {
        (void)acc_docker_network_body(stack, res, ctx, NO_HASH, &body);
    } else {
        (void)acc_docker_volume_body(stack, res, ctx, NO_HASH, &body);
    }
    print(res->kind == ACC_RES_NETWORK ? "network" : "volume", res->key, NULL, body.data);
    acc_buf_fini(&body);
}

static int dump_difference(const struct acc_stack *stack, struct acc_docker_create_ctx *ctx,
                           char *argv[])
{
    static struct acc_docker_diff diff;
    static struct acc_diags diags;
    const struct acc_service_spec *service = stack_service(stack, argv[0]);
    struct acc_docker_create create;
    size_t inspect_len = 0, image_len = 0;
    char *inspect = read_text(argv[1], &inspect_len);
    char *image = read_text(argv[2], &image_len);

    ctx->name = "x";
    ctx->image_id = NULL;
    if (!service || !inspect || acc_docker_create_make(stack, service, ctx, &create, &diags) < 0 ||
        acc_docker_diff_make(&create, NULL, inspect, inspect_len, image, image_len, &diff) < 0) {
        return EXIT_FAILURE;
    }
    for (size_t i = 0; i < diff.n; i++) {
        puts(diff.line[i].text);
    }
    acc_docker_create_fini(&create);
    free(inspect);
    free(image);
    return EXIT_SUCCESS;
}

int main(int argc, char *argv[])
{
    struct resolver resolver = {0};
    size_t len;
    int status = EXIT_SUCCESS;

    if (argc < 5) {
        (void)fprintf(stderr, "usage: create_dump CONFIG.json DIR FILE API_MINOR [SECCOMP.json]\n");
        return 2;
    }
    char *text = read_text(argv[1], &len);
    struct acc_stack *stack = text ? stack_from_json(text, argv[2], argv[3]) : NULL;

    if (!stack) {
        return EXIT_FAILURE;
    }
    resolver.stack = stack;
    resolver.seccomp = argc > 5 ? read_text(argv[5], &len) : NULL;
    struct acc_docker_create_ctx ctx = {
        .api_minor = (uint32_t)strtoul(argv[4], NULL, 10),
        .number = 1,
        .config_hash = NO_HASH,
        .image_id = "IMAGE",
        .container_id = on_id,
        .container_name = on_name,
        .file_text = on_file,
        .variable = on_variable,
        .resolver = &resolver,
    };

    if (argc > 8) {
        return dump_difference(stack, &ctx, argv + 6);
    }
    for (size_t i = 0; i < stack->n_resources; i++) {
        dump_resource(stack, &stack->resources[i], &ctx);
    }
    for (size_t i = 0; i < stack->n_services; i++) {
        if (dump_service(stack, &stack->services[i], &ctx) < 0) {
            status = EXIT_FAILURE;
        }
    }
    free(resolver.seccomp);
    free(text);
    (void)acc_stack_destroy(stack);
    return status;
}
