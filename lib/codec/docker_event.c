#include "lib/codec/docker_event.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/codec/docker_state.h"
#include "lib/codec/json_get.h"

static const struct {
    const char *type;
    enum acc_docker_event_kind kind;
} kinds[] = {
    {"container", ACC_DOCKER_EV_CONTAINER}, {"network", ACC_DOCKER_EV_NETWORK},
    {"image", ACC_DOCKER_EV_IMAGE},         {"volume", ACC_DOCKER_EV_VOLUME},
    {"daemon", ACC_DOCKER_EV_DAEMON},
};

/* moby api/types/events; anything not here only makes the container dirty. */
static const struct {
    const char *action;
    enum acc_hint hint;
} hints[] = {
    {"create", ACC_HINT_CREATE},
    {"start", ACC_HINT_START},
    {"die", ACC_HINT_DIE},
    {"stop", ACC_HINT_STOP},
    {"kill", ACC_HINT_KILL},
    {"oom", ACC_HINT_OOM},
    {"pause", ACC_HINT_PAUSE},
    {"unpause", ACC_HINT_UNPAUSE},
    {"died", ACC_HINT_DIE}, /* podman's own word */
    {"health_status", ACC_HINT_HEALTH},
};

/* Actions of a container that leave it as it was. The last line is podman's. */
static const char *const noise[] = {
    "exec_create", "exec_start", "exec_die",     "exec_detach", "attach",
    "detach",      "resize",     "top",          "copy",        "extract-to-dir",
    "export",      "commit",     "archive-path", "exec",        "exec_died",
    "init",        "cleanup",    "mount",        "sync",        "unmount",
};

static bool is_any_of(const char *text, const char *const *words, size_t n_words)
{
    for (size_t i = 0; i < n_words; i++) {
        if (strcmp(text, words[i]) == 0) {
            return true;
        }
    }
    return false;
}

static enum acc_docker_event_kind kind_of(const char *type)
{
    for (size_t i = 0; i < ACC_ARRAY_LEN(kinds); i++) {
        if (strcmp(type, kinds[i].type) == 0) {
            return kinds[i].kind;
        }
    }
    return ACC_DOCKER_EV_OTHER;
}

static enum acc_hint hint_of(const char *action)
{
    for (size_t i = 0; i < ACC_ARRAY_LEN(hints); i++) {
        if (strcmp(action, hints[i].action) == 0) {
            return hints[i].hint;
        }
    }
    return ACC_HINT_DIRTY;
}

/* Attributes are strings; a label of the same name may hold anything. */
static int32_t attribute_number(const cJSON *attributes, const char *key, int32_t otherwise)
{
    const char *text = acc_json_text(attributes, key);
    char *end = NULL;

    if (!text || !*text) {
        return otherwise;
    }
    errno = 0;
    long value = strtol(text, &end, 10);

    return errno == 0 && *end == '\0' && value >= INT32_MIN && value <= INT32_MAX ? (int32_t)value
                                                                                  : otherwise;
}

/* "exec_create: sh -c x" and "health_status: healthy" carry data behind the colon. */
static void split_action(const char *action, struct acc_docker_event *event)
{
    size_t len = strcspn(action, ":");
    const char *detail = action[len] ? action + len + 1 : "";

    detail += strspn(detail, " ");
    if (len > ACC_DOCKER_ACTION_MAX) {
        len = ACC_DOCKER_ACTION_MAX;
    }
    memcpy(event->action, action, len);
    event->action[len] = '\0';
    if (strcmp(event->action, "health_status") == 0) {
        event->health = strcmp(detail, "healthy") == 0     ? ACC_DH_HEALTHY
                        : strcmp(detail, "unhealthy") == 0 ? ACC_DH_UNHEALTHY
                                                           : ACC_DH_NONE;
    }
}

/* cJSON keeps numbers as doubles, which round today's nanoseconds to 256. So that "since" asks for
 * exactly what is missing the digits are read from the text; a quote inside a string is escaped, so
 * the pattern can only be a key, and no attribute's value is a bare number. */
static int64_t exact_time_ns(const char *text, size_t text_len, int64_t rounded)
{
    static const char key[] = "\"timeNano\":";
    size_t key_len = sizeof(key) - 1;

    for (size_t i = text_len; i >= key_len; i--) {
        uint64_t value = 0;

        if (memcmp(text + i - key_len, key, key_len) != 0) {
            continue;
        }
        for (size_t j = i; j < text_len && j - i < 19 && text[j] >= '0' && text[j] <= '9'; j++) {
            value = value * 10 + (uint64_t)(text[j] - '0'); /* 19 digits fit */
        }
        uint64_t near = (uint64_t)rounded;

        return value <= INT64_MAX && value + 1024 > near && near + 1024 > value ? (int64_t)value
                                                                                : rounded;
    }
    return rounded;
}

static void read_time(const cJSON *json, const char *text, size_t text_len,
                      struct acc_docker_event *event)
{
    int64_t ns = acc_json_int(json, "timeNano", 0);
    int64_t s = acc_json_int(json, "time", 0);

    if (ns > 0) {
        event->time_ns = exact_time_ns(text, text_len, ns);
    } else if (s > 0 && s < INT64_MAX / 1000000000) {
        event->time_ns = s * 1000000000;
    }
}

static void read_container(const cJSON *json, const cJSON *actor, const cJSON *attributes,
                           struct acc_docker_event *event)
{
    acc_json_copy_cid(actor, "ID", event->cid);
    event->hint = hint_of(event->action);
    event->is_noise = is_any_of(event->action, noise, ACC_ARRAY_LEN(noise));
    if (event->hint == ACC_HINT_HEALTH && event->health == ACC_DH_NONE) {
        const char *health = acc_json_text(json, "HealthStatus"); /* podman */

        event->health = health && strcmp(health, "healthy") == 0     ? ACC_DH_HEALTHY
                        : health && strcmp(health, "unhealthy") == 0 ? ACC_DH_UNHEALTHY
                                                                     : ACC_DH_NONE;
    }
    event->exit_code = attribute_number(attributes, "exitCode", -1);
    event->signal = attribute_number(attributes, "signal", 0);
    acc_json_copy_cid(attributes, "execID", event->exec_id);
    acc_json_copy(attributes, "image", event->image, sizeof(event->image));
    acc_json_copy(attributes, ACC_LABEL_PROJECT, event->project, sizeof(event->project));
    acc_json_copy(attributes, ACC_LABEL_SERVICE, event->service, sizeof(event->service));

    const char *old_name = acc_json_text(attributes, "oldName");

    acc_copy_whole(old_name && *old_name == '/' ? old_name + 1 : old_name, event->old_name,
                   sizeof(event->old_name));
}

static void read_network(const cJSON *actor, const cJSON *attributes,
                         struct acc_docker_event *event)
{
    if (strcmp(event->action, "connect") != 0 && strcmp(event->action, "disconnect") != 0) {
        return;
    }
    acc_json_copy_cid(attributes, "container", event->cid);
    if (event->cid[0] == '\0' && event->name[0] == '\0') {
        acc_json_copy_cid(actor, "ID", event->cid); /* podman names the container as the actor */
    }
}

static void read_event(const cJSON *json, const char *type, const char *action,
                       struct acc_docker_event *event)
{
    const cJSON *actor = acc_json_object(json, "Actor");
    const cJSON *attributes = acc_json_object(actor, "Attributes");

    event->kind = kind_of(type);
    event->exit_code = -1;
    split_action(action, event);
    acc_copy_line(acc_json_text(actor, "ID"), event->id, sizeof(event->id));
    acc_json_copy(attributes, "name", event->name, sizeof(event->name));
    /* an image loses its last name with "delete"; "untag" leaves it there */
    event->is_destroy = strcmp(event->action, "destroy") == 0 ||
                        strcmp(event->action, "remove") == 0 ||
                        (event->kind == ACC_DOCKER_EV_IMAGE &&
                         strcmp(event->action, "delete") == 0);
    if (event->kind == ACC_DOCKER_EV_CONTAINER) {
        read_container(json, actor, attributes, event);
    } else if (event->kind == ACC_DOCKER_EV_NETWORK) {
        read_network(actor, attributes, event);
    } else if (event->kind == ACC_DOCKER_EV_VOLUME) {
        event->is_noise = is_any_of(event->action, noise, ACC_ARRAY_LEN(noise));
    }
}

int acc_docker_event_parse(const char *text, size_t text_len, struct acc_docker_event *ret_event)
{
    cJSON *json = NULL;
    int r = acc_json_parse_object(text, text_len, &json);

    if (r < 0) {
        return r;
    }
    const char *type = acc_json_text(json, "Type");
    const char *action = acc_json_text(json, "Action");

    if (!type || !action) {
        cJSON_Delete(json);
        return -EINVAL;
    }
    *ret_event = (struct acc_docker_event){0};
    read_event(json, type, action, ret_event);
    read_time(json, text, text_len, ret_event);
    cJSON_Delete(json);
    return 0;
}

const char *acc_docker_event_filters(bool libpod)
{
    /* health_status has data behind a colon and is matched as a prefix (moby events/filter.go), and
     * with it the whole list: no word here may be the beginning of "exec_". */
    return libpod
               ? "{\"type\":[\"container\",\"network\",\"image\",\"volume\"]}"
               : "{\"event\":[\"connect\",\"create\",\"delete\",\"destroy\",\"die\","
                 "\"disconnect\",\"health_status\",\"kill\",\"oom\",\"pause\",\"prune\",\"pull\","
                 "\"reload\",\"remove\",\"rename\",\"restart\",\"start\",\"stop\",\"tag\","
                 "\"unpause\",\"untag\",\"update\"],"
                 "\"type\":[\"container\",\"daemon\",\"image\",\"network\",\"volume\"]}";
}
