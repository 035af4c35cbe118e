#pragma once

/*
 * Words that several answers of the Engine API share, as enums: states, health, policies; and the
 * names of the labels on containers, networks and volumes (docker compose pkg/api/labels.go, and
 * accd's own).
 */

#include <stdbool.h>
#include <stdint.h>

#include "lib/engine/event.h"

#define ACC_LABEL_PROJECT     "com.docker.compose.project"
#define ACC_LABEL_SERVICE     "com.docker.compose.service"
#define ACC_LABEL_NUMBER      "com.docker.compose.container-number"
#define ACC_LABEL_ONEOFF      "com.docker.compose.oneoff"
#define ACC_LABEL_CONFIG_HASH "com.docker.compose.config-hash"
#define ACC_LABEL_IMAGE       "com.docker.compose.image"
#define ACC_LABEL_VERSION     "com.docker.compose.version"
#define ACC_LABEL_WORKING_DIR "com.docker.compose.project.working_dir"
#define ACC_LABEL_FILES       "com.docker.compose.project.config_files"
#define ACC_LABEL_ENV_FILE    "com.docker.compose.project.environment_file"
#define ACC_LABEL_DEPENDS_ON  "com.docker.compose.depends_on"
#define ACC_LABEL_NETWORK     "com.docker.compose.network"
#define ACC_LABEL_VOLUME      "com.docker.compose.volume"
#define ACC_LABEL_SPEC        "io.acc.spec"
#define ACC_LABEL_CONTENTS    "io.acc.contents"
#define ACC_LABEL_OP          "io.acc.op"
#define ACC_LABEL_REVISION    "io.acc.revision"

/* All take NULL for an absent word. */

/* False when the word is none of Docker's or podman's; then the output is left alone. */
bool acc_docker_state_of(const char *word, enum acc_container_state *ret_state);
enum acc_docker_health acc_docker_health_of(const char *word);  /* NONE when unknown */
enum acc_restart_policy acc_docker_policy_of(const char *word); /* NO for "" and the unknown */
uint32_t acc_docker_number_of(const char *text); /* 0 unless a whole number of 32 bits */
bool acc_docker_is_true(const char *text);       /* "True", as Compose writes it, in any case */
