#include "daemon/in/host_facts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <unistd.h>

#include "lib/codec/mountinfo.h"

/* --- mounts ---------------------------------------------------------------------------------- */

/* "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw": the fifth one. */
static char *mount_point(char *line)
{
    for (int i = 0; i < 4 && line; i++) {
        line = strchr(line, ' ');
        line = line ? line + 1 : NULL;
    }
    if (line) {
        line[strcspn(line, " \n")] = '\0';
        acc_mounts_unmangle(line);
    }
    return line;
}

enum acc_tri accd_host_mounted(const char *sys_root, const char *path)
{
    char name[PATH_MAX];
    char *line = NULL;
    size_t size = 0;
    enum acc_tri found = ACC_NO;
    FILE *file;

    (void)snprintf(name, sizeof(name), "%s/proc/%s/mountinfo", sys_root,
                   sys_root[0] ? "1" : "self");
    file = fopen(name, "re");
    if (!file) {
        return ACC_UNKNOWN;
    }
    while (found == ACC_NO && getline(&line, &size, file) > 0) {
        const char *point = mount_point(line);

        found = point && strcmp(point, path) == 0 ? ACC_YES : ACC_NO;
    }
    free(line);
    (void)fclose(file);
    return found;
}

/* --- files ----------------------------------------------------------------------------------- */

enum acc_tri accd_host_exists(const char *path, bool is_device)
{
    struct stat is;

    if (stat(path, &is) < 0) {
        return errno == EACCES || errno == EIO || errno == ENOMEM ? ACC_UNKNOWN : ACC_NO;
    }
    return !is_device || S_ISCHR(is.st_mode) || S_ISBLK(is.st_mode) ? ACC_YES : ACC_NO;
}

/* --- the network ----------------------------------------------------------------------------- */

static bool is_address(const struct sockaddr *is, const char *address)
{
    struct in_addr v4;
    struct in6_addr v6;

    if (is->sa_family == AF_INET && inet_pton(AF_INET, address, &v4) == 1) {
        struct sockaddr_in in;

        memcpy(&in, is, sizeof(in));
        return in.sin_addr.s_addr == v4.s_addr;
    }
    if (is->sa_family == AF_INET6 && inet_pton(AF_INET6, address, &v6) == 1) {
        struct sockaddr_in6 in6;

        memcpy(&in6, is, sizeof(in6));
        return memcmp(&in6.sin6_addr, &v6, sizeof(v6)) == 0;
    }
    return false;
}

enum acc_tri accd_host_address(const char *address)
{
    struct ifaddrs *all;
    enum acc_tri found = ACC_NO;

    if (getifaddrs(&all) < 0) {
        return ACC_UNKNOWN;
    }
    for (const struct ifaddrs *i = all; i && found == ACC_NO; i = i->ifa_next) {
        if (i->ifa_addr && (i->ifa_flags & IFF_UP) && is_address(i->ifa_addr, address)) {
            found = ACC_YES;
        }
    }
    freeifaddrs(all);
    return found;
}

/* A line of /proc/net/route: "eth0 00000000 0100A8C0 0003 0 0 100 00000000 ...": destination,
 * flags (RTF_UP 1, RTF_REJECT 0x200), mask. */
static bool is_default_v4(const char *line)
{
    char interface[32];
    unsigned to, gateway, flags, mask;

    return sscanf(line, "%31s %x %x %x %*d %*d %*d %x", interface, &to, &gateway, &flags, &mask) ==
               5 &&
           to == 0 && mask == 0 && (flags & 0x201) == 1;
}

/* A line of /proc/net/ipv6_route: destination, its length, ..., flags, interface. What is refused
 * belongs to `lo`. */
static bool is_default_v6(const char *line)
{
    char to[33], interface[32];
    unsigned len, flags;

    return sscanf(line, "%32s %x %*s %*s %*s %*s %*s %*s %x %31s", to, &len, &flags, interface) ==
               4 &&
           len == 0 && (flags & 0x201) == 1 && strcmp(interface, "lo") != 0;
}

static enum acc_tri any_line(const char *sys_root, const char *name,
                             bool (*is_it)(const char *line))
{
    char path[PATH_MAX], line[512];
    enum acc_tri found = ACC_NO;
    FILE *file;

    (void)snprintf(path, sizeof(path), "%s/proc/%s/net/%s", sys_root, sys_root[0] ? "1" : "self",
                   name);
    file = fopen(path, "re");
    if (!file) {
        return ACC_UNKNOWN;
    }
    while (found == ACC_NO && fgets(line, sizeof(line), file)) {
        found = is_it(line) ? ACC_YES : ACC_NO;
    }
    (void)fclose(file);
    return found;
}

/* A kernel without IPv6 has no such file: then the other one decides. */
enum acc_tri accd_host_network(const char *sys_root)
{
    enum acc_tri v4 = any_line(sys_root, "route", is_default_v4);
    enum acc_tri v6 = any_line(sys_root, "ipv6_route", is_default_v6);

    return v4 == ACC_YES || v6 == ACC_YES ? ACC_YES
           : v4 == ACC_NO || v6 == ACC_NO ? ACC_NO
                                          : ACC_UNKNOWN;
}

/* --- the clock ------------------------------------------------------------------------------- */

enum acc_tri accd_host_time(void)
{
    struct timex clock = {.modes = 0};
    int state;

    if (access(ACCD_TIMESYNC_FILE, F_OK) == 0) {
        return ACC_YES;
    }
    state = adjtimex(&clock);
    if (state < 0) {
        return access(ACCD_TIMESYNC_DIR, F_OK) == 0 ? ACC_NO : ACC_UNKNOWN;
    }
    return state == TIME_ERROR || (clock.status & STA_UNSYNC) ? ACC_NO : ACC_YES;
}
