#pragma once

/*
 * What runs against what the registries have: the work of io.acc.Outdated, and its answer.
 *
 * A book of services. Who carries it out asks acc_outdated_next() what to look up, and tells what
 * came of it; services with the same image share one question. A registry that is away, silent or
 * limits us isn't asked again for its other images: they get its reason.
 */

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/buf.h"
#include "lib/codec/registry_fault.h"
#include "lib/engine/event.h"

/* Questions at once: registries count, and dockerd answers each from a connection of its own. */
#define ACC_OUTDATED_ASKS_MAX 4u

enum acc_image_state {
    ACC_IMAGE_PENDING = 0,
    ACC_IMAGE_CURRENT,
    ACC_IMAGE_OUTDATED, /* the reference means another image by now */
    ACC_IMAGE_PINNED,   /* the file names a digest: nothing newer can be meant */
    ACC_IMAGE_LOCAL,    /* never came from a registry, or isn't to */
    ACC_IMAGE_ABSENT,   /* nothing runs that could be compared */
    ACC_IMAGE_UNKNOWN,  /* `reason` says why */
};
const char *acc_image_state_name(enum acc_image_state state); /* "current", ... */

/* What one look brought. */
struct acc_image_look {
    enum acc_image_state state; /* CURRENT, OUTDATED, LOCAL or UNKNOWN */
    enum acc_registry_fault fault;
    char running[ACC_HASH_LEN + 8]; /* digests, "" when unknown */
    char remote[ACC_HASH_LEN + 8];
    char reason[ACC_OUTPUT_MAX + 1];
};

struct acc_outdated_row {
    char service[2 * ACC_NAME_MAX + 2]; /* its id */
    char image[ACC_NAME_MAX + 1];
    char image_id[ACC_HASH_LEN + 8]; /* that runs */
    /* What it was pulled as, when that is on record: Docker may have forgotten it. */
    char known_image[ACC_NAME_MAX + 1], known_digest[ACC_HASH_LEN + 8];
    bool is_asked;
    int64_t taken_s;    /* Unix: it is to be taken then by itself; 0: not that anybody knew */
    bool is_taken_back; /* it was tried here; `look.reason` says how to try it again */
    struct acc_image_look look;
};

struct acc_outdated {
    struct acc_outdated_row *row; /* owned; in the order of adding */
    size_t n;
    size_t n_asked; /* questions out */
};

/* `image_id` "" when there is no container. 0, -ENOMEM. */
int acc_outdated_add(struct acc_outdated *book, const char *service, const char *image,
                     const char *image_id, bool is_local);
/* The one that was just added was pulled as this; "": that isn't on record. */
void acc_outdated_know(struct acc_outdated *book, const char *image, const char *digest);
/* The next row to ask for; false: nothing now (over when `n_asked` is 0). */
bool acc_outdated_next(struct acc_outdated *book, size_t *ret_row);
void acc_outdated_tell(struct acc_outdated *book, size_t row, const struct acc_image_look *look);
void acc_outdated_fini(struct acc_outdated *book);

/* What an image is called by registries: its RepoDigests, and `known` ("repository@digest" or
 * NULL), against `remote`. Sets state, `running` and `reason`. `image_json` is Docker's description
 * of what runs, `image` its reference. Only a digest of that repository says that its registry ever
 * had the image; one of another is LOCAL where it was tagged anew here, and else UNKNOWN. 0,
 * -EINVAL, -ENOMEM. With `remote` "" whether to ask at all: OUTDATED, or LOCAL or UNKNOWN. */
int acc_image_compare(const char *image_json, size_t len, const char *image, const char *known,
                      const char *remote, struct acc_image_look *ret_look);

/* The reply. 0, -ENOMEM, -ENOBUFS. */
int acc_outdated_put(const struct acc_outdated *book, struct acc_buf *out);
