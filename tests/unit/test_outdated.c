#include "lib/codec/outdated.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#define APP "r.lan/app:1"
#define A   "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B   "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define C   "sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"

/* What Engine 20.10 answered to /distribution and /images/create when a registry failed so; and the
 * errors of the distribution spec. */
static const struct {
    int status;
    const char *message;
    enum acc_registry_fault fault;
} faults[] = {
    {500, "Head \"http://127.0.0.1:5099/v2/app/manifests/1\": no basic auth credentials",
     ACC_REGISTRY_DENIED},
    {500, "unauthorized: authentication required", ACC_REGISTRY_DENIED},
    {500, "denied: requested access to the resource is denied", ACC_REGISTRY_DENIED},
    {403, "x", ACC_REGISTRY_DENIED},
    {500, "toomanyrequests: You have reached your pull rate limit.", ACC_REGISTRY_LIMITED},
    {429, "x", ACC_REGISTRY_LIMITED},
    {404, "manifest for a:1 not found: manifest unknown: manifest unknown", ACC_REGISTRY_LACKS},
    {500, "no matching manifest for linux/amd64 in the manifest list entries", ACC_REGISTRY_LACKS},
    {500, "received unexpected HTTP status: 500 Internal Server Error", ACC_REGISTRY_BROKEN},
    {500, "received unexpected HTTP status: 503 Service Unavailable", ACC_REGISTRY_BROKEN},
    {500, "Get \"http://127.0.0.1:5099/v2/\": EOF", ACC_REGISTRY_UNREACHED},
    {500, "Get \"http://r/v2/\": dial tcp 127.0.0.1:5099: connect: connection refused",
     ACC_REGISTRY_UNREACHED},
    {500, "Get \"https://r.lan/v2/\": dial tcp: lookup r.lan: no such host",
     ACC_REGISTRY_UNREACHED},
    {500, "Get \"https://r.lan/v2/\": dial tcp 10.0.0.9:443: i/o timeout", ACC_REGISTRY_SILENT},
    {500, "Get \"https://r/v2/\": context deadline exceeded (Client.Timeout exceeded)",
     ACC_REGISTRY_SILENT},
    {400, "invalid reference format: repository name must be lowercase", ACC_REGISTRY_REFERENCE},
};

START_TEST(knows_a_fault_by_its_words)
{
    ck_assert_msg(acc_registry_fault_of(faults[_i].status, faults[_i].message) == faults[_i].fault,
                  "%s", faults[_i].message);
}
END_TEST

START_TEST(says_who_and_what_to_do)
{
    static const struct {
        enum acc_registry_fault fault;
        const char *image;
        bool had_login;
        const char *no_login, *message, *want;
    } cases[] = {
        {ACC_REGISTRY_DENIED, "ghcr.io/a/b:1", false, "",
         "Head \"https://ghcr.io/v2/a/b/manifests/1\": no basic auth credentials",
         "ghcr.io wants a login: docker login ghcr.io (no basic auth credentials)"},
        {ACC_REGISTRY_DENIED, "ghcr.io/a/b:1", false, "docker-credential-pass failed (2): no key",
         "Head \"https://ghcr.io/v2/a/b/manifests/1\": no basic auth credentials",
         "ghcr.io wants a login, and docker-credential-pass failed (2): no key (no basic auth "
         "credentials)"},
        {ACC_REGISTRY_BROKEN, "r.lan/a", false, "",
         "received unexpected HTTP status: 503 Unavailable", "r.lan is broken (503 Unavailable)"},
        {ACC_REGISTRY_UNREACHED, "r.lan/a", false, "",
         "ends so: ", "r.lan can't be reached (ends so: )"},
        {ACC_REGISTRY_DENIED, "a/b", true, "", "",
         "Docker Hub refuses the credentials that it got; log in again: docker login"},
        {ACC_REGISTRY_LIMITED, "nginx", false, "", "",
         "Docker Hub limits how often it may be asked; ask again later, or log in for a higher "
         "limit"},
        {ACC_REGISTRY_LIMITED, "nginx", true, "", "",
         "Docker Hub limits how often it may be asked; ask again later"},
        {ACC_REGISTRY_LACKS, "r.lan/a:7", false, "", "", "r.lan has no r.lan/a:7"},
        {ACC_REGISTRY_SILENT, "r.lan/a:7", false, "", "", "r.lan doesn't answer"},
    };
    char text[256];

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        acc_registry_fault_text(cases[i].fault, cases[i].image, cases[i].had_login,
                                cases[i].no_login, cases[i].message, text, sizeof(text));
        ck_assert_str_eq(text, cases[i].want);
    }
    for (int fault = 1; fault < ACC_REGISTRY_FAULT_COUNT; fault++) {
        char two[2] = "x"; /* cut, and never beyond its room */

        acc_registry_fault_text((enum acc_registry_fault)fault, "a/b", false, "", "why", two, 2);
        ck_assert_uint_eq(strlen(two), 1);
    }
}
END_TEST

#define TAGGED(digests, tags) digests ",\"RepoTags\":[" tags "]"

static const struct {
    const char *label, *image, *digests, *remote;
    enum acc_image_state state;
    const char *running, *known;
} compares[] = {
    {"the same", APP, "[\"r.lan/app@" A "\"]", A, ACC_IMAGE_CURRENT, A, NULL},
    {"another", APP, "[\"r.lan/app@" A "\"]", B, ACC_IMAGE_OUTDATED, A, NULL},
    {"the same under another name", APP, "[\"x/y@" B "\"]", B, ACC_IMAGE_CURRENT, B, NULL},
    {"its own name first", APP, "[\"x/y@" C "\",\"r.lan/app@" A "\"]", B, ACC_IMAGE_OUTDATED, A,
     NULL},
    {"one of two", APP, "[\"r.lan/app@" A "\",\"r.lan/app@" B "\"]", B, ACC_IMAGE_CURRENT, B, NULL},
    {"a longer name is another", APP, "[\"r.lan/ap@" A "\"]", B, ACC_IMAGE_UNKNOWN, "", NULL},
    {"tagged anew from another", APP, TAGGED("[\"x/y@" C "\"]", "\"x/y:1\",\"" APP "\""), "",
     ACC_IMAGE_LOCAL, "", NULL},
    {"the tag has gone on", APP, TAGGED("[\"x/y@" C "\"]", "\"x/y:1\""), "", ACC_IMAGE_UNKNOWN, "",
     NULL},
    {"built here and pushed", "mine",
     TAGGED("[\"r.lan/mine@" C "\"]", "\"mine:latest\",\"r.lan/mine:1\""), "", ACC_IMAGE_LOCAL, "",
     NULL},
    {"another tag of it", "mine:lat", TAGGED("[\"r.lan/mine@" C "\"]", "\"mine:latest\""), "",
     ACC_IMAGE_UNKNOWN, "", NULL},
    {"pulled from there, and another's, too", APP,
     TAGGED("[\"x/y@" C "\",\"r.lan/app@" A "\"]", "\"" APP "\""), B, ACC_IMAGE_OUTDATED, A, NULL},
    {"also of another", APP, "[\"x/y@" C "\",\"r.lan/app@" A "\"]", "", ACC_IMAGE_OUTDATED, A,
     NULL},
    {"Docker Hub in full", "docker.io/library/redis:7", "[\"redis@" A "\"]", B, ACC_IMAGE_OUTDATED,
     A, NULL},
    {"Docker Hub's own", "library/redis", "[\"redis@" A "\"]", B, ACC_IMAGE_OUTDATED, A, NULL},
    {"Docker Hub in short", "a/b:1", "[\"docker.io/a/b@" A "\"]", B, ACC_IMAGE_OUTDATED, A, NULL},
    {"a mirror is no Docker Hub", "docker.io/library/redis:7",
     TAGGED("[\"m.lan/library/redis@" A "\"]", "\"redis:7\""), "", ACC_IMAGE_LOCAL, "", NULL},
    {"built here", APP, "[]", B, ACC_IMAGE_LOCAL, "", NULL},
    {"20.10: null", APP, "null", B, ACC_IMAGE_LOCAL, "", NULL},
    {"pruned, on record", APP, "[]", A, ACC_IMAGE_CURRENT, A, "r.lan/app@" A},
    {"pruned, and another", APP, "[]", B, ACC_IMAGE_OUTDATED, A, "r.lan/app@" A},
    {"pruned, to be asked", APP, "null", "", ACC_IMAGE_OUTDATED, A, "r.lan/app@" A},
    {"pruned, pulled from elsewhere", APP, "[]", B, ACC_IMAGE_UNKNOWN, "", "x/y@" A},
    {"on record and there", APP, "[\"r.lan/app@" A "\"]", B, ACC_IMAGE_OUTDATED, A, "r.lan/app@" A},
    {"the record is of another name", APP, "[\"r.lan/app@" A "\"]", A, ACC_IMAGE_CURRENT, A,
     "x/y@" C},
    {"rubbish", APP, "[7,\"\",\"r.lan/app\"]", B, ACC_IMAGE_LOCAL, "", NULL},
};

START_TEST(compares_what_runs)
{
    struct acc_image_look look;
    char json[512];

    snprintf(json, sizeof(json), "{\"Id\":\"sha256:1\",\"RepoDigests\":%s}", compares[_i].digests);
    ck_assert_int_eq(acc_image_compare(json, strlen(json), compares[_i].image, compares[_i].known,
                                       compares[_i].remote, &look),
                     0);
    ck_assert_msg(look.state == compares[_i].state, "%s: %s", compares[_i].label,
                  acc_image_state_name(look.state));
    ck_assert_str_eq(look.running, compares[_i].running);
    ck_assert_str_eq(look.remote, compares[_i].remote);
}
END_TEST

/* --- the book --------------------------------------------------------------------------------- */

static struct acc_outdated book;

static void add(const char *service, const char *image, const char *id)
{
    ck_assert_int_eq(acc_outdated_add(&book, service, image, id, false), 0);
}

static size_t next(void)
{
    size_t row = 0;

    ck_assert(acc_outdated_next(&book, &row));
    return row;
}

static void tell(size_t row, enum acc_image_state state, enum acc_registry_fault fault)
{
    struct acc_image_look look = {.state = state, .fault = fault, .reason = "said"};

    acc_outdated_tell(&book, row, &look);
}

START_TEST(what_needs_no_registry_isnt_asked)
{
    struct acc_buf out;
    size_t row;

    add("s/pinned", "a@" A, "i1");
    add("s/absent", "a:1", "");
    ck_assert_int_eq(acc_outdated_add(&book, "s/local", "b", "i1", true), 0);
    ck_assert(!acc_outdated_next(&book, &row));
    ck_assert_uint_eq(book.n_asked, 0);
    acc_buf_init(&out, 65536);
    ck_assert_int_eq(acc_outdated_put(&book, &out), 0);
    ck_assert_str_eq(
        out.data,
        "{\"parameters\":{\"images\":[{\"service\":\"s/pinned\",\"image\":\"a@" A
        "\",\"state\":\"pinned\",\"running\":\"" A
        "\",\"remote\":\"\",\"reason\":\"the file names a "
        "digest\",\"taken\":\"\",\"taken_back\":false},{\"service\":\"s/absent\","
        "\"image\":\"a:1\",\"state\":\"absent\",\"running\":\"\",\"remote\":\"\",\"reason\":\"it "
        "has no "
        "container\",\"taken\":\"\",\"taken_back\":false},{\"service\":\"s/"
        "local\",\"image\":\"b\",\"state\":\"local\","
        "\"running\":\"\",\"remote\":\"\",\"reason\":\"built here, or not to be "
        "pulled\",\"taken\":\"\",\"taken_back\":false}]}}");
    acc_buf_fini(&out);
    acc_outdated_fini(&book);
}
END_TEST

START_TEST(one_question_serves_all_with_the_same_image)
{
    size_t row;

    add("s/a", "app:1", "i1");
    add("s/b", "app:1", "i1");
    add("s/old", "app:1", "i0");   /* runs another one */
    add("s/known", "app:1", "i1"); /* what the others don't know may decide */
    acc_outdated_know(&book, "app:1", A);
    ck_assert_uint_eq(next(), 0);
    ck_assert_uint_eq(next(), 2);
    ck_assert_uint_eq(next(), 3);
    ck_assert(!acc_outdated_next(&book, &row));
    tell(0, ACC_IMAGE_CURRENT, ACC_REGISTRY_WELL);
    ck_assert_int_eq(book.row[1].look.state, ACC_IMAGE_CURRENT);
    ck_assert_int_eq(book.row[2].look.state, ACC_IMAGE_PENDING);
    tell(2, ACC_IMAGE_OUTDATED, ACC_REGISTRY_WELL);
    tell(3, ACC_IMAGE_OUTDATED, ACC_REGISTRY_WELL);
    ck_assert_uint_eq(book.n_asked, 0);
    acc_outdated_fini(&book);
}
END_TEST

START_TEST(only_so_many_questions_are_out)
{
    char image[16];
    size_t row;

    for (int i = 0; i < 9; i++) {
        snprintf(image, sizeof(image), "app%d:1", i);
        add("s/x", image, "i1");
    }
    for (size_t i = 0; i < ACC_OUTDATED_ASKS_MAX; i++) {
        ck_assert_uint_eq(next(), i);
    }
    ck_assert(!acc_outdated_next(&book, &row));
    tell(2, ACC_IMAGE_CURRENT, ACC_REGISTRY_WELL);
    ck_assert_uint_eq(next(), ACC_OUTDATED_ASKS_MAX);
    ck_assert(!acc_outdated_next(&book, &row));
    acc_outdated_fini(&book);
}
END_TEST

START_TEST(a_registry_that_limits_us_is_left_alone)
{
    size_t row;

    add("s/a", "r.lan/a", "i1");
    ck_assert_uint_eq(next(), 0);
    add("s/b", "r.lan/b", "i2");
    add("s/c", "other.lan/c", "i3");
    tell(0, ACC_IMAGE_UNKNOWN, ACC_REGISTRY_LIMITED);
    ck_assert_uint_eq(next(), 2);
    ck_assert(!acc_outdated_next(&book, &row));
    ck_assert_int_eq(book.row[1].look.state, ACC_IMAGE_UNKNOWN);
    ck_assert_str_eq(book.row[1].look.reason, "said");
    acc_outdated_fini(&book);

    add("s/a", "r.lan/a", "i1"); /* a login that one image wants says nothing of the next */
    add("s/b", "r.lan/b", "i2");
    ck_assert_uint_eq(next(), 0);
    tell(0, ACC_IMAGE_UNKNOWN, ACC_REGISTRY_DENIED);
    ck_assert_uint_eq(next(), 1);
    acc_outdated_fini(&book);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("outdated");
    TCase *tcase = tcase_create("outdated");
    SRunner *runner;
    int n_failed;

    tcase_add_loop_test(tcase, knows_a_fault_by_its_words, 0, sizeof(faults) / sizeof(faults[0]));
    tcase_add_test(tcase, says_who_and_what_to_do);
    tcase_add_loop_test(tcase, compares_what_runs, 0, sizeof(compares) / sizeof(compares[0]));
    tcase_add_test(tcase, what_needs_no_registry_isnt_asked);
    tcase_add_test(tcase, one_question_serves_all_with_the_same_image);
    tcase_add_test(tcase, only_so_many_questions_are_out);
    tcase_add_test(tcase, a_registry_that_limits_us_is_left_alone);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? 0 : 1;
}
