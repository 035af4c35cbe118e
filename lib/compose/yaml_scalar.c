/*
 * What a plain scalar means: null, bool, int, float, date or string, by the rules of go-yaml v3
 * (resolve.go), which are neither YAML 1.1's nor 1.2's; and floats printed as Go prints them.
 */

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/compose/yaml.h"

/* No number that is one has more characters; longer text is a string without looking further. */
#define NUMBER_LEN_MAX 512

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_one_of(const char *text, const char *const *words)
{
    for (; *words; words++) {
        if (strcmp(text, *words) == 0) {
            return true;
        }
    }
    return false;
}

/* ^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$ */
static bool looks_like_float(const char *text)
{
    size_t n_before = 0;
    size_t n_after = 0;

    text += *text == '-' || *text == '+';
    while (is_digit(*text)) {
        text++;
        n_before++;
    }
    if (*text == '.') {
        text++;
        while (is_digit(*text)) {
            text++;
            n_after++;
        }
    }
    if (n_before + n_after == 0) {
        return false;
    }
    if (*text == 'e' || *text == 'E') {
        text++;
        text += *text == '-' || *text == '+';
        if (!is_digit(*text)) {
            return false;
        }
        while (is_digit(*text)) {
            text++;
        }
    }
    return *text == '\0';
}

static int digit_value(char c)
{
    if (is_digit(c)) {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return 99;
}

/* Go's ParseInt and ParseUint with base 0: 0x, 0o, 0b, and a leading 0 for octal. */
static bool parse_whole(const char *text, bool *ret_is_negative, uint64_t *ret_value)
{
    unsigned base = 10;
    uint64_t value = 0;

    *ret_is_negative = *text == '-';
    text += *text == '-' || *text == '+';
    if (text[0] == '0' && text[1] != '\0') {
        switch (text[1]) {
        case 'x':
        case 'X':
            base = 16;
            text += 2;
            break;
        case 'o':
        case 'O':
            base = 8;
            text += 2;
            break;
        case 'b':
        case 'B':
            base = 2;
            text += 2;
            break;
        default:
            base = 8;
            text += 1;
        }
    }
    if (*text == '\0') {
        return false;
    }
    for (; *text; text++) {
        unsigned digit = (unsigned)digit_value(*text);

        if (digit >= base || value > (UINT64_MAX - digit) / base) {
            return false;
        }
        value = value * base + digit;
    }
    *ret_value = value;
    return !*ret_is_negative || value <= (uint64_t)INT64_MAX + 1;
}

static int set_int(struct acc_arena *arena, struct acc_node *node, bool is_negative, uint64_t value)
{
    node->type = ACC_NODE_INT;
    if (is_negative) {
        node->integer = value > INT64_MAX ? INT64_MIN : -(int64_t)value;
        node->text = acc_arena_printf(arena, "%lld", (long long)node->integer);
    } else {
        node->integer = value > INT64_MAX ? INT64_MAX : (int64_t)value;
        node->text = acc_arena_printf(arena, "%llu", (unsigned long long)value);
    }
    return node->text ? 0 : -ENOMEM;
}

static int set_float(struct acc_arena *arena, struct acc_node *node, double value)
{
    char text[ACC_FLOAT_TEXT_MAX];

    acc_yaml_format_float(value, text);
    node->type = ACC_NODE_FLOAT;
    node->number = value;
    node->text = acc_arena_strdup(arena, text);
    return node->text ? 0 : -ENOMEM;
}

static unsigned take_number(const char **text, size_t max_digits)
{
    unsigned value = 0;
    size_t n = 0;

    while (n < max_digits && is_digit(**text)) {
        value = value * 10 + (unsigned)(**text - '0');
        (*text)++;
        n++;
    }
    return n > 0 ? value : 9999;
}

static bool is_valid_date(unsigned year, unsigned month, unsigned day)
{
    static const unsigned char days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return month >= 1 && month <= 12 && day >= 1 && day <= days[month - 1] &&
           (month != 2 || day < 29 || is_leap);
}

/* h:m:s with a fraction; then, after a T, `Z` or +hh:mm. */
static bool is_time_of_day(const char *text, bool needs_zone)
{
    unsigned hour = take_number(&text, 2);

    if (hour > 23 || *text++ != ':' || take_number(&text, 2) > 59 || *text++ != ':' ||
        take_number(&text, 2) > 59) {
        return false;
    }
    if (*text == '.') {
        text++;
        if (!is_digit(*text)) {
            return false;
        }
        while (is_digit(*text)) {
            text++;
        }
    }
    if (!needs_zone) {
        return *text == '\0';
    }
    if (strcmp(text, "Z") == 0) {
        return true;
    }
    return (text[0] == '+' || text[0] == '-') && strlen(text) == 6 && text[3] == ':' &&
           is_digit(text[1]) && is_digit(text[2]) && is_digit(text[4]) && is_digit(text[5]);
}

/* The four layouts of go-yaml's allowedTimestampFormats. */
static bool is_timestamp(const char *text)
{
    const char *pos = text;

    if (strspn(text, "0123456789") != 4 || text[4] != '-') {
        return false;
    }
    unsigned year = take_number(&pos, 4);

    pos++;
    unsigned month = take_number(&pos, 2);

    if (*pos++ != '-') {
        return false;
    }
    unsigned day = take_number(&pos, 2);

    if (!is_valid_date(year, month, day)) {
        return false;
    }
    if (*pos == '\0') {
        return true;
    }
    if (*pos == 'T' || *pos == 't') {
        return is_time_of_day(pos + 1, true);
    }
    if (*pos != ' ') {
        return false;
    }
    while (*pos == ' ') {
        pos++;
    }
    return is_time_of_day(pos, false);
}

/* Sets the type and returns true in `*ret_done` when `text` is a number. */
static int resolve_number(struct acc_arena *arena, const char *text, struct acc_node *node,
                          bool *ret_done)
{
    char plain[NUMBER_LEN_MAX + 1];
    size_t len = 0;
    bool is_negative = false;
    uint64_t value = 0;

    *ret_done = false;
    if (strlen(text) > NUMBER_LEN_MAX) {
        return 0;
    }
    for (const char *c = text; *c; c++) {
        if (*c != '_' || *text == '.') { /* go-yaml drops underscores, but not after a point */
            plain[len++] = *c;
        }
    }
    plain[len] = '\0';
    if (*text != '.' && parse_whole(plain, &is_negative, &value)) {
        *ret_done = true;
        return set_int(arena, node, is_negative, value);
    }
    if (looks_like_float(plain)) {
        double number = strtod(plain, NULL);

        if (isfinite(number)) { /* Go's ParseFloat refuses what is out of range */
            *ret_done = true;
            return set_float(arena, node, number);
        }
    }
    return 0;
}

static int resolve_word(struct acc_arena *arena, const char *text, struct acc_node *node)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const trues[] = {"true", "True", "TRUE", NULL};
    static const char *const falses[] = {"false", "False", "FALSE", NULL};
    static const char *const nans[] = {".nan", ".NaN", ".NAN", NULL};
    static const char *const infs[] = {".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", NULL};
    static const char *const minus_infs[] = {"-.inf", "-.Inf", "-.INF", NULL};

    if (is_one_of(text, nulls)) {
        node->type = ACC_NODE_NULL;
        node->text = NULL;
    } else if (is_one_of(text, trues) || is_one_of(text, falses)) {
        node->type = ACC_NODE_BOOL;
        node->boolean = is_one_of(text, trues);
        node->text = node->boolean ? "true" : "false";
    } else if (is_one_of(text, nans)) {
        return set_float(arena, node, (double)NAN);
    } else if (is_one_of(text, infs)) {
        return set_float(arena, node, (double)INFINITY);
    } else if (is_one_of(text, minus_infs)) {
        return set_float(arena, node, -(double)INFINITY);
    }
    return 0;
}

int acc_yaml_resolve(struct acc_arena *arena, const char *text, struct acc_node *node)
{
    bool done = false;
    int r = 0;

    node->type = ACC_NODE_STRING;
    node->text = text;
    r = resolve_word(arena, text, node);
    if (r < 0 || node->type != ACC_NODE_STRING) {
        return r;
    }
    if (!is_digit(*text) && *text != '+' && *text != '-' && *text != '.') {
        return 0;
    }
    if (is_timestamp(text)) {
        node->tag = ACC_YAML_TAG_TIMESTAMP;
        return 0;
    }
    return resolve_number(arena, text, node, &done);
}

/* The shortest decimal that reads back as `value`: digits without a point, and the exponent of the
 * first. */
static int shortest_digits(double value, char *out, size_t out_size)
{
    char text[ACC_FLOAT_TEXT_MAX];
    int exponent = 0;
    size_t len = 0;

    for (int precision = 0; precision <= 17; precision++) {
        (void)snprintf(text, sizeof(text), "%.*e", precision, value); /* at most 25 characters */
        if (strtod(text, NULL) == value) {
            break;
        }
    }
    for (const char *c = text; *c && *c != 'e'; c++) {
        if (is_digit(*c) && len + 1 < out_size) {
            out[len++] = *c;
        }
    }
    while (len > 1 && out[len - 1] == '0') {
        len--;
    }
    out[len] = '\0';
    const char *tail = strchr(text, 'e') + 1; /* a sign and at least two digits */

    for (const char *c = tail + 1; *c; c++) {
        exponent = exponent * 10 + (*c - '0');
    }
    return *tail == '-' ? -exponent : exponent;
}

static void print_plain(const char *digits, int exponent, char *out, size_t out_size)
{
    int n = (int)strlen(digits);

    if (exponent < 0) {
        (void)snprintf(out, out_size, "0.%.*s%s", -exponent - 1, "0000000000", digits);
    } else if (n <= exponent + 1) {
        (void)snprintf(out, out_size, "%s%.*s", digits, exponent + 1 - n,
                       "000000000000000000000000");
    } else {
        (void)snprintf(out, out_size, "%.*s.%s", exponent + 1, digits, digits + exponent + 1);
    }
}

static void format(double value, int exponent_min, int exponent_max, int exponent_digits, char *out)
{
    char digits[24];
    char number[ACC_FLOAT_TEXT_MAX - 1];
    int exponent = 0;

    if (!isfinite(value)) {
        (void)snprintf(out, ACC_FLOAT_TEXT_MAX, "%s",
                       value != value ? "NaN" : (value > 0 ? "+Inf" : "-Inf"));
        return;
    }
    exponent = shortest_digits(fabs(value), digits, sizeof(digits));
    if (exponent < exponent_min || exponent >= exponent_max) {
        const char *rest = digits[1] ? digits + 1 : "";

        (void)snprintf(number, sizeof(number), "%c%s%se%c", digits[0], *rest ? "." : "", rest,
                       exponent < 0 ? '-' : '+');
        size_t len = strlen(number);

        (void)snprintf(number + len, sizeof(number) - len, "%0*d", exponent_digits,
                       exponent < 0 ? -exponent : exponent);
    } else {
        print_plain(digits, exponent, number, sizeof(number));
    }
    (void)snprintf(out, ACC_FLOAT_TEXT_MAX, "%s%s", signbit(value) ? "-" : "", number);
}

void acc_yaml_format_float(double value, char *out)
{
    format(value, -4, 6, 2, out);
}

void acc_yaml_format_float_json(double value, char *out)
{
    format(value, -6, 21, 1, out);
}
