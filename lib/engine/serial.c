#include "lib/engine/serial.h"

#include "lib/engine/internal.h"

static bool is_heavy(const struct service *s, const struct instance *i)
{
    if ((i->op && i->op_type == ACC_ACT_START) || i->start_unsettled) {
        return true;
    }
    if (!i->present || i->obs != ACC_CTR_RUNNING || (i->is_spare && i->role != ROLE_CANDIDATE)) {
        return false;
    }
    return s->n_roots == 0 && !i->was_ready && !i->overdue && !i->waiting && !i->quarantined;
}

static uint32_t count(struct acc_engine *e, struct service *s)
{
    uint32_t n = 0;

    if (!s->wanted_up || s->removed || acc_svc_observing(e, s)) {
        return 0;
    }
    acc_each_inst (e, s, i) {
        n += is_heavy(s, i);
    }
    return n;
}

static uint32_t serial_at(const struct acc_engine *e, const struct service *s, uint32_t k)
{
    return e->serial_links.of[s->first_serial + k];
}

void acc_serial_update(struct acc_engine *e, struct service *s)
{
    uint32_t n = s->n_serial > 0 ? count(e, s) : 0;

    if (n == s->n_heavy) {
        return;
    }
    for (uint32_t k = 0; k < s->n_serial; k++) {
        uint32_t at = serial_at(e, s, k);

        e->serials[at].n_heavy += n - s->n_heavy;
        for (uint32_t u = 0; u < e->serial_links.n_users[at]; u++) {
            acc_mark(e, &e->services[e->serial_links.users[e->serial_links.first[at] + u]]);
        }
    }
    s->n_heavy = n;
}

bool acc_serial_is_free(const struct acc_engine *e, const struct service *s)
{
    for (uint32_t k = 0; k < s->n_serial; k++) {
        if (e->serials[serial_at(e, s, k)].n_heavy > s->n_heavy) {
            return false;
        }
    }
    return true;
}

bool acc_serial_lets_start(const struct acc_engine *e, const struct service *s)
{
    return s->n_heavy == 0 && acc_serial_is_free(e, s);
}

const struct service *acc_serial_holder(const struct acc_engine *e, const struct service *s,
                                        const char **ret_token)
{
    for (uint32_t k = 0; k < s->n_serial; k++) {
        uint32_t at = serial_at(e, s, k);

        for (uint32_t u = 0; u < e->serial_links.n_users[at]; u++) {
            const struct service *other =
                &e->services[e->serial_links.users[e->serial_links.first[at] + u]];

            if (other->n_heavy > 0 && other != s) {
                *ret_token = e->serials[at].name;
                return other;
            }
        }
    }
    return NULL;
}
