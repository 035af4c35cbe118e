#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/compose/compose.h"

/* Most files have no error. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

/* A file system of a few files, by absolute path. */
struct file {
    const char *path, *text;
    int error;
};
#define FILES_MAX 8

static struct acc_compose_request request;
static struct acc_diags diags;
static struct acc_stack *stack;
static char asked[4096]; /* "a b|c|": what each round asked for */
static char said[16384];

static void setup(void)
{
    static const char *const files[] = {"/p/compose.yaml"};

    request = (struct acc_compose_request){.files = files, .n_files = 1, .is_inspection = true};
    stack = NULL;
}

static void teardown(void)
{
    stack = acc_stack_destroy(stack);
}

static void supply(struct acc_compose_loader *loader, const struct file *files, const char *path)
{
    for (size_t i = 0; i < FILES_MAX && files[i].path; i++) {
        if (strcmp(files[i].path, path) == 0) {
            const char *text = files[i].text;

            ck_assert_int_eq(
                acc_compose_supply(loader, path, text, text ? strlen(text) : 0, files[i].error), 0);
            return;
        }
    }
    ck_assert_int_eq(acc_compose_supply(loader, path, NULL, 0, ENOENT), 0);
}

static int load(const struct file *files)
{
    struct acc_compose_loader *loader = NULL;
    int r = 0;

    asked[0] = said[0] = '\0';
    ck_assert_int_eq(acc_compose_begin(&request, &loader), 0);
    while ((r = acc_compose_load(loader, &stack, &diags)) == ACC_COMPOSE_NEED) {
        ck_assert_uint_gt(acc_compose_n_needs(loader), 0);
        for (size_t i = 0; i < acc_compose_n_needs(loader); i++) {
            const char *path = acc_compose_need(loader, i);
            size_t len = strlen(asked);

            snprintf(asked + len, sizeof(asked) - len, "%s%s", i ? " " : "", path);
            supply(loader, files, path);
        }
        strncat(asked, "|", sizeof(asked) - strlen(asked) - 1);
    }
    ck_assert_ptr_null(acc_compose_end(loader)); /* the stack stands without it */
    for (size_t i = 0; i < diags.n; i++) {
        size_t len = strlen(said);

        acc_diag_format(&diags.item[i], said + len, sizeof(said) - len);
        strncat(said, "\n", sizeof(said) - strlen(said) - 1);
    }
    ck_assert_int_eq(r == -EINVAL, diags.n_errors > 0);
    return r;
}

static const char *value(const char *service, const char *section, const char *key)
{
    const struct acc_node *node = acc_node_path(stack->project, "services", service, section, key,
                                                NULL);

    return node ? node->text : NULL;
}

START_TEST(files_are_asked_for_in_rounds)
{
    static const struct file files[FILES_MAX] = {
        {"/p/compose.yaml",
         "include: [inc/a.yaml]\n"
         "services:\n"
         "  web: {extends: {file: base/b.yaml, service: base}, environment: [X=1]}\n"},
        {"/p/.env", "OUTER=o\n"},
        {"/p/inc/a.yaml", "services: {inc: {image: \"i:${OUTER}-${INNER}\"}}"},
        {"/p/inc/.env", "INNER=i\nOUTER=hidden\n"},
        {"/p/base/b.yaml", "services: {base: {image: b, env_file: e.env, volumes: [./v:/v]}}"},
        {"/p/base/e.env", "FILE=${X}-${OUTER}\nX=file\n"},
    };

    ck_assert_msg(load(files) == 0, "%s", said);
    /* An include may bring what is extended, so extends waits for it. */
    ck_assert_str_eq(asked, "/p/.env /p/compose.yaml|/p/inc/a.yaml /p/inc/.env|/p/base/b.yaml|"
                            "/p/base/e.env|");
    ck_assert_str_eq(stack->name, "p");
    ck_assert_uint_eq(stack->n_services, 2);
    ck_assert_str_eq(acc_node_path(stack->project, "services", "inc", "image", NULL)->text,
                     "i:o-i");
    ck_assert_str_eq(value("web", "environment", "FILE"), "1-o");
    ck_assert_str_eq(value("web", "environment", "X"), "1");
    ck_assert_ptr_null(acc_node_path(stack->project, "services", "web", "env_file", NULL));
    const struct acc_node *volumes = acc_node_path(stack->project, "services", "web", "volumes",
                                                   NULL);

    ck_assert_str_eq(acc_node_get_text(volumes->first, "source"), "/p/base/v");
}
END_TEST

START_TEST(warnings_outlive_the_wait_for_env_files)
{
    static const struct file files[FILES_MAX] = {
        {"/p/compose.yaml", "version: '3'\nservices: {a: {image: \"x${NOPE}\", env_file: e}}\n"},
        {"/p/e", "A=${NOPE}${NOR}\n"},
    };

    ck_assert_int_eq(load(files), 0);
    ck_assert_str_eq(
        said, "/p/compose.yaml:2:23: warning: The \"NOPE\" variable is not set. Defaulting to a "
              "blank string.\n"
              "/p/compose.yaml:1:1: warning: the attribute `version` is obsolete, it will be "
              "ignored, please remove it to avoid potential confusion\n"
              "/p/compose.yaml:2:45: warning: The \"NOR\" variable is not set. Defaulting to a "
              "blank string.\n");
}
END_TEST

/* facts: -p, COMPOSE_PROJECT_NAME, the last `name:`, the folder. */
static const struct {
    const char *given, *variable, *text, *dir, *want;
} names[] = {
    {"cli", "COMPOSE_PROJECT_NAME=env", "name: yaml", NULL, "cli"},
    {NULL, "COMPOSE_PROJECT_NAME=env", "name: yaml", NULL, "env"},
    {NULL, "COMPOSE_PROJECT_NAME=", "name: yaml", NULL, "yaml"},
    {NULL, NULL, "name: \"Bad Name!\"", NULL, "badname"},
    {NULL, NULL, "name: one\n---\nname: two", NULL, "two"},
    {NULL, "X=val", "name: \"n-${X}\"", NULL, "n-val"},
    {NULL, NULL, "# no name", NULL, "p"},
    {NULL, NULL, "# no name", "/srv/_-My.Stack_2", "mystack_2"},
    {"Cli", NULL, "name: yaml", NULL, NULL},
    {NULL, "COMPOSE_PROJECT_NAME=a b", "name: yaml", NULL, NULL},
    {NULL, NULL, "name: \"!!\"", NULL, NULL},
    {NULL, NULL, "# no name", "/srv/___", NULL},
};

START_TEST(a_project_is_named_as_compose_names_it)
{
    char text[512];
    struct file files[FILES_MAX] = {{"/p/compose.yaml", text, 0}};
    const char *environment[] = {names[_i].variable};

    snprintf(text, sizeof(text), "%s\nservices: {a: {image: \"x:${COMPOSE_PROJECT_NAME}\"}}\n",
             names[_i].text);
    request.project_name = names[_i].given;
    request.project_dir = names[_i].dir;
    request.environment = environment;
    request.n_environment = names[_i].variable ? 1 : 0;
    int r = load(files);

    ck_assert_msg((r == 0) == (names[_i].want != NULL), "%d: %s", _i, said);
    if (r == 0) {
        char image[128];

        ck_assert_str_eq(stack->name, names[_i].want);
        snprintf(image, sizeof(image), "x:%s", names[_i].want);
        ck_assert_str_eq(acc_node_path(stack->project, "services", "a", "image", NULL)->text,
                         image);
    }
}
END_TEST

START_TEST(the_environment_wins_over_env_files)
{
    static const char *const environment[] = {"A=os", "COMPOSE_PROFILES=x, y"};
    static const char *const env_files[] = {"/p/one.env", "two.env"};
    static const struct file files[FILES_MAX] = {
        {"/p/compose.yaml", "services: {a: {image: \"${A}-${B}-${C}\"},"
                            " p: {image: p, profiles: [y]}, q: {image: q, profiles: [z]}}"},
        {"/p/one.env", "A=one\nB=one\nC=${A}${B}\n"},
        {"/p/two.env", "B=two-${B}\n"},
        {"/p/.env", "C=not-read\n"},
    };

    request.environment = environment;
    request.n_environment = 2;
    request.env_files = env_files;
    request.n_env_files = 2;
    ck_assert_msg(load(files) == 0, "%s", said);
    ck_assert_str_eq(acc_node_path(stack->project, "services", "a", "image", NULL)->text,
                     "os-two-one-osone");
    ck_assert_uint_eq(stack->n_services, 2);
    ck_assert_str_eq(stack->services[1].name, "p");
}
END_TEST

START_TEST(compose_disable_env_file_does)
{
    static const char *const environment[] = {"COMPOSE_DISABLE_ENV_FILE=1", "PWD=/w"};
    static const struct file files[FILES_MAX] = {
        {"/p/compose.yaml", "services: {a: {image: \"x${A}:${PWD}\"}}"}, {"/p/.env", "A=1\n"}};

    request.environment = environment;
    request.n_environment = 1;
    ck_assert_int_eq(load(files), 0);
    ck_assert_str_eq(asked, "/p/compose.yaml|");
    ck_assert_str_eq(acc_node_path(stack->project, "services", "a", "image", NULL)->text, "x:/p");
    stack = acc_stack_destroy(stack);
    request.n_environment = 2;
    ck_assert_int_eq(load(files), 0);
    ck_assert_str_eq(acc_node_path(stack->project, "services", "a", "image", NULL)->text, "x:/w");
}
END_TEST

#define TEN(x) x x x x x x x x x x

static const struct {
    const char *label;
    struct file files[FILES_MAX];
    const char *want;
} refused[] = {
    {"no file", {{NULL, NULL, 0}}, "/p/compose.yaml: cannot read it: No such file or directory\n"},
    {"no permission",
     {{"/p/compose.yaml", NULL, EACCES}},
     "/p/compose.yaml: cannot read it: Permission denied\n"},
    {"too large",
     {{"/p/compose.yaml", NULL, EFBIG}},
     "/p/compose.yaml: cannot read it: larger than 16 MiB\n"},
    {"empty", {{"/p/compose.yaml", "# hm\n", 0}}, "/p/compose.yaml:1:1: empty compose file\n"},
    {"a list",
     {{"/p/compose.yaml", "- a\n", 0}},
     "/p/compose.yaml:1:1: the top level must be a mapping, not a list\n"},
    {"bad .env",
     {{"/p/compose.yaml", "services: {a: {image: x}}", 0}, {"/p/.env", "A=1\nB c=2\n", 0}},
     "/p/.env:2:2: key cannot contain a space: 'B c'\n"},
    {"include circle",
     {{"/p/compose.yaml", "include: [b.yaml]", 0}, {"/p/b.yaml", "include:\n  - compose.yaml", 0}},
     "/p/b.yaml:2:5: include cycle detected: /p/compose.yaml includes /p/b.yaml includes "
     "/p/compose.yaml\n"},
    {"includes that multiply",
     {{"/p/compose.yaml", "include: [" TEN("b, ") "]", 0},
      {"/p/b", "include: [" TEN("c, ") "]", 0},
      {"/p/c", "include: [" TEN("d, ") "]", 0},
      {"/p/d", "include: [" TEN("e, ") "]", 0},
      {"/p/e", "services: {a: {image: x}}", 0}},
     "/p/b:1:38: more than 1000 includes, files that are included again counted each time\n"},
    {"include of nothing",
     {{"/p/compose.yaml", "include: [no.yaml, {path: [], x: y}, 'https://x/y', 3]", 0}},
     "/p/compose.yaml:1:31: warning: include: 'x' is none of path, project_directory, env_file, "
     "and has no effect\n"
     "/p/compose.yaml:1:20: include: path is missing\n"
     "/p/compose.yaml:1:38: include: must be a file of this host; accd fetches none\n"
     "/p/compose.yaml:1:53: include: a path must be a string\n"},
    {"included file is missing",
     {{"/p/compose.yaml", "include: [no.yaml]", 0}},
     "/p/compose.yaml:1:11: cannot include /p/no.yaml: No such file or directory\n"},
    {"include's env_file is missing",
     {{"/p/compose.yaml", "include: [{path: b.yaml, env_file: no.env}]", 0},
      {"/p/b.yaml", "services: {}", 0}},
     "/p/compose.yaml:1:11: cannot read env file /p/no.env: No such file or directory\n"},
    {"extends circle",
     {{"/p/compose.yaml", "services: {a: {extends: b}, b: {extends: {service: a}}}", 0}},
     "/p/compose.yaml:1:52: circular reference in extends: a -> b -> a\n"},
    {"extends itself by file",
     {{"/p/compose.yaml", "services: {a: {extends: {service: a, file: compose.yaml}}}", 0}},
     "/p/compose.yaml:1:44: circular reference in extends: a -> a\n"},
    {"extends of an unknown service, with the nearest",
     {{"/p/compose.yaml", "services: {web: {extends: bsae}, base: {image: x}}", 0}},
     "/p/compose.yaml:1:27: cannot extend service \"web\": service \"bsae\" not found; did you "
     "mean "
     "\"base\"?\n"},
    {"extends of a missing file, told once for each",
     {{"/p/compose.yaml", "services: {a: {extends: {file: no.yaml, service: b}}}", 0}},
     "/p/compose.yaml:1:32: cannot extend service 'b' of /p/no.yaml: No such file or directory\n"},
    {"extends of a file without services",
     {{"/p/compose.yaml", "services: {a: {extends: {file: b.yaml, service: b}}}", 0},
      {"/p/b.yaml", "volumes: {}", 0}},
     "/p/compose.yaml:1:32: cannot extend service 'b' of /p/b.yaml: it has no services\n"},
    {"an env file is missing",
     {{"/p/compose.yaml",
       "services:\n  a:\n    image: x\n    env_file: [no.env, {path: n2, required: false}]\n", 0}},
     "/p/compose.yaml:4:16: cannot read /p/no.env: No such file or directory\n"},
    {"all variables at once",
     {{"/p/compose.yaml",
       "services:\n  a: {image: \"${X?why}\", tty: \"maybe\"}\n  b: {image: \"${\", scale: "
       "\"2x\"}\n",
       0}},
     "/p/compose.yaml:2:14: services.a.image: required variable X is missing a value: why\n"
     "/p/compose.yaml:2:31: services.a.tty: 'maybe' is no boolean; write true or false\n"
     "/p/compose.yaml:3:14: services.b.image: invalid interpolation format: '${'; write $$ for a "
     "dollar sign\n"
     "/p/compose.yaml:3:27: services.b.scale: '2x' is no whole number\n"},
    {"numbers beyond what can be kept",
     {{"/p/compose.yaml",
       "services:\n  a: {image: x, cpu_shares: 18446744073709551615, cpu_quota: 1e30,\n"
       "      blkio_config: {weight: 65536}}\n",
       0}},
     "/p/compose.yaml:2:29: services.a.cpu_shares: '18446744073709551615' is no whole number of 64 "
     "bits\n"
     "/p/compose.yaml:2:62: services.a.cpu_quota: '1e+30' is no whole number of 64 bits\n"
     "/p/compose.yaml:3:30: services.a.blkio_config.weight: must be between 0 and 65535\n"},
    {"what can't be merged over a base is the only thing told",
     {{"/p/compose.yaml",
       "services:\n  a: {image: x, build: .}\n  b: {extends: a, build: 1}\n", 0}},
     "/p/compose.yaml:3:26: services.b.build: cannot override: this is a whole number, and a mapping "
     "in what it is merged over (/p/compose.yaml:2)\n"},
    {"both files' syntax",
     {{"/p/compose.yaml", "a: 1\na: 2\n", 0}},
     "/p/compose.yaml:2:1: mapping key \"a\" already defined at line 1: remove one of them\n"},
};

START_TEST(problems_are_told_with_their_places)
{
    ck_assert_int_eq(load(refused[_i].files), -EINVAL);
    ck_assert_ptr_null(stack);
    ck_assert_msg(strcmp(said, refused[_i].want) == 0, "%s: got %s", refused[_i].label, said);
}
END_TEST

/* Compose applies !reset and !override to what came before, files and bases alike. */
static const struct {
    const char *label, *text, *section, *key, *want;
} resets[] = {
    {"reset of a key",
     "services: {a: {image: x, labels: {k: v, l: w}}}\n---\n"
     "services: {a: {labels: {k: !reset null}}}",
     "labels", "k", NULL},
    {"its neighbour stays",
     "services: {a: {image: x, labels: {k: v, l: w}}}\n---\n"
     "services: {a: {labels: {k: !reset null}}}",
     "labels", "l", "w"},
    {"override",
     "services: {a: {image: x, labels: {k: v}}}\n---\n"
     "services: {a: {labels: !override {m: n}}}",
     "labels", "k", NULL},
    {"override of what is extended",
     "services: {b: {image: x, labels: {k: v}}, a: {extends: b, labels: !override {m: n}}}",
     "labels", "k", NULL},
    {"reset does not reach what the same document merges in",
     "x-b: &b {image: x, labels: {k: v}}\nservices: {a: {<<: *b, labels: !reset null}}", "labels",
     "k", "v"},
};

START_TEST(resets_reach_what_came_before)
{
    const struct file files[FILES_MAX] = {{"/p/compose.yaml", resets[_i].text, 0}};

    ck_assert_msg(load(files) == 0, "%s: %s", resets[_i].label, said);
    const char *got = value("a", resets[_i].section, resets[_i].key);

    ck_assert_msg(resets[_i].want ? got && strcmp(got, resets[_i].want) == 0 : !got, "%s: got %s",
                  resets[_i].label, got);
}
END_TEST

START_TEST(only_what_is_used_stays)
{
    static const struct file files[FILES_MAX] = {
        {"/p/compose.yaml",
         "services:\n"
         "  a: {image: x, networks: [n], volumes: [vv:/v, /anon], secrets: [s], configs: [c]}\n"
         "  off: {image: x, profiles: [no], networks: [m], volumes: [ww:/w], env_file: missing}\n"
         "networks: {n: , m: }\n"
         "volumes: {vv: , ww: }\n"
         "secrets: {s: {file: ./s}, t: {file: ./t}}\n"
         "configs: {c: {content: c}, d: {content: d}}\n"},
    };
    static const char *const sections[] = {"networks", "volumes", "secrets", "configs"};
    static const char *const left[] = {"n", "vv", "s", "c"};

    ck_assert_msg(load(files) == 0, "%s", said);
    for (size_t i = 0; i < 4; i++) {
        const struct acc_node *section = acc_node_get(stack->project, sections[i]);

        ck_assert_ptr_nonnull(section);
        ck_assert_uint_eq(section->n, 1);
        ck_assert_str_eq(section->first->key, left[i]);
    }
    ck_assert_uint_eq(stack->n_disabled, 1);
    ck_assert_str_eq(stack->disabled[0], "off");
    ck_assert_str_eq(stack->disabled_profiles[0], "no");
}
END_TEST

START_TEST(included_resources_yield_to_the_files_own)
{
    static const struct file files[FILES_MAX] = {
        {"/p/compose.yaml", "include: [sub/b.yaml]\n"
                            "services: {b: {environment: {A: main}}, c: {extends: b}}\n"},
        {"/p/sub/b.yaml", "services: {b: {image: b, environment: {A: inc, B: inc}}}"},
    };

    ck_assert_msg(load(files) == 0, "%s", said);
    ck_assert_str_eq(value("b", "environment", "A"), "main");
    ck_assert_str_eq(value("b", "environment", "B"), "inc");
    ck_assert_str_eq(value("c", "environment", "A"), "main");
}
END_TEST

START_TEST(too_many_files_are_refused)
{
    struct acc_buf text;
    struct file files[FILES_MAX] = {{0}};

    acc_buf_init(&text, 1u << 20);
    acc_buf_puts(&text, "services:\n  a:\n    image: x\n    env_file:\n");
    for (size_t i = 0; i < ACC_COMPOSE_FILES_MAX; i++) {
        acc_buf_printf(&text, "      - {path: f%zu, required: false}\n", i);
    }
    files[0] = (struct file){"/p/compose.yaml", text.data, 0};
    ck_assert_int_eq(load(files), -EINVAL);
    ck_assert_ptr_nonnull(strstr(said, "the project pulls in more than 1000 files"));
    acc_buf_fini(&text);
}
END_TEST

START_TEST(five_thousand_services_that_extend_each_other_load)
{
    struct acc_buf text;
    struct file files[FILES_MAX] = {{0}};

    acc_buf_init(&text, 8u << 20);
    acc_buf_puts(&text, "services:\n  base: {image: x, environment: {A: 1}, labels: [l=1]}\n");
    for (int i = 0; i < 5000; i++) {
        acc_buf_printf(&text, "  s%d: {extends: base, container_name: c%d, depends_on: [base]}\n",
                       i, i);
    }
    files[0] = (struct file){"/p/compose.yaml", text.data, 0};
    ck_assert_msg(load(files) == 0, "%s", said);
    ck_assert_uint_eq(stack->n_services, 5001);
    ck_assert_uint_lt(acc_arena_used(stack->arena), 64u << 20);
    acc_buf_fini(&text);
}
END_TEST

#define N(a) ((int)(sizeof(a) / sizeof((a)[0])))

int main(void)
{
    Suite *suite = suite_create("compose_load");
    TCase *tcase = tcase_create("compose_load");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, tcase);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 60); /* for sanitizers and valgrind */
    tcase_add_test(tcase, files_are_asked_for_in_rounds);
    tcase_add_test(tcase, warnings_outlive_the_wait_for_env_files);
    tcase_add_loop_test(tcase, a_project_is_named_as_compose_names_it, 0, N(names));
    tcase_add_test(tcase, the_environment_wins_over_env_files);
    tcase_add_test(tcase, compose_disable_env_file_does);
    tcase_add_loop_test(tcase, problems_are_told_with_their_places, 0, N(refused));
    tcase_add_loop_test(tcase, resets_reach_what_came_before, 0, N(resets));
    tcase_add_test(tcase, only_what_is_used_stays);
    tcase_add_test(tcase, included_resources_yield_to_the_files_own);
    tcase_add_test(tcase, too_many_files_are_refused);
    tcase_add_test(tcase, five_thousand_services_that_extend_each_other_load);
    srunner_run_all(runner, CK_ENV);
    int n_failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return n_failed > 0;
}
