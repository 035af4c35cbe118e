#include "lib/compose/env.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/compose/hash_table.h"

struct acc_env_var {
    const char *name;
    const char *value;
    bool is_lost; /* uthash had no memory for it */
    UT_hash_handle hh;
};

void acc_compose_env_init(struct acc_compose_env *env, const struct acc_compose_env *parent,
                          struct acc_arena *arena)
{
    *env = (struct acc_compose_env){.parent = parent, .arena = arena};
}

void acc_compose_env_fini(struct acc_compose_env *env)
{
    HASH_CLEAR(hh, env->vars); /* the variables are the arena's */
}

int acc_compose_env_put(struct acc_compose_env *env, const char *name, size_t name_len,
                        const char *value, size_t value_len)
{
    struct acc_env_var *var = NULL;
    char *copy = acc_arena_strndup(env->arena, value, value_len);

    if (!copy) {
        return -ENOMEM;
    }
    HASH_FIND(hh, env->vars, name, name_len, var);
    if (!var) {
        var = acc_arena_alloc(env->arena, sizeof(*var));
        if (!var) {
            return -ENOMEM;
        }
        var->name = acc_arena_strndup(env->arena, name, name_len);
        if (!var->name) {
            return -ENOMEM;
        }
        HASH_ADD_KEYPTR(hh, env->vars, var->name, name_len, var);
        if (var->is_lost) {
            return -ENOMEM;
        }
    }
    var->value = copy;
    return 0;
}

const char *acc_compose_env_get_own(const struct acc_compose_env *env, const char *name)
{
    struct acc_env_var *var = NULL;

    HASH_FIND_STR(env->vars, name, var);
    return var ? var->value : NULL;
}

const char *acc_compose_env_get(const struct acc_compose_env *env, const char *name)
{
    const char *value = NULL;

    /* A chain is as long as includes are nested. */
    if (env && env->parent) {
        value = acc_compose_env_get(env->parent, name);
    }
    return value || !env ? value : acc_compose_env_get_own(env, name);
}

bool acc_compose_env_is_broken(const struct acc_compose_env *env)
{
    for (; env; env = env->parent) {
        if (env->is_broken) {
            return true;
        }
    }
    return false;
}

struct acc_env_var *acc_compose_env_first(const struct acc_compose_env *env)
{
    return env->vars;
}

struct acc_env_var *acc_compose_env_next(const struct acc_env_var *var)
{
    return var->hh.next;
}

const char *acc_env_var_name(const struct acc_env_var *var)
{
    return var->name;
}

const char *acc_env_var_value(const struct acc_env_var *var)
{
    return var->value;
}
