#include "daemon/departed.h"

#include <check.h>
#include <stdio.h>

#include "daemon/orphans.h"
#include "tests/unit/model_builder.h"

static struct acc_engine *engine_of(const struct acc_model *model)
{
    struct acc_engine_options options = {.first_op = 1, .observe_new = true};
    struct acc_engine *engine = NULL;

    ck_assert_int_eq(acc_engine_create(model, &options, &engine), 0);
    return engine;
}

static struct acc_docker_name_item item_of(const char *project, const char *name)
{
    struct acc_docker_name_item item = {0};

    (void)snprintf(item.project, sizeof(item.project), "%s", project);
    (void)snprintf(item.name, sizeof(item.name), "%s", name);
    return item;
}

START_TEST(what_was_managed_is_remembered_and_what_was_given_away_is_not)
{
    const char *const texts[] = {"kept: a", "given: b", "unseen: c"};
    struct acc_model *model = model_build_n(texts, 3);
    struct acc_engine *engine = engine_of(model);
    struct acc_stack_record kept = {.name = "kept"}, given = {.name = "given", .observing = true};
    struct accd_departed departed = {0};

    ck_assert(acc_engine_restore_stack(engine, &kept) && acc_engine_restore_stack(engine, &given));
    accd_departed_add(&departed, "given", true); /* it was managed once */
    accd_departed_add(&departed, "before", true);
    accd_departed_take(&departed, engine, 0);
    accd_departed_take(&departed, engine, 0);
    ck_assert(accd_departed_has(&departed, "kept") && accd_departed_has(&departed, "before"));
    ck_assert(!accd_departed_has(&departed, "given") && !accd_departed_has(&departed, "unseen"));
    ck_assert_uint_eq(departed.n, 2);
    accd_departed_fini(&departed);
    acc_engine_destroy(engine);
    acc_model_destroy(model);
}
END_TEST

START_TEST(what_runs_on_is_nobody_elses_until_somebody_starts_it)
{
    struct acc_model *model = model_build("s: a");
    struct acc_engine *engine = engine_of(model);
    struct accd_departed departed = {0};
    struct acc_obs on = {.project = "on", .state = ACC_CTR_RUNNING, .restart = ACC_RESTART_NO},
                   stopped = {.project = "stopped", .state = ACC_CTR_RUNNING};
    const char *name;

    accd_departed_add(&departed, "on", true);
    accd_departed_add(&departed, "stopped", false);
    accd_departed_add(&departed, "s", true);
    ck_assert_uint_eq(accd_departed_missing(&departed, engine, &name), 1);
    ck_assert_str_eq(name, "on");
    ck_assert(!accd_departed_taken_over(&departed, engine, &on));
    ck_assert(accd_departed_runs_on(&departed, engine, &on));
    ck_assert(!accd_departed_runs_on(&departed, engine, &on)); /* once */
    ck_assert(accd_departed_taken_over(&departed, engine, &stopped));
    on.restart = ACC_RESTART_ALWAYS; /* docker compose up has made it anew */
    ck_assert(accd_departed_taken_over(&departed, engine, &on));
    ck_assert_uint_eq(departed.n, 1);
    accd_departed_fini(&departed);
    acc_engine_destroy(engine);
    acc_model_destroy(model);
}
END_TEST

START_TEST(leftovers_are_of_stacks_that_accd_has_managed_and_that_nobody_uses)
{
    struct acc_model *model = model_build("s: a");
    struct acc_engine *engine = engine_of(model);
    struct acc_stack_record record = {.name = "s"};
    struct accd_departed departed = {0};
    struct acc_docker_name_item own = item_of("s", "s_old"), gone = item_of("gone", "gone_n"),
                                foreign = item_of("foreign", "foreign_n");
    const char *shared[] = {"gone_n"};

#define IS(item, has_container)                                                                    \
    accd_orphans_resource(&departed, engine, model, ACC_RES_NETWORK, &(item), (has_container))
    ck_assert(acc_engine_restore_stack(engine, &record));
    ck_assert_int_eq(IS(own, true), ACCD_LEFTOVER_YES);
    ck_assert_int_eq(IS(gone, false), ACCD_LEFTOVER_NO);
    accd_departed_add(&departed, "gone", true);
    ck_assert_int_eq(IS(gone, false), ACCD_LEFTOVER_YES);
    ck_assert_int_eq(IS(gone, true), ACCD_LEFTOVER_HELD);
    ck_assert_int_eq(IS(foreign, false), ACCD_LEFTOVER_NO);
    model->stacks[0]->declared_networks = shared; /* external, in a stack that stays */
    model->stacks[0]->n_declared_networks = 1;
    ck_assert_int_eq(IS(gone, false), ACCD_LEFTOVER_NO);
    record.observing = true;
    ck_assert(acc_engine_restore_stack(engine, &record));
    ck_assert_int_eq(IS(own, false), ACCD_LEFTOVER_NO);
#undef IS
    accd_departed_fini(&departed);
    acc_engine_destroy(engine);
    acc_model_destroy(model);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("departed");
    TCase *tcase = tcase_create("departed");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, what_was_managed_is_remembered_and_what_was_given_away_is_not);
    tcase_add_test(tcase, what_runs_on_is_nobody_elses_until_somebody_starts_it);
    tcase_add_test(tcase, leftovers_are_of_stacks_that_accd_has_managed_and_that_nobody_uses);
    srunner_run_all(runner, CK_NORMAL);
    int n_failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return n_failed > 0;
}
