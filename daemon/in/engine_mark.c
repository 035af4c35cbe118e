#include "daemon/in/engine_mark.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/str.h"

/* Field 22 of /proc/PID/stat, counted after the name, which may hold blanks and parentheses. */
#define STARTTIME_AFTER_NAME 20

static bool read_small(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n;

    if (fd < 0) {
        return false;
    }
    n = read(fd, text, size - 1);
    (void)close(fd);
    text[n > 0 ? n : 0] = '\0';
    return n > 0;
}

static bool start_ticks(const char *sys_root, int64_t pid, uint64_t *ret_ticks)
{
    char path[4096], text[1024];
    char *field;

    (void)snprintf(path, sizeof(path), "%s/proc/%lld/stat", sys_root, (long long)pid);
    field = read_small(path, text, sizeof(text)) ? strrchr(text, ')') : NULL;
    for (int i = 0; field && i < STARTTIME_AFTER_NAME; i++) {
        field = strchr(field + 1, ' ');
    }
    if (!field) {
        return false;
    }
    field++;
    field[strcspn(field, " ")] = '\0';
    return acc_parse_u64(field, ret_ticks);
}

/* dockerd's default since ever (moby cmd/dockerd/config_unix.go). */
static int64_t pidfile(const char *sys_root)
{
    char path[4096], text[32];
    uint64_t pid;

    (void)snprintf(path, sizeof(path), "%s/run/docker.pid", sys_root);
    if (!read_small(path, text, sizeof(text))) {
        return 0;
    }
    text[strcspn(text, "\n")] = '\0';
    return acc_parse_u64(text, &pid) && pid < INT32_MAX ? (int64_t)pid : 0;
}

struct accd_engine_mark accd_engine_mark_read(const char *sys_root, int64_t peer_pid)
{
    struct accd_engine_mark mark = {.pid = peer_pid, .is_activated = peer_pid == 1};

    if (mark.is_activated) {
        mark.pid = pidfile(sys_root);
    }
    if (mark.pid <= 0 || !start_ticks(sys_root, mark.pid, &mark.start_ticks)) {
        mark.pid = 0;
        mark.start_ticks = 0;
    }
    return mark;
}

bool accd_engine_mark_differs(const struct accd_engine_mark *a, const struct accd_engine_mark *b)
{
    return a->pid > 0 && b->pid > 0 && (a->pid != b->pid || a->start_ticks != b->start_ticks);
}

bool accd_engine_mark_lives(const struct accd_engine_mark *mark, const char *sys_root)
{
    uint64_t ticks;

    return mark->pid > 0 && start_ticks(sys_root, mark->pid, &ticks) && ticks == mark->start_ticks;
}
