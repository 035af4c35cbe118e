#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "client/cmd.h"
#include "client/render_status.h"
#include "lib/codec/json_get.h"

/* The reader's eye is no faster, and accd has better things to do. */
#define REDRAW_MS 1000
/* Fetched also without events: memory and VRAM change silently. While there is a reason: at every
 * redraw. */
#define FETCH_MS 15000

static void put_status(const struct accctl *ctl, const cJSON *status, struct acc_buf *out)
{
    const cJSON *services = acc_json_array(status, "services");
    const struct accctl_options *o = ctl->options;

    if (o->n_args == 0 && !o->phase) {
        accctl_put_overview(status, &ctl->style, out);
    } else if (o->n_args == 1 && cJSON_GetArraySize(services) == 1) {
        accctl_put_service(cJSON_GetArrayItem(services, 0), acc_json_array(status, "stacks"),
                           &ctl->style, out);
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

/* 0 and the outcome in `*ret_code`, which was told if it is an error; -errno: accd is gone. */
static int fetch(struct watch *watch, enum accctl_exit *ret_code)
{
    cJSON *parameters = accctl_targets(watch->ctl);
    cJSON *reply = NULL;
    int r;

    watch->ctl->heard_ms = accctl_now_ms(); /* it was silent because nothing was asked */
    r = accctl_conn_send(watch->asks, "io.acc.Status", parameters, false);

    r = r < 0 ? r : accctl_receive(watch->ctl, watch->asks, accctl_limit_ms(watch->ctl), &reply);
    cJSON_Delete(parameters);
    if (r < 0) {
        return r;
    }
    if (acc_json_text(reply, "error")) {
        *ret_code = accctl_tell_error(watch->ctl, reply);
        cJSON_Delete(reply);
        return 0;
    }
    cJSON_Delete(watch->reply);
    watch->reply = reply;
    *ret_code = ACCCTL_DONE;
    return 0;
}

/* Wait for `wait_ms`; 1 when something has happened, 0 when not, -errno. */
static int listen(struct watch *watch, int64_t wait_ms)
{
    int64_t until_ms = (int64_t)accctl_now_ms() + wait_ms;
    int happened = 0;

    for (int64_t left = wait_ms; left >= 0; left = until_ms - (int64_t)accctl_now_ms()) {
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

static int ask_for_events(struct watch *watch)
{
    cJSON *parameters = cJSON_CreateObject();
    int r;

    (void)cJSON_AddNumberToObject(parameters, "limit", 0);
    r = accctl_conn_send(watch->events, "io.acc.Events", parameters, true);
    cJSON_Delete(parameters);
    return r;
}

static void hang_up(struct watch *watch)
{
    watch->events = accctl_conn_close(watch->events);
    watch->asks = accctl_conn_close(watch->asks);
}

/* accd may be restarted or upgraded while somebody watches: the screen says so, and goes on when
 * the next one listens. False when the reader has had enough. */
static bool wait_for_return(struct watch *watch)
{
    const struct timespec pause = {.tv_sec = REDRAW_MS / 1000};
    const struct accctl *ctl = watch->ctl;
    int r = -1;

    (void)fprintf(ctl->out, "\033[H\033[7maccd is away; waiting for it at %s\033[0m\033[K\n",
                  ctl->options->socket);
    (void)fflush(ctl->out);
    while (r < 0 && !accctl_is_interrupted()) {
        hang_up(watch);
        (void)nanosleep(&pause, NULL);
        r = accctl_conn_open(ctl->options->socket, accctl_limit_ms(ctl), &watch->asks);
        r = r < 0 ? r
                  : accctl_conn_open(ctl->options->socket, accctl_limit_ms(ctl), &watch->events);
        r = r < 0 ? r : ask_for_events(watch);
    }
    return r == 0;
}

/* Reasons have times in them that only accd can tell anew. */
static bool has_reasons(const struct watch *watch)
{
    const cJSON *status = acc_json_object(watch->reply, "parameters");
    const cJSON *service;

    cJSON_ArrayForEach(service, acc_json_array(status, "services"))
    {
        const char *reason = acc_json_text(service, "reason");

        if (reason && *reason) {
            return true;
        }
    }
    return false;
}

/* 0: look again, with `*ret_is_new` whether there is news; -errno: accd is gone. */
static int follow_once(struct watch *watch, bool *ret_is_new, int64_t *fetched_ms,
                       enum accctl_exit *ret_code)
{
    int r = listen(watch, REDRAW_MS);
    int64_t fetch_ms = has_reasons(watch) ? REDRAW_MS : FETCH_MS;

    if (r < 0) {
        return r;
    }
    *ret_is_new = r == 1 ||
                  (watch->has_screen && (int64_t)accctl_now_ms() - *fetched_ms >= fetch_ms);
    if (*ret_is_new) {
        r = fetch(watch, ret_code);
        *fetched_ms = (int64_t)accctl_now_ms();
    }
    return r < 0 ? r : 0;
}

static enum accctl_exit follow(struct watch *watch)
{
    enum accctl_exit code = ACCCTL_DONE;
    int64_t fetched_ms = (int64_t)accctl_now_ms();
    bool is_new = true;

    while (code == ACCCTL_DONE && !accctl_is_interrupted()) {
        int r;

        show(watch, is_new);
        r = follow_once(watch, &is_new, &fetched_ms, &code);
        while (r < 0 && watch->has_screen && !accctl_is_interrupted() && wait_for_return(watch)) {
            r = fetch(watch, &code);
        }
        if (r < 0 && !accctl_is_interrupted()) {
            return accctl_tell_broken(watch->ctl, r);
        }
    }
    return accctl_is_interrupted() ? ACCCTL_DONE : code;
}

/* Errors are told before the screen is taken. */
static enum accctl_exit start_watch(struct watch *watch)
{
    enum accctl_exit code = accctl_connect(watch->ctl, &watch->asks);
    int r;

    code = code == ACCCTL_DONE ? accctl_connect(watch->ctl, &watch->events) : code;
    if (code != ACCCTL_DONE) {
        return code;
    }
    r = ask_for_events(watch);
    r = r < 0 ? r : fetch(watch, &code);
    return r < 0 ? accctl_tell_broken(watch->ctl, r) : code;
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
    hang_up(&watch);
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
