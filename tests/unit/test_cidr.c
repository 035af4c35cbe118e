#include "lib/base/cidr.h"

#include <arpa/inet.h>
#include <check.h>
#include <stdlib.h>
#include <string.h>

static const char *const addresses[] = {
    "10.0.0.1",
    "255.255.255.255",
    "0.0.0.0",
    "256.0.0.1",
    "1.2.3",
    "1.2.3.4.5",
    "1..2.3",
    "1.2.3.4x",
    "",
    "::",
    "::1",
    "fd00::",
    "fd00::1:2",
    "1:2:3:4:5:6:7:8",
    "1:2:3::8",
    "1:2:3:4:5:6:7::",
    "1::2::3",
    ":1",
    "1:",
    ":::",
    "12345::",
    "1:2:3:4:5:6",
    "::1:2:3:4:5:6:7",
    "g::",
    "FD00::aB",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4::5:6:7:8",
};

START_TEST(reads_addresses_as_the_system_does)
{
    const char *text = addresses[_i];
    bool is_v6 = strchr(text, ':') != NULL;
    uint8_t want[16] = {0};
    struct acc_cidr cidr;
    bool is_one = inet_pton(is_v6 ? AF_INET6 : AF_INET, text, want) == 1;

    ck_assert_msg(acc_cidr_read(text, &cidr) == is_one, "%s", text);
    if (is_one) {
        ck_assert_int_eq(cidr.is_v6, is_v6);
        ck_assert_uint_eq(cidr.bits, is_v6 ? 128 : 32);
        ck_assert_mem_eq(cidr.address, want, sizeof(want));
    }
}
END_TEST

static const struct {
    const char *a, *b;
    bool same;
} pairs[] = {
    {"10.0.0.0/24", "10.0.0.7/24", true},
    {"10.0.0.0/24", "10.0.0.0/25", false},
    {"10.0.0.0/24", "10.0.1.0/24", false},
    {"10.0.0.1", "10.0.0.1/32", true},
    {"10.0.0.1/0", "99.0.0.1/0", true},
    {"fd00:0:0:1::/64", "FD00:0:0:1::5/64", true},
    {"fd00::/64", "fd00::/63", false},
    {"0.0.0.0/0", "::/0", false},
    {"10.0.0.0/33", "10.0.0.0/33", true}, /* letter by letter */
    {"10.0.0.0/33", "10.0.0.1/33", false},
    {"::ffff:1.2.3.4", "::ffff:1.2.3.4", true},
    {"10.0.0.0/", "10.0.0.0", false},
    {"10.0.0.0/2x", "10.0.0.0/2", false},
    {NULL, "10.0.0.0", false},
    {NULL, NULL, false},
};

START_TEST(compares_subnets_by_what_they_mean)
{
    ck_assert_int_eq(acc_cidr_same(pairs[_i].a, pairs[_i].b), pairs[_i].same);
    ck_assert_int_eq(acc_cidr_same(pairs[_i].b, pairs[_i].a), pairs[_i].same);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cidr");
    TCase *tc = tcase_create("all");

    tcase_add_loop_test(tc, reads_addresses_as_the_system_does, 0,
                        sizeof(addresses) / sizeof(addresses[0]));
    tcase_add_loop_test(tc, compares_subnets_by_what_they_mean, 0,
                        sizeof(pairs) / sizeof(pairs[0]));
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
