#include "lib/base/fields.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"

#define NAME_MAX_ 64u /* of one field with its prefix */

/* --- numbers of any size --------------------------------------------------------------------- */

static uint64_t get(const void *at, size_t size)
{
    uint8_t one;
    uint16_t two;
    uint32_t four;
    uint64_t eight;

    switch (size) {
    case 1:
        memcpy(&one, at, size);
        return one;
    case 2:
        memcpy(&two, at, size);
        return two;
    case 4:
        memcpy(&four, at, size);
        return four;
    default:
        acc_assert(size == 8);
        memcpy(&eight, at, size);
        return eight;
    }
}

static void set(void *at, size_t size, uint64_t value)
{
    uint8_t one = (uint8_t)value;
    uint16_t two = (uint16_t)value;
    uint32_t four = (uint32_t)value;

    memcpy(at,
           size == 1   ? (void *)&one
           : size == 2 ? (void *)&two
           : size == 4 ? (void *)&four
                       : (void *)&value,
           size);
}

static int64_t get_signed(const void *at, size_t size)
{
    return size == 4 ? (int32_t)(uint32_t)get(at, size) : (int64_t)get(at, size);
}

/* --- text ------------------------------------------------------------------------------------ */

static bool is_plain(unsigned char c)
{
    return c > ' ' && c != '%' && c != '=' && c != '#' && c != 0x7f;
}

void acc_fields_put_text(const char *text, struct acc_buf *out)
{
    for (const char *c = text; *c; c++) {
        if (is_plain((unsigned char)*c)) {
            (void)acc_buf_append(out, c, 1);
        } else {
            (void)acc_buf_printf(out, "%%%02x", (unsigned char)*c);
        }
    }
}

static int hex_of(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c ? strchr(digits, c) : NULL;

    return at ? (int)(at - digits) : -1;
}

bool acc_fields_read_text(const char *word, char *out, size_t out_size)
{
    size_t n = 0;

    for (; *word; word++) {
        char c = *word;

        if (c == '%') {
            int high = hex_of(word[1]);
            int low = high < 0 ? -1 : hex_of(word[2]);

            if (low < 0 || (high == 0 && low == 0)) {
                return false;
            }
            c = (char)(16 * high + low);
            word += 2;
        }
        if (n + 1 >= out_size) {
            return false;
        }
        out[n++] = c;
    }
    memset(out + n, 0, out_size - n);
    return true;
}

/* --- writing --------------------------------------------------------------------------------- */

static void put_all(const void *base, const struct acc_field *fields, size_t n, bool with_private,
                    const char *prefix, struct acc_buf *out);

static void put_list(const char *at, const struct acc_field *field, bool with_private,
                     const char *prefix, struct acc_buf *out)
{
    char inner[NAME_MAX_];

    for (size_t k = 0; k < field->list->n; k++) {
        (void)snprintf(inner, sizeof(inner), "%s%s.%zu.", prefix, field->name, k);
        put_all(at + k * field->list->stride, field->list->fields, field->list->n_fields,
                with_private, inner, out);
    }
}

static void put_all(const void *base, const struct acc_field *fields, size_t n, bool with_private,
                    const char *prefix, struct acc_buf *out)
{
    for (size_t k = 0; k < n; k++) { /* an event without fields has no table */
        const struct acc_field *f = &fields[k];
        const char *at = (const char *)base + f->offset;
        bool is_text = f->kind == ACC_FIELD_TEXT || (f->kind == ACC_FIELD_PRIVATE && with_private);

        if (f->kind == ACC_FIELD_LIST) {
            put_list(at, f, with_private, prefix, out);
        } else if (is_text && *at) {
            (void)acc_buf_printf(out, " %s%s=", prefix, f->name);
            acc_fields_put_text(at, out);
        } else if (f->kind == ACC_FIELD_INT && get_signed(at, f->size) != 0) {
            (void)acc_buf_printf(out, " %s%s=%lld", prefix, f->name,
                                 (long long)get_signed(at, f->size));
        } else if ((f->kind == ACC_FIELD_UINT && get(at, f->size) != 0) ||
                   (f->kind == ACC_FIELD_INDEX && get(at, f->size) != ACC_FIELD_NO_INDEX)) {
            (void)acc_buf_printf(out, " %s%s=%llu", prefix, f->name,
                                 (unsigned long long)get(at, f->size));
        }
    }
}

void acc_fields_put(const void *base, const struct acc_field *fields, size_t n, bool with_private,
                    struct acc_buf *out)
{
    put_all(base, fields, n, with_private, "", out);
}

/* --- reading --------------------------------------------------------------------------------- */

void acc_fields_clear(void *base, const struct acc_field *fields, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct acc_field *f = &fields[i];
        char *at = (char *)base + f->offset;

        for (size_t k = 0; f->kind == ACC_FIELD_LIST && k < f->list->n; k++) {
            acc_fields_clear(at + k * f->list->stride, f->list->fields, f->list->n_fields);
        }
        if (f->kind != ACC_FIELD_LIST) {
            memset(at, f->kind == ACC_FIELD_INDEX ? 0xff : 0, f->size);
        }
    }
}

static bool read_value(char *at, const struct acc_field *f, const char *value)
{
    char *end = NULL;
    bool is_text = f->kind == ACC_FIELD_TEXT || f->kind == ACC_FIELD_PRIVATE;

    if (is_text) {
        return acc_fields_read_text(value, at, f->size);
    }
    if (f->kind == ACC_FIELD_INT) {
        set(at, f->size, (uint64_t)strtoll(value, &end, 10));
    } else {
        set(at, f->size, strtoull(value, &end, 10));
    }
    return *value && *end == '\0';
}

static bool read_name(char *base, const struct acc_field *fields, size_t n, char *name,
                      const char *value)
{
    char *dot = strchr(name, '.');

    /* "roll.is.step" is the name of one field; "ring.0.at_ms" goes into a list. */
    for (size_t i = 0; i < n; i++) {
        const struct acc_field *f = &fields[i];
        size_t len = strlen(f->name);

        if (f->kind != ACC_FIELD_LIST && strcmp(f->name, name) == 0) {
            return read_value(base + f->offset, f, value);
        }
        if (f->kind == ACC_FIELD_LIST && dot && strncmp(f->name, name, len) == 0 &&
            name[len] == '.') {
            char *rest = NULL;
            size_t k = strtoul(name + len + 1, &rest, 10);

            return k < f->list->n && *rest == '.' &&
                   read_name(base + f->offset + k * f->list->stride, f->list->fields,
                             f->list->n_fields, rest + 1, value);
        }
    }
    return false;
}

bool acc_fields_read(void *base, const struct acc_field *fields, size_t n, char *word)
{
    char *equals = strchr(word, '=');

    if (!equals) {
        return false;
    }
    *equals = '\0';
    return read_name(base, fields, n, word, equals + 1);
}
