#include "lib/base/diag.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/assert.h"

static bool is_place(const struct acc_diag *diag, struct acc_srcpos pos)
{
    return diag->line == pos.line && diag->col == pos.col && pos.line > 0 && pos.file &&
           strncmp(diag->file, pos.file, sizeof(diag->file) - 1) == 0;
}

static bool is_muted(const struct acc_diags *diags, struct acc_srcpos pos)
{
    for (size_t i = 0; i < diags->n_muted; i++) {
        const struct acc_srcpos *muted = &diags->muted[i];

        if (muted->line == pos.line && muted->col == pos.col && pos.line > 0 && pos.file &&
            strcmp(muted->file, pos.file) == 0) {
            return true;
        }
    }
    return false;
}

/* What is said, without of which thing: "services.a.image: no" -> "no". */
static const char *said(const char *text)
{
    static const char by_name[] = "service '";
    const char *colon = strstr(text, ": ");

    if (colon) {
        return colon;
    }
    if (strncmp(text, by_name, sizeof(by_name) - 1) == 0) {
        text += sizeof(by_name) - 1;
        text += strcspn(text, "'");
    }
    return text;
}

/* What several services share, by an anchor or by `extends`, is told of the first of them. */
static bool is_told(const struct acc_diags *diags, enum acc_severity severity,
                    struct acc_srcpos pos, const char *text)
{
    for (size_t i = 0; i < diags->n; i++) {
        const struct acc_diag *diag = &diags->item[i];

        if (!is_place(diag, pos) || diag->severity > severity) {
            continue;
        }
        if (i < diags->n_settled || strcmp(said(diag->text), said(text)) == 0) {
            return true;
        }
    }
    return is_muted(diags, pos);
}

__attribute__((format(printf, 4, 0))) static void add(struct acc_diags *diags,
                                                      enum acc_severity severity,
                                                      struct acc_srcpos pos, const char *fmt,
                                                      va_list args)
{
    char text[ACC_DIAG_TEXT_MAX];

    /* A cut name or message is fine: it is for reading. */
    (void)vsnprintf(text, sizeof(text), fmt, args);
    if (is_told(diags, severity, pos, text)) {
        return;
    }
    diags->n_errors += severity == ACC_SEVERITY_ERROR;
    if (diags->n == ACC_DIAGS_MAX) {
        diags->n_dropped++;
        return;
    }

    struct acc_diag *diag = &diags->item[diags->n++];

    diag->severity = severity;
    diag->line = pos.line;
    diag->col = pos.col;
    (void)snprintf(diag->file, sizeof(diag->file), "%s", pos.file ? pos.file : "<config>");
    memcpy(diag->text, text, sizeof(text));
}

void acc_diags_add(struct acc_diags *diags, struct acc_srcpos pos, const char *fmt, ...)
{
    va_list args;

    acc_assert(diags);
    va_start(args, fmt);
    add(diags, ACC_SEVERITY_ERROR, pos, fmt, args);
    va_end(args);
}

void acc_diags_warn(struct acc_diags *diags, struct acc_srcpos pos, const char *fmt, ...)
{
    va_list args;

    acc_assert(diags);
    va_start(args, fmt);
    add(diags, ACC_SEVERITY_WARNING, pos, fmt, args);
    va_end(args);
}

void acc_diags_settle(struct acc_diags *diags)
{
    diags->n_settled = diags->n;
}

void acc_diags_mute(struct acc_diags *diags, struct acc_srcpos pos)
{
    if (diags->n_muted < ACC_DIAGS_MUTED_MAX) {
        diags->muted[diags->n_muted++] = pos;
    }
}

bool acc_diags_has(const struct acc_diags *diags, struct acc_srcpos pos)
{
    for (size_t i = 0; i < diags->n; i++) {
        if (diags->item[i].severity == ACC_SEVERITY_ERROR && is_place(&diags->item[i], pos)) {
            return true;
        }
    }
    return false;
}

static bool comes_after(const struct acc_diag *a, const struct acc_diag *b)
{
    int order = strcmp(a->file, b->file);

    if (order != 0) {
        return order > 0;
    }
    return a->line != b->line ? a->line > b->line : a->col > b->col;
}

/* Insertion: they are few, nearly sorted, and equal ones must stay in their order. */
void acc_diags_sort(struct acc_diags *diags)
{
    for (size_t i = 1; i < diags->n; i++) {
        for (size_t k = i; k > 0 && comes_after(&diags->item[k - 1], &diags->item[k]); k--) {
            struct acc_diag other = diags->item[k];

            diags->item[k] = diags->item[k - 1];
            diags->item[k - 1] = other;
        }
    }
}

int acc_diag_format(const struct acc_diag *diag, char *out, size_t out_size)
{
    const char *kind = diag->severity == ACC_SEVERITY_WARNING ? "warning: " : "";

    if (diag->line == 0) {
        return snprintf(out, out_size, "%s: %s%s", diag->file, kind, diag->text);
    }
    return snprintf(out, out_size, "%s:%u:%u: %s%s", diag->file, (unsigned)diag->line,
                    (unsigned)diag->col, kind, diag->text);
}
