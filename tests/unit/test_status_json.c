#include "lib/codec/status_json.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/puppet.h"

/* accd has run for 100 s; it is 2026-11-24T12:00:00Z. */
#define NOW_MS  100000u
#define UNIX_MS INT64_C(1795521600000)

static const uint32_t impact[] = {1};
static const struct acc_gpu_facts gpus[] = {{"gpu0", 25753026560, 1234}};
static const struct acc_usage usage[] = {{0.25, 123, 45}, {0, 0, 0}};
static const struct acc_host_facts facts = {
    .engine_version = "20.10.24",
    .engine_api = "1.41",
    .memory_total_bytes = 65498251264,
    .memory_used_bytes = 1000,
    .gpus = gpus,
    .n_gpus = 1,
    .usage = usage,
    .n_usage = 2,
};

/* postgres failed, grafana waits for it; a model with postgres' limits. */
static struct acc_model model;

static void set_up(void)
{
    static struct acc_node deploy, resources, limits, cpus, memory, root;
    static struct acc_service_spec spec = {.node = &root};
    static struct acc_service_spec *services[] = {&spec};
    static const char *files[] = {"/etc/acc/stacks/1.yaml"};
    static struct acc_stack stack = {.name = "acc", .files = files, .n_files = 1};
    static struct acc_stack *stacks[] = {&stack};
    struct acc_service_view *view;

    root = deploy = resources = limits = (struct acc_node){.type = ACC_NODE_MAP};
    cpus = (struct acc_node){.type = ACC_NODE_FLOAT, .text = "2.5", .number = 2.5};
    memory = (struct acc_node){.type = ACC_NODE_STRING, .text = "4294967296"};
    acc_node_put(&root, "deploy", (struct acc_srcpos){0}, &deploy);
    acc_node_put(&deploy, "resources", (struct acc_srcpos){0}, &resources);
    acc_node_put(&resources, "limits", (struct acc_srcpos){0}, &limits);
    acc_node_put(&limits, "cpus", (struct acc_srcpos){0}, &cpus);
    acc_node_put(&limits, "memory", (struct acc_srcpos){0}, &memory);
    model = (struct acc_model){
        .stacks = stacks, .n_stacks = 1, .services = services, .n_services = 1};

    puppet = (struct puppet){.connected = true};
    puppet_add("acc/postgres");
    puppet_add("acc/grafana");
    view = &puppet.service[0].view;
    view->phase = "foundation";
    view->tier = "base";
    view->state = ACC_SVC_FAILED;
    view->health = ACC_HEALTH_UNHEALTHY;
    view->evidence = ACC_EVIDENCE_CHECK;
    view->since_ms = 88000;
    view->n_restarts = 3;
    view->image = "postgres:17";
    strcpy(view->reason, "said \"no\"\x1b[31m\xff");
    puppet.service[0].instance = (struct acc_instance_view){.slot = 1,
                                                            .state = ACC_INST_EXITED,
                                                            .name = "acc-postgres-1",
                                                            .cid = "0123",
                                                            .pid = 7,
                                                            .started_ns = (UNIX_MS - 60000) *
                                                                          1000000,
                                                            .image_id = "sha256:aa",
                                                            .image = "postgres:17.2"};
    view = &puppet.service[1].view;
    view->state = ACC_SVC_BLOCKED;
    view->health = ACC_HEALTH_UNKNOWN;
    view->since_ms = (uint64_t)0 - 1000; /* before accd's start: its clock has no such time */
    view->n_roots = 1;
    view->n_instances = 0;
    puppet.incident[0] = (struct acc_incident_view){.id = 9,
                                                    .root = "acc/postgres",
                                                    .since_ms = 90000,
                                                    .open = true,
                                                    .notified = true,
                                                    .cause = "exited with 1",
                                                    .impact = impact,
                                                    .n_impact = 1,
                                                    .n_suffer = 1,
                                                    .n_peak = 2};
    puppet.n_incidents = 1;
}

static const struct acc_docker_diff_line lines[] = {{false, "image a:1 -> a:2"},
                                                    {true, "memory none -> 64 MiB"}};

static bool differences_of(void *ctx, const char *cid, struct acc_differences *ret)
{
    (void)ctx;
    *ret = (struct acc_differences){.line = lines, .n = 2};
    return strcmp(cid, "0123") == 0;
}

static const struct acc_view *view_now(void)
{
    static struct acc_view view;

    view = (struct acc_view){.engine = puppet_engine(),
                             .model = &model,
                             .differences = differences_of,
                             .now_ms = NOW_MS,
                             .unix_ms = UNIX_MS};
    return &view;
}

#define ENGINE                                                                                     \
    "{\"parameters\":{\"engine\":{\"connected\":true,\"version\":\"20.10.24\",\"api\":\"1.41\"},"  \
    "\"host\":{\"memory\":{\"total\":65498251264,\"used\":1000}},"
#define POSTGRES                                                                                   \
    "{\"id\":\"acc/postgres\",\"stack\":\"acc\",\"name\":\"postgres\",\"phase\":\"foundation\","   \
    "\"tier\":\"base\",\"desired\":\"up\",\"state\":\"failed\",\"health\":\"unhealthy\","          \
    "\"evidence\":\"check\",\"since\":\"2026-11-24T11:59:48Z\",\"reason\":\"said "                 \
    "\\\"no\\\"\\u001b[31m\xef\xbf\xbd\","                                                         \
    "\"root\":[],\"restarts\":3,\"revision\":0,\"image\":\"postgres:17\",\"image_running\":"       \
    "\"postgres:17.2\","                                                                           \
    "\"digest\":\"sha256:aa\",\"removed\":false,\"instances\":[{\"name\":\"acc-postgres-1\","      \
    "\"id\":\"0123\",\"state\":\"exited\",\"pid\":7,\"started_at\":\"2026-11-24T11:59:00Z\","      \
    "\"differs\":false,\"differences\":[],\"stale\":false}],\"resources\":{\"cpu\":{\"reserved\":" \
    "2.5,\"used\":0.25},"                                                                          \
    "\"memory\":{\"reserved\":4294967296,\"used\":123},\"vram\":{\"reserved\":0,\"used\":45}}}"
#define GRAFANA                                                                                    \
    "{\"id\":\"acc/grafana\",\"stack\":\"acc\",\"name\":\"grafana\",\"phase\":\"\",\"tier\":\"\"," \
    "\"desired\":\"up\",\"state\":\"blocked\",\"health\":\"unknown\","                             \
    "\"evidence\":\"\",\"since\":\"2026-11-24T11:58:19Z\",\"reason\":\"\",\"root\":[\"acc/"        \
    "postgres\"],"                                                                                 \
    "\"restarts\":0,\"revision\":0,\"image\":\"img:1\",\"digest\":\"\",\"removed\":false,"         \
    "\"instances\":[],\"resources\":{\"cpu\":{\"reserved\":0,\"used\":0},"                         \
    "\"memory\":{\"reserved\":0,\"used\":0},\"vram\":{\"reserved\":0,\"used\":0}}}"
#define INCIDENTS                                                                                  \
    "\"incidents\":[{\"id\":9,\"root\":\"acc/postgres\",\"since\":\"2026-11-24T11:59:50Z\","       \
    "\"closed\":\"\",\"cause\":\"exited with 1\",\"impact\":[\"acc/grafana\"],"                    \
    "\"suffering\":1,\"peak\":2,\"open\":true,\"notified\":true}]}}"

START_TEST(status_is_what_the_interface_says)
{
    struct acc_buf out;

    acc_buf_init(&out, ACC_REPLY_MAX);
    ck_assert_int_eq(acc_status_put(view_now(), &facts, NULL, &out), 0);
    ck_assert_str_eq(out.data, ENGINE
                     "\"stacks\":[{\"name\":\"acc\",\"mode\":\"managing\",\"state_lost\":"
                     "false,\"files\":[\"/etc/acc/stacks/1.yaml\"]}],\"services\":[" POSTGRES
                     "," GRAFANA "],\"gpus\":[{\"name\":\"gpu0\",\"vram\":{\"total\":25753026560,"
                     "\"used\":1234}}]," INCIDENTS);
    acc_buf_fini(&out);
}
END_TEST

START_TEST(upgrades_by_itself_are_told_with_their_times)
{
    struct acc_buf out;

    acc_buf_init(&out, ACC_REPLY_MAX);
    puppet.service[1].autos = (struct acc_auto_view){.is_set = true,
                                                     .is_pending = true,
                                                     .next_s = 1764000000,
                                                     .digest = "sha256:0",
                                                     .seen_s = 1763900000,
                                                     .ripe_s = 1764159200,
                                                     .reason = "it is off"};
    ck_assert_int_eq(acc_status_put(view_now(), &facts, NULL, &out), 0);
    ck_assert_ptr_nonnull(
        strstr(out.data, "\"auto\":{\"next\":\"2025-11-24T16:00:00Z\",\"pending\":true,\"digest\":"
                         "\"sha256:0\",\"seen\":\"2025-11-23T12:13:20Z\",\"ripe\":"
                         "\"2025-11-26T12:13:20Z\",\"taken\":\"\",\"reason\":\"it is off\"}"));
    acc_buf_fini(&out);
}
END_TEST

START_TEST(a_hold_is_told_with_its_end)
{
    struct acc_buf out;

    acc_buf_init(&out, ACC_REPLY_MAX);
    puppet.service[1].view.hold = (struct acc_hold_record){
        .kind = ACC_HOLD_UP, .by = "root", .reason = "disk", .left_ms = 60000};
    puppet.maintenance = (struct acc_hold_record){.kind = ACC_HOLD_FREEZE, .by = "uid 1000"};
    ck_assert_int_eq(acc_status_put(view_now(), &facts, NULL, &out), 0);
    ck_assert_ptr_nonnull(strstr(out.data, "\"removed\":false,\"hold\":{\"kind\":\"up\",\"by\":"
                                           "\"root\",\"reason\":\"disk\",\"until\":"
                                           "\"2026-11-24T12:01:00Z\"},\"instances\":[]"));
    ck_assert_ptr_nonnull(strstr(out.data, "\"maintenance\":{\"kind\":\"freeze\",\"by\":\"uid "
                                           "1000\",\"reason\":\"\",\"until\":\"\"}"));
    acc_buf_fini(&out);
}
END_TEST

START_TEST(stacks_that_no_file_has_are_told)
{
    static const struct acc_unlisted lost = {.name = "media", .n_containers = 3, .n_running = 2};
    static char pattern[] = "/opt/stack/*.yaml";
    static char *const patterns[] = {pattern};
    struct acc_view view = *view_now();
    struct acc_buf out;

    acc_buf_init(&out, ACC_REPLY_MAX);
    view.unlisted = (struct acc_unlisted_list){
        .item = &lost, .n = 1, .pattern = patterns, .n_patterns = 1, .left = patterns, .n_left = 1};
    ck_assert_int_eq(acc_status_put(&view, &facts, NULL, &out), 0);
    ck_assert_ptr_nonnull(strstr(out.data, "\"unlisted\":[{\"name\":\"media\",\"containers\":3,"
                                           "\"running\":2}],\"left\":[\"/opt/stack/*.yaml\"],"
                                           "\"unmatched\":[\"/opt/stack/*.yaml\"]"));
    acc_buf_fini(&out);
}
END_TEST

START_TEST(stacks_whose_files_do_not_load_are_told)
{
    static const struct acc_unlisted bad = {
        .name = "media", .problem = "/s/media/compose.yaml:3:5: no", .n_errors = 2};
    struct acc_view view = *view_now();
    struct acc_buf out;

    acc_buf_init(&out, ACC_REPLY_MAX);
    view.unlisted = (struct acc_unlisted_list){.item = &bad, .n = 1};
    ck_assert_int_eq(acc_status_put(&view, &facts, NULL, &out), 0);
    ck_assert_ptr_nonnull(strstr(out.data,
                                 "\"unlisted\":[{\"name\":\"media\",\"containers\":0,"
                                 "\"running\":0,\"problem\":\"/s/media/compose.yaml:3:5: no\","
                                 "\"errors\":2}]"));
    acc_buf_fini(&out);
}
END_TEST

/* To who asks for those that use them. */
START_TEST(networks_that_are_otherwise_are_told)
{
    static char users[] = "acc/postgres", both[] = "media/web\nacc/grafana", stack[] = "media";
    struct acc_docker_diff_line line = {.text = "internal: false -> true"};
    struct acc_plan_row row[] = {
        {.service = "network a", .what = ACC_PLAN_KEEP, .line = &line, .n = 1, .users = users},
        {.service = "volume b", .what = ACC_PLAN_KEEP, .line = &line, .n = 1, .users = both},
        {.service = "volume c", .what = ACC_PLAN_KEEP, .line = &line, .n = 1, .users = stack},
    };
    const struct acc_plan found = {.row = row, .n = 3};
    uint8_t selected[PUPPET_MAX] = {1}; /* acc/postgres */
    struct acc_view view = *view_now();
    struct acc_buf out;

    acc_buf_init(&out, ACC_REPLY_MAX);
    view.resources = &found;
    ck_assert_int_eq(acc_status_put(&view, &facts, selected, &out), 0);
    ck_assert_ptr_nonnull(strstr(out.data,
                                 "\"resources\":[{\"service\":\"network a\",\"action\":\"keep\","
                                 "\"reasons\":[{\"text\":\"internal: false -> true\",\"live\":"
                                 "false}]}]"));
    acc_buf_reset(&out);
    ck_assert_int_eq(acc_status_put(&view, &facts, NULL, &out), 0);
    ck_assert_ptr_nonnull(strstr(out.data, "\"volume c\""));
    acc_buf_reset(&out);
    memset(selected, 0, sizeof(selected));
    ck_assert_int_eq(acc_status_put(&view, &facts, selected, &out), 0);
    ck_assert_ptr_null(strstr(out.data, "\"resources\""));
    acc_buf_fini(&out);
}
END_TEST

START_TEST(a_host_that_goes_down_is_told)
{
    struct acc_buf out;

    acc_buf_init(&out, ACC_REPLY_MAX);
    ck_assert_int_eq(acc_status_put(view_now(), &facts, NULL, &out), 0);
    ck_assert_ptr_null(strstr(out.data, "\"shutdown\""));
    acc_buf_reset(&out);
    puppet.shutdown = (struct acc_shutdown_view){.is_on = true, .left_ms = 4000, .n_left = 2};
    ck_assert_int_eq(acc_status_put(view_now(), &facts, NULL, &out), 0);
    ck_assert_ptr_nonnull(
        strstr(out.data, "\"shutdown\":{\"running\":2,\"until\":\"2026-11-24T12:00:04Z\"}"));
    acc_buf_reset(&out);
    puppet.shutdown = (struct acc_shutdown_view){.is_on = true, .is_over = true, .left_ms = 4000};
    ck_assert_int_eq(acc_status_put(view_now(), &facts, NULL, &out), 0);
    ck_assert_ptr_nonnull(strstr(out.data, "\"shutdown\":{\"running\":0,\"until\":\"\"}"));
    acc_buf_fini(&out);
}
END_TEST

START_TEST(status_of_some_has_only_their_stacks)
{
    uint8_t selected[PUPPET_MAX] = {0, 0, 1};
    struct acc_buf out;

    puppet_add("media/jelly");
    puppet.observing[1] = true;
    acc_buf_init(&out, ACC_REPLY_MAX);
    ck_assert_int_eq(acc_status_put(view_now(), &facts, selected, &out), 0);
    ck_assert(strstr(out.data,
                     "\"stacks\":[{\"name\":\"media\",\"mode\":\"observing\",\"state_lost\":"
                     "false,\"files\":[]}],\"services\":[{\"id\":\"media/jelly\"") != NULL);
    ck_assert(!strstr(out.data, "\"acc/grafana\",\"stack\""));
    acc_buf_fini(&out);
}
END_TEST

START_TEST(incidents_have_their_end)
{
    struct acc_buf out;

    puppet.incident[0].open = false;
    puppet.incident[0].closed_ms = 99000;
    acc_buf_init(&out, ACC_REPLY_MAX);
    ck_assert_int_eq(acc_incidents_put(view_now(), NULL, 0, &out), 0);
    ck_assert_str_eq(out.data,
                     "{\"parameters\":{\"incidents\":[{\"id\":9,\"root\":\"acc/postgres\","
                     "\"since\":\"2026-11-24T11:59:50Z\",\"closed\":\"2026-11-24T11:59:59Z\","
                     "\"cause\":\"exited with 1\",\"impact\":[\"acc/grafana\"],"
                     "\"suffering\":1,\"peak\":2,\"open\":false,\"notified\":true}]}}");
    acc_buf_fini(&out);
}
END_TEST

START_TEST(incidents_of_before_come_last)
{
    const struct acc_past_incident past = {.id = 3,
                                           .opened_unix_ms = 1000,
                                           .closed_unix_ms = 61000,
                                           .n_peak = 4,
                                           .root = "acc/redis",
                                           .cause = "exited with 2"};
    struct acc_buf out;

    acc_buf_init(&out, ACC_REPLY_MAX);
    ck_assert_int_eq(acc_incidents_put(view_now(), &past, 1, &out), 0);
    ck_assert_ptr_nonnull(strstr(out.data, "\"root\":\"acc/postgres\""));
    ck_assert_ptr_nonnull(
        strstr(out.data, ",{\"id\":3,\"root\":\"acc/redis\",\"since\":\"1970-01-01T00:00:01Z\","
                         "\"closed\":\"1970-01-01T00:01:01Z\",\"cause\":\"exited with 2\","
                         "\"impact\":[],\"suffering\":0,\"peak\":4,\"open\":false,"
                         "\"notified\":true}]}}"));
    acc_buf_fini(&out);
}
END_TEST

START_TEST(why_of_a_stack_leaves_out_what_is_well)
{
    uint8_t selected[PUPPET_MAX] = {1, 1, 1};
    struct acc_buf out;

    puppet_add("acc/loki");
    puppet.service[0].why = "It failed.";
    puppet.service[1].why = "It waits.";
    acc_buf_init(&out, ACC_REPLY_MAX);
    ck_assert_int_eq(acc_why_put(view_now(), selected, true, &out), 0);
    ck_assert_str_eq(out.data, "{\"parameters\":{\"answers\":[{\"service\":\"acc/postgres\","
                               "\"text\":\"It failed.\"},{\"service\":\"acc/grafana\",\"text\":"
                               "\"It waits.\"}]}}");
    acc_buf_reset(&out);
    selected[0] = selected[1] = 0;
    ck_assert_int_eq(acc_why_put(view_now(), selected, false, &out), 0);
    ck_assert_str_eq(out.data, "{\"parameters\":{\"answers\":[{\"service\":\"acc/loki\",\"text\":"
                               "\"It is up.\"}]}}");
    acc_buf_fini(&out);
}
END_TEST

START_TEST(what_differs_is_told_by_status_why_and_the_verbs)
{
    uint8_t selected[PUPPET_MAX] = {1};
    struct acc_progress_row row = {.svc = 0, .selected = true, .settled = true};
    struct acc_stacks_told none = {0};
    struct acc_buf out;

    puppet.service[0].why = "It is up.";
    puppet.service[0].view.state = ACC_SVC_UP;
    puppet.service[0].instance.differs = true;
    acc_buf_init(&out, ACC_REPLY_MAX);
    ck_assert_int_eq(acc_status_put(view_now(), &facts, selected, &out), 0);
    ck_assert_ptr_nonnull(
        strstr(out.data, "\"differs\":true,\"differences\":[{\"text\":\"image a:1 -> a:2\","
                         "\"live\":false},{\"text\":\"memory none -> 64 MiB\",\"live\":true}]"));
    acc_buf_reset(&out);
    ck_assert_int_eq(acc_why_put(view_now(), selected, true, &out), 0); /* well, and yet told */
    ck_assert_str_eq(out.data, "{\"parameters\":{\"answers\":[{\"service\":\"acc/postgres\","
                               "\"text\":\"It is up. acc-postgres-1 differs from the file: image "
                               "a:1 -> a:2; memory none -> 64 MiB.\"}]}}");
    acc_buf_reset(&out);
    ck_assert_int_eq(acc_progress_put(view_now(), &row, 1, &none, false, &out), 0);
    ck_assert_ptr_nonnull(strstr(out.data, "\"differences\":[{\"text\":\"image a:1 -> a:2\""));
    acc_buf_fini(&out);
}
END_TEST

START_TEST(a_reply_beyond_its_cap_is_refused_whole)
{
    struct acc_buf out;

    acc_buf_init(&out, 100);
    ck_assert_int_lt(acc_status_put(view_now(), &facts, NULL, &out), 0);
    acc_buf_fini(&out);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("status_json");
    TCase *tcase = tcase_create("status_json");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, tcase);
    tcase_add_checked_fixture(tcase, set_up, NULL);
    tcase_add_test(tcase, status_is_what_the_interface_says);
    tcase_add_test(tcase, a_hold_is_told_with_its_end);
    tcase_add_test(tcase, upgrades_by_itself_are_told_with_their_times);
    tcase_add_test(tcase, a_host_that_goes_down_is_told);
    tcase_add_test(tcase, stacks_that_no_file_has_are_told);
    tcase_add_test(tcase, stacks_whose_files_do_not_load_are_told);
    tcase_add_test(tcase, networks_that_are_otherwise_are_told);
    tcase_add_test(tcase, status_of_some_has_only_their_stacks);
    tcase_add_test(tcase, incidents_have_their_end);
    tcase_add_test(tcase, incidents_of_before_come_last);
    tcase_add_test(tcase, why_of_a_stack_leaves_out_what_is_well);
    tcase_add_test(tcase, what_differs_is_told_by_status_why_and_the_verbs);
    tcase_add_test(tcase, a_reply_beyond_its_cap_is_refused_whole);
    srunner_run_all(runner, CK_NORMAL);
    int n_failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return n_failed > 0;
}
