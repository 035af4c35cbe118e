#include "lib/codec/plan_json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/codec/varlink.h"

const char *acc_plan_what_name(enum acc_plan_what what)
{
    static const char *const names[] = {"create", "start",  "recreate", "update",  "restart",
                                        "stop",   "remove", "unknown",  "observe", "keep"};

    return names[what];
}

void acc_plan_scale_text(uint32_t was, uint32_t is, char *out, size_t out_size)
{
    (void)snprintf(out, out_size, "scale %u -> %u", (unsigned)was, (unsigned)is);
}

int acc_plan_add(struct acc_plan *plan, const char *service, enum acc_plan_what what,
                 const struct acc_docker_diff *diff, const char *reason)
{
    size_t n = (diff ? diff->n : 0) + (reason != NULL);
    struct acc_docker_diff_line *line = calloc(n + 1, sizeof(*line));
    struct acc_plan_row *more = reallocarray(plan->row, plan->n + 1, sizeof(*more));

    plan->row = more ? more : plan->row;
    if (!line || !more) {
        free(line);
        return -ENOMEM;
    }
    if (diff && diff->n > 0) {
        memcpy(line, diff->line, diff->n * sizeof(*line));
    }
    if (reason) {
        (void)snprintf(line[n - 1].text, sizeof(line[n - 1].text), "%s", reason);
        line[n - 1].is_live = what == ACC_PLAN_UPDATE;
    }
    struct acc_plan_row *row = &plan->row[plan->n++];

    *row = (struct acc_plan_row){
        .what = what, .line = line, .n = n, .n_dropped = diff ? diff->n_dropped : 0};
    (void)snprintf(row->service, sizeof(row->service), "%s", service);
    return 0;
}

int acc_plan_also(struct acc_plan *plan, const char *reason, bool is_live)
{
    struct acc_plan_row *row = &plan->row[plan->n - 1];
    struct acc_docker_diff_line *more = reallocarray(row->line, row->n + 1, sizeof(*more));

    if (!more) {
        return -ENOMEM;
    }
    row->line = more;
    (void)snprintf(more[row->n].text, sizeof(more[row->n].text), "%s", reason);
    more[row->n++].is_live = is_live;
    return 0;
}

/* --- networks and volumes --------------------------------------------------------------------- */

/* Longer lists of services are named by their stack. */
#define USERS_TEXT_MAX 60u

static bool uses(const struct acc_model *model, size_t svc, const struct acc_resource *resource)
{
    const struct acc_service_spec *service = model->services[svc];
    uint32_t base = model->resource_base[model->service_stack[svc]];

    for (size_t k = 0; k < service->n_resources; k++) {
        const struct acc_resource *used = model->resources[base + service->resources[k]];

        if (used->kind == resource->kind && strcmp(used->name, resource->name) == 0) {
            return true; /* of another stack, too, for which it is external */
        }
    }
    return false;
}

/* Their ids, one a line. */
static int list_users(const struct acc_model *model, const struct acc_resource *resource,
                      struct acc_buf *out)
{
    for (size_t svc = 0; svc < model->n_services; svc++) {
        if (uses(model, svc, resource)) {
            (void)acc_buf_printf(out, "%s%s", out->len > 0 ? "\n" : "", model->services[svc]->id);
        }
    }
    return out->failed ? -ENOMEM : 0;
}

/* Where those in `users` are too many to name: the stack that has all of them, or NULL. */
static const char *names_for(const char *users, const char *stack)
{
    size_t len = strlen(stack);

    for (const char *at = users; at && strlen(users) > USERS_TEXT_MAX;) {
        if (strncmp(at, stack, len) != 0 || at[len] != '/') {
            return NULL;
        }
        at = strchr(at, '\n');
        at = at ? at + 1 : NULL;
    }
    return strlen(users) <= USERS_TEXT_MAX ? users : stack;
}

static void advise(const struct acc_resource *resource, const char *stack, const char *users,
                   char *out, size_t out_size)
{
    bool is_network = resource->kind == ACC_RES_NETWORK;
    const char *kind = is_network ? "network" : "volume";
    const char *names = names_for(users, stack);
    char who[ACC_NAME_MAX + 1];
    int n = -1;

    (void)snprintf(who, sizeof(who), "%s", names ? names : "");
    for (char *at = who; *at; at++) {
        *at = *at == '\n' ? ' ' : *at;
    }
    if (!*users) {
        n = snprintf(out, out_size,
                     "it stays as it is; nothing of the files uses it: docker %s rm %s", kind,
                     resource->name);
    } else if (names) { /* with the apply it is right before the files were applied, too */
        n = snprintf(
            out, out_size,
            "it stays as it is; to %shave it made anew: accctl %s %s; docker %s rm %s; accctl "
            "apply; accctl %s %s",
            is_network ? "" : "lose its data and ", is_network ? "stop" : "down", who, kind,
            resource->name, is_network ? "start" : "up", who);
    }
    if (n < 0 || (size_t)n >= out_size) { /* half a name may be another one's */
        (void)snprintf(out, out_size,
                       "it stays as it is until somebody stops those that use it and removes it");
    }
}

int acc_plan_add_resource(struct acc_plan *plan, const struct acc_model *model, uint32_t res,
                          const struct acc_docker_diff *diff)
{
    const struct acc_resource *resource = model->resources[res];
    const char *stack = model->stacks[resource->stack]->name;
    char advice[ACC_DIFF_TEXT_MAX + 1];
    char what[2 * ACC_NAME_MAX + 2];
    struct acc_buf users;
    int r;

    (void)snprintf(what, sizeof(what), "%s %s",
                   resource->kind == ACC_RES_NETWORK ? "network" : "volume", resource->name);
    if (acc_plan_find(plan, what)) {
        return 0; /* two stacks declare it, and each otherwise: one of them is told */
    }
    acc_buf_init(&users, ACC_SERVICES_MAX * (2 * ACC_NAME_MAX + 2));
    r = list_users(model, resource, &users);
    advise(resource, stack, users.data ? users.data : "", advice, sizeof(advice));
    if (r == 0) {
        r = acc_plan_add(plan, what, ACC_PLAN_KEEP, diff, advice);
    }
    if (r == 0) {
        plan->row[plan->n - 1].users = users.len > 0 ? acc_buf_take(&users) : strdup(stack);
        r = plan->row[plan->n - 1].users ? 0 : -ENOMEM;
    }
    acc_buf_fini(&users);
    return r;
}

void acc_plan_row_text(const struct acc_plan_row *row, char *out, size_t out_size)
{
    size_t len = 0;

    out[0] = '\0';
    for (size_t i = 0; i < row->n && len < out_size; i++) {
        int n = snprintf(out + len, out_size - len, "%s%s",
                         i == 0            ? ""
                         : i + 1 == row->n ? "; "
                                           : ", ",
                         row->line[i].text);

        len += n > 0 ? (size_t)n : 0;
    }
}

const struct acc_plan_row *acc_plan_find(const struct acc_plan *plan, const char *service)
{
    for (size_t i = 0; i < plan->n; i++) {
        if (strcmp(plan->row[i].service, service) == 0) {
            return &plan->row[i];
        }
    }
    return NULL;
}

void acc_plan_fini(struct acc_plan *plan)
{
    for (size_t i = 0; i < plan->n; i++) {
        free(plan->row[i].line);
        free(plan->row[i].users);
    }
    free(plan->row);
    free(plan->warnings);
    *plan = (struct acc_plan){0};
}

/* "stack/service" is named by itself, by its service, or by its stack; a stack by what is in it. */
static bool is_named(const char *id, const char *target)
{
    const char *slash = strchr(id, '/');
    size_t len = slash ? (size_t)(slash - id) : strlen(id);

    return strcmp(id, target) == 0 ||
           (!slash && strncmp(id, target, len) == 0 && target[len] == '/') ||
           (slash && strcmp(slash + 1, target) == 0) ||
           (strlen(target) == len && strncmp(id, target, len) == 0);
}

/* A network or volume goes with those that use it. */
bool acc_plan_row_has_user(const struct acc_plan_row *row, const char *target)
{
    for (const char *line = row->users; line && *line;) {
        size_t len = strcspn(line, "\n");
        char id[2 * ACC_NAME_MAX + 2];

        (void)snprintf(id, sizeof(id), "%.*s", (int)len, line);
        if (is_named(id, target)) {
            return true;
        }
        line += len + (line[len] == '\n');
    }
    return false;
}

static bool is_wanted(const struct acc_plan_row *row, const char *const *targets, size_t n_targets)
{
    for (size_t i = 0; i < n_targets; i++) {
        if (is_named(row->service, targets[i]) || acc_plan_row_has_user(row, targets[i])) {
            return true;
        }
    }
    return n_targets == 0;
}

void acc_plan_put_row(struct acc_json_put *put, cJSON *changes, const struct acc_plan_row *row)
{
    cJSON *item = acc_put_item(put, changes);
    cJSON *reasons;

    acc_put_bytes(put, item, "service", row->service, strlen(row->service));
    acc_put_text(put, item, "action", acc_plan_what_name(row->what));
    reasons = acc_put_array(put, item, "reasons");
    for (size_t i = 0; i < row->n; i++) {
        cJSON *reason = acc_put_item(put, reasons);

        acc_put_bytes(put, reason, "text", row->line[i].text, strlen(row->line[i].text));
        acc_put_bool(put, reason, "live", row->line[i].is_live);
    }
}

int acc_plan_put(const struct acc_plan *plan, const char *const *targets, size_t n_targets,
                 struct acc_buf *out)
{
    struct acc_varlink_reply reply;
    cJSON *changes;

    acc_varlink_reply_begin(&reply);
    changes = acc_put_array(&reply.put, reply.parameters, "changes");
    for (size_t i = 0; i < plan->n; i++) {
        if (is_wanted(&plan->row[i], targets, n_targets)) {
            acc_plan_put_row(&reply.put, changes, &plan->row[i]);
        }
    }
    if (plan->warnings) {
        acc_put_lines(&reply.put, acc_put_array(&reply.put, reply.parameters, "warnings"),
                      plan->warnings);
    }
    return acc_varlink_reply_finish(&reply, NULL, false, out);
}
