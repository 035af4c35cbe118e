#include "lib/codec/docker_state.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "lib/base/assert.h"
#include "lib/base/str.h"

static const struct {
    const char *word;
    enum acc_container_state state;
} states[] = {
    {"created", ACC_CTR_CREATED},
    {"running", ACC_CTR_RUNNING},
    {"paused", ACC_CTR_PAUSED},
    {"restarting", ACC_CTR_RESTARTING},
    {"removing", ACC_CTR_REMOVING},
    {"exited", ACC_CTR_EXITED},
    {"dead", ACC_CTR_DEAD},
    /* podman libpod/define/containerstate.go; its compatible API tells some of them unchanged */
    {"configured", ACC_CTR_CREATED},
    {"initialized", ACC_CTR_CREATED},
    {"stopping", ACC_CTR_RUNNING},
    {"stopped", ACC_CTR_EXITED},
};

bool acc_docker_state_of(const char *word, enum acc_container_state *ret_state)
{
    for (size_t i = 0; word && i < ACC_ARRAY_LEN(states); i++) {
        if (strcmp(word, states[i].word) == 0) {
            *ret_state = states[i].state;
            return true;
        }
    }
    return false;
}

enum acc_docker_health acc_docker_health_of(const char *word)
{
    if (!word) {
        return ACC_DH_NONE;
    }
    return strcmp(word, "healthy") == 0     ? ACC_DH_HEALTHY
           : strcmp(word, "unhealthy") == 0 ? ACC_DH_UNHEALTHY
           : strcmp(word, "starting") == 0  ? ACC_DH_STARTING
                                            : ACC_DH_NONE;
}

enum acc_restart_policy acc_docker_policy_of(const char *word)
{
    if (!word) {
        return ACC_RESTART_NO;
    }
    return strcmp(word, "always") == 0           ? ACC_RESTART_ALWAYS
           : strcmp(word, "unless-stopped") == 0 ? ACC_RESTART_UNLESS_STOPPED
           : strcmp(word, "on-failure") == 0     ? ACC_RESTART_ON_FAILURE
                                                 : ACC_RESTART_NO;
}

uint32_t acc_docker_number_of(const char *text)
{
    uint64_t value;

    return text && acc_parse_u64(text, &value) && value <= UINT32_MAX ? (uint32_t)value : 0;
}

bool acc_docker_is_true(const char *text)
{
    return text && strcasecmp(text, "true") == 0;
}
