#include "lib/base/cidr.h"

#include <ctype.h>
#include <string.h>

#define GROUPS 8u /* of 16 bits, in an IPv6 address */

/* A number of at most `digits_max` digits; moves `*at` behind it. */
static bool read_number(const char **at, unsigned base, unsigned digits_max, unsigned max,
                        unsigned *ret_number)
{
    unsigned number = 0, n = 0;

    for (; n < digits_max &&
           (base == 16 ? isxdigit((unsigned char)**at) : isdigit((unsigned char)**at));
         n++, ++*at) {
        unsigned digit = isdigit((unsigned char)**at)
                             ? (unsigned)(**at - '0')
                             : (unsigned)(tolower((unsigned char)**at) - 'a') + 10;

        number = number * base + digit;
    }
    *ret_number = number;
    return n > 0 && number <= max;
}

static bool read_v4(const char **at, uint8_t *address)
{
    for (unsigned i = 0; i < 4; i++) {
        unsigned byte;

        if ((i > 0 && *(*at)++ != '.') || !read_number(at, 10, 3, 255, &byte)) {
            return false;
        }
        address[i] = (uint8_t)byte;
    }
    return true;
}

/* Groups up to a "::", the end, or what is none; those behind it are read by the next call. */
static bool read_groups(const char **at, uint8_t *out, unsigned cap, unsigned *ret_n)
{
    unsigned n = 0;

    while (isxdigit((unsigned char)**at)) {
        unsigned group;

        if (n == cap || !read_number(at, 16, 4, 0xffff, &group)) {
            return false;
        }
        out[2 * n] = (uint8_t)(group >> 8);
        out[2 * n + 1] = (uint8_t)group;
        n++;
        if ((*at)[0] != ':' || (*at)[1] == ':') {
            break;
        }
        ++*at;
        if (!isxdigit((unsigned char)**at)) {
            return false;
        }
    }
    *ret_n = n;
    return true;
}

static bool read_v6(const char **at, uint8_t *address)
{
    uint8_t behind[2 * GROUPS];
    unsigned n, n_behind;

    if (!read_groups(at, address, GROUPS, &n)) {
        return false;
    }
    if (strncmp(*at, "::", 2) != 0) {
        return n == GROUPS;
    }
    *at += 2;
    if (!read_groups(at, behind, GROUPS - 1, &n_behind) || n + n_behind >= GROUPS) {
        return false;
    }
    memcpy(address + 2 * (GROUPS - (size_t)n_behind), behind, 2 * (size_t)n_behind);
    return true;
}

bool acc_cidr_read(const char *text, struct acc_cidr *ret_cidr)
{
    struct acc_cidr cidr = {.is_v6 = strchr(text, ':') != NULL};
    unsigned n_bits = cidr.is_v6 ? 128 : 32;

    cidr.bits = n_bits;
    if (!(cidr.is_v6 ? read_v6 : read_v4)(&text, cidr.address)) {
        return false;
    }
    if (*text == '/') {
        text++;
        if (!read_number(&text, 10, 3, n_bits, &cidr.bits)) {
            return false;
        }
    }
    if (*text) {
        return false;
    }
    for (unsigned bit = cidr.bits; bit < n_bits; bit++) {
        cidr.address[bit / 8] &= (uint8_t) ~(0x80u >> (bit % 8));
    }
    *ret_cidr = cidr;
    return true;
}

bool acc_cidr_same(const char *a, const char *b)
{
    struct acc_cidr x, y;

    if (!a || !b) {
        return false;
    }
    if (!acc_cidr_read(a, &x) || !acc_cidr_read(b, &y)) {
        return strcmp(a, b) == 0;
    }
    return x.is_v6 == y.is_v6 && x.bits == y.bits &&
           memcmp(x.address, y.address, sizeof(x.address)) == 0;
}
