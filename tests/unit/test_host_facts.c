/* Reads mountinfo and routes as the kernel writes them, and what this host has. */

#include "daemon/in/host_facts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <check.h>

static char root[] = "/tmp/acc-host-XXXXXX";

static void make_root(void)
{
    char path[64];

    memcpy(root, "/tmp/acc-host-XXXXXX", sizeof(root));
    ck_assert_ptr_nonnull(mkdtemp(root));
    (void)snprintf(path, sizeof(path), "%s/proc", root);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    (void)snprintf(path, sizeof(path), "%s/proc/1", root);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    (void)snprintf(path, sizeof(path), "%s/proc/1/net", root);
    ck_assert_int_eq(mkdir(path, 0700), 0);
}

static void remove_root(void)
{
    static const char *const made[] = {"proc/1/mountinfo",
                                       "proc/1/net/route",
                                       "proc/1/net/ipv6_route",
                                       "file",
                                       "data",
                                       "up",
                                       "round",
                                       "mnt/nas/away"};
    static const char *const folders[] = {"proc/1/net", "proc/1", "proc", "mnt/nas", "mnt", "."};
    char path[96];

    for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", root, made[i]);
        (void)unlink(path);
    }
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", root, folders[i]);
        (void)rmdir(path);
    }
    (void)rmdir(root);
}

static void put(const char *name, const char *text)
{
    char path[96];

    (void)snprintf(path, sizeof(path), "%s/%s", root, name);
    FILE *file = fopen(path, "we");

    ck_assert_ptr_nonnull(file);
    (void)fputs(text, file);
    (void)fclose(file);
}

static const struct {
    const char *path;
    enum acc_tri want;
} mounts[] = {
    {"/", ACC_YES},        {"/mnt/nas", ACC_YES}, {"/mnt/my files", ACC_YES},
    {"/mnt", ACC_NO},      {"/mnt/na", ACC_NO},   {"/mnt/nas/", ACC_NO}, /* the loader has cut it */
    {"/dev/sda1", ACC_NO}, /* mounted, not mounted on */
};

START_TEST(a_mount_is_known_by_its_point)
{
    ck_assert_int_eq(accd_host_mounted(root, "/"), ACC_UNKNOWN);
    put("proc/1/mountinfo",
        "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
        "40 22 0:44 / /mnt/nas rw,relatime shared:9 - nfs4 nas:/export rw,vers=4.2\n"
        "41 22 0:45 / /mnt/my\\040files rw - fuse.sshfs sshfs rw\n");
    ck_assert_int_eq(accd_host_mounted(root, mounts[_i].path), mounts[_i].want);
}
END_TEST

static const struct {
    const char *path, *want;
} lies[] = {
    {"/mnt/nas/a", "/mnt/nas nfs nas:/export /"},
    {"/data/a", "/mnt/nas nfs nas:/export /"}, /* by a link */
    {"/there/../data", "/mnt/nas nfs nas:/export /"},
    {"/up", "/srv ext4 - /"},                        /* by one that goes up */
    {"/mnt/nas/away", "/mnt/nas nfs nas:/export /"}, /* a link on a server isn't looked for */
    {"/round/a", ""},                                /* a link to itself */
    {"/not/there", "/"},
};

START_TEST(links_are_followed_where_that_cannot_take_long)
{
    static const char *const links[][2] = {
        {"/mnt/nas", "data"}, {"srv/x", "up"}, {"round", "round"}, {"/srv", "mnt/nas/away"}};
    struct accd_host_path path = {.place = "old"};
    char name[96];

    (void)snprintf(name, sizeof(name), "%s/mnt", root);
    ck_assert_int_eq(mkdir(name, 0700), 0);
    (void)snprintf(name, sizeof(name), "%s/mnt/nas", root);
    ck_assert_int_eq(mkdir(name, 0700), 0);
    for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
        (void)snprintf(name, sizeof(name), "%s/%s", root, links[i][1]);
        ck_assert_int_eq(symlink(links[i][0], name), 0);
    }
    (void)snprintf(path.path, sizeof(path.path), "%s", lies[_i].path);
    accd_host_places(root, &path, 1);
    ck_assert_str_eq(path.place, ""); /* no mountinfo: nobody knows */
    put("proc/1/mountinfo", "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
                            "40 22 0:44 / /mnt/nas rw - nfs4 nas:/export rw,vers=4.2\n"
                            "41 22 8:2 / /srv rw - ext4 /dev/sdb1 rw\n");
    accd_host_places(root, &path, 1);
    ck_assert_str_eq(path.place, lies[_i].want);
}
END_TEST

static const struct {
    const char *v4, *v6; /* NULL: no such file */
    enum acc_tri want;
} routes[] = {
    {NULL, NULL, ACC_UNKNOWN},
    {"Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n", NULL,
     ACC_NO},
    {"Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
     "eth0\t00000000\t0102A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n",
     NULL, ACC_YES},
    {"docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n", NULL, ACC_NO},
    {"eth0\t00000000\t00000000\t0200\t0\t0\t0\t00000000\t0\t0\t0\n", NULL, ACC_NO},
    {NULL,
     "00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
     "00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo\n",
     ACC_NO},
    {"docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n",
     "00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
     "fe800000000000000000000000000001 00000400 00000001 00000000 00450003     eth0\n",
     ACC_YES},
};

START_TEST(a_default_route_is_the_network)
{
    if (routes[_i].v4) {
        put("proc/1/net/route", routes[_i].v4);
    }
    if (routes[_i].v6) {
        put("proc/1/net/ipv6_route", routes[_i].v6);
    }
    ck_assert_int_eq(accd_host_network(root), routes[_i].want);
}
END_TEST

START_TEST(a_device_is_no_file)
{
    char path[96];

    (void)snprintf(path, sizeof(path), "%s/file", root);
    ck_assert_int_eq(accd_host_exists(path, false), ACC_NO);
    put("file", "");
    ck_assert_int_eq(accd_host_exists(path, false), ACC_YES);
    ck_assert_int_eq(accd_host_exists(path, true), ACC_NO);
    ck_assert_int_eq(accd_host_exists("/dev/null", true), ACC_YES);
}
END_TEST

START_TEST(an_address_is_one_of_this_host)
{
    ck_assert_int_eq(accd_host_address("127.0.0.1"), ACC_YES);
    ck_assert_int_eq(accd_host_address("192.0.2.77"), ACC_NO);
    ck_assert_int_eq(accd_host_address("not one"), ACC_NO);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("host_facts");
    TCase *tcase = tcase_create("host_facts");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, tcase);
    tcase_add_checked_fixture(tcase, make_root, remove_root);
    tcase_add_loop_test(tcase, a_mount_is_known_by_its_point, 0,
                        sizeof(mounts) / sizeof(mounts[0]));
    tcase_add_loop_test(tcase, links_are_followed_where_that_cannot_take_long, 0,
                        sizeof(lies) / sizeof(lies[0]));
    tcase_add_loop_test(tcase, a_default_route_is_the_network, 0,
                        sizeof(routes) / sizeof(routes[0]));
    tcase_add_test(tcase, a_device_is_no_file);
    tcase_add_test(tcase, an_address_is_one_of_this_host);
    srunner_run_all(runner, CK_NORMAL);
    int n_failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return n_failed > 0;
}
