#include "daemon/in/control_heard.h"
#include "lib/base/str.h"

#include <stdlib.h>
#include <string.h>

/* How often the bytes of a pull are told. */
#define PULL_EVERY_MS 500u
/* Output of a build between two tellings, which are half a second apart; and room to say that it
 * was more. */
#define OUTPUT_MAX  32768u
#define OUTPUT_ROOM 256u
/* Longer lines are cut. */
#define LINE_MAX_BYTES 512u

void accd_heard_init(struct accd_heard *heard)
{
    *heard = (struct accd_heard){0};
    acc_buf_init(&heard->output, OUTPUT_MAX + OUTPUT_ROOM);
}

void accd_heard_fini(struct accd_heard *heard)
{
    acc_buf_fini(&heard->output);
    free(heard->image);
}

static void take_line(struct accd_heard *heard, const char *line)
{
    size_t len = strnlen(line, LINE_MAX_BYTES);

    if (heard->output.len + len + 1 > OUTPUT_MAX ||
        acc_buf_printf(&heard->output, "%.*s\n", (int)len, line) < 0) {
        heard->n_left_out++;
    }
}

void accd_heard_take(struct accd_heard *heard, const struct accd_image_news *news)
{
    if (news->line) {
        take_line(heard, news->line);
        return;
    }
    if (!heard->image || strcmp(heard->image, news->image) != 0) {
        free(heard->image);
        heard->image = strdup(news->image);
    }
    heard->pull = (struct acc_pull_row){heard->image, news->current, news->total};
    heard->is_news = heard->image != NULL;
}

bool accd_heard_is_due(const struct accd_heard *heard, uint64_t since_ms)
{
    return heard->output.len > 0 || (heard->is_news && since_ms >= PULL_EVERY_MS);
}

void accd_heard_put(struct accd_heard *heard, struct acc_progress_row *row)
{
    if (heard->n_left_out > 0) {
        (void)acc_buf_printf(&heard->output, "(%zu line%s left out)\n", heard->n_left_out,
                             acc_plural(heard->n_left_out));
        heard->n_left_out = 0;
    }
    row->output = heard->output.len > 0 ? heard->output.data : NULL;
    row->pull = heard->is_news ? &heard->pull : NULL;
}

/* Only what the last put() has told: rows are made and told in one go. */
void accd_heard_told(struct accd_heard *heard)
{
    acc_buf_reset(&heard->output);
    heard->is_news = false;
}
