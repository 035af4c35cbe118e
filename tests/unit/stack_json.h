#pragma once

/*
 * A stack from the JSON that `docker compose config --format json` prints: the canonical shape that
 * the loader makes, without the loader. For tests.
 */

#include "lib/model/spec.h"

/* `text` as printed, with `$` doubled. `dir` is the project directory, `file` the Compose file.
 * Owned by the caller; NULL when the text is no JSON object. */
struct acc_stack *stack_from_json(const char *text, const char *dir, const char *file);

/* The service of that name, or NULL. */
const struct acc_service_spec *stack_service(const struct acc_stack *stack, const char *name);

/* The whole file, NUL-terminated; NULL when it can't be read. free() it. */
char *read_text(const char *path, size_t *ret_len);
