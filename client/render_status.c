#include "client/render_status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/render_auto.h"
#include "lib/base/assert.h"
#include "lib/base/str.h"
#include "lib/codec/json_get.h"

/* How much a state matters to somebody who looks for trouble. */
enum mood { MOOD_WELL, MOOD_OFF, MOOD_MOVING, MOOD_BAD };

static const struct {
    const char *state;
    enum mood mood;
    enum accctl_color color;
} moods[] = {
    {"up", MOOD_WELL, ACCCTL_GREEN},
    {"done", MOOD_WELL, ACCCTL_GREEN},
    {"off", MOOD_OFF, ACCCTL_DIM},
    {"queued", MOOD_MOVING, ACCCTL_YELLOW},
    {"starting", MOOD_MOVING, ACCCTL_YELLOW},
    {"stopping", MOOD_MOVING, ACCCTL_YELLOW},
    {"upgrading", MOOD_MOVING, ACCCTL_YELLOW},
    {"rolling-back", MOOD_BAD, ACCCTL_YELLOW},
    {"blocked", MOOD_BAD, ACCCTL_YELLOW},
    {"impaired", MOOD_BAD, ACCCTL_YELLOW},
    {"held", MOOD_BAD, ACCCTL_YELLOW},
    {"half-open", MOOD_BAD, ACCCTL_YELLOW},
    {"backoff", MOOD_BAD, ACCCTL_RED},
    {"open", MOOD_BAD, ACCCTL_RED},
    {"failed", MOOD_BAD, ACCCTL_RED},
};

static const char *text_of(const cJSON *object, const char *key)
{
    const char *text = acc_json_text(object, key);

    return text ? text : "";
}

static bool is_state(const cJSON *service, const char *state)
{
    return strcmp(text_of(service, "state"), state) == 0;
}

enum accctl_color accctl_state_color(const char *state)
{
    for (size_t i = 0; i < ACC_ARRAY_LEN(moods); i++) {
        if (strcmp(moods[i].state, state) == 0) {
            return moods[i].color;
        }
    }
    return ACCCTL_PLAIN;
}

static enum mood mood_of_state(const cJSON *service)
{
    for (size_t i = 0; i < ACC_ARRAY_LEN(moods); i++) {
        if (is_state(service, moods[i].state)) {
            return moods[i].mood;
        }
    }
    return MOOD_BAD; /* a state that a newer accd has */
}

static const cJSON *find_service(const cJSON *status, const char *id)
{
    const cJSON *service;

    cJSON_ArrayForEach(service, acc_json_array(status, "services"))
    {
        if (strcmp(text_of(service, "id"), id) == 0) {
            return service;
        }
    }
    return NULL;
}

/* Blocked by what only starts is the way of every start, and no trouble. */
static bool waits_for_a_start(const cJSON *status, const cJSON *service)
{
    const cJSON *roots = acc_json_array(service, "root");
    const cJSON *root;

    cJSON_ArrayForEach(root, roots)
    {
        const char *id = acc_json_text_of(root);
        const cJSON *other = id ? find_service(status, id) : NULL;

        if (!other || mood_of_state(other) != MOOD_MOVING) {
            return false;
        }
    }
    return cJSON_GetArraySize(roots) > 0;
}

static enum mood mood_of(const cJSON *status, const cJSON *service)
{
    enum mood mood = mood_of_state(service);

    if (mood == MOOD_OFF && strcmp(text_of(service, "desired"), "up") == 0) {
        return acc_json_object(status, "shutdown") ? MOOD_OFF : MOOD_BAD;
    }
    if (is_state(service, "blocked") && waits_for_a_start(status, service)) {
        return MOOD_MOVING;
    }
    return mood;
}

/* --- head --------------------------------------------------------------------------------------
 */

static void put_of(struct acc_buf *out, const char *label, const cJSON *bytes)
{
    int64_t total = acc_json_int(bytes, "total", 0), used = acc_json_int(bytes, "used", 0);
    char total_text[32], used_text[32];

    if (total <= 0) {
        return;
    }
    acc_format_bytes((uint64_t)total, total_text, sizeof(total_text));
    acc_format_bytes(used > 0 ? (uint64_t)used : 0, used_text, sizeof(used_text));
    (void)acc_buf_printf(out, "   %s %s of %s", label, used_text, total_text);
}

/* "by root: new disk, until 18:00 (in 25 min)" */
static void format_hold(const cJSON *hold, const struct accctl_style *style, char *out,
                        size_t out_size)
{
    const char *reason = text_of(hold, "reason");
    char until[96];

    accctl_until(style, text_of(hold, "until"), until, sizeof(until));
    /* Both are bounded by accd; a cut is fine. */
    (void)snprintf(out, out_size, "by %.63s%s%.160s%s%s", text_of(hold, "by"), *reason ? ": " : "",
                   reason, *until ? ", until " : "", until);
}

static void put_maintenance(const cJSON *hold, const struct accctl_style *style,
                            struct acc_buf *out)
{
    char who[384], line[448];

    if (hold) {
        format_hold(hold, style, who, sizeof(who));
        (void)snprintf(line, sizeof(line), "maintenance %s; accctl maintenance off ends it", who);
        accctl_put_color(out, style, ACCCTL_YELLOW, line, 0);
        (void)acc_buf_puts(out, "\n");
    }
}

static void put_shutdown(const cJSON *shutdown, const struct accctl_style *style,
                         struct acc_buf *out)
{
    int64_t running = acc_json_int(shutdown, "running", 0);
    char line[128], until[96];

    if (shutdown) {
        accctl_until(style, text_of(shutdown, "until"), until, sizeof(until));
        (void)snprintf(line, sizeof(line),
                       "the host is shutting down: %lld service%s still to be stopped%s%.60s",
                       (long long)running, acc_plural((size_t)running), *until ? ", until " : "",
                       until);
        accctl_put_color(out, style, ACCCTL_YELLOW, line, 0);
        (void)acc_buf_puts(out, "\n");
    }
}

/* Names of the stacks of a kind, ", " between them, each behind `before`. */
static bool list_stacks(const cJSON *stacks, const char *mode, bool is_lost, const char *before,
                        struct acc_buf *out)
{
    size_t len = out->len;
    const cJSON *stack;

    cJSON_ArrayForEach(stack, stacks)
    {
        if (acc_json_bool(stack, "state_lost") == is_lost &&
            strcmp(text_of(stack, "mode"), mode) == 0) {
            (void)acc_buf_printf(out, "%s%s%s", out->len > len ? ", " : "", before,
                                 text_of(stack, "name"));
        }
    }
    return out->len > len;
}

static void put_line(struct acc_buf *line, const struct accctl_style *style, struct acc_buf *out)
{
    accctl_put_color(out, style, ACCCTL_YELLOW, line->data, 0);
    (void)acc_buf_puts(out, "\n");
    acc_buf_reset(line);
}

/* Of which stacks accd knows no more than their containers tell, or leaves them alone. */
static void put_lost(const cJSON *stacks, const struct accctl_style *style, struct acc_buf *out)
{
    struct acc_buf line;

    acc_buf_init(&line, 65536);
    (void)acc_buf_puts(&line, "the state was lost; ");
    if (list_stacks(stacks, "managing", true, "", &line)) {
        (void)acc_buf_puts(&line, " went on by the labels of the containers: what was stopped or "
                                  "held before may need to be so again");
        put_line(&line, style, out);
    }
    acc_buf_reset(&line);
    (void)acc_buf_puts(&line, "nobody restarts ");
    if (list_stacks(stacks, "observing", true, "", &line)) {
        (void)acc_buf_puts(&line,
                           ": only observed, and without the restart policy of its file, as "
                           "after an adoption that accd has no record of; take over again: ");
        (void)list_stacks(stacks, "observing", true, "accctl adopt ", &line);
        put_line(&line, style, out);
    }
    acc_buf_fini(&line);
}

/* Whose files didn't load when accd was started. */
static void put_unloaded(const cJSON *item, const struct accctl_style *style, struct acc_buf *out)
{
    int64_t n = acc_json_int(item, "containers", 0), n_running = acc_json_int(item, "running", 0);
    int64_t n_more = acc_json_int(item, "errors", 1) - 1;
    struct acc_buf line;

    acc_buf_init(&line, 65536);
    (void)acc_buf_printf(&line, "%s is not loaded: %s", text_of(item, "name"),
                         text_of(item, "problem"));
    if (n_more > 0) {
        (void)acc_buf_printf(&line, " (and %lld more: accctl check)", (long long)n_more);
    }
    if (n > 0) {
        (void)acc_buf_printf(
            &line, "; its %lld container%s (%lld run%s) %s left alone, and nobody restarts %s",
            (long long)n, acc_plural((size_t)n), (long long)n_running, n_running == 1 ? "s" : "",
            n == 1 ? "is" : "are", n == 1 ? "it" : "them");
    } else {
        (void)acc_buf_puts(&line, "; nothing of it is started");
    }
    (void)acc_buf_puts(&line, "; mend it, then: accctl apply");
    accctl_put_color(out, style, ACCCTL_RED, line.data ? line.data : "", 0);
    (void)acc_buf_puts(out, "\n");
    acc_buf_fini(&line);
}

/* What has taken its place in the files runs beside it. */
static void put_left(const cJSON *left, const struct accctl_style *style, struct acc_buf *out)
{
    const cJSON *item;
    size_t n = (size_t)cJSON_GetArraySize(left);
    struct acc_buf line;

    if (n == 0) {
        return;
    }
    acc_buf_init(&line, 65536);
    cJSON_ArrayForEach(item, left)
    {
        const char *id = acc_json_text_of(item);

        (void)acc_buf_printf(&line, "%s%s", line.len > 0 ? ", " : "", id ? id : "");
    }
    (void)acc_buf_printf(
        &line, " left %s while no accd ran, and run%s still: accctl apply stops %s",
        n == 1 ? "its file" : "their files", n == 1 ? "s" : "", n == 1 ? "it" : "them");
    accctl_put_color(out, style, ACCCTL_YELLOW, line.data ? line.data : "", 0);
    (void)acc_buf_puts(out, "\n");
    acc_buf_fini(&line);
}

/* Of whose files there was none when accd was started. */
static void put_unlisted(const cJSON *status, const struct accctl_style *style, struct acc_buf *out)
{
    const cJSON *list = acc_json_array(status, "unlisted"), *item;
    int64_t n_containers = 0, n_running = 0;
    bool is_one = true;
    struct acc_buf line;

    acc_buf_init(&line, 65536);
    cJSON_ArrayForEach(item, list)
    {
        if (*text_of(item, "problem")) {
            put_unloaded(item, style, out);
            continue;
        }
        is_one = line.len == 0;
        (void)acc_buf_printf(&line, "%s%s", line.len > 0 ? ", " : "", text_of(item, "name"));
        n_containers += acc_json_int(item, "containers", 0);
        n_running += acc_json_int(item, "running", 0);
    }
    if (line.len > 0) {
        (void)acc_buf_printf(
            &line,
            " %s managed, and no file is there of %s any more: %s %lld container%s (%lld run%s) "
            "%s left alone, and nobody restarts %s",
            is_one ? "is" : "are", is_one ? "it" : "them", is_one ? "its" : "their",
            (long long)n_containers, acc_plural((size_t)n_containers), (long long)n_running,
            n_running == 1 ? "s" : "", n_containers == 1 ? "is" : "are",
            n_containers == 1 ? "it" : "them");
        size_t len = line.len;

        cJSON_ArrayForEach(item, acc_json_array(status, "unmatched"))
        {
            const char *pattern = acc_json_text_of(item);

            (void)acc_buf_printf(&line, "%s%s", line.len > len ? ", " : "; no file matches ",
                                 pattern ? pattern : "");
        }
        (void)acc_buf_puts(&line, "; put the files back, or mend acc.yaml, then: accctl apply");
        accctl_put_color(out, style, ACCCTL_RED, line.data, 0);
        (void)acc_buf_puts(out, "\n");
    }
    acc_buf_fini(&line);
}

/* Networks and volumes that aren't as their files say, which no apply can change. */
static void put_resources(const cJSON *status, const struct accctl_style *style,
                          struct acc_buf *out)
{
    const cJSON *item, *reason;
    struct acc_buf line;

    acc_buf_init(&line, 65536);
    cJSON_ArrayForEach(item, acc_json_array(status, "resources"))
    {
        const cJSON *reasons = acc_json_array(item, "reasons");

        acc_buf_reset(&line);
        (void)acc_buf_printf(&line, "%s isn't as its file says: ", text_of(item, "service"));
        cJSON_ArrayForEach(reason, reasons)
        {
            (void)acc_buf_printf(&line, "%s%s",
                                 reason == reasons->child ? ""
                                 : reason->next           ? ", "
                                                          : "; ",
                                 text_of(reason, "text"));
        }
        put_line(&line, style, out);
    }
    acc_buf_fini(&line);
}

static bool is_observing(const cJSON *stack)
{
    return strcmp(text_of(stack, "mode"), "observing") == 0;
}

/* Below the stacks: what to do about those that are only observed. */
static void put_observing(const cJSON *stacks, const struct accctl_style *style,
                          struct acc_buf *out)
{
    const cJSON *stack, *last = NULL;
    struct acc_buf line;
    size_t n = 0;

    cJSON_ArrayForEach(stack, stacks)
    {
        if (is_observing(stack) && !acc_json_bool(stack, "state_lost")) {
            last = stack;
            n++;
        }
    }
    acc_buf_init(&line, 65536);
    if (list_stacks(stacks, "observing", false, "", &line)) {
        (void)acc_buf_printf(&line, " %s only observed, nothing of %s is touched; take %sover: ",
                             n == 1 ? "is" : "are", n == 1 ? "it" : "them", n == 1 ? "it " : "");
        (void)acc_buf_printf(&line, "accctl adopt %s", n == 1 ? text_of(last, "name") : "[STACK]");
        put_line(&line, style, out);
    }
    acc_buf_fini(&line);
}

static void put_unsaved(const char *why, const struct accctl_style *style, struct acc_buf *out)
{
    char line[512];

    if (*why) {
        (void)snprintf(line, sizeof(line),
                       "not saved: %.400s; what is asked for is forgotten if accd ends", why);
        accctl_put_color(out, style, ACCCTL_RED, line, 0);
        (void)acc_buf_puts(out, "\n");
    }
}

void accctl_put_head(const cJSON *status, const struct accctl_style *style, struct acc_buf *out)
{
    const cJSON *engine = acc_json_object(status, "engine");
    const char *version = text_of(engine, "version");
    const cJSON *gpu;
    char line[128];

    if (acc_json_bool(engine, "connected")) {
        (void)snprintf(line, sizeof(line), "Docker %.40s (API %.20s)", version,
                       text_of(engine, "api"));
        accctl_put_color(out, style, ACCCTL_BOLD, line, 0);
    } else {
        accctl_put_color(out, style, ACCCTL_RED, "Docker is away; below is what was seen last", 0);
    }
    put_of(out, "memory", acc_json_object(acc_json_object(status, "host"), "memory"));
    cJSON_ArrayForEach(gpu, acc_json_array(status, "gpus"))
    {
        (void)snprintf(line, sizeof(line), "%.60s VRAM", text_of(gpu, "name"));
        put_of(out, line, acc_json_object(gpu, "vram"));
    }
    (void)acc_buf_puts(out, "\n");
    put_unsaved(text_of(status, "unsaved"), style, out);
    put_shutdown(acc_json_object(status, "shutdown"), style, out);
    put_maintenance(acc_json_object(status, "maintenance"), style, out);
    put_lost(acc_json_array(status, "stacks"), style, out);
    put_unlisted(status, style, out);
    put_left(acc_json_array(status, "left"), style, out);
    put_resources(status, style, out);
}

/* --- problems ----------------------------------------------------------------------------------
 */

struct problem {
    const cJSON *service;
    bool is_symptom;
    const char *since;
};

/* It failed and is on its way back: what suffers from it is listed, so it must be, too. */
static bool is_healing_root(const cJSON *status, const cJSON *service)
{
    const cJSON *incident;

    if (mood_of(status, service) != MOOD_MOVING) {
        return false;
    }
    cJSON_ArrayForEach(incident, acc_json_array(status, "incidents"))
    {
        if (acc_json_bool(incident, "open") &&
            strcmp(text_of(incident, "root"), text_of(service, "id")) == 0) {
            return true;
        }
    }
    return false;
}

/* Roots before symptoms, then the older first; RFC 3339 sorts by its bytes. */
static int by_weight(const void *a, const void *b)
{
    const struct problem *x = a, *y = b;
    int order = (int)x->is_symptom - (int)y->is_symptom;

    order = order != 0 ? order : strcmp(x->since, y->since);
    return order != 0 ? order : strcmp(text_of(x->service, "id"), text_of(y->service, "id"));
}

/* The problems of a stack, or of all with NULL; the caller frees. */
static struct problem *find_problems(const cJSON *status, const char *stack, size_t *ret_n)
{
    const cJSON *services = acc_json_array(status, "services");
    struct problem *problems = calloc((size_t)cJSON_GetArraySize(services) + 1, sizeof(*problems));
    const cJSON *service;
    size_t n = 0;

    cJSON_ArrayForEach(service, services)
    {
        if (problems &&
            (mood_of(status, service) == MOOD_BAD || is_healing_root(status, service)) &&
            (!stack || strcmp(text_of(service, "stack"), stack) == 0)) {
            problems[n++] = (struct problem){
                service, cJSON_GetArraySize(acc_json_array(service, "root")) > 0,
                text_of(service, "since")};
        }
    }
    if (n > 1) {
        qsort(problems, n, sizeof(*problems), by_weight);
    }
    *ret_n = n;
    return problems;
}

/* `off` that should be up is said as such. */
static const char *state_text(const cJSON *service)
{
    if (acc_json_bool(service, "removed")) {
        return "removed";
    }
    return text_of(service, "state");
}

/* What a reason says last is what to do: who doesn't see it is told where it stands. */
static void put_reasons(struct accctl_table *table, const struct accctl_style *style,
                        const char *indent, struct acc_buf *out)
{
    accctl_table_fold(table);
    if (accctl_table_put(table, style, out)) {
        (void)acc_buf_puts(out, indent);
        accctl_put_color(out, style, ACCCTL_DIM, "in full: accctl why SERVICE", 0);
        (void)acc_buf_puts(out, "\n");
    }
}

static void put_overview_row(struct accctl_table *table, const cJSON *service,
                             const struct accctl_style *style)
{
    char ago[48];

    accctl_ago(style, text_of(service, "since"), ago, sizeof(ago));
    accctl_table_row(table, accctl_state_color(text_of(service, "state")), 1);
    accctl_table_cell(table, text_of(service, "id"));
    accctl_table_cell(table, state_text(service));
    accctl_table_cell(table, ago);
    accctl_table_cell(table, text_of(service, "reason"));
}

static void put_problems(const cJSON *status, const struct accctl_style *style, struct acc_buf *out)
{
    size_t n = 0;
    struct problem *problems = find_problems(status, NULL, &n);
    struct accctl_table *table = accctl_table_create(4, "");

    for (size_t i = 0; i < n; i++) {
        put_overview_row(table, problems[i].service, style);
    }
    if (n > 0) {
        (void)acc_buf_puts(out, "\n");
        put_reasons(table, style, "", out);
    }
    accctl_table_destroy(table);
    free(problems);
}

/* Holds, and upgrades, that an overview names; `status STACK` has all. */
#define NAMED_MAX 8u

static bool is_problem(const struct problem *problems, size_t n, const cJSON *service)
{
    for (size_t i = 0; i < n; i++) {
        if (problems[i].service == service) {
            return true;
        }
    }
    return false;
}

static void put_held(struct accctl_table *table, const cJSON *service,
                     const struct accctl_style *style)
{
    const cJSON *hold = acc_json_object(service, "hold");
    const char *kind = text_of(hold, "kind");
    char who[320], text[640];

    format_hold(hold, style, who, sizeof(who));
    (void)snprintf(text, sizeof(text), "%s; accctl release %.255s ends it", who,
                   text_of(service, "id"));
    accctl_table_row(table, ACCCTL_YELLOW, 1);
    accctl_table_cell(table, text_of(service, "id"));
    accctl_table_cell(table, strcmp(kind, "up") == 0     ? "held up"
                             : strcmp(kind, "down") == 0 ? "held down"
                                                         : "frozen");
    accctl_table_cell(table, text);
}

/* Some of `n`, which are `what`, in the table. */
static void put_named(struct accctl_table *table, size_t n, const char *what,
                      const struct accctl_style *style, struct acc_buf *out)
{
    if (n > 0) {
        (void)acc_buf_puts(out, "\n");
        put_reasons(table, style, "", out);
    }
    if (n > NAMED_MAX) {
        (void)acc_buf_printf(out, "and %zu more are %s: accctl status STACK\n", n - NAMED_MAX,
                             what);
    }
}

/* Who is held, and well; the reason of a problem tells of its hold itself. */
static void put_holds(const cJSON *status, const struct accctl_style *style, struct acc_buf *out)
{
    size_t n_problems = 0, n = 0;
    struct problem *problems = find_problems(status, NULL, &n_problems);
    struct accctl_table *table = accctl_table_create(3, "");
    const cJSON *service;

    cJSON_ArrayForEach(service, acc_json_array(status, "services"))
    {
        if (acc_json_object(service, "hold") && !is_problem(problems, n_problems, service) &&
            n++ < NAMED_MAX) {
            put_held(table, service, style);
        }
    }
    put_named(table, n, "held", style, out);
    accctl_table_destroy(table);
    free(problems);
}

/* Its state says so, or, while it is watched, nothing of it: it is up. */
static bool is_upgraded(const cJSON *service)
{
    return is_state(service, "upgrading") || strcmp(text_of(service, "step"), "watch") == 0;
}

/* The steps of those under way, as `upgrade` tells them; one that goes back is a problem. */
static void put_upgrades(const cJSON *status, const struct accctl_style *style, struct acc_buf *out)
{
    size_t n_problems = 0, n = 0;
    struct problem *problems = find_problems(status, NULL, &n_problems);
    struct accctl_table *table = accctl_table_create(4, "");
    const cJSON *service;

    cJSON_ArrayForEach(service, acc_json_array(status, "services"))
    {
        if (is_upgraded(service) && !is_problem(problems, n_problems, service) && n++ < NAMED_MAX) {
            put_overview_row(table, service, style);
        }
    }
    put_named(table, n, "upgraded", style, out);
    accctl_table_destroy(table);
    free(problems);
}

/* --- stacks ------------------------------------------------------------------------------------
 */

struct tally {
    unsigned well, wanted, off, moving, upgraded, held;
};

static struct tally count(const cJSON *status, const char *stack)
{
    struct tally tally = {0};
    const cJSON *service;

    cJSON_ArrayForEach(service, acc_json_array(status, "services"))
    {
        enum mood mood = mood_of(status, service);
        bool serves;

        if (strcmp(text_of(service, "stack"), stack) != 0) {
            continue;
        }
        serves = acc_json_bool(service, "serves");
        tally.well += mood == MOOD_WELL || serves || acc_json_bool(service, "old_serves");
        tally.moving += mood == MOOD_MOVING && !serves;
        tally.upgraded += mood == MOOD_MOVING && serves;
        tally.off += mood == MOOD_OFF;
        tally.wanted += mood != MOOD_OFF;
        tally.held += acc_json_object(service, "hold") != NULL;
    }
    return tally;
}

static void format_tally(struct tally tally, char *out, size_t out_size)
{
    int n = snprintf(out, out_size, "%u of %u up", tally.well, tally.wanted);

    if (tally.moving > 0 && n > 0 && (size_t)n < out_size) {
        n += snprintf(out + n, out_size - (size_t)n, ", %u on the way", tally.moving);
    }
    if (tally.upgraded > 0 && n > 0 && (size_t)n < out_size) {
        n += snprintf(out + n, out_size - (size_t)n, ", %u being upgraded", tally.upgraded);
    }
    if (tally.off > 0 && n > 0 && (size_t)n < out_size) {
        n += snprintf(out + n, out_size - (size_t)n, ", %u off", tally.off);
    }
    if (tally.held > 0 && n > 0 && (size_t)n < out_size) {
        (void)snprintf(out + n, out_size - (size_t)n, ", %u held", tally.held);
    }
}

static void put_stack(struct accctl_table *table, const cJSON *status, const cJSON *stack,
                      const struct accctl_style *style)
{
    const char *name = text_of(stack, "name");
    size_t n = 0;
    struct problem *problems = find_problems(status, name, &n);
    struct tally tally = count(status, name);
    char tally_text[96], worst[256] = "", ago[48];

    format_tally(tally, tally_text, sizeof(tally_text));
    if (n > 0) {
        accctl_ago(style, problems[0].since, ago, sizeof(ago));
        (void)snprintf(worst, sizeof(worst), "%.100s: %.20s %s",
                       text_of(problems[0].service, "name"), state_text(problems[0].service), ago);
    }
    accctl_table_row(table,
                     n > 0                               ? ACCCTL_RED
                     : tally.moving + tally.upgraded > 0 ? ACCCTL_YELLOW
                     : tally.wanted > 0                  ? ACCCTL_GREEN
                                                         : ACCCTL_DIM,
                     2);
    accctl_table_cell(table, name);
    accctl_table_cell(table, text_of(stack, "mode"));
    accctl_table_cell(table, tally_text);
    accctl_table_cell(table, worst);
    free(problems);
}

void accctl_put_overview(const cJSON *status, const struct accctl_style *style, struct acc_buf *out)
{
    const cJSON *stacks = acc_json_array(status, "stacks");
    struct accctl_table *table = accctl_table_create(4, "");
    const cJSON *stack;

    accctl_put_head(status, style, out);
    put_problems(status, style, out);
    put_holds(status, style, out);
    put_upgrades(status, style, out);
    cJSON_ArrayForEach(stack, stacks)
    {
        put_stack(table, status, stack, style);
    }
    (void)acc_buf_puts(out, cJSON_GetArraySize(stacks) > 0 ? "\n" : "\nno stacks\n");
    (void)accctl_table_put(table, style, out);
    accctl_table_destroy(table);
    put_observing(stacks, style, out);
    accctl_put_autos(status, style, out);
}

/* A verdict without a check says no more than what was seen. */
static const char *health_text(const cJSON *service)
{
    const char *health = text_of(service, "health");
    const char *evidence = text_of(service, "evidence");
    bool is_well = strcmp(health, "healthy") == 0 || strcmp(health, "none") == 0;

    if (is_well && strcmp(evidence, "listens") == 0) {
        return "listening";
    }
    if (is_well && strcmp(evidence, "runs") == 0) {
        return "running";
    }
    return *health && strcmp(health, "none") != 0 ? health : "-";
}

/* --- in full -----------------------------------------------------------------------------------
 */

static void put_row(struct accctl_table *table, const cJSON *service,
                    const struct accctl_style *style)
{
    char ago[48], restarts[24];

    accctl_ago(style, text_of(service, "since"), ago, sizeof(ago));
    (void)snprintf(restarts, sizeof(restarts), "%lld",
                   (long long)acc_json_int(service, "restarts", 0));
    accctl_table_row(table, accctl_state_color(text_of(service, "state")), 1);
    accctl_table_cell(table, text_of(service, "name"));
    accctl_table_cell(table, state_text(service));
    accctl_table_cell(table, health_text(service));
    accctl_table_cell(table, ago);
    accctl_table_cell(table, restarts);
    accctl_table_cell(table, text_of(service, "reason"));
}

/* Of a service whose containers are not what its file says: in what. */
static void put_differing(struct accctl_table *table, const char *name, const cJSON *differences)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, differences)
    {
        char line[320];

        (void)snprintf(line, sizeof(line), "%.255s%s", text_of(item, "text"),
                       acc_json_bool(item, "live") ? " (can be changed live)" : "");
        accctl_table_row(table, ACCCTL_YELLOW, 0);
        accctl_table_cell(table, item == differences->child ? name : "");
        accctl_table_cell(table, line);
    }
}

/* The first container that differs: all of a service are made of one file. */
static const cJSON *find_differences(const cJSON *service)
{
    const cJSON *instance;

    cJSON_ArrayForEach(instance, acc_json_array(service, "instances"))
    {
        const cJSON *list = acc_json_array(instance, "differences");

        if (cJSON_GetArraySize(list) > 0) {
            return list;
        }
    }
    return NULL;
}

void accctl_put_differences(const cJSON *services, const char *stack,
                            const struct accctl_style *style, struct acc_buf *out)
{
    struct accctl_table *table = accctl_table_create(2, "  ");
    const cJSON *service;
    bool any = false;

    cJSON_ArrayForEach(service, services)
    {
        const cJSON *direct = acc_json_array(service, "differences"); /* of a progress */
        const cJSON *list = direct ? direct : find_differences(service);
        const char *name = direct ? text_of(service, "service") : text_of(service, "name");

        if (cJSON_GetArraySize(list) > 0 &&
            (!stack || strcmp(text_of(service, "stack"), stack) == 0)) {
            put_differing(table, name, list);
            any = true;
        }
    }
    if (any) {
        (void)acc_buf_puts(out, "\n  not what the files say (nothing is changed unasked)\n");
        (void)accctl_table_put(table, style, out);
    }
    accctl_table_destroy(table);
}

#define OBSERVED "only observed, nothing of it is touched; take it over: accctl adopt "

void accctl_put_full(const cJSON *status, const struct accctl_style *style, struct acc_buf *out)
{
    static const char *const titles[] = {"service", "state",    "health",
                                         "since",   "restarts", "reason"};
    const cJSON *stack, *service;

    accctl_put_head(status, style, out);
    cJSON_ArrayForEach(stack, acc_json_array(status, "stacks"))
    {
        const char *name = text_of(stack, "name");
        struct accctl_table *table = accctl_table_create(ACC_ARRAY_LEN(titles), "  ");
        char line[320], tally[96];

        format_tally(count(status, name), tally, sizeof(tally));
        (void)snprintf(line, sizeof(line), "%.200s (%.20s): %s", name, text_of(stack, "mode"),
                       tally);
        (void)acc_buf_puts(out, "\n");
        accctl_put_color(out, style, ACCCTL_BOLD, line, 0);
        (void)acc_buf_puts(out, "\n");
        if (is_observing(stack)) {
            (void)snprintf(line, sizeof(line), "  " OBSERVED "%.200s\n", name);
            (void)acc_buf_puts(out, line);
        }
        accctl_table_titles(table, titles, ACC_ARRAY_LEN(titles));
        cJSON_ArrayForEach(service, acc_json_array(status, "services"))
        {
            if (strcmp(text_of(service, "stack"), name) == 0) {
                put_row(table, service, style);
            }
        }
        put_reasons(table, style, "  ", out);
        accctl_table_destroy(table);
        accctl_put_differences(acc_json_array(status, "services"), name, style, out);
    }
}

/* --- one service -------------------------------------------------------------------------------
 */

static void put_fact(struct accctl_table *table, const char *what, const char *text)
{
    if (*text) {
        accctl_table_row(table, ACCCTL_PLAIN, SIZE_MAX);
        accctl_table_cell(table, what);
        accctl_table_cell(table, text);
    }
}

static void put_list(struct accctl_table *table, const char *what, const cJSON *list)
{
    struct acc_buf line;
    const cJSON *item;

    acc_buf_init(&line, 65536);
    cJSON_ArrayForEach(item, list)
    {
        const char *text = acc_json_text_of(item);

        (void)acc_buf_printf(&line, "%s%s", line.len > 0 ? ", " : "", text ? text : "");
    }
    put_fact(table, what, line.data ? line.data : "");
    acc_buf_fini(&line);
}

static void put_instance(struct accctl_table *table, const cJSON *instance,
                         const struct accctl_style *style)
{
    char line[640], ago[48];

    if (*text_of(instance, "name") == '\0') {
        return; /* it has none yet */
    }
    accctl_ago(style, text_of(instance, "started_at"), ago, sizeof(ago));
    (void)snprintf(line, sizeof(line), "%.255s %.12s %.20s%s%s%s%s", text_of(instance, "name"),
                   text_of(instance, "id"), text_of(instance, "state"), *ago ? ", started " : "",
                   ago, *ago ? " ago" : "",
                   acc_json_bool(instance, "differs") ? ", differs from the file" : "");
    put_fact(table, "container", line);
    put_differing(table, "  differs", acc_json_array(instance, "differences"));
}

static void put_use(struct accctl_table *table, const cJSON *service)
{
    const cJSON *memory = acc_json_object(acc_json_object(service, "resources"), "memory");
    int64_t reserved = acc_json_int(memory, "reserved", 0), used = acc_json_int(memory, "used", 0);
    char reserved_text[32], used_text[32], line[96];

    if (reserved <= 0 && used <= 0) {
        return;
    }
    acc_format_bytes(reserved > 0 ? (uint64_t)reserved : 0, reserved_text, sizeof(reserved_text));
    acc_format_bytes(used > 0 ? (uint64_t)used : 0, used_text, sizeof(used_text));
    if (used <= 0) {
        (void)snprintf(line, sizeof(line), "%s reserved", reserved_text);
    } else if (reserved <= 0) {
        (void)snprintf(line, sizeof(line), "%s used", used_text);
    } else {
        (void)snprintf(line, sizeof(line), "%s of %s", used_text, reserved_text);
    }
    put_fact(table, "memory", line);
}

static void put_hold(struct accctl_table *table, const cJSON *hold,
                     const struct accctl_style *style)
{
    char who[384], line[448];

    if (hold) {
        format_hold(hold, style, who, sizeof(who));
        (void)snprintf(line, sizeof(line), "%.20s, %s", text_of(hold, "kind"), who);
        put_fact(table, "hold", line);
    }
}

static void put_auto(struct accctl_table *table, const cJSON *autos,
                     const struct accctl_style *style)
{
    char when[ACCCTL_CLOCK_MAX + 8], clause[ACCCTL_AUTO_MAX], line[ACCCTL_AUTO_MAX + 64];

    if (autos) {
        accctl_format_next(text_of(autos, "next"), style, when, sizeof(when));
        accctl_format_auto(autos, style, clause, sizeof(clause));
        (void)snprintf(line, sizeof(line), "%s%s%s%s%s", when, *when ? ", " : "",
                       acc_json_bool(autos, "pending") ? "1 pending" : "nothing pending",
                       *clause ? ": " : "", clause);
        put_fact(table, "auto", line);
    }
}

static void put_image(struct accctl_table *table, const cJSON *service)
{
    const char *running = text_of(service, "image_running");
    char line[640];

    (void)snprintf(line, sizeof(line), "%.255s (the file says %.255s)", running,
                   text_of(service, "image"));
    put_fact(table, "image", *running ? line : text_of(service, "image"));
}

/* Who restarts it can't be told from its containers. */
static void put_mode(struct accctl_table *table, const cJSON *stacks, const char *name)
{
    const cJSON *stack;
    char line[320];

    cJSON_ArrayForEach(stack, stacks)
    {
        if (strcmp(text_of(stack, "name"), name) == 0) {
            (void)snprintf(line, sizeof(line), "%.100s, %s%.100s", name,
                           is_observing(stack) ? OBSERVED : "managed",
                           is_observing(stack) ? name : "");
            put_fact(table, "stack", line);
        }
    }
}

void accctl_put_service(const cJSON *service, const cJSON *stacks, const struct accctl_style *style,
                        struct acc_buf *out)
{
    struct accctl_table *table = accctl_table_create(2, "  ");
    const cJSON *instance;
    const char *health = health_text(service);
    char line[256], ago[48];

    accctl_put_color(out, style, ACCCTL_BOLD, text_of(service, "id"), 0);
    (void)acc_buf_puts(out, ": ");
    accctl_put_color(out, style, accctl_state_color(text_of(service, "state")), state_text(service),
                     0);
    accctl_ago(style, text_of(service, "since"), ago, sizeof(ago));
    if (*ago) {
        (void)acc_buf_printf(out, " for %s", ago);
    }
    (void)acc_buf_puts(out, "\n");
    put_mode(table, stacks, text_of(service, "stack"));
    put_fact(table, "reason", text_of(service, "reason"));
    put_hold(table, acc_json_object(service, "hold"), style);
    put_list(table, "waits for", acc_json_array(service, "root"));
    put_fact(table, "wanted", text_of(service, "desired"));
    put_fact(table, "health", strcmp(health, "-") == 0 ? "" : health);
    (void)snprintf(line, sizeof(line), "%lld", (long long)acc_json_int(service, "restarts", 0));
    put_fact(table, "restarts", line);
    put_fact(table, "phase", text_of(service, "phase"));
    put_fact(table, "tier", text_of(service, "tier"));
    put_image(table, service);
    put_auto(table, acc_json_object(service, "auto"), style);
    put_use(table, service);
    cJSON_ArrayForEach(instance, acc_json_array(service, "instances"))
    {
        put_instance(table, instance, style);
    }
    (void)accctl_table_put(table, style, out);
    accctl_table_destroy(table);
}
