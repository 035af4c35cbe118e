#pragma once

/*
 * IP addresses and subnets as text: are two of them the same?
 */

#include <stdbool.h>
#include <stdint.h>

struct acc_cidr {
    bool is_v6;
    unsigned bits;       /* of the address alone: all, 32 or 128 */
    uint8_t address[16]; /* the first 4 of IPv4; without what is behind the bits */
};

/* "10.0.0.1/24", "fd00::/64", or an address alone. False, and nothing is written: it is none. An
 * IPv6 address that ends as an IPv4 one isn't read. */
bool acc_cidr_read(const char *text, struct acc_cidr *ret_cidr);
/* What can't be read is the same only letter by letter; NULL is nothing's same. */
bool acc_cidr_same(const char *a, const char *b);
