/* Upgrades that nobody asks for: when they come, and what keeps them away. */

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "tests/unit/stage.h"

/* A Monday, 00:00 UTC. The windows are open from 03:00 to 05:00. */
#define MONDAY_S 1774828800

static struct stage stage;
static int64_t wall_s;

static void teardown(void)
{
    stage_close(&stage);
}

static struct stage_service *service(const char *name)
{
    return &stage.service[stage_index(&stage, name)];
}

static void set_registry(const char *name, const char *image, const char *digest)
{
    (void)snprintf(service(name)->image, sizeof(service(name)->image), "%s", image);
    (void)snprintf(service(name)->registry, sizeof(service(name)->registry), "%s", digest);
}

/* Time passes until the clock shows this, on that day from Monday on. */
static void until(int day, int hour, int minute)
{
    int64_t end_s = MONDAY_S + day * 86400 + hour * 3600 + minute * 60;

    for (; wall_s < end_s; wall_s += 60) {
        stage_run(&stage, 60000);
        stage_clock(&stage, wall_s + 60);
    }
}

/* Monday, 00:05, all is well; the registry has another image of web from here on. */
static void up(const char *text)
{
    wall_s = MONDAY_S;
    stage_up(&stage, text);
    stage_clock(&stage, wall_s);
    until(0, 0, 5);
    set_registry("web", "img2", "sha256:two");
    stage_trace(&stage);
    stage_notes(&stage);
    stage_incidents(&stage);
}

/* "no", "yes", or "refused" where it takes --image. */
static const char *took_back(const char *name, const char *digest)
{
    bool is_refused;

    return !acc_engine_took_back(stage.engine, stage_index(&stage, name), digest, &is_refused)
               ? "no"
           : is_refused ? "refused"
                        : "yes";
}

static struct acc_auto_view look(const char *name)
{
    static struct acc_auto_view view;

    acc_engine_auto(stage.engine, stage_index(&stage, name), stage.now_ms, &view);
    return view;
}

#define ck_reason(name, want)                                                                      \
    do {                                                                                           \
        struct acc_auto_view view_ = look(name);                                                   \
        ck_assert_msg(strstr(view_.reason, want) != NULL, "'%s' lacks '%s'", view_.reason, want);  \
    } while (0)

START_TEST(what_is_old_enough_is_taken_in_the_window)
{
    up("s: web p A");
    until(0, 2, 59);
    ck_stage(&stage, "");
    until(0, 3, 0); /* the window opens: it is looked, seen, and too young */
    ck_stage(&stage, "look-up web; ");
    ck_assert(look("web").is_pending);
    ck_assert_int_eq(look("web").ripe_s, MONDAY_S + 86400 + 3 * 3600);
    ck_assert_int_eq(look("web").taken_s, MONDAY_S + 86400 + 3 * 3600);
    ck_assert_int_eq(look("web").next_s, MONDAY_S + 3 * 3600);
    until(1, 2, 59);
    ck_stage(&stage, "");
    until(1, 3, 10);
    ck_stage(&stage, "look-up web; pull web; create web; start web; route web; stop web; rename "
                     "web; rename web; ");
    ck_assert_str_eq(stage_containers(&stage),
                     "s-web-1 running img2 r2; s-web-1.r1 exited img1 r1; ");
    ck_assert(!look("web").is_pending); /* it is on its way */
    service("web")->registry[0] = '\0';
    until(1, 4, 0);
    ck_stage(&stage, "remove web; ");
    ck_assert(!look("web").is_pending);
    for (size_t i = 0; i < stage.n_revisions; i++) {
        if (stage.revision[i].number == 2) {
            ck_assert_str_eq(stage.revision[i].by, "auto");
            ck_assert_str_eq(stage.revision[i].digest, "sha256:two");
        }
    }
    until(4, 0, 0); /* a look each night, and no more */
    ck_stage(&stage, "look-up web; look-up web; ");
}
END_TEST

START_TEST(its_age_begins_anew_with_another_digest)
{
    up("s: web p A");
    until(1, 2, 59);
    stage_trace(&stage);
    set_registry("web", "img3", "sha256:three");
    until(1, 5, 0);
    ck_stage(&stage, "look-up web; ");
    ck_assert_int_eq(look("web").seen_s, MONDAY_S + 86400 + 3 * 3600);
    until(2, 3, 10);
    ck_assert_str_eq(stage_named(&stage, "s-web-1")->obs.image_id, "img3");
}
END_TEST

START_TEST(what_gets_ripe_while_it_is_open_is_looked_at_again)
{
    up("s: web p A");
    until(0, 4, 0);
    stage_trace(&stage);
    /* seen an hour after the window opened, because somebody asked */
    stage.record[0].autos = (struct acc_auto_record){.image = "web:1",
                                                     .digest = "sha256:two",
                                                     .since_s = MONDAY_S + 4 * 3600,
                                                     .looked_s = MONDAY_S + 4 * 3600};
    stage_restart_accd(&stage);
    stage_connect(&stage, false);
    until(1, 3, 59);
    ck_stage(&stage, "look-up web; ");
    until(1, 4, 1);
    ck_assert_str_eq(stage_trace(&stage),
                     "look-up web; pull web; create web; start web; route web; stop web; rename "
                     "web; rename web; ");
}
END_TEST

/* --- what keeps it away ---------------------------------------------------------------------- */

static void hold_it(void)
{
    stage_hold(&stage, ACC_VERB_HOLD, "web", ACC_HOLD_FREEZE, 0);
}

static void maintain(void)
{
    stage_hold(&stage, ACC_VERB_MAINTENANCE, "web", ACC_HOLD_FREEZE, 0);
}

static void hold_from_starting(void)
{
    stage_hold(&stage, ACC_VERB_HOLD, "web", ACC_HOLD_DOWN, 0);
}

static void break_dependency(void)
{
    service("db")->start = ACC_OP_START;
    service("db")->message = "the host says no";
    stage_exit(&stage, "db", 1);
}

static void break_another(void)
{
    service("mail")->start = ACC_OP_CONFIG;
    service("mail")->message = "no such command";
    stage_exit(&stage, "mail", 1);
}

static void turn_off(void)
{
    stage_cmd(&stage, ACC_VERB_STOP, "web", "");
}

static void upgrade_another(void)
{
    service("mail")->hangs = true;
    service("mail")->silent = true;
    stage_upgrade(&stage, ACC_VERB_UPGRADE, "mail", "", 0);
}

static void roll_back_by_hand(void)
{
    stage_upgrade(&stage, ACC_VERB_UPGRADE, "web", "web:other", 0);
}

static void lose_registry(void)
{
    service("web")->registry_fails = "it limits how often it may be asked";
}

static const struct {
    const char *label;
    void (*happens)(void);
    const char *reason;
} obstacles[] = {
    {"frozen", hold_it, "is frozen by root"},
    {"held down", hold_from_starting, "is held down by root"},
    {"maintenance", maintain, "maintenance"},
    {"a dependency is down", break_dependency, "incident"},
    {"another service is down", break_another, "incident"},
    {"off", turn_off, "it is off"},
    {"another upgrade", upgrade_another, "mail is being upgraded"},
    {"another image by hand", roll_back_by_hand, "web:other was asked for by hand"},
    {"the registry is away", lose_registry, "it limits how often"},
};

START_TEST(it_waits_while_something_is_in_the_way)
{
    up("s: db p; web p n:db A; mail p");
    until(0, 4, 0);
    obstacles[_i].happens();
    until(1, 2, 0);
    stage_trace(&stage);
    until(1, 3, 20);
    ck_assert_msg(strstr(stage_trace(&stage), "pull web") == NULL, "%s: it was taken",
                  obstacles[_i].label);
    ck_reason("web", obstacles[_i].reason);
}
END_TEST

/* What needs somebody's word may do so for days. */
START_TEST(one_that_needs_an_operator_holds_up_only_who_needs_it)
{
    up("s: db p e s; api p n:db A; web p A");
    set_registry("api", "img2", "sha256:api");
    set_registry("db", "img2", "");
    (void)snprintf(service("db")->bad_image, sizeof(service("db")->bad_image), "img2");
    stage_upgrade(&stage, ACC_VERB_UPGRADE, "db", "", 0);
    until(0, 2, 0);
    ck_assert(stage_why_says(&stage, "db", "needs an operator"));
    until(1, 3, 30);
    ck_assert_str_eq(stage_named(&stage, "s-web-1")->obs.image_id, "img2");
    ck_assert_str_eq(stage_named(&stage, "s-api-1")->obs.image_id, "img1");
    ck_reason("api", "the upgrade of db, which it needs, waits for somebody");
    stage_decide(&stage, ACC_VERB_ROLLBACK, "db");
    until(1, 4, 30);
    ck_assert_str_eq(stage_named(&stage, "s-api-1")->obs.image_id, "img2");
}
END_TEST

/* Frozen amid an upgrade it stands still, for as long as somebody wants it so. */
START_TEST(one_that_is_held_amid_its_upgrade_holds_up_nobody_else)
{
    up("s: mail p; web p A");
    set_registry("mail", "img2", "");
    stage_upgrade(&stage, ACC_VERB_UPGRADE, "mail", "", 0);
    stage_run(&stage, 3000);
    stage_hold(&stage, ACC_VERB_HOLD, "mail", ACC_HOLD_FREEZE, 0);
    until(1, 3, 30);
    ck_assert_str_eq(stage_named(&stage, "s-mail-1")->obs.image_id, "img1");
    ck_assert_str_eq(stage_named(&stage, "s-web-1")->obs.image_id, "img2");
}
END_TEST

START_TEST(it_waits_for_who_shares_with_it_and_is_held)
{
    up("s: web p A; side p b:web");
    stage_hold(&stage, ACC_VERB_HOLD, "side", ACC_HOLD_DOWN, 0);
    until(1, 3, 30);
    ck_assert_str_eq(stage_named(&stage, "s-web-1")->obs.image_id, "img1");
    ck_reason("web", "side, which shares with it, would stop with it and stay down");
    ck_assert_str_eq(stage_incidents(&stage), "");
    stage_hold(&stage, ACC_VERB_RELEASE, "side", ACC_HOLD_NONE, 0);
    until(1, 3, 32);
    ck_assert_str_eq(stage_named(&stage, "s-web-1")->obs.image_id, "img2");
}
END_TEST

START_TEST(it_comes_when_the_way_is_free)
{
    up("s: web p A");
    hold_it();
    until(1, 3, 30);
    ck_assert_str_eq(stage_named(&stage, "s-web-1")->obs.image_id, "img1");
    stage_hold(&stage, ACC_VERB_RELEASE, "web", ACC_HOLD_NONE, 0);
    until(1, 3, 32);
    ck_assert_str_eq(stage_named(&stage, "s-web-1")->obs.image_id, "img2");
}
END_TEST

START_TEST(not_when_the_host_has_no_breath)
{
    up("s: web p A");
    until(1, 2, 59);
    for (int64_t end_s = MONDAY_S + 86400 + 4 * 3600; wall_s < end_s; wall_s += 60) {
        struct acc_event event = {.type = ACC_EV_CLOCK, .now_ms = stage.now_ms};

        stage_run(&stage, 60000);
        event.now_ms = stage.now_ms;
        event.clock.unix_ms = (wall_s + 60) * 1000;
        event.clock.memory_permille = 51;
        acc_engine_step(stage.engine, &event, &stage.actions);
    }
    ck_reason("web", "pressure");
    ck_assert_str_eq(stage_named(&stage, "s-web-1")->obs.image_id, "img1");
}
END_TEST

START_TEST(not_when_the_window_closes_before_it_is_proven)
{
    up("s: web p A");
    hold_it();
    until(1, 4, 46); /* 5 min for the pull, 10 s, 10 min of watch */
    stage_hold(&stage, ACC_VERB_RELEASE, "web", ACC_HOLD_NONE, 0);
    stage_trace(&stage);
    until(2, 2, 59);
    ck_assert_msg(strstr(stage_trace(&stage), "pull") == NULL, "it was taken");
    until(2, 3, 2);
    ck_assert_str_eq(stage_named(&stage, "s-web-1")->obs.image_id, "img2");
}
END_TEST

START_TEST(a_window_that_is_always_too_short_says_so)
{
    struct acc_model *model = model_build("s: web p A");
    static struct acc_auto_spec brief = {
        .window = {{.days = 127, .begin_min = 180, .end_min = 190}}, .n_windows = 1};

    model->services[0]->upgrade_auto = &brief;
    stage_open(&stage, model);
    stage_connect(&stage, false);
    wall_s = MONDAY_S;
    set_registry("web", "img2", "sha256:two");
    stage_clock(&stage, wall_s);
    until(1, 4, 0);
    ck_reason("web", "its window is too short");
    ck_assert_str_eq(stage_named(&stage, "s-web-1")->obs.image_id, "img1");
}
END_TEST

START_TEST(a_pinned_image_is_not_even_looked_at)
{
    struct acc_model *model = model_build("s: web p A");

    model->services[0]->image = "web:1@sha256:0";
    stage_open(&stage, model);
    stage_connect(&stage, false);
    wall_s = MONDAY_S;
    stage_clock(&stage, wall_s);
    until(1, 4, 0);
    ck_assert(strstr(stage_trace(&stage), "look-up") == NULL);
    ck_reason("web", "the file names a digest");
}
END_TEST

START_TEST(what_has_run_to_its_end_is_not_promised)
{
    up("s: web p r0 A");
    until(0, 4, 0); /* it still runs when its registry is asked */
    ck_assert(look("web").is_pending);
    stage_exit(&stage, "web", 0);
    until(0, 4, 1);
    ck_assert(!look("web").is_pending);
    ck_assert_int_eq(look("web").taken_s, 0);
    ck_reason("web", "it has run to its end");
    stage_trace(&stage);
    until(2, 5, 0);
    ck_stage(&stage, "");
    ck_assert(!look("web").is_pending);
}
END_TEST

START_TEST(one_at_a_time_in_the_order_of_dependencies)
{
    const char *trace;
    const char *web, *db;

    up("s: web p A n:db; db p A");
    set_registry("db", "img2", "sha256:two");
    until(1, 3, 5);
    ck_assert_str_eq(stage_named(&stage, "s-db-1")->obs.image_id, "img2");
    ck_assert_str_eq(stage_named(&stage, "s-web-1")->obs.image_id, "img1");
    ck_reason("web", "db is being upgraded");
    until(1, 3, 30);
    ck_assert_str_eq(stage_named(&stage, "s-web-1")->obs.image_id, "img2");
    trace = stage_trace(&stage);
    db = strstr(trace, "remove db");
    web = strstr(trace, "pull web");
    ck_assert(db && web && db < web);
}
END_TEST

START_TEST(not_all_begin_on_the_minute)
{
    struct acc_model *model = model_build("s: web p A; db p A; mail p A");
    int n_late = 0;

    for (size_t i = 0; i < model->n_services; i++) {
        model->services[i]->timing.auto_spread = 3600000;
    }
    stage_open(&stage, model);
    stage_connect(&stage, false);
    wall_s = MONDAY_S;
    stage_clock(&stage, wall_s);
    until(1, 2, 59);
    stage_trace(&stage);
    for (int minute = 0; minute <= 61; minute++) {
        until(1, 3 + minute / 60, minute % 60);
        n_late += minute > 1 && stage_trace(&stage)[0] != '\0';
    }
    ck_assert_int_ge(n_late, 2);
}
END_TEST

/* --- when it fails --------------------------------------------------------------------------- */

START_TEST(what_was_taken_back_is_told_and_not_tried_again)
{
    up("s: web p A");
    (void)snprintf(service("web")->bad_image, sizeof(service("web")->bad_image), "img2");
    until(1, 3, 10);
    ck_assert_str_eq(stage_named(&stage, "s-web-1")->obs.image_id, "img1");
    ck_assert_str_eq(stage_incidents(&stage), "web opened; web notified; web closed; ");
    ck_reason("web", "taken back before");
    ck_assert(!look("web").is_pending);
    ck_assert_str_eq(took_back("web", "sha256:two"), "refused");
    ck_assert_str_eq(took_back("web", "sha256:three"), "no");
    ck_assert_str_eq(took_back("web", ""), "no");
    stage_trace(&stage);
    until(3, 5, 0);
    ck_assert(strstr(stage_trace(&stage), "pull") == NULL);
    stage_restart_accd(&stage);
    stage_connect(&stage, false);
    until(4, 5, 0);
    ck_assert(strstr(stage_trace(&stage), "pull") == NULL);
    set_registry("web", "img3", "sha256:three");
    until(6, 3, 10);
    ck_assert_str_eq(stage_named(&stage, "s-web-1")->obs.image_id, "img3");
}
END_TEST

START_TEST(what_a_person_took_back_is_not_tried_again_either)
{
    up("s: web p A");
    until(1, 3, 5);
    ck_assert_str_eq(stage_named(&stage, "s-web-1")->obs.image_id, "img2");
    stage_upgrade(&stage, ACC_VERB_ROLLBACK, "web", "", 0);
    until(1, 3, 20);
    ck_assert_str_eq(stage_named(&stage, "s-web-1")->obs.image_id, "img1");
    ck_assert_str_eq(stage_incidents(&stage), ""); /* he knows */
    stage_trace(&stage);
    until(3, 5, 0);
    ck_assert(strstr(stage_trace(&stage), "pull") == NULL);
}
END_TEST

/* Its new container: "s-web-1.c" and the number of its operation. */
static struct stage_container *candidate(void)
{
    for (size_t i = 0; i < STAGE_CONTAINERS_MAX; i++) {
        if (strstr(stage.container[i].obs.name, "s-web-1.c")) {
            return &stage.container[i];
        }
    }
    ck_abort_msg("there is no new container");
}

static void stop_candidate(void)
{
    stage_docker_stop_of(&stage, candidate());
}

/* `docker rm -f` that is seen when it is all over; `docker container prune`, before its start. */
static void remove_candidate(void)
{
    stage_rm_of(&stage, candidate());
}

static void remove_candidate_as_told(void)
{
    struct stage_container *c = candidate();

    stage_hint(&stage, c, ACC_HINT_KILL);
    stage_exit_of(&stage, c, 137);
    stage_rm_of(&stage, c);
}

static const struct {
    const char *label;
    void (*do_it)(void);
} hands[] = {
    {"docker stop", stop_candidate},
    {"docker rm", remove_candidate},
    {"docker rm -f", remove_candidate_as_told},
};

START_TEST(what_a_person_ended_amid_it_comes_again)
{
    up("s: web p A");
    until(1, 3, 0);
    stage_run(&stage, 3000);
    hands[_i].do_it();
    stage_run(&stage, 17000);
    ck_assert_str_eq(stage_containers(&stage), "s-web-1 running img1 r1; ");
    ck_assert_msg(!stage_incidents(&stage)[0], "%s: he knows", hands[_i].label);
    until(1, 3, 20);
    ck_assert_str_eq(stage_containers(&stage), "s-web-1 running img1 r1; ");
    until(1, 3, 40);
    ck_assert_msg(strcmp(stage_named(&stage, "s-web-1")->obs.image_id, "img2") == 0,
                  "%s: it was spent", hands[_i].label);
}
END_TEST

static void remove_it(void)
{
    stage_rm_of(&stage, stage_named(&stage, "s-web-1"));
}

static const struct {
    const char *label;
    int64_t after_s;
    void (*do_it)(void);
} ends[] = {
    {"stop amid it", 3, turn_off},
    {"stop in its watch", 60, turn_off},
    {"docker rm in its watch", 60, remove_it},
};

START_TEST(who_turns_it_off_amid_it_is_not_told)
{
    up("s: web p A");
    until(1, 3, 0);
    stage_run(&stage, (uint64_t)ends[_i].after_s * 1000);
    ends[_i].do_it();
    until(1, 3, 20);
    ck_assert_msg(!stage_incidents(&stage)[0], "%s: he knows", ends[_i].label);
    stage_cmd(&stage, ACC_VERB_UP, "web", "");
    until(1, 3, 50);
    ck_assert_msg(strcmp(stage_named(&stage, "s-web-1")->obs.image_id, "img2") == 0,
                  "%s: it was spent", ends[_i].label);
}
END_TEST

START_TEST(who_changes_its_file_amid_it_is_not_told)
{
    struct acc_model *model = model_build("s: web p A");

    up("s: web p A");
    until(1, 3, 0);
    stage_run(&stage, 3000);
    model_touch(model, "web");
    stage_reconfigure(&stage, model);
    until(1, 3, 20);
    ck_assert_str_eq(stage_incidents(&stage), ""); /* he knows */
    until(1, 3, 55);
    ck_assert_str_eq(stage_named(&stage, "s-web-1")->obs.image_id, "img2");
}
END_TEST

START_TEST(a_revision_that_somebody_went_back_from_is_not_taken_again)
{
    up("s: web p A");
    until(1, 3, 30);
    ck_assert_str_eq(stage_containers(&stage), "s-web-1 running img2 r2; ");
    stage_upgrade(&stage, ACC_VERB_ROLLBACK, "web", "", 0);
    until(1, 4, 0);
    ck_assert_str_eq(stage_containers(&stage), "s-web-1 running img1 r3; ");
    ck_assert_str_eq(took_back("web", "sha256:two"), "refused");
    stage_trace(&stage);
    until(4, 5, 0);
    ck_assert(strstr(stage_trace(&stage), "pull") == NULL);
    ck_reason("web", "taken back before");
}
END_TEST

START_TEST(who_names_the_files_own_image_has_not_taken_it_out)
{
    up("s: web p A");
    (void)snprintf(service("web")->bad_image, sizeof(service("web")->bad_image), "img2");
    until(1, 3, 10);
    ck_reason("web", "taken back before");
    service("web")->bad_image[0] = '\0';
    stage_upgrade(&stage, ACC_VERB_UPGRADE, "web", "web:1", 0);
    until(1, 4, 0);
    ck_assert_str_eq(stage_named(&stage, "s-web-1")->obs.image_id, "img2");
    set_registry("web", "img3", "sha256:three");
    until(6, 3, 10);
    ck_assert_str_eq(stage_named(&stage, "s-web-1")->obs.image_id, "img3");
}
END_TEST

START_TEST(a_pull_that_fails_is_tried_again_half_an_hour_later)
{
    up("s: web p A");
    until(1, 2, 59);
    service("web")->pull = ACC_OP_CONFIG;
    service("web")->message = "no space left on device";
    until(1, 3, 1);
    ck_assert_str_eq(stage_named(&stage, "s-web-1")->obs.image_id, "img1");
    ck_assert_str_eq(stage_incidents(&stage), "web opened; web notified; web closed; ");
    service("web")->pull = ACC_OP_OK;
    until(1, 3, 29);
    ck_assert_str_eq(stage_named(&stage, "s-web-1")->obs.image_id, "img1");
    until(1, 3, 33);
    ck_assert_str_eq(stage_named(&stage, "s-web-1")->obs.image_id, "img2");
}
END_TEST

/* A failed look keeps it away for half an hour, unless somebody sees that the registry is well. */
START_TEST(a_registry_that_answers_again_is_believed_at_once)
{
    up("s: web p A");
    until(1, 2, 59);
    service("web")->registry_fails = "r.lan is broken";
    until(1, 3, 5);
    ck_reason("web", "r.lan is broken");
    ck_assert_int_ge(look("web").taken_s, MONDAY_S + 86400 + 3 * 3600 + 1800);
    service("web")->registry_fails = NULL;
    until(1, 3, 10);
    ck_assert_str_eq(stage_named(&stage, "s-web-1")->obs.image_id, "img1");
    stage_outdated(&stage, "web");
    ck_assert_int_le(look("web").taken_s, MONDAY_S + 86400 + 3 * 3600 + 600);
    until(1, 3, 12);
    ck_assert_str_eq(stage_named(&stage, "s-web-1")->obs.image_id, "img2");
}
END_TEST

START_TEST(what_is_known_survives_accd)
{
    up("s: web p A");
    until(0, 4, 0);
    stage_restart_accd(&stage);
    stage_connect(&stage, false);
    until(1, 3, 5);
    ck_assert_str_eq(stage_named(&stage, "s-web-1")->obs.image_id, "img2");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("engine_auto");
    TCase *tcase = tcase_create("auto");

    tcase_add_checked_fixture(tcase, NULL, teardown);
    tcase_add_test(tcase, what_is_old_enough_is_taken_in_the_window);
    tcase_add_test(tcase, its_age_begins_anew_with_another_digest);
    tcase_add_test(tcase, what_gets_ripe_while_it_is_open_is_looked_at_again);
    tcase_add_loop_test(tcase, it_waits_while_something_is_in_the_way, 0, ACC_ARRAY_LEN(obstacles));
    tcase_add_test(tcase, one_that_needs_an_operator_holds_up_only_who_needs_it);
    tcase_add_test(tcase, one_that_is_held_amid_its_upgrade_holds_up_nobody_else);
    tcase_add_test(tcase, it_waits_for_who_shares_with_it_and_is_held);
    tcase_add_test(tcase, it_comes_when_the_way_is_free);
    tcase_add_test(tcase, not_when_the_host_has_no_breath);
    tcase_add_test(tcase, not_when_the_window_closes_before_it_is_proven);
    tcase_add_test(tcase, a_window_that_is_always_too_short_says_so);
    tcase_add_test(tcase, a_pinned_image_is_not_even_looked_at);
    tcase_add_test(tcase, what_has_run_to_its_end_is_not_promised);
    tcase_add_test(tcase, one_at_a_time_in_the_order_of_dependencies);
    tcase_add_test(tcase, not_all_begin_on_the_minute);
    tcase_add_test(tcase, what_was_taken_back_is_told_and_not_tried_again);
    tcase_add_test(tcase, what_a_person_took_back_is_not_tried_again_either);
    tcase_add_loop_test(tcase, what_a_person_ended_amid_it_comes_again, 0, ACC_ARRAY_LEN(hands));
    tcase_add_test(tcase, who_changes_its_file_amid_it_is_not_told);
    tcase_add_loop_test(tcase, who_turns_it_off_amid_it_is_not_told, 0, ACC_ARRAY_LEN(ends));
    tcase_add_test(tcase, a_revision_that_somebody_went_back_from_is_not_taken_again);
    tcase_add_test(tcase, who_names_the_files_own_image_has_not_taken_it_out);
    tcase_add_test(tcase, a_pull_that_fails_is_tried_again_half_an_hour_later);
    tcase_add_test(tcase, a_registry_that_answers_again_is_believed_at_once);
    tcase_add_test(tcase, what_is_known_survives_accd);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
