#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/compose/merge.h"
#include "lib/compose/yaml.h"

static struct acc_diags diags;
static struct acc_compose_ctx ctx;
static struct acc_buf out;

static void setup(void)
{
    memset(&diags, 0, sizeof(diags));
    ctx = (struct acc_compose_ctx){.diags = &diags};
    ck_assert_int_eq(acc_arena_create(64u << 20, &ctx.arena), 0);
    acc_buf_init(&out, 1u << 20);
}

static void teardown(void)
{
    ctx.arena = acc_arena_destroy(ctx.arena);
    acc_buf_fini(&out);
}

static struct acc_node *parse(const char *file, const char *text)
{
    struct acc_yaml_docs docs = {0};

    ck_assert_int_eq(acc_yaml_parse(file, text, strlen(text), 100000, ctx.arena, &docs, &diags), 0);
    return docs.docs[0];
}

static void dump(const struct acc_node *node)
{
    const char *separator = "";
    bool is_map = node->type == ACC_NODE_MAP;

    if (!is_map && node->type != ACC_NODE_SEQ) {
        acc_buf_puts(&out, node->text ? node->text : "~");
        return;
    }
    acc_buf_puts(&out, is_map ? "{" : "[");
    acc_node_for_each(child, node)
    {
        acc_buf_printf(&out, "%s%s%s", separator, is_map ? child->key : "", is_map ? ":" : "");
        separator = ",";
        dump(child);
    }
    acc_buf_puts(&out, is_map ? "}" : "]");
}

/* Both are what stands under a service; `want` is the merged and made unique one. */
static const struct {
    const char *label, *base, *over, *want;
} services[] = {
    {"scalars are replaced", "{image: a}", "{image: b}", "{image:b}"},
    {"null keeps the base", "{image: a}", "{image: }", "{image:a}"},
    {"a new key comes last", "{image: a}", "{user: u}", "{image:a,user:u}"},
    {"lists are appended", "{cap_add: [A]}", "{cap_add: [B, A]}", "{cap_add:[A,B]}"},
    {"command is replaced", "{command: [a, b]}", "{command: c}", "{command:c}"},
    {"command can be taken away", "{command: [a]}", "{command: }", "{command:~}"},
    {"entrypoint is replaced", "{entrypoint: [a]}", "{entrypoint: [b]}", "{entrypoint:[b]}"},
    {"healthcheck is merged, its test replaced", "{healthcheck: {test: [a], interval: 1s}}",
     "{healthcheck: {test: [b], retries: 2}}", "{healthcheck:{test:[b],interval:1s,retries:2}}"},
    {"environment: map and list", "{environment: {B: 1, A: x}}", "{environment: [B=2, C]}",
     "{environment:[A=x,B=2,C]}"},
    {"environment: null is a bare name", "{environment: {A: }}", "{environment: {B: true}}",
     "{environment:[A,B=true]}"},
    {"environment: the later value, the earlier place", "{environment: [A=1, B=1]}",
     "{environment: {A: 2}}", "{environment:[A=2,B=1]}"},
    {"labels that are in one only stay as they are", "{labels: {a: 1}}", "{image: x}",
     "{labels:{a:1},image:x}"},
    {"depends_on: list and map", "{depends_on: [a, b]}",
     "{depends_on: {b: {condition: service_healthy}}}",
     "{depends_on:{a:{condition:service_started,required:true},"
     "b:{condition:service_healthy,required:true}}}"},
    {"networks: list and map", "{networks: [a]}", "{networks: {b: {aliases: [x]}}}",
     "{networks:{a:~,b:{aliases:[x]}}}"},
    {"build: string and map", "{build: .}", "{build: {target: t}}", "{build:{context:.,target:t}}"},
    {"logging of one driver", "{logging: {driver: d, options: {a: 1}}}",
     "{logging: {options: {b: 2}}}", "{logging:{driver:d,options:{a:1,b:2}}}"},
    {"logging of two drivers", "{logging: {driver: d, options: {a: 1}}}", "{logging: {driver: e}}",
     "{logging:{driver:e}}"},
    {"ulimits are replaced", "{ulimits: {n: {soft: 1, hard: 2}, m: 1}}", "{ulimits: {n: 3}}",
     "{ulimits:{n:3,m:1}}"},
    {"extra_hosts: no exact doubles", "{extra_hosts: [\"a=1\"]}",
     "{extra_hosts: {a: [\"1\", \"2\"]}}", "{extra_hosts:[a=1,a=2]}"},
    {"env_file: a string is a list of one", "{env_file: a}", "{env_file: [b, {path: a}]}",
     "{env_file:[{path:a},b]}"},
    {"dns", "{dns: 1.1.1.1}", "{dns: [8.8.8.8, 1.1.1.1]}", "{dns:[1.1.1.1,8.8.8.8]}"},
    {"ports: long ones by address, number and protocol",
     "{ports: [{target: 80, published: '8080'}, {target: 80, published: '8080', protocol: udp}]}",
     "{ports: [{target: 80, published: '8080', host_ip: 0.0.0.0, mode: host}]}",
     "{ports:[{target:80,published:8080,host_ip:0.0.0.0,mode:host},"
     "{target:80,published:8080,protocol:udp}]}"},
    {"volumes by target", "{volumes: [{source: a, target: /x}, {source: b, target: /y}]}",
     "{volumes: [{source: c, target: /x}]}",
     "{volumes:[{source:c,target:/x},{source:b,target:/y}]}"},
    {"secrets by where they are mounted", "{secrets: [s1]}",
     "{secrets: [{source: s2, target: /run/secrets/s1}]}",
     "{secrets:[{source:s2,target:/run/secrets/s1}]}"},
    {"devices by target", "{devices: [\"/dev/a:/dev/x\"]}", "{devices: [\"/dev/b:/dev/x:r\"]}",
     "{devices:[/dev/b:/dev/x:r]}"},
    {"group_add has no such rule", "{group_add: [a]}", "{group_add: [a]}", "{group_add:[a,a]}"},
};

START_TEST(each_key_of_a_service_has_its_rule)
{
    static const char *const at[] = {"services", "x"};
    struct acc_node *project = parse("p", "services: {x: {}}");
    struct acc_node *merged = NULL;

    ck_assert_int_eq(acc_compose_merge(&ctx, parse("a", services[_i].base),
                                       parse("b", services[_i].over), at, 2, &merged),
                     0);
    acc_node_set(acc_node_get(project, "services"), "x", merged);
    ck_assert_int_eq(acc_compose_unicity(&ctx, project), 0);
    dump(merged);
    ck_assert_msg(strcmp(out.data, services[_i].want) == 0, "%s: got %s, want %s",
                  services[_i].label, out.data, services[_i].want);
}
END_TEST

static const struct {
    const char *base, *over, *want;
} clashes[] = {
    {"services:\n  a:\n    ports: [1]\n", "services:\n  a:\n    ports: {b: c}\n",
     "b:3:12: services.a.ports: cannot override: this is a mapping, and a list in what it is "
     "merged over (a:3)"},
    {"networks: {n: {driver_opts: {}}}", "networks: {n: x}",
     "b:1:15: networks.n: cannot override: this is a string, and a mapping in what it is merged "
     "over (a:1)"},
    {"services: {a: {logging: {}}}", "services: {a: {logging: [x]}}",
     "b:1:25: services.a.logging: cannot override: this is a list, and a mapping in what it is "
     "merged over (a:1)"},
};

START_TEST(a_clash_of_types_is_told_with_both_places)
{
    char text[1024];
    struct acc_node *merged = NULL;

    ck_assert_int_eq(acc_compose_merge(&ctx, parse("a", clashes[_i].base),
                                       parse("b", clashes[_i].over), NULL, 0, &merged),
                     -EINVAL);
    acc_diag_format(&diags.item[0], text, sizeof(text));
    ck_assert_str_eq(text, clashes[_i].want);
}
END_TEST

START_TEST(values_keep_the_place_where_they_were_written)
{
    struct acc_node *merged = NULL;

    ck_assert_int_eq(
        acc_compose_merge(&ctx, parse("a", "services:\n  x:\n    image: a\n    user: u\n"),
                          parse("b", "\n\nservices:\n  x: {image: b}\n"), NULL, 0, &merged),
        0);
    const struct acc_node *image = acc_node_path(merged, "services", "x", "image", NULL);
    const struct acc_node *user = acc_node_path(merged, "services", "x", "user", NULL);

    ck_assert_str_eq(image->pos.file, "b");
    ck_assert_uint_eq(image->pos.line, 4);
    ck_assert_str_eq(user->pos.file, "a");
    ck_assert_uint_eq(acc_node_key_pos(user).line, 4);
}
END_TEST

START_TEST(long_lists_and_mappings_are_merged_alike)
{
    struct acc_buf base;
    struct acc_node *merged = NULL;
    static const char *const at[] = {"services", "x"};

    acc_buf_init(&base, 1u << 20);
    acc_buf_puts(&base, "environment:\n");
    for (int i = 0; i < 500; i++) {
        acc_buf_printf(&base, "  - K%d=%d\n", i % 400, i);
    }
    acc_buf_puts(&base, "x-map:\n");
    for (int i = 0; i < 500; i++) {
        acc_buf_printf(&base, "  k%d: %d\n", i, i);
    }
    ck_assert_int_eq(acc_compose_merge(&ctx, parse("a", base.data),
                                       parse("b", "{environment: [K7=new], x-map: {k499: new, a: "
                                                  "1, k0: new}}"),
                                       at, 2, &merged),
                     0);
    struct acc_node *project = parse("p", "services: {x: {}}");

    acc_node_set(acc_node_get(project, "services"), "x", merged);
    ck_assert_int_eq(acc_compose_unicity(&ctx, project), 0);
    const struct acc_node *environment = acc_node_get(merged, "environment");
    const struct acc_node *map = acc_node_get(merged, "x-map");

    ck_assert_uint_eq(environment->n, 400);
    ck_assert_str_eq(environment->first->text, "K0=400");
    ck_assert_str_eq(environment->last->text, "K399=399");
    ck_assert_uint_eq(map->n, 501);
    ck_assert_str_eq(map->first->text, "new");
    ck_assert_str_eq(map->last->key, "a");
    acc_buf_fini(&base);
}
END_TEST

#define N(a) ((int)(sizeof(a) / sizeof((a)[0])))

int main(void)
{
    Suite *suite = suite_create("merge");
    TCase *tcase = tcase_create("merge");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, tcase);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 60); /* for sanitizers, and a busy machine */
    tcase_add_loop_test(tcase, each_key_of_a_service_has_its_rule, 0, N(services));
    tcase_add_loop_test(tcase, a_clash_of_types_is_told_with_both_places, 0, N(clashes));
    tcase_add_test(tcase, values_keep_the_place_where_they_were_written);
    tcase_add_test(tcase, long_lists_and_mappings_are_merged_alike);
    srunner_run_all(runner, CK_ENV);
    int n_failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return n_failed > 0;
}
