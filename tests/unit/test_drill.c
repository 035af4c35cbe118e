/* What a drill tells: who suffers, for how long, and that all is well in the end. */

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/drill/drill.h"
#include "lib/drill/model_text.h"

static char story[1u << 16];

static void tell(void *data, const struct acc_drill_event *event)
{
    size_t len = strlen(story);

    (void)data;
    if (strcmp(event->kind, "action") == 0) {
        (void)snprintf(story + len, sizeof(story) - len, "%s %s; ", event->text, event->service);
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
    ck_assert_int_eq(acc_drill_run(m, drills[_i].what, d, tell, NULL, &result), 0);
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

int main(void)
{
    Suite *suite = suite_create("drill");
    TCase *tcase = tcase_create("drill");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, tells_what_would_be_done, 0, ACC_ARRAY_LEN(drills));
    srunner_run_all(runner, CK_NORMAL);
    int n_failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return n_failed > 0;
}
