#include "daemon/last_words.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

struct entry {
    UT_hash_handle hh;
    char service[2 * ACC_NAME_MAX + 2];
    struct accd_last_word word;
    char text[];
};

struct accd_last_words {
    struct entry *entries; /* by service: no more than there are services */
};

struct accd_last_words *accd_last_words_create(void)
{
    return calloc(1, sizeof(struct accd_last_words));
}

static void forget(struct accd_last_words *words, struct entry *entry)
{
    if (entry) {
        HASH_DEL(words->entries, entry);
        free(entry);
    }
}

struct accd_last_words *accd_last_words_destroy(struct accd_last_words *words)
{
    while (words && words->entries) {
        forget(words, words->entries);
    }
    free(words);
    return NULL;
}

static struct entry *find(const struct accd_last_words *words, const char *service)
{
    struct entry *entry = NULL;

    HASH_FIND_STR(words->entries, service, entry);
    return entry;
}

int accd_last_words_put(struct accd_last_words *words, const char *service,
                        const struct accd_last_word *word)
{
    size_t len = word->len < ACCD_LAST_WORDS_BYTES ? word->len : ACCD_LAST_WORDS_BYTES;
    struct entry *entry = calloc(1, sizeof(*entry) + len);

    forget(words, find(words, service));
    if (!entry) {
        return -ENOMEM;
    }
    (void)snprintf(entry->service, sizeof(entry->service), "%s", service);
    entry->word = *word;
    if (len > 0) {
        memcpy(entry->text, word->text + word->len - len, len);
    }
    entry->word.text = entry->text;
    entry->word.len = len;
    HASH_ADD_STR(words->entries, service, entry);
    return 0;
}

bool accd_last_words_get(const struct accd_last_words *words, const char *service,
                         struct accd_last_word *ret_word)
{
    const struct entry *entry = find(words, service);

    if (entry) {
        *ret_word = entry->word;
    }
    return entry != NULL;
}
