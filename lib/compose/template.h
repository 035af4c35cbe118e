#pragma once

/*
 * ${NAME} in a text: Compose's interpolation grammar (compose-go template/template.go of 2.9).
 *
 *     $$                 a dollar sign
 *     $NAME  ${NAME}     the value, or "" and a warning when unset
 *     ${NAME:-x} ${NAME-x}   x when unset (with `:` also when empty)
 *     ${NAME:+x} ${NAME+x}   x when set (with `:`: and not empty)
 *     ${NAME:?x} ${NAME?x}   an error that says x when unset (or empty)
 *
 * x is a template itself and is evaluated whether it is used or not, as Compose 2.40 does. A value
 * that was put in is not looked at again. A $ before anything else is a plain character.
 */

#include <stddef.h>

#include "lib/base/arena.h"

/* What one text may grow to: an env file or an inline config. */
#define ACC_TEMPLATE_TEXT_MAX  (16u * 1024u * 1024u)
#define ACC_TEMPLATE_ERROR_MAX 400

struct acc_template {
    struct acc_arena *arena;
    /* The value, or NULL when unset. */
    const char *(*lookup)(void *ctx, const char *name);
    void (*on_unset)(void *ctx, const char *name); /* may be NULL */
    void *ctx;
};

/* 0 and `*ret_text`, which is `text` itself when nothing is in it to replace, else in the arena.
 * -EINVAL with the problem in `reterr_problem` (ACC_TEMPLATE_ERROR_MAX bytes); -ENOMEM. */
int acc_template_expand(const struct acc_template *template, const char *text,
                        const char **ret_text, char *reterr_problem);
