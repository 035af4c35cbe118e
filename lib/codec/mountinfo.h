#pragma once

/*
 * /proc/PID/mountinfo: what is mounted where, and on which mount a path lies.
 */

#include <stddef.h>
#include <stdint.h>

struct acc_mount {
    uint32_t id, parent;
    const char *device; /* "0:44": tells file systems of one reading apart, not of two boots */
    const char *root, *point, *type, *source;
};
struct acc_mounts {
    struct acc_mount *item; /* owned */
    size_t n;
};

/* `text` is cut up, and must outlive them. Lines that can't be read are left out. 0 or -ENOMEM. */
int acc_mounts_parse(char *text, struct acc_mounts *ret_mounts);
void acc_mounts_fini(struct acc_mounts *mounts);
/* The one on which an absolute path without links lies, or NULL. A mount that shows what would be
 * there without it isn't looked at: a service of systemd sees such ones (ProtectHome=), and so does
 * Docker's own data folder. */
const struct acc_mount *acc_mounts_of(const struct acc_mounts *mounts, const char *path);
/* "\\040" is a blank: fs/seq_file.c, mangle_path(). In place. */
void acc_mounts_unmangle(char *text);
