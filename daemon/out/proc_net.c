#include "daemon/out/proc_net.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Listeners come first in the file (tcp_seq_start walks them before the connections), so the rest
 * of a busy host's is not worth reading. */
#define LINES_MAX 4096u
#define LISTEN    "0A" /* TCP_LISTEN of include/net/tcp_states.h */

static bool is_wanted(unsigned port, const uint16_t *ports, size_t n_ports)
{
    for (size_t i = 0; i < n_ports; i++) {
        if (ports[i] == port) {
            return true;
        }
    }
    return false;
}

/* "  0: 0100007F:1F90 00000000:0000 0A ...": local address and port, remote ones, state. */
static bool is_listener(const char *line, const uint16_t *ports, size_t n_ports)
{
    char state[3];
    unsigned port;

    return sscanf(line, " %*u: %*[0-9A-Fa-f]:%4x %*[0-9A-Fa-f]:%*4x %2s", &port, state) == 2 &&
           strcmp(state, LISTEN) == 0 && is_wanted(port, ports, n_ports);
}

static int search(const char *path, const uint16_t *ports, size_t n_ports, bool *ret_found)
{
    FILE *file = fopen(path, "re");
    char line[256];

    *ret_found = false;
    if (!file) {
        return -errno;
    }
    for (unsigned i = 0; i < LINES_MAX && !*ret_found && fgets(line, sizeof(line), file); i++) {
        *ret_found = is_listener(line, ports, n_ports);
    }
    (void)fclose(file);
    return 0;
}

int accd_proc_net_listens(const char *sys_root, int64_t pid, const uint16_t *ports, size_t n_ports,
                          bool *ret_listens)
{
    static const char *const names[] = {"tcp", "tcp6"};
    bool is_readable = false, is_found = false;
    int r = -ESRCH;

    for (size_t i = 0; i < 2 && pid > 0 && !is_found; i++) {
        char path[4096];

        (void)snprintf(path, sizeof(path), "%s/proc/%lld/net/%s", sys_root, (long long)pid,
                       names[i]);
        r = search(path, ports, n_ports, &is_found);
        is_readable |= r == 0;
    }
    if (!is_readable) {
        return r;
    }
    *ret_listens = is_found;
    return 0;
}

/* --- connections --------------------------------------------------------------------------- */

/* A proxy holds some hundred; beyond this many the deadline of the drain has to do. */
#define CONNECTIONS_MAX 65536u
#define PORTS           65536u

struct sockets {
    uint8_t listens[PORTS / 8];
    uint8_t connected[PORTS / 8];
};

static void set_bit(uint8_t *bits, unsigned port)
{
    bits[port / 8] |= (uint8_t)(1u << (port % 8));
}

/* Addresses are words of the machine's order: of IPv4 (also within IPv6) 127 comes last. */
static bool is_loopback(const char *address)
{
    size_t len = strlen(address);

    return strcmp(address, "00000000000000000000000001000000") == 0 ||
           ((len == 8 || (len == 32 && strncmp(address + 16, "0000FFFF", 8) == 0) ||
             (len == 32 && strncmp(address + 16, "FFFF0000", 8) == 0)) &&
            strcmp(address + len - 2, "7F") == 0);
}

static void add_line(const char *line, struct sockets *sockets)
{
    char address[33], state[3];
    unsigned port;

    if (sscanf(line, " %*u: %32[0-9A-Fa-f]:%4x %*[0-9A-Fa-f]:%*4x %2s", address, &port, state) !=
            3 ||
        port >= PORTS) {
        return;
    }
    if (strcmp(state, LISTEN) == 0) {
        set_bit(sockets->listens, port);
    } else if (!is_loopback(address) && /* ESTABLISHED, FIN_WAIT1: unsent; CLOSE_WAIT: may answer */
               (strcmp(state, "01") == 0 || strcmp(state, "04") == 0 || strcmp(state, "08") == 0)) {
        set_bit(sockets->connected, port);
    }
}

static int read_sockets(const char *path, struct sockets *sockets)
{
    FILE *file = fopen(path, "re");
    char line[256];

    if (!file) {
        return -errno;
    }
    for (unsigned i = 0; i < CONNECTIONS_MAX && fgets(line, sizeof(line), file); i++) {
        add_line(line, sockets);
    }
    (void)fclose(file);
    return 0;
}

int accd_proc_net_idle(const char *sys_root, int64_t pid, bool *ret_idle)
{
    static const char *const names[] = {"tcp", "tcp6"};
    struct sockets sockets = {0};
    bool is_readable = false, is_busy = false;
    int r = -ESRCH;

    for (size_t i = 0; i < 2 && pid > 0; i++) {
        char path[4096];

        (void)snprintf(path, sizeof(path), "%s/proc/%lld/net/%s", sys_root, (long long)pid,
                       names[i]);
        r = read_sockets(path, &sockets);
        is_readable |= r == 0;
    }
    if (!is_readable) {
        return r;
    }
    for (size_t i = 0; i < sizeof(sockets.listens); i++) {
        is_busy |= (sockets.listens[i] & sockets.connected[i]) != 0;
    }
    *ret_idle = !is_busy;
    return 0;
}
