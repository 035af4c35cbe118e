#include "daemon/out/probe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "daemon/log.h"
#include "daemon/out/probe_check.h"
#include "daemon/out/proc_net.h"
#include "lib/base/assert.h"

#define CONNECT_MS 3000u /* a lost SYN is sent again after 1 s */
#define HTTP_MS    5000u
#define TIMEOUT_MS 30000u /* Docker's default (moby daemon/health.go) */

/* --- life ---------------------------------------------------------------------------------- */

static void one_closed(struct accd_probe *probe)
{
    acc_assert(probe->n_open > 0);
    if (--probe->n_open > 0) {
        return;
    }
    while (probe->hung) {
        struct accd_hung *hung = probe->hung;

        LL_DELETE(probe->hung, hung);
        free(hung);
    }
    free(probe->sys_root);
    free(probe);
}

static void on_check_closed(uv_handle_t *uv)
{
    struct accd_check *check = (struct accd_check *)uv;
    struct accd_probe *probe = check->probe;

    free(check);
    one_closed(probe);
}

static void check_free(struct accd_check *check)
{
    DL_DELETE(check->probe->checks, check);
    accd_http_cancel(check->request);
    accd_http_cancel(check->lookup);
    check->stage = ACCD_CHECK_END;
    uv_close((uv_handle_t *)&check->timer, on_check_closed);
}

/* Its turn goes to the next exec that waits. */
void accd_check_end(struct accd_check *check)
{
    struct accd_probe *probe = check->probe;

    if (check->has_turn) {
        probe->n_running--;
    }
    check_free(check);
    accd_check_next_exec(probe);
    accd_pump_run(probe->config.pump);
}

/* --- telling ------------------------------------------------------------------------------- */

bool accd_check_container(struct accd_check *check, struct accd_container *ret_container)
{
    return accd_inspector_get(check->probe->config.inspector, check->cid, ret_container);
}

/* The declared ports: the file's and, with the container's, the image's. */
static size_t collect_ports(struct accd_check *check, uint16_t *ports)
{
    const struct acc_model *model = check->probe->config.model(check->probe->config.ctx);
    struct accd_container container;
    size_t n = 0;

    if (accd_check_container(check, &container)) {
        memcpy(ports, container.obs->ports, container.obs->n_ports * sizeof(*ports));
        n = container.obs->n_ports;
    }
    if (check->svc < model->n_services) {
        const struct acc_service_spec *service = model->services[check->svc];

        memcpy(ports + n, service->ports, service->n_ports * sizeof(*ports));
        n += service->n_ports;
    }
    return n;
}

static int listens(struct accd_check *check, bool *ret_listens)
{
    uint16_t ports[2 * ACC_PORTS_MAX];
    size_t n = collect_ports(check, ports);
    struct accd_container container;

    if (n == 0 || !accd_check_container(check, &container)) {
        return -ENOENT;
    }
    return accd_proc_net_listens(check->probe->sys_root, container.obs->pid, ports, n, ret_listens);
}

void accd_check_tell(struct accd_check *check, enum acc_probe_verdict verdict, int32_t exit_code,
                     const char *output)
{
    bool is_listening = false;

    if (check->is_told) {
        return;
    }
    check->is_told = true;
    (void)listens(check, &is_listening); /* unreadable: not known to listen */
    struct acc_event event = {
        .type = ACC_EV_PROBE,
        .now_ms = uv_now(check->probe->config.loop),
        .probe = {.op = check->op,
                  .verdict = verdict,
                  .listens = is_listening,
                  .exit_code = exit_code,
                  .output = output},
    };

    if (accd_pump_push(check->probe->config.pump, &event) < 0) {
        accd_log(ACCD_LOG_WARNING, "the result of a check could not be told");
    }
}

void accd_check_tell_unknown(struct accd_check *check, const char *why)
{
    accd_check_tell(check, ACC_PROBE_UNKNOWN, -1, why);
    accd_check_end(check);
}

/* What did the engine say? */
void accd_check_tell_refused(struct accd_check *check, const struct accd_http_reply *reply)
{
    char message[ACC_DOCKER_ERROR_MAX + 1];

    if (reply->error != ACCD_HTTP_OK) {
        accd_check_tell_unknown(check, accd_http_error_text(reply->error));
        return;
    }
    acc_docker_message(reply->status, reply->body, reply->body_len, message, sizeof(message));
    accd_check_tell_unknown(check, message);
}

/* --- deadlines ----------------------------------------------------------------------------- */

int accd_check_start(struct accd_check *check, struct accd_http_config *config, const char *what,
                     const char *id, const char *call)
{
    int r;

    config->ctx = check;
    r = accd_docker_start(check->probe->config.docker, config, &check->request, "/%s/%s/%s", what,
                          id, call);
    if (r < 0) {
        accd_check_tell_unknown(check, "accd is out of memory");
    }
    return r;
}

/* --- listen, TCP, HTTP --------------------------------------------------------------------- */

static void do_listen(struct accd_check *check)
{
    bool is_listening = false;
    int r = listens(check, &is_listening);

    if (r == -ENOENT) {
        accd_check_tell(check, ACC_PROBE_UNKNOWN, -1,
                        "no TCP port is declared, or its process is gone");
    } else if (r < 0) {
        accd_check_tell(check, ACC_PROBE_UNKNOWN, -1, strerror(-r));
    } else {
        accd_check_tell(check, is_listening ? ACC_PROBE_PASS : ACC_PROBE_FAIL, -1,
                        is_listening ? "" : "none of its ports listens");
    }
    accd_check_end(check);
}

static void do_idle(struct accd_check *check)
{
    struct accd_container container;
    bool is_idle = false;
    int r = accd_check_container(check, &container)
                ? accd_proc_net_idle(check->probe->sys_root, container.obs->pid, &is_idle)
                : -ESRCH;

    accd_check_tell(check,
                    r < 0     ? ACC_PROBE_UNKNOWN
                    : is_idle ? ACC_PROBE_PASS
                              : ACC_PROBE_FAIL,
                    -1, r < 0 ? strerror(-r) : "");
    accd_check_end(check);
}

static const char *address_of(struct accd_check *check, struct accd_container *container)
{
    if (container->network_of[0]) {
        char cid[ACC_CID_LEN + 1];

        memcpy(cid, container->network_of, strlen(container->network_of) + 1);
        if (!accd_inspector_get(check->probe->config.inspector, cid, container)) {
            return "";
        }
    }
    return container->host_network ? "127.0.0.1" : container->address;
}

static void on_reached(void *ctx, const struct accd_http_reply *reply)
{
    struct accd_check *check = ctx;
    char text[64];

    check->request = NULL;
    if (reply->error != ACCD_HTTP_OK) {
        accd_check_tell(check, ACC_PROBE_FAIL, -1, accd_http_error_text(reply->error));
    } else {
        (void)snprintf(text, sizeof(text), "HTTP %d", reply->status);
        accd_check_tell(check, reply->status < 400 ? ACC_PROBE_PASS : ACC_PROBE_FAIL, reply->status,
                        text);
    }
    accd_check_end(check);
}

static void on_connected(void *ctx, const struct accd_http_reply *reply)
{
    struct accd_check *check = ctx;

    check->request = NULL;
    accd_check_tell(check, reply->error == ACCD_HTTP_OK ? ACC_PROBE_PASS : ACC_PROBE_FAIL, -1,
                    reply->error == ACCD_HTTP_OK ? "" : accd_http_error_text(reply->error));
    accd_check_end(check);
}

static void do_reach(struct accd_check *check)
{
    const struct acc_model *model = check->probe->config.model(check->probe->config.ctx);
    const struct acc_service_spec *service = check->svc < model->n_services
                                                 ? model->services[check->svc]
                                                 : NULL;
    bool is_http = check->how == ACC_HOW_HTTP;
    struct accd_container container;
    char url[4096];
    struct accd_http_config config = {.fresh = true,
                                      .url = url,
                                      .connect_only = !is_http,
                                      .connect_ms = CONNECT_MS,
                                      .limit_ms = is_http ? HTTP_MS : CONNECT_MS,
                                      .ctx = check,
                                      .on_done = is_http ? on_reached : on_connected};
    const char *address = accd_check_container(check, &container) ? address_of(check, &container)
                                                                  : "";
    bool is_ip6 = strchr(address, ':') != NULL;

    if (!address[0] || !service || service->probe_port == 0) {
        accd_check_tell_unknown(check, "the container has no address that can be reached");
        return;
    }
    int n = snprintf(url, sizeof(url), "http://%s%s%s:%u%s", is_ip6 ? "[" : "", address,
                     is_ip6 ? "]" : "", service->probe_port,
                     is_http && service->probe_path ? service->probe_path : "/");

    check->stage = ACCD_CHECK_RUN;
    if (n < 0 || (size_t)n >= sizeof(url) ||
        accd_http_start(check->probe->config.docker->http, &config, &check->request) < 0) {
        accd_check_tell_unknown(check, "the request could not be made");
    }
}

/* --- all ----------------------------------------------------------------------------------- */

static void begin(struct accd_check *check)
{
    struct accd_container container;

    switch (check->how) {
    case ACC_HOW_EXEC:
        if (accd_check_container(check, &container) && container.obs->timeout_ms > 0) {
            check->timeout_ms = (uint64_t)container.obs->timeout_ms;
        }
        check->stage = ACCD_CHECK_QUEUE;
        accd_check_next_exec(check->probe);
        return;
    case ACC_HOW_LISTEN:
        do_listen(check);
        return;
    case ACC_HOW_IDLE:
        do_idle(check);
        return;
    case ACC_HOW_TCP:
    case ACC_HOW_HTTP:
        do_reach(check);
        return;
    }
}

static void on_looked(void *ctx, enum accd_look_result result,
                      const struct accd_container *container)
{
    struct accd_check *check = ctx;

    (void)container;
    if (result == ACCD_LOOK_SEEN) {
        begin(check);
    } else {
        accd_check_tell_unknown(check, "the container could not be inspected");
    }
}

static struct accd_check *check_create(struct accd_probe *probe, const struct acc_action *action)
{
    const struct acc_model *model = probe->config.model(probe->config.ctx);
    struct accd_check *check = calloc(1, sizeof(*check));

    if (!check) {
        return NULL;
    }
    check->probe = probe;
    check->op = action->op;
    check->svc = action->svc;
    check->how = action->how;
    check->timeout_ms = TIMEOUT_MS;
    memcpy(check->cid, action->cid, sizeof(check->cid));
    if (action->svc < model->n_services) {
        const struct acc_service_spec *service = model->services[action->svc];

        memcpy(check->waiting, service->waiting_codes, sizeof(check->waiting));
        check->n_waiting = service->n_waiting_codes;
    }
    (void)uv_timer_init(probe->config.loop, &check->timer);
    probe->n_open++;
    DL_APPEND(probe->checks, check);
    return check;
}

void accd_probe_execute(void *ctx, const struct acc_action *action)
{
    struct accd_probe *probe = ctx;
    struct accd_check *check = check_create(probe, action);
    struct accd_container container;

    if (!check) {
        return; /* the engine's own deadline for the check comes */
    }
    if (accd_check_container(check, &container) && container.obs->pid > 0) {
        begin(check);
    } else if (accd_inspector_look(probe->config.inspector, check->cid, ACCD_LOOK_PLAIN, on_looked,
                                   check) < 0) {
        accd_check_tell_unknown(check, "accd is out of memory");
    }
}

int accd_probe_create(const struct accd_probe_config *config, struct accd_probe **ret_probe)
{
    struct accd_probe *probe = calloc(1, sizeof(*probe));

    if (!probe) {
        return -ENOMEM;
    }
    probe->config = *config;
    probe->sys_root = strdup(config->sys_root ? config->sys_root : "");
    if (!probe->sys_root) {
        free(probe);
        return -ENOMEM;
    }
    probe->n_open = 1;
    *ret_probe = probe;
    return 0;
}

void accd_probe_close(struct accd_probe *probe)
{
    struct accd_check *check, *next;

    if (!probe) {
        return;
    }
    DL_FOREACH_SAFE(probe->checks, check, next)
    {
        check_free(check);
    }
    one_closed(probe);
}
