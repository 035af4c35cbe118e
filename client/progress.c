#include "client/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/render_status.h"
#include "lib/base/str.h"
#include "lib/codec/json_get.h"

/* What is shown of a build that failed: the error and what led to it. */
#define BUILD_TAIL 12u
/* One of its lines; accd cuts them, too. */
#define BUILD_LINE_MAX 512u
/* Differences of a service that one line names. */
#define DIFFERENCES_MAX 3
#define BAR_WIDTH       20u

struct line {
    char *service; /* owned */
    char state[24];
    char step[24];   /* of an upgrade */
    int64_t n_tries; /* of its pull that have failed */
    char change[24]; /* what has become of its containers */
    char reason[256];
    char queued[256]; /* what the upgrade that was asked for waits for */
    bool has_told_queued;
    char differs[256]; /* in what its container differed */
    int n_differs;
    bool selected, settled;
    uint64_t since_ms; /* it is at this state and step since */
    uint64_t moved_ms; /* since something happens with it; 0: nothing has */
    uint64_t over_ms;  /* what was asked for is there since; 0: it isn't */
    /* of its image */
    char image[256];
    uint64_t current, total;
    unsigned n_quarters;    /* of the pull that were told */
    char *tail[BUILD_TAIL]; /* owned; a ring */
    size_t n_tail;          /* lines ever */
};

struct accctl_progress {
    const struct accctl_style *style;
    struct line *line;
    size_t n, cap;
    size_t n_drawn; /* lines of the block on the terminal */
    uint64_t begun_ms;
    bool is_started;
    bool is_rollout;      /* upgrade or rollback: others don't wait behind one under way */
    bool waits_for_watch; /* an upgrade is over only when the new one has been watched ... */
    bool has_told_watch;  /* ... and that was said; or it isn't */
};

struct accctl_progress *accctl_progress_create(const struct accctl_style *style, bool is_rollout,
                                               bool waits_for_watch)
{
    struct accctl_progress *progress = calloc(1, sizeof(*progress));

    if (progress) {
        progress->style = style;
        progress->is_rollout = is_rollout;
        progress->waits_for_watch = waits_for_watch;
        progress->has_told_watch = !waits_for_watch;
    }
    return progress;
}

struct accctl_progress *accctl_progress_destroy(struct accctl_progress *progress)
{
    for (size_t i = 0; progress && i < progress->n; i++) {
        free(progress->line[i].service);
        for (size_t k = 0; k < BUILD_TAIL; k++) {
            free(progress->line[i].tail[k]);
        }
    }
    if (progress) {
        free(progress->line);
        free(progress);
    }
    return NULL;
}

void accctl_format_took(uint64_t ms, char *out, size_t out_size)
{
    if (ms < 10000) {
        uint64_t tenths = (ms + 50) / 100;

        tenths = tenths == 0 ? 1 : tenths; /* nothing takes no time */
        (void)snprintf(out, out_size, "%u.%u s", (unsigned)(tenths / 10), (unsigned)(tenths % 10));
    } else {
        acc_format_span_ms(ms, out, out_size);
    }
}

static struct line *line_of(struct accctl_progress *progress, const char *service)
{
    for (size_t i = 0; i < progress->n; i++) {
        if (strcmp(progress->line[i].service, service) == 0) {
            return &progress->line[i];
        }
    }
    if (progress->n == progress->cap) {
        size_t cap = progress->cap ? 2 * progress->cap : 64;
        struct line *more = reallocarray(progress->line, cap, sizeof(*more));

        if (!more) {
            return NULL;
        }
        progress->line = more;
        progress->cap = cap;
    }
    progress->line[progress->n] = (struct line){.service = strdup(service)};
    return progress->line[progress->n].service ? &progress->line[progress->n++] : NULL;
}

static const char *text_of(const cJSON *item, const char *key)
{
    const char *text = acc_json_text(item, key);

    return text ? text : "";
}

/* --- in a pipe ------------------------------------------------------------------------------- */

/* Where a container's change is what was asked for; `settled` is also said of what has failed. */
static bool is_outcome(const struct line *line)
{
    static const char *const states[] = {"up", "done", "off", "impaired", "held"};

    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        if (strcmp(line->state, states[i]) == 0) {
            return true;
        }
    }
    return strcmp(line->change, "released") == 0;
}

/* What became of it and how long that took, once it is over. */
static void put_outcome(const struct line *line, struct acc_buf *out)
{
    char took[48];

    accctl_put_text(out, line->change, 0);
    if (line->differs[0]) { /* what its file has and it hasn't, when that was taken back */
        (void)acc_buf_puts(out, strcmp(line->change, "rolled back") == 0 ? " (taken back: " : " (");
        accctl_put_text(out, line->differs, 0);
        (void)acc_buf_puts(out, ")");
    }
    if (line->moved_ms > 0) {
        accctl_format_took(line->over_ms - line->moved_ms, took, sizeof(took));
        (void)acc_buf_printf(out, ", %s", took);
    }
}

static void put_outcome_line(const struct line *line, struct acc_buf *out)
{
    accctl_put_text(out, line->service, 0);
    (void)acc_buf_puts(out, ": ");
    put_outcome(line, out);
    (void)acc_buf_puts(out, "\n");
}

struct step {
    char name[24];
    uint64_t took_ms;
};

static void put_change(const struct accctl_progress *progress, const struct line *line,
                       const struct step *before, bool is_over, struct acc_buf *out)
{
    bool is_off = strcmp(line->state, "off") == 0; /* who asked for it knows why */

    accctl_put_text(out, line->service, 0);
    (void)acc_buf_puts(out, ": ");
    if (is_off && is_over) {
        put_outcome(line, out); /* "stopped" says that it is off */
        (void)acc_buf_puts(out, "\n");
        return;
    }
    accctl_put_color(out, progress->style, accctl_state_color(line->state), line->state, 0);
    if (line->reason[0] != '\0' && !is_off) {
        (void)acc_buf_puts(out, ", ");
        accctl_put_text(out, line->reason, 0);
    }
    if (before->name[0] && strcmp(before->name, line->step) != 0) {
        char took[48];

        accctl_format_took(before->took_ms, took, sizeof(took));
        (void)acc_buf_printf(out, "; %s took %s", before->name, took);
    }
    if (is_over) {
        (void)acc_buf_puts(out, ", ");
        put_outcome(line, out);
    }
    (void)acc_buf_puts(out, "\n");
}

/* At the beginning, and with each quarter of the bytes. */
static void put_pull(struct line *line, struct acc_buf *out)
{
    unsigned quarters = line->total > 0
                            ? (unsigned)((double)line->current * 4 / (double)line->total)
                            : 0;
    char current[24], total[24];

    if (line->total == 0 || quarters + 1 <= line->n_quarters) {
        return;
    }
    line->n_quarters = quarters + 1;
    acc_format_bytes(line->current, current, sizeof(current));
    acc_format_bytes(line->total, total, sizeof(total));
    accctl_put_text(out, line->service, 0);
    (void)acc_buf_puts(out, ": pulls ");
    accctl_put_text(out, line->image, 0);
    (void)acc_buf_printf(out, ", %s of %s\n", current, total);
}

static void put_build_line(const struct line *line, const char *text, struct acc_buf *out)
{
    accctl_put_text(out, line->service, 0);
    (void)acc_buf_puts(out, " | ");
    accctl_put_text(out, text, 0);
    (void)acc_buf_puts(out, "\n");
}

/* --- on a terminal --------------------------------------------------------------------------- */

static void rewind_block(struct accctl_progress *progress, struct acc_buf *out)
{
    if (progress->n_drawn > 0) {
        (void)acc_buf_printf(out, "\033[%zuF\033[J", progress->n_drawn);
    }
    progress->n_drawn = 0;
}

static void format_pull(const struct line *line, char *out, size_t out_size)
{
    char current[24], total[24], bar[BAR_WIDTH + 1];
    size_t filled = (size_t)((double)line->current / (double)line->total * BAR_WIDTH);

    for (size_t i = 0; i < BAR_WIDTH; i++) {
        bar[i] = i < filled ? '#' : '.';
    }
    bar[BAR_WIDTH] = '\0';
    acc_format_bytes(line->current, current, sizeof(current));
    acc_format_bytes(line->total, total, sizeof(total));
    /* A long name is cut by the table. */
    (void)snprintf(out, out_size, "[%s] %s of %s  %s", bar, current, total, line->image);
}

/* What it is at: its image, or why it waits, or why it is changed. */
static void format_text(const struct line *line, char *out, size_t out_size)
{
    if (line->total > 0 && line->current < line->total) {
        format_pull(line, out, out_size);
    } else if (line->n_tail > 0 && strcmp(line->state, "up") != 0) {
        (void)snprintf(out, out_size, "%s", line->tail[(line->n_tail - 1) % BUILD_TAIL]);
    } else {
        (void)snprintf(out, out_size, "%s",
                       line->queued[0]   ? line->queued
                       : line->reason[0] ? line->reason
                                         : line->differs);
    }
}

static void draw_line(struct accctl_table *table, const struct line *line, uint64_t now_ms)
{
    char took[48] = "", text[BUILD_LINE_MAX + 1];

    if (line->moved_ms > 0 && now_ms >= line->since_ms + 1000) {
        acc_format_span_ms((now_ms - line->since_ms) / 1000 * 1000, took, sizeof(took));
    }
    format_text(line, text, sizeof(text));
    accctl_table_row(table, accctl_state_color(line->state), 1);
    accctl_table_cell(table, line->service);
    accctl_table_cell(table, line->state);
    accctl_table_cell(table, took);
    accctl_table_cell(table, text);
}

/* What is still under way; when that is more than the screen has, the first of it. */
static void draw_block(struct accctl_progress *progress, uint64_t now_ms, struct acc_buf *out)
{
    struct accctl_table *table = accctl_table_create(4, "  ");
    size_t room = progress->style->height > 4 ? progress->style->height - 3 : 1;
    size_t n_selected = 0, n_settled = 0, n_shown = 0;

    for (size_t i = 0; i < progress->n; i++) {
        const struct line *line = &progress->line[i];
        bool is_over = line->selected ? line->settled : strcmp(line->state, "up") == 0;

        n_selected += line->selected;
        n_settled += line->selected && line->settled;
        if (is_over || n_shown == room) {
            continue;
        }
        n_shown++;
        draw_line(table, line, now_ms);
    }
    (void)acc_buf_printf(out, "%zu of %zu\n", n_settled, n_selected);
    (void)accctl_table_put(table, progress->style, out);
    accctl_table_destroy(table);
    progress->n_drawn = n_shown + 1;
}

/* --- both ------------------------------------------------------------------------------------ */

static void read_differences(struct line *line, const cJSON *item)
{
    const cJSON *list = acc_json_array(item, "differences");
    const cJSON *one;
    int n = cJSON_GetArraySize(list);
    int k = 0;

    bool is_back = strcmp(line->change, "rolled back") == 0; /* only what it lacks now was taken */

    if (!is_back && (n == 0 || n < line->n_differs)) {
        return; /* it is the same by now, or what is left is told already */
    }
    line->n_differs = n;
    line->differs[0] = '\0';
    cJSON_ArrayForEach(one, list)
    {
        size_t len = strlen(line->differs);

        if (k++ == DIFFERENCES_MAX) {
            (void)snprintf(line->differs + len, sizeof(line->differs) - len, "; and %d more",
                           n - DIFFERENCES_MAX);
            break;
        }
        (void)snprintf(line->differs + len, sizeof(line->differs) - len, "%s%s", len ? "; " : "",
                       text_of(one, "text"));
    }
}

static void keep_tail(struct line *line, const char *text)
{
    char **place = &line->tail[line->n_tail % BUILD_TAIL];
    char *copy = strndup(text, BUILD_LINE_MAX);

    if (copy) {
        free(*place);
        *place = copy;
        line->n_tail++;
    }
}

/* True: there was something. */
static bool read_image(struct line *line, const cJSON *item, bool is_live, struct acc_buf *out)
{
    const cJSON *pull = acc_json_object(item, "pull");
    const cJSON *output = acc_json_array(item, "output");
    const cJSON *text;

    if (pull) {
        if (strcmp(line->image, text_of(pull, "image")) != 0) {
            (void)snprintf(line->image, sizeof(line->image), "%s", text_of(pull, "image"));
            line->n_quarters = 0;
        }
        line->current = (uint64_t)acc_json_int(pull, "current", 0);
        line->total = (uint64_t)acc_json_int(pull, "total", 0);
        if (!is_live) {
            put_pull(line, out);
        }
    }
    cJSON_ArrayForEach(text, output)
    {
        const char *build = acc_json_text_of(text);

        if (build && is_live) {
            keep_tail(line, build);
        } else if (build) {
            put_build_line(line, build, out);
        }
    }
    return pull || output;
}

/* True: it has moved on. */
static bool read_state(struct accctl_progress *progress, struct line *line, const cJSON *item,
                       uint64_t now_ms, struct step *ret_before)
{
    bool is_change = strcmp(line->state, text_of(item, "state")) != 0 ||
                     strcmp(line->step, text_of(item, "step")) != 0;
    int64_t n_tries = acc_json_int(item, "tries", 0);
    bool is_retry = n_tries > line->n_tries;

    line->n_tries = n_tries;
    (void)snprintf(ret_before->name, sizeof(ret_before->name), "%s", line->step);
    ret_before->took_ms = now_ms - line->since_ms;
    if (is_change) {
        line->since_ms = now_ms;
    }
    (void)snprintf(line->step, sizeof(line->step), "%s", text_of(item, "step"));
    (void)snprintf(line->state, sizeof(line->state), "%s", text_of(item, "state"));
    (void)snprintf(line->reason, sizeof(line->reason), "%s", text_of(item, "reason"));
    (void)snprintf(line->queued, sizeof(line->queued), "%s",
                   progress->is_rollout ? text_of(item, "queued") : "");
    (void)snprintf(line->change, sizeof(line->change), "%s", text_of(item, "change"));
    line->selected = acc_json_bool(item, "selected");
    line->settled = acc_json_bool(item, "settled");
    read_differences(line, item);
    if (line->moved_ms == 0 && line->settled && line->change[0]) {
        line->moved_ms = progress->begun_ms; /* all of it between two replies */
    } else if (line->moved_ms == 0 && (!line->settled || (is_change && progress->is_started))) {
        line->moved_ms = now_ms;
    }
    return is_change || is_retry;
}

/* Ten minutes are long for whoever doesn't know why nothing happens. */
static void put_watch(struct accctl_progress *progress, const struct line *line,
                      struct acc_buf *out)
{
    if (line->selected && !line->settled && strcmp(line->step, "watch") == 0 &&
        !progress->has_told_watch) {
        progress->has_told_watch = true;
        (void)acc_buf_puts(out, "accctl waits for that; Ctrl-C is safe, accd goes on (--detach "
                                "doesn't wait)\n");
    }
}

/* Nothing else is said of it until the upgrade before is over. */
static bool put_queued(const struct accctl_progress *progress, struct line *line,
                       struct acc_buf *out)
{
    bool is_news = line->queued[0] && line->selected && !line->has_told_queued;

    line->has_told_queued |= is_news;
    if (is_news && progress->style->height == 0) {
        accctl_put_text(out, line->service, 0);
        (void)acc_buf_puts(out, ": ");
        accctl_put_text(out, line->queued, 0);
        (void)acc_buf_puts(out, progress->waits_for_watch
                                    ? "; accctl waits for that, too (--detach doesn't)\n"
                                    : "\n");
    }
    return is_news;
}

static bool update_line(struct accctl_progress *progress, const cJSON *item, uint64_t now_ms,
                        struct acc_buf *out)
{
    struct line *line = line_of(progress, text_of(item, "service"));
    bool is_live = progress->style->height > 0;
    struct step before;
    bool is_change, is_image, is_over, is_queued;

    if (!line) {
        return false;
    }
    is_change = read_state(progress, line, item, now_ms, &before);
    is_image = read_image(line, item, is_live, out);
    is_over = line->settled && line->change[0] && !line->over_ms && is_outcome(line);
    is_queued = put_queued(progress, line, out);
    line->over_ms = is_over ? now_ms : line->over_ms;
    if (!is_live && progress->is_started && is_change) {
        put_change(progress, line, &before, is_over, out);
        put_watch(progress, line, out);
    } else if (!is_live && is_over) {
        put_outcome_line(line, out);
    }
    return is_change || is_image || is_over || is_queued;
}

bool accctl_progress_update(struct accctl_progress *progress, const cJSON *list, uint64_t now_ms,
                            struct acc_buf *out)
{
    bool is_news = !progress->is_started;
    const cJSON *item;

    if (!progress->is_started) {
        progress->begun_ms = now_ms;
    }
    cJSON_ArrayForEach(item, list)
    {
        is_news |= update_line(progress, item, now_ms, out);
    }
    progress->is_started = true;
    if (progress->style->height > 0) {
        rewind_block(progress, out);
        draw_block(progress, now_ms, out);
    }
    return is_news;
}

void accctl_progress_end(struct accctl_progress *progress, struct acc_buf *out)
{
    rewind_block(progress, out);
}

void accctl_progress_put_builds(const struct accctl_progress *progress, struct acc_buf *out)
{
    for (size_t i = 0; i < progress->n; i++) {
        const struct line *line = &progress->line[i];
        size_t n = line->n_tail < BUILD_TAIL ? line->n_tail : BUILD_TAIL;

        if (line->selected && line->settled && line->change[0]) {
            continue; /* that one went well */
        }
        for (size_t k = line->n_tail - n; k < line->n_tail; k++) {
            put_build_line(line, line->tail[k % BUILD_TAIL], out);
        }
    }
}

void accctl_progress_put_outcomes(const struct accctl_progress *progress, struct acc_buf *out)
{
    for (size_t i = 0; progress->style->height > 0 && i < progress->n; i++) {
        if (progress->line[i].over_ms > 0) {
            put_outcome_line(&progress->line[i], out);
        }
    }
}

/* --- when accd goes away --------------------------------------------------------------------- */

/* A changed file is followed all the same, and other verbs wait for no upgrade. */
static bool is_lost(const struct accctl_progress *progress, const struct line *line)
{
    return progress->waits_for_watch && line->selected && !line->settled &&
           (line->queued[0] || strcmp(line->step, "pre-hook") == 0);
}

const char *accctl_progress_next_lost(const struct accctl_progress *progress, size_t *at,
                                      bool *ret_is_queued)
{
    while (*at < progress->n) {
        const struct line *line = &progress->line[(*at)++];

        if (is_lost(progress, line)) {
            *ret_is_queued = line->queued[0] != '\0';
            return line->service;
        }
    }
    return NULL;
}

bool accctl_progress_goes_on(const struct accctl_progress *progress)
{
    bool any_lost = false;

    for (size_t i = 0; i < progress->n; i++) {
        const struct line *line = &progress->line[i];

        if (line->selected && !line->settled && !is_lost(progress, line)) {
            return true;
        }
        any_lost |= is_lost(progress, line);
    }
    return !any_lost;
}
