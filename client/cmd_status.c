#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "client/cmd.h"
#include "client/render_status.h"
#include "lib/codec/json_get.h"

/* The reader's eye is no faster, and accd has better things to do. */
#define REDRAW_MS 1000
/* Fetched also without events: memory and VRAM change silently. */
#define FETCH_MS 15000

static void put_status(const struct accctl *ctl, const cJSON *status, struct acc_buf *out)
{
    const cJSON *services = acc_json_array(status, "services");
    const struct accctl_options *o = ctl->options;

    if (o->n_args == 0 && !o->phase) {
        accctl_put_overview(status, &ctl->style, out);
    } else if (o->n_args == 1 && cJSON_GetArraySize(services) == 1) {
        accctl_put_service(cJSON_GetArrayItem(services, 0), &ctl->style, out);
    } else {
        accctl_put_full(status, &ctl->style, out);
    }
}

static void print_status(struct accctl *ctl, const cJSON *status)
{
    struct acc_buf out;

    if (ctl->options->json) {
        accctl_print_json(ctl, status);
        return;
    }
    acc_buf_init(&out, SIZE_MAX / 2);
    put_status(ctl, status, &out);
    (void)fputs(out.data ? out.data : "", ctl->out);
    acc_buf_fini(&out);
}

/* --- watching ----------------------------------------------------------------------------------
 */

struct watch {
    struct accctl *ctl;
    struct accctl_conn *events, *asks;
    cJSON *reply; /* the last status */
    bool has_screen;
};

static int64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Each line overwrites its predecessor, so nothing flickers; what doesn't fit is left out. */
static void draw(struct watch *watch)
{
    struct accctl *ctl = watch->ctl;
    struct acc_buf out;
    size_t left = ctl->style.height;

    ctl->style = accctl_style_of_stdout(ctl->options->no_color); /* the window may have changed */
    acc_buf_init(&out, SIZE_MAX / 2);
    put_status(ctl, acc_json_object(watch->reply, "parameters"), &out);
    (void)fputs("\033[H", ctl->out);
    for (const char *line = out.data; line && *line && left > 1; left--) {
        size_t len = strcspn(line, "\n");

        (void)fprintf(ctl->out, "%.*s\033[K\n", (int)len, line);
        line += len + (line[len] == '\n');
    }
    (void)fputs("\033[J", ctl->out);
    (void)fflush(ctl->out);
    acc_buf_fini(&out);
}

static void show(struct watch *watch, bool is_new)
{
    if (watch->has_screen) {
        draw(watch);
    } else if (is_new) {
        print_status(watch->ctl, acc_json_object(watch->reply, "parameters"));
        if (!watch->ctl->options->json) {
            (void)fputs("\n", watch->ctl->out);
        }
        (void)fflush(watch->ctl->out);
    }
}

static enum accctl_exit fetch(struct watch *watch)
{
    cJSON *parameters = accctl_targets(watch->ctl);
    cJSON *reply = NULL;
    enum accctl_exit code;
    int r = accctl_conn_send(watch->asks, "io.acc.Status", parameters, false);

    r = r < 0 ? r : accctl_conn_receive(watch->asks, ACCCTL_ANSWER_MS, &reply);
    cJSON_Delete(parameters);
    if (r < 0) {
        return accctl_tell_broken(watch->ctl, r);
    }
    if (acc_json_text(reply, "error")) {
        code = accctl_tell_error(watch->ctl, reply);
        cJSON_Delete(reply);
        return code;
    }
    cJSON_Delete(watch->reply);
    watch->reply = reply;
    return ACCCTL_DONE;
}

/* Wait for `wait_ms`; 1 when something has happened, 0 when not, -errno. */
static int listen(struct watch *watch, int64_t wait_ms)
{
    int64_t until_ms = now_ms() + wait_ms;
    int happened = 0;

    for (int64_t left = wait_ms; left >= 0; left = until_ms - now_ms()) {
        cJSON *reply = NULL;
        int r = accctl_conn_receive(watch->events, (int)left, &reply);

        if (r == -ETIMEDOUT) {
            return happened;
        }
        if (r < 0) {
            return r;
        }
        happened = 1;
        cJSON_Delete(reply);
    }
    return happened;
}

static enum accctl_exit follow(struct watch *watch)
{
    enum accctl_exit code = fetch(watch);
    int64_t fetched_ms = now_ms();
    bool is_new = true;

    while (code == ACCCTL_DONE) {
        int r;

        show(watch, is_new);
        r = listen(watch, REDRAW_MS);
        if (r < 0) {
            return accctl_is_interrupted() ? ACCCTL_DONE : accctl_tell_broken(watch->ctl, r);
        }
        is_new = r == 1 || (watch->has_screen && now_ms() - fetched_ms >= FETCH_MS);
        if (is_new) {
            code = fetch(watch);
            fetched_ms = now_ms();
        }
    }
    return accctl_is_interrupted() ? ACCCTL_DONE : code;
}

static enum accctl_exit start_watch(struct watch *watch)
{
    cJSON *parameters;
    enum accctl_exit code = accctl_connect(watch->ctl, &watch->asks);
    int r;

    code = code == ACCCTL_DONE ? accctl_connect(watch->ctl, &watch->events) : code;
    if (code != ACCCTL_DONE) {
        return code;
    }
    parameters = cJSON_CreateObject();
    (void)cJSON_AddNumberToObject(parameters, "limit", 0);
    r = accctl_conn_send(watch->events, "io.acc.Events", parameters, true);
    cJSON_Delete(parameters);
    return r < 0 ? accctl_tell_broken(watch->ctl, r) : fetch(watch); /* errors before the screen */
}

static enum accctl_exit run_watch(struct accctl *ctl)
{
    struct watch watch = {.ctl = ctl, .has_screen = ctl->style.height > 0 && !ctl->options->json};
    enum accctl_exit code = start_watch(&watch);

    if (code == ACCCTL_DONE) {
        accctl_catch_interrupt();
        if (watch.has_screen) {
            (void)fputs("\033[?1049h\033[?25l\033[2J", ctl->out); /* other screen, no cursor */
        }
        code = follow(&watch);
        if (watch.has_screen) {
            (void)fputs("\033[?25h\033[?1049l", ctl->out);
            (void)fflush(ctl->out);
        }
    }
    cJSON_Delete(watch.reply);
    (void)accctl_conn_close(watch.events);
    (void)accctl_conn_close(watch.asks);
    return code;
}

enum accctl_exit accctl_cmd_status(struct accctl *ctl)
{
    cJSON *reply = NULL;
    enum accctl_exit code;

    if (ctl->options->watch) {
        return run_watch(ctl);
    }
    code = accctl_ask(ctl, "io.acc.Status", accctl_targets(ctl), &reply);
    if (code == ACCCTL_DONE) {
        print_status(ctl, acc_json_object(reply, "parameters"));
        cJSON_Delete(reply);
    }
    return code;
}
