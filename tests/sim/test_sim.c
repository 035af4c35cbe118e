#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/world.h"

/* Check forks for every test, so these may be static. A chunk of seeds is one test: a fork for each
 * would cost more than the seeds. */
static struct world world;

#define SEEDS       1000u
#define SEEDS_CHUNK 20u

static uint64_t run_copies(uint64_t seed, bool quick, bool upgrades, uint32_t copy_every)
{
    struct world_options options = world_options_of(seed);
    uint64_t hash;

    options.quick = quick;
    options.upgrades = upgrades;
    options.copy_every = copy_every;
    world_open(&world, &options);
    ck_assert_msg(world_run(&world), "%s", world.violation);
    hash = world.hash;
    world_close(&world);
    return hash;
}

static uint64_t run(uint64_t seed, bool quick)
{
    return run_copies(seed, quick, false, 0);
}

START_TEST(invariants_hold_and_everything_heals)
{
    for (uint64_t i = 0; i < SEEDS_CHUNK; i++) {
        (void)run((uint64_t)_i * SEEDS_CHUNK + i, false);
    }
}
END_TEST

START_TEST(one_seed_has_one_story)
{
    ck_assert_uint_eq(run((uint64_t)_i, true), run((uint64_t)_i, true));
}
END_TEST

#define COPY_EVERY 97u

START_TEST(a_copy_made_by_text_goes_on_as_the_engine_would)
{
    bool upgrades = _i % 2 == 1;

    ck_assert_uint_eq(run_copies((uint64_t)_i, true, upgrades, 0),
                      run_copies((uint64_t)_i, true, upgrades, COPY_EVERY));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sim");
    TCase *tc = tcase_create("engine");
    SRunner *runner;
    int n_failed;

    tcase_set_timeout(tc, 300);
    tcase_add_loop_test(tc, invariants_hold_and_everything_heals, 0, SEEDS / SEEDS_CHUNK);
    tcase_add_loop_test(tc, one_seed_has_one_story, 0, 20);
    tcase_add_loop_test(tc, a_copy_made_by_text_goes_on_as_the_engine_would, 0, 12);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
