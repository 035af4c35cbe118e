#include "daemon/out/exec_kill.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What is begun while it is killed is seen in the next round. */
#define ROUNDS_MAX 3u

/* A file of /proc/PID. False: it is gone, on another host, or not ours to look at. */
static bool read_file(int64_t pid, const char *name, char *out, size_t size)
{
    char path[64];
    ssize_t n;
    int fd;

    (void)snprintf(path, sizeof(path), "/proc/%lld/%s", (long long)pid, name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    n = read(fd, out, size - 1);
    (void)close(fd);
    out[n > 0 ? n : 0] = '\0';
    return n > 0;
}

static bool is_in_container(int64_t pid, const char *cid)
{
    char text[4096];

    return read_file(pid, "cgroup", text, sizeof(text)) && strstr(text, cid) != NULL;
}

/* 0: unknown. */
static int64_t session_of(int64_t pid)
{
    char text[512];
    const char *rest;
    long long session;

    if (!read_file(pid, "stat", text, sizeof(text))) {
        return 0;
    }
    rest = strrchr(text, ')'); /* the name may hold anything */
    return rest && sscanf(rest, ") %*c %*d %*d %lld", &session) == 1 ? session : 0;
}

/* The pidfd first: what is checked and what is killed are then the same process. */
static bool kill_it(int64_t pid, const char *cid, int64_t session)
{
    int fd = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
    bool is_killed;

    if (fd < 0) {
        return false;
    }
    is_killed = is_in_container(pid, cid) && (session == 0 || session_of(pid) == session) &&
                syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0) == 0;
    (void)close(fd);
    return is_killed;
}

bool accd_exec_kill(const char *sys_root, const char *cid, int64_t pid)
{
    return pid > 1 && !sys_root[0] && kill_it(pid, cid, 0); /* else pids are not ours */
}

/* True: there were some. */
static bool kill_others(int64_t session, const char *cid)
{
    DIR *dir = opendir("/proc");
    bool any = false;

    for (const struct dirent *entry; dir && (entry = readdir(dir)) != NULL;) {
        int64_t pid = strtoll(entry->d_name, NULL, 10); /* 0: no process */

        any |= pid > 1 && pid != session && session_of(pid) == session &&
               kill_it(pid, cid, session);
    }
    if (dir) {
        (void)closedir(dir);
    }
    return any;
}

bool accd_exec_kill_session(const char *sys_root, const char *cid, int64_t pid)
{
    bool is_leader = pid > 1 && session_of(pid) == pid;

    if (!accd_exec_kill(sys_root, cid, pid)) {
        return false;
    }
    for (unsigned i = 0; is_leader && i < ROUNDS_MAX && kill_others(pid, cid); i++) {
    }
    return true;
}
