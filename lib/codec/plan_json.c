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

static bool is_wanted(const char *id, const char *const *targets, size_t n_targets)
{
    for (size_t i = 0; i < n_targets; i++) {
        if (is_named(id, targets[i])) {
            return true;
        }
    }
    return n_targets == 0;
}

static void put_row(struct acc_json_put *put, cJSON *changes, const struct acc_plan_row *row)
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
        if (is_wanted(plan->row[i].service, targets, n_targets)) {
            put_row(&reply.put, changes, &plan->row[i]);
        }
    }
    if (plan->warnings) {
        acc_put_lines(&reply.put, acc_put_array(&reply.put, reply.parameters, "warnings"),
                      plan->warnings);
    }
    return acc_varlink_reply_finish(&reply, NULL, false, out);
}
