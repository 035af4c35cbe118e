/* Connections in a network namespace, from /proc/PID/net/tcp and tcp6 as kernels write them. */

#include "daemon/out/proc_net.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n"
#define END  " 00000000:00000000 00:00000000 00000000     0        0 1 1 0\n"

/* Port 8080 listens; the rest of a line is what it is about. */
#define LISTENS "   0: 00000000:1F90 00000000:0000 0A" END
static const struct {
    const char *label, *tcp, *tcp6;
    bool is_idle;
} cases[] = {
    {"nobody", LISTENS, "", true},
    {"one request", LISTENS "   1: 020014AC:1F90 030014AC:C001 01" END, "", false},
    {"its answer isn't sent yet", LISTENS "   1: 020014AC:1F90 030014AC:C001 04" END, "", false},
    {"the other side only listens", LISTENS "   1: 020014AC:1F90 030014AC:C001 08" END, "", false},
    {"over", LISTENS "   1: 020014AC:1F90 030014AC:C001 06" END, "", true},
    {"to a database of its own", LISTENS "   1: 020014AC:C001 040014AC:1538 01" END, "", true},
    {"its health check", LISTENS "   1: 0100007F:1F90 0100007F:C001 01" END, "", true},
    {"over IPv6", "",
     "   0: 00000000000000000000000000000000:1F90 00000000000000000000000000000000:0000 0A" END
     "   1: 0000000000000000FFFF0000020014AC:1F90 0000000000000000FFFF0000030014AC:C001 01" END,
     false},
    {"its health check over IPv6", "",
     "   0: 00000000000000000000000000000000:1F90 00000000000000000000000000000000:0000 0A" END
     "   1: 0000000000000000FFFF00000100007F:1F90 0000000000000000FFFF00000100007F:C001 01" END
     "   2: 00000000000000000000000001000000:1F90 00000000000000000000000001000000:C001 01" END,
     true},
    {"nonsense", "what is this\n" LISTENS, "", true},
};

static char root[] = "/tmp/acc-proc-net-XXXXXX";

static void put(const char *name, const char *text)
{
    char path[256];
    FILE *file;

    (void)snprintf(path, sizeof(path), "%s/proc/7/net/%s", root, name);
    file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fprintf(file, "%s%s", HEAD, text), 0);
    (void)fclose(file);
}

START_TEST(tells_whether_anybody_is_connected)
{
    bool is_idle = !cases[_i].is_idle;

    put("tcp", cases[_i].tcp);
    put("tcp6", cases[_i].tcp6);
    ck_assert_int_eq(accd_proc_net_idle(root, 7, &is_idle), 0);
    ck_assert_msg(is_idle == cases[_i].is_idle, "%s", cases[_i].label);
}
END_TEST

START_TEST(says_when_it_can_not_know)
{
    bool is_idle;

    ck_assert_int_lt(accd_proc_net_idle(root, 8, &is_idle), 0);
    ck_assert_int_lt(accd_proc_net_idle(root, 0, &is_idle), 0);
}
END_TEST

static void make_root(void)
{
    static const char *const folders[] = {"proc", "proc/7", "proc/7/net"};
    char path[256];

    ck_assert_ptr_nonnull(mkdtemp(root));
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", root, folders[i]);
        ck_assert_int_eq(mkdir(path, 0700), 0);
    }
}

static void remove_root(void)
{
    static const char *const names[] = {
        "proc/7/net/tcp", "proc/7/net/tcp6", "proc/7/net", "proc/7", "proc", ""};
    char path[256];

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", root, names[i]);
        (void)remove(path);
    }
}

int main(void)
{
    Suite *suite = suite_create("proc_net");
    TCase *tc = tcase_create("all");

    tcase_add_unchecked_fixture(tc, make_root, remove_root);
    tcase_add_loop_test(tc, tells_whether_anybody_is_connected, 0,
                        sizeof(cases) / sizeof(cases[0]));
    tcase_add_test(tc, says_when_it_can_not_know);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
