#include "lib/codec/mountinfo.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

void acc_mounts_unmangle(char *text)
{
    char *to = text;

    for (const char *from = text; *from; to++) {
        if (from[0] == '\\' && strspn(from + 1, "01234567") >= 3) {
            *to = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + (from[3] - '0'));
            from += 4;
        } else {
            *to = *from++;
        }
    }
    *to = '\0';
}

static const char *next(char **rest)
{
    char *word = strsep(rest, " ");

    if (word) {
        acc_mounts_unmangle(word);
    }
    return word;
}

/* "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw" */
static bool read_line(char *line, struct acc_mount *ret_mount)
{
    const char *id = next(&line);
    const char *parent = next(&line);
    const char *word;

    ret_mount->device = next(&line);
    ret_mount->root = next(&line);
    ret_mount->point = next(&line);
    while ((word = next(&line)) && strcmp(word, "-") != 0) {
    }
    ret_mount->type = next(&line);
    ret_mount->source = next(&line);
    if (!ret_mount->source) {
        return false;
    }
    ret_mount->id = (uint32_t)strtoul(id, NULL, 10);
    ret_mount->parent = (uint32_t)strtoul(parent, NULL, 10);
    return true;
}

int acc_mounts_parse(char *text, struct acc_mounts *ret_mounts)
{
    struct acc_mount *item;
    size_t n_lines = 1;
    size_t n = 0;

    for (const char *at = text; (at = strchr(at, '\n')); at++) {
        n_lines++;
    }
    item = calloc(n_lines, sizeof(*item));
    if (!item) {
        return -ENOMEM;
    }
    for (char *line; (line = strsep(&text, "\n"));) {
        n += read_line(line, &item[n]);
    }
    *ret_mounts = (struct acc_mounts){item, n};
    return 0;
}

void acc_mounts_fini(struct acc_mounts *mounts)
{
    free(mounts->item);
    *mounts = (struct acc_mounts){0};
}

/* The length of the point when the path lies below it, else 0. */
static size_t below(const char *point, const char *path)
{
    size_t len = strlen(point);

    if (strcmp(point, "/") == 0) {
        return 1;
    }
    return strncmp(point, path, len) == 0 && (path[len] == '/' || path[len] == '\0') ? len : 0;
}

static const struct acc_mount *parent_of(const struct acc_mounts *mounts,
                                         const struct acc_mount *mount)
{
    for (size_t k = 0; k < mounts->n; k++) {
        if (mounts->item[k].id == mount->parent && mount->id != mount->parent) {
            return &mounts->item[k];
        }
    }
    return NULL;
}

/* Behind the point of the parent it is called as behind the parent's root. */
static bool is_itself(const struct acc_mount *mount, const struct acc_mount *parent)
{
    const char *root = mount->root;
    const char *point = mount->point;
    size_t root_len = strcmp(parent->root, "/") == 0 ? 0 : strlen(parent->root);
    size_t point_len = strcmp(parent->point, "/") == 0 ? 0 : strlen(parent->point);

    return strcmp(mount->device, parent->device) == 0 && below(parent->root, root) > 0 &&
           below(parent->point, point) > 0 && strcmp(root + root_len, point + point_len) == 0;
}

const struct acc_mount *acc_mounts_of(const struct acc_mounts *mounts, const char *path)
{
    const struct acc_mount *found = NULL;
    const struct acc_mount *parent;
    size_t longest = 0;

    for (size_t k = 0; k < mounts->n; k++) { /* of several on one point the last one is on top */
        size_t len = below(mounts->item[k].point, path);

        if (len > 0 && len >= longest) {
            longest = len;
            found = &mounts->item[k];
        }
    }
    while (found && (parent = parent_of(mounts, found)) && is_itself(found, parent)) {
        found = parent;
    }
    return found;
}
