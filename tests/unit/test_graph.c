#include "lib/graph/graph.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"

static struct acc_diags diags;
static struct acc_model *model;

static void setup(void)
{
    memset(&diags, 0, sizeof(diags));
    model = NULL;
}

static void teardown(void)
{
    model = acc_model_destroy(model);
}

static struct acc_stack *stack_new(const char *name, size_t n_services)
{
    struct acc_arena *arena = NULL;

    ck_assert_int_eq(acc_arena_create(1u << 28, &arena), 0);
    struct acc_stack *stack = acc_arena_alloc(arena, sizeof(*stack));

    stack->arena = arena;
    stack->name = acc_arena_strdup(arena, name);
    stack->services = acc_arena_alloc(arena, (n_services + 1) * sizeof(*stack->services));
    return stack;
}

static struct acc_service_spec *service_add(struct acc_stack *stack, const char *name,
                                            size_t edges_max)
{
    struct acc_service_spec *service = &stack->services[stack->n_services++];

    service->name = acc_arena_strdup(stack->arena, name);
    service->stack = stack->name;
    service->id = acc_arena_printf(stack->arena, "%s/%s", stack->name, name);
    service->edges = acc_arena_alloc(stack->arena, (edges_max + 1) * sizeof(*service->edges));
    return service;
}

static const enum acc_edge_kind kind_of[128] = {
    ['b'] = ACC_EDGE_BINDS, ['n'] = ACC_EDGE_NEEDS, ['m'] = ACC_EDGE_MILESTONE,
    ['w'] = ACC_EDGE_WANTS, ['a'] = ACC_EDGE_AFTER, ['c'] = ACC_EDGE_CONFLICTS,
};

/* "n:db" or "n:vault/vault"; '?' in front of the name: not required, '!' runs, '*' completes. The
 * line is the edge's number, so that a test can tell which one a diagnostic speaks of. */
static void edge_add(struct acc_stack *stack, struct acc_service_spec *service, const char *text,
                     uint32_t line)
{
    struct acc_edge *edge = &service->edges[service->n_edges++];
    const char *name = text + 2;
    const char *slash;

    *edge = (struct acc_edge){.kind = kind_of[(int)text[0]], .required = true, .label = ""};
    for (; strchr("?!*", name[0]); name++) {
        edge->required = edge->required && name[0] != '?';
        edge->condition = name[0] == '!'   ? ACC_COND_RUNNING
                          : name[0] == '*' ? ACC_COND_COMPLETED
                                           : edge->condition;
    }
    slash = strchr(name, '/');
    if (slash) {
        edge->stack = acc_arena_strndup(stack->arena, name, (size_t)(slash - name));
        name = slash + 1;
    }
    edge->service = acc_arena_strdup(stack->arena, name);
    edge->pos = (struct acc_srcpos){"f.yaml", line, 7};
}

/* "a n:b n:c; b; c a:b" */
static struct acc_stack *stack_parse(const char *name, const char *text)
{
    struct acc_stack *stack = stack_new(name, 32);
    char *copy = strdup(text);
    char *outer = NULL;
    uint32_t line = 0;

    for (char *part = strtok_r(copy, ";", &outer); part; part = strtok_r(NULL, ";", &outer)) {
        char *inner = NULL;
        struct acc_service_spec *service = service_add(stack, strtok_r(part, " ", &inner), 8);

        for (char *edge = strtok_r(NULL, " ", &inner); edge; edge = strtok_r(NULL, " ", &inner)) {
            edge_add(stack, service, edge, ++line);
        }
    }
    free(copy);
    return stack;
}

static int join(const char *first, const char *second)
{
    struct acc_stack *stacks[2] = {stack_parse("one", first)};

    if (second) {
        stacks[1] = stack_parse("two", second);
    }
    return acc_model_join(stacks, second ? 2 : 1, &model, &diags);
}

static bool told(const char *text)
{
    char line[ACC_DIAG_FILE_MAX + ACC_DIAG_TEXT_MAX];

    for (size_t i = 0; i < diags.n; i++) {
        (void)acc_diag_format(&diags.item[i], line, sizeof(line));
        if (strcmp(line, text) == 0) {
            return true;
        }
    }
    for (size_t i = 0; i < diags.n; i++) {
        (void)acc_diag_format(&diags.item[i], line, sizeof(line));
        printf("told: %s\n", line);
    }
    return false;
}

static const struct {
    const char *label, *first, *second, *want;
} refused[] = {
    {"whole path, and the edge that closes the circle when all cost the same", "a n:b;b n:c;c n:a",
     NULL,
     "f.yaml:3:7: dependency cycle detected: a -> b -> c -> a; cheapest to drop: 'c' needs 'a'"},
    {"an after edge is cheaper than a needs edge", "a a:b;b n:c;c n:a", NULL,
     "f.yaml:1:7: dependency cycle detected: a -> b -> c -> a; cheapest to drop: 'a' after 'b'"},
    {"an after edge is cheaper than a wants edge", "a w:b;b a:a", NULL,
     "f.yaml:2:7: dependency cycle detected: a -> b -> a; cheapest to drop: 'b' after 'a'"},
    {"a service that needs itself", "a n:a", NULL,
     "f.yaml:1:7: dependency cycle detected: a -> a; cheapest to drop: 'a' needs 'a'"},
    {"across stacks with the stacks' names", "a n:two/b", "b m:one/a",
     "f.yaml:1:7: dependency cycle detected: one/a -> two/b -> one/a; cheapest to drop: 'two/b' "
     "milestone 'one/a'"},
    {"a second cycle of the same knot", "a n:b;b n:a n:c;c n:b", NULL,
     "f.yaml:4:7: dependency cycle detected: b -> c -> b; cheapest to drop: 'c' needs 'b'"},
    {"an unknown service", "web n:potsgres;postgres", NULL,
     "f.yaml:1:7: service 'web' depends on undefined service 'potsgres'; did you mean "
     "'postgres'?"},
    {"a service with nothing near", "web n:zz;postgres", NULL,
     "f.yaml:1:7: service 'web' depends on undefined service 'zz'"},
    {"a service that lives in another stack", "web n:db", "db",
     "f.yaml:1:7: service 'web' depends on undefined service 'db'; did you mean 'two/db'?"},
    {"an unknown service of another stack", "web n:two/dv", "db",
     "f.yaml:1:7: service 'one/web' depends on undefined service 'two/dv'; did you mean 'db'?"},
    {"an unknown stack", "web n:tow/db", "db",
     "f.yaml:1:7: service 'one/web' depends on 'tow/db', but there is no stack 'tow'; did you mean "
     "'two'?"},
    {"needs and conflicts", "a n:b c:b;b", NULL,
     "f.yaml:2:7: service 'one/a' both needs and conflicts with 'b'"},
};

START_TEST(refuses_with_place_and_advice)
{
    ck_assert_int_eq(join(refused[_i].first, refused[_i].second), -EINVAL);
    ck_assert_msg(told(refused[_i].want), "%s: want: %s", refused[_i].label, refused[_i].want);
    ck_assert_ptr_null(model);
}
END_TEST

START_TEST(two_stacks_of_one_name_are_refused)
{
    struct acc_stack *stacks[2] = {stack_parse("one", "a"), stack_parse("one", "b")};

    ck_assert_int_eq(acc_model_join(stacks, 2, &model, &diags), -EINVAL);
    ck_assert_uint_eq(diags.n_errors, 1);
}
END_TEST

START_TEST(one_container_name_twice_is_refused)
{
    struct acc_stack *stacks[2] = {stack_parse("one", "a"), stack_parse("two", "b")};

    stacks[0]->services[0].container_name = "db";
    stacks[1]->services[0].container_name = "db";
    stacks[1]->services[0].pos = (struct acc_srcpos){"g.yaml", 2, 3};
    ck_assert_int_eq(acc_model_join(stacks, 2, &model, &diags), -EINVAL);
    ck_assert(told("g.yaml:2:3: services 'one/a' and 'two/b' both have the container_name 'db'"));
}
END_TEST

START_TEST(puts_dependencies_first_and_layers_them)
{
    /* after, wants and binds order, too; conflicts do not */
    ck_assert_int_eq(join("a n:b a:c;b w:d;c b:d;d;e c:a n:two/x", "x n:one/d"), 0);
    const uint32_t layers[] = {2, 1, 1, 0, 2, 1};

    ck_assert_uint_eq(model->n_services, 6);
    for (size_t i = 0; i < 6; i++) {
        ck_assert_msg(model->layer[i] == layers[i], "layer of %s is %u", model->services[i]->id,
                      model->layer[i]);
    }
    const uint32_t order[] = {3, 1, 2, 5, 0, 4};

    ck_assert_mem_eq(model->order, order, sizeof(order));
    ck_assert_uint_eq(model->services[4]->edges[1].target, 5);
    ck_assert_uint_eq(model->service_stack[5], 1);
}
END_TEST

START_TEST(targets_of_completed_are_one_shots)
{
    ck_assert_int_eq(join("a m:*migrate n:db;db;migrate n:db", NULL), 0);
    ck_assert(!model->services[0]->one_shot);
    ck_assert(!model->services[1]->one_shot);
    ck_assert(model->services[2]->one_shot);
}
END_TEST

START_TEST(targets_of_milestones_may_end_unless_they_are_needed)
{
    struct acc_stack *stack = stack_parse("one", "a m:init m:both m:kept;b n:both;both;init;kept");

    stack->services[3].restart = ACC_RESTART_NO;
    stack->services[4].restart = ACC_RESTART_ALWAYS;
    ck_assert_int_eq(acc_model_join(&stack, 1, &model, &diags), 0);
    ck_assert(!model->services[2]->may_end);
    ck_assert(model->services[3]->may_end);
    ck_assert(!model->services[4]->may_end);
    ck_assert(!model->services[3]->one_shot);
}
END_TEST

START_TEST(a_target_that_is_not_required_may_be_missing)
{
    ck_assert_int_eq(join("a w:?gone n:b;b", NULL), 0);
    ck_assert_uint_eq(model->services[0]->n_edges, 1);
    ck_assert_uint_eq(model->services[0]->edges[0].target, 1);
}
END_TEST

START_TEST(several_edges_of_a_pair_become_the_strongest)
{
    ck_assert_int_eq(join("a n:b a:c b:!b;b;c", NULL), 0);
    const struct acc_service_spec *a = model->services[0];

    ck_assert_uint_eq(a->n_edges, 2);
    ck_assert_int_eq(a->edges[0].kind, ACC_EDGE_BINDS);
    ck_assert_int_eq(a->edges[0].condition, ACC_COND_READY); /* the needs edge asked for it */
    ck_assert_uint_eq(a->edges[0].target, 1);
    ck_assert_int_eq(a->edges[1].kind, ACC_EDGE_AFTER);
}
END_TEST

START_TEST(resources_know_their_stack)
{
    struct acc_stack *stacks[2] = {stack_parse("one", "a"), stack_parse("two", "b")};
    struct acc_resource one[2] = {{.key = "x"}, {.key = "y"}};
    struct acc_resource two[1] = {{.key = "z"}};

    stacks[0]->resources = one;
    stacks[0]->n_resources = 2;
    stacks[1]->resources = two;
    stacks[1]->n_resources = 1;
    ck_assert_int_eq(acc_model_join(stacks, 2, &model, &diags), 0);
    ck_assert_uint_eq(model->n_resources, 3);
    ck_assert_uint_eq(model->resource_base[1], 2);
    ck_assert_uint_eq(model->resources[2]->stack, 1);
    ck_assert_str_eq(model->resources[2]->key, "z");
}
END_TEST

/* A path of `n` services in one line needs no deep stack, and its cycle is told in full. */
static int long_chain(uint32_t n, bool closed)
{
    struct acc_stack *stack = stack_new("one", n);
    char name[32];

    for (uint32_t i = 0; i < n; i++) {
        (void)snprintf(name, sizeof(name), "service%06u", i);
        service_add(stack, name, 1);
        (void)snprintf(name, sizeof(name), "n:service%06u", (i + 1) % n);
        if (i + 1 < n || closed) {
            edge_add(stack, &stack->services[i], name, i + 1);
        }
    }
    return acc_model_join(&stack, 1, &model, &diags);
}

START_TEST(a_chain_of_sixty_thousand_is_no_problem)
{
    ck_assert_int_eq(long_chain(60000, false), 0);
    ck_assert_uint_eq(model->layer[0], 59999);
    ck_assert_uint_eq(model->order[0], 59999);
}
END_TEST

START_TEST(a_long_cycle_is_told_in_several_lines)
{
    char name[32];
    uint32_t seen = 0;

    ck_assert_int_eq(long_chain(100, true), -EINVAL);
    for (uint32_t i = 0; i < 100; i++) {
        (void)snprintf(name, sizeof(name), "service%06u", i);
        for (size_t k = 0; k < diags.n; k++) {
            if (strstr(diags.item[k].text, name)) {
                seen++;
                break;
            }
        }
    }
    ck_assert_uint_eq(seen, 100);
}
END_TEST

/* db <- cache (in no phase) <- web */
static int set_phases(const char *db, const char *web)
{
    static const struct acc_phase_spec phases[] = {
        {.name = "base"}, {.name = "apps", .has_gate = true, .healthy_for_ms = 5000}};
    struct acc_stack *stack = stack_new("one", 3);
    struct acc_service_spec *service = service_add(stack, "cache", 1);

    service->phase = "";
    edge_add(stack, service, "n:db", 3);
    service_add(stack, "db", 1)->phase = db;
    service = service_add(stack, "web", 1);
    service->phase = web;
    edge_add(stack, service, "w:cache", 7);
    ck_assert_int_eq(acc_model_join(&stack, 1, &model, &diags), 0);
    return acc_model_set_phases(model, phases, 2, &diags);
}

START_TEST(phases_follow_the_edges)
{
    ck_assert_int_eq(set_phases("base", "apps"), 0);
    ck_assert_uint_eq(model->n_phases, 2);
    ck_assert_str_eq(model->phases[1].name, "apps");
    ck_assert(model->phases[1].has_gate && model->phases[1].healthy_for_ms == 5000);
}
END_TEST

START_TEST(an_early_phase_does_not_wait_for_a_late_one)
{
    ck_assert_int_eq(set_phases("apps", "base"), -EINVAL);
    ck_assert_uint_eq(diags.n, 1);
    ck_assert_uint_eq(diags.item[0].line, 7);
    ck_assert_str_eq(diags.item[0].text,
                     "one/web is in phase 'base' and depends on one/cache, which waits for the "
                     "later phase 'apps'; move one of them, or drop the edge");
}
END_TEST

START_TEST(an_unknown_phase_is_named)
{
    ck_assert_int_eq(set_phases("bace", "apps"), -EINVAL);
    ck_assert_str_eq(diags.item[0].text, "one/db: there is no phase 'bace'; did you mean 'base'?");
}
END_TEST

static void host_add(struct acc_service_spec *service, const char *condition, const char *token)
{
    static struct acc_host_need hosts[8];
    static struct acc_token_need tokens[8];
    static size_t n;

    hosts[n % 8] = (struct acc_host_need){.at = ACC_NONE};
    ck_assert_ptr_null(acc_condition_parse(condition, &hosts[n % 8].is));
    tokens[n % 8] = (struct acc_token_need){token, ACC_NONE};
    service->host = &hosts[n % 8];
    service->serialize = &tokens[n++ % 8];
    service->n_host = service->n_serialize = 1;
}

START_TEST(conditions_and_tokens_are_numbered_over_all_stacks)
{
    struct acc_stack *stacks[] = {stack_parse("one", "a; b; c"), stack_parse("two", "d")};

    host_add(&stacks[0]->services[0], "mount:/mnt/nas", "load");
    host_add(&stacks[0]->services[1], "device:/dev/kfd", "disk");
    host_add(&stacks[1]->services[0], "mount:/mnt/nas", "load");
    ck_assert_int_eq(acc_model_join(stacks, 2, &model, &diags), 0);
    ck_assert_uint_eq(model->n_conditions, 2);
    ck_assert_str_eq(model->conditions[0].text, "device:/dev/kfd");
    ck_assert_str_eq(model->conditions[1].arg, "/mnt/nas");
    ck_assert_uint_eq(model->services[0]->host[0].at, 1);
    ck_assert_uint_eq(model->services[1]->host[0].at, 0);
    ck_assert_uint_eq(model->services[3]->host[0].at, 1);
    ck_assert_uint_eq(model->n_tokens, 2);
    ck_assert_str_eq(model->tokens[1], "load");
    ck_assert_uint_eq(model->services[3]->serialize[0].at, 1);
}
END_TEST

START_TEST(what_is_needed_of_a_stack_that_is_not_there_becomes_a_condition)
{
    static const char *const texts[] = {"mount:/mnt/nas", "ready:two/db",   "running:two/web",
                                        "done:two/job",   "maker:two/keys", "free:two/game"};
    struct acc_stack *stacks[] = {
        stack_parse("one", "a n:two/db n:two/db n:!two/web m:*two/job n:two/keys c:two/game "
                           "w:two/x a:two/y; b n:a n:?two/db"),
        stack_parse("three", "c")};
    struct acc_service_spec *a = &stacks[0]->services[0], *b = &stacks[0]->services[1];
    struct acc_host_need nas = {.at = ACC_NONE};

    ck_assert_ptr_null(acc_condition_parse("mount:/mnt/nas", &nas.is));
    a->host = &nas;
    a->n_host = 1;
    a->edges[4].at_create = true;
    ck_assert_int_eq(acc_stack_detach(stacks[0], stacks, 2, true), 0);
    ck_assert_uint_eq(a->n_edges, 0);
    ck_assert_uint_eq(a->n_host, 6);
    for (size_t i = 0; i < 6; i++) {
        ck_assert_str_eq(a->host[i].is.text, texts[i]);
        ck_assert_int_eq(acc_condition_is_of_service(a->host[i].is.kind), i > 0);
    }
    ck_assert_uint_eq(b->n_edges, 1);
    ck_assert_uint_eq(b->n_host, 0); /* it would do without */
    ck_assert_int_eq(acc_model_join(stacks, 2, &model, &diags), 0);
    ck_assert_uint_eq(model->n_conditions, 6);
}
END_TEST

START_TEST(alone_a_stack_is_fine_without_the_others)
{
    struct acc_stack *stack = stack_parse("one", "a n:two/db; b n:a");

    ck_assert_int_eq(acc_stack_detach(stack, &stack, 1, false), 0);
    ck_assert_int_eq(acc_model_join(&stack, 1, &model, &diags), 0);
    ck_assert_uint_eq(model->services[0]->n_edges, 0);
    ck_assert_uint_eq(model->services[1]->n_edges, 1);
    ck_assert_uint_eq(model->n_conditions, 0);
}
END_TEST

START_TEST(ten_thousand_services_with_forty_thousand_edges)
{
    struct acc_stack *stack = stack_new("one", 10000);
    char name[32];
    uint32_t random = 1;

    for (uint32_t i = 0; i < 10000; i++) {
        (void)snprintf(name, sizeof(name), "s%05u", i);
        struct acc_service_spec *service = service_add(stack, name, 4);

        for (uint32_t k = 0; k < 4 && i > 0; k++) {
            random = random * 1664525u + 1013904223u;
            (void)snprintf(name, sizeof(name), "n:s%05u", (random >> 8) % i);
            edge_add(stack, service, name, i);
        }
    }
    ck_assert_int_eq(acc_model_join(&stack, 1, &model, &diags), 0);
    for (uint32_t i = 0; i < 10000; i++) {
        const struct acc_service_spec *service = model->services[i];

        for (size_t k = 0; k < service->n_edges; k++) {
            ck_assert_uint_lt(model->layer[service->edges[k].target], model->layer[i]);
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("graph");
    TCase *tcase = tcase_create("graph");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, tcase);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, refuses_with_place_and_advice, 0, ACC_ARRAY_LEN(refused));
    tcase_add_test(tcase, two_stacks_of_one_name_are_refused);
    tcase_add_test(tcase, one_container_name_twice_is_refused);
    tcase_add_test(tcase, puts_dependencies_first_and_layers_them);
    tcase_add_test(tcase, targets_of_completed_are_one_shots);
    tcase_add_test(tcase, targets_of_milestones_may_end_unless_they_are_needed);
    tcase_add_test(tcase, a_target_that_is_not_required_may_be_missing);
    tcase_add_test(tcase, several_edges_of_a_pair_become_the_strongest);
    tcase_add_test(tcase, resources_know_their_stack);
    tcase_add_test(tcase, a_chain_of_sixty_thousand_is_no_problem);
    tcase_add_test(tcase, a_long_cycle_is_told_in_several_lines);
    tcase_add_test(tcase, phases_follow_the_edges);
    tcase_add_test(tcase, an_early_phase_does_not_wait_for_a_late_one);
    tcase_add_test(tcase, an_unknown_phase_is_named);
    tcase_add_test(tcase, conditions_and_tokens_are_numbered_over_all_stacks);
    tcase_add_test(tcase, what_is_needed_of_a_stack_that_is_not_there_becomes_a_condition);
    tcase_add_test(tcase, alone_a_stack_is_fine_without_the_others);
    tcase_add_test(tcase, ten_thousand_services_with_forty_thousand_edges);
    srunner_run_all(runner, CK_NORMAL);
    int n_failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return n_failed > 0;
}
