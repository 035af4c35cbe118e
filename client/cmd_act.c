#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "client/cmd.h"
#include "client/progress.h"
#include "client/render_status.h"
#include "lib/base/assert.h"
#include "lib/base/str.h"
#include "lib/codec/json_get.h"

/* How long a reply is waited for before the clocks on a terminal are drawn again, which have
 * seconds, and before a signal that came between two waits is seen. */
#define REDRAW_MS 1000
/* accd says itself what isn't there yet when the time of --timeout is over, and looks at its clock
 * twice a second. */
#define GRACE_MS 1000

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

/* --- the last line ---------------------------------------------------------------------------- */

/* The order in which changes are counted up. */
static const char *const changes[] = {"created", "recreated", "upgraded",  "rolled back",
                                      "updated", "started",   "restarted", "stopped",
                                      "removed", "released"};

struct tally {
    size_t n_selected, n_changed;
    size_t n[ACC_ARRAY_LEN(changes)];
    bool is_known; /* accd says what has changed */
};

static struct tally count_up(const cJSON *list)
{
    struct tally tally = {0};
    const cJSON *item;

    cJSON_ArrayForEach(item, list)
    {
        const char *change = acc_json_text(item, "change");

        if (!acc_json_bool(item, "selected")) {
            continue;
        }
        tally.n_selected++;
        tally.is_known |= change != NULL;
        for (size_t i = 0; change && i < ACC_ARRAY_LEN(changes); i++) {
            if (strcmp(change, changes[i]) == 0) {
                tally.n[i]++;
                tally.n_changed++;
            }
        }
    }
    return tally;
}

/* What these ask for can be seen at containers. */
static bool has_nothing_done(const struct accctl *ctl, const struct tally *tally, bool has_adopted)
{
    static const char *const verbs[] = {"up",      "start",   "stop",     "down", "restart",
                                        "release", "upgrade", "rollback", "apply"};
    bool is_one = false;

    if (is_verb(ctl, "adopt")) {
        return !has_adopted;
    }
    for (size_t i = 0; i < ACC_ARRAY_LEN(verbs); i++) {
        is_one |= is_verb(ctl, verbs[i]);
    }
    return is_one && tally->n_changed == 0 &&
           (tally->is_known || (is_verb(ctl, "apply") && tally->n_selected == 0));
}

static void put_tally(struct accctl *ctl, const struct tally *tally)
{
    const char *before = " (";

    for (size_t i = 0; i < ACC_ARRAY_LEN(changes); i++) {
        if (tally->n[i] > 0) {
            (void)fprintf(ctl->out, "%s%zu %s", before, tally->n[i], changes[i]);
            before = ", ";
        }
    }
    if (tally->n_changed > 0) {
        (void)fputc(')', ctl->out);
    }
}

/* Apply has removed more than containers: networks and volumes. */
static size_t print_resources(struct accctl *ctl, const cJSON *answer)
{
    const cJSON *line;
    size_t n = 0;

    cJSON_ArrayForEach(line, acc_json_array(answer, "changes"))
    {
        const char *text = acc_json_text_of(line);
        const char *what = text ? strchr(text, ' ') : NULL;

        if (what && (strncmp(what, " network", 8) == 0 || strncmp(what, " volume", 7) == 0)) {
            (void)fprintf(ctl->out, "%s\n", text);
            n++;
        }
    }
    return n;
}

/* "maintenance: on until 14:30 (in 25 min), 1 service started, 0.4 s" */
static void print_maintenance(struct accctl *ctl, const cJSON *answer, uint64_t took_ms)
{
    const cJSON *hold = acc_json_object(answer, "maintenance");
    bool was_on = acc_json_bool(answer, "was_on");
    char until[96], took[48];

    accctl_until(&ctl->style, acc_json_text(hold, "until"), until, sizeof(until));
    accctl_format_took(took_ms, took, sizeof(took));
    if (hold) {
        (void)fprintf(ctl->out, "maintenance: %s until %s: nothing is changed; %s\n",
                      was_on ? "goes on" : "on", *until ? until : "accctl maintenance off", took);
    } else if (was_on) {
        (void)fprintf(ctl->out, "maintenance: off; %s\n", took);
    } else {
        (void)fprintf(ctl->out, "maintenance: nothing to do, it was not on\n");
    }
}

/* ", web isn't held", ", none of the 3 services is held" */
static void put_not_held(struct accctl *ctl, const cJSON *answer, size_t n_selected)
{
    const cJSON *item;

    if (n_selected != 1) {
        (void)fprintf(ctl->out, ", none of the %zu services is held", n_selected);
        return;
    }
    cJSON_ArrayForEach(item, acc_json_array(answer, "progress"))
    {
        const char *name = acc_json_text(item, "service");

        if (acc_json_bool(item, "selected")) {
            (void)fprintf(ctl->out, ", %s isn't held", name ? name : "it");
        }
    }
}

static void print_done(struct accctl *ctl, const cJSON *answer, uint64_t took_ms)
{
    struct tally tally = count_up(acc_json_array(answer, "progress"));
    size_t n_resources = print_resources(ctl, answer);
    bool has_adopted = cJSON_GetArraySize(acc_json_array(answer, "adopted")) > 0;
    const char *verb = ctl->options->verb;
    const char *plural = acc_plural(tally.n_selected);
    char took[48];

    if (ctl->options->detach && acc_json_bool(answer, "engine_away")) {
        (void)fprintf(
            ctl->out,
            "%s: accepted; the Docker Engine is away, accd does it as soon as it is back\n", verb);
    } else if (ctl->options->detach && tally.n_selected > 0) {
        (void)fprintf(ctl->out, "%s: asked for, %zu service%s\n", verb, tally.n_selected, plural);
    } else if (n_resources == 0 && has_nothing_done(ctl, &tally, has_adopted)) {
        (void)fprintf(ctl->out, "%s: nothing to do", verb);
        if (is_verb(ctl, "adopt")) {
            (void)fprintf(ctl->out, ", all of it is managed already");
        } else if (is_verb(ctl, "release")) {
            put_not_held(ctl, answer, tally.n_selected);
        } else if (tally.n_selected > 0 && !is_verb(ctl, "apply")) {
            (void)fprintf(ctl->out, ", %zu service%s %s so already", tally.n_selected, plural,
                          tally.n_selected == 1 ? "was" : "were");
        }
        (void)fputc('\n', ctl->out);
    } else {
        accctl_format_took(took_ms, took, sizeof(took));
        (void)fprintf(ctl->out, "%s: done, %zu service%s", verb, tally.n_selected, plural);
        put_tally(ctl, &tally);
        (void)fprintf(ctl->out, ", %s\n", took);
    }
}

/* Whole stacks: taken over, which is told before anything of it is touched ... */
static void print_adopted(struct accctl *ctl, const cJSON *answer)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, acc_json_array(answer, "adopted"))
    {
        const char *name = acc_json_text_of(item);

        (void)fprintf(ctl->out,
                      "stack %s was only observed, and is managed from here on: accd restarts its "
                      "containers, their own restart policy becomes no (back: accctl hand-back "
                      "%s)\n",
                      name ? name : "", name ? name : "");
    }
    (void)fflush(ctl->out);
}

/* ... or left alone. */
static void print_observing(struct accctl *ctl, const cJSON *answer)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, acc_json_array(answer, "observing"))
    {
        const char *name = acc_json_text_of(item);

        (void)fprintf(ctl->out,
                      "stack %s is only observed, nothing of it was touched; take it over: accctl "
                      "adopt %s\n",
                      name ? name : "", name ? name : "");
    }
}

/* Whoever takes over is told what is not as the files say. */
static bool may_adopt(const char *verb)
{
    return strcmp(verb, "adopt") == 0 || strcmp(verb, "up") == 0;
}

/* What stays as it was because somebody wants it so. */
static void print_notes(struct accctl *ctl, const cJSON *answer)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, acc_json_array(answer, "notes"))
    {
        const char *note = acc_json_text_of(item);

        (void)fprintf(ctl->out, "%s\n", note ? note : "");
    }
}

static void print_plan(struct accctl *ctl, const cJSON *plan)
{
    const cJSON *line;

    cJSON_ArrayForEach(line, plan)
    {
        const char *text = acc_json_text_of(line);

        (void)fprintf(ctl->out, "%s\n", text ? text : "");
    }
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
    bool has_told;      /* which stacks it takes over */
    bool has_told_away; /* that it waits for the engine */
};

static void print_outcome(struct act *act, const cJSON *answer)
{
    struct accctl *ctl = act->ctl;
    const cJSON *list = acc_json_array(answer, "progress");

    const char *unsaved = acc_json_text(answer, "unsaved");

    if (unsaved && *unsaved) {
        (void)fprintf(ctl->err,
                      "accctl: not saved: %s; what was asked for is forgotten if accd ends\n",
                      unsaved);
    }
    if (ctl->options->json) {
        accctl_print_json(ctl, answer);
    } else if (ctl->options->dry_run) {
        print_plan(ctl, acc_json_array(answer, "plan"));
    } else if (is_verb(ctl, "maintenance")) {
        print_maintenance(ctl, answer, accctl_now_ms() - act->started_ms);
    } else {
        print_notes(ctl, answer);
        print_done(ctl, answer, accctl_now_ms() - act->started_ms);
        print_observing(ctl, answer);
        if (may_adopt(ctl->options->verb)) {
            accctl_put_differences(list, NULL, &ctl->style, &act->out);
            flush(ctl, &act->out);
        }
    }
}

/* The last reply: the outcome, or the error. */
static enum accctl_exit conclude(struct act *act, const cJSON *reply)
{
    struct accctl *ctl = act->ctl;
    enum accctl_exit code = ACCCTL_DONE;
    bool is_error = acc_json_text(reply, "error") != NULL;

    if (!ctl->options->json) {
        accctl_progress_end(act->progress, &act->out);
    }
    if (!ctl->options->json && is_error) {
        accctl_progress_put_builds(act->progress, &act->out);
    }
    flush(ctl, &act->out);
    if (is_error) {
        code = accctl_tell_error(ctl, reply);
    } else {
        print_outcome(act, acc_json_object(reply, "parameters"));
    }
    return code;
}

/* A reply that isn't an error. */
static void show(struct act *act, const cJSON *answer, bool goes_on)
{
    const cJSON *list = acc_json_array(answer, "progress");
    bool is_news;

    if (answer && !act->has_told && !act->ctl->options->json) {
        accctl_print_warnings(act->ctl, answer);
        print_adopted(act->ctl, answer);
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

    if (!ctl->options->json) {
        accctl_progress_end(act->progress, &act->out);
    }
    flush(ctl, &act->out);
    if (accctl_is_interrupted()) {
        tell_interrupted(ctl);
        return ACCCTL_FAILED;
    }
    return accctl_tell_broken(ctl, r);
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
    act.progress = accctl_progress_create(&ctl->style, !is_verb(ctl, "apply"));
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
