/* A step costs what changed, not what exists: counted in services that were looked at. */

#include <check.h>

#include "lib/base/assert.h"
#include "tests/unit/herd.h"

static uint64_t visits_of_a_cascade(uint32_t n_services, uint32_t stack)
{
    struct herd herd;
    uint64_t before;

    herd_open(&herd, n_services);
    for (uint32_t v = 0; v < n_services; v++) {
        struct acc_service_view view;

        acc_engine_service(herd.engine, v, herd.now_ms, &view);
        ck_assert_int_eq(view.state, ACC_SVC_UP);
    }
    before = acc_engine_visits(herd.engine);
    herd_cascade(&herd, stack);
    ck_assert_uint_eq(herd.n_starts, 6);
    ck_assert_uint_eq(herd.n_incidents, 1);
    before = acc_engine_visits(herd.engine) - before;
    herd_close(&herd);
    return before;
}

START_TEST(a_cascade_costs_what_it_touches)
{
    uint64_t alone = visits_of_a_cascade(100, 0);

    ck_assert_uint_eq(visits_of_a_cascade(3000, 29), alone);
    ck_assert_uint_lt(alone, 10000); /* of one stack of a hundred */
}
END_TEST

START_TEST(nothing_is_looked_at_when_nothing_happens)
{
    struct herd herd;
    uint64_t before;

    herd_open(&herd, 1000);
    before = acc_engine_visits(herd.engine);
    herd_run(&herd, 3600000);
    ck_assert_uint_eq(acc_engine_visits(herd.engine), before);
    herd_close(&herd);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("engine_cost");
    TCase *tcase = tcase_create("engine_cost");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_cascade_costs_what_it_touches);
    tcase_add_test(tcase, nothing_is_looked_at_when_nothing_happens);
    srunner_run_all(runner, CK_NORMAL);
    int n_failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return n_failed > 0;
}
