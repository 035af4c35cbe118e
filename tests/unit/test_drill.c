/* What a drill tells: who suffers, for how long, and that all is well in the end. */

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/drill/drill.h"
#include "lib/drill/model_text.h"
#include "lib/drill/world.h"

static char story[1u << 16];

static void tell(void *data, const struct acc_drill_event *event)
{
    size_t len = strlen(story);

    (void)data;
    if (strcmp(event->kind, "action") == 0) {
        (void)snprintf(story + len, sizeof(story) - len, "%s %s; ", event->text, event->service);
    } else if (strstr(event->text, "rolled back")) {
        (void)snprintf(story + len, sizeof(story) - len, "%s goes back; ", event->service);
    }
}

static struct acc_model *model(const char *a)
{
    struct acc_model_text text = {0};
    struct acc_model *built = NULL;
    struct acc_buf problem;

    acc_buf_init(&problem, 1000);
    ck_assert_int_eq(acc_model_text_service(&text, "d", "health"), 0);
    ck_assert_int_eq(acc_model_text_service(&text, "a", a), 0);
    ck_assert_int_eq(acc_model_text_service(&text, "z", ""), 0);
    ck_assert_int_eq(acc_model_text_build(&text, &built, &problem), 0);
    acc_model_text_fini(&text);
    acc_buf_fini(&problem);
    return built;
}

static const struct {
    const char *edge;
    enum acc_drill_what what;
    const char *story;
    uint64_t well_min_ms, well_max_ms;
    bool a_suffers, z_suffers;
} drills[] = {
    {"needs:d", ACC_DRILL_FAIL, "start s/d; ", 3000, 9000, true, false},
    {"needs:d,restart", ACC_DRILL_FAIL, "start s/d; stop s/a; start s/a; ", 5000, 12000, true,
     false},
    {"", ACC_DRILL_OOM, "start s/d; ", 3000, 9000, false, false},
    {"needs:d", ACC_DRILL_ENGINE, "start s/d; start s/z; start s/a; ", 13000, 30000, true, true},
    {"needs:d", ACC_DRILL_FLAP, "start s/d; start s/d; start s/d; start s/d; start s/d; ", 240000,
     450000, true, false},
};

START_TEST(tells_what_would_be_done)
{
    struct acc_drill_result result;
    bool is_ambiguous;
    struct acc_model *m = model(drills[_i].edge);
    uint32_t d = acc_model_find(m, "d", &is_ambiguous);

    story[0] = '\0';
    struct acc_drill_ask ask = {.what = drills[_i].what, .svc = d};

    ck_assert_int_eq(acc_drill_run(m, &ask, tell, NULL, &result), 0);
    ck_assert_str_eq(story, drills[_i].story);
    ck_assert(result.is_well);
    ck_assert_uint_ge(result.well_ms, drills[_i].well_min_ms);
    ck_assert_uint_le(result.well_ms, drills[_i].well_max_ms);
    ck_assert(result.service[d].was_bad);
    ck_assert(result.service[acc_model_find(result.model, "a", &is_ambiguous)].was_bad ==
              drills[_i].a_suffers);
    ck_assert(result.service[acc_model_find(result.model, "z", &is_ambiguous)].was_bad ==
              drills[_i].z_suffers);
    acc_drill_result_fini(&result);
}
END_TEST

/* --- on a host that runs --------------------------------------------------------------------- */

static struct acc_world host;

static void open_host(const char *a)
{
    ck_assert_int_eq(acc_world_init(&host, model(a), false), 0);
    acc_world_connect(&host, false, false);
    acc_world_run(&host, 700000);
}

static uint32_t index_of(const char *name)
{
    bool is_ambiguous;

    return acc_model_find(host.model, name, &is_ambiguous);
}

/* As accctl does with what io.acc.State says. */
static int drill_host(enum acc_drill_what what, const char *name, struct acc_drill_result *result)
{
    struct acc_drill_ask ask = {.what = what, .svc = index_of(name), .host = name};
    struct acc_model *copy = NULL;
    struct acc_buf text;
    char *state = NULL;
    int r;

    acc_buf_init(&text, 1u << 24);
    ck_assert_int_eq(acc_model_text_put(host.model, &text), 0);
    ck_assert_int_eq(acc_engine_state_put(host.engine, false, &text), 0);
    ck_assert_int_eq(acc_drill_read(text.data, &copy, &state), 0);
    story[0] = '\0';
    r = acc_drill_run_from(copy, state, &ask, tell, NULL, result);
    free(state);
    acc_buf_fini(&text);
    return r;
}

static void fail_host(const char *name)
{
    struct acc_world_container *c = acc_world_slot(&host, index_of(name), 1, '\0');

    acc_world_exit(&host, c, 1, false);
    acc_world_run(&host, 20000);
}

START_TEST(a_host_that_is_well_is_as_one_brought_up)
{
    struct acc_drill_result result;

    open_host("needs:d,restart");
    ck_assert_int_eq(drill_host(ACC_DRILL_FAIL, "d", &result), 0);
    ck_assert_str_eq(story, "start s/d; stop s/a; start s/a; ");
    ck_assert(result.is_well);
    acc_drill_result_fini(&result);
    acc_world_fini(&host);
}
END_TEST

START_TEST(a_budget_that_is_nearly_used_up_is_used_up)
{
    struct acc_drill_result result;

    open_host("needs:d");
    for (int i = 0; i < 4; i++) {
        fail_host("d");
    }
    ck_assert_int_eq(drill_host(ACC_DRILL_FAIL, "d", &result), 0);
    ck_assert_uint_ge(result.well_ms, 240000); /* its breaker opens for 5 min, less a fifth */
    acc_drill_result_fini(&result);
    fail_host("z");
    ck_assert_int_eq(drill_host(ACC_DRILL_FAIL, "z", &result), 0);
    ck_assert_uint_le(result.well_ms, 9000);
    acc_drill_result_fini(&result);
    acc_world_fini(&host);
}
END_TEST

START_TEST(what_is_watched_goes_back_in_the_drill)
{
    struct acc_drill_result result;

    open_host("needs:d");
    memcpy(host.service[index_of("z")].image, "img2", sizeof("img2"));
    ck_assert(acc_world_cmd(&host, (struct acc_cmd){.verb = ACC_VERB_UPGRADE}, "z"));
    acc_world_run(&host, 60000);
    ck_assert_int_eq(drill_host(ACC_DRILL_FAIL, "z", &result), 0);
    ck_assert_str_eq(story, "start s/z; remove s/z; s/z goes back; ");
    acc_drill_result_fini(&result);
    acc_world_fini(&host);
}
END_TEST

START_TEST(a_hold_holds_in_the_drill)
{
    struct acc_drill_result result;

    open_host("needs:d");
    ck_assert(
        acc_world_cmd(&host, (struct acc_cmd){.verb = ACC_VERB_HOLD, .hold = ACC_HOLD_DOWN}, "d"));
    ck_assert_int_eq(drill_host(ACC_DRILL_FAIL, "d", &result), 0);
    ck_assert_str_eq(story, "");
    ck_assert(!result.is_well);
    acc_drill_result_fini(&result);
    acc_world_fini(&host);
}
END_TEST

START_TEST(what_does_not_run_can_not_fail)
{
    struct acc_drill_result result;

    open_host("needs:d");
    ck_assert(acc_world_cmd(&host, (struct acc_cmd){.verb = ACC_VERB_STOP}, "z"));
    acc_world_run(&host, 5000);
    ck_assert_int_eq(drill_host(ACC_DRILL_OOM, "z", &result), -ESRCH);
    acc_world_disconnect(&host, false, false);
    ck_assert_int_eq(drill_host(ACC_DRILL_FAIL, "d", &result), -ENOTCONN);
    acc_world_fini(&host);
}
END_TEST

static const struct {
    const char *a, *host, *story;
    bool a_suffers;
} losses[] = {
    {"host:mount:/mnt/nas", "mount:/mnt/nas", "start s/a; ", true},
    {"host:mount:/mnt/nas", "/mnt/nas", "start s/a; ", true},
    {"host:/mnt/nas/data", "/mnt/nas", "start s/a; ", true},
    {"host:/mnt/nas/data host:/mnt/nas/more", "/mnt/nas/", "start s/a; ", true},
    {"host:network", "network", "", true}, /* it rides */
};

START_TEST(what_the_host_loses_comes_back)
{
    struct acc_drill_ask ask = {.what = ACC_DRILL_HOST, .host = losses[_i].host};
    struct acc_drill_result result;

    for (int live = 0; live < 2; live++) {
        story[0] = '\0';
        if (live) {
            open_host(losses[_i].a);
            ck_assert_int_eq(drill_host(ACC_DRILL_HOST, ask.host, &result), 0);
            acc_world_fini(&host);
        } else {
            ck_assert_int_eq(acc_drill_run(model(losses[_i].a), &ask, tell, NULL, &result), 0);
        }
        ck_assert_str_eq(story, losses[_i].story);
        ck_assert(result.is_well && result.well_ms >= 120000 && result.well_ms < 130000);
        ck_assert(result.service[0].was_bad == losses[_i].a_suffers); /* a */
        ck_assert_uint_ge(result.service[0].bad_ms, 119000);
        ck_assert(!result.service[1].was_bad && !result.service[2].was_bad);
        acc_drill_result_fini(&result);
    }
}
END_TEST

START_TEST(what_the_host_lacks_already_cannot_go)
{
    struct acc_drill_result result;

    open_host("host:mount:/mnt/nas");
    ck_assert(acc_world_host(&host, "mount:/mnt/nas", ACC_NO));
    ck_assert_int_eq(drill_host(ACC_DRILL_HOST, "mount:/mnt/nas", &result), -EALREADY);
    acc_world_fini(&host);
}
END_TEST

START_TEST(a_path_means_what_is_below_it)
{
    struct acc_condition nas;
    struct acc_condition source = acc_condition_of_source("/mnt/nas/a");
    struct acc_condition network;

    ck_assert_ptr_null(acc_condition_parse("mount:/mnt/nas", &nas));
    ck_assert_ptr_null(acc_condition_parse("network", &network));
    ck_assert(acc_drill_is_meant(&nas, "/mnt/nas") && acc_drill_is_meant(&source, "/mnt/nas"));
    ck_assert(acc_drill_is_meant(&nas, "mount:/mnt/nas") && acc_drill_is_meant(&nas, "/"));
    ck_assert(!acc_drill_is_meant(&source, "mount:/mnt/nas") &&
              !acc_drill_is_meant(&nas, "/mnt/na"));
    ck_assert(!acc_drill_is_meant(&network, "/"));
}
END_TEST

START_TEST(a_state_of_something_else_is_refused)
{
    static const char *const wrong[] = {"was service 99 wanted_up=1\n",
                                        "was engine 0 nonsense=1\n",
                                        "was inst 0 7\n",
                                        "was nothing\n",
                                        "was engine 0 now=x\n",
                                        "was set 0 99999\n"};
    const struct acc_drill_ask engine = {.what = ACC_DRILL_ENGINE};
    struct acc_drill_result result;

    for (size_t i = 0; i < ACC_ARRAY_LEN(wrong); i++) {
        ck_assert_int_eq(acc_drill_run_from(model(""), wrong[i], &engine, tell, NULL, &result),
                         -EINVAL);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("drill");
    TCase *tcase = tcase_create("drill");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, tells_what_would_be_done, 0, ACC_ARRAY_LEN(drills));
    tcase_add_test(tcase, a_host_that_is_well_is_as_one_brought_up);
    tcase_add_test(tcase, a_budget_that_is_nearly_used_up_is_used_up);
    tcase_add_test(tcase, what_is_watched_goes_back_in_the_drill);
    tcase_add_test(tcase, a_hold_holds_in_the_drill);
    tcase_add_test(tcase, what_does_not_run_can_not_fail);
    tcase_add_loop_test(tcase, what_the_host_loses_comes_back, 0, ACC_ARRAY_LEN(losses));
    tcase_add_test(tcase, what_the_host_lacks_already_cannot_go);
    tcase_add_test(tcase, a_path_means_what_is_below_it);
    tcase_add_test(tcase, a_state_of_something_else_is_refused);
    srunner_run_all(runner, CK_NORMAL);
    int n_failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return n_failed > 0;
}
