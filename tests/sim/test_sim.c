#include <check.h>
#include <stdlib.h>

#include "tests/sim/world.h"

/* Check forks for every test, so this may be static. */
static struct world world;

static uint64_t run_copies(uint64_t seed, bool one_stream, bool upgrades, uint32_t copy_every)
{
    struct world_options options = world_options_of(seed, one_stream);
    uint64_t hash;

    options.quick = true;
    options.upgrades = upgrades;
    options.copy_every = copy_every;
    world_open(&world, &options);
    ck_assert_msg(world_run(&world), "%s", world.violation);
    hash = world.hash;
    world_close(&world);
    return hash;
}

static uint64_t run(uint64_t seed, bool one_stream)
{
    return run_copies(seed, one_stream, false, 0);
}

START_TEST(one_seed_has_one_story)
{
    ck_assert_uint_eq(run((uint64_t)_i, false), run((uint64_t)_i, false));
    ck_assert_uint_eq(run((uint64_t)_i, true), run((uint64_t)_i, true));
}
END_TEST

/* When a service is left out, what happens to those that have nothing to do with it stays. */
START_TEST(what_is_left_out_moves_nothing_else)
{
    struct sim_rand a = {.state = 5};
    struct sim_rand b = {.state = 5};

    sim_rand_split(&a, 3);
    sim_rand_split(&b, 3);
    (void)sim_rand_u64(sim_rand_of(&a, 0));
    ck_assert_uint_eq(sim_rand_u64(sim_rand_of(&a, 1)), sim_rand_u64(sim_rand_of(&b, 1)));
    /* nor does a rate of nothing */
    (void)sim_rand_chance(sim_rand_of(&a, 2), 0);
    (void)sim_rand_chance(sim_rand_of(&b, 2), 500);
    ck_assert_uint_eq(sim_rand_u64(sim_rand_of(&a, 2)), sim_rand_u64(sim_rand_of(&b, 2)));
    sim_rand_fini(&a);
    sim_rand_fini(&b);
}
END_TEST

START_TEST(a_service_that_is_left_out_has_no_container)
{
    struct world_options options = world_options_of(3, false);
    const struct cut cut = {CUT_SERVICE, 1, 0};

    options.quick = true;
    options.cuts = (struct cuts){&cut, 1};
    world_open(&world, &options);
    ck_assert_msg(world_run(&world), "%s", world.violation);
    for (size_t i = 0; i < world.twin.n; i++) {
        ck_assert_uint_ne(world.twin.item[i]->made.svc, 1);
    }
    ck_assert_uint_gt(world.twin.n, 0);
    world_close(&world);
}
END_TEST

#define COPY_EVERY 97u

START_TEST(a_copy_made_by_text_goes_on_as_the_engine_would)
{
    bool upgrades = _i % 2 == 1;

    ck_assert_uint_eq(run_copies((uint64_t)_i, false, upgrades, 0),
                      run_copies((uint64_t)_i, false, upgrades, COPY_EVERY));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sim");
    TCase *tc = tcase_create("engine");
    SRunner *runner;
    int n_failed;

    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, one_seed_has_one_story, 0, 10);
    tcase_add_loop_test(tc, a_copy_made_by_text_goes_on_as_the_engine_would, 0, 12);
    tcase_add_test(tc, what_is_left_out_moves_nothing_else);
    tcase_add_test(tc, a_service_that_is_left_out_has_no_container);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
