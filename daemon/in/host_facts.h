#pragma once

/*
 * What the host has just now (x-acc.host): mounts, device nodes, addresses, a route, a true clock.
 *
 * Reads and tells; when to look again host_watch knows.
 */

#include "lib/engine/event.h"
#include "lib/model/condition.h"
#include "lib/model/place.h"

/* Is something mounted on exactly this path? From mountinfo, so that a dead server can't keep us.
 * `sys_root` "": that of accd itself; else of the process 1 below it. */
enum acc_tri accd_host_mounted(const char *sys_root, const char *path);
/* Is there a file, or with `is_device` a device node? May take long where a server has died. */
enum acc_tri accd_host_exists(const char *path, bool is_device);
/* Has an interface that is up this address? */
enum acc_tri accd_host_address(const char *address);
/* Is there a route to everywhere? */
enum acc_tri accd_host_network(const char *sys_root);
/* Is the clock synchronised? UNKNOWN when nobody may ask the kernel, nor systemd-timesyncd says. */
enum acc_tri accd_host_time(void);
/* systemd-timesyncd's word. */
#define ACCD_TIMESYNC_DIR  "/run/systemd/timesync"
#define ACCD_TIMESYNC_FILE ACCD_TIMESYNC_DIR "/synchronized"

/* Where paths lie (lib/model/place.h), by one reading of mountinfo. Links are followed, but never
 * looked for where that may take long: what lies behind the point of a network file system lies on
 * it. For a worker: a disk that sleeps takes seconds. */
struct accd_host_path {
    char path[ACC_CONDITION_TEXT_MAX + 1];
    char place[ACC_PLACE_MAX + 1]; /* "": nobody can tell */
};
void accd_host_places(const char *sys_root, struct accd_host_path *paths, size_t n);
