#pragma once

/*
 * Models for tests of the engine, from a line of text; no Compose needed.
 *
 *     "app: db h p; web n:db n:!cache x2; cache; job m:db r0"
 *
 * A stack's name and its services. After a service's name: an edge (b n m w a c: binds, needs,
 * milestone, wants, after, conflicts; before the target `!` runs, `*` completed, `^` restart and
 * `-` stop when it goes down, `@` at create only), `h` has a health check, `p` declares port 80,
 * `xN` replicas, `r0` restart "no", `rf` on-failure, `rfN` on-failure:N, `s` stateful, `B` a
 * command before an upgrade, `P` pauses when one fails, `A` upgrades by itself from 03:00 to 05:00
 * what is a day old, `u` report when unhealthy. Each service has an image of its own and the
 * stack's network.
 */

#include "lib/model/spec.h"

/* `n` stacks. Aborts when the text is wrong: it is the test's own. acc_model_destroy() ends it. */
struct acc_model *model_build_n(const char *const *stacks, size_t n);
struct acc_model *model_build(const char *stack);
/* The index of a service by its id or unique name; aborts when there is none. */
uint32_t model_index(const struct acc_model *model, const char *name);
/* Another version of it: the hash of the resolved service changes. */
void model_touch(struct acc_model *model, const char *name);
