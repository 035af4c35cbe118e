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
    /* All of build.args that have a value, also those that stand on the command line. */
    const char *names[ACC_BUILD_VARIABLES_MAX], *values[ACC_BUILD_VARIABLES_MAX];
    size_t n_values;
    const char *input; /* dockerfile_inline, for its stdin; NULL: none */
};

/* `service` has a resolved `build`, and belongs to `stack`. All texts are copied into `arena`. 0;
 * -ENOENT: it has none; -ENOMEM. */
int acc_docker_build_make(const struct acc_stack *stack, const struct acc_service_spec *service,
                          struct acc_arena *arena, struct acc_docker_build *ret_build);
/* A line of its output with `***` in place of the values of build.args: a step may print them, and
 * what it prints is shown and logged. Values shorter than ACC_BUILD_SECRET_MIN only behind their
 * name ("PIN=42", "PIN: '42'"): anywhere they would take most of the line. Cut to `out_size`. */
#define ACC_BUILD_SECRET_MIN 4u
void acc_docker_build_mask(const struct acc_docker_build *build, const char *line, char *out,
                           size_t out_size);
