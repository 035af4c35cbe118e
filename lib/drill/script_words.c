/* Words of a line, and what they name. */

#include <string.h>

#include "lib/base/str.h"
#include "lib/drill/script_internal.h"

/* The next word of `*rest`, which is cut off; "" at the end. */
char *acc_script_next(char **rest)
{
    char *word = *rest + strspn(*rest, " \t");
    size_t len = strcspn(word, " \t");

    *rest = word + len;
    if (**rest) {
        *(*rest)++ = '\0';
    }
    return word;
}

char *acc_script_trim(char *text)
{
    size_t len;

    text += strspn(text, " \t");
    for (len = strlen(text); len > 0 && strchr(" \t\r", text[len - 1]); len--) {
        text[len - 1] = '\0';
    }
    return text;
}

bool acc_script_service(struct script *s, const char *name, uint32_t *ret_svc)
{
    bool is_ambiguous = false;

    *ret_svc = s->is_open ? acc_model_find(s->world.model, name, &is_ambiguous) : ACC_NONE;
    if (*ret_svc == ACC_NONE) {
        (void)acc_script_wrong(s, "no service ", name);
    }
    return *ret_svc != ACC_NONE;
}

/* "name" or "name#slot"; of a rollout "name.new" and "name.old" */
bool acc_script_slot(struct script *s, char *name, uint32_t *ret_svc, uint32_t *ret_slot)
{
    char *hash = strchr(name, '#');
    uint64_t slot = 1;

    if (hash) {
        *hash = '\0';
        if (!acc_parse_u64(hash + 1, &slot)) {
            (void)acc_script_wrong(s, "no slot ", hash + 1);
            return false;
        }
    }
    *ret_slot = (uint32_t)slot;
    return acc_script_service(s, name, ret_svc);
}

struct acc_world_container *acc_script_container(struct script *s, char *name)
{
    struct acc_world_container *c = NULL;
    char *dot = strrchr(name, '.');
    char role = '\0'; /* none */
    uint32_t svc;
    uint32_t slot;

    if (dot && (strcmp(dot, ".new") == 0 || strcmp(dot, ".old") == 0)) {
        role = dot[1] == 'n' ? 'c' : 'r';
        *dot = '\0';
    }
    if (acc_script_slot(s, name, &svc, &slot)) {
        c = acc_world_slot(&s->world, svc, slot, role);
        if (!c) {
            (void)acc_script_wrong(s, "no container of ", name);
        }
    }
    return c;
}

bool acc_script_ms(const char *text, uint64_t *ret_ms)
{
    int64_t ns;

    if (!acc_parse_duration_ns(text, &ns) || ns < 0) {
        return false;
    }
    *ret_ms = (uint64_t)ns / 1000000;
    return true;
}
