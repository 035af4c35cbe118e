#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/arena.h"

static struct acc_arena *arena;

static void make(void)
{
    ck_assert_int_eq(acc_arena_create(1u << 20, &arena), 0);
}

static void drop(void)
{
    arena = acc_arena_destroy(arena);
}

START_TEST(objects_are_aligned_and_zeroed_beside_texts_of_any_length)
{
    for (size_t i = 0; i < 2000; i++) {
        const char *text = acc_arena_strndup(arena, "abcdefghij", i % 11);
        uint64_t *number = acc_arena_alloc(arena, sizeof(*number));

        ck_assert_uint_eq((uintptr_t)number % sizeof(*number), 0);
        ck_assert_uint_eq(*number, 0);
        *number = UINT64_MAX;
        ck_assert_uint_eq(strlen(text), i % 11);
        ck_assert_int_eq(memcmp(text, "abcdefghij", i % 11), 0);
    }
}
END_TEST

START_TEST(equal_texts_are_shared_and_others_are_not)
{
    const char *one = acc_arena_share(arena, "restart", 7);
    size_t used = acc_arena_used(arena);

    ck_assert_ptr_eq(acc_arena_share(arena, "restart: always", 7), one);
    ck_assert_uint_eq(acc_arena_used(arena), used);
    ck_assert_str_eq(acc_arena_share(arena, "restart: always", 4), "rest");
    ck_assert_str_eq(acc_arena_share(arena, "restarts", 8), "restarts");
    ck_assert_str_eq(one, "restart");
}
END_TEST

START_TEST(beyond_its_cap_it_refuses_and_says_so)
{
    ck_assert_ptr_null(acc_arena_alloc(arena, SIZE_MAX));
    ck_assert_ptr_null(acc_arena_alloc(arena, (1u << 20) + 1));
    ck_assert_ptr_null(acc_arena_strndup(arena, "", SIZE_MAX));
    ck_assert_int_ne(acc_arena_failed(arena), 0);
    ck_assert_uint_eq(acc_arena_used(arena), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("arena");
    TCase *tcase = tcase_create("arena");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, tcase);
    tcase_add_checked_fixture(tcase, make, drop);
    tcase_add_test(tcase, objects_are_aligned_and_zeroed_beside_texts_of_any_length);
    tcase_add_test(tcase, equal_texts_are_shared_and_others_are_not);
    tcase_add_test(tcase, beyond_its_cap_it_refuses_and_says_so);
    srunner_run_all(runner, CK_NORMAL);
    int n_failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return n_failed > 0;
}
