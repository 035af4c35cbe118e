#include "daemon/out/docker_call.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <utlist.h>

#include "daemon/out/docker_op.h"
#include "lib/base/buf.h"
#include "lib/codec/docker_request.h"
#include "lib/codec/docker_stdio.h"

static void after_stop(struct accd_op *op, const struct accd_http_reply *reply)
{
    (void)accd_op_judge(op, ACC_CALL_STOP, reply);
    accd_op_look_and_finish(op);
}

static void do_stop(struct accd_op *op)
{
    uint64_t grace_ms = op->action.grace_ms;
    struct accd_op_send send = {.method = ACCD_HTTP_POST, .late_ms = grace_ms + ACCD_LATE_STOP_MS};

    (void)accd_op_send(op, &send, after_stop, "/containers/%s/stop?t=%llu", op->cid,
                       (unsigned long long)((grace_ms + 999) / 1000));
}

static void after_kill(struct accd_op *op, const struct accd_http_reply *reply)
{
    (void)accd_op_judge(op, ACC_CALL_KILL, reply);
    accd_op_look_and_finish(op);
}

static void do_kill(struct accd_op *op)
{
    struct accd_op_send send = {.method = ACCD_HTTP_POST, .late_ms = ACCD_LATE_DEFAULT_MS};

    (void)accd_op_send(op, &send, after_kill, "/containers/%s/kill?signal=KILL", op->cid);
}

static void after_remove(struct accd_op *op, const struct accd_http_reply *reply)
{
    (void)accd_op_judge(op, ACC_CALL_REMOVE, reply);
    accd_op_look_and_finish(op);
}

/* Not forced: who asks for this has stopped it, and what runs again in spite of that is news. */
static void do_remove(struct accd_op *op)
{
    struct accd_op_send send = {.method = ACCD_HTTP_DELETE, .late_ms = ACCD_LATE_REMOVE_MS};

    (void)accd_op_send(op, &send, after_remove, "/containers/%s?v=%d", op->cid,
                       op->action.remove.volumes ? 1 : 0);
}

static void keep_words(struct accd_op *op, const struct accd_container *container,
                       const struct accd_http_reply *reply)
{
    const struct accd_docker_call_config *config = &op->call->config;
    const struct acc_model *model = accd_op_model(op);
    const char *in = reply->body, *part;
    size_t in_len = reply->body_len, part_len;
    struct acc_docker_stdio stdio;
    struct accd_last_word word;
    struct acc_buf text;
    uint8_t stream;

    if (reply->error != ACCD_HTTP_OK || reply->status != 200 ||
        op->action.svc >= model->n_services) {
        return; /* a driver that can't be read, most often; it goes all the same */
    }
    acc_buf_init(&text, reply->body_len + 1);
    acc_docker_stdio_init(&stdio, container->tty);
    while (acc_docker_stdio_feed(&stdio, &in, &in_len, &part, &part_len, &stream)) {
        (void)acc_buf_append(&text, part, part_len);
    }
    word = (struct accd_last_word){.text = text.data, .len = text.len};
    (void)snprintf(word.instance, sizeof(word.instance), "%s", container->obs->name);
    (void)accd_last_words_put(config->last_words, model->services[op->action.svc]->id, &word);
    acc_buf_fini(&text);
}

static void after_words(struct accd_op *op, const struct accd_http_reply *reply)
{
    struct accd_container container;

    if (accd_inspector_get(op->call->config.inspector, op->cid, &container)) {
        keep_words(op, &container, reply);
    }
    do_remove(op);
}

static void do_remove_taken_back(struct accd_op *op)
{
    struct accd_op_send send = {.limit_ms = ACCD_LOOKUP_LIMIT_MS, .body_cap = ACC_DOCKER_BODY_MAX};

    if (!op->call->config.last_words) {
        do_remove(op);
        return;
    }
    (void)accd_op_send(op, &send, after_words, "/containers/%s/logs?stdout=1&stderr=1&tail=%u",
                       op->cid, ACCD_LAST_WORDS_LINES);
}

static void after_unpause(struct accd_op *op, const struct accd_http_reply *reply)
{
    (void)accd_op_judge(op, ACC_CALL_UNPAUSE, reply);
    accd_op_look_and_finish(op);
}

static void do_unpause(struct accd_op *op)
{
    struct accd_op_send send = {.method = ACCD_HTTP_POST, .late_ms = ACCD_LATE_DEFAULT_MS};

    (void)accd_op_send(op, &send, after_unpause, "/containers/%s/unpause", op->cid);
}

static void after_update(struct accd_op *op, const struct accd_http_reply *reply)
{
    (void)accd_op_judge(op, ACC_CALL_UPDATE, reply);
    accd_op_look_and_finish(op);
}

static void do_set_policy(struct accd_op *op)
{
    struct accd_op_send send = {.method = ACCD_HTTP_POST, .late_ms = ACCD_LATE_UPDATE_MS};
    struct acc_buf body;

    acc_buf_init(&body, 256);
    if (acc_docker_policy_body(op->action.policy.policy, op->action.policy.max, &body) < 0) {
        accd_op_finish_with(op, ACC_OP_FAILED, "accd is out of memory");
    } else {
        send.body = body.data;
        send.body_len = body.len;
        (void)accd_op_send(op, &send, after_update, "/containers/%s/update", op->cid);
    }
    acc_buf_fini(&body);
}

void accd_docker_call_execute(void *ctx, const struct acc_action *action)
{
    struct accd_docker_call *call = ctx;
    struct accd_op *op = accd_op_create(call, action);

    if (!op) {
        return;
    }
    switch (action->type) {
    case ACC_ACT_ENSURE_RESOURCE:
        accd_docker_ensure(op);
        return;
    case ACC_ACT_REMOVE_RESOURCE:
        accd_docker_unensure(op);
        return;
    case ACC_ACT_CREATE:
        accd_docker_make(op);
        return;
    case ACC_ACT_START:
        accd_docker_start_op(op);
        return;
    case ACC_ACT_STOP:
        do_stop(op);
        return;
    case ACC_ACT_KILL:
        do_kill(op);
        return;
    case ACC_ACT_REMOVE:
        if (op->action.remove.is_taken_back) {
            do_remove_taken_back(op);
        } else {
            do_remove(op);
        }
        return;
    case ACC_ACT_UNPAUSE:
        do_unpause(op);
        return;
    case ACC_ACT_SET_POLICY:
        do_set_policy(op);
        return;
    case ACC_ACT_COMPARE:
    case ACC_ACT_UPDATE:
        accd_docker_compare(op);
        return;
    case ACC_ACT_PULL:
        accd_docker_pull(op);
        return;
    case ACC_ACT_DRAIN:
    case ACC_ACT_UNDRAIN:
        accd_docker_drain(op);
        return;
    case ACC_ACT_ROUTE:
        accd_docker_route(op);
        return;
    case ACC_ACT_UPGRADE_HOOK:
        accd_upgrade_hook(op);
        return;
    case ACC_ACT_RENAME:
        accd_docker_rename(op);
        return;
    case ACC_ACT_HOOK:
        accd_docker_hook(op);
        return;
    case ACC_ACT_JOURNAL:
    case ACC_ACT_JOURNAL_END:
    case ACC_ACT_SAVE_SERVICE:
    case ACC_ACT_SAVE_STACK:
    case ACC_ACT_SAVE_REVISION:
    case ACC_ACT_SAVE_MAINTENANCE:
    case ACC_ACT_INSPECT:
    case ACC_ACT_LIST:
    case ACC_ACT_PROBE:
    case ACC_ACT_LOOK_UP:
    case ACC_ACT_NOTE:
    case ACC_ACT_INCIDENT:
        break;
    }
    accd_op_free(op); /* not ours to execute */
}

size_t accd_docker_call_n_ops(const struct accd_docker_call *call, size_t *ret_n_stops)
{
    const struct accd_op *op;
    size_t n = 0;

    *ret_n_stops = 0;
    DL_FOREACH(call->ops, op)
    {
        n++;
        *ret_n_stops += op->action.type == ACC_ACT_STOP;
    }
    return n;
}

int accd_docker_call_create(const struct accd_docker_call_config *config,
                            struct accd_docker_call **ret_call)
{
    struct accd_docker_call *call = calloc(1, sizeof(*call));

    if (!call) {
        return -ENOMEM;
    }
    call->config = *config;
    *ret_call = call;
    return 0;
}

struct accd_docker_call *accd_docker_call_destroy(struct accd_docker_call *call)
{
    struct accd_op *op, *next;

    if (call) {
        DL_FOREACH_SAFE(call->ops, op, next)
        {
            accd_op_free(op);
        }
        free(call);
    }
    return NULL;
}
