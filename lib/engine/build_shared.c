/*
 * Tables of what services share by name alone: conditions of the host, and tokens; and networks and
 * volumes, which are roots as those conditions are.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/engine/internal.h"

static void links_fini(struct links *links)
{
    free(links->of);
    free(links->users);
    free(links->first);
    free(links->n_users);
}

static int links_init(struct links *links, size_t n_numbers, size_t n)
{
    links->of = calloc(n + 1, sizeof(*links->of));
    links->users = calloc(n + 1, sizeof(*links->users));
    links->first = calloc(n_numbers + 1, sizeof(*links->first));
    links->n_users = calloc(n_numbers + 1, sizeof(*links->n_users));
    return links->of && links->users && links->first && links->n_users ? 0 : -ENOMEM;
}

/* Numbers of service `v` are of[first .. first + n]; turn that round. */
static void turn_round(struct links *links, const struct acc_engine *e, size_t n_numbers,
                       bool is_host)
{
    uint32_t at = 0;

    for (int pass = 0; pass < 2; pass++) {
        for (size_t k = 0; k < n_numbers && pass == 1; k++) {
            links->first[k] = at;
            at += links->n_users[k];
            links->n_users[k] = 0;
        }
        for (uint32_t v = 0; v < e->n_services; v++) {
            const struct service *s = &e->services[v];
            uint32_t first = is_host ? s->first_host : s->first_serial;

            for (uint32_t i = 0; i < (is_host ? s->n_host : s->n_serial); i++) {
                uint32_t k = links->of[first + i];

                if (pass == 1) {
                    links->users[links->first[k] + links->n_users[k]] = v;
                }
                links->n_users[k]++;
            }
        }
    }
}

static void fill_services(struct acc_engine *e, const struct acc_model *model)
{
    uint32_t n_host = 0;
    uint32_t n_serial = 0;

    for (uint32_t v = 0; v < model->n_services; v++) {
        const struct acc_service_spec *spec = model->services[v];
        struct service *s = &e->services[v];

        s->first_host = n_host;
        s->first_serial = n_serial;
        s->n_serial = (uint32_t)spec->n_serialize;
        for (size_t k = 0; k < spec->n_host; k++) {
            e->host_links.of[n_host++] = spec->host[k].at;
        }
        for (uint32_t k = 0; k < s->n_res; k++) {
            uint32_t condition = e->res[e->svc_res[s->first_res + k]].condition;

            if (condition != ACC_NONE) {
                e->host_links.of[n_host++] = condition;
            }
        }
        s->n_host = n_host - s->first_host;
        for (size_t k = 0; k < spec->n_serialize; k++) {
            e->serial_links.of[n_serial++] = spec->serialize[k].at;
        }
    }
}

/* Networks and volumes, behind the conditions of the host. */
static void number_resources(struct acc_engine *e)
{
    for (uint32_t r = 0; r < e->n_res; r++) {
        e->res[r].condition = e->res[r].kind == ACC_RES_IMAGE ? ACC_NONE : e->n_conditions++;
    }
}

static int name_resources(struct acc_engine *e)
{
    for (uint32_t r = 0; r < e->n_res; r++) {
        const struct resource *res = &e->res[r];
        const char *id;

        if (res->condition == ACC_NONE) {
            continue;
        }
        id = acc_arena_printf(e->arena, "%s:%s", res->kind == ACC_RES_NETWORK ? "net" : "vol",
                              res->name);
        if (!id) {
            return -ENOMEM;
        }
        e->conditions[res->condition] = (struct condition){.id = id,
                                                           .is.text = id,
                                                           .is.arg = "",
                                                           .res = r,
                                                           .is_met = ACC_YES,
                                                           .incident = ACC_NONE};
    }
    return 0;
}

/* Behind all others, one for each source and `mount:`: at worst each is lost with another one. */
static void number_mounts(struct acc_engine *e, const struct acc_model *model)
{
    e->first_mount = e->n_conditions;
    for (size_t k = 0; k < model->n_conditions; k++) {
        e->n_conditions += model->conditions[k].kind == ACC_HOST_PLACE ||
                           model->conditions[k].kind == ACC_HOST_MOUNT;
    }
}

static void name_mounts(struct acc_engine *e)
{
    for (uint32_t k = e->first_mount; k < e->n_conditions; k++) {
        struct condition *mount = &e->conditions[k];

        *mount = (struct condition){.id = mount->seen,
                                    .is = {.kind = ACC_HOST_PLACE,
                                           .text = mount->seen + strlen("host:"),
                                           .arg = mount->known},
                                    .res = ACC_NONE,
                                    .is_met = ACC_YES,
                                    .incident = ACC_NONE};
    }
    for (uint32_t k = 0; k < e->n_conditions; k++) {
        struct condition *c = &e->conditions[k];

        c->mount = c->prev_lost = c->next_lost = c->first_lost = c->declared = ACC_NONE;
    }
}

static int fill_names(struct acc_engine *e, const struct acc_model *model)
{
    e->conditions[e->n_of_host] = (struct condition){
        .id = "host:" ACC_CONDITION_DISK,
        .is = {.kind = ACC_HOST_DISK, .text = ACC_CONDITION_DISK, .arg = ""},
        .res = ACC_NONE,
        .is_met = ACC_YES,
        .incident = ACC_NONE};
    for (uint32_t k = 0; k < e->n_of_host; k++) {
        const char *id = acc_arena_printf(e->arena, "host:%s", model->conditions[k].text);

        if (!id) {
            return -ENOMEM;
        }
        e->conditions[k] = (struct condition){.id = id, .res = ACC_NONE, .incident = ACC_NONE};
        e->conditions[k].is = acc_condition_moved(&model->conditions[k], id + strlen("host:"));
        if (e->conditions[k].is.kind == ACC_HOST_PLACE) {
            e->conditions[k].is_met = ACC_YES; /* it was never used */
        }
    }
    for (uint32_t k = 0; k < e->n_serials; k++) {
        e->serials[k].name = acc_arena_strdup(e->arena, model->tokens[k]);
        if (!e->serials[k].name) {
            return -ENOMEM;
        }
    }
    if (name_resources(e) < 0) {
        return -ENOMEM;
    }
    name_mounts(e);
    return 0;
}

int acc_build_shared(struct acc_engine *e, const struct acc_model *model)
{
    size_t n_host = 0;
    size_t n_serial = 0;

    for (uint32_t v = 0; v < model->n_services; v++) {
        n_host += model->services[v]->n_host + model->services[v]->n_resources;
        n_serial += model->services[v]->n_serialize;
    }
    e->n_of_host = (uint32_t)model->n_conditions;
    e->n_conditions = e->n_of_host + 1; /* the disk */
    number_resources(e);
    number_mounts(e, model);
    e->n_serials = (uint32_t)model->n_tokens;
    e->conditions = calloc(e->n_conditions + 1, sizeof(*e->conditions));
    e->serials = calloc(model->n_tokens + 1, sizeof(*e->serials));
    if (!e->conditions || !e->serials || acc_bits_init(&e->host_due, e->n_conditions) < 0 ||
        links_init(&e->host_links, e->n_conditions, n_host) < 0 ||
        links_init(&e->serial_links, model->n_tokens, n_serial) < 0) {
        return -ENOMEM;
    }
    fill_services(e, model);
    turn_round(&e->host_links, e, e->n_conditions, true);
    turn_round(&e->serial_links, e, model->n_tokens, false);
    return fill_names(e, model);
}

void acc_destroy_shared(struct acc_engine *e)
{
    free(e->conditions);
    free(e->serials);
    acc_bits_fini(&e->host_due);
    links_fini(&e->host_links);
    links_fini(&e->serial_links);
}
