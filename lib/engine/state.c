/*
 * The whole state as text, and an engine made of it: what `accctl drill` begins with on a host that
 * runs, and what a saved decision is decided on.
 *
 *     was gone STACK SERVICE N            a service that left the file; its containers
 *     was engine FIELD=VALUE ...
 *     was stack|phase|res|condition|serial|incident K ...  by their places in the tables
 *     was service K ...                   and its containers:
 *     was inst K SLOT|spare ...
 *     was set NAME K ...                  who waits for what
 *     was due K MS
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/engine/state.h"

#define SETS (2 + TOKEN_COUNT + RES_KINDS)

static struct acc_bits *set_at(struct acc_engine *e, size_t k)
{
    return k == 0                ? &e->dirty
           : k == 1              ? &e->act
           : k < 2 + TOKEN_COUNT ? &e->queued[k - 2]
                                 : &e->res_due[k - 2 - TOKEN_COUNT];
}

/* What the table calls by number, and where its `k`-th is. NULL: there is no such. */
static void *object_at(struct acc_engine *e, enum acc_state_kind kind, size_t k)
{
    switch (kind) {
    case ACC_STATE_ENGINE:
        return k == 0 ? e : NULL;
    case ACC_STATE_STACK:
        return k < e->n_stacks ? &e->stacks[k] : NULL;
    case ACC_STATE_PHASE:
        return k < e->n_phases ? &e->phases[k] : NULL;
    case ACC_STATE_RES:
        return k < e->n_res ? &e->res[k] : NULL;
    case ACC_STATE_CONDITION:
        return k < e->n_conditions ? &e->conditions[k] : NULL;
    case ACC_STATE_SERIAL:
        return k < e->n_serials ? &e->serials[k] : NULL;
    case ACC_STATE_INCIDENT:
        return k < e->n_incidents ? &e->incidents[k] : NULL;
    case ACC_STATE_SERVICE:
        return k < e->n_services ? &e->services[k] : NULL;
    case ACC_STATE_INST:
        break;
    }
    return NULL;
}

/* --- writing --------------------------------------------------------------------------------- */

static void put_one(const void *object, enum acc_state_kind kind, bool with_private,
                    struct acc_buf *out)
{
    acc_fields_put(object, acc_state_table[kind].fields, acc_state_table[kind].n_fields,
                   with_private, out);
    (void)acc_buf_puts(out, "\n");
}

static void put_all(struct acc_engine *e, enum acc_state_kind kind, size_t n, bool with_private,
                    struct acc_buf *out)
{
    for (size_t k = 0; k < n; k++) {
        (void)acc_buf_printf(out, "was %s %zu", acc_state_table[kind].name, k);
        put_one(object_at(e, kind, k), kind, with_private, out);
    }
}

static void put_gone(struct acc_engine *e, struct acc_buf *out)
{
    for (uint32_t v = 0; v < e->n_services; v++) {
        const struct service *s = &e->services[v];
        uint32_t n = 0;

        if (!s->removed) {
            continue;
        }
        acc_each_inst (e, s, i) {
            n++;
        }
        (void)acc_buf_puts(out, "was gone ");
        acc_fields_put_text(e->stacks[s->stack].name, out);
        (void)acc_buf_puts(out, " ");
        acc_fields_put_text(s->name, out);
        (void)acc_buf_printf(out, " %u\n", (unsigned)n);
    }
}

/* The last spare of a list first: each that is read is put before the others. */
static void put_spares(struct acc_engine *e, uint32_t spare, bool with_private, struct acc_buf *out)
{
    if (spare != ACC_NONE) {
        put_spares(e, e->inst[spare].next_spare, with_private, out);
        (void)acc_buf_printf(out, "was inst %u spare %u", (unsigned)e->inst[spare].svc,
                             (unsigned)e->inst[spare].slot);
        put_one(&e->inst[spare], ACC_STATE_INST, with_private, out);
    }
}

static void put_instances(struct acc_engine *e, bool with_private, struct acc_buf *out)
{
    for (uint32_t v = 0; v < e->n_services; v++) {
        const struct service *s = &e->services[v];

        acc_each_slot (e, s, i) {
            (void)acc_buf_printf(out, "was inst %u %u", (unsigned)v, (unsigned)i->slot);
            put_one(i, ACC_STATE_INST, with_private, out);
        }
        put_spares(e, s->spare, with_private, out);
    }
}

static void put_sets(struct acc_engine *e, struct acc_buf *out)
{
    for (size_t k = 0; k < SETS; k++) {
        const struct acc_bits *set = set_at(e, k);

        if (set->n_set == 0) {
            continue;
        }
        (void)acc_buf_printf(out, "was set %zu", k);
        for (uint32_t at = 0; at < set->n_words * 64; at++) {
            if (acc_bits_has(set, at)) {
                (void)acc_buf_printf(out, " %u", (unsigned)at);
            }
        }
        (void)acc_buf_puts(out, "\n");
    }
    for (uint32_t v = 0; v < e->n_services; v++) {
        if (e->wakes.key[v] != UINT64_MAX) {
            (void)acc_buf_printf(out, "was due %u %llu\n", (unsigned)v,
                                 (unsigned long long)e->wakes.key[v]);
        }
    }
}

int acc_engine_state_put(const struct acc_engine *engine, bool with_private, struct acc_buf *out)
{
    union {
        const struct acc_engine *in;
        struct acc_engine *out;
    } cast = {engine};
    struct acc_engine *e = cast.out;

    put_gone(e, out);
    put_all(e, ACC_STATE_ENGINE, 1, with_private, out);
    put_all(e, ACC_STATE_STACK, e->n_stacks, with_private, out);
    put_all(e, ACC_STATE_PHASE, e->n_phases, with_private, out);
    put_all(e, ACC_STATE_RES, e->n_res, with_private, out);
    put_all(e, ACC_STATE_CONDITION, e->n_conditions, with_private, out);
    put_all(e, ACC_STATE_SERIAL, e->n_serials, with_private, out);
    put_all(e, ACC_STATE_INCIDENT, e->n_places, with_private, out);
    put_all(e, ACC_STATE_SERVICE, e->n_services, with_private, out);
    put_instances(e, with_private, out);
    put_sets(e, out);
    return out->failed ? -ENOMEM : 0;
}

/* --- reading --------------------------------------------------------------------------------- */

/* The next word, cut off; NULL at the end of the line. */
static char *next_word(char **rest)
{
    char *word;

    do {
        word = strsep(rest, " ");
    } while (word && *word == '\0');
    return word;
}

static bool next_number(char **rest, uint64_t *ret)
{
    char *word = next_word(rest);
    char *end = NULL;

    *ret = word ? strtoull(word, &end, 10) : 0;
    return word && *word && *end == '\0';
}

static bool read_fields(void *object, enum acc_state_kind kind, char *rest)
{
    const struct acc_state_table *table = &acc_state_table[kind];

    acc_fields_clear(object, table->fields, table->n_fields);
    for (char *word; (word = next_word(&rest));) {
        if (!acc_fields_read(object, table->fields, table->n_fields, word)) {
            return false;
        }
    }
    return true;
}

static bool read_instance(struct acc_engine *e, char *rest)
{
    uint64_t svc;
    uint64_t slot;
    struct instance *i = NULL;
    bool is_spare;

    if (!next_number(&rest, &svc) || svc >= e->n_services) {
        return false;
    }
    struct service *s = &e->services[svc];

    is_spare = rest && strncmp(rest, "spare ", 6) == 0;
    if (is_spare) {
        (void)next_word(&rest);
    }
    if (!next_number(&rest, &slot) || slot == 0 || slot > UINT32_MAX) {
        return false;
    }
    if (is_spare) {
        i = acc_spare_take(e, s, (uint32_t)slot);
    } else if (slot <= s->n_inst) {
        i = &e->inst[s->first_inst + slot - 1];
    }
    if (!i || !read_fields(i, ACC_STATE_INST, rest)) {
        return false;
    }
    i->cid_hash = acc_hash_text(i->cid);
    acc_inst_reindex(e, i);
    return true;
}

static bool read_set(struct acc_engine *e, char *rest)
{
    uint64_t k;
    uint64_t at;

    if (!next_number(&rest, &k) || k >= SETS) {
        return false;
    }
    while (rest && *rest) {
        struct acc_bits *set = set_at(e, (size_t)k);

        if (!next_number(&rest, &at) || at / 64 >= set->n_words) {
            return false;
        }
        acc_bits_set(set, (uint32_t)at);
    }
    return true;
}

static bool read_due(struct acc_engine *e, char *rest)
{
    uint64_t svc;
    uint64_t at_ms;

    if (!next_number(&rest, &svc) || !next_number(&rest, &at_ms) || svc >= e->n_services) {
        return false;
    }
    acc_heap_set(&e->wakes, (uint32_t)svc, at_ms);
    return true;
}

static bool read_line(struct acc_engine *e, char *line)
{
    char *rest = line;
    const char *word = next_word(&rest);
    const char *what = next_word(&rest);
    uint64_t k;

    if (!word) {
        return true; /* an empty line */
    }
    if (strcmp(word, "was") != 0 || !what) {
        return false;
    }
    if (strcmp(what, "gone") == 0) {
        return true; /* it is in the tables already */
    }
    if (strcmp(what, acc_state_table[ACC_STATE_INST].name) == 0) {
        return read_instance(e, rest);
    }
    if (strcmp(what, "set") == 0) {
        return read_set(e, rest);
    }
    if (strcmp(what, "due") == 0) {
        return read_due(e, rest);
    }
    for (int kind = 0; kind < ACC_STATE_KIND_COUNT; kind++) {
        void *object;

        if (strcmp(what, acc_state_table[kind].name) == 0 && next_number(&rest, &k)) {
            object = object_at(e, (enum acc_state_kind)kind, (size_t)k);
            return object && read_fields(object, (enum acc_state_kind)kind, rest);
        }
    }
    return false;
}

/* What is found by numbers and ids again; instances are done when they are read. */
static bool index_rest(struct acc_engine *e)
{
    for (uint32_t v = 0; v < e->n_services; v++) {
        const struct service *s = &e->services[v];

        if (s->roll.op) {
            acc_index_put(&e->by_op, acc_hash_u64(s->roll.op), v | ACC_OP_OF_ROLL);
        }
        for (uint32_t k = 0; k < s->n_roots && k < ACC_ROOTS_MAX; k++) {
            if (s->roots[k] >= e->n_services && (!acc_root_is_host(s->roots[k]) ||
                                                 s->roots[k] - ACC_ROOT_HOST >= e->n_conditions)) {
                return false;
            }
        }
        if (s->n_roots > ACC_ROOTS_MAX || s->n_ring > ACC_FAILURES_MAX ||
            s->n_unsettled > ACC_UNSETTLED_MAX || s->n_stable > ACC_REVISIONS_MAX ||
            s->n_hits > ACC_HITS_MAX || s->n_suffers > ACC_ROOTS_MAX ||
            (s->incident != ACC_NONE && s->incident >= e->n_incidents)) {
            return false;
        }
    }
    for (uint32_t k = 0; k < e->n_conditions; k++) {
        const struct condition *c = &e->conditions[k];
        const uint32_t links[] = {c->mount, c->prev_lost, c->next_lost, c->first_lost, c->declared};

        if (c->incident != ACC_NONE && c->incident >= e->n_incidents) {
            return false;
        }
        for (size_t i = 0; i < ACC_ARRAY_LEN(links); i++) {
            if (links[i] != ACC_NONE && links[i] >= e->n_conditions) {
                return false;
            }
        }
    }
    for (uint32_t r = 0; r < e->n_res; r++) {
        if (e->res[r].op) {
            acc_index_put(&e->by_op, acc_hash_u64(e->res[r].op), r | ACC_OP_OF_RES);
        }
    }
    acc_host_index(e);
    return e->n_places <= e->n_incidents;
}

/* The services of "was gone" lines. Names point into `copy`, which is cut up. */
static int find_gone(char *copy, struct acc_orphan **ret_orphans, uint32_t *ret_n)
{
    struct acc_orphan *orphans = NULL;
    char *rest = copy;

    *ret_n = 0;
    for (char *line; (line = strsep(&rest, "\n"));) {
        struct acc_orphan *more;
        uint64_t n;
        char *at = line + 9;

        if (strncmp(line, "was gone ", 9) != 0) {
            continue;
        }
        more = realloc(orphans, (*ret_n + 1) * sizeof(*orphans));
        if (!more) {
            free(orphans);
            return -ENOMEM;
        }
        orphans = more;
        orphans[*ret_n] = (struct acc_orphan){next_word(&at), next_word(&at), 0};
        if (!orphans[*ret_n].service || !next_number(&at, &n)) {
            free(orphans);
            return -EINVAL;
        }
        orphans[(*ret_n)++].n = (uint32_t)n;
    }
    *ret_orphans = orphans;
    return 0;
}

static int build(const struct acc_model *model, const char *text, struct acc_engine **ret_engine)
{
    char *copy = strdup(text);
    struct acc_leftovers left = {0};
    struct acc_orphan *orphans = NULL;
    int r = copy ? find_gone(copy, &orphans, &left.n_orphans) : -ENOMEM;

    left.orphans = orphans;
    for (uint32_t k = 0; r == 0 && k < left.n_orphans; k++) {
        left.n_spares += orphans[k].n;
    }
    /* a reconfiguration may have kept more places than a start would make */
    for (const char *at = text; r == 0 && (at = strstr(at, " spare ")); at++) {
        left.n_spares++;
    }
    r = r == 0 ? acc_build(model, NULL, &left, ret_engine) : r;
    free(orphans);
    free(copy);
    return r;
}

int acc_engine_create_from(const struct acc_model *model, const char *text,
                           struct acc_engine **ret_engine)
{
    struct acc_engine *e = NULL;
    char *copy = strdup(text);
    char *rest = copy;
    int r = copy ? build(model, text, &e) : -ENOMEM;

    for (char *line; r == 0 && (line = strsep(&rest, "\n"));) {
        r = read_line(e, line) ? 0 : -EINVAL;
    }
    r = r == 0 && !index_rest(e) ? -EINVAL : r;
    free(copy);
    if (r < 0) {
        acc_engine_destroy(e);
        return r;
    }
    *ret_engine = e;
    return 0;
}

/* --- what a Docker that goes on from here has to know ---------------------------------------- */

bool acc_engine_container(const struct acc_engine *engine, uint32_t svc, uint32_t at,
                          struct acc_obs *ret_obs)
{
    union {
        const struct acc_engine *in;
        struct acc_engine *out;
    } cast = {engine};
    struct acc_engine *e = cast.out;
    const struct service *s = &e->services[svc];

    acc_each_inst (e, s, i) {
        if (at-- > 0) {
            continue;
        }
        *ret_obs = (struct acc_obs){.number = i->slot,
                                    .state = i->obs,
                                    .pid = i->pid,
                                    .exit_code = i->exit_code,
                                    .oom_killed = i->oom,
                                    .started_ns = i->started_ns,
                                    .finished_ns = i->finished_ns,
                                    .has_health = i->has_health,
                                    .interval_ms = i->interval_ms,
                                    .timeout_ms = i->timeout_ms,
                                    .start_period_ms = i->start_period_ms,
                                    .retries = i->retries,
                                    .health = i->health,
                                    .health_start_ns = i->health_ns,
                                    .health_end_ns = i->health_ns,
                                    .failing_streak = i->health == ACC_DH_UNHEALTHY ? i->retries
                                                                                    : 0,
                                    .health_exit = i->health_exit,
                                    .unrouted = i->unrouted,
                                    .drain_file = i->drain_file,
                                    .has_networks = i->has_networks,
                                    .lacks_ports = i->lacks_ports,
                                    .n_ports = i->n_ports,
                                    .restart = i->policy,
                                    .restart_max = i->policy_max};
        acc_copy(ret_obs->networks, sizeof(ret_obs->networks), i->networks);
        acc_copy(ret_obs->volumes, sizeof(ret_obs->volumes), i->volumes);
        acc_copy(ret_obs->shares, sizeof(ret_obs->shares), i->shares);
        if (i->revision) {
            (void)snprintf(ret_obs->revision, sizeof(ret_obs->revision), "%u",
                           (unsigned)i->revision);
        }
        acc_copy(ret_obs->cid, sizeof(ret_obs->cid), i->present ? i->cid : "");
        acc_copy(ret_obs->name, sizeof(ret_obs->name), i->name);
        acc_copy(ret_obs->project, sizeof(ret_obs->project), e->stacks[s->stack].name);
        acc_copy(ret_obs->service, sizeof(ret_obs->service), s->name);
        acc_copy(ret_obs->spec_hash, sizeof(ret_obs->spec_hash), i->spec);
        acc_copy(ret_obs->image_id, sizeof(ret_obs->image_id), i->image_id);
        return true;
    }
    return false;
}

size_t acc_engine_pending(const struct acc_engine *engine, uint64_t *ops, uint64_t *probes,
                          size_t *ret_n_probes)
{
    size_t n = 0;

    *ret_n_probes = 0;
    for (uint32_t k = 0; k <= engine->by_op.mask; k++) {
        uint32_t what = engine->by_op.slot[k].value;
        uint32_t at = what & ACC_OP_INDEX;

        if (what == ACC_NONE) {
            continue;
        }
        if (what & ACC_OP_OF_PROBE) {
            probes[(*ret_n_probes)++] = engine->inst[at].probe_op;
        } else {
            ops[n++] = what & ACC_OP_OF_RES    ? engine->res[at].op
                       : what & ACC_OP_OF_ROLL ? engine->services[at].roll.op
                       : what & ACC_OP_OF_HOOK ? engine->inst[at].hook_op
                                               : engine->inst[at].op;
        }
    }
    return n;
}

size_t acc_engine_n_pending(const struct acc_engine *engine)
{
    return engine->by_op.n;
}

uint64_t acc_engine_now(const struct acc_engine *engine)
{
    return engine->now;
}
