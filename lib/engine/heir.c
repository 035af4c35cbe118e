/*
 * Volumes that nobody has named: an image's VOLUME, or a target alone in the file. A container that
 * is made in another one's place goes on with them, as with Docker Compose (pkg/compose/create.go,
 * buildContainerMountOptions, at v2.40.3); else each upgrade would begin with empty ones.
 *
 * Where the one before is still there it has them. What is removed first, to be made anew, leaves
 * them in the service's record: accd may end in between.
 *
 * Doesn't know which of them the new image and the file still mount: who makes the body does.
 */

#include <stdio.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/engine/internal.h"

/* "SLOT\t" and a line of acc_obs.volumes each. */
static size_t line_len(const char *line)
{
    return strcspn(line, "\n") + (line[strcspn(line, "\n")] == '\n');
}

static bool is_of(const char *line, uint32_t slot)
{
    char prefix[16];
    int n = snprintf(prefix, sizeof(prefix), "%u\t", (unsigned)slot);

    return strncmp(line, prefix, (size_t)n) == 0;
}

static void drop(struct service *s, uint32_t slot)
{
    char *to = s->heirs;

    for (const char *line = s->heirs; *line;) {
        size_t len = line_len(line);

        if (!is_of(line, slot)) {
            memmove(to, line, len);
            to += len;
        }
        line += len;
    }
    *to = '\0';
}

void acc_heirs_leave(struct acc_engine *e, struct service *s, const struct instance *i)
{
    bool is_beside = (i->is_spare || i->role != ROLE_NONE) && !acc_inst_is_alone(e, i);
    size_t len;

    if (is_beside || i->slot > s->n_inst || s->wanted_removed || s->removed || !i->volumes[0]) {
        return; /* another one has them, or nothing is to follow */
    }
    drop(s, i->slot);
    len = strlen(s->heirs);
    for (const char *line = i->volumes; *line; line += line_len(line)) {
        int n = snprintf(s->heirs + len, sizeof(s->heirs) - len, "%u\t%.*s", (unsigned)i->slot,
                         (int)line_len(line), line);

        if ((size_t)n >= sizeof(s->heirs) - len) {
            break;
        }
        len += (size_t)n;
    }
    s->heirs[len] = '\0';
    acc_save(s);
}

void acc_heirs_taken(struct service *s, uint32_t slot)
{
    if (s->heirs[0]) {
        drop(s, slot);
        acc_save(s);
    }
}

/* The one that serves, or did. */
static const char *held_by_another(struct acc_engine *e, const struct service *s, uint32_t slot)
{
    struct cast cast = acc_rollout_cast(e, s, slot);
    const struct instance *order[] = {cast.holder, cast.retired, cast.bad, cast.candidate};

    for (size_t k = 0; k < ACC_ARRAY_LEN(order); k++) {
        if (order[k] && order[k]->volumes[0]) {
            return order[k]->volumes;
        }
    }
    return NULL;
}

void acc_engine_heirs(const struct acc_engine *engine, uint32_t svc, uint32_t slot,
                      char out[ACC_OBS_VOLUMES_MAX + 1])
{
    union { /* the walkers want it changeable; nothing is changed */
        const struct acc_engine *in;
        struct acc_engine *out;
    } cast = {engine};
    const struct service *s = &engine->services[svc];
    const char *held;
    size_t len = 0;

    acc_assert(svc < engine->n_services);
    held = held_by_another(cast.out, s, slot);
    out[0] = '\0';
    if (held) {
        memcpy(out, held, strlen(held) + 1);
        return;
    }
    for (const char *line = s->heirs; *line; line += line_len(line)) {
        const char *text = line + strcspn(line, "\t") + 1;
        size_t more = is_of(line, slot) ? line_len(text) : 0;

        if (more > 0 && len + more <= ACC_OBS_VOLUMES_MAX) {
            memcpy(out + len, text, more);
            len += more;
            out[len] = '\0';
        }
    }
}

bool acc_svc_has_unnamed_volumes(const struct acc_engine *e, const struct service *s)
{
    for (uint32_t k = 0; k < s->n_inst; k++) {
        if (e->inst[s->first_inst + k].present && e->inst[s->first_inst + k].volumes[0]) {
            return true;
        }
    }
    return false;
}
