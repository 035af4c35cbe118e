#include "lib/codec/docker_error.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "lib/base/assert.h"

#define ON(call) (UINT32_C(1) << (call))
#define ANY      UINT32_MAX
#define MAKES    (ON(ACC_CALL_START) | ON(ACC_CALL_CREATE) | ON(ACC_CALL_CONNECT))
#define HALTS    (ON(ACC_CALL_STOP) | ON(ACC_CALL_KILL))
#define NETS     (ON(ACC_CALL_NETWORK_CREATE) | ON(ACC_CALL_NETWORK_REMOVE))
#define VOLS     (ON(ACC_CALL_VOLUME_CREATE) | ON(ACC_CALL_VOLUME_REMOVE))
#define EXECS    (ON(ACC_CALL_EXEC_CREATE) | ON(ACC_CALL_EXEC_START))

struct row {
    uint32_t calls;
    int status;        /* 0: any error */
    const char *words; /* in the message, in any case of letters; NULL: whatever it says */
    enum acc_op_result result;
};

/*
 * The first row that fits wins. [20], [28]: answered by Engine 20.10.24 and 28.5.2 in our tests,
 * see tests/unit/docker; [moby], [podman]: read in the source.
 */
static const struct row rows[] = {
    /* The engine itself is broken or leaving: no fault of the service, and perhaps it was done.
     * [20] containerd killed; [moby] daemon/daemon.go, libcontainerd/remote */
    {ANY, 0, "containerd.sock", ACC_OP_LOST},
    {ANY, 0, "code = Unavailable", ACC_OP_LOST},
    {ANY, 0, "ttrpc: closed", ACC_OP_LOST},
    {ANY, 0, "transport is closing", ACC_OP_LOST},
    {ANY, 0, "is shutting down", ACC_OP_LOST},
    {ANY & ~ON(ACC_CALL_PULL), 0, "context canceled", ACC_OP_LOST},
    {ANY & ~ON(ACC_CALL_PULL), 0, "context deadline exceeded", ACC_OP_LOST},
    {ANY, 502, NULL, ACC_OP_LOST}, /* a proxy between us and the engine */
    {ANY, 503, NULL, ACC_OP_LOST},
    {ANY, 504, NULL, ACC_OP_LOST},

    /* The endpoint is unknown, which is not "the container is gone". [20] [28] [podman 4: update]
     */
    {ANY, 404, "page not found", ACC_OP_FAILED},
    {ON(ACC_CALL_UPDATE), 404, "Not Found", ACC_OP_FAILED},

    /* It was so already. [20] [28]; podman tells them with 500 or 409 */
    {ON(ACC_CALL_CONNECT), 0, "already exists in network", ACC_OP_NOT_MODIFIED},
    {ON(ACC_CALL_CONNECT), 0, "is already attached to network", ACC_OP_NOT_MODIFIED},
    {ON(ACC_CALL_CONNECT), 0, "is already connected to network", ACC_OP_NOT_MODIFIED},
    {ON(ACC_CALL_RENAME), 400, "same name as its current name", ACC_OP_NOT_MODIFIED},
    {ON(ACC_CALL_UNPAUSE), 0, "is not paused", ACC_OP_NOT_MODIFIED},
    {HALTS, 0, "is not running", ACC_OP_NOT_MODIFIED},
    {HALTS, 0, "can only kill running containers", ACC_OP_NOT_MODIFIED},

    /* Somebody else holds or changes it. [20] [28]; podman says it with 500 */
    {ANY, 0, "is already in use by", ACC_OP_CONFLICT},
    {ANY, 0, "that name is already in use", ACC_OP_CONFLICT},
    {ANY, 0, "is already in progress", ACC_OP_CONFLICT},
    {ANY, 0, "marked for removal", ACC_OP_CONFLICT},
    {ON(ACC_CALL_NETWORK_REMOVE), 0, "has active endpoints", ACC_OP_CONFLICT},
    {ON(ACC_CALL_NETWORK_CREATE), 0, "already exists", ACC_OP_CONFLICT},

    /* The host says no for now. [20] [28] unless noted */
    {MAKES, 0, "port is already allocated", ACC_OP_START},
    {MAKES, 0, "address already in use", ACC_OP_START}, /* a process's port, or the IP address */
    {MAKES, 0, "Ports are not available", ACC_OP_START},
    {MAKES, 0, "cannot join network", ACC_OP_START}, /* the other container does not run */
    {MAKES, 0, "joining network namespace", ACC_OP_START},
    {MAKES, 0, "iptables", ACC_OP_START}, /* flushed by a firewall; [moby] #12294 */
    {ANY, 0, "no space left on device", ACC_OP_START},
    {MAKES, 0, "error while mounting volume", ACC_OP_START},
    {MAKES, 404, "network", ACC_OP_START}, /* "network x not found": removed meanwhile */
    {ON(ACC_CALL_CREATE), 404, "No such container", ACC_OP_START},     /* the one of volumes_from */
    {ON(ACC_CALL_NETWORK_CREATE), 0, "non-overlapping", ACC_OP_START}, /* [moby] pools all used */

    /* It can't work as it is asked for. [20] [28] unless noted */
    {ON(ACC_CALL_CREATE), 0, "no such image", ACC_OP_CONFIG},
    {ON(ACC_CALL_CREATE), 0, "image not known", ACC_OP_CONFIG}, /* [podman] */
    {ON(ACC_CALL_CREATE), 404, NULL, ACC_OP_CONFIG},            /* a volume plugin */
    {MAKES, 400, NULL, ACC_OP_CONFIG}, /* start: no such command, not executable, bad mount */
    {MAKES, 0, "error gathering device information", ACC_OP_CONFIG},
    {MAKES, 0, "could not select device driver", ACC_OP_CONFIG},
    {MAKES, 0, "unable to find user", ACC_OP_CONFIG},
    {MAKES, 0, "unable to find group", ACC_OP_CONFIG},
    {MAKES, 0, "seccomp profile failed", ACC_OP_CONFIG},
    {MAKES, 0, "does not belong to any of this network", ACC_OP_CONFIG},
    {MAKES, 0, "not found in $PATH", ACC_OP_CONFIG},         /* [podman] 500 */
    {MAKES, 0, "command that was not found", ACC_OP_CONFIG}, /* [podman] 500 */
    {MAKES, 0, "OCI permission denied", ACC_OP_CONFIG},      /* [podman] 500 */
    {ON(ACC_CALL_CREATE), 500, "invalid", ACC_OP_CONFIG},
    {ON(ACC_CALL_CREATE), 500, "not a directory", ACC_OP_CONFIG}, /* the working_dir is a file */
    {ON(ACC_CALL_CONNECT), 403, NULL, ACC_OP_CONFIG}, /* e.g. it shares another's namespace */
    {ON(ACC_CALL_ARCHIVE), 404, "could not find the file", ACC_OP_CONFIG},
    {ON(ACC_CALL_ARCHIVE), 403, NULL, ACC_OP_CONFIG}, /* read-only root */
    {NETS, 404, "plugin", ACC_OP_CONFIG},
    {NETS, 403, NULL, ACC_OP_CONFIG}, /* predefined name, overlapping pool */
    {ON(ACC_CALL_NETWORK_CREATE), 500, "invalid", ACC_OP_CONFIG},
    {VOLS, 404, "plugin", ACC_OP_CONFIG},

    /* What is left of a start that failed: the runtime. 400 was the command. */
    {ON(ACC_CALL_START), 0, "OCI runtime", ACC_OP_START},
    {ON(ACC_CALL_START), 0, "driver failed programming external connectivity", ACC_OP_START},

    /* Pulls. The registry's no; every other failure is the network's or the registry's for now.
     * facts recorded against a registry: 404 (29 and local), else 500 with its words */
    {ON(ACC_CALL_PULL), 0, "manifest unknown", ACC_OP_CONFIG},
    {ON(ACC_CALL_PULL), 0, "no matching manifest", ACC_OP_CONFIG},
    {ON(ACC_CALL_PULL), 0, "unauthorized", ACC_OP_CONFIG},
    {ON(ACC_CALL_PULL), 0, "no basic auth credentials", ACC_OP_CONFIG},
    {ON(ACC_CALL_PULL), 0, "access denied", ACC_OP_CONFIG},
    {ON(ACC_CALL_PULL), 0, "invalid reference", ACC_OP_CONFIG},
    {ON(ACC_CALL_PULL), 429, NULL, ACC_OP_START},
    {ON(ACC_CALL_PULL), 500, NULL, ACC_OP_START},
    {ON(ACC_CALL_PULL), 0, NULL, ACC_OP_CONFIG},

    /* podman answers 500 to nearly everything: its words */
    {ANY, 500, "no such container", ACC_OP_GONE},
    {ANY, 500, "no container with name or id", ACC_OP_GONE},
    {ANY, 500, "network not found", ACC_OP_GONE},
    {ANY, 500, "no such volume", ACC_OP_GONE},
    {EXECS, 500, "can only create exec sessions on running", ACC_OP_CONFLICT},

    /* the plain meaning of the status */
    {ANY, 404, NULL, ACC_OP_GONE},
    {ANY, 409, NULL, ACC_OP_CONFLICT},
    {ANY, 400, NULL, ACC_OP_CONFIG},
    {ANY, 401, NULL, ACC_OP_CONFIG},
    {ANY, 403, NULL, ACC_OP_CONFIG},
};

enum acc_op_result acc_docker_result(enum acc_docker_call call, int http_status,
                                     const char *message)
{
    if (http_status >= 200 && http_status < 300) {
        return ACC_OP_OK;
    }
    if (http_status == 304) {
        return ACC_OP_NOT_MODIFIED;
    }
    for (size_t i = 0; i < ACC_ARRAY_LEN(rows); i++) {
        const struct row *row = &rows[i];

        if ((row->calls & ON(call)) && (row->status == 0 || row->status == http_status) &&
            (!row->words || strcasestr(message, row->words))) {
            return row->result;
        }
    }
    return ACC_OP_FAILED;
}

bool acc_docker_misses_another(const char *message, const char *cid)
{
    static const char begin[] = "No such container: ";
    const char *id = message + strlen(begin);

    return strncmp(message, begin, strlen(begin)) == 0 &&
           strspn(id, "0123456789abcdef") == ACC_CID_LEN && strncmp(id, cid, ACC_CID_LEN) != 0;
}

bool acc_docker_conflict_holder(const char *message, char ret_cid[ACC_CID_LEN + 1])
{
    static const char docker[] = "container \"";
    const char *at = strstr(message, "in use by ");

    if (!at) {
        return false;
    }
    at += strlen("in use by ");
    if (strncmp(at, docker, strlen(docker)) == 0) {
        at += strlen(docker); /* podman has the bare id */
    }
    if (strspn(at, "0123456789abcdef") != ACC_CID_LEN) {
        return false;
    }
    memcpy(ret_cid, at, ACC_CID_LEN);
    ret_cid[ACC_CID_LEN] = '\0';
    return true;
}

bool acc_docker_conflict_text(const char *message, char *out, size_t out_size)
{
    static const char begin[] = "container name \"/";
    const char *name = strstr(message, begin);
    char cid[ACC_CID_LEN + 1];

    if (!name || !acc_docker_conflict_holder(message, cid)) {
        return false;
    }
    name += strlen(begin);
    (void)snprintf(out, out_size,
                   "the name %.*s is taken by the container %.12s; remove or rename that",
                   (int)strcspn(name, "\""), name, cid);
    return true;
}

/* Where a layer's words end and the cause begins (moby libnetwork, containerd, runc). */
static const struct {
    const char *begins, *ends;
} layers[] = {
    {"driver failed programming external connectivity on endpoint ", "): "},
    {"failed to set up container networking: ", ": "},
    {"Error starting userland proxy: ", ": "},
    {"failed to create task for container: ", ": "},
    {"failed to create shim task: ", ": "},
    {"failed to create shim: ", ": "},
    {"OCI runtime create failed: ", ": "},
    {"runc create failed: ", ": "},
    {"unable to start container process: ", ": "},
    {"container_linux.go:", ": "},
};

/* libnetwork: ipamutils, ErrOutOfRange ("It does not belong to any of this network's subnets");
 * moby 25: daemon/container_operations.go ("no configured subnet ... contain"). */
bool acc_docker_is_foreign_address(const char *message)
{
    return strstr(message, "does not belong to any of this network's subnets") ||
           strstr(message, "no configured subnet");
}

const char *acc_docker_cause(const char *message)
{
    for (size_t i = 0; i < ACC_ARRAY_LEN(layers);) {
        size_t len = strlen(layers[i].begins);
        const char *end = strncmp(message, layers[i].begins, len) == 0
                              ? strstr(message, layers[i].ends)
                              : NULL;

        if (!end || end[strlen(layers[i].ends)] == '\0') {
            i++;
            continue;
        }
        message = end + strlen(layers[i].ends);
        i = 0;
    }
    return message;
}
