#pragma once

/*
 * Named values: the project environment, and what an env file adds to it.
 *
 * Made in an arena; the table itself is on the heap, so each one ends with acc_compose_env_fini().
 */

#include "lib/compose/internal.h"

struct acc_env_var;

struct acc_compose_env {
    const struct acc_compose_env *parent; /* its values win; NULL: none. Borrowed */
    struct acc_arena *arena;              /* borrowed */
    struct acc_env_var *vars;
    bool is_broken; /* a file of it has errors: who isn't there may be set nevertheless */
};

void acc_compose_env_init(struct acc_compose_env *env, const struct acc_compose_env *parent,
                          struct acc_arena *arena);
void acc_compose_env_fini(struct acc_compose_env *env);
/* Replaces an older value. Both are copied. 0 or -ENOMEM. */
int acc_compose_env_put(struct acc_compose_env *env, const char *name, size_t name_len,
                        const char *value, size_t value_len);
/* It, or a parent; also NULL, which is not. */
bool acc_compose_env_is_broken(const struct acc_compose_env *env);
/* Without the parents. */
const char *acc_compose_env_get_own(const struct acc_compose_env *env, const char *name);

/* Its own variables in the order in which they first came. */
struct acc_env_var *acc_compose_env_first(const struct acc_compose_env *env);
struct acc_env_var *acc_compose_env_next(const struct acc_env_var *var);
const char *acc_env_var_name(const struct acc_env_var *var);
const char *acc_env_var_value(const struct acc_env_var *var);
