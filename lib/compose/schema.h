#pragma once

/*
 * The Compose Specification as tables: which keys there are, what they may hold, and what becomes
 * of them.
 *
 * One row per key, in the order of compose-go's structs (2.9.1), because Go prints JSON in that
 * order and the config-hash is taken over it. Three passes read the same rows: SCHEMA checks types
 * (compose-spec.json), bind.c turns values into their final form, and what bind.c made is printed
 * as it is. acc.yaml and x-acc are checked by the same rows.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/compose/internal.h"

/* What a value may be, as bits. */
enum {
    ACC_IS_NULL = 1,
    ACC_IS_BOOL = 2,
    ACC_IS_INT = 4,
    ACC_IS_FLOAT = 8,
    ACC_IS_NUM = ACC_IS_INT | ACC_IS_FLOAT,
    ACC_IS_STR = 16,
    ACC_IS_SEQ = 32,
    ACC_IS_MAP = 64,
};

/* What a value becomes: the Go type that it is decoded into. A plain type is omitted when it is
 * zero, one with _P (a pointer) whenever it was not given, one with _V never. */
enum acc_bind {
    ACC_BIND_NONE = 0, /* in no struct: dropped */
    ACC_BIND_KEEP,     /* as it is: acc's own keys */
    ACC_BIND_STR,
    ACC_BIND_BOOL,
    ACC_BIND_BOOL_P,
    ACC_BIND_INT,
    ACC_BIND_INT_P,
    ACC_BIND_UINT16, /* compose-spec.json allows text, but nothing decodes it */
    ACC_BIND_FLOAT, /* float32 */
    ACC_BIND_BYTES,
    ACC_BIND_DURATION,
    ACC_BIND_DURATION_P,
    ACC_BIND_STRS,    /* list of strings; a single one is a list of one */
    ACC_BIND_COMMAND, /* null and [] are two things */
    ACC_BIND_TEST,    /* healthcheck.test */
    ACC_BIND_ENV,     /* KEY=VALUE; without a value: null */
    ACC_BIND_MAPPING, /* KEY=VALUE; without a value: "" */
    ACC_BIND_MULTI,   /* KEY -> list of strings; a single one is a list of one */
    ACC_BIND_HOSTS,
    ACC_BIND_ULIMITS,
    ACC_BIND_SSH,
    ACC_BIND_DEVICE_COUNT,
    ACC_BIND_MODE, /* file mode: a string in octal or a number */
    ACC_BIND_STRUCT_P,
    ACC_BIND_STRUCT_V,
    ACC_BIND_STRUCTS,      /* list of `sub` */
    ACC_BIND_STRUCT_MAP,   /* mapping of names to `sub` */
    ACC_BIND_STRUCT_P_MAP, /* mapping of names to `sub` or null */
};

enum {
    ACC_FIELD_REQUIRED = 1,
    ACC_FIELD_UNIQUE = 2,   /* elements must differ */
    ACC_FIELD_NAMES = 4,    /* keys of the mapping must be names: [a-zA-Z0-9._-]+ */
    ACC_FIELD_NEVER = 8,    /* accepted by Compose, refused: what it needs is not on this host */
    ACC_FIELD_WINDOWS = 16, /* ... refused: it means nothing on Linux */
    ACC_FIELD_IGNORED = 32, /* in compose-spec.json, but Compose itself does nothing with it */
    ACC_FIELD_KEYED = 64,   /* keys of the mapping must not be empty */
};

struct acc_struct;

struct acc_field {
    const char *key;
    uint8_t is;       /* what the value may be */
    uint8_t elements; /* what the elements of a sequence may be */
    uint8_t values;   /* what the values of a mapping may be; with `sub` and without
                       * ACC_BIND_*_MAP the mapping itself is the struct */
    uint8_t flags;
    enum acc_bind bind;
    const struct acc_struct *sub;
    const char *choices; /* "a|b|c", for strings; NULL: any */
};

struct acc_struct {
    const struct acc_field *fields;
    size_t n_fields;
    bool is_closed;  /* takes no x- keys */
    bool is_lenient; /* unknown keys are dropped with a warning */
};

extern const struct acc_struct acc_schema_project;
extern const struct acc_struct acc_schema_service;

const struct acc_field *acc_struct_field(const struct acc_struct *type, const char *key);
/* The known key nearest to `word`, or NULL. */
const char *acc_struct_nearest(const struct acc_struct *type, const char *word);
bool acc_field_is_struct_map(const struct acc_field *field);

/* A place in the tree, for messages: "services.web.ports[2]". Formatted only when something is
 * wrong.
 */
struct acc_path {
    const struct acc_path *up; /* NULL at the top */
    const char *key;           /* NULL: an element, `index` */
    uint32_t index;
};
#define ACC_PATH_TEXT_MAX 256 /* longer ones are cut: the position says the rest */
void acc_path_format(const struct acc_path *path, char *out, size_t out_size);
/* An error with its place, the path before the text. */
void acc_complain(struct acc_diags *diags, struct acc_srcpos pos, const struct acc_path *path,
                  const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* Check `map` against `type`. Every problem becomes an error with its place. 0 (also with errors)
 * or -ENOMEM. */
int acc_schema_check(const struct acc_struct *type, const struct acc_node *map,
                     const struct acc_path *path, struct acc_diags *diags);
/* The same for one value. */
int acc_schema_check_value(const struct acc_field *field, const struct acc_node *node,
                           const struct acc_path *path, struct acc_diags *diags);
bool acc_schema_fits(const struct acc_node *node, uint8_t is); /* is it of such a type */
bool acc_schema_is_choice(const struct acc_field *field, const struct acc_node *node);
/* Keys that Compose accepts and accd does not carry out: an error each, so that none is ignored; or
 * a warning each with `as_warnings`. */
void acc_schema_refuse_later(const struct acc_struct *type, const struct acc_node *map,
                             const struct acc_path *path, bool as_warnings,
                             struct acc_diags *diags);

/* "a string", "a list", ... */
const char *acc_node_type_name(const struct acc_node *node);
