#pragma once

/*
 * The last lines of containers that a rollout has taken back: they are removed, and their logs with
 * them, and those say why.
 *
 * In memory only, as logs are kept nowhere: what a container prints may hold a secret. Written by
 * out/docker_call, read by the control server.
 */

#include <stdbool.h>
#include <stddef.h>

#include "lib/engine/engine.h"

/* Of one container: as many as the commands around an upgrade have in the history. */
#define ACCD_LAST_WORDS_LINES 20u
/* What is kept of them: there may be one of each service. The end is what tells. */
#define ACCD_LAST_WORDS_BYTES 8192u

struct accd_last_words;

/* What one container has written to both its streams. */
struct accd_last_word {
    char instance[ACC_NAME_MAX + 1];
    const char *text; /* lines; borrowed until the next put */
    size_t len;
};

struct accd_last_words *accd_last_words_create(void); /* NULL: out of memory */
/* NULL allowed; returns NULL. */
struct accd_last_words *accd_last_words_destroy(struct accd_last_words *words);
/* In the place of those of the service ("stack/service"). 0 or -ENOMEM, and it has none. */
int accd_last_words_put(struct accd_last_words *words, const char *service,
                        const struct accd_last_word *word);
bool accd_last_words_get(const struct accd_last_words *words, const char *service,
                         struct accd_last_word *ret_word);
