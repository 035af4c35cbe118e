#include "lib/codec/image_pins.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *stack, *service, *repo;
} names[] = {
    {"shop", "web", "acc-pin/shop/web"},
    {"a-b", "c", "acc-pin/a-b/c"}, /* not the same as a, b-c */
    {"s", "a.b_c__d---e", "acc-pin/s/a.b_c__d---e"},
};

START_TEST(a_service_has_a_repository)
{
    char repo[ACC_PIN_MAX + 1];

    acc_pin_repo(names[_i].stack, names[_i].service, repo);
    ck_assert_str_eq(repo, names[_i].repo);
}
END_TEST

START_TEST(what_docker_takes_in_no_repository_becomes_a_hash)
{
    static const char *const odd[] = {"Web", "a..b", "_a", "a_", "a___b", "a.", "-a", "a-"};
    char repo[ACC_PIN_MAX + 1], before[ACC_PIN_MAX + 1] = "", whole[400];

    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        acc_pin_repo("s", odd[i], repo);
        ck_assert_msg(strncmp(repo, "acc-pin/s/x-", 12) == 0 && strlen(repo) == 28, "%s: %s",
                      odd[i], repo);
        ck_assert_str_ne(repo, before);
        strcpy(before, repo);
    }
    memset(whole, 'a', sizeof(whole) - 1);
    whole[sizeof(whole) - 1] = '\0';
    acc_pin_repo(whole, whole, repo);
    ck_assert_uint_le(strlen(repo), 60);
}
END_TEST

#define IMAGES                                                                                     \
    "[{\"Id\":\"sha256:1\",\"RepoTags\":[\"acc-pin/s/a:r1\",\"nginx:1\"]},"                        \
    "{\"Id\":\"sha256:2\",\"RepoTags\":[\"acc-pin/s/a:r2\",\"acc-pin/s/gone:r1\"]},"               \
    "{\"Id\":\"sha256:3\",\"RepoTags\":null},"                                                     \
    "{\"Id\":\"sha256:4\",\"RepoTags\":[\"acc-pin/s/ab:r1\",\"acc-pin/s/a\",7]}]"

static const struct {
    const char *label;
    struct acc_pin wanted[3];
    size_t n;
    const char *want;
} cases[] = {
    {"as it is", {{"acc-pin/s/a", 1, "sha256:1"}, {"acc-pin/s/a", 2, "sha256:2"}}, 2, ""},
    {"a new one",
     {{"acc-pin/s/a", 1, "sha256:1"},
      {"acc-pin/s/a", 2, "sha256:2"},
      {"acc-pin/s/a", 3, "sha256:3"}},
     3,
     "acc-pin/s/a:r3=sha256:3 "},
    {"one too old", {{"acc-pin/s/a", 2, "sha256:2"}}, 1, "acc-pin/s/a:r1= "},
    {"moved",
     {{"acc-pin/s/a", 1, "sha256:9"}, {"acc-pin/s/a", 2, "sha256:2"}},
     2,
     "acc-pin/s/a:r1=sha256:9 "},
    {"nothing of it", {{"acc-pin/s/a", 0, ""}}, 1, "acc-pin/s/a:r1= acc-pin/s/a:r2= "},
    {"of others nothing is touched",
     {{"acc-pin/s/b", 1, "sha256:3"}},
     1,
     "acc-pin/s/b:r1=sha256:3 "},
};

START_TEST(what_is_there_becomes_what_is_wanted)
{
    struct acc_pin_change *change = NULL;
    size_t n = 0;
    char got[1024] = "";

    ck_assert_int_eq(
        acc_pins_compare(IMAGES, strlen(IMAGES), cases[_i].wanted, cases[_i].n, &change, &n), 0);
    for (size_t i = 0; i < n; i++) {
        size_t len = strlen(got);

        snprintf(got + len, sizeof(got) - len, "%s=%s ", change[i].name, change[i].image_id);
    }
    free(change);
    ck_assert_msg(strcmp(got, cases[_i].want) == 0, "%s: %s", cases[_i].label, got);
}
END_TEST

START_TEST(no_list_is_no_reason_to_remove_anything)
{
    struct acc_pin_change *change = NULL;
    size_t n = 7;

    ck_assert_int_lt(acc_pins_compare("{}", 2, cases[0].wanted, 2, &change, &n), 0);
    ck_assert_int_lt(acc_pins_compare("[{", 2, cases[0].wanted, 2, &change, &n), 0);
    ck_assert_uint_eq(n, 7);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("image_pins");
    TCase *tcase = tcase_create("image_pins");
    SRunner *runner;
    int n_failed;

    tcase_add_loop_test(tcase, a_service_has_a_repository, 0, sizeof(names) / sizeof(names[0]));
    tcase_add_test(tcase, what_docker_takes_in_no_repository_becomes_a_hash);
    tcase_add_loop_test(tcase, what_is_there_becomes_what_is_wanted, 0,
                        sizeof(cases) / sizeof(cases[0]));
    tcase_add_test(tcase, no_list_is_no_reason_to_remove_anything);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? 0 : 1;
}
