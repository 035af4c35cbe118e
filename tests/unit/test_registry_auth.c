#include "lib/codec/registry_auth.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *ref, *server;
} servers[] = {
    {"postgres:17", "https://index.docker.io/v1/"},
    {"grafana/grafana", "https://index.docker.io/v1/"},
    {"docker.io/library/redis", "https://index.docker.io/v1/"},
    {"ghcr.io/home/app:1", "ghcr.io"},
    {"localhost/app", "localhost"},
    {"127.0.0.1:5000/app@sha256:00", "127.0.0.1:5000"},
};

START_TEST(names_the_registry_as_docker_does)
{
    char server[ACC_REGISTRY_SERVER_MAX];

    acc_registry_server(servers[_i].ref, server, sizeof(server));
    ck_assert_str_eq(server, servers[_i].server);
}
END_TEST

static const struct {
    const char *label, *config;
    enum acc_registry_auth_result result;
    const char *header, *helper;
} cases[] = {
    {"no entry", "{\"auths\":{\"ghcr.io\":{\"auth\":\"dTpw\"}}}", ACC_REGISTRY_ANONYMOUS, "", ""},
    {"user and password", "{\"auths\":{\"r.lan:5000\":{\"auth\":\"dTpw\"}}}", ACC_REGISTRY_HEADER,
     /* {"username":"u","password":"p","serveraddress":"r.lan:5000"} */
     "eyJ1c2VybmFtZSI6InUiLCJwYXNzd29yZCI6InAiLCJzZXJ2ZXJhZGRyZXNzIjoici5sYW46NTAwMCJ9", ""},
    {"old key", "{\"auths\":{\"https://r.lan:5000/v1/\":{\"auth\":\"dTpw\"}}}", ACC_REGISTRY_HEADER,
     "eyJ1c2VybmFtZSI6InUiLCJwYXNzd29yZCI6InAiLCJzZXJ2ZXJhZGRyZXNzIjoici5sYW46NTAwMCJ9", ""},
    {"not base64", "{\"auths\":{\"r.lan:5000\":{\"auth\":\"d!\"}}}", ACC_REGISTRY_INVALID, "", ""},
    {"no colon", "{\"auths\":{\"r.lan:5000\":{\"auth\":\"dXA=\"}}}", ACC_REGISTRY_INVALID, "", ""},
    {"store", "{\"credsStore\":\"pass\",\"auths\":{\"r.lan:5000\":{}}}", ACC_REGISTRY_HELPER, "",
     "pass"},
    {"own helper first", "{\"credsStore\":\"pass\",\"credHelpers\":{\"r.lan:5000\":\"ecr-login\"}}",
     ACC_REGISTRY_HELPER, "", "ecr-login"},
    {"helper with a path", "{\"credsStore\":\"../../bin/sh\"}", ACC_REGISTRY_INVALID, "", ""},
    {"no object", "[]", ACC_REGISTRY_INVALID, "", ""},
    {"cut", "{\"auths\":", ACC_REGISTRY_INVALID, "", ""},
    {"wrong types", "{\"auths\":{\"r.lan:5000\":7},\"credHelpers\":[]}", ACC_REGISTRY_ANONYMOUS, "",
     ""},
};

START_TEST(finds_the_credentials_of_a_registry)
{
    struct acc_registry_auth auth;

    ck_assert_msg(acc_registry_auth_find(cases[_i].config, strlen(cases[_i].config),
                                         "r.lan:5000/app:1", &auth) == cases[_i].result,
                  "%s", cases[_i].label);
    ck_assert_str_eq(auth.header.data ? auth.header.data : "", cases[_i].header);
    ck_assert_str_eq(auth.helper, cases[_i].helper);
    acc_registry_auth_fini(&auth);
}
END_TEST

START_TEST(takes_a_token_from_a_helper)
{
    static const char config[] = "{\"credsStore\":\"pass\"}";
    static const char answer[] = "{\"Username\":\"<token>\",\"Secret\":\"t\"}";
    struct acc_registry_auth auth;

    ck_assert_int_eq(acc_registry_auth_find(config, strlen(config), "ghcr.io/a", &auth),
                     ACC_REGISTRY_HELPER);
    ck_assert_int_eq(acc_registry_auth_from_helper(answer, strlen(answer), &auth),
                     ACC_REGISTRY_HEADER);
    /* {"identitytoken":"t","serveraddress":"ghcr.io"} */
    ck_assert_str_eq(auth.header.data,
                     "eyJpZGVudGl0eXRva2VuIjoidCIsInNlcnZlcmFkZHJlc3MiOiJnaGNyLmlvIn0=");
    acc_registry_auth_fini(&auth);
}
END_TEST

START_TEST(hands_on_all_logins_of_the_file)
{
    static const char config[] = "{\"auths\":{\"ghcr.io\":{\"auth\":\"dTpw\",\"email\":\"e\"},"
                                 "\"r:5000\":{\"identitytoken\":\"t\"}},\"detachKeys\":\"x\","
                                 "\"credHelpers\":{\"gcr.io\":\"gcloud\"}}";
    char helper[ACC_REGISTRY_HELPER_MAX];
    struct acc_buf out;

    acc_buf_init(&out, ACC_REGISTRY_AUTH_MAX);
    ck_assert_int_eq(acc_registry_auth_all(config, strlen(config), &out, helper), 0);
    ck_assert_str_eq(helper, "gcloud");
    ck_assert_ptr_nonnull(strstr(out.data, "\"ghcr.io\""));
    ck_assert_ptr_nonnull(strstr(out.data, "\"dTpw\""));
    ck_assert_ptr_nonnull(strstr(out.data, "\"t\""));
    ck_assert_ptr_null(strstr(out.data, "detachKeys"));
    acc_buf_reset(&out);
    ck_assert_int_eq(acc_registry_auth_all("[]", 2, &out, helper), -EINVAL);
    acc_buf_fini(&out);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("registry_auth");
    TCase *tcase = tcase_create("registry_auth");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, tcase);
    tcase_add_loop_test(tcase, names_the_registry_as_docker_does, 0,
                        sizeof(servers) / sizeof(servers[0]));
    tcase_add_loop_test(tcase, finds_the_credentials_of_a_registry, 0,
                        sizeof(cases) / sizeof(cases[0]));
    tcase_add_test(tcase, takes_a_token_from_a_helper);
    tcase_add_test(tcase, hands_on_all_logins_of_the_file);
    srunner_run_all(runner, CK_NORMAL);
    int n_failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return n_failed > 0;
}
