#pragma once

/*
 * Tokens (E3, serialize): of all services that name the same one, one container at a time gets
 * ready, because loading a model or checking a database takes what the host has.
 *
 * Who holds a token follows from what is seen: from the start that is asked for until the container
 * is ready, or has ended, or is overdue. Who waits for others, or for a person, loads nothing
 * meanwhile: else the one that it waits for might wait for its token. All tokens of a service are
 * taken at once, so that no two can wait for each other.
 */

#include <stdbool.h>
#include <stdint.h>

struct acc_engine;
struct acc_model;
struct service;

/* A name of x-acc.serialize. */
struct serial {
    const char *name;
    uint32_t n_heavy; /* containers of its users that are getting ready */
};

/* Numbers of one kind that each service has, and the reverse: who has a number. */
struct links {
    uint32_t *of, *users;      /* owned */
    uint32_t *first, *n_users; /* owned; by number: where in `users` */
};

/* build_shared.c: conditions of the host and tokens, once the services are there. 0 or -ENOMEM. */
int acc_build_shared(struct acc_engine *e, const struct acc_model *model);
void acc_destroy_shared(struct acc_engine *e);

void acc_serial_update(struct acc_engine *e, struct service *s); /* after its roots are known */
/* Does nobody else with one of its tokens get ready just now? */
bool acc_serial_is_free(const struct acc_engine *e, const struct service *s);
/* ... and no other container of its own: may one be started? */
bool acc_serial_lets_start(const struct acc_engine *e, const struct service *s);
/* Whom it waits for, and by which token; NULL: for nobody. */
const struct service *acc_serial_holder(const struct acc_engine *e, const struct service *s,
                                        const char **ret_token);
