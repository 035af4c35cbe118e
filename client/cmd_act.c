#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "client/cmd.h"
#include "client/outcome.h"
#include "client/progress.h"
#include "lib/codec/json_get.h"

/* How long a reply is waited for before the clocks on a terminal are drawn again, which have
 * seconds, and before a signal that came between two waits is seen. */
#define REDRAW_MS 1000
/* accd says itself what isn't there yet when the time of --timeout is over, and looks at its clock
 * twice a second. */
#define GRACE_MS 1000
/* accd takes an order on, and writes it down, within this; without progress nothing tells of that.
 */
#define ACCEPTED_MS 2000

/* "hand-back" -> "io.acc.HandBack" */
static void method_of(const char *verb, char *out, size_t out_size)
{
    bool upper = true;
    size_t n = (size_t)snprintf(out, out_size, "io.acc.");

    for (; *verb && n + 1 < out_size; verb++) {
        if (*verb == '-') {
            upper = true;
            continue;
        }
        out[n++] = (char)(upper ? toupper((unsigned char)*verb) : *verb);
        upper = false;
    }
    out[n] = '\0';
}

/* What all of them take. */
static void add_common(const struct accctl_options *o, cJSON *parameters)
{
    if (o->detach) {
        (void)cJSON_AddTrueToObject(parameters, "detach");
    }
    if (o->timeout_ms > 0) {
        (void)cJSON_AddNumberToObject(parameters, "timeout_ms", (double)o->timeout_ms);
    }
    if (o->reason) {
        (void)cJSON_AddStringToObject(parameters, "reason", o->reason);
    }
    if (o->for_ms > 0) {
        (void)cJSON_AddNumberToObject(parameters, "for_ms", (double)o->for_ms);
    }
}

static cJSON *parameters_of(const struct accctl *ctl)
{
    const struct accctl_options *o = ctl->options;
    cJSON *parameters = accctl_targets(ctl);

    if (o->all) {
        (void)cJSON_AddTrueToObject(parameters, "all");
    }
    if (o->with_dependents) {
        (void)cJSON_AddTrueToObject(parameters, "with_dependents");
    }
    if (o->volumes) {
        (void)cJSON_AddTrueToObject(parameters, "volumes");
    }
    if (o->prune) {
        (void)cJSON_AddTrueToObject(parameters, "prune");
    }
    if (o->hold) {
        (void)cJSON_AddStringToObject(parameters, "kind", o->hold);
    }
    if (o->image) {
        (void)cJSON_AddStringToObject(parameters, "image", o->image);
    }
    if (o->to > 0) {
        (void)cJSON_AddNumberToObject(parameters, "to", o->to);
    }
    if (o->yes) {
        (void)cJSON_AddTrueToObject(parameters, "yes");
    }
    if (o->keep) {
        (void)cJSON_AddTrueToObject(parameters, "keep");
    }
    if (o->build) {
        (void)cJSON_AddTrueToObject(parameters, "build");
    }
    if (o->dry_run) {
        (void)cJSON_AddTrueToObject(parameters, "dry_run");
    }
    add_common(o, parameters);
    return parameters;
}

static void flush(struct accctl *ctl, struct acc_buf *out)
{
    (void)fputs(out->data ? out->data : "", ctl->out);
    (void)fflush(ctl->out);
    acc_buf_reset(out);
}

static bool is_verb(const struct accctl *ctl, const char *verb)
{
    return strcmp(ctl->options->verb, verb) == 0;
}

/* With --json these stream their steps; of the others it is one document, the outcome. */
static bool is_streaming(const struct accctl *ctl)
{
    return is_verb(ctl, "upgrade") || is_verb(ctl, "rollback") || is_verb(ctl, "apply");
}

/* Who leaves is told that the work goes on. */
static void tell_interrupted(struct accctl *ctl)
{
    const struct accctl_options *o = ctl->options;

    (void)fprintf(ctl->err, "accctl: accd goes on with %s; follow it: accctl events -f", o->verb);
    for (size_t i = 0; i < o->n_args; i++) {
        (void)fprintf(ctl->err, " %s", o->args[i]);
    }
    (void)fprintf(ctl->err, "; how it stands: accctl status\n");
}

/* One verb under way. */
struct act {
    struct accctl *ctl;
    struct accctl_conn *conn;
    struct accctl_progress *progress;
    uint64_t started_ms;
    struct acc_buf out;
    bool is_accepted;   /* accd has answered */
    bool has_told;      /* which stacks it takes over */
    bool has_told_away; /* that it waits for the engine */
};

/* What of an order the next accd doesn't take up again, and what to do. */
static void tell_lost(struct act *act)
{
    const char *verb = act->ctl->options->verb;
    const char *service;
    bool is_queued;

    for (size_t at = 0; (service = accctl_progress_next_lost(act->progress, &at, &is_queued));) {
        (void)fprintf(act->ctl->err,
                      is_queued
                          ? "accctl: of %s only the upgrade before it goes on: the order "
                            "waited behind that, and went with accd; then again: accctl %s "
                            "%s\n"
                          : "accctl: %s stays as it was: the commands of upgrade.pre ran, and "
                            "nobody knows how far they got; look at that, then again: accctl "
                            "%s %s\n",
                      service, verb, service);
    }
}

static void add_lost(const struct act *act, cJSON *parameters)
{
    cJSON *lost = cJSON_AddArrayToObject(parameters, "lost");
    const char *service;

    for (size_t at = 0;
         (service = accctl_progress_next_lost(act->progress, &at, &(bool){false}));) {
        (void)cJSON_AddItemToArray(lost, cJSON_CreateString(service));
    }
}

/* It has left amid an order. */
static void tell_left(struct act *act, bool is_accepted)
{
    struct accctl *ctl = act->ctl;

    if (!is_accepted) {
        (void)fprintf(ctl->err,
                      "accctl: whether it had accepted the order isn't known; when it runs again: "
                      "accctl status\n");
    } else if (accctl_progress_goes_on(act->progress)) {
        (void)fprintf(ctl->err,
                      "accctl: it had accepted the order, and goes on with %s as soon as it runs "
                      "again; how it stands then: accctl status\n",
                      ctl->options->verb);
    } else {
        (void)fprintf(ctl->err,
                      "accctl: it had accepted the order, and doesn't go on with %s when it runs "
                      "again\n",
                      ctl->options->verb);
    }
    tell_lost(act);
    if (ctl->options->json) {
        cJSON *parameters = cJSON_CreateObject();

        (void)cJSON_AddStringToObject(parameters, "socket", ctl->options->socket);
        (void)cJSON_AddStringToObject(parameters, "reason", "the connection was closed");
        (void)cJSON_AddBoolToObject(parameters, "accepted", is_accepted);
        add_lost(act, parameters);
        accctl_print_json_error(ctl, "accd can't be reached", parameters);
        cJSON_Delete(parameters);
    }
}

/* What was done all the same, service by service. */
static void show_partly(struct act *act, const cJSON *answer)
{
    uint64_t now_ms = accctl_now_ms();

    (void)accctl_progress_update(act->progress, acc_json_array(answer, "progress"), now_ms,
                                 &act->out);
    accctl_progress_end(act->progress, &act->out);
    accctl_progress_put_builds(act->progress, &act->out);
    accctl_progress_put_outcomes(act->progress, &act->out);
    flush(act->ctl, &act->out);
    accctl_print_partly(act->ctl, answer, now_ms - act->started_ms);
}

/* The last reply: the outcome, or the error. */
static enum accctl_exit conclude(struct act *act, const cJSON *reply)
{
    struct accctl *ctl = act->ctl;
    const cJSON *answer = acc_json_object(reply, "parameters");

    if (acc_json_text(reply, "error")) {
        if (!ctl->options->json) {
            show_partly(act, answer);
        }
        return accctl_tell_error(ctl, reply);
    }
    if (!ctl->options->json) {
        accctl_progress_end(act->progress, &act->out);
    }
    flush(ctl, &act->out);
    accctl_print_outcome(ctl, answer, accctl_now_ms() - act->started_ms);
    return ACCCTL_DONE;
}

/* A reply that isn't an error. */
static void show(struct act *act, const cJSON *answer, bool goes_on)
{
    const cJSON *list = acc_json_array(answer, "progress");
    bool is_news;

    if (answer && !act->has_told && !act->ctl->options->json) {
        accctl_print_warnings(act->ctl, answer);
        accctl_print_adopted(act->ctl, answer);
        act->has_told = true;
    }
    if (goes_on && acc_json_bool(answer, "engine_away") && !act->has_told_away &&
        !act->ctl->options->json) {
        accctl_progress_end(act->progress, &act->out); /* its block is drawn below that */
        (void)acc_buf_puts(&act->out, "waits for the Docker Engine, which is away; accd does it as "
                                      "soon as it is back (Ctrl-C is safe)\n");
        act->has_told_away = true;
    }
    is_news = accctl_progress_update(act->progress, list, accctl_now_ms(), &act->out);

    if (act->ctl->options->json) {
        acc_buf_reset(&act->out);
        if (goes_on && is_news) {
            accctl_print_json(act->ctl, answer);
        }
    }
    flush(act->ctl, &act->out);
}

static enum accctl_exit broken(struct act *act, int r)
{
    struct accctl *ctl = act->ctl;
    enum accctl_exit code;

    if (!ctl->options->json) {
        accctl_progress_end(act->progress, &act->out);
    }
    flush(ctl, &act->out);
    if (accctl_is_interrupted()) {
        tell_interrupted(ctl);
        return ACCCTL_FAILED;
    }
    code = accctl_tell_broken(ctl, r);
    if (r == -ECONNRESET || r == -EPIPE) {
        tell_left(act, act->is_accepted || accctl_now_ms() > act->started_ms + ACCEPTED_MS);
    }
    return code;
}

/* 0: wait on. -ETIMEDOUT: it has been long enough. */
static int on_silence(struct act *act)
{
    const struct accctl_options *o = act->ctl->options;
    uint64_t now_ms = accctl_now_ms();

    if (o->timeout_ms > 0 && now_ms >= act->started_ms + o->timeout_ms + GRACE_MS) {
        return -ETIMEDOUT;
    }
    return accctl_is_silent(act->ctl) ? -ETIMEDOUT : 0;
}

/* The replies of one verb up to the last. */
static enum accctl_exit watch(struct act *act)
{
    bool is_live = act->ctl->style.height > 0 && !act->ctl->options->json;

    for (;;) {
        cJSON *reply = NULL;
        int r = accctl_receive(act->ctl, act->conn, REDRAW_MS, &reply);
        enum accctl_exit code = ACCCTL_DONE;
        bool goes_on = true;

        if ((r == -ETIMEDOUT || r == -EINTR) && !accctl_is_interrupted()) {
            r = on_silence(act);
        }
        if (r == 0 && !reply) {
            if (is_live) {
                show(act, NULL, true);
            }
            continue;
        }
        if (r < 0) {
            return broken(act, r);
        }
        act->is_accepted = true;
        goes_on = acc_json_bool(reply, "continues");
        if (!acc_json_text(reply, "error")) {
            show(act, acc_json_object(reply, "parameters"), goes_on);
        }
        if (!goes_on) {
            code = conclude(act, reply);
        }
        cJSON_Delete(reply);
        if (!goes_on) {
            return code;
        }
    }
}

static enum accctl_exit act_on(struct accctl *ctl, cJSON *parameters)
{
    struct act act = {.ctl = ctl, .started_ms = accctl_now_ms()};
    enum accctl_exit code;
    char method[64];
    int r;

    if (is_verb(ctl, "apply") && ctl->options->volumes && !ctl->options->prune) {
        (void)fprintf(ctl->err, "accctl: apply removes volumes with --prune only; give both\n");
        cJSON_Delete(parameters);
        return ACCCTL_USAGE;
    }
    if (is_verb(ctl, "upgrade") ? ctl->options->yes : ctl->options->keep) {
        (void)fprintf(ctl->err, "accctl: --keep goes with upgrade, --yes with rollback\n");
        cJSON_Delete(parameters);
        return ACCCTL_USAGE;
    }
    code = accctl_connect(ctl, &act.conn);
    bool is_rollout = is_verb(ctl, "upgrade") || is_verb(ctl, "rollback");

    act.progress = accctl_progress_create(&ctl->style, is_rollout,
                                          is_rollout && !ctl->options->detach);
    acc_buf_init(&act.out, SIZE_MAX / 2);
    if (code == ACCCTL_DONE && act.progress) {
        method_of(ctl->options->verb, method, sizeof(method));
        accctl_catch_interrupt();
        r = accctl_conn_send(act.conn, method, parameters,
                             (!ctl->options->json || is_streaming(ctl)) && !ctl->options->dry_run);
        code = r < 0 ? accctl_tell_broken(ctl, r) : watch(&act);
    }
    cJSON_Delete(parameters);
    acc_buf_fini(&act.out);
    (void)accctl_conn_close(act.conn);
    (void)accctl_progress_destroy(act.progress);
    return code;
}

enum accctl_exit accctl_cmd_act(struct accctl *ctl)
{
    return act_on(ctl, parameters_of(ctl));
}

enum accctl_exit accctl_cmd_maintenance(struct accctl *ctl)
{
    const char *word = ctl->options->args[0];
    cJSON *parameters;

    if (strcmp(word, "on") != 0 && strcmp(word, "off") != 0) {
        (void)fprintf(ctl->err, "accctl: maintenance is on or off, not '%s'\n", word);
        return ACCCTL_USAGE;
    }
    parameters = cJSON_CreateObject();
    (void)cJSON_AddBoolToObject(parameters, "on", strcmp(word, "on") == 0);
    add_common(ctl->options, parameters);
    return act_on(ctl, parameters);
}
