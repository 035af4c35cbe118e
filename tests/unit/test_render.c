#include "client/render.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/cmd.h"
#include "client/progress.h"
#include "client/render_auto.h"
#include "client/render_status.h"
#include "lib/base/assert.h"
#include "lib/codec/json_get.h"

/* 2026-11-24T12:00:00Z */
#define NOW_MS INT64_C(1795521600000)

static const struct accctl_style pipe_style = {.now_ms = NOW_MS};

static const struct {
    const char *text;
    size_t width;
    const char *cut; /* to six columns */
} texts[] = {
    {"plain", 5, "plain"},
    {"sixsix", 6, "sixsix"},
    {"seven77", 7, "seven…"},
    {"caf\xc3\xa9", 4, "caf\xc3\xa9"},
    {"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe8\xaa\x9e", 8, "\xe6\x97\xa5\xe6\x9c\xac…"},
    {"e\xcc\x81t\xc3\xa9", 3, "e\xcc\x81t\xc3\xa9"},
    {"a\033[31m", 6, "a [31m"},
    {"a\nb\tc\x7f", 6, "a b c "},
    {"\xc2\x9b"
     "1m",
     3, " 1m"},
    {"\xff\xfe", 2, "  "},
};

START_TEST(text_is_measured_and_cut_by_columns)
{
    struct acc_buf out;

    acc_buf_init(&out, 1000);
    ck_assert_uint_eq(accctl_width(texts[_i].text), texts[_i].width);
    accctl_put_text(&out, texts[_i].text, 6);
    ck_assert_str_eq(out.data, texts[_i].cut);
    acc_buf_fini(&out);
}
END_TEST

START_TEST(tables_align_and_cut_only_on_a_terminal)
{
    struct accctl_style narrow = {.width = 20, .height = 24, .color = true};
    struct accctl_table *table = accctl_table_create(3, "");
    struct acc_buf out;

    acc_buf_init(&out, 1000);
    accctl_table_row(table, ACCCTL_RED, 1);
    accctl_table_cell(table, "caf\xc3\xa9");
    accctl_table_cell(table, "up");
    accctl_table_cell(table, "a long reason");
    accctl_table_row(table, ACCCTL_PLAIN, 0);
    accctl_table_cell(table, "x");
    accctl_table_cell(table, "failed");
    accctl_table_put(table, &pipe_style, &out);
    ck_assert_str_eq(out.data, "caf\xc3\xa9  up      a long reason\n"
                               "x     failed\n");
    acc_buf_reset(&out);
    ck_assert(accctl_table_put(table, &narrow, &out));
    ck_assert_str_eq(out.data, "caf\xc3\xa9  \033[31mup\033[0m      a lon…\n"
                               "x     failed\n");
    acc_buf_reset(&out);
    accctl_table_titles(table, (const char *const[]){"n", "s", "reasons"}, 3);
    accctl_table_fold(table);
    ck_assert(!accctl_table_put(table, &narrow, &out));
    ck_assert_str_eq(out.data, "caf\xc3\xa9  \033[31mup\033[0m\n"
                               "    a long reason\n"
                               "x     failed\n"
                               "\033[2mn\033[0m     \033[2ms\033[0m\n");
    accctl_table_destroy(table);
    acc_buf_fini(&out);
}
END_TEST

#define SERVICE(stack, name, desired, state, since, reason, root)                                  \
    "{\"id\":\"" stack "/" name "\",\"stack\":\"" stack "\",\"name\":\"" name                      \
    "\",\"desired\":\"" desired "\",\"state\":\"" state                                            \
    "\",\"health\":\"none\",\"since\":\"" since "\",\"reason\":\"" reason "\",\"root\":[" root     \
    "],\"restarts\":2,\"image\":\"img:1\",\"instances\":[]}"

static const char status_text[] =
    "{\"engine\":{\"connected\":true,\"version\":\"20.10.24\",\"api\":\"1.41\"},"
    "\"host\":{\"memory\":{\"total\":65498251264,\"used\":13207024435}},"
    "\"gpus\":[{\"name\":\"gpu0\",\"vram\":{\"total\":25753026560,\"used\":1073741824}}],"
    "\"stacks\":[{\"name\":\"acc\",\"mode\":\"managing\"},{\"name\":\"media\",\"mode\":"
    "\"observing\"},{\"name\":\"new\",\"mode\":\"managing\"}],"
    "\"services\":[" SERVICE("acc", "grafana", "up", "blocked", "2026-11-24T11:59:40Z", "needs postgres, which is in backoff", "\"acc/postgres\"") "," SERVICE(
        "acc", "loki", "up", "up", "2026-11-24T09:00:00Z", "",
        "") "," SERVICE("acc", "postgres", "up", "backoff", "2026-11-24T11:59:48Z", "exited with 1",
                        "") "," SERVICE("acc", "spare", "off", "off", "2026-11-24T09:00:00Z", "",
                                        "") "," SERVICE("media", "jelly", "up", "up",
                                                        "2026-11-20T12:00:00Z", "",
                                                        "") "," SERVICE("new", "db", "up",
                                                                        "starting",
                                                                        "2026-11-24T11:59:59Z", "",
                                                                        "") "," SERVICE("new",
                                                                                        "web", "up",
                                                                                        "blocked",
                                                                                        "2026-11-"
                                                                                        "24T11:59:"
                                                                                        "59Z",
                                                                                        "needs db",
                                                                                        "\"new/"
                                                                                        "db\"") "]"
                                                                                                "}";

static cJSON *status(void)
{
    cJSON *json = NULL;

    ck_assert_int_eq(acc_json_parse_object(status_text, strlen(status_text), &json), 0);
    return json;
}

/* `now` is 2026-11-24 12:00 UTC, a Tuesday. */
static const struct {
    const char *autos, *want;
} auto_lines[] = {
    {"{\"next\":\"2026-11-29T03:00:00Z\",\"pending\":false,\"reason\":\"\"}",
     "\nauto: next Sun 03:00, 0 pending\n"},
    {"{\"next\":\"2026-11-24T11:00:00Z\",\"pending\":true,\"ripe\":\"2026-11-23T00:00:00Z\","
     "\"taken\":\"2026-11-24T12:00:00Z\",\"reason\":\"mail is being upgraded\"}",
     "\nauto: open now, 1 pending (s/a waits: mail is being upgraded)\n"},
    {"{\"next\":\"2026-11-29T03:00:00Z\",\"pending\":true,\"ripe\":\"2026-11-26T14:10:00Z\","
     "\"taken\":\"2026-11-29T03:00:00Z\",\"reason\":\"\"}",
     "\nauto: next Sun 03:00, 1 pending (s/a min_age until Thu 14:10, comes Sun 03:00)\n"},
    {"{\"next\":\"2026-11-29T03:00:00Z\",\"pending\":true,\"ripe\":\"2026-12-06T03:00:00Z\","
     "\"taken\":\"2026-12-06T03:00:00Z\",\"reason\":\"\"}",
     "\nauto: next Sun 03:00, 1 pending (s/a min_age until 2026-12-06 03:00)\n"},
    {"{\"next\":\"\",\"pending\":false,\"reason\":\"\"}", ""},
};

START_TEST(upgrades_by_itself_have_a_line)
{
    char text[600];
    struct acc_buf out;
    cJSON *json = NULL;

    ck_assert_int_eq(setenv("TZ", "UTC", 1), 0);
    (void)snprintf(text, sizeof(text),
                   "{\"services\":[{\"id\":\"s/a\",\"auto\":%s},{\"id\":\"s/b\"}]}",
                   auto_lines[_i].autos);
    ck_assert_int_eq(acc_json_parse_object(text, strlen(text), &json), 0);
    acc_buf_init(&out, 10000);
    accctl_put_autos(json, &pipe_style, &out);
    ck_assert_str_eq(out.data ? out.data : "", auto_lines[_i].want);
    acc_buf_fini(&out);
    cJSON_Delete(json);
}
END_TEST

START_TEST(what_has_failed_when_the_time_is_over_is_not_waited_for)
{
    static const char text[] =
        "{\"error\":\"io.acc.TimedOut\",\"parameters\":{\"pending\":["
        "{\"service\":\"s/a\",\"reason\":\"was rolled back to r1\",\"refused\":false},"
        "{\"service\":\"s/b\",\"reason\":\"starting\",\"refused\":false},"
        "{\"service\":\"s/c\",\"reason\":\"is held down by root\",\"refused\":true}],"
        "\"progress\":[{\"service\":\"s/a\",\"settled\":true},"
        "{\"service\":\"s/b\",\"settled\":false},{\"service\":\"s/c\",\"settled\":true}]}}";
    static const struct accctl_options options;
    char *got = NULL;
    size_t len;
    struct accctl ctl = {.options = &options, .err = open_memstream(&got, &len)};
    cJSON *json = NULL;

    ck_assert_int_eq(acc_json_parse_object(text, strlen(text), &json), 0);
    ck_assert_int_eq(accctl_tell_error(&ctl, json), ACCCTL_TIMED_OUT);
    (void)fclose(ctl.err);
    ck_assert_str_eq(got, "accctl: s/a: was rolled back to r1\n"
                          "accctl: s/b isn't there yet: starting\n"
                          "accctl: refused: s/c is held down by root\n"
                          "accctl: timed out; accd goes on with it\n");
    free(got);
    cJSON_Delete(json);
}
END_TEST

START_TEST(a_reason_that_is_cut_says_where_all_of_it_stands)
{
    struct accctl_style style = {.width = 50, .height = 24, .now_ms = NOW_MS};
    cJSON *root = status();
    struct acc_buf out;

    acc_buf_init(&out, 10000);
    accctl_put_overview(root, &style, &out);
    ck_assert_ptr_nonnull(strstr(out.data, "acc/grafana   blocked  20 s\n"
                                           "    needs postgres, which is in backoff\n"));
    ck_assert_ptr_null(strstr(out.data, "in full"));
    style.width = 30;
    acc_buf_reset(&out);
    accctl_put_overview(root, &style, &out);
    ck_assert_ptr_nonnull(strstr(out.data, "\n    needs postgres, which is …\n"
                                           "in full: accctl why SERVICE\n"));
    cJSON_Delete(root);
    acc_buf_fini(&out);
}
END_TEST

START_TEST(overview_has_roots_before_symptoms_and_a_line_per_stack)
{
    cJSON *json = status();
    struct acc_buf out;

    acc_buf_init(&out, 10000);
    accctl_put_overview(json, &pipe_style, &out);
    ck_assert_str_eq(out.data,
                     "Docker 20.10.24 (API 1.41)   memory 12 GiB of 61 GiB   gpu0 VRAM 1.0 GiB of "
                     "24 GiB\n"
                     "\n"
                     "acc/postgres  backoff  12 s  exited with 1\n"
                     "acc/grafana   blocked  20 s  needs postgres, which is in backoff\n"
                     "\n"
                     "acc    managing   1 of 3 up, 1 off         postgres: backoff 12 s\n"
                     "media  observing  1 of 1 up\n"
                     "new    managing   0 of 2 up, 2 on the way\n"
                     "media is only observed, nothing of it is touched; take it over: accctl "
                     "adopt media\n");
    cJSON_ReplaceItemInObject(cJSON_GetArrayItem(cJSON_GetObjectItem(json, "stacks"), 2), "mode",
                              cJSON_CreateString("observing"));
    acc_buf_reset(&out);
    accctl_put_overview(json, &pipe_style, &out);
    ck_assert_ptr_nonnull(strstr(out.data, "\nmedia, new are only observed, nothing of them is "
                                           "touched; take over: accctl adopt [STACK]\n"));
    acc_buf_fini(&out);
    cJSON_Delete(json);
}
END_TEST

START_TEST(whose_old_one_serves_is_a_problem_and_counts_as_up)
{
    cJSON *json = status();
    cJSON *service;
    struct acc_buf out;

    cJSON_ArrayForEach(service, cJSON_GetObjectItem(json, "services"))
    {
        if (strcmp(cJSON_GetObjectItem(service, "id")->valuestring, "acc/postgres") == 0) {
            cJSON_ReplaceItemInObject(service, "state", cJSON_CreateString("failed"));
            cJSON_AddTrueToObject(service, "old_serves");
        }
    }
    acc_buf_init(&out, 10000);
    accctl_put_overview(json, &pipe_style, &out);
    ck_assert_ptr_nonnull(strstr(out.data, "acc/postgres  failed   12 s"));
    ck_assert_ptr_nonnull(strstr(out.data, "2 of 3 up, 1 off         postgres: failed 12 s\n"));
    acc_buf_fini(&out);
    cJSON_Delete(json);
}
END_TEST

/* It looks like an outage otherwise; and what is only watched is not over. */
START_TEST(who_serves_amid_its_upgrade_counts_as_up)
{
    cJSON *json = status();
    cJSON *service;
    struct acc_buf out;

    cJSON_ArrayForEach(service, cJSON_GetObjectItem(json, "services"))
    {
        cJSON_ReplaceItemInObject(service, "desired", cJSON_CreateString("up"));
        cJSON_ReplaceItemInObject(service, "state", cJSON_CreateString("up"));
        if (strcmp(cJSON_GetObjectItem(service, "id")->valuestring, "acc/postgres") == 0) {
            cJSON_ReplaceItemInObject(service, "state", cJSON_CreateString("upgrading"));
            cJSON_ReplaceItemInObject(service, "reason", cJSON_CreateString("waits for its turn"));
            cJSON_AddTrueToObject(service, "serves");
        } else if (strcmp(cJSON_GetObjectItem(service, "id")->valuestring, "acc/grafana") == 0) {
            cJSON_ReplaceItemInObject(service, "reason", cJSON_CreateString("r2 is watched"));
            cJSON_AddStringToObject(service, "step", "watch");
        }
    }
    acc_buf_init(&out, 10000);
    accctl_put_overview(json, &pipe_style, &out);
    ck_assert_msg(strstr(out.data, "upgrading  12 s  waits for its turn"), "%s", out.data);
    ck_assert_msg(strstr(out.data, "r2 is watched"), "%s", out.data);
    ck_assert_msg(strstr(out.data, "4 of 4 up, 1 being upgraded"), "%s", out.data);
    acc_buf_fini(&out);
    cJSON_Delete(json);
}
END_TEST

START_TEST(stacks_whose_files_are_gone_are_told_above_all)
{
    cJSON *json = status();
    cJSON *list = cJSON_AddArrayToObject(json, "unlisted");
    cJSON *one = cJSON_CreateObject();
    cJSON *two;
    struct acc_buf out;

    cJSON_AddStringToObject(one, "name", "core");
    cJSON_AddNumberToObject(one, "containers", 1);
    cJSON_AddNumberToObject(one, "running", 1);
    two = cJSON_Duplicate(one, true);
    cJSON_ReplaceItemInObject(two, "name", cJSON_CreateString("home"));
    cJSON_AddItemToArray(list, one);
    acc_buf_init(&out, 10000);
    accctl_put_overview(json, &pipe_style, &out);
    ck_assert_ptr_nonnull(strstr(
        out.data,
        "\ncore is managed, and no file is there of it any more: its 1 container (1 runs) is "
        "left alone, and nobody restarts it; put the files back, or mend acc.yaml, then: "
        "accctl apply\n"));
    cJSON_AddItemToArray(list, two);
    cJSON_AddItemToArray(cJSON_AddArrayToObject(json, "unmatched"),
                         cJSON_CreateString("/s/*.yaml"));
    acc_buf_reset(&out);
    accctl_put_overview(json, &pipe_style, &out);
    ck_assert_ptr_nonnull(
        strstr(out.data, "\ncore, home are managed, and no file is there of them any more: their 2 "
                         "containers (2 run) are left alone, and nobody restarts them; no file "
                         "matches /s/*.yaml; put the files back"));
    acc_buf_fini(&out);
    cJSON_Delete(json);
}
END_TEST

START_TEST(stacks_whose_files_do_not_load_are_told_above_all)
{
    cJSON *json = status();
    cJSON *list = cJSON_AddArrayToObject(json, "unlisted");
    cJSON *bad = cJSON_CreateObject();
    struct acc_buf out;

    cJSON_AddStringToObject(bad, "name", "core");
    cJSON_AddNumberToObject(bad, "containers", 0);
    cJSON_AddNumberToObject(bad, "running", 0);
    cJSON_AddStringToObject(bad, "problem", "/s/core/compose.yaml:3:5: unknown key 'a'");
    cJSON_AddNumberToObject(bad, "errors", 1);
    cJSON_AddItemToArray(list, bad);
    acc_buf_init(&out, 10000);
    accctl_put_overview(json, &pipe_style, &out);
    ck_assert_ptr_nonnull(strstr(
        out.data, "\ncore is not loaded: /s/core/compose.yaml:3:5: unknown key 'a'; nothing of it "
                  "is started; mend it, then: accctl apply\n"));
    ck_assert_ptr_null(strstr(out.data, "no file is there"));
    cJSON_SetNumberValue(cJSON_GetObjectItem(bad, "containers"), 2);
    cJSON_SetNumberValue(cJSON_GetObjectItem(bad, "errors"), 3);
    acc_buf_reset(&out);
    accctl_put_overview(json, &pipe_style, &out);
    ck_assert_ptr_nonnull(strstr(
        out.data, "unknown key 'a' (and 2 more: accctl check); its 2 containers (0 run) are left "
                  "alone, and nobody restarts them; mend it, then: accctl apply\n"));
    acc_buf_fini(&out);
    cJSON_Delete(json);
}
END_TEST

START_TEST(networks_that_are_otherwise_are_told_above_all)
{
    cJSON *json = status();
    struct acc_buf out;

    cJSON_AddItemToObject(
        json, "resources",
        cJSON_Parse("[{\"service\":\"network a_n\",\"action\":\"keep\",\"reasons\":["
                    "{\"text\":\"internal: false -> true\"},{\"text\":\"label x "
                    "added\"},{\"text\":\"it stays\"}]}]"));
    acc_buf_init(&out, 10000);
    accctl_put_overview(json, &pipe_style, &out);
    ck_assert_ptr_nonnull(strstr(out.data,
                                 "\nnetwork a_n isn't as its file says: internal: false -> "
                                 "true, label x added; it stays\n"));
    acc_buf_fini(&out);
    cJSON_Delete(json);
}
END_TEST

START_TEST(a_lost_state_is_told_above_all)
{
    cJSON *json = status();
    cJSON *stacks = cJSON_GetObjectItem(json, "stacks");
    struct acc_buf out;

    (void)cJSON_AddBoolToObject(cJSON_GetArrayItem(stacks, 0), "state_lost", true);
    (void)cJSON_AddBoolToObject(cJSON_GetArrayItem(stacks, 1), "state_lost", true);
    (void)cJSON_ReplaceItemInObject(cJSON_GetArrayItem(stacks, 1), "mode",
                                    cJSON_CreateString("observing"));
    (void)cJSON_AddBoolToObject(cJSON_GetArrayItem(stacks, 2), "state_lost", true);
    acc_buf_init(&out, 10000);
    accctl_put_head(json, &pipe_style, &out);
    ck_assert_ptr_nonnull(strstr(out.data,
                                 "\nthe state was lost; acc, new went on by the labels of "
                                 "the containers: "));
    ck_assert_ptr_nonnull(strstr(out.data, "\nnobody restarts media: only observed, "));
    ck_assert_ptr_nonnull(strstr(out.data, "take over again: accctl adopt media\n"));
    acc_buf_fini(&out);
    cJSON_Delete(json);
}
END_TEST

START_TEST(a_root_on_its_way_back_is_listed_before_who_suffers)
{
    cJSON *json = status();
    cJSON *incident = cJSON_CreateObject();
    struct acc_buf out;

    (void)cJSON_AddStringToObject(incident, "root", "new/db");
    (void)cJSON_AddBoolToObject(incident, "open", true);
    (void)cJSON_AddItemToArray(cJSON_AddArrayToObject(json, "incidents"), incident);
    acc_buf_init(&out, 10000);
    accctl_put_overview(json, &pipe_style, &out);
    ck_assert_ptr_nonnull(strstr(out.data, "\nnew/db        starting  1 s\n"));
    ck_assert_ptr_nonnull(strstr(out.data, "new    managing   0 of 2 up, 2 on the way"));
    ck_assert(strstr(out.data, "\nnew/db ") < strstr(out.data, "\nacc/grafana "));
    cJSON_ReplaceItemInObject(incident, "open", cJSON_CreateFalse());
    acc_buf_reset(&out);
    accctl_put_overview(json, &pipe_style, &out);
    ck_assert_ptr_null(strstr(out.data, "\nnew/db "));
    acc_buf_fini(&out);
    cJSON_Delete(json);
}
END_TEST

START_TEST(upgrades_under_way_are_named_with_their_steps)
{
    cJSON *json = status();
    cJSON *loki = cJSON_GetArrayItem(cJSON_GetObjectItem(json, "services"), 1);
    struct acc_buf out;

    cJSON_ReplaceItemInObject(loki, "state", cJSON_CreateString("upgrading"));
    cJSON_ReplaceItemInObject(loki, "reason", cJSON_CreateString("to r2 start-first: verify"));
    acc_buf_init(&out, 10000);
    accctl_put_overview(json, &pipe_style, &out);
    ck_assert_ptr_nonnull(strstr(out.data, "acc/loki  upgrading  "));
    ck_assert_ptr_nonnull(strstr(out.data, "  to r2 start-first: verify\n"));
    acc_buf_fini(&out);
    cJSON_Delete(json);
}
END_TEST

START_TEST(holds_are_counted_and_told_with_their_end)
{
    cJSON *json = status();
    cJSON *hold = cJSON_Parse(
        "{\"kind\":\"up\",\"by\":\"root\",\"reason\":\"disk\",\"until\":\"\"}");
    cJSON *all = cJSON_Parse("{\"kind\":\"freeze\",\"by\":\"root\",\"reason\":\"\",\"until\":"
                             "\"2026-11-24T13:00:00Z\"}");
    cJSON *loki = cJSON_GetArrayItem(cJSON_GetObjectItem(json, "services"), 1);
    struct acc_buf out;

    ck_assert_int_eq(setenv("TZ", "CET-1", 1), 0);
    tzset();
    cJSON_AddItemToObject(loki, "hold", hold);
    cJSON_AddItemToObject(json, "maintenance", all);
    acc_buf_init(&out, 10000);
    accctl_put_overview(json, &pipe_style, &out);
    ck_assert_ptr_nonnull(strstr(out.data,
                                 "maintenance by root, until 14:00 (in 1 h 0 min); accctl "
                                 "maintenance off ends it\n"));
    ck_assert_ptr_nonnull(strstr(out.data, "1 of 3 up, 1 off, 1 held"));
    acc_buf_reset(&out);
    accctl_put_service(loki, NULL, &pipe_style, &out);
    ck_assert_ptr_nonnull(strstr(out.data, "up, by root: disk\n"));
    acc_buf_fini(&out);
    cJSON_Delete(json);
}
END_TEST

START_TEST(overview_says_that_the_host_is_shutting_down)
{
    cJSON *json = status();
    cJSON *shutdown = cJSON_Parse("{\"running\":2,\"until\":\"2026-11-24T12:00:04Z\"}");
    cJSON *loki = cJSON_GetArrayItem(cJSON_GetObjectItem(json, "services"), 1);
    struct acc_buf out;

    ck_assert_int_eq(setenv("TZ", "CET-1", 1), 0);
    tzset();
    cJSON_AddItemToObject(json, "shutdown", shutdown);
    cJSON_ReplaceItemInObject(loki, "state", cJSON_CreateString("off"));
    acc_buf_init(&out, 10000);
    accctl_put_overview(json, &pipe_style, &out);
    ck_assert_msg(strstr(out.data, "\nthe host is shutting down: 2 services still to be stopped, "
                                   "until 13:00"),
                  "%s", out.data);
    ck_assert_msg(!strstr(out.data, "loki"), "%s", out.data);
    acc_buf_fini(&out);
    cJSON_Delete(json);
}
END_TEST

START_TEST(overview_says_that_docker_is_away)
{
    cJSON *json = status();
    struct acc_buf out;

    cJSON_ReplaceItemInObject(cJSON_GetObjectItem(json, "engine"), "connected",
                              cJSON_CreateFalse());
    acc_buf_init(&out, 10000);
    accctl_put_overview(json, &pipe_style, &out);
    ck_assert(strncmp(out.data, "Docker is away; below is what was seen last", 43) == 0);
    acc_buf_fini(&out);
    cJSON_Delete(json);
}
END_TEST

START_TEST(a_stack_in_full_has_every_service)
{
    cJSON *json = status();
    struct acc_buf out;

    acc_buf_init(&out, 10000);
    accctl_put_full(json, &pipe_style, &out);
    ck_assert_msg(
        strstr(out.data,
               "\nacc (managing): 1 of 3 up, 1 off\n"
               "  service   state    health  since      restarts  reason\n"
               "  grafana   blocked  -       20 s       2         needs postgres, which is in "
               "backoff\n"
               "  loki      up       -       3 h 0 min  2\n"
               "  postgres  backoff  -       12 s       2         exited with 1\n"
               "  spare     off      -       3 h 0 min  2\n") != NULL,
        "%s", out.data);
    ck_assert_ptr_nonnull(strstr(out.data, "\nmedia (observing): 1 of 1 up\n"
                                           "  only observed, nothing of it is touched; take it "
                                           "over: accctl adopt media\n"));
    acc_buf_fini(&out);
    cJSON_Delete(json);
}
END_TEST

static const struct {
    const char *health, *evidence, *shown;
} healths[] = {
    {"healthy", "check", "  web      up     healthy    "},
    {"healthy", "probe", "  web      up     healthy    "},
    {"healthy", "listens", "  web      up     listening  "},
    {"healthy", "runs", "  web      up     running  "},
    {"none", "runs", "  web      up     running  "},
    {"none", "", "  web      up     -       "},
    {"starting", "listens", "  web      up     starting  "},
    {"unhealthy", "check", "  web      up     unhealthy  "},
    {"unknown", "runs", "  web      up     unknown  "},
};

START_TEST(health_is_no_more_than_what_was_seen)
{
    char text[512];
    cJSON *json = NULL;
    struct acc_buf out;

    (void)snprintf(text, sizeof(text),
                   "{\"stacks\":[{\"name\":\"s\"}],\"services\":[{\"id\":\"s/web\",\"stack\":\"s\","
                   "\"name\":\"web\",\"state\":\"up\",\"health\":\"%s\",\"evidence\":\"%s\"}]}",
                   healths[_i].health, healths[_i].evidence);
    ck_assert_int_eq(acc_json_parse_object(text, strlen(text), &json), 0);
    acc_buf_init(&out, 10000);
    accctl_put_full(json, &pipe_style, &out);
    ck_assert_msg(strstr(out.data, healths[_i].shown) != NULL, "%s", out.data);
    acc_buf_fini(&out);
    cJSON_Delete(json);
}
END_TEST

START_TEST(one_service_has_all_its_facts)
{
    static const char text[] =
        "{\"id\":\"acc/"
        "db\",\"stack\":\"acc\",\"desired\":\"up\",\"state\":\"up\",\"health\":\"healthy\","
        "\"since\":\"2026-11-24T11:00:00Z\",\"reason\":\"\",\"root\":[],\"restarts\":0,"
        "\"image\":\"postgres:17\",\"resources\":{\"memory\":{\"reserved\":4294967296,\"used\":0}},"
        "\"instances\":[{\"name\":\"acc-db-1\",\"id\":\"0123456789abcdef\",\"state\":\"ready\","
        "\"started_at\":\"2026-11-24T11:00:00Z\",\"differs\":true}]}";
    cJSON *stacks = cJSON_Parse("[{\"name\":\"media\",\"mode\":\"observing\"},"
                                "{\"name\":\"acc\",\"mode\":\"managing\"}]");
    cJSON *json = NULL;
    struct acc_buf out;

    ck_assert_int_eq(acc_json_parse_object(text, strlen(text), &json), 0);
    acc_buf_init(&out, 10000);
    accctl_put_service(json, stacks, &pipe_style, &out);
    ck_assert_str_eq(out.data,
                     "acc/db: up for 1 h 0 min\n"
                     "  stack      acc, managed\n"
                     "  wanted     up\n"
                     "  health     healthy\n"
                     "  restarts   0\n"
                     "  image      postgres:17\n"
                     "  memory     4.0 GiB reserved\n"
                     "  container  acc-db-1 0123456789ab ready, started 1 h 0 min ago, differs "
                     "from the file\n");
    cJSON_ReplaceItemInObject(cJSON_GetArrayItem(stacks, 1), "mode",
                              cJSON_CreateString("observing"));
    acc_buf_reset(&out);
    accctl_put_service(json, stacks, &pipe_style, &out);
    ck_assert_ptr_nonnull(strstr(out.data,
                                 "\n  stack      acc, only observed, nothing of it is touched; "
                                 "take it over: accctl adopt acc\n"));
    acc_buf_fini(&out);
    cJSON_Delete(stacks);
    cJSON_Delete(json);
}
END_TEST

static const struct {
    const char *label, *zone, *time, *want;
} untils[] = {
    {"none", "UTC", "", ""},
    {"today", "UTC", "2026-11-24T12:24:01Z", "12:24 (in 25 min)"},
    {"where the reader is", "CET-1", "2026-11-24T12:24:01Z", "13:24 (in 25 min)"},
    {"his day is over sooner", "NZST-12", "2026-11-24T12:24:01Z", "00:24 (in 25 min)"},
    {"another day", "CET-1", "2026-11-25T23:30:00Z", "2026-11-26 00:30 (in 1 d 11 h)"},
    {"soon", "UTC", "2026-11-24T12:00:01Z", "12:00 (in 42 s)"},
    {"it has come", "UTC", "2026-11-24T11:59:00Z", "11:59 (in 0 s)"},
};

START_TEST(an_end_is_on_the_readers_clock)
{
    struct accctl_style style = {.now_ms = NOW_MS - 41000};
    char out[96];

    ck_assert_int_eq(setenv("TZ", untils[_i].zone, 1), 0);
    tzset();
    accctl_until(&style, untils[_i].time, out, sizeof(out));
    ck_assert_msg(strcmp(out, untils[_i].want) == 0, "%s: '%s' not '%s'", untils[_i].label, out,
                  untils[_i].want);
}
END_TEST

START_TEST(incidents_say_when_how_long_and_who_suffers)
{
    static const char text[] =
        "{\"incidents\":[{\"root\":\"a/db\",\"since\":\"2026-11-24T11:58:55Z\",\"closed\":\"\","
        "\"cause\":\"exited with 1\",\"suffering\":1,\"peak\":4,\"open\":true},"
        "{\"root\":\"a/mq\",\"since\":\"2026-11-24T11:59:00Z\",\"closed\":\"\","
        "\"cause\":\"exited with 2\",\"suffering\":0,\"peak\":3,\"open\":true},"
        "{\"root\":\"engine\",\"since\":\"2026-11-24T10:00:00Z\",\"closed\":"
        "\"2026-11-24T10:01:16.9Z\",\"cause\":\"away\",\"suffering\":0,\"peak\":0,"
        "\"open\":false},"
        "{\"root\":\"host:network\",\"since\":\"2026-11-24T11:59:00Z\",\"closed\":\"\","
        "\"cause\":\"there is no default route\",\"suffering\":1,\"peak\":1,\"open\":true}]}";
    cJSON *json = NULL;
    struct acc_buf out;

    ck_assert_int_eq(setenv("TZ", "CET-1", 1), 0);
    ck_assert_int_eq(acc_json_parse_object(text, strlen(text), &json), 0);
    acc_buf_init(&out, 10000);
    accctl_put_incidents(acc_json_array(json, "incidents"), &pipe_style, &out);
    ck_assert_str_eq(
        out.data,
        "a/db          open    2026-11-24 12:58:55  for 1 min 5 s      exited with 1; 1 other "
        "suffers (4 at the worst)\n"
        "a/mq          open    2026-11-24 12:59:00  for 1 min          exited with 2; 3 others "
        "suffered\n"
        "engine        closed  2026-11-24 11:00:00  lasted 1 min 16 s  away\n"
        "host:network  open    2026-11-24 12:59:00  for 1 min          there is no default route; "
        "1 "
        "service suffers\n");
    acc_buf_fini(&out);
    cJSON_Delete(json);
}
END_TEST

START_TEST(rubbish_from_the_socket_is_no_crash)
{
    static const char *const texts_in[] = {
        "{}", "{\"stacks\":1,\"services\":{}}", "{\"stacks\":[1,null,{}],\"services\":[[],7,{}]}",
        "{\"engine\":[],\"gpus\":[{}],\"services\":[{\"stack\":5,\"root\":[1]}]}"};
    cJSON *json = NULL;
    struct acc_buf out;

    ck_assert_int_eq(acc_json_parse_object(texts_in[_i], strlen(texts_in[_i]), &json), 0);
    acc_buf_init(&out, 10000);
    accctl_put_overview(json, &pipe_style, &out);
    accctl_put_full(json, &pipe_style, &out);
    accctl_put_service(acc_json_array(json, "services"), acc_json_array(json, "gpus"), &pipe_style,
                       &out);
    accctl_put_incidents(acc_json_array(json, "services"), &pipe_style, &out);
    acc_buf_fini(&out);
    cJSON_Delete(json);
}
END_TEST

static cJSON *progress_list(const char *db, const char *web)
{
    cJSON *list = cJSON_CreateArray();
    const char *states[] = {db, web};

    for (int i = 0; i < 2; i++) {
        cJSON *item = cJSON_CreateObject();

        cJSON_AddStringToObject(item, "service", i == 0 ? "s/db" : "s/web");
        cJSON_AddStringToObject(item, "state", states[i]);
        cJSON_AddStringToObject(item, "reason",
                                i == 1 && strcmp(web, "blocked") == 0 ? "needs db" : "");
        cJSON_AddBoolToObject(item, "selected", i == 1);
        cJSON_AddBoolToObject(item, "settled", i == 1 && strcmp(web, "up") == 0);
        cJSON_AddItemToArray(list, item);
    }
    return list;
}

static uint64_t at_ms; /* the clock of progress */

static void update(struct accctl_progress *progress, const char *db, const char *web,
                   struct acc_buf *out)
{
    cJSON *list = progress_list(db, web);

    accctl_progress_update(progress, list, at_ms, out);
    cJSON_Delete(list);
}

START_TEST(progress_in_a_pipe_is_a_line_per_change)
{
    struct accctl_progress *progress = accctl_progress_create(&pipe_style, true, true);
    struct acc_buf out;

    acc_buf_init(&out, 10000);
    update(progress, "off", "off", &out);
    update(progress, "starting", "blocked", &out);
    update(progress, "up", "blocked", &out);
    update(progress, "up", "up", &out);
    accctl_progress_end(progress, &out);
    ck_assert_str_eq(out.data, "s/db: starting\n"
                               "s/web: blocked, needs db\n"
                               "s/db: up\n"
                               "s/web: up\n");
    acc_buf_fini(&out);
    accctl_progress_destroy(progress);
}
END_TEST

START_TEST(progress_on_a_terminal_is_rewritten_in_place)
{
    struct accctl_style style = {.width = 80, .height = 24, .now_ms = NOW_MS};
    struct accctl_progress *progress = accctl_progress_create(&style, true, true);
    struct acc_buf out;

    acc_buf_init(&out, 10000);
    update(progress, "starting", "blocked", &out);
    ck_assert_str_eq(out.data, "0 of 1\n"
                               "  s/db   starting\n"
                               "  s/web  blocked   needs db\n");
    acc_buf_reset(&out);
    update(progress, "up", "starting", &out);
    ck_assert_str_eq(out.data, "\033[3F\033[J0 of 1\n"
                               "  s/web  starting\n");
    acc_buf_reset(&out);
    accctl_progress_end(progress, &out);
    ck_assert_str_eq(out.data, "\033[2F\033[J");
    acc_buf_fini(&out);
    accctl_progress_destroy(progress);
}
END_TEST

/* One service, as its progress comes over the socket. */
static void tell(struct accctl_progress *progress, const char *rest, uint64_t now_ms,
                 struct acc_buf *out)
{
    char text[512];
    cJSON *json = NULL;

    snprintf(text, sizeof(text), "{\"l\":[{\"service\":\"s/web\",\"selected\":true,%s}]}", rest);
    ck_assert_int_eq(acc_json_parse_object(text, strlen(text), &json), 0);
    accctl_progress_update(progress, acc_json_array(json, "l"), now_ms, out);
    cJSON_Delete(json);
}

START_TEST(the_outcome_says_what_changed_why_and_how_long_it_took)
{
    struct accctl_progress *progress = accctl_progress_create(&pipe_style, true, true);
    struct acc_buf out;

    acc_buf_init(&out, 10000);
    tell(progress, "\"state\":\"up\",\"settled\":false", 1000, &out);
    tell(progress,
         "\"state\":\"stopping\",\"settled\":false,\"change\":\"\",\"differences\":"
         "[{\"text\":\"image a:1 -> a:2\"},{\"text\":\"environment TZ added\"}]",
         1100, &out);
    tell(progress, "\"state\":\"up\",\"settled\":true,\"change\":\"recreated\"", 3340, &out);
    tell(progress, "\"state\":\"up\",\"settled\":true,\"change\":\"recreated\"", 3350, &out);
    ck_assert_str_eq(out.data,
                     "s/web: stopping\n"
                     "s/web: up, recreated (image a:1 -> a:2; environment TZ added), 2.3 s\n");
    acc_buf_fini(&out);
    accctl_progress_destroy(progress);
}
END_TEST

START_TEST(what_was_taken_back_is_not_said_to_be_there)
{
    struct accctl_progress *progress = accctl_progress_create(&pipe_style, true, true);
    struct acc_buf out;

    acc_buf_init(&out, 10000);
    tell(progress, "\"state\":\"up\",\"settled\":false", 1000, &out);
    tell(progress,
         "\"state\":\"rolling-back\",\"settled\":false,\"differences\":[{\"text\":\"environment "
         "A added\"}]",
         1100, &out);
    tell(progress,
         "\"state\":\"up\",\"settled\":true,\"change\":\"rolled back\",\"differences\":[{\"text\":"
         "\"environment A added\"}]",
         3340, &out);
    ck_assert_str_eq(out.data, "s/web: rolling-back\n"
                               "s/web: up, rolled back (taken back: environment A added), 2.3 s\n");
    accctl_progress_destroy(progress);
    progress = accctl_progress_create(&pipe_style, true, true);
    acc_buf_reset(&out);
    tell(progress, "\"state\":\"up\",\"settled\":false", 1000, &out);
    tell(progress,
         "\"state\":\"up\",\"step\":\"watch\",\"settled\":false,\"differences\":[{\"text\":\"image "
         "a:2 -> a:1\"}]",
         1100, &out);
    acc_buf_reset(&out);
    tell(progress, "\"state\":\"up\",\"settled\":true,\"change\":\"rolled back\"", 3340, &out);
    ck_assert_ptr_nonnull(strstr(out.data, ", rolled back, "));
    acc_buf_fini(&out);
    accctl_progress_destroy(progress);
}
END_TEST

START_TEST(who_does_not_wait_for_an_upgrade_is_not_said_to)
{
    struct accctl_progress *progress = accctl_progress_create(&pipe_style, false, false);
    struct acc_buf out;
    size_t at = 0;
    bool is_queued;

    acc_buf_init(&out, 10000);
    tell(progress, "\"state\":\"upgrading\",\"queued\":\"waits for the end\"", 1000, &out);
    ck_assert(!out.data || !strstr(out.data, "waits for the end"));
    ck_assert_ptr_null(accctl_progress_next_lost(progress, &at, &is_queued));
    acc_buf_fini(&out);
    accctl_progress_destroy(progress);
}
END_TEST

START_TEST(steps_of_an_upgrade_have_durations)
{
    struct accctl_progress *progress = accctl_progress_create(&pipe_style, true, true);
    struct acc_buf out;

    acc_buf_init(&out, 10000);
    tell(progress, "\"state\":\"upgrading\",\"step\":\"pull\"", 1000, &out);
    tell(progress,
         "\"state\":\"upgrading\",\"step\":\"pull\",\"tries\":1,\"reason\":\"pulls x; try 2 in 2 "
         "s: no\"",
         1100, &out);
    tell(progress,
         "\"state\":\"upgrading\",\"step\":\"pull\",\"tries\":1,\"reason\":\"pulls x; try 2 in 1 "
         "s: no\"",
         1200, &out);
    tell(progress, "\"state\":\"upgrading\",\"step\":\"create\",\"reason\":\"to r2\"", 1400, &out);
    tell(progress, "\"state\":\"up\",\"step\":\"watch\",\"reason\":\"r2 is watched\"", 16400, &out);
    ck_assert_str_eq(out.data, "s/web: upgrading, pulls x; try 2 in 2 s: no\n"
                               "s/web: upgrading, to r2; pull took 0.4 s\n"
                               "s/web: up, r2 is watched; create took 15 s\n"
                               "accctl waits for that; Ctrl-C is safe, accd goes on (--detach "
                               "doesn't wait)\n");
    acc_buf_fini(&out);
    accctl_progress_destroy(progress);
}
END_TEST

START_TEST(apply_does_not_say_that_it_waits_for_the_watch)
{
    struct accctl_progress *progress = accctl_progress_create(&pipe_style, false, false);
    struct acc_buf out;

    acc_buf_init(&out, 10000);
    tell(progress, "\"state\":\"upgrading\",\"step\":\"switch\",\"settled\":false", 1000, &out);
    tell(progress,
         "\"state\":\"up\",\"step\":\"watch\",\"settled\":false,\"reason\":\"r2 is watched\"", 1100,
         &out);
    ck_assert_ptr_null(strstr(out.data, "waits for that"));
    acc_buf_fini(&out);
    accctl_progress_destroy(progress);
}
END_TEST

static const struct {
    const char *rest;
    bool is_upgrade, is_lost, is_queued, goes_on;
} left_amid[] = {
    {"\"step\":\"verify\",\"settled\":false", true, false, false, true},
    {"\"step\":\"pre-hook\",\"settled\":false", true, true, false, false},
    {"\"step\":\"watch\",\"settled\":false,\"queued\":\"waits\"", true, true, true, false},
    {"\"step\":\"pre-hook\",\"settled\":true", true, false, false, true},
    {"\"step\":\"pre-hook\",\"settled\":false", false, false, false, true}, /* apply tries again */
    {"\"step\":\"watch\",\"settled\":false,\"queued\":\"waits\"", false, false, false, true},
};

START_TEST(what_an_order_does_not_go_on_with_without_accd)
{
    struct accctl_progress *progress = accctl_progress_create(&pipe_style, true,
                                                              left_amid[_i].is_upgrade);
    const char *service;
    bool is_queued = false;
    struct acc_buf out;
    char rest[256];
    size_t at = 0;

    acc_buf_init(&out, 10000);
    snprintf(rest, sizeof(rest), "\"state\":\"upgrading\",%s", left_amid[_i].rest);
    tell(progress, rest, 1000, &out);
    service = accctl_progress_next_lost(progress, &at, &is_queued);
    ck_assert_int_eq(service != NULL, left_amid[_i].is_lost);
    ck_assert_int_eq(is_queued, left_amid[_i].is_queued);
    ck_assert_int_eq(accctl_progress_goes_on(progress), left_amid[_i].goes_on);
    ck_assert_ptr_null(accctl_progress_next_lost(progress, &at, &is_queued));
    acc_buf_fini(&out);
    accctl_progress_destroy(progress);
}
END_TEST

START_TEST(a_pull_is_told_by_quarters_and_a_build_line_by_line)
{
    struct accctl_progress *progress = accctl_progress_create(&pipe_style, true, true);
    struct acc_buf out;
    char rest[256];

    acc_buf_init(&out, 10000);
    for (unsigned mib = 0; mib <= 40; mib += 5) {
        snprintf(rest, sizeof(rest),
                 "\"state\":\"queued\",\"pull\":{\"image\":\"a:1\",\"current\":%u,\"total\":%u}",
                 mib << 20, 40u << 20);
        tell(progress, rest, 1000, &out);
    }
    tell(progress, "\"state\":\"queued\",\"output\":[\"#1 load\",\"#2 run\"]", 1000, &out);
    ck_assert_str_eq(out.data, "s/web: pulls a:1, 0 B of 40 MiB\n"
                               "s/web: pulls a:1, 10 MiB of 40 MiB\n"
                               "s/web: pulls a:1, 20 MiB of 40 MiB\n"
                               "s/web: pulls a:1, 30 MiB of 40 MiB\n"
                               "s/web: pulls a:1, 40 MiB of 40 MiB\n"
                               "s/web | #1 load\n"
                               "s/web | #2 run\n");
    acc_buf_reset(&out);
    accctl_progress_put_builds(progress, &out); /* all was printed as it came */
    ck_assert_uint_eq(out.len, 0);
    acc_buf_fini(&out);
    accctl_progress_destroy(progress);
}
END_TEST

START_TEST(on_a_terminal_images_take_one_line_and_a_failed_build_shows_its_end)
{
    struct accctl_style style = {.width = 80, .height = 24, .now_ms = NOW_MS};
    struct accctl_progress *progress = accctl_progress_create(&style, true, true);
    struct acc_buf out;
    char rest[64];

    acc_buf_init(&out, 10000);
    tell(progress,
         "\"state\":\"queued\",\"pull\":{\"image\":\"a:1\",\"current\":1048576,\"total\":"
         "4194304}",
         1000, &out);
    ck_assert_str_eq(out.data, "0 of 1\n"
                               "  s/web  queued  [#####...............] 1.0 MiB of 4.0 MiB  "
                               "a:1\n");
    for (unsigned i = 1; i <= 15; i++) {
        snprintf(rest, sizeof(rest), "\"state\":\"queued\",\"output\":[\"#%u\"]", i);
        tell(progress, rest, 1000, &out);
    }
    acc_buf_reset(&out);
    tell(progress, "\"state\":\"queued\",\"pull\":{\"image\":\"a:1\",\"current\":4,\"total\":4}",
         5000, &out);
    ck_assert_str_eq(out.data, "\033[2F\033[J0 of 1\n"
                               "  s/web  queued  4 s  #15\n");
    acc_buf_reset(&out);
    accctl_progress_update(progress, NULL, 66000, &out); /* only the clock */
    ck_assert_ptr_nonnull(strstr(out.data, "s/web  queued  1 min 5 s  #15"));
    acc_buf_reset(&out);
    accctl_progress_put_builds(progress, &out);
    ck_assert(strncmp(out.data, "s/web | #4\ns/web | #5\n", 22) == 0);
    ck_assert_ptr_nonnull(strstr(out.data, "s/web | #15\n"));
    acc_buf_fini(&out);
    accctl_progress_destroy(progress);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("render");
    TCase *tcase = tcase_create("render");
    SRunner *runner = srunner_create(suite);

    accctl_render_init();
    suite_add_tcase(suite, tcase);
    tcase_add_loop_test(tcase, text_is_measured_and_cut_by_columns, 0,
                        sizeof(texts) / sizeof(texts[0]));
    tcase_add_test(tcase, tables_align_and_cut_only_on_a_terminal);
    tcase_add_test(tcase, overview_has_roots_before_symptoms_and_a_line_per_stack);
    tcase_add_test(tcase, a_reason_that_is_cut_says_where_all_of_it_stands);
    tcase_add_loop_test(tcase, upgrades_by_itself_have_a_line, 0, ACC_ARRAY_LEN(auto_lines));
    tcase_add_test(tcase, whose_old_one_serves_is_a_problem_and_counts_as_up);
    tcase_add_test(tcase, a_lost_state_is_told_above_all);
    tcase_add_test(tcase, who_serves_amid_its_upgrade_counts_as_up);
    tcase_add_test(tcase, stacks_whose_files_are_gone_are_told_above_all);
    tcase_add_test(tcase, stacks_whose_files_do_not_load_are_told_above_all);
    tcase_add_test(tcase, networks_that_are_otherwise_are_told_above_all);
    tcase_add_test(tcase, a_root_on_its_way_back_is_listed_before_who_suffers);
    tcase_add_test(tcase, holds_are_counted_and_told_with_their_end);
    tcase_add_test(tcase, upgrades_under_way_are_named_with_their_steps);
    tcase_add_test(tcase, overview_says_that_the_host_is_shutting_down);
    tcase_add_test(tcase, overview_says_that_docker_is_away);
    tcase_add_test(tcase, a_stack_in_full_has_every_service);
    tcase_add_loop_test(tcase, health_is_no_more_than_what_was_seen, 0,
                        sizeof(healths) / sizeof(healths[0]));
    tcase_add_test(tcase, one_service_has_all_its_facts);
    tcase_add_loop_test(tcase, an_end_is_on_the_readers_clock, 0,
                        sizeof(untils) / sizeof(untils[0]));
    tcase_add_test(tcase, incidents_say_when_how_long_and_who_suffers);
    tcase_add_loop_test(tcase, rubbish_from_the_socket_is_no_crash, 0, 4);
    tcase_add_test(tcase, progress_in_a_pipe_is_a_line_per_change);
    tcase_add_test(tcase, progress_on_a_terminal_is_rewritten_in_place);
    tcase_add_test(tcase, the_outcome_says_what_changed_why_and_how_long_it_took);
    tcase_add_test(tcase, what_was_taken_back_is_not_said_to_be_there);
    tcase_add_test(tcase, who_does_not_wait_for_an_upgrade_is_not_said_to);
    tcase_add_test(tcase, steps_of_an_upgrade_have_durations);
    tcase_add_test(tcase, apply_does_not_say_that_it_waits_for_the_watch);
    tcase_add_loop_test(tcase, what_an_order_does_not_go_on_with_without_accd, 0,
                        ACC_ARRAY_LEN(left_amid));
    tcase_add_test(tcase, what_has_failed_when_the_time_is_over_is_not_waited_for);
    tcase_add_test(tcase, a_pull_is_told_by_quarters_and_a_build_line_by_line);
    tcase_add_test(tcase, on_a_terminal_images_take_one_line_and_a_failed_build_shows_its_end);
    srunner_run_all(runner, CK_NORMAL);
    int n_failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return n_failed > 0;
}
