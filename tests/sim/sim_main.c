/*
 * sim: one seed with its story, or many seeds.
 *
 *     sim --seed N [--trace]      sim --from A --to B [--quick] [--upgrades] [--hashes]
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/str.h"
#include "tests/sim/world.h"

static bool run(uint64_t seed, bool trace, bool quick, bool upgrades, bool hashes, uint64_t *steps)
{
    static struct world w;
    struct world_options options = world_options_of(seed);
    bool ok;

    options.trace = trace ? stdout : NULL;
    options.quick = quick || upgrades;
    options.upgrades = upgrades;
    options.calm = options.calm && !upgrades;
    world_open(&w, &options);
    ok = world_run(&w);
    *steps += w.n_steps;
    if (!ok) {
        (void)printf("%s\n", w.violation);
    } else if (trace) {
        (void)printf("seed %" PRIu64 ": %zu services, %" PRIu64 " steps, %" PRIu64
                     " actions, %" PRIu64 " lives, hash %016" PRIx64 "\n",
                     seed, w.graph.model->n_services, w.n_steps, w.n_actions, w.n_lives, w.hash);
    }
    if (hashes) {
        (void)printf("%" PRIu64 " %016" PRIx64 "\n", seed, w.hash);
    }
    (void)fflush(stdout);
    world_close(&w);
    return ok;
}

static int usage(void)
{
    (void)fprintf(stderr, "usage: sim --seed N [--trace] | --from A --to B [--quick] [--hashes]\n");
    return 2;
}

int main(int argc, char **argv)
{
    uint64_t from = 0, to = 0, n_bad = 0, steps = 0;
    bool trace = false, quick = false, upgrades = false, hashes = false;

    for (int i = 1; i < argc; i++) {
        bool has_value = i + 1 < argc;

        if (strcmp(argv[i], "--trace") == 0) {
            trace = true;
        } else if (strcmp(argv[i], "--quick") == 0) {
            quick = true;
        } else if (strcmp(argv[i], "--upgrades") == 0) {
            upgrades = true;
        } else if (strcmp(argv[i], "--hashes") == 0) {
            hashes = true;
        } else if (strcmp(argv[i], "--seed") == 0 && has_value && acc_parse_u64(argv[++i], &from)) {
            to = from;
        } else if (strcmp(argv[i], "--from") == 0 && has_value && acc_parse_u64(argv[++i], &from)) {
            to = to < from ? from : to;
        } else if (strcmp(argv[i], "--to") != 0 || !has_value || !acc_parse_u64(argv[++i], &to)) {
            return usage();
        }
    }
    for (uint64_t seed = from; seed <= to; seed++) {
        n_bad += run(seed, trace, quick, upgrades, hashes, &steps) ? 0 : 1;
    }
    (void)printf("%" PRIu64 " seeds, %" PRIu64 " bad, %" PRIu64 " steps\n", to - from + 1, n_bad,
                 steps);
    return n_bad > 0 ? 1 : 0;
}
