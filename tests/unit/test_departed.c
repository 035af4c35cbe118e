#include "daemon/departed.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

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
    accd_departed_add(&departed, "given", false); /* it was managed once */
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

START_TEST(leftovers_are_of_stacks_that_accd_has_managed_and_that_nobody_uses)
{
    struct acc_model *model = model_build("s: a");
    struct acc_engine *engine = engine_of(model);
    struct acc_stack_record record = {.name = "s"};
    struct accd_departed departed = {0};
    struct acc_docker_name_item own = item_of("s", "s_old"), gone = item_of("gone", "gone_n"),
                                foreign = item_of("foreign", "foreign_n"),
                                away = item_of("away", "away_n");
    const char *shared[] = {"gone_n"};

#define IS(item, has_container)                                                                    \
    accd_orphans_resource(&departed, engine, model, ACC_RES_NETWORK, &(item), (has_container))
    ck_assert(acc_engine_restore_stack(engine, &record));
    ck_assert_int_eq(IS(own, true), ACCD_LEFTOVER_YES);
    ck_assert_int_eq(IS(gone, false), ACCD_LEFTOVER_NO);
    accd_departed_add(&departed, "gone", true);
    accd_departed_add(&departed, "away", false);
    ck_assert_int_eq(IS(gone, false), ACCD_LEFTOVER_YES);
    ck_assert_int_eq(IS(gone, true), ACCD_LEFTOVER_HELD);
    ck_assert_int_eq(IS(foreign, false), ACCD_LEFTOVER_NO);
    ck_assert_int_eq(IS(away, false), ACCD_LEFTOVER_NO); /* its files may be back any time */
    model->stacks[0]->declared_networks = shared;        /* external, in a stack that stays */
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

static void on_change(void *ctx, const struct acc_stack_record *record)
{
    char *told = ctx;

    strcat(strcat(told, record->name), record->has_left ? " left;" : " back;");
    ck_assert(!record->observing);
}

static bool is_taken(struct accd_departed *departed, const struct acc_engine *engine,
                     const char *project, enum acc_restart_policy policy)
{
    struct acc_obs obs = {.state = ACC_CTR_RUNNING, .restart = policy};

    (void)snprintf(obs.project, sizeof(obs.project), "%s", project);
    return accd_departed_taken_over(departed, engine, &obs);
}

START_TEST(who_was_not_seen_to_leave_is_still_managed)
{
    const char *const texts[] = {"stays: a", "leaves: b"};
    struct acc_model *model = model_build_n(texts, 2), *less = model_build("stays: a");
    struct acc_engine *engine = engine_of(less);
    struct accd_departed departed = {0};
    char told[64] = "";

    accd_departed_add(&departed, "stays", true); /* it had left, and is back */
    accd_departed_add(&departed, "leaves", false);
    accd_departed_add(&departed, "lost", false);
    accd_departed_add(&departed, "given", false);
    accd_departed_move(&departed, NULL, model, on_change, told);
    ck_assert_str_eq(told, "stays back;");
    accd_departed_move(&departed, model, less, on_change, told);
    accd_departed_move(&departed, less, less, on_change, told);
    ck_assert_str_eq(told, "stays back;leaves left;");
    ck_assert(!accd_departed_is_unlisted(&departed, engine, 0));
    ck_assert(!accd_departed_is_unlisted(&departed, engine, 1));
    ck_assert(accd_departed_is_unlisted(&departed, engine, 2));
    ck_assert(is_taken(&departed, engine, "leaves", ACC_RESTART_NO)); /* accd had stopped it */
    ck_assert(!is_taken(&departed, engine, "lost", ACC_RESTART_NO));  /* it runs on */
    ck_assert(is_taken(&departed, engine, "given", ACC_RESTART_ALWAYS));
    ck_assert(!accd_departed_has(&departed, "leaves") && !accd_departed_has(&departed, "given"));
    ck_assert(accd_departed_has(&departed, "lost"));
    accd_departed_fini(&departed);
    acc_engine_destroy(engine);
    acc_model_destroy(less);
    acc_model_destroy(model);
}
END_TEST

START_TEST(who_joins_gets_its_records_back)
{
    const char *const texts[] = {"here: a", "back: b; c"};
    struct acc_model *model = model_build("here: a"), *more = model_build_n(texts, 2);
    struct acc_engine *engine = engine_of(model);
    struct accd_departed departed = {0};
    struct acc_service_record off = {.id = "back/b", .n_restarts = 7}, other = {.id = "else/b"},
                              gone = {.id = "away/b"}, read;
    struct acc_event event = {.type = ACC_EV_TIMEOUT, .now_ms = 5000};
    struct acc_action items[ACC_ACTIONS_MIN];
    struct acc_actions actions = {.item = items, .cap = ACC_ACTIONS_MIN};

    off.hold = (struct acc_hold_record){.kind = ACC_HOLD_UP, .by = "root", .left_ms = 60000};
    acc_engine_step(engine, &event, &actions);
    accd_departed_add(&departed, "back", false);
    accd_departed_add(&departed, "away", false);
    accd_departed_keep_service(&departed, &off);
    accd_departed_keep_service(&departed, &other); /* it was never managed */
    accd_departed_keep_service(&departed, &gone);
    ck_assert_uint_eq(departed.n_services, 2);
    ck_assert_int_eq(acc_engine_reconfigure(engine, more, NULL, 0, 6000), 0);
    accd_departed_give_back(&departed, engine);
    ck_assert_uint_eq(departed.n_services, 1);
    acc_engine_service_record(engine, 1, 16000, &read);
    ck_assert_str_eq(read.id, "back/b");
    ck_assert(!read.wanted_up);
    ck_assert_uint_eq(read.n_restarts, 7);
    ck_assert_uint_eq(read.hold.left_ms, 50000);
    acc_engine_service_record(engine, 2, 16000, &read);
    ck_assert(read.wanted_up); /* it is new */
    accd_departed_fini(&departed);
    acc_engine_destroy(engine);
    acc_model_destroy(more);
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
    tcase_add_test(tcase, leftovers_are_of_stacks_that_accd_has_managed_and_that_nobody_uses);
    tcase_add_test(tcase, who_was_not_seen_to_leave_is_still_managed);
    tcase_add_test(tcase, who_joins_gets_its_records_back);
    srunner_run_all(runner, CK_NORMAL);
    int n_failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return n_failed > 0;
}
