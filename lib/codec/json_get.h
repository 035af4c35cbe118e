#pragma once

/*
 * Typed access to JSON that somebody else wrote.
 *
 * cJSON answers a type question per item, and its IsString does not promise a string pointer; here
 * a missing key, a null and a wrong type are all "absent", so that every reader is one line and no
 * field of a peer is used unchecked. Keys are compared case-sensitively.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "lib/base/buf.h"

/* Parse one text that fills `text_len` bytes. The bytes are copied behind a NUL first: cJSON 1.7.15
 * reads past the end of some broken texts (CVE-2023-53154). 0 and `*ret_json` (free with
 * cJSON_Delete), -EINVAL, -ENOMEM. Nesting is capped by cJSON (1000). */
int acc_json_parse(const char *text, size_t text_len, cJSON **ret_json);
/* As above, and it must be an object. */
int acc_json_parse_object(const char *text, size_t text_len, cJSON **ret_json);

/* `object` may be NULL or of any type in all of these. */
const cJSON *acc_json_get(const cJSON *object, const char *key); /* NULL: absent or null */
const cJSON *acc_json_object(const cJSON *object, const char *key);
const cJSON *acc_json_array(const cJSON *object, const char *key);
const char *acc_json_text(const cJSON *object, const char *key); /* NULL unless a string */
const char *acc_json_text_of(const cJSON *item);                 /* NULL unless a string */
bool acc_json_bool(const cJSON *object, const char *key);        /* false unless true */
/* Clamped to int64 and cut to a whole number; `otherwise` unless a number. */
int64_t acc_json_int(const cJSON *object, const char *key, int64_t otherwise);
int64_t acc_json_int_of(const cJSON *item, int64_t otherwise);
/* "" unless a string that fits: for names and ids, where half of one is worse than none. */
void acc_json_copy(const cJSON *object, const char *key, char *out, size_t out_size);
void acc_copy_whole(const char *text, char *out, size_t out_size); /* the same; NULL gives "" */
/* Cut at a character's boundary, control characters as spaces, blanks at the ends dropped: text for
 * people. NULL gives "". */
void acc_copy_line(const char *text, char *out, size_t out_size);
/* RFC 3339 to Unix nanoseconds; 0 when absent or malformed. */
int64_t acc_json_time_ns(const cJSON *object, const char *key);
/* 64 lower-case hex digits. */
bool acc_is_cid(const char *text);
/* Copies a 64-digit id; "" otherwise. */
void acc_json_copy_cid(const cJSON *object, const char *key, char *out);
/* "80/tcp" as its number, 0 when it is not that protocol or no port. */
uint16_t acc_port_of(const char *text, const char *proto);
/* Keys of {"80/tcp": {}} with protocol tcp, ascending, without doubles. The number stored. */
size_t acc_json_tcp_ports(const cJSON *object, uint16_t *ports, size_t cap);
