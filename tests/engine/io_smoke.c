/*
 * The daemon's Docker side on a real engine, without the brain: events are printed as lines,
 * actions come as lines on stdin. Driven by test_io.py.
 *
 *     io_smoke DOCKER_URL CONFIG.json [SYS_ROOT]
 *
 * CONFIG.json is what `docker compose config --format json` prints. It defines accd_pump_push() and
 * accd_pump_run() itself, so that the real pump (and with it the engine) is not linked.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <uv.h>

#include "daemon/docker.h"
#include "daemon/in/docker_logs.h"
#include "daemon/in/docker_stream.h"
#include "daemon/log.h"
#include "daemon/out/docker_call.h"
#include "daemon/out/probe.h"
#include "tests/unit/stack_json.h"

static uv_loop_t loop;
static struct accd_http *http;
static struct accd_docker docker;
static struct accd_docker_stream *stream;
static struct accd_docker_call *call;
static struct accd_probe *probe;
static struct accd_docker_logs *logs;
static struct acc_model model;
static uv_pipe_t input;
static char line[8192];
static size_t line_len;
static uint64_t next_op = 1000;

static const char *const hints[] = {"dirty", "die",    "stop",  "kill",    "oom",
                                    "start", "create", "pause", "unpause", "health"};
static const char *const states[] = {"created",  "running", "paused", "restarting",
                                     "removing", "exited",  "dead"};
static const char *const results[] = {"ok",     "not_modified", "gone", "conflict",
                                      "config", "start",        "lost", "failed"};
static const char *const verdicts[] = {"unknown", "fail", "pass", "waiting"};

static void print_obs(const struct acc_obs *obs)
{
    printf("OBS %s name=%s service=%s/%s/%u state=%s pid=%" PRId64 " exit=%d health=%d manual=%d "
           "op=%s hash=%.8s\n",
           obs->cid, obs->name, obs->project, obs->service, obs->number, states[obs->state],
           obs->pid, obs->exit_code, (int)obs->health, (int)obs->manually_stopped, obs->op,
           obs->config_hash);
}

int accd_pump_push(struct accd_pump *pump, const struct acc_event *event)
{
    (void)pump;
    switch (event->type) {
    case ACC_EV_CONN_UP:
        printf("CONN_UP fresh=%d live_restore=%d\n", event->conn.fresh_engine,
               event->conn.live_restore);
        break;
    case ACC_EV_CONN_DOWN:
        printf("CONN_DOWN %s\n", docker.problem);
        break;
    case ACC_EV_CONN_DEGRADED:
        printf("CONN_DEGRADED %s\n", docker.problem);
        break;
    case ACC_EV_SNAPSHOT:
        printf("SNAPSHOT\n");
        break;
    case ACC_EV_OBS:
        print_obs(event->obs);
        break;
    case ACC_EV_GONE:
        printf("GONE %s\n", event->hint.cid);
        break;
    case ACC_EV_HINT:
        printf("HINT %s %s exit=%d signal=%d\n", event->hint.cid, hints[event->hint.hint],
               event->hint.exit_code, event->hint.signal);
        break;
    case ACC_EV_OP_DONE:
        printf("OP_DONE %" PRIu64 " %s cid=%s %s\n", event->op.op, results[event->op.result],
               event->op.cid, event->op.message);
        break;
    case ACC_EV_OP_LATE:
        printf("OP_LATE %" PRIu64 "\n", event->op.op);
        break;
    case ACC_EV_PROBE:
        printf("PROBE %" PRIu64 " %s listens=%d exit=%d %s\n", event->probe.op,
               verdicts[event->probe.verdict], event->probe.listens, event->probe.exit_code,
               event->probe.output);
        break;
    case ACC_EV_COMPARED:
        printf("COMPARED %s likeness=%d %s\n", event->compared.cid, (int)event->compared.likeness,
               event->compared.text);
        break;
    case ACC_EV_LOOKED:
    case ACC_EV_CLOCK:
    case ACC_EV_CMD:
    case ACC_EV_TIMEOUT:
    case ACC_EV_SHUTDOWN:
    case ACC_EV_HOST:
        break;
    }
    (void)fflush(stdout);
    return 0;
}

void accd_pump_run(struct accd_pump *pump)
{
    (void)pump;
}

static bool is_ours(void *ctx, const char *project)
{
    (void)ctx;
    return strcmp(project, model.stacks[0]->name) == 0;
}

static const struct acc_model *the_model(void *ctx)
{
    (void)ctx;
    return &model;
}

static const char *no_container(void *ctx, uint32_t svc)
{
    (void)ctx;
    (void)svc;
    return NULL;
}

static void on_image(void *ctx, const struct acc_action *action, const struct accd_image_news *news)
{
    (void)ctx;
    printf("PULL %u %s %llu\n", action->res, news->image, (unsigned long long)news->current);
}

static void on_log(void *ctx, uint8_t out, const char *data, size_t len)
{
    (void)ctx;
    printf("LOG %u %.*s\n", out, (int)len, data);
    (void)fflush(stdout);
}

static void on_log_end(void *ctx, const char *problem)
{
    (void)ctx;
    logs = NULL;
    printf("LOG_END %s\n", problem ? problem : "");
    (void)fflush(stdout);
}

static void start_logs(const char *cid, bool follow)
{
    struct accd_docker_logs_options options = {.follow = follow, .tail = -1};
    struct accd_container container;

    options.tty = accd_inspector_get(accd_docker_stream_inspector(stream), cid, &container) &&
                  container.tty;
    (void)accd_docker_logs_start(&docker, cid, &options, on_log, on_log_end, NULL, &logs);
}

static bool parse_how(const char *text, enum acc_probe_how *ret_how)
{
    static const char *const hows[] = {"exec", "listen", "tcp", "http"};

    for (size_t i = 0; i < 4; i++) {
        if (strcmp(text, hows[i]) == 0) {
            *ret_how = (enum acc_probe_how)i;
            return true;
        }
    }
    return false;
}

static void build_model(struct acc_stack *stack)
{
    struct acc_service_spec *first = &stack->services[0];
    const char *port = acc_node_get_text(stack->project, "x-probe-port");

    /* stack_from_json leaves one place: the image of the first service. */
    stack->resources[stack->n_resources++] = (struct acc_resource){.kind = ACC_RES_IMAGE,
                                                                   .key = first->image,
                                                                   .name = first->image,
                                                                   .platform = first->platform};
    first->probe_port = (uint16_t)(port ? atoi(port) : 0);
    first->probe_path = acc_node_get_text(stack->project, "x-probe-path");
    first->waiting_codes[0] = 2;
    first->n_waiting_codes = 1;
    model.stacks = calloc(1, sizeof(*model.stacks));
    model.stacks[0] = stack;
    model.n_stacks = 1;
    model.n_services = stack->n_services;
    model.services = calloc(stack->n_services, sizeof(*model.services));
    model.service_stack = calloc(stack->n_services, sizeof(*model.service_stack));
    model.n_resources = stack->n_resources;
    model.resources = calloc(stack->n_resources, sizeof(*model.resources));
    model.resource_base = calloc(1, sizeof(*model.resource_base));
    for (size_t i = 0; i < stack->n_services; i++) {
        model.services[i] = &stack->services[i];
    }
    for (size_t i = 0; i < stack->n_resources; i++) {
        model.resources[i] = &stack->resources[i];
    }
}

static void leave(void)
{
    accd_docker_stream_close(stream);
    accd_docker_logs_cancel(logs);
    accd_probe_close(probe);
    call = accd_docker_call_destroy(call);
    accd_http_close(http, NULL, NULL);
    uv_close((uv_handle_t *)&input, NULL);
}

/* "start CID", "stop CID GRACE_MS", "create SVC SLOT NAME", "ensure RES", ... */
static void obey(const char *text)
{
    char verb[32] = "", a[ACC_CID_LEN + 1] = "", b[32] = "", c[ACC_NAME_MAX + 1] = "";
    struct acc_action action = {.op = next_op, .svc = ACC_NONE, .slot = 1};

    (void)sscanf(text, "%31s %64s %31s %255s", verb, a, b, c);
    if (strcmp(verb, "quit") == 0) {
        leave();
        return;
    }
    if (strcmp(verb, "status") == 0) {
        printf("STATUS link=%d api=%u version=%s root=%s hangs=%d requests=%zu\n", (int)docker.link,
               docker.api_minor, docker.info.version, docker.info.root_dir, docker.runtime_hangs,
               accd_http_n_requests(http));
        (void)fflush(stdout);
        return;
    }
    if (strcmp(verb, "list") == 0) {
        accd_docker_stream_list(stream, &action);
        return;
    }
    (void)snprintf(action.cid, sizeof(action.cid), "%s", a);
    if (strcmp(verb, "inspect") == 0) {
        action.manual_stop = strcmp(b, "manual") == 0;
        accd_docker_stream_inspect(stream, &action);
        return;
    }
    if (strcmp(verb, "logs") == 0) {
        start_logs(a, strcmp(b, "follow") == 0);
        return;
    }
    if (strcmp(verb, "nologs") == 0) {
        accd_docker_logs_cancel(logs);
        logs = NULL;
        return;
    }
    printf("OP %" PRIu64 " %s\n", next_op++, verb);
    if (strcmp(verb, "create") == 0) {
        action.type = ACC_ACT_CREATE;
        action.svc = (uint32_t)atoi(a);
        action.slot = (uint32_t)atoi(b);
        action.cid[0] = '\0';
        (void)snprintf(action.name, sizeof(action.name), "%s", c);
    } else if (strcmp(verb, "ensure") == 0 || strcmp(verb, "unensure") == 0) {
        action.type = verb[0] == 'e' ? ACC_ACT_ENSURE_RESOURCE : ACC_ACT_REMOVE_RESOURCE;
        action.res = (uint32_t)atoi(a);
    } else if (strcmp(verb, "start") == 0) {
        action.type = ACC_ACT_START;
        action.svc = (uint32_t)atoi(b);
    } else if (strcmp(verb, "stop") == 0) {
        action.type = ACC_ACT_STOP;
        action.grace_ms = (uint64_t)atoi(b);
    } else if (strcmp(verb, "kill") == 0) {
        action.type = ACC_ACT_KILL;
    } else if (strcmp(verb, "remove") == 0) {
        action.type = ACC_ACT_REMOVE;
    } else if (strcmp(verb, "unpause") == 0) {
        action.type = ACC_ACT_UNPAUSE;
    } else if (strcmp(verb, "probe") == 0 && parse_how(b, &action.how)) {
        action.svc = 0;
        (void)fflush(stdout);
        accd_probe_execute(probe, &action);
        return;
    } else if (strcmp(verb, "policy") == 0) {
        action.type = ACC_ACT_SET_POLICY;
        action.policy.policy = ACC_RESTART_UNLESS_STOPPED;
    } else {
        printf("UNKNOWN %s\n", verb);
        return;
    }
    (void)fflush(stdout);
    accd_docker_call_execute(call, &action);
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
    (void)handle;
    (void)size;
    buf->base = line + line_len;
    buf->len = sizeof(line) - 1 - line_len;
}

static void on_read(uv_stream_t *uv, ssize_t n, const uv_buf_t *buf)
{
    char *end;

    (void)uv;
    (void)buf;
    if (n < 0) {
        leave();
        return;
    }
    line_len += (size_t)n;
    line[line_len] = '\0';
    while ((end = strchr(line, '\n'))) {
        *end = '\0';
        obey(line);
        line_len -= (size_t)(end + 1 - line);
        memmove(line, end + 1, line_len + 1);
    }
}

int main(int argc, char **argv)
{
    char error[512];
    size_t len;
    char *text = argc > 2 ? read_text(argv[2], &len) : NULL;
    struct acc_stack *stack = text ? stack_from_json(text, "/tmp", argv[2]) : NULL;

    if (!stack) {
        (void)fprintf(stderr, "usage: io_smoke DOCKER_URL CONFIG.json [SYS_ROOT]\n");
        return 2;
    }
    free(text);
    build_model(stack);
    accd_log_init(ACCD_LOG_DEBUG, 0);
    (void)uv_loop_init(&loop);
    if (accd_http_create(&loop, &http) < 0 ||
        accd_docker_init(&docker, argv[1], http, error, sizeof(error)) < 0) {
        (void)fprintf(stderr, "%s\n", error);
        return 2;
    }
    struct accd_docker_stream_config stream_config = {
        .loop = &loop, .docker = &docker, .sys_root = argc > 3 ? argv[3] : "", .is_ours = is_ours};

    if (accd_docker_stream_create(&stream_config, &stream) < 0) {
        return 1;
    }
    struct accd_docker_call_config call_config = {
        .loop = &loop,
        .docker = &docker,
        .inspector = accd_docker_stream_inspector(stream),
        .model = the_model,
        .container_id = no_container,
        .container_name = no_container,
        .on_image = on_image,
    };

    if (accd_docker_call_create(&call_config, &call) < 0) {
        return 1;
    }
    struct accd_probe_config probe_config = {
        .loop = &loop,
        .docker = &docker,
        .inspector = accd_docker_stream_inspector(stream),
        .sys_root = argc > 3 ? argv[3] : "",
        .model = the_model,
    };

    if (accd_probe_create(&probe_config, &probe) < 0) {
        return 1;
    }
    (void)uv_pipe_init(&loop, &input, 0);
    (void)uv_pipe_open(&input, STDIN_FILENO);
    (void)uv_read_start((uv_stream_t *)&input, on_alloc, on_read);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&loop);
    free(model.stacks);
    free(model.services);
    free(model.service_stack);
    free(model.resources);
    free(model.resource_base);
    (void)acc_stack_destroy(stack);
    return 0;
}
