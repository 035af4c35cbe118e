#pragma once

/*
 * Trees as JSON, byte for byte as Go's encoding/json prints compose-go's structs.
 */

#include "lib/base/buf.h"
#include "lib/compose/schema.h"

/* Compact with `indent` < 0, else as MarshalIndent with two spaces, starting `indent` levels deep.
 */
void acc_json_node(struct acc_buf *out, const struct acc_node *node, int indent);
void acc_json_string(struct acc_buf *out, const char *text);

/* A project on its way out. */
struct acc_pieces {
    struct acc_buf text; /* not yet written */
    struct acc_buf escaped;
    acc_compose_write_fn write;
    void *ctx;
    bool failed;
};
void acc_pieces_init(struct acc_pieces *pieces, acc_compose_write_fn write, void *ctx);
/* Write the text with `$` as `$$`, so that it is a Compose file again; keys, too, as Compose does.
 */
void acc_pieces_flush(struct acc_pieces *pieces);
/* Flushes. 0, or -ENOMEM when any piece was lost. */
int acc_pieces_fini(struct acc_pieces *pieces);

/* What a resolved service, network, volume, secret or config holds that is not printed: x- keys,
 * and label_file, which Compose drops for printing but not for the hash. */
bool acc_json_is_hidden(const struct acc_node *child);

/* The service compact, in the order of the struct, without the keys that ServiceHash leaves out and
 * (unless `replace` is NULL) with what it gives for a value in place of that. */
typedef const char *(*acc_json_replace_fn)(void *ctx, const char *key, const char *value);
void acc_json_service_for_hash(struct acc_buf *out, const struct acc_node *service,
                               acc_json_replace_fn replace, void *ctx);

/* io.acc.spec: over the resolved service as it is hashed, with its references by name, and what it
 * takes from the project's networks, volumes, secrets and configs. `ret_hash` as in compose.h. 0 or
 * -ENOMEM. */
/* The first bytes of the SHA-256 of a content, in hex: enough to see that it changed. */
#define ACC_DIGEST_LEN 16u
void acc_compose_digest(const char *text, size_t len, char ret_digest[ACC_DIGEST_LEN + 1]);
int acc_compose_spec_hash(const struct acc_node *project, const struct acc_node *service,
                          const char *contents, char *ret_hash);
