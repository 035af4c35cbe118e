/*
 * COMPARE and UPDATE: the request that would make a service's container, against the container as
 * it is.
 *
 * The image of the file's reference -> the container -> the image it runs -> the difference. A
 * container whose config-hash is the file's is the same without looking. Both actions go the same
 * way; UPDATE then sends what can be changed live, and the engine compares again.
 */

#include "daemon/out/docker_call.h"
#include "daemon/out/docker_op.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "daemon/log.h"
#include "lib/base/buf.h"
#include "lib/codec/docker_diff.h"
#include "lib/codec/docker_inspect.h"
#include "lib/codec/docker_request.h"

/* At once: a host full of adopted containers is compared in a second, and dockerd has other work.
 */
#define ACCD_COMPARES_MAX 4u

/* Traefik drops a router whose containers don't agree on its labels. */
#define ROUTER_LABEL "label traefik."

void accd_op_push_compared(struct accd_op *op)
{
    struct accd_docker_call *call = op->call;
    struct acc_event event = {
        .type = ACC_EV_COMPARED,
        .now_ms = uv_now(call->config.loop),
        .compared = {.cid = op->action.cid,
                     .spec = op->spec,
                     .likeness = op->likeness,
                     .text = op->likeness >= ACC_LIKE_LIVE ? op->message : "",
                     .is_alone = op->is_alone},
    };

    (void)accd_pump_push(call->config.pump, &event); /* full: the engine asks again */
}

/* --- the difference ------------------------------------------------------------------------ */

/* "image a:1 -> a:2; environment TZ added", as far as there is room. */
static void tell(struct accd_op *op, const struct acc_docker_diff *diff)
{
    size_t len = 0;

    op->message[0] = '\0';
    for (size_t i = 0; i < diff->n; i++) {
        int n = snprintf(op->message + len, sizeof(op->message) - len, "%s%s", i > 0 ? "; " : "",
                         diff->line[i].text);

        if (n < 0 || (size_t)n >= sizeof(op->message) - len) {
            return; /* cut */
        }
        len += (size_t)n;
    }
}

static void conclude(struct accd_op *op, const struct acc_docker_diff *diff)
{
    op->likeness = diff->needs_recreate     ? ACC_LIKE_DIFFERENT
                   : diff->n > diff->n_told ? ACC_LIKE_LIVE
                                            : ACC_LIKE_SAME;
    tell(op, diff);
    for (size_t i = 0; i < diff->n; i++) {
        op->is_alone |= strncmp(diff->line[i].text, ROUTER_LABEL, strlen(ROUTER_LABEL)) == 0;
    }
    if (op->on_compared) {
        op->diff = malloc(sizeof(*diff));
        if (op->diff) {
            *op->diff = *diff;
        }
        return;
    }
    if (op->call->config.differences &&
        accd_differences_set(op->call->config.differences, op->action.cid, diff) < 0) {
        accd_log(ACCD_LOG_WARNING, "out of memory: in what %.12s differs can't be shown",
                 op->action.cid);
    }
}

static void finish_unable(struct accd_op *op, const char *why)
{
    accd_log(ACCD_LOG_WARNING, "container %.12s can't be compared with its file: %s",
             op->action.cid, why);
    op->likeness = ACC_LIKE_UNKNOWN;
    accd_op_finish_with(op, ACC_OP_FAILED, why);
}

static void after_update(struct accd_op *op, const struct accd_http_reply *reply)
{
    (void)accd_op_judge(op, ACC_CALL_UPDATE, reply);
    accd_op_look_and_finish(op);
}

static void send_update(struct accd_op *op, const struct acc_docker_create *expected)
{
    struct accd_op_send send = {.method = ACCD_HTTP_POST, .late_ms = ACCD_LATE_UPDATE_MS};
    struct acc_buf body;

    acc_buf_init(&body, 4096);
    if (acc_docker_update_body(expected, op->inspect, op->inspect_len, &body) < 0) {
        accd_op_finish_with(op, ACC_OP_FAILED, "what is to be changed can't be told to Docker");
    } else {
        send.body = body.data;
        send.body_len = body.len;
        (void)accd_op_send(op, &send, after_update, "/containers/%s/update", op->cid);
    }
    acc_buf_fini(&body);
}

/* What the restart policy should be. A managed container has `no`, or will have it by a step of
 * its own: there it is no difference. */
static struct acc_docker_diff_policy policy_of(const struct accd_op *op,
                                               const struct acc_service_spec *service,
                                               const struct acc_obs *obs)
{
    if (op->action.type == ACC_ACT_COMPARE && op->action.compare.observing) {
        return (struct acc_docker_diff_policy){service->restart, service->restart_max};
    }
    return (struct acc_docker_diff_policy){obs->restart, obs->restart_max};
}

static int diff_with(struct accd_op *op, uint32_t svc, const struct acc_obs *obs,
                     const struct accd_http_reply *image, struct acc_docker_create *expected)
{
    const struct acc_model *model = accd_op_model(op);
    struct acc_docker_diff_policy policy = policy_of(op, model->services[svc], obs);
    struct acc_docker_diff *diff = malloc(sizeof(*diff));
    bool has_image = image->status == 200;
    int r;

    if (!diff) {
        return -ENOMEM;
    }
    r = acc_docker_diff_make(expected, &policy, op->inspect, op->inspect_len,
                             has_image ? image->body : NULL, has_image ? image->body_len : 0, diff);
    if (r == 0 && op->action.compare.changed && !obs->spec_hash[0] && diff->n == 0 &&
        model->services[svc]->contents && *model->services[svc]->contents) {
        /* Others leave no trace of what was in them. */
        diff->needs_recreate = true;
        (void)snprintf(diff->line[diff->n++].text, sizeof(diff->line[0].text),
                       "content of its configs or secrets may have changed");
    }
    if (r == 0) {
        conclude(op, diff);
    }
    free(diff);
    return r;
}

static void after_own_image(struct accd_op *op, const struct accd_http_reply *reply)
{
    const struct acc_model *model = accd_op_model(op);
    struct acc_docker_create expected = {0};
    struct acc_obs *obs = malloc(sizeof(*obs));
    bool is_ambiguous;
    uint32_t svc = acc_model_find(model, op->service_id, &is_ambiguous);

    if (svc == ACC_NONE || !obs ||
        acc_docker_inspect_parse(op->inspect, op->inspect_len, obs, NULL) < 0) {
        finish_unable(op, svc == ACC_NONE ? "it has left the configuration" : "out of memory");
    } else if (accd_op_make(op, svc, obs->name, op->image_id[0] ? op->image_id : NULL, &expected) <
                   0 ||
               (memcpy(op->spec, model->services[svc]->spec_hash, sizeof(op->spec)),
                diff_with(op, svc, obs, reply, &expected) < 0)) {
        finish_unable(op, op->message);
    } else if (op->action.type == ACC_ACT_UPDATE && op->likeness == ACC_LIKE_LIVE) {
        send_update(op, &expected);
    } else {
        op->result = ACC_OP_OK;
        accd_op_finish(op);
    }
    acc_docker_create_fini(&expected);
    free(obs);
}

/* --- the way there ------------------------------------------------------------------------- */

static void after_inspect(struct accd_op *op, const struct accd_http_reply *reply)
{
    struct accd_op_send send = {.limit_ms = ACCD_LOOKUP_LIMIT_MS, .body_cap = ACC_DOCKER_BODY_MAX};
    struct acc_obs *obs = malloc(sizeof(*obs));

    if (!obs || accd_op_judge(op, ACC_CALL_INSPECT, reply) != ACC_OP_OK ||
        acc_docker_inspect_parse(reply->body, reply->body_len, obs, NULL) < 0) {
        op->likeness = ACC_LIKE_UNKNOWN;
        accd_op_finish(op); /* it is gone, or the connection is: the engine will hear of it */
    } else {
        op->inspect = malloc(reply->body_len + 1);
        if (!op->inspect) {
            finish_unable(op, "out of memory");
        } else {
            if (op->action.image_id[0] && strcmp(op->image_id, op->action.image_id) == 0) {
                memcpy(op->image_id, obs->image_id, sizeof(op->image_id)); /* what runs stays */
            }
            memcpy(op->inspect, reply->body, reply->body_len);
            op->inspect_len = reply->body_len;
            (void)accd_op_send(op, &send, after_own_image, "/images/%s/json",
                               obs->image_id[0] ? obs->image_id : "none");
        }
    }
    free(obs);
}

static void after_file_image(struct accd_op *op, const struct accd_http_reply *reply)
{
    struct accd_op_send send = {.limit_ms = ACCD_LOOKUP_LIMIT_MS, .body_cap = ACC_DOCKER_BODY_MAX};
    struct acc_docker_image image;

    if (accd_op_judge(op, ACC_CALL_INSPECT, reply) == ACC_OP_OK &&
        acc_docker_image_parse(reply->body, reply->body_len, &image) == 0) {
        memcpy(op->image_id, image.id, sizeof(op->image_id));
    } else if (op->result == ACC_OP_LOST) {
        op->likeness = ACC_LIKE_UNKNOWN;
        accd_op_finish(op);
        return;
    } /* else it is not here (yet): then the references are compared */
    (void)accd_op_send(op, &send, after_inspect, "/containers/%s/json", op->cid);
}

static void begin(struct accd_op *op)
{
    struct accd_op_send send = {.limit_ms = ACCD_LOOKUP_LIMIT_MS};
    const struct acc_model *model = accd_op_model(op);
    struct acc_buf image;
    bool is_ambiguous;
    uint32_t svc = acc_model_find(model, op->service_id, &is_ambiguous);

    if (svc == ACC_NONE) {
        accd_op_finish_with(op, ACC_OP_FAILED, "it has left the configuration meanwhile");
        return;
    }
    acc_buf_init(&image, ACCD_DOCKER_PATH_MAX);
    if (acc_docker_escape(model->services[svc]->image, &image) < 0) {
        finish_unable(op, "the name of its image is too long");
    } else {
        (void)accd_op_send(op, &send, after_file_image, "/images/%s/json", image.data);
    }
    acc_buf_fini(&image);
}

void accd_docker_next_compare(struct accd_docker_call *call)
{
    for (struct accd_op *op = call->ops; op && call->n_comparing < ACCD_COMPARES_MAX;
         op = op->next) {
        if (op->wants_compare) {
            op->wants_compare = false;
            op->is_comparing = true;
            call->n_comparing++;
            begin(op);
            return; /* it may have ended already, and then the next has begun */
        }
    }
}

/* Its labels already say that it is what the file asks for. Not of a container that accd made of
 * another version of the file: what is in secrets and configs is in no config-hash. */
static bool is_same_by_label(struct accd_op *op)
{
    struct accd_container container;

    return op->action.type == ACC_ACT_COMPARE && !op->action.compare.changed &&
           accd_inspector_get(op->call->config.inspector, op->cid, &container) &&
           container.obs->config_hash[0] &&
           accd_op_has_hash(op, op->action.svc, container.obs->config_hash);
}

void accd_docker_tell_compared(struct accd_op *op)
{
    static const struct acc_docker_diff none;
    struct accd_op told = *op;

    op->diff = NULL;
    accd_op_free(op);
    accd_docker_next_compare(told.call);
    told.on_compared(told.ctx, told.likeness, told.diff ? told.diff : &none);
    free(told.diff);
}

int accd_docker_call_compare(struct accd_docker_call *call, const struct accd_compare *compare)
{
    struct acc_action action = {
        .type = ACC_ACT_COMPARE, .svc = compare->svc, .slot = compare->slot, .res = ACC_NONE};
    struct accd_op *op;

    memcpy(action.cid, compare->cid, strnlen(compare->cid, ACC_CID_LEN));
    action.compare.changed = compare->changed;
    memcpy(action.image_id, compare->banned, strnlen(compare->banned, sizeof(action.image_id) - 1));
    op = accd_op_create(call, &action);
    if (!op) {
        return -ENOMEM;
    }
    op->model = compare->model;
    op->on_compared = compare->on_compared;
    op->ctx = compare->ctx;
    accd_docker_compare(op);
    return 0;
}

void accd_docker_compare(struct accd_op *op)
{
    const struct acc_model *model = accd_op_model(op);
    static const struct acc_docker_diff none;

    if (op->action.svc >= model->n_services) {
        accd_op_finish_with(op, ACC_OP_FAILED, "it is not in the configuration");
        return;
    }
    if (is_same_by_label(op)) {
        memcpy(op->spec, model->services[op->action.svc]->spec_hash, sizeof(op->spec));
        conclude(op, &none);
        accd_op_finish(op);
        return;
    }
    op->service_id = strdup(model->services[op->action.svc]->id);
    if (!op->service_id) {
        accd_op_finish_with(op, ACC_OP_FAILED, "accd is out of memory");
        return;
    }
    op->wants_compare = true;
    accd_docker_next_compare(op->call);
}
