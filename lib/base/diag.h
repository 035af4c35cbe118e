#pragma once

/*
 * Diagnostics: what the user did wrong, and where.
 *
 * A function that reads what a user wrote takes `struct acc_diags *diags` as its last parameter,
 * adds one entry per problem, keeps going while it can, and returns -EINVAL at its end. The text is
 * for the person who edits the file: it names the key, what was found and what was wanted.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A place in a file that the user wrote. Lines and columns count from 1; 0 means unknown. */
struct acc_srcpos {
    const char *file; /* borrowed: lives as long as the configuration it names */
    uint32_t line;
    uint32_t col;
};

enum acc_severity {
    ACC_SEVERITY_ERROR = 0,
    ACC_SEVERITY_WARNING, /* cannot change behaviour, but the user should know */
};

/* A message with a path and a suggestion fits; the dependency path of a long cycle, too. */
#define ACC_DIAG_TEXT_MAX 512
/* All problems at once, but nobody reads the 101st; those beyond are counted. */
#define ACC_DIAGS_MAX     100
#define ACC_DIAG_FILE_MAX 256
/* Places of which nothing more is told: each use of a variable that isn't known is one. */
#define ACC_DIAGS_MUTED_MAX 1000

struct acc_diag {
    enum acc_severity severity;
    char file[ACC_DIAG_FILE_MAX]; /* copied: a diagnostic outlives the arena it speaks of */
    uint32_t line, col;
    char text[ACC_DIAG_TEXT_MAX];
};

struct acc_diags {
    size_t n;
    size_t n_errors; /* counted also when dropped */
    size_t n_dropped;
    size_t n_settled; /* acc_diags_settle() */
    size_t n_muted;
    struct acc_srcpos muted[ACC_DIAGS_MUTED_MAX];
    struct acc_diag item[ACC_DIAGS_MAX];
};

/* Add an error. */
void acc_diags_add(struct acc_diags *diags, struct acc_srcpos pos, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void acc_diags_warn(struct acc_diags *diags, struct acc_srcpos pos, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* From here on nothing is added at a place of which as bad a thing has been told: what goes on in
 * spite of an error meets what the error was about. */
void acc_diags_settle(struct acc_diags *diags);
/* Nor at this one: it is about a thing of which an error has been told. */
void acc_diags_mute(struct acc_diags *diags, struct acc_srcpos pos);
/* Has an error been told of this place? */
bool acc_diags_has(const struct acc_diags *diags, struct acc_srcpos pos);
/* By file, line and column; what is told of one place stays in its order. */
void acc_diags_sort(struct acc_diags *diags);

/* Write "file:line:col: text" (or "file: text" without a line) into `out`, a warning with
 * "warning: " before its text; the usual snprintf return. */
int acc_diag_format(const struct acc_diag *diag, char *out, size_t out_size);
