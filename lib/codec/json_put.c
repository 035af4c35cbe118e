#include "lib/codec/json_put.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

cJSON *acc_put_root(struct acc_json_put *put)
{
    cJSON *root = cJSON_CreateObject();

    if (!root) {
        put->failed = true;
    }
    return root;
}

cJSON *acc_put_own(struct acc_json_put *put, cJSON *parent, const char *key, cJSON *item)
{
    bool ok = parent && item &&
              (cJSON_IsArray(parent) ? cJSON_AddItemToArray(parent, item)
                                     : cJSON_AddItemToObject(parent, key, item));

    if (!ok) {
        cJSON_Delete(item);
        put->failed = true;
        return NULL;
    }
    return item;
}

cJSON *acc_put_object(struct acc_json_put *put, cJSON *parent, const char *key)
{
    return acc_put_own(put, parent, key, cJSON_CreateObject());
}

cJSON *acc_put_array(struct acc_json_put *put, cJSON *parent, const char *key)
{
    return acc_put_own(put, parent, key, cJSON_CreateArray());
}

void acc_put_text(struct acc_json_put *put, cJSON *parent, const char *key, const char *text)
{
    if (text) {
        (void)acc_put_own(put, parent, key, cJSON_CreateString(text));
    }
}

void acc_put_int(struct acc_json_put *put, cJSON *parent, const char *key, int64_t value)
{
    char digits[24];

    (void)snprintf(digits, sizeof(digits), "%" PRId64, value);
    (void)acc_put_own(put, parent, key, cJSON_CreateRaw(digits));
}

void acc_put_bool(struct acc_json_put *put, cJSON *parent, const char *key, bool value)
{
    (void)acc_put_own(put, parent, key, cJSON_CreateBool(value));
}

void acc_put_text_some(struct acc_json_put *put, cJSON *parent, const char *key, const char *text)
{
    if (text && *text) {
        acc_put_text(put, parent, key, text);
    }
}

void acc_put_int_some(struct acc_json_put *put, cJSON *parent, const char *key, int64_t value)
{
    if (value != 0) {
        acc_put_int(put, parent, key, value);
    }
}

void acc_put_true(struct acc_json_put *put, cJSON *parent, const char *key, bool value)
{
    if (value) {
        acc_put_bool(put, parent, key, true);
    }
}

void acc_put_word(struct acc_json_put *put, cJSON *array, const char *text)
{
    acc_put_text(put, array, NULL, text);
}

cJSON *acc_put_item(struct acc_json_put *put, cJSON *array)
{
    return acc_put_object(put, array, NULL);
}

int acc_put_finish(struct acc_json_put *put, cJSON *root, struct acc_buf *out)
{
    char *text = !put->failed && root ? cJSON_PrintUnformatted(root) : NULL;
    int r = text ? acc_buf_puts(out, text) : -ENOMEM;

    cJSON_free(text);
    cJSON_Delete(root);
    return r;
}
