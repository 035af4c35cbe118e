#include "client/conn.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/codec/json_get.h"
#include "lib/codec/status_json.h"

struct accctl_conn {
    int fd;
    struct acc_buf in;
    size_t scanned;
};

static int64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* connect() to a socket whose queue is full blocks; this bounds it, and every send as well. */
static void bound_sends(int fd, int limit_ms)
{
    struct timeval time = {.tv_sec = limit_ms / 1000, .tv_usec = limit_ms % 1000 * 1000};

    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof(time));
}

int accctl_conn_open(const char *path, int limit_ms, struct accctl_conn **ret_conn)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct accctl_conn *conn;
    int fd;

    if (strlen(path) >= sizeof(address.sun_path)) {
        return -ENAMETOOLONG;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -errno;
    }
    bound_sends(fd, limit_ms);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        int error = errno == EAGAIN ? ETIMEDOUT : errno;

        (void)close(fd);
        return -error;
    }
    conn = calloc(1, sizeof(*conn));
    if (!conn) {
        (void)close(fd);
        return -ENOMEM;
    }
    conn->fd = fd;
    acc_buf_init(&conn->in, 2 * ACC_REPLY_MAX);
    *ret_conn = conn;
    return 0;
}

struct accctl_conn *accctl_conn_close(struct accctl_conn *conn)
{
    if (conn) {
        (void)close(conn->fd);
        acc_buf_fini(&conn->in);
        free(conn);
    }
    return NULL;
}

static int send_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return errno == EAGAIN ? -ETIMEDOUT : -errno;
        }
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

int accctl_conn_send(struct accctl_conn *conn, const char *method, const cJSON *parameters,
                     bool more)
{
    cJSON *request = cJSON_CreateObject();
    char *text = NULL;
    int r = -ENOMEM;

    if (cJSON_AddStringToObject(request, "method", method) &&
        (!parameters ||
         cJSON_AddItemToObject(request, "parameters", cJSON_Duplicate(parameters, true))) &&
        (!more || cJSON_AddTrueToObject(request, "more"))) {
        text = cJSON_PrintUnformatted(request);
    }
    if (text) {
        r = send_all(conn->fd, text, strlen(text) + 1);
    }
    cJSON_free(text);
    cJSON_Delete(request);
    return r;
}

/* Whether a whole reply is in the buffer; then it is taken out. */
static int take(struct accctl_conn *conn, cJSON **ret_reply)
{
    const char *end = conn->in.len > conn->scanned ? memchr(conn->in.data + conn->scanned, '\0',
                                                            conn->in.len - conn->scanned)
                                                   : NULL;
    size_t len;
    int r;

    if (!end) {
        conn->scanned = conn->in.len;
        return -EAGAIN;
    }
    len = (size_t)(end - conn->in.data);
    r = acc_json_parse_object(conn->in.data, len, ret_reply);
    acc_buf_consume(&conn->in, len + 1);
    conn->scanned = 0;
    return r == -EINVAL ? -EPROTO : r;
}

static int fill(struct accctl_conn *conn, int64_t deadline_ms)
{
    struct pollfd poll_fd = {.fd = conn->fd, .events = POLLIN};
    int64_t left = deadline_ms < 0 ? -1 : deadline_ms - now_ms();
    char chunk[65536];
    ssize_t n;

    if (deadline_ms >= 0 && left < 0) {
        left = 0;
    }
    n = poll(&poll_fd, 1, left > INT32_MAX ? INT32_MAX : (int)left);
    if (n <= 0) {
        return n == 0 ? -ETIMEDOUT : -errno;
    }
    n = read(conn->fd, chunk, sizeof(chunk));
    if (n <= 0) {
        return n == 0 ? -ECONNRESET : -errno;
    }
    return acc_buf_append(&conn->in, chunk, (size_t)n) == 0 ? 0 : -EPROTO;
}

int accctl_conn_receive(struct accctl_conn *conn, int timeout_ms, cJSON **ret_reply)
{
    int64_t deadline_ms = timeout_ms < 0 ? -1 : now_ms() + timeout_ms;
    int r;

    while ((r = take(conn, ret_reply)) == -EAGAIN) {
        r = fill(conn, deadline_ms);
        if (r < 0) {
            return r;
        }
    }
    return r;
}
