#include "lib/codec/json_get.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/str.h"

int acc_json_parse(const char *text, size_t text_len, cJSON **ret_json)
{
    if (text_len == 0) {
        return -EINVAL;
    }
    char *copy = malloc(text_len + 1);

    if (!copy) {
        return -ENOMEM;
    }
    memcpy(copy, text, text_len);
    copy[text_len] = '\0';
    /* the NUL is part of the length: only then cJSON sees it as the end it must not pass; and it
     * must be reached, so nothing follows the value */
    cJSON *json = cJSON_ParseWithLengthOpts(copy, text_len + 1, NULL, true);

    free(copy);
    if (!json) {
        return -EINVAL;
    }
    *ret_json = json;
    return 0;
}

int acc_json_parse_object(const char *text, size_t text_len, cJSON **ret_json)
{
    cJSON *json = NULL;
    int r = acc_json_parse(text, text_len, &json);

    if (r < 0) {
        return r;
    }
    if (!cJSON_IsObject(json)) {
        cJSON_Delete(json);
        return -EINVAL;
    }
    *ret_json = json;
    return 0;
}

const cJSON *acc_json_get(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_IsObject(object) ? cJSON_GetObjectItemCaseSensitive(object, key)
                                               : NULL;

    return item && !cJSON_IsNull(item) ? item : NULL;
}

const cJSON *acc_json_object(const cJSON *object, const char *key)
{
    const cJSON *item = acc_json_get(object, key);

    return cJSON_IsObject(item) ? item : NULL;
}

const cJSON *acc_json_array(const cJSON *object, const char *key)
{
    const cJSON *item = acc_json_get(object, key);

    return cJSON_IsArray(item) ? item : NULL;
}

const char *acc_json_text_of(const cJSON *item)
{
    return cJSON_IsString(item) ? item->valuestring : NULL;
}

const char *acc_json_text(const cJSON *object, const char *key)
{
    return acc_json_text_of(acc_json_get(object, key));
}

bool acc_json_bool(const cJSON *object, const char *key)
{
    return cJSON_IsTrue(acc_json_get(object, key));
}

int64_t acc_json_int_of(const cJSON *item, int64_t otherwise)
{
    if (!cJSON_IsNumber(item) || item->valuedouble != item->valuedouble) {
        return otherwise;
    }
    /* 2^63 is the first double that int64 can't hold */
    if (item->valuedouble >= 9223372036854775808.0) {
        return INT64_MAX;
    }
    if (item->valuedouble <= -9223372036854775808.0) {
        return INT64_MIN;
    }
    return (int64_t)item->valuedouble;
}

int64_t acc_json_int(const cJSON *object, const char *key, int64_t otherwise)
{
    return acc_json_int_of(acc_json_get(object, key), otherwise);
}

void acc_copy_whole(const char *text, char *out, size_t out_size)
{
    size_t len = text ? strlen(text) : 0;

    if (len >= out_size) {
        len = 0;
    }
    if (len > 0) {
        memcpy(out, text, len);
    }
    out[len] = '\0';
}

void acc_json_copy(const cJSON *object, const char *key, char *out, size_t out_size)
{
    acc_copy_whole(acc_json_text(object, key), out, out_size);
}

void acc_copy_line(const char *text, char *out, size_t out_size)
{
    size_t len = 0;

    text = text ? text : "";
    while (*text && (unsigned char)*text <= ' ') {
        text++;
    }
    for (; text[len] && len + 1 < out_size; len++) {
        unsigned char c = (unsigned char)text[len];

        out[len] = (char)(c < ' ' || c == 0x7f ? ' ' : c);
    }
    if (text[len + strspn(text + len, " \t\r\n")]) {
        (void)acc_mark_cut(out, len, out_size - 1);
        return;
    }
    while (len > 0 && out[len - 1] == ' ') {
        len--;
    }
    out[len] = '\0';
}

int64_t acc_json_time_ns(const cJSON *object, const char *key)
{
    const char *text = acc_json_text(object, key);
    int64_t ns = 0;

    return text && acc_parse_rfc3339_ns(text, &ns) ? ns : 0;
}

bool acc_is_cid(const char *text)
{
    size_t n = text ? strspn(text, "0123456789abcdef") : 0;

    return n == 64 && text[64] == '\0';
}

void acc_json_copy_cid(const cJSON *object, const char *key, char *out)
{
    const char *text = acc_json_text(object, key);

    acc_copy_whole(acc_is_cid(text) ? text : NULL, out, 65);
}

uint16_t acc_port_of(const char *text, const char *proto)
{
    uint32_t port = 0;
    size_t n = 0;

    for (; text[n] >= '0' && text[n] <= '9' && n < 5; n++) {
        port = port * 10 + (uint32_t)(text[n] - '0');
    }
    if (n == 0 || port > UINT16_MAX) {
        return 0;
    }
    /* without a protocol it is tcp: go-connections nat.Port */
    if (text[n] == '\0') {
        return strcmp(proto, "tcp") == 0 ? (uint16_t)port : 0;
    }
    return text[n] == '/' && strcmp(text + n + 1, proto) == 0 ? (uint16_t)port : 0;
}

static int compare_ports(const void *a, const void *b)
{
    return *(const uint16_t *)a - *(const uint16_t *)b;
}

size_t acc_json_tcp_ports(const cJSON *object, uint16_t *ports, size_t cap)
{
    const cJSON *item;
    size_t n = 0;

    if (!cJSON_IsObject(object)) {
        return 0;
    }
    cJSON_ArrayForEach(item, object)
    {
        uint16_t port = item->string ? acc_port_of(item->string, "tcp") : 0;
        bool known = port == 0;

        for (size_t i = 0; i < n; i++) {
            known = known || ports[i] == port;
        }
        if (!known && n < cap) {
            ports[n++] = port;
        }
    }
    qsort(ports, n, sizeof(*ports), compare_ports);
    return n;
}
