#pragma once

/*
 * The end of an exec that is out of time: Docker has no way to end one, but says its pid on the
 * host. Where the Docker Engine is on another host, or accd sees other pids than its, nothing is
 * killed: the process must be in the container by its cgroup, and is killed by its pidfd.
 */

#include <stdbool.h>
#include <stdint.h>

/* True: `pid` was killed. `sys_root` as of accd_probe_config. */
bool accd_exec_kill(const char *sys_root, const char *cid, int64_t pid);
/* ... and what it has begun: Docker makes an exec the leader of a session. Reads all of /proc. */
bool accd_exec_kill_session(const char *sys_root, const char *cid, int64_t pid);
