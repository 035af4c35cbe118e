#include "lib/codec/control_request.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/str.h"
#include "lib/codec/json_get.h"

enum param {
    P_TARGETS = 0,
    P_TARGET,
    P_PHASE,
    P_INTERFACE,
    P_ALL,
    P_WITH_DEPENDENTS,
    P_VOLUMES,
    P_PRUNE,
    P_DETACH,
    P_FOLLOW,
    P_TIMESTAMPS,
    P_TAKEN_BACK,
    P_TIMEOUT_MS,
    P_LIMIT,
    P_TAIL,
    P_IMAGE,
    P_TO,
    P_DRY_RUN,
    P_YES,
    P_KEEP,
    P_BUILD,
    P_KIND,
    P_ON,
    P_REASON,
    P_FOR_MS,
    P_DECISION,
};
#define PARAM_COUNT 26

static const char *const param_names[] = {
    [P_TARGETS] = "targets",
    [P_TARGET] = "target",
    [P_PHASE] = "phase",
    [P_INTERFACE] = "interface",
    [P_ALL] = "all",
    [P_WITH_DEPENDENTS] = "with_dependents",
    [P_VOLUMES] = "volumes",
    [P_PRUNE] = "prune",
    [P_DETACH] = "detach",
    [P_FOLLOW] = "follow",
    [P_TIMESTAMPS] = "timestamps",
    [P_TAKEN_BACK] = "taken_back",
    [P_TIMEOUT_MS] = "timeout_ms",
    [P_LIMIT] = "limit",
    [P_TAIL] = "tail",
    [P_IMAGE] = "image",
    [P_TO] = "to",
    [P_DRY_RUN] = "dry_run",
    [P_YES] = "yes",
    [P_KEEP] = "keep",
    [P_BUILD] = "build",
    [P_KIND] = "kind",
    [P_ON] = "on",
    [P_REASON] = "reason",
    [P_FOR_MS] = "for_ms",
    [P_DECISION] = "decision",
};
static_assert(ACC_ARRAY_LEN(param_names) == PARAM_COUNT, "one name per parameter");

#define BIT(param) (1u << (param))
#define ACTS       (BIT(P_TARGETS) | BIT(P_ALL) | BIT(P_DETACH) | BIT(P_TIMEOUT_MS))

static const struct {
    const char *name;
    enum acc_ctl_right right;
    int verb; /* enum acc_verb, or -1 */
    uint32_t params, required;
} methods[] = {
    [ACC_CTL_GET_INFO] = {"org.varlink.service.GetInfo", ACC_CTL_RIGHT_NONE, -1, 0, 0},
    [ACC_CTL_GET_INTERFACE] = {"org.varlink.service.GetInterfaceDescription", ACC_CTL_RIGHT_NONE,
                               -1, BIT(P_INTERFACE), BIT(P_INTERFACE)},
    [ACC_CTL_PING] = {"io.acc.Ping", ACC_CTL_RIGHT_READ, -1, 0, 0},
    [ACC_CTL_STATUS] = {"io.acc.Status", ACC_CTL_RIGHT_READ, -1, BIT(P_TARGETS) | BIT(P_PHASE), 0},
    [ACC_CTL_UP] = {"io.acc.Up", ACC_CTL_RIGHT_CHANGE, ACC_VERB_UP, ACTS | BIT(P_PHASE), 0},
    [ACC_CTL_START] = {"io.acc.Start", ACC_CTL_RIGHT_CHANGE, ACC_VERB_START, ACTS | BIT(P_PHASE),
                       0},
    [ACC_CTL_STOP] = {"io.acc.Stop", ACC_CTL_RIGHT_CHANGE, ACC_VERB_STOP,
                      ACTS | BIT(P_PHASE) | BIT(P_WITH_DEPENDENTS), 0},
    [ACC_CTL_DOWN] = {"io.acc.Down", ACC_CTL_RIGHT_CHANGE, ACC_VERB_DOWN,
                      ACTS | BIT(P_PHASE) | BIT(P_WITH_DEPENDENTS) | BIT(P_VOLUMES), 0},
    [ACC_CTL_RESTART] = {"io.acc.Restart", ACC_CTL_RIGHT_CHANGE, ACC_VERB_RESTART,
                         ACTS | BIT(P_PHASE) | BIT(P_WITH_DEPENDENTS), 0},
    [ACC_CTL_ADOPT] = {"io.acc.Adopt", ACC_CTL_RIGHT_CHANGE, ACC_VERB_ADOPT, ACTS, 0},
    [ACC_CTL_RELEASE] = {"io.acc.Release", ACC_CTL_RIGHT_CHANGE, ACC_VERB_RELEASE,
                         ACTS | BIT(P_PHASE), 0},
    [ACC_CTL_HOLD] = {"io.acc.Hold", ACC_CTL_RIGHT_CHANGE, ACC_VERB_HOLD,
                      ACTS | BIT(P_PHASE) | BIT(P_KIND) | BIT(P_REASON) | BIT(P_FOR_MS), 0},
    [ACC_CTL_MAINTENANCE] = {"io.acc.Maintenance", ACC_CTL_RIGHT_CHANGE, ACC_VERB_MAINTENANCE,
                             BIT(P_ON) | BIT(P_REASON) | BIT(P_FOR_MS) | BIT(P_DETACH) |
                                 BIT(P_TIMEOUT_MS),
                             BIT(P_ON)},
    [ACC_CTL_HAND_BACK] = {"io.acc.HandBack", ACC_CTL_RIGHT_CHANGE, ACC_VERB_HAND_BACK, ACTS, 0},
    [ACC_CTL_UPGRADE] = {"io.acc.Upgrade", ACC_CTL_RIGHT_CHANGE, ACC_VERB_UPGRADE,
                         ACTS | BIT(P_PHASE) | BIT(P_IMAGE) | BIT(P_BUILD) | BIT(P_DRY_RUN) |
                             BIT(P_KEEP),
                         0},
    [ACC_CTL_ROLLBACK] = {"io.acc.Rollback", ACC_CTL_RIGHT_CHANGE, ACC_VERB_ROLLBACK,
                          ACTS | BIT(P_TO) | BIT(P_YES), 0},
    [ACC_CTL_HISTORY] = {"io.acc.History", ACC_CTL_RIGHT_READ, -1, BIT(P_TARGET), BIT(P_TARGET)},
    [ACC_CTL_APPLY] = {"io.acc.Apply", ACC_CTL_RIGHT_CHANGE, -1,
                       BIT(P_PRUNE) | BIT(P_VOLUMES) | BIT(P_DETACH) | BIT(P_TIMEOUT_MS), 0},
    [ACC_CTL_PLAN] = {"io.acc.Plan", ACC_CTL_RIGHT_READ, -1, BIT(P_TARGETS), 0},
    [ACC_CTL_OUTDATED] = {"io.acc.Outdated", ACC_CTL_RIGHT_READ, -1, BIT(P_TARGETS) | BIT(P_PHASE),
                          0},
    [ACC_CTL_WHY] = {"io.acc.Why", ACC_CTL_RIGHT_READ, -1, BIT(P_TARGET), BIT(P_TARGET)},
    [ACC_CTL_LOGS] = {"io.acc.Logs", ACC_CTL_RIGHT_READ, -1,
                      BIT(P_TARGET) | BIT(P_FOLLOW) | BIT(P_TAIL) | BIT(P_TIMESTAMPS) |
                          BIT(P_TAKEN_BACK),
                      BIT(P_TARGET)},
    [ACC_CTL_EVENTS] = {"io.acc.Events", ACC_CTL_RIGHT_READ, -1, BIT(P_TARGETS) | BIT(P_LIMIT), 0},
    [ACC_CTL_INCIDENTS] = {"io.acc.Incidents", ACC_CTL_RIGHT_READ, -1, 0, 0},
    [ACC_CTL_STATE] = {"io.acc.State", ACC_CTL_RIGHT_READ, -1, BIT(P_DECISION), 0},
};
static_assert(ACC_ARRAY_LEN(methods) == ACC_CTL_METHOD_COUNT, "one row per method");

const char *acc_ctl_method_name(enum acc_ctl_method method)
{
    return methods[method].name;
}

enum acc_ctl_right acc_ctl_method_right(enum acc_ctl_method method)
{
    return methods[method].right;
}

bool acc_ctl_method_verb(enum acc_ctl_method method, enum acc_verb *ret_verb)
{
    if (methods[method].verb < 0) {
        return false;
    }
    *ret_verb = (enum acc_verb)methods[method].verb;
    return true;
}

void acc_ctl_request_fini(struct acc_ctl_request *request)
{
    cJSON_Delete(request->doc);
    *request = (struct acc_ctl_request){0};
}

void acc_ctl_error_set(struct acc_ctl_error *error, const char *name, const char *key,
                       const char *fmt, ...)
{
    va_list args;

    *error = (struct acc_ctl_error){.name = name, .key = key};
    va_start(args, fmt);
    (void)vsnprintf(error->value, sizeof(error->value), fmt, args); /* a cut reason is fine */
    va_end(args);
}

static void set_parameter(struct acc_ctl_error *error, const char *name, const char *fmt,
                          va_list args) __attribute__((format(printf, 3, 0)));
static void set_parameter(struct acc_ctl_error *error, const char *name, const char *fmt,
                          va_list args)
{
    acc_ctl_error_set(error, ACC_CTL_E_PARAMETER, "parameter", "%s", name);
    error->key2 = "reason";
    (void)vsnprintf(error->value2, sizeof(error->value2), fmt, args);
}

void acc_ctl_error_set_parameter(struct acc_ctl_error *error, const char *name, const char *fmt,
                                 ...)
{
    va_list args;

    va_start(args, fmt);
    set_parameter(error, name, fmt, args);
    va_end(args);
}

static enum acc_ctl_parsed wrong_param(struct acc_ctl_error *error, const char *name,
                                       const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static enum acc_ctl_parsed wrong_param(struct acc_ctl_error *error, const char *name,
                                       const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    set_parameter(error, name, fmt, args);
    va_end(args);
    return ACC_CTL_WRONG;
}

static enum acc_ctl_parsed read_bool(const cJSON *item, bool *ret, struct acc_ctl_error *error)
{
    if (!cJSON_IsBool(item)) {
        return wrong_param(error, item->string, "%s is true or false", item->string);
    }
    *ret = cJSON_IsTrue(item);
    return ACC_CTL_PARSED;
}

static enum acc_ctl_parsed read_text(const cJSON *item, const char **ret,
                                     struct acc_ctl_error *error)
{
    const char *text = acc_json_text_of(item);

    if (!text || text[0] == '\0') {
        return wrong_param(error, item->string ? item->string : "targets",
                           "%s is a name, not empty",
                           item->string ? item->string : "each of targets");
    }
    *ret = text;
    return ACC_CTL_PARSED;
}

static enum acc_ctl_parsed read_number(const cJSON *item, uint64_t min, uint64_t max, uint64_t *ret,
                                       struct acc_ctl_error *error)
{
    double value = cJSON_IsNumber(item) ? item->valuedouble : -1.0;

    /* A NaN fails every comparison, so the test is for what is right. */
    if (!(value >= (double)min && value <= (double)max) || value != (double)(uint64_t)value) {
        return wrong_param(error, item->string, "%s is a whole number from %llu to %llu",
                           item->string, (unsigned long long)min, (unsigned long long)max);
    }
    *ret = (uint64_t)value;
    return ACC_CTL_PARSED;
}

static enum acc_ctl_parsed read_targets(const cJSON *item, struct acc_ctl_request *request,
                                        struct acc_ctl_error *error)
{
    const cJSON *target;

    if (!cJSON_IsArray(item)) {
        return wrong_param(error, "targets", "targets is a list of names");
    }
    cJSON_ArrayForEach(target, item)
    {
        if (request->n_targets == ACC_CTL_TARGETS_MAX) {
            return wrong_param(error, "targets", "more than %u targets; name stacks or a phase",
                               ACC_CTL_TARGETS_MAX);
        }
        if (read_text(target, &request->targets[request->n_targets], error) == ACC_CTL_WRONG) {
            return ACC_CTL_WRONG;
        }
        request->n_targets++;
    }
    return ACC_CTL_PARSED;
}

/* A month; whoever waits longer leaves it out. */
#define TIMEOUT_MS_MAX (31ull * 24 * 3600 * 1000)
#define TAIL_MAX       1000000u

static enum acc_ctl_parsed read_limit(const cJSON *item, uint64_t max,
                                      struct acc_ctl_request *request, struct acc_ctl_error *error)
{
    uint64_t value = 0;

    if (read_number(item, 0, max, &value, error) == ACC_CTL_WRONG) {
        return ACC_CTL_WRONG;
    }
    request->limit = (uint32_t)value;
    return ACC_CTL_PARSED;
}

static enum acc_ctl_parsed read_image(const cJSON *item, struct acc_ctl_request *request,
                                      struct acc_ctl_error *error)
{
    if (read_text(item, &request->image, error) == ACC_CTL_WRONG) {
        return ACC_CTL_WRONG;
    }
    if (request->image[0] == '\0' || strlen(request->image) > ACC_NAME_MAX ||
        strpbrk(request->image, " \t\r\n")) {
        return wrong_param(error, item->string, "image is a reference like nginx:1.27");
    }
    return ACC_CTL_PARSED;
}

static enum acc_ctl_parsed read_revision(const cJSON *item, struct acc_ctl_request *request,
                                         struct acc_ctl_error *error)
{
    uint64_t value = 0;

    if (read_number(item, 1, 100000000, &value, error) == ACC_CTL_WRONG) {
        return ACC_CTL_WRONG;
    }
    request->to = (uint32_t)value;
    return ACC_CTL_PARSED;
}

/* A year; a hold that shall last longer is one without an end. */
#define FOR_MS_MAX (366ull * 24 * 3600 * 1000)

static enum acc_ctl_parsed read_kind(const cJSON *item, struct acc_ctl_request *request,
                                     struct acc_ctl_error *error)
{
    const char *text = acc_json_text_of(item);

    for (int k = ACC_HOLD_UP; text && k < ACC_HOLD_COUNT; k++) {
        if (strcmp(text, acc_hold_name((enum acc_hold)k)) == 0) {
            request->hold = (enum acc_hold)k;
            return ACC_CTL_PARSED;
        }
    }
    return wrong_param(error, item->string, "kind is up, down or freeze");
}

static enum acc_ctl_parsed read_on(const cJSON *item, struct acc_ctl_request *request,
                                   struct acc_ctl_error *error)
{
    bool is_on = false;
    enum acc_ctl_parsed parsed = read_bool(item, &is_on, error);

    request->hold = is_on ? ACC_HOLD_FREEZE : ACC_HOLD_NONE;
    return parsed;
}

static enum acc_ctl_parsed read_reason(const cJSON *item, struct acc_ctl_request *request,
                                       struct acc_ctl_error *error)
{
    if (read_text(item, &request->reason, error) == ACC_CTL_WRONG) {
        return ACC_CTL_WRONG;
    }
    if (strlen(request->reason) > ACC_HOLD_REASON_MAX) {
        return wrong_param(error, item->string, "a reason has at most %u bytes",
                           ACC_HOLD_REASON_MAX);
    }
    return ACC_CTL_PARSED;
}

static enum acc_ctl_parsed read_decision(const cJSON *item, struct acc_ctl_request *request,
                                         struct acc_ctl_error *error)
{
    uint64_t number = 0;
    enum acc_ctl_parsed parsed = read_number(item, 1, ACC_CTL_LIMIT_MAX, &number, error);

    request->decision = (uint32_t)number;
    return parsed;
}

static enum acc_ctl_parsed read_param(enum param param, const cJSON *item,
                                      struct acc_ctl_request *request, struct acc_ctl_error *error)
{
    switch (param) {
    case P_TARGETS:
        return read_targets(item, request, error);
    case P_TARGET:
        request->n_targets = 1;
        return read_text(item, &request->targets[0], error);
    case P_PHASE:
        return read_text(item, &request->phase, error);
    case P_INTERFACE:
        return read_text(item, &request->interface, error);
    case P_ALL:
        return read_bool(item, &request->all, error);
    case P_WITH_DEPENDENTS:
        return read_bool(item, &request->with_dependents, error);
    case P_VOLUMES:
        return read_bool(item, &request->volumes, error);
    case P_PRUNE:
        return read_bool(item, &request->prune, error);
    case P_DETACH:
        return read_bool(item, &request->detach, error);
    case P_FOLLOW:
        return read_bool(item, &request->follow, error);
    case P_TIMESTAMPS:
        return read_bool(item, &request->timestamps, error);
    case P_TAKEN_BACK:
        return read_bool(item, &request->taken_back, error);
    case P_TIMEOUT_MS:
        return read_number(item, 1, TIMEOUT_MS_MAX, &request->timeout_ms, error);
    case P_LIMIT:
        return read_limit(item, ACC_CTL_LIMIT_MAX, request, error);
    case P_TAIL:
        return read_limit(item, TAIL_MAX, request, error);
    case P_IMAGE:
        return read_image(item, request, error);
    case P_TO:
        return read_revision(item, request, error);
    case P_BUILD:
        return read_bool(item, &request->build, error);
    case P_DRY_RUN:
        return read_bool(item, &request->dry_run, error);
    case P_YES:
        return read_bool(item, &request->yes, error);
    case P_KEEP:
        return read_bool(item, &request->keep, error);
    case P_KIND:
        return read_kind(item, request, error);
    case P_ON:
        return read_on(item, request, error);
    case P_REASON:
        return read_reason(item, request, error);
    case P_FOR_MS:
        return read_number(item, 1, FOR_MS_MAX, &request->for_ms, error);
    case P_DECISION:
        return read_decision(item, request, error);
    }
    return ACC_CTL_WRONG;
}

static enum acc_ctl_parsed unknown_param(enum acc_ctl_method method, const char *name,
                                         struct acc_ctl_error *error)
{
    const char *known[PARAM_COUNT];
    const char *nearest;
    size_t n = 0;

    for (unsigned i = 0; i < PARAM_COUNT; i++) {
        if (methods[method].params & BIT(i)) {
            known[n++] = param_names[i];
        }
    }
    nearest = acc_nearest(name, known, n);
    return wrong_param(error, name, "%s has no parameter %s%s%s%s", methods[method].name, name,
                       nearest ? "; did you mean " : "", nearest ? nearest : "",
                       nearest ? "?" : "");
}

static enum acc_ctl_parsed read_params(const cJSON *params, struct acc_ctl_request *request,
                                       struct acc_ctl_error *error)
{
    uint32_t missing = methods[request->method].required;
    uint32_t seen = 0;
    const cJSON *item;

    cJSON_ArrayForEach(item, params)
    {
        unsigned i = 0;

        while (i < PARAM_COUNT && (strcmp(item->string, param_names[i]) != 0 ||
                                   !(methods[request->method].params & BIT(i)))) {
            i++;
        }
        if (i == PARAM_COUNT) {
            return unknown_param(request->method, item->string, error);
        }
        if (seen & BIT(i)) {
            return wrong_param(error, item->string, "%s stands there twice", item->string);
        }
        seen |= BIT(i);
        if (cJSON_IsNull(item)) {
            continue; /* Varlink's way to leave out a nullable one */
        }
        if (read_param((enum param)i, item, request, error) == ACC_CTL_WRONG) {
            return ACC_CTL_WRONG;
        }
        missing &= ~BIT(i);
    }
    for (unsigned i = 0; i < PARAM_COUNT; i++) {
        if (missing & BIT(i)) {
            return wrong_param(error, param_names[i], "%s needs %s", methods[request->method].name,
                               param_names[i]);
        }
    }
    return ACC_CTL_PARSED;
}

static enum acc_ctl_parsed wrong_request(struct acc_ctl_error *error, const char *reason)
{
    acc_ctl_error_set(error, ACC_CTL_E_INVALID_REQUEST, "reason", "%s", reason);
    return ACC_CTL_WRONG;
}

static enum acc_ctl_parsed unknown_method(const char *name, struct acc_ctl_error *error)
{
    const char *dot = strrchr(name, '.');
    size_t len = dot ? (size_t)(dot - name) : 0;

    if ((len == 6 && strncmp(name, "io.acc", len) == 0) ||
        (len == 19 && strncmp(name, "org.varlink.service", len) == 0)) {
        acc_ctl_error_set(error, ACC_CTL_E_METHOD, "method", "%s", name);
    } else if (!dot) {
        acc_ctl_error_set(error, ACC_CTL_E_PARAMETER, "parameter", "method");
    } else {
        acc_ctl_error_set(error, ACC_CTL_E_INTERFACE, "interface", "%.*s", (int)len, name);
    }
    return ACC_CTL_WRONG;
}

static enum acc_ctl_parsed find_method(const char *name, enum acc_ctl_method *ret_method,
                                       struct acc_ctl_error *error)
{
    for (unsigned i = 0; i < ACC_CTL_METHOD_COUNT; i++) {
        if (strcmp(name, methods[i].name) == 0) {
            *ret_method = (enum acc_ctl_method)i;
            return ACC_CTL_PARSED;
        }
    }
    return unknown_method(name, error);
}

static enum acc_ctl_parsed read_request(struct acc_ctl_request *request,
                                        struct acc_ctl_error *error)
{
    const cJSON *params = acc_json_get(request->doc, "parameters");
    const char *method = acc_json_text(request->doc, "method");

    request->more = acc_json_bool(request->doc, "more");
    request->oneway = acc_json_bool(request->doc, "oneway");
    if (!method) {
        return wrong_request(error, "it has no \"method\"; write it like "
                                    "{\"method\":\"io.acc.Status\"}");
    }
    if (params && !cJSON_IsObject(params)) {
        return wrong_request(error, "\"parameters\" is an object");
    }
    if (find_method(method, &request->method, error) == ACC_CTL_WRONG) {
        return ACC_CTL_WRONG;
    }
    request->hold = request->method == ACC_CTL_HOLD ? ACC_HOLD_FREEZE : ACC_HOLD_NONE;
    request->limit = request->method == ACC_CTL_EVENTS ? ACC_CTL_LIMIT_DEFAULT : ACC_CTL_NO_LIMIT;
    return read_params(params, request, error);
}

enum acc_ctl_parsed acc_ctl_request_parse(const char *text, size_t text_len,
                                          struct acc_ctl_request *ret_request,
                                          struct acc_ctl_error *reterr_error, bool *ret_oneway)
{
    struct acc_ctl_request request = {0};
    int r = acc_json_parse_object(text, text_len, &request.doc);

    *ret_oneway = false;
    if (r < 0) {
        return wrong_request(reterr_error, r == -ENOMEM ? "accd is out of memory"
                                                        : "it is no JSON object; write it like "
                                                          "{\"method\":\"io.acc.Status\"}");
    }
    if (read_request(&request, reterr_error) == ACC_CTL_WRONG) {
        *ret_oneway = request.oneway;
        acc_ctl_request_fini(&request);
        return ACC_CTL_WRONG;
    }
    *ret_request = request;
    return ACC_CTL_PARSED;
}

int acc_ctl_error_put(const struct acc_ctl_error *error, struct acc_buf *out)
{
    struct acc_varlink_reply reply;

    acc_varlink_reply_begin(&reply);
    if (error->key) {
        acc_put_bytes(&reply.put, reply.parameters, error->key, error->value, strlen(error->value));
    }
    if (error->key2 && error->is_list2) {
        acc_put_lines(&reply.put, acc_put_array(&reply.put, reply.parameters, error->key2),
                      error->value2);
    } else if (error->key2) {
        acc_put_bytes(&reply.put, reply.parameters, error->key2, error->value2,
                      strlen(error->value2));
    }
    return acc_varlink_reply_finish(&reply, error->name, false, out);
}

int acc_ctl_info_put(struct acc_buf *out)
{
    struct acc_varlink_reply reply;
    cJSON *list;

    acc_varlink_reply_begin(&reply);
    acc_put_text(&reply.put, reply.parameters, "vendor", "acc");
    acc_put_text(&reply.put, reply.parameters, "product", "accd");
    acc_put_text(&reply.put, reply.parameters, "version", ACC_VERSION);
    acc_put_text(&reply.put, reply.parameters, "url", "");
    list = acc_put_array(&reply.put, reply.parameters, "interfaces");
    acc_put_word(&reply.put, list, "org.varlink.service");
    acc_put_word(&reply.put, list, "io.acc");
    return acc_varlink_reply_finish(&reply, NULL, false, out);
}

/* https://varlink.org/Service */
static const char service_text[] =
    "# The Varlink Service Interface is provided by every varlink service. It\n"
    "# describes the service and the interfaces it implements.\n"
    "interface org.varlink.service\n\n"
    "# Get a list of all the interfaces a service provides and information\n"
    "# about the implementation.\n"
    "method GetInfo() -> (\n"
    "  vendor: string,\n"
    "  product: string,\n"
    "  version: string,\n"
    "  url: string,\n"
    "  interfaces: []string\n"
    ")\n\n"
    "# Get the description of an interface that is implemented by this service.\n"
    "method GetInterfaceDescription(interface: string) -> (description: string)\n\n"
    "# The requested interface was not found.\n"
    "error InterfaceNotFound (interface: string)\n\n"
    "# The requested method was not found\n"
    "error MethodNotFound (method: string)\n\n"
    "# The interface defines the requested method, but the service does not\n"
    "# implement it.\n"
    "error MethodNotImplemented (method: string)\n\n"
    "# One of the passed parameters is invalid.\n"
    "error InvalidParameter (parameter: string)\n\n"
    "# Client is denied access\n"
    "error PermissionDenied ()\n\n"
    "# Method is expected to be called with 'more' set to true, but wasn't\n"
    "error ExpectedMore ()\n";

int acc_ctl_interface_put(const char *interface, struct acc_buf *out)
{
    const char *text = strcmp(interface, "io.acc") == 0                ? acc_ctl_interface_text
                       : strcmp(interface, "org.varlink.service") == 0 ? service_text
                                                                       : NULL;
    struct acc_varlink_reply reply;

    if (!text) {
        struct acc_ctl_error error;

        acc_ctl_error_set(&error, ACC_CTL_E_INTERFACE, "interface", "%s", interface);
        return acc_ctl_error_put(&error, out);
    }
    acc_varlink_reply_begin(&reply);
    acc_put_text(&reply.put, reply.parameters, "description", text);
    return acc_varlink_reply_finish(&reply, NULL, false, out);
}
