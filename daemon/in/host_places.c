/* On which mounts paths of the host lie. */

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/in/host_facts.h"
#include "lib/base/assert.h"
#include "lib/base/buf.h"
#include "lib/codec/mountinfo.h"

#define LINKS_MAX 40 /* as the kernel's own MAXSYMLINKS */
/* Ten thousand mounts; a host of a hundred containers has five hundred. */
#define MOUNTINFO_MAX (4u << 20)

/* What answers from this machine alone. All others may be a dead server, or ask one to answer. */
static bool is_local(const char *type)
{
    static const char *const types[] = {
        "ext2",  "ext3",     "ext4",    "xfs",    "btrfs", "zfs",      "f2fs",  "bcachefs",
        "tmpfs", "devtmpfs", "overlay", "rootfs", "ramfs", "squashfs", "erofs", "iso9660",
        "vfat",  "exfat",    "ntfs3",   "proc",   "sysfs", "cgroup2"};

    for (size_t k = 0; k < ACC_ARRAY_LEN(types); k++) {
        if (strcmp(types[k], type) == 0) {
            return true;
        }
    }
    return false;
}

/* The part of a path that is sure, and what comes behind it. */
struct walk {
    char done[PATH_MAX], rest[PATH_MAX];
    int n_links;
};

/* "/a" and "b" make "/a/b", ".." makes "/". False: too long. */
static bool go_down(struct walk *walk, const char *name, size_t len)
{
    size_t at = strlen(walk->done);

    if (len == 0 || (len == 1 && name[0] == '.')) {
        return true;
    }
    if (len == 2 && strncmp(name, "..", 2) == 0) {
        char *slash = strrchr(walk->done, '/');

        if (slash) {
            *slash = '\0';
        }
        return true;
    }
    if (at + len + 2 > sizeof(walk->done)) {
        return false;
    }
    walk->done[at] = '/';
    memcpy(walk->done + at + 1, name, len);
    walk->done[at + 1 + len] = '\0';
    return true;
}

/* What `done` has come to is a link: go on with what it says. */
static bool follow(struct walk *walk, const char *sys_root)
{
    char path[2 * PATH_MAX], to[PATH_MAX], rest[PATH_MAX];
    ssize_t len;
    int n;

    (void)snprintf(path, sizeof(path), "%s%s", sys_root, walk->done);
    len = readlink(path, to, sizeof(to) - 1);
    if (len <= 0) {
        return true; /* no link, or not there */
    }
    to[len] = '\0';
    n = snprintf(rest, sizeof(rest), "%s/%s", to, walk->rest);
    if (n >= (int)sizeof(rest) || ++walk->n_links > LINKS_MAX) {
        return false;
    }
    memcpy(walk->rest, rest, (size_t)n + 1);
    if (to[0] == '/') {
        walk->done[0] = '\0';
    } else {
        *strrchr(walk->done, '/') = '\0'; /* it begins with one */
    }
    return true;
}

static void place_of(const struct acc_mounts *mounts, const char *sys_root,
                     struct accd_host_path *path)
{
    const struct acc_mount *mount = acc_mounts_of(mounts, "/");
    struct walk walk = {.n_links = 0};
    bool is_good = snprintf(walk.rest, sizeof(walk.rest), "%s", path->path) <
                   (int)sizeof(walk.rest);

    while (is_good && walk.rest[0]) {
        char *name = walk.rest + strspn(walk.rest, "/");
        size_t len = strcspn(name, "/");

        is_good = go_down(&walk, name, len);
        memmove(walk.rest, name + len, strlen(name + len) + 1);
        mount = acc_mounts_of(mounts, walk.done[0] ? walk.done : "/");
        is_good = is_good && mount &&
                  (len == 0 || !is_local(mount->type) || follow(&walk, sys_root));
    }
    if (is_good && mount) {
        acc_place_put(mount->point, mount->type, mount->source, mount->root, path->place);
    }
}

static bool read_mounts(const char *sys_root, struct acc_buf *text)
{
    char name[PATH_MAX], chunk[8192];
    FILE *file;
    size_t n;

    (void)snprintf(name, sizeof(name), "%s/proc/%s/mountinfo", sys_root,
                   sys_root[0] ? "1" : "self");
    file = fopen(name, "re");
    if (!file) {
        return false;
    }
    while ((n = fread(chunk, 1, sizeof(chunk), file)) > 0) {
        (void)acc_buf_append(text, chunk, n);
    }
    (void)fclose(file);
    return !text->failed && text->len > 0;
}

void accd_host_places(const char *sys_root, struct accd_host_path *paths, size_t n)
{
    struct acc_mounts mounts;
    struct acc_buf text;

    acc_buf_init(&text, MOUNTINFO_MAX);
    for (size_t i = 0; i < n; i++) {
        paths[i].place[0] = '\0';
    }
    if (read_mounts(sys_root, &text) && acc_mounts_parse(text.data, &mounts) == 0) {
        for (size_t i = 0; i < n; i++) {
            place_of(&mounts, sys_root, &paths[i]);
        }
        acc_mounts_fini(&mounts);
    }
    acc_buf_fini(&text);
}
