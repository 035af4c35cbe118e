#pragma once

/*
 * The host (E3, host:<cond>): what services need of it before they start, as the daemon sees it.
 *
 * A condition is a root like any other: who needs it and doesn't run is blocked, who runs rides and
 * is impaired, failures while it is missing are the host's and not theirs, and it has one incident.
 * What isn't known yet forbids a start, and is nobody's fault.
 *
 * A bind source is one, too (host_place.c): where it lies is remembered when a service that uses it
 * is ready, and from then on it has to lie there before a start. Who is ready on what was mounted
 * there before is left alone, and is well. Sources that are lost with one mount have that mount as
 * their root (host_mount.c), a condition of its own while it is lost: a NAS that is gone is one
 * incident, however many paths lie on it, and also where some services name it as `mount:`.
 *
 * What is needed of a stack that isn't loaded is one as well (ready:STACK/SERVICE and its like, in the
 * place of an edge): nobody starts it, but it is there or not. What a container is made with (maker:)
 * is missed only by who has none, and what had to have ended (done:) only until one is ready.
 *
 * So is each network and volume that Docker can't make (E6, net:<name>, vol:<name>): it is the root
 * of all who lack a container for it. That the engine finds out by itself (resource.c).
 */

#include "lib/engine/engine.h"

/* A condition is missing for so long: a network mount comes within that at boot, and a device that
 * is reset. Who only wanted its users, and later phases, go on without them. */
#define ACC_HOST_PATIENCE_MS 30000u

struct condition {
    const char *id; /* "host:mount:/mnt/nas", "net:s_back": as a root is called */
    struct acc_condition is;
    uint32_t res; /* the network or volume that it is, and `is` is nothing; or ACC_NONE */
    enum acc_tri is_met;
    uint64_t since_ms;    /* it is so since then */
    uint64_t last_bad_ms; /* when it was last seen missing; 0: never */
    bool is_lasting;      /* missing for ACC_HOST_PATIENCE_MS */
    uint32_t n_wanting;   /* services that are wanted up and managed */
    uint32_t incident;    /* open one of which it is the root, or ACC_NONE */
    /* PLACE: where it was when it was last used ("" never), and where it is ("" not known). A lost
     * mount: its mount point ("" this one is free), and what it is called. */
    char known[ACC_PLACE_MAX + 1], seen[ACC_PLACE_MAX + 1];
    /* PLACE, MOUNT: with which mount it is lost, or ACC_NONE, and others that are. */
    uint32_t mount, prev_lost, next_lost;
    /* A mount: what is lost with it, and the condition that names it; or ACC_NONE. */
    uint32_t first_lost, declared;
};

/* Those of a service: `for (k = 0; k < s->n_host; k++) acc_host_of(e, s, k)`. */
struct service;
struct condition *acc_host_of(const struct acc_engine *e, const struct service *s, uint32_t k);

static inline bool acc_root_is_host(uint32_t root)
{
    return root >= ACC_ROOT_HOST && root < ACC_ROOT_HOST_END;
}
struct condition *acc_root_condition(const struct acc_engine *e, uint32_t root);
struct service *acc_root_service(const struct acc_engine *e, uint32_t root); /* NULL: none */

/* Does it count for the service as it is now? */
bool acc_host_concerns(struct acc_engine *e, struct service *s, const struct condition *c);
void acc_host_became(struct acc_engine *e, struct condition *c, enum acc_tri is_met);
void acc_host_mark_users(struct acc_engine *e, const struct condition *c);
bool acc_host_has_root(const struct acc_engine *e, const struct condition *c, const char *root_id);
/* As a root: the mount that it is lost with, or itself. */
uint32_t acc_host_root(const struct acc_engine *e, const struct condition *c);
/* What is the matter while it isn't met. */
void acc_host_lacks(const struct acc_engine *e, const struct condition *c, char *out,
                    size_t out_size);
void acc_host_told(struct acc_engine *e, const struct acc_event *event);
/* Are the conditions that it needs seen to hold? Sets `host_blocker`. */
bool acc_host_lets_start(struct acc_engine *e, struct service *s);
bool acc_host_is_met(struct acc_engine *e, struct service *s); /* none is missing */
/* One that is missing, and without which it could not be started again; or NULL. */
const struct condition *acc_host_missed(const struct acc_engine *e, const struct service *s);
void acc_host_count(struct acc_engine *e, struct service *s);  /* after its wishes are known */
bool acc_host_attributed(struct acc_engine *e, const struct service *s, uint64_t at_ms);
/* The state can't be saved: what is there is healed, nothing new is begun. */
bool acc_host_disk_is_full(const struct acc_engine *e);
#define ACC_DISK_IS_FULL "accd's state can't be saved (host:" ACC_CONDITION_DISK ")"
void acc_incident_hosts(struct acc_engine *e);
void acc_host_index(struct acc_engine *e); /* all are looked at with the next step */

/* --- host_place.c ---------------------------------------------------------------------------- */
void acc_place_told(struct acc_engine *e, struct condition *c, const char *place);
/* It is ready, or has done its work: where its sources are is where they belong. */
void acc_places_learn(struct acc_engine *e, struct service *s);
/* A person says that they belong where they are now: all of a service, or those whose root is
 * called so. */
void acc_places_accept(struct acc_engine *e, struct service *s, const char *root_id);
/* One that isn't where it was, or NULL: it runs on, but would not start again. */
const struct condition *acc_places_lost(const struct acc_engine *e, const struct service *s);
/* As its record has them (ACC_PLACES_MAX + 1 bytes), and back. */
void acc_places_put(const struct acc_engine *e, const struct service *s, char *out);
void acc_places_restore(struct acc_engine *e, const struct service *s, const char *text);

/* --- host_mount.c ---------------------------------------------------------------------------- */
bool acc_host_is_mount(const struct acc_engine *e, const struct condition *c);
/* A source is lost, found, or lost in another way: its mount follows. After it was judged. */
void acc_mount_follow(struct acc_engine *e, struct condition *c);
/* It is lost with a mount, or was until now: that is told of the mount. */
bool acc_mount_tells_of(const struct condition *c);
/* One more or less is wanted of what may be lost with a mount. */
void acc_mount_count(struct acc_engine *e, const struct condition *c, uint32_t more);
void acc_mount_lacks(const struct acc_engine *e, const struct condition *mount, char *out,
                     size_t out_size);
void acc_mounts_move(const struct acc_engine *from, struct acc_engine *to);
uint32_t acc_mount_find(const struct acc_engine *e, const char *point); /* or ACC_NONE */
