#include "client/render.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#include "lib/base/str.h"

void accctl_render_init(void)
{
    (void)setlocale(LC_CTYPE, "C.UTF-8"); /* part of glibc since 2.35 */
}

struct accctl_style accctl_style_of_stdout(bool no_color)
{
    struct accctl_style style = {0};
    const char *term = getenv("TERM");
    const char *off = getenv("NO_COLOR"); /* https://no-color.org: set and not empty */
    struct winsize size;
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    style.now_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    if (!isatty(STDOUT_FILENO)) {
        return style;
    }
    style.color = !no_color && !(off && *off) && term && strcmp(term, "dumb") != 0;
    style.width = 80;
    style.height = 24;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0) {
        style.width = size.ws_col;
        style.height = size.ws_row;
    }
    return style;
}

/* One character of `text`: its bytes and columns. What is no UTF-8 is one byte, one column. */
static size_t character(const char *text, size_t *ret_width)
{
    mbstate_t state = {0};
    wchar_t wide = 0;
    size_t len = mbrtowc(&wide, text, strlen(text), &state);
    int width;

    if (len == 0 || len > (size_t)-3) {
        *ret_width = 1;
        return 1;
    }
    width = wcwidth(wide);
    *ret_width = width < 0 ? 1 : (size_t)width;
    return len;
}

size_t accctl_width(const char *text)
{
    size_t width = 0;

    while (*text) {
        size_t columns;

        text += character(text, &columns);
        width += columns;
    }
    return width;
}

/* C0, DEL, and C1 as UTF-8 has it (0xC2 0x80..0x9F): all may start a terminal's commands. */
static bool is_control(const char *text, size_t len)
{
    unsigned char a = (unsigned char)text[0];
    unsigned char b = len > 1 ? (unsigned char)text[1] : 0;

    return a < 0x20 || a == 0x7F || (len == 1 && a >= 0x80) || (a == 0xC2 && b >= 0x80 && b < 0xA0);
}

void accctl_put_text(struct acc_buf *out, const char *text, size_t width)
{
    bool is_cut = width > 0 && accctl_width(text) > width;
    size_t room = is_cut ? width - 1 : SIZE_MAX;

    while (*text) {
        size_t columns;
        size_t len = character(text, &columns);

        if (columns > room) {
            break;
        }
        room -= columns;
        if (is_control(text, len)) {
            (void)acc_buf_append(out, " ", 1);
        } else {
            (void)acc_buf_append(out, text, len);
        }
        text += len;
    }
    if (is_cut) {
        (void)acc_buf_puts(out, "…");
    }
}

static const char *const codes[] = {
    [ACCCTL_PLAIN] = "",         [ACCCTL_BOLD] = "\033[1m",    [ACCCTL_DIM] = "\033[2m",
    [ACCCTL_GREEN] = "\033[32m", [ACCCTL_YELLOW] = "\033[33m", [ACCCTL_RED] = "\033[31m",
};

void accctl_put_color(struct acc_buf *out, const struct accctl_style *style,
                      enum accctl_color color, const char *text, size_t width)
{
    bool colored = style->color && color != ACCCTL_PLAIN;

    if (colored) {
        (void)acc_buf_puts(out, codes[color]);
    }
    accctl_put_text(out, text, width);
    if (colored) {
        (void)acc_buf_puts(out, "\033[0m");
    }
}

/* --- tables ------------------------------------------------------------------------------------
 */

struct row {
    char *cell[ACCCTL_COLUMNS_MAX]; /* owned; NULL: empty */
    size_t n;
    enum accctl_color color;
    size_t color_column;
};

struct accctl_table {
    size_t n_columns, n_rows, cap;
    bool is_folding;
    const char *indent;
    struct row *row;
};

struct accctl_table *accctl_table_create(size_t n_columns, const char *indent)
{
    struct accctl_table *table = calloc(1, sizeof(*table));

    if (table) {
        table->n_columns = n_columns;
        table->indent = indent;
    }
    return table;
}

struct accctl_table *accctl_table_destroy(struct accctl_table *table)
{
    for (size_t i = 0; table && i < table->n_rows; i++) {
        for (size_t k = 0; k < table->row[i].n; k++) {
            free(table->row[i].cell[k]);
        }
    }
    if (table) {
        free(table->row);
        free(table);
    }
    return NULL;
}

void accctl_table_row(struct accctl_table *table, enum accctl_color color, size_t color_column)
{
    if (!table) {
        return;
    }
    if (table->n_rows == table->cap) {
        size_t cap = table->cap ? 2 * table->cap : 32;
        struct row *more = reallocarray(table->row, cap, sizeof(*more));

        if (!more) {
            abort(); /* the client may die */
        }
        table->row = more;
        table->cap = cap;
    }
    table->row[table->n_rows++] = (struct row){.color = color, .color_column = color_column};
}

void accctl_table_cell(struct accctl_table *table, const char *text)
{
    struct row *row = table && table->n_rows > 0 ? &table->row[table->n_rows - 1] : NULL;

    if (row && row->n < table->n_columns) {
        row->cell[row->n++] = strdup(text);
    }
}

void accctl_table_titles(struct accctl_table *table, const char *const *titles, size_t n)
{
    accctl_table_row(table, ACCCTL_DIM, SIZE_MAX);
    for (size_t i = 0; i < n; i++) {
        accctl_table_cell(table, titles[i]);
    }
}

static const char *cell(const struct row *row, size_t column)
{
    return column < row->n && row->cell[column] ? row->cell[column] : "";
}

/* Less of a last cell than this says nothing: it gets a line of its own. */
#define FOLD_BELOW  24u
#define FOLD_INDENT "    "

/* The last cell of a row; true when not all of it was put. */
static bool put_last(const struct accctl_table *table, const struct accctl_style *style, size_t at,
                     enum accctl_color color, bool is_title, const char *text, struct acc_buf *out)
{
    size_t room = style->width > at ? style->width - at : 1;
    size_t whole = style->width > strlen(FOLD_INDENT) ? style->width - strlen(FOLD_INDENT) : 1;

    if (style->width == 0) {
        room = 0;
    } else if (table->is_folding && room < FOLD_BELOW && room < whole &&
               accctl_width(text) > room) {
        while (out->len > 0 && out->data[out->len - 1] == ' ') {
            out->len--;
        }
        if (is_title) {
            return false; /* the cells below are no column */
        }
        (void)acc_buf_puts(out, "\n" FOLD_INDENT);
        room = whole;
    }
    accctl_put_color(out, style, color, text, room);
    return room > 0 && accctl_width(text) > room;
}

/* True: its last cell was cut. */
static bool put_row(const struct accctl_table *table, const struct row *row, const size_t *widths,
                    const struct accctl_style *style, struct acc_buf *out)
{
    bool is_cut = false;
    size_t at = strlen(table->indent);
    size_t last = table->n_columns;

    while (last > 0 && cell(row, last - 1)[0] == '\0') {
        last--; /* no blanks at the end of a line */
    }
    (void)acc_buf_puts(out, table->indent);
    for (size_t i = 0; i < last; i++) {
        const char *text = cell(row, i);
        bool is_last = i + 1 == last;
        bool colored = row->color_column == i || row->color_column == SIZE_MAX;
        enum accctl_color color = colored ? row->color : ACCCTL_PLAIN;

        if (widths[i] == 0) {
            continue; /* empty in all rows */
        }
        if (is_last) {
            is_cut = put_last(table, style, at, color, row->color_column == SIZE_MAX, text, out);
        } else {
            accctl_put_color(out, style, color, text, 0);
        }
        for (size_t k = accctl_width(text); !is_last && k < widths[i] + 2; k++) {
            (void)acc_buf_puts(out, " ");
        }
        at += widths[i] + 2;
    }
    (void)acc_buf_puts(out, "\n");
    return is_cut;
}

void accctl_table_fold(struct accctl_table *table)
{
    if (table) {
        table->is_folding = true;
    }
}

bool accctl_table_put(const struct accctl_table *table, const struct accctl_style *style,
                      struct acc_buf *out)
{
    size_t widths[ACCCTL_COLUMNS_MAX] = {0};
    bool is_cut = false;

    for (size_t i = 0; table && i < table->n_rows; i++) {
        for (size_t k = 0; k < table->n_columns; k++) {
            size_t width = accctl_width(cell(&table->row[i], k));

            widths[k] = width > widths[k] ? width : widths[k];
        }
    }
    for (size_t i = 0; table && i < table->n_rows; i++) {
        is_cut |= put_row(table, &table->row[i], widths, style, out);
    }
    return is_cut;
}

static void put_span(int64_t ms, char *out, size_t out_size)
{
    acc_format_span_ms(ms > 0 ? (uint64_t)ms / 1000 * 1000 : 0, out, out_size);
}

void accctl_ago(const struct accctl_style *style, const char *time, char *out, size_t out_size)
{
    int64_t ns = 0;

    out[0] = '\0';
    if (time && *time && acc_parse_rfc3339_ns(time, &ns)) {
        put_span(style->now_ms - ns / 1000000, out, out_size);
    }
}

void accctl_between(const char *from, const char *to, char *out, size_t out_size)
{
    int64_t from_ns = 0, to_ns = 0;

    out[0] = '\0';
    if (acc_parse_rfc3339_ns(from, &from_ns) && acc_parse_rfc3339_ns(to, &to_ns)) {
        put_span((to_ns - from_ns) / 1000000, out, out_size);
    }
}

void accctl_clock(const char *time, char *out, size_t out_size)
{
    int64_t ns = 0;
    time_t seconds;
    struct tm tm;

    out[0] = '\0';
    if (!acc_parse_rfc3339_ns(time, &ns)) {
        return;
    }
    seconds = (time_t)(ns / 1000000000);
    if (localtime_r(&seconds, &tm)) {
        (void)strftime(out, out_size, "%Y-%m-%d %H:%M:%S", &tm);
    }
}

/* The next time that a clock shows it is meant, and nobody takes it for another day's. */
#define NO_DATE_S (12 * 3600)

void accctl_until(const struct accctl_style *style, const char *time, char *out, size_t out_size)
{
    time_t now = (time_t)(style->now_ms / 1000);
    char clock[ACCCTL_CLOCK_MAX] = "", left[48];
    struct tm tm;
    int64_t ns = 0;
    time_t then;

    out[0] = '\0';
    if (!time || !*time || !acc_parse_rfc3339_ns(time, &ns)) {
        return;
    }
    then = (time_t)(ns / 1000000000);
    if (localtime_r(&then, &tm)) {
        (void)strftime(clock, sizeof(clock), then - now < NO_DATE_S ? "%H:%M" : "%Y-%m-%d %H:%M",
                       &tm);
    }
    acc_format_left_ms(then > now ? (uint64_t)(ns / 1000000 - style->now_ms) : 0, left,
                       sizeof(left));
    (void)snprintf(out, out_size, "%s (in %s)", clock, left);
}
