#include "daemon/in/control_socket.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/in/control_ops.h"

static int failed(char *text, const char *path, const char *what, int error)
{
    (void)snprintf(text, ACCD_CONTROL_ERROR_MAX + 1, "control socket %s: %s: %s", path, what,
                   strerror(error));
    return -error;
}

static int make_socket(void)
{
    return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

/* Whether somebody accepts there. EAGAIN: it listens, but its queue is full. */
static bool is_answered(const struct sockaddr_un *address)
{
    int fd = make_socket();
    bool answered;

    if (fd < 0) {
        return false;
    }
    answered = connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
               errno == EAGAIN || errno == EINPROGRESS;
    (void)close(fd);
    return answered;
}

static int make_room(const struct sockaddr_un *address, char *text)
{
    const char *path = address->sun_path;
    struct stat st;

    if (lstat(path, &st) < 0) {
        return errno == ENOENT ? 0 : failed(text, path, "can't be looked at", errno);
    }
    if (!S_ISSOCK(st.st_mode)) {
        return failed(text, path, "another file is in the way, move it", EEXIST);
    }
    if (is_answered(address)) {
        (void)snprintf(text, ACCD_CONTROL_ERROR_MAX + 1,
                       "control socket %s: another accd answers there; stop it, or give this one "
                       "its own --socket and --state-dir",
                       path);
        return -EADDRINUSE;
    }
    if (unlink(path) < 0 && errno != ENOENT) {
        return failed(text, path, "the old socket can't be removed", errno);
    }
    return 0;
}

static void make_folder(const char *path)
{
    char folder[sizeof(((struct sockaddr_un *)0)->sun_path)];
    const char *slash = strrchr(path, '/');

    if (!slash || slash == path) {
        return;
    }
    (void)snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path);
    (void)mkdir(folder, 0755); /* if that fails, bind says so */
}

static int bind_private(int fd, const struct sockaddr_un *address)
{
    mode_t old = umask(0177); /* nobody gets in before the group is set */
    int r = bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ? -errno : 0;

    (void)umask(old);
    return r;
}

static int open_to_group(const char *path)
{
    const struct group *group = getgrnam("acc");

    if (group && chown(path, (uid_t)-1, group->gr_gid) < 0 && errno != EPERM) {
        return -errno;
    }
    return chmod(path, 0660) < 0 ? -errno : 0;
}

int accd_control_socket_open(const char *path, char *reterr_text)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd;
    int r;

    if (strlen(path) >= sizeof(address.sun_path)) {
        return failed(reterr_text, path, "the path is longer than 107 bytes", ENAMETOOLONG);
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    make_folder(path);
    r = make_room(&address, reterr_text);
    if (r < 0) {
        return r;
    }
    fd = make_socket();
    if (fd < 0) {
        return failed(reterr_text, path, "no socket", errno);
    }
    r = bind_private(fd, &address);
    r = r < 0 ? r : open_to_group(path);
    if (r < 0) {
        (void)close(fd);
        return failed(reterr_text, path, "can't be made", -r);
    }
    return fd;
}
