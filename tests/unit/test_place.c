/* Places of bind sources: the same thing mounted again is the same, its absence isn't. */

#include "lib/model/place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "lib/codec/mountinfo.h"

static const struct {
    const char *point, *type, *source, *root, *want;
} puts_[] = {
    {"/", "ext4", "/dev/sda1", "/", "/"},
    {"/", "btrfs", "/dev/nvme0n1p2", "/@/.snapshots/7", "/"}, /* a snapshot tool's business */
    {"/srv", "ext4", "/dev/sdb1", "/", "/srv ext4 - /"},      /* sdc1 after the next boot */
    {"/home", "btrfs", "/dev/sda2", "/@home", "/home btrfs - /@home"},
    {"/mnt/nas", "nfs4", "nas:/export", "/", "/mnt/nas nfs nas:/export /"},
    {"/mnt/nas", "nfs", "nas:/export", "/", "/mnt/nas nfs nas:/export /"},
    {"/mnt/win", "smb3", "//box/share", "/", "/mnt/win cifs //box/share /"},
    {"/tank/media", "zfs", "tank/media", "/", "/tank/media zfs tank/media /"},
    {"/mnt/my files", "fuse.sshfs", "me@box:a b", "/",
     "/mnt/my\\040files fuse.sshfs me@box:a\\040b /"},
};

START_TEST(a_place_is_what_is_mounted_not_how)
{
    char place[ACC_PLACE_MAX + 1];

    acc_place_put(puts_[_i].point, puts_[_i].type, puts_[_i].source, puts_[_i].root, place);
    ck_assert_str_eq(place, puts_[_i].want);
}
END_TEST

START_TEST(a_long_place_is_cut_and_stays_the_same)
{
    char place[ACC_PLACE_MAX + 1];
    char again[ACC_PLACE_MAX + 1];
    char point[2 * ACC_PLACE_MAX];

    for (size_t k = ACC_PLACE_MAX - 8; k < ACC_PLACE_MAX + 8; k++) {
        memset(point, ' ', sizeof(point));
        memset(point, 'a', k);
        point[0] = '/';
        point[k + 3] = '\0';
        acc_place_put(point, "ext4", "/dev/sda1", "/", place);
        acc_place_put(point, "ext4", "/dev/sdb1", "/", again);
        ck_assert_str_eq(place, again);
        ck_assert_uint_le(strlen(place), ACC_PLACE_MAX);
    }
}
END_TEST

static const struct {
    const char *was, *is;
    bool want;
    const char *lacks;
} pairs[] = {
    {"/", "/", true, NULL},
    {"/mnt/nas nfs nas:/export /", "/mnt/nas nfs nas:/export /", true, NULL},
    {"/mnt/nas nfs nas:/export /", "/mnt/nas autofs systemd-1 /", true, NULL},
    {"/mnt/nas autofs systemd-1 /", "/mnt/nas nfs nas:/export /", true, NULL},
    {"/mnt/nas nfs nas:/export /", "/", false,
     "nas:/export is not mounted on /mnt/nas, as when /mnt/nas/a was last used"},
    {"/mnt/nas nfs nas:/export /", "/mnt ext4 - /", false,
     "nas:/export is not mounted on /mnt/nas, as when /mnt/nas/a was last used"},
    {"/mnt/nas ext4 - /", "/", false,
     "nothing is mounted on /mnt/nas, as when /mnt/nas/a was last used"},
    {"/mnt/nas autofs systemd-1 /", "/", false,
     "nothing is mounted on /mnt/nas, as when /mnt/nas/a was last used"},
    {"/mnt/nas nfs nas:/export /", "/mnt/nas nfs nas:/other /", false,
     "something else is mounted on /mnt/nas than when /mnt/nas/a was last used"},
    {"/mnt/nas btrfs - /@a", "/mnt/nas btrfs - /@b", false,
     "something else is mounted on /mnt/nas than when /mnt/nas/a was last used"},
    {"/", "/mnt/nas nfs nas:/export /", false,
     "/mnt/nas/a lies on the mount at /mnt/nas, not on that at / as when it was last used"},
    {"/mnt/na ext4 - /", "/mnt/nas autofs systemd-1 /", false,
     "/mnt/nas/a lies on the mount at /mnt/nas, not on that at /mnt/na as when it was last used"},
};

START_TEST(two_places_are_the_same_or_are_not)
{
    char text[192];

    ck_assert_int_eq(acc_place_is_same(pairs[_i].was, pairs[_i].is), pairs[_i].want);
    if (pairs[_i].lacks) {
        acc_place_lacks("/mnt/nas/a", pairs[_i].was, pairs[_i].is, text, sizeof(text));
        ck_assert_str_eq(text, pairs[_i].lacks);
    }
}
END_TEST

static const struct {
    const char *was, *is, *point; /* NULL: no mount is lost */
} losses[] = {
    {"/mnt/nas nfs nas:/export /", "/", "/mnt/nas"},
    {"/mnt/nas nfs nas:/export /", "/mnt ext4 - /", "/mnt/nas"},
    {"/mnt/nas nfs nas:/export /", "/mnt/nas nfs nas:/other /", "/mnt/nas"},
    {"/", "/mnt/nas nfs nas:/export /", "/mnt/nas"},
    {"/mnt/nas nfs nas:/export /", "/mnt/nas/a ext4 - /", "/mnt/nas/a"},
    {"/mnt/nas nfs nas:/export /", "/srv ext4 - /", NULL},
    {"/mnt/nas nfs nas:/export /", "/mnt/na ext4 - /", NULL},
};

START_TEST(what_is_lost_is_lost_with_a_mount_or_by_itself)
{
    size_t len = 0;
    const char *point = acc_place_lost_point(losses[_i].was, losses[_i].is, &len);

    ck_assert_int_eq(point != NULL, losses[_i].point != NULL);
    if (point) {
        ck_assert_uint_eq(len, strlen(losses[_i].point));
        ck_assert_int_eq(strncmp(point, losses[_i].point, len), 0);
    }
}
END_TEST

static const struct {
    const char *was, *is, *lacks;
} mounts_lost[] = {
    {"/mnt/nas nfs nas:/export /", "/",
     "nas:/export is not mounted on /mnt/nas, as when it was last used"},
    {"/mnt/nas ext4 - /", "/", "nothing is mounted on /mnt/nas, as when it was last used"},
    {"/mnt/nas ext4 - /", "/mnt/nas xfs - /",
     "something else is mounted on /mnt/nas than when it was last used"},
    {"/", "/mnt/nas xfs - /",
     "something is mounted on /mnt/nas, and was not when it was last used"},
};

START_TEST(a_mount_is_told_of_without_a_path)
{
    char text[192];

    acc_place_lacks(NULL, mounts_lost[_i].was, mounts_lost[_i].is, text, sizeof(text));
    ck_assert_str_eq(text, mounts_lost[_i].lacks);
}
END_TEST

/* As accd sees it under systemd with ProtectHome=read-only and ProtectSystem=strict. */
static const char mountinfo[] =
    "22 1 8:1 / / ro,relatime shared:1 - ext4 /dev/sda1 rw\n"
    "30 22 0:5 / /dev rw - devtmpfs udev rw\n"
    "40 22 0:44 / /mnt/nas rw,relatime shared:9 - nfs4 nas:/export rw,vers=4.2\n"
    "41 22 0:45 / /mnt/my\\040files rw - fuse.sshfs sshfs rw\n"
    "42 22 8:1 /home /home ro shared:1 - ext4 /dev/sda1 rw\n"
    "43 42 8:1 /home/me/x /home/me/x ro - ext4 /dev/sda1 rw\n"
    "44 22 8:1 /srv/real /srv/bound rw - ext4 /dev/sda1 rw\n"
    "45 22 0:50 / /auto rw - autofs systemd-1 rw\n"
    "46 45 0:51 / /auto rw - nfs nas:/auto rw\n"
    "47 22 0:60 /@ /pool rw - btrfs /dev/sdb rw\n"
    "48 47 0:60 /@home /pool/home rw - btrfs /dev/sdb rw\n"
    "49 47 0:60 /@/home2 /pool/home2 rw - btrfs /dev/sdb rw\n"
    "this line is none\n";

static const struct {
    const char *path;
    uint32_t id;
} lies[] = {
    {"/", 22},
    {"/etc/x", 22},
    {"/mnt/nas", 40},
    {"/mnt/nas/a/b", 40},
    {"/mnt/nasty", 22},
    {"/mnt/my files/a", 41},
    {"/dev/dri", 30},
    {"/home/you", 22}, /* /home and what is below it are bound to themselves */
    {"/home/me/x/y", 22},
    {"/srv/bound/a", 44}, /* this one isn't */
    {"/auto/a", 46},      /* the one on top */
    {"/pool/home/a", 48}, /* another subvolume */
    {"/pool/home2/a", 47},
};

START_TEST(a_path_lies_on_the_nearest_mount_above)
{
    char *text = strdup(mountinfo);
    struct acc_mounts mounts;
    const struct acc_mount *mount;

    ck_assert_int_eq(acc_mounts_parse(text, &mounts), 0);
    ck_assert_uint_eq(mounts.n, 12);
    mount = acc_mounts_of(&mounts, lies[_i].path);
    ck_assert_ptr_nonnull(mount);
    ck_assert_uint_eq(mount->id, lies[_i].id);
    acc_mounts_fini(&mounts);
    free(text);
}
END_TEST

START_TEST(without_mounts_nothing_lies_anywhere)
{
    char text[] = "";
    struct acc_mounts mounts;

    ck_assert_int_eq(acc_mounts_parse(text, &mounts), 0);
    ck_assert_ptr_null(acc_mounts_of(&mounts, "/"));
    acc_mounts_fini(&mounts);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("place");
    TCase *tcase = tcase_create("place");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, tcase);
    tcase_add_loop_test(tcase, a_place_is_what_is_mounted_not_how, 0,
                        sizeof(puts_) / sizeof(puts_[0]));
    tcase_add_test(tcase, a_long_place_is_cut_and_stays_the_same);
    tcase_add_loop_test(tcase, two_places_are_the_same_or_are_not, 0,
                        sizeof(pairs) / sizeof(pairs[0]));
    tcase_add_loop_test(tcase, what_is_lost_is_lost_with_a_mount_or_by_itself, 0,
                        sizeof(losses) / sizeof(losses[0]));
    tcase_add_loop_test(tcase, a_mount_is_told_of_without_a_path, 0,
                        sizeof(mounts_lost) / sizeof(mounts_lost[0]));
    tcase_add_loop_test(tcase, a_path_lies_on_the_nearest_mount_above, 0,
                        sizeof(lies) / sizeof(lies[0]));
    tcase_add_test(tcase, without_mounts_nothing_lies_anywhere);
    srunner_run_all(runner, CK_NORMAL);
    int n_failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return n_failed > 0;
}
