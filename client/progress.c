#include "client/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/render_status.h"
#include "lib/codec/json_get.h"

struct line {
    char *service; /* owned */
    char state[24];
    char step[24]; /* of an upgrade */
    char reason[256];
    bool selected, settled;
};

struct accctl_progress {
    const struct accctl_style *style;
    struct line *line;
    size_t n, cap;
    size_t n_drawn; /* lines of the block on the terminal */
    bool is_started;
};

struct accctl_progress *accctl_progress_create(const struct accctl_style *style)
{
    struct accctl_progress *progress = calloc(1, sizeof(*progress));

    if (progress) {
        progress->style = style;
    }
    return progress;
}

struct accctl_progress *accctl_progress_destroy(struct accctl_progress *progress)
{
    for (size_t i = 0; progress && i < progress->n; i++) {
        free(progress->line[i].service);
    }
    if (progress) {
        free(progress->line);
        free(progress);
    }
    return NULL;
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

static void put_change(const struct accctl_progress *progress, const struct line *line,
                       struct acc_buf *out)
{
    accctl_put_text(out, line->service, 0);
    (void)acc_buf_puts(out, ": ");
    accctl_put_color(out, progress->style, accctl_state_color(line->state), line->state, 0);
    if (line->reason[0] != '\0') {
        (void)acc_buf_puts(out, ", ");
        accctl_put_text(out, line->reason, 0);
    }
    (void)acc_buf_puts(out, "\n");
}

static void rewind_block(struct accctl_progress *progress, struct acc_buf *out)
{
    if (progress->n_drawn > 0) {
        (void)acc_buf_printf(out, "\033[%zuF\033[J", progress->n_drawn);
    }
    progress->n_drawn = 0;
}

/* What is still under way; when that is more than the screen has, the first of it. */
static void draw_block(struct accctl_progress *progress, struct acc_buf *out)
{
    struct accctl_table *table = accctl_table_create(3, "  ");
    size_t room = progress->style->height > 4 ? progress->style->height - 3 : 1;
    size_t n_selected = 0, n_settled = 0, n_shown = 0;

    for (size_t i = 0; i < progress->n; i++) {
        const struct line *line = &progress->line[i];
        bool is_over = line->selected ? line->settled : strcmp(line->state, "up") == 0;

        is_over |= line->selected && line->settled;
        n_selected += line->selected;
        n_settled += line->selected && line->settled;
        if (is_over || n_shown == room) {
            continue;
        }
        n_shown++;
        accctl_table_row(table, accctl_state_color(line->state), 1);
        accctl_table_cell(table, line->service);
        accctl_table_cell(table, line->state);
        accctl_table_cell(table, line->reason);
    }
    (void)acc_buf_printf(out, "%zu of %zu\n", n_settled, n_selected);
    accctl_table_put(table, progress->style, out);
    accctl_table_destroy(table);
    progress->n_drawn = n_shown + 1;
}

static const char *text_of(const cJSON *item, const char *key)
{
    const char *text = acc_json_text(item, key);

    return text ? text : "";
}

bool accctl_progress_update(struct accctl_progress *progress, const cJSON *list,
                            struct acc_buf *out)
{
    bool is_live = progress->style->height > 0;
    bool is_news = !progress->is_started;
    const cJSON *item;

    cJSON_ArrayForEach(item, list)
    {
        struct line *line = line_of(progress, text_of(item, "service"));
        bool is_change;

        if (!line) {
            continue;
        }
        is_change = strcmp(line->state, text_of(item, "state")) != 0 ||
                    strcmp(line->step, text_of(item, "step")) != 0;
        is_news |= is_change;
        (void)snprintf(line->step, sizeof(line->step), "%s", text_of(item, "step"));
        (void)snprintf(line->state, sizeof(line->state), "%s", text_of(item, "state"));
        (void)snprintf(line->reason, sizeof(line->reason), "%s", text_of(item, "reason"));
        line->selected = acc_json_bool(item, "selected");
        line->settled = acc_json_bool(item, "settled");
        if (!is_live && progress->is_started && is_change) {
            put_change(progress, line, out);
        }
    }
    progress->is_started = true;
    if (is_live) {
        rewind_block(progress, out);
        draw_block(progress, out);
    }
    return is_news;
}

void accctl_progress_end(struct accctl_progress *progress, struct acc_buf *out)
{
    rewind_block(progress, out);
}
