/*
 * Lost mounts: when a NAS or a disk goes, all bind sources that lie on it are lost, and so is what
 * names it as `mount:`; the mount is their one root (E6).
 *
 * Which mounts there are is learned (host_place.c), so they have no place of their own in the
 * tables: as many as there may be are kept free, behind all other conditions. One is taken while
 * something is lost with it, and until its incident is closed.
 */

#include <stdio.h>
#include <string.h>

#include "lib/engine/internal.h"

bool acc_host_is_mount(const struct acc_engine *e, const struct condition *c)
{
    return (uint32_t)(c - e->conditions) >= e->first_mount;
}

uint32_t acc_host_root(const struct acc_engine *e, const struct condition *c)
{
    return ACC_ROOT_HOST + (c->mount != ACC_NONE ? c->mount : (uint32_t)(c - e->conditions));
}

static bool is_at(const struct condition *mount, const char *point, size_t len)
{
    return strlen(mount->known) == len && strncmp(mount->known, point, len) == 0;
}

static bool is_free(const struct condition *mount)
{
    return mount->known[0] == '\0' ||
           (mount->first_lost == ACC_NONE && mount->incident == ACC_NONE);
}

static uint32_t find(const struct acc_engine *e, const char *point, size_t len)
{
    for (uint32_t k = e->first_mount; k < e->n_conditions; k++) {
        if (is_at(&e->conditions[k], point, len)) {
            return k;
        }
    }
    return ACC_NONE;
}

uint32_t acc_mount_find(const struct acc_engine *e, const char *point)
{
    return find(e, point, strlen(point));
}

/* What it is called is what its text points to (build_shared.c). */
static size_t length_of_point(const char *path)
{
    size_t len = strlen(path);

    while (len > 1 && path[len - 1] == '/') {
        len--;
    }
    return len;
}

/* The condition `mount:POINT`, where the file of any service has it. */
static uint32_t find_declared(const struct acc_engine *e, const char *point, size_t len)
{
    for (uint32_t k = 0; k < e->n_of_host; k++) {
        const struct acc_condition *is = &e->conditions[k].is;

        if (is->kind == ACC_HOST_MOUNT && length_of_point(is->arg) == len &&
            strncmp(is->arg, point, len) == 0) {
            return k;
        }
    }
    return ACC_NONE;
}

/* As the file calls it, where it does. */
static void name(const struct acc_engine *e, struct condition *mount, const char *point, size_t len)
{
    mount->declared = find_declared(e, point, len);
    (void)snprintf(mount->known, sizeof(mount->known), "%.*s", (int)len, point);
    if (mount->declared != ACC_NONE) {
        acc_copy(mount->seen, sizeof(mount->seen), e->conditions[mount->declared].id);
    } else {
        (void)snprintf(mount->seen, sizeof(mount->seen), "host:%.*s", (int)len, point);
    }
    mount->is_met = ACC_YES;
    mount->last_bad_ms = 0;
    mount->n_wanting = 0;
}

static uint32_t take(struct acc_engine *e, const char *point, size_t len)
{
    for (uint32_t k = e->first_mount; k < e->n_conditions; k++) {
        if (is_free(&e->conditions[k])) {
            name(e, &e->conditions[k], point, len);
            return k;
        }
    }
    return ACC_NONE;
}

static const char *lost_point(const struct condition *c, size_t *ret_len)
{
    if (c->res != ACC_NONE) {
        return NULL; /* a network or volume */
    }
    if (c->is.kind == ACC_HOST_MOUNT) {
        *ret_len = length_of_point(c->is.arg);
        return c->is.arg;
    }
    return c->is.kind == ACC_HOST_PLACE ? acc_place_lost_point(c->known, c->seen, ret_len) : NULL;
}

bool acc_mount_tells_of(const struct condition *c)
{
    size_t len = 0;

    return c->mount != ACC_NONE || (c->is_met == ACC_NO && lost_point(c, &len));
}

/* With which mount it is lost. ACC_NONE: it isn't lost, or by itself. */
static uint32_t mount_of(struct acc_engine *e, const struct condition *c)
{
    size_t len = 0;
    const char *point = c->is_met == ACC_NO ? lost_point(c, &len) : NULL;
    uint32_t found = point ? find(e, point, len) : ACC_NONE;

    return point && found == ACC_NONE ? take(e, point, len) : found;
}

static void join(struct acc_engine *e, struct condition *c, uint32_t at)
{
    struct condition *mount = &e->conditions[at];
    uint32_t self = (uint32_t)(c - e->conditions);

    c->mount = at;
    c->prev_lost = ACC_NONE;
    c->next_lost = mount->first_lost;
    if (c->next_lost != ACC_NONE) {
        e->conditions[c->next_lost].prev_lost = self;
    }
    mount->first_lost = self;
    mount->n_wanting += c->n_wanting;
}

static void leave(struct acc_engine *e, struct condition *c)
{
    struct condition *mount = &e->conditions[c->mount];

    if (c->prev_lost == ACC_NONE) {
        mount->first_lost = c->next_lost;
    } else {
        e->conditions[c->prev_lost].next_lost = c->next_lost;
    }
    if (c->next_lost != ACC_NONE) {
        e->conditions[c->next_lost].prev_lost = c->prev_lost;
    }
    mount->n_wanting -= c->n_wanting;
    c->mount = c->prev_lost = c->next_lost = ACC_NONE;
}

void acc_mount_follow(struct acc_engine *e, struct condition *c)
{
    uint32_t was = c->mount;
    uint32_t at = mount_of(e, c);

    if (at == was) {
        return;
    }
    if (was != ACC_NONE) {
        leave(e, c);
    }
    if (at != ACC_NONE) {
        join(e, c, at);
        acc_host_became(e, &e->conditions[at], ACC_NO);
        acc_bits_set(&e->host_due, at);
    }
    if (was != ACC_NONE && e->conditions[was].first_lost == ACC_NONE) {
        acc_host_became(e, &e->conditions[was], c->is_met == ACC_UNKNOWN ? ACC_UNKNOWN : ACC_YES);
    }
    acc_bits_set(&e->host_due, (uint32_t)(c - e->conditions));
    acc_host_mark_users(e, c);
}

void acc_mount_count(struct acc_engine *e, const struct condition *c, uint32_t more)
{
    if (c->mount != ACC_NONE) {
        e->conditions[c->mount].n_wanting += more;
        acc_bits_set(&e->host_due, c->mount);
    }
}

void acc_mount_lacks(const struct acc_engine *e, const struct condition *mount, char *out,
                     size_t out_size)
{
    const struct condition *c = mount->first_lost == ACC_NONE ? NULL
                                                              : &e->conditions[mount->first_lost];

    bool is_gone = c && (c->is.kind == ACC_HOST_MOUNT || acc_place_is_unmounted(c->known, c->seen));

    if (is_gone && mount->declared != ACC_NONE) { /* in the same words, whatever is told first */
        acc_condition_lacks(&e->conditions[mount->declared].is, out, out_size);
    } else if (c) {
        acc_place_lacks(NULL, c->known, c->seen, out, out_size);
    } else {
        (void)snprintf(out, out_size, "%.160s was not as when it was last used", mount->known);
    }
}

/* --- another configuration ---------------------------------------------------------------------
 */

static void move(const struct condition *old, struct condition *mount)
{
    mount->is_met = old->is_met;
    mount->since_ms = old->since_ms;
    mount->last_bad_ms = old->last_bad_ms;
    mount->is_lasting = old->is_lasting;
}

/* Of what is still lost. */
static void move_lost(const struct acc_engine *from, struct acc_engine *to, struct condition *c)
{
    uint32_t at = mount_of(to, c);
    uint32_t old = at == ACC_NONE ? ACC_NONE : acc_mount_find(from, to->conditions[at].known);

    if (at == ACC_NONE) {
        return;
    }
    if (to->conditions[at].first_lost == ACC_NONE) {
        to->conditions[at].since_ms = from->now;
        if (old != ACC_NONE) {
            move(&from->conditions[old], &to->conditions[at]);
        }
        to->conditions[at].is_met = ACC_NO;
    }
    join(to, c, at);
}

/* It is back, and has an incident that is to be closed. A place that was never used is new. */
static void move_found(const struct condition *old, struct acc_engine *to)
{
    for (uint32_t k = to->first_mount; k < to->n_conditions; k++) {
        struct condition *mount = &to->conditions[k];

        if (mount->known[0] == '\0') {
            name(to, mount, old->known, strlen(old->known));
            move(old, mount);
            return;
        }
    }
}

void acc_mounts_move(const struct acc_engine *from, struct acc_engine *to)
{
    for (uint32_t k = 0; k < to->n_of_host; k++) {
        move_lost(from, to, &to->conditions[k]);
    }
    for (uint32_t k = from->first_mount; k < from->n_conditions; k++) {
        const struct condition *old = &from->conditions[k];

        if (old->incident != ACC_NONE && old->first_lost == ACC_NONE) {
            move_found(old, to);
        }
    }
}
