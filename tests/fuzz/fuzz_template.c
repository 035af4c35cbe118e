/*
 * Interpolation of hostile text.
 *
 * Properties: it ends, with a text or with a problem in words; a text whose dollars are all doubled
 * comes back as it was.
 */

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/compose/template.h"

#define ARENA_MAX (64u * 1024u * 1024u)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *lookup(void *ctx, const char *name)
{
    (void)ctx;
    return strcmp(name, "SET") == 0 ? "set" : strcmp(name, "EMPTY") == 0 ? "" : NULL;
}

static void on_unset(void *ctx, const char *name)
{
    size_t *n = ctx;

    *n += strlen(name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t n_unset = 0;
    struct acc_template template = {.lookup = lookup, .on_unset = on_unset, .ctx = &n_unset};
    char problem[ACC_TEMPLATE_ERROR_MAX] = "";
    const char *expanded = NULL;
    char *text = malloc(size + 1);
    char *doubled = malloc(2 * size + 1);
    size_t len = 0;

    acc_assert(text && doubled && acc_arena_create(ARENA_MAX, &template.arena) == 0);
    memcpy(text, data, size);
    text[size] = '\0';
    for (const char *at = text; *at; at++) {
        doubled[len++] = *at;
        if (*at == '$') {
            doubled[len++] = '$';
        }
    }
    doubled[len] = '\0';
    int r = acc_template_expand(&template, text, &expanded, problem);

    acc_assert(r == 0 ? expanded != NULL : r == -ENOMEM || (r == -EINVAL && problem[0]));
    acc_assert(memchr(problem, '\0', sizeof(problem)) != NULL);
    r = acc_template_expand(&template, doubled, &expanded, problem);
    acc_assert(r == 0 && strcmp(expanded, text) == 0);
    (void)acc_arena_destroy(template.arena);
    free(text);
    free(doubled);
    return 0;
}
