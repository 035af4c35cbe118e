#include "daemon/out/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <utlist.h>

#include "daemon/log.h"
#include "daemon/out/proc_net.h"
#include "lib/base/assert.h"
#include "lib/base/buf.h"
#include "lib/base/str.h"
#include "lib/codec/docker_request.h"
#include "lib/codec/docker_stdio.h"

#define EXECS_MAX       4u
#define CALL_LIMIT_MS   5000u /* exec create and exec json: memory work in dockerd */
#define CONNECT_MS      3000u /* a lost SYN is sent again after 1 s */
#define HTTP_MS         5000u
#define TIMEOUT_MS      30000u /* Docker's default (moby daemon/health.go) */
#define KILLED_EOF_MS   3000u  /* dockerd gives a stream 2 s after the process */
#define EXIT_CODE_MS    10u    /* between two looks for the exit code */
#define EXIT_CODE_LOOKS 5u

enum stage {
    STAGE_LOOK,   /* what the container is like */
    STAGE_QUEUE,  /* an exec waits for its turn */
    STAGE_OLD,    /* is the hung one before it gone? */
    STAGE_CREATE, /* exec create */
    STAGE_RUN,    /* exec start, or the connection */
    STAGE_KILL,   /* out of time, already told */
    STAGE_CODE,   /* exec json */
    STAGE_END,
};

struct check {
    uv_timer_t timer; /* first: the handle's address is the struct's */
    struct check *prev, *next;
    struct accd_probe *probe;
    uint64_t op;
    uint32_t svc;
    char cid[ACC_CID_LEN + 1];
    enum acc_probe_how how;
    enum stage stage;
    bool is_told;
    bool has_turn; /* counts among EXECS_MAX */
    uint8_t waiting[ACC_WAITING_CODES_MAX];
    size_t n_waiting;
    uint64_t timeout_ms;
    struct accd_request *request;
    char exec_id[ACC_CID_LEN + 1];
    struct acc_docker_stdio stdio;
    char output[ACC_OUTPUT_MAX + 1];
    size_t output_len;
    unsigned n_looks;
    struct accd_request *lookup; /* for the pid of what is to be killed */
};

/* An exec that outlived its time and could not be killed. */
struct hung {
    struct hung *next;
    char cid[ACC_CID_LEN + 1];
    char exec_id[ACC_CID_LEN + 1];
};

struct accd_probe {
    struct accd_probe_config config;
    char *sys_root;
    struct check *checks;
    struct hung *hung;
    unsigned n_running; /* execs that have their turn */
    unsigned n_open;    /* checks whose timer is not closed, and the probe itself */
};

static void next_turn(struct accd_probe *probe);

/* --- life ---------------------------------------------------------------------------------- */

static void one_closed(struct accd_probe *probe)
{
    acc_assert(probe->n_open > 0);
    if (--probe->n_open > 0) {
        return;
    }
    while (probe->hung) {
        struct hung *hung = probe->hung;

        LL_DELETE(probe->hung, hung);
        free(hung);
    }
    free(probe->sys_root);
    free(probe);
}

static void on_check_closed(uv_handle_t *uv)
{
    struct check *check = (struct check *)uv;
    struct accd_probe *probe = check->probe;

    free(check);
    one_closed(probe);
}

static void check_free(struct check *check)
{
    DL_DELETE(check->probe->checks, check);
    accd_http_cancel(check->request);
    accd_http_cancel(check->lookup);
    check->stage = STAGE_END;
    uv_close((uv_handle_t *)&check->timer, on_check_closed);
}

/* Its turn goes to the next exec that waits. */
static void end(struct check *check)
{
    struct accd_probe *probe = check->probe;

    if (check->has_turn) {
        probe->n_running--;
    }
    check_free(check);
    next_turn(probe);
    accd_pump_run(probe->config.pump);
}

/* --- telling ------------------------------------------------------------------------------- */

static bool find_container(struct check *check, struct accd_container *ret_container)
{
    return accd_inspector_get(check->probe->config.inspector, check->cid, ret_container);
}

/* The declared ports: the file's and, with the container's, the image's. */
static size_t collect_ports(struct check *check, uint16_t *ports)
{
    const struct acc_model *model = check->probe->config.model(check->probe->config.ctx);
    struct accd_container container;
    size_t n = 0;

    if (find_container(check, &container)) {
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

static int listens(struct check *check, bool *ret_listens)
{
    uint16_t ports[2 * ACC_PORTS_MAX];
    size_t n = collect_ports(check, ports);
    struct accd_container container;

    if (n == 0 || !find_container(check, &container)) {
        return -ENOENT;
    }
    return accd_proc_net_listens(check->probe->sys_root, container.obs->pid, ports, n, ret_listens);
}

static void tell(struct check *check, enum acc_probe_verdict verdict, int32_t exit_code,
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

static void tell_unknown(struct check *check, const char *why)
{
    tell(check, ACC_PROBE_UNKNOWN, -1, why);
    end(check);
}

/* What did the engine say? */
static void tell_refused(struct check *check, const struct accd_http_reply *reply)
{
    char message[ACC_DOCKER_ERROR_MAX + 1];

    if (reply->error != ACCD_HTTP_OK) {
        tell_unknown(check, accd_http_error_text(reply->error));
        return;
    }
    acc_docker_message(reply->status, reply->body, reply->body_len, message, sizeof(message));
    tell_unknown(check, message);
}

/* --- deadlines ----------------------------------------------------------------------------- */

static void on_timer(uv_timer_t *uv);

static void arm(struct check *check, uint64_t in_ms)
{
    (void)uv_timer_start(&check->timer, on_timer, in_ms, 0);
}

static int start(struct check *check, struct accd_http_config *config, const char *what,
                 const char *id, const char *call)
{
    int r;

    config->ctx = check;
    r = accd_docker_start(check->probe->config.docker, config, &check->request, "/%s/%s/%s", what,
                          id, call);
    if (r < 0) {
        tell_unknown(check, "accd is out of memory");
    }
    return r;
}

/* --- exec: the exit code ------------------------------------------------------------------- */

static enum acc_probe_verdict verdict_of(const struct check *check, int32_t exit_code)
{
    for (size_t i = 0; i < check->n_waiting; i++) {
        if (check->waiting[i] == exit_code) {
            return ACC_PROBE_WAITING;
        }
    }
    return exit_code == 0 ? ACC_PROBE_PASS : ACC_PROBE_FAIL;
}

static void on_code(void *ctx, const struct accd_http_reply *reply)
{
    struct check *check = ctx;
    struct acc_docker_exec exec;

    check->request = NULL;
    if (reply->error != ACCD_HTTP_OK || reply->status != 200) {
        tell_refused(check, reply);
    } else if (acc_docker_exec_parse(reply->body, reply->body_len, &exec) < 0) {
        tell_unknown(check, "Docker's description of the check can't be read");
    } else if (!exec.running && exec.has_exit_code) {
        tell(check, verdict_of(check, exec.exit_code), exec.exit_code, check->output);
        end(check);
    } else if (check->n_looks < EXIT_CODE_LOOKS) {
        arm(check, EXIT_CODE_MS); /* the stream ended a moment before the process */
    } else {
        tell_unknown(check, "the check closed its output and goes on");
    }
}

static void ask_code(struct check *check)
{
    struct accd_http_config config = {.limit_ms = CALL_LIMIT_MS, .on_done = on_code};

    check->stage = STAGE_CODE;
    check->n_looks++;
    (void)start(check, &config, "exec", check->exec_id, "json");
}

/* --- exec: out of time --------------------------------------------------------------------- */

static bool is_in_container(int64_t pid, const char *cid)
{
    char path[64], text[4096];
    int fd;
    ssize_t n;

    (void)snprintf(path, sizeof(path), "/proc/%lld/cgroup", (long long)pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    n = read(fd, text, sizeof(text) - 1);
    (void)close(fd);
    text[n > 0 ? n : 0] = '\0';
    return strstr(text, cid) != NULL;
}

/* The pidfd first: what is checked and what is killed are then the same process. */
static void kill_exec(const struct check *check, int64_t pid)
{
    int fd;

    if (pid <= 1 || check->probe->sys_root[0]) {
        return; /* pids of the engine's host are not ours */
    }
    fd = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
    if (fd < 0) {
        return;
    }
    if (is_in_container(pid, check->cid)) {
        (void)syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0);
    }
    (void)close(fd);
}

static void give_up(struct check *check)
{
    struct hung *hung = calloc(1, sizeof(*hung));

    accd_log(ACCD_LOG_WARNING,
             "container %.12s: its health check hangs and can't be ended; it is not checked again "
             "until that is gone",
             check->cid);
    if (hung) {
        memcpy(hung->cid, check->cid, sizeof(hung->cid));
        memcpy(hung->exec_id, check->exec_id, sizeof(hung->exec_id));
        LL_PREPEND(check->probe->hung, hung);
    }
    end(check);
}

static void on_pid(void *ctx, const struct accd_http_reply *reply)
{
    struct check *check = ctx;
    struct acc_docker_exec exec;

    check->lookup = NULL;
    if (reply->error == ACCD_HTTP_OK && reply->status == 200 &&
        acc_docker_exec_parse(reply->body, reply->body_len, &exec) == 0 && exec.running) {
        kill_exec(check, exec.pid);
    }
}

/* The stream stays open meanwhile and is drained: its end says that the exec is gone. */
static void out_of_time(struct check *check)
{
    struct accd_http_config config = {.limit_ms = KILLED_EOF_MS, .ctx = check, .on_done = on_pid};
    char span[32], text[64];

    acc_format_span_ms(check->timeout_ms, span, sizeof(span));
    (void)snprintf(text, sizeof(text), "it did not end within %s", span);
    check->stage = STAGE_KILL;
    tell(check, ACC_PROBE_FAIL, -1, text);
    arm(check, KILLED_EOF_MS);
    (void)accd_docker_start(check->probe->config.docker, &config, &check->lookup, "/exec/%s/json",
                            check->exec_id); /* none: it counts as hung */
    accd_pump_run(check->probe->config.pump);
}

/* --- exec: run ----------------------------------------------------------------------------- */

/* The first bytes are kept, on one line; all are read. */
static void on_output(void *ctx, const char *data, size_t len)
{
    struct check *check = ctx;
    const char *part;
    size_t part_len;
    uint8_t stream;

    while (acc_docker_stdio_feed(&check->stdio, &data, &len, &part, &part_len, &stream)) {
        for (size_t i = 0; i < part_len && check->output_len < ACC_OUTPUT_MAX; i++) {
            unsigned char c = (unsigned char)part[i];

            check->output[check->output_len++] = c < 0x20 || c == 0x7f ? ' ' : (char)c;
        }
    }
}

static void on_exec_end(void *ctx, const struct accd_http_reply *reply)
{
    struct check *check = ctx;

    check->request = NULL;
    (void)uv_timer_stop(&check->timer);
    if (check->is_told) {
        end(check); /* killed; nobody asks for its code */
    } else if (reply->error != ACCD_HTTP_OK || reply->status != 200) {
        tell_refused(check, reply);
    } else {
        while (check->output_len > 0 && check->output[check->output_len - 1] == ' ') {
            check->output[--check->output_len] = '\0';
        }
        ask_code(check);
    }
}

static void on_exec_made(void *ctx, const struct accd_http_reply *reply)
{
    struct check *check = ctx;
    struct accd_http_config config = {.method = ACCD_HTTP_POST,
                                      .fresh = true,
                                      .body = acc_docker_exec_start_body(),
                                      .on_data = on_output,
                                      .on_done = on_exec_end};

    check->request = NULL;
    if (reply->error != ACCD_HTTP_OK || reply->status != 201 ||
        acc_docker_id_parse(reply->body, reply->body_len, check->exec_id) < 0) {
        tell_refused(check, reply);
        return;
    }
    config.body_len = strlen(config.body);
    check->stage = STAGE_RUN;
    acc_docker_stdio_init(&check->stdio, false);
    if (start(check, &config, "exec", check->exec_id, "start") == 0) {
        arm(check, check->timeout_ms);
    }
}

static void create_exec(struct check *check)
{
    struct accd_http_config config = {.method = ACCD_HTTP_POST,
                                      .fresh = true,
                                      .limit_ms = CALL_LIMIT_MS,
                                      .on_done = on_exec_made};
    struct accd_container container;
    struct acc_buf body;

    check->stage = STAGE_CREATE;
    acc_buf_init(&body, ACCD_HTTP_BODY_MAX);
    if (!find_container(check, &container) || !container.health_argv) {
        tell_unknown(check, "the container has no health command");
    } else if (acc_docker_exec_body(container.health_argv, &body) < 0) {
        tell_unknown(check, "the health command is too long");
    } else {
        config.body = body.data;
        config.body_len = body.len;
        (void)start(check, &config, "containers", check->cid, "exec");
    }
    acc_buf_fini(&body);
}

/* --- exec: its turn ------------------------------------------------------------------------ */

static struct hung *find_hung(struct check *check)
{
    struct hung *hung;

    LL_FOREACH(check->probe->hung, hung)
    {
        if (strcmp(hung->cid, check->cid) == 0) {
            return hung;
        }
    }
    return NULL;
}

static void on_old(void *ctx, const struct accd_http_reply *reply)
{
    struct check *check = ctx;
    struct acc_docker_exec exec;
    struct hung *hung = find_hung(check);

    check->request = NULL;
    if (reply->error != ACCD_HTTP_OK ||
        (reply->status == 200 &&
         (acc_docker_exec_parse(reply->body, reply->body_len, &exec) < 0 || exec.running))) {
        tell(check, ACC_PROBE_FAIL, -1, "an earlier check still hangs in the container");
        end(check);
        return;
    }
    if (hung) {
        LL_DELETE(check->probe->hung, hung);
        free(hung);
    }
    create_exec(check);
}

static void begin_exec(struct check *check)
{
    struct accd_http_config config = {.limit_ms = CALL_LIMIT_MS, .on_done = on_old};
    struct hung *hung = find_hung(check);

    check->has_turn = true;
    check->probe->n_running++;
    if (hung) {
        check->stage = STAGE_OLD;
        (void)start(check, &config, "exec", hung->exec_id, "json");
    } else {
        create_exec(check);
    }
}

static bool is_container_busy(const struct check *check)
{
    const struct check *other;

    DL_FOREACH(check->probe->checks, other)
    {
        if (other != check && other->has_turn && strcmp(other->cid, check->cid) == 0) {
            return true;
        }
    }
    return false;
}

static void next_turn(struct accd_probe *probe)
{
    struct check *check, *next;

    DL_FOREACH_SAFE(probe->checks, check, next)
    {
        if (probe->n_running >= EXECS_MAX) {
            return;
        }
        if (check->stage == STAGE_QUEUE && !is_container_busy(check)) {
            begin_exec(check);
            return; /* it may have ended, and then it has called this again */
        }
    }
}

/* --- listen, TCP, HTTP --------------------------------------------------------------------- */

static void do_listen(struct check *check)
{
    bool is_listening = false;
    int r = listens(check, &is_listening);

    if (r == -ENOENT) {
        tell(check, ACC_PROBE_UNKNOWN, -1, "no TCP port is declared, or its process is gone");
    } else if (r < 0) {
        tell(check, ACC_PROBE_UNKNOWN, -1, strerror(-r));
    } else {
        tell(check, is_listening ? ACC_PROBE_PASS : ACC_PROBE_FAIL, -1,
             is_listening ? "" : "none of its ports listens");
    }
    end(check);
}

static const char *address_of(struct check *check, struct accd_container *container)
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
    struct check *check = ctx;
    char text[64];

    check->request = NULL;
    if (reply->error != ACCD_HTTP_OK) {
        tell(check, ACC_PROBE_FAIL, -1, accd_http_error_text(reply->error));
    } else {
        (void)snprintf(text, sizeof(text), "HTTP %d", reply->status);
        tell(check, reply->status < 400 ? ACC_PROBE_PASS : ACC_PROBE_FAIL, reply->status, text);
    }
    end(check);
}

static void on_connected(void *ctx, const struct accd_http_reply *reply)
{
    struct check *check = ctx;

    check->request = NULL;
    tell(check, reply->error == ACCD_HTTP_OK ? ACC_PROBE_PASS : ACC_PROBE_FAIL, -1,
         reply->error == ACCD_HTTP_OK ? "" : accd_http_error_text(reply->error));
    end(check);
}

static void do_reach(struct check *check)
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
    const char *address = find_container(check, &container) ? address_of(check, &container) : "";
    bool is_ip6 = strchr(address, ':') != NULL;

    if (!address[0] || !service) {
        tell_unknown(check, "the container has no address that can be reached");
        return;
    }
    int n = snprintf(url, sizeof(url), "http://%s%s%s:%u%s", is_ip6 ? "[" : "", address,
                     is_ip6 ? "]" : "", service->probe_port,
                     is_http && service->probe_path ? service->probe_path : "/");

    check->stage = STAGE_RUN;
    if (n < 0 || (size_t)n >= sizeof(url) ||
        accd_http_start(check->probe->config.docker->http, &config, &check->request) < 0) {
        tell_unknown(check, "the request could not be made");
    }
}

/* --- all ----------------------------------------------------------------------------------- */

static void begin(struct check *check)
{
    struct accd_container container;

    switch (check->how) {
    case ACC_HOW_EXEC:
        if (find_container(check, &container) && container.obs->timeout_ms > 0) {
            check->timeout_ms = (uint64_t)container.obs->timeout_ms;
        }
        check->stage = STAGE_QUEUE;
        next_turn(check->probe);
        return;
    case ACC_HOW_LISTEN:
        do_listen(check);
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
    struct check *check = ctx;

    (void)container;
    if (result == ACCD_LOOK_SEEN) {
        begin(check);
    } else {
        tell_unknown(check, "the container could not be inspected");
    }
}

static void on_timer(uv_timer_t *uv)
{
    struct check *check = (struct check *)uv;

    switch (check->stage) {
    case STAGE_RUN:
        out_of_time(check);
        break;
    case STAGE_KILL:
        give_up(check);
        break;
    case STAGE_CODE:
        ask_code(check);
        break;
    case STAGE_LOOK:
    case STAGE_QUEUE:
    case STAGE_OLD:
    case STAGE_CREATE:
    case STAGE_END:
        break;
    }
}

static struct check *check_create(struct accd_probe *probe, const struct acc_action *action)
{
    const struct acc_model *model = probe->config.model(probe->config.ctx);
    struct check *check = calloc(1, sizeof(*check));

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
    struct check *check = check_create(probe, action);
    struct accd_container container;

    if (!check) {
        return; /* the engine's own deadline for the check comes */
    }
    if (find_container(check, &container) && container.obs->pid > 0) {
        begin(check);
    } else if (accd_inspector_look(probe->config.inspector, check->cid, ACCD_LOOK_PLAIN, on_looked,
                                   check) < 0) {
        tell_unknown(check, "accd is out of memory");
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
    struct check *check, *next;

    if (!probe) {
        return;
    }
    DL_FOREACH_SAFE(probe->checks, check, next)
    {
        check_free(check);
    }
    one_closed(probe);
}
