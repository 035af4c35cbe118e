#include "client/outcome.h"

#include <stdio.h>
#include <string.h>

#include "client/progress.h"
#include "client/render_status.h"
#include "lib/base/assert.h"
#include "lib/base/str.h"
#include "lib/codec/json_get.h"

static bool is_verb(const struct accctl *ctl, const char *verb)
{
    return strcmp(ctl->options->verb, verb) == 0;
}

/* The order in which changes are counted up. */
static const char *const changes[] = {"created", "recreated", "upgraded",  "rolled back",
                                      "updated", "started",   "restarted", "stopped",
                                      "removed", "released",  "ended"};

struct tally {
    size_t n_selected, n_changed;
    size_t n_beside; /* not asked for, and changed with those that were */
    size_t n[ACC_ARRAY_LEN(changes)];
    size_t n_refused, n_failed, n_pending;
    size_t n_skipped; /* asked for, and not counted as that */
    bool is_known;    /* accd says what has changed */
};

/* What has not come to its end as it was asked for. NULL: all has. */
static const cJSON *failures_of(const cJSON *answer)
{
    const cJSON *failures = acc_json_array(answer, "failures");

    return failures ? failures : acc_json_array(answer, "pending");
}

static const cJSON *failure_of(const cJSON *failures, const char *service)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, failures)
    {
        const char *name = acc_json_text(item, "service");

        if (name && service && strcmp(name, service) == 0) {
            return item;
        }
    }
    return NULL;
}

static void count_failure(const cJSON *failure, const cJSON *item, struct tally *tally)
{
    if (acc_json_bool(failure, "refused")) {
        tally->n_refused++;
    } else if (acc_json_bool(item, "settled")) {
        tally->n_failed++;
    } else {
        tally->n_pending++;
    }
}

static void count_change(const char *change, struct tally *tally)
{
    for (size_t i = 0; i < ACC_ARRAY_LEN(changes); i++) {
        if (strcmp(change, changes[i]) == 0) {
            tally->n[i]++;
            tally->n_changed++;
        }
    }
}

static struct tally count_up(const cJSON *answer)
{
    struct tally tally = {0};
    const cJSON *failures = failures_of(answer);
    const cJSON *item;

    cJSON_ArrayForEach(item, acc_json_array(answer, "progress"))
    {
        const char *change = acc_json_text(item, "change");
        const cJSON *failure = failure_of(failures, acc_json_text(item, "service"));
        bool is_skipped = acc_json_text(item, "skipped") != NULL;
        bool is_selected = acc_json_bool(item, "selected") && !is_skipped;

        tally.n_skipped += is_skipped;
        tally.n_selected += is_selected;
        tally.n_beside += !is_selected && change && *change;
        tally.is_known |= is_selected && change;
        if (failure && is_selected) {
            count_failure(failure, item, &tally);
        } else if (change) {
            count_change(change, &tally);
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

/* What is done with others of those that were asked for, and not with these. */
static void print_skipped(struct accctl *ctl, const cJSON *answer)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, acc_json_array(answer, "progress"))
    {
        const char *name = acc_json_text(item, "service");
        const char *why = acc_json_text(item, "skipped");

        if (why) {
            (void)fprintf(ctl->out, "%s %s\n", name ? name : "", why);
        }
    }
}

/* Why nothing came of it. */
static void print_hints(struct accctl *ctl, const cJSON *answer)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, acc_json_array(answer, "progress"))
    {
        const char *name = acc_json_text(item, "service");
        const char *hint = acc_json_text(item, "hint");

        if (hint) {
            (void)fprintf(ctl->out, "%s: %s\n", name ? name : "", hint);
        }
    }
}

static void put_left_out(struct accctl *ctl, const struct tally *tally)
{
    if (tally->n_skipped > 0) {
        (void)fprintf(ctl->out, ", %zu left out", tally->n_skipped);
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

/* " and 2 that they need"; what an apply touches beside depends on what has changed. */
static void put_beside(struct accctl *ctl, const struct tally *tally)
{
    bool is_one = tally->n_selected == 1;

    if (tally->n_beside == 0) {
        return;
    }
    if (ctl->options->with_dependents || is_verb(ctl, "apply")) {
        (void)fprintf(ctl->out, " and %zu that need%s %s", tally->n_beside,
                      tally->n_beside == 1 ? "s" : "", is_one ? "it" : "them");
    } else {
        (void)fprintf(ctl->out, " and %zu that %s", tally->n_beside,
                      is_one ? "it needs" : "they need");
    }
}

/* Of what was to be brought up and runs already: why it isn't well all the same. */
static void print_ailing(struct accctl *ctl, const cJSON *answer)
{
    const cJSON *item;

    if (!is_verb(ctl, "up") && !is_verb(ctl, "start")) {
        return;
    }
    cJSON_ArrayForEach(item, acc_json_array(answer, "progress"))
    {
        const char *name = acc_json_text(item, "service");
        const char *state = acc_json_text(item, "state");
        const char *reason = acc_json_text(item, "reason");

        if (acc_json_bool(item, "selected") && state && reason && *reason &&
            strcmp(state, "up") != 0 && strcmp(state, "done") != 0) {
            (void)fprintf(ctl->out, "%s: %s, %s\n", name ? name : "", state, reason);
        }
    }
}

/* What didn't run of a stack that is taken over stays so, which may not be meant. */
static void print_off(struct accctl *ctl, const cJSON *answer)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, acc_json_array(answer, "progress"))
    {
        const char *name = acc_json_text(item, "service");
        const char *state = acc_json_text(item, "state");
        const char *reason = acc_json_text(item, "reason");

        if (is_verb(ctl, "adopt") && state && strcmp(state, "off") == 0 && reason && *reason) {
            (void)fprintf(ctl->out, "%s: %s\n", name ? name : "", reason);
        }
    }
}

static void print_done(struct accctl *ctl, const cJSON *answer, uint64_t took_ms)
{
    struct tally tally = count_up(answer);
    size_t n_resources = print_resources(ctl, answer);
    bool has_adopted = cJSON_GetArraySize(acc_json_array(answer, "adopted")) > 0;
    const char *verb = ctl->options->verb;
    const char *plural = acc_plural(tally.n_selected);
    char took[48];

    print_skipped(ctl, answer);
    print_hints(ctl, answer);
    if (ctl->options->detach && acc_json_bool(answer, "engine_away")) {
        (void)fprintf(
            ctl->out,
            "%s: accepted; the Docker Engine is away, accd does it as soon as it is back\n", verb);
    } else if (ctl->options->detach && tally.n_selected > 0) {
        (void)fprintf(ctl->out, "%s: asked for, %zu service%s", verb, tally.n_selected, plural);
        put_left_out(ctl, &tally);
        (void)fputc('\n', ctl->out);
    } else if (n_resources == 0 && has_nothing_done(ctl, &tally, has_adopted)) {
        print_ailing(ctl, answer);
        (void)fprintf(ctl->out, "%s: nothing to do", verb);
        if (is_verb(ctl, "adopt")) {
            (void)fprintf(ctl->out, ", all of it is managed already");
        } else if (is_verb(ctl, "release")) {
            put_not_held(ctl, answer, tally.n_selected);
        } else if (tally.n_selected > 0 && !is_verb(ctl, "apply")) {
            (void)fprintf(ctl->out, ", %zu service%s %s so already", tally.n_selected, plural,
                          tally.n_selected == 1 ? "was" : "were");
        }
        put_left_out(ctl, &tally);
        (void)fputc('\n', ctl->out);
    } else {
        print_off(ctl, answer);
        accctl_format_took(took_ms, took, sizeof(took));
        (void)fprintf(ctl->out, "%s: done, %zu service%s", verb, tally.n_selected, plural);
        put_beside(ctl, &tally);
        put_tally(ctl, &tally);
        put_left_out(ctl, &tally);
        (void)fprintf(ctl->out, ", %s\n", took);
    }
}

void accctl_print_partly(struct accctl *ctl, const cJSON *answer, uint64_t took_ms)
{
    struct tally tally = count_up(answer);
    size_t n_undone = tally.n_refused + tally.n_failed + tally.n_pending;
    char took[48];

    if (tally.n_selected < 2 && tally.n_changed == 0) {
        return; /* what is said of it says all */
    }
    print_skipped(ctl, answer);
    print_hints(ctl, answer);
    (void)print_resources(ctl, answer);
    accctl_format_took(took_ms, took, sizeof(took));
    (void)fprintf(ctl->out, "%s: %s%zu of %zu service%s", ctl->options->verb,
                  ctl->options->detach ? "asked for, " : "", tally.n_selected - n_undone,
                  tally.n_selected, acc_plural(tally.n_selected));
    put_beside(ctl, &tally);
    put_tally(ctl, &tally);
    put_left_out(ctl, &tally);
    if (tally.n_refused > 0) {
        (void)fprintf(ctl->out, ", %zu refused", tally.n_refused);
    }
    if (tally.n_failed > 0) {
        (void)fprintf(ctl->out, ", %zu failed", tally.n_failed);
    }
    if (tally.n_pending > 0) {
        (void)fprintf(ctl->out, ", %zu not there yet", tally.n_pending);
    }
    if (!ctl->options->detach) {
        (void)fprintf(ctl->out, ", %s", took);
    }
    (void)fputc('\n', ctl->out);
    (void)fflush(ctl->out);
}

/* Whole stacks: taken over, which is told before anything of it is touched ... */
void accctl_print_adopted(struct accctl *ctl, const cJSON *answer)
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

void accctl_print_outcome(struct accctl *ctl, const cJSON *answer, uint64_t took_ms)
{
    const char *unsaved = acc_json_text(answer, "unsaved");
    struct acc_buf differences;

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
        print_maintenance(ctl, answer, took_ms);
    } else {
        print_notes(ctl, answer);
        print_done(ctl, answer, took_ms);
        print_observing(ctl, answer);
        if (may_adopt(ctl->options->verb)) {
            acc_buf_init(&differences, SIZE_MAX / 2);
            accctl_put_differences(acc_json_array(answer, "progress"), NULL, &ctl->style,
                                   &differences);
            (void)fputs(differences.data ? differences.data : "", ctl->out);
            acc_buf_fini(&differences);
        }
    }
    (void)fflush(ctl->out);
}
