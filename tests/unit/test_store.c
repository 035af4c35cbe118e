#include "daemon/out/store.h"

#include <check.h>
#include <errno.h>
#include <ftw.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/out/store_limits.h"
#include "lib/drill/model_text.h"
#include "tests/unit/model_builder.h"

static char dir[64];
static uv_loop_t loop;
static struct accd_store *store;
static char order[256];
static char zero[] = "0", one[] = "1", two[] = "2";

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static void open_store(void)
{
    char text[ACCD_STORE_ERROR_MAX] = "";

    ck_assert_msg(accd_store_open(&loop, dir, &store, text) == 0, "%s", text);
}

static void setup(void)
{
    strcpy(dir, "/tmp/acc-test-store-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert_int_eq(uv_loop_init(&loop), 0);
    order[0] = '\0';
    open_store();
}

static void teardown(void)
{
    uv_run(&loop, UV_RUN_DEFAULT);
    store = accd_store_close(store);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
    nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void reopen(void)
{
    uv_run(&loop, UV_RUN_DEFAULT);
    store = accd_store_close(store);
    open_store();
}

static void then(void *arg)
{
    strcat(order, arg);
}

static void on_row(void *ctx, const struct accd_history_row *row)
{
    (void)ctx;
    strcat(order, row->text);
    strcat(order, ";");
}

static void on_done(void *ctx)
{
    (void)ctx;
    strcat(order, "end");
}

static void on_recovered(void *ctx)
{
    (void)ctx;
    strcat(order, "recovered;");
}

static void block(const char *name)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    ck_assert_int_eq(mkdir(path, 0700), 0);
}

static void unblock(const char *name)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    ck_assert_int_eq(rmdir(path), 0);
}

/* A folder in the file's place is what it can't be opened because of: like a disk without room. */
START_TEST(without_a_file_it_goes_on_and_comes_back)
{
    struct acc_stack_record stack = {.name = "s"};

    uv_run(&loop, UV_RUN_DEFAULT);
    store = accd_store_close(store);
    nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    ck_assert_int_eq(mkdir(dir, 0700), 0);
    block("state.db");
    open_store();
    ck_assert_ptr_nonnull(strstr(accd_store_trouble(store), "/state.db)"));
    ck_assert_uint_gt(accd_store_next_op(store), 1700000000);
    accd_store_on_recovered(store, on_recovered, NULL);
    accd_store_save_stack(store, &stack);
    accd_store_when_durable(store, then, zero); /* what waits for it goes on all the same */
    accd_store_history(store, NULL, 5, on_row, on_done, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_str_eq(order, "0end");
    ck_assert_ptr_nonnull(accd_store_trouble(store));
    unblock("state.db");
    accd_store_note(store, 1, ACC_NOTE_STATE, "s/a", "there");
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_str_eq(order, "0endrecovered;");
    ck_assert_ptr_null(accd_store_trouble(store));
    reopen();
    ck_assert_ptr_null(accd_store_trouble(store));
    order[0] = '\0';
    accd_store_history(store, NULL, 5, on_row, on_done, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_str_eq(order, "there;end");
}
END_TEST

static void on_told(void *ctx, int64_t unix_ms, const struct acc_revision_record *record)
{
    char row[96];

    (void)ctx;
    snprintf(row, sizeof(row), "%lld:r%u%s=%d;", (long long)unix_ms, (unsigned)record->number,
             record->is_attempt ? "?" : "", (int)record->result);
    strcat(order, row);
}

/* In their order: how one ended that is no more nobody else remembers. Attempts don't. */
START_TEST(revisions_wait_for_room)
{
    struct acc_revision_record record = {.id = "s/a", .number = 2, .result = ACC_REV_TRIAL};
    struct acc_revision_record attempt = {
        .id = "s/a", .number = 3, .result = ACC_REV_FAILED, .is_attempt = true};

    uv_run(&loop, UV_RUN_DEFAULT);
    store = accd_store_close(store);
    nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    ck_assert_int_eq(mkdir(dir, 0700), 0);
    block("state.db");
    open_store();
    accd_store_save_revision(store, 1, &record);
    uv_run(&loop, UV_RUN_DEFAULT);
    record.result = ACC_REV_ROLLED_BACK;
    accd_store_save_revision(store, 2, &record);
    accd_store_save_revision(store, 3, &attempt);
    accd_store_revisions(store, "s/a", on_told, on_done, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_str_eq(order, "end");
    unblock("state.db");
    record.number = 3;
    accd_store_save_revision(store, 4, &record);
    accd_store_revisions(store, "s/a", on_told, on_done, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_str_eq(order, "end4:r3=2;1:r2=2;end");
    for (uint32_t i = 0; i < 2; i++) { /* once is enough */
        reopen();
        order[0] = '\0';
        accd_store_revisions(store, "s/a", on_told, on_done, NULL);
        uv_run(&loop, UV_RUN_DEFAULT);
        ck_assert_str_eq(order, "4:r3=2;1:r2=2;end");
    }
}
END_TEST

START_TEST(effects_are_released_in_order_after_their_records)
{
    struct acc_action action = {.type = ACC_ACT_JOURNAL, .what = ACC_ACT_STOP, .op = 7, .slot = 1};

    accd_store_when_durable(store, then, zero);
    ck_assert_str_eq(order, "0"); /* nothing was pending */
    accd_store_journal(store, 1000, "a/b", &action);
    accd_store_when_durable(store, then, one);
    action.op = 8;
    accd_store_journal(store, 1000, "a/b", &action);
    accd_store_when_durable(store, then, two);
    ck_assert_str_eq(order, "0");
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_str_eq(order, "012");
}
END_TEST

START_TEST(numbers_go_on_after_a_restart_and_unfinished_operations_are_seen)
{
    struct acc_action action = {.type = ACC_ACT_JOURNAL, .what = ACC_ACT_STOP, .op = 41, .slot = 1};

    ck_assert_uint_eq(accd_store_next_op(store), 1);
    accd_store_journal(store, 1000, "a/b", &action);
    action.op = 42;
    accd_store_journal(store, 1000, "a/b", &action);
    action.result = ACC_OP_OK;
    accd_store_journal_end(store, 1001, &action);
    reopen();
    ck_assert_uint_eq(accd_store_next_op(store), 43);
    ck_assert_uint_eq(accd_store_n_unfinished(store), 1);
    reopen();
    ck_assert_uint_eq(accd_store_n_unfinished(store), 0);
}
END_TEST

START_TEST(incidents_outlive_accd_newest_first_and_keep_their_numbers)
{
    struct acc_past_incident incident = {.id = 7,
                                         .opened_unix_ms = 1000,
                                         .closed_unix_ms = 2000,
                                         .n_peak = 12,
                                         .root = "a/b",
                                         .cause = "exited with 1"};
    struct acc_past_incident read[2];

    accd_store_incident(store, &incident);
    incident.id = 9;
    incident.closed_unix_ms = 3000;
    accd_store_incident(store, &incident);
    reopen();
    ck_assert_uint_eq(accd_store_incidents(store, read, 1), 1);
    ck_assert_uint_eq(read[0].id, 9);
    ck_assert_uint_eq(accd_store_incidents(store, read, 2), 2);
    ck_assert_uint_eq(read[1].id, 7);
    ck_assert_int_eq(read[1].opened_unix_ms, 1000);
    ck_assert_int_eq(read[1].closed_unix_ms, 2000);
    ck_assert_str_eq(read[1].root, "a/b");
    ck_assert_str_eq(read[1].cause, "exited with 1");
    ck_assert_uint_eq(read[1].n_peak, 12);
    ck_assert_uint_eq(accd_store_next_op(store), 10);
}
END_TEST

static struct acc_engine *engine_restored(struct acc_model *model)
{
    struct acc_engine_options options = {.first_op = accd_store_next_op(store)};
    struct acc_engine *engine = NULL;

    ck_assert_int_eq(acc_engine_create(model, &options, &engine), 0);
    accd_store_restore(store, engine);
    return engine;
}

/* Also one that began before the host was booted; one whose root is gone has ended. */
START_TEST(open_incidents_outlive_accd_and_keep_their_numbers)
{
    struct acc_model *model = model_build("s: web");
    struct acc_incident_record record = {
        .id = 30, .root = "s/web", .cause = "exited with 1", .notified = true, .n_peak = 3};
    struct acc_past_incident past = {.id = 30, .root = "s/web", .closed_unix_ms = 9};
    struct acc_event event = {.type = ACC_EV_TIMEOUT, .now_ms = 5000};
    struct acc_action items[ACC_ACTIONS_MIN];
    struct acc_actions actions = {.item = items, .cap = ACC_ACTIONS_MIN};
    struct acc_incident_view view;
    struct acc_engine *engine;

    accd_store_opened(store, (int64_t)time(NULL) * 1000 - 3600000, &record);
    record.id = 31;
    strcpy(record.root, "s/gone");
    accd_store_opened(store, 1000, &record);
    reopen();
    ck_assert_uint_eq(accd_store_next_op(store), 32);
    engine = engine_restored(model);
    acc_engine_step(engine, &event, &actions);
    ck_assert(acc_engine_incident_at(engine, 0, &view));
    ck_assert_uint_eq(view.id, 30);
    ck_assert(view.open && view.notified);
    ck_assert_str_eq(view.root, "s/web");
    ck_assert_str_eq(view.cause, "exited with 1");
    ck_assert_uint_eq(view.n_peak, 3);
    ck_assert(!acc_engine_incident_at(engine, 1, &view));
    ck_assert(acc_engine_incident_record(engine, 30, 5000, &record));
    ck_assert_uint_ge(record.age_ms, 3599000);
    ck_assert_uint_le(record.age_ms, 3660000);
    engine = acc_engine_destroy(engine);
    ck_assert_uint_eq(accd_store_incidents(store, &past, 1), 1);
    ck_assert_uint_eq(past.id, 31);
    past.id = 30;
    accd_store_incident(store, &past); /* it is over */
    reopen();
    engine = engine_restored(model);
    ck_assert(!acc_engine_incident_at(engine, 0, &view));
    engine = acc_engine_destroy(engine);
    acc_model_destroy(model);
}
END_TEST

/* By the clock on the wall: what is saved once goes on to get old. */
START_TEST(the_rest_of_a_breaker_goes_on_while_accd_is_away)
{
    struct acc_model *model = model_build("s: web");
    struct acc_service_record record = {.id = "s/web",
                                        .wanted_up = true,
                                        .backoff_left_ms = 60000,
                                        .open_left_ms = 1320000,
                                        .fail_text = "exited with 137 (killed)",
                                        .heirs = "1\t/data\tcafe\n"};
    struct acc_engine *engine;
    char path[sizeof(dir) + 16];
    sqlite3 *db = NULL;

    accd_store_save_service(store, &record);
    uv_run(&loop, UV_RUN_DEFAULT);
    store = accd_store_close(store);
    (void)snprintf(path, sizeof(path), "%s/state.db", dir);
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(
        sqlite3_exec(db, "UPDATE service SET saved_ms = saved_ms - 240000", NULL, NULL, NULL),
        SQLITE_OK);
    sqlite3_close(db);
    open_store();
    engine = engine_restored(model);
    acc_engine_service_record(engine, 0, 0, &record);
    ck_assert_uint_le(record.open_left_ms, 1080000);
    ck_assert_uint_ge(record.open_left_ms, 1020000);
    ck_assert_uint_eq(record.backoff_left_ms, 0);
    ck_assert_str_eq(record.fail_text, "exited with 137 (killed)");
    ck_assert_str_eq(record.heirs, "1\t/data\tcafe\n");
    engine = acc_engine_destroy(engine);
    acc_model_destroy(model);
}
END_TEST

/* As accd begins: a stack of one service gets back what was saved. */
START_TEST(holds_outlive_accd)
{
    struct acc_model *model = model_build("s: web");
    struct acc_engine_options options = {.first_op = 1};
    struct acc_engine *engine = NULL;
    struct acc_hold_record hold = {
        .kind = ACC_HOLD_DOWN, .by = "root", .reason = "disk", .left_ms = 5000};
    struct acc_service_record record = {.id = "s/web", .wanted_up = true, .hold = hold};

    accd_store_save_service(store, &record);
    hold.kind = ACC_HOLD_FREEZE;
    hold.left_ms = 0;
    accd_store_save_maintenance(store, &hold);
    reopen();
    ck_assert_int_eq(acc_engine_create(model, &options, &engine), 0);
    accd_store_restore(store, engine);
    acc_engine_service_record(engine, 0, 0, &record);
    ck_assert_int_eq(record.hold.kind, ACC_HOLD_DOWN);
    ck_assert_str_eq(record.hold.by, "root");
    ck_assert_str_eq(record.hold.reason, "disk");
    ck_assert_uint_eq(record.hold.left_ms, 5000);
    acc_engine_maintenance(engine, 0, &hold);
    ck_assert_int_eq(hold.kind, ACC_HOLD_FREEZE);
    ck_assert_str_eq(hold.reason, "disk");
    acc_engine_destroy(engine);
    acc_model_destroy(model);
}
END_TEST

START_TEST(what_upgrades_by_itself_have_seen_outlives_accd)
{
    struct acc_model *model = model_build("s: web A");
    struct acc_engine_options options = {.first_op = 1};
    struct acc_engine *engine = NULL;
    struct acc_service_record record = {.id = "s/web",
                                        .wanted_up = true,
                                        .autos = {.image = "web:1",
                                                  .digest = "sha256:two",
                                                  .since_s = 1764000000,
                                                  .looked_s = 1764003600,
                                                  .bad_digest = "sha256:one"}};

    accd_store_save_service(store, &record);
    reopen();
    ck_assert_int_eq(acc_engine_create(model, &options, &engine), 0);
    accd_store_restore(store, engine);
    acc_engine_service_record(engine, 0, 0, &record);
    ck_assert_str_eq(record.autos.image, "web:1");
    ck_assert_str_eq(record.autos.digest, "sha256:two");
    ck_assert_int_eq(record.autos.since_s, 1764000000);
    ck_assert_int_eq(record.autos.looked_s, 1764003600);
    ck_assert_str_eq(record.autos.bad_digest, "sha256:one");
    ck_assert_str_eq(record.rollout.image, "");
    acc_engine_destroy(engine);
    acc_model_destroy(model);
}
END_TEST

START_TEST(where_bind_sources_were_outlives_accd)
{
    struct acc_model_text text = {0};
    struct acc_buf problem;
    struct acc_model *model = NULL;
    struct acc_engine_options options = {.first_op = 1};
    struct acc_engine *engine = NULL;
    struct acc_service_record record = {.id = "s/web",
                                        .wanted_up = true,
                                        .ready_run_ns = 1700000000000000007,
                                        .places = "/gone\t/\n/srv/a\t/srv ext4 - /\n/srv/a/b\t/\n"};

    acc_buf_init(&problem, 1024);
    ck_assert_int_eq(acc_model_text_service(&text, "web", "host:/srv/a host:/srv/new"), 0);
    ck_assert_int_eq(acc_model_text_build(&text, &model, &problem), 0);
    accd_store_save_service(store, &record);
    reopen();
    ck_assert_int_eq(acc_engine_create(model, &options, &engine), 0);
    accd_store_restore(store, engine);
    acc_engine_service_record(engine, 0, 0, &record);
    ck_assert_str_eq(record.places, "/srv/a\t/srv ext4 - /\n"); /* of what its file still names */
    ck_assert_int_eq(record.ready_run_ns, 1700000000000000007);
    acc_engine_destroy(engine);
    acc_model_destroy(model);
    acc_model_text_fini(&text);
    acc_buf_fini(&problem);
}
END_TEST

/* What an engine that is given the stored state says of the only service. */
static struct acc_rollout_record restored(struct acc_model *model)
{
    struct acc_engine_options options = {.first_op = 1};
    struct acc_engine *engine = NULL;
    struct acc_service_record record;

    ck_assert_int_eq(acc_engine_create(model, &options, &engine), 0);
    accd_store_restore(store, engine);
    acc_engine_service_record(engine, 0, 0, &record);
    acc_engine_destroy(engine);
    return record.rollout;
}

/* A step's records are one transaction: none is on its way before the last one is there. */
START_TEST(what_is_gathered_waits_for_who_waits_for_it)
{
    struct acc_service_record record = {.id = "s/web"};

    accd_store_gather(store, true);
    accd_store_note(store, 1, ACC_NOTE_STATE, "s/web", "one");
    accd_store_save_service(store, &record);
    ck_assert_int_eq(uv_loop_alive(&loop), 0);
    accd_store_when_durable(store, then, one);
    ck_assert_int_ne(uv_loop_alive(&loop), 0);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_str_eq(order, "1");
    accd_store_note(store, 2, ACC_NOTE_STATE, "s/web", "two");
    ck_assert_int_eq(uv_loop_alive(&loop), 0);
    accd_store_gather(store, false);
    ck_assert_int_ne(uv_loop_alive(&loop), 0);
    uv_run(&loop, UV_RUN_DEFAULT);
    accd_store_history(store, NULL, 5, on_row, on_done, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_str_eq(order, "1one;two;end");
}
END_TEST

START_TEST(steps_of_a_rollout_are_kept_by_name)
{
    struct acc_model *model = model_build("s: web");
    struct acc_service_record record = {
        .id = "s/web", .wanted_up = true, .rollout = {.id = 3, .back_to = 2, .must_listen = true}};
    char path[sizeof(dir) + 16];
    sqlite3 *db = NULL;

    for (int step = ACC_ROLL_IDLE + 1; step < ACC_ROLL_STEP_COUNT; step++) {
        record.rollout.step = (enum acc_rollout_step)step;
        accd_store_save_service(store, &record);
        reopen();
        ck_assert_int_eq(restored(model).step, step);
        ck_assert_int_eq(restored(model).back_to, 2);
        ck_assert(restored(model).must_listen);
    }
    uv_run(&loop, UV_RUN_DEFAULT);
    store = accd_store_close(store);
    (void)snprintf(path, sizeof(path), "%s/state.db", dir);
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(
        sqlite3_exec(db, "UPDATE rollout SET step = 'levitate' WHERE step = 'needs-operator'", NULL,
                     NULL, NULL),
        SQLITE_OK);
    ck_assert_int_eq(sqlite3_changes(db), 1);
    sqlite3_close(db);
    open_store();
    ck_assert_int_eq(restored(model).step, ACC_ROLL_IDLE);
    acc_model_destroy(model);
}
END_TEST

START_TEST(what_failed_and_stayed_is_kept)
{
    struct acc_model *model = model_build("s: web");
    struct acc_service_record record = {.id = "s/web",
                                        .revision = 3,
                                        .bad_id = "sha256:3",
                                        .bad_image = "app:3",
                                        .failed = {.number = 2,
                                                   .image = "app:2",
                                                   .image_id = "sha256:2",
                                                   .digest = "sha256:d2",
                                                   .spec = "0123"}};
    struct acc_engine *engine;

    accd_store_save_service(store, &record);
    reopen();
    record = (struct acc_service_record){0};
    engine = engine_restored(model);
    acc_engine_service_record(engine, 0, 0, &record);
    ck_assert_uint_eq(record.revision, 3);
    ck_assert_str_eq(record.bad_id, "sha256:3");
    ck_assert_str_eq(record.bad_image, "app:3");
    ck_assert_uint_eq(record.failed.number, 2);
    ck_assert_str_eq(record.failed.image, "app:2");
    ck_assert_str_eq(record.failed.image_id, "sha256:2");
    ck_assert_str_eq(record.failed.digest, "sha256:d2");
    ck_assert_str_eq(record.failed.spec, "0123");
    engine = acc_engine_destroy(engine);
    acc_model_destroy(model);
}
END_TEST

START_TEST(history_is_read_oldest_first_and_by_service)
{
    accd_store_note(store, 1, ACC_NOTE_STATE, "a/b", "one");
    accd_store_note(store, 2, ACC_NOTE_STATE, "a/c", "two");
    accd_store_note(store, 3, ACC_NOTE_STATE, "a/b", "three");
    accd_store_history(store, NULL, 2, on_row, on_done, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_str_eq(order, "two;three;end");
    order[0] = '\0';
    accd_store_history(store, "a/b", 10, on_row, on_done, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_str_eq(order, "one;three;end");
}
END_TEST

static void on_revision(void *ctx, int64_t unix_ms, const struct acc_revision_record *record)
{
    char text[96];

    (void)ctx;
    snprintf(text, sizeof(text), record->is_attempt ? "(r%u %s %d);" : "r%u %s %d;",
             (unsigned)record->number, record->text, (int)unix_ms);
    strcat(order, text);
}

static void on_duration(void *ctx, int64_t unix_ms, const struct acc_revision_record *record)
{
    (void)ctx, (void)unix_ms;
    snprintf(order, sizeof(order), "r%u %d %.40s %d", (unsigned)record->number, (int)record->result,
             record->text, (int)record->took_ms);
}

/* Of one before the present one only its result is told. */
START_TEST(a_revision_keeps_what_is_not_told_of_it_again)
{
    struct acc_revision_record record = {.id = "s/a",
                                         .number = 2,
                                         .result = ACC_REV_TRIAL,
                                         .text = "its file changed",
                                         .took_ms = 2000};

    accd_store_save_revision(store, 1, &record);
    record.result = ACC_REV_STABLE;
    record.text[0] = '\0';
    record.took_ms = 0;
    accd_store_save_revision(store, 2, &record);
    accd_store_revisions(store, "s/a", on_duration, on_done, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_str_eq(order, "r2 1 its file changed 2000end");
}
END_TEST

/* What came to nothing has no number of its own, and takes none from what is there. */
START_TEST(attempts_are_kept_beside_the_revisions)
{
    struct acc_revision_record first = {.id = "s/a", .number = 1, .result = ACC_REV_STABLE},
                               second = {.id = "s/a", .number = 2, .result = ACC_REV_TRIAL},
                               attempt = {.id = "s/a",
                                          .number = 2,
                                          .is_attempt = true,
                                          .result = ACC_REV_FAILED,
                                          .text = "away"},
                               other = {.id = "s/b",
                                        .number = 2,
                                        .is_attempt = true,
                                        .result = ACC_REV_FAILED,
                                        .text = "away"};

    accd_store_save_revision(store, 1, &first);
    accd_store_save_revision(store, 2, &attempt);
    accd_store_save_revision(store, 3, &other);
    accd_store_save_revision(store, 4, &attempt); /* the same again is one */
    strcpy(attempt.text, "login");
    accd_store_save_revision(store, 5, &attempt);
    accd_store_save_revision(store, 6, &second);
    second.result = ACC_REV_STABLE;
    accd_store_save_revision(store, 7, &second); /* it keeps its time */
    reopen();
    accd_store_revisions(store, "s/a", on_revision, on_done, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_str_eq(order, "r2  6;(r2 login 5);(r2 away 4);r1  1;end");
    for (int i = 0; i < 3 * ACCD_STORE_ATTEMPTS_MAX; i++) {
        snprintf(attempt.text, sizeof(attempt.text), "%d", i);
        attempt.number = 3;
        accd_store_save_revision(store, 8 + i, &attempt);
    }
    order[0] = '\0';
    accd_store_revisions(store, "s/b", on_revision, on_done, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_str_eq(order, "(r2 away 3);end");
    order[0] = '\0';
    accd_store_revisions(store, "s/a", on_revision, on_done, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_ptr_nonnull(strstr(order, "(r3 29 37);"));
    ck_assert_ptr_nonnull(strstr(order, "(r3 20 28);r2  6;r1  1;end"));
}
END_TEST

START_TEST(a_second_daemon_on_the_same_state_is_refused)
{
    struct accd_store *second = NULL;
    char text[ACCD_STORE_ERROR_MAX] = "";

    ck_assert_int_eq(accd_store_open(&loop, dir, &second, text), -EBUSY);
    ck_assert_ptr_nonnull(strstr(text, "another accd"));
}
END_TEST

START_TEST(a_damaged_file_is_put_aside_and_a_new_one_begun)
{
    char path[128];

    uv_run(&loop, UV_RUN_DEFAULT);
    store = accd_store_close(store);
    snprintf(path, sizeof(path), "%s/state.db", dir);
    FILE *file = fopen(path, "w");

    for (int i = 0; i < 10000; i++) {
        fputs("rubbish ", file);
    }
    fclose(file);
    open_store();
    ck_assert_uint_eq(accd_store_next_op(store), 1);
    strcat(path, ".damaged");
    ck_assert_int_eq(access(path, F_OK), 0);
}
END_TEST

static void on_managed(void *ctx, const char *stack, bool has_left)
{
    (void)ctx;
    strcat(strcat(order, stack), has_left ? " left;" : ";");
}

START_TEST(stacks_that_were_managed_outlive_their_files)
{
    struct acc_stack_record gone = {.name = "gone"}, given = {.name = "given"};

    accd_store_save_stack(store, &gone);
    accd_store_save_stack(store, &given);
    given.observing = true;
    accd_store_save_stack(store, &given);
    reopen();
    accd_store_managed(store, on_managed, NULL);
    ck_assert_str_eq(order, "gone;");
    gone.has_left = true;
    accd_store_save_stack(store, &gone);
    reopen();
    order[0] = '\0';
    accd_store_managed(store, on_managed, NULL);
    ck_assert_str_eq(order, "gone left;");
}
END_TEST

static void check_private(void)
{
    static const char *const names[] = {"state.db", "state.db-wal", "state.db-shm"};
    struct stat st;
    char path[128];

    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
        ck_assert_int_eq(stat(path, &st), 0);
        ck_assert_msg((st.st_mode & 0777) == 0600, "%s: %o", names[i], st.st_mode & 0777);
    }
}

START_TEST(nobody_else_reads_what_is_kept)
{
    char path[128];
    struct stat st;

    check_private();
    uv_run(&loop, UV_RUN_DEFAULT);
    store = accd_store_close(store);
    snprintf(path, sizeof(path), "%s/state.db", dir);
    ck_assert_int_eq(chmod(path, 0644), 0); /* of an older accd */
    open_store();
    check_private();
    uv_run(&loop, UV_RUN_DEFAULT);
    store = accd_store_close(store);
    nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    open_store();
    ck_assert_int_eq(stat(dir, &st), 0);
    ck_assert_int_eq(st.st_mode & 0777, 0700);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store");
    TCase *tcase = tcase_create("store");
    SRunner *runner = srunner_create(suite);

    tcase_add_checked_fixture(tcase, setup, teardown);
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, without_a_file_it_goes_on_and_comes_back);
    tcase_add_test(tcase, effects_are_released_in_order_after_their_records);
    tcase_add_test(tcase, numbers_go_on_after_a_restart_and_unfinished_operations_are_seen);
    tcase_add_test(tcase, incidents_outlive_accd_newest_first_and_keep_their_numbers);
    tcase_add_test(tcase, open_incidents_outlive_accd_and_keep_their_numbers);
    tcase_add_test(tcase, the_rest_of_a_breaker_goes_on_while_accd_is_away);
    tcase_add_test(tcase, holds_outlive_accd);
    tcase_add_test(tcase, what_upgrades_by_itself_have_seen_outlives_accd);
    tcase_add_test(tcase, where_bind_sources_were_outlives_accd);
    tcase_add_test(tcase, what_is_gathered_waits_for_who_waits_for_it);
    tcase_add_test(tcase, steps_of_a_rollout_are_kept_by_name);
    tcase_add_test(tcase, what_failed_and_stayed_is_kept);
    tcase_add_test(tcase, history_is_read_oldest_first_and_by_service);
    tcase_add_test(tcase, a_revision_keeps_what_is_not_told_of_it_again);
    tcase_add_test(tcase, attempts_are_kept_beside_the_revisions);
    tcase_add_test(tcase, revisions_wait_for_room);
    tcase_add_test(tcase, a_second_daemon_on_the_same_state_is_refused);
    tcase_add_test(tcase, a_damaged_file_is_put_aside_and_a_new_one_begun);
    tcase_add_test(tcase, stacks_that_were_managed_outlive_their_files);
    tcase_add_test(tcase, nobody_else_reads_what_is_kept);
    srunner_run_all(runner, CK_NORMAL);
    int n_failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return n_failed > 0;
}
