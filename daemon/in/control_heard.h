#pragma once

/*
 * What is heard of the image of one service that somebody waits for, until he is told: the bytes of
 * a pull, the lines of a build. Private to daemon/in/control*.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/image_news.h"
#include "lib/base/buf.h"
#include "lib/codec/status_json.h"

struct accd_heard {
    struct acc_pull_row pull;
    char *image; /* owned: pull.image */
    bool is_news;
    struct acc_buf output;
    size_t n_left_out; /* lines for which it had no room */
};

void accd_heard_init(struct accd_heard *heard);
void accd_heard_fini(struct accd_heard *heard);
void accd_heard_take(struct accd_heard *heard, const struct accd_image_news *news);
/* Is there something to tell, `since_ms` after the last time? */
bool accd_heard_is_due(const struct accd_heard *heard, uint64_t since_ms);
/* Into the row that tells it; borrowed until accd_heard_told(). */
void accd_heard_put(struct accd_heard *heard, struct acc_progress_row *row);
void accd_heard_told(struct accd_heard *heard);
