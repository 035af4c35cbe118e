/*
 * Bind sources: where each lies is remembered when a service that uses it is ready, and a start
 * waits until it lies there again. Docker would create an empty folder where a NAS isn't mounted.
 */

#include <stdio.h>
#include <string.h>

#include "lib/engine/internal.h"

static void judge(struct acc_engine *e, struct condition *c)
{
    acc_host_became(e, c,
                    c->known[0] == '\0'                    ? ACC_YES
                    : c->seen[0] == '\0'                   ? ACC_UNKNOWN
                    : acc_place_is_same(c->known, c->seen) ? ACC_YES
                                                           : ACC_NO);
    acc_mount_follow(e, c);
}

/* It is in the record of each service that uses it. */
static void save_users(struct acc_engine *e, const struct condition *c)
{
    uint32_t at = (uint32_t)(c - e->conditions);

    for (uint32_t u = 0; u < e->host_links.n_users[at]; u++) {
        struct service *s = &e->services[e->host_links.users[e->host_links.first[at] + u]];

        acc_save(s);
        acc_mark(e, s);
    }
}

static void know(struct acc_engine *e, struct condition *c)
{
    acc_copy(c->known, sizeof(c->known), c->seen);
    judge(e, c);
    save_users(e, c);
}

static bool is_in_use(const struct acc_engine *e, const struct condition *c)
{
    uint32_t at = (uint32_t)(c - e->conditions);

    for (uint32_t u = 0; u < e->host_links.n_users[at]; u++) {
        const struct service *s = &e->services[e->host_links.users[e->host_links.first[at] + u]];

        if (s->ready || acc_svc_is_done(s)) {
            return true;
        }
    }
    return false;
}

void acc_place_told(struct acc_engine *e, struct condition *c, const char *place)
{
    acc_copy(c->seen, sizeof(c->seen), place);
    if (c->known[0] == '\0' && c->seen[0] && is_in_use(e, c)) {
        know(e, c);
    } else {
        judge(e, c);
    }
}

void acc_places_learn(struct acc_engine *e, struct service *s)
{
    bool is_used = s->n_host > 0 && (s->ready || acc_svc_is_done(s));

    for (uint32_t k = 0; is_used && k < s->n_host; k++) {
        struct condition *c = acc_host_of(e, s, k);

        if (c->is.kind == ACC_HOST_PLACE && c->known[0] == '\0' && c->seen[0]) {
            know(e, c);
        }
    }
}

bool acc_host_has_root(const struct acc_engine *e, const struct condition *c, const char *root_id)
{
    return c->is_met == ACC_NO &&
           strcmp(acc_root_condition(e, acc_host_root(e, c))->id, root_id) == 0;
}

static void take(struct acc_engine *e, struct condition *c)
{
    uint32_t at = (uint32_t)(c - e->conditions);

    for (uint32_t u = 0; u < e->host_links.n_users[at]; u++) {
        e->services[e->host_links.users[e->host_links.first[at] + u]].n_places_taken++;
    }
    know(e, c); /* not seen yet: then where it will be seen */
}

void acc_places_accept(struct acc_engine *e, struct service *s, const char *root_id)
{
    for (uint32_t k = 0; k < s->n_host; k++) {
        struct condition *c = acc_host_of(e, s, k);

        if (c->is.kind == ACC_HOST_PLACE && c->is_met != ACC_YES &&
            (root_id[0] == '\0' || acc_host_has_root(e, c, root_id))) {
            acc_note(e, ACC_NOTE_OPERATOR, acc_svc_index(e, s), "takes %.160s where it is now",
                     c->is.text);
            take(e, c);
        }
    }
}

const struct condition *acc_places_lost(const struct acc_engine *e, const struct service *s)
{
    for (uint32_t k = 0; k < s->n_host; k++) {
        const struct condition *c = acc_host_of(e, s, k);

        if (c->is.kind == ACC_HOST_PLACE && c->is_met == ACC_NO) {
            return c;
        }
    }
    return NULL;
}

/* --- as text: "PATH\tPLACE\n" of each ----------------------------------------------------------
 */

void acc_places_put(const struct acc_engine *e, const struct service *s, char *out)
{
    size_t len = 0;

    out[0] = '\0';
    for (uint32_t k = 0; k < s->n_host; k++) {
        const struct condition *c = acc_host_of(e, s, k);
        size_t size = strlen(c->is.text) + strlen(c->known) + 2;

        if (c->is.kind == ACC_HOST_PLACE && c->known[0] && len + size <= ACC_PLACES_MAX) {
            (void)snprintf(out + len, ACC_PLACES_MAX + 1 - len, "%s\t%s\n", c->is.text, c->known);
            len += size;
        }
    }
}

static void restore(struct condition *c, const char *text)
{
    size_t path_len = strlen(c->is.text);

    for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        const char *place = line + path_len + 1;
        size_t len = strcspn(line, "\n");

        if (len > path_len + 1 && line[path_len] == '\t' &&
            strncmp(line, c->is.text, path_len) == 0 && len - path_len - 1 <= ACC_PLACE_MAX) {
            (void)snprintf(c->known, sizeof(c->known), "%.*s", (int)(len - path_len - 1), place);
            c->is_met = ACC_UNKNOWN;
        }
    }
}

void acc_places_restore(struct acc_engine *e, const struct service *s, const char *text)
{
    for (uint32_t k = 0; k < s->n_host; k++) {
        struct condition *c = acc_host_of(e, s, k);

        if (c->is.kind == ACC_HOST_PLACE && c->known[0] == '\0') {
            restore(c, text);
        }
    }
}
