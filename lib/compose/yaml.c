#include "lib/compose/yaml.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "lib/base/assert.h"
#include "lib/compose/hash_table.h"
#include "lib/compose/yaml_keys.h"

/* What a message quotes of the user's text. */
#define QUOTE_MAX 60

struct anchor {
    const char *name;
    struct acc_node *node;
    bool is_complete; /* an alias inside its own anchor would never end */
    bool is_lost;     /* uthash had no memory for it */
    UT_hash_handle hh;
};

struct reset_link {
    struct acc_yaml_reset reset;
    struct reset_link *next;
};

struct builder {
    yaml_parser_t yaml;
    struct acc_arena *arena;
    struct acc_diags *diags;
    const char *file;
    const char *text;
    size_t text_len;
    size_t nodes_left;
    struct anchor *anchors;
    size_t doc;
    const char *path[ACC_YAML_DEPTH_MAX + 1]; /* keys down to here; NULL below a sequence */
    size_t path_len;
    struct reset_link *resets;
    size_t n_resets;
    const struct acc_node *torn; /* the last mapping that lacks what it was to merge */
    bool has_errors;             /* that don't end the parse */
};

static int build_node(struct builder *b, yaml_event_t *event, size_t depth,
                      struct acc_node **ret_node);

static struct acc_srcpos pos_of(const struct builder *b, yaml_mark_t mark)
{
    return (struct acc_srcpos){b->file, (uint32_t)mark.line + 1, (uint32_t)mark.column + 1};
}

/* libyaml's reader gives only the byte where it stumbled. */
static struct acc_srcpos pos_of_offset(const struct builder *b, size_t offset)
{
    struct acc_srcpos pos = {b->file, 1, 1};

    for (size_t i = 0; i < offset && i < b->text_len; i++) {
        unsigned char c = (unsigned char)b->text[i];

        if (c == '\n') {
            pos.line++;
            pos.col = 1;
        } else if ((c & 0xC0) != 0x80) { /* continuation bytes are no columns */
            pos.col++;
        }
    }
    return pos;
}

static void tell_reader_error(struct builder *b)
{
    struct acc_srcpos pos = pos_of_offset(b, b->yaml.problem_offset);

    if (b->yaml.problem_value == 0 && b->yaml.problem_offset < b->text_len) {
        acc_diags_add(b->diags, pos, "a NUL byte: this is no text file");
    } else if (b->yaml.problem_value != -1) {
        acc_diags_add(b->diags, pos, "%s (0x%X): save the file as UTF-8 text", b->yaml.problem,
                      (unsigned)b->yaml.problem_value);
    } else {
        acc_diags_add(b->diags, pos, "%s: save the file as UTF-8 text", b->yaml.problem);
    }
}

/* The mark's index counts characters, so the tab is looked for in its line. */
static bool is_tab_at(const struct builder *b, yaml_mark_t mark)
{
    const char *pos = b->text;
    const char *end = b->text + b->text_len;

    for (size_t line = 0; line < mark.line && pos; line++) {
        pos = memchr(pos, '\n', (size_t)(end - pos));
        pos = pos ? pos + 1 : NULL;
    }
    for (size_t col = 0; pos && pos < end && *pos != '\n'; pos++) {
        if (col == mark.column && ((unsigned char)*pos & 0xC0) != 0x80) {
            return *pos == '\t';
        }
        col += ((unsigned char)*pos & 0xC0) != 0x80;
    }
    return false;
}

/* Adds libyaml's complaint; always -EINVAL or -ENOMEM. */
static int tell_parser_error(struct builder *b)
{
    const yaml_parser_t *yaml = &b->yaml;

    if (yaml->error == YAML_MEMORY_ERROR) {
        return -ENOMEM;
    }
    if (yaml->error == YAML_READER_ERROR) {
        tell_reader_error(b);
        return -EINVAL;
    }
    struct acc_srcpos pos = pos_of(b, yaml->problem_mark);

    if (is_tab_at(b, yaml->problem_mark)) {
        acc_diags_add(b->diags, pos, "a tab can't indent YAML: use spaces (%s)", yaml->problem);
    } else if (yaml->context) {
        acc_diags_add(b->diags, pos, "%s (%s that began at line %zu)", yaml->problem, yaml->context,
                      yaml->context_mark.line + 1);
    } else {
        acc_diags_add(b->diags, pos, "%s", yaml->problem);
    }
    return -EINVAL;
}

static int next_event(struct builder *b, yaml_event_t *event)
{
    return yaml_parser_parse(&b->yaml, event) ? 0 : tell_parser_error(b);
}

static int new_node(struct builder *b, enum acc_node_type type, struct acc_srcpos pos,
                    struct acc_node **ret_node)
{
    struct acc_node *node = NULL;

    if (b->nodes_left == 0) {
        acc_diags_add(b->diags, pos,
                      "the document grows too large (excessive aliasing, or too many values)");
        return -EINVAL;
    }
    b->nodes_left--;
    node = acc_node_new(b->arena, type, pos);
    if (!node) {
        return -ENOMEM;
    }
    *ret_node = node;
    return 0;
}

/* "tag:yaml.org,2002:str" and "!!str" are the same. */
static bool tag_is(const yaml_char_t *tag, const char *name)
{
    static const char prefix[] = "tag:yaml.org,2002:";

    return tag && strncmp((const char *)tag, prefix, sizeof(prefix) - 1) == 0 &&
           strcmp((const char *)tag + sizeof(prefix) - 1, name) == 0;
}

static bool own_tag_is(const yaml_char_t *tag, const char *name)
{
    return tag && strcmp((const char *)tag, name) == 0;
}

static void put_anchor(struct builder *b, const yaml_char_t *name, struct acc_node *node,
                       struct anchor **ret_anchor)
{
    struct anchor *anchor = NULL;

    HASH_FIND_STR(b->anchors, (const char *)name, anchor);
    if (!anchor) {
        anchor = acc_arena_alloc(b->arena, sizeof(*anchor));
        if (!anchor) {
            return;
        }
        anchor->name = acc_arena_strdup(b->arena, (const char *)name);
        if (!anchor->name) {
            return;
        }
        HASH_ADD_KEYPTR(hh, b->anchors, anchor->name, strlen(anchor->name), anchor);
        if (anchor->is_lost) {
            return;
        }
    }
    anchor->node = node;
    anchor->is_complete = false;
    *ret_anchor = anchor;
}

/* Remembers `node` under its anchor, if it has one. 0 or -ENOMEM. */
static int begin_anchor(struct builder *b, const yaml_char_t *name, struct acc_node *node,
                        struct anchor **ret_anchor)
{
    *ret_anchor = NULL;
    if (!name) {
        return 0;
    }
    put_anchor(b, name, node, ret_anchor);
    return *ret_anchor ? 0 : -ENOMEM;
}

static void end_anchor(struct anchor *anchor, const struct acc_node *node)
{
    /* Inside the node another one may have taken the name over: last definition wins. */
    if (anchor && anchor->node == node) {
        anchor->is_complete = true;
    }
}

static int note_reset(struct builder *b, struct acc_srcpos pos)
{
    struct reset_link *link = NULL;

    for (size_t i = 0; i < b->path_len; i++) {
        if (!b->path[i]) {
            return 0;
        }
    }
    link = acc_arena_alloc(b->arena, sizeof(*link));
    if (!link) {
        return -ENOMEM;
    }
    link->reset.keys = acc_arena_alloc(b->arena, (b->path_len + 1) * sizeof(*link->reset.keys));
    if (!link->reset.keys) {
        return -ENOMEM;
    }
    memcpy(link->reset.keys, b->path, b->path_len * sizeof(*b->path));
    link->reset.n_keys = b->path_len;
    link->reset.doc = b->doc;
    link->reset.pos = pos;
    link->next = b->resets;
    b->resets = link;
    b->n_resets++;
    return 0;
}

/* A deep copy that is charged like written nodes, so that aliases of aliases stay bounded. */
static int copy_aliased(struct builder *b, const struct acc_node *node, size_t depth,
                        struct acc_node **ret_copy)
{
    struct acc_node *copy = NULL;
    int r = 0;

    if (depth > ACC_YAML_DEPTH_MAX) {
        acc_diags_add(b->diags, node->pos, "nested deeper than %u", ACC_YAML_DEPTH_MAX);
        return -EINVAL;
    }
    r = new_node(b, node->type, node->pos, &copy);
    if (r < 0) {
        return r;
    }
    *copy = *node;
    copy->first = copy->last = copy->next = NULL;
    copy->n = 0;
    if (node->tag == ACC_YAML_TAG_OVERRIDE) {
        r = note_reset(b, node->pos);
    }
    acc_node_for_each(child, node)
    {
        struct acc_node *twin = NULL;

        b->path[b->path_len++] = node->type == ACC_NODE_MAP ? child->key : NULL;
        r = r < 0 ? r : copy_aliased(b, child, depth + 1, &twin);
        b->path_len--;
        if (r < 0) {
            return r;
        }
        acc_node_append(copy, twin);
    }
    *ret_copy = copy;
    return r;
}

static int build_alias(struct builder *b, const yaml_event_t *event, size_t depth,
                       struct acc_node **ret_node)
{
    const char *name = (const char *)event->data.alias.anchor;
    struct acc_srcpos pos = pos_of(b, event->start_mark);
    struct anchor *anchor = NULL;

    HASH_FIND_STR(b->anchors, name, anchor);
    if (anchor && anchor->is_complete) {
        return copy_aliased(b, anchor->node, depth, ret_node);
    }
    acc_diags_add(b->diags, pos,
                  anchor ? "anchor '%.*s' value contains itself"
                         : "unknown anchor '%.*s' referenced",
                  QUOTE_MAX, name);
    acc_diags_mute(b->diags, pos);
    b->has_errors = true;
    return new_node(b, ACC_NODE_NULL, pos, ret_node);
}

/* An explicit !!int and so on must hold what it says, as go-yaml has it; other tags mean text. */
static int resolve_tagged(struct builder *b, const yaml_char_t *tag, const char *text,
                          struct acc_node *node)
{
    static const struct {
        const char *tag;
        enum acc_node_type type;
    } kinds[] = {
        {"int", ACC_NODE_INT},
        {"float", ACC_NODE_FLOAT},
        {"bool", ACC_NODE_BOOL},
        {"null", ACC_NODE_NULL},
    };

    for (size_t i = 0; i < ACC_ARRAY_LEN(kinds); i++) {
        if (!tag_is(tag, kinds[i].tag)) {
            continue;
        }
        int r = acc_yaml_resolve(b->arena, text, node);

        if (r < 0) {
            return r;
        }
        if (node->type == ACC_NODE_INT && kinds[i].type == ACC_NODE_FLOAT) {
            node->type = ACC_NODE_FLOAT;
            node->number = strtod(node->text, NULL);
        }
        if (node->type != kinds[i].type) {
            acc_diags_add(b->diags, node->pos, "'%.*s' is no !!%s", QUOTE_MAX, text, kinds[i].tag);
            b->has_errors = true;
        }
        return 0;
    }
    return 0; /* !!str, !!binary, !anything: text as it is */
}

/* `node` has its position. */
static int read_scalar(struct builder *b, const yaml_event_t *event, struct acc_node *node)
{
    const yaml_char_t *tag = event->data.scalar.tag;
    const char *value = (const char *)event->data.scalar.value;
    bool is_plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;

    if (strlen(value) != event->data.scalar.length) {
        acc_diags_add(b->diags, node->pos, "a value can't hold a NUL character (\\0)");
        return -EINVAL;
    }
    node->style = is_plain ? ACC_YAML_STYLE_PLAIN : ACC_YAML_STYLE_QUOTED;
    node->text = acc_arena_share(b->arena, value, event->data.scalar.length);
    if (!node->text) {
        return -ENOMEM;
    }
    if (own_tag_is(tag, "!override")) { /* a tag like another: what is under it is text */
        node->tag = ACC_YAML_TAG_OVERRIDE;
        return 0;
    }
    if (tag && *tag) {
        return resolve_tagged(b, tag, node->text, node);
    }
    return is_plain ? acc_yaml_resolve(b->arena, node->text, node) : 0;
}

static int build_scalar(struct builder *b, const yaml_event_t *event, struct acc_node **ret_node)
{
    struct anchor *anchor = NULL;
    struct acc_node *node = NULL;
    int r = new_node(b, ACC_NODE_STRING, pos_of(b, event->start_mark), &node);

    r = r < 0 ? r : begin_anchor(b, event->data.scalar.anchor, node, &anchor);
    r = r < 0 ? r : read_scalar(b, event, node);
    end_anchor(anchor, node);
    *ret_node = r < 0 ? NULL : node;
    return r;
}

/* The parse ended within it. */
static int cut(struct builder *b, const struct acc_node *node, int r)
{
    if (r == -EINVAL && node) {
        acc_diags_mute(b->diags, node->pos);
    }
    return r;
}

static int build_sequence(struct builder *b, const yaml_event_t *start, size_t depth,
                          struct acc_node **ret_node)
{
    struct acc_node *seq = NULL;
    struct anchor *anchor = NULL;
    int r = new_node(b, ACC_NODE_SEQ, pos_of(b, start->start_mark), &seq);

    if (r == 0) {
        r = begin_anchor(b, start->data.sequence_start.anchor, seq, &anchor);
    }
    if (start->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE && seq) {
        seq->style = ACC_YAML_STYLE_FLOW;
    }
    while (r == 0) {
        yaml_event_t event;
        struct acc_node *child = NULL;

        r = next_event(b, &event);
        if (r < 0) {
            break;
        }
        if (event.type == YAML_SEQUENCE_END_EVENT) {
            yaml_event_delete(&event);
            break;
        }
        b->path[b->path_len++] = NULL;
        r = build_node(b, &event, depth + 1, &child);
        b->path_len--;
        yaml_event_delete(&event);
        if (r != -ENOMEM && child) {
            acc_node_append(seq, child);
        }
    }
    end_anchor(anchor, seq);
    *ret_node = seq;
    return cut(b, seq, r);
}

/* Mappings under `<<`, in the order of their right: an earlier one wins. */
struct merges {
    struct acc_node *sources; /* a sequence whose items are mappings, or NULL */
};

static int add_merge(struct builder *b, struct merges *merges, struct acc_node *map,
                     struct acc_node *value, struct acc_srcpos key_pos)
{
    bool is_fine = value->type == ACC_NODE_MAP;

    if (value->type == ACC_NODE_SEQ) {
        is_fine = true;
        acc_node_for_each(item, value)
        {
            is_fine = is_fine && item->type == ACC_NODE_MAP;
        }
    }
    if (!is_fine) {
        b->torn = map;
        acc_diags_mute(b->diags, map->pos);
        acc_diags_add(b->diags, value->pos,
                      "map merge (<<) requires a mapping or a sequence of mappings as the value");
        b->has_errors = true;
        return 0;
    }
    if (value->type == ACC_NODE_SEQ) {
        merges->sources = value;
        return 0;
    }
    merges->sources = acc_node_new(b->arena, ACC_NODE_SEQ, key_pos);
    if (!merges->sources) {
        return -ENOMEM;
    }
    acc_node_append(merges->sources, value);
    return 0;
}

static bool is_merge_key(const yaml_event_t *event)
{
    const yaml_char_t *tag = event->data.scalar.tag;

    return event->type == YAML_SCALAR_EVENT &&
           event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
           strcmp((const char *)event->data.scalar.value, "<<") == 0 &&
           (!tag || strcmp((const char *)tag, "!") == 0 || tag_is(tag, "merge"));
}

static const char *describe(const struct acc_node *key)
{
    switch (key->type) {
    case ACC_NODE_NULL:
        return "null";
    case ACC_NODE_SEQ:
        return "a list";
    case ACC_NODE_MAP:
        return "a mapping";
    case ACC_NODE_BOOL:
    case ACC_NODE_INT:
    case ACC_NODE_FLOAT:
    case ACC_NODE_STRING:
        break;
    }
    return key->text;
}

/* Keys of Compose are strings; 1: and true: are not (compose-go: "non-string key"). */
static int check_key(struct builder *b, const struct acc_node *key)
{
    if (key->type == ACC_NODE_STRING && key->tag != ACC_YAML_TAG_TIMESTAMP) {
        return 0;
    }
    acc_diags_add(b->diags, key->pos, "non-string key: %.*s; put it in quotes", QUOTE_MAX,
                  describe(key));
    b->has_errors = true;
    return key->type == ACC_NODE_SEQ || key->type == ACC_NODE_MAP ? -EINVAL : 0;
}

static int build_untagged(struct builder *b, yaml_event_t *event, size_t depth,
                          struct acc_node **ret_node);

/* Of most keys nothing stays but text and place: they are read into `spare`. */
static int build_key(struct builder *b, yaml_event_t *event, size_t depth, struct acc_node *spare,
                     struct acc_node **ret_key)
{
    if (event->type != YAML_SCALAR_EVENT || event->data.scalar.anchor || event->data.scalar.tag) {
        return build_untagged(b, event, depth,
                              ret_key); /* !reset means nothing to compose-go here */
    }
    *spare = (struct acc_node){.type = ACC_NODE_STRING, .pos = pos_of(b, event->start_mark)};
    *ret_key = spare;
    return read_scalar(b, event, spare);
}

/* One key with its value; `*ret_value` is NULL when it was reset. */
static int build_pair(struct builder *b, yaml_event_t *key_event, size_t depth,
                      struct merges *merges, struct acc_node *map)
{
    bool is_merge = is_merge_key(key_event);
    struct acc_node spare;
    struct acc_node *key = NULL;
    struct acc_node *value = NULL;
    yaml_event_t event;
    int r = build_key(b, key_event, depth + 1, &spare, &key);

    if (r == 0 && key) {
        r = check_key(b, key);
    }
    if (r == 0) {
        r = next_event(b, &event);
    }
    if (r < 0) {
        return r;
    }
    if (!is_merge) {
        b->path[b->path_len++] = key && key->text ? key->text : "";
    }
    r = build_node(b, &event, depth + 1, &value);
    b->path_len -= !is_merge;
    if (r == 0 && is_merge && value && event.type != YAML_ALIAS_EVENT) {
        /* Its children will move; an anchor on it must keep its own. */
        r = copy_aliased(b, value, depth + 1, &value);
    }
    yaml_event_delete(&event);
    if (r == -ENOMEM || !value || !key || (r < 0 && is_merge)) {
        return r;
    }
    if (r < 0 || value == b->torn) {
        acc_diags_mute(b->diags, key->pos);
    }
    if (!is_merge) {
        acc_node_put(map, key->text ? key->text : "", key->pos, value);
        return r;
    }
    if (merges->sources) {
        acc_diags_add(b->diags, key->pos,
                      "mapping key \"<<\" already defined at line %u: use one with a list",
                      merges->sources->pos.line);
        b->has_errors = true;
        return 0;
    }
    return add_merge(b, merges, map, value, key->pos);
}

static int build_mapping(struct builder *b, const yaml_event_t *start, size_t depth,
                         struct acc_node **ret_node)
{
    struct acc_node *map = NULL;
    struct anchor *anchor = NULL;
    struct merges merges = {NULL};
    int r = new_node(b, ACC_NODE_MAP, pos_of(b, start->start_mark), &map);

    if (r == 0) {
        r = begin_anchor(b, start->data.mapping_start.anchor, map, &anchor);
    }
    if (start->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE && map) {
        map->style = ACC_YAML_STYLE_FLOW;
    }
    while (r == 0) {
        yaml_event_t event;

        r = next_event(b, &event);
        if (r < 0) {
            break;
        }
        if (event.type == YAML_MAPPING_END_EVENT) {
            yaml_event_delete(&event);
            break;
        }
        r = build_pair(b, &event, depth, &merges, map);
        yaml_event_delete(&event);
    }
    if (map && r != -ENOMEM) {
        int settled = acc_yaml_settle_keys(map, merges.sources, b->diags, &b->has_errors);

        r = settled < 0 ? settled : r;
    }
    end_anchor(anchor, map);
    *ret_node = map;
    return cut(b, map, r);
}

static const yaml_char_t *tag_of(const yaml_event_t *event)
{
    if (event->type == YAML_SCALAR_EVENT) {
        return event->data.scalar.tag;
    }
    if (event->type == YAML_SEQUENCE_START_EVENT) {
        return event->data.sequence_start.tag;
    }
    return event->type == YAML_MAPPING_START_EVENT ? event->data.mapping_start.tag : NULL;
}

static int build_untagged(struct builder *b, yaml_event_t *event, size_t depth,
                          struct acc_node **ret_node)
{
    if (event->type == YAML_ALIAS_EVENT) {
        return build_alias(b, event, depth, ret_node);
    }
    if (event->type == YAML_SCALAR_EVENT) {
        return build_scalar(b, event, ret_node);
    }
    if (event->type == YAML_SEQUENCE_START_EVENT) {
        return build_sequence(b, event, depth, ret_node);
    }
    acc_assert(event->type == YAML_MAPPING_START_EVENT); /* libyaml's grammar has no other node */
    return build_mapping(b, event, depth, ret_node);
}

/* `*ret_node` is NULL for a !reset. */
static int build_node(struct builder *b, yaml_event_t *event, size_t depth,
                      struct acc_node **ret_node)
{
    const yaml_char_t *tag = tag_of(event);
    bool is_reset = own_tag_is(tag, "!reset");
    bool is_override = own_tag_is(tag, "!override");
    struct acc_srcpos pos = pos_of(b, event->start_mark);
    int r = 0;

    if (depth > ACC_YAML_DEPTH_MAX) {
        acc_diags_add(b->diags, pos, "nested deeper than %u", ACC_YAML_DEPTH_MAX);
        return -EINVAL;
    }
    if (is_reset || is_override) {
        r = note_reset(b, pos);
    }
    if (r == 0) {
        r = build_untagged(b, event, depth, ret_node);
    }
    if (r == 0 && is_override) {
        (*ret_node)->tag = ACC_YAML_TAG_OVERRIDE;
    }
    if (is_reset) {
        *ret_node = NULL;
    }
    return r;
}

/* The documents of the stream, chained by `next`. */
static int build_documents(struct builder *b, struct acc_node *docs)
{
    int r = 0;

    while (r == 0) {
        yaml_event_t event;
        struct acc_node *doc = NULL;

        r = next_event(b, &event);
        if (r < 0) {
            return r;
        }
        yaml_event_type_t type = event.type;

        if (type != YAML_STREAM_START_EVENT && type != YAML_STREAM_END_EVENT &&
            type != YAML_DOCUMENT_START_EVENT && type != YAML_DOCUMENT_END_EVENT) {
            r = build_node(b, &event, 0, &doc);
            if (r == 0 && !doc) {
                r = new_node(b, ACC_NODE_NULL, pos_of(b, event.start_mark), &doc);
            }
            if (r == 0 || (r == -EINVAL && doc && doc->type == ACC_NODE_MAP)) {
                acc_node_append(docs, doc);
                b->doc++;
            }
            HASH_CLEAR(hh, b->anchors); /* anchors end with their document */
        }
        yaml_event_delete(&event);
        if (type == YAML_STREAM_END_EVENT) {
            break;
        }
    }
    return r;
}

static int hand_over(struct builder *b, struct acc_node *list, struct acc_yaml_docs *ret_docs)
{
    struct acc_yaml_docs docs = {.n_docs = list->n, .n_resets = b->n_resets};
    size_t i = 0;

    docs.docs = acc_arena_alloc(b->arena, (docs.n_docs + 1) * sizeof(struct acc_node *));
    docs.resets = acc_arena_alloc(b->arena, (docs.n_resets + 1) * sizeof(*docs.resets));
    if (!docs.docs || !docs.resets) {
        return -ENOMEM;
    }
    for (struct acc_node *doc = list->first, *next = NULL; doc; doc = next) {
        next = doc->next;
        doc->next = NULL;
        docs.docs[i++] = doc;
    }
    i = docs.n_resets;
    for (const struct reset_link *link = b->resets; link; link = link->next) {
        docs.resets[--i] = link->reset;
    }
    *ret_docs = docs;
    return 0;
}

int acc_yaml_parse(const char *file, const char *text, size_t text_len, size_t nodes_max,
                   struct acc_arena *arena, struct acc_yaml_docs *ret_docs, struct acc_diags *diags)
{
    struct builder b = {
        .arena = arena,
        .diags = diags,
        .file = file,
        .text = text,
        .text_len = text_len,
        .nodes_left = nodes_max,
    };
    struct acc_node docs = {.type = ACC_NODE_SEQ};

    if (!yaml_parser_initialize(&b.yaml)) {
        return -ENOMEM;
    }
    yaml_parser_set_input_string(&b.yaml, (const unsigned char *)text, text_len);
    int r = build_documents(&b, &docs);

    HASH_CLEAR(hh, b.anchors);
    yaml_parser_delete(&b.yaml);
    if (r == -ENOMEM || hand_over(&b, &docs, ret_docs) < 0) {
        return -ENOMEM;
    }
    ret_docs->is_cut = r < 0;
    return b.has_errors ? -EINVAL : r;
}
