#pragma once

/*
 * Building JSON: a thin writer over cJSON that is checked once, at its end.
 *
 * Every function takes a NULL parent and then does nothing, and notes a failed allocation in the
 * writer; so a request body is written as a list of lines and refused as a whole.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "lib/base/buf.h"

struct acc_json_put {
    bool failed; /* an allocation was refused */
};

cJSON *acc_put_root(struct acc_json_put *put);
cJSON *acc_put_object(struct acc_json_put *put, cJSON *parent, const char *key);
cJSON *acc_put_array(struct acc_json_put *put, cJSON *parent, const char *key);
/* NULL text: nothing is written. */
void acc_put_text(struct acc_json_put *put, cJSON *parent, const char *key, const char *text);
/* Exact for all of int64, where cJSON's doubles are not, and never in the form 1e+18, which Go
 * refuses for an integer. */
void acc_put_int(struct acc_json_put *put, cJSON *parent, const char *key, int64_t value);
void acc_put_bool(struct acc_json_put *put, cJSON *parent, const char *key, bool value);
/* Only when it says something: the server's default for what is absent is the zero value. */
void acc_put_text_some(struct acc_json_put *put, cJSON *parent, const char *key, const char *text);
void acc_put_int_some(struct acc_json_put *put, cJSON *parent, const char *key, int64_t value);
void acc_put_true(struct acc_json_put *put, cJSON *parent, const char *key, bool value);
/* Elements of an array. */
void acc_put_word(struct acc_json_put *put, cJSON *array, const char *text);
cJSON *acc_put_item(struct acc_json_put *put, cJSON *array); /* a new object */
/* Hang `item` into the parent; it is freed when that fails. Returns it, or NULL. */
cJSON *acc_put_own(struct acc_json_put *put, cJSON *parent, const char *key, cJSON *item);

/* Print without blanks and append to `out`. `root` is freed in any case. 0, -ENOMEM, -ENOBUFS. */
int acc_put_finish(struct acc_json_put *put, cJSON *root, struct acc_buf *out);
