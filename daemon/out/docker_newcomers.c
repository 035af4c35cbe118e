#include "daemon/out/docker_newcomers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/codec/docker_error.h"
#include "lib/codec/docker_inspect.h"
#include "lib/codec/docker_reply.h"

/* Docker answers a list within milliseconds. */
#define LIST_LIMIT_MS 10000u
/* One that doesn't answer in time has its lock held; it counts as somebody else's then. */
#define LOOK_LIMIT_MS 5000u

struct accd_docker_newcomers {
    struct accd_newcomers_config config;
    struct accd_request *request;
    bool *is_new;                /* owned, by stack of the model */
    struct acc_contact *contact; /* likewise */
    struct acc_docker_list list; /* those of new stacks are at the front */
    size_t n, at;                /* of them; the next to look at */
};

static void end(struct accd_docker_newcomers *newcomers, const char *problem)
{
    newcomers->config.on_end(newcomers->config.ctx, problem);
}

static uint32_t stack_of(const struct accd_docker_newcomers *newcomers, const char *project)
{
    const struct acc_model *model = newcomers->config.model;

    for (uint32_t k = 0; k < model->n_stacks; k++) {
        if (newcomers->is_new[k] && strcmp(model->stacks[k]->name, project) == 0) {
            return k;
        }
    }
    return ACC_NONE;
}

static bool is_in_stack(const struct acc_stack *stack, const char *service)
{
    for (size_t i = 0; i < stack->n_services; i++) {
        if (strcmp(stack->services[i].name, service) == 0) {
            return true;
        }
    }
    return false;
}

/* --- one after the other --------------------------------------------------------------------- */

static void look_at_next(struct accd_docker_newcomers *newcomers);

static void on_looked(void *ctx, const struct accd_http_reply *reply)
{
    struct accd_docker_newcomers *newcomers = ctx;
    const struct acc_docker_list_item *item = &newcomers->list.item[newcomers->at++];
    struct acc_contact *contact = &newcomers->contact[stack_of(newcomers, item->project)];
    struct acc_obs *obs = malloc(sizeof(*obs));

    newcomers->request = NULL;
    if (obs && reply->error == ACCD_HTTP_OK && reply->status == 200 &&
        acc_docker_inspect_parse(reply->body, reply->body_len, obs, NULL) == 0) {
        acc_contact_add(contact, obs->spec_hash[0] != '\0', obs->restart);
    } else if (reply->error != ACCD_HTTP_OK || reply->status != 404) { /* else it went */
        acc_contact_add(contact, false, ACC_RESTART_ALWAYS);
    }
    free(obs);
    look_at_next(newcomers);
}

static void look_at_next(struct accd_docker_newcomers *newcomers)
{
    struct accd_http_config http = {.body_cap = ACC_DOCKER_BODY_MAX,
                                    .limit_ms = LOOK_LIMIT_MS,
                                    .ctx = newcomers,
                                    .on_done = on_looked};

    if (newcomers->at == newcomers->n) {
        end(newcomers, NULL);
    } else if (accd_docker_start(newcomers->config.docker, &http, &newcomers->request,
                                 "/containers/%s/json",
                                 newcomers->list.item[newcomers->at].cid) < 0) {
        end(newcomers, "accd is out of memory");
    }
}

static void keep_ours(struct accd_docker_newcomers *newcomers)
{
    for (size_t i = 0; i < newcomers->list.n; i++) {
        struct acc_docker_list_item *item = &newcomers->list.item[i];
        uint32_t stack = stack_of(newcomers, item->project);

        if (stack != ACC_NONE && !item->oneoff && item->number > 0 &&
            is_in_stack(newcomers->config.model->stacks[stack], item->service)) {
            newcomers->list.item[newcomers->n++] = *item;
        }
    }
}

static void on_listed(void *ctx, const struct accd_http_reply *reply)
{
    struct accd_docker_newcomers *newcomers = ctx;
    char message[ACC_DOCKER_ERROR_MAX + 1];

    newcomers->request = NULL;
    if (reply->error != ACCD_HTTP_OK) {
        end(newcomers, reply->detail);
    } else if (reply->status != 200) {
        acc_docker_message(reply->status, reply->body, reply->body_len, message, sizeof(message));
        end(newcomers, message);
    } else if (acc_docker_list_parse(reply->body, reply->body_len, &newcomers->list) < 0) {
        end(newcomers, "Docker's list of containers can't be read");
    } else {
        keep_ours(newcomers);
        look_at_next(newcomers);
    }
}

/* --- begin and end --------------------------------------------------------------------------- */

#define WITH_LABEL "%7B%22label%22%3A%5B%22com.docker.compose.project%22%5D%7D"

int accd_docker_newcomers_start(const struct accd_newcomers_config *config,
                                struct accd_docker_newcomers **ret_newcomers)
{
    const struct acc_model *model = config->model;
    struct accd_docker_newcomers *newcomers = calloc(1, sizeof(*newcomers));
    struct accd_http_config http = {.body_cap = ACC_DOCKER_BODY_MAX,
                                    .limit_ms = LIST_LIMIT_MS,
                                    .ctx = newcomers,
                                    .on_done = on_listed};

    if (!newcomers) {
        return -ENOMEM;
    }
    newcomers->config = *config;
    newcomers->is_new = calloc(model->n_stacks + 1, sizeof(*newcomers->is_new));
    newcomers->contact = calloc(model->n_stacks + 1, sizeof(*newcomers->contact));
    if (!newcomers->is_new || !newcomers->contact) {
        accd_docker_newcomers_destroy(newcomers);
        return -ENOMEM;
    }
    for (uint32_t k = 0; k < model->n_stacks; k++) {
        newcomers->is_new[k] = acc_engine_find_stack(config->engine, model->stacks[k]->name) ==
                               ACC_NONE;
    }
    if (accd_docker_start(config->docker, &http, &newcomers->request,
                          "/containers/json?all=1&filters=%s", WITH_LABEL) < 0) {
        accd_docker_newcomers_destroy(newcomers);
        return -ENOMEM;
    }
    *ret_newcomers = newcomers;
    return 0;
}

struct accd_docker_newcomers *accd_docker_newcomers_destroy(struct accd_docker_newcomers *newcomers)
{
    if (newcomers) {
        accd_http_cancel(newcomers->request);
        acc_docker_list_fini(&newcomers->list);
        free(newcomers->is_new);
        free(newcomers->contact);
        free(newcomers);
    }
    return NULL;
}

/* --- what was found -------------------------------------------------------------------------- */

bool accd_docker_newcomers_is_new(const struct accd_docker_newcomers *newcomers, uint32_t stack)
{
    return newcomers->is_new[stack];
}

bool accd_docker_newcomers_is_observed(const struct accd_docker_newcomers *newcomers,
                                       uint32_t stack)
{
    return newcomers->is_new[stack] && acc_contact_observes(&newcomers->contact[stack]);
}

bool accd_docker_newcomers_find(const struct accd_docker_newcomers *newcomers, uint32_t stack,
                                const char *service, struct accd_newcomer *ret)
{
    bool is_found = false;

    for (size_t i = 0; i < newcomers->n; i++) {
        const struct acc_docker_list_item *item = &newcomers->list.item[i];
        bool is_running = item->state == ACC_CTR_RUNNING || item->state == ACC_CTR_PAUSED ||
                          item->state == ACC_CTR_RESTARTING;

        if (stack_of(newcomers, item->project) == stack && strcmp(item->service, service) == 0 &&
            (!is_found || (is_running && !ret->is_running))) {
            *ret = (struct accd_newcomer){item->name, is_running};
            is_found = true;
        }
    }
    return is_found;
}
