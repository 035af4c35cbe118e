#pragma once

/*
 * Which TCP ports does a process's network namespace listen on? From /proc/PID/net/tcp and tcp6,
 * which cost microseconds and disturb nobody: no connection that the service would have to log.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 0 and `*ret_listens`: one of `ports` is in LISTEN state, on any address; or -errno when neither
 * file can be read (the process is gone, is on another host, or is not ours to look at). */
int accd_proc_net_listens(const char *sys_root, int64_t pid, const uint16_t *ports, size_t n_ports,
                          bool *ret_listens);

/* 0 and `*ret_idle`: nobody from outside is connected to a port on which it listens; or -errno.
 * What it has connected to itself, and what goes over its loopback (health checks), doesn't count.
 */
int accd_proc_net_idle(const char *sys_root, int64_t pid, bool *ret_idle);
