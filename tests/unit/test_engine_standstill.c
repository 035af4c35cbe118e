/* An upgrade that stands still because of what only a person can mend says so, and isn't waited
 * for. */

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/stage.h"

static struct stage stage;

static void teardown(void)
{
    stage_close(&stage);
}

static struct stage_service *service(const char *name)
{
    return &stage.service[stage_index(&stage, name)];
}

static void set_tag(const char *name, const char *image)
{
    (void)snprintf(service(name)->image, sizeof(service(name)->image), "%s", image);
}

static void upgrade(const char *name)
{
    stage_upgrade(&stage, ACC_VERB_UPGRADE, name, "", 0);
}

/* db is to be upgraded to what exits at once: since it has run, a person is to decide. */
static void fail_db(void)
{
    set_tag("db", "img2");
    (void)snprintf(service("db")->bad_image, sizeof(service("db")->bad_image), "img2");
    upgrade("db");
    stage_run(&stage, 30000);
    ck_state(&stage, "db", "failed");
}

static enum acc_settled settled(const char *name, enum acc_verb verb, char *text)
{
    text[0] = '\0';
    return acc_engine_settled(stage.engine, stage_index(&stage, name), verb, stage.now_ms, text);
}

static bool serves(const char *name)
{
    struct acc_service_view view;

    acc_engine_service(stage.engine, stage_index(&stage, name), stage.now_ms, &view);
    return view.serves;
}

static const char *queued(const char *name)
{
    static struct acc_service_view view;

    acc_engine_service(stage.engine, stage_index(&stage, name), stage.now_ms, &view);
    return view.queued;
}

#define ck_has(text, want) ck_assert_msg(strstr(text, want) != NULL, "'%s' lacks '%s'", text, want)
#define ck_settled(name, verb, want, want_text)                                                    \
    do {                                                                                           \
        char text_[ACC_REASON_MAX + 1];                                                            \
        ck_assert_int_eq(settled(name, verb, text_), want);                                        \
        ck_has(text_, want_text);                                                                  \
    } while (0)

#define WAYS_OUT                                                                                   \
    "db, which needs an operator: r2 exited with 1; accctl rollback db --yes goes back to r1, "    \
    "accctl upgrade db --keep goes on with r2"
#define STANDS_STILL "stands still: waits for " WAYS_OUT

/* What it names is what helps: `up` doesn't. */
START_TEST(who_stands_on_what_asks_names_the_ways_out)
{
    char text[ACC_REASON_MAX + 1];

    stage_up(&stage, "s: db p e s; api p n:db; web p n:api");
    stage_run(&stage, 60000);
    fail_db();
    ck_state(&stage, "api", "impaired");
    ck_assert(acc_engine_is_unfit(stage.engine, stage_index(&stage, "db"), text));
    ck_has(text,
           "needs an operator: r2 exited with 1; it has run, so data may have changed. accctl "
           "rollback db --yes goes back to r1");
    ck_assert_str_eq(stage_reason(&stage, "api"), "needs " WAYS_OUT);
    stage_cmd(&stage, ACC_VERB_UP, "api", "");
    stage_run(&stage, 1000);
    ck_settled("api", ACC_VERB_UP, ACC_SETTLED_FAILED, "needs " WAYS_OUT);
    stage_decide(&stage, ACC_VERB_ROLLBACK, "db");
    stage_run(&stage, 10000);
    ck_settled("api", ACC_VERB_UP, ACC_SETTLED_DONE, "");
}
END_TEST

START_TEST(a_watch_that_stands_still_says_for_whom)
{
    stage_up(&stage, "s: db p e s; api p n:db; web p n:api; front p n:web");
    stage_run(&stage, 60000);
    set_tag("web", "img2");
    set_tag("front", "img2");
    upgrade("web");
    upgrade("front");
    stage_run(&stage, 40000);
    ck_settled("web", ACC_VERB_UPGRADE, ACC_SETTLED_PENDING, "");
    fail_db();
    ck_has(stage_reason(&stage, "web"), "r1 is kept; " STANDS_STILL);
    ck_has(stage_reason(&stage, "front"), "r1 is kept; " STANDS_STILL);
    ck_settled("web", ACC_VERB_UPGRADE, ACC_SETTLED_FAILED, STANDS_STILL);
    ck_settled("front", ACC_VERB_UPGRADE, ACC_SETTLED_FAILED, STANDS_STILL);
    upgrade("web"); /* once more, behind that watch */
    stage_run(&stage, 1000);
    ck_settled("web", ACC_VERB_UPGRADE, ACC_SETTLED_FAILED, STANDS_STILL);
    ck_assert_str_eq(queued("web"), "waits until r2 has been watched, which stands still for db "
                                    "(at once: accctl upgrade web --keep)");
    stage_decide(&stage, ACC_VERB_UPGRADE, "front"); /* --keep */
    stage_run(&stage, 1000);
    ck_settled("front", ACC_VERB_UPGRADE, ACC_SETTLED_DONE, "");
    stage_decide(&stage, ACC_VERB_ROLLBACK, "db");
    stage_run(&stage, 20000);
    ck_settled("web", ACC_VERB_UPGRADE, ACC_SETTLED_PENDING, "");
    ck_assert(!strstr(stage_reason(&stage, "web"), "stands still"));
    stage_run(&stage, 1200000);
    ck_settled("web", ACC_VERB_UPGRADE, ACC_SETTLED_DONE, "");
}
END_TEST

/* What has not been begun waits by way of others, each for the next. */
START_TEST(who_waits_by_way_of_others_names_the_last)
{
    stage_up(&stage, "s: db p e s; api p n:db; web p n:api; front p n:web");
    stage_run(&stage, 60000);
    fail_db();
    set_tag("api", "img2");
    set_tag("web", "img2");
    set_tag("front", "img2");
    upgrade("api");
    stage_run(&stage, 1000);
    upgrade("web");
    stage_run(&stage, 1000);
    upgrade("front");
    stage_run(&stage, 60000);
    ck_state(&stage, "api", "upgrading");
    ck_assert(!serves("api"));
    ck_has(stage_reason(&stage, "api"), STANDS_STILL);
    ck_has(stage_reason(&stage, "web"), STANDS_STILL);
    ck_has(stage_reason(&stage, "front"), STANDS_STILL);
    ck_settled("api", ACC_VERB_UPGRADE, ACC_SETTLED_FAILED, STANDS_STILL);
    ck_settled("web", ACC_VERB_UPGRADE, ACC_SETTLED_FAILED, STANDS_STILL);
    ck_settled("front", ACC_VERB_UPGRADE, ACC_SETTLED_FAILED, STANDS_STILL);
    stage_decide(&stage, ACC_VERB_ROLLBACK, "db");
    stage_run(&stage, 5000);
    ck_state(&stage, "api", "upgrading");
    ck_assert(serves("api"));
    ck_settled("front", ACC_VERB_UPGRADE, ACC_SETTLED_PENDING, "");
    stage_run(&stage, 1200000);
    ck_settled("front", ACC_VERB_UPGRADE, ACC_SETTLED_DONE, "");
}
END_TEST

static void turn_db_off(void)
{
    stage_cmd(&stage, ACC_VERB_STOP, "db", "");
}

static void stop_db(void)
{
    stage_docker_stop(&stage, "db");
}

static const struct {
    void (*do_it)(void);
    const char *text;
} ends[] = {
    {turn_db_off,
     "needs db, which is off (asked by root); r2 isn't watched meanwhile, and the old one is kept"},
    {stop_db,
     "needs db, which was stopped by hand; start it again: accctl up db, or accctl release "
     "db; r2 isn't watched meanwhile, and the old one is kept"},
};

START_TEST(so_does_one_whose_database_a_person_has_stopped)
{
    stage_up(&stage, "s: db p e s; api p n:db");
    stage_run(&stage, 60000);
    set_tag("api", "img2");
    upgrade("api");
    stage_run(&stage, 40000);
    ends[_i].do_it();
    stage_run(&stage, 30000);
    ck_settled("api", ACC_VERB_UPGRADE, ACC_SETTLED_FAILED, ends[_i].text);
    stage_cmd(&stage, ACC_VERB_UP, "db", "");
    stage_run(&stage, 20000);
    ck_settled("api", ACC_VERB_UPGRADE, ACC_SETTLED_PENDING, "");
}
END_TEST

static void stop_itself(void)
{
    stage_docker_stop_of(&stage, stage_named(&stage, "s-web-1"));
}

static void turn_itself_off(void)
{
    stage_cmd(&stage, ACC_VERB_STOP, "web", "");
}

static const struct {
    void (*do_it)(void);
    const char *text;
} own_ends[] = {
    {stop_itself, "was stopped by hand; start it again: accctl up web, or accctl release web; r2 "
                  "isn't watched meanwhile, and the old one is kept"},
    {turn_itself_off, "it was turned off; r2 isn't watched meanwhile, and the old one is kept"},
};

START_TEST(so_does_what_a_person_ends_while_it_is_watched)
{
    stage_up(&stage, "s: web p e");
    stage_run(&stage, 60000);
    set_tag("web", "img2");
    upgrade("web");
    stage_run(&stage, 40000);
    own_ends[_i].do_it();
    stage_run(&stage, 60000);
    ck_settled("web", ACC_VERB_UPGRADE, ACC_SETTLED_FAILED, own_ends[_i].text);
    stage_cmd(&stage, ACC_VERB_UP, "web", "");
    stage_run(&stage, 10000);
    ck_settled("web", ACC_VERB_UPGRADE, ACC_SETTLED_PENDING, "");
}
END_TEST

/* That heals by itself. */
START_TEST(what_only_starts_is_waited_for)
{
    stage_up(&stage, "s: db p e s; api p n:db");
    stage_run(&stage, 60000);
    set_tag("api", "img2");
    upgrade("api");
    stage_run(&stage, 40000);
    service("db")->silent = true;
    stage_exit(&stage, "db", 1);
    stage_run(&stage, 4000);
    ck_settled("api", ACC_VERB_UPGRADE, ACC_SETTLED_PENDING, "");
    ck_has(stage_reason(&stage, "api"), "needs db");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("engine_standstill");
    TCase *tcase = tcase_create("standstill");

    tcase_add_checked_fixture(tcase, NULL, teardown);
    tcase_add_test(tcase, who_stands_on_what_asks_names_the_ways_out);
    tcase_add_test(tcase, a_watch_that_stands_still_says_for_whom);
    tcase_add_test(tcase, who_waits_by_way_of_others_names_the_last);
    tcase_add_loop_test(tcase, so_does_one_whose_database_a_person_has_stopped, 0,
                        sizeof(ends) / sizeof(ends[0]));
    tcase_add_loop_test(tcase, so_does_what_a_person_ends_while_it_is_watched, 0,
                        sizeof(own_ends) / sizeof(own_ends[0]));
    tcase_add_test(tcase, what_only_starts_is_waited_for);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
