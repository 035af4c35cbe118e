#include "lib/base/diag.h"

#include <stdarg.h>
#include <stdio.h>

#include "lib/base/assert.h"

__attribute__((format(printf, 4, 0))) static void add(struct acc_diags *diags,
                                                      enum acc_severity severity,
                                                      struct acc_srcpos pos, const char *fmt,
                                                      va_list args)
{
    if (severity == ACC_SEVERITY_ERROR) {
        diags->n_errors++;
    }
    if (diags->n == ACC_DIAGS_MAX) {
        diags->n_dropped++;
        return;
    }

    struct acc_diag *diag = &diags->item[diags->n++];

    diag->severity = severity;
    diag->line = pos.line;
    diag->col = pos.col;
    /* A cut name or message is fine: it is for reading. */
    (void)snprintf(diag->file, sizeof(diag->file), "%s", pos.file ? pos.file : "<config>");
    (void)vsnprintf(diag->text, sizeof(diag->text), fmt, args);
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

int acc_diag_format(const struct acc_diag *diag, char *out, size_t out_size)
{
    const char *kind = diag->severity == ACC_SEVERITY_WARNING ? "warning: " : "";

    if (diag->line == 0) {
        return snprintf(out, out_size, "%s: %s%s", diag->file, kind, diag->text);
    }
    return snprintf(out, out_size, "%s:%u:%u: %s%s", diag->file, (unsigned)diag->line,
                    (unsigned)diag->col, kind, diag->text);
}
