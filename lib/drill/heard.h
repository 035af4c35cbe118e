#pragma once

/*
 * Events as text: what the engine was told, word for word, so that it can be told again.
 *
 *     hear 123456 hint cid=0123... hint=1 exit_code=1 time_ns=17...
 *
 * Left out is what others have written and nothing is decided by: outputs of health checks,
 * Docker's own words. Of those that decide a word is kept that says the same (acc_engine_words()).
 */

#include "lib/base/buf.h"
#include "lib/engine/engine.h"

/* " MS TYPE field=value ..." without the leading word and without a line's end. `n_services`: how
 * many a command selects from. 0 or -ENOMEM. */
int acc_heard_put(const struct acc_event *event, size_t n_services, struct acc_buf *out);

/* Does it change something at Docker? */
bool acc_heard_is_change(enum acc_action_type type);
/* "start db", "create web#2": as a golden case has it. */
void acc_heard_asked(const struct acc_model *model, const struct acc_engine *engine,
                     const struct acc_action *action, char *out, size_t out_size);
/* The service as people would call it: its name where that is unique, else its id; borrowed until
 * the next step. */
const char *acc_heard_nick(const struct acc_model *model, const struct acc_engine *engine,
                           uint32_t svc);

/* An event with all that it points at. */
struct acc_heard {
    struct acc_event event;
    struct acc_obs obs;
    char cid[ACC_HASH_LEN + 8], spec[ACC_HASH_LEN + 1];
    char message[ACC_OUTPUT_MAX + 1], from_digest[ACC_HASH_LEN + 8];
    char service[2 * ACC_NAME_MAX + 2], image[ACC_NAME_MAX + 1];
    char place[ACC_PLACE_MAX + 1];
    uint8_t *selected; /* owned */
};
/* `text`: what put() has written; is cut up. 0 and `*ret_heard`; -EINVAL, -ENOMEM. */
int acc_heard_read(char *text, size_t n_services, struct acc_heard **ret_heard);
void acc_heard_free(struct acc_heard *heard); /* NULL allowed */
