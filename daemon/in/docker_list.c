#include "daemon/in/docker_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/log.h"

/* Docker answers in 2 ms for 30 containers, in 46 ms for 600; a busy one takes a second. */
#define LIST_LIMIT_MS 10000u

struct target {
    struct accd_docker_list *list;
    struct acc_docker_list_item item; /* only its cid for one that the list doesn't have */
    bool is_listed;
};

struct accd_docker_list {
    struct accd_docker_list_config config;
    struct accd_request *request;
    struct target *targets; /* owned; lives while looks are pending */
    size_t n_targets, n_cap;
    size_t n_pending;
    bool is_running; /* from start to SNAPSHOT */
    bool is_cancelled;
    bool is_wanted_again;
};

static void end(struct accd_docker_list *list)
{
    free(list->targets);
    list->targets = NULL;
    list->n_targets = list->n_cap = 0;
    list->is_running = false;
}

static void push(struct accd_docker_list *list, struct acc_event *event)
{
    event->now_ms = uv_now(list->config.loop);
    if (accd_pump_push(list->config.pump, event) < 0) {
        list->is_wanted_again = true;
    }
}

static void maybe_finish(struct accd_docker_list *list)
{
    struct acc_event event = {.type = ACC_EV_SNAPSHOT};
    bool is_whole = !list->is_cancelled;

    if (list->n_pending > 0) {
        return;
    }
    end(list);
    if (!is_whole) {
        return;
    }
    push(list, &event);
    if (list->is_wanted_again) {
        accd_docker_list_start(list);
    }
}

/* It does not answer, yet it exists: tell what is known, or it would be taken for gone. */
static void tell_stuck(struct accd_docker_list *list, const struct acc_docker_list_item *item)
{
    struct accd_container container;
    struct acc_obs *obs = calloc(1, sizeof(*obs));
    struct acc_event event = {.type = ACC_EV_OBS, .obs = obs};

    if (!obs) {
        return;
    }
    if (accd_inspector_get(list->config.inspector, item->cid, &container)) {
        *obs = *container.obs;
    } else {
        memcpy(obs->cid, item->cid, sizeof(obs->cid));
        memcpy(obs->name, item->name, sizeof(obs->name));
        memcpy(obs->project, item->project, sizeof(obs->project));
        memcpy(obs->service, item->service, sizeof(obs->service));
        memcpy(obs->image_id, item->image_id, sizeof(obs->image_id));
        obs->number = item->number;
        obs->oneoff = item->oneoff;
        obs->health = item->health;
    }
    obs->state = item->state;
    push(list, &event);
    free(obs);
}

static void on_looked(void *ctx, enum accd_look_result result,
                      const struct accd_container *container)
{
    struct target *target = ctx;
    struct accd_docker_list *list = target->list;

    (void)container;
    switch (result) {
    case ACCD_LOOK_SEEN:
    case ACCD_LOOK_GONE:
        break;
    case ACCD_LOOK_STUCK:
        if (target->is_listed && !list->is_cancelled) {
            tell_stuck(list, &target->item);
        }
        break;
    case ACCD_LOOK_LOST:
        list->is_cancelled = true;
        break;
    }
    list->n_pending--;
    maybe_finish(list);
}

static int by_cid(const void *a, const void *b)
{
    return strcmp(((const struct target *)a)->item.cid, ((const struct target *)b)->item.cid);
}

/* What changed without an event, or disappeared without one. */
static bool is_surprise(struct accd_docker_list *list, const struct acc_docker_list_item *item)
{
    struct accd_container known;

    return accd_inspector_get(list->config.inspector, item->cid, &known) &&
           known.obs->state != item->state;
}

static struct target *add_target(struct accd_docker_list *list)
{
    if (list->n_targets == list->n_cap) {
        size_t cap = list->n_cap ? list->n_cap * 2 : 64;
        struct target *targets = realloc(list->targets, cap * sizeof(*targets));

        if (!targets) {
            return NULL;
        }
        list->targets = targets;
        list->n_cap = cap;
    }
    struct target *target = &list->targets[list->n_targets++];

    *target = (struct target){.list = list};
    return target;
}

struct unlisted {
    struct accd_docker_list *list;
    size_t n_listed;
    bool is_nomem;
};

static void add_unlisted(void *ctx, const char *cid)
{
    struct unlisted *unlisted = ctx;
    struct accd_docker_list *list = unlisted->list;
    struct target key = {0};
    struct target *target;

    memcpy(key.item.cid, cid, strlen(cid) + 1);
    if (unlisted->n_listed > 0 &&
        bsearch(&key, list->targets, unlisted->n_listed, sizeof(key), by_cid)) {
        return;
    }
    target = add_target(list);
    if (!target) {
        unlisted->is_nomem = true;
        return;
    }
    target->item = key.item;
}

static int collect(struct accd_docker_list *list, const struct acc_docker_list *listed)
{
    struct unlisted unlisted = {.list = list};
    bool is_surprised = false;

    for (size_t i = 0; i < listed->n; i++) {
        const struct acc_docker_list_item *item = &listed->item[i];
        struct target *target;

        if (!list->config.is_ours(list->config.is_ours_ctx, item->project)) {
            continue;
        }
        target = add_target(list);
        if (!target) {
            return -ENOMEM;
        }
        target->item = *item;
        target->is_listed = true;
        is_surprised |= is_surprise(list, item);
    }
    unlisted.n_listed = list->n_targets;
    if (list->n_targets > 0) {
        qsort(list->targets, list->n_targets, sizeof(*list->targets), by_cid);
    }
    accd_inspector_each(list->config.inspector, add_unlisted, &unlisted);
    if (is_surprised) {
        list->config.on_surprise(list->config.ctx);
    }
    return unlisted.is_nomem ? -ENOMEM : 0;
}

static void look_at_all(struct accd_docker_list *list)
{
    list->n_pending = list->n_targets + 1; /* the one keeps the end away until all are asked */
    for (size_t i = 0; i < list->n_targets; i++) {
        struct target *target = &list->targets[i];

        if (accd_inspector_look(list->config.inspector, target->item.cid, ACCD_LOOK_PLAIN,
                                on_looked, target) < 0) {
            list->n_pending--;
            list->is_wanted_again = true;
        }
    }
    list->n_pending--;
    maybe_finish(list);
}

static void fail(struct accd_docker_list *list, enum accd_http_error error)
{
    end(list);
    list->config.on_failed(list->config.ctx, error);
}

static void on_listed(void *ctx, const struct accd_http_reply *reply)
{
    struct accd_docker_list *list = ctx;
    struct acc_docker_list listed;
    char message[ACC_DOCKER_ERROR_MAX + 1];

    list->request = NULL;
    if (reply->error != ACCD_HTTP_OK) {
        fail(list, reply->error);
    } else if (reply->status != 200) {
        acc_docker_message(reply->status, reply->body, reply->body_len, message, sizeof(message));
        accd_log(ACCD_LOG_WARNING, "Docker does not list its containers: %s", message);
        fail(list, ACCD_HTTP_OK);
    } else if (acc_docker_list_parse(reply->body, reply->body_len, &listed) < 0) {
        accd_log(ACCD_LOG_WARNING, "Docker's list of containers can't be read");
        fail(list, ACCD_HTTP_OK);
    } else {
        int r = collect(list, &listed);

        acc_docker_list_fini(&listed);
        if (r < 0) {
            fail(list, ACCD_HTTP_NOMEM);
        } else {
            look_at_all(list);
        }
    }
    accd_pump_run(list->config.pump);
}

void accd_docker_list_start(struct accd_docker_list *list)
{
    struct accd_http_config config = {
        .fresh = true,
        .body_cap = ACC_DOCKER_BODY_MAX,
        .limit_ms = LIST_LIMIT_MS,
        .ctx = list,
        .on_done = on_listed,
    };

    if (list->is_running) {
        list->is_wanted_again = true;
        return;
    }
    list->is_running = true;
    list->is_wanted_again = false;
    list->is_cancelled = false;
    if (accd_docker_start(list->config.docker, &config, &list->request, "/containers/json?all=1") <
        0) {
        list->is_running = false; /* no memory: the engine asks again within a minute */
    }
}

void accd_docker_list_cancel(struct accd_docker_list *list)
{
    list->is_wanted_again = false;
    list->is_cancelled = true;
    if (list->request) {
        accd_http_cancel(list->request);
        list->request = NULL;
        end(list);
    }
    /* Pending looks are told LOST by the inspector's reset, and that ends it. */
}

int accd_docker_list_create(const struct accd_docker_list_config *config,
                            struct accd_docker_list **ret_list)
{
    struct accd_docker_list *list = calloc(1, sizeof(*list));

    if (!list) {
        return -ENOMEM;
    }
    list->config = *config;
    *ret_list = list;
    return 0;
}

struct accd_docker_list *accd_docker_list_destroy(struct accd_docker_list *list)
{
    if (list) {
        accd_http_cancel(list->request);
        free(list->targets);
        free(list);
    }
    return NULL;
}
