/*
 * Files change: what one says of its services is another thing now, well or badly, and accd is told
 * of it (`apply`). A container carries what it was made of.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "tests/sim/world.h"

#define MINUTE UINT64_C(60000)
/* What a file changes at once. */
#define CHANGES_MAX 4u
/* The end of a hash: which version of the file, and whether what is made of it soon ends. */
#define MARK_LEN 8u
#define MARK_BAD 'x' /* no drawn hash has it */

void world_change_init(struct world *w)
{
    struct acc_model *model = w->graph.model;
    struct sim_rand rand = {.state = w->options.seed ^ UINT64_C(0xc4a9e)};

    bool has_changes = w->options.upgrades && !w->options.one_stream && w->options.seed % 3 == 0;

    w->n_changes = 0;
    if (has_changes) { /* the seeds that are regressions are none of these */
        w->faults.change = MINUTE * sim_rand_range(&rand, 2, 20);
    }
    for (size_t i = 0; i < model->n_phases && (has_changes || world_has_groups(&w->options)); i++) {
        model->phases[i].rollback = (enum acc_rollback_scope)(sim_rand_below(&rand, 3));
    }
}

bool world_is_bad_spec(const char *spec_hash)
{
    return spec_hash[0] && spec_hash[strlen(spec_hash) - 1] == MARK_BAD;
}

static void change_one(struct world *w, uint32_t svc)
{
    char *hash = w->graph.model->services[svc]->spec_hash;
    const struct twin_container *c = world_container(w, svc, 1);
    uint64_t luck = sim_rand_below(world_fate(w), 8);

    if (luck == 0 && c) { /* as it was */
        memcpy(hash, c->made.spec_hash, ACC_HASH_LEN + 1);
    } else {
        (void)snprintf(hash + ACC_HASH_LEN - MARK_LEN, MARK_LEN + 1, "%07" PRIu64 "%c",
                       ++w->n_changes % 10000000, luck < 4 ? MARK_BAD : '0');
    }
    world_trace(w, "  the file of %s changes: %s%s", world_service_id(w, svc),
                hash + ACC_HASH_LEN - MARK_LEN, world_is_bad_spec(hash) ? ", badly" : "");
    w->oracle.service[svc].refused_spec[0] = '\0';
    oracle_disturb(&w->oracle, svc);
}

void world_change_strike(struct world *w)
{
    uint32_t n = 1 + (uint32_t)sim_rand_below(world_fate(w), CHANGES_MAX);

    for (uint32_t i = 0; i < n; i++) {
        uint32_t svc = (uint32_t)sim_rand_below(world_fate(w), w->graph.model->n_services);

        if (!cut_has_service(w, svc)) {
            change_one(w, svc);
        }
    }
    world_apply(w);
}
