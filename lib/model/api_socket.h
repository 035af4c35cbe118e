#pragma once

/*
 * `use_api_socket: true`: a container that may talk to Docker. The engine knows no such thing;
 * Compose rewrites the service when its container is made (pkg/compose/apiSocket.go at v2.40.3),
 * and so the config-hash is taken over what this makes of it.
 */

#include <stdbool.h>

#include "lib/base/arena.h"
#include "lib/model/node.h"

/* The source of the config that holds the user's credentials; no name that a file can use. */
#define ACC_API_SOCKET_CONFIG "#apisocket"

bool acc_api_socket_used(const struct acc_node *service);
/* A copy of the canonical service with the socket as a bind mount, DOCKER_CONFIG, and the config.
 * What was not there before stands at the end. NULL: no memory. */
struct acc_node *acc_api_socket_service(struct acc_arena *arena, const struct acc_node *service);
