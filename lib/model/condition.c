#include "lib/model/condition.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/assert.h"

#define NOT_LOADED ": its stack is not loaded"

static const struct {
    const char *name;
    char begin; /* of its argument; ' ' an address, 's' a service, '\0': it has none */
    const char *lacks;
} kinds[] = {
    [ACC_HOST_MOUNT] = {"mount", '/', "nothing is mounted on %s"},
    [ACC_HOST_DEVICE] = {"device", '/', "the device %s is missing"},
    [ACC_HOST_PATH] = {"path", '/', "%s is missing"},
    [ACC_HOST_ADDRESS] = {"address", ' ', "no interface has the address %s"},
    [ACC_HOST_NETWORK] = {"network", '\0', "there is no route to the outside%s"},
    [ACC_HOST_TIME] = {"time", '\0', "the clock is not synchronised%s"},
    [ACC_HOST_DISK] = {NULL, '\0', "accd's state can't be saved: its disk is full, or broken%s"},
    [ACC_HOST_PLACE] = {NULL, '/', "%s is not where it was when it was last used"},
    [ACC_HOST_READY] = {"ready", 's', "%s is not ready, and nobody starts it" NOT_LOADED},
    [ACC_HOST_RUNNING] = {"running", 's', "%s doesn't run, and nobody starts it" NOT_LOADED},
    [ACC_HOST_DONE] = {"done", 's', "%s has not ended with 0, and nobody runs it" NOT_LOADED},
    [ACC_HOST_REACHED] = {"reached", 's',
                          "%s is not ready and has not ended with 0, and nobody runs it" NOT_LOADED},
    [ACC_HOST_MAKER] = {"maker", 's', "%s is not ready, and nobody starts it" NOT_LOADED},
    [ACC_HOST_FREE] = {"free", 's', "%s runs, and nobody stops it" NOT_LOADED},
};
static_assert(ACC_ARRAY_LEN(kinds) == ACC_HOST_KIND_COUNT, "one row per kind");

static const char *check(const char *arg, char begin)
{
    if (begin == '\0') {
        return NULL;
    }
    if (begin == 's') {
        return strchr(arg, '/') ? NULL : "it is no stack/service";
    }
    if (begin == '/') {
        return arg[0] != '/' ? "its path is not absolute" : NULL;
    }
    return arg[0] == '\0' || arg[strspn(arg, "0123456789abcdefABCDEF:.")] != '\0'
               ? "its address is none; write it like address:192.168.1.2"
               : NULL;
}

const char *acc_condition_parse(const char *text, struct acc_condition *ret_condition)
{
    size_t len = strcspn(text, ":");

    if (strlen(text) > ACC_CONDITION_TEXT_MAX) {
        return "it is too long";
    }
    for (size_t k = 0; k < ACC_ARRAY_LEN(kinds); k++) {
        bool has_arg = text[len] == ':';

        if (!kinds[k].name || strlen(kinds[k].name) != len ||
            strncmp(kinds[k].name, text, len) != 0 || has_arg != (kinds[k].begin != '\0')) {
            continue;
        }
        *ret_condition = (struct acc_condition){
            .kind = (enum acc_condition_kind)k, .text = text, .arg = text + len + has_arg};
        return check(ret_condition->arg, kinds[k].begin);
    }
    return ACC_CONDITION_UNKNOWN;
}

bool acc_condition_is_of_service(enum acc_condition_kind kind)
{
    return kinds[kind].begin == 's';
}

bool acc_condition_put_service(enum acc_condition_kind kind, const char *stack, const char *service,
                               char *text, size_t size)
{
    int n;

    acc_assert(acc_condition_is_of_service(kind));
    n = snprintf(text, size, "%s:%s/%s", kinds[kind].name, stack, service);
    return n > 0 && (size_t)n < size;
}

struct acc_condition acc_condition_of_source(const char *path)
{
    return (struct acc_condition){.kind = ACC_HOST_PLACE, .text = path, .arg = path};
}

struct acc_condition acc_condition_moved(const struct acc_condition *condition, const char *text)
{
    return (struct acc_condition){
        .kind = condition->kind, .text = text, .arg = text + (condition->arg - condition->text)};
}

void acc_condition_lacks(const struct acc_condition *condition, char *out, size_t out_size)
{
    const char *words = kinds[condition->kind].lacks;
    const char *at = strstr(words, "%s");

    /* A long path is cut; the condition itself tells it whole. */
    (void)snprintf(out, out_size, "%.*s%.160s%s", (int)(at - words), words, condition->arg, at + 2);
}

bool acc_token_is_valid(const char *name)
{
    static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
    size_t len = strlen(name);

    return len > 0 && len <= ACC_TOKEN_NAME_MAX && name[strspn(name, good)] == '\0';
}

bool acc_root_is_path(const char *root_id)
{
    return strncmp(root_id, "host:/", 6) == 0 || strncmp(root_id, "host:mount:/", 12) == 0;
}

const char *acc_root_sufferer(const char *root_id)
{
    return strcmp(root_id, "engine") == 0 || strncmp(root_id, "host:", 5) == 0 ? "service"
                                                                               : "other";
}
