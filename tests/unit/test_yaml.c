#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/compose/yaml.h"

#define NODES_MAX 10000u

static struct acc_arena *arena;
static struct acc_diags diags;
static struct acc_yaml_docs docs;
static struct acc_buf out;

static void setup(void)
{
    ck_assert_int_eq(acc_arena_create(64u << 20, &arena), 0);
    memset(&diags, 0, sizeof(diags));
    memset(&docs, 0, sizeof(docs));
    acc_buf_init(&out, 1u << 20);
}

static void teardown(void)
{
    arena = acc_arena_destroy(arena);
    acc_buf_fini(&out);
}

/* Like JSON, but a string is in single quotes, an int is i1 and a float f1. */
static void dump(const struct acc_node *node)
{
    static const char *const sign[] = {"~", "", "i", "f", "'", "[", "{"};
    const char *separator = "";

    acc_buf_puts(&out, sign[node->type]);
    acc_node_for_each(child, node)
    {
        acc_buf_puts(&out, separator);
        separator = ",";
        if (node->type == ACC_NODE_MAP) {
            acc_buf_printf(&out, "%s:", child->key);
        }
        dump(child);
    }
    if (node->text) {
        acc_buf_puts(&out, node->text);
    }
    acc_buf_puts(&out, node->type == ACC_NODE_STRING ? "'"
                       : node->type == ACC_NODE_SEQ  ? "]"
                       : node->type == ACC_NODE_MAP  ? "}"
                                                     : "");
}

static int parse_len(const char *text, size_t len)
{
    memset(&diags, 0, sizeof(diags));
    return acc_yaml_parse("f.yaml", text, len, NODES_MAX, arena, &docs, &diags);
}

static int parse(const char *text)
{
    return parse_len(text, strlen(text));
}

static const char *said(void)
{
    static char text[8192];
    size_t len = 0;

    text[0] = '\0';
    for (size_t i = 0; i < diags.n; i++) {
        len += (size_t)acc_diag_format(&diags.item[i], text + len, sizeof(text) - len);
        len += (size_t)snprintf(text + len, sizeof(text) - len, "|");
    }
    return text;
}

/* What a person writes as a value of `environment`, and what the container sees (run with 2.40). */
static const struct {
    const char *in, *want;
} scalars[] = {
    {"", "~"},
    {"~", "~"},
    {"null", "~"},
    {"Null", "~"},
    {"nULL", "'nULL'"},
    {"true", "true"},
    {"TRUE", "true"},
    {"tRUE", "'tRUE'"},
    {"False", "false"},
    {"yes", "'yes'"},
    {"no", "'no'"},
    {"on", "'on'"},
    {"off", "'off'"},
    {"y", "'y'"},
    {"0", "i0"},
    {"-0", "i0"},
    {"012", "i10"},
    {"08", "f8"},
    {"0o14", "i12"},
    {"0O14", "i12"},
    {"0b11", "i3"},
    {"-0b11", "i-3"},
    {"0x1F", "i31"},
    {"-0x1F", "i-31"},
    {"1_000", "i1000"},
    {"1__0", "i10"},
    {"+1", "i1"},
    {"-7", "i-7"},
    {"9223372036854775807", "i9223372036854775807"},
    {"-9223372036854775808", "i-9223372036854775808"},
    {"12345678901234567890", "i12345678901234567890"},
    {"123456789012345678901", "f1.2345678901234568e+20"},
    {"1.50", "f1.5"},
    {"1.10", "f1.1"},
    {"1.0", "f1"},
    {"1e3", "f1000"},
    {"1E3", "f1000"},
    {"100000.0", "f100000"},
    {"1000000.0", "f1e+06"},
    {"123456789.0", "f1.23456789e+08"},
    {"0.0001", "f0.0001"},
    {"0.00001", "f1e-05"},
    {"-2.5e-7", "f-2.5e-07"},
    {".5", "f0.5"},
    {"5.", "f5"},
    {".", "'.'"},
    {"1e400", "'1e400'"},
    {"0.1", "f0.1"},
    {"3.141592653589793", "f3.141592653589793"},
    {"22:22", "'22:22'"},
    {"190:20:30", "'190:20:30'"},
    {"1.2.3", "'1.2.3'"},
    {"0x", "'0x'"},
    {"0xg", "'0xg'"},
    {"-", "~"}, /* a sequence with nothing in it: replaced below */
    {"2024-01-01", "'2024-01-01'"},
    {"2024-13-01", "'2024-13-01'"},
    {".inf", "f+Inf"},
    {"-.INF", "f-Inf"},
    {".nan", "fNaN"},
    {"\"012\"", "'012'"},
    {"'true'", "'true'"},
    {"!!str 012", "'012'"},
    {"!!int \"7\"", "i7"},
    {"!!float 7", "f7"},
    {"!foo 012", "'012'"},
    {"a b", "'a b'"},
    {"http://x/#y", "'http://x/#y'"},
    {"\"a\\tb\\u00e9\"", "'a\tb\xc3\xa9'"},
    {"[]", "[]"},
    {"{}", "{}"},
    {"[a, 1, {b: c}]", "['a',i1,{b:'c'}]"},
};

START_TEST(scalars_are_typed_as_compose_2_40_types_them)
{
    char text[256];
    char want[256];

    if (strcmp(scalars[_i].in, "-") == 0) {
        snprintf(text, sizeof(text), "k:\n-\n");
        snprintf(want, sizeof(want), "{k:[~]}");
    } else {
        snprintf(text, sizeof(text), "k: %s\n", scalars[_i].in);
        snprintf(want, sizeof(want), "{k:%s}", scalars[_i].want);
    }
    ck_assert_msg(parse(text) == 0, "%s: %s", text, said());
    dump(docs.docs[0]);
    ck_assert_str_eq(out.data, want);
}
END_TEST

START_TEST(dates_are_marked_because_compose_refuses_them_as_values)
{
    ck_assert_int_eq(parse("[2024-01-01, 2024-1-2T3:4:5Z, 2024-01-01 10:00:00.5, '2024-01-01', "
                           "2024-02-30, 2023-02-29, 2024-02-29]"),
                     0);
    static const bool is_date[] = {true, true, true, false, false, false, true};
    size_t i = 0;

    acc_node_for_each(item, docs.docs[0])
    {
        ck_assert_msg((item->tag == ACC_YAML_TAG_TIMESTAMP) == is_date[i], "%s", item->text);
        i++;
    }
}
END_TEST

static const struct {
    const char *label, *in, *want;
} trees[] = {
    {"nothing at all", "", ""},
    {"only a comment", "# hm\n", ""},
    {"an empty document", "---\n", "~"},
    {"two documents", "a: 1\n---\nb: 2\n...\n", "{a:i1}{b:i2}"},
    {"an alias", "a: &x [1]\nb: *x\n", "{a:[i1],b:[i1]}"},
    {"anchor taken over", "a: &x 1\nb: &x 2\nc: *x", "{a:i1,b:i2,c:i2}"},
    {"merge key", "a: &x {k: 1, l: 2}\nb:\n  <<: *x\n  l: 3\n", "{a:{k:i1,l:i2},b:{l:i3,k:i1}}"},
    {"merge first or last", "b:\n  l: 3\n  <<: {l: 1, m: 2}\n", "{b:{l:i3,m:i2}}"},
    {"merge a list: the earlier wins", "b:\n  <<: [{k: 1}, {k: 2, l: 2}]\n", "{b:{k:i1,l:i2}}"},
    {"merge an alias to a list", "x: &l [{k: 1}, {k: 2, l: 2}]\nb: {<<: *l}\n",
     "{x:[{k:i1},{k:i2,l:i2}],b:{k:i1,l:i2}}"},
    {"merge is shallow", "a: &x {e: {p: 1}}\nb: {<<: *x, e: {q: 2}}\n",
     "{a:{e:{p:i1}},b:{e:{q:i2}}}"},
    {"merge of a merge", "a: &x {k: 1}\nb: &y {<<: *x, l: 2}\nc: {<<: *y}\n",
     "{a:{k:i1},b:{l:i2,k:i1},c:{l:i2,k:i1}}"},
    {"an anchor under the merge key keeps its own", "a:\n  <<: &x {k: &s [1]}\nb: *x\nc: *s\n",
     "{a:{k:[i1]},b:{k:[i1]},c:[i1]}"},
    {"a quoted << is a key", "a: {'<<': {k: 1}}", "{a:{<<:{k:i1}}}"},
    {"literal and folded", "a: |+\n  x\n\n  y\n\nb: >-\n  p\n  q\n", "{a:'x\n\ny\n\n',b:'p q'}"},
    {"CRLF and a BOM",
     "\xef\xbb\xbf"
     "a: 1\r\nb: 2\r\n",
     "{a:i1,b:i2}"},
    {"JSON is YAML", "{\"a\":[1,2.5,null,true,\"x\"]}", "{a:[i1,f2.5,~,true,'x']}"},
    {"reset is taken out", "a: {b: !reset null, c: 1, d: [1, !reset x, 2]}",
     "{a:{c:i1,d:[i1,i2]}}"},
    {"reset lets the merged value through", "a: {<<: {b: 2}, b: !reset 1}", "{a:{b:i2}}"},
    {"override stays", "a: {b: !override [1]}", "{a:{b:[i1]}}"},
};

START_TEST(trees_are_built)
{
    ck_assert_msg(parse(trees[_i].in) == 0, "%s: %s", trees[_i].label, said());
    acc_buf_puts(&out, "");
    for (size_t i = 0; i < docs.n_docs; i++) {
        dump(docs.docs[i]);
    }
    ck_assert_msg(strcmp(out.data ? out.data : "", trees[_i].want) == 0, "%s: got %s, want %s",
                  trees[_i].label, out.data, trees[_i].want);
}
END_TEST

static const struct {
    const char *label, *in, *want;
} refused[] = {
    {"duplicate key", "a:\n  image: 1\n  b: 2\n  image: 3\n",
     "f.yaml:4:3: mapping key \"image\" already defined at line 2: remove one of them|"},
    {"two duplicates are both told", "a: 1\na: 2\nb: 1\nb: 2\n",
     "f.yaml:2:1: mapping key \"a\" already defined at line 1: remove one of them|"
     "f.yaml:4:1: mapping key \"b\" already defined at line 3: remove one of them|"},
    {"two merge keys", "a:\n  <<: {x: 1}\n  <<: {y: 1}\n",
     "f.yaml:3:3: mapping key \"<<\" already defined at line 2: use one with a list|"},
    {"duplicate in what is merged", "a:\n  <<: {x: 1, x: 2}\n",
     "f.yaml:2:14: mapping key \"x\" already defined at line 2: remove one of them|"},
    {"a tab", "a:\n\tb: 1\n",
     "f.yaml:2:1: a tab can't indent YAML: use spaces (found character that cannot start any "
     "token)|"},
    {"unclosed", "a: [1, 2\n",
     "f.yaml:2:1: did not find expected ',' or ']' (while parsing a flow sequence that began at "
     "line 1)|"},
    {"unknown alias", "a: *nope\n", "f.yaml:1:4: unknown anchor 'nope' referenced|"},
    {"anchors end with their document", "a: &x 1\n---\nb: *x\n",
     "f.yaml:3:4: unknown anchor 'x' referenced|"},
    {"inside itself", "a: &x [*x]\n", "f.yaml:1:8: anchor 'x' value contains itself|"},
    {"merging a scalar", "a:\n  <<: 1\n",
     "f.yaml:2:7: map merge (<<) requires a mapping or a sequence of mappings as the value|"},
    {"number as a key", "a:\n  1: x\n", "f.yaml:2:3: non-string key: 1; put it in quotes|"},
    {"bool as a key", "true: x\n", "f.yaml:1:1: non-string key: true; put it in quotes|"},
    {"null as a key", "~: x\n", "f.yaml:1:1: non-string key: null; put it in quotes|"},
    {"list as a key", "? [a]\n: x\n", "f.yaml:1:3: non-string key: a list; put it in quotes|"},
    {"tag that lies", "a: !!int x\n", "f.yaml:1:4: 'x' is no !!int|"},
    {"a NUL escape", "a: \"x\\0y\"\n", "f.yaml:1:4: a value can't hold a NUL character (\\0)|"},
    {"control character", "a: x\x01\n",
     "f.yaml:1:5: control characters are not allowed (0x1): save the file as UTF-8 text|"},
    {"latin-1", "# ok\na: caf\xe9\n",
     "f.yaml:2:7: incomplete UTF-8 octet sequence: save the file as UTF-8 text|"},
    {"at sign", "a: @x\n",
     "f.yaml:1:4: found character that cannot start any token (while scanning for the next token "
     "that began at line 1)|"},
};

START_TEST(bad_text_is_refused_with_its_place)
{
    ck_assert_int_eq(parse(refused[_i].in), -EINVAL);
    ck_assert_msg(strcmp(said(), refused[_i].want) == 0, "%s: got %s, want %s", refused[_i].label,
                  said(), refused[_i].want);
}
END_TEST

START_TEST(a_nul_byte_is_refused)
{
    ck_assert_int_eq(parse_len("a: b\n\0c", 7), -EINVAL);
    ck_assert_str_eq(said(), "f.yaml:2:1: a NUL byte: this is no text file|");
}
END_TEST

START_TEST(every_node_knows_its_place)
{
    ck_assert_int_eq(parse("services:\n  a:\n    image: \"x\"\n    ports: [1,\n      22]\n"), 0);
    const struct acc_node *image = acc_node_path(docs.docs[0], "services", "a", "image", NULL);
    const struct acc_node *ports = acc_node_path(docs.docs[0], "services", "a", "ports", NULL);

    ck_assert_uint_eq(acc_node_key_pos(image).line, 3);
    ck_assert_uint_eq(acc_node_key_pos(image).col, 5);
    ck_assert_uint_eq(image->pos.line, 3);
    ck_assert_uint_eq(image->pos.col, 12);
    ck_assert_uint_eq(ports->last->pos.line, 5);
    ck_assert_uint_eq(ports->last->pos.col, 7);
    ck_assert_uint_eq(image->style, ACC_YAML_STYLE_QUOTED);
    ck_assert_uint_eq(ports->style, ACC_YAML_STYLE_FLOW);
}
END_TEST

START_TEST(resets_are_told_with_their_paths)
{
    ck_assert_int_eq(parse("a: {b: !reset null}\n---\nx:\n  y: !override {z: 1}\n"
                           "  <<: {w: !reset 1}\n  s: [{q: !reset 1}]\n"),
                     0);
    ck_assert_uint_eq(docs.n_resets, 3);
    ck_assert_uint_eq(docs.resets[0].doc, 0);
    ck_assert_uint_eq(docs.resets[0].n_keys, 2);
    ck_assert_str_eq(docs.resets[0].keys[0], "a");
    ck_assert_str_eq(docs.resets[0].keys[1], "b");
    ck_assert_uint_eq(docs.resets[1].doc, 1);
    ck_assert_str_eq(docs.resets[1].keys[1], "y");
    ck_assert_uint_eq(docs.resets[2].n_keys, 2); /* x.<<.w counts as x.w */
    ck_assert_str_eq(docs.resets[2].keys[1], "w");
}
END_TEST

START_TEST(an_alias_bomb_stays_small)
{
    struct acc_buf bomb;

    acc_buf_init(&bomb, 4096);
    acc_buf_puts(&bomb, "a0: &a0 [x,x,x,x,x,x,x,x,x]\n");
    for (int i = 1; i < 10; i++) {
        acc_buf_printf(&bomb, "a%d: &a%d [", i, i);
        for (int k = 0; k < 9; k++) {
            acc_buf_printf(&bomb, "%s*a%d", k ? "," : "", i - 1);
        }
        acc_buf_puts(&bomb, "]\n");
    }
    ck_assert_int_eq(parse(bomb.data), -EINVAL);
    ck_assert_ptr_nonnull(strstr(said(), "excessive aliasing"));
    ck_assert_uint_lt(acc_arena_used(arena), NODES_MAX * 400);
    acc_buf_fini(&bomb);
}
END_TEST

START_TEST(deep_nesting_ends_early)
{
    char deep[2048];

    memset(deep, '[', ACC_YAML_DEPTH_MAX + 2);
    deep[ACC_YAML_DEPTH_MAX + 2] = '\0';
    ck_assert_int_eq(parse(deep), -EINVAL);
    ck_assert_ptr_nonnull(strstr(said(), "nested deeper than 100"));
    memset(deep, '[', ACC_YAML_DEPTH_MAX);
    memset(deep + ACC_YAML_DEPTH_MAX, ']', ACC_YAML_DEPTH_MAX);
    deep[2 * ACC_YAML_DEPTH_MAX] = '\0';
    ck_assert_int_eq(parse(deep), 0);
}
END_TEST

START_TEST(aliases_can_t_nest_deeper_either)
{
    struct acc_buf text;

    acc_buf_init(&text, 1u << 16);
    acc_buf_puts(&text, "a0: &a0 [x]\n");
    for (int i = 1; i < 110; i++) {
        acc_buf_printf(&text, "a%d: &a%d [*a%d]\n", i, i, i - 1);
    }
    ck_assert_int_eq(parse(text.data), -EINVAL);
    ck_assert_ptr_nonnull(strstr(said(), "nested deeper"));
    acc_buf_fini(&text);
}
END_TEST

START_TEST(long_mappings_keep_their_order_and_find_duplicates)
{
    struct acc_buf text;

    acc_buf_init(&text, 1u << 20);
    for (int i = 0; i < 3000; i++) {
        acc_buf_printf(&text, "k%d: %d\n", (i * 7919) % 3000, i);
    }
    ck_assert_int_eq(parse(text.data), 0);
    ck_assert_uint_eq(docs.docs[0]->n, 3000);
    ck_assert_str_eq(docs.docs[0]->first->key, "k0");
    ck_assert_str_eq(docs.docs[0]->first->next->key, "k1919");
    acc_buf_puts(&text, "k17: again\n");
    ck_assert_int_eq(parse(text.data), -EINVAL);
    ck_assert_ptr_nonnull(strstr(said(), "f.yaml:3001:1: mapping key \"k17\" already defined"));
    acc_buf_fini(&text);
}
END_TEST

START_TEST(an_exhausted_arena_is_no_memory)
{
    static const char text[] = "a: &x {b: 1, c: [d]}\ne: {<<: *x, f: !reset 1}\n";
    struct acc_arena *small = NULL;

    for (size_t cap = 0; cap < 3000; cap += 16) {
        ck_assert_int_eq(acc_arena_create(cap, &small), 0);
        int r = acc_yaml_parse("f", text, sizeof(text) - 1, NODES_MAX, small, &docs, &diags);

        ck_assert(r == 0 || r == -ENOMEM);
        small = acc_arena_destroy(small);
    }
}
END_TEST

static const struct {
    double value;
    const char *fmt, *json;
} floats[] = {
    {0, "0", "0"},
    {-0.0, "-0", "-0"},
    {1.5, "1.5", "1.5"},
    {1e6, "1e+06", "1000000"},
    {1e20, "1e+20", "100000000000000000000"},
    {1e21, "1e+21", "1e+21"},
    {1.25e-5, "1.25e-05", "0.0000125"},
    {1e-7, "1e-07", "1e-7"},
    {123456.789, "123456.789", "123456.789"},
    {5e-324, "5e-324", "5e-324"},
    {1.7976931348623157e308, "1.7976931348623157e+308", "1.7976931348623157e+308"},
};

START_TEST(floats_are_printed_as_go_prints_them)
{
    char text[ACC_FLOAT_TEXT_MAX];

    acc_yaml_format_float(floats[_i].value, text);
    ck_assert_str_eq(text, floats[_i].fmt);
    acc_yaml_format_float_json(floats[_i].value, text);
    ck_assert_str_eq(text, floats[_i].json);
}
END_TEST

#define N(a) ((int)(sizeof(a) / sizeof((a)[0])))

int main(void)
{
    Suite *suite = suite_create("yaml");
    TCase *tcase = tcase_create("yaml");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 60); /* for sanitizers, and a busy machine */
    tcase_add_loop_test(tcase, scalars_are_typed_as_compose_2_40_types_them, 0, N(scalars));
    tcase_add_test(tcase, dates_are_marked_because_compose_refuses_them_as_values);
    tcase_add_loop_test(tcase, trees_are_built, 0, N(trees));
    tcase_add_loop_test(tcase, bad_text_is_refused_with_its_place, 0, N(refused));
    tcase_add_test(tcase, a_nul_byte_is_refused);
    tcase_add_test(tcase, every_node_knows_its_place);
    tcase_add_test(tcase, resets_are_told_with_their_paths);
    tcase_add_test(tcase, an_alias_bomb_stays_small);
    tcase_add_test(tcase, deep_nesting_ends_early);
    tcase_add_test(tcase, aliases_can_t_nest_deeper_either);
    tcase_add_test(tcase, long_mappings_keep_their_order_and_find_duplicates);
    tcase_add_test(tcase, an_exhausted_arena_is_no_memory);
    tcase_add_loop_test(tcase, floats_are_printed_as_go_prints_them, 0, N(floats));
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_ENV);
    int n_failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
