#include "lib/compose/pattern.h"

#include <string.h>

/* From the last key up: most paths differ there. */
bool acc_path_matches(const struct acc_path *path, const char *pattern)
{
    const char *end = pattern + strlen(pattern);

    while (path) {
        const char *dot = memrchr(pattern, '.', (size_t)(end - pattern));
        const char *part = dot ? dot + 1 : pattern;
        size_t len = (size_t)(end - part);
        const char *key = path->key ? path->key : "[]";
        bool is_any_key = len == 1 && *part == '*' && path->key;

        if (!is_any_key && (strncmp(key, part, len) != 0 || key[len])) {
            return false;
        }
        path = path->up;
        if (!dot) {
            return !path;
        }
        end = dot;
    }
    return false;
}
