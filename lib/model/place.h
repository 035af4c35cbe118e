#pragma once

/*
 * Where a path of the host lies: on which mount, as one text that is the same whenever the same
 * thing is mounted there.
 *
 *     /mnt/nas nfs nas:/export /       mount point, type, source, and what of it is mounted
 *     /                                the root file system, whatever it is made of
 *
 * Not in it: ids and device numbers, which each boot deals anew to network file systems, btrfs and
 * tmpfs; device nodes, since the disk that was sda may be sdb tomorrow; and how the root file
 * system came to be there, which a boot menu or a snapshot tool may change. A place that is gone
 * shows in the mount point: the path lies on that of a folder above it then.
 */

#include <stdbool.h>
#include <stddef.h>

/* A text is cut there: it stays the same for the same mount. */
#define ACC_PLACE_MAX 383u

/* As mountinfo has them, but without its escapes. `out` has ACC_PLACE_MAX + 1 bytes. */
void acc_place_put(const char *point, const char *type, const char *source, const char *root,
                   char *out);
/* An automount that isn't triggered yet is the place of what it will mount: Docker triggers it. */
bool acc_place_is_same(const char *was, const char *is);
/* Nothing is mounted any more where it was. */
bool acc_place_is_unmounted(const char *was, const char *is);
/* What is the matter with `path`, which was on `was`: "nas:/export is not mounted on /mnt/nas, as
 * when /mnt/nas/data was last used". Without a path (NULL) of the mount: "... as when it was last
 * used". */
void acc_place_lacks(const char *path, const char *was, const char *is, char *out, size_t out_size);
/* Which mount has to come or go for the path to be on `was` again: `*ret_len` bytes of what is
 * returned. NULL: none, the path itself leads elsewhere. */
const char *acc_place_lost_point(const char *was, const char *is, size_t *ret_len);
