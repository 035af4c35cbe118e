#pragma once

/*
 * What a service may need of the host before it starts (x-acc.host): as text, and in words.
 *
 * Knows how they are written, not whether they hold: that the daemon watches.
 */

#include <stdbool.h>
#include <stddef.h>

enum acc_condition_kind {
    ACC_HOST_MOUNT,   /* something is mounted there */
    ACC_HOST_DEVICE,  /* the device node is there */
    ACC_HOST_PATH,    /* the file or folder is there */
    ACC_HOST_ADDRESS, /* an interface has this address */
    ACC_HOST_NETWORK, /* there is a route to the outside */
    ACC_HOST_TIME,    /* the clock is synchronised */
    ACC_HOST_PLACE,   /* a bind source lies on the mount on which it was last used (place.h) */
    ACC_HOST_DISK,    /* accd's state can be saved; of every configuration */
    /* Of a service of a stack that isn't loaded, in the place of an edge to it: it is up, it runs,
     * it has ended with 0, it is up or has ended with 0, it is up when a container is made, it
     * doesn't run. */
    ACC_HOST_READY,
    ACC_HOST_RUNNING,
    ACC_HOST_DONE,
    ACC_HOST_REACHED,
    ACC_HOST_MAKER,
    ACC_HOST_FREE,
};
#define ACC_HOST_KIND_COUNT 14

/* Conditions and tokens of one configuration that differ; a home has a handful, and each bind
 * source is a condition, too. */
#define ACC_CONDITIONS_MAX 65536u
#define ACC_TOKENS_MAX     256u
/* Of one service. */
#define ACC_CONDITIONS_EACH_MAX 16u
#define ACC_TOKENS_EACH_MAX     16u
#define ACC_TOKEN_NAME_MAX      64u
/* "mount:" and a path; fits where the texts of events are kept. */
#define ACC_CONDITION_TEXT_MAX 240u

struct acc_condition {
    enum acc_condition_kind kind;
    const char *text; /* as in the file: "mount:/mnt/nas"; borrowed */
    const char *arg;  /* in `text`: "/mnt/nas"; "" where there is none */
};

/* Does it speak of a service, "stack/service"? No file says so. */
bool acc_condition_is_of_service(enum acc_condition_kind kind);
#define ACC_CONDITION_UNKNOWN                                                                      \
    "it is none of mount:PATH, device:PATH, path:PATH, address:IP, network, time"
/* NULL and `*ret_condition`, which points into `text`; else what is wrong with it, one clause.
 * Takes what x-acc.host may have, and conditions of services. */
const char *acc_condition_parse(const char *text, struct acc_condition *ret_condition);
/* What ACC_HOST_DISK is called: no file names it. */
#define ACC_CONDITION_DISK "disk"

/* In the place of an edge to "stack/service"; `text` is theirs: at most size - 1 bytes. False: it
 * is too long. */
bool acc_condition_put_service(enum acc_condition_kind kind, const char *stack, const char *service,
                               char *text, size_t size);
/* That of a bind source, an absolute path of at most ACC_CONDITION_TEXT_MAX bytes: it isn't written
 * in the file, and is called by the path alone. */
struct acc_condition acc_condition_of_source(const char *path);
/* The same, pointing into `text`, a copy of its own text. */
struct acc_condition acc_condition_moved(const struct acc_condition *condition, const char *text);
/* What is the matter when it doesn't hold: "nothing is mounted on /mnt/nas". Of a PLACE
 * acc_place_lacks() knows more. */
void acc_condition_lacks(const struct acc_condition *condition, char *out, size_t out_size);
/* The root of an incident is a service, "host:..." or "engine": what to call one of those that
 * suffer from it, "other" or "service". */
const char *acc_root_sufferer(const char *root_id);
/* Of a bind source, or of the mount that it lies on: "host:/mnt/nas", "host:mount:/mnt/nas". */
bool acc_root_is_path(const char *root_id);
/* The name of a token that services are serialised by: letters, digits, `_`, `-`, `.`. */
bool acc_token_is_valid(const char *name);
