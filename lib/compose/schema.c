#include "lib/compose/schema.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/buf.h"
#include "lib/base/str.h"
#include "lib/compose/yaml.h"

/* The longest struct, a service, has fewer keys. */
#define FIELDS_MAX 128u

const struct acc_field *acc_struct_field(const struct acc_struct *type, const char *key)
{
    for (size_t i = 0; i < type->n_fields; i++) {
        if (strcmp(type->fields[i].key, key) == 0) {
            return &type->fields[i];
        }
    }
    return NULL;
}

const char *acc_struct_nearest(const struct acc_struct *type, const char *word)
{
    const char *keys[FIELDS_MAX];

    acc_assert(type->n_fields <= FIELDS_MAX);
    for (size_t i = 0; i < type->n_fields; i++) {
        keys[i] = type->fields[i].key;
    }
    return acc_nearest(word, keys, type->n_fields);
}

bool acc_field_is_struct_map(const struct acc_field *field)
{
    return field->bind == ACC_BIND_STRUCT_MAP || field->bind == ACC_BIND_STRUCT_P_MAP ||
           field->bind == ACC_BIND_ULIMITS;
}

void acc_path_format(const struct acc_path *path, char *out, size_t out_size)
{
    size_t len = 0;

    out[0] = '\0';
    if (path && path->up) {
        acc_path_format(path->up, out, out_size);
        len = strlen(out);
    }
    if (!path) {
        return;
    }
    if (path->key) { /* cut when too long */
        (void)snprintf(out + len, out_size - len, "%s%s", len ? "." : "", path->key);
    } else {
        (void)snprintf(out + len, out_size - len, "[%u]", path->index);
    }
}

void acc_complain(struct acc_diags *diags, struct acc_srcpos pos, const struct acc_path *path,
                  const char *fmt, ...)
{
    char where[ACC_PATH_TEXT_MAX];
    char text[ACC_DIAG_TEXT_MAX];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args); /* cut like every diagnostic */
    va_end(args);
    acc_path_format(path, where, sizeof(where));
    acc_diags_add(diags, pos, "%s%s%s", where, where[0] ? ": " : "", text);
}

static const struct {
    uint8_t bit;
    const char *name;
} type_names[] = {
    {ACC_IS_STR, "a string"},   {ACC_IS_INT, "a whole number"}, {ACC_IS_FLOAT, "a number"},
    {ACC_IS_BOOL, "a boolean"}, {ACC_IS_SEQ, "a list"},         {ACC_IS_MAP, "a mapping"},
    {ACC_IS_NULL, "empty"},
};

static uint8_t type_bit(const struct acc_node *node)
{
    switch (node->type) {
    case ACC_NODE_NULL:
        return ACC_IS_NULL;
    case ACC_NODE_BOOL:
        return ACC_IS_BOOL;
    case ACC_NODE_INT:
        return ACC_IS_INT;
    case ACC_NODE_FLOAT:
        return ACC_IS_FLOAT;
    case ACC_NODE_STRING:
        return ACC_IS_STR;
    case ACC_NODE_SEQ:
        return ACC_IS_SEQ;
    case ACC_NODE_MAP:
        return ACC_IS_MAP;
    }
    return 0;
}

const char *acc_node_type_name(const struct acc_node *node)
{
    for (size_t i = 0; i < ACC_ARRAY_LEN(type_names); i++) {
        if (type_names[i].bit == type_bit(node)) {
            return type_names[i].name;
        }
    }
    return "something else";
}

static bool is_date(const struct acc_node *node)
{
    return node->type == ACC_NODE_STRING && node->tag == ACC_YAML_TAG_TIMESTAMP;
}

/* compose-spec.json's "integer" takes 1.0, too. */
bool acc_schema_fits(const struct acc_node *node, uint8_t is)
{
    if (is_date(node)) {
        return false;
    }
    return (type_bit(node) & is) != 0 ||
           (node->type == ACC_NODE_FLOAT && (is & ACC_IS_INT) && node->number > -9e15 &&
            node->number < 9e15 && node->number == (double)(int64_t)node->number);
}

static void complain_type(struct acc_diags *diags, const struct acc_node *node,
                          const struct acc_path *path, uint8_t is)
{
    char wanted[128] = "";
    size_t len = 0;

    if (is_date(node)) {
        acc_complain(diags, node->pos, path,
                     "%s is a date to YAML; put it in quotes if it is meant as text", node->text);
        return;
    }
    bool is_number = (is & ACC_IS_NUM) == ACC_IS_NUM;

    for (size_t i = 0; i < ACC_ARRAY_LEN(type_names); i++) {
        if ((is & type_names[i].bit) && !(is_number && type_names[i].bit == ACC_IS_INT)) {
            len += (size_t)snprintf(wanted + len, sizeof(wanted) - len, "%s%s", len ? " or " : "",
                                    type_names[i].name);
        }
    }
    acc_complain(diags, node->pos, path, "must be %s, not %s%s", wanted, acc_node_type_name(node),
                 (is & ACC_IS_STR) && (node->type == ACC_NODE_INT || node->type == ACC_NODE_FLOAT)
                     ? "; put it in quotes if it is meant as text"
                     : "");
}

static bool is_name(const char *key)
{
    return key[0] != '\0' && key[strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                             "0123456789._-")] == '\0';
}

/* Is `text` one of "a|b|c"? */
static bool is_choice(const char *choices, const char *text)
{
    size_t len = strlen(text);

    for (const char *at = choices; at; at = strchr(at, '|')) {
        at += *at == '|';
        if (strncmp(at, text, len) == 0 && (at[len] == '|' || at[len] == '\0')) {
            return true;
        }
    }
    return false;
}

bool acc_schema_is_choice(const struct acc_field *field, const struct acc_node *node)
{
    return node->type != ACC_NODE_STRING || !field->choices ||
           is_choice(field->choices, node->text);
}

static void complain_choice(struct acc_diags *diags, const struct acc_node *node,
                            const struct acc_path *path, const char *choices)
{
    char list[ACC_DIAG_TEXT_MAX / 2] = "";
    size_t len = 0;

    for (const char *at = choices; at; at = strchr(at, '|')) {
        at += *at == '|';
        if (len + 2 < sizeof(list)) {
            len += (size_t)snprintf(list + len, sizeof(list) - len, "%s'%.*s'", len ? ", " : "",
                                    (int)strcspn(at, "|"), at);
        }
    }
    acc_complain(diags, node->pos, path, "must be one of %s, not '%s'", list, node->text);
}

struct hashed {
    uint64_t hash;
    const struct acc_node *node;
    uint32_t index;
};

static uint64_t hash_text(uint64_t hash, const char *text)
{
    for (; text && *text; text++) {
        hash = (hash ^ (unsigned char)*text) * 1099511628211u; /* FNV-1a */
    }
    return hash;
}

static uint64_t hash_node(const struct acc_node *node)
{
    uint64_t hash = hash_text(14695981039346656037u + (uint64_t)node->type, node->text);

    acc_node_for_each(child, node)
    {
        hash = hash * 31 + hash_text(hash_node(child), child->key);
    }
    return hash;
}

static int compare_hashes(const void *a, const void *b)
{
    const struct hashed *x = a;
    const struct hashed *y = b;

    if (x->hash != y->hash) {
        return x->hash < y->hash ? -1 : 1;
    }
    return x->index < y->index ? -1 : x->index > y->index;
}

/* Equal ones have equal hashes, so neighbours after sorting are enough. */
static int check_unique(const struct acc_node *seq, const struct acc_path *path,
                        struct acc_diags *diags)
{
    struct hashed *items = calloc(seq->n + 1u, sizeof(*items));
    uint32_t n = 0;

    if (!items) {
        return -ENOMEM;
    }
    acc_node_for_each(child, seq)
    {
        items[n] = (struct hashed){hash_node(child), child, n};
        n++;
    }
    qsort(items, n, sizeof(*items), compare_hashes);
    for (uint32_t i = 1; i < n; i++) {
        if (items[i].hash == items[i - 1].hash &&
            acc_node_equal(items[i].node, items[i - 1].node)) {
            acc_complain(diags, items[i].node->pos, path, "items at %u and %u are equal",
                         items[i - 1].index, items[i].index);
        }
    }
    free(items);
    return 0;
}

static int check_sequence(const struct acc_field *field, const struct acc_node *seq,
                          const struct acc_path *path, struct acc_diags *diags)
{
    uint32_t i = 0;

    acc_node_for_each(child, seq)
    {
        struct acc_path at = {path, NULL, i++};

        if (!acc_schema_fits(child, field->elements)) {
            complain_type(diags, child, &at, field->elements);
        } else if (child->type == ACC_NODE_MAP && field->sub) {
            int r = acc_schema_check(field->sub, child, &at, diags);

            if (r < 0) {
                return r;
            }
        }
    }
    return field->flags & ACC_FIELD_UNIQUE ? check_unique(seq, path, diags) : 0;
}

static int check_mapping(const struct acc_field *field, const struct acc_node *map,
                         const struct acc_path *path, struct acc_diags *diags)
{
    acc_node_for_each(child, map)
    {
        struct acc_path at = {path, child->key, 0};

        if ((field->flags & ACC_FIELD_NAMES) && !is_name(child->key)) {
            acc_complain(diags, acc_node_key_pos(child), path,
                         "'%s' is no name; only letters, digits, '.', '_' and '-' may be in it",
                         child->key);
        } else if ((field->flags & ACC_FIELD_KEYED) && child->key[0] == '\0') {
            acc_complain(diags, acc_node_key_pos(child), path, "a key must not be empty");
        } else if (!acc_schema_fits(child, field->values)) {
            complain_type(diags, child, &at, field->values);
        } else if (child->type == ACC_NODE_MAP && field->sub) {
            int r = acc_schema_check(field->sub, child, &at, diags);

            if (r < 0) {
                return r;
            }
        }
    }
    return 0;
}

int acc_schema_check_value(const struct acc_field *field, const struct acc_node *node,
                           const struct acc_path *path, struct acc_diags *diags)
{
    if (!acc_schema_fits(node, field->is)) {
        complain_type(diags, node, path, field->is);
        return 0;
    }
    if (!acc_schema_is_choice(field, node)) {
        complain_choice(diags, node, path, field->choices);
        return 0;
    }
    if (node->type == ACC_NODE_SEQ) {
        return check_sequence(field, node, path, diags);
    }
    if (node->type == ACC_NODE_MAP && field->sub && !acc_field_is_struct_map(field)) {
        return acc_schema_check(field->sub, node, path, diags);
    }
    if (node->type == ACC_NODE_MAP) {
        return check_mapping(field, node, path, diags);
    }
    return 0;
}

static void complain_unknown(const struct acc_struct *type, const struct acc_node *child,
                             const struct acc_path *path, struct acc_diags *diags)
{
    const char *near = diags->n < ACC_DIAGS_MAX ? acc_struct_nearest(type, child->key) : NULL;

    if (type->is_lenient) {
        acc_diags_warn(diags, acc_node_key_pos(child),
                       "'%s' is no key of Compose and has no effect", child->key);
        return;
    }
    acc_complain(diags, acc_node_key_pos(child), path, "unknown key '%s'%s%s%s", child->key,
                 near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

/* It is there, with a typo, which is told by itself. */
static bool is_misspelt(const struct acc_struct *type, const struct acc_node *map, const char *key)
{
    acc_node_for_each(child, map)
    {
        const char *near = acc_struct_field(type, child->key)
                               ? NULL
                               : acc_struct_nearest(type, child->key);

        if (near && strcmp(near, key) == 0 && !type->is_lenient) {
            return true;
        }
    }
    return false;
}

int acc_schema_check(const struct acc_struct *type, const struct acc_node *map,
                     const struct acc_path *path, struct acc_diags *diags)
{
    for (size_t i = 0; i < type->n_fields; i++) {
        if ((type->fields[i].flags & ACC_FIELD_REQUIRED) &&
            !acc_node_get(map, type->fields[i].key) &&
            !is_misspelt(type, map, type->fields[i].key)) {
            acc_complain(diags, map->pos, path, "missing property '%s'", type->fields[i].key);
        }
    }
    acc_node_for_each(child, map)
    {
        const struct acc_field *field = acc_struct_field(type, child->key);
        struct acc_path at = {path, child->key, 0};

        if (!field) {
            if (type->is_closed || strncmp(child->key, "x-", 2) != 0) {
                complain_unknown(type, child, path, diags);
            }
            continue;
        }
        int r = acc_schema_check_value(field, child, &at, diags);

        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static void refuse_field(const struct acc_field *field, const struct acc_node *child,
                         const struct acc_path *at, bool as_warnings, struct acc_diags *diags)
{
    char where[ACC_PATH_TEXT_MAX];
    const char *why = field->flags & ACC_FIELD_NEVER     ? "needs a provider outside of Docker"
                      : field->flags & ACC_FIELD_WINDOWS ? "is for Windows containers"
                                                         : "has no effect in Docker Compose";

    acc_path_format(at, where, sizeof(where));
    if (as_warnings) {
        acc_diags_warn(diags, acc_node_key_pos(child), "%s: %s", where, why);
    } else {
        acc_diags_add(diags, acc_node_key_pos(child), "%s: %s", where, why);
    }
}

void acc_schema_refuse_later(const struct acc_struct *type, const struct acc_node *map,
                             const struct acc_path *path, bool as_warnings, struct acc_diags *diags)
{
    const uint8_t refused = ACC_FIELD_NEVER | ACC_FIELD_WINDOWS | ACC_FIELD_IGNORED;

    acc_node_for_each(child, map)
    {
        const struct acc_field *field = acc_struct_field(type, child->key);
        struct acc_path at = {path, child->key, 0};

        if (!field) {
            continue;
        }
        if ((field->flags & refused) && child->type != ACC_NODE_NULL) {
            refuse_field(field, child, &at, as_warnings, diags);
        } else if (field->sub && child->type == ACC_NODE_MAP && !acc_field_is_struct_map(field)) {
            acc_schema_refuse_later(field->sub, child, &at, as_warnings, diags);
        }
    }
}
