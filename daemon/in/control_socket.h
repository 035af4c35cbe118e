#pragma once

/*
 * The file of the control socket: who may open it, and what to do with one that is there already.
 */

/* A bound socket at `path`, 0660 and of the group acc where there is one; its folder is made when
 * missing. A file that nobody listens on is replaced. When systemd listens there for us
 * ($LISTEN_FDS, accd.socket) it is that one, as it is. The descriptor, or -errno with what and
 * where in `reterr_text` (ACCD_CONTROL_ERROR_MAX + 1 bytes); -EADDRINUSE when somebody answers
 * there. */
int accd_control_socket_open(const char *path, char *reterr_text);
