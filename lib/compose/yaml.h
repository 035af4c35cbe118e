#pragma once

/*
 * YAML text to a tree of nodes with positions.
 *
 * libyaml gives events; everything above them is here: anchors and aliases, merge keys, duplicate
 * keys, what a plain scalar means, and the limits that keep a hostile file from growing. Scalars
 * are typed as the YAML library of Compose 2.40 types them (facts: 012 is ten, `no` is a string).
 * Knows nothing of Compose but the tags !reset and !override.
 */

#include <stddef.h>
#include <stdint.h>

#include "lib/base/arena.h"
#include "lib/base/diag.h"
#include "lib/model/node.h"

/* acc_node.tag */
enum acc_yaml_tag {
    ACC_YAML_TAG_NONE = 0,
    ACC_YAML_TAG_RESET,     /* !reset: remove this path, whatever the value */
    ACC_YAML_TAG_OVERRIDE,  /* !override: replace instead of merging */
    ACC_YAML_TAG_TIMESTAMP, /* a plain date; its text is as written. Compose 2.40 refuses it where
                             * a string is wanted ("invalid jsonType time.Time") */
};

/* acc_node.style */
enum acc_yaml_style {
    ACC_YAML_STYLE_PLAIN = 0,
    ACC_YAML_STYLE_QUOTED, /* single, double, literal or folded */
    ACC_YAML_STYLE_FLOW,   /* of a sequence or mapping */
};

struct acc_yaml_docs {
    struct acc_node **docs; /* in the arena; an empty document is a NULL node */
    size_t n_docs;
};

/* Parse all documents of `text`. `file` names it in positions: borrowed, give it the arena's life.
 * At most `nodes_max` nodes after aliases are expanded, counted over all documents. 0 and
 * `*ret_docs`; -EINVAL with errors in `diags`, one for each duplicate key, or the first error that
 * ends the parse; -ENOMEM. */
int acc_yaml_parse(const char *file, const char *text, size_t text_len, size_t nodes_max,
                   struct acc_arena *arena, struct acc_yaml_docs *ret_docs,
                   struct acc_diags *diags);

/* A float as Go's fmt prints it: the shortest digits that read back the same, with an exponent
 * below 1e-04 and from 1e+06 (strconv 'g', -1) or, for JSON, below 1e-06 and from 1e21 on.
 * `out` takes ACC_FLOAT_TEXT_MAX bytes. */
#define ACC_FLOAT_TEXT_MAX 40
void acc_yaml_format_float(double value, char *out);
void acc_yaml_format_float_json(double value, char *out);
