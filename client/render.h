#pragma once

/*
 * Text for people: widths, colours, tables, times. Knows a terminal's size and nothing of accd.
 *
 * Whatever comes from containers is cleaned of control characters before it reaches a terminal.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"

struct accctl_style {
    bool color;
    size_t width;   /* columns; 0: no terminal, nothing is cut */
    size_t height;  /* rows; 0: no terminal */
    int64_t now_ms; /* Unix */
};

enum accctl_color {
    ACCCTL_PLAIN = 0,
    ACCCTL_BOLD,
    ACCCTL_DIM,
    ACCCTL_GREEN,
    ACCCTL_YELLOW,
    ACCCTL_RED,
};

/* Once: column widths need a UTF-8 locale, whatever the user's is. */
void accctl_render_init(void);
/* Of stdout, by isatty, NO_COLOR, TERM, --no-color and the clock. */
struct accctl_style accctl_style_of_stdout(bool no_color);

/* Columns that UTF-8 `text` takes. */
size_t accctl_width(const char *text);
/* Append `text`, control characters as blanks, cut to `width` columns with an ellipsis (0: whole).
 */
void accctl_put_text(struct acc_buf *out, const char *text, size_t width);
/* As above in colour. */
void accctl_put_color(struct acc_buf *out, const struct accctl_style *style,
                      enum accctl_color color, const char *text, size_t width);

#define ACCCTL_COLUMNS_MAX 8u

struct accctl_table; /* rows of text, aligned when printed */

/* NULL when out of memory; the other functions take NULL and do nothing. */
struct accctl_table *accctl_table_create(size_t n_columns, const char *indent);
struct accctl_table *accctl_table_destroy(struct accctl_table *table);
/* Begin a row; its colour is that of column `color_column` (or of all with SIZE_MAX). */
void accctl_table_row(struct accctl_table *table, enum accctl_color color, size_t color_column);
/* The next cell; copied. */
void accctl_table_cell(struct accctl_table *table, const char *text);
/* A row of titles. */
void accctl_table_titles(struct accctl_table *table, const char *const *titles, size_t n);
/* Where a terminal leaves too little of the last column, it goes on a line of its own. */
void accctl_table_fold(struct accctl_table *table);
/* The last column is cut at the terminal's width; true when it was. */
bool accctl_table_put(const struct accctl_table *table, const struct accctl_style *style,
                      struct acc_buf *out);

/* How long ago an RFC 3339 time was, as "3 min 20 s"; "" for none. */
void accctl_ago(const struct accctl_style *style, const char *time, char *out, size_t out_size);
/* From one to another, likewise. */
void accctl_between(const char *from, const char *to, char *out, size_t out_size);
/* When that will be, on the reader's clock, and how long yet: "14:30 (in 25 min)"; with its date
 * when it isn't today; "" for none. */
void accctl_until(const struct accctl_style *style, const char *time, char *out, size_t out_size);
#define ACCCTL_CLOCK_MAX 32u
/* As the reader's clock on the wall shows it, "2026-11-24 13:00:00"; "" for none. */
void accctl_clock(const char *time, char *out, size_t out_size);
