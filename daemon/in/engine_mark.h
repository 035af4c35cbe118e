#pragma once

/*
 * Which run of dockerd is this? A mark that changes when the engine was restarted and stays when
 * only a connection broke.
 *
 * Nothing in the API tells it: the engine's ID is of its installation, and the event ring is
 * silently empty. On the same host the process that listens on the socket is known (SO_PEERCRED),
 * and with its start time that names one run. Under socket activation systemd listens; then the
 * engine's pidfile is asked.
 */

#include <stdbool.h>
#include <stdint.h>

struct accd_engine_mark {
    int64_t pid; /* 0: unknown */
    uint64_t start_ticks;
    bool is_activated; /* the socket is systemd's */
};

/* `peer_pid` is accd_http_peer_pid()'s, 0 over TCP. Reads small files of /proc. */
struct accd_engine_mark accd_engine_mark_read(const char *sys_root, int64_t peer_pid);
/* True when both are known and differ. */
bool accd_engine_mark_differs(const struct accd_engine_mark *a, const struct accd_engine_mark *b);
/* Is that run still alive? False also when unknown. */
bool accd_engine_mark_lives(const struct accd_engine_mark *mark, const char *sys_root);
