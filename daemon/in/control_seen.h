#pragma once

/*
 * Which containers a service had when a verb began, and what has become of them since: so that
 * "recreated" is said only of what was. What a rollout keeps beside the one that serves, or brings
 * up there, doesn't count before it serves. Private to daemon/in/control*.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/engine/engine.h"

struct accd_seen {
    struct accd_seen_container {
        char cid[ACC_CID_LEN + 1];
        int64_t started_ns;
        bool is_running, was_updated;
        bool is_beside; /* another one served */
    } * container;      /* owned */
    size_t n;
    bool is_held, is_up;
    bool is_blocked; /* something that it needs was away */
    bool is_done;    /* a job that had run */
    uint32_t n_places_taken;
    bool is_rolling;   /* a rollout was under way */
    bool is_untouched; /* ... and had changed nothing yet */
    bool is_rollback;  /* ... to an older revision */
    uint32_t revision; /* that was in force */
    uint32_t watched;  /* the revision that was being watched; 0 none */
    bool is_unseen;    /* what there was then came to light later */
};

/* 0 or -ENOMEM. */
int accd_seen_take(const struct acc_engine *engine, uint32_t svc, uint64_t now_ms,
                   struct accd_seen *ret_seen);
/* Once that has come to light: it was there then. 0 or -ENOMEM. */
int accd_seen_complete(const struct acc_engine *engine, uint32_t svc, uint64_t now_ms,
                       struct accd_seen *seen);
void accd_seen_fini(struct accd_seen *seen);
/* "created", "recreated", "updated", "started", "restarted", "stopped", "removed", "released", or
 * "" for nothing. Of several containers the gravest; "stopped" and "removed" only when none of them
 * runs on. */
const char *accd_seen_change(const struct acc_engine *engine, uint32_t svc, uint64_t now_ms,
                             const struct accd_seen *seen);
