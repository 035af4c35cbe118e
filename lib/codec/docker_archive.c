/*
 * A tar of a few small files (POSIX ustar), for PUT /containers/{id}/archive.
 *
 * The time stamp is 0: lib has no clock, and the same files give the same bytes.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/codec/docker_create.h"

#define BLOCK 512u

/* POSIX.1-1988 ustar header */
struct header {
    char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[100];
    char magic[6], version[2], user[32], group[32], major[8], minor[8], prefix[155], pad[12];
};

/* A path longer than 100 bytes is cut at a slash into prefix and name. */
static int set_path(struct header *header, const char *path)
{
    size_t len = strlen(path);

    if (len == 0) {
        return -ENAMETOOLONG;
    }
    if (len <= sizeof(header->name)) {
        memcpy(header->name, path, len);
        return 0;
    }
    for (size_t cut = len - 1; cut > 0; cut--) {
        if (path[cut] == '/' && cut <= sizeof(header->prefix) &&
            len - cut - 1 <= sizeof(header->name)) {
            memcpy(header->prefix, path, cut);
            memcpy(header->name, path + cut + 1, len - cut - 1);
            return 0;
        }
    }
    return -ENAMETOOLONG;
}

/* Octal digits and a NUL; values that don't fit become their low digits, as no file here has. */
static void octal(char *field, size_t field_size, uint64_t value)
{
    field[field_size - 1] = '\0';
    for (size_t i = field_size - 1; i-- > 0; value >>= 3) {
        field[i] = (char)('0' + (value & 7));
    }
}

static void seal(struct header *header)
{
    const unsigned char *bytes = (const unsigned char *)header;
    uint32_t sum = 0;

    memset(header->checksum, ' ', sizeof(header->checksum));
    for (size_t i = 0; i < sizeof(*header); i++) {
        sum += bytes[i];
    }
    octal(header->checksum, 7, sum);
}

static int add_file(const struct acc_docker_file *file, struct acc_buf *out)
{
    static const char zeros[BLOCK];
    struct header header = {.type = '0', .magic = "ustar", .version = {'0', '0'}};
    const char *path = file->path + strspn(file->path, "/"); /* relative to `path=/` */
    int r = set_path(&header, path);

    _Static_assert(sizeof(struct header) == BLOCK, "one block");
    if (r < 0) {
        return r;
    }
    octal(header.mode, sizeof(header.mode), file->mode);
    octal(header.uid, sizeof(header.uid), (uint64_t)file->uid);
    octal(header.gid, sizeof(header.gid), (uint64_t)file->gid);
    octal(header.size, sizeof(header.size), file->content_len);
    octal(header.mtime, sizeof(header.mtime), 0);
    seal(&header);
    r = acc_buf_append(out, &header, sizeof(header));
    if (r == 0) {
        r = acc_buf_append(out, file->content, file->content_len);
    }
    return r == 0 ? acc_buf_append(out, zeros, (BLOCK - file->content_len % BLOCK) % BLOCK) : r;
}

int acc_docker_archive_make(const struct acc_docker_file *files, size_t n_files,
                            struct acc_buf *out)
{
    static const char end[2 * BLOCK];
    int r = 0;

    for (size_t i = 0; i < n_files && r == 0; i++) {
        r = add_file(&files[i], out);
    }
    return r == 0 ? acc_buf_append(out, end, sizeof(end)) : r;
}
