#include "lib/codec/control_request.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A request and the error that answers it; NULL: it is fine. */
static const struct {
    const char *in, *error;
} requests[] = {
    {"{\"method\":\"io.acc.Status\"}", NULL},
    {"{\"method\":\"io.acc.Status\",\"parameters\":{}}", NULL},
    {"{\"method\":\"io.acc.Status\",\"parameters\":null}", NULL},
    {"{\"method\":\"io.acc.Status\",\"parameters\":{\"targets\":[\"a\",\"b/c\"],\"phase\":null}}",
     NULL},
    {"{\"method\":\"io.acc.Up\",\"parameters\":{\"timeout_ms\":1500,\"detach\":true},\"more\":"
     "true}",
     NULL},
    {"", "{\"parameters\":{\"reason\":\"it is no JSON object; write it like "
         "{\\\"method\\\":\\\"io.acc.Status\\\"}\"},\"error\":\"io.acc.InvalidRequest\"}"},
    {"[1]", "{\"parameters\":{\"reason\":\"it is no JSON object; write it like "
            "{\\\"method\\\":\\\"io.acc.Status\\\"}\"},\"error\":\"io.acc.InvalidRequest\"}"},
    {"{}", "{\"parameters\":{\"reason\":\"it has no \\\"method\\\"; write it like "
           "{\\\"method\\\":\\\"io.acc.Status\\\"}\"},\"error\":\"io.acc.InvalidRequest\"}"},
    {"{\"method\":\"io.acc.Status\",\"parameters\":[]}",
     "{\"parameters\":{\"reason\":\"\\\"parameters\\\" is an object\"},"
     "\"error\":\"io.acc.InvalidRequest\"}"},
    {"{\"method\":\"io.acc.Nope\"}",
     "{\"parameters\":{\"method\":\"io.acc.Nope\"},\"error\":\"org.varlink.service."
     "MethodNotFound\"}"},
    {"{\"method\":\"org.other.Nope\"}",
     "{\"parameters\":{\"interface\":\"org.other\"},\"error\":\"org.varlink.service."
     "InterfaceNotFound\"}"},
    {"{\"method\":\"Status\"}",
     "{\"parameters\":{\"parameter\":\"method\"},\"error\":\"org.varlink.service."
     "InvalidParameter\"}"},
    {"{\"method\":\"io.acc.Status\",\"parameters\":{\"target\":\"a\"}}",
     "{\"parameters\":{\"parameter\":\"target\",\"reason\":\"io.acc.Status has no parameter "
     "target; "
     "did you mean targets?\"},\"error\":\"org.varlink.service.InvalidParameter\"}"},
    {"{\"method\":\"io.acc.Status\",\"parameters\":{\"targets\":\"a\"}}",
     "{\"parameters\":{\"parameter\":\"targets\",\"reason\":\"targets is a list of names\"},"
     "\"error\":\"org.varlink.service.InvalidParameter\"}"},
    {"{\"method\":\"io.acc.Status\",\"parameters\":{\"targets\":[1]}}",
     "{\"parameters\":{\"parameter\":\"targets\",\"reason\":\"each of targets is a name, not "
     "empty\"},\"error\":\"org.varlink.service.InvalidParameter\"}"},
    {"{\"method\":\"io.acc.Down\",\"parameters\":{\"volumes\":1}}",
     "{\"parameters\":{\"parameter\":\"volumes\",\"reason\":\"volumes is true or false\"},"
     "\"error\":\"org.varlink.service.InvalidParameter\"}"},
    {"{\"method\":\"io.acc.Up\",\"parameters\":{\"timeout_ms\":1.5}}",
     "{\"parameters\":{\"parameter\":\"timeout_ms\",\"reason\":\"timeout_ms is a whole number from "
     "1 to 2678400000\"},\"error\":\"org.varlink.service.InvalidParameter\"}"},
    {"{\"method\":\"io.acc.Up\",\"parameters\":{\"timeout_ms\":1e300}}",
     "{\"parameters\":{\"parameter\":\"timeout_ms\",\"reason\":\"timeout_ms is a whole number from "
     "1 to 2678400000\"},\"error\":\"org.varlink.service.InvalidParameter\"}"},
    {"{\"method\":\"io.acc.Up\",\"parameters\":{\"volumes\":true}}",
     "{\"parameters\":{\"parameter\":\"volumes\",\"reason\":\"io.acc.Up has no parameter "
     "volumes\"},\"error\":\"org.varlink.service.InvalidParameter\"}"},
    {"{\"method\":\"io.acc.Hold\",\"parameters\":{\"kind\":\"sideways\"}}",
     "{\"parameters\":{\"parameter\":\"kind\",\"reason\":\"kind is up, down or freeze\"},"
     "\"error\":\"org.varlink.service.InvalidParameter\"}"},
    {"{\"method\":\"io.acc.Maintenance\"}",
     "{\"parameters\":{\"parameter\":\"on\",\"reason\":\"io.acc.Maintenance needs on\"},"
     "\"error\":\"org.varlink.service.InvalidParameter\"}"},
    {"{\"method\":\"io.acc.Why\"}",
     "{\"parameters\":{\"parameter\":\"target\",\"reason\":\"io.acc.Why needs target\"},"
     "\"error\":\"org.varlink.service.InvalidParameter\"}"},
    {"{\"method\":\"io.acc.Why\",\"parameters\":{\"target\":null}}",
     "{\"parameters\":{\"parameter\":\"target\",\"reason\":\"io.acc.Why needs target\"},"
     "\"error\":\"org.varlink.service.InvalidParameter\"}"},
    {"{\"method\":\"io.acc.Why\",\"parameters\":{\"target\":\"a\",\"target\":\"b\"}}",
     "{\"parameters\":{\"parameter\":\"target\",\"reason\":\"target stands there twice\"},"
     "\"error\":\"org.varlink.service.InvalidParameter\"}"},
};

START_TEST(wrong_requests_are_named_field_by_field)
{
    struct acc_ctl_request request;
    struct acc_ctl_error error;
    struct acc_buf out;
    bool oneway;
    enum acc_ctl_parsed r = acc_ctl_request_parse(requests[_i].in, strlen(requests[_i].in),
                                                  &request, &error, &oneway);

    if (!requests[_i].error) {
        ck_assert_int_eq(r, ACC_CTL_PARSED);
        acc_ctl_request_fini(&request);
        return;
    }
    ck_assert_int_eq(r, ACC_CTL_WRONG);
    acc_buf_init(&out, 10000);
    ck_assert_int_eq(acc_ctl_error_put(&error, &out), 0);
    ck_assert_str_eq(out.data, requests[_i].error);
    acc_buf_fini(&out);
}
END_TEST

START_TEST(parameters_reach_their_fields)
{
    static const char text[] =
        "{\"method\":\"io.acc.Down\",\"oneway\":true,\"more\":true,\"parameters\":{"
        "\"targets\":[\"a\",\"b\"],\"phase\":\"p\",\"with_dependents\":true,\"volumes\":true,"
        "\"timeout_ms\":5,\"detach\":false}}";
    struct acc_ctl_request request;
    struct acc_ctl_error error;
    enum acc_verb verb;
    bool oneway;

    ck_assert_int_eq(acc_ctl_request_parse(text, strlen(text), &request, &error, &oneway),
                     ACC_CTL_PARSED);
    ck_assert_int_eq(request.method, ACC_CTL_DOWN);
    ck_assert(acc_ctl_method_verb(request.method, &verb) && verb == ACC_VERB_DOWN);
    ck_assert(request.more && request.oneway && request.with_dependents && request.volumes);
    ck_assert(!request.detach && !request.all);
    ck_assert_uint_eq(request.n_targets, 2);
    ck_assert_str_eq(request.targets[1], "b");
    ck_assert_str_eq(request.phase, "p");
    ck_assert_uint_eq(request.timeout_ms, 5);
    acc_ctl_request_fini(&request);
}
END_TEST

static const struct {
    const char *in;
    enum acc_verb verb;
    enum acc_hold hold;
    const char *reason;
    uint64_t for_ms;
} holds[] = {
    {"{\"method\":\"io.acc.Hold\"}", ACC_VERB_HOLD, ACC_HOLD_FREEZE, NULL, 0},
    {"{\"method\":\"io.acc.Hold\",\"parameters\":{\"kind\":\"down\",\"reason\":\"disk\"}}",
     ACC_VERB_HOLD, ACC_HOLD_DOWN, "disk", 0},
    {"{\"method\":\"io.acc.Maintenance\",\"parameters\":{\"on\":true,\"for_ms\":7}}",
     ACC_VERB_MAINTENANCE, ACC_HOLD_FREEZE, NULL, 7},
    {"{\"method\":\"io.acc.Maintenance\",\"parameters\":{\"on\":false}}", ACC_VERB_MAINTENANCE,
     ACC_HOLD_NONE, NULL, 0},
};

START_TEST(what_is_held_reaches_its_fields)
{
    struct acc_ctl_request request;
    struct acc_ctl_error error;
    enum acc_verb verb;
    bool oneway;

    ck_assert_int_eq(
        acc_ctl_request_parse(holds[_i].in, strlen(holds[_i].in), &request, &error, &oneway),
        ACC_CTL_PARSED);
    ck_assert(acc_ctl_method_verb(request.method, &verb) && verb == holds[_i].verb);
    ck_assert_int_eq(request.hold, holds[_i].hold);
    ck_assert_uint_eq(request.for_ms, holds[_i].for_ms);
    ck_assert_pstr_eq(request.reason, holds[_i].reason);
    acc_ctl_request_fini(&request);
}
END_TEST

START_TEST(too_many_targets_are_refused)
{
    struct acc_ctl_request request;
    struct acc_ctl_error error;
    struct acc_buf in;
    bool oneway;

    acc_buf_init(&in, 100000);
    (void)acc_buf_puts(&in, "{\"method\":\"io.acc.Status\",\"parameters\":{\"targets\":[\"x\"");
    for (unsigned i = 0; i < ACC_CTL_TARGETS_MAX; i++) {
        (void)acc_buf_puts(&in, ",\"x\"");
    }
    (void)acc_buf_puts(&in, "]}}");
    ck_assert_int_eq(acc_ctl_request_parse(in.data, in.len, &request, &error, &oneway),
                     ACC_CTL_WRONG);
    ck_assert_str_eq(error.value, "targets");
    acc_buf_fini(&in);
}
END_TEST

START_TEST(every_method_and_error_is_in_the_interface)
{
    static const char *const errors[] = {
        ACC_CTL_E_NO_SUCH_SERVICE, ACC_CTL_E_AMBIGUOUS,      ACC_CTL_E_PERMISSION,
        ACC_CTL_E_ENGINE_AWAY,     ACC_CTL_E_REFUSED,        ACC_CTL_E_FAILED,
        ACC_CTL_E_TIMED_OUT,       ACC_CTL_E_INVALID_CONFIG, ACC_CTL_E_INVALID_REQUEST,
    };
    char line[128];

    for (unsigned i = ACC_CTL_PING; i < ACC_CTL_METHOD_COUNT; i++) {
        const char *name = acc_ctl_method_name((enum acc_ctl_method)i);

        (void)snprintf(line, sizeof(line), "\nmethod %s(", strrchr(name, '.') + 1);
        ck_assert_msg(strstr(acc_ctl_interface_text, line) != NULL, "%s", line);
    }
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        (void)snprintf(line, sizeof(line), "\nerror %s (", strrchr(errors[i], '.') + 1);
        ck_assert_msg(strstr(acc_ctl_interface_text, line) != NULL, "%s", line);
    }
}
END_TEST

START_TEST(an_unknown_interface_has_no_description)
{
    struct acc_buf out;

    acc_buf_init(&out, 100000);
    ck_assert_int_eq(acc_ctl_interface_put("io.acc", &out), 0);
    ck_assert(strstr(out.data, "\"description\":\"# Keeps") != NULL);
    acc_buf_reset(&out);
    ck_assert_int_eq(acc_ctl_interface_put("io.nope", &out), 0);
    ck_assert_str_eq(out.data,
                     "{\"parameters\":{\"interface\":\"io.nope\"},\"error\":\"org.varlink."
                     "service.InterfaceNotFound\"}");
    acc_buf_fini(&out);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("control_request");
    TCase *tcase = tcase_create("control_request");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, tcase);
    tcase_add_loop_test(tcase, wrong_requests_are_named_field_by_field, 0,
                        sizeof(requests) / sizeof(requests[0]));
    tcase_add_test(tcase, parameters_reach_their_fields);
    tcase_add_loop_test(tcase, what_is_held_reaches_its_fields, 0,
                        sizeof(holds) / sizeof(holds[0]));
    tcase_add_test(tcase, too_many_targets_are_refused);
    tcase_add_test(tcase, every_method_and_error_is_in_the_interface);
    tcase_add_test(tcase, an_unknown_interface_has_no_description);
    srunner_run_all(runner, CK_NORMAL);
    int n_failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return n_failed > 0;
}
