#pragma once

/*
 * An answer of the Engine API to a call that changes something -> what it means to the core.
 *
 * The status alone does not tell: a start fails with 500 for a taken port and for a dead
 * containerd, and podman answers 500 to nearly everything. So it is a table of call, status and
 * words, with the source of each row, in docker_error.c.
 */

#include <stdbool.h>

#include "lib/engine/event.h"

enum acc_docker_call {
    ACC_CALL_CREATE = 0,
    ACC_CALL_START,
    ACC_CALL_STOP,
    ACC_CALL_KILL,
    ACC_CALL_REMOVE,
    ACC_CALL_RENAME,
    ACC_CALL_UNPAUSE,
    ACC_CALL_UPDATE,
    ACC_CALL_CONNECT, /* POST /networks/{id}/connect */
    ACC_CALL_ARCHIVE, /* PUT /containers/{id}/archive */
    ACC_CALL_PULL,
    ACC_CALL_NETWORK_CREATE,
    ACC_CALL_NETWORK_REMOVE,
    ACC_CALL_VOLUME_CREATE,
    ACC_CALL_VOLUME_REMOVE,
    ACC_CALL_EXEC_CREATE,
    ACC_CALL_EXEC_START,
    ACC_CALL_INSPECT, /* of a container, image, network or volume */
};
#define ACC_DOCKER_CALL_COUNT 18

/* `message` is acc_docker_message()'s. Below 300: OK; 304: NOT_MODIFIED. An engine that is itself
 * broken (containerd gone, shutting down) gives ACC_OP_LOST: whatever happened is no fault of the
 * service, and inspecting settles it. REMOVE and STOP of what is not there or does not run give
 * GONE and NOT_MODIFIED. A pull that fails inside a 200 stream is asked for with status 500. */
enum acc_op_result acc_docker_result(enum acc_docker_call call, int http_status,
                                     const char *message);

/* Docker says so of a start, too, when it is not `cid`, which was asked for, but the one whose
 * namespaces that shares which isn't there: no GONE of `cid`. */
bool acc_docker_misses_another(const char *message, const char *cid);

/* An address of the file that isn't of the network's subnets. */
bool acc_docker_is_foreign_address(const char *message);

/* The cause in an engine's message, for people: without the layers that only pass it on and name
 * ids
 * ("driver failed programming external connectivity on endpoint a (<64 hex>): ...", "failed to
 * create shim task: OCI runtime create failed: ..."). Points into `message`. */
const char *acc_docker_cause(const char *message);

/* 409 of create: `... is already in use by container "<id>". You have to ...`. True and the id. */
bool acc_docker_conflict_holder(const char *message, char ret_cid[ACC_CID_LEN + 1]);
/* ... in a few words: Docker's own fill a line with an id. False: it isn't that. */
bool acc_docker_conflict_text(const char *message, char *out, size_t out_size);
