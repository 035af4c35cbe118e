/*
 * Networks that people change under a container that runs (`docker network disconnect`, `connect`).
 *
 * That is their doing and isn't fought: it is shown, and nothing is restarted for it, which would
 * not help either. Made anew it is when somebody asks for that: by `apply` or `restart`. A network
 * beside those of the file is no matter. Nor is anything restarted that fails because it can't
 * reach it any more: that is a victim.
 */

#include <stdio.h>
#include <string.h>

#include "lib/engine/internal.h"

static bool is_on(const struct instance *i, const char *network)
{
    size_t len = strlen(network);

    for (const char *line = i->networks; *line;) {
        size_t n = strcspn(line, "\n");

        if (n == len && strncmp(line, network, n) == 0) {
            return true;
        }
        line += n + (line[n] == '\n');
    }
    return false;
}

static uint32_t count(const char *lines)
{
    uint32_t n = 0;

    for (; *lines; lines++) {
        n += *lines == '\n';
    }
    return n;
}

/* Only what follows its file as it is now is judged by it, and who is on no network at all. */
static bool is_comparable(const struct acc_engine *e, const struct instance *i)
{
    const struct service *s = &e->services[i->svc];
    const char *spec = i->spec[0] ? i->spec : s->applied;
    bool is_rolling = acc_rollout_active(s) && s->roll.is.step != ACC_ROLL_WATCH;

    return i->present && !i->is_spare && i->has_networks && !s->removed && !is_rolling &&
           (spec[0] == '\0' || strcmp(spec, s->spec) == 0 || !i->networks[0]);
}

/* The first of its file's networks that it isn't on, or NULL. */
static const char *lost_network(const struct acc_engine *e, const struct instance *i,
                                uint32_t *ret_n_networks)
{
    const struct service *s = &e->services[i->svc];

    *ret_n_networks = 0;
    for (uint32_t k = 0; k < s->n_res; k++) {
        const struct resource *res = &e->res[e->svc_res[s->first_res + k]];

        if (res->kind != ACC_RES_NETWORK) {
            continue;
        }
        ++*ret_n_networks;
        if (!is_on(i, res->name)) {
            return res->name;
        }
    }
    return NULL;
}

enum drift acc_inst_drift(const struct acc_engine *e, const struct instance *i,
                          const char **ret_network)
{
    const char *network;
    uint32_t n_networks;

    if (ret_network) {
        *ret_network = NULL;
    }
    if (i->obs != ACC_CTR_RUNNING || !is_comparable(e, i)) {
        return DRIFT_NONE;
    }
    network = lost_network(e, i, &n_networks);
    if (network) {
        if (ret_network) {
            *ret_network = network;
        }
        return DRIFT_CUT;
    }
    if (i->lacks_ports) {
        return DRIFT_PORTS;
    }
    return n_networks > 0 && count(i->networks) > n_networks ? DRIFT_EXTRA : DRIFT_NONE;
}

/* Also while it is tried: then it isn't compared with its file in any other way. */
bool acc_inst_is_off_network(const struct acc_engine *e, const struct instance *i)
{
    const struct service *s = &e->services[i->svc];
    uint32_t n_networks;

    return i->obs == ACC_CTR_RUNNING && i->present && i->has_networks && !i->op && !i->need_obs &&
           strcmp(i->spec, s->spec) == 0 && lost_network(e, i, &n_networks);
}

bool acc_svc_is_off_network(const struct acc_engine *e, const struct service *s)
{
    acc_each_slot (e, s, i) {
        if (acc_inst_drift(e, i, NULL) == DRIFT_CUT) {
            return true;
        }
    }
    return false;
}

/* By its file, which may name none at all: then it lives in another one's, or in the host's. */
static bool shares(const struct acc_engine *e, const struct service *s, const char *network)
{
    bool has_own = false;

    for (uint32_t k = 0; k < s->n_res; k++) {
        const struct resource *res = &e->res[e->svc_res[s->first_res + k]];

        if (res->kind == ACC_RES_NETWORK && strcmp(res->name, network) == 0) {
            return true;
        }
        has_own |= res->kind == ACC_RES_NETWORK;
    }
    return !has_own;
}

/* None is left of the networks that both are on by their files. */
static bool is_out_of_reach(const struct acc_engine *e, const struct instance *i,
                            const struct service *s)
{
    const struct service *d = &e->services[i->svc];
    bool has_lost = false;

    if (acc_inst_drift(e, i, NULL) != DRIFT_CUT) {
        return false;
    }
    for (uint32_t k = 0; k < d->n_res; k++) {
        const struct resource *res = &e->res[e->svc_res[d->first_res + k]];

        if (res->kind == ACC_RES_NETWORK && shares(e, s, res->name)) {
            if (is_on(i, res->name)) {
                return false;
            }
            has_lost = true;
        }
    }
    return has_lost;
}

bool acc_svc_out_of_reach(const struct acc_engine *e, const struct service *d,
                          const struct service *s)
{
    acc_each_slot (e, d, i) {
        if (is_out_of_reach(e, i, s)) {
            return true;
        }
    }
    return false;
}

bool acc_svc_is_cut(struct acc_engine *e, struct service *s)
{
    acc_each_slot (e, s, i) {
        if (acc_inst_drift(e, i, NULL) >= DRIFT_PORTS) {
            return true;
        }
    }
    return false;
}

const struct service *acc_svc_left_behind(struct acc_engine *e, struct service *s)
{
    acc_each_slot (e, s, i) {
        if (i->end != END_DEPENDENCY || !acc_inst_running(i)) {
            continue;
        }
        acc_each_out (e, s, edge) {
            const struct service *d = &e->services[edge->to];
            const struct instance *target = d->n_inst > 0 ? &e->inst[d->first_inst] : NULL;

            if (edge->kind == ACC_EDGE_BINDS &&
                (!target || !acc_inst_running(target) || target->run_ns > i->run_ns)) {
                return d;
            }
        }
    }
    return NULL;
}

/* Whether it runs or not. */
static const char *cut_from(const struct acc_engine *e, const struct instance *i)
{
    uint32_t n;

    return is_comparable(e, i) && i->epoch != 0 ? lost_network(e, i, &n) : NULL;
}

bool acc_svc_was_cut(struct acc_engine *e, struct service *s)
{
    acc_each_slot (e, s, i) {
        if (cut_from(e, i)) {
            return true;
        }
    }
    return false;
}

void acc_drift_mend(struct acc_engine *e, struct service *s)
{
    acc_each_slot (e, s, i) {
        if (acc_inst_drift(e, i, NULL) < DRIFT_PORTS && !cut_from(e, i)) {
            continue;
        }
        if (acc_change_must_keep(e, s, i)) {
            i->rejoin = true; /* it alone has its configuration: it is put on them as it is */
        } else {
            i->recreate = true;
        }
        acc_mark_around(e, s);
    }
}

static void say_mend(struct acc_engine *e, struct service *s, const struct instance *i, char *out,
                     size_t out_size)
{
    size_t len = strlen(out);

    if (!acc_svc_observing(e, s)) {
        (void)snprintf(out + len, out_size - len, "; %s: accctl restart %.100s",
                       acc_change_must_keep(e, s, i) ? "put it on again" : "make it anew", s->nick);
    }
}

void acc_drift_text(struct acc_engine *e, struct service *s, char *out, size_t out_size)
{
    out[0] = '\0';
    acc_each_slot (e, s, i) {
        const char *network;
        enum drift drift = acc_inst_drift(e, i, &network);

        if (drift < DRIFT_PORTS) {
            continue;
        }
        if (drift == DRIFT_CUT) {
            (void)snprintf(out, out_size, "was taken off its network %.100s by hand", network);
        } else {
            (void)snprintf(out, out_size, "has lost its published ports");
        }
        say_mend(e, s, i, out, out_size);
        return;
    }
}

void acc_drift_text_ended(struct acc_engine *e, struct service *s, char *out, size_t out_size)
{
    out[0] = '\0';
    acc_each_slot (e, s, i) {
        const char *network = acc_inst_running(i) ? NULL : cut_from(e, i);

        if (network) {
            (void)snprintf(out, out_size, "was taken off its network %.100s by hand", network);
            say_mend(e, s, i, out, out_size);
            return;
        }
    }
}
