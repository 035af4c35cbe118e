#include "lib/base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"

#define NS_PER_US 1000LL
#define NS_PER_MS (1000LL * NS_PER_US)
#define NS_PER_S  (1000LL * NS_PER_MS)
#define NS_PER_M  (60LL * NS_PER_S)
#define NS_PER_H  (60LL * NS_PER_M)
#define NS_PER_D  (24LL * NS_PER_H)
#define NS_PER_W  (7LL * NS_PER_D)

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The length without a UTF-8 sequence at its end that isn't whole. */
static size_t whole_len(const char *text, size_t len)
{
    size_t lead = len;
    unsigned char c;

    while (lead > 0 && len - lead < 3 && ((unsigned char)text[lead - 1] & 0xc0) == 0x80) {
        lead--;
    }
    if (lead == 0) {
        return len; /* no text in UTF-8 */
    }
    c = (unsigned char)text[lead - 1];
    size_t want = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;

    return want > len - lead + 1 ? lead - 1 : len;
}

size_t acc_mark_cut(char *text, size_t len, size_t max)
{
    acc_assert(max >= ACC_CUT_LEN && len <= max);
    len = strnlen(text, len);
    if (len >= ACC_CUT_LEN && memcmp(text + len - ACC_CUT_LEN, ACC_CUT, ACC_CUT_LEN) == 0) {
        text[len] = '\0';
        return len; /* somebody has cut it before */
    }
    len = whole_len(text, len < max - ACC_CUT_LEN ? len : max - ACC_CUT_LEN);
    memcpy(text + len, ACC_CUT, ACC_CUT_LEN + 1);
    return len + ACC_CUT_LEN;
}

bool acc_parse_u64(const char *text, uint64_t *ret_value)
{
    uint64_t value = 0;

    if (!*text) {
        return false;
    }
    for (; *text; text++) {
        if (!is_digit(*text)) {
            return false;
        }
        uint64_t digit = (uint64_t)(*text - '0');

        if (value > (UINT64_MAX - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    *ret_value = value;
    return true;
}

static const struct {
    const char *name;
    int64_t ns;
} duration_units[] = {
    {"ns", 1},         {"us", NS_PER_US}, {"\xc2\xb5s", NS_PER_US}, {"\xce\xbcs", NS_PER_US},
    {"ms", NS_PER_MS}, {"s", NS_PER_S},   {"m", NS_PER_M},          {"h", NS_PER_H},
    {"d", NS_PER_D},   {"w", NS_PER_W},
};

/* The unit at `text`, longest first ("ms" before "m"); 0 when there is none. */
static int64_t duration_unit(const char **text)
{
    size_t best_len = 0;
    int64_t best = 0;

    for (size_t i = 0; i < ACC_ARRAY_LEN(duration_units); i++) {
        size_t len = strlen(duration_units[i].name);

        if (len > best_len && strncmp(*text, duration_units[i].name, len) == 0) {
            best_len = len;
            best = duration_units[i].ns;
        }
    }
    *text += best_len;
    return best;
}

/* Digits with an optional fraction, as whole and thousandth-of-a-billionth parts. */
static bool decimal(const char **text, int64_t *whole, double *fraction)
{
    const char *p = *text;
    bool any = false;
    double scale = 1;

    *whole = 0;
    *fraction = 0;
    for (; is_digit(*p); p++, any = true) {
        if (*whole > (INT64_MAX - 9) / 10) {
            return false;
        }
        *whole = *whole * 10 + (*p - '0');
    }
    if (*p == '.') {
        for (p++; is_digit(*p); p++, any = true) {
            scale /= 10;
            *fraction += scale * (*p - '0');
        }
    }
    *text = p;
    return any;
}

bool acc_parse_duration_ns(const char *text, int64_t *ret_ns)
{
    bool negative = *text == '-';
    int64_t total = 0;

    if (*text == '-' || *text == '+') {
        text++;
    }
    if (strcmp(text, "0") == 0) {
        *ret_ns = 0;
        return true;
    }
    if (!*text) {
        return false;
    }
    while (*text) {
        int64_t whole;
        double fraction;

        if (!decimal(&text, &whole, &fraction)) {
            return false;
        }
        int64_t unit = duration_unit(&text);

        if (unit == 0 || whole > INT64_MAX / unit) {
            return false;
        }
        int64_t part = whole * unit + (int64_t)(fraction * (double)unit + 0.5);

        if (part < 0 || part > INT64_MAX - total) {
            return false;
        }
        total += part;
    }
    *ret_ns = negative ? -total : total;
    return true;
}

/* `value` thousandths... of a unit, with the fraction's trailing zeros cut, as Go prints it. */
static void format_fraction(uint64_t ns, uint64_t unit, const char *name, char *out,
                            size_t out_size)
{
    uint64_t whole = ns / unit;
    uint64_t rest = ns % unit;
    char digits[16] = "";

    if (rest > 0) {
        unsigned width = 0;

        for (uint64_t u = unit; u > 1; u /= 10) {
            width++;
        }
        (void)snprintf(digits, sizeof(digits), ".%0*llu", (int)width, (unsigned long long)rest);
        for (size_t len = strlen(digits); digits[len - 1] == '0'; len--) {
            digits[len - 1] = '\0';
        }
    }
    (void)snprintf(out, out_size, "%llu%s%s", (unsigned long long)whole, digits, name);
}

void acc_format_duration_ns(int64_t ns, char *out, size_t out_size)
{
    uint64_t value = ns < 0 ? (uint64_t)0 - (uint64_t)ns : (uint64_t)ns;
    const char *sign = ns < 0 ? "-" : "";
    char part[40];

    if (value == 0) {
        (void)snprintf(out, out_size, "0s");
        return;
    }
    if (value < (uint64_t)NS_PER_US) {
        format_fraction(value, 1, "ns", part, sizeof(part));
    } else if (value < (uint64_t)NS_PER_MS) {
        format_fraction(value, (uint64_t)NS_PER_US, "\xc2\xb5s", part, sizeof(part));
    } else if (value < (uint64_t)NS_PER_S) {
        format_fraction(value, (uint64_t)NS_PER_MS, "ms", part, sizeof(part));
    } else {
        uint64_t hours = value / (uint64_t)NS_PER_H;
        uint64_t minutes = value / (uint64_t)NS_PER_M % 60;

        format_fraction(value % (uint64_t)NS_PER_M, (uint64_t)NS_PER_S, "s", part, sizeof(part));
        if (hours > 0) {
            (void)snprintf(out, out_size, "%s%lluh%llum%s", sign, (unsigned long long)hours,
                           (unsigned long long)minutes, part);
            return;
        }
        if (minutes > 0) {
            (void)snprintf(out, out_size, "%s%llum%s", sign, (unsigned long long)minutes, part);
            return;
        }
    }
    (void)snprintf(out, out_size, "%s%s", sign, part);
}

void acc_format_span_ms(uint64_t ms, char *out, size_t out_size)
{
    unsigned long long s = ms / 1000;

    if (ms == 0) {
        (void)snprintf(out, out_size, "0 s");
    } else if (ms < 1000) {
        (void)snprintf(out, out_size, "%llu ms", (unsigned long long)ms);
    } else if (s < 60) {
        (void)snprintf(out, out_size, "%llu s", s);
    } else if (s < 600 && s % 60) {
        (void)snprintf(out, out_size, "%llu min %llu s", s / 60, s % 60);
    } else if (s < 3600) {
        (void)snprintf(out, out_size, "%llu min", s / 60);
    } else if (s < 86400) {
        (void)snprintf(out, out_size, "%llu h %llu min", s / 3600, s % 3600 / 60);
    } else {
        (void)snprintf(out, out_size, "%llu d %llu h", s / 86400, s % 86400 / 3600);
    }
}

void acc_format_left_ms(uint64_t ms, char *out, size_t out_size)
{
    uint64_t unit_ms = ms > 60000 ? 60000 : 1000;

    acc_format_span_ms((ms + unit_ms - 1) / unit_ms * unit_ms, out, out_size);
}

const char *acc_plural(uint64_t n)
{
    return n == 1 ? "" : "s";
}

/* docker/go-units size.go: what strconv.ParseFloat takes, then at most one space, then one of
 * kmgtp with "b" or "ib" behind it, or "b". */
bool acc_parse_bytes(const char *text, int64_t *ret_bytes)
{
    static const char prefixes[] = "kmgtp";
    size_t len = strspn(text, "0123456789.eE+-");
    const char *unit = text + len;
    double factor = 1;
    char *end = NULL;

    while (len > 0 && !is_digit(text[len - 1]) && text[len - 1] != '.') {
        len--; /* an exponent has digits */
        unit = text + len;
    }
    double value = strtod(text, &end);

    if (len == 0 || end != text + len || value < 0) {
        return false;
    }
    unit += *unit == ' ';
    char lower = (char)(*unit >= 'A' && *unit <= 'Z' ? *unit + 32 : *unit);
    const char *prefix = lower ? strchr(prefixes, lower) : NULL;

    if (prefix) {
        factor = (double)(1LL << (10 * (prefix - prefixes + 1)));
        unit++;
        if ((unit[0] == 'i' || unit[0] == 'I') && (unit[1] == 'b' || unit[1] == 'B')) {
            unit++;
        }
    }
    if (*unit == 'b' || *unit == 'B') {
        unit++;
    }
    if (*unit || !(value * factor < 9.2e18)) {
        return false;
    }
    *ret_bytes = (int64_t)(value * factor);
    return true;
}

void acc_format_bytes(uint64_t bytes, char *out, size_t out_size)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double value = (double)bytes;
    size_t unit = 0;

    while (value >= 1024 && unit + 1 < ACC_ARRAY_LEN(units)) {
        value /= 1024;
        unit++;
    }
    (void)snprintf(out, out_size, unit > 0 && value < 10 ? "%.1f %s" : "%.0f %s", value,
                   units[unit]);
}

#define WORD_MAX 64u /* longer names are not compared: nobody mistypes them into another one */

size_t acc_edit_distance(const char *a, const char *b, size_t max)
{
    size_t rows[3][WORD_MAX + 1];
    size_t a_len = strlen(a);
    size_t b_len = strlen(b);

    if (a_len > WORD_MAX || b_len > WORD_MAX) {
        return strcmp(a, b) == 0 ? 0 : max + 1;
    }
    for (size_t j = 0; j <= b_len; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= a_len; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i + 2) % 3];
        const size_t *above2 = rows[(i + 1) % 3];

        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t best = above[j - 1] + (a[i - 1] != b[j - 1]);

            best = above[j] + 1 < best ? above[j] + 1 : best;
            best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                above2[j - 2] + 1 < best) {
                best = above2[j - 2] + 1;
            }
            row[j] = best;
        }
    }
    size_t distance = rows[a_len % 3][b_len];

    return distance > max ? max + 1 : distance;
}

const char *acc_nearest(const char *word, const char *const *candidates, size_t n_candidates)
{
    size_t len = strlen(word);
    size_t limit = len <= 3 ? 1 : len <= 7 ? 2 : 3;
    const char *best = NULL;

    for (size_t i = 0; i < n_candidates; i++) {
        size_t distance = acc_edit_distance(word, candidates[i], limit);

        if (distance <= limit && distance < strlen(candidates[i])) {
            if (distance == 0) {
                return candidates[i];
            }
            best = candidates[i];
            limit = distance - 1; /* only a nearer one may replace it */
        }
    }
    return best;
}

static bool number(const char **text, size_t digits, int64_t *ret)
{
    int64_t value = 0;

    for (size_t i = 0; i < digits; i++, (*text)++) {
        if (!is_digit(**text)) {
            return false;
        }
        value = value * 10 + (**text - '0');
    }
    *ret = value;
    return true;
}

static bool literal(const char **text, char c)
{
    if (**text != c) {
        return false;
    }
    (*text)++;
    return true;
}

/* Days since 1970-01-01 of a proleptic Gregorian date (Howard Hinnant's days_from_civil). */
static int64_t days_from_civil(int64_t y, int64_t m, int64_t d)
{
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t yoe = y - era * 400;
    int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;

    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

/* The zone after the time: Z, or +hh:mm. Its offset in seconds. */
static bool zone(const char **text, int64_t *ret_offset)
{
    int64_t hours;
    int64_t minutes;
    char sign = **text;

    *ret_offset = 0;
    if (literal(text, 'Z')) {
        return true;
    }
    if (sign != '+' && sign != '-') {
        return false;
    }
    (*text)++;
    if (!number(text, 2, &hours) || !literal(text, ':') || !number(text, 2, &minutes)) {
        return false;
    }
    *ret_offset = (hours * 60 + minutes) * 60 * (sign == '-' ? -1 : 1);
    return true;
}

bool acc_parse_rfc3339_ns(const char *text, int64_t *ret_ns)
{
    int64_t y, mo, d, h, mi, s, offset;
    int64_t fraction = 0;

    if (!number(&text, 4, &y) || !literal(&text, '-') || !number(&text, 2, &mo) ||
        !literal(&text, '-') || !number(&text, 2, &d) || !literal(&text, 'T') ||
        !number(&text, 2, &h) || !literal(&text, ':') || !number(&text, 2, &mi) ||
        !literal(&text, ':') || !number(&text, 2, &s)) {
        return false;
    }
    if (literal(&text, '.')) {
        int64_t scale = NS_PER_S;

        for (; is_digit(*text); text++) {
            scale /= 10;
            fraction += scale * (*text - '0');
        }
    }
    if (!zone(&text, &offset) || *text || mo < 1 || mo > 12) {
        return false;
    }
    if (y <= 1) {
        *ret_ns = 0; /* Go's zero time: "never" */
        return true;
    }
    if (y < 1970 || y > 2200) {
        return false; /* outside int64 nanoseconds, or nonsense */
    }
    *ret_ns = ((days_from_civil(y, mo, d) * 24 + h) * 3600 + mi * 60 + s - offset) * NS_PER_S +
              fraction;
    return true;
}

void acc_format_rfc3339(int64_t unix_ms, char *out, size_t out_size)
{
    int64_t s = unix_ms / 1000;
    int64_t days = s / 86400;
    int64_t rest = s % 86400;
    /* civil_from_days, the inverse of the above */
    int64_t z = days + 719468;
    int64_t era = z / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    int64_t month = mp < 10 ? mp + 3 : mp - 9;
    int64_t year = yoe + era * 400 + (month <= 2);

    if (unix_ms <= 0) {
        (void)snprintf(out, out_size, "1970-01-01T00:00:00Z");
        return;
    }
    (void)snprintf(out, out_size, "%04lld-%02lld-%02lldT%02lld:%02lld:%02lldZ", (long long)year,
                   (long long)month, (long long)(doy - (153 * mp + 2) / 5 + 1),
                   (long long)(rest / 3600), (long long)(rest / 60 % 60), (long long)(rest % 60));
}
