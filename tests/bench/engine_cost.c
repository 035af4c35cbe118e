/*
 * engine_cost: what one failure's cascade costs, as JSON lines for tests/bench/engine.
 *
 *     engine_cost SERVICES...
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "lib/base/str.h"
#include "tests/unit/herd.h"

#define CASCADES_MAX 50u
#define HOUR_MS      3600000u

static uint64_t now_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Each of a stack of its own as long as there are some; three a service in an hour are too many. */
static void measure(uint32_t n_services)
{
    struct herd herd;
    uint32_t n_stacks = n_services / HERD_STACK;
    uint64_t begin_ns = now_ns();
    uint64_t open_ns, visits, n_visits = 0, best_ns = UINT64_MAX;

    herd_open(&herd, n_services);
    open_ns = now_ns() - begin_ns;
    herd.ns = now_ns;
    for (uint32_t i = 0; i < CASCADES_MAX; i++) {
        herd.n_steps = herd.step_ns = 0;
        visits = acc_engine_visits(herd.engine);
        herd_cascade(&herd, (n_stacks / 2 + i * 7) % n_stacks);
        n_visits = acc_engine_visits(herd.engine) - visits;
        best_ns = herd.step_ns < best_ns ? herd.step_ns : best_ns;
        herd_run(&herd, 2 * HOUR_MS);
    }
    (void)printf("{\"services\": %u, \"edges\": %u, \"steps\": %" PRIu64 ", \"visits\": %" PRIu64
                 ", \"best_ns\": %" PRIu64 ", \"up_ns\": %" PRIu64 "}\n",
                 n_services, 4 * n_services, herd.n_steps, n_visits, best_ns, open_ns);
    herd_close(&herd);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        uint64_t n;

        if (!acc_parse_u64(argv[i], &n) || n == 0 || n % HERD_STACK != 0) {
            (void)fprintf(stderr, "engine_cost: %s: a multiple of %u\n", argv[i], HERD_STACK);
            return 2;
        }
        measure((uint32_t)n);
    }
    return 0;
}
