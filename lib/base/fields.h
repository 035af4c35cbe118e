#pragma once

/*
 * Structs as text, by a table of their fields: "name=value name.2.part=7".
 *
 * Written is what differs from zero (an index: from ACC_FIELD_NO_INDEX), so a struct that was
 * cleared by acc_fields_clear() and given all that was written is the same again in those fields.
 * Texts are percent-encoded: no blank, no `=`, no `#`, no `%`.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"

#define ACC_FIELD_NO_INDEX UINT32_MAX

enum acc_field_kind {
    ACC_FIELD_UINT, /* of any size, bool and enums among them */
    ACC_FIELD_INT,
    ACC_FIELD_INDEX, /* uint32_t that is ACC_FIELD_NO_INDEX when there is none */
    ACC_FIELD_TEXT,
    ACC_FIELD_PRIVATE, /* text that a stranger has written: left out */
    ACC_FIELD_LIST,    /* of `list` */
};

struct acc_field_list;
struct acc_field {
    const char *name;
    size_t offset, size;
    enum acc_field_kind kind;
    const struct acc_field_list *list;
};
struct acc_field_list {
    size_t stride, n; /* of one, and how many there are; all are written */
    const struct acc_field *fields;
    size_t n_fields;
};

void acc_fields_clear(void *base, const struct acc_field *fields, size_t n);
/* " name=value" for each that differs; `with_private`: those texts, too. */
void acc_fields_put(const void *base, const struct acc_field *fields, size_t n, bool with_private,
                    struct acc_buf *out);
/* One "name=value", which is cut up. False: no such field, or no such value. */
bool acc_fields_read(void *base, const struct acc_field *fields, size_t n, char *word);
/* Percent-encoding for a text of its own. */
void acc_fields_put_text(const char *text, struct acc_buf *out);
bool acc_fields_read_text(const char *word, char *out, size_t out_size);

/* For tables; OF is the struct. */
#define ACC_FIELD_OF(of, name, kind)                                                               \
    {                                                                                              \
#name, offsetof(of, name), sizeof(((of *)0)->name), kind, NULL                             \
    }
#define ACC_FIELD_LIST_OF(of, name, list)                                                          \
    {                                                                                              \
#name, offsetof(of, name), sizeof(((of *)0)->name), ACC_FIELD_LIST, list                   \
    }
