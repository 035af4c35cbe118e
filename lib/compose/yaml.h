#pragma once

/*
 * YAML text to a tree of nodes with positions.
 *
 * libyaml gives events; everything above them is here: anchors and aliases, merge keys, duplicate
 * keys, what a plain scalar means, and the limits that keep a hostile file from growing. Scalars
 * are typed as go-yaml v3 types them, which Compose 2.40 uses (012 is ten, `no` is a string).
 * Knows nothing of Compose but the tags !reset and !override.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/arena.h"
#include "lib/base/diag.h"
#include "lib/model/node.h"

/* Nesting, aliases included. compose-go has no such limit; no real file goes beyond 20. */
#define ACC_YAML_DEPTH_MAX 100u

/* acc_node.tag */
enum acc_yaml_tag {
    ACC_YAML_TAG_NONE = 0,
    ACC_YAML_TAG_OVERRIDE,  /* its path is in `resets`, too */
    ACC_YAML_TAG_TIMESTAMP, /* a plain date, as a string with its text as written. Compose 2.40
                             * refuses it where it wants a string: "invalid jsonType time.Time" */
};

/* acc_node.style */
enum acc_yaml_style {
    ACC_YAML_STYLE_PLAIN = 0,
    ACC_YAML_STYLE_QUOTED, /* single, double, literal or folded */
    ACC_YAML_STYLE_FLOW,   /* of a sequence or mapping */
};

/* A path that !reset or !override removes from what the file is merged over (compose-go:
 * loader/reset.go). A !reset node is not in the tree. Paths through sequences are never applied by
 * compose-go and not told here. */
struct acc_yaml_reset {
    size_t doc; /* index of the document */
    const char **keys;
    size_t n_keys;
    struct acc_srcpos pos;
};

struct acc_yaml_docs {
    struct acc_node **docs; /* in the arena; an empty document is a NULL node */
    size_t n_docs;
    struct acc_yaml_reset *resets;
    size_t n_resets;
    bool is_cut; /* an error ended the parse: what is here came before it */
};

/* Parse all documents of `text`. `file` names it in positions: borrowed, give it the arena's life.
 * At most `nodes_max` nodes after aliases are expanded, counted over all documents. 0 and
 * `*ret_docs`; -EINVAL with errors in `diags`: each duplicate key, key that is no string and unknown
 * anchor, and the first error that ends the parse. Then `*ret_docs` is what remains without them,
 * and what isn't there in full is muted; -ENOMEM. */
int acc_yaml_parse(const char *file, const char *text, size_t text_len, size_t nodes_max,
                   struct acc_arena *arena, struct acc_yaml_docs *ret_docs,
                   struct acc_diags *diags);

/* What a plain scalar means (go-yaml v3 resolve.go): sets type, text, integer, number, boolean and
 * tag of `node`. `text` must live as long as the node. 0 or -ENOMEM. */
int acc_yaml_resolve(struct acc_arena *arena, const char *text, struct acc_node *node);

/* A float as Go's fmt prints it: the shortest digits that read back the same, with an exponent
 * below 1e-04 and from 1e+06 on (strconv 'g', -1); for JSON below 1e-6 and from 1e21 on. `out`
 * takes ACC_FLOAT_TEXT_MAX bytes. */
#define ACC_FLOAT_TEXT_MAX 40
void acc_yaml_format_float(double value, char *out);
void acc_yaml_format_float_json(double value, char *out);
