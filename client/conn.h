#pragma once

/*
 * The connection to accd: a blocking socket, one request at a time, every wait with an end.
 */

#include <stdbool.h>

#include <cjson/cJSON.h>

struct accctl_conn;

/* 0 and `*ret_conn`, or -errno. `limit_ms` bounds this and each send. */
int accctl_conn_open(const char *path, int limit_ms, struct accctl_conn **ret_conn);
struct accctl_conn *accctl_conn_close(struct accctl_conn *conn); /* NULL allowed; returns NULL */

/* `parameters` may be NULL; it stays the caller's. 0 or -errno. */
int accctl_conn_send(struct accctl_conn *conn, const char *method, const cJSON *parameters,
                     bool more);
/* The next reply (free with cJSON_Delete). `timeout_ms` -1: wait for ever. -ETIMEDOUT, -EINTR when
 * a signal came, -ECONNRESET when accd has closed, -EPROTO when it doesn't speak Varlink. */
int accctl_conn_receive(struct accctl_conn *conn, int timeout_ms, cJSON **ret_reply);
