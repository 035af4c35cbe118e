#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/codec/docker_build.h"
#include "tests/unit/stack_json.h"

/* The command line, joined, and the variables and input behind it. */
static int command(const char *service, char *out, size_t out_size)
{
    char text[2048];
    struct acc_arena *arena = NULL;
    struct acc_docker_build build;
    size_t len = 0;

    (void)snprintf(
        text, sizeof(text),
        "{\"name\":\"p\",\"services\":{\"a\":{%s}},\"secrets\":{\"s\":{\"file\":\"/s.txt\"},"
        "\"e\":{\"environment\":\"TOKEN\"}}}",
        service);
    struct acc_stack *stack = stack_from_json(text, "/home/p", "/home/p/compose.yaml");

    ck_assert_ptr_nonnull(stack);
    ck_assert_int_eq(acc_arena_create(1u << 20, &arena), 0);
    int r = acc_docker_build_make(stack, stack_service(stack, "a"), arena, &build);

    (void)acc_stack_destroy(stack); /* nothing of it is needed any more */
    for (size_t i = 0; r == 0 && i < build.n_argv; i++) {
        len += (size_t)snprintf(out + len, out_size - len, "%s%s", i ? " " : "", build.argv[i]);
    }
    for (size_t i = 0; r == 0 && i < build.n_variables; i++) {
        len += (size_t)snprintf(out + len, out_size - len, " | %s", build.variables[i]);
    }
    if (r == 0 && build.input) {
        (void)snprintf(out + len, out_size - len, " < %s", build.input);
    }
    (void)acc_arena_destroy(arena);
    return r;
}

static const struct {
    const char *service, *want;
} cases[] = {
    {"\"image\":\"i:1\",\"build\":{\"context\":\"/c\",\"dockerfile\":\"Dockerfile\"}",
     "docker build --tag i:1 --file /c/Dockerfile /c"},
    {"\"image\":\"i:1\",\"build\":{\"context\":\"https://h/r.git#m\",\"dockerfile\":\"D\"}",
     "docker build --tag i:1 --file D https://h/r.git#m"},
    {"\"image\":\"i:1\",\"build\":{\"context\":\"/c\",\"dockerfile_inline\":\"FROM x\"}",
     "docker build --tag i:1 --file - /c < FROM x"},
    /* What a value is nobody sees in the list of processes; what would steer docker itself stays.
     */
    {"\"image\":\"i:1\",\"build\":{\"context\":\"/"
     "c\",\"args\":{\"A\":\"secret\",\"B\":null,\"PATH\":\"/x\","
     "\"DOCKER_HOST\":\"h\"}}",
     "docker build --tag i:1 --build-arg A --build-arg B --build-arg PATH=/x --build-arg "
     "DOCKER_HOST=h "
     "/c | A=secret"},
    {"\"image\":\"i:1\",\"platform\":\"linux/arm64\",\"build\":{\"context\":\"/"
     "c\",\"target\":\"t\","
     "\"network\":\"host\",\"no_cache\":true,\"pull\":true,\"labels\":{\"l\":\"1\"},\"shm_size\":"
     "\"64\","
     "\"tags\":[\"r/i:2\"],\"cache_from\":[\"x\"],\"extra_hosts\":[\"h=::1\"],"
     "\"ulimits\":{\"nproc\":5,\"nofile\":{\"soft\":1,\"hard\":2}}}",
     "docker build --tag i:1 --tag r/i:2 --platform linux/arm64 --target t --network host "
     "--shm-size 64 "
     "--no-cache --pull --label l=1 --cache-from x --add-host h:::1 --ulimit nproc=5 --ulimit "
     "nofile=1:2 /c"},
    {"\"image\":\"i:1\",\"build\":{\"context\":\"/"
     "c\",\"ssh\":[\"default\"],\"secrets\":[{\"source\":\"s\"},"
     "{\"source\":\"e\",\"target\":\"tok\"}],\"additional_contexts\":{\"o\":\"/o\"}}",
     "docker build --tag i:1 --build-context o=/o --ssh default --secret id=s,src=/s.txt --secret "
     "id=tok,env=TOKEN /c"},
};

START_TEST(docker_build_gets_what_the_file_says)
{
    char got[2048] = "";

    ck_assert_int_eq(command(cases[_i].service, got, sizeof(got)), 0);
    ck_assert_str_eq(got, cases[_i].want);
}
END_TEST

START_TEST(values_of_args_are_masked_in_what_it_prints)
{
    const struct acc_docker_build build = {.names = {"LONG", "TOKEN", "X", "PIN"},
                                           .values = {"hunter2-long", "hunter2", "x", "42"},
                                           .n_values = 4};
    char got[64];

    acc_docker_build_mask(&build, "#7 RUN x hunter2-long; hunter2hunter", got, sizeof(got));
    ck_assert_str_eq(got, "#7 RUN x ***; ***hunter");
    acc_docker_build_mask(&build, "ENV PIN=42 X='x' PIN: 42", got, sizeof(got));
    ck_assert_str_eq(got, "ENV PIN=*** X='***' PIN: ***");
    acc_docker_build_mask(&build, "#42 x PIN=421 MYPIN=42 PINX=42", got, sizeof(got));
    ck_assert_str_eq(got, "#42 x PIN=421 MYPIN=42 PINX=42");
    acc_docker_build_mask(&build, "0123456789", got, 8);
    ck_assert_uint_lt(strlen(got), 8);
}
END_TEST

START_TEST(without_build_there_is_nothing_to_run)
{
    char got[64] = "";

    ck_assert_int_eq(command("\"image\":\"i:1\"", got, sizeof(got)), -ENOENT);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("docker_build");
    TCase *tc = tcase_create("docker_build");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, tc);
    tcase_add_loop_test(tc, docker_build_gets_what_the_file_says, 0,
                        sizeof(cases) / sizeof(cases[0]));
    tcase_add_test(tc, values_of_args_are_masked_in_what_it_prints);
    tcase_add_test(tc, without_build_there_is_nothing_to_run);
    srunner_run_all(runner, CK_NORMAL);
    int n_failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return n_failed > 0;
}
