#pragma once

/*
 * The `docker build` that makes the image of a service with `build:`.
 *
 * accd builds nothing itself: the docker command knows BuildKit, contexts and caches. This gives
 * its arguments (docker/cli: cli/command/image/build.go, buildx: commands/build.go), as Compose
 * chooses them. What only buildx has (secrets, ssh, further contexts) is passed on, too: a docker
 * without it says so itself.
 */

#include "lib/base/arena.h"
#include "lib/model/spec.h"

#define ACC_BUILD_VARIABLES_MAX 256u /* build.args with values; further ones stand on the line */

struct acc_docker_build {
    const char **argv; /* "docker", "build", ..., NULL; in the arena */
    size_t n_argv;
    /* "K=V" for its environment: values on the command line could be seen by everybody. */
    const char *variables[ACC_BUILD_VARIABLES_MAX];
    size_t n_variables;
    const char *input; /* dockerfile_inline, for its stdin; NULL: none */
};

/* `service` has a resolved `build`, and belongs to `stack`. All texts are copied into `arena`. 0;
 * -ENOENT: it has none; -ENOMEM. */
int acc_docker_build_make(const struct acc_stack *stack, const struct acc_service_spec *service,
                          struct acc_arena *arena, struct acc_docker_build *ret_build);
