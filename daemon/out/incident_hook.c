#include "daemon/out/incident_hook.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/log.h"
#include "lib/base/buf.h"
#include "lib/base/str.h"

#define TEXT_MAX_BYTES 65536u /* a thousand impacted services fit */
#define N_VARS         6

extern char **environ;

struct hook {
    char *url;   /* or */
    char **argv; /* NULL-ended */
};

struct accd_hooks {
    uv_loop_t *loop;
    accd_post_fn post;
    void *post_ctx;
    struct hook *hook;
    size_t n;
    struct running *running; /* a list */
    size_t n_running;
    bool closing;
};

struct running {
    struct running *next;
    struct accd_hooks *hooks;
    uv_process_t process;
    uv_timer_t deadline;
    unsigned n_open;
    char name[128];
};

int accd_hooks_create(uv_loop_t *loop, accd_post_fn post, void *post_ctx,
                      struct accd_hooks **ret_hooks)
{
    struct accd_hooks *hooks = calloc(1, sizeof(*hooks));

    if (!hooks) {
        return -ENOMEM;
    }
    hooks->loop = loop;
    hooks->post = post;
    hooks->post_ctx = post_ctx;
    *ret_hooks = hooks;
    return 0;
}

static void forget(struct accd_hooks *hooks)
{
    for (size_t i = 0; i < hooks->n; i++) {
        free(hooks->hook[i].url);
        for (char **arg = hooks->hook[i].argv; arg && *arg; arg++) {
            free(*arg);
        }
        free(hooks->hook[i].argv);
    }
    free(hooks->hook);
    hooks->hook = NULL;
    hooks->n = 0;
}

static int copy_argv(struct hook *hook, const char *const *argv, size_t n)
{
    hook->argv = calloc(n + 1, sizeof(*hook->argv));
    if (!hook->argv) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < n; i++) {
        hook->argv[i] = strdup(argv[i]);
        if (!hook->argv[i]) {
            return -ENOMEM;
        }
    }
    return 0;
}

int accd_hooks_configure(struct accd_hooks *hooks, const struct acc_config_hook *list, size_t n)
{
    int r = 0;

    forget(hooks);
    hooks->hook = calloc(n ? n : 1, sizeof(*hooks->hook));
    if (!hooks->hook) {
        return -ENOMEM;
    }
    for (; hooks->n < n && r == 0; hooks->n++) {
        const struct acc_config_hook *from = &list[hooks->n];
        struct hook *to = &hooks->hook[hooks->n];

        if (from->kind == ACC_HOOK_URL) {
            to->url = strdup(from->url);
            r = to->url ? 0 : -ENOMEM;
        } else {
            r = copy_argv(to, (const char *const *)from->argv, from->n_argv);
        }
    }
    return r;
}

static void free_if_over(struct accd_hooks *hooks)
{
    if (hooks->closing && hooks->n_running == 0) {
        forget(hooks);
        free(hooks);
    }
}

static void on_closed(uv_handle_t *handle)
{
    struct running *run = handle->data;
    struct accd_hooks *hooks = run->hooks;

    if (--run->n_open > 0) {
        return;
    }
    for (struct running **at = &hooks->running; *at; at = &(*at)->next) {
        if (*at == run) {
            *at = run->next;
            break;
        }
    }
    hooks->n_running--;
    free(run);
    free_if_over(hooks);
}

static void end(struct running *run)
{
    if (!uv_is_closing((uv_handle_t *)&run->process)) {
        uv_close((uv_handle_t *)&run->process, on_closed);
        uv_close((uv_handle_t *)&run->deadline, on_closed);
    }
}

static void on_exit_status(uv_process_t *process, int64_t status, int signum)
{
    struct running *run = process->data;

    if (status != 0 || signum != 0) {
        accd_log(ACCD_LOG_WARNING, "on_incident: %s %s %d", run->name,
                 signum ? "was ended by signal" : "exited with", signum ? signum : (int)status);
    }
    end(run);
}

static void on_deadline(uv_timer_t *timer)
{
    struct running *run = timer->data;

    accd_log(ACCD_LOG_WARNING, "on_incident: %s took longer than %u s and is killed", run->name,
             ACCD_HOOK_DEADLINE_MS / 1000);
    (void)uv_process_kill(&run->process, SIGKILL);
}

/* Our variables after the environment; the strings are borrowed. NULL without memory. */
static char **with_environment(char *vars[N_VARS])
{
    size_t n = 0;

    while (environ && environ[n]) {
        n++;
    }
    char **all = calloc(n + N_VARS + 1, sizeof(*all));

    if (all) {
        if (n > 0) {
            memcpy(all, environ, n * sizeof(*all));
        }
        memcpy(all + n, vars, N_VARS * sizeof(*all));
    }
    return all;
}

static void spawn(struct accd_hooks *hooks, struct hook *hook, char *vars[N_VARS])
{
    struct running *run;
    uv_process_options_t options = {.exit_cb = on_exit_status};
    uv_stdio_container_t stdio[3] = {{.flags = UV_IGNORE},
                                     {.flags = UV_INHERIT_FD, .data.fd = 2},
                                     {.flags = UV_INHERIT_FD, .data.fd = 2}};

    if (hooks->n_running >= ACCD_HOOKS_RUNNING_MAX) {
        accd_log(ACCD_LOG_WARNING, "on_incident: %u commands still run, %s is left out",
                 ACCD_HOOKS_RUNNING_MAX, hook->argv[0]);
        return;
    }
    run = calloc(1, sizeof(*run));
    options.env = with_environment(vars);
    if (!run || !options.env) {
        free(run);
        free(options.env);
        return;
    }
    run->hooks = hooks;
    (void)snprintf(run->name, sizeof(run->name), "%s", hook->argv[0]); /* for the log */
    options.file = hook->argv[0];
    options.args = hook->argv;
    options.stdio = stdio;
    options.stdio_count = 3;
    int r = uv_spawn(hooks->loop, &run->process, &options);

    free(options.env);
    run->process.data = run;
    (void)uv_timer_init(hooks->loop, &run->deadline); /* can't fail */
    run->deadline.data = run;
    run->n_open = 2;
    run->next = hooks->running;
    hooks->running = run;
    hooks->n_running++;
    if (r < 0) {
        accd_log(ACCD_LOG_ERROR, "on_incident: can't run %s: %s", run->name, uv_strerror(r));
        end(run); /* a failed uv_spawn leaves a handle to close */
        return;
    }
    (void)uv_timer_start(&run->deadline, on_deadline, ACCD_HOOK_DEADLINE_MS, 0);
    uv_unref((uv_handle_t *)&run->process);
}

static void json_text(struct acc_buf *out, const char *text)
{
    (void)acc_buf_puts(out, "\"");
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        if (c == '"' || c == '\\') {
            (void)acc_buf_printf(out, "\\%c", c);
        } else if (c < 0x20) {
            (void)acc_buf_printf(out, "\\u%04x", c);
        } else {
            (void)acc_buf_append(out, text, 1);
        }
    }
    (void)acc_buf_puts(out, "\"");
}

static void post(struct accd_hooks *hooks, const char *url, const struct accd_incident *incident,
                 const char *since)
{
    struct acc_buf body;

    acc_buf_init(&body, TEXT_MAX_BYTES);
    (void)acc_buf_printf(&body, "{\"incident\":%llu,\"phase\":\"%s\",\"since\":\"%s\",\"root\":",
                         (unsigned long long)incident->id, incident->is_open ? "opened" : "closed",
                         since);
    json_text(&body, incident->root);
    (void)acc_buf_puts(&body, ",\"cause\":");
    json_text(&body, incident->cause);
    (void)acc_buf_puts(&body, ",\"impact\":[");
    for (size_t i = 0; i < incident->n_impact; i++) {
        (void)acc_buf_puts(&body, i ? "," : "");
        json_text(&body, incident->impact[i]);
    }
    (void)acc_buf_puts(&body, "]}\n");
    if (!body.failed && hooks->post) {
        hooks->post(hooks->post_ctx, url, body.data);
    }
    acc_buf_fini(&body);
}

void accd_hooks_tell(struct accd_hooks *hooks, const struct accd_incident *incident)
{
    char since[ACC_RFC3339_MAX];
    struct acc_buf var[N_VARS];
    char *vars[N_VARS];
    bool failed = false;

    acc_format_rfc3339(incident->since_unix_ms, since, sizeof(since));
    for (int i = 0; i < N_VARS; i++) {
        acc_buf_init(&var[i], TEXT_MAX_BYTES);
    }
    (void)acc_buf_printf(&var[0], "ACC_INCIDENT=%llu", (unsigned long long)incident->id);
    (void)acc_buf_printf(&var[1], "ACC_PHASE=%s", incident->is_open ? "opened" : "closed");
    (void)acc_buf_printf(&var[2], "ACC_ROOT=%s", incident->root);
    (void)acc_buf_printf(&var[3], "ACC_CAUSE=%s", incident->cause);
    (void)acc_buf_printf(&var[4], "ACC_SINCE=%s", since);
    (void)acc_buf_puts(&var[5], "ACC_IMPACT=");
    for (size_t i = 0; i < incident->n_impact; i++) {
        (void)acc_buf_printf(&var[5], "%s%s", i ? " " : "", incident->impact[i]);
    }
    for (int i = 0; i < N_VARS; i++) {
        failed |= var[i].failed;
        vars[i] = var[i].data;
    }
    for (size_t i = 0; i < hooks->n && !failed; i++) {
        if (hooks->hook[i].url) {
            post(hooks, hooks->hook[i].url, incident, since);
        } else {
            spawn(hooks, &hooks->hook[i], vars);
        }
    }
    for (int i = 0; i < N_VARS; i++) {
        acc_buf_fini(&var[i]);
    }
}

void accd_hooks_close(struct accd_hooks *hooks)
{
    if (!hooks) {
        return;
    }
    hooks->closing = true;
    for (struct running *run = hooks->running; run; run = run->next) {
        end(run);
    }
    free_if_over(hooks);
}
