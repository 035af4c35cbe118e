#pragma once

/*
 * What is left out of a seed's story. Each part draws from a stream of its own (rand.h), so the
 * others stay what they are.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct world;

enum cut_kind {
    CUT_TRIAL,   /* `at`: which one after the faults */
    CUT_FAULT,   /* `at`: all faults of a kind */
    CUT_QUIRK,   /* `at`: a quirk of Docker's */
    CUT_SERVICE, /* `at`: it has no containers, nobody depends on it, and nothing happens to it */
    CUT_EVENT,   /* `at`: the kind, `number`: that one fault */
    CUT_HABIT,   /* `at`: the service, `number`: what it does by itself */
    CUT_EDGE,    /* `at`: the service, `number`: that edge of it */
};

struct cut {
    enum cut_kind kind;
    uint32_t at, number;
};

struct cuts {
    const struct cut *item; /* borrowed */
    size_t n;
};

bool cut_has(const struct cuts *cuts, enum cut_kind kind, uint32_t at, uint32_t number);
bool cut_has_service(const struct world *world, uint32_t svc);
/* To what was drawn, before anything begins. */
void cut_apply(struct world *world);

/* How many there are of a kind, and what they are called. `at` counts services, faults, quirks. */
#define CUT_HABITS 4u /* crashes, falls ill, suffers with what it needs, fails at its work */
#define CUT_QUIRKS 15u
const char *cut_quirk_name(uint32_t quirk);
const char *cut_habit_name(uint32_t habit);
bool cut_has_quirk(const struct world *world, uint32_t quirk); /* it was drawn */
bool cut_has_habit(const struct world *world, uint32_t svc, uint32_t habit);
