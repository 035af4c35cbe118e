#include "daemon/differences.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

struct entry {
    UT_hash_handle hh;
    char cid[ACC_CID_LEN + 1];
    size_t n, n_dropped;
    struct acc_docker_diff_line line[];
};

struct accd_differences {
    struct entry *entries; /* by cid */
};

struct accd_differences *accd_differences_create(void)
{
    return calloc(1, sizeof(struct accd_differences));
}

static void forget(struct accd_differences *differences, struct entry *entry)
{
    HASH_DEL(differences->entries, entry);
    free(entry);
}

struct accd_differences *accd_differences_destroy(struct accd_differences *differences)
{
    if (differences) {
        while (differences->entries) {
            forget(differences, differences->entries);
        }
        free(differences);
    }
    return NULL;
}

static struct entry *find(const struct accd_differences *differences, const char *cid)
{
    struct entry *entry = NULL;

    HASH_FIND_STR(differences->entries, cid, entry);
    return entry;
}

int accd_differences_set(struct accd_differences *differences, const char *cid,
                         const struct acc_docker_diff *diff)
{
    struct entry *entry = find(differences, cid);

    if (entry) {
        forget(differences, entry);
    }
    if (diff->n == 0) {
        return 0;
    }
    entry = calloc(1, sizeof(*entry) + diff->n * sizeof(entry->line[0]));
    if (!entry) {
        return -ENOMEM;
    }
    memcpy(entry->cid, cid, strnlen(cid, ACC_CID_LEN));
    entry->n = diff->n;
    entry->n_dropped = diff->n_dropped;
    memcpy(entry->line, diff->line, diff->n * sizeof(entry->line[0]));
    HASH_ADD_STR(differences->entries, cid, entry);
    return 0;
}

bool accd_differences_get(const struct accd_differences *differences, const char *cid,
                          struct acc_differences *ret)
{
    const struct entry *entry = find(differences, cid);

    if (entry) {
        *ret = (struct acc_differences){
            .line = entry->line, .n = entry->n, .n_dropped = entry->n_dropped};
    }
    return entry != NULL;
}

void accd_differences_prune(struct accd_differences *differences,
                            bool (*is_known)(void *ctx, const char *cid), void *ctx)
{
    struct entry *entry, *next;

    HASH_ITER(hh, differences->entries, entry, next)
    {
        if (!is_known(ctx, entry->cid)) {
            forget(differences, entry);
        }
    }
}
