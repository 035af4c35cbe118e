#pragma once

/*
 * Env files: KEY=VALUE lines as Compose reads them (compose-go dotenv/parser.go of 2.9).
 *
 *     # comment          KEY=a b # comment      KEY='raw, may span lines'
 *     export KEY=VALUE   KEY: VALUE             KEY="with \n, ${VAR}, may span lines"
 *     KEY                takes the value from the lookup, if it has one
 */

#include "lib/compose/env.h"

struct acc_dotenv_source {
    const char *file; /* for messages; borrowed */
    const char *text;
    size_t len;
    /* Asked first; then the values read so far. NULL when unset. */
    const char *(*lookup)(void *ctx, const char *name);
    void *ctx;
    /* Told when ${NAME} is neither, or NULL. */
    void (*on_unset)(void *ctx, const char *name);
};

/* Put all variables into `out`. 0; -EINVAL with the errors in `diags`, which never show a value, and
 * in `out` the variables of the lines that are right; -ENOMEM. */
int acc_dotenv_parse(const struct acc_dotenv_source *source, struct acc_compose_env *out,
                     struct acc_diags *diags);
/* format: raw. KEY=VALUE lines with nothing interpreted, as `docker run --env-file` reads them. */
int acc_dotenv_parse_raw(const struct acc_dotenv_source *source, struct acc_compose_env *out,
                         struct acc_diags *diags);
